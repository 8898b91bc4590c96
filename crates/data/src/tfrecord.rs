//! TFRecord files of `tf.train.Example` messages, read as far as labelled images need it; and records of any data, written.
//!
//! A record is its length (u64, little-endian), the masked CRC-32C of the length, the data, and the masked CRC-32C of the data
//! (`tensorflow/core/lib/io/record_writer.h`). Listing reads lengths and labels and leaps over images; a record's own
//! checksum is checked each time its image is read.

use crate::ImageError;
use crate::location::Record;
use crate::protobuf::{Field, bytes, next, varint};
use crate::stored_file::{StoredFile, Window};

/// Bytes around a record's data: length and its checksum before, the data's checksum after.
const HEAD: u64 = 12;
const FOOT: u64 = 4;
/// Names of features are short.
const LONGEST_KEY: u64 = 1 << 10;

/// What a record holds: its image, and the label as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) record: Record,
    pub(crate) label: i64,
}

/// A whole file's records.
#[derive(Debug, Default)]
pub(crate) struct Examples {
    pub(crate) examples: Vec<Example>,
    /// Records whose data do not match their checksum and cannot be read: offset of the record.
    pub(crate) broken: Vec<u64>,
}

/// Lists the records of a file that hold the features `image` (bytes) and `label` (an integer). The error says what is
/// wrong, and at which byte.
pub(crate) fn list(file: &StoredFile, image: &str, label: &str) -> Result<Examples, String> {
    let mut window = Window::new(file);
    let mut found = Examples::default();
    let mut at = 0;
    let mut number = 0usize;
    while at < file.size() {
        let left = file.size() - at;
        let head = window.get(at, HEAD as usize).map_err(|_| {
            format!("breaks off at byte {at}: {left} bytes are left, a record has at least 16; copy it again")
        })?;
        let (length, checksum) = head.split_at(8);
        if masked(length) != le32(checksum) {
            return Err(format!(
                "is broken at byte {at}: the length of record {number} does not match its checksum; copy it again"
            ));
        }
        let length = length.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        if length.checked_add(HEAD + FOOT).is_none_or(|whole| whole > left) {
            return Err(format!(
                "breaks off: record {number} at byte {at} has {length} bytes of data, of which only {} are there; copy it again",
                left - HEAD
            ));
        }
        let offset = at + HEAD;
        let record = u32::try_from(length)
            .map_err(|_| format!("record {number} at byte {at} has {length} bytes, more than 4 GiB"))
            .and_then(|length| {
                let (image, label) = example(&mut window, offset, offset + u64::from(length), image, label)
                    .map_err(|reason| format!("record {number} at byte {at} {reason}"))?;
                Ok(Example { record: Record { offset, length, image }, label })
            });
        match record {
            Ok(example) => found.examples.push(example),
            Err(reason) => match check(file, offset, length) {
                Err(_) => found.broken.push(at),
                Ok(_) => return Err(reason),
            },
        }
        at = offset + length + FOOT;
        number += 1;
    }
    Ok(found)
}

/// The image in a record, once the whole record was found to match its checksum.
pub(crate) fn read_image(file: &StoredFile, record: &Record) -> Result<Vec<u8>, ImageError> {
    let mut data = check(file, record.offset, record.length.into()).map_err(|reason| ImageError::Stored {
        place: format!("record at byte {} of {}", record.offset - HEAD, file.path().display()),
        reason,
    })?;
    let (start, length) = (record.image.0 as usize, record.image.1 as usize);
    data.truncate(start.saturating_add(length));
    data.drain(..start.min(data.len()));
    Ok(data)
}

/// A record's data, where they match their checksum.
fn check(file: &StoredFile, offset: u64, length: u64) -> Result<Vec<u8>, String> {
    let mut data = file.read(offset, length + FOOT).map_err(|error| error.to_string())?;
    let checksum = le32(&data[length as usize..]);
    data.truncate(length as usize);
    if masked(&data) != checksum {
        return Err("the data do not match their checksum (CRC-32C); copy the file again".into());
    }
    Ok(data)
}

/// TensorFlow's masked CRC-32C (`tensorflow/core/lib/hash/crc32c.h`).
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

fn le32(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

/// Field numbers of `tf.train.Example` (`tensorflow/core/example/example.proto`, `feature.proto`).
mod field {
    pub(super) const FEATURES: u64 = 1;
    pub(super) const ENTRY: u64 = 1;
    pub(super) const KEY: u64 = 1;
    pub(super) const VALUE: u64 = 2;
    pub(super) const BYTES_LIST: u64 = 1;
    pub(super) const INT64_LIST: u64 = 3;
    pub(super) const LIST_VALUE: u64 = 1;
}

/// The image's place relative to the record's data, and the label.
fn example(
    window: &mut Window<'_>,
    start: u64,
    end: u64,
    image: &str,
    label: &str,
) -> Result<((u32, u32), i64), String> {
    let (mut found_image, mut found_label) = (None, None);
    let mut at = start;
    while let Some((number, features)) = next(window, &mut at, end)? {
        let (field::FEATURES, Field::Bytes(mut at, end)) = (number, features) else { continue };
        while let Some((number, entry)) = next(window, &mut at, end)? {
            let (field::ENTRY, Field::Bytes(mut at, end)) = (number, entry) else { continue };
            let (mut key, mut value) = (None, None);
            while let Some((number, part)) = next(window, &mut at, end)? {
                match (number, part) {
                    (field::KEY, Field::Bytes(from, to)) => key = Some((from, to)),
                    (field::VALUE, Field::Bytes(from, to)) => value = Some((from, to)),
                    _ => {}
                }
            }
            let (Some((from, to)), Some(value)) = (key, value) else { continue };
            if to - from > LONGEST_KEY {
                continue;
            }
            let key = bytes(window, from, to)?;
            if key == image.as_bytes() {
                found_image = Some(first_bytes(window, value, image)?);
            } else if key == label.as_bytes() {
                found_label = Some(only_integer(window, value, label)?);
            }
        }
    }
    let (from, to) = found_image.ok_or_else(|| format!("holds no feature {image:?}"))?;
    let label = found_label.ok_or_else(|| format!("holds no feature {label:?}"))?;
    // Within one record, whose length is a u32.
    Ok((((from - start) as u32, (to - from) as u32), label))
}

/// Where the first value of a `BytesList` feature lies.
fn first_bytes(window: &mut Window<'_>, (mut at, end): (u64, u64), name: &str) -> Result<(u64, u64), String> {
    while let Some((number, list)) = next(window, &mut at, end)? {
        let (field::BYTES_LIST, Field::Bytes(mut at, end)) = (number, list) else { continue };
        while let Some((number, value)) = next(window, &mut at, end)? {
            if let (field::LIST_VALUE, Field::Bytes(from, to)) = (number, value) {
                return Ok((from, to));
            }
        }
    }
    Err(format!("holds a feature {name:?} that is no list of bytes"))
}

/// The value of an `Int64List` feature of one.
fn only_integer(window: &mut Window<'_>, (mut at, end): (u64, u64), name: &str) -> Result<i64, String> {
    let mut found = None;
    let mut count = 0usize;
    while let Some((number, list)) = next(window, &mut at, end)? {
        let (field::INT64_LIST, Field::Bytes(mut at, end)) = (number, list) else { continue };
        while let Some((number, value)) = next(window, &mut at, end)? {
            match (number, value) {
                (field::LIST_VALUE, Field::Number(value)) => {
                    found = Some(value);
                    count += 1;
                }
                // Packed.
                (field::LIST_VALUE, Field::Bytes(mut at, end)) => {
                    while at < end {
                        found = Some(varint(window, &mut at, end)?);
                        count += 1;
                    }
                }
                _ => {}
            }
        }
    }
    match (found, count) {
        // Two's complement, as protocol buffers store an int64.
        (Some(value), 1) => Ok(value as i64),
        _ => Err(format!("holds a feature {name:?} that is not one integer")),
    }
}

/// Appends a record of these data to a file.
pub fn put_record(data: &[u8], file: &mut Vec<u8>) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend_from_slice(&length);
    file.extend_from_slice(&masked(&length).to_le_bytes());
    file.extend_from_slice(data);
    file.extend_from_slice(&masked(data).to_le_bytes());
}

//! Protocol buffers' wire format (<https://protobuf.dev/programming-guides/encoding/>), as far as it is needed here: `tf.train.Example`
//! is read from files too large to hold, TensorBoard's events are written.

use std::io;

use crate::stored_file::Window;

/// One field of a protocol buffer message.
pub(crate) enum Field {
    Number(u64),
    /// Where its bytes begin and end.
    Bytes(u64, u64),
    Fixed,
}

pub(crate) fn bytes<'w>(window: &'w mut Window<'_>, from: u64, to: u64) -> Result<&'w [u8], String> {
    window.get(from, (to - from) as usize).map_err(unreadable)
}

fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

/// The next field of the message that ends at `end`; `None` at its end.
pub(crate) fn next(window: &mut Window<'_>, at: &mut u64, end: u64) -> Result<Option<(u64, Field)>, String> {
    if *at >= end {
        return Ok(None);
    }
    let start = *at;
    let tag = varint(window, at, end)?;
    let skip = |at: &mut u64, length: u64| {
        let from = *at;
        *at = from.checked_add(length).filter(|to| *to <= end).ok_or_else(|| {
            format!("is no tf.train.Example: a field at byte {start} reaches beyond its message")
        })?;
        Ok::<_, String>((from, *at))
    };
    let field = match tag & 7 {
        0 => Field::Number(varint(window, at, end)?),
        1 => {
            skip(at, 8)?;
            Field::Fixed
        }
        2 => {
            let length = varint(window, at, end)?;
            let (from, to) = skip(at, length)?;
            Field::Bytes(from, to)
        }
        5 => {
            skip(at, 4)?;
            Field::Fixed
        }
        kind => return Err(format!("is no tf.train.Example: wire type {kind} at byte {start}")),
    };
    Ok(Some((tag >> 3, field)))
}

pub(crate) fn varint(window: &mut Window<'_>, at: &mut u64, end: u64) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        if *at >= end {
            return Err(format!("is no tf.train.Example: a number breaks off at byte {end}"));
        }
        let byte = bytes(window, *at, *at + 1)?[0];
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(format!("is no tf.train.Example: a number of more than 64 bits ends at byte {at}"))
}

/// Appends a number of seven bits a byte, the lowest first.
pub fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a whole number; of a field number below 16.
pub fn put_number(field: u8, value: u64, out: &mut Vec<u8>) {
    out.push(field << 3);
    put_varint(value, out);
}

/// Appends a 64-bit float; likewise.
pub fn put_f64(field: u8, value: f64, out: &mut Vec<u8>) {
    out.push(field << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends bytes, text or a message; likewise.
pub fn put_bytes(field: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Appends a 32-bit float; likewise.
pub fn put_f32(field: u8, value: f32, out: &mut Vec<u8>) {
    out.push(field << 3 | 5);
    out.extend_from_slice(&value.to_le_bytes());
}

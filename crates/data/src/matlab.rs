//! Reads MATLAB level-5 MAT-files, as far as lists of file names need it: numbers, text and cells.
//!
//! Format: "MAT-File Format" (The MathWorks), chapter 1. A file is a 128-byte header and a row of elements, each a tag
//! (type, length) and data padded to 8 bytes; compressed elements hold another element as a zlib stream.

use std::collections::HashMap;
use std::io::Read;

/// What all compressed elements of a file may hold: more than any list of file names needs, little enough that a hostile file does not
/// fill the memory.
const MAX_INFLATED: u64 = 64 << 20;
/// Cells in cells in cells.
const MAX_DEPTH: usize = 16;

const INT8: u32 = 1;
const UINT8: u32 = 2;
const INT16: u32 = 3;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
const INT64: u32 = 12;
const UINT64: u32 = 13;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const UTF8: u32 = 16;
const UTF16: u32 = 17;
const UTF32: u32 = 18;

/// A MATLAB value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A numeric array, column by column.
    Numbers(Vec<f64>),
    /// A row of characters.
    Text(String),
    /// A cell array, column by column.
    Cell(Vec<Value>),
    /// Something lists do not need: a structure, a sparse or complex array, an object, several rows of text.
    Other,
}

/// All variables of a file by name. The error says what is wrong.
pub(crate) fn read(bytes: &[u8]) -> Result<HashMap<String, Value>, String> {
    if bytes.starts_with(b"MATLAB 7.3") || bytes.starts_with(b"\x89HDF") {
        return Err("is a MATLAB 7.3 (HDF5) file; save it again with -v7".into());
    }
    let big_endian = match bytes.get(126..128) {
        Some(b"IM") => false,
        Some(b"MI") => true,
        _ => return Err("is no MATLAB level-5 file (its header is missing)".into()),
    };
    let mut variables = HashMap::new();
    let mut reader = Reader { bytes: &bytes[128..], big_endian };
    let mut left = MAX_INFLATED;
    while !reader.bytes.is_empty() {
        let (kind, data) = reader.element()?;
        let inflated;
        let matrix = match kind {
            COMPRESSED => {
                inflated = inflate(data, left)?;
                left -= inflated.len() as u64;
                match (Reader { bytes: &inflated, big_endian }).element()? {
                    (MATRIX, data) => data,
                    _ => continue,
                }
            }
            MATRIX => data,
            _ => continue,
        };
        let (name, value) = (Reader { bytes: matrix, big_endian }).matrix(0)?;
        variables.insert(name, value);
    }
    Ok(variables)
}

fn inflate(data: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut inflated = Vec::new();
    flate2::read::ZlibDecoder::new(data)
        .take(most + 1)
        .read_to_end(&mut inflated)
        .map_err(|error| format!("has a broken compressed element ({error})"))?;
    if inflated.len() as u64 > most {
        return Err(format!("has compressed elements of more than {} MiB", MAX_INFLATED >> 20));
    }
    Ok(inflated)
}

struct Reader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) =
            self.bytes.split_at_checked(count).ok_or("breaks off in the middle of an element")?;
        self.bytes = rest;
        Ok(taken)
    }

    fn word(&self, bytes: &[u8]) -> u32 {
        self.integer(bytes) as u32
    }

    fn integer(&self, bytes: &[u8]) -> u64 {
        let push = |value: u64, &byte: &u8| (value << 8) | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
    }

    /// The next element's type and data. Elements of up to four bytes may be packed into the tag itself.
    fn element(&mut self) -> Result<(u32, &'a [u8]), String> {
        let first = self.take(4)?;
        let tag = self.word(first);
        if tag >> 16 != 0 {
            let (kind, length) = (tag & 0xFFFF, (tag >> 16) as usize);
            let data = self.take(4)?;
            return Ok((kind, data.get(..length).ok_or("has a small element of more than 4 bytes")?));
        }
        let length = self.take(4)?;
        let length = self.word(length) as usize;
        let data = self.take(length)?;
        if tag != COMPRESSED {
            // The last element of a file may lack its padding.
            let padding = (length.wrapping_neg() % 8).min(self.bytes.len());
            self.take(padding)?;
        }
        Ok((tag, data))
    }

    /// The name and value in a matrix element's data.
    fn matrix(&mut self, depth: usize) -> Result<(String, Value), String> {
        if self.bytes.is_empty() {
            // An empty cell.
            return Ok((String::new(), Value::Other));
        }
        if depth > MAX_DEPTH {
            return Err("has cells nested too deeply".into());
        }
        let (_, flags) = self.element()?;
        let flags = self.word(flags.get(..4).ok_or("has an array without flags")?);
        let (_, dimensions) = self.element()?;
        let dimensions: Vec<u32> = dimensions.chunks_exact(4).map(|size| self.word(size)).collect();
        let (_, name) = self.element()?;
        let name = String::from_utf8_lossy(name).into_owned();
        let complex = flags & 0x0800 != 0;
        let value = match flags & 0xFF {
            1 => {
                let mut cells = Vec::new();
                while !self.bytes.is_empty() {
                    let value = match self.element()? {
                        (MATRIX, data) => {
                            Reader { bytes: data, big_endian: self.big_endian }.matrix(depth + 1)?.1
                        }
                        _ => return Err("has a cell that is no array".into()),
                    };
                    cells.push(value);
                }
                Value::Cell(cells)
            }
            4 if dimensions.first().is_none_or(|&rows| rows <= 1) => {
                let (kind, data) = self.element()?;
                Value::Text(self.text(kind, data)?)
            }
            6..=15 if !complex => {
                let (kind, data) = self.element()?;
                Value::Numbers(self.numbers(kind, data)?)
            }
            _ => Value::Other,
        };
        Ok((name, value))
    }

    fn text(&self, kind: u32, data: &[u8]) -> Result<String, String> {
        let units = |width: usize| data.chunks_exact(width).map(|unit| self.integer(unit) as u32);
        Ok(match kind {
            INT8 | UINT8 => data.iter().map(|&byte| char::from(byte)).collect(),
            UTF8 => String::from_utf8_lossy(data).into_owned(),
            UINT16 | INT16 | UTF16 => char::decode_utf16(units(2).map(|unit| unit as u16))
                .map(|c| c.unwrap_or('\u{FFFD}'))
                .collect(),
            UTF32 | UINT32 | INT32 => {
                units(4).map(|unit| char::from_u32(unit).unwrap_or('\u{FFFD}')).collect()
            }
            other => return Err(format!("has text stored as data type {other}")),
        })
    }

    fn numbers(&self, kind: u32, data: &[u8]) -> Result<Vec<f64>, String> {
        // MATLAB stores a double array of small whole numbers as the smallest integers that hold them.
        let width = match kind {
            INT8 | UINT8 => 1,
            INT16 | UINT16 => 2,
            INT32 | UINT32 | SINGLE => 4,
            DOUBLE | INT64 | UINT64 => 8,
            other => return Err(format!("has numbers stored as data type {other}")),
        };
        let number = |bytes: &[u8]| {
            let raw = self.integer(bytes);
            match kind {
                INT8 => f64::from(raw as u8 as i8),
                INT16 => f64::from(raw as u16 as i16),
                INT32 => f64::from(raw as u32 as i32),
                INT64 => raw as i64 as f64,
                SINGLE => f64::from(f32::from_bits(raw as u32)),
                DOUBLE => f64::from_bits(raw),
                _ => raw as f64,
            }
        };
        Ok(data.chunks_exact(width).map(number).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_make_it_panic() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/matlab");
        for file in ["v7.mat", "v5.mat"] {
            let whole = std::fs::read(fixtures.join(file)).unwrap();
            assert!(read(&whole).is_ok());
            for length in 0..whole.len() {
                let _ = read(&whole[..length]);
            }
            for position in 0..whole.len() {
                for bit in 0..8 {
                    let mut flipped = whole.clone();
                    flipped[position] ^= 1 << bit;
                    let _ = read(&flipped);
                }
            }
        }
    }

    #[test]
    fn values_written_by_scipy_are_read_back() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/matlab");
        for file in ["v7.mat", "v5.mat"] {
            let values = read(&std::fs::read(fixtures.join(file)).unwrap()).unwrap();
            let text = |text: &str| Value::Text(text.into());
            assert_eq!(values["names"], Value::Cell(vec![text("a/b.jpg"), text("ü/€.jpg"), text("")]));
            assert_eq!(values["doubles"], Value::Numbers(vec![1.0, -2.5, 1e300]));
            assert_eq!(values["bytes"], Value::Numbers(vec![1.0, 2.0, 255.0]));
            assert_eq!(values["shorts"], Value::Numbers(vec![-3.0, 300.0]));
            assert_eq!(values["singles"], Value::Numbers(vec![0.5]));
            assert_eq!(values["longs"], Value::Numbers(vec![-5e9, 7.0]));
            assert_eq!(values["complex"], Value::Other);
            assert_eq!(values["structure"], Value::Other);
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        assert!(read(b"path,label").unwrap_err().contains("no MATLAB level-5 file"));
        assert!(read(b"MATLAB 7.3 MAT-file, HDF5").unwrap_err().contains("-v7"));
    }
}

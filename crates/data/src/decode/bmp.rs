//! Windows and OS/2 bitmaps: 1 to 32 bits, bit fields, run-length coding. As Pillow reads them (`BmpImagePlugin.py`).

use super::notes::Notes;
use super::orientation::Exif;
use super::picture::{Decoded, check_size, room};
use crate::{ImageError, memory};

fn broken(reason: impl Into<String>) -> ImageError {
    ImageError::Broken { format: "BMP", reason: reason.into() }
}

fn breaks_off() -> ImageError {
    broken("the file breaks off (truncated)")
}

/// Little-endian numbers by position.
#[derive(Clone, Copy)]
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn short(self, at: usize) -> Result<u32, ImageError> {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk::<2>());
        bytes.map(|&bytes| u32::from(u16::from_le_bytes(bytes))).ok_or_else(breaks_off)
    }

    fn long(self, at: usize) -> Result<u32, ImageError> {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map(|&bytes| u32::from_le_bytes(bytes)).ok_or_else(breaks_off)
    }
}

/// How a pixel is stored.
#[derive(Clone, Copy)]
enum Pixel {
    /// A palette index of 1, 4 or 8 bits.
    Index(usize),
    /// 16 bits: five each, or six for green.
    Short { six: bool },
    /// Three or four bytes, with the positions of red, green and blue.
    Bytes { count: usize, at: [usize; 3] },
}

pub(super) fn decode(bytes: &[u8], limit: u64) -> Result<Decoded, ImageError> {
    let numbers = Numbers(bytes);
    let header_size = numbers.long(14)? as usize;
    let old = header_size == 12;
    if !old && !matches!(header_size, 40 | 52 | 56 | 64 | 108 | 124) {
        return Err(broken(format!("a header of {header_size} bytes is not known")));
    }
    let (width, height, bits, compression, mut colours, top_down) = if old {
        (numbers.short(18)?, numbers.short(20)?, numbers.short(24)?, 0, 0, false)
    } else {
        let height = numbers.long(22)? as i32;
        let (bits, compression) = (numbers.short(28)?, numbers.long(30)?);
        (numbers.long(18)?, height.unsigned_abs(), bits, compression, numbers.long(46)? as usize, height < 0)
    };
    check_size(width.into(), height.into(), limit)?;
    if width == 0 || height == 0 {
        return Err(broken("it has no pixels"));
    }
    let (width, height) = (width as usize, height as usize);
    let run_length = match (compression, bits) {
        (1, 8) | (2, 4) => true,
        (0, _) | (3, 16 | 24 | 32) => false,
        _ => return Err(broken(format!("compression {compression} with {bits} bits is not supported"))),
    };
    let pixel = match bits {
        1 | 4 | 8 => Pixel::Index(bits as usize),
        16 | 24 | 32 if compression == 3 => bit_fields(numbers, header_size, bits)?,
        16 => Pixel::Short { six: false },
        24 | 32 => Pixel::Bytes { count: bits as usize / 8, at: [2, 1, 0] },
        _ => return Err(broken(format!("{bits} bits a pixel are not supported"))),
    };

    // The palette, and the pixels behind it where the header does not know better.
    let mut start = numbers.long(10)? as usize;
    let mut palette = Vec::new();
    if let Pixel::Index(bits) = pixel {
        if colours == 0 {
            colours = 1 << bits;
        }
        if colours > 65536 {
            return Err(broken(format!("a palette of {colours} colours is impossible")));
        }
        let entry = if old { 3 } else { 4 };
        let table = bytes.get(14 + header_size..).ok_or_else(breaks_off)?;
        palette =
            table.chunks_exact(entry).take(colours).map(|bgr| [bgr[2], bgr[1], bgr[0]]).collect::<Vec<_>>();
        if start == 14 + header_size || start == 0 {
            start = 14 + header_size + entry * colours;
        }
        palette.resize(256, [0; 3]);
    } else if start == 0 {
        start = 14 + header_size;
    }
    let data = bytes.get(start..).ok_or_else(breaks_off)?;
    let expanded;
    let (data, pixel, stride) = if run_length {
        expanded = expand(data, start, bits == 4, width, height)?;
        (expanded.as_slice(), Pixel::Index(8), width)
    } else {
        (data, pixel, (width * bits as usize).div_ceil(32) * 4)
    };
    let used = match pixel {
        Pixel::Index(bits) => (width * bits).div_ceil(8),
        Pixel::Short { .. } => width * 2,
        Pixel::Bytes { count, .. } => width * count,
    };
    // The last row may lack its padding.
    if height > 0 && data.len() < stride * (height - 1) + used {
        return Err(breaks_off());
    }
    memory::need((width * height * 3) as u64)?;
    let mut pixels = room(width * height * 3)?;
    for y in 0..height {
        let stored = if top_down { y } else { height - 1 - y };
        let row = &data[stored * stride..stored * stride + used];
        match pixel {
            Pixel::Index(bits) => {
                let (each, mask) = (8 / bits, ((1u16 << bits) - 1) as u8);
                let indices =
                    row.iter().flat_map(|&byte| (0..each).map(move |n| byte >> (8 - bits * (n + 1)) & mask));
                pixels.extend(indices.take(width).flat_map(|index| palette[usize::from(index)]));
            }
            Pixel::Short { six } => {
                pixels.extend(row.as_chunks::<2>().0.iter().flat_map(|&pair| {
                    let value = u32::from(u16::from_le_bytes(pair));
                    let five = |shift: u32| ((value >> shift & 31) * 255 / 31) as u8;
                    if six {
                        [five(11), ((value >> 5 & 63) * 255 / 63) as u8, five(0)]
                    } else {
                        [five(10), five(5), five(0)]
                    }
                }));
            }
            Pixel::Bytes { count, at } => {
                pixels.extend(row.chunks_exact(count).flat_map(|pixel| at.map(|place| pixel[place])));
            }
        }
    }
    Ok(Decoded { width, height, pixels, part: None, exif: Exif::default(), notes: Notes::default() })
}

/// The layouts that occur; Pillow refuses others too.
fn bit_fields(numbers: Numbers<'_>, header_size: usize, bits: u32) -> Result<Pixel, ImageError> {
    // Version 2 headers and later hold the masks themselves, at the place where they follow a version 1 header.
    let masks = [numbers.long(54)?, numbers.long(58)?, numbers.long(62)?];
    let alpha = if header_size >= 56 { numbers.long(66)? } else { 0 };
    let places = |at| Ok(Pixel::Bytes { count: bits as usize / 8, at });
    match (bits, masks, alpha) {
        (16, [0xF800, 0x07E0, 0x001F], _) => Ok(Pixel::Short { six: true }),
        (16, [0x7C00, 0x03E0, 0x001F], _) => Ok(Pixel::Short { six: false }),
        (24 | 32, [0xFF_0000, 0xFF00, 0xFF], _) | (32, [0, 0, 0], 0) => places([2, 1, 0]),
        (32, [0xFF00_0000, 0xFF_0000, 0xFF00], _) => places([3, 2, 1]),
        (32, [0xFF00_0000, 0xFF00, 0xFF], _) => places([3, 1, 0]),
        (32, [0xFF, 0xFF00, 0xFF_0000], _) => places([0, 1, 2]),
        _ => Err(broken("its bit fields are laid out in no usual way; save it anew with 24 bits")),
    }
}

/// Run-length coded indices, one byte each. What the codes skip is index 0.
fn expand(data: &[u8], start: usize, four: bool, width: usize, height: usize) -> Result<Vec<u8>, ImageError> {
    let total = width * height;
    memory::need(total as u64)?;
    let mut out = room(total)?;
    let mut x = 0;
    let mut position = 0;
    let nibbles = |byte: u8| [byte >> 4, byte & 15];
    while out.len() < total {
        let Some(&[count, value]) = data.get(position..).and_then(|rest| rest.first_chunk::<2>()) else {
            break;
        };
        position += 2;
        match (count, value) {
            (0, 0) => {
                out.resize(out.len().next_multiple_of(width), 0);
                x = 0;
            }
            (0, 1) => break,
            (0, 2) => {
                let Some(&[right, up]) = data.get(position..).and_then(|rest| rest.first_chunk::<2>()) else {
                    break;
                };
                position += 2;
                let skipped = usize::from(right) + usize::from(up) * width;
                out.resize((out.len() + skipped).min(total), 0);
                x = out.len() % width;
            }
            (0, pixels) => {
                let pixels_here = usize::from(pixels).min(total - out.len());
                let length = if four { pixels_here.div_ceil(2) } else { pixels_here };
                let Some(stored) = data.get(position..position + length) else { break };
                position += length;
                if four {
                    out.extend(stored.iter().flat_map(|&byte| nibbles(byte)).take(pixels_here));
                } else {
                    out.extend_from_slice(stored);
                }
                x += usize::from(pixels);
                // Aligned in the file, as Pillow does it.
                position += (start + position) % 2;
            }
            (count, value) => {
                // What is too much for a row is dropped.
                let count = usize::from(count).min(width.saturating_sub(x));
                if four {
                    out.extend(nibbles(value).into_iter().cycle().take(count));
                } else {
                    out.extend(std::iter::repeat_n(value, count));
                }
                x += count;
            }
        }
    }
    if out.len() < total {
        return Err(breaks_off());
    }
    out.truncate(total);
    Ok(out)
}

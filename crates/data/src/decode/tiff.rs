//! The first page of a TIFF: grey, RGB, with or without alpha, palette, CMYK; 8 and 16 bits (grey and palette also 1, 2 and 4);
//! strips and tiles, in one plane or several; uncompressed, PackBits, LZW, deflate. BigTIFF too.
//!
//! Format: TIFF revision 6.0 (Adobe, 1992). The crate `tiff` reads no palettes and gives up on tiles of several planes.

use std::io::Read;

use super::notes::{Note, Notes};
use super::orientation::Exif;
use super::picture::{Decoded, check_size, cmyk_to_rgb, room};
use crate::{ImageError, memory};

/// No compression that is read makes more bytes of one: LZW's longest code stands for 4,000.
const MOST_TIMES: usize = 4096;
/// More than any XMP packet has.
const MOST_XMP: usize = 16 << 20;
/// More samples a pixel are no picture for people.
const MOST_SAMPLES: usize = 8;

mod tag {
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
    pub(super) const BITS: u16 = 258;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const FILL_ORDER: u16 = 266;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const ORIENTATION: u16 = 274;
    pub(super) const SAMPLES: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_BYTES: u16 = 279;
    pub(super) const PLANAR: u16 = 284;
    pub(super) const PREDICTOR: u16 = 317;
    pub(super) const COLOUR_MAP: u16 = 320;
    pub(super) const TILE_WIDTH: u16 = 322;
    pub(super) const TILE_HEIGHT: u16 = 323;
    pub(super) const TILE_OFFSETS: u16 = 324;
    pub(super) const TILE_BYTES: u16 = 325;
    pub(super) const EXTRA_SAMPLES: u16 = 338;
    pub(super) const SAMPLE_FORMAT: u16 = 339;
    pub(super) const XMP: u16 = 700;
}

fn broken(reason: impl Into<String>) -> ImageError {
    ImageError::Broken { format: "TIFF", reason: reason.into() }
}

fn breaks_off() -> ImageError {
    broken("the file breaks off (truncated)")
}

fn unsupported(what: &str) -> ImageError {
    broken(format!("{what}, which is not read; save it anew as PNG, or as a plain TIFF in 8 bits"))
}

/// The bytes of a file and how numbers lie in them.
#[derive(Clone, Copy)]
struct File<'a> {
    bytes: &'a [u8],
    little: bool,
    /// BigTIFF: offsets of eight bytes.
    big: bool,
}

impl File<'_> {
    /// A number of so many bytes.
    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    }

    fn offset(&self, at: usize) -> Option<usize> {
        usize::try_from(self.number(at, if self.big { 8 } else { 4 })?).ok()
    }
}

/// One page's description.
struct Directory<'a> {
    file: File<'a>,
    /// Tag, type, how many, and where the entry's value or its offset stands.
    entries: Vec<(u16, u16, u64, usize)>,
    /// Whether another page follows.
    more: bool,
}

impl<'a> Directory<'a> {
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let (little, big) = match bytes.get(..4)? {
            b"II*\0" => (true, false),
            b"MM\0*" => (false, false),
            b"II+\0" => (true, true),
            b"MM\0+" => (false, true),
            _ => return None,
        };
        let file = File { bytes, little, big };
        let start = file.offset(if big { 8 } else { 4 })?;
        let (head, size, value) = if big { (8, 20, 12) } else { (2, 12, 8) };
        // As many as the older kind can have.
        let count = usize::try_from(file.number(start, head)?)
            .ok()
            .filter(|&count| count <= usize::from(u16::MAX))?;
        let first = start.checked_add(head)?;
        let end = first.checked_add(count.checked_mul(size)?)?;
        if end > bytes.len() {
            return None;
        }
        let entry = |at: usize| {
            let number = file.number(at + 4, value - 4)?;
            Some((file.number(at, 2)? as u16, file.number(at + 2, 2)? as u16, number, at + value))
        };
        let entries = (0..count).map(|number| entry(first + number * size)).collect::<Option<_>>()?;
        Some(Self { file, entries, more: file.offset(end).is_some_and(|next| next != 0) })
    }

    /// The whole numbers of an entry.
    fn values(&self, tag: u16) -> Option<Values<'a>> {
        let (_, kind, count, at) = *self.entries.iter().find(|(found, ..)| *found == tag)?;
        let size = match kind {
            1 | 7 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return None,
        };
        let length = usize::try_from(count).ok()?.checked_mul(size)?;
        let inside = if self.file.big { 8 } else { 4 };
        let start = if length <= inside { at } else { self.file.offset(at)? };
        let there = start.checked_add(length)? <= self.file.bytes.len();
        there.then_some(Values { file: self.file, start, size, count: length / size })
    }

    fn value(&self, tag: u16) -> Option<u64> {
        self.values(tag)?.get(0)
    }

    fn value_or(&self, tag: u16, default: u64) -> u64 {
        self.value(tag).unwrap_or(default)
    }
}

/// Whole numbers where they stand in the file: there may be millions.
#[derive(Clone, Copy)]
struct Values<'a> {
    file: File<'a>,
    start: usize,
    /// Bytes of each.
    size: usize,
    count: usize,
}

impl<'a> Values<'a> {
    fn get(self, number: usize) -> Option<u64> {
        (number < self.count).then(|| self.file.number(self.start + number * self.size, self.size))?
    }

    fn all(self) -> impl Iterator<Item = u64> + use<'a> {
        (0..self.count).map_while(move |number| self.get(number))
    }

    fn bytes(self) -> &'a [u8] {
        &self.file.bytes[self.start..self.start + self.count * self.size]
    }
}

/// How samples lie in the file.
struct Layout {
    width: usize,
    height: usize,
    /// Samples a pixel.
    samples: usize,
    bits: usize,
    /// Width and height of a tile; of a strip, the picture's width and its rows.
    chunk: (usize, usize),
    tiled: bool,
    planes: usize,
    compression: u64,
    differences: bool,
    little: bool,
}

pub(super) fn decode(bytes: &[u8], limit: u64) -> Result<Decoded, ImageError> {
    let directory = Directory::first(bytes).ok_or_else(breaks_off)?;
    let needed =
        |tag: u16, what: &str| directory.value(tag).ok_or_else(|| broken(format!("it has no {what}")));
    let (width, height) = (needed(tag::WIDTH, "width")?, needed(tag::HEIGHT, "height")?);
    check_size(width, height, limit)?;
    if width == 0 || height == 0 {
        return Err(broken("it has no pixels"));
    }
    let depths = directory.values(tag::BITS);
    let depths: Vec<u64> = depths.map_or(vec![1], |depths| depths.all().take(MOST_SAMPLES + 1).collect());
    let samples = directory.value_or(tag::SAMPLES, 1) as usize;
    let bits = depths.first().copied().unwrap_or(1) as usize;
    if !(1..=MOST_SAMPLES).contains(&samples) {
        return Err(unsupported(&format!("it has {samples} samples a pixel")));
    }
    if depths.iter().any(|&other| other as usize != bits)
        || !matches!(bits, 1 | 2 | 4 | 8 | 16)
        || (bits < 8 && samples > 1)
    {
        return Err(unsupported(&format!("its samples have {} bits", depths.iter().max().unwrap_or(&1))));
    }
    if directory
        .values(tag::SAMPLE_FORMAT)
        .is_some_and(|formats| formats.all().any(|format| !matches!(format, 1 | 4)))
    {
        return Err(unsupported("its samples are signed or floating-point numbers"));
    }
    if directory.value_or(tag::FILL_ORDER, 1) != 1 {
        return Err(unsupported("its bits are in reverse order (FillOrder 2)"));
    }
    let differences = match directory.value_or(tag::PREDICTOR, 1) {
        1 => false,
        2 if bits >= 8 => true,
        other => return Err(unsupported(&format!("it has predictor {other}"))),
    };
    let tiled = directory.value(tag::TILE_WIDTH).is_some();
    let (width, height) = (width as usize, height as usize);
    let chunk = if tiled {
        let (across, down) =
            (directory.value_or(tag::TILE_WIDTH, 0), directory.value_or(tag::TILE_HEIGHT, 0));
        check_size(across, down, limit)?;
        // Tiles that reach far beyond the picture would be inflated for nothing.
        let whole = |side: u64, tile: u64| side.div_ceil(tile.max(1)).saturating_mul(tile);
        check_size(whole(width as u64, across), whole(height as u64, down), limit)?;
        (across as usize, down as usize)
    } else {
        (width, directory.value_or(tag::ROWS_PER_STRIP, height as u64).min(height as u64) as usize)
    };
    if chunk.0 == 0 || chunk.1 == 0 {
        return Err(broken("its strips or tiles have no pixels"));
    }
    let layout = Layout {
        width,
        height,
        samples,
        bits,
        chunk,
        tiled,
        planes: if directory.value_or(tag::PLANAR, 1) == 2 { samples } else { 1 },
        compression: directory.value_or(tag::COMPRESSION, 1),
        differences,
        little: directory.file.little,
    };
    let photometric = directory.value(tag::PHOTOMETRIC);
    // The samples, a strip or tile, and what becomes of them.
    let chunk_bytes =
        (chunk.0 as u64).saturating_mul(chunk.1 as u64).saturating_mul(samples as u64 * bits as u64) / 8;
    let pixels = width as u64 * height as u64;
    memory::need((pixels * (samples as u64 + 3)).saturating_add(chunk_bytes))?;
    let (values, brightest) = layout.read(&directory)?;

    let mut notes = Notes::default();
    if directory.more {
        notes.add(Note::FirstPage);
    }
    let extra = directory.value(tag::EXTRA_SAMPLES);
    let pixels = values.chunks_exact(samples);
    // Of so few bits all shades from black to white.
    let scale = if bits < 8 { 255 / ((1u16 << bits) - 1) as u8 } else { 1 };
    let mut out = room(width * height * 3)?;
    match (photometric, samples) {
        (Some(0 | 1), 1..) => {
            if bits == 16 && samples == 1 {
                notes.deep_grey(std::iter::once(brightest));
            }
            if samples > 1 {
                notes.alpha(pixels.clone().map(|pixel| pixel[1]));
            }
            let white_is_zero = photometric == Some(0);
            let shade = |value: u8| if white_is_zero { 255 - value * scale } else { value * scale };
            out.extend(pixels.flat_map(|pixel| [shade(pixel[0]); 3]));
        }
        (Some(2), 3) => out.extend_from_slice(&values),
        (Some(2), 4..) => {
            // A further sample that is said to have no meaning is no alpha.
            if extra != Some(0) {
                notes.alpha(pixels.clone().map(|pixel| pixel[3]));
            }
            // Colours that were multiplied by alpha are divided by it again, as Pillow does.
            let plain = |colour: u8, alpha: u8| match (extra, alpha) {
                (Some(1), 0) => 0,
                (Some(1), alpha) => (u32::from(colour) * 255 / u32::from(alpha)).min(255) as u8,
                _ => colour,
            };
            out.extend(
                pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2]].map(|colour| plain(colour, pixel[3]))),
            );
        }
        (Some(3), 1) if bits <= 8 => {
            let map = directory.values(tag::COLOUR_MAP).ok_or_else(|| broken("it has no palette"))?;
            let map: Vec<u64> = map.all().take(3 << bits).collect();
            let colours = map.len() / 3;
            let colour = |index: u8| {
                let index = usize::from(index);
                [0, 1, 2].map(
                    |channel| if index < colours { (map[channel * colours + index] >> 8) as u8 } else { 0 },
                )
            };
            out.extend(pixels.flat_map(|pixel| colour(pixel[0])));
        }
        (Some(5), 4..) => {
            notes.add(Note::Cmyk);
            out.extend(pixels.flat_map(|pixel| cmyk_to_rgb([pixel[0], pixel[1], pixel[2], pixel[3]])));
        }
        (Some(6), _) => return Err(unsupported("its colours are YCbCr")),
        (Some(8..=10), _) => return Err(unsupported("its colours are L*a*b*")),
        (other, _) => {
            let kind = other.map_or("none".to_owned(), |kind| kind.to_string());
            return Err(unsupported(&format!("it has {samples} samples a pixel of photometric kind {kind}")));
        }
    }
    let exif = Exif {
        known: directory.value(tag::ORIENTATION).and_then(|value| u32::try_from(value).ok()),
        tiff: None,
        xmp: directory.values(tag::XMP).filter(|xmp| xmp.count <= MOST_XMP).map(|xmp| xmp.bytes().to_vec()),
    };
    Ok(Decoded { width, height, pixels: out, part: None, exif, notes })
}

impl Layout {
    /// Samples in reading order, pixel by pixel, one byte each: of 16 bits the high one, fewer than 8 as they are. And the brightest in
    /// full.
    fn read(&self, directory: &Directory<'_>) -> Result<(Vec<u8>, u16), ImageError> {
        let (offsets, lengths) = if self.tiled {
            (tag::TILE_OFFSETS, tag::TILE_BYTES)
        } else {
            (tag::STRIP_OFFSETS, tag::STRIP_BYTES)
        };
        let offsets = directory.values(offsets).ok_or_else(breaks_off)?;
        let lengths = directory.values(lengths);
        let (across, down) = (self.width.div_ceil(self.chunk.0), self.height.div_ceil(self.chunk.1));
        let each_plane = across * down;
        if offsets.count < each_plane * self.planes {
            return Err(breaks_off());
        }
        let bytes = directory.file.bytes;
        let in_chunk = self.samples / self.planes;
        let row_bytes = (self.chunk.0 * in_chunk * self.bits).div_ceil(8);
        // A short file that claims a huge picture is found out here.
        let whole = self.height * (self.width * self.samples * self.bits).div_ceil(8);
        if whole.max(row_bytes * self.chunk.1) / MOST_TIMES > bytes.len() {
            return Err(breaks_off());
        }
        let mut values = vec![0; self.width * self.height * self.samples];
        let mut brightest = 0;
        for plane in 0..self.planes {
            for place in 0..each_plane {
                let (left, top) = (place % across * self.chunk.0, place / across * self.chunk.1);
                // The last strip ends with the picture; a tile is always whole.
                let rows = if self.tiled { self.chunk.1 } else { self.chunk.1.min(self.height - top) };
                let number = plane * each_plane + place;
                let start = offsets.get(number).and_then(|offset| usize::try_from(offset).ok());
                let start = start.ok_or_else(breaks_off)?;
                let stored = bytes.get(start..).ok_or_else(breaks_off)?;
                let length = lengths.and_then(|lengths| lengths.get(number));
                let length =
                    length.map_or(stored.len(), |length| usize::try_from(length).unwrap_or(usize::MAX));
                let stored = stored.get(..length).ok_or_else(breaks_off)?;
                let mut data = expand(stored, rows * row_bytes, self.compression)?;
                let seen = (self.width - left).min(self.chunk.0);
                for (row, line) in data.chunks_exact_mut(row_bytes).take(self.height - top).enumerate() {
                    if self.differences {
                        self.add_up(line, in_chunk);
                    }
                    let first = ((top + row) * self.width + left) * self.samples + plane;
                    // Of several planes every so many values are this one's.
                    let step = if self.planes > 1 { self.samples } else { 1 };
                    let target = values[first..].iter_mut().step_by(step).take(seen * in_chunk);
                    match self.bits {
                        8 => target.zip(line.iter()).for_each(|(value, byte)| *value = *byte),
                        16 => target.zip(line.as_chunks::<2>().0).for_each(|(value, pair)| {
                            let sample = self.short(*pair);
                            brightest = brightest.max(sample);
                            *value = (sample >> 8) as u8;
                        }),
                        bits => target.enumerate().for_each(|(at, value)| {
                            let bit = at * bits;
                            *value = line[bit / 8] >> (8 - bits - bit % 8) & ((1u16 << bits) - 1) as u8;
                        }),
                    }
                }
            }
        }
        Ok((values, brightest))
    }

    fn short(&self, pair: [u8; 2]) -> u16 {
        if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    }

    /// Undoes horizontal differences.
    fn add_up(&self, line: &mut [u8], samples: usize) {
        if self.bits == 8 {
            (samples..line.len()).for_each(|at| line[at] = line[at].wrapping_add(line[at - samples]));
            return;
        }
        let pairs = line.as_chunks_mut::<2>().0;
        for at in samples..pairs.len() {
            let sum = self.short(pairs[at]).wrapping_add(self.short(pairs[at - samples]));
            pairs[at] = if self.little { sum.to_le_bytes() } else { sum.to_be_bytes() };
        }
    }
}

/// Exactly so many bytes out of a strip or tile.
fn expand(stored: &[u8], needed: usize, compression: u64) -> Result<Vec<u8>, ImageError> {
    if needed / MOST_TIMES > stored.len() {
        return Err(breaks_off());
    }
    let mut out = Vec::new();
    match compression {
        1 => out.extend_from_slice(&stored[..needed.min(stored.len())]),
        5 if matches!(stored, [0, odd, ..] if odd & 1 == 1) => {
            return Err(unsupported("it is compressed with the old LZW"));
        }
        5 => {
            out.resize(needed, 0);
            let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
            let (mut read, mut written) = (0, 0);
            while written < needed {
                let step = decoder.decode_bytes(&stored[read..], &mut out[written..]);
                let nothing = step.consumed_in == 0 && step.consumed_out == 0;
                (read, written) = (read + step.consumed_in, written + step.consumed_out);
                match step.status {
                    Ok(weezl::LzwStatus::Ok) if !nothing => {}
                    Ok(_) => break,
                    Err(_) => return Err(broken("its LZW data hold an impossible code")),
                }
            }
            out.truncate(written);
        }
        8 | 32946 => {
            let reader = flate2::read::ZlibDecoder::new(stored);
            if let Err(error) = reader.take(needed as u64).read_to_end(&mut out)
                && error.kind() != std::io::ErrorKind::UnexpectedEof
            {
                return Err(broken(format!("its deflated data are broken ({error})")));
            }
        }
        32773 => {
            let mut rest = stored;
            while out.len() < needed
                && let Some((&head, tail)) = rest.split_first()
            {
                rest = match head {
                    0..=127 => {
                        let (plain, tail) = tail.split_at((usize::from(head) + 1).min(tail.len()));
                        out.extend_from_slice(plain);
                        tail
                    }
                    128 => tail,
                    129..=255 => {
                        let Some((&value, tail)) = tail.split_first() else { break };
                        out.resize(out.len() + 257 - usize::from(head), value);
                        tail
                    }
                };
            }
        }
        2..=4 => return Err(unsupported("it is compressed as a fax")),
        6 | 7 => return Err(unsupported("it is compressed with JPEG")),
        33003 | 33005 | 34712 => return Err(unsupported("it is compressed with JPEG 2000")),
        50000 => return Err(unsupported("it is compressed with Zstandard")),
        50001 => return Err(unsupported("it is compressed with WebP")),
        other => return Err(unsupported(&format!("it is compressed in kind {other}"))),
    }
    if out.len() < needed {
        return Err(breaks_off());
    }
    out.truncate(needed);
    Ok(out)
}

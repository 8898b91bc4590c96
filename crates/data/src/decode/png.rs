//! PNG, with the samples read as Pillow reads them.

use std::io::Cursor;

use png::{BitDepth, ColorType, DecodingError, Limits, Transformations};

use super::notes::{Note, Notes};
use super::orientation::Exif;
use super::picture::{Decoded, check_size, room};
use crate::{ImageError, memory};

/// More than any EXIF block has, hexadecimal.
const MAX_TEXT: usize = 1 << 20;

fn broken(error: &DecodingError) -> ImageError {
    let reason = match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the file breaks off (truncated)".to_owned()
        }
        other => other.to_string(),
    };
    ImageError::Broken { format: "PNG", reason }
}

pub(super) fn decode(bytes: &[u8], limit: u64) -> Result<Decoded, ImageError> {
    let bytes_limit = usize::try_from(limit.saturating_mul(8)).unwrap_or(usize::MAX).saturating_add(64 << 20);
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: bytes_limit });
    decoder.set_transformations(Transformations::IDENTITY);
    // Nobody asks for the colour profile, which may inflate to a thousand times its size.
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(|error| broken(&error))?;
    let (width, height) = (header.width as usize, header.height as usize);
    check_size(u64::from(header.width), u64::from(header.height), limit)?;
    let mut reader = decoder.read_info().map_err(|error| broken(&error))?;
    let size = reader.output_buffer_size().ok_or(ImageError::TooLarge {
        width: width as u64,
        height: height as u64,
        limit,
    })?;
    // Deflate makes at most 1032 bytes of one: a short file that claims a huge picture is found out here.
    if size / 1040 > bytes.len() {
        return Err(ImageError::Broken { format: "PNG", reason: "the file breaks off (truncated)".into() });
    }
    let whole = (width * height * 3) as u64;
    let mut converted = Converted::new(reader.info(), width);
    if reader.info().interlaced {
        memory::need(whole + size as u64)?;
        converted.pixels = room(width * height * 3)?;
        let mut samples = vec![0; size];
        let frame = reader.next_frame(&mut samples).map_err(|error| broken(&error))?;
        samples.chunks_exact(frame.line_size.max(1)).take(height).for_each(|row| converted.add(row));
    } else {
        memory::need(whole)?;
        converted.pixels = room(width * height * 3)?;
        while let Some(row) = reader.next_row().map_err(|error| broken(&error))? {
            converted.add(row.data());
        }
    }
    // EXIF may follow the pixels. That the file breaks off behind them costs nothing.
    let _ = reader.finish();
    let Converted { pixels, mut notes, brightest, .. } = converted;
    if let Some(brightest) = brightest {
        notes.deep_grey(std::iter::once(brightest));
    }
    Ok(Decoded { width, height, pixels, part: None, exif: exif(reader.info()), notes })
}

/// The pixels of the rows so far, as they become 8-bit RGB.
struct Converted {
    width: usize,
    colour: ColorType,
    depth: BitDepth,
    palette: Vec<[u8; 3]>,
    /// Of a palette, the alpha of its colours; otherwise the colour that stands for transparent.
    transparency: Vec<u8>,
    pixels: Vec<u8>,
    notes: Notes,
    /// Of 16-bit grey.
    brightest: Option<u16>,
}

impl Converted {
    fn new(info: &png::Info<'_>, width: usize) -> Self {
        Self {
            width,
            colour: info.color_type,
            depth: info.bit_depth,
            palette: info.palette.as_deref().unwrap_or_default().as_chunks::<3>().0.to_vec(),
            transparency: info.trns.as_deref().unwrap_or_default().to_vec(),
            pixels: Vec::new(),
            notes: Notes::default(),
            brightest: None,
        }
    }

    fn add(&mut self, row: &[u8]) {
        let (width, pixels) = (self.width, &mut self.pixels);
        match (self.colour, self.depth) {
            (ColorType::Grayscale, BitDepth::Sixteen) => {
                // Scaled, where Pillow clips its mode "I;16".
                pixels.extend(row.as_chunks::<2>().0.iter().flat_map(|&[high, _]| [high; 3]));
            }
            (ColorType::Grayscale, depth) => {
                let depth = depth as u8;
                let scale = 255 / ((1u16 << depth) - 1) as u8;
                pixels.extend(packed(row, depth).take(width).flat_map(|grey| [grey * scale; 3]));
            }
            (ColorType::Indexed, depth) => pixels.extend(
                packed(row, depth as u8)
                    .take(width)
                    .flat_map(|index| self.palette.get(usize::from(index)).copied().unwrap_or([0; 3])),
            ),
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => {
                pixels.extend(row.as_chunks::<4>().0.iter().flat_map(|&[high, ..]| [high; 3]));
            }
            (ColorType::GrayscaleAlpha, _) => {
                pixels.extend(row.as_chunks::<2>().0.iter().flat_map(|&[grey, _]| [grey; 3]));
            }
            (ColorType::Rgb, BitDepth::Sixteen) => {
                pixels.extend(row.as_chunks::<6>().0.iter().flat_map(|&[r, _, g, _, b, _]| [r, g, b]));
            }
            (ColorType::Rgb, _) => pixels.extend_from_slice(row),
            (ColorType::Rgba, BitDepth::Sixteen) => {
                pixels.extend(row.as_chunks::<8>().0.iter().flat_map(|&[r, _, g, _, b, ..]| [r, g, b]));
            }
            (ColorType::Rgba, _) => {
                pixels.extend(row.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]));
            }
        }
        self.note(row);
    }

    /// What the row loses.
    fn note(&mut self, row: &[u8]) {
        let notes = &mut self.notes;
        let last = |of: usize| row.iter().skip(of - 1).step_by(of).copied();
        match (self.colour, self.depth) {
            (ColorType::Grayscale, BitDepth::Sixteen) => {
                let samples = row.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair));
                self.brightest = self.brightest.max(samples.max());
            }
            // Of alpha in 16 bits the high byte.
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => {
                notes.alpha(row.as_chunks::<4>().0.iter().map(|pixel| pixel[2]));
            }
            (ColorType::Rgba, BitDepth::Sixteen) => {
                notes.alpha(row.as_chunks::<8>().0.iter().map(|pixel| pixel[6]))
            }
            (ColorType::GrayscaleAlpha, _) => notes.alpha(last(2)),
            (ColorType::Rgba, _) => notes.alpha(last(4)),
            (ColorType::Indexed, depth) if !self.transparency.is_empty() => {
                let alpha = |index: u8| self.transparency.get(usize::from(index)).copied().unwrap_or(255);
                notes.alpha(packed(row, depth as u8).take(self.width).map(alpha));
            }
            // One colour stands for transparent.
            (ColorType::Rgb, BitDepth::Eight) => {
                if let Some(&[_, r, _, g, _, b]) = self.transparency.first_chunk::<6>()
                    && row.as_chunks::<3>().0.contains(&[r, g, b])
                {
                    notes.add(Note::Transparency);
                }
            }
            (ColorType::Grayscale, BitDepth::Eight) => {
                if let Some(&[_, grey]) = self.transparency.first_chunk::<2>()
                    && row.contains(&grey)
                {
                    notes.add(Note::Transparency);
                }
            }
            _ => {}
        }
    }
}

/// Samples of 1, 2, 4 or 8 bits, the highest bits first.
fn packed(row: &[u8], depth: u8) -> impl Iterator<Item = u8> + '_ {
    let each = 8 / depth;
    let mask = ((1u16 << depth) - 1) as u8;
    row.iter().flat_map(move |&byte| (0..each).map(move |place| byte >> (8 - depth * (place + 1)) & mask))
}

fn exif(info: &png::Info<'_>) -> Exif {
    let xmp = info.utf8_text.iter().find(|text| text.keyword == "XML:com.adobe.xmp").and_then(|text| {
        let mut text = text.clone();
        text.decompress_text_with_limit(MAX_TEXT).ok()?;
        text.get_text().ok()
    });
    let tiff = info.exif_metadata.as_deref().map(<[u8]>::to_vec).or_else(|| raw_profile(info));
    Exif { tiff, xmp: xmp.map(String::into_bytes), ..Exif::default() }
}

/// ImageMagick writes EXIF as hexadecimal text, below three lines of its own.
fn raw_profile(info: &png::Info<'_>) -> Option<Vec<u8>> {
    let name = "Raw profile type exif";
    let plain =
        info.uncompressed_latin1_text.iter().find(|text| text.keyword == name).map(|text| text.text.clone());
    let text = plain.or_else(|| {
        let mut text = info.compressed_latin1_text.iter().find(|text| text.keyword == name)?.clone();
        text.decompress_text_with_limit(MAX_TEXT).ok()?;
        text.get_text().ok()
    })?;
    let digits: Vec<u8> =
        text.split('\n').skip(3).flat_map(str::bytes).filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or_default() as u8;
    Some(digits.as_chunks::<2>().0.iter().map(|&[high, low]| value(high) << 4 | value(low)).collect())
}

//! Encoded bytes to 8-bit RGB, as Pillow's `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` gives it.
//!
//! What follows from that, and may surprise: transparency is dropped, not blended (a transparent pixel shows the colour
//! stored under it); 16-bit colour keeps its high bytes; embedded colour profiles are not applied; of an animation the first
//! frame counts, of a TIFF the first page.
//!
//! In one thing this is not Pillow: 16-bit *grey* keeps its high bytes too, where Pillow's conversion makes all that is brighter than
//! 255 of 65,535 white. Nobody means that.
//!
//! Where Pillow guesses what a broken file may have held, this is an error instead.

mod bmp;
mod gif;
mod jpeg;
mod notes;
mod orientation;
mod picture;
mod png;
mod tiff;
mod webp;

use std::sync::Arc;

use crate::format::{Format, HEAD};
use crate::memory;
use crate::quiet::catch_quietly;
use crate::{ImageError, Patch, Region, RgbImage};
pub use notes::PixelNote;
pub(crate) use notes::{Note, Notes};
use picture::{Decoded, PicturePart, WantedPart};

/// The most pixels an image may have: where Pillow refuses ("decompression bomb"), 1 GiB of 24-bit pixels over two.
pub const PIXEL_LIMIT: u64 = 178_956_970;

/// Decodes JPEG, PNG, WebP, BMP, GIF (the first frame) or TIFF (the first page); the format is found out from the bytes, never from a name.
///
/// # Errors
/// The bytes are no image, a broken one, or one with more than [`PIXEL_LIMIT`] pixels.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, ImageError> {
    decode_within(bytes, PIXEL_LIMIT)
}

/// [`decode`], with another limit to the number of pixels.
///
/// # Errors
/// As [`decode`].
pub fn decode_within(bytes: &[u8], limit: u64) -> Result<RgbImage, ImageError> {
    decode_as_asked(bytes, limit, &mut WantedPart { shortest: None, part: None })
        .map(|(patch, _)| patch.into_image())
}

/// [`decode()`], but a JPEG at a half, a quarter or an eighth of its size, the least at which its shorter side keeps `shortest`
/// pixels: Pillow's `Image.draft("RGB", (shortest, shortest))`. High frequencies are left out instead of averaged, so the pixels
/// are not those of the full picture made smaller. Other formats come in full size, and so does everything where no length is named.
///
/// # Errors
/// As [`decode()`].
pub fn decode_draft(bytes: &[u8], shortest: Option<usize>) -> Result<RgbImage, ImageError> {
    decode_noting(bytes, shortest).map(|(image, _)| image)
}

/// [`decode_draft`], with the notes of what the image lost.
pub(crate) fn decode_noting(bytes: &[u8], shortest: Option<usize>) -> Result<(RgbImage, Notes), ImageError> {
    let (patch, notes) = decode_as_asked(bytes, PIXEL_LIMIT, &mut WantedPart { shortest, part: None })?;
    Ok((patch.into_image(), notes))
}

/// [`decode_draft`], with what people should know of it: 16-bit grey that was scaled, CMYK, transparency that was dropped.
///
/// # Errors
/// As [`decode()`].
pub fn decode_with_notes(
    bytes: &[u8],
    shortest: Option<usize>,
) -> Result<(RgbImage, Vec<PixelNote>), ImageError> {
    decode_noting(bytes, shortest).map(|(image, notes)| (image, notes.list()))
}

/// What people should know of an image, see [`decode_with_notes`]; nothing of bytes that are none. Decodes the image.
#[must_use]
pub fn pixel_notes(bytes: &[u8]) -> Vec<PixelNote> {
    decode_with_notes(bytes, None).map(|(_, notes)| notes).unwrap_or_default()
}

/// At least the region of an image that `choose` asks for, once it is told width and height: of a JPEG, whose other blocks are
/// not transformed and whose rows below are not even looked at, exactly that; of other formats all. The pixels are those that
/// [`decode()`] gives.
///
/// # Errors
/// As [`decode()`], but a file may be broken where nobody looked.
pub fn decode_region(
    bytes: &[u8],
    choose: &mut dyn FnMut(usize, usize) -> Region,
) -> Result<Patch, ImageError> {
    decode_part(bytes, None, choose)
}

/// [`decode_region`] of an image as [`decode_draft`] gives it, if a shortest side is named.
pub(crate) fn decode_part(
    bytes: &[u8],
    draft: Option<usize>,
    choose: &mut dyn FnMut(usize, usize) -> Region,
) -> Result<Patch, ImageError> {
    decode_as_asked(bytes, PIXEL_LIMIT, &mut WantedPart { shortest: draft, part: Some(choose) })
        .map(|(patch, _)| patch)
}

/// Width and height that [`decode_part`] says when it asks which region; nothing where the image has to be decoded whole.
pub(crate) fn size_of_parts(bytes: &[u8], draft: Option<usize>) -> Option<(usize, usize)> {
    if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return None;
    }
    let (width, height, turned) = catch_quietly(|| jpeg::size(bytes, PIXEL_LIMIT)).ok()?.ok()?;
    let reduce = draft.map_or(1, |shortest| picture::reduction(width, height, shortest));
    (!turned).then_some((width.div_ceil(reduce), height.div_ceil(reduce)))
}

type Decoder = fn(&[u8], u64, &mut WantedPart<'_>) -> Result<Decoded, ImageError>;

/// What decodes a file that begins so, and the name of its format.
fn decoder(bytes: &[u8]) -> Option<(&'static str, Decoder)> {
    Some(match bytes {
        [0xFF, 0xD8, 0xFF, ..] => ("JPEG", jpeg::decode),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => {
            ("PNG", |bytes, limit, _| png::decode(bytes, limit))
        }
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            ("WebP", |bytes, limit, _| webp::decode(bytes, limit))
        }
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => {
            ("GIF", |bytes, limit, _| gif::decode(bytes, limit))
        }
        [b'B', b'M', ..] => ("BMP", |bytes, limit, _| bmp::decode(bytes, limit)),
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..]
            if Format::of(&bytes[..bytes.len().min(HEAD)]) == Some(Format::Tiff) =>
        {
            ("TIFF", |bytes, limit, _| tiff::decode(bytes, limit))
        }
        _ => return None,
    })
}

/// Refuses what begins like no image that is decoded.
pub(crate) fn refuse_no_image(head: &[u8]) -> Result<(), ImageError> {
    decoder(head).map(drop).ok_or_else(|| unknown(head))
}

fn decode_as_asked(
    bytes: &[u8],
    limit: u64,
    wanted: &mut WantedPart<'_>,
) -> Result<(Patch, Notes), ImageError> {
    let _memory = memory::Scope::begin();
    let (format, decoder) = match bytes {
        [] => return Err(ImageError::Empty),
        bytes => decoder(bytes).ok_or_else(|| unknown(bytes))?,
    };
    // No known file makes a decoder panic. Should one be found, it costs an image, not a study.
    let decoded = catch_quietly(|| decoder(bytes, limit, wanted))
        .unwrap_or_else(|_| Err(ImageError::Broken { format, reason: "the decoder gave up on it".into() }))?;
    let Decoded { width, height, pixels, part, exif, notes } = decoded;
    let image = RgbImage::new(width, height, pixels)
        .ok_or_else(|| ImageError::Broken { format, reason: "it has no pixels".into() })?;
    let patch = match part {
        Some(PicturePart { at, whole }) => Patch::part(image, at, whole),
        None => {
            let orientation = exif.orientation();
            if orientation != 1 {
                memory::need(image.pixels().len() as u64)?;
            }
            Patch::whole(Arc::new(orientation::upright(image, orientation)))
        }
    };
    Ok((patch, notes))
}

/// Why bytes that are in no format that is read are none: by the name of their format, where they have one.
fn unknown(bytes: &[u8]) -> ImageError {
    match Format::of(&bytes[..bytes.len().min(HEAD)]) {
        Some(format) if !format.is_read() => ImageError::OtherFormat {
            format: format.to_string(),
            remedy: format.convert().map_or("convert it to PNG or JPEG first".to_owned(), |line| {
                format!("convert it to PNG or JPEG first, for example with {line}")
            }),
        },
        _ => ImageError::UnknownFormat(first_bytes(bytes)),
    }
}

/// The beginning of a file that is no image, for people.
fn first_bytes(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(16)];
    if head.iter().all(|byte| (0x20..0x7F).contains(byte) || byte.is_ascii_whitespace()) {
        return format!("the text {:?}", String::from_utf8_lossy(head));
    }
    let hex: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", hex.join(" "))
}

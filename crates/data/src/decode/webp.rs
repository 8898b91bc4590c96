//! WebP, lossy and lossless; of an animation the first frame on its canvas.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::notes::Notes;
use super::orientation::Exif;
use super::picture::{Decoded, check_size, room};
use crate::{ImageError, memory};

fn broken(error: &DecodingError) -> ImageError {
    let reason = match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the file breaks off (truncated)".to_owned()
        }
        other => other.to_string(),
    };
    ImageError::Broken { format: "WebP", reason }
}

pub(super) fn decode(bytes: &[u8], limit: u64) -> Result<Decoded, ImageError> {
    // The container says how long it is: what breaks off is refused, whether pixels are missing or not.
    let claimed =
        bytes.get(4..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |&size| u32::from_le_bytes(size));
    if (bytes.len() as u64) < u64::from(claimed) + 8 {
        return Err(ImageError::Broken { format: "WebP", reason: "the file breaks off (truncated)".into() });
    }
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions();
    check_size(u64::from(width), u64::from(height), limit)?;
    // What is claimed of a profile or a packet may be more than there is.
    decoder.set_memory_limit(bytes.len());
    // Beside the pixels the library holds four bytes of each, and alpha is dropped from a copy.
    memory::need(u64::from(width) * u64::from(height) * if decoder.has_alpha() { 11 } else { 7 })?;
    let too_large = ImageError::TooLarge { width: width.into(), height: height.into(), limit };
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or(too_large)?];
    decoder.read_image(&mut pixels).map_err(|error| broken(&error))?;
    let mut notes = Notes::default();
    if decoder.has_alpha() {
        notes.alpha(pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[3]));
        let mut opaque = room(pixels.len() / 4 * 3)?;
        opaque.extend(pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]));
        pixels = opaque;
    }
    let exif = Exif {
        tiff: decoder.exif_metadata().ok().flatten(),
        xmp: decoder.xmp_metadata().ok().flatten(),
        ..Exif::default()
    };
    Ok(Decoded { width: width as usize, height: height as usize, pixels, part: None, exif, notes })
}

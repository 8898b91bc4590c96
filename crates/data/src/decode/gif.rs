//! The first frame of a GIF, on its canvas.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use super::notes::{Note, Notes};
use super::orientation::Exif;
use super::picture::{Decoded, check_size, room};
use crate::{ImageError, memory};

fn broken(error: &DecodingError) -> ImageError {
    let reason = match error {
        DecodingError::UnexpectedEof => "the file breaks off (truncated)".to_owned(),
        other => other.to_string(),
    };
    ImageError::Broken { format: "GIF", reason }
}

pub(super) fn decode(bytes: &[u8], limit: u64) -> Result<Decoded, ImageError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Bytes(NonZeroU64::new(limit).unwrap_or(NonZeroU64::MIN)));
    let mut decoder = options.read_info(bytes).map_err(|error| broken(&error))?;
    let screen = (usize::from(decoder.width()), usize::from(decoder.height()));
    let none = || ImageError::Broken { format: "GIF", reason: "it has no frame".into() };
    let frame = decoder.next_frame_info().map_err(|error| broken(&error))?.ok_or_else(none)?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (across, down) = (usize::from(frame.width), usize::from(frame.height));
    // A frame that reaches beyond the screen enlarges it.
    let (width, height) = (screen.0.max(left + across), screen.1.max(top + down));
    check_size(width as u64, height as u64, limit)?;
    memory::need((across * down + 3 * width * height) as u64)?;
    let (transparent, local) = (frame.transparent, frame.palette.clone());
    let mut indices = vec![0; across * down];
    decoder.read_into_buffer(&mut indices).map_err(|error| broken(&error))?;

    let palette = local.as_deref().or(decoder.global_palette()).unwrap_or_default().as_chunks::<3>().0;
    // Without a palette, and with one that only counts up, an index is a shade of grey, beyond the palette's end too.
    let grey = palette
        .iter()
        .enumerate()
        .all(|(index, colour)| colour.iter().all(|&level| usize::from(level) == index));
    let colour = |index: u8| match palette.get(usize::from(index)) {
        _ if grey => [index; 3],
        Some(&colour) => colour,
        None => [0; 3],
    };
    let mut pixels = room(width * height * 3)?;
    pixels.extend(std::iter::repeat_n(colour(transparent.unwrap_or(0)), width * height).flatten());
    if across > 0 {
        for (row, indices) in indices.chunks_exact(across).enumerate() {
            let start = ((top + row) * width + left) * 3;
            let target = pixels[start..start + across * 3].as_chunks_mut::<3>().0;
            target.iter_mut().zip(indices).for_each(|(pixel, &index)| *pixel = colour(index));
        }
    }
    let mut notes = Notes::default();
    let covered = across == width && down == height;
    if transparent.is_some_and(|index| !covered || indices.contains(&index)) {
        notes.add(Note::Transparency);
    }
    Ok(Decoded { width, height, pixels, part: None, exif: Exif::default(), notes })
}

//! What the decoders of all formats share: what is wanted of a picture, what comes out, and room for it.

use super::notes::Notes;
use super::orientation::Exif;
use crate::{ImageError, Region, memory};

/// Pillow's choice: both sides divided by it, rounded down, stay at least so long.
pub(super) fn reduction(width: usize, height: usize, shortest: usize) -> usize {
    match width.min(height) / shortest.max(1) {
        8.. => 8,
        4..8 => 4,
        2..4 => 2,
        _ => 1,
    }
}

/// What is to be decoded of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Both sides are divided by it, rounded up: 1, 2, 4 or 8. Formats that have no short way give the full size.
    pub(super) reduce: usize,
    /// The part, in pixels of the reduced picture.
    pub(super) region: Region,
}

/// What is wanted of a picture whose width and height are not yet known.
pub(super) struct WantedPart<'c> {
    /// Of a draft, the pixels that its shorter side must keep.
    pub(super) shortest: Option<usize>,
    /// Says which part, once it is told the width and height of what comes out; all of it where nobody does.
    pub(super) part: Option<&'c mut dyn FnMut(usize, usize) -> Region>,
}

impl WantedPart<'_> {
    /// Of a picture of this size; one that must be turned is wanted whole.
    pub(super) fn of(&mut self, width: usize, height: usize, turned: bool) -> Request {
        let reduce = self.shortest.map_or(1, |shortest| reduction(width, height, shortest));
        let (width, height) = (width.div_ceil(reduce), height.div_ceil(reduce));
        let region = match &mut self.part {
            Some(part) if !turned => part(width, height),
            _ => Region { x: 0, y: 0, width, height },
        };
        Request { reduce, region }
    }
}

/// What a format's decoder gives.
pub(super) struct Decoded {
    pub(super) width: usize,
    pub(super) height: usize,
    /// RGB.
    pub(super) pixels: Vec<u8>,
    /// Where the pixels stand, if they are a part of an upright picture; otherwise they are all of it.
    pub(super) part: Option<PicturePart>,
    pub(super) exif: Exif,
    pub(super) notes: Notes,
}

/// Where a part of a picture stands in the whole.
pub(super) struct PicturePart {
    pub(super) at: (usize, usize),
    pub(super) whole: (usize, usize),
}

/// Room for so many bytes. What the system does not give is an error, where a list that grows by itself would end the program.
pub(super) fn room(bytes: usize) -> Result<Vec<u8>, ImageError> {
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).map_err(|_| std::io::Error::from(std::io::ErrorKind::OutOfMemory))?;
    Ok(room)
}

/// So many zeros, as [`room`].
pub(super) fn zeros<T: Clone + Default>(count: usize) -> Result<Vec<T>, ImageError> {
    memory::need((count * size_of::<T>()) as u64)?;
    Ok(vec![T::default(); count])
}

/// Refuses a picture too large, before anything is allocated for it.
pub(super) fn check_size(width: u64, height: u64, limit: u64) -> Result<(), ImageError> {
    if width.checked_mul(height).is_none_or(|pixels| pixels > limit) {
        return Err(ImageError::TooLarge { width, height, limit });
    }
    Ok(())
}

/// Pillow's `cmyk2rgb`: 0 is no ink. The product is divided by 255 with rounding.
pub(super) fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let light = 255 - i32::from(k);
    let under = |ink: u8| {
        let product = i32::from(ink) * light + 128;
        (light - (((product >> 8) + product) >> 8)).clamp(0, 255) as u8
    };
    [under(c), under(m), under(y)]
}

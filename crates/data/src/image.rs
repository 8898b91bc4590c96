//! The pixel types that leave this crate.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use memmap2::Mmap;

use crate::Region;

/// An 8-bit RGB image: row-major, interleaved, `height * width * 3` bytes, values 0–255, sRGB as stored in the file.
#[derive(Clone)]
pub struct RgbImage {
    width: usize,
    height: usize,
    pixels: Bytes,
}

/// Bytes of one's own, or a part of a mapped file.
#[derive(Clone)]
enum Bytes {
    Own(Vec<u8>),
    Mapped { map: Arc<Mmap>, range: Range<usize> },
}

impl RgbImage {
    /// Wraps pixels. `None` unless there are exactly `width * height * 3` of them and at least one pixel.
    #[must_use]
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let right = width > 0 && height > 0 && pixels.len() == width.checked_mul(height)?.checked_mul(3)?;
        right.then_some(Self { width, height, pixels: Bytes::Own(pixels) })
    }

    /// Pixels that are known to be `size * size * 3`.
    pub(crate) fn square(size: usize, pixels: Vec<u8>) -> Self {
        debug_assert!(size > 0 && pixels.len() == size * size * 3);
        Self { width: size, height: size, pixels: Bytes::Own(pixels) }
    }

    /// Pixels that stand in a file. `None` where they would reach beyond its end, or where there are none.
    pub(crate) fn mapped(width: usize, height: usize, map: &Arc<Mmap>, start: usize) -> Option<Self> {
        let end = width.checked_mul(height)?.checked_mul(3)?.checked_add(start)?;
        let right = width > 0 && height > 0 && end <= map.len();
        right.then(|| Self {
            width,
            height,
            pixels: Bytes::Mapped { map: Arc::clone(map), range: start..end },
        })
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes, R G B R G B …, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        match &self.pixels {
            Bytes::Own(bytes) => bytes,
            Bytes::Mapped { map, range } => &map[range.clone()],
        }
    }
}

impl PartialEq for RgbImage {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height, self.pixels()) == (other.width, other.height, other.pixels())
    }
}

impl Eq for RgbImage {}

impl fmt::Debug for RgbImage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RgbImage({}x{} {:?})", self.width, self.height, self.pixels())
    }
}

impl Region {
    /// The whole of an image.
    #[must_use]
    pub fn whole(image: &RgbImage) -> Self {
        Self { x: 0, y: 0, width: image.width(), height: image.height() }
    }
}

/// A rectangular part of an image that knows the size of the whole: what [`decode_region`](crate::decode_region) gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    image: Arc<RgbImage>,
    at: (usize, usize),
    whole: (usize, usize),
}

impl Patch {
    /// All of an image.
    #[must_use]
    pub fn whole(image: Arc<RgbImage>) -> Self {
        let whole = (image.width(), image.height());
        Self { image, at: (0, 0), whole }
    }

    /// The caller vouches that it lies inside.
    pub(crate) fn part(image: RgbImage, at: (usize, usize), whole: (usize, usize)) -> Self {
        debug_assert!(at.0 + image.width() <= whole.0 && at.1 + image.height() <= whole.1);
        Self { image: Arc::new(image), at, whole }
    }

    /// The pixels that are there.
    #[must_use]
    pub fn image(&self) -> &RgbImage {
        &self.image
    }

    pub(crate) fn into_image(self) -> RgbImage {
        Arc::unwrap_or_clone(self.image)
    }
}

/// Pixels to read from: of a whole image or of a part of one, in the coordinates of the whole.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pixels: &'a [u8],
    held: Region,
    whole: (usize, usize),
}

impl<'a> From<&'a RgbImage> for View<'a> {
    fn from(image: &'a RgbImage) -> Self {
        let whole = (image.width, image.height);
        Self { pixels: image.pixels(), held: Region::whole(image), whole }
    }
}

impl<'a> From<&'a Arc<RgbImage>> for View<'a> {
    fn from(image: &'a Arc<RgbImage>) -> Self {
        image.as_ref().into()
    }
}

impl<'a> From<&'a Patch> for View<'a> {
    fn from(patch: &'a Patch) -> Self {
        let held = Region { x: patch.at.0, y: patch.at.1, ..Region::whole(&patch.image) };
        Self { pixels: patch.image.pixels(), held, whole: patch.whole }
    }
}

impl<'a> View<'a> {
    /// Columns of the whole.
    #[must_use]
    pub fn width(self) -> usize {
        self.whole.0
    }

    /// Rows of the whole.
    #[must_use]
    pub fn height(self) -> usize {
        self.whole.1
    }

    /// `count` pixels of a row from column `x` on. They must be there: see [`crate::Resample::reads`].
    pub(crate) fn row(self, x: usize, y: usize, count: usize) -> &'a [u8] {
        let start = ((y - self.held.y) * self.held.width + x - self.held.x) * 3;
        &self.pixels[start..start + count * 3]
    }
}

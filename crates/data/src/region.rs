//! Parts of images.

/// A window of an image, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
}

impl Region {
    /// No pixel.
    pub(crate) const NONE: Self = Self { x: 0, y: 0, width: 0, height: 0 };

    /// The part that lies inside an image of this size; where nothing does, the nearest pixel.
    pub(crate) fn within(self, width: usize, height: usize) -> Self {
        let x = self.x.min(width - 1);
        let y = self.y.min(height - 1);
        Self { x, y, width: self.width.clamp(1, width - x), height: self.height.clamp(1, height - y) }
    }

    /// Whether a pixel lies in it.
    pub(crate) fn holds(self, x: usize, y: usize) -> bool {
        x.wrapping_sub(self.x) < self.width && y.wrapping_sub(self.y) < self.height
    }
}

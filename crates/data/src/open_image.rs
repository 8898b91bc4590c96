//! An image whose size is known before its pixels are decoded.

use std::sync::Arc;

use crate::decode::{decode_noting, decode_part, size_of_parts};
use crate::{ImageError, Patch, Region, RgbImage};

/// An image whose size is known. Its pixels may not be decoded yet: [`OpenImage::pixels`] decodes no more than it has to.
#[derive(Debug)]
pub struct OpenImage(Source);

#[derive(Debug)]
enum Source {
    Decoded(Arc<RgbImage>),
    /// A file of which a part can be decoded alone.
    File {
        bytes: Vec<u8>,
        draft: Option<usize>,
        size: (usize, usize),
    },
}

impl OpenImage {
    pub(crate) fn decoded(image: Arc<RgbImage>) -> Self {
        Self(Source::Decoded(image))
    }

    /// Of a file of some image format; `draft` as [`crate::decode_draft`] takes it. What cannot be decoded in parts is decoded now.
    ///
    /// # Errors
    /// As [`crate::decode()`].
    pub fn of_file(bytes: Vec<u8>, draft: Option<usize>) -> Result<Self, ImageError> {
        Ok(match size_of_parts(&bytes, draft) {
            Some(size) => Self(Source::File { bytes, draft, size }),
            None => Self::decoded(Arc::new(decode_noting(&bytes, draft)?.0)),
        })
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.size().0
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.size().1
    }

    fn size(&self) -> (usize, usize) {
        match &self.0 {
            Source::Decoded(image) => (image.width(), image.height()),
            Source::File { size, .. } => *size,
        }
    }

    /// At least this region of it: the same pixels as of the image as a whole.
    ///
    /// # Errors
    /// As [`crate::decode_region`].
    pub fn pixels(self, region: Region) -> Result<Patch, ImageError> {
        match self.0 {
            Source::Decoded(image) => Ok(Patch::whole(image)),
            Source::File { bytes, draft, .. } => decode_part(&bytes, draft, &mut |_, _| region),
        }
    }
}

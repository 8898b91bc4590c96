//! Pixels before normalisation, and the network's input after it. The types are the protocol: [`Pixels`] come out of a
//! pipeline, are stacked into a [`PixelBatch`], may be mixed there, and become a [`NetworkInput`] by being consumed,
//! so nothing can be scaled twice, normalised twice or mixed after normalisation.

use thiserror::Error;

use crate::Normalisation;

/// One image: `height × width × 3` f32, row-major, interleaved RGB, nominal range [0, 1] (brightness and contrast may
/// leave it).
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Pixels {
    /// Wraps values. `None` unless there are exactly `width * height * 3` of them, all finite, and at least one pixel.
    #[must_use]
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Option<Self> {
        let right = width > 0
            && height > 0
            && values.len() == width.checked_mul(height)?.checked_mul(3)?
            && values.iter().all(|v| v.is_finite());
        right.then_some(Self { width, height, values })
    }

    /// The caller vouches for the shape.
    pub(crate) fn from_parts(width: usize, height: usize, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), width * height * 3);
        Self { width, height, values }
    }

    /// Changes the values in place.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut [f32])) -> Self {
        change(&mut self.values);
        self
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

    /// R G B R G B …, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The nearest 8-bit image, values outside [0, 1] clipped: for looking at, not for training.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes(&self.values)
    }
}

/// Rounded to 0–255, clipped.
fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
}

/// Why images do not make a batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// Nothing to stack.
    #[error("a batch needs at least one image")]
    Empty,
    /// Images of different sizes.
    #[error(
        "image {index} of the batch is {width}×{height} px but the first is {first_width}×{first_height}; \
         bring all images to one size before stacking them"
    )]
    SizesDiffer {
        /// Position in the batch.
        index: usize,
        /// Its columns.
        width: usize,
        /// Its rows.
        height: usize,
        /// Columns of image 0.
        first_width: usize,
        /// Rows of image 0.
        first_height: usize,
    },
    /// A label that names no class.
    #[error("label {label} at position {index} names no class: there are {classes} classes, numbered from 0")]
    LabelOutOfRange {
        /// Position in the batch.
        index: usize,
        /// The label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// What the network is said to have answered is not about this batch.
    #[error(
        "{got} values of {what} do not belong to this batch, which has {expected}; ask the network about its unmixed images"
    )]
    AnswerLength {
        /// What was answered.
        what: &'static str,
        /// How many values it should have.
        expected: usize,
        /// How many it has.
        got: usize,
    },
    /// Images, targets and sample ids do not belong together.
    #[error(
        "{images} images, {targets} targets and {ids} sample ids do not make one batch; give as many of each"
    )]
    LengthsDiffer {
        /// Images.
        images: usize,
        /// Rows of targets.
        targets: usize,
        /// Sample ids.
        ids: usize,
    },
}

/// Images of one size: `n × height × width × 3` f32, nominal range [0, 1], not normalised.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelBatch {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl PixelBatch {
    /// Stacks images of one size.
    pub fn stack(images: Vec<Pixels>) -> Result<Self, BatchError> {
        let Some(first) = images.first() else { return Err(BatchError::Empty) };
        let (width, height) = (first.width, first.height);
        if let Some((index, image)) =
            images.iter().enumerate().find(|(_, image)| (image.width, image.height) != (width, height))
        {
            return Err(BatchError::SizesDiffer {
                index,
                width: image.width,
                height: image.height,
                first_width: width,
                first_height: height,
            });
        }
        let mut values = Vec::with_capacity(images.len() * width * height * 3);
        images.iter().for_each(|image| values.extend_from_slice(&image.values));
        Ok(Self { width, height, values })
    }

    /// The caller vouches for the shape: at least one image of at least one pixel.
    pub(crate) fn from_parts(width: usize, height: usize, values: Vec<f32>) -> Self {
        debug_assert!(!values.is_empty() && values.len().is_multiple_of(width * height * 3));
        Self { width, height, values }
    }

    /// Number of images, at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.values.len() / self.image_len()
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

    /// All values, image by image, row by row, R G B R G B ….
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Image `index` as it stands, mixed or not; `None` beyond the end.
    #[must_use]
    pub fn image(&self, index: usize) -> Option<Pixels> {
        let values = self.values.chunks_exact(self.image_len()).nth(index)?;
        Some(Pixels::from_parts(self.width, self.height, values.to_vec()))
    }

    /// Values of image `index`, which there must be.
    pub(crate) fn image_values(&self, index: usize) -> &[f32] {
        &self.values[index * self.image_len()..][..self.image_len()]
    }

    /// Floats of one image.
    pub(crate) fn image_len(&self) -> usize {
        self.width * self.height * 3
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

/// What a network is fed: `n × height × width × 3` f32, NHWC, channel order and scale as the weights expect.
/// Made only by consuming a [`PixelBatch`].
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkInput {
    batch: usize,
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl NetworkInput {
    /// Normalises in place.
    #[must_use]
    pub fn new(pixels: PixelBatch, normalisation: &Normalisation) -> Self {
        let mut input = Self::from_normalised(pixels);
        normalisation.apply(&mut input.values);
        input
    }

    /// The caller has normalised the values already.
    pub(crate) fn from_normalised(pixels: PixelBatch) -> Self {
        let batch = pixels.len();
        let PixelBatch { width, height, values } = pixels;
        Self { batch, width, height, values }
    }

    /// Number of images.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// NHWC.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

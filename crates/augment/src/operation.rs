//! Operations on single images that stand in a file of their own, with their options, checks, words and pixels together.

use bakeoff_random::Stream;

use crate::check::Keys;
use crate::{Pixels, Transform};

/// What every operation can do. The size of an image stays as it is.
pub(crate) trait Operation {
    /// As a study file writes it.
    fn kind(&self) -> &'static str;

    /// Tells everything wrong with its numbers.
    fn check(&self, keys: &mut Keys);

    /// One line for the plan and the report, with its numbers.
    fn describe(&self) -> String;

    /// Draws what it needs and changes the image.
    fn apply(&self, pixels: Pixels, stream: &mut Stream, centre: &Centre) -> Pixels;
}

/// What the network sees as 0, and how far from it 1 is, in pixel values: for operations whose reference works after
/// normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Centre {
    pub(crate) mean: [f32; 3],
    pub(crate) sd: [f32; 3],
}

impl Transform {
    /// `None` for the kinds that change an image's size or are simple enough to need no file.
    pub(crate) fn operation(&self) -> Option<&dyn Operation> {
        Some(match self {
            Self::ColourJitter(operation) => operation,
            Self::Grey(operation) => operation,
            Self::VerticalFlip(operation) => operation,
            Self::CentreCrop(operation) => operation,
            Self::PadCrop(operation) => operation,
            Self::Rotate(operation) => operation,
            Self::Affine(operation) => operation,
            Self::Perspective(operation) => operation,
            Self::Invert(operation) => operation,
            Self::Posterise(operation) => operation,
            Self::Solarise(operation) => operation,
            Self::Equalise(operation) => operation,
            Self::Autocontrast(operation) => operation,
            Self::Sharpness(operation) => operation,
            Self::GaussianBlur(operation) => operation,
            Self::GaussianNoise(operation) => operation,
            Self::Jpeg(operation) => operation,
            Self::RandomErasing(operation) => operation,
            Self::Cutout(operation) => operation,
            Self::Gridmask(operation) => operation,
            Self::RandAugment(operation) => operation,
            Self::RandAugmentTimm(operation) => operation,
            Self::TrivialAugmentWide(operation) => operation,
            Self::AutoAugment(operation) => operation,
            Self::Augmix(operation) => operation,
            Self::ThreeAugment(operation) => operation,
            Self::HorizontalFlip { .. }
            | Self::Resize { .. }
            | Self::RandomCrop { .. }
            | Self::RandomResizedCrop { .. }
            | Self::Contrast { .. }
            | Self::Saturation { .. }
            | Self::Hue { .. }
            | Self::Brightness { .. } => return None,
        })
    }
}

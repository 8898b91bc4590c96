//! TrivialAugmentWide.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elementary::{Canvas, RAND, Space, Translate, check_bins, pick};
use crate::Pixels;
use crate::keys::Keys;
use crate::levels::{Interpolation, Levels};
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

/// Stronger than the usual magnitudes.
pub(super) const WIDE: Space = Space {
    shear: 0.99,
    translate: Translate::Pixels(32.0),
    rotate: 135.0,
    enhance: 0.99,
    posterise: [8.0, 6.0],
};

/// One operation at a uniform strength: Müller & Hutter 2021, as torchvision's `TrivialAugmentWide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct TrivialAugmentWide {
    /// Number of strengths there are, 2 to 1000.
    #[schemars(range(min = 2, max = 1000))]
    pub num_magnitude_bins: usize,
    /// How turned and sheared images are sampled.
    pub interpolation: Interpolation,
    /// What is shown where there was no image: levels of R, G, B.
    pub fill: [u8; 3],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for TrivialAugmentWide {
    fn default() -> Self {
        Self { num_magnitude_bins: 31, interpolation: Interpolation::Nearest, fill: [0; 3], probability: 1.0 }
    }
}

impl Operation for TrivialAugmentWide {
    fn kind(&self) -> &'static str {
        "trivial-augment-wide"
    }

    fn check(&self, keys: &mut Keys) {
        check_bins(self.num_magnitude_bins, keys);
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let (bins, share) = (self.num_magnitude_bins, with_probability(self.probability));
        format!("trivial-augment-wide: one of 14 operations at one of {bins} magnitudes{share}")
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let canvas = Canvas { interpolation: self.interpolation, fill: self.fill };
        let mut image = Levels::of(&pixels);
        let operation = pick(&RAND, stream);
        let bin = stream.below(self.num_magnitude_bins);
        let magnitude = WIDE.draw(operation, (self.num_magnitude_bins, bin), &image, stream);
        operation.apply(&mut image, magnitude, canvas);
        image.into_pixels()
    }
}

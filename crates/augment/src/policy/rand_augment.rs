//! RandAugment.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elementary::{Canvas, RAND, USUAL, check_bins, pick};
use crate::Pixels;
use crate::keys::Keys;
use crate::levels::{Interpolation, Levels};
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

/// A few operations at one strength: Cubuk et al. 2020, as torchvision's `RandAugment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct RandAugment {
    /// Operations an image goes through, 0 to 16.
    #[schemars(range(min = 0, max = 16))]
    pub num_ops: usize,
    /// Strength, 0 to below `num_magnitude_bins`.
    pub magnitude: usize,
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

impl Default for RandAugment {
    fn default() -> Self {
        Self {
            num_ops: 2,
            magnitude: 9,
            num_magnitude_bins: 31,
            interpolation: Interpolation::Nearest,
            fill: [0; 3],
            probability: 1.0,
        }
    }
}

impl Operation for RandAugment {
    fn kind(&self) -> &'static str {
        "rand-augment"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("num_ops", self.num_ops as f64, 0.0..=16.0, "between 0 and 16");
        check_bins(self.num_magnitude_bins, keys);
        let strongest = self.num_magnitude_bins.saturating_sub(1) as f64;
        keys.within("magnitude", self.magnitude as f64, 0.0..=strongest, "below num_magnitude_bins");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let Self { num_ops, magnitude, num_magnitude_bins, probability, .. } = self;
        let share = with_probability(*probability);
        format!(
            "rand-augment: {num_ops} of 14 operations at magnitude {magnitude} of {num_magnitude_bins}{share}"
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let canvas = Canvas { interpolation: self.interpolation, fill: self.fill };
        let mut image = Levels::of(&pixels);
        for _ in 0..self.num_ops {
            let operation = pick(&RAND, stream);
            let magnitude = USUAL.draw(operation, (self.num_magnitude_bins, self.magnitude), &image, stream);
            operation.apply(&mut image, magnitude, canvas);
        }
        image.into_pixels()
    }
}

//! Operations that change the levels of an image of 8 bits a channel, as torchvision and timm do to PIL images: inversion,
//! posterisation, solarisation, equalisation, autocontrast, sharpness. The image is rounded to 256 levels first.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;
use crate::keys::Keys;
use crate::levels::Levels;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

/// Changes a share of the images on 256 levels; the others stay as they are, unrounded.
fn on_levels(
    pixels: Pixels,
    probability: f64,
    stream: &mut Stream,
    change: impl FnOnce(&mut Levels, &mut Stream),
) -> Pixels {
    if !stream.coin(probability) {
        return pixels;
    }
    let mut levels = Levels::of(&pixels);
    change(&mut levels, stream);
    levels.into_pixels()
}

/// Every level replaced by 255 minus it (torchvision's `RandomInvert`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Invert {
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Invert {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl Operation for Invert {
    fn kind(&self) -> &'static str {
        "invert"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        format!("invert: 255 − level{}", with_probability(self.probability))
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        on_levels(pixels, self.probability, stream, |levels, _| levels.invert())
    }
}

/// The highest bits of every level (torchvision's `RandomPosterize`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Posterise {
    /// Bits that are kept, 1 to 8.
    #[schemars(range(min = 1, max = 8))]
    pub bits: u32,
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Posterise {
    fn default() -> Self {
        Self { bits: 4, probability: 0.5 }
    }
}

impl Operation for Posterise {
    fn kind(&self) -> &'static str {
        "posterise"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("bits", f64::from(self.bits), 1.0..=8.0, "between 1 and 8");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        format!("posterise: the highest {} bits of 8{}", self.bits, with_probability(self.probability))
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        on_levels(pixels, self.probability, stream, |levels, _| levels.posterise(self.bits))
    }
}

/// Bright levels inverted (torchvision's `RandomSolarize`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Solarise {
    /// Levels from this one on are inverted, 0 to 256.
    #[schemars(range(min = 0.0, max = 256.0))]
    pub threshold: f64,
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Solarise {
    fn default() -> Self {
        Self { threshold: 128.0, probability: 0.5 }
    }
}

impl Operation for Solarise {
    fn kind(&self) -> &'static str {
        "solarise"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("threshold", self.threshold, 0.0..=256.0, "a level between 0 and 256");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let share = with_probability(self.probability);
        format!("solarise: levels from {} of 255 on are inverted{share}", self.threshold)
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        on_levels(pixels, self.probability, stream, |levels, _| levels.solarise(self.threshold))
    }
}

/// Each channel's histogram made flat (torchvision's `RandomEqualize`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Equalise {
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Equalise {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl Operation for Equalise {
    fn kind(&self) -> &'static str {
        "equalise"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        format!("equalise: the histogram of each channel{}", with_probability(self.probability))
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        on_levels(pixels, self.probability, stream, |levels, _| levels.equalise())
    }
}

/// Each channel stretched to all 256 levels (torchvision's `RandomAutocontrast`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Autocontrast {
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Autocontrast {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl Operation for Autocontrast {
    fn kind(&self) -> &'static str {
        "autocontrast"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let share = with_probability(self.probability);
        format!("autocontrast: each channel stretched from its darkest to its brightest level{share}")
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        on_levels(pixels, self.probability, stream, |levels, _| levels.autocontrast())
    }
}

/// Sharpened or smoothed (torchvision's `RandomAdjustSharpness`, with a range of factors).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Sharpness {
    /// Factor, uniform between low and high, each 0 to 100: 0 smooths, 1 changes nothing, 2 sharpens.
    pub factor: [f64; 2],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Sharpness {
    fn default() -> Self {
        Self { factor: [2.0, 2.0], probability: 0.5 }
    }
}

impl Operation for Sharpness {
    fn kind(&self) -> &'static str {
        "sharpness"
    }

    fn check(&self, keys: &mut Keys) {
        keys.span("factor", self.factor, 0.0..=100.0, "a factor between 0 and 100");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let [low, high] = self.factor;
        let share = with_probability(self.probability);
        format!("sharpness: factor uniform in [{low}, {high}), 0 smooths and 2 sharpens{share}")
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        let [low, high] = self.factor;
        on_levels(pixels, self.probability, stream, |levels, stream| {
            levels.sharpness(stream.range(low, high));
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centre() -> Centre {
        Centre { mean: [0.5; 3], sd: [0.25; 3] }
    }

    #[test]
    fn the_asked_for_share_of_images_is_changed_and_the_others_not_even_rounded() {
        let values = (0..16 * 3).map(|i| 0.1 + i as f32 * 0.0171).collect();
        let image = Pixels::from_parts(4, 4, values);
        let operations: [&dyn Operation; 6] = [
            &Invert { probability: 0.3 },
            &Posterise { probability: 0.3, ..Posterise::default() },
            &Solarise { probability: 0.3, ..Solarise::default() },
            &Equalise { probability: 0.3 },
            &Autocontrast { probability: 0.3 },
            &Sharpness { probability: 0.3, ..Sharpness::default() },
        ];
        for operation in operations {
            let changed = (0..1000)
                .filter(|&sample| {
                    let mut stream = Stream::new(3, operation.kind(), 0, sample);
                    let out = operation.apply(image.clone(), &mut stream, &centre());
                    assert!(out.values().iter().all(|v| (0.0..=1.0).contains(v)));
                    out != image
                })
                .count();
            // Binomial(1000, 0.3): standard deviation 14.5.
            assert!(changed.abs_diff(300) < 75, "{}: {changed}", operation.kind());
        }
    }
}

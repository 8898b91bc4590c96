//! timm's RandAugment, which differs from torchvision's in its set, its magnitudes and its chances.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;
use crate::keys::Keys;
use crate::levels::{Interpolation, Levels};
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::policy::{Elementary, pick};

/// timm's `rand-m9-mstd0.5-inc1` and its like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct RandAugmentTimm {
    /// `n`: operations an image may go through, 0 to 16.
    #[schemars(range(min = 0, max = 16))]
    pub num_ops: usize,
    /// `m`: strength, 0 to 100; 10 is the full one.
    pub magnitude: f64,
    /// `mstd`: standard deviation of the strength, 0 to 100; above 100 in timm: `uniform_magnitude`.
    pub magnitude_std: f64,
    /// Strength uniform from 0 to `magnitude` instead (timm's `mstd` above 100).
    pub uniform_magnitude: bool,
    /// `mmax`: the strength is cut to this, 0 to 100.
    pub magnitude_max: f64,
    /// `inc`: operations that all grow stronger with the strength.
    pub increasing: bool,
    /// `p`: chance of each operation to be applied, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// How turned and sheared images are sampled: `"random"` is bilinear or bicubic with equal chances.
    pub interpolation: Sampled,
    /// What is shown where there was no image: levels of R, G, B.
    pub fill: [u8; 3],
}

/// How images are sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Sampled {
    /// Bilinear or bicubic, anew for each operation.
    #[default]
    Random,
    /// The pixel under the point.
    Nearest,
    /// Two by two pixels.
    Bilinear,
    /// Four by four pixels.
    Bicubic,
}

impl Default for RandAugmentTimm {
    fn default() -> Self {
        Self {
            num_ops: 2,
            magnitude: 10.0,
            magnitude_std: 0.0,
            uniform_magnitude: false,
            magnitude_max: 10.0,
            increasing: false,
            probability: 0.5,
            interpolation: Sampled::Random,
            fill: [128; 3],
        }
    }
}

/// timm's set, in its order.
const SET: [Elementary; 15] = [
    Elementary::AutoContrast,
    Elementary::Equalize,
    Elementary::Invert,
    Elementary::Rotate,
    Elementary::Posterize,
    Elementary::Solarize,
    Elementary::SolarizeAdd,
    Elementary::Color,
    Elementary::Contrast,
    Elementary::Brightness,
    Elementary::Sharpness,
    Elementary::ShearX,
    Elementary::ShearY,
    Elementary::TranslateX,
    Elementary::TranslateY,
];

/// Applies one operation at a strength out of ten; `negative` is the sign of those that have one.
fn apply(
    operation: Elementary,
    image: &mut Levels,
    strength: f64,
    (increasing, negative): (bool, bool),
    interpolation: Interpolation,
    fill: [u8; 3],
) {
    let level = strength / 10.0;
    let sign = if negative { -1.0 } else { 1.0 };
    // Away from 1 in both directions, or from 0.1 to 1.9.
    let factor = if increasing { (1.0 + sign * (level * 0.9)).max(0.1) } else { level * 1.8 + 0.1 };
    let affine = |image: &mut Levels, matrix| *image = image.affine(matrix, interpolation, fill);
    let (width, height) = (image.width as f64, image.height as f64);
    match operation {
        Elementary::AutoContrast => image.autocontrast(),
        Elementary::Equalize => image.equalise(),
        Elementary::Invert => image.invert(),
        Elementary::Rotate => *image = image.rotate(sign * (level * 30.0), interpolation, fill),
        Elementary::Posterize => {
            let bits = (level * 4.0) as u32;
            image.posterise(if increasing { 4u32.saturating_sub(bits) } else { bits });
        }
        Elementary::Solarize => {
            let threshold = (level * 256.0).trunc().min(256.0);
            image.solarise(if increasing { 256.0 - threshold } else { threshold });
        }
        Elementary::SolarizeAdd => image.solarise_add(((level * 110.0) as usize).min(128)),
        Elementary::Color => image.colour(factor),
        Elementary::Contrast => image.contrast(factor),
        Elementary::Brightness => image.brightness(factor),
        Elementary::Sharpness => image.sharpness(factor),
        Elementary::ShearX => affine(image, [1.0, sign * (level * 0.3), 0.0, 0.0, 1.0, 0.0]),
        Elementary::ShearY => affine(image, [1.0, 0.0, 0.0, sign * (level * 0.3), 1.0, 0.0]),
        Elementary::TranslateX => affine(image, [1.0, 0.0, sign * (level * 0.45) * width, 0.0, 1.0, 0.0]),
        Elementary::TranslateY => affine(image, [1.0, 0.0, 0.0, 0.0, 1.0, sign * (level * 0.45) * height]),
        Elementary::Identity => {}
    }
}

impl RandAugmentTimm {
    fn strength(&self, stream: &mut Stream) -> f64 {
        let strength = if self.uniform_magnitude {
            stream.range(0.0, self.magnitude)
        } else {
            self.magnitude + self.magnitude_std * stream.normal()
        };
        strength.min(self.magnitude_max).max(0.0)
    }
}

impl Operation for RandAugmentTimm {
    fn kind(&self) -> &'static str {
        "rand-augment-timm"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("num_ops", self.num_ops as f64, 0.0..=16.0, "between 0 and 16");
        for (key, value) in [
            ("magnitude", self.magnitude),
            ("magnitude_std", self.magnitude_std),
            ("magnitude_max", self.magnitude_max),
        ] {
            keys.within(key, value, 0.0..=100.0, "between 0 and 100");
        }
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let Self { num_ops, magnitude, magnitude_std, magnitude_max, probability, .. } = self;
        let strength = if self.uniform_magnitude {
            format!("uniform in [0, {magnitude})")
        } else if *magnitude_std > 0.0 {
            format!("normal around {magnitude} with standard deviation {magnitude_std}")
        } else {
            magnitude.to_string()
        };
        format!(
            "rand-augment of timm: {num_ops} of 15 {}operations, each with probability {probability}, at magnitude \
             {strength}, at most {magnitude_max}",
            if self.increasing { "increasing " } else { "" }
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        let mut image = None;
        for _ in 0..self.num_ops {
            let operation = pick(&SET, stream);
            if !stream.coin(self.probability) {
                continue;
            }
            let strength = self.strength(stream);
            let negative = stream.coin(0.5);
            let interpolation = match self.interpolation {
                Sampled::Random => pick(&[Interpolation::Bilinear, Interpolation::Bicubic], stream),
                Sampled::Nearest => Interpolation::Nearest,
                Sampled::Bilinear => Interpolation::Bilinear,
                Sampled::Bicubic => Interpolation::Bicubic,
            };
            let image = image.get_or_insert_with(|| Levels::of(&pixels));
            apply(operation, image, strength, (self.increasing, negative), interpolation, self.fill);
        }
        image.map_or(pixels, Levels::into_pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{bytes, count, list, number, read};

    #[test]
    fn every_operation_is_timms_to_the_byte() {
        let fixture = read("timm-policies.json");
        let (width, height) = (count(&fixture["width"]), count(&fixture["height"]));
        let image = Levels { width, height, values: bytes(&fixture["pixels"]) };
        let cases = list(&fixture["cases"]);
        assert!(cases.len() > 50);
        for case in cases {
            let name = case["operation"].as_str().unwrap();
            let operation = SET.into_iter().find(|known| format!("{known:?}") == name).unwrap();
            let flag = |key: &str| case[key].as_bool().unwrap();
            let how = serde_json::from_value(case["how"].clone()).unwrap();
            let mut ours = image.clone();
            let signs = (flag("increasing"), flag("negative"));
            apply(operation, &mut ours, number(&case["strength"]), signs, how, [124, 116, 104]);
            let what =
                format!("{name} at {}, increasing {}, negative {}", case["strength"], signs.0, signs.1);
            assert!(ours.values == bytes(&case["result"]), "{what}");
        }
    }

    #[test]
    fn strengths_have_their_distributions_and_bounds() {
        let mut stream = Stream::new(5, "rand-augment-timm/0", 0, 0);
        let mut mean = |timm: &RandAugmentTimm| {
            let drawn: Vec<f64> = (0..20_000).map(|_| timm.strength(&mut stream)).collect();
            assert!(drawn.iter().all(|s| (0.0..=timm.magnitude_max).contains(s)));
            drawn.iter().sum::<f64>() / 20_000.0
        };
        let fixed = RandAugmentTimm { magnitude: 9.0, ..RandAugmentTimm::default() };
        assert_eq!(mean(&fixed), 9.0);
        // Cut at 10 = 2 standard deviations: the mean sinks by 0.0042.
        let noisy = RandAugmentTimm { magnitude_std: 0.5, ..fixed.clone() };
        assert!((mean(&noisy) - 8.9958).abs() < 0.018);
        let uniform = RandAugmentTimm { uniform_magnitude: true, ..fixed };
        assert!((mean(&uniform) - 4.5).abs() < 0.1);
    }
}

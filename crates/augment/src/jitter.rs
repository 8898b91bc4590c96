//! Colour changes with torchvision's definitions, on interleaved RGB f32: `ColorJitter` and `RandomGrayscale`.

use std::ops::RangeInclusive;

use bakeoff_data::vectorised;
use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Keys;
use crate::colour::{channel_means, clip, each_pixel, hue, larger, smaller};
use crate::operation::{Centre, Operation};
use crate::{Pixels, wording};

/// A range, by how far it reaches from the value that changes nothing, or by its two ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Spread {
    /// As far to both sides; a factor never goes below 0.
    Around(f64),
    /// Low and high.
    Between([f64; 2]),
}

impl Spread {
    /// Low and high, around a neutral value of 1 (a factor) or 0 (a shift).
    pub(crate) fn ends(self, neutral: f64) -> [f64; 2] {
        match self {
            Self::Around(reach) if neutral > 0.0 => [(neutral - reach).max(0.0), neutral + reach],
            Self::Around(reach) => [neutral - reach, neutral + reach],
            Self::Between(ends) => ends,
        }
    }

    /// A reach is allowed from 0 to the high end of `range`, ends anywhere in it.
    pub(crate) fn check(
        self,
        keys: &mut Keys,
        key: &str,
        range: RangeInclusive<f64>,
        around: &'static str,
        between: &'static str,
    ) {
        match self {
            Self::Around(value) => keys.within(key, value, 0.0..=*range.end(), around),
            Self::Between(ends) => keys.span(key, ends, range, between),
        }
    }
}

/// Brightness, contrast, saturation and hue changed by random amounts in random order: torchvision's `ColorJitter` on float
/// images. Every change clips to [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct ColourJitter {
    /// Factor x · f: 0.4 means uniform in [0.6, 1.4); or `[low, high]`, each 0 to 100.
    pub brightness: Spread,
    /// Factor about the mean of the grey image, likewise.
    pub contrast: Spread,
    /// Factor about the grey of each pixel, likewise.
    pub saturation: Spread,
    /// Shift as a fraction of the colour circle: 0.1 means uniform in [−0.1, 0.1); or `[low, high]`, each −0.5 to 0.5.
    pub hue: Spread,
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for ColourJitter {
    fn default() -> Self {
        let none = Spread::Around(0.0);
        Self { brightness: none, contrast: none, saturation: none, hue: none, probability: 1.0 }
    }
}

/// One change with its drawn number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Adjustment {
    Brightness(f32),
    Contrast(f32),
    Saturation(f32),
    Hue(f32),
}

impl Adjustment {
    /// Changes all pixels, and clips to [0, 1].
    pub(crate) fn apply(self, values: &mut [f32]) {
        match self {
            Self::Brightness(factor) => scaled(values, factor, 0.0),
            Self::Contrast(factor) => scaled(values, factor, grey(channel_means(values)) * (1.0 - factor)),
            Self::Saturation(factor) => from_grey(values, factor),
            Self::Hue(shift) => {
                clip(values);
                hue(values, shift);
            }
        }
    }
}

vectorised! {
    /// `x · factor + offset`, clipped to [0, 1].
    fn scaled(values: &mut [f32], factor: f32, offset: f32) {
        values.iter_mut().for_each(|v| *v = smaller(larger(*v * factor + offset, 0.0), 1.0));
    }
}

vectorised! {
    /// The distance of each channel from the pixel's grey, times `factor`; clipped to [0, 1].
    fn from_grey(values: &mut [f32], factor: f32) {
        each_pixel(values, |pixel| {
            let grey = grey(pixel) * (1.0 - factor);
            pixel.map(|v| smaller(larger(v * factor + grey, 0.0), 1.0))
        });
    }
}

impl ColourJitter {
    /// What torchvision calls no change is left out; drawn all the same, so that the others do not depend on it.
    pub(crate) fn draw(&self, stream: &mut Stream) -> Vec<Adjustment> {
        if !stream.coin(self.probability) {
            return Vec::new();
        }
        let order = stream.permutation(4);
        let mut draw = |spread: Spread, neutral: f64| {
            let [low, high] = spread.ends(neutral);
            let value = stream.range(low, high) as f32;
            ([low, high] != [neutral; 2]).then_some(value)
        };
        let drawn = [
            draw(self.brightness, 1.0).map(Adjustment::Brightness),
            draw(self.contrast, 1.0).map(Adjustment::Contrast),
            draw(self.saturation, 1.0).map(Adjustment::Saturation),
            draw(self.hue, 0.0).map(Adjustment::Hue),
        ];
        order.into_iter().filter_map(|which| drawn[which]).collect()
    }
}

impl Operation for ColourJitter {
    fn kind(&self) -> &'static str {
        "colour-jitter"
    }

    fn check(&self, keys: &mut Keys) {
        for (key, spread) in
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)]
        {
            let around = "how far the factor goes from 1, between 0 and 100";
            spread.check(keys, key, 0.0..=100.0, around, "a factor between 0 and 100");
        }
        let around = "a fraction of the colour circle between 0 and 0.5";
        self.hue.check(
            keys,
            "hue",
            -0.5..=0.5,
            around,
            "a fraction of the colour circle between −0.5 and 0.5",
        );
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let factor = |name: &str, spread: Spread| {
            let [low, high] = spread.ends(1.0);
            ([low, high] != [1.0; 2]).then(|| format!("{name} × [{low}, {high})"))
        };
        let [low, high] = self.hue.ends(0.0);
        let changes: Vec<String> = [
            factor("brightness", self.brightness),
            factor("contrast", self.contrast),
            factor("saturation", self.saturation),
            ([low, high] != [0.0; 2]).then(|| format!("hue + [{low}, {high})")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if changes.is_empty() {
            return "colour jitter: nothing, since no range is given".to_owned();
        }
        format!(
            "colour jitter: {}, uniform, in random order, clipped to [0, 1]{}",
            changes.join(", "),
            wording::with_probability(self.probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        let adjustments = self.draw(stream);
        pixels.changed(|values| adjustments.into_iter().for_each(|adjustment| adjustment.apply(values)))
    }
}

/// All channels replaced by the pixel's grey value (torchvision's `RandomGrayscale`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Grey {
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Grey {
    fn default() -> Self {
        Self { probability: 0.1 }
    }
}

impl Operation for Grey {
    fn kind(&self) -> &'static str {
        "grey"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        format!("grey: 0.2989 R + 0.587 G + 0.114 B{}", wording::with_probability(self.probability))
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        pixels.changed(|values| each_pixel(values, |pixel| [grey(pixel); 3]))
    }
}

/// torchvision's `rgb_to_grayscale`.
#[inline(always)]
pub(crate) fn grey([r, g, b]: [f32; 3]) -> f32 {
    r * 0.2989 + g * 0.587 + b * 0.114
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, floats, list, number, read};

    /// Values in [0, 1]: a few f32 roundings, and a mean summed in another order.
    const BOUND: f32 = 2e-6;

    #[test]
    fn adjustments_and_grey_are_torchvisions() {
        let fixture = read("colour-torchvision.json");
        let cases = list(&fixture["cases"]);
        assert!(cases.len() > 30);
        for case in cases {
            let mut values = floats(&fixture["images"][case["image"].as_str().unwrap()]);
            for step in list(&case["steps"]) {
                let parameter = number(&step[1]) as f32;
                match step[0].as_str().unwrap() {
                    "brightness" => Adjustment::Brightness(parameter).apply(&mut values),
                    "contrast" => Adjustment::Contrast(parameter).apply(&mut values),
                    "saturation" => Adjustment::Saturation(parameter).apply(&mut values),
                    "hue" => Adjustment::Hue(parameter).apply(&mut values),
                    "grey" => each_pixel(&mut values, |pixel| [grey(pixel); 3]),
                    other => panic!("{other}"),
                }
            }
            let what = format!("{} on {}", case["steps"], case["image"]);
            assert_close(&values, &floats(&case["result"]), BOUND, &what);
        }
    }

    #[test]
    fn every_order_and_the_whole_of_every_range_is_drawn() {
        let jitter = ColourJitter {
            brightness: Spread::Around(0.4),
            contrast: Spread::Around(2.0),
            saturation: Spread::Between([0.5, 0.6]),
            hue: Spread::Around(0.1),
            probability: 0.8,
        };
        let ranges = [[0.6, 1.4], [0.0, 3.0], [0.5, 0.6], [-0.1, 0.1]];
        let (mut orders, mut sums, mut changed) = (std::collections::BTreeMap::new(), [0f64; 4], 0);
        for sample in 0..12_000 {
            let drawn = jitter.draw(&mut Stream::new(9, "colour-jitter/0", 0, sample));
            if drawn.is_empty() {
                continue;
            }
            changed += 1;
            let parts: Vec<(usize, f32)> = drawn
                .into_iter()
                .map(|adjustment| match adjustment {
                    Adjustment::Brightness(f) => (0, f),
                    Adjustment::Contrast(f) => (1, f),
                    Adjustment::Saturation(f) => (2, f),
                    Adjustment::Hue(f) => (3, f),
                })
                .collect();
            for &(which, value) in &parts {
                let ([low, high], value) = (ranges[which], f64::from(value));
                assert!((low - 1e-6..high + 1e-6).contains(&value));
                sums[which] += (value - low) / (high - low);
            }
            *orders.entry(parts.iter().map(|p| p.0).collect::<Vec<_>>()).or_insert(0usize) += 1;
        }
        // Binomial(12,000, 0.8): standard deviation 44. Each of 24 orders: 400 of 9,600, standard deviation 20.
        assert!(9_600usize.abs_diff(changed) < 220, "{changed}");
        assert_eq!(orders.len(), 24);
        assert!(orders.values().all(|count| count.abs_diff(400) < 100), "{orders:?}");
        // Uniform: standard error 0.003.
        assert!(sums.iter().all(|sum| (sum / changed as f64 - 0.5).abs() < 0.015), "{sums:?}");
    }

    #[test]
    fn without_a_range_nothing_is_changed() {
        let jitter = ColourJitter::default();
        assert!((0..50).all(|sample| jitter.draw(&mut Stream::new(1, "j", 0, sample)).is_empty()));
        let fixed = ColourJitter { contrast: Spread::Between([0.5, 0.5]), ..ColourJitter::default() };
        assert_eq!(fixed.draw(&mut Stream::new(1, "j", 0, 0)), [Adjustment::Contrast(0.5)]);
    }
}

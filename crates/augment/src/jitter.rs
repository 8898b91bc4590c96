//! Colour changes with torchvision's definitions, on interleaved RGB f32: `ColorJitter` and `RandomGrayscale`.

use std::ops::RangeInclusive;

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::colour::Change;
use crate::keys::Keys;
use crate::operation::Operation;
use crate::wording;

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

impl ColourJitter {
    /// What torchvision calls no change is left out; drawn all the same, so that the others do not depend on it.
    pub(crate) fn draw(&self, stream: &mut Stream) -> Vec<Change> {
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
            draw(self.brightness, 1.0).map(Change::Scale),
            draw(self.contrast, 1.0).map(Change::ScaleFromMean),
            draw(self.saturation, 1.0).map(Change::ScaleFromGrey),
            draw(self.hue, 0.0).map(Change::Hue),
        ];
        let ordered = order.into_iter().filter_map(|which| drawn[which]);
        ordered.flat_map(with_clip).collect()
    }
}

/// A change, after a clip where it is one of hue: every change of torchvision's takes and gives values in [0, 1].
fn with_clip(change: Change) -> impl Iterator<Item = Change> {
    matches!(change, Change::Hue(_)).then_some(Change::Clip).into_iter().chain([change])
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

    fn changes(&self, stream: &mut Stream) -> Option<Vec<Change>> {
        Some(self.draw(stream))
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

    fn changes(&self, stream: &mut Stream) -> Option<Vec<Change>> {
        Some(self.draw(stream))
    }
}

impl Grey {
    pub(crate) fn draw(&self, stream: &mut Stream) -> Vec<Change> {
        if stream.coin(self.probability) { vec![Change::Grey] } else { Vec::new() }
    }
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
                let one = match step[0].as_str().unwrap() {
                    "brightness" => Change::Scale(parameter),
                    "contrast" => Change::ScaleFromMean(parameter),
                    "saturation" => Change::ScaleFromGrey(parameter),
                    "hue" => Change::Hue(parameter),
                    "grey" => Change::Grey,
                    other => panic!("{other}"),
                };
                crate::colour::change(&mut values, &with_clip(one).collect::<Vec<_>>());
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
                .filter_map(|change| match change {
                    Change::Scale(f) => Some((0, f)),
                    Change::ScaleFromMean(f) => Some((1, f)),
                    Change::ScaleFromGrey(f) => Some((2, f)),
                    Change::Hue(f) => Some((3, f)),
                    Change::Clip => None,
                    other => panic!("{other:?}"),
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
        assert_eq!(fixed.draw(&mut Stream::new(1, "j", 0, 0)), [Change::ScaleFromMean(0.5)]);
    }
}

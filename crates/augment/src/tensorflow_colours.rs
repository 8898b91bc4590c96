//! TensorFlow's random changes of colour: contrast, saturation, hue, brightness.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::colour::Change;
use crate::keys::Keys;
use crate::operation::Operation;

fn clipped(change: Change, clip: bool) -> Vec<Change> {
    [change].into_iter().chain(clip.then_some(Change::Clip)).collect()
}

fn ending(clip: bool) -> &'static str {
    if clip { "clipped to [0, 1]" } else { "not clipped" }
}

fn check_factors(keys: &mut Keys, low: f64, high: f64) {
    keys.within("low", low, 0.0..=100.0, "a factor between 0 and 100");
    keys.within("high", high, 0.0..=100.0, "a factor between 0 and 100");
    keys.ordered("low", low, high);
}

/// (x − mean) · f + mean, mean per channel, f uniform in [low, high) (TensorFlow's `random_contrast`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Contrast {
    /// Lowest factor, in [0, 100].
    #[schemars(range(min = 0.0, max = 100.0))]
    pub low: f64,
    /// Highest factor, from `low` to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub high: f64,
    /// Clip the result to [0, 1].
    #[serde(default)]
    pub clip: bool,
}

impl Operation for Contrast {
    fn kind(&self) -> &'static str {
        "contrast"
    }

    fn check(&self, keys: &mut Keys) {
        check_factors(keys, self.low, self.high);
    }

    fn describe(&self) -> String {
        let Self { low, high, clip } = *self;
        format!("contrast: (x − mean) · f + mean per channel, f uniform in [{low}, {high}), {}", ending(clip))
    }

    fn changes(&self, stream: &mut Stream) -> Option<Vec<Change>> {
        Some(clipped(Change::Contrast(stream.range(self.low, self.high) as f32), self.clip))
    }
}

/// HSV saturation multiplied by a factor uniform in [low, high) and clipped to [0, 1] (TensorFlow's
/// `random_saturation`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Saturation {
    /// Lowest factor, in [0, 100].
    #[schemars(range(min = 0.0, max = 100.0))]
    pub low: f64,
    /// Highest factor, from `low` to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub high: f64,
    /// Clip the result to [0, 1].
    #[serde(default)]
    pub clip: bool,
}

impl Operation for Saturation {
    fn kind(&self) -> &'static str {
        "saturation"
    }

    fn check(&self, keys: &mut Keys) {
        check_factors(keys, self.low, self.high);
    }

    fn describe(&self) -> String {
        let Self { low, high, clip } = *self;
        format!("saturation: × f in HSV, f uniform in [{low}, {high}), {}", ending(clip))
    }

    fn changes(&self, stream: &mut Stream) -> Option<Vec<Change>> {
        Some(clipped(Change::Saturation(stream.range(self.low, self.high) as f32), self.clip))
    }
}

/// Hue shifted by a fraction of the colour circle uniform in [−delta, delta) (TensorFlow's `random_hue`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Hue {
    /// In [0, 0.5].
    #[schemars(range(min = 0.0, max = 0.5))]
    pub delta: f64,
    /// Clip the result to [0, 1].
    #[serde(default)]
    pub clip: bool,
}

impl Operation for Hue {
    fn kind(&self) -> &'static str {
        "hue"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("delta", self.delta, 0.0..=0.5, "a fraction of the colour circle between 0 and 0.5");
    }

    fn describe(&self) -> String {
        let Self { delta, clip } = *self;
        format!(
            "hue: rotated by a fraction of the colour circle uniform in [−{delta}, {delta}), {}",
            ending(clip)
        )
    }

    fn changes(&self, stream: &mut Stream) -> Option<Vec<Change>> {
        Some(clipped(Change::Hue(stream.range(-self.delta, self.delta) as f32), self.clip))
    }
}

/// A constant uniform in [−delta, delta) added to all pixels (TensorFlow's `random_brightness`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Brightness {
    /// In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub delta: f64,
    /// Clip the result to [0, 1].
    #[serde(default)]
    pub clip: bool,
}

impl Operation for Brightness {
    fn kind(&self) -> &'static str {
        "brightness"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("delta", self.delta, 0.0..=1.0, "between 0 and 1");
    }

    fn describe(&self) -> String {
        let Self { delta, clip } = *self;
        format!("brightness: one number uniform in [−{delta}, {delta}) added, {}", ending(clip))
    }

    fn changes(&self, stream: &mut Stream) -> Option<Vec<Change>> {
        Some(clipped(Change::Shift(stream.range(-self.delta, self.delta) as f32), self.clip))
    }
}

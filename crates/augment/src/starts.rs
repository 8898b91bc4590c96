//! Operations that begin at the photograph and replace the study's resize.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::operation::Operation;
use crate::start::Start;

fn yes() -> bool {
    true
}

/// A resize from the original photograph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct ResizeTransform {
    /// Pixels. A longer side beyond 32 times this is squashed to that.
    #[schemars(range(min = 1, max = 8192))]
    pub size: usize,
    /// Squash both sides to `size` (aspect ratio lost) instead of the shorter side only.
    #[serde(default)]
    pub squash: bool,
    /// Low-pass filter when shrinking.
    #[serde(default = "yes")]
    pub antialias: bool,
}

impl Operation for ResizeTransform {
    fn kind(&self) -> &'static str {
        "resize"
    }

    fn check(&self, keys: &mut Keys) {
        keys.resized(self.size, self.squash);
    }

    fn describe(&self) -> String {
        String::new()
    }

    fn start(&self, _image: usize) -> Option<Start> {
        let Self { size, squash, antialias } = *self;
        Some(if squash { Start::Squash { size, antialias } } else { Start::ShorterSide { size, antialias } })
    }
}

/// Inception crop: area fraction uniform in `scale`, aspect ratio log-uniform in `ratio`, resized to the study's
/// image size (torchvision's `RandomResizedCrop`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct RandomResizedCrop {
    /// Area fraction, low and high, in (0, 1].
    pub scale: [f64; 2],
    /// Width / height, low and high, in [0.01, 100].
    pub ratio: [f64; 2],
    /// Low-pass filter when shrinking.
    pub antialias: bool,
}

impl Default for RandomResizedCrop {
    fn default() -> Self {
        Self { scale: [0.08, 1.0], ratio: [3.0 / 4.0, 4.0 / 3.0], antialias: true }
    }
}

impl Operation for RandomResizedCrop {
    fn kind(&self) -> &'static str {
        "random-resized-crop"
    }

    fn check(&self, keys: &mut Keys) {
        keys.span("scale", self.scale, 1e-6..=1.0, "an area fraction in (0, 1]");
        keys.span("ratio", self.ratio, 0.01..=100.0, "width / height, between 0.01 and 100");
        keys.resized_to_image();
    }

    fn describe(&self) -> String {
        String::new()
    }

    fn start(&self, image: usize) -> Option<Start> {
        let Self { scale, ratio, antialias } = *self;
        Some(Start::RandomResizedCrop { size: image, scale, ratio, antialias })
    }
}

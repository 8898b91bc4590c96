//! The affine map from pixels to network input, and its inverse in words.

use bakeoff_machine::vectorised;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RecipeProblem;

/// Per-channel affine map from pixel values in [0, 1] to network input: `(x − mean) / sd`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// torchvision's ImageNet statistics: mean 0.485 0.456 0.406, sd 0.229 0.224 0.225, RGB.
    #[default]
    Imagenet,
    /// Pixels stay in [0, 1] (the notebook).
    Unit,
    /// Keras' ResNet-50: BGR, 0–255 minus 103.939 116.779 123.68.
    KerasCaffe,
    /// One's own statistics: `{ mean = […], sd = […] }`.
    #[serde(untagged)]
    Custom(ChannelStatistics),
}

/// Statistics of a data set, RGB, in [0, 1] units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelStatistics {
    /// Mean per channel.
    pub mean: [f64; 3],
    /// Standard deviation per channel, > 0.
    pub sd: [f64; 3],
}

/// What the network sees as 0, and how far from it 1 is, in pixel values: for operations whose reference works after
/// normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Centre {
    pub(crate) mean: [f32; 3],
    pub(crate) sd: [f32; 3],
}

vectorised! {
    fn normalise(values: &mut [f32], affine: &Affine) {
        let Affine { source, scale, shift, gain } = *affine;
        if source != [0, 1, 2] {
            for pixel in values.as_chunks_mut::<3>().0 {
                let old = source.map(|c| pixel[c]);
                for c in 0..3 {
                    pixel[c] = (old[c] * scale - shift[c]) * gain[c];
                }
            }
            return;
        }
        // A multiple of three channels and sixteen lanes.
        let shifts: [f32; 48] = std::array::from_fn(|lane| shift[lane % 3]);
        let gains: [f32; 48] = std::array::from_fn(|lane| gain[lane % 3]);
        let of = |value: f32, lane: usize| (value * scale - shifts[lane]) * gains[lane];
        let (blocks, rest) = values.as_chunks_mut::<48>();
        for block in blocks {
            for (lane, value) in block.iter_mut().enumerate() {
                *value = of(*value, lane);
            }
        }
        for (lane, value) in rest.iter_mut().enumerate() {
            *value = of(*value, lane);
        }
    }
}

/// `output[c] = (input[source[c]] · scale − shift[c]) · gain[c]`, the order in which the reference libraries compute.
struct Affine {
    source: [usize; 3],
    scale: f32,
    shift: [f32; 3],
    gain: [f32; 3],
}

impl Normalisation {
    /// Lines of numbers, in the order RGB of the input; `None` where values stay as they are.
    fn affine(&self) -> Option<Affine> {
        let of = |mean: [f64; 3], sd: [f64; 3]| Affine {
            source: [0, 1, 2],
            scale: 1.0,
            shift: mean.map(|m| m as f32),
            gain: sd.map(|s| (1.0 / s) as f32),
        };
        match self {
            Self::Unit => None,
            Self::Imagenet => Some(of([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])),
            Self::KerasCaffe => Some(Affine {
                source: [2, 1, 0],
                scale: 255.0,
                shift: [103.939, 116.779, 123.68],
                gain: [1.0; 3],
            }),
            Self::Custom(custom) => Some(of(custom.mean, custom.sd)),
        }
    }

    /// Values are interleaved RGB in nominal [0, 1].
    pub(crate) fn apply(&self, values: &mut [f32]) {
        let pixels = self.of_pixels();
        // In pieces for threads, each small enough to stay in a cache.
        values.par_chunks_mut(48 << 10).for_each(pixels);
    }

    /// What normalises whole pixels.
    pub(crate) fn of_pixels(&self) -> impl Fn(&mut [f32]) + Send + Sync + use<> {
        let affine = self.affine();
        move |values| {
            if let Some(affine) = &affine {
                normalise(values, affine);
            }
        }
    }

    /// What the network sees as 0 and how far from it 1 is, in pixel values of R, G and B.
    pub(crate) fn centre(&self) -> Centre {
        let mut centre = Centre { mean: [0.0; 3], sd: [1.0; 3] };
        if let Some(Affine { source, scale, shift, gain }) = self.affine() {
            for c in 0..3 {
                centre.mean[source[c]] = shift[c] / scale;
                centre.sd[source[c]] = 1.0 / (gain[c] * scale);
            }
        }
        centre
    }

    /// What is done, in words and numbers, one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Imagenet => "normalise: ImageNet statistics, RGB, (x − (0.485, 0.456, 0.406)) / \
                               (0.229, 0.224, 0.225)"
                .to_owned(),
            Self::Unit => "normalise: not at all, RGB in [0, 1]".to_owned(),
            Self::KerasCaffe => {
                "normalise: Keras' ResNet-50, BGR, x · 255 − (103.939, 116.779, 123.68)".to_owned()
            }
            Self::Custom(custom) => {
                let [m0, m1, m2] = custom.mean;
                let [s0, s1, s2] = custom.sd;
                format!("normalise: own statistics, RGB, (x − ({m0}, {m1}, {m2})) / ({s0}, {s1}, {s2})")
            }
        }
    }

    /// What is wrong with the numbers: key path below the normalisation, and the problem.
    pub(crate) fn problems(&self) -> Vec<(String, RecipeProblem)> {
        let Self::Custom(custom) = self else { return Vec::new() };
        let mut problems = Vec::new();
        for c in 0..3 {
            if !(-1e6..=1e6).contains(&custom.mean[c]) {
                problems.push((
                    format!("mean[{c}]"),
                    RecipeProblem::OutOfRange { value: custom.mean[c], allowed: "between −1e6 and 1e6" },
                ));
            }
            // Below this, one step of an 8-bit image would be more than 1e3 units of input.
            if !(1e-6..=1e6).contains(&custom.sd[c]) {
                problems.push((
                    format!("sd[{c}]"),
                    RecipeProblem::OutOfRange { value: custom.sd[c], allowed: "between 1e-6 and 1e6" },
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, floats, list, number, read};
    use crate::{ChannelStatistics, NetworkInput, PixelBatch};

    fn normalised(values: Vec<f32>, normalisation: &Normalisation) -> Vec<f32> {
        NetworkInput::new(PixelBatch::from_parts(5, 4, values), normalisation).values().to_vec()
    }

    #[test]
    fn imagenet_and_own_statistics_normalise_as_torchvision() {
        let fixture = read("normalisation.json");
        for (i, case) in list(&fixture["cases"]).iter().enumerate() {
            let three = |key: &str| std::array::from_fn(|c| number(&case[key][c]));
            let own = Normalisation::Custom(ChannelStatistics { mean: three("mean"), sd: three("sd") });
            let theirs = floats(&case["result"]);
            // One rounding of 1 / sd: 2e-7 relative, on values up to 60.
            let bound = if i == 0 { 1e-6 } else { 1e-5 };
            assert_close(&normalised(floats(&fixture["pixels"]), &own), &theirs, bound, "own statistics");
            if i == 0 {
                let imagenet = normalised(floats(&fixture["pixels"]), &Normalisation::Imagenet);
                assert_close(&imagenet, &theirs, bound, "imagenet");
            }
        }
    }

    #[test]
    fn keras_caffe_is_keras_preprocessing() {
        let fixture = read("keras-normalisation.json");
        let pixels = floats(&fixture["pixels"]).iter().map(|v| v / 255.0).collect();
        // Pixels went through [0, 1]: two f32 roundings of values up to 255.
        let ours = normalised(pixels, &Normalisation::KerasCaffe);
        assert_close(&ours, &floats(&fixture["result"]), 4e-5, "caffe");
    }

    #[test]
    fn unit_changes_nothing() {
        let values: Vec<f32> = (0..60).map(|i| i as f32 / 59.0).collect();
        assert_eq!(normalised(values.clone(), &Normalisation::Unit), values);
    }
}

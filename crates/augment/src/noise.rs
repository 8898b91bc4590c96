//! Gaussian noise on float images with torchvision's definition.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;
use crate::{Pixels, colour};

/// Independent normal noise on every channel of every pixel (torchvision's `GaussianNoise`, with a range of strengths).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct GaussianNoise {
    /// Mean of the noise, −1 to 1.
    #[schemars(range(min = -1.0, max = 1.0))]
    pub mean: f64,
    /// Standard deviation, uniform between low and high, each 0 to 1.
    pub sigma: [f64; 2],
    /// Clip the result to [0, 1].
    pub clip: bool,
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self { mean: 0.0, sigma: [0.1, 0.1], clip: true, probability: 1.0 }
    }
}

impl Operation for GaussianNoise {
    fn kind(&self) -> &'static str {
        "gaussian-noise"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("mean", self.mean, -1.0..=1.0, "between −1 and 1");
        keys.span("sigma", self.sigma, 0.0..=1.0, "between 0 and 1");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let [low, high] = self.sigma;
        format!(
            "gaussian noise: mean {}, standard deviation uniform in [{low}, {high}), {}{}",
            self.mean,
            if self.clip { "clipped to [0, 1]" } else { "not clipped" },
            with_probability(self.probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let (mean, sigma) = (self.mean as f32, stream.range(self.sigma[0], self.sigma[1]) as f32);
        pixels.changed(|values| {
            add_normals(values, mean, sigma, stream);
            if self.clip {
                colour::clip(values);
            }
        })
    }
}

/// Adds independent normal noise.
pub(crate) fn add_normals(values: &mut [f32], mean: f32, sigma: f32, stream: &mut Stream) {
    for pair in values.chunks_mut(2) {
        let normals = two_normals(stream);
        pair.iter_mut().zip(normals).for_each(|(value, normal)| *value += mean + sigma * normal);
    }
}

/// A Poisson variable of this mean, at most some hundreds, from one uniform number in [0, 1): the first count whose cumulative
/// probability is above it.
pub(crate) fn poisson(mean: f64, uniform: f64) -> f64 {
    let (mut count, mut probability) = (0.0, (-mean).exp());
    let mut cumulative = probability;
    // What rounding leaves of a sum of one lies beyond any count that is ever drawn.
    let most = mean + 20.0 * mean.sqrt() + 50.0;
    while uniform >= cumulative && count < most {
        count += 1.0;
        probability *= mean / count;
        cumulative += probability;
    }
    count
}

/// Two independent standard normals (Box–Muller): 32 bits each are plenty for pixels, and take a third of the time.
pub(crate) fn two_normals(stream: &mut Stream) -> [f32; 2] {
    const UNIT: f32 = 1.0 / 4_294_967_296.0;
    let radius = (-2.0 * ((stream.word() as f32 + 0.5) * UNIT).ln()).sqrt();
    let (sin, cos) = (stream.word() as f32 * UNIT * std::f32::consts::TAU).sin_cos();
    [radius * cos, radius * sin]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_moments_and_tails_of_a_normal() {
        let noise = GaussianNoise { mean: 0.05, sigma: [0.1, 0.1], clip: false, probability: 1.0 };
        let image = Pixels::from_parts(200, 150, vec![0.5; 90_000]);
        let centre = Centre { mean: [0.0; 3], sd: [1.0; 3] };
        let noisy = noise.apply(image.clone(), &mut Stream::new(4, "gaussian-noise/0", 0, 0), &centre);
        let z: Vec<f64> = noisy.values().iter().map(|v| (f64::from(*v) - 0.55) / 0.1).collect();
        let n = z.len() as f64;
        let moment = |k: i32| z.iter().map(|z| z.powi(k)).sum::<f64>() / n;
        // Standard errors: 0.0033, 0.0047, 0.013, 0.033.
        let found = [1, 2, 3, 4].map(moment);
        let near = [0.0, 1.0, 0.0, 3.0].iter().zip([0.017, 0.024, 0.065, 0.16]).zip(found);
        assert!(near.clone().all(|((expected, bound), found)| (found - expected).abs() < bound), "{found:?}");
        let beyond = z.iter().filter(|z| z.abs() > 1.959_964).count() as f64 / n;
        assert!((beyond - 0.05).abs() < 0.004, "{beyond}");
        // Neighbouring values, which share a draw, are independent.
        let product = z.chunks_exact(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / (n / 2.0);
        assert!(product.abs() < 0.024, "{product}");
        let clipped = GaussianNoise { sigma: [1.0, 1.0], ..GaussianNoise::default() };
        let clipped = clipped.apply(image, &mut Stream::new(4, "gaussian-noise/0", 0, 0), &centre);
        assert!(clipped.values().iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

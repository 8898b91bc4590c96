//! Gaussian blur of float images with torchvision's definition.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;
use crate::crops::Padding;
use crate::keys::Keys;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

/// Blurred by a Gaussian of random width (torchvision's `GaussianBlur`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct GaussianBlur {
    /// Side of the kernel, odd, 1 to 101 pixels.
    #[schemars(range(min = 1, max = 101))]
    pub kernel_size: usize,
    /// Standard deviation in pixels, uniform between low and high, each 0.01 to 100.
    pub sigma: [f64; 2],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for GaussianBlur {
    fn default() -> Self {
        Self { kernel_size: 23, sigma: [0.1, 2.0], probability: 1.0 }
    }
}

impl Operation for GaussianBlur {
    fn kind(&self) -> &'static str {
        "gaussian-blur"
    }

    fn check(&self, keys: &mut Keys) {
        let size = self.kernel_size;
        let value = if size.is_multiple_of(2) { f64::NAN } else { size as f64 };
        if value.is_nan() {
            keys.refuse("kernel_size", size as f64, "an odd number from 1 to 101");
        } else {
            keys.within("kernel_size", value, 1.0..=101.0, "an odd number from 1 to 101");
        }
        keys.span("sigma", self.sigma, 0.01..=100.0, "between 0.01 and 100 pixels");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let ([low, high], side) = (self.sigma, self.kernel_size);
        let share = with_probability(self.probability);
        format!("gaussian blur: standard deviation uniform in [{low}, {high}) px, kernel of {side} px{share}")
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        blurred(&pixels, self.kernel_size, stream.range(self.sigma[0], self.sigma[1]), Padding::Reflect)
    }
}

/// Distance from the centre and weight, those too light to be seen left out.
fn kernel(size: usize, sigma: f64) -> Vec<(isize, f32)> {
    let half = size as isize / 2;
    let weight = |i: isize| (-0.5 * (i as f64 / sigma).powi(2)).exp();
    let total: f64 = (-half..=half).map(weight).sum();
    (-half..=half).map(|i| (i, (weight(i) / total) as f32)).filter(|(_, w)| *w > 1e-9).collect()
}

/// Along both axes in turn; `padding` says what stands around the image.
pub(crate) fn blurred(pixels: &Pixels, size: usize, sigma: f64, padding: Padding) -> Pixels {
    let (width, height) = (pixels.width(), pixels.height());
    let row = width * 3;
    let kernel = kernel(size, sigma);
    let reach = kernel.last().map_or(0, |(i, _)| *i);
    let at = |i: isize, length: usize| padding.source(i, length).unwrap_or(0);
    let mut out = vec![0f32; row * height];
    // One line of the vertical sums, with as many reflected pixels at both ends as the kernel reaches.
    let margin = reach as usize * 3;
    let mut line = vec![0f32; row + 2 * margin];
    for (y, out) in out.chunks_exact_mut(row).enumerate() {
        let inner = &mut line[margin..][..row];
        inner.fill(0.0);
        for &(i, weight) in &kernel {
            let source = &pixels.values()[at(y as isize + i, height) * row..][..row];
            inner.iter_mut().zip(source).for_each(|(sum, value)| *sum += weight * value);
        }
        for i in 1..=reach {
            let (before, after) =
                (at(-i, width) * 3 + margin, at(width as isize - 1 + i, width) * 3 + margin);
            line.copy_within(before..before + 3, margin - i as usize * 3);
            line.copy_within(after..after + 3, margin + row + (i as usize - 1) * 3);
        }
        for &(i, weight) in &kernel {
            let start = ((i + reach) * 3) as usize;
            out.iter_mut().zip(&line[start..][..row]).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    Pixels::from_parts(width, height, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, floats, list, number, read};

    #[test]
    fn blur_is_torchvisions() {
        let fixture = read("blur.json");
        let (width, height) = (count(&fixture["width"]), count(&fixture["height"]));
        let image = Pixels::from_parts(width, height, floats(&fixture["pixels"]));
        for case in list(&fixture["cases"]) {
            let (size, sigma) = (count(&case["kernel_size"]), number(&case["sigma"]));
            // Sums of up to 121 products in another order.
            let what = format!("{size} px, {sigma}");
            assert_close(
                blurred(&image, size, sigma, Padding::Reflect).values(),
                &floats(&case["result"]),
                2e-6,
                &what,
            );
        }
    }

    #[test]
    fn a_kernel_larger_than_the_image_is_no_trouble_and_keeps_a_constant() {
        for (width, height) in [(1, 1), (1, 7), (6, 1), (3, 2)] {
            let image = Pixels::from_parts(width, height, vec![0.4; width * height * 3]);
            let ours = blurred(&image, 101, 40.0, Padding::Reflect);
            assert_close(ours.values(), image.values(), 1e-6, &format!("{width}×{height}"));
        }
    }
}

//! 3-Augment: the three simple operations of DeiT III, then a colour jitter, all on PIL images there and on 256 levels here.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;
use crate::keys::Keys;
use crate::levels::Levels;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

/// Grey, solarised or blurred, one of them with equal chances, then a colour jitter: Touvron, Cord & Jégou 2022.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct ThreeAugment {
    /// Reach of the brightness, contrast and saturation factors around 1, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub colour_jitter: f64,
    /// Standard deviation of the blur in pixels, uniform between low and high, each 0.1 to 100.
    pub sigma: [f64; 2],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for ThreeAugment {
    fn default() -> Self {
        Self { colour_jitter: 0.3, sigma: [0.1, 2.0], probability: 1.0 }
    }
}

/// The three.
#[derive(Clone, Copy, Debug, PartialEq)]
enum One {
    Grey,
    Solarise,
    Blur(f64),
}

impl One {
    fn apply(self, image: &mut Levels) {
        match self {
            Self::Grey => image.grey(),
            Self::Solarise => image.solarise(128.0),
            Self::Blur(sigma) => image.gaussian_blur(sigma),
        }
    }
}

/// Brightness, contrast and saturation with their factors, in the given order.
fn jitter(image: &mut Levels, factors: [f64; 3], order: &[usize]) {
    for &which in order {
        match which {
            0 => image.brightness(factors[0]),
            1 => image.contrast(factors[1]),
            2 => image.colour(factors[2]),
            // Hue has its place in the order, and no range.
            _ => {}
        }
    }
}

impl Operation for ThreeAugment {
    fn kind(&self) -> &'static str {
        "three-augment"
    }

    fn check(&self, keys: &mut Keys) {
        keys.unit("colour_jitter", self.colour_jitter);
        keys.span("sigma", self.sigma, 0.1..=100.0, "between 0.1 and 100 pixels");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let ([low, high], jitter) = (self.sigma, self.colour_jitter);
        format!(
            "3-augment: grey, solarised or blurred with standard deviation uniform in [{low}, {high}) px, one of them \
             with equal chances; then brightness, contrast and saturation by ±{jitter} in random order{}",
            with_probability(self.probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let mut image = Levels::of(&pixels);
        let sigma = stream.range(self.sigma[0], self.sigma[1]);
        [One::Grey, One::Solarise, One::Blur(sigma)][stream.below(3)].apply(&mut image);
        if self.colour_jitter > 0.0 {
            let order = stream.permutation(4);
            let (low, high) = (1.0 - self.colour_jitter, 1.0 + self.colour_jitter);
            let factors = std::array::from_fn(|_| stream.range(low, high));
            jitter(&mut image, factors, &order);
        }
        image.into_pixels()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fixture::{bytes, count, list, number, read};

    #[test]
    fn each_of_the_three_and_the_jitter_are_the_published_ones_to_the_byte() {
        let fixture = read("three-augment.json");
        let (width, height) = (count(&fixture["width"]), count(&fixture["height"]));
        for case in list(&fixture["cases"]) {
            let mut image = Levels { width, height, values: bytes(&fixture["pixels"]) };
            let one = match case["one"].as_str().unwrap() {
                "grey" => One::Grey,
                "solarise" => One::Solarise,
                _ => One::Blur(number(&case["sigma"])),
            };
            one.apply(&mut image);
            let order: Vec<usize> = list(&case["order"]).iter().map(count).collect();
            jitter(&mut image, serde_json::from_value(case["factors"].clone()).unwrap(), &order);
            assert!(image.values == bytes(&case["result"]), "{case}");
        }
    }

    #[test]
    fn each_of_the_three_comes_equally_often() {
        let image = Pixels::from_parts(6, 6, (0..108).map(|i| (i * 37 % 101) as f32 / 101.0).collect());
        let plain = ThreeAugment { colour_jitter: 0.0, sigma: [2.0, 2.0], probability: 0.9 };
        let centre = Centre { mean: [0.0; 3], sd: [1.0; 3] };
        let mut counts = BTreeMap::<Vec<u8>, usize>::new();
        for sample in 0..3000 {
            let mut stream = Stream::new(2, "three-augment/0", 0, sample);
            *counts.entry(plain.apply(image.clone(), &mut stream, &centre).to_bytes()).or_default() += 1;
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable();
        // 300 left alone, 900 of each: standard deviations 16 and 25.
        assert!(counts.len() == 4 && counts[0].abs_diff(300) < 80, "{counts:?}");
        assert!(counts[1..].iter().all(|n| n.abs_diff(900) < 125), "{counts:?}");
    }
}

//! SmoothMix (Lee et al., CVPR workshops 2020).

use bakeoff_random::Stream;

use super::blend::Planned;
use super::masks;
use super::options::{Options, Paired, mixer_options, once, span};
use super::plan::{DrawnMask, Mix, Pair, Scene};
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Lee et al. 2020: the partner fades in by a Gaussian around a uniform centre; labels by the mask's mean.
    Smoothmix {
        /// Standard deviation as a share of the image's shorter side, low and high, in [0.01, 10].
        sigma: [f64; 2] = [0.25, 0.5],
        ; pairing = (1.0, PerImage, Permutation);
    }
}

impl Mix for Smoothmix {
    type Draw = DrawnMask;
    type Guidance = ();
    const OPERATION: &'static str = "mix/smoothmix";

    fn recipe() -> Option<Shipped<Self>> {
        let summary = "another image fades in around a point, labels by the mask";
        Some(Shipped::new(summary, Self::default(), shipped!("smoothmix")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.range("sigma", self.sigma, [0.01, 10.0], "a share of the side, between 0.01 and 10");
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        format!(
            "SmoothMix: the partner fades in by a Gaussian around a uniform centre, its standard deviation {} of the \
             shorter side, {}, label shares by the mask's mean; {}",
            span(self.sigma),
            once(self.lambda),
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnMask {
        let centre = scene.centre(stream);
        let [low, high] = self.sigma;
        let sigma = stream.range(low, high) * scene.width.min(scene.height) as f64;
        let mask = masks::gaussian(scene.width, scene.height, centre, sigma);
        DrawnMask { lambda: 1.0 - masks::mean(&mask), mask }
    }

    fn mix(&self, draw: &DrawnMask, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.mask(draw, true))
    }
}

//! FMix (Harris et al., 2020).

use bakeoff_random::Stream;

use super::blend::Planned;
use super::masks;
use super::options::{Options, Paired, mixer_options, once};
use super::plan::{DrawnMask, Mix, Pair, Scene};
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Harris et al. 2020: a binary mask cut out of low-frequency noise at the level that leaves a share
    /// lambda ~ Beta(alpha, alpha) of the image.
    Fmix {
        /// Above 0 (0.001 to 1e6).
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 1.0,
        /// Power by which the noise decays with frequency; larger: smoother, fewer pieces. In [0, 10].
        #[schemars(range(min = 0.0, max = 10.0))]
        decay: f64 = 3.0,
        /// Share of the image over which the mask's edge is soft, in [0, 0.5].
        #[schemars(range(min = 0.0, max = 0.5))]
        max_soft: f64 = 0.0,
        ; pairing = (1.0, PerImage, Permutation);
        /// The label's share is the mask's mean; `false` keeps the drawn lambda (they differ by less than a pixel).
        correct_label: bool = true,
    }
}

impl Mix for Fmix {
    type Draw = DrawnMask;
    type Guidance = ();
    const OPERATION: &'static str = "mix/fmix";

    fn recipe() -> Option<Shipped<Self>> {
        Some(Shipped::new("blobs of another image, labels by area", Self::default(), shipped!("fmix")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        options.within("decay", self.decay, 0.0..=10.0, "between 0 and 10");
        options.within("max_soft", self.max_soft, 0.0..=0.5, "a share of the image, between 0 and 0.5");
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, decay, max_soft, lambda, correct_label, .. } = *self;
        format!(
            "FMix: a mask from noise that decays as frequency^−{decay}, cut at the level that keeps a share lambda ~ \
             Beta({alpha}, {alpha}) {}, {}, filled from the partner, label shares by {}; {}",
            once(lambda),
            if max_soft > 0.0 {
                format!("soft over {max_soft} of the image")
            } else {
                "hard edges".to_owned()
            },
            if correct_label { "the mask's mean" } else { "the drawn lambda" },
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnMask {
        let (width, height) = (scene.width, scene.height);
        let lambda = stream.beta(self.alpha, self.alpha);
        let up = stream.coin(0.5);
        let noise = masks::low_frequency_noise(width, height, self.decay, || stream.normal());
        let (kept, soft) = masks::fmix_counts(width * height, lambda, self.max_soft, up);
        DrawnMask { lambda, mask: masks::binarised(&noise, kept, soft) }
    }

    fn mix(&self, draw: &DrawnMask, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.mask(draw, self.correct_label))
    }
}

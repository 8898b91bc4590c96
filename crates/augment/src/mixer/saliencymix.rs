//! SaliencyMix (Uddin et al., ICLR 2021).

use bakeoff_random::Stream;

use super::blend::{PixelChange, Planned};
use super::boxes::{self, BoxDraw};
use super::options::{Options, Paired, by_box, mixer_options, once};
use super::plan::{DrawnBox, Mix, Pair, Scene};
use super::saliency;
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Uddin et al. 2021: CutMix whose box stands where the partner is most salient, by the fine-grained saliency of
    /// Montabone & Soto 2010. Where lambda is drawn once per batch, the partner of the first image places the box.
    Saliencymix {
        /// Above 0 (0.001 to 1e6).
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 1.0,
        ; pairing = (1.0, PerImage, Permutation);
        /// Recompute the label's share from the clipped box; `false` keeps the drawn lambda.
        correct_label: bool = true,
    }
}

impl Mix for Saliencymix {
    type Draw = DrawnBox;
    type Guidance = ();
    const OPERATION: &'static str = "mix/saliencymix";

    fn recipe() -> Option<Shipped<Self>> {
        let summary = "a box around another image's most salient pixel, labels by area";
        Some(Shipped::new(summary, Self::default(), shipped!("saliencymix")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, lambda, correct_label, .. } = *self;
        format!(
            "SaliencyMix: lambda ~ Beta({alpha}, {alpha}) {}, a box with sides × sqrt(1 − lambda) around the partner's \
             most salient pixel filled from there, label shares {}; {}",
            once(lambda),
            by_box(correct_label),
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnBox {
        let lambda = stream.beta(self.alpha, self.alpha);
        let side = (1.0 - lambda).sqrt();
        let centre = saliency::most_salient(scene.source, scene.width, scene.height);
        let pasted = boxes::around(scene.width, scene.height, BoxDraw { sides: [side, side], centre });
        DrawnBox { lambda, pasted }
    }

    fn mix(&self, draw: &DrawnBox, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.paste(draw, self.correct_label, PixelChange::Window))
    }
}

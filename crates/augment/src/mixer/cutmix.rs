//! CutMix (Yun et al., ICCV 2019).

use bakeoff_random::Stream;

use super::blend::{PixelChange, Planned};
use super::boxes::{self, BoxDraw};
use super::options::{Options, Paired, by_box, mixer_options, once};
use super::plan::{DrawnBox, Mix, Pair, Scene};

mixer_options! {
    /// Yun et al. 2019: one lambda ~ Beta(alpha, alpha), a box of sides × sqrt(1 − lambda) around a uniform centre,
    /// clipped, filled from the partner; lambda recomputed from the clipped integer area.
    Cutmix {
        /// Above 0 (0.001 to 1e6).
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 1.0,
        ; pairing = (1.0, PerImage, Permutation);
        /// Recompute the label's share from the clipped box; `false` keeps the drawn lambda.
        correct_label: bool = true,
    }
}

/// Lambda, and a square box in units of the image's sides.
pub(super) fn draw_box(stream: &mut Stream, scene: &Scene<'_>, alpha: f64) -> (f64, BoxDraw) {
    let lambda = stream.beta(alpha, alpha);
    let side = (1.0 - lambda).sqrt();
    (lambda, BoxDraw { sides: [side, side], centre: scene.centre(stream) })
}

impl Mix for Cutmix {
    type Draw = DrawnBox;
    type Guidance = ();
    const OPERATION: &'static str = "mix/cutmix";

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, lambda, correct_label, .. } = *self;
        format!(
            "CutMix: lambda ~ Beta({alpha}, {alpha}) {}, a box with sides × sqrt(1 − lambda) around a uniform \
             centre filled from the partner, label shares {}; {}",
            once(lambda),
            by_box(correct_label),
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnBox {
        let (lambda, draw) = draw_box(stream, scene, self.alpha);
        DrawnBox { lambda, pasted: boxes::around(scene.width, scene.height, draw) }
    }

    fn mix(&self, draw: &DrawnBox, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.paste(draw, self.correct_label, PixelChange::Window))
    }
}

//! ResizeMix (Qin et al., 2020).

use std::sync::Arc;

use bakeoff_random::Stream;

use super::blend::{PixelChange, Planned};
use super::boxes::{self, BoxDraw};
use super::options::{Options, Paired, mixer_options, once, span};
use super::plan::{DrawnBox, Mix, Pair, Scene};
use super::resample::Shrunk;
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Qin et al. 2020: all of the partner, shrunk to tau times each side with tau uniform in `scale`, pasted around a
    /// uniform centre, clipped; labels by the clipped area.
    Resizemix {
        /// Side of the pasted image as a share of the image's side, low and high, in [0, 1].
        scale: [f64; 2] = [0.1, 0.8],
        /// Draw tau from Beta(alpha, alpha) and only where that falls outside `scale` uniformly from it (OpenMixup's
        /// `use_alpha`); absent: always uniformly.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: Option<f64> = None,
        ; pairing = (1.0, PerImage, Permutation);
        /// The label's share from the clipped box; `false`: from tau² before clipping.
        correct_label: bool = true,
    }
}

impl Mix for Resizemix {
    type Draw = DrawnBox;
    type Guidance = ();
    const OPERATION: &'static str = "mix/resizemix";

    fn recipe() -> Option<Shipped<Self>> {
        let summary = "another image, shrunk and pasted whole, labels by area";
        Some(Shipped::new(summary, Self::default(), shipped!("resizemix")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.range("scale", self.scale, [0.0, 1.0], "a share of the side, between 0 and 1");
        self.alpha.into_iter().for_each(|alpha| options.alpha(alpha));
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let [low, high] = self.scale;
        let tau = match self.alpha {
            Some(alpha) => {
                format!("tau ~ Beta({alpha}, {alpha}), uniform in [{low}, {high}) where it falls outside")
            }
            None => format!("tau {}", span(self.scale)),
        };
        format!(
            "ResizeMix: all of the partner shrunk to tau times each side, {tau}, {}, around a uniform centre, label \
             shares {}; {}",
            once(self.lambda),
            if self.correct_label { "by the clipped box's area" } else { "by tau², not the clipped box" },
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnBox {
        let [low, high] = self.scale;
        let drawn = self.alpha.map(|alpha| stream.beta(alpha, alpha));
        let tau = drawn.filter(|tau| (low..=high).contains(tau)).unwrap_or_else(|| stream.range(low, high));
        let draw = BoxDraw { sides: [tau, tau], centre: scene.centre(stream) };
        DrawnBox { lambda: 1.0 - tau * tau, pasted: boxes::around(scene.width, scene.height, draw) }
    }

    fn mix(&self, draw: &DrawnBox, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.paste(draw, self.correct_label, PixelChange::Patch(Arc::new(Shrunk))))
    }
}

//! SnapMix (Huang, Wang & Tao, AAAI 2021).

use std::sync::Arc;

use bakeoff_random::Stream;
use rayon::prelude::*;

use super::blend::{PixelChange, Planned};
use super::boxes::{self, BoxDraw, area, share_outside};
use super::options::{Options, Paired, mixer_options, once};
use super::plan::{DrawnBox, Mix, Pair, Scene};
use super::resample::Resized;
use super::semantic::{self, Evidence};
use super::{Answers, Questions};
use crate::PixelBatch;
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Huang et al. 2021: a box of the partner, resized and pasted over another box; each image's label has the share of what the
    /// network sees of its class inside and outside the boxes, and the image counts in the loss as much as both shares together.
    Snapmix {
        /// Above 0 (0.001 to 1e6); both boxes have sides × sqrt(1 − lambda), each by a lambda of its own.
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 5.0,
        ; pairing = (1.0, PerBatch, Permutation);
        /// `false`: every image counts once in the loss, its two shares scaled to sum to one.
        weighted: bool = true,
    }
}

/// A box of the partner, `cut`, to be pasted over another.
pub(super) struct Boxes {
    pasted: [usize; 4],
    cut: [usize; 4],
}

impl Mix for Snapmix {
    type Draw = Boxes;
    /// Where each image's class is seen.
    type Guidance = Vec<Option<Evidence>>;
    const OPERATION: &'static str = "mix/snapmix";

    fn recipe() -> Option<Shipped<Self>> {
        let summary = "a box of another image over another box, labels by what the network sees";
        Some(Shipped::new(summary, Self::default(), shipped!("snapmix")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, lambda, weighted, .. } = *self;
        format!(
            "SnapMix: two boxes {}, each with sides × sqrt(1 − its lambda ~ Beta({alpha}, {alpha})) around a uniform centre; the \
             partner's in the one, resized, fills the other; label shares by what the network's class activation maps hold \
             outside and inside, {}; {}",
            once(lambda),
            if weighted { "their sum being the image's weight in the loss" } else { "scaled to sum to one" },
            self.pairing().describe()
        )
    }

    fn questions(&self) -> Questions {
        Questions { activation_maps: true, ..Questions::default() }
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> Boxes {
        let lambdas = [stream.beta(self.alpha, self.alpha), stream.beta(self.alpha, self.alpha)];
        let [pasted, cut] = lambdas.map(|lambda| {
            let side = (1.0 - lambda).sqrt();
            let draw = BoxDraw { sides: [side, side], centre: scene.centre(stream) };
            boxes::around(scene.width, scene.height, draw)
        });
        Boxes { pasted, cut }
    }

    fn guidance(&self, batch: &PixelBatch, answers: &Answers) -> Self::Guidance {
        let Some(maps) = &answers.activation_maps else { return Vec::new() };
        let of = |index| Evidence::of(maps, index, batch.width(), batch.height());
        (0..batch.len()).into_par_iter().map(of).collect()
    }

    fn mix(&self, &Boxes { pasted, cut }: &Boxes, pair: &Pair<'_, Self::Guidance>) -> Option<Planned> {
        if area(pasted) == 0 || area(cut) == 0 {
            return None;
        }
        let size = pair.size();
        let evidence = |index: usize| pair.guidance.get(index).and_then(Option::as_ref);
        let [kept, brought] =
            semantic::shares(evidence(pair.index), evidence(pair.partner), pasted, cut, size);
        let weight = kept + brought;
        // Nothing of either is seen: the area says what of each there is, though it counts for nothing.
        let lambda = if weight > 0.0 { kept / weight } else { share_outside(pasted, size[0], size[1]) };
        let change = PixelChange::Patch(Arc::new(Resized { cut }));
        let mut planned = pair.paste(&DrawnBox { lambda, pasted }, false, change);
        if self.weighted {
            planned.mixed.weight = weight as f32;
        }
        Some(planned)
    }
}

//! Cut-Thumbnail (Xie et al., ACM Multimedia 2021).

use std::sync::Arc;

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blend::{PixelChange, Planned};
use super::options::{Options, Paired, mixer_options, once};
use super::plan::{DrawnBox, Mix, Pair, Scene};
use super::resample::Shrunk;
use crate::shipped::{Shipped, shipped};

/// Whose thumbnail is pasted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Thumbnail {
    /// The partner's, labels mixed (the paper's MST).
    #[default]
    Partner,
    /// The image's own, label kept (the paper's ST).
    Own,
}

mixer_options! {
    /// Xie et al. 2021: a thumbnail of the partner (or of the image itself) pasted whole at a uniform place.
    CutThumbnail {
        /// Side of the thumbnail as a share of the image's side, in [0.01, 1].
        #[schemars(range(min = 0.01, max = 1.0))]
        size: f64 = 0.5,
        /// Whose thumbnail.
        thumbnail: Thumbnail = Thumbnail::Partner,
        /// The partner's share of the label, in [0, 1].
        #[schemars(range(min = 0.0, max = 1.0))]
        share: f64 = 0.25,
        ; pairing = (0.8, PerImage, Permutation);
        /// `true`: the partner's share of the label is the thumbnail's area instead of `share`.
        correct_label: bool = false,
    }
}

impl Mix for CutThumbnail {
    type Draw = DrawnBox;
    type Guidance = ();
    const OPERATION: &'static str = "mix/cut-thumbnail";

    fn recipe() -> Option<Shipped<Self>> {
        let summary = "a thumbnail of another image, a quarter of the label";
        Some(Shipped::new(summary, Self::default(), shipped!("cut-thumbnail")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.within("size", self.size, 0.01..=1.0, "a share of the side, between 0.01 and 1");
        options.probability("share", self.share);
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { size, share, probability, lambda, .. } = *self;
        match self.thumbnail {
            Thumbnail::Own => format!(
                "Cut-Thumbnail: the image itself shrunk to {size} of each side, pasted at a uniform place, label kept; with \
                 probability {probability} {}",
                once(lambda)
            ),
            Thumbnail::Partner => format!(
                "Cut-Thumbnail: the partner shrunk to {size} of each side, pasted at a uniform place, the partner's share of \
                 the label {}; {}",
                if self.correct_label { "by area".to_owned() } else { format!("{share}") },
                self.pairing().describe()
            ),
        }
    }

    fn meets_itself(&self) -> bool {
        self.thumbnail == Thumbnail::Own
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnBox {
        let [w, h] =
            [scene.width, scene.height].map(|side| ((side as f64 * self.size).round() as usize).max(1));
        let [x, y] = [stream.below(scene.width - w + 1), stream.below(scene.height - h + 1)];
        DrawnBox { lambda: 1.0 - self.share, pasted: [x, y, x + w, y + h] }
    }

    fn mix(&self, draw: &DrawnBox, pair: &Pair<'_, ()>) -> Option<Planned> {
        let mut planned = pair.paste(draw, self.correct_label, PixelChange::Patch(Arc::new(Shrunk)));
        if self.meets_itself() {
            planned.mixed.lambda = 1.0;
        }
        Some(planned)
    }
}

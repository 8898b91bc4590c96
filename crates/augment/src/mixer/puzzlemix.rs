//! PuzzleMix (Kim, Choo & Song, ICML 2020), its options; [`super::puzzle`] has the method.

use std::sync::Arc;

use bakeoff_random::Stream;
use rayon::prelude::*;

use super::blend::{PixelChange, Planned};
use super::options::{Options, Paired, mixer_options, once};
use super::plan::{Mix, Pair, Scene};
use super::puzzle::{self, Piece, Puzzle, Settings};
use super::{Answers, Questions, masks};
use crate::PixelBatch;
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Kim, Choo & Song 2020: blocks of both images, chosen by minimising an energy of saliency (the loss's gradient), smoothness
    /// and lambda, salient blocks moved to where they stay visible; labels by the mask's mean.
    Puzzlemix {
        /// Above 0 (0.001 to 1e6).
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 1.0,
        /// Blocks along each side of the mask, equally often; in [1, 16].
        #[schemars(length(min = 1), inner(range(min = 1, max = 16)))]
        block_num: Vec<usize> = vec![2, 4, 8, 16],
        /// Levels of the mask, in [2, 4].
        #[schemars(range(min = 2, max = 4))]
        n_labels: usize = 3,
        /// Weight of label smoothness, in [0, 100].
        #[schemars(range(min = 0.0, max = 100.0))]
        beta: f64 = 1.2,
        /// Weight of data smoothness, relative to `beta`, in [0, 1].
        #[schemars(range(min = 0.0, max = 1.0))]
        gamma: f64 = 0.5,
        /// Weight of the prior that the mask's mean be lambda, in [0, 100].
        #[schemars(range(min = 0.0, max = 100.0))]
        eta: f64 = 0.2,
        /// Side in pixels of the cells whose colours are compared where blocks meet, in [1, 1024].
        #[schemars(range(min = 1, max = 1024))]
        neigh_size: usize = 4,
        /// Whether salient blocks move to where the mask shows them.
        transport: bool = true,
        /// What moving costs, in [0, 100].
        #[schemars(range(min = 0.0, max = 100.0))]
        t_eps: f64 = 0.8,
        /// Side in pixels of the blocks that move, in [1, 1024]; absent, or larger than the mask's: the mask's blocks.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1, max = 1024))]
        t_size: Option<usize> = None,
        ; pairing = (1.0, PerBatch, Permutation);
    }
}

/// Blocks a side and lambda; the mask follows from the images.
pub(super) struct Blocks {
    side: usize,
    lambda: f64,
}

impl Mix for Puzzlemix {
    type Draw = Blocks;
    /// Saliency of each pixel, image by image.
    type Guidance = Vec<Vec<f64>>;
    const OPERATION: &'static str = "mix/puzzlemix";

    fn recipe() -> Option<Shipped<Self>> {
        let summary = "salient blocks of both images, chosen and moved by the network's gradient";
        Some(Shipped::new(summary, Self::default(), shipped!("puzzlemix")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        options.some("block_num", self.block_num.is_empty());
        for (index, &blocks) in self.block_num.iter().enumerate() {
            let key = format!("block_num[{index}]");
            options.within(&key, blocks as f64, 1.0..=16.0, "a number of blocks, between 1 and 16");
        }
        let pixels = "a number of pixels, between 1 and 1024";
        options.within("n_labels", self.n_labels as f64, 2.0..=4.0, "2, 3 or 4");
        options.within("neigh_size", self.neigh_size as f64, 1.0..=1024.0, pixels);
        if let Some(size) = self.t_size {
            options.within("t_size", size as f64, 1.0..=1024.0, pixels);
        }
        for (key, weight) in [("beta", self.beta), ("eta", self.eta), ("t_eps", self.t_eps)] {
            options.within(key, weight, 0.0..=100.0, "a weight, between 0 and 100");
        }
        options.within("gamma", self.gamma, 0.0..=1.0, "a weight, between 0 and 1");
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, n_labels, beta, gamma, eta, neigh_size, t_eps, .. } = *self;
        let blocks: Vec<String> = self.block_num.iter().map(|n| format!("{n}×{n}")).collect();
        let moved = match (self.transport, self.t_size) {
            (false, _) => "blocks stay where they are".to_owned(),
            (true, None) => format!("salient blocks move at a cost of {t_eps}"),
            (true, Some(size)) => format!("salient blocks of {size} px move at a cost of {t_eps}"),
        };
        format!(
            "PuzzleMix: lambda ~ Beta({alpha}, {alpha}) and one of {} blocks {}; a mask of {n_labels} levels that keeps what is \
             salient by the loss's gradient (smoothness beta {beta}, gamma {gamma}, cells of {neigh_size} px; prior eta \
             {eta}); {moved}; label shares by the mask's mean; {}",
            blocks.join(", "),
            once(self.lambda),
            self.pairing().describe()
        )
    }

    fn questions(&self) -> Questions {
        Questions { input_gradient: true, ..Questions::default() }
    }

    fn draw(&self, stream: &mut Stream, _: &Scene<'_>) -> Blocks {
        let lambda = stream.beta(self.alpha, self.alpha);
        let side = self.block_num.get(stream.below(self.block_num.len())).copied().unwrap_or(1);
        Blocks { side, lambda }
    }

    fn guidance(&self, batch: &PixelBatch, answers: &Answers) -> Self::Guidance {
        let Some(gradient) = &answers.input_gradient else { return Vec::new() };
        gradient.par_chunks_exact(batch.image_len()).map(puzzle::saliency).collect()
    }

    fn mix(&self, draw: &Blocks, pair: &Pair<'_, Self::Guidance>) -> Option<Planned> {
        let Self { n_labels, beta, gamma, eta, neigh_size, t_eps, t_size, .. } = *self;
        let transport = self.transport.then_some((t_eps, t_size));
        let settings = Settings { n_labels, beta, gamma, eta, neigh_size, transport };
        let piece = |index: usize| Piece {
            pixels: pair.batch.image_values(index),
            saliency: pair.guidance.get(index).map(Vec::as_slice),
        };
        let images = [piece(pair.index), piece(pair.partner)];
        let puzzle = Puzzle::new(images[0], images[1], pair.size(), draw.side, draw.lambda, &settings);
        let mask = Arc::clone(&puzzle.mask);
        let mut planned = pair.blend(1.0 - masks::mean(&mask));
        planned.mixed.mask = Some(mask);
        planned.change = PixelChange::Whole(Arc::new(puzzle));
        Some(planned)
    }
}

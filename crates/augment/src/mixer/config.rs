//! Batch mixers as a study file writes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often lambda is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LambdaMode {
    /// Once per image.
    #[default]
    PerImage,
    /// Once per batch, as in the papers' published code.
    PerBatch,
    /// Once per pair: an image and its partner share it. Needs partners who meet each other: `permutation` (then random
    /// pairs) or `reverse`.
    PerPair,
}

/// Which image each image of a batch meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Partner {
    /// A random permutation of the batch: every image is a partner once.
    #[default]
    Permutation,
    /// Uniform with replacement (the notebook): an image may meet itself.
    Uniform,
    /// The batch in reverse (timm).
    Reverse,
    /// The previous image of the batch, cyclically.
    Roll,
}

/// How often timm's mixer draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimmMode {
    /// Once per batch.
    #[default]
    Batch,
    /// Once per pair: the first with the last, the second with the last but one ….
    Pair,
    /// Once per image.
    Elem,
}

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

/// How often one mixer of several is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// Once per batch.
    #[default]
    Batch,
    /// Once per image.
    Image,
}

fn one() -> f64 {
    1.0
}
fn yes() -> bool {
    true
}

/// A batch mixer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mixer {
    /// Yun et al. 2019: one lambda ~ Beta(alpha, alpha), a box of sides × sqrt(1 − lambda) around a uniform centre,
    /// clipped, filled from the partner; lambda recomputed from the clipped integer area.
    Cutmix {
        /// Above 0 (0.001 to 1e6).
        #[serde(default = "one")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often lambda and the box are drawn.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
        /// Recompute the label's share from the clipped box; `false` keeps the drawn lambda.
        #[serde(default = "yes")]
        correct_label: bool,
    },
    /// The course notebook's box: width and height from two independent uniforms, W·sqrt(1−u1) × H·sqrt(1−u2), halves
    /// by integer division, clipped; lambda from the clipped integer area.
    CutmixNotebook {
        /// Share of images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// Who meets whom; the notebook's is `uniform`.
        #[serde(default = "notebook_partner")]
        partner: Partner,
    },
    /// Zhang et al. 2018: lambda ~ Beta(alpha, alpha), lambda·a + (1 − lambda)·b, labels likewise.
    Mixup {
        /// Above 0 (0.001 to 1e6).
        #[serde(default = "one")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often lambda is drawn.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
    },
    /// timm's `Mixup`: MixUp or CutMix, switched by a coin; partners by reversing the batch. timm's label smoothing is
    /// `train.label_smoothing` here.
    Timm {
        /// MixUp's alpha; 0 switches MixUp off.
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1e6))]
        mixup_alpha: f64,
        /// CutMix's alpha; 0 switches CutMix off.
        #[serde(default)]
        #[schemars(range(min = 0.0, max = 1e6))]
        cutmix_alpha: f64,
        /// Box sides uniform between these shares of the image's sides, in [0, 1], instead of from lambda; CutMix is
        /// then on whatever `cutmix_alpha` says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cutmix_minmax: Option<[f64; 2]>,
        /// Share of batches, pairs or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// Share of those that get CutMix, where both are on, in [0, 1].
        #[serde(default = "half")]
        #[schemars(range(min = 0.0, max = 1.0))]
        switch_probability: f64,
        /// How often everything is drawn.
        #[serde(default)]
        mode: TimmMode,
        /// Recompute the label's share from the clipped box; `false` keeps the drawn lambda (a box by `cutmix_minmax`
        /// is always corrected).
        #[serde(default = "yes")]
        correct_label: bool,
        /// From this epoch on (counted from 0) nothing is mixed; 0: never off.
        #[serde(default)]
        #[schemars(range(max = 1_000_000))]
        off_epoch: u32,
    },
    /// Qin et al. 2020: all of the partner, shrunk to tau times each side with tau uniform in `scale`, pasted around a
    /// uniform centre, clipped; labels by the clipped area.
    Resizemix {
        /// Side of the pasted image as a share of the image's side, low and high, in [0, 1].
        #[serde(default = "resize_scale")]
        scale: [f64; 2],
        /// Draw tau from Beta(alpha, alpha) and only where that falls outside `scale` uniformly from it (OpenMixup's
        /// `use_alpha`); absent: always uniformly.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: Option<f64>,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often tau and the place are drawn.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
        /// The label's share from the clipped box; `false`: from tau² before clipping.
        #[serde(default = "yes")]
        correct_label: bool,
    },
    /// Harris et al. 2020: a binary mask cut out of low-frequency noise at the level that leaves a share
    /// lambda ~ Beta(alpha, alpha) of the image.
    Fmix {
        /// Above 0 (0.001 to 1e6).
        #[serde(default = "one")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Power by which the noise decays with frequency; larger: smoother, fewer pieces. In [0, 10].
        #[serde(default = "three")]
        #[schemars(range(min = 0.0, max = 10.0))]
        decay: f64,
        /// Share of the image over which the mask's edge is soft, in [0, 0.5].
        #[serde(default)]
        #[schemars(range(min = 0.0, max = 0.5))]
        max_soft: f64,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often lambda and the mask are drawn.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
        /// The label's share is the mask's mean; `false` keeps the drawn lambda (they differ by less than a pixel).
        #[serde(default = "yes")]
        correct_label: bool,
    },
    /// Lee et al. 2020: the partner fades in by a Gaussian around a uniform centre; labels by the mask's mean.
    Smoothmix {
        /// Standard deviation as a share of the image's shorter side, low and high, in [0.01, 10].
        #[serde(default = "smooth_sigma")]
        sigma: [f64; 2],
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often the mask is drawn.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
    },
    /// Uddin et al. 2021: CutMix whose box stands where the partner is most salient, by the fine-grained saliency of
    /// Montabone & Soto 2010.
    Saliencymix {
        /// Above 0 (0.001 to 1e6).
        #[serde(default = "one")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often lambda and the box are drawn; once per batch, the partner of the first image places the box.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
        /// Recompute the label's share from the clipped box; `false` keeps the drawn lambda.
        #[serde(default = "yes")]
        correct_label: bool,
    },
    /// Baek et al. 2021, by OpenMixup's formula: a grid of cells, in each a hole of sides × sqrt(1 − lambda), filled from
    /// the partner; labels by area. The paper's second loss on the cells is not part of it.
    Gridmix {
        /// Above 0 (0.001 to 1e6).
        #[serde(default = "one")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Cells along the grid's width, fewest and most, in [1, 256].
        #[serde(default = "grid_cells")]
        cells: [usize; 2],
        /// Height / width of a cell, low and high, in [0.1, 10].
        #[serde(default = "ones")]
        cell_aspect: [f64; 2],
        /// Area of the grid as a share of the image, low and high, in [0.01, 1].
        #[serde(default = "ones")]
        area: [f64; 2],
        /// Height / width of the grid relative to the image's, low and high, in [0.1, 10].
        #[serde(default = "ones")]
        aspect: [f64; 2],
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often lambda and the grid are drawn.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
        /// The label's share from the holes' area; `false` keeps the drawn lambda.
        #[serde(default = "yes")]
        correct_label: bool,
    },
    /// Xie et al. 2021: a thumbnail of the partner (or of the image itself) pasted whole at a uniform place.
    CutThumbnail {
        /// Side of the thumbnail as a share of the image's side, in [0.01, 1].
        #[serde(default = "half")]
        #[schemars(range(min = 0.01, max = 1.0))]
        size: f64,
        /// Whose thumbnail.
        #[serde(default)]
        thumbnail: Thumbnail,
        /// The partner's share of the label, in [0, 1].
        #[serde(default = "quarter")]
        #[schemars(range(min = 0.0, max = 1.0))]
        share: f64,
        /// Share of batches (per-batch lambda) or images that get a thumbnail, in [0, 1].
        #[serde(default = "most")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often the place is drawn.
        #[serde(default)]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
        /// `true`: the partner's share of the label is the thumbnail's area instead of `share`.
        #[serde(default)]
        correct_label: bool,
    },
    /// Verma et al. 2019: MixUp of the pixels or of the network's activations, at a place drawn for each batch.
    ManifoldMixup {
        /// Above 0 (0.001 to 1e6).
        #[serde(default = "two")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Where it may happen, equally often: 0 the pixels, k the network's activations after its k-th stage of residual
        /// blocks.
        #[serde(default = "manifold_stages")]
        #[schemars(length(min = 1), inner(range(min = 0, max = 16)))]
        stages: Vec<usize>,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often lambda is drawn.
        #[serde(default = "per_batch")]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
    },
    /// Huang et al. 2021: a box of the partner, resized and pasted over another box; each image's label has the share of what the
    /// network sees of its class inside and outside the boxes, and the image counts in the loss as much as both shares together.
    Snapmix {
        /// Above 0 (0.001 to 1e6); both boxes have sides × sqrt(1 − lambda), each by a lambda of its own.
        #[serde(default = "five")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often the boxes are drawn.
        #[serde(default = "per_batch")]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
        /// `false`: every image counts once in the loss, its two shares scaled to sum to one.
        #[serde(default = "yes")]
        weighted: bool,
    },
    /// Kim, Choo & Song 2020: blocks of both images, chosen by minimising an energy of saliency (the loss's gradient), smoothness
    /// and lambda, salient blocks moved to where they stay visible; labels by the mask's mean.
    Puzzlemix {
        /// Above 0 (0.001 to 1e6).
        #[serde(default = "one")]
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64,
        /// Blocks along each side of the mask, equally often; in [1, 16].
        #[serde(default = "puzzle_blocks")]
        #[schemars(length(min = 1), inner(range(min = 1, max = 16)))]
        block_num: Vec<usize>,
        /// Levels of the mask, in [2, 4].
        #[serde(default = "three_labels")]
        #[schemars(range(min = 2, max = 4))]
        n_labels: usize,
        /// Weight of label smoothness, in [0, 100].
        #[serde(default = "puzzle_beta")]
        #[schemars(range(min = 0.0, max = 100.0))]
        beta: f64,
        /// Weight of data smoothness, relative to `beta`, in [0, 1].
        #[serde(default = "half")]
        #[schemars(range(min = 0.0, max = 1.0))]
        gamma: f64,
        /// Weight of the prior that the mask's mean be lambda, in [0, 100].
        #[serde(default = "fifth")]
        #[schemars(range(min = 0.0, max = 100.0))]
        eta: f64,
        /// Side in pixels of the cells whose colours are compared where blocks meet, in [1, 1024].
        #[serde(default = "four")]
        #[schemars(range(min = 1, max = 1024))]
        neigh_size: usize,
        /// Whether salient blocks move to where the mask shows them.
        #[serde(default = "yes")]
        transport: bool,
        /// What moving costs, in [0, 100].
        #[serde(default = "most")]
        #[schemars(range(min = 0.0, max = 100.0))]
        t_eps: f64,
        /// Side in pixels of the blocks that move, in [1, 1024]; absent, or larger than the mask's: the mask's blocks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1, max = 1024))]
        t_size: Option<usize>,
        /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often lambda and the number of blocks are drawn.
        #[serde(default = "per_batch")]
        lambda: LambdaMode,
        /// Who meets whom.
        #[serde(default)]
        partner: Partner,
    },
    /// One of several mixers, chosen by weight.
    OneOf {
        /// Each with its own options.
        #[schemars(length(min = 1))]
        mixers: Vec<Mixer>,
        /// How often each is chosen, relative to the others; absent: equally often.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weights: Vec<f64>,
        /// Share of batches (or images) for which one is chosen, in [0, 1]; each mixer's own `probability` comes on top.
        #[serde(default = "one")]
        #[schemars(range(min = 0.0, max = 1.0))]
        probability: f64,
        /// How often it is chosen.
        #[serde(default)]
        each: Each,
    },
}

impl Mixer {
    /// As a study file writes it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cutmix { .. } => "cutmix",
            Self::CutmixNotebook { .. } => "cutmix-notebook",
            Self::Mixup { .. } => "mixup",
            Self::Timm { .. } => "timm",
            Self::Resizemix { .. } => "resizemix",
            Self::Fmix { .. } => "fmix",
            Self::Smoothmix { .. } => "smoothmix",
            Self::Saliencymix { .. } => "saliencymix",
            Self::Gridmix { .. } => "gridmix",
            Self::CutThumbnail { .. } => "cut-thumbnail",
            Self::ManifoldMixup { .. } => "manifold-mixup",
            Self::Snapmix { .. } => "snapmix",
            Self::Puzzlemix { .. } => "puzzlemix",
            Self::OneOf { .. } => "one-of",
        }
    }

    /// The stages of the network after which it may ask for activations to be mixed, each with its key path below the
    /// mixer's (`stages[1]`).
    #[must_use]
    pub fn stages(&self) -> Vec<(String, usize)> {
        match self {
            Self::ManifoldMixup { stages, .. } => {
                let keyed =
                    stages.iter().enumerate().map(|(index, &stage)| (format!("stages[{index}]"), stage));
                keyed.filter(|(_, stage)| *stage > 0).collect()
            }
            Self::OneOf { mixers, .. } => {
                let below = |(index, mixer): (usize, &Self)| {
                    let stages = mixer.stages().into_iter();
                    stages.map(move |(key, stage)| (format!("mixers[{index}].{key}"), stage))
                };
                mixers.iter().enumerate().flat_map(below).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn two() -> f64 {
    2.0
}
fn five() -> f64 {
    5.0
}
fn puzzle_blocks() -> Vec<usize> {
    vec![2, 4, 8, 16]
}
fn three_labels() -> usize {
    3
}
fn puzzle_beta() -> f64 {
    1.2
}
fn fifth() -> f64 {
    0.2
}
fn four() -> usize {
    4
}
fn manifold_stages() -> Vec<usize> {
    vec![0, 1, 2]
}
fn per_batch() -> LambdaMode {
    LambdaMode::PerBatch
}
fn notebook_partner() -> Partner {
    Partner::Uniform
}
fn half() -> f64 {
    0.5
}
fn quarter() -> f64 {
    0.25
}
fn most() -> f64 {
    0.8
}
fn three() -> f64 {
    3.0
}
fn ones() -> [f64; 2] {
    [1.0, 1.0]
}
fn resize_scale() -> [f64; 2] {
    [0.1, 0.8]
}
fn smooth_sigma() -> [f64; 2] {
    [0.25, 0.5]
}
fn grid_cells() -> [usize; 2] {
    [20, 20]
}

//! Recipes of a single mixer, each beside its method card.

use crate::recipe::{Builtin, shipped};
use crate::{Each, LambdaMode, Mixer, Partner, RecipeConfig, Thumbnail, TimmMode};

/// One recipe for every mixer whose card is its own, with its paper's defaults.
pub(crate) fn mixers() -> Vec<Builtin> {
    let recipe = |summary, mixer: Mixer, card| Builtin {
        summary,
        config: RecipeConfig { name: mixer.kind().to_owned(), transforms: Vec::new(), mix: Some(mixer) },
        card,
    };
    let (lambda, partner) = (LambdaMode::PerImage, Partner::Permutation);
    let (alpha, probability, correct_label) = (1.0, 1.0, true);
    let cutmix = Mixer::Cutmix { alpha, probability, lambda, partner, correct_label };
    let mixup = Mixer::Mixup { alpha: 0.2, probability, lambda, partner };
    vec![
        recipe(
            "another image, shrunk and pasted whole, labels by area",
            Mixer::Resizemix { scale: [0.1, 0.8], alpha: None, probability, lambda, partner, correct_label },
            shipped!("resizemix"),
        ),
        recipe(
            "blobs of another image, labels by area",
            Mixer::Fmix { alpha, decay: 3.0, max_soft: 0.0, probability, lambda, partner, correct_label },
            shipped!("fmix"),
        ),
        recipe(
            "another image fades in around a point, labels by the mask",
            Mixer::Smoothmix { sigma: [0.25, 0.5], probability, lambda, partner },
            shipped!("smoothmix"),
        ),
        recipe(
            "a box around another image's most salient pixel, labels by area",
            Mixer::Saliencymix { alpha, probability, lambda, partner, correct_label },
            shipped!("saliencymix"),
        ),
        recipe(
            "a grid of holes onto another image, labels by area",
            Mixer::Gridmix {
                alpha,
                cells: [2, 6],
                cell_aspect: [1.0, 1.0],
                area: [1.0, 1.0],
                aspect: [1.0, 1.0],
                probability,
                lambda,
                partner,
                correct_label,
            },
            shipped!("gridmix"),
        ),
        recipe(
            "a thumbnail of another image, a quarter of the label",
            Mixer::CutThumbnail {
                size: 0.5,
                thumbnail: Thumbnail::Partner,
                share: 0.25,
                probability: 0.8,
                lambda,
                partner,
                correct_label: false,
            },
            shipped!("cut-thumbnail"),
        ),
        recipe(
            "MixUp of the pixels or inside the network",
            Mixer::ManifoldMixup {
                alpha: 2.0,
                stages: vec![0, 1, 2],
                probability,
                lambda: LambdaMode::PerBatch,
                partner,
            },
            shipped!("manifold-mixup"),
        ),
        recipe(
            "a box of another image over another box, labels by what the network sees",
            Mixer::Snapmix { alpha: 5.0, probability, lambda: LambdaMode::PerBatch, partner, weighted: true },
            shipped!("snapmix"),
        ),
        recipe(
            "salient blocks of both images, chosen and moved by the network's gradient",
            Mixer::Puzzlemix {
                alpha,
                block_num: vec![2, 4, 8, 16],
                n_labels: 3,
                beta: 1.2,
                gamma: 0.5,
                eta: 0.2,
                neigh_size: 4,
                transport: true,
                t_eps: 0.8,
                t_size: None,
                probability,
                lambda: LambdaMode::PerBatch,
                partner,
            },
            shipped!("puzzlemix"),
        ),
        recipe(
            "timm's switch between MixUp and CutMix",
            Mixer::Timm {
                mixup_alpha: 0.2,
                cutmix_alpha: 1.0,
                cutmix_minmax: None,
                probability,
                switch_probability: 0.5,
                mode: TimmMode::Batch,
                correct_label,
                off_epoch: 0,
            },
            shipped!("timm"),
        ),
        recipe(
            "MixUp or CutMix for each batch, equally often",
            Mixer::OneOf { mixers: vec![mixup, cutmix], weights: Vec::new(), probability, each: Each::Batch },
            shipped!("one-of"),
        ),
    ]
}

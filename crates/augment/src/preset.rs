//! Recipes that repeat other people's training, each named for what it repeats and beside its card. What they do besides
//! augmenting (label smoothing, learning rates, epochs, averaging of weights) is the study's, the same for every recipe.

use crate::recipe::{Builtin, shipped};
use crate::{LambdaMode, Mixer, Partner, RecipeConfig, Transform};

/// torchvision's `RandomResizedCrop` from this share of the area on, then a mirror.
fn crop_and_flip(smallest: f64) -> Vec<Transform> {
    vec![
        Transform::RandomResizedCrop {
            scale: [smallest, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            antialias: true,
        },
        Transform::HorizontalFlip { probability: 0.5 },
    ]
}

/// Every preset.
pub(crate) fn presets() -> Vec<Builtin> {
    let recipe = |name: &str, summary, transforms, mix, card| Builtin {
        summary,
        config: RecipeConfig { name: name.to_owned(), transforms, mix },
        card,
    };
    let mixup = |lambda, partner| Mixer::Mixup { alpha: 1.0, probability: 1.0, lambda, partner };
    vec![
        recipe(
            "notebook-flip",
            "the notebook's first arm: mirroring",
            vec![Transform::HorizontalFlip { probability: 0.5 }],
            None,
            shipped!("notebook-flip"),
        ),
        recipe(
            "notebook-colour",
            "the notebook's second arm: contrast below 1, hue, brightness",
            vec![
                Transform::Contrast { low: 0.2, high: 0.5, clip: false },
                Transform::Hue { delta: 0.2, clip: false },
                Transform::Brightness { delta: 0.2, clip: false },
            ],
            None,
            shipped!("notebook-colour"),
        ),
        recipe(
            "notebook-cutmix",
            "the notebook's third arm: CutMix with a box of its own",
            Vec::new(),
            Some(Mixer::CutmixNotebook { probability: 1.0, partner: Partner::Uniform }),
            shipped!("notebook-cutmix"),
        ),
        recipe(
            "notebook-mixup",
            "the notebook's fourth arm: MixUp, uniform lambda per image",
            Vec::new(),
            Some(mixup(LambdaMode::PerImage, Partner::Uniform)),
            shipped!("notebook-mixup"),
        ),
        recipe(
            "pytorch-examples",
            "PyTorch's ImageNet example: random windows, mirroring",
            crop_and_flip(0.08),
            None,
            shipped!("pytorch-examples"),
        ),
        recipe(
            "openmixup-cub",
            "OpenMixup on CUB-200: moderate windows, mirroring, MixUp",
            crop_and_flip(0.5),
            Some(mixup(LambdaMode::PerBatch, Partner::Permutation)),
            shipped!("openmixup-cub"),
        ),
    ]
}

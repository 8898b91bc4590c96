//! Recipes that repeat other people's training, each named for what it repeats and beside its card. What they do besides
//! augmenting (label smoothing, learning rates, epochs, averaging of weights) is the study's, the same for every recipe.

use crate::builtin::Builtin;
use crate::levels::Interpolation;
use crate::shipped::shipped;
use crate::{
    Brightness, Contrast, Cutmix, CutmixNotebook, HorizontalFlip, Hue, LambdaMode, Mixer, Mixup, OneOf,
    Partner, RandAugment, RandAugmentTimm, RandomErasing, RandomResizedCrop, RecipeConfig, Timm, Transform,
    TrivialAugmentWide,
};

/// torchvision's `RandomResizedCrop` from this share of the area on, then a mirror.
fn crop_and_flip(smallest: f64) -> Vec<Transform> {
    vec![
        Transform::RandomResizedCrop(RandomResizedCrop {
            scale: [smallest, 1.0],
            ratio: [3.0 / 4.0, 4.0 / 3.0],
            antialias: true,
        }),
        Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 }),
    ]
}

/// Every preset.
pub(crate) fn presets() -> Vec<Builtin> {
    let recipe = |name: &str, summary, transforms, mix, card| Builtin {
        summary,
        config: RecipeConfig { name: name.to_owned(), transforms, mix },
        card,
    };
    let timm_recipe = |name, summary, magnitude, mixup_alpha, card| {
        let augment = RandAugmentTimm {
            magnitude,
            magnitude_std: 0.5,
            increasing: true,
            fill: [124, 116, 104],
            ..RandAugmentTimm::default()
        };
        let mix = Timm { mixup_alpha, cutmix_alpha: 1.0, ..Timm::default() }.into();
        let mut transforms = crop_and_flip(0.08);
        transforms.push(Transform::RandAugmentTimm(augment));
        recipe(name, summary, transforms, Some(mix), card)
    };
    let then = |mut transforms: Vec<Transform>, more: [Transform; 2]| {
        transforms.extend(more);
        transforms
    };
    // torchvision's erasing, with the mean colour.
    let erasing = |probability| {
        let (area, aspect) = ([0.02, 0.33], [0.3, 3.3]);
        Transform::RandomErasing(RandomErasing { probability, area, aspect, ..RandomErasing::default() })
    };
    let (lambda, partner) = (LambdaMode::PerBatch, Partner::Roll);
    let mixup_or_cutmix = OneOf::equally(vec![
        Mixup { alpha: 0.2, lambda, partner, ..Mixup::default() }.into(),
        Cutmix { lambda, partner, ..Cutmix::default() }.into(),
    ]);
    let mixup = |lambda, partner| Mixer::from(Mixup { lambda, partner, ..Mixup::default() });
    vec![
        recipe(
            "notebook-flip",
            "the notebook's first arm: mirroring",
            vec![Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 })],
            None,
            shipped!("notebook-flip"),
        ),
        recipe(
            "notebook-colour",
            "the notebook's second arm: contrast below 1, hue, brightness",
            vec![
                Transform::Contrast(Contrast { low: 0.2, high: 0.5, clip: false }),
                Transform::Hue(Hue { delta: 0.2, clip: false }),
                Transform::Brightness(Brightness { delta: 0.2, clip: false }),
            ],
            None,
            shipped!("notebook-colour"),
        ),
        recipe(
            "notebook-cutmix",
            "the notebook's third arm: CutMix with a box of its own",
            Vec::new(),
            Some(CutmixNotebook::default().into()),
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
        timm_recipe(
            "timm-a1",
            "timm's procedure A1: RandAugment, MixUp or CutMix",
            7.0,
            0.2,
            shipped!("timm-a1"),
        ),
        timm_recipe(
            "timm-a2",
            "timm's procedure A2: RandAugment, MixUp or CutMix",
            7.0,
            0.1,
            shipped!("timm-a2"),
        ),
        timm_recipe(
            "timm-a3",
            "timm's procedure A3: RandAugment, MixUp or CutMix",
            6.0,
            0.1,
            shipped!("timm-a3"),
        ),
        recipe(
            "torchvision-v2",
            "torchvision's V2 weights: TrivialAugment, erasing, MixUp or CutMix",
            then(
                crop_and_flip(0.08),
                [
                    Transform::TrivialAugmentWide(TrivialAugmentWide {
                        interpolation: Interpolation::Bilinear,
                        ..TrivialAugmentWide::default()
                    }),
                    erasing(0.1),
                ],
            ),
            Some(mixup_or_cutmix.into()),
            shipped!("torchvision-v2"),
        ),
        recipe(
            "ultralytics-classify",
            "Ultralytics' classifiers: RandAugment and erasing",
            then(
                crop_and_flip(0.5),
                [
                    Transform::RandAugment(RandAugment {
                        interpolation: Interpolation::Bilinear,
                        ..RandAugment::default()
                    }),
                    erasing(0.4),
                ],
            ),
            None,
            shipped!("ultralytics-classify"),
        ),
    ]
}

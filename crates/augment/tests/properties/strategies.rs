//! Recipes, mixers and images to try.

use bakeoff_augment::{
    Brightness, Contrast, CutThumbnail, Cutmix, CutmixNotebook, Each, Fmix, Gridmix, HorizontalFlip, Hue,
    LambdaMode, ManifoldMixup, Mixer, Mixup, OneOf, Partner, Pixels, Puzzlemix, RandomCrop,
    RandomResizedCrop, RecipeConfig, ResizeTransform, Resizemix, Saliencymix, Smoothmix, Snapmix, Thumbnail,
    Timm, TimmMode, Transform, builtin,
};
use bakeoff_data::RgbImage;
use proptest::prelude::*;

fn lambda_and_partner() -> impl Strategy<Value = (LambdaMode, Partner)> {
    use LambdaMode::{PerBatch, PerImage, PerPair};
    use Partner::{Permutation, Reverse, Roll, Uniform};
    let any = prop::sample::select(vec![Permutation, Uniform, Reverse, Roll]);
    prop_oneof![
        (prop::sample::select(vec![PerImage, PerBatch]), any),
        (Just(PerPair), prop::sample::select(vec![Permutation, Reverse])),
    ]
}

fn probability() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), 0.0..=1.0]
}

fn alpha() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), 0.001..4.0, Just(1e6)]
}

pub(crate) fn mixer() -> impl Strategy<Value = Mixer> {
    let range =
        |low: f64, high: f64| (low..high, low..high).prop_map(|(a, b): (f64, f64)| [a.min(b), a.max(b)]);
    // What every mixer has: probability, lambda with partner, correct_label.
    let common = || (probability(), lambda_and_partner(), any::<bool>());
    let one =
        prop_oneof![
            (alpha(), common()).prop_map(|(alpha, (probability, (lambda, partner), correct_label))| {
                Mixer::Cutmix(Cutmix { alpha, probability, lambda, partner, correct_label })
            }),
            (probability(), lambda_and_partner()).prop_map(|(probability, (_, partner))| {
                Mixer::CutmixNotebook(CutmixNotebook { probability, partner })
            }),
            (alpha(), common()).prop_map(|(alpha, (probability, (lambda, partner), _))| Mixer::Mixup(
                Mixup { alpha, probability, lambda, partner }
            )),
            (
                prop_oneof![Just(0.0), alpha()],
                alpha(),
                prop::option::of(range(0.0, 1.0)),
                probability(),
                probability(),
                prop::sample::select(vec![TimmMode::Batch, TimmMode::Pair, TimmMode::Elem]),
                any::<bool>(),
                0..3u32,
            )
                .prop_map(
                    |(
                        mixup_alpha,
                        cutmix_alpha,
                        cutmix_minmax,
                        probability,
                        switch_probability,
                        mode,
                        correct_label,
                        off_epoch,
                    )| Mixer::Timm(Timm {
                        mixup_alpha,
                        cutmix_alpha,
                        cutmix_minmax,
                        probability,
                        switch_probability,
                        mode,
                        correct_label,
                        off_epoch,
                    })
                ),
            (range(0.0, 1.0), prop::option::of(alpha()), common()).prop_map(
                |(scale, alpha, (probability, (lambda, partner), correct_label))| Mixer::Resizemix(
                    Resizemix { scale, alpha, probability, lambda, partner, correct_label }
                )
            ),
            (alpha(), 0.0..5.0, 0.0..0.5, common()).prop_map(
                |(alpha, decay, max_soft, (probability, (lambda, partner), correct_label))| Mixer::Fmix(
                    Fmix { alpha, decay, max_soft, probability, lambda, partner, correct_label }
                )
            ),
            (range(0.01, 2.0), common()).prop_map(|(sigma, (probability, (lambda, partner), _))| {
                Mixer::Smoothmix(Smoothmix { sigma, probability, lambda, partner })
            }),
            (alpha(), common()).prop_map(|(alpha, (probability, (lambda, partner), correct_label))| {
                Mixer::Saliencymix(Saliencymix { alpha, probability, lambda, partner, correct_label })
            }),
            ((alpha(), 1..9usize, 0..9usize), range(0.1, 3.0), range(0.01, 1.0), range(0.1, 3.0), common())
                .prop_map(
                    |(
                        (alpha, fewest, more),
                        cell_aspect,
                        area,
                        aspect,
                        (probability, (lambda, partner), correct_label),
                    )| {
                        let cells = [fewest, fewest + more];
                        Mixer::Gridmix(Gridmix {
                            alpha,
                            cells,
                            cell_aspect,
                            area,
                            aspect,
                            probability,
                            lambda,
                            partner,
                            correct_label,
                        })
                    }
                ),
            (0.01..1.0, any::<bool>(), 0.0..=1.0, common()).prop_map(
                |(size, own, share, (probability, (lambda, partner), correct_label))| {
                    let thumbnail = if own { Thumbnail::Own } else { Thumbnail::Partner };
                    Mixer::CutThumbnail(CutThumbnail {
                        size,
                        thumbnail,
                        share,
                        probability,
                        lambda,
                        partner,
                        correct_label,
                    })
                }
            ),
            (alpha(), prop::collection::vec(0..5usize, 1..4), common()).prop_map(
                |(alpha, stages, (probability, (lambda, partner), _))| Mixer::ManifoldMixup(ManifoldMixup {
                    alpha,
                    stages,
                    probability,
                    lambda,
                    partner
                })
            ),
            (alpha(), any::<bool>(), common()).prop_map(
                |(alpha, weighted, (probability, (lambda, partner), _))| {
                    Mixer::Snapmix(Snapmix { alpha, probability, lambda, partner, weighted })
                }
            ),
            (
                (alpha(), prop::collection::vec(1..9usize, 1..3), 2..5usize),
                (0.0..3.0, 0.0..=1.0, 0.0..1.0, 1..5usize),
                (any::<bool>(), 0.0..2.0, prop::option::of(1..4usize)),
                common(),
            )
                .prop_map(
                    |(
                        (alpha, block_num, n_labels),
                        (beta, gamma, eta, neigh_size),
                        (transport, t_eps, t_size),
                        (probability, (lambda, partner), _),
                    )| Mixer::Puzzlemix(Puzzlemix {
                        alpha,
                        block_num,
                        n_labels,
                        beta,
                        gamma,
                        eta,
                        neigh_size,
                        transport,
                        t_eps,
                        t_size,
                        probability,
                        lambda,
                        partner,
                    })
                ),
        ];
    let several = (prop::collection::vec((one.clone(), 0.1..2.0), 1..4), probability(), any::<bool>());
    let one_of = several.prop_map(|(parts, probability, weighted)| {
        let (mixers, weights): (Vec<Mixer>, Vec<f64>) = parts.into_iter().unzip();
        let weights = if weighted { weights } else { Vec::new() };
        Mixer::OneOf(OneOf { mixers, weights, probability, each: Each::Batch })
    });
    prop_oneof![10 => one, 1 => one_of]
}

pub(crate) fn transforms(image: usize) -> impl Strategy<Value = Vec<Transform>> {
    let start = prop_oneof![
        Just(Vec::new()),
        (1..5usize, any::<bool>(), any::<bool>()).prop_map(move |(more, squash, antialias)| vec![
            Transform::Resize(ResizeTransform { size: image + more, squash, antialias }),
            Transform::RandomCrop(RandomCrop { size: image }),
        ]),
        (0.01..1.0, 0.3..1.0, any::<bool>()).prop_map(|(scale, ratio, antialias)| vec![
            Transform::RandomResizedCrop(RandomResizedCrop {
                scale: [scale, 1.0],
                ratio: [ratio, 1.0 / ratio],
                antialias
            })
        ]),
    ];
    let rest = prop_oneof![
        probability().prop_map(|probability| Transform::HorizontalFlip(HorizontalFlip { probability })),
        (0.0..2.0, 0.0..2.0, any::<bool>()).prop_map(|(low, more, clip)| Transform::Contrast(Contrast {
            low,
            high: low + more,
            clip
        })),
        (0.0..=0.5, any::<bool>()).prop_map(|(delta, clip)| Transform::Hue(Hue { delta, clip })),
        (0.0..=1.0, any::<bool>())
            .prop_map(|(delta, clip)| Transform::Brightness(Brightness { delta, clip })),
        prop::sample::select(of_one_operation(image)),
    ];
    (start, prop::collection::vec(rest, 0..4)).prop_map(|(mut all, rest)| {
        all.extend(rest);
        all
    })
}

/// Every operation that ships in a recipe of its own and begins at an image of the right size.
pub(crate) fn of_one_operation(image: usize) -> Vec<Transform> {
    let recipes = builtin(image).into_iter().map(|recipe| recipe.config);
    let single = recipes.filter(|recipe| recipe.transforms.len() == 1 && recipe.mix.is_none());
    single.flat_map(|recipe| recipe.transforms).collect()
}

/// The kinds whose cards say that values may leave [0, 1].
pub(crate) fn may_leave_the_unit_interval(transform: &Transform) -> bool {
    ["contrast", "hue", "brightness", "random-erasing"].contains(&transform.kind())
}

pub(crate) fn flat_photograph() -> impl Strategy<Value = RgbImage> {
    (1..40usize, 1..40usize, any::<[u8; 3]>()).prop_map(|(width, height, colour)| {
        RgbImage::new(width, height, colour.repeat(width * height)).unwrap()
    })
}

pub(crate) fn photograph() -> impl Strategy<Value = RgbImage> {
    (1..40usize, 1..40usize).prop_flat_map(|(width, height)| {
        prop::collection::vec(any::<u8>(), width * height * 3)
            .prop_map(move |bytes| RgbImage::new(width, height, bytes).unwrap())
    })
}

pub(crate) fn recipe(transforms: Vec<Transform>, mix: Option<Mixer>) -> RecipeConfig {
    RecipeConfig { name: "any".to_owned(), transforms, mix }
}

/// A batch, its labels and their number of classes.
pub(crate) fn batch() -> impl Strategy<Value = (Vec<Pixels>, Vec<usize>, usize)> {
    (1..8usize, 1..4usize, 1..9usize, 1..9usize).prop_flat_map(|(n, classes, width, height)| {
        let pixels = prop::collection::vec(-0.5..1.5f32, width * height * 3)
            .prop_map(move |values| Pixels::new(width, height, values).unwrap());
        (prop::collection::vec(pixels, n), prop::collection::vec(0..classes, n), Just(classes))
    })
}

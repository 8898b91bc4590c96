//! Recipes of a single operation, each beside its method card.

use crate::builtin::Builtin;
use crate::shipped::shipped;
use crate::start::usual_resize;
use crate::{
    Affine, Augmix, AutoAugment, Autocontrast, CentreCrop, ColourJitter, Cutout, Equalise, Erased,
    GaussianBlur, GaussianNoise, Grey, Gridmask, Invert, Jpeg, PadCrop, Padding, Perspective, Posterise,
    RandAugment, RandAugmentTimm, RandomErasing, RecipeConfig, ResizeTransform, Rotate, Sampling, Sharpness,
    Solarise, Spread, ThreeAugment, Transform, TrivialAugmentWide, VerticalFlip,
};

/// One recipe for every operation on single images that has a card of its own, for images of `image` px.
pub(crate) fn operations(image: usize) -> Vec<Builtin> {
    let scaled = |at_224: usize| image * at_224 / 224;
    let after_a_resize = |transform: Transform| {
        // One pixel more where the customary ratio rounds to none, so that the crop crops.
        let size = usual_resize(image).max(image.saturating_add(1));
        vec![Transform::Resize(ResizeTransform { size, squash: false, antialias: true }), transform]
    };
    let alone = |transform: Transform| vec![transform];
    let recipe = |summary, transforms: Vec<Transform>, card| Builtin {
        summary,
        config: RecipeConfig {
            name: transforms.last().map_or("", Transform::kind).to_owned(),
            transforms,
            mix: None,
        },
        card,
    };
    vec![
        recipe(
            "half of the images stand on their head",
            alone(Transform::VerticalFlip(VerticalFlip { probability: 0.5 })),
            shipped!("vertical-flip"),
        ),
        recipe(
            "the central window, every time the same",
            after_a_resize(Transform::CentreCrop(CentreCrop { size: image })),
            shipped!("centre-crop"),
        ),
        recipe(
            "padded by reflection, then a random window of the old size",
            alone(Transform::PadCrop(PadCrop {
                size: image,
                padding: scaled(16).max(1),
                padding_mode: Padding::Reflect,
                fill: 0.0,
            })),
            shipped!("pad-crop"),
        ),
        recipe(
            "turned by up to 15 degrees",
            alone(Transform::Rotate(Rotate {
                degrees: Spread::Around(15.0),
                interpolation: Sampling::Bilinear,
                fill: 0.0,
                probability: 1.0,
            })),
            shipped!("rotate"),
        ),
        recipe(
            "turned, moved, scaled and sheared",
            alone(Transform::Affine(Affine {
                degrees: Spread::Around(10.0),
                translate: [0.1, 0.1],
                scale: [0.8, 1.2],
                shear_x: [-10.0, 10.0],
                shear_y: [0.0, 0.0],
                interpolation: Sampling::Bilinear,
                fill: 0.0,
                probability: 1.0,
            })),
            shipped!("affine"),
        ),
        recipe(
            "as if seen from another side",
            alone(Transform::Perspective(Perspective::default())),
            shipped!("perspective"),
        ),
        recipe(
            "brightness, contrast, saturation and hue in random order",
            alone(Transform::ColourJitter(ColourJitter {
                brightness: Spread::Around(0.4),
                contrast: Spread::Around(0.4),
                saturation: Spread::Around(0.4),
                hue: Spread::Around(0.1),
                ..ColourJitter::default()
            })),
            shipped!("colour-jitter"),
        ),
        recipe(
            "some images lose their colour",
            alone(Transform::Grey(Grey { probability: 0.5 })),
            shipped!("grey"),
        ),
        recipe(
            "some images become their negative",
            alone(Transform::Invert(Invert::default())),
            shipped!("invert"),
        ),
        recipe(
            "fewer levels in each channel",
            alone(Transform::Posterise(Posterise { bits: 3, probability: 0.5 })),
            shipped!("posterise"),
        ),
        recipe(
            "bright parts are inverted",
            alone(Transform::Solarise(Solarise::default())),
            shipped!("solarise"),
        ),
        recipe(
            "each channel's histogram made flat",
            alone(Transform::Equalise(Equalise::default())),
            shipped!("equalise"),
        ),
        recipe(
            "each channel stretched to all levels",
            alone(Transform::Autocontrast(Autocontrast::default())),
            shipped!("autocontrast"),
        ),
        recipe(
            "sharpened, or smoothed",
            alone(Transform::Sharpness(Sharpness { factor: [0.0, 3.0], probability: 0.5 })),
            shipped!("sharpness"),
        ),
        recipe(
            "blurred by a random amount",
            alone(Transform::GaussianBlur(GaussianBlur {
                kernel_size: 9,
                sigma: [0.1, 2.0],
                probability: 0.5,
            })),
            shipped!("gaussian-blur"),
        ),
        recipe(
            "normal noise on every value",
            alone(Transform::GaussianNoise(GaussianNoise { sigma: [0.0, 0.1], ..GaussianNoise::default() })),
            shipped!("gaussian-noise"),
        ),
        recipe(
            "what JPEG compression leaves",
            alone(Transform::Jpeg(Jpeg { quality: [10, 60], probability: 1.0 })),
            shipped!("jpeg"),
        ),
        recipe(
            "a box of random size and shape becomes noise",
            alone(Transform::RandomErasing(RandomErasing {
                mode: Erased::Pixel,
                ..RandomErasing::default()
            })),
            shipped!("random-erasing"),
        ),
        recipe(
            "a square around a random point is erased",
            alone(Transform::Cutout(Cutout { length: (image / 2).max(1), ..Cutout::default() })),
            shipped!("cutout"),
        ),
        recipe(
            "a turned grid of squares is erased",
            alone(Transform::Gridmask(Gridmask {
                unit: [scaled(96), image].map(|unit| unit.max(2) as u32),
                ..Gridmask::default()
            })),
            shipped!("gridmask"),
        ),
        recipe(
            "two random operations at one strength, torchvision's",
            alone(Transform::RandAugment(RandAugment::default())),
            shipped!("rand-augment"),
        ),
        recipe(
            "two random operations around one strength, timm's",
            alone(Transform::RandAugmentTimm(RandAugmentTimm {
                magnitude: 9.0,
                magnitude_std: 0.5,
                increasing: true,
                fill: [124, 116, 104],
                ..RandAugmentTimm::default()
            })),
            shipped!("rand-augment-timm"),
        ),
        recipe(
            "one random operation at a random strength",
            alone(Transform::TrivialAugmentWide(TrivialAugmentWide::default())),
            shipped!("trivial-augment-wide"),
        ),
        recipe(
            "one of 25 pairs of operations that a search found",
            alone(Transform::AutoAugment(AutoAugment::default())),
            shipped!("auto-augment"),
        ),
        recipe(
            "the image blended with distorted copies of itself",
            alone(Transform::Augmix(Augmix::default())),
            shipped!("augmix"),
        ),
        recipe(
            "grey, solarised or blurred, then a colour jitter",
            alone(Transform::ThreeAugment(ThreeAugment::default())),
            shipped!("three-augment"),
        ),
    ]
}

//! Policies that draw from a set of elementary operations on images of 8 bits: AutoAugment, RandAugment (torchvision's and
//! timm's), TrivialAugmentWide, AugMix and 3-Augment. The elementary operations are Pillow's.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;
use crate::keys::Keys;
use crate::levels::{Interpolation, Levels};
use crate::operation::{Centre, Operation};
use crate::warp::inverse_affine;
use crate::wording::with_probability;

/// An elementary operation, by its name in the papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Elementary {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    SolarizeAdd,
    AutoContrast,
    Equalize,
    Invert,
}
use Elementary::{
    AutoContrast, Brightness, Color, Contrast, Equalize, Identity, Invert, Posterize, Rotate, Sharpness,
    ShearX, ShearY, Solarize, SolarizeAdd, TranslateX, TranslateY,
};

/// How images are sampled, and what is shown where there was none (levels).
#[derive(Clone, Copy)]
struct Canvas {
    interpolation: Interpolation,
    fill: [u8; 3],
}

impl Elementary {
    /// As torchvision applies it to a PIL image. `magnitude` is signed: radians of shear by their tangent, whole pixels,
    /// degrees, a factor less one, bits, or a threshold as a share of 255.
    fn apply(self, image: &mut Levels, magnitude: f64, Canvas { interpolation, fill }: Canvas) {
        let affine = |image: &Levels, centre: [f64; 2], translate: [f64; 2], shear: [f64; 2]| {
            image.affine(inverse_affine(centre, 0.0, translate, 1.0, shear), interpolation, fill)
        };
        let centre = [image.width as f64 * 0.5, image.height as f64 * 0.5];
        match self {
            Identity => {}
            ShearX => *image = affine(image, [0.0; 2], [0.0; 2], [magnitude.atan().to_degrees(), 0.0]),
            ShearY => *image = affine(image, [0.0; 2], [0.0; 2], [0.0, magnitude.atan().to_degrees()]),
            TranslateX => *image = affine(image, centre, [magnitude.trunc(), 0.0], [0.0; 2]),
            TranslateY => *image = affine(image, centre, [0.0, magnitude.trunc()], [0.0; 2]),
            Rotate => *image = image.rotate(magnitude, interpolation, fill),
            Brightness => image.brightness(1.0 + magnitude),
            Color => image.colour(1.0 + magnitude),
            Contrast => image.contrast(1.0 + magnitude),
            Sharpness => image.sharpness(1.0 + magnitude),
            Posterize => image.posterise(magnitude as u32),
            Solarize => image.solarise(255.0 * magnitude),
            SolarizeAdd => image.solarise_add(magnitude as usize),
            AutoContrast => image.autocontrast(),
            Equalize => image.equalise(),
            Invert => image.invert(),
        }
    }

    /// Whether its magnitude gets a random sign.
    fn signed(self) -> bool {
        matches!(
            self,
            ShearX | ShearY | TranslateX | TranslateY | Rotate | Brightness | Color | Contrast | Sharpness
        )
    }
}

/// `torch.linspace(start, end, bins)[bin]`: an f32 step, multiplied and added with one rounding, as PyTorch does on every
/// processor that can.
fn linspace(start: f64, end: f64, bins: usize, bin: usize) -> f64 {
    let (start, end) = (start as f32, end as f32);
    let step = f64::from((end - start) / (bins - 1) as f32);
    // A product of an f32 and a small integer is exact in f64.
    let value = if bin < bins / 2 {
        f64::from(start) + step * bin as f64
    } else {
        f64::from(end) - step * (bins - bin - 1) as f64
    };
    f64::from(value as f32)
}

/// Magnitudes of a torchvision policy, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Space {
    shear: f64,
    /// Pixels, or a share of the side.
    translate: Translate,
    rotate: f64,
    enhance: f64,
    /// Most bits kept, and how many of them go at most.
    posterise: [f32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Translate {
    Share(f64),
    Pixels(f64),
}

/// AutoAugment and RandAugment.
const USUAL: Space = Space {
    shear: 0.3,
    translate: Translate::Share(150.0 / 331.0),
    rotate: 30.0,
    enhance: 0.9,
    posterise: [8.0, 4.0],
};
const WIDE: Space = Space {
    shear: 0.99,
    translate: Translate::Pixels(32.0),
    rotate: 135.0,
    enhance: 0.99,
    posterise: [8.0, 6.0],
};
const AUGMIX: Space = Space { translate: Translate::Share(1.0 / 3.0), posterise: [4.0, 4.0], ..USUAL };

impl Space {
    /// Magnitude number `bin` of `bins`, without its sign.
    fn magnitude(&self, operation: Elementary, bins: usize, bin: usize, width: usize, height: usize) -> f64 {
        let along = |length: usize| match self.translate {
            // The order of multiplication is torchvision's.
            Translate::Share(share) if share == 1.0 / 3.0 => length as f64 / 3.0,
            Translate::Share(share) => share * length as f64,
            Translate::Pixels(pixels) => pixels,
        };
        match operation {
            ShearX | ShearY => linspace(0.0, self.shear, bins, bin),
            TranslateX => linspace(0.0, along(width), bins, bin),
            TranslateY => linspace(0.0, along(height), bins, bin),
            Rotate => linspace(0.0, self.rotate, bins, bin),
            Brightness | Color | Contrast | Sharpness => linspace(0.0, self.enhance, bins, bin),
            Posterize => {
                let [most, gone] = self.posterise;
                let gone = bin as f32 / ((bins - 1) as f32 / gone);
                f64::from((most - gone).round_ties_even())
            }
            Solarize => linspace(1.0, 0.0, bins, bin),
            _ => 0.0,
        }
    }

    /// The magnitude with a sign drawn where there is one.
    fn draw(
        &self,
        operation: Elementary,
        (bins, bin): (usize, usize),
        image: &Levels,
        stream: &mut Stream,
    ) -> f64 {
        let magnitude = self.magnitude(operation, bins, bin, image.width, image.height);
        if operation.signed() && stream.coin(0.5) { -magnitude } else { magnitude }
    }
}

pub(crate) fn pick<T: Copy>(from: &[T], stream: &mut Stream) -> T {
    from[stream.below(from.len())]
}

/// torchvision's sets, in its order.
const RAND: [Elementary; 14] = [
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
];
const AUGMIX_SET: [Elementary; 13] = [
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Brightness,
    Color,
    Contrast,
    Sharpness,
];
/// Of [`AUGMIX_SET`] those that AugMix's paper uses: the others are corruptions of its test set.
const AUGMIX_PAPER: usize = 9;

/// A few operations at one strength: Cubuk et al. 2020, as torchvision's `RandAugment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct RandAugment {
    /// Operations an image goes through, 0 to 16.
    #[schemars(range(min = 0, max = 16))]
    pub num_ops: usize,
    /// Strength, 0 to below `num_magnitude_bins`.
    pub magnitude: usize,
    /// Number of strengths there are, 2 to 1000.
    #[schemars(range(min = 2, max = 1000))]
    pub num_magnitude_bins: usize,
    /// How turned and sheared images are sampled.
    pub interpolation: Interpolation,
    /// What is shown where there was no image: levels of R, G, B.
    pub fill: [u8; 3],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for RandAugment {
    fn default() -> Self {
        Self {
            num_ops: 2,
            magnitude: 9,
            num_magnitude_bins: 31,
            interpolation: Interpolation::Nearest,
            fill: [0; 3],
            probability: 1.0,
        }
    }
}

fn check_bins(bins: usize, keys: &mut Keys) {
    keys.within("num_magnitude_bins", bins as f64, 2.0..=1000.0, "between 2 and 1000");
}

fn check_ops(ops: usize, keys: &mut Keys) {
    keys.within("num_ops", ops as f64, 0.0..=16.0, "between 0 and 16");
}

impl Operation for RandAugment {
    fn kind(&self) -> &'static str {
        "rand-augment"
    }

    fn check(&self, keys: &mut Keys) {
        check_ops(self.num_ops, keys);
        check_bins(self.num_magnitude_bins, keys);
        let strongest = self.num_magnitude_bins.saturating_sub(1) as f64;
        keys.within("magnitude", self.magnitude as f64, 0.0..=strongest, "below num_magnitude_bins");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let Self { num_ops, magnitude, num_magnitude_bins, probability, .. } = self;
        let share = with_probability(*probability);
        format!(
            "rand-augment: {num_ops} of 14 operations at magnitude {magnitude} of {num_magnitude_bins}{share}"
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let canvas = Canvas { interpolation: self.interpolation, fill: self.fill };
        let mut image = Levels::of(&pixels);
        for _ in 0..self.num_ops {
            let operation = pick(&RAND, stream);
            let magnitude = USUAL.draw(operation, (self.num_magnitude_bins, self.magnitude), &image, stream);
            operation.apply(&mut image, magnitude, canvas);
        }
        image.into_pixels()
    }
}

/// One operation at a uniform strength: Müller & Hutter 2021, as torchvision's `TrivialAugmentWide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct TrivialAugmentWide {
    /// Number of strengths there are, 2 to 1000.
    #[schemars(range(min = 2, max = 1000))]
    pub num_magnitude_bins: usize,
    /// How turned and sheared images are sampled.
    pub interpolation: Interpolation,
    /// What is shown where there was no image: levels of R, G, B.
    pub fill: [u8; 3],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for TrivialAugmentWide {
    fn default() -> Self {
        Self { num_magnitude_bins: 31, interpolation: Interpolation::Nearest, fill: [0; 3], probability: 1.0 }
    }
}

impl Operation for TrivialAugmentWide {
    fn kind(&self) -> &'static str {
        "trivial-augment-wide"
    }

    fn check(&self, keys: &mut Keys) {
        check_bins(self.num_magnitude_bins, keys);
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let (bins, share) = (self.num_magnitude_bins, with_probability(self.probability));
        format!("trivial-augment-wide: one of 14 operations at one of {bins} magnitudes{share}")
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let canvas = Canvas { interpolation: self.interpolation, fill: self.fill };
        let mut image = Levels::of(&pixels);
        let operation = pick(&RAND, stream);
        let bin = stream.below(self.num_magnitude_bins);
        let magnitude = WIDE.draw(operation, (self.num_magnitude_bins, bin), &image, stream);
        operation.apply(&mut image, magnitude, canvas);
        image.into_pixels()
    }
}

/// A searched list of pairs of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Policy {
    /// Found on ImageNet.
    #[default]
    Imagenet,
    /// Found on CIFAR-10.
    Cifar10,
    /// Found on SVHN.
    Svhn,
}

/// Operation, probability, magnitude out of ten.
type Half = (Elementary, f64, usize);

impl Policy {
    fn pairs(self) -> &'static [[Half; 2]; 25] {
        match self {
            Self::Imagenet => &IMAGENET,
            Self::Cifar10 => &CIFAR10,
            Self::Svhn => &SVHN,
        }
    }
}

// Operations without a magnitude have zero in its place.
#[rustfmt::skip]
const IMAGENET: [[Half; 2]; 25] = [
    [(Posterize, 0.4, 8), (Rotate, 0.6, 9)],
    [(Solarize, 0.6, 5), (AutoContrast, 0.6, 0)],
    [(Equalize, 0.8, 0), (Equalize, 0.6, 0)],
    [(Posterize, 0.6, 7), (Posterize, 0.6, 6)],
    [(Equalize, 0.4, 0), (Solarize, 0.2, 4)],
    [(Equalize, 0.4, 0), (Rotate, 0.8, 8)],
    [(Solarize, 0.6, 3), (Equalize, 0.6, 0)],
    [(Posterize, 0.8, 5), (Equalize, 1.0, 0)],
    [(Rotate, 0.2, 3), (Solarize, 0.6, 8)],
    [(Equalize, 0.6, 0), (Posterize, 0.4, 6)],
    [(Rotate, 0.8, 8), (Color, 0.4, 0)],
    [(Rotate, 0.4, 9), (Equalize, 0.6, 0)],
    [(Equalize, 0.0, 0), (Equalize, 0.8, 0)],
    [(Invert, 0.6, 0), (Equalize, 1.0, 0)],
    [(Color, 0.6, 4), (Contrast, 1.0, 8)],
    [(Rotate, 0.8, 8), (Color, 1.0, 2)],
    [(Color, 0.8, 8), (Solarize, 0.8, 7)],
    [(Sharpness, 0.4, 7), (Invert, 0.6, 0)],
    [(ShearX, 0.6, 5), (Equalize, 1.0, 0)],
    [(Color, 0.4, 0), (Equalize, 0.6, 0)],
    [(Equalize, 0.4, 0), (Solarize, 0.2, 4)],
    [(Solarize, 0.6, 5), (AutoContrast, 0.6, 0)],
    [(Invert, 0.6, 0), (Equalize, 1.0, 0)],
    [(Color, 0.6, 4), (Contrast, 1.0, 8)],
    [(Equalize, 0.8, 0), (Equalize, 0.6, 0)],
];
#[rustfmt::skip]
const CIFAR10: [[Half; 2]; 25] = [
    [(Invert, 0.1, 0), (Contrast, 0.2, 6)],
    [(Rotate, 0.7, 2), (TranslateX, 0.3, 9)],
    [(Sharpness, 0.8, 1), (Sharpness, 0.9, 3)],
    [(ShearY, 0.5, 8), (TranslateY, 0.7, 9)],
    [(AutoContrast, 0.5, 0), (Equalize, 0.9, 0)],
    [(ShearY, 0.2, 7), (Posterize, 0.3, 7)],
    [(Color, 0.4, 3), (Brightness, 0.6, 7)],
    [(Sharpness, 0.3, 9), (Brightness, 0.7, 9)],
    [(Equalize, 0.6, 0), (Equalize, 0.5, 0)],
    [(Contrast, 0.6, 7), (Sharpness, 0.6, 5)],
    [(Color, 0.7, 7), (TranslateX, 0.5, 8)],
    [(Equalize, 0.3, 0), (AutoContrast, 0.4, 0)],
    [(TranslateY, 0.4, 3), (Sharpness, 0.2, 6)],
    [(Brightness, 0.9, 6), (Color, 0.2, 8)],
    [(Solarize, 0.5, 2), (Invert, 0.0, 0)],
    [(Equalize, 0.2, 0), (AutoContrast, 0.6, 0)],
    [(Equalize, 0.2, 0), (Equalize, 0.6, 0)],
    [(Color, 0.9, 9), (Equalize, 0.6, 0)],
    [(AutoContrast, 0.8, 0), (Solarize, 0.2, 8)],
    [(Brightness, 0.1, 3), (Color, 0.7, 0)],
    [(Solarize, 0.4, 5), (AutoContrast, 0.9, 0)],
    [(TranslateY, 0.9, 9), (TranslateY, 0.7, 9)],
    [(AutoContrast, 0.9, 0), (Solarize, 0.8, 3)],
    [(Equalize, 0.8, 0), (Invert, 0.1, 0)],
    [(TranslateY, 0.7, 9), (AutoContrast, 0.9, 0)],
];
#[rustfmt::skip]
const SVHN: [[Half; 2]; 25] = [
    [(ShearX, 0.9, 4), (Invert, 0.2, 0)],
    [(ShearY, 0.9, 8), (Invert, 0.7, 0)],
    [(Equalize, 0.6, 0), (Solarize, 0.6, 6)],
    [(Invert, 0.9, 0), (Equalize, 0.6, 0)],
    [(Equalize, 0.6, 0), (Rotate, 0.9, 3)],
    [(ShearX, 0.9, 4), (AutoContrast, 0.8, 0)],
    [(ShearY, 0.9, 8), (Invert, 0.4, 0)],
    [(ShearY, 0.9, 5), (Solarize, 0.2, 6)],
    [(Invert, 0.9, 0), (AutoContrast, 0.8, 0)],
    [(Equalize, 0.6, 0), (Rotate, 0.9, 3)],
    [(ShearX, 0.9, 4), (Solarize, 0.3, 3)],
    [(ShearY, 0.8, 8), (Invert, 0.7, 0)],
    [(Equalize, 0.9, 0), (TranslateY, 0.6, 6)],
    [(Invert, 0.9, 0), (Equalize, 0.6, 0)],
    [(Contrast, 0.3, 3), (Rotate, 0.8, 4)],
    [(Invert, 0.8, 0), (TranslateY, 0.0, 2)],
    [(ShearY, 0.7, 6), (Solarize, 0.4, 8)],
    [(Invert, 0.6, 0), (Rotate, 0.8, 4)],
    [(ShearY, 0.3, 7), (TranslateX, 0.9, 3)],
    [(ShearX, 0.1, 6), (Invert, 0.6, 0)],
    [(Solarize, 0.7, 2), (TranslateY, 0.6, 7)],
    [(ShearY, 0.8, 4), (Invert, 0.8, 0)],
    [(ShearX, 0.7, 9), (TranslateY, 0.8, 3)],
    [(ShearY, 0.8, 5), (AutoContrast, 0.7, 0)],
    [(ShearX, 0.7, 2), (Invert, 0.1, 0)],
];

/// One of 25 searched pairs of operations: Cubuk et al. 2019, as torchvision's `AutoAugment`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct AutoAugment {
    /// Which list.
    pub policy: Policy,
    /// How turned and sheared images are sampled.
    pub interpolation: Interpolation,
    /// What is shown where there was no image: levels of R, G, B.
    pub fill: [u8; 3],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for AutoAugment {
    fn default() -> Self {
        Self {
            policy: Policy::Imagenet,
            interpolation: Interpolation::Nearest,
            fill: [0; 3],
            probability: 1.0,
        }
    }
}

impl Operation for AutoAugment {
    fn kind(&self) -> &'static str {
        "auto-augment"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let list = match self.policy {
            Policy::Imagenet => "ImageNet",
            Policy::Cifar10 => "CIFAR-10",
            Policy::Svhn => "SVHN",
        };
        let share = with_probability(self.probability);
        format!("auto-augment: one of the 25 pairs of operations found on {list}{share}")
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let canvas = Canvas { interpolation: self.interpolation, fill: self.fill };
        let mut image = Levels::of(&pixels);
        for (operation, probability, bin) in pick(self.policy.pairs(), stream) {
            if stream.coin(probability) {
                let magnitude = USUAL.draw(operation, (10, bin), &image, stream);
                operation.apply(&mut image, magnitude, canvas);
            }
        }
        image.into_pixels()
    }
}

/// Chains of operations blended with the image: Hendrycks et al. 2020, as torchvision's `AugMix`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Augmix {
    /// Strengths are drawn from this many of ten, 1 to 10.
    #[schemars(range(min = 1, max = 10))]
    pub severity: usize,
    /// Number of chains, 1 to 16.
    #[schemars(range(min = 1, max = 16))]
    pub mixture_width: usize,
    /// Operations in a chain, up to 16; −1 draws 1, 2 or 3 for each.
    #[schemars(range(min = -1, max = 16))]
    pub chain_depth: i32,
    /// Of the Dirichlet and Beta distributions of the weights, 0.001 to 1000.
    pub alpha: f64,
    /// Also brightness, colour, contrast and sharpness, which the paper leaves out.
    pub all_ops: bool,
    /// How turned and sheared images are sampled.
    pub interpolation: Interpolation,
    /// What is shown where there was no image: levels of R, G, B.
    pub fill: [u8; 3],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Weight in the loss of the Jensen–Shannon divergence among three views of each image, one without AugMix and two with
    /// it, 0 to 1000; 0: one view.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub consistency: f64,
}

impl Default for Augmix {
    fn default() -> Self {
        Self {
            severity: 3,
            mixture_width: 3,
            chain_depth: -1,
            alpha: 1.0,
            all_ops: true,
            interpolation: Interpolation::Bilinear,
            fill: [0; 3],
            probability: 1.0,
            consistency: 0.0,
        }
    }
}

/// `own` of the image and `weights` of the chains, in f32 and truncated to whole levels, as torchvision.
fn blend(image: &Levels, own: f32, chains: &[(f32, Levels)]) -> Levels {
    let mut sums: Vec<f32> = image.values.iter().map(|&v| own * f32::from(v)).collect();
    for (weight, chain) in chains {
        sums.iter_mut().zip(&chain.values).for_each(|(sum, &v)| *sum += weight * f32::from(v));
    }
    let values = sums.into_iter().map(|sum| sum as u8).collect();
    Levels { width: image.width, height: image.height, values }
}

impl Operation for Augmix {
    fn kind(&self) -> &'static str {
        "augmix"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("severity", self.severity as f64, 1.0..=10.0, "between 1 and 10");
        keys.within("mixture_width", self.mixture_width as f64, 1.0..=16.0, "between 1 and 16");
        keys.within("chain_depth", f64::from(self.chain_depth), -1.0..=16.0, "between 1 and 16, or −1");
        keys.within("alpha", self.alpha, 1e-3..=1e3, "between 0.001 and 1000");
        keys.probability(self.probability);
        keys.within("consistency", self.consistency, 0.0..=1000.0, "a weight, between 0 and 1000");
    }

    fn describe(&self) -> String {
        let Self { severity, mixture_width, chain_depth, alpha, all_ops, probability, consistency, .. } =
            self;
        let views = if *consistency > 0.0 {
            format!(
                "; three views an image, one without it and two with it, the label on the first, {consistency} × their \
                 Jensen–Shannon divergence added to the loss"
            )
        } else {
            String::new()
        };
        let depth = if *chain_depth > 0 { chain_depth.to_string() } else { "1 to 3".to_owned() };
        let set = if *all_ops { AUGMIX_SET.len() } else { AUGMIX_PAPER };
        format!(
            "augmix: the image blended with {mixture_width} chains of {depth} of {set} operations at magnitudes below \
             {severity} of 10, weights ~ Dirichlet({alpha}) and Beta({alpha}, {alpha}){}{views}",
            with_probability(*probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let canvas = Canvas { interpolation: self.interpolation, fill: self.fill };
        let set = if self.all_ops { &AUGMIX_SET[..] } else { &AUGMIX_SET[..AUGMIX_PAPER] };
        let image = Levels::of(&pixels);
        let own = stream.beta(self.alpha, self.alpha);
        let shares: Vec<f64> = (0..self.mixture_width).map(|_| stream.gamma(self.alpha)).collect();
        let total: f64 = shares.iter().sum();
        let chains: Vec<(f32, Levels)> = shares
            .into_iter()
            .map(|share| {
                // All gammas may underflow at a tiny alpha.
                let share = if total > 0.0 { share / total } else { 1.0 / self.mixture_width as f64 };
                let depth = usize::try_from(self.chain_depth).ok().filter(|&depth| depth > 0);
                let depth = depth.unwrap_or_else(|| 1 + stream.below(3));
                let mut chain = image.clone();
                for _ in 0..depth {
                    let operation = pick(set, stream);
                    let bin = stream.below(self.severity);
                    let magnitude = AUGMIX.draw(operation, (10, bin), &image, stream);
                    operation.apply(&mut chain, magnitude, canvas);
                }
                ((share * (1.0 - own)) as f32, chain)
            })
            .collect();
        blend(&image, own as f32, &chains).into_pixels()
    }
}

#[cfg(test)]
mod tests;

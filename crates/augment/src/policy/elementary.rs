//! The elementary operations that policies draw from, Pillow's on images of 8 bits, and how strong they are.

use bakeoff_random::Stream;

use crate::keys::Keys;
use crate::levels::{Interpolation, Levels};
use crate::warp::inverse_affine;

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
pub(super) struct Canvas {
    pub(super) interpolation: Interpolation,
    pub(super) fill: [u8; 3],
}

impl Elementary {
    /// As torchvision applies it to a PIL image. `magnitude` is signed: radians of shear by their tangent, whole pixels,
    /// degrees, a factor less one, bits, or a threshold as a share of 255.
    pub(super) fn apply(self, image: &mut Levels, magnitude: f64, Canvas { interpolation, fill }: Canvas) {
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
    pub(super) fn signed(self) -> bool {
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
pub(super) struct Space {
    pub(super) shear: f64,
    /// Pixels, or a share of the side.
    pub(super) translate: Translate,
    pub(super) rotate: f64,
    pub(super) enhance: f64,
    /// Most bits kept, and how many of them go at most.
    pub(super) posterise: [f32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Translate {
    Share(f64),
    Pixels(f64),
}

/// AutoAugment and RandAugment.
pub(super) const USUAL: Space = Space {
    shear: 0.3,
    translate: Translate::Share(150.0 / 331.0),
    rotate: 30.0,
    enhance: 0.9,
    posterise: [8.0, 4.0],
};

impl Space {
    /// Magnitude number `bin` of `bins`, without its sign.
    pub(super) fn magnitude(
        &self,
        operation: Elementary,
        bins: usize,
        bin: usize,
        width: usize,
        height: usize,
    ) -> f64 {
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
    pub(super) fn draw(
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

/// torchvision's set, in its order.
pub(super) const RAND: [Elementary; 14] = [
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

pub(super) fn check_bins(bins: usize, keys: &mut Keys) {
    keys.within("num_magnitude_bins", bins as f64, 2.0..=1000.0, "between 2 and 1000");
}

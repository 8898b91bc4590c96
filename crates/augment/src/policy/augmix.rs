//! AugMix.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::elementary::Elementary::{
    self, AutoContrast, Brightness, Color, Contrast, Equalize, Posterize, Rotate, Sharpness, ShearX, ShearY,
    Solarize, TranslateX, TranslateY,
};
use super::elementary::{Canvas, Space, Translate, USUAL, pick};
use crate::Pixels;
use crate::keys::Keys;
use crate::levels::{Interpolation, Levels};
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

pub(super) const AUGMIX: Space =
    Space { translate: Translate::Share(1.0 / 3.0), posterise: [4.0, 4.0], ..USUAL };

/// torchvision's set, in its order.
pub(super) const AUGMIX_SET: [Elementary; 13] = [
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

/// The image weighted by `of_image` and the chains by their weights, in f32 and truncated to whole levels, as torchvision.
pub(super) fn blend(image: &Levels, of_image: f32, chains: &[(f32, Levels)]) -> Levels {
    let mut sums: Vec<f32> = image.values.iter().map(|&v| of_image * f32::from(v)).collect();
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
        let of_image = stream.beta(self.alpha, self.alpha);
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
                ((share * (1.0 - of_image)) as f32, chain)
            })
            .collect();
        blend(&image, of_image as f32, &chains).into_pixels()
    }
}

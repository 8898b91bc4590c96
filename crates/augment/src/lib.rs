//! Image operations, batch mixers and recipes: pixels + targets + stream -> pixels + targets.
//!
//! Pure functions. Pixels, network inputs and targets are different types, so that an image cannot be divided by 255
//! twice, mixed after it was normalised, or given a label that was one-hot encoded two times over.
//!
//! ```
//! use bakeoff_augment::{HorizontalFlip, Address, Answers, Mixup, Pipeline, Preprocess, RecipeConfig, Targets, Transform};
//! use bakeoff_data::RgbImage;
//!
//! let recipe = RecipeConfig {
//!     name: "flip+mixup".to_owned(),
//!     transforms: vec![Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 })],
//!     mix: Some(Mixup { alpha: 0.2, ..Mixup::default() }.into()),
//! };
//! let pipeline = Pipeline::new(&recipe, &Preprocess::default(), 32).map_err(|errors| errors[0].clone())?;
//! let photograph = RgbImage::new(40, 50, vec![128; 40 * 50 * 3]).ok_or("wrong size")?;
//! let address = Address { seed: 1, epoch: 0, batch: 0, ids: &[10, 11] };
//! let mut pixels = pipeline.train_batch(&[&photograph, &photograph], &address)?;
//! let mut targets = Targets::one_hot(&[0, 2], 3)?;
//! let mixed = pipeline.mix(&mut pixels, &mut targets, &address, &Answers::default())?;
//! let input = pipeline.normalise(pixels);
//! assert_eq!(input.values().len(), 2 * 32 * 32 * 3);
//! assert_eq!(mixed.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::print_stderr)]

mod address;
mod blur;
mod builtin;
mod catalogue;
mod check;
mod colour;
mod config;
pub mod corruption;
mod crops;
mod erasing;
mod error;
#[cfg(test)]
mod fixture;
mod geometry;
mod jitter;
mod jpeg;
mod keys;
mod levels;
mod mixer;
mod noise;
mod normalisation;
mod operation;
mod photometric;
mod pipeline;
mod pixels;
mod policy;
mod preset;
mod rand_augment_timm;
mod recipe;
mod shipped;
mod start;
mod starts;
mod targets;
mod tensorflow_colours;
mod three_augment;
mod warp;
mod wording;

pub use address::Address;
pub use blur::GaussianBlur;
pub use builtin::Builtin;
pub use config::{Preprocess, RecipeConfig, Resize, Transform};
pub use crops::{CentreCrop, HorizontalFlip, PadCrop, Padding, RandomCrop, VerticalFlip};
pub use erasing::{Cutout, Erased, Gridmask, RandomErasing};
pub use error::{RecipeError, RecipeProblem};
pub use jitter::{ColourJitter, Grey, Spread};
pub use jpeg::Jpeg;
pub use keys::may_stand_in_name;
pub use levels::Interpolation;
pub use mixer::kinds::*;
pub use mixer::{
    ActivationMaps, Answers, Each, LambdaMode, Mixed, Mixer, Partner, Questions, Thumbnail, TimmMode,
};
pub use noise::GaussianNoise;
pub use normalisation::{ChannelStatistics, Normalisation};
pub use photometric::{Autocontrast, Equalise, Invert, Posterise, Sharpness, Solarise};
pub use pipeline::{BatchPlace, ImageView, Pipeline, Written};
pub use pixels::{BatchError, NetworkInput, PixelBatch, Pixels};
pub use policy::{Augmix, AutoAugment, Policy, RandAugment, TrivialAugmentWide};
pub use rand_augment_timm::{RandAugmentTimm, Sampled};
pub use recipe::{builtin, card};
pub use start::usual_resize;
pub use starts::{RandomResizedCrop, ResizeTransform};
pub use targets::Targets;
pub use tensorflow_colours::{Brightness, Contrast, Hue, Saturation};
pub use three_augment::ThreeAugment;
pub use warp::{Affine, Perspective, Rotate, Sampling};

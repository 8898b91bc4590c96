//! Policies that draw from a set of elementary operations on images of 8 bits, as torchvision applies them: AutoAugment,
//! RandAugment, TrivialAugmentWide and AugMix. The elementary operations are Pillow's.

mod augmix;
mod auto_augment;
mod elementary;
mod rand_augment;
mod trivial_augment_wide;

pub use augmix::Augmix;
pub use auto_augment::{AutoAugment, Policy};
pub(crate) use elementary::{Elementary, pick};
pub use rand_augment::RandAugment;
pub use trivial_augment_wide::TrivialAugmentWide;

#[cfg(test)]
mod tests;

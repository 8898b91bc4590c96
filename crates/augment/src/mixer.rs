//! Batch mixers. Each is one file: its options with their defaults, checks, words, draws and what becomes of them. What is the same for
//! all of them stands in `plan` (who is mixed) and `blend` (how pixels and labels are).

mod blend;
mod boxes;
mod cut;
mod cut_thumbnail;
mod cutmix;
mod cutmix_notebook;
mod fmix;
mod gridmix;
mod manifold_mixup;
mod masks;
mod mixup;
mod one_of;
mod options;
mod plan;
mod puzzle;
mod puzzlemix;
mod questions;
mod resample;
mod resizemix;
mod saliency;
mod saliencymix;
mod semantic;
mod smoothmix;
mod snapmix;
mod timm;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::builtin::Builtin;
use crate::keys::Check;
use crate::{Address, BatchError, PixelBatch, Targets};
use blend::Planned;
use options::Options;
pub use options::{LambdaMode, Partner};
use plan::{BatchMixer, Mix};
pub use questions::{ActivationMaps, Answers, Questions};

/// What happened to one image of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// Position in the batch of the image it met; its own position where it met none.
    pub partner: usize,
    /// Share of its own label, in [0, 1]; the partner's label has the rest. 1 where it met none.
    pub lambda: f32,
    /// The box that was pasted over, `[x0, y0, x1, y1)` in pixels, after clipping; `None` where there is none or it is
    /// empty.
    pub pasted: Option<[usize; 4]>,
    /// The partner's share of each pixel, row by row, in [0, 1]; `None` where it is no mask that mixes.
    pub mask: Option<Arc<[f32]>>,
    /// Where it was mixed: 0 the pixels; k > 0 nowhere yet: the activations after the network's k-th stage are to be mixed
    /// by lambda.
    pub stage: usize,
    /// How much the image counts in the loss; 1 but for SnapMix.
    pub weight: f32,
}

impl Mixed {
    /// The image at `index` stays as it is.
    #[must_use]
    pub fn unmixed(index: usize) -> Self {
        Self { partner: index, lambda: 1.0, pasted: None, mask: None, stage: 0, weight: 1.0 }
    }
}

/// The mixers: a study file's name and the type of its options, which is also the name of its variant.
macro_rules! mixers {
    ($($kind:literal: $file:ident::$name:ident,)*) => {
        /// The options of every mixer.
        pub(crate) mod kinds {
            $(pub use super::$file::$name;)*
        }
        use kinds::{$($name),*};

        /// A batch mixer.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", deny_unknown_fields)]
        pub enum Mixer {
            $(
                #[doc = concat!("`", $kind, "`")]
                #[serde(rename = $kind)]
                $name($name),
            )*
        }

        impl Mixer {
            /// As a study file writes it.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $kind,)*
                }
            }

            fn inner(&self) -> &dyn BatchMixer {
                match self {
                    $(Self::$name(mixer) => mixer,)*
                }
            }
        }

        $(
            impl From<$name> for Mixer {
                fn from(mixer: $name) -> Self {
                    Self::$name(mixer)
                }
            }
        )*

        /// One recipe for every mixer whose card is its own, with its paper's defaults.
        pub(crate) fn recipes() -> Vec<Builtin> {
            [$($name::recipe(),)*].into_iter().flatten().collect()
        }
    };
}

mixers! {
    "cutmix": cutmix::Cutmix,
    "cutmix-notebook": cutmix_notebook::CutmixNotebook,
    "mixup": mixup::Mixup,
    "resizemix": resizemix::Resizemix,
    "fmix": fmix::Fmix,
    "smoothmix": smoothmix::Smoothmix,
    "saliencymix": saliencymix::Saliencymix,
    "gridmix": gridmix::Gridmix,
    "cut-thumbnail": cut_thumbnail::CutThumbnail,
    "manifold-mixup": manifold_mixup::ManifoldMixup,
    "snapmix": snapmix::Snapmix,
    "puzzlemix": puzzlemix::Puzzlemix,
    "timm": timm::Timm,
    "one-of": one_of::OneOf,
}

pub use cut_thumbnail::Thumbnail;
pub use one_of::Each;
pub use timm::TimmMode;

impl Mixer {
    /// Everything wrong with the mixer written at `path`.
    pub(crate) fn check(&self, path: &str, check: &mut Check) {
        self.inner().check(&mut Options { path, check });
    }

    pub(crate) fn describe(&self) -> String {
        self.inner().describe()
    }

    /// What it may want to know of the network.
    #[must_use]
    pub fn questions(&self) -> Questions {
        self.inner().questions()
    }

    /// What it wants to know of a batch: nothing where the draws leave every image alone.
    pub(crate) fn questions_of(&self, address: &Address<'_>) -> Questions {
        if address.ids.len() < 2 || !self.questions().any() {
            return Questions::default();
        }
        self.inner().questions_of(address)
    }

    /// The stages of the network after which it may ask for activations to be mixed, each with its key path below the
    /// mixer's (`stages[1]`).
    #[must_use]
    pub fn stages(&self) -> Vec<(String, usize)> {
        self.inner().stages()
    }

    fn is_shared(&self) -> bool {
        self.inner().is_shared()
    }

    fn plan(&self, batch: &PixelBatch, address: &Address<'_>, answers: &Answers) -> Vec<Planned> {
        self.inner().plan(batch, address, answers)
    }
}

/// Draws and mixes, and does `more` to rows of pixels once they are mixed.
pub(crate) fn mix(
    mixer: &Mixer,
    batch: &mut PixelBatch,
    targets: &mut Targets,
    address: &Address<'_>,
    answers: &Answers,
    more: impl Fn(&mut [f32]) + Sync,
) -> Result<Vec<Mixed>, BatchError> {
    if batch.len() != targets.len() || batch.len() != address.ids.len() {
        return Err(BatchError::LengthsDiffer {
            images: batch.len(),
            targets: targets.len(),
            ids: address.ids.len(),
        });
    }
    answers.check(batch)?;
    let mixes = mixer.plan(batch, address, answers);
    blend::apply(batch, targets, &mixes, more);
    Ok(mixes.into_iter().map(|planned| planned.mixed).collect())
}

#[cfg(test)]
mod tests;

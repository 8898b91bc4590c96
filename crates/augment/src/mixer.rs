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
mod mixed;
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

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::Check;
use crate::shipped::Shipped;
use crate::{Address, BatchError, PixelBatch, Targets};
use blend::Planned;
pub use mixed::Mixed;
use options::Options;
pub use options::{LambdaMode, Partner};
use plan::{BatchMixer, Mix};
pub use questions::{ActivationMaps, Answers, Questions};

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
        pub(crate) fn recipes() -> Vec<Shipped<Mixer>> {
            [$($name::recipe().map(Shipped::into_kind),)*].into_iter().flatten().collect()
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

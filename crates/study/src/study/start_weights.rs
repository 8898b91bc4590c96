//! The weights a study starts from.

use std::path::PathBuf;
use std::sync::Arc;

use bakeoff_nn::Weights;

use crate::model_card::ModelCard;

/// The weights a study starts from.
#[derive(Clone, Debug)]
pub(crate) struct StartWeights {
    pub(crate) weights: Arc<Weights>,
    /// The file they were read from, as it was found.
    pub(crate) file: PathBuf,
    /// What the file says of them.
    pub(crate) card: ModelCard,
    /// Trained on ImageNet's thousand classes, as far as can be told.
    pub(crate) imagenet: bool,
}

impl StartWeights {
    /// The classes that the head tells apart, where the file names them.
    pub(crate) fn classes(&self) -> Option<&[String]> {
        self.card.classes.value().map(Vec::as_slice)
    }
}

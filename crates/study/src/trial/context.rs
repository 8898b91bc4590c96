//! What a trial is given, and how it ends.

use std::time::Duration;

use bakeoff_data::Dataset;
use bakeoff_files::WriteError;
use bakeoff_nn::{Model, NnError};
use rayon::ThreadPool;

use crate::feed::FeedError;
use crate::observer::Observer;
use crate::splits::Admitted;
use crate::study::Study;

/// Everything a trial needs and does not own.
pub(crate) struct TrialContext<'a> {
    pub(crate) study: &'a Study,
    pub(crate) dataset: &'a Dataset,
    pub(crate) model: &'a Model,
    /// Prepares images.
    pub(crate) pool: &'a ThreadPool,
    pub(crate) admitted: &'a Admitted,
    /// Longest time between two checkpoints.
    pub(crate) checkpoint_every: Duration,
    pub(crate) observer: &'a dyn Observer,
}

/// How it ended when a trial was begun or gone on with.
pub(crate) enum TrialEnd {
    Finished,
    /// Recorded; others go on.
    Failed {
        reason: String,
        epoch: u32,
    },
    Interrupted,
}

/// What stops the whole study, not only a trial.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Halt {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Either a trial's failure or a halt, for `?`.
pub(super) enum TrialStop {
    Fail(String),
    Halt(Halt),
    Stopped,
}

impl From<WriteError> for TrialStop {
    fn from(error: WriteError) -> Self {
        Self::Halt(error.into())
    }
}

impl From<FeedError> for TrialStop {
    fn from(error: FeedError) -> Self {
        Self::Halt(error.into())
    }
}

impl From<NnError> for TrialStop {
    fn from(error: NnError) -> Self {
        match error {
            NnError::Write(error) => Self::Halt(error.into()),
            other => Self::Fail(other.to_string()),
        }
    }
}

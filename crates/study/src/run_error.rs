//! Why a run cannot begin, or cannot go on.

use bakeoff_data::number;
use std::path::PathBuf;

use bakeoff_files::WriteError;

use crate::feed::FeedError;
use crate::folder_error::FolderError;
use crate::plan::PlanError;
use crate::preview::PreviewError;
use crate::splits::SplitsError;
use crate::threads::ThreadsError;
use crate::trial::Halt;

/// Why a study cannot run, or cannot go on. What was finished before is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The data set or the network cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file of the run folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A preview cannot be made.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// An image that could be read cannot be read any more.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// Another process runs in this folder.
    #[error(
        "{path} is in use by another bakeoff process{holder}; wait for it, or give another folder with --out"
    )]
    Locked {
        /// The run folder.
        path: PathBuf,
        /// ` (process 123)` where known.
        holder: String,
    },
    /// The folder holds something else.
    #[error("{path} holds other files and no run; give a new or an empty folder with --out")]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds trials of other settings.
    #[error(
        "{path} holds {n} run with other settings{changes}\nGive another folder with --out to keep them, or \
         --fresh to throw them away", n = number(.trials, "trial"))]
    Changed {
        /// The run folder.
        path: PathBuf,
        /// How many trials.
        trials: usize,
        /// `:` and one line per changed key, where they can be told.
        changes: String,
    },
    /// The data set changed since the run began.
    #[error(
        "the images of {data} are not those that the trials in {path} were run on (files changed, or other files can be \
         read now). Put them back, give another folder with --out, or --fresh to throw the trials away"
    )]
    DataChanged {
        /// The run folder.
        path: PathBuf,
        /// The data set.
        data: PathBuf,
    },
    /// The same images would be split in another way.
    #[error(
        "the images of {data} would be split in another way than for the trials in {path} ({what}), though they are the same: this \
         version of Bakeoff finds other copies among them. Give another folder with --out, or --fresh to throw the trials away"
    )]
    SplitsChanged {
        /// The run folder.
        path: PathBuf,
        /// The data set.
        data: PathBuf,
        /// Which split.
        what: String,
    },
    /// The folder's seeds were added under another declaration.
    #[error(
        "{path} was begun with --until-decided, a first look at {first} seeds and --max-seeds {most}; its error rate holds for \
         that alone. Give the same, or another folder with --out"
    )]
    Declared {
        /// The run folder.
        path: PathBuf,
        /// Seeds before the first look.
        first: usize,
        /// Seeds at most.
        most: usize,
    },
    /// Results that cannot be looked at.
    #[error("whether more seeds are needed cannot be decided: {message}")]
    Undecidable {
        /// Why.
        message: String,
    },
    /// Threads cannot be started.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
}

impl From<SplitsError> for RunError {
    fn from(error: SplitsError) -> Self {
        match error {
            SplitsError::Data(error) => Self::Plan(PlanError::from(error)),
            SplitsError::Write(error) => Self::Write(error),
        }
    }
}

impl From<Halt> for RunError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Write(error) => Self::Write(error),
            Halt::Feed(error) => Self::Feed(error),
        }
    }
}

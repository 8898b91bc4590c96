//! Why a run cannot be looked at.

use std::path::PathBuf;

use bakeoff_augment::BatchError;
use bakeoff_data::DataError;
use bakeoff_files::WriteError;
use bakeoff_nn::NnError;

use crate::feed::FeedError;
use crate::folder_error::FolderError;
use crate::threads::ThreadsError;

/// Why a run cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The data set cannot be opened any more.
    #[error("the run's test images cannot be reached: {0}")]
    Data(#[from] DataError),
    /// A recipe that the run does not have.
    #[error("the run has no recipe \"{name}\"; its recipes are {known}")]
    Recipe {
        /// As asked for.
        name: String,
        /// All of them.
        known: String,
    },
    /// Nothing to look at.
    #[error("{path}: {message}")]
    Nothing {
        /// The run folder.
        path: PathBuf,
        /// What is missing and what to do.
        message: String,
    },
    /// A test image that is not there any more, or is of another class.
    #[error(
        "test image {image} is not in the data set {data} as it was when the networks were tested; put the data set back, then \
         look again"
    )]
    Missing {
        /// Sample id.
        image: String,
        /// Where the data set was looked for.
        data: PathBuf,
    },
    /// A trial was tested on other images than the first one.
    #[error(
        "{recipe} seed {seed} was not tested on the same images as the trials before it, so its predictions are not this run's; remove \
         trials/{recipe}/seed-{seed} and run the study again: it is trained anew, to the same weights"
    )]
    OtherImages {
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
    },
    /// Threads cannot be started.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// An image cannot be read now.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The weights file does not say what is needed.
    #[error("{path}: {message}; only weights that this run trained can be looked at")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is missing.
        message: String,
    },
    /// The images are not those the run was tested on.
    #[error(
        "{recipe} seed {seed} judges {changed} of {images} undamaged test images otherwise than when it was tested: the images or the \
         weights have changed, so nothing can be said of damaged ones. Put back the data set and the trial's weights"
    )]
    Changed {
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
        /// Images judged otherwise.
        changed: usize,
        /// Images looked at so far.
        images: usize,
    },
    /// Images that do not make a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The network or its weights.
    #[error(transparent)]
    Network(#[from] NnError),
    /// The file system refuses.
    #[error(transparent)]
    Write(#[from] WriteError),
}

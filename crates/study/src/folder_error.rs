//! Why a run folder, or a file in it, cannot be read.

use std::io;
use std::path::PathBuf;

/// A run folder, or something in it, that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No run folder.
    #[error("{path}: {message}")]
    NoRun {
        /// The folder asked for.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// The operating system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that was damaged after it was written.
    #[error("{path}: {message}; {remedy}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What shows it.
        message: String,
        /// What makes it again.
        remedy: &'static str,
    },
    /// A file that is whole and is not understood.
    #[error("{path}: {message}; the file is of another version of Bakeoff, or was written by hand")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

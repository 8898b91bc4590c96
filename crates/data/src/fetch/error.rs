//! Why a data set was not fetched.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no such data set.
    #[error("there is no data set {name:?} to fetch{nearest}; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name, as a question.
        nearest: String,
        /// All names.
        known: String,
    },
    /// The server cannot be reached.
    #[error(
        "cannot reach {host} ({reason}): is there a network, and is the server up?\nWhere there is another place for the \
         files, name it with --mirror; or get {url} in some other way, put it into {folder} and run the same command again"
    )]
    Unreachable {
        /// The server.
        host: String,
        /// The address that was asked for.
        url: String,
        /// What went wrong.
        reason: String,
        /// Where the file would go.
        folder: PathBuf,
    },
    /// The server does not have the file, or does not give it.
    #[error(
        "{url} cannot be had: the server answers {status}; look on {home} whether it has moved, and name its folder with \
         --mirror"
    )]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The data set's page.
        home: String,
    },
    /// The server answers in a way that is not believed.
    #[error(
        "{url} cannot be had: {reason}. Nothing of it was taken; look on {home} whether it has moved, and name its folder with --mirror"
    )]
    Misbehaves {
        /// The address.
        url: String,
        /// What it did.
        reason: String,
        /// The data set's page.
        home: String,
    },
    /// There is no room for the file.
    #[error(
        "{file} has {needed} more bytes, and there is room for {free} in {folder}; make room, or name a folder on another disk with \
         --to, and run the same command again"
    )]
    NoRoom {
        /// Its name.
        file: String,
        /// Bytes that are still to come.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Where it would go.
        folder: PathBuf,
    },
    /// The transfer broke off too often.
    #[error(
        "{url} breaks off again and again after {done} bytes ({reason}); what is there is kept: run the same command again to go on"
    )]
    BreaksOff {
        /// The address.
        url: String,
        /// Bytes that are there.
        done: u64,
        /// What happened last.
        reason: String,
    },
    /// The file is not the one that is known.
    #[error(
        "{file} is not the file it should be: {difference}.\nIt was removed. Run the same command again; if it differs again, the \
         publisher has changed it: look on {home}, and take it with --unchecked if you trust it"
    )]
    Different {
        /// Its name.
        file: String,
        /// Size or SHA-256, as it is and as it should be.
        difference: String,
        /// The data set's page.
        home: String,
    },
    /// The archive cannot be unpacked.
    #[error("{file} cannot be unpacked: {reason}")]
    Archive {
        /// Its name.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}; what is there is kept: make room and run the same command again")]
    Write {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Asked to stop.
    #[error("stopped; what is there is kept: run the same command again to go on")]
    Stopped,
}

pub(super) fn write_error(path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::Write { path, source }
}

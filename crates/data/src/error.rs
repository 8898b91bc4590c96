//! What can be wrong with a data set or an image, in words that tell the user what to do.

use crate::number::number;
use std::path::{Path, PathBuf};

/// A data set that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The path of the source does not exist or cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// What was being read.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The source is there but is not a usable data set; the message says what to do.
    #[error("{path}: {message}")]
    Unusable {
        /// File or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// A table with wrong lines.
    #[error("{path}:{listed}")]
    Lines {
        /// The file.
        path: PathBuf,
        /// The first wrong lines, one a line, with their numbers, what is wrong and what to do.
        listed: String,
    },
    /// Images that cannot be used, where none may be left out.
    #[error(
        "{n} of {path} cannot be used:{listed}\nrepair or remove them, or run without --strict to leave them out", n = number(.count, "image"))]
    Rejected {
        /// The source.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The first of them, one a line, with reasons.
        listed: String,
    },
    /// An image that there is no memory, or no open file, for at the moment. It is not left out, since it is not broken.
    #[error("{image}: {source}")]
    Shortage {
        /// Sample id.
        image: String,
        /// What is short.
        source: Box<ImageError>,
    },
    /// Not one image can be used.
    #[error("not one of the {count} images of {path} can be used:{listed}")]
    AllRejected {
        /// The source.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The first of them, one a line, with reasons.
        listed: String,
    },
    /// Asked to stop.
    #[error("stopped")]
    Stopped,
}

impl DataError {
    pub(crate) fn unusable(path: &Path, message: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), message: message.into() }
    }

    /// Of a file that could not be opened or read; says of a pipe or a device what to do.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            std::io::ErrorKind::InvalidInput => Self::Unusable {
                path,
                message: "is a pipe or a device, not a file; write its contents into a file and name that"
                    .to_owned(),
            },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// One image that cannot be used. It is named, counted and left out, or refused under `--strict`.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// No bytes at all.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// The bytes are no image in a known format.
    #[error("not an image in a known format (JPEG, PNG, WebP, BMP, GIF, TIFF); the file begins with {0}")]
    UnknownFormat(String),
    /// The bytes are in a format that is known and not read.
    #[error("{format}, a format that is not read, whatever the file is called; {remedy}")]
    OtherFormat {
        /// `HEIC`, `JPEG XL`, …
        format: String,
        /// What to do.
        remedy: String,
    },
    /// An image that would not fit in memory, refused before anything is allocated.
    #[error("{width}x{height} pixels are more than the limit of {limit}; shrink or remove the image")]
    TooLarge {
        /// Columns.
        width: u64,
        /// Rows.
        height: u64,
        /// The most pixels allowed.
        limit: u64,
    },
    /// An image that takes too much memory to be read or decoded.
    #[error("reading and decoding it takes {mebibytes} MiB of memory, {reason}")]
    Memory {
        /// How much.
        mebibytes: u64,
        /// Why that is too much, and what to do.
        reason: String,
    },
    /// An image for which there is no memory now. Nothing is wrong with it: a program that goes on without it would give other results than
    /// elsewhere.
    #[error(
        "reading and decoding it takes {mebibytes} MiB of memory, which are not to be had now; give the program more memory or fewer \
         --threads, or make the image smaller"
    )]
    Shortage {
        /// How much.
        mebibytes: u64,
    },
    /// An image that breaks off or contradicts itself.
    #[error("broken {format}: {reason}")]
    Broken {
        /// `JPEG`, `PNG`, …
        format: &'static str,
        /// What the decoder found.
        reason: String,
    },
    /// An image in a larger file, whose place in it is broken.
    #[error("{place}: {reason}")]
    Stored {
        /// The file and the byte.
        place: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A list names the image, but it is not in the archive.
    #[error("is listed but not in the archive")]
    Missing,
    /// There is no sample of this number.
    #[error("the data set has no sample {0}")]
    NoSample(usize),
}

impl ImageError {
    /// Whether the machine is short of something, and nothing is wrong with the image.
    #[must_use]
    pub fn is_shortage(&self) -> bool {
        // Too many open files, of this process or of all.
        #[cfg(unix)]
        const FILES: [i32; 2] = [24, 23];
        #[cfg(not(unix))]
        const FILES: [i32; 1] = [4];
        match self {
            Self::Shortage { .. } => true,
            Self::Io(error) => {
                error.kind() == std::io::ErrorKind::OutOfMemory
                    || error.raw_os_error().is_some_and(|code| FILES.contains(&code))
            }
            _ => false,
        }
    }
}

//! What can go wrong, said so that the reader knows what to do.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// No network of this name.
    #[error("unknown model `{name}`; {}", suggest(nearest))]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// Known names, nearest first.
        nearest: Vec<String>,
    },
    /// The network would shrink the image to nothing.
    #[error(
        "`{model}` needs images of at least {smallest} px, got {image} px; use a larger image or a smaller network"
    )]
    ImageTooSmall {
        /// Network.
        model: String,
        /// Side asked for, px.
        image: usize,
        /// Smallest side that works, px.
        smallest: usize,
    },
    /// The side is beyond what the engine indexes.
    #[error("an image of {image} px is larger than the largest side supported, {largest} px")]
    ImageTooLarge {
        /// Side asked for, px.
        image: usize,
        /// Largest side, px.
        largest: usize,
    },
    /// Nothing to tell apart.
    #[error("a classifier needs at least two classes, got {0}; check the data set's class folders or labels")]
    TooFewClasses(usize),
    /// A batch of no images, or more threads than can be started.
    #[error("{0}")]
    Configuration(String),
    /// The input does not have the length its shape asks for.
    #[error("{what}: expected {expected} numbers, got {got}")]
    Length {
        /// Which input.
        what: &'static str,
        /// How many numbers it should have.
        expected: String,
        /// How many it has.
        got: usize,
    },
    /// Weights of another network.
    #[error("{file}weights do not fit `{model}`: {problems}{hint}")]
    WrongNetwork {
        /// `path: ` or nothing.
        file: String,
        /// The network they should fit.
        model: String,
        /// First missing, unexpected and mis-shaped names.
        problems: String,
        /// Which known network they look like.
        hint: String,
    },
    /// A weight is NaN or infinite.
    #[error(
        "{file}`{name}` holds {count} values that are not finite (first at index {first}); the run that wrote it had diverged"
    )]
    NotFinite {
        /// `path: ` or nothing.
        file: String,
        /// Parameter.
        name: String,
        /// How many values.
        count: usize,
        /// Index of the first.
        first: usize,
    },
    /// A running variance is negative.
    #[error(
        "`{name}` holds {count} negative variances (first at index {first}), which no training gives; the file is damaged: fetch or save \
         it again"
    )]
    NegativeVariance {
        /// Parameter.
        name: String,
        /// How many values.
        count: usize,
        /// Index of the first.
        first: usize,
    },
    /// A weight file that cannot be understood.
    #[error("{path}: {reason}")]
    WeightFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Several networks in one file, none of them under plain names.
    #[error(
        "{path} holds {} networks, none under plain names: the names begin with {}; say which prefix is meant",
        prefixes.len(), crate::prefix::words(prefixes)
    )]
    SeveralNetworks {
        /// The file.
        path: PathBuf,
        /// The prefixes there are.
        prefixes: Vec<String>,
    },
    /// No network behind the prefix that was asked for.
    #[error("{path}: no network's names begin with `{prefix}`; {}", prefixes_there(prefixes))]
    NoSuchPrefix {
        /// The file.
        path: PathBuf,
        /// The prefix asked for.
        prefix: String,
        /// The prefixes there are; empty for plain names.
        prefixes: Vec<String>,
    },
    /// The operating system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of weights cannot be written.
    #[error(transparent)]
    Write(#[from] bakeoff_files::WriteError),
    /// Not enough memory for the session.
    #[error("a session of `{model}` with batch {batch} at {image} px needs {} MiB, which could not be had{}; use a smaller batch or image", bytes / (1 << 20), largest_batch(*fits))]
    OutOfMemory {
        /// Network.
        model: String,
        /// Images a step.
        batch: usize,
        /// Side, px.
        image: usize,
        /// Bytes wanted.
        bytes: usize,
        /// The largest batch that would fit, where known.
        fits: Option<usize>,
    },
    /// A training call on a session made for inference.
    #[error("this session was made for inference (`train: false`); make one with `train: true` to {0}")]
    InferenceOnly(&'static str),
}

fn suggest(nearest: &[String]) -> String {
    match nearest {
        [] => "no models are known".into(),
        [one] => format!("did you mean `{one}`?"),
        [first, others @ ..] => format!("did you mean `{first}`? Others: {}", others.join(", ")),
    }
}

fn prefixes_there(prefixes: &[String]) -> String {
    match prefixes {
        [] => "there are no names of a known network at all".into(),
        prefixes => format!("they begin with {}", crate::prefix::words(prefixes)),
    }
}

fn largest_batch(batch: Option<usize>) -> String {
    batch.map(|b| format!("; batch {b} would fit")).unwrap_or_default()
}

//! How a data set is fetched, what is said meanwhile, and what is kept of it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a data set is fetched.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// The folder that will hold it; made where it is not there.
    pub to: PathBuf,
    /// Another place for all of its files: `http://server/folder`, to which their names are added.
    pub mirror: Option<String>,
    /// Keep archives after they were unpacked.
    pub keep: bool,
    /// Take files whose size or SHA-256 is not the known one, up to four times the known size, and 1 GiB in any case.
    pub unchecked: bool,
    /// How long is waited before an interrupted transfer goes on, doubled each time.
    pub wait: Duration,
    /// How long a server may say nothing, or send less than 1 KiB a second, before the transfer is begun again from there.
    pub patience: Duration,
}

impl FetchOptions {
    /// Into this folder, from the official addresses.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        Self {
            to: folder.into(),
            mirror: None,
            keep: false,
            unchecked: false,
            wait: Duration::from_secs(1),
            patience: Duration::from_secs(60),
        }
    }
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchEvent<'a> {
    /// The file is here already.
    Here {
        /// Its name.
        file: &'a str,
    },
    /// Bytes have come; those of an earlier, interrupted run count.
    Fetching {
        /// The file's name.
        file: &'a str,
        /// Bytes so far.
        done: u64,
        /// Of so many, where the server says.
        total: Option<u64>,
    },
    /// The connection broke off; it is tried again.
    Again {
        /// The file's name.
        file: &'a str,
        /// What happened.
        reason: &'a str,
    },
    /// The file is compared with its SHA-256.
    Checking {
        /// Its name.
        file: &'a str,
    },
    /// The archive is unpacked.
    Unpacking {
        /// Its name.
        file: &'a str,
        /// Files so far.
        done: u64,
    },
}

/// What was fetched, for the record: `fetched.json` in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedFile {
    /// Its name.
    pub file: String,
    /// Where it was fetched from.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// It is the known one.
    pub as_known: bool,
    /// It was unpacked.
    pub unpacked: bool,
}

//! Published data sets, fetched from where their authors put them, whole or not at all.

mod catalogue;
mod error;
mod options;
mod record;
mod request;
mod transfer;

use std::fs;
use std::sync::atomic::AtomicBool;

pub use catalogue::{Published, Remote, find_published, published};
pub use error::FetchError;
use error::write_error;
pub use options::{FetchEvent, FetchOptions, FetchedFile};
use record::{MOST_RECORD, replace};
use transfer::Transfer;

/// What is known of the files of a data set, beside them.
const RECORD: &str = "fetched.json";

/// Fetches what is not there yet, compares it with what is known of it, and unpacks it. Gives what was fetched, now or before.
///
/// # Errors
/// See [`FetchError`]. Whatever the error, running it again goes on from there.
pub fn fetch(
    set: &Published,
    options: &FetchOptions,
    stop: &AtomicBool,
    progress: &dyn Fn(FetchEvent<'_>),
) -> Result<Vec<FetchedFile>, FetchError> {
    let folder = options.to.as_path();
    fs::create_dir_all(folder).map_err(write_error(folder))?;
    let record = folder.join(RECORD);
    // A record that cannot be read is one that is not there.
    let mut fetched: Vec<FetchedFile> = bakeoff_files::read(&record, MOST_RECORD)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    for remote in &set.files {
        let name = remote.name();
        let before = fetched.iter().position(|file| file.file == name);
        if before.is_some_and(|at| fetched[at].unpacked || folder.join(name).is_file()) {
            progress(FetchEvent::Here { file: name });
            continue;
        }
        let file = Transfer { set, remote, options, stop, progress }.run()?;
        fetched.retain(|known| known.file != name);
        fetched.push(file);
        let text = serde_json::to_vec_pretty(&fetched).unwrap_or_default();
        replace(&record, &text)?;
    }
    Ok(fetched)
}

//! What is kept beside the files of a data set.

use std::path::Path;

use super::error::FetchError;

/// Bytes of what we write beside the files ourselves.
pub(super) const MOST_RECORD: u64 = 16 << 20;

/// Writes a small file so that it is either the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    bakeoff_files::write_bytes(path, bytes)
        .map_err(|error| FetchError::Write { path: error.path, source: error.source })
}

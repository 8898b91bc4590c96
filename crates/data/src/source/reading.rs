//! Folders and small text files, read whole.

use std::path::{Path, PathBuf};

use crate::DataError;
use crate::stored_file::StoredFile;

/// What is in a folder, sorted. One that cannot be listed whole is an error: a class, a shard or a list could be missing.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut entries = std::fs::read_dir(place)
        .and_then(|entries| {
            entries.map(|entry| Ok(folder.join(entry?.file_name()))).collect::<Result<Vec<_>, _>>()
        })
        .map_err(DataError::io(place))?;
    entries.sort();
    Ok(entries)
}

/// [`entries`] of a folder that need not be there.
pub(super) fn entries_if_any(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match entries(folder) {
        Err(DataError::Io { source, .. }) if matches!(source.kind(), NotFound | NotADirectory) => {
            Ok(Vec::new())
        }
        entries => entries,
    }
}

/// What some editors write before UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The lines of a small text file, without empty ones.
pub(super) fn lines(path: &Path) -> Result<Vec<String>, DataError> {
    let bytes = StoredFile::read_all(path, 16 << 20)?;
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec).unwrap_or(bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        DataError::unusable(path, format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

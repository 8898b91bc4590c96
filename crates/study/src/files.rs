//! Writing files so that a crash or a full disk leaves the old one or the new one, never half of one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::plan::hex;

/// SHA-256 of a file, in hex.
pub(crate) fn file_digest(path: &Path) -> io::Result<String> {
    Ok(hex(&Sha256::digest(fs::read(path)?)))
}

/// A file that could not be written. Nothing that was on disk before is lost.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}{}", remedy(source))]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; the disk is full. Free some space and run the same command again: it goes on from the last checkpoint, \
             and everything finished is kept"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; give a folder you may write to with --out"
        }
        _ => "",
    }
}

/// Puts a path to an I/O error.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError { path, source }
}

/// Makes a folder and its parents.
///
/// # Errors
/// The file system refused; the message names the file and what to do.
pub fn make_folder(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(at(path))
}

/// Replaces a file as a whole or not at all: written beside it, synced, renamed.
///
/// # Errors
/// The file system refused; the message names the file and what to do.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let part = path.with_file_name(name);
    let done = write(&part).and_then(|()| {
        fs::File::open(&part).and_then(|file| file.sync_all()).map_err(at(&part))?;
        fs::rename(&part, path).map_err(at(path))
    });
    if done.is_err() {
        // Half a file on a full disk would only be in the way.
        let _ = fs::remove_file(&part);
        return done;
    }
    sync_folder(path)
}

/// Makes a rename last: the folder entry is synced too, where the system can.
fn sync_folder(path: &Path) -> Result<(), WriteError> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::File::open(folder).and_then(|file| file.sync_all()).map_err(at(folder))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Writes a record as indented JSON, atomically.
///
/// # Errors
/// The file system refused; the message names the file and what to do.
pub fn write_json<T: Serialize>(path: &Path, record: &T) -> Result<(), WriteError> {
    let mut text = serde_json::to_string_pretty(record).map_err(|error| at(path)(io::Error::other(error)))?;
    text.push('\n');
    write_bytes(path, text.as_bytes())
}

/// Writes bytes, atomically.
///
/// # Errors
/// The file system refused; the message names the file and what to do.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_atomically(path, |part| {
        let mut file = fs::File::create(part).map_err(at(part))?;
        file.write_all(bytes).map_err(at(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_partial_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        write_bytes(&path, b"old").unwrap();
        let failed = write_atomically(&path, |part| {
            fs::write(part, b"half").unwrap();
            Err(at(part)(io::Error::from(io::ErrorKind::StorageFull)))
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("plan.json.partial") && message.contains("disk is full"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! Writing files so that a crash or a full disk leaves the old one or the new one, never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Unfinished;

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
            "; the disk is full. Free some space and run the same command again: what was finished is kept, and goes on from there"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; give a folder you may write to with --out"
        }
        io::ErrorKind::NotFound => "; make the folder first",
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

/// Creates a file of our own that stands beside others, in place of one of that name that an earlier process left.
///
/// A link of that name is replaced, not followed: what it points to is not ours.
///
/// # Errors
/// The file system refused, or somebody else is writing the same file now.
pub fn create_in_place(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().read(true).write(true).create_new(true).open(path)
}

/// Opens a file of our own to read and write it in place, and creates it where there is none.
///
/// # Errors
/// The file system refused; or a link, a pipe or a device stands under that name, which is not ours.
pub fn open_own(path: &Path) -> io::Result<File> {
    own(path, File::options().read(true).write(true).truncate(false))
}

/// Opens a file of our own to add to its end, and creates it where there is none.
///
/// # Errors
/// As [`open_own`].
pub fn append_to(path: &Path) -> io::Result<File> {
    own(path, File::options().append(true))
}

fn own(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    let not_ours = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "a link, a pipe or a device stands there, which Bakeoff did not make; remove it",
        )
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.create(true).open(path).map_err(|error| match fs::symlink_metadata(path) {
        Ok(kind) if !kind.is_file() && !kind.is_dir() => not_ours(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_ours()) }
}

/// Replaces a file as a whole or not at all: written beside it under the name `….partial`, synced, renamed.
///
/// # Errors
/// The file system refused; the message names the file and what to do.
pub fn write_atomically(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(), WriteError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let part = path.with_file_name(name);
    let file = create_in_place(&part).map_err(at(path))?;
    // Half a file on a full disk would only be in the way.
    let unfinished = Unfinished::at(&part);
    write(&file).and_then(|()| file.sync_all()).map_err(at(&part))?;
    fs::rename(&part, path).map_err(at(path))?;
    unfinished.keep();
    sync_folder(path)
}

/// Makes a rename last: the folder's entry is synced too, where the system can.
fn sync_folder(path: &Path) -> Result<(), WriteError> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder).and_then(|file| file.sync_all()).map_err(at(folder))?;
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
    write_atomically(path, |mut file| file.write_all(bytes))
}

/// Writes what somebody asked for, to where they asked: a regular file as a whole or not at all, also behind a link, which stays a link. What
/// is no file, such as `/dev/stdout` or a pipe that somebody reads, is written into.
///
/// # Errors
/// The file system refused; the message names the file and what to do.
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    match fs::metadata(path) {
        Ok(kind) if kind.is_dir() => Err(at(path)(io::ErrorKind::IsADirectory.into())),
        Ok(kind) if !kind.is_file() => {
            let mut file = File::options().write(true).open(path).map_err(at(path))?;
            file.write_all(bytes).map_err(at(path))
        }
        Ok(_) => write_bytes(&fs::canonicalize(path).map_err(at(path))?, bytes),
        // A link to what is not there yet names where it shall be.
        Err(_) => match fs::read_link(path) {
            Ok(target) => write_bytes(&path.parent().unwrap_or(Path::new("")).join(target), bytes),
            Err(_) => write_bytes(path, bytes),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_no_partial_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        write_bytes(&path, b"old").unwrap();
        let failed = write_atomically(&path, |mut file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("plan.json.partial") && message.contains("disk is full"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_laid_where_we_write_is_replaced_and_what_it_names_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("plan.json"), folder.path().join("of somebody else"));
        fs::write(&other, "theirs").unwrap();
        for name in ["plan.json.partial", "plan.json"] {
            std::os::unix::fs::symlink(&other, folder.path().join(name)).unwrap();
            write_bytes(&path, b"ours").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"ours");
            assert!(!path.is_symlink());
            assert_eq!(fs::read(&other).unwrap(), b"theirs");
            fs::remove_file(&path).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_output_goes_where_it_was_asked_for_and_devices_and_links_stay_what_they_are() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (page, link) = (folder.path().join("page.html"), folder.path().join("link.html"));
        symlink("page.html", &link).unwrap();
        for text in ["first", "second"] {
            write_output(&link, text.as_bytes()).unwrap();
            assert!(link.is_symlink() && !page.is_symlink());
            assert_eq!(fs::read_to_string(&page).unwrap(), text);
        }
        write_output(Path::new("/dev/null"), b"page").unwrap();
        assert!(fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device());
        assert!(write_output(folder.path(), b"page").unwrap_err().to_string().contains("directory"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");

        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write_output(&pipe, b"page").unwrap();
        assert_eq!(reader.join().unwrap(), b"page");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_written_in_place_is_never_somebody_elses_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (lock, other) = (folder.path().join("lock"), folder.path().join("of somebody else"));
        fs::write(&other, "theirs").unwrap();
        let ways = [open_own, append_to];
        for open in ways {
            open(&lock).unwrap().write_all(b"ours").unwrap();
            fs::remove_file(&lock).unwrap();
        }
        std::os::unix::fs::symlink(&other, &lock).unwrap();
        for open in ways {
            let error = open(&lock).unwrap_err();
            assert!(error.to_string().contains("a link"), "{error}");
            assert!(open(Path::new("/dev/null")).is_err());
        }
        assert_eq!(fs::read(&other).unwrap(), b"theirs");
    }
}

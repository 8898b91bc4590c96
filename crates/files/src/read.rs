//! Reading: regular files only, and never more than was agreed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file, or what a link to one names.
///
/// A pipe would be waited for, and a device such as `/dev/zero` never ends: both are refused, whatever a file name or a link says.
/// The check is made on the file that was opened, so that nothing can be put in its place in between, and opening never waits.
///
/// # Errors
/// What the system says; [`io::ErrorKind::IsADirectory`] for a folder; [`io::ErrorKind::InvalidInput`] for a pipe, a device or a socket.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path).map_err(|error| match std::fs::metadata(path) {
        // A socket cannot be opened at all, and the system's word for it helps nobody.
        Ok(kind) if !kind.is_file() && !kind.is_dir() => not_regular(),
        _ => error,
    })?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(not_regular());
    }
    Ok(file)
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe or a device, not a file")
}

/// The whole of a regular file, if it has at most `most` bytes.
///
/// What counts are the bytes that come, not the size that the file system names: `/proc` names none, and a file may grow.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::FileTooLarge`] for more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_from(open(path)?, most)
}

/// [`read()`] as UTF-8 text.
///
/// # Errors
/// As [`read()`]; [`io::ErrorKind::InvalidData`] where it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("it is not UTF-8 text: {error}")))
}

/// All that a reader gives, if it is at most `most` bytes.
///
/// # Errors
/// What the reader says; [`io::ErrorKind::FileTooLarge`] for more than `most` bytes.
pub fn read_from(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(reader, most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A reader that fails where more than so many bytes come.
pub(crate) struct Bounded<R> {
    reader: R,
    most: u64,
    left: u64,
}

impl<R> Bounded<R> {
    pub(crate) fn new(reader: R, most: u64) -> Self {
        Self { reader, most, left: most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("it has more than {}, which no such file needs", size(self.most)),
                ));
            }
        }
        Ok(read)
    }
}

/// A number of bytes for people: `512 bytes`, `64 MiB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_of_just_the_size_is_read_and_a_larger_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "four").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"four");
        assert_eq!(read_text(&path, u64::MAX).unwrap(), "four");
        let error = read(&path, 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(error.to_string().contains("more than 3 bytes"), "{error}");
    }

    #[test]
    fn a_folder_is_told_from_a_file_and_text_from_bytes() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), 9).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        let path = folder.path().join("f");
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 9).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&folder.path().join("none"), 9).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_sockets_are_refused_without_waiting_directly_and_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for target in [&pipe, &socket, Path::new("/dev/zero")] {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(target, &link).unwrap();
            for path in [target, &link] {
                let error = open(path).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path:?}: {error}");
            }
            fs::remove_file(&link).unwrap();
        }
    }
}

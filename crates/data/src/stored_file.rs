//! Files that are read by position, by several threads at once.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::{DataError, memory};

/// A file that is read by position, so that threads share it without a lock.
#[derive(Debug)]
pub(crate) struct StoredFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl StoredFile {
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let open = || {
            let file = bakeoff_files::open(path)?;
            let size = file.metadata()?.len();
            Ok(Self { path: path.to_owned(), file, size })
        };
        open().map_err(DataError::file(path))
    }

    /// A file that is open already, `size` bytes long; `path` is what it is called.
    pub(crate) fn of(path: &Path, file: File, size: u64) -> Self {
        Self { path: path.to_owned(), file, size }
    }

    /// What is shown of it to people, even where its bytes were inflated to somewhere else.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// For a reader of its own, from the beginning.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Bytes from the middle. Nothing is allocated for bytes that are not there.
    pub(crate) fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if offset.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        if !memory::can_have(length as u64) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let mut bytes = vec![0; length];
        read_exact_at(&self.file, &mut bytes, offset)?;
        Ok(bytes)
    }

    /// Opens a regular file. A pipe that nobody writes into, and a device, would be read for ever.
    pub(crate) fn refuse_other_than_files(path: &Path) -> Result<(), DataError> {
        match bakeoff_files::open(path) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(()),
            opened => opened.map(drop).map_err(DataError::file(path)),
        }
    }

    /// A file small enough to be read whole: `most` bytes, or it is refused.
    pub(crate) fn read_all(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
        let read = || {
            let file = bakeoff_files::open(path)?;
            // What says that it is too large need not be read to find that out.
            if file.metadata()?.len() > most {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            bakeoff_files::read_from(file, most)
        };
        read().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::FileTooLarge => DataError::unusable(
                path,
                format!("has more than {} MiB, which no such file needs; is it the right one?", most >> 20),
            ),
            _ => DataError::file(path)(error),
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

/// Reads small pieces at ascending places of a large file, without reading what lies between.
pub(crate) struct Window<'a> {
    file: &'a StoredFile,
    buffer: Vec<u8>,
    start: u64,
}

impl<'a> Window<'a> {
    const AHEAD: u64 = 16 << 10;

    pub(crate) fn new(file: &'a StoredFile) -> Self {
        Self { file, buffer: Vec::new(), start: 0 }
    }

    /// The bytes at `offset`; an error where the file ends before.
    pub(crate) fn get(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let inside = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let inside = inside.filter(|at| at.checked_add(length).is_some_and(|end| end <= self.buffer.len()));
        let at = match inside {
            Some(at) => at,
            None => {
                let left = self.file.size.saturating_sub(offset);
                if length as u64 > left {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.buffer = self.file.read(offset, left.min(Self::AHEAD.max(length as u64)))?;
                self.start = offset;
                0
            }
        };
        Ok(&self.buffer[at..at + length])
    }
}

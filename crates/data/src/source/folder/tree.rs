//! Folders and files, on disk or in an archive.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::format::HEAD;
use crate::location::Location;
use crate::names::{is_hidden, name_of};

/// Folders and files, on disk or in an archive.
pub(in super::super) trait Tree {
    /// What is in a folder, sorted.
    fn read(&self, folder: &Path) -> io::Result<Contents>;
    /// Another name for a folder, the same whichever link leads there.
    fn real(&self, folder: &Path) -> PathBuf;
    /// Where a file's bytes are.
    fn location(&self, file: PathBuf) -> Location;
    /// The first bytes of a file, [`HEAD`] at most; none where it cannot be read.
    fn head(&self, file: &Path) -> Vec<u8>;
}

/// One folder's contents.
#[derive(Debug, Default)]
pub(in super::super) struct Contents {
    pub(in super::super) folders: Vec<PathBuf>,
    /// Regular files.
    pub(in super::super) files: Vec<PathBuf>,
    /// Folders that people do not see or did not make.
    pub(in super::super) hidden: Vec<PathBuf>,
    /// Pipes, sockets, devices. Nobody opens them: that could wait for ever.
    pub(super) special: Vec<PathBuf>,
    /// What cannot be looked at, and why.
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
}

pub(super) struct Disk;

impl Tree for Disk {
    fn read(&self, folder: &Path) -> io::Result<Contents> {
        let mut contents = Contents::default();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let hidden = is_hidden(&name_of(&path));
            // Links are followed.
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && hidden => contents.hidden.push(path),
                _ if hidden => {}
                Ok(metadata) if metadata.is_dir() => contents.folders.push(path),
                Ok(metadata) if metadata.is_file() => contents.files.push(path),
                Ok(_) => contents.special.push(path),
                Err(error) => contents.unreadable.push((path, error)),
            }
        }
        contents.folders.sort();
        contents.files.sort();
        contents.hidden.sort();
        Ok(contents)
    }

    fn real(&self, folder: &Path) -> PathBuf {
        std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
    }

    fn location(&self, file: PathBuf) -> Location {
        Location::File(file)
    }

    fn head(&self, file: &Path) -> Vec<u8> {
        let mut head = Vec::new();
        if let Ok(file) = bakeoff_files::open(file) {
            // What was read before an error is still a beginning.
            let _ = file.take(HEAD as u64).read_to_end(&mut head);
        }
        head
    }
}

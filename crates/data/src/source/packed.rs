//! An image folder in an archive: tar, tar.gz or zip. The rules are those of a folder on disk.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{Contents, Tree, image_by_name, is_hidden, list_tree, name_of, split_by_name};
use crate::DataError;
use crate::archive;
use crate::listing::Listing;
use crate::store::{Location, Store};

/// Whether a file is an archive by its name.
pub(super) fn is_archive(name: &str) -> bool {
    [".zip", ".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
}

pub(super) fn list(path: &Path) -> Result<Listing, DataError> {
    if !path.is_file() {
        return Err(DataError::unusable(
            path,
            "is a folder; name the archive itself: .tar, .tar.gz, .tgz or .zip",
        ));
    }
    let (file, members) = archive::open(path)?;
    let mut tree = Packed::default();
    for member in members {
        tree.add(member.path, member.location);
    }
    let root = tree.root();
    let mut listing = list_tree(&tree, &root, path)?;
    listing.store = Store::of(file);
    Ok(listing)
}

/// The folders that the members' names make.
#[derive(Default)]
struct Packed {
    folders: BTreeMap<PathBuf, Contents>,
    locations: HashMap<PathBuf, Location>,
}

impl Packed {
    fn add(&mut self, file: PathBuf, location: Location) {
        if file.iter().any(|part| is_hidden(&part.to_string_lossy())) {
            return;
        }
        let mut inner = file.clone();
        while let Some(folder) = inner.parent().map(Path::to_owned) {
            let known = self.folders.contains_key(&folder);
            let contents = self.folders.entry(folder.clone()).or_default();
            // A member may be there twice: the later one counts, as for tar.
            if inner != file {
                contents.folders.push(inner);
            } else if !self.locations.contains_key(&file) {
                contents.files.push(inner);
            }
            if known {
                break;
            }
            inner = folder;
        }
        self.locations.insert(file, location);
    }

    /// The folder where classes or splits begin: most archives hold one folder, named as the archive, that holds all.
    fn root(&self) -> PathBuf {
        let mut root = PathBuf::new();
        while let Some(contents) = self.folders.get(&root)
            && let [only] = contents.folders.as_slice()
            && !contents.files.iter().any(|file| image_by_name(file))
            && split_by_name(&name_of(only)).is_none()
            && self.folders.get(only).is_some_and(|inner| !inner.folders.is_empty())
        {
            root = only.clone();
        }
        root
    }
}

impl Tree for Packed {
    fn read(&self, folder: &Path) -> io::Result<Contents> {
        let mut contents = self.folders.get(folder).cloned().ok_or(io::ErrorKind::NotFound)?;
        contents.folders.sort();
        contents.files.sort();
        Ok(contents)
    }

    fn real(&self, folder: &Path) -> PathBuf {
        folder.to_owned()
    }

    fn location(&self, file: PathBuf) -> Location {
        self.locations.get(&file).cloned().unwrap_or(Location::Missing)
    }
}

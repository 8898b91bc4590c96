//! An image folder in an archive: tar, tar.gz or zip. The rules are those of a folder on disk.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::definition::{FolderMeaning, Precedence, Source};
use super::folder::{Contents, Tree, list_tree};
use super::split_name::split_by_name;
use crate::archive::{self, Archive};
use crate::listing::Listing;
use crate::location::Location;
use crate::names::{image_by_name, is_hidden, name_of};
use crate::store::Store;
use crate::stored_file::StoredFile;
use crate::{DataError, Warning};

pub(super) const SOURCE: Source = Source {
    words: "An image folder in one archive: `.zip`, `.tar`, `.tar.gz`, `.tgz`.",
    precedence: Precedence::Container,
    claims_file: |_, name| is_archive(name),
    claims_folder: |_| false,
    list: |path, options| list(path, options.folders),
};

/// Whether a file is an archive by its name.
fn is_archive(name: &str) -> bool {
    [".zip", ".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
}

fn list(path: &Path, meant: FolderMeaning) -> Result<Listing, DataError> {
    if !path.is_file() {
        return Err(DataError::unusable(
            path,
            "is a folder; name the archive itself: .tar, .tar.gz, .tgz or .zip",
        ));
    }
    let Archive { file, members, mut warnings } = archive::open_all(path)?;
    let mut tree = Packed { file: &file, folders: BTreeMap::new(), locations: HashMap::new() };
    let mut repeated = None;
    for member in members {
        if tree.locations.contains_key(&member.path) {
            repeated.get_or_insert(member.name);
        }
        tree.add(member.path, member.location);
    }
    if let Some(name) = repeated {
        let known = warnings.iter().any(|warning| matches!(warning, Warning::RepeatedMembers { .. }));
        if !known {
            warnings.push(Warning::RepeatedMembers { example: format!(", {name} for one") });
        }
    }
    let root = tree.root();
    let mut listing = list_tree(&tree, &root, path, meant)?;
    listing.warnings.extend(warnings);
    listing.store = Store::of(file);
    Ok(listing)
}

/// What is in one folder of an archive.
#[derive(Default)]
struct Folder {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

/// The folders that the members' names make.
struct Packed<'a> {
    file: &'a StoredFile,
    folders: BTreeMap<PathBuf, Folder>,
    locations: HashMap<PathBuf, Location>,
}

impl Packed<'_> {
    fn add(&mut self, file: PathBuf, location: Location) {
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
        while let Ok(contents) = self.read(&root)
            && let [only] = contents.folders.as_slice()
            && !contents.files.iter().any(|file| image_by_name(file))
            && split_by_name(&name_of(only)).is_none()
            && self.read(only).is_ok_and(|inner| !inner.folders.is_empty())
        {
            root = only.clone();
        }
        root
    }
}

impl Tree for Packed<'_> {
    fn read(&self, folder: &Path) -> io::Result<Contents> {
        let found = self.folders.get(folder).ok_or(io::ErrorKind::NotFound)?;
        let mut contents = Contents::default();
        for folder in &found.folders {
            let place =
                if is_hidden(&name_of(folder)) { &mut contents.hidden } else { &mut contents.folders };
            place.push(folder.clone());
        }
        contents.files.extend(found.files.iter().filter(|file| !is_hidden(&name_of(file))).cloned());
        contents.folders.sort();
        contents.files.sort();
        contents.hidden.sort();
        Ok(contents)
    }

    fn real(&self, folder: &Path) -> PathBuf {
        folder.to_owned()
    }

    fn location(&self, file: PathBuf) -> Location {
        self.locations.get(&file).cloned().unwrap_or(Location::Missing)
    }

    fn head(&self, file: &Path) -> Vec<u8> {
        self.locations.get(file).map(|location| archive::head(self.file, location)).unwrap_or_default()
    }
}

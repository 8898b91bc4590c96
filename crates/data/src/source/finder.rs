//! Finds the images that other people's tables name: with the separators of another system, without an extension, in other letter
//! case, in another folder.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::reading::entries;
use crate::DataError;
use crate::classes::identity_key;
use crate::names::{image_by_name, is_hidden, name_of};
use crate::paths::{expand_from, needs_a_look, with_slashes};

/// How deep, and in how many folders, images are looked for that are not where the table says.
const DEPTH: usize = 3;
const MOST_FOLDERS: usize = 5000;
/// How many folders above the table's a path may begin in.
const ABOVE: usize = 3;

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ImagePlace {
    /// Where the table says, or at least where it would be.
    AsWritten(PathBuf),
    /// Somewhere like it, and how that was told.
    Like(PathBuf, FoundBy),
    /// Not one file can be meant, and why.
    Refused(String),
    /// Nothing is there.
    Missing(PathBuf),
}

/// How an image was found that is not where the table says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FoundBy {
    /// By the rest of its name.
    Extension,
    /// But for letter case or Unicode normalisation.
    Case,
    /// In another folder: its name for people.
    Folder(String),
}

impl std::fmt::Display for FoundBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Extension => f.write_str("by their name without an extension"),
            Self::Case => {
                f.write_str("under a name that differs in letter case or Unicode normalisation only")
            }
            Self::Folder(folder) => write!(f, "in {folder}"),
        }
    }
}

/// The names in a folder, and by what is left of them without case.
struct Names {
    exact: HashMap<OsString, ()>,
    /// By [`identity_key`], filled when it is first asked for.
    alike: Option<HashMap<String, Vec<OsString>>>,
    /// Images by their name without the extension, filled when it is first asked for.
    stems: Option<HashMap<String, Vec<OsString>>>,
}

/// Looks for files from a table's folder on. Folders are read once.
pub(super) struct Finder {
    folder: PathBuf,
    read: HashMap<PathBuf, Option<Names>>,
    below: Option<ImagesBelow>,
    /// The first folder that is there but cannot be read, and why.
    unreadable: Option<(PathBuf, String)>,
}

/// The images in the folders below, by their name with and without the extension.
#[derive(Default)]
struct ImagesBelow {
    names: HashMap<OsString, Vec<PathBuf>>,
    stems: HashMap<OsString, Vec<PathBuf>>,
}

impl Finder {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), read: HashMap::new(), below: None, unreadable: None }
    }

    /// The first folder that is there but could not be read, and why.
    pub(super) fn unreadable(&self) -> Option<(&Path, &str)> {
        self.unreadable.as_ref().map(|(folder, reason)| (folder.as_path(), reason.as_str()))
    }

    fn names(&mut self, folder: &Path) -> Option<&mut Names> {
        let unreadable = &mut self.unreadable;
        let names = self.read.entry(folder.to_owned()).or_insert_with(|| {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let entries = match std::fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) => {
                    use std::io::ErrorKind::{NotADirectory, NotFound};
                    if !matches!(error.kind(), NotFound | NotADirectory) {
                        unreadable.get_or_insert_with(|| (folder.to_owned(), error.to_string()));
                    }
                    return None;
                }
            };
            match entries.map(|entry| Ok((entry?.file_name(), ()))).collect::<std::io::Result<_>>() {
                Ok(exact) => Some(Names { exact, alike: None, stems: None }),
                Err(error) => {
                    unreadable.get_or_insert_with(|| (folder.to_owned(), error.to_string()));
                    None
                }
            }
        });
        names.as_mut()
    }

    fn there(&mut self, path: &Path) -> bool {
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => {
                self.names(folder).is_some_and(|names| names.exact.contains_key(name))
            }
            _ => path.exists(),
        }
    }

    /// Where an image is that stands near the place where a table says.
    pub(super) fn near(&mut self, written: &str) -> ImagePlace {
        let folder = self.folder.clone();
        let literal = folder.join(written);
        if self.there(&literal) {
            return ImagePlace::AsWritten(literal);
        }
        let mut meant = PathBuf::from(written);
        if needs_a_look(written) {
            match expand_from(&[&folder], Path::new(written)) {
                Ok(path) => meant = with_slashes(&path).unwrap_or(path),
                Err(error) => return ImagePlace::Refused(error.to_string()),
            }
            let file = folder.join(&meant);
            if self.there(&file) {
                return ImagePlace::AsWritten(file);
            }
        }
        match self.like(&folder, &meant) {
            Some(place) => place,
            None => ImagePlace::Missing(folder.join(meant)),
        }
    }

    /// A file whose path from a folder differs in case only, or has an extension in addition.
    fn like(&mut self, folder: &Path, path: &Path) -> Option<ImagePlace> {
        let mut at = folder.to_owned();
        let mut how = None;
        let parts: Vec<Component<'_>> = path.components().collect();
        for (number, part) in parts.iter().enumerate() {
            let Component::Normal(name) = part else {
                at.push(part);
                continue;
            };
            let last = number + 1 == parts.len();
            if self.there(&at.join(name)) && !(last && at.join(name).is_dir()) {
                at.push(name);
                continue;
            }
            let text = name.to_str()?;
            let names = self.names(&at)?;
            let alike =
                names.alike.get_or_insert_with(|| by(names.exact.keys(), |name| Some(identity_key(name))));
            let mut found = alike.get(&identity_key(text)).cloned().unwrap_or_default();
            let mut kind = FoundBy::Case;
            if last && found.is_empty() && !image_by_name(Path::new(text)) {
                let stem = |name: &str| {
                    let (stem, _) = name.rsplit_once('.')?;
                    image_by_name(Path::new(name)).then(|| stem.to_owned())
                };
                let stems = names.stems.get_or_insert_with(|| by(names.exact.keys(), stem));
                found = stems.get(text).cloned().unwrap_or_default();
                kind = FoundBy::Extension;
            }
            match found.as_slice() {
                [] => return None,
                [only] => at.push(only),
                several => {
                    let several: Vec<String> =
                        several.iter().map(|name| name.to_string_lossy().into()).collect();
                    return Some(ImagePlace::Refused(format!(
                        "{} may be any of {}; write the whole name",
                        path.display(),
                        several.join(", ")
                    )));
                }
            }
            how = how.max(Some(kind));
        }
        how.map(|how| ImagePlace::Like(at, how))
    }

    /// The same, and in the folders below the table's and above it, for a table none of whose images is where it says.
    pub(super) fn anywhere(&mut self, written: &str) -> ImagePlace {
        let missing = match self.near(written) {
            ImagePlace::Missing(file) => file,
            found => return found,
        };
        let folder = self.folder.clone();
        let path = missing.strip_prefix(&folder).unwrap_or(&missing).to_owned();
        if path.is_absolute() {
            return ImagePlace::Missing(missing);
        }
        let mut found = Vec::new();
        if self.below.is_none() {
            self.below = Some(ImagesBelow::of(&folder).unwrap_or_else(|error| {
                self.unreadable.get_or_insert_with(|| (folder.clone(), error.to_string()));
                ImagesBelow::default()
            }));
        }
        let below = self.below.get_or_insert_default();
        if let Some(name) = path.file_name() {
            let whole = below.names.get(name).into_iter().flatten().filter(|file| file.ends_with(&path));
            // `ends_with` knows whole names only.
            let stem = |file: &&PathBuf| file.with_extension("").ends_with(&path);
            let stems = below.stems.get(name).into_iter().flatten().filter(stem);
            let stems = stems.filter(|_| !image_by_name(&path));
            for file in whole.chain(stems) {
                let depth = path.components().count();
                let root = file.ancestors().nth(depth).unwrap_or(&folder);
                let root = root.strip_prefix(&folder).unwrap_or(root).display();
                found.push((file.clone(), FoundBy::Folder(format!("{root}/"))));
            }
        }
        if found.is_empty() {
            let above = std::path::absolute(&folder).unwrap_or(folder.clone());
            for root in above.ancestors().skip(1).take(ABOVE) {
                let file = root.join(&path);
                if self.there(&file) {
                    found.push((file, FoundBy::Folder(root.display().to_string())));
                    break;
                }
            }
        }
        match found.len() {
            0 => ImagePlace::Missing(missing),
            1 => {
                let (file, how) = found.remove(0);
                ImagePlace::Like(file, how)
            }
            _ => {
                let several: Vec<String> =
                    found.iter().take(5).map(|(file, _)| file.display().to_string()).collect();
                ImagePlace::Refused(format!(
                    "{} is not beside the table, and there are several files of that name: {}; write the path from the table's \
                     folder",
                    path.display(),
                    several.join(", ")
                ))
            }
        }
    }
}

/// Images in a folder, and in folders in it, sorted.
pub(super) fn images_below(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut images = Vec::new();
    let mut folders: Vec<(usize, PathBuf)> = vec![(0, folder.to_owned())];
    let mut at = 0;
    while at < folders.len() {
        let (depth, folder) = folders[at].clone();
        at += 1;
        let mut inner = Vec::new();
        for path in entries(&folder)? {
            if is_hidden(&name_of(&path)) {
                continue;
            }
            // Links to folders are not followed: they may lead anywhere.
            if std::fs::symlink_metadata(&path).is_ok_and(|file| file.is_dir()) {
                if depth < DEPTH {
                    inner.push((depth + 1, path));
                }
            } else if image_by_name(&path) {
                images.push(path);
            }
        }
        inner.truncate(MOST_FOLDERS.saturating_sub(folders.len()));
        folders.extend(inner);
    }
    images.sort();
    Ok(images)
}

impl ImagesBelow {
    fn of(folder: &Path) -> Result<Self, DataError> {
        let mut below = Self::default();
        for path in images_below(folder)?.into_iter().filter(|path| path.parent() != Some(folder)) {
            let stem = path.file_stem().unwrap_or_default().to_owned();
            below.stems.entry(stem).or_default().push(path.clone());
            let name = path.file_name().unwrap_or_default().to_owned();
            below.names.entry(name).or_default().push(path);
        }
        Ok(below)
    }
}

/// Names by a key of theirs; those that are no Unicode have none.
fn by<'a>(
    names: impl Iterator<Item = &'a OsString>,
    key: impl Fn(&str) -> Option<String>,
) -> HashMap<String, Vec<OsString>> {
    let mut found: HashMap<String, Vec<OsString>> = HashMap::new();
    for name in names {
        if let Some(key) = name.to_str().and_then(&key) {
            found.entry(key).or_default().push(name.clone());
        }
    }
    found.values_mut().for_each(|names| names.sort());
    found
}

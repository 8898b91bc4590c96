//! Paths and the ids made of them.

use std::path::{Component, Path, PathBuf};

use crate::escaped_name;

/// A path below a folder as an id: forward slashes, and bytes that are not UTF-8 escaped, so that no two files have the same id.
pub(crate) fn slashes(path: &Path) -> String {
    path.components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| escaped_name(part.as_os_str()))
        .collect::<Vec<_>>()
        .join("/")
}

/// Whether a name with forward slashes, from a file of other people's, stays below the folder it is put into.
pub(crate) fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Forward slashes to a path below a folder.
pub(crate) fn below(folder: &Path, id: &str) -> PathBuf {
    id.split('/').fold(folder.to_owned(), |path, part| path.join(part))
}

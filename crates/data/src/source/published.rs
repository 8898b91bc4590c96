//! What the sources have in common that read a data set as its authors publish it: lists of images beside the images.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::paths::{below, is_inside};

/// The folder that holds `mark`: this one, or one of `inner` in it.
pub(super) fn folder_with(path: &Path, mark: &str, inner: &[&str]) -> Option<PathBuf> {
    let folder = if path.is_dir() { path } else { path.parent()? };
    let mut candidates = std::iter::once(folder.to_owned()).chain(inner.iter().map(|name| folder.join(name)));
    candidates.find(|folder| below(folder, mark).is_file())
}

pub(super) fn needed(folder: Option<PathBuf>, path: &Path, what: &str) -> Result<PathBuf, DataError> {
    folder.ok_or_else(|| DataError::unusable(path, format!("holds no {what}")))
}

/// A file that a list names, on line `line` of `list`.
pub(super) fn file(folder: &Path, name: &str, list: &Path, line: usize) -> Result<Location, DataError> {
    if is_inside(name) {
        return Ok(Location::File(below(folder, name)));
    }
    Err(DataError::unusable(list, format!("line {line}: {name:?} is no file in {}", folder.display())))
}

/// Refuses lists of which no image is there: they were unpacked without the images.
fn refuse_without_images(folder: &Path, listing: &Listing) -> Result<(), DataError> {
    let there = |entry: &Entry| matches!(&entry.location, Location::File(path) if path.exists());
    match listing.entries.first() {
        Some(first) if !listing.entries.iter().any(there) => Err(DataError::unusable(
            folder,
            format!(
                "holds none of the {} images that its lists name, {} for one; unpack the archive of images here too",
                listing.entries.len(),
                first.id
            ),
        )),
        _ => Ok(()),
    }
}

/// From numbers of classes as published, which begin with 1, to labels.
pub(super) fn finish(
    folder: &Path,
    classes: HashMap<usize, String>,
    mut entries: Vec<Entry>,
) -> Result<Listing, DataError> {
    let mut classes: Vec<(usize, String)> = classes.into_iter().collect();
    classes.sort();
    let labels: HashMap<usize, usize> =
        classes.iter().enumerate().map(|(label, (number, _))| (*number, label)).collect();
    for entry in &mut entries {
        entry.label = *labels.get(&entry.label).ok_or_else(|| {
            DataError::unusable(
                folder,
                format!("{} is of class {}, which has no name", entry.id, entry.label),
            )
        })?;
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(DataError::unusable(folder, format!("lists {} twice", pair[0].id)));
    }
    let classes = classes.into_iter().map(|(_, name)| name).collect();
    let listing = Listing { classes, entries, ..Listing::default() };
    refuse_without_images(folder, &listing)?;
    Ok(listing)
}

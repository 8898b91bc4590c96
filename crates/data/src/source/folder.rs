//! Image folders: `{train,validation,test}/<class>/…`, or `<class>/…` without splits. Files may be nested deeper.
//!
//! Whatever is passed over is counted and said: files of other formats by their format, folders that a system made by their names.

mod report;
mod splits;
mod tally;
mod tree;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::definition::{FolderMeaning, Precedence, Source};
use super::table;
use tally::{by_format, remedy};

use crate::listing::{Entry, Listing};
use crate::names::name_of;
use crate::{DataError, DeclaredSplit, Warning, class_order};
use splits::refuse_splits_in_classes;
use tree::Disk;
pub(super) use tree::{Contents, Tree};
use walk::{FileKind, Walk};

pub(super) const SOURCE: Source = Source {
    words: "`{train,validation,test}/<class>/<image>`, or `<class>/<image>` split by Bakeoff.",
    precedence: Precedence::Remainder,
    claims_file: |_, _| false,
    claims_folder: |_| true,
    list: |path, options| list(path, options.folders).map_err(|error| table::beside(path, error)),
};

/// Lists a folder on disk.
fn list(root: &Path, meant: FolderMeaning) -> Result<Listing, DataError> {
    if !root.is_dir() {
        return Err(DataError::unusable(
            root,
            "is a file, not an image folder; name the folder, or use source = \"csv\" for a table",
        ));
    }
    list_tree(&Disk, root, root, meant)
}

/// The images of a folder and of all folders below it, whatever those mean, in the order of their names, and what is odd: files
/// that are passed over, by their format where it is known.
///
/// # Errors
/// The folder, or one below it, cannot be read.
pub fn image_files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<Warning>), DataError> {
    let mut walk = Walk::new(&Disk, folder);
    let mut files = Vec::new();
    walk.files(folder, "", &mut files)?;
    if let Some(unread) = walk.unread_by_class.remove("")
        && let Some(first) = unread.values().next()
    {
        let count = unread.values().map(|tally| tally.count).sum();
        let (formats, remedy, example) = (by_format(&unread), remedy(&unread), first.example.clone());
        walk.warnings.insert(0, Warning::UnreadPictures { count, formats, example, remedy });
    }
    Ok((files, walk.all_warnings()))
}

/// Whether a file would be taken for an image in a folder: by its name, or by its first bytes where the name says nothing.
#[must_use]
pub fn is_image_file(file: &Path) -> bool {
    matches!(Walk::new(&Disk, file).kind(file), FileKind::Image { .. })
}

/// Lists the folder `root` of a tree; `source` is what people know it by.
pub(super) fn list_tree(
    tree: &dyn Tree,
    root: &Path,
    source: &Path,
    meant: FolderMeaning,
) -> Result<Listing, DataError> {
    let mut walk = Walk::new(tree, root);
    let top = walk.read(root, source, true)?;
    walk.enter(root)?;
    let layout = walk.layout(&top, source, meant)?;
    let mut found = BTreeMap::new();
    let has_splits = !layout.splits.is_empty();
    walk.loose(&top.files);
    if has_splits {
        for folder in &layout.beside {
            walk.warnings.push(Warning::BesideSplits { folder: walk.id(folder) });
        }
        for (folder, split) in &layout.splits {
            walk.classes(folder, *split, &mut found)?;
        }
    } else {
        for folder in &top.folders {
            walk.class(folder, DeclaredSplit::Undeclared, &mut found)?;
        }
    }
    if found.values().all(Vec::is_empty) {
        return Err(DataError::unusable(source, walk.nothing(&top, &layout)));
    }
    if let (false, [only], Some(files)) = (has_splits, top.folders.as_slice(), found.values().next()) {
        let below = |file: &Path| file.strip_prefix(only).ok()?.iter().next().map(|name| only.join(name));
        let inner: BTreeSet<PathBuf> = files.iter().filter_map(|(_, file)| below(file)).collect();
        if inner.iter().filter(|path| tree.read(path).is_ok()).count() > 1 {
            return Err(DataError::unusable(
                source,
                format!(
                    "has one class only ({name}), which holds folders of images; did you mean {path}?",
                    name = name_of(only),
                    path = only.display()
                ),
            ));
        }
    }
    if !has_splits && !meant.classes {
        refuse_splits_in_classes(root, &found, source)?;
    }
    let classes = class_order(found.keys().cloned());
    let lost = walk.lost(&found);
    let mut entries = Vec::new();
    let mut not_utf8: Option<(usize, String)> = None;
    for (label, class) in classes.iter().enumerate() {
        let files = found.remove(class).unwrap_or_default();
        for (_, file) in &files {
            // The way to the root is nothing to warn of.
            if file.strip_prefix(root).unwrap_or(file).to_str().is_none() {
                let example = walk.id(file);
                not_utf8.get_or_insert((0, example)).0 += 1;
            }
        }
        entries.extend(files.into_iter().map(|(split, path)| Entry {
            id: walk.id(&path),
            label,
            split,
            location: tree.location(path),
        }));
    }
    if let Some((count, example)) = not_utf8 {
        walk.warnings.push(Warning::NamesNotUtf8 { count, example });
    }
    Ok(Listing { classes, entries, warnings: walk.all_warnings(), lost, ..Listing::default() })
}

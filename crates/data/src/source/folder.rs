//! Image folders: `{train,validation,test}/<class>/…`, or `<class>/…` without splits. Files may be nested deeper.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::listing::{Entry, Listing};
use crate::paths::slashes;
use crate::store::Location;
use crate::{DataError, DeclaredSplit, Warning};

/// Deeper folders than this are a mistake (or a maze of links).
const MAX_DEPTH: usize = 32;

/// Extensions that make a file a candidate. What a file really holds is found out from its bytes.
const EXTENSIONS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "gif", "apng"];

/// Whether a file is an image by its name.
#[must_use]
pub fn image_by_name(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// The split a folder name stands for.
pub(crate) fn split_by_name(name: &str) -> Option<DeclaredSplit> {
    match name.to_lowercase().as_str() {
        "train" | "training" => Some(DeclaredSplit::Train),
        "val" | "valid" | "validation" | "dev" => Some(DeclaredSplit::Validation),
        "test" | "testing" => Some(DeclaredSplit::Test),
        _ => None,
    }
}

/// Lists a folder on disk.
pub(crate) fn list(root: &Path) -> Result<Listing, DataError> {
    if !root.is_dir() {
        return Err(DataError::unusable(
            root,
            "is a file, not an image folder; name the folder, or use source = \"csv\" for a table",
        ));
    }
    list_tree(&Disk, root, root)
}

/// The images of a folder and of all folders below it, whatever those mean, in the order of their names: what is no image by its name
/// is counted in a warning.
///
/// # Errors
/// The folder cannot be read.
pub fn image_files(folder: &Path) -> Result<(Vec<PathBuf>, Vec<Warning>), DataError> {
    std::fs::read_dir(folder).map_err(DataError::io(folder))?;
    let mut walk =
        Walk { tree: &Disk, root: folder, warnings: Vec::new(), other_files: None, ancestors: Vec::new() };
    let mut files = Vec::new();
    walk.files(folder, &mut files);
    if let Some((count, example)) = walk.other_files {
        walk.warnings.push(Warning::OtherFiles { count, example });
    }
    Ok((files, walk.warnings))
}

/// Folders and files, on disk or in an archive.
pub(super) trait Tree {
    /// What is in a folder, sorted, without hidden files.
    fn read(&self, folder: &Path) -> io::Result<Contents>;
    /// Another name for a folder, the same whichever link leads there.
    fn real(&self, folder: &Path) -> PathBuf;
    /// Where a file's bytes are.
    fn location(&self, file: PathBuf) -> Location;
}

/// Lists the folder `root` of a tree; `source` is what people know it by.
pub(super) fn list_tree(tree: &dyn Tree, root: &Path, source: &Path) -> Result<Listing, DataError> {
    let mut walk = Walk { tree, root, warnings: Vec::new(), other_files: None, ancestors: Vec::new() };
    let top = walk.read(root).map_err(DataError::io(source))?;
    walk.enter(root);
    let named: Vec<(&PathBuf, Option<DeclaredSplit>)> =
        top.folders.iter().map(|folder| (folder, split_by_name(&name_of(folder)))).collect();
    // A class may well be called "test": the names mean splits only where there is a train folder or nothing else.
    let has_train = named.iter().any(|(_, split)| *split == Some(DeclaredSplit::Train));
    let has_splits = !named.is_empty() && (has_train || named.iter().all(|(_, split)| split.is_some()));
    walk.count_other(&top.files);
    let mut found = BTreeMap::new();
    if has_splits {
        for (folder, split) in named {
            match split {
                Some(split) => walk.classes(folder, split, &mut found),
                None => walk.warnings.push(Warning::BesideSplits { folder: walk.id(folder) }),
            }
        }
    } else {
        for (folder, _) in named {
            walk.class(folder, DeclaredSplit::Undeclared, &mut found);
        }
    }
    if found.values().all(Vec::is_empty) {
        let message = match top.files.iter().filter(|file| image_by_name(file)).count() {
            0 => "holds no images; expected <class>/<image> or {train,test}/<class>/<image>".to_owned(),
            n => format!(
                "holds {n} images but no class folders; put the images of each class into a folder of its own, or \
                 name the classes in a table (source = \"csv\")"
            ),
        };
        return Err(DataError::unusable(source, message));
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
    let classes: Vec<String> = found.keys().cloned().collect();
    let mut entries = Vec::new();
    for (label, files) in found.into_values().enumerate() {
        entries.extend(files.into_iter().map(|(split, path)| Entry {
            id: walk.id(&path),
            label,
            split,
            location: tree.location(path),
        }));
    }
    if let Some((count, example)) = walk.other_files {
        walk.warnings.push(Warning::OtherFiles { count, example });
    }
    Ok(Listing { classes, entries, warnings: walk.warnings, ..Listing::default() })
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The images of each class.
type Found = BTreeMap<String, Vec<(DeclaredSplit, PathBuf)>>;

/// One folder's contents.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    pub(super) folders: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
    /// What cannot be looked at, and why.
    unreadable: Vec<(PathBuf, String)>,
}

/// Names that people do not see and do not mean.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX"
}

struct Disk;

impl Tree for Disk {
    fn read(&self, folder: &Path) -> io::Result<Contents> {
        let mut contents = Contents::default();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if is_hidden(&name_of(&path)) {
                continue;
            }
            // Links are followed.
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => contents.folders.push(path),
                Ok(_) => contents.files.push(path),
                Err(error) => contents.unreadable.push((path, error.to_string())),
            }
        }
        contents.folders.sort();
        contents.files.sort();
        Ok(contents)
    }

    fn real(&self, folder: &Path) -> PathBuf {
        std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
    }

    fn location(&self, file: PathBuf) -> Location {
        Location::File(file)
    }
}

struct Walk<'a> {
    tree: &'a dyn Tree,
    root: &'a Path,
    warnings: Vec<Warning>,
    other_files: Option<(usize, String)>,
    /// Real paths of the folders we are in, so that a link back to one of them is noticed.
    ancestors: Vec<PathBuf>,
}

impl Walk<'_> {
    fn id(&self, path: &Path) -> String {
        slashes(path.strip_prefix(self.root).unwrap_or(path))
    }

    fn read(&mut self, folder: &Path) -> io::Result<Contents> {
        let contents = self.tree.read(folder)?;
        for (path, reason) in &contents.unreadable {
            self.unreadable(path, reason);
        }
        Ok(contents)
    }

    fn unreadable(&mut self, path: &Path, reason: &dyn ToString) {
        self.warnings.push(Warning::Unreadable { path: self.id(path), reason: reason.to_string() });
    }

    fn count_other(&mut self, files: &[PathBuf]) {
        for file in files.iter().filter(|file| !image_by_name(file)) {
            let example = self.id(file);
            self.other_files.get_or_insert((0, example)).0 += 1;
        }
    }

    /// Goes into a folder unless we are in it already.
    fn enter(&mut self, folder: &Path) -> bool {
        let real = self.tree.real(folder);
        if self.ancestors.contains(&real) || self.ancestors.len() >= MAX_DEPTH {
            self.warnings.push(Warning::LinkCycle { link: self.id(folder) });
            return false;
        }
        self.ancestors.push(real);
        true
    }

    /// A split folder: one folder per class.
    fn classes(&mut self, folder: &Path, split: DeclaredSplit, found: &mut Found) {
        if !self.enter(folder) {
            return;
        }
        match self.read(folder) {
            Ok(contents) => {
                self.count_other(&contents.files);
                let loose: Vec<_> = contents.files.iter().filter(|file| image_by_name(file)).collect();
                if let Some(first) = loose.first() {
                    let example = self.id(first);
                    self.warnings.push(Warning::LooseImages { count: loose.len(), example });
                }
                for class in contents.folders {
                    self.class(&class, split, found);
                }
            }
            Err(error) => self.unreadable(folder, &error),
        }
        self.ancestors.pop();
    }

    fn class(&mut self, folder: &Path, split: DeclaredSplit, found: &mut Found) {
        let mut files = Vec::new();
        self.files(folder, &mut files);
        if files.is_empty() {
            self.warnings.push(Warning::EmptyClass { folder: self.id(folder) });
        }
        found.entry(name_of(folder)).or_default().extend(files.into_iter().map(|file| (split, file)));
    }

    /// All images in a folder and the folders below it.
    fn files(&mut self, folder: &Path, files: &mut Vec<PathBuf>) {
        if !self.enter(folder) {
            return;
        }
        match self.read(folder) {
            Ok(contents) => {
                self.count_other(&contents.files);
                files.extend(contents.files.into_iter().filter(|file| image_by_name(file)));
                for inner in contents.folders {
                    self.files(&inner, files);
                }
            }
            Err(error) => self.unreadable(folder, &error),
        }
        self.ancestors.pop();
    }
}

//! Walking through an image folder: what each file is, and what is passed over.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::super::split_name::split_in_name;
use super::tally::{Tally, Unread};
use super::tree::{Contents, Tree};
use crate::format::Format;
use crate::names::{EXTENSIONS, NO_IMAGES, TABLES, extension, image_by_name, name_of};
use crate::paths::slashes;
use crate::{DataError, DeclaredSplit, Warning};

/// Deeper folders than this are a mistake (or a maze of links).
const MAX_DEPTH: usize = 32;

/// The images of each class.
pub(super) type ImagesByClass = BTreeMap<String, Vec<(DeclaredSplit, PathBuf)>>;

/// What a file in an image folder is.
pub(super) enum FileKind {
    /// An image by its name, or by its first bytes where the name does not say so.
    Image {
        by_name: bool,
    },
    /// In a format that is not read.
    Unread(Format),
    /// A table, which may list the images.
    Table,
    Other,
}

/// A walk through a folder and all below it, and what it came across.
pub(super) struct Walk<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) root: &'a Path,
    pub(super) warnings: Vec<Warning>,
    /// Files used that are no images by name.
    pub(super) looked_into: Tally,
    /// Images that belong to no class.
    pub(super) loose: Tally,
    pub(super) tables: Tally,
    pub(super) others: Tally,
    pub(super) special: Tally,
    pub(super) unread: Unread,
    pub(super) unread_by_class: BTreeMap<String, Unread>,
    /// Folders that a system made: how many, and the images in them, by name.
    pub(super) passed: BTreeMap<String, (usize, usize)>,
    /// Real paths of the folders we are in, so that a link back to one of them is noticed.
    pub(super) ancestors: Vec<PathBuf>,
    /// How often each real folder was entered.
    pub(super) visits: HashMap<PathBuf, usize>,
    /// Folders in too many others.
    pub(super) deep: Tally,
}

/// More ways than this lead to one folder in mazes of links only.
const MOST_VISITS: usize = 100;

/// The most files that are counted in folders that are passed over.
const MOST_COUNTED: usize = 100_000;

impl<'a> Walk<'a> {
    pub(super) fn new(tree: &'a dyn Tree, root: &'a Path) -> Self {
        Self {
            tree,
            root,
            warnings: Vec::new(),
            looked_into: Tally::default(),
            loose: Tally::default(),
            tables: Tally::default(),
            others: Tally::default(),
            special: Tally::default(),
            unread: Unread::new(),
            unread_by_class: BTreeMap::new(),
            passed: BTreeMap::new(),
            ancestors: Vec::new(),
            visits: HashMap::new(),
            deep: Tally::default(),
        }
    }

    pub(super) fn id(&self, path: &Path) -> String {
        slashes(path.strip_prefix(self.root).unwrap_or(path))
    }

    /// Reads a folder. One that cannot be listed is an error, for a class could be missing; so is, where folders are classes or splits, a
    /// link that leads nowhere and may have been a folder.
    pub(super) fn read(
        &mut self,
        folder: &Path,
        called: &Path,
        of_classes: bool,
    ) -> Result<Contents, DataError> {
        let mut contents = self.tree.read(folder).map_err(DataError::io(called))?;
        for (path, error) in std::mem::take(&mut contents.unreadable) {
            let gone = matches!(error.kind(), io::ErrorKind::NotFound) || is_loop(&error);
            if !gone || (of_classes && path.extension().is_none()) {
                return Err(DataError::Io { path, source: error });
            }
            self.warnings.push(Warning::Unreadable { path: self.id(&path), reason: error.to_string() });
        }
        for folder in &contents.hidden {
            let images = self.images_within(folder, &mut MOST_COUNTED.clone(), 0);
            let name = name_of(folder);
            if images > 0 || !name.starts_with('.') {
                let (folders, sum) = self.passed.entry(name).or_default();
                (*folders, *sum) = (*folders + 1, *sum + images);
            }
        }
        for path in &contents.special {
            let example = self.id(path);
            self.special.add(|| example);
        }
        Ok(contents)
    }

    /// Images by name in a folder that is passed over, and in those below it.
    fn images_within(&self, folder: &Path, left: &mut usize, depth: usize) -> usize {
        let Ok(contents) = self.tree.read(folder) else { return 0 };
        let mut images = 0;
        for file in &contents.files {
            if *left == 0 {
                return images;
            }
            *left -= 1;
            images += usize::from(image_by_name(file));
        }
        let inner = contents.folders.iter().chain(&contents.hidden).filter(|_| depth < MAX_DEPTH);
        inner.fold(images, |sum, folder| sum + self.images_within(folder, left, depth + 1))
    }

    pub(super) fn kind(&self, file: &Path) -> FileKind {
        let extension = extension(file).unwrap_or_default();
        let by_name = EXTENSIONS.contains(&extension.as_str());
        if by_name {
            return FileKind::Image { by_name };
        }
        if TABLES.contains(&extension.as_str()) {
            return FileKind::Table;
        }
        let copy = extension.ends_with('~') || extension.ends_with("_original");
        if copy || NO_IMAGES.split(' ').any(|known| known == extension) {
            return FileKind::Other;
        }
        let promised = Format::by_extension(&extension);
        match (Format::of(&self.tree.head(file)), promised) {
            // Many raw formats are TIFF inside, with a thumbnail for the picture.
            (Some(Format::Tiff), Some(Format::Raw)) => FileKind::Unread(Format::Raw),
            (Some(format), _) if format.is_read() => FileKind::Image { by_name },
            (Some(format), _) => FileKind::Unread(format),
            (None, Some(format)) if !format.is_read() => FileKind::Unread(format),
            _ => FileKind::Other,
        }
    }

    /// Counts a file, and says whether it is an image; `class` is where it stands, if in one.
    pub(super) fn sort(&mut self, file: &Path, class: Option<&str>) -> bool {
        let id = self.id(file);
        match self.kind(file) {
            FileKind::Image { by_name } => {
                if !by_name && class.is_some() {
                    self.looked_into.add(|| id);
                }
                return true;
            }
            FileKind::Unread(format) => {
                if let Some(class) = class.filter(|_| format.is_picture()) {
                    let class = self.unread_by_class.entry(class.to_owned()).or_default();
                    class.entry(format).or_default().add(|| id.clone());
                }
                self.unread.entry(format).or_default().add(|| id);
            }
            FileKind::Table => self.tables.add(|| id),
            FileKind::Other => self.others.add(|| id),
        }
        false
    }

    /// Files that stand in no class folder.
    pub(super) fn loose(&mut self, files: &[PathBuf]) {
        let images: Vec<&PathBuf> = files.iter().filter(|file| self.sort(file, None)).collect();
        if let Some(first) = images.first() {
            let example = self.id(first);
            self.warnings.push(Warning::LooseImages { count: images.len(), example: example.clone() });
            if self.loose.count == 0 {
                self.loose.example = example;
            }
            self.loose.count += images.len();
        }
    }

    /// Goes into a folder unless we are in it already.
    pub(super) fn enter(&mut self, folder: &Path) -> Result<bool, DataError> {
        if self.ancestors.len() >= MAX_DEPTH {
            let id = self.id(folder);
            self.deep.add(|| id);
            return Ok(false);
        }
        let real = self.tree.real(folder);
        if self.ancestors.contains(&real) {
            self.warnings.push(Warning::LinkCycle { link: self.id(folder) });
            return Ok(false);
        }
        let visits = self.visits.entry(real.clone()).or_default();
        *visits += 1;
        if *visits > MOST_VISITS {
            return Err(DataError::unusable(
                folder,
                format!(
                    "is one of more than {MOST_VISITS} ways by which links lead to one folder; remove the links"
                ),
            ));
        }
        self.ancestors.push(real);
        Ok(true)
    }

    /// A split folder: one folder per class.
    pub(super) fn classes(
        &mut self,
        folder: &Path,
        split: DeclaredSplit,
        found: &mut ImagesByClass,
    ) -> Result<(), DataError> {
        if !self.enter(folder)? {
            return Ok(());
        }
        let contents = self.read(folder, folder, true)?;
        self.loose(&contents.files);
        // Archives that were unpacked into a folder of their name: `training_set/training_set`.
        if let [only] = contents.folders.as_slice()
            && split_in_name(&name_of(only)).is_some_and(|name| name.split == split)
        {
            self.classes(only, split, found)?;
            self.ancestors.pop();
            return Ok(());
        }
        for class in contents.folders {
            self.class(&class, split, found)?;
        }
        self.ancestors.pop();
        Ok(())
    }

    pub(super) fn class(
        &mut self,
        folder: &Path,
        split: DeclaredSplit,
        found: &mut ImagesByClass,
    ) -> Result<(), DataError> {
        let mut files = Vec::new();
        let class = name_of(folder);
        let unread = |walk: &Self| {
            walk.unread_by_class.get(&class).map_or(0, |unread| unread.values().map(|t| t.count).sum())
        };
        let before: usize = unread(self);
        self.files(folder, &class, &mut files)?;
        if files.is_empty() && unread(self) == before {
            self.warnings.push(Warning::EmptyClass { folder: self.id(folder) });
        }
        found.entry(class).or_default().extend(files.into_iter().map(|file| (split, file)));
        Ok(())
    }

    /// All images in a folder and the folders below it.
    pub(super) fn files(
        &mut self,
        folder: &Path,
        class: &str,
        files: &mut Vec<PathBuf>,
    ) -> Result<(), DataError> {
        if !self.enter(folder)? {
            return Ok(());
        }
        let contents = self.read(folder, folder, false)?;
        for file in contents.files {
            if self.sort(&file, Some(class)) {
                files.push(file);
            }
        }
        for inner in contents.folders {
            self.files(&inner, class, files)?;
        }
        self.ancestors.pop();
        Ok(())
    }
}

/// Whether links lead in a circle: of all systems only some have a name for it.
fn is_loop(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(40 | 62))
}

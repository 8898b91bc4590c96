//! Image folders: `{train,validation,test}/<class>/…`, or `<class>/…` without splits. Files may be nested deeper.
//!
//! Whatever is passed over is counted and said: files of other formats by their format, folders that a system made by their names.

mod tally;
mod tree;

use crate::number::{form, number};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::definition::{FolderMeaning, Precedence, Source};
use super::split_name::{Match, SplitName, split_in_name, without_digits};
use super::table;
use crate::format::Format;
use crate::listing::{Entry, Listing, Lost};
use crate::names::{EXTENSIONS, NO_IMAGES, TABLES, extension, image_by_name, name_of};
use crate::paths::slashes;
use crate::{DataError, DeclaredSplit, Warning, class_order, escaped_name, identity_key};
use tally::{Tally, Unread, by_format, counted, listed, remedy, word};
use tree::Disk;
pub(super) use tree::{Contents, Tree};

pub(super) const SOURCE: Source = Source {
    words: "`{train,validation,test}/<class>/<image>`, or `<class>/<image>` split by Bakeoff.",
    precedence: Precedence::Remainder,
    claims_file: |_, _| false,
    claims_folder: |_| true,
    list: |path, options| list(path, options.folders).map_err(|error| table::beside(path, error)),
};

/// Deeper folders than this are a mistake (or a maze of links).
const MAX_DEPTH: usize = 32;

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

/// Refuses `<class>/<split>/<image>`, in which test images would be thrown together with the others.
fn refuse_splits_in_classes(root: &Path, found: &ImagesByClass, source: &Path) -> Result<(), DataError> {
    // By class the folders in it that hold images.
    let mut inner: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    for (class, files) in found {
        for (_, file) in files {
            let below: Vec<_> = file.strip_prefix(root).unwrap_or(file).iter().collect();
            if let [_, folder, _, ..] = below.as_slice()
                && !inner.get(class).is_some_and(|known| known.contains(&*escaped_name(folder)))
            {
                inner.entry(class).or_default().insert(escaped_name(folder).into_owned());
            }
        }
    }
    let mut times: BTreeMap<&String, usize> = BTreeMap::new();
    inner.values().flatten().for_each(|name| *times.entry(name).or_default() += 1);
    // A word within a name says nothing unless the name recurs.
    let split = |name: &String| {
        split_in_name(name)
            .filter(|found| found.how != Match::Within || times[name] > 1)
            .map(|found| found.split)
    };
    let splits = |names: &BTreeSet<String>| {
        names.iter().filter_map(split).map(|split| split as usize).collect::<BTreeSet<_>>()
    };
    let by_class: BTreeMap<&String, BTreeSet<usize>> = inner
        .iter()
        .map(|(class, names)| (*class, splits(names)))
        .filter(|(_, splits)| !splits.is_empty())
        .collect();
    // One class alone may well hold a folder called "train"; not one called "test" beside it.
    if by_class.len() < 2 && by_class.values().all(|splits| splits.len() < 2) {
        return Ok(());
    }
    let names: BTreeSet<&String> = inner.values().flatten().filter(|name| split(name).is_some()).collect();
    let names = listed(names.into_iter().cloned());
    let classes = listed(by_class.keys().map(|class| (*class).clone()));
    Err(DataError::unusable(
        source,
        format!(
            "holds the folders {classes} with {names} in them, which seem to be splits; Bakeoff reads <split>/<class>/<image>, and would \
             throw the splits of <class>/<split>/<image> together. Move the folders, so that {names} hold a folder for each class, or \
             name the split of each image in a table (source = \"csv\"); if they are no splits, name the classes in data.classes"
        ),
    ))
}

/// The images of each class.
type ImagesByClass = BTreeMap<String, Vec<(DeclaredSplit, PathBuf)>>;

/// What a file in an image folder is.
enum FileKind {
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

/// How folders at the top are understood.
#[derive(Default)]
struct Layout {
    /// Split folders; none: all folders are classes.
    splits: Vec<(PathBuf, DeclaredSplit)>,
    beside: Vec<PathBuf>,
}

struct Walk<'a> {
    tree: &'a dyn Tree,
    root: &'a Path,
    warnings: Vec<Warning>,
    /// Files used that are no images by name.
    looked_into: Tally,
    /// Images that belong to no class.
    loose: Tally,
    tables: Tally,
    others: Tally,
    special: Tally,
    unread: Unread,
    unread_by_class: BTreeMap<String, Unread>,
    /// Folders that a system made: how many, and the images in them, by name.
    passed: BTreeMap<String, (usize, usize)>,
    /// Real paths of the folders we are in, so that a link back to one of them is noticed.
    ancestors: Vec<PathBuf>,
    /// How often each real folder was entered.
    visits: HashMap<PathBuf, usize>,
    /// Folders in too many others.
    deep: Tally,
}

/// More ways than this lead to one folder in mazes of links only.
const MOST_VISITS: usize = 100;

/// The most files that are counted in folders that are passed over.
const MOST_COUNTED: usize = 100_000;

impl<'a> Walk<'a> {
    fn new(tree: &'a dyn Tree, root: &'a Path) -> Self {
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

    fn id(&self, path: &Path) -> String {
        slashes(path.strip_prefix(self.root).unwrap_or(path))
    }

    /// Reads a folder. One that cannot be listed is an error, for a class could be missing; so is, where folders are classes or splits, a
    /// link that leads nowhere and may have been a folder.
    fn read(&mut self, folder: &Path, called: &Path, of_classes: bool) -> Result<Contents, DataError> {
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

    fn kind(&self, file: &Path) -> FileKind {
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
    fn sort(&mut self, file: &Path, class: Option<&str>) -> bool {
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
    fn loose(&mut self, files: &[PathBuf]) {
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
    fn enter(&mut self, folder: &Path) -> Result<bool, DataError> {
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
    fn classes(
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

    fn class(
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
    fn files(&mut self, folder: &Path, class: &str, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
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

    /// Which folders at the top are splits, by their names and by what is in them.
    fn layout(&mut self, top: &Contents, source: &Path, meant: FolderMeaning) -> Result<Layout, DataError> {
        let named: Vec<(&PathBuf, Option<SplitName>)> =
            top.folders.iter().map(|folder| (folder, split_in_name(&name_of(folder)))).collect();
        let whole = |name: &Option<SplitName>| name.is_some_and(|name| name.how != Match::Within);
        let look = |folder: &Path| self.tree.read(folder).unwrap_or_default();
        let holds_folders = |folder: &Path| !look(folder).folders.is_empty();
        let holds_images_only = |folder: &Path| {
            let contents = look(folder);
            contents.folders.is_empty() && contents.files.iter().any(|file| image_by_name(file))
        };
        let is = |split: DeclaredSplit| {
            move |name: &Option<SplitName>| name.is_some_and(|name| name.split == split)
        };
        let is_train = is(DeclaredSplit::Train);
        // A class may well be called "test": the names mean splits only where there is a train folder or nothing else.
        let has_train = named.iter().any(|(_, name)| whole(name) && is_train(name));
        let mut taken: Vec<(&PathBuf, SplitName)> = Vec::new();
        if !named.is_empty() && (has_train || named.iter().all(|(_, name)| whole(name))) {
            let (by_word, others): (Vec<_>, Vec<_>) = named.iter().partition(|(_, name)| whole(name));
            // And a class may be called "train", beside "bus" and "car".
            if let [(train, _)] = by_word.as_slice()
                && holds_images_only(train)
                && others.iter().any(|(folder, _)| holds_images_only(folder))
            {
                self.warnings.push(Warning::ClassCalledSplit { folder: self.id(train) });
            } else {
                let covered = |split: DeclaredSplit| by_word.iter().any(|(_, name)| is(split)(name));
                let more = others.iter().filter(|(folder, name)| {
                    name.is_some_and(|name| !covered(name.split)) && holds_folders(folder)
                });
                taken.extend(
                    by_word.iter().chain(more).filter_map(|(folder, name)| Some((*folder, (*name)?))),
                );
            }
        } else if named.iter().any(|(_, name)| is_train(name)) {
            let alone = named.iter().all(|(_, name)| name.is_some());
            let splits: Vec<(&PathBuf, SplitName)> = named
                .iter()
                .filter_map(|(folder, name)| Some((*folder, (*name)?)))
                .filter(|(folder, _)| (alone && named.len() > 1) || holds_folders(folder))
                .collect();
            let kinds: BTreeSet<usize> = splits.iter().map(|(_, name)| name.split as usize).collect();
            let has_train = splits.iter().any(|(_, name)| name.split == DeclaredSplit::Train);
            // "train_station" beside "airport" is no split, nor are "train_1" and "train_2" alone.
            if has_train && (kinds.len() > 1 || (alone && splits.len() == 1)) {
                taken = splits;
            }
        }
        self.refuse_two_of_one_split(&taken, source)?;
        if taken.is_empty() && !meant.classes && !meant.subjects {
            self.refuse_splits_as_classes(&top.folders, source)?;
        }
        let by_name: Vec<String> = taken
            .iter()
            .filter(|(_, name)| name.how != Match::Exact)
            .map(|(folder, name)| format!("{} for {}", self.id(folder), word(name.split)))
            .collect();
        if !by_name.is_empty() {
            self.warnings.push(Warning::SplitsByName { taken: by_name.join(", ") });
        }
        let beside = top.folders.iter().filter(|folder| taken.iter().all(|(split, _)| split != folder));
        let beside = if taken.is_empty() { Vec::new() } else { beside.cloned().collect() };
        let splits = taken.into_iter().map(|(folder, name)| (folder.clone(), name.split)).collect();
        Ok(Layout { splits, beside })
    }

    /// `train_images` and `train_masks` are not one split; `train_1` and `train_2` are.
    fn refuse_two_of_one_split(
        &self,
        taken: &[(&PathBuf, SplitName)],
        source: &Path,
    ) -> Result<(), DataError> {
        for (at, (one, name)) in taken.iter().enumerate() {
            for (other, other_name) in &taken[at + 1..] {
                let by_word = name.how != Match::Within && other_name.how != Match::Within;
                let parts = without_digits(&name_of(one)) == without_digits(&name_of(other));
                if name.split == other_name.split && !by_word && !parts {
                    return Err(DataError::unusable(
                        source,
                        format!(
                            "holds {} and {}, which both seem to be the {} split; call the one that is meant {2}, and move the other \
                             elsewhere",
                            self.id(one),
                            self.id(other),
                            word(name.split)
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Folders that all hold the same folders are rather splits than classes.
    fn refuse_splits_as_classes(&self, folders: &[PathBuf], source: &Path) -> Result<(), DataError> {
        if folders.len() < 2 {
            return Ok(());
        }
        let mut common: Option<BTreeSet<String>> = None;
        let mut all = BTreeSet::new();
        let mut shown = BTreeMap::new();
        for folder in folders {
            let inner = self.tree.read(folder).unwrap_or_default().folders;
            let keys: BTreeSet<String> = inner.iter().map(|inner| identity_key(&name_of(inner))).collect();
            shown.extend(inner.iter().map(|inner| (identity_key(&name_of(inner)), name_of(inner))));
            let both = match common {
                None => keys.clone(),
                Some(common) => common.intersection(&keys).cloned().collect(),
            };
            // Most folders of images are told here, by the first one.
            if both.len() < 2 {
                return Ok(());
            }
            all.extend(keys);
            common = Some(both);
        }
        let common = common.unwrap_or_default();
        if common.len() * 2 < all.len() {
            return Ok(());
        }
        let splits = listed(folders.iter().map(|folder| name_of(folder)));
        let classes = listed(common.iter().filter_map(|key| shown.get(key).cloned()));
        Err(DataError::unusable(
            source,
            format!(
                "holds {splits}, and each of them holds the folders {classes}: which are the classes? If {splits} are splits, call them \
                 train, validation and test; if one of them is meant, name it in data.path; if they are the classes, put their \
                 images straight into them, or name them in data.classes; if {classes} are subjects, say so with data.group = {{ folder = 1 }}"
            ),
        ))
    }

    /// What there is where no image was found in a class.
    fn nothing(&self, top: &Contents, layout: &Layout) -> String {
        let mut there = Vec::new();
        let formats = self.unread.iter().filter(|(format, _)| **format != Format::Archive);
        there.extend(formats.map(|(format, tally)| {
            let convert = format.convert().map_or(String::new(), |line| format!(", for example with {line}"));
            format!(
                "{}: not read, convert {}{convert}",
                counted(tally, &format!("{format} file")),
                form(tally.count, "it", "them")
            )
        }));
        if let Some(archives) = self.unread.get(&Format::Archive) {
            there.push(format!("{}: unpack it, or name it in data.path", counted(archives, "archive")));
        }
        if self.tables.count > 0 {
            there.push(format!(
                "{}: if it lists the images, name it in data.path",
                counted(&self.tables, "table")
            ));
        }
        if self.special.count > 0 {
            let what = form(self.special.count, "pipe, socket or device", "pipes, sockets or devices");
            there.push(format!("{} {what} ({})", self.special.count, self.special.example));
        }
        if self.others.count > 0 {
            there.push(counted(&self.others, "other file"));
        }
        if !self.passed.is_empty() {
            there.push(format!("folders that are passed over: {}", self.passed_over()));
        }
        let there = there.join("; ");
        let table = "name the classes in a table (source = \"csv\")";
        let message = match self.loose.count {
            0 if there.is_empty() => {
                return "holds no images; expected <class>/<image> or {train,test}/<class>/<image>"
                    .to_owned();
            }
            0 => return format!("holds nothing that is read as an image, but {there}"),
            count if layout.splits.is_empty() || top.folders.is_empty() => {
                format!(
                    "holds {count} images but no class folders; put the images of each class into a folder of its own, or {table}"
                )
            }
            count => {
                let splits = listed(layout.splits.iter().map(|(folder, _)| name_of(folder)));
                format!(
                    "holds {count} images that stand in no class folder ({} for one); make a folder for each class in {splits} and move \
                     the images there, or {table}",
                    self.loose.example
                )
            }
        };
        if there.is_empty() { message } else { format!("{message}; it also holds {there}") }
    }

    /// Classes of which nothing is left but pictures that are not read.
    fn lost(&mut self, found: &ImagesByClass) -> Vec<Lost> {
        let mut lost = Vec::new();
        let mut heavy = Vec::new();
        let mut all = Unread::new();
        for (class, unread) in &self.unread_by_class {
            let count: usize = unread.values().map(|tally| tally.count).sum();
            let read = found.get(class).map_or(0, Vec::len);
            if read == 0 {
                lost.push(Lost { class: class.clone(), what: by_format(unread), remedy: remedy(unread) });
            } else if count * 10 > count + read {
                heavy.push(format!("{class} loses {} of {}", by_format(unread), count + read));
            }
            for (format, tally) in unread.iter().filter(|_| read > 0) {
                let sum = all.entry(*format).or_default();
                *sum = Tally { count: sum.count + tally.count, example: tally.example.clone() };
            }
        }
        let count: usize = all.values().map(|tally| tally.count).sum();
        if let Some(first) = all.values().next() {
            let (formats, remedy, example) = (by_format(&all), remedy(&all), first.example.clone());
            // First in the list: nothing else matters as much.
            self.warnings.insert(
                0,
                match heavy.is_empty() {
                    true => Warning::UnreadPictures { count, formats, example, remedy },
                    false => Warning::ClassesLosePictures {
                        count,
                        classes: listed(heavy.into_iter()),
                        example,
                        remedy,
                    },
                },
            );
        }
        lost
    }

    fn passed_over(&self) -> String {
        let each = self.passed.iter().map(|(name, (folders, images))| {
            let many = if *folders == 1 { String::new() } else { format!(" ({folders} folders)") };
            format!("{name}{many} with {}", number(images, "image"))
        });
        listed(each)
    }

    fn all_warnings(self) -> Vec<Warning> {
        let passed = (!self.passed.is_empty()).then(|| Warning::PassedOver { folders: self.passed_over() });
        let mut warnings = self.warnings;
        warnings.extend(passed);
        let said = |tally: Tally| (tally.count > 0).then_some((tally.count, tally.example));
        if let Some((count, example)) = said(self.deep) {
            warnings.push(Warning::TooDeep { count, example });
        }
        if let Some((count, example)) = said(self.special) {
            warnings.push(Warning::NoFiles { count, example });
        }
        if let Some((count, example)) = said(self.looked_into) {
            warnings.push(Warning::LookedInto { count, example });
        }
        // Pictures are told by class.
        let formats: Unread = self.unread.into_iter().filter(|(format, _)| !format.is_picture()).collect();
        if let Some(first) = formats.values().next() {
            warnings
                .push(Warning::OtherFormats { formats: by_format(&formats), example: first.example.clone() });
        }
        let count = self.others.count + self.tables.count;
        if let Some((_, example)) = said(self.others).or(said(self.tables)) {
            warnings.push(Warning::OtherFiles { count, example });
        }
        warnings
    }
}

/// Whether links lead in a circle: of all systems only some have a name for it.
fn is_loop(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(40 | 62))
}

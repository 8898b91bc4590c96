//! Which folders are splits and which are classes, by their names and by what is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::definition::FolderMeaning;
use super::super::split_name::{Match, SplitName, split_in_name, without_digits};
use super::tally::{listed, word};
use super::tree::Contents;
use super::walk::{ImagesByClass, Walk};
use crate::names::{image_by_name, name_of};
use crate::{DataError, DeclaredSplit, Warning, escaped_name, identity_key};

/// How folders at the top are understood.
#[derive(Default)]
pub(super) struct Layout {
    /// Split folders; none: all folders are classes.
    pub(super) splits: Vec<(PathBuf, DeclaredSplit)>,
    pub(super) beside: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Which folders at the top are splits, by their names and by what is in them.
    pub(super) fn layout(
        &mut self,
        top: &Contents,
        source: &Path,
        meant: FolderMeaning,
    ) -> Result<Layout, DataError> {
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
}

/// Refuses `<class>/<split>/<image>`, in which test images would be thrown together with the others.
pub(super) fn refuse_splits_in_classes(
    root: &Path,
    found: &ImagesByClass,
    source: &Path,
) -> Result<(), DataError> {
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

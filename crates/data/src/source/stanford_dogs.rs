//! Stanford Dogs as its authors distribute it: `images.tar` and `lists.tar`, or what comes out of them.
//!
//! Khosla et al., "Novel dataset for fine-grained image categorization", CVPR workshop 2011,
//! <http://vision.stanford.edu/aditya86/ImageNetDogs/>: 120 breeds, 12,000 train and 8,580 test images.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::definition::{Precedence, Source};
use crate::archive::{self, Archive};
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::matlab::{self, Value};
use crate::names::image_by_name;
use crate::paths::below;
use crate::store::Store;
use crate::stored_file::StoredFile;
use crate::{DataError, DeclaredSplit, Warning};

pub(super) const SOURCE: Source = Source {
    words: "Stanford Dogs as distributed: `images.tar` + `lists.tar`, or the same extracted.",
    precedence: Precedence::UniqueNames,
    claims_file: |_, name| FILES.contains(&name),
    claims_folder: |path| FILES.iter().any(|name| path.join(name).is_file()),
    list: |path, _| list(path),
};

/// The files of the data set, any of which gives it away.
const FILES: [&str; 4] = ["images.tar", "lists.tar", "train_list.mat", "test_list.mat"];

/// The lists as published have half a megabyte.
const MOST_LIST: u64 = 64 << 20;

const LISTS: [(&str, DeclaredSplit); 2] =
    [("train_list.mat", DeclaredSplit::Train), ("test_list.mat", DeclaredSplit::Test)];

/// Where the images are.
enum Images {
    Archive { file: StoredFile, members: HashMap<String, Location>, warnings: Vec<Warning> },
    Folder(PathBuf),
}

fn list(path: &Path) -> Result<Listing, DataError> {
    // Any file of the data set stands for the folder it is in.
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let images = images(root)?;
    let lists = lists(root)?;

    let mut breeds: BTreeMap<u64, String> = BTreeMap::new();
    let mut labelled = Vec::new();
    let mut listed: HashMap<String, DeclaredSplit> = HashMap::new();
    for (list, split, bytes) in lists {
        let wrong = |message: String| DataError::unusable(&list, message);
        let (files, labels) = files_and_labels(&bytes).map_err(wrong)?;
        for (number, (file, label)) in files.into_iter().zip(labels).enumerate() {
            let row = number + 1;
            let breed = match file.split('/').collect::<Vec<_>>()[..] {
                [breed, .., last]
                    if !last.is_empty() && !file.split('/').any(|part| part == ".." || part.is_empty()) =>
                {
                    breed.to_owned()
                }
                _ => return Err(wrong(format!("file_list row {row}: {file:?} is not <breed>/<file>"))),
            };
            if label.fract() != 0.0 || !(1.0..=100_000.0).contains(&label) {
                return Err(wrong(format!("labels row {row}: {label} is no class number, 1 or more")));
            }
            let label = label as u64;
            let known = breeds.entry(label).or_insert_with(|| breed.clone());
            if *known != breed {
                return Err(wrong(format!("row {row}: class {label} is both {known} and {breed}")));
            }
            if let Some(before) = listed.insert(file.clone(), split) {
                let both = if before == split { "twice" } else { "in train_list.mat as well" };
                return Err(wrong(format!("file_list row {row}: {file} is listed {both}")));
            }
            labelled.push((file, label, split));
        }
    }
    let positions: HashMap<u64, usize> =
        breeds.keys().enumerate().map(|(position, &label)| (label, position)).collect();
    let classes: Vec<String> = breeds.into_values().collect();
    let distinct: HashSet<&String> = classes.iter().collect();
    if distinct.len() != classes.len() {
        return Err(DataError::unusable(root, "the lists give one breed several class numbers"));
    }

    let mut entries: Vec<Entry> = labelled
        .into_iter()
        .map(|(file, label, split)| Entry {
            label: positions.get(&label).copied().unwrap_or_default(),
            split,
            location: images.locate(&file),
            id: format!("Images/{file}"),
        })
        .collect();
    let there = |entry: &Entry| match &entry.location {
        Location::File(path) => path.exists(),
        Location::Missing => false,
        _ => true,
    };
    if let Some(first) = entries.first()
        && !entries.iter().any(there)
    {
        return Err(DataError::unusable(
            images.path(),
            format!(
                "holds none of the {} images of the lists ({} for one); lists and images are not of the same data set",
                entries.len(),
                first.id
            ),
        ));
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    let mut warnings = Vec::new();
    let store = match images {
        Images::Archive { file, members, warnings: odd } => {
            warnings.extend(odd);
            let unlisted = members.keys().filter(|name| image_by_name(Path::new(name)));
            let unlisted = unlisted.filter(|name| !listed.contains_key(in_images(name)));
            if let Some(example) = unlisted.clone().min() {
                warnings.push(Warning::Unlisted {
                    archive: file.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    count: unlisted.count(),
                    example: example.clone(),
                });
            }
            Store::of(file)
        }
        Images::Folder(_) => Store::default(),
    };
    Ok(Listing { classes, entries, store, warnings, ..Listing::default() })
}

/// A member's name as the lists would give it.
fn in_images(member: &str) -> &str {
    member.strip_prefix("Images/").unwrap_or(member)
}

impl Images {
    fn path(&self) -> &Path {
        match self {
            Self::Archive { file, .. } => file.path(),
            Self::Folder(path) => path,
        }
    }

    fn locate(&self, file: &str) -> Location {
        match self {
            Self::Folder(folder) => Location::File(below(folder, file)),
            Self::Archive { members, .. } => {
                let member = members.get(&format!("Images/{file}")).or_else(|| members.get(file));
                member.cloned().unwrap_or(Location::Missing)
            }
        }
    }
}

/// The archive where there is one: an extracted folder beside it may be half done.
fn images(root: &Path) -> Result<Images, DataError> {
    let path = root.join("images.tar");
    if path.is_file() {
        let Archive { file, members, warnings } = archive::open_all(&path)?;
        let members = members.into_iter().map(|member| (member.name, member.location)).collect();
        return Ok(Images::Archive { file, members, warnings });
    }
    for name in ["Images", "images"] {
        let folder = root.join(name);
        if folder.is_dir() {
            return Ok(Images::Folder(folder));
        }
    }
    Err(DataError::unusable(
        root,
        "holds neither images.tar nor an Images folder; Stanford Dogs needs one of them beside its lists",
    ))
}

/// The two lists: where each is, its split, its bytes.
fn lists(root: &Path) -> Result<Vec<(PathBuf, DeclaredSplit, Vec<u8>)>, DataError> {
    let path = root.join("lists.tar");
    let mut packed = HashMap::new();
    if path.is_file() {
        for (name, bytes) in archive::read_all(&path)? {
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            packed.insert(name, bytes);
        }
    }
    LISTS
        .iter()
        .map(|&(name, split)| {
            if let Some(bytes) = packed.remove(name) {
                return Ok((path.join(name), split, bytes));
            }
            let file = [root.join(name), root.join("lists").join(name)].into_iter().find(|file| file.is_file());
            let Some(file) = file else {
                return Err(DataError::unusable(
                    root,
                    format!(
                        "{name} is neither in lists.tar nor a file of its own: without it train and test are not \
                         known; fetch lists.tar, or use source = \"folder\" on the Images folder to split it anew"
                    ),
                ));
            };
            let bytes = StoredFile::read_all(&file, MOST_LIST)?;
            Ok((file, split, bytes))
        })
        .collect()
}

fn files_and_labels(bytes: &[u8]) -> Result<(Vec<String>, Vec<f64>), String> {
    let mut values = matlab::read(bytes)?;
    let Some(Value::Cell(files)) = values.remove("file_list") else {
        return Err("has no cell array file_list; it is not a list of Stanford Dogs".into());
    };
    let Some(Value::Numbers(labels)) = values.remove("labels") else {
        return Err("has no numeric array labels; it is not a list of Stanford Dogs".into());
    };
    if files.len() != labels.len() {
        return Err(format!("names {} files but {} labels", files.len(), labels.len()));
    }
    let files: Result<Vec<String>, String> = files
        .into_iter()
        .enumerate()
        .map(|(number, file)| match file {
            Value::Text(file) => Ok(file),
            _ => Err(format!("file_list row {} is no text", number + 1)),
        })
        .collect();
    Ok((files?, labels))
}

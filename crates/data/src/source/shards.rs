//! Files of one kind in a folder, each with a split in its name: `train-00000-of-00005.parquet`, `val/0001.tar`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::folder::{is_hidden, name_of, split_by_name};
use crate::{DataError, DeclaredSplit};

/// How deep shards may lie below the folder that was named.
const DEPTH: usize = 3;
/// How many missing files an error names.
const NAMED: usize = 5;

/// A file and the split its name declares.
#[derive(Debug, PartialEq)]
pub(super) struct Shard {
    pub(super) path: PathBuf,
    pub(super) split: DeclaredSplit,
}

/// The shards at a path: the file itself, or all files of such a name in the folder, sorted.
pub(super) fn find(path: &Path, is_shard: &dyn Fn(&str) -> bool) -> Result<Vec<Shard>, DataError> {
    if path.is_file() {
        return Ok(vec![Shard {
            path: path.to_owned(),
            split: split_of(path, path.parent().unwrap_or(path)),
        }]);
    }
    let mut files = Vec::new();
    collect(path, 0, is_shard, &mut files);
    files.sort();
    let shards: Vec<Shard> =
        files.into_iter().map(|file| Shard { split: split_of(&file, path), path: file }).collect();
    let sets: BTreeSet<PathBuf> = shards.iter().map(|shard| set_of(&shard.path)).collect();
    if sets.len() > 1 {
        let names: Vec<String> = sets.iter().map(|set| set.display().to_string()).collect();
        return Err(DataError::unusable(
            path,
            format!("holds several data sets: {}; name one of them", names.join(", ")),
        ));
    }
    refuse_missing(path, &shards)?;
    Ok(shards)
}

/// Whether there is any.
pub(super) fn any(path: &Path, is_shard: &dyn Fn(&str) -> bool) -> bool {
    let mut files = Vec::new();
    collect(path, 0, is_shard, &mut files);
    !files.is_empty()
}

fn collect(folder: &Path, depth: usize, is_shard: &dyn Fn(&str) -> bool, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = name_of(&path);
        if is_hidden(&name) {
            continue;
        }
        // Links to folders are not followed: they may lead anywhere.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEPTH => collect(&path, depth + 1, is_shard, files),
            Ok(_) if is_shard(&name.to_lowercase()) && path.is_file() => files.push(path),
            _ => {}
        }
    }
}

/// The folder of a shard, without the folders that stand for a split.
fn set_of(shard: &Path) -> PathBuf {
    let folder = shard.parent().unwrap_or(Path::new(""));
    match split_by_name(&name_of(folder)) {
        Some(_) => folder.parent().unwrap_or(Path::new("")).to_owned(),
        None => folder.to_owned(),
    }
}

/// The first word of the file's name, or else of the folders above it up to `root`, that is a split's.
fn split_of(file: &Path, root: &Path) -> DeclaredSplit {
    let below = file.strip_prefix(root).unwrap_or(file);
    let parts: Vec<String> = below.iter().rev().map(|part| part.to_string_lossy().into_owned()).collect();
    let words = parts.iter().flat_map(|part| part.split(|c: char| !c.is_alphanumeric()));
    words.filter_map(split_by_name).next().unwrap_or(DeclaredSplit::Undeclared)
}

/// Refuses a set of `…-00000-of-00005…` that is not whole.
fn refuse_missing(path: &Path, shards: &[Shard]) -> Result<(), DataError> {
    let mut sets: BTreeMap<(PathBuf, usize), BTreeSet<usize>> = BTreeMap::new();
    for shard in shards {
        if let Some((before, index, count)) = numbered(&shard.path) {
            sets.entry((before, count)).or_default().insert(index);
        }
    }
    let missing: Vec<String> = sets
        .iter()
        .flat_map(|((before, count), there)| {
            let absent = (0..*count).filter(|index| !there.contains(index));
            absent.map(move |index| format!("{}-{index:05}-of-{count:05}", name_of(before)))
        })
        .take(NAMED + 1)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let more = if missing.len() > NAMED { ", …" } else { "" };
    Err(DataError::unusable(
        path,
        format!(
            "is not whole: {}{more} is missing; copy the missing shards here, or name the files of other splits one by one",
            missing[..missing.len().min(NAMED)].join(", ")
        ),
    ))
}

/// `train`, 0 and 5 of `train-00000-of-00005-0123abcd.parquet`.
fn numbered(file: &Path) -> Option<(PathBuf, usize, usize)> {
    let name = name_of(file);
    let at = name.find("-of-")?;
    let (before, index) = name[..at].rsplit_once('-')?;
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let after = &name[at + 4..];
    let count = after[..digits(after)].parse().ok().filter(|&count| count <= 100_000)?;
    Some((file.with_file_name(before), index.parse().ok()?, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_split() {
        for (name, split) in [
            ("data/train-00000-of-00001-9f.parquet", DeclaredSplit::Train),
            ("plain_text/test/0000.parquet", DeclaredSplit::Test),
            ("imagenet1k-validation-00.tar", DeclaredSplit::Validation),
            ("val/shard_0003.tar", DeclaredSplit::Validation),
            ("trained-0003.tar", DeclaredSplit::Undeclared),
            ("0003.tar", DeclaredSplit::Undeclared),
        ] {
            assert_eq!(split_of(&Path::new("test/set").join(name), Path::new("test/set")), split, "{name}");
        }
    }
}

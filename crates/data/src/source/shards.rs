//! Files of one kind in a folder, each with a split in its name: `train-00000-of-00005.parquet`, `val/0001.tar`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::split_name::{Match, SplitName, split_by_word, split_in_name, without_digits};
use crate::names::{is_hidden, name_of};
use crate::paths::slashes;
use crate::{DataError, DeclaredSplit, Warning};

/// How deep shards may lie below the folder that was named.
const DEPTH: usize = 3;
/// How many missing files an error names.
const NAMED: usize = 5;
/// Ends of names that say nothing of splits.
const EXTENSIONS: [&str; 4] = [".tar.gz", ".tgz", ".tar", ".parquet"];

/// A file and the split its name declares.
#[derive(Debug, PartialEq)]
pub(super) struct Shard {
    pub(super) path: PathBuf,
    pub(super) split: DeclaredSplit,
}

/// The shards at a path.
#[derive(Debug, Default)]
pub(super) struct Shards {
    /// In the order of their names.
    pub(super) files: Vec<Shard>,
    /// What was found out from their names.
    pub(super) warnings: Vec<Warning>,
    /// A file without a split, where others have one.
    pub(super) without_split: Option<String>,
}

/// The shards at a path: the file itself, or all files of such a name in the folder, sorted.
pub(super) fn find(path: &Path, is_shard: &dyn Fn(&str) -> bool) -> Result<Shards, DataError> {
    if path.is_file() {
        return Ok(with_splits(vec![path.to_owned()], path.parent().unwrap_or(path)));
    }
    let (mut files, mut special) = (Vec::new(), Vec::new());
    collect(path, 0, is_shard, &mut files, &mut special)?;
    files.sort();
    let mut shards = with_splits(files, path);
    if let Some(example) = special.iter().min() {
        let example = slashes(example.strip_prefix(path).unwrap_or(example));
        shards.warnings.push(Warning::NoFiles { count: special.len(), example });
    }
    let sets: BTreeSet<PathBuf> = shards.files.iter().map(|shard| set_of(&shard.path)).collect();
    if sets.len() > 1 {
        let names: Vec<String> = sets.iter().map(|set| set.display().to_string()).collect();
        return Err(DataError::unusable(
            path,
            format!("holds several data sets: {}; name one of them", names.join(", ")),
        ));
    }
    refuse_missing(path, &shards.files)?;
    Ok(shards)
}

/// Whether there is any.
pub(super) fn any(path: &Path, is_shard: &dyn Fn(&str) -> bool) -> bool {
    let mut files = Vec::new();
    // Whoever lists it is told what could not be read.
    let _ = collect(path, 0, is_shard, &mut files, &mut Vec::new());
    !files.is_empty()
}

/// A folder that cannot be listed is an error, for shards could be missing.
fn collect(
    folder: &Path,
    depth: usize,
    is_shard: &dyn Fn(&str) -> bool,
    files: &mut Vec<PathBuf>,
    special: &mut Vec<PathBuf>,
) -> Result<(), DataError> {
    for entry in std::fs::read_dir(folder).map_err(DataError::io(folder))? {
        let entry = entry.map_err(DataError::io(folder))?;
        let path = entry.path();
        let name = name_of(&path);
        if is_hidden(&name) {
            continue;
        }
        // Links to folders are not followed: they may lead anywhere.
        if entry.file_type().map_err(DataError::io(&path))?.is_dir() {
            if depth < DEPTH {
                collect(&path, depth + 1, is_shard, files, special)?;
            }
        } else if is_shard(&name.to_lowercase()) {
            // A link that leads nowhere may have been a shard.
            let kind = std::fs::metadata(&path).map_err(DataError::io(&path))?;
            if kind.is_file() {
                files.push(path);
            } else if !kind.is_dir() {
                special.push(path);
            }
        }
    }
    Ok(())
}

/// The folder of a shard, without the folders that stand for a split.
fn set_of(shard: &Path) -> PathBuf {
    let folder = shard.parent().unwrap_or(Path::new(""));
    match split_in_name(&name_of(folder)) {
        Some(_) => folder.parent().unwrap_or(Path::new("")).to_owned(),
        None => folder.to_owned(),
    }
}

/// Gives each file its split, by the rule for folders: a name that is a split's word but for its numbers stands for itself, and a name
/// that holds such a word does where it stands beside other splits, or where all names are alike.
fn with_splits(files: Vec<PathBuf>, root: &Path) -> Shards {
    let found: Vec<Option<(String, SplitName)>> = files.iter().map(|file| split_of(file, root)).collect();
    let is_plain = |name: &SplitName| name.how != Match::Within;
    let splits = || found.iter().flatten().map(|(_, name)| name);
    let kinds: BTreeSet<usize> = splits().map(|name| name.split as usize).collect();
    let stems: BTreeSet<String> = found.iter().flatten().map(|(part, _)| without_digits(part)).collect();
    let alone = found.iter().all(Option::is_some) && stems.len() == 1;
    // "train_station" beside "bus" is no split.
    let takes = splits().any(is_plain) || kinds.len() > 1 || alone;
    let mut shards = Shards::default();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for (path, found) in files.into_iter().zip(found) {
        let found = found.filter(|(_, name)| takes || is_plain(name));
        if let Some((part, name)) = found.as_ref().filter(|(_, name)| name.how != Match::Exact) {
            let line = || format!("{part} for {}", name.split.name());
            taken.entry(without_digits(part)).or_insert_with(line);
        }
        let split = found.map_or(DeclaredSplit::Undeclared, |(_, name)| name.split);
        shards.files.push(Shard { path, split });
    }
    let declared = |shard: &&Shard| shard.split != DeclaredSplit::Undeclared;
    if shards.files.iter().any(|shard| declared(&shard)) {
        shards.without_split =
            shards.files.iter().find(|shard| !declared(shard)).map(|shard| name_of(&shard.path));
    }
    if !taken.is_empty() {
        let more = if taken.len() > NAMED { ", …" } else { "" };
        let taken: Vec<String> = taken.into_values().take(NAMED).collect();
        shards.warnings.push(Warning::SplitsByName { taken: taken.join(", ") + more });
    }
    shards
}

/// The split that a file's name or, up to `root`, those of the folders above it stand for, and the name that does: one that says
/// nothing else counts more than one that holds the word.
fn split_of(file: &Path, root: &Path) -> Option<(String, SplitName)> {
    let below = file.strip_prefix(root).unwrap_or(file);
    let mut parts: Vec<String> = below.iter().rev().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = parts.first().cloned().unwrap_or_default();
    if let Some(first) = parts.first_mut() {
        let lower = first.to_lowercase();
        let end = EXTENSIONS.iter().find(|end| lower.ends_with(**end)).map_or(0, |end| end.len());
        first.truncate(first.len() - end);
    }
    let said = |at: usize| if at == 0 { name.clone() } else { parts[at].clone() };
    let plain =
        parts.iter().enumerate().find_map(|(at, part)| Some((said(at), split_by_word(&unnumbered(part)?)?)));
    plain.or_else(|| parts.iter().enumerate().find_map(|(at, part)| Some((said(at), split_in_name(part)?))))
}

/// The only word of a name that is no number and no checksum: `train` of `train-00000-of-00005-0123abcd`.
fn unnumbered(name: &str) -> Option<String> {
    let is_checksum = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && (word.len() >= 8 || word.bytes().any(|byte| byte.is_ascii_digit()))
    };
    let numbered = |word: &&str| word.is_empty() || *word == "of" || is_checksum(word);
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !numbered(word));
    let word = words.next()?;
    words.next().is_none().then(|| word.to_owned())
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

    fn splits(names: &[&str]) -> (Vec<DeclaredSplit>, String) {
        let root = Path::new("test/set");
        let shards = with_splits(names.iter().map(|name| root.join(name)).collect(), root);
        let said = shards.warnings.iter().map(ToString::to_string).collect();
        (shards.files.iter().map(|shard| shard.split).collect(), said)
    }

    #[test]
    fn a_name_tells_the_split() {
        use DeclaredSplit::{Test, Train, Undeclared, Validation};
        for (name, split, is_said) in [
            ("data/train-00000-of-00001-9f.parquet", Train, false),
            ("data/train-00000-of-00002-a09b74b3ef9c3b56.parquet", Train, false),
            ("data/validation-00000-of-00002-abcdefab.parquet", Validation, false),
            ("plain_text/test/0000.parquet", Test, false),
            ("train/0000.parquet", Train, false),
            ("train.parquet", Train, false),
            ("train_000.tar.gz", Train, false),
            ("val/shard_0003.tar", Validation, false),
            ("val/train_station_0003.tar", Validation, false),
            ("imagenet1k-validation-00.tar", Validation, true),
            ("dogs-val-000000.tar", Validation, true),
            ("dogs.val.000000.TAR", Validation, true),
            ("val2017-000.tar", Validation, true),
            ("testset-000.tar", Test, true),
            ("training_set.parquet", Train, true),
            ("train2017/0003.tar", Train, true),
            ("훈련-000.tar", Train, true),
            ("trained-0003.tar", Undeclared, false),
            ("not_test.parquet", Undeclared, false),
            ("0003.tar", Undeclared, false),
        ] {
            let (found, said) = splits(&[name]);
            assert_eq!((found, !said.is_empty()), (vec![split], is_said), "{name}: {said}");
        }
    }

    #[test]
    fn a_word_within_a_name_counts_beside_other_splits_only() {
        use DeclaredSplit::{Test, Train, Undeclared, Validation};
        for (names, expected) in [
            (&["train-000.tar", "val2017-000.tar"][..], &[Train, Validation][..]),
            (&["dogs-train-000.tar", "dogs-val-000.tar"], &[Train, Validation]),
            (
                &["train-000.tar", "testing-000.tar", "testset-000.tar", "evaluation-000.tar"],
                &[Train, Test, Test, Undeclared],
            ),
            (&["training_set.parquet", "testset.parquet"], &[Train, Test]),
            (&["bus-000.tar", "train_station-000.tar"], &[Undeclared, Undeclared]),
            (&["train.parquet", "not_test.parquet", "train_extra.parquet"], &[Train, Undeclared, Train]),
            (&["train.parquet", "eval.parquet"], &[Train, Undeclared]),
        ] {
            assert_eq!(splits(names).0, expected, "{names:?}");
        }
        assert!(
            splits(&["train-000.tar", "val2017-000.tar", "val2017-001.tar"])
                .1
                .contains("splits: val2017-000.tar for validation;")
        );
    }
}

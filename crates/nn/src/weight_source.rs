//! Weights as people have them: one file, a folder, several parts with an index, names behind a prefix, two networks in one file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::prefix::{self, NotSelected, Selected};
use crate::weight_file::{LARGEST_FILE, read_tensors};
use crate::{NnError, Weights};

/// The weights of one network, read from wherever they stand, and what had to be inferred.
#[derive(Clone, Debug)]
pub struct WeightSource {
    /// Tensors under the network's own names.
    pub weights: Weights,
    /// What the file says of them.
    pub metadata: HashMap<String, String>,
    /// What was inferred. To be told to whoever named the weights.
    pub notes: Vec<WeightNote>,
}

/// Something that was inferred about weights.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightNote {
    /// A folder was named; this file of it is read.
    File(PathBuf),
    /// A folder was named that holds the parts of one network and no index; all of them are read.
    FolderOfParts {
        /// How many.
        parts: usize,
        /// The first.
        first: String,
    },
    /// One part was named; all of them are read.
    Parts {
        /// How many.
        parts: usize,
        /// The index they were found by, where there is one.
        index: Option<PathBuf>,
    },
    /// All names began with this, which was taken off.
    Prefix(String),
    /// There are several networks.
    Networks {
        /// The prefix of the one that is used; empty for plain names.
        used: String,
        /// The prefixes of the others.
        others: Vec<String>,
    },
}

impl fmt::Display for WeightNote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(formatter, "a folder was named; its {} is read", file_name(file)),
            Self::FolderOfParts { parts, first } => {
                write!(
                    formatter,
                    "a folder was named; its {parts} parts are all read, {first} and those after it"
                )
            }
            Self::Parts { parts, index: Some(index) } => {
                write!(
                    formatter,
                    "one of {parts} parts was named; all are read, as {} lists them",
                    file_name(index)
                )
            }
            Self::Parts { parts, index: None } => {
                write!(formatter, "one of {parts} parts was named; all are read")
            }
            Self::Prefix(prefix) => {
                write!(formatter, "the parameter names begin with `{prefix}`, which was taken off")
            }
            Self::Networks { used, others } => {
                let used = match used.as_str() {
                    "" => "the one with plain names is used".to_owned(),
                    used => format!("the one whose names begin with `{used}` is used"),
                };
                write!(
                    formatter,
                    "the file holds {} networks: {used}, not that with {}",
                    others.len() + 1,
                    prefix::words(others)
                )
            }
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// What an index is called after the name of what it lists.
const INDEX: &str = ".safetensors.index.json";

/// Bytes of an index at most; the largest networks have some hundred kilobytes.
const LARGEST_INDEX: u64 = 64 << 20;

/// Metadata that may differ between the parts of one network: of the file, not of the network.
const OF_A_PART: [&str; 10] = [
    "format",
    "total_size",
    "total_parameters",
    "part",
    "shard",
    "file",
    "filename",
    "sha256",
    "date",
    "created",
];

/// Parts at most.
const MOST_PARTS: usize = 10_000;

/// `model-00001-of-00002.safetensors`, taken apart.
struct Part<'n> {
    stem: &'n str,
    digits: usize,
    of: usize,
}

impl<'n> Part<'n> {
    fn of(name: &'n str) -> Option<Self> {
        let (rest, of) = name.strip_suffix(".safetensors")?.rsplit_once("-of-")?;
        let (stem, number) = rest.rsplit_once('-')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let of_parts = of.parse().ok().filter(|parts| (1..=MOST_PARTS).contains(parts))?;
        (digits(number) && digits(of)).then_some(Self { stem, digits: number.len(), of: of_parts })
    }

    fn names(&self) -> Vec<String> {
        let Self { stem, digits, of } = self;
        (1..=*of).map(|number| format!("{stem}-{number:0digits$}-of-{of:0digits$}.safetensors")).collect()
    }
}

#[derive(Deserialize)]
struct Index {
    /// The file of each tensor.
    weight_map: BTreeMap<String, String>,
}

/// What is read.
enum Files {
    One(PathBuf),
    Parts(PathBuf, Vec<String>),
    Index(PathBuf),
}

impl WeightSource {
    /// Reads the weights at `path`: a safetensors file, the index of several, one of those, or a folder that holds one of
    /// either. Where the names of a network's parameters stand behind a common prefix, that is taken off. Where there are several
    /// networks, `prefix` says which one is meant (`""`: the one with plain names, which is also used when nothing is said).
    ///
    /// # Errors
    /// Files that are missing, are not safetensors, or hold another number type; several networks of which none has plain names,
    /// a prefix that is not there.
    pub fn read(path: &Path, prefix: Option<&str>) -> Result<Self, NnError> {
        let mut notes = Vec::new();
        let (weights, metadata) = match files(path, &mut notes)? {
            Files::One(file) => Weights::read(&file)?,
            Files::Index(index) => read_index(&index)?,
            Files::Parts(folder, names) => {
                let parts = names.into_iter().map(|name| (name, None)).collect();
                read_parts(&folder, parts, path)?
            }
        };
        let (weights, selected) = prefix::select(weights, prefix).map_err(|not| match not {
            NotSelected::Several(prefixes) => NnError::SeveralNetworks { path: path.into(), prefixes },
            NotSelected::Absent(prefixes) => NnError::NoSuchPrefix {
                path: path.into(),
                prefix: prefix.unwrap_or_default().into(),
                prefixes,
            },
        })?;
        match selected {
            Selected::AsTheyAre => {}
            Selected::Behind(used, others) if others.is_empty() => notes.push(WeightNote::Prefix(used)),
            Selected::Behind(used, others) => notes.push(WeightNote::Networks { used, others }),
        }
        Ok(Self { weights, metadata, notes })
    }
}

fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> NnError {
    move |source| NnError::Io { path: path.into(), action, source }
}

fn broken(path: &Path, reason: impl Into<String>) -> NnError {
    NnError::WeightFile { path: path.into(), reason: reason.into() }
}

/// Which files a path means.
fn files(path: &Path, notes: &mut Vec<WeightNote>) -> Result<Files, NnError> {
    if path.is_dir() {
        let file = file_of_folder(path)?;
        let found = files(&file, &mut Vec::new())?;
        notes.push(match &found {
            Files::Parts(_, names) => WeightNote::FolderOfParts {
                parts: names.len(),
                first: names.first().cloned().unwrap_or_default(),
            },
            Files::Index(index) => WeightNote::File(index.clone()),
            Files::One(file) => WeightNote::File(file.clone()),
        });
        return Ok(found);
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return Ok(Files::Index(path.into()));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(part) = Part::of(name).filter(|part| part.of > 1) else { return Ok(Files::One(path.into())) };
    let index = path.with_file_name(format!("{}{INDEX}", part.stem));
    if index.is_file() {
        notes.push(WeightNote::Parts { parts: part.of, index: Some(index.clone()) });
        return Ok(Files::Index(index));
    }
    notes.push(WeightNote::Parts { parts: part.of, index: None });
    Ok(Files::Parts(path.parent().unwrap_or(Path::new("")).into(), part.names()))
}

/// The one thing in a folder that weights can be read from.
fn file_of_folder(folder: &Path) -> Result<PathBuf, NnError> {
    let (mut indexes, mut singles, mut parts) = (Vec::new(), Vec::new(), BTreeMap::new());
    for entry in fs::read_dir(folder).map_err(io(folder, "look into the folder"))? {
        let name = entry.map_err(io(folder, "look into the folder"))?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(INDEX) {
            indexes.push(name.to_owned());
        } else if let Some(part) = Part::of(name).filter(|part| part.of > 1) {
            // Parts of two and parts of three are two networks.
            let first = parts.entry((part.stem.to_owned(), part.of)).or_insert_with(|| name.to_owned());
            if name < first.as_str() {
                *first = name.to_owned();
            }
        } else if name.ends_with(".safetensors") {
            singles.push(name.to_owned());
        }
    }
    // Parts that an index lists are that index's.
    parts.retain(|(stem, _), _| !indexes.contains(&format!("{stem}{INDEX}")));
    let mut found: Vec<String> = indexes.into_iter().chain(singles).chain(parts.into_values()).collect();
    found.sort();
    match found.as_slice() {
        [only] => Ok(folder.join(only)),
        [] => Err(broken(folder, "the folder holds no safetensors file; name the file with the weights")),
        several => {
            let first: Vec<&str> = several.iter().take(5).map(String::as_str).collect();
            let more =
                if several.len() > 5 { format!(" and {} more", several.len() - 5) } else { String::new() };
            Err(broken(
                folder,
                format!(
                    "the folder holds several files with weights; name one of {}{more}",
                    first.join(", ")
                ),
            ))
        }
    }
}

/// The tensors that an index lists, from the files beside it.
fn read_index(path: &Path) -> Result<(Weights, HashMap<String, String>), NnError> {
    let bytes = bakeoff_files::read(path, LARGEST_INDEX).map_err(|error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => broken(
            path,
            "too large to be an index of weights; name the model.safetensors.index.json or a safetensors file",
        ),
        _ => io(path, "read the index")(error),
    })?;
    let index: Index = serde_json::from_slice(&bytes).map_err(|error| {
        let reason = format!(
            "not an index of weights, which has a `weight_map` from names to files ({error}); name the model.safetensors.index.json or a \
             safetensors file"
        );
        broken(path, reason)
    })?;
    let mut files: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    for (name, file) in index.weight_map {
        let inside = !file.contains('\\')
            && Path::new(&file).components().all(|part| matches!(part, Component::Normal(_)))
            && Path::new(&file).components().next().is_some();
        if !inside {
            return Err(broken(
                path,
                format!("`{name}` is said to stand in {file:?}, which is not in the index's folder"),
            ));
        }
        files.entry(file).or_default().insert(name);
    }
    if files.is_empty() {
        return Err(broken(path, "the index lists no tensors"));
    }
    let parts = files.into_iter().map(|(file, names)| (file, Some(names))).collect();
    read_parts(path.parent().unwrap_or(Path::new("")), parts, path)
}

/// The tensors of several files, of each all or those named.
fn read_parts(
    folder: &Path,
    parts: Vec<(String, Option<HashSet<String>>)>,
    asked: &Path,
) -> Result<(Weights, HashMap<String, String>), NnError> {
    let missing: Vec<&str> =
        parts.iter().map(|(file, _)| file.as_str()).filter(|file| !folder.join(file).is_file()).collect();
    if let Some(first) = missing.first() {
        let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
        let what = format!(
            "{first}{more} of the {} parts is not there: fetch what is missing and put it beside the others",
            parts.len()
        );
        return Err(broken(asked, what));
    }
    let size = |(file, _): &(String, _)| fs::metadata(folder.join(file)).map_or(0, |found| found.len());
    if parts.iter().map(size).fold(0, u64::saturating_add) > LARGEST_FILE {
        let most = LARGEST_FILE >> 30;
        return Err(broken(
            asked,
            format!("its parts have more than {most} GiB together, more than is read"),
        ));
    }
    let (mut weights, mut metadata) = (Weights::new(), BTreeMap::new());
    let mut part_of: HashMap<String, String> = HashMap::new();
    for (file, names) in parts {
        let path = folder.join(&file);
        let wanted = names.as_ref();
        let mut part = Weights::new();
        let told: BTreeMap<String, String> = read_tensors(&path, &mut part, wanted)?.into_iter().collect();
        let apart = |other: &str, what: String| {
            let what = format!(
                "{other} and {file} are no parts of one network: {what}; put the parts of one network beside each other"
            );
            Err(broken(asked, what))
        };
        for (key, value) in told {
            match metadata.get(&key) {
                None => {
                    metadata.insert(key, (value, file.clone()));
                }
                Some((other, in_file)) if *other != value && !OF_A_PART.contains(&key.as_str()) => {
                    let short = |text: &str| text.chars().take(60).collect::<String>();
                    let what = format!(
                        "their metadata's `{}` is {:?} and {:?}",
                        short(&key),
                        short(other),
                        short(&value)
                    );
                    return apart(in_file, what);
                }
                Some(_) => {}
            }
        }
        let mut absent: Vec<&String> = wanted
            .into_iter()
            .flatten()
            .filter(|name| part.get(name).is_none() && !crate::weight_file::is_counter(name))
            .collect();
        absent.sort();
        if let Some(first) = absent.first() {
            let count = absent.len();
            let what = format!(
                "the index lists tensors in this file that are not in it, {count} in all, {first} for one; fetch both again"
            );
            return Err(broken(&path, what));
        }
        for (name, tensor) in part.into_tensors() {
            if let Some(other) = part_of.get(&name) {
                return apart(other, format!("both hold `{name}`"));
            }
            part_of.insert(name.clone(), file.clone());
            weights.insert(name, tensor);
        }
    }
    Ok((weights, metadata.into_iter().map(|(key, (value, _))| (key, value)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    fn tiny() -> Weights {
        Weights::initial(&Model::by_name("resnet-tiny", 5, 32).unwrap(), 1)
    }

    /// The tensors in two parts, with or without their index.
    fn write_parts(folder: &Path, weights: &Weights, index: bool) {
        let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        let mut parts = [Weights::new(), Weights::new()];
        let mut map = serde_json::Map::new();
        for (number, (name, tensor)) in weights.iter().enumerate() {
            parts[number % 2].insert(name, tensor.clone());
            map.insert(name.into(), names[number % 2].into());
        }
        for (name, part) in names.iter().zip(&parts) {
            part.write(&folder.join(name), HashMap::from([("format".into(), "pt".into())])).unwrap();
        }
        if index {
            let text = serde_json::json!({"metadata": {"total_size": 1}, "weight_map": map}).to_string();
            fs::write(folder.join("model.safetensors.index.json"), text).unwrap();
        }
    }

    fn same(a: &Weights, b: &Weights) -> bool {
        a.len() == b.len() && a.iter().all(|(name, tensor)| b.get(name) == Some(tensor))
    }

    #[test]
    fn parts_are_read_by_their_index_their_folder_or_one_of_them() {
        let weights = tiny();
        for index in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            write_parts(folder.path(), &weights, index);
            let mut ways = vec![
                folder.path().to_owned(),
                folder.path().join("model-00001-of-00002.safetensors"),
                folder.path().join("model-00002-of-00002.safetensors"),
            ];
            if index {
                ways.push(folder.path().join("model.safetensors.index.json"));
            }
            for way in ways {
                let read = WeightSource::read(&way, None).unwrap();
                assert!(same(&read.weights, &weights), "{way:?}");
                assert_eq!(read.metadata["format"], "pt");
                assert_eq!(
                    read.notes.is_empty(),
                    way.extension().is_some_and(|e| e == "json"),
                    "{:?}",
                    read.notes
                );
            }
            fs::remove_file(folder.path().join("model-00002-of-00002.safetensors")).unwrap();
            for way in [folder.path().to_owned(), folder.path().join("model-00001-of-00002.safetensors")] {
                let error = WeightSource::read(&way, None).unwrap_err().to_string();
                assert!(
                    error.contains("model-00002-of-00002.safetensors of the 2 parts is not there"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn parts_that_contradict_each_other_are_refused() {
        let write = |folder: &Path, told: [&[(&str, &str)]; 2], twice: bool| {
            write_parts(folder, &tiny(), true);
            for (number, told) in told.into_iter().enumerate() {
                let path = folder.join(format!("model-0000{}-of-00002.safetensors", number + 1));
                let (mut part, _) = Weights::read(&path).unwrap();
                if twice {
                    part.insert("conv1.weight", tiny().get("conv1.weight").unwrap().clone());
                }
                let told = told.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
                part.write(&path, told.collect()).unwrap();
            }
        };
        let index = "model.safetensors.index.json";
        for (told, twice, with_index, said) in [
            ([&[("seed", "1")][..], &[("seed", "2")]], false, true, r#"`seed` is "1" and "2""#),
            ([&[("trial", "a")], &[("trial", "b")]], false, false, r#"`trial` is "a" and "b""#),
            ([&[("author", "a")], &[("author", "b")]], false, false, "`author` is"),
            ([&[("format", "pt")], &[("format", "np")]], false, false, ""),
            ([&[("seed", "1")], &[]], false, false, ""),
            ([&[], &[]], true, false, "both hold `conv1.weight`"),
            // An index says which of the two is meant.
            ([&[], &[]], true, true, ""),
        ] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), told, twice);
            if !with_index {
                fs::remove_file(folder.path().join(index)).unwrap();
            }
            match WeightSource::read(folder.path(), None) {
                Ok(read) => {
                    assert!(said.is_empty() && same(&read.weights, &tiny()), "{said}");
                    let note = read.notes[0].to_string();
                    let expected = if with_index {
                        "its model.safetensors.index.json is read"
                    } else {
                        "its 2 parts are all read"
                    };
                    assert!(note.contains(expected), "{note}");
                }
                Err(error) => {
                    let error = error.to_string();
                    let both =
                        "model-00001-of-00002.safetensors and model-00002-of-00002.safetensors are no parts";
                    assert!(!said.is_empty() && error.contains(said) && error.contains(both), "{error}");
                }
            }
        }
        // Parts of two and a part of three are not one network's.
        let folder = tempfile::tempdir().unwrap();
        write_parts(folder.path(), &tiny(), false);
        tiny().write(&folder.path().join("model-00001-of-00003.safetensors"), HashMap::new()).unwrap();
        let error = WeightSource::read(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("several files with weights; name one of model-00001-of-00002"), "{error}");
    }

    #[test]
    fn a_folder_with_one_file_is_that_file_and_one_with_several_is_asked_about() {
        let folder = tempfile::tempdir().unwrap();
        let message = || WeightSource::read(folder.path(), None).unwrap_err().to_string();
        assert!(message().contains("holds no safetensors file"), "{}", message());
        tiny().write(&folder.path().join("a.safetensors"), HashMap::new()).unwrap();
        let read = WeightSource::read(folder.path(), None).unwrap();
        assert_eq!(read.notes, [WeightNote::File(folder.path().join("a.safetensors"))]);
        tiny().write(&folder.path().join("b.safetensors"), HashMap::new()).unwrap();
        assert!(message().contains("name one of a.safetensors, b.safetensors"), "{}", message());
    }

    #[test]
    fn an_index_leads_nowhere_else_and_must_be_true() {
        let folder = tempfile::tempdir().unwrap();
        write_parts(folder.path(), &tiny(), true);
        let index = folder.path().join("model.safetensors.index.json");
        let message = |text: &str| {
            fs::write(&index, text).unwrap();
            WeightSource::read(&index, None).unwrap_err().to_string()
        };
        for file in ["../x.safetensors", "/etc/passwd", "a/../../x", "", ".", "..\\\\x"] {
            let error = message(&format!(r#"{{"weight_map": {{"fc.weight": "{file}"}}}}"#));
            assert!(error.contains("not in the index's folder"), "{file}: {error}");
        }
        let error = message(r#"{"weight_map": {"no.such": "model-00001-of-00002.safetensors"}}"#);
        assert!(error.contains("no.such for one"), "{error}");
        assert!(message("{}").contains("weight_map"));
        assert!(message("[1, 2").contains("not an index of weights"));
        assert!(message(r#"{"weight_map": {}}"#).contains("lists no tensors"));
    }

    #[test]
    fn a_part_is_told_by_its_name() {
        for name in [
            "model.safetensors",
            "a-1-of-.safetensors",
            "a--of-2.safetensors",
            "a-1-of-99999999999999999999.safetensors",
            "-of-",
        ] {
            assert!(Part::of(name).is_none(), "{name}");
        }
        let part = Part::of("model-00003-of-00012.safetensors").unwrap();
        assert_eq!(part.names()[11], "model-00012-of-00012.safetensors");
    }

    #[test]
    fn what_is_inferred_of_names_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let write = |prefixes: &[&str]| {
            let mut weights = Weights::new();
            for prefix in prefixes {
                tiny()
                    .iter()
                    .for_each(|(name, tensor)| weights.insert(format!("{prefix}{name}"), tensor.clone()));
            }
            weights.write(&path, HashMap::new()).unwrap();
        };
        let notes = |prefix| {
            let read = WeightSource::read(&path, prefix).unwrap();
            assert!(same(&read.weights, &tiny()));
            read.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        write(&["module."]);
        assert_eq!(notes(None), "the parameter names begin with `module.`, which was taken off");
        write(&["", "ema."]);
        assert_eq!(
            notes(None),
            "the file holds 2 networks: the one with plain names is used, not that with `ema.`"
        );
        assert_eq!(
            notes(Some("ema")),
            "the file holds 2 networks: the one whose names begin with `ema.` is used, not that with no prefix"
        );
        write(&["teacher.", "student."]);
        let error = WeightSource::read(&path, None).unwrap_err().to_string();
        assert!(error.contains("`student.`") && error.contains("`teacher.`"), "{error}");
        let error = WeightSource::read(&path, Some("ema.")).unwrap_err().to_string();
        assert!(error.contains("`ema.`") && error.contains("`teacher.`"), "{error}");
    }
}

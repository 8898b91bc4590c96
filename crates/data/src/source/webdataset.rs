//! WebDataset: tar shards in which files of the same name and different extensions are one sample: `0001.jpg`, `0001.cls`.
//!
//! Format: <https://github.com/webdataset/webdataset>. A sample's files follow one another; its key is the name up to the
//! first dot after the last slash. The class is the number or the text in `.cls`, or a member of the object in `.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

use super::folder::image_by_name;
use super::shards;
use crate::archive::{self, Member};
use crate::listing::{Entry, Listing};
use crate::paths::slashes;
use crate::store::{Location, Store, StoredFile};
use crate::{DataError, Warning};

/// Files that may name the classes, one a line, in the order of their numbers.
const NAMES: [&str; 3] = ["classnames.txt", "classes.txt", "labels.txt"];
/// Members of `.json` that may hold the class.
const KEYS: [&str; 6] = ["cls", "label", "class", "class_name", "label_name", "category"];
/// A label is short, and so is an image's description.
const MOST_LABEL: u64 = 1 << 20;

/// Whether a file is a shard by its name.
pub(super) fn is_shard(name: &str) -> bool {
    [".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
}

/// Whether a tar archive holds samples of this kind: its first files tell.
pub(super) fn is_samples(path: &Path) -> bool {
    const LOOKED_AT: usize = 16;
    let Ok(file) = std::fs::File::open(path) else { return false };
    let mut magic = [0; 2];
    use std::io::{Read, Seek};
    if (&file).read_exact(&mut magic).is_err() || (&file).rewind().is_err() {
        return false;
    }
    let names = |archive: &mut tar::Archive<&mut dyn Read>| -> Vec<String> {
        let entries = archive.entries().into_iter().flatten().take(LOOKED_AT).map_while(Result::ok);
        entries.filter_map(|entry| Some(entry.path().ok()?.to_string_lossy().into_owned())).collect()
    };
    let names = if magic == [0x1F, 0x8B] {
        names(&mut tar::Archive::new(&mut flate2::read::GzDecoder::new(file)))
    } else {
        names(&mut tar::Archive::new(&mut &file))
    };
    names.iter().any(|name| key_and_extension(name).is_some_and(|(_, extension)| extension == "cls"))
        || names.windows(2).any(|pair| match (key_and_extension(&pair[0]), key_and_extension(&pair[1])) {
            (Some((a, x)), Some((b, y))) => a == b && (x == "json") != (y == "json"),
            _ => false,
        })
}

fn key_and_extension(name: &str) -> Option<(&str, String)> {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = file + name[file..].find('.')?;
    (dot > file).then(|| (&name[..dot], name[dot + 1..].to_lowercase()))
}

/// A class as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Number(usize),
    Name(String),
}

struct Sample {
    name: String,
    location: Location,
    class: Class,
}

pub(super) fn list(path: &Path) -> Result<Listing, DataError> {
    let found = shards::find(path, &is_shard)?;
    if found.is_empty() {
        return Err(DataError::unusable(path, "holds no .tar shards"));
    }
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let read = found.par_iter().map(|shard| samples(&shard.path));
    let read: Vec<(StoredFile, Vec<Sample>, usize)> = read.collect::<Result<_, _>>()?;

    let mut named = NAMES.iter().map(|name| root.join(name)).filter(|file| file.is_file());
    let names = named.next().map(|file| super::lines(&file).map(|names| (file, names))).transpose()?;
    let used: BTreeSet<&Class> = read.iter().flat_map(|(_, samples, _)| samples).map(|s| &s.class).collect();
    let classes = classes(path, &used, names)?;
    let labels: BTreeMap<Class, usize> = used
        .into_iter()
        .map(|class| match class {
            Class::Number(number) => (class.clone(), *number),
            Class::Name(name) => {
                (class.clone(), classes.iter().position(|other| other == name).unwrap_or_default())
            }
        })
        .collect();

    let mut store = Store::default();
    let mut entries = Vec::new();
    let mut warnings = Vec::new();
    for (shard, (file, samples, unlabelled)) in found.iter().zip(read) {
        let name = slashes(shard.path.strip_prefix(root).unwrap_or(&shard.path));
        if unlabelled > 0 {
            warnings.push(Warning::Unlabelled { split: name.clone(), count: unlabelled });
        }
        let number = store.add(file);
        entries.extend(samples.into_iter().map(|sample| Entry {
            id: format!("{name}/{}", sample.name),
            label: labels.get(&sample.class).copied().unwrap_or_default(),
            split: shard.split,
            location: sample.location.in_file(number),
        }));
    }
    // A shard may hold one name twice.
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    for index in 1..entries.len() {
        if entries[index].id == entries[index - 1].id {
            return Err(DataError::unusable(
                path,
                format!("holds {} twice; write the shards again with one key a sample", entries[index].id),
            ));
        }
    }
    Ok(Listing { classes, entries, store, warnings, ..Listing::default() })
}

fn classes(
    path: &Path,
    used: &BTreeSet<&Class>,
    names: Option<(std::path::PathBuf, Vec<String>)>,
) -> Result<Vec<String>, DataError> {
    let numbers = used.iter().filter_map(|class| match class {
        Class::Number(number) => Some(*number),
        Class::Name(_) => None,
    });
    match (numbers.max(), names) {
        (Some(_), _) if used.iter().any(|class| matches!(class, Class::Name(_))) => Err(DataError::unusable(
            path,
            "labels some samples with numbers and some with names; write all of them in one way",
        )),
        (Some(most), Some((file, names))) if most >= names.len() => Err(DataError::unusable(
            &file,
            format!("names {} classes, but a sample is labelled {most}", names.len()),
        )),
        (Some(_), Some((_, names))) => Ok(names),
        (Some(most), None) => Ok((0..=most).map(|number| number.to_string()).collect()),
        (None, _) => Ok(used
            .iter()
            .filter_map(|class| match class {
                Class::Name(name) => Some(name.clone()),
                Class::Number(_) => None,
            })
            .collect()),
    }
}

/// The labelled images of a shard, and how many have no label.
fn samples(path: &Path) -> Result<(StoredFile, Vec<Sample>, usize), DataError> {
    let (file, members) = archive::open(path)?;
    let mut samples = Vec::new();
    let mut unlabelled = 0;
    for group in members.chunk_by(|a, b| {
        let key = |member: &Member| key_and_extension(&member.name).map(|(key, _)| key.to_owned());
        key(a).is_some() && key(a) == key(b)
    }) {
        let with = |wanted: &str| {
            let mut members = group.iter();
            members.find(|member| key_and_extension(&member.name).is_some_and(|(_, end)| end == wanted))
        };
        let images: Vec<&Member> =
            group.iter().filter(|member| image_by_name(Path::new(&member.name))).collect();
        let image = match images.as_slice() {
            [] => continue,
            [only] => *only,
            // The one without a further word in its extension: `0001.jpg` beside `0001.mask.png`.
            several => {
                let plain: Vec<_> = several
                    .iter()
                    .filter(|member| {
                        key_and_extension(&member.name).is_some_and(|(_, end)| !end.contains('.'))
                    })
                    .collect();
                let [only] = plain.as_slice() else {
                    return Err(DataError::unusable(
                        path,
                        format!("sample {} holds {} images; one is needed", several[0].name, several.len()),
                    ));
                };
                **only
            }
        };
        let label = |member: &Member| -> Result<Vec<u8>, DataError> {
            let wrong =
                |message: String| DataError::unusable(path, format!("member {} {message}", member.name));
            match member.location {
                Location::Range { offset, length, .. } if length <= MOST_LABEL => {
                    file.read(offset, length).map_err(|error| wrong(error.to_string()))
                }
                _ => Err(wrong("is too long for a label".into())),
            }
        };
        let class = match (with("cls"), with("json")) {
            (Some(member), _) => {
                let bytes = label(member)?;
                let text = String::from_utf8_lossy(&bytes).trim().to_owned();
                class_of(&Value::String(text))
            }
            (None, Some(member)) => {
                let value: Value = serde_json::from_slice(&label(member)?).map_err(|error| {
                    DataError::unusable(path, format!("member {} is no valid JSON: {error}", member.name))
                })?;
                let found = KEYS.iter().find_map(|key| value.get(key).and_then(class_of));
                found.or_else(|| class_of(&value))
            }
            (None, None) => None,
        };
        match class {
            Some(class) => {
                samples.push(Sample { name: image.name.clone(), location: image.location.clone(), class })
            }
            None => unlabelled += 1,
        }
    }
    Ok((file, samples, unlabelled))
}

/// More classes than this are a broken number.
const MOST_CLASSES: usize = 1_000_000;

fn class_of(value: &Value) -> Option<Class> {
    let number =
        |number: u64| usize::try_from(number).ok().filter(|&number| number < MOST_CLASSES).map(Class::Number);
    match value {
        Value::Number(value) => number(value.as_u64()?),
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => match text.parse::<i64>() {
            Ok(value) => number(u64::try_from(value).ok()?),
            Err(_) => Some(Class::Name(text.clone())),
        },
        _ => None,
    }
}

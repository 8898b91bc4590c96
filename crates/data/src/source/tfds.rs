//! TensorFlow Datasets folders: `dataset_info.json`, `features.json` and TFRecord shards, as `tfds.load` prepares them.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;

use super::definition::{Precedence, Source};
use super::reading::{entries, lines};
use super::split_name::split_by_name;
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::store::Store;
use crate::stored_file::StoredFile;
use crate::{DataError, DeclaredSplit, Warning, tfrecord};

pub(super) const SOURCE: Source = Source {
    words: "A folder that TensorFlow Datasets prepared: `dataset_info.json`, `features.json`, TFRecord shards.",
    precedence: Precedence::Description,
    claims_file: |_, name| is_file(name),
    claims_folder: |folder| is_version(folder) || is_above_version(folder),
    list: |path, _| list(path),
};

/// Descriptions are short; images are not in them.
const MOST_JSON: u64 = 16 << 20;
/// How many missing shards an error names.
const NAMED: usize = 5;

/// Whether a file, named in lower case, is a part of a prepared data set.
pub(super) fn is_file(name: &str) -> bool {
    matches!(name, "dataset_info.json" | "features.json") || name.contains(".tfrecord-")
}

/// Whether a folder is one version of a prepared data set.
fn is_version(folder: &Path) -> bool {
    folder.join("dataset_info.json").is_file() && folder.join("features.json").is_file()
}

/// Whether a version stands in a folder. Whoever lists it is told what could not be read.
fn is_above_version(folder: &Path) -> bool {
    versions(folder).is_ok_and(|versions| !versions.is_empty())
}

/// The versions below a folder: `<version>` or `<configuration>/<version>`.
fn versions(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let inner = |folder: &Path| -> Result<Vec<PathBuf>, DataError> {
        Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
    };
    let mut versions = Vec::new();
    let one_below = inner(folder)?;
    for folder in &one_below {
        versions.extend(inner(folder)?);
    }
    Ok(one_below.into_iter().chain(versions).filter(|folder| is_version(folder)).collect())
}

/// A split's name and what it stands for.
type Split = (String, DeclaredSplit);

struct Shard {
    split: usize,
    path: PathBuf,
    images: Option<u64>,
}

fn list(path: &Path) -> Result<Listing, DataError> {
    let folder = version_folder(path)?;
    let info_path = folder.join("dataset_info.json");
    let info = json(&info_path)?;
    let features = Features::of(&folder)?;
    let classes = features.classes(&folder)?;

    let mut warnings = Vec::new();
    let (splits, shards) = shards(&folder, &info_path, &info, &mut warnings)?;
    let read = |shard: &Shard| {
        let file = StoredFile::open(&shard.path)?;
        let wrong = |message: String| DataError::unusable(&shard.path, message);
        let found = tfrecord::list(&file, &features.image, &features.label).map_err(wrong)?;
        let records = (found.examples.len() + found.broken.len()) as u64;
        match shard.images {
            Some(images) if images != records => Err(wrong(format!(
                "holds {records} records, but dataset_info.json says {images}; copy it again"
            ))),
            _ => Ok((file, found)),
        }
    };
    let read: Vec<_> = shards.par_iter().map(read).collect::<Result<_, _>>()?;

    let mut store = Store::default();
    let mut entries = Vec::new();
    let mut numbers = vec![0usize; splits.len()];
    let mut unlabelled = vec![0usize; splits.len()];
    for (shard, (file, found)) in shards.iter().zip(read) {
        for &byte in &found.broken {
            warnings.push(Warning::BrokenRecord { file: file_name(&shard.path), byte });
        }
        let (name, split) = &splits[shard.split];
        let path = file.path().to_owned();
        let file = store.add(file);
        for example in found.examples {
            let number = numbers[shard.split];
            numbers[shard.split] += 1;
            let label = match usize::try_from(example.label) {
                Ok(label) if label < classes.len() => label,
                Err(_) => {
                    unlabelled[shard.split] += 1;
                    continue;
                }
                Ok(label) => {
                    let byte = example.record.offset - 12;
                    return Err(DataError::unusable(
                        &path,
                        format!(
                            "record at byte {byte} is labelled {label}, but features.json declares {} classes, 0 to {}",
                            classes.len(),
                            classes.len().saturating_sub(1)
                        ),
                    ));
                }
            };
            entries.push(Entry {
                id: format!("{name}/{number:08}"),
                label,
                split: *split,
                location: Location::Record { file, record: example.record },
            });
        }
    }
    for ((name, _), count) in splits.iter().zip(unlabelled) {
        if count > 0 {
            warnings.push(Warning::Unlabelled { split: name.clone(), count });
        }
    }
    Ok(Listing { classes, entries, store, warnings, ..Listing::default() })
}

/// The folder itself, or the one version in it.
fn version_folder(path: &Path) -> Result<PathBuf, DataError> {
    // Any file of the data set stands for the folder it is in.
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    if is_version(folder) {
        return Ok(folder.to_owned());
    }
    match versions(folder)?.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(DataError::unusable(
            folder,
            "holds no dataset_info.json and features.json; name the folder of one version of a data set prepared by \
             tensorflow-datasets, such as ~/tensorflow_datasets/mnist/3.0.1",
        )),
        several => {
            let names: Vec<String> = several.iter().map(|path| path.display().to_string()).collect();
            Err(DataError::unusable(
                folder,
                format!("holds several versions: {}; name one of them", names.join(", ")),
            ))
        }
    }
}

fn json(path: &Path) -> Result<Value, DataError> {
    let bytes = StoredFile::read_all(path, MOST_JSON)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| DataError::unusable(path, format!("is no valid JSON: {error}")))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Protocol buffers' JSON writes 64-bit integers as text.
fn integer(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The splits that are used, and the files of each. Every file exists.
fn shards(
    folder: &Path,
    info_path: &Path,
    info: &Value,
    warnings: &mut Vec<Warning>,
) -> Result<(Vec<Split>, Vec<Shard>), DataError> {
    let wrong = |message: String| DataError::unusable(info_path, message);
    let format = info["fileFormat"].as_str().unwrap_or("tfrecord");
    if format != "tfrecord" {
        return Err(wrong(format!(
            "says that the shards are stored as {format}; only tfrecord can be read: prepare the data set again with \
             file_format=\"tfrecord\""
        )));
    }
    let dataset = info["name"].as_str().ok_or_else(|| wrong("names no data set (key \"name\")".into()))?;
    let declared = info["splits"].as_array().ok_or_else(|| wrong("lists no splits".into()))?;
    let (mut splits, mut shards) = (Vec::new(), Vec::new());
    for split in declared {
        let name = split["name"].as_str().unwrap_or_default();
        let lengths = split["shardLengths"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(declared) = split_by_name(name) else {
            let images = lengths.iter().filter_map(integer).fold(0u64, u64::saturating_add);
            warnings.push(Warning::OtherSplit { split: name.to_owned(), images });
            continue;
        };
        // Before TensorFlow Datasets 4, there was only the number.
        let count = match lengths.len() {
            0 => split.get("numShards").and_then(integer).unwrap_or_default(),
            n => n as u64,
        };
        if count > 100_000 {
            return Err(wrong(format!("says that split {name} has {count} shards; it is broken")));
        }
        let template = split["filepathTemplate"].as_str();
        let template = template.unwrap_or("{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}");
        for index in 0..count {
            let file = template
                .replace("{DATASET}", dataset)
                .replace("{SPLIT}", name)
                .replace("{FILEFORMAT}", format)
                .replace("{SHARD_INDEX}", &format!("{index:05}"))
                .replace("{NUM_SHARDS}", &format!("{count:05}"))
                .replace("{SHARD_X_OF_Y}", &format!("{index:05}-of-{count:05}"));
            if file.contains(['/', '\\', '\0']) || file == ".." {
                return Err(wrong(format!("names a shard outside its folder: {file:?}")));
            }
            shards.push(Shard {
                split: splits.len(),
                path: folder.join(file),
                images: lengths.get(index as usize).and_then(integer),
            });
        }
        splits.push((name.to_owned(), declared));
    }
    if shards.is_empty() {
        return Err(wrong("lists no shards of a train, validation or test split".into()));
    }
    let missing: Vec<&Shard> = shards.iter().filter(|shard| !shard.path.is_file()).collect();
    if !missing.is_empty() {
        let mut listed: String = missing
            .iter()
            .take(NAMED)
            .map(|shard| {
                let images = shard.images.map(|images| format!(", {images} images")).unwrap_or_default();
                format!("\n  {} (split {}{images})", file_name(&shard.path), splits[shard.split].0)
            })
            .collect();
        if missing.len() > NAMED {
            listed += &format!("\n  … and {} more", missing.len() - NAMED);
        }
        return Err(DataError::unusable(
            folder,
            format!(
                "{} of the {} shards that dataset_info.json lists are missing:{listed}\ncopy them here, or prepare the data \
                 set again with tensorflow-datasets",
                missing.len(),
                shards.len()
            ),
        ));
    }
    Ok((splits, shards))
}

/// Which features are the image and its class.
struct Features {
    image: String,
    label: String,
    classes: u64,
}

impl Features {
    fn of(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join("features.json");
        let value = json(&path)?;
        // `content` and `type`: as TensorFlow Datasets 4.0 to 4.4 wrote it.
        let features = value["featuresDict"]["features"].as_object().or_else(|| value["content"].as_object());
        let features =
            features.ok_or_else(|| DataError::unusable(&path, "describes no dictionary of features"))?;
        let of_kind = |kind: &str| -> Vec<&str> {
            features
                .iter()
                .filter(|(_, feature)| {
                    let class = feature["pythonClassName"].as_str().or_else(|| feature["type"].as_str());
                    class.is_some_and(|class| class.rsplit('.').next() == Some(kind))
                })
                .map(|(name, _)| name.as_str())
                .collect()
        };
        let choose = |kind: &str, usual: &str| match of_kind(kind).as_slice() {
            [only] => Ok((*only).to_owned()),
            several if several.contains(&usual) => Ok(usual.to_owned()),
            [] => {
                let names: Vec<&str> = features.keys().map(String::as_str).collect();
                Err(DataError::unusable(
                    &path,
                    format!(
                        "declares no feature of type {kind}, so this is no image classification data set; its features: {}",
                        names.join(", ")
                    ),
                ))
            }
            several => Err(DataError::unusable(
                &path,
                format!(
                    "declares several features of type {kind} ({}), none of them called {usual:?}",
                    several.join(", ")
                ),
            )),
        };
        let (image, label) = (choose("Image", "image")?, choose("ClassLabel", "label")?);
        let options = |name: &str, key: &str| match &features[name] {
            feature if feature[key].is_object() => feature[key].clone(),
            feature => feature["content"].clone(),
        };
        let dtype = options(&image, "image")["dtype"].as_str().unwrap_or("uint8").to_owned();
        if dtype != "uint8" {
            return Err(DataError::unusable(
                &path,
                format!("declares {image:?} as pixels of type {dtype}; only uint8 can be read"),
            ));
        }
        let options = options(&label, "classLabel");
        let classes = ["numClasses", "num_classes"].iter().find_map(|key| integer(&options[*key]));
        Ok(Self { classes: classes.unwrap_or_default(), image, label })
    }

    /// The names, from `<label>.labels.txt` where it stands beside; otherwise numbers.
    fn classes(&self, folder: &Path) -> Result<Vec<String>, DataError> {
        let path = folder.join(format!("{}.labels.txt", self.label.replace(['/', '\\'], "-")));
        if !path.is_file() {
            if self.classes == 0 || self.classes > 1_000_000 {
                return Err(DataError::unusable(
                    &folder.join("features.json"),
                    format!("declares {} classes, and there is no {}", self.classes, file_name(&path)),
                ));
            }
            return Ok((0..self.classes).map(|label| label.to_string()).collect());
        }
        let names = lines(&path)?;
        if self.classes != 0 && names.len() as u64 != self.classes {
            return Err(DataError::unusable(
                &path,
                format!("names {} classes, but features.json declares {}", names.len(), self.classes),
            ));
        }
        Ok(names)
    }
}

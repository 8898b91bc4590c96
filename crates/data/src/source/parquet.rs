//! Parquet files in the layout of Hugging Face `datasets`: an image is a structure of `bytes` and `path`, or plain bytes; a
//! label is an integer, with the names of the classes in the file's metadata, or text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use parquet::basic::Type;
use parquet::file::metadata::ParquetMetaData;
use rayon::prelude::*;
use serde_json::Value;

use super::shards::{self, Shard};
use crate::listing::{Entry, Listing};
use crate::parquet::{Columns, Label, Table};
use crate::store::{Location, Store};
use crate::{DataError, DeclaredSplit, Warning, class_order};

/// Columns that are usually the image or the label, the likeliest first.
const IMAGES: [&str; 3] = ["image", "img", "picture"];
const LABELS: [&str; 8] =
    ["label", "labels", "fine_label", "class", "class_label", "category", "target", "label_name"];
/// More classes than this are a broken number.
const MOST_CLASSES: i64 = 1_000_000;

/// Whether a file is a shard by its name.
pub(super) fn is_shard(name: &str) -> bool {
    name.ends_with(".parquet")
}

/// What a file says of itself.
struct File {
    table: Table,
    /// By row group.
    labels: Vec<Vec<Option<Label>>>,
    names: Option<Vec<String>>,
}

pub(super) fn list(path: &Path) -> Result<Listing, DataError> {
    let found = shards::find(path, &is_shard)?;
    if found.is_empty() {
        return Err(DataError::unusable(path, "holds no .parquet files"));
    }
    let files: Vec<File> = found.par_iter().map(open).collect::<Result<_, _>>()?;
    let names = names(&found, &files)?;
    let labels = || files.iter().flat_map(|file| &file.labels).flatten().flatten();
    let largest = labels().filter_map(|label| match label {
        Label::Number(number) => Some(*number),
        Label::Name(_) => None,
    });
    let texts: BTreeSet<&str> = labels()
        .filter_map(|label| match label {
            Label::Name(name) => Some(name.as_str()),
            Label::Number(_) => None,
        })
        .collect();
    let classes = match (largest.max(), names) {
        (Some(_), _) if !texts.is_empty() => {
            return Err(DataError::unusable(path, "labels some files with numbers and some with text"));
        }
        (Some(most), Some((first, names))) if most >= names.len() as i64 => {
            return Err(DataError::unusable(
                &found[first].path,
                format!("names {} classes, but a row is labelled {most}", names.len()),
            ));
        }
        (Some(most), None) if most >= MOST_CLASSES => {
            return Err(DataError::unusable(
                path,
                format!("has a row labelled {most}: these are no classes"),
            ));
        }
        (Some(_) | None, Some((_, names))) if texts.is_empty() => names,
        (Some(most), None) => (0..=most.max(0)).map(|number| number.to_string()).collect(),
        _ => class_order(texts.iter().map(|&name| name.to_owned())),
    };
    let by_name: BTreeMap<String, usize> =
        classes.iter().enumerate().map(|(label, name)| (name.clone(), label)).collect();

    let mut store = Store::default();
    let mut entries = Vec::new();
    let mut numbers = [0usize; 4];
    let mut unlabelled = BTreeMap::new();
    for (shard, file) in found.iter().zip(files) {
        let table = store.add_table(file.table);
        let split = split_name(shard.split);
        for (group, labels) in file.labels.into_iter().enumerate() {
            for (row, label) in labels.into_iter().enumerate() {
                let number = numbers[shard.split as usize];
                numbers[shard.split as usize] += 1;
                let label = match label {
                    Some(Label::Number(number)) => usize::try_from(number).ok(),
                    Some(Label::Name(name)) => by_name.get(&name).copied(),
                    None => None,
                };
                let Some(label) = label else {
                    *unlabelled.entry(split).or_insert(0) += 1;
                    continue;
                };
                entries.push(Entry {
                    id: format!("{split}/{number:08}"),
                    label,
                    split: shard.split,
                    location: Location::Row { table, group: group as u32, row: row as u32 },
                });
            }
        }
    }
    let warnings =
        unlabelled.into_iter().map(|(split, count)| Warning::Unlabelled { split: split.to_owned(), count });
    Ok(Listing { classes, entries, store, warnings: warnings.collect(), ..Listing::default() })
}

fn split_name(split: DeclaredSplit) -> &'static str {
    match split {
        DeclaredSplit::Train => "train",
        DeclaredSplit::Validation => "validation",
        DeclaredSplit::Test => "test",
        DeclaredSplit::Undeclared => "rows",
    }
}

/// The names of the classes and the number of the file they are from, where all files agree.
fn names(found: &[Shard], files: &[File]) -> Result<Option<(usize, Vec<String>)>, DataError> {
    let mut first: Option<(usize, &Vec<String>)> = None;
    for (number, file) in files.iter().enumerate() {
        let Some(names) = &file.names else { continue };
        match first {
            Some((known, others)) if others != names => {
                return Err(DataError::unusable(
                    &found[number].path,
                    format!(
                        "names other classes than {}; they are not of the same data set",
                        found[known].path.display()
                    ),
                ));
            }
            Some(_) => {}
            None => first = Some((number, names)),
        }
    }
    Ok(first.map(|(number, names)| (number, names.clone())))
}

fn open(shard: &Shard) -> Result<File, DataError> {
    let mut names = None;
    let (table, column) = Table::open(&shard.path, |metadata| {
        let features = features(metadata);
        let (columns, label) = columns(metadata, &features)?;
        let leaf = metadata.file_metadata().schema_descr().column(label);
        let feature = leaf.path().parts().first().and_then(|name| features.get(name));
        names = feature.and_then(class_names);
        Ok((columns, label))
    })?;
    let groups = 0..table.groups().len();
    let labels = groups.map(|group| table.labels(group, column)).collect::<Result<_, _>>();
    let labels = labels.map_err(|message| DataError::unusable(&shard.path, message))?;
    Ok(File { table, labels, names })
}

type Features = serde_json::Map<String, Value>;

/// What `datasets` writes into the file's metadata.
fn features(metadata: &ParquetMetaData) -> Features {
    let pairs = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let text = pairs.filter(|pair| pair.key == "huggingface").find_map(|pair| pair.value.as_deref());
    let value: Option<Value> = text.and_then(|text| serde_json::from_str(text).ok());
    value.and_then(|value| value.pointer("/info/features")?.as_object().cloned()).unwrap_or_default()
}

fn class_names(feature: &Value) -> Option<Vec<String>> {
    let names = feature["names"].as_array()?;
    names.iter().map(|name| Some(name.as_str()?.to_owned())).collect()
}

/// The leaf columns of the image and the label.
fn columns(metadata: &ParquetMetaData, features: &Features) -> Result<(Columns, usize), String> {
    let schema = metadata.file_metadata().schema_descr();
    let mut leaves: Vec<(Vec<String>, Type)> = Vec::new();
    for column in schema.columns() {
        // Lists are neither images nor labels.
        let flat = column.max_rep_level() == 0;
        let parts = if flat { column.path().parts().to_vec() } else { Vec::new() };
        leaves.push((parts, column.physical_type()));
    }
    let leaf = |parts: &[&str]| leaves.iter().position(|(path, _)| path.iter().eq(parts.iter()));
    let bytes = |at: usize| leaves[at].1 == Type::BYTE_ARRAY;
    let of_type = |kind: &str| -> Vec<&str> {
        let wanted = features.iter().filter(|(_, feature)| feature["_type"] == kind);
        wanted.map(|(name, _)| name.as_str()).collect()
    };
    let top: Vec<&str> = schema.root_schema().get_fields().iter().map(|field| field.name()).collect();

    let image = |name: &str| -> Option<Columns> {
        if let Some(bytes) = leaf(&[name, "bytes"]).filter(|&at| bytes(at)) {
            let path = leaf(&[name, "path"]).filter(|&at| leaves[at].1 == Type::BYTE_ARRAY);
            return Some(Columns { bytes, path });
        }
        leaf(&[name]).filter(|&at| bytes(at)).map(|bytes| Columns { bytes, path: None })
    };
    let declared = of_type("Image");
    let structures = top.iter().copied().filter(|name| leaf(&[name, "bytes"]).is_some_and(bytes));
    let candidates: Vec<&str> = match declared.as_slice() {
        [] => structures.chain(IMAGES).filter(|name| image(name).is_some()).collect(),
        _ => declared,
    };
    let chosen = IMAGES.iter().find(|name| candidates.contains(name)).or(candidates.first());
    let image = chosen.and_then(|name| image(name)).ok_or_else(|| {
        format!(
            "has no column of images (bytes, or a structure of bytes and path); its columns: {}",
            top.join(", ")
        )
    })?;

    let label = |name: &str| {
        leaf(&[name]).filter(|&at| matches!(leaves[at].1, Type::INT32 | Type::INT64 | Type::BYTE_ARRAY))
    };
    let declared = of_type("ClassLabel");
    let chosen = match declared.as_slice() {
        [only] => Some(*only),
        several if !several.is_empty() => LABELS.into_iter().find(|name| several.contains(name)),
        _ => LABELS.into_iter().find(|name| label(name).is_some()),
    };
    let label = chosen.and_then(label).ok_or_else(|| match declared.as_slice() {
        [] => format!("has no column of labels (\"label\"); its columns: {}", top.join(", ")),
        several => {
            format!("has several columns of classes ({}), none of them called \"label\"", several.join(", "))
        }
    })?;
    Ok((image, label))
}

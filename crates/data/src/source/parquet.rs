//! Parquet files in the layout of Hugging Face `datasets`, and other people's: an image is a structure of `bytes` and `path`,
//! plain bytes, or the path of a file beside the table; a label is a whole number (of whatever type), with the names of the
//! classes in the file's metadata, or text, true or false, or a list of one of these.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use parquet::basic::{ConvertedType, Type};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::{ColumnDescPtr, TypePtr};
use rayon::prelude::*;
use serde_json::Value;

use super::definition::{Precedence, Source};
use super::shards::{self, Shard, Shards};
use super::table::cells::{are_splits, few_numbers, is_called_split, split_of_cell};
use crate::classes::{class_order, is_no_label, same_numbers};
use crate::columns::{self, ColumnRole};
use crate::groups::group_column;
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::nearest::nearest;
use crate::parquet::{Columns, Label, Table, beside_table};
use crate::paths::is_inside;
use crate::store::Store;
use crate::{ColumnConfig, DataError, DeclaredSplit, Warning};

pub(super) const SOURCE: Source = Source {
    words: "Parquet files as of Hugging Face `datasets`: images as bytes, the names of the classes in the metadata.",
    precedence: Precedence::Container,
    claims_file: |_, name| is_shard(name),
    claims_folder: |path| shards::any(path, &is_shard),
    list: |path, options| list(path, options.columns, options.group_column),
};

/// More classes than this are a broken number.
const MOST_CLASSES: i64 = 1_000_000;

/// Whether a file is a shard by its name.
fn is_shard(name: &str) -> bool {
    name.ends_with(".parquet")
}

/// What a file says of itself.
struct File {
    table: Table,
    /// By row group.
    labels: Vec<Vec<Option<Label>>>,
    /// By row group, what the column that `data.group` names says.
    subjects: Option<Vec<Vec<Option<Label>>>>,
    /// By row group, where images are files that the table names.
    paths: Option<Vec<Vec<Option<PathBuf>>>>,
    names: Option<Vec<String>>,
    warnings: Vec<Warning>,
}

fn list(path: &Path, wanted: &ColumnConfig, group: Option<&str>) -> Result<Listing, DataError> {
    if let Some(split) = &wanted.split {
        return Err(DataError::unusable(
            path,
            format!(
                "takes its splits from the names of its files (train, validation, test), not from a column such as `{split}`; remove \
                 data.columns.split, and write each split into a file of its own"
            ),
        ));
    }
    let Shards { files: found, warnings: said, without_split } = shards::find(path, &is_shard)?;
    if found.is_empty() {
        return Err(DataError::unusable(path, "holds no .parquet files"));
    }
    let mut files: Vec<File> =
        found.par_iter().map(|shard| open(shard, wanted, group)).collect::<Result<_, _>>()?;
    let same = join_same_numbers(&mut files);
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
        _ => class_order(texts.iter().map(|name| (*name).to_owned())),
    };
    let by_name: BTreeMap<String, usize> =
        classes.iter().enumerate().map(|(label, name)| (name.clone(), label)).collect();

    let mut store = Store::default();
    let mut entries = Vec::new();
    let mut numbers = [0usize; 4];
    let mut group_of = HashMap::new();
    let mut unlabelled = BTreeMap::new();
    let mut warnings: Vec<Warning> = said;
    if let Some((example, number)) = same.first_key_value() {
        let note = format!(
            "the labels {number} and {example} are the same number: they are taken for one class, {number}"
        );
        let table = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        warnings.push(Warning::TableNote { table, note });
    }
    for (shard, file) in found.iter().zip(files) {
        let table = store.add_table(file.table);
        let split = split_name(shard.split);
        // Shards of one data set have the same columns: once is enough.
        for warning in file.warnings {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
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
                let beside = file.paths.as_ref().and_then(|paths| paths[group][row].clone());
                let location = match beside {
                    Some(file) => Location::File(file),
                    None => Location::Row { table, group: group as u32, row: row as u32 },
                };
                let id = format!("{split}/{number:08}");
                match file.subjects.as_ref().and_then(|subjects| subjects[group][row].as_ref()) {
                    Some(Label::Number(subject)) => drop(group_of.insert(id.clone(), subject.to_string())),
                    Some(Label::Name(subject)) if !is_no_label(subject) => {
                        group_of.insert(id.clone(), subject.clone());
                    }
                    Some(Label::Name(_)) | None => {}
                }
                entries.push(Entry { id, label, split: shard.split, location });
            }
        }
    }
    if entries.is_empty() && !unlabelled.is_empty() {
        return Err(DataError::unusable(
            path,
            "has no label in any of its rows, so there is nothing to learn",
        ));
    }
    warnings.extend(
        unlabelled.into_iter().map(|(split, count)| Warning::Unlabelled { split: split.to_owned(), count }),
    );
    let group_column = group.is_some();
    Ok(Listing {
        classes,
        entries,
        store,
        warnings,
        group_of,
        group_column,
        without_split,
        ..Listing::default()
    })
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

fn open(shard: &Shard, wanted: &ColumnConfig, group: Option<&str>) -> Result<File, DataError> {
    let mut names = None;
    let mut warnings = Vec::new();
    let mut subject = None;
    let mut all = Vec::new();
    let mut image = String::new();
    let wrong = |message: String| DataError::unusable(&shard.path, message);
    let (table, column) = Table::open(&shard.path, |metadata| {
        let features = features(metadata);
        let found = columns(metadata, &features, wanted)?;
        names = features.get(&found.label).and_then(class_names);
        warnings = found.warnings;
        let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
        let columns: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        subject =
            group.map(|name| group_column(&columns, name)).transpose()?.map(|at| columns[at].to_owned());
        all = columns.into_iter().map(str::to_owned).collect();
        image.clone_from(&found.image_name);
        Ok((found.image, found.label))
    })?;
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    warnings.extend(split_columns(shard, &table, &all, [&image, &column]));
    let groups = 0..table.groups().len();
    let labels = groups.clone().map(|group| table.labels(group, &column)).collect::<Result<_, _>>();
    let labels = without_no_labels(labels.map_err(wrong)?);
    let subjects = subject.map(|column| groups.clone().map(|group| table.labels(group, &column)).collect());
    let subjects: Option<Vec<Vec<Option<Label>>>> = subjects.transpose().map_err(wrong)?;
    let paths = if table.has_paths_only() {
        let paths: Result<Vec<Vec<Option<String>>>, String> =
            groups.map(|group| table.paths(group)).collect();
        Some(usable(&shard.path, paths.map_err(wrong)?).map_err(wrong)?)
    } else {
        None
    };
    Ok(File { table, labels, subjects, paths, names, warnings })
}

/// Labels that are text: `1` and `1.0` are one class where both are there.
fn join_same_numbers(files: &mut [File]) -> BTreeMap<String, String> {
    let texts = files.iter().flat_map(|file| &file.labels).flatten().filter_map(|label| match label {
        Some(Label::Name(name)) => Some(name.as_str()),
        Some(Label::Number(_)) | None => None,
    });
    let same = same_numbers(texts);
    for label in files.iter_mut().flat_map(|file| &mut file.labels).flatten() {
        if let Some(Label::Name(name)) = label
            && let Some(number) = same.get(name)
        {
            name.clone_from(number);
        }
    }
    same
}

/// A word about columns that say other splits than the file's name does.
fn split_columns(shard: &Shard, table: &Table, columns: &[&str], taken: [&str; 2]) -> Vec<Warning> {
    let named = |name: &str| {
        is_called_split(name)
            || !matches!(columns::find(ColumnRole::Split, &[name], |_| true), columns::Found::Nothing)
    };
    let file = shard.path.file_name().unwrap_or(shard.path.as_os_str()).to_string_lossy().into_owned();
    let mut warnings = Vec::new();
    for &column in columns.iter().filter(|column| !taken.contains(*column) && named(column)) {
        let labels = (0..table.groups().len()).map(|group| table.labels(group, column));
        // What cannot be read as a label is no split.
        let Ok(cells) = labels.collect::<Result<Vec<_>, String>>() else { continue };
        let cells: BTreeSet<String> = cells
            .into_iter()
            .flatten()
            .flatten()
            .map(|cell| match cell {
                Label::Name(text) => text,
                Label::Number(number) => number.to_string(),
            })
            .collect();
        let texts = || cells.iter().map(String::as_str);
        let other = texts().any(|text| split_of_cell(text).is_some_and(|split| split != shard.split));
        let says = if are_splits(texts()) || (other && shard.split != DeclaredSplit::Undeclared) {
            columns::list(texts())
        } else if let Some(numbers) = few_numbers(texts()) {
            numbers
        } else {
            continue;
        };
        let reason = format!(
            "it says {says}, but the splits of Parquet files are told by the names of the files; write each split into a file of its own \
             (train.parquet, validation.parquet, test.parquet)"
        );
        warnings.push(Warning::NoSplitColumn { table: file.clone(), column: column.to_owned(), reason });
    }
    warnings
}

/// `nan` and its like are text for "no label".
fn without_no_labels(mut labels: Vec<Vec<Option<Label>>>) -> Vec<Vec<Option<Label>>> {
    for label in labels.iter_mut().flatten() {
        if matches!(label, Some(Label::Name(name)) if is_no_label(name)) {
            *label = None;
        }
    }
    labels
}

/// The files that a table names below its folder, where they are there. Those of the others that are asked for say why not.
fn usable(table: &Path, paths: Vec<Vec<Option<String>>>) -> Result<Vec<Vec<Option<PathBuf>>>, String> {
    let folder = table.parent().unwrap_or(Path::new(""));
    let real = folder.canonicalize().or_else(|_| Path::new(".").canonicalize());
    let real = real.map_err(|error| format!("stands in a folder that cannot be read ({error})"))?;
    let file = |name: &String| {
        let file = beside_table(folder, name);
        // A link may lead elsewhere.
        let inside = is_inside(name) && file.canonicalize().is_ok_and(|file| file.starts_with(&real));
        inside.then_some(file)
    };
    let files = |group: &Vec<Option<String>>| group.iter().map(|name| file(name.as_ref()?)).collect();
    let found: Vec<Vec<Option<PathBuf>>> = paths.iter().map(files).collect();
    let Some(first) = paths.iter().flatten().flatten().next() else {
        return Err("holds no images: its column of images has neither bytes nor paths in any row".into());
    };
    if found.iter().flatten().any(Option::is_some) {
        return Ok(found);
    }
    let why = if is_inside(first) {
        format!("none of those files is there ({} for one)", beside_table(folder, first).display())
    } else {
        "such a path, which leads out of the table's folder, is not followed".to_owned()
    };
    Err(format!(
        "holds no images, only paths of images, such as {first:?}, and {why}; put the images beside the table, with paths \
         relative to it, or write the data set again with their bytes in it (datasets: `embed_external_files`)"
    ))
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
    // Of a list, the names stand one level deeper: `{"feature": …}` or `[…]`.
    let feature = feature.get("feature").or_else(|| feature.get(0)).unwrap_or(feature);
    let names = feature["names"].as_array()?;
    names.iter().map(|name| Some(name.as_str()?.to_owned())).collect()
}

/// The columns of a file.
struct ChosenColumns {
    image: Columns,
    image_name: String,
    label: String,
    warnings: Vec<Warning>,
}

/// A column of the outermost level and what it can be used for.
struct OuterColumn {
    name: String,
    /// As bytes, or as paths of files.
    image: Option<Columns>,
    /// Nothing but text, which may be paths.
    text: bool,
    label: bool,
}

fn columns(
    metadata: &ParquetMetaData,
    features: &Features,
    wanted: &ColumnConfig,
) -> Result<ChosenColumns, String> {
    let schema = metadata.file_metadata().schema_descr();
    let leaves: Vec<ColumnDescPtr> = schema.columns().to_vec();
    let top = |field: &TypePtr| {
        let name = field.name();
        let leaf = |parts: &[&str]| leaves.iter().position(|leaf| leaf.path().parts() == parts);
        let flat = |at: &usize| leaves[*at].max_rep_level() == 0;
        let bytes = |at: &usize| {
            flat(at) && matches!(leaves[*at].physical_type(), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY)
        };
        let text = |at: &usize| {
            flat(at)
                && leaves[*at].physical_type() == Type::BYTE_ARRAY
                && leaves[*at].converted_type() == ConvertedType::UTF8
        };
        let number = |at: &usize| leaves[*at].converted_type() == ConvertedType::DECIMAL;
        let image = match leaf(&[name]) {
            Some(at) if text(&at) => Some(Columns { bytes: None, path: Some(at) }),
            Some(at) if bytes(&at) && !number(&at) => Some(Columns { bytes: Some(at), path: None }),
            Some(_) => None,
            None => {
                let bytes = leaf(&[name, "bytes"]).filter(bytes);
                let path = leaf(&[name, "path"])
                    .filter(|at| flat(at) && leaves[*at].physical_type() == Type::BYTE_ARRAY);
                (bytes.is_some() || path.is_some()).then_some(Columns { bytes, path })
            }
        };
        let is_time = |at: usize| {
            use ConvertedType::{
                DATE, INTERVAL, TIME_MICROS, TIME_MILLIS, TIMESTAMP_MICROS, TIMESTAMP_MILLIS,
            };
            let converted = leaves[at].converted_type();
            [DATE, INTERVAL, TIME_MICROS, TIME_MILLIS, TIMESTAMP_MICROS, TIMESTAMP_MILLIS]
                .contains(&converted)
        };
        // A structure with bytes in it is an image, whatever it is called.
        let structure = leaf(&[name]).is_none() && image.is_some();
        OuterColumn {
            name: name.to_owned(),
            image,
            text: leaf(&[name]).is_some_and(|at| text(&at)),
            label: !structure && !leaf(&[name]).is_some_and(is_time),
        }
    };
    let tops: Vec<OuterColumn> = schema.root_schema().get_fields().iter().map(top).collect();
    let names: Vec<&str> = tops.iter().map(|top| top.name.as_str()).collect();
    let all = columns::list(&names);
    let mut warnings = Vec::new();
    let mut taken = |role: ColumnRole, at: usize| {
        warnings.push(Warning::ColumnTaken { column: names[at].to_owned(), role, of: all.clone() });
    };
    let of_type = |kind: &str| -> Vec<usize> {
        (0..tops.len())
            .filter(|&at| {
                let feature = features.get(names[at]);
                let inner = feature.and_then(|feature| feature.get("feature").or_else(|| feature.get(0)));
                feature.is_some_and(|feature| feature["_type"] == kind)
                    || inner.is_some_and(|feature| feature["_type"] == kind)
            })
            .collect()
    };
    let asked = |key: &str, name: &str| -> Result<usize, String> {
        match columns::spelt(&names, name).as_slice() {
            &[only] => Ok(only),
            [] => {
                let near = nearest(name, names.iter().copied());
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                Err(format!("has no column `{name}`, which {key} names; {near}its columns: {all}"))
            }
            several => Err(columns::meant_twice(&names, several, key, name)),
        }
    };

    let declared: Vec<usize> = of_type("Image").into_iter().filter(|&at| tops[at].image.is_some()).collect();
    let bytes = |at: usize| tops[at].image.is_some() && !tops[at].text;
    let among = |at: usize| if declared.is_empty() { bytes(at) } else { declared.contains(&at) };
    let found = match columns::find(ColumnRole::Image, &names, among) {
        columns::Found::Nothing => {
            match (0..tops.len()).filter(|&at| among(at)).collect::<Vec<_>>().as_slice() {
                [] => columns::Found::Nothing,
                &[only] => columns::Found::Synonym(only),
                several => columns::Found::Several(several.to_vec()),
            }
        }
        found => found,
    };
    let image = match (&wanted.path, found) {
        (Some(name), _) => {
            let at = asked("data.columns.path", name)?;
            tops[at].image.ok_or_else(|| format!("has no images in `{name}`: neither bytes nor paths"))?;
            at
        }
        (None, columns::Found::Literal(at)) => at,
        (None, columns::Found::Synonym(at)) => {
            if !declared.contains(&at) {
                taken(ColumnRole::Image, at);
            }
            at
        }
        (None, columns::Found::Several(several)) => {
            let several = columns::list(several.iter().map(|&at| names[at]));
            return Err(format!(
                "has several columns that may hold the images: {several}; say which with data.columns.path in the study file"
            ));
        }
        // No bytes anywhere: text may name files.
        (None, columns::Found::Nothing) => {
            let text = |at: usize| tops[at].text;
            let named = match columns::find(ColumnRole::Image, &names, text) {
                found @ (columns::Found::Literal(_) | columns::Found::Synonym(_)) => found,
                _ => columns::find(ColumnRole::Path, &names, text),
            };
            match named {
                columns::Found::Literal(at) | columns::Found::Synonym(at) => {
                    taken(ColumnRole::Path, at);
                    at
                }
                _ => {
                    return Err(format!(
                        "has no column of images (bytes, or a structure of bytes and path); its columns: {all}"
                    ));
                }
            }
        }
    };

    let declared = of_type("ClassLabel");
    let among =
        |at: usize| at != image && if declared.is_empty() { tops[at].label } else { declared.contains(&at) };
    let label = match (&wanted.label, declared.as_slice(), columns::find(ColumnRole::Label, &names, among)) {
        (Some(name), ..) => asked("data.columns.label", name)?,
        (_, &[only], _) => {
            if columns::plain(names[only]) != "label" {
                taken(ColumnRole::Label, only);
            }
            only
        }
        (_, _, columns::Found::Literal(at)) => at,
        (_, _, columns::Found::Synonym(at)) => {
            taken(ColumnRole::Label, at);
            at
        }
        (_, [], columns::Found::Nothing) => {
            return Err(format!(
                "has no column of labels (\"label\"); its columns: {all}; say which it is with data.columns.label in the study \
                 file"
            ));
        }
        (_, declared, found) => {
            let several = match found {
                columns::Found::Several(several) => several,
                _ => declared.to_vec(),
            };
            let several = several.iter().map(|&at| names[at]).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "has several columns of classes ({several}), not one of them alone called \"label\"; say which is meant with \
                 data.columns.label in the study file"
            ));
        }
    };
    let image_name = names[image].to_owned();
    let image = tops[image].image.ok_or("has no column of images")?;
    Ok(ChosenColumns { image, image_name, label: names[label].to_owned(), warnings })
}

//! Tables: `path,label[,split]`, with a header; paths are relative to the table's folder. What other programs call these columns
//! and how they write paths and labels is understood as well, and said in a warning.

pub(super) mod cells;
mod layout;
mod rows;
mod split_column;
mod text;

use crate::number::{form, number};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::definition::{Precedence, Source};
use super::finder::images_below;
use super::reading::{entries, entries_if_any};
use super::split_name::split_by_name;
use super::tfds;
use crate::classes::{class_order, same_numbers};
use crate::columns::{self, ColumnRole, Found};
use crate::delimited::{DecimalError, DecimalSigns};
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::names::{is_hidden, name_of};
use crate::paths::slashes;
use crate::{ColumnConfig, DataError, DeclaredSplit, Warning};
use rows::{Row, Table, TableFailure, read, remedy, without_detours};
use text::Text;

pub(super) const SOURCE: Source = Source {
    words: "A table with columns `path,label[,split]`, or what others call them; paths are relative to the table's folder.",
    precedence: Precedence::Table,
    claims_file,
    claims_folder: is_folder_of_table,
    list: |path, options| list(path, options.test_path, options.columns, options.group_column),
};

/// Labels that are decimal numbers are no classes where there are more different ones than this.
const MOST_DECIMALS: usize = 20;
/// The endings of files that are tables by their names.
const ENDINGS: [&str; 6] = [".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson"];
/// Tables that stand in the folder of their images by the convention of Hugging Face `datasets`, and what they are called.
const METADATA: [&str; 3] = ["metadata.csv", "metadata.jsonl", "metadata.parquet"];

/// Whether a file is a table by its name.
fn is_table(name: &str) -> bool {
    ENDINGS.iter().any(|end| name.ends_with(end))
}

/// JSON objects and Parquet are tables only where they have labels: others write files that end so.
fn claims_file(path: &Path, name: &str) -> bool {
    let may_be = name.ends_with(".json") || name == "metadata.parquet";
    !tfds::is_file(name) && (is_table(name) || may_be && has_labels(path))
}

/// Whether a folder is that of a table: of `train.csv`, or of `metadata.csv` beside its images, if that has labels.
fn is_folder_of_table(folder: &Path) -> bool {
    train_table(folder).is_some()
        || metadata(folder).is_ok_and(|tables| tables.iter().any(|(table, _)| has_labels(table)))
}

fn train_table(folder: &Path) -> Option<PathBuf> {
    find(folder, &["train.csv", "train.tsv"])
}

fn find(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|file| file.is_file())
}

/// The tables of metadata in a folder, or in its folders of splits, and the splits.
fn metadata(folder: &Path) -> Result<Vec<(PathBuf, DeclaredSplit)>, DataError> {
    if let Some(table) = find(folder, &METADATA) {
        return Ok(vec![(table, DeclaredSplit::Undeclared)]);
    }
    let mut found: Vec<(PathBuf, DeclaredSplit)> = Vec::new();
    for path in entries(folder)? {
        let Some(split) = split_by_name(&name_of(&path)) else { continue };
        // A folder that may not be entered hides its table.
        entries_if_any(&path)?;
        found.extend(find(&path, &METADATA).map(|table| (table, split)));
    }
    // Train first: ids start from the first table's folder.
    found.sort_by(|(a, x), (b, y)| (*x as usize, a).cmp(&(*y as usize, b)));
    Ok(found)
}

/// The columns of a file that may be a table, without reading more than is worth that.
fn columns_of(table: &Path) -> Option<Vec<String>> {
    const MOST: u64 = 64 << 20;
    let small = std::fs::metadata(table).is_ok_and(|file| file.is_file() && file.len() <= MOST);
    let text = small.then(|| Text::read(table).ok()).flatten()?;
    Some(text.header().to_vec()).filter(|names| !names.is_empty())
}

/// Whether a table says paths and labels, by the names of its columns.
fn has_labels(table: &Path) -> bool {
    columns_of(table).is_some_and(|names| {
        let has = |role| !matches!(columns::find(role, &names, |_| true), Found::Nothing);
        has(ColumnRole::Path) && has(ColumnRole::Label)
    })
}

/// An error about a folder of images, with a word about tables that stand in it.
pub(super) fn beside(folder: &Path, error: DataError) -> DataError {
    let DataError::Unusable { path, message } = error else { return error };
    // There is an error already; this one would hide it.
    let Ok(entries) = entries(folder) else { return DataError::Unusable { path, message } };
    let tables: Vec<PathBuf> = entries
        .into_iter()
        .filter(|path| {
            let name = name_of(path).to_lowercase();
            let known = is_table(&name) && !name.ends_with(".txt") || name.ends_with(".json");
            known && path.is_file() && !is_hidden(&name)
        })
        .collect();
    let Some(first) = tables.first() else { return DataError::Unusable { path, message } };
    let columns = columns_of(first).map(|names| format!(" (with the columns {})", columns::list(names)));
    let columns = columns.unwrap_or_default();
    let names = tables.iter().map(|table| name_of(table)).collect::<Vec<_>>().join(", ");
    let (stands, one) = if tables.len() == 1 { ("stands", "it") } else { ("stand", "one of them") };
    DataError::Unusable {
        path,
        message: format!(
            "{message}; {names}{columns} {stands} there: if a table says the classes, name {one} in data.path ({}), and its columns, \
             where they are called otherwise, in data.columns",
            first.display()
        ),
    }
}

fn list(
    path: &Path,
    test_path: Option<&Path>,
    wanted: &ColumnConfig,
    group: Option<&str>,
) -> Result<Listing, DataError> {
    let mut warnings = Vec::new();
    let tables = tables(path, test_path, &mut warnings)?;
    let base = match tables.first() {
        // Tables of metadata in folders of splits have the folder above in common.
        Some(_) if path.is_dir() => path.to_owned(),
        Some(table) => table.path.parent().unwrap_or(Path::new("")).to_owned(),
        None => PathBuf::new(),
    };
    let mut rows = Vec::new();
    let mut seen = HashMap::new();
    let mut unlabelled = false;
    let mut listed = Vec::new();
    let mut unreadable = None;
    for (number, table) in tables.iter().enumerate() {
        match read(table, &base, wanted, group, &mut seen) {
            Ok(read) => {
                rows.extend(read.rows);
                unlabelled |= read.unlabelled;
                listed.extend(read.unlabelled_files);
                unreadable = unreadable.or(read.unreadable);
                warnings.extend(read.warnings);
            }
            // A table of what is to be predicted, as competitions have it.
            Err(TableFailure::NoLabels(message)) if table.inferred && number > 0 => {
                let table = name_of(&table.path);
                let note = format!("is not used, since it says no classes ({message})");
                warnings.push(Warning::TableNote { table, note });
            }
            Err(TableFailure::NoLabels(message)) => {
                let listed = format!("\n  line 1: {message}");
                return Err(DataError::Lines { path: table.path.clone(), listed });
            }
            Err(TableFailure::Error(error)) => return Err(error),
        }
    }
    let Some(first) = rows.first() else {
        let why = if unlabelled {
            "has no label in any of its rows, so there is nothing to learn"
        } else {
            "lists no images: it has a header but no rows"
        };
        return Err(DataError::unusable(path, why));
    };
    if !rows.iter().any(|row| row.found || row.file.exists()) {
        if let Some((folder, reason)) = unreadable {
            return Err(DataError::unusable(
                path,
                format!(
                    "not one of the {} images it lists can be looked at, since the folder {} cannot be read ({reason}); line {} names {}",
                    rows.len(),
                    folder.display(),
                    first.line,
                    first.written
                ),
            ));
        }
        let hint = remedy(&base, &first.written);
        return Err(DataError::unusable(
            path,
            format!(
                "not one of the {} images it lists exists; line {} names {}, looked for at {}; paths are relative to \
                 the table's folder{hint}",
                rows.len(),
                first.line,
                first.written,
                first.file.display()
            ),
        ));
    }
    number_labels(path, &mut rows, &mut warnings)?;
    if let Some(split) = (tables.len() == 1 && METADATA.contains(&name_of(&tables[0].path).as_str()))
        .then(|| splits_of_folders(&rows))
        .flatten()
    {
        let note =
            "train, validation and test are the folders of these names that its paths begin with".to_owned();
        warnings.push(Warning::TableNote { table: name_of(&tables[0].path), note });
        rows.iter_mut().zip(split).for_each(|(row, split)| row.split = split);
    }
    if path.is_dir() {
        listed.extend(rows.iter().map(|row| row.file.clone()));
        warnings.extend(not_listed(path, &tables, &listed)?);
    }
    let classes = class_order(rows.iter().map(|row| row.label.clone()).collect::<BTreeSet<_>>());
    let labels: HashMap<&str, usize> =
        classes.iter().enumerate().map(|(label, class)| (class.as_str(), label)).collect();
    let entries = rows
        .iter()
        .map(|row| Entry {
            id: row.id.clone(),
            label: labels.get(row.label.as_str()).copied().unwrap_or_default(),
            split: row.split,
            location: Location::File(row.file.clone()),
        })
        .collect();
    let group_of = rows.iter().filter_map(|row| Some((row.id.clone(), row.group.clone()?))).collect();
    Ok(Listing { entries, warnings, classes, group_of, group_column: group.is_some(), ..Listing::default() })
}

/// A word about a table that nobody named, and about the images of its folder that no table lists.
fn not_listed(folder: &Path, tables: &[Table], listed: &[PathBuf]) -> Result<Option<Warning>, DataError> {
    let inferred = || tables.iter().filter(|table| table.inferred);
    let listed: BTreeSet<PathBuf> = listed.iter().map(|file| without_detours(file)).collect();
    let mut others =
        images_below(folder)?.into_iter().filter(|file| !listed.contains(&without_detours(file)));
    let example = others.next();
    let count = example.iter().count() + others.count();
    let names: Vec<String> =
        inferred().map(|table| slashes(table.path.strip_prefix(folder).unwrap_or(&table.path))).collect();
    let table = names.join(" and ");
    let note = match example {
        Some(example) => format!(
            "was found in the folder and taken for the list of its images and classes; {n} in the folder {are} in no row of it \
             and {are} not used, {} for one; list them too, or, if folders are the classes, take the table out of the folder",
            slashes(example.strip_prefix(folder).unwrap_or(&example)),
            n = number(count, "image"),
            are = form(count, "is", "are")
        ),
        // `train.csv` is what a folder of tables is known by.
        None if inferred().any(|table| name_of(&table.path).starts_with("train.")) => return Ok(None),
        None => "was found in the folder and taken for the list of its images and classes".to_owned(),
    };
    Ok((!names.is_empty()).then_some(Warning::TableNote { table, note }))
}

/// The splits of rows all of whose paths begin with a split's folder, two different ones at least.
fn splits_of_folders(rows: &[Row]) -> Option<Vec<DeclaredSplit>> {
    let split = |row: &Row| split_by_name(row.id.split_once('/')?.0);
    let splits: Vec<DeclaredSplit> = rows.iter().map(split).collect::<Option<_>>()?;
    let undeclared = rows.iter().all(|row| row.split == DeclaredSplit::Undeclared);
    (undeclared && splits.iter().any(|split| *split != splits[0])).then_some(splits)
}

/// The value of a label that is a number, `2` as well as `2.0` and `2,5`.
fn value(label: &str) -> Option<f64> {
    let digits = label.strip_prefix(['-', '+']).unwrap_or(label);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    plain.then(|| label.replace(',', ".").parse().ok()).flatten()
}

/// Where all labels are numbers, `1` and `1.0` are one class, and decimal numbers are probably none.
fn number_labels(path: &Path, rows: &mut [Row], warnings: &mut Vec<Warning>) -> Result<(), DataError> {
    let distinct: BTreeMap<String, (u64, Option<f64>)> =
        rows.iter().rev().map(|row| (row.label.clone(), (row.line, value(&row.label)))).collect();
    if distinct.values().any(|(_, value)| value.is_none()) {
        join_same_numbers(path, rows, warnings);
        return Ok(());
    }
    let mut signs = DecimalSigns::default();
    distinct.iter().for_each(|(label, (line, _))| signs.see(0, *line, label));
    if let Err(error @ DecimalError::Ambiguous { line, .. }) = signs.of(0) {
        return Err(DataError::Lines {
            path: path.to_owned(),
            listed: format!("\n  line {line}: the label {error}"),
        });
    }
    let table = name_of(path);
    let decimal = distinct.iter().find(|(_, (_, value))| value.is_some_and(|value| value.fract() != 0.0));
    if let Some((label, (line, _))) = decimal {
        if distinct.len() > MOST_DECIMALS && distinct.len() * 2 > rows.len() {
            return Err(DataError::unusable(
                path,
                format!(
                    "has {} different decimal numbers for labels (line {line}: {label}): these are the targets of a regression, and images \
                     are sorted into classes here; write a column of classes, or name another with data.columns.label",
                    distinct.len()
                ),
            ));
        }
        let note =
            format!("labels are decimal numbers (line {line}: {label}); each of them was taken for a class");
        warnings.push(Warning::TableNote { table, note });
        join_same_numbers(path, rows, warnings);
        return Ok(());
    }
    let whole =
        |label: &str| label.contains(['.', ',']).then(|| value(label).map(|value| format!("{value:.0}")));
    let Some((example, (line, _))) = distinct.iter().find(|(label, _)| label.contains(['.', ','])) else {
        return Ok(());
    };
    let class = whole(example).flatten().unwrap_or_default();
    let note = format!("labels such as {example} (line {line}) are whole numbers: the same class as {class}");
    warnings.push(Warning::TableNote { table, note });
    for row in rows {
        if let Some(Some(label)) = whole(&row.label) {
            row.label = label;
        }
    }
    Ok(())
}

/// Beside other labels, `1` and `1.0` are one class where both are there.
fn join_same_numbers(path: &Path, rows: &mut [Row], warnings: &mut Vec<Warning>) {
    let same = same_numbers(rows.iter().map(|row| row.label.as_str()));
    let Some((example, number)) = same.first_key_value() else { return };
    let note = format!(
        "the labels {number} and {example} are the same number: they are taken for one class, {number}"
    );
    warnings.push(Warning::TableNote { table: name_of(path), note });
    for row in rows {
        if let Some(number) = same.get(&row.label) {
            row.label.clone_from(number);
        }
    }
}

/// Which tables a path means.
fn tables(
    path: &Path,
    test_path: Option<&Path>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Table>, DataError> {
    let mut tables = Vec::new();
    let mut add = |path: PathBuf, split, inferred| tables.push(Table { path, split, inferred });
    if path.is_dir() {
        if let Some(train) = train_table(path) {
            add(train, DeclaredSplit::Train, true);
            let validation =
                ["validation.csv", "valid.csv", "val.csv", "validation.tsv", "valid.tsv", "val.tsv"];
            if let Some(validation) = find(path, &validation) {
                add(validation, DeclaredSplit::Validation, true);
            }
            if test_path.is_none()
                && let Some(test) = find(path, &["test.csv", "test.tsv"])
            {
                add(test, DeclaredSplit::Test, true);
            }
        } else {
            let metadata = metadata(path)?;
            if metadata.is_empty() {
                add(only_table(path)?, DeclaredSplit::Undeclared, true);
            }
            for (table, split) in metadata {
                add(table, split, true);
            }
        }
    } else {
        add(path.to_owned(), DeclaredSplit::Undeclared, false);
        let beside = path.with_file_name("test.csv");
        if test_path.is_none() && path.file_name().is_some_and(|name| name == "train.csv") && beside.is_file()
        {
            warnings.push(Warning::TestTableBeside);
        }
    }
    if let Some(test) = test_path {
        if !test.is_file() {
            return Err(DataError::unusable(test, "there is no such file; check data.test_path"));
        }
        add(test.to_owned(), DeclaredSplit::Test, false);
    }
    // A table on its own is split by us; beside a test table it is what is trained on.
    if tables.len() == 1 {
        tables[0].split = DeclaredSplit::Undeclared;
    } else if tables[0].split == DeclaredSplit::Undeclared {
        tables[0].split = DeclaredSplit::Train;
    }
    Ok(tables)
}

fn only_table(folder: &Path) -> Result<PathBuf, DataError> {
    let mut found: Vec<PathBuf> = entries(folder)?
        .into_iter()
        .filter(|file| file.is_file() && file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => {
            Err(DataError::unusable(folder, "holds no .csv file; name the table itself in data.path"))
        }
        _ => Err(DataError::unusable(
            folder,
            "holds several .csv files and none of them is train.csv; name one in data.path",
        )),
    }
}

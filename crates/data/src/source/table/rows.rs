//! The rows of a table: which image each means, its class and its split.

use crate::number::{form, number};
use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use super::super::finder::{Finder, FoundBy, ImagePlace};
use super::cells::{split_of_cell, truth};
use super::layout::{Layout, RowLabel, Splits};
use super::text::Text;
use crate::groups::group_column;
use crate::names::name_of;
use crate::paths::slashes;
use crate::{ColumnConfig, DataError, DeclaredSplit, Warning};

pub(super) struct Row {
    pub(super) line: u64,
    /// As the table has it.
    pub(super) written: String,
    pub(super) id: String,
    pub(super) file: PathBuf,
    /// Whether something is there.
    pub(super) found: bool,
    pub(super) label: String,
    pub(super) split: DeclaredSplit,
    /// What the column that `data.group` names says.
    pub(super) group: Option<String>,
}

/// What a table holds.
pub(super) struct TableRows {
    pub(super) rows: Vec<Row>,
    /// Whether a row has no label.
    pub(super) unlabelled: bool,
    /// The images of such rows.
    pub(super) unlabelled_files: Vec<PathBuf>,
    /// A folder that could not be read, and why.
    pub(super) unreadable: Option<(PathBuf, String)>,
    pub(super) warnings: Vec<Warning>,
}

pub(super) enum TableFailure {
    Error(DataError),
    /// Nothing is wrong with the table but that it says no classes.
    NoLabels(String),
}

impl From<DataError> for TableFailure {
    fn from(error: DataError) -> Self {
        Self::Error(error)
    }
}

/// An image that was listed before.
pub(super) struct EarlierRow {
    pub(super) table: PathBuf,
    pub(super) line: u64,
    pub(super) label: String,
    pub(super) split: DeclaredSplit,
}

/// Reads a table; `seen` holds where each image was listed first.
pub(super) fn read(
    table: &Table,
    base: &Path,
    wanted: &ColumnConfig,
    group: Option<&str>,
    seen: &mut HashMap<String, EarlierRow>,
) -> Result<TableRows, TableFailure> {
    let text = Text::read(&table.path)?;
    let name = name_of(&table.path);
    let folder = table.path.parent().unwrap_or(Path::new(""));
    let mut finder = Finder::new(folder);
    let line = text.header_line();
    let layout = Layout::of(&text, &name, wanted, &mut finder).map_err(|no| match no.only_labels_lack {
        true => TableFailure::NoLabels(no.message),
        false => {
            let listed = format!("\n  line {line}: {}", no.message);
            TableFailure::Error(DataError::Lines { path: table.path.clone(), listed })
        }
    })?;
    let group = group.map(|name| group_column(&layout.names, name)).transpose().map_err(|message| {
        let listed = format!("\n  line {line}: {message}");
        TableFailure::Error(DataError::Lines { path: table.path.clone(), listed })
    })?;
    // As the files' paths are written.
    let base = without_detours(base);
    let path_of = |row: &crate::delimited::Row<'_>| row.cell(layout.path).to_owned();
    // Only a table none of whose images is where it says may mean another folder: one that is missing is missing.
    let is_found = |place: &ImagePlace| matches!(place, ImagePlace::AsWritten(_) | ImagePlace::Like(..));
    let elsewhere = !layout.rows.iter().any(|row| is_found(&finder.near(row.cell(layout.path))));

    let mut noticed = RowRemarks::default();
    let mut rows = Vec::new();
    let mut unlabelled_files = Vec::new();
    let mut wrong: Vec<(u64, String)> = layout.wrong.clone();
    for record in &layout.rows {
        let line = record.line;
        if record.cells.len() != layout.names.len() {
            wrong.push((
                line,
                format!(
                    "has {} columns, the header has {}; a name with a comma needs quotes",
                    record.cells.len(),
                    layout.names.len()
                ),
            ));
            continue;
        }
        let written = path_of(record);
        if written.is_empty() {
            wrong.push((line, "the path is empty".into()));
            continue;
        }
        let split = match split_of(&layout, record, table) {
            Ok(split) => split,
            Err(message) => {
                wrong.push((line, message));
                continue;
            }
        };
        let label = match layout.label(record) {
            RowLabel::Class(label) => label,
            RowLabel::Several(several) => {
                let message = format!(
                    "{written} has several classes, {several}: this is multi-label data, which cannot be used; every image needs one class"
                );
                wrong.push((line, message));
                continue;
            }
            RowLabel::None(value) => {
                let example = || format!("line {line} ({written})");
                noticed.unlabelled.entry(value).or_insert_with(|| (0, example())).0 += 1;
                let place = if elsewhere { finder.anywhere(&written) } else { finder.near(&written) };
                if let ImagePlace::AsWritten(file) | ImagePlace::Like(file, _) = place {
                    unlabelled_files.push(file);
                }
                continue;
            }
        };
        let place = if elsewhere { finder.anywhere(&written) } else { finder.near(&written) };
        let (file, found, how) = match place {
            ImagePlace::AsWritten(file) => (file, true, None),
            ImagePlace::Like(file, how) => (file, true, Some(how)),
            ImagePlace::Missing(file) => (file, false, None),
            ImagePlace::Refused(message) => {
                wrong.push((line, format!("{message}{}", remedy(folder, &written))));
                continue;
            }
        };
        let file = without_detours(&file);
        let id = match file.strip_prefix(&base) {
            Ok(below) => slashes(below),
            // Outside the table's folder, but not said so by the table: its own words are the steadier name.
            Err(_) if how.is_some() => slashes(Path::new(&written.replace('\\', "/"))),
            Err(_) => slashes(&file),
        };
        if let Some(how) = how {
            let (count, ..) = noticed.elsewhere.entry(how).or_insert((0, written.clone(), id.clone()));
            *count += 1;
        }
        match seen.get(&id) {
            Some(earlier)
                if earlier.table == table.path && (&earlier.label, earlier.split) == (&label, split) =>
            {
                noticed.repeated.get_or_insert((0, line)).0 += 1;
                continue;
            }
            Some(earlier) if earlier.table == table.path => {
                let said = if earlier.label == label {
                    format!("in split {} there and {} here", earlier.split.name(), split.name())
                } else {
                    format!("as {} there and {label} here", earlier.label)
                };
                wrong.push((
                    line,
                    format!(
                        "{id} is listed twice, first on line {}; remove one of them ({said})",
                        earlier.line
                    ),
                ));
                continue;
            }
            Some(earlier) => {
                let other = format!("line {} of {}", earlier.line, earlier.table.display());
                wrong.push((line, format!("{id} is listed on {other} too; remove one of them")));
                continue;
            }
            None => {
                let earlier = EarlierRow { table: table.path.clone(), line, label: label.clone(), split };
                seen.insert(id.clone(), earlier);
            }
        }
        let group = group.map(|at| record.cell(at).to_owned()).filter(|group| !group.is_empty());
        rows.push(Row { line, written, id, file, found, label, split, group });
    }
    let mut warnings = layout.warnings;
    let unlabelled = !noticed.unlabelled.is_empty();
    warnings.extend(noticed.warnings(&name));
    if wrong.is_empty() {
        let unreadable = finder.unreadable().map(|(folder, reason)| (folder.to_owned(), reason.to_owned()));
        return Ok(TableRows { rows, unlabelled, unlabelled_files, unreadable, warnings });
    }
    wrong.sort_by_key(|(line, _)| *line);
    let mut listed: String =
        wrong.iter().take(NAMED).map(|(line, message)| format!("\n  line {line}: {message}")).collect();
    if wrong.len() > NAMED {
        listed += &format!("\n  … and {} more", wrong.len() - NAMED);
    }
    Err(TableFailure::Error(DataError::Lines { path: table.path.clone(), listed }))
}

/// What was seen in rows that should be said once.
#[derive(Default)]
pub(super) struct RowRemarks {
    /// By what stands there in place of a label: how many, and one of them.
    pub(super) unlabelled: BTreeMap<String, (usize, String)>,
    pub(super) repeated: Option<(usize, u64)>,
    /// How many, the first as written and as found.
    pub(super) elsewhere: BTreeMap<FoundBy, (usize, String, String)>,
}

impl RowRemarks {
    pub(super) fn warnings(self, table: &str) -> Vec<Warning> {
        let table = || table.to_owned();
        let mut warnings = Vec::new();
        for (how, (count, written, found)) in self.elsewhere {
            let place = how.to_string();
            warnings.push(Warning::FoundElsewhere { table: table(), count, place, written, found });
        }
        for (text, (count, example)) in self.unlabelled {
            warnings.push(if text.is_empty() {
                let note = format!(
                    "{} {} left out, {example} for one",
                    number(count, "row"),
                    form(count, "has no label and is", "have no label and are")
                );
                Warning::TableNote { table: table(), note }
            } else {
                Warning::NoLabel { place: table(), text, count, example }
            });
        }
        if let Some((count, line)) = self.repeated {
            warnings.push(Warning::RepeatedRows { table: table(), count, line });
        }
        warnings
    }
}

pub(super) fn split_of(
    layout: &Layout<'_>,
    row: &crate::delimited::Row<'_>,
    table: &Table,
) -> Result<DeclaredSplit, String> {
    let (name, split) = match layout.splits {
        None => return Ok(table.split),
        Some(Splits::Named(at)) => {
            let name = row.cell(at);
            let split = split_of_cell(name);
            (name, split.ok_or_else(|| format!("split is {name:?}; must be train, validation or test"))?)
        }
        Some(Splits::Marked(at, yes, no)) => {
            let name = row.cell(at);
            let truth = truth(name)
                .ok_or_else(|| format!("{} is {name:?}; must be 1 or 0, true or false", layout.names[at]))?;
            (name, if truth { yes } else { no })
        }
    };
    if table.split == DeclaredSplit::Test && split != DeclaredSplit::Test {
        return Err(format!("split is {name:?}, but this is the table of the test split"));
    }
    Ok(split)
}

/// How many wrong lines an error names.
pub(super) const NAMED: usize = 10;

/// A table and the split of its rows where it has no split column.
pub(super) struct Table {
    pub(super) path: PathBuf,
    pub(super) split: DeclaredSplit,
    /// Found in a folder, not named by anyone.
    pub(super) inferred: bool,
}

/// A path without folders that it enters and leaves again, where that leads to the same file: links may lead elsewhere.
pub(super) fn without_detours(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    let mut turns = false;
    for part in path.components() {
        match part {
            Component::ParentDir if matches!(short.components().next_back(), Some(Component::Normal(_))) => {
                short.pop();
                turns = true;
            }
            Component::CurDir => {}
            part => short.push(part),
        }
    }
    let same = !turns
        || path.canonicalize().ok().is_some_and(|real| short.canonicalize().is_ok_and(|to| to == real));
    if same { short } else { path.to_owned() }
}

/// What to do about a path under which nothing was found: what of it is here, if anything.
pub(super) fn remedy(base: &Path, written: &str) -> String {
    let parts: Vec<&str> = written.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    // Nobody's folders are deeper, and a cell may be as long as the file.
    let shorter = (1..parts.len().min(64)).map(|at| parts[at..].join("/"));
    let found = shorter.into_iter().find(|path| base.join(path).is_file());
    found.map(|path| format!("; {path} is there: write the paths from there on")).unwrap_or_default()
}

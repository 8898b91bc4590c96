//! CSV tables: `path,label[,split]`, with a header; paths are relative to the table's folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::folder::split_by_name;
use crate::listing::{Entry, Listing};
use crate::paths::{below, slashes};
use crate::store::Location;
use crate::{DataError, DeclaredSplit, Warning, class_order};

/// How many wrong lines an error names.
const NAMED: usize = 10;

/// A table and the split of its rows where it has no split column.
struct Table {
    path: PathBuf,
    split: DeclaredSplit,
}

pub(crate) fn list(path: &Path, test_path: Option<&Path>) -> Result<Listing, DataError> {
    let mut warnings = Vec::new();
    let tables = tables(path, test_path, &mut warnings)?;
    let base = tables.first().and_then(|table| table.path.parent()).unwrap_or(Path::new("")).to_owned();
    let mut rows = Vec::new();
    let mut seen = HashMap::new();
    for table in &tables {
        rows.extend(read(table, &base, &mut seen)?);
    }
    let Some(first) = rows.first() else {
        return Err(DataError::unusable(path, "lists no images: it has a header but no rows"));
    };
    if !rows.iter().any(|row| row.file.exists()) {
        return Err(DataError::unusable(
            path,
            format!(
                "not one of the {} images it lists exists; line {} names {}, looked for at {}; paths are relative to \
                 the table's folder",
                rows.len(),
                first.line,
                first.id,
                first.file.display()
            ),
        ));
    }
    let classes = class_order(rows.iter().map(|row| row.label.clone()));
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
    Ok(Listing { entries, warnings, classes, ..Listing::default() })
}

/// Which tables a path means.
fn tables(
    path: &Path,
    test_path: Option<&Path>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Table>, DataError> {
    let mut tables = Vec::new();
    if path.is_dir() {
        let find = |names: &[&str]| names.iter().map(|name| path.join(name)).find(|file| file.is_file());
        if let Some(train) = find(&["train.csv"]) {
            tables.push(Table { path: train, split: DeclaredSplit::Train });
            if let Some(validation) = find(&["validation.csv", "valid.csv", "val.csv"]) {
                tables.push(Table { path: validation, split: DeclaredSplit::Validation });
            }
            if test_path.is_none()
                && let Some(test) = find(&["test.csv"])
            {
                tables.push(Table { path: test, split: DeclaredSplit::Test });
            }
        } else {
            tables.push(Table { path: only_table(path)?, split: DeclaredSplit::Undeclared });
        }
    } else {
        tables.push(Table { path: path.to_owned(), split: DeclaredSplit::Undeclared });
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
        tables.push(Table { path: test.to_owned(), split: DeclaredSplit::Test });
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
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(DataError::io(folder))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.is_file() && file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")))
        .collect();
    found.sort();
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

struct Row {
    line: u64,
    id: String,
    file: PathBuf,
    label: String,
    split: DeclaredSplit,
}

/// The columns' positions.
struct Columns {
    path: usize,
    label: usize,
    split: Option<usize>,
    count: usize,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Option<Self> {
        let find = |name: &str| header.iter().position(|column| column.trim().eq_ignore_ascii_case(name));
        Some(Self { path: find("path")?, label: find("label")?, split: find("split"), count: header.len() })
    }
}

/// Reads a table; `seen` holds where each image was listed first.
fn read(
    table: &Table,
    base: &Path,
    seen: &mut HashMap<String, (PathBuf, u64)>,
) -> Result<Vec<Row>, DataError> {
    let bytes = std::fs::read(&table.path).map_err(DataError::io(&table.path))?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let reader = |delimiter: u8| {
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(bytes)
    };
    // Spreadsheets of some languages write semicolons.
    let found = [b',', b';', b'\t'].into_iter().find_map(|delimiter| {
        let mut reader = reader(delimiter);
        let columns = Columns::of(reader.headers().ok()?)?;
        Some((reader, columns))
    });
    let Some((mut reader, columns)) = found else {
        let first: String =
            String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().chars().take(80).collect();
        return Err(DataError::Lines {
            path: table.path.clone(),
            listed: format!(
                "\n  line 1: expected a header with the columns path,label[,split], found {first:?}"
            ),
        });
    };
    let folder = table.path.parent().unwrap_or(Path::new(""));
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    for record in reader.records() {
        let row = match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                columns.row(&record, line, table, folder, base).map_err(|message| (line, message))
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                Err((line, "is not valid UTF-8; save the table as UTF-8".to_owned()))
            }
        };
        let row = row.and_then(|row| match seen.get(&row.id) {
            Some((path, line)) if *path == table.path => Err((
                row.line,
                format!("{} is listed twice, first on line {line}; remove one of them", row.id),
            )),
            Some((path, line)) => {
                let other = format!("line {line} of {}", path.display());
                Err((row.line, format!("{} is listed on {other} too; remove one of them", row.id)))
            }
            None => {
                seen.insert(row.id.clone(), (table.path.clone(), row.line));
                Ok(row)
            }
        });
        match row {
            Ok(row) => rows.push(row),
            Err(problem) => wrong.push(problem),
        }
    }
    if wrong.is_empty() {
        return Ok(rows);
    }
    let mut listed: String =
        wrong.iter().take(NAMED).map(|(line, message)| format!("\n  line {line}: {message}")).collect();
    if wrong.len() > NAMED {
        listed += &format!("\n  … and {} more", wrong.len() - NAMED);
    }
    Err(DataError::Lines { path: table.path.clone(), listed })
}

impl Columns {
    fn row(
        &self,
        record: &csv::StringRecord,
        line: u64,
        table: &Table,
        folder: &Path,
        base: &Path,
    ) -> Result<Row, String> {
        if record.len() != self.count {
            return Err(format!(
                "has {} columns, the header has {}; a name with a comma needs quotes",
                record.len(),
                self.count
            ));
        }
        let field = |column: usize| record.get(column).unwrap_or_default();
        let (path, label) = (field(self.path), field(self.label));
        if path.is_empty() {
            return Err("the path is empty".into());
        }
        if label.is_empty() {
            return Err(format!("{path} has no label"));
        }
        let split = match self.split.map(field) {
            None => table.split,
            Some(name) => {
                let split = split_by_name(name)
                    .ok_or_else(|| format!("split is {name:?}; must be train, validation or test"))?;
                if table.split == DeclaredSplit::Test && split != DeclaredSplit::Test {
                    return Err(format!("split is {name:?}, but this is the table of the test split"));
                }
                split
            }
        };
        let mut file = folder.join(path);
        if path.contains('\\') && !path.contains('/') && !file.exists() {
            // Written on Windows.
            file = below(folder, &path.replace('\\', "/"));
        }
        let id = slashes(file.strip_prefix(base).unwrap_or(&file));
        Ok(Row { line, id, file, label: label.to_owned(), split })
    }
}

//! What a table's file holds, as rows of text: delimited text, lines or a list of JSON objects, or Parquet.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use crate::delimited::{Delimited, DelimitedError, MOST_CELLS, Row};
use crate::stored_file::StoredFile;
use crate::{DataError, Warning, memory, parquet};

/// About how many bytes of memory a value of JSON takes, with the name of a member.
const VALUE: u64 = 64;
/// The largest file of JSON that is read.
const MOST_JSON: u64 = 1 << 30;

/// A table's file.
pub(super) enum Text {
    Delimited(Delimited),
    /// Names of the columns; rows with their lines.
    Cells(Vec<String>, Vec<(u64, Vec<String>)>),
}

impl Text {
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        StoredFile::refuse_other_than_files(path)?;
        let extension = path.extension().map(|end| end.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("jsonl" | "ndjson" | "json") => json(path),
            Some("parquet") => {
                let (names, rows) = parquet::text_rows(path)?;
                let rows = rows.into_iter().zip(1..).map(|(cells, number)| (number, cells)).collect();
                Ok(Self::Cells(names, rows))
            }
            _ => {
                let table = Delimited::read(path).map_err(|error| wrong(path, &error))?;
                enough_memory(path, table.split_bytes())?;
                Ok(Self::Delimited(table))
            }
        }
    }

    /// Names of the columns.
    pub(super) fn header(&self) -> &[String] {
        match self {
            Self::Delimited(table) => table.header(),
            Self::Cells(names, _) => names,
        }
    }

    /// The line of the header.
    pub(super) fn header_line(&self) -> u64 {
        match self {
            Self::Delimited(table) => table.header_line(),
            Self::Cells(..) => 1,
        }
    }

    /// Whether a header is a matter of opinion.
    pub(super) fn may_lack_header(&self) -> bool {
        matches!(self, Self::Delimited(_))
    }

    /// The rows, and the lines that are none.
    pub(super) fn rows(&self) -> (Vec<Row<'_>>, Vec<(u64, String)>) {
        let mut wrong = Vec::new();
        let rows = match self {
            Self::Delimited(table) => {
                let rows = table.rows().filter_map(|row| match row {
                    Ok(row) => Some(row),
                    Err(error) => {
                        wrong.push((error.line().unwrap_or_default(), error.to_string()));
                        None
                    }
                });
                rows.collect()
            }
            Self::Cells(_, rows) => rows.iter().map(|(line, cells)| borrowed(*line, cells)).collect(),
        };
        (rows, wrong)
    }

    /// What should be said of the file.
    pub(super) fn warnings(&self, table: &str) -> Vec<Warning> {
        match self {
            Self::Delimited(text) => text
                .warnings()
                .iter()
                .map(|warning| Warning::TableNote { table: table.to_owned(), note: warning.to_string() })
                .collect(),
            Self::Cells(..) => Vec::new(),
        }
    }
}

/// Refuses a table before it fills the memory.
fn enough_memory(path: &Path, bytes: u64) -> Result<(), DataError> {
    if memory::can_have(bytes) {
        return Ok(());
    }
    Err(DataError::unusable(
        path,
        format!(
            "has so many rows or cells that listing them takes about {} MiB of memory, which are not to be had; split it",
            bytes >> 20
        ),
    ))
}

fn borrowed(line: u64, cells: &[String]) -> Row<'_> {
    Row { line, cells: cells.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect(), ended: true }
}

fn wrong(path: &Path, error: &DelimitedError) -> DataError {
    match error {
        DelimitedError::Io(source) => {
            DataError::io(path)(std::io::Error::new(source.kind(), source.to_string()))
        }
        DelimitedError::Empty => DataError::unusable(path, "is empty: a table needs a header and rows"),
        _ => match error.line() {
            Some(line) => {
                DataError::Lines { path: path.to_owned(), listed: format!("\n  line {line}: {error}") }
            }
            None => DataError::unusable(path, error.to_string()),
        },
    }
}

/// Objects, one a line, or a list of them.
fn json(path: &Path) -> Result<Text, DataError> {
    let bytes = StoredFile::read_all(path, MOST_JSON)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    // What a value takes in memory, be it one character long.
    let values = bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b':' | b'\n')).count();
    enough_memory(path, values as u64 * VALUE)?;
    let mut objects: Vec<(u64, Value)> = Vec::new();
    match serde_json::from_slice(bytes) {
        Ok(Value::Array(values)) => objects.extend((1..).zip(values)),
        Ok(Value::Object(object)) if object.values().any(|value| value.is_array() || value.is_object()) => {
            let keys = crate::columns::list(object.keys());
            return Err(DataError::unusable(
                path,
                format!(
                    "is one JSON object with the members {keys}, as annotations of whole data sets are (COCO and others); write a table \
                     with the columns path,label instead"
                ),
            ));
        }
        Ok(value @ Value::Object(_)) => objects.push((1, value)),
        _ => {
            for (line, text) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
                if text.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let value = serde_json::from_slice(text).map_err(|error| DataError::Lines {
                    path: path.to_owned(),
                    listed: format!("\n  line {line}: is no JSON object ({error})"),
                })?;
                objects.push((line, value));
            }
        }
    }
    let mut names: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    for (_, value) in &objects {
        for key in value.as_object().into_iter().flat_map(|object| object.keys()) {
            if known.insert(key.clone()) {
                names.push(key.clone());
            }
        }
    }
    if names.len() > MOST_CELLS {
        return Err(DataError::unusable(
            path,
            format!("has objects with more than {MOST_CELLS} different members; is it a table of images?"),
        ));
    }
    enough_memory(path, objects.len() as u64 * (names.len() * size_of::<String>()) as u64)?;
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let rows = objects
        .into_iter()
        .map(|(line, value)| (line, names.iter().map(|name| text(value.get(name))).collect()))
        .collect();
    Ok(Text::Cells(names, rows))
}

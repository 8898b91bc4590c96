//! Parquet files without images, as tables of text.

use std::path::Path;
use std::sync::Arc;

use bakeoff_machine::available_memory;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::Field;

use super::believable::{all_pages_are_believable, believable};
use super::label::{Label, label_of};
use super::reader::{Source, guarded};
use crate::classes::escaped_bytes;
use crate::stored_file::StoredFile;
use crate::{DataError, memory};

/// The most bytes of a Parquet file that is a table of text.
pub(super) const MOST_TEXT: u64 = 1 << 30;

/// All columns of a Parquet file that holds no images, as text: names, and rows.
pub(crate) fn text_rows(path: &Path) -> Result<(Vec<String>, Vec<Vec<String>>), DataError> {
    let file = Arc::new(StoredFile::open(path)?);
    let wrong = |message: String| DataError::unusable(path, message);
    if file.size() > MOST_TEXT {
        return Err(wrong(format!("has more than {} MiB, too many for a table of paths", MOST_TEXT >> 20)));
    }
    let text = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => escaped_bytes(bytes.data()).into_owned(),
        Field::Double(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        other => match label_of(other) {
            Ok(Some(Label::Number(number))) => number.to_string(),
            Ok(Some(Label::Name(name))) => name,
            _ => other.to_string(),
        },
    };
    believable(&file).map_err(wrong)?;
    let mut unbelievable = None;
    let read = guarded(|| {
        let reader = SerializedFileReader::new(Source(Arc::clone(&file)))?;
        let metadata = reader.metadata();
        let columns = metadata.file_metadata().schema_descr().num_columns();
        if let Err(reason) = all_pages_are_believable(&file, metadata) {
            unbelievable = Some(reason);
            return Err(ParquetError::General("a page claims too much".into()));
        }
        let rows = metadata.file_metadata().num_rows().max(0) as u64;
        if !memory::can_have(rows.saturating_mul(columns as u64 * size_of::<String>() as u64)) {
            unbelievable = Some(format!("has {rows} rows, for which there is not enough memory; split it"));
            return Err(ParquetError::General("too many rows".into()));
        }
        let schema = reader.metadata().file_metadata().schema_descr();
        let fields = schema.root_schema().get_fields();
        let names = fields.iter().map(|field| field.name().to_owned()).collect();
        let mut rows = Vec::new();
        let mut left = available_memory().map_or(MOST_TEXT, |available| MOST_TEXT.min(available / 4));
        for row in reader.get_row_iter(None)? {
            let cells: Vec<String> = row?.get_column_iter().map(|(_, value)| text(value)).collect();
            let bytes: usize = cells.iter().map(|cell| cell.len() + size_of::<String>()).sum();
            left = left.checked_sub(bytes as u64).ok_or_else(|| {
                unbelievable = Some(format!(
                    "holds more text than there is memory for, after {} rows; split it",
                    rows.len()
                ));
                ParquetError::General("too much text".into())
            })?;
            rows.push(cells);
        }
        Ok((names, rows))
    });
    if let Some(reason) = unbelievable {
        return Err(wrong(reason));
    }
    read.map_err(|error| wrong(format!("is no readable Parquet file ({error}); copy it again")))
}

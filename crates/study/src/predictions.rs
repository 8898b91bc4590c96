//! The prediction of every test image, as Parquet: any later statistic can be made from it without training again.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::folder_error::FolderError;
use bakeoff_files::{WriteError, write_atomically};

/// What a trial's network said about one test image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Sample id.
    pub image: String,
    /// True class, an index into the data record's classes.
    pub label: u32,
    /// Class of the highest logit.
    pub predicted: u32,
    /// Softmax probability of the true class.
    pub probability: f64,
    /// 1 + how many classes have a higher logit than the true one: top-k is `rank <= k`.
    pub rank: u32,
    /// Softmax probability of the predicted class; `None` in files of earlier versions.
    pub confidence: Option<f64>,
    /// Sum over classes of the squared softmax probability, from which the Brier score follows; `None` in files of earlier
    /// versions.
    pub sum_of_squares: Option<f64>,
}

/// Columns, in order: `image` (string), `label`, `predicted` (int32), `probability` (double, of the label), `rank` (int32),
/// `label_class`, `predicted_class` (string), and since they were added `confidence` and `sum_of_squares` (double).
fn schema() -> Result<Type, ParquetError> {
    let column = |name: &str, physical, logical| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let text = || Some(LogicalType::String);
    let fields = vec![
        column("image", Physical::BYTE_ARRAY, text())?,
        column("label", Physical::INT32, None)?,
        column("predicted", Physical::INT32, None)?,
        column("probability", Physical::DOUBLE, None)?,
        column("rank", Physical::INT32, None)?,
        column("label_class", Physical::BYTE_ARRAY, text())?,
        column("predicted_class", Physical::BYTE_ARRAY, text())?,
        column("confidence", Physical::DOUBLE, None)?,
        column("sum_of_squares", Physical::DOUBLE, None)?,
    ];
    Type::group_type_builder("predictions").with_fields(fields).build()
}

fn number(value: u32) -> Result<i32, ParquetError> {
    i32::try_from(value).map_err(|_| ParquetError::General(format!("{value} does not fit into an int32")))
}

fn write_columns(file: &File, rows: &[Prediction], classes: &[String]) -> Result<(), ParquetError> {
    let created = format!("bakeoff {}", env!("CARGO_PKG_VERSION"));
    let properties = Arc::new(WriterProperties::builder().set_created_by(created).build());
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema()?), properties)?;
    let mut group = writer.next_row_group()?;
    let class = |index: u32| ByteArray::from(classes.get(index as usize).map_or("", String::as_str));
    let texts = [
        (0, rows.iter().map(|row| ByteArray::from(row.image.as_str())).collect::<Vec<_>>()),
        (5, rows.iter().map(|row| class(row.label)).collect()),
        (6, rows.iter().map(|row| class(row.predicted)).collect()),
    ];
    let numbers = [
        (1, rows.iter().map(|row| number(row.label)).collect::<Result<Vec<_>, _>>()?),
        (2, rows.iter().map(|row| number(row.predicted)).collect::<Result<Vec<_>, _>>()?),
        (4, rows.iter().map(|row| number(row.rank)).collect::<Result<Vec<_>, _>>()?),
    ];
    // What an earlier version did not keep is not known now either.
    let kept = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let fractions = [
        (3, rows.iter().map(|row| row.probability).collect::<Vec<f64>>()),
        (7, rows.iter().map(|row| kept(row.confidence)).collect()),
        (8, rows.iter().map(|row| kept(row.sum_of_squares)).collect()),
    ];
    let mut index = 0;
    while let Some(mut column) = group.next_column()? {
        if let Some((_, values)) = texts.iter().find(|(at, _)| *at == index) {
            column.typed::<ByteArrayType>().write_batch(values, None, None)?;
        } else if let Some((_, values)) = numbers.iter().find(|(at, _)| *at == index) {
            column.typed::<Int32Type>().write_batch(values, None, None)?;
        } else if let Some((_, values)) = fractions.iter().find(|(at, _)| *at == index) {
            column.typed::<DoubleType>().write_batch(values, None, None)?;
        }
        column.close()?;
        index += 1;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

/// Writes a trial's predictions.parquet, atomically; `classes` are the data record's class names.
///
/// # Errors
/// The file system refused.
pub fn write(path: &Path, rows: &[Prediction], classes: &[String]) -> Result<(), WriteError> {
    write_atomically(path, |file| {
        write_columns(file, rows, classes).map_err(|error| match error {
            // What the file system said, where it was the file system.
            ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
                Ok(io) => *io,
                Err(other) => std::io::Error::other(other),
            },
            other => std::io::Error::other(other),
        })
    })
}

fn texts(group: &dyn RowGroupReader, index: usize, rows: usize) -> Result<Vec<String>, ParquetError> {
    let mut values = Vec::new();
    match group.get_column_reader(index)? {
        ColumnReader::ByteArrayColumnReader(mut reader) => {
            reader.read_records(rows, None, None, &mut values)?
        }
        _ => return Err(ParquetError::General(format!("column {index} is not text"))),
    };
    values.iter().map(|bytes| Ok(bytes.as_utf8()?.to_owned())).collect()
}

fn numbers(group: &dyn RowGroupReader, index: usize, rows: usize) -> Result<Vec<u32>, ParquetError> {
    let mut values = Vec::new();
    match group.get_column_reader(index)? {
        ColumnReader::Int32ColumnReader(mut reader) => reader.read_records(rows, None, None, &mut values)?,
        _ => return Err(ParquetError::General(format!("column {index} is not int32"))),
    };
    let positive = |value: i32| {
        u32::try_from(value).map_err(|_| ParquetError::General(format!("column {index} holds {value}")))
    };
    values.into_iter().map(positive).collect()
}

fn fractions(group: &dyn RowGroupReader, index: usize, rows: usize) -> Result<Vec<f64>, ParquetError> {
    let mut values = Vec::new();
    match group.get_column_reader(index)? {
        ColumnReader::DoubleColumnReader(mut reader) => reader.read_records(rows, None, None, &mut values)?,
        _ => return Err(ParquetError::General(format!("column {index} is not double"))),
    };
    Ok(values)
}

/// Test images at most: a run of equal values takes a few bytes, however long it says that it is.
const MOST_ROWS: usize = 4_000_000;

fn read_columns(file: Bytes) -> Result<Vec<Prediction>, ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    let known = schema()?;
    let found = reader.metadata().file_metadata().schema().get_fields();
    let known = known.get_fields();
    // The first version ended with the class names.
    const FIRST: usize = 7;
    if found != known && found != &known[..FIRST] {
        return Err(ParquetError::General("its columns are not those of Bakeoff's predictions".into()));
    }
    let whole = found.len() > FIRST;
    let mut all = Vec::new();
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        let rows = usize::try_from(group.metadata().num_rows())
            .map_err(|_| ParquetError::General("a negative number of rows".into()))?;
        if rows.saturating_add(all.len()) > MOST_ROWS {
            return Err(ParquetError::General(format!("more than {MOST_ROWS} test images")));
        }
        let images = texts(group.as_ref(), 0, rows)?;
        let labels = numbers(group.as_ref(), 1, rows)?;
        let predicted = numbers(group.as_ref(), 2, rows)?;
        let ranks = numbers(group.as_ref(), 4, rows)?;
        let probabilities = fractions(group.as_ref(), 3, rows)?;
        let optional = |column: usize| -> Result<Vec<Option<f64>>, ParquetError> {
            let values = if whole { fractions(group.as_ref(), column, rows)? } else { vec![f64::NAN; rows] };
            Ok(values.into_iter().map(|value| Some(value).filter(|value| !value.is_nan())).collect())
        };
        let (confidences, squares) = (optional(7)?, optional(8)?);
        let lengths = [
            labels.len(),
            predicted.len(),
            ranks.len(),
            probabilities.len(),
            confidences.len(),
            squares.len(),
        ];
        if images.len() != rows || lengths != [rows; 6] {
            return Err(ParquetError::General("its columns differ in length".into()));
        }
        all.extend(images.into_iter().enumerate().map(|(row, image)| Prediction {
            image,
            label: labels[row],
            predicted: predicted[row],
            probability: probabilities[row],
            rank: ranks[row],
            confidence: confidences[row],
            sum_of_squares: squares[row],
        }));
    }
    Ok(all)
}

/// Reads predictions back from the bytes of a file; `path` is for messages.
pub(crate) fn read(bytes: Vec<u8>, path: &Path) -> Result<Vec<Prediction>, FolderError> {
    let malformed = |message: String| FolderError::Malformed { path: path.to_owned(), message };
    // The library checks much of what it reads, and not all of it.
    bakeoff_data::check_parquet(path).map_err(malformed)?;
    match bakeoff_data::catch_quietly(|| read_columns(bytes.into())) {
        Ok(read) => read.map_err(|error| malformed(error.to_string())),
        Err(_) => Err(malformed("it is no Parquet file that can be read".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_come_back_as_they_were_written_and_a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.parquet");
        let rows: Vec<Prediction> = (0..2500u32)
            .map(|i| Prediction {
                image: format!("test/é/{i}.jpg"),
                label: i % 3,
                predicted: (i / 2) % 3,
                probability: 1.0 / f64::from(i + 1),
                rank: 1 + i % 3,
                // Rows read from a file of an earlier version have neither.
                confidence: (i > 9).then(|| 0.5 + 1.0 / f64::from(i + 1)),
                sum_of_squares: (i > 9).then_some(0.4),
            })
            .collect();
        let classes = ["a", "b", "ç"].map(String::from);
        write(&path, &rows, &classes).unwrap();
        let read = |path: &Path| super::read(std::fs::read(path).unwrap(), path);
        assert_eq!(read(&path).unwrap(), rows);

        let old =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/handmade/predictions-first.parquet");
        let old = read(&old).unwrap();
        assert_eq!((old.len(), old[3].image.as_str(), old[3].rank), (6, "test/golden-angel/000005", 4));
        assert!(old.iter().all(|row| row.confidence.is_none() && row.sum_of_squares.is_none()));

        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("predictions.parquet"));
        write(&path, &[], &classes).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }
}

//! Images in the rows of a Parquet file, read a page at a time.
//!
//! Listing reads labels only. An image's page is decompressed when it is first asked for and kept while others of it are
//! likely to follow: images are mostly read in order, and a page holds many.

mod believable;
mod label;
mod reader;
mod text;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use parquet::basic::{ConvertedType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type as Schema;

use crate::image_file::image_bytes;
use crate::paths::{below, is_inside, with_slashes};
use crate::stored_file::StoredFile;
use crate::{DataError, ImageError};
pub use believable::check_parquet;
use believable::{believable, pages_are_believable};
pub(crate) use label::Label;
use label::{NoLabel, label_of};
use reader::{Reader, Source, guarded};
pub(crate) use text::text_rows;

/// Decompressed pages that are kept, in bytes.
const KEPT: usize = 256 << 20;
/// No label and no path is longer. One that a page holds once may stand in millions of rows.
const MOST_LABEL: usize = 64 << 10;
/// Values read at a time.
const BATCH: usize = 4096;

/// A Parquet file with a column of images.
#[derive(Debug)]
pub(crate) struct Table {
    file: Arc<StoredFile>,
    reader: Reader,
    image: Columns,
    /// By row group: where each of its pages begins, in rows, and where the last one ends.
    pages: Vec<OnceLock<Vec<usize>>>,
    recent: Mutex<Vec<Recent>>,
    /// Row groups and columns whose pages claim nothing impossible.
    believed: Mutex<HashSet<(usize, usize)>>,
}

/// Leaf columns of the images: at least one of them is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) bytes: Option<usize>,
    pub(crate) path: Option<usize>,
}

type Images = Arc<OnceLock<Result<Vec<Option<ByteArray>>, String>>>;

#[derive(Debug)]
struct Recent {
    group: usize,
    page: usize,
    images: Images,
}

impl Table {
    /// Opens a file; `choose` finds the column of images, and the name of that of labels, in what the file says of itself.
    pub(crate) fn open(
        path: &Path,
        choose: impl FnOnce(&ParquetMetaData) -> Result<(Columns, String), String>,
    ) -> Result<(Self, String), DataError> {
        let file = Arc::new(StoredFile::open(path)?);
        let wrong = |message: String| DataError::unusable(path, message);
        let size = file.size();
        believable(&file).map_err(wrong)?;
        let reader = guarded(|| SerializedFileReader::new(Source(Arc::clone(&file))))
            .map_err(|error| wrong(format!("is no readable Parquet file ({error}); copy it again")))?;
        let metadata = reader.metadata();
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let rows = group.num_rows();
            if rows < 0 || rows as u64 > size || rows > i64::from(u32::MAX) {
                return Err(wrong(format!(
                    "is broken: row group {number} announces {rows} rows in a file of {size} bytes; copy it again"
                )));
            }
        }
        let (image, label) = choose(metadata).map_err(wrong)?;
        let pages = metadata.row_groups().iter().map(|_| OnceLock::new()).collect();
        Ok((
            Self {
                file,
                reader: Reader(reader),
                image,
                pages,
                recent: Mutex::default(),
                believed: Mutex::default(),
            },
            label,
        ))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.reader.0.metadata()
    }

    /// Rows of each row group.
    pub(crate) fn groups(&self) -> Vec<usize> {
        self.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as usize).collect()
    }

    /// The labels of a row group, from a column of the outermost level; `None` where a row has none.
    pub(crate) fn labels(&self, group: usize, column: &str) -> Result<Vec<Option<Label>>, String> {
        let rows = self.groups()[group];
        let file = self.metadata().file_metadata();
        let schema = file.schema_descr();
        let field = schema.root_schema().get_fields().iter().find(|field| field.name() == column);
        let field = Arc::clone(field.ok_or_else(|| format!("has no column `{column}`"))?);
        // Whole numbers and text are read as they lie; other types by way of a record, which is slower.
        let leaf = (0..schema.num_columns()).find(|&at| schema.column(at).path().parts() == [column]);
        let leaf = leaf.filter(|&at| {
            let leaf = schema.column(at);
            let plain = match leaf.physical_type() {
                Physical::INT32 | Physical::INT64 => leaf.converted_type() == ConvertedType::NONE,
                Physical::BYTE_ARRAY => leaf.converted_type() != ConvertedType::DECIMAL,
                _ => false,
            };
            plain && leaf.max_rep_level() == 0
        });
        for at in (0..schema.num_columns())
            .filter(|&at| schema.column(at).path().parts().first().is_some_and(|name| name == column))
        {
            self.believe(group, at)?;
        }
        let mut wrong = None;
        let labels = guarded(|| {
            let reader = self.reader.0.get_row_group(group)?;
            let Some(leaf) = leaf else {
                let name = schema.root_schema().name();
                let only = Schema::group_type_builder(name).with_fields(vec![field]).build()?;
                let mut labels = Vec::new();
                for (number, row) in reader.get_row_iter(Some(only))?.take(rows).enumerate() {
                    let row = row?;
                    let value = row.get_column_iter().next().map_or(&Field::Null, |(_, value)| value);
                    match label_of(value) {
                        Ok(label) => labels.push(label),
                        Err(why) => {
                            wrong = Some(why.message(column, group, number));
                            return Ok(labels);
                        }
                    }
                }
                return Ok(labels);
            };
            let full = self.full_level(leaf);
            match reader.get_column_reader(leaf)? {
                ColumnReader::Int32ColumnReader(reader) => {
                    values(reader, full, 0, rows, |value| Label::Number((*value).into()))
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    values(reader, full, 0, rows, |value| Label::Number(*value))
                }
                ColumnReader::ByteArrayColumnReader(reader) => {
                    let bytes = values(reader, full, 0, rows, ByteArray::clone)?;
                    let labels = bytes.into_iter().enumerate().map(|(number, value)| {
                        let value = value?;
                        if value.len() > MOST_LABEL {
                            let what = format!("text of {} bytes", value.len());
                            wrong.get_or_insert_with(|| NoLabel::Other(what).message(column, group, number));
                            return None;
                        }
                        if std::str::from_utf8(value.data()).is_err() && wrong.is_none() {
                            wrong =
                                Some(NoLabel::NotUtf8(value.data().to_vec()).message(column, group, number));
                        }
                        Some(Label::Name(String::from_utf8_lossy(value.data()).into_owned()))
                    });
                    Ok(labels.collect())
                }
                _ => Err(ParquetError::General("labels are neither integers nor text".into())),
            }
        });
        let labels = labels.map_err(|error| {
            format!("has a broken column of labels, `{column}`, in row group {group} ({error}); copy the file again")
        })?;
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        if labels.len() == rows {
            return Ok(labels);
        }
        Err(format!(
            "is broken: row group {group} has {rows} rows, but {} labels; copy it again",
            labels.len()
        ))
    }

    /// The paths that stand in place of images, row by row; `None` where a row has none, or where bytes are there too.
    pub(crate) fn paths(&self, group: usize) -> Result<Vec<Option<String>>, String> {
        let rows = self.groups()[group];
        let column = self.image.path.ok_or("has no column of paths")?;
        let found = self.byte_arrays(group, column, 0, rows)?;
        if found.len() != rows {
            return Err(format!("is broken: row group {group} has {rows} rows, but {} paths", found.len()));
        }
        if let Some(long) = found.iter().flatten().find(|path| path.len() > MOST_LABEL) {
            return Err(format!(
                "is broken: row group {group} has a path of {} bytes; copy it again",
                long.len()
            ));
        }
        let text = |bytes: ByteArray| String::from_utf8_lossy(bytes.data()).into_owned();
        Ok(found.into_iter().map(|bytes| bytes.map(text)).collect())
    }

    /// Whether images are paths only: there is no column of bytes, or nothing in it.
    pub(crate) fn has_paths_only(&self) -> bool {
        let nothing = |column: usize| {
            self.metadata().row_groups().iter().all(|group| {
                let nulls = group.column(column).statistics().and_then(|found| found.null_count_opt());
                nulls.is_some_and(|nulls| nulls == group.num_rows().unsigned_abs())
            })
        };
        self.image.path.is_some() && self.image.bytes.is_none_or(nothing)
    }

    /// The definition level of a value that is there.
    fn full_level(&self, column: usize) -> i16 {
        self.metadata().file_metadata().schema_descr().column(column).max_def_level()
    }

    /// The bytes of the image in a row.
    pub(crate) fn read(&self, group: usize, row: usize) -> Result<Vec<u8>, ImageError> {
        let broken = |reason: String| ImageError::Stored {
            place: format!("row {row} of row group {group} of {}", self.path().display()),
            reason,
        };
        let Some(column) = self.image.bytes else { return self.beside(group, row).map_err(broken)? };
        let lost = |rows: String, reason: &str| ImageError::Stored {
            place: format!("{rows} of {}", self.path().display()),
            reason: format!("{}; copy the file again", reason.trim_end_matches("; copy the file again")),
        };
        let pages = self.pages(group).map_err(|reason| lost(format!("row group {group}"), &reason))?;
        let page = pages.partition_point(|&start| start <= row);
        let (Some(&start), Some(&end)) =
            (page.checked_sub(1).and_then(|page| pages.get(page)), pages.get(page))
        else {
            return Err(broken("is in no page; copy the file again".into()));
        };
        let images = self.images(group, page, start, end);
        let images = images.get_or_init(|| self.byte_arrays(group, column, start, end - start));
        // A page is lost as a whole: all of its rows are told in the same words.
        let page = || format!("rows {start} to {} of row group {group}", end.saturating_sub(1));
        match images.as_ref().map_err(|reason| lost(page(), reason))?.get(row - start) {
            Some(Some(bytes)) => Ok(bytes.data().to_vec()),
            Some(None) => self.beside(group, row).map_err(broken)?,
            None => Err(broken("is not in its page; copy the file again".into())),
        }
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    /// An image that is not in the table but in a file the table names.
    fn beside(&self, group: usize, row: usize) -> Result<Result<Vec<u8>, ImageError>, String> {
        let none = "holds neither bytes nor the path of an image";
        let column = self.image.path.ok_or(none)?;
        let found = self.byte_arrays(group, column, row, 1)?;
        let Some(Some(name)) = found.into_iter().next() else { return Err(none.into()) };
        let name = String::from_utf8_lossy(name.data()).into_owned();
        if !is_inside(&name) {
            return Err(format!("names an image outside the table's folder: {name:?}"));
        }
        let folder = self.path().parent().unwrap_or(Path::new(""));
        let file = beside_table(folder, &name);
        let inside = |file: &Path| Some(file.canonicalize().ok()?.starts_with(folder.canonicalize().ok()?));
        if inside(&file) == Some(false) {
            return Err(format!("names {name:?}, a link that leads outside the table's folder"));
        }
        Ok(image_bytes(&file))
    }

    fn byte_arrays(
        &self,
        group: usize,
        column: usize,
        start: usize,
        rows: usize,
    ) -> Result<Vec<Option<ByteArray>>, String> {
        self.believe(group, column)?;
        guarded(|| match self.reader.0.get_row_group(group)?.get_column_reader(column)? {
            ColumnReader::ByteArrayColumnReader(reader) => {
                values::<ByteArrayType, _>(reader, self.full_level(column), start, rows, ByteArray::clone)
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                let bytes = |value: &FixedLenByteArray| ByteArray::clone(value);
                values::<FixedLenByteArrayType, _>(reader, self.full_level(column), start, rows, bytes)
            }
            _ => Err(ParquetError::General("images are no bytes".into())),
        })
    }

    /// Looks at the pages of a column before the library does, which makes room for whatever they claim.
    fn believe(&self, group: usize, column: usize) -> Result<(), String> {
        let known = || self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        if !known().contains(&(group, column)) {
            pages_are_believable(&self.file, self.metadata(), group, column)?;
            known().insert((group, column));
        }
        Ok(())
    }

    /// Where pages begin: the rows a thread decompresses together.
    fn pages(&self, group: usize) -> Result<&[usize], String> {
        let known = self.pages.get(group).ok_or("there is no such row group")?;
        if let Some(pages) = known.get() {
            return Ok(pages);
        }
        let rows = self.groups()[group];
        if let Some(column) = self.image.bytes {
            self.believe(group, column)?;
        }
        let pages = guarded(|| {
            let group = self.reader.0.get_row_group(group)?;
            let column =
                self.image.bytes.ok_or_else(|| ParquetError::General("images are no bytes".into()))?;
            let mut reader = group.get_column_page_reader(column)?;
            let mut starts = vec![0];
            let mut end = 0usize;
            while let Some(page) = reader.peek_next_page()? {
                if !page.is_dict {
                    end = end.saturating_add(page.num_rows.or(page.num_levels).unwrap_or_default()).min(rows);
                    starts.push(end);
                }
                reader.skip_next_page()?;
            }
            starts.dedup();
            Ok(starts)
        })?;
        if pages.last() != Some(&rows) {
            return Err("the pages hold fewer rows than announced; copy the file again".into());
        }
        Ok(known.get_or_init(|| pages))
    }

    /// The place for the images of a page: threads that want the same page wait for one of them to read it.
    fn images(&self, group: usize, page: usize, start: usize, end: usize) -> Images {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent.iter().position(|known| (known.group, known.page) == (group, page));
        let entry = match found {
            Some(at) => recent.remove(at),
            None => Recent { group, page, images: Arc::default() },
        };
        let images = Arc::clone(&entry.images);
        recent.push(entry);
        let weight = |known: &Recent| match known.images.get() {
            Some(Ok(images)) => images.iter().flatten().map(|image| image.len()).sum(),
            _ => end - start,
        };
        let mut total: usize = recent.iter().map(weight).sum();
        while total > KEPT && recent.len() > 1 {
            total -= weight(&recent.remove(0));
        }
        images
    }
}

/// A file that a table names, in the table's folder.
pub(crate) fn beside_table(folder: &Path, name: &str) -> PathBuf {
    let literal = below(folder, name);
    match with_slashes(Path::new(name)) {
        Some(name) if !literal.exists() => folder.join(name),
        _ => literal,
    }
}

/// `rows` values from row `start` on, `None` for those that are not there.
fn values<T: DataType, V>(
    mut reader: ColumnReaderImpl<T>,
    full: i16,
    start: usize,
    rows: usize,
    convert: impl Fn(&T::T) -> V,
) -> ParquetResult<Vec<Option<V>>> {
    let mut found = Vec::new();
    if reader.skip_records(start)? != start {
        return Ok(found);
    }
    let (mut levels, mut batch) = (Vec::new(), Vec::new());
    while found.len() < rows {
        levels.clear();
        batch.clear();
        let most = BATCH.min(rows - found.len());
        let (records, _, _) = reader.read_records(most, Some(&mut levels), None, &mut batch)?;
        if records == 0 {
            break;
        }
        let mut values = batch.iter();
        if full == 0 {
            found.extend(values.map(|value| Some(convert(value))));
        } else {
            let there = |level: &i16| if *level == full { values.next().map(&convert) } else { None };
            found.extend(levels.iter().map(there).collect::<Vec<_>>());
        }
    }
    Ok(found)
}

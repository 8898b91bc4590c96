//! Images in the rows of a Parquet file, read a page at a time.
//!
//! Listing reads labels only. An image's page is decompressed when it is first asked for and kept while others of it are
//! likely to follow: images are mostly read in order, and a page holds many.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use parquet::basic::{ConvertedType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, Decimal, FixedLenByteArray, FixedLenByteArrayType,
};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, FileReader as _, Length, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type as Schema;

use crate::classes::escaped_bytes;
use crate::columns::{self, ColumnRole};
use crate::image_file::image_bytes;
use crate::paths::{below, is_inside, with_slashes};
use crate::quiet::catch_quietly;
use crate::stored_file::{StoredFile, Window};
use crate::{DataError, ImageError, memory, thrift};
use bakeoff_machine::available_memory;

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

struct Reader(SerializedFileReader<Source>);

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

type Images = Arc<OnceLock<Result<Vec<Option<ByteArray>>, String>>>;

#[derive(Debug)]
struct Recent {
    group: usize,
    page: usize,
    images: Images,
}

/// The file of a table, shared by threads: each reads by position.
#[derive(Clone)]
struct Source(Arc<StoredFile>);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.size()
    }
}

impl ChunkReader for Source {
    type T = io::BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(io::BufReader::new(From { file: Arc::clone(&self.0), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        Ok(self.0.read(start, length as u64)?.into())
    }
}

/// Reads a file from a place onwards.
struct From {
    file: Arc<StoredFile>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.file.size().saturating_sub(self.at);
        let length = left.min(buffer.len() as u64);
        let bytes = self.file.read(self.at, length)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += length;
        Ok(bytes.len())
    }
}

/// A label as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Number(i64),
    Name(String),
}

/// Why a value is no label.
enum NoLabel {
    /// A number that is not whole.
    Decimal(f64),
    /// A list of several.
    Several(String),
    /// Text that is not UTF-8.
    NotUtf8(Vec<u8>),
    /// A structure of which no part is called a label, or something else again.
    Other(String),
}

impl NoLabel {
    fn message(&self, column: &str, group: usize, row: usize) -> String {
        let place = format!("row {row} of row group {group}");
        match self {
            Self::Decimal(number) => format!(
                "has decimal numbers in its column of labels, `{column}` ({place} holds {number}): these are the targets of a \
                 regression, and images are sorted into classes here; write a column of classes, or name another with \
                 data.columns.label"
            ),
            Self::Several(values) => format!(
                "has several classes an image in its column of labels, `{column}` ({place} holds {values}): this is multi-label \
                 data, which cannot be used; every image needs one class"
            ),
            Self::NotUtf8(bytes) => format!(
                "has text that is not UTF-8 in its column of labels, `{column}` ({place} holds {}): write labels in UTF-8, or different \
                 classes could be taken for one",
                escaped_bytes(&bytes[..bytes.len().min(32)])
            ),
            Self::Other(what) => format!(
                "has {what} in its column of labels, `{column}` ({place}); a label is text or a whole number"
            ),
        }
    }
}

/// A value as a label; nothing where none is there.
fn label_of(field: &Field) -> Result<Option<Label>, NoLabel> {
    let number = |number: f64| match number {
        // As tables write "no label" in a column of decimal numbers.
        _ if number.is_nan() => Ok(None),
        _ if number.fract() == 0.0 && number.abs() < 1e15 => Ok(Some(Label::Number(number as i64))),
        _ => Err(NoLabel::Decimal(number)),
    };
    let name = |text: String| Ok(Some(Label::Name(text)));
    let whole = |number: i64| Ok(Some(Label::Number(number)));
    match field {
        Field::Null => Ok(None),
        Field::Bool(truth) => name(truth.to_string()),
        Field::Byte(value) => whole((*value).into()),
        Field::Short(value) => whole((*value).into()),
        Field::Int(value) => whole((*value).into()),
        Field::Long(value) => whole(*value),
        Field::UByte(value) => whole((*value).into()),
        Field::UShort(value) => whole((*value).into()),
        Field::UInt(value) => whole((*value).into()),
        // A number that large is no class, and is refused as such later.
        Field::ULong(value) => whole(i64::try_from(*value).unwrap_or(i64::MAX)),
        Field::Float16(value) => number(value.to_f64()),
        Field::Float(value) => number((*value).into()),
        Field::Double(value) => number(*value),
        Field::Decimal(value) => number(decimal(value)),
        Field::Str(text) => name(text.clone()),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => name(text.to_owned()),
            Err(_) => Err(NoLabel::NotUtf8(bytes.data().to_vec())),
        },
        Field::ListInternal(list) => match list.elements() {
            [] => Ok(None),
            [only] => label_of(only),
            several => {
                const SHOWN: usize = 6;
                let mut shown: Vec<String> = several.iter().take(SHOWN).map(ToString::to_string).collect();
                if several.len() > SHOWN {
                    shown.push(format!("… ({} in all)", several.len()));
                }
                Err(NoLabel::Several(format!("[{}]", shown.join(", "))))
            }
        },
        Field::Group(row) => {
            let parts: Vec<(&String, &Field)> = row.get_column_iter().collect();
            let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
            match (parts.as_slice(), columns::find(ColumnRole::Label, &names, |_| true)) {
                ([(_, only)], _) => label_of(only),
                (_, columns::Found::Literal(at) | columns::Found::Synonym(at)) => label_of(parts[at].1),
                _ => Err(NoLabel::Other(format!("structures of {}", columns::list(&names)))),
            }
        }
        Field::MapInternal(_) => Err(NoLabel::Other("maps".into())),
        Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Err(NoLabel::Other("dates or times".into())),
    }
}

fn decimal(value: &Decimal) -> f64 {
    // Big-endian, two's complement; of the digits beyond 16 bytes none is a class.
    let bytes = value.data();
    let mut number: i128 = if bytes.first().is_some_and(|&byte| byte >= 0x80) { -1 } else { 0 };
    bytes.iter().for_each(|&byte| number = number << 8 | i128::from(byte));
    number as f64 / 10f64.powi(value.scale())
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

/// What the library gives, its errors in words. Should a broken file make it panic, it costs that file only.
fn guarded<T>(read: impl FnOnce() -> ParquetResult<T>) -> Result<T, String> {
    match catch_quietly(read) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the reader gave up on broken bytes".into()),
    }
}

/// The most bytes that a page may have once it is decompressed.
const MOST_PAGE: i64 = 1 << 30;
/// Zstandard's shortest block stands for 128 KiB.
const MOST_TIMES: i64 = 64 << 10;
/// The most bytes before a page: its header, with the least and the greatest value of it.
const MOST_PAGE_HEADER: u64 = 16 << 20;
/// The most bytes in which a file describes itself.
const MOST_FOOTER: u64 = 256 << 20;

/// Numbers of fields in `parquet.thrift`.
mod field {
    /// `FileMetaData.schema`.
    pub(super) const SCHEMA: i16 = 2;
    /// `SchemaElement.num_children`.
    pub(super) const CHILDREN: i16 = 5;
    /// `PageHeader.uncompressed_page_size`.
    pub(super) const UNCOMPRESSED: i16 = 2;
    /// `PageHeader.compressed_page_size`.
    pub(super) const COMPRESSED: i16 = 3;
}

/// Holds what a file says of itself against its size. What is otherwise broken in it the library tells.
fn believable(file: &StoredFile) -> Result<(), String> {
    const END: u64 = 8;
    let Some(end) = file.size().checked_sub(END) else { return Ok(()) };
    let tail = file.read(end, END).map_err(|error| error.to_string())?;
    let length = tail.iter().take(4).rev().fold(0u64, |length, &byte| length << 8 | u64::from(byte));
    let Some(start) = end.checked_sub(length).filter(|_| tail.ends_with(b"PAR1")) else { return Ok(()) };
    if length > MOST_FOOTER {
        return Err(format!("describes itself in {} MiB, more than {} MiB", length >> 20, MOST_FOOTER >> 20));
    }
    // The library's own is several times as large.
    if !memory::can_have(length * 8) {
        return Err(format!(
            "describes itself in {} MiB, for which there is not enough memory",
            length >> 20
        ));
    }
    let footer = file.read(start, length).map_err(|error| error.to_string())?;
    let (mut elements, mut children, mut most) = (0, 0i64, 0);
    let whole = thrift::numbers(&footer, &mut |way, number| match way {
        [field::SCHEMA] => elements = number,
        [field::SCHEMA, field::CHILDREN] => {
            children = children.saturating_add(number.max(0));
            most = most.max(number);
        }
        _ => {}
    });
    if whole.is_none() || children > elements || most > elements {
        return Err("is broken where it describes itself (its footer); copy it again".to_owned());
    }
    Ok(())
}

/// Whether what a Parquet file says of itself can be true of a file of its size, so that the library can read it without taking time or
/// memory for mere claims: lists of thousands of millions of elements without bytes, pages that inflate without end.
///
/// # Errors
/// What cannot be true, for people.
pub fn check_parquet(path: &Path) -> Result<(), String> {
    let file = Arc::new(StoredFile::open(path).map_err(|error| error.to_string())?);
    believable(&file)?;
    let reader = guarded(|| SerializedFileReader::new(Source(Arc::clone(&file))));
    let reader = reader.map_err(|error| error.to_string())?;
    all_pages_are_believable(&file, reader.metadata())
}

fn all_pages_are_believable(file: &StoredFile, metadata: &ParquetMetaData) -> Result<(), String> {
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let mut pages =
        (0..metadata.num_row_groups()).flat_map(|group| (0..columns).map(move |column| (group, column)));
    pages.try_for_each(|(group, column)| pages_are_believable(file, metadata, group, column))
}

/// Holds what the headers of a column's pages claim against what is there and what memory there is.
fn pages_are_believable(
    file: &StoredFile,
    metadata: &ParquetMetaData,
    group: usize,
    column: usize,
) -> Result<(), String> {
    let broken = |at: u64| format!("has a broken page header at byte {at}; copy the file again");
    let groups = metadata.row_groups();
    let chunk =
        groups.get(group).and_then(|group| group.columns().get(column)).ok_or("there is no such column")?;
    let first =
        chunk.dictionary_page_offset().into_iter().chain([chunk.data_page_offset()]).min().unwrap_or(0);
    // Nothing stands before the format's name: a column without values has no page.
    if chunk.num_values() == 0 && first < 4 {
        return Ok(());
    }
    let start = u64::try_from(first).map_err(|_| broken(0))?;
    let length = u64::try_from(chunk.compressed_size()).map_err(|_| broken(start))?;
    let end = start.checked_add(length).filter(|&end| end <= file.size()).ok_or_else(|| broken(start))?;
    let mut window = Window::new(file);
    let mut largest = 0;
    let mut at = start;
    while at < end {
        let (mut compressed, mut uncompressed) = (-1, -1);
        let mut see = |way: &[i16], number| match way {
            [field::UNCOMPRESSED] => uncompressed = number,
            [field::COMPRESSED] => compressed = number,
            _ => {}
        };
        // Most headers have some fifty bytes.
        let mut taken = None;
        let mut looked = 256;
        while taken.is_none() {
            let there = looked.min(end - at);
            taken = thrift::numbers(window.get(at, there as usize).map_err(|_| broken(at))?, &mut see);
            if taken.is_none() && (there < looked || looked >= MOST_PAGE_HEADER) {
                return Err(broken(at));
            }
            looked *= 16;
        }
        // No codec makes more of a byte.
        if compressed >= 0 && uncompressed / MOST_TIMES > compressed {
            return Err(broken(at));
        }
        let (Ok(size), 0..=MOST_PAGE) = (u64::try_from(compressed), uncompressed) else {
            return Err(format!(
                "has a page at byte {at} of {uncompressed} bytes, more than the {} MiB a page may have; write it with smaller row groups \
                 or pages, or copy it again",
                MOST_PAGE >> 20
            ));
        };
        largest = largest.max(uncompressed as u64);
        at = at.saturating_add(taken.unwrap_or_default() as u64).saturating_add(size);
    }
    if memory::can_have(largest) {
        return Ok(());
    }
    Err(format!("has a page of {} MiB, for which there is not enough memory", largest >> 20))
}

/// The most bytes of a Parquet file that is a table of text.
const MOST_TEXT: u64 = 1 << 30;

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

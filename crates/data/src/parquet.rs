//! Images in the rows of a Parquet file, read a page at a time.
//!
//! Listing reads labels only. An image's page is decompressed when it is first asked for and kept while others of it are
//! likely to follow: images are mostly read in order, and a page holds many.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, FileReader as _, Length, SerializedFileReader};

use crate::paths::{below, is_inside};
use crate::store::StoredFile;
use crate::{DataError, ImageError};

/// Decompressed pages that are kept, in bytes.
const KEPT: usize = 256 << 20;
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
}

/// Leaf columns of the images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub(crate) bytes: usize,
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

impl Table {
    /// Opens a file; `choose` finds the columns of images and of labels in what the file says of itself.
    pub(crate) fn open(
        path: &Path,
        choose: impl FnOnce(&ParquetMetaData) -> Result<(Columns, usize), String>,
    ) -> Result<(Self, usize), DataError> {
        let file = Arc::new(StoredFile::open(path)?);
        let wrong = |message: String| DataError::unusable(path, message);
        let size = file.size();
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
        Ok((Self { file, reader: Reader(reader), image, pages, recent: Mutex::default() }, label))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.reader.0.metadata()
    }

    /// Rows of each row group.
    pub(crate) fn groups(&self) -> Vec<usize> {
        self.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as usize).collect()
    }

    /// The labels of a row group; `None` where a row has none.
    pub(crate) fn labels(&self, group: usize, column: usize) -> Result<Vec<Option<Label>>, String> {
        let rows = self.groups()[group];
        let labels = guarded(|| {
            let reader = self.reader.0.get_row_group(group)?.get_column_reader(column)?;
            let full = self.full_level(column);
            match reader {
                ColumnReader::Int32ColumnReader(reader) => {
                    values(reader, full, 0, rows, |value| Label::Number((*value).into()))
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    values(reader, full, 0, rows, |value| Label::Number(*value))
                }
                ColumnReader::ByteArrayColumnReader(reader) => values(reader, full, 0, rows, |value| {
                    Label::Name(String::from_utf8_lossy(value.data()).into_owned())
                }),
                _ => Err(ParquetError::General("labels are neither integers nor text".into())),
            }
        });
        let labels = labels
            .map_err(|error| format!("has a broken column of labels in row group {group} ({error})"))?;
        if labels.len() == rows {
            return Ok(labels);
        }
        Err(format!(
            "is broken: row group {group} has {rows} rows, but {} labels; copy it again",
            labels.len()
        ))
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
        let pages = self.pages(group).map_err(broken)?;
        let page = pages.partition_point(|&start| start <= row);
        let (Some(&start), Some(&end)) =
            (page.checked_sub(1).and_then(|page| pages.get(page)), pages.get(page))
        else {
            return Err(broken("is in no page; copy the file again".into()));
        };
        let images = self.images(group, page, start, end);
        let images = images.get_or_init(|| self.byte_arrays(group, self.image.bytes, start, end - start));
        match images.as_ref().map_err(|reason| broken(reason.clone()))?.get(row - start) {
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
        let file = below(folder, &name);
        let inside = |file: &Path| Some(file.canonicalize().ok()?.starts_with(folder.canonicalize().ok()?));
        if inside(&file) == Some(false) {
            return Err(format!("names {name:?}, a link that leads outside the table's folder"));
        }
        Ok(std::fs::read(&file).map_err(ImageError::from))
    }

    fn byte_arrays(
        &self,
        group: usize,
        column: usize,
        start: usize,
        rows: usize,
    ) -> Result<Vec<Option<ByteArray>>, String> {
        guarded(|| match self.reader.0.get_row_group(group)?.get_column_reader(column)? {
            ColumnReader::ByteArrayColumnReader(reader) => {
                values::<ByteArrayType, _>(reader, self.full_level(column), start, rows, ByteArray::clone)
            }
            _ => Err(ParquetError::General("images are no bytes".into())),
        })
    }

    /// Where pages begin: the rows a thread decompresses together.
    fn pages(&self, group: usize) -> Result<&[usize], String> {
        let known = self.pages.get(group).ok_or("there is no such row group")?;
        if let Some(pages) = known.get() {
            return Ok(pages);
        }
        let rows = self.groups()[group];
        let pages = guarded(|| {
            let group = self.reader.0.get_row_group(group)?;
            let mut reader = group.get_column_page_reader(self.image.bytes)?;
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
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the reader gave up on it".into()),
    }
}

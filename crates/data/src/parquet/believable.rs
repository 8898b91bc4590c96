//! Whether what a Parquet file says of itself can be true.

use std::path::Path;
use std::sync::Arc;

use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use super::reader::{Source, guarded};
use crate::stored_file::{StoredFile, Window};
use crate::{memory, thrift};

/// The most bytes that a page may have once it is decompressed.
pub(super) const MOST_PAGE: i64 = 1 << 30;
/// Zstandard's shortest block stands for 128 KiB.
pub(super) const MOST_TIMES: i64 = 64 << 10;
/// The most bytes before a page: its header, with the least and the greatest value of it.
pub(super) const MOST_PAGE_HEADER: u64 = 16 << 20;
/// The most bytes in which a file describes itself.
pub(super) const MOST_FOOTER: u64 = 256 << 20;

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
pub(super) fn believable(file: &StoredFile) -> Result<(), String> {
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

pub(super) fn all_pages_are_believable(file: &StoredFile, metadata: &ParquetMetaData) -> Result<(), String> {
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let mut pages =
        (0..metadata.num_row_groups()).flat_map(|group| (0..columns).map(move |column| (group, column)));
    pages.try_for_each(|(group, column)| pages_are_believable(file, metadata, group, column))
}

/// Holds what the headers of a column's pages claim against what is there and what memory there is.
pub(super) fn pages_are_believable(
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

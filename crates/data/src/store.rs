//! The files of a data set and how an image's bytes are read from them.

use crate::archive::head;
use crate::decode::refuse_no_image;
use crate::image_file::{LONG, MOST_BYTES, image_bytes, too_long};
use crate::inflate::inflate;
use crate::location::Location;
use crate::parquet::Table;
use crate::stored_file::StoredFile;
use crate::{ImageError, memory, tfrecord};

/// The open files of a data set.
#[derive(Debug, Default)]
pub(crate) struct Store {
    files: Vec<StoredFile>,
    tables: Vec<Table>,
}

impl Store {
    /// A store of one file, number 0.
    pub(crate) fn of(file: StoredFile) -> Self {
        Self { files: vec![file], tables: Vec::new() }
    }

    /// Adds a file and gives its number.
    pub(crate) fn add(&mut self, file: StoredFile) -> u32 {
        self.files.push(file);
        (self.files.len() - 1) as u32
    }

    /// Adds a table and gives its number.
    pub(crate) fn add_table(&mut self, table: Table) -> u32 {
        self.tables.push(table);
        (self.tables.len() - 1) as u32
    }

    /// The bytes at a location; none of a generated image.
    pub(crate) fn read(&self, location: &Location) -> Result<Vec<u8>, ImageError> {
        let file = |number: u32| self.files.get(number as usize).ok_or(ImageError::Missing);
        match location {
            Location::File(path) => image_bytes(path),
            Location::Range { file: number, offset, length } => stretch(file(*number)?, *offset, *length),
            Location::Deflated { file: number, offset, length, size, checksum } => {
                let file = file(*number)?;
                let place = || format!("member at byte {offset} of {}", file.path().display());
                if *size > MOST_BYTES {
                    return Err(ImageError::Stored { place: place(), reason: too_long(*size) });
                }
                if *size > LONG {
                    refuse_no_image(&head(file, location))?;
                }
                memory::need(size.saturating_add(*length))?;
                inflate(&stretch(file, *offset, *length)?, *size, *checksum)
                    .map_err(|reason| ImageError::Stored { place: place(), reason })
            }
            Location::Row { table, group, row } => {
                let table = self.tables.get(*table as usize).ok_or(ImageError::Missing)?;
                table.read(*group as usize, *row as usize)
            }
            Location::Raw { file: number, offset, form } => Ok(file(*number)?.read(*offset, form.length())?),
            Location::Record { file: number, record } => tfrecord::read_image(file(*number)?, record),
            Location::Missing | Location::Generated(_) => Err(ImageError::Missing),
        }
    }
}

/// A stretch that holds one image.
fn stretch(file: &StoredFile, offset: u64, length: u64) -> Result<Vec<u8>, ImageError> {
    if length > MOST_BYTES {
        let place = format!("member at byte {offset} of {}", file.path().display());
        return Err(ImageError::Stored { place, reason: too_long(length) });
    }
    memory::need(length)?;
    Ok(file.read(offset, length)?)
}

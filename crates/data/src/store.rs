//! Where the bytes of images are: files of their own, or stretches of larger files that are read in place.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::archive::head;
use crate::decode::refuse_no_image;
use crate::format::HEAD;
use crate::inflate::inflate;
use crate::memory;
use crate::parquet::Table;
use crate::{DataError, ImageError, RgbImage, tfrecord};

/// Where the bytes of one image are. Offsets, never the bytes: a list of a million images stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file.
    File(PathBuf),
    /// A stretch of one of the store's files.
    Range { file: u32, offset: u64, length: u64 },
    /// A deflated stretch, and what it inflates to.
    Deflated { file: u32, offset: u64, length: u64, size: u64, checksum: u32 },
    /// A row of one of the store's tables.
    Row { table: u32, group: u32, row: u32 },
    /// Pixels as they are, without any format.
    Raw { file: u32, offset: u64, form: Form },
    /// A TFRecord, checked as a whole whenever the image in it is read.
    Record { file: u32, record: Record },
    /// Listed, but not there.
    Missing,
    /// Drawn on demand: the number within its split.
    Generated(usize),
}

impl Location {
    /// The same place in another of the store's files.
    pub(crate) fn in_file(mut self, number: u32) -> Self {
        match &mut self {
            Self::Range { file, .. }
            | Self::Deflated { file, .. }
            | Self::Raw { file, .. }
            | Self::Record { file, .. } => *file = number,
            Self::File(_) | Self::Row { .. } | Self::Missing | Self::Generated(_) => {}
        }
        self
    }
}

/// One record of a TFRecord file and the image's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where its data begin in the file.
    pub(crate) offset: u64,
    /// Bytes of data; their checksum follows.
    pub(crate) length: u32,
    /// Where the image begins within the data, and its bytes.
    pub(crate) image: (u32, u32),
}

/// How pixels without a format lie in a file: one byte a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) order: Order,
}

/// The order of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// One grey sample a pixel.
    Grey,
    /// All red, then all green, then all blue.
    Planar,
    /// R G B, R G B, …
    Interleaved,
}

impl Form {
    /// Bytes of one image.
    pub(crate) fn length(self) -> u64 {
        let channels = if self.order == Order::Grey { 1 } else { 3 };
        u64::from(self.width) * u64::from(self.height) * channels
    }

    /// The image in as many bytes.
    pub(crate) fn image(self, bytes: &[u8]) -> Option<RgbImage> {
        let pixels = match self.order {
            Order::Interleaved => bytes.to_vec(),
            Order::Grey => bytes.iter().flat_map(|&grey| [grey; 3]).collect(),
            Order::Planar => {
                let (red, rest) = bytes.split_at(bytes.len() / 3);
                let (green, blue) = rest.split_at(red.len());
                let planes = red.iter().zip(green).zip(blue);
                planes.flat_map(|((&red, &green), &blue)| [red, green, blue]).collect()
            }
        };
        RgbImage::new(self.width.into(), self.height.into(), pixels)
    }
}

/// The open files of a data set.
#[derive(Debug, Default)]
pub(crate) struct Store {
    files: Vec<StoredFile>,
    tables: Vec<Table>,
}

/// The most bytes an image may have, in a file of its own or in a larger one: what announces more is broken, and must not fill the memory.
const MOST_BYTES: u64 = 1 << 30;
/// What is longer is not read before its first bytes say that it is an image.
const LONG: u64 = 1 << 20;

/// The bytes of a file that holds one image: of a regular file, and of no more than 1 GiB. Of a long file that is no image only the
/// beginning is read.
///
/// # Errors
/// The file cannot be read, is a pipe or a device, is too large, or is long and no image.
pub fn image_bytes(path: &Path) -> Result<Vec<u8>, ImageError> {
    let mut file = bakeoff_files::open(path)?;
    let size = file.metadata()?.len();
    if size > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it {}", too_long(size))).into());
    }
    let mut bytes = Vec::new();
    if size > LONG {
        file.by_ref().take(HEAD as u64).read_to_end(&mut bytes)?;
        refuse_no_image(&bytes)?;
        memory::need(size)?;
    }
    bytes.try_reserve_exact(size as usize + 1).map_err(io::Error::from)?;
    // It may have grown since, or be one of those whose size nobody knows.
    file.take(MOST_BYTES + 1 - bytes.len() as u64).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it {}", too_long(bytes.len() as u64)),
        )
        .into());
    }
    Ok(bytes)
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
            Location::Range { file: number, offset, length } => file(*number)?.image(*offset, *length),
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
                inflate(&file.image(*offset, *length)?, *size, *checksum)
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

fn too_long(bytes: u64) -> String {
    format!("has {bytes} bytes, more than the {} MiB an image may have", MOST_BYTES >> 20)
}

/// A file that is read by position, so that threads share it without a lock.
#[derive(Debug)]
pub(crate) struct StoredFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl StoredFile {
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let open = || {
            let file = bakeoff_files::open(path)?;
            let size = file.metadata()?.len();
            Ok(Self { path: path.to_owned(), file, size })
        };
        open().map_err(DataError::file(path))
    }

    /// A file that is open already, `size` bytes long; `path` is what it is called.
    pub(crate) fn of(path: &Path, file: File, size: u64) -> Self {
        Self { path: path.to_owned(), file, size }
    }

    /// What is shown of it to people, even where its bytes were inflated to somewhere else.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// For a reader of its own, from the beginning.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Bytes from the middle. Nothing is allocated for bytes that are not there.
    pub(crate) fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if offset.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        if !memory::can_have(length as u64) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let mut bytes = vec![0; length];
        read_exact_at(&self.file, &mut bytes, offset)?;
        Ok(bytes)
    }

    /// A stretch that holds one image.
    fn image(&self, offset: u64, length: u64) -> Result<Vec<u8>, ImageError> {
        if length > MOST_BYTES {
            let place = format!("member at byte {offset} of {}", self.path.display());
            return Err(ImageError::Stored { place, reason: too_long(length) });
        }
        memory::need(length)?;
        Ok(self.read(offset, length)?)
    }

    /// Opens a regular file. A pipe that nobody writes into, and a device, would be read for ever.
    pub(crate) fn refuse_other_than_files(path: &Path) -> Result<(), DataError> {
        match bakeoff_files::open(path) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(()),
            opened => opened.map(drop).map_err(DataError::file(path)),
        }
    }

    /// A file small enough to be read whole: `most` bytes, or it is refused.
    pub(crate) fn read_all(path: &Path, most: u64) -> Result<Vec<u8>, DataError> {
        let read = || {
            let file = bakeoff_files::open(path)?;
            // What says that it is too large need not be read to find that out.
            if file.metadata()?.len() > most {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            bakeoff_files::read_from(file, most)
        };
        read().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::FileTooLarge => DataError::unusable(
                path,
                format!("has more than {} MiB, which no such file needs; is it the right one?", most >> 20),
            ),
            _ => DataError::file(path)(error),
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

/// Reads small pieces at ascending places of a large file, without reading what lies between.
pub(crate) struct Window<'a> {
    file: &'a StoredFile,
    buffer: Vec<u8>,
    start: u64,
}

impl<'a> Window<'a> {
    const AHEAD: u64 = 16 << 10;

    pub(crate) fn new(file: &'a StoredFile) -> Self {
        Self { file, buffer: Vec::new(), start: 0 }
    }

    /// The bytes at `offset`; an error where the file ends before.
    pub(crate) fn get(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let inside = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let inside = inside.filter(|at| at.checked_add(length).is_some_and(|end| end <= self.buffer.len()));
        let at = match inside {
            Some(at) => at,
            None => {
                let left = self.file.size.saturating_sub(offset);
                if length as u64 > left {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.buffer = self.file.read(offset, left.min(Self::AHEAD.max(length as u64)))?;
                self.start = offset;
                0
            }
        };
        Ok(&self.buffer[at..at + length])
    }
}

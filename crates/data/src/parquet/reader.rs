//! The library that reads Parquet, on files that are read by position.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedFileReader;

use crate::quiet::catch_quietly;
use crate::stored_file::StoredFile;

pub(super) struct Reader(pub(super) SerializedFileReader<Source>);

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

/// The file of a table, shared by threads: each reads by position.
#[derive(Clone)]
pub(super) struct Source(pub(super) Arc<StoredFile>);

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.size()
    }
}

impl ChunkReader for Source {
    type T = io::BufReader<ReadFromPlace>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(io::BufReader::new(ReadFromPlace { file: Arc::clone(&self.0), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        Ok(self.0.read(start, length as u64)?.into())
    }
}

/// Reads a file from a place onwards.
pub(super) struct ReadFromPlace {
    pub(super) file: Arc<StoredFile>,
    pub(super) at: u64,
}

impl Read for ReadFromPlace {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.file.size().saturating_sub(self.at);
        let length = left.min(buffer.len() as u64);
        let bytes = self.file.read(self.at, length)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += length;
        Ok(bytes.len())
    }
}

/// What the library gives, its errors in words. Should a broken file make it panic, it costs that file only.
pub(super) fn guarded<T>(read: impl FnOnce() -> ParquetResult<T>) -> Result<T, String> {
    match catch_quietly(read) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the reader gave up on broken bytes".into()),
    }
}

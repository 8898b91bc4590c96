//! Compressed files that are read by position: inflated once, into a file that is gone with the data set.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::stored_file::StoredFile;

/// Images hardly compress, so a file that grows more than this many times over is not what it says it is.
const MOST_TIMES: u64 = 100;
/// Small files may grow more: a page of white pixels does.
const ALWAYS_ALLOWED: u64 = 64 << 20;

/// Deflate makes at most 1,032 bytes of one.
const MOST_DEFLATE: usize = 1040;

/// What is in a `.gz`, read by position.
pub(crate) fn inflated(path: &Path) -> Result<StoredFile, DataError> {
    let file = bakeoff_files::open(path).map_err(DataError::file(path))?;
    let size = file.metadata().map_err(DataError::io(path))?.len();
    let most = size.saturating_mul(MOST_TIMES).max(ALWAYS_ALLOWED);
    let folder = folder();
    let unwritable = |error: io::Error| {
        DataError::unusable(
            path,
            format!(
                "cannot be decompressed into {} ({error}); decompress it yourself, or name a folder with room in TMPDIR",
                folder.display()
            ),
        )
    };
    let mut out = tempfile::tempfile_in(&folder).map_err(unwritable)?;
    let mut source =
        flate2::read::MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, file)).take(most + 1);
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0u64;
    loop {
        let read = source.read(&mut buffer).map_err(|error| {
            DataError::unusable(
                path,
                format!("is broken after {length} decompressed bytes ({error}); fetch it again"),
            )
        })?;
        if read == 0 {
            break;
        }
        length += read as u64;
        if length > most {
            return Err(DataError::unusable(
                path,
                format!(
                    "decompresses to more than {} MiB: no data set grows {MOST_TIMES}-fold, and beyond 64 MiB",
                    most >> 20
                ),
            ));
        }
        out.write_all(&buffer[..read]).map_err(unwritable)?;
    }
    Ok(StoredFile::of(path, out, length))
}

/// A stretch of deflated bytes, which are `size` bytes with this CRC-32 once inflated. The error says what is wrong.
pub(crate) fn inflate(packed: &[u8], size: u64, checksum: u32) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // What does not fit is an error, where a list that grows would end the program.
    bytes
        .try_reserve_exact(
            usize::try_from(size).unwrap_or(usize::MAX).min(packed.len().saturating_mul(MOST_DEFLATE)),
        )
        .map_err(|_| format!("there is no memory for the {} MiB that it claims to hold", size >> 20))?;
    flate2::read::DeflateDecoder::new(packed)
        .take(size.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| format!("broken deflated data ({error})"))?;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    if bytes.len() as u64 != size || crc.sum() != checksum {
        return Err("the data do not match their size and checksum (CRC-32); copy the archive again".into());
    }
    Ok(bytes)
}

/// A folder on disk: `/tmp` is often kept in memory.
fn folder() -> PathBuf {
    let on_disk = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && on_disk.is_dir() {
        on_disk.to_owned()
    } else {
        std::env::temp_dir()
    }
}

//! Files that hold one image.

use std::io::{self, Read};
use std::path::Path;

use crate::decode::{decode, refuse_no_image};
use crate::format::HEAD;
use crate::{ImageError, RgbImage, memory};

/// The most bytes an image may have, in a file of its own or in a larger one: what announces more is broken, and must not fill the memory.
pub(crate) const MOST_BYTES: u64 = 1 << 30;

/// What is longer is not read before its first bytes say that it is an image.
pub(crate) const LONG: u64 = 1 << 20;

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

pub(crate) fn too_long(bytes: u64) -> String {
    format!("has {bytes} bytes, more than the {} MiB an image may have", MOST_BYTES >> 20)
}

/// Reads and decodes one image file.
///
/// # Errors
/// The file cannot be read or is no image.
pub fn decode_file(path: &Path) -> Result<RgbImage, ImageError> {
    let _memory = memory::Scope::begin();
    decode(&image_bytes(path)?)
}

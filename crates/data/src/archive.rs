//! Archives that are read in place: indexed once, then any member from any thread.
//!
//! Tar (GNU long names and PAX headers are understood), tar compressed with gzip (inflated once into a temporary file), and
//! zip (stored and deflated members).

use std::collections::HashMap;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::classes::escaped_bytes;
use crate::inflate::inflated;
use crate::store::{Location, StoredFile};

/// A regular file in an archive.
#[derive(Debug)]
pub(crate) struct Member {
    /// With forward slashes; never outside the archive.
    pub(crate) name: String,
    /// The same name as a path, its bytes as they are where the system has such paths.
    pub(crate) path: PathBuf,
    /// Where it is in the store's file 0.
    pub(crate) location: Location,
}

/// Opens an archive and finds every regular file in it, in the order of the archive. Links are left out.
pub(crate) fn open(path: &Path) -> Result<(StoredFile, Vec<Member>), DataError> {
    let file = StoredFile::open(path)?;
    let magic = file.read(0, file.size().min(6)).map_err(DataError::io(path))?;
    let tool = match magic.as_slice() {
        [] => return Err(DataError::unusable(path, "is empty (0 bytes); fetch it again")),
        [0x1F, 0x8B, ..] => {
            let mut file = inflated(path)?;
            let members = tar_members(&mut file)?;
            return Ok((file, members));
        }
        [b'P', b'K', 3 | 5, ..] => {
            let members = zip_members(&file)?;
            return Ok((file, members));
        }
        [b'B', b'Z', b'h', ..] => "bunzip2",
        [0xFD, b'7', b'z', b'X', b'Z', 0] => "unxz",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "unzstd",
        _ => {
            let mut file = file;
            let members = tar_members(&mut file)?;
            return Ok((file, members));
        }
    };
    Err(DataError::unusable(
        path,
        format!("is compressed in a way that is not supported; decompress it with {tool} first"),
    ))
}

fn tar_members(file: &mut StoredFile) -> Result<Vec<Member>, DataError> {
    let path = file.path().to_owned();
    let path = path.as_path();
    let broken = |error: io::Error| {
        DataError::unusable(path, format!("is no readable tar archive ({error}); fetch it again"))
    };
    file.file().rewind().map_err(broken)?;
    let mut members = Vec::new();
    let mut archive = tar::Archive::new(file.file());
    for entry in archive.entries_with_seek().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let raw = entry.path_bytes().into_owned();
        let name = member_name(path, &raw)?;
        let kind = entry.header().entry_type();
        if kind.is_gnu_sparse() {
            return Err(DataError::unusable(
                path,
                format!(
                    "member {name} is stored sparsely, which is not supported; pack the archive again with plain tar"
                ),
            ));
        }
        if !kind.is_file() && !kind.is_contiguous() {
            continue;
        }
        let (offset, length) = (entry.raw_file_position(), entry.size());
        if offset.checked_add(length).is_none_or(|end| end > file.size()) {
            return Err(DataError::unusable(
                path,
                format!(
                    "is truncated: member {name} reaches beyond its end at byte {}; fetch it again",
                    file.size()
                ),
            ));
        }
        let location = Location::Range { file: 0, offset, length };
        members.push(Member { name, path: member_path(&raw), location });
    }
    Ok(members)
}

fn zip_members(file: &StoredFile) -> Result<Vec<Member>, DataError> {
    let path = file.path();
    let wrong = |message: String| DataError::unusable(path, message);
    let broken =
        |error: zip::result::ZipError| wrong(format!("is no readable zip archive ({error}); fetch it again"));
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file.file())).map_err(broken)?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(broken)?;
        let name = member.name().map_err(broken)?.replace('\\', "/");
        let name = member_name(path, name.as_bytes())?;
        if !member.is_file() || member.is_symlink() {
            continue;
        }
        if member.encrypted() {
            return Err(wrong(format!(
                "member {name} is encrypted; unpack the archive with its password first"
            )));
        }
        let (packed, size) = (member.compressed_size(), member.size());
        let offset = member.data_start().ok_or_else(|| wrong(format!("member {name} has no data")))?;
        if offset.checked_add(packed).is_none_or(|end| end > file.size()) {
            return Err(wrong(format!(
                "is truncated: member {name} reaches beyond its end at byte {}; fetch it again",
                file.size()
            )));
        }
        let location = match member.compression() {
            zip::CompressionMethod::Stored => Location::Range { file: 0, offset, length: packed },
            zip::CompressionMethod::Deflated => {
                Location::Deflated { file: 0, offset, length: packed, size, checksum: member.crc32() }
            }
            other => {
                return Err(wrong(format!(
                    "member {name} is compressed with {other}, which is not supported; unpack the archive"
                )));
            }
        };
        members.push(Member { path: PathBuf::from(&name), name, location });
    }
    Ok(members)
}

/// The name of a member with forward slashes, bytes that are not UTF-8 escaped, or a refusal where it points outside the archive.
pub(crate) fn member_name(archive: &Path, name: &[u8]) -> Result<String, DataError> {
    let mut parts = Vec::new();
    let absolute = name.starts_with(b"/")
        || matches!(name, [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic());
    for part in name.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(points_outside(archive, name)),
            part => parts.push(escaped_bytes(part)),
        }
    }
    if absolute { Err(points_outside(archive, name)) } else { Ok(parts.join("/")) }
}

/// The parts of a name that [`member_name`] found good.
fn member_path(name: &[u8]) -> PathBuf {
    let parts = name.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    parts.map(os_name).collect()
}

#[cfg(unix)]
fn os_name(part: &[u8]) -> std::ffi::OsString {
    <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(part).to_owned()
}

#[cfg(not(unix))]
fn os_name(part: &[u8]) -> std::ffi::OsString {
    escaped_bytes(part).into_owned().into()
}

fn points_outside(archive: &Path, name: &[u8]) -> DataError {
    DataError::unusable(
        archive,
        format!(
            "member {:?} points outside the archive (an absolute path or ..); the archive may be malicious: get it from its \
             publisher or pack it again",
            String::from_utf8_lossy(name)
        ),
    )
}

/// An archive held in memory, for small ones such as lists: every regular file by name.
pub(crate) fn read_all(path: &Path) -> Result<HashMap<String, Vec<u8>>, DataError> {
    let (file, members) = open(path)?;
    let store = crate::store::Store::of(file);
    let read = |member: Member| match store.read(&member.location) {
        Ok(bytes) => Ok((member.name, bytes)),
        Err(error) => Err(DataError::unusable(path, format!("member {} {error}", member.name))),
    };
    members.into_iter().map(read).collect()
}

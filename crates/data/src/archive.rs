//! Archives that are read in place: indexed once, then any member from any thread.
//!
//! Tar (GNU long names and PAX headers are understood), tar compressed with gzip (inflated once into a temporary file), and
//! zip (stored and deflated members).

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use crate::classes::escaped_bytes;
use crate::code_page::old_names;
use crate::format::HEAD;
use crate::inflate::inflated;
use crate::location::Location;
use crate::names::{image_by_name, is_hidden};
use crate::stored_file::StoredFile;
use crate::{DataError, Warning};

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

/// An archive that was opened.
pub(crate) struct Archive {
    /// The file itself, or what it was inflated to.
    pub(crate) file: StoredFile,
    /// Every regular file, in the order of the archive, and links to such.
    pub(crate) members: Vec<Member>,
    /// What is odd about it.
    pub(crate) warnings: Vec<Warning>,
}

/// [`open_all`], for those who need nothing but the members.
pub(crate) fn open(path: &Path) -> Result<(StoredFile, Vec<Member>), DataError> {
    open_all(path).map(|archive| (archive.file, archive.members))
}

/// Opens an archive and finds every regular file in it, in the order of the archive. A link to a file of the archive is that file
/// under another name; other links are left out, with a warning.
pub(crate) fn open_all(path: &Path) -> Result<Archive, DataError> {
    let file = StoredFile::open(path)?;
    let magic = file.read(0, file.size().min(6)).map_err(DataError::io(path))?;
    let tool = match magic.as_slice() {
        [] => return Err(DataError::unusable(path, "is empty (0 bytes); fetch it again")),
        [0x1F, 0x8B, ..] => {
            return tar_members(inflated(path)?);
        }
        [b'P', b'K', 3 | 5, ..] => {
            return zip_members(file);
        }
        [b'B', b'Z', b'h', ..] => "bunzip2",
        [0xFD, b'7', b'z', b'X', b'Z', 0] => "unxz",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "unzstd",
        _ => return tar_members(file),
    };
    Err(DataError::unusable(
        path,
        format!("is compressed in a way that is not supported; decompress it with {tool} first"),
    ))
}

fn tar_members(file: StoredFile) -> Result<Archive, DataError> {
    let path = file.path().to_owned();
    let path = path.as_path();
    let broken = |error: io::Error| {
        DataError::unusable(path, format!("is no readable tar archive ({error}); fetch it again"))
    };
    file.file().rewind().map_err(broken)?;
    let mut members = Vec::new();
    let mut links = Links::default();
    let mut others = SpecialMembers::default();
    let left = Cell::new(0);
    let mut archive = tar::Archive::new(Metered { inner: file.file(), left: &left });
    // Where the last member ends.
    let mut end = 0;
    let mut entries = archive.entries_with_seek().map_err(broken)?;
    while let Some(entry) = metered_next(&mut entries, &left) {
        let entry = entry.map_err(broken)?;
        end = entry.raw_file_position().saturating_add(entry.size());
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
        if kind.is_hard_link() || kind.is_symlink() {
            let target = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
            links.add(path, &raw, name, &target, kind.is_symlink());
            continue;
        }
        if !kind.is_file() && !kind.is_contiguous() {
            others.add(&name);
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
    let mut warnings = links.resolve(&mut members);
    warnings.extend(others.warning());
    if !has_end_mark(&file, end) {
        warnings.push(Warning::NoEndMark {
            archive: file.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
            members: members.len(),
        });
    }
    Ok(Archive { file, members, warnings })
}

/// Whether a block of zeros follows the last member, as at the end of a whole archive.
fn has_end_mark(file: &StoredFile, end: u64) -> bool {
    const BLOCK: u64 = 512;
    let Some(end) = end.checked_next_multiple_of(BLOCK) else { return false };
    file.read(end, BLOCK.min(file.size().saturating_sub(end)))
        .is_ok_and(|block| block.len() as u64 == BLOCK && block.iter().all(|&byte| byte == 0))
}

/// The most bytes that stand before a member: its header, and what names it where that is long.
const MOST_HEADERS: u64 = 2 << 20;

/// A reader that gives no more than it is allowed: a header may claim that the name which follows has gigabytes.
pub(crate) struct Metered<'a, R> {
    pub(crate) inner: R,
    pub(crate) left: &'a Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 && !buffer.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("the headers of a member have more than {} MiB", MOST_HEADERS >> 20),
            ));
        }
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<'_, R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// The next member of a tar archive that is read through a [`Metered`].
pub(crate) fn metered_next<T>(entries: &mut impl Iterator<Item = T>, left: &Cell<u64>) -> Option<T> {
    left.set(MOST_HEADERS);
    entries.next()
}

/// Members that are called images and are neither files nor links: devices, pipes, folders.
#[derive(Default)]
struct SpecialMembers {
    count: usize,
    example: String,
}

impl SpecialMembers {
    fn add(&mut self, name: &str) {
        if image_by_name(Path::new(name)) && !is_hidden(name.rsplit('/').next().unwrap_or(name)) {
            if self.count == 0 {
                self.example = name.to_owned();
            }
            self.count += 1;
        }
    }

    fn warning(self) -> Option<Warning> {
        (self.count > 0).then_some(Warning::NoFiles { count: self.count, example: self.example })
    }
}

/// Links of an archive, and where they lead.
#[derive(Default)]
struct Links {
    /// The link's own name and path, and its target's name; none where that is outside.
    links: Vec<(String, PathBuf, Option<String>)>,
}

impl Links {
    /// Notes a link. What a hard link names stands in the archive under that name; a symbolic link is followed from its own folder.
    fn add(&mut self, archive: &Path, raw: &[u8], name: String, target: &[u8], symbolic: bool) {
        let target = if symbolic {
            let folder = raw.iter().rposition(|&byte| byte == b'/').map_or(&raw[..0], |slash| &raw[..slash]);
            followed(folder, target)
        } else {
            Some(target.to_owned())
        };
        let target = target.and_then(|target| member_name(archive, &target).ok());
        self.links.push((name, member_path(raw), target));
    }

    /// Gives links to files of the archive the places of those files, links to links included, and tells of the others.
    fn resolve(self, members: &mut Vec<Member>) -> Vec<Warning> {
        if self.links.is_empty() {
            return Vec::new();
        }
        let mut places: HashMap<String, Location> =
            members.iter().map(|member| (member.name.clone(), member.location.clone())).collect();
        // What leads to a place that is not known yet waits for it.
        let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut ready: VecDeque<usize> = VecDeque::new();
        for (at, (_, _, target)) in self.links.iter().enumerate() {
            match target.as_deref() {
                Some(target) if places.contains_key(target) => ready.push_back(at),
                Some(target) => waiting.entry(target).or_default().push(at),
                None => {}
            }
        }
        let mut found = vec![false; self.links.len()];
        while let Some(at) = ready.pop_front() {
            let (name, _, target) = &self.links[at];
            let Some(location) = target.as_ref().and_then(|target| places.get(target)).cloned() else {
                continue;
            };
            found[at] = true;
            places.insert(name.clone(), location);
            ready.extend(waiting.remove(name.as_str()).unwrap_or_default());
        }
        for (name, path, target) in
            self.links.iter().zip(&found).filter(|(_, found)| **found).map(|(link, _)| link)
        {
            let location = target.as_ref().and_then(|target| places.get(target)).cloned();
            members.extend(location.map(|location| Member {
                name: name.clone(),
                path: path.clone(),
                location,
            }));
        }
        let mut left = self.links.iter().zip(&found).filter(|(_, found)| !**found).map(|(link, _)| link);
        let Some((name, _, target)) = left.next() else { return Vec::new() };
        let count = 1 + left.count();
        let target = target.as_deref().unwrap_or("a place outside");
        vec![Warning::LinksLeftOut { count, example: format!("{name} to {target}") }]
    }
}

/// Where a symbolic link in a folder leads, as a name within the archive; `None` where it leads outside.
fn followed(folder: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if target.starts_with(b"/") {
        return None;
    }
    let split = |path: &[u8]| path.split(|&byte| byte == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for part in split(folder).into_iter().chain(split(target)) {
        match part.as_slice() {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

/// The first bytes of a member; of one that is deflated as many as come out of its first bytes.
pub(crate) fn head(file: &StoredFile, location: &Location) -> Vec<u8> {
    match location {
        Location::Range { offset, length, .. } => {
            file.read(*offset, (*length).min(HEAD as u64)).unwrap_or_default()
        }
        Location::Deflated { offset, length, .. } => {
            let packed = file.read(*offset, (*length).min(4 * HEAD as u64)).unwrap_or_default();
            let mut head = Vec::new();
            // The bytes break off, but those at the beginning are there.
            let _ =
                flate2::read::DeflateDecoder::new(packed.as_slice()).take(HEAD as u64).read_to_end(&mut head);
            head
        }
        _ => Vec::new(),
    }
}

fn zip_members(file: StoredFile) -> Result<Archive, DataError> {
    let path = file.path().to_owned();
    let path = path.as_path();
    let wrong = |message: String| DataError::unusable(path, message);
    let broken =
        |error: zip::result::ZipError| wrong(format!("is no readable zip archive ({error}); fetch it again"));
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file.file())).map_err(broken)?;
    let mut raw_names = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(broken)?;
        raw_names.push((member.name_raw().to_vec(), member.flags().as_u16() & NAME_IS_UTF8 != 0));
    }
    let (names, mut warnings) = zip_names(&raw_names);
    if archive.has_duplicate_names() {
        warnings.push(Warning::RepeatedMembers { example: String::new() });
    }
    let mut members = Vec::new();
    let mut links = Links::default();
    for (index, raw) in names.into_iter().enumerate() {
        let member = archive.by_index_raw(index).map_err(broken)?;
        let raw = raw.replace('\\', "/");
        let name = member_name(path, raw.as_bytes())?;
        if !member.is_file() && !member.is_symlink() {
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
        if member.is_symlink() {
            // What a link holds is the name of its target.
            let target = if size <= LONGEST_NAME { link_target(&file, &location) } else { Vec::new() };
            links.add(path, raw.as_bytes(), name, &target, true);
            continue;
        }
        members.push(Member { path: member_path(raw.as_bytes()), name, location });
    }
    warnings.extend(links.resolve(&mut members));
    Ok(Archive { file, members, warnings })
}

/// The bytes of a member that is no image.
fn contents(file: &StoredFile, location: &Location) -> Result<Vec<u8>, String> {
    match location {
        Location::Range { offset, length, .. } => {
            file.read(*offset, *length).map_err(|error| error.to_string())
        }
        Location::Deflated { offset, length, size, checksum, .. } => {
            let packed = file.read(*offset, *length).map_err(|error| error.to_string())?;
            crate::inflate::inflate(&packed, *size, *checksum)
        }
        _ => Err("is not in the archive".to_owned()),
    }
}

fn link_target(file: &StoredFile, location: &Location) -> Vec<u8> {
    match location {
        Location::Range { length, .. } | Location::Deflated { length, .. } if *length > LONGEST_TARGET => {
            Vec::new()
        }
        location => contents(file, location).unwrap_or_default(),
    }
}

/// Names longer than this are none.
const LONGEST_NAME: u64 = 4096;
/// What holds the name of a link's target is not longer, however it is packed.
const LONGEST_TARGET: u64 = 2 * LONGEST_NAME;
/// Nobody's folders are deeper.
const DEEPEST: usize = 64;

/// The flag of a member of a zip that marks its name as UTF-8.
const NAME_IS_UTF8: u16 = 1 << 11;

/// What names are called, with a warning where some are in an old code page. A zip has no word for the code page it was written in:
/// the names themselves tell, all of them together. Of names that are not marked as UTF-8 all are in the code page that one of them
/// is in, though some of them may look like UTF-8 by chance.
fn zip_names(names: &[(Vec<u8>, bool)]) -> (Vec<String>, Vec<Warning>) {
    let lossy = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let is_old = |(name, marked): &&(Vec<u8>, bool)| !marked && !name.is_ascii();
    let old: Vec<&[u8]> = names.iter().filter(is_old).map(|(name, _)| name.as_slice()).collect();
    if old.iter().all(|name| std::str::from_utf8(name).is_ok()) {
        return (names.iter().map(|(name, _)| lossy(name)).collect(), Vec::new());
    }
    let (encoding, decoded) = old_names(&old);
    let example = decoded.first().cloned().unwrap_or_default();
    let warning = Warning::ZipNames { count: old.len(), encoding: encoding.to_owned(), example };
    let mut decoded = decoded.into_iter();
    let names = names.iter().map(|named| match is_old(&named) {
        true => decoded.next().unwrap_or_default(),
        false => lossy(&named.0),
    });
    (names.collect(), vec![warning])
}

/// The name of a member with forward slashes, bytes that are not UTF-8 escaped, or a refusal where it points outside the archive.
pub(crate) fn member_name(archive: &Path, name: &[u8]) -> Result<String, DataError> {
    let mut parts = Vec::new();
    if name.len() as u64 > LONGEST_NAME || name.iter().filter(|&&byte| byte == b'/').count() > DEEPEST {
        let begin = String::from_utf8_lossy(&name[..name.len().min(40)]).into_owned();
        return Err(DataError::unusable(
            archive,
            format!(
                "the name of a member, {begin:?}…, has {} bytes; more than {LONGEST_NAME}, or more than {DEEPEST} folders in one another, \
                 are no name of an image: pack the archive again",
                name.len()
            ),
        ));
    }
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
    const MOST: u64 = 256 << 20;
    let (file, members) = open(path)?;
    let size = |member: &Member| match member.location {
        Location::Range { length, .. } => length,
        Location::Deflated { size, .. } => size,
        _ => 0,
    };
    let sum = members.iter().fold(0u64, |sum, member| sum.saturating_add(size(member)));
    if sum > MOST {
        return Err(DataError::unusable(
            path,
            format!(
                "holds files of {} MiB in all, more than {} MiB; is it the archive of lists?",
                sum >> 20,
                MOST >> 20
            ),
        ));
    }
    let read = |member: Member| match contents(&file, &member.location) {
        Ok(bytes) => Ok((member.name, bytes)),
        Err(error) => Err(DataError::unusable(path, format!("member {} {error}", member.name))),
    };
    members.into_iter().map(read).collect()
}

//! A memory-mapped file of decoded images, so that decoding is paid once for all trials, all sittings and all studies of a data set.
//!
//! A pack holds what decoding gives, 8-bit RGB, upright, every pixel: images are the same with and without it. It belongs to a
//! list of samples and is named after it ([`PackKey`]); which bytes each image was decoded from stands beside the pixels, so an
//! image whose file has changed since is found out. The layout, little-endian:
//!
//! ```text
//! 0              "bakepack", version u32, zero u32, samples u64, where the index begins u64, key 32 bytes
//! 64             pixels, image after image, in the order they were decoded
//! index          per sample 64 bytes: where u64, width u32, height u32, CRC-32 of the pixels u32, flags u32,
//!                SHA-256 of the encoded bytes, zero u64; width 0: the image cannot be used
//! looks          per sample 576 bytes: a grey picture of 24 × 24, by which copies are found
//! end − 4        CRC-32 of header, index and looks
//! ```
//!
//! The header is written last, into a file of another name that is synchronised and then renamed: what carries a pack's name is a
//! whole pack. Pixels are checked against their CRC when they are first read.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bakeoff_files::Unfinished;
use memmap2::Mmap;
use sha2::{Digest, Sha256};

use crate::RgbImage;
use crate::decode::Notes;
use crate::likeness::{Look, SIDE};

const MAGIC: &[u8; 8] = b"bakepack";
/// 2: 16-bit grey is scaled; 1 held it clipped. 3: looks; before there were none.
const VERSION: u32 = 3;
const HEADER: usize = 64;
const ENTRY: usize = 64;
const LOOK: usize = SIDE * SIDE;

/// What a pack is named after: the ids of the samples in their order, and how pixels are made of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackKey([u8; 32]);

impl PackKey {
    pub(crate) fn new<'a>(making: &str, ids: impl Iterator<Item = &'a str>) -> Self {
        let mut digest = Sha256::new();
        let mut text = |text: &str| {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        };
        text(making);
        ids.for_each(text);
        Self(digest.finalize().into())
    }

    /// `<hex>.pack`
    pub(crate) fn file_name(self) -> String {
        let hex: String = self.0[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}.pack")
    }
}

/// What a pack knows of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// SHA-256 of the encoded bytes.
    pub(crate) source: [u8; 32],
    /// What the image lost when it was decoded: the entry's flags.
    pub(crate) notes: Notes,
    start: u64,
    checksum: u32,
}

impl Packed {
    fn bytes(&self) -> usize {
        self.width * self.height * 3
    }

    fn to_bytes(self) -> [u8; ENTRY] {
        let mut entry = [0; ENTRY];
        entry[..8].copy_from_slice(&self.start.to_le_bytes());
        entry[8..12].copy_from_slice(&(self.width as u32).to_le_bytes());
        entry[12..16].copy_from_slice(&(self.height as u32).to_le_bytes());
        entry[16..20].copy_from_slice(&self.checksum.to_le_bytes());
        entry[20..24].copy_from_slice(&self.notes.bits().to_le_bytes());
        entry[24..56].copy_from_slice(&self.source);
        entry
    }

    /// `None` where an entry points beyond `end`.
    fn from_bytes(entry: &[u8; ENTRY], end: u64) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        let start = u64::from(word(0)) | u64::from(word(4)) << 32;
        let (width, height) = (word(8) as usize, word(12) as usize);
        let bytes = (width as u64).checked_mul(height as u64)?.checked_mul(3)?;
        let inside = start >= HEADER as u64 && start.checked_add(bytes)? <= end && height > 0;
        if width > 0 && !inside {
            return None;
        }
        let mut source = [0; 32];
        source.copy_from_slice(&entry[24..56]);
        Some(Self { width, height, source, notes: Notes::from_bits(word(20)), start, checksum: word(16) })
    }
}

/// An open pack.
#[derive(Debug)]
pub(crate) struct Pack {
    map: Arc<Mmap>,
    entries: Vec<Packed>,
    /// Where looks begin.
    looks: usize,
    /// Per image: not looked at yet, whole, damaged.
    state: Vec<AtomicU8>,
}

const UNSEEN: u8 = 0;
const WHOLE: u8 = 1;
const DAMAGED: u8 = 2;

impl Pack {
    /// Opens a pack of this key. `Ok(None)` where there is none.
    pub(crate) fn open(path: &Path, key: PackKey, samples: usize) -> io::Result<Option<Self>> {
        let file = match bakeoff_files::open(path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // SAFETY: packs are written under another name and never changed once they have theirs. Whoever cuts one off while
        // it is in use ends the program; nothing else can go wrong, for all bytes are valid pixels.
        let map = unsafe { Mmap::map(&file) }?;
        let entries = Self::index(&map, key, samples).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it is no whole pack of these images")
        })?;
        let state = entries.iter().map(|_| AtomicU8::new(UNSEEN)).collect();
        let looks = map.len() - 4 - samples * LOOK;
        Ok(Some(Self { map: Arc::new(map), entries, looks, state }))
    }

    fn index(map: &[u8], key: PackKey, samples: usize) -> Option<Vec<Packed>> {
        let header = map.first_chunk::<HEADER>()?;
        let number = |at: usize| Some(u64::from_le_bytes(*header.get(at..)?.first_chunk::<8>()?));
        let version = u32::from_le_bytes(*header.get(8..)?.first_chunk::<4>()?);
        let (count, index) = (number(16)?, number(24)?);
        let start = usize::try_from(index).ok()?;
        let right = header.starts_with(MAGIC)
            && version == VERSION
            && count == samples as u64
            && header.ends_with(&key.0)
            && start >= HEADER;
        if !right {
            return None;
        }
        let (entries, checksum) = map.get(start..)?.split_last_chunk::<4>()?;
        let (entries, looks) = entries.split_at_checked(samples.checked_mul(ENTRY)?)?;
        if looks.len() != samples.checked_mul(LOOK)? {
            return None;
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(header);
        crc.update(entries);
        crc.update(looks);
        if crc.finalize().to_le_bytes() != *checksum {
            return None;
        }
        entries.as_chunks::<ENTRY>().0.iter().map(|entry| Packed::from_bytes(entry, index)).collect()
    }

    /// What is known of an image; `None` where it cannot be used.
    pub(crate) fn entry(&self, index: usize) -> Option<&Packed> {
        self.entries.get(index).filter(|entry| entry.width > 0)
    }

    /// What an image looks like; `None` where it cannot be used.
    pub(crate) fn look(&self, index: usize) -> Option<Look> {
        self.entry(index)?;
        self.map.get(self.looks + index * LOOK..)?.first_chunk().map(Look::from_bytes)
    }

    /// The pixels of an image. `None` where it has none, or where they are not what was written.
    pub(crate) fn image(&self, index: usize) -> Option<RgbImage> {
        let entry = self.entry(index)?;
        let state = self.state.get(index)?;
        let start = entry.start as usize;
        if state.load(Ordering::Relaxed) == UNSEEN {
            let pixels = self.map.get(start..start + entry.bytes())?;
            let whole = crc32fast::hash(pixels) == entry.checksum;
            state.store(if whole { WHOLE } else { DAMAGED }, Ordering::Relaxed);
        }
        let whole = state.load(Ordering::Relaxed) == WHOLE;
        whole.then(|| RgbImage::mapped(entry.width, entry.height, &self.map, start))?
    }

    /// Images it holds and the bytes of the file.
    pub(crate) fn size(&self) -> (usize, u64) {
        (self.entries.iter().filter(|entry| entry.width > 0).count(), self.map.len() as u64)
    }
}

/// A pack that is being written, from many threads.
pub(crate) struct Packer {
    path: PathBuf,
    partial: PathBuf,
    /// Whatever was not finished leaves nothing behind. Once the pack has its name, there is nothing to remove.
    _unfinished: Unfinished,
    key: PackKey,
    writing: Mutex<OpenPack>,
}

struct OpenPack {
    file: File,
    end: u64,
    entries: Vec<Packed>,
    looks: Vec<[u8; LOOK]>,
    /// The first thing that went wrong; from then on nothing is written.
    failed: Option<io::Error>,
}

impl Packer {
    /// Begins a pack of so many samples. What crashed processes left of the same one is removed.
    pub(crate) fn begin(path: &Path, key: PackKey, samples: usize) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let prefix = format!("{name}.partial-");
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix)
                && bakeoff_files::open(&entry.path()).is_ok_and(|file| file.try_lock().is_ok())
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        let partial = folder.join(format!("{prefix}{}", std::process::id()));
        let mut file = File::create_new(&partial)?;
        let unfinished = Unfinished::at(&partial);
        // Tells it from what a crash left. File systems without locks keep such files for longer.
        let _ = file.try_lock();
        file.write_all(&[0; HEADER])?;
        let writing = OpenPack {
            file,
            end: HEADER as u64,
            entries: vec![Packed::default(); samples],
            looks: vec![[0; LOOK]; samples],
            failed: None,
        };
        Ok(Self {
            path: path.to_owned(),
            partial,
            _unfinished: unfinished,
            key,
            writing: Mutex::new(writing),
        })
    }

    /// Adds an image. What cannot be written is told by [`Packer::finish`].
    pub(crate) fn add(&self, index: usize, image: &RgbImage, look: &Look, source: [u8; 32], notes: Notes) {
        let checksum = crc32fast::hash(image.pixels());
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let OpenPack { file, end, entries, looks, failed } = &mut *writing;
        if failed.is_some() {
            return;
        }
        if let Err(error) = file.write_all(image.pixels()) {
            *failed = Some(error);
            // The room it took is needed by others.
            let _ = file.set_len(0);
            return;
        }
        if let Some(entry) = entries.get_mut(index) {
            let (width, height) = (image.width(), image.height());
            *entry = Packed { width, height, source, notes, start: *end, checksum };
        }
        if let Some(place) = looks.get_mut(index) {
            *place = *look.bytes();
        }
        *end += image.pixels().len() as u64;
    }

    /// Writes index and header, synchronises, and gives the pack its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let OpenPack { file, end, entries, looks, failed } = &mut *writing;
        if let Some(error) = failed.take() {
            return Err(error);
        }
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&VERSION.to_le_bytes());
        header[16..24].copy_from_slice(&(entries.len() as u64).to_le_bytes());
        header[24..32].copy_from_slice(&end.to_le_bytes());
        header[32..].copy_from_slice(&self.key.0);
        let mut tail: Vec<u8> = entries.iter().flat_map(|entry| entry.to_bytes()).collect();
        tail.extend_from_slice(looks.as_flattened());
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header);
        crc.update(&tail);
        tail.extend(crc.finalize().to_le_bytes());
        file.write_all(&tail)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.sync_all()?;
        fs::rename(&self.partial, &self.path)?;
        // The name is on disk when the folder is. Not every system lets a folder be opened.
        if let Ok(folder) = File::open(self.path.parent().unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(seed: usize) -> RgbImage {
        let (width, height) = (5 + seed, 9 - seed);
        let pixels = (0..width * height * 3).map(|i| (i * 7 + seed * 31) as u8).collect();
        RgbImage::new(width, height, pixels).unwrap()
    }

    fn key() -> PackKey {
        PackKey::new("whole", ["a", "b", "c"].into_iter())
    }

    /// A pack of three samples, the second of which cannot be used.
    fn written(folder: &Path) -> PathBuf {
        let path = folder.join(key().file_name());
        let packer = Packer::begin(&path, key(), 3).unwrap();
        packer.add(2, &image(2), &Look::of(&image(2)), [2; 32], Notes::from_bits(1));
        packer.add(0, &image(0), &Look::of(&image(0)), [7; 32], Notes::default());
        assert!(!path.exists(), "it has no name until it is whole");
        packer.finish().unwrap();
        path
    }

    #[test]
    fn what_is_packed_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing else is left");
        let pack = Pack::open(&path, key(), 3).unwrap().unwrap();
        assert_eq!(pack.image(0).unwrap(), image(0));
        assert_eq!(pack.image(2).unwrap(), image(2));
        assert!(pack.image(1).is_none() && pack.image(3).is_none());
        assert_eq!(pack.entry(2).map(|entry| (entry.source, entry.notes.bits())), Some(([2; 32], 1)));
        assert_eq!(pack.look(2), Some(Look::of(&image(2))));
        assert_eq!(pack.look(1), None);
        assert_eq!(pack.size().0, 2);
    }

    #[test]
    fn no_damaged_byte_goes_unnoticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let bytes = fs::read(&path).unwrap();
        let damaged = folder.path().join("damaged");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&damaged, changed).unwrap();
            // Either it is no pack, or one of its images is missing.
            let noticed = match Pack::open(&damaged, key(), 3) {
                Ok(Some(pack)) => pack.image(0).is_none() || pack.image(2).is_none(),
                Ok(None) => false,
                Err(_) => true,
            };
            assert!(noticed, "byte {at}");
        }
        for length in 0..bytes.len() {
            fs::write(&damaged, &bytes[..length]).unwrap();
            assert!(Pack::open(&damaged, key(), 3).is_err(), "cut off at {length}");
        }
    }

    #[test]
    fn a_pack_of_other_images_is_none_of_these() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let other = PackKey::new("whole", ["a", "b", "d"].into_iter());
        assert_ne!(other.file_name(), key().file_name());
        assert!(Pack::open(&path, other, 3).is_err());
        assert!(Pack::open(&path, key(), 4).is_err());
        assert!(Pack::open(&folder.path().join("none"), key(), 3).unwrap().is_none());
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(key().file_name());
        // What a crash left: a partial file that nobody holds.
        fs::write(folder.path().join(format!("{}.partial-1", key().file_name())), b"half").unwrap();
        let packer = Packer::begin(&path, key(), 3).unwrap();
        packer.add(0, &image(0), &Look::of(&image(0)), [0; 32], Notes::default());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(packer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_failed_write_is_told_at_the_end_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(key().file_name());
        let packer = Packer::begin(&path, key(), 3).unwrap();
        // A file that cannot be written, as on a full disk.
        packer.writing.lock().unwrap().file = File::open(&packer.partial).unwrap();
        packer.add(0, &image(0), &Look::of(&image(0)), [0; 32], Notes::default());
        packer.add(1, &image(1), &Look::of(&image(1)), [0; 32], Notes::default());
        assert!(packer.finish().is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

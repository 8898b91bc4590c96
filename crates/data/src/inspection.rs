//! One look at every image before anything is trained: what cannot be used, what is there twice, how large it all is.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::decode::{Note, Notes};
use crate::likeness::{Look, alike_until};
use crate::memory;
use crate::pack::{Pack, Packed, Packer};
use crate::rejected::{Rejected, rejected_lines};
use crate::{Copies, DataError, Dataset, Groups, ImageError, PackMode, Region, View, Warning, decode_region};
use bakeoff_machine::available_memory;

/// Decoded images of fewer bytes are made in a second or two, and fit in the cache.
const WORTH_PACKING: u64 = 64 << 20;

/// Bytes of disk that a pack leaves to others.
const SPARE_DISK: u64 = 1 << 30;

/// Where decoded pixels go while all images are looked at.
enum Packing {
    /// Into the cache, as far as it has room.
    None,
    /// They are in a pack already.
    Old(Pack),
    /// Into a pack.
    New(Packer),
}

/// How many rejected images an error names.
const NAMED: usize = 10;

/// Images that are the same: byte for byte, or by their looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// Indices into [`Dataset::samples`], ascending; at least two.
    pub samples: Vec<usize>,
    /// Their ids, in the same order.
    pub ids: Vec<String>,
    /// They stand in more than one of the source's declared splits.
    pub across_splits: bool,
    /// They are labelled as more than one class.
    pub across_classes: bool,
}

/// Smallest, middle and largest side lengths over the usable images, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Width: smallest, median, largest.
    pub width: [usize; 3],
    /// Height: smallest, median, largest.
    pub height: [usize; 3],
}

/// What [`Dataset::inspect`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// For every sample whether it can be used.
    pub usable: Vec<bool>,
    /// Those that cannot, in the order of the samples.
    pub rejected: Vec<Rejected>,
    /// Sets of byte-identical images, in the order of their first sample.
    pub duplicates: Vec<Duplicates>,
    /// Sets of images that look the same though they are not byte-identical: at least two of a set differ. None of generated images,
    /// and none where `copies` of the [`SourceConfig`](crate::SourceConfig) does not ask for them.
    pub alike: Vec<Duplicates>,
    /// Which images belong together: declared groups, and copies as far as they are to stay together.
    pub groups: Groups,
    /// Side lengths.
    pub sizes: Sizes,
    /// The shorter side of every sample, in pixels; 0 where it cannot be used.
    #[serde(skip)]
    pub shorter_sides: Vec<usize>,
    /// What is odd about the usable images.
    pub warnings: Vec<Warning>,
    /// Images whose pixels the cache holds.
    pub cached_images: usize,
    /// Bytes of pixels the cache holds.
    pub cached_bytes: usize,
    /// SHA-256, in hex, of every usable image's id and stored bytes: the same where the data are the same.
    pub content: String,
}

impl Dataset {
    /// Decodes every image once, on all cores. What the cache has room for stays decoded.
    ///
    /// `progress` is called with (done, total) from many threads; `stop` ends the work early.
    ///
    /// # Errors
    /// [`DataError::Stopped`]; with `strict`, any image that cannot be used; without, no image that can.
    pub fn inspect(
        &self,
        strict: bool,
        stop: &AtomicBool,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Inspection, DataError> {
        let total = self.samples.len();
        let mut warnings = Vec::new();
        let mut packing = self.begin_packing(true, &mut warnings);
        let mut seen = self.look_at_all(&packing, stop, progress)?;
        if matches!(packing, Packing::Old(_)) && seen.iter().flatten().any(|image| image.stale) {
            // The pack was made of other files: another takes its place.
            packing = self.begin_packing(false, &mut warnings);
            seen = self.look_at_all(&packing, stop, progress)?;
        }
        self.end_packing(packing, &mut warnings);

        let rejected: Vec<Rejected> = seen
            .iter()
            .enumerate()
            .filter_map(|(sample, image)| {
                let reason = image.as_ref().err()?.clone();
                Some(Rejected { sample, id: self.samples[sample].id.clone(), reason })
            })
            .collect();
        if (strict && !rejected.is_empty()) || rejected.len() == total {
            let lines = rejected_lines(&rejected);
            let mut listed: String = lines.iter().take(NAMED).map(|line| format!("\n  {line}")).collect();
            if lines.len() > NAMED {
                listed += &format!("\n  … and {} more", lines.len() - NAMED);
            }
            let (path, count) = (self.path.clone(), rejected.len());
            return Err(if count == total {
                DataError::AllRejected { path, count, listed }
            } else {
                DataError::Rejected { path, count, listed }
            });
        }
        let (cached_images, cached_bytes) = self.cached();
        let (content, warnings) =
            (self.content(&seen), warnings.into_iter().chain(self.pixel_warnings(&seen)).collect());
        let sizes = Sizes {
            width: spread(seen.iter().flatten().map(|image| image.width).collect()),
            height: spread(seen.iter().flatten().map(|image| image.height).collect()),
        };
        let shorter_sides = seen
            .iter()
            .map(|image| image.as_ref().map_or(0, |image| image.width.min(image.height)))
            .collect();
        let duplicates = self.duplicates(&seen);
        let usable: Vec<bool> = seen.iter().map(Result::is_ok).collect();
        let alike = match self.copies {
            Copies::Alike => self.look_alikes(seen, &duplicates, stop)?,
            Copies::Identical | Copies::Ignore => Vec::new(),
        };
        let kept_together = |sets: &'_ [Duplicates]| match self.copies {
            Copies::Ignore => Vec::new(),
            Copies::Alike | Copies::Identical => {
                sets.iter().map(|set| set.samples.clone()).collect::<Vec<_>>()
            }
        };
        let sets = [kept_together(&duplicates), kept_together(&alike)].concat();
        let groups = self.groups.with(total, &sets);
        Ok(Inspection {
            usable,
            rejected,
            duplicates,
            alike,
            groups,
            sizes,
            shorter_sides,
            warnings,
            cached_images,
            cached_bytes,
            content,
        })
    }

    /// Sets of images that look the same; those of byte-identical files are told already.
    fn look_alikes(
        &self,
        seen: Vec<Result<InspectedImage, String>>,
        duplicates: &[Duplicates],
        stop: &AtomicBool,
    ) -> Result<Vec<Duplicates>, DataError> {
        let looks: Vec<Option<Look>> = seen.into_iter().map(|image| image.ok()?.look).collect();
        let sets = alike_until(&looks, stop).ok_or(DataError::Stopped)?;
        let set_of: HashMap<usize, usize> = duplicates
            .iter()
            .enumerate()
            .flat_map(|(number, set)| set.samples.iter().map(move |&sample| (sample, number)))
            .collect();
        let identical = |set: &[usize]| {
            let first = set_of.get(&set[0]);
            first.is_some() && set.iter().all(|sample| set_of.get(sample) == first)
        };
        Ok(sets.into_iter().filter(|set| !identical(set)).map(|set| self.set(set)).collect())
    }

    fn content(&self, seen: &[Result<InspectedImage, String>]) -> String {
        let mut digest = Sha256::new();
        for (sample, image) in self.samples.iter().zip(seen) {
            if let Ok(image) = image {
                digest.update((sample.id.len() as u64).to_le_bytes());
                digest.update(sample.id.as_bytes());
                digest.update(image.digest);
                if image.notes.has(Note::DeepGrey) {
                    // It was clipped once: results from then are not of these pixels.
                    digest.update(b"scaled");
                }
            }
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn look_at_all(
        &self,
        packing: &Packing,
        stop: &AtomicBool,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<Result<InspectedImage, String>>, DataError> {
        let total = self.samples.len();
        let done = AtomicUsize::new(0);
        let seen: Mutex<Vec<Option<Result<InspectedImage, String>>>> = Mutex::new(vec![None; total]);
        let shortage: OnceLock<DataError> = OnceLock::new();
        (0..total).into_par_iter().for_each(|index| {
            if stop.load(Ordering::Relaxed) || shortage.get().is_some() {
                return;
            }
            let image = match self.look(index, packing) {
                Err(error) if error.is_shortage() => {
                    let image = self.samples[index].id.clone();
                    let _ = shortage.set(DataError::Shortage { image, source: Box::new(error) });
                    return;
                }
                other => other.map_err(|error| error.to_string()),
            };
            if let Ok(mut seen) = seen.lock() {
                seen[index] = Some(image);
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        });
        if let Some(shortage) = shortage.into_inner() {
            return Err(shortage);
        }
        let seen: Option<Vec<_>> = seen.into_inner().unwrap_or_default().into_iter().collect();
        seen.filter(|seen| seen.len() == total).ok_or(DataError::Stopped)
    }

    fn look(&self, index: usize, packing: &Packing) -> Result<InspectedImage, ImageError> {
        // Until the pixels are looked at and put away.
        let _memory = memory::Scope::begin();
        // Of generated images the bytes are the pixels.
        if let Packing::Old(pack) = packing
            && let Some((entry, look)) = pack.entry(index).zip(pack.look(index))
            && Sha256::digest(self.bytes(index)?)[..] == entry.source
        {
            let Packed { width, height, source: digest, notes, .. } = *entry;
            let look = (!self.is_generated()).then_some(look);
            return Ok(InspectedImage { width, height, digest, notes, look, stale: false });
        }
        let mut digest = [0; 32];
        let mut notes = Notes::default();
        let see = |bytes: &[u8], found: Notes| {
            digest.copy_from_slice(&Sha256::digest(bytes));
            notes = found;
        };
        let image = match packing {
            Packing::None => self.fetch(index, see)?,
            Packing::Old(_) | Packing::New(_) => Arc::new(self.make(index, see)?),
        };
        let look = Look::of(&image);
        if let Packing::New(packer) = packing {
            packer.add(index, &image, &look, digest, notes);
        }
        let (width, height) = (image.width(), image.height());
        // Images that are made anew, each by its number, are no copies of each other, however much they look alike.
        let look = (!self.is_generated()).then_some(look);
        Ok(InspectedImage { width, height, digest, notes, look, stale: true })
    }

    /// Opens the pack of these images, or begins one where that pays.
    fn begin_packing(&self, open: bool, warnings: &mut Vec<Warning>) -> Packing {
        let mode = self.packing.1;
        if mode == PackMode::Off {
            return Packing::None;
        }
        let (path, key) = (self.pack_path(), self.pack_key());
        if open {
            match Pack::open(&path, key, self.samples.len()) {
                Ok(Some(pack)) => return Packing::Old(pack),
                Ok(None) => {}
                Err(error) => {
                    let (pack, reason) = (path.display().to_string(), error.to_string());
                    warnings.push(Warning::PackReplaced { pack, reason });
                }
            }
        }
        if mode == PackMode::Auto && !self.packing_pays(warnings) {
            return Packing::None;
        }
        match Packer::begin(&path, key, self.samples.len()) {
            Ok(packer) => Packing::New(packer),
            Err(error) => {
                warnings.push(self.not_packed(&error));
                Packing::None
            }
        }
    }

    fn not_packed(&self, error: &std::io::Error) -> Warning {
        Warning::NotPacked {
            reason: format!("{}: {error}", self.packing.0.display()),
            remedy: "make room there and run again, or set data.pack = \"off\"".to_owned(),
        }
    }

    /// Whether decoded images are worth a file, and whether there is disk and memory for it.
    fn packing_pays(&self, warnings: &mut Vec<Warning>) -> bool {
        let Some(bytes) = self.decoded_bytes() else { return false };
        if bytes < WORTH_PACKING {
            return false;
        }
        let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64);
        // The folder may have to be made first.
        let folder = self.packing.0.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
        let room = fs4::available_space(folder).ok();
        let short = match (room, available_memory()) {
            (Some(room), _) if bytes.saturating_add(SPARE_DISK) > room => Some(("disk", room)),
            // Pixels that do not stay in memory are read more slowly than their files are decoded.
            (_, Some(memory)) if bytes > memory => Some(("memory", memory)),
            _ => None,
        };
        let Some((what, room)) = short else { return true };
        warnings.push(Warning::NotPacked {
            reason: format!("they would take about {}, and there are {} of {what}", gib(bytes), gib(room)),
            remedy: "set data.pack = \"on\" to pack them all the same, or \"off\" to be told no more"
                .to_owned(),
        });
        false
    }

    /// About how many bytes all images are when decoded, from the sizes of a few.
    fn decoded_bytes(&self) -> Option<u64> {
        const ASKED: usize = 32;
        let samples = self.samples.len();
        let step = samples.div_ceil(ASKED).max(1);
        let corner = Region { x: 0, y: 0, width: 1, height: 1 };
        let sizes: Vec<u64> = (0..samples)
            .step_by(step)
            .filter(|&index| self.is_encoded(index))
            .filter_map(|index| {
                let patch = decode_region(&self.bytes(index).ok()?, &mut |_, _| corner).ok()?;
                let view = View::from(&patch);
                Some((view.width() * view.height() * 3) as u64)
            })
            .collect();
        Some(sizes.iter().sum::<u64>() / (sizes.len() as u64).max(1) * samples as u64)
            .filter(|&bytes| bytes > 0)
    }

    /// Finishes a new pack; from here on images are read from it.
    fn end_packing(&self, packing: Packing, warnings: &mut Vec<Warning>) {
        let pack = match packing {
            Packing::None => return,
            Packing::Old(pack) => Ok(Some(pack)),
            Packing::New(packer) => packer
                .finish()
                .and_then(|()| Pack::open(&self.pack_path(), self.pack_key(), self.samples.len())),
        };
        match pack {
            Ok(pack) => {
                if let Some(pack) = pack {
                    let _ = self.pack.set(pack);
                }
            }
            Err(error) => warnings.push(self.not_packed(&error)),
        }
    }

    /// What images lost when they were decoded.
    fn pixel_warnings(&self, seen: &[Result<InspectedImage, String>]) -> Vec<Warning> {
        let with = |note: Note| -> Option<(usize, String)> {
            let has = |image: &Result<InspectedImage, String>| {
                image.as_ref().is_ok_and(|image| image.notes.has(note))
            };
            let mut found =
                self.samples.iter().zip(seen).filter(|(_, image)| has(image)).map(|(sample, _)| &sample.id);
            let example = found.next()?.clone();
            Some((1 + found.count(), example))
        };
        pixel_warnings(with)
    }

    fn duplicates(&self, seen: &[Result<InspectedImage, String>]) -> Vec<Duplicates> {
        let mut by_digest: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (sample, image) in seen.iter().enumerate() {
            if let Ok(image) = image {
                by_digest.entry(image.digest).or_default().push(sample);
            }
        }
        let mut sets: Vec<Vec<usize>> = by_digest.into_values().filter(|set| set.len() > 1).collect();
        sets.sort_unstable();
        sets.into_iter().map(|samples| self.set(samples)).collect()
    }

    /// What is to be told of images that are the same.
    pub(crate) fn set(&self, samples: Vec<usize>) -> Duplicates {
        let differs =
            |of: &dyn Fn(usize) -> usize| samples.iter().any(|&sample| of(sample) != of(samples[0]));
        Duplicates {
            ids: samples.iter().map(|&sample| self.samples[sample].id.clone()).collect(),
            across_splits: differs(&|sample| self.samples[sample].split as usize),
            across_classes: differs(&|sample| self.samples[sample].label),
            samples,
        }
    }
}

/// What is to be told of images that lost something when they were decoded. `with` says how many have a note, and names one.
#[must_use]
pub fn pixel_warnings(with: impl Fn(Note) -> Option<(usize, String)>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let deep = with(Note::DeepGrey);
    if let Some((count, example)) = deep.clone() {
        warnings.push(Warning::DeepGrey { count, example });
    }
    // A dark picture or two are no sign that all of them hold 12 bits.
    if let (Some((of, _)), Some((count, example))) = (deep, with(Note::NarrowGrey))
        && count * 2 > of
    {
        warnings.push(Warning::NarrowGrey { count, of, example });
    }
    let cmyk = with(Note::Cmyk).map(|(count, example)| Warning::Cmyk { count, example });
    let transparent =
        with(Note::Transparency).map(|(count, example)| Warning::Transparency { count, example });
    let pages = with(Note::FirstPage).map(|(count, example)| Warning::FirstPage { count, example });
    warnings.into_iter().chain(cmyk).chain(transparent).chain(pages).collect()
}

/// What one look at an image keeps.
#[derive(Clone, Debug)]
struct InspectedImage {
    width: usize,
    height: usize,
    digest: [u8; 32],
    notes: Notes,
    /// `None` of generated images.
    look: Option<Look>,
    /// The pack that was there knew nothing of it.
    stale: bool,
}

fn spread(mut lengths: Vec<usize>) -> [usize; 3] {
    lengths.sort_unstable();
    match (lengths.first(), lengths.get(lengths.len() / 2), lengths.last()) {
        (Some(&smallest), Some(&median), Some(&largest)) => [smallest, median, largest],
        _ => [0; 3],
    }
}

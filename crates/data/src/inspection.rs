//! One look at every image before anything is trained: what cannot be used, what is there twice, how large it all is.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::decode::is_deep_grey;
use crate::{DataError, Dataset, RgbImage, Warning};

/// How many rejected images an error names.
const NAMED: usize = 10;

/// An image that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Index into [`Dataset::samples`].
    pub sample: usize,
    /// The sample's id.
    pub id: String,
    /// Why, in words.
    pub reason: String,
}

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
    /// Side lengths.
    pub sizes: Sizes,
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
        self.survey(strict, stop, progress, &|_, _| ())
    }

    /// [`Dataset::inspect`], showing every image that can be used to `see`, from many threads.
    pub(crate) fn survey(
        &self,
        strict: bool,
        stop: &AtomicBool,
        progress: &(dyn Fn(usize, usize) + Sync),
        see: &(dyn Fn(usize, &RgbImage) + Sync),
    ) -> Result<Inspection, DataError> {
        let total = self.samples.len();
        let done = AtomicUsize::new(0);
        let looks: Mutex<Vec<Option<Result<Look, String>>>> = Mutex::new(vec![None; total]);
        (0..total).into_par_iter().for_each(|index| {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let look = self.look(index, see);
            if let Ok(mut looks) = looks.lock() {
                looks[index] = Some(look);
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        });
        let looks: Option<Vec<_>> = looks.into_inner().unwrap_or_default().into_iter().collect();
        let looks = looks.filter(|looks| looks.len() == total).ok_or(DataError::Stopped)?;

        let rejected: Vec<Rejected> = looks
            .iter()
            .enumerate()
            .filter_map(|(sample, look)| {
                let reason = look.as_ref().err()?.clone();
                Some(Rejected { sample, id: self.samples[sample].id.clone(), reason })
            })
            .collect();
        if (strict && !rejected.is_empty()) || rejected.len() == total {
            let mut listed: String = rejected
                .iter()
                .take(NAMED)
                .map(|image| format!("\n  {}: {}", image.id, image.reason))
                .collect();
            if rejected.len() > NAMED {
                listed += &format!("\n  … and {} more", rejected.len() - NAMED);
            }
            let (path, count) = (self.path.clone(), rejected.len());
            return Err(if count == total {
                DataError::AllRejected { path, count, listed }
            } else {
                DataError::Rejected { path, count, listed }
            });
        }
        let (cached_images, cached_bytes) = self.cached();
        Ok(Inspection {
            usable: looks.iter().map(Result::is_ok).collect(),
            rejected,
            duplicates: self.duplicates(&looks),
            sizes: Sizes {
                width: spread(looks.iter().flatten().map(|look| look.width).collect()),
                height: spread(looks.iter().flatten().map(|look| look.height).collect()),
            },
            warnings: self.deep_grey(&looks),
            cached_images,
            cached_bytes,
            content: self.content(&looks),
        })
    }

    fn content(&self, looks: &[Result<Look, String>]) -> String {
        let mut digest = Sha256::new();
        for (sample, look) in self.samples.iter().zip(looks) {
            if let Ok(look) = look {
                digest.update((sample.id.len() as u64).to_le_bytes());
                digest.update(sample.id.as_bytes());
                digest.update(look.digest);
            }
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn look(&self, index: usize, see: &(dyn Fn(usize, &RgbImage) + Sync)) -> Result<Look, String> {
        let mut digest = [0; 32];
        let mut deep_grey = false;
        let image = self
            .fetch(index, |bytes| {
                digest.copy_from_slice(&Sha256::digest(bytes));
                deep_grey = is_deep_grey(bytes);
            })
            .map_err(|error| error.to_string())?;
        see(index, &image);
        Ok(Look { width: image.width(), height: image.height(), digest, deep_grey })
    }

    fn deep_grey(&self, looks: &[Result<Look, String>]) -> Vec<Warning> {
        let deep = |look: &Result<Look, String>| look.as_ref().is_ok_and(|look| look.deep_grey);
        let mut found =
            self.samples.iter().zip(looks).filter(|(_, look)| deep(look)).map(|(sample, _)| &sample.id);
        let Some(example) = found.next().cloned() else { return Vec::new() };
        vec![Warning::DeepGrey { count: 1 + found.count(), example }]
    }

    fn duplicates(&self, looks: &[Result<Look, String>]) -> Vec<Duplicates> {
        let mut by_digest: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (sample, look) in looks.iter().enumerate() {
            if let Ok(look) = look {
                by_digest.entry(look.digest).or_default().push(sample);
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

/// What one look at an image keeps.
#[derive(Clone, Debug)]
struct Look {
    width: usize,
    height: usize,
    digest: [u8; 32],
    deep_grey: bool,
}

fn spread(mut lengths: Vec<usize>) -> [usize; 3] {
    lengths.sort_unstable();
    match (lengths.first(), lengths.get(lengths.len() / 2), lengths.last()) {
        (Some(&smallest), Some(&median), Some(&largest)) => [smallest, median, largest],
        _ => [0; 3],
    }
}

//! One trial is looked at: its network is shown the test images under every condition.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bakeoff_augment::corruption::{CELLS, CorruptionSet};
use bakeoff_augment::{BatchError, NetworkInput, PixelBatch, Pixels};
use bakeoff_data::Dataset;
use bakeoff_files::write_sealed;
use bakeoff_nn::Session;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::condition::ImageCondition;
use super::error::AnalysisError;
use super::network::{Network, batch};
use super::test_images::TestImages;
use crate::config::StudyConfig;
use crate::feed::{evaluation, evaluation_pixels, prefetch};
use crate::folder::{RunFolder, Trial, if_whole};
use crate::judgement::predicted;
use crate::predictions::Prediction;
use crate::records::{
    CorruptionRecord, MapRecord, MapsRecord, OcclusionRecord, Right, RobustnessRecord, TrialKey,
};

/// Undamaged images may be judged otherwise than in the test by one in a hundred: on another kind of machine last bits differ.
const TOLERATED: usize = 100;

/// Records are written no more often than this while a trial is looked at.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// One trial while it is looked at.
pub(super) struct TrialAnalysis<'a> {
    pub(super) trial: &'a Trial,
    pub(super) network: &'a Network,
    pub(super) test: &'a [Prediction],
    pub(super) images: &'a TestImages,
    pub(super) dataset: &'a Dataset,
    /// Prepares images.
    pub(super) pool: &'a ThreadPool,
}

impl TrialAnalysis<'_> {
    /// The record on disk where it is of the same images, else one that holds nothing yet.
    fn record(&self, run: &RunFolder) -> Result<RobustnessRecord, AnalysisError> {
        let key = &self.trial.key;
        let (images, of) = (self.images.places.len(), self.images.of);
        let severities = CorruptionSet::of(self.network.pipeline.image());
        let found = if_whole(run.robustness(self.trial))?;
        let mut record = RobustnessRecord {
            recipe: key.recipe.clone(),
            seed: key.seed,
            id: key.id.clone(),
            images,
            of,
            severities,
            plain: Right::default(),
            corruptions: Vec::new(),
            occlusion: Vec::new(),
        };
        for condition in ImageCondition::all() {
            let right = Right::default();
            match condition {
                ImageCondition::Plain => {}
                ImageCondition::Damaged(corruption, severity) => {
                    record.corruptions.push(CorruptionRecord { corruption, severity, right });
                }
                ImageCondition::Covered(cells) => {
                    record.occlusion.push(OcclusionRecord { hidden: cells as f64 / CELLS as f64, right });
                }
            }
        }
        // One that was written by hand, or by a version with other conditions, is begun anew.
        Ok(found.filter(|found| found.is_like(&record) && found.is_even()).unwrap_or(record))
    }

    /// Whether the record is whole in the end.
    pub(super) fn run(
        &self,
        run: &RunFolder,
        study: &StudyConfig,
        stop: &AtomicBool,
        progress: &dyn Fn(usize),
    ) -> Result<bool, AnalysisError> {
        let mut record = self.record(run)?;
        let (all, size) = (ImageCondition::all(), batch(study));
        progress(record.plain.len() * all.len());
        if record.is_whole() {
            return Ok(true);
        }
        let path = run.robustness_path(&self.trial.key);
        let mut session = self.network.session(study, self.pool)?;
        let mut saved = Instant::now();
        while !record.is_whole() {
            let first = record.plain.len();
            let last = (first + size).min(self.images.places.len());
            let Some(right) = self.judge(&mut session, &all, first..last, stop, progress)? else {
                write_sealed(&path, &record)?;
                return Ok(false);
            };
            record.extend(right);
            self.check(&record)?;
            if record.is_whole() || saved.elapsed() >= SAVE_EVERY {
                write_sealed(&path, &record)?;
                saved = Instant::now();
            }
        }
        Ok(true)
    }

    /// Writes the class activation maps, where they are not there yet.
    pub(super) fn map(
        &self,
        run: &RunFolder,
        images: &TestImages,
        study: &StudyConfig,
    ) -> Result<(), AnalysisError> {
        let tested: Vec<&Prediction> = images.places.iter().map(|&place| &self.test[place]).collect();
        let same =
            |record: &MapsRecord| record.maps.iter().map(|m| &m.image).eq(tested.iter().map(|t| &t.image));
        if if_whole(run.maps(self.trial))?.is_some_and(|record| same(&record)) {
            return Ok(());
        }
        let Network { pipeline, preprocess, .. } = self.network;
        let mut session = self.network.session(study, self.pool)?;
        let mut maps = Vec::with_capacity(tested.len());
        for (samples, tested) in images.samples.chunks(batch(study)).zip(tested.chunks(batch(study))) {
            let input = self.pool.install(|| evaluation(self.dataset, pipeline, samples))?;
            let classes: Vec<usize> = tested.iter().map(|t| t.label as usize).collect();
            let found = session.class_activation_maps(input.values(), &classes)?;
            let size = (found.rows * found.columns).max(1);
            maps.extend(tested.iter().zip(found.values.chunks(size)).map(|(tested, values)| MapRecord {
                image: tested.image.clone(),
                label: tested.label,
                predicted: tested.predicted,
                probability: tested.probability,
                rows: found.rows,
                columns: found.columns,
                values: values.to_vec(),
            }));
        }
        let TrialKey { recipe, seed, id } = self.trial.key.clone();
        let record =
            MapsRecord { recipe, seed, id, preprocess: preprocess.clone(), side: pipeline.image(), maps };
        Ok(write_sealed(&run.maps_path(&self.trial.key), &record)?)
    }

    /// Whether each of some images is judged rightly, by condition; `None` where it was stopped.
    fn judge(
        &self,
        session: &mut Session,
        all: &[ImageCondition],
        range: std::ops::Range<usize>,
        stop: &AtomicBool,
        progress: &dyn Fn(usize),
    ) -> Result<Option<Vec<Vec<bool>>>, AnalysisError> {
        let Network { pipeline, model, .. } = self.network;
        let places = &self.images.places[range.clone()];
        let plain: Vec<Pixels> = {
            let samples = &self.images.samples[range.clone()];
            let pixels = self.pool.install(|| evaluation_pixels(self.dataset, pipeline, samples))?;
            (0..pixels.len()).filter_map(|index| pixels.image(index)).collect()
        };
        let make = |condition: &ImageCondition| -> Result<NetworkInput, BatchError> {
            let changed = plain.par_iter().zip(places).map(|(image, &place)| condition.apply(image, place));
            Ok(pipeline.normalise(PixelBatch::stack(changed.collect())?))
        };
        prefetch(self.pool, 1, all.iter(), make, |inputs| {
            let mut right = Vec::with_capacity(all.len());
            for input in inputs {
                if stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                let logits = session.infer(input?.values())?;
                let judged = logits.chunks(model.classes()).zip(places);
                right.push(
                    judged
                        .map(|(logits, &place)| predicted(logits) == self.test[place].label as usize)
                        .collect(),
                );
                progress(range.start * all.len() + right.len() * places.len());
            }
            Ok(Some(right))
        })
    }

    /// Undamaged images must be judged as in the test.
    fn check(&self, record: &RobustnessRecord) -> Result<(), AnalysisError> {
        let tested = self.images.places.iter().map(|&place| &self.test[place]);
        let same = |(right, tested): &(bool, &Prediction)| *right == (tested.predicted == tested.label);
        let seen = record.plain.len();
        let changed = seen - record.plain.iter().zip(tested).filter(same).count();
        if changed * TOLERATED <= seen.max(TOLERATED) {
            return Ok(());
        }
        let TrialKey { recipe, seed, .. } = self.trial.key.clone();
        Err(AnalysisError::Changed { recipe, seed, changed, images: seen })
    }
}

//! After the last test: how the trained networks do on damaged and on partly hidden test images, and where in an image they find
//! its class.
//!
//! It looks at finished trials and chooses nothing: no verdict depends on it, and no result of a trial is touched. What is random is
//! a function of the damage and the image's place in the test split, so all networks are shown the same pixels. The record of a trial
//! stands in its folder and grows batch by batch; looking again goes on where it was.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bakeoff_augment::corruption::{CELLS, Corruption, CorruptionSet, SEVERITIES, occluded};
use bakeoff_augment::{BatchError, NetworkInput, Pipeline, PixelBatch, Pixels, Preprocess, RecipeConfig};
use bakeoff_data::{DataError, Dataset, RgbImage};
use bakeoff_nn::{Model, NnError, Session, SessionConfig, Trainable, Weights};
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::config::StudyConfig;
use crate::feed::{FeedError, evaluation, evaluation_pixels, prefetch};
use crate::folder::if_whole;
use crate::judgement::predicted;
use crate::model_card::ModelCard;
use crate::records::{
    CorruptionRecord, MapRecord, MapsRecord, OcclusionRecord, Right, RobustnessRecord, TrialKey,
};
use crate::threads::{ThreadsError, pool};
use crate::{FolderError, Prediction, RunFolder, Trial};
use bakeoff_files::{WriteError, write_sealed};

/// Images of which class activation maps are made, at most: a page shows them all, each once for every recipe.
pub const MOST_MAPS: usize = 24;

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisOptions {
    /// Test images, taken evenly from the split; 0 for all.
    pub images: usize,
    /// Seeds, the first ones of the plan; 0 for all.
    pub seeds: usize,
    /// Recipes besides the baseline; none for all.
    pub recipes: Vec<String>,
    /// Test images of which class activation maps are made, of as many classes, with the networks of the first seed; at most
    /// [`MOST_MAPS`].
    pub maps: usize,
    /// Threads; 0 for as many as the machine has. Results do not depend on it.
    pub threads: usize,
}

impl Default for AnalysisOptions {
    fn default() -> Self {
        Self { images: 500, seeds: 0, recipes: Vec::new(), maps: 6, threads: 0 }
    }
}

/// How a look ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// Trials whose record is whole.
    pub trials: usize,
    /// Trials left to look at; the same command goes on with them.
    pub left: usize,
    /// Test images looked at.
    pub images: usize,
    /// Finished trials whose weights or predictions are gone: they cannot be looked at.
    pub incomplete: Vec<TrialKey>,
}

/// Why a run cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The data set cannot be opened any more.
    #[error("the run's test images cannot be reached: {0}")]
    Data(#[from] DataError),
    /// A recipe that the run does not have.
    #[error("the run has no recipe \"{name}\"; its recipes are {known}")]
    Recipe {
        /// As asked for.
        name: String,
        /// All of them.
        known: String,
    },
    /// Nothing to look at.
    #[error("{path}: {message}")]
    Nothing {
        /// The run folder.
        path: PathBuf,
        /// What is missing and what to do.
        message: String,
    },
    /// A test image that is not there any more, or is of another class.
    #[error(
        "test image {image} is not in the data set {data} as it was when the networks were tested; put the data set back, then \
         look again"
    )]
    Missing {
        /// Sample id.
        image: String,
        /// Where the data set was looked for.
        data: PathBuf,
    },
    /// A trial was tested on other images than the first one.
    #[error(
        "{recipe} seed {seed} was not tested on the same images as the trials before it, so its predictions are not this run's; remove \
         trials/{recipe}/seed-{seed} and run the study again: it is trained anew, to the same weights"
    )]
    OtherImages {
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
    },
    /// Threads cannot be started.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// An image cannot be read now.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The weights file does not say what is needed.
    #[error("{path}: {message}; only weights that this run trained can be looked at")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is missing.
        message: String,
    },
    /// The images are not those the run was tested on.
    #[error(
        "{recipe} seed {seed} judges {changed} of {images} undamaged test images otherwise than when it was tested: the images or the \
         weights have changed, so nothing can be said of damaged ones. Put back the data set and the trial's weights"
    )]
    Changed {
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
        /// Images judged otherwise.
        changed: usize,
        /// Images looked at so far.
        images: usize,
    },
    /// Images that do not make a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The network or its weights.
    #[error(transparent)]
    Network(#[from] NnError),
    /// The file system refuses.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Undamaged images may be judged otherwise than in the test by one in a hundred: on another kind of machine last bits differ.
const TOLERATED: usize = 100;

/// Records are written no more often than this while a trial is looked at.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Eighths of the image hidden, most of them scattered.
const HIDDEN: std::ops::RangeInclusive<usize> = 1..=7;

/// How an image is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As it is.
    Plain,
    /// Damaged, at a severity of 1 to 5.
    Damaged(Corruption, u8),
    /// With so many of its 64 cells covered.
    Covered(usize),
}

impl Shown {
    /// With so many quarters of it covered.
    #[must_use]
    pub fn quarters_hidden(quarters: usize) -> Self {
        Self::Covered(quarters * CELLS / 4)
    }

    /// All ways, in the order of the record.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let damaged = Corruption::ALL.into_iter().flat_map(|c| SEVERITIES.map(move |s| Self::Damaged(c, s)));
        let covered = HIDDEN.map(|eighths| Self::Covered(eighths * CELLS / 8));
        [Self::Plain].into_iter().chain(damaged).chain(covered).collect()
    }

    /// An image that stands at `place` in the test split, as all networks are shown it.
    fn apply(self, image: &Pixels, place: usize) -> Pixels {
        match self {
            Self::Plain => image.clone(),
            Self::Damaged(corruption, severity) => corruption.apply(image, severity, place as u64),
            Self::Covered(cells) => occluded(image, cells, place as u64),
        }
    }
}

/// `n` of so many, evenly spread; all where there are no more, or `n` is 0.
fn evenly(all: usize, n: usize) -> Vec<usize> {
    if n == 0 || n >= all {
        return (0..all).collect();
    }
    (0..n).map(|k| k * all / n).collect()
}

/// Images shown at a time: as in the test.
fn batch(study: &StudyConfig) -> usize {
    study.train.evaluation_batch().max(1)
}

/// A trial's network, as its weights file describes it.
struct Network {
    model: Model,
    weights: Weights,
    preprocess: Preprocess,
    pipeline: Pipeline,
}

impl Network {
    fn read(trial: &Trial) -> Result<Self, AnalysisError> {
        let path = weights_path(trial);
        let wrong = |message: String| AnalysisError::Weights { path: path.clone(), message };
        let (weights, metadata) = Weights::read(&path).map_err(|error| match error {
            NnError::WeightFile { reason, .. } => wrong(format!(
                "{reason}. Remove {} and run the study again: the trial is trained anew, to the same weights",
                trial.folder.display()
            )),
            other => other.into(),
        })?;
        let absent = |key: &str| wrong(format!("its metadata has no `{key}`"));
        let card = ModelCard::read(&metadata);
        let preprocess = card.preprocess.required("preprocess").map_err(wrong)?;
        let classes = card.classes.required("classes").map_err(wrong)?;
        let image = card.image.required("image").map_err(wrong)?;
        if card.trial.ok_or_else(|| absent("trial"))? != trial.key.id {
            return Err(wrong("it is of another trial".to_owned()));
        }
        let model = Model::by_name(&card.model.ok_or_else(|| absent("model"))?, classes.len(), image)?;
        let pipeline = evaluating(&preprocess, image).map_err(wrong)?;
        Ok(Self { model, weights, preprocess, pipeline })
    }

    fn session(&self, study: &StudyConfig, pool: &ThreadPool) -> Result<Session, NnError> {
        let config = SessionConfig {
            batch: batch(study),
            backend: study.train.backend,
            threads: pool.current_num_threads(),
            train: false,
            trainable: Trainable::All,
        };
        pool.install(|| Session::new(&self.model, &self.weights, config))
    }
}

/// Preprocessing alone.
fn evaluating(preprocess: &Preprocess, image: usize) -> Result<Pipeline, String> {
    let recipe = RecipeConfig { name: "evaluation".to_owned(), transforms: Vec::new(), mix: None };
    Pipeline::new(&recipe, preprocess, image)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

impl MapsRecord {
    /// A test image as the networks are shown it, before normalisation, in 256 levels. `None` where it cannot be read, or
    /// `sample` is another one.
    #[must_use]
    pub fn picture(&self, map: &MapRecord, dataset: &Dataset, sample: usize) -> Option<RgbImage> {
        picture(&self.pixels(map, dataset, sample)?)
    }

    /// [`MapsRecord::picture`] in several of the ways it was shown to them; `place` is the image's in the test split.
    #[must_use]
    pub fn pictures(
        &self,
        map: &MapRecord,
        dataset: &Dataset,
        sample: usize,
        place: usize,
        ways: &[Shown],
    ) -> Option<Vec<RgbImage>> {
        let pixels = self.pixels(map, dataset, sample)?;
        ways.iter().map(|shown| picture(&shown.apply(&pixels, place))).collect()
    }

    fn pixels(&self, map: &MapRecord, dataset: &Dataset, sample: usize) -> Option<Pixels> {
        let pipeline = evaluating(&self.preprocess, self.side).ok()?;
        dataset.samples().get(sample).filter(|listed| listed.id == map.image)?;
        Some(pipeline.eval_image(&*dataset.load(sample).ok()?))
    }
}

fn picture(pixels: &Pixels) -> Option<RgbImage> {
    RgbImage::new(pixels.width(), pixels.height(), pixels.to_bytes())
}

fn weights_path(trial: &Trial) -> PathBuf {
    trial.folder.join("weights.safetensors")
}

/// Finished trials that are asked for, and those of them whose weights or predictions are gone.
fn trials(run: &RunFolder, options: &AnalysisOptions) -> Result<(Vec<Trial>, Vec<TrialKey>), AnalysisError> {
    let plan = run.plan()?;
    if let Some(name) = options.recipes.iter().find(|name| plan.recipes.iter().all(|r| r.name != **name)) {
        let known: Vec<&str> = plan.recipes.iter().map(|r| r.name.as_str()).collect();
        return Err(AnalysisError::Recipe { name: name.clone(), known: known.join(", ") });
    }
    let seeds = if options.seeds == 0 { plan.seeds.len() } else { options.seeds.min(plan.seeds.len()) };
    let (mut found, mut without) = (Vec::new(), Vec::new());
    for key in &plan.trials {
        let wanted = options.recipes.is_empty()
            || key.recipe == plan.baseline
            || options.recipes.contains(&key.recipe);
        if !wanted || !plan.seeds[..seeds].contains(&key.seed) {
            continue;
        }
        let trial = run.trial(key)?;
        if trial.test().is_none() {
            continue;
        }
        if weights_path(&trial).is_file() && trial.folder.join("predictions.parquet").is_file() {
            found.push(trial);
        } else {
            without.push(key.clone());
        }
    }
    if found.is_empty() {
        let message = match without.first() {
            None => "no trial of these recipes and seeds has finished, so there is no network to look at; `bakeoff run` goes on with \
                     the run"
                .to_owned(),
            Some(TrialKey { recipe, seed, .. }) => format!(
                "no finished trial of these recipes and seeds has both its weights and its predictions any more (weights.safetensors, \
                 predictions.parquet). Remove the trials' folders (the first is trials/{recipe}/seed-{seed}) and run the study again: \
                 they are trained anew, to the same weights"
            ),
        };
        return Err(AnalysisError::Nothing { path: run.path().to_owned(), message });
    }
    Ok((found, without))
}

/// Places in the test split of the images whose maps are made: of classes spread evenly, each one's first. No network has a say in it.
fn mapped(test: &[Prediction], wanted: usize) -> Vec<usize> {
    let mut first: BTreeMap<u32, usize> = BTreeMap::new();
    for (place, prediction) in test.iter().enumerate() {
        first.entry(prediction.label).or_insert(place);
    }
    let first: Vec<usize> = first.into_values().collect();
    let classes = if wanted == 0 { Vec::new() } else { evenly(first.len(), wanted.min(MOST_MAPS)) };
    classes.into_iter().map(|class| first[class]).collect()
}

/// The test images looked at.
struct Images {
    /// Place of each in the test split, which addresses what is random.
    places: Vec<usize>,
    /// Place of each in the data set.
    samples: Vec<usize>,
    /// Images of the whole split.
    of: usize,
}

impl Images {
    fn new(test: &[Prediction], dataset: &Dataset, places: Vec<usize>) -> Result<Self, AnalysisError> {
        let known: HashMap<&str, usize> =
            dataset.samples().iter().enumerate().map(|(at, sample)| (sample.id.as_str(), at)).collect();
        let sample = |place: &usize| {
            let Prediction { image, label, .. } = &test[*place];
            let found = known.get(image.as_str()).copied();
            found.filter(|&at| dataset.samples()[at].label == *label as usize).ok_or_else(|| {
                AnalysisError::Missing { image: image.clone(), data: dataset.path().to_owned() }
            })
        };
        let samples = places.iter().map(sample).collect::<Result<_, _>>()?;
        Ok(Self { places, samples, of: test.len() })
    }

    /// Whether a trial was tested on these images, in this order.
    fn are_those_of(&self, test: &[Prediction], dataset: &Dataset) -> bool {
        let same = |(&place, &sample): (&usize, &usize)| {
            let listed = &dataset.samples()[sample];
            test.get(place).is_some_and(|t| t.image == listed.id && t.label as usize == listed.label)
        };
        test.len() == self.of && self.places.iter().zip(&self.samples).all(same)
    }
}

/// Looks at the finished trials of a run and leaves `robustness.json` in each one's folder. `progress` is told how many images were
/// judged, of how many. Raise `stop` to interrupt: what was seen is kept, and the same call goes on.
///
/// # Errors
/// See [`AnalysisError`]; what was seen before is kept.
pub fn analyse(
    run: &RunFolder,
    options: &AnalysisOptions,
    stop: &AtomicBool,
    progress: &dyn Fn(usize, usize),
) -> Result<Analysis, AnalysisError> {
    let study = run.study()?;
    let (trials, incomplete) = trials(run, options)?;
    let pool = pool(options.threads)?;
    let mut dataset = pool.install(|| Dataset::open(&study.source()))?;
    dataset.set_cache(study.data.cache.saturating_mul(1 << 20));
    let mut analysis = Analysis { incomplete, ..Analysis::default() };
    let all = Shown::all().len();
    let mut chosen = None;
    let first_seed = trials.first().map(|trial| trial.key.seed);
    for (number, trial) in trials.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let Some(test) = run.predictions(trial)? else { continue };
        let (images, maps) = match &mut chosen {
            Some(chosen) => chosen,
            none => none.insert((
                Images::new(&test, &dataset, evenly(test.len(), options.images))?,
                Images::new(&test, &dataset, mapped(&test, options.maps))?,
            )),
        };
        if ![&*images, &*maps].iter().all(|images| images.are_those_of(&test, &dataset)) {
            let TrialKey { recipe, seed, .. } = trial.key.clone();
            return Err(AnalysisError::OtherImages { recipe, seed });
        }
        analysis.images = images.places.len();
        let network = Network::read(trial)?;
        let told = |judged: usize| {
            let each = images.places.len() * all;
            progress(number * each + judged, trials.len() * each);
        };
        let sitting =
            Sitting { trial, network: &network, test: &test, images, dataset: &dataset, pool: &pool };
        if first_seed == Some(trial.key.seed) && !maps.places.is_empty() {
            sitting.map(run, maps, &study)?;
        }
        if sitting.run(run, &study, stop, &told)? {
            analysis.trials += 1;
        }
    }
    analysis.left = trials.len() - analysis.trials;
    Ok(analysis)
}

/// One trial while it is looked at.
struct Sitting<'a> {
    trial: &'a Trial,
    network: &'a Network,
    test: &'a [Prediction],
    images: &'a Images,
    dataset: &'a Dataset,
    /// Prepares images.
    pool: &'a ThreadPool,
}

impl Sitting<'_> {
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
        for shown in Shown::all() {
            let right = Right::default();
            match shown {
                Shown::Plain => {}
                Shown::Damaged(corruption, severity) => {
                    record.corruptions.push(CorruptionRecord { corruption, severity, right });
                }
                Shown::Covered(cells) => {
                    record.occlusion.push(OcclusionRecord { hidden: cells as f64 / CELLS as f64, right });
                }
            }
        }
        // One that was written by hand, or by a version that shows images in other ways, is begun anew.
        Ok(found.filter(|found| found.is_like(&record) && found.is_even()).unwrap_or(record))
    }

    /// Whether the record is whole in the end.
    fn run(
        &self,
        run: &RunFolder,
        study: &StudyConfig,
        stop: &AtomicBool,
        progress: &dyn Fn(usize),
    ) -> Result<bool, AnalysisError> {
        let mut record = self.record(run)?;
        let (all, size) = (Shown::all(), batch(study));
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
    fn map(&self, run: &RunFolder, images: &Images, study: &StudyConfig) -> Result<(), AnalysisError> {
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

    /// Whether each of some images is judged rightly, by how they are shown; `None` where it was stopped.
    fn judge(
        &self,
        session: &mut Session,
        all: &[Shown],
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
        let make = |shown: &Shown| -> Result<NetworkInput, BatchError> {
            let changed = plain.par_iter().zip(places).map(|(image, &place)| shown.apply(image, place));
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

#[cfg(test)]
mod tests;

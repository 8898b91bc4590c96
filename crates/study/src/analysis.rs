//! After the last test: how the trained networks do on damaged and on partly hidden test images, and where in an image they find
//! its class.
//!
//! It looks at finished trials and chooses nothing: no verdict depends on it, and no result of a trial is touched. What is random is
//! a function of the damage and the image's place in the test split, so all networks are shown the same pixels. The record of a trial
//! stands in its folder and grows batch by batch; looking again goes on where it was.

mod condition;
mod error;
mod network;
mod one_trial;
mod pictures;
mod test_images;

use std::sync::atomic::{AtomicBool, Ordering};

use bakeoff_data::Dataset;

use crate::folder::{RunFolder, Trial};
use crate::records::TrialKey;
use crate::threads::pool;
pub use condition::ImageCondition;
pub use error::AnalysisError;
use network::{Network, weights_path};
use one_trial::TrialAnalysis;
pub use test_images::MOST_MAPS;
use test_images::{TestImages, evenly, mapped};

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
    let conditions = ImageCondition::all().len();
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
                TestImages::new(&test, &dataset, evenly(test.len(), options.images))?,
                TestImages::new(&test, &dataset, mapped(&test, options.maps))?,
            )),
        };
        if ![&*images, &*maps].iter().all(|images| images.are_those_of(&test, &dataset)) {
            let TrialKey { recipe, seed, .. } = trial.key.clone();
            return Err(AnalysisError::OtherImages { recipe, seed });
        }
        analysis.images = images.places.len();
        let network = Network::read(trial)?;
        let told = |judged: usize| {
            let each = images.places.len() * conditions;
            progress(number * each + judged, trials.len() * each);
        };
        let analysis_of_trial =
            TrialAnalysis { trial, network: &network, test: &test, images, dataset: &dataset, pool: &pool };
        if first_seed == Some(trial.key.seed) && !maps.places.is_empty() {
            analysis_of_trial.map(run, maps, &study)?;
        }
        if analysis_of_trial.run(run, &study, stop, &told)? {
            analysis.trials += 1;
        }
    }
    analysis.left = trials.len() - analysis.trials;
    Ok(analysis)
}

#[cfg(test)]
mod tests;

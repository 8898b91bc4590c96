//! How far a run is, read from its folder: cheap enough to be read every second.

use bakeoff_study::records::{EpochRecord, RunStatus, TrialStatus};
use bakeoff_study::{FolderError, RunFolder};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Bytes of the log that are looked at.
const LOG_TAIL: u64 = 4096;

/// Where a trial stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrialState {
    /// Not begun.
    Planned,
    /// Begun, not finished.
    Running,
    /// Finished, with its test top-1, a fraction.
    Finished(f64),
    /// Failed; the others go on.
    Failed,
}

/// One trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialProgress {
    /// Recipe.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Where it stands.
    pub state: TrialState,
    /// Its finished epochs.
    pub epochs: Vec<EpochRecord>,
}

impl TrialProgress {
    fn is_over(&self) -> bool {
        matches!(self.state, TrialState::Finished(_) | TrialState::Failed)
    }
}

/// A run, as far as it got.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Study name.
    pub study: String,
    /// Baseline recipe.
    pub baseline: String,
    /// Recipes in study order.
    pub recipes: Vec<String>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Epochs of each trial.
    pub epochs: u32,
    /// Trials in running order.
    pub trials: Vec<TrialProgress>,
    /// Last lines of the log, oldest first.
    pub log: Vec<String>,
    /// The run has ended, for now. Where an earlier version left no word of it: all trials are over.
    pub ended: bool,
}

impl Progress {
    /// Reads a run folder. A trial whose record is damaged counts as failed.
    ///
    /// # Errors
    /// The plan is missing or damaged.
    pub fn read(run: &RunFolder) -> Result<Self, FolderError> {
        let plan = run.plan()?;
        let trials = plan.trials.iter().map(|key| {
            let (state, epochs) = match run.trial(key) {
                Err(_) => (TrialState::Failed, Vec::new()),
                Ok(trial) => {
                    let state = match trial.record.as_ref().map(|record| &record.status) {
                        None => TrialState::Planned,
                        Some(TrialStatus::Running) => TrialState::Running,
                        Some(TrialStatus::Finished { test, .. }) => TrialState::Finished(test.top1),
                        Some(TrialStatus::Failed { .. }) => TrialState::Failed,
                    };
                    (state, trial.metrics)
                }
            };
            TrialProgress { recipe: key.recipe.clone(), seed: key.seed, state, epochs }
        });
        let log = tail(&run.path().join("log.txt"));
        let trials: Vec<TrialProgress> = trials.collect();
        let ended = match run.state() {
            Ok(Some(state)) => state.status != RunStatus::Running,
            Ok(None) | Err(_) => trials.iter().all(TrialProgress::is_over),
        };
        Ok(Self {
            trials,
            study: plan.study,
            baseline: plan.baseline,
            recipes: plan.recipes.into_iter().map(|r| r.name).collect(),
            seeds: plan.seeds,
            epochs: plan.epochs,
            ended,
            log,
        })
    }

    /// Trials that are over: finished or failed.
    #[must_use]
    pub fn over(&self) -> usize {
        self.trials.iter().filter(|trial| trial.is_over()).count()
    }

    /// Share of all epochs that are done, in [0, 1]; failed trials count as done.
    #[must_use]
    pub fn share(&self) -> f64 {
        let all = self.trials.len() as f64 * f64::from(self.epochs);
        let left = self.trials.iter().map(|t| f64::from(self.epochs_left(t))).sum::<f64>();
        if all > 0.0 { 1.0 - left / all } else { 0.0 }
    }

    fn epochs_left(&self, trial: &TrialProgress) -> u32 {
        match trial.state {
            TrialState::Finished(_) | TrialState::Failed => 0,
            _ => self.epochs.saturating_sub(trial.epochs.len() as u32),
        }
    }

    /// Images per second of all trials under way together, by their last epochs; `None` where none has one.
    #[must_use]
    pub fn images_per_second(&self) -> Option<f64> {
        let rates = self.trials.iter().filter(|t| t.state == TrialState::Running);
        let rates: Vec<f64> = rates.filter_map(|t| Some(t.epochs.last()?.images_per_second)).collect();
        (!rates.is_empty()).then(|| rates.iter().sum())
    }

    /// Time left, if epochs go on as they went: a recipe's own mean where it has one, that of all elsewhere, side by side as
    /// trials are now. `None` before the first epoch and after the last.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let mean = |recipe: Option<&str>| {
            let seconds = self.trials.iter().filter(|t| recipe.is_none_or(|r| t.recipe == r));
            let seconds: Vec<f64> = seconds.flat_map(|t| t.epochs.iter().map(|e| e.seconds)).collect();
            bakeoff_stats::mean(&seconds).filter(|s| s.is_finite())
        };
        let all = mean(None)?;
        let left: f64 = self
            .recipes
            .iter()
            .map(|recipe| {
                let epochs = self
                    .trials
                    .iter()
                    .filter(|t| &t.recipe == recipe)
                    .map(|t| f64::from(self.epochs_left(t)));
                epochs.sum::<f64>() * mean(Some(recipe)).unwrap_or(all)
            })
            .sum();
        let beside = self.trials.iter().filter(|t| t.state == TrialState::Running).count().max(1);
        (left > 0.0).then(|| Duration::from_secs_f64((left / beside as f64).min(1e9)))
    }

    /// Per recipe: epoch and mean over seeds of `value`, for the epochs that any trial has.
    #[must_use]
    pub fn curve(&self, recipe: &str, value: fn(&EpochRecord) -> f64) -> Vec<(f64, f64)> {
        let trials: Vec<_> =
            self.trials.iter().filter(|t| t.recipe == recipe && t.state != TrialState::Failed).collect();
        (1..=self.epochs)
            .filter_map(|epoch| {
                let values =
                    trials.iter().filter_map(|t| t.epochs.iter().find(|e| e.epoch == epoch).map(value));
                let values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
                Some((f64::from(epoch), bakeoff_stats::mean(&values)?))
            })
            .collect()
    }
}

/// Changes whenever a file that the page is made from does: made of their sizes and times, so that nothing is read.
#[must_use]
pub(crate) fn version(run: &RunFolder) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut look = |path: &Path| {
        let meta = fs::metadata(path).ok().map(|m| (m.len(), m.modified().unwrap_or(SystemTime::UNIX_EPOCH)));
        meta.hash(&mut hasher);
    };
    for name in ["plan.json", "study.json", "data.json", "environment.json"] {
        look(&run.path().join(name));
    }
    if let Ok(plan) = run.plan() {
        for key in &plan.trials {
            let folder = run.trial_folder(&key.recipe, key.seed);
            ["trial.json", "metrics.jsonl"].iter().for_each(|name| look(&folder.join(name)));
        }
        for recipe in &plan.recipes {
            look(&run.preview_folder(&recipe.name).join("preview.json"));
        }
    }
    hasher.finish()
}

fn tail(path: &Path) -> Vec<String> {
    let read = || {
        let mut file = bakeoff_files::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
        // It grows meanwhile.
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>((bytes, length > LOG_TAIL))
    };
    let Ok((bytes, cut)) = read() else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    // The first line was cut in two.
    text.lines().skip(usize::from(cut)).map(str::to_owned).collect()
}

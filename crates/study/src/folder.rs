//! A run folder on disk: where everything stands, and a typed reader that is content with a half-done run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bakeoff_files::{WriteError, at};
use serde::de::DeserializeOwned;

use crate::config::{MOST_TRIALS, StudyConfig};
use crate::expansion;
use crate::folder_error::FolderError;
use crate::predictions::{self, Prediction};
use crate::records::{
    DataRecord, Environment, EpochRecord, MapsRecord, PlanRecord, PreviewRecord, RobustnessRecord, RunState,
    TestSplit, TrialKey, TrialRecord, TrialStatus, ValidationSplit,
};

/// What makes a damaged file of a run again.
pub(crate) const RUN_AGAIN: &str = "run the study again with the same --out: it is made again";
/// What makes a damaged record of a look again.
const ANALYSE_AGAIN: &str = "`bakeoff analyse` makes it again";

/// Bytes of a record at most: the ids of half a million images.
const MOST_BYTES: u64 = 32 << 20;
/// Bytes of a trial's predictions at most: some two million images.
const MOST_PREDICTIONS: u64 = 256 << 20;

/// Everything a study leaves on disk; see [`crate::records`] for the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// One trial of the plan, as far as it got.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Recipe, seed and content address, from the plan.
    pub key: TrialKey,
    /// Its folder, which may not exist yet.
    pub folder: PathBuf,
    /// `None`: not begun, or what stands in the folder belongs to another plan.
    pub record: Option<TrialRecord>,
    /// One per finished epoch, in order; none where they are damaged.
    pub metrics: Vec<EpochRecord>,
    /// What shows that a finished trial's epochs are not those it wrote.
    pub damage: Option<String>,
}

impl Trial {
    /// The test result, where the trial is finished.
    #[must_use]
    pub fn test(&self) -> Option<&crate::records::TestRecord> {
        match &self.record.as_ref()?.status {
            TrialStatus::Finished { test, .. } => Some(test),
            TrialStatus::Running | TrialStatus::Failed { .. } => None,
        }
    }
}

/// A recipe's preview: its record and the folder its pictures stand in.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// What is shown.
    pub record: PreviewRecord,
    /// The folder of the PNG files the record names.
    pub folder: PathBuf,
}

impl RunFolder {
    /// Opens a run folder that exists, half-done or finished.
    ///
    /// # Errors
    /// There is no such folder, or it holds no run.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let folder = Self { path: path.into() };
        // What may not be looked at is not said to be missing.
        let look = |path: &Path| match fs::metadata(path) {
            Ok(found) => Ok(Some(found)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(source) => Err(FolderError::Io { path: path.to_owned(), source }),
        };
        let message = match look(&folder.path)? {
            None => "no such folder; give the folder that `bakeoff run` wrote (its --out)",
            Some(found) if !found.is_dir() => {
                "not a folder; give the folder that `bakeoff run` wrote (its --out)"
            }
            Some(_) if !look(&folder.plan_path())?.is_some_and(|plan| plan.is_file()) => {
                "holds no plan.json, so no run was begun here; give the folder that `bakeoff run` wrote (its --out)"
            }
            Some(_) => return Ok(folder),
        };
        Err(FolderError::NoRun { path: folder.path, message: message.into() })
    }

    /// A folder that a run will be written to; it need not exist.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where packs of decoded images stand, for this run and those beside it.
    #[must_use]
    pub fn packs(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join("packs")
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn plan_path(&self) -> PathBuf {
        self.path.join("plan.json")
    }

    pub(crate) fn study_path(&self) -> PathBuf {
        self.path.join("study.json")
    }

    pub(crate) fn data_path(&self) -> PathBuf {
        self.path.join("data.json")
    }

    pub(crate) fn environment_path(&self) -> PathBuf {
        self.path.join("environment.json")
    }

    pub(crate) fn splits_folder(&self) -> PathBuf {
        self.path.join("splits")
    }

    pub(crate) fn test_split_path(&self) -> PathBuf {
        self.splits_folder().join("test.json")
    }

    pub(crate) fn validation_split_path(&self, seed: u64) -> PathBuf {
        self.splits_folder().join(format!("seed-{seed}.json"))
    }

    /// Which images are for the test; `None` where the run did not get that far, or is of a version that did not tell.
    ///
    /// # Errors
    /// test.json is damaged.
    pub fn test_split(&self) -> Result<Option<TestSplit>, FolderError> {
        read_json_if_there(&self.test_split_path())
    }

    /// Which images are for validation under a seed; `None` likewise.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn validation_split(&self, seed: u64) -> Result<Option<ValidationSplit>, FolderError> {
        let path = self.validation_split_path(seed);
        let split: Option<ValidationSplit> = read_json_if_there(&path)?;
        if_in_place(split, &path, RUN_AGAIN, |split| {
            (split.seed == seed).then_some(()).ok_or(format!("of seed {}", split.seed))
        })
    }

    /// Where a trial stands.
    #[must_use]
    pub fn trial_folder(&self, recipe: &str, seed: u64) -> PathBuf {
        self.path.join("trials").join(recipe).join(format!("seed-{seed}"))
    }

    /// Where a recipe's pictures stand.
    #[must_use]
    pub fn preview_folder(&self, recipe: &str) -> PathBuf {
        self.path.join("preview").join(recipe)
    }

    /// The resolved study, every default written out.
    ///
    /// # Errors
    /// study.json is missing or damaged.
    pub fn study(&self) -> Result<StudyConfig, FolderError> {
        read_json(&self.study_path())
    }

    /// What was to run.
    ///
    /// # Errors
    /// plan.json is missing or damaged.
    pub fn plan(&self) -> Result<PlanRecord, FolderError> {
        self.bounded(read_json(&self.plan_path())?)
    }

    /// The plan, unless it is larger than any study can be.
    fn bounded(&self, plan: PlanRecord) -> Result<PlanRecord, FolderError> {
        let (recipes, trials) = (plan.recipes.len(), plan.trials.len());
        if recipes > expansion::MOST || trials > MOST_TRIALS {
            let message = format!("{recipes} recipes and {trials} trials are more than any study has");
            return Err(FolderError::Malformed { path: self.plan_path(), message });
        }
        Ok(plan)
    }

    /// What was to run, as far as it can be told from a plan that was changed after it was written, and what shows the change.
    /// Numbers of it are not to be believed where another file declares them.
    ///
    /// # Errors
    /// plan.json is missing, or no plan any more.
    pub fn plan_as_it_stands(&self) -> Result<(PlanRecord, Option<FolderError>), FolderError> {
        let damage = match self.plan() {
            Ok(plan) => return Ok((plan, None)),
            Err(damage @ FolderError::Damaged { .. }) => damage,
            Err(error) => return Err(error),
        };
        // Under its broken seal it may still be a plan.
        let text = bakeoff_files::read_text(&self.plan_path(), MOST_BYTES).unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(plan) => Ok((self.bounded(plan)?, Some(damage))),
            Err(_) => Err(damage),
        }
    }

    /// What the data set held; `None` where the run did not get that far.
    ///
    /// # Errors
    /// data.json is damaged.
    pub fn data(&self) -> Result<Option<DataRecord>, FolderError> {
        read_json_if_there(&self.data_path())
    }

    /// The machine and the program; `None` where the run did not get that far.
    ///
    /// # Errors
    /// environment.json is damaged.
    pub fn environment(&self) -> Result<Option<Environment>, FolderError> {
        read_json_if_there(&self.environment_path())
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        self.path.join("state.json")
    }

    /// Whether the run goes on; `None` in a folder that an earlier version wrote.
    ///
    /// # Errors
    /// state.json is damaged.
    pub fn state(&self) -> Result<Option<RunState>, FolderError> {
        read_json_if_there(&self.state_path())
    }

    /// All trials of the plan in running order, as far as they got.
    ///
    /// # Errors
    /// A trial's record is damaged. A last line of metrics that was cut off is no damage.
    pub fn trials(&self) -> Result<Vec<Trial>, FolderError> {
        self.plan()?.trials.iter().map(|key| self.trial(key)).collect()
    }

    /// One trial of the plan, as far as it got.
    ///
    /// # Errors
    /// As [`RunFolder::trials`].
    pub fn trial(&self, key: &TrialKey) -> Result<Trial, FolderError> {
        let folder = self.trial_folder(&key.recipe, key.seed);
        let record = self.trial_record(key)?.filter(|record| record.id == key.id);
        let path = folder.join("metrics.jsonl");
        let metrics = match record.as_ref().map(|record| &record.status) {
            None => Ok(Vec::new()),
            Some(TrialStatus::Finished { metrics_sha256, .. }) => {
                finished_metrics(&path, metrics_sha256.as_deref(), &key.id)
            }
            Some(TrialStatus::Running | TrialStatus::Failed { .. }) => read_metrics(&path, &key.id),
        };
        let (metrics, damage) = match metrics {
            Ok(metrics) => (metrics, None),
            Err(damage) => (Vec::new(), Some(damage)),
        };
        Ok(Trial { key: key.clone(), folder, record, metrics, damage })
    }

    /// What stands in a trial's folder, of this plan or another.
    pub(crate) fn trial_record(&self, key: &TrialKey) -> Result<Option<TrialRecord>, FolderError> {
        let path = self.trial_folder(&key.recipe, key.seed).join("trial.json");
        let record: Option<TrialRecord> = read_json_if_there(&path)?;
        if_in_place(record, &path, RUN_AGAIN, |record| {
            // Of this recipe and seed with other settings is another plan's trial, and no damage.
            let same = (&record.recipe, record.seed) == (&key.recipe, key.seed);
            if same { Ok(()) } else { is_of_trial(key, &record.recipe, record.seed, &record.id) }
        })
    }

    /// The prediction of every test image of a finished trial, in the data set's order; `None` where there is none yet.
    ///
    /// # Errors
    /// predictions.parquet is damaged, or gone though the trial says that it wrote it.
    pub fn predictions(&self, trial: &Trial) -> Result<Option<Vec<Prediction>>, FolderError> {
        let Some(bytes) = self.prediction_bytes(trial)? else { return Ok(None) };
        predictions::read(bytes, &predictions_path(trial)).map(Some)
    }

    /// The bytes of predictions.parquet, held against the checksum that the trial wrote; `None` likewise.
    pub(crate) fn prediction_bytes(&self, trial: &Trial) -> Result<Option<Vec<u8>>, FolderError> {
        let Some(TrialStatus::Finished { predictions_sha256, .. }) =
            trial.record.as_ref().map(|record| &record.status)
        else {
            return Ok(None);
        };
        let path = predictions_path(trial);
        let damaged =
            |message: String| FolderError::Damaged { path: path.clone(), message, remedy: RUN_AGAIN };
        let bytes = match bakeoff_files::read(&path, MOST_PREDICTIONS) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && predictions_sha256.is_none() => {
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damaged("it is gone".to_owned()));
            }
            Err(source) => return Err(FolderError::Io { path, source }),
        };
        if predictions_sha256.as_ref().is_some_and(|told| bakeoff_files::sha256(&bytes) != *told) {
            return Err(damaged("it is not as the trial wrote it (its SHA-256 differs)".to_owned()));
        }
        Ok(Some(bytes))
    }

    pub(crate) fn robustness_path(&self, key: &TrialKey) -> PathBuf {
        self.trial_folder(&key.recipe, key.seed).join("robustness.json")
    }

    /// What a finished trial's network made of damaged test images; `None` where nobody looked. It need not be whole.
    ///
    /// # Errors
    /// robustness.json is damaged.
    pub fn robustness(&self, trial: &Trial) -> Result<Option<RobustnessRecord>, FolderError> {
        if trial.test().is_none() {
            return Ok(None);
        }
        let path = self.robustness_path(&trial.key);
        let record: Option<RobustnessRecord> = read_looked(&path)?;
        if_in_place(record, &path, ANALYSE_AGAIN, |r| is_of_trial(&trial.key, &r.recipe, r.seed, &r.id))
    }

    pub(crate) fn maps_path(&self, key: &TrialKey) -> PathBuf {
        self.trial_folder(&key.recipe, key.seed).join("maps.json")
    }

    /// The class activation maps of a finished trial's network; `None` where there are none.
    ///
    /// # Errors
    /// maps.json is damaged.
    pub fn maps(&self, trial: &Trial) -> Result<Option<MapsRecord>, FolderError> {
        if trial.test().is_none() {
            return Ok(None);
        }
        let path = self.maps_path(&trial.key);
        let record: Option<MapsRecord> = read_looked(&path)?;
        if_in_place(record, &path, ANALYSE_AGAIN, |r| is_of_trial(&trial.key, &r.recipe, r.seed, &r.id))
    }

    /// The previews of the plan's recipes, in study order, as far as they were made.
    ///
    /// # Errors
    /// A record is damaged.
    pub fn previews(&self) -> Result<Vec<Preview>, FolderError> {
        let mut previews = Vec::new();
        for recipe in self.plan()?.recipes {
            previews.extend(self.preview(&recipe.name)?);
        }
        Ok(previews)
    }

    /// The preview of one recipe, where it was made.
    pub(crate) fn preview(&self, recipe: &str) -> Result<Option<Preview>, FolderError> {
        let folder = self.preview_folder(recipe);
        let path = folder.join("preview.json");
        let record: Option<PreviewRecord> = read_json_if_there(&path)?;
        let record = if_in_place(record, &path, RUN_AGAIN, |record| {
            (record.recipe == recipe).then_some(()).ok_or(format!("of recipe {}", record.recipe))
        })?;
        Ok(record.map(|record| Preview { record, folder }))
    }
}

fn predictions_path(trial: &Trial) -> PathBuf {
    trial.folder.join("predictions.parquet")
}

/// A record that is there must be of what it stands with: files change places when folders are copied by hand.
fn if_in_place<T>(
    record: Option<T>,
    path: &Path,
    remedy: &'static str,
    is_in_place: impl Fn(&T) -> Result<(), String>,
) -> Result<Option<T>, FolderError> {
    match record.as_ref().map_or(Ok(()), is_in_place) {
        Ok(()) => Ok(record),
        Err(owner) => {
            let message = format!("it is {owner}, and stands in another's place");
            Err(FolderError::Damaged { path: path.to_owned(), message, remedy })
        }
    }
}

/// Whether a record is of this trial. The address decides: a recipe that was renamed, and its folder with it, is the same trial.
fn is_of_trial(key: &TrialKey, recipe: &str, seed: u64, id: &str) -> Result<(), String> {
    if id == key.id {
        Ok(())
    } else if recipe != key.recipe || seed != key.seed {
        Err(format!("of {recipe} seed {seed}"))
    } else {
        Err("of a trial with other settings".to_owned())
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    read_record(path, RUN_AGAIN)
}

/// A sealed record, or one of before there were seals.
fn read_record<T: DeserializeOwned>(path: &Path, remedy: &'static str) -> Result<T, FolderError> {
    let damaged = |message: String| FolderError::Damaged { path: path.to_owned(), message, remedy };
    let text = match bakeoff_files::read_text(path, MOST_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(damaged(error.to_string())),
        Err(source) => return Err(FolderError::Io { path: path.to_owned(), source }),
    };
    let body = bakeoff_files::unsealed(text).map_err(|error| damaged(error.to_string()))?;
    serde_json::from_str(&body).map_err(|error| {
        if error.is_data() {
            FolderError::Malformed { path: path.to_owned(), message: error.to_string() }
        } else {
            damaged(error.to_string())
        }
    })
}

/// Removes a folder, if it is there, with all that is in it.
pub(crate) fn remove_folder(path: &Path) -> Result<(), WriteError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

pub(crate) fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    if_there(read_json(path))
}

fn read_looked<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    if_there(read_record(path, ANALYSE_AGAIN))
}

fn if_there<T>(read: Result<T, FolderError>) -> Result<Option<T>, FolderError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(FolderError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a damaged file told is not known; whoever asks writes it anew.
pub(crate) fn if_whole<T>(read: Result<Option<T>, FolderError>) -> Result<Option<T>, FolderError> {
    match read {
        Err(FolderError::Damaged { .. }) => Ok(None),
        other => other,
    }
}

/// The epochs of a finished trial, or what is wrong with their file.
fn finished_metrics(path: &Path, sha256: Option<&str>, trial: &str) -> Result<Vec<EpochRecord>, String> {
    if let Some(sha256) = sha256 {
        match bakeoff_files::sha256_of_file(path, MOST_BYTES) {
            Ok(found) if found == sha256 => {}
            Ok(_) => return Err("metrics.jsonl is not as the trial wrote it (its SHA-256 differs)".into()),
            Err(error) => return Err(format!("metrics.jsonl cannot be read ({error})")),
        }
    }
    let metrics = read_metrics(path, trial)?;
    if metrics.is_empty() { Err("metrics.jsonl holds no epochs".into()) } else { Ok(metrics) }
}

/// Epoch records of the trial of that address, or what is wrong with them; a last line without its newline was cut off by a crash and is
/// not counted.
pub(crate) fn read_metrics(path: &Path, trial: &str) -> Result<Vec<EpochRecord>, String> {
    let text = match bakeoff_files::read_text(path, MOST_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("metrics.jsonl cannot be read ({error})")),
    };
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    let line = |(line, number): (&str, u32)| {
        let record: EpochRecord = epoch_of_line(line, trial)
            .map_err(|message| format!("line {number} of metrics.jsonl is damaged: {message}"))?;
        if record.epoch != number {
            return Err(format!("line {number} of metrics.jsonl is epoch {}, not {number}", record.epoch));
        }
        Ok(record)
    };
    whole.lines().zip(1..).map(line).collect()
}

/// What a line's checksum begins with: the first digits of the SHA-256 of the trial's address and the line as it is without. So a line of
/// another trial is found, too.
const CHECK: &str = ",\"check\":\"";
/// Digits of it.
const CHECK_DIGITS: usize = 16;

/// A line of metrics.jsonl of the trial of that address, with its checksum and without its newline.
pub(crate) fn line_of_epoch(record: &EpochRecord, trial: &str) -> serde_json::Result<String> {
    let line = serde_json::to_string(record)?;
    let open = line.strip_suffix('}').unwrap_or(&line);
    let digest = line_digest(&line, trial);
    Ok(format!("{open}{CHECK}{}\"}}", &digest[..CHECK_DIGITS]))
}

fn line_digest(line: &str, trial: &str) -> String {
    bakeoff_files::sha256(format!("{trial}\n{line}"))
}

/// Reads what [`line_of_epoch`] wrote, now or before checksums were of the trial too, and lines of before there were checksums.
pub(crate) fn epoch_of_line(line: &str, trial: &str) -> Result<EpochRecord, String> {
    let checked = line.strip_suffix("\"}").and_then(|rest| {
        let (head, digits) = rest.split_at_checked(rest.len().checked_sub(CHECK_DIGITS)?)?;
        Some((format!("{}}}", head.strip_suffix(CHECK)?), digits))
    });
    if let Some((plain, digits)) = checked {
        // At first it was of the line alone.
        let is_whole = line_digest(&plain, trial).starts_with(digits)
            || bakeoff_files::sha256(&plain).starts_with(digits);
        if !is_whole {
            return Err("its checksum differs".to_owned());
        }
        return serde_json::from_str(&plain).map_err(|error| error.to_string());
    }
    serde_json::from_str(line).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;

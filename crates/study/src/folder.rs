//! A run folder on disk: where everything stands, and a typed reader that is content with a half-done run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::config::StudyConfig;
use crate::predictions::{self, Prediction};
use crate::records::{
    DataRecord, Environment, EpochRecord, MapsRecord, PlanRecord, PreviewRecord, RobustnessRecord, TestSplit,
    TrialKey, TrialRecord, TrialStatus, ValidationSplit,
};
use bakeoff_files::sha256_of_file;

/// A run folder, or something in it, that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No run folder.
    #[error("{path}: {message}")]
    NoRun {
        /// The folder asked for.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// The operating system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file whose content is not what it should be.
    #[error("{path}: {message}; the file is damaged or of another version of Bakeoff")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

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
        read_json_if_there(&self.validation_split_path(seed))
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
        read_json(&self.plan_path())
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

    /// All trials of the plan in running order, as far as they got.
    ///
    /// # Errors
    /// A record is damaged. A last line of metrics that was cut off is no damage.
    pub fn trials(&self) -> Result<Vec<Trial>, FolderError> {
        self.plan()?.trials.iter().map(|key| self.trial(key)).collect()
    }

    /// One trial of the plan, as far as it got.
    ///
    /// # Errors
    /// As [`RunFolder::trials`].
    pub fn trial(&self, key: &TrialKey) -> Result<Trial, FolderError> {
        let folder = self.trial_folder(&key.recipe, key.seed);
        let record: Option<TrialRecord> = read_json_if_there(&folder.join("trial.json"))?;
        let record = record.filter(|record| record.id == key.id);
        let path = folder.join("metrics.jsonl");
        let status = record.as_ref().map(|record| &record.status);
        let (metrics, damage) = match status {
            None => (Vec::new(), None),
            Some(TrialStatus::Finished { metrics_sha256, .. }) => {
                match finished_metrics(&path, metrics_sha256.as_deref()) {
                    Ok(metrics) => (metrics, None),
                    Err(damage) => (Vec::new(), Some(damage)),
                }
            }
            Some(TrialStatus::Running | TrialStatus::Failed { .. }) => (read_metrics(&path)?, None),
        };
        Ok(Trial { key: key.clone(), folder, record, metrics, damage })
    }

    /// The prediction of every test image of a finished trial, in the data set's order; `None` where there is none yet.
    ///
    /// # Errors
    /// predictions.parquet is damaged.
    pub fn predictions(&self, trial: &Trial) -> Result<Option<Vec<Prediction>>, FolderError> {
        let path = trial.folder.join("predictions.parquet");
        if trial.test().is_none() || !path.is_file() {
            return Ok(None);
        }
        predictions::read(&path).map(Some)
    }

    pub(crate) fn robustness_path(&self, key: &TrialKey) -> PathBuf {
        self.trial_folder(&key.recipe, key.seed).join("robustness.json")
    }

    /// What a finished trial's network made of damaged test images; `None` where nobody looked. It need not be whole.
    ///
    /// # Errors
    /// robustness.json is damaged.
    pub fn robustness(&self, trial: &Trial) -> Result<Option<RobustnessRecord>, FolderError> {
        let record: Option<RobustnessRecord> = read_json_if_there(&self.robustness_path(&trial.key))?;
        Ok(record.filter(|record| trial.test().is_some() && record.id == trial.key.id))
    }

    pub(crate) fn maps_path(&self, key: &TrialKey) -> PathBuf {
        self.trial_folder(&key.recipe, key.seed).join("maps.json")
    }

    /// The class activation maps of a finished trial's network; `None` where there are none.
    ///
    /// # Errors
    /// maps.json is damaged.
    pub fn maps(&self, trial: &Trial) -> Result<Option<MapsRecord>, FolderError> {
        let record: Option<MapsRecord> = read_json_if_there(&self.maps_path(&trial.key))?;
        Ok(record.filter(|record| trial.test().is_some() && record.id == trial.key.id))
    }

    /// The previews of the plan's recipes, in study order, as far as they were made.
    ///
    /// # Errors
    /// A record is damaged.
    pub fn previews(&self) -> Result<Vec<Preview>, FolderError> {
        let mut previews = Vec::new();
        for recipe in self.plan()?.recipes {
            let folder = self.preview_folder(&recipe.name);
            if let Some(record) = read_json_if_there(&folder.join("preview.json"))? {
                previews.push(Preview { record, folder });
            }
        }
        Ok(previews)
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    let text =
        fs::read_to_string(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
    serde_json::from_str(&text)
        .map_err(|error| FolderError::Malformed { path: path.to_owned(), message: error.to_string() })
}

pub(crate) fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    match read_json(path) {
        Ok(value) => Ok(Some(value)),
        Err(FolderError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The epochs of a finished trial, or what is wrong with their file.
fn finished_metrics(path: &Path, sha256: Option<&str>) -> Result<Vec<EpochRecord>, String> {
    if let Some(sha256) = sha256 {
        match sha256_of_file(path) {
            Ok(found) if found == sha256 => {}
            Ok(_) => return Err("metrics.jsonl is not as the trial wrote it (its SHA-256 differs)".into()),
            Err(error) => return Err(format!("metrics.jsonl cannot be read ({error})")),
        }
    }
    let metrics = read_metrics(path).map_err(|error| error.to_string())?;
    if metrics.is_empty() {
        return Err("metrics.jsonl holds no epochs".into());
    }
    match metrics.iter().zip(1..).find(|(record, number)| record.epoch != *number) {
        None => Ok(metrics),
        Some((record, number)) => {
            Err(format!("line {number} of metrics.jsonl is epoch {}, not {number}", record.epoch))
        }
    }
}

/// Epoch records; a last line without its newline was cut off by a crash and is not counted.
pub(crate) fn read_metrics(path: &Path) -> Result<Vec<EpochRecord>, FolderError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FolderError::Io { path: path.to_owned(), source }),
    };
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    let mut records = Vec::new();
    for (number, line) in whole.lines().enumerate() {
        let record = serde_json::from_str(line).map_err(|error| FolderError::Malformed {
            path: path.to_owned(),
            message: format!("line {}: {error}", number + 1),
        })?;
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_run_is_named_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &Path| RunFolder::open(path).unwrap_err().to_string();
        assert!(message(folder.path()).contains("holds no plan.json"));
        assert!(message(&folder.path().join("x")).contains("no such folder"));
        fs::write(folder.path().join("f"), "").unwrap();
        assert!(message(&folder.path().join("f")).contains("not a folder"));
        // A name too long for the system is an error of the system, as a folder that may not be entered is.
        let long = "x".repeat(5000);
        assert!(message(&folder.path().join(long)).starts_with("cannot read"));
    }

    #[test]
    fn a_metrics_line_cut_off_by_a_crash_is_not_counted_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        assert_eq!(read_metrics(&path).unwrap(), []);
        let line = r#"{"epoch":1,"train_loss":2.0,"train_top1":0.1,"validation_loss":2.0,"validation_top1":0.1,"validation_top5":0.5,"learning_rate":0.1,"images_per_second":9.0,"seconds":1.0}"#;
        fs::write(&path, format!("{line}\n{}", &line[..40])).unwrap();
        assert_eq!(read_metrics(&path).unwrap().len(), 1);
        fs::write(&path, format!("{}\n{line}\n", &line[..40])).unwrap();
        assert!(read_metrics(&path).unwrap_err().to_string().contains("line 1"));
    }
}

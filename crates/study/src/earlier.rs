//! What earlier sittings left in a run folder.

use std::fs;
use std::io;

use bakeoff_data::Dataset;

use crate::difference::changes;
use crate::folder::{RunFolder, Trial, remove_folder};
use crate::folder_error::FolderError;
use crate::observer::{Event, Observer};
use crate::options::RunOptions;
use crate::records::{PlanRecord, TrialKey, TrialStatus};
use crate::run_error::RunError;
use crate::study::Study;

/// A folder that exists and holds something must hold a run.
pub(crate) fn check_folder(folder: &RunFolder) -> Result<(), RunError> {
    let path = folder.path();
    // A run may have lost its plan, which is made again.
    if folder.plan_path().is_file() || (folder.study_path().is_file() && path.join("trials").is_dir()) {
        return Ok(());
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(FolderError::Io { path: path.to_owned(), source }.into()),
    };
    // What a run leaves that was killed before it wrote its plan, and what `bakeoff preview` shows before there is one.
    let ours = ["lock", "log.txt", "plan.json.partial", "preview", "state.json", "state.json.partial"];
    for entry in entries {
        let name = entry.map_err(|source| FolderError::Io { path: path.to_owned(), source })?.file_name();
        if !ours.iter().any(|ours| name == *ours) {
            return Err(RunError::Foreign { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Trials in the folder must be those of the plan, or are thrown away if that was asked for.
pub(crate) fn check_trials(
    study: &Study,
    dataset: &Dataset,
    plan: &PlanRecord,
    folder: &RunFolder,
    fresh: bool,
) -> Result<(), RunError> {
    let mut changed = Vec::new();
    for key in &plan.trials {
        // A damaged one is said, and made again, once it is clear that the others are this study's.
        let record = match folder.trial_record(key) {
            Err(FolderError::Damaged { .. }) => None,
            other => other?,
        };
        if record.is_some_and(|record| record.id != key.id) {
            changed.push(folder.trial_folder(&key.recipe, key.seed));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    if fresh {
        changed.iter().try_for_each(|path| remove_folder(path))?;
        return Ok(());
    }
    Err(RunError::Changed {
        path: folder.path().to_owned(),
        trials: changed.len(),
        changes: changes(study, dataset, folder),
    })
}

/// Trials by how far they are.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// To be run, or to go on with.
    pub(crate) unfinished: Vec<TrialKey>,
    pub(crate) finished: usize,
    pub(crate) failed: Vec<TrialKey>,
}

/// Sorts trials by what their folders say, and tells which are not run again.
pub(crate) fn sort_out(
    trials: &[TrialKey],
    folder: &RunFolder,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Sorted, RunError> {
    let mut sorted = Sorted::default();
    for key in trials {
        let Some(trial) = unless_damaged(folder.trial(key), observer)? else {
            sorted.unfinished.push(key.clone());
            continue;
        };
        match trial.record.as_ref().map(|record| &record.status) {
            Some(TrialStatus::Finished { .. }) if is_damaged(folder, &trial, observer)? => {
                sorted.unfinished.push(key.clone());
            }
            Some(TrialStatus::Finished { .. }) => {
                sorted.finished += 1;
                observer.event(Event::TrialSkipped { key, failed: false });
            }
            Some(TrialStatus::Failed { .. }) if !options.retry_failed => {
                sorted.failed.push(key.clone());
                observer.event(Event::TrialSkipped { key, failed: true });
            }
            Some(TrialStatus::Failed { .. }) => {
                // From its checkpoint it would come to the same end.
                remove_folder(&trial.folder)?;
                sorted.unfinished.push(key.clone());
            }
            Some(TrialStatus::Running) | None => sorted.unfinished.push(key.clone()),
        }
    }
    Ok(sorted)
}

/// What was read, or a warning and `None` where a file is damaged: it is made again. What is whole and of another version of
/// Bakeoff is not written over.
pub(crate) fn unless_damaged<T>(
    read: Result<T, FolderError>,
    observer: &dyn Observer,
) -> Result<Option<T>, FolderError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(FolderError::Damaged { path, message, .. }) => {
            let note = format!("{}: {message}; it is made again", path.display());
            observer.event(Event::Warning(&note));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether what a finished trial left is not what it wrote. It is trained anew then, to the same weights.
fn is_damaged(folder: &RunFolder, trial: &Trial, observer: &dyn Observer) -> Result<bool, FolderError> {
    let TrialKey { recipe, seed, .. } = &trial.key;
    if let Some(damage) = &trial.damage {
        let note = format!("{recipe} seed {seed}: {damage}; the trial is trained anew, to the same weights");
        observer.event(Event::Warning(&note));
        return Ok(true);
    }
    match folder.prediction_bytes(trial) {
        Err(FolderError::Damaged { path, message, .. }) => {
            let note =
                format!("{}: {message}; the trial is trained anew, to the same weights", path.display());
            observer.event(Event::Warning(&note));
            Ok(true)
        }
        Err(error) => Err(error),
        Ok(_) => Ok(false),
    }
}

/// Whether anything that a run leaves beside its trials is damaged, which is said, or is not there.
pub(crate) fn records_are_damaged(
    plan: &PlanRecord,
    folder: &RunFolder,
    previews: bool,
    observer: &dyn Observer,
) -> Result<bool, FolderError> {
    let mut whole = unless_damaged(folder.data(), observer)?.flatten().is_some();
    whole &= unless_damaged(folder.environment(), observer)?.flatten().is_some();
    whole &= unless_damaged(folder.test_split(), observer)?.flatten().is_some();
    for &seed in &plan.seeds {
        whole &= unless_damaged(folder.validation_split(seed), observer)?.flatten().is_some();
    }
    for recipe in &plan.recipes {
        let preview = unless_damaged(folder.preview(&recipe.name), observer)?;
        whole &= !previews || preview.flatten().is_some();
    }
    Ok(!whole)
}

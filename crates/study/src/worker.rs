//! Runs the trial it is given. Who gets which trial is decided elsewhere.

use std::fs;

use bakeoff_data::{Caught, catch_quietly};
use bakeoff_files::{make_folder, write_sealed};

use crate::folder::RunFolder;
use crate::observer::Event;
use crate::records::{TrialKey, TrialRecord, TrialStatus};
use crate::run_error::RunError;
use crate::stop::StopFlag;
use crate::trial::{self, TrialContext, TrialEnd};

/// Brings trials to their ends.
pub(crate) trait Worker: Sync {
    /// Runs a trial on so many threads to its end, or to where it is when `stop` is raised, and leaves it on disk.
    ///
    /// # Errors
    /// What stops the whole run. A trial that fails is no error: its failure is recorded.
    fn work(&self, key: &TrialKey, threads: usize, stop: &StopFlag<'_>) -> Result<TrialEnd, RunError>;
}

/// Trains networks into a run folder.
pub(crate) struct Trainer<'a> {
    pub(crate) context: TrialContext<'a>,
    pub(crate) folder: &'a RunFolder,
}

impl Worker for Trainer<'_> {
    fn work(&self, key: &TrialKey, threads: usize, stop: &StopFlag<'_>) -> Result<TrialEnd, RunError> {
        let path = self.folder.trial_folder(&key.recipe, key.seed);
        let end = catch_quietly(|| trial::run(&self.context, stop, key, &path, threads));
        let end = match end {
            Ok(end) => end?,
            Err(Caught(message)) => {
                let text = message.as_deref().unwrap_or("no message");
                let epochs = self.folder.trial(key).map(|trial| trial.metrics.len()).unwrap_or(0);
                let epoch = u32::try_from(epochs + 1).unwrap_or(u32::MAX);
                TrialEnd::Failed {
                    reason: format!("an error inside Bakeoff: {text}. Please report it"),
                    epoch,
                }
            }
        };
        if let TrialEnd::Failed { reason, epoch } = &end {
            make_folder(&path)?;
            let status = TrialStatus::Failed { reason: reason.clone(), epoch: *epoch };
            let record =
                TrialRecord { recipe: key.recipe.clone(), seed: key.seed, id: key.id.clone(), status };
            write_sealed(&path.join("trial.json"), &record)?;
            // What is left is in the way only; a new try begins anew.
            let _ = fs::remove_file(path.join("checkpoint.safetensors"));
            self.context.observer.event(Event::TrialFailed { key, reason, epoch: *epoch });
        }
        Ok(end)
    }
}

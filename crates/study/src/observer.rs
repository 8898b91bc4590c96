//! What a run tells while it runs. The command line draws bars from it; a library user may write lines, or nothing.

use crate::records::{DataRecord, EpochRecord, TestRecord, TrialKey};

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The plan stands and the run folder is ours.
    Started {
        /// Name of the study.
        study: &'a str,
        /// Trials of the plan.
        trials: usize,
        /// Of these, finished or failed in an earlier sitting.
        done: usize,
        /// Threads in all.
        threads: usize,
        /// Trials at a time.
        jobs: usize,
    },
    /// Images are decoded once and checked.
    Inspecting {
        /// So many are.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// All images were looked at.
    Inspected(&'a DataRecord),
    /// A recipe's preview was written.
    Previewed {
        /// Its name.
        recipe: &'a str,
    },
    /// A trial begins or goes on.
    TrialStarted {
        /// Which.
        key: &'a TrialKey,
        /// Steps already done in an earlier sitting; 0 for a new trial.
        done: u64,
        /// Steps of the whole trial.
        total: u64,
    },
    /// One optimiser step.
    Step {
        /// Which trial.
        key: &'a TrialKey,
        /// 1-based.
        epoch: u32,
        /// Steps done, over all epochs.
        done: u64,
        /// Steps of the whole trial.
        total: u64,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Learning rate of this step.
        learning_rate: f64,
        /// Training images per second in this epoch.
        images_per_second: f64,
    },
    /// An epoch was evaluated and is on disk.
    EpochFinished {
        /// Which trial.
        key: &'a TrialKey,
        /// Its numbers.
        record: &'a EpochRecord,
        /// Epochs of the trial.
        epochs: u32,
    },
    /// A trial is finished and on disk.
    TrialFinished {
        /// Which.
        key: &'a TrialKey,
        /// Its result.
        test: &'a TestRecord,
        /// Time it took, over all sittings.
        seconds: f64,
    },
    /// A trial failed; the others go on.
    TrialFailed {
        /// Which.
        key: &'a TrialKey,
        /// Why, for people.
        reason: &'a str,
        /// 1-based epoch.
        epoch: u32,
    },
    /// A trial was done in an earlier sitting and is not run again.
    TrialSkipped {
        /// Which.
        key: &'a TrialKey,
        /// It had failed, and is not tried again unless asked for.
        failed: bool,
    },
    /// All trials are done, and these recipes are not decided yet: they get another seed.
    SeedAdded {
        /// The seed.
        seed: u64,
        /// Recipes, the baseline included.
        recipes: &'a [String],
    },
    /// Something the user should know.
    Warning(&'a str),
    /// Something the user may like to know.
    Note(&'a str),
}

/// Listens to a run. Called from several threads; must return quickly.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}

//! Runs a study's trials into a run folder, and goes on where an earlier sitting ended.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bakeoff_data::{Caught, DataError, Dataset, Duplicates, Inspection, Uneven, catch_quietly};
use rayon::ThreadPool;
use serde_json::Value;

use crate::folder::{FolderError, RunFolder, Trial, if_whole, read_json_if_there};
use crate::observer::{Event, Observer};
use crate::plan::{Plan, PlanError, uneven_warning};
use crate::preview::{self, PreviewError};
use crate::records::{
    CopiesRecord, DataRecord, Environment, PlanRecord, RejectedRecord, SplitRule, TrialKey, TrialRecord,
    TrialStatus, UntilDecided,
};
use crate::splits::{self, Admitted, Differs, SplitsError};
use crate::study::Study;
use crate::threads::{ThreadsError, pool};
use crate::trial::{self, Bench, End, Halt};
use bakeoff_files::{WriteError, append_to, at, make_folder, open_own, write_bytes, write_sealed};

/// How a study is run. None of it changes a trial's result.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Threads in all; 0 for as many as the machine has.
    pub threads: usize,
    /// Trials at a time, which share the threads; 0 to choose: several where the network is too small to keep more than one
    /// thread busy.
    pub jobs: usize,
    /// Refuse a data set with images that cannot be used, instead of leaving them out.
    pub strict: bool,
    /// Run trials again that failed in an earlier sitting.
    pub retry_failed: bool,
    /// Throw away what the folder holds of trials whose settings have changed, instead of refusing.
    pub fresh: bool,
    /// Longest time between two checkpoints of a trial; one is written after every epoch in any case, unless the last one is
    /// less than a second old.
    pub checkpoint_every: Duration,
    /// Pictures of each recipe in the run folder.
    pub previews: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            threads: 0,
            jobs: 0,
            strict: false,
            retry_failed: false,
            fresh: false,
            checkpoint_every: Duration::from_secs(300),
            previews: 8,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Trials finished, in this sitting or before.
    pub finished: usize,
    /// Trials that failed, in this sitting or before.
    pub failed: Vec<TrialKey>,
    /// Trials not begun or not finished; running the same command again goes on with them.
    pub pending: usize,
    /// The run was asked to stop.
    pub interrupted: bool,
}

/// Why a study cannot run, or cannot go on. What was finished before is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The data set or the network cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file of the run folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A preview cannot be made.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// An image that could be read cannot be read any more.
    #[error(transparent)]
    Feed(#[from] crate::feed::FeedError),
    /// Another process runs in this folder.
    #[error(
        "{path} is in use by another bakeoff process{holder}; wait for it, or give another folder with --out"
    )]
    Locked {
        /// The run folder.
        path: PathBuf,
        /// ` (process 123)` where known.
        holder: String,
    },
    /// The folder holds something else.
    #[error("{path} holds other files and no run; give a new or an empty folder with --out")]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds trials of other settings.
    #[error(
        "{path} holds {trials} trial(s) run with other settings{changes}\nGive another folder with --out to keep them, or \
         --fresh to throw them away"
    )]
    Changed {
        /// The run folder.
        path: PathBuf,
        /// How many trials.
        trials: usize,
        /// `:` and one line per changed key, where they can be told.
        changes: String,
    },
    /// The data set changed since the run began.
    #[error(
        "the images of {data} are not those that the trials in {path} were run on (files changed, or other files can be \
         read now). Put them back, give another folder with --out, or --fresh to throw the trials away"
    )]
    DataChanged {
        /// The run folder.
        path: PathBuf,
        /// The data set.
        data: PathBuf,
    },
    /// The same images would be split in another way.
    #[error(
        "the images of {data} would be split in another way than for the trials in {path} ({what}), though they are the same: this \
         version of Bakeoff finds other copies among them. Give another folder with --out, or --fresh to throw the trials away"
    )]
    SplitsChanged {
        /// The run folder.
        path: PathBuf,
        /// The data set.
        data: PathBuf,
        /// Which split.
        what: String,
    },
    /// The folder's seeds were added under another declaration.
    #[error(
        "{path} was begun with --until-decided, a first look at {first} seeds and --max-seeds {most}; its error rate holds for \
         that alone. Give the same, or another folder with --out"
    )]
    Declared {
        /// The run folder.
        path: PathBuf,
        /// Seeds before the first look.
        first: usize,
        /// Seeds at most.
        most: usize,
    },
    /// Results that cannot be looked at.
    #[error("whether more seeds are needed cannot be decided: {message}")]
    Undecidable {
        /// Why.
        message: String,
    },
    /// Threads cannot be started.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
}

impl From<SplitsError> for RunError {
    fn from(error: SplitsError) -> Self {
        match error {
            SplitsError::Data(error) => Self::Plan(PlanError::from(error)),
            SplitsError::Write(error) => Self::Write(error),
        }
    }
}

impl From<Halt> for RunError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Write(error) => Self::Write(error),
            Halt::Feed(error) => Self::Feed(error),
        }
    }
}

/// Decides which recipes need another seed.
pub trait Decide {
    /// What is declared before the first look.
    fn declared(&self) -> UntilDecided;

    /// Recipes that need another seed, the baseline included, once every trial of the plan is finished or has failed; none
    /// when all is decided.
    ///
    /// # Errors
    /// The results cannot be compared; in words for people.
    fn open(&self, plan: &PlanRecord, folder: &RunFolder) -> Result<Vec<String>, String>;
}

/// Runs what is left to run of a study. Raise `stop` to interrupt: the step under way ends, a checkpoint is written, and the
/// same call later goes on to the same results.
///
/// # Errors
/// The study cannot run at all, or cannot go on; what was finished is kept in every case. A trial that fails (its loss
/// becomes NaN, say) is no error: it is recorded and the others go on.
pub fn run(
    study: &Study,
    folder: &RunFolder,
    observer: &dyn Observer,
    stop: &AtomicBool,
    options: &RunOptions,
) -> Result<Outcome, RunError> {
    run_with(study, folder, observer, stop, options, None)
}

/// [`run`], then a further seed for each recipe that `decide` calls open, until there is none or the seeds are used up. What is
/// added follows from the finished trials alone, so that an interrupted run goes on to the same decisions.
///
/// # Errors
/// As [`run`]; and where the folder's seeds were added under another declaration.
pub fn run_until_decided(
    study: &Study,
    folder: &RunFolder,
    observer: &dyn Observer,
    stop: &AtomicBool,
    options: &RunOptions,
    decide: &dyn Decide,
) -> Result<Outcome, RunError> {
    run_with(study, folder, observer, stop, options, Some(decide))
}

fn run_with(
    study: &Study,
    folder: &RunFolder,
    observer: &dyn Observer,
    stop: &AtomicBool,
    options: &RunOptions,
    decide: Option<&dyn Decide>,
) -> Result<Outcome, RunError> {
    check_folder(folder)?;
    make_folder(folder.path())?;
    let _lock = Lock::take(folder.path())?;
    let log = Log::open(folder.path(), observer);
    let outcome = run_locked(study, folder, &log, stop, options, decide);
    match &outcome {
        Ok(outcome) => log.line(&format!(
            "ended: {} finished, {} failed, {} left{}",
            outcome.finished,
            outcome.failed.len(),
            outcome.pending,
            if outcome.interrupted { ", interrupted" } else { "" }
        )),
        Err(error) => log.line(&format!("stopped: {error}")),
    }
    outcome
}

/// [`run`], once the folder is ours.
fn run_locked(
    study: &Study,
    folder: &RunFolder,
    observer: &dyn Observer,
    stop: &AtomicBool,
    options: &RunOptions,
    decide: Option<&dyn Decide>,
) -> Result<Outcome, RunError> {
    let pool = pool(options.threads)?;
    let threads = pool.current_num_threads();
    let mut plan = pool.install(|| Plan::new(study))?;
    declare(&mut plan, folder, decide, observer)?;
    check_trials(study, &plan, folder, options.fresh)?;
    // The seeds that earlier sittings added are wanted again, for the same reasons.
    while grow(study, &mut plan.record, &plan.shared, folder, decide)?.is_some() {
        check_trials(study, &plan, folder, options.fresh)?;
    }

    let mut outcome = Outcome::default();
    let mut todo = sort_out(&plan.record.trials, folder, options, observer, &mut outcome)?;
    let at_a_time = jobs(options.jobs, threads, todo.len(), &plan, study);
    observer.event(Event::Started {
        study: &study.name,
        trials: plan.record.trials.len(),
        done: plan.record.trials.len() - todo.len(),
        threads,
        jobs: at_a_time,
    });
    for warning in &plan.record.warnings {
        observer.event(Event::Warning(warning));
    }
    write_sealed(&folder.plan_path(), &plan.record)?;
    write_bytes(&folder.path().join("study.toml"), study.text_with_overrides().as_bytes())?;
    write_sealed(&folder.study_path(), &study.config)?;
    // Finished trials may have been split by the rule of before, which is known when images were looked at.
    let damaged = records_are_damaged(&plan.record, folder, options.previews > 0, observer)?;
    let anew = options.fresh && !damaged && folder.data()?.is_some_and(|data| data.rule == SplitRule::Images);
    if todo.is_empty() && !anew && !damaged {
        return Ok(outcome);
    }
    environment(study, folder, threads, observer)?;

    let Some((admitted, thrown_away)) = inspect(study, &mut plan, folder, &pool, options, observer, stop)?
    else {
        outcome.interrupted = true;
        outcome.pending = todo.len();
        return Ok(outcome);
    };
    if thrown_away {
        outcome = Outcome::default();
        todo = sort_out(&plan.record.trials, folder, options, observer, &mut outcome)?;
    }
    let jobs = jobs(options.jobs, threads, todo.len(), &plan, study);
    if thrown_away {
        let (trials, done) = (plan.record.trials.len(), plan.record.trials.len() - todo.len());
        observer.event(Event::Started { study: &study.name, trials, done, threads, jobs });
    }
    pool.install(|| preview::write_all(study, &plan, &admitted, folder, options.previews, observer))?;

    let bench = Bench {
        study,
        dataset: &plan.dataset,
        model: &plan.model,
        pool: &pool,
        threads,
        admitted: &admitted,
        checkpoint_every: options.checkpoint_every,
        observer,
        stop,
    };
    run_trials(&bench, folder, &todo, jobs, &mut outcome)?;
    while !outcome.interrupted && outcome.pending == 0 {
        let before = plan.record.trials.len();
        let Some((seed, recipes)) = grow(study, &mut plan.record, &plan.shared, folder, decide)? else {
            break;
        };
        check_trials(study, &plan, folder, options.fresh)?;
        write_sealed(&folder.plan_path(), &plan.record)?;
        observer.event(Event::SeedAdded { seed, recipes: &recipes });
        splits::write(study, &plan.dataset, &admitted, folder, &plan.record.seeds)?;
        let todo = sort_out(&plan.record.trials[before..], folder, options, observer, &mut outcome)?;
        run_trials(&bench, folder, &todo, jobs.min(todo.len()).max(1), &mut outcome)?;
    }
    Ok(outcome)
}

/// Writes into the plan what `decide` declares. A folder keeps the declaration it began with: to ask for more seeds after having
/// looked would be one more look than was declared.
fn declare(
    plan: &mut Plan,
    folder: &RunFolder,
    decide: Option<&dyn Decide>,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let before = unless_damaged(read_json_if_there::<PlanRecord>(&folder.plan_path()), observer)?.flatten();
    let before = before.and_then(|plan| plan.until_decided);
    let now = decide.map(Decide::declared);
    match (before, now) {
        (Some(before), Some(now)) if before != now => {
            Err(RunError::Declared { path: folder.path().to_owned(), first: before.first, most: before.most })
        }
        (None, None) => Ok(()),
        (Some(_), None) => {
            plan.record.warnings.push(
                "seeds of this run were added until recipes were decided (--until-decided); looked at as if their number had \
                 been fixed, verdicts err more often than 5 %. Go on with --until-decided, or take another folder"
                    .to_owned(),
            );
            Ok(())
        }
        (_, Some(now)) => {
            plan.record.until_decided = Some(now);
            Ok(())
        }
    }
}

/// Adds the next seed for every recipe that is still open, where all trials so far are done and there is one. Gives the seed and
/// the recipes.
fn grow(
    study: &Study,
    record: &mut PlanRecord,
    shared: &Value,
    folder: &RunFolder,
    decide: Option<&dyn Decide>,
) -> Result<Option<(u64, Vec<String>)>, RunError> {
    let Some(decide) = decide else { return Ok(None) };
    if record.seeds.len() >= decide.declared().most {
        return Ok(None);
    }
    for key in &record.trials {
        let trial = match folder.trial(key) {
            Err(FolderError::Damaged { .. }) => return Ok(None),
            other => other?,
        };
        match trial.record.map(|record| record.status) {
            Some(TrialStatus::Finished { .. } | TrialStatus::Failed { .. }) => {}
            Some(TrialStatus::Running) | None => return Ok(None),
        }
    }
    let recipes = decide.open(record, folder).map_err(|message| RunError::Undecidable { message })?;
    let Some(seed) = record.seeds.iter().max().and_then(|seed| seed.checked_add(1)) else { return Ok(None) };
    if recipes.is_empty() {
        return Ok(None);
    }
    crate::plan::add_seed(record, shared, study, seed, &recipes);
    Ok(Some((seed, recipes)))
}

/// Trials still to run; the others are counted in the outcome.
fn sort_out(
    trials: &[TrialKey],
    folder: &RunFolder,
    options: &RunOptions,
    observer: &dyn Observer,
    outcome: &mut Outcome,
) -> Result<Vec<TrialKey>, RunError> {
    let mut todo = Vec::new();
    for key in trials {
        let Some(trial) = unless_damaged(folder.trial(key), observer)? else {
            todo.push(key.clone());
            continue;
        };
        match trial.record.as_ref().map(|record| &record.status) {
            Some(TrialStatus::Finished { .. }) if is_damaged(folder, &trial, observer)? => {
                todo.push(key.clone());
            }
            Some(TrialStatus::Finished { .. }) => {
                outcome.finished += 1;
                observer.event(Event::TrialSkipped { key, failed: false });
            }
            Some(TrialStatus::Failed { .. }) if !options.retry_failed => {
                outcome.failed.push(key.clone());
                observer.event(Event::TrialSkipped { key, failed: true });
            }
            Some(TrialStatus::Failed { .. }) => {
                // From its checkpoint it would come to the same end.
                remove_folder(&trial.folder)?;
                todo.push(key.clone());
            }
            Some(TrialStatus::Running) | None => todo.push(key.clone()),
        }
    }
    Ok(todo)
}

/// What was read, or a warning and `None` where a file is damaged: it is made again. What is whole and of another version of
/// Bakeoff is not written over.
fn unless_damaged<T>(
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
fn records_are_damaged(
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

/// Trials at a time. A network whose step is a few milliseconds' work leaves threads waiting for each other; trials beside
/// each other do not. The network of a larger step keeps all threads busy, and one at a time needs the least memory.
fn jobs(asked: usize, threads: usize, todo: usize, plan: &Plan, study: &Study) -> usize {
    /// Floating-point operations of a training step below which threads wait more than they work.
    const SMALL: u64 = 20_000_000_000;
    let step = plan.model.flops(true).saturating_mul(study.config.train.batch as u64);
    let jobs = match asked {
        0 if step < SMALL => threads,
        0 => 1,
        asked => asked,
    };
    jobs.min(todo).max(1)
}

fn run_trials(
    bench: &Bench<'_>,
    folder: &RunFolder,
    todo: &[TrialKey],
    jobs: usize,
    outcome: &mut Outcome,
) -> Result<(), RunError> {
    let next = AtomicUsize::new(0);
    let halted: Mutex<Option<RunError>> = Mutex::new(None);
    // Stops the other trials when one halts; the user's own flag is only looked at, never touched.
    let halt = AtomicBool::new(false);
    let results: Mutex<(usize, Vec<TrialKey>)> = Mutex::new((0, Vec::new()));
    let stop = StopFlag::new(bench.stop, &halt);
    let work = || {
        while !stop.raised() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(key) = todo.get(index) else { return };
            // The last trials, with nobody beside them, take the threads that would be idle.
            let threads = bench.threads / jobs.min(todo.len() - index);
            match one_trial(bench, &stop, folder, key, threads.max(1)) {
                Ok(End::Finished) => lock(&results).0 += 1,
                Ok(End::Failed { .. }) => lock(&results).1.push(key.clone()),
                Ok(End::Interrupted) => {}
                Err(error) => {
                    lock(&halted).get_or_insert(error);
                    halt.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(work);
        }
        work();
    });
    let (finished, failed) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome.finished += finished;
    outcome.pending = todo.len() - finished - failed.len();
    outcome.failed.extend(failed);
    outcome.interrupted = outcome.pending > 0 && bench.stop.load(Ordering::Relaxed);
    match halted.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One trial, whatever happens in it.
fn one_trial(
    bench: &Bench<'_>,
    stop: &StopFlag<'_>,
    folder: &RunFolder,
    key: &TrialKey,
    threads: usize,
) -> Result<End, RunError> {
    let path = folder.trial_folder(&key.recipe, key.seed);
    let end = catch_quietly(|| trial::run(bench, stop, key, &path, threads));
    let end = match end {
        Ok(end) => end?,
        Err(Caught(message)) => {
            let text = message.as_deref().unwrap_or("no message");
            let epochs = folder.trial(key).map(|trial| trial.metrics.len()).unwrap_or(0);
            let epoch = u32::try_from(epochs + 1).unwrap_or(u32::MAX);
            End::Failed { reason: format!("an error inside Bakeoff: {text}. Please report it"), epoch }
        }
    };
    if let End::Failed { reason, epoch } = &end {
        make_folder(&path)?;
        let status = TrialStatus::Failed { reason: reason.clone(), epoch: *epoch };
        let record = TrialRecord { recipe: key.recipe.clone(), seed: key.seed, id: key.id.clone(), status };
        write_sealed(&path.join("trial.json"), &record)?;
        // What is left is in the way only; a new try begins anew.
        let _ = fs::remove_file(path.join("checkpoint.safetensors"));
        bench.observer.event(Event::TrialFailed { key, reason, epoch: *epoch });
    }
    Ok(end)
}

/// Either of two reasons to stop.
pub(crate) struct StopFlag<'a> {
    asked: &'a AtomicBool,
    halted: &'a AtomicBool,
}

impl<'a> StopFlag<'a> {
    fn new(asked: &'a AtomicBool, halted: &'a AtomicBool) -> Self {
        Self { asked, halted }
    }

    pub(crate) fn raised(&self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.halted.load(Ordering::Relaxed)
    }
}

/// A folder that exists and holds something must hold a run.
fn check_folder(folder: &RunFolder) -> Result<(), RunError> {
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
    let ours = ["lock", "log.txt", "plan.json.partial", "preview"];
    for entry in entries {
        let name = entry.map_err(|source| FolderError::Io { path: path.to_owned(), source })?.file_name();
        if !ours.iter().any(|ours| name == *ours) {
            return Err(RunError::Foreign { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Trials in the folder must be those of the plan, or are thrown away if that was asked for.
fn check_trials(study: &Study, plan: &Plan, folder: &RunFolder, fresh: bool) -> Result<(), RunError> {
    let mut changed = Vec::new();
    for key in &plan.record.trials {
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
    let before: Option<Value> = read_json_if_there(&folder.study_path()).unwrap_or_default();
    let now = serde_json::to_value(&study.config).unwrap_or_default();
    let mut lines = Vec::new();
    differences(&before.unwrap_or_default(), &now, "", &mut lines);
    let version = env!("CARGO_PKG_VERSION");
    if let Some(then) =
        folder.environment().unwrap_or_default().map(|e| e.bakeoff).filter(|then| then != version)
    {
        lines.push(format!("version of Bakeoff: {then} -> {version}"));
    }
    if lines.is_empty() {
        lines.push(
            "the study file says the same as then: what the weights file holds, which images there are with which labels and splits, or how \
             this version of Bakeoff computes is what changed"
                .to_owned(),
        );
    }
    let mut changes = ":".to_owned();
    for line in lines.iter().take(8) {
        changes.push_str(&format!("\n  {line}"));
    }
    if lines.len() > 8 {
        changes.push_str(&format!("\n  … and {} more", lines.len() - 8));
    }
    Err(RunError::Changed { path: folder.path().to_owned(), trials: changed.len(), changes })
}

/// `train.epochs: 10 -> 20`, one line per key that differs and may matter.
fn differences(before: &Value, now: &Value, path: &str, lines: &mut Vec<String>) {
    const HARMLESS: [&str; 8] = [
        "name",
        "data.path",
        "data.test_path",
        "data.cache",
        "data.pack",
        "compare.margin",
        "compare.seeds",
        "compare.baseline",
    ];
    if before == now || HARMLESS.contains(&path) {
        return;
    }
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let none = Value::Null;
                differences(a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none), &join(key), lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if path == "recipe" => {
            // By name: a recipe more or less is no change of the others.
            let name = |recipe: &Value| recipe.get("name").cloned();
            for recipe in b {
                if let Some(same) = a.iter().find(|other| name(other) == name(recipe)) {
                    let label = recipe.get("name").and_then(Value::as_str).unwrap_or_default();
                    differences(same, recipe, &join(label), lines);
                }
            }
        }
        _ => {
            let show =
                |value: &Value| if value.is_null() { "(absent)".to_owned() } else { value.to_string() };
            lines.push(format!("{path}: {} -> {}", show(before), show(now)));
        }
    }
}

fn remove_folder(path: &Path) -> Result<(), WriteError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Writes environment.json, or says what is different from when the run began.
fn environment(
    study: &Study,
    folder: &RunFolder,
    threads: usize,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let now = Environment {
        bakeoff: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cpu: bakeoff_machine::processor_name(),
        instructions: bakeoff_nn::instruction_set().to_owned(),
        threads,
        backend: serde_json::to_value(study.config.train.backend)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default(),
        started: utc(SystemTime::now()),
    };
    // Where it is damaged, that was said.
    match if_whole(folder.environment())? {
        Some(before)
            if before.instructions != now.instructions
                || before.system != now.system
                || before.cpu != now.cpu =>
        {
            observer.event(Event::Warning(&format!(
                "this run began on another machine ({}, {}, {}) than this one ({}, {}, {}): trials remain comparable, but a \
                 trial's last bits may differ from what one machine would have given",
                before.cpu, before.system, before.instructions, now.cpu, now.system, now.instructions
            )));
        }
        Some(_) => {}
        None => write_sealed(&folder.environment_path(), &now)?,
    }
    Ok(())
}

/// Decodes every image once and writes data.json. `None` where it was stopped; else also whether trials were thrown away.
fn inspect(
    study: &Study,
    plan: &mut Plan,
    folder: &RunFolder,
    pool: &ThreadPool,
    options: &RunOptions,
    observer: &dyn Observer,
    stop: &AtomicBool,
) -> Result<Option<(Admitted, bool)>, RunError> {
    plan.dataset.set_pack(&folder.packs(), study.config.data.pack);
    let dataset = &plan.dataset;
    let inspected = pool.install(|| {
        dataset
            .inspect(options.strict, stop, &|done, total| observer.event(Event::Inspecting { done, total }))
    });
    let inspection = match inspected {
        Ok(inspection) => inspection,
        Err(DataError::Stopped) => return Ok(None),
        Err(error) => return Err(PlanError::from(error).into()),
    };
    for warning in &inspection.warnings {
        observer.event(Event::Warning(&warning.to_string()));
    }
    if let Some((path, images, bytes)) = dataset.packed() {
        let note =
            format!("pack: {}, {images} images, {:.0} MiB", path.display(), bytes as f64 / (1 << 20) as f64);
        observer.event(Event::Note(&note));
    }
    let trials = plan.record.trials.iter().map(|key| (key.seed, folder.trial_folder(&key.recipe, key.seed)));
    let begun: Vec<(u64, PathBuf)> = trials.filter(|(_, path)| path.exists()).collect();
    let mut rule = SplitRule::Groups;
    let mut thrown_away = false;
    let before = if_whole(folder.data())?;
    if before.is_none() && !begun.is_empty() {
        observer.event(Event::Warning(
            "data.json is damaged or gone: whether the images are still those that the trials of this folder saw cannot be told",
        ));
    }
    if let Some(before) = before
        && !begun.is_empty()
    {
        let mut seeds: Vec<u64> = begun.iter().map(|(seed, _)| *seed).collect();
        seeds.dedup();
        let changed = if before.content != inspection.content {
            Some(RunError::DataChanged { path: folder.path().to_owned(), data: dataset.path().to_owned() })
        } else if before.rule == SplitRule::Images && !options.fresh {
            if differ(study, dataset, &inspection, &seeds) {
                rule = SplitRule::Images;
            }
            None
        } else {
            let admitted = Admitted::of(&inspection, rule);
            let differs =
                splits::compare(study, dataset, &admitted, folder, &seeds)?.map_err(PlanError::from)?;
            let old = before.rule == SplitRule::Images && differ(study, dataset, &inspection, &seeds);
            let what = match differs {
                Some(Differs::Test) => Some("the test split".to_owned()),
                Some(Differs::Validation(seed)) => Some(format!("the validation split of seed {seed}")),
                None => old.then(String::new),
            };
            let (path, data) = (folder.path().to_owned(), dataset.path().to_owned());
            what.map(|what| RunError::SplitsChanged { path, data, what })
        };
        match changed {
            Some(error) if !options.fresh => return Err(error),
            Some(_) => {
                begun.iter().try_for_each(|(_, path)| remove_folder(path))?;
                thrown_away = true;
            }
            None => {}
        }
    }
    let admitted = Admitted::of(&inspection, rule);
    let (mut record, note) = data_record(study, dataset, &inspection, &admitted, rule)?;
    // What groups that are declared do was said with the plan.
    record.warnings.retain(|warning| !plan.record.warnings.contains(warning));
    if let Some(note) = note {
        observer.event(Event::Note(&note));
    }
    write_sealed(&folder.data_path(), &record)?;
    splits::write(study, dataset, &admitted, folder, &plan.record.seeds)?;
    for warning in &record.warnings {
        observer.event(Event::Warning(warning));
    }
    observer.event(Event::Inspected(&record));
    Ok(Some((admitted, thrown_away)))
}

/// Whether groups change the splits of some seeds.
fn differ(study: &Study, dataset: &Dataset, inspection: &Inspection, seeds: &[u64]) -> bool {
    let [apart, together] = [SplitRule::Images, SplitRule::Groups].map(|rule| Admitted::of(inspection, rule));
    seeds.iter().any(|&seed| {
        match (apart.splits(study, dataset, seed), together.splits(study, dataset, seed)) {
            (Ok(apart), Ok(together)) => apart != together,
            // What cannot be split any more was split before.
            _ => true,
        }
    })
}

/// The record, and a word about copies that are kept together.
fn data_record(
    study: &Study,
    dataset: &Dataset,
    inspection: &Inspection,
    admitted: &Admitted,
    rule: SplitRule,
) -> Result<(DataRecord, Option<String>), RunError> {
    let mut counts = None;
    let mut shared: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut shared_looks: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut uneven = Vec::new();
    for seed in study.seeds() {
        let splits = admitted.splits(study, dataset, seed).map_err(PlanError::from)?;
        counts.get_or_insert((splits.train.len(), splits.validation.len(), splits.test.len()));
        shared.extend(splits.shared(&inspection.duplicates).into_iter().map(|set| set.ids.clone()));
        shared_looks.extend(splits.shared(&inspection.alike).into_iter().map(|set| set.ids.clone()));
        for found in splits.uneven {
            // Once for a class, whatever the seed.
            let known = |other: &Uneven| (&other.class, &other.split) == (&found.class, &found.split);
            if !uneven.iter().any(known) {
                uneven.push(found);
            }
        }
    }
    let of_group = |set: &Duplicates| {
        let first = admitted.groups.first_of(set.samples[0]);
        set.samples.iter().all(|&sample| admitted.groups.first_of(sample) == first)
    };
    let copies: Vec<CopiesRecord> =
        [(&inspection.duplicates, &shared, true), (&inspection.alike, &shared_looks, false)]
            .into_iter()
            .flat_map(|(sets, shared, identical)| sets.iter().map(move |set| (set, shared, identical)))
            .map(|(set, shared, identical)| CopiesRecord {
                images: set.ids.clone(),
                identical,
                together: of_group(set),
                across_splits: shared.contains(&set.ids),
                across_classes: set.across_classes,
            })
            .collect();
    let (train, validation, test) = counts.unwrap_or_default();
    let rejected: Vec<RejectedRecord> = inspection
        .rejected
        .iter()
        .map(|rejected| RejectedRecord { image: rejected.id.clone(), reason: rejected.reason.clone() })
        .collect();
    let mut warnings = Vec::new();
    if let Some(first) = rejected.first() {
        warnings.push(format!(
            "{} image(s) cannot be used and are left out, {} for one: {}. data.json lists them; repair or remove them, or refuse \
             them with --strict",
            rejected.len(),
            first.image,
            first.reason
        ));
    }
    if let Some(first) = shared.iter().next() {
        warnings.push(format!(
            "{} set(s) of byte-identical images stand in more than one of train, validation and test, {} for one: the \
             network is judged on images it was trained on. data.json lists them; remove one of each",
            shared.len(),
            named(first)
        ));
    }
    if let Some(first) = shared_looks.iter().next() {
        warnings.push(format!(
            "{} set(s) of images that look the same stand in more than one of train, validation and test, {} for one: the \
             network may be judged on images it was trained on. data.json lists them; look at them with `bakeoff data check --html`, \
             and leave one of each out (data.exclude), or let Bakeoff split (data.test = {{ from = \"all\" }}), which keeps copies together",
            shared_looks.len(),
            named(first)
        ));
    }
    if rule == SplitRule::Images {
        warnings.push(
            "this run was begun by a version of Bakeoff that let copies of an image stand on both sides of its own splits; it goes on \
             with those splits, so that its trials can be compared. A new folder (--out), or --fresh, keeps copies on one side"
                .to_owned(),
        );
    }
    for (sets, what) in
        [(&inspection.duplicates, "byte-identical images"), (&inspection.alike, "images that look the same")]
    {
        let confused: Vec<_> = sets.iter().filter(|set| set.across_classes).collect();
        if let Some(first) = confused.first() {
            warnings.push(format!(
                "{} set(s) of {what} are labelled as different classes, {} for one: correct their labels",
                confused.len(),
                named(&first.ids)
            ));
        }
    }
    warnings.extend(uneven.iter().take(NAMED).map(uneven_warning));
    if uneven.len() > NAMED {
        let more = uneven.len() - NAMED;
        warnings
            .push(format!("{more} more splits of a class are off their share because groups stay together"));
    }
    let kept: Vec<&CopiesRecord> = copies.iter().filter(|set| set.together && !set.across_splits).collect();
    let note = kept.first().map(|first| {
        format!(
            "{} set(s) of copies ({} images), {} for one, stand on one side of the splits. data.json lists them",
            kept.len(),
            kept.iter().map(|set| set.images.len()).sum::<usize>(),
            named(&first.images)
        )
    });
    warnings.extend(crate::enlargement::known(study, dataset, &inspection.shorter_sides));
    if train < study.config.train.batch {
        warnings.push(format!(
            "train.batch is {} but there are {train} training images: every epoch is a single smaller step",
            study.config.train.batch
        ));
    }
    let record = DataRecord {
        rule,
        copies,
        groups: dataset.declared_groups().sets().len(),
        classes: dataset.classes().to_vec(),
        train,
        validation,
        test,
        rejected,
        duplicates: shared.into_iter().collect(),
        warnings,
        content: inspection.content.clone(),
    };
    Ok((record, note))
}

/// Classes that a warning names one by one.
const NAMED: usize = 3;

/// The first images of a set.
fn named(ids: &[String]) -> String {
    let more = if ids.len() > NAMED { format!(" = … ({} images)", ids.len()) } else { String::new() };
    ids.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(" = ") + &more
}

/// Keeps a second process out of a run folder. The system lets go of it when the process ends, however it ends.
struct Lock {
    _file: File,
}

impl Lock {
    fn take(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join("lock");
        let mut file = open_own(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => {
                // For whoever is kept out; the lock itself does not depend on it.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(Self { _file: file })
            }
            Err(fs::TryLockError::WouldBlock) => {
                let holder = bakeoff_files::read_text(&path, 32).unwrap_or_default();
                let holder = holder.trim();
                let known = !holder.is_empty() && holder.bytes().all(|byte| byte.is_ascii_digit());
                let holder = if known { format!(" (process {holder})") } else { String::new() };
                Err(RunError::Locked { path: folder.to_owned(), holder })
            }
            // Some network file systems have no locks; a run there is still better than none.
            Err(fs::TryLockError::Error(_)) => Ok(Self { _file: file }),
        }
    }
}

/// Passes events on and writes them to log.txt, one line each, with time. A log that cannot be written stops nothing.
struct Log<'a> {
    inner: &'a dyn Observer,
    file: Option<Mutex<File>>,
}

impl<'a> Log<'a> {
    fn open(folder: &Path, inner: &'a dyn Observer) -> Self {
        let path = folder.join("log.txt");
        let file = append_to(&path).map_err(|error| {
            inner.event(Event::Warning(&format!("{}: no log is written: {error}", path.display())));
        });
        Self { inner, file: file.ok().map(Mutex::new) }
    }

    fn line(&self, text: &str) {
        if let Some(file) = &self.file {
            let line = format!("{} {}\n", utc(SystemTime::now()), text.replace('\n', " | "));
            let _ = lock(file).write_all(line.as_bytes());
        }
    }
}

impl Observer for Log<'_> {
    fn event(&self, event: Event<'_>) {
        let name = |key: &TrialKey| format!("{} seed {}", key.recipe, key.seed);
        match &event {
            Event::Started { study, trials, done, threads, jobs } => self.line(&format!(
                "started: study {study}, {trials} trials of which {done} are done, {threads} threads, {jobs} at a time, \
                 bakeoff {}",
                env!("CARGO_PKG_VERSION")
            )),
            Event::Inspected(data) => self.line(&format!(
                "data: {} classes, {} train, {} validation, {} test, {} left out",
                data.classes.len(),
                data.train,
                data.validation,
                data.test,
                data.rejected.len()
            )),
            Event::Previewed { recipe } => self.line(&format!("preview: {recipe}")),
            Event::TrialStarted { key, done, total } => {
                self.line(&format!("trial {}: begins at step {done} of {total}, {}", name(key), key.id));
            }
            Event::EpochFinished { key, record, epochs } => self.line(&format!(
                "trial {}: epoch {} of {epochs}, train loss {:.4}, validation loss {:.4}, top-1 {:.4}, {:.1} images/s",
                name(key),
                record.epoch,
                record.train_loss,
                record.validation_loss,
                record.validation_top1,
                record.images_per_second
            )),
            Event::TrialFinished { key, test, seconds } => self.line(&format!(
                "trial {}: finished, test top-1 {:.4}, top-5 {:.4}, {seconds:.1} s",
                name(key),
                test.top1,
                test.top5
            )),
            Event::TrialFailed { key, reason, epoch } => {
                self.line(&format!("trial {}: failed in epoch {epoch}: {reason}", name(key)));
            }
            Event::TrialSkipped { key, failed } => {
                self.line(&format!("trial {}: {} before", name(key), if *failed { "failed" } else { "finished" }));
            }
            Event::SeedAdded { seed, recipes } => {
                self.line(&format!("not decided yet: seed {seed} is added for {}", recipes.join(", ")));
            }
            Event::Warning(text) => self.line(&format!("warning: {text}")),
            Event::Note(text) => self.line(text),
            Event::Inspecting { .. } | Event::Step { .. } => {}
        }
        self.inner.event(event);
    }
}

/// RFC 3339 in UTC, to the second.
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days, for days since 1970.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn time_is_written_as_rfc_3339() {
        let at = |seconds| utc(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_826_154), "2000-02-29T12:09:14Z");
        assert_eq!(at(1_795_454_399), "2026-11-23T17:19:59Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn changed_keys_are_named_and_harmless_ones_are_not() {
        let before = json!({"name": "a", "train": {"epochs": 1}, "recipe": [{"name": "x", "mix": null}, {"name": "y"}]});
        let now = json!({"name": "b", "train": {"epochs": 2, "batch": 3}, "recipe": [{"name": "x", "mix": {"kind": "mixup"}}]});
        let mut lines = Vec::new();
        differences(&before, &now, "", &mut lines);
        assert_eq!(
            lines,
            [
                "recipe.x.mix: (absent) -> {\"kind\":\"mixup\"}",
                "train.batch: (absent) -> 3",
                "train.epochs: 1 -> 2"
            ]
        );
    }
}

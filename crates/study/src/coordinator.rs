//! Plans a run and hands its trials out, until all are done, no recipe needs another seed, or somebody stops it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bakeoff_files::{make_folder, write_bytes, write_sealed};
use bakeoff_nn::Model;
use serde_json::Value;

use crate::clock;
use crate::earlier::{Sorted, check_folder, check_trials, records_are_damaged, sort_out, unless_damaged};
use crate::environment::record_environment;
use crate::folder::{RunFolder, read_json_if_there};
use crate::folder_error::FolderError;
use crate::images::{ImageInspection, InspectedImages};
use crate::lock::Lock;
use crate::log::Log;
use crate::observer::{Event, Observer};
use crate::options::RunOptions;
use crate::plan::{Plan, add_seed};
use crate::preview;
use crate::records::{PlanRecord, RunState, RunStatus, SplitRule, TrialKey, TrialStatus, UntilDecided};
use crate::run_error::RunError;
use crate::splits;
use crate::stop::StopFlag;
use crate::study::Study;
use crate::threads::pool;
use crate::trial::{TrialContext, TrialEnd};
use crate::worker::{Trainer, Worker};

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
    Coordinator { study, folder, observer, stop, options, decide: None }.run()
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
    Coordinator { study, folder, observer, stop, options, decide: Some(decide) }.run()
}

/// Brings the trials of a study to their ends.
#[derive(Clone, Copy)]
struct Coordinator<'a> {
    study: &'a Study,
    folder: &'a RunFolder,
    observer: &'a dyn Observer,
    stop: &'a AtomicBool,
    options: &'a RunOptions,
    decide: Option<&'a dyn Decide>,
}

/// A seed that undecided recipes are given.
struct AddedSeed {
    seed: u64,
    recipes: Vec<String>,
}

impl Coordinator<'_> {
    fn run(&self) -> Result<Outcome, RunError> {
        check_folder(self.folder)?;
        make_folder(self.folder.path())?;
        let _lock = Lock::take(self.folder.path())?;
        let log = Log::open(self.folder.path(), self.observer);
        self.tell(RunStatus::Running)?;
        let outcome = Coordinator { observer: &log, ..*self }.run_locked();
        let status = match &outcome {
            Ok(outcome) => RunStatus::Ended {
                finished: outcome.finished,
                failed: outcome.failed.len(),
                pending: outcome.pending,
                interrupted: outcome.interrupted,
            },
            Err(error) => RunStatus::Stopped { reason: error.to_string() },
        };
        log.line(&status.to_string());
        // Whoever watches goes by it. The run's own end does not depend on it.
        if let Err(error) = self.tell(status) {
            log.line(&format!("warning: {error}"));
        }
        outcome
    }

    /// Says in the folder whether the run goes on.
    fn tell(&self, status: RunStatus) -> Result<(), RunError> {
        Ok(write_sealed(&self.folder.state_path(), &RunState { status, since: clock::now() })?)
    }

    /// The run, once the folder is ours.
    fn run_locked(&self) -> Result<Outcome, RunError> {
        let Self { study, folder, observer, stop, options, .. } = *self;
        let pool = pool(options.threads)?;
        let threads = pool.current_num_threads();
        let mut plan = pool.install(|| Plan::new(study))?;
        self.declare(&mut plan)?;
        plan.keep_earlier_addresses(study, folder);
        check_trials(study, &plan.dataset, &plan.record, folder, options.fresh)?;
        // The seeds that earlier sittings added are wanted again, for the same reasons.
        while self.next_seed(&mut plan.record, &plan.shared)?.is_some() {
            check_trials(study, &plan.dataset, &plan.record, folder, options.fresh)?;
        }

        let mut sorted = sort_out(&plan.record.trials, folder, options, observer)?;
        self.tell_start(&plan, &sorted, threads);
        for warning in &plan.record.warnings {
            observer.event(Event::Warning(warning));
        }
        write_sealed(&folder.plan_path(), &plan.record)?;
        write_bytes(&folder.path().join("study.toml"), study.text_with_overrides().as_bytes())?;
        write_sealed(&folder.study_path(), &study.config)?;
        // Finished trials may have been split by the rule of before, which is known when images were looked at.
        let damaged = records_are_damaged(&plan.record, folder, options.previews > 0, observer)?;
        let anew =
            options.fresh && !damaged && folder.data()?.is_some_and(|data| data.rule == SplitRule::Images);
        if sorted.unfinished.is_empty() && !anew && !damaged {
            return Ok(Outcome { finished: sorted.finished, failed: sorted.failed, ..Outcome::default() });
        }
        record_environment(study, folder, threads, observer)?;

        let look = ImageInspection { study, folder, pool: &pool, options, observer, stop };
        let Some(InspectedImages { admitted, threw_away }) = look.inspect(&mut plan)? else {
            let pending = sorted.unfinished.len();
            return Ok(Outcome {
                finished: sorted.finished,
                failed: sorted.failed,
                pending,
                interrupted: true,
            });
        };
        if threw_away {
            sorted = sort_out(&plan.record.trials, folder, options, observer)?;
            self.tell_start(&plan, &sorted, threads);
        }
        pool.install(|| preview::write_all(study, &plan, &admitted, folder, options.previews, observer))?;

        let Plan { dataset, model, record, shared, .. } = &mut plan;
        let context = TrialContext {
            study,
            dataset,
            model,
            pool: &pool,
            admitted: &admitted,
            checkpoint_every: options.checkpoint_every,
            observer,
        };
        let jobs = self.jobs(context.model, threads, sorted.unfinished.len());
        let trainer = Trainer { context, folder };
        let prepare = |record: &PlanRecord| {
            check_trials(study, dataset, record, folder, options.fresh)?;
            write_sealed(&folder.plan_path(), record)?;
            Ok(splits::write(study, dataset, &admitted, folder, &record.seeds)?)
        };
        self.train(&trainer, record, shared, sorted, Crew { threads, jobs }, &prepare)
    }

    fn tell_start(&self, plan: &Plan, sorted: &Sorted, threads: usize) {
        let trials = plan.record.trials.len();
        self.observer.event(Event::Started {
            study: &self.study.name,
            trials,
            done: trials - sorted.unfinished.len(),
            threads,
            jobs: self.jobs(&plan.model, threads, sorted.unfinished.len()),
        });
    }

    /// Writes into the plan what `decide` declares. A folder keeps the declaration it began with: to ask for more seeds after having
    /// looked would be one more look than was declared.
    fn declare(&self, plan: &mut Plan) -> Result<(), RunError> {
        let path = self.folder.plan_path();
        let before = unless_damaged(read_json_if_there::<PlanRecord>(&path), self.observer)?.flatten();
        let before = before.and_then(|plan| plan.until_decided);
        let now = self.decide.map(Decide::declared);
        match (before, now) {
            (Some(before), Some(now)) if before != now => Err(RunError::Declared {
                path: self.folder.path().to_owned(),
                first: before.first,
                most: before.most,
            }),
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

    /// Adds the next seed for every recipe that is still open, where all trials so far are done and there is one.
    fn next_seed(&self, record: &mut PlanRecord, shared: &Value) -> Result<Option<AddedSeed>, RunError> {
        let Some(decide) = self.decide else { return Ok(None) };
        if record.seeds.len() >= decide.declared().most {
            return Ok(None);
        }
        for key in &record.trials {
            let trial = match self.folder.trial(key) {
                Err(FolderError::Damaged { .. }) => return Ok(None),
                other => other?,
            };
            match trial.record.map(|record| record.status) {
                Some(TrialStatus::Finished { .. } | TrialStatus::Failed { .. }) => {}
                Some(TrialStatus::Running) | None => return Ok(None),
            }
        }
        let recipes =
            decide.open(record, self.folder).map_err(|message| RunError::Undecidable { message })?;
        let Some(seed) = record.seeds.iter().max().and_then(|seed| seed.checked_add(1)) else {
            return Ok(None);
        };
        if recipes.is_empty() {
            return Ok(None);
        }
        add_seed(record, shared, self.study, seed, &recipes);
        Ok(Some(AddedSeed { seed, recipes }))
    }

    /// Trials at a time. A network whose step is a few milliseconds' work leaves threads waiting for each other; trials beside
    /// each other do not. The network of a larger step keeps all threads busy, and one at a time needs the least memory.
    fn jobs(&self, model: &Model, threads: usize, trials: usize) -> usize {
        /// Floating-point operations of a training step below which threads wait more than they work.
        const SMALL: u64 = 20_000_000_000;
        let step = model.flops(true).saturating_mul(self.study.config.train.batch as u64);
        let jobs = match self.options.jobs {
            0 if step < SMALL => threads,
            0 => 1,
            asked => asked,
        };
        jobs.min(trials).max(1)
    }

    /// Has all trials run that are left, and then those of further seeds. `prepare` readies the folder for a plan with another seed.
    fn train(
        &self,
        worker: &dyn Worker,
        record: &mut PlanRecord,
        shared: &Value,
        sorted: Sorted,
        crew: Crew,
        prepare: &dyn Fn(&PlanRecord) -> Result<(), RunError>,
    ) -> Result<Outcome, RunError> {
        let mut outcome = Outcome::default();
        self.hand_out(worker, sorted, crew, &mut outcome)?;
        while !outcome.interrupted && outcome.pending == 0 {
            let before = record.trials.len();
            let Some(AddedSeed { seed, recipes }) = self.next_seed(record, shared)? else { break };
            prepare(record)?;
            self.observer.event(Event::SeedAdded { seed, recipes: &recipes });
            let sorted = sort_out(&record.trials[before..], self.folder, self.options, self.observer)?;
            self.hand_out(worker, sorted, crew, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Hands trials out in their order, several at a time, and counts what becomes of them.
    fn hand_out(
        &self,
        worker: &dyn Worker,
        sorted: Sorted,
        crew: Crew,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        let todo = &sorted.unfinished;
        let jobs = crew.jobs.min(todo.len()).max(1);
        let next = AtomicUsize::new(0);
        let halted: Mutex<Option<RunError>> = Mutex::new(None);
        // Stops the other trials when one halts; the user's own flag is only looked at, never touched.
        let halt = AtomicBool::new(false);
        let ended: Mutex<(usize, Vec<TrialKey>)> = Mutex::new((sorted.finished, sorted.failed));
        let stop = StopFlag::new(self.stop, &halt);
        let work = || {
            while !stop.raised() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(key) = todo.get(index) else { return };
                // The last trials, with nobody beside them, take the threads that would be idle.
                let threads = crew.threads / jobs.min(todo.len() - index);
                match worker.work(key, threads.max(1), &stop) {
                    Ok(TrialEnd::Finished) => lock(&ended).0 += 1,
                    Ok(TrialEnd::Failed { .. }) => lock(&ended).1.push(key.clone()),
                    Ok(TrialEnd::Interrupted) => {}
                    Err(error) => {
                        lock(&halted).get_or_insert(error);
                        halt.store(true, Ordering::Relaxed);
                    }
                }
            }
        };
        let before = sorted.finished + lock(&ended).1.len();
        std::thread::scope(|scope| {
            for _ in 1..jobs {
                scope.spawn(work);
            }
            work();
        });
        let (finished, failed) = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcome.pending = todo.len() + before - finished - failed.len();
        outcome.finished += finished;
        outcome.failed.extend(failed);
        outcome.interrupted = outcome.pending > 0 && self.stop.load(Ordering::Relaxed);
        match halted.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// How many work at a time.
#[derive(Clone, Copy, Debug)]
struct Crew {
    /// Threads in all.
    threads: usize,
    /// Trials at a time.
    jobs: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

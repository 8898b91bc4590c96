//! One trial: from the seed's initial weights to the test result, through any number of interruptions.

mod context;
mod scores;
mod state;

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bakeoff_augment::Pipeline;
use bakeoff_data::Splits;
use bakeoff_nn::{NnError, Session, SessionConfig, Snapshot, Weights};
use bakeoff_random::Stream;

use crate::config::Headline;
use crate::feed::{AHEAD, Feed, hidden_stages, prefetch};
use crate::folder::line_of_epoch;
use crate::model_card::{CardEntry, ModelCard};
use crate::observer::Event;
use crate::plan::sampled;
use crate::predictions;
use crate::records::{EpochRecord, TestRecord, TrialKey, TrialRecord, TrialStatus};
use crate::stop::StopFlag;
use crate::training::{first_session, step_config};
use bakeoff_files::{WriteError, append_to, at, make_folder, sha256_of_file, write_bytes, write_sealed};
use context::TrialStop;
pub(crate) use context::{Halt, TrialContext, TrialEnd};
use scores::{Scores, scores};
use state::{State, first_epochs};

/// Epochs that end sooner after a checkpoint than this do not write another.
const SHORT: Duration = Duration::from_secs(1);

/// Trains, evaluates and tests one trial, or goes on with it. Its folder is brought to the end that is returned, except that
/// a failure is the caller's to record.
pub(crate) fn run(
    context: &TrialContext<'_>,
    stop: &StopFlag<'_>,
    key: &TrialKey,
    folder: &Path,
    threads: usize,
) -> Result<TrialEnd, Halt> {
    let recipes = &context.study.config.recipe;
    let pipeline = recipes.iter().position(|recipe| recipe.name == key.recipe);
    let Some(pipeline) = pipeline.and_then(|index| context.study.pipelines().get(index)) else {
        return Ok(TrialEnd::Failed { reason: format!("no recipe is named `{}`", key.recipe), epoch: 1 });
    };
    let splits = match context.admitted.splits(context.study, context.dataset, key.seed) {
        Ok(splits) => splits,
        Err(error) => return Ok(TrialEnd::Failed { reason: error.to_string(), epoch: 1 }),
    };
    let feed = Feed {
        dataset: context.dataset,
        pipeline,
        seed: key.seed,
        batch: context.study.config.train.batch,
        train: &splits.train,
        sampling: context.study.config.train.sampling,
    };
    let mut trial = RunningTrial {
        context,
        threads,
        stop,
        key,
        folder,
        pipeline,
        splits: &splits,
        feed,
        state: State { id: key.id.clone(), ..State::default() },
        begun: Instant::now(),
        saved: Instant::now(),
    };
    match trial.run() {
        Ok(()) => Ok(TrialEnd::Finished),
        Err(TrialStop::Fail(reason)) => Ok(TrialEnd::Failed { reason, epoch: trial.epoch() }),
        Err(TrialStop::Stopped) => Ok(TrialEnd::Interrupted),
        Err(TrialStop::Halt(halt)) => Err(halt),
    }
}

/// A trial while it runs.
struct RunningTrial<'a> {
    context: &'a TrialContext<'a>,
    /// Threads of this trial's network.
    threads: usize,
    stop: &'a StopFlag<'a>,
    key: &'a TrialKey,
    folder: &'a Path,
    pipeline: &'a Pipeline,
    splits: &'a Splits,
    feed: Feed<'a>,
    state: State,
    /// When the time not yet counted in the state began.
    begun: Instant,
    /// When the last checkpoint was written.
    saved: Instant,
}

impl RunningTrial<'_> {
    /// The epoch being trained, from 1.
    fn epoch(&self) -> u32 {
        (self.state.epochs + 1).min(self.epochs())
    }

    fn epochs(&self) -> u32 {
        self.context.study.config.train.epochs
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.path("checkpoint.safetensors")
    }

    fn weights_path(&self, epoch: u32) -> PathBuf {
        self.path(&format!("weights-epoch-{epoch}.safetensors"))
    }

    fn stopped(&self) -> bool {
        self.stop.raised()
    }

    fn scores(&self, session: &mut Session, samples: &[usize], keep: bool) -> Result<Scores, TrialStop> {
        scores(self.context, self.stop, self.pipeline, session, samples, keep)
    }

    fn run(&mut self) -> Result<(), TrialStop> {
        make_folder(self.folder)?;
        let mut session = self.open()?;
        let steps = self.feed.steps();
        let total = steps as u64 * u64::from(self.epochs());
        let done = u64::from(self.state.epochs) * steps as u64 + self.state.step as u64;
        self.context.observer.event(Event::TrialStarted { key: self.key, done, total });

        let (first, begin) = (self.state.epochs, self.state.step);
        let places = (first..self.epochs()).flat_map(|epoch| {
            ((if epoch == first { begin } else { 0 })..steps).map(move |step| (epoch, step))
        });
        let feed = self.feed;
        let pool = self.context.pool;
        let mut order = (u32::MAX, Vec::new());
        let make = move |(epoch, step): (u32, usize)| {
            if order.0 != epoch {
                order = (epoch, feed.order(epoch));
            }
            feed.batch(&order.1, epoch, step)
        };
        prefetch(pool, AHEAD, places, make, |batches| -> Result<(), TrialStop> {
            while self.state.epochs < self.epochs() {
                while self.state.step < steps {
                    if self.stopped() {
                        self.checkpoint(&session)?;
                        return Err(TrialStop::Stopped);
                    }
                    let begin = Instant::now();
                    let batch = batches
                        .next()
                        .ok_or_else(|| TrialStop::Fail("preparing images broke off".into()))??;
                    self.state.waiting_seconds += begin.elapsed().as_secs_f64();
                    let answers = batch.answers(&mut session)?;
                    let batch = pool.install(|| feed.ready(batch, &answers))?;
                    let at = u64::from(self.state.epochs) * steps as u64 + self.state.step as u64;
                    let step = step_config(self.context.study, at, steps);
                    let (images, targets) = (batch.images.values(), batch.targets.values());
                    let result = session.train_step_with(images, targets, &step, batch.regularisation())?;
                    if !result.loss.is_finite() {
                        return Err(TrialStop::Fail(format!(
                            "the loss became {} at step {} of {steps} in epoch {} (learning rate {}): training diverged; \
                             lower train.optimizer.lr or lengthen train.schedule.warmup_epochs",
                            if result.loss.is_nan() { "NaN" } else { "infinite" },
                            self.state.step + 1,
                            self.epoch(),
                            step.lr
                        )));
                    }
                    let images = batch.targets.len();
                    self.state.step += 1;
                    self.state.images += images;
                    self.state.loss_bits = (self.state.loss() + result.loss * images as f64).to_bits();
                    self.state.train_seconds += begin.elapsed().as_secs_f64();
                    self.context.observer.event(Event::Step {
                        key: self.key,
                        epoch: self.epoch(),
                        done: at + 1,
                        total,
                        loss: self.state.loss() / self.state.images as f64,
                        learning_rate: step.lr,
                        images_per_second: self.state.images as f64 / self.state.train_seconds.max(1e-9),
                    });
                    if self.saved.elapsed() >= self.context.checkpoint_every && self.state.step < steps {
                        self.checkpoint(&session)?;
                    }
                }
                self.finish_epoch(&mut session, steps)?;
            }
            Ok(())
        })?;
        self.test(&mut session)
    }

    /// The network as the trial left it, or new.
    fn open(&mut self) -> Result<Session, TrialStop> {
        let context = self.context;
        let train = &context.study.config.train;
        let config = SessionConfig {
            batch: (train.batch.min(self.splits.train.len().max(1)) * self.pipeline.views())
                .max(train.evaluation_batch().min(self.largest_batch())),
            backend: train.backend,
            threads: self.threads,
            train: true,
            trainable: train.trainable,
        };
        let mut session = match self.saved_state() {
            Some((snapshot, state)) => {
                let session = context.pool.install(|| -> Result<Session, NnError> {
                    let mut session = Session::new(context.model, &snapshot.weights, config)?;
                    session.restore(&snapshot)?;
                    Ok(session)
                })?;
                self.state = state;
                session
            }
            None => {
                let classes = context.dataset.classes();
                context
                    .pool
                    .install(|| first_session(context.study, context.model, classes, self.key.seed, config))?
            }
        };
        session.plan_hidden_mixes(&hidden_stages(self.pipeline))?;
        // Epochs after the checkpoint are trained again, to the same numbers: their lines must not stand twice. Lines are
        // kept as they were written, since numbers read from text and written again may differ in their last bit.
        let metrics = self.path("metrics.jsonl");
        let epochs = self.state.epochs as usize;
        let bytes = match bakeoff_files::read(&metrics, u64::MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(at(&metrics)(error).into()),
        };
        let kept = match first_epochs(&bytes, epochs, &self.key.id) {
            Ok(kept) => match self.damaged_weights() {
                None => kept,
                Some((path, reason)) => return self.begin_anew(&path, &reason),
            },
            Err(reason) => return self.begin_anew(&metrics, &reason),
        };
        if kept.len() < bytes.len() {
            write_bytes(&metrics, kept.as_bytes())?;
        }
        self.record(TrialStatus::Running)?;
        self.begun = Instant::now();
        self.saved = Instant::now();
        Ok(session)
    }

    /// What an earlier sitting left is not what it wrote, which no interruption does; only a new beginning mends it.
    fn begin_anew(&mut self, path: &Path, reason: &str) -> Result<Session, TrialStop> {
        self.warn_of(path, reason);
        fs::remove_file(self.checkpoint_path()).map_err(at(&self.checkpoint_path()))?;
        self.state = State { id: self.key.id.clone(), ..State::default() };
        self.open()
    }

    fn warn_of(&self, path: &Path, reason: &str) {
        // What cannot be read names itself.
        let path = path.display().to_string();
        let reason = reason.strip_prefix(&path).map_or(reason, |rest| rest.trim_start_matches(": "));
        self.context.observer.event(Event::Warning(&format!("{path}: {reason}; the trial begins anew")));
    }

    /// A file of weights kept for the headline that cannot be read any more, and why.
    fn damaged_weights(&self) -> Option<(PathBuf, String)> {
        self.state.kept.iter().find_map(|(epoch, _)| {
            let path = self.weights_path(*epoch);
            let error = Weights::read(&path).err()?;
            Some((path, error.to_string()))
        })
    }

    /// No batch is larger than what there is to fill it with.
    fn largest_batch(&self) -> usize {
        self.splits.train.len().max(self.splits.validation.len()).max(self.splits.test.len()).max(1)
    }

    /// The checkpoint, if there is one and it is this trial's.
    fn saved_state(&self) -> Option<(Snapshot, State)> {
        let path = self.checkpoint_path();
        if !path.is_file() {
            return None;
        }
        let read =
            Snapshot::read(&path).map_err(|error| error.to_string()).and_then(|(snapshot, metadata)| {
                let state = metadata.get("state").ok_or("it holds no state")?;
                let state: State = serde_json::from_str(state).map_err(|error| error.to_string())?;
                Ok((snapshot, state))
            });
        let reason = match read {
            Ok((snapshot, state)) if state.id == self.key.id => return Some((snapshot, state)),
            Ok(_) => "it is of another trial".to_owned(),
            Err(reason) => reason,
        };
        self.warn_of(&path, &reason);
        None
    }

    fn record(&self, status: TrialStatus) -> Result<(), WriteError> {
        let key = self.key;
        let record = TrialRecord { recipe: key.recipe.clone(), seed: key.seed, id: key.id.clone(), status };
        write_sealed(&self.path("trial.json"), &record)
    }

    /// Moves the time since the last call into the state.
    fn count_time(&mut self) {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.begun = Instant::now();
        self.state.epoch_seconds += seconds;
        self.state.seconds += seconds;
    }

    fn checkpoint(&mut self, session: &Session) -> Result<(), TrialStop> {
        self.count_time();
        let path = self.checkpoint_path();
        let state =
            serde_json::to_string(&self.state).map_err(|error| at(&path)(std::io::Error::other(error)))?;
        session.snapshot().write(&path, HashMap::from([("state".to_owned(), state)]))?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Evaluates an epoch whose steps are done, and puts it on disk.
    fn finish_epoch(&mut self, session: &mut Session, steps: usize) -> Result<(), TrialStop> {
        let scored = self.scores(session, &self.splits.validation, false).and_then(|validation| {
            let mut sample =
                Stream::new(self.key.seed, "train-sample", 0, 0).permutation(self.splits.train.len());
            sample.truncate(sampled(self.splits.train.len()));
            let sample: Vec<usize> = sample.into_iter().map(|position| self.splits.train[position]).collect();
            Ok((validation, self.scores(session, &sample, false)?))
        });
        let (validation, train) = match scored {
            Err(TrialStop::Stopped) => {
                // All steps are done; only the evaluation is to be done again.
                self.checkpoint(session)?;
                return Err(TrialStop::Stopped);
            }
            other => other?,
        };
        self.count_time();
        let epoch = self.epoch();
        let last = u64::from(epoch) * steps as u64 - 1;
        let record = EpochRecord {
            epoch,
            train_loss: self.state.loss() / self.state.images.max(1) as f64,
            train_top1: train.top1,
            validation_loss: validation.loss,
            validation_top1: validation.top1,
            validation_top5: validation.top5,
            learning_rate: step_config(self.context.study, last, steps).lr,
            images_per_second: self.state.images as f64 / self.state.train_seconds.max(1e-9),
            waiting: self.state.waiting_seconds / self.state.train_seconds.max(1e-9),
            seconds: self.state.epoch_seconds,
        };
        let metrics = self.path("metrics.jsonl");
        let line = line_of_epoch(&record, &self.key.id).map_err(|error| at(&metrics)(error.into()))? + "\n";
        append_to(&metrics)
            .and_then(|mut file| {
                file.write_all(line.as_bytes())?;
                file.sync_all()
            })
            .map_err(at(&metrics))?;
        self.keep(session, epoch, validation.top1)?;
        self.state = State {
            id: self.state.id.clone(),
            epochs: epoch,
            seconds: self.state.seconds,
            kept: self.state.kept.clone(),
            ..State::default()
        };
        // A checkpoint costs more than the shortest epochs; what a crash may cost is this much training, never a bit.
        if epoch == self.epochs() || self.saved.elapsed() >= self.context.checkpoint_every.min(SHORT) {
            self.checkpoint(session)?;
            // Only now: until then the checkpoint on disk names the weights it kept.
            self.forget_weights()?;
        }
        self.count_time();
        self.state.epoch_seconds = 0.0;
        self.context.observer.event(Event::EpochFinished {
            key: self.key,
            record: &record,
            epochs: self.epochs(),
        });
        Ok(())
    }

    /// Keeps the epoch's weights where the headline may want them.
    fn keep(&mut self, session: &Session, epoch: u32, top1: f64) -> Result<(), TrialStop> {
        let kept = &mut self.state.kept;
        match self.context.study.config.compare.headline {
            Headline::Last => return Ok(()),
            Headline::BestOnValidation => {
                if kept.first().is_some_and(|(_, best)| *best >= top1) {
                    return Ok(());
                }
                *kept = vec![(epoch, top1)];
            }
            Headline::MedianOfLast(k) => {
                if epoch + k <= self.context.study.config.train.epochs {
                    return Ok(());
                }
                kept.push((epoch, top1));
            }
        }
        session.weights().write(&self.weights_path(epoch), HashMap::new())?;
        Ok(())
    }

    /// The epoch the headline names.
    fn headline(&self) -> u32 {
        let mut kept = self.state.kept.clone();
        // By accuracy, the earlier of equals first.
        kept.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        match self.context.study.config.compare.headline {
            Headline::Last => self.epochs(),
            Headline::BestOnValidation | Headline::MedianOfLast(_) => {
                kept.get(kept.len() / 2).map_or(self.epochs(), |(epoch, _)| *epoch)
            }
        }
    }

    /// Removes weights of epochs that the headline cannot name any more.
    fn forget_weights(&self) -> Result<(), WriteError> {
        let entries = fs::read_dir(self.folder).map_err(at(self.folder))?;
        for entry in entries {
            let path = entry.map_err(at(self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(rest) = name.strip_prefix("weights-epoch-") else { continue };
            let epoch = rest.strip_suffix(".safetensors").and_then(|epoch| epoch.parse::<u32>().ok());
            if !self.state.kept.iter().any(|(kept, _)| Some(*kept) == epoch) {
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    /// The end: the headline's weights on the test split, once.
    fn test(&mut self, session: &mut Session) -> Result<(), TrialStop> {
        let epoch = self.headline();
        if epoch != self.epochs() {
            let read = Weights::read(&self.weights_path(epoch));
            let (weights, _) = read.map_err(|error| TrialStop::Fail(error.to_string()))?;
            session.restore(&Snapshot { weights, ..Snapshot::default() })?;
        }
        let scores = self.scores(session, &self.splits.test, true)?;
        self.count_time();
        let test = TestRecord {
            images: scores.predictions.len(),
            loss: scores.loss,
            top1: scores.top1,
            top5: scores.top5,
            epochs: vec![epoch],
        };
        let classes = self.context.dataset.classes();
        session.weights().write(&self.path("weights.safetensors"), self.card(epoch).write())?;
        predictions::write(&self.path("predictions.parquet"), &scores.predictions, classes)?;
        let seconds = self.state.seconds;
        let digest = |name: &str| {
            let path = self.path(name);
            sha256_of_file(&path, u64::MAX).map(Some).map_err(at(&path))
        };
        self.record(TrialStatus::Finished {
            test: test.clone(),
            seconds,
            metrics_sha256: digest("metrics.jsonl")?,
            predictions_sha256: digest("predictions.parquet")?,
        })?;
        // From here on the trial is finished, whatever happens to what is left over.
        self.state.kept.clear();
        let _ = self.forget_weights();
        let _ = fs::remove_file(self.checkpoint_path());
        self.context.observer.event(Event::TrialFinished { key: self.key, test: &test, seconds });
        Ok(())
    }

    fn card(&self, epoch: u32) -> ModelCard {
        let study = self.context.study;
        ModelCard {
            model: Some(self.context.model.name().to_owned()),
            network: Some(self.context.model.describe()),
            classes: CardEntry::Present(self.context.dataset.classes().to_vec()),
            image: CardEntry::Present(study.config.train.image),
            preprocess: CardEntry::Present(study.preprocess().clone()),
            study: Some(study.name.clone()),
            recipe: Some(self.key.recipe.clone()),
            seed: CardEntry::Present(self.key.seed),
            epoch: CardEntry::Present(epoch),
            trial: Some(self.key.id.clone()),
            bakeoff: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }
    }
}

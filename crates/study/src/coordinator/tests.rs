//! Who gets which trial, and when: with a worker that trains nothing.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use bakeoff_files::{WriteError, at};

use super::*;
use crate::observer::Silent;
use crate::records::{TestRecord, TrialRecord};

/// Says of every trial at once what becomes of it, and remembers what it was given.
struct Mock<'a> {
    folder: &'a RunFolder,
    /// What becomes of a trial.
    end: fn(&TrialKey) -> TrialEnd,
    /// The trial during which somebody stops the run.
    stop_in: Option<(&'a str, u64, &'a AtomicBool)>,
    given: Mutex<Vec<(String, usize)>>,
}

fn finished(_: &TrialKey) -> TrialEnd {
    TrialEnd::Finished
}

impl<'a> Mock<'a> {
    fn new(folder: &'a RunFolder, end: fn(&TrialKey) -> TrialEnd) -> Self {
        Self { folder, end, stop_in: None, given: Mutex::default() }
    }

    /// The trials in the order in which they were given out.
    fn trials(&self) -> Vec<String> {
        lock(&self.given).iter().map(|(trial, _)| trial.clone()).collect()
    }

    fn threads(&self) -> Vec<usize> {
        lock(&self.given).iter().map(|&(_, threads)| threads).collect()
    }

    fn record(&self, key: &TrialKey, status: TrialStatus) -> Result<(), WriteError> {
        let folder = self.folder.trial_folder(&key.recipe, key.seed);
        make_folder(&folder)?;
        let line = r#"{"epoch":1,"train_loss":2.0,"train_top1":0.1,"validation_loss":2.0,"validation_top1":0.1,"validation_top5":0.5,"learning_rate":0.1,"images_per_second":9.0,"seconds":1.0}"#;
        write_bytes(&folder.join("metrics.jsonl"), format!("{line}\n").as_bytes())?;
        let record = TrialRecord { recipe: key.recipe.clone(), seed: key.seed, id: key.id.clone(), status };
        write_sealed(&folder.join("trial.json"), &record)
    }
}

impl Worker for Mock<'_> {
    fn work(&self, key: &TrialKey, threads: usize, stop: &StopFlag<'_>) -> Result<TrialEnd, RunError> {
        lock(&self.given).push((format!("{} {}", key.recipe, key.seed), threads));
        if let Some((recipe, seed, flag)) = self.stop_in
            && (recipe, seed) == (key.recipe.as_str(), key.seed)
        {
            flag.store(true, Ordering::Relaxed);
        }
        if stop.raised() {
            return Ok(TrialEnd::Interrupted);
        }
        let end = (self.end)(key);
        match &end {
            TrialEnd::Finished => {
                let test = TestRecord { images: 9, loss: 1.0, top1: 0.5, top5: 1.0, epochs: vec![1] };
                let (metrics_sha256, predictions_sha256) = (None, None);
                self.record(
                    key,
                    TrialStatus::Finished { test, seconds: 1.0, metrics_sha256, predictions_sha256 },
                )?;
            }
            TrialEnd::Failed { reason, epoch } => {
                self.record(key, TrialStatus::Failed { reason: reason.clone(), epoch: *epoch })?;
            }
            TrialEnd::Interrupted => {}
        }
        Ok(end)
    }
}

/// Calls recipes open until so many seeds are there.
struct OpenUntil {
    recipes: &'static [&'static str],
    seeds: usize,
    most: usize,
}

impl Decide for OpenUntil {
    fn declared(&self) -> UntilDecided {
        UntilDecided { first: 2, most: self.most }
    }

    fn open(&self, plan: &PlanRecord, _: &RunFolder) -> Result<Vec<String>, String> {
        let open = if plan.seeds.len() < self.seeds { self.recipes } else { &[] };
        Ok(open.iter().map(|&recipe| recipe.to_owned()).collect())
    }
}

/// A study of two recipes and two seeds, an empty run folder, and nobody who stops it.
struct Scene {
    study: Study,
    folder: RunFolder,
    _place: tempfile::TempDir,
    stop: AtomicBool,
    options: RunOptions,
}

impl Scene {
    fn new() -> Self {
        let text = include_str!("../../tests/tiny.toml");
        let place = tempfile::tempdir().unwrap();
        Self {
            study: Study::parse(text, Path::new("tiny.toml"), &[]).unwrap(),
            folder: RunFolder::at(place.path().join("run")),
            _place: place,
            stop: AtomicBool::new(false),
            options: RunOptions::default(),
        }
    }

    /// Hands out all trials that are left.
    fn train(
        &self,
        worker: &dyn Worker,
        decide: Option<&dyn Decide>,
        crew: Crew,
    ) -> Result<(Outcome, PlanRecord), RunError> {
        let Self { study, folder, stop, options, .. } = self;
        let coordinator = Coordinator { study, folder, observer: &Silent, stop, options, decide };
        let Plan { mut record, shared, .. } = Plan::new(study).unwrap();
        while coordinator.next_seed(&mut record, &shared)?.is_some() {}
        let sorted = sort_out(&record.trials, folder, options, &Silent)?;
        let outcome = coordinator.train(worker, &mut record, &shared, sorted, crew, &|_| Ok(()))?;
        Ok((outcome, record))
    }
}

const ALONE: Crew = Crew { threads: 4, jobs: 1 };

#[test]
fn trials_are_given_out_in_plan_order_with_all_threads_where_one_runs_at_a_time() {
    let scene = Scene::new();
    let worker = Mock::new(&scene.folder, finished);
    let (outcome, _) = scene.train(&worker, None, ALONE).unwrap();
    assert_eq!(worker.trials(), ["none 1", "mixup 1", "none 2", "mixup 2"]);
    assert_eq!(worker.threads(), [4; 4]);
    assert_eq!(outcome, Outcome { finished: 4, ..Outcome::default() });
}

#[test]
fn of_several_at_a_time_each_trial_is_given_out_once_and_the_last_takes_the_threads_left_idle() {
    let scene = Scene::new();
    let worker = Mock::new(&scene.folder, finished);
    let (outcome, _) = scene.train(&worker, None, Crew { threads: 6, jobs: 3 }).unwrap();
    let mut trials = worker.trials();
    trials.sort();
    assert_eq!(trials, ["mixup 1", "mixup 2", "none 1", "none 2"]);
    assert_eq!(outcome.finished, 4);
    let mut threads = worker.threads();
    threads.sort_unstable();
    assert_eq!(threads, [2, 2, 3, 6]);
}

#[test]
fn a_failed_trial_stops_no_other_and_is_not_tried_again_unless_asked_for() {
    let mut scene = Scene::new();
    let fails = |key: &TrialKey| match key.recipe.as_str() {
        "mixup" => TrialEnd::Failed { reason: "not a number".to_owned(), epoch: 1 },
        _ => TrialEnd::Finished,
    };
    let worker = Mock::new(&scene.folder, fails);
    let (outcome, _) = scene.train(&worker, None, ALONE).unwrap();
    assert_eq!((outcome.finished, outcome.failed.len(), outcome.pending), (2, 2, 0));

    let worker = Mock::new(&scene.folder, finished);
    let (outcome, _) = scene.train(&worker, None, ALONE).unwrap();
    assert!(worker.trials().is_empty());
    assert_eq!((outcome.finished, outcome.failed.len()), (2, 2));

    scene.options.retry_failed = true;
    let worker = Mock::new(&scene.folder, finished);
    let (outcome, _) = scene.train(&worker, None, ALONE).unwrap();
    assert_eq!(worker.trials(), ["mixup 1", "mixup 2"]);
    assert_eq!((outcome.finished, outcome.failed.len()), (4, 0));
}

#[test]
fn a_run_that_is_stopped_hands_out_nothing_more_and_goes_on_with_what_is_left() {
    let scene = Scene::new();
    let worker = Mock { stop_in: Some(("mixup", 1, &scene.stop)), ..Mock::new(&scene.folder, finished) };
    let (outcome, _) = scene.train(&worker, None, ALONE).unwrap();
    assert_eq!(worker.trials(), ["none 1", "mixup 1"]);
    assert_eq!(outcome, Outcome { finished: 1, failed: vec![], pending: 3, interrupted: true });

    scene.stop.store(false, Ordering::Relaxed);
    let worker = Mock::new(&scene.folder, finished);
    let (outcome, _) = scene.train(&worker, None, ALONE).unwrap();
    assert_eq!(worker.trials(), ["mixup 1", "none 2", "mixup 2"]);
    assert_eq!(outcome, Outcome { finished: 4, ..Outcome::default() });
}

#[test]
fn what_stops_one_trial_for_good_stops_the_run_and_keeps_what_is_finished() {
    struct Full<'a>(Mock<'a>);
    impl Worker for Full<'_> {
        fn work(&self, key: &TrialKey, threads: usize, stop: &StopFlag<'_>) -> Result<TrialEnd, RunError> {
            if key.recipe == "mixup" {
                let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
                return Err(RunError::Write(at(Path::new("trial.json"))(full)));
            }
            self.0.work(key, threads, stop)
        }
    }
    let scene = Scene::new();
    let worker = Full(Mock::new(&scene.folder, finished));
    let error = scene.train(&worker, None, ALONE).unwrap_err();
    assert!(error.to_string().contains("trial.json"), "{error}");
    assert_eq!(worker.0.trials(), ["none 1"]);
    assert!(!scene.stop.load(Ordering::Relaxed), "the user's flag is not touched");
}

#[test]
fn open_recipes_get_seeds_until_they_are_decided_or_there_are_no_more() {
    let scene = Scene::new();
    let worker = Mock::new(&scene.folder, finished);
    let decide = OpenUntil { recipes: &["none", "mixup"], seeds: 4, most: 9 };
    let (outcome, plan) = scene.train(&worker, Some(&decide), ALONE).unwrap();
    assert_eq!((outcome.finished, plan.seeds), (8, vec![1, 2, 3, 4]));
    assert_eq!(worker.trials()[4..], ["none 3", "mixup 3", "none 4", "mixup 4"]);

    // The same decisions again, from what is on disk.
    let worker = Mock::new(&scene.folder, finished);
    let (outcome, plan) = scene.train(&worker, Some(&decide), ALONE).unwrap();
    assert!(worker.trials().is_empty());
    assert_eq!((outcome.finished, plan.seeds.len()), (8, 4));

    let scene = Scene::new();
    let worker = Mock::new(&scene.folder, finished);
    let decide = OpenUntil { most: 3, ..decide };
    let (outcome, plan) = scene.train(&worker, Some(&decide), ALONE).unwrap();
    assert_eq!((outcome.finished, plan.seeds.len()), (6, 3));
}

#[test]
fn only_open_recipes_get_another_seed_and_none_before_all_trials_are_over() {
    let scene = Scene::new();
    let decide = OpenUntil { recipes: &["none"], seeds: 3, most: 9 };
    let worker = Mock { stop_in: Some(("mixup", 2, &scene.stop)), ..Mock::new(&scene.folder, finished) };
    let (outcome, plan) = scene.train(&worker, Some(&decide), ALONE).unwrap();
    assert_eq!((outcome.pending, plan.seeds.len()), (1, 2));

    scene.stop.store(false, Ordering::Relaxed);
    let worker = Mock::new(&scene.folder, finished);
    let (_, plan) = scene.train(&worker, Some(&decide), ALONE).unwrap();
    assert_eq!(worker.trials(), ["mixup 2", "none 3"]);
    assert_eq!(plan.trials.len(), 5);
}

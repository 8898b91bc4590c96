//! Crashes, failures and full disks.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bakeoff_study::records::TrialStatus;
use bakeoff_study::{Event, Observer, RunFolder, RunOptions, Silent, run};

use super::folders::copy;
use super::support::{Count, go, options, results, study};

/// Copies the disk as it is at some events of a run: what a crash at that moment leaves behind.
struct CopyAt {
    events: Vec<u64>,
    seen: AtomicU64,
    from: PathBuf,
    to: PathBuf,
}

impl Observer for CopyAt {
    fn event(&self, event: Event<'_>) {
        let counted =
            matches!(event, Event::Step { .. } | Event::EpochFinished { .. } | Event::TrialFinished { .. });
        if counted {
            let now = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
            if self.events.contains(&now) {
                copy(&self.from, &self.to.join(now.to_string()));
            }
        }
    }
}

#[test]
fn what_a_crash_leaves_on_disk_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(&["compare.headline=best-on-validation", "compare.seeds=1"]);
    let first = folder.path().join("first");
    go(&study, &first, &Silent, &options(2, 1)).unwrap();
    let expected = results(&first);

    // A checkpoint at every step, so that there is one in the middle of an epoch too. Fifteen events a trial, and its end.
    let every = RunOptions { checkpoint_every: std::time::Duration::ZERO, ..options(2, 1) };
    let running = folder.path().join("running");
    let (crashed, events) = (folder.path().join("crashed"), vec![2, 5, 9, 15, 16, 19, 22]);
    let observer = CopyAt {
        events: events.clone(),
        seen: AtomicU64::new(0),
        from: running.clone(),
        to: crashed.clone(),
    };
    go(&study, &running, &observer, &every).unwrap();
    assert_eq!(results(&running), expected);
    for event in events {
        let crashed = crashed.join(event.to_string());
        // A line that was being written, as a crash may leave it.
        let metrics = crashed.join("trials/mixup/seed-1/metrics.jsonl");
        if let Ok(mut text) = fs::read_to_string(&metrics) {
            text.push_str("{\"epoch\": 3, \"train_lo");
            fs::write(&metrics, text).unwrap();
        }
        go(&study, &crashed, &Silent, &options(1, 1)).unwrap();
        assert_eq!(results(&crashed), expected, "event {event}");
    }
}

#[test]
fn a_trial_whose_loss_is_not_finite_is_recorded_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    // Only the second recipe sees pixels this far out; the first trains as ever.
    let wild = study(&["train.optimizer.lr=1e30"]);
    let outcome = go(&wild, &path, &Silent, &options(2, 1)).unwrap();
    assert_eq!((outcome.finished, outcome.failed.len(), outcome.pending), (0, 4, 0));
    for trial in RunFolder::open(&path).unwrap().trials().unwrap() {
        let Some(TrialStatus::Failed { reason, epoch }) = trial.record.map(|record| record.status) else {
            panic!("{:?} did not fail", trial.key);
        };
        assert_eq!(epoch, 1);
        assert!(reason.contains("training diverged; lower train.optimizer.lr"), "{reason}");
        assert!(!trial.folder.join("checkpoint.safetensors").exists());
    }
    // Not tried again, unless asked for.
    let skipped = Mutex::new(0);
    let observer = Count(&skipped);
    assert_eq!(go(&wild, &path, &observer, &options(1, 1)).unwrap().failed.len(), 4);
    assert_eq!(*skipped.lock().unwrap(), 4);
    let again = RunOptions { retry_failed: true, ..options(1, 1) };
    assert_eq!(go(&wild, &path, &observer, &again).unwrap().failed.len(), 4);
    assert_eq!(*skipped.lock().unwrap(), 4);
}

/// Panics in the first step of one recipe.
struct Panics;

impl Observer for Panics {
    fn event(&self, event: Event<'_>) {
        if let Event::Step { key, .. } = event
            && key.recipe == "none"
        {
            panic!("a bug in step one");
        }
    }
}

#[test]
fn a_panic_in_a_trial_fails_that_trial_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| go(&study(&[]), &path, &Panics, &options(2, 2))));
    std::panic::set_hook(hook);
    let outcome = outcome.unwrap().unwrap();
    assert_eq!((outcome.finished, outcome.failed.len()), (2, 2));
    let trials = RunFolder::open(&path).unwrap().trials().unwrap();
    let failed = trials.iter().find(|trial| trial.key.recipe == "none").unwrap();
    assert!(matches!(&failed.record.as_ref().unwrap().status,
        TrialStatus::Failed { reason, epoch: 1 } if reason.contains("a bug in step one")));
}

#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_stops_the_run_and_loses_nothing() {
    // A folder that stands where a file must be written fails as a full disk does: the write is refused.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let study = study(&["compare.seeds=1"]);
    let block = path.join("trials/mixup/seed-1/predictions.parquet");
    // Stopped before it began: the folder has its plan, and no trial has been trained.
    run(&study, &RunFolder::at(&path), &Silent, &AtomicBool::new(true), &options(2, 1)).unwrap();
    fs::create_dir_all(block.join("in the way")).unwrap();
    let error = go(&study, &path, &Silent, &options(2, 1)).unwrap_err();
    assert!(error.to_string().contains("predictions.parquet"), "{error}");
    let trials = RunFolder::open(&path).unwrap().trials().unwrap();
    assert!(trials[0].test().is_some());
    assert_eq!(trials[1].metrics.len(), 3);
    assert!(trials[1].test().is_none());
    // With room again it goes on from the end of the last epoch.
    fs::remove_dir_all(&block).unwrap();
    struct NoTraining;
    impl Observer for NoTraining {
        fn event(&self, event: Event<'_>) {
            assert!(!matches!(event, Event::Step { .. }), "trained again");
        }
    }
    assert_eq!(go(&study, &path, &NoTraining, &options(2, 1)).unwrap().finished, 2);
}

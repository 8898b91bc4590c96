//! Whole runs of a tiny study.

mod analysis;
mod changes;
#[path = "../support/mod.rs"]
mod folders;
mod previews;
mod support;
mod troubles;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};

use bakeoff_study::records::{PlanRecord, RunStatus, UntilDecided};
use bakeoff_study::{Decide, Observer, RunError, RunFolder, Silent, run, run_until_decided};

use support::{INSIDE, StopAt, go, options, results, study, study_of};

#[test]
fn a_run_leaves_everything_the_report_needs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let outcome = go(&study(&[]), &path, &Silent, &options(2, 1)).unwrap();
    assert_eq!((outcome.finished, outcome.pending, outcome.interrupted), (4, 0, false));

    let run = RunFolder::open(&path).unwrap();
    assert_eq!(run.study().unwrap(), study(&[]).config);
    let data = run.data().unwrap().unwrap();
    assert_eq!((data.train, data.validation, data.test), (24, 6, 12));
    assert_eq!(data.classes.len(), 2);
    assert!(run.environment().unwrap().unwrap().started.ends_with('Z'));
    assert!(fs::read_to_string(path.join("log.txt")).unwrap().contains("trial mixup seed 2: finished"));
    let ended = RunStatus::Ended { finished: 4, failed: 0, pending: 0, interrupted: false };
    assert_eq!(run.state().unwrap().unwrap().status, ended);
    for trial in run.trials().unwrap() {
        assert_eq!(trial.metrics.iter().map(|m| m.epoch).collect::<Vec<_>>(), [1, 2, 3]);
        let test = trial.test().unwrap();
        let predictions = run.predictions(&trial).unwrap().unwrap();
        assert_eq!(predictions.len(), data.test);
        let right = predictions.iter().filter(|p| p.label == p.predicted).count();
        assert_eq!(test.top1, right as f64 / data.test as f64);
        assert!(predictions.iter().all(|p| (p.rank == 1) == (p.label == p.predicted)));
        let loss: f64 = predictions.iter().map(|p| -p.probability.ln()).sum::<f64>() / data.test as f64;
        assert!((loss - test.loss).abs() < 1e-9, "{loss} {}", test.loss);
        let mut left: Vec<String> = fs::read_dir(&trial.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["metrics.jsonl", "predictions.parquet", "trial.json", "weights.safetensors"]);
    }
    let previews = run.previews().unwrap();
    assert_eq!(previews.len(), 2);
    for preview in &previews {
        assert_eq!(preview.record.examples.len(), 8);
        for example in &preview.record.examples {
            assert!(preview.folder.join(&example.augmented).is_file());
            assert!((example.labels.iter().map(|label| label.share).sum::<f64>() - 1.0).abs() < 1e-6);
        }
    }
    assert!(previews[1].record.examples.iter().any(|example| example.partner.is_some()));
}

#[test]
fn threads_jobs_and_interruptions_do_not_change_a_bit() {
    let folder = tempfile::tempdir().unwrap();
    let straight = folder.path().join("straight");
    let study = study(&["compare.headline=median-of-last-5", "train.epochs=6"]);
    go(&study, &straight, &Silent, &options(1, 1)).unwrap();
    let expected = results(&straight);

    let parallel = folder.path().join("parallel");
    go(&study, &parallel, &Silent, &options(2, 2)).unwrap();
    assert_eq!(results(&parallel), expected);

    let threads = folder.path().join("threads");
    go(&study, &threads, &Silent, &options(3, 1)).unwrap();
    assert_eq!(results(&threads), expected);

    // Four steps an epoch, twenty-four a trial: stopped within an epoch, at the end of one, in the last, in the second trial.
    let stopped = folder.path().join("stopped");
    let mut sittings = 0;
    for step in [1, 4, 2, 5, 11, 3, 7, u64::MAX] {
        let stop = AtomicBool::new(false);
        let observer = StopAt { step, seen: AtomicU64::new(0), stop: &stop };
        let metrics = stopped.join("trials/none/seed-1/metrics.jsonl");
        let before = fs::read_to_string(&metrics).unwrap_or_default();
        let outcome = run(&study, &RunFolder::at(&stopped), &observer, &stop, &options(2, 1)).unwrap();
        // What was recorded stays as it was written.
        assert!(fs::read_to_string(&metrics).unwrap_or_default().starts_with(&before));
        assert_eq!(outcome.interrupted, outcome.pending > 0);
        let state = RunFolder::open(&stopped).unwrap().state().unwrap().unwrap();
        let (finished, pending, interrupted) = (outcome.finished, outcome.pending, outcome.interrupted);
        assert_eq!(state.status, RunStatus::Ended { finished, failed: 0, pending, interrupted });
        sittings += usize::from(outcome.interrupted);
    }
    assert_eq!(sittings, 7);
    assert_eq!(results(&stopped), expected);
}

#[test]
fn recipes_that_need_the_network_give_the_same_bits_on_any_threads_and_after_interruptions() {
    for [inside, outside] in INSIDE {
        let folder = tempfile::tempdir().unwrap();
        // Large enough for a map of several cells.
        let sets = ["compare.seeds=1", "train.epochs=2", "train.image=32"];
        let study = study_of(inside, &sets);
        let straight = folder.path().join("straight");
        go(&study, &straight, &Silent, &options(1, 1)).unwrap();
        let expected = results(&straight);

        let stopped = folder.path().join("stopped");
        for step in [6, 3, u64::MAX] {
            let stop = AtomicBool::new(false);
            let observer = StopAt { step, seen: AtomicU64::new(0), stop: &stop };
            run(&study, &RunFolder::at(&stopped), &observer, &stop, &options(2, 1)).unwrap();
        }
        assert_eq!(results(&stopped), expected, "{inside}");

        let other = folder.path().join("other");
        go(&study_of(outside, &sets), &other, &Silent, &options(2, 1)).unwrap();
        let other = results(&other);
        assert!(other[0].weights == expected[0].weights, "the baseline");
        assert!(other[1].weights != expected[1].weights, "{inside}");
    }
}

/// Calls every recipe open until there are three seeds, then only `none`.
struct Wanting(UntilDecided);

impl Decide for Wanting {
    fn declared(&self) -> UntilDecided {
        self.0
    }

    fn open(&self, plan: &PlanRecord, folder: &RunFolder) -> Result<Vec<String>, String> {
        for key in &plan.trials {
            let trial = folder.trial(key).map_err(|error| error.to_string())?;
            assert!(trial.test().is_some(), "asked only when all trials of the plan are done");
        }
        let open: &[&str] = if plan.seeds.len() < 3 { &["none", "mixup"] } else { &["none"] };
        Ok(open.iter().map(|name| (*name).to_owned()).collect())
    }
}

#[test]
fn seeds_are_added_for_open_recipes_up_to_the_most_and_an_interrupted_run_goes_on_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(&["train.epochs=1"]);
    let until = |path: &Path, observer: &dyn Observer, stop: &AtomicBool, most: usize| {
        let decide = Wanting(UntilDecided { first: 2, most });
        run_until_decided(&study, &RunFolder::at(path), observer, stop, &options(1, 1), &decide)
    };
    let whole = folder.path().join("whole");
    let outcome = until(&whole, &Silent, &AtomicBool::new(false), 4).unwrap();
    // Two seeds of two recipes, a third of both, a fourth of one.
    assert_eq!((outcome.finished, outcome.pending, outcome.interrupted), (7, 0, false));
    let plan = RunFolder::open(&whole).unwrap().plan().unwrap();
    assert_eq!((plan.seeds, plan.trials.len()), (vec![1, 2, 3, 4], 7));
    assert_eq!(plan.until_decided, Some(UntilDecided { first: 2, most: 4 }));

    let parts = folder.path().join("parts");
    let mut sittings = 0;
    loop {
        let stop = AtomicBool::new(false);
        let observer = StopAt { step: 9, seen: AtomicU64::new(0), stop: &stop };
        let outcome = until(&parts, &observer, &stop, 4).unwrap();
        sittings += 1;
        if !outcome.interrupted {
            assert_eq!(outcome.finished, 7);
            break;
        }
    }
    assert!(sittings > 3, "{sittings}");
    assert_eq!(results(&parts), results(&whole));

    let error = until(&whole, &Silent, &AtomicBool::new(false), 6).unwrap_err();
    assert!(matches!(error, RunError::Declared { first: 2, most: 4, .. }), "{error}");
    // A plain run does no more, and says what it finds.
    go(&study, &whole, &Silent, &options(1, 1)).unwrap();
    let plan = RunFolder::open(&whole).unwrap().plan().unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("--until-decided")), "{:?}", plan.warnings);
}

#[test]
fn a_pack_changes_no_bit_and_serves_every_study_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain/run");
    go(&study(&["data.pack=off"]), &plain, &Silent, &options(1, 1)).unwrap();
    // Interrupted in the middle, and gone on with on other threads.
    let packed = folder.path().join("packed/run");
    let stop = AtomicBool::new(false);
    let observer = StopAt { step: 6, seen: AtomicU64::new(0), stop: &stop };
    let on = study(&["data.pack=on"]);
    let outcome = run(&on, &RunFolder::at(&packed), &observer, &stop, &options(1, 1)).unwrap();
    assert!(outcome.interrupted);
    let packs = RunFolder::at(&packed).packs();
    let file = |packs: &Path| fs::read_dir(packs).unwrap().map(|entry| entry.unwrap()).next().unwrap();
    let written = file(&packs).metadata().unwrap().modified().unwrap();
    go(&on, &packed, &Silent, &options(2, 2)).unwrap();
    assert_eq!(results(&plain), results(&packed));
    let beside = folder.path().join("packed/beside");
    go(&on, &beside, &Silent, &options(2, 1)).unwrap();
    assert_eq!(results(&plain), results(&beside));
    assert_eq!(
        file(&packs).metadata().unwrap().modified().unwrap(),
        written,
        "it was read, not written again"
    );
    assert_eq!(fs::read_dir(&packs).unwrap().count(), 1);
}

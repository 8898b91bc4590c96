//! Whole runs of a tiny study: interrupted, crashed, failed, repeated, changed.

mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bakeoff_nn::Weights;
use bakeoff_study::records::{EpochRecord, PlanRecord, RunStatus, TrialStatus, UntilDecided};
use bakeoff_study::{
    AnalysisError, AnalysisOptions, Decide, Event, Observer, Outcome, Plan, Prediction, RunError, RunFolder,
    RunOptions, Silent, Study, Trial, analyse, preview, run, run_until_decided, write_predictions,
};

use support::copy;

fn study(overrides: &[&str]) -> Study {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Study::parse(include_str!("tiny.toml"), Path::new("tiny.toml"), &overrides)
        .unwrap_or_else(|e| panic!("{e}"))
}

fn options(threads: usize, jobs: usize) -> RunOptions {
    RunOptions { threads, jobs, ..RunOptions::default() }
}

fn go(
    study: &Study,
    path: &Path,
    observer: &dyn Observer,
    options: &RunOptions,
) -> Result<Outcome, RunError> {
    run(study, &RunFolder::at(path), observer, &AtomicBool::new(false), options)
}

/// Everything of a trial that must come out the same, to the last bit.
#[derive(Debug, PartialEq)]
struct TrialResult {
    id: String,
    weights: Vec<(String, Vec<u32>)>,
    metrics: Vec<[u64; 6]>,
    predictions: Vec<Prediction>,
    tested: Vec<u32>,
}

fn numbers(record: &EpochRecord) -> [u64; 6] {
    [
        u64::from(record.epoch),
        record.train_loss.to_bits(),
        record.train_top1.to_bits(),
        record.validation_loss.to_bits(),
        record.validation_top1.to_bits(),
        record.learning_rate.to_bits(),
    ]
}

fn results(path: &Path) -> Vec<TrialResult> {
    let folder = RunFolder::open(path).unwrap();
    let of = |trial: Trial| {
        let (weights, metadata) = Weights::read(&trial.folder.join("weights.safetensors")).unwrap();
        assert_eq!(metadata["model"], "resnet-tiny");
        assert_eq!(metadata["seed"], trial.key.seed.to_string());
        TrialResult {
            weights: weights
                .iter()
                .map(|(name, tensor)| (name.to_owned(), tensor.data.iter().map(|v| v.to_bits()).collect()))
                .collect(),
            metrics: trial.metrics.iter().map(numbers).collect(),
            predictions: folder.predictions(&trial).unwrap().unwrap(),
            tested: trial.test().unwrap().epochs.clone(),
            id: trial.key.id,
        }
    };
    folder.trials().unwrap().into_iter().map(of).collect()
}

/// Raises a stop flag (or panics, as a crash would) at the given step of the whole run.
struct StopAt<'a> {
    step: u64,
    seen: AtomicU64,
    stop: &'a AtomicBool,
}

impl Observer for StopAt<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::Step { .. } = event
            && self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.step
        {
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}

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

/// The tiny study with another mixer in its second recipe.
fn study_of(recipe: &str, overrides: &[&str]) -> Study {
    let text = include_str!("tiny.toml");
    let (before, _) = text.split_once("transforms =").unwrap();
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Study::parse(&format!("{before}{recipe}"), Path::new("tiny.toml"), &overrides)
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Recipes that need the network, and nearly the same ones that train to other bits.
const INSIDE: [[&str; 2]; 4] = [
    [
        "mix = { kind = \"manifold-mixup\", stages = [1, 3] }",
        "mix = { kind = \"manifold-mixup\", stages = [0] }",
    ],
    ["transforms = [{ kind = \"augmix\", consistency = 12.0 }]", "transforms = [{ kind = \"augmix\" }]"],
    ["mix = { kind = \"snapmix\" }", "mix = { kind = \"snapmix\", weighted = false }"],
    [
        "mix = { kind = \"puzzlemix\", n_labels = 2, beta = 0.0, eta = 0.0, t_eps = 0.1 }",
        "mix = { kind = \"puzzlemix\", n_labels = 2, beta = 0.0, eta = 0.0, transport = false }",
    ],
];

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

#[test]
fn a_preview_tells_what_is_mixed_inside_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let study = study_of(INSIDE[0][0], &[]);
    let previews = preview(&study, folder.path(), 7, 1).unwrap();
    for example in &previews[1].record.examples {
        assert!(matches!(example.stage, Some(1 | 3)) == example.partner.is_some(), "{example:?}");
        let [original, augmented] = [&example.original, &example.augmented]
            .map(|name| fs::read(previews[1].folder.join(name)).unwrap());
        assert!(original == augmented, "its pixels are left alone");
    }
    assert!(previews[1].record.examples.iter().any(|example| example.labels.len() == 2));
}

#[test]
fn a_preview_asks_the_network_as_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let preview_of = |recipe: &str, seed: u64| {
        let study = study_of(recipe, &["train.image=32"]);
        let path = folder.path().join(seed.to_string());
        preview(&study, &path, 7, seed).unwrap().swap_remove(1)
    };
    let of_seeds: Vec<_> = (1..4).map(|seed| preview_of(INSIDE[2][0], seed)).collect();
    let mixed: Vec<_> = of_seeds
        .iter()
        .flat_map(|preview| &preview.record.examples)
        .filter_map(|example| Some((example.lambda?, example.pasted?, example.weight)))
        .collect();
    // By what is seen, not by area: one box for a batch, another share for every image.
    let differs = mixed.iter().filter(|(lambda, [x0, y0, x1, y1], _)| {
        let area = ((x1 - x0) * (y1 - y0)) as f64 / (32.0 * 32.0);
        (1.0 - lambda - area).abs() > 0.01
    });
    assert!(mixed.len() > 7 && differs.count() > mixed.len() / 2, "{mixed:?}");
    assert!(mixed.iter().any(|(.., weight)| weight.is_some_and(|weight| (weight - 1.0).abs() > 0.01)));
    let puzzle = preview_of(INSIDE[3][0], 1);
    let masks = puzzle.record.examples.iter().filter_map(|example| example.mask.as_ref());
    let masks: Vec<_> = masks.map(|name| fs::read(puzzle.folder.join(name)).unwrap()).collect();
    assert!(
        masks.len() > 1 && masks.iter().any(|mask| *mask != masks[0]),
        "each image has a mask of its own"
    );
}

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

/// Counts skipped trials.
struct Count<'a>(&'a Mutex<usize>);

impl Observer for Count<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::TrialSkipped { .. } = event {
            *self.0.lock().unwrap() += 1;
        }
    }
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

/// No step may be taken.
struct NoSteps;

impl Observer for NoSteps {
    fn event(&self, event: Event<'_>) {
        assert!(!matches!(event, Event::Step { .. } | Event::Inspecting { .. }), "{event:?}");
    }
}

#[test]
fn finished_trials_never_run_twice_and_changed_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let small = ["train.epochs=1", "compare.seeds=1"];
    go(&study(&small), &path, &Silent, &options(2, 1)).unwrap();
    let before = results(&path);
    assert_eq!(go(&study(&small), &path, &NoSteps, &options(2, 1)).unwrap().finished, 2);
    assert_eq!(results(&path), before);

    // Another epoch: refused, with the key that changed; nothing is touched.
    let changed = study(&["train.epochs=2", "compare.seeds=1"]);
    let message = go(&changed, &path, &Silent, &options(2, 1)).unwrap_err().to_string();
    assert!(message.contains("2 trials run with other settings:\n  train.epochs: 1 -> 2\n"), "{message}");
    assert_eq!(results(&path), before);

    // One recipe changed: the other's trial is kept, by --fresh as well.
    let mixed = study(&["train.epochs=1", "compare.seeds=1", "recipe.mixup.mix.alpha=0.3"]);
    let message = go(&mixed, &path, &Silent, &options(2, 1)).unwrap_err().to_string();
    assert!(
        message.contains("1 trial run with other settings:\n  recipe.mixup.mix.alpha: 1.0 -> 0.3\n"),
        "{message}"
    );
    let skipped = Mutex::new(0);
    let fresh = RunOptions { fresh: true, ..options(2, 1) };
    assert_eq!(go(&mixed, &path, &Count(&skipped), &fresh).unwrap().finished, 2);
    assert_eq!(*skipped.lock().unwrap(), 1);
    let after = results(&path);
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);

    // Neither how many images are evaluated at a time nor what verdicts are about decides a bit: the trials stand.
    let other = ["train.epochs=1", "compare.seeds=1", "train.evaluation_batch=3", "compare.metric=balanced"];
    let other = study(&[&other[..], &["recipe.mixup.mix.alpha=0.3"]].concat());
    assert_eq!(go(&other, &path, &NoSteps, &options(2, 1)).unwrap().finished, 2);
    let anew = folder.path().join("anew");
    go(&other, &anew, &Silent, &options(2, 1)).unwrap();
    assert_eq!(results(&anew), after);

    // More seeds are more trials, not other ones.
    let more = study(&["train.epochs=1", "compare.seeds=2", "recipe.mixup.mix.alpha=0.3"]);
    assert_eq!(go(&more, &path, &Silent, &options(2, 1)).unwrap().finished, 4);
    assert_eq!(results(&path)[..2], after);
}

#[test]
fn trials_of_other_weights_or_of_another_version_are_refused_and_what_changed_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("start.safetensors");
    let first = ["train.epochs=1", "compare.seeds=1"];
    let donor = folder.path().join("donor");
    go(&study(&first), &donor, &Silent, &options(2, 1)).unwrap();
    let trained = |recipe: &str| donor.join(format!("trials/{recipe}/seed-1/weights.safetensors"));
    fs::copy(trained("none"), &weights).unwrap();
    let set = format!("model.weights={}", weights.display());
    let sets = [first[0], first[1], set.as_str()];
    let path = folder.path().join("run");
    go(&study(&sets), &path, &Silent, &options(2, 1)).unwrap();
    let before = results(&path);

    // The same file name, other weights in it.
    fs::copy(trained("mixup"), &weights).unwrap();
    let message = go(&study(&sets), &path, &Silent, &options(2, 1)).unwrap_err().to_string();
    assert!(
        message.contains("2 trials run with other settings:\n") && message.contains("weights file"),
        "{message}"
    );
    assert_eq!(results(&path), before);
    fs::copy(trained("none"), &weights).unwrap();
    assert_eq!(go(&study(&sets), &path, &NoSteps, &options(2, 1)).unwrap().finished, 2);

    // Another version of the program, whose trials have other addresses.
    for (file, old, new) in [
        ("environment.json", format!("\"{}\"", env!("CARGO_PKG_VERSION")), "\"0.0.0\"".to_owned()),
        ("trials/none/seed-1/trial.json", format!("\"{}", &address_of(&path)[..8]), "\"00000000".to_owned()),
    ] {
        rewrite(&path.join(file), &old, &new);
    }
    let message = go(&study(&sets), &path, &Silent, &options(2, 1)).unwrap_err().to_string();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        message
            .contains(&format!("1 trial run with other settings:\n  version of Bakeoff: 0.0.0 -> {version}")),
        "{message}"
    );
}

/// A record with other words in it and without a seal, as a program of before seals would have left it.
fn rewrite(path: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(path).unwrap();
    let text = &text[..text.rfind(",\n  \"sha256\"").unwrap_or(text.len())];
    assert!(text.contains(old), "{}: {text}", path.display());
    fs::write(path, text.replacen(old, new, 1) + "\n}\n").unwrap();
}

/// The address of the first trial of `none`.
fn address_of(path: &Path) -> String {
    let text = fs::read_to_string(path.join("trials/none/seed-1/trial.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_folder_with_other_files_and_a_folder_in_use_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    let error = go(&study(&[]), folder.path(), &Silent, &options(1, 1)).unwrap_err();
    assert!(error.to_string().contains("holds other files and no run"), "{error}");

    let path = folder.path().join("run");
    fs::create_dir(&path).unwrap();
    let lock = fs::File::create(path.join("lock")).unwrap();
    lock.try_lock().unwrap();
    let error = go(&study(&[]), &path, &Silent, &options(1, 1)).unwrap_err();
    assert!(error.to_string().contains("is in use by another bakeoff process"), "{error}");
}

#[test]
fn images_that_changed_under_a_run_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    for (class, light) in [("bright", 200u8), ("dark", 40)] {
        for (split, count) in [("train", 6u8), ("test", 3)] {
            let place = images.join(split).join(class);
            fs::create_dir_all(&place).unwrap();
            for number in 0..count {
                image::RgbImage::from_pixel(18, 18, image::Rgb([light, light + number, number]))
                    .save(place.join(format!("{number}.png")))
                    .unwrap();
            }
        }
    }
    fs::write(images.join("train/dark/5.png"), "no image").unwrap();
    let text = include_str!("tiny.toml");
    let (head, tail) = (text.find("[data.generated]").unwrap(), text.find("[model]").unwrap());
    let text =
        format!("{}{}", &text[..head].replace("source = \"generated\"", "path = \"images\""), &text[tail..]);
    let file = folder.path().join("s.toml");
    fs::write(&file, text).unwrap();
    let sets = ["train.epochs=1".to_owned(), "compare.seeds=1".to_owned(), "train.batch=4".to_owned()];
    let study = Study::read(&file, &sets).unwrap_or_else(|e| panic!("{e}"));
    let path = folder.path().join("run");

    let strict = RunOptions { strict: true, ..options(1, 1) };
    let error = go(&study, &path, &Silent, &strict).unwrap_err();
    assert!(error.to_string().contains("train/dark/5.png"), "{error}");

    let stop = AtomicBool::new(false);
    let observer = StopAt { step: 1, seen: AtomicU64::new(0), stop: &stop };
    run(&study, &RunFolder::at(&path), &observer, &stop, &options(1, 1)).unwrap();
    let data = RunFolder::open(&path).unwrap().data().unwrap().unwrap();
    assert_eq!(data.rejected.len(), 1);
    assert!(data.warnings.iter().any(|warning| warning.contains("train/dark/5.png")), "{:?}", data.warnings);

    fs::copy(images.join("train/dark/1.png"), images.join("train/dark/2.png")).unwrap();
    let error = go(&study, &path, &Silent, &options(1, 1)).unwrap_err();
    assert!(error.to_string().contains("are not those that the trials in"), "{error}");
    let fresh = RunOptions { fresh: true, ..options(1, 1) };
    assert_eq!(go(&study, &path, &Silent, &fresh).unwrap().finished, 2);
}

#[test]
fn imagenet_weights_on_images_taken_from_imagenet_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["n02085620-Chihuahua", "n02085782-Japanese_spaniel"] {
        let place = folder.path().join("images/train").join(class);
        fs::create_dir_all(&place).unwrap();
        for number in 0..5 {
            image::RgbImage::from_pixel(18, 18, image::Rgb([number, 0, 0]))
                .save(place.join(format!("{number}.png")))
                .unwrap();
        }
    }
    let weights = |classes, name: &str| {
        let model = bakeoff_nn::Model::by_name("resnet-tiny", classes, 16).unwrap();
        Weights::initial(&model, 1).write(&folder.path().join(name), Default::default()).unwrap();
    };
    weights(1000, "imagenet.safetensors");
    weights(10, "other.safetensors");
    let text = include_str!("tiny.toml");
    let (head, tail) = (text.find("[data.generated]").unwrap(), text.find("[model]").unwrap());
    let text =
        format!("{}{}", &text[..head].replace("source = \"generated\"", "path = \"images\""), &text[tail..]);
    let warnings = |weights: &str| {
        let sets = [format!("model.weights={weights}"), "compare.seeds=6".into()];
        let study =
            Study::parse(&text, &folder.path().join("s.toml"), &sets).unwrap_or_else(|e| panic!("{e}"));
        Plan::new(&study).unwrap().record.warnings
    };
    assert!(
        warnings("imagenet.safetensors").iter().any(|text| text.contains("has seen some of the test images"))
    );
    assert!(!warnings("other.safetensors").iter().any(|text| text.contains("built from ImageNet")));
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

#[test]
fn a_preview_shows_the_first_batch_a_trial_trains_on() {
    let folder = tempfile::tempdir().unwrap();
    let made = preview(&study(&[]), folder.path(), 3, 1).unwrap();
    assert_eq!(made.len(), 2);
    assert_eq!(made[0].record.examples.len(), 3);
    assert_eq!(made[0].record.image, 16);
    // Both recipes start from the same images: only the recipe differs.
    let images = |n: usize| made[n].record.examples.iter().map(|e| e.image.clone()).collect::<Vec<_>>();
    assert_eq!(images(0), images(1));
    // Without augmentation the network is shown the original.
    for example in &made[0].record.examples {
        let read = |name: &str| fs::read(made[0].folder.join(name)).unwrap();
        assert_eq!(read(&example.original), read(&example.augmented));
        assert_eq!(example.labels.len(), 1);
    }
    assert!(folder.path().join("mixup/preview.json").is_file());
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

#[test]
fn a_look_at_damaged_images_repeats_to_the_bit_and_changes_no_trial() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let study = study(&["train.evaluation_batch=5"]);
    let go_on = AtomicBool::new(false);
    let look = |threads, seeds, recipes: &[&str], stop: &AtomicBool, progress: &dyn Fn(usize, usize)| {
        let recipes = recipes.iter().map(|&name| name.to_owned()).collect();
        let options = AnalysisOptions { images: 11, seeds, recipes, maps: 2, threads };
        analyse(&RunFolder::open(&path).unwrap(), &options, stop, progress)
    };
    // Stopped before any trial is finished: there is nothing to look at.
    let observer = StopAt { step: 2, seen: AtomicU64::new(0), stop: &AtomicBool::new(false) };
    run(&study, &RunFolder::at(&path), &observer, observer.stop, &options(1, 1)).unwrap();
    let error = look(1, 0, &[], &go_on, &|_, _| ()).unwrap_err();
    assert!(
        matches!(&error, AnalysisError::Nothing { message, .. } if message.contains("bakeoff run")),
        "{error}"
    );

    go(&study, &path, &Silent, &options(2, 2)).unwrap();
    let before = results(&path);
    let records = || {
        let run = RunFolder::open(&path).unwrap();
        run.trials().unwrap().iter().map(|trial| run.robustness(trial).unwrap()).collect::<Vec<_>>()
    };
    let analysis = look(1, 0, &[], &go_on, &|_, _| ()).unwrap();
    assert_eq!((analysis.trials, analysis.left, analysis.images), (4, 0, 11));
    let whole = records();
    for record in whole.iter().flatten() {
        assert!(record.is_whole() && record.is_even() && (record.images, record.of) == (11, 12));
        assert_eq!((record.corruptions.len(), record.occlusion.len()), (65, 7));
    }
    assert_eq!(whole.len(), 4);

    // Maps of the first image of each class, under the networks of the first seed.
    let folder = RunFolder::open(&path).unwrap();
    let plan = Plan::new(&study).unwrap();
    for trial in folder.trials().unwrap() {
        let maps = folder.maps(&trial).unwrap();
        assert_eq!(maps.is_some(), trial.key.seed == 1);
        let Some(record) = maps else { continue };
        assert_eq!(record.maps.iter().map(|map| map.label).collect::<Vec<_>>(), [0, 1]);
        for map in &record.maps {
            assert!(map.rows > 0 && map.values.len() == map.rows * map.columns);
            assert!(map.values.iter().all(|value| value.is_finite()));
            let at = plan.dataset().samples().iter().position(|sample| sample.id == map.image).unwrap();
            assert_eq!(record.picture(map, plan.dataset(), at).unwrap().width(), 16);
            assert!(
                record.picture(map, plan.dataset(), at + 1).is_none(),
                "another image is no picture of it"
            );
        }
    }

    // Looked at again: nothing is done twice.
    let judged = AtomicUsize::new(0);
    let count = |done: usize, _: usize| {
        judged.fetch_add(1, Ordering::Relaxed);
        assert_eq!(done % (73 * 11), 0);
    };
    look(2, 0, &[], &go_on, &count).unwrap();
    assert_eq!(judged.into_inner(), 4);

    // Interrupted again and again, with other threads: the same.
    for trial in RunFolder::open(&path).unwrap().trials().unwrap() {
        fs::remove_file(trial.folder.join("robustness.json")).unwrap();
    }
    let mut sittings = 0;
    loop {
        let stop = AtomicBool::new(false);
        let seen = AtomicUsize::new(0);
        let interrupt = |_: usize, _: usize| {
            if seen.fetch_add(1, Ordering::Relaxed) == 100 {
                stop.store(true, Ordering::Relaxed);
            }
        };
        sittings += 1;
        if look(2, 0, &[], &stop, &interrupt).unwrap().left == 0 {
            break;
        }
    }
    assert!(sittings > 4, "{sittings}");
    assert_eq!(records(), whole);

    // Fewer seeds, one recipe besides the baseline, another number of images.
    assert_eq!(look(1, 1, &[], &go_on, &|_, _| ()).unwrap().trials, 2);
    assert_eq!(look(1, 0, &["none"], &go_on, &|_, _| ()).unwrap().trials, 2);
    let error = look(1, 0, &["mixupp"], &go_on, &|_, _| ()).unwrap_err();
    assert_eq!(error.to_string(), "the run has no recipe \"mixupp\"; its recipes are none, mixup");
    assert_eq!(results(&path), before);

    // Weights of another trial, weights that are gone, images that are others by now.
    let trial =
        |recipe: &str, seed: u64| RunFolder::at(&path).trial_folder(recipe, seed).join("weights.safetensors");
    let record = trial("mixup", 2).with_file_name("robustness.json");
    fs::remove_file(&record).unwrap();
    let kept = fs::read(trial("mixup", 2)).unwrap();
    fs::copy(trial("none", 1), trial("mixup", 2)).unwrap();
    let error = look(1, 0, &[], &go_on, &|_, _| ()).unwrap_err();
    assert!(error.to_string().contains("it is of another trial"), "{error}");
    fs::remove_file(trial("mixup", 2)).unwrap();
    let analysis = look(1, 0, &[], &go_on, &|_, _| ()).unwrap();
    assert_eq!((analysis.trials, analysis.left, analysis.incomplete.len()), (3, 0, 1));
    fs::write(trial("mixup", 2), kept).unwrap();

    // Predictions that are gone, and predictions of fewer images.
    let predictions = trial("mixup", 2).with_file_name("predictions.parquet");
    let kept = fs::read(&predictions).unwrap();
    fs::remove_file(&predictions).unwrap();
    let analysis = look(1, 0, &[], &go_on, &|_, _| ()).unwrap();
    assert_eq!((analysis.trials, analysis.left, analysis.incomplete.len()), (3, 0, 1));
    let run_folder = RunFolder::open(&path).unwrap();
    let mut test = run_folder.predictions(&run_folder.trials().unwrap()[0]).unwrap().unwrap();
    test.pop();
    let classes = ["a".to_owned(), "b".to_owned()];
    write_predictions(&predictions, &test, &classes).unwrap();
    let error = look(1, 0, &[], &go_on, &|_, _| ()).unwrap_err();
    assert!(error.to_string().contains("its SHA-256 differs"), "{error}");
    // A trial of before predictions had a checksum.
    let record = predictions.with_file_name("trial.json");
    let record_kept = fs::read(&record).unwrap();
    rewrite(&record, "predictions_sha256", "another_key");
    let error = look(1, 0, &[], &go_on, &|_, _| ()).unwrap_err();
    assert!(error.to_string().contains("not tested on the same images"), "{error}");
    fs::write(&predictions, kept).unwrap();
    fs::write(&record, record_kept).unwrap();

    // A record without one of its parts is no record of these.
    let text = fs::read_to_string(trial("none", 1).with_file_name("robustness.json")).unwrap();
    let mut short: serde_json::Value = serde_json::from_str(&text).unwrap();
    short["corruptions"].as_array_mut().unwrap().remove(7);
    fs::write(trial("none", 1).with_file_name("robustness.json"), short.to_string()).unwrap();
    look(1, 0, &[], &go_on, &|_, _| ()).unwrap();
    assert_eq!(records(), whole);
    rewrite(&path.join("study.json"), "\"test_per_class\": 6", "\"test_per_class\": 5");
    let error = look(1, 0, &[], &go_on, &|_, _| ()).unwrap_err();
    assert!(matches!(error, AnalysisError::Missing { .. }), "{error}");
}

//! What several tests of whole runs need.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bakeoff_nn::Weights;
use bakeoff_study::records::EpochRecord;
use bakeoff_study::{
    Event, Observer, Outcome, Prediction, RunError, RunFolder, RunOptions, Study, Trial, run,
};

pub(crate) fn study(overrides: &[&str]) -> Study {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Study::parse(include_str!("../tiny.toml"), Path::new("tiny.toml"), &overrides)
        .unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn options(threads: usize, jobs: usize) -> RunOptions {
    RunOptions { threads, jobs, ..RunOptions::default() }
}

pub(crate) fn go(
    study: &Study,
    path: &Path,
    observer: &dyn Observer,
    options: &RunOptions,
) -> Result<Outcome, RunError> {
    run(study, &RunFolder::at(path), observer, &AtomicBool::new(false), options)
}

/// Everything of a trial that must come out the same, to the last bit.
#[derive(Debug, PartialEq)]
pub(crate) struct TrialResult {
    id: String,
    pub(crate) weights: Vec<(String, Vec<u32>)>,
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

pub(crate) fn results(path: &Path) -> Vec<TrialResult> {
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
pub(crate) struct StopAt<'a> {
    pub(crate) step: u64,
    pub(crate) seen: AtomicU64,
    pub(crate) stop: &'a AtomicBool,
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

/// The tiny study with another mixer in its second recipe.
pub(crate) fn study_of(recipe: &str, overrides: &[&str]) -> Study {
    let text = include_str!("../tiny.toml");
    let (before, _) = text.split_once("transforms =").unwrap();
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Study::parse(&format!("{before}{recipe}"), Path::new("tiny.toml"), &overrides)
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Recipes that need the network, and nearly the same ones that train to other bits.
pub(crate) const INSIDE: [[&str; 2]; 4] = [
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

/// Counts skipped trials.
pub(crate) struct Count<'a>(pub(crate) &'a Mutex<usize>);

impl Observer for Count<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::TrialSkipped { .. } = event {
            *self.0.lock().unwrap() += 1;
        }
    }
}

/// A record with other words in it and without a seal, as a program of before seals would have left it.
pub(crate) fn rewrite(path: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(path).unwrap();
    let text = &text[..text.rfind(",\n  \"sha256\"").unwrap_or(text.len())];
    assert!(text.contains(old), "{}: {text}", path.display());
    fs::write(path, text.replacen(old, new, 1) + "\n}\n").unwrap();
}

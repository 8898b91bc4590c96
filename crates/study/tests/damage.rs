//! Every file of a run folder, flipped, cut, emptied, exchanged, lost: it is named, and running again makes it again.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bakeoff_nn::Weights;
use bakeoff_study::records::{EpochRecord, MapsRecord, PlanRecord, RobustnessRecord};
use bakeoff_study::{
    AnalysisOptions, Event, FolderError, Observer, Prediction, RunFolder, RunOptions, Study, analyse, run,
};

use support::copy;

fn study() -> Study {
    let overrides = ["compare.headline=best-on-validation".to_owned()];
    Study::parse(include_str!("tiny.toml"), Path::new("tiny.toml"), &overrides)
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Collects what is warned about.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Observer for Warnings {
    fn event(&self, event: Event<'_>) {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }
}

/// Runs the study in a folder and gives its warnings.
fn go(path: &Path) -> Result<Vec<String>, String> {
    let warnings = Warnings::default();
    let options = RunOptions { threads: 1, jobs: 1, ..RunOptions::default() };
    run(&study(), &RunFolder::at(path), &warnings, &AtomicBool::new(false), &options)
        .map_err(|error| error.to_string())?;
    Ok(warnings.0.into_inner().unwrap())
}

fn look(path: &Path) -> Result<(), String> {
    let options = AnalysisOptions { images: 3, maps: 1, threads: 1, ..AnalysisOptions::default() };
    let folder = RunFolder::open(path).map_err(|error| error.to_string())?;
    analyse(&folder, &options, &AtomicBool::new(false), &|_, _| ()).map_err(|error| error.to_string())?;
    Ok(())
}

/// Everything that numbers come from, without what a clock measured.
#[derive(Debug, PartialEq)]
struct Numbers {
    plan: PlanRecord,
    splits: Vec<String>,
    trials: Vec<TrialNumbers>,
    previews: usize,
}

#[derive(Debug, PartialEq)]
struct TrialNumbers {
    metrics: Vec<EpochRecord>,
    predictions: Vec<Prediction>,
    weights: Vec<(String, Vec<u32>)>,
    robustness: Option<RobustnessRecord>,
    maps: Option<MapsRecord>,
}

/// What a run folder tells; or everything in it that is named as damaged.
fn numbers(path: &Path) -> Result<Numbers, Vec<String>> {
    let mut damage = Vec::new();
    fn read<T>(read: Result<T, FolderError>, damage: &mut Vec<String>) -> Option<T> {
        read.map_err(|error| damage.push(error.to_string())).ok()
    }
    let folder = RunFolder::open(path).map_err(|error| vec![error.to_string()])?;
    let plan = read(folder.plan(), &mut damage);
    read(folder.study(), &mut damage);
    if read(folder.data(), &mut damage).flatten().is_none() {
        damage.push("data.json".into());
    }
    read(folder.environment(), &mut damage);
    let mut splits = Vec::new();
    splits.extend(read(folder.test_split(), &mut damage).map(|split| format!("{split:?}")));
    for seed in [1, 2] {
        splits.extend(read(folder.validation_split(seed), &mut damage).map(|split| format!("{split:?}")));
    }
    let previews =
        plan.as_ref().and_then(|_| read(folder.previews(), &mut damage)).map_or(0, |all| all.len());
    let mut trials = Vec::new();
    for key in plan.iter().flat_map(|plan| &plan.trials) {
        let Some(trial) = read(folder.trial(key), &mut damage) else { continue };
        damage.extend(trial.damage.clone());
        let predictions = read(folder.predictions(&trial), &mut damage).flatten();
        let robustness = read(folder.robustness(&trial), &mut damage).flatten();
        let maps = read(folder.maps(&trial), &mut damage).flatten();
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
        let weights = match Weights::read(&trial.folder.join("weights.safetensors")) {
            Ok((weights, _)) => weights.iter().map(|(name, t)| (name.to_owned(), bits(&t.data))).collect(),
            Err(error) => {
                damage.push(error.to_string());
                continue;
            }
        };
        let metrics = trial.metrics.into_iter();
        let metrics =
            metrics.map(|epoch| EpochRecord { images_per_second: 0.0, waiting: 0.0, seconds: 0.0, ..epoch });
        let (metrics, predictions) = (metrics.collect(), predictions.unwrap_or_default());
        trials.push(TrialNumbers { metrics, predictions, weights, robustness, maps });
    }
    match plan {
        Some(plan) if damage.is_empty() => Ok(Numbers { plan, splits, trials, previews }),
        _ => Err(damage),
    }
}

/// One way to damage a file; the second path is of its like, of another trial.
type Damage = fn(&Path, &Path);

const DAMAGES: [(&str, Damage); 5] = [
    ("a digit flipped", |path, _| {
        let mut bytes = fs::read(path).unwrap();
        let digit = (bytes.len() / 2..bytes.len()).find(|&at| bytes[at].is_ascii_digit());
        bytes[digit.unwrap_or_else(|| path.metadata().unwrap().len() as usize / 2)] ^= 1;
        fs::write(path, bytes).unwrap();
    }),
    ("cut", |path, _| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("emptied", |path, _| fs::write(path, "").unwrap()),
    ("in another's place", |path, other| {
        fs::copy(other, path).unwrap();
    }),
    ("gone", |path, _| fs::remove_file(path).unwrap()),
];

#[test]
fn every_damaged_file_of_a_run_is_named_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    go(&whole).unwrap();
    look(&whole).unwrap();
    let expected = numbers(&whole).unwrap();
    assert!(expected.trials.iter().all(|trial| trial.robustness.is_some() && !trial.predictions.is_empty()));

    let trial = |name: &str| (format!("trials/mixup/seed-1/{name}"), format!("trials/none/seed-2/{name}"));
    let alone = |name: &str| (name.to_owned(), "environment.json".to_owned());
    let files = [
        alone("plan.json"),
        alone("study.json"),
        alone("data.json"),
        ("environment.json".to_owned(), "data.json".to_owned()),
        ("splits/test.json".to_owned(), "splits/seed-1.json".to_owned()),
        ("splits/seed-1.json".to_owned(), "splits/seed-2.json".to_owned()),
        ("preview/mixup/preview.json".to_owned(), "preview/none/preview.json".to_owned()),
        trial("trial.json"),
        trial("metrics.jsonl"),
        trial("predictions.parquet"),
        trial("weights.safetensors"),
        trial("robustness.json"),
        trial("maps.json"),
    ];
    for (file, other) in &files {
        for (what, damage) in DAMAGES {
            let label = format!("{file} {what}");
            let path = folder.path().join("damaged");
            copy(&whole, &path);
            if file.ends_with("maps.json") {
                // Maps are made for the first seed alone.
                copy(&whole.join("trials/none/seed-1"), &path.join("trials/none/seed-2"));
            }
            damage(&path.join(file), &path.join(other));
            if file.ends_with("maps.json") {
                fs::remove_dir_all(path.join("trials/none/seed-2")).unwrap();
                copy(&whole.join("trials/none/seed-2"), &path.join("trials/none/seed-2"));
            }
            let name = Path::new(file).file_name().unwrap().to_str().unwrap();
            let lost_and_not_missed = what == "gone"
                && [
                    "environment.json",
                    "trial.json",
                    "test.json",
                    "seed-1.json",
                    "preview.json",
                    "robustness.json",
                    "maps.json",
                ]
                .contains(&name);
            let same_weights_elsewhere = name == "weights.safetensors" && what == "in another's place";
            match numbers(&path) {
                Err(damage) => assert!(damage.iter().any(|text| text.contains(name)), "{label}: {damage:?}"),
                // Nothing is claimed of what is not there; weights say themselves whose they are, and a look asks them.
                Ok(found) => {
                    assert!(lost_and_not_missed || same_weights_elsewhere || found == expected, "{label}");
                    assert!(lost_and_not_missed || same_weights_elsewhere || name == "plan.json", "{label}");
                }
            }

            // A whole file of another kind is not written over: it might be of another version of Bakeoff.
            let other_kind =
                what == "in another's place" && !other.contains("seed-") && name != "preview.json"
                    || (file.as_str(), what) == ("splits/test.json", "in another's place");
            if other_kind {
                let error = go(&path).err().or_else(|| numbers(&path).err().map(|all| all.join("; ")));
                assert!(error.is_none_or(|error| error.contains(name)), "{label}");
                fs::remove_dir_all(&path).unwrap();
                continue;
            }
            let warnings = go(&path).unwrap_or_else(|error| panic!("{label}: {error}"));
            if name == "weights.safetensors" {
                // What only a look reads is found by a look, which says what to do.
                let found = look(&path);
                if what != "gone" {
                    let error = found.unwrap_err();
                    assert!(error.contains(name), "{label}: {error}");
                }
                fs::remove_dir_all(path.join("trials/mixup/seed-1")).unwrap();
                go(&path).unwrap();
            } else if !lost_and_not_missed && !["robustness.json", "maps.json", "study.json"].contains(&name)
            {
                let gone = what == "gone" && ["plan.json", "trial.json"].contains(&name);
                let said = warnings.iter().any(|text| text.contains(name));
                assert!(said || gone, "{label}: {warnings:?}");
            }
            look(&path).unwrap_or_else(|error| panic!("{label}: {error}"));
            // Not assert_eq: it would print every weight.
            assert!(numbers(&path).unwrap() == expected, "{label}");
            // Once mended, it stays mended.
            let again = go(&path).unwrap();
            assert!(
                !again.iter().any(|text| text.contains("again") || text.contains("anew")),
                "{label}: {again:?}"
            );
            fs::remove_dir_all(&path).unwrap();
        }
    }
}

/// Stops in the middle of the second trial, with a checkpoint and weights kept for the headline.
struct StopInSecond<'a>(&'a AtomicBool);

impl Observer for StopInSecond<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::Step { key, done, .. } = event
            && key.recipe == "mixup"
            && done == 6
        {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_damaged_checkpoint_begins_its_trial_anew_and_comes_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    go(&whole).unwrap();
    let expected = numbers(&whole).unwrap();

    let half = folder.path().join("half");
    let stop = AtomicBool::new(false);
    let options = RunOptions { threads: 1, jobs: 1, ..RunOptions::default() };
    run(&study(), &RunFolder::at(&half), &StopInSecond(&stop), &stop, &options).unwrap();
    let trial = half.join("trials/mixup/seed-1");
    let kept: Vec<PathBuf> = fs::read_dir(&trial).unwrap().map(|entry| entry.unwrap().path()).collect();
    let names: Vec<&str> = kept.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let of_epoch = names.iter().find(|name| name.starts_with("weights-epoch-")).expect("weights are kept");
    assert!(names.contains(&"checkpoint.safetensors"), "{names:?}");

    for name in ["checkpoint.safetensors", of_epoch, "metrics.jsonl"] {
        let size = fs::metadata(trial.join(name)).unwrap().len() as usize;
        // Bits of the first number, of the header, of the tensors.
        for at in [3, size / 20, size / 3, size / 2, size - 5] {
            let path = folder.path().join("damaged");
            copy(&half, &path);
            let file = path.join("trials/mixup/seed-1").join(name);
            let mut bytes = fs::read(&file).unwrap();
            bytes[at] ^= 0x10;
            fs::write(&file, bytes).unwrap();
            let warnings = go(&path).unwrap();
            let said = |text: &String| text.contains(name) && text.contains("the trial begins anew");
            assert!(warnings.iter().any(said), "{name} at {at} of {size}: {warnings:?}");
            assert!(numbers(&path).unwrap() == expected, "{name} at {at} of {size}");
            fs::remove_dir_all(&path).unwrap();
        }
    }
    // Epochs of another trial, each of them whole.
    let path = folder.path().join("swapped");
    copy(&half, &path);
    let of = |recipe: &str| path.join("trials").join(recipe).join("seed-1/metrics.jsonl");
    let parked = folder.path().join("parked");
    fs::rename(of("mixup"), &parked).unwrap();
    fs::rename(of("none"), of("mixup")).unwrap();
    fs::rename(&parked, of("none")).unwrap();
    let warnings = go(&path).unwrap();
    for trial in ["none", "mixup"] {
        assert!(
            warnings.iter().any(|text| text.contains(trial) && text.contains("metrics.jsonl")),
            "{warnings:?}"
        );
    }
    assert!(numbers(&path).unwrap() == expected);
    // And undamaged it goes on.
    assert!(!go(&half).unwrap().iter().any(|text| text.contains("anew")));
    assert!(numbers(&half).unwrap() == expected);
}

#[test]
fn a_recipe_that_was_renamed_with_its_folder_is_no_damage_and_trains_nothing_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    go(&path).unwrap();
    look(&path).unwrap();
    fs::rename(path.join("trials/mixup"), path.join("trials/blend")).unwrap();
    let text = include_str!("tiny.toml").replace("name = \"mixup\"", "name = \"blend\"");
    let overrides = ["compare.headline=best-on-validation".to_owned()];
    let renamed = Study::parse(&text, Path::new("tiny.toml"), &overrides).unwrap();
    let events = Warnings::default();
    let options = RunOptions { threads: 1, jobs: 1, ..RunOptions::default() };
    let outcome =
        run(&renamed, &RunFolder::at(&path), &NoSteps(&events), &AtomicBool::new(false), &options).unwrap();
    assert_eq!((outcome.finished, outcome.pending), (4, 0));
    let warnings = events.0.into_inner().unwrap();
    assert!(!warnings.iter().any(|text| text.contains("again") || text.contains("anew")), "{warnings:?}");
    assert!(numbers(&path).unwrap().trials.iter().all(|trial| trial.robustness.is_some()));
}

/// Nothing may be trained.
struct NoSteps<'a>(&'a Warnings);

impl Observer for NoSteps<'_> {
    fn event(&self, event: Event<'_>) {
        assert!(!matches!(event, Event::Step { .. }), "a finished trial is trained again");
        self.0.event(event);
    }
}

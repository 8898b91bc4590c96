//! Settings, weights or images that are others by now.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64};

use bakeoff_nn::Weights;
use bakeoff_study::{Event, Observer, Plan, RunFolder, RunOptions, Silent, Study, run};

use super::support::{Count, StopAt, go, options, results, rewrite, study};

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
    let text = include_str!("../tiny.toml");
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
    let text = include_str!("../tiny.toml");
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

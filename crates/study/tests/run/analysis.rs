//! Finished trials, looked at with damaged images.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bakeoff_study::{
    AnalysisError, AnalysisOptions, Plan, RunFolder, Silent, analyse, run, write_predictions,
};

use super::support::{StopAt, go, options, results, rewrite, study};

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

//! Studies that start from weights, with all of the network trained or its head alone.

use std::fs;

use crate::support::{Photos, Project, bakeoff};

const WEIGHTS: &str = "runs/study/trials/none/seed-1/weights.safetensors";

/// A project with weights of a study's trial at [`WEIGHTS`].
fn with_weights() -> (Project, String) {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("");
    let run = bakeoff(&project).args(["run", &study, "-q"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    (project, study)
}

#[test]
fn a_study_that_starts_from_weights_is_planned_shown_run_and_packed_with_any_number_of_threads() {
    let (project, study) = with_weights();
    let set = format!("model.weights={WEIGHTS}");
    for trainable in ["all", "head"] {
        let train = format!("train.trainable={trainable}");
        let with = |command: &[&str], out: &str| {
            let call = bakeoff(&project).args(command.iter().copied()).args([study.as_str()]);
            let call = call.args(["--set", &set, "--set", &train]);
            let call = if out.is_empty() { call } else { call.args(["--out", out]) };
            let ended = call.run();
            assert_eq!(ended.code, 0, "{trainable}: {command:?}: {ended:?}");
            ended
        };
        with(&["plan", "--threads", "1"], "");
        with(&["plan", "--threads", "3", "--json"], "");
        with(&["plan", "--no-measure"], "");
        with(&["preview", "--count", "2"], &format!("{trainable}-sheets"));
        with(&["data", "pack"], "");
        let (one, two) = (format!("{trainable}-1"), format!("{trainable}-2"));
        with(&["run", "-q", "--threads", "1", "--jobs", "1"], &one);
        let summary = with(&["run", "-q", "--threads", "3", "--json"], &two).json();
        assert_eq!(summary["recipes"].as_array().map(Vec::len), Some(2));
        let read = |run: &str, file: &str| {
            fs::read(project.path(format!("{run}/trials/mixup/seed-2/{file}"))).unwrap()
        };
        assert!(
            read(&one, "weights.safetensors") == read(&two, "weights.safetensors"),
            "{trainable}: the same bits whatever the number of threads"
        );
    }
    // The backbone moved in one of them only.
    let tensor = |path: &str, name: &str| {
        let (weights, _) = bakeoff_nn::Weights::read(&project.path(path)).unwrap();
        weights.get(name).unwrap().clone()
    };
    let of = |run: &str| format!("{run}/trials/none/seed-1/weights.safetensors");
    for name in ["conv1.weight", "layer1.0.conv1.weight"] {
        assert!(tensor(&of("head-1"), name) == tensor(WEIGHTS, name), "head: {name} stays as it came");
        assert!(tensor(&of("all-1"), name) != tensor(WEIGHTS, name), "all: {name} is trained");
    }
    assert!(tensor(&of("head-1"), "fc.weight") != tensor(WEIGHTS, "fc.weight"), "the head is trained");
}

#[test]
fn an_interrupted_study_that_starts_from_weights_goes_on_and_is_analysed() {
    let (project, study) = with_weights();
    let set = format!("model.weights={WEIGHTS}");
    let settings = ["--set", &set, "--set", "train.epochs=3"];
    let whole = bakeoff(&project).args(["run", &study, "-q", "--out", "whole"]).args(settings).run();
    assert_eq!(whole.code, 0, "{whole:?}");
    let mut child = bakeoff(&project).args(["run", &study, "-q", "--out", "parts"]).args(settings).spawn();
    std::thread::sleep(std::time::Duration::from_millis(400));
    child.kill().unwrap();
    child.wait().unwrap();
    let rest = bakeoff(&project).args(["run", &study, "-q", "--out", "parts"]).args(settings).run();
    assert_eq!(rest.code, 0, "{rest:?}");
    for trial in ["none/seed-1", "mixup/seed-2"] {
        let read =
            |run: &str| fs::read(project.path(format!("{run}/trials/{trial}/weights.safetensors"))).unwrap();
        assert!(read("whole") == read("parts"), "{trial}");
    }
    let analysed = bakeoff(&project).args(["analyse", "parts", "--images", "4", "--maps", "1"]).run();
    assert_eq!(analysed.code, 0, "{analysed:?}");
}

/// Rayon's global pool starts by itself when anything is computed outside a pool, with as many threads as this variable says.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_computed_outside_the_threads_that_were_asked_for() {
    const GLOBAL: usize = 150;
    let (project, study) = with_weights();
    let set = format!("model.weights={WEIGHTS}");
    let text = fs::read_to_string(project.path(&study)).unwrap();
    let more = "\n[[recipe]]\ninherit = \"manifold-mixup\"\n\n[[recipe]]\ninherit = \"puzzlemix\"\n";
    fs::write(project.path("more.toml"), text + more).unwrap();
    let photo = project.path("photos/test/red/0.jpg");
    let photo = photo.to_str().unwrap();
    for arguments in [
        vec!["plan", "more.toml", "--set", &set, "--threads", "1"],
        vec!["run", "more.toml", "--set", &set, "--threads", "1", "--out", "one", "-q"],
        vec!["run", "more.toml", "--set", &set, "--threads", "2", "--jobs", "2", "--out", "two", "-q"],
        vec!["analyse", "one", "--images", "2", "--threads", "1"],
        vec!["predict", "--weights", WEIGHTS, "--threads", "1", photo],
        vec!["data", "check", "photos", "--threads", "1"],
        vec!["data", "pack", "photos", "--threads", "1"],
        vec!["bench", "head", "--model", "resnet-tiny", "--image", "32", "--rounds", "1", "--threads", "1"],
        vec!["bench", "input", "--image", "32", "--rounds", "1", "--threads", "1"],
    ] {
        let call = bakeoff(&project).args(arguments.iter().copied());
        let mut child = call.env("RAYON_NUM_THREADS", &GLOBAL.to_string()).spawn();
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).map_or(0, Iterator::count);
            most = most.max(tasks);
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
        assert!(most > 0 && most < GLOBAL, "{arguments:?} started {most} threads");
    }
}

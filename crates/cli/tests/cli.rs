//! The program as a user runs it: end to end, interrupted, and with everything that people give it by mistake.

mod support;
mod weights;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use support::{Photos, Project, bakeoff};

#[test]
fn a_study_runs_reports_and_does_nothing_twice() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("");
    let first = bakeoff(&project).args(["run", &study, "--json"]).run();
    assert_eq!(first.code, 0, "{first:?}");
    let summary = first.json();
    assert_eq!(summary["baseline"], "none");
    assert_eq!(summary["recipes"].as_array().map(Vec::len), Some(2));
    let run = project.path("runs/study");
    for file in ["study.toml", "study.json", "environment.json", "plan.json", "data.json", "log.txt"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("mixup") && !page.contains("src=\"http"), "the page needs nothing from outside");
    let trial = run.join("trials/mixup/seed-1");
    assert_eq!(fs::read_to_string(trial.join("metrics.jsonl")).unwrap().lines().count(), 2);
    assert!(!trial.join("checkpoint.safetensors").exists(), "a finished trial keeps no checkpoint");
    let weights = fs::read(trial.join("weights.safetensors")).unwrap();
    let touched = fs::metadata(trial.join("trial.json")).unwrap().modified().unwrap();

    let second = bakeoff(&project).args(["run", &study, "--json"]).run();
    assert_eq!(second.code, 0);
    assert_eq!(second.json()["recipes"], summary["recipes"]);
    assert_eq!(fs::metadata(trial.join("trial.json")).unwrap().modified().unwrap(), touched);

    // The same in another folder, with another number of threads and of trials at a time: the same bits.
    let again =
        bakeoff(&project).args(["run", &study, "--out", "again", "--threads", "1", "--jobs", "1"]).run();
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(fs::read(project.path("again/trials/mixup/seed-1/weights.safetensors")).unwrap(), weights);

    let report = bakeoff(&project).args(["report", "runs/study", "--json"]).run();
    assert_eq!(report.json()["recipes"], summary["recipes"]);

    let damaged = bakeoff(&project).args(["analyse", "runs/study", "--images", "6", "--json"]).run();
    assert_eq!(damaged.code, 0, "{damaged:?}");
    let damaged = damaged.json();
    assert_eq!((&damaged["images"], &damaged["of"]), (&6.into(), &16.into()));
    assert_eq!(damaged["recipes"][1]["corruptions"].as_array().map(Vec::len), Some(13));
    assert!(fs::read_to_string(run.join("report.html")).unwrap().contains("defocus blur"));
    let again = bakeoff(&project).args(["analyse", "runs/study", "--images", "6"]).run();
    assert!(again.code == 0 && again.stdout.contains("mixup") && again.stdout.contains("mCE"), "{again:?}");
    let wrong = bakeoff(&project).args(["analyse", "runs/study", "--recipe", "cutmix"]).run();
    assert!(wrong.code == 1 && wrong.stderr.contains("its recipes are none, mixup"), "{wrong:?}");

    let photo = fs::read_dir(project.path("photos/test/red")).unwrap().next().unwrap().unwrap().path();
    let predicted = bakeoff(&project)
        .args(["predict", "--json", "--weights", "runs/study/trials/mixup/seed-1", photo.to_str().unwrap()])
        .run();
    assert_eq!(predicted.code, 0, "{predicted:?}");
    let predicted = predicted.json();
    assert_eq!(predicted["classes"], serde_json::json!(["green", "red"]));
    assert_eq!(predicted["images"][0]["logits"].as_array().map(Vec::len), Some(2));
}

#[test]
fn sheets_are_written_and_shown_in_the_terminal_only_where_asked_for() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("");
    let text = fs::read_to_string(project.path(&study)).unwrap();
    fs::write(project.path(&study), text + "\n[[recipe]]\ninherit = \"fmix\"\n").unwrap();
    let silent = bakeoff(&project).args(["preview", &study, "--count", "3"]).run();
    assert_eq!(silent.code, 0, "{silent:?}");
    assert!(!silent.stdout.contains('\x1b'), "no terminal, no pictures");
    let folder = project.path("runs/study/preview/fmix");
    for file in ["contact-sheet.png", "contact-sheet.svg", "2-mask.png"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    for (way, sign) in [("blocks", "▀"), ("sixel", "\x1bP"), ("kitty", "\x1b_Ga=T")] {
        let shown = bakeoff(&project).args(["preview", &study, "--count", "3", "--show", way]).run();
        assert!(shown.code == 0 && shown.stdout.contains(sign), "{way}");
    }
}

#[cfg(unix)]
#[test]
fn killed_and_interrupted_runs_go_on_and_end_with_the_same_bits() {
    let project = Project::new();
    project.photos(&Photos { per_class: 24, ..Photos::default() });
    let study = project.study("[train]\nepochs = 6\n");
    let whole = bakeoff(&project).args(["run", &study, "--out", "whole"]).run();
    assert_eq!(whole.code, 0, "{whole:?}");

    // Killed without warning and asked to stop, alternately, until it gets through.
    let mut interrupted = 0;
    let mut finished = false;
    for (round, milliseconds) in
        [150u64, 400, 700, 250, 550, 900, 350, 800].iter().cycle().take(60).enumerate()
    {
        let mut child = bakeoff(&project).args(["run", &study, "--out", "parts"]).spawn();
        let deadline = Instant::now() + Duration::from_millis(*milliseconds);
        while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if child.try_wait().unwrap().is_none() {
            let signal = if round % 2 == 0 { "-KILL" } else { "-INT" };
            std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        }
        match child.wait().unwrap().code() {
            Some(0) => {
                finished = true;
                break;
            }
            Some(75) | None => interrupted += 1,
            Some(other) => panic!("exit code {other} in round {round}"),
        }
    }
    if !finished {
        let last = bakeoff(&project).args(["run", &study, "--out", "parts"]).run();
        assert_eq!(last.code, 0, "{last:?}");
    }
    assert!(interrupted > 0, "the run was never interrupted: the test shows nothing");
    for recipe in ["none", "mixup"] {
        for seed in ["seed-1", "seed-2"] {
            let trial = Path::new("trials").join(recipe).join(seed);
            let read = |run: &str, file: &str| fs::read(project.path(run).join(&trial).join(file)).unwrap();
            assert!(
                read("whole", "weights.safetensors") == read("parts", "weights.safetensors"),
                "{trial:?}"
            );
            assert!(
                read("whole", "predictions.parquet") == read("parts", "predictions.parquet"),
                "{trial:?}"
            );
            let epochs = String::from_utf8(read("parts", "metrics.jsonl")).unwrap().lines().count();
            assert_eq!(epochs, 6, "{trial:?}");
        }
    }
}

#[test]
fn a_failing_trial_is_recorded_and_the_others_go_on() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("");
    let set = "train.optimizer.lr=1e30";
    let run = bakeoff(&project).args(["run", &study, "--set", set, "--json"]).run();
    assert_eq!(run.code, 3, "{run:?}");
    let summary = run.json();
    assert_eq!(summary["failed"].as_array().map(Vec::len), Some(4), "{summary}");
    assert!(summary["failed"][0]["reason"].as_str().unwrap().contains("learning rate"), "{summary}");
}

#[test]
fn images_that_cannot_be_used_are_named_and_left_out_or_refused() {
    let project = Project::new();
    project.photos(&Photos::default());
    let red = project.path("photos/train/red");
    fs::write(red.join("words.jpg"), "these are words").unwrap();
    fs::write(red.join("nothing.jpg"), "").unwrap();
    let jpeg = fs::read(red.join("0.jpg")).unwrap();
    fs::write(red.join("half.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
    fs::write(red.join("huge.bmp"), support::bmp_header(30_000, 30_000)).unwrap();
    let study = project.study("");
    // A batch of all of them, so that the measured step meets the bad ones.
    let plan = bakeoff(&project).args(["plan", &study, "--set", "train.batch=64"]).run();
    assert_eq!(plan.code, 0, "{plan:?}");
    // Its pictures lie where the run will.
    let preview = bakeoff(&project).args(["preview", &study]).run();
    assert_eq!(preview.code, 0, "{preview:?}");
    assert!(project.path("runs/study/preview").is_dir());
    let run = bakeoff(&project).args(["run", &study, "--json"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let data: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(project.path("runs/study/data.json")).unwrap()).unwrap();
    let rejected: Vec<&str> =
        data["rejected"].as_array().unwrap().iter().map(|r| r["image"].as_str().unwrap()).collect();
    for name in ["words.jpg", "nothing.jpg", "half.jpg", "huge.bmp"] {
        assert!(rejected.iter().any(|image| image.ends_with(name)), "{name} in {rejected:?}");
    }
    assert_eq!(rejected.len(), 4);

    let strict = bakeoff(&project).args(["run", &study, "--strict", "--out", "strict"]).run();
    assert_eq!(strict.code, 1);
    assert!(strict.stderr.contains("words.jpg"), "{strict:?}");

    let check = bakeoff(&project).args(["data", "check", "photos"]).run();
    assert_eq!(check.code, 0);
    assert!(check.stdout.contains("half.jpg"), "{check:?}");
    let check = bakeoff(&project).args(["data", "check", "photos", "--json", "--html", "check.html"]).run();
    let found: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(found["rejected"].as_array().unwrap().len(), 4);
    assert!(found["classes"][0]["train"].as_u64() > Some(0) && found["balance"]["largest"].is_string());
    let page = fs::read_to_string(project.path("check.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("half.jpg") && !page.contains("http://"));
    let check = bakeoff(&project).args(["data", "check", "photos", "--source", "fodler"]).run();
    assert!(check.code == 1 && check.stderr.contains("no source \"fodler\""), "{check:?}");
}

#[test]
fn fetching_without_a_network_or_a_name_says_what_there_is_and_what_to_do() {
    let project = Project::new();
    let list = bakeoff(&project).args(["data", "fetch"]).run();
    assert!(list.code == 0 && list.stdout.contains("oxford-iiit-pet"), "{list:?}");
    let unknown = bakeoff(&project).args(["data", "fetch", "cifar10"]).run();
    assert!(unknown.code == 1 && unknown.stderr.contains("did you mean \"cifar-10\""), "{unknown:?}");
    // Nobody listens on port 1.
    let fetch =
        bakeoff(&project).args(["data", "fetch", "cifar-10", "--mirror", "http://127.0.0.1:1/"]).run();
    assert_eq!(fetch.code, 1, "{fetch:?}");
    assert!(fetch.stderr.contains("is there a network") && fetch.stderr.contains("--mirror"), "{fetch:?}");
    for mirror in ["file:///srv/mirror/", "/srv/mirror", "ftp://server/mirror"] {
        let fetch = bakeoff(&project).args(["data", "fetch", "cifar-10", "--mirror", mirror]).run();
        assert_eq!(fetch.code, 2, "{fetch:?}");
        assert!(
            fetch.stderr.contains("begins with http:// or https://") && fetch.stderr.contains("--to"),
            "{fetch:?}"
        );
    }
}

#[test]
fn what_is_no_data_set_is_said_with_a_remedy() {
    let project = Project::new();
    let study = project.study("");
    let fails = |what: &str, words: &[&str]| {
        let run = bakeoff(&project).args(["run", &study]).run();
        assert!(matches!(run.code, 1 | 2), "{what}: {run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{what}: no `{word}` in\n{}", run.stderr);
        }
        assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
    };
    fails("missing folder", &["photos"]);
    fs::create_dir(project.path("photos")).unwrap();
    fails("empty folder", &["photos"]);
    project.photos(&Photos { classes: &["red"], ..Photos::default() });
    fails("one class", &["class"]);
    fs::remove_dir_all(project.path("photos")).unwrap();
    project.photos(&Photos::default());
    fs::create_dir_all(project.path("photos/test/blue")).unwrap();
    fs::copy(project.path("photos/test/red/0.jpg"), project.path("photos/test/blue/0.jpg")).unwrap();
    fails("class in test that train lacks", &["blue"]);
}

#[test]
fn all_mistakes_of_a_study_file_are_told_at_once_with_their_lines() {
    let project = Project::new();
    project.photos(&Photos::default());
    let text = fs::read_to_string(project.path(project.study(""))).unwrap();
    let text = text.replace("epochs = 2", "epoch = 2").replace("kind = \"mixup\"", "kind = \"mixap\"");
    fs::write(project.path("wrong.toml"), format!("{text}\n[[recipe]]\nname = \"none\"\n")).unwrap();
    let run = bakeoff(&project).args(["run", "wrong.toml"]).run();
    assert_eq!(run.code, 2, "{run:?}");
    for word in ["wrong.toml:", "epoch", "epochs", "mixap", "mixup", "none"] {
        assert!(run.stderr.contains(word), "no `{word}` in\n{}", run.stderr);
    }
    assert!(!project.path("runs").exists(), "nothing is begun");
    let set = bakeoff(&project).args(["plan", "study.toml", "--set", "train.epocs=3"]).run();
    assert_eq!(set.code, 2);
    assert!(set.stderr.contains("epocs") && set.stderr.contains("epochs"), "{set:?}");
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("");
    assert_eq!(bakeoff(&project).args(["run", &study, "--set", "train.epochs=1"]).run().code, 0);
    let weights = "runs/study/trials/none/seed-1/weights.safetensors";
    let set = format!("model.weights={}", project.path(weights).display());
    let run = bakeoff(&project)
        .args(["run", &study, "--out", "other", "--set", &set])
        .args(["--set", "model.name=resnet18", "--set", "train.image=32"])
        .run();
    assert!(matches!(run.code, 1 | 2), "{run:?}");
    assert!(run.stderr.contains("resnet18") && run.stderr.contains("weights"), "{run:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_with_the_files_name_and_loses_nothing() {
    let project = Project::new();
    project.photos(&Photos::default());
    let disk = project.path("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=9m", "tmpfs"])
        .arg(&disk)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped: a small file system cannot be mounted here (needs root)");
        return;
    }
    let study = project.study("");
    let run = bakeoff(&project).args(["run", &study, "--out", "disk/run"]).run();
    let kept = fs::read_dir(disk.join("run/trials/none")).map(Iterator::count).unwrap_or(0);
    let grown = std::process::Command::new("mount")
        .args(["-o", "remount,size=200m"])
        .arg(&disk)
        .status()
        .is_ok_and(|status| status.success());
    let again = bakeoff(&project).args(["run", &study, "--out", "disk/run"]).run();
    std::process::Command::new("umount").arg(&disk).status().unwrap();
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("disk/run") && run.stderr.contains("space"), "{run:?}");
    assert!(kept > 0, "the first trial was begun before the disk was full");
    assert!(grown);
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn seeds_are_added_until_all_is_decided_and_what_was_declared_stays() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("[train]\nepochs = 1\n");
    let until = |most: &str| {
        let run = bakeoff(&project).args(["run", &study, "--until-decided", "--max-seeds", most, "--json"]);
        run.run()
    };
    let run = until("6");
    assert_eq!(run.code, 0, "{run:?}");
    let summary = run.json();
    let seeds = summary["recipes"][1]["seeds"].as_array().unwrap().len();
    let standing = &summary["sequential"]["recipes"][0];
    assert!((3..=6).contains(&seeds), "{summary}");
    assert!(["decided", "hopeless"].contains(&standing["standing"].as_str().unwrap()), "{standing}");
    assert_eq!(until("6").json()["recipes"], summary["recipes"]);
    let other = until("8");
    assert!(other.code == 1 && other.stderr.contains("--max-seeds 6"), "{other:?}");
    assert!(until("5").stderr.contains("fewer than 6 seeds"));
    let lone = bakeoff(&project).args(["run", &study, "--until-decided"]).run();
    assert!(lone.code == 2 && lone.stderr.contains("--max-seeds"), "{lone:?}");
}

#[test]
fn results_of_another_trainer_are_compared_like_a_study() {
    let project = Project::new();
    let mut text = String::from("image,extra,recipe,correct,seed\n");
    for seed in 1..=6 {
        for image in 0..20 {
            for (recipe, right) in [("none", 10), ("flip", 15)] {
                let correct = u8::from((image * 7 + seed) % 20 < right);
                text.push_str(&format!("{image},x,{recipe},{correct},{seed}\n"));
            }
        }
    }
    fs::write(project.path("results.csv"), text).unwrap();
    let compared = bakeoff(&project).args(["compare", "results.csv", "--baseline", "none", "--json"]).run();
    assert_eq!(compared.code, 0, "{compared:?}");
    let summary = compared.json();
    let flip = &summary["recipes"][1];
    assert_eq!((&flip["name"], &flip["verdict"]), (&"flip".into(), &"better".into()));
    let number = |key: &str| flip["difference"][key].as_f64().unwrap();
    assert!((number("mean") - 0.25).abs() < 1e-12 && number("low") > 0.0 && number("high") < 0.5);
    // All six seeds agree: 2 of 64 swappings. One comparison, so Holm changes nothing.
    assert_eq!((number("p"), number("p_holm")), (0.03125, 0.03125));
    assert!(summary["recipes"][0]["difference"].is_null());

    let told = bakeoff(&project).args(["compare", "results.csv", "--out", "page"]).run();
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stdout.contains("flip is better than none by 25.0 points"), "{told:?}");
    let page = fs::read_to_string(project.path("page/report.html")).unwrap();
    assert!(page.contains("flip is better than none") && project.path("page/summary.json").is_file());

    for (arguments, words) in [
        (vec!["results.csv", "--baseline", "nome"], "did you mean \"none\"?"),
        (vec!["no-*.csv"], "no file matches `no-*.csv`"),
        (vec![], "no file was given"),
        (vec!["results.csv", "--margin=-1"], "--margin"),
    ] {
        let refused = bakeoff(&project).args(["compare"]).args(arguments.clone()).run();
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains(words) && refused.stdout.is_empty(), "{arguments:?}: {refused:?}");
    }
    for (arguments, words) in [
        (["compare", "--run", "none=x.csv"], "RECIPE/SEED=FILE"),
        (["compare", "--pattern", "{recipe}.csv"], "{seed}"),
        (["compare", "--headline", "median-of-last-4"], "median-of-last-k"),
    ] {
        let refused = bakeoff(&project).args(arguments).run();
        assert!(refused.code == 2 && refused.stderr.contains(words), "{refused:?}");
    }
}

#[test]
fn several_data_sets_are_compared_together_or_refused() {
    let project = Project::new();
    let write = |name: &str, runs: [(&str, [f64; 3]); 2]| {
        let mut text = String::from("recipe,seed,accuracy\n");
        for (recipe, values) in runs {
            for (value, seed) in values.iter().zip(1..) {
                text.push_str(&format!("{recipe},{seed},{value}\n"));
            }
        }
        fs::write(project.path(name), text).unwrap();
    };
    write("pets.csv", [("none", [0.60, 0.62, 0.64]), ("flip", [0.66, 0.66, 0.70])]);
    write("dogs.csv", [("none", [0.80, 0.82, 0.84]), ("flip", [0.81, 0.83, 0.83])]);
    let compared =
        bakeoff(&project).args(["compare", "pets.csv", "dogs.csv", "--json", "--out", "page"]).run();
    assert_eq!(compared.code, 0, "{compared:?}");
    let all = compared.json();
    assert_eq!(all["data_sets"], serde_json::json!(["pets", "dogs"]));
    let flip = |key: &str| all["recipes"][1][key]["value"].as_f64().unwrap();
    // Nine pairs of nine, and five of nine; the middle four of six runs, and of six differences.
    for (key, value) in [("probability_of_improvement", 7.0 / 9.0), ("iqm", 0.75), ("difference", 0.03)] {
        assert!((flip(key) - value).abs() < 1e-12, "{key}: {}", flip(key));
    }
    assert!(fs::read_to_string(project.path("page/report.html")).unwrap().contains("0.78 ["));
    assert!(compared.stderr.contains("too narrow"), "{compared:?}");
    let named =
        bakeoff(&project).args(["compare", "--data-set", "a=pets.csv", "--data-set", "b=dogs.csv"]).run();
    assert!(named.code == 0 && named.stdout.contains("a         flip"), "{named:?}");

    for (arguments, words) in [
        (vec!["pets.csv", "pets.csv"], "hold the same results"),
        (vec![".", "--unit", "percent"], "--unit is for files of other trainers"),
        (vec!["--data-set", "a=pets.csv"], "one data set, \"a\""),
        (vec!["pets.csv", "dogs.csv", "--baseline", "nome"], "data set \"pets\""),
        (vec!["pets.csv", "dogs.csv", "--name", "x"], "--name names one comparison"),
        (vec!["."], "holds no plan.json"),
    ] {
        let refused = bakeoff(&project).args(["compare"]).args(arguments.clone()).run();
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains(words) && refused.stdout.is_empty(), "{arguments:?}: {refused:?}");
    }
    let refused = bakeoff(&project).args(["compare", "--data-set", "pets.csv"]).run();
    assert!(refused.code == 2 && refused.stderr.contains("NAME=FILES"), "{refused:?}");
}

#[test]
fn lists_and_cards_are_printed() {
    let project = Project::new();
    let recipes = bakeoff(&project).args(["recipes"]).run();
    assert!(recipes.code == 0 && recipes.stdout.contains("cutmix"), "{recipes:?}");
    let card = bakeoff(&project).args(["recipes", "show", "cutmix"]).run();
    assert!(card.code == 0 && card.stdout.contains("lambda"), "{card:?}");
    assert_eq!(bakeoff(&project).args(["recipes", "show", "cutmax"]).run().code, 1);
    let models = bakeoff(&project).args(["models", "--json"]).run();
    assert!(models.code == 0 && models.stdout.contains("resnet50"), "{models:?}");
    let schema = bakeoff(&project).args(["schema"]).run();
    assert!(schema.json()["properties"]["recipe"].is_object());
    assert_eq!(bakeoff(&project).args(["rum"]).run().code, 2);
}

#[test]
fn bench_prints_what_other_programs_rely_on() {
    let project = Project::new();
    for stage in ["train", "head", "infer", "input"] {
        let bench = bakeoff(&project)
            .args(["bench", stage, "--model", "resnet-small", "--batch", "4", "--image", "32"])
            .args(["--threads", "1", "--rounds", "1", "--json"])
            .run();
        assert_eq!(bench.code, 0, "{bench:?}");
        let measured = bench.json();
        assert!(measured["images_per_second"]["median"].as_f64().unwrap() > 0.0, "{measured}");
        assert_eq!(measured["batch"], 4);
        assert!(measured["ready_seconds"].as_f64() <= measured["first_step_seconds"].as_f64(), "{measured}");
        if stage != "input" {
            assert!(measured["ceilings"]["gflops"].as_f64().unwrap() > 0.0, "{measured}");
            assert!(measured["kinds"][0]["of_ceiling"].as_f64().unwrap() > 0.0, "{measured}");
        }
    }
}

#[test]
fn a_run_is_exported_to_other_dashboards_and_watched_only_where_there_is_something_to_watch() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("");
    let run = bakeoff(&project).args(["run", &study, "--serve", "--lang", "ko", "--json"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("watch it at http://127.0.0.1:"), "{run:?}");
    let page = fs::read_to_string(project.path("runs/study/report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>\n<html lang=\"ko\">") && !page.contains("connect-src"));

    let report = bakeoff(&project)
        .args(["report", "runs/study", "--tensorboard", "board", "--mlflow", "store", "--json"])
        .run();
    assert_eq!(report.code, 0, "{report:?}");
    let events: Vec<_> = fs::read_dir(project.path("board/mixup/seed-2")).unwrap().collect();
    assert_eq!(events.len(), 1);
    let experiment = fs::read_dir(project.path("store")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_dir(experiment).unwrap().count(), 1 + 4, "meta.yaml and a run a trial");

    let no_run = bakeoff(&project).args(["watch", "photos"]).run();
    assert!(no_run.code == 1 && no_run.stderr.contains("plan.json"), "{no_run:?}");
    let no_terminal = bakeoff(&project).args(["watch", "runs/study"]).run();
    assert!(no_terminal.code == 1 && no_terminal.stderr.contains("--serve"), "{no_terminal:?}");
}

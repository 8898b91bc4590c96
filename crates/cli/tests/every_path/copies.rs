//! Copies and subjects stay on one side of the splits that Bakeoff draws, in every command.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::scene::{photograph, picture, small_study};
use crate::support::{Project, bakeoff};

/// `photos/<class>/<subject>/<n>.jpg`, 24 images of each of two classes, 4 of each subject, and copies of every third of them: the same
/// bytes, smaller, mirrored.
fn photos_with_copies(project: &Project) {
    for (label, class) in ["cats", "dogs"].into_iter().enumerate() {
        for n in 0..24u32 {
            let subject = format!("photos/{class}/s{}", n / 4 + 6 * label as u32);
            let number = 100 * label as u32 + n;
            let path = project.path(format!("{subject}/{n:02}.jpg"));
            photograph(&path, number, label as u32, 48);
            match n {
                0 | 9 => drop(fs::copy(&path, project.path(format!("{subject}/{n:02}-copy.jpg"))).unwrap()),
                3 | 12 => {
                    photograph(&project.path(format!("{subject}/{n:02}-copy.jpg")), number, label as u32, 36)
                }
                6 | 15 => {
                    let mirrored = image::imageops::flip_horizontal(&picture(number, label as u32, 48));
                    mirrored.save(project.path(format!("{subject}/{n:02}-copy.jpg"))).unwrap();
                }
                _ => {}
            }
        }
    }
}

fn json(project: &Project, path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(project.path(path)).unwrap()).unwrap()
}

/// Ids of a split file.
fn ids(project: &Project, path: &str, key: &str) -> HashSet<String> {
    let value = json(project, path);
    value[key].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The test split and those of two seeds, each as a set of ids.
fn splits(project: &Project, run: &str) -> [HashSet<String>; 3] {
    [
        ids(project, &format!("{run}/splits/test.json"), "images"),
        ids(project, &format!("{run}/splits/seed-1.json"), "validation"),
        ids(project, &format!("{run}/splits/seed-2.json"), "validation"),
    ]
}

fn cut_copies(split: &HashSet<String>) -> usize {
    let copies = split.iter().filter_map(|id| id.strip_suffix("-copy.jpg"));
    let originals = split.iter().filter(|id| !id.contains("-copy")).filter(|id| {
        let number = &id[id.len() - 6..id.len() - 4];
        ["00", "09", "03", "12", "06", "15"].contains(&number)
    });
    copies.filter(|id| !split.contains(&format!("{id}.jpg"))).count()
        + originals.filter(|id| !split.contains(&id.replace(".jpg", "-copy.jpg"))).count()
}

fn write_study(project: &Project) {
    let text = small_study("photos").replace("seeds = 3", "seeds = 2");
    fs::write(project.path("study.toml"), text).unwrap();
}

#[test]
fn a_run_keeps_copies_on_one_side_tells_of_them_and_writes_its_splits_down() {
    let project = Project::new();
    photos_with_copies(&project);
    write_study(&project);
    let run = bakeoff(&project).args(["run", "study.toml"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("12 sets of copies (24 images)"), "{run:?}");
    assert!(!run.stderr.contains("more than one of train, validation and test"), "{run:?}");
    let splits = splits(&project, "runs/study");
    let [test, one, two] = &splits;
    assert_eq!(test.len(), 12, "a fifth of 60");
    assert!(one != two && test.is_disjoint(one) && test.is_disjoint(two));
    assert_eq!(splits.iter().map(cut_copies).sum::<usize>(), 0, "{splits:?}");
    let data = json(&project, "runs/study/data.json");
    assert_eq!((&data["rule"], data["copies"].as_array().map(Vec::len)), (&"groups".into(), Some(12)));
    let told = &json(&project, "runs/study/summary.json")["copies"];
    assert_eq!((&told["sets"], &told["identical"]), (&12.into(), &4.into()));
    assert_eq!((&told["kept_together"], &told["across_splits"]), (&12.into(), &0.into()));
    let page = fs::read_to_string(project.path("runs/study/report.html")).unwrap();
    assert!(page.contains("Kept on one side of the splits: 12"), "the page tells");

    // What is previewed is trained on, with and without the run folder to look into.
    for out in ["beside", "alone"] {
        if out == "alone" {
            fs::rename(project.path("runs"), project.path("kept")).unwrap();
        }
        let preview = bakeoff(&project).args(["preview", "study.toml", "--out", out, "--count", "8"]).run();
        assert_eq!(preview.code, 0, "{preview:?}");
        let record = json(&project, &format!("{out}/none/preview.json"));
        let shown: Vec<&str> = record["examples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|example| example["image"].as_str().unwrap())
            .collect();
        let run = if out == "beside" { "runs" } else { "kept" };
        let record = json(&project, &format!("{run}/study/preview/none/preview.json"));
        let of_run: Vec<&str> = record["examples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|example| example["image"].as_str().unwrap())
            .collect();
        assert_eq!(shown, of_run, "{out}");
    }
}

#[test]
fn an_interrupted_run_goes_on_with_the_same_splits_to_the_same_bits() {
    let project = Project::new();
    photos_with_copies(&project);
    write_study(&project);
    let straight = bakeoff(&project).args(["run", "study.toml", "--out", "straight"]).run();
    assert_eq!(straight.code, 0, "{straight:?}");
    // One seed first, as if it had been stopped after it; other threads.
    for (seeds, threads) in [("compare.seeds=1", "1"), ("compare.seeds=2", "2")] {
        let part = bakeoff(&project)
            .args(["run", "study.toml", "--out", "parts", "--set", seeds, "--threads", threads])
            .run();
        assert_eq!(part.code, 0, "{part:?}");
    }
    assert_eq!(splits(&project, "straight"), splits(&project, "parts"));
    for trial in ["none/seed-1", "none/seed-2", "cutmix/seed-2"] {
        let weights = ["straight", "parts"]
            .map(|run| fs::read(project.path(format!("{run}/trials/{trial}/weights.safetensors"))).unwrap());
        assert!(weights[0] == weights[1], "{trial}");
    }
    // Splits that are not those of the folder are never mixed in.
    let file = project.path("parts/splits/seed-1.json");
    let mut split = json(&project, "parts/splits/seed-1.json");
    split["validation"][0] = "photos/mice/01.jpg".into();
    split.as_object_mut().unwrap().remove("sha256");
    fs::write(&file, split.to_string()).unwrap();
    let refused =
        bakeoff(&project).args(["run", "study.toml", "--out", "parts", "--set", "compare.seeds=3"]).run();
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("the validation split of seed 1"), "{refused:?}");
}

/// Lines of metrics as that version wrote them: without checksums, in them or of them.
fn without_checks(metrics: &Path) {
    let lines = fs::read_to_string(metrics).unwrap();
    let lines = lines.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("check");
        format!("{line}\n")
    });
    let lines: String = lines.collect();
    fs::write(metrics, lines).unwrap();
}

#[test]
fn a_folder_of_before_goes_on_with_the_splits_it_began_with_and_says_so() {
    let project = Project::new();
    photos_with_copies(&project);
    write_study(&project);
    // What a version without groups left: its splits, under the addresses that stay as they were.
    let begun = bakeoff(&project)
        .args([
            "run",
            "study.toml",
            "--out",
            "old",
            "--set",
            "compare.seeds=1",
            "--set",
            "data.copies=ignore",
        ])
        .run();
    assert_eq!(begun.code, 0, "{begun:?}");
    assert!(begun.stderr.contains("1 set of byte-identical images stands in more than one"), "{begun:?}");
    let plan = bakeoff(&project).args(["plan", "study.toml", "--no-measure", "--json"]).run().json();
    for trial in plan["plan"]["trials"].as_array().unwrap() {
        let path =
            format!("old/trials/{}/seed-{}/trial.json", trial["recipe"].as_str().unwrap(), trial["seed"]);
        if project.path(&path).exists() {
            let mut record = json(&project, &path);
            record["id"] = trial["id"].clone();
            // Records of that version had no seal.
            record.as_object_mut().unwrap().retain(|key, _| !key.contains("sha256"));
            fs::write(project.path(&path), record.to_string()).unwrap();
            without_checks(&project.path(path.replace("trial.json", "metrics.jsonl")));
        }
    }
    let before = ids(&project, "old/splits/test.json", "images");
    assert!(cut_copies(&before) > 0, "else this test shows nothing");
    fs::remove_dir_all(project.path("old/splits")).unwrap();
    let mut data = json(&project, "old/data.json");
    data.as_object_mut()
        .unwrap()
        .retain(|key, _| !["rule", "copies", "groups", "sha256"].contains(&key.as_str()));
    fs::write(project.path("old/data.json"), data.to_string()).unwrap();

    let on = bakeoff(&project).args(["run", "study.toml", "--out", "old"]).run();
    assert_eq!(on.code, 0, "{on:?}");
    assert!(
        on.stderr.contains("2 of them done earlier") && on.stderr.contains("it goes on with those splits"),
        "{on:?}"
    );
    assert_eq!(ids(&project, "old/splits/test.json", "images"), before);
    assert_eq!(json(&project, "old/data.json")["rule"], "images");
    // All over again, without a leak.
    let fresh = bakeoff(&project).args(["run", "study.toml", "--out", "old", "--fresh"]).run();
    assert_eq!(fresh.code, 0, "{fresh:?}");
    assert_eq!(json(&project, "old/data.json")["rule"], "groups");
    assert_eq!(cut_copies(&ids(&project, "old/splits/test.json", "images")), 0);
}

#[test]
fn subjects_stay_together_and_images_are_left_out_as_the_study_says() {
    let project = Project::new();
    photos_with_copies(&project);
    fs::write(project.path("bad.txt"), "# copies\n*-copy.jpg\nphotos/cats/s0/01.jpg\nno-such.jpg\n").unwrap();
    let text = small_study("photos").replace("seeds = 3", "seeds = 2").replacen(
        "\n\n",
        "\ngroup = { folder = 1 }\nexclude = \"bad.txt\"\n\n",
        1,
    );
    fs::write(project.path("study.toml"), text).unwrap();
    let plan = bakeoff(&project).args(["plan", "study.toml", "--no-measure"]).run();
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(plan.stderr.contains("13 images are left out") && plan.stderr.contains("line 4"), "{plan:?}");
    let run = bakeoff(&project).args(["run", "study.toml"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let subject = |id: &String| id.rsplit_once('/').unwrap().0.to_owned();
    for split in splits(&project, "runs/study") {
        let subjects: HashSet<String> = split.iter().map(subject).collect();
        let whole: usize = subjects.iter().map(|subject| if subject == "cats/s0" { 3 } else { 4 }).sum();
        assert_eq!(split.len(), whole, "{split:?}");
        assert!(split.iter().all(|id| !id.contains("copy") && id != "cats/s0/01.jpg"));
    }
    // All of one class from one subject: nothing to split.
    let alone =
        bakeoff(&project).args(["plan", "study.toml", "--no-measure", "--set", "data.exclude=alone.txt"]);
    fs::write(project.path("alone.txt"), "dogs/s7/\ndogs/s8/\ndogs/s9\ndogs/s10\ndogs/s11").unwrap();
    let alone = alone.run();
    assert_eq!(alone.code, 1, "{alone:?}");
    assert!(
        alone.stderr.contains("class dogs cannot be split") && alone.stderr.contains("data.classes"),
        "{alone:?}"
    );
    let missing = bakeoff(&project).args(["plan", "study.toml", "--set", "data.groups=none.csv"]).run();
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains("data.groups") && missing.stderr.contains("none.csv"), "{missing:?}");
}

#[test]
fn copies_across_the_splits_of_the_data_set_are_left_there_and_told() {
    let project = Project::new();
    for split in ["train", "test"] {
        for (label, class) in ["cats", "dogs"].into_iter().enumerate() {
            for n in 0..8u32 {
                let offset = if split == "test" && n > 0 { 500 } else { 0 };
                let number = offset + 50 * label as u32 + n;
                // The first image of each class stands in both splits, in the test smaller.
                let side = if split == "test" { 36 } else { 48 };
                photograph(
                    &project.path(format!("photos/{split}/{class}/{n}.jpg")),
                    number,
                    label as u32,
                    side,
                );
            }
        }
    }
    write_study(&project);
    let run = bakeoff(&project).args(["run", "study.toml"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("2 sets of images that look the same stand in more than one"), "{run:?}");
    assert_eq!(ids(&project, "runs/study/splits/test.json", "images").len(), 16, "all of the data set's own");
    let told = &json(&project, "runs/study/summary.json")["copies"];
    assert_eq!((&told["across_splits"], &told["kept_together"]), (&2.into(), &0.into()));
}

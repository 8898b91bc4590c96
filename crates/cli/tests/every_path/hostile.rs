//! What other people's files may hold, and what was changed behind the program's back.

use std::fs;

use crate::scene::{photographs, small_study};
use crate::support::{Ended, Project, bakeoff};

/// Nothing on either stream acts on a terminal, and no line of a file's name is taken for a message.
fn is_harmless(what: &str, ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        let acts = |c: char| {
            (c.is_control() && c != '\n' && c != '\t')
                || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        assert!(!text.contains(acts), "{what}: {ended:?}");
        assert!(!text.lines().any(|line| line.starts_with("warning: forged")), "{what}: {ended:?}");
    }
}

#[cfg(unix)]
#[test]
fn names_of_files_classes_and_recipes_do_nothing_to_a_terminal() {
    let project = Project::new();
    let names = [
        "\x1b]0;title\x07\x1b[2Jcats",
        "dogs\nwarning: forged\u{202e}",
        "=1+1\u{9b}31m\u{2069}\u{2028}\u{200b}",
    ];
    photographs(&project, "photos", &names, 4);
    fs::write(project.path("photos/train").join(names[0]).join("broken\x1b[2J.jpg"), "no image").unwrap();
    fs::write(project.path("photos/train\x1b]52;c;eA==\x07.txt"), "beside").unwrap();
    fs::write(project.path("study.toml"), small_study("photos")).unwrap();
    let photo = format!("photos/test/{}/0.jpg", names[1]);
    let mut uses = vec![
        (vec!["data", "check", "photos"], 0),
        (vec!["data", "check", "photos", "--json"], 0),
        (vec!["plan", "study.toml", "--no-measure"], 0),
        (vec!["preview", "study.toml"], 0),
        (vec!["run", "study.toml"], 0),
        (vec!["report", "runs/study"], 0),
        (vec!["analyse", "runs/study", "--images", "2"], 0),
        (vec!["predict", "--weights", "runs/study/trials/none/seed-1", &photo, "nothing\x1b[2J.jpg"], 1),
        (vec!["predict", "--weights", "runs/study/trials/none/seed-1", &photo, "--json"], 0),
        (vec!["plan", "study.toml", "--set", "data.classes=[\"\\u001b[2J\", \"b\"]"], 1),
        (vec!["run", "no\x1b[2J.toml"], 2),
        // What clap says of arguments.
        (vec!["run", "study.toml", "--no\x1b[2J\nwarning: forged\u{202e}"], 2),
        (vec!["bench", "train", "--batch", "\x1b]0;t\x07\nwarning: forged"], 2),
        (vec!["\u{9b}2J\u{2066}"], 2),
        (vec!["data", "fetch", "\x1b[2J\nwarning: forged"], 1),
        (vec!["models", "--json", "\x1b[2J"], 2),
        (vec!["compare", "none\x1b[2J\nwarning: forged.csv"], 1),
    ];
    let evil = "[[recipe]]\nname = \"\\u001b[2Jevil\\nwarning: forged\"\n";
    fs::write(project.path("evil.toml"), small_study("photos") + evil).unwrap();
    uses.push((vec!["plan", "evil.toml"], 2));
    fs::write(
        project.path("evil.csv"),
        "recipe,seed,accuracy\nnone,1,0.5\n\"a\x1b[2J\nwarning: forged\",1,0.6\n",
    )
    .unwrap();
    uses.push((vec!["compare", "evil.csv"], 0));
    for (arguments, code) in uses {
        let ended = bakeoff(&project).args(arguments.iter().copied()).run();
        assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
        is_harmless(&format!("{arguments:?}"), &ended);
    }
}

#[test]
fn epochs_that_a_trial_did_not_write_and_a_margin_that_no_study_declared_are_said() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 6);
    fs::write(project.path("study.toml"), small_study("photos")).unwrap();
    let run = bakeoff(&project).args(["run", "study.toml", "-q", "--set", "train.epochs=4"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let trial = |recipe: &str| project.path(format!("runs/study/trials/{recipe}/seed-1"));
    let metrics = trial("cutmix").join("metrics.jsonl");
    let whole = fs::read_to_string(&metrics).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let other = fs::read_to_string(trial("none").join("metrics.jsonl")).unwrap();
    let record = fs::read_to_string(trial("cutmix").join("trial.json")).unwrap();
    // As an earlier version wrote it.
    let mut without: serde_json::Value = serde_json::from_str(&record).unwrap();
    for key in ["metrics_sha256", "predictions_sha256", "sha256"] {
        assert!(without.as_object_mut().unwrap().remove(key).is_some(), "{record}");
    }
    let report = || bakeoff(&project).args(["report", "runs/study", "--json"]).run().json();
    let told = |summary: &serde_json::Value| {
        let mut warnings = summary["warnings"].as_array().unwrap().iter().filter_map(|w| w.as_str());
        warnings.any(|warning| warning.contains("cutmix seed 1") && warning.contains("metrics.jsonl"))
    };
    let before = report();
    assert!(!told(&before), "{before}");
    let repeated = [lines[0], lines[0], lines[2], lines[3]].join("\n") + "\n";
    // Seen by the trial's checksum; seen without it, since lines carry their own, of the trial and the line.
    let damages: [(&str, String, bool); 8] = [
        ("cut", lines[..2].join("\n") + "\n", true),
        ("emptied", String::new(), true),
        ("another trial's", other, true),
        ("shuffled", [lines[1], lines[0], lines[2], lines[3]].join("\n") + "\n", true),
        ("an epoch twice", repeated, true),
        ("a digit changed", whole.replacen("\"train_loss\":", "\"train_loss\":1", 1), true),
        ("a line more", whole.clone() + "\n", true),
        ("no text", "{]\n".to_owned(), true),
    ];
    for (what, text, seen_without_checksum) in damages {
        for (record, seen) in [(record.as_str(), true), (&without.to_string(), seen_without_checksum)] {
            fs::write(trial("cutmix").join("trial.json"), record).unwrap();
            fs::write(&metrics, &text).unwrap();
            let summary = report();
            assert_eq!(told(&summary), seen, "{what}: {summary}");
            assert_eq!(summary["recipes"], before["recipes"], "{what}: test results stand");
        }
    }
    fs::write(trial("cutmix").join("trial.json"), record).unwrap();
    fs::write(&metrics, whole).unwrap();
    assert_eq!(report()["warnings"], before["warnings"]);

    let plan = project.path("runs/study/plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
    changed["margin"] = 50.0.into();
    let mut without = changed.clone();
    without.as_object_mut().unwrap().remove("sha256");
    for (plan_text, broken_seal) in [(changed.to_string(), true), (without.to_string(), false)] {
        fs::write(&plan, plan_text).unwrap();
        let summary = report();
        let warnings = summary["warnings"].to_string();
        assert!(warnings.contains("margin as 50") && warnings.contains("1 counts here"), "{warnings}");
        assert_eq!(
            warnings.contains("plan.json: its content is not what was written"),
            broken_seal,
            "{warnings}"
        );
        assert_eq!(summary["recipes"], before["recipes"], "verdicts are those of the declared margin");
    }
    let told = bakeoff(&project).args(["report", "runs/study"]).run();
    assert!(told.code == 0 && told.stderr.contains("warning: plan.json gives the margin as 50"), "{told:?}");
    // Weights in another trial's place are whole, and say whose they are.
    let (own, weights) =
        (trial("none").join("weights.safetensors"), trial("cutmix").join("weights.safetensors"));
    let kept = fs::read(&weights).unwrap();
    fs::copy(own, &weights).unwrap();
    let predict = || {
        bakeoff(&project).args(["predict", "--weights", "runs/study/trials/cutmix/seed-1", "photos"]).run()
    };
    let told = predict();
    assert!(
        told.stderr.contains("the weights of none seed 1, and stand in the folder of cutmix"),
        "{told:?}"
    );
    // A bit of them, and the remedy.
    let mut changed = kept.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&weights, changed).unwrap();
    let told = predict();
    assert!(told.code == 1 && told.stderr.contains("SHA-256 differs"), "{told:?}");
    assert!(told.stderr.contains("cutmix/seed-1 and run its study again"), "{told:?}");
    fs::write(&weights, kept).unwrap();
    // Running again makes the plan again, and trains nothing that is whole.
    let again = bakeoff(&project).args(["run", "study.toml", "-q", "--set", "train.epochs=4"]).run();
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(report()["warnings"], before["warnings"]);
    assert_eq!(fs::read_to_string(&plan).unwrap(), text);
}

#[cfg(unix)]
#[test]
fn a_page_is_written_to_where_it_was_asked_for_and_a_device_stays_one() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 3);
    symlink("page.html", project.path("link.html")).unwrap();
    for file in ["link.html", "/dev/null"] {
        let check = bakeoff(&project).args(["data", "check", "photos", "--html", file]).run();
        assert_eq!(check.code, 0, "{check:?}");
    }
    assert!(project.path("link.html").is_symlink());
    assert!(fs::read_to_string(project.path("page.html")).unwrap().starts_with("<!doctype html>"));
    assert!(fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device());
}

/// An 8×8 PNG whose colour profile inflates to so many bytes.
#[cfg(target_os = "linux")]
fn png_with_profile(bytes: u64) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut small = std::io::Cursor::new(Vec::new());
    crate::scene::picture(1, 0, 8).write_to(&mut small, image::ImageFormat::Png).unwrap();
    let small = small.into_inner();
    let mut packed = flate2::write::ZlibEncoder::new(b"iCCPa\0\0".to_vec(), flate2::Compression::fast());
    std::io::copy(&mut std::io::repeat(0).take(bytes), &mut packed).unwrap();
    packed.flush().unwrap();
    let chunk = packed.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    // Behind the header, which is the first chunk.
    let (head, rest) = small.split_at(33);
    let length = (chunk.len() as u32 - 4).to_be_bytes();
    [head, &length, &chunk, &crc.sum().to_be_bytes(), rest].concat()
}

#[cfg(target_os = "linux")]
#[test]
fn a_colour_profile_of_a_gigabyte_costs_no_memory() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 2);
    fs::write(project.path("photos/train/cats/profile.png"), png_with_profile(1 << 30)).unwrap();
    let line =
        format!("ulimit -v 900000; {} data check photos --threads 1 --json", env!("CARGO_BIN_EXE_bakeoff"));
    let output =
        std::process::Command::new("sh").args(["-c", &line]).current_dir(project.path("")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let check: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&check["images"], check["rejected"].as_array().map(Vec::len)), (&9.into(), Some(0)));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_an_error_and_a_closed_pipe_is_not() {
    let project = Project::new();
    let ends = |line: &str| {
        let line = line.replace("bakeoff", env!("CARGO_BIN_EXE_bakeoff"));
        let mut shell = std::process::Command::new("bash");
        shell.args(["-o", "pipefail", "-c", &line]).current_dir(project.path("")).output().unwrap()
    };
    let lost = ends("bakeoff models --json > /dev/full");
    assert_eq!(lost.status.code(), Some(1), "{lost:?}");
    assert!(String::from_utf8_lossy(&lost.stderr).contains("the output is lost"), "{lost:?}");
    let closed = ends("bakeoff models --json | head -1");
    assert!(closed.status.success() && closed.stderr.is_empty(), "{closed:?}");
}

//! The commands that README, guide, other pages and the heads of the shipped studies show, run as they are written.
//!
//! Only what would take hours is made small: the network, epochs and seeds of shipped studies, the rounds of a benchmark.

use std::fs;
use std::process::{Command, Stdio};

use crate::scene::{SMALL, documented, repository, small_study};
use crate::support::{Project, bakeoff};

/// Commands that are not run, and why.
const LEFT_OUT: [(&str, &str); 1] = [("bakeoff data fetch flowers-102", "needs a network")];

/// A command that a document shows.
#[derive(Debug)]
struct ShownCommand {
    /// File and line.
    place: String,
    text: String,
}

/// The commands in the fenced shell blocks of a page.
fn of_page(file: &str) -> Vec<ShownCommand> {
    let text = fs::read_to_string(repository().join(file)).unwrap();
    let mut inside = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(language) = line.strip_prefix("```") {
            inside = language == "sh";
        } else if inside {
            lines.push((number + 1, line.split("  #").next().unwrap_or_default().trim().to_owned()));
        }
    }
    commands(file, lines)
}

/// The commands in the head of a study file. A remark stands five blanks or more behind.
fn of_study(file: &str) -> Vec<ShownCommand> {
    let text = fs::read_to_string(repository().join(file)).unwrap();
    let lines = text.lines().enumerate().filter_map(|(number, line)| {
        let line = line.strip_prefix("#   ")?.trim_start();
        Some((number + 1, line.split("     ").next().unwrap_or_default().trim().to_owned()))
    });
    commands(file, lines.collect())
}

/// Lines that begin a command, with the lines that a backslash adds.
fn commands(file: &str, lines: Vec<(usize, String)>) -> Vec<ShownCommand> {
    let mut found: Vec<ShownCommand> = Vec::new();
    let mut goes_on = false;
    for (number, line) in lines {
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part.trim().to_owned(), true),
            None => (line, false),
        };
        if goes_on {
            let last = found.last_mut().unwrap();
            last.text = format!("{} {part}", last.text);
        } else if part.starts_with("bakeoff ") || part.starts_with("--set ") {
            found.push(ShownCommand { place: format!("{file}:{number}"), text: part });
        } else {
            continue;
        }
        goes_on = more;
    }
    found
}

/// Runs a line as a shell would; `bakeoff` is the program under test.
fn shell(project: &Project, line: &str) -> (i32, String) {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_bakeoff"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(project.path(""))
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code().unwrap_or(-1), text.concat())
}

/// The line, with what would take hours made small.
fn made_small(line: &str) -> String {
    let line = line
        .replace("PATH/stanford-dogs-224-20", "images")
        .replace("PATH/stanford-dogs-64", "stanford")
        .replace("data.path=PATH", "data.path=stanford");
    if line.starts_with("bakeoff bench") {
        let line = line.replace("--model resnet50", "").replace("--image 224", "");
        return format!("{line} --model resnet-tiny --image 32 --rounds 1");
    }
    let shipped = line.contains("studies/") || line.starts_with("bakeoff demo");
    let trains = ["run", "plan", "preview", "demo"].iter().any(|c| line.starts_with(&format!("bakeoff {c}")));
    if shipped && trains {
        let sets: String = SMALL.iter().map(|set| format!(" --set {set}")).collect();
        return line + &sets;
    }
    line
}

/// Weights of a network as the shipped studies name them.
fn weights(project: &Project) {
    let run = bakeoff(project).args(["run", "my-study.toml", "-q", "--out", "begin"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    fs::create_dir_all(project.path("weights")).unwrap();
    for name in ["resnet50", "resnet18"] {
        let trained = project.path("begin/trials/none/seed-1/weights.safetensors");
        fs::copy(trained, project.path(format!("weights/{name}.safetensors"))).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn commands_of_readme_and_guide_do_what_is_said() {
    let project = Project::new();
    documented(&project);
    weights(&project);
    for (name, rate) in [("pets", "0.01"), ("dogs", "0.02")] {
        let (out, set) = (format!("runs/{name}"), format!("train.optimizer.lr={rate}"));
        let run = bakeoff(&project).args(["run", "my-study.toml", "-q", "--out", &out, "--set", &set]).run();
        assert_eq!(run.code, 0, "{run:?}");
    }
    let pages = ["README.md", "docs/guide.md", "docs/faq.md", "docs/performance.md", "docs/stanford-dogs.md"];
    let shown: Vec<ShownCommand> = pages.iter().flat_map(|page| of_page(page)).collect();
    assert!(shown.len() > 25, "too few commands were found: {shown:?}");
    for ShownCommand { place, text } in shown {
        if LEFT_OUT.iter().any(|(left_out, _)| *left_out == text) {
            continue;
        }
        let line = made_small(&text);
        // A view that fills the terminal, and one that lasts until it is closed, are told that there is no terminal.
        let interactive = text.contains("--tui") || text.starts_with("bakeoff watch");
        let (code, told) = shell(&project, &line);
        if interactive {
            assert!(code == 1 && told.contains("no terminal"), "{place}: {line}: {code}\n{told}");
        } else {
            assert_eq!(code, 0, "{place}: {line}\n{told}");
        }
    }
    for file in ["runs/my-study/report.html", "check.html", "report/report.html"] {
        assert!(project.path(file).is_file(), "{file}");
    }
}

#[cfg(unix)]
#[test]
fn commands_and_settings_in_the_heads_of_shipped_studies_work() {
    let project = Project::new();
    documented(&project);
    weights(&project);
    let mut ran = 0;
    let mut studies: Vec<String> = fs::read_dir(repository().join("studies"))
        .unwrap()
        .map(|entry| format!("studies/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    studies.sort();
    assert!(studies.len() >= 7, "{studies:?}");
    for study in &studies {
        let data = match study.as_str() {
            "studies/demo.toml" => "",
            "studies/folder.toml" | "studies/resnet50.toml" => " --set data.path=images",
            _ => " --set data.path=stanford",
        };
        let shown = of_study(study);
        assert!(
            shown.iter().any(|shown| shown.text.contains("run ")),
            "{study} says how to run it: {shown:?}"
        );
        for ShownCommand { place, text } in shown {
            let line = match text.strip_prefix("--set") {
                None => made_small(&text),
                // Settings that may be added to the command: what they would run is planned.
                Some(_) => {
                    let model =
                        if text.contains("model.weights") { " --set model.name=resnet-tiny" } else { "" };
                    format!("bakeoff plan --no-measure {study}{data} {text}{model}")
                }
            };
            let (code, told) = shell(&project, &line);
            assert_eq!(code, 0, "{place}: {line}\n{told}");
            ran += 1;
        }
        // Once from weights, all of the network and the head alone.
        if study != "studies/demo.toml" {
            for trainable in ["all", "head"] {
                let line = made_small(&format!(
                    "bakeoff run -q {study}{data} --set model.weights=weights/resnet50.safetensors \
                     --set train.trainable={trainable} --out from-weights-{trainable} --fresh"
                ));
                let (code, told) = shell(&project, &line);
                assert_eq!(code, 0, "{line}\n{told}");
            }
        }
    }
    assert!(ran > 25, "only {ran} commands and settings were found");
}

#[test]
fn studies_and_recipes_that_the_guide_shows_are_understood() {
    let project = Project::new();
    documented(&project);
    // The table that the guide names.
    let rows = ["cats", "dogs"].into_iter().flat_map(|class| (0..6).map(move |n| (class, n)));
    let table = rows.fold("photo,species\n".to_owned(), |table, (class, n)| {
        table + &format!("photos/train/{class}/{n}.jpg,{class}\n")
    });
    fs::write(project.path("labels.csv"), table).unwrap();
    let guide = fs::read_to_string(repository().join("docs/guide.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(blocks.len() >= 2, "{blocks:?}");
    for block in blocks {
        // A whole study, the data of one, or recipes to be added to one.
        let whole = block.contains("[model]");
        let text = if whole {
            block.to_owned()
        } else if block.contains("[data]") {
            small_study("photos").replacen("[data]\npath = \"photos\"\n", block, 1)
        } else {
            small_study("photos").replacen("name = \"cutmix\"", "name = \"my-cutmix\"", 1) + "\n" + block
        };
        fs::write(project.path("shown.toml"), text).unwrap();
        let planned = bakeoff(&project).args(["plan", "shown.toml", "--no-measure"]).run();
        assert_eq!(planned.code, 0, "{block}\n{planned:?}");
        if whole {
            let sets = SMALL.iter().flat_map(|set| ["--set", *set]);
            let run = bakeoff(&project).args(["run", "shown.toml", "-q"]).args(sets).run();
            assert_eq!(run.code, 0, "{run:?}");
        }
    }
}

/// All Rust sources of the workspace, one after the other.
fn sources(folder: &std::path::Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_page_on_security_names_exists() {
    let page = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let mut code = String::new();
    sources(&repository().join("crates"), &mut code);
    let names: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.rsplit("::").next())
        .filter(|name| {
            name.matches('_').count() > 2 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
        .filter(|name| name.bytes().all(|byte| !byte.is_ascii_uppercase()))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(
            code.contains(&format!("fn {name}(")),
            "docs/security.md names a test `{name}` that there is not"
        );
    }
}

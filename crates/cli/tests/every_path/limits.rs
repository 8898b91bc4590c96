//! Small files and small arguments that ask for work without end: each is refused, or bounded with a word, in no time.

use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use crate::scene::{photographs, small_study};
use crate::support::{Ended, Project, bakeoff};

/// What a busy machine may take for what takes a moment.
const SOON: Duration = Duration::from_secs(30);

fn soon<'a>(project: &Project, arguments: impl IntoIterator<Item = &'a str>) -> Ended {
    let began = Instant::now();
    let ended = bakeoff(project).args(arguments).run();
    let cut = |text: &str| text.chars().take(2000).collect::<String>();
    assert!(began.elapsed() < SOON, "{:?}: {} {}", began.elapsed(), cut(&ended.stdout), cut(&ended.stderr));
    assert!(ended.stderr.len() < 200_000, "{} bytes of messages", ended.stderr.len());
    assert!(!ended.stderr.contains("a mistake inside Bakeoff"), "{}", cut(&ended.stderr));
    ended
}

/// Refused as wrong usage or with an error, in these words.
fn refused<'a>(project: &Project, arguments: impl IntoIterator<Item = &'a str>, words: &str) {
    let arguments: Vec<&str> = arguments.into_iter().collect();
    let ended = soon(project, arguments.iter().copied());
    let what: Vec<String> = arguments.iter().map(|text| text.chars().take(80).collect()).collect();
    assert!(matches!(ended.code, 1 | 2), "{what:?}: {}", ended.code);
    assert!(
        ended.stderr.contains(words),
        "{what:?}: {}",
        ended.stderr.chars().take(2000).collect::<String>()
    );
}

#[test]
fn numbers_beyond_reason_are_refused_with_the_range() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 4);
    fs::write(project.path("study.toml"), small_study("photos")).unwrap();
    let largest = u64::MAX.to_string();
    for key in ["train.epochs", "train.batch", "train.image", "compare.seeds"] {
        for value in [largest.as_str(), "1000000000", "0", "-1", "1e99"] {
            let set = format!("{key}={value}");
            let arguments = ["plan", "study.toml", "--no-measure", "--set", &set];
            let ended = soon(&project, arguments);
            assert_eq!(ended.code, 2, "{set}: {ended:?}");
            assert!(ended.stderr.contains(key), "{set}: {ended:?}");
        }
    }
    for option in ["--batch", "--image", "--rounds", "--classes", "--threads"] {
        for value in [largest.as_str(), "99999999999999999999999", "0", "-1", "x"] {
            let argument = format!("{option}={value}");
            if option == "--threads" && value == largest {
                continue;
            }
            refused(&project, ["bench", "train", &argument], option);
        }
    }
    refused(
        &project,
        ["run", "study.toml", "--until-decided", "--max-seeds", &largest],
        "at most 100000 trials",
    );
    refused(&project, ["watch", "runs/x", "--serve=65536"], "65535");
    refused(&project, ["preview", "study.toml", "--count", &largest], "too large");
    let jobs = soon(&project, ["run", "study.toml", "-q", "--jobs", &largest, "--threads", &largest]);
    assert_eq!(jobs.code, 0, "{jobs:?}");
    assert!(jobs.stderr.contains("--jobs 18446744073709551615 is far more"), "{jobs:?}");
    assert!(jobs.stderr.contains("--threads 18446744073709551615 is far more"), "{jobs:?}");
    let image = ["predict", "--weights", "runs/study/trials/none/seed-1", "photos", "--image"];
    refused(&project, image.into_iter().chain([largest.as_str()]), "largest side");
    refused(&project, ["predict", "--weights", "x", "photos", "--batch", "4097"], "4096");
}

#[test]
fn study_files_nested_or_wrong_without_end_are_refused_with_the_first_of_it() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 4);
    let base = small_study("photos");
    fs::write(project.path("study.toml"), &base).unwrap();
    let deep = 20_000;
    let values = ["[".repeat(deep) + &"]".repeat(deep), "{a=".repeat(deep) + "1" + &"}".repeat(deep)];
    for (number, value) in values.iter().enumerate() {
        let file = format!("deep{number}.toml");
        fs::write(project.path(&file), format!("x = {value}\n{base}")).unwrap();
        refused(&project, ["plan", &file], "recurs");
        refused(&project, ["plan", "study.toml", "--set", &format!("x={value}")], "recurs");
    }
    refused(&project, ["plan", "study.toml", "--set", &format!("x{}=1", ".x".repeat(deep))], "20001 parts");
    let many: Vec<String> =
        (0..2000).flat_map(|n| ["--set".to_owned(), format!("train.epochs={}", n + 1)]).collect();
    let sets = ["plan", "study.toml", "--no-measure"].into_iter().chain(many.iter().map(String::as_str));
    assert_eq!(soon(&project, sets).code, 0);
    // Keys that are not known, one a line, and all in one line.
    let mut keys = base.clone() + "\n[recipe.x]\n";
    let mut line = String::from("train = { ");
    for n in 0..50_000 {
        let _ = writeln!(keys, "k{n} = 1");
        let _ = write!(line, "k{n} = 1, ");
    }
    fs::write(project.path("keys.toml"), keys.replace("[recipe.x]\n", "")).unwrap();
    refused(&project, ["plan", "keys.toml"], "unknown");
    fs::write(project.path("line.toml"), line + "}\n").unwrap();
    refused(&project, ["plan", "line.toml"], "mend these first");
    let seeds: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let list = format!("seeds = [{}]", seeds.join(","));
    fs::write(project.path("seeds.toml"), base.replace("seeds = 3", &list)).unwrap();
    refused(&project, ["plan", "seeds.toml"], "at most 10000");
    // Each is possible, and together they are too many.
    let mut recipes = base.replace("seeds = 3", "seeds = 10000");
    for n in 0..100 {
        let _ =
            write!(recipes, "\n[[recipe]]\nname = \"r{n}\"\nmix = {{ kind = \"cutmix\", alpha = {n}.5 }}\n");
    }
    fs::write(project.path("recipes.toml"), recipes).unwrap();
    refused(&project, ["plan", "recipes.toml"], "at most 100000");
}

#[test]
fn results_of_many_recipes_take_as_much_longer_as_there_are_more() {
    let project = Project::new();
    let table = |recipes: usize, seeds: usize| {
        let mut text = String::from("recipe,seed,accuracy\n");
        for recipe in 0..recipes {
            for seed in 0..seeds {
                let _ = writeln!(text, "r{recipe},{seed},0.{}", 500 + (recipe * 7 + seed * 13) % 97);
            }
        }
        text
    };
    let mut took = Vec::new();
    for recipes in [100, 1000] {
        fs::write(project.path("runs.csv"), table(recipes, 6)).unwrap();
        let began = Instant::now();
        let ended = bakeoff(&project).args(["compare", "runs.csv", "--baseline", "r0"]).run();
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("not with every other"), "{}", ended.stderr);
        took.push(began.elapsed());
    }
    assert!(took[1] < took[0] * 30 + Duration::from_secs(2), "ten times as many recipes: {took:?}");
    let mut many = String::from("recipe,seed,accuracy\n");
    let mut sets = String::from("dataset,recipe,seed,accuracy\n");
    let mut seeds = String::from("recipe,seed,accuracy\n");
    for n in 0..100_000 {
        let _ = writeln!(many, "r{n},1,0.5");
        let _ = writeln!(sets, "d{n},none,1,0.5");
        let _ = writeln!(seeds, "none,{n},0.5");
    }
    for (text, words) in [(many, "holds 1000"), (sets, "holds 1000"), (seeds, "holds 10000")] {
        fs::write(project.path("many.csv"), text).unwrap();
        refused(&project, ["compare", "many.csv"], words);
    }
}

//! The messages that the FAQ answers, out of the program.

use std::collections::BTreeSet;
use std::fs;

use crate::pages::{Page, text};
use crate::scene::{documented, fixture, photograph, photographs, small_study};
use crate::support::{Project, bakeoff};

/// Everything that a command says.
fn told(project: &Project, words: &str) -> String {
    let ended = bakeoff(project).args(words.split(' ')).run();
    format!("{}{}", ended.stdout, ended.stderr)
}

/// A folder of photographs and a small study of it.
fn project(change: impl FnOnce(&Project)) -> Project {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 6);
    fs::write(project.path("my-study.toml"), small_study("photos")).unwrap();
    change(&project);
    project
}

/// A table of another trainer's results.
fn compared(table: &str) -> String {
    let project = Project::new();
    fs::write(project.path("results.csv"), table).unwrap();
    told(&project, "compare results.csv --baseline none")
}

fn an_image_is_broken() -> String {
    let project = project(|project| {
        fs::write(project.path("photos/train/cats/broken.jpg"), b"\xff\xd8\xff\xe0no").unwrap()
    });
    told(&project, "run my-study.toml")
}

fn pictures_are_heic() -> String {
    let project = project(|project| {
        fs::write(project.path("photos/train/cats/a.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    });
    told(&project, "data check photos")
}

fn names_of_a_zip_are_of_no_known_code_page() -> String {
    let mut zip = fs::read(fixture("sources/packed/stored.zip")).unwrap();
    // In code page 437 this is the é of `chéw`.
    for at in 0..zip.len() {
        if zip[at..].starts_with(b"chow") {
            zip[at + 2] = 0x82;
        }
    }
    let project = Project::new();
    fs::write(project.path("dogs.zip"), zip).unwrap();
    told(&project, "data check dogs.zip")
}

fn a_path_has_backslashes() -> String {
    let project =
        project(|project| fs::write(project.path("my-study.toml"), small_study("C:\\photos")).unwrap());
    told(&project, "plan my-study.toml --no-measure")
}

fn a_file_stands_in_train_and_test() -> String {
    let project = project(|project| {
        fs::copy(project.path("photos/train/cats/0.jpg"), project.path("photos/test/cats/same.jpg")).unwrap();
    });
    told(&project, "run my-study.toml")
}

fn a_class_is_one_image_many_times() -> String {
    let project = project(|project| {
        for n in 0..6 {
            photograph(&project.path(format!("copies/dogs/{n}.jpg")), 1, 1, 40);
            photograph(&project.path(format!("copies/cats/{n}.jpg")), 10 + n, 0, 40);
        }
    });
    told(&project, "run my-study.toml --set data.path=copies")
}

fn a_crop_has_the_size_of_the_image() -> String {
    let project = project(|_| ());
    told(
        &project,
        "plan my-study.toml --no-measure --set recipe.cutmix.transforms=[{kind=\"random-crop\",size=32}]",
    )
}

fn the_learning_rate_is_enormous() -> String {
    let project = project(|_| ());
    told(&project, "run my-study.toml --set train.optimizer.lr=1e30")
}

fn photographs_are_smaller_than_the_image() -> String {
    let project = project(|_| ());
    told(&project, "plan my-study.toml --no-measure --set train.image=64")
}

fn a_run_of_before_enlarged() -> String {
    let project = project(|_| ());
    let before = bakeoff(&project)
        .args(["run", "my-study.toml", "-q", "--set", "preprocess.resize={ kind = \"shorter-side\" }"])
        .run();
    assert_eq!(before.code, 0, "{before:?}");
    told(&project, "run my-study.toml -q")
}

fn a_pack_has_no_place() -> String {
    let project = project(|project| {
        fs::create_dir(project.path("runs")).unwrap();
        fs::write(project.path("runs/packs"), "").unwrap();
    });
    told(&project, "run my-study.toml --set data.pack=on")
}

fn a_log_begins_again() -> String {
    let project = Project::new();
    let rows = "epoch,val_acc\n0,0.5\n1,0.6\n2,0.7\n1,0.65\n2,0.75\n";
    for (recipe, last) in [("none", 0.76), ("cutmix", 0.79)] {
        fs::write(project.path(format!("{recipe}.csv")), format!("{rows}3,{last}\n")).unwrap();
    }
    told(&project, "compare --run none/1=none.csv --run cutmix/1=cutmix.csv --metric val_acc --baseline none")
}

fn nobody_knows_the_unit() -> String {
    let project = Project::new();
    for (recipe, scale) in [("none", 1.0), ("cutmix", 100.0)] {
        let rows: Vec<String> =
            (0..3).map(|epoch| format!("{epoch},{}", scale * (0.5 + 0.1 * f64::from(epoch)))).collect();
        fs::write(project.path(format!("{recipe}.csv")), format!("epoch,val_acc\n{}\n", rows.join("\n")))
            .unwrap();
    }
    told(&project, "compare --run none/1=none.csv --run cutmix/1=cutmix.csv --metric val_acc --baseline none")
}

fn nobody_knows_which_way_is_good() -> String {
    let mut table = "recipe,seed,goodness\n".to_owned();
    for seed in 1..4 {
        table += &format!("none,{seed},0.{seed}\ncutmix,{seed},0.{}\n", seed + 3);
    }
    let project = Project::new();
    fs::write(project.path("results.csv"), table).unwrap();
    told(&project, "compare results.csv --baseline none --metric goodness")
}

fn labels_are_names_and_predictions_numbers() -> String {
    let mut table = "recipe,seed,image,label,predicted\n".to_owned();
    for recipe in ["none", "cutmix"] {
        for image in 0..12 {
            table += &format!("{recipe},1,{image}.jpg,{},{}\n", ["cat", "dog"][image % 2], image % 2);
        }
    }
    compared(&table)
}

fn test_images_were_replaced() -> String {
    let project = project(|_| ());
    let run = bakeoff(&project).args(["run", "my-study.toml", "-q"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    // Cats become dogs and dogs cats.
    for n in 0..6 {
        photograph(&project.path(format!("photos/test/cats/{n}.jpg")), 70 + n, 1, 40);
        photograph(&project.path(format!("photos/test/dogs/{n}.jpg")), 90 + n, 0, 40);
    }
    told(&project, "analyse runs/my-study --images 0")
}

fn something_that_cannot_happen() -> String {
    // Nothing that a test could do from outside makes it, and so it is looked for where it is written.
    text("crates/cli/src/panics.rs").unwrap()
}

/// Words that the FAQ quotes of a message, and what brings the message about.
type Message = (&'static str, fn() -> String);

const MESSAGES: [Message; 17] = [
    ("left out", an_image_is_broken),
    ("in formats that are not read", pictures_are_heic),
    ("not marked as UTF-8", names_of_a_zip_are_of_no_known_code_page),
    ("in double quotes a backslash begins an escape", a_path_has_backslashes),
    ("byte-identical files in different splits", a_file_stands_in_train_and_test),
    ("cannot be split", a_class_is_one_image_many_times),
    ("this crop never crops", a_crop_has_the_size_of_the_image),
    ("training diverged", the_learning_rate_is_enormous),
    ("a mistake inside Bakeoff", something_that_cannot_happen),
    ("are enlarged", photographs_are_smaller_than_the_image),
    ("preprocess.resize.enlarge", a_run_of_before_enlarged),
    ("decoded images are not packed", a_pack_has_no_place),
    ("the epoch falls back", a_log_begins_again),
    ("--unit", nobody_knows_the_unit),
    ("--lower-is-better", nobody_knows_which_way_is_good),
    ("labels and predictions are not of the same words", labels_are_names_and_predictions_numbers),
    ("otherwise than when it was tested", test_images_were_replaced),
];

/// What the bold beginnings of the FAQ's answers quote, but for names of commands and files.
fn quoted_in_questions(page: &Page) -> BTreeSet<String> {
    let questions = page.text.lines().filter_map(|line| line.strip_prefix("**")?.split("**").next());
    let quoted = questions.flat_map(|question| question.split('`').skip(1).step_by(2));
    let other = |quoted: &str| {
        quoted.starts_with("bakeoff ") || quoted.starts_with("runs/") || quoted.starts_with('\\')
    };
    quoted.filter(|quoted| !other(quoted)).map(str::to_owned).collect()
}

#[test]
fn every_message_that_the_faq_quotes_comes_out_of_the_program() {
    let page = Page::read("docs/faq.md");
    let quoted = quoted_in_questions(&page);
    let known: BTreeSet<String> = MESSAGES.iter().map(|(words, _)| (*words).to_owned()).collect();
    let unknown: Vec<&String> = quoted.difference(&known).collect();
    assert!(unknown.is_empty(), "the FAQ quotes {unknown:?}: say in MESSAGES what brings it about");
    for (words, make) in MESSAGES {
        assert!(page.text.contains(&format!("`{words}`")), "the FAQ does not quote `{words}` any more");
        let said = make();
        assert!(said.contains(words), "the program does not say {words:?} where it should:\n{said}");
    }
}

#[test]
fn settings_that_the_faq_recommends_are_accepted() {
    let project = Project::new();
    documented(&project);
    let page = Page::read("docs/faq.md");
    let mut planned = 0;
    for quoted in page.quoted() {
        let given = quoted.trim_start_matches("--set ").trim_matches('\'');
        let Some((key, value)) = given.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
            continue;
        };
        let (full, value) = match key {
            "transforms" => ("recipe.cutmix.transforms".to_owned(), value.to_owned()),
            "enlarge" => {
                ("preprocess.resize".to_owned(), format!("{{ kind = \"shorter-side\", enlarge = {value} }}"))
            }
            "columns" => {
                ("data.columns".to_owned(), value.replacen('…', "photo", 1).replacen('…', "species", 1))
            }
            "copies" | "test" => (format!("data.{key}"), value.to_owned()),
            // Weights of two networks are tested where weights are.
            "model.weights_prefix" => continue,
            key if key.contains('.') && !key.contains(' ') => (key.to_owned(), value.to_owned()),
            // An environment variable, an option of a command, a line of Python.
            _ => continue,
        };
        let set = format!("{full}={value}");
        let of_table = if key == "columns" { vec!["--set", "data.path=labels.csv"] } else { Vec::new() };
        let arguments = ["plan", "my-study.toml", "--no-measure", "--set", &set].into_iter().chain(of_table);
        let ended = bakeoff(&project).args(arguments).run();
        assert_eq!(ended.code, 0, "`{quoted}`: {ended:?}");
        planned += 1;
    }
    assert!(planned >= 7, "only {planned} settings were found");
}

//! Names in backticks: files, types, functions, commands, options, keys. What has one of these shapes must be there.

use std::collections::BTreeSet;

use bakeoff_study::json_schema;
use serde_json::Value;

use crate::pages::{Page, files, pages, text};
use crate::support::{Project, bakeoff};

/// Names of others, of a user's files, or of the past, which the page says.
const OTHERS: [&str; 3] = ["CSVLogger", "RssAnon", "tiny_http"];

/// Files that are made, not kept.
const MADE: [&str; 1] = ["bench/.venv"];

/// All that is not a document.
fn sources() -> String {
    let folders = ["crates", "oracles", "bench", "fuzz", ".ci", "studies"];
    let mut paths: Vec<String> = folders.iter().flat_map(|folder| files(folder)).collect();
    // What the tests of the documents name is no proof.
    paths.retain(|path| !path.ends_with(".md") && !path.starts_with("crates/cli/tests/docs/"));
    paths.extend(["Cargo.toml", "deny.toml"].map(str::to_owned));
    paths.iter().filter_map(|path| text(path)).collect::<Vec<_>>().join("\n")
}

/// Whether a word stands in the text by itself.
fn holds(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

fn is_identifier(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// `RunFolder`, but neither `NaN`, `TIFF` nor a word of prose.
fn is_type(text: &str) -> bool {
    is_identifier(text)
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().filter(char::is_ascii_lowercase).count() > 2
        && !text.contains('_')
}

#[test]
fn types_functions_and_variables_that_the_documents_name_are_in_the_code() {
    let sources = sources();
    let (mut seen, mut gone) = (BTreeSet::new(), Vec::new());
    for page in pages() {
        let mut names: Vec<String> = page.quoted();
        for block in page.blocks("rust") {
            let code = block.lines().map(|line| line.split("//").next().unwrap_or_default());
            let words = code.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
            names.extend(words.filter(|word| is_type(word) || word.contains('_')).map(str::to_owned));
        }
        for name in names {
            // `crate::module::Type`, `Type::function`, `name!` and `function(…)`: each part by itself.
            let name = name.trim_end_matches('!').split('(').next().unwrap_or_default();
            let path = name.contains("::");
            for part in name.split("::") {
                let named = is_identifier(part) && (path || part.contains('_') || is_type(part));
                if named && !OTHERS.contains(&part) {
                    seen.insert(part.to_owned());
                    let crate_itself = path && text(&format!("crates/{part}/Cargo.toml")).is_some();
                    if !crate_itself && !holds(&sources, part) {
                        gone.push(format!("{}: `{name}`", page.name));
                    }
                }
            }
        }
    }
    assert!(seen.len() > 100, "{seen:?}");
    assert!(gone.is_empty(), "not in the code: {gone:#?}");
    let pages = pages();
    let unused: Vec<&str> =
        OTHERS.into_iter().filter(|name| !pages.iter().any(|page| page.text.contains(name))).collect();
    assert!(unused.is_empty(), "no page names {unused:?} any more");
}

/// Whether a pattern with `*` fits a path.
fn fits(pattern: &str, path: &str) -> bool {
    let mut rest = path;
    let parts: Vec<&str> = pattern.split('*').collect();
    for (number, part) in parts.iter().enumerate() {
        let found = if number == 0 { rest.starts_with(part).then_some(0) } else { rest.find(part) };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    parts.len() > 1 || rest.is_empty()
}

#[test]
fn files_of_the_repository_that_the_documents_name_are_there() {
    let all = files("");
    assert!(all.len() > 300, "{}", all.len());
    let folders = ["crates/", "docs/", "studies/", "recipes/", "oracles/", "bench/", "fuzz/", ".ci/"];
    let (mut seen, mut gone) = (0, Vec::new());
    for page in pages() {
        // Also without backticks, in parentheses.
        let prose = page.prose();
        let plain = prose.split(|c: char| c.is_whitespace() || "()`,;".contains(c));
        let plain = plain.filter(|word| word.starts_with("crates/")).map(str::to_owned);
        for quoted in page.quoted().into_iter().chain(plain) {
            let name = quoted.split_whitespace().next().unwrap_or_default();
            let of_repository = folders.iter().any(|folder| name.starts_with(folder));
            let source = quoted == name
                && [".rs", ".py", ".svg"].iter().any(|end| name.ends_with(end))
                && !name.contains('<');
            if !of_repository && !source || name.contains('{') || MADE.contains(&name) {
                continue;
            }
            seen += 1;
            let folder = page.name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            let wanted = name.trim_end_matches('/');
            let there = all.iter().any(|file| {
                fits(wanted, file)
                    || file.starts_with(&format!("{wanted}/"))
                    || *file == format!("{folder}{wanted}")
                    // A file of the crate that the page is about.
                    || !of_repository && file.ends_with(&format!("/{wanted}"))
            }) || crate::scene::repository().join(wanted).exists()
                || wanted.ends_with("/tests/fixtures");
            if !there {
                gone.push(format!("{}: `{quoted}`", page.name));
            }
        }
    }
    assert!(seen > 50, "only {seen} files were found");
    assert!(gone.is_empty(), "no such files: {gone:#?}");
}

/// The long options that a command's help lists.
fn options(help: &str) -> BTreeSet<String> {
    let names = help.split("--").skip(1);
    names.map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect()).collect()
}

#[test]
fn commands_and_options_that_the_documents_name_are_in_the_help() {
    let project = Project::new();
    let help = |words: &[&str]| {
        let ended = bakeoff(&project).args(["help"]).args(words.iter().copied()).run();
        (ended.code == 0).then_some(ended.stdout)
    };
    let listed = help(&[]).unwrap();
    let commands: Vec<&str> = listed
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let of_data = ["check", "pack", "fetch"].map(|part| vec!["data", part]);
    let every: BTreeSet<String> = commands
        .iter()
        .map(|command| vec![*command])
        .chain(of_data)
        .filter_map(|words| help(&words))
        .flat_map(|help| options(&help))
        .collect();
    let mut seen = 0;
    // Pages of other folders speak of scripts with options of their own.
    for page in pages() {
        for quoted in page.quoted() {
            let words: Vec<&str> = quoted.split_whitespace().collect();
            // `bakeoff run STUDY --json`, or `predict --weights-prefix ema.` where the command is plain.
            let begins = words.len() > 1 && words[0] == "bakeoff";
            let command = if begins { words.get(1) } else { words.first() }.copied().unwrap_or_default();
            let used: Vec<&str> = words.iter().copied().filter(|word| word.starts_with("--")).collect();
            let given = if begins || commands.contains(&command) && !used.is_empty() {
                seen += 1;
                let second = words.get(usize::from(begins) + 1).copied();
                let words =
                    if command == "data" { vec!["data", second.unwrap_or("check")] } else { vec![command] };
                let help = help(&words)
                    .unwrap_or_else(|| panic!("{}: `{quoted}`: there is no such command", page.name));
                options(&help)
            } else if quoted.starts_with("--") && !page.name.ends_with("/README.md") {
                every.clone()
            } else {
                continue;
            };
            for option in used {
                let name = option.trim_start_matches("--").split(['=', '[']).next().unwrap_or_default();
                let other = OTHERS.contains(&option)
                    || ["attack", "bench"].iter().any(|part| page.name.contains(part));
                assert!(other || given.contains(name), "{}: `{quoted}`: there is no --{name}", page.name);
            }
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
}

/// Whether a dotted key leads somewhere in a schema.
fn leads(root: &Value, schema: &Value, parts: &[&str]) -> bool {
    let Some((first, rest)) = parts.split_first() else { return true };
    if let Some(reference) = schema["$ref"].as_str() {
        return leads(root, &root["$defs"][reference.trim_start_matches("#/$defs/")], parts);
    }
    let choices =
        ["anyOf", "oneOf"].iter().flat_map(|choice| schema[choice].as_array().into_iter().flatten());
    let mut below = choices.chain(schema.get("items"));
    schema["properties"].get(first).is_some_and(|schema| leads(root, schema, rest))
        || below.any(|schema| leads(root, schema, parts))
}

#[test]
fn keys_of_a_study_that_the_documents_name_are_keys() {
    let schema = json_schema();
    let tables = ["data.", "preprocess.", "model.", "train.", "compare."];
    let mut seen = BTreeSet::new();
    for page in pages() {
        let blocks: Vec<&str> = ["sh", "toml"].iter().flat_map(|language| page.blocks(language)).collect();
        let set = blocks
            .iter()
            .flat_map(|block| block.split_whitespace())
            .map(|word| word.trim_matches(['\'', '"']).to_owned());
        for quoted in page.quoted().into_iter().chain(set) {
            let named = quoted.trim_start_matches("--set ").trim_matches('\'');
            let key = named.split([' ', '=']).next().unwrap_or_default();
            let file = [".json", ".csv", ".parquet", ".rs"].iter().any(|end| key.ends_with(end));
            let plain =
                key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
            if file || !plain || !tables.iter().any(|table| key.starts_with(table)) {
                continue;
            }
            seen.insert(key.to_owned());
            let parts: Vec<&str> = key.split('.').collect();
            assert!(leads(&schema, &schema, &parts), "{}: `{quoted}`: there is no key {key}", page.name);
        }
    }
    assert!(seen.len() > 50, "{seen:?}");
}

#[test]
fn a_run_leaves_every_file_that_the_guide_lists() {
    let project = Project::new();
    crate::scene::documented(&project);
    let run = bakeoff(&project).args(["run", "my-study.toml", "-q"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let looked = bakeoff(&project).args(["analyse", "runs/my-study", "--images", "4"]).run();
    assert_eq!(looked.code, 0, "{looked:?}");
    let guide = Page::read("docs/guide.md");
    let blocks = guide.blocks("text");
    let block = blocks.iter().find(|block| block.starts_with("runs/<study>/")).unwrap();
    let mut seen = 0;
    for line in block.lines().skip(1) {
        let line = line.replace("<recipe>", "none").replace("<n>", "1");
        // The folder in which what follows stands.
        let columns = line.trim_start().split("  ").next().unwrap_or_default();
        let folder = columns.split(' ').next().filter(|name| name.ends_with('/')).unwrap_or_default();
        for word in line.split([' ', ';', ',', ':']) {
            let file =
                [".toml", ".json", ".jsonl", ".csv", ".html", ".txt", ".parquet", ".safetensors", ".bib"]
                    .iter()
                    .any(|end| word.ends_with(end));
            if file || word.ends_with('/') {
                seen += 1;
                let (here, there) = (
                    project.path("runs/my-study").join(word),
                    project.path("runs/my-study").join(folder).join(word),
                );
                assert!(
                    here.exists() || there.exists(),
                    "{word}, which the guide lists, is not in the run folder"
                );
            }
        }
    }
    assert!(seen > 20, "only {seen} names were found");
    assert!(block.contains("lock") && project.path("runs/my-study/lock").exists());
}

/// The names of all keys in a record.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    for (name, below) in value.as_object().into_iter().flatten() {
        found.insert(name.clone());
        keys(below, found);
    }
    value.as_array().into_iter().flatten().for_each(|below| keys(below, found));
}

#[test]
fn numbers_that_the_page_on_statistics_points_to_are_in_the_summary() {
    let project = Project::new();
    crate::scene::documented(&project);
    let run = bakeoff(&project).args(["run", "my-study.toml", "-q"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let summary = std::fs::read_to_string(project.path("runs/my-study/summary.json")).unwrap();
    let mut found = BTreeSet::new();
    keys(&serde_json::from_str(&summary).unwrap(), &mut found);
    let page = Page::read("docs/statistics.md");
    let section = page.text.split("\n## ").find(|section| section.starts_with("Recipes")).unwrap();
    let mut named = BTreeSet::new();
    // The second and third column say what a number is called.
    for cell in
        section.lines().filter(|line| line.starts_with("| ")).flat_map(|row| row.split(" | ").skip(1).take(2))
    {
        let quoted = cell
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|quoted| !quoted.contains([' ', '/']) && !quoted.ends_with(".csv"));
        named.extend(quoted.filter(|quoted| !quoted.ends_with(".json")).flat_map(|path| path.split('.')));
    }
    let gone: Vec<&str> = named
        .iter()
        .map(|name| name.trim_end_matches("[]"))
        .filter(|name| !found.contains(*name) && *name != "equivalent")
        .collect();
    assert!(
        named.len() > 10 && gone.is_empty(),
        "summary.json has no {gone:?}, which docs/statistics.md names: {found:?}"
    );
}

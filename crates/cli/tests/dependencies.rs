//! Every dependency that a crate declares is used by its code.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Dependencies that stand in a section of a manifest and whose name stands in no file of the folders.
fn unused(manifest: &toml::Value, section: &str, krate: &Path, folders: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| sources(&krate.join(folder), &mut files));
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let dependencies = manifest.get(section).and_then(toml::Value::as_table);
    let names = dependencies.into_iter().flat_map(toml::Table::keys);
    names.filter(|name| !mentions(&text, &name.replace('-', "_"))).cloned().collect()
}

/// Whether a name stands in a text as a word.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    })
}

#[test]
fn no_crate_declares_a_dependency_that_it_does_not_use() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap() {
        let krate = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(krate.join("Cargo.toml")) else { continue };
        let manifest: toml::Value = toml::from_str(&text).unwrap();
        for (section, folders) in
            [("dependencies", &["src"][..]), ("dev-dependencies", &["src", "tests", "examples", "benches"])]
        {
            let unused = unused(&manifest, section, &krate, folders);
            wrong.extend(unused.iter().map(|name| format!("{}: {section}: {name}", krate.display())));
        }
    }
    assert!(wrong.is_empty(), "take these out of Cargo.toml:\n{}", wrong.join("\n"));
}

#[test]
fn a_name_within_another_is_no_use_of_it() {
    assert!(mentions("use serde_json::Value;", "serde_json") && !mentions("use serde_json::Value;", "serde"));
    let manifest: toml::Value = toml::from_str("[dependencies]\nno-such-crate = \"1\"").unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(unused(&manifest, "dependencies", here, &["src"]), ["no-such-crate"]);
}

//! The pages, and what stands in them.

use std::fs;
use std::path::Path;

use crate::scene::repository;

/// A page of the documents.
pub(crate) struct Page {
    /// From the repository's root.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        let text =
            fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), text }
    }

    /// The page without its fenced blocks; as many lines as before.
    pub(crate) fn prose(&self) -> String {
        let mut fenced = false;
        let lines = self.text.lines().map(|line| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            if fence || fenced { "" } else { line }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What stands in backticks in the prose. Bars that a table needs escaped are bars.
    pub(crate) fn quoted(&self) -> Vec<String> {
        let prose = self.prose();
        prose
            .split('`')
            .skip(1)
            .step_by(2)
            .map(|quoted| quoted.replace("\\|", "|").replace('\n', " "))
            .collect()
    }

    /// The fenced blocks of a language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<&str> {
        let opening = format!("```{language}\n");
        self.text.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
    }
}

/// Every page that people read.
pub(crate) fn pages() -> Vec<Page> {
    let mut names: Vec<String> = [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "bench/README.md",
        "fuzz/README.md",
        "oracles/README.md",
    ]
    .map(str::to_owned)
    .into();
    for folder in ["docs", "docs/decisions"] {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            if file.ends_with(".md") {
                names.push(format!("{folder}/{file}"));
            }
        }
    }
    names.sort();
    assert!(names.len() > 25, "{names:?}");
    names.iter().map(|name| Page::read(name)).collect()
}

/// The files of a folder and of all below it, from the repository's root. Built and downloaded things are left out.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if !entry.path().is_dir() {
                found.push(path);
            } else if !["target", ".git", "fixtures", ".venv", "runs"].contains(&name.as_str()) {
                folders.push(path);
            }
        }
    }
    found
}

/// The text of a file where it is text.
pub(crate) fn text(path: &str) -> Option<String> {
    fs::read_to_string(repository().join(Path::new(path))).ok()
}

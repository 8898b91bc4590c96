//! What every check of a study file needs: where things stand in it, and what is wrong so far.

use std::path::{Path, PathBuf};

use bakeoff_data::expand_from;

use crate::document::{BACKSLASHES, Document, Step};
use crate::problem::{MOST_FOUND, Problem};

/// Checks a study file beyond its schema and writes out what it leaves to defaults. What is wrong is collected.
pub(super) struct Resolver<'a> {
    pub(super) document: &'a Document,
    pub(super) file: &'a Path,
    /// What the schema complained of.
    pub(super) complained_of: Vec<Vec<Step>>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl Resolver<'_> {
    pub(super) fn error(&mut self, path: &str, message: impl Into<String>) {
        let path = Document::steps(path);
        // Once is enough.
        if self.problems.len() < MOST_FOUND && !self.complained_of.contains(&path) {
            self.problems.push(self.document.problem(&path, message));
        }
    }

    pub(super) fn warn(&mut self, path: &str, message: impl Into<String>) {
        self.warnings.push(self.document.problem(&Document::steps(path), message));
    }

    /// A path as the file means it: from the file's folder if something is there, else from the current folder.
    pub(super) fn path(&mut self, key: &str, path: &Path, remedy: &str) -> Option<PathBuf> {
        if path.as_os_str().is_empty() {
            self.error(key, format!("is empty; {remedy}"));
            return None;
        }
        let folder = self.file.parent().unwrap_or(Path::new(""));
        if let Some(control) = path.to_string_lossy().chars().find(|c| c.is_control())
            && !folder.join(path).exists()
            && !path.exists()
        {
            let message = format!("holds {}, which no path does; {BACKSLASHES}", control_name(control));
            self.error(key, message);
            return None;
        }
        // `~/` and variables: no shell has seen this file, nor a value after `--set key=`.
        let path = match expand_from(&[folder, Path::new("")], path) {
            Ok(path) => path,
            Err(error) => {
                self.error(key, error.to_string());
                return None;
            }
        };
        let candidates = [folder.join(&path), path.clone()];
        let absolute: Vec<PathBuf> =
            candidates.iter().map(|path| std::path::absolute(path).unwrap_or(path.clone())).collect();
        if let Some(found) = absolute.iter().find(|path| path.exists()) {
            return Some(found.clone());
        }
        let mut tried: Vec<String> = absolute.iter().map(|path| path.display().to_string()).collect();
        tried.dedup();
        self.error(key, format!("there is nothing at {}; {remedy}", tried.join(", nor at ")));
        None
    }
}

/// A control character as TOML writes it.
fn control_name(control: char) -> String {
    match control {
        '\n' => "a line break (`\\n`)".into(),
        '\t' => "a tab (`\\t`)".into(),
        '\r' => "a carriage return (`\\r`)".into(),
        '\u{8}' => "a backspace (`\\b`)".into(),
        '\u{c}' => "a form feed (`\\f`)".into(),
        '\u{1b}' => "an escape character (`\\e`)".into(),
        other => format!("the control character U+{:04X}", u32::from(other)),
    }
}

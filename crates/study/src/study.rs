//! A study file, read and checked: everything that is wrong with it at once, each thing where it was written.

mod data;
mod network;
mod recipes;
mod resolve;
mod resolver;
mod sections;
mod start_weights;
mod training;

use std::path::{Path, PathBuf};

use bakeoff_augment::{Pipeline, Preprocess};
use bakeoff_data::SourceConfig;
use bakeoff_data::delimited::{DelimitedError, Encoding, text_of};

use crate::check::check;
use crate::config::{MOST_TRIALS, StudyConfig, checked_schema};
use crate::document::Document;
use crate::expansion::expand;
use crate::problem::{MOST_FOUND, Place, Problem, StudyErrors};
use resolver::Resolver;
use sections::Sections;
pub(crate) use start_weights::StartWeights;

/// A study, checked and resolved: nothing in it is left to a default.
#[derive(Debug)]
pub struct Study {
    /// Every default written out, paths absolute.
    pub config: StudyConfig,
    /// Name in the report.
    pub name: String,
    /// The file it was read from.
    pub file: PathBuf,
    /// The file's text.
    pub text: String,
    /// The `key=value` overrides laid over it.
    pub overrides: Vec<String>,
    /// What deserves attention but is no error.
    pub warnings: Vec<Problem>,
    preprocess: Preprocess,
    pipelines: Vec<Pipeline>,
    weights: Option<StartWeights>,
}

impl Study {
    /// Reads and checks a study file. `overrides` are `key=value` with dotted keys, laid over the file before it is
    /// checked: `train.epochs=20`, `recipe.cutmix.mix.alpha=0.4`. Values are TOML; bare words are strings.
    ///
    /// # Errors
    /// Everything that is wrong with the file and the overrides, each with its place.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, StudyErrors> {
        let problem = |message: String| Problem { place: Place::Absent, key: String::new(), message };
        let fail = |message: String| StudyErrors { file: path.to_owned(), problems: vec![problem(message)] };
        let bytes = bakeoff_files::read(path, MOST_BYTES).map_err(|error| {
            fail(match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such study file".to_owned(),
                std::io::ErrorKind::FileTooLarge => {
                    format!("has more than {} MiB; is it a study file?", MOST_BYTES >> 20)
                }
                std::io::ErrorKind::IsADirectory => "is a folder; name the study file in it".to_owned(),
                _ => format!("cannot be read: {error}"),
            })
        })?;
        let (text, encoding) = match text_of(bytes) {
            Ok(read) => read,
            // What is missing in it is said by its check.
            Err(DelimitedError::Empty) => (String::new(), Encoding::Utf8),
            Err(error) => return Err(fail(format!("the study file is no text: {error}"))),
        };
        let mut study = Self::parse(&text, path, overrides)?;
        if matches!(encoding, Encoding::Windows1252 | Encoding::Cp949) {
            study.warnings.push(problem(format!(
                "the study file is not UTF-8 and was read as {encoding}: save it as UTF-8, or names in it may be wrong"
            )));
        }
        Ok(study)
    }

    /// Checks the text of a study file. `file` names it in messages, and relative paths in it start from its folder.
    ///
    /// # Errors
    /// As [`Study::read`].
    pub fn parse(text: &str, file: &Path, overrides: &[String]) -> Result<Self, StudyErrors> {
        let fail = |mut problems: Vec<Problem>| {
            // File order; what stands nowhere and what came from the command line last.
            problems.sort_by_key(|problem| match &problem.place {
                Place::File { line, column, .. } => (0, *line, *column),
                Place::Override(_) => (1, 0, 0),
                Place::Absent => (2, 0, 0),
            });
            StudyErrors { file: file.to_owned(), problems }
        };
        let mut document = Document::parse(text, overrides).map_err(fail)?;
        let unresolved = expand(&mut document);
        let mut checked = check(&document, &checked_schema());
        checked.problems.splice(0..0, unresolved);
        if checked.problems.len() >= MOST_FOUND {
            // More than anybody reads; what would be found beyond takes time and changes nothing.
            return Err(fail(checked.problems));
        }
        // What can be understood is checked further, so that its errors are reported together with the others.
        let unreadable = [checked.unknown.as_slice(), checked.unreadable.as_slice()].concat();
        let mut sections =
            Sections::of(&document.json_without(&checked.unknown), &document.json_without(&unreadable));
        let mut resolver = Resolver {
            document: &document,
            file,
            complained_of: [checked.unknown, checked.wrong].concat(),
            problems: checked.problems,
            warnings: Vec::new(),
        };
        let resolved = resolver.resolve(&mut sections);
        let Resolver { mut problems, warnings, .. } = resolver;
        // Recipes that inherit, and families, share what is wrong with them.
        let mut once: Vec<(Place, String)> = Vec::new();
        problems.retain(|problem| {
            let key = (problem.place.clone(), problem.message.clone());
            let first = problem.place == Place::Absent || !once.contains(&key);
            once.push(key);
            first
        });
        let Some(config) = sections.config().filter(|_| problems.is_empty()) else {
            if problems.is_empty() {
                // The schema and the types differ somewhere; the types have the last word.
                let error = serde_json::from_value::<StudyConfig>(document.root.json()).err();
                let message = error.map_or("cannot be understood".to_owned(), |error| error.to_string());
                problems.push(Problem { place: Place::Absent, key: String::new(), message });
            }
            return Err(fail(problems));
        };
        let (recipes, seeds) = (config.recipe.len(), config.compare.seeds.list().len());
        if recipes.saturating_mul(seeds) > MOST_TRIALS {
            let message = format!(
                "{recipes} recipes with {seeds} seeds each are {} trials; at most {MOST_TRIALS}",
                recipes * seeds
            );
            return Err(fail(vec![document.problem(&Document::steps("compare.seeds"), message)]));
        }
        Ok(Self {
            name: resolved.name,
            config,
            file: file.to_owned(),
            text: text.to_owned(),
            overrides: overrides.to_vec(),
            warnings,
            preprocess: resolved.preprocess,
            pipelines: resolved.pipelines,
            weights: resolved.weights,
        })
    }

    /// From a decoded image to the network's input.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// One per recipe, in study order.
    #[must_use]
    pub fn pipelines(&self) -> &[Pipeline] {
        &self.pipelines
    }

    /// What is opened.
    #[must_use]
    pub fn source(&self) -> SourceConfig {
        self.config.source()
    }

    /// The seeds in running order.
    #[must_use]
    pub fn seeds(&self) -> Vec<u64> {
        self.config.compare.seeds.list()
    }

    pub(crate) fn weights(&self) -> Option<&StartWeights> {
        self.weights.as_ref()
    }

    /// The file's text, with the overrides as comments: what a run folder keeps.
    pub(crate) fn text_with_overrides(&self) -> String {
        let mut text = self.text.clone();
        if !self.overrides.is_empty() {
            text.push_str("\n# Overrides of this run:\n");
            for set in &self.overrides {
                text.push_str(&format!("#   --set {}\n", set.replace('\n', " ")));
            }
        }
        text
    }
}

/// A study file is smaller than this.
const MOST_BYTES: u64 = 16 << 20;

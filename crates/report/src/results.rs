//! Results of other trainers, read from CSV: one row per prediction, one row per run, or one training log per run.
//!
//! | a row is | columns |
//! |---|---|
//! | a prediction | `recipe`, `seed`, `image`, and `correct` (0/1, true/false), or `label` and `predicted`, or `probability` (of the true class) |
//! | a run | `recipe`, `seed`, and `accuracy` or `top1` |
//! | an epoch | `epoch` and a metric: timm's `summary.csv`, Keras' `CSVLogger`, Lightning's `metrics.csv`, Ultralytics' `results.csv` |
//!
//! A column `dataset` (or `data_set`) beside those of a prediction or a run names the data set it is of ([`Results::read_all`]).
//! Columns stand in any order, others are ignored, names are matched without regard to case. Recipe and seed of a log come
//! from its columns, from its path ([`place`](Source::of)), or from the caller.

mod log;
mod place;
mod table;

use bakeoff_stats::Marks;
use bakeoff_study::Headline;
use bakeoff_study::records::EpochRecord;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

pub use place::Pattern;

/// One file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Recipe and seed of a training log, where its path does not say.
    pub run: Option<(String, u64)>,
}

impl Source {
    /// A file whose recipe and seed stand in its columns or in its path.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), run: None }
    }
}

/// How files are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultsOptions {
    /// Column that is compared, where a training log has several.
    pub metric: Option<String>,
    /// Which epoch of a training log counts.
    pub headline: Headline,
    /// Where recipe and seed stand in the path of a training log.
    pub pattern: Option<Pattern>,
}

/// One training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Recipe.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// What is compared, a fraction: the mean of the marks, or as the file says.
    pub value: f64,
    /// Top-5 accuracy of the same epoch, where the log has it.
    pub top5: Option<f64>,
    /// Per image, in the order of [`Results::images`].
    pub marks: Option<Marks>,
    /// The training log; what it does not say is NaN.
    pub epochs: Vec<EpochRecord>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// Name for the report: that of the first file.
    pub name: String,
    /// What is compared: `top1`, `probability`, or the column of a log.
    pub metric: String,
    /// Which epoch counts; `as given` where rows are no epochs.
    pub headline: String,
    /// One per recipe and seed, recipes in the order they were met, seeds ascending.
    pub runs: Vec<Run>,
    /// Test images where they are known.
    pub images: Vec<String>,
    /// Class of each image, an index into the classes, where there was a `label` column.
    pub labels: Vec<u32>,
    /// Class names.
    pub classes: Vec<String>,
    /// What a reader should know, whole sentences.
    pub warnings: Vec<String>,
}

/// Results that cannot be compared, with the place of what is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultsError {
    /// The operating system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// File.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing in it.
    #[error("{path} holds no results: {message}")]
    Empty {
        /// File.
        path: PathBuf,
        /// What is missing.
        message: &'static str,
    },
    /// A column that is needed.
    #[error("{path}:1: column `{column}` is missing; {found}{hint}")]
    MissingColumn {
        /// File.
        path: PathBuf,
        /// What was looked for.
        column: String,
        /// What stands there.
        found: String,
        /// What to do.
        hint: String,
    },
    /// A value that cannot be.
    #[error("{path}:{line}: column {column} (`{name}`): {message}")]
    Cell {
        /// File.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// 1-based.
        column: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A row that is no row.
    #[error("{path}:{line}: {message}")]
    Row {
        /// File.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// The same recipe and seed in two files.
    #[error(
        "{path}: recipe \"{recipe}\", seed {seed} was already read from {other}; every run needs a recipe and a seed of its own"
    )]
    SameRun {
        /// File.
        path: PathBuf,
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
        /// The other file.
        other: PathBuf,
    },
    /// Runs that were not tested on the same images.
    #[error(
        "recipe \"{recipe}\", seed {seed} lacks {missing} of {images} test images, such as \"{example}\": all runs must be of the same images"
    )]
    ImagesDiffer {
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
        /// Images it lacks.
        missing: usize,
        /// Images of all runs together.
        images: usize,
        /// One of those it lacks.
        example: String,
    },
    /// A log whose path says neither recipe nor seed.
    #[error(
        "{path}: a training log, but which recipe and seed it is of cannot be told from its path. Say where they stand, e.g. \
         --pattern '{{recipe}}/seed-{{seed}}/summary.csv', or name the run: --run RECIPE/SEED={path}"
    )]
    NoPlace {
        /// File.
        path: PathBuf,
    },
    /// Files of several kinds.
    #[error("{path} holds {kind}, {other} {other_kind}: give files of one kind")]
    Mixed {
        /// File.
        path: PathBuf,
        /// What it holds.
        kind: &'static str,
        /// Another file.
        other: PathBuf,
        /// What that one holds.
        other_kind: &'static str,
    },
    /// A baseline that is no recipe.
    #[error("there is no recipe \"{name}\" to compare the others with{nearest}; the recipes are {known}")]
    UnknownBaseline {
        /// As asked for.
        name: String,
        /// `; did you mean …?`
        nearest: String,
        /// All recipes.
        known: String,
    },
    /// No baseline was named.
    #[error("which recipe are the others compared with? Say --baseline NAME; the recipes are {known}")]
    NoBaseline {
        /// All recipes.
        known: String,
    },
    /// Several data sets where one was wanted.
    #[error(
        "the results are of {count} data sets, {names}: they are compared one by one, or all together as an aggregate"
    )]
    SeveralDataSets {
        /// How many.
        count: usize,
        /// Their names.
        names: String,
    },
    /// Nothing to compare.
    #[error("all results are of one recipe, \"{recipe}\": a comparison needs a second one")]
    OneRecipe {
        /// The recipe.
        recipe: String,
    },
}

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Predictions,
    Runs,
    Log,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Runs => "one row per run",
            Self::Log => "a training log",
        }
    }
}

/// Names longer than this are shown cut.
const SHOWN: usize = 12;

/// The columns of a CSV file, by name.
struct Header {
    path: PathBuf,
    names: Vec<String>,
}

/// `Val/Acc` and `val_acc` are the same name.
fn plain(name: &str) -> String {
    let name = name.trim().trim_start_matches('\u{feff}').to_lowercase();
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}

impl Header {
    fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| plain(n) == name)
    }

    /// The column that names the data set a row is of.
    fn data_set(&self) -> Option<usize> {
        self.find("dataset").or_else(|| self.find("data_set"))
    }

    fn missing(&self, column: &str) -> ResultsError {
        let known: Vec<String> = self.names.iter().map(|name| plain(name)).collect();
        let nearest = nearest(column, known.iter().map(String::as_str));
        let hint = match nearest {
            Some(near) => format!("; is it `{near}`? Rename it"),
            None => ". Rows are predictions (recipe, seed, image, correct or probability), runs (recipe, seed, accuracy) or \
                     epochs (epoch and a metric)"
                .into(),
        };
        let mut shown: Vec<String> =
            self.names.iter().take(SHOWN).map(|n| format!("`{}`", n.trim())).collect();
        if self.names.len() > SHOWN {
            shown.push(format!("{} more", self.names.len() - SHOWN));
        }
        let found = format!("the columns are {}", crate::summary::list(&shown));
        ResultsError::MissingColumn { path: self.path.clone(), column: column.into(), found, hint }
    }

    fn cell(&self, line: u64, column: usize, message: impl Into<String>) -> ResultsError {
        ResultsError::Cell {
            path: self.path.clone(),
            line,
            column: column + 1,
            name: self.names.get(column).map_or_else(String::new, |name| name.trim().to_owned()),
            message: message.into(),
        }
    }

    fn kind(&self) -> Result<Kind, ResultsError> {
        let has = |name| self.find(name).is_some();
        if has("recipe") && has("seed") && !has("epoch") && !has("image") && Self::value_names().any(has) {
            Ok(Kind::Runs)
        } else if has("epoch") && !has("image") {
            Ok(Kind::Log)
        } else if has("recipe") || has("seed") || has("image") {
            Ok(Kind::Predictions)
        } else {
            Err(self.missing("recipe"))
        }
    }

    /// Columns that hold the result of a run.
    fn value_names() -> impl Iterator<Item = &'static str> {
        ["accuracy", "top1", "test_accuracy", "test_top1", "acc"].into_iter()
    }
}

/// The known name that is nearest to a mistyped one.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .map(|known| (strsim::damerau_levenshtein(&name, &known.to_lowercase()), known))
        .filter(|(distance, known)| {
            *distance <= 1 + known.chars().count().min(name.chars().count()) / 4
                || (known.chars().count() >= 3 && name.starts_with(&known.to_lowercase()))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// A text shortened so that an error stays readable.
fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut cut: String = crate::text::plain(text).chars().take(MOST).collect();
    if text.chars().count() > MOST {
        cut.push('…');
    }
    cut
}

type Rows = csv::Reader<BufReader<File>>;

/// Opens a CSV file; commas, semicolons or tabs, whichever its first line has most of.
fn open(path: &Path) -> Result<(Rows, Header), ResultsError> {
    let io = |source| ResultsError::Io { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(io)?);
    let mut first = Vec::new();
    // A file of other data may have no line end for gigabytes.
    file.by_ref().take(1 << 20).read_until(b'\n', &mut first).map_err(io)?;
    if first.iter().all(u8::is_ascii_whitespace) {
        return Err(ResultsError::Empty { path: path.to_owned(), message: "it has no header line" });
    }
    let count = |delimiter: u8| first.iter().filter(|&&b| b == delimiter).count();
    let delimiter = [b',', b';', b'\t'].into_iter().rev().max_by_key(|&d| count(d)).unwrap_or(b',');
    file.rewind().map_err(io)?;
    let mut rows = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
    let names = rows.headers().map_err(|error| row_error(path, &error))?;
    let names = names.iter().map(str::to_owned).collect();
    Ok((rows, Header { path: path.to_owned(), names }))
}

/// What the CSV library says, with the line.
fn row_error(path: &Path, error: &csv::Error) -> ResultsError {
    let path = path.to_owned();
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} values, but the header has {expected_len} columns")
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("column {} is not UTF-8 text", err.field() + 1),
        csv::ErrorKind::Io(source) => {
            return ResultsError::Io { path, source: std::io::Error::new(source.kind(), source.to_string()) };
        }
        _ => error.to_string(),
    };
    ResultsError::Row { path, line, message }
}

/// Whether a run stands in more than one of these files, no column of which names data sets.
fn share_a_run(sources: &[Source]) -> Result<bool, ResultsError> {
    if sources.len() < 2 {
        return Ok(false);
    }
    let mut files: HashMap<(String, u64), usize> = HashMap::new();
    for (number, source) in sources.iter().enumerate() {
        let (mut rows, header) = open(&source.path)?;
        let table = matches!(header.kind()?, Kind::Predictions | Kind::Runs) && header.data_set().is_none();
        // What is wrong with a table is said when it is read in earnest.
        let Some((recipe, seed)) = header.find("recipe").zip(header.find("seed")).filter(|_| table) else {
            return Ok(false);
        };
        let mut record = csv::StringRecord::new();
        let mut last: Option<(String, u64)> = None;
        while rows.read_record(&mut record).map_err(|error| row_error(&header.path, &error))? {
            let text = |column: usize| record.get(column).unwrap_or_default().trim();
            let Ok(seed) = table::seed_of(text(seed)) else { return Ok(false) };
            // Rows of a run mostly stand together.
            if last.as_ref().is_some_and(|(name, last)| name == text(recipe) && *last == seed) {
                continue;
            }
            let run = (text(recipe).to_owned(), seed);
            if *files.entry(run.clone()).or_insert(number) != number {
                return Ok(true);
            }
            last = Some(run);
        }
    }
    Ok(false)
}

impl Results {
    /// Reads files of one kind and one data set.
    ///
    /// # Errors
    /// A file cannot be read, a column is missing, a value cannot be, a prediction stands twice, or runs are not of the same
    /// images; each with its place. Or the files are of several data sets.
    pub fn read(sources: &[Source], options: &ResultsOptions) -> Result<Self, ResultsError> {
        let mut all = Self::read_group(sources, options)?;
        match all.len() {
            1 => Ok(all.remove(0)),
            count => {
                let names: Vec<String> = all.iter().map(|r| format!("\"{}\"", shown(&r.name))).collect();
                Err(ResultsError::SeveralDataSets { count, names: crate::summary::list(&names) })
            }
        }
    }

    /// Reads files of one kind and of any number of data sets: those that a column `dataset` names; where none does but one
    /// run (recipe and seed) stands in several files, each file is a data set, named as the file is; otherwise it is one.
    ///
    /// # Errors
    /// As [`Results::read`].
    pub fn read_all(sources: &[Source], options: &ResultsOptions) -> Result<Vec<Self>, ResultsError> {
        if !share_a_run(sources)? {
            return Self::read_group(sources, options);
        }
        let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let names: Vec<Option<String>> = sources.iter().map(|source| stem(&source.path)).collect();
        let one = |(source, name): (&Source, &Option<String>)| {
            let mut results = Self::read(std::slice::from_ref(source), options)?;
            if names.iter().filter(|other| *other == name).count() > 1 {
                results.name = source.path.with_extension("").display().to_string();
            }
            Ok(results)
        };
        sources.iter().zip(&names).map(one).collect()
    }

    /// Reads files that belong together; several only where a column names data sets.
    fn read_group(sources: &[Source], options: &ResultsOptions) -> Result<Vec<Self>, ResultsError> {
        let mut kind: Option<(Kind, &Path)> = None;
        let mut tables = table::Tables::default();
        let mut logs = log::Logs::new(options);
        for source in sources {
            let (rows, header) = open(&source.path)?;
            let found = header.kind()?;
            let (first, of) = *kind.get_or_insert((found, &source.path));
            if first != found {
                return Err(ResultsError::Mixed {
                    path: source.path.clone(),
                    kind: found.words(),
                    other: of.to_owned(),
                    other_kind: first.words(),
                });
            }
            match found {
                Kind::Predictions | Kind::Runs => tables.read(rows, &header, found)?,
                Kind::Log => logs.read(rows, &header, source)?,
            }
        }
        let Some((kind, first)) = kind else {
            return Err(ResultsError::Empty { path: PathBuf::new(), message: "no file was given" });
        };
        let mut all = match kind {
            Kind::Predictions | Kind::Runs => tables.finish(first)?,
            Kind::Log => vec![logs.finish(first)?],
        };
        let alone = all.len() == 1;
        for results in &mut all {
            // A single data set is called by its file, as it is where no column names it.
            if alone {
                results.name =
                    first.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
            }
            let recipes = results.recipes();
            let at = |recipe: &str| recipes.iter().position(|r| r == recipe);
            results.runs.sort_by_key(|run| (at(&run.recipe), run.seed));
        }
        Ok(all)
    }

    /// Recipes in the order they were met.
    #[must_use]
    pub fn recipes(&self) -> Vec<String> {
        let mut recipes: Vec<String> = Vec::new();
        for run in &self.runs {
            if !recipes.contains(&run.recipe) {
                recipes.push(run.recipe.clone());
            }
        }
        recipes
    }

    /// The recipe the others are compared with: the one asked for, or the one called `none` or `baseline`.
    ///
    /// # Errors
    /// There is no such recipe, or there is only one.
    pub fn baseline(&self, asked: Option<&str>) -> Result<String, ResultsError> {
        let recipes = self.recipes();
        let known =
            crate::summary::list(&recipes.iter().map(|r| format!("\"{}\"", shown(r))).collect::<Vec<_>>());
        let baseline = match asked {
            Some(name) if recipes.iter().any(|r| r == name) => name.to_owned(),
            Some(name) => {
                let near = nearest(name, recipes.iter().map(String::as_str));
                let nearest = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                return Err(ResultsError::UnknownBaseline { name: name.into(), nearest, known });
            }
            None => {
                let usual = ["none", "baseline"].into_iter().find(|usual| recipes.iter().any(|r| r == usual));
                usual.ok_or(ResultsError::NoBaseline { known })?.to_owned()
            }
        };
        match recipes.as_slice() {
            [recipe] => Err(ResultsError::OneRecipe { recipe: recipe.clone() }),
            _ => Ok(baseline),
        }
    }

    /// Runs whose seed the baseline, or no other recipe, has: said, since they are not compared.
    pub(crate) fn unpaired(&self, baseline: &str) -> Vec<String> {
        let seeds = |recipe: &str| -> Vec<u64> {
            self.runs.iter().filter(|run| run.recipe == recipe).map(|run| run.seed).collect()
        };
        let theirs = seeds(baseline);
        let recipes = self.recipes();
        let others = recipes.iter().filter(|recipe| *recipe != baseline);
        others
            .filter_map(|recipe| {
                let ours = seeds(recipe);
                let lone = |a: &[u64], b: &[u64]| -> Vec<String> {
                    a.iter().filter(|seed| !b.contains(seed)).map(u64::to_string).collect()
                };
                let (here, there) = (lone(&ours, &theirs), lone(&theirs, &ours));
                (!here.is_empty() || !there.is_empty()).then(|| {
                    let mut parts = Vec::new();
                    for (name, seeds) in [(recipe.as_str(), here), (baseline, there)] {
                        if !seeds.is_empty() {
                            let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
                            parts.push(format!("{noun} {} of {name}", crate::summary::list(&seeds)));
                        }
                    }
                    format!(
                        "{recipe} and {baseline} are compared over the seeds both have: {} left out.",
                        parts.join(" and ")
                    )
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_without_regard_to_case_and_marks() {
        assert_eq!(plain("\u{feff}Val/Acc "), "val_acc");
        assert_eq!(nearest("imag", ["image", "seed"].into_iter()), Some("image"));
        assert_eq!(nearest("image", ["img", "seed", "recipe"].into_iter()), None);
        assert_eq!(nearest("cutmux", ["cutmix", "mixup"].into_iter()), Some("cutmix"));
    }
}

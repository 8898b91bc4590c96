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
//!
//! A verdict must not rest on a misunderstanding. So separators, encodings and decimal signs are found out
//! ([`bakeoff_data::delimited`]); the way that is good is told by a metric's name, or refused; its unit is told log by log, and logs
//! in fractions are never compared with logs in percent; the order of epochs is that of the rows; labels and predictions have to be of
//! the same words. What was decided is in [`Results::notes`] and [`Results::warnings`].

mod epochs;
mod identical;
mod log;
mod metric;
mod opened;
mod place;
mod table;
mod vocabulary;

use bakeoff_data::alike_names;
use bakeoff_data::nearest;
use bakeoff_stats::{Direction, Marks, Measure, Unit};
use bakeoff_study::Headline;
use bakeoff_study::records::EpochRecord;
use opened::Opened;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

pub use metric::is_top1;
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
    /// Column that is compared, where a training log or a table of runs has several.
    pub metric: Option<String>,
    /// Which way is good, where the column's name does not tell or tells it wrongly.
    pub direction: Option<Direction>,
    /// The unit of the column, where its values leave it open.
    pub unit: Option<MetricUnit>,
    /// Which epoch of a training log counts.
    pub headline: Headline,
    /// Where recipe and seed stand in the path of a training log.
    pub pattern: Option<Pattern>,
}

/// The unit a column is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// Shares from 0 to 1.
    Fraction,
    /// Shares from 0 to 100.
    Percent,
    /// No shares: numbers as they are.
    Plain,
}

/// One training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Recipe.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// What is compared: a fraction, the mean of the marks or as the file says; or, of [`Unit::Plain`], as it is.
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
    /// Which way is good, and the unit.
    pub measure: Measure,
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
    /// What the files were taken for, for those who watch.
    pub notes: Vec<String>,
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
    #[error("{path}:{line}: column `{column}` is missing; {found}{hint}")]
    MissingColumn {
        /// File.
        path: PathBuf,
        /// Line of the header, 1-based.
        line: u64,
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
    /// A column of which nobody can tell which way is good.
    #[error(
        "{path}: whether a higher or a lower `{metric}` is better cannot be told from its name: say --higher-is-better or \
         --lower-is-better"
    )]
    NoDirection {
        /// File.
        path: PathBuf,
        /// The column.
        metric: String,
    },
    /// A column that may be in fractions or in percent.
    #[error(
        "{path}: {message}. Say --unit percent or --unit fraction if all logs are written so; otherwise write them in one unit"
    )]
    NoUnit {
        /// File.
        path: PathBuf,
        /// What contradicts what.
        message: String,
    },
    /// A run without any value of the metric.
    #[error(
        "{path}: recipe \"{recipe}\", seed {seed} has no epoch with a value of `{metric}`{why}; leave its log out if the run is not to count"
    )]
    NotMeasured {
        /// File.
        path: PathBuf,
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
        /// The column.
        metric: String,
        /// What stands there instead.
        why: String,
    },
    /// Labels and predictions of two vocabularies.
    #[error(
        "recipe \"{recipe}\", seed {seed}: labels and predictions are not of the same words, since a label is \"{label}\" and a prediction \
         \"{predicted}\"{hint}. Write the classes in the same way in both columns"
    )]
    Vocabulary {
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
        /// One of the labels.
        label: String,
        /// One of the predictions.
        predicted: String,
        /// The likely cause.
        hint: String,
    },
    /// Labels and predictions of the same words that mean others.
    #[error(
        "{run}: {written:.0} % of the predictions are right as they are written, but {otherwise:.0} % would be if, as predictions, {pairs}. \
         Were the classes numbered in another order, or called otherwise, in one of the columns? Write them in the same way in both"
    )]
    Renamed {
        /// Recipe, and the seed where it is one.
        run: String,
        /// Right as they stand, percent.
        written: f64,
        /// Right if they meant the labels they are predicted for most often, percent.
        otherwise: f64,
        /// Which would mean which.
        pairs: String,
    },
    /// Runs that are one run.
    #[error(
        "all {runs} runs of recipe \"{recipe}\" are identical to the last digit, {what}: these are no {runs} runs but one, and what is \
         computed over seeds would be made up. Was the seed set, and was each file written by a run of its own? Keep one of them, or give \
         runs that differ"
    )]
    OneRun {
        /// Recipe.
        recipe: String,
        /// How many.
        runs: usize,
        /// What of them is the same.
        what: &'static str,
    },
    /// An option that these files have no use for.
    #[error("{path} holds {kind}, for which {option} means nothing: it is for {of}. Leave it out")]
    NoUse {
        /// File.
        path: PathBuf,
        /// What it holds.
        kind: &'static str,
        /// As it was written.
        option: &'static str,
        /// What it is for.
        of: &'static str,
    },
    /// A `--metric` for files that have no choice.
    #[error(
        "{path} holds predictions, which are compared by `correct`, by `label` and `predicted`, or by `probability`: `{metric}` is none of them"
    )]
    MetricOfPredictions {
        /// File.
        path: PathBuf,
        /// As asked for.
        metric: String,
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
    /// More than one comparison can hold.
    #[error(
        "there are {found} {what}, and one comparison holds {most}: is the column of {what} the right one? Else take parts of them"
    )]
    TooMany {
        /// Recipes, or data sets.
        what: &'static str,
        /// How many there are, as far as was read.
        found: String,
        /// How many there may be.
        most: usize,
    },
}

/// Recipes of a data set, as of a study, and data sets of a comparison.
const MOST: usize = 1000;
/// Seeds of a recipe, as of a study.
const MOST_SEEDS: usize = 10_000;

impl ResultsError {
    fn too_many(what: &'static str, found: usize, most: usize) -> Result<(), Self> {
        if found <= most {
            return Ok(());
        }
        Err(Self::TooMany { what, found: format!("{found} or more"), most })
    }
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

    fn no_use(self, path: &Path, option: &'static str, of: &'static str) -> ResultsError {
        ResultsError::NoUse { path: path.to_owned(), kind: self.words(), option, of }
    }
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

/// What a reader should know, said once of several files.
#[derive(Debug, Default)]
struct Told {
    told: Vec<(&'static str, String, usize)>,
}

impl Told {
    /// Sentences of one kind are counted after the first.
    fn tell(&mut self, kind: &'static str, sentence: impl FnOnce() -> String) {
        match self.told.iter_mut().find(|(other, ..)| *other == kind) {
            Some((.., more)) => *more += 1,
            None => self.told.push((kind, sentence(), 0)),
        }
    }

    fn sentences(self) -> Vec<String> {
        let sentence = |(_, first, more): (&'static str, String, usize)| match more {
            0 => first,
            1 => format!("{first} The same was found and done in one more place."),
            more => format!("{first} The same was found and done in {more} more places."),
        };
        self.told.into_iter().map(sentence).collect()
    }
}

/// What several tables without a column of data sets are to one another.
#[derive(Debug, Default)]
struct Shared {
    /// A run stands in more than one of them.
    run: bool,
    /// What should be said of those that were put together although the same recipes stand in several of them.
    parts: Option<String>,
}

/// Whether files are data sets or parts of one.
fn shared(sources: &[Source], options: &ResultsOptions) -> Result<Shared, ResultsError> {
    if sources.len() < 2 {
        return Ok(Shared::default());
    }
    let mut files: HashMap<(String, u64), usize> = HashMap::new();
    for (number, source) in sources.iter().enumerate() {
        let opened = Opened::read(&source.path)?;
        let header = &opened.header;
        let kind = header.kind(options)?;
        let table = matches!(kind, Kind::Predictions | Kind::Runs) && header.data_set().is_none();
        // What is wrong with a table is said when it is read in earnest.
        let Some((recipe, seed)) = header.find("recipe").zip(header.find("seed")).filter(|_| table) else {
            return Ok(Shared::default());
        };
        let mut last: Option<(String, u64)> = None;
        for row in opened.rows() {
            let Ok(row) = row else { return Ok(Shared::default()) };
            let Ok(seed) = table::seed_of(row.cell(seed), None) else { return Ok(Shared::default()) };
            // Rows of a run mostly stand together.
            if last.as_ref().is_some_and(|(name, last)| name == row.cell(recipe) && *last == seed) {
                continue;
            }
            let run = (row.cell(recipe).to_owned(), seed);
            if *files.entry(run.clone()).or_insert(number) != number {
                return Ok(Shared { run: true, parts: None });
            }
            last = Some(run);
        }
    }
    Ok(Shared { run: false, parts: parts(sources, &files) })
}

/// That files with several seeds of the same recipes were put together: they may as well be data sets whose seeds go on counting.
fn parts(sources: &[Source], files: &HashMap<(String, u64), usize>) -> Option<String> {
    let mut seeds: BTreeMap<&str, BTreeMap<usize, Vec<u64>>> = BTreeMap::new();
    for ((recipe, seed), file) in files {
        seeds.entry(recipe).or_default().entry(*file).or_default().push(*seed);
    }
    // A file per recipe and a file per seed are usual.
    let several =
        |files: &BTreeMap<usize, Vec<u64>>| files.values().filter(|seeds| seeds.len() > 1).count() > 1;
    let (recipe, files) = seeds.into_iter().find(|(_, files)| several(files))?;
    let path = |file: &usize| shown_path(&sources[*file].path);
    let some = files.into_iter().take(2).map(|(file, seeds)| {
        let (least, most) = (seeds.iter().min().copied(), seeds.iter().max().copied());
        format!("{} to {} in {}", least.unwrap_or(0), most.unwrap_or(0), path(&file))
    });
    let some: Vec<String> = some.collect();
    let named = |source: &Source| {
        let stem =
            source.path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        format!("--data-set {}={}", crate::text::plain(&stem), shown_path(&source.path))
    };
    Some(format!(
        "{} files were put together as parts of one data set, since no run stands in two of them: the seeds of {} are {}, for example. If they \
         are several data sets, say so: {}{}",
        sources.len(),
        shown(recipe),
        crate::text::list(&some),
        sources.iter().take(2).map(named).collect::<Vec<_>>().join(" "),
        if sources.len() > 2 { " …" } else { "" }
    ))
}

/// Names that are probably the same thing, written in different ways.
fn alike(what: &str, names: &[String]) -> Option<String> {
    let groups = alike_names(names);
    (!groups.is_empty()).then(|| {
        let groups = groups.iter().map(|group| {
            let names: Vec<String> = group.names.iter().map(|name| format!("\"{}\"", shown(name))).collect();
            let differ: Vec<String> = group.differences.iter().map(ToString::to_string).collect();
            format!("{} (they differ in {})", crate::text::list(&names), crate::text::list(&differ))
        });
        format!(
            "Some {what} have names that are alike and were kept apart: {}. If they are the same, write them the same way.",
            groups.collect::<Vec<_>>().join("; ")
        )
    })
}

fn shown_path(path: &Path) -> String {
    crate::text::plain(&path.display().to_string()).into_owned()
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
                Err(ResultsError::SeveralDataSets { count, names: crate::text::list(&names) })
            }
        }
    }

    /// Reads files of one kind and of any number of data sets: those that a column `dataset` names; where none does but one
    /// run (recipe and seed) stands in several files, each file is a data set, named as the file is; otherwise it is one.
    ///
    /// # Errors
    /// As [`Results::read`].
    pub fn read_all(sources: &[Source], options: &ResultsOptions) -> Result<Vec<Self>, ResultsError> {
        let shared = shared(sources, options)?;
        if !shared.run {
            let mut all = Self::read_group(sources, options)?;
            if let Some(first) = all.first_mut() {
                first.warnings.splice(0..0, shared.parts);
            }
            return Ok(all);
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
        let mut all: Vec<Self> = sources.iter().zip(&names).map(one).collect::<Result<_, _>>()?;
        let names: Vec<String> = all.iter().map(|results| results.name.clone()).collect();
        if let Some(warning) = alike("data sets", &names) {
            all[0].warnings.push(warning);
        }
        Ok(all)
    }

    /// Reads files that belong together; several only where a column names data sets.
    fn read_group(sources: &[Source], options: &ResultsOptions) -> Result<Vec<Self>, ResultsError> {
        let mut kind: Option<(Kind, &Path)> = None;
        let mut tables = table::Tables::new(options);
        let mut logs = log::Logs::new(options);
        let mut told = Told::default();
        let mut formats: BTreeMap<String, usize> = BTreeMap::new();
        for source in sources {
            let opened = Opened::read(&source.path)?;
            let path = shown_path(&source.path);
            for warning in opened.warnings() {
                let kind = if warning.contains("UTF-8") { "encoding" } else { "file" };
                let end = if warning.ends_with(['.', '?']) { "" } else { "." };
                told.tell(kind, || format!("{path}: {warning}{end}"));
            }
            if !opened.format().is_usual() {
                *formats.entry(opened.format().to_string()).or_default() += 1;
            }
            let found = opened.header.kind(options)?;
            let (first, of) = *kind.get_or_insert((found, &source.path));
            if first != found {
                return Err(ResultsError::Mixed {
                    path: source.path.clone(),
                    kind: found.words(),
                    other: of.to_owned(),
                    other_kind: first.words(),
                });
            }
            if source.run.is_some() && found != Kind::Log {
                return Err(found.no_use(
                    &source.path,
                    "--run",
                    "training logs whose paths do not say recipe and seed",
                ));
            }
            match found {
                Kind::Predictions | Kind::Runs => tables.read(&opened, found, &mut told)?,
                Kind::Log => logs.read(&opened, source, &mut told)?,
            }
        }
        let Some((kind, first)) = kind else {
            return Err(ResultsError::Empty { path: PathBuf::new(), message: "no file was given" });
        };
        let mut all = match kind {
            Kind::Predictions | Kind::Runs => tables.finish(first)?,
            Kind::Log => vec![logs.finish(first, &mut told)?],
        };
        let alone = all.len() == 1;
        let mut warnings = told.sentences();
        let names: Vec<String> = all.iter().map(|results| results.name.clone()).collect();
        warnings.extend(alike("data sets", &names));
        let taken = formats.into_iter().map(|(format, files)| match files {
            1 => format!("one file was read as {format}"),
            files => format!("{files} files were read as {format}"),
        });
        let taken: Vec<String> = taken.collect();
        for results in &mut all {
            // A single data set is called by its file, as it is where no column names it.
            if alone {
                results.name =
                    first.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
            }
            let recipes = results.recipes();
            ResultsError::too_many("recipes", recipes.len(), MOST)?;
            let seeds = results.runs_of_recipes().into_iter().map(|(_, seeds)| seeds).max();
            ResultsError::too_many("seeds", seeds.unwrap_or(0), MOST_SEEDS)?;
            let at: HashMap<&str, usize> = recipes.iter().map(String::as_str).zip(0..).collect();
            results.runs.sort_by_key(|run| (at.get(run.recipe.as_str()).copied(), run.seed));
            results.warnings.extend(alike("recipes", &recipes));
            results.warnings.extend(results.suspicious());
            let identical = identical::found(&results.runs, &results.labels)?;
            results.warnings.extend(identical);
            results.notes.extend(taken.iter().cloned());
        }
        // What is wrong with the files is said once, of the first data set.
        if let Some(first) = all.first_mut() {
            warnings.append(&mut first.warnings);
            first.warnings = warnings;
        }
        Ok(all)
    }

    /// Accuracies of exactly 0 or 1, which are more often a misunderstanding than a result.
    fn suspicious(&self) -> Option<String> {
        if self.measure.unit != Unit::Percent {
            return None;
        }
        let of = |recipe: &String| {
            let mut values = self.runs.iter().filter(|run| run.recipe == *recipe).map(|run| run.value);
            let first = values.next().filter(|value| *value == 0.0 || *value == 1.0)?;
            values.all(|value| value == first).then(|| format!("{} ({} %)", shown(recipe), first * 100.0))
        };
        let found: Vec<String> = self.recipes().iter().filter_map(of).collect();
        (!found.is_empty()).then(|| {
            format!(
                "Every run of {} is exactly 0 % or 100 %: was that measured, or are the files not what they were taken for?",
                crate::text::list(&found)
            )
        })
    }

    /// Recipes in the order they were met.
    #[must_use]
    pub fn recipes(&self) -> Vec<String> {
        let mut met = HashSet::new();
        let first = self.runs.iter().filter(|run| met.insert(run.recipe.as_str()));
        first.map(|run| run.recipe.clone()).collect()
    }

    /// How many runs each recipe has, in the order of [`Results::recipes`].
    #[must_use]
    pub fn runs_of_recipes(&self) -> Vec<(String, usize)> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        self.runs.iter().for_each(|run| *counts.entry(&run.recipe).or_default() += 1);
        let count = |recipe: String| {
            let runs = counts.get(recipe.as_str()).copied().unwrap_or_default();
            (recipe, runs)
        };
        self.recipes().into_iter().map(count).collect()
    }

    /// The recipe the others are compared with: the one asked for, or the one called `none` or `baseline`.
    ///
    /// # Errors
    /// There is no such recipe, or there is only one.
    pub fn baseline(&self, asked: Option<&str>) -> Result<String, ResultsError> {
        let recipes = self.recipes();
        let known =
            crate::text::list(&recipes.iter().map(|r| format!("\"{}\"", shown(r))).collect::<Vec<_>>());
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
                            parts.push(format!("{noun} {} of {name}", crate::text::list(&seeds)));
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

//! Why results cannot be compared.

use std::path::PathBuf;

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

impl ResultsError {
    pub(super) fn too_many(what: &'static str, found: usize, most: usize) -> Result<(), Self> {
        if found <= most {
            return Ok(());
        }
        Err(Self::TooMany { what, found: format!("{found} or more"), most })
    }
}

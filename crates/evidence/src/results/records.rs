//! What is read, and how.

use super::place::Pattern;
use bakeoff_stats::{Direction, Marks, Measure};
use bakeoff_study::Headline;
use bakeoff_study::records::EpochRecord;
use std::path::PathBuf;

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
    /// What is compared: a fraction, the mean of the marks or as the file says; or, of [`Unit::Plain`](bakeoff_stats::Unit::Plain), as it is.
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

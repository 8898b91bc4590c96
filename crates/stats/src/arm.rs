//! What is compared: one arm per recipe, one run per seed.

use crate::interval::Variance;
use crate::measure::Unit;
use std::collections::BTreeSet;

/// One finished training run: its accuracy on the test images, and where they are kept, what it made of each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    seed: u64,
    accuracy: f64,
    marks: Option<Marks>,
}

/// What a run made of every test image, in an order that is the same for all runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Marks {
    /// Right or wrong.
    Correct(Vec<bool>),
    /// A score in [0, 1], such as the probability of the true class.
    Scores(Vec<f64>),
}

impl Marks {
    /// Images.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Correct(marks) => marks.len(),
            Self::Scores(marks) => marks.len(),
        }
    }

    /// Without images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their mean: the accuracy. NaN without images.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let sum = match self {
            Self::Correct(marks) => marks.iter().filter(|&&c| c).count() as f64,
            Self::Scores(marks) => marks.iter().sum(),
        };
        sum / self.len() as f64
    }
}

impl Run {
    /// A run of which only the accuracy is known, a fraction in [0, 1]; or what [`Unit::Plain`] shows, any number.
    #[must_use]
    pub fn from_accuracy(seed: u64, accuracy: f64) -> Self {
        Self { seed, accuracy, marks: None }
    }

    /// A run whose every test image is known, in an order that is the same for all runs. The accuracy is their mean.
    #[must_use]
    pub fn from_marks(seed: u64, marks: Marks) -> Self {
        // An empty list gives NaN, which `check` reports.
        Self { seed, accuracy: marks.mean(), marks: Some(marks) }
    }

    /// [`Run::from_marks`] where images are right or wrong.
    #[must_use]
    pub fn from_correct(seed: u64, correct: Vec<bool>) -> Self {
        Self::from_marks(seed, Marks::Correct(correct))
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Share of the test images classified correctly, or the mean of their scores.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// What it made of every test image.
    #[must_use]
    pub fn marks(&self) -> Option<&Marks> {
        self.marks.as_ref()
    }

    /// Per test image, whether it was classified correctly.
    #[must_use]
    pub fn correct(&self) -> Option<&[bool]> {
        match self.marks.as_ref()? {
            Marks::Correct(correct) => Some(correct),
            Marks::Scores(_) => None,
        }
    }
}

/// A recipe and its finished runs, one per seed, in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Recipe name, as sentences call it.
    pub name: String,
    /// Finished runs.
    pub runs: Vec<Run>,
}

/// Input from which no comparison can be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Two runs of one arm have the same seed, so that pairs are ambiguous.
    #[error("recipe \"{arm}\" has two runs with seed {seed}: keep one of them")]
    DuplicateSeed {
        /// Recipe.
        arm: String,
        /// Seed.
        seed: u64,
    },
    /// Two arms have the same name.
    #[error("two recipes are called \"{0}\": give one of them another name")]
    DuplicateArm(String),
    /// An accuracy outside [0, 1], or of no images.
    #[error("recipe \"{arm}\", seed {seed}: accuracy {accuracy} is not a fraction in [0, 1]")]
    AccuracyOutOfRange {
        /// Recipe.
        arm: String,
        /// Seed.
        seed: u64,
        /// As given.
        accuracy: f64,
    },
    /// A loss or the like that is no number.
    #[error("recipe \"{arm}\", seed {seed}: {value} is no number that can be compared")]
    NotFinite {
        /// Recipe.
        arm: String,
        /// Seed.
        seed: u64,
        /// As given.
        value: f64,
    },
    /// Runs were tested on different numbers of images.
    #[error(
        "recipe \"{arm}\", seed {seed} was tested on {found} images, the others on {expected}: runs are only comparable on \
         the same test images"
    )]
    ImagesDiffer {
        /// Recipe.
        arm: String,
        /// Seed.
        seed: u64,
        /// Images of this run.
        found: usize,
        /// Images of the first run.
        expected: usize,
    },
    /// A margin, level or confidence that makes no sense.
    #[error("{name} is {value}, must be {range}")]
    Option {
        /// Which.
        name: &'static str,
        /// As given.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
}

/// Everything wrong that can be seen before computing.
pub(crate) fn check<'a>(arms: impl Iterator<Item = &'a Arm>, unit: Unit) -> Result<(), StatsError> {
    let mut names = BTreeSet::new();
    let mut images = None;
    for arm in arms {
        if !names.insert(&arm.name) {
            return Err(StatsError::DuplicateArm(arm.name.clone()));
        }
        let mut seeds = BTreeSet::new();
        for run in &arm.runs {
            let (name, seed) = (|| arm.name.clone(), run.seed);
            if !seeds.insert(seed) {
                return Err(StatsError::DuplicateSeed { arm: name(), seed });
            }
            match unit {
                Unit::Percent if !(0.0..=1.0).contains(&run.accuracy) => {
                    return Err(StatsError::AccuracyOutOfRange { arm: name(), seed, accuracy: run.accuracy });
                }
                Unit::Plain if !run.accuracy.is_finite() => {
                    return Err(StatsError::NotFinite { arm: name(), seed, value: run.accuracy });
                }
                _ => {}
            }
            if let Some(found) = run.marks.as_ref().map(Marks::len) {
                let expected = *images.get_or_insert(found);
                if found != expected {
                    return Err(StatsError::ImagesDiffer { arm: name(), seed, found, expected });
                }
            }
        }
    }
    Ok(())
}

/// Differences of two arms over the seeds both finished, in seed order.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    pub(crate) seeds: Vec<u64>,
    /// Accuracy of the recipe minus that of the baseline, per seed.
    pub(crate) differences: Vec<f64>,
    /// The recipe's accuracies of the paired seeds.
    pub(crate) recipe: Vec<f64>,
    /// The baseline's accuracies of the paired seeds.
    pub(crate) baseline: Vec<f64>,
    /// Per seed and image, where every paired run has them.
    pub(crate) images: Option<Table>,
}

/// Differences of every seed on every image.
#[derive(Clone, Debug)]
pub(crate) enum Table {
    /// 1: only the recipe is right, −1: only the baseline, 0: both or neither.
    Counts(Vec<Vec<i8>>),
    /// Score of the recipe minus that of the baseline.
    Scores(Vec<Vec<f64>>),
}

impl Table {
    fn new(pairs: &[(&Run, &Run)]) -> Option<Self> {
        let counts = pairs.iter().map(|(run, other)| {
            let (ours, theirs) = (run.correct()?, other.correct()?);
            Some(ours.iter().zip(theirs).map(|(&a, &b)| i8::from(a) - i8::from(b)).collect())
        });
        if let Some(counts) = counts.collect() {
            return Some(Self::Counts(counts));
        }
        let scores = pairs.iter().map(|(run, other)| match (run.marks()?, other.marks()?) {
            (Marks::Scores(ours), Marks::Scores(theirs)) => {
                Some(ours.iter().zip(theirs).map(|(a, b)| a - b).collect())
            }
            _ => None,
        });
        scores.collect::<Option<_>>().map(Self::Scores)
    }
}

impl Pairs {
    /// Over seeds and images where these are known, else over seeds; `None` for fewer than two seeds.
    pub(crate) fn variance(&self) -> Option<Variance> {
        let crossed = match &self.images {
            Some(Table::Counts(rows)) => Variance::crossed(rows).map(Variance::of_one_image_at_least),
            // Scores may differ by less than an image, but not by nothing.
            Some(Table::Scores(rows)) => Variance::crossed(rows).map(|variance| {
                let same = variance.standard_error(variance.seeds) == 0.0;
                if same { variance.of_one_image_at_least() } else { variance }
            }),
            None => None,
        };
        crossed.or_else(|| Variance::of_seeds(&self.differences))
    }

    /// Test images, where they are known.
    pub(crate) fn image_count(&self) -> Option<usize> {
        match self.images.as_ref()? {
            Table::Counts(rows) => rows.first().map(Vec::len),
            Table::Scores(rows) => rows.first().map(Vec::len),
        }
    }

    pub(crate) fn new(baseline: &Arm, recipe: &Arm) -> Self {
        let mut pairs: Vec<(&Run, &Run)> = recipe
            .runs
            .iter()
            .filter_map(|run| Some((run, baseline.runs.iter().find(|other| other.seed == run.seed)?)))
            .collect();
        pairs.sort_by_key(|(run, _)| run.seed);
        let images = Table::new(&pairs);
        Self {
            seeds: pairs.iter().map(|(run, _)| run.seed).collect(),
            differences: pairs.iter().map(|(run, other)| run.accuracy - other.accuracy).collect(),
            recipe: pairs.iter().map(|(run, _)| run.accuracy).collect(),
            baseline: pairs.iter().map(|(_, other)| other.accuracy).collect(),
            images,
        }
    }
}

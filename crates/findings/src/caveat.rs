//! What a reader must know before believing the numbers, each with its numbers: every language says it from these.

use bakeoff_stats::wording::percent;
use std::fmt;

/// A warning. Its `Display` is the English sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum Caveat {
    /// Told by the run itself, or by who read its files: text, in English.
    Told(String),
    /// Some finished trials kept no predictions.
    NoPredictions {
        /// Trials without.
        without: usize,
        /// Finished trials.
        of: usize,
    },
    /// Two trials were tested on different images.
    OtherImages {
        /// Recipe and seed of one.
        first: (String, u64),
        /// Recipe and seed of the other.
        second: (String, u64),
    },
    /// A trial's record and its predictions contradict each other.
    Contradiction {
        /// Recipe.
        recipe: String,
        /// Seed.
        seed: u64,
        /// Accuracy in its record, a fraction.
        recorded: f64,
        /// Accuracy of its predictions, a fraction.
        counted: f64,
    },
    /// Too many recipes for all pairs.
    TooManyForPairs {
        /// How many there are.
        recipes: usize,
        /// How many are compared pair by pair.
        most: usize,
        /// What each is compared with.
        baseline: String,
    },
    /// The plan's baseline is none of its recipes.
    BaselineUnknown {
        /// Its name.
        baseline: String,
    },
    /// No record of damaged images is whole yet.
    DamageUnfinished,
    /// Some records of damaged images are not like the rest.
    DamageUneven {
        /// Networks left out.
        left: usize,
        /// Networks looked at.
        of: usize,
    },
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(text) => f.write_str(text),
            Self::NoPredictions { without, of } => write!(
                f,
                "{without} of {of} finished trials kept no predictions, so intervals come from accuracies per seed alone."
            ),
            Self::OtherImages { first, second } => write!(
                f,
                "{} seed {} and {} seed {} were not tested on the same images with the same labels, so they are not \
                 compared image by image: intervals come from accuracies per seed alone. Was the data set changed in between?",
                first.0, first.1, second.0, second.1
            ),
            Self::Contradiction { recipe, seed, recorded, counted } => write!(
                f,
                "{recipe} seed {seed}: trial.json says {} top-1 on the test images, predictions.parquet {}; one of them is not of \
                 this trial. Intervals come from the accuracies in trial.json alone.",
                percent(*recorded, 2),
                percent(*counted, 2)
            ),
            Self::TooManyForPairs { recipes, most, baseline } => write!(
                f,
                "There are {recipes} recipes: each is compared with {baseline}, and not with every other as up to {most} recipes are."
            ),
            Self::BaselineUnknown { baseline } => {
                write!(f, "The plan names {baseline} as baseline but has no such recipe.")
            }
            Self::DamageUnfinished => f.write_str(
                "No network has been looked at with all damaged images yet; `bakeoff analyse` goes on with it.",
            ),
            Self::DamageUneven { left, of } => write!(
                f,
                "{left} of {of} networks were looked at with fewer or with other damaged images than the rest, and are left out there; \
                 `bakeoff analyse` looks at them again."
            ),
        }
    }
}

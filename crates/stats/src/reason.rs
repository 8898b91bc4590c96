//! Why a verdict is what it is: an enum with its numbers, which every language renders for itself.

use crate::wording::p_value;
use serde::{Deserialize, Serialize};

/// A p-value that was corrected for so many comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrected {
    /// In [0, 1].
    pub p: f64,
    /// How many recipes it was corrected for; 0 and 1: nothing was corrected.
    pub comparisons: usize,
}

impl std::fmt::Display for Corrected {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.comparisons {
            0 | 1 => write!(formatter, "{}", p_value(self.p)),
            n => write!(formatter, "{} after correction for {n} comparisons", p_value(self.p)),
        }
    }
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nothing can be compared.
    NoSeedInCommon,
    /// A single pair says nothing about the next one.
    OneSeedInCommon,
    /// The seeds agree, and so would other test images.
    Differs {
        /// Over seeds.
        p: Corrected,
    },
    /// No difference that would matter.
    Equivalent {
        /// The margin, in the unit of what is compared.
        margin: f64,
        /// The interval that lies inside it.
        inside: [f64; 2],
        /// Its coverage, in (0, 1).
        confidence: f64,
        /// A difference is there, but it is smaller than the margin: its p.
        there: Option<Corrected>,
    },
    /// Nothing yet.
    Undecided(Obstacle),
}

/// What stands between a comparison and its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// Too few test images to tell anything.
    FewImages {
        /// How many.
        images: usize,
    },
    /// Too few seeds for any p that decides.
    FewSeeds {
        /// The smallest p that they can give.
        smallest_p: f64,
        /// So many could decide.
        fewest: usize,
    },
    /// The seeds agree, but the interval over seeds and images includes zero.
    IntervalIncludesZero {
        /// Over seeds.
        p: Corrected,
    },
    /// The seeds agree, but other test images might not.
    Images {
        /// Over seeds.
        p: Corrected,
        /// Over seeds and images.
        images: Corrected,
    },
    /// There are several looks, and at this one p has to be smaller.
    Look {
        /// What it may be at most.
        level: f64,
        /// What it is.
        p: Corrected,
    },
    /// Such a difference is not rare by chance.
    Chance {
        /// Over seeds.
        p: Corrected,
        /// The interval of this recipe, which knows nothing of the others, lies on one side of zero.
        excludes_zero: bool,
    },
}

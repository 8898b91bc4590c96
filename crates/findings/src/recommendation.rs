//! Which recipe to train with, as `summary.json` holds it.

use serde::{Deserialize, Serialize};

/// Which recipe to train with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Recommendation {
    /// The recipe with the best mean of those that may be the best ([`bakeoff_stats::may_be_best`]). The baseline is not among them, or is this one.
    Use {
        /// The recipe.
        recipe: String,
        /// Others that may be the best, the better mean first.
        alike: Vec<String>,
        /// Recipes that were compared, the baseline included.
        of: usize,
    },
    /// Another recipe has the best mean, but is equivalent to the baseline.
    KeepBaseline {
        /// That recipe.
        foremost: String,
    },
    /// The recipe with the best mean cannot be told from the baseline.
    Open {
        /// The recipe with the best mean, which may be the baseline.
        foremost: String,
        /// All others that may be the best, the baseline included; the better mean first.
        alike: Vec<String>,
        /// Recipes that cannot be the best.
        excluded: usize,
    },
}

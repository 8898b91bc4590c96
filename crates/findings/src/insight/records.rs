//! What is found beyond the verdict, as `summary.json` holds it.

use crate::ranged::Ranged;
use crate::robustness::Robustness;
use bakeoff_stats::curves::{Course, Point};
use bakeoff_stats::metric::{Bin, Metric};
use serde::{Deserialize, Serialize};

/// A metric of a recipe on the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    /// Which.
    pub metric: Metric,
    /// Over seeds and images.
    #[serde(flatten)]
    pub value: Ranged,
    /// Minus the baseline's, over the seeds both finished; `null` for the baseline.
    pub difference: Option<Ranged>,
}

/// Two trained models of one seed, compared by McNemar's exact test: it says nothing of the recipes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoModels {
    /// Seed of both.
    pub seed: u64,
    /// Test images only the recipe's model classified correctly.
    pub only_recipe: u64,
    /// Test images only the baseline's model did.
    pub only_baseline: u64,
    /// Two-sided, for these two trained models.
    pub p: f64,
}

/// A class under a recipe and under the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassDifference {
    /// Name.
    pub class: String,
    /// Test images.
    pub images: usize,
    /// Share of them that the baseline classifies correctly, mean over seeds.
    pub baseline: f64,
    /// The recipe's.
    pub recipe: f64,
    /// Recipe minus baseline.
    pub difference: Ranged,
    /// Two-sided t test over seeds and images.
    pub p: Option<f64>,
    /// The same, with the false discovery rate over the classes kept (Benjamini & Hochberg).
    pub p_bh: Option<f64>,
}

/// A test image whose classification changes with the recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlippedImage {
    /// Sample id.
    pub image: String,
    /// Its class, where known.
    pub class: Option<String>,
    /// Seeds whose baseline classifies it correctly.
    pub right_baseline: usize,
    /// Seeds whose recipe does.
    pub right_recipe: usize,
    /// What the side that is mostly wrong takes it for most often; `None` where classes were not kept.
    pub taken_for: Option<String>,
}

impl FlippedImage {
    /// Right under the recipe, wrong under the baseline; otherwise the other way round.
    #[must_use]
    pub fn becomes_right(&self) -> bool {
        self.right_recipe > self.right_baseline
    }
}

/// One recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecipeInsight {
    /// Name.
    pub name: String,
    /// Those that can be computed from what was kept.
    pub metrics: Vec<MetricSummary>,
    /// Reliability diagram of all seeds together; `null` where confidences were not kept.
    pub reliability: Option<Vec<Bin>>,
    /// Against the baseline, seed by seed.
    pub two_models: Vec<TwoModels>,
    /// Classes it helps most, the most first.
    pub helped: Vec<ClassDifference>,
    /// Classes it hurts most, the most first.
    pub hurt: Vec<ClassDifference>,
    /// Test images right in more than half of the seeds under the baseline and in less than half under the recipe.
    pub to_wrong: usize,
    /// The other way round.
    pub to_right: usize,
    /// Smoothed validation accuracy per epoch.
    pub curve: Vec<Point>,
    /// Mean time of an epoch, where it was measured.
    pub seconds_per_epoch: Option<f64>,
    /// Time of all its trials, finished or not.
    pub seconds: Option<f64>,
    /// All classes, in label order; in `classes.csv`.
    #[serde(skip)]
    pub classes: Vec<ClassDifference>,
    /// All images that change, those that become wrong first, then by how many seeds they change; in `flips.csv`.
    #[serde(skip)]
    pub flips: Vec<FlippedImage>,
}

/// Two recipes, neither of which need be the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairSummary {
    /// Recipe.
    pub first: String,
    /// The one it is compared with.
    pub second: String,
    /// First minus second, over the seeds both finished.
    pub mean: f64,
    /// Its interval, uncorrected.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
    /// Exact two-sided sign-flip permutation over seeds, uncorrected.
    pub p: f64,
    /// Corrected by Holm for all pairs of recipes.
    pub p_holm: f64,
}

/// How one learning curve stands to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseSummary {
    /// Recipe.
    pub first: String,
    /// The one it is compared with.
    pub second: String,
    /// In words.
    pub sentence: String,
    /// In numbers.
    #[serde(flatten)]
    pub course: Course,
}

/// Validation accuracy when the quickest recipe was done, and after the same number of epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EqualTime {
    /// Time of training, the same for all.
    pub seconds: f64,
    /// Epochs, the same for all.
    #[serde(default)]
    pub epochs: usize,
    /// One per recipe that was trained for that long.
    pub recipes: Vec<AtTime>,
}

/// A recipe at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtTime {
    /// Name.
    pub name: String,
    /// Validation accuracy, linear between epochs, over seeds.
    #[serde(flatten)]
    pub accuracy: Ranged,
    /// Minus the baseline's, seed by seed; `null` for the baseline.
    pub difference: Option<Ranged>,
    /// Epochs it had been trained for by then.
    #[serde(default)]
    pub epochs: f64,
    /// Accuracy after the same number of epochs.
    #[serde(default)]
    pub equal_epochs: Option<Ranged>,
    /// Minus the baseline's; `null` for the baseline.
    #[serde(default)]
    pub equal_epochs_difference: Option<Ranged>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Insight {
    /// In study order.
    pub recipes: Vec<RecipeInsight>,
    /// All pairs of recipes that share two seeds; of more than 64 recipes those with the baseline.
    pub pairs: Vec<PairSummary>,
    /// Learning curves that pass each other, and all against the baseline's.
    pub courses: Vec<CourseSummary>,
    /// `null` where epochs were not timed.
    pub equal_time: Option<EqualTime>,
    /// Time of all trials, finished or not; `null` where it was not measured.
    pub seconds: Option<f64>,
    /// On damaged test images; `null` where nobody looked (`bakeoff analyse`).
    #[serde(default)]
    pub robustness: Option<Robustness>,
}

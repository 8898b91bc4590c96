//! The numbers of a study: `summary.json`, `summary.csv`, and the lines a terminal shows.

mod lines;

use crate::insight::Insight;
use crate::recommendation::Recommendation;
use bakeoff_stats::sequential::{Design, Look, Standing};
use bakeoff_stats::{Measure, Method, Outlook, Unit, Verdict};
use bakeoff_study::records::{CopiesRecord, DataRecord};
use serde::{Deserialize, Serialize};

/// An accuracy over seeds, fractions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean over seeds; `null` without a finished trial.
    pub mean: Option<f64>,
    /// Standard deviation over seeds; `null` for fewer than two.
    pub sd: Option<f64>,
    /// One value per seed, in the order of the recipe's `seeds`.
    pub per_seed: Vec<f64>,
}

impl Spread {
    pub(crate) fn new(per_seed: Vec<f64>) -> Self {
        Self {
            mean: bakeoff_stats::mean(&per_seed),
            sd: bakeoff_stats::standard_deviation(&per_seed),
            per_seed,
        }
    }
}

/// A recipe minus the baseline, over the seeds both finished; fractions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean paired difference.
    pub mean: f64,
    /// Lower limit of its 95 % interval.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
    /// Exact two-sided sign-flip permutation over seeds, uncorrected.
    pub p: f64,
    /// The same, corrected for all recipes by the step-down maximum statistic; the verdict rests on it.
    pub p_adjusted: f64,
    /// `p` corrected by Holm, for comparison.
    pub p_holm: f64,
    /// Paired t test, uncorrected; `null` where all differences are equal.
    pub p_paired_t: Option<f64>,
    /// Normal p over seeds and images, corrected by Holm; `null` where images are not known.
    #[serde(default)]
    pub p_images: Option<f64>,
    /// Where the interval comes from.
    pub method: Method,
    /// Percentile limits of the crossed bootstrap, for comparison.
    pub bootstrap: Option<[f64; 2]>,
    /// Probability that a run of the recipe beats one of the baseline, with limits.
    pub probability_better: Option<[f64; 3]>,
    /// Difference of each seed both finished.
    pub per_seed: Vec<f64>,
    /// These seeds.
    pub seeds: Vec<u64>,
}

/// One recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeSummary {
    /// Name.
    pub name: String,
    /// Test top-1.
    pub top1: Spread,
    /// Test top-5.
    pub top5: Spread,
    /// Seeds finished, ascending.
    pub seeds: Vec<u64>,
    /// Against the baseline; `null` for the baseline itself and where fewer than two seeds are paired.
    pub difference: Option<Difference>,
    /// Against the baseline; `null` for the baseline itself and where no seed is paired.
    pub verdict: Option<Verdict>,
    /// Why, in one sentence.
    pub reason: Option<String>,
    /// What would settle an undecided verdict.
    pub outlook: Option<Outlook>,
    /// Mean time of a finished trial.
    pub seconds_per_trial: Option<f64>,
}

impl RecipeSummary {
    /// Reason and outlook, whole sentences.
    #[must_use]
    pub fn explanation(&self) -> Option<String> {
        let reason = self.reason.as_ref()?;
        let more = self.outlook.as_ref().and_then(Outlook::sentence);
        Some(more.map_or_else(|| reason.clone(), |more| format!("{reason} {more}")))
    }
}

/// A trial without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingTrial {
    /// Recipe.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Why.
    pub reason: String,
}

/// `summary.json`. Accuracies are fractions, the margin is in points; losses and the like are as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Study name.
    pub study: String,
    /// The recipe the others are compared with.
    pub baseline: String,
    /// Whose weights were tested: `last`, `best-on-validation`, `median-of-last-k`.
    pub headline: String,
    /// One per recipe, in study order.
    pub recipes: Vec<RecipeSummary>,
    /// Trials not begun or not finished.
    pub skipped: Vec<MissingTrial>,
    /// Trials that failed.
    pub failed: Vec<MissingTrial>,
    /// The number compared.
    pub metric: String,
    /// Which way is good, and the unit; accuracies where it is absent.
    #[serde(default, skip_serializing_if = "Measure::is_usual")]
    pub measure: Measure,
    /// Difference that was declared to matter, in points or in the unit of what is compared.
    pub margin: f64,
    /// The answer in a few sentences.
    pub answer: String,
    /// Which recipe to use; absent where nothing is compared, or too much to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<Recommendation>,
    /// What a reader must know before believing the numbers.
    pub warnings: Vec<String>,
    /// Of a run that added seeds until all was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential: Option<SequentialSummary>,
    /// Copies among the images; absent where there are none, or nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<CopiesSummary>,
    /// Beyond the verdict.
    #[serde(default)]
    pub insight: Insight,
}

/// Sets of images that are the same byte for byte, or by their looks. data.json names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiesSummary {
    /// Sets.
    pub sets: usize,
    /// Images in them; one that is in two sets counts twice.
    pub images: usize,
    /// Sets of byte-identical images.
    pub identical: usize,
    /// Sets that stand on one side of the splits because copies are kept together.
    pub kept_together: usize,
    /// Sets that stand in more than one of train, validation and test.
    pub across_splits: usize,
    /// Sets labelled as more than one class.
    pub across_classes: usize,
}

impl CopiesSummary {
    /// Of a run.
    pub fn of(data: &DataRecord) -> Self {
        let count = |is: &dyn Fn(&CopiesRecord) -> bool| data.copies.iter().filter(|set| is(set)).count();
        Self {
            sets: data.copies.len(),
            images: data.copies.iter().map(|set| set.images.len()).sum(),
            identical: count(&|set| set.identical),
            kept_together: count(&|set| set.together && !set.across_splits),
            across_splits: count(&|set| set.across_splits),
            across_classes: count(&|set| set.across_classes),
        }
    }
}

/// The looks of a run that added seeds until all was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequentialSummary {
    /// What was declared before the first look.
    pub design: Design,
    /// All looks taken so far.
    pub looks: Vec<Look>,
    /// Where each recipe but the baseline stands.
    pub recipes: Vec<RecipeStanding>,
}

/// A recipe and whether it gets further seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeStanding {
    /// Name.
    pub name: String,
    /// Where it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

impl Summary {
    /// How much better than the baseline a recipe is, whichever way is good.
    pub fn gain(&self, recipe: &RecipeSummary) -> f64 {
        recipe.difference.as_ref().map_or(0.0, |d| self.measure.direction.gain(d.mean))
    }

    /// Whether what is compared is the share of images classified correctly.
    #[must_use]
    pub fn is_top1(&self) -> bool {
        self.measure.is_usual() && bakeoff_evidence::results::is_top1(&self.metric)
    }

    /// The margin without its unit.
    pub fn margin_number(&self) -> String {
        match self.measure.unit {
            Unit::Percent => {
                self.measure.unit.number(self.margin / 100.0, usize::from(self.margin.fract() != 0.0))
            }
            Unit::Plain => self.margin.to_string(),
        }
    }
}

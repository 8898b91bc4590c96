//! The numbers of a study: `summary.json`, `summary.csv`, and the lines a terminal shows.

mod lines;

use crate::answer::{Answer, Recommendation};
use crate::insight::{ALL_PAIRS, Insight, Material};
use crate::robustness::robustness;
use crate::{Caveat, FindingsError};
use bakeoff_evidence::{Evidence, Origin, State, Tested, Trial, judgement};
use bakeoff_stats::metric::Judgement;
use bakeoff_stats::sequential::{Design, Look, Standing, compare_sequentially};
use bakeoff_stats::{
    Arm, Comparison, LEVEL, Marks, Measure, Method, Options, Outlook, Run, Unit, Verdict, compare,
};
use bakeoff_study::records::{CopiesRecord, DataRecord};
use bakeoff_study::{Metric, Prediction};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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
    fn new(per_seed: Vec<f64>) -> Self {
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

/// What the page needs besides the summary.
pub struct Assessment {
    /// The numbers and verdicts.
    pub summary: Summary,
    /// In study order without the baseline.
    pub comparisons: Vec<Comparison>,
    /// The summary's warnings, as what they are.
    pub caveats: Vec<Caveat>,
}

/// Per trial, what it made of the test images, in one order for all trials; `None` where that cannot be had.
fn marks(trials: &[&Trial], warnings: &mut Vec<Caveat>) -> Option<Vec<Marks>> {
    if trials.iter().any(|trial| trial.marks.is_some()) {
        return trials.iter().map(|trial| trial.marks.clone()).collect();
    }
    let kept: Vec<(&Trial, &Vec<Prediction>)> = trials
        .iter()
        .filter_map(|trial| match &trial.state {
            State::Finished { predictions: Some(predictions), .. } => Some((*trial, predictions)),
            _ => None,
        })
        .collect();
    if kept.len() < trials.len() {
        if !kept.is_empty() {
            warnings.push(Caveat::NoPredictions { without: trials.len() - kept.len(), of: trials.len() });
        }
        return None;
    }
    let (first, reference) = kept.first()?;
    let mut table = Vec::with_capacity(kept.len());
    for (trial, predictions) in &kept {
        let same = predictions.len() == reference.len()
            && predictions.iter().zip(*reference).all(|(a, b)| a.image == b.image && a.label == b.label);
        if !same {
            warnings.push(Caveat::OtherImages {
                first: (first.recipe.clone(), first.seed),
                second: (trial.recipe.clone(), trial.seed),
            });
            return None;
        }
        let correct: Vec<bool> = predictions.iter().map(|p| p.predicted == p.label).collect();
        let share = correct.iter().filter(|c| **c).count() as f64 / correct.len().max(1) as f64;
        let recorded = trial.test().and_then(|test| test.top1).unwrap_or(f64::NAN);
        // NaN is a disagreement too.
        if (share - recorded).abs().partial_cmp(&1e-6) != Some(std::cmp::Ordering::Less) {
            warnings.push(Caveat::Contradiction {
                recipe: trial.recipe.clone(),
                seed: trial.seed,
                recorded,
                counted: share,
            });
            return None;
        }
        table.push(Marks::Correct(correct));
    }
    Some(table)
}

/// Per trial and test image, the numbers whose mean recipes are compared by.
fn compared<'a>(metric: Metric, trials: &[&Trial], marks: Option<&'a [Marks]>) -> Option<Cow<'a, [Marks]>> {
    let marks = marks?;
    match metric {
        Metric::Top1 => Some(Cow::Borrowed(marks)),
        Metric::Balanced => {
            let of = |trial: &&Trial| match &trial.state {
                State::Finished { predictions: Some(predictions), .. } => {
                    let judgements: Vec<Judgement> = predictions.iter().map(judgement).collect();
                    bakeoff_stats::metric::Metric::BalancedAccuracy
                        .pseudo_values(&judgements)
                        .map(Marks::Scores)
                }
                _ => None,
            };
            trials.iter().map(of).collect::<Option<Vec<_>>>().map(Cow::Owned)
        }
    }
}

fn arm(evidence: &Evidence, recipe: &str, marks: &dyn Fn(&Trial) -> Option<Marks>) -> Arm {
    let runs = evidence.trials_of(recipe).filter_map(|trial| {
        let test = trial.test()?;
        Some(marks(trial).map_or_else(
            || Run::from_accuracy(trial.seed, test.compared),
            |marks| Run::from_marks(trial.seed, marks),
        ))
    });
    Arm { name: recipe.into(), runs: runs.collect() }
}

/// Computes everything from the evidence.
pub fn assess(evidence: &Evidence) -> Result<Assessment, FindingsError> {
    assess_with(evidence, true)
}

/// [`assess`], with or without what goes beyond the verdict.
pub fn assess_with(evidence: &Evidence, beyond: bool) -> Result<Assessment, FindingsError> {
    let plan = &evidence.plan;
    let mut warnings: Vec<Caveat> = evidence.warnings.iter().cloned().map(Caveat::Told).collect();
    let told = plan.warnings.iter().chain(evidence.data.iter().flat_map(|data| &data.warnings));
    for warning in told {
        // Data and plan may both have noticed the same.
        let told = Caveat::Told(warning.clone());
        if !warnings.contains(&told) {
            warnings.push(told);
        }
    }
    let finished: Vec<&Trial> = evidence.trials.iter().filter(|trial| trial.test().is_some()).collect();
    let table = marks(&finished, &mut warnings);
    let compared = compared(plan.metric, &finished, table.as_deref());
    let marks = |trial: &Trial| {
        let at = finished.iter().position(|other| std::ptr::eq(*other, trial))?;
        compared.as_ref().map(|table| table[at].clone())
    };
    let baseline = arm(evidence, &plan.baseline, &marks);
    let others: Vec<Arm> = plan
        .recipes
        .iter()
        .filter(|recipe| recipe.name != plan.baseline)
        .map(|recipe| arm(evidence, &recipe.name, &marks))
        .collect();
    let measure = evidence.measure();
    let options = Options { margin: evidence.margin(), level: LEVEL, measure, ..Options::default() };
    let (comparisons, sequential) = match plan.until_decided {
        None => (compare(&baseline, &others, &options)?, None),
        Some(declared) => {
            let design = Design { first: declared.first, most: declared.most };
            let done = |recipe: &str, seed: u64| {
                let mut trials = evidence.trials_of(recipe);
                trials.any(|t| {
                    t.seed == seed && matches!(t.state, State::Finished { .. } | State::Failed { .. })
                })
            };
            let result = compare_sequentially(&baseline, &others, &options, design, &plan.seeds, &done)?;
            let standings = others
                .iter()
                .zip(&result.standings)
                .map(|(arm, &standing)| RecipeStanding { name: arm.name.clone(), standing });
            let record = SequentialSummary { design, looks: result.looks, recipes: standings.collect() };
            (result.comparisons, Some(record))
        }
    };

    let recipes = plan.recipes.iter().map(|recipe| {
        let comparison = comparisons.iter().find(|c| c.name == recipe.name);
        recipe_summary(evidence, &recipe.name, comparison)
    });
    let missing = |pick: &dyn Fn(&Trial) -> Option<String>| {
        let trials = evidence.trials.iter();
        trials
            .filter_map(|trial| {
                Some(MissingTrial { recipe: trial.recipe.clone(), seed: trial.seed, reason: pick(trial)? })
            })
            .collect()
    };
    let insight = if beyond {
        let material = Material {
            evidence,
            finished: &finished,
            marks: table.as_deref(),
            compared: compared.as_deref(),
        };
        Insight { robustness: robustness(evidence, &mut warnings), ..crate::insight::insight(&material) }
    } else {
        Insight::default()
    };
    let mut summary = Summary {
        study: plan.study.clone(),
        baseline: plan.baseline.clone(),
        headline: plan.headline.clone(),
        recipes: recipes.collect(),
        skipped: missing(&|trial| match trial.state {
            State::Planned => Some("not begun".into()),
            State::Running => Some(format!("stopped after epoch {} of {}", trial.epochs.len(), plan.epochs)),
            _ => None,
        }),
        failed: missing(&|trial| match &trial.state {
            State::Failed { reason, epoch: Some(epoch) } => Some(format!("epoch {epoch}: {reason}")),
            State::Failed { reason, epoch: None } => Some(reason.clone()),
            _ => None,
        }),
        metric: match &evidence.origin {
            Origin::Run => evidence.key().to_owned(),
            Origin::Elsewhere { metric, .. } => metric.clone(),
        },
        measure,
        margin: plan.margin,
        answer: String::new(),
        recommendation: None,
        warnings: Vec::new(),
        sequential,
        copies: evidence.data.as_ref().map(CopiesSummary::of).filter(|copies| copies.sets > 0),
        insight,
    };
    if plan.recipes.len() > ALL_PAIRS {
        warnings.push(Caveat::TooManyForPairs {
            recipes: plan.recipes.len(),
            most: ALL_PAIRS,
            baseline: plan.baseline.clone(),
        });
    }
    if summary.recipes.iter().all(|recipe| recipe.name != plan.baseline) {
        warnings.push(Caveat::BaselineUnknown { baseline: plan.baseline.clone() });
    }
    if beyond {
        let looks = plan.until_decided.map_or(1, |declared| declared.most.saturating_sub(declared.first) + 1);
        let arms: Vec<&Arm> = std::iter::once(&baseline).chain(&others).collect();
        summary.recommendation = Recommendation::new(&arms, &plan.baseline, &summary, &options, looks)?;
    }
    summary.warnings = warnings.iter().map(ToString::to_string).collect();
    summary.answer = Answer::new(&summary).sentences(&summary).join(" ");
    Ok(Assessment { summary, comparisons, caveats: warnings })
}

fn recipe_summary(evidence: &Evidence, name: &str, comparison: Option<&Comparison>) -> RecipeSummary {
    let mut finished: Vec<(&Trial, &Tested, Option<f64>)> = evidence
        .trials_of(name)
        .filter_map(|trial| match &trial.state {
            State::Finished { test, seconds, .. } => Some((trial, test, *seconds)),
            _ => None,
        })
        .collect();
    finished.sort_by_key(|(trial, ..)| trial.seed);
    let paired = comparison.filter(|c| !c.seeds.is_empty());
    let difference = paired.and_then(|c| {
        let interval = c.interval?;
        Some(Difference {
            mean: c.mean?,
            low: interval.low,
            high: interval.high,
            p: c.p?,
            p_adjusted: c.p_adjusted?,
            p_holm: c.p_holm?,
            p_paired_t: c.p_paired_t,
            p_images: c.p_images,
            method: interval.method,
            bootstrap: c.bootstrap,
            probability_better: c.probability_better,
            per_seed: c.differences.clone(),
            seeds: c.seeds.clone(),
        })
    });
    RecipeSummary {
        name: name.into(),
        top1: Spread::new(finished.iter().map(|(_, test, _)| test.compared).collect()),
        top5: Spread::new(finished.iter().filter_map(|(_, test, _)| test.top5).collect()),
        seeds: finished.iter().map(|(trial, ..)| trial.seed).collect(),
        difference,
        verdict: paired.map(|c| c.verdict),
        reason: paired.map(Comparison::sentence),
        outlook: paired.map(|c| c.outlook).filter(|outlook| *outlook != Outlook::Decided),
        seconds_per_trial: bakeoff_stats::mean(
            &finished.iter().filter_map(|(_, _, seconds)| *seconds).collect::<Vec<_>>(),
        ),
    }
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

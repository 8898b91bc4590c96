//! From evidence to a summary: marks of every trial, verdicts, the recommendation, and what a reader must know.

use crate::answer::{Answer, Recommendation};
use crate::insight::{ALL_PAIRS, Insight, Material};
use crate::robustness::robustness;
use crate::summary::{
    CopiesSummary, Difference, MissingTrial, RecipeStanding, RecipeSummary, SequentialSummary, Spread,
    Summary,
};
use crate::{Caveat, FindingsError};
use bakeoff_evidence::{Evidence, Origin, State, Tested, Trial, judgement};
use bakeoff_stats::metric::Judgement;
use bakeoff_stats::sequential::{Design, compare_sequentially};
use bakeoff_stats::{
    Arm, Comparison, LEVEL, Marks, Options, Outlook, Run, StatsError, Verdict, compare, may_be_best,
};
use bakeoff_study::{Metric, Prediction};
use std::borrow::Cow;

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
        summary.recommendation = recommend(&arms, &plan.baseline, &summary, &options, looks)?;
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

/// Of arms with a finished run, in any order. `gain` says how much better than the baseline a recipe is, whichever way is good;
/// `looks` how often the study was to be looked at. `None` for fewer than two such arms, or too many.
fn recommend(
    arms: &[&Arm],
    baseline: &str,
    summary: &Summary,
    options: &Options,
    looks: usize,
) -> Result<Option<Recommendation>, StatsError> {
    let arms: Vec<Arm> = arms.iter().filter(|arm| !arm.runs.is_empty()).map(|arm| (*arm).clone()).collect();
    if arms.len() < 2 || arms.iter().all(|arm| arm.name != baseline) {
        return Ok(None);
    }
    // Each look is another chance to be wrong.
    let options = Options { level: options.level / looks.max(1) as f64, ..*options };
    let Some(may_be) = may_be_best(&arms, &options)? else { return Ok(None) };
    let of = |name: &str| summary.recipes.iter().find(|recipe| recipe.name == name);
    let gain = |name: &str| of(name).map_or(0.0, |recipe| summary.gain(recipe));
    let mut left: Vec<String> =
        arms.iter().zip(may_be).filter(|(_, may_be)| *may_be).map(|(arm, _)| arm.name.clone()).collect();
    // At equal means the baseline goes first: it is what is done already.
    left.sort_by(|a, b| gain(b).total_cmp(&gain(a)).then((b == baseline).cmp(&(a == baseline))));
    if left.is_empty() {
        return Ok(None);
    }
    let foremost = left.remove(0);
    let excluded = arms.len() - 1 - left.len();
    let is_equivalent = of(&foremost).and_then(|recipe| recipe.verdict) == Some(Verdict::Equivalent);
    Ok(Some(if foremost == baseline && excluded == 0 || left.iter().any(|name| name == baseline) {
        match is_equivalent {
            true => Recommendation::KeepBaseline { foremost },
            false => Recommendation::Open { foremost, alike: left, excluded },
        }
    } else {
        Recommendation::Use { recipe: foremost, alike: left, of: arms.len() }
    }))
}

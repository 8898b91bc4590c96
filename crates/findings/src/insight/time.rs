//! What recipes make of equal time, and how much of it they take.

use super::curves::validation;
use super::records::{AtTime, EqualTime};
use crate::ranged::Ranged;
use bakeoff_evidence::{Evidence, State, Trial};
use bakeoff_stats::curves;
use bakeoff_stats::interval::Range;

/// Mean seconds of each epoch of a recipe's finished trials; `None` where they were not timed.
pub(super) fn seconds(evidence: &Evidence, recipe: &str) -> Option<Vec<f64>> {
    let finished: Vec<&Trial> =
        evidence.trials_of(recipe).filter(|t| t.test().is_some() && !t.epochs.is_empty()).collect();
    let epochs = finished.iter().map(|t| t.epochs.len()).min()?;
    let at = |epoch: usize| {
        bakeoff_stats::mean(&finished.iter().map(|t| t.epochs[epoch].seconds).collect::<Vec<_>>())
            .filter(|seconds| seconds.is_finite())
    };
    (0..epochs).map(at).collect()
}

pub(super) fn equal_time(evidence: &Evidence) -> Option<EqualTime> {
    let plan = &evidence.plan;
    if !evidence.has_validation() {
        return None;
    }
    let ends = |recipe: &str| -> Option<Vec<f64>> {
        let mut sum = 0.0;
        let ends = seconds(evidence, recipe)?.into_iter().map(|s| {
            sum += s;
            sum
        });
        Some(ends.collect::<Vec<_>>()).filter(|ends| !ends.is_empty())
    };
    let timed: Vec<(&String, Vec<f64>)> =
        plan.recipes.iter().filter_map(|r| Some((&r.name, ends(&r.name)?))).collect();
    let time = timed.iter().filter_map(|(_, ends)| ends.last().copied()).fold(f64::INFINITY, f64::min);
    if !time.is_finite() {
        return None;
    }
    let at_time = |recipe: &str, ends: &[f64]| -> Vec<(u64, f64)> {
        let curves = validation(evidence, recipe).into_iter();
        curves
            .filter_map(|(seed, values)| {
                let values = &values[..values.len().min(ends.len())];
                Some((seed, curves::at_time(values, &ends[..values.len()], time)?))
            })
            .collect()
    };
    let epochs = timed.iter().map(|(_, ends)| ends.len()).min()?;
    let at_epoch = |recipe: &str| -> Vec<(u64, f64)> {
        let curves = validation(evidence, recipe).into_iter();
        curves.filter_map(|(seed, values)| Some((seed, *values.get(epochs - 1)?))).collect()
    };
    let mean = |values: &[(u64, f64)]| {
        Ranged::over_seeds(&values.iter().map(|(_, v)| *v).collect::<Vec<_>>(), Range::UpTo(1.0))
    };
    let minus = |ours: &[(u64, f64)], theirs: &[(u64, f64)]| {
        let difference =
            |(seed, value): &(u64, f64)| Some(value - theirs.iter().find(|(other, _)| other == seed)?.1);
        Ranged::over_seeds(&ours.iter().filter_map(difference).collect::<Vec<_>>(), Range::Any)
    };
    let baseline = timed.iter().find(|(name, _)| **name == plan.baseline);
    let [theirs, theirs_last] =
        baseline.map(|(name, ends)| [at_time(name, ends), at_epoch(name)]).unwrap_or_default();
    let recipes = timed.iter().filter_map(|(name, ends)| {
        let (ours, last) = (at_time(name, ends), at_epoch(name));
        let other = **name != plan.baseline;
        let indices: Vec<f64> = (1..=ends.len()).map(|epoch| epoch as f64).collect();
        Some(AtTime {
            name: (*name).clone(),
            accuracy: mean(&ours)?,
            difference: minus(&ours, &theirs).filter(|_| other),
            epochs: curves::at_time(&indices, ends, time)?,
            equal_epochs: mean(&last),
            equal_epochs_difference: minus(&last, &theirs_last).filter(|_| other),
        })
    });
    let recipes: Vec<AtTime> = recipes.collect();
    (recipes.len() > 1).then_some(EqualTime { seconds: time, epochs, recipes })
}

/// Time of trials, finished or not, from their epochs where they are not finished.
pub(super) fn spent<'a>(trials: impl Iterator<Item = &'a Trial>) -> Option<f64> {
    let of = |trial: &Trial| match trial.state {
        State::Finished { seconds, .. } => seconds,
        _ => Some(trial.epochs.iter().map(|e| e.seconds).sum()),
    };
    let all: Option<Vec<f64>> = trials.map(of).collect();
    all.filter(|all| !all.is_empty()).map(|all| all.iter().sum())
}

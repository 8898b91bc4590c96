//! Learning curves against each other.

use super::pairs::wanted;
use super::records::CourseSummary;
use crate::ranged::CONFIDENCE;
use bakeoff_evidence::{Evidence, Trial};
use bakeoff_stats::curves::{self, Course};

/// A seed, and the validation accuracy of its trial per epoch.
type Curve = (u64, Vec<f64>);

/// Validation accuracies per epoch of the finished trials of a recipe, by seed.
pub(super) fn validation<'a>(evidence: &'a Evidence, recipe: &'a str) -> Vec<Curve> {
    let finished = evidence.trials_of(recipe).filter(|trial| trial.test().is_some());
    // Curves of losses go down, and rows that were not measured at every epoch say nothing of the epochs between.
    let usual = evidence.has_accuracy_curves();
    let every = |trial: &&Trial| trial.epochs.iter().zip(1..).all(|(epoch, number)| epoch.epoch == number);
    let mut all: Vec<Curve> = finished
        .filter(|trial| usual && every(trial))
        .map(|trial| (trial.seed, trial.epochs.iter().map(|e| e.validation_top1).collect::<Vec<_>>()))
        .filter(|(_, values)| !values.is_empty() && values.iter().all(|v| v.is_finite()))
        .collect();
    all.sort_by_key(|(seed, _)| *seed);
    all
}

/// The curves of two recipes over the seeds both have.
fn shared<'a>(a: &'a [Curve], b: &'a [Curve]) -> (Vec<&'a [f64]>, Vec<&'a [f64]>) {
    a.iter()
        .filter_map(|(seed, values)| {
            let (_, other) = b.iter().find(|(other, _)| other == seed)?;
            Some((values.as_slice(), other.as_slice()))
        })
        .unzip()
}

pub(super) fn courses(evidence: &Evidence) -> Vec<CourseSummary> {
    let plan = &evidence.plan;
    if !evidence.has_validation() {
        return Vec::new();
    }
    let curves: Vec<(&String, Vec<Curve>)> =
        plan.recipes.iter().map(|r| (&r.name, validation(evidence, &r.name))).collect();
    let mut all = Vec::new();
    for (k, (second, theirs)) in curves.iter().enumerate() {
        for (first, ours) in curves[k + 1..].iter().filter(|(first, _)| wanted(evidence, first, second)) {
            let (ours, theirs) = shared(ours, theirs);
            let Some(course) = curves::course(&ours, &theirs, CONFIDENCE) else { continue };
            let against_baseline = **first == plan.baseline || **second == plan.baseline;
            let crosses = matches!(course, Course::Passes { .. } | Course::IsPassed { .. });
            if against_baseline || crosses {
                let sentence = sentence(first, second, course);
                all.push(CourseSummary {
                    first: (*first).clone(),
                    second: (*second).clone(),
                    sentence,
                    course,
                });
            }
        }
    }
    all
}

/// A course in words.
fn sentence(first: &str, second: &str, course: Course) -> String {
    let passes = |who: &str, whom: &str, [epoch, low, high]: [u32; 3]| {
        format!("{who} passes {whom} at epoch {epoch} (95 % {low}–{high}).")
    };
    let catches = |who: &str, whom: &str, epoch: u32| {
        format!(
            "{who} starts behind {whom} and is level with it from epoch {epoch} on; whether it would pass with longer training \
             cannot be foretold."
        )
    };
    match course {
        Course::Passes { epoch, low, high } => passes(first, second, [epoch, low, high]),
        Course::IsPassed { epoch, low, high } => passes(second, first, [epoch, low, high]),
        Course::CatchesUp { epoch } => catches(first, second, epoch),
        Course::IsCaughtUp { epoch } => catches(second, first, epoch),
        Course::Ahead => {
            format!("{first} is ahead of {second} at the last epoch, and was at no epoch clearly behind.")
        }
        Course::Behind => format!(
            "{first} is behind {second} at the last epoch; whether it would pass with longer training cannot be foretold."
        ),
        Course::Level => format!("The learning curves of {first} and {second} cannot be told apart."),
    }
}

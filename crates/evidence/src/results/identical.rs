//! Runs that are the same to the last digit: a seed that was never set, or a file that was copied.

use super::error::ResultsError;
use super::records::Run;
use super::told::shown;
use bakeoff_stats::Marks;
use std::collections::HashMap;

/// Fewer images may be right and wrong in the same way by chance.
const FEWEST_IMAGES: usize = 10;
/// So may fewer right or fewer wrong ones, all of which may be the easy or the hard images.
const FEWEST_EITHER: usize = 5;
/// A log with fewer numbers that differ says too little; one of a network that learnt nothing stands still.
const FEWEST_NUMBERS: usize = 4;
/// Groups that are listed.
const MOST: usize = 4;

/// What two runs have in common only when they are one run; `None` where it is too little to tell.
fn print(run: &Run, labels: &[u32]) -> Option<(&'static str, Vec<u64>)> {
    match &run.marks {
        Some(Marks::Correct(marks)) => {
            let right = marks.iter().filter(|mark| **mark).count();
            let enough = marks.len() >= FEWEST_IMAGES && right.min(marks.len() - right) >= FEWEST_EITHER;
            (enough && !same_class(marks, labels))
                .then(|| ("image by image", marks.iter().map(|mark| u64::from(*mark)).collect()))
        }
        Some(Marks::Scores(scores)) => {
            let bits: Vec<u64> = scores.iter().map(|score| score.to_bits()).collect();
            (bits.len() >= FEWEST_IMAGES && different(&bits) >= FEWEST_NUMBERS)
                .then_some(("image by image", bits))
        }
        None => {
            let columns = run.epochs.iter().flat_map(|e| {
                [e.validation_top1, e.validation_top5, e.train_top1, e.train_loss, e.validation_loss]
            });
            let bits: Vec<u64> = columns.map(f64::to_bits).collect();
            (different(&bits) >= FEWEST_NUMBERS).then_some(("epoch by epoch", bits))
        }
    }
}

/// Whether all images of a class are right or all are wrong, as they are where a network says one class of everything.
fn same_class(marks: &[bool], labels: &[u32]) -> bool {
    let mut classes: HashMap<u32, bool> = HashMap::new();
    !labels.is_empty()
        && marks.iter().zip(labels).all(|(mark, label)| *classes.entry(*label).or_insert(*mark) == *mark)
}

fn different(bits: &[u64]) -> usize {
    let mut bits: Vec<u64> = bits.iter().copied().filter(|bits| !f64::from_bits(*bits).is_nan()).collect();
    bits.sort_unstable();
    bits.dedup();
    bits.len()
}

/// Refuses a recipe all runs of which are one; otherwise what should be said of some that are the same.
pub(super) fn found(runs: &[Run], labels: &[u32]) -> Result<Vec<String>, ResultsError> {
    let mut groups: Vec<(&'static str, Vec<&Run>)> = Vec::new();
    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    for run in runs {
        let Some((what, print)) = print(run, labels) else { continue };
        let at = *known.entry(print).or_insert(groups.len());
        if at == groups.len() {
            groups.push((what, Vec::new()));
        }
        groups[at].1.push(run);
    }
    groups.retain(|(_, group)| group.len() > 1);
    for (what, group) in &groups {
        for run in group {
            let mine = |runs: &[&Run]| runs.iter().filter(|other| other.recipe == run.recipe).count();
            let (same, all) = (mine(group), mine(&runs.iter().collect::<Vec<_>>()));
            if same > 1 && same == all {
                return Err(ResultsError::OneRun { recipe: shown(&run.recipe), runs: all, what });
            }
        }
    }
    let mut told = Vec::new();
    if !groups.is_empty() {
        let one = |(what, group): &(&str, Vec<&Run>)| {
            let names: Vec<String> =
                group.iter().take(6).map(|run| format!("{} seed {}", shown(&run.recipe), run.seed)).collect();
            let more = group.len().saturating_sub(names.len());
            let names = if more > 0 { [names, vec![format!("{more} more")]].concat() } else { names };
            format!("{} ({what})", crate::text::list(&names))
        };
        let mut listed: Vec<String> = groups.iter().take(MOST).map(one).collect();
        if groups.len() > MOST {
            listed.push(format!("{} more such groups", groups.len() - MOST));
        }
        told.push(format!(
            "Some runs are identical to the last digit: {}. Two trainings are not: was the seed set, or one file copied? What is computed \
             over them counts one run several times.",
            listed.join("; ")
        ));
    }
    told.extend(still(runs));
    Ok(told)
}

/// Recipes each of three runs or more of which came to the same number.
fn still(runs: &[Run]) -> Option<String> {
    let mut recipes: Vec<(&str, Vec<f64>)> = Vec::new();
    for run in runs.iter().filter(|run| run.marks.is_none() && run.epochs.is_empty()) {
        match recipes.iter_mut().find(|(name, _)| *name == run.recipe) {
            Some((_, values)) => values.push(run.value),
            None => recipes.push((&run.recipe, vec![run.value])),
        }
    }
    let same = |values: &[f64]| values.len() >= 3 && values.iter().all(|value| *value == values[0]);
    let names: Vec<String> =
        recipes.iter().filter(|(_, values)| same(values)).map(|(name, _)| shown(name)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "All runs of {} came to the same value to the last digit: was the seed set, and was each row written by a run of its own?",
            crate::text::list(&names)
        )
    })
}

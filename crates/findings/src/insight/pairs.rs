//! All pairs of recipes.

use super::material::Material;
use super::records::PairSummary;
use bakeoff_evidence::Evidence;
use bakeoff_stats::multiplicity::holm;
use bakeoff_stats::{Arm, Options, Run, compare};

/// Recipes of which every pair is looked at. Of more, only the pairs with the baseline are: there would be half a million of 1,000.
pub const ALL_PAIRS: usize = 64;

/// Whether a pair of recipes is looked at.
pub(super) fn wanted(evidence: &Evidence, first: &str, second: &str) -> bool {
    let plan = &evidence.plan;
    plan.recipes.len() <= ALL_PAIRS || [first, second].contains(&plan.baseline.as_str())
}

pub(super) fn pairs(material: &Material<'_>) -> Vec<PairSummary> {
    let names: Vec<&String> = material.evidence.plan.recipes.iter().map(|r| &r.name).collect();
    let arm = |name: &str| Arm {
        name: name.to_owned(),
        runs: material
            .runs(name)
            .into_iter()
            .filter_map(|(seed, at)| {
                Some(match material.compared.and_then(|marks| marks.get(at)) {
                    Some(marks) => Run::from_marks(seed, marks.clone()),
                    None => Run::from_accuracy(seed, material.finished[at].test()?.compared),
                })
            })
            .collect(),
    };
    let measure = material.evidence.measure();
    let options = Options { replicates: 0, margin: 0.0, measure, ..Options::default() };
    let mut all = Vec::new();
    for (k, second) in names.iter().enumerate() {
        let with = names[k + 1..].iter().filter(|first| wanted(material.evidence, first, second));
        let second = arm(second);
        for first in with {
            let Ok(comparisons) = compare(&second, &[arm(first)], &options) else { continue };
            all.extend(comparisons.into_iter().filter_map(|c| {
                let interval = c.interval?;
                Some(PairSummary {
                    first: c.name,
                    second: c.baseline,
                    mean: c.mean?,
                    low: interval.low,
                    high: interval.high,
                    p: c.p?,
                    p_holm: 1.0,
                })
            }));
        }
    }
    let adjusted = holm(&all.iter().map(|pair| Some(pair.p)).collect::<Vec<_>>());
    all.iter_mut().zip(adjusted).for_each(|(pair, p)| pair.p_holm = p.unwrap_or(1.0));
    all
}

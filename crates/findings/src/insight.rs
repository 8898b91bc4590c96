//! Beyond the verdict: other metrics, classes and images that change, learning curves, time. In `summary.json` under `insight`;
//! every class and every image that changes stands in `classes.csv` and `flips.csv`.

mod curves;
mod material;
mod pairs;
mod records;
mod time;

use bakeoff_stats::curves::fit;
use bakeoff_stats::interval::{Range, Variance};
use bakeoff_stats::models::Discordance;
use bakeoff_stats::multiplicity::benjamini_hochberg;
use curves::{courses, validation};
use material::{Images, Paired};
use time::{equal_time, seconds, spent};

pub use crate::ranged::{CONFIDENCE, Ranged};
pub use material::Material;
pub use pairs::ALL_PAIRS;
pub use records::*;

/// Classes named at either end in `summary.json`.
const ENDS: usize = 5;

fn classes(paired: &[Paired<'_>], images: &Images) -> Vec<ClassDifference> {
    if paired.is_empty() || images.labels.len() != images.names.len() {
        return Vec::new();
    }
    let mut members = vec![Vec::new(); images.classes.len()];
    for (image, label) in images.labels.iter().enumerate() {
        if let Some(members) = members.get_mut(*label as usize) {
            members.push(image);
        }
    }
    let share = |members: &[usize], correct: &[bool]| {
        members.iter().filter(|&&i| correct[i]).count() as f64 / members.len() as f64
    };
    let mut all: Vec<ClassDifference> = members
        .iter()
        .zip(&images.classes)
        .filter(|(members, _)| !members.is_empty())
        .filter_map(|(members, class)| {
            let rows: Vec<Vec<i8>> = paired
                .iter()
                .map(|(_, a, b)| members.iter().map(|&i| i8::from(a[i]) - i8::from(b[i])).collect())
                .collect();
            let ours: Vec<f64> = paired.iter().map(|(_, ours, _)| share(members, ours)).collect();
            let theirs: Vec<f64> = paired.iter().map(|(_, _, theirs)| share(members, theirs)).collect();
            let differences: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
            let variance = Variance::crossed(&rows).or_else(|| Variance::of_seeds(&differences));
            let interval = variance.map(|v| v.interval(CONFIDENCE));
            Some(ClassDifference {
                class: class.clone(),
                images: members.len(),
                baseline: bakeoff_stats::mean(&theirs)?,
                recipe: bakeoff_stats::mean(&ours)?,
                difference: Ranged {
                    mean: bakeoff_stats::mean(&differences)?,
                    low: interval.map(|i| i.low),
                    high: interval.map(|i| i.high),
                },
                // Without any spread a p of zero would come from two runs that agree by chance.
                p: variance.filter(|v| v.standard_error(v.seeds) > 0.0).map(|v| v.p_zero()),
                p_bh: None,
            })
        })
        .collect();
    let adjusted = benjamini_hochberg(&all.iter().map(|c| c.p).collect::<Vec<_>>());
    all.iter_mut().zip(adjusted).for_each(|(class, p)| class.p_bh = p);
    all
}

/// Everything that can be said.
pub fn insight(material: &Material<'_>) -> Insight {
    let evidence = material.evidence;
    let plan = &evidence.plan;
    let images = material.images();
    let recipe = |name: &str| {
        let paired = if name == plan.baseline { Vec::new() } else { material.paired(name) };
        let two_models = paired.iter().filter_map(|(seed, ours, theirs)| {
            let seen = Discordance::new(ours, theirs)?;
            Some(TwoModels {
                seed: *seed,
                only_recipe: seen.only_first,
                only_baseline: seen.only_second,
                p: seen.p(),
            })
        });
        let classes = images.as_ref().map(|images| classes(&paired, images)).unwrap_or_default();
        let compared = images.as_ref().filter(|_| !paired.is_empty());
        let flips = compared.map(|images| material.flips(name, images)).unwrap_or_default();
        let mut ordered: Vec<&ClassDifference> = classes.iter().collect();
        ordered.sort_by(|a, b| b.difference.mean.total_cmp(&a.difference.mean));
        let ends =
            |sign: f64, classes: &mut dyn Iterator<Item = &&ClassDifference>| -> Vec<ClassDifference> {
                classes.filter(|c| c.difference.mean * sign > 0.0).take(ENDS).map(|c| (*c).clone()).collect()
            };
        let curves = validation(evidence, name);
        let curves: Vec<&[f64]> = curves.iter().map(|(_, values)| values.as_slice()).collect();
        let to_right = flips.iter().filter(|f| f.becomes_right()).count();
        RecipeInsight {
            name: name.into(),
            metrics: material.metrics(name),
            reliability: material.reliability(name),
            two_models: two_models.collect(),
            helped: ends(1.0, &mut ordered.iter()),
            hurt: ends(-1.0, &mut ordered.iter().rev()),
            to_wrong: flips.len() - to_right,
            to_right,
            curve: if evidence.has_validation() {
                fit(&curves, CONFIDENCE, Range::UpTo(1.0))
            } else {
                Vec::new()
            },
            seconds_per_epoch: seconds(evidence, name).and_then(|seconds| bakeoff_stats::mean(&seconds)),
            seconds: spent(evidence.trials_of(name)),
            classes,
            flips,
        }
    };
    Insight {
        recipes: plan.recipes.iter().map(|r| recipe(&r.name)).collect(),
        pairs: pairs::pairs(material),
        courses: courses(evidence),
        equal_time: equal_time(evidence),
        seconds: spent(evidence.trials.iter()),
        robustness: None,
    }
}

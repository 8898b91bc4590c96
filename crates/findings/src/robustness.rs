//! Accuracy on damaged and on partly hidden test images, from the records that [`bakeoff_study::analyse`] left. In `summary.json`
//! under `insight.robustness`.

use crate::Caveat;
use crate::ranged::{CONFIDENCE, Ranged};
use bakeoff_evidence::Evidence;
use bakeoff_stats::interval::{Range, Variance};
use bakeoff_stats::metric;
use bakeoff_stats::multiplicity::benjamini_hochberg;
use bakeoff_study::records::{Right, RobustnessRecord};
use bakeoff_study::{Corruption, CorruptionSet};
use serde::{Deserialize, Serialize};

/// A value, and the same minus the baseline's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Over seeds and images.
    #[serde(flatten)]
    pub value: Ranged,
    /// Over the seeds of both; `null` for the baseline.
    pub difference: Option<Ranged>,
    /// Of that difference: two-sided t test over seeds and images, uncorrected.
    pub p: Option<f64>,
}

/// A recipe under one corruption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnderCorruption {
    /// Which.
    pub corruption: Corruption,
    /// Accuracy, mean over the severities.
    #[serde(flatten)]
    pub accuracy: Compared,
    /// The same p, with the false discovery rate over the recipe's corruptions kept (Benjamini & Hochberg).
    pub p_bh: Option<f64>,
    /// Its errors over all severities, as a share of the baseline's: the paper's corruption error with the study's baseline in AlexNet's
    /// place. `null` for the baseline, and where the baseline makes none.
    pub error: Option<Ranged>,
    /// Accuracy at each severity.
    pub severities: Vec<Ranged>,
}

/// With a share of every image hidden.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnderOcclusion {
    /// In [0, 1).
    pub hidden: f64,
    /// Accuracy.
    #[serde(flatten)]
    pub accuracy: Compared,
}

/// One recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeRobustness {
    /// Name.
    pub name: String,
    /// Seeds whose networks were looked at.
    pub seeds: Vec<u64>,
    /// Accuracy on the same images undamaged.
    pub plain: Compared,
    /// Mean over corruptions and severities.
    pub damaged: Compared,
    /// `plain` minus `damaged`.
    pub lost: Compared,
    /// Mean of the corruption errors (mCE); `null` for the baseline.
    pub mean_corruption_error: Option<Ranged>,
    /// At each severity, mean over corruptions.
    pub severities: Vec<Ranged>,
    /// One by one.
    pub corruptions: Vec<UnderCorruption>,
    /// The least hidden first; nothing hidden at the beginning.
    pub occlusion: Vec<UnderOcclusion>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// Test images looked at …
    pub images: usize,
    /// … of so many, evenly spread.
    pub of: usize,
    /// Whose severities.
    pub severities: CorruptionSet,
    /// In study order, as far as they were looked at.
    pub recipes: Vec<RecipeRobustness>,
}

type Records<'a> = Vec<&'a RobustnessRecord>;
/// One value per seed and image.
type Table = Vec<Vec<f64>>;

/// Per image the share of parts in which it was judged rightly.
fn share<'a>(parts: impl Iterator<Item = &'a Right>) -> Vec<f64> {
    let mut sums: Vec<f64> = Vec::new();
    let mut count = 0.0;
    for part in parts {
        sums.resize(part.len(), 0.0);
        sums.iter_mut().zip(part.iter()).for_each(|(sum, right)| *sum += f64::from(u8::from(right)));
        count += 1.0;
    }
    sums.iter_mut().for_each(|sum| *sum /= count);
    sums
}

fn plain(record: &RobustnessRecord) -> Vec<f64> {
    share([&record.plain].into_iter())
}

fn damaged(record: &RobustnessRecord, keep: impl Fn(Corruption, u8) -> bool) -> Vec<f64> {
    let kept = record.corruptions.iter().filter(|part| keep(part.corruption, part.severity));
    share(kept.map(|part| &part.right))
}

fn table(records: &[&RobustnessRecord], pick: &dyn Fn(&RobustnessRecord) -> Vec<f64>) -> Table {
    records.iter().map(|record| pick(record)).collect()
}

/// Right answers out of all.
const SHARE: Range = Range::UpTo(1.0);

fn ranged(table: &Table, range: Range) -> Option<Ranged> {
    metric::estimate(table, CONFIDENCE, range).map(|estimate| Ranged::of(&estimate))
}

/// A recipe's records, and those of the seeds it shares with the baseline.
struct RecipeRecords<'a> {
    own: Records<'a>,
    /// Recipe and baseline, seed by seed; none for the baseline itself.
    pairs: (Records<'a>, Records<'a>),
}

impl RecipeRecords<'_> {
    fn compared(&self, pick: &dyn Fn(&RobustnessRecord) -> Vec<f64>, range: Range) -> Option<Compared> {
        let value = ranged(&table(&self.own, pick), range)?;
        let differences = metric::subtract(&table(&self.pairs.0, pick), &table(&self.pairs.1, pick));
        let differences = differences.filter(|rows| !rows.is_empty());
        let spread = differences.as_ref().and_then(|rows| Variance::crossed(rows));
        // Without any spread a p of zero would come from two runs that agree by chance.
        let p = spread.filter(|v| v.standard_error(v.seeds) > 0.0).map(|v| v.p_zero());
        Some(Compared { value, difference: differences.and_then(|rows| ranged(&rows, Range::Any)), p })
    }

    /// Errors as a share of the baseline's, as pseudo-values whose mean is that share (its Taylor expansion).
    fn error(&self, corruption: Corruption) -> Option<Table> {
        let wrong = |record: &RobustnessRecord| -> Vec<f64> {
            damaged(record, |c, _| c == corruption).into_iter().map(|right| 1.0 - right).collect()
        };
        let (ours, theirs) = (table(&self.pairs.0, &wrong), table(&self.pairs.1, &wrong));
        let mean = |table: &Table| bakeoff_stats::mean(&table.concat());
        let base = mean(&theirs).filter(|error| *error > 0.0)?;
        let ratio = mean(&ours)? / base;
        let rows = ours.iter().zip(&theirs);
        let row = |(a, b): (&Vec<f64>, &Vec<f64>)| {
            a.iter().zip(b).map(|(a, b)| ratio + (a - ratio * b) / base).collect()
        };
        Some(rows.map(row).collect())
    }

    fn robustness(&self, name: &str, severities: &[u8]) -> Option<RecipeRobustness> {
        let first = self.own.first()?;
        let mut kinds: Vec<Corruption> = Vec::new();
        for part in &first.corruptions {
            if !kinds.contains(&part.corruption) {
                kinds.push(part.corruption);
            }
        }
        let all = |record: &RobustnessRecord| damaged(record, |_, _| true);
        let errors: Vec<Option<Table>> = kinds.iter().map(|&kind| self.error(kind)).collect();
        let mut corruptions = Vec::new();
        for (&kind, error) in kinds.iter().zip(&errors) {
            let pick = |r: &RobustnessRecord, level: u8| damaged(r, |c, s| c == kind && s == level);
            let at = |level: u8| ranged(&table(&self.own, &|r| pick(r, level)), SHARE);
            corruptions.push(UnderCorruption {
                corruption: kind,
                accuracy: self.compared(&|record| damaged(record, |c, _| c == kind), SHARE)?,
                p_bh: None,
                error: error.as_ref().and_then(|table| ranged(table, Range::Positive)),
                severities: severities.iter().filter_map(|&level| at(level)).collect(),
            });
        }
        let adjusted = benjamini_hochberg(&corruptions.iter().map(|c| c.accuracy.p).collect::<Vec<_>>());
        corruptions.iter_mut().zip(adjusted).for_each(|(corruption, p)| corruption.p_bh = p);
        let errors: Option<Vec<Table>> = errors.into_iter().collect();
        let mean_error = errors.filter(|all| !all.is_empty()).and_then(|all| {
            let mut sums = all[0].clone();
            for table in &all[1..] {
                sums.iter_mut().flatten().zip(table.iter().flatten()).for_each(|(sum, value)| *sum += value);
            }
            sums.iter_mut().flatten().for_each(|sum| *sum /= all.len() as f64);
            ranged(&sums, Range::Positive)
        });
        let lost = |record: &RobustnessRecord| {
            plain(record).into_iter().zip(all(record)).map(|(plain, damaged)| plain - damaged).collect()
        };
        let mut occlusion = vec![UnderOcclusion { hidden: 0.0, accuracy: self.compared(&plain, SHARE)? }];
        for (at, part) in first.occlusion.iter().enumerate() {
            let pick =
                |record: &RobustnessRecord| share(record.occlusion.get(at).map(|p| &p.right).into_iter());
            occlusion.push(UnderOcclusion { hidden: part.hidden, accuracy: self.compared(&pick, SHARE)? });
        }
        let at = |level: u8| ranged(&table(&self.own, &|record| damaged(record, |_, s| s == level)), SHARE);
        Some(RecipeRobustness {
            name: name.to_owned(),
            seeds: self.own.iter().map(|record| record.seed).collect(),
            plain: self.compared(&plain, SHARE)?,
            damaged: self.compared(&all, SHARE)?,
            lost: self.compared(&lost, Range::Any)?,
            mean_corruption_error: mean_error,
            severities: severities.iter().filter_map(|&level| at(level)).collect(),
            corruptions,
            occlusion,
        })
    }
}

/// Records that can be compared: whole, and of the same images and damage as the first. What is left out is said in `warnings`.
pub fn comparable<'a>(evidence: &'a Evidence, warnings: &mut Vec<Caveat>) -> Records<'a> {
    let whole: Records<'_> =
        evidence.robustness.iter().filter(|r| r.images > 0 && r.is_whole() && r.is_even()).collect();
    // What most networks were looked at with; of several the first.
    let votes = |record: &RobustnessRecord| whole.iter().filter(|other| record.is_like(other)).count();
    let Some(model) = whole.iter().rev().max_by_key(|record| votes(record)).copied() else {
        if !evidence.robustness.is_empty() {
            warnings.push(Caveat::DamageUnfinished);
        }
        return Vec::new();
    };
    let kept: Records<'_> = whole.into_iter().filter(|record| record.is_like(model)).collect();
    let left = evidence.robustness.len() - kept.len();
    if left > 0 {
        warnings.push(Caveat::DamageUneven { left, of: evidence.robustness.len() });
    }
    kept
}

/// What damaged images say of the recipes; `None` where nobody looked.
pub fn robustness(evidence: &Evidence, warnings: &mut Vec<Caveat>) -> Option<Robustness> {
    let records = comparable(evidence, warnings);
    let first = records.first()?;
    let mut severities: Vec<u8> = first.corruptions.iter().map(|part| part.severity).collect();
    severities.sort_unstable();
    severities.dedup();
    let of = |recipe: &str| -> Records<'_> {
        records.iter().filter(|record| record.recipe == recipe).copied().collect()
    };
    let baseline = of(&evidence.plan.baseline);
    let recipe = |name: &str| {
        let own = of(name);
        let mut pairs = (Vec::new(), Vec::new());
        for &record in own.iter().filter(|record| record.recipe != evidence.plan.baseline) {
            if let Some(other) = baseline.iter().find(|other| other.seed == record.seed) {
                pairs.0.push(record);
                pairs.1.push(*other);
            }
        }
        RecipeRecords { own, pairs }.robustness(name, &severities)
    };
    Some(Robustness {
        images: first.images,
        of: first.of,
        severities: first.severities,
        recipes: evidence.plan.recipes.iter().filter_map(|r| recipe(&r.name)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bakeoff_study::records::{CorruptionRecord, OcclusionRecord};

    fn record(recipe: &str, seed: u64, right: [&str; 4]) -> RobustnessRecord {
        let right = right.map(|text| Right::try_from(text.to_owned()).unwrap());
        let [plain, mild, strong, hidden] = right;
        let part = |severity, right| CorruptionRecord { corruption: Corruption::Fog, severity, right };
        RobustnessRecord {
            recipe: recipe.into(),
            seed,
            id: String::new(),
            images: plain.len(),
            of: 40,
            severities: CorruptionSet::Cifar10C,
            plain,
            corruptions: vec![part(1, mild), part(2, strong)],
            occlusion: vec![OcclusionRecord { hidden: 0.5, right: hidden }],
        }
    }

    #[test]
    fn accuracies_losses_and_errors_are_those_reckoned_by_hand() {
        let base = [
            record("none", 1, ["1111", "1100", "1000", "1000"]),
            record("none", 2, ["1110", "1000", "1000", "0000"]),
        ];
        let mix = [
            record("mix", 1, ["1111", "1110", "1100", "1100"]),
            record("mix", 2, ["1111", "1100", "1100", "1000"]),
        ];
        let (own, theirs): (Records<'_>, Records<'_>) = (mix.iter().collect(), base.iter().collect());
        let side = RecipeRecords { own: own.clone(), pairs: (own, theirs) };
        let found = side.robustness("mix", &[1, 2]).unwrap();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(found.plain.value.mean, 1.0);
        near(found.plain.difference.unwrap().mean, 0.125);
        // 5/8 and 4/8 against 3/8 and 2/8.
        near(found.damaged.value.mean, 9.0 / 16.0);
        near(found.damaged.difference.unwrap().mean, 9.0 / 16.0 - 5.0 / 16.0);
        near(found.lost.value.mean, 7.0 / 16.0);
        near(found.severities[0].mean, 5.0 / 8.0);
        near(found.corruptions[0].error.unwrap().mean, 7.0 / 11.0);
        assert_eq!(found.mean_corruption_error, found.corruptions[0].error);
        near(found.occlusion[1].accuracy.value.mean, 3.0 / 8.0);
        near(found.occlusion[0].accuracy.value.mean, 1.0);
        let limits = found.damaged.difference.unwrap();
        assert!(limits.low.unwrap() < limits.mean && limits.high.unwrap() > limits.mean);
    }

    #[test]
    fn the_error_of_a_recipe_that_is_the_baseline_is_one_without_doubt() {
        let base = [
            record("none", 1, ["1111", "1100", "1000", "1000"]),
            record("none", 2, ["1110", "1000", "1000", "0000"]),
        ];
        let own: Records<'_> = base.iter().collect();
        let side = RecipeRecords { own: own.clone(), pairs: (own.clone(), own) };
        let error = ranged(&side.error(Corruption::Fog).unwrap(), Range::Positive).unwrap();
        assert_eq!([Some(error.mean), error.low, error.high], [Some(1.0); 3]);
        // No errors to be a share of.
        let perfect = [record("none", 1, ["1111"; 4])];
        let own: Records<'_> = perfect.iter().collect();
        assert_eq!(
            RecipeRecords { own: own.clone(), pairs: (own.clone(), own) }.error(Corruption::Fog),
            None
        );
    }
}

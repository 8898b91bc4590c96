//! Beyond the verdict: other metrics, classes and images that change, learning curves, time. In `summary.json` under `insight`;
//! every class and every image that changes stands in `classes.csv` and `flips.csv`.

use crate::robustness::Robustness;
use bakeoff_evidence::{Evidence, Origin, State, Trial, judgement};
use bakeoff_stats::curves::{self, Course, Point};
use bakeoff_stats::interval::{Range, Variance};
use bakeoff_stats::metric::{self, Bin, Judgement, Metric};
use bakeoff_stats::models::Discordance;
use bakeoff_stats::multiplicity::{benjamini_hochberg, holm};
use bakeoff_stats::{Arm, Marks, Options, Run, compare};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Share of intervals that hold what they estimate.
pub const CONFIDENCE: f64 = 0.95;
/// Classes named at either end in `summary.json`.
const ENDS: usize = 5;

/// A value and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranged {
    /// Mean over seeds.
    pub mean: f64,
    /// Lower limit; `null` for fewer than two seeds.
    pub low: Option<f64>,
    /// Upper limit.
    pub high: Option<f64>,
}

impl Ranged {
    /// Of an estimate.
    pub fn of(estimate: &metric::Estimate) -> Self {
        let interval = estimate.interval;
        Self { mean: estimate.mean, low: interval.map(|i| i.low), high: interval.map(|i| i.high) }
    }

    fn over_seeds(values: &[f64], range: Range) -> Option<Self> {
        let interval = Variance::of_seeds(values).map(|v| v.interval_within(CONFIDENCE, range));
        let mean = bakeoff_stats::mean(values)?;
        Some(Self { mean, low: interval.map(|i| i.low), high: interval.map(|i| i.high) })
    }
}

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

/// What is looked at, trial by trial.
pub struct Material<'a> {
    /// What it is of.
    pub evidence: &'a Evidence,
    /// Finished trials …
    pub finished: &'a [&'a Trial],
    /// … and what they made of the test images, in the same order; `None` where these cannot be compared.
    pub marks: Option<&'a [Marks]>,
    /// The same as far as recipes are compared by it: pseudo-values of balanced accuracy, say.
    pub compared: Option<&'a [Marks]>,
}

/// A seed, and which test images its recipe's model and its baseline's classified correctly.
type Paired<'a> = (u64, &'a [bool], &'a [bool]);

/// A seed, and the validation accuracy of its trial per epoch.
type Curve = (u64, Vec<f64>);

/// Names and classes of the test images.
struct Images {
    names: Vec<String>,
    labels: Vec<u32>,
    classes: Vec<String>,
}

impl Material<'_> {
    /// Finished runs of a recipe by seed, as indices into the finished trials.
    fn runs(&self, recipe: &str) -> Vec<(u64, usize)> {
        let all = self.finished.iter().enumerate().filter(|(_, t)| t.recipe == recipe);
        let mut runs: Vec<(u64, usize)> = all.map(|(at, trial)| (trial.seed, at)).collect();
        runs.sort_unstable();
        runs
    }

    /// Runs of two recipes that share a seed: seed, first, second.
    fn pairs(&self, first: &str, second: &str) -> Vec<(u64, usize, usize)> {
        let others = self.runs(second);
        let partner = |seed: u64| others.iter().find(|(other, _)| *other == seed).map(|(_, at)| *at);
        self.runs(first).into_iter().filter_map(|(seed, at)| Some((seed, at, partner(seed)?))).collect()
    }

    fn correct(&self, at: usize) -> Option<&[bool]> {
        match self.marks?.get(at)? {
            Marks::Correct(correct) => Some(correct),
            Marks::Scores(_) => None,
        }
    }

    fn judgements(&self, at: usize) -> Option<Vec<Judgement>> {
        self.marks?;
        match &self.finished.get(at)?.state {
            State::Finished { predictions: Some(predictions), .. } => {
                Some(predictions.iter().map(judgement).collect())
            }
            _ => None,
        }
    }

    fn images(&self) -> Option<Images> {
        self.marks?;
        match &self.evidence.origin {
            Origin::Run => {
                let predictions = self.finished.iter().find_map(|trial| match &trial.state {
                    State::Finished { predictions: Some(predictions), .. } => Some(predictions),
                    _ => None,
                })?;
                let labels: Vec<u32> = predictions.iter().map(|p| p.label).collect();
                let known = self.evidence.data.as_ref().map(|data| data.classes.clone()).unwrap_or_default();
                let classes = labels.iter().max().map_or(0, |last| *last as usize + 1).max(known.len());
                let name = |c: usize| known.get(c).cloned().unwrap_or_else(|| format!("class {c}"));
                Some(Images {
                    names: predictions.iter().map(|p| p.image.clone()).collect(),
                    labels,
                    classes: (0..classes).map(name).collect(),
                })
            }
            Origin::Elsewhere { images, labels, classes, .. } if !images.is_empty() => {
                Some(Images { names: images.clone(), labels: labels.clone(), classes: classes.clone() })
            }
            Origin::Elsewhere { .. } => None,
        }
    }

    /// One row of pseudo-values per run.
    fn table(&self, metric: Metric, runs: &[usize]) -> Option<Vec<Vec<f64>>> {
        runs.iter().map(|&at| metric.pseudo_values(&self.judgements(at)?)).collect()
    }

    fn metrics(&self, recipe: &str) -> Vec<MetricSummary> {
        let baseline = &self.evidence.plan.baseline;
        let runs: Vec<usize> = self.runs(recipe).into_iter().map(|(_, at)| at).collect();
        let pairs = if recipe == baseline { Vec::new() } else { self.pairs(recipe, baseline) };
        let few = !self.evidence.shows_top5();
        let all = Metric::ALL.into_iter().filter(|metric| !(few && *metric == Metric::Top5));
        all.filter_map(|metric| {
            let value = metric::estimate(&self.table(metric, &runs)?, CONFIDENCE, metric.range())?;
            let difference = || {
                let ours = self.table(metric, &pairs.iter().map(|p| p.1).collect::<Vec<_>>())?;
                let theirs = self.table(metric, &pairs.iter().map(|p| p.2).collect::<Vec<_>>())?;
                metric::estimate(&metric::subtract(&ours, &theirs)?, CONFIDENCE, Range::Any)
            };
            Some(MetricSummary {
                metric,
                value: Ranged::of(&value),
                difference: difference().map(|estimate| Ranged::of(&estimate)),
            })
        })
        .collect()
    }

    fn reliability(&self, recipe: &str) -> Option<Vec<Bin>> {
        let runs: Option<Vec<Vec<Judgement>>> =
            self.runs(recipe).into_iter().map(|(_, at)| self.judgements(at)).collect();
        let runs = runs.filter(|runs| !runs.is_empty())?;
        metric::reliability(&runs.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// What these runs most often take an image for, when wrong; of several the first class.
    fn taken_for(&self, runs: &[usize], image: usize, images: &Images) -> Option<String> {
        let mut counts = BTreeMap::new();
        for &at in runs {
            let State::Finished { predictions: Some(predictions), .. } = &self.finished.get(at)?.state else {
                return None;
            };
            let prediction = predictions.get(image)?;
            if prediction.predicted != prediction.label {
                *counts.entry(prediction.predicted).or_insert(0usize) += 1;
            }
        }
        let (class, _) = counts.into_iter().max_by_key(|(class, n)| (*n, std::cmp::Reverse(*class)))?;
        images.classes.get(class as usize).cloned()
    }

    /// Test images that change; those that become wrong first, then by how many seeds they change.
    fn flips(&self, recipe: &str, images: &Images) -> Vec<FlippedImage> {
        let pairs = self.pairs(recipe, &self.evidence.plan.baseline);
        let paired = self.paired(recipe);
        let seeds = paired.len();
        let runs: [Vec<usize>; 2] =
            [pairs.iter().map(|p| p.1).collect(), pairs.iter().map(|p| p.2).collect()];
        let flip = |i: usize| {
            let right_recipe = paired.iter().filter(|(_, a, _)| a[i]).count();
            let right_baseline = paired.iter().filter(|(_, _, b)| b[i]).count();
            let (most, least) = (right_baseline.max(right_recipe), right_baseline.min(right_recipe));
            (2 * most > seeds && 2 * least < seeds).then(|| FlippedImage {
                image: images.names[i].clone(),
                class: images.labels.get(i).and_then(|label| images.classes.get(*label as usize)).cloned(),
                right_baseline,
                right_recipe,
                taken_for: self.taken_for(&runs[usize::from(right_recipe > right_baseline)], i, images),
            })
        };
        let mut all: Vec<FlippedImage> = (0..images.names.len()).filter_map(flip).collect();
        all.sort_by_key(|f| {
            (f.becomes_right(), std::cmp::Reverse(f.right_recipe.abs_diff(f.right_baseline)))
        });
        all
    }

    /// Right or wrong of both, seed by seed.
    fn paired(&self, recipe: &str) -> Vec<Paired<'_>> {
        let pairs = self.pairs(recipe, &self.evidence.plan.baseline).into_iter();
        pairs.filter_map(|(seed, a, b)| Some((seed, self.correct(a)?, self.correct(b)?))).collect()
    }
}

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

/// Recipes of which every pair is looked at. Of more, only the pairs with the baseline are: there would be half a million of 1,000.
pub const ALL_PAIRS: usize = 64;

/// Whether a pair of recipes is looked at.
fn wanted(evidence: &Evidence, first: &str, second: &str) -> bool {
    let plan = &evidence.plan;
    plan.recipes.len() <= ALL_PAIRS || [first, second].contains(&plan.baseline.as_str())
}

fn pairs(material: &Material<'_>) -> Vec<PairSummary> {
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

/// Validation accuracies per epoch of the finished trials of a recipe, by seed.
fn validation<'a>(evidence: &'a Evidence, recipe: &'a str) -> Vec<Curve> {
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

fn courses(evidence: &Evidence) -> Vec<CourseSummary> {
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

/// Mean seconds of each epoch of a recipe's finished trials; `None` where they were not timed.
fn seconds(evidence: &Evidence, recipe: &str) -> Option<Vec<f64>> {
    let finished: Vec<&Trial> =
        evidence.trials_of(recipe).filter(|t| t.test().is_some() && !t.epochs.is_empty()).collect();
    let epochs = finished.iter().map(|t| t.epochs.len()).min()?;
    let at = |epoch: usize| {
        bakeoff_stats::mean(&finished.iter().map(|t| t.epochs[epoch].seconds).collect::<Vec<_>>())
            .filter(|seconds| seconds.is_finite())
    };
    (0..epochs).map(at).collect()
}

fn equal_time(evidence: &Evidence) -> Option<EqualTime> {
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
fn spent<'a>(trials: impl Iterator<Item = &'a Trial>) -> Option<f64> {
    let of = |trial: &Trial| match trial.state {
        State::Finished { seconds, .. } => seconds,
        _ => Some(trial.epochs.iter().map(|e| e.seconds).sum()),
    };
    let all: Option<Vec<f64>> = trials.map(of).collect();
    all.filter(|all| !all.is_empty()).map(|all| all.iter().sum())
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
                curves::fit(&curves, CONFIDENCE, Range::UpTo(1.0))
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
        pairs: pairs(material),
        courses: courses(evidence),
        equal_time: equal_time(evidence),
        seconds: spent(evidence.trials.iter()),
        robustness: None,
    }
}

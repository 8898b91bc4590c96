//! Finished trials as what is looked at: by recipe, by seed, and image by image.

use super::records::{FlippedImage, MetricSummary};
use crate::ranged::{CONFIDENCE, Ranged};
use bakeoff_evidence::{Evidence, Origin, State, Trial, judgement};
use bakeoff_stats::Marks;
use bakeoff_stats::interval::Range;
use bakeoff_stats::metric::{self, Bin, Judgement, Metric};
use std::collections::BTreeMap;

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
pub(super) type Paired<'a> = (u64, &'a [bool], &'a [bool]);

/// Names and classes of the test images.
pub(super) struct Images {
    pub(super) names: Vec<String>,
    pub(super) labels: Vec<u32>,
    pub(super) classes: Vec<String>,
}

impl Material<'_> {
    /// Finished runs of a recipe by seed, as indices into the finished trials.
    pub(super) fn runs(&self, recipe: &str) -> Vec<(u64, usize)> {
        let all = self.finished.iter().enumerate().filter(|(_, t)| t.recipe == recipe);
        let mut runs: Vec<(u64, usize)> = all.map(|(at, trial)| (trial.seed, at)).collect();
        runs.sort_unstable();
        runs
    }

    /// Runs of two recipes that share a seed: seed, first, second.
    pub(super) fn pairs(&self, first: &str, second: &str) -> Vec<(u64, usize, usize)> {
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

    pub(super) fn images(&self) -> Option<Images> {
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

    pub(super) fn metrics(&self, recipe: &str) -> Vec<MetricSummary> {
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

    pub(super) fn reliability(&self, recipe: &str) -> Option<Vec<Bin>> {
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
    pub(super) fn flips(&self, recipe: &str, images: &Images) -> Vec<FlippedImage> {
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
    pub(super) fn paired(&self, recipe: &str) -> Vec<Paired<'_>> {
        let pairs = self.pairs(recipe, &self.evidence.plan.baseline).into_iter();
        pairs.filter_map(|(seed, a, b)| Some((seed, self.correct(a)?, self.correct(b)?))).collect()
    }
}

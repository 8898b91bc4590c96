//! Metrics of a classifier on test images, each with its interval over seeds and images.
//!
//! A metric of one run is written as a mean over images of *pseudo-values* (Tukey's jackknife, to first order: value plus
//! influence of the image). For top-k accuracy, negative log-likelihood and the Brier score these are the images' own
//! scores; for balanced accuracy, macro-F1 and the calibration error, which are no means, they are the delta method's. The
//! seeds × images table of them then gives the interval by the same analysis of variance as a difference of accuracies
//! ([`Variance::crossed`]), and the difference of two recipes' tables the interval of a difference.

use crate::interval::{Interval, Range, Variance};
use serde::{Deserialize, Serialize};

/// Bins of the calibration error: equal widths, as Guo et al. 2017 ("On calibration of modern neural networks") use.
pub const BINS: usize = 15;

/// What a network said of one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// True class.
    pub label: u32,
    /// Class with the highest probability.
    pub predicted: u32,
    /// 1 + how many classes were thought likelier than the true one.
    pub rank: u32,
    /// Probability of the true class.
    pub probability: f64,
    /// Probability of the predicted class; `None` where it was not kept.
    pub confidence: Option<f64>,
    /// Sum over classes of the squared probability; `None` where it was not kept.
    pub sum_of_squares: Option<f64>,
}

impl Judgement {
    fn right(&self) -> f64 {
        f64::from(u8::from(self.label == self.predicted))
    }
}

/// A number by which a run is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of images whose likeliest class is the true one.
    Top1,
    /// Share of images whose true class is among the five likeliest.
    Top5,
    /// Mean over classes of the share of their images classified correctly: scikit-learn's `balanced_accuracy_score`.
    BalancedAccuracy,
    /// Mean over classes of the harmonic mean of precision and recall: scikit-learn's `f1_score(average="macro")`.
    MacroF1,
    /// Mean of −ln of the true class's probability, in nats: scikit-learn's `log_loss`.
    Nll,
    /// Mean over images of the squared distance between probabilities and truth, in [0, 2] (Brier 1950).
    Brier,
    /// Expected calibration error: mean over images of |accuracy − confidence| of their bin, [`BINS`] bins of equal width.
    Ece,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Top1, Self::Top5, Self::BalancedAccuracy, Self::MacroF1, Self::Nll, Self::Brier, Self::Ece];

    /// As tables call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Top1 => "top-1",
            Self::Top5 => "top-5",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::MacroF1 => "macro-F1",
            Self::Nll => "negative log-likelihood",
            Self::Brier => "Brier score",
            Self::Ece => "calibration error (ECE)",
        }
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        !matches!(self, Self::Nll | Self::Brier | Self::Ece)
    }

    /// Which values it can have.
    #[must_use]
    pub fn range(self) -> Range {
        match self {
            Self::Nll => Range::Positive,
            Self::Brier => Range::UpTo(2.0),
            Self::Top1 | Self::Top5 | Self::BalancedAccuracy | Self::MacroF1 | Self::Ece => Range::UpTo(1.0),
        }
    }

    /// One number per image whose mean is the metric of the run. `None` without images, where what it needs was not kept, or
    /// where it is not finite (a true class of probability zero has an infinite likelihood).
    #[must_use]
    pub fn pseudo_values(self, images: &[Judgement]) -> Option<Vec<f64>> {
        if images.is_empty() {
            return None;
        }
        let values: Option<Vec<f64>> = match self {
            Self::Top1 => Some(images.iter().map(Judgement::right).collect()),
            Self::Top5 => Some(images.iter().map(|j| f64::from(u8::from(j.rank <= 5))).collect()),
            Self::Nll => Some(images.iter().map(|j| -j.probability.ln()).collect()),
            Self::Brier => {
                images.iter().map(|j| Some(j.sum_of_squares? - 2.0 * j.probability + 1.0)).collect()
            }
            Self::BalancedAccuracy => Some(balanced_accuracy(images)),
            Self::MacroF1 => Some(macro_f1(images)),
            Self::Ece => calibration_error(images),
        };
        values.filter(|values| values.iter().all(|value| value.is_finite()))
    }

    /// The metric of one run; `None` as [`Metric::pseudo_values`].
    #[must_use]
    pub fn value(self, images: &[Judgement]) -> Option<f64> {
        crate::mean(&self.pseudo_values(images)?)
    }
}

/// Per class: images of it, images taken for it, images of it that were taken for it.
fn tally(images: &[Judgement]) -> Vec<[f64; 3]> {
    let classes = images.iter().map(|j| j.label.max(j.predicted)).max().map_or(0, |class| class as usize + 1);
    let mut tally = vec![[0.0; 3]; classes];
    for j in images {
        tally[j.label as usize][0] += 1.0;
        tally[j.predicted as usize][1] += 1.0;
        tally[j.label as usize][2] += j.right();
    }
    tally
}

fn balanced_accuracy(images: &[Judgement]) -> Vec<f64> {
    let tally = tally(images);
    let classes = tally.iter().filter(|[of, ..]| *of > 0.0).count() as f64;
    let recall = |class: u32| tally[class as usize][2] / tally[class as usize][0];
    let value =
        tally.iter().filter(|[of, ..]| *of > 0.0).map(|[of, _, right]| right / of).sum::<f64>() / classes;
    let n = images.len() as f64;
    let influence = |j: &Judgement| n / classes * (j.right() - recall(j.label)) / tally[j.label as usize][0];
    images.iter().map(|j| value + influence(j)).collect()
}

fn macro_f1(images: &[Judgement]) -> Vec<f64> {
    let tally = tally(images);
    // Classes that stand neither among the labels nor among the predictions have no F1.
    let classes = tally.iter().filter(|[of, taken, _]| of + taken > 0.0).count() as f64;
    let f1 = |class: u32| {
        let [of, taken, right] = tally[class as usize];
        2.0 * right / (of + taken)
    };
    let size = |class: u32| tally[class as usize][0] + tally[class as usize][1];
    let value = (0..tally.len() as u32).filter(|&c| size(c) > 0.0).map(f1).sum::<f64>() / classes;
    let n = images.len() as f64;
    let influence = |j: &Judgement| {
        let hit = 2.0 * j.right() / size(j.label);
        n / classes * (hit - f1(j.label) / size(j.label) - f1(j.predicted) / size(j.predicted))
    };
    images.iter().map(|j| value + influence(j)).collect()
}

/// The bin of a confidence in [0, 1]: (low, high], the lowest closed.
fn bin(confidence: f64) -> usize {
    ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1
}

fn calibration_error(images: &[Judgement]) -> Option<Vec<f64>> {
    let mut gap = [0.0; BINS];
    for j in images {
        let confidence = j.confidence?;
        gap[bin(confidence)] += confidence - j.right();
    }
    let term = |j: &Judgement| {
        let confidence = j.confidence?;
        Some(gap[bin(confidence)].signum() * (confidence - j.right()))
    };
    images.iter().map(term).collect()
}

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Confidences above this …
    pub low: f64,
    /// … and up to this.
    pub high: f64,
    /// Predictions in it.
    pub count: usize,
    /// Their mean confidence; `None` for an empty bin.
    pub confidence: Option<f64>,
    /// Share of them that were right; `None` for an empty bin.
    pub accuracy: Option<f64>,
}

/// The reliability diagram of one or several runs together. `None` where confidences were not kept.
#[must_use]
pub fn reliability(runs: &[&[Judgement]]) -> Option<Vec<Bin>> {
    let mut sums = [[0.0; 3]; BINS];
    for j in runs.iter().copied().flatten() {
        let confidence = j.confidence?;
        let sum = &mut sums[bin(confidence)];
        sum[0] += 1.0;
        sum[1] += confidence;
        sum[2] += j.right();
    }
    let edge = |k: usize| k as f64 / BINS as f64;
    let bins = sums.iter().enumerate().map(|(k, [count, confidence, right])| Bin {
        low: edge(k),
        high: edge(k + 1),
        count: *count as usize,
        confidence: (*count > 0.0).then(|| confidence / count),
        accuracy: (*count > 0.0).then(|| right / count),
    });
    Some(bins.collect())
}

/// A metric of a recipe over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over seeds.
    pub mean: f64,
    /// Its interval over seeds and images; `None` for fewer than two seeds.
    pub interval: Option<Interval>,
    /// One value per seed.
    pub per_seed: Vec<f64>,
}

/// A metric over seeds, from one table of pseudo-values per seed; limits of its interval are in `range`. `None` without seeds or for
/// rows of different lengths.
#[must_use]
pub fn estimate(table: &[Vec<f64>], confidence: f64, range: Range) -> Option<Estimate> {
    let length = table.first()?.len();
    if table.iter().any(|row| row.len() != length) {
        return None;
    }
    let per_seed: Vec<f64> = table.iter().map(|row| crate::mean(row)).collect::<Option<_>>()?;
    let variance = Variance::crossed(table).or_else(|| Variance::of_seeds(&per_seed));
    Some(Estimate {
        mean: crate::mean(&per_seed)?,
        interval: variance.map(|v| v.interval_within(confidence, range)),
        per_seed,
    })
}

/// A table minus another, seed by seed and image by image. `None` where their shapes differ.
#[must_use]
pub fn subtract(table: &[Vec<f64>], other: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let same = table.len() == other.len() && table.iter().zip(other).all(|(a, b)| a.len() == b.len());
    same.then(|| {
        table.iter().zip(other).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(label: u32, predicted: u32, confidence: f64) -> Judgement {
        let probability = if label == predicted { confidence } else { (1.0 - confidence) / 2.0 };
        let rest = (1.0 - confidence) / 2.0;
        let sum_of_squares = Some(confidence * confidence + 2.0 * rest * rest);
        let rank = if label == predicted { 1 } else { 2 };
        Judgement { label, predicted, rank, probability, confidence: Some(confidence), sum_of_squares }
    }

    fn some() -> Vec<Judgement> {
        (0..30u32).map(|i| judged(i % 3, (i / 4) % 3, 0.4 + f64::from(i) / 60.0)).collect()
    }

    #[test]
    fn values_are_those_of_their_definitions() {
        let images = [judged(0, 0, 0.9), judged(0, 1, 0.6), judged(1, 1, 0.8), judged(2, 1, 0.5)];
        let value = |metric: Metric| metric.value(&images).unwrap();
        assert!((value(Metric::Top1) - 0.5).abs() < 1e-15 && value(Metric::Top5) == 1.0);
        assert!((value(Metric::BalancedAccuracy) - (0.5 + 1.0 + 0.0) / 3.0).abs() < 1e-15);
        // F1: 2·1/(2+1), 2·1/(1+3), 0.
        assert!((value(Metric::MacroF1) - (2.0 / 3.0 + 0.5) / 3.0).abs() < 1e-15);
        assert!((value(Metric::Ece) - (0.1 + 0.6 + 0.2 + 0.5) / 4.0).abs() < 1e-15);
        let brier = |p: [f64; 3]| p[0].powi(2) + p[1].powi(2) + p[2].powi(2);
        let expected = brier([0.1, 0.05, 0.05])
            + brier([0.8, 0.6, 0.2])
            + brier([0.1, 0.2, 0.1])
            + brier([0.25, 0.5, 0.75]);
        assert!((value(Metric::Brier) - expected / 4.0).abs() < 1e-12);
    }

    #[test]
    fn pseudo_values_are_what_leaving_an_image_out_gives_to_first_order() {
        // With n images repeated many times, n·(value − value without one) is the influence.
        let images: Vec<Judgement> = std::iter::repeat_n(some(), 60).flatten().collect();
        let n = images.len() as f64;
        for metric in Metric::ALL {
            let pseudo = metric.pseudo_values(&images).unwrap();
            let value = metric.value(&images).unwrap();
            for left_out in [0, 7, 29] {
                let mut fewer = images.clone();
                fewer.remove(left_out);
                let jackknife = value + (n - 1.0) * (value - metric.value(&fewer).unwrap());
                assert!(
                    (pseudo[left_out] - jackknife).abs() < 0.01 * (1.0 + jackknife.abs()),
                    "{metric:?} {left_out}: {} {jackknife}",
                    pseudo[left_out]
                );
            }
        }
    }

    #[test]
    fn what_was_not_kept_gives_no_number() {
        let mut images = some();
        images[3].confidence = None;
        images[3].sum_of_squares = None;
        assert!(Metric::Ece.value(&images).is_none() && Metric::Brier.value(&images).is_none());
        assert!(Metric::MacroF1.value(&images).is_some() && reliability(&[&images]).is_none());
        images[3].probability = 0.0;
        assert!(Metric::Nll.value(&images).is_none());
        assert!(Metric::ALL.iter().all(|metric| metric.value(&[]).is_none()));
    }

    #[test]
    fn reliability_counts_every_prediction_once_and_gives_the_calibration_error() {
        let images = some();
        let bins = reliability(&[&images, &images]).unwrap();
        assert_eq!((bins.len(), bins.iter().map(|b| b.count).sum::<usize>()), (BINS, 60));
        let error: f64 = bins
            .iter()
            .filter_map(|b| Some(b.count as f64 / 60.0 * (b.accuracy? - b.confidence?).abs()))
            .sum();
        assert!((error - Metric::Ece.value(&images).unwrap()).abs() < 1e-12);
        assert_eq!((bin(0.0), bin(1.0), bin(1.0 / 15.0), bin(1.0 / 15.0 + 1e-9)), (0, BINS - 1, 0, 1));
    }

    #[test]
    fn a_difference_of_equal_tables_is_zero_without_spread() {
        let table: Vec<Vec<f64>> = (0..3).map(|_| Metric::MacroF1.pseudo_values(&some()).unwrap()).collect();
        let difference = estimate(&subtract(&table, &table).unwrap(), 0.95, Range::Any).unwrap();
        assert_eq!((difference.mean, difference.interval.unwrap().high), (0.0, 0.0));
        assert!(estimate(&[], 0.95, Range::Any).is_none() && subtract(&table, &table[..2]).is_none());
        assert!(estimate(&table[..1], 0.95, Range::UpTo(1.0)).unwrap().interval.is_none());
    }
}

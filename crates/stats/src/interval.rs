//! Intervals for a mean paired difference.
//!
//! A difference between two recipes varies for two reasons: the seed (another initial head, another order) and the test
//! images (another sample of photographs). Seeds and images are crossed: every run is tested on every image. The layout
//! is that of multi-reader multi-case studies in radiology, seeds being readers and images cases, and the interval is
//! theirs: a two-way random-effects analysis of variance gives the variance of the mean, and Hillis' degrees of freedom
//! turn it into a t interval (Hillis 2007, "A comparison of denominator degrees of freedom methods for multiple observer
//! ROC analysis", Statistics in Medicine 26). Where images add nothing it is the paired t interval.

use crate::distribution::{normal_cdf, t_cdf, t_quantile, t_two_sided};
use serde::{Deserialize, Serialize};

/// Where an interval comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Seeds × images random-effects t interval.
    CrossedT,
    /// t interval of the per-seed differences: the test images are taken as fixed.
    PairedT,
}

/// Which values a mean can have at all; no interval passes beyond them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Any: a difference.
    Any,
    /// None below zero: a loss, an error as a share of another.
    Positive,
    /// From zero to so much: a share of images is from zero to one.
    UpTo(f64),
}

/// A two-sided interval, in the units of the differences (fractions).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
    /// Coverage aimed at, 0.95 say.
    pub confidence: f64,
    /// How it was computed.
    pub method: Method,
    /// Standard error of the mean difference.
    pub standard_error: f64,
    /// Degrees of freedom of t; `None` where the spread is zero.
    pub degrees_of_freedom: Option<f64>,
}

/// Variance of a mean difference and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variance {
    /// Mean of the per-seed differences.
    pub mean: f64,
    /// Of one seed, images fixed: seed and residual together. Shrinks with the number of seeds.
    pub per_seed: f64,
    /// Of the mean over all images due to which images they are. Does not shrink with seeds.
    pub images: f64,
    /// Seeds.
    pub seeds: usize,
    /// Test images, where they are known.
    pub image_count: Option<usize>,
}

impl Variance {
    /// From the per-seed differences alone. `None` for fewer than two seeds.
    #[must_use]
    pub fn of_seeds(differences: &[f64]) -> Option<Self> {
        let spread = crate::standard_deviation(differences)?;
        let mean = crate::mean(differences)?;
        // The last bits of rounding are not a spread: 0.61 − 0.60 and 0.71 − 0.70 differ by 1e-16.
        let spread = if spread < 1e-12 { 0.0 } else { spread };
        let seeds = differences.len();
        Some(Self { mean, per_seed: spread * spread, images: 0.0, seeds, image_count: None })
    }

    /// From the differences of every seed on every image. `None` for fewer than two seeds or images, or rows of different
    /// lengths.
    #[must_use]
    pub fn crossed<D: Copy + Into<f64>>(differences: &[Vec<D>]) -> Option<Self> {
        let (seeds, count) = (differences.len(), differences.first()?.len());
        if seeds < 2 || count < 2 || differences.iter().any(|row| row.len() != count) {
            return None;
        }
        // Sums of −1, 0 and 1 are whole numbers and exact, so that equal columns give exactly zero.
        let mut by_image = vec![0.0; count];
        let (mut total, mut squares, mut seed_squares) = (0.0, 0.0, 0.0);
        for row in differences {
            let mut sum = 0.0;
            for (column, &d) in by_image.iter_mut().zip(row) {
                let d: f64 = d.into();
                *column += d;
                sum += d;
                squares += d * d;
            }
            total += sum;
            seed_squares += sum * sum;
        }
        let (s, n) = (seeds as f64, count as f64);
        let correction = total * total / (s * n);
        let image_squares: f64 = by_image.iter().map(|c| c * c).sum();
        // What is left of sums that cancel is rounding, not a spread.
        let above = |sum: f64| if sum > 1e-12 * squares { sum } else { 0.0 };
        let between_seeds = above(seed_squares / n - correction);
        let between_images = above(image_squares / s - correction);
        let residual = above(squares - correction - between_seeds - between_images);
        let mean_square_seeds = between_seeds / (s - 1.0);
        let mean_square_images = between_images / (n - 1.0);
        let mean_square_residual = residual / ((s - 1.0) * (n - 1.0));
        Some(Self {
            mean: total / (s * n),
            // With few seeds their mean square can fall below the residual's by luck alone, which it estimates when seeds
            // do not matter: the larger of the two is never too sure.
            per_seed: mean_square_seeds.max(mean_square_residual) / n,
            images: (mean_square_images - mean_square_residual).max(0.0) / (s * n),
            seeds,
            image_count: Some(count),
        })
    }

    /// The same with a standard error of one image in all of them at least, which is what a single image gives that only one of two
    /// recipes has right. Where no image tells them apart, other images still might: of 24 that agree, little follows for the next 24.
    pub(crate) fn of_one_image_at_least(self) -> Self {
        let least = self.image_count.map_or(0.0, |images| (images as f64).powi(-2));
        Self { images: self.images.max(least - self.per_seed / self.seeds as f64), ..self }
    }

    /// Standard error of the mean difference, had there been `seeds` seeds.
    #[must_use]
    pub fn standard_error(&self, seeds: usize) -> f64 {
        (self.per_seed / seeds as f64 + self.images).sqrt()
    }

    /// Degrees of freedom of that standard error (Hillis). `None` where it is zero.
    #[must_use]
    pub fn degrees_of_freedom(&self, seeds: usize) -> Option<f64> {
        let by_seed = self.per_seed / seeds as f64;
        if by_seed + self.images == 0.0 {
            return None;
        }
        // Hillis takes the images to be many. They are what the images' part was estimated from, be they few.
        let most = match self.image_count {
            Some(images) if self.images > 0.0 => images as f64 - 1.0,
            // Beyond this a t is a normal in every digit; also keeps infinity out of the files.
            _ => 1e9,
        };
        Some(((seeds as f64 - 1.0) * ((by_seed + self.images) / by_seed).powi(2)).min(most))
    }

    /// The interval that covers with probability `confidence`, in (0, 1).
    #[must_use]
    pub fn interval(&self, confidence: f64) -> Interval {
        let standard_error = self.standard_error(self.seeds);
        let degrees_of_freedom = self.degrees_of_freedom(self.seeds);
        let reach = degrees_of_freedom.map_or(0.0, |degrees| t_quantile(0.5 + confidence / 2.0, degrees));
        Interval {
            low: self.mean - reach * standard_error,
            high: self.mean + reach * standard_error,
            confidence,
            method: if self.image_count.is_some() { Method::CrossedT } else { Method::PairedT },
            standard_error,
            degrees_of_freedom,
        }
    }

    /// [`Variance::interval`] of a mean that not every number can be: the limits lie in `range`, not alike on both sides of the mean,
    /// and near its ends cover more often than equal ones. `docs/statistics.md` says how often.
    #[must_use]
    pub fn interval_within(&self, confidence: f64, range: Range) -> Interval {
        let symmetric = self.interval(confidence);
        let reach = symmetric.high - self.mean;
        let cut = |most: f64| [symmetric.low, symmetric.high].map(|limit| limit.clamp(0.0, most));
        let [low, high] = match range {
            Range::Any => [symmetric.low, symmetric.high],
            Range::Positive => positive_limits(self.mean, reach).unwrap_or(cut(f64::INFINITY)),
            Range::UpTo(most) => self.share_limits(most, reach, confidence).unwrap_or(cut(most)),
        };
        Interval { low, high, ..symmetric }
    }

    /// Wilson's limits (1927) for as many images as would give this standard error if each were right or wrong by itself. Where there
    /// is no error at all, the mean standing at either end, it is the images there are. `None` for a mean outside the range, and for one
    /// at an end where images are not known.
    fn share_limits(&self, most: f64, reach: f64, confidence: f64) -> Option<[f64; 2]> {
        let share = self.mean / most;
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        // Quantile squared over the number of images: all that Wilson's formula needs of either.
        let variance = share * (1.0 - share);
        let penalty = if variance > 0.0 {
            (reach / most).powi(2) / variance
        } else {
            let images = self.image_count? as f64;
            t_quantile(0.5 + confidence / 2.0, images - 1.0).powi(2) / images
        };
        let centre = share + penalty / 2.0;
        let half = (penalty * variance + penalty * penalty / 4.0).sqrt();
        let limit = |side: f64| most * ((centre + side * half) / (1.0 + penalty)).clamp(0.0, 1.0);
        Some([limit(-1.0), limit(1.0)])
    }

    /// One-sided p-value against "the true difference is `bound` or less". Zero or one where the spread is zero.
    #[must_use]
    pub fn p_above(&self, bound: f64) -> f64 {
        match self.degrees_of_freedom(self.seeds) {
            Some(degrees) => t_cdf((bound - self.mean) / self.standard_error(self.seeds), degrees),
            None => f64::from(u8::from(self.mean <= bound)),
        }
    }

    /// One-sided p-value against "the true difference is `bound` or more".
    #[must_use]
    pub fn p_below(&self, bound: f64) -> f64 {
        match self.degrees_of_freedom(self.seeds) {
            Some(degrees) => t_cdf((self.mean - bound) / self.standard_error(self.seeds), degrees),
            None => f64::from(u8::from(self.mean >= bound)),
        }
    }

    /// [`Variance::p_zero`] by the normal distribution, as if the variance were known.
    #[must_use]
    pub fn p_normal(&self) -> f64 {
        let error = self.standard_error(self.seeds);
        if error == 0.0 { self.p_zero() } else { 2.0 * normal_cdf(-self.mean.abs() / error) }
    }

    /// Two-sided p-value against "no difference". One where mean and spread are zero, zero where only the spread is.
    #[must_use]
    pub fn p_zero(&self) -> f64 {
        match self.degrees_of_freedom(self.seeds) {
            Some(degrees) => t_two_sided(self.mean / self.standard_error(self.seeds), degrees),
            None => f64::from(u8::from(self.mean == 0.0)),
        }
    }
}

/// Limits symmetric on a scale of ratios. Where the reach is larger than the mean the upper one grows on in a straight line: with
/// two seeds a power of e would have no bounds. `None` for a mean that is not above zero.
fn positive_limits(mean: f64, reach: f64) -> Option<[f64; 2]> {
    if mean.is_nan() || mean <= 0.0 {
        return None;
    }
    let ratio = reach / mean;
    let high = if ratio <= 1.0 { mean * ratio.exp() } else { std::f64::consts::E * reach };
    Some([mean * (-ratio).exp(), high])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: &[&[i8]]) -> Vec<Vec<i8>> {
        table.iter().map(|row| row.to_vec()).collect()
    }

    #[test]
    fn images_that_add_nothing_leave_the_paired_t_interval() {
        // Residual and image spread are equal on purpose: every image is as different as chance makes it.
        let table = rows(&[&[1, 0, 0, 0, 1, 1], &[0, 1, 1, 1, 1, 0], &[0, 0, 0, 0, 0, 0]]);
        let crossed = Variance::crossed(&table).unwrap();
        assert_eq!(crossed.images, 0.0);
        let paired = Variance::of_seeds(&[0.5, 4.0 / 6.0, 0.0]).unwrap();
        let (a, b) = (crossed.interval(0.95), paired.interval(0.95));
        assert!((a.low - b.low).abs() < 1e-12 && (a.high - b.high).abs() < 1e-12, "{a:?} {b:?}");
        assert_eq!((a.method, b.method), (Method::CrossedT, Method::PairedT));
    }

    #[test]
    fn images_that_matter_widen_the_interval_beyond_the_seeds() {
        // Both seeds agree on every image, so seeds alone would be sure of 0.5; only four images say so.
        let table = rows(&[&[1, 1, 0, 0], &[1, 1, 0, 0]]);
        let crossed = Variance::crossed(&table).unwrap();
        assert_eq!((crossed.mean, crossed.per_seed), (0.5, 0.0));
        assert!((crossed.images - (1.0 / 3.0) / 4.0).abs() < 1e-15);
        let interval = crossed.interval(0.95);
        assert!(interval.low < 0.0 && interval.high > 1.0);
        assert_eq!(Variance::of_seeds(&[0.5, 0.5]).unwrap().interval(0.95).low, 0.5);
    }

    #[test]
    fn degrees_of_freedom_never_exceed_those_of_the_images() {
        let table = rows(&[&[1, 0], &[1, 0], &[1, 0], &[1, 0]]);
        assert_eq!(Variance::crossed(&table).unwrap().degrees_of_freedom(4), Some(1.0));
    }

    #[test]
    fn identical_predictions_have_no_spread_and_no_difference() {
        let crossed = Variance::crossed(&rows(&[&[0; 5], &[0; 5], &[0; 5]])).unwrap();
        let interval = crossed.interval(0.95);
        assert_eq!((interval.low, interval.high, interval.degrees_of_freedom), (0.0, 0.0, None));
        assert_eq!((crossed.p_zero(), crossed.p_above(-0.01), crossed.p_below(0.01)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn a_share_of_nearly_all_images_has_no_limit_beyond_all_of_them() {
        // Seven of eight seeds get all 300 images right, one misses two.
        let mut table = vec![vec![1.0; 300]; 8];
        (table[3][7], table[3][90]) = (0.0, 0.0);
        let variance = Variance::crossed(&table).unwrap();
        let [wide, limits] =
            [Range::Any, Range::UpTo(1.0)].map(|range| variance.interval_within(0.95, range));
        assert!(
            wide.high > 1.0 && limits.high < 1.0 && limits.low < wide.low && limits.low > 0.99,
            "{limits:?}"
        );
        // By Wilson's formula: 300 right of 300 that are counted as often as that error says.
        let images = variance.mean * (1.0 - variance.mean) / variance.standard_error(8).powi(2);
        let t = t_quantile(0.975, variance.degrees_of_freedom(8).unwrap());
        let (p, n) = (variance.mean, images);
        let half = t * (p * (1.0 - p) / n + t * t / (4.0 * n * n)).sqrt();
        let by_hand = [-half, half].map(|half| (p + t * t / (2.0 * n) + half) / (1.0 + t * t / n));
        assert!((limits.low - by_hand[0]).abs() < 1e-12 && (limits.high - by_hand[1]).abs() < 1e-12);
        // All right: not certain for all that, 300 images could hide a few in a hundred.
        let all =
            Variance::crossed(&vec![vec![1.0; 300]; 8]).unwrap().interval_within(0.95, Range::UpTo(1.0));
        assert!((0.98..0.99).contains(&all.low) && all.high == 1.0, "{all:?}");
        let none =
            Variance::crossed(&vec![vec![0.0; 300]; 8]).unwrap().interval_within(0.95, Range::UpTo(2.0));
        assert!((0.02..0.04).contains(&none.high) && none.low == 0.0, "{none:?}");
    }

    #[test]
    fn a_loss_has_no_limit_below_zero_and_none_that_is_infinite() {
        for values in [[0.02, 0.03], [0.001, 0.9], [0.0, 1e-300], [0.0, 0.0], [1e-12, 1e12]] {
            let variance = Variance::of_seeds(&values).unwrap();
            let [wide, limits] = [Range::Any, Range::Positive].map(|r| variance.interval_within(0.95, r));
            assert!(limits.low >= 0.0 && limits.low <= variance.mean && limits.low >= wide.low, "{limits:?}");
            assert!(limits.high.is_finite() && limits.high >= variance.mean, "{limits:?}");
        }
        let steady = Variance::of_seeds(&[0.70, 0.72, 0.71, 0.69]).unwrap();
        let [wide, limits] = [Range::Any, Range::Positive].map(|r| steady.interval_within(0.95, r));
        assert!((limits.high - wide.high).abs() < 5e-4 && (limits.low - wide.low).abs() < 5e-4);
        // A mean beyond its range, as a smoothed curve can have, is cut.
        let beyond = Variance::of_seeds(&[1.01, 1.02]).unwrap().interval_within(0.95, Range::UpTo(1.0));
        assert_eq!(beyond.high, 1.0);
    }

    #[test]
    fn one_seed_or_one_image_has_no_interval() {
        assert_eq!(Variance::of_seeds(&[0.1]), None);
        assert_eq!(Variance::of_seeds(&[]), None);
        assert_eq!(Variance::crossed(&rows(&[&[1, 0, 1]])), None);
        assert_eq!(Variance::crossed(&rows(&[&[1], &[0]])), None);
        assert_eq!(Variance::crossed(&rows(&[&[1, 0], &[0]])), None);
        assert_eq!(Variance::crossed::<i8>(&[]), None);
    }

    #[test]
    fn rounding_of_equal_differences_is_not_a_spread() {
        let differences = [0.61 - 0.60, 0.71 - 0.70, 0.81 - 0.80];
        assert_eq!(Variance::of_seeds(&differences).unwrap().per_seed, 0.0);
    }
}

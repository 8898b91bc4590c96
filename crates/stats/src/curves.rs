//! Learning curves: what they are apart from their jitter, where one passes another, and what an epoch is worth.
//!
//! Every seed's curve is smoothed by the same linear smoother (local lines with tricube weights, Cleveland 1979), so that mean,
//! difference and slope over seeds have ordinary t intervals, epoch by epoch. Nothing is extrapolated: beyond the last
//! epoch, and with a schedule that ends there, a curve says nothing.

use crate::distribution::t_quantile;
use crate::interval::{Range, Variance};
use serde::{Deserialize, Serialize};

/// A smoothed curve at one epoch, over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// 1 for the first.
    pub epoch: u32,
    /// Mean over seeds of the smoothed curves.
    pub fit: f64,
    /// Lower limit of its interval; `None` for fewer than two seeds.
    pub low: Option<f64>,
    /// Upper limit.
    pub high: Option<f64>,
    /// What this epoch added: slope of the smoothed curve.
    pub gain: f64,
    /// Lower limit of its interval; `None` for fewer than two seeds.
    #[serde(default)]
    pub gain_low: Option<f64>,
    /// Upper limit.
    #[serde(default)]
    pub gain_high: Option<f64>,
}

/// How one curve stands to another over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "course")]
pub enum Course {
    /// First certainly behind, certainly ahead at last.
    Passes {
        /// Where the means cross for good.
        epoch: u32,
        /// Before this it was certainly behind.
        low: u32,
        /// From this on it is certainly ahead.
        high: u32,
    },
    /// [`Course::Passes`], the other way round.
    IsPassed {
        /// Where the means cross for good.
        epoch: u32,
        /// Before this it was certainly ahead.
        low: u32,
        /// From this on it is certainly behind.
        high: u32,
    },
    /// Certainly behind until before this epoch, and level since: whether it will pass cannot be foretold.
    CatchesUp {
        /// First epoch in which it is not certainly behind.
        epoch: u32,
    },
    /// Certainly ahead until before this epoch, and level since.
    IsCaughtUp {
        /// First epoch in which it is not certainly ahead.
        epoch: u32,
    },
    /// Certainly ahead at last, and never certainly behind.
    Ahead,
    /// Certainly behind at last, and never certainly ahead.
    Behind,
    /// Never certainly one or the other.
    Level,
}

/// Local lines over about a third of the epochs, five at least.
#[must_use]
pub fn smooth(values: &[f64]) -> Vec<f64> {
    lines(values).into_iter().map(|(value, _)| value).collect()
}

/// Value and slope of the local line at every epoch.
fn lines(values: &[f64]) -> Vec<(f64, f64)> {
    let n = values.len();
    let reach = (n / 6).max(2) as f64 + 1.0;
    let line = |at: usize| {
        let (mut w, mut wx, mut wy, mut wxx, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (k, y) in values.iter().enumerate() {
            let x = k as f64 - at as f64;
            let weight = (1.0 - (x.abs() / reach).min(1.0).powi(3)).powi(3);
            w += weight;
            wx += weight * x;
            wy += weight * y;
            wxx += weight * x * x;
            wxy += weight * x * y;
        }
        let spread = w * wxx - wx * wx;
        if spread > 1e-12 {
            let slope = (w * wxy - wx * wy) / spread;
            ((wy - slope * wx) / w, slope)
        } else {
            (wy / w, 0.0)
        }
    };
    (0..n).map(line).collect()
}

/// Mean and half-width of its interval; `None` for the width with fewer than two values.
fn mean_and_reach(values: &[f64], confidence: f64) -> Option<(f64, Option<f64>)> {
    let mean = crate::mean(values)?;
    let reach = crate::standard_deviation(values).map(|sd| {
        let degrees = values.len() as f64 - 1.0;
        t_quantile(0.5 + confidence / 2.0, degrees) * sd / (values.len() as f64).sqrt()
    });
    Some((mean, reach))
}

/// Epochs that all seeds have.
fn shared(curves: &[&[f64]]) -> usize {
    curves.iter().map(|curve| curve.len()).min().unwrap_or(0)
}

/// One recipe's curve: `seeds` holds a value per epoch for each seed, of which those that all have are used. Limits are in `range`.
#[must_use]
pub fn fit(seeds: &[&[f64]], confidence: f64, range: Range) -> Vec<Point> {
    let epochs = shared(seeds);
    let lines: Vec<Vec<(f64, f64)>> = seeds.iter().map(|curve| lines(&curve[..epochs])).collect();
    let at = |epoch: usize| {
        let values: Vec<f64> = lines.iter().map(|line| line[epoch].0).collect();
        let slopes: Vec<f64> = lines.iter().map(|line| line[epoch].1).collect();
        let interval = Variance::of_seeds(&values).map(|v| v.interval_within(confidence, range));
        let (gain, gain_reach) = mean_and_reach(&slopes, confidence)?;
        Some(Point {
            epoch: epoch as u32 + 1,
            fit: crate::mean(&values)?,
            low: interval.map(|i| i.low),
            high: interval.map(|i| i.high),
            gain,
            gain_low: gain_reach.map(|reach| gain - reach),
            gain_high: gain_reach.map(|reach| gain + reach),
        })
    };
    (0..epochs).filter_map(at).collect()
}

/// How the first recipe's curve stands to the second's; the n-th curve of either is of the same seed. The limits of a crossing
/// are Fieller's (1954): the epochs at which the difference cannot be told from zero. `None` for fewer than three seeds, or
/// two epochs.
#[must_use]
pub fn course(first: &[&[f64]], second: &[&[f64]], confidence: f64) -> Option<Course> {
    let epochs = shared(first).min(shared(second));
    if first.len() < 3 || first.len() != second.len() || epochs < 2 {
        return None;
    }
    let differences: Vec<Vec<f64>> = first
        .iter()
        .zip(second)
        .map(|(a, b)| smooth(&a.iter().zip(*b).take(epochs).map(|(a, b)| a - b).collect::<Vec<_>>()))
        .collect();
    let mut means = Vec::with_capacity(epochs);
    let mut certain = Vec::with_capacity(epochs);
    for epoch in 0..epochs {
        let values: Vec<f64> = differences.iter().map(|d| d[epoch]).collect();
        let (mean, reach) = mean_and_reach(&values, confidence)?;
        let reach = reach?;
        means.push(mean);
        certain.push(i8::from(mean > reach) - i8::from(mean < -reach));
    }
    let number = |at: usize| at as u32 + 1;
    let Some(last) = certain.iter().rposition(|c| *c != 0) else { return Some(Course::Level) };
    let sign = certain[last];
    if last + 1 < epochs {
        let epoch = number(last + 1);
        return Some(if sign < 0 { Course::CatchesUp { epoch } } else { Course::IsCaughtUp { epoch } });
    }
    let Some(before) = certain.iter().rposition(|c| *c == -sign) else {
        return Some(if sign > 0 { Course::Ahead } else { Course::Behind });
    };
    let after = (before + 1..epochs).find(|&at| certain[at..].iter().all(|c| *c == sign)).unwrap_or(last);
    // The last change of the mean's sign between the two.
    let turned =
        (before + 1..=after).rev().find(|&at| means[at - 1] * f64::from(sign) <= 0.0).unwrap_or(after);
    let (epoch, low, high) = (number(turned), number(before + 1), number(after));
    Some(if sign > 0 { Course::Passes { epoch, low, high } } else { Course::IsPassed { epoch, low, high } })
}

/// The value of a curve at a time, linear between the epochs' ends; `ends` are the times at which epochs end. `None` before the
/// first end, after the last one, or where the two differ in length.
#[must_use]
pub fn at_time(values: &[f64], ends: &[f64], time: f64) -> Option<f64> {
    if values.len() != ends.len() {
        return None;
    }
    let after = ends.iter().position(|end| *end >= time)?;
    if after == 0 {
        return (ends[0] == time).then_some(values[0]);
    }
    let (from, to) = (ends[after - 1], ends[after]);
    let share = if to > from { (time - from) / (to - from) } else { 1.0 };
    Some(values[after - 1] + share * (values[after] - values[after - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bakeoff_random::Stream;

    fn curves(top: f64, speed: f64, stream: u64, noise: f64) -> Vec<Vec<f64>> {
        (0..6)
            .map(|seed| {
                let mut random = Stream::new(stream, "curve", 0, seed);
                (1..=30)
                    .map(|e| top * (1.0 - (-speed * f64::from(e)).exp()) + noise * random.normal())
                    .collect()
            })
            .collect()
    }

    fn views(curves: &[Vec<f64>]) -> Vec<&[f64]> {
        curves.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn a_line_stays_a_line_and_its_slope_is_the_value_of_an_epoch() {
        let line: Vec<f64> = (0..20).map(|e| 0.1 + 0.02 * f64::from(e)).collect();
        assert!(smooth(&line).iter().zip(&line).all(|(a, b)| (a - b).abs() < 1e-12));
        let points = fit(&[&line, &line], 0.95, Range::UpTo(1.0));
        assert!(points.iter().all(|p| (p.gain - 0.02).abs() < 1e-12 && p.low.is_some()));
        assert_eq!(fit(&[&line[..1]], 0.95, Range::UpTo(1.0))[0].low, None);
        assert!(fit(&[], 0.95, Range::Any).is_empty() && fit(&[&[]], 0.95, Range::Any).is_empty());
    }

    #[test]
    fn a_slow_starter_with_the_better_end_passes_where_the_true_curves_cross() {
        let (slow, fast) = (curves(0.7, 0.1, 1, 0.005), curves(0.6, 0.2, 2, 0.005));
        // 0.7 (1 − e^−0.1t) = 0.6 (1 − e^−0.2t) at t ≈ 17.9.
        let Some(Course::Passes { epoch, low, high }) = course(&views(&slow), &views(&fast), 0.95) else {
            panic!("{:?}", course(&views(&slow), &views(&fast), 0.95))
        };
        assert!(
            (16..=20).contains(&epoch) && low <= epoch && epoch <= high && high - low < 8,
            "{low} {epoch} {high}"
        );
        assert!(
            matches!(course(&views(&fast), &views(&slow), 0.95), Some(Course::IsPassed { epoch: e, .. }) if e == epoch)
        );
        // Stopped while it is still behind, or level: nothing is foretold.
        let cut = |curves: &[Vec<f64>], epochs: usize| -> Vec<Vec<f64>> {
            curves.iter().map(|c| c[..epochs].to_vec()).collect()
        };
        assert_eq!(course(&views(&cut(&slow, 10)), &views(&cut(&fast, 10)), 0.95), Some(Course::Behind));
        let level = course(&views(&cut(&slow, 18)), &views(&cut(&fast, 18)), 0.95);
        assert!(matches!(level, Some(Course::CatchesUp { .. })), "{level:?}");
    }

    #[test]
    fn curves_of_one_kind_are_level_and_few_seeds_say_nothing() {
        let (a, b) = (curves(0.6, 0.2, 3, 0.02), curves(0.6, 0.2, 4, 0.02));
        let seen = course(&views(&a), &views(&b), 0.99).unwrap();
        assert!(!matches!(seen, Course::Passes { .. } | Course::IsPassed { .. }), "{seen:?}");
        assert_eq!(course(&views(&a)[..2], &views(&b)[..2], 0.95), None);
        assert_eq!(course(&views(&a), &views(&b)[..5], 0.95), None);
    }

    #[test]
    fn time_is_interpolated_between_the_ends_of_epochs() {
        let (values, ends) = ([0.1, 0.3, 0.4], [10.0, 20.0, 40.0]);
        assert_eq!(at_time(&values, &ends, 30.0), Some(0.35));
        assert_eq!((at_time(&values, &ends, 10.0), at_time(&values, &ends, 40.0)), (Some(0.1), Some(0.4)));
        assert_eq!((at_time(&values, &ends, 5.0), at_time(&values, &ends, 41.0)), (None, None));
    }
}

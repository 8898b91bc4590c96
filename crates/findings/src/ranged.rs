//! A number with its interval.

use bakeoff_stats::interval::{Range, Variance};
use bakeoff_stats::metric;
use serde::{Deserialize, Serialize};

/// Share of intervals that hold what they estimate.
pub const CONFIDENCE: f64 = 0.95;

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

    pub(crate) fn over_seeds(values: &[f64], range: Range) -> Option<Self> {
        let interval = Variance::of_seeds(values).map(|v| v.interval_within(CONFIDENCE, range));
        let mean = bakeoff_stats::mean(values)?;
        Some(Self { mean, low: interval.map(|i| i.low), high: interval.map(|i| i.high) })
    }
}

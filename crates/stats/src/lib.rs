//! Comparing recipes: paired differences, intervals, tests, equivalence and a verdict in words. Numbers in, numbers out.
//!
//! Two recipes are compared over the seeds that both of them finished: a seed gives both the same split, the same
//! initial head and the same sample order, so the difference of their accuracies is free of what the seed decides. What
//! is computed, and why the verdict is decided as it is, stands in `docs/decisions/0002-verdict-rule.md`.
//!
//! ```
//! use bakeoff_stats::{Arm, Options, Run, Verdict, compare};
//! let arm = |name: &str, accuracies: [f64; 6]| {
//!     let runs = accuracies.iter().zip(0..).map(|(&accuracy, seed)| Run::from_accuracy(seed, accuracy));
//!     Arm { name: name.into(), runs: runs.collect() }
//! };
//! let none = arm("none", [0.612, 0.598, 0.605, 0.620, 0.601, 0.611]);
//! let cutmix = arm("cutmix", [0.655, 0.641, 0.660, 0.649, 0.652, 0.647]);
//! let comparison = &compare(&none, &[cutmix], &Options::default())?[0];
//! assert_eq!(comparison.verdict, Verdict::Better);
//! assert_eq!(comparison.p, Some(0.03125)); // all six seeds agree: the least six seeds can give
//! println!("{}", comparison.sentence());
//! # Ok::<(), bakeoff_stats::StatsError>(())
//! ```

#![warn(clippy::print_stderr)]

pub mod aggregate;
mod arm;
mod best;
pub mod bootstrap;
mod comparison;
pub mod curves;
pub mod distribution;
mod explanation;
pub mod interval;
mod measure;
pub mod metric;
pub mod models;
pub mod multiplicity;
pub mod outlook;
pub mod permutation;
mod reason;
pub mod sequential;
mod spread;
pub mod wording;

pub use arm::{Arm, Marks, Run, StatsError};
pub use best::may_be_best;
pub use comparison::{Comparison, Equivalence, FEWEST_IMAGES, LEVEL, Options, Verdict, compare};
pub use interval::{Interval, Method};
pub use measure::{Direction, Measure, Unit};
pub use outlook::{Outlook, smallest_difference};
pub use permutation::{fewest_seeds, smallest_p};
pub use reason::{Corrected, Obstacle, Reason};

/// Mean of the values; `None` where there are none.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample standard deviation (divisor n − 1); `None` for fewer than two values.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

//! How often the interval of a metric covers what the metric is over all images and seeds, and how often an equal-sided one passes
//! beyond what is possible. Prints the table of `docs/statistics.md`.
//!
//!     cargo run --release -p bakeoff-stats --example metric_intervals

// It prints what it made itself.
#![allow(clippy::disallowed_methods)]

use bakeoff_random::Stream;
use bakeoff_stats::interval::Range;
use bakeoff_stats::metric::{Judgement, Metric, estimate};
use std::io::Write;

const STUDIES: u64 = 2_000;

/// Networks of one recipe on one sample of images.
#[derive(Clone, Copy)]
struct Study {
    seeds: usize,
    images: usize,
    /// Logit of the true class on an image of middling difficulty.
    level: f64,
    /// Standard deviation of it over images.
    difficulty: f64,
    /// Standard deviation of it over seeds.
    seed: f64,
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Study {
    /// What every network says of every image: two classes, and a network that is a little too sure of itself.
    fn judgements(&self, number: u64) -> Vec<Vec<Judgement>> {
        let mut stream = Stream::new(0, "simulated-metric", 0, number);
        let easy: Vec<f64> =
            (0..self.images).map(|_| self.level + self.difficulty * stream.normal()).collect();
        let mut network = |_| {
            let luck = self.seed * stream.normal();
            easy.iter().map(|easy| judged(easy + luck + 0.5 * stream.normal(), &mut stream)).collect()
        };
        (0..self.seeds).map(&mut network).collect()
    }
}

fn judged(logit: f64, stream: &mut Stream) -> Judgement {
    let label = u32::from(stream.uniform() < 0.5);
    let (right, confidence) = (stream.uniform() < logistic(logit), logistic(1.3 * logit.abs()));
    let predicted = if right { label } else { 1 - label };
    let probability = if right { confidence } else { 1.0 - confidence };
    let sum_of_squares = Some(confidence * confidence + (1.0 - confidence) * (1.0 - confidence));
    let rank = if right { 1 } else { 6 };
    Judgement { label, predicted, rank, probability, confidence: Some(confidence), sum_of_squares }
}

/// Mean of the metric over studies; then, of equal-sided intervals and of the metric's own: the share that covers it, and the share
/// that passes beyond what is possible.
fn coverage(study: Study, metric: Metric) -> Option<(f64, [[f64; 2]; 2])> {
    let tables: Option<Vec<Vec<Vec<f64>>>> = (0..STUDIES)
        .map(|number| study.judgements(number).iter().map(|j| metric.pseudo_values(j)).collect())
        .collect();
    let tables = tables?;
    let means: Option<Vec<f64>> =
        tables.iter().map(|table| Some(estimate(table, 0.95, Range::Any)?.mean)).collect();
    let truth = bakeoff_stats::mean(&means?)?;
    let most = if let Range::UpTo(most) = metric.range() { most } else { f64::INFINITY };
    let mut shares = [[0.0; 2]; 2];
    for table in &tables {
        for (shares, range) in shares.iter_mut().zip([Range::Any, metric.range()]) {
            let interval = estimate(table, 0.95, range)?.interval?;
            let covers = interval.low <= truth && truth <= interval.high;
            let beyond = interval.low < 0.0 || interval.high > most;
            shares[0] += f64::from(u8::from(covers)) / STUDIES as f64;
            shares[1] += f64::from(u8::from(beyond)) / STUDIES as f64;
        }
    }
    Some((truth, shares))
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| metric | over all images | images | seeds | equal sides: cover | beyond the possible | these: cover | beyond |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    let worlds = [
        (Metric::Top5, 8.5, 2.5),
        (Metric::Top5, 7.0, 2.5),
        (Metric::Top1, 5.0, 2.5),
        (Metric::Top1, 0.5, 2.5),
        (Metric::BalancedAccuracy, 7.0, 2.5),
        (Metric::MacroF1, 7.0, 2.5),
        (Metric::Nll, 4.5, 1.5),
        (Metric::Brier, 4.5, 1.5),
        (Metric::Ece, 4.5, 1.5),
        (Metric::Nll, 1.0, 2.0),
        (Metric::Ece, 1.0, 2.0),
    ];
    for (metric, level, difficulty) in worlds {
        for (images, seeds) in [(300, 3), (300, 8), (1000, 8)] {
            let study = Study { seeds, images, level, difficulty, seed: 0.3 };
            let Some((truth, [equal, own])) = coverage(study, metric) else { continue };
            let percent =
                |[covers, beyond]: [f64; 2]| format!("{:.1} % | {:.1} %", covers * 100.0, beyond * 100.0);
            let truth = match metric {
                Metric::Nll | Metric::Brier => format!("{truth:.3}"),
                _ => format!("{:.2} %", truth * 100.0),
            };
            writeln!(
                out,
                "| {} | {truth} | {images} | {seeds} | {} | {} |",
                metric.title(),
                percent(equal),
                percent(own)
            )?;
        }
    }
    Ok(())
}

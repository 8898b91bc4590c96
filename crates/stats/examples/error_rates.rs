//! How often each rule says "better" or "worse" where nothing is, and finds what is there; how often each interval covers.
//! Prints the tables of `docs/decisions/0002-verdict-rule.md`.
//!
//!     cargo run --release -p bakeoff-stats --example error_rates

// It prints what it made itself.
#![allow(clippy::disallowed_methods)]

#[allow(dead_code, reason = "shared with other examples")]
mod simulation;

use bakeoff_stats::{Options, Verdict, bootstrap, compare, interval::Variance, multiplicity::holm};
use simulation::{Accuracies, Images, Noise};
use std::io::Write;

const STUDIES: u64 = 4_000;

/// Share of studies with a false claim, and share of true differences found: ours, Holm on t, Holm on sign-flips.
fn rates(studies: &Accuracies) -> ([f64; 3], [f64; 3]) {
    let options = Options { margin: 0.0, replicates: 0, ..Options::default() };
    let real = studies.effects.iter().filter(|e| **e != 0.0).count().max(1) as f64;
    let (mut wrong, mut found) = ([0.0; 3], [0.0; 3]);
    for number in 0..STUDIES {
        let (baseline, others) = studies.study(number);
        let Ok(comparisons) = compare(&baseline, &others, &options) else { continue };
        let t = holm(&comparisons.iter().map(|c| c.p_paired_t).collect::<Vec<_>>());
        let mut claims = [vec![], vec![], vec![]];
        for (c, t) in comparisons.iter().zip(t) {
            claims[0].push(matches!(c.verdict, Verdict::Better | Verdict::Worse));
            claims[1].push(t.is_some_and(|p| p <= 0.05));
            claims[2].push(c.p_holm.is_some_and(|p| p <= 0.05));
        }
        for (rule, claims) in claims.iter().enumerate() {
            let hits = |real: bool| {
                claims.iter().zip(&studies.effects).filter(|(c, e)| **c && (**e != 0.0) == real).count()
            };
            wrong[rule] += f64::from(u8::from(hits(false) > 0)) / STUDIES as f64;
            found[rule] += hits(true) as f64 / real / STUDIES as f64;
        }
    }
    (wrong, found)
}

/// Coverage of zero by the crossed t interval, the paired t interval and the crossed percentile bootstrap.
fn coverage(studies: &Images, number_of_studies: u64) -> [f64; 3] {
    let mut covered = [0.0; 3];
    for number in 0..number_of_studies {
        let (baseline, others) = studies.study(number);
        let rows: Vec<Vec<i8>> = baseline
            .runs
            .iter()
            .zip(&others[0].runs)
            .filter_map(|(a, b)| Some((a.correct()?, b.correct()?)))
            .map(|(a, b)| a.iter().zip(b).map(|(&a, &b)| i8::from(b) - i8::from(a)).collect())
            .collect();
        let differences: Vec<f64> =
            baseline.runs.iter().zip(&others[0].runs).map(|(a, b)| b.accuracy() - a.accuracy()).collect();
        let of = |v: Option<Variance>| v.map(|v| v.interval(0.95)).map(|i| [i.low, i.high]);
        let limits = [
            of(Variance::crossed(&rows)),
            of(Variance::of_seeds(&differences)),
            bootstrap::crossed(&[Some(&rows)], 0.95, 400, number)[0],
        ];
        for (covered, limits) in covered.iter_mut().zip(limits) {
            let inside = limits.is_some_and(|[low, high]| low <= 0.0 && high >= 0.0);
            *covered += f64::from(u8::from(inside)) / number_of_studies as f64;
        }
    }
    covered
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| seeds | study | claims where nothing is: ours | Holm, t | Holm, sign-flip | found: ours | Holm, t | Holm, sign-flip |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for seeds in [5, 6, 8, 10] {
        let plain = |effects: &[f64], noise, scales: &[f64]| Accuracies {
            seeds,
            effects: effects.to_vec(),
            noise,
            scales: scales.to_vec(),
        };
        let none = [0.0; 4];
        for (name, studies) in [
            ("4 recipes, none differs", plain(&none, Noise::Normal, &[])),
            ("9 recipes, none differs", plain(&[0.0; 9], Noise::Normal, &[])),
            ("skewed", plain(&none, Noise::Skewed, &[])),
            ("heavy tails", plain(&none, Noise::HeavyTails, &[])),
            ("one recipe scatters 4×", plain(&none, Noise::Normal, &[1.0, 1.0, 1.0, 1.0, 4.0])),
            ("only the baseline scatters, skewed", plain(&none, Noise::Skewed, &[2.0, 0.2, 0.2, 0.2, 0.2])),
            ("one of 4 by 1.5 sd", plain(&[1.5, 0.0, 0.0, 0.0], Noise::Normal, &[])),
            ("one of 4 by 3 sd", plain(&[3.0, 0.0, 0.0, 0.0], Noise::Normal, &[])),
            ("two of 4 by 2 and 6 sd", plain(&[2.0, 6.0, 0.0, 0.0], Noise::Normal, &[])),
            ("three of 8 by ±4 sd", plain(&[4.0, -4.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0], Noise::Normal, &[])),
        ] {
            let (wrong, found) = rates(&studies);
            let percent = |v: f64| format!("{:.1} %", v * 100.0);
            let wrong = wrong.map(percent).join(" | ");
            let found = if studies.effects.iter().any(|e| *e != 0.0) {
                found.map(percent).join(" | ")
            } else {
                "– | – | –".into()
            };
            writeln!(out, "| {seeds} | {name} | {wrong} | {found} |")?;
        }
    }
    writeln!(
        out,
        "\n| images | recipe × image | seed | seeds | crossed t | paired t | percentile bootstrap |\n|---|---|---|---|---|---|---|"
    )?;
    for (images, interaction, seed) in
        [(400, 0.0, 0.1), (400, 0.7, 0.1), (400, 0.0, 0.4), (2000, 0.7, 0.1), (2000, 0.7, 0.4)]
    {
        for seeds in [3, 6, 10] {
            let studies = Images { seeds, images, recipes: 1, interaction, seed };
            let covered = coverage(&studies, 1_000).map(|v| format!("{:.1} %", v * 100.0)).join(" | ");
            writeln!(out, "| {images} | {interaction} | {seed} | {seeds} | {covered} |")?;
        }
    }
    Ok(())
}

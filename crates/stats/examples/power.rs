//! How often verdicts are wrong, and how often differences are found, with the spread seen on photographs of dogs: at a fixed
//! number of seeds and with `--until-decided`. Prints the tables of `docs/statistics.md` and draws its figure.
//!
//!     cargo run --release -p bakeoff-stats --example power -- docs/power.svg

// It prints what it made itself.
#![allow(clippy::disallowed_methods)]

#[allow(dead_code, reason = "shared with other examples")]
mod simulation;

use bakeoff_stats::sequential::{Design, Standing, compare_sequentially};
use bakeoff_stats::{Arm, Options, Verdict, compare};
use simulation::{Dogs, Wild};
use std::fmt::Write as _;
use std::io::Write as _;

const IMAGES: usize = 500;
const NULL_STUDIES: u64 = 2_000;
const STUDIES: u64 = 300;
const WILD_STUDIES: u64 = 1_000;

/// How a study is run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plan {
    Fixed(usize),
    Until(Design),
}

impl Plan {
    fn name(self) -> String {
        match self {
            Self::Fixed(seeds) => format!("{seeds} seeds"),
            Self::Until(design) => format!("until decided, {} to {} seeds", design.first, design.most),
        }
    }
}

/// Shares over studies.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// Studies in which a recipe without effect is called better or worse.
    wrong: f64,
    /// Recipes called better or worse.
    found: f64,
    /// Studies in which the first recipe is called better or worse.
    first: f64,
    /// Recipes called equivalent.
    equivalent: f64,
    /// Studies in which any recipe is called equivalent.
    any_equivalent: f64,
    /// Seeds of a recipe.
    seeds: f64,
}

/// Where studies come from: seeds and number of the study in, arms and margin out.
type Source<'a> = &'a dyn Fn(usize, u64) -> (Arm, Vec<Arm>);

fn outcome(plan: Plan, effects: &[f64], margin: f64, studies: u64) -> Outcome {
    let dogs = |seeds| Dogs { seeds, images: IMAGES, effects: effects.to_vec() };
    let margin = dogs(0).scaled(margin);
    outcome_of(&|seeds, number| dogs(seeds).study(number), plan, effects, margin, studies)
}

fn outcome_of(source: Source<'_>, plan: Plan, effects: &[f64], margin: f64, studies: u64) -> Outcome {
    let mut total = Outcome::default();
    let recipes = effects.len() as f64;
    for number in 0..studies {
        let most = match plan {
            Plan::Fixed(seeds) => seeds,
            Plan::Until(design) => design.most,
        };
        let (baseline, others) = source(most, number);
        let options = Options { margin, replicates: 0, ..Options::default() };
        let (verdicts, seeds): (Vec<Verdict>, usize) = match plan {
            Plan::Fixed(seeds) => {
                let Ok(comparisons) = compare(&baseline, &others, &options) else { continue };
                (comparisons.iter().map(|c| c.verdict).collect(), seeds * others.len())
            }
            Plan::Until(design) => {
                let order: Vec<u64> = (0..most as u64).collect();
                let result = compare_sequentially(&baseline, &others, &options, design, &order, &|_, _| true);
                let Ok(result) = result else { continue };
                let seeds = result.standings.iter().map(|standing| match standing {
                    Standing::Open => design.most,
                    Standing::Decided(seeds) | Standing::Hopeless(seeds) => *seeds,
                });
                (result.comparisons.iter().map(|c| c.verdict).collect(), seeds.sum())
            }
        };
        let claims = |v: Verdict| matches!(v, Verdict::Better | Verdict::Worse);
        let share = 1.0 / studies as f64;
        let wrong = verdicts.iter().zip(effects).any(|(v, e)| claims(*v) && *e == 0.0);
        let equivalent = verdicts.iter().filter(|v| **v == Verdict::Equivalent).count();
        total.wrong += f64::from(u8::from(wrong)) * share;
        total.first += f64::from(u8::from(verdicts.first().is_some_and(|v| claims(*v)))) * share;
        total.found += verdicts.iter().filter(|v| claims(**v)).count() as f64 / recipes * share;
        total.equivalent += equivalent as f64 / recipes * share;
        total.any_equivalent += f64::from(u8::from(equivalent > 0)) * share;
        total.seeds += seeds as f64 / recipes * share;
    }
    total
}

const UNTIL_12: Plan = Plan::Until(Design { first: 6, most: 12 });
const EFFECTS: [f64; 9] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0];

fn main() -> std::io::Result<()> {
    let figure = std::env::args().nth(1);
    let mut out = std::io::stdout().lock();
    let percent = |v: f64| format!("{:.1} %", v * 100.0);
    let plans = [
        Plan::Fixed(6),
        Plan::Fixed(8),
        Plan::Fixed(12),
        UNTIL_12,
        Plan::Until(Design { first: 3, most: 12 }),
    ];
    writeln!(
        out,
        "| 4 recipes, none differs | called better or worse | any found equivalent (margin 1 point) | seeds of a recipe |\n|---|---|---|---|"
    )?;
    for plan in plans {
        let alone = outcome(plan, &[0.0; 4], 0.0, NULL_STUDIES);
        let null = outcome(plan, &[0.0; 4], 1.0, NULL_STUDIES);
        writeln!(
            out,
            "| {} | {} (without a margin {}) | {} | {:.1} |",
            plan.name(),
            percent(null.wrong),
            percent(alone.wrong),
            percent(null.equivalent),
            null.seeds
        )?;
    }
    writeln!(
        out,
        "\n| 4 recipes, all as far from the baseline as the margin (1 point) | any called equivalent |\n|---|---|"
    )?;
    for plan in [Plan::Fixed(6), Plan::Fixed(12), UNTIL_12, Plan::Until(Design { first: 3, most: 12 })] {
        let at = outcome(plan, &[1.0; 4], 1.0, NULL_STUDIES / 2);
        writeln!(out, "| {} | {} |", plan.name(), percent(at.any_equivalent))?;
    }
    let plans = [Plan::Fixed(6), Plan::Fixed(8), Plan::Fixed(12), UNTIL_12];
    let mut curves: Vec<(String, Vec<Outcome>)> = Vec::new();
    for plan in plans {
        let points =
            EFFECTS.iter().map(|&effect| outcome(plan, &[effect, 0.0, 0.0, 0.0], 0.0, STUDIES)).collect();
        curves.push((plan.name(), points));
    }
    // Of four recipes only the first differs; its share of `found`.
    let power = |o: &Outcome, effect: f64| if effect == 0.0 { o.found } else { (o.found * 4.0).min(1.0) };
    writeln!(
        out,
        "\n| true difference, points | {} | seeds of a recipe, until decided |",
        plans.map(Plan::name).join(" | ")
    )?;
    writeln!(out, "|---|{}", "---|".repeat(plans.len() + 1))?;
    for (k, effect) in EFFECTS.into_iter().enumerate() {
        let row = curves.iter().map(|(_, points)| percent(power(&points[k], effect)));
        let row: Vec<String> = row.collect();
        writeln!(out, "| {effect} | {} | {:.1} |", row.join(" | "), curves[3].1[k].seeds)?;
    }
    wild(&mut out, &plans)?;
    limit(&mut out)?;
    if let Some(path) = figure {
        let lines: Vec<(String, Vec<f64>)> = curves
            .iter()
            .map(|(name, points)| {
                (name.clone(), points.iter().zip(EFFECTS).map(|(o, e)| power(o, e)).collect())
            })
            .collect();
        std::fs::write(path, draw(&lines))?;
    }
    Ok(())
}

/// One of four recipes scatters more than the others.
fn wild(out: &mut impl std::io::Write, plans: &[Plan]) -> std::io::Result<()> {
    let names: Vec<String> = plans.iter().map(|plan| plan.name()).collect();
    let percent = |v: f64| format!("{:.1} %", v * 100.0);
    let outcomes = |effect: f64, times: f64| -> Vec<Outcome> {
        let effects = [effect, 0.0, 0.0, 0.0];
        let source = |seeds, number| Wild { seeds, effects: effects.to_vec(), times }.study(number);
        plans.iter().map(|&plan| outcome_of(&source, plan, &effects, 0.0, WILD_STUDIES)).collect()
    };
    writeln!(out, "\n| true difference, points | the last recipe scatters | {} |", names.join(" | "))?;
    writeln!(out, "|---|---|{}", "---|".repeat(plans.len()))?;
    for effect in [2.5, 3.5, 4.5] {
        for times in [1.0, 2.0, 4.0, 8.0] {
            let found = outcomes(effect, times).iter().map(|o| percent(o.first)).collect::<Vec<_>>();
            writeln!(out, "| {effect} | {times}× | {} |", found.join(" | "))?;
        }
    }
    writeln!(out, "\n| none differs; the last recipe scatters | {} |", names.join(" | "))?;
    writeln!(out, "|---|{}", "---|".repeat(plans.len()))?;
    for times in [1.0, 4.0, 8.0] {
        let wrong = outcomes(0.0, times).iter().map(|o| percent(o.wrong)).collect::<Vec<_>>();
        writeln!(out, "| {times}× | {} |", wrong.join(" | "))?;
    }
    Ok(())
}

/// What no test can do with six seeds: of 32 swappings one alone may reach what was observed, so that a recipe without any difference
/// must not seem to have a larger one where all of its differences are turned to one side. Six differences that scatter alike have a
/// variance below `most` in 99 % of studies; a test that is to find them, however large their mean, takes what lies below it for such.
fn limit(out: &mut impl std::io::Write) -> std::io::Result<()> {
    const SEEDS: usize = 6;
    const DRAWS: usize = 100_000;
    // A difference of 3.5 points, where one of two points is a standard deviation.
    const EFFECT: f64 = 3.5 / 2.0;
    let mut stream = bakeoff_random::Stream::new(1, "limit", 0, 0);
    let mut six = |times: f64| -> [f64; SEEDS] { std::array::from_fn(|_| times * stream.normal()) };
    let variance = |six: &[f64; SEEDS]| bakeoff_stats::standard_deviation(six).unwrap_or_default().powi(2);
    let mut alike: Vec<f64> = (0..DRAWS).map(|_| variance(&six(1.0))).collect();
    alike.sort_by(f64::total_cmp);
    let most = alike[DRAWS * 99 / 100];
    writeln!(
        out,
        "\n| a recipe that scatters, six seeds | seems to have a difference | a larger one than what was observed |\n|---|---|---|"
    )?;
    for times in [2.0, 4.0, 8.0] {
        let (mut seems, mut hides) = (0, 0);
        for _ in 0..DRAWS {
            let turned = six(times).map(f64::abs);
            let observed: f64 = six(1.0).iter().map(|d| d + EFFECT).sum();
            let like_one = variance(&turned) <= most;
            seems += usize::from(like_one);
            hides += usize::from(like_one && turned.iter().sum::<f64>() >= observed);
        }
        let share = |n: usize| format!("{:.1} %", 100.0 * n as f64 / DRAWS as f64);
        writeln!(out, "| {times}× | {} | {} |", share(seems), share(hides))?;
    }
    Ok(())
}

/// Power against the true difference.
fn draw(lines: &[(String, Vec<f64>)]) -> String {
    let (left, right, top, bottom) = (56.0, 560.0, 16.0, 316.0);
    let x = |effect: f64| left + effect / 3.0 * (right - left);
    let y = |power: f64| bottom - power * (bottom - top);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 372\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>Share of true differences found, against their size</title>\n<rect width=\"760\" height=\"372\" fill=\"#fff\"/>\n",
    );
    // Writing to a String cannot fail.
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = y(tick);
        let _ = writeln!(svg, "<path d=\"M{left} {at}H{right}\" stroke=\"#ddd\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} %</text>",
            left - 8.0,
            at + 4.0,
            tick * 100.0
        );
    }
    for tick in [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0] {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>",
            x(tick),
            bottom + 20.0
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">true difference from the baseline, points</text>",
        (left + right) / 2.0,
        bottom + 44.0
    );
    let styles = [("#b0b0b0", ""), ("#808080", "6 3"), ("#303030", "2 3"), ("#c2410c", "")];
    for (k, ((name, points), (colour, dash))) in lines.iter().zip(styles).enumerate() {
        let path: Vec<String> =
            points.iter().zip(EFFECTS).map(|(p, e)| format!("{:.1},{:.1}", x(e), y(*p))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.2\" stroke-dasharray=\"{dash}\"/>",
            path.join(" ")
        );
        let at = 150.0 + 24.0 * k as f64;
        let _ = writeln!(
            svg,
            "<path d=\"M572 {at}h26\" stroke=\"{colour}\" stroke-width=\"2.2\" stroke-dasharray=\"{dash}\"/><text x=\"604\" y=\"{}\">{}</text>",
            at + 4.0,
            name.replace("until decided, 6 to 12 seeds", "until decided (≤ 12)")
        );
    }
    svg.push_str("</svg>\n");
    svg
}

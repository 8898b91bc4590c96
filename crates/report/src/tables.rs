//! The tables of a report: what each holds. The page shows them, and all are written to files.

pub(crate) mod insight;
pub(crate) mod robustness;

use crate::chart::{Strip, range};
use crate::language::{Words, fill};
use crate::metric::{metric, metric_and_way};
use crate::table::{Cell, Column, ShownIn, Table};
use crate::text::{ClassNames, bdi, escape};
use crate::theme;
use bakeoff_evidence::{Evidence, Origin, State, Trial};
use bakeoff_findings::Assessment;
use bakeoff_findings::Confusion;
use bakeoff_findings::summary::Spread;
use bakeoff_stats::wording::{p_value, points, signed_points};
use bakeoff_stats::{Unit, Verdict};

/// Pairs of classes listed.
const PAIRS: usize = 20;

/// A recipe's name with its colour.
pub(crate) fn recipe_name(evidence: &Evidence, recipe: &str) -> String {
    coloured(evidence.colour(recipe), recipe)
}

/// A name with a colour; `None` is the baseline's.
pub(crate) fn coloured(colour: Option<usize>, name: &str) -> String {
    let class = theme::series_class(colour);
    format!("<span class=\"dot\" style=\"--k:var(--{class})\"></span>{}", bdi(name))
}

pub(crate) fn recipe(evidence: &Evidence, name: &str) -> Cell {
    Cell::text(name).html(recipe_name(evidence, name))
}

/// A verdict with its mark.
pub(crate) fn verdict(words: &Words, verdict: Option<Verdict>) -> String {
    verdict.map_or_else(
        || "<span class=\"verdict v-none\">–</span>".into(),
        |v| {
            format!(
                "<span class=\"verdict v-{}\"><span aria-hidden=\"true\">{}</span> {}</span>",
                v.word(),
                crate::chart::mark(v),
                words.verdict(v)
            )
        },
    )
}

/// A recipe in a table of the class `results`, whose last column is its verdict: on a telephone that column is out of sight, and the verdict
/// stands below the name instead.
pub(crate) fn over_verdict(name: &str, verdict: &Cell) -> String {
    format!("{name}<span class=\"under\">{}</span>", verdict.shown())
}

fn mean_and_sd(spread: &Spread, unit: Unit) -> Cell {
    let places = unit.places(spread.mean.unwrap_or_default());
    let points = |value: f64, _: usize| unit.number(value, places);
    let text = match (spread.mean, spread.sd) {
        (Some(mean), Some(sd)) => format!("{} ± {}", points(mean, 2), points(sd, 2)),
        (Some(mean), None) => points(mean, 2),
        _ => "–".into(),
    };
    let html = match text.split_once(" ± ") {
        Some((mean, sd)) => format!("{mean} <small>± {sd}</small>"),
        None => text.clone(),
    };
    let value = spread.mean.map_or_else(String::new, |mean| mean.to_string());
    Cell::text(text).value(value).html(html)
}

/// A p-value without its `p =`.
fn bare_p(p: f64) -> String {
    p_value(p).trim_start_matches("p\u{a0}").trim_start_matches("=\u{a0}").to_owned()
}

/// Accuracy, difference and verdict of every recipe.
pub(crate) fn results(evidence: &Evidence, assessment: &Assessment, words: &Words) -> Table {
    let summary = &assessment.summary;
    let unit = summary.measure.unit;
    let top5 = evidence.shows_top5();
    let shared = range(summary.recipes.iter().flat_map(|r| r.top1.per_seed.iter().copied()), unit)
        .unwrap_or([0.0, 1.0]);
    let compared = match &evidence.origin {
        Origin::Run if evidence.is_top1() => words.h_top1.to_owned(),
        Origin::Run => words.h_balanced.to_owned(),
        Origin::Elsewhere { .. } if unit == Unit::Percent => {
            format!("{}, %", metric_and_way(evidence, words))
        }
        Origin::Elsewhere { .. } => metric_and_way(evidence, words),
    };
    let key = evidence.key();
    let metric = metric(evidence, words);
    let mut columns = vec![
        Column::words("recipe", words.h_recipe),
        Column::number("seeds", words.h_seeds),
        Column::number(&format!("{key}_mean"), compared),
        Column::number(&format!("{key}_sd"), "").only(ShownIn::InData),
        Column::words(&format!("{key}_per_seed"), words.h_each).only(ShownIn::OnPage),
    ];
    if top5 {
        columns.push(Column::number("top5_mean", words.h_top5));
    }
    columns.extend([
        Column::number("difference", words.h_difference),
        Column::number("low", "").only(ShownIn::InData),
        Column::number("high", "").only(ShownIn::InData),
        Column::number("p", "").only(ShownIn::InData),
        Column::number("p_adjusted", words.h_corrected),
        Column::number("p_images", words.h_images_p),
        Column::number("probability_better", words.h_better),
        Column::number("seconds_per_trial", words.h_time).only(ShownIn::InData),
        Column::words("verdict", words.h_verdict),
    ]);
    let rows = summary.recipes.iter().map(|r| {
        let strip = Strip {
            name: &r.name,
            metric: &metric,
            values: &r.top1.per_seed,
            mean: r.top1.mean,
            range: shared,
            colour: evidence.colour(&r.name),
            unit,
        };
        let per_seed = r.top1.per_seed.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
        let each = r
            .top1
            .per_seed
            .iter()
            .map(|v| unit.number(*v, unit.places(*v).min(3) - usize::from(unit == Unit::Percent)))
            .collect::<Vec<_>>()
            .join(", ");
        let d = r.difference.as_ref();
        let number = |value: Option<f64>, show: &dyn Fn(f64) -> String| Cell::number(value, show);
        let word = match r.verdict {
            Some(v) => Cell::text(words.verdict(v)).value(v.word()).html(verdict(words, Some(v))),
            None if r.name == summary.baseline => Cell::text(words.baseline)
                .value("baseline")
                .html(format!("<span class=\"verdict v-none\">{}</span>", words.baseline)),
            None => Cell::number(None, |_| String::new()),
        };
        let mut row = vec![
            Cell::text(&r.name).html(over_verdict(&recipe_name(evidence, &r.name), &word)),
            Cell::text(r.seeds.len().to_string()),
            mean_and_sd(&r.top1, unit),
            number(r.top1.sd, &|_| String::new()),
            Cell::text(each).value(per_seed).html(strip.draw(words).inline("")),
        ];
        if top5 {
            row.push(mean_and_sd(&r.top5, Unit::Percent));
        }
        let digits = d.map_or(1, |d| unit.decimals((d.high - d.low) / 2.0));
        let difference = Cell::number(d.map(|d| d.mean), |mean| unit.signed(mean, digits));
        let difference = match d {
            Some(d) => {
                let mean = unit.signed(d.mean, digits);
                // Without spread there is no interval to tell, and [2.0, 2.0] would look like a precise one.
                let limits = if d.low == d.high {
                    words.same_in_every_seed.to_owned()
                } else {
                    format!("[{}, {}]", unit.signed(d.low, digits), unit.signed(d.high, digits))
                };
                Cell::text(format!("{mean} {limits}"))
                    .value(d.mean.to_string())
                    .html(format!("{mean} <small>{limits}</small>"))
            }
            None => difference,
        };
        row.extend([
            difference,
            number(d.map(|d| d.low), &|_| String::new()),
            number(d.map(|d| d.high), &|_| String::new()),
            number(d.map(|d| d.p), &|_| String::new()),
            number(d.map(|d| d.p_adjusted), &bare_p),
            number(d.and_then(|d| d.p_images), &bare_p),
            number(d.and_then(|d| d.probability_better).map(|[p, ..]| p), &|p| format!("{p:.2}")),
            number(r.seconds_per_trial, &|s| words.duration(s)),
            word,
        ]);
        row
    });
    Table { name: "results", rows: rows.collect(), columns }
}

/// How far every trial got.
pub(crate) fn trials(evidence: &Evidence, words: &Words) -> Table {
    let unit = evidence.measure().unit;
    let plan = &evidence.plan;
    let mut columns = vec![Column::words("recipe", words.h_recipe)];
    columns.extend(
        plan.seeds.iter().map(|s| Column::number(&format!("seed_{s}"), format!("{} {s}", words.seed))),
    );
    let rows = plan.recipes.iter().map(|r| {
        let mut row = vec![recipe(evidence, &r.name)];
        row.extend(plan.seeds.iter().map(|&seed| {
            let trial = evidence.trials.iter().find(|t| t.recipe == r.name && t.seed == seed);
            match trial.map(|t| (&t.state, t.epochs.len())) {
                Some((State::Finished { test, .. }, _)) => {
                    Cell::number(Some(test.compared), |v| unit.number(v, unit.places(v)))
                }
                Some((State::Failed { .. }, _)) => Cell::text(words.failed)
                    .value("failed")
                    .html(format!("<span class=\"st-failed\">{}</span>", words.failed)),
                Some((State::Running, done)) => {
                    let text = format!("{done}/{}", plan.epochs);
                    Cell::text(&text).html(format!("<span class=\"st-open\">{text}</span>"))
                }
                Some((State::Planned, _)) | None => Cell::text("–").value("").html(format!(
                    "<span class=\"st-open\" title=\"{0}\" aria-label=\"{0}\">–</span>",
                    escape(words.not_begun)
                )),
            }
        }));
        row
    });
    Table { name: "trials", rows: rows.collect(), columns }
}

/// The classes most often taken for one another, under every recipe.
pub(crate) fn confused_pairs(evidence: &Evidence, confusion: &Confusion, words: &Words) -> Table {
    let classes = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    let mut columns =
        vec![Column::words("true_class", words.h_true), Column::words("predicted_class", words.h_predicted)];
    columns.extend(confusion.recipes.iter().map(|r| Column::number(&r.recipe, r.recipe.as_str())));
    let names = ClassNames::of(evidence);
    let class = |index: u32| {
        let name = classes.get(index as usize).map_or("", String::as_str);
        Cell::text(names.shown(name)).value(name).html(names.html(name))
    };
    let rows = confusion.pairs(PAIRS).into_iter().map(|pair| {
        let mut row = vec![class(pair.truth), class(pair.predicted)];
        let shares: Vec<_> = confusion.recipes.iter().map(|r| r.share(pair.truth, pair.predicted)).collect();
        let most = shares.iter().flatten().copied().fold(0.0, f64::max);
        row.extend(shares.into_iter().map(|share| {
            let cell = Cell::number(share, |v| points(v, 1));
            match share {
                // A bar behind the number: shares are compared at a glance.
                Some(v) if most > 0.0 => cell.html(format!(
                    "<span class=\"bar\" style=\"--w:{:.0}%\">{}</span>",
                    v / most * 100.0,
                    points(v, 1)
                )),
                _ => cell,
            }
        }));
        row
    });
    Table { name: "confused-classes", rows: rows.collect(), columns }
}

/// A difference on a ground as strong as it is large, marked where it is certain (1: it gains, −1: it loses).
fn heat(mean: f64, largest: f64, certain: i32) -> String {
    let side = if mean < 0.0 { "loses" } else { "gains" };
    let strength = mean.abs() / largest * 100.0;
    let number = signed_points(mean, 1);
    let text = match certain {
        1 => format!("<b>▲ {number}</b>"),
        -1 => format!("<b>▼ {number}</b>"),
        _ => number,
    };
    format!("<span class=\"heat {side}\" style=\"--d:{strength:.0}%\">{text}</span>")
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|v| v.is_finite());
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Time of every recipe's finished trials.
pub(crate) fn cost(evidence: &Evidence, words: &Words) -> Table {
    let baseline = &evidence.plan.baseline;
    let columns = vec![
        Column::words("recipe", words.h_recipe),
        Column::number("trials", words.h_trials),
        Column::number("seconds_per_trial", words.h_per_trial),
        Column::number("ratio_to_baseline", fill(words.h_ratio, &[("baseline", baseline)])),
        Column::number("images_per_second", words.h_speed),
        Column::number("seconds", words.h_total),
    ];
    let seconds = |name: &str| {
        evidence
            .trials_of(name)
            .filter_map(|t| match t.state {
                State::Finished { seconds, .. } => seconds,
                _ => None,
            })
            .collect::<Vec<f64>>()
    };
    let of_baseline = bakeoff_stats::mean(&seconds(baseline)).filter(|s| *s > 0.0);
    let rows = evidence.plan.recipes.iter().map(|r| {
        let all = seconds(&r.name);
        let mean = bakeoff_stats::mean(&all);
        let finished = |t: &&Trial| matches!(t.state, State::Finished { .. });
        let speeds = evidence
            .trials_of(&r.name)
            .filter(finished)
            .flat_map(|t| t.epochs.iter().map(|e| e.images_per_second));
        vec![
            recipe(evidence, &r.name),
            Cell::text(all.len().to_string()),
            Cell::number(mean, |s| words.duration(s)),
            Cell::number(mean.zip(of_baseline).map(|(s, b)| s / b), |ratio| format!("× {ratio:.2}")),
            Cell::number(median(speeds.collect()), |v| format!("{v:.0}")),
            Cell::number((!all.is_empty()).then(|| all.iter().sum()), |s| words.duration(s)),
        ]
    });
    Table { name: "cost", rows: rows.collect(), columns }
}

/// Every table that is written to files.
pub(crate) fn all(
    evidence: &Evidence,
    assessment: &Assessment,
    confusion: Option<&Confusion>,
    words: &Words,
) -> Vec<Table> {
    let mut tables =
        vec![results(evidence, assessment, words), trials(evidence, words), cost(evidence, words)];
    tables.extend(confusion.map(|confusion| confused_pairs(evidence, confusion, words)));
    tables.extend(insight::all(evidence, &assessment.summary, words));
    tables.extend(crate::maps::table(evidence, words));
    tables.extend(robustness::all(evidence, assessment.summary.insight.robustness.as_ref(), words));
    tables
}

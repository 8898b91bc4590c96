//! The page of several data sets: the answer, one picture, two tables, and how it was done.

use super::{Aggregate, Estimate, NARROW, WIDE, data_set_table, table as aggregate_table};
use crate::chart::{Block, Intervals, Mark, Row};
use crate::korean;
use crate::language::{Language, Words, fill};
use crate::page::{SCRIPT, json, style};
use crate::table::Table;
use crate::text::{bdi, escape};
use crate::theme;
use bakeoff_stats::{Direction, Unit, Verdict};
use std::borrow::Cow;
use std::fmt::Write;

/// Differences on every data set, and of all together, a block per recipe.
pub(super) fn chart(aggregate: &Aggregate, words: &Words) -> Intervals {
    let mark = |e: Estimate, filled: bool| Mark { mean: e.value, limits: Some([e.low, e.high]), filled };
    let blocks = aggregate.compared().into_iter().map(|(recipe, _)| {
        let colour = aggregate.colour(&recipe.name);
        let row = |name: &str, mark: Mark| Row { name: name.into(), colour, marks: vec![mark] };
        let claimed = |v: Option<Verdict>| matches!(v, Some(Verdict::Better | Verdict::Worse));
        let alone = recipe.data_sets.iter();
        let alone = alone.filter_map(|on| Some(row(&on.data_set, mark(on.difference?, claimed(on.verdict)))));
        // Over data sets nothing is claimed.
        let all = recipe.difference.map(|e| row(words.aggregate_all, mark(e, false)));
        Block { heading: recipe.name.clone(), rows: alone.chain(all).collect() }
    });
    Intervals {
        title: fill(words.aggregate_title, &[("baseline", &aggregate.baseline)]),
        axis: match (aggregate.measure.unit, aggregate.measure.direction) {
            (Unit::Percent, Direction::HigherIsBetter) => words.aggregate_axis.into(),
            (Unit::Percent, Direction::LowerIsBetter) => {
                format!("{} ({})", words.aggregate_axis, words.lower_is_better)
            }
            (Unit::Plain, Direction::HigherIsBetter) => words.aggregate_axis_plain.into(),
            (Unit::Plain, Direction::LowerIsBetter) => {
                format!("{} ({})", words.aggregate_axis_plain, words.lower_is_better)
            }
        },
        unit: aggregate.measure.unit,
        key: [words.aggregate_claimed.into(), words.aggregate_unclaimed.into()],
        blocks: blocks.collect(),
    }
}

fn answer(aggregate: &Aggregate, language: Language) -> Cow<'_, str> {
    match language {
        Language::English => aggregate.answer.as_str().into(),
        Language::Korean => korean::aggregate_answer(aggregate).into(),
    }
}

fn write(html: &mut String, aggregate: &Aggregate, words: &Words, hidden: bool) {
    let sets = words.count(words.data_sets_n, aggregate.data_sets.len());
    let baseline = bdi(&aggregate.baseline);
    let runs: usize = aggregate.recipes.iter().flat_map(|r| &r.data_sets).map(|on| on.runs).sum();
    let values = [
        ("sets", &sets as &dyn std::fmt::Display),
        ("baseline", &baseline),
        ("replicates", &crate::language::thousands(aggregate.replicates)),
    ];
    let facts = [
        sets.clone(),
        words.count(words.recipes_n, aggregate.recipes.len()),
        words.count(words.runs_n, runs),
    ];
    // Writing to a String cannot fail.
    let _ = write!(
        html,
        "<div class=\"language\" lang=\"{}\"{}>\n<header>\n<p class=\"kicker\">{}</p>\n<h1>{}</h1>\n<p class=\"meta\">{}</p>\n</header>\n<main>\n\
         <section aria-label=\"{}\">\n<p class=\"answer\">{}</p>\n",
        words.language.tag(),
        if hidden { " hidden" } else { "" },
        words.report,
        words.aggregate_heading,
        facts.join(" · "),
        words.s_answer,
        escape(&answer(aggregate, words.language)),
    );
    if !aggregate.warnings.is_empty() {
        let _ =
            write!(html, "<div class=\"notice\" role=\"note\"><p><b>{}</b></p><ul>", words.before_relying);
        for warning in &aggregate.warnings {
            let _ = write!(html, "<li>{}</li>", words.warning(warning));
        }
        html.push_str("</ul></div>\n");
    }
    let chart = chart(aggregate, words);
    let _ = writeln!(
        html,
        "<figure><div class=\"chart wide\" data-name=\"aggregate\">{}</div><div class=\"chart narrow\" data-name=\"aggregate\">{}</div>\
         <figcaption><b>{} 1.</b> {}</figcaption></figure>\n</section>",
        chart.draw(WIDE).inline(""),
        chart.draw(NARROW).inline(""),
        words.figure,
        fill(words.aggregate_caption, &values)
    );
    let mut table = |table: &Table, class: &str, number: usize, caption: &str| {
        let caption = format!("<b>{} {number}.</b> {}", words.table, fill(caption, &values));
        html.push_str(&table.html(class, &caption));
    };
    table(&aggregate_table(aggregate, words), "", 1, words.aggregate_table_caption);
    table(&data_set_table(aggregate, words), "results", 2, words.aggregate_sets_caption);
    let _ = writeln!(
        html,
        "<section><h2>{}</h2>\n<p>{}</p>\n</section>\n</main>\n<footer>{}</footer>\n</div>",
        words.s_method,
        fill(words.aggregate_method, &values),
        fill(words.aggregate_footer, &[("version", &env!("CARGO_PKG_VERSION"))])
    );
}

/// The page, in all its languages.
pub(super) fn document(aggregate: &Aggregate, language: Language) -> String {
    let mut html = String::with_capacity(1 << 18);
    let words = language.words();
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data: blob:; font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} – Bakeoff</title>\n<style>\n{}</style>\n</head>\n<body>\n<nav class=\"switch\" aria-label=\"Language / 언어\">",
        language.tag(),
        words.aggregate_heading,
        style(aggregate.recipes.len()),
    );
    for other in Language::ALL {
        let _ = write!(
            html,
            "<button type=\"button\" lang=\"{0}\" data-language=\"{0}\" aria-pressed=\"{1}\">{2}</button>",
            other.tag(),
            other == language,
            other.words().this_language
        );
    }
    html.push_str("</nav>\n");
    for other in Language::ALL {
        let mut part = String::with_capacity(1 << 16);
        write(&mut part, aggregate, other.words(), other != language);
        html.push_str(&other.finished(part));
    }
    let data = serde_json::json!({"curves": {}, "confusion": null, "style": theme::file_rules()});
    let _ = write!(
        html,
        "<script type=\"application/json\" id=\"values\">{}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        json(&data)
    );
    html
}

//! The page, tables and figure of the same recipes on several data sets.

mod page;

use crate::ReportError;
use crate::export::write_table;
use crate::figures::{NARROW, WIDE};
use crate::language::{Language, Words, fill};
use crate::references;
use crate::table::{Cell, Column, ShownIn, Table};
use crate::tables;
use bakeoff_files::{make_folder, write_bytes};
use bakeoff_findings::aggregate::{Aggregate, Estimate, share, signed};
use bakeoff_stats::Unit;
use std::path::{Path, PathBuf};

fn recipe_cell(aggregate: &Aggregate, recipe: &str) -> Cell {
    Cell::text(recipe).html(tables::coloured(aggregate.colour(recipe), recipe))
}

/// Recipes over all data sets.
fn table(aggregate: &Aggregate, words: &Words) -> Table {
    let hidden = |key: &str| Column::number(key, "").only(ShownIn::InData);
    let mut columns = vec![Column::words("recipe", words.h_recipe)];
    let unit = aggregate.measure.unit;
    for (key, head) in [
        ("iqm", if unit == Unit::Percent { words.h_iqm } else { words.h_iqm_plain }),
        ("iqm_difference", words.h_iqm_difference),
        ("probability_of_improvement", words.h_improvement),
    ] {
        columns.push(Column::number(key, fill(head, &[("baseline", &aggregate.baseline)])));
        columns.extend([hidden(&format!("{key}_low")), hidden(&format!("{key}_high"))]);
    }
    let rows = aggregate.recipes.iter().map(|recipe| {
        let mut row = vec![recipe_cell(aggregate, &recipe.name)];
        let iqm = |e: Estimate, unit: Unit| {
            let digits = unit.decimals((e.high - e.low) / 2.0);
            let [value, low, high] = [e.value, e.low, e.high].map(|v| unit.number(v, digits));
            format!("{value} [{low}, {high}]")
        };
        for (estimate, text) in [
            (Some(recipe.iqm), iqm as fn(Estimate, Unit) -> String),
            (recipe.difference, signed),
            (recipe.probability_of_improvement, |e, _| share(e)),
        ] {
            row.push(Cell::number(estimate.map(|e| e.value), |_| {
                estimate.map(|e| text(e, unit)).unwrap_or_default()
            }));
            row.push(Cell::number(estimate.map(|e| e.low), |_| String::new()));
            row.push(Cell::number(estimate.map(|e| e.high), |_| String::new()));
        }
        row
    });
    Table { name: "aggregate", rows: rows.collect(), columns }
}

/// Every recipe on every data set.
fn data_set_table(aggregate: &Aggregate, words: &Words) -> Table {
    let unit = aggregate.measure.unit;
    let columns = vec![
        Column::words("data_set", words.h_data_set),
        Column::words("recipe", words.h_recipe),
        Column::number("runs", words.h_runs),
        Column::number("mean", if unit == Unit::Percent { words.h_mean } else { words.h_mean_plain }),
        Column::number("difference", words.h_difference),
        Column::number("low", "").only(ShownIn::InData),
        Column::number("high", "").only(ShownIn::InData),
        Column::words("verdict", words.h_verdict),
    ];
    let all = (0..aggregate.data_sets.len())
        .flat_map(|k| aggregate.recipes.iter().map(move |r| (r, r.data_sets.get(k))));
    let rows = all.filter_map(|(recipe, on)| {
        let on = on?;
        let difference = on.difference;
        let word = match on.verdict {
            Some(v) => Cell::text(words.verdict(v)).value(v.word()).html(tables::verdict(words, Some(v))),
            None => Cell::text(words.baseline).value("baseline"),
        };
        Some(vec![
            Cell::text(&on.data_set),
            Cell::text(&recipe.name).html(tables::over_verdict(
                &tables::coloured(aggregate.colour(&recipe.name), &recipe.name),
                &word,
            )),
            Cell::text(on.runs.to_string()),
            Cell::number(Some(on.mean), |v| unit.number(v, unit.places(v))),
            Cell::number(difference.map(|e| e.value), |_| {
                difference.map(|e| signed(e, unit)).unwrap_or_default()
            }),
            Cell::number(difference.map(|e| e.low), |_| String::new()),
            Cell::number(difference.map(|e| e.high), |_| String::new()),
            word,
        ])
    });
    Table { name: "data-sets", rows: rows.collect(), columns }
}

/// Writes `report.html`, `aggregate.json`, and tables and the figure in files, into the folder `out`, over earlier ones. Returns the page.
///
/// # Errors
/// The file system refuses, or the figure cannot be drawn.
pub fn write_aggregate(
    aggregate: &Aggregate,
    out: &Path,
    language: Language,
) -> Result<PathBuf, ReportError> {
    let words = language.words();
    make_folder(&out.join("tables"))?;
    make_folder(&out.join("figures"))?;
    let json = serde_json::to_vec_pretty(aggregate)
        .map_err(|error| ReportError::encode("aggregate.json", &error))?;
    write_bytes(&out.join("aggregate.json"), &json)?;
    for table in [table(aggregate, words), data_set_table(aggregate, words)] {
        write_table(&table, &out.join("tables"))?;
    }
    write_bytes(&out.join("tables/references.bib"), references::bibtex_over_data_sets().as_bytes())?;
    let page = out.join("report.html");
    write_bytes(&page, page::document(aggregate, language).as_bytes())?;
    let drawing = page::chart(aggregate, words).draw(WIDE);
    write_bytes(&out.join("figures/aggregate.svg"), drawing.file().as_bytes())?;
    write_bytes(&out.join("figures/aggregate.png"), &drawing.png()?)?;
    Ok(page)
}

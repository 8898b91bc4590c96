//! Tables of damaged and hidden images.

use super::insight::{FALSE_DISCOVERY, Scale, data, limits, ranged_cells, ranged_columns};
use super::recipe;
use crate::language::{Words, fill};
use crate::table::{Cell, Column, ShownIn, Table};
use bakeoff_evidence::Evidence;
use bakeoff_findings::robustness::{RecipeRobustness, Robustness, UnderCorruption};
use bakeoff_stats::wording::{points, signed_points};
use bakeoff_study::Corruption;

/// A corruption in words.
pub(crate) fn named(corruption: Corruption, words: &Words) -> &'static str {
    match corruption {
        Corruption::GaussianNoise => words.damage_gaussian_noise,
        Corruption::ShotNoise => words.damage_shot_noise,
        Corruption::ImpulseNoise => words.damage_impulse_noise,
        Corruption::DefocusBlur => words.damage_defocus_blur,
        Corruption::GlassBlur => words.damage_glass_blur,
        Corruption::MotionBlur => words.damage_motion_blur,
        Corruption::ZoomBlur => words.damage_zoom_blur,
        Corruption::Fog => words.damage_fog,
        Corruption::Brightness => words.damage_brightness,
        Corruption::Contrast => words.damage_contrast,
        Corruption::Saturate => words.damage_saturate,
        Corruption::Pixelate => words.damage_pixelate,
        Corruption::Jpeg => words.damage_jpeg,
    }
}

/// Whether accuracy under a corruption is certainly higher (1) or lower (−1) than the baseline's, among the recipe's corruptions.
pub(crate) fn certain(under: &UnderCorruption) -> i32 {
    let mean = under.accuracy.difference.map_or(0.0, |d| d.mean);
    match under.p_bh {
        Some(p) if p <= FALSE_DISCOVERY && mean > 0.0 => 1,
        Some(p) if p <= FALSE_DISCOVERY && mean < 0.0 => -1,
        _ => 0,
    }
}

/// A row a recipe: undamaged, damaged, what was lost, mean corruption error.
pub(crate) fn summary(evidence: &Evidence, robustness: &Robustness, words: &Words) -> Table {
    let mut columns = vec![Column::words("recipe", words.h_recipe), Column::number("seeds", words.h_seeds)];
    for (key, head) in [("plain", words.h_plain), ("damaged", words.h_damaged), ("lost", words.h_lost)] {
        columns.extend(ranged_columns(key, head, true));
    }
    columns.extend(ranged_columns("mean_corruption_error", words.h_mce, false));
    let rows = robustness.recipes.iter().map(|r| {
        let mut row = vec![recipe(evidence, &r.name), Cell::text(r.seeds.len().to_string())];
        for compared in [&r.plain, &r.damaged, &r.lost] {
            let difference = Some(compared.difference.as_ref());
            row.extend(ranged_cells(Some(&compared.value), Scale::Percent, difference, Scale::Points));
        }
        row.extend(ranged_cells(r.mean_corruption_error.as_ref(), Scale::Percent, None, Scale::Points));
        row
    });
    Table { name: "robustness", rows: rows.collect(), columns }
}

/// A row a corruption, a column a recipe.
pub(crate) fn corruptions(evidence: &Evidence, robustness: &Robustness, words: &Words) -> Option<Table> {
    let base = &evidence.plan.baseline;
    let baseline = robustness.recipes.iter().find(|r| r.name == *base)?;
    let others: Vec<&RecipeRobustness> = robustness.recipes.iter().filter(|r| r.name != *base).collect();
    let mut columns = vec![
        Column::words("corruption", words.h_damage),
        Column::number("baseline", fill(words.h_base_accuracy, &[("baseline", base)])),
    ];
    for r in &others {
        columns.push(Column::number(&r.name, r.name.as_str()));
        for more in ["low", "high", "p_bh"] {
            columns.push(Column::number(&format!("{}_{more}", r.name), "").only(ShownIn::InData));
        }
    }
    let mean = |under: &UnderCorruption| under.accuracy.difference.map(|d| d.mean);
    let all = others.iter().flat_map(|r| &r.corruptions).filter_map(mean);
    let largest = all.map(f64::abs).fold(0.0, f64::max).max(1e-9);
    let rows = baseline.corruptions.iter().enumerate().map(|(at, under)| {
        let mut row = vec![
            Cell::text(named(under.corruption, words)).value(under.corruption.name()),
            Cell::number(Some(under.accuracy.value.mean), |v| points(v, 1)),
        ];
        for r in &others {
            let found = r.corruptions.get(at);
            let difference = found.and_then(|under| under.accuracy.difference);
            let mut cell = Cell::number(difference.map(|d| d.mean), |v| signed_points(v, 1));
            if let Some((under, difference)) = found.zip(difference) {
                cell = cell.html(super::heat(difference.mean, largest, certain(under)));
            }
            row.push(cell);
            row.extend(limits(difference.as_ref()));
            row.push(data(found.and_then(|under| under.p_bh)));
        }
        row
    });
    Some(Table { name: "corruptions", rows: rows.collect(), columns })
}

/// A row a recipe, corruption and severity: for files.
fn severities(evidence: &Evidence, robustness: &Robustness, words: &Words) -> Table {
    let mut columns = vec![
        Column::words("recipe", words.h_recipe),
        Column::words("corruption", words.h_damage),
        Column::number("severity", words.h_severity),
    ];
    columns.extend(ranged_columns("top1", words.h_top1, false));
    let rows = robustness.recipes.iter().flat_map(|r| {
        r.corruptions.iter().flat_map(move |under| {
            under.severities.iter().zip(1..).map(move |(value, severity): (_, u8)| {
                let mut row = vec![
                    recipe(evidence, &r.name),
                    Cell::text(named(under.corruption, words)).value(under.corruption.name()),
                    Cell::text(severity.to_string()),
                ];
                row.extend(ranged_cells(Some(value), Scale::Percent, None, Scale::Points));
                row
            })
        })
    });
    Table { name: "corruption-severities", rows: rows.collect(), columns }
}

/// A row a recipe, a column a share of the image hidden.
pub(crate) fn occlusion(evidence: &Evidence, robustness: &Robustness, words: &Words) -> Option<Table> {
    let first = robustness.recipes.first()?;
    let mut columns = vec![Column::words("recipe", words.h_recipe)];
    for part in &first.occlusion {
        let percent = (part.hidden * 100.0).to_string();
        let head = fill(words.h_hidden, &[("n", &percent)]);
        columns.extend(ranged_columns(&format!("hidden_{percent}"), head, true));
    }
    let rows = robustness.recipes.iter().map(|r| {
        let mut row = vec![recipe(evidence, &r.name)];
        for part in &r.occlusion {
            let difference = Some(part.accuracy.difference.as_ref());
            row.extend(ranged_cells(Some(&part.accuracy.value), Scale::Percent, difference, Scale::Points));
        }
        row
    });
    Some(Table { name: "occlusion", rows: rows.collect(), columns })
}

/// Every table of this file.
pub(super) fn all(evidence: &Evidence, robustness: Option<&Robustness>, words: &Words) -> Vec<Table> {
    let Some(robustness) = robustness else { return Vec::new() };
    let tables = [
        Some(summary(evidence, robustness, words)),
        corruptions(evidence, robustness, words),
        Some(severities(evidence, robustness, words)),
        occlusion(evidence, robustness, words),
    ];
    tables.into_iter().flatten().filter(|table| !table.rows.is_empty()).collect()
}

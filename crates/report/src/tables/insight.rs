//! Tables of what goes beyond the verdict.

use super::{bare_p, heat, recipe};
use crate::korean;
use crate::language::{Language, Words, fill};
use crate::table::{Cell, Column, ShownIn, Table};
use crate::text::{ClassNames, bdi};
use bakeoff_evidence::Evidence;
use bakeoff_findings::insight::{ClassDifference, Insight, MetricSummary, Ranged, RecipeInsight};
use bakeoff_findings::summary::Summary;
use bakeoff_stats::Unit;
use bakeoff_stats::curves::Course;
use bakeoff_stats::metric::Metric;
use bakeoff_stats::wording::{decimals, points, signed_points};

/// Classes in a table of the page; of more, those that change most.
const MOST_CLASSES: usize = 200;
/// Where the false discovery rate is kept.
pub(crate) const FALSE_DISCOVERY: f64 = 0.05;

/// A value, or a difference, and its interval, in the digits it is known to.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    /// Fractions as percent.
    Percent,
    /// Differences of fractions as points.
    Points,
    /// As they are.
    Plain,
    /// Differences, as they are.
    PlainDifference,
}

impl Scale {
    fn show(self, value: f64, digits: usize) -> String {
        let signed = |text: String| text.replace('-', "−");
        match self {
            Self::Percent => points(value, digits),
            Self::Points => signed_points(value, digits),
            Self::Plain => signed(format!("{value:.3}")),
            Self::PlainDifference => signed(format!("{value:+.3}")),
        }
    }

    /// `71.2 [70.1, 72.3]`, limits smaller on the page.
    fn ranged(self, value: &Ranged) -> [String; 2] {
        let Some((low, high)) = value.low.zip(value.high) else {
            let text = self.show(value.mean, 1);
            return [text.clone(), text];
        };
        let digits = decimals((high - low) / 2.0);
        let [mean, low, high] = [value.mean, low, high].map(|v| self.show(v, digits));
        [format!("{mean} [{low}, {high}]"), format!("{mean} <small>[{low}, {high}]</small>")]
    }
}

/// Columns of a value with its interval, and where `difference` of its difference from the baseline.
pub(super) fn ranged_columns(key: &str, head: impl Into<String>, difference: bool) -> Vec<Column> {
    let mut columns = vec![Column::number(key, head)];
    let mut more = vec!["low", "high"];
    if difference {
        more.extend(["difference", "difference_low", "difference_high"]);
    }
    columns
        .extend(more.iter().map(|more| Column::number(&format!("{key}_{more}"), "").only(ShownIn::InData)));
    columns
}

pub(super) fn data(value: Option<f64>) -> Cell {
    Cell::number(value, |_| String::new())
}

pub(super) fn limits(value: Option<&Ranged>) -> [Cell; 2] {
    [data(value.and_then(|v| v.low)), data(value.and_then(|v| v.high))]
}

/// The cells of [`ranged_columns`]. On the page the difference stands below the value.
pub(super) fn ranged_cells(
    value: Option<&Ranged>,
    scale: Scale,
    difference: Option<Option<&Ranged>>,
    difference_scale: Scale,
) -> Vec<Cell> {
    let [text, mut html] = value.map_or_else(|| ["–".to_owned(), "–".into()], |v| scale.ranged(v));
    if let Some(Some(difference)) = difference {
        html = format!("{html}<br><small>{}</small>", difference_scale.ranged(difference)[0]);
    }
    let mean = value.map_or_else(String::new, |v| v.mean.to_string());
    let mut cells = vec![Cell::text(text).value(mean).html(html)];
    cells.extend(limits(value));
    if let Some(difference) = difference {
        cells.push(data(difference.map(|d| d.mean)));
        cells.extend(limits(difference));
    }
    cells
}

/// Metrics of every recipe. `None` where none of them is known.
pub(crate) fn measures(
    evidence: &Evidence,
    insight: &Insight,
    name: &'static str,
    metrics: &[Metric],
    words: &Words,
) -> Option<Table> {
    let of = |r: &RecipeInsight, metric: Metric| -> Option<MetricSummary> {
        r.metrics.iter().find(|m| m.metric == metric).cloned()
    };
    let known: Vec<Metric> =
        metrics.iter().copied().filter(|m| insight.recipes.iter().any(|r| of(r, *m).is_some())).collect();
    if known.is_empty() {
        return None;
    }
    let head = |metric: Metric| match metric {
        Metric::Top1 => words.h_top1,
        Metric::Top5 => words.h_top5,
        Metric::BalancedAccuracy => words.h_balanced,
        Metric::MacroF1 => words.h_macro_f1,
        Metric::Nll => words.h_nll,
        Metric::Brier => words.h_brier,
        Metric::Ece => words.h_ece,
    };
    let key = |metric: Metric| match metric {
        Metric::Top1 => "top1",
        Metric::Top5 => "top5",
        Metric::BalancedAccuracy => "balanced_accuracy",
        Metric::MacroF1 => "macro_f1",
        Metric::Nll => "nll",
        Metric::Brier => "brier",
        Metric::Ece => "ece",
    };
    let mut columns = vec![Column::words("recipe", words.h_recipe)];
    columns.extend(known.iter().flat_map(|&m| ranged_columns(key(m), head(m), true)));
    let rows = insight.recipes.iter().map(|r| {
        let mut row = vec![recipe(evidence, &r.name)];
        for &metric in &known {
            let found = of(r, metric);
            let (scale, difference_scale) = match metric {
                Metric::Nll | Metric::Brier => (Scale::Plain, Scale::PlainDifference),
                _ => (Scale::Percent, Scale::Points),
            };
            let difference = found.as_ref().and_then(|m| m.difference.as_ref());
            row.extend(ranged_cells(
                found.as_ref().map(|m| &m.value),
                scale,
                Some(difference),
                difference_scale,
            ));
        }
        row
    });
    Some(Table { name, rows: rows.collect(), columns })
}

/// Recipes other than the baseline that have classes to compare.
pub(crate) fn with_classes<'a>(evidence: &Evidence, insight: &'a Insight) -> Vec<&'a RecipeInsight> {
    insight.recipes.iter().filter(|r| r.name != evidence.plan.baseline && !r.classes.is_empty()).collect()
}

/// Whether a class certainly gains (1) or loses (−1) among its recipe's classes.
pub(crate) fn certain(class: &ClassDifference) -> i32 {
    match class.p_bh {
        Some(p) if p <= FALSE_DISCOVERY && class.difference.mean > 0.0 => 1,
        Some(p) if p <= FALSE_DISCOVERY && class.difference.mean < 0.0 => -1,
        _ => 0,
    }
}

/// Every class under every recipe; how many classes there are besides.
pub(crate) fn classes(evidence: &Evidence, insight: &Insight, words: &Words) -> Option<(Table, usize)> {
    let recipes = with_classes(evidence, insight);
    let first = recipes.first()?;
    let base = &evidence.plan.baseline;
    let mut columns = vec![
        Column::words("class", words.h_class),
        Column::number("images", words.h_images),
        Column::number("baseline", fill(words.h_base_accuracy, &[("baseline", base)])),
    ];
    for r in &recipes {
        columns.push(Column::number(&r.name, r.name.as_str()));
        columns.push(Column::number(&format!("{}_p_bh", r.name), "").only(ShownIn::InData));
    }
    // Recipes that were compared on other seeds still have the same test images, and so the same classes.
    let at = |r: &RecipeInsight, class: &str| r.classes.iter().find(|c| c.class == class).cloned();
    let found: Vec<(ClassDifference, Vec<Option<ClassDifference>>)> = first
        .classes
        .iter()
        .map(|class| (class.clone(), recipes.iter().map(|r| at(r, &class.class)).collect()))
        .collect();
    let differences = |all: &[Option<ClassDifference>]| -> Vec<f64> {
        all.iter().flatten().map(|c| c.difference.mean).collect()
    };
    let total = found.len();
    let mut kept = found;
    if total > MOST_CLASSES {
        let most =
            |all: &[Option<ClassDifference>]| differences(all).into_iter().map(f64::abs).fold(0.0, f64::max);
        kept.sort_by(|a, b| most(&b.1).total_cmp(&most(&a.1)));
        kept.truncate(MOST_CLASSES);
    }
    let mean = |all: &[Option<ClassDifference>]| bakeoff_stats::mean(&differences(all)).unwrap_or(0.0);
    kept.sort_by(|a, b| mean(&b.1).total_cmp(&mean(&a.1)));
    let largest =
        kept.iter().flat_map(|(_, all)| differences(all)).map(f64::abs).fold(0.0, f64::max).max(1e-9);
    let names = ClassNames::of(evidence);
    let rows = kept.iter().map(|(class, all)| {
        let name = class.class.as_str();
        let mut row = vec![
            Cell::text(names.shown(name)).value(name).html(names.html(name)),
            Cell::text(class.images.to_string()),
            Cell::number(Some(class.baseline), |v| points(v, 1)),
        ];
        for difference in all {
            let value = difference.as_ref().map(|c| c.difference.mean);
            let mut cell = Cell::number(value, |v| signed_points(v, 1));
            if let Some(class) = difference {
                cell = cell.html(heat(class.difference.mean, largest, certain(class)));
            }
            row.push(cell);
            row.push(data(difference.as_ref().and_then(|c| c.p_bh)));
        }
        row
    });
    Some((Table { name: "class-differences", rows: rows.collect(), columns }, total))
}

/// How many images change, by recipe.
pub(crate) fn changes(evidence: &Evidence, insight: &Insight, words: &Words) -> Table {
    let columns = vec![
        Column::words("recipe", words.h_recipe),
        Column::number("to_wrong", words.h_to_wrong),
        Column::number("to_right", words.h_to_right),
        Column::number("net", words.h_net),
    ];
    let rows = with_classes(evidence, insight).into_iter().map(|r| {
        let net = r.to_right as i64 - r.to_wrong as i64;
        vec![
            recipe(evidence, &r.name),
            Cell::text(r.to_wrong.to_string()),
            Cell::text(r.to_right.to_string()),
            Cell::text(format!("{net:+}").replace('-', "−").replace("+0", "0")).value(net.to_string()),
        ]
    });
    Table { name: "changed-images", rows: rows.collect(), columns }
}

/// McNemar's test of every pair of trained models.
pub(crate) fn models(evidence: &Evidence, insight: &Insight, words: &Words) -> Table {
    let columns = vec![
        Column::words("recipe", words.h_recipe),
        Column::number("seed", words.seed),
        Column::number("only_recipe", words.h_only_recipe),
        Column::number(
            "only_baseline",
            fill(words.h_only_baseline, &[("baseline", &evidence.plan.baseline)]),
        ),
        Column::number("p", "p"),
    ];
    let rows = insight.recipes.iter().flat_map(|r| {
        r.two_models.iter().map(|two| {
            vec![
                recipe(evidence, &r.name),
                Cell::text(two.seed.to_string()),
                Cell::text(two.only_recipe.to_string()),
                Cell::text(two.only_baseline.to_string()),
                Cell::number(Some(two.p), bare_p),
            ]
        })
    });
    Table { name: "two-models", rows: rows.collect(), columns }
}

/// Bins of the reliability diagrams.
pub(crate) fn reliability(evidence: &Evidence, insight: &Insight, words: &Words) -> Table {
    let columns = vec![
        Column::words("recipe", words.h_recipe),
        Column::number("low", "low"),
        Column::number("high", "high"),
        Column::number("predictions", "n"),
        Column::number("confidence", words.reliability_sure),
        Column::number("accuracy", words.reliability_right),
    ];
    let rows = insight.recipes.iter().flat_map(|r| {
        r.reliability.iter().flatten().map(|bin| {
            let percent = |value: f64| points(value, 1);
            vec![
                recipe(evidence, &r.name),
                Cell::number(Some(bin.low), percent),
                Cell::number(Some(bin.high), percent),
                Cell::text(bin.count.to_string()),
                Cell::number(bin.confidence, percent),
                Cell::number(bin.accuracy, percent),
            ]
        })
    });
    Table { name: "reliability", rows: rows.collect(), columns }
}

/// All pairs of recipes.
pub(crate) fn pairs(evidence: &Evidence, insight: &Insight, words: &Words) -> Table {
    let unit = evidence.measure().unit;
    let mut columns = vec![Column::words("first", words.h_recipe), Column::words("second", words.h_against)];
    columns.extend(ranged_columns("difference", words.h_difference, false));
    columns.extend([Column::number("p", "p"), Column::number("p_holm", words.h_holm)]);
    let rows = insight.pairs.iter().map(|pair| {
        let mut row = vec![recipe(evidence, &pair.first), recipe(evidence, &pair.second)];
        let difference = Ranged { mean: pair.mean, low: Some(pair.low), high: Some(pair.high) };
        let mut cells = ranged_cells(Some(&difference), Scale::Points, None, Scale::Points);
        if unit == Unit::Plain {
            let digits = unit.decimals((pair.high - pair.low) / 2.0);
            let [mean, low, high] = [pair.mean, pair.low, pair.high].map(|v| unit.signed(v, digits));
            cells[0] = Cell::text(format!("{mean} [{low}, {high}]"))
                .value(pair.mean.to_string())
                .html(format!("{mean} <small>[{low}, {high}]</small>"));
        }
        row.extend(cells);
        row.extend([Cell::number(Some(pair.p), bare_p), Cell::number(Some(pair.p_holm), bare_p)]);
        row
    });
    Table { name: "all-pairs", rows: rows.collect(), columns }
}

/// How every curve ends.
pub(crate) fn endings(evidence: &Evidence, insight: &Insight, words: &Words) -> Option<Table> {
    let mut columns = vec![Column::words("recipe", words.h_recipe)];
    columns.extend(ranged_columns("validation_top1", words.h_at_end, false));
    columns.extend(ranged_columns("last_epoch_added", words.h_last_gain, false));
    columns.push(Column::number("seconds_per_epoch", words.h_epoch_time));
    let rows = insight.recipes.iter().filter_map(|r| {
        let last = r.curve.last()?;
        let fit = Ranged { mean: last.fit, low: last.low, high: last.high };
        let gain = Ranged { mean: last.gain, low: last.gain_low, high: last.gain_high };
        let mut row = vec![recipe(evidence, &r.name)];
        row.extend(ranged_cells(Some(&fit), Scale::Percent, None, Scale::Points));
        row.extend(ranged_cells(Some(&gain), Scale::Points, None, Scale::Points));
        row.push(Cell::number(r.seconds_per_epoch, |s| words.duration(s)));
        Some(row)
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then_some(Table { name: "last-epochs", rows, columns })
}

/// Every epoch of every smoothed curve.
fn epochs(evidence: &Evidence, insight: &Insight, words: &Words) -> Table {
    let mut columns = vec![Column::words("recipe", words.h_recipe), Column::number("epoch", words.h_epoch)];
    columns.extend(ranged_columns("validation_top1", words.validation_accuracy_axis, false));
    columns.extend(ranged_columns("added", words.gain_axis, false));
    let rows = insight.recipes.iter().flat_map(|r| {
        r.curve.iter().map(|point| {
            let fit = Ranged { mean: point.fit, low: point.low, high: point.high };
            let gain = Ranged { mean: point.gain, low: point.gain_low, high: point.gain_high };
            let mut row = vec![recipe(evidence, &r.name), Cell::text(point.epoch.to_string())];
            row.extend(ranged_cells(Some(&fit), Scale::Percent, None, Scale::Points));
            row.extend(ranged_cells(Some(&gain), Scale::Points, None, Scale::Points));
            row
        })
    });
    Table { name: "epochs", rows: rows.collect(), columns }
}

/// A course in words.
pub(crate) fn course(first: &str, second: &str, sentence: &str, course: Course, words: &Words) -> String {
    match words.language {
        Language::English => sentence.to_owned(),
        Language::Korean => korean::course(first, second, course),
    }
}

/// How the curves stand to each other.
fn courses(evidence: &Evidence, insight: &Insight, words: &Words) -> Table {
    let columns = vec![
        Column::words("first", words.h_recipe),
        Column::words("second", words.h_against),
        Column::words("sentence", words.courses_title),
        Column::number("epoch", words.h_epoch),
        Column::number("low", "").only(ShownIn::InData),
        Column::number("high", "").only(ShownIn::InData),
    ];
    let rows = insight.courses.iter().map(|c| {
        let [epoch, low, high] = match c.course {
            Course::Passes { epoch, low, high } | Course::IsPassed { epoch, low, high } => {
                [Some(epoch), Some(low), Some(high)]
            }
            Course::CatchesUp { epoch } | Course::IsCaughtUp { epoch } => [Some(epoch), None, None],
            Course::Ahead | Course::Behind | Course::Level => [None; 3],
        };
        let number = |value: Option<u32>| Cell::number(value.map(f64::from), |v| format!("{v:.0}"));
        vec![
            recipe(evidence, &c.first),
            recipe(evidence, &c.second),
            Cell::text(course(&c.first, &c.second, &c.sentence, c.course, words)),
            number(epoch),
            number(low),
            number(high),
        ]
    });
    Table { name: "courses", rows: rows.collect(), columns }
}

/// Accuracy at equal time beside equal epochs.
pub(crate) fn equal_time(evidence: &Evidence, insight: &Insight, words: &Words) -> Option<Table> {
    let time = insight.equal_time.as_ref()?;
    let mut columns =
        vec![Column::words("recipe", words.h_recipe), Column::number("epochs", words.h_epochs_by_then)];
    columns.extend(ranged_columns("equal_time", words.h_at_time, true));
    columns.extend(ranged_columns("equal_epochs", words.h_at_epochs, true));
    let rows = time.recipes.iter().map(|r| {
        let mut row =
            vec![recipe(evidence, &r.name), Cell::number(Some(r.epochs), |epochs| format!("{epochs:.1}"))];
        row.extend(ranged_cells(
            Some(&r.accuracy),
            Scale::Percent,
            Some(r.difference.as_ref()),
            Scale::Points,
        ));
        row.extend(ranged_cells(
            r.equal_epochs.as_ref(),
            Scale::Percent,
            Some(r.equal_epochs_difference.as_ref()),
            Scale::Points,
        ));
        row
    });
    Some(Table { name: "equal-time", rows: rows.collect(), columns })
}

/// The looks of a run until decided.
pub(crate) fn looks(summary: &Summary, words: &Words) -> Option<Table> {
    let sequential = summary.sequential.as_ref()?;
    let columns = vec![
        Column::number("seeds", words.h_seeds),
        Column::number("level", words.h_level),
        Column::number("spent", words.h_spent),
    ];
    let rows = sequential.looks.iter().map(|look| {
        let share = |value: f64| format!("{value:.4}");
        vec![
            Cell::text(look.seeds.to_string()),
            Cell::number(Some(look.level), share),
            Cell::number(Some(look.spent), share),
        ]
    });
    Some(Table { name: "looks", rows: rows.collect(), columns })
}

/// Metrics of what is right.
pub(crate) const RIGHT: [Metric; 4] = [Metric::Top1, Metric::Top5, Metric::BalancedAccuracy, Metric::MacroF1];
/// Metrics of how sure it is.
pub(crate) const SURE: [Metric; 3] = [Metric::Nll, Metric::Brier, Metric::Ece];

/// Every table of this file that has rows.
pub(super) fn all(evidence: &Evidence, summary: &Summary, words: &Words) -> Vec<Table> {
    let insight = &summary.insight;
    let tables = [
        measures(evidence, insight, "measures", &RIGHT, words),
        measures(evidence, insight, "calibration", &SURE, words),
        Some(reliability(evidence, insight, words)),
        classes(evidence, insight, words).map(|(table, _)| table),
        Some(changes(evidence, insight, words)),
        Some(models(evidence, insight, words)),
        Some(epochs(evidence, insight, words)),
        endings(evidence, insight, words),
        Some(courses(evidence, insight, words)),
        equal_time(evidence, insight, words),
        Some(pairs(evidence, insight, words)),
        looks(summary, words),
    ];
    tables.into_iter().flatten().filter(|table| !table.rows.is_empty()).collect()
}

/// A recipe's name in a sentence.
pub(crate) fn found(recipe: &RecipeInsight, words: &Words) -> String {
    let count = |side: i32| recipe.classes.iter().filter(|c| certain(c) == side).count();
    fill(
        words.classes_found,
        &[
            ("recipe", &bdi(&recipe.name)),
            ("all", &recipe.classes.len()),
            ("up", &count(1)),
            ("down", &count(-1)),
        ],
    )
}

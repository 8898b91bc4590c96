//! The figures of a report: what each shows, its caption, and the files it is also written to.

use crate::chart::{
    Across, Block, Curves, Intervals, Mark, Panel, Point, Reliability, Row, Series, Unit, forest, matrix,
};
use crate::language::{Language, Words, fill};
use crate::metric::metric;
use crate::svg::Drawing;
use crate::tables::insight::{certain, with_classes};
use crate::tables::robustness::{certain as robustness_certain, named};
use crate::text::ClassNames;
use bakeoff_evidence::{Evidence, Origin, State};
use bakeoff_findings::Assessment;
use bakeoff_findings::Confusion;
use bakeoff_findings::insight::{ClassDifference, Insight, Ranged, RecipeInsight};
use bakeoff_findings::robustness::{RecipeRobustness, Robustness};
use bakeoff_stats::metric::Metric;
use bakeoff_stats::wording::points;
use bakeoff_study::records::EpochRecord;

/// Width of charts on a desk and on paper.
pub(crate) const WIDE: f64 = 960.0;
/// Width of charts on a telephone.
pub(crate) const NARROW: f64 = 400.0;

/// The four curves a trial leaves.
pub(crate) struct CurveSet {
    pub(crate) validation_accuracy: Curves,
    pub(crate) training_loss: Curves,
    pub(crate) validation_loss: Curves,
    pub(crate) training_accuracy: Curves,
    /// Later epochs come from fewer seeds.
    pub(crate) uneven: bool,
}

impl CurveSet {
    fn all(&self) -> [&Curves; 4] {
        [&self.validation_accuracy, &self.validation_loss, &self.training_loss, &self.training_accuracy]
    }
}

/// Per recipe, over its seeds: what `value` is at each epoch, and where that epoch stands, by the trial's epochs so far.
fn series(
    evidence: &Evidence,
    value: fn(&EpochRecord) -> f64,
    place: fn(&[EpochRecord]) -> f64,
) -> (Vec<Series>, bool) {
    let mut uneven = false;
    let all = evidence.plan.recipes.iter().map(|recipe| {
        // A failed trial's curve leads nowhere; it is listed, not averaged.
        let counted: Vec<_> = evidence
            .trials_of(&recipe.name)
            .filter(|t| !t.epochs.is_empty() && !matches!(t.state, State::Failed { .. }))
            .collect();
        let last = counted.iter().flat_map(|t| t.epochs.iter().map(|e| e.epoch)).max().unwrap_or(0);
        let points = (1..=last).filter_map(|epoch| {
            let found = counted.iter().filter_map(|t| {
                let at = t.epochs.iter().position(|e| e.epoch == epoch)?;
                Some((place(&t.epochs[..=at]), value(&t.epochs[at])))
            });
            let (places, values): (Vec<f64>, Vec<f64>) =
                found.filter(|(x, v)| x.is_finite() && v.is_finite()).unzip();
            // An epoch that nobody measured is no sign of an unfinished trial.
            uneven |= !values.is_empty() && values.len() != counted.len();
            Some(Point {
                x: bakeoff_stats::mean(&places)?,
                mean: bakeoff_stats::mean(&values)?,
                low: values.iter().copied().fold(f64::INFINITY, f64::min),
                high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                seeds: values.len(),
            })
        });
        let points = points.collect();
        Series { name: recipe.name.clone(), colour: evidence.colour(&recipe.name), points }
    });
    let all = all.collect();
    (all, uneven)
}

fn epoch(epochs: &[EpochRecord]) -> f64 {
    epochs.last().map_or(0.0, |e| e.epoch.into())
}

fn seconds(epochs: &[EpochRecord]) -> f64 {
    epochs.iter().map(|e| e.seconds).sum()
}

/// The curves of all recipes.
pub(crate) fn curves(evidence: &Evidence, words: &Words) -> CurveSet {
    let mut any_uneven = false;
    let mut curves = |name, quantity: &str, label: &str, unit, value: fn(&EpochRecord) -> f64| {
        let (series, uneven) = series(evidence, value, epoch);
        any_uneven |= uneven;
        let title = fill(words.curve_title, &[("quantity", &quantity)]);
        Curves { name, title, label: label.into(), unit, across: Across::Epochs, series }
    };
    // Of another trainer it is the column that is compared, whatever it is called.
    let metric = metric(evidence, words);
    let (quantity, axis, unit) = match evidence.measure().unit {
        _ if evidence.origin == Origin::Run => {
            (words.validation_accuracy, words.validation_accuracy_axis.to_owned(), Unit::Percent)
        }
        bakeoff_stats::Unit::Percent => (&*metric, format!("{metric}, %"), Unit::Percent),
        bakeoff_stats::Unit::Plain => (&*metric, metric.to_string(), Unit::Plain),
    };
    let validation_accuracy = curves("validation-accuracy", quantity, &axis, unit, |e| e.validation_top1);
    let training_loss =
        curves("training-loss", words.training_loss, words.training_loss, Unit::Plain, |e| e.train_loss);
    let validation_loss =
        curves("validation-loss", words.validation_loss, words.validation_loss, Unit::Plain, |e| {
            e.validation_loss
        });
    let training_accuracy = curves(
        "training-accuracy",
        words.training_accuracy,
        words.training_accuracy_axis,
        Unit::Percent,
        |e| e.train_top1,
    );
    CurveSet { validation_accuracy, training_loss, validation_loss, training_accuracy, uneven: any_uneven }
}

/// Validation accuracy against the time a trial has trained; `None` before anything was measured.
pub(crate) fn time_curves(evidence: &Evidence, words: &Words) -> Option<Curves> {
    let (mut series, _) = series(evidence, |e| e.validation_top1, seconds);
    let longest = series.iter().flat_map(|s| s.points.iter().map(|p| p.x)).fold(0.0, f64::max);
    let (unit, size) = match longest {
        s if !s.is_finite() || s <= 0.0 => return None,
        s if s < 120.0 => (words.unit_seconds, 1.0),
        s if s < 7_200.0 => (words.unit_minutes, 60.0),
        _ => (words.unit_hours, 3_600.0),
    };
    series.iter_mut().flat_map(|s| &mut s.points).for_each(|p| p.x /= size);
    Some(Curves {
        name: "accuracy-over-time",
        title: words.time_title.into(),
        label: words.validation_accuracy_axis.into(),
        unit: Unit::Percent,
        across: Across::Time(unit),
        series,
    })
}

/// What every epoch added to the smoothed validation accuracy; `None` without curves.
pub(crate) fn gains(evidence: &Evidence, insight: &Insight, words: &Words) -> Option<Curves> {
    let series = insight.recipes.iter().map(|r| {
        let seeds = evidence.trials_of(&r.name).filter(|trial| trial.test().is_some()).count();
        let points = r.curve.iter().map(|p| Point {
            x: p.epoch.into(),
            mean: p.gain,
            low: p.gain_low.unwrap_or(p.gain),
            high: p.gain_high.unwrap_or(p.gain),
            seeds,
        });
        Series { name: r.name.clone(), colour: evidence.colour(&r.name), points: points.collect() }
    });
    let curves = Curves {
        name: "epoch-gains",
        title: words.gain_title.into(),
        label: words.gain_axis.into(),
        unit: Unit::Points,
        across: Across::Epochs,
        series: series.collect(),
    };
    // A curve of one epoch has no slope.
    (curves.series.iter().any(|s| s.points.len() > 1)).then_some(curves)
}

fn mark(difference: &Ranged, filled: bool) -> Mark {
    Mark { mean: difference.mean, limits: difference.low.zip(difference.high).map(|(l, h)| [l, h]), filled }
}

/// Differences at equal time beside those after equal epochs; `None` where nothing was timed.
pub(crate) fn equal_time(evidence: &Evidence, insight: &Insight, words: &Words) -> Option<Intervals> {
    let time = insight.equal_time.as_ref()?;
    let rows = time.recipes.iter().filter(|r| r.difference.is_some()).map(|r| {
        let marks = [(&r.difference, true), (&r.equal_epochs_difference, false)];
        Row {
            name: r.name.clone(),
            colour: evidence.colour(&r.name),
            marks: marks.into_iter().filter_map(|(d, filled)| Some(mark(d.as_ref()?, filled))).collect(),
        }
    });
    let chart = Intervals {
        title: fill(words.equal_title, &[("baseline", &evidence.plan.baseline)]),
        axis: words.equal_axis.into(),
        unit: bakeoff_stats::Unit::Percent,
        key: [words.equal_time_key.into(), words.equal_epochs_key.into()],
        blocks: vec![Block { heading: String::new(), rows: rows.collect() }],
    };
    (!chart.is_empty()).then_some(chart)
}

/// Classes shown at either end of a recipe's list.
pub(crate) const ENDS: usize = 8;

/// The classes that every recipe helps and hurts most.
pub(crate) fn classes(evidence: &Evidence, insight: &Insight, words: &Words) -> Option<Intervals> {
    let names = ClassNames::of(evidence);
    let block = |r: &RecipeInsight| {
        let mut classes: Vec<&ClassDifference> = r.classes.iter().collect();
        classes.sort_by(|a, b| b.difference.mean.total_cmp(&a.difference.mean));
        if classes.len() > 2 * ENDS {
            classes.drain(ENDS..classes.len() - ENDS);
        }
        let row = |class: &ClassDifference| Row {
            name: names.shown(&class.class).to_owned(),
            colour: evidence.colour(&r.name),
            marks: vec![mark(&class.difference, certain(class) != 0)],
        };
        Block { heading: r.name.clone(), rows: classes.into_iter().map(row).collect() }
    };
    let blocks: Vec<Block> = with_classes(evidence, insight).into_iter().map(block).collect();
    (!blocks.is_empty()).then(|| Intervals {
        title: fill(words.classes_title, &[("baseline", &evidence.plan.baseline)]),
        axis: words.classes_axis.into(),
        unit: bakeoff_stats::Unit::Percent,
        key: [words.classes_claimed.into(), words.classes_unclaimed.into()],
        blocks,
    })
}

/// Reliability diagrams of all recipes; `None` where confidences were not kept.
pub(crate) fn reliability(evidence: &Evidence, insight: &Insight, words: &Words) -> Option<Reliability> {
    let panels = insight.recipes.iter().filter_map(|r| {
        let ece = r.metrics.iter().find(|m| m.metric == Metric::Ece);
        Some(Panel {
            name: r.name.clone(),
            colour: evidence.colour(&r.name),
            bins: r.reliability.clone()?,
            note: ece.map_or_else(String::new, |m| format!("ECE {}\u{a0}%", points(m.value.mean, 1))),
        })
    });
    let panels: Vec<Panel> = panels.collect();
    (!panels.is_empty()).then(|| Reliability {
        title: words.reliability_title.into(),
        axes: [words.reliability_sure.into(), words.reliability_right.into()],
        panels,
    })
}

/// A recipe's values with their intervals, at places of one's own.
fn robust_series(evidence: &Evidence, r: &RecipeRobustness, values: Vec<(f64, Ranged)>) -> Series {
    let points = values.into_iter().map(|(x, value)| Point {
        x,
        mean: value.mean,
        low: value.low.unwrap_or(value.mean),
        high: value.high.unwrap_or(value.mean),
        seeds: r.seeds.len(),
    });
    Series { name: r.name.clone(), colour: evidence.colour(&r.name), points: points.collect() }
}

/// Accuracy by severity, mean over corruptions.
pub(crate) fn severities(evidence: &Evidence, robustness: &Robustness, words: &Words) -> Option<Curves> {
    let series = robustness.recipes.iter().map(|r| {
        let all = [&r.plain.value].into_iter().chain(&r.severities).copied();
        robust_series(evidence, r, all.zip(0..).map(|(value, x): (_, u8)| (x.into(), value)).collect())
    });
    let curves = Curves {
        name: "severities",
        title: words.severities_title.into(),
        label: words.damaged_axis.into(),
        unit: Unit::Percent,
        across: Across::Severity,
        series: series.collect(),
    };
    (!curves.is_empty()).then_some(curves)
}

/// Accuracy by the share of the image that is hidden.
pub(crate) fn occlusion(evidence: &Evidence, robustness: &Robustness, words: &Words) -> Option<Curves> {
    let series = robustness.recipes.iter().map(|r| {
        let all = r.occlusion.iter().map(|part| (part.hidden * 100.0, part.accuracy.value));
        robust_series(evidence, r, all.collect())
    });
    let curves = Curves {
        name: "occlusion",
        title: words.occlusion_chart_title.into(),
        label: words.damaged_axis.into(),
        unit: Unit::Percent,
        across: Across::Hidden,
        series: series.collect(),
    };
    (!curves.is_empty()).then_some(curves)
}

/// Differences from the baseline under each corruption.
pub(crate) fn corruptions(evidence: &Evidence, robustness: &Robustness, words: &Words) -> Option<Intervals> {
    let blocks = robustness.recipes.iter().filter(|r| r.name != evidence.plan.baseline).map(|r| {
        let rows = r.corruptions.iter().filter_map(|under| {
            let difference = under.accuracy.difference.as_ref()?;
            Some(Row {
                name: named(under.corruption, words).to_owned(),
                colour: evidence.colour(&r.name),
                marks: vec![mark(difference, robustness_certain(under) != 0)],
            })
        });
        Block { heading: r.name.clone(), rows: rows.collect() }
    });
    let chart = Intervals {
        title: fill(words.corruptions_title, &[("baseline", &evidence.plan.baseline)]),
        axis: words.corruptions_axis.into(),
        unit: bakeoff_stats::Unit::Percent,
        key: [words.classes_claimed.into(), words.classes_unclaimed.into()],
        blocks: blocks.filter(|block| !block.rows.is_empty()).collect(),
    };
    (!chart.is_empty()).then_some(chart)
}

/// The values of all curves, for the page's script; names of charts to their data.
pub(crate) fn curve_data(evidence: &Evidence, insight: &Insight) -> serde_json::Value {
    let words = Language::English.words();
    let set = curves(evidence, words);
    let time = time_curves(evidence, words);
    let gains = gains(evidence, insight, words);
    let robust =
        insight.robustness.as_ref().map(|r| [severities(evidence, r, words), occlusion(evidence, r, words)]);
    let all = set
        .all()
        .into_iter()
        .chain(&time)
        .chain(&gains)
        .chain(robust.iter().flatten().flatten())
        .map(|curves| (curves.name.to_owned(), curves.data()));
    serde_json::Value::Object(all.collect())
}

/// Differences from the baseline.
pub(crate) fn differences(
    evidence: &Evidence,
    assessment: &Assessment,
    width: f64,
    words: &Words,
) -> Drawing {
    let plan = &evidence.plan;
    let colour = |name: &str| evidence.colour(name);
    let names = (&*metric(evidence, words), plan.baseline.as_str());
    let measure = (evidence.measure(), evidence.margin());
    forest(&assessment.comparisons, names, measure, &colour, width, words)
}

/// The confusion matrix of one recipe.
pub(crate) fn confusion(evidence: &Evidence, confusion: &Confusion, recipe: usize, words: &Words) -> Drawing {
    let names = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    matrix(confusion, recipe, names, words)
}

/// Figures that are also written to files: name without extension, drawing.
pub(crate) fn files(
    evidence: &Evidence,
    assessment: &Assessment,
    confused: Option<&Confusion>,
    words: &Words,
) -> Vec<(String, Drawing)> {
    let mut files = vec![("differences".to_owned(), differences(evidence, assessment, WIDE, words))];
    let set = curves(evidence, words);
    for curves in set.all() {
        let height = if curves.name == "validation-accuracy" { 460.0 } else { 400.0 };
        files.push((curves.name.into(), curves.draw(WIDE, height, words)));
    }
    files.extend(time_curves(evidence, words).map(|c| (c.name.to_owned(), c.draw(WIDE, 400.0, words))));
    let insight = &assessment.summary.insight;
    files.extend(gains(evidence, insight, words).map(|c| (c.name.to_owned(), c.draw(WIDE, 400.0, words))));
    files.extend(equal_time(evidence, insight, words).map(|c| ("equal-time".to_owned(), c.draw(WIDE))));
    files.extend(classes(evidence, insight, words).map(|c| ("classes".to_owned(), c.draw(WIDE))));
    files.extend(reliability(evidence, insight, words).map(|c| ("reliability".to_owned(), c.draw(WIDE))));
    if let Some(robustness) = &insight.robustness {
        let curves = [severities(evidence, robustness, words), occlusion(evidence, robustness, words)];
        files.extend(curves.into_iter().flatten().map(|c| (c.name.to_owned(), c.draw(WIDE, 420.0, words))));
        let chart = corruptions(evidence, robustness, words);
        files.extend(chart.map(|c| ("corruptions".to_owned(), c.draw(WIDE))));
    }
    let numbered = |kind: &str, recipe: &str| {
        let at = evidence.plan.recipes.iter().position(|r| r.name == recipe).map_or(0, |i| i + 1);
        format!("{kind}-{at:02}-{}", file_name(recipe))
    };
    if let Some(confused) = confused {
        for (index, counts) in confused.recipes.iter().enumerate() {
            files.push((numbered("confusion", &counts.recipe), confusion(evidence, confused, index, words)));
        }
    }
    for preview in &evidence.previews {
        let sheet = crate::sheet::contact_sheet(&preview.record, &preview.folder);
        files.push((numbered("contact-sheet", &preview.record.recipe), sheet));
    }
    files
}

/// A recipe's name as part of a file name on any system.
pub(crate) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.+".contains(c) { c } else { '_' }).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_hold_no_separator() {
        assert_eq!(file_name("../<a>/b c"), "..__a__b_c");
        assert_eq!(file_name("뒤집기 🐕"), "뒤집기__");
        assert_eq!(file_name(&"x".repeat(300)).len(), 60);
    }
}

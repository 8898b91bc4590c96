//! Differences from the baseline with their intervals: the picture of the answer.

use super::scale::{Scale, extent};
use crate::language::{Words, fill};
use crate::svg::{Anchor, Drawing, Name};
use crate::text::{Weight, fit, fit_name, width as text_width};
use crate::theme;
use bakeoff_stats::{Comparison, Direction, Measure, Unit, Verdict};

/// Below this width names and numbers stand above the bars instead of beside them.
const BESIDE_FROM: f64 = 640.0;

/// Marks that tell verdicts apart without colour.
pub(crate) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "▲",
        Verdict::Worse => "▼",
        Verdict::Equivalent => "≈",
        Verdict::Undecided => "○",
    }
}

/// `metric` is what is compared, in words; `margin` is in its unit, a fraction where it is an accuracy. `colour` gives a recipe's series index.
pub(crate) fn forest(
    comparisons: &[Comparison],
    (metric, baseline): (&str, &str),
    (measure, margin): (Measure, f64),
    colour: &dyn Fn(&str) -> Option<usize>,
    width: f64,
    words: &Words,
) -> Drawing {
    let beside = width >= BESIDE_FROM;
    let mut rows: Vec<&Comparison> = comparisons.iter().collect();
    // Largest effect on top; what has none keeps its order at the bottom.
    let gain = |c: &Comparison| c.mean.map_or(f64::NEG_INFINITY, |mean| measure.direction.gain(mean));
    rows.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
    let unit = measure.unit;
    let factor = if unit == Unit::Percent { 100.0 } else { 1.0 };

    let (top, bottom) = (34.0, 46.0);
    let row_height = if beside { 46.0 } else { 84.0 };
    let name_room = if beside {
        let widest = rows.iter().map(|c| text_width(&c.name, 14.0, Weight::SemiBold)).fold(0.0, f64::max);
        (widest + 24.0).clamp(90.0, 220.0)
    } else {
        10.0
    };
    let value_room = if beside { 240.0 } else { 10.0 };
    let (left, right) = (name_room, width - value_room);
    let height = top + row_height * rows.len().max(1) as f64 + bottom;
    let title = fill(words.forest_title, &[("metric", &metric), ("baseline", &baseline)]);
    let mut d = Drawing::new(width, height, title);
    let floor = height - bottom;

    let core = rows.iter().flat_map(|c| c.differences.iter().copied().chain(c.mean));
    let core =
        extent(core.chain([0.0, -margin * 1.4, margin * 1.4]), 0.06).unwrap_or([-1.0 / factor, 1.0 / factor]);
    // An interval of two seeds can be a hundred times as long as everything else: it is cut and marked as cut.
    let reach = 2.5 * (core[1] - core[0]);
    let ends = rows.iter().filter_map(|c| c.interval).flat_map(|i| [i.low, i.high]);
    let ends = ends.map(|end| end.clamp(core[0] - reach, core[1] + reach));
    let range = extent(ends.chain(core), 0.03).unwrap_or(core);
    let x = Scale::new(range.map(|v| v * factor), [left + 6.0, right - 6.0]);
    let at = |value: f64| x.at(value * factor);

    if margin > 0.0 {
        d.rect("zone", [at(-margin), top - 4.0, at(margin) - at(-margin), floor - top + 4.0], 0.0);
    }
    let (ticks, digits) = x.ticks(if beside { 8 } else { 5 });
    for tick in ticks {
        let place = x.at(tick);
        d.line("grid", (place, top), (place, floor));
        d.text("tick", (place, floor + 17.0), Anchor::Middle, &unit.signed(tick / factor, digits));
    }
    d.line("axis", (left, floor), (right, floor));
    d.line("zero", (at(0.0), top - 4.0), (at(0.0), floor));
    let name = fit_name(baseline, 12.0, Weight::Regular, if beside { 110.0 } else { 70.0 });
    let sides = match measure.direction {
        Direction::HigherIsBetter => [words.forest_worse, words.forest_better],
        Direction::LowerIsBetter => [words.forest_better_left, words.forest_worse_right],
    };
    let [left_side, right_side] = sides.map(|text| fill(text, &[("baseline", &name)]));
    // Where names stand above the bars, zero may leave no room on one of its sides: the outer edges always do.
    let (left_place, right_place) = if beside {
        ((at(0.0) - 10.0, Anchor::End), (at(0.0) + 10.0, Anchor::Start))
    } else {
        ((6.0, Anchor::Start), (width - 6.0, Anchor::End))
    };
    d.text("note", (left_place.0, top - 14.0), left_place.1, &left_side);
    d.text("note", (right_place.0, top - 14.0), right_place.1, &right_side);
    let below = match (margin > 0.0, unit) {
        (true, Unit::Percent) => {
            let margin = unit.number(margin, 2);
            let margin = margin.trim_end_matches('0').trim_end_matches('.');
            fill(words.forest_axis_margin, &[("metric", &metric), ("margin", &margin)])
        }
        (true, Unit::Plain) => {
            fill(words.forest_axis_margin_plain, &[("metric", &metric), ("margin", &margin)])
        }
        (false, Unit::Percent) => fill(words.forest_axis, &[("metric", &metric)]),
        (false, Unit::Plain) => fill(words.forest_axis_plain, &[("metric", &metric)]),
    };
    let below = fit(&below, 12.0, Weight::Regular, width - 8.0);
    let centre = ((left + right) / 2.0).clamp(
        text_width(&below, 12.0, Weight::Regular) / 2.0 + 4.0,
        width - text_width(&below, 12.0, Weight::Regular) / 2.0 - 4.0,
    );
    d.text("note", (centre, floor + 38.0), Anchor::Middle, &below);

    for (row, c) in rows.iter().enumerate() {
        let line_top = top + row_height * row as f64;
        let middle = if beside { line_top + row_height / 2.0 } else { line_top + 56.0 };
        let text_line = if beside { middle + 4.5 } else { line_top + 18.0 };
        let class = theme::series_class(colour(&c.name));
        d.open_group("row");
        let word = format!("{} {}", mark(c.verdict), words.verdict(c.verdict));
        let verdict_room = text_width(&word, 13.0, Weight::SemiBold);
        let room = if beside { name_room - 16.0 } else { width - verdict_room - 28.0 };
        let (anchor, name_at) = if beside { (Anchor::End, left - 14.0) } else { (Anchor::Start, 6.0) };
        let name = Name { text: &c.name, size: 14.0, weight: Weight::SemiBold, room };
        d.name("strong", (name_at, text_line), anchor, &name);
        // Numbers: beside the bar, or on a line of their own between name and bar.
        let numbers = if beside { (right + 16.0, text_line) } else { (6.0, text_line + 18.0) };
        let (Some(mean), Some(interval)) = (c.mean, c.interval) else {
            let why = match c.seeds.len() {
                0 => words.forest_no_seed,
                _ => words.forest_one_seed,
            };
            if let Some(mean) = c.mean {
                d.circle(&format!("hollow k-{class}"), (at(mean), middle), 5.0);
            }
            d.text("note", numbers, Anchor::Start, why);
            d.close_group();
            continue;
        };
        let (low, high) = (interval.low.max(range[0]), interval.high.min(range[1]));
        d.line(&format!("whisker k-{class}"), (at(low), middle), (at(high), middle));
        for (cut, end, back) in
            [(interval.low < range[0], at(low), 7.0), (interval.high > range[1], at(high), -7.0)]
        {
            if cut {
                let tip = [(end + back, middle - 6.0), (end, middle), (end + back, middle + 6.0)];
                d.polyline(&format!("line k-{class}"), &tip, "");
            }
        }
        for &difference in &c.differences {
            d.circle(&format!("seed f-{class}"), (at(difference), middle + 12.0), 3.0);
        }
        if c.verdict == Verdict::Undecided {
            d.circle(&format!("hollow k-{class}"), (at(mean), middle), 5.5);
        } else {
            d.circle(&format!("halo f-{class}"), (at(mean), middle), 6.5);
        }
        let digits = unit.decimals((interval.high - interval.low) / 2.0);
        let number = unit.signed(mean, digits);
        let limits =
            format!("[{}, {}]", unit.signed(interval.low, digits), unit.signed(interval.high, digits));
        let seeds = c
            .seeds
            .iter()
            .zip(&c.differences)
            .map(|(s, d)| format!("{s}: {}", unit.signed(*d, digits.max(2))));
        d.title(&format!("{}  {number} {limits}\n{}", c.name, seeds.collect::<Vec<_>>().join(" · ")));
        let class_of = c.verdict.word();
        let (number_at, limits_at) = if beside {
            ((numbers.0 + 40.0, Anchor::End), numbers.0 + 48.0)
        } else {
            let after = text_width(&number, 13.0, Weight::SemiBold) + 8.0;
            ((numbers.0, Anchor::Start), numbers.0 + after)
        };
        d.text("strong", (number_at.0, numbers.1), number_at.1, &number);
        d.text("note", (limits_at, numbers.1), Anchor::Start, &limits);
        let edge = width - if beside { 8.0 } else { 6.0 };
        d.text(&format!("strong f-{class_of}"), (edge, text_line), Anchor::End, &word);
        d.close_group();
    }
    if rows.is_empty() {
        d.text("note", ((left + right) / 2.0, top + 26.0), Anchor::Middle, words.forest_empty);
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use bakeoff_stats::{Arm, Options, Run, compare};

    fn arm(name: &str, accuracies: &[f64]) -> Arm {
        let runs = accuracies.iter().zip(1..).map(|(&a, s)| Run::from_accuracy(s, a)).collect();
        Arm { name: name.into(), runs }
    }

    #[test]
    fn every_state_has_its_row_in_both_widths() {
        let base = arm("none", &[0.60, 0.61, 0.59, 0.605, 0.60, 0.595]);
        let others = [
            arm("one-seed", &[0.7]),
            arm("better", &[0.64, 0.65, 0.62, 0.641, 0.64, 0.633]),
            arm("none-yet", &[]),
            arm("two-seeds", &[0.5, 0.7]),
        ];
        let comparisons = compare(&base, &others, &Options::default()).unwrap();
        for width in [960.0, 400.0] {
            let svg = forest(
                &comparisons,
                ("accuracy", "none"),
                (Measure::default(), 0.005),
                &|_| Some(1),
                width,
                Language::English.words(),
            )
            .inline("");
            for text in
                ["▲ better", "○ undecided", "no finished seed in common", "one seed in common: no interval"]
            {
                assert!(svg.contains(text), "{text} at {width}");
            }
            // Both sides are named, and the interval of what has one is told, however narrow the picture is.
            assert!(svg.contains("← worse than none") && svg.contains("better than none →"), "{width}");
            assert!(svg.contains(">[+"), "{width}: {svg}");
            // Largest effect first.
            assert!(svg.find(">one-seed<").unwrap() < svg.find(">better<").unwrap());
            assert!(!svg.contains("NaN"));
        }
    }

    #[test]
    fn an_interval_beyond_all_else_is_cut_and_marked() {
        let base = arm("none", &[0.60, 0.61]);
        let comparisons = compare(&base, &[arm("x", &[0.60, 0.69])], &Options::default()).unwrap();
        let interval = comparisons[0].interval.unwrap();
        assert!(interval.high - interval.low > 1.0);
        let svg = forest(
            &comparisons,
            ("accuracy", "none"),
            (Measure::default(), 0.005),
            &|_| Some(0),
            960.0,
            Language::English.words(),
        )
        .inline("");
        assert_eq!(svg.matches("class=\"line k-c0\"").count(), 2, "an arrow at either end");
    }

    #[test]
    fn nothing_to_compare_says_so() {
        assert!(
            forest(
                &[],
                ("accuracy", "none"),
                (Measure::default(), 0.005),
                &|_| None,
                960.0,
                Language::English.words()
            )
            .inline("")
            .contains("no recipe to compare")
        );
    }
}

//! A quantity per epoch: mean over seeds as a line, the range of seeds as a band, names at the lines' ends.

use super::scale::{Scale, extent, spread};
use crate::language::{Words, fill};
use crate::svg::{Anchor, Drawing, Name};
use crate::text::{Weight, width as text_width};
use crate::theme;
use bakeoff_stats::wording::{points, signed_points};

/// One epoch of one recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Where it stands: the epoch, or the time.
    pub(crate) x: f64,
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) seeds: usize,
}

/// One recipe.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// `None`: the baseline.
    pub(crate) colour: Option<usize>,
    pub(crate) points: Vec<Point>,
}

/// What runs from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Across {
    /// Epochs, from 1.
    Epochs,
    /// Time, from 0, in this unit.
    Time(&'static str),
    /// Severities of damage, from 0 for none.
    Severity,
    /// Share of the image that is hidden, in percent.
    Hidden,
}

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Fractions, shown in percent.
    Percent,
    /// Differences of fractions, shown in points.
    Points,
    /// As they are.
    Plain,
}

/// A chart of curves.
#[derive(Clone, Debug)]
pub(crate) struct Curves {
    /// Name of its files, and of its values in the page's data.
    pub(crate) name: &'static str,
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    /// Above the vertical axis.
    pub(crate) label: String,
    pub(crate) unit: Unit,
    pub(crate) across: Across,
    pub(crate) series: Vec<Series>,
}

impl Curves {
    /// Whether there is anything to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.iter().all(|s| s.points.iter().all(|p| !p.mean.is_finite()))
    }

    /// There is nothing between whole numbers.
    fn is_stepped(&self) -> bool {
        matches!(self.across, Across::Epochs | Across::Severity)
    }

    /// Where the frame ends although curves go on: quantities without an upper end, of which a few values are so far above
    /// the rest (more than three times the distance of the quartiles above the upper one) that the rest would be flat.
    fn cut(&self) -> Option<f64> {
        if self.unit != Unit::Plain {
            return None;
        }
        let points = self.series.iter().flat_map(|s| &s.points);
        let mut values: Vec<f64> = points.map(|p| p.mean).filter(|v| v.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let quartile = |share: f64| values.get(((values.len().max(1) - 1) as f64 * share).round() as usize);
        let (lower, upper) = (*quartile(0.25)?, *quartile(0.75)?);
        let limit = upper + 3.0 * (upper - lower);
        let top = values.iter().copied().filter(|v| *v <= limit).fold(f64::NEG_INFINITY, f64::max);
        let all = self.series.iter().flat_map(|s| &s.points).flat_map(|p| [p.mean, p.high]);
        let highest = all.filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        let flat = highest - values.first()? > 2.5 * (top - values.first()?).max(f64::MIN_POSITIVE);
        (limit > lower && flat).then_some(top)
    }

    /// Whether curves go on beyond the frame.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut().is_some()
    }

    pub(crate) fn draw(&self, width: f64, height: f64, words: &Words) -> Drawing {
        let mut d = Drawing::new(width, height, self.title.as_str());
        let roomy = width >= 560.0;
        let label_size = if roomy { 13.0 } else { 12.0 };
        let label_room = {
            let names = self.series.iter().filter(|s| !s.points.is_empty());
            let widest = names.map(|s| text_width(&s.name, label_size, Weight::SemiBold)).fold(0.0, f64::max);
            (widest + 24.0).clamp(40.0, if roomy { 170.0 } else { 96.0 })
        };
        let (left, right, top, floor) = (46.0, width - label_room, 30.0, height - 42.0);
        let last = self.series.iter().flat_map(|s| s.points.iter().map(|p| p.x)).fold(0.0, f64::max);
        let across = match self.across {
            Across::Epochs if last <= 1.0 => [0.5, 1.5],
            Across::Epochs => [1.0, last],
            Across::Time(_) | Across::Severity | Across::Hidden => [0.0, last],
        };
        let x = Scale::new(across, [left + 6.0, right - 6.0]);
        let factor = if self.unit == Unit::Plain { 1.0 } else { 100.0 };
        let values = self.series.iter().flat_map(|s| &s.points).flat_map(|p| [p.low, p.high, p.mean]);
        let cut = self.cut().unwrap_or(f64::INFINITY);
        let values = values.filter(|v| *v <= cut);
        let least = values.clone().filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min);
        let [low, high] = extent(values, 0.05).unwrap_or([0.0, 1.0]);
        let (low, high) = match self.unit {
            Unit::Percent => (low.max(0.0), high.min(1.0)),
            Unit::Points => (low.min(0.0), high.max(0.0)),
            // Losses are above zero, and so is their frame.
            Unit::Plain if least >= 0.0 => (low.max(0.0), high),
            Unit::Plain => (low, high),
        };
        let y = Scale::new([low * factor, high * factor], [floor, top]);
        // Limits may lie beyond what there can be, as those of an accuracy from few seeds do: bands end at the frame.
        let place = |at: f64, value: f64| (x.at(at), y.at(value.max(low).min(high) * factor));

        d.open_group("y-ticks");
        let (ticks, digits) = y.ticks(((floor - top) / 52.0).round().max(3.0) as usize);
        for tick in ticks {
            d.line("grid", (left, y.at(tick)), (right, y.at(tick)));
            let text = match self.unit {
                Unit::Percent => points(tick / 100.0, digits),
                Unit::Points => signed_points(tick / 100.0, digits),
                Unit::Plain => format!("{tick:.digits$}"),
            };
            d.text("tick", (left - 8.0, y.at(tick) + 4.0), Anchor::End, &text);
        }
        d.close_group();
        d.open_group("x-ticks");
        let (ticks, digits) = x.ticks(((right - left) / 80.0).round().clamp(2.0, 10.0) as usize);
        let (stepped, least) = (self.is_stepped(), if self.across == Across::Epochs { 1.0 } else { 0.0 });
        let whole = |t: &f64| (t - t.round()).abs() < 1e-9 && *t >= least;
        let digits = if stepped { 0 } else { digits };
        for tick in ticks.into_iter().filter(|t| !stepped || whole(t)) {
            d.line("axis", (x.at(tick), floor), (x.at(tick), floor + 4.0));
            d.text("tick", (x.at(tick), floor + 18.0), Anchor::Middle, &format!("{tick:.digits$}"));
        }
        d.close_group();
        d.line("axis", (left, floor), (right, floor));
        let (below, head) = match self.across {
            Across::Epochs => (words.epoch.to_owned(), words.at_epoch.to_owned()),
            Across::Time(unit) => {
                (fill(words.time_axis, &[("unit", &unit)]), fill(words.at_time, &[("unit", &unit)]))
            }
            Across::Severity => (words.severity_axis.to_owned(), words.at_severity.to_owned()),
            Across::Hidden => (words.hidden_axis.to_owned(), words.at_hidden.to_owned()),
        };
        d.text("note", ((left + right) / 2.0, floor + 36.0), Anchor::Middle, &below);
        d.text("head", (6.0, 14.0), Anchor::Start, &self.label);

        d.open_group("marks");
        // Bands below all lines, the baseline's line below the others'.
        let finite = |s: &Series| s.points.iter().filter(|p| p.mean.is_finite()).copied().collect::<Vec<_>>();
        for s in &self.series {
            let points = finite(s);
            if points.len() > 1 && points.iter().any(|p| p.seeds > 1) {
                let upper = points.iter().map(|p| place(p.x, p.high));
                let lower = points.iter().rev().map(|p| place(p.x, p.low));
                let class = theme::series_class(s.colour);
                d.polygon(
                    &format!("band f-{class} {}", toggle(s.colour)),
                    &upper.chain(lower).collect::<Vec<_>>(),
                );
            }
        }
        let mut order: Vec<&Series> = self.series.iter().collect();
        order.sort_by_key(|s| s.colour.is_some());
        let mut ends = Vec::new();
        for s in order {
            let points = finite(s);
            let class = theme::series_class(s.colour);
            let line: Vec<(f64, f64)> = points.iter().map(|p| place(p.x, p.mean)).collect();
            if line.len() > 1 {
                d.polyline(&format!("line k-{class} {}", toggle(s.colour)), &line, theme::dashes(s.colour));
            }
            // A line of one point is invisible; few points are easier to compare when marked.
            let marked = if points.len() <= 15 && roomy { line.len() } else { usize::from(line.len() == 1) };
            for &at in line.iter().take(marked) {
                d.circle(&format!("halo f-{class} {}", toggle(s.colour)), at, if roomy { 3.6 } else { 3.0 });
            }
            for p in points.iter().filter(|p| p.mean.max(p.high) > high && cut.is_finite()) {
                let (at, _) = place(p.x, high);
                d.open_group(&format!("beyond {}", toggle(s.colour)));
                let beyond = fill(&head, &[("x", &p.x)]);
                d.title(&format!("{}  {beyond}: {:.3} ({:.3} – {:.3})", s.name, p.mean, p.low, p.high));
                d.polygon(
                    &format!("f-{class}"),
                    &[(at - 5.0, top + 1.0), (at + 5.0, top + 1.0), (at, top - 8.0)],
                );
                d.close_group();
            }
            if let Some(&end) = line.last() {
                ends.push((s, end));
            }
        }
        d.close_group();
        d.open_group("ends");
        let wanted: Vec<f64> = ends.iter().map(|(_, (_, y))| *y).collect();
        let placed = spread(&wanted, label_size + 3.0, [top, floor]);
        for ((s, (end_x, end_y)), label_y) in ends.into_iter().zip(placed) {
            let class = theme::series_class(s.colour);
            let leader = [(end_x + 4.0, end_y), (right + 4.0, end_y), (right + 12.0, label_y)];
            d.polyline(&format!("leader k-{class} {}", toggle(s.colour)), &leader, "");
            let name =
                Name { text: &s.name, size: label_size, weight: Weight::SemiBold, room: label_room - 18.0 };
            let size = if roomy { "" } else { " tick" };
            let style = format!("strong{size} f-{class} {}", toggle(s.colour));
            d.name(&style, (right + 15.0, label_y + 4.5), Anchor::Start, &name);
        }
        d.close_group();
        if self.is_empty() {
            d.text(
                "note",
                ((left + right) / 2.0, (top + floor) / 2.0),
                Anchor::Middle,
                words.nothing_measured,
            );
        }

        // What the page's script needs to show values under the pointer and to zoom.
        d.attribute("data-plot", self.name);
        let frame = [left + 6.0, right - 6.0, top, floor, across[0], across[1], low, high];
        d.attribute("data-frame", &serde_json::json!(frame).to_string());
        d.attribute("data-head", &head);
        d.attribute("data-seeds", words.of_seeds);
        d
    }

    /// The values, for the page's script.
    pub(crate) fn data(&self) -> serde_json::Value {
        let short = |value: f64| (value * 1e5).round() / 1e5;
        let series = self.series.iter().map(|s| {
            let points: Vec<&Point> = s.points.iter().filter(|p| p.mean.is_finite()).collect();
            let list = |pick: fn(&Point) -> f64| points.iter().map(|p| short(pick(p))).collect::<Vec<_>>();
            serde_json::json!({
                "name": s.name,
                "class": theme::series_class(s.colour),
                "toggle": toggle(s.colour),
                "x": list(|p| p.x),
                "mean": list(|p| p.mean),
                "low": list(|p| p.low),
                "high": list(|p| p.high),
                "n": points.iter().map(|p| p.seeds).collect::<Vec<_>>(),
            })
        });
        let series: Vec<_> = series.collect();
        serde_json::json!({
            "factor": if self.unit == Unit::Plain { 1 } else { 100 },
            "suffix": if self.unit == Unit::Percent { "\u{a0}%" } else { "" },
            "whole": self.is_stepped(),
            "series": series,
        })
    }
}

/// Class by which a recipe is shown and hidden.
pub(crate) fn toggle(colour: Option<usize>) -> String {
    colour.map_or_else(|| "s-base".into(), |i| format!("s-{i}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn series(name: &str, colour: Option<usize>, means: &[f64]) -> Series {
        let point = |(mean, epoch): (&f64, u32)| Point {
            x: epoch.into(),
            mean: *mean,
            low: mean - 0.02,
            high: mean + 0.02,
            seeds: 3,
        };
        Series { name: name.into(), colour, points: means.iter().zip(1..).map(point).collect() }
    }

    fn chart(series: Vec<Series>) -> Curves {
        Curves {
            name: "test",
            title: "Validation accuracy".into(),
            label: "%".into(),
            unit: Unit::Percent,
            across: Across::Epochs,
            series,
        }
    }

    #[test]
    fn each_recipe_has_a_line_a_band_and_its_name_at_the_end() {
        let svg = chart(vec![series("none", None, &[0.2, 0.3]), series("cutmix", Some(0), &[0.1, 0.35])])
            .draw(900.0, 400.0, Language::English.words())
            .inline("");
        assert_eq!((svg.matches("class=\"band").count(), svg.matches("class=\"line").count()), (2, 2));
        assert!(svg.contains(">none</text>") && svg.contains(">cutmix</text>"));
    }

    #[test]
    fn bands_beyond_what_can_be_end_at_the_frame() {
        let mut wide = series("none", None, &[0.2, 0.3]);
        wide.points.iter_mut().for_each(|point| (point.low, point.high) = (-4.0, 6.0));
        let svg = chart(vec![wide]).draw(900.0, 400.0, Language::English.words()).inline("");
        let band = &svg[svg.find("class=\"band").unwrap()..];
        let path = &band[band.find("d=\"M").unwrap() + 4..band.find('Z').unwrap()];
        let heights: Vec<f64> =
            path.split('L').map(|point| point.split(' ').nth(1).unwrap().parse().unwrap()).collect();
        assert_eq!(heights, [30.0, 30.0, 358.0, 358.0]);
    }

    #[test]
    fn an_epoch_far_above_all_others_does_not_flatten_the_rest() {
        let losses = [2.3, 1.4, 537.0, 1.1, 0.9, 0.8, 0.7, 0.65];
        let wild =
            chart(vec![series("none", None, &losses), series("mixup", Some(0), &[2.2, 1.5, 1.3, 1.2, 1.1])]);
        let wild = Curves { unit: Unit::Plain, ..wild };
        let svg = wild.draw(900.0, 400.0, Language::English.words()).inline("");
        assert!(
            wild.is_cut() && svg.contains("<title>none  Epoch 3: 537.000 (536.980 – 537.020)</title>"),
            "{svg}"
        );
        assert!(!svg.contains(">500<") && svg.matches("class=\"beyond").count() == 1, "{svg}");
        // A loss that begins high, as all do, is not cut; nor is what has an end of its own.
        let usual = chart(vec![series("none", None, &[4.6, 3.1, 2.2, 1.7, 1.4, 1.2, 1.1, 1.0])]);
        assert!(!Curves { unit: Unit::Plain, ..usual }.is_cut());
        assert!(!chart(vec![series("none", None, &[0.1, 0.1, 0.1, 0.1, 0.9])]).is_cut());
    }

    #[test]
    fn one_epoch_of_one_seed_is_a_dot() {
        let one = Series {
            name: "none".into(),
            colour: None,
            points: vec![Point { x: 1.0, mean: 0.2, low: 0.2, high: 0.2, seeds: 1 }],
        };
        let svg = chart(vec![one]).draw(900.0, 400.0, Language::English.words()).inline("");
        assert!(svg.contains("<circle") && !svg.contains("class=\"band") && !svg.contains("class=\"line"));
    }

    #[test]
    fn no_values_and_values_that_are_not_numbers_draw_an_empty_frame() {
        for series in
            [vec![], vec![series("none", None, &[f64::NAN, f64::NAN])], vec![series("none", None, &[])]]
        {
            let chart = chart(series);
            assert!(chart.is_empty());
            let svg = chart.draw(300.0, 200.0, Language::English.words()).inline("");
            assert!(svg.contains("nothing measured yet") && !svg.contains("NaN"), "{svg}");
        }
    }

    #[test]
    fn a_gap_in_the_middle_does_not_become_a_zero() {
        let chart = chart(vec![series("none", None, &[0.2, f64::NAN, 0.4])]);
        assert_eq!(chart.data()["series"][0]["x"], serde_json::json!([1.0, 3.0]));
        let svg = chart.draw(900.0, 400.0, Language::English.words());
        assert_eq!(svg.inline("").matches("<circle").count(), 2);
    }

    #[test]
    fn hostile_names_stay_inside_the_data_attribute() {
        let svg = chart(vec![series("\"><script>alert(1)</script>", Some(0), &[0.1, 0.2])])
            .draw(900.0, 400.0, Language::English.words())
            .inline("");
        assert!(!svg.contains("<script") && !svg.contains("\"><s"));
    }
}

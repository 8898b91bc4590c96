//! Differences with their intervals, many at a time: rows of marks around zero, in blocks side by side where there is room.

use super::scale::{Scale, extent};
use crate::svg::{Anchor, Drawing, Name};
use crate::text::{Weight, fit, width as text_width};
use crate::theme;
use bakeoff_stats::Unit;

/// Blocks stand side by side from this width on.
const BESIDE_FROM: f64 = 720.0;
const ROW: f64 = 19.0;

/// A difference, in the unit of the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) mean: f64,
    /// Limits of its interval.
    pub(crate) limits: Option<[f64; 2]>,
    /// Filled where something is claimed, hollow where not.
    pub(crate) filled: bool,
}

/// One name, and what is said of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// `None`: the baseline's colour.
    pub(crate) colour: Option<usize>,
    pub(crate) marks: Vec<Mark>,
}

/// Rows under a heading.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Empty: no heading.
    pub(crate) heading: String,
    pub(crate) rows: Vec<Row>,
}

/// The chart; all blocks share one scale.
#[derive(Clone, Debug)]
pub(crate) struct Intervals {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    /// Below each block.
    pub(crate) axis: String,
    /// Of all marks.
    pub(crate) unit: Unit,
    /// What filled and hollow marks are; empty: nothing is said.
    pub(crate) key: [String; 2],
    pub(crate) blocks: Vec<Block>,
}

impl Intervals {
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.iter().all(|b| b.rows.iter().all(|r| r.marks.is_empty()))
    }

    fn height_of(block: &Block) -> f64 {
        let marks: usize = block.rows.iter().map(|row| row.marks.len().max(1)).sum();
        let several = block.rows.iter().any(|row| row.marks.len() > 1);
        let between = if several { 8.0 * block.rows.len() as f64 } else { 0.0 };
        (if block.heading.is_empty() { 6.0 } else { 34.0 }) + marks as f64 * ROW + between + 50.0
    }

    /// Columns that blocks are dealt into, in order.
    fn columns(&self, width: f64) -> usize {
        if width >= BESIDE_FROM && self.blocks.len() > 1 { 2 } else { 1 }
    }

    pub(crate) fn draw(&self, width: f64) -> Drawing {
        let columns = self.columns(width);
        let key_height = if self.key[0].is_empty() { 0.0 } else { 26.0 };
        // Blocks of a line begin at the same height.
        let lines: Vec<&[Block]> = self.blocks.chunks(columns).collect();
        let heights: Vec<f64> =
            lines.iter().map(|line| line.iter().map(Self::height_of).fold(0.0, f64::max)).collect();
        let mut d =
            Drawing::new(width, key_height + heights.iter().sum::<f64>().max(40.0), self.title.as_str());
        if !self.key[0].is_empty() {
            let mut x = 10.0;
            for (text, filled) in self.key.iter().zip([true, false]) {
                self.dot(&mut d, "base", (x, 9.0), filled);
                d.text("note", (x + 10.0, 13.0), Anchor::Start, text);
                x += text_width(text, 12.0, Weight::Regular) + 34.0;
            }
        }
        let marks = || self.blocks.iter().flat_map(|b| &b.rows).flat_map(|r| &r.marks);
        let core = extent(marks().map(|m| m.mean).chain([0.0]), 0.08).unwrap_or([-0.01, 0.01]);
        // An interval of two seeds can be a hundred times as long as everything else: it is cut.
        let reach = 1.5 * (core[1] - core[0]).max(0.01);
        let ends = marks().filter_map(|m| m.limits).flatten();
        let ends = ends.map(|end| end.clamp(core[0] - reach, core[1] + reach));
        let range = extent(ends.chain(core), 0.02).unwrap_or(core);

        let gap = 40.0;
        let room = (width - gap * (columns - 1) as f64) / columns as f64;
        let mut top = key_height;
        for (line, height) in lines.iter().zip(&heights) {
            for (column, block) in line.iter().enumerate() {
                self.block(&mut d, block, [column as f64 * (room + gap), top, room], range);
            }
            top += height;
        }
        d
    }

    fn dot(&self, d: &mut Drawing, class: &str, at: (f64, f64), filled: bool) {
        let class = if filled { format!("halo f-{class}") } else { format!("hollow k-{class}") };
        d.circle(&class, at, if filled { 5.0 } else { 4.0 });
    }

    fn block(&self, d: &mut Drawing, block: &Block, [from, top, room]: [f64; 3], range: [f64; 2]) {
        // The same for all blocks, so that they can be compared across.
        let rows = self.blocks.iter().flat_map(|b| &b.rows);
        let widest = rows.map(|r| text_width(&r.name, 13.0, Weight::Regular)).fold(0.0, f64::max);
        let names = (widest + 18.0).clamp(60.0, room * 0.4);
        let numbers = 44.0;
        let (left, right) = (from + names, from + room - numbers);
        let factor = if self.unit == Unit::Percent { 100.0 } else { 1.0 };
        let x = Scale::new(range.map(|v| v * factor), [left + 4.0, right - 4.0]);
        let at = |value: f64| x.at(value * factor);
        let mut y = top + 6.0;
        if !block.heading.is_empty() {
            let name = Name { text: &block.heading, size: 13.0, weight: Weight::SemiBold, room };
            d.name("strong", (from, y + 12.0), Anchor::Start, &name);
            y += 28.0;
        }
        let several = block.rows.iter().any(|row| row.marks.len() > 1);
        let floor = top + Self::height_of(block) - 44.0;
        let (ticks, digits) = x.ticks(((right - left) / 46.0).round().clamp(2.0, 8.0) as usize);
        for tick in ticks {
            d.line("grid", (x.at(tick), y - 4.0), (x.at(tick), floor));
            d.text(
                "tick",
                (x.at(tick), floor + 16.0),
                Anchor::Middle,
                &self.unit.signed(tick / factor, digits),
            );
        }
        d.line("axis", (left, floor), (right, floor));
        d.line("zero", (at(0.0), y - 4.0), (at(0.0), floor));
        let axis = fit(&self.axis, 12.0, Weight::Regular, room);
        let half = text_width(&axis, 12.0, Weight::Regular) / 2.0;
        let centre = ((left + right) / 2.0).clamp(from + half, (from + room - half).max(from + half));
        d.text("note", (centre, floor + 33.0), Anchor::Middle, &axis);
        for row in &block.rows {
            let class = theme::series_class(row.colour);
            d.open_group("row");
            let told: Vec<String> =
                row.marks.iter().map(|m| told(m, row.marks.len() > 1, &self.key, self.unit)).collect();
            d.title(&format!("{}  {}", row.name, told.join("; ")));
            let height = row.marks.len().max(1) as f64 * ROW;
            let name = Name { text: &row.name, size: 13.0, weight: Weight::Regular, room: names - 12.0 };
            d.name("", (left - 10.0, y + height / 2.0 + 4.5), Anchor::End, &name);
            for (k, mark) in row.marks.iter().enumerate() {
                let middle = y + (k as f64 + 0.5) * ROW;
                if let Some([low, high]) = mark.limits {
                    let ends = [low.max(range[0]), high.min(range[1])].map(at);
                    d.line(&format!("thin k-{class}"), (ends[0], middle), (ends[1], middle));
                }
                self.dot(d, &class, (at(mark.mean.clamp(range[0], range[1])), middle), mark.filled);
                let number = short(mark, self.unit);
                let weight = if mark.filled { "strong tick" } else { "tick" };
                d.text(weight, (from + room, middle + 4.0), Anchor::End, &number);
            }
            d.close_group();
            y += height + if several { 8.0 } else { 0.0 };
        }
    }
}

/// The number of a mark alone.
fn short(mark: &Mark, unit: Unit) -> String {
    let digits = match (unit, mark.limits) {
        (Unit::Percent, _) => 1,
        (Unit::Plain, Some([low, high])) => unit.decimals((high - low) / 2.0),
        (Unit::Plain, None) => unit.places(mark.mean),
    };
    unit.signed(mark.mean, digits)
}

/// A mark in numbers.
fn told(mark: &Mark, several: bool, key: &[String; 2], unit: Unit) -> String {
    let kind = if several { format!("{}: ", key[usize::from(!mark.filled)]) } else { String::new() };
    let Some([low, high]) = mark.limits else { return format!("{kind}{}", short(mark, unit)) };
    let digits = unit.decimals((high - low) / 2.0);
    let [mean, low, high] = [mark.mean, low, high].map(|v| unit.signed(v, digits));
    format!("{kind}{mean} [{low}, {high}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(blocks: usize) -> Intervals {
        let row = |name: &str, mean: f64, limits| Row {
            name: name.into(),
            colour: Some(0),
            marks: vec![Mark { mean, limits, filled: mean > 0.0 }],
        };
        let block = |k: usize| Block {
            heading: format!("recipe {k}"),
            rows: vec![
                row("pug", 0.05, Some([0.01, 0.09])),
                row("<b>", -0.02, None),
                row("wide", 0.0, Some([-9.0, 9.0])),
            ],
        };
        Intervals {
            title: "t".into(),
            axis: "points".into(),
            unit: Unit::Percent,
            key: [String::new(), String::new()],
            blocks: (0..blocks).map(block).collect(),
        }
    }

    #[test]
    fn every_row_has_its_mark_and_its_number_in_both_widths() {
        for width in [960.0, 400.0] {
            let svg = chart(3).draw(width).inline("");
            assert_eq!((svg.matches("class=\"halo").count(), svg.matches("class=\"hollow").count()), (3, 6));
            assert!(
                svg.contains(">+5.0</text>") && svg.contains(">−2.0</text>") && svg.contains("&lt;b&gt;")
            );
            assert!(svg.contains("pug  +5.0 [+1.0, +9.0]") && !svg.contains("NaN"));
        }
        assert!(chart(3).draw(400.0).height > 1.4 * chart(3).draw(960.0).height);
    }

    #[test]
    fn an_interval_beyond_all_else_is_cut_at_the_edge() {
        let svg = chart(1).draw(400.0).inline("");
        let lines = svg.split("class=\"thin").skip(1).map(|rest| rest.split("x1=\"").nth(1).unwrap());
        for line in lines {
            let x: f64 = line.split('"').next().unwrap().parse().unwrap();
            assert!((0.0..400.0).contains(&x), "{x}");
        }
    }

    #[test]
    fn nothing_to_draw_is_known() {
        assert!(chart(0).is_empty() && !chart(1).is_empty());
        assert!(!chart(0).draw(960.0).inline("").contains("NaN"));
    }
}

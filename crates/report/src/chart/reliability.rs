//! Reliability diagrams: how often a network is right when it is so and so sure.

use super::scale::Scale;
use crate::svg::{Anchor, Drawing, Name};
use crate::text::{Weight, fit};
use crate::theme;
use bakeoff_stats::metric::Bin;

/// Predictions below which a point may lie anywhere: it is drawn pale, and the line does not lean on it.
pub(crate) const FEW: usize = 10;

/// One recipe.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) name: String,
    /// `None`: the baseline.
    pub(crate) colour: Option<usize>,
    pub(crate) bins: Vec<Bin>,
    /// A line below the name.
    pub(crate) note: String,
}

/// A panel a recipe.
#[derive(Clone, Debug)]
pub(crate) struct Reliability {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    /// Confidence, and share of right predictions.
    pub(crate) axes: [String; 2],
    pub(crate) panels: Vec<Panel>,
}

impl Reliability {
    pub(crate) fn draw(&self, width: f64) -> Drawing {
        let gap = 28.0;
        // As few lines as there is room for, and these evenly filled.
        let most = (((width + gap) / (162.0 + gap)).floor() as usize).max(1);
        let columns = self.panels.len().div_ceil(self.panels.len().div_ceil(most).max(1)).max(1);
        let room = ((width + gap) / columns as f64 - gap).min(300.0);
        let (left, right, head, foot) = (34.0, 12.0, 44.0, 44.0);
        let side = room - left - right;
        let height = head + side + foot;
        let rows = self.panels.len().div_ceil(columns).max(1);
        let mut d = Drawing::new(width, rows as f64 * height, self.title.as_str());
        for (index, panel) in self.panels.iter().enumerate() {
            let x0 = (index % columns) as f64 * (room + gap) + left;
            let y0 = (index / columns) as f64 * height + head;
            let (x, y) = (Scale::new([0.0, 1.0], [x0, x0 + side]), Scale::new([0.0, 1.0], [y0 + side, y0]));
            let class = theme::series_class(panel.colour);
            d.open_group("panel");
            d.title(&told(panel));
            let name = Name { text: &panel.name, size: 13.0, weight: Weight::SemiBold, room: side };
            d.name(&format!("strong f-{class}"), (x0, y0 - 26.0), Anchor::Start, &name);
            d.text("note", (x0, y0 - 9.0), Anchor::Start, &fit(&panel.note, 12.0, Weight::Regular, side));
            for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                d.line("grid", (x0, y.at(tick)), (x0 + side, y.at(tick)));
                if tick != 0.25 && tick != 0.75 {
                    let text = format!("{:.0}", tick * 100.0);
                    d.text("tick", (x0 - 6.0, y.at(tick) + 4.0), Anchor::End, &text);
                    d.text("tick", (x.at(tick), y0 + side + 16.0), Anchor::Middle, &text);
                }
            }
            d.rect("frame", [x0, y0, side, side], 0.0);
            let all: usize = panel.bins.iter().map(|bin| bin.count).sum();
            let share = |bin: &Bin| bin.count as f64 / all.max(1) as f64;
            let most = panel.bins.iter().map(share).fold(0.0, f64::max);
            for bin in panel.bins.iter().filter(|bin| bin.count > 0) {
                // How many predictions there are: a fifth of the height for the fullest bin.
                let tall = if most > 0.0 { share(bin) / most * side * 0.2 } else { 0.0 };
                let (from, to) = (x.at(bin.low) + 0.5, x.at(bin.high) - 0.5);
                d.rect(&format!("band f-{class}"), [from, y0 + side - tall, to - from, tall], 0.0);
            }
            d.polyline("zero", &[(x0, y0 + side), (x0 + side, y0)], "4 4");
            let points: Vec<((f64, f64), &Bin)> = panel
                .bins
                .iter()
                .filter_map(|bin| Some(((x.at(bin.confidence?), y.at(bin.accuracy?)), bin)))
                .collect();
            let line: Vec<(f64, f64)> =
                points.iter().filter(|(_, bin)| bin.count >= FEW).map(|&(at, _)| at).collect();
            if line.len() > 1 {
                d.polyline(&format!("line k-{class}"), &line, "");
            }
            for (at, bin) in points {
                // The area tells how much a point rests on, the shade whether that is anything.
                let radius = if most > 0.0 { (7.0 * (share(bin) / most).sqrt()).max(2.0) } else { 2.0 };
                let style = if bin.count < FEW { "seed" } else { "halo" };
                d.circle(&format!("{style} f-{class}"), at, radius);
            }
            let below = fit(&self.axes[0], 12.0, Weight::Regular, side + left);
            d.text("note", (x0 + side / 2.0, y0 + side + 33.0), Anchor::Middle, &below);
            d.close_group();
        }
        d
    }
}

/// A panel in words: for those who point at it, and those who do not see it.
fn told(panel: &Panel) -> String {
    let percent = |v: f64| format!("{:.1}", v * 100.0);
    let bins = panel.bins.iter().filter_map(|bin| {
        Some(format!("{} → {} ({})", percent(bin.confidence?), percent(bin.accuracy?), bin.count))
    });
    format!("{}  {}\n{}", panel.name, panel.note, bins.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_a_recipe_and_a_point_a_bin_that_holds_predictions() {
        let bin = |k: usize, count| Bin {
            low: k as f64 / 4.0,
            high: (k + 1) as f64 / 4.0,
            count,
            confidence: (count > 0).then(|| (k as f64 + 0.5) / 4.0),
            accuracy: (count > 0).then(|| (k as f64 + 0.2) / 4.0),
        };
        let panel = |name: &str| Panel {
            name: name.into(),
            colour: None,
            bins: vec![bin(0, 0), bin(1, 1), bin(2, 50), bin(3, 12)],
            note: "ECE 3".into(),
        };
        let chart = Reliability {
            title: "t".into(),
            axes: ["sure".into(), "right".into()],
            panels: vec![panel("none"), panel("<i>"), panel("c")],
        };
        for width in [960.0, 400.0, 120.0] {
            let svg = chart.draw(width).inline("");
            assert_eq!(svg.matches("class=\"panel\"").count(), 3);
            // Of each panel one bin is of one prediction: pale, and not on the line.
            assert_eq!((svg.matches("class=\"halo").count(), svg.matches("class=\"seed").count()), (6, 3));
            assert!(!svg.contains("NaN") && svg.contains("&lt;i&gt;"));
        }
        let none = Reliability { panels: vec![], ..chart };
        assert!(!none.draw(960.0).inline("").contains("NaN"));
    }
}

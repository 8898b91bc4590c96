//! A recipe's seeds as dots on one line, for a table cell.

use super::scale::{Scale, extent};
use crate::language::{Words, fill};
use crate::svg::Drawing;
use crate::theme;
use bakeoff_stats::Unit;

/// Dots on a scale that all rows of the table share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip<'a> {
    pub(crate) name: &'a str,
    /// What the values are of.
    pub(crate) metric: &'a str,
    pub(crate) values: &'a [f64],
    pub(crate) mean: Option<f64>,
    pub(crate) range: [f64; 2],
    pub(crate) colour: Option<usize>,
    pub(crate) unit: Unit,
}

/// The shared scale; `None` where there is no value.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    extent(values, 0.04)
}

impl Strip<'_> {
    pub(crate) fn draw(&self, words: &Words) -> Drawing {
        let (width, height) = (120.0, 22.0);
        let values: Vec<String> =
            self.values.iter().map(|&v| self.unit.number(v, self.unit.places(v))).collect();
        let mut d = Drawing::new(
            width,
            height,
            fill(
                words.strip_title,
                &[("metric", &self.metric), ("name", &self.name), ("values", &values.join(", "))],
            ),
        );
        let x = Scale::new(self.range, [6.0, width - 6.0]);
        let class = theme::series_class(self.colour);
        d.line("axis", (0.0, height / 2.0), (width, height / 2.0));
        for &value in self.values {
            d.circle(&format!("seed f-{class}"), (x.at(value), height / 2.0), 3.5);
        }
        if let Some(mean) = self.mean {
            d.line(&format!("line k-{class}"), (x.at(mean), 3.0), (x.at(mean), height - 3.0));
        }
        d
    }
}

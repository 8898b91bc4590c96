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

/// The shared scale; `None` where there is no value. Of shares it ends at 0 and 100 %, and is at least a point long.
pub(crate) fn range(values: impl Iterator<Item = f64>, unit: Unit) -> Option<[f64; 2]> {
    let [low, high] = extent(values, 0.04)?;
    Some(match unit {
        Unit::Percent => {
            let length = (high - low).max(0.01);
            let low = ((low + high - length) / 2.0).max(0.0);
            let high = (low + length).min(1.0);
            [(high - length).max(0.0), high]
        }
        Unit::Plain => [low, high],
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_of_shares_ends_where_they_do() {
        let of = |values: &[f64], unit| range(values.iter().copied(), unit);
        assert_eq!(of(&[0.0, 1.0], Unit::Percent), Some([0.0, 1.0]));
        assert_eq!(of(&[1.0, 1.0], Unit::Percent), Some([0.99, 1.0]));
        assert_eq!(of(&[0.0], Unit::Percent), Some([0.0, 0.01]));
        assert_eq!(of(&[0.0, 1.0], Unit::Plain), Some([-0.04, 1.04]));
        assert_eq!(of(&[], Unit::Percent), None);
    }
}

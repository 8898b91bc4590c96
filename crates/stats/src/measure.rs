//! What is compared: which way is good, and how its numbers are shown.

use crate::wording;
use serde::{Deserialize, Serialize};

/// Which way is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Of accuracies.
    #[default]
    HigherIsBetter,
    /// Of losses and errors.
    LowerIsBetter,
}

impl Direction {
    /// A difference turned so that above zero is better.
    #[must_use]
    pub fn gain(self, difference: f64) -> f64 {
        match self {
            Self::HigherIsBetter => difference,
            Self::LowerIsBetter => -difference,
        }
    }
}

/// How numbers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Fractions in [0, 1]: percent for people, and their differences points.
    #[default]
    Percent,
    /// As they are, as losses are.
    Plain,
}

impl Unit {
    /// Decimals that show a difference known to ± `half_width` without pretending to more.
    #[must_use]
    pub fn decimals(self, half_width: f64) -> usize {
        match self {
            Self::Percent => wording::decimals(half_width),
            Self::Plain if half_width > 0.0 && half_width.is_finite() => {
                (1.0 - half_width.log10().floor()).clamp(0.0, 6.0) as usize
            }
            Self::Plain => 4,
        }
    }

    /// A number without its unit.
    #[must_use]
    pub fn number(self, value: f64, decimals: usize) -> String {
        wording::points(self.hundredth(value), decimals)
    }

    /// As [`Unit::number`], with a plus before what is above zero.
    #[must_use]
    pub fn signed(self, value: f64, decimals: usize) -> String {
        wording::signed_points(self.hundredth(value), decimals)
    }

    /// A difference with its unit: `3.1 points`, or the number alone.
    #[must_use]
    pub fn amount(self, value: f64, decimals: usize) -> String {
        let number = self.number(value, decimals);
        match self {
            Self::Percent => format!("{number} points"),
            Self::Plain => number,
        }
    }

    /// A size in words that never claims zero for what is not: `3.1 points`, `less than 0.05 points`.
    #[must_use]
    pub fn size(self, value: f64, decimals: usize) -> String {
        match self.vanishes(value, decimals) {
            Some(bound) => format!("less than {}", self.amount(bound, decimals + 1)),
            None => self.amount(value, decimals),
        }
    }

    /// The number below which a value is shown as zero, where it is so shown and is not.
    #[must_use]
    pub fn vanishes(self, value: f64, decimals: usize) -> Option<f64> {
        let shown = self.number(value.abs(), decimals);
        let bound = 0.5 * 10f64.powi(-(decimals as i32)) / if self == Self::Percent { 100.0 } else { 1.0 };
        (value != 0.0 && shown.chars().all(|c| c == '0' || c == '.')).then_some(bound)
    }

    /// A value with its unit: `61.20 %`, `0.6931`.
    #[must_use]
    pub fn value(self, value: f64) -> String {
        match self {
            Self::Percent => wording::percent(value, 2),
            Self::Plain => self.number(value, self.places(value)),
        }
    }

    /// Decimals of a value whose precision is not known.
    #[must_use]
    pub fn places(self, value: f64) -> usize {
        match self {
            Self::Percent => 2,
            Self::Plain if value.abs() >= 1_000.0 => 1,
            Self::Plain if value != 0.0 && value.abs() < 0.01 => 6,
            Self::Plain => 4,
        }
    }

    /// The wording of percents multiplies by a hundred.
    fn hundredth(self, value: f64) -> f64 {
        match self {
            Self::Percent => value,
            Self::Plain => value / 100.0,
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Which way is good.
    pub direction: Direction,
    /// How numbers are shown.
    pub unit: Unit,
}

impl Measure {
    /// An accuracy or the like.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_have_no_unit_and_as_many_decimals_as_they_are_known_to() {
        let plain = Unit::Plain;
        assert_eq!([0.02, 0.5, 3.0, 0.0003, 250.0].map(|w| plain.decimals(w)), [3, 2, 1, 5, 0]);
        assert_eq!(plain.signed(-0.0312, 3), "−0.031");
        assert_eq!(plain.amount(0.0312, 3), "0.031");
        assert_eq!(
            [plain.value(0.71234), plain.value(0.00123), plain.value(2345.678)],
            ["0.7123", "0.001230", "2345.7"]
        );
        assert_eq!(Unit::Percent.amount(0.031, 1), "3.1 points");
        assert_eq!(Unit::Percent.value(0.612), "61.20\u{a0}%");
    }

    #[test]
    fn what_is_not_zero_is_not_called_zero() {
        let percent = |value| Unit::Percent.size(value, 1);
        assert_eq!(
            [percent(0.0004), percent(0.0005), percent(0.0)],
            ["less than 0.05 points", "0.1 points", "0.0 points"]
        );
        assert_eq!(Unit::Percent.size(-0.00004, 2), "less than 0.005 points");
        assert_eq!(
            [Unit::Plain.size(0.0004, 3), Unit::Plain.size(0.3, 0)],
            ["less than 0.0005", "less than 0.5"]
        );
    }
}

//! Numbers as people and spreadsheets write them.

use std::collections::BTreeMap;
use std::fmt;

/// What stands between the whole part and the fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecimalSign {
    /// `0.5`
    #[default]
    Point,
    /// `0,5`
    Comma,
}

impl fmt::Display for DecimalSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Point => "decimal points",
            Self::Comma => "decimal commas",
        })
    }
}

/// A number, and whether a percent sign followed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// As written: 69.8 of `69.8 %`.
    pub value: f64,
    /// Whether a percent sign followed.
    pub percent: bool,
}

impl DecimalSign {
    /// The number of a cell; `None` where it is none. Thousands may be grouped, by the sign that is not the decimal one or by
    /// blanks; `inf` and `nan` are numbers.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Number> {
        let (text, percent) = without_percent(text);
        let (decimal, group) = match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        };
        let text = text.replace('\u{2212}', "-");
        let value = match Shape::of(&text) {
            None => {
                // `inf`, `nan`, and `1.#INF` and `1.#QNAN` of old Windows programs.
                let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
                let negative = text.starts_with('-');
                let value = match word.as_str() {
                    "inf" | "infinity" | "1.#inf" | "∞" => f64::INFINITY,
                    "nan" | "1.#qnan" | "1.#ind" | "1.#snan" => f64::NAN,
                    _ => return None,
                };
                if negative { -value } else { value }
            }
            Some(shape) => {
                if !shape.fits(decimal, group) {
                    return None;
                }
                let plain: String = text
                    .chars()
                    .filter(|&c| c != group && !is_blank(c) && c != '\'')
                    .map(|c| if c == decimal { '.' } else { c })
                    .collect();
                plain.parse().ok()?
            }
        };
        Some(Number { value, percent })
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

fn without_percent(text: &str) -> (&str, bool) {
    let text = text.trim();
    match text.strip_suffix(['%', '％', '٪']) {
        Some(number) => (number.trim_end(), true),
        None => (text, false),
    }
}

/// How a number is written: digits, between signs that may be decimal signs or group thousands.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    /// How many digits each stretch has.
    digits: Vec<usize>,
    /// Whether the first stretch is `0`, which groups no thousands.
    zero: bool,
    /// What stands between the stretches.
    signs: Vec<char>,
    exponent: bool,
}

impl Shape {
    fn of(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            None => (text, false),
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                (mantissa, true)
            }
        };
        let mut shape =
            Self { digits: vec![0], zero: mantissa.starts_with('0'), signs: Vec::new(), exponent };
        for c in mantissa.chars() {
            if c.is_ascii_digit() {
                *shape.digits.last_mut()? += 1;
            } else if matches!(c, '.' | ',' | '\'') || is_blank(c) {
                shape.signs.push(if is_blank(c) { ' ' } else { c });
                shape.digits.push(0);
            } else {
                return None;
            }
        }
        // `.5` and `5.` are numbers, `.` is none.
        (shape.digits.iter().sum::<usize>() > 0).then_some(shape)
    }

    /// Whether it is a number with these signs.
    fn fits(&self, decimal: char, group: char) -> bool {
        let Some((last, before)) = self.signs.split_last() else { return true };
        let groups = if *last == decimal { before } else { &self.signs[..] };
        let Some(&first) = groups.first() else { return true };
        let grouped = &self.digits[..=groups.len()];
        groups.iter().all(|sign| *sign == first && *sign != decimal)
            && (first == group || matches!(first, ' ' | '\''))
            && (1..=3).contains(&grouped[0])
            && !self.zero
            && grouped[1..].iter().all(|&digits| digits == 3)
            && (*last == decimal || !self.exponent)
    }
}

/// Cells of one column that tell its decimal sign, with their lines.
#[derive(Clone, Debug, Default)]
struct DecimalEvidence {
    point: Option<(u64, String)>,
    comma: Option<(u64, String)>,
    /// `1,234`: a comma that could be either.
    either: Option<(u64, String)>,
}

/// Cells that do not tell how numbers are written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// Cells that contradict each other.
    #[error("`{other}` of line {other_line} is written with a {}, `{cell}` with a {}; write all numbers with points", if *.comma { "decimal point" } else { "decimal comma" }, if *.comma { "decimal comma" } else { "decimal point" })]
    Mixed {
        /// 1-based.
        line: u64,
        /// The cell that came later.
        cell: String,
        /// Whether that one has the decimal comma.
        comma: bool,
        /// 1-based.
        other_line: u64,
        /// The one that came first.
        other: String,
    },
    /// A cell with two readings.
    #[error(
        "`{cell}` could be {decimal} with a decimal comma or {thousands} with its thousands grouped, and no other cell tells; write {decimal} or {thousands}"
    )]
    Ambiguous {
        /// 1-based.
        line: u64,
        /// The cell.
        cell: String,
        /// With a decimal comma.
        decimal: String,
        /// With grouped thousands.
        thousands: String,
    },
}

impl DecimalError {
    /// The line of the cell, 1-based.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Mixed { line, .. } | Self::Ambiguous { line, .. } => *line,
        }
    }
}

/// Finds out column by column whether numbers are written with decimal points or commas. Cells that are no numbers say
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct DecimalSigns {
    columns: BTreeMap<usize, DecimalEvidence>,
}

impl DecimalSigns {
    /// Takes a cell into account.
    pub fn see(&mut self, column: usize, line: u64, cell: &str) {
        if !cell.contains(['.', ',']) {
            return;
        }
        let (text, _) = without_percent(cell);
        let text = text.replace('\u{2212}', "-");
        let Some(shape) = Shape::of(&text) else { return };
        let (point, comma) = (shape.fits('.', ','), shape.fits(',', '.'));
        let column = self.columns.entry(column).or_default();
        let place = match (point, comma) {
            (true, false) => &mut column.point,
            (false, true) => &mut column.comma,
            // A point that could group thousands is a decimal point unless other cells have decimal commas.
            (true, true) if shape.signs.contains(&',') => &mut column.either,
            _ => return,
        };
        place.get_or_insert_with(|| (line, cell.to_owned()));
    }

    /// The decimal sign of a column; where its cells leave it open, that of the other columns; else a point.
    ///
    /// # Errors
    /// Cells contradict each other, or one has two readings.
    pub fn of(&self, column: usize) -> Result<DecimalSign, DecimalError> {
        let none = DecimalEvidence::default();
        let evidence = self.columns.get(&column).unwrap_or(&none);
        match (&evidence.point, &evidence.comma) {
            (Some(point), Some(comma)) => {
                let comma_later = comma.0 >= point.0;
                let ((line, cell), (other_line, other)) =
                    if comma_later { (comma, point) } else { (point, comma) };
                Err(DecimalError::Mixed {
                    line: *line,
                    cell: cell.clone(),
                    comma: comma_later,
                    other_line: *other_line,
                    other: other.clone(),
                })
            }
            (Some(_), None) => Ok(DecimalSign::Point),
            (None, Some(_)) => Ok(DecimalSign::Comma),
            (None, None) => {
                let points = self.columns.values().any(|other| other.point.is_some());
                let commas = self.columns.values().any(|other| other.comma.is_some());
                match (points, commas, &evidence.either) {
                    (false, true, _) => Ok(DecimalSign::Comma),
                    (true, false, _) | (_, _, None) => Ok(DecimalSign::Point),
                    (_, _, Some((line, cell))) => {
                        let value = |sign: DecimalSign| {
                            sign.read(cell).map_or_else(String::new, |number| number.value.to_string())
                        };
                        Err(DecimalError::Ambiguous {
                            line: *line,
                            cell: cell.clone(),
                            decimal: value(DecimalSign::Comma),
                            thousands: value(DecimalSign::Point),
                        })
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        use DecimalSign::{Comma, Point};
        for (sign, text, value) in [
            (Point, "0.5", Some(0.5)),
            (Point, "-1.5e-3", Some(-0.0015)),
            (Point, ".5", Some(0.5)),
            (Point, "5.", Some(5.0)),
            (Point, "1,234", Some(1234.0)),
            (Point, "1,234,567.25", Some(1_234_567.25)),
            (Point, "0,634", None),
            (Point, "12,34", None),
            (Point, "1,2345", None),
            (Point, "1.2.3", None),
            (Comma, "0,5", Some(0.5)),
            (Comma, "1.234,5", Some(1234.5)),
            (Comma, "1 234,5", Some(1234.5)),
            (Comma, "1\u{a0}234,5", Some(1234.5)),
            (Comma, "1.5", None),
            (Comma, "1,5e-3", Some(0.0015)),
            (Point, "1'234.5", Some(1234.5)),
            (Point, "\u{2212}3", Some(-3.0)),
            (Point, "inf", Some(f64::INFINITY)),
            (Point, "-Infinity", Some(f64::NEG_INFINITY)),
            (Point, "1.#INF", Some(f64::INFINITY)),
            (Point, "", None),
            (Point, ".", None),
            (Point, "e5", None),
            (Point, "1e", None),
            (Point, "infinite", None),
            (Point, "0x10", None),
            (Point, "1,234e5", None),
        ] {
            assert_eq!(sign.read(text).map(|number| number.value), value, "{sign}: {text}");
        }
        assert!(Point.read("NaN").unwrap().value.is_nan());
        assert_eq!(Point.read("69.8 %"), Some(Number { value: 69.8, percent: true }));
        assert_eq!(Comma.read("69,8%"), Some(Number { value: 69.8, percent: true }));
    }

    #[test]
    fn the_cells_of_a_column_tell_its_decimal_sign() {
        let of = |cells: &[&str]| {
            let mut signs = DecimalSigns::default();
            cells.iter().zip(2..).for_each(|(cell, line)| signs.see(0, line, cell));
            signs.of(0)
        };
        assert_eq!(of(&[]), Ok(DecimalSign::Point));
        assert_eq!(of(&["1", "n/a", "nan"]), Ok(DecimalSign::Point));
        assert_eq!(of(&["0.5"]), Ok(DecimalSign::Point));
        assert_eq!(of(&["1.234"]), Ok(DecimalSign::Point));
        assert_eq!(of(&["0,634"]), Ok(DecimalSign::Comma));
        assert_eq!(of(&["1,234", "1,25"]), Ok(DecimalSign::Comma));
        assert_eq!(of(&["1,234", "0.5"]), Ok(DecimalSign::Point));
        assert_eq!(of(&["1.234.567", "2"]), Ok(DecimalSign::Comma));
        let told = of(&["1,234", "2,345"]).unwrap_err();
        assert_eq!(told.line(), 2);
        assert!(told.to_string().contains("could be 1.234 with a decimal comma or 1234 "), "{told}");
        let told = of(&["0,5", "0.6"]).unwrap_err();
        assert_eq!(told.line(), 3);
        assert!(
            told.to_string()
                .contains("`0,5` of line 2 is written with a decimal comma, `0.6` with a decimal point"),
            "{told}"
        );
    }

    #[test]
    fn a_column_that_leaves_it_open_is_read_as_the_others() {
        let mut signs = DecimalSigns::default();
        signs.see(0, 2, "0,5");
        signs.see(1, 2, "1,234");
        assert_eq!((signs.of(0), signs.of(1)), (Ok(DecimalSign::Comma), Ok(DecimalSign::Comma)));
        signs.see(2, 2, "0.001");
        assert!(matches!(signs.of(1), Err(DecimalError::Ambiguous { .. })));
        assert_eq!(signs.of(2), Ok(DecimalSign::Point));
    }
}

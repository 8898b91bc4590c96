//! What single cells of a table say.

use super::records::MetricUnit;
use super::told::shown;
use bakeoff_data::delimited::DecimalSign;
use bakeoff_stats::Unit;

/// A whole number, also as data frames write it: `3.0`.
pub(super) fn seed_of(text: &str, sign: Option<DecimalSign>) -> Result<u64, String> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole.parse().or_else(|_| {
        // 2^53: up to here every whole number is one of floating point.
        let exact = |value: &f64| value.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(value);
        let number = sign.and_then(|sign| sign.read(text)).filter(|number| !number.percent);
        number.map(|number| number.value).filter(exact).map(|value| value as u64).ok_or_else(|| {
            let what =
                if text.is_empty() { "is empty".into() } else { format!("`{}` is no seed", shown(text)) };
            format!("{what}; a seed is a whole number from 0")
        })
    })
}

fn named(text: &str) -> String {
    if text.is_empty() { "is empty".into() } else { format!("`{}`", shown(text)) }
}

/// 1 for right, 0 for wrong.
pub(super) fn correct_of(text: &str) -> Result<u8, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "1,0" | "true" | "t" | "yes" | "y" | "right" | "correct" => Ok(1),
        "0" | "0.0" | "0,0" | "false" | "f" | "no" | "n" | "wrong" | "incorrect" => Ok(0),
        _ => Err(format!(
            "{}; must be 0, 1, true or false (call the column `probability` if it holds one)",
            named(text)
        )),
    }
}

/// A share in [0, 1], or with a percent sign.
pub(super) fn share_of(text: &str, sign: DecimalSign, unit: Option<MetricUnit>) -> Result<f64, String> {
    let what = named(text);
    let number = sign.read(text).ok_or_else(|| format!("{what} is not a number"))?;
    let percent = number.percent || unit == Some(MetricUnit::Percent);
    let value = if percent { number.value / 100.0 } else { number.value };
    match value {
        value if (0.0..=1.0).contains(&value) => Ok(value),
        value if value.is_nan() => Err(format!("{what} is not a number; was it a run that diverged?")),
        _ => Err(format!(
            "{what} is outside [0, 1]; divide percent by 100, or say --unit percent if all are written so"
        )),
    }
}

/// What a run came to.
pub(super) fn run_value(
    text: &str,
    sign: DecimalSign,
    unit: Unit,
    written: Option<MetricUnit>,
) -> Result<f64, String> {
    if unit == Unit::Percent {
        return share_of(text, sign, written);
    }
    let what = named(text);
    match sign.read(text).map(|number| number.value) {
        Some(value) if value.is_finite() => Ok(value),
        Some(_) => Err(format!("{what} is not a number; was it a run that diverged?")),
        None => Err(format!("{what} is not a number")),
    }
}

//! Numbers as people read them: accuracies are fractions in files and percent here, differences are points.

/// Between a number and its unit, where a line must not break.
const NO_BREAK_SPACE: char = '\u{a0}';
const MINUS: char = '−';

/// Decimals that show a difference known to ± `half_width` (a fraction) without pretending to more.
#[must_use]
pub fn decimals(half_width: f64) -> usize {
    if half_width.is_finite() && half_width < 0.004 { 2 } else { 1 }
}

/// `value` (a fraction) in points without unit: `3.1`, `−0.2`. A rounded zero has no sign.
#[must_use]
pub fn points(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", (value * 100.0).abs());
    let zero = text.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !zero { format!("{MINUS}{text}") } else { text }
}

/// As [`points`], with a plus before what is above zero.
#[must_use]
pub fn signed_points(value: f64, decimals: usize) -> String {
    let text = points(value, decimals);
    let zero = text.chars().all(|c| c == '0' || c == '.');
    if value > 0.0 && !zero { format!("+{text}") } else { text }
}

/// A fraction as percent: `61.2 %`.
#[must_use]
pub fn percent(value: f64, decimals: usize) -> String {
    format!("{}{NO_BREAK_SPACE}%", points(value, decimals))
}

/// A p-value with two significant digits: `p = 0.031`, `p < 0.0001`.
#[must_use]
pub fn p_value(p: f64) -> String {
    let sign = if p < 1e-4 { '<' } else { '=' };
    format!("p{NO_BREAK_SPACE}{sign}{NO_BREAK_SPACE}{}", probability(p.max(1e-4)))
}

/// A probability with two significant digits: `0.031`, `1`.
#[must_use]
pub fn probability(p: f64) -> String {
    if p >= 0.9995 {
        return "1".into();
    }
    let places = (1.0 - p.log10().floor()).clamp(2.0, 5.0) as usize;
    let text = format!("{p:.places$}");
    // 2^(1 − S) are short numbers: 0.25 rather than 0.250.
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The least p that so many seeds can give, with all its digits where they are few: half of 0.25 is 0.125, and not 0.12.
#[must_use]
pub fn least_p(p: f64) -> String {
    if p >= 0.01 { format!("p{NO_BREAK_SPACE}={NO_BREAK_SPACE}{p}") } else { p_value(p) }
}

/// `1 seed`, `2 seeds`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    format!("{n}{NO_BREAK_SPACE}{noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_one_sign_and_never_a_minus_zero() {
        assert_eq!(points(-0.0312, 1), "−3.1");
        assert_eq!(points(-0.0003, 1), "0.0");
        assert_eq!(signed_points(0.0312, 1), "+3.1");
        assert_eq!(signed_points(0.0003, 1), "0.0");
        assert_eq!(signed_points(-0.0003, 2), "−0.03");
        assert_eq!(percent(0.612, 1), "61.2\u{a0}%");
    }

    #[test]
    fn p_values_keep_two_digits_and_do_not_vanish() {
        let plain = |p: f64| p_value(p).replace('\u{a0}', " ");
        assert_eq!(plain(0.03125), "p = 0.031");
        assert_eq!(plain(0.25), "p = 0.25");
        assert_eq!(plain(0.5), "p = 0.5");
        assert_eq!(plain(0.00012), "p = 0.00012");
        assert_eq!(plain(0.0), "p < 0.0001");
        assert_eq!(plain(1.0), "p = 1");
        assert_eq!(plain(0.9999), "p = 1");
        let least = [0.5, 0.125, 0.03125, 2f64.powi(-9)].map(least_p).map(|text| text.replace('\u{a0}', " "));
        assert_eq!(least, ["p = 0.5", "p = 0.125", "p = 0.03125", "p = 0.002"]);
    }

    #[test]
    fn decimals_follow_the_precision() {
        assert_eq!((decimals(0.01), decimals(0.001), decimals(f64::NAN)), (1, 2, 1));
    }
}

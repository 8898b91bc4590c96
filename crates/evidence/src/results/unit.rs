//! Logs whose unit changes on the way.

use super::epochs::{METRIC, Row};
use bakeoff_stats::Direction;

/// Two accuracies in a row whose ratio is about a hundred are more likely one accuracy in two units.
const HUNDRED: std::ops::RangeInclusive<f64> = 65.0..=150.0;
/// A log that goes above this is in percent.
const CLEARLY_PERCENT: f64 = 5.0;
/// An accuracy that stays below this is none in fractions worth comparing, but one in percent of a network that learnt nothing.
const LEAST_FRACTION: f64 = 0.05;

/// Where an accuracy in percent becomes one in fractions or the other way round: line, before, after.
pub(super) fn jump(rows: &[Row], direction: Direction) -> Option<[f64; 3]> {
    let values: Vec<(u64, f64)> =
        rows.iter().filter_map(|row| Some((row.line, row.values[METRIC]?))).collect();
    (1..values.len()).find_map(|at| {
        let ((_, before), (line, after)) = (values[at - 1], values[at]);
        let down = before > 1.0 && after <= 1.0 && HUNDRED.contains(&(before / after));
        // The first epochs of a run in percent may be below one.
        let up = at >= 2 && before <= 1.0 && after > 1.0 && HUNDRED.contains(&(after / before));
        let below = up && values[..at].iter().all(|(_, value)| *value <= 1.0);
        let parts = || {
            let numbers = |values: &[(u64, f64)]| values.iter().map(|(_, value)| *value).collect::<Vec<_>>();
            other_unit(&numbers(&values[..at]), &numbers(&values[at..]), direction)
        };
        (down || below || parts()).then_some([line as f64, before, after])
    })
}

/// Whether all of a log from some row on is in another unit than all above. The two values beside that row need not have a ratio of
/// a hundred: the metric may have moved in between, and a second training that was appended begins low.
fn other_unit(above: &[f64], below: &[f64], direction: Direction) -> bool {
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let fractions = |values: &[f64]| most(values) <= 1.0;
    let percent = |values: &[f64]| most(values) > CLEARLY_PERCENT;
    // A network that knows nothing has the same accuracy again and again.
    let still = |values: &[f64]| values.len() >= 2 && values.iter().all(|value| *value == values[0]);
    let (Some(&before), Some(&after)) = (above.last(), below.first()) else { return false };
    if fractions(below) && percent(above) && before > 1.0 {
        // Errors that go down slowly pass one percent too.
        let least = if direction == Direction::LowerIsBetter { 15.0 } else { 5.0 };
        let chance = still(below) && (100.0 / below[0]).fract() == 0.0;
        let nothing = most(below) < LEAST_FRACTION && direction == Direction::HigherIsBetter;
        return before >= least * after && !chance && !nothing;
    }
    // So do accuracies in percent that begin low.
    above.len() >= 2
        && fractions(above)
        && percent(below)
        && after > 1.0
        && after >= 20.0 * before
        && most(above) >= LEAST_FRACTION
        && !still(above)
}

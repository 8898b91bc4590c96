//! In which order the rows of a training log stand, where the numbers of its epochs do not simply go up.

use bakeoff_data::{form, number};
use std::fmt;

/// Columns of interest.
pub(super) const COLUMNS: usize = 6;
/// Place of the metric among them.
pub(super) const METRIC: usize = 0;
/// What a row says; absent where it was not measured.
pub(super) type Values = [Option<f64>; COLUMNS];

/// Epochs beyond this number are steps, or times.
const MOST_EPOCHS: f64 = 100_000.0;

/// A row of a log.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    /// As it was written.
    pub(super) epoch: f64,
    /// Steps of training so far, where that is said.
    pub(super) step: Option<f64>,
    pub(super) values: Values,
    /// The metric was written, but as no number.
    pub(super) lost: bool,
}

/// What was decided about the order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decision {
    /// The numbers begin anew: what follows was trained after what stands above.
    Stage { line: u64, from: f64, to: f64, counts: f64 },
    /// The numbers fall back to one that was there: training went on from a checkpoint.
    Resumed { line: u64, from: f64, to: f64, replaced: usize },
    /// The newest row stands first.
    Reversed,
    /// Every number stands once, in no order.
    Sorted { line: u64 },
    /// An epoch was measured twice.
    Twice { line: u64, epoch: f64, rows: usize },
}

impl Decision {
    /// Decisions of one kind are told once.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Stage { .. } => "stage",
            Self::Resumed { .. } => "resumed",
            Self::Reversed => "reversed",
            Self::Sorted { .. } => "sorted",
            Self::Twice { .. } => "twice",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage { line, from, to, counts } => write!(
                f,
                "at line {line} the epoch falls back from {from} to {to}. This was taken for another stage of training: its epochs go on \
                 counting, {to} as {counts}, and the last row is the last epoch. If training began anew there, remove the rows above."
            ),
            Self::Resumed { line, from, to, replaced } => write!(
                f,
                "at line {line} the epoch falls back from {from} to {to}. This was taken for training that was resumed: the \
                 {} from {to} on {} replaced by the rows below.",
                number(replaced, "earlier epoch"),
                form(replaced, "is", "are")
            ),
            Self::Reversed => {
                f.write_str("its epochs go down from row to row. The file was read from its end.")
            }
            Self::Sorted { line } => write!(
                f,
                "its epochs are in no order, at line {line} for one, but each stands once. They were taken in the order of their numbers."
            ),
            Self::Twice { line, epoch, rows } => write!(
                f,
                "epoch {epoch} was measured again at line {line}{}. The later row counts.",
                if *rows > 1 { format!(", and {} more were", rows - 1) } else { String::new() }
            ),
        }
    }
}

/// An epoch, put together from its rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Epoch {
    /// Counted through all stages, from the number the file begins with.
    pub(super) number: u32,
    pub(super) values: Values,
    pub(super) lost: bool,
}

/// An epoch whose number is not settled.
#[derive(Clone, Debug)]
struct Open {
    line: u64,
    /// As written, and counted through all stages.
    epoch: f64,
    counts: f64,
    values: Values,
    lost: bool,
    step: Option<f64>,
}

/// The epochs of a log in the order in which they were trained, and what was decided to get there.
pub(super) fn ordered(rows: &[Row]) -> (Vec<Epoch>, Vec<Decision>) {
    let mut decisions = Vec::new();
    let mut open = joined(rows, &mut decisions);
    let falls = |open: &[Open]| open.windows(2).filter(|pair| pair[1].epoch < pair[0].epoch).count();
    let count = falls(&open);
    let mut numbers: Vec<f64> = open.iter().map(|e| e.epoch).collect();
    numbers.sort_by(f64::total_cmp);
    let once = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    if once && count >= 2 && count + 1 == open.len() {
        open.reverse();
        decisions.push(Decision::Reversed);
    } else if once && count >= 3 {
        let line = open.windows(2).find(|pair| pair[1].epoch < pair[0].epoch).map_or(0, |pair| pair[1].line);
        open.sort_by(|a, b| a.epoch.total_cmp(&b.epoch));
        decisions.push(Decision::Sorted { line });
    } else if count > 0 {
        open = staged(open, &mut decisions);
    }
    (numbered(open), decisions)
}

/// Rows of the same epoch that follow one another are one: Lightning writes training and validation apart.
fn joined(rows: &[Row], decisions: &mut Vec<Decision>) -> Vec<Open> {
    let mut open: Vec<Open> = Vec::new();
    let mut twice: Option<(u64, f64, usize)> = None;
    for row in rows {
        match open.last_mut().filter(|last| last.epoch == row.epoch) {
            Some(last) => {
                // Validation within an epoch has another step each time.
                let again = last.values[METRIC].is_some() && row.values[METRIC].is_some();
                let steps = last.step.zip(row.step).is_some_and(|(before, now)| now > before);
                if again && !steps {
                    let first = twice.get_or_insert((row.line, row.epoch, 0));
                    first.2 += 1;
                }
                for (kept, value) in last.values.iter_mut().zip(row.values) {
                    *kept = value.or(*kept);
                }
                last.lost = row.lost || last.lost && row.values[METRIC].is_none();
                if row.lost {
                    last.values[METRIC] = None;
                }
                last.step = row.step.or(last.step);
            }
            None => open.push(Open {
                line: row.line,
                epoch: row.epoch,
                counts: row.epoch,
                values: row.values,
                lost: row.lost,
                step: row.step,
            }),
        }
    }
    decisions.extend(twice.map(|(line, epoch, rows)| Decision::Twice { line, epoch, rows }));
    open
}

/// The order of the rows, where numbers fall back.
fn staged(open: Vec<Open>, decisions: &mut Vec<Decision>) -> Vec<Open> {
    let mut kept: Vec<Open> = Vec::new();
    // Where the stage begins among those kept, its first number, and what is added to its numbers.
    let (mut begin, mut first, mut offset) = (0, open.first().map_or(0.0, |e| e.epoch), 0.0);
    let mut before: Option<f64> = None;
    for mut epoch in open {
        if let Some(from) = before.filter(|from| epoch.epoch < *from) {
            let (line, to) = (epoch.line, epoch.epoch);
            if to <= first {
                offset = kept.last().map_or(0.0, |last| last.counts) + 1.0 - to;
                (begin, first) = (kept.len(), to);
                decisions.push(Decision::Stage { line, from, to, counts: to + offset });
            } else {
                let stays = kept[begin..].iter().filter(|e| e.epoch < to).count();
                let replaced = kept.len() - begin - stays;
                kept.truncate(begin + stays);
                decisions.push(Decision::Resumed { line, from, to, replaced });
            }
        }
        before = Some(epoch.epoch);
        epoch.counts = epoch.epoch + offset;
        kept.push(epoch);
    }
    kept
}

/// Numbers the epochs: by what was written where these are whole numbers, else in the order of the measured ones.
fn numbered(open: Vec<Open>) -> Vec<Epoch> {
    let whole = open.iter().all(|e| e.counts.fract() == 0.0 && (0.0..=MOST_EPOCHS).contains(&e.counts));
    if whole {
        return open
            .into_iter()
            .map(|e| Epoch { number: e.counts as u32, values: e.values, lost: e.lost })
            .collect();
    }
    // `0.98`, as trainers that count steps write it: a training row belongs to the measured row that follows it.
    let mut waiting: Values = [None; COLUMNS];
    let mut measured: Vec<(f64, Epoch)> = Vec::new();
    for epoch in open {
        let mut values = epoch.values;
        for (value, earlier) in values.iter_mut().zip(waiting) {
            *value = value.or(earlier);
        }
        if epoch.values[METRIC].is_some() || epoch.lost {
            waiting = [None; COLUMNS];
            measured.push((epoch.counts, Epoch { number: 0, values, lost: epoch.lost }));
        } else {
            waiting = values;
        }
    }
    let rounded: Vec<f64> = measured.iter().map(|(counts, _)| counts.round()).collect();
    let distinct = rounded.windows(2).all(|pair| pair[0] < pair[1]);
    let fits = distinct && rounded.iter().all(|number| (1.0..=MOST_EPOCHS).contains(number));
    measured
        .into_iter()
        .zip(rounded)
        .zip(1..)
        .map(|(((_, epoch), rounded), rank)| Epoch {
            number: if fits { rounded as u32 } else { rank },
            ..epoch
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Epochs, each with a value of its own: the number of its row.
    fn read(epochs: &[f64]) -> (Vec<(u32, f64)>, Vec<&'static str>) {
        let rows: Vec<Row> = epochs
            .iter()
            .zip(2..)
            .map(|(&epoch, line)| {
                let mut values = [None; COLUMNS];
                values[METRIC] = Some(line as f64 - 1.0);
                Row { line, epoch, step: None, values, lost: false }
            })
            .collect();
        let (epochs, decisions) = ordered(&rows);
        let epochs = epochs.into_iter().map(|e| (e.number, e.values[METRIC].unwrap())).collect();
        (epochs, decisions.iter().map(Decision::kind).collect())
    }

    #[test]
    fn rows_that_go_up_are_as_they_are() {
        assert_eq!(read(&[0.0, 1.0, 2.0]), (vec![(0, 1.0), (1, 2.0), (2, 3.0)], vec![]));
        assert_eq!(read(&[5.0, 10.0]), (vec![(5, 1.0), (10, 2.0)], vec![]));
        assert_eq!(read(&[]), (vec![], vec![]));
    }

    #[test]
    fn numbers_that_begin_anew_are_another_stage() {
        for (epochs, numbers) in [
            (vec![0.0, 1.0, 2.0, 0.0, 1.0], vec![0, 1, 2, 3, 4]),
            (vec![1.0, 2.0, 1.0, 2.0, 3.0], vec![1, 2, 3, 4, 5]),
            (vec![5.0, 10.0, 5.0, 10.0], vec![5, 10, 11, 16]),
            (vec![1.0, 2.0, 0.0, 1.0], vec![1, 2, 3, 4]),
        ] {
            let (found, decisions) = read(&epochs);
            assert_eq!(found.iter().map(|e| e.0).collect::<Vec<_>>(), numbers, "{epochs:?}");
            assert_eq!(found.last().unwrap().1, epochs.len() as f64, "the last row is the last epoch");
            assert_eq!(decisions, ["stage"]);
        }
        assert_eq!(read(&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]).1, ["stage", "stage"]);
    }

    #[test]
    fn numbers_that_fall_back_within_a_stage_are_a_run_that_was_resumed() {
        let (found, decisions) = read(&[0.0, 1.0, 2.0, 3.0, 2.0, 3.0, 4.0]);
        assert_eq!(found, [(0, 1.0), (1, 2.0), (2, 5.0), (3, 6.0), (4, 7.0)]);
        assert_eq!(decisions, ["resumed"]);
        // It broke off again before it was where it had been.
        let (found, _) = read(&[0.0, 1.0, 2.0, 3.0, 4.0, 2.0]);
        assert_eq!(found, [(0, 1.0), (1, 2.0), (2, 6.0)]);
        // A later stage has a beginning of its own.
        let (found, decisions) = read(&[0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 1.0, 2.0, 3.0]);
        assert_eq!(found, [(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0), (4, 7.0), (5, 8.0), (6, 9.0)]);
        assert_eq!(decisions, ["stage", "resumed"]);
    }

    #[test]
    fn numbers_that_stand_once_are_put_in_order() {
        let (found, decisions) = read(&[3.0, 2.0, 1.0, 0.0]);
        assert_eq!((found, decisions), (vec![(0, 4.0), (1, 3.0), (2, 2.0), (3, 1.0)], vec!["reversed"]));
        let (found, decisions) = read(&[1.0, 0.0, 3.0, 2.0, 5.0, 4.0]);
        assert_eq!(found.iter().map(|e| e.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(decisions, ["sorted"]);
    }

    #[test]
    fn an_epoch_measured_twice_is_said_and_its_later_row_counts() {
        assert_eq!(read(&[0.0, 1.0, 1.0, 2.0]), (vec![(0, 1.0), (1, 3.0), (2, 4.0)], vec!["twice"]));
    }

    #[test]
    fn fractions_of_epochs_and_steps_are_numbered() {
        assert_eq!(read(&[0.98, 1.97, 2.95]).0, [(1, 1.0), (2, 2.0), (3, 3.0)]);
        assert_eq!(read(&[0.1, 0.2, 0.3]).0, [(1, 1.0), (2, 2.0), (3, 3.0)]);
        assert_eq!(read(&[1e9, 2e9]).0, [(1, 1.0), (2, 2.0)]);
        assert_eq!(read(&[-1.0, 0.0, 1.0]).0, [(1, 1.0), (2, 2.0), (3, 3.0)]);
    }
}

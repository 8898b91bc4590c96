//! Training logs, one file per run: timm, Keras, Lightning, Ultralytics, or anything with an `epoch` column.

use super::cells::seed_of;
use super::epochs::{self, COLUMNS, Decision, METRIC, Row, Values};
use super::error::ResultsError;
use super::metric::{self, Family};
use super::opened::{Header, Lengths, Opened, failure, plain};
use super::place;
use super::records::{MetricUnit, Results, ResultsOptions, Run, Source};
use super::told::{Told, shown, shown_path};
use super::unit::jump;
use bakeoff_data::delimited::{DecimalSign, DelimitedError};
use bakeoff_data::form;
use bakeoff_data::normalised;
use bakeoff_stats::{Direction, Measure, Unit};
use bakeoff_study::Headline;
use bakeoff_study::records::EpochRecord;
use std::path::{Path, PathBuf};

/// Columns of accuracies, those of a test split before those of a validation split. timm, Keras, Lightning, Ultralytics.
const ACCURACY: [&str; 25] = [
    "test_top1",
    "test_accuracy",
    "test_acc",
    "test_acc1",
    "test_acc_epoch",
    "eval_top1",
    "val_accuracy",
    "val_acc",
    "val_top1",
    "val_acc1",
    "val_acc_epoch",
    "val_accuracy_epoch",
    "val_categorical_accuracy",
    "val_sparse_categorical_accuracy",
    "val_binary_accuracy",
    "val_multiclassaccuracy",
    "valid_accuracy",
    "valid_acc",
    "valid_top1",
    "validation_accuracy",
    "validation_acc",
    "validation_top1",
    "metrics_accuracy_top1",
    "eval_accuracy",
    "eval_acc",
];
const TOP5: [&str; 6] =
    ["eval_top5", "val_top5", "test_top5", "val_top_5_accuracy", "metrics_accuracy_top5", "validation_top5"];
const TRAIN_ACCURACY: [&str; 6] =
    ["train_top1", "train_acc", "train_accuracy", "accuracy", "acc", "train_acc_epoch"];
const TRAIN_LOSS: [&str; 3] = ["train_loss", "train_loss_epoch", "loss"];
const LOSS: [&str; 5] = ["eval_loss", "val_loss", "valid_loss", "validation_loss", "val_loss_epoch"];
const RATE: [&str; 4] = ["lr", "learning_rate", "lr_pg0", "train_lr"];
/// What logs write where there is no value.
const NOTHING: [&str; 10] = ["", "NA", "N/A", "n/a", "<NA>", "None", "null", "NULL", "-", "–"];
/// Percent are written with rounding errors.
const ABOVE_ONE: f64 = 1.0 + 1e-6;

/// One run's log.
struct Log {
    recipe: String,
    seed: u64,
    path: PathBuf,
    rows: Vec<Row>,
    /// The largest value of another accuracy in the same rows, and its column.
    beside: Option<(f64, String)>,
    /// Values of the metric with and without a percent sign.
    signs: [usize; 2],
}

impl Log {
    fn largest(&self) -> f64 {
        self.rows.iter().filter_map(|row| row.values[METRIC]).fold(0.0, f64::max)
    }
}

/// All logs read so far.
pub(super) struct Logs<'a> {
    options: &'a ResultsOptions,
    logs: Vec<Log>,
    metric: Option<String>,
    comma: bool,
}

/// What a value of a cell is.
enum Value {
    Number {
        value: f64,
        percent: bool,
    },
    /// NaN or infinite.
    Lost,
    Nothing,
    Wrong,
}

fn value_of(text: &str, sign: DecimalSign) -> Value {
    if NOTHING.contains(&text) {
        return Value::Nothing;
    }
    match sign.read(text) {
        None => Value::Wrong,
        Some(number) if !number.value.is_finite() => Value::Lost,
        Some(number) => Value::Number { value: number.value, percent: number.percent },
    }
}

impl<'a> Logs<'a> {
    pub(super) fn new(options: &'a ResultsOptions) -> Self {
        Self { options, logs: Vec::new(), metric: None, comma: false }
    }

    /// The column that is compared.
    fn metric_of(&self, header: &Header) -> Result<usize, ResultsError> {
        if let Some(name) = self.options.metric.as_deref().or(self.metric.as_deref()) {
            return header.need(name);
        }
        let known = ACCURACY.iter().find(|name| header.find(name).is_some());
        header.need(known.ok_or_else(|| {
            let mut error = header.missing("val_accuracy");
            if let ResultsError::MissingColumn { column, hint, .. } = &mut error {
                *column = "val_accuracy, eval_top1 or the like".into();
                *hint = ". Say which column holds the accuracy: --metric NAME".into();
            }
            error
        })?)
    }

    pub(super) fn read(
        &mut self,
        opened: &Opened,
        source: &Source,
        told: &mut Told,
    ) -> Result<(), ResultsError> {
        let header = &opened.header;
        let epoch = header.need("epoch")?;
        let find = |names: &[&str]| names.iter().find_map(|name| header.find(name));
        let metric = self.metric_of(header)?;
        self.metric = Some(header.names[metric].trim().to_owned());
        let columns: [Option<usize>; COLUMNS] =
            [Some(metric), find(&TOP5), find(&TRAIN_ACCURACY), find(&TRAIN_LOSS), find(&LOSS), find(&RATE)];
        let step = find(&["step", "global_step"]);
        let of_columns = header.find("recipe").zip(header.find("seed"));
        let of_path = match (&source.run, &self.options.pattern, of_columns) {
            (Some(run), ..) => Some(run.clone()),
            (None, _, Some(_)) => None,
            (None, Some(pattern), None) => pattern.place(&source.path),
            (None, None, None) => {
                // `.` and a bare file name say nothing; the folder they stand in may.
                let full = std::path::absolute(&source.path);
                place::guess(&source.path).or_else(|| place::guess(&full.ok()?))
            }
        };
        if of_path.is_none() && of_columns.is_none() {
            return Err(ResultsError::NoPlace { path: source.path.clone() });
        }
        // Accuracies of other splits are in the unit of the metric where it is one.
        let accuracy = |name: &str| metric::meaning(name).is_some_and(|m| m.1 == Family::Accuracy);
        let beside: Vec<usize> = if accuracy(&header.names[metric]) {
            (0..header.names.len()).filter(|&c| c != metric && accuracy(&header.names[c])).collect()
        } else {
            Vec::new()
        };
        let more = step.into_iter().chain(of_columns.map(|(_, seed)| seed));
        let numeric: Vec<usize> =
            [epoch].into_iter().chain(columns.into_iter().flatten()).chain(more).collect();
        let signs = opened.signs(&[numeric.as_slice(), &beside].concat());
        let sign = |column: usize| {
            signs.of(column).map_err(|error| header.cell(error.line(), column, error.to_string()))
        };
        let (epoch_sign, metric_sign) = (sign(epoch)?, sign(metric)?);
        self.comma |= metric_sign == DecimalSign::Comma;

        let path = shown_path(&source.path);
        let (mut any, mut diverged) = (false, false);
        let mut rows = opened.rows().peekable();
        let lengths = Lengths::of(opened);
        while let Some(row) = rows.next() {
            let last = rows.peek().is_none();
            let row = match row {
                Ok(row) => row,
                Err(DelimitedError::Quote { line, unclosed: true }) if last && any => {
                    told.tell("cut", || {
                        format!("{path}: its last line, {line}, breaks off and was left out.")
                    });
                    continue;
                }
                Err(error) => return Err(failure(&source.path, &error)),
            };
            let line = row.line;
            // A line that breaks off has too few cells, or a last cell that is shorter than all others.
            let end = row.cells.last().map_or(0, |cell| cell.chars().count());
            let cut = last && any && !row.ended;
            let short = row.cells.len() < header.names.len();
            let text = |column: usize| row.cell(column);
            let broken = |column: usize, sign| matches!(value_of(text(column), sign), Value::Wrong);
            let broken = broken(epoch, epoch_sign) || broken(metric, metric_sign);
            if last && any && short
                || cut && (broken || metric + 1 == header.names.len() && lengths.is_cut(end))
            {
                told.tell("cut", || format!("{path}: its last line, {line}, breaks off and was left out."));
                continue;
            }
            header.whole(&row)?;
            let (recipe, seed) = match (&of_path, of_columns) {
                (Some((recipe, seed)), _) => (recipe.as_str(), *seed),
                (None, Some((recipe, seed))) => {
                    let number = seed_of(text(seed), Some(signs.of(seed).unwrap_or_default()));
                    (text(recipe), number.map_err(|message| header.cell(line, seed, message))?)
                }
                (None, None) => continue,
            };
            if recipe.is_empty() {
                let at = of_columns.map_or(0, |(recipe, _)| recipe);
                return Err(header.cell(line, at, "is empty; every row needs a recipe"));
            }
            let wrong = |column: usize, why: &str| {
                header.cell(line, column, format!("`{}`{why}", shown(text(column))))
            };
            let number = match value_of(text(epoch), epoch_sign) {
                Value::Number { value, .. } => value,
                Value::Nothing | Value::Lost => continue,
                Value::Wrong if plain(text(epoch)) == "epoch" => {
                    return Err(wrong(
                        epoch,
                        ": another header, with other columns than the first; make two files of this one",
                    ));
                }
                Value::Wrong => return Err(wrong(epoch, " is no epoch; must be a number")),
            };
            let mut values: Values = [None; COLUMNS];
            let mut lost = false;
            let mut percent = None;
            for (at, column) in columns.into_iter().enumerate() {
                let Some(column) = column else { continue };
                let sign = if at == METRIC { metric_sign } else { signs.of(column).unwrap_or_default() };
                match value_of(text(column), sign) {
                    Value::Number { value, percent: mark } => {
                        values[at] = Some(value);
                        if at == METRIC {
                            percent = Some(mark);
                        }
                    }
                    Value::Lost => lost |= at == METRIC,
                    Value::Wrong if at == METRIC => return Err(wrong(column, " is not a number")),
                    // What is only drawn stops nothing.
                    Value::Wrong => told.tell("drawn", || {
                        format!(
                            "{path}: line {line}: `{}` in column `{}` is not a number; it is missing in the curves.",
                            shown(text(column)),
                            shown(&header.names[column])
                        )
                    }),
                    Value::Nothing => {}
                }
            }
            any |= values[METRIC].is_some();
            diverged |= lost;
            let step =
                step.and_then(|column| match value_of(text(column), signs.of(column).unwrap_or_default()) {
                    Value::Number { value, .. } => Some(value),
                    _ => None,
                });
            let others = beside.iter().filter_map(|&column| {
                match value_of(text(column), signs.of(column).unwrap_or_default()) {
                    Value::Number { value, percent: false } => Some((value, column)),
                    _ => None,
                }
            });
            let largest = others.max_by(|a, b| a.0.total_cmp(&b.0));
            let log = self.log(recipe, seed, source)?;
            if let Some((value, column)) = largest
                && log.beside.as_ref().is_none_or(|(most, _)| *most < value)
            {
                log.beside = Some((value, shown(header.names[column].trim())));
            }
            if let Some(percent) = percent {
                log.signs[usize::from(!percent)] += 1;
            }
            log.rows.push(Row { line, epoch: number, step, values, lost });
        }
        if any || diverged {
            Ok(())
        } else {
            Err(ResultsError::Empty {
                path: header.path.clone(),
                message: "no row has a value of the metric",
            })
        }
    }

    /// The log of a run, a new one where there is none.
    fn log(&mut self, recipe: &str, seed: u64, source: &Source) -> Result<&mut Log, ResultsError> {
        let recipe = normalised(recipe);
        let at = match self.logs.iter().rposition(|log| log.recipe == recipe && log.seed == seed) {
            Some(at) if self.logs[at].path == source.path => at,
            Some(at) => {
                return Err(ResultsError::SameRun {
                    path: source.path.clone(),
                    recipe: recipe.into(),
                    seed,
                    other: self.logs[at].path.clone(),
                });
            }
            None => {
                self.logs.push(Log {
                    recipe: recipe.into_owned(),
                    seed,
                    path: source.path.clone(),
                    rows: Vec::new(),
                    beside: None,
                    signs: [0, 0],
                });
                self.logs.len() - 1
            }
        };
        Ok(&mut self.logs[at])
    }

    pub(super) fn finish(self, first: &Path, told: &mut Told) -> Result<Results, ResultsError> {
        let metric = self.metric.clone().unwrap_or_default();
        let measure = metric::measure(&metric, self.options, first)?;
        let percent: Vec<bool> = match measure.unit {
            Unit::Plain => vec![false; self.logs.len()],
            Unit::Percent => self.units(&metric, measure.direction, told)?,
        };
        let mut runs = Vec::with_capacity(self.logs.len());
        let mut lengths: Vec<(usize, String)> = Vec::new();
        let mut orders = Vec::with_capacity(self.logs.len());
        for log in &self.logs {
            let (epochs, decisions) = epochs::ordered(&log.rows);
            for decision in &decisions {
                told.tell(Decision::kind(decision), || format!("{}: {decision}", shown_path(&log.path)));
            }
            orders.push(epochs);
        }
        let zero = orders.iter().any(|epochs| epochs.iter().any(|epoch| epoch.number == 0));
        for ((log, order), percent) in self.logs.iter().zip(&orders).zip(percent) {
            let unit = if percent { 0.01 } else { 1.0 };
            // An accuracy beside the metric is in its unit, unless it cannot be.
            let share = |column: usize| {
                let above = log.rows.iter().any(|row| row.values[column].is_some_and(|v| v > ABOVE_ONE));
                if above { 0.01 } else { unit }
            };
            let (share_top5, share_train) = (share(1), share(2));
            let epochs: Vec<EpochRecord> = order
                .iter()
                .map(|epoch| {
                    let value = |column: usize| epoch.values[column].unwrap_or(f64::NAN);
                    let metric = value(METRIC) * unit;
                    EpochRecord {
                        epoch: epoch.number.saturating_add(u32::from(zero)),
                        train_loss: value(3),
                        train_top1: value(2) * share_train,
                        validation_loss: value(4),
                        validation_top1: match measure.unit {
                            // 100.00001 is a rounding error.
                            Unit::Percent => metric.clamp(0.0, 1.0),
                            Unit::Plain => metric,
                        },
                        validation_top5: value(1) * share_top5,
                        learning_rate: value(5),
                        images_per_second: f64::NAN,
                        waiting: f64::NAN,
                        seconds: f64::NAN,
                    }
                })
                .collect();
            let measured: Vec<&EpochRecord> = epochs.iter().filter(|e| !e.validation_top1.is_nan()).collect();
            let lost = order.iter().filter(|epoch| epoch.lost && epoch.values[METRIC].is_none()).count();
            let chosen =
                headline_of(self.options.headline, &measured, measure.direction).ok_or_else(|| {
                    ResultsError::NotMeasured {
                        path: log.path.clone(),
                        recipe: shown(&log.recipe),
                        seed: log.seed,
                        metric: shown(&metric),
                        why: if lost > 0 { " but NaN; did the run diverge?".into() } else { String::new() },
                    }
                })?;
            let last = order.iter().rev().find(|e| e.lost || e.values[METRIC].is_some());
            if last.is_some_and(|epoch| epoch.lost && epoch.values[METRIC].is_none()) {
                told.tell("lost", || {
                    format!(
                        "{}: the last {of} of {} seed {} {have} no number as `{}` but NaN or infinity. Epoch {} counts, the last \
                         that was measured or an earlier one: a run that diverged looks better than it is.",
                        shown_path(&log.path),
                        shown(&log.recipe),
                        log.seed,
                        shown(&metric),
                        chosen.epoch, of = if lost == 1 { "epoch".to_owned() } else { format!("{lost} epochs") }, have = form(lost, "has", "have"))
                });
            }
            lengths.push((measured.len(), format!("{} seed {}", shown(&log.recipe), log.seed)));
            runs.push(Run {
                recipe: log.recipe.clone(),
                seed: log.seed,
                value: chosen.validation_top1,
                top5: Some(chosen.validation_top5).filter(|v| (0.0..=1.0).contains(v)),
                marks: None,
                epochs,
            });
        }
        if runs.is_empty() {
            return Err(ResultsError::Empty {
                path: first.to_owned(),
                message: "no row has a value of the metric",
            });
        }
        let mut warnings = Vec::new();
        let headline = self.options.headline;
        if headline == Headline::BestOnValidation {
            let (all, more) = match (measure.unit, measure.direction) {
                (Unit::Percent, Direction::HigherIsBetter) => ("accuracies are too high", "an accuracy"),
                (_, Direction::HigherIsBetter) => ("values are too high", "it"),
                (_, Direction::LowerIsBetter) => ("values are too low", "it"),
            };
            warnings.push(format!(
                "The best epoch of each run was chosen by {metric} and is judged by it too: all {all}, and more so the more {more} \
                 jumps from epoch to epoch."
            ));
        }
        warnings.extend(uneven(lengths));
        let mut notes = vec![self.said(measure)];
        if self.comma {
            notes.push("numbers are written with decimal commas".into());
        }
        Ok(Results {
            name: String::new(),
            metric,
            measure,
            headline: headline.to_string(),
            runs,
            images: Vec::new(),
            labels: Vec::new(),
            classes: Vec::new(),
            warnings,
            notes,
        })
    }

    fn said(&self, measure: Measure) -> String {
        let way = metric::way(measure.direction);
        let unit = match measure.unit {
            Unit::Plain => "no unit",
            Unit::Percent if self.options.unit == Some(MetricUnit::Percent) => "in percent",
            Unit::Percent if self.logs.iter().any(|log| log.largest() > ABOVE_ONE || log.signs[0] > 0) => {
                "in percent"
            }
            Unit::Percent => "in fractions",
        };
        format!("{unit}, {way}")
    }

    /// Which logs write the metric in percent. They have to agree: a recipe in fractions beside one in percent would seem to be worlds
    /// apart.
    fn units(&self, metric: &str, direction: Direction, told: &mut Told) -> Result<Vec<bool>, ResultsError> {
        let no_unit = |log: &Log, message: String| ResultsError::NoUnit { path: log.path.clone(), message };
        for log in &self.logs {
            for row in &log.rows {
                if let Some(value) =
                    row.values[METRIC].filter(|value| !(-1e-9..=100.0 + 1e-4).contains(value))
                {
                    return Err(ResultsError::Row {
                        path: log.path.clone(),
                        line: row.line,
                        message: format!(
                            "`{}`: {value} is neither a fraction nor percent, so it is no accuracy or share; if it is none, say --unit plain",
                            shown(metric)
                        ),
                    });
                }
            }
            if log.signs[0] > 0 && log.signs[1] > 0 {
                return Err(no_unit(
                    log,
                    format!("some values of `{}` have a percent sign and some have none", shown(metric)),
                ));
            }
        }
        if let Some(unit) = self.options.unit {
            let percent = unit == MetricUnit::Percent;
            if let Some(log) = self.logs.iter().find(|log| !percent && log.largest() > ABOVE_ONE) {
                return Err(no_unit(
                    log,
                    format!("`{}` reaches {}, which is no fraction", shown(metric), log.largest()),
                ));
            }
            return Ok(vec![percent; self.logs.len()]);
        }
        let timm = plain(metric).starts_with("eval_top");
        let sure = |log: &Log| log.largest() > ABOVE_ONE || log.signs[0] > 0;
        let some = self.logs.iter().find(|log| sure(log));
        let mut percent = Vec::with_capacity(self.logs.len());
        for log in &self.logs {
            let (largest, name) = (log.largest(), shown(metric));
            let beside = log.beside.as_ref().filter(|(value, _)| *value > ABOVE_ONE);
            percent.push(match (sure(log), some, beside) {
                (true, ..) => {
                    jump(&log.rows, direction).map_or(Ok(true), |[line, before, after]| {
                        Err(ResultsError::NoUnit {
                            path: log.path.clone(),
                            message: format!(
                                "at line {line} `{name}` goes from {before} to {after}, as if it were written in another unit from there on"
                            ),
                        })
                    })?
                }
                // A run that learnt nothing, in a file whose other accuracies are percent, beside other files in percent.
                (false, Some(_), Some(_)) | (false, Some(_), None) if timm || beside.is_some() => {
                    told.tell("unit", || {
                        format!(
                            "{}: `{name}` is at most {largest} there, and was read as percent like that of the other files.",
                            shown_path(&log.path)
                        )
                    });
                    true
                }
                (false, Some(other), _) => {
                    return Err(no_unit(
                        log,
                        format!(
                            "`{name}` is at most {largest} there, as fractions are, but reaches {} in {}, which is percent",
                            other.largest(),
                            shown_path(&other.path)
                        ),
                    ));
                }
                (false, None, Some((value, column))) => {
                    return Err(no_unit(
                        log,
                        format!("`{name}` is at most {largest}, as fractions are, but `{column}` reaches {value} in the same file"),
                    ));
                }
                (false, None, None) if timm => {
                    return Err(no_unit(
                        log,
                        format!("timm writes `{name}` in percent, but it is at most {largest} there, as fractions are"),
                    ));
                }
                (false, None, None) => false,
            });
        }
        Ok(percent)
    }
}

/// That logs are of different lengths.
fn uneven(lengths: Vec<(usize, String)>) -> Option<String> {
    const MOST: usize = 8;
    let longest = lengths.iter().map(|(n, _)| *n).max().unwrap_or(0);
    let mut short: Vec<String> =
        lengths.into_iter().filter(|(n, _)| *n < longest).map(|(n, run)| format!("{run} ({n})")).collect();
    if short.is_empty() {
        return None;
    }
    if short.len() > MOST {
        let more = short.len() - MOST;
        short.truncate(MOST);
        short.push(format!("{more} more"));
    }
    Some(format!(
        "Not all logs are equally long: {longest} epochs, but fewer of {}. Were these runs interrupted?",
        crate::text::list(&short)
    ))
}

/// The epoch the headline names, of those in which the metric was measured.
fn headline_of<'a>(
    headline: Headline,
    measured: &[&'a EpochRecord],
    direction: Direction,
) -> Option<&'a EpochRecord> {
    let better = |a: &&&EpochRecord, b: &&&EpochRecord| {
        let gain = |e: &EpochRecord| direction.gain(e.validation_top1);
        // Of equals the earlier one.
        gain(a).total_cmp(&gain(b)).then(b.epoch.cmp(&a.epoch))
    };
    match headline {
        Headline::Last => measured.last().copied(),
        Headline::BestOnValidation => measured.iter().max_by(better).copied(),
        Headline::MedianOfLast(k) => {
            let mut last = measured[measured.len().saturating_sub(k as usize)..].to_vec();
            let gain = |e: &EpochRecord| direction.gain(e.validation_top1);
            last.sort_by(|a, b| gain(a).total_cmp(&gain(b)).then(a.epoch.cmp(&b.epoch)));
            last.get(last.len() / 2).copied()
        }
    }
}

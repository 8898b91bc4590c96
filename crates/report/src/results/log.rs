//! Training logs, one file per run: timm, Keras, Lightning, Ultralytics, or anything with an `epoch` column.

use super::table::seed_of;
use super::{
    Header, Results, ResultsError, ResultsOptions, Rows, Run, Source, place, plain, row_error, shown,
};
use bakeoff_study::Headline;
use bakeoff_study::records::EpochRecord;
use std::collections::BTreeMap;
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
/// What these logs write where there is no value.
const NOTHING: [&str; 4] = ["", "NA", "None", "null"];

/// One run's log: per epoch as it was written, the columns of interest.
struct Log {
    recipe: String,
    seed: u64,
    path: PathBuf,
    epochs: BTreeMap<u64, [Option<f64>; COLUMNS]>,
}

const COLUMNS: usize = 6;
/// Places in a row of [`Log::epochs`].
const METRIC: usize = 0;

/// All logs read so far.
pub(super) struct Logs<'a> {
    options: &'a ResultsOptions,
    logs: Vec<Log>,
    metric: Option<String>,
}

impl<'a> Logs<'a> {
    pub(super) fn new(options: &'a ResultsOptions) -> Self {
        Self { options, logs: Vec::new(), metric: None }
    }

    pub(super) fn read(
        &mut self,
        mut rows: Rows,
        header: &Header,
        source: &Source,
    ) -> Result<(), ResultsError> {
        let epoch = header.find("epoch").ok_or_else(|| header.missing("epoch"))?;
        let find = |names: &[&str]| names.iter().find_map(|name| header.find(name));
        let metric = match self.options.metric.as_deref().or(self.metric.as_deref()) {
            Some(name) => header.find(&plain(name)).ok_or_else(|| header.missing(name))?,
            None => find(&ACCURACY).ok_or_else(|| {
                let mut error = header.missing("val_accuracy");
                if let ResultsError::MissingColumn { column, hint, .. } = &mut error {
                    *column = "val_accuracy, eval_top1 or the like".into();
                    *hint = ". Say which column holds the accuracy: --metric NAME".into();
                }
                error
            })?,
        };
        self.metric = Some(header.names[metric].trim().to_owned());
        let columns: [Option<usize>; COLUMNS] =
            [Some(metric), find(&TOP5), find(&TRAIN_ACCURACY), find(&TRAIN_LOSS), find(&LOSS), find(&RATE)];
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
        let mut record = csv::StringRecord::new();
        let mut any = false;
        while rows.read_record(&mut record).map_err(|error| row_error(&header.path, &error))? {
            let line = record.position().map_or(0, csv::Position::line);
            let text = |column: usize| record.get(column).unwrap_or_default().trim();
            let (recipe, seed) = match (&of_path, of_columns) {
                (Some((recipe, seed)), _) => (recipe.as_str(), *seed),
                (None, Some((recipe, seed))) => {
                    (text(recipe), seed_of(text(seed)).map_err(|message| header.cell(line, seed, message))?)
                }
                (None, None) => continue,
            };
            if NOTHING.contains(&text(epoch)) {
                continue;
            }
            let number = seed_of(text(epoch)).map_err(|_| {
                header.cell(
                    line,
                    epoch,
                    format!("`{}` is no epoch; must be a whole number", shown(text(epoch))),
                )
            })?;
            let mut values = [None; COLUMNS];
            for (value, column) in values.iter_mut().zip(columns) {
                let Some(column) = column.filter(|&column| !NOTHING.contains(&text(column))) else {
                    continue;
                };
                let read: f64 = text(column).parse().map_err(|_| {
                    header.cell(line, column, format!("`{}` is not a number", shown(text(column))))
                })?;
                *value = Some(read);
            }
            if let Some(value) = values[METRIC].filter(|value| !(0.0..=100.0).contains(value)) {
                let message = format!("{value} is neither a fraction nor percent, so it is no accuracy");
                return Err(header.cell(line, metric, message));
            }
            any |= values[METRIC].is_some();
            let log = match self.logs.iter().position(|log| log.recipe == recipe && log.seed == seed) {
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
                    let (recipe, path) = (recipe.to_owned(), source.path.clone());
                    self.logs.push(Log { recipe, seed, path, epochs: BTreeMap::new() });
                    self.logs.len() - 1
                }
            };
            // Lightning spreads an epoch over several rows, and a log that was gone on with may hold an epoch twice: what was
            // written last counts.
            let kept = self.logs[log].epochs.entry(number).or_insert([None; COLUMNS]);
            for (kept, value) in kept.iter_mut().zip(values) {
                *kept = value.or(*kept);
            }
        }
        if any {
            Ok(())
        } else {
            Err(ResultsError::Empty {
                path: header.path.clone(),
                message: "no row has a value of the metric",
            })
        }
    }

    pub(super) fn finish(self, first: &Path) -> Result<Results, ResultsError> {
        let metric = self.metric.unwrap_or_default();
        let all = || self.logs.iter().flat_map(|log| log.epochs.values());
        let largest = |column: usize| all().filter_map(|values| values[column]).fold(0.0, f64::max);
        // timm writes percent, the others fractions; an accuracy above one can only be percent.
        let percent = |column: usize| plain(&metric).starts_with("eval_top") || largest(column) > 1.0;
        let unit = |column: usize| if percent(column) { 0.01 } else { 1.0 };
        let units = [unit(0), unit(1), unit(2), 1.0, 1.0, 1.0];
        let zero = all().next().is_some() && self.logs.iter().any(|log| log.epochs.contains_key(&0));

        let mut warnings = Vec::new();
        let headline = self.options.headline;
        if headline == Headline::BestOnValidation {
            warnings.push(format!(
                "The best epoch of each run was chosen by {metric} and is judged by it too: all accuracies are too high, and more so \
                 the more an accuracy jumps from epoch to epoch."
            ));
        }
        let mut lengths: Vec<(usize, String)> = Vec::new();
        let mut runs = Vec::with_capacity(self.logs.len());
        for log in &self.logs {
            let epochs: Vec<EpochRecord> = log
                .epochs
                .iter()
                .map(|(&number, values)| {
                    let value = |column: usize| values[column].map_or(f64::NAN, |v| v * units[column]);
                    EpochRecord {
                        epoch: u32::try_from(number).unwrap_or(u32::MAX).saturating_add(u32::from(zero)),
                        train_loss: value(3),
                        train_top1: value(2),
                        validation_loss: value(4),
                        validation_top1: value(METRIC),
                        validation_top5: value(1),
                        learning_rate: value(5),
                        images_per_second: f64::NAN,
                        waiting: f64::NAN,
                        seconds: f64::NAN,
                    }
                })
                .collect();
            let measured: Vec<&EpochRecord> = epochs.iter().filter(|e| !e.validation_top1.is_nan()).collect();
            let chosen = headline_of(headline, &measured).ok_or_else(|| ResultsError::Empty {
                path: log.path.clone(),
                message: "no epoch has a value of the metric",
            })?;
            lengths.push((measured.len(), format!("{} seed {}", log.recipe, log.seed)));
            runs.push(Run {
                recipe: log.recipe.clone(),
                seed: log.seed,
                value: chosen.validation_top1,
                top5: Some(chosen.validation_top5).filter(|v| v.is_finite()),
                marks: None,
                epochs,
            });
        }
        let longest = lengths.iter().map(|(n, _)| *n).max().unwrap_or(0);
        let short: Vec<String> = lengths
            .into_iter()
            .filter(|(n, _)| *n < longest)
            .map(|(n, run)| format!("{run} ({n})"))
            .collect();
        if !short.is_empty() {
            warnings.push(format!(
                "Not all logs are equally long: {longest} epochs, but fewer of {}. Were these runs interrupted?",
                crate::summary::list(&short)
            ));
        }
        if runs.is_empty() {
            return Err(ResultsError::Empty {
                path: first.to_owned(),
                message: "no row has a value of the metric",
            });
        }
        Ok(Results {
            name: String::new(),
            metric,
            headline: headline.to_string(),
            runs,
            images: Vec::new(),
            labels: Vec::new(),
            classes: Vec::new(),
            warnings,
        })
    }
}

/// The epoch the headline names, of those in which the metric was measured.
fn headline_of<'a>(headline: Headline, measured: &[&'a EpochRecord]) -> Option<&'a EpochRecord> {
    let better = |a: &&&EpochRecord, b: &&&EpochRecord| {
        // Of equals the earlier one.
        a.validation_top1.total_cmp(&b.validation_top1).then(b.epoch.cmp(&a.epoch))
    };
    match headline {
        Headline::Last => measured.last().copied(),
        Headline::BestOnValidation => measured.iter().max_by(better).copied(),
        Headline::MedianOfLast(k) => {
            let mut last = measured[measured.len().saturating_sub(k as usize)..].to_vec();
            last.sort_by(|a, b| a.validation_top1.total_cmp(&b.validation_top1).then(a.epoch.cmp(&b.epoch)));
            last.get(last.len() / 2).copied()
        }
    }
}

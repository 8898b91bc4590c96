//! TensorBoard's event files: one folder a trial, `DIR/<recipe>/seed-<n>`, so that runs group by recipe.
//!
//! A file is a sequence of TFRecords, each an `Event` message: `tensorflow/core/util/event.proto`,
//! `tensorflow/core/framework/summary.proto`.

use super::Exporter;
use crate::moment::{Folders, started};
use bakeoff_data::protobuf::{put_bytes, put_f32, put_f64, put_number};
use bakeoff_data::put_record;
use bakeoff_evidence::{Evidence, State};
use bakeoff_files::{WriteError, make_folder, write_bytes};
use std::path::{Path, PathBuf};

/// The message that opens a file.
fn version(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    put_f64(1, wall_time, &mut event);
    put_bytes(3, b"brain.Event:2", &mut event);
    event
}

/// `tag` was `value` at `step`.
fn scalars(wall_time: f64, step: u64, values: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut message = Vec::new();
        put_bytes(1, tag.as_bytes(), &mut message);
        put_f32(2, *value as f32, &mut message);
        put_bytes(1, &message, &mut summary);
    }
    let mut event = Vec::new();
    put_f64(1, wall_time, &mut event);
    put_number(2, step, &mut event);
    put_bytes(5, &summary, &mut event);
    event
}

/// TensorBoard event files of all trials begun, one folder a trial: `DIR/<recipe>/seed-<n>`; over earlier files of the same run.
pub struct TensorBoard;

impl Exporter for TensorBoard {
    fn write(&self, evidence: &Evidence, dir: &Path) -> Result<Vec<PathBuf>, WriteError> {
        let begun = started(evidence);
        let mut folders = Folders::default();
        let mut written = Vec::new();
        for trial in evidence.trials.iter().filter(|t| !t.epochs.is_empty()) {
            let mut file = Vec::new();
            put_record(&version(begun), &mut file);
            let mut now = begun;
            for e in &trial.epochs {
                now += e.seconds;
                let values = [
                    ("loss/train", e.train_loss),
                    ("loss/validation", e.validation_loss),
                    ("top1/train", e.train_top1),
                    ("top1/validation", e.validation_top1),
                    ("top5/validation", e.validation_top5),
                    ("learning_rate", e.learning_rate),
                    ("images_per_second", e.images_per_second),
                ];
                put_record(&scalars(now, e.epoch.into(), &values), &mut file);
            }
            if let State::Finished { test, .. } = &trial.state {
                let compared = (!evidence.is_top1()).then_some(test.compared);
                let values = [
                    ("top1/test", test.top1),
                    ("top5/test", test.top5),
                    ("loss/test", test.loss),
                    ("compared/test", compared),
                ];
                let known: Vec<_> =
                    values.into_iter().filter_map(|(tag, value)| Some((tag, value?))).collect();
                let step = trial.epochs.last().map_or(0, |e| e.epoch);
                put_record(&scalars(now, step.into(), &known), &mut file);
            }
            let folder = dir.join(folders.name(&trial.recipe)).join(format!("seed-{}", trial.seed));
            make_folder(&folder)?;
            let path = folder.join(format!("events.out.tfevents.{:010}.bakeoff", begun as u64));
            write_bytes(&path, &file)?;
            written.push(path);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_messages_are_encoded_as_protocol_buffers() {
        let event = scalars(1.0, 2, &[("a", 0.5)]);
        let expected = [
            &[0x09][..],
            &1f64.to_le_bytes(),
            &[0x10, 2, 0x2a, 10, 0x0a, 8, 0x0a, 1, b'a', 0x15],
            &0.5f32.to_le_bytes(),
        ]
        .concat();
        assert_eq!(event, expected);
    }
}

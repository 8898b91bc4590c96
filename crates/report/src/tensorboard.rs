//! TensorBoard's event files: one folder a trial, `DIR/<recipe>/seed-<n>`, so that runs group by recipe.
//!
//! A file is a sequence of TFRecords (length, its checksum, data, its checksum; checksums are CRC-32C, masked), each an `Event`
//! message: `tensorflow/core/util/event.proto`, `tensorflow/core/framework/summary.proto`. Written by hand: it is less code than
//! a protobuf library would need to be told.

use crate::moment::{Folders, started};
use bakeoff_evidence::{Evidence, State};
use bakeoff_files::{WriteError, make_folder, write_bytes};
use std::path::{Path, PathBuf};

/// CRC-32C (Castagnoli), reflected: RFC 3720, appendix B.4.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !crc
}

/// TFRecord's mask, so that a checksum of data that holds checksums is not degenerate.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn record(data: &[u8], file: &mut Vec<u8>) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend_from_slice(&length);
    file.extend_from_slice(&masked(crc32c(&length)).to_le_bytes());
    file.extend_from_slice(data);
    file.extend_from_slice(&masked(crc32c(data)).to_le_bytes());
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A length-delimited field.
fn field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The message that opens a file.
fn version(wall_time: f64) -> Vec<u8> {
    let mut event = vec![1 << 3 | 1];
    event.extend_from_slice(&wall_time.to_le_bytes());
    field(3, b"brain.Event:2", &mut event);
    event
}

/// `tag` was `value` at `step`.
fn scalars(wall_time: f64, step: u64, values: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut message = Vec::new();
        field(1, tag.as_bytes(), &mut message);
        message.push(2 << 3 | 5);
        message.extend_from_slice(&(*value as f32).to_le_bytes());
        field(1, &message, &mut summary);
    }
    let mut event = vec![1 << 3 | 1];
    event.extend_from_slice(&wall_time.to_le_bytes());
    event.push(2 << 3);
    varint(step, &mut event);
    field(5, &summary, &mut event);
    event
}

/// Writes every trial that has begun; over earlier files of the same run.
pub(crate) fn write(evidence: &Evidence, dir: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let begun = started(evidence);
    let mut folders = Folders::default();
    let mut written = Vec::new();
    for trial in evidence.trials.iter().filter(|t| !t.epochs.is_empty()) {
        let mut file = Vec::new();
        record(&version(begun), &mut file);
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
            record(&scalars(now, e.epoch.into(), &values), &mut file);
        }
        if let State::Finished { test, .. } = &trial.state {
            let values = [("top1/test", Some(test.top1)), ("top5/test", test.top5), ("loss/test", test.loss)];
            let known: Vec<_> = values.into_iter().filter_map(|(tag, value)| Some((tag, value?))).collect();
            let step = trial.epochs.last().map_or(0, |e| e.epoch);
            record(&scalars(now, step.into(), &known), &mut file);
        }
        let folder = dir.join(folders.name(&trial.recipe)).join(format!("seed-{}", trial.seed));
        make_folder(&folder)?;
        let path = folder.join(format!("events.out.tfevents.{:010}.bakeoff", begun as u64));
        write_bytes(&path, &file)?;
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn numbers_and_messages_are_encoded_as_protocol_buffers() {
        let mut out = Vec::new();
        varint(300, &mut out);
        assert_eq!(out, [0xac, 0x02]);
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

//! Where a trial stands, as its checkpoint and its lines of metrics keep it.

use serde::{Deserialize, Serialize};

use crate::folder::epoch_of_line;

/// Where a trial stands between two steps. What the weights hold is beside it in the checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Content address of the trial.
    pub(super) id: String,
    /// Epochs trained, evaluated and recorded.
    pub(super) epochs: u32,
    /// Steps done in the epoch after those.
    pub(super) step: usize,
    /// Sum of loss × images over those steps, as bits: a decimal fraction need not come back the same.
    pub(super) loss_bits: u64,
    /// Images of those steps.
    pub(super) images: usize,
    /// Seconds of those steps.
    pub(super) train_seconds: f64,
    /// Seconds of those in which the network waited for images.
    #[serde(default)]
    pub(super) waiting_seconds: f64,
    /// Seconds of this epoch.
    pub(super) epoch_seconds: f64,
    /// Seconds of the whole trial.
    pub(super) seconds: f64,
    /// Epochs whose weights are kept for the headline, with their validation accuracy.
    pub(super) kept: Vec<(u32, f64)>,
}

impl State {
    pub(super) fn loss(&self) -> f64 {
        f64::from_bits(self.loss_bits)
    }
}

/// The lines of a trial's first epochs, as they were written; or what is wrong with them.
pub(super) fn first_epochs<'a>(bytes: &'a [u8], epochs: usize, trial: &str) -> Result<&'a str, String> {
    let lines =
        bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")).take(epochs);
    let (mut length, mut found) = (0, 0);
    for (line, number) in lines.zip(1..) {
        let text = std::str::from_utf8(line).map_err(|_| format!("line {number} is no text"))?;
        let record =
            epoch_of_line(text.trim_end(), trial).map_err(|reason| format!("line {number}: {reason}"))?;
        if record.epoch != number {
            return Err(format!("line {number} is epoch {}", record.epoch));
        }
        length += line.len();
        found += 1;
    }
    if found < epochs {
        return Err("fewer epochs than the checkpoint has".to_owned());
    }
    std::str::from_utf8(&bytes[..length]).map_err(|error| error.to_string())
}

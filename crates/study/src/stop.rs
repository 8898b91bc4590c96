//! Reasons to stop.

use std::sync::atomic::{AtomicBool, Ordering};

/// Either of two reasons to stop.
pub(crate) struct StopFlag<'a> {
    asked: &'a AtomicBool,
    halted: &'a AtomicBool,
}

impl<'a> StopFlag<'a> {
    pub(crate) fn new(asked: &'a AtomicBool, halted: &'a AtomicBool) -> Self {
        Self { asked, halted }
    }

    pub(crate) fn raised(&self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.halted.load(Ordering::Relaxed)
    }
}

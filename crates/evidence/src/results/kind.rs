//! What the rows of a file are.

use super::error::ResultsError;
use std::path::Path;

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Predictions,
    Runs,
    Log,
}

impl Kind {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Runs => "one row per run",
            Self::Log => "a training log",
        }
    }

    pub(super) fn no_use(self, path: &Path, option: &'static str, of: &'static str) -> ResultsError {
        ResultsError::NoUse { path: path.to_owned(), kind: self.words(), option, of }
    }
}

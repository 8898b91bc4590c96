//! The split a source declares for a sample.

use serde::{Deserialize, Serialize};

/// The split a source declares for a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredSplit {
    /// Training.
    Train,
    /// Validation, where the source has one.
    Validation,
    /// Test.
    Test,
    /// The source declares no splits.
    Undeclared,
}

impl DeclaredSplit {
    /// The split's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Undeclared => "undeclared",
        }
    }
}

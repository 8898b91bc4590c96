//! Why nothing can be found.

use bakeoff_study::FolderError;

/// Why nothing can be found.
#[derive(Debug, thiserror::Error)]
pub enum FindingsError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Run(#[from] FolderError),
    /// The numbers in it cannot be compared.
    #[error("{0}; the run folder holds results that do not belong together")]
    Numbers(#[from] bakeoff_stats::StatsError),
}

//! How a study is run.

use std::time::Duration;

/// How a study is run. None of it changes a trial's result.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Threads in all; 0 for as many as the machine has.
    pub threads: usize,
    /// Trials at a time, which share the threads; 0 to choose: several where the network is too small to keep more than one
    /// thread busy.
    pub jobs: usize,
    /// Refuse a data set with images that cannot be used, instead of leaving them out.
    pub strict: bool,
    /// Run trials again that failed in an earlier sitting.
    pub retry_failed: bool,
    /// Throw away what the folder holds of trials whose settings have changed, instead of refusing.
    pub fresh: bool,
    /// Longest time between two checkpoints of a trial; one is written after every epoch in any case, unless the last one is
    /// less than a second old.
    pub checkpoint_every: Duration,
    /// Pictures of each recipe in the run folder.
    pub previews: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            threads: 0,
            jobs: 0,
            strict: false,
            retry_failed: false,
            fresh: false,
            checkpoint_every: Duration::from_secs(300),
            previews: 8,
        }
    }
}

//! The threads that a run, or a look at its networks, works with.

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads that cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} threads: {reason}; ask for fewer with --threads")]
pub struct ThreadsError {
    /// How many.
    pub threads: usize,
    /// Why.
    pub reason: String,
}

/// A pool of so many threads; of as many as the machine has cores, where none are named.
pub(crate) fn pool(threads: usize) -> Result<ThreadPool, ThreadsError> {
    let threads = match threads {
        0 => bakeoff_machine::cores(),
        threads => threads,
    };
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| ThreadsError { threads, reason: error.to_string() })
}

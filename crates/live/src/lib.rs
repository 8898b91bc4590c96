//! A run while it runs: [`Server`] shows its page on 127.0.0.1, [`terminal`] fills the terminal with it.
//!
//! Both read the run folder and nothing else, so they show a run of this process or of another, and cannot disturb it.
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//! let server = bakeoff_live::Server::bind("runs/dogs", 0, bakeoff_report::Language::English)?;
//! println!("{}", server.url());
//! server.serve(&AtomicBool::new(false))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::print_stderr)]

mod progress;
mod server;
pub mod terminal;

pub use progress::{Progress, TrialProgress, TrialState};
pub use server::Server;

/// Why a run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The port is taken, or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}: {message}; give another port, or none to get a free one")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system says.
        message: String,
    },
    /// The terminal cannot be drawn on.
    #[error("cannot draw on this terminal: {0}")]
    Terminal(#[from] std::io::Error),
}

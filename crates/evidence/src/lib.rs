//! A run folder, or another trainer's results, as one type: [`Evidence`]. What cannot be read is said, and the rest is used.
//!
//! ```no_run
//! use bakeoff_evidence::Evidence;
//! use bakeoff_study::RunFolder;
//! let evidence = Evidence::read(&RunFolder::open("runs/dogs")?)?;
//! println!("{} of {} trials are finished", evidence.finished(), evidence.trials.len());
//! # Ok::<(), bakeoff_study::FolderError>(())
//! ```

#![warn(clippy::print_stderr)]

mod evidence;
pub mod results;
mod text;

pub use evidence::{BALANCED, Evidence, Origin, State, Tested, Trial, judgement};
pub use results::{Results, ResultsError};
pub use text::{aligned, columns, cut, list, padded, plain};

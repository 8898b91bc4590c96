//! Files as Bakeoff treats them: what other people wrote is read within bounds, and what Bakeoff writes is there whole or not at all.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("plan.json");
//! bakeoff_files::write_bytes(&path, b"{}")?;
//! assert_eq!(bakeoff_files::read_text(&path, 1 << 20)?, "{}");
//! assert_eq!(bakeoff_files::sha256_of_file(&path, 1 << 20)?, bakeoff_files::sha256(b"{}"));
//! # Ok(())
//! # }
//! ```

#![warn(clippy::print_stderr)]

mod digest;
mod read;
mod seal;
mod unfinished;
mod write;

pub use digest::{Sha256, hex, sha256, sha256_of_file};
pub use read::{open, read, read_from, read_text};
pub use seal::{Changed, unsealed, write_sealed};
pub use unfinished::{Unfinished, remove_unfinished};
pub use write::{
    WriteError, append_to, at, create_in_place, make_folder, open_own, write_atomically, write_bytes,
    write_json, write_output,
};

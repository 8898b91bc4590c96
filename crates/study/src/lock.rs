//! One process at a time in a run folder.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;

use bakeoff_files::{at, open_own};

use crate::run_error::RunError;

/// Keeps a second process out of a run folder. The system lets go of it when the process ends, however it ends.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join("lock");
        let mut file = open_own(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => {
                // For whoever is kept out; the lock itself does not depend on it.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let holder = bakeoff_files::read_text(&path, 32).unwrap_or_default();
                let holder = holder.trim();
                let known = !holder.is_empty() && holder.bytes().all(|byte| byte.is_ascii_digit());
                let holder = if known { format!(" (process {holder})") } else { String::new() };
                Err(RunError::Locked { path: folder.to_owned(), holder })
            }
            // Some network file systems have no locks; a run there is still better than none.
            Err(TryLockError::Error(_)) => Ok(Self { _file: file }),
        }
    }
}

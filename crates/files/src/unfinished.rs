//! What is being written and has no final name yet, so that a program which is interrupted leaves nothing half done.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All of this process.
static ALL: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn all() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file or folder of our own that is of no use before it is finished: it is removed when this is dropped, and by
/// [`remove_unfinished`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let part = folder.path().join("sheet.png.partial");
/// let unfinished = bakeoff_files::Unfinished::at(&part);
/// std::fs::write(&part, "half")?;
/// drop(unfinished);
/// assert!(!part.exists());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Unfinished {
    path: PathBuf,
    kept: bool,
}

impl Unfinished {
    /// Says that what is written at `path` from now on is not finished.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        all().insert(path.to_owned());
        Self { path: path.to_owned(), kept: false }
    }

    /// It is finished, and stays.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
        all().remove(&self.path);
    }
}

/// Removes everything that this process has begun and not finished. Whoever still writes it fails, or writes into a file without
/// a name: for a program that ends at once.
pub fn remove_unfinished() {
    std::mem::take(&mut *all()).iter().for_each(|path| remove(path));
}

fn remove(path: &Path) {
    // Nothing can be done about what cannot be removed.
    let _ =
        if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_is_removed_and_what_is_kept_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (kept, dropped) = (Unfinished::at(&path("kept")), Unfinished::at(&path("dropped")));
        for name in ["kept", "dropped"] {
            fs::write(path(name), "x").unwrap();
        }
        kept.keep();
        drop(dropped);
        assert!(path("kept").exists() && !path("dropped").exists());
        // Both kinds, in the middle of the work, and the guard that is dropped later harms nothing.
        let unfinished = [Unfinished::at(&path("file")), Unfinished::at(&path("folder"))];
        fs::write(path("file"), "x").unwrap();
        fs::create_dir_all(path("folder/deep")).unwrap();
        // Not `remove_unfinished`, which would remove what other tests write at the same time.
        unfinished.iter().for_each(|unfinished| remove(&unfinished.path));
        drop(unfinished);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!all().iter().any(|path| path.starts_with(folder.path())));
    }
}

//! Mistakes of Bakeoff's own: one line that asks to report them, instead of a library's words and a list of its functions.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use crate::exit::note;

/// The last panic in a pool of threads, until somebody catches it.
static UNTOLD: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic is told in one line. In a pool's thread it is not told where it happens but where the pool's work was
/// begun: a trial that fails is recorded with it, and is not the end of the others.
pub(crate) fn install() {
    set_hook(Box::new(|info| {
        let line = line(info);
        if rayon::current_thread_index().is_some() {
            *UNTOLD.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
        } else {
            note(line);
        }
    }));
}

fn line(info: &PanicHookInfo<'_>) -> String {
    let place =
        info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let message = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let mut line = format!(
        "error: a mistake inside Bakeoff{place}: {message}\n  What is on disk is whole. Please report it with this line and the command."
    );
    // For whoever asked for it, with RUST_BACKTRACE.
    let calls = Backtrace::capture();
    if calls.status() == BacktraceStatus::Captured {
        line += &format!("\n{calls}");
    }
    line
}

/// Does `work`; `None` where it panicked, and that has been told.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work))
        .inspect_err(|_| {
            let untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner).take();
            untold.into_iter().for_each(note);
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_pool_is_told_once_where_its_work_was_begun() {
        install();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let none: Option<()> = std::thread::scope(|scope| {
            let work = || {
                let caught = bakeoff_data::catch_quietly(|| pool.install(|| panic!("in a trial")));
                assert_eq!(caught, Err::<(), _>(bakeoff_data::Caught(Some("in a trial".into()))));
                let untold = UNTOLD.lock().unwrap().take().unwrap();
                assert!(untold.contains("panics.rs:") && untold.contains(": in a trial\n"), "{untold}");
                assert!(untold.contains("Please report it"), "{untold}");
                caught_in_pool(&pool)
            };
            scope.spawn(work).join().unwrap()
        });
        assert_eq!(none, None);
        assert_eq!(*UNTOLD.lock().unwrap(), None, "it has been told");
    }

    fn caught_in_pool(pool: &rayon::ThreadPool) -> Option<()> {
        caught(|| pool.install(|| panic!("in a command")))
    }
}

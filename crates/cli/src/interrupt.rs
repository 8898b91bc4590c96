//! Ctrl-C, a hang-up or `kill`: every command ends within two seconds, and leaves nothing half done under a final name.
//!
//! A command that can stop between two parts of its work asks for [`flag`] and looks at it; where it has not ended a moment later, it
//! is ended. One that has not asked is ended at once. Only training is waited for, however long its batch takes: what it has
//! learned since the last checkpoint would be lost. A second Ctrl-C ends that, too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::exit::{Exit, note};

/// For the work to end by itself. With what is removed and said then, two seconds are not exceeded.
const GRACE: Duration = Duration::from_millis(1500);
/// For a line to be printed: whoever reads our output may have stopped.
const SAY: Duration = Duration::from_millis(200);

static ASKED: AtomicBool = AtomicBool::new(false);
static WORK: Mutex<Work> = Mutex::new(Work { kind: Kind::Other, stopping: "stopping", go_on: "" });

/// What an interruption would interrupt.
#[derive(Clone, Copy)]
struct Work {
    kind: Kind,
    /// Said when it is asked to stop.
    stopping: &'static str,
    /// Said when it has been ended.
    go_on: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It looks at no flag.
    Other,
    /// It looks at the flag.
    Stops,
    /// It looks at the flag after every batch, and is waited for.
    Trains,
}

fn work() -> MutexGuard<'static, Work> {
    WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Handles interruptions from now on. `go_on` says how to go on after one.
pub(crate) fn install(go_on: &'static str) {
    work().go_on = go_on;
    if let Err(error) = ctrlc::set_handler(interrupt) {
        note(format!("warning: an interruption ends this at once: {error}"));
    }
}

/// The flag that an interruption raises, for work that looks at it. `stopping` is said then.
pub(crate) fn flag(stopping: &'static str) -> &'static AtomicBool {
    let mut work = work();
    (work.kind, work.stopping) = (Kind::Stops, stopping);
    &ASKED
}

/// Training has begun, or is over.
pub(crate) fn training(begun: bool) {
    let mut work = work();
    let before = std::mem::replace(&mut work.kind, if begun { Kind::Trains } else { Kind::Stops });
    if before == Kind::Trains && !begun && asked() {
        // What comes after the last batch was waited for long enough.
        drop(work);
        end_later();
    }
}

/// Whether an interruption has come.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// What Ctrl-C does.
pub(crate) fn interrupt() {
    let work = *work();
    if ASKED.swap(true, Ordering::SeqCst) || work.kind == Kind::Other {
        end();
    }
    end_later();
    let text = match work.kind {
        Kind::Trains => {
            "\nstopping after this batch; Ctrl-C again ends at once, from the last checkpoint".to_owned()
        }
        _ => format!("\n{}", work.stopping),
    };
    do_soon(move || note(text));
}

/// Ends the program in a moment, unless it trains then.
fn end_later() {
    let wait = || {
        std::thread::sleep(GRACE);
        if work().kind != Kind::Trains {
            end();
        }
    };
    // Without a thread for it, a second Ctrl-C does it.
    let _ = std::thread::Builder::new().spawn(wait);
}

/// The lines that say that it was interrupted, and how to go on.
pub(crate) fn told() -> String {
    format!("interrupted; {}:\n  {}", work().go_on, this_command())
}

/// The command that is running, as it can be given to a shell again.
pub(crate) fn this_command() -> String {
    let arguments = std::env::args_os().map(|argument| in_shell(&argument.to_string_lossy()));
    arguments.collect::<Vec<_>>().join(" ")
}

/// An argument in quotation marks, where a shell would otherwise take something in it for its own.
fn in_shell(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Ends the program at once: the terminal is given back, and nothing half done is left.
fn end() -> ! {
    bakeoff_live::terminal::restore();
    bakeoff_files::remove_unfinished();
    do_soon(|| {
        crate::screen::close();
        note(format!("\n{}", told()));
    });
    std::process::exit(i32::from(Exit::Interrupted.code()))
}

/// Prints something if that takes no time.
fn do_soon(print: impl FnOnce() + Send + 'static) {
    let (send, said) = channel();
    let print = move || {
        print();
        let _ = send.send(());
    };
    if std::thread::Builder::new().spawn(print).is_ok() {
        let _ = said.recv_timeout(SAY);
    }
}

#[cfg(test)]
mod tests {
    use super::in_shell;

    #[test]
    fn a_command_can_be_given_to_a_shell_again() {
        let shown =
            ["run", "study.toml", "train.epochs=2", "data.limit=[1, 2]", "it's", "개", ""].map(in_shell);
        assert_eq!(
            shown,
            ["run", "study.toml", "train.epochs=2", "'data.limit=[1, 2]'", r"'it'\''s'", "개", "''"]
        );
    }
}

//! What is drawn on a terminal below the lines that stay: all bars share one place, so that no line and no interruption leaves parts
//! of them behind.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, TermLike};

use crate::exit::{draw, stderr_is_terminal, stderr_size};

/// How often bars are drawn, at most.
const TIMES_A_SECOND: u8 = 20;

static BARS: LazyLock<MultiProgress> = LazyLock::new(|| MultiProgress::with_draw_target(target(false)));
/// Nothing is drawn any more: the program ends.
static CLOSED: AtomicBool = AtomicBool::new(false);

fn target(hidden: bool) -> ProgressDrawTarget {
    if hidden || !stderr_is_terminal() {
        return ProgressDrawTarget::hidden();
    }
    ProgressDrawTarget::term_like_with_hz(Box::<Stderr>::default(), TIMES_A_SECOND)
}

/// A bar below those that are there. Whatever is set before is drawn with it.
pub(crate) fn add(bar: ProgressBar) -> ProgressBar {
    BARS.add(bar)
}

/// Draws nothing while something else fills the terminal.
pub(crate) fn hide(hidden: bool) {
    BARS.set_draw_target(target(hidden));
}

/// Whether something else fills the terminal, or there is none.
pub(crate) fn is_hidden() -> bool {
    BARS.is_hidden()
}

/// Writes what stays, above the bars.
pub(crate) fn above(write: impl FnOnce()) {
    if is_hidden() { write() } else { BARS.suspend(write) }
}

/// Takes all bars away, for good: the program ends.
pub(crate) fn close() {
    above(|| CLOSED.store(true, Ordering::SeqCst));
}

/// The terminal behind stderr. A frame is written at once, and leaves the cursor at the beginning of the last bar's line: what the
/// terminal itself shows of a Ctrl-C at the end of that line would begin a new one, and every bar be drawn a line too low from then on.
#[derive(Debug, Default)]
struct Stderr(Mutex<String>);

impl Stderr {
    fn push(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn turn(&self, lines: usize, direction: char) -> io::Result<()> {
        if lines == 0 { Ok(()) } else { self.push(&format!("\x1b[{lines}{direction}")) }
    }
}

impl TermLike for Stderr {
    fn width(&self) -> u16 {
        stderr_size().map_or(80, |(width, _)| width)
    }

    fn height(&self) -> u16 {
        stderr_size().map_or(24, |(_, height)| height)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.turn(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.turn(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.turn(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.turn(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.push(text)?;
        self.push("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.push(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.push("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let mut frame = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if frame.is_empty() || CLOSED.load(Ordering::SeqCst) {
            return Ok(());
        }
        frame.push('\r');
        draw(&frame)
    }
}

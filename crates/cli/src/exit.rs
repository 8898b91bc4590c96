//! Exit codes, and how errors are told.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use bakeoff_data::visible;

/// How a command ended. Wrong usage (2) is clap's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done,
    /// Nothing usable came out; the error was printed.
    Failed,
    /// The study file is wrong; every error was printed.
    Usage,
    /// Done, but some trials failed.
    SomeTrialsFailed,
    /// Interrupted; running again goes on.
    Interrupted,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SomeTrialsFailed => 3,
            Self::Interrupted => 75,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Prints an error with its whole chain of causes.
pub(crate) fn print(error: &anyhow::Error) {
    let mut text = error.to_string();
    let mut told = error.to_string();
    for cause in error.chain().skip(1) {
        // Many library errors repeat their cause in their own message.
        let cause = cause.to_string();
        if !told.contains(&cause) {
            text.push_str(&format!("\n  because: {cause}"));
        }
        told = cause;
    }
    write_line(&format!("{} {}", label(), harmless(&text)));
}

/// Prints what clap has to say about the arguments: a mistake, or the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let text = text.trim_end_matches('\n');
    let shown = harmless(text);
    match error.use_stderr() {
        // An argument that would drive the terminal costs the colours.
        true if shown != text => note(shown),
        false if shown != text => out(shown),
        told => match error.print() {
            Err(error) if !told => lost(&error),
            _ => {}
        },
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()))
}

/// The two streams belong to this module: what is written goes through [`harmless`].
#[allow(clippy::disallowed_methods)]
fn stdout() -> std::io::Stdout {
    std::io::stdout()
}

#[allow(clippy::disallowed_methods)]
fn stderr() -> std::io::Stderr {
    std::io::stderr()
}

pub(crate) fn stdout_is_terminal() -> bool {
    stdout().is_terminal()
}

pub(crate) fn stderr_is_terminal() -> bool {
    stderr().is_terminal()
}

/// Columns and lines of the terminal behind stderr.
pub(crate) fn stderr_size() -> Option<(u16, u16)> {
    terminal_size::terminal_size_of(stderr()).map(|(width, height)| (width.0, height.0))
}

/// Writes what draws bars, which hold nothing that was not made harmless.
pub(crate) fn draw(frame: &str) -> std::io::Result<()> {
    let mut stderr = stderr();
    stderr.write_all(frame.as_bytes())?;
    stderr.flush()
}

fn label() -> &'static str {
    if stderr_is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        "\x1b[1;31merror:\x1b[0m"
    } else {
        "error:"
    }
}

/// What is printed may hold names of other people: nothing in it drives the terminal, and none of its further lines can be taken
/// for a message of ours.
pub(crate) fn harmless(text: &str) -> String {
    let shown = visible(text);
    let begun = shown.len() - shown.trim_start_matches('\n').len();
    let (empty, lines) = shown.split_at(begun);
    let mut safe = String::with_capacity(shown.len() + 8);
    safe.push_str(empty);
    for (number, line) in lines.split('\n').enumerate() {
        if number > 0 {
            safe.push_str(if looks_like_a_message(line) { "\n  " } else { "\n" });
        }
        safe.push_str(line);
    }
    safe
}

/// Whether a line could be taken for one that Bakeoff begins with such a word.
fn looks_like_a_message(line: &str) -> bool {
    // Joiners take no room.
    let start: String = line.chars().filter(|c| !('\u{200c}'..='\u{200d}').contains(c)).take(12).collect();
    let start = start.to_lowercase();
    ["warning:", "error:", "interrupted", "report:"].iter().any(|label| start.starts_with(label))
}

/// Prints a line of results to stdout. A closed pipe (`| head`) ends the program quietly; output that is lost for another reason,
/// such as a full disk, ends it with an error.
pub(crate) fn out(line: impl AsRef<str>) {
    out_raw(&harmless(line.as_ref()));
}

/// [`out`] of what is meant to drive the terminal: pictures.
pub(crate) fn out_raw(line: &str) {
    let mut stdout = stdout();
    if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        lost(&error);
    }
}

/// Ends the program since its output goes nowhere.
fn lost(error: &std::io::Error) -> ! {
    bakeoff_files::remove_unfinished();
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    note(format!("error: the output is lost: {error}"));
    std::process::exit(1);
}

/// [`out`] of a line for people: in a terminal, sentences break between words.
pub(crate) fn out_folded(line: &str) {
    let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    match width.filter(|_| stdout_is_terminal()) {
        Some(width) => out(folded(line, width)),
        None => out(line),
    }
}

/// Breaks a line between words. Columns, told by their gaps, stay as they are, and so does a word that is wider than the terminal.
fn folded(line: &str, width: usize) -> String {
    if line.contains("  ") {
        return line.to_owned();
    }
    let mut text = String::with_capacity(line.len() + 8);
    let mut column = 0;
    for word in line.split(' ') {
        let length = bakeoff_evidence::columns(word);
        if column > 0 {
            let fits = column + 1 + length <= width;
            text.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        text.push_str(word);
        column += length;
    }
    text
}

/// Prints warnings to stderr, a line each.
pub(crate) fn warn(warnings: impl IntoIterator<Item = impl std::fmt::Display>) {
    for warning in warnings {
        note(format!("warning: {warning}"));
    }
}

/// Prints a remark to stderr.
pub(crate) fn note(line: impl AsRef<str>) {
    write_line(&harmless(line.as_ref()));
}

/// Writes to stderr what is harmless; in a terminal, sentences break between words, and bars move below. A closed stderr must not turn
/// a remark into a panic.
fn write_line(text: &str) {
    let text = match stderr_size().filter(|_| stderr_is_terminal()) {
        Some((width, _)) => {
            let lines: Vec<String> = text.split('\n').map(|line| folded(line, usize::from(width))).collect();
            lines.join("\n")
        }
        None => text.to_owned(),
    };
    crate::screen::above(|| {
        let _ = writeln!(stderr(), "{text}");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_people_neither_drive_the_terminal_nor_forge_a_message() {
        assert_eq!(
            harmless("class \x1b[2Jdog\nwarning: all is lost\n  list"),
            "class \\x1b[2Jdog\n  warning: all is lost\n  list"
        );
        for line in ["Warning: x", "ERROR: x", "\u{200d}warning: x", "interrupted; x", "report: x"] {
            assert_eq!(harmless(&format!("a\n{line}")), format!("a\n  {line}"));
        }
        assert_eq!(harmless("\nwarning: ours"), "\nwarning: ours");
        let json = serde_json::to_string("gpj.\u{202e}\u{9b}\x1b").unwrap();
        assert_eq!(serde_json::from_str::<String>(&harmless(&json)).unwrap(), "gpj.\u{202e}\u{9b}\x1b");
    }

    #[test]
    fn sentences_break_between_words_and_columns_do_not() {
        assert_eq!(folded("one two three", 7), "one two\nthree");
        assert_eq!(folded("one two three", 13), "one two three");
        assert_eq!(folded("unbreakable words", 4), "unbreakable\nwords");
        assert_eq!(folded("none       6  19.00 %", 10), "none       6  19.00 %");
        assert_eq!(folded("", 10), "");
    }
}

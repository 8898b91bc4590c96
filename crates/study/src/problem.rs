//! What is wrong with a study file: where, which key, and what to do.

use std::fmt;
use std::path::PathBuf;

/// Where a value of a study was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the study file.
    File {
        /// 1-based.
        line: usize,
        /// 1-based, in characters.
        column: usize,
        /// The line's text, of a long line what stands around the place.
        text: String,
        /// Characters of `text` before the place.
        before: usize,
        /// Characters to underline, at least 1, all within `text` but for the one behind its end.
        width: usize,
    },
    /// On the command line, as `--set key=value`.
    Override(String),
    /// Nowhere: something is absent.
    Absent,
}

/// One thing that is wrong, or deserves a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written.
    pub place: Place,
    /// Dotted key, array elements by their name or by index: `recipe.cutmix.mix.alpha`. Empty for the whole file.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// One line: `FILE:LINE:COLUMN: KEY: MESSAGE`.
    #[must_use]
    pub fn line(&self, file: &std::path::Path) -> String {
        let mut text = match &self.place {
            Place::File { line, column, .. } => format!("{}:{line}:{column}: ", file.display()),
            Place::Override(set) => format!("--set {}: ", shortened(set, MOST_OF_SET)),
            Place::Absent => format!("{}: ", file.display()),
        };
        if !self.key.is_empty() {
            text.push_str(&self.key);
            text.push_str(": ");
        }
        text + &self.message
    }
}

/// Characters of a `--set` that are told before what is wrong with it.
const MOST_OF_SET: usize = 200;
/// Things that are wrong before looking for more of them ends.
pub(crate) const MOST_FOUND: usize = 200;
/// Things that are wrong of which people are told.
const MOST_TOLD: usize = 30;
/// Characters of a message that are shown.
const MOST_OF_MESSAGE: usize = 1000;

/// What is wrong with a study file, in file order: all of it, unless it is more than anybody would read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyErrors {
    /// The file.
    pub file: PathBuf,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for StudyErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().take(MOST_TOLD).enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{}", shortened(&problem.line(&self.file), MOST_OF_MESSAGE))?;
            if let Place::File { line, text, before, width, .. } = &problem.place {
                let margin = line.to_string().len();
                write!(formatter, "\n {line} | {text}\n {:margin$} | ", "")?;
                for character in text.chars().take(*before) {
                    // A tab must stay a tab for the marks to stand below what they mark.
                    write!(formatter, "{}", if character == '\t' { '\t' } else { ' ' })?;
                }
                write!(formatter, "{}", "^".repeat(*width))?;
            }
        }
        match self.problems.len() {
            ..=MOST_TOLD => Ok(()),
            more @ ..MOST_FOUND => write!(formatter, "\n… and {} more; mend these first", more - MOST_TOLD),
            _ => write!(formatter, "\n… and more than {}; mend these first", MOST_FOUND - MOST_TOLD),
        }
    }
}

impl std::error::Error for StudyErrors {}

/// At most so many characters of a text, from its beginning.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `` `a`, `b`, `c` ``.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_problems_the_first_are_told_and_long_lines_are_cut_around_the_place() {
        let problem = |line| Problem {
            place: Place::File { line, column: 700, text: "…x = 1…".into(), before: 1, width: 1 },
            key: "k".repeat(5000),
            message: "m".into(),
        };
        let told = |problems: usize| {
            let problems = (1..=problems).map(problem).collect();
            StudyErrors { file: "s.toml".into(), problems }.to_string()
        };
        let text = told(31);
        assert!(text.ends_with("\n… and 1 more; mend these first") && !text.contains("s.toml:31:"), "{text}");
        assert!(!told(30).contains("more"));
        let text = told(MOST_FOUND);
        assert!(text.contains("more than 170") && text.len() < 64 << 10, "{}", text.len());
        assert!(text.contains("\n 1 | …x = 1…\n   |  ^\n"), "{text}");
    }
}

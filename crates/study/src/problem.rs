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
        /// The line's text; of a long line the part around the place.
        text: String,
        /// Where in `text` the place is, 1-based, in characters.
        mark: usize,
        /// Characters to underline, at least 1.
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
            Place::Override(set) => format!("--set {set}: "),
            Place::Absent => format!("{}: ", file.display()),
        };
        if !self.key.is_empty() {
            text.push_str(&self.key);
            text.push_str(": ");
        }
        text + &self.message
    }
}

/// Everything that is wrong with a study file, in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyErrors {
    /// The file.
    pub file: PathBuf,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for StudyErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{}", problem.line(&self.file))?;
            if let Place::File { line, text, mark, width, .. } = &problem.place {
                let margin = line.to_string().len();
                write!(formatter, "\n {line} | {text}\n {:margin$} | ", "")?;
                for character in text.chars().take(mark - 1) {
                    // A tab must stay a tab for the marks to stand below what they mark.
                    write!(formatter, "{}", if character == '\t' { '\t' } else { ' ' })?;
                }
                write!(formatter, "{}", "^".repeat(*width))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for StudyErrors {}

/// The known name nearest to a mistyped one, where one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    known
        .into_iter()
        .map(|name| {
            let plain_name = plain(name);
            let distance = strsim::damerau_levenshtein(&word, &plain_name);
            let part = word.len() >= 3
                && (plain_name.contains(&word) || word.contains(&plain_name) && name.len() >= 3);
            let limit = (plain_name.chars().count().max(word.chars().count()) / 3).max(1);
            // All names that the word is a part of are equally near: the first is the best known.
            (if part { distance.min(1) } else { distance }, limit, name)
        })
        .filter(|(distance, limit, _)| distance <= limit)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(_, _, name)| name)
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
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let known = ["epochs", "batch", "image", "optimizer", "evaluation_batch"];
        assert_eq!(nearest("epoch", known), Some("epochs"));
        assert_eq!(nearest("optimiser", known), Some("optimizer"));
        assert_eq!(nearest("evaluation-batch", known), Some("evaluation_batch"));
        assert_eq!(nearest("bacth", known), Some("batch"));
        assert_eq!(nearest("image_size", known), Some("image"));
        assert_eq!(nearest("fruit", known), None);
    }
}

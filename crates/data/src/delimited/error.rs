//! Why a table cannot be read, and what was taken for granted in one that can.

use serde::{Deserialize, Serialize};

use super::encoding::Encoding;

/// The largest table that is read. A table is held in memory as a whole.
pub const MOST_BYTES: u64 = 2 << 30;
/// The longest row that is read. A file without line ends is no table.
pub const MOST_ROW_BYTES: usize = 16 << 20;
/// The most cells of a row that is read.
pub const MOST_CELLS: usize = 100_000;

/// Why a table cannot be read. The texts name no file, since the caller knows it; [`DelimitedError::line`] is the line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DelimitedError {
    /// The operating system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// No header.
    #[error("it has no header line")]
    Empty,
    /// More than [`MOST_BYTES`].
    #[error("the file is larger than {} GiB, which is more than is read of a table; split it", limit >> 30)]
    TooLarge {
        /// The most bytes that are read.
        limit: u64,
    },
    /// More than [`MOST_ROW_BYTES`].
    #[error(
        "the row that begins here is longer than {} MiB; is the file a table, and are its quotation marks closed?",
        MOST_ROW_BYTES >> 20
    )]
    RowTooLong {
        /// 1-based.
        line: u64,
    },
    /// More than [`MOST_CELLS`].
    #[error("the row that begins here has more than {MOST_CELLS} cells; is the file a table of images?")]
    TooManyCells {
        /// 1-based.
        line: u64,
    },
    /// Bytes that are no text.
    #[error("{reason}; is the file a table? Save it as UTF-8 text")]
    NotText {
        /// 1-based, counted by line feeds.
        line: u64,
        /// What was found.
        reason: String,
    },
    /// Bytes that are text in no encoding.
    #[error("the text is not {encoding}: {reason}; save the table as UTF-8")]
    Encoding {
        /// 1-based.
        line: u64,
        /// What the file was taken for.
        encoding: Encoding,
        /// What was found.
        reason: String,
    },
    /// A quoted cell that has no proper end.
    #[error(
        "a quotation mark opens a cell here that does not end in one; within quotation marks, one that belongs to the text is \
         written twice"
    )]
    Quote {
        /// 1-based.
        line: u64,
        /// Whether the rest of the file stands in this cell.
        unclosed: bool,
    },
}

impl DelimitedError {
    /// The line that is wrong, 1-based, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Io(_) | Self::TooLarge { .. } => None,
            Self::Empty => Some(1),
            Self::RowTooLong { line }
            | Self::TooManyCells { line }
            | Self::NotText { line, .. }
            | Self::Encoding { line, .. }
            | Self::Quote { line, .. } => Some(*line),
        }
    }
}

/// What was taken for granted or left out of a table, and should be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DelimitedWarning {
    /// Text that is not Unicode.
    #[error(
        "the text is not UTF-8 and was read as {encoding}: line {line} holds \"{example}\". If that looks wrong, save the table as \
         UTF-8"
    )]
    Legacy {
        /// What it was taken for.
        encoding: Encoding,
        /// 1-based, of the example.
        line: u64,
        /// A word of the text, as it was read.
        example: String,
    },
    /// A first line `sep=` that the rows contradict.
    #[error("its first line says that {} separate the cells, but its rows are separated by {}, and were read so", plural(*.declared), plural(*.found))]
    OtherDelimiter {
        /// The first line's.
        declared: char,
        /// The rows'.
        found: char,
    },
    /// Zero bytes at the end, as a crash of the machine leaves them.
    #[error(
        "it ends in {bytes} zero bytes, which were left out; was the machine switched off while the file was written?"
    )]
    ZeroTail {
        /// How many.
        bytes: usize,
    },
    /// An end within a character.
    #[error("it breaks off in the middle of a character, which was left out")]
    CutCharacter,
}

/// A delimiter's name.
pub(super) fn plural(delimiter: char) -> String {
    match delimiter {
        ',' => "commas".into(),
        ';' => "semicolons".into(),
        '\t' => "tabs".into(),
        '|' => "vertical bars".into(),
        ' ' => "blanks".into(),
        other => format!("`{other}`"),
    }
}

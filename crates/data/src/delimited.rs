//! Tables that other programs wrote: text with a header line and one row per line, cells between commas, semicolons, tabs or
//! pipes.
//!
//! Spreadsheets, data frames and loggers disagree about almost everything else, so a table is looked at before it is read:
//!
//! | what differs | what is understood |
//! |---|---|
//! | encoding | UTF-8 and UTF-16 of either byte order, each with and without a byte order mark; Windows-1252 and Korean CP949, with a warning |
//! | separator | a first line `sep=;`, else the one that header and rows agree on, outside quotation marks |
//! | line ends | LF, CRLF, CR, also mixed |
//! | separators at the end of every row | dropped, where the column they open has neither name nor values |
//! | blank lines, and rows of nothing but separators | passed over |
//! | decimal signs | a point or a comma, which the cells of a column tell: [`DecimalSigns`] |
//!
//! ```
//! use bakeoff_data::delimited::{DecimalSigns, Delimited};
//!
//! let table = Delimited::from_bytes(b"sep=;\r\nepoch;val_acc\r\n0;0,584\r\n1;0,604\r\n".to_vec())?;
//! assert_eq!(table.header(), ["epoch", "val_acc"]);
//! let rows: Vec<_> = table.rows().collect::<Result<_, _>>()?;
//! assert_eq!((rows[1].line, rows[1].cell(1)), (4, "0,604"));
//! let mut signs = DecimalSigns::default();
//! rows.iter().for_each(|row| signs.see(1, row.line, row.cell(1)));
//! assert_eq!(signs.of(1)?.read("0,604").map(|number| number.value), Some(0.604));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decoding;
mod encoding;
mod error;
mod number;

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;

pub use encoding::Encoding;
use error::plural;
pub use error::{DelimitedError, DelimitedWarning, MOST_BYTES, MOST_CELLS, MOST_ROW_BYTES};
pub use number::{DecimalError, DecimalSign, DecimalSigns, Number};

/// Cells stand between these. Of two that fit equally well the earlier one counts, since commas stand in texts and numbers too.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];
/// How many rows are looked at to find the delimiter.
const SAMPLE: usize = 64;
/// About how many bytes a row takes in the memory of those who list its image.
const SPLIT_ROW: u64 = 512;
/// How much of the file is looked at before the rest is read.
const HEAD: u64 = 64 << 10;

/// A text file's text, whatever its encoding, and what it was taken for.
///
/// # Errors
/// It is no text.
pub fn text_of(bytes: Vec<u8>) -> Result<(String, Encoding), DelimitedError> {
    decoding::decode(bytes, &mut Vec::new())
}

/// What a table was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How characters are written.
    pub encoding: Encoding,
    /// What stands between cells.
    pub delimiter: char,
    /// Whether a first line `sep=` said so.
    pub declared: bool,
}

impl Format {
    /// UTF-8 with commas, of which nothing needs to be said.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.encoding == Encoding::Utf8 && self.delimiter == ','
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, separated by {}", self.encoding, plural(self.delimiter))
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Line on which it begins, 1-based; a first line `sep=` counts.
    pub line: u64,
    /// Its cells without surrounding blanks and quotation marks; perhaps more or fewer than the header's.
    pub cells: Vec<Cow<'a, str>>,
    /// Whether a line end follows. The last row of a file that breaks off has none.
    pub ended: bool,
}

impl Row<'_> {
    /// A cell, empty where the row is too short.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell)
    }
}

/// A table, decoded and looked at.
#[derive(Clone, Debug)]
pub struct Delimited {
    text: String,
    format: Format,
    warnings: Vec<DelimitedWarning>,
    header: Vec<String>,
    header_line: u64,
    /// Where the rows begin, and on which line.
    body: (usize, u64),
    /// Whether empty cells beyond the header's are dropped.
    drops: bool,
}

impl Delimited {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is too large, is no text, or has no header.
    pub fn read(path: &Path) -> Result<Self, DelimitedError> {
        Self::from_bytes(bytes_of(bakeoff_files::open(path)?)?)
    }

    /// Takes a file's bytes.
    ///
    /// # Errors
    /// They are no text, or have no header.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, DelimitedError> {
        let mut warnings = Vec::new();
        let (text, encoding) = decoding::decode(bytes, &mut warnings)?;
        let (declared, start) = declared(&text).map_or((None, (0, 1)), |(d, at)| (Some(d), (at, 2)));
        let delimiter = delimiter(&text, start, declared)?;
        if let Some(declared) = declared.filter(|&declared| declared != delimiter) {
            warnings.push(DelimitedWarning::OtherDelimiter {
                declared: declared.into(),
                found: delimiter.into(),
            });
        }
        let mut records = Records { text: &text, at: start.0, line: start.1, delimiter };
        let header = records.next().ok_or(DelimitedError::Empty)??;
        let (header_line, body) = (header.line, (records.at, records.line));
        let mut names: Vec<String> = header.cells.into_iter().map(Cow::into_owned).collect();
        let sample: Vec<Row<'_>> = records.take(SAMPLE).filter_map(Result::ok).collect();
        let mut drops = !sample.is_empty()
            && sample.iter().all(|row| {
                row.cells.len() > names.len() && row.cells[names.len()..].iter().all(|cell| cell.is_empty())
            });
        while names.len() > 1
            && names.last().is_some_and(String::is_empty)
            && sample.iter().all(|row| row.cell(names.len() - 1).is_empty())
        {
            names.pop();
            drops = true;
        }
        let format = Format { encoding, delimiter: delimiter.into(), declared: declared == Some(delimiter) };
        Ok(Self { format, warnings, header: names, header_line, body, drops, text })
    }

    /// Names of the columns, without surrounding blanks.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Line of the header, 1-based.
    #[must_use]
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// What the file was taken for.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// What should be said of it.
    #[must_use]
    pub fn warnings(&self) -> &[DelimitedWarning] {
        &self.warnings
    }

    /// About how many bytes of memory its rows take once they are split into cells.
    pub(crate) fn split_bytes(&self) -> u64 {
        let delimiter = self.format.delimiter as u8;
        self.text.bytes().fold(0, |sum, byte| match byte {
            _ if byte == delimiter => sum + size_of::<Cow<'_, str>>() as u64,
            b'\n' | b'\r' => sum + SPLIT_ROW,
            _ => sum,
        })
    }

    /// The rows below the header. After an error the next row follows.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        let (at, line) = self.body;
        let records = Records { text: &self.text, at, line, delimiter: self.format.delimiter as u8 };
        Rows { records, width: self.header.len(), drops: self.drops }
    }
}

/// A table's bytes. Whether it is text at all its first bytes tell, so that a data file of gigabytes is refused at once; and one whose
/// lines do not end is not read any further.
fn bytes_of(mut file: impl Read) -> Result<Vec<u8>, DelimitedError> {
    const STEP: u64 = 1 << 20;
    let mut bytes = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut bytes)?;
    decoding::sniff(&bytes, bytes.len() as u64 == HEAD)?;
    // Where the last line begins, and which it is.
    let (mut start, mut line, mut seen) = (0, 1u64, 0);
    loop {
        let ends = bytes[seen..].iter().enumerate().filter(|(_, byte)| matches!(byte, b'\n' | b'\r'));
        for (at, byte) in ends {
            line += u64::from(*byte == b'\n');
            start = seen + at + 1;
        }
        seen = bytes.len();
        // In UTF-16 a character has two bytes.
        if seen - start > 2 * MOST_ROW_BYTES {
            return Err(DelimitedError::RowTooLong { line });
        }
        if seen as u64 > MOST_BYTES {
            return Err(DelimitedError::TooLarge { limit: MOST_BYTES });
        }
        if file.by_ref().take(STEP).read_to_end(&mut bytes)? == 0 {
            return Ok(bytes);
        }
    }
}

/// The rows of a [`Delimited`].
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    records: Records<'a>,
    width: usize,
    drops: bool,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, DelimitedError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut row = self.records.next()?;
        if let Ok(row) = &mut row
            && self.drops
            && row.cells.len() > self.width
            && row.cells[self.width..].iter().all(|cell| cell.is_empty())
        {
            row.cells.truncate(self.width);
        }
        Some(row)
    }
}

/// The delimiter of a first line `sep=;`, and where the next line begins.
fn declared(text: &str) -> Option<(u8, usize)> {
    let end = text.find(['\n', '\r'])?;
    // Saved again by another spreadsheet, the line is quoted, and has the separators of the other columns behind it.
    let line = text[..end].trim_start_matches('"');
    let rest = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let (delimiter, behind) = match rest.strip_prefix("\\t") {
        Some(behind) => (b'\t', behind),
        None => (*rest.as_bytes().first()?, rest.get(1..)?),
    };
    let usable = delimiter == b'\t' || delimiter == b' ' || delimiter.is_ascii_punctuation();
    let alone = behind.chars().all(|c| matches!(c, '"' | ',' | ';' | '\t' | '|' | ' '));
    let next = if text[end..].starts_with("\r\n") { end + 2 } else { end + 1 };
    (usable && delimiter != b'"' && alone).then_some((delimiter, next))
}

/// The delimiter that header and rows agree on. One that is declared is kept unless it separates nothing.
fn delimiter(text: &str, start: (usize, u64), declared: Option<u8>) -> Result<u8, DelimitedError> {
    // Columns of the header, and the share of rows with as many.
    let fit = |delimiter: u8| -> Result<(usize, f64), DelimitedError> {
        let mut records = Records { text, at: start.0, line: start.1, delimiter };
        let columns = match records.next() {
            None => return Err(DelimitedError::Empty),
            Some(Err(error @ (DelimitedError::RowTooLong { .. } | DelimitedError::TooManyCells { .. }))) => {
                return Err(error);
            }
            Some(Err(_)) => return Ok((0, 0.0)),
            Some(Ok(header)) => header.cells.len(),
        };
        let fits = |row: &Row<'_>| {
            row.cells.len() == columns
                || row.cells.len() == columns + 1 && row.cells.last().is_some_and(|cell| cell.is_empty())
        };
        let (mut rows, mut fitting) = (0usize, 0usize);
        for row in records.take(SAMPLE) {
            rows += 1;
            fitting += usize::from(row.is_ok_and(|row| fits(&row)));
        }
        Ok((columns, if rows == 0 { 1.0 } else { fitting as f64 / rows as f64 }))
    };
    if let Some(declared) = declared
        && fit(declared)?.0 > 1
    {
        return Ok(declared);
    }
    let mut best = (declared.unwrap_or(b','), (1, 0.0));
    for delimiter in DELIMITERS {
        let (columns, share) = fit(delimiter)?;
        let (most, other) = best.1;
        // A header that splits where its rows do not is split at a mark of its names.
        let more = match (share >= 0.5, other >= 0.5) {
            (true, false) => true,
            (false, true) => false,
            _ => (columns, share) > (most, other),
        };
        if columns > 1 && more {
            best = (delimiter, (columns, share));
        }
    }
    Ok(best.0)
}

/// Splits text into records; blank ones are passed over.
#[derive(Clone, Debug)]
struct Records<'a> {
    text: &'a str,
    at: usize,
    /// Line of `at`.
    line: u64,
    delimiter: u8,
}

impl<'a> Records<'a> {
    fn blank(&self, byte: u8) -> bool {
        byte == b' ' || byte == b'\t' && self.delimiter != b'\t'
    }

    /// Steps over a line end.
    fn step(&mut self, bytes: &[u8]) {
        self.at += if bytes[self.at..].starts_with(b"\r\n") { 2 } else { 1 };
        self.line += 1;
    }

    /// The cell at `at`, which ends before a delimiter, a line end or the end.
    fn cell(&mut self, begin: usize) -> Result<Cow<'a, str>, DelimitedError> {
        let (text, bytes) = (self.text, self.text.as_bytes());
        let delimiter = self.delimiter;
        let ends = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r';
        let mut start = self.at;
        while start < bytes.len() && self.blank(bytes[start]) {
            start += 1;
        }
        if bytes.get(start) != Some(&b'"') {
            let length = bytes[self.at..].iter().position(|&byte| ends(byte));
            let end = length.map_or(bytes.len(), |length| self.at + length);
            let cell = text[self.at..end].trim();
            self.at = end;
            return Ok(Cow::Borrowed(cell));
        }
        let opened = self.line;
        let wrong = |unclosed| DelimitedError::Quote { line: opened, unclosed };
        self.at = start + 1;
        let mut doubled = false;
        loop {
            if self.at - begin > MOST_ROW_BYTES {
                return Err(DelimitedError::RowTooLong { line: opened });
            }
            match bytes.get(self.at) {
                None => return Err(wrong(true)),
                Some(b'"') if bytes.get(self.at + 1) == Some(&b'"') => {
                    doubled = true;
                    self.at += 2;
                }
                Some(b'"') => break,
                Some(b'\n' | b'\r') => self.step(bytes),
                Some(_) => self.at += 1,
            }
        }
        let cell = text[start + 1..self.at].trim();
        self.at += 1;
        while self.at < bytes.len() && self.blank(bytes[self.at]) {
            self.at += 1;
        }
        if bytes.get(self.at).is_some_and(|&byte| !ends(byte)) {
            return Err(wrong(false));
        }
        Ok(if doubled { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) })
    }

    fn record(&mut self) -> Result<Row<'a>, DelimitedError> {
        let bytes = self.text.as_bytes();
        let (begin, line) = (self.at, self.line);
        let mut cells = Vec::new();
        loop {
            cells.push(self.cell(begin)?);
            if cells.len() > MOST_CELLS {
                return Err(DelimitedError::TooManyCells { line });
            }
            if self.at - begin > MOST_ROW_BYTES {
                return Err(DelimitedError::RowTooLong { line });
            }
            match bytes.get(self.at) {
                Some(&byte) if byte == self.delimiter => self.at += 1,
                Some(_) => {
                    self.step(bytes);
                    return Ok(Row { line, cells, ended: true });
                }
                None => return Ok(Row { line, cells, ended: false }),
            }
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Row<'a>, DelimitedError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            // Files that were put together bring their byte order marks with them.
            while self.text[self.at..].starts_with('\u{feff}') {
                self.at += '\u{feff}'.len_utf8();
            }
            match self.record() {
                Ok(row) if row.cells.iter().all(|cell| cell.is_empty()) => {}
                Ok(row) => return Some(Ok(row)),
                Err(error) => {
                    // The next row begins on the next line; where a quotation mark is never closed there is none to find.
                    let unclosed = matches!(error, DelimitedError::Quote { unclosed: true, .. });
                    let rest = bytes[self.at..].iter().position(|&byte| byte == b'\n' || byte == b'\r');
                    match rest.filter(|_| !unclosed) {
                        Some(length) => {
                            self.at += length;
                            self.step(bytes);
                        }
                        None => self.at = bytes.len(),
                    }
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

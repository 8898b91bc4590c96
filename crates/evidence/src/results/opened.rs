//! A file that was opened, and its columns by name.

use super::error::ResultsError;
use super::kind::Kind;
use super::metric;
use super::records::ResultsOptions;
use super::told::shown;
pub(super) use bakeoff_data::columns::plain;
use bakeoff_data::delimited::{DecimalSigns, Delimited, DelimitedError, Format, Row};
use bakeoff_data::nearest;
use std::path::{Path, PathBuf};

/// Names longer than this are shown cut.
const SHOWN: usize = 12;

/// Columns that say of a prediction what `correct` does not.
const OPPOSITES: [&str; 14] = [
    "incorrect",
    "not_correct",
    "uncorrect",
    "incorrectly",
    "wrong",
    "is_wrong",
    "is_incorrect",
    "error",
    "errors",
    "err",
    "is_error",
    "mistake",
    "misclassified",
    "false",
];

/// The columns of a file, by name.
pub(super) struct Header {
    pub(super) path: PathBuf,
    pub(super) names: Vec<String>,
    line: u64,
    delimiter: char,
}

impl Header {
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| plain(n) == name)
    }

    /// A column that must be there once.
    pub(super) fn need(&self, name: &str) -> Result<usize, ResultsError> {
        let wanted = plain(name);
        let mut found = self.names.iter().enumerate().filter(|(_, n)| plain(n) == wanted).map(|(at, _)| at);
        let first = found.next().ok_or_else(|| self.missing(name))?;
        match found.next() {
            None => Ok(first),
            Some(second) => Err(ResultsError::Row {
                path: self.path.clone(),
                line: self.line,
                message: format!(
                    "columns {} and {} are both called `{}`; rename the one that is not meant",
                    first + 1,
                    second + 1,
                    shown(name)
                ),
            }),
        }
    }

    /// The column that names the data set a row is of.
    pub(super) fn data_set(&self) -> Option<usize> {
        self.find("dataset").or_else(|| self.find("data_set"))
    }

    pub(super) fn missing(&self, column: &str) -> ResultsError {
        let known: Vec<String> = self.names.iter().map(|name| plain(name)).collect();
        // Nobody should rename what says the opposite.
        let opposite = |name: &str| OPPOSITES.contains(&name);
        let nearest = nearest(column, known.iter().map(String::as_str).filter(|name| !opposite(name)));
        let turned = self.names.iter().find(|name| column == "correct" && opposite(&plain(name)));
        let hint = match nearest {
            None if turned.is_some() => format!(
                ". `{}` seems to say the opposite: write a column `correct` with 1 where it says 0, and 0 where it says 1",
                shown(turned.map_or("", |name| name.trim()))
            ),
            Some(near) => format!("; is it `{near}`? Rename it"),
            None => ". Rows are predictions (recipe, seed, image, correct or probability), runs (recipe, seed, accuracy) or \
                     epochs (epoch and a metric)"
                .into(),
        };
        let mut listed: Vec<String> =
            self.names.iter().take(SHOWN).map(|n| format!("`{}`", shown(n.trim()))).collect();
        if self.names.len() > SHOWN {
            listed.push(format!("{} more", self.names.len() - SHOWN));
        }
        let found = format!("the columns are {}", crate::text::list(&listed));
        ResultsError::MissingColumn {
            path: self.path.clone(),
            line: self.line,
            column: column.into(),
            found,
            hint,
        }
    }

    pub(super) fn cell(&self, line: u64, column: usize, message: impl Into<String>) -> ResultsError {
        ResultsError::Cell {
            path: self.path.clone(),
            line,
            column: column + 1,
            name: self.names.get(column).map_or_else(String::new, |name| shown(name.trim())),
            message: message.into(),
        }
    }

    pub(super) fn row(&self, line: u64, message: impl Into<String>) -> ResultsError {
        ResultsError::Row { path: self.path.clone(), line, message: message.into() }
    }

    pub(super) fn kind(&self, options: &ResultsOptions) -> Result<Kind, ResultsError> {
        let has = |name| self.find(name).is_some();
        let asked = options.metric.as_deref().is_some_and(|metric| self.find(&plain(metric)).is_some());
        let value = asked || Self::value_names().any(has);
        if has("recipe") && has("seed") && !has("epoch") && !has("image") && value {
            Ok(Kind::Runs)
        } else if has("recipe")
            && has("seed")
            && !["epoch", "image", "correct", "label", "predicted", "probability"].into_iter().any(has)
            && self.names.iter().any(|name| metric::meaning(name).is_some())
        {
            let mut error = self.missing("accuracy");
            if let ResultsError::MissingColumn { column, hint, .. } = &mut error {
                *column = "accuracy or the like".into();
                *hint = ". Say which column holds what a run came to: --metric NAME".into();
            }
            Err(error)
        } else if has("epoch") && !has("image") {
            Ok(Kind::Log)
        } else if has("recipe") || has("seed") || has("image") {
            Ok(Kind::Predictions)
        } else {
            Err(self.missing("recipe"))
        }
    }

    /// Columns that hold the result of a run.
    pub(super) fn value_names() -> impl Iterator<Item = &'static str> {
        ["accuracy", "top1", "test_accuracy", "test_top1", "acc"].into_iter()
    }

    /// Whether a row has as many cells as the header.
    pub(super) fn whole(&self, row: &Row<'_>) -> Result<(), ResultsError> {
        let (cells, columns) = (row.cells.len(), self.names.len());
        if cells == columns {
            return Ok(());
        }
        let digits =
            |cell: &&std::borrow::Cow<'_, str>| cell.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let hint = if cells > columns
            && self.delimiter == ','
            && row.cells.iter().filter(digits).count() > columns
        {
            "; are its numbers written with decimal commas? Then something other than commas has to separate the columns"
        } else if cells < columns && !row.ended {
            "; does the file break off here?"
        } else {
            ""
        };
        Err(self.row(row.line, format!("{cells} values, but the header has {columns} columns{hint}")))
    }
}

/// A file's header and its rows.
pub(super) struct Opened {
    pub(super) header: Header,
    table: Delimited,
}

impl Opened {
    pub(super) fn read(path: &Path) -> Result<Self, ResultsError> {
        let table = Delimited::read(path).map_err(|error| failure(path, &error))?;
        let header = Header {
            path: path.to_owned(),
            names: table.header().to_vec(),
            line: table.header_line(),
            delimiter: table.format().delimiter,
        };
        Ok(Self { header, table })
    }

    /// What the file was taken for.
    pub(super) fn format(&self) -> Format {
        self.table.format()
    }

    /// What should be said of it.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.table.warnings().iter().map(ToString::to_string)
    }

    /// The rows. Those that repeat the header, as files that were put together and loggers that went on do, are passed over.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<Row<'_>, DelimitedError>> {
        self.table.rows().filter(|row| !row.as_ref().is_ok_and(|row| self.repeats(row)))
    }

    fn repeats(&self, row: &Row<'_>) -> bool {
        let names = &self.header.names;
        row.cells.len() == names.len()
            && row.cells.iter().zip(names).all(|(cell, name)| cell == name || plain(cell) == plain(name))
    }

    /// What the cells of some columns say of decimal signs.
    pub(super) fn signs(&self, columns: &[usize]) -> DecimalSigns {
        let mut signs = DecimalSigns::default();
        for row in self.rows().flatten() {
            columns.iter().for_each(|&column| signs.see(column, row.line, row.cell(column)));
        }
        signs
    }
}

/// Why a table cannot be read, with its place.
pub(super) fn failure(path: &Path, error: &DelimitedError) -> ResultsError {
    let path = path.to_owned();
    match error {
        DelimitedError::Io(source) => {
            ResultsError::Io { path, source: std::io::Error::new(source.kind(), source.to_string()) }
        }
        DelimitedError::Empty => ResultsError::Empty { path, message: "it has no header line" },
        other => ResultsError::Row { path, line: other.line().unwrap_or(1), message: other.to_string() },
    }
}

/// How long the last cells of rows are that have an end.
pub(super) struct Lengths {
    shortest: usize,
    longest: usize,
}

impl Lengths {
    pub(super) fn of(opened: &Opened) -> Self {
        let ended = opened.rows().flatten().filter(|row| row.ended);
        ended.fold(Self { shortest: usize::MAX, longest: 0 }, |lengths, row| {
            let length = row.cells.last().map_or(0, |cell| cell.chars().count());
            Self { shortest: lengths.shortest.min(length), longest: lengths.longest.max(length) }
        })
    }

    /// Whether a last cell without a line end behind it is only the beginning of one.
    pub(super) fn is_cut(&self, length: usize) -> bool {
        let uniform = self.shortest == self.longest;
        self.longest > 0 && (uniform && length < self.shortest || length + 3 < self.shortest)
    }
}

//! Which of a table's columns is what.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::finder::{Finder, ImagePlace};
use super::super::split_name::split_by_name;
use super::cells::{are_splits, list_of, truth};
use super::text::Text;
use crate::classes::is_no_label;
use crate::columns::{self, ColumnRole, Found};
use crate::delimited::Row;
use crate::names::image_by_name;
use crate::nearest::nearest;
use crate::{ColumnConfig, DeclaredSplit, Warning};

/// How many rows are looked at where names do not tell.
const SAMPLE: usize = 50;
/// Of so many rows, one may have no 1 under its columns of classes.
const ROWS_WITHOUT_MARK: usize = 100;

/// Where a row says its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Labels {
    Column(usize),
    /// A 1 under one of these columns.
    OneHot(Vec<usize>),
}

/// Where a row says its split, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Splits {
    /// By name.
    Named(usize),
    /// True means the first, false the second.
    Marked(usize, DeclaredSplit, DeclaredSplit),
}

/// What was understood of a table.
pub(super) struct Layout<'a> {
    pub(super) names: Vec<String>,
    pub(super) path: usize,
    pub(super) labels: Labels,
    pub(super) splits: Option<Splits>,
    pub(super) rows: Vec<Row<'a>>,
    /// Rows that are none.
    pub(super) wrong: Vec<(u64, String)>,
    pub(super) warnings: Vec<Warning>,
}

/// Why a table cannot be understood: what is wrong with its header.
pub(super) struct NoLayout {
    pub(super) message: String,
    /// The paths were found, but no labels.
    pub(super) only_labels_lack: bool,
}

impl From<String> for NoLayout {
    fn from(message: String) -> Self {
        Self { message, only_labels_lack: false }
    }
}

impl<'a> Layout<'a> {
    pub(super) fn of(
        text: &'a Text,
        table: &str,
        wanted: &ColumnConfig,
        finder: &mut Finder,
    ) -> Result<Self, NoLayout> {
        let (rows, wrong) = text.rows();
        let mut layout = Self {
            names: text.header().to_vec(),
            path: 0,
            labels: Labels::Column(0),
            splits: None,
            rows,
            wrong,
            warnings: text.warnings(table),
        };
        if text.may_lack_header() && wanted.is_none() {
            layout.split_at_blanks(finder);
            if layout.has_no_header(finder) {
                layout.take_header_for_row(text.header_line(), table, finder)?;
                return Ok(layout);
            }
        }
        layout.path = layout.path_column(wanted, finder)?;
        layout.labels = layout.label_columns(table, wanted)?;
        layout.splits = layout.split_column(table, wanted)?;
        Ok(layout)
    }

    pub(super) fn all(&self) -> String {
        columns::list(&self.names)
    }

    /// Notes a column that is called otherwise than we call it.
    fn taken(&mut self, column: usize, role: ColumnRole) {
        let (column, of) = (self.names[column].clone(), self.all());
        self.warnings.push(Warning::ColumnTaken { column, role, of });
    }

    pub(super) fn asked(&self, key: &str, name: &str) -> Result<usize, String> {
        match columns::spelt(&self.names, name).as_slice() {
            &[only] => Ok(only),
            [] => {
                let near = nearest(name, self.names.iter().map(String::as_str));
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let all = self.all();
                Err(format!("there is no column `{name}`, which {key} names; {near}The columns are {all}"))
            }
            several => Err(columns::meant_twice(&self.names, several, key, name)),
        }
    }

    /// The column that is asked for as something.
    fn place_of(&self, asked: &Option<String>) -> Option<usize> {
        self.asked("", asked.as_ref()?).ok()
    }

    pub(super) fn cells(&self, at: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.cell(at))
    }

    /// Whether blanks separate the cells of a table with a single column, and if so, separates them.
    fn split_at_blanks(&mut self, finder: &mut Finder) {
        let [only] = self.names.as_slice() else { return };
        let words: Vec<String> = only.split_whitespace().map(str::to_owned).collect();
        let named =
            words.len() > 1 && !matches!(columns::find(ColumnRole::Path, &words, |_| true), Found::Nothing);
        if named {
            let count = words.len();
            if self.rows.iter().all(|row| row.cells[0].split_whitespace().count() == count) {
                self.names = words;
                for row in &mut self.rows {
                    let cells = row.cells[0].split_whitespace().map(|cell| Cow::Owned(cell.to_owned()));
                    row.cells = cells.collect();
                }
            }
            return;
        }
        // `images/my cat.jpg 3`: a path may hold blanks, a label at the end does not.
        let two = |text: &str| -> Option<(String, String)> {
            let (path, label) = text.trim().rsplit_once(char::is_whitespace)?;
            Some((path.trim_end().to_owned(), label.to_owned()))
        };
        let is_image = |finder: &mut Finder, path: &str| {
            image_by_name(std::path::Path::new(path)) || !matches!(finder.near(path), ImagePlace::Missing(_))
        };
        let Some((path, label)) = two(only).filter(|(path, _)| is_image(finder, path)) else { return };
        let rows: Option<Vec<(String, String)>> = self.rows.iter().map(|row| two(&row.cells[0])).collect();
        let Some(rows) = rows else { return };
        self.names = vec![path, label];
        for (row, (path, label)) in self.rows.iter_mut().zip(rows) {
            row.cells = vec![Cow::Owned(path), Cow::Owned(label)];
        }
    }

    /// Whether the first line is a row: one of its cells names an image that is there, or that could be nothing else.
    fn has_no_header(&self, finder: &mut Finder) -> bool {
        if !matches!(columns::find(ColumnRole::Path, &self.names, |_| true), Found::Nothing) {
            return false;
        }
        self.names.iter().any(|name| {
            image_by_name(std::path::Path::new(name))
                && (self.names.len() == 2
                    || matches!(finder.near(name), ImagePlace::AsWritten(_) | ImagePlace::Like(..)))
        })
    }

    fn take_header_for_row(&mut self, line: u64, table: &str, finder: &mut Finder) -> Result<(), NoLayout> {
        let is_image = |name: &String| image_by_name(std::path::Path::new(name));
        let path = self.names.iter().position(is_image).unwrap_or_default();
        let others: Vec<usize> = (0..self.names.len()).filter(|&at| at != path).collect();
        let first = Row { line, cells: self.names.iter().cloned().map(Cow::Owned).collect(), ended: true };
        let is_split = |rows: &[Row<'_>], at: usize| {
            std::iter::once(&first).chain(rows).all(|row| split_by_name(row.cell(at)).is_some())
        };
        let splits: Vec<usize> = others.iter().copied().filter(|&at| is_split(&self.rows, at)).collect();
        let labels: Vec<usize> = others.iter().copied().filter(|at| !splits.contains(at)).collect();
        let (&[label], [] | [_]) = (labels.as_slice(), splits.as_slice()) else {
            let there = if matches!(finder.near(&self.names[path]), ImagePlace::AsWritten(_)) {
                format!("{} is an image", self.names[path])
            } else {
                format!("{} is the name of an image", self.names[path])
            };
            return Err(NoLayout::from(format!(
                "the table has no header: {there}; write a first line that names the columns, such as path,label"
            )));
        };
        self.rows.insert(0, first);
        self.path = path;
        self.labels = Labels::Column(label);
        self.splits = splits.first().map(|&at| Splits::Named(at));
        let number = |at: usize| match at {
            0 => "first column".to_owned(),
            1 => "second column".to_owned(),
            2 => "third column".to_owned(),
            at => format!("column {}", at + 1),
        };
        self.warnings.push(Warning::NoHeader {
            table: table.to_owned(),
            path: number(path),
            label: number(label),
        });
        self.names = (1..=self.names.len()).map(|number| format!("column {number}")).collect();
        Ok(())
    }

    fn path_column(&mut self, wanted: &ColumnConfig, finder: &mut Finder) -> Result<usize, NoLayout> {
        if let Some(name) = &wanted.path {
            return Ok(self.asked("data.columns.path", name)?);
        }
        // A column that is asked for as something else is no path.
        let others = [self.place_of(&wanted.label), self.place_of(&wanted.split)];
        let free = |at: usize| !others.contains(&Some(at));
        let found = match columns::find(ColumnRole::Path, &self.names, free) {
            Found::Literal(at) => return Ok(at),
            Found::Synonym(at) => vec![at],
            Found::Several(several) => several,
            Found::Nothing => Vec::new(),
        };
        // Where names leave a choice, what stands in the columns tells.
        let sample = &self.rows[..self.rows.len().min(SAMPLE)];
        let mut is_there = |at: usize| {
            let mut cells = sample.iter().map(|row| row.cell(at)).filter(|cell| !cell.is_empty());
            cells.any(|cell| matches!(finder.anywhere(cell), ImagePlace::AsWritten(_) | ImagePlace::Like(..)))
        };
        let is_image = |at: usize| {
            !sample.is_empty() && sample.iter().all(|row| image_by_name(std::path::Path::new(row.cell(at))))
        };
        let all: Vec<usize> = (0..self.names.len()).filter(|&at| free(at)).collect();
        let (candidates, by_content) = match found.len() {
            0 => (all.iter().copied().filter(|&at| is_image(at)).collect::<Vec<_>>(), true),
            1 => (found, false),
            _ => {
                let there: Vec<usize> = found.iter().copied().filter(|&at| is_there(at)).collect();
                (if there.is_empty() { found } else { there }, false)
            }
        };
        match candidates.as_slice() {
            &[only] => {
                self.taken(only, ColumnRole::Path);
                Ok(only)
            }
            [] => {
                let near = |wanted: &str| nearest(wanted, self.names.iter().map(String::as_str));
                let near = near("path").or_else(|| near("filename"));
                let near = near.map(|near| format!("; is `{near}` the path?")).unwrap_or_default();
                Err(NoLayout::from(format!(
                    "{}{near} Say which column is what with data.columns = {{ path = \"…\", label = \"…\" }} in the study file, or \
                     rename them",
                    self.expected()
                )))
            }
            several => {
                let what = if by_content { "hold names of images" } else { "may be the path" };
                Err(NoLayout::from(format!(
                    "the columns {} {what}; say which is meant with data.columns.path in the study file",
                    columns::list(several.iter().map(|&at| &self.names[at]))
                )))
            }
        }
    }

    fn expected(&self) -> String {
        format!(
            "expected a header with the columns path,label[,split], found {:?}",
            self.names.join(",").chars().take(80).collect::<String>()
        )
    }

    fn label_columns(&mut self, table: &str, wanted: &ColumnConfig) -> Result<Labels, NoLayout> {
        if let Some(name) = &wanted.label {
            return Ok(Labels::Column(self.asked("data.columns.label", name)?));
        }
        let path = self.path;
        let split = self.place_of(&wanted.split);
        let free: Vec<bool> = (0..self.names.len()).map(|at| at != path && Some(at) != split).collect();
        match columns::find(ColumnRole::Label, &self.names, |at| free[at]) {
            Found::Literal(at) => return Ok(Labels::Column(at)),
            Found::Synonym(at) => {
                self.taken(at, ColumnRole::Label);
                return Ok(Labels::Column(at));
            }
            Found::Several(several) => {
                let Some(at) = self.names_of_same_classes(&several) else {
                    return Err(NoLayout::from(format!(
                        "the columns {} may all be the label; say which is meant with data.columns.label in the study file",
                        columns::list(several.iter().map(|&at| &self.names[at]))
                    )));
                };
                self.taken(at, ColumnRole::Label);
                return Ok(Labels::Column(at));
            }
            Found::Nothing => {}
        }
        if let Some(columns) = self.one_hot(table, &free)? {
            return Ok(Labels::OneHot(columns));
        }
        let others: Vec<usize> = (0..self.names.len()).filter(|&at| free[at] && !self.is_split(at)).collect();
        match others.as_slice() {
            &[only] if !self.rows.is_empty() => {
                self.taken(only, ColumnRole::Label);
                Ok(Labels::Column(only))
            }
            [] => Err(NoLayout {
                message: format!("{}: there is no column of labels", self.expected()),
                only_labels_lack: true,
            }),
            several => {
                let near = nearest("label", self.names.iter().map(String::as_str));
                let near = near.map(|near| format!("; is `{near}` the label?")).unwrap_or_default();
                Err(NoLayout {
                    message: format!(
                        "{}{near} `{}` holds the paths; say which of {} is the label with data.columns.label in the study file, or \
                         rename it",
                        self.expected(),
                        self.names[path],
                        columns::list(several.iter().map(|&at| &self.names[at]))
                    ),
                    only_labels_lack: true,
                })
            }
        }
    }

    /// Of columns that say the same in other words, such as the number of a class and its name, the one of names.
    fn names_of_same_classes(&self, several: &[usize]) -> Option<usize> {
        let (&first, others) = several.split_first()?;
        let same = |other: usize| {
            let mut there = std::collections::HashMap::new();
            let mut back = std::collections::HashMap::new();
            self.rows.iter().all(|row| {
                let (a, b) = (row.cell(first), row.cell(other));
                *there.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a
            })
        };
        if self.rows.is_empty() || !others.iter().all(|&other| same(other)) {
            return None;
        }
        let is_number = |at: usize| {
            self.rows.iter().all(|row| row.cell(at).is_empty() || row.cell(at).parse::<f64>().is_ok())
        };
        let named: Vec<usize> = several.iter().copied().filter(|&at| !is_number(at)).collect();
        Some(named.first().copied().unwrap_or(first))
    }

    /// Whether a column says the split, by its name or by what stands in it.
    fn is_split(&self, at: usize) -> bool {
        !matches!(columns::find(ColumnRole::Split, &self.names, |other| other == at), Found::Nothing)
            || are_splits(self.cells(at))
    }

    /// Whether a column may hold the names of classes: texts that are no numbers, and that come again.
    fn may_be_label(&self, at: usize) -> bool {
        let said = || self.cells(at).filter(|cell| !is_no_label(cell));
        let texts: BTreeSet<&str> = said().collect();
        texts.len() >= 2
            && texts.len() * 2 <= said().count()
            && texts.iter().any(|text| text.parse::<f64>().is_err() && truth(text).is_none())
    }

    /// Columns of 0 and 1, one of which is 1 in every row.
    fn one_hot(&mut self, table: &str, free: &[bool]) -> Result<Option<Vec<usize>>, NoLayout> {
        let is_marks = |at: usize| self.cells(at).all(|cell| cell.is_empty() || truth(cell).is_some());
        let is_marked = |at: usize| self.cells(at).any(|cell| truth(cell) == Some(true));
        let (marks, unmarked): (Vec<usize>, Vec<usize>) = (0..self.names.len())
            .filter(|&at| free[at] && is_marks(at) && !self.is_split(at))
            .partition(|&at| is_marked(at));
        if marks.len() < 2 {
            return Ok(None);
        }
        let unmarked: Vec<usize> =
            unmarked.into_iter().filter(|&at| self.cells(at).any(|cell| !cell.is_empty())).collect();
        let of = |row: &Row<'_>| marks.iter().filter(|&&at| truth(row.cell(at)) == Some(true)).count();
        let names = columns::list(marks.iter().map(|&at| &self.names[at]));
        if let Some(row) = self.rows.iter().find(|row| of(row) > 1) {
            let several = marks.iter().filter(|&&at| truth(row.cell(at)) == Some(true));
            let several = columns::list(several.map(|&at| &self.names[at]));
            return Err(NoLayout::from(format!(
                "the columns {names} mark classes with 1, and line {} has several of them ({several}): this is multi-label data, which \
                 cannot be used, since every image needs one class; or say which column is the label with data.columns.label in the \
                 study file",
                row.line
            )));
        }
        let text = (0..self.names.len())
            .filter(|&at| free[at] && !marks.contains(&at) && !self.is_split(at) && self.may_be_label(at));
        let text: Vec<&String> = text.map(|at| &self.names[at]).collect();
        if !text.is_empty() {
            return Err(NoLayout::from(format!(
                "the columns {names} hold 0 and 1 and may mark the classes, but {} may be the label as well; say which column is the \
                 label with data.columns.label in the study file, or, if the marks are, take the others out of the table",
                columns::list(text)
            )));
        }
        let none: Vec<u64> = self.rows.iter().filter(|row| of(row) == 0).map(|row| row.line).collect();
        if none.len() * ROWS_WITHOUT_MARK > self.rows.len() {
            return Err(NoLayout::from(format!(
                "the columns {names} hold 0 and 1, but {} of {} rows have no 1 under any of them (line {} for one), so that they do not \
                 seem to mark the classes; name the column of classes in data.columns.label in the study file, or, if these columns are \
                 meant, give every row its 1",
                none.len(),
                self.rows.len(),
                none[0]
            )));
        }
        if !unmarked.is_empty() {
            let note = format!(
                "{} has no 1 in any row, and so is no class",
                columns::list(unmarked.iter().map(|&at| &self.names[at]))
            );
            self.warnings.push(Warning::TableNote { table: table.to_owned(), note });
        }
        self.warnings.push(Warning::OneHot { table: table.to_owned(), count: marks.len(), columns: names });
        Ok(Some(marks))
    }

    pub(super) fn label(&self, row: &Row<'_>) -> RowLabel {
        match &self.labels {
            Labels::Column(at) => {
                let text = row.cell(*at);
                let inner = match list_of(text).as_deref() {
                    None => text.to_owned(),
                    Some([]) => String::new(),
                    Some([only]) => only.clone(),
                    Some(_) => return RowLabel::Several(text.to_owned()),
                };
                if is_no_label(&inner) { RowLabel::None(inner) } else { RowLabel::Class(inner) }
            }
            Labels::OneHot(columns) => {
                let marked = columns.iter().find(|&&at| truth(row.cell(at)) == Some(true));
                marked.map_or(RowLabel::None(String::new()), |&at| RowLabel::Class(self.names[at].clone()))
            }
        }
    }
}

/// What a row says of its image's class.
pub(super) enum RowLabel {
    Class(String),
    /// None: what stands there in its place.
    None(String),
    /// A list of several: as it stands there.
    Several(String),
}

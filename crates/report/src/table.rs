//! A table once, for the page, for a spreadsheet, and for papers.

use crate::text::{Weight, escape, width};
use std::fmt::Write;

/// Width of a row's name, in CSS pixels, up to which it stands in one line: less than half a telephone.
const SHORT: f64 = 165.0;

/// Where a column is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ShownIn {
    /// In CSV alone: what people read as part of another column.
    InData,
    /// On the page too.
    OnPage,
    /// In papers too.
    Everywhere,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// Its name in CSV files, the same in every language.
    pub(crate) key: String,
    /// Its name for people.
    pub(crate) head: String,
    /// Words stand to the left, numbers to the right.
    pub(crate) words: bool,
    shown: ShownIn,
}

impl Column {
    pub(crate) fn words(key: &str, head: impl Into<String>) -> Self {
        Self { key: key.into(), head: head.into(), words: true, shown: ShownIn::Everywhere }
    }

    /// The same column, wanted in fewer places.
    pub(crate) fn only(mut self, shown: ShownIn) -> Self {
        self.shown = shown;
        self
    }

    pub(crate) fn number(key: &str, head: impl Into<String>) -> Self {
        Self { key: key.into(), head: head.into(), words: false, shown: ShownIn::Everywhere }
    }
}

/// A value as programs and as people read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// In CSV: every digit, fractions rather than percent.
    pub(crate) value: String,
    /// In Markdown, LaTeX and on the page.
    pub(crate) text: String,
    /// On the page, where it is more than text.
    html: Option<String>,
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { value: text.clone(), text, html: None }
    }

    /// A number that may not be there.
    pub(crate) fn number(value: Option<f64>, shown: impl Fn(f64) -> String) -> Self {
        match value.filter(|v| v.is_finite()) {
            Some(value) => Self { value: value.to_string(), text: shown(value), html: None },
            None => Self { value: String::new(), text: "–".into(), html: None },
        }
    }

    /// As the page shows it: HTML.
    pub(crate) fn shown(&self) -> String {
        self.html.clone().unwrap_or_else(|| escape(&self.text))
    }

    /// The same, with another value for programs.
    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// The same, shown on the page as this.
    pub(crate) fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }
}

/// Rows of cells under columns; the first cell of a row is its header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// Name of its files.
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Columns wanted there.
    pub(crate) fn columns_in(&self, least: ShownIn) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |c| c.shown >= least)
    }

    /// A row's cells under these columns.
    pub(crate) fn cells_in<'a>(&'a self, row: &'a [Cell], least: ShownIn) -> impl Iterator<Item = &'a Cell> {
        row.iter().zip(&self.columns).filter(move |(_, c)| c.shown >= least).map(|(cell, _)| cell)
    }

    /// For the page. `caption` is HTML.
    pub(crate) fn html(&self, class: &str, caption: &str) -> String {
        let mut html = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\"><table class=\"{class}\" data-name=\"{0}\">\n<thead><tr>",
            self.name
        );
        for column in self.columns_in(ShownIn::OnPage) {
            let class = if column.words { " class=\"left\"" } else { "" };
            let _ = write!(
                html,
                "<th scope=\"col\" data-k=\"{}\"{class}>{}</th>",
                escape(&column.key),
                escape(&column.head)
            );
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            let cells = row.iter().zip(&self.columns).filter(|(_, column)| column.shown >= ShownIn::OnPage);
            for (index, (cell, column)) in cells.enumerate() {
                let class = if index == 0 {
                    // A short name is not broken at its hyphens.
                    if width(&cell.text, 14.0, Weight::SemiBold) <= SHORT { " class=\"short\"" } else { "" }
                } else if column.words {
                    " class=\"left\""
                } else {
                    ""
                };
                let value = if cell.value == cell.text && cell.html.is_none() {
                    String::new()
                } else {
                    format!(" data-v=\"{}\"", escape(&cell.value))
                };
                let content = cell.shown();
                let _ = match index {
                    0 => write!(html, "<th scope=\"row\"{class}{value}>{content}</th>"),
                    _ => write!(html, "<td{class}{value}>{content}</td>"),
                };
            }
            html.push_str("</tr>\n");
        }
        let _ = writeln!(html, "</tbody>\n<caption>{caption}</caption>\n</table></div>");
        html
    }
}

//! A table once, for the page, for a spreadsheet, and for papers.

use crate::spreadsheet::Spreadsheet;
use crate::text::{escape, plain};
use std::fmt::Write;

/// Where a column is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shown {
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
    shown: Shown,
}

impl Column {
    pub(crate) fn words(key: &str, head: impl Into<String>) -> Self {
        Self { key: key.into(), head: head.into(), words: true, shown: Shown::Everywhere }
    }

    /// The same column, wanted in fewer places.
    pub(crate) fn only(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    pub(crate) fn number(key: &str, head: impl Into<String>) -> Self {
        Self { key: key.into(), head: head.into(), words: false, shown: Shown::Everywhere }
    }
}

/// A value as programs and as people read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// In CSV: every digit, fractions rather than percent.
    value: String,
    /// In Markdown, LaTeX and on the page.
    text: String,
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
    fn columns_in(&self, least: Shown) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |c| c.shown >= least)
    }

    /// A row's cells under these columns.
    fn cells_in<'a>(&'a self, row: &'a [Cell], least: Shown) -> impl Iterator<Item = &'a Cell> {
        row.iter().zip(&self.columns).filter(move |(_, c)| c.shown >= least).map(|(cell, _)| cell)
    }

    /// For the page. `caption` is HTML.
    pub(crate) fn html(&self, class: &str, caption: &str) -> String {
        let mut html = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\"><table class=\"{class}\" data-name=\"{0}\">\n<thead><tr>",
            self.name
        );
        for column in self.columns_in(Shown::OnPage) {
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
            let cells = row.iter().zip(&self.columns).filter(|(_, column)| column.shown >= Shown::OnPage);
            for (index, (cell, column)) in cells.enumerate() {
                let class = if index == 0 {
                    // A short name is not broken at its hyphens.
                    if cell.text.chars().count() <= 24 { " class=\"short\"" } else { "" }
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
                let content = cell.html.clone().unwrap_or_else(|| escape(&cell.text));
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

    /// Comma-separated (RFC 4180), in UTF-8, headers in English whatever the page's language.
    pub(crate) fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = Spreadsheet::new();
        writer.row(self.columns.iter().map(|c| &c.key))?;
        for row in &self.rows {
            writer.row(row.iter().map(|cell| &cell.value))?;
        }
        writer.finish()
    }

    /// A GitHub-flavoured Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut text = line(&mut self.columns_in(Shown::Everywhere).map(|c| markdown(&c.head)));
        text += &line(
            &mut self
                .columns_in(Shown::Everywhere)
                .map(|c| if c.words { "---".into() } else { "---:".into() }),
        );
        for row in &self.rows {
            text += &line(&mut self.cells_in(row, Shown::Everywhere).map(|cell| markdown(&cell.text)));
        }
        text
    }

    /// A LaTeX `tabular` with the rules of the `booktabs` package.
    pub(crate) fn latex(&self) -> String {
        let align: String =
            self.columns_in(Shown::Everywhere).map(|c| if c.words { 'l' } else { 'r' }).collect();
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("  {} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
        };
        let mut text =
            format!("% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{align}}}\n  \\toprule\n");
        text += &line(&mut self.columns_in(Shown::Everywhere).map(|c| latex(&c.head)));
        text += "  \\midrule\n";
        for row in &self.rows {
            text += &line(&mut self.cells_in(row, Shown::Everywhere).map(|cell| latex(&cell.text)));
        }
        text + "  \\bottomrule\n\\end{tabular}\n"
    }
}

/// Text in Markdown, where nothing in it is markup.
pub(crate) fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Text in LaTeX, where nothing in it is a command. Letters beyond ASCII stay: modern engines read UTF-8.
pub(crate) fn latex(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            // After the end of a row a bracket would be the row's distance, and a star its bond to the next.
            '[' | ']' | '*' => {
                safe.push('{');
                safe.push(c);
                safe.push('}');
            }
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                safe.push('\\');
                safe.push(c);
            }
            '~' => safe.push_str("\\textasciitilde{}"),
            '^' => safe.push_str("\\textasciicircum{}"),
            '\\' => safe.push_str("\\textbackslash{}"),
            '<' => safe.push_str("\\textless{}"),
            '>' => safe.push_str("\\textgreater{}"),
            '\u{a0}' => safe.push('~'),
            '−' => safe.push_str("$-$"),
            '±' => safe.push_str("$\\pm$"),
            '×' => safe.push_str("$\\times$"),
            '–' => safe.push_str("--"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let hostile = "a|b <script> & 50% of $x_1$ \\ \"q\"";
        Table {
            name: "results",
            columns: vec![Column::words("recipe", "Recipe"), Column::number("top1", "Top-1, %")],
            rows: vec![
                vec![Cell::text(hostile), Cell::number(Some(0.612_345), |v| format!("{:.1}", v * 100.0))],
                vec![Cell::text("b"), Cell::number(None, |_| unreachable!())],
            ],
        }
    }

    #[test]
    fn a_spreadsheet_gets_every_digit_and_people_get_few() {
        let csv = String::from_utf8(table().csv().unwrap()).unwrap();
        assert_eq!(csv, "recipe,top1\n\"a|b <script> & 50% of $x_1$ \\ \"\"q\"\"\",0.612345\nb,\n");
        assert!(table().html("", "").contains("data-v=\"0.612345\">61.2</td>"));
    }

    #[test]
    fn names_are_no_markup_in_any_format() {
        let rows = table().markdown();
        assert!(rows.contains("| a\\|b &lt;script&gt; &amp; 50% of $x\\_1$ \\\\ \"q\" | 61.2 |"), "{rows}");
        assert_eq!(rows.lines().nth(1), Some("| --- | ---: |"));
        let rows = table().latex();
        assert!(rows.contains("a|b \\textless{}script\\textgreater{} \\& 50\\% of \\$x\\_1\\$ \\textbackslash{} \"q\" & 61.2 \\\\"), "{rows}");
        assert!(rows.contains("\\begin{tabular}{lr}") && rows.contains("b & -- \\\\"));
        assert!(!table().html("", "").contains("<script"));
    }

    #[test]
    fn latex_keeps_minus_signs_and_spaces_that_do_not_break() {
        assert_eq!(latex("[9cm]*"), "{[}9cm{]}{*}");
        assert_eq!(latex("−3.1\u{a0}% ± 1"), "$-$3.1~\\% $\\pm$ 1");
    }
}

//! LaTeX.

use super::TableFormat;
use crate::table::{ShownIn, Table};
use crate::text::plain;

/// `tables/*.tex`: a `tabular` with the rules of the `booktabs` package.
pub(super) struct Latex;

impl TableFormat for Latex {
    fn extension(&self) -> &'static str {
        "tex"
    }

    fn encode(&self, table: &Table) -> Result<Vec<u8>, csv::Error> {
        let align: String =
            table.columns_in(ShownIn::Everywhere).map(|c| if c.words { 'l' } else { 'r' }).collect();
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("  {} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
        };
        let mut text =
            format!("% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{align}}}\n  \\toprule\n");
        text += &line(&mut table.columns_in(ShownIn::Everywhere).map(|c| latex(&c.head)));
        text += "  \\midrule\n";
        for row in &table.rows {
            text += &line(&mut table.cells_in(row, ShownIn::Everywhere).map(|cell| latex(&cell.text)));
        }
        Ok((text + "  \\bottomrule\n\\end{tabular}\n").into_bytes())
    }
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

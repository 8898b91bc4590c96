//! Tables and runs in the formats of other programs, one in each file of this folder. To add a format of tables: its file, and a line in
//! [`FORMATS`]; to add a program that takes runs: its file, and an [`Exporter`] in it.

mod csv;
mod latex;
mod markdown;
mod mlflow;
pub(crate) mod raw;
mod spreadsheet;
mod tensorboard;

use crate::ReportError;
use crate::table::Table;
use bakeoff_evidence::Evidence;
use bakeoff_files::{WriteError, write_bytes};
pub(crate) use latex::latex;
pub use mlflow::Mlflow;
use std::path::{Path, PathBuf};
pub use tensorboard::TensorBoard;

/// A program that takes whole runs.
pub trait Exporter {
    /// Writes all trials begun into a folder. Returns what was written.
    ///
    /// # Errors
    /// The file system refuses.
    fn write(&self, evidence: &Evidence, dir: &Path) -> Result<Vec<PathBuf>, WriteError>;
}

/// A format that tables are written in.
pub(crate) trait TableFormat: Sync {
    /// Of its files.
    fn extension(&self) -> &'static str;

    /// The table as a file.
    ///
    /// # Errors
    /// A cell cannot be put into the format.
    fn encode(&self, table: &Table) -> Result<Vec<u8>, ::csv::Error>;
}

/// Every format.
pub(crate) const FORMATS: [&dyn TableFormat; 3] = [&csv::Csv, &markdown::Markdown, &latex::Latex];

/// Writes a table in every format into a folder.
pub(crate) fn write_table(table: &Table, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let write = |format: &&dyn TableFormat| {
        let name = format!("{}.{}", table.name, format.extension());
        let bytes = format.encode(table).map_err(|error| ReportError::encode(&name, &error))?;
        let path = folder.join(name);
        write_bytes(&path, &bytes)?;
        Ok(path)
    };
    FORMATS.iter().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Cell, Column};

    fn encoded(extension: &str) -> String {
        let format = FORMATS.iter().find(|format| format.extension() == extension).unwrap();
        String::from_utf8(format.encode(&table()).unwrap()).unwrap()
    }

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
        let csv = encoded("csv");
        assert_eq!(csv, "recipe,top1\n\"a|b <script> & 50% of $x_1$ \\ \"\"q\"\"\",0.612345\nb,\n");
        assert!(table().html("", "").contains("data-v=\"0.612345\">61.2</td>"));
    }

    #[test]
    fn names_are_no_markup_in_any_format() {
        let rows = encoded("md");
        assert!(rows.contains("| a\\|b &lt;script&gt; &amp; 50% of $x\\_1$ \\\\ \"q\" | 61.2 |"), "{rows}");
        assert_eq!(rows.lines().nth(1), Some("| --- | ---: |"));
        let rows = encoded("tex");
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

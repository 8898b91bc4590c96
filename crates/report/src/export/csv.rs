//! Comma-separated values.

use super::TableFormat;
use super::spreadsheet::Spreadsheet;
use crate::table::Table;

/// `tables/*.csv` (RFC 4180), in UTF-8: every digit, and headers in English whatever the page's language.
pub(super) struct Csv;

impl TableFormat for Csv {
    fn extension(&self) -> &'static str {
        "csv"
    }

    fn encode(&self, table: &Table) -> Result<Vec<u8>, csv::Error> {
        let mut writer = Spreadsheet::new();
        writer.row(table.columns.iter().map(|c| &c.key))?;
        for row in &table.rows {
            writer.row(row.iter().map(|cell| &cell.value))?;
        }
        writer.finish()
    }
}

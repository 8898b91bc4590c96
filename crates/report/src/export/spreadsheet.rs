//! CSV files. A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@` or a control character for a formula, and a formula can send
//! the sheet elsewhere: what is no number is then made text by an apostrophe before it, as OWASP advises ("CSV Injection").

use std::borrow::Cow;

/// A CSV file in memory: comma-separated (RFC 4180), in UTF-8.
pub(crate) struct Spreadsheet(csv::Writer<Vec<u8>>);

impl Spreadsheet {
    // The one place where CSV is written.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn new() -> Self {
        Self(csv::Writer::from_writer(Vec::new()))
    }

    pub(crate) fn row<I: AsRef<str>>(
        &mut self,
        cells: impl IntoIterator<Item = I>,
    ) -> Result<(), csv::Error> {
        let cells = cells.into_iter();
        for cell in cells {
            self.0.write_field(harmless(cell.as_ref()).as_ref())?;
        }
        self.0.write_record(None::<&[u8]>)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, csv::Error> {
        self.0.into_inner().map_err(|error| error.into_error().into())
    }
}

/// The cell as text where it would be a formula, and with what acts on a terminal written out: tables are looked at with `cat`. Numbers
/// stay numbers.
fn harmless(cell: &str) -> Cow<'_, str> {
    const BEGINS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let shown = bakeoff_data::visible_line(cell);
    if cell.starts_with(BEGINS) && cell.parse::<f64>().is_err() {
        Cow::Owned(format!("'{shown}"))
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        let mut sheet = Spreadsheet::new();
        sheet.row(["=HYPERLINK(\"http://x\",1)", "-0.3", "+2", "-1e-5", "-inf", "flip-crop", ""]).unwrap();
        sheet.row(["@SUM(A1)", "-2+3", "+cmd|' /C calc'!A0", "\tx", "\rx", "＝1", "a=b\x1b[2J"]).unwrap();
        let text = String::from_utf8(sheet.finish().unwrap()).unwrap();
        assert_eq!(
            text,
            "\"'=HYPERLINK(\"\"http://x\"\",1)\",-0.3,+2,-1e-5,-inf,flip-crop,\n\
             '@SUM(A1),'-2+3,'+cmd|' /C calc'!A0,'\\tx,'\\rx,'＝1,a=b\\x1b[2J\n"
        );
    }
}

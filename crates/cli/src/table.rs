//! Plain tables for the terminal: left-aligned text, right-aligned numbers.

use bakeoff_data::visible_line;

/// A table with a header row.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { rows: vec![header.iter().map(ToString::to_string).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        let shown = cells.iter().map(|cell| visible_line(cell).into_owned());
        self.rows.push(shown.collect());
    }

    /// The lines, columns two spaces apart. A column is right-aligned where all its cells start with a digit, a sign
    /// or are empty.
    pub(crate) fn lines(&self) -> Vec<String> {
        let is_number = |cell: &String| {
            cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || "+-−–".contains(c))
        };
        let is_word =
            |column: usize| !self.rows.iter().skip(1).filter_map(|row| row.get(column)).all(is_number);
        bakeoff_evidence::aligned(&self.rows, &is_word)
    }

    /// Prints to stdout.
    pub(crate) fn print(&self) {
        for line in self.lines() {
            crate::exit::out(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn numbers_are_right_aligned_and_text_left_aligned() {
        let mut table = Table::new(["recipe", "top-1"]);
        table.row(vec!["none".into(), "7.1".into()]);
        table.row(vec!["cutmix".into(), "66.1".into()]);
        assert_eq!(table.lines(), ["recipe  top-1", "none      7.1", "cutmix   66.1"]);
    }
}

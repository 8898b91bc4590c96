//! GitHub-flavoured Markdown.

use super::TableFormat;
use crate::table::{ShownIn, Table};
use crate::text::plain;

/// `tables/*.md`
pub(super) struct Markdown;

impl TableFormat for Markdown {
    fn extension(&self) -> &'static str {
        "md"
    }

    fn encode(&self, table: &Table) -> Result<Vec<u8>, csv::Error> {
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut text = line(&mut table.columns_in(ShownIn::Everywhere).map(|c| escape(&c.head)));
        text += &line(
            &mut table
                .columns_in(ShownIn::Everywhere)
                .map(|c| if c.words { "---".into() } else { "---:".into() }),
        );
        for row in &table.rows {
            text += &line(&mut table.cells_in(row, ShownIn::Everywhere).map(|cell| escape(&cell.text)));
        }
        Ok(text.into_bytes())
    }
}

/// Text in Markdown, where nothing in it is markup.
fn escape(text: &str) -> String {
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

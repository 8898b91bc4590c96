//! Other people's names within sentences.

use std::borrow::Cow;

use bakeoff_data::acts;
use unicode_segmentation::UnicodeSegmentation;

/// Characters that neither HTML nor XML may hold, that would move the cursor of a terminal, that turn the direction of what stands
/// around them (an isolate's end would even end the element that isolates a name), or that nobody sees.
fn is_control(c: char) -> bool {
    acts(c) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Text on one line, its control characters shown as what they are: not text.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|c| {
                if c == '\n' || c == '\t' {
                    ' '
                } else if is_control(c) {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect(),
    )
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Columns that a terminal gives a text: two for Hangul and most emoji, none for what combines with what stands before it.
#[must_use]
pub fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// The text, and spaces behind it up to so many columns.
#[must_use]
pub fn padded(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(columns(text))))
}

/// As much of a text as so many columns hold; `…` stands for the rest.
#[must_use]
pub fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if columns(text) <= room {
        return Cow::Borrowed(text);
    }
    let ends = text.grapheme_indices(true).map(|(at, _)| at);
    let end = ends.take_while(|&at| columns(&text[..at]) < room).last().unwrap_or(0);
    Cow::Owned(if room == 0 { String::new() } else { format!("{}…", &text[..end]) })
}

/// Rows of a table as lines, two spaces between columns: those that are `words` to the left, numbers to the right. Rows may be short.
#[must_use]
pub fn aligned(rows: &[Vec<String>], words: &dyn Fn(usize) -> bool) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let padding = " ".repeat(width - columns(cell));
            if words(column) { padded(cell, *width) } else { format!("{padding}{cell}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_one_another_whatever_the_script() {
        let rows = [["recipe", "n"], ["가로 뒤집기", "6"], ["🐶🐱", "12"], ["e\u{301}te\u{301}", "1"]];
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.map(String::from).to_vec()).collect();
        assert_eq!(
            aligned(&rows, &|column| column == 0),
            ["recipe        n", "가로 뒤집기   6", "🐶🐱         12", "e\u{301}te\u{301}           1"]
        );
        assert!(aligned(&[], &|_| true).is_empty());
    }

    #[test]
    fn texts_are_cut_and_padded_by_the_columns_they_take() {
        assert_eq!(
            (cut("가로 뒤집기", 11).as_ref(), cut("가로 뒤집기", 6).as_ref()),
            ("가로 뒤집기", "가로 …")
        );
        assert_eq!((cut("🐶🐱🐭", 5).as_ref(), cut("🐶🐱🐭", 4).as_ref()), ("🐶🐱…", "🐶…"));
        // What is seen as one stays whole.
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!((cut("abc", 0).as_ref(), cut("abc", 1).as_ref(), cut("", 0).as_ref()), ("", "…", ""));
        assert_eq!((padded("개", 4), padded("cat", 2)), ("개  ".to_owned(), "cat".to_owned()));
        for room in 0..20 {
            assert!(columns(&cut("가a나b다c🐶🐱e\u{301}t", room)) <= room);
        }
    }
}

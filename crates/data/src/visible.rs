//! Text of other people on a terminal. Names of files, classes and recipes may hold what drives a terminal: escape sequences
//! (window title, clipboard, clear), line breaks that forge a message, and marks that turn the direction of writing.

use std::borrow::Cow;

/// What does something instead of being shown: control characters (C0, DEL, C1) and the marks and overrides of bidirectional
/// text (Unicode Standard Annex 9).
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The text with everything that acts on a terminal written out: `\x1b`, and beyond ASCII `\u202e`, which leaves JSON what it is.
/// Line breaks and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) && !matches!(c, '\n' | '\t'))
}

/// [`visible`], on one line: a name in a sentence or in a cell.
#[must_use]
pub fn visible_line(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !acts(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c < ' ' => shown.push_str(&format!("\\x{:02x}", c as u32)),
            c => shown.push_str(&format!("\\u{:04x}", c as u32)),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_written_out_and_everything_else_stays() {
        for (text, shown) in [
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("a\u{9b}2Jb\u{7f}", "a\\u009b2Jb\\u007f"),
            ("gpj.\u{202e}exe", "gpj.\\u202eexe"),
            ("a\u{2066}b\u{200f}", "a\\u2066b\\u200f"),
            ("dog\rcat", "dog\\rcat"),
        ] {
            assert_eq!(visible(text), shown);
            assert_eq!(visible_line(text), shown);
        }
        for text in ["고양이 🐶 Ärger עברית", "a\tb", "two\nlines", ""] {
            assert_eq!(visible(text), text);
        }
        assert_eq!(visible_line("dog\nwarning: forged\t"), "dog\\nwarning: forged\\t");
    }

    #[test]
    fn no_character_that_acts_is_left_of_any_text() {
        let all: String = (0..=0x2FFF).filter_map(char::from_u32).collect();
        assert!(!visible_line(&all).contains(acts));
        assert!(visible(&all).chars().all(|c| !acts(c) || matches!(c, '\n' | '\t')));
    }
}

//! Text of other people on a terminal. Names of files, classes and recipes may hold what drives a terminal: escape sequences
//! (window title, clipboard, clear), line breaks that forge a message, and marks that turn the direction of writing.

use std::borrow::Cow;

/// Whether a character does something instead of being shown: control characters (C0, DEL, C1), line and paragraph separators, the
/// marks, overrides and isolates of bidirectional text (Unicode Standard Annex 9), and what takes no room at all, so that two names
/// look the same. The joiners of Persian, Indic and emoji (U+200C, U+200D) and the selectors of variants are part of words, and stay.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}' | '\u{200B}'
            | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
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
            // As JSON writes it: two halves of what has more than 16 bits.
            c => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|half| shown.push_str(&format!("\\u{half:04x}")))
            }
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
            ("a\u{200b}b\u{feff}c\u{ad}", "a\\u200bb\\ufeffc\\u00ad"),
            ("a\u{2028}b\u{85}c", "a\\u2028b\\u0085c"),
            ("dog\u{e0041}", "dog\\udb40\\udc41"),
        ] {
            assert_eq!(visible(text), shown);
            assert_eq!(visible_line(text), shown);
        }
        for text in
            ["고양이 🐶 Ärger עברית", "👩\u{200d}🚀 می\u{200c}خواهم ❤\u{fe0f}", "a\tb", "two\nlines", ""]
        {
            assert_eq!(visible(text), text);
        }
        assert_eq!(visible_line("dog\nwarning: forged\t"), "dog\\nwarning: forged\\t");
    }

    #[test]
    fn no_character_that_acts_is_left_of_any_text() {
        let all: String = (0..=0xE00FF).filter_map(char::from_u32).collect();
        assert!(!visible_line(&all).contains(acts));
        assert!(visible(&all).chars().all(|c| !acts(c) || matches!(c, '\n' | '\t')));
    }
}

//! Other people's names within sentences.

use std::borrow::Cow;

use bakeoff_data::acts;

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

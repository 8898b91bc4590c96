//! Numbers of things in sentences, in the singular and the plural.

use std::borrow::Borrow;

/// `1 image`, `2 images`.
#[must_use]
pub fn number(n: impl Borrow<usize>, noun: &str) -> String {
    let n = n.borrow();
    format!("{n} {noun}{}", form(n, "", "s"))
}

/// What goes with one thing, or with several: `form(n, "is", "are")`.
#[must_use]
pub fn form<'a>(n: impl Borrow<usize>, one: &'a str, many: &'a str) -> &'a str {
    if *n.borrow() == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_and_several_are() {
        let told = |n: usize| format!("{} {} left out", number(n, "file"), form(n, "is", "are"));
        assert_eq!(
            [told(0), told(1), told(2)],
            ["0 files are left out", "1 file is left out", "2 files are left out"]
        );
    }
}

//! What a class name is: how names are compared, ordered and shown, whatever source they come from.
//!
//! Names that differ in nothing but their Unicode normalisation look the same on every screen and are one class: every class name
//! is kept in NFC. Names that differ in letter case, or in blanks at their ends, stay apart, since somebody may mean it, and there
//! is a [`Warning::AlikeClasses`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::Warning;

/// A name in NFC: what a class is called.
#[must_use]
pub fn normalised(name: &str) -> Cow<'_, str> {
    if is_nfc(name) { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

/// What is left of a name without what people do not see or mean: NFC, no blanks at the ends, small letters. Names with the same
/// key are probably one class.
#[must_use]
pub fn identity_key(name: &str) -> String {
    normalised(normalised(name).trim().to_lowercase().as_str()).into_owned()
}

/// In what names differ that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameDifference {
    /// `Dog` and `dog`.
    LetterCase,
    /// `cat` and `cat `.
    Blanks,
    /// One is NFC, another NFD.
    Normalisation,
}

impl fmt::Display for NameDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LetterCase => "letter case",
            Self::Blanks => "blanks at the ends",
            Self::Normalisation => "Unicode normalisation",
        })
    }
}

/// Names that are alike but not equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlikeNames {
    /// At least two, in the order they came in.
    pub names: Vec<String>,
    /// In what they differ.
    pub differences: Vec<NameDifference>,
}

/// In what names of the same [`identity_key`] differ; nothing where they are equal.
#[must_use]
pub fn differences(names: &[&str]) -> Vec<NameDifference> {
    let differ = |form: &dyn Fn(&str) -> String| names.windows(2).any(|pair| form(pair[0]) != form(pair[1]));
    let composed = |name: &str| normalised(name).into_owned();
    let trimmed = |name: &str| composed(composed(name).trim());
    let padding = |name: &str| {
        let name = composed(name);
        let start = name.len() - name.trim_start().len();
        format!("{}|{}", &name[..start], &name[start + name.trim().len()..])
    };
    let mut found = Vec::new();
    if differ(&trimmed) {
        found.push(NameDifference::LetterCase);
    }
    if differ(&padding) {
        found.push(NameDifference::Blanks);
    }
    // Two spellings of one composed name.
    let spelt: BTreeMap<String, &str> = names.iter().map(|&name| (composed(name), name)).collect();
    if names.iter().any(|&name| spelt.get(&composed(name)).is_some_and(|&other| other != name)) {
        found.push(NameDifference::Normalisation);
    }
    found
}

/// The groups of names that are alike but not equal.
#[must_use]
pub fn alike_names(names: &[String]) -> Vec<AlikeNames> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        let group = groups.entry(identity_key(name)).or_default();
        if !group.contains(&name.as_str()) {
            group.push(name);
        }
    }
    let several = groups.into_values().filter(|group| group.len() > 1);
    several
        .map(|group| AlikeNames {
            differences: differences(&group),
            names: group.into_iter().map(str::to_owned).collect(),
        })
        .collect()
}

/// A warning for every group of names that are alike but not equal.
pub(crate) fn alike_warnings(names: &[String]) -> Vec<Warning> {
    let warning = |alike: AlikeNames| Warning::AlikeClasses {
        names: alike.names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "),
        differ_in: listed(&alike.differences),
    };
    alike_names(names).into_iter().map(warning).collect()
}

fn listed(differences: &[NameDifference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// A known name that is like another: `"Dog", which differs in letter case only`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearestName<'a> {
    /// The known name.
    pub name: &'a str,
    /// In what the two differ where they have the same [`identity_key`]; empty where they are only spelt alike.
    pub differences: Vec<NameDifference>,
}

impl fmt::Display for NearestName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)?;
        match self.differences.as_slice() {
            [] => Ok(()),
            some => write!(f, ", which differs in {} only", listed(some)),
        }
    }
}

/// The known name that is the same but for case, blanks or normalisation.
#[must_use]
pub fn alike_name<'a>(name: &str, known: &'a [String]) -> Option<NearestName<'a>> {
    let key = identity_key(name);
    let found = known.iter().find(|other| *other != name && identity_key(other) == key)?;
    Some(NearestName { name: found, differences: differences(&[name, found]) })
}

/// The known name that was probably meant: an alike one, else the one spelt most alike. `None` where none is near enough to be meant.
#[must_use]
pub fn nearest_name<'a>(name: &str, known: &'a [String]) -> Option<NearestName<'a>> {
    alike_name(name, known).or_else(|| {
        let nearest = crate::nearest(name, known.iter().map(String::as_str))?;
        Some(NearestName { name: nearest, differences: Vec::new() })
    })
}

/// What tables write where there is no value: the words that pandas reads as none, and no text at all.
const NO_LABEL: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Whether a text in a table stands for no label. A *folder* of such a name is somebody's class.
#[must_use]
pub fn is_no_label(text: &str) -> bool {
    NO_LABEL.contains(&text.trim())
}

/// The whole number that a text with nothing but zeros behind its decimal sign stands for: `1` of `1.0` and `1,00`. `1,000` may
/// be a thousand.
fn whole_number(text: &str) -> Option<&str> {
    let (whole, fraction) = text.split_once(['.', ','])?;
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    let thousands = text.contains(',') && fraction.len() == 3 && digits != "0";
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (zeros && number && !thousands).then_some(whole)
}

/// Texts that are one whole number in several spellings, such as `1` and `1.0`, and that number. Programs write it with a point as
/// soon as one cell of a column is empty.
pub(crate) fn same_numbers<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut spellings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for text in texts {
        spellings.entry(whole_number(text).unwrap_or(text)).or_default().insert(text);
    }
    let several = spellings.into_iter().filter(|(_, spellings)| spellings.len() > 1);
    several
        .flat_map(|(number, spellings)| {
            let others = spellings.into_iter().filter(move |text| *text != number);
            others.map(move |text| (text.to_owned(), number.to_owned()))
        })
        .collect()
}

/// The value of a name that is a number, such as `7`, `007`, `-1` or `2.5`.
fn number(name: &str) -> Option<f64> {
    let digits = name.strip_prefix(['-', '+']).unwrap_or(name);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| name.parse().ok()).flatten()
}

/// Puts class names into their order and drops those that are there twice: by value where all are numbers (2 before 10), else by
/// name. The same in every source that gives no order of its own.
#[must_use]
pub fn class_order(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    names.dedup();
    let values: Option<Vec<f64>> = names.iter().map(|name| number(name)).collect();
    if let Some(values) = values {
        let mut numbered: Vec<(f64, String)> = values.into_iter().zip(names).collect();
        // A stable sort: names of the same number stay in the order of their letters.
        numbered.sort_by(|a, b| a.0.total_cmp(&b.0));
        names = numbered.into_iter().map(|(_, name)| name).collect();
    }
    names
}

/// A name of a file or folder for people and as part of an id. Bytes that are not UTF-8 are escaped, `\xE9`, so that different
/// names stay different.
#[must_use]
pub fn escaped_name(name: &OsStr) -> Cow<'_, str> {
    escaped_bytes(name.as_encoded_bytes())
}

/// [`escaped_name`] of a name that an archive holds.
pub(crate) fn escaped_bytes(name: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(name) {
        Ok(text) if !looks_escaped(text) => Cow::Borrowed(text),
        _ => {
            let mut shown = String::new();
            for chunk in name.utf8_chunks() {
                // No two names come out the same: what is escaped always holds a mark that no other name is left with.
                shown += &chunk.valid().replace('\\', "\\\\");
                chunk.invalid().iter().for_each(|byte| shown += &format!("\\x{byte:02X}"));
            }
            Cow::Owned(shown)
        }
    }
}

/// Whether a name that is UTF-8 could be mistaken for one that is not.
fn looks_escaped(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mark = |four: &[u8]| four.starts_with(b"\\x") && four[2..].iter().all(u8::is_ascii_hexdigit);
    bytes.windows(4).any(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSED: &str = "\u{ace0}\u{c591}\u{c774}";

    fn decomposed(name: &str) -> String {
        name.nfd().collect()
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_are_alike_whatever_their_case_blanks_and_normalisation() {
        use NameDifference::{Blanks, LetterCase, Normalisation};
        let cafe = "Caf\u{e9}";
        // Every way to write the name, and in what it differs from the first.
        for upper in [false, true] {
            for padding in ["", " ", "\u{a0}", "\t"] {
                for nfd in [false, true] {
                    let mut other = if upper { cafe.to_uppercase() } else { cafe.to_owned() };
                    if nfd {
                        other = decomposed(&other);
                    }
                    other += padding;
                    let mut expected = Vec::new();
                    expected.extend(upper.then_some(LetterCase));
                    expected.extend((!padding.is_empty()).then_some(Blanks));
                    // Only where nothing else is different is it seen that two normalisations are there.
                    expected.extend((nfd && expected.is_empty()).then_some(Normalisation));
                    assert_eq!(identity_key(&other), identity_key(cafe), "{other:?}");
                    assert_eq!(differences(&[cafe, &other]), expected, "{other:?}");
                    let groups = alike_names(&owned(&["dog", cafe, &other]));
                    assert_eq!(groups.len(), usize::from(other != cafe), "{other:?}");
                }
            }
        }
    }

    #[test]
    fn names_that_differ_in_more_are_not_alike() {
        for (one, other) in
            [("cat", "cats"), ("a b", "ab"), ("e", "\u{e9}"), ("1", "01"), ("stra\u{df}e", "strase")]
        {
            assert!(alike_names(&owned(&[one, other])).is_empty(), "{one} {other}");
        }
    }

    #[test]
    fn a_warning_names_every_group_once() {
        let names = owned(&["Dog", "cat", "cat ", "dog", "fish", "DOG"]);
        let warnings: Vec<String> = alike_warnings(&names).iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains("\"cat\", \"cat \" differ in blanks at the ends only"), "{warnings:?}");
        assert!(warnings[1].contains("\"Dog\", \"dog\", \"DOG\" differ in letter case only"), "{warnings:?}");
    }

    #[test]
    fn a_missing_name_is_hinted_at_by_what_is_alike_before_what_is_spelt_alike() {
        let known = owned(&["Dog", "dig", "bird"]);
        assert_eq!(
            nearest_name("dog", &known).unwrap().to_string(),
            "\"Dog\", which differs in letter case only"
        );
        assert_eq!(nearest_name("brid", &known).unwrap().to_string(), "\"bird\"");
        assert_eq!(alike_name("brid", &known), None);
        assert_eq!(nearest_name("x", &[]), None);
        let nfd = [decomposed(COMPOSED)];
        assert_eq!(alike_name(COMPOSED, &nfd).unwrap().differences, [NameDifference::Normalisation]);
    }

    #[test]
    fn numbers_are_ordered_by_value_and_anything_else_by_name() {
        for (names, expected) in [
            (&["10", "2", "1"][..], &["1", "2", "10"][..]),
            (&["10", "2", "-1", "2.5", "007"], &["-1", "2", "2.5", "007", "10"]),
            (&["10", "2", "a"], &["10", "2", "a"]),
            (&["1", "01", "1"], &["01", "1"]),
            (&["nan", "2", "10"], &["10", "2", "nan"]),
            (&["1e3", "2"], &["1e3", "2"]),
        ] {
            assert_eq!(class_order(owned(names)), expected, "{names:?}");
        }
    }

    #[test]
    fn words_for_no_value_are_no_labels_and_names_are() {
        for text in ["", "  ", "nan", "NaN", "None", "null", "NULL", "N/A", "<NA>", " NA "] {
            assert!(is_no_label(text), "{text:?}");
        }
        for text in ["none", "Nanny", "0", "na", "other", "-"] {
            assert!(!is_no_label(text), "{text:?}");
        }
    }

    #[test]
    fn a_whole_number_in_several_spellings_is_one_and_nothing_else_is() {
        for (texts, same) in [
            (vec!["1", "1.0", "cat"], vec![("1.0", "1")]),
            (vec!["-3,00", "-3", "2.0"], vec![("-3,00", "-3")]),
            (vec!["1.0", "1.00", "2.0"], vec![("1.0", "1"), ("1.00", "1")]),
            (vec!["0", "0,000"], vec![("0,000", "0")]),
            (vec!["1", "1,000", "1000"], vec![]),
            (vec!["1", "1.5", "01", "1.", ".0", "v1.0", "v1", "1.0.0", "1e0"], vec![]),
        ] {
            let same: BTreeMap<String, String> =
                same.into_iter().map(|(text, number)| (text.to_owned(), number.to_owned())).collect();
            assert_eq!(same_numbers(texts.iter().copied()), same, "{texts:?}");
        }
    }

    #[test]
    fn names_that_are_not_utf_8_are_shown_escaped_and_stay_apart() {
        let names: [&[u8]; 9] =
            [b"\xE9", b"\xE8", b"z", b"\\xE9", b"\\\\xE9", b"\\\xE9", b"caf\xE9", b"caf\xC3\xA9", b"a\\b"];
        let shown: Vec<String> = names.iter().map(|name| escaped_bytes(name).into_owned()).collect();
        assert_eq!(shown[..4], ["\\xE9", "\\xE8", "z", "\\\\xE9"]);
        assert_eq!(shown[6..], ["caf\\xE9", "caf\u{e9}", "a\\b"]);
        let different: std::collections::BTreeSet<_> = shown.iter().collect();
        assert_eq!(different.len(), names.len(), "{shown:?}");
    }
}

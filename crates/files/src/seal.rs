//! Records that tell when they were changed: indented JSON whose last key is the SHA-256 of everything before it.
//!
//! A seal finds damage — a flipped bit, a file cut off, a value edited in passing — and keeps nobody out: whoever wants to can seal anew.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::{WriteError, at, sha256, write_bytes};

/// What a record's last key begins with.
const KEY: &str = ",\n  \"sha256\": \"";
/// What any key of a record begins with, but for the first.
const KEY_BEGIN: &str = ",\n  \"";
/// What follows the digest.
const END: &str = "\"\n}\n";
/// Digits of the digest.
const DIGITS: usize = 64;

/// A record that is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its content is not what was written (its SHA-256 differs): it is damaged, or was changed by hand")]
pub struct Changed;

/// Writes a record as indented JSON with its seal, atomically. A record without a key has no room for one.
///
/// # Errors
/// The file system refused; the message names the file and what to do.
pub fn write_sealed<T: Serialize>(path: &Path, record: &T) -> Result<(), WriteError> {
    let body = serde_json::to_string_pretty(record).map_err(|error| at(path)(io::Error::other(error)))?;
    write_bytes(path, sealed(&body).as_bytes())
}

fn sealed(body: &str) -> String {
    match body.strip_suffix("\n}") {
        Some(open) => format!("{open}{KEY}{}{END}", sha256(body)),
        None => format!("{body}\n"),
    }
}

/// The JSON under a seal, without it; the text as it is where it never had one, as in files of before there were seals.
///
/// # Errors
/// The seal is not that of the text.
pub fn unsealed(mut text: String) -> Result<String, Changed> {
    let Some((open, digest)) = split(&text) else {
        // A seal that stands elsewhere was moved by whoever wrote the rest.
        let moved = text.starts_with('{')
            && serde_json::from_str(&text).is_ok_and(|found: SealOnly| found.sha256.is_some());
        return if moved || is_seal_renamed(&text) { Err(Changed) } else { Ok(text) };
    };
    let (end, digest) = (open.len(), digest.to_owned());
    text.truncate(end);
    text.push_str("\n}");
    if sha256(&text) == digest { Ok(text) } else { Err(Changed) }
}

/// A record of which nothing is asked but whether it has a seal.
#[derive(serde::Deserialize)]
struct SealOnly {
    sha256: Option<serde::de::IgnoredAny>,
}

/// What stands before the seal, and its digest.
fn split(text: &str) -> Option<(&str, &str)> {
    let (head, digest) = split_digest(text)?;
    Some((head.strip_suffix(KEY)?, digest))
}

/// What stands before the digits that end a sealed text, and these.
fn split_digest(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_suffix(END)?;
    rest.split_at_checked(rest.len().checked_sub(DIGITS)?)
}

/// Whether the last key has another name than a seal's, and the digest of what stands before it.
fn is_seal_renamed(text: &str) -> bool {
    let renamed = || {
        let (head, digest) = split_digest(text)?;
        let body = format!("{}\n}}", &head[..head.rfind(KEY_BEGIN)?]);
        Some(sha256(body) == digest)
    };
    renamed().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn text() -> String {
        let record =
            BTreeMap::from([("margin", "0.5"), ("sha256", "a key of the record's own"), ("tail", "}")]);
        sealed(&serde_json::to_string_pretty(&record).unwrap())
    }

    #[test]
    fn a_record_comes_back_and_is_plain_json_for_everybody_else() {
        let text = text();
        let record: BTreeMap<String, String> =
            serde_json::from_str(&unsealed(text.clone()).unwrap()).unwrap();
        assert_eq!(record["margin"], "0.5");
        assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap().is_object());
    }

    #[test]
    fn what_never_had_a_seal_is_taken_as_it_is() {
        for text in ["{\n  \"margin\": 0.5\n}\n", "{}", "", "[1]", "no JSON"] {
            assert_eq!(unsealed(text.to_owned()).unwrap(), text);
        }
        assert_eq!(unsealed(sealed("{}")).unwrap(), "{}\n");
    }

    #[test]
    fn a_seal_under_another_name_is_found_and_a_digest_of_the_records_own_is_none() {
        let text = text();
        for name in ["sha259", "shb256", "\u{e4}ha256", "content"] {
            let at = text.rfind("sha256").unwrap();
            let renamed = format!("{}{name}{}", &text[..at], &text[at + 6..]);
            assert_eq!(unsealed(renamed), Err(Changed), "{name}");
        }
        let own = format!("{{\n  \"a\": 1,\n  \"content\": \"{}\"\n}}\n", sha256("photographs"));
        assert_eq!(unsealed(own.clone()), Ok(own));
    }

    #[test]
    fn a_changed_bit_a_cut_and_another_layout_are_found() {
        let record = BTreeMap::from([("margin", 0.5), ("seeds", 8.0)]);
        let text = sealed(&serde_json::to_string_pretty(&record).unwrap());
        let value = |text: &str| serde_json::from_str::<BTreeMap<String, f64>>(text);
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                // Found, or no JSON any more.
                let is_json = |body: String| serde_json::from_str::<serde_json::Value>(&body).is_ok();
                assert!(!unsealed(changed.clone()).is_ok_and(is_json), "{changed}");
            }
            let cut = &text[..at];
            assert!(unsealed(cut.to_owned()).is_err() || value(cut).is_err(), "cut to {at}");
        }
        let compact = serde_json::from_str::<serde_json::Value>(&text).unwrap().to_string();
        assert_eq!(unsealed(compact), Err(Changed));
    }
}

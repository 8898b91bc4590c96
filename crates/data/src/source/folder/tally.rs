//! What is passed over in a folder: how many files of which kind, and words about them.

use crate::number::number;
use std::collections::BTreeMap;

use crate::DeclaredSplit;
use crate::format::Format;

/// How many there are, and one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: usize,
    pub(super) example: String,
}

impl Tally {
    pub(super) fn add(&mut self, example: impl FnOnce() -> String) {
        if self.count == 0 {
            self.example = example();
        }
        self.count += 1;
    }
}

/// Files of formats that are not read, by format.
pub(super) type Unread = BTreeMap<Format, Tally>;

pub(super) fn word(split: DeclaredSplit) -> &'static str {
    match split {
        DeclaredSplit::Train => "train",
        DeclaredSplit::Validation => "validation",
        DeclaredSplit::Test => "test",
        DeclaredSplit::Undeclared => "no",
    }
}

/// `2 tables (a.csv)`
pub(super) fn counted(tally: &Tally, what: &str) -> String {
    format!("{} ({})", number(tally.count, what), tally.example)
}

/// `4 HEIC, 1 AVIF`
pub(super) fn by_format(unread: &Unread) -> String {
    unread.iter().map(|(format, tally)| format!("{} {format}", tally.count)).collect::<Vec<_>>().join(", ")
}

/// How to convert what there is most of.
pub(super) fn remedy(unread: &Unread) -> String {
    let most = unread.iter().max_by_key(|(_, tally)| tally.count).and_then(|(format, _)| format.convert());
    most.map_or(String::new(), |line| format!(", for example with {line}"))
}

/// The first few of some names.
pub(super) fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// How many names a message lists.
pub(super) const NAMED: usize = 5;

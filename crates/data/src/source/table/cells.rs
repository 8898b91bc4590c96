//! What single cells, and names of columns, say.

use std::collections::BTreeSet;

use super::super::split_name::{split_by_word, split_in_name};
use crate::{DeclaredSplit, columns};

/// A column with more different texts than this says no splits.
pub(super) const MOST_SPLITS: usize = 20;

/// A mark of true or false.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" | "t" | "y" => Some(true),
        "0" | "0.0" | "false" | "no" | "f" | "n" => Some(false),
        _ => None,
    }
}

/// The split that a cell says, by the rule of folders' names: `training_set` is train.
pub(in super::super) fn split_of_cell(cell: &str) -> Option<DeclaredSplit> {
    split_in_name(cell).map(|found| found.split)
}

/// Whether cells are splits, and not all the same.
pub(in super::super) fn are_splits<'a>(cells: impl IntoIterator<Item = &'a str>) -> bool {
    let texts: BTreeSet<&str> = cells.into_iter().collect();
    let splits: Option<BTreeSet<usize>> =
        texts.iter().map(|text| split_of_cell(text).map(|split| split as usize)).collect();
    texts.len() <= MOST_SPLITS && splits.is_some_and(|splits| splits.len() > 1)
}

/// Whether a column is called as if it said the split: `data_split`, `train_test`, `Partition`, `in_train`.
pub(in super::super) fn is_called_split(name: &str) -> bool {
    let name = columns::plain(name);
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let is = |word: &str| {
        let plural = word.strip_suffix('s').unwrap_or(word);
        matches!(plural, "split" | "partition" | "subset" | "set" | "traintest" | "trainval")
            || split_by_word(word).is_some()
    };
    let goes_with =
        |word: &str| matches!(word, "is" | "in" | "for" | "of" | "data" | "dataset" | "id" | "idx");
    words.iter().any(|word| is(word)) && words.iter().all(|word| is(word) || goes_with(word))
}

/// The different texts in cells, where they are a few numbers, as of splits that somebody numbered.
pub(in super::super) fn few_numbers<'a>(cells: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let texts: BTreeSet<&str> = cells.into_iter().collect();
    let numbers = texts.iter().all(|text| text.parse::<f64>().is_ok() || truth(text).is_some());
    let few = (2..=4).contains(&texts.len());
    (few && numbers).then(|| texts.into_iter().collect::<Vec<_>>().join(", "))
}

/// The elements of a list as JSON and Python write it: `["cat", "dog"]`, `['cat']`, `[3]`.
pub(super) fn list_of(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let mut elements = vec![String::new()];
    let mut quote = None;
    for character in inner.chars() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, ',') => elements.push(String::new()),
            (_, other) => elements.last_mut()?.push(other),
        }
    }
    // A name may well begin and end so.
    quote.is_none().then(|| elements.into_iter().map(|element| element.trim().to_owned()).collect())
}

/// What true and false mean in a column of such a name.
pub(super) fn marked(name: &str) -> Option<(DeclaredSplit, DeclaredSplit)> {
    match columns::plain(name).as_str() {
        "is_train" | "is_training" | "is_training_image" => Some((DeclaredSplit::Train, DeclaredSplit::Test)),
        "is_valid" | "is_validation" | "is_val" => Some((DeclaredSplit::Validation, DeclaredSplit::Train)),
        "is_test" => Some((DeclaredSplit::Test, DeclaredSplit::Train)),
        _ => None,
    }
}

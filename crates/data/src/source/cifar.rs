//! CIFAR-10 and CIFAR-100 in their binary versions, as <https://www.cs.toronto.edu/~kriz/cifar.html> distributes them.
//!
//! A file is a row of records: one label (CIFAR-100: the coarse, then the fine one), then 32×32 pixels, all red, all green,
//! all blue.

use std::path::{Path, PathBuf};

use super::definition::{Precedence, Source};
use super::reading::lines;
use crate::listing::{Entry, Listing};
use crate::location::{Form, Location, Order};
use crate::store::Store;
use crate::stored_file::StoredFile;
use crate::{DataError, DeclaredSplit};

pub(super) const SOURCE: Source = Source {
    words: "CIFAR-10 or CIFAR-100, the binary version.",
    precedence: Precedence::Published,
    claims_file: |path, name| name.ends_with(".bin") && path.parent().and_then(folder).is_some(),
    claims_folder: |path| folder(path).is_some(),
    list: |path, _| list(path),
};

const FORM: Form = Form { width: 32, height: 32, order: Order::Planar };

/// What distinguishes the two.
struct Edition {
    /// Labels before the pixels; the last one counts.
    labels: u64,
    names: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    classes: usize,
}

const TEN: Edition = Edition {
    labels: 1,
    names: "batches.meta.txt",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    classes: 10,
};
const HUNDRED: Edition = Edition {
    labels: 2,
    names: "fine_label_names.txt",
    train: &["train.bin"],
    test: "test.bin",
    classes: 100,
};

/// The folder with the files: this one, or the archive's own in it.
fn folder(path: &Path) -> Option<PathBuf> {
    let inner = ["cifar-10-batches-bin", "cifar-100-binary"];
    let mut candidates = std::iter::once(path.to_owned()).chain(inner.iter().map(|name| path.join(name)));
    candidates.find(|folder| edition(folder).is_some())
}

fn edition(folder: &Path) -> Option<Edition> {
    let there = |name: &str| folder.join(name).is_file();
    if TEN.train.iter().any(|name| there(name)) || there(TEN.names) {
        return Some(TEN);
    }
    (there(HUNDRED.names) || there("train.bin") && there("test.bin")).then_some(HUNDRED)
}

fn list(path: &Path) -> Result<Listing, DataError> {
    let folder = if path.is_dir() { folder(path) } else { path.parent().and_then(folder) };
    let folder = folder.ok_or_else(|| {
        DataError::unusable(
            path,
            "holds neither data_batch_1.bin (CIFAR-10) nor train.bin with fine_label_names.txt (CIFAR-100); the binary version \
             is needed, not the one for Python or MATLAB",
        )
    })?;
    let Edition { labels, names, train, test, classes: count } = edition(&folder).unwrap_or(TEN);
    let classes = lines(&folder.join(names))?;
    if classes.len() != count {
        return Err(DataError::unusable(
            &folder.join(names),
            format!("names {} classes instead of {count}; fetch the archive again", classes.len()),
        ));
    }
    let mut store = Store::default();
    let mut entries = Vec::new();
    let files = train.iter().map(|name| (*name, DeclaredSplit::Train));
    for (name, split) in files.chain([(test, DeclaredSplit::Test)]) {
        let path = folder.join(name);
        let file = StoredFile::open(&path)?;
        let record = labels + FORM.length();
        if file.size() == 0 || file.size() % record != 0 {
            return Err(DataError::unusable(
                &path,
                format!("has {} bytes, no multiple of {record}; extract the archive again", file.size()),
            ));
        }
        let mut window = crate::stored_file::Window::new(&file);
        let mut found = Vec::new();
        for number in 0..file.size() / record {
            let offset = number * record + labels;
            let label = window.get(offset - 1, 1).map_err(DataError::io(&path))?[0];
            if usize::from(label) >= count {
                return Err(DataError::unusable(
                    &path,
                    format!("is labelled {label} at byte {}, but there are {count} classes", offset - 1),
                ));
            }
            found.push((number, label, offset));
        }
        let stem = name.trim_end_matches(".bin");
        let file = store.add(file);
        entries.extend(found.into_iter().map(|(number, label, offset)| Entry {
            id: format!("{stem}/{number:05}"),
            label: label.into(),
            split,
            location: Location::Raw { file, offset, form: FORM },
        }));
    }
    Ok(Listing { classes, entries, store, ..Listing::default() })
}

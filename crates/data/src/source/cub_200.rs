//! CUB-200-2011 (Wah et al. 2011), <https://www.vision.caltech.edu/datasets/cub_200_2011/>.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::definition::{Precedence, Source};
use super::published::{file, finish, folder_with, needed};
use super::reading::lines;
use crate::listing::{Entry, Listing};
use crate::{DataError, DeclaredSplit};

pub(super) const SOURCE: Source = Source {
    words: "CUB-200-2011 as published: `images.txt`, `train_test_split.txt` and their companions.",
    precedence: Precedence::Published,
    claims_file: |_, _| false,
    claims_folder: |path| folder_of(path).is_some(),
    list: |path, _| list(path),
};

const CUB: &str = "train_test_split.txt";

fn folder_of(path: &Path) -> Option<PathBuf> {
    let folder = folder_with(path, CUB, &["CUB_200_2011"])?;
    folder.join("image_class_labels.txt").is_file().then_some(folder)
}

/// 200 species of birds.
fn list(path: &Path) -> Result<Listing, DataError> {
    let folder = needed(
        folder_of(path),
        path,
        "train_test_split.txt and image_class_labels.txt: unpack CUB_200_2011.tgz there",
    )?;
    // Every table is `<number> <value>`, one a line.
    let table = |name: &str| -> Result<Vec<(usize, String)>, DataError> {
        let list = folder.join(name);
        let rows = lines(&list)?.into_iter().enumerate().map(|(at, line)| {
            let (number, value) = line.split_once(' ').unwrap_or((&line, ""));
            number.parse().map(|number| (number, value.trim().to_owned())).map_err(|_| {
                DataError::unusable(
                    &list,
                    format!("line {}: expected <number> <value>, found {line:?}", at + 1),
                )
            })
        });
        rows.collect()
    };
    let class_of: HashMap<usize, String> = table("image_class_labels.txt")?.into_iter().collect();
    let is_train: HashMap<usize, String> = table(CUB)?.into_iter().collect();
    let classes = table("classes.txt")?.into_iter().collect();
    let list = folder.join("images.txt");
    let mut entries = Vec::new();
    for (at, (number, name)) in table("images.txt")?.into_iter().enumerate() {
        let wrong = |message: String| DataError::unusable(&list, format!("line {}: {message}", at + 1));
        let class = class_of.get(&number).and_then(|class| class.parse().ok());
        let label =
            class.ok_or_else(|| wrong(format!("image {number} has no class in image_class_labels.txt")))?;
        let split = match is_train.get(&number).map(String::as_str) {
            Some("1") => DeclaredSplit::Train,
            Some("0") => DeclaredSplit::Test,
            other => {
                return Err(wrong(format!(
                    "image {number} is {other:?} in {CUB}; must be 1 (train) or 0 (test)"
                )));
            }
        };
        let id = format!("images/{name}");
        let location = file(&folder, &id, &list, at + 1)?;
        entries.push(Entry { id, label, split, location });
    }
    finish(&folder, classes, entries)
}

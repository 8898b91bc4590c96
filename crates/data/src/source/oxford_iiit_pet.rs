//! Oxford-IIIT Pet (Parkhi et al. 2012), <https://www.robots.ox.ac.uk/~vgg/data/pets/>.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::definition::{Precedence, Source};
use super::published::{file, finish, folder_with, needed};
use super::reading::lines;
use crate::listing::{Entry, Listing};
use crate::paths::below;
use crate::{DataError, DeclaredSplit};

pub(super) const SOURCE: Source = Source {
    words: "Oxford-IIIT Pet as published: `images` and `annotations`.",
    precedence: Precedence::Published,
    claims_file: |_, _| false,
    claims_folder: |path| folder_of(path).is_some(),
    list: |path, _| list(path),
};

const PETS: &str = "annotations/trainval.txt";

fn folder_of(path: &Path) -> Option<PathBuf> {
    folder_with(path, PETS, &["oxford-iiit-pet"])
}

/// 37 breeds; the names are those of the files, without their numbers.
fn list(path: &Path) -> Result<Listing, DataError> {
    let folder = needed(folder_of(path), path, "annotations/trainval.txt: unpack annotations.tar.gz there")?;
    let mut classes: HashMap<usize, String> = HashMap::new();
    let mut entries = Vec::new();
    for (name, split) in [(PETS, DeclaredSplit::Train), ("annotations/test.txt", DeclaredSplit::Test)] {
        let list = below(&folder, name);
        for (number, line) in lines(&list)?.iter().enumerate() {
            let wrong =
                |message: String| DataError::unusable(&list, format!("line {}: {message}", number + 1));
            if line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let image = words.next().unwrap_or_default();
            let class =
                words.next().and_then(|class| class.parse::<usize>().ok()).filter(|class| *class >= 1);
            let class = class.ok_or_else(|| wrong(format!("expected <image> <class> …, found {line:?}")))?;
            let breed = image.rsplit_once('_').map_or(image, |(breed, _)| breed).replace('_', " ");
            let known = classes.entry(class).or_insert_with(|| breed.clone());
            if *known != breed {
                return Err(wrong(format!("class {class} is both {known} and {breed}")));
            }
            let id = format!("images/{image}.jpg");
            let location = file(&folder, &id, &list, number + 1)?;
            entries.push(Entry { id, label: class, split, location });
        }
    }
    finish(&folder, classes, entries)
}

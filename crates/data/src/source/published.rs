//! Data sets in the layouts in which their authors publish them: Oxford-IIIT Pet, CUB-200-2011, Oxford Flowers-102.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::lines;
use crate::listing::{Entry, Listing};
use crate::matlab::{self, Value};
use crate::paths::{below, is_inside};
use crate::store::{Location, StoredFile};
use crate::{DataError, DeclaredSplit};

/// The folder of the three that holds `mark`: this one, or one of `inner` in it.
fn folder_with(path: &Path, mark: &str, inner: &[&str]) -> Option<PathBuf> {
    let folder = if path.is_dir() { path } else { path.parent()? };
    let mut candidates = std::iter::once(folder.to_owned()).chain(inner.iter().map(|name| folder.join(name)));
    candidates.find(|folder| below(folder, mark).is_file())
}

fn needed(folder: Option<PathBuf>, path: &Path, what: &str) -> Result<PathBuf, DataError> {
    folder.ok_or_else(|| DataError::unusable(path, format!("holds no {what}")))
}

/// A file that a list names, on line `line` of `list`.
fn file(folder: &Path, name: &str, list: &Path, line: usize) -> Result<Location, DataError> {
    if is_inside(name) {
        return Ok(Location::File(below(folder, name)));
    }
    Err(DataError::unusable(list, format!("line {line}: {name:?} is no file in {}", folder.display())))
}

/// Refuses lists of which no image is there: they were unpacked without the images.
fn refuse_without_images(folder: &Path, listing: &Listing) -> Result<(), DataError> {
    let there = |entry: &Entry| matches!(&entry.location, Location::File(path) if path.exists());
    match listing.entries.first() {
        Some(first) if !listing.entries.iter().any(there) => Err(DataError::unusable(
            folder,
            format!(
                "holds none of the {} images that its lists name, {} for one; unpack the archive of images here too",
                listing.entries.len(),
                first.id
            ),
        )),
        _ => Ok(()),
    }
}

// Oxford-IIIT Pet (Parkhi et al. 2012), <https://www.robots.ox.ac.uk/~vgg/data/pets/>

const PETS: &str = "annotations/trainval.txt";

pub(super) fn pets_folder(path: &Path) -> Option<PathBuf> {
    folder_with(path, PETS, &["oxford-iiit-pet"])
}

/// 37 breeds; the names are those of the files, without their numbers.
pub(super) fn pets(path: &Path) -> Result<Listing, DataError> {
    let folder =
        needed(pets_folder(path), path, "annotations/trainval.txt: unpack annotations.tar.gz there")?;
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

// CUB-200-2011 (Wah et al. 2011), <https://www.vision.caltech.edu/datasets/cub_200_2011/>

const CUB: &str = "train_test_split.txt";

pub(super) fn cub_folder(path: &Path) -> Option<PathBuf> {
    let folder = folder_with(path, CUB, &["CUB_200_2011"])?;
    folder.join("image_class_labels.txt").is_file().then_some(folder)
}

/// 200 species of birds.
pub(super) fn cub(path: &Path) -> Result<Listing, DataError> {
    let folder = needed(
        cub_folder(path),
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

// Oxford Flowers-102 (Nilsback and Zisserman 2008), <https://www.robots.ox.ac.uk/~vgg/data/flowers/102/>

const FLOWERS: &str = "imagelabels.mat";

pub(super) fn flowers_folder(path: &Path) -> Option<PathBuf> {
    folder_with(path, FLOWERS, &["flowers-102"])
}

/// 102 kinds of flowers. The split is the published one, 1,020 train, 1,020 validation, 6,149 test images.
pub(super) fn flowers(path: &Path) -> Result<Listing, DataError> {
    let folder = needed(flowers_folder(path), path, "imagelabels.mat")?;
    let read = |name: &str, variables: &[&str]| -> Result<Vec<Vec<usize>>, DataError> {
        let file = folder.join(name);
        let wrong = |message: String| DataError::unusable(&file, message);
        let bytes = StoredFile::read_all(&file, 64 << 20)?;
        let mut values = matlab::read(&bytes).map_err(wrong)?;
        let numbers = variables.iter().map(|variable| match values.remove(*variable) {
            Some(Value::Numbers(numbers)) => numbers
                .into_iter()
                .map(|number| {
                    let whole = number.fract() == 0.0 && (1.0..=10_000_000.0).contains(&number);
                    whole
                        .then_some(number as usize)
                        .ok_or_else(|| wrong(format!("{variable} holds {number}")))
                })
                .collect(),
            _ => Err(wrong(format!("has no numeric array {variable}; fetch it again"))),
        });
        numbers.collect()
    };
    let labels = read(FLOWERS, &["labels"])?.remove(0);
    let splits = read("setid.mat", &["trnid", "valid", "tstid"])?;
    let declared = [DeclaredSplit::Train, DeclaredSplit::Validation, DeclaredSplit::Test];
    let mut entries = Vec::new();
    for (numbers, split) in splits.into_iter().zip(declared) {
        for number in numbers {
            let label = labels.get(number - 1).copied().filter(|label| *label <= NAMES.len());
            let label = label.ok_or_else(|| {
                DataError::unusable(
                    &folder.join(FLOWERS),
                    format!("has no class of 1 to 102 for image {number}"),
                )
            })?;
            let id = format!("jpg/image_{number:05}.jpg");
            let location = Location::File(below(&folder, &id));
            entries.push(Entry { id, label, split, location });
        }
    }
    let classes = NAMES.iter().enumerate().map(|(at, name)| (at + 1, (*name).to_owned())).collect();
    finish(&folder, classes, entries)
}

/// From numbers of classes as published, which begin with 1, to labels.
fn finish(
    folder: &Path,
    classes: HashMap<usize, String>,
    mut entries: Vec<Entry>,
) -> Result<Listing, DataError> {
    let mut classes: Vec<(usize, String)> = classes.into_iter().collect();
    classes.sort();
    let labels: HashMap<usize, usize> =
        classes.iter().enumerate().map(|(label, (number, _))| (*number, label)).collect();
    for entry in &mut entries {
        entry.label = *labels.get(&entry.label).ok_or_else(|| {
            DataError::unusable(
                folder,
                format!("{} is of class {}, which has no name", entry.id, entry.label),
            )
        })?;
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(DataError::unusable(folder, format!("lists {} twice", pair[0].id)));
    }
    let classes = classes.into_iter().map(|(_, name)| name).collect();
    let listing = Listing { classes, entries, ..Listing::default() };
    refuse_without_images(folder, &listing)?;
    Ok(listing)
}

/// The categories in the order of their numbers, from the data set's page of categories (as TensorFlow Datasets lists them).
const NAMES: [&str; 102] = [
    "pink primrose",
    "hard-leaved pocket orchid",
    "canterbury bells",
    "sweet pea",
    "english marigold",
    "tiger lily",
    "moon orchid",
    "bird of paradise",
    "monkshood",
    "globe thistle",
    "snapdragon",
    "colt's foot",
    "king protea",
    "spear thistle",
    "yellow iris",
    "globe-flower",
    "purple coneflower",
    "peruvian lily",
    "balloon flower",
    "giant white arum lily",
    "fire lily",
    "pincushion flower",
    "fritillary",
    "red ginger",
    "grape hyacinth",
    "corn poppy",
    "prince of wales feathers",
    "stemless gentian",
    "artichoke",
    "sweet william",
    "carnation",
    "garden phlox",
    "love in the mist",
    "mexican aster",
    "alpine sea holly",
    "ruby-lipped cattleya",
    "cape flower",
    "great masterwort",
    "siam tulip",
    "lenten rose",
    "barbeton daisy",
    "daffodil",
    "sword lily",
    "poinsettia",
    "bolero deep blue",
    "wallflower",
    "marigold",
    "buttercup",
    "oxeye daisy",
    "common dandelion",
    "petunia",
    "wild pansy",
    "primula",
    "sunflower",
    "pelargonium",
    "bishop of llandaff",
    "gaura",
    "geranium",
    "orange dahlia",
    "pink-yellow dahlia?",
    "cautleya spicata",
    "japanese anemone",
    "black-eyed susan",
    "silverbush",
    "californian poppy",
    "osteospermum",
    "spring crocus",
    "bearded iris",
    "windflower",
    "tree poppy",
    "gazania",
    "azalea",
    "water lily",
    "rose",
    "thorn apple",
    "morning glory",
    "passion flower",
    "lotus",
    "toad lily",
    "anthurium",
    "frangipani",
    "clematis",
    "hibiscus",
    "columbine",
    "desert-rose",
    "tree mallow",
    "magnolia",
    "cyclamen",
    "watercress",
    "canna lily",
    "hippeastrum",
    "bee balm",
    "ball moss",
    "foxglove",
    "bougainvillea",
    "camellia",
    "mallow",
    "mexican petunia",
    "bromelia",
    "blanket flower",
    "trumpet creeper",
    "blackberry lily",
];

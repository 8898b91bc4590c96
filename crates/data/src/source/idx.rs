//! IDX files, as MNIST and its relatives (Fashion-MNIST, KMNIST, EMNIST) are distributed: `train-images-idx3-ubyte`,
//! `train-labels-idx1-ubyte`, `t10k-images-…`, plain or with `.gz`. Format: <http://yann.lecun.com/exdb/mnist/>.

use std::path::{Path, PathBuf};

use super::definition::{Precedence, Source};
use super::reading::{entries, entries_if_any};
use crate::inflate::inflated;
use crate::listing::{Entry, Listing};
use crate::location::{Form, Location, Order};
use crate::names::name_of;
use crate::store::Store;
use crate::stored_file::StoredFile;
use crate::{DataError, DeclaredSplit};

pub(super) const SOURCE: Source = Source {
    words: "IDX files, as of MNIST: `train-images-idx3-ubyte` and its companions, plain or `.gz`.",
    precedence: Precedence::Pixels,
    claims_file: |_, name| is_idx(name),
    claims_folder: is_in,
    list: |path, _| list(path),
};

/// One split: the file of its images and that of its labels.
#[derive(Debug, PartialEq)]
struct Pair {
    split: DeclaredSplit,
    images: PathBuf,
    labels: PathBuf,
}

/// The pairs in a folder, or in the folders that torchvision puts between (`MNIST/raw`).
fn pairs(path: &Path) -> Result<Vec<Pair>, DataError> {
    let inner = entries(path)?.into_iter().map(|inner| inner.join("raw"));
    for folder in [path.to_owned(), path.join("raw")].into_iter().chain(inner) {
        let pairs = pairs_in(&folder)?;
        if !pairs.is_empty() {
            return Ok(pairs);
        }
    }
    Ok(Vec::new())
}

fn pairs_in(folder: &Path) -> Result<Vec<Pair>, DataError> {
    // The plain file before its compressed twin.
    let files: Vec<String> = entries_if_any(folder)?.iter().map(|file| name_of(file)).collect();
    let mut pairs: Vec<Pair> = Vec::new();
    for name in &files {
        let Some(images) = name.find("-images") else { continue };
        let Some(split) = split_of(&name[..images]) else { continue };
        let labels = name.replace("-images", "-labels").replace("idx3", "idx1").replace("idx4", "idx1");
        let plain = labels.trim_end_matches(".gz");
        let labels = [plain.to_owned(), format!("{plain}.gz")];
        let labels = labels.iter().find(|name| files.binary_search(name).is_ok()).unwrap_or(&labels[0]);
        if is_idx(name) && pairs.iter().all(|pair| pair.split != split) {
            pairs.push(Pair { split, images: folder.join(name), labels: folder.join(labels) });
        }
    }
    Ok(pairs)
}

fn is_idx(name: &str) -> bool {
    let plain = name.trim_end_matches(".gz");
    plain.contains("idx") && plain.ends_with("ubyte")
}

/// `train`, `t10k`, `emnist-balanced-test`, …
fn split_of(prefix: &str) -> Option<DeclaredSplit> {
    match prefix.rsplit('-').next()? {
        "train" => Some(DeclaredSplit::Train),
        "t10k" | "test" => Some(DeclaredSplit::Test),
        _ => None,
    }
}

/// Whether a folder holds images of this kind. Whoever lists it is told what could not be read.
fn is_in(folder: &Path) -> bool {
    pairs(folder).is_ok_and(|pairs| !pairs.is_empty())
}

fn list(path: &Path) -> Result<Listing, DataError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let pairs = pairs(folder)?;
    if pairs.is_empty() {
        return Err(DataError::unusable(folder, "holds no train-images-idx3-ubyte, plain or with .gz"));
    }
    let mut store = Store::default();
    let mut entries = Vec::new();
    let mut classes = 0;
    for Pair { split, images, labels } in &pairs {
        let labelled = Idx::open(labels)?;
        if labelled.sizes.len() != 1 {
            return Err(
                labelled.wrong(4, format!("holds {} dimensions, labels have one", labelled.sizes.len()))
            );
        }
        let pictures = Idx::open(images)?;
        let (count, height, width, order) = match *pictures.sizes.as_slice() {
            [count, height, width] | [count, height, width, 1] => (count, height, width, Order::Grey),
            [count, height, width, 3] => (count, height, width, Order::Interleaved),
            _ => {
                return Err(pictures.wrong(
                    4,
                    format!("holds arrays of {:?}; expected images × rows × columns", pictures.sizes),
                ));
            }
        };
        let (Ok(width @ 1..), Ok(height @ 1..)) = (u16::try_from(width), u16::try_from(height)) else {
            return Err(pictures.wrong(8, format!("holds images of {width}×{height} pixels")));
        };
        if count != labelled.sizes[0] {
            return Err(DataError::unusable(
                images,
                format!(
                    "holds {count} images, but {} holds {} labels; they are not of the same data set",
                    labels.display(),
                    labelled.sizes[0]
                ),
            ));
        }
        let form = Form { width, height, order };
        let mut window = crate::stored_file::Window::new(&labelled.file);
        let mut found = Vec::new();
        for number in 0..u64::from(count) {
            let label = window.get(labelled.data + number, 1).map_err(DataError::io(labels))?[0];
            classes = classes.max(usize::from(label) + 1);
            found.push((number, label, pictures.data + number * form.length()));
        }
        let name = if *split == DeclaredSplit::Train { "train" } else { "test" };
        let file = store.add(pictures.file);
        entries.extend(found.into_iter().map(|(number, label, offset)| Entry {
            id: format!("{name}/{number:06}"),
            label: label.into(),
            split: *split,
            location: Location::Raw { file, offset, form },
        }));
    }
    let classes = (0..classes).map(|label| label.to_string()).collect();
    Ok(Listing { classes, entries, store, ..Listing::default() })
}

/// An array of bytes.
struct Idx {
    file: StoredFile,
    sizes: Vec<u32>,
    /// Where the data begin.
    data: u64,
}

impl Idx {
    fn open(path: &Path) -> Result<Self, DataError> {
        let compressed = path.extension().is_some_and(|extension| extension == "gz");
        let file = if compressed { inflated(path)? } else { StoredFile::open(path)? };
        let wrong = |message: String| DataError::unusable(path, message);
        let short =
            |_| wrong(format!("breaks off in its header: it has {} bytes; fetch it again", file.size()));
        let magic = file.read(0, 4).map_err(short)?;
        let (kind, dimensions) = match *magic.as_slice() {
            [0, 0, kind, dimensions @ 1..=8] => (kind, dimensions),
            _ => {
                return Err(wrong(format!(
                    "is no IDX file: it begins with the bytes {magic:02x?} instead of 00 00 08"
                )));
            }
        };
        if kind != 8 {
            return Err(wrong(format!(
                "holds data of type {kind:#04x} (byte 2); only unsigned bytes, 0x08, are images"
            )));
        }
        let sizes = file.read(4, 4 * u64::from(dimensions)).map_err(short)?;
        let sizes: Vec<u32> = sizes
            .chunks(4)
            .map(|size| size.iter().fold(0, |value, &byte| value << 8 | u32::from(byte)))
            .collect();
        let data = 4 + 4 * u64::from(dimensions);
        let bytes = sizes.iter().try_fold(1u64, |bytes, &size| bytes.checked_mul(size.into()));
        let whole = bytes.and_then(|bytes| bytes.checked_add(data));
        if whole != Some(file.size()) {
            return Err(wrong(format!(
                "has {} bytes, but its header announces arrays of {sizes:?}; fetch it again",
                file.size()
            )));
        }
        Ok(Self { file, sizes, data })
    }

    fn wrong(&self, byte: u64, message: String) -> DataError {
        DataError::unusable(self.file.path(), format!("{message} (byte {byte})"))
    }
}

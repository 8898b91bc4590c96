//! Where images come from, and how that is found out from a path.

mod cifar;
mod finder;
pub(crate) mod folder;
mod idx;
mod packed;
mod parquet;
mod published;
mod shards;
mod split_name;
mod stanford_dogs;
mod table;
mod tfds;
mod webdataset;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::listing::Listing;
use crate::store::StoredFile;
use crate::{ColumnConfig, Copies, DataError, DeclaredSplit, GeneratedConfig, GroupConfig, LimitConfig};

/// Kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// `{train,validation,test}/<class>/<image>`, or `<class>/<image>` split by Bakeoff.
    Folder,
    /// A table with columns `path,label[,split]`, or what others call them; paths are relative to the table's folder.
    Csv,
    /// A folder that TensorFlow Datasets prepared: `dataset_info.json`, `features.json`, TFRecord shards.
    Tfds,
    /// Parquet files as of Hugging Face `datasets`: images as bytes, the names of the classes in the metadata.
    Parquet,
    /// WebDataset shards: tar archives of `<key>.jpg` beside `<key>.cls` or `<key>.json`.
    Webdataset,
    /// An image folder in one archive: `.zip`, `.tar`, `.tar.gz`, `.tgz`.
    Archive,
    /// CIFAR-10 or CIFAR-100, the binary version.
    Cifar,
    /// IDX files, as of MNIST: `train-images-idx3-ubyte` and its companions, plain or `.gz`.
    Idx,
    /// Stanford Dogs as distributed: `images.tar` + `lists.tar`, or the same extracted.
    StanfordDogs,
    /// Oxford-IIIT Pet as published: `images` and `annotations`.
    OxfordIiitPet,
    /// CUB-200-2011 as published: `images.txt`, `train_test_split.txt` and their companions.
    #[serde(rename = "cub-200")]
    Cub200,
    /// Oxford Flowers-102 as published: `jpg`, `imagelabels.mat`, `setid.mat`.
    #[serde(rename = "flowers-102")]
    Flowers102,
    /// Images made by Bakeoff itself, with planted truth (see [`GeneratedConfig`]).
    Generated,
}

/// What is opened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceConfig {
    /// The kind of source; `None`: found out by [`detect`].
    pub kind: Option<SourceKind>,
    /// Folder or file; ignored by `generated`.
    pub path: PathBuf,
    /// CSV only: the table of the test split where it is a file of its own.
    pub test_path: Option<PathBuf>,
    /// Tables and Parquet only: which columns are meant.
    pub columns: ColumnConfig,
    /// Only for `generated`.
    pub generated: Option<GeneratedConfig>,
    /// Only these classes; `None`: all.
    pub classes: Option<Vec<String>>,
    /// Fewer images per class.
    pub limit: LimitConfig,
    /// JPEGs are decoded small where their shorter side keeps so many pixels, see [`crate::decode_draft`]; `None`: in full.
    pub draft: Option<usize>,
    /// Which images are of one subject.
    pub group: Option<GroupConfig>,
    /// A file that says which images belong together.
    pub groups: Option<PathBuf>,
    /// A file that says which images are left out.
    pub exclude: Option<PathBuf>,
    /// Which images count as copies of each other.
    pub copies: Copies,
}

impl SourceConfig {
    /// All of what is at a path, whatever it is.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }
}

/// The files of Stanford Dogs, any of which gives it away.
const STANFORD_DOGS: [&str; 4] = ["images.tar", "lists.tar", "train_list.mat", "test_list.mat"];

/// What kind of source a path holds, judged by names and, of tar archives, the first members. `None` where nothing is there, or a file of no known kind.
#[must_use]
pub fn detect(path: &Path) -> Option<SourceKind> {
    if path.is_file() {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        return match name.as_str() {
            name if STANFORD_DOGS.contains(&name) => Some(SourceKind::StanfordDogs),
            "dataset_info.json" | "features.json" => Some(SourceKind::Tfds),
            "metadata.parquet" if table::has_labels(path) => Some(SourceKind::Csv),
            name if name.contains(".tfrecord-") => Some(SourceKind::Tfds),
            name if parquet::is_shard(name) => Some(SourceKind::Parquet),
            name if webdataset::is_shard(name) && webdataset::is_samples(path) => {
                Some(SourceKind::Webdataset)
            }
            name if packed::is_archive(name) => Some(SourceKind::Archive),
            name if idx::is_file(name) => Some(SourceKind::Idx),
            name if name.ends_with(".bin") && cifar::folder(path.parent()?).is_some() => {
                Some(SourceKind::Cifar)
            }
            name if table::is_table(name) || table::is_list(path, name) => Some(SourceKind::Csv),
            _ => None,
        };
    }
    if !path.is_dir() {
        return None;
    }
    let there = |name: &str| path.join(name).is_file();
    let kinds: [(SourceKind, &dyn Fn() -> bool); 10] = [
        (SourceKind::StanfordDogs, &|| STANFORD_DOGS.iter().any(|name| there(name))),
        (SourceKind::Csv, &|| table::is_folder_of_table(path)),
        (SourceKind::Tfds, &|| tfds::is_version(path) || tfds::is_above_version(path)),
        (SourceKind::Cifar, &|| cifar::folder(path).is_some()),
        (SourceKind::OxfordIiitPet, &|| published::pets_folder(path).is_some()),
        (SourceKind::Cub200, &|| published::cub_folder(path).is_some()),
        (SourceKind::Flowers102, &|| published::flowers_folder(path).is_some()),
        (SourceKind::Idx, &|| idx::is_in(path)),
        (SourceKind::Parquet, &|| shards::any(path, &parquet::is_shard)),
        (SourceKind::Webdataset, &|| shards::any(path, &webdataset::is_shard)),
    ];
    let found = kinds.iter().find(|(_, is)| is()).map(|(kind, _)| *kind);
    Some(found.unwrap_or(SourceKind::Folder))
}

/// What a file is that is no data set, by its name, and what to do with it.
pub(crate) fn no_data_set(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let weights = [
        ".safetensors",
        ".safetensors.index.json",
        ".bin.index.json",
        ".pth",
        ".pt",
        ".ckpt",
        ".h5",
        ".hdf5",
        ".keras",
        ".onnx",
        ".tflite",
        ".pb",
        "pytorch_model.bin",
    ];
    let what = if ends(&weights) {
        "holds the weights of a network (by its name), not images; weights are named in model.weights, and data.path names the images"
    } else if name.ends_with(".toml") {
        "is a study file, not a data set; give it to `bakeoff plan` or `bakeoff run`, or name the data set that it uses"
    } else if ends(&[".rar", ".7z"]) {
        "is an archive of a kind that is not read; unpack it and name the folder, or pack it again as .zip or .tar"
    } else if ends(&[".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.lz4"]) {
        "is a tar archive compressed in a way that is not read; decompress it (bunzip2, unxz, unzstd) and name the .tar, or name the \
         unpacked folder"
    } else if ends(&[".xlsx", ".xls", ".ods", ".numbers"]) {
        "is a spreadsheet; save its table as CSV (UTF-8) with the columns path,label and name that"
    } else if ends(&[".arrow", ".feather"]) {
        "is an Arrow file; write the data set as Parquet (datasets: `to_parquet`) or as an image folder and name that"
    } else if ends(&[".npy", ".npz", ".pkl", ".pickle", ".mat", ".lmdb", ".mdb", ".rec"]) {
        "holds arrays or records of a kind that is not read; write its images as files, in a folder for each class"
    } else if ends(&[".json", ".xml", ".yaml", ".yml"]) {
        "is a file of annotations, or something like it; write a table with the columns path,label (CSV) or with one JSON object \
         {\"path\": …, \"label\": …} a line (.jsonl) and name that"
    } else if folder::image_by_name(path) {
        "is a single image; name the folder that holds the images of all classes, or a table of them"
    } else {
        return None;
    };
    Some(what.to_owned())
}

/// Lists the images of a source of files.
pub(crate) fn list(kind: SourceKind, path: &Path, config: &SourceConfig) -> Result<Listing, DataError> {
    let group_column = config.group.as_ref().and_then(GroupConfig::column);
    match kind {
        SourceKind::Folder | SourceKind::Generated => {
            folder::list(path, folder::Meant::of(config)).map_err(|error| table::beside(path, error))
        }
        SourceKind::Csv => table::list(path, config.test_path.as_deref(), &config.columns, group_column),
        SourceKind::StanfordDogs => stanford_dogs::list(path),
        SourceKind::OxfordIiitPet => published::pets(path),
        SourceKind::Cub200 => published::cub(path),
        SourceKind::Flowers102 => published::flowers(path),
        SourceKind::Tfds => tfds::list(path),
        SourceKind::Parquet => parquet::list(path, &config.columns, group_column),
        SourceKind::Webdataset => webdataset::list(path),
        SourceKind::Archive => packed::list(path, folder::Meant::of(config)),
        SourceKind::Cifar => cifar::list(path),
        SourceKind::Idx => idx::list(path),
    }
}

/// The split a whole name stands for.
fn named_split(name: &str) -> Option<DeclaredSplit> {
    folder::split_by_name(name)
}

/// What is in a folder, sorted. One that cannot be listed whole is an error: a class, a shard or a list could be missing.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut entries = std::fs::read_dir(place)
        .and_then(|entries| {
            entries.map(|entry| Ok(folder.join(entry?.file_name()))).collect::<Result<Vec<_>, _>>()
        })
        .map_err(DataError::io(place))?;
    entries.sort();
    Ok(entries)
}

/// [`entries`] of a folder that need not be there.
fn entries_if_any(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match entries(folder) {
        Err(DataError::Io { source, .. }) if matches!(source.kind(), NotFound | NotADirectory) => {
            Ok(Vec::new())
        }
        entries => entries,
    }
}

/// What some editors write before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The lines of a small text file, without empty ones.
fn lines(path: &Path) -> Result<Vec<String>, DataError> {
    let bytes = StoredFile::read_all(path, 16 << 20)?;
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec).unwrap_or(bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        DataError::unusable(path, format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
    })?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

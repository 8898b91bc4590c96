//! Where images come from, and how that is found out from a path.

mod cifar;
mod cub_200;
mod definition;
mod finder;
mod flowers_102;
mod folder;
mod generated;
mod idx;
mod no_data_set;
mod oxford_iiit_pet;
mod packed;
mod parquet;
mod published;
mod reading;
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
use crate::{ColumnConfig, Copies, DataError, GeneratedConfig, GroupConfig, LimitConfig};
use definition::{FolderMeaning, ListOptions, Source};
pub use folder::{image_files, is_image_file};
pub(crate) use no_data_set::no_data_set;

/// The kinds of source: a study file's name, the variant, and the file that defines it.
macro_rules! sources {
    ($($name:literal: $kind:ident = $file:ident,)*) => {
        /// Kinds of source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum SourceKind {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                #[schemars(description = $file::SOURCE.words)]
                $kind,
            )*
        }

        impl SourceKind {
            /// All kinds there are.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// As a study file writes it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            fn source(self) -> &'static Source {
                match self {
                    $(Self::$kind => &$file::SOURCE,)*
                }
            }
        }
    };
}

sources! {
    "folder": Folder = folder,
    "csv": Csv = table,
    "tfds": Tfds = tfds,
    "parquet": Parquet = parquet,
    "webdataset": Webdataset = webdataset,
    "archive": Archive = packed,
    "cifar": Cifar = cifar,
    "idx": Idx = idx,
    "stanford-dogs": StanfordDogs = stanford_dogs,
    "oxford-iiit-pet": OxfordIiitPet = oxford_iiit_pet,
    "cub-200": Cub200 = cub_200,
    "flowers-102": Flowers102 = flowers_102,
    "generated": Generated = generated,
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

/// What kind of source a path holds, judged by names and, of tar archives, the first members. `None` where nothing is there, or a file of no known kind.
#[must_use]
pub fn detect(path: &Path) -> Option<SourceKind> {
    let claims: Box<dyn Fn(&Source) -> bool> = if path.is_file() {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        Box::new(move |source| (source.claims_file)(path, &name))
    } else {
        Box::new(|source| path.is_dir() && (source.claims_folder)(path))
    };
    let mut kinds = SourceKind::ALL.to_vec();
    kinds.sort_by_key(|kind| kind.source().precedence);
    kinds.into_iter().find(|kind| claims(kind.source()))
}

/// Lists the images of a source.
pub(crate) fn list(kind: SourceKind, config: &SourceConfig) -> Result<Listing, DataError> {
    let options = ListOptions {
        test_path: config.test_path.as_deref(),
        columns: &config.columns,
        group_column: config.group.as_ref().and_then(GroupConfig::column),
        folders: FolderMeaning {
            classes: config.classes.is_some(),
            subjects: matches!(config.group, Some(GroupConfig::Folder(_))),
        },
        generated: config.generated.as_ref(),
    };
    (kind.source().list)(&config.path, &options)
}

//! How a study file says what is kept of a data set and how it is split. The same types are the JSON Schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fewer images, the same ones every time whatever the seed, so that a full-size study can be tried small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitConfig {
    /// Training images of each class, those later held out for validation included; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub train_per_class: Option<usize>,
    /// Images of each class in the source's own validation split; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub validation_per_class: Option<usize>,
    /// Test images of each class; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub test_per_class: Option<usize>,
}

/// Whether decoded images are kept in a memory-mapped file for all trials, sittings and studies. It changes no pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackMode {
    /// Where that pays: files (not generated images) of more than 64 MiB when decoded, which fit on the disk and in memory.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// Which columns of a table are meant, where their names do not tell. What is absent is found out, and said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnConfig {
    /// The column of paths, or of Parquet files that of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The column of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The column of splits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
}

impl ColumnConfig {
    /// Nothing is named.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl LimitConfig {
    /// Nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How a data set is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// The validation split; absent: the source's own, else a tenth of train.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ValidationConfig>,
    /// The test split; absent: the source's own, else a fifth of all images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestConfig>,
}

/// Where validation images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValidationFrom {
    /// Held out of train, anew for every seed. A validation split of the source joins train first.
    Train,
    /// The source's own validation split.
    Source,
}

/// The validation split: selection looks here only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidationConfig {
    /// `train` or `source`.
    #[serde(default = "from_train")]
    pub from: ValidationFrom,
    /// Share of each class that is held out of train, in (0, 1).
    #[serde(default = "a_tenth")]
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub fraction: f64,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { from: from_train(), fraction: a_tenth() }
    }
}

/// Where test images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TestFrom {
    /// Held out of all images, whatever splits the source declares.
    All,
    /// Held out of the source's train split.
    Train,
    /// The source's own validation split is the test split, as with ImageNet.
    Validation,
    /// The source's own test split.
    Source,
}

/// The test split: touched once, at the end. It never depends on a trial's seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestConfig {
    /// `all`, `train`, `validation` or `source`.
    #[serde(default = "from_all")]
    pub from: TestFrom,
    /// Share of each class that is held out, in (0, 1), with `all` and `train`.
    #[serde(default = "a_fifth")]
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub fraction: f64,
    /// Another seed, another test split; one and the same for all trials of a study.
    #[serde(default)]
    pub seed: u64,
}

impl Default for TestConfig {
    fn default() -> Self {
        Self { from: from_all(), fraction: a_fifth(), seed: 0 }
    }
}

fn from_train() -> ValidationFrom {
    ValidationFrom::Train
}
fn from_all() -> TestFrom {
    TestFrom::All
}
fn a_tenth() -> f64 {
    0.1
}
fn a_fifth() -> f64 {
    0.2
}

/// Which images belong to one subject (a patient, an animal, a roll of film): they stay on one side of every split that Bakeoff draws.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GroupConfig {
    /// A column of the table, by its name.
    Column(String),
    /// A folder between the class and the image, as in `<class>/<subject>/<image>`.
    Folder(FolderLevel),
}

impl GroupConfig {
    /// The column, where one is meant.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column(name) => Some(name),
            Self::Folder(_) => None,
        }
    }
}

/// Which folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderLevel {
    /// So many folders below the class folder: 1 for `<class>/<subject>/<image>`.
    #[schemars(range(min = 1, max = 32))]
    pub folder: usize,
}

/// Which images count as copies of each other, and so stay on one side of every split that Bakeoff draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Copies {
    /// Those that are the same byte for byte, and those that look the same: scaled, compressed again, brighter, cut a little,
    /// mirrored.
    #[default]
    Alike,
    /// Those that are the same byte for byte.
    Identical,
    /// None: copies may stand on both sides.
    Ignore,
}

impl Copies {
    /// Nothing was said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

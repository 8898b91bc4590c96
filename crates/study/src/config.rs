//! A study file, type by type. These types are the parser, the JSON Schema and the resolved study on disk.

use std::path::PathBuf;

use bakeoff_augment::{Normalisation, Preprocess, RecipeConfig, Resize};
use bakeoff_data::{
    ColumnConfig, Copies, GeneratedConfig, GroupConfig, LimitConfig, PackMode, SourceConfig, SourceKind,
    SplitConfig, TestConfig, ValidationConfig,
};
use bakeoff_nn::{BackendKind, OptimizerConfig, ScheduleConfig, Trainable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Trials of a study.
pub const MOST_TRIALS: usize = 100_000;

/// One study: which recipes are compared, on what, for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Bakeoff study")]
pub struct StudyConfig {
    /// Name in the report; the file's name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the images come from and how they are split.
    pub data: DataConfig,
    /// From a decoded image to the network's input, the same for every recipe. What is absent is taken from the
    /// model's weights, and is torchvision's evaluation preprocessing where those do not say.
    #[serde(default)]
    pub preprocess: PreprocessConfig,
    /// The network.
    pub model: ModelConfig,
    /// The budget, the same for every recipe.
    pub train: TrainConfig,
    /// What is compared with what, declared before anything is trained.
    pub compare: CompareConfig,
    /// The recipes, each under its own `[[recipe]]`.
    #[schemars(length(min = 1))]
    pub recipe: Vec<RecipeConfig>,
}

/// `[data]`: where the images come from and how they are split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Kind of source; found out from `path` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceKind>,
    /// Folder, table, shard or archive; relative to the study file's folder if it exists there, else to the current
    /// folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// CSV only: the table of the test split where it is a file of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_path: Option<PathBuf>,
    /// Tables and Parquet only: which columns hold the path (or the image), the label and the split, where their names do not
    /// tell.
    #[serde(default, skip_serializing_if = "ColumnConfig::is_none")]
    pub columns: ColumnConfig,
    /// The validation split; absent: the source's own, else a tenth of the training split, held out by each trial's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ValidationConfig>,
    /// The test split, the same for every seed; absent: the source's own, else a fifth of all images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestConfig>,
    /// Only these classes (by name), labelled in the source's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2))]
    pub classes: Option<Vec<String>>,
    /// Fewer images of each class, so that a full-size study can be tried small.
    #[serde(default, skip_serializing_if = "LimitConfig::is_none")]
    pub limit: LimitConfig,
    /// Which images are of one subject, such as a patient: a column of the table (`group = "patient_id"`), or a folder below the
    /// class folder (`group = { folder = 1 }` for `<class>/<subject>/<image>`). They stay on one side of every split that is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupConfig>,
    /// A file that says which images belong together: a table `image,group`, or the ids of one group a line, separated by commas.
    /// Relative like `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<PathBuf>,
    /// A file that names images to leave out of everything, one a line: an id, a folder, or a pattern such as `*_copy.jpg`; what follows
    /// `#` at the beginning of a line is a remark. Relative like `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<PathBuf>,
    /// Which images count as copies of each other, and stay on one side of every split that is drawn: `alike` (those that look the
    /// same), `identical` (byte for byte), or `ignore`.
    #[serde(default, skip_serializing_if = "Copies::is_default")]
    pub copies: Copies,
    /// Memory for decoded images where there is no pack, in MiB; what does not fit is decoded again each epoch.
    #[serde(default = "DataConfig::cache")]
    pub cache: usize,
    /// Keep decoded images in a memory-mapped file beside the run folders, for all trials, sittings and studies.
    #[serde(default)]
    pub pack: PackMode,
    /// Options of `source = "generated"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<GeneratedConfig>,
}

impl DataConfig {
    fn cache() -> usize {
        2048
    }

    /// How the data set is split.
    #[must_use]
    pub fn splits(&self) -> SplitConfig {
        SplitConfig { validation: self.validation, test: self.test }
    }

    /// What is opened; how its images are decoded is not said here, see [`StudyConfig::source`].
    #[must_use]
    pub fn source(&self) -> SourceConfig {
        SourceConfig {
            kind: self.source,
            path: self.path.clone().unwrap_or_default(),
            test_path: self.test_path.clone(),
            columns: self.columns.clone(),
            generated: self.generated.clone(),
            classes: self.classes.clone(),
            limit: self.limit,
            draft: None,
            group: self.group.clone(),
            groups: self.groups.clone(),
            exclude: self.exclude.clone(),
            copies: self.copies,
        }
    }
}

impl StudyConfig {
    /// What is opened, and how its images are decoded. Of a study whose preprocessing is resolved.
    #[must_use]
    pub fn source(&self) -> SourceConfig {
        let PreprocessConfig { resize, normalisation, draft } = self.preprocess.clone();
        let preprocess = Preprocess {
            resize: resize.unwrap_or_default(),
            normalisation: normalisation.unwrap_or_default(),
            draft: draft.unwrap_or_default(),
        };
        SourceConfig { draft: preprocess.draft_of(self.train.image), ..self.data.source() }
    }
}

/// `[preprocess]`: overrides of what the weights ask for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreprocessConfig {
    /// How a photograph becomes a square of the study's image size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// What is subtracted and divided by, per channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<Normalisation>,
    /// JPEGs are decoded at a half, a quarter or an eighth of their size where the shorter side keeps what it is resized to
    /// (default: no): faster, other pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
}

/// `[model]`: the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Name as `bakeoff models` lists it.
    pub name: String,
    /// A safetensors file with torchvision's parameter names, the index of several (`model.safetensors.index.json`), a folder that
    /// holds either, or a trial's folder; from scratch when absent. A prefix that all names share is taken off. The head is
    /// replaced where the classes differ. Relative like `data.path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Which of several networks in the weights is meant: what its parameter names begin with, `"ema."` for one. Absent: the one
    /// whose names begin with nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_prefix: Option<String>,
}

/// `[train]`: the budget, the same for every recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training split.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: u32,
    /// Images of one step; the last step of an epoch takes what is left.
    #[schemars(range(min = 1, max = 65_536))]
    pub batch: usize,
    /// Width and height of the network's input, in pixels.
    #[schemars(range(min = 1, max = 8192))]
    pub image: usize,
    /// Which images an epoch shows.
    #[serde(default, skip_serializing_if = "Sampling::is_shuffled")]
    pub sampling: Sampling,
    /// How weights move.
    pub optimizer: OptimizerConfig,
    /// How the learning rate moves.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// Share of every target spread evenly over all classes, in [0, 1).
    #[serde(default)]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub label_smoothing: f64,
    /// What training moves: `all` (fine-tuning), or only the linear `head` on a frozen backbone.
    #[serde(default)]
    pub trainable: Trainable,
    /// Images of one evaluation step; `batch` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_536))]
    pub evaluation_batch: Option<usize>,
    /// Implementation of the network's kernels.
    #[serde(default)]
    pub backend: BackendKind,
}

impl TrainConfig {
    /// Images of one evaluation step.
    #[must_use]
    pub fn evaluation_batch(&self) -> usize {
        self.evaluation_batch.unwrap_or(self.batch)
    }
}

/// Which images an epoch shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Every training image once.
    #[default]
    Shuffled,
    /// As many images, but of every class the same number: those of small classes several times, augmented in another way each
    /// time; of large classes others in every epoch.
    Balanced,
}

impl Sampling {
    /// Every training image once.
    #[must_use]
    pub fn is_shuffled(&self) -> bool {
        *self == Self::Shuffled
    }
}

/// The number recipes are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of test images whose highest logit is their label.
    #[default]
    Top1,
    /// Balanced accuracy: that share within each class, averaged over the classes, so that small classes count as much as large ones.
    Balanced,
}

impl Metric {
    /// The usual one.
    #[must_use]
    pub fn is_top1(&self) -> bool {
        *self == Self::Top1
    }
}

/// `[compare]`: what is compared with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareConfig {
    /// How many seeds (1, 2, 3 …), or the seeds themselves. Six is the fewest that can reach p < 0.05.
    pub seeds: Seeds,
    /// Name of the recipe every other one is compared with.
    pub baseline: String,
    /// The number recipes are compared by.
    #[serde(default)]
    pub metric: Metric,
    /// Which epoch's weights are tested: `last`, `best-on-validation`, or `median-of-last-k` with k odd (the epoch
    /// whose validation accuracy is the median of the last k).
    #[serde(default)]
    pub headline: Headline,
    /// Difference in points (percent) that would matter to you: within it, recipes count as equivalent.
    #[serde(default = "CompareConfig::margin")]
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0))]
    pub margin: f64,
}

impl CompareConfig {
    fn margin() -> f64 {
        1.0
    }
}

/// How many seeds, or which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Seeds {
    /// Seeds 1, 2, … up to this number.
    Count(#[schemars(range(min = 1, max = 10_000))] u64),
    /// These seeds.
    List(#[schemars(length(min = 1))] Vec<u64>),
}

impl Seeds {
    /// The most that can be asked for by their number.
    pub(crate) const MOST: u64 = 10_000;

    /// The seeds in running order.
    #[must_use]
    pub fn list(&self) -> Vec<u64> {
        match self {
            Self::Count(count) => (1..=*count).collect(),
            Self::List(list) => list.clone(),
        }
    }
}

/// Which epoch's weights a trial is judged by, declared before it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Headline {
    /// The last epoch's.
    #[default]
    Last,
    /// The epoch with the highest validation accuracy; the earlier one of equals.
    BestOnValidation,
    /// Of the last k epochs (k odd) the one whose validation accuracy is the median; the earlier one of equals.
    MedianOfLast(u32),
}

impl Headline {
    const WORDS: &str =
        "`last`, `best-on-validation`, or `median-of-last-k` with k an odd number, e.g. `median-of-last-5`";
}

impl std::fmt::Display for Headline {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Last => formatter.write_str("last"),
            Self::BestOnValidation => formatter.write_str("best-on-validation"),
            Self::MedianOfLast(k) => write!(formatter, "median-of-last-{k}"),
        }
    }
}

impl From<Headline> for String {
    fn from(headline: Headline) -> Self {
        headline.to_string()
    }
}

impl TryFrom<String> for Headline {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "last" => Ok(Self::Last),
            "best-on-validation" => Ok(Self::BestOnValidation),
            other => other
                .strip_prefix("median-of-last-")
                .and_then(|k| k.parse().ok())
                .filter(|k| k % 2 == 1)
                .map(Self::MedianOfLast)
                .ok_or_else(|| format!("unknown headline `{other}`; accepted: {}", Self::WORDS)),
        }
    }
}

impl JsonSchema for Headline {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Headline".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Which epoch's weights a trial is judged by.",
            "pattern": "^(last|best-on-validation|median-of-last-[0-9]*[13579])$",
            "x-accepted": Self::WORDS,
        })
    }
}

/// The schema a study is checked against, after `inherit` and `grid` were resolved. It knows these two all the same, so
/// that a mistyped one is understood.
pub(crate) fn checked_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(StudyConfig).to_value();
    if let Some(recipe) = schema.pointer_mut("/$defs/RecipeConfig/properties") {
        recipe["inherit"] = serde_json::json!({
            "type": "string",
            "description": "Name of a recipe of this file, or of one that ships, whose transforms and mixer this one takes \
                over; own keys replace them, options in `mix` change single ones, `mix = \"none\"` takes the mixer away, and \
                `transforms.KIND.OPTION` changes a transform. The name is taken over too where none is given.",
        });
        recipe["grid"] = serde_json::json!({
            "type": "object",
            "description": "Makes one recipe for every combination of values, named `NAME-OPTION-VALUE`: \
                `grid = { alpha = [0.2, 0.4, 1.0] }`. Keys are options of the mixer or of a transform, or paths such as \
                \"transforms.hue.delta\".",
            "additionalProperties": { "type": "array", "items": {}, "minItems": 1 },
        });
    }
    schema
}

/// The JSON Schema of a study file, for editors.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    use serde_json::json;
    let mut schema = checked_schema();
    if let Some(recipe) = schema.pointer_mut("/$defs/RecipeConfig") {
        // What is inherited need not be written again.
        if let Some(recipe) = recipe.as_object_mut() {
            recipe.remove("required");
        }
        recipe["anyOf"] = json!([{ "required": ["name"] }, { "required": ["inherit"] }]);
        let mixer = recipe["properties"]["mix"].take();
        let changes = json!({ "type": "object", "not": { "required": ["kind"] } });
        recipe["properties"]["mix"] = json!({ "anyOf": [mixer, changes, { "const": "none" }] });
        let transforms = recipe["properties"]["transforms"].take();
        let changes = json!({ "type": "object", "additionalProperties": { "type": "object" } });
        recipe["properties"]["transforms"] = json!({ "anyOf": [transforms, changes] });
    }
    // Sizes of resizes and crops follow from the study's image where they are left out.
    let transforms = schema.pointer_mut("/$defs/Transform/oneOf").and_then(serde_json::Value::as_array_mut);
    for transform in transforms.into_iter().flatten() {
        let kind = transform.pointer("/properties/kind/const").and_then(serde_json::Value::as_str);
        if kind.is_some_and(|kind| crate::expansion::usual_size(kind, 1).is_some()) {
            transform["required"] = json!(["kind"]);
        }
    }
    schema
}

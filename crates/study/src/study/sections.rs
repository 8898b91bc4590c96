//! The sections of a study file, as far as they can be understood.

use bakeoff_augment::RecipeConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{CompareConfig, DataConfig, ModelConfig, PreprocessConfig, StudyConfig, TrainConfig};

/// A study file as far as it can be understood.
pub(super) struct Sections {
    pub(super) name: Option<String>,
    pub(super) data: Option<DataConfig>,
    pub(super) preprocess: Option<PreprocessConfig>,
    pub(super) model: Option<ModelConfig>,
    pub(super) train: Option<TrainConfig>,
    pub(super) compare: Option<CompareConfig>,
    /// Names, where they can be read, of recipes that themselves may be beyond understanding.
    pub(super) names: Vec<String>,
    pub(super) recipes: Vec<Option<RecipeConfig>>,
}

impl Sections {
    /// Each part from `json`, or else from `less`, where whatever is wrong is left out and so left to its default.
    pub(super) fn of(json: &Value, less: &Value) -> Self {
        fn read<T: DeserializeOwned>(json: Option<&Value>) -> Option<T> {
            serde_json::from_value(json?.clone()).ok()
        }
        fn part<T: DeserializeOwned>(json: &Value, less: &Value, key: &str) -> Option<T> {
            read(json.get(key)).or_else(|| read(less.get(key)))
        }
        let recipes: &[Value] = json.get("recipe").and_then(Value::as_array).map_or(&[], Vec::as_slice);
        Self {
            name: part(json, less, "name"),
            data: part(json, less, "data"),
            preprocess: match json.get("preprocess") {
                Some(_) => part(json, less, "preprocess"),
                None => Some(PreprocessConfig::default()),
            },
            model: part(json, less, "model"),
            train: part(json, less, "train"),
            compare: part(json, less, "compare"),
            names: recipes
                .iter()
                .map(|recipe| recipe.get("name").and_then(Value::as_str).unwrap_or_default().to_owned())
                .collect(),
            recipes: recipes
                .iter()
                .enumerate()
                .map(|(index, recipe)| read(Some(recipe)).or_else(|| read(less.get("recipe")?.get(index))))
                .collect(),
        }
    }

    /// The whole, where every part was understood.
    pub(super) fn config(self) -> Option<StudyConfig> {
        Some(StudyConfig {
            name: self.name,
            data: self.data?,
            preprocess: self.preprocess?,
            model: self.model?,
            train: self.train?,
            compare: self.compare?,
            recipe: self.recipes.into_iter().collect::<Option<_>>()?,
        })
    }
}

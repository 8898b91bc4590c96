//! A study file, read and checked: everything that is wrong with it at once, each thing where it was written.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bakeoff_augment::{Builtin, Mixer, Normalisation, Pipeline, Preprocess, RecipeConfig, Resize, builtin};
use bakeoff_data::delimited::{DelimitedError, Encoding, text_of};
use bakeoff_data::{SourceConfig, SourceKind, ValidationFrom, detect, expand_from};
use bakeoff_nn::{Model, NnError, OptimizerConfig, Trainable, WeightNote, WeightSource, Weights, models};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::check::check;
use crate::config::{
    CompareConfig, DataConfig, Headline, ModelConfig, PreprocessConfig, Seeds, StudyConfig, TrainConfig,
    checked_schema,
};
use crate::document::{BACKSLASHES, Document, Step};
use crate::expansion::expand;
use crate::model_card::{CardEntry, ModelCard};
use crate::problem::{MOST_FOUND, Place, Problem, StudyErrors, list};
use crate::weights_path::find_weights;
use bakeoff_data::nearest;

/// A study, checked and resolved: nothing in it is left to a default.
#[derive(Debug)]
pub struct Study {
    /// Every default written out, paths absolute.
    pub config: StudyConfig,
    /// Name in the report.
    pub name: String,
    /// The file it was read from.
    pub file: PathBuf,
    /// The file's text.
    pub text: String,
    /// The `key=value` overrides laid over it.
    pub overrides: Vec<String>,
    /// What deserves attention but is no error.
    pub warnings: Vec<Problem>,
    preprocess: Preprocess,
    pipelines: Vec<Pipeline>,
    weights: Option<StartWeights>,
}

/// The weights a study starts from.
#[derive(Clone, Debug)]
pub(crate) struct StartWeights {
    pub(crate) weights: Arc<Weights>,
    /// The file they were read from, as it was found.
    pub(crate) file: PathBuf,
    /// What the file says of them.
    pub(crate) card: ModelCard,
    /// Trained on ImageNet's thousand classes, as far as can be told.
    pub(crate) imagenet: bool,
}

impl StartWeights {
    /// The classes that the head tells apart, where the file names them.
    pub(crate) fn classes(&self) -> Option<&[String]> {
        self.card.classes.value().map(Vec::as_slice)
    }
}

impl Study {
    /// Reads and checks a study file. `overrides` are `key=value` with dotted keys, laid over the file before it is
    /// checked: `train.epochs=20`, `recipe.cutmix.mix.alpha=0.4`. Values are TOML; bare words are strings.
    ///
    /// # Errors
    /// Everything that is wrong with the file and the overrides, each with its place.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, StudyErrors> {
        let problem = |message: String| Problem { place: Place::Absent, key: String::new(), message };
        let fail = |message: String| StudyErrors { file: path.to_owned(), problems: vec![problem(message)] };
        let bytes = bakeoff_files::read(path, MOST_BYTES).map_err(|error| {
            fail(match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such study file".to_owned(),
                std::io::ErrorKind::FileTooLarge => {
                    format!("has more than {} MiB; is it a study file?", MOST_BYTES >> 20)
                }
                std::io::ErrorKind::IsADirectory => "is a folder; name the study file in it".to_owned(),
                _ => format!("cannot be read: {error}"),
            })
        })?;
        let (text, encoding) = match text_of(bytes) {
            Ok(read) => read,
            // What is missing in it is said by its check.
            Err(DelimitedError::Empty) => (String::new(), Encoding::Utf8),
            Err(error) => return Err(fail(format!("the study file is no text: {error}"))),
        };
        let mut study = Self::parse(&text, path, overrides)?;
        if matches!(encoding, Encoding::Windows1252 | Encoding::Cp949) {
            study.warnings.push(problem(format!(
                "the study file is not UTF-8 and was read as {encoding}: save it as UTF-8, or names in it may be wrong"
            )));
        }
        Ok(study)
    }

    /// Checks the text of a study file. `file` names it in messages, and relative paths in it start from its folder.
    ///
    /// # Errors
    /// As [`Study::read`].
    pub fn parse(text: &str, file: &Path, overrides: &[String]) -> Result<Self, StudyErrors> {
        let fail = |mut problems: Vec<Problem>| {
            // File order; what stands nowhere and what came from the command line last.
            problems.sort_by_key(|problem| match &problem.place {
                Place::File { line, column, .. } => (0, *line, *column),
                Place::Override(_) => (1, 0, 0),
                Place::Absent => (2, 0, 0),
            });
            StudyErrors { file: file.to_owned(), problems }
        };
        let mut document = Document::parse(text, overrides).map_err(fail)?;
        let unresolved = expand(&mut document);
        let mut checked = check(&document, &checked_schema());
        checked.problems.splice(0..0, unresolved);
        if checked.problems.len() >= MOST_FOUND {
            // More than anybody reads; what would be found beyond takes time and changes nothing.
            return Err(fail(checked.problems));
        }
        // What can be understood is checked further, so that its errors are reported together with the others.
        let unreadable = [checked.unknown.as_slice(), checked.unreadable.as_slice()].concat();
        let mut parts =
            Parts::of(&document.json_without(&checked.unknown), &document.json_without(&unreadable));
        let mut resolver = Resolver {
            document: &document,
            file,
            known: [checked.unknown, checked.wrong].concat(),
            problems: checked.problems,
            warnings: Vec::new(),
        };
        let resolved = resolver.resolve(&mut parts);
        let Resolver { mut problems, warnings, .. } = resolver;
        // Recipes that inherit, and families, share what is wrong with them.
        let mut once: Vec<(Place, String)> = Vec::new();
        problems.retain(|problem| {
            let key = (problem.place.clone(), problem.message.clone());
            let first = problem.place == Place::Absent || !once.contains(&key);
            once.push(key);
            first
        });
        let Some(config) = parts.config().filter(|_| problems.is_empty()) else {
            if problems.is_empty() {
                // The schema and the types differ somewhere; the types have the last word.
                let error = serde_json::from_value::<StudyConfig>(document.root.json()).err();
                let message = error.map_or("cannot be understood".to_owned(), |error| error.to_string());
                problems.push(Problem { place: Place::Absent, key: String::new(), message });
            }
            return Err(fail(problems));
        };
        let (recipes, seeds) = (config.recipe.len(), config.compare.seeds.list().len());
        if recipes.saturating_mul(seeds) > MOST_TRIALS {
            let message = format!(
                "{recipes} recipes with {seeds} seeds each are {} trials; at most {MOST_TRIALS}",
                recipes * seeds
            );
            return Err(fail(vec![document.problem(&Document::steps("compare.seeds"), message)]));
        }
        Ok(Self {
            name: resolved.name,
            config,
            file: file.to_owned(),
            text: text.to_owned(),
            overrides: overrides.to_vec(),
            warnings,
            preprocess: resolved.preprocess,
            pipelines: resolved.pipelines,
            weights: resolved.weights,
        })
    }

    /// From a decoded image to the network's input.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// One per recipe, in study order.
    #[must_use]
    pub fn pipelines(&self) -> &[Pipeline] {
        &self.pipelines
    }

    /// What is opened.
    #[must_use]
    pub fn source(&self) -> SourceConfig {
        self.config.source()
    }

    /// The seeds in running order.
    #[must_use]
    pub fn seeds(&self) -> Vec<u64> {
        self.config.compare.seeds.list()
    }

    pub(crate) fn weights(&self) -> Option<&StartWeights> {
        self.weights.as_ref()
    }

    /// The file's text, with the overrides as comments: what a run folder keeps.
    pub(crate) fn text_with_overrides(&self) -> String {
        let mut text = self.text.clone();
        if !self.overrides.is_empty() {
            text.push_str("\n# Overrides of this run:\n");
            for set in &self.overrides {
                text.push_str(&format!("#   --set {}\n", set.replace('\n', " ")));
            }
        }
        text
    }
}

/// A study file as far as it can be understood.
struct Parts {
    name: Option<String>,
    data: Option<DataConfig>,
    preprocess: Option<PreprocessConfig>,
    model: Option<ModelConfig>,
    train: Option<TrainConfig>,
    compare: Option<CompareConfig>,
    /// Names, where they can be read, of recipes that themselves may be beyond understanding.
    names: Vec<String>,
    recipes: Vec<Option<RecipeConfig>>,
}

impl Parts {
    /// Each part from `json`, or else from `less`, where whatever is wrong is left out and so left to its default.
    fn of(json: &Value, less: &Value) -> Self {
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
    fn config(self) -> Option<StudyConfig> {
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

struct Resolved {
    name: String,
    preprocess: Preprocess,
    pipelines: Vec<Pipeline>,
    weights: Option<StartWeights>,
}

struct Resolver<'a> {
    document: &'a Document,
    file: &'a Path,
    /// What the schema complained of.
    known: Vec<Vec<Step>>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Resolver<'_> {
    fn error(&mut self, path: &str, message: impl Into<String>) {
        let path = Document::steps(path);
        // Once is enough.
        if self.problems.len() < MOST_FOUND && !self.known.contains(&path) {
            self.problems.push(self.document.problem(&path, message));
        }
    }

    fn warn(&mut self, path: &str, message: impl Into<String>) {
        self.warnings.push(self.document.problem(&Document::steps(path), message));
    }

    /// Checks what can be understood, and writes out what is left to defaults.
    fn resolve(&mut self, parts: &mut Parts) -> Resolved {
        self.recipe_names(&parts.names);
        self.same_recipes(&parts.recipes);
        if let Some(compare) = &mut parts.compare {
            self.baseline(&compare.baseline, &parts.names);
            self.compare(compare, parts.train.as_ref());
        }
        if let Some(data) = &mut parts.data {
            self.data(data);
        }
        if let Some(train) = &parts.train {
            self.train(train, &parts.recipes);
        }
        let (weights, own) = match &mut parts.model {
            Some(model) => self.model(model, parts.train.as_ref(), &parts.recipes),
            None => (None, None),
        };
        if let (Some(train), Some(model)) = (&parts.train, &parts.model)
            && train.trainable == Trainable::Head
            && model.weights.is_none()
        {
            self.warn(
                "train.trainable",
                "a head on a backbone of random numbers learns little; set model.weights, or train `all`",
            );
        }
        if let (Some(start), Some(given)) = (&weights, &parts.preprocess)
            && start.card.preprocess.is_absent()
        {
            self.taken_as_torchvisions(given);
        }
        let preprocess = match &mut parts.preprocess {
            Some(given) => self.preprocess(given, own),
            None => Preprocess::default(),
        };
        let pipelines = match (&parts.train, &parts.preprocess) {
            (Some(train), Some(_)) => self.pipelines(&parts.recipes, &preprocess, train.image),
            _ => Vec::new(),
        };
        let name = match parts.name.take() {
            Some(name) if name.trim().is_empty() => {
                self.error("name", "is empty; give a name or leave the key out");
                name
            }
            Some(name) => name,
            None => self.file.file_stem().map_or("study".into(), |stem| stem.to_string_lossy().into_owned()),
        };
        parts.name = Some(name.clone());
        Resolved { name, preprocess, pipelines, weights }
    }

    fn recipe_names(&mut self, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            // Names become folders, and on some systems folders do not know upper case from lower.
            let same = |other: &String| other.to_lowercase() == name.to_lowercase();
            let Some(first) = names[..index].iter().position(same).filter(|_| !name.is_empty()) else {
                continue;
            };
            let path = format!("recipe[{index}].name");
            let steps = Document::steps(&format!("recipe[{first}].name"));
            let place = match self.document.place(&self.document.origin(&steps)) {
                Place::File { line, .. } => format!(" in line {line}"),
                Place::Override(set) => format!(" by --set {set}"),
                Place::Absent => String::new(),
            };
            self.error(
                &path,
                format!("a recipe is named `{}` already{place}; names must differ", names[first]),
            );
        }
    }

    fn baseline(&mut self, baseline: &str, names: &[String]) {
        let known = || names.iter().map(String::as_str).filter(|name| !name.is_empty());
        if known().any(|name| name == baseline) || known().next().is_none() {
            return;
        }
        let near =
            nearest(baseline, known()).map_or(String::new(), |name| format!("did you mean `{name}`? "));
        let message = format!("no recipe is named `{baseline}`; {near}The recipes are {}", list(known()));
        self.error("compare.baseline", message);
    }

    fn same_recipes(&mut self, recipes: &[Option<RecipeConfig>]) {
        if recipes.len() == 1 {
            self.warn("recipe", "there is one recipe only: it will be trained, and compared with nothing");
        }
        let shipped = builtin(224);
        for (index, recipe) in recipes.iter().enumerate() {
            let Some(recipe) = recipe else { continue };
            let ships = |shipped: &Builtin| {
                let config = &shipped.config;
                config.name == recipe.name && (!config.transforms.is_empty() || config.mix.is_some())
            };
            if recipe.transforms.is_empty() && recipe.mix.is_none() && shipped.iter().any(ships) {
                let message = format!(
                    "does nothing, although one that ships has this name: write `inherit = \"{}\"` to get what that does",
                    recipe.name
                );
                self.warn(&format!("recipe[{index}].name"), message);
            }
            let same =
                |other: &&RecipeConfig| other.transforms == recipe.transforms && other.mix == recipe.mix;
            if let Some(first) = recipes[..index].iter().flatten().find(same) {
                let message =
                    format!("does the same as `{}`: the two will give the same results", first.name);
                self.warn(&format!("recipe[{index}].name"), message);
            }
        }
    }

    fn compare(&mut self, compare: &mut CompareConfig, train: Option<&TrainConfig>) {
        if let Seeds::Count(count) = compare.seeds
            && count > Seeds::MOST
        {
            // A list of them might not even fit into memory.
            return self.error("compare.seeds", format!("{count} seeds; at most {}", Seeds::MOST));
        }
        let seeds = compare.seeds.list();
        if seeds.len() as u64 > Seeds::MOST {
            return self.error("compare.seeds", format!("{} seeds; at most {}", seeds.len(), Seeds::MOST));
        }
        let mut met = HashSet::new();
        for (index, seed) in seeds.iter().enumerate() {
            if !met.insert(seed) {
                self.error(
                    &format!("compare.seeds[{index}]"),
                    format!("seed {seed} is listed twice; each seed is one pair of trials"),
                );
            }
        }
        match seeds.len() {
            1 => self.warn(
                "compare.seeds",
                "one seed cannot tell a better recipe from chance; every verdict will be undecided. Use six or more",
            ),
            count @ 2..=5 => self.warn(
                "compare.seeds",
                format!(
                    "{count} seeds cannot reach p < 0.05: the smallest p of an exact sign-flip test over {count} pairs \
                     is {}; six seeds can",
                    2f64.powi(1 - i32::try_from(count).unwrap_or(1))
                ),
            ),
            _ => {}
        }
        compare.seeds = Seeds::List(seeds);
        if let (Headline::MedianOfLast(k), Some(train)) = (compare.headline, train)
            && k > train.epochs
        {
            let message = format!("there are no {k} last epochs: train.epochs is {}", train.epochs);
            self.error("compare.headline", message);
        }
    }

    /// A path as the file means it: from the file's folder if something is there, else from the current folder.
    fn path(&mut self, key: &str, path: &Path, remedy: &str) -> Option<PathBuf> {
        if path.as_os_str().is_empty() {
            self.error(key, format!("is empty; {remedy}"));
            return None;
        }
        let folder = self.file.parent().unwrap_or(Path::new(""));
        if let Some(control) = path.to_string_lossy().chars().find(|c| c.is_control())
            && !folder.join(path).exists()
            && !path.exists()
        {
            let message = format!("holds {}, which no path does; {BACKSLASHES}", control_name(control));
            self.error(key, message);
            return None;
        }
        // `~/` and variables: no shell has seen this file, nor a value after `--set key=`.
        let path = match expand_from(&[folder, Path::new("")], path) {
            Ok(path) => path,
            Err(error) => {
                self.error(key, error.to_string());
                return None;
            }
        };
        let candidates = [folder.join(&path), path.clone()];
        let absolute: Vec<PathBuf> =
            candidates.iter().map(|path| std::path::absolute(path).unwrap_or(path.clone())).collect();
        if let Some(found) = absolute.iter().find(|path| path.exists()) {
            return Some(found.clone());
        }
        let mut tried: Vec<String> = absolute.iter().map(|path| path.display().to_string()).collect();
        tried.dedup();
        self.error(key, format!("there is nothing at {}; {remedy}", tried.join(", nor at ")));
        None
    }

    fn data(&mut self, data: &mut DataConfig) {
        let generated = data.generated.is_some() && data.source.is_none();
        if generated || data.source == Some(SourceKind::Generated) {
            data.source = Some(SourceKind::Generated);
            if data.path.is_some() {
                self.error(
                    "data.path",
                    "generated images have no path; remove it, or choose another `source`",
                );
            }
            let world = data.generated.clone().unwrap_or_default();
            if let Err(problems) = world.check() {
                for problem in problems {
                    let key =
                        problem.split([' ', ':']).next().unwrap_or_default().trim_matches('`').to_owned();
                    self.error(&format!("data.generated.{key}"), problem);
                }
            }
            data.generated = Some(world);
        } else {
            if data.generated.is_some() {
                self.error("data.generated", "is only for `source = \"generated\"`; remove one of the two");
            }
            let remedy = "set it in the file or with --set data.path=FOLDER";
            match data.path.clone() {
                // One of another type was reported.
                None if self.known.contains(&Document::steps("data.path")) => {}
                None => self.error("data", format!("missing key `path`: where the images are; {remedy}")),
                Some(path) => {
                    if let Some(found) = self.path("data.path", &path, remedy) {
                        data.source = data.source.or_else(|| detect(&found));
                        data.path = Some(found);
                    }
                }
            }
        }
        if let Some(path) = data.test_path.clone() {
            if data.source.is_some_and(|source| source != SourceKind::Csv) {
                self.error("data.test_path", "is only for `source = \"csv\"`; remove it");
            } else if let Some(found) = self.path("data.test_path", &path, "name the table of the test split")
            {
                data.test_path = Some(found);
            }
        }
        if !data.columns.is_none()
            && data.source.is_some_and(|source| !matches!(source, SourceKind::Csv | SourceKind::Parquet))
        {
            self.error("data.columns", "is only for tables and Parquet files; remove it");
        }
        for (key, file, remedy) in [
            ("data.groups", &mut data.groups, "name a table `image,group`"),
            ("data.exclude", &mut data.exclude, "name a file of images to leave out, one a line"),
        ] {
            if let Some(path) = file.clone()
                && let Some(found) = self.path(key, &path, remedy)
            {
                *file = Some(found);
            }
        }
        let mut seen = HashSet::new();
        for (index, class) in data.classes.iter().flatten().enumerate() {
            if !seen.insert(class) {
                self.error(&format!("data.classes[{index}]"), format!("class `{class}` is listed twice"));
            }
        }
        if let Some(validation) = &data.validation
            && validation.from == ValidationFrom::Source
            && self
                .document
                .root
                .get("data")
                .and_then(|data| data.get("validation")?.get("fraction"))
                .is_some()
        {
            self.error(
                "data.validation.fraction",
                "has no meaning with `from = \"source\"`; remove one of the two",
            );
        }
    }

    fn train(&mut self, train: &TrainConfig, recipes: &[Option<RecipeConfig>]) {
        let OptimizerConfig::Sgd { lr, momentum, nesterov, .. } = train.optimizer;
        if lr <= 0.0 {
            self.error("train.optimizer.lr", format!("{lr} is out of range: must be more than 0"));
        }
        if momentum >= 1.0 {
            self.error(
                "train.optimizer.momentum",
                format!("{momentum} is out of range: must be less than 1, or steps never settle"),
            );
        }
        if nesterov && momentum == 0.0 {
            self.error("train.optimizer.nesterov", "needs momentum; set `momentum`, e.g. 0.9, or remove it");
        }
        if train.schedule.warmup_epochs > f64::from(train.epochs) {
            let message = format!(
                "{} warm-up epochs are more than the {} epochs of a trial; the rate would never arrive",
                train.schedule.warmup_epochs, train.epochs
            );
            self.error("train.schedule.warmup_epochs", message);
        }
        for (index, recipe) in recipes.iter().enumerate() {
            if train.batch == 1 && recipe.as_ref().is_some_and(|recipe| recipe.mix.is_some()) {
                self.error(
                    &format!("recipe[{index}].mix"),
                    "a batch of one image holds no partner to mix with; set train.batch to 2 or more",
                );
            }
        }
    }

    /// The start weights and the preprocessing they ask for.
    fn model(
        &mut self,
        config: &mut ModelConfig,
        train: Option<&TrainConfig>,
        recipes: &[Option<RecipeConfig>],
    ) -> (Option<StartWeights>, Option<Preprocess>) {
        let known: Vec<_> = models();
        // Where the image size is not understood, one that every network takes.
        let image = train.map_or(224, |train| train.image);
        // How many classes there are is known only once the data set is open; no check here depends on it.
        let model = match Model::by_name(&config.name, 2, image) {
            Ok(model) => Some(model),
            Err(NnError::UnknownModel { name, .. }) => {
                let known: Vec<&str> = known.iter().map(|model| model.name).collect();
                let near = nearest(&name, known.iter().copied())
                    .map_or(String::new(), |known| format!("did you mean `{known}`? "));
                self.error("model.name", format!("unknown model `{name}`; {near}Known: {}", list(known)));
                None
            }
            Err(error @ (NnError::ImageTooSmall { .. } | NnError::ImageTooLarge { .. })) => {
                self.error("train.image", error.to_string());
                None
            }
            Err(error) => {
                self.error("model.name", error.to_string());
                None
            }
        };
        if let Some(model) = &model {
            self.stages(model, recipes);
        }
        let Some(path) = config.weights.clone() else {
            if config.weights_prefix.is_some() {
                self.error(
                    "model.weights_prefix",
                    "is only for `weights`, which are not named; remove it or name them",
                );
            }
            return (None, None);
        };
        let remedy = "name a safetensors file, or leave `weights` out to train from scratch";
        let Some(found) = self.path("model.weights", &path, remedy) else { return (None, None) };
        config.weights = Some(found.clone());
        let file = match find_weights(&found) {
            Ok(file) => file,
            Err(message) => {
                self.error("model.weights", message);
                return (None, None);
            }
        };
        let source = match WeightSource::read(&file, config.weights_prefix.as_deref()) {
            Ok(source) => source,
            Err(error @ NnError::SeveralNetworks { .. }) => {
                self.error("model.weights", format!("{error}, in `model.weights_prefix`"));
                return (None, None);
            }
            Err(error) => {
                let wrong_prefix = matches!(error, NnError::NoSuchPrefix { .. });
                let key = if wrong_prefix { "model.weights_prefix" } else { "model.weights" };
                self.error(key, error.to_string());
                return (None, None);
            }
        };
        let WeightSource { weights, metadata, notes, .. } = source;
        let card = ModelCard::read(&metadata);
        for note in &notes {
            let choice = match note {
                WeightNote::Networks { .. } if config.weights_prefix.is_some() => continue,
                WeightNote::Prefix(_) if config.weights_prefix.is_some() => continue,
                WeightNote::Networks { .. } => "; choose with `model.weights_prefix`",
                _ => "",
            };
            self.warn("model.weights", format!("{note}{choice}"));
        }
        if let Some(model) = &model {
            if let Err(error) = weights.adapt(model, 0) {
                self.error("model.weights", format!("{}: {error}", file.display()));
            }
            self.other_size(model, &card);
        }
        let imagenet = card.classes.is_absent()
            && weights
                .iter()
                .any(|(_, tensor)| tensor.shape.first() == Some(&1000) && tensor.shape.len() <= 2);
        let own = self.own_preprocess(&card);
        (Some(StartWeights { weights: Arc::new(weights), file, card, imagenet }), Some(own))
    }

    /// Weights that were trained on images of another size than the study's.
    fn other_size(&mut self, model: &Model, card: &ModelCard) {
        let Some(trained) = card.image.value().filter(|&&trained| trained != model.image()) else { return };
        let (name, image) = (model.name(), model.image());
        let theirs = Model::by_name(name, model.classes(), *trained).ok();
        let message = match theirs.and_then(|theirs| model.differs_from(&theirs)) {
            Some(difference) => format!(
                "the weights were trained on images of {trained} px, and for {image} px {name} is another network ({difference}): they \
                 fit by name, but their features are not those this network computes. Train at a size that has the same network, or \
                 from scratch"
            ),
            None => format!(
                "the weights were trained on images of {trained} px, this study shows {image} px: what they have learned is of \
                 another scale"
            ),
        };
        self.warn("train.image", message);
    }

    /// Whether the network has the stages after which recipes mix.
    fn stages(&mut self, model: &Model, recipes: &[Option<RecipeConfig>]) {
        for (index, recipe) in recipes.iter().enumerate() {
            let mixer = recipe.as_ref().and_then(|recipe| recipe.mix.as_ref());
            for (key, stage) in mixer.map(Mixer::stages).unwrap_or_default() {
                if stage > model.stages() {
                    let (name, last) = (model.name(), model.stages());
                    self.error(
                        &format!("recipe[{index}].mix.{key}"),
                        format!("{name} has no stage {stage}; 0 is the pixels, 1 to {last} its stages"),
                    );
                }
            }
        }
    }

    /// The preprocessing that weights ask for: their own word for it where a trial of ours wrote them, else torchvision's.
    fn own_preprocess(&mut self, card: &ModelCard) -> Preprocess {
        match &card.preprocess {
            CardEntry::Present(preprocess) => preprocess.clone(),
            CardEntry::Unreadable(error) => {
                self.warn(
                    "model.weights",
                    format!("the preprocessing named in the weights' metadata is not understood ({error}); torchvision's is used"),
                );
                Preprocess::torchvision()
            }
            CardEntry::Absent => Preprocess::torchvision(),
        }
    }

    /// Says what is assumed of weights that do not say how they want their images, where the study does not say either.
    fn taken_as_torchvisions(&mut self, given: &PreprocessConfig) {
        let (mut taken, mut keys) = (Vec::new(), Vec::new());
        if given.resize.is_none() {
            taken.push("shorter side to train.image × 256/224, central square");
            keys.push("preprocess.resize");
        }
        if given.normalisation.is_none() {
            taken.push("ImageNet statistics");
            keys.push("preprocess.normalisation");
        }
        if !taken.is_empty() {
            let change = if keys.len() == 1 { "changes" } else { "change" };
            let message = format!(
                "the file does not say how it wants its images: taken as torchvision's ({}); {} {change} it",
                taken.join(", "),
                keys.join(" and ")
            );
            self.warn("model.weights", message);
        }
    }

    fn preprocess(&mut self, given: &mut PreprocessConfig, own: Option<Preprocess>) -> Preprocess {
        let default = own.clone().unwrap_or_default();
        let resolved = Preprocess {
            resize: given.resize.clone().unwrap_or(default.resize),
            normalisation: given.normalisation.clone().unwrap_or(default.normalisation),
            draft: given.draft.unwrap_or(default.draft),
        };
        if let Some(own) = own {
            if resolved.normalisation != own.normalisation {
                self.warn("preprocess.normalisation", format!(
                    "overrides the weights' own normalisation ({}): features trained on one scale start far off on another",
                    words::<Normalisation>(&own.normalisation)
                ));
            }
            if resolved.resize != own.resize {
                self.warn(
                    "preprocess.resize",
                    format!("overrides the weights' own resize ({})", words::<Resize>(&own.resize)),
                );
            }
            if resolved.draft != own.draft {
                self.warn("preprocess.draft", format!("overrides the weights' own ({})", own.draft));
            }
        }
        *given = PreprocessConfig {
            resize: Some(resolved.resize.clone()),
            normalisation: Some(resolved.normalisation.clone()),
            draft: resolved.draft.then_some(true),
        };
        resolved
    }

    fn pipelines(
        &mut self,
        recipes: &[Option<RecipeConfig>],
        preprocess: &Preprocess,
        image: usize,
    ) -> Vec<Pipeline> {
        let at_root = |path: &str| path == "image" || path.starts_with("preprocess.");
        for error in preprocess.check(image) {
            let path = if error.path == "image" { "train.image" } else { &error.path };
            self.error(path, error.problem.to_string());
        }
        let mut pipelines = Vec::new();
        for (index, recipe) in recipes.iter().enumerate() {
            let Some(recipe) = recipe else { continue };
            if recipe.transforms.len() > MOST_TRANSFORMS {
                let message = format!("{} steps; at most {MOST_TRANSFORMS}", recipe.transforms.len());
                self.error(&format!("recipe[{index}].transforms"), message);
                continue;
            }
            match Pipeline::new(recipe, preprocess, image) {
                Ok(pipeline) => pipelines.push(pipeline),
                Err(errors) => {
                    for error in errors.iter().filter(|error| !at_root(&error.path)) {
                        self.error(&format!("recipe[{index}].{}", error.path), error.problem.to_string());
                    }
                }
            }
        }
        pipelines
    }
}

/// A control character as TOML writes it.
fn control_name(control: char) -> String {
    match control {
        '\n' => "a line break (`\\n`)".into(),
        '\t' => "a tab (`\\t`)".into(),
        '\r' => "a carriage return (`\\r`)".into(),
        '\u{8}' => "a backspace (`\\b`)".into(),
        '\u{c}' => "a form feed (`\\f`)".into(),
        '\u{1b}' => "an escape character (`\\e`)".into(),
        other => format!("the control character U+{:04X}", u32::from(other)),
    }
}

/// Trials of a study.
pub const MOST_TRIALS: usize = 100_000;

/// Steps of a recipe at most.
const MOST_TRANSFORMS: usize = 200;

/// A study file is smaller than this.
const MOST_BYTES: u64 = 16 << 20;

/// A configuration value as the study file would write it, on one line.
fn words<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

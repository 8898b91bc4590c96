//! What a study says of its network: the weights it starts from, and how they want their images.

use std::sync::Arc;

use bakeoff_augment::{Mixer, Normalisation, Preprocess, RecipeConfig, Resize};
use bakeoff_data::nearest;
use bakeoff_nn::{Model, NnError, WeightNote, WeightSource, models};

use super::resolver::Resolver;
use super::start_weights::StartWeights;
use crate::config::{ModelConfig, PreprocessConfig, TrainConfig};
use crate::model_card::{CardEntry, ModelCard};
use crate::problem::list;
use crate::weights_path::find_weights;

impl Resolver<'_> {
    /// The start weights and the preprocessing they ask for.
    pub(super) fn model(
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
    pub(super) fn taken_as_torchvisions(&mut self, given: &PreprocessConfig) {
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

    pub(super) fn preprocess(&mut self, given: &mut PreprocessConfig, own: Option<Preprocess>) -> Preprocess {
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
}

/// A configuration value as the study file would write it, on one line.
fn words<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

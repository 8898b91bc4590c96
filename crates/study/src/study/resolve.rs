//! All checks of a study file beyond its schema, in their order.

use bakeoff_augment::{Pipeline, Preprocess};
use bakeoff_nn::Trainable;

use super::resolver::Resolver;
use super::sections::Sections;
use super::start_weights::StartWeights;

/// What is made of a study file besides its configuration.
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) preprocess: Preprocess,
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) weights: Option<StartWeights>,
}

impl Resolver<'_> {
    /// Checks what can be understood, and writes out what is left to defaults.
    pub(super) fn resolve(&mut self, sections: &mut Sections) -> Resolved {
        self.recipe_names(&sections.names);
        self.same_recipes(&sections.recipes);
        if let Some(compare) = &mut sections.compare {
            self.baseline(&compare.baseline, &sections.names);
            self.compare(compare, sections.train.as_ref());
        }
        if let Some(data) = &mut sections.data {
            self.data(data);
        }
        if let Some(train) = &sections.train {
            self.train(train, &sections.recipes);
        }
        let (weights, own) = match &mut sections.model {
            Some(model) => self.model(model, sections.train.as_ref(), &sections.recipes),
            None => (None, None),
        };
        if let (Some(train), Some(model)) = (&sections.train, &sections.model)
            && train.trainable == Trainable::Head
            && model.weights.is_none()
        {
            self.warn(
                "train.trainable",
                "a head on a backbone of random numbers learns little; set model.weights, or train `all`",
            );
        }
        if let (Some(start), Some(given)) = (&weights, &sections.preprocess)
            && start.card.preprocess.is_absent()
        {
            self.taken_as_torchvisions(given);
        }
        let preprocess = match &mut sections.preprocess {
            Some(given) => self.preprocess(given, own),
            None => Preprocess::default(),
        };
        let pipelines = match (&sections.train, &sections.preprocess) {
            (Some(train), Some(_)) => self.pipelines(&sections.recipes, &preprocess, train.image),
            _ => Vec::new(),
        };
        let name = match sections.name.take() {
            Some(name) if name.trim().is_empty() => {
                self.error("name", "is empty; give a name or leave the key out");
                name
            }
            Some(name) => name,
            None => self.file.file_stem().map_or("study".into(), |stem| stem.to_string_lossy().into_owned()),
        };
        sections.name = Some(name.clone());
        Resolved { name, preprocess, pipelines, weights }
    }
}

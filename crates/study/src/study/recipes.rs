//! What a study says of its recipes.

use bakeoff_augment::{Builtin, Pipeline, Preprocess, RecipeConfig, builtin};
use bakeoff_data::nearest;

use super::resolver::Resolver;
use crate::document::Document;
use crate::problem::{Place, list};

/// Steps of a recipe at most.
const MOST_TRANSFORMS: usize = 200;

impl Resolver<'_> {
    pub(super) fn recipe_names(&mut self, names: &[String]) {
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

    pub(super) fn baseline(&mut self, baseline: &str, names: &[String]) {
        let known = || names.iter().map(String::as_str).filter(|name| !name.is_empty());
        if known().any(|name| name == baseline) || known().next().is_none() {
            return;
        }
        let near =
            nearest(baseline, known()).map_or(String::new(), |name| format!("did you mean `{name}`? "));
        let message = format!("no recipe is named `{baseline}`; {near}The recipes are {}", list(known()));
        self.error("compare.baseline", message);
    }

    pub(super) fn same_recipes(&mut self, recipes: &[Option<RecipeConfig>]) {
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

    pub(super) fn pipelines(
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

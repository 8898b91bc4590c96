//! The recipes that ship, each with its method card.

use crate::builtin::Builtin;
use crate::shipped::shipped;
use crate::start::usual_resize;
use crate::{
    Brightness, Contrast, Cutmix, HorizontalFlip, Hue, Mixup, RandomCrop, RandomResizedCrop, RecipeConfig,
    ResizeTransform, Transform, catalogue, mixer, preset,
};

/// Every recipe that ships, for square images of `image` px: the baseline first.
#[must_use]
pub fn builtin(image: usize) -> Vec<Builtin> {
    let recipe = |name: &str, summary, transforms, mix, card| Builtin {
        summary,
        config: RecipeConfig { name: name.to_owned(), transforms, mix },
        card,
    };
    let flip = Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 });
    vec![
        recipe("none", "the baseline: nothing but the study's preprocessing", vec![], None, shipped!("none")),
        recipe(
            "flip-crop",
            "mirroring, and a window out of a slightly larger image",
            vec![
                // One pixel more where the customary ratio rounds to none, so that the crop crops.
                Transform::Resize(ResizeTransform {
                    size: usual_resize(image).max(image.saturating_add(1)),
                    squash: false,
                    antialias: true,
                }),
                Transform::RandomCrop(RandomCrop { size: image }),
                flip.clone(),
            ],
            None,
            shipped!("flip-crop"),
        ),
        recipe(
            "random-resized-crop",
            "windows of random size and shape out of the photograph, and mirroring",
            vec![
                Transform::RandomResizedCrop(RandomResizedCrop {
                    scale: [0.08, 1.0],
                    ratio: [3.0 / 4.0, 4.0 / 3.0],
                    antialias: true,
                }),
                flip,
            ],
            None,
            shipped!("random-resized-crop"),
        ),
        recipe(
            "colour",
            "contrast around 1, hue and brightness, clipped to [0, 1]",
            vec![
                Transform::Contrast(Contrast { low: 0.5, high: 1.5, clip: false }),
                Transform::Hue(Hue { delta: 0.2, clip: false }),
                // Clipped once, at the end.
                Transform::Brightness(Brightness { delta: 0.2, clip: true }),
            ],
            None,
            shipped!("colour"),
        ),
        recipe(
            "cutmix",
            "a box filled from another image, labels by area",
            vec![],
            Some(Cutmix::default().into()),
            shipped!("cutmix"),
        ),
        recipe(
            "mixup",
            "a weighted mean of two images, labels likewise",
            vec![],
            Some(Mixup::default().into()),
            shipped!("mixup"),
        ),
    ]
    .into_iter()
    .chain(catalogue::operations(image))
    .chain(mixer::recipes().into_iter().map(Builtin::mixing))
    .chain(preset::presets())
    .collect()
}

/// The card of a recipe that ships, or else the one on which a kind of transform or mixer has its options.
#[must_use]
pub fn card(name: &str) -> Option<&'static str> {
    let recipes = builtin(224);
    let own = recipes.iter().find(|recipe| recipe.config.name == name);
    let row = format!("\n| `{name}` | `");
    own.or_else(|| recipes.iter().find(|recipe| recipe.card.contains(&row))).map(|recipe| recipe.card)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::{Mixer, Pipeline, Preprocess};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Snippet {
        recipe: Vec<RecipeConfig>,
    }

    /// The recipes in a card's TOML.
    fn snippets(card: &str) -> Vec<RecipeConfig> {
        let blocks = card.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        blocks.flat_map(|block| toml::from_str::<Snippet>(block).unwrap().recipe).collect()
    }

    /// `name` of every card, option rows and all.
    fn cards() -> BTreeMap<String, &'static str> {
        builtin(224).into_iter().map(|b| (b.config.name, b.card)).collect()
    }

    #[test]
    fn every_card_opens_with_its_name_and_its_toml_is_the_recipe_that_ships() {
        for Builtin { config, card, .. } in builtin(224) {
            assert!(card.starts_with(&format!("# {}\n", config.name)), "{}", config.name);
            assert_eq!(snippets(card)[0], config);
            let picture = format!("{}.png", config.name);
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
            let bytes = std::fs::metadata(folder.join(&picture)).unwrap().len();
            assert!(card.contains(&format!("]({picture})")) && (1..=40_000).contains(&bytes), "{picture}");
            for section in ["Where it comes from", "Definition", "Labels", "Options", "When it hurts"] {
                assert!(card.contains(&format!("\n## {section}\n")), "{}: {section}", config.name);
            }
        }
    }

    #[test]
    fn everything_that_ships_resolves_for_small_and_large_images() {
        for image in [1, 8, 32, 64, 224, 384, 600] {
            for Builtin { config, .. } in builtin(image) {
                let name = &config.name;
                Pipeline::new(&config, &Preprocess::default(), image)
                    .unwrap_or_else(|errors| panic!("{name} at {image} px: {errors:?}"));
            }
        }
        for card in cards().values() {
            for recipe in snippets(card) {
                Pipeline::new(&recipe, &Preprocess::default(), 224).unwrap();
            }
        }
    }

    #[test]
    fn every_kind_finds_its_card() {
        for kind in options::<Transform>().into_keys().chain(options::<Mixer>().into_keys()) {
            let found = card(&kind).unwrap_or_else(|| panic!("{kind} has no card"));
            assert!(found.contains(&format!("\n| `{kind}` | `")), "{kind}");
        }
        assert_eq!(card("no such thing"), None);
    }

    #[test]
    fn a_kind_is_called_what_a_study_file_calls_it() {
        for recipe in builtin(224).into_iter().chain(
            cards().values().flat_map(|card| snippets(card)).map(|config| Builtin {
                summary: "",
                config,
                card: "",
            }),
        ) {
            for transform in recipe.config.transforms {
                assert_eq!(serde_json::to_value(&transform).unwrap()["kind"], transform.kind());
            }
        }
    }

    /// Kind -> option -> default, from the types themselves.
    fn options<T: schemars::JsonSchema>() -> BTreeMap<String, BTreeMap<String, String>> {
        let schema = schemars::schema_for!(T).to_value();
        let variants = schema["oneOf"].as_array().unwrap();
        variants
            .iter()
            .map(|variant| {
                let properties = variant["properties"].as_object().unwrap();
                let kind = properties["kind"]["const"].as_str().unwrap().to_owned();
                let required = variant["required"].as_array().unwrap();
                let options = properties
                    .iter()
                    .filter(|(name, _)| *name != "kind")
                    .map(|(name, schema)| {
                        let default = match schema.get("default") {
                            Some(value) => format!("`{}`", value.to_string().replace(',', ", ")),
                            None if required.contains(&Value::from(name.as_str())) => "required".to_owned(),
                            None => "none".to_owned(),
                        };
                        (name.clone(), default)
                    })
                    .collect();
                (kind, options)
            })
            .collect()
    }

    #[test]
    fn every_kind_and_option_stands_on_a_card_with_its_default() {
        let mut kinds = options::<Transform>();
        kinds.extend(options::<Mixer>());
        assert!(kinds.len() >= 10);
        let cards = cards();
        for (kind, options) in kinds {
            for (option, default) in options {
                let row = format!("| `{kind}` | `{option}` | {default} |");
                assert!(cards.values().any(|card| card.contains(&row)), "no card has the row {row}");
            }
        }
    }

    #[test]
    fn no_card_has_an_option_that_does_not_exist() {
        let mut kinds = options::<Transform>();
        kinds.extend(options::<Mixer>());
        for (name, card) in cards() {
            for row in card.lines().filter(|line| line.starts_with("| `")) {
                let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
                let known = kinds.get(cells[1]).is_some_and(|options| options.contains_key(cells[2]));
                assert!(known, "{name}: {row}");
            }
        }
    }
}

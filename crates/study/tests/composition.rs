//! Recipes that inherit, families of recipes, and what is said about those that cannot be.

use std::path::Path;

use bakeoff_augment::{Brightness, Cutmix, HorizontalFlip, Hue, Mixer, Mixup, RandomCrop, Transform};
use bakeoff_study::{Study, json_schema};

const HEAD: &str = r#"
[data]
source = "generated"
[model]
name = "resnet-small"
[train]
epochs = 2
batch = 16
image = 64
optimizer = { name = "sgd", lr = 0.1, momentum = 0.9 }
[compare]
seeds = 6
baseline = "none"
[[recipe]]
name = "none"
"#;

fn study(recipes: &str) -> Study {
    Study::parse(&format!("{HEAD}{recipes}"), Path::new("s.toml"), &[])
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(recipes: &str) -> Vec<String> {
    let errors = Study::parse(&format!("{HEAD}{recipes}"), Path::new("s.toml"), &[]).unwrap_err();
    errors.to_string().lines().filter(|line| !line.starts_with(' ')).map(str::to_owned).collect()
}

fn names(study: &Study) -> Vec<&str> {
    study.config.recipe.iter().map(|recipe| recipe.name.as_str()).collect()
}

fn alphas(study: &Study) -> Vec<f64> {
    let alpha = |mix: &Mixer| match mix {
        Mixer::Cutmix(Cutmix { alpha, .. }) | Mixer::Mixup(Mixup { alpha, .. }) => Some(*alpha),
        _ => None,
    };
    study.config.recipe.iter().filter_map(|recipe| alpha(recipe.mix.as_ref()?)).collect()
}

#[test]
fn a_grid_makes_a_family_with_derived_names() {
    let study = study(
        r#"[[recipe]]
name = "cutmix"
mix = { kind = "cutmix" }
grid = { alpha = [0.2, 0.4, 1.0] }"#,
    );
    assert_eq!(names(&study), ["none", "cutmix-alpha-0.2", "cutmix-alpha-0.4", "cutmix-alpha-1.0"]);
    assert_eq!(alphas(&study), [0.2, 0.4, 1.0]);
    assert_eq!(study.pipelines().len(), 4);
}

#[test]
fn a_grid_of_several_options_makes_all_combinations() {
    let study = study(
        r#"[[recipe]]
name = "m"
mix = { kind = "mixup" }
transforms = [{ kind = "hue", delta = 0.1 }, { kind = "brightness", delta = 0.1 }]
grid = { alpha = [0.2, 1.0], partner = ["roll", "reverse"], "transforms.hue.delta" = [0.05] }"#,
    );
    assert_eq!(
        names(&study)[1..],
        [
            "m-alpha-0.2-partner-roll-delta-0.05",
            "m-alpha-0.2-partner-reverse-delta-0.05",
            "m-alpha-1.0-partner-roll-delta-0.05",
            "m-alpha-1.0-partner-reverse-delta-0.05",
        ]
    );
    for recipe in &study.config.recipe[1..] {
        assert_eq!(recipe.transforms[0], Transform::Hue(Hue { delta: 0.05, clip: false }));
        assert_eq!(recipe.transforms[1], Transform::Brightness(Brightness { delta: 0.1, clip: false }));
    }
}

#[test]
fn a_recipe_takes_over_another_and_changes_one_thing() {
    let study = study(
        r#"[[recipe]]
name = "strong"
inherit = "base"
mix.alpha = 0.4
transforms.hue.delta = 0.3
[[recipe]]
name = "base"
transforms = [{ kind = "horizontal-flip" }, { kind = "hue", delta = 0.1, clip = true }]
mix = { kind = "cutmix", alpha = 1.0, partner = "roll" }
[[recipe]]
name = "plain"
inherit = "strong"
mix = "none"
[[recipe]]
name = "other"
inherit = "strong"
mix = { kind = "mixup" }"#,
    );
    let recipes = &study.config.recipe;
    let Some(Mixer::Cutmix(Cutmix { alpha, partner, .. })) = recipes[1].mix else { panic!() };
    assert_eq!((alpha, partner), (0.4, bakeoff_augment::Partner::Roll));
    let hue = Transform::Hue(Hue { delta: 0.3, clip: true });
    assert_eq!(recipes[1].transforms, [Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 }), hue]);
    assert_eq!((&recipes[3].mix, &recipes[3].transforms), (&None, &recipes[1].transforms));
    let Some(Mixer::Mixup(Mixup { alpha, partner, .. })) = recipes[4].mix else { panic!() };
    assert_eq!((alpha, partner), (1.0, bakeoff_augment::Partner::Permutation), "another mixer starts anew");
}

#[test]
fn recipes_that_ship_are_taken_by_name_for_the_studys_image_size() {
    let study = study(
        "[[recipe]]\ninherit = \"flip-crop\"\n[[recipe]]\nname = \"cutmix\"\ninherit = \"cutmix\"\ngrid = { alpha = [0.5] }",
    );
    assert_eq!(names(&study), ["none", "flip-crop", "cutmix-alpha-0.5"]);
    assert!(study.config.recipe[1].transforms.contains(&Transform::RandomCrop(RandomCrop { size: 64 })));
    assert_eq!(alphas(&study), [0.5]);
    assert!(study.warnings.is_empty(), "{:?}", study.warnings);
}

#[test]
fn sizes_that_are_left_out_follow_the_studys_image() {
    let recipe = |sizes: [&str; 4]| {
        let [resize, random, centre, pad] = sizes;
        format!(
            "[[recipe]]\nname = \"a\"\ntransforms = [{{ kind = \"resize\"{resize} }}, {{ kind = \"random-crop\"{random} }}]\n\
             [[recipe]]\nname = \"b\"\ntransforms = [{{ kind = \"resize\"{resize} }}, {{ kind = \"centre-crop\"{centre} }}]\n\
             [[recipe]]\nname = \"c\"\ntransforms = [{{ kind = \"pad-crop\"{pad}, padding = 4 }}]\n"
        )
    };
    let left_out = study(&recipe([""; 4]));
    let written = study(&recipe([", size = 73", ", size = 64", ", size = 64", ", size = 64"]));
    // The very same configuration, and so the same trials.
    assert_eq!(left_out.config, written.config);
    for image in [32, 64, 224] {
        let text = format!("{HEAD}{}", recipe([""; 4]));
        let study = Study::parse(&text, Path::new("s.toml"), &[format!("train.image={image}")]).unwrap();
        assert!(
            study.config.recipe[1].transforms.contains(&Transform::RandomCrop(RandomCrop { size: image }))
        );
    }
    // What is wrong with such a recipe is told where it stands.
    let [error] = &errors("[[recipe]]\nname = \"a\"\ntransforms = [{ kind = \"random-crop\" }]")[..] else {
        panic!()
    };
    assert!(error.contains("recipe.a.transforms[0].size: this crop never crops"), "{error}");
    let schema = json_schema();
    let transforms = schema["$defs"]["Transform"]["oneOf"].as_array().unwrap();
    let crop = transforms.iter().find(|t| t["properties"]["kind"]["const"] == "random-crop").unwrap();
    assert_eq!(crop["required"], serde_json::json!(["kind"]));
}

#[test]
fn shipped_studies_take_other_sizes_of_images() {
    let images = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        std::fs::create_dir(images.path().join(class)).unwrap();
        std::fs::write(images.path().join(class).join("1.jpg"), "").unwrap();
    }
    for file in ["folder", "dogs-64", "dogs-64-eight", "stanford-dogs", "resnet50"] {
        let path = format!("{}/../../studies/{file}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        for image in [32, 64, 224] {
            // These name the size of their photographs, which is less than the largest image here.
            if file.starts_with("dogs") && image > 64 {
                continue;
            }
            let set = [format!("train.image={image}"), format!("data.path={}", images.path().display())];
            Study::parse(&text, Path::new(&path), &set)
                .unwrap_or_else(|error| panic!("{file} {image}: {error}"));
        }
    }
}

#[test]
fn a_name_alone_does_nothing_and_a_warning_says_so() {
    let study = study("[[recipe]]\nname = \"cutmix\"\n");
    let warnings: Vec<&str> = study.warnings.iter().map(|problem| problem.message.as_str()).collect();
    assert!(warnings.iter().any(|w| w.contains("write `inherit = \"cutmix\"`")), "{warnings:?}");
}

#[test]
fn what_cannot_be_inherited_is_named_with_its_line() {
    assert_eq!(
        errors("[[recipe]]\nname = \"a\"\ninherit = \"cutmx\"")[0].split("Known").next().unwrap(),
        "s.toml:18:11: recipe.a.inherit: no recipe is named `cutmx`, in this file or among those that ship; did you mean `cutmix`? "
    );
    assert_eq!(
        errors("[[recipe]]\nname = \"a\"\ninherit = \"b\"\n[[recipe]]\nname = \"b\"\ninherit = \"a\""),
        [
            "s.toml:18:11: recipe.a.inherit: goes round in a circle: b → a → b",
            "s.toml:21:11: recipe.b.inherit: goes round in a circle: a → b → a",
        ]
    );
    assert_eq!(
        errors("[[recipe]]\nname = \"a\"\ninherit = 3")[0],
        "s.toml:18:11: recipe.a.inherit: must be the name of a recipe, not the integer 3"
    );
    let unknown = errors("[[recipe]]\nname = \"a\"\ninherits = \"cutmix\"");
    assert!(
        unknown[0].starts_with("s.toml:18:1: recipe.a.inherits: unknown key; did you mean `inherit`?"),
        "{unknown:?}"
    );
    let kind = errors("[[recipe]]\nname = \"a\"\ninherit = \"colour\"\ntransforms.hu.delta = 0.1");
    assert!(kind[0].contains("there is no `hu` to change; did you mean `hue`?"), "{kind:?}");
}

#[test]
fn what_a_grid_cannot_do_is_named_with_its_line() {
    let of = |grid: &str| {
        let transforms = "[{ kind = \"hue\", delta = 0.1 }, { kind = \"brightness\", delta = 0.1 }]";
        errors(&format!(
            "[[recipe]]\nname = \"a\"\ntransforms = {transforms}\nmix = {{ kind = \"mixup\" }}\ngrid = {grid}"
        ))
    };
    assert!(of("3")[0].contains("s.toml:20:8: recipe.a.grid: must be a table of lists"), "{:?}", of("3"));
    assert!(of("{ alpha = 1.0 }")[0].contains("`alpha` must be a list of values, not the number 1"));
    assert!(of("{ alpha = [] }")[0].contains("`alpha` has no values"));
    assert!(
        of("{ alpa = [1.0] }")[0]
            .contains("nothing in this recipe has an option `alpa`; did you mean `alpha`?")
    );
    assert!(
        of("{ delta = [0.1] }")[0]
            .contains("say which in quotes: `transforms.0.delta`, `transforms.1.delta`"),
        "{:?}",
        of("{ delta = [0.1] }")
    );
    let wrong = of("{ alpha = [0.1, -1.0] }");
    assert_eq!(wrong.len(), 1);
    assert!(
        wrong[0].starts_with("s.toml:20:24: recipe.a-alpha--1.0.mix.alpha: -1 is out of range"),
        "{wrong:?}"
    );
}

#[test]
fn one_of_several_mixers_is_checked_in_depth() {
    let wrong = errors(
        "[[recipe]]\nname = \"a\"\nmix = { kind = \"one-of\", mixers = [{ kind = \"mixup\", alpha = 0.0 }, { kind = \"cutmx\" }], weights = [1.0] }",
    );
    assert!(wrong[0].contains("recipe.a.mix.mixers[0].alpha: 0 is out of range"), "{wrong:?}");
    assert!(wrong[1].contains("did you mean `cutmix`?"), "{wrong:?}");
    let weights = errors(
        "[[recipe]]\nname = \"a\"\nmix = { kind = \"one-of\", mixers = [{ kind = \"mixup\" }], weights = [1.0, 2.0] }",
    );
    assert!(weights[0].contains("recipe.a.mix.weights: 2 weights for 1 mixers"), "{weights:?}");
    let stages = errors(
        "[[recipe]]\nname = \"a\"\nmix = { kind = \"one-of\", mixers = [{ kind = \"manifold-mixup\", stages = [0, 5, 17] }] }",
    );
    assert!(stages[0].contains("recipe.a.mix.mixers[0].stages[1]: resnet-"), "{stages:?}");
    assert!(stages[0].contains("has no stage 5; 0 is the pixels, 1 to 4 its stages"), "{stages:?}");
    assert!(stages.iter().any(|line| line.contains("stages[2]: 17 is out of range")), "{stages:?}");
}

#[test]
fn the_schema_lets_an_editor_complete_what_is_resolved_later() {
    let schema = json_schema();
    let recipe = &schema["$defs"]["RecipeConfig"];
    assert!(recipe["properties"]["inherit"]["type"] == "string" && recipe["required"].is_null());
    assert_eq!(recipe["properties"]["grid"]["additionalProperties"]["type"], "array");
}

#[test]
fn chains_and_numbers_of_recipes_beyond_reason_are_refused_once_and_at_once() {
    let chain = |length: usize| {
        let link = |n: usize| format!("[[recipe]]\nname = \"c{n}\"\ninherit = \"c{}\"\n", n + 1);
        let links: String = (0..length).map(link).collect();
        format!("{links}[[recipe]]\nname = \"c{length}\"\nmix = {{ kind = \"mixup\" }}\n")
    };
    assert_eq!(names(&study(&chain(60))).len(), 62);
    let told = errors(&chain(300));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("more than 64 recipes that inherit one from the other"), "{told:?}");
    let told = errors(&chain(20_000));
    assert!(told.iter().any(|line| line.contains("a study has 1000 at most")), "{told:?}");
    let alike: String = (0..5_000).map(|n| format!("[[recipe]]\nname = \"a{n}\"\n")).collect();
    let told = errors(&alike);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("a study has 1000 at most"), "{told:?}");
}

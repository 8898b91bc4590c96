//! The guide's tables of keys, against the types that parse a study file.

use std::collections::{BTreeMap, BTreeSet};

use bakeoff_study::{StudyConfig, json_schema};
use serde_json::{Value, json};

use crate::pages::Page;

/// What the guide says of a key.
#[derive(Debug, PartialEq)]
enum Said {
    Required,
    /// Nothing is assumed, or what is stands in words.
    Nothing,
    Default(Value),
}

/// The rows of the guide's tables of keys.
fn said(guide: &str) -> BTreeMap<String, Said> {
    let mut keys = BTreeMap::new();
    let section = guide.split("\n## ").find(|section| section.starts_with("Every key of a study file"));
    let rows = section.expect("the section is there").lines().filter(|line| line.starts_with("| `"));
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let ticked =
            |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
        let (names, defaults) = (ticked(cells[0]), ticked(cells[1]));
        for (number, name) in names.iter().enumerate() {
            let said = match cells[1] {
                "required" => Said::Required,
                "–" => Said::Nothing,
                _ => {
                    let default = defaults.get(number).or(defaults.last()).unwrap_or_else(|| panic!("{row}"));
                    Said::Default(
                        serde_json::from_str(default).unwrap_or_else(|error| panic!("{row}: {error}")),
                    )
                }
            };
            assert!(keys.insert(name.clone(), said).is_none(), "{name} has two rows");
        }
    }
    keys
}

/// A key as the schema has it.
#[derive(Debug, Default)]
struct SchemaKey {
    required: bool,
    default: Option<Value>,
    /// Words that are accepted.
    words: Vec<String>,
}

/// All keys below a schema. Operations and mixers have cards of their own.
fn known(root: &Value, schema: &Value, path: &str, keys: &mut BTreeMap<String, SchemaKey>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/$defs/");
        return known(root, &root["$defs"][name], path, keys);
    }
    for choice in ["anyOf", "oneOf"] {
        for schema in schema[choice].as_array().into_iter().flatten() {
            known(root, schema, path, keys);
        }
    }
    if let Some(word) = schema["const"].as_str() {
        keys.entry(path.to_owned()).or_default().words.push(word.to_owned());
    }
    for word in schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        keys.entry(path.to_owned()).or_default().words.push(word.to_owned());
    }
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let key = keys.entry(path.clone()).or_default();
        key.required |= required.contains(&name.as_str());
        if let Some(default) = below.get("default") {
            key.default = Some(default.clone());
        }
        match path.as_str() {
            "recipe" => known(root, &below["items"], &path, keys),
            "recipe.transforms" | "recipe.mix" | "recipe.grid" => {}
            _ => known(root, below, &path, keys),
        }
    }
    if schema["type"] == "array" && path != "recipe" {
        let mut words = BTreeMap::new();
        known(root, &schema["items"], path, &mut words);
        let more = words.remove(path).unwrap_or_default().words;
        keys.entry(path.to_owned()).or_default().words.extend(more);
    }
}

/// The keys of the parser that hold a value, not only other keys.
fn parser() -> BTreeMap<String, SchemaKey> {
    let mut keys = BTreeMap::new();
    let schema = json_schema();
    known(&schema, &schema, "", &mut keys);
    let names: Vec<String> = keys.keys().cloned().collect();
    let holds_keys = |name: &str| {
        names.iter().any(|other| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    };
    keys.retain(|name, key| {
        // Two may be a value as well as a table of further keys.
        ["data.group", "preprocess.normalisation"].contains(&name.as_str())
            || !holds_keys(name) && key.default.as_ref().is_none_or(|d| !d.is_object())
    });
    keys
}

#[test]
fn the_guide_lists_every_key_of_the_parser_and_no_other() {
    let guide = Page::read("docs/guide.md");
    let said: BTreeSet<String> = said(&guide.text).into_keys().collect();
    let known: BTreeSet<String> = parser().into_keys().collect();
    let missing: Vec<&String> = known.difference(&said).collect();
    assert!(missing.is_empty(), "the guide has no row for {missing:?}");
    let unknown: Vec<&String> = said.difference(&known).collect();
    assert!(unknown.is_empty(), "the parser does not know {unknown:?}, which the guide lists");
}

/// A study that says only what is required, and the tables that `key` stands in.
fn study_with(key: &str, value: Option<&Value>) -> Value {
    let mut study = json!({
        "data": {},
        "model": { "name": "resnet18" },
        "train": { "epochs": 1, "batch": 1, "image": 32, "optimizer": { "name": "sgd", "lr": 0.1 } },
        "compare": { "seeds": 6, "baseline": "none" },
        "recipe": [{ "name": "none" }],
    });
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop().expect("a key has a name");
    let mut at = &mut study;
    for part in parts {
        at = if part == "recipe" { &mut at[part][0] } else { &mut at[part] };
        if at.is_null() {
            *at = if part == "resize" { json!({ "kind": "shorter-side" }) } else { json!({}) };
        }
    }
    if let Some(value) = value {
        at[last] = value.clone();
    }
    study
}

#[test]
fn the_guides_defaults_are_those_of_the_parser() {
    let guide = Page::read("docs/guide.md");
    let parser = parser();
    let parse = |study: Value| serde_json::from_value::<StudyConfig>(study);
    for (key, said) in said(&guide.text) {
        let known = &parser[&key];
        match said {
            Said::Default(default) => {
                let without =
                    parse(study_with(&key, None)).unwrap_or_else(|error| panic!("{key} left out: {error}"));
                let with = parse(study_with(&key, Some(&default)))
                    .unwrap_or_else(|error| panic!("{key} = {default}: {error}"));
                assert!(with == without, "{key}: the guide says {default} is the default, and it is not");
            }
            // A recipe's name is not required of one that inherits, which the schema of editors knows.
            Said::Required => assert!(known.required || key == "recipe.name", "{key} is not required"),
            Said::Nothing => {
                assert!(!known.required, "{key} is required");
                let default = known.default.as_ref().filter(|default| !default.is_null());
                assert!(default.is_none(), "{key} has a default that the guide does not say: {default:?}");
                // These two have one that the schema leaves out.
                assert!(
                    !["train.sampling", "data.copies"].contains(&key.as_str()),
                    "{key} has a default that the guide does not say"
                );
            }
        }
    }
}

#[test]
fn the_guide_names_every_word_that_a_key_takes() {
    let guide = Page::read("docs/guide.md");
    let quoted: BTreeSet<String> = guide
        .quoted()
        .iter()
        .flat_map(|quoted| [quoted.clone(), quoted.trim_matches('"').to_owned()])
        .collect();
    let listed = |word: &String| {
        quoted.contains(word) || quoted.iter().any(|quoted| quoted.contains(&format!("\"{word}\"")))
    };
    for (key, known) in parser() {
        for word in known.words {
            assert!(listed(&word), "{key} takes \"{word}\", which the guide does not name");
        }
    }
}

/// The kinds of a tagged type of the schema.
fn kinds(name: &str) -> BTreeSet<String> {
    let schema = json_schema();
    let variants = schema["$defs"][name]["oneOf"].as_array().unwrap().clone();
    variants
        .iter()
        .filter_map(|variant| variant.pointer("/properties/kind/const")?.as_str().map(str::to_owned))
        .collect()
}

#[test]
fn the_guide_lists_every_operation_and_every_mixer() {
    let guide = Page::read("docs/guide.md");
    let quoted: BTreeSet<String> = guide.quoted().into_iter().collect();
    let (operations, mixers) = (kinds("Transform"), kinds("Mixer"));
    for kind in operations.iter().chain(&mixers) {
        assert!(quoted.contains(kind), "the guide does not name `{kind}`");
    }
    let paragraph = guide.text.split("\n\n").find(|text| text.starts_with("Per-image operations")).unwrap();
    let list = paragraph.split("The `size`").next().unwrap();
    for named in list.split('`').skip(1).step_by(2) {
        assert!(
            operations.contains(named) || mixers.contains(named),
            "there is neither operation nor mixer `{named}`"
        );
    }
}

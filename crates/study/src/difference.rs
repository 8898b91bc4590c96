//! What makes the settings of a study differ from those that a run folder was begun with.

use std::collections::BTreeSet;

use bakeoff_data::Dataset;
use serde_json::Value;

use crate::folder::{RunFolder, read_json_if_there};
use crate::records::DataRecord;
use crate::study::Study;

/// Lines that a message names at most.
const MOST_LINES: usize = 8;

/// What differs, for a message: `:` and a line for each key.
pub(crate) fn changes(study: &Study, dataset: &Dataset, folder: &RunFolder) -> String {
    let before: Option<Value> = read_json_if_there(&folder.study_path()).unwrap_or_default();
    let now = serde_json::to_value(&study.config).unwrap_or_default();
    let mut lines = Vec::new();
    differences(&before.unwrap_or_default(), &now, "", &mut lines);
    let version = env!("CARGO_PKG_VERSION");
    if let Some(then) =
        folder.environment().unwrap_or_default().map(|e| e.bakeoff).filter(|then| then != version)
    {
        lines.push(format!("version of Bakeoff: {then} -> {version}"));
    }
    if let Ok(Some(data)) = folder.data() {
        lines.extend(changes_of_data(&data, dataset));
    }
    if lines.is_empty() {
        lines.push(
            "the study file says the same as then: what the weights file holds, which images there are with which labels and splits, \
             BAKEOFF_WINOGRAD, or how this version of Bakeoff computes is what changed"
                .to_owned(),
        );
    }
    let mut changes = ":".to_owned();
    for line in lines.iter().take(MOST_LINES) {
        changes.push_str(&format!("\n  {line}"));
    }
    if lines.len() > MOST_LINES {
        changes.push_str(&format!("\n  … and {} more", lines.len() - MOST_LINES));
    }
    changes
}

/// Classes and numbers of images that are not what they were.
fn changes_of_data(before: &DataRecord, now: &Dataset) -> Vec<String> {
    let mut lines = Vec::new();
    let missing =
        |a: &[String], b: &[String]| a.iter().filter(|class| !b.contains(class)).cloned().collect::<Vec<_>>();
    let (gone, new) = (missing(&before.classes, now.classes()), missing(now.classes(), &before.classes));
    for (classes, what) in [(gone, "are not there any more"), (new, "are new")] {
        if !classes.is_empty() {
            lines.push(format!("data: of the classes, {} {what}", classes.join(", ")));
        }
    }
    let listed = before.train + before.validation + before.test + before.rejected.len();
    if listed != now.samples().len() {
        lines.push(format!("data: {listed} images -> {}", now.samples().len()));
    }
    lines
}

/// `train.epochs: 10 -> 20`, one line per key that differs and may matter.
fn differences(before: &Value, now: &Value, path: &str, lines: &mut Vec<String>) {
    const HARMLESS: [&str; 10] = [
        "name",
        "data.path",
        "data.test_path",
        "data.cache",
        "data.pack",
        "compare.margin",
        "compare.metric",
        "train.evaluation_batch",
        "compare.seeds",
        "compare.baseline",
    ];
    if before == now || HARMLESS.contains(&path) {
        return;
    }
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let none = Value::Null;
                differences(a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none), &join(key), lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if path == "recipe" => {
            // By name: a recipe more or less is no change of the others.
            let name = |recipe: &Value| recipe.get("name").cloned();
            for recipe in b {
                if let Some(same) = a.iter().find(|other| name(other) == name(recipe)) {
                    let label = recipe.get("name").and_then(Value::as_str).unwrap_or_default();
                    differences(same, recipe, &join(label), lines);
                }
            }
        }
        _ => {
            let show =
                |value: &Value| if value.is_null() { "(absent)".to_owned() } else { value.to_string() };
            lines.push(format!("{path}: {} -> {}", show(before), show(now)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_keys_are_named_and_harmless_ones_are_not() {
        let before = json!({"name": "a", "train": {"epochs": 1}, "recipe": [{"name": "x", "mix": null}, {"name": "y"}]});
        let now = json!({"name": "b", "train": {"epochs": 2, "batch": 3}, "recipe": [{"name": "x", "mix": {"kind": "mixup"}}]});
        let mut lines = Vec::new();
        differences(&before, &now, "", &mut lines);
        assert_eq!(
            lines,
            [
                "recipe.x.mix: (absent) -> {\"kind\":\"mixup\"}",
                "train.batch: (absent) -> 3",
                "train.epochs: 1 -> 2"
            ]
        );
    }
}

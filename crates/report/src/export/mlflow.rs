//! MLflow's file store: the study as an experiment, a trial as a run. Point MLflow at it with `mlflow ui --backend-store-uri DIR`.
//!
//! Layout as `mlflow.store.tracking.file_store` reads it: `DIR/<experiment>/meta.yaml`, `DIR/<experiment>/<run>/meta.yaml`, a file per
//! metric (`milliseconds value step` a line), parameter and tag. Ids are made from the trial's content, so that writing again is the same.

use super::Exporter;
use crate::moment::started;
use bakeoff_evidence::{Evidence, State};
use bakeoff_files::{WriteError, make_folder, write_bytes};
use bakeoff_study::records::EpochRecord;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A number of an epoch.
type Value = fn(&EpochRecord) -> f64;

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// YAML's double-quoted strings include JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A path as `file://` URI.
fn uri(path: &Path) -> String {
    let mut text = String::from("file://");
    let path = path.to_string_lossy().replace('\\', "/");
    if !path.starts_with('/') {
        text.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' | b':' => {
                text.push(byte.into())
            }
            // Writing to a String cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}

/// A key that is the name of a file, too.
fn key_name(key: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "_-. ".contains(c) { c } else { '_' };
    key.chars().map(safe).take(200).collect()
}

/// `train.optimizer.lr` and its value, for every value of a configuration.
fn flatten(prefix: &str, value: &serde_json::Value, out: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let key = key_name(key);
                flatten(&if prefix.is_empty() { key } else { format!("{prefix}.{key}") }, value, out);
            }
        }
        serde_json::Value::Null => {}
        serde_json::Value::String(text) => out.push((prefix.into(), text.clone())),
        other => out.push((prefix.into(), other.to_string())),
    }
}

/// All trials begun as runs of one experiment in an MLflow file store. Returns the runs' folders.
pub struct Mlflow;

impl Exporter for Mlflow {
    fn write(&self, evidence: &Evidence, dir: &Path) -> Result<Vec<PathBuf>, WriteError> {
        make_folder(dir)?;
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        let study = &evidence.plan.study;
        let begun = started(evidence);
        let milliseconds = |seconds: f64| ((begun + seconds) * 1_000.0) as i64;
        // Decimal, as MLflow's own ids are.
        let number = u64::from_str_radix(&hex(study)[..14], 16).unwrap_or(1);
        let experiment = format!("{number:018}");
        let folder = dir.join(&experiment);
        make_folder(&folder)?;
        let meta = format!(
            "artifact_location: {}\ncreation_time: {time}\nexperiment_id: '{experiment}'\nlast_update_time: {time}\nlifecycle_stage: active\nname: {}\n",
            quoted(&uri(&folder)),
            quoted(study),
            time = milliseconds(0.0)
        );
        write_bytes(&folder.join("meta.yaml"), meta.as_bytes())?;
        let mut settings = Vec::new();
        if let Some(study) = evidence.study.as_ref().and_then(|s| serde_json::to_value(s).ok()) {
            for part in ["model", "train", "compare", "data"] {
                flatten(part, &study[part], &mut settings);
            }
        }
        let mut written = Vec::new();
        for trial in evidence.trials.iter().filter(|t| !t.epochs.is_empty()) {
            let id = hex(&format!("{study}\n{}\n{}", trial.recipe, trial.seed))[..32].to_owned();
            let run = folder.join(&id);
            for part in ["metrics", "params", "tags", "artifacts"] {
                make_folder(&run.join(part))?;
            }
            let name = format!("{} seed {}", trial.recipe, trial.seed);
            let seconds: f64 = trial.epochs.iter().map(|e| e.seconds).sum();
            // mlflow.entities.RunStatus.
            let (status, end) = match trial.state {
                State::Finished { .. } => (3, milliseconds(seconds).to_string()),
                State::Failed { .. } => (4, milliseconds(seconds).to_string()),
                State::Running | State::Planned => (1, "null".into()),
            };
            let meta = format!(
                "artifact_uri: {}\nend_time: {end}\nentry_point_name: ''\nexperiment_id: '{experiment}'\nlifecycle_stage: active\nrun_id: {id}\nrun_name: {}\n\
                 source_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: {}\nstatus: {status}\ntags: []\nuser_id: bakeoff\n",
                quoted(&uri(&run.join("artifacts"))),
                quoted(&name),
                milliseconds(0.0)
            );
            write_bytes(&run.join("meta.yaml"), meta.as_bytes())?;

            let metrics: [(&str, Value); 7] = [
                ("train_loss", |e| e.train_loss),
                ("train_top1", |e| e.train_top1),
                ("validation_loss", |e| e.validation_loss),
                ("validation_top1", |e| e.validation_top1),
                ("validation_top5", |e| e.validation_top5),
                ("learning_rate", |e| e.learning_rate),
                ("images_per_second", |e| e.images_per_second),
            ];
            for (key, value) in metrics {
                let mut now = 0.0;
                let mut lines = String::new();
                for e in &trial.epochs {
                    now += e.seconds;
                    let _ = writeln!(lines, "{} {} {}", milliseconds(now), value(e), e.epoch);
                }
                write_bytes(&run.join("metrics").join(key), lines.as_bytes())?;
            }
            if let State::Finished { test, .. } = &trial.state {
                let step = trial.epochs.last().map_or(0, |e| e.epoch);
                let compared = (!evidence.is_top1()).then_some(test.compared);
                let values = [
                    ("test_top1", test.top1),
                    ("test_top5", test.top5),
                    ("test_loss", test.loss),
                    ("test_compared", compared),
                ];
                for (key, value) in values {
                    let Some(value) = value else { continue };
                    let line = format!("{} {value} {step}\n", milliseconds(seconds));
                    write_bytes(&run.join("metrics").join(key), line.as_bytes())?;
                }
            }
            let pipeline = evidence
                .plan
                .recipes
                .iter()
                .find(|r| r.name == trial.recipe)
                .map_or(String::new(), |r| r.pipeline.join("; "));
            let own =
                [("recipe", trial.recipe.clone()), ("seed", trial.seed.to_string()), ("pipeline", pipeline)];
            let params = settings
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .chain(own.iter().map(|(k, v)| (*k, v.as_str())));
            for (key, value) in params {
                // MLflow reads one line, and no more than 6,000 characters.
                let value: String = crate::text::plain(value).chars().take(6_000).collect();
                write_bytes(&run.join("params").join(key), value.as_bytes())?;
            }
            for (key, value) in [
                ("mlflow.runName", name.as_str()),
                ("mlflow.user", "bakeoff"),
                ("mlflow.source.name", "bakeoff"),
                ("recipe", &trial.recipe),
            ] {
                write_bytes(&run.join("tags").join(key), crate::text::plain(value).as_bytes())?;
            }
            written.push(run);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_strings_are_escaped() {
        assert_eq!(uri(Path::new("/a b/ü")), "file:///a%20b/%C3%BC");
        assert_eq!(quoted("a: \"b\"\n"), "\"a: \\\"b\\\"\\n\"");
    }

    #[test]
    fn settings_are_named_by_their_place() {
        let mut out = Vec::new();
        flatten("train", &serde_json::json!({"optimizer": {"name": "sgd", "lr": 0.1}, "x": null}), &mut out);
        assert_eq!(key_name("../a/b\n"), ".._a_b_");
        assert_eq!(
            out,
            [
                ("train.optimizer.name".into(), "sgd".into()),
                ("train.optimizer.lr".to_owned(), "0.1".to_owned())
            ]
        );
    }
}

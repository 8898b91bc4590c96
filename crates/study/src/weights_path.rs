//! Where the weights are that someone names: a file, a trial's folder, a folder with parts.

use std::path::{Path, PathBuf};

use crate::folder::RunFolder;

/// The weights file of a trial's folder.
const WEIGHTS: &str = "weights.safetensors";

/// Trials that a message names.
const NAMED: usize = 8;

/// What a path to weights means: the weights file of a trial's folder, or the file or folder itself, for
/// [`bakeoff_nn::WeightSource::read`].
///
/// # Errors
/// A run folder, or a folder with several trials, whose trials are named to choose from; a trial that has not finished; a study file.
pub fn find_weights(path: &Path) -> Result<PathBuf, String> {
    if path.is_dir() {
        return of_folder(path);
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => Err(format!(
            "{} is a study file; name a trial's folder of its run (runs/NAME/trials/RECIPE/seed-1), or a safetensors file",
            path.display()
        )),
        _ if is_record(path) => {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file =
                of_folder(folder).map_or_else(|why| why, |weights| format!("name {}", weights.display()));
            Err(format!("{} is a record of a run and holds no weights; {file}", path.display()))
        }
        _ => Ok(path.to_owned()),
    }
}

/// A file that a run leaves beside its weights.
fn is_record(path: &Path) -> bool {
    const RECORDS: [&str; 9] = [
        "plan.json",
        "study.json",
        "data.json",
        "summary.json",
        "trial.json",
        "metrics.jsonl",
        "predictions.parquet",
        "report.html",
        "checkpoint.safetensors",
    ];
    path.is_file()
        && path.file_name().and_then(|name| name.to_str()).is_some_and(|name| RECORDS.contains(&name))
}

fn of_folder(folder: &Path) -> Result<PathBuf, String> {
    let file = folder.join(WEIGHTS);
    if file.is_file() {
        return Ok(file);
    }
    if folder.join("trial.json").is_file() || folder.join("checkpoint.safetensors").is_file() {
        let text = bakeoff_files::read_text(&folder.join("trial.json"), 1 << 20).unwrap_or_default();
        let finished = text.contains("\"status\": \"finished\"");
        let why = if finished {
            "they were removed. Remove the folder and run its study again: the trial is trained anew, to the same weights"
        } else {
            "the trial has not finished"
        };
        return Err(format!("{} holds no {WEIGHTS}: {why}", folder.display()));
    }
    // In the order they ran, where a run can be read.
    let of_run = || {
        let trials = RunFolder::open(folder).ok()?.trials().ok()?;
        Some(
            trials
                .into_iter()
                .map(|trial| trial.folder)
                .filter(|folder| folder.join(WEIGHTS).is_file())
                .collect(),
        )
    };
    let is_run = folder.join("plan.json").is_file();
    let trials: Vec<PathBuf> = of_run().unwrap_or_else(|| below(folder, 3));
    let what = if is_run { "a run folder" } else { "a folder of trials" };
    match trials.as_slice() {
        [] if is_run => Err(format!("{} is a run folder, and no trial in it has finished", folder.display())),
        // A folder that someone else wrote.
        [] => Ok(folder.to_owned()),
        trials => {
            let named: Vec<String> =
                trials.iter().take(NAMED).map(|trial| trial.display().to_string()).collect();
            let more = if trials.len() > NAMED {
                format!("\n  … and {} more", trials.len() - NAMED)
            } else {
                String::new()
            };
            Err(format!(
                "{} is {what}; name one of its trials:\n  {}{more}",
                folder.display(),
                named.join("\n  ")
            ))
        }
    }
}

/// Folders with a trial's weights, at most so many levels down.
fn below(folder: &Path, levels: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    for folder in folders {
        if folder.join(WEIGHTS).is_file() {
            found.push(folder);
        } else if levels > 1 {
            found.extend(below(&folder, levels - 1));
        }
        // Enough to know, and to name a few.
        if found.len() > 1000 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_of_trials_names_them_and_a_trials_folder_is_its_weights() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        for trial in ["trials/none/seed-1", "trials/none/seed-2", "trials/cutmix/seed-1"] {
            fs::create_dir_all(run.join(trial)).unwrap();
        }
        // Nothing of ours: whoever reads weights says what there is.
        assert_eq!(find_weights(run).unwrap(), run);
        fs::write(run.join("trials/none/seed-1/weights.safetensors"), b"").unwrap();
        fs::write(run.join("trials/none/seed-1/metrics.jsonl"), b"").unwrap();
        fs::write(run.join("trials/none/seed-2/trial.json"), b"{}").unwrap();
        let weights = run.join("trials/none/seed-1/weights.safetensors");
        assert_eq!(find_weights(&run.join("trials/none/seed-1")).unwrap(), weights);
        assert_eq!(find_weights(&weights).unwrap(), weights);
        for above in ["", "trials", "trials/none"] {
            let error = find_weights(&run.join(above)).unwrap_err();
            assert!(error.contains("name one of its trials:") && error.contains("seed-1"), "{error}");
            assert!(!error.contains("seed-2"), "{error}");
        }
        assert!(find_weights(&run.join("trials/none/seed-2")).unwrap_err().contains("has not finished"));
        fs::write(run.join("trials/none/seed-2/trial.json"), "{\n  \"status\": \"finished\"\n}\n").unwrap();
        assert!(find_weights(&run.join("trials/none/seed-2")).unwrap_err().contains("were removed"));
        let error = find_weights(&run.join("trials/none/seed-1/metrics.jsonl")).unwrap_err();
        assert!(error.contains("holds no weights; name "), "{error}");
        assert!(find_weights(Path::new("study.toml")).unwrap_err().contains("is a study file"));
        // A run's plan, of whatever version.
        fs::write(run.join("plan.json"), b"{}").unwrap();
        assert!(find_weights(run).unwrap_err().contains("is a run folder; name one of its trials"));
    }
}

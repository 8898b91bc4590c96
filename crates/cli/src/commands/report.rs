//! `bakeoff report`: the report again, also from a half-done run.

use std::path::PathBuf;

use anyhow::Result;
use bakeoff_study::RunFolder;

use crate::exit::{Exit, note, warn};

/// Make the report of a run folder again; the run may be half done. Trains nothing.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run folder.
    #[arg(value_parser = super::path())]
    run: PathBuf,
    /// Where report.html, figures and tables go [default: the run folder].
    #[arg(long, value_parser = super::path())]
    out: Option<PathBuf>,
    /// Language in which the page opens and its files speak; the page holds both.
    #[arg(long, value_enum, default_value_t)]
    lang: super::Lang,
    /// Also write TensorBoard event files: `DIR/<recipe>/seed-<n>`, for `tensorboard --logdir DIR`.
    #[arg(long, value_name = "DIR", value_parser = super::path())]
    tensorboard: Option<PathBuf>,
    /// Also write the trials as runs into an MLflow file store, for `mlflow ui --backend-store-uri DIR`.
    #[arg(long, value_name = "DIR", value_parser = super::path())]
    mlflow: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let run = RunFolder::open(&arguments.run)?;
    let out = arguments.out.as_deref().unwrap_or(&arguments.run);
    let report = bakeoff_report::write(&run, out, arguments.lang.into())?;
    if let Some(dir) = &arguments.tensorboard {
        bakeoff_report::export(&run, &bakeoff_report::TensorBoard, dir)?;
    }
    if let Some(dir) = &arguments.mlflow {
        bakeoff_report::export(&run, &bakeoff_report::Mlflow, dir)?;
    }
    warn(&report.summary.warnings);
    for trial in &report.summary.failed {
        note(format!("failed: {} seed {}: {}", trial.recipe, trial.seed, trial.reason));
    }
    super::run::tell(&report, arguments.json)?;
    let failed = !report.summary.failed.is_empty();
    Ok(if failed { Exit::SomeTrialsFailed } else { Exit::Done })
}

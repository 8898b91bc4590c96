//! `bakeoff run`: all trials, resumable; the verdict and the report.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bakeoff_study::{RunFolder, RunOptions, Study};

use crate::exit::{Exit, note, out};
use crate::progress::RunProgress;

/// Run all trials of a study, print the verdict, write the report.
///
/// Interrupt it whenever you like: the same command goes on where it was, and ends with the same bits.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study file.
    study: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// What `run` and `demo` share.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run folder [default: `runs/STUDY`].
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Overrides a value of the study file: `train.epochs=20`, `recipe.cutmix.mix.alpha=0.4`. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Threads in all (default: all cores). Results do not depend on it.
    #[arg(long)]
    threads: Option<usize>,
    /// Trials at a time, sharing the threads (default: chosen by the size of the network). Results do not depend on it.
    #[arg(long)]
    jobs: Option<usize>,
    /// Stop at the first image that cannot be used, instead of leaving it out.
    #[arg(long)]
    strict: bool,
    /// Try failed trials again.
    #[arg(long)]
    retry_failed: bool,
    /// Throw away what the run folder holds of trials whose settings have changed, instead of refusing.
    #[arg(long)]
    fresh: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress.
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let Some(study) = super::read_study(&arguments.study, &arguments.options.set) else {
        return Ok(Exit::Usage);
    };
    run_study(&study, &arguments.options)
}

/// Runs a study to its end, or to an interruption, and tells what came out.
pub(crate) fn run_study(study: &Study, options: &Options) -> Result<Exit> {
    let threads = super::threads(options.threads)?;
    let folder = options.out.clone().unwrap_or_else(|| Path::new("runs").join(&study.name));
    let progress = RunProgress::new(options.quiet);
    let stop = super::stop_on_interrupt()?;
    let run_options = RunOptions {
        threads,
        jobs: options.jobs.unwrap_or(0),
        fresh: options.fresh,
        strict: options.strict,
        retry_failed: options.retry_failed,
        ..RunOptions::default()
    };
    let outcome = bakeoff_study::run(study, &RunFolder::at(&folder), &progress, stop, &run_options);
    progress.finish();
    let outcome = outcome?;
    if outcome.interrupted {
        note(format!("interrupted; everything done so far is in {}", folder.display()));
        if outcome.finished == 0 {
            return Ok(Exit::Interrupted);
        }
    }
    let run = RunFolder::open(&folder)?;
    let report = bakeoff_report::write(&run, &folder).with_context(|| {
        format!("the trials are kept in {}, but the report could not be made", folder.display())
    })?;
    tell(&report, options.json)?;
    Ok(if outcome.interrupted {
        Exit::Interrupted
    } else if !outcome.failed.is_empty() {
        Exit::SomeTrialsFailed
    } else {
        Exit::Done
    })
}

/// The verdict and where the page is, or the summary as JSON.
pub(crate) fn tell(report: &bakeoff_report::Report, json: bool) -> Result<()> {
    if !json {
        out("");
    }
    tell_summary(&report.summary, json)?;
    if !json {
        out(format!("\nreport: {}", report.page.display()));
    }
    Ok(())
}

/// The verdict, or the summary as JSON.
pub(crate) fn tell_summary(summary: &bakeoff_report::Summary, json: bool) -> Result<()> {
    if json {
        out(serde_json::to_string_pretty(summary)?);
        return Ok(());
    }
    for line in summary.verdict_lines() {
        out(line);
    }
    Ok(())
}

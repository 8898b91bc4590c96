//! `bakeoff run`: all trials, resumable; the verdict and the report.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bakeoff_stats::fewest_seeds;
use bakeoff_study::records::{PlanRecord, UntilDecided};
use bakeoff_study::{Decide, MOST_TRIALS, RunFolder, RunOptions, Study};

use super::watch::{View, check_terminal, while_covered, while_serving};
use crate::exit::{Exit, note, out, out_folded};
use crate::interrupt;
use crate::progress::RunProgress;

/// Run all trials of a study, print the verdict, write the report.
///
/// Interrupt it whenever you like: the same command goes on where it was, and ends with the same bits.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study file.
    #[arg(value_parser = super::path())]
    study: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// What `run` and `demo` share.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run folder [default: `runs/STUDY`].
    #[arg(long, value_parser = super::path())]
    pub(crate) out: Option<PathBuf>,
    /// Overrides a value of the study file: `train.epochs=20`, `recipe.cutmix.mix.alpha=0.4`. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Threads in all (default: all cores). Results do not depend on it.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
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
    /// Add seeds until every recipe is decided, at most --max-seeds. The study's own seeds are run first; a recipe gets another
    /// one only while it can still change the verdict. The error rate of looking repeatedly stays 5 %.
    #[arg(long, requires = "max_seeds")]
    until_decided: bool,
    /// Seeds at most, declared before the first look: it cannot be changed later.
    #[arg(long, value_name = "N", requires = "until_decided")]
    max_seeds: Option<usize>,
    /// Language in which the page opens and its files speak; the page holds both.
    #[arg(long, value_enum, default_value_t)]
    lang: super::Lang,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    view: View,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let Arguments { study, options } = arguments;
    let threads = super::threads(options.threads)?;
    // The run starts threads of its own.
    let Some(study) = super::in_pool(threads, || Ok(super::read_study(&study, &options.set)))? else {
        return Ok(Exit::Usage);
    };
    run_study(&study, &options, threads)
}

/// Runs a study to its end, or to an interruption, and tells what came out.
pub(crate) fn run_study(study: &Study, options: &Options, threads: usize) -> Result<Exit> {
    let folder = options.out.clone().unwrap_or_else(|| Path::new("runs").join(&study.name));
    let progress = RunProgress::new(options.quiet);
    let stop = interrupt::flag("stopping");
    let run_options = RunOptions {
        threads,
        jobs: super::jobs(options.jobs),
        fresh: options.fresh,
        strict: options.strict,
        retry_failed: options.retry_failed,
        ..RunOptions::default()
    };
    check_terminal(&options.view)?;
    let run_folder = RunFolder::at(&folder);
    let looks = until_decided(study, options)?;
    let train = || match &looks {
        None => bakeoff_study::run(study, &run_folder, &progress, stop, &run_options),
        Some(looks) => {
            bakeoff_study::run_until_decided(study, &run_folder, &progress, stop, &run_options, looks)
        }
    };
    let outcome = while_serving(&options.view, &folder, options.lang, |url| {
        Ok(while_covered(&options.view, &folder, url, train))
    })?;
    interrupt::training(false);
    progress.finish();
    let outcome = outcome?;
    if outcome.interrupted {
        note(format!(
            "interrupted; everything done so far is in {}, and the same command goes on from there:\n  {}",
            folder.display(),
            interrupt::this_command()
        ));
        if outcome.finished == 0 {
            return Ok(Exit::Interrupted);
        }
    }
    let run = RunFolder::open(&folder)?;
    let report = bakeoff_report::write(&run, &folder, options.lang.into()).with_context(|| {
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

/// What `--until-decided` declares, checked against the study.
fn until_decided(study: &Study, options: &Options) -> Result<Option<SeedDecision>> {
    let Some(most) = options.max_seeds.filter(|_| options.until_decided) else { return Ok(None) };
    let (first, recipes) = (study.seeds().len(), study.pipelines().len());
    if most > MOST_TRIALS / recipes.max(1) {
        bail!(
            "--max-seeds is {most}: with {recipes} recipes a study has at most {MOST_TRIALS} trials, {} seeds",
            MOST_TRIALS / recipes.max(1)
        );
    }
    if most < first {
        bail!("--max-seeds is {most}, but the study already has {first} seeds (compare.seeds)");
    }
    let fewest = fewest_seeds(bakeoff_stats::LEVEL);
    if most < fewest {
        bail!("--max-seeds is {most}: fewer than {fewest} seeds cannot show a recipe to be better or worse");
    }
    Ok(Some(SeedDecision(UntilDecided { first, most })))
}

/// Looks at the results after every seed.
struct SeedDecision(UntilDecided);

impl Decide for SeedDecision {
    fn declared(&self) -> UntilDecided {
        self.0
    }

    fn open(&self, plan: &PlanRecord, folder: &RunFolder) -> Result<Vec<String>, String> {
        bakeoff_findings::open_recipes(plan, folder).map_err(|error| error.to_string())
    }
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
pub(crate) fn tell_summary(summary: &bakeoff_findings::Summary, json: bool) -> Result<()> {
    if json {
        out(serde_json::to_string_pretty(summary)?);
        return Ok(());
    }
    for line in summary.verdict_lines() {
        out_folded(&line);
    }
    Ok(())
}

//! `bakeoff compare`: the statistics and the report of studies made with another trainer.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use bakeoff_report::results::{Pattern, Results, ResultsOptions, Source};
use bakeoff_study::Headline;

use crate::exit::{Exit, note};

/// Compare recipes trained elsewhere, from CSV files: the same statistics, verdicts and report.
///
/// One file of predictions with the columns recipe, seed, image, and correct (0/1), or label and predicted, or probability
/// (of the true class); or a row per run with recipe, seed, accuracy; or a training log per run: timm's summary.csv, Keras'
/// CSVLogger, Lightning's metrics.csv, Ultralytics' results.csv, whose paths say recipe and seed. Columns may stand in any
/// order, others are ignored. Runs are paired by seed: give recipes the same seeds for the same split and initial weights.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    bakeoff compare results.csv --baseline none\n  \
    bakeoff compare 'output/*/seed-*/summary.csv' --baseline none --out report\n  \
    bakeoff compare --run none/1=a/metrics.csv --run cutmix/1=b/metrics.csv --metric val_acc")]
pub(crate) struct Arguments {
    /// CSV files, or patterns such as `logs/*/seed-*/summary.csv`.
    files: Vec<String>,
    /// Recipe and seed of a training log, where its path does not say. May be repeated.
    #[arg(long, value_name = "RECIPE/SEED=FILE")]
    run: Vec<Named>,
    /// Where recipe and seed stand in the paths of training logs: `{recipe}/seed-{seed}/summary.csv`.
    #[arg(long)]
    pattern: Option<Pattern>,
    /// The recipe the others are compared with [default: the one called none or baseline].
    #[arg(long)]
    baseline: Option<String>,
    /// Difference in points that would matter to you: within it, recipes count as equivalent.
    #[arg(long, default_value_t = 1.0)]
    margin: f64,
    /// Column of training logs that is compared [default: the test or validation accuracy].
    #[arg(long)]
    metric: Option<String>,
    /// Which epoch of a training log counts: last, best-on-validation, median-of-last-k.
    #[arg(long, default_value = "last", value_parser = |text: &str| Headline::try_from(text.to_owned()))]
    headline: Headline,
    /// Name of the comparison in the report [default: the first file's].
    #[arg(long)]
    name: Option<String>,
    /// Write report.html, figures, summary.json and tables into this folder.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Language in which the page opens and its files speak; the page holds both.
    #[arg(long, value_enum, default_value_t)]
    lang: super::Lang,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// `RECIPE/SEED=FILE`.
#[derive(Clone, Debug)]
struct Named(Source);

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not RECIPE/SEED=FILE, such as cutmix/3=logs/a.csv");
        let (run, path) = text.split_once('=').ok_or_else(wrong)?;
        let (recipe, seed) = run.rsplit_once('/').ok_or_else(wrong)?;
        let seed = seed.parse().map_err(|_| wrong())?;
        if recipe.is_empty() || path.is_empty() {
            return Err(wrong());
        }
        Ok(Self(Source { path: path.into(), run: Some((recipe.to_owned(), seed)) }))
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    if !(arguments.margin > 0.0 && arguments.margin <= 100.0) {
        bail!("--margin is {}, must be above 0 and at most 100 points", arguments.margin);
    }
    let mut sources = Vec::new();
    for file in &arguments.files {
        sources.extend(matching(file)?.into_iter().map(Source::of));
    }
    sources.extend(arguments.run.into_iter().map(|named| named.0));
    if sources.is_empty() {
        bail!("no file was given: bakeoff compare results.csv --baseline NAME");
    }
    let options =
        ResultsOptions { metric: arguments.metric, headline: arguments.headline, pattern: arguments.pattern };
    let mut results = Results::read(&sources, &options)?;
    if let Some(name) = arguments.name {
        results.name = name;
    }
    let baseline = results.baseline(arguments.baseline.as_deref())?;
    if !arguments.json {
        let seeds = |recipe: &str| results.runs.iter().filter(|run| run.recipe == *recipe).count();
        let recipes = results.recipes();
        let read: Vec<String> =
            recipes.iter().map(|recipe| format!("{recipe} × {}", seeds(recipe))).collect();
        note(format!("read (recipe × seeds): {}; compared: {}", read.join(", "), results.metric));
    }
    let Some(folder) = arguments.out else {
        let summary = bakeoff_report::summarise_results(&results, &baseline, arguments.margin)?;
        warn(&summary);
        super::run::tell_summary(&summary, arguments.json)?;
        return Ok(Exit::Done);
    };
    let report =
        bakeoff_report::write_results(&results, &baseline, arguments.margin, &folder, arguments.lang.into())?;
    warn(&report.summary);
    super::run::tell(&report, arguments.json)?;
    if arguments.json {
        note(format!("report: {}", report.page.display()));
    }
    Ok(Exit::Done)
}

fn warn(summary: &bakeoff_report::Summary) {
    for warning in &summary.warnings {
        note(format!("warning: {warning}"));
    }
}

/// A file by its name, or all that match a pattern, in the order of their names.
fn matching(file: &str) -> Result<Vec<PathBuf>> {
    if PathBuf::from(file).exists() || !file.contains(['*', '?', '[']) {
        return Ok(vec![file.into()]);
    }
    let paths = glob::glob(file).with_context(|| format!("`{file}` is no pattern"))?;
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
    if paths.is_empty() {
        bail!("no file matches `{file}`");
    }
    Ok(paths)
}

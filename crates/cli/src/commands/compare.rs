//! `bakeoff compare`: the statistics and the report of studies made with another trainer, and of several data sets together.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use bakeoff_evidence::results::{MetricUnit, Pattern, Results, ResultsOptions, Source};
use bakeoff_findings::aggregate::{DataSet, aggregate};
use bakeoff_report::aggregate::write_aggregate;
use bakeoff_stats::{Direction, Unit};
use bakeoff_study::{Headline, RunFolder};

use crate::exit::{Exit, note, out, out_folded, warn};

/// Recipes that are named when it is told what was read.
const NAMED: usize = 50;

/// Compare recipes trained elsewhere, from CSV files: the same statistics, verdicts and report.
///
/// One file of predictions with the columns recipe, seed, image, and correct (0/1), or label and predicted, or probability
/// (of the true class); or a row per run with recipe, seed, accuracy; or a training log per run: timm's summary.csv, Keras'
/// CSVLogger, Lightning's metrics.csv, Ultralytics' results.csv, whose paths say recipe and seed. Columns may stand in any
/// order, others are ignored. Runs are paired by seed: give recipes the same seeds for the same split and initial weights.
///
/// Several data sets (a column `dataset`, files that hold the same runs, run folders, or --data-set) give the interquartile mean
/// and the probability of improvement over all of them.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    bakeoff compare results.csv --baseline none\n  \
    bakeoff compare 'output/*/seed-*/summary.csv' --baseline none --out report\n  \
    bakeoff compare --run none/1=a/metrics.csv --run cutmix/1=b/metrics.csv --metric val_acc\n  \
    bakeoff compare pets.csv dogs.csv birds.csv --out report        several data sets\n  \
    bakeoff compare runs/pets runs/dogs\n  \
    bakeoff compare --data-set 'pets=pets/*/seed-*/summary.csv' --data-set 'dogs=dogs/*/seed-*/summary.csv'")]
pub(crate) struct Arguments {
    /// CSV files, or patterns such as `logs/*/seed-*/summary.csv`; or run folders, each a data set.
    files: Vec<String>,
    /// Files of one data set, where their names and columns do not say. May be repeated, also for one data set.
    #[arg(long, value_name = "NAME=FILES")]
    data_set: Vec<OfDataSet>,
    /// Recipe and seed of a training log, where its path does not say. May be repeated.
    #[arg(long, value_name = "RECIPE/SEED=FILE")]
    run: Vec<Named>,
    /// Where recipe and seed stand in the paths of training logs: `{recipe}/seed-{seed}/summary.csv`.
    #[arg(long)]
    pattern: Option<Pattern>,
    /// The recipe the others are compared with [default: the one called none or baseline].
    #[arg(long)]
    baseline: Option<String>,
    /// Difference that would matter to you: within it, recipes count as equivalent. In points; of a loss, as it is written
    /// [default: 1 point; of a loss none].
    #[arg(long)]
    margin: Option<f64>,
    /// Column of training logs or of runs that is compared [default: the test or validation accuracy].
    #[arg(long)]
    metric: Option<String>,
    /// A lower value of the metric is better [default: as its name says: of losses and errors].
    #[arg(long, conflicts_with = "higher_is_better")]
    lower_is_better: bool,
    /// A higher value of the metric is better [default: as its name says: of accuracies].
    #[arg(long)]
    higher_is_better: bool,
    /// Unit in which all files write the metric, where their values do not tell: fraction (0 to 1), percent (0 to 100), or plain
    /// for what is no share, such as a loss.
    #[arg(long, value_parser = metric_unit, value_name = "fraction|percent|plain")]
    unit: Option<MetricUnit>,
    /// Which epoch of a training log counts: last, best-on-validation, median-of-last-k.
    #[arg(long, default_value = "last", value_parser = |text: &str| Headline::try_from(text.to_owned()))]
    headline: Headline,
    /// Name of the comparison in the report [default: the first file's].
    #[arg(long)]
    name: Option<String>,
    /// Write report.html, figures, summary.json and tables into this folder.
    #[arg(long, value_parser = super::path())]
    out: Option<PathBuf>,
    /// Language in which the page opens and its files speak; the page holds both.
    #[arg(long, value_enum, default_value_t)]
    lang: super::Lang,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn metric_unit(text: &str) -> Result<MetricUnit, String> {
    match text {
        "fraction" => Ok(MetricUnit::Fraction),
        "percent" => Ok(MetricUnit::Percent),
        "plain" => Ok(MetricUnit::Plain),
        _ => Err("must be fraction, percent or plain".into()),
    }
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
        let path = bakeoff_data::expand(Path::new(path)).map_err(|error| error.to_string())?;
        Ok(Self(Source { path, run: Some((recipe.to_owned(), seed)) }))
    }
}

/// `NAME=FILES`.
#[derive(Clone, Debug)]
struct OfDataSet {
    name: String,
    files: String,
}

impl FromStr for OfDataSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, files)) if !name.is_empty() && !files.is_empty() => {
                Ok(Self { name: name.to_owned(), files: files.to_owned() })
            }
            _ => Err(format!("`{text}` is not NAME=FILES, such as pets='pets/*/seed-*/summary.csv'")),
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    if let Some(margin) = arguments.margin.filter(|margin| !(*margin > 0.0 && margin.is_finite())) {
        bail!("--margin is {margin}, must be above 0 and, of accuracies, at most 100 points");
    }
    let (mut sources, mut folders) = (Vec::new(), Vec::new());
    for file in &arguments.files {
        let (found, files): (Vec<_>, Vec<_>) = matching(file)?.into_iter().partition(|path| path.is_dir());
        folders.extend(found);
        sources.extend(files.into_iter().map(Source::of));
    }
    sources.extend(arguments.run.iter().map(|named| named.0.clone()));
    if sources.is_empty() && folders.is_empty() && arguments.data_set.is_empty() {
        bail!("no file was given: bakeoff compare results.csv --baseline NAME");
    }
    if sources.is_empty() && arguments.data_set.is_empty() {
        only_of_files(&arguments)?;
    }
    let options = ResultsOptions {
        metric: arguments.metric.clone(),
        direction: match (arguments.lower_is_better, arguments.higher_is_better) {
            (true, _) => Some(Direction::LowerIsBetter),
            (_, true) => Some(Direction::HigherIsBetter),
            _ => None,
        },
        unit: arguments.unit,
        headline: arguments.headline,
        pattern: arguments.pattern.clone(),
    };
    let mut all = if sources.is_empty() { Vec::new() } else { Results::read_all(&sources, &options)? };
    if all.len() != 1 || !folders.is_empty() || !arguments.data_set.is_empty() {
        return over_data_sets(&arguments, &all, &folders, &options);
    }
    let mut results = all.remove(0);
    if let Some(name) = arguments.name {
        results.name = name;
    }
    let baseline = results.baseline(arguments.baseline.as_deref())?;
    if !arguments.json {
        let recipes = results.runs_of_recipes();
        let named = recipes.iter().take(NAMED).map(|(recipe, runs)| format!("{recipe} × {runs}"));
        let more = recipes.len().saturating_sub(NAMED);
        let read: Vec<String> = named.chain((more > 0).then(|| format!("and {more} more"))).collect();
        let taken: String = results.notes.iter().map(|note| format!("; {note}")).collect();
        note(format!("read (recipe × seeds): {}; compared: {}{taken}", read.join(", "), results.metric));
    }
    let margin = margin(arguments.margin, &results)?;
    let Some(folder) = arguments.out else {
        let summary = bakeoff_findings::summarise_results(&results, &baseline, margin)?;
        warn(&summary.warnings);
        super::run::tell_summary(&summary, arguments.json)?;
        return Ok(Exit::Done);
    };
    let report = bakeoff_report::write_results(&results, &baseline, margin, &folder, arguments.lang.into())?;
    warn(&report.summary.warnings);
    super::run::tell(&report, arguments.json)?;
    if arguments.json {
        note(format!("report: {}", report.page.display()));
    }
    Ok(Exit::Done)
}

/// Refuses options for run folders, whose studies declared all of this before they were run.
fn only_of_files(arguments: &Arguments) -> Result<()> {
    let options = [
        ("--metric", arguments.metric.is_some()),
        ("--lower-is-better", arguments.lower_is_better),
        ("--higher-is-better", arguments.higher_is_better),
        ("--unit", arguments.unit.is_some()),
        ("--headline", arguments.headline != Headline::default()),
        ("--pattern", arguments.pattern.is_some()),
        ("--margin", arguments.margin.is_some()),
    ];
    match options.into_iter().find(|(_, given)| *given) {
        Some((option, _)) => {
            bail!("{option} is for files of other trainers: run folders say it themselves. Leave it out")
        }
        None => Ok(()),
    }
}

/// The margin in points, or in the unit of a metric that has none.
fn margin(asked: Option<f64>, results: &Results) -> Result<f64> {
    match (results.measure.unit, asked) {
        (Unit::Percent, Some(margin)) if margin > 100.0 => {
            bail!("--margin is {margin}, must be above 0 and at most 100 points")
        }
        (Unit::Percent, margin) => Ok(margin.unwrap_or(1.0)),
        // Nobody but the user can say which difference of a loss matters.
        (Unit::Plain, margin) => Ok(margin.unwrap_or(0.0)),
    }
}

/// The aggregate over several data sets.
fn over_data_sets(
    arguments: &Arguments,
    read: &[Results],
    folders: &[PathBuf],
    options: &ResultsOptions,
) -> Result<Exit> {
    if arguments.name.is_some() {
        bail!(
            "--name names one comparison; data sets are named by --data-set NAME=FILES, by files, columns or studies"
        );
    }
    let mut named: Vec<(&str, Vec<Source>)> = Vec::new();
    for OfDataSet { name, files } in &arguments.data_set {
        let sources = matching(files)?.into_iter().map(Source::of);
        match named.iter_mut().find(|(other, _)| other == name) {
            Some((_, other)) => other.extend(sources),
            None => named.push((name, sources.collect())),
        }
    }
    let mut sets = Vec::new();
    let asked = arguments.baseline.as_deref();
    let mut add = |results: &Results| -> Result<()> {
        let of = |error| anyhow::Error::from(error).context(format!("data set \"{}\"", results.name));
        let baseline = results.baseline(asked).map_err(of)?;
        if !arguments.json && !results.notes.is_empty() {
            note(format!("{}: {}", results.name, results.notes.join("; ")));
        }
        sets.push(DataSet::of_results(results, &baseline, margin(arguments.margin, results)?)?);
        Ok(())
    };
    for results in read {
        add(results)?;
    }
    for (name, sources) in named {
        let results = Results::read(&sources, options).with_context(|| format!("data set \"{name}\""))?;
        add(&Results { name: name.to_owned(), ..results })?;
    }
    for folder in folders {
        let set = DataSet::of_run(&RunFolder::open(folder)?)?;
        if let Some(asked) = asked.filter(|asked| *asked != set.summary.baseline) {
            bail!(
                "{} compares with \"{}\", as its study declared before it was run; --baseline {asked} would change that afterwards",
                folder.display(),
                set.summary.baseline
            );
        }
        sets.push(set);
    }
    let aggregate = aggregate(&sets)?;
    warn(&aggregate.warnings);
    let page = match &arguments.out {
        Some(folder) => Some(write_aggregate(&aggregate, folder, arguments.lang.into())?),
        None => None,
    };
    if arguments.json {
        out(serde_json::to_string_pretty(&aggregate)?);
    } else {
        aggregate.lines().iter().for_each(|line| out_folded(line));
    }
    if let Some(page) = page {
        let line = format!("report: {}", page.display());
        if arguments.json { note(line) } else { out(format!("\n{line}")) }
    }
    Ok(Exit::Done)
}

/// A file by its name, or all that match a pattern, in the order of their names.
fn matching(file: &str) -> Result<Vec<PathBuf>> {
    let expanded = bakeoff_data::expand(Path::new(file))?;
    let file = expanded.to_str().unwrap_or(file);
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

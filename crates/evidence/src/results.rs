//! Results of other trainers, read from CSV: one row per prediction, one row per run, or one training log per run.
//!
//! | a row is | columns |
//! |---|---|
//! | a prediction | `recipe`, `seed`, `image`, and `correct` (0/1, true/false), or `label` and `predicted`, or `probability` (of the true class) |
//! | a run | `recipe`, `seed`, and `accuracy` or `top1` |
//! | an epoch | `epoch` and a metric: timm's `summary.csv`, Keras' `CSVLogger`, Lightning's `metrics.csv`, Ultralytics' `results.csv` |
//!
//! A column `dataset` (or `data_set`) beside those of a prediction or a run names the data set it is of ([`Results::read_all`]).
//! Columns stand in any order, others are ignored, names are matched without regard to case. Recipe and seed of a log come
//! from its columns, from its path ([`place`](Source::of)), or from the caller.
//!
//! A verdict must not rest on a misunderstanding. So separators, encodings and decimal signs are found out
//! ([`bakeoff_data::delimited`]); the way that is good is told by a metric's name, or refused; its unit is told log by log, and logs
//! in fractions are never compared with logs in percent; the order of epochs is that of the rows; labels and predictions have to be of
//! the same words. What was decided is in [`Results::notes`] and [`Results::warnings`].

mod cells;
mod epochs;
mod error;
mod identical;
mod kept;
mod kind;
mod log;
mod metric;
mod opened;
mod place;
mod records;
mod table;
mod told;
mod unit;
mod vocabulary;

use bakeoff_data::nearest;
use bakeoff_stats::Unit;
use kind::Kind;
use opened::Opened;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use told::{Told, alike, shown, shown_path};

pub use error::ResultsError;
pub use metric::is_top1;
pub use place::Pattern;
pub use records::{MetricUnit, Results, ResultsOptions, Run, Source};

/// Recipes of a data set, as of a study, and data sets of a comparison.
const MOST: usize = 1000;
/// Seeds of a recipe, as of a study.
const MOST_SEEDS: usize = 10_000;

/// What several tables without a column of data sets are to one another.
#[derive(Debug, Default)]
struct Shared {
    /// A run stands in more than one of them.
    run: bool,
    /// What should be said of those that were put together although the same recipes stand in several of them.
    parts: Option<String>,
}

/// Whether files are data sets or parts of one.
fn shared(sources: &[Source], options: &ResultsOptions) -> Result<Shared, ResultsError> {
    if sources.len() < 2 {
        return Ok(Shared::default());
    }
    let mut files: HashMap<(String, u64), usize> = HashMap::new();
    for (number, source) in sources.iter().enumerate() {
        let opened = Opened::read(&source.path)?;
        let header = &opened.header;
        let kind = header.kind(options)?;
        let table = matches!(kind, Kind::Predictions | Kind::Runs) && header.data_set().is_none();
        // What is wrong with a table is said when it is read in earnest.
        let Some((recipe, seed)) = header.find("recipe").zip(header.find("seed")).filter(|_| table) else {
            return Ok(Shared::default());
        };
        let mut last: Option<(String, u64)> = None;
        for row in opened.rows() {
            let Ok(row) = row else { return Ok(Shared::default()) };
            let Ok(seed) = cells::seed_of(row.cell(seed), None) else { return Ok(Shared::default()) };
            // Rows of a run mostly stand together.
            if last.as_ref().is_some_and(|(name, last)| name == row.cell(recipe) && *last == seed) {
                continue;
            }
            let run = (row.cell(recipe).to_owned(), seed);
            if *files.entry(run.clone()).or_insert(number) != number {
                return Ok(Shared { run: true, parts: None });
            }
            last = Some(run);
        }
    }
    Ok(Shared { run: false, parts: parts(sources, &files) })
}

/// That files with several seeds of the same recipes were put together: they may as well be data sets whose seeds go on counting.
fn parts(sources: &[Source], files: &HashMap<(String, u64), usize>) -> Option<String> {
    let mut seeds: BTreeMap<&str, BTreeMap<usize, Vec<u64>>> = BTreeMap::new();
    for ((recipe, seed), file) in files {
        seeds.entry(recipe).or_default().entry(*file).or_default().push(*seed);
    }
    // A file per recipe and a file per seed are usual.
    let several =
        |files: &BTreeMap<usize, Vec<u64>>| files.values().filter(|seeds| seeds.len() > 1).count() > 1;
    let (recipe, files) = seeds.into_iter().find(|(_, files)| several(files))?;
    let path = |file: &usize| shown_path(&sources[*file].path);
    let some = files.into_iter().take(2).map(|(file, seeds)| {
        let (least, most) = (seeds.iter().min().copied(), seeds.iter().max().copied());
        format!("{} to {} in {}", least.unwrap_or(0), most.unwrap_or(0), path(&file))
    });
    let some: Vec<String> = some.collect();
    let named = |source: &Source| {
        let stem =
            source.path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        format!("--data-set {}={}", crate::text::plain(&stem), shown_path(&source.path))
    };
    Some(format!(
        "{} files were put together as parts of one data set, since no run stands in two of them: the seeds of {} are {}, for example. If they \
         are several data sets, say so: {}{}",
        sources.len(),
        shown(recipe),
        crate::text::list(&some),
        sources.iter().take(2).map(named).collect::<Vec<_>>().join(" "),
        if sources.len() > 2 { " …" } else { "" }
    ))
}

impl Results {
    /// Reads files of one kind and one data set.
    ///
    /// # Errors
    /// A file cannot be read, a column is missing, a value cannot be, a prediction stands twice, or runs are not of the same
    /// images; each with its place. Or the files are of several data sets.
    pub fn read(sources: &[Source], options: &ResultsOptions) -> Result<Self, ResultsError> {
        let mut all = Self::read_group(sources, options)?;
        match all.len() {
            1 => Ok(all.remove(0)),
            count => {
                let names: Vec<String> = all.iter().map(|r| format!("\"{}\"", shown(&r.name))).collect();
                Err(ResultsError::SeveralDataSets { count, names: crate::text::list(&names) })
            }
        }
    }

    /// Reads files of one kind and of any number of data sets: those that a column `dataset` names; where none does but one
    /// run (recipe and seed) stands in several files, each file is a data set, named as the file is; otherwise it is one.
    ///
    /// # Errors
    /// As [`Results::read`].
    pub fn read_all(sources: &[Source], options: &ResultsOptions) -> Result<Vec<Self>, ResultsError> {
        let shared = shared(sources, options)?;
        if !shared.run {
            let mut all = Self::read_group(sources, options)?;
            if let Some(first) = all.first_mut() {
                first.warnings.splice(0..0, shared.parts);
            }
            return Ok(all);
        }
        let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let names: Vec<Option<String>> = sources.iter().map(|source| stem(&source.path)).collect();
        let one = |(source, name): (&Source, &Option<String>)| {
            let mut results = Self::read(std::slice::from_ref(source), options)?;
            if names.iter().filter(|other| *other == name).count() > 1 {
                results.name = source.path.with_extension("").display().to_string();
            }
            Ok(results)
        };
        let mut all: Vec<Self> = sources.iter().zip(&names).map(one).collect::<Result<_, _>>()?;
        let names: Vec<String> = all.iter().map(|results| results.name.clone()).collect();
        if let Some(warning) = alike("data sets", &names) {
            all[0].warnings.push(warning);
        }
        Ok(all)
    }

    /// Reads files that belong together; several only where a column names data sets.
    fn read_group(sources: &[Source], options: &ResultsOptions) -> Result<Vec<Self>, ResultsError> {
        let mut kind: Option<(Kind, &Path)> = None;
        let mut tables = table::Tables::new(options);
        let mut logs = log::Logs::new(options);
        let mut told = Told::default();
        let mut formats: BTreeMap<String, usize> = BTreeMap::new();
        for source in sources {
            let opened = Opened::read(&source.path)?;
            let path = shown_path(&source.path);
            for warning in opened.warnings() {
                let kind = if warning.contains("UTF-8") { "encoding" } else { "file" };
                let end = if warning.ends_with(['.', '?']) { "" } else { "." };
                told.tell(kind, || format!("{path}: {warning}{end}"));
            }
            if !opened.format().is_usual() {
                *formats.entry(opened.format().to_string()).or_default() += 1;
            }
            let found = opened.header.kind(options)?;
            let (first, of) = *kind.get_or_insert((found, &source.path));
            if first != found {
                return Err(ResultsError::Mixed {
                    path: source.path.clone(),
                    kind: found.words(),
                    other: of.to_owned(),
                    other_kind: first.words(),
                });
            }
            if source.run.is_some() && found != Kind::Log {
                return Err(found.no_use(
                    &source.path,
                    "--run",
                    "training logs whose paths do not say recipe and seed",
                ));
            }
            match found {
                Kind::Predictions | Kind::Runs => tables.read(&opened, found, &mut told)?,
                Kind::Log => logs.read(&opened, source, &mut told)?,
            }
        }
        let Some((kind, first)) = kind else {
            return Err(ResultsError::Empty { path: PathBuf::new(), message: "no file was given" });
        };
        let mut all = match kind {
            Kind::Predictions | Kind::Runs => tables.finish(first)?,
            Kind::Log => vec![logs.finish(first, &mut told)?],
        };
        let alone = all.len() == 1;
        let mut warnings = told.sentences();
        let names: Vec<String> = all.iter().map(|results| results.name.clone()).collect();
        warnings.extend(alike("data sets", &names));
        let taken = formats.into_iter().map(|(format, files)| match files {
            1 => format!("one file was read as {format}"),
            files => format!("{files} files were read as {format}"),
        });
        let taken: Vec<String> = taken.collect();
        for results in &mut all {
            // A single data set is called by its file, as it is where no column names it.
            if alone {
                results.name =
                    first.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
            }
            let recipes = results.recipes();
            ResultsError::too_many("recipes", recipes.len(), MOST)?;
            let seeds = results.runs_of_recipes().into_iter().map(|(_, seeds)| seeds).max();
            ResultsError::too_many("seeds", seeds.unwrap_or(0), MOST_SEEDS)?;
            let at: HashMap<&str, usize> = recipes.iter().map(String::as_str).zip(0..).collect();
            results.runs.sort_by_key(|run| (at.get(run.recipe.as_str()).copied(), run.seed));
            results.warnings.extend(alike("recipes", &recipes));
            results.warnings.extend(results.suspicious());
            let identical = identical::found(&results.runs, &results.labels)?;
            results.warnings.extend(identical);
            results.notes.extend(taken.iter().cloned());
        }
        // What is wrong with the files is said once, of the first data set.
        if let Some(first) = all.first_mut() {
            warnings.append(&mut first.warnings);
            first.warnings = warnings;
        }
        Ok(all)
    }

    /// Accuracies of exactly 0 or 1, which are more often a misunderstanding than a result.
    fn suspicious(&self) -> Option<String> {
        if self.measure.unit != Unit::Percent {
            return None;
        }
        let of = |recipe: &String| {
            let mut values = self.runs.iter().filter(|run| run.recipe == *recipe).map(|run| run.value);
            let first = values.next().filter(|value| *value == 0.0 || *value == 1.0)?;
            values.all(|value| value == first).then(|| format!("{} ({} %)", shown(recipe), first * 100.0))
        };
        let found: Vec<String> = self.recipes().iter().filter_map(of).collect();
        (!found.is_empty()).then(|| {
            format!(
                "Every run of {} is exactly 0 % or 100 %: was that measured, or are the files not what they were taken for?",
                crate::text::list(&found)
            )
        })
    }

    /// Recipes in the order they were met.
    #[must_use]
    pub fn recipes(&self) -> Vec<String> {
        let mut met = HashSet::new();
        let first = self.runs.iter().filter(|run| met.insert(run.recipe.as_str()));
        first.map(|run| run.recipe.clone()).collect()
    }

    /// How many runs each recipe has, in the order of [`Results::recipes`].
    #[must_use]
    pub fn runs_of_recipes(&self) -> Vec<(String, usize)> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        self.runs.iter().for_each(|run| *counts.entry(&run.recipe).or_default() += 1);
        let count = |recipe: String| {
            let runs = counts.get(recipe.as_str()).copied().unwrap_or_default();
            (recipe, runs)
        };
        self.recipes().into_iter().map(count).collect()
    }

    /// The recipe the others are compared with: the one asked for, or the one called `none` or `baseline`.
    ///
    /// # Errors
    /// There is no such recipe, or there is only one.
    pub fn baseline(&self, asked: Option<&str>) -> Result<String, ResultsError> {
        let recipes = self.recipes();
        let known =
            crate::text::list(&recipes.iter().map(|r| format!("\"{}\"", shown(r))).collect::<Vec<_>>());
        let baseline = match asked {
            Some(name) if recipes.iter().any(|r| r == name) => name.to_owned(),
            Some(name) => {
                let near = nearest(name, recipes.iter().map(String::as_str));
                let nearest = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                return Err(ResultsError::UnknownBaseline { name: name.into(), nearest, known });
            }
            None => {
                let usual = ["none", "baseline"].into_iter().find(|usual| recipes.iter().any(|r| r == usual));
                usual.ok_or(ResultsError::NoBaseline { known })?.to_owned()
            }
        };
        match recipes.as_slice() {
            [recipe] => Err(ResultsError::OneRecipe { recipe: recipe.clone() }),
            _ => Ok(baseline),
        }
    }

    /// Runs whose seed the baseline, or no other recipe, has: said, since they are not compared.
    pub(crate) fn unpaired(&self, baseline: &str) -> Vec<String> {
        let seeds = |recipe: &str| -> Vec<u64> {
            self.runs.iter().filter(|run| run.recipe == recipe).map(|run| run.seed).collect()
        };
        let theirs = seeds(baseline);
        let recipes = self.recipes();
        let others = recipes.iter().filter(|recipe| *recipe != baseline);
        others
            .filter_map(|recipe| {
                let ours = seeds(recipe);
                let lone = |a: &[u64], b: &[u64]| -> Vec<String> {
                    a.iter().filter(|seed| !b.contains(seed)).map(u64::to_string).collect()
                };
                let (here, there) = (lone(&ours, &theirs), lone(&theirs, &ours));
                (!here.is_empty() || !there.is_empty()).then(|| {
                    let mut parts = Vec::new();
                    for (name, seeds) in [(recipe.as_str(), here), (baseline, there)] {
                        if !seeds.is_empty() {
                            let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
                            parts.push(format!("{noun} {} of {name}", crate::text::list(&seeds)));
                        }
                    }
                    format!(
                        "{recipe} and {baseline} are compared over the seeds both have: {} left out.",
                        parts.join(" and ")
                    )
                })
            })
            .collect()
    }
}

//! The same recipes on several data sets: interquartile mean and probability of improvement over all of them together, as rliable
//! defines them ([`bakeoff_stats::aggregate`]).
//!
//! Each data set keeps its own differences and verdicts. Over data sets there is no verdict: they are the ones somebody chose, not
//! a sample of others.

use crate::FindingsError;
use crate::assess::assess_with;
use crate::summary::{self, Summary};
use bakeoff_evidence::{Evidence, Results, aligned, list, plain};
use bakeoff_stats::aggregate::{interquartile_mean, probability_of_improvement, stratified};
use bakeoff_stats::wording::count;
use bakeoff_stats::{Direction, FEWEST_IMAGES, LEVEL, Measure, Unit, Verdict, fewest_seeds};
use bakeoff_study::RunFolder;
use bakeoff_study::records::RecipeRecord;
use serde::{Deserialize, Serialize};

/// With fewer runs of a recipe on a data set, resampling them says nothing of others.
pub const FEWEST_RUNS: usize = 3;
const REPLICATES: usize = 2_000;
const CONFIDENCE: f64 = 0.95;

/// One data set: what the recipes did there.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// Name.
    pub name: String,
    /// File or folder, for messages; also tells data sets of one name apart.
    pub place: String,
    /// Numbers and verdicts of this data set alone.
    pub summary: Summary,
    /// What each recipe does, where that is known.
    recipes: Vec<RecipeRecord>,
    /// Test images, where that is known.
    images: Option<usize>,
}

impl DataSet {
    /// A run folder, called by its study.
    ///
    /// # Errors
    /// As [`Evidence::read`].
    pub fn of_run(run: &RunFolder) -> Result<Self, FindingsError> {
        let evidence = Evidence::read(run)?;
        let assessment = assess_with(&evidence, false)?;
        let images = assessment.comparisons.iter().filter_map(|c| c.images).min();
        let summary = assessment.summary;
        let place = run.path().display().to_string();
        Ok(Self { name: summary.study.clone(), place, summary, recipes: evidence.plan.recipes, images })
    }

    /// Another trainer's results. `margin` is in points.
    ///
    /// # Errors
    /// The results contradict each other.
    pub fn of_results(results: &Results, baseline: &str, margin: f64) -> Result<Self, FindingsError> {
        let evidence = Evidence::elsewhere(results, baseline, margin);
        let summary = assess_with(&evidence, false)?.summary;
        let images = Some(results.images.len()).filter(|images| *images > 0);
        let (name, place) = (results.name.clone(), results.name.clone());
        Ok(Self { name, place, summary, recipes: Vec::new(), images })
    }
}

/// Why data sets cannot be taken together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// Nothing to aggregate over.
    #[error(
        "all results are of one data set, \"{name}\": an aggregate needs a second one. Its own verdicts come from `bakeoff report` for a run \
         folder, and from `bakeoff compare` without --data-set for files"
    )]
    OneDataSet {
        /// Its name.
        name: String,
    },
    /// Different baselines.
    #[error(
        "{first} compares with \"{baseline}\", {second} with \"{other}\": differences from different baselines cannot be taken together"
    )]
    OtherBaseline {
        /// A data set.
        first: String,
        /// Its baseline.
        baseline: String,
        /// Another one.
        second: String,
        /// The other one's.
        other: String,
    },
    /// Different numbers are compared.
    #[error("{first} is of {metric}, {second} of {other}: different numbers cannot be taken together")]
    OtherMetric {
        /// A data set.
        first: String,
        /// What is compared there.
        metric: String,
        /// Another one.
        second: String,
        /// What is compared there.
        other: String,
    },
    /// Different recipes.
    #[error("{second} lacks {missing} of {first}: an aggregate is over recipes that every data set has")]
    OtherRecipes {
        /// A data set.
        first: String,
        /// One that lacks recipes of it.
        second: String,
        /// These.
        missing: String,
    },
    /// Too few runs.
    #[error(
        "{name}: \"{recipe}\" has {n} whose seed \"{baseline}\" finished too; an aggregate needs {FEWEST_RUNS} of every \
         recipe on every data set{why}", n = count(*.runs, "finished run")
    )]
    FewRuns {
        /// Data set.
        name: String,
        /// Recipe.
        recipe: String,
        /// Baseline.
        baseline: String,
        /// Runs paired with the baseline.
        runs: usize,
        /// What is known of the others.
        why: String,
    },
    /// Too few test images.
    #[error(
        "{name}: {n} cannot tell anything; an aggregate needs {FEWEST_IMAGES} of every data set", n = count(*.images, "test image")
    )]
    FewImages {
        /// Data set.
        name: String,
        /// Its test images.
        images: usize,
    },
    /// One data set given twice.
    #[error("{first} and {second} hold the same results to the last digit: one data set was given twice")]
    SameResults {
        /// A data set.
        first: String,
        /// The same.
        second: String,
    },
}

/// A number and the limits of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Of the runs there are.
    pub value: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

/// What a recipe did on one data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnDataSet {
    /// Data set.
    pub data_set: String,
    /// Finished runs.
    pub runs: usize,
    /// Their mean, a fraction.
    pub mean: f64,
    /// Minus the baseline's, over paired seeds; `null` for the baseline.
    pub difference: Option<Estimate>,
    /// Of this data set alone; `null` for the baseline.
    pub verdict: Option<Verdict>,
}

/// A recipe over all data sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggregateRecipe {
    /// Name.
    pub name: String,
    /// Interquartile mean of what is compared, over all runs on all data sets; a fraction.
    pub iqm: Estimate,
    /// Interquartile mean of the paired differences from the baseline, a fraction; `null` for the baseline.
    pub difference: Option<Estimate>,
    /// Mean over data sets of the probability that a run of it beats one of the baseline; `null` for the baseline.
    pub probability_of_improvement: Option<Estimate>,
    /// One per data set, in their order.
    pub data_sets: Vec<OnDataSet>,
}

/// `aggregate.json`: recipes over several data sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Names of the data sets.
    pub data_sets: Vec<String>,
    /// The recipe the others are compared with.
    pub baseline: String,
    /// What is compared.
    pub metric: String,
    /// Which way is good, and the unit; accuracies where it is absent.
    #[serde(default, skip_serializing_if = "Measure::is_usual")]
    pub measure: Measure,
    /// The baseline, then the others as the first data set has them.
    pub recipes: Vec<AggregateRecipe>,
    /// Coverage of the intervals.
    pub confidence: f64,
    /// Bootstrap replicates, runs resampled within each data set.
    pub replicates: usize,
    /// In a sentence or two.
    pub answer: String,
    /// What a reader must know before believing the numbers.
    pub warnings: Vec<String>,
}

/// Columns of other trainers that all hold the accuracy on the test images.
fn same_metric(metric: &str) -> &str {
    match metric {
        "accuracy" | "acc" | "test_accuracy" | "test_top1" => "top1",
        other => other,
    }
}

/// Said where it is not plain to see.
fn way(measure: Measure) -> &'static str {
    match measure.direction {
        Direction::HigherIsBetter => "",
        Direction::LowerIsBetter => ", lower is better",
    }
}

fn quoted(names: impl Iterator<Item = String>) -> String {
    list(&names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>())
}

/// Names that differ: where two are the same, with the place.
fn names(sets: &[DataSet]) -> Vec<String> {
    let again = |name: &str| sets.iter().filter(|set| set.name == name).count() > 1;
    sets.iter()
        .map(|set| if again(&set.name) { format!("{} ({})", set.name, set.place) } else { set.name.clone() })
        .collect()
}

/// Refuses what cannot be taken together.
fn check(sets: &[DataSet], names: &[String]) -> Result<(), AggregateError> {
    let Some((first, others)) = sets.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err(AggregateError::OneDataSet { name: names.first().cloned().unwrap_or_default() });
    };
    for (other, name) in others.iter().zip(&names[1..]) {
        let (a, b) = (&first.summary, &other.summary);
        let pair = || (names[0].clone(), name.clone());
        if a.baseline != b.baseline {
            let (first, second) = pair();
            let (baseline, other) = (a.baseline.clone(), b.baseline.clone());
            return Err(AggregateError::OtherBaseline { first, baseline, second, other });
        }
        // Of rows that are no epochs it is not known which weights were tested.
        let headline = |s: &Summary| (s.headline != "as given").then(|| s.headline.clone());
        let number = |s: &Summary| match headline(s) {
            Some(headline) => format!("{} ({headline}{})", s.metric, way(s.measure)),
            None => format!("{}{}", s.metric, way(s.measure)),
        };
        let headlines = headline(a).zip(headline(b)).is_some_and(|(a, b)| a != b);
        if headlines || same_metric(&a.metric) != same_metric(&b.metric) || a.measure != b.measure {
            let (first, second) = pair();
            return Err(AggregateError::OtherMetric { first, metric: number(a), second, other: number(b) });
        }
        let lacking = |a: &Summary, b: &Summary| {
            let missing = a.recipes.iter().filter(|r| b.recipes.iter().all(|other| other.name != r.name));
            quoted(missing.map(|r| r.name.clone()))
        };
        let (first, second) = pair();
        for (first, second, missing) in
            [(first.clone(), second.clone(), lacking(a, b)), (second, first, lacking(b, a))]
        {
            if !missing.is_empty() {
                return Err(AggregateError::OtherRecipes { first, second, missing });
            }
        }
    }
    for (set, name) in sets.iter().zip(names) {
        if let Some(images) = set.images.filter(|images| *images < FEWEST_IMAGES) {
            return Err(AggregateError::FewImages { name: name.clone(), images });
        }
        let summary = &set.summary;
        for recipe in summary.recipes.iter().filter(|r| r.name != summary.baseline) {
            let runs = recipe
                .difference
                .as_ref()
                .map_or_else(|| usize::from(recipe.verdict.is_some()), |difference| difference.seeds.len());
            if runs < FEWEST_RUNS {
                let theirs = |trial: &&summary::MissingTrial| {
                    trial.recipe == recipe.name || trial.recipe == summary.baseline
                };
                let open = summary.skipped.iter().filter(theirs).count();
                let failed: Vec<_> = summary.failed.iter().filter(theirs).collect();
                // What was damaged names its file.
                let example = failed.first().map_or_else(String::new, |trial| {
                    format!(", {} seed {} for one: {}", trial.recipe, trial.seed, trial.reason)
                });
                let why = match (open, failed.len()) {
                    (0, 0) => String::new(),
                    (_, failed) => {
                        format!(
                            " ({open} of their trials {} not finished, {failed} failed{example})",
                            if open == 1 { "is" } else { "are" }
                        )
                    }
                };
                let (recipe, baseline) = (recipe.name.clone(), summary.baseline.clone());
                return Err(AggregateError::FewRuns { name: name.clone(), recipe, baseline, runs, why });
            }
        }
    }
    let values = |set: &DataSet| {
        let of = |r: &summary::RecipeSummary| {
            let values: Vec<u64> = r.top1.per_seed.iter().map(|v| v.to_bits()).collect();
            (r.name.clone(), r.seeds.clone(), values)
        };
        let mut all: Vec<_> = set.summary.recipes.iter().map(of).collect();
        all.sort();
        all
    };
    let values: Vec<_> = sets.iter().map(values).collect();
    for (k, mine) in values.iter().enumerate() {
        if let Some(other) = values[..k].iter().position(|other| other == mine) {
            let (first, second) = (names[other].clone(), names[k].clone());
            return Err(AggregateError::SameResults { first, second });
        }
    }
    Ok(())
}

fn estimate(value: Option<f64>, limits: Option<[f64; 2]>) -> Estimate {
    let [low, high] = limits.unwrap_or([f64::NAN; 2]);
    Estimate { value: value.unwrap_or(f64::NAN), low, high }
}

/// Takes the data sets together.
///
/// # Errors
/// There is only one, they have other recipes, another baseline or another number to compare, a recipe has fewer than
/// [`FEWEST_RUNS`] runs paired with the baseline on one of them, one has fewer than [`FEWEST_IMAGES`] test images, or two are the
/// same.
pub fn aggregate(sets: &[DataSet]) -> Result<Aggregate, AggregateError> {
    let names = names(sets);
    check(sets, &names)?;
    let first = &sets[0].summary;
    let baseline = &first.baseline;
    let of = |set: &DataSet, recipe: &str| set.summary.recipes.iter().find(|r| r.name == recipe).cloned();
    let scores = |recipe: &str| -> Vec<Vec<f64>> {
        sets.iter().map(|set| of(set, recipe).map_or_else(Vec::new, |r| r.top1.per_seed)).collect()
    };
    let base = scores(baseline);
    let recipe = |name: &str| {
        let scores = scores(name);
        let differences: Vec<Vec<f64>> = sets
            .iter()
            .map(|set| of(set, name).and_then(|r| r.difference).map_or_else(Vec::new, |d| d.per_seed))
            .collect();
        let iqm = |scores: &[Vec<f64>]| {
            let limits = stratified([scores], |[s]| interquartile_mean(s), CONFIDENCE, REPLICATES, 0);
            estimate(interquartile_mean(scores), limits)
        };
        let improvement = || {
            let statistic = |[a, b]: [&[Vec<f64>]; 2]| match first.measure.direction {
                Direction::HigherIsBetter => probability_of_improvement(a, b),
                Direction::LowerIsBetter => probability_of_improvement(b, a),
            };
            let limits = stratified([&scores, &base], statistic, CONFIDENCE, REPLICATES, 0);
            estimate(statistic([&scores, &base]), limits)
        };
        let compared = name != baseline;
        let on = sets.iter().zip(&names).filter_map(|(set, data_set)| {
            let recipe = of(set, name)?;
            let difference = recipe.difference.as_ref();
            Some(OnDataSet {
                data_set: data_set.clone(),
                runs: recipe.seeds.len(),
                mean: recipe.top1.mean?,
                difference: difference.map(|d| Estimate { value: d.mean, low: d.low, high: d.high }),
                verdict: recipe.verdict,
            })
        });
        AggregateRecipe {
            name: name.to_owned(),
            iqm: iqm(&scores),
            difference: compared.then(|| iqm(&differences)),
            probability_of_improvement: compared.then(improvement),
            data_sets: on.collect(),
        }
    };
    let others = first.recipes.iter().map(|r| r.name.as_str()).filter(|name| name != baseline);
    let recipes: Vec<AggregateRecipe> =
        std::iter::once(baseline.as_str()).chain(others).map(recipe).collect();
    let mut aggregate = Aggregate {
        data_sets: names.clone(),
        baseline: baseline.clone(),
        metric: same_metric(&first.metric).to_owned(),
        measure: first.measure,
        recipes,
        confidence: CONFIDENCE,
        replicates: REPLICATES,
        answer: String::new(),
        warnings: warnings(sets, &names),
    };
    aggregate.answer = aggregate.answer();
    Ok(aggregate)
}

/// What a reader must know: of the whole, then of each data set.
fn warnings(sets: &[DataSet], names: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    let runs =
        sets.iter().flat_map(|set| set.summary.recipes.iter().map(|r| r.seeds.len())).min().unwrap_or(0);
    if runs < fewest_seeds(LEVEL) {
        warnings.push(format!(
            "Some recipe has only {runs} runs on some data set: the intervals come from resampling runs, and with so few of them they are too \
             narrow."
        ));
    }
    for recipe in &sets[0].recipes {
        let differs = sets[1..].iter().zip(&names[1..]).find(|(set, _)| {
            let other = set.recipes.iter().find(|other| other.name == recipe.name);
            other.is_some_and(|other| other.pipeline != recipe.pipeline)
        });
        if let Some((_, name)) = differs {
            warnings.push(format!(
                "{} does not do the same in {} and in {name}: other settings or sizes under one name.",
                recipe.name, names[0]
            ));
        }
    }
    for (set, name) in sets.iter().zip(names) {
        let (open, failed) = (set.summary.skipped.len(), set.summary.failed.len());
        if open + failed > 0 {
            warnings.push(format!(
                "{name}: {} {} not finished and {failed} failed; they are not counted.",
                count(open, "trial"),
                if open == 1 { "is" } else { "are" }
            ));
        }
        warnings.extend(set.summary.warnings.iter().map(|warning| format!("{name}: {warning}")));
    }
    warnings
}

/// `0.83 [0.75, 0.90]`
#[must_use]
pub fn share(e: Estimate) -> String {
    format!("{:.2} [{:.2}, {:.2}]", e.value, e.low, e.high)
}

/// `+2.1 [+1.0, +3.2]`
#[must_use]
pub fn signed(e: Estimate, unit: Unit) -> String {
    let digits = unit.decimals((e.high - e.low) / 2.0);
    let [value, low, high] = [e.value, e.low, e.high].map(|v| unit.signed(v, digits));
    format!("{value} [{low}, {high}]")
}

impl Aggregate {
    /// The recipes that are compared, the most promising first.
    #[must_use]
    pub fn compared(&self) -> Vec<(&AggregateRecipe, Estimate)> {
        let mut all: Vec<_> =
            self.recipes.iter().filter_map(|r| Some((r, r.probability_of_improvement?))).collect();
        all.sort_by(|(_, a), (_, b)| b.value.total_cmp(&a.value));
        all
    }

    fn answer(&self) -> String {
        const MOST: usize = 5;
        let all = self.compared();
        let mut items: Vec<String> =
            all.iter().take(MOST).map(|(recipe, p)| format!("{} {}", recipe.name, share(*p))).collect();
        if all.len() > MOST {
            items.push(format!("and {} other recipes", all.len() - MOST));
        }
        let sets = self.data_sets.len();
        let answer = format!(
            "Over {sets}\u{a0}data {} together, the probability that a run beats one of {}: {}.",
            if sets == 1 { "set" } else { "sets" },
            self.baseline,
            items.join("; ")
        );
        match self.measure.direction {
            Direction::HigherIsBetter => answer,
            Direction::LowerIsBetter => format!("{answer} (Lower {} is better.)", self.metric),
        }
    }

    /// For a terminal: the answer, a table over all data sets, a table of each. Plain text; names cannot move the cursor.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![plain(&self.answer).into_owned(), String::new()];
        let unit = self.measure.unit;
        let dash = || "–".to_owned();
        let name = |text: &str| plain(text).into_owned();
        let beats = format!("beats {}", self.baseline);
        let mut rows = vec![
            [
                "recipe",
                "IQM",
                "95 % interval",
                "IQM of differences",
                "95 % interval",
                &beats,
                "95 % interval",
            ]
            .map(name)
            .to_vec(),
        ];
        for recipe in &self.recipes {
            let digits = unit.decimals((recipe.iqm.high - recipe.iqm.low) / 2.0);
            let [low, value, high] =
                [recipe.iqm.low, recipe.iqm.value, recipe.iqm.high].map(|v| unit.number(v, digits));
            let percent = if unit == Unit::Percent { "\u{a0}%" } else { "" };
            let mut row = vec![name(&recipe.name), format!("{value}{percent}"), format!("[{low}, {high}]")];
            for cell in
                [recipe.difference.map(|e| signed(e, unit)), recipe.probability_of_improvement.map(share)]
            {
                match cell.as_deref().and_then(|cell| cell.split_once(' ')) {
                    Some((value, limits)) => row.extend([value.to_owned(), limits.to_owned()]),
                    None => row.extend([dash(), dash()]),
                }
            }
            rows.push(row);
        }
        lines.extend(aligned(&rows, &|column| column == 0));
        lines.push(String::new());
        let mut rows =
            vec![["data set", "recipe", "runs", "mean", "difference", "verdict"].map(name).to_vec()];
        for (k, data_set) in self.data_sets.iter().enumerate() {
            for recipe in &self.recipes {
                let Some(on) = recipe.data_sets.get(k) else { continue };
                rows.push(vec![
                    name(data_set),
                    name(&recipe.name),
                    on.runs.to_string(),
                    unit.value(on.mean),
                    on.difference.map_or_else(dash, |e| signed(e, unit)),
                    on.verdict.map_or("baseline", Verdict::word).to_owned(),
                ]);
            }
        }
        lines.extend(aligned(&rows, &|column| matches!(column, 0 | 1 | 5)));
        lines.push(String::new());
        lines.push(
            "The intervals are of these data sets, had they been run with other seeds; of other data sets nothing is said, and no verdict is \
             given over them together."
                .to_owned(),
        );
        lines
    }

    /// Index of a recipe's colour: `None` for the baseline.
    #[must_use]
    pub fn colour(&self, recipe: &str) -> Option<usize> {
        self.recipes.iter().position(|r| r.name == recipe)?.checked_sub(1)
    }
}

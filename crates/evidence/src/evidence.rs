//! Everything a report is made from, read once. What cannot be read is said, and the rest is used.

use crate::results::Results;
use bakeoff_stats::metric::Judgement;
use bakeoff_stats::{Marks, Measure, Unit};
use bakeoff_study::records::{
    DataRecord, Environment, EpochRecord, MapsRecord, PlanRecord, RecipeRecord, RobustnessRecord, TestRecord,
    TrialKey, TrialStatus,
};
use bakeoff_study::{FolderError, Metric, Prediction, Preview, RunFolder, StudyConfig};
use std::collections::BTreeSet;

/// Balanced accuracy, as files call it.
pub const BALANCED: &str = "balanced_accuracy";

/// A trial's result on the test images, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    /// What recipes are compared by: top-1 or balanced accuracy, or the metric that was given.
    pub compared: f64,
    /// Share of images classified correctly, where it is known.
    pub top1: Option<f64>,
    /// Share of images whose label is among the five foremost, where it is known.
    pub top5: Option<f64>,
    /// Mean cross-entropy.
    pub loss: Option<f64>,
}

impl From<&TestRecord> for Tested {
    fn from(record: &TestRecord) -> Self {
        Self {
            compared: record.top1,
            top1: Some(record.top1),
            top5: Some(record.top5),
            loss: Some(record.loss),
        }
    }
}

/// Where the evidence is from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A run folder of Bakeoff's.
    Run,
    /// Another trainer's results.
    Elsewhere {
        /// What is compared: `top1`, `probability`, or a column's name.
        metric: String,
        /// Which way is good, and the unit.
        measure: Measure,
        /// Test images where they are known, in the order of the trials' marks.
        images: Vec<String>,
        /// Class of each image, where they are known, an index into the classes.
        labels: Vec<u32>,
        /// Class names.
        classes: Vec<String>,
    },
}

/// How far a trial got.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Planned, not begun.
    Planned,
    /// Begun, not finished.
    Running,
    /// Finished.
    Finished {
        /// On the test split.
        test: Tested,
        /// Training and evaluation.
        seconds: Option<f64>,
        /// Per test image, where they were kept.
        predictions: Option<Vec<Prediction>>,
    },
    /// Recorded as failed.
    Failed {
        /// For people.
        reason: String,
        /// 1-based; `None` where its record cannot be read.
        epoch: Option<u32>,
    },
}

/// One trial of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Recipe.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// How far it got.
    pub state: State,
    /// Its epochs; none where their file is damaged.
    pub epochs: Vec<EpochRecord>,
    /// Per test image, of results from elsewhere.
    pub marks: Option<Marks>,
}

impl Trial {
    /// Its result on the test images, where it is finished.
    pub fn test(&self) -> Option<&Tested> {
        match &self.state {
            State::Finished { test, .. } => Some(test),
            _ => None,
        }
    }

    /// Where a test image stands in the test split; `None` where nobody knows.
    pub fn place(&self, image: &str) -> Option<usize> {
        match &self.state {
            State::Finished { predictions, .. } => {
                predictions.as_ref()?.iter().position(|p| p.image == image)
            }
            _ => None,
        }
    }
}

/// What a run folder holds.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Where it is from.
    pub origin: Origin,
    /// Recipes, seeds and trials.
    pub plan: PlanRecord,
    /// The resolved study.
    pub study: Option<StudyConfig>,
    /// The study file as it was given.
    pub study_file: Option<String>,
    /// What the data set held.
    pub data: Option<DataRecord>,
    /// The machine and the program.
    pub environment: Option<Environment>,
    /// In running order.
    pub trials: Vec<Trial>,
    /// What the recipes do to images.
    pub previews: Vec<Preview>,
    /// What networks made of damaged test images, as far as anybody looked.
    pub robustness: Vec<RobustnessRecord>,
    /// Class activation maps, likewise.
    pub maps: Vec<MapsRecord>,
    /// What could not be read or does not fit together: whole sentences.
    pub warnings: Vec<String>,
}

/// The value, or `None` and a warning.
fn lenient<T, E: std::fmt::Display>(result: Result<Option<T>, E>, warnings: &mut Vec<String>) -> Option<T> {
    result.unwrap_or_else(|error| {
        warnings.push(format!("{error}."));
        None
    })
}

/// A finished trial, by the number that recipes are compared by.
fn finished(
    metric: Metric,
    record: &TestRecord,
    seconds: f64,
    predictions: Option<Vec<Prediction>>,
) -> State {
    let test = match metric {
        Metric::Top1 => Tested::from(record),
        Metric::Balanced => {
            let judgements = predictions.as_deref().map(|all| all.iter().map(judgement).collect::<Vec<_>>());
            let balanced =
                judgements.and_then(|all| bakeoff_stats::metric::Metric::BalancedAccuracy.value(&all));
            let Some(compared) = balanced else {
                let reason =
                    "its predictions are not there, without which its balanced accuracy is not known"
                        .to_owned();
                return State::Failed { reason, epoch: None };
            };
            Tested { compared, ..record.into() }
        }
    };
    State::Finished { test, seconds: Some(seconds), predictions }
}

/// What a network said of one image.
#[must_use]
pub fn judgement(prediction: &Prediction) -> Judgement {
    Judgement {
        label: prediction.label,
        predicted: prediction.predicted,
        rank: prediction.rank,
        probability: prediction.probability,
        confidence: prediction.confidence,
        sum_of_squares: prediction.sum_of_squares,
    }
}

/// What `analyse` left of a finished trial, whole or damaged.
struct Look<'a> {
    key: &'a TrialKey,
    robustness: bool,
    maps: bool,
}

/// A warning of the trials whose record is missing though `analyse`, which looks at the same seeds of every recipe it is given, must have
/// left one: somebody removed it, or the analysis was not finished. `shows` tells whether a trial shows that its seed was looked at.
fn analysis_gap(
    file: &str,
    looks: &[Look],
    shows: fn(&Look) -> bool,
    is_there: fn(&Look) -> bool,
) -> Option<String> {
    let any = |look: &&Look| look.robustness || look.maps;
    let recipes: BTreeSet<_> = looks.iter().filter(any).map(|look| &look.key.recipe).collect();
    let seeds: BTreeSet<_> = looks.iter().filter(|look| shows(look)).map(|look| look.key.seed).collect();
    let missing: Vec<String> = looks
        .iter()
        .filter(|look| !is_there(look))
        .filter(|look| recipes.contains(&look.key.recipe) && seeds.contains(&look.key.seed))
        .map(|look| format!("{} seed {}", look.key.recipe, look.key.seed))
        .collect();
    let (first, rest) = missing.split_at(missing.len().min(3));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    (!missing.is_empty()).then(|| {
        format!(
            "{file} is missing for {}{more}, while other networks of the same analysis have theirs: only these are counted. To have it \
             complete: bakeoff analyse.",
            first.join(", ")
        )
    })
}

impl Evidence {
    /// Reads a run folder, half-done or finished. Only a missing or damaged plan is an error.
    pub fn read(run: &RunFolder) -> Result<Self, FolderError> {
        let (plan, damage) = run.plan_as_it_stands()?;
        let mut evidence = Self::of_plan(run, plan)?;
        evidence.warnings.splice(0..0, damage.map(|damage| format!("{damage}.")));
        Ok(evidence)
    }

    /// [`Evidence::read`] of a plan that is not the one on disk.
    pub fn of_plan(run: &RunFolder, mut plan: PlanRecord) -> Result<Self, FolderError> {
        let mut warnings = Vec::new();
        let study = lenient(run.study().map(Some), &mut warnings);
        if let Some(declared) = study.as_ref().map(|study| &study.compare) {
            // A run writes both from one study: where they differ, one was changed afterwards.
            let mut differs = |what: &str, in_plan: String, in_study: String| {
                if in_plan != in_study {
                    warnings.push(format!(
                        "plan.json gives the {what} as {in_plan}, study.json, which says what was declared, as {in_study}: {in_study} \
                         counts here. One of the two files was changed after the run."
                    ));
                }
            };
            differs("margin", plan.margin.to_string(), declared.margin.to_string());
            differs("baseline", plan.baseline.clone(), declared.baseline.clone());
            differs("headline", plan.headline.clone(), declared.headline.to_string());
            differs("metric", format!("{:?}", plan.metric), format!("{:?}", declared.metric));
            plan.metric = declared.metric;
            plan.margin = declared.margin;
            if plan.recipes.iter().any(|recipe| recipe.name == declared.baseline) {
                plan.baseline.clone_from(&declared.baseline);
            }
            plan.headline = declared.headline.to_string();
        }
        let data = run.data();
        let is_data_missing = matches!(data, Ok(None));
        let data = lenient(data, &mut warnings);
        let environment = lenient(run.environment(), &mut warnings);
        let mut trials = Vec::with_capacity(plan.trials.len());
        let (mut robustness, mut maps) = (Vec::new(), Vec::new());
        let mut looks = Vec::with_capacity(plan.trials.len());
        for key in &plan.trials {
            let (state, epochs) = match run.trial(key) {
                Err(error) => (State::Failed { reason: error.to_string(), epoch: None }, Vec::new()),
                Ok(trial) => {
                    if trial.record.is_none() && trial.folder.join("trial.json").is_file() {
                        warnings.push(format!(
                            "{} seed {}: what stands in its folder was run with other settings (data, weights, recipe, budget or \
                             version of Bakeoff) than this study's, and is not counted.",
                            key.recipe, key.seed
                        ));
                    }
                    let left = ["predictions.parquet", "weights.safetensors", "metrics.jsonl"];
                    if !trial.folder.join("trial.json").exists()
                        && left.iter().any(|name| trial.folder.join(name).exists())
                    {
                        warnings.push(format!(
                            "{} seed {}: trial.json is missing, though other files of the trial are there. The trial is not counted. Run \
                             the study again: it is trained anew, to the same weights.",
                            key.recipe, key.seed
                        ));
                    }
                    let epochs = trial.metrics.len() as u64;
                    let short = trial.test().is_some() && epochs < u64::from(plan.epochs);
                    let damage = trial.damage.clone().or_else(|| {
                        short.then(|| format!("metrics.jsonl holds {epochs} of {} epochs", plan.epochs))
                    });
                    if let Some(damage) = &damage {
                        let remedy = if trial.test().is_some() {
                            "its test result stands. To have them again, run the study again: it is trained anew, to the same weights"
                        } else {
                            "run the study again to have them again"
                        };
                        warnings.push(format!(
                            "{} seed {}: {damage}. Its epochs are left out of curves, crossings and equal training time; {remedy}.",
                            key.recipe, key.seed
                        ));
                    }
                    let (looked, mapped) = (run.robustness(&trial), run.maps(&trial));
                    if trial.test().is_some() {
                        let (robustness, maps) = (!matches!(looked, Ok(None)), !matches!(mapped, Ok(None)));
                        looks.push(Look { key, robustness, maps });
                    }
                    robustness.extend(lenient(looked, &mut warnings));
                    maps.extend(lenient(mapped, &mut warnings));
                    let state = match trial.record.as_ref().map(|record| &record.status) {
                        None => State::Planned,
                        Some(TrialStatus::Running) => State::Running,
                        Some(TrialStatus::Failed { reason, epoch }) => {
                            State::Failed { reason: reason.clone(), epoch: Some(*epoch) }
                        }
                        Some(TrialStatus::Finished { test, seconds, .. }) => finished(
                            plan.metric,
                            test,
                            *seconds,
                            lenient(run.predictions(&trial), &mut warnings),
                        ),
                    };
                    (state, if damage.is_some() { Vec::new() } else { trial.metrics })
                }
            };
            trials.push(Trial { recipe: key.recipe.clone(), seed: key.seed, state, epochs, marks: None });
        }
        if is_data_missing && trials.iter().any(|trial| matches!(trial.state, State::Finished { .. })) {
            warnings.push(
                "data.json is missing: what the data set held and its class names are not told. To have them again, run the study again \
                 with the same --out."
                    .to_owned(),
            );
        }
        let looked_at = |look: &Look| look.robustness || look.maps;
        warnings.extend(analysis_gap("robustness.json", &looks, looked_at, |look| look.robustness));
        warnings.extend(analysis_gap("maps.json", &looks, |look| look.maps, |look| look.maps));
        let previews = lenient(run.previews().map(Some), &mut warnings).unwrap_or_default();
        let study_file = bakeoff_files::read_text(&run.path().join("study.toml"), 16 << 20).ok();
        let origin = Origin::Run;
        Ok(Self {
            origin,
            plan,
            study,
            study_file,
            data,
            environment,
            trials,
            previews,
            robustness,
            maps,
            warnings,
        })
    }

    /// Of another trainer's results, which leave no plan, no settings and no pictures.
    pub fn elsewhere(results: &Results, baseline: &str, margin: f64) -> Self {
        let mut seeds: Vec<u64> = results.runs.iter().map(|run| run.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let key = |run: &crate::results::Run| TrialKey {
            recipe: run.recipe.clone(),
            seed: run.seed,
            id: String::new(),
        };
        let epochs = results.runs.iter().map(|run| run.epochs.len()).max().unwrap_or(0);
        let plan = PlanRecord {
            study: results.name.clone(),
            baseline: baseline.to_owned(),
            headline: results.headline.clone(),
            metric: Metric::default(),
            margin,
            epochs: u32::try_from(epochs).unwrap_or(u32::MAX),
            recipes: results
                .recipes()
                .into_iter()
                .map(|name| RecipeRecord { name, pipeline: Vec::new() })
                .collect(),
            evaluation: Vec::new(),
            seeds,
            trials: results.runs.iter().map(key).collect(),
            until_decided: None,
            warnings: Vec::new(),
        };
        let trials = results.runs.iter().map(|run| Trial {
            recipe: run.recipe.clone(),
            seed: run.seed,
            state: State::Finished {
                test: Tested {
                    compared: run.value,
                    top1: crate::results::is_top1(&results.metric).then_some(run.value),
                    top5: run.top5,
                    loss: None,
                },
                seconds: None,
                predictions: None,
            },
            epochs: run.epochs.clone(),
            marks: run.marks.clone(),
        });
        Self {
            origin: Origin::Elsewhere {
                metric: results.metric.clone(),
                measure: results.measure,
                images: results.images.clone(),
                labels: results.labels.clone(),
                classes: results.classes.clone(),
            },
            trials: trials.collect(),
            plan,
            study: None,
            study_file: None,
            data: None,
            environment: None,
            previews: Vec::new(),
            robustness: Vec::new(),
            maps: Vec::new(),
            warnings: results.warnings.iter().cloned().chain(results.unpaired(baseline)).collect(),
        }
    }

    /// The trials of a recipe.
    pub fn trials_of<'a>(&'a self, recipe: &'a str) -> impl Iterator<Item = &'a Trial> {
        self.trials.iter().filter(move |trial| trial.recipe == recipe)
    }

    /// How many trials are finished.
    pub fn finished(&self) -> usize {
        self.trials.iter().filter(|trial| trial.test().is_some()).count()
    }

    /// Index of a recipe's colour: `None` for the baseline.
    pub fn colour(&self, recipe: &str) -> Option<usize> {
        self.plan.recipes.iter().filter(|r| r.name != self.plan.baseline).position(|r| r.name == recipe)
    }

    /// Which way is good, and the unit of what is compared.
    pub fn measure(&self) -> Measure {
        match self.origin {
            Origin::Run => Measure::default(),
            Origin::Elsewhere { measure, .. } => measure,
        }
    }

    /// Whether what is compared is the share of images classified correctly.
    pub fn is_top1(&self) -> bool {
        match &self.origin {
            Origin::Run => self.plan.metric.is_top1(),
            Origin::Elsewhere { metric, measure, .. } => {
                measure.is_usual() && crate::results::is_top1(metric)
            }
        }
    }

    /// Whether the epochs' numbers are shares of images classified correctly.
    pub fn has_accuracy_curves(&self) -> bool {
        self.origin == Origin::Run || self.is_top1()
    }

    /// The name of a column of data that holds what is compared.
    pub fn key(&self) -> &str {
        match &self.origin {
            Origin::Elsewhere { metric, .. } if !self.is_top1() => metric,
            Origin::Run if self.plan.metric == Metric::Balanced => BALANCED,
            _ => "top1",
        }
    }

    /// The margin in the unit of what is compared: a fraction, or as it is.
    pub fn margin(&self) -> f64 {
        match self.measure().unit {
            Unit::Percent => (self.plan.margin / 100.0).clamp(0.0, 1.0),
            Unit::Plain => self.plan.margin.max(0.0),
        }
    }

    /// Top-5 says nothing where there are no more than five classes.
    pub fn shows_top5(&self) -> bool {
        match self.origin {
            Origin::Run => self.data.as_ref().is_none_or(|data| data.classes.len() > 5),
            Origin::Elsewhere { .. } => {
                self.trials.iter().any(|t| t.test().is_some_and(|t| t.top5.is_some()))
            }
        }
    }

    /// Validation numbers mean something only where there were images to validate on.
    pub fn has_validation(&self) -> bool {
        self.data.as_ref().is_none_or(|data| data.validation > 0)
    }
}

//! What a study would do, resolved: its data set opened, its trials listed, each with the address of its content.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use bakeoff_augment::{Address, Answers, Mixer, Pipeline, Questions, RecipeConfig};
use bakeoff_data::{DataError, Dataset, DeclaredSplit, Splits, Uneven};
use bakeoff_nn::{HeadFit, Model, NnError, Session, SessionConfig, Weights};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::advice::{advice, facts, power, power_sentence};
use crate::config::TrainConfig;
use crate::feed::{Feed, FeedError, hidden_stages};
use crate::folder::RunFolder;
use crate::records::{PlanRecord, RecipeRecord, TrialKey};
use crate::splits::Admitted;
use crate::study::Study;

/// Part of every trial's address. Raised whenever a change to any crate alters the bits a trial ends with.
const RESULTS: u32 = 1;

/// A study that cannot be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The data set cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network cannot be made.
    #[error(transparent)]
    Network(#[from] NnError),
    /// A batch cannot be made.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// A study with its data set opened (listed, nothing decoded) and its trials in running order.
#[derive(Debug)]
pub struct Plan {
    /// What a run folder keeps of it.
    pub record: PlanRecord,
    pub(crate) dataset: Dataset,
    pub(crate) model: Model,
    /// What is to be said of the weights that the trials start from, now that the data set is known.
    pub(crate) of_weights: Vec<String>,
    /// What the addresses of all trials have in common.
    pub(crate) shared: Value,
    facts: Vec<[String; 2]>,
}

/// What a study would take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Trials of the plan.
    pub trials: usize,
    /// Training images of one trial.
    pub train: usize,
    /// Validation images.
    pub validation: usize,
    /// Test images.
    pub test: usize,
    /// Optimiser steps of one epoch.
    pub steps_per_epoch: usize,
    /// Epochs of one trial.
    pub epochs: u32,
    /// Floating-point operations of all trials.
    pub flops: f64,
    /// Training images per second, as measured here and now; `None` where nothing was measured.
    pub images_per_second: Option<f64>,
    /// Wall time of all trials from the beginning, from the measured speed.
    pub seconds: Option<f64>,
    /// Largest size of the run folder while it runs.
    pub disk_bytes: u64,
    /// Memory of one trial's network, as measured.
    pub memory_bytes: Option<u64>,
}

impl Plan {
    /// Opens the data set and lists the trials. Seed by seed, so that every recipe has one pair before any has two.
    ///
    /// # Errors
    /// The data set or the network cannot be used.
    pub fn new(study: &Study) -> Result<Self, PlanError> {
        let mut dataset = Dataset::open(&study.source())?;
        dataset.set_cache(study.config.data.cache.saturating_mul(1 << 20));
        let config = &study.config;
        let model = Model::by_name(&config.model.name, dataset.classes().len(), config.train.image)?;
        // Fractions and splits that cannot be are found now, not after the images were decoded.
        let seed = study.seeds().first().copied().unwrap_or(0);
        let splits = Admitted::unseen(&dataset).splits(study, &dataset, seed)?;

        let head =
            study.weights().map(|start| start.weights.head_fit(&model, start.classes(), dataset.classes()));
        let mut of_weights: Vec<String> = head.iter().map(|head| format!("model.weights: {head}")).collect();
        of_weights.extend(crate::seen::seen(study, &dataset, &splits.test));
        let shared = shared_content(study, &dataset, head.as_ref());
        let trials = study
            .seeds()
            .into_iter()
            .flat_map(|seed| config.recipe.iter().map(move |recipe| (seed, recipe)))
            .map(|(seed, recipe)| TrialKey {
                recipe: recipe.name.clone(),
                seed,
                id: trial_id(&shared, recipe, seed),
            })
            .collect();
        let recipes = config
            .recipe
            .iter()
            .zip(study.pipelines())
            .map(|(recipe, pipeline)| RecipeRecord {
                name: recipe.name.clone(),
                pipeline: pipeline.describe(),
            })
            .collect();
        let mut warnings: Vec<String> =
            study.warnings.iter().map(|problem| problem.line(&study.file)).collect();
        warnings.extend(dataset.warnings().iter().map(ToString::to_string));
        warnings.extend(of_weights.iter().cloned());
        warnings.extend(imagenet_overlap(study, &dataset));
        let cut = dataset.cut_groups(&|sample| splits.place(sample));
        warnings.extend(cut.map(|warning| warning.to_string()));
        warnings.extend(splits.uneven.iter().map(uneven_warning));
        warnings.extend(advice(config, &dataset, &splits));
        let record = PlanRecord {
            study: study.name.clone(),
            baseline: config.compare.baseline.clone(),
            headline: config.compare.headline.to_string(),
            metric: config.compare.metric,
            margin: config.compare.margin,
            epochs: config.train.epochs,
            recipes,
            evaluation: study
                .pipelines()
                .first()
                .map(|pipeline| pipeline.describe_evaluation())
                .unwrap_or_default(),
            seeds: study.seeds(),
            trials,
            until_decided: None,
            warnings,
        };
        let facts = facts(study, &model, head.as_ref());
        Ok(Self { record, dataset, model, of_weights, shared, facts })
    }

    /// Gives the trials the addresses of a folder that was begun when `train.evaluation_batch`, which decides no bit, was part of them.
    pub(crate) fn keep_earlier_addresses(&mut self, study: &Study, folder: &RunFolder) {
        let before = folder.study().ok().and_then(|before| before.train.evaluation_batch);
        let Some(evaluation_batch) = before else { return };
        let mut shared = self.shared.clone();
        shared["train"]["evaluation_batch"] = json!(evaluation_batch);
        let recipe = |name: &str| study.config.recipe.iter().find(|recipe| recipe.name == name);
        let earlier: Vec<Option<String>> = self
            .record
            .trials
            .iter()
            .map(|key| Some(trial_id(&shared, recipe(&key.recipe)?, key.seed)))
            .collect();
        let is_there = |(key, id): (&TrialKey, &Option<String>)| {
            id.is_some() && folder.trial_record(key).ok().flatten().map(|record| record.id) == *id
        };
        if self.record.trials.iter().zip(&earlier).any(is_there) {
            for (key, id) in self.record.trials.iter_mut().zip(earlier) {
                key.id = id.unwrap_or_else(|| key.id.clone());
            }
            self.shared = shared;
        }
    }

    /// The data set, listed.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The network.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What is trained, from what and how: names and values for a table.
    #[must_use]
    pub fn facts(&self) -> &[[String; 2]] {
        &self.facts
    }

    /// Which differences so many test images and seeds can show, in a sentence; `None` where the seeds are too few for any.
    #[must_use]
    pub fn power(&self, test: usize) -> Option<String> {
        let seeds = self.record.until_decided.map_or(self.record.seeds.len(), |declared| declared.most);
        let compared = self.record.recipes.len().saturating_sub(1);
        power(test, seeds, compared).map(|points| power_sentence(test, seeds, points))
    }

    /// What a look at some of the images tells of their sizes: whether they are enlarged. A run knows it of all, and says it then.
    #[must_use]
    pub fn enlargements(&self, study: &Study) -> Vec<String> {
        crate::enlargement::sampled(study, &self.dataset)
    }

    /// The splits of a seed with every listed image.
    fn splits(&self, study: &Study) -> Result<Splits, DataError> {
        let seed = study.seeds().first().copied().unwrap_or(0);
        Admitted::unseen(&self.dataset).splits(study, &self.dataset, seed)
    }

    /// Counts what the study would take, without running anything.
    ///
    /// # Errors
    /// The data set cannot be split.
    pub fn estimate(&self, study: &Study) -> Result<Estimate, PlanError> {
        let splits = self.splits(study)?;
        let train = &study.config.train;
        let trials = self.record.trials.len();
        let evaluated = f64::from(train.epochs)
            * (splits.validation.len() + sampled(splits.train.len())) as f64
            + splits.test.len() as f64;
        let trained = f64::from(train.epochs) * splits.train.len() as f64;
        let [training, inference] = [true, false].map(|training| self.model.flops(training) as f64);
        // Maps are a forward pass; a gradient of the input is one forward and one back.
        let of_recipe = |pipeline: &Pipeline| {
            let Questions { activation_maps, input_gradient } = questions(pipeline);
            let passes = f64::from(u8::from(activation_maps)) + 2.0 * f64::from(u8::from(input_gradient));
            pipeline.views() as f64 * training + passes * inference
        };
        let recipes = study.pipelines().len().max(1) as f64;
        let of_recipes = study.pipelines().iter().map(of_recipe).sum::<f64>() / recipes;
        let flops = trials as f64 * (trained * of_recipes + evaluated * inference);
        let tensors: usize = self.model.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
        let weights = 4 * tensors as u64;
        // Each trial leaves its weights; the one that runs has a checkpoint twice (old and new) with velocities too.
        let disk_bytes =
            weights * (trials as u64 + 5) + trials as u64 * (splits.test.len() as u64 * 24 + 16_384);
        Ok(Estimate {
            trials,
            train: splits.train.len(),
            validation: splits.validation.len(),
            test: splits.test.len(),
            steps_per_epoch: splits.train.len().div_ceil(train.batch),
            epochs: train.epochs,
            flops,
            images_per_second: None,
            seconds: None,
            disk_bytes,
            memory_bytes: None,
        })
    }

    /// [`Plan::estimate`] with the speed of a few real steps on real images: every recipe's batches, a training step of every kind
    /// that the recipes need, and evaluation are timed, the steps for about `seconds` in all.
    ///
    /// # Errors
    /// The data set cannot be split, an image of the first batch cannot be read, or there is no memory for the network.
    pub fn measure(&self, study: &Study, threads: usize, seconds: f64) -> Result<Estimate, PlanError> {
        let mut estimate = self.estimate(study)?;
        let train = &study.config.train;
        let splits = self.splits(study)?;
        let seed = study.seeds().first().copied().unwrap_or(0);
        let views = study.pipelines().iter().map(Pipeline::views).max().unwrap_or(1);
        let batch = (train.batch * views).max(train.evaluation_batch());
        let session =
            SessionConfig { batch, backend: train.backend, threads, train: true, trainable: train.trainable };
        let mut session = Session::fresh(&self.model, seed, session)?;
        let step = crate::training::step_config(study, 0, estimate.steps_per_epoch);

        let kinds: Vec<Kind> = study.pipelines().iter().map(Kind::of).collect();
        let distinct: HashSet<Kind> = kinds.iter().copied().collect();
        // One share for evaluation, and one for what the network is asked besides.
        let kinds_asking = distinct.iter().filter(|kind| kind.questions.any()).count();
        let each = seconds / (distinct.len() + kinds_asking + 1) as f64;
        let mut timed: HashMap<Kind, [f64; 2]> = HashMap::new();
        let (mut feeding, mut training) = (0.0, 0.0);
        let (mut order, mut shown) = (None, None);
        for (pipeline, mut kind) in study.pipelines().iter().zip(kinds) {
            let feed = Feed {
                dataset: &self.dataset,
                pipeline,
                seed,
                batch: train.batch,
                train: &splits.train,
                sampling: train.sampling,
            };
            session.plan_hidden_mixes(&hidden_stages(pipeline))?;
            // One batch of images that can be used, the same for every recipe: what is wrong with the others is said before training.
            let order = order.get_or_insert_with(|| {
                let places = feed.order(0).into_iter().filter(|&place| feed.readable(place));
                places.take(train.batch).collect::<Vec<u64>>()
            });
            if order.is_empty() {
                return Ok(estimate);
            }
            // A mixer may ask about some batches only: one of those is timed, and counted as often as there are such.
            let asking: Vec<u32> = (0..LOTS)
                .filter(|&epoch| pipeline.questions(&Address { seed, epoch, batch: 0, ids: order }).any())
                .collect();
            let epoch = asking.first().copied().unwrap_or(0);
            // The first look decodes and warms the caches; images that stay in memory are not decoded again.
            feed.batch(order, epoch, 0)?;
            let start = Instant::now();
            let batch = feed.batch(order, epoch, 0)?;
            feeding += start.elapsed().as_secs_f64() / order.len() as f64;
            if asking.is_empty() {
                kind.questions = Questions::default();
            }
            let [asked, stepped] = match timed.get(&kind) {
                Some(seconds) => *seconds,
                None => {
                    let mut answers = Answers::default();
                    let mut asked = 0.0;
                    if kind.questions.any() {
                        asked = best_of(each, || {
                            answers = batch.answers(&mut session)?;
                            Ok(())
                        })?;
                    }
                    let start = Instant::now();
                    let ready = feed.ready(batch, &answers)?;
                    asked += start.elapsed().as_secs_f64();
                    let stepped = best_of(each, || {
                        let (images, targets) = (ready.images.values(), ready.targets.values());
                        session.train_step_with(images, targets, &step, ready.regularisation()).map(drop)
                    })?;
                    shown = Some(ready);
                    timed.insert(kind, [asked, stepped]);
                    [asked, stepped]
                }
            };
            let often = asking.len() as f64 / f64::from(LOTS);
            training += (stepped + often * asked) / order.len() as f64;
        }
        let Some(shown) = shown else { return Ok(estimate) };
        let inference = best_of(each, || session.infer(shown.images.values()).map(drop))?;
        let inference = inference / shown.images.batch() as f64;
        let recipes = study.pipelines().len().max(1) as f64;
        let (training, feeding) = (training / recipes, feeding / recipes);
        let evaluated = (estimate.validation + sampled(estimate.train)) as f64;
        // Images are prepared beside the network's work, but on the same cores.
        let epoch = estimate.train as f64 * (training + feeding) + evaluated * (inference + feeding);
        let trial = f64::from(estimate.epochs) * epoch + estimate.test as f64 * (inference + feeding);
        estimate.images_per_second = Some(1.0 / (training + feeding));
        estimate.seconds = Some(trial * estimate.trials as f64);
        estimate.memory_bytes = Some(session.memory_bytes() as u64);
        Ok(estimate)
    }
}

/// Batches looked at to see how often a mixer asks the network.
const LOTS: u32 = 64;

/// What a training step has to do. Recipes of one kind cost the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    views: usize,
    hidden: bool,
    questions: Questions,
}

impl Kind {
    fn of(pipeline: &Pipeline) -> Self {
        Self {
            views: pipeline.views(),
            hidden: !hidden_stages(pipeline).is_empty(),
            questions: questions(pipeline),
        }
    }
}

/// What a recipe may want to know of the network.
fn questions(pipeline: &Pipeline) -> Questions {
    pipeline.mixer().map(Mixer::questions).unwrap_or_default()
}

/// Seconds of the quickest of several goes, the first of which does not count, in about `seconds`.
fn best_of(seconds: f64, mut go: impl FnMut() -> Result<(), NnError>) -> Result<f64, NnError> {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    for round in 0.. {
        let begin = Instant::now();
        go()?;
        if round > 0 {
            best = best.min(begin.elapsed().as_secs_f64());
        }
        if round > 1 && start.elapsed().as_secs_f64() > seconds {
            break;
        }
    }
    Ok(best)
}

/// Adds a seed for some of the recipes, in study order. `shared` is the plan's.
pub(crate) fn add_seed(
    record: &mut PlanRecord,
    shared: &Value,
    study: &Study,
    seed: u64,
    recipes: &[String],
) {
    record.seeds.push(seed);
    let wanted = study.config.recipe.iter().filter(|recipe| recipes.contains(&recipe.name));
    record.trials.extend(wanted.map(|recipe| TrialKey {
        recipe: recipe.name.clone(),
        seed,
        id: trial_id(shared, recipe, seed),
    }));
}

/// How many training images are evaluated unmixed at the end of an epoch.
pub(crate) fn sampled(train: usize) -> usize {
    train.min(1000)
}

/// What all trials of a study have in common and what decides their results.
fn shared_content(study: &Study, dataset: &Dataset, head: Option<&HeadFit>) -> Value {
    let config = &study.config;
    let mut content = json!({
        "bakeoff": env!("CARGO_PKG_VERSION"),
        "results": RESULTS,
        "data": listing_digest(dataset),
        "generated": config.data.generated,
        "splits": config.data.splits(),
        "preprocess": study.preprocess(),
        "model": config.model.name,
        "weights": study.weights().map(|start| weights_digest(&start.weights)),
        "train": deciding(&config.train),
        "headline": config.compare.headline,
    });
    if bakeoff_nn::is_every_convolution_direct() {
        content["convolution"] = json!("direct");
    }
    // Only where it is said, so that studies which never heard of it keep their addresses.
    if !config.data.copies.is_default() {
        content["copies"] = json!(config.data.copies);
    }
    // Names that decide the head decide the result; where the shapes alone decide it, the address is that of before.
    if head.is_some_and(HeadFit::is_decided_by_names) {
        content["weights_know"] = json!(study.weights().and_then(|start| start.classes()));
    }
    content
}

/// The settings of training without those that decide no bit of a trial.
fn deciding(train: &TrainConfig) -> TrainConfig {
    TrainConfig { evaluation_batch: None, ..train.clone() }
}

/// What is said of a class that groups do not let be split as asked.
pub(crate) fn uneven_warning(uneven: &Uneven) -> String {
    format!("{uneven}. Add images, or check whether they really belong together")
}

/// The content address of a trial: of everything that decides its result, and of nothing else. The recipe's name is not
/// part of it, nor are paths, so that a renamed recipe or a moved data set changes nothing.
fn trial_id(shared: &Value, recipe: &RecipeConfig, seed: u64) -> String {
    let content = json!({
        "shared": shared,
        "recipe": { "transforms": recipe.transforms, "mix": recipe.mix },
        "seed": seed,
    });
    bakeoff_files::sha256(canonical(&content).as_bytes())
}

/// JSON with its keys sorted and nothing between its tokens.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::String(key.clone()), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// Of what is listed: class names, and every sample's id, label and split. What the files hold is compared when they are
/// decoded (see [`crate::records::DataRecord::content`]).
fn listing_digest(dataset: &Dataset) -> String {
    let mut digest = Sha256::new();
    let mut text = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    dataset.classes().iter().for_each(|class| text(class));
    for sample in dataset.samples() {
        text(&sample.id);
        text(&sample.label.to_string());
        text(match sample.split {
            DeclaredSplit::Train => "train",
            DeclaredSplit::Validation => "validation",
            DeclaredSplit::Test => "test",
            DeclaredSplit::Undeclared => "undeclared",
        });
    }
    // Where none are declared, the address is that of a data set without groups.
    for set in dataset.declared_groups().sets() {
        text("group");
        set.into_iter().for_each(|sample| text(&dataset.samples()[sample].id));
    }
    bakeoff_files::hex(&digest.finalize())
}

fn weights_digest(weights: &Weights) -> String {
    let mut digest = Sha256::new();
    for (name, tensor) in weights.iter() {
        digest.update(format!("{name} {:?} ", tensor.shape).as_bytes());
        for chunk in tensor.data.chunks(4096) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
            digest.update(&bytes);
        }
    }
    bakeoff_files::hex(&digest.finalize())
}

/// Stanford Dogs, and what else is named by synsets, was built from ImageNet's images.
fn imagenet_overlap(study: &Study, dataset: &Dataset) -> Option<String> {
    (dataset.imagenet().is_some() && study.weights().is_some_and(|start| start.imagenet)).then(|| {
        "this data set was built from ImageNet, and the weights were trained on ImageNet: the network has seen some of the test \
         images, so accuracies are too high. Differences between recipes suffer less; weights trained on other images would \
         not suffer at all"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn study(overrides: &[&str]) -> Study {
        let text = include_str!("../tests/tiny.toml");
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        Study::parse(text, Path::new("tiny.toml"), &overrides).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn ids(overrides: &[&str]) -> Vec<String> {
        Plan::new(&study(overrides)).unwrap().record.trials.into_iter().map(|key| key.id).collect()
    }

    #[test]
    fn a_folder_begun_when_the_evaluation_batch_was_part_of_addresses_goes_on() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(temporary.path());
        let then = study(&["train.evaluation_batch=5"]);
        let plan = Plan::new(&then).unwrap();
        let mut shared = plan.shared.clone();
        shared["train"]["evaluation_batch"] = json!(5);
        let earlier = |key: &TrialKey| {
            let recipe = then.config.recipe.iter().find(|recipe| recipe.name == key.recipe).unwrap();
            trial_id(&shared, recipe, key.seed)
        };
        let first = &plan.record.trials[0];
        let told =
            json!({"recipe": first.recipe, "seed": first.seed, "id": earlier(first), "status": "running"});
        let of_trial = folder.trial_folder(&first.recipe, first.seed);
        std::fs::create_dir_all(&of_trial).unwrap();
        std::fs::write(of_trial.join("trial.json"), told.to_string()).unwrap();
        bakeoff_files::write_json(&folder.study_path(), &then.config).unwrap();
        // Whatever the study says of it by now.
        for now in [study(&["train.evaluation_batch=7"]), study(&[])] {
            let mut plan = Plan::new(&now).unwrap();
            let anew = plan.record.trials.clone();
            plan.keep_earlier_addresses(&now, &folder);
            assert_ne!(plan.record.trials, anew);
            assert!(plan.record.trials.iter().all(|key| key.id == earlier(key)));
            assert_eq!(plan.shared, shared, "trials of further seeds are addressed alike");
        }
        // Trials of other settings are none of it.
        let other = study(&["train.epochs=9"]);
        let mut plan = Plan::new(&other).unwrap();
        let anew = plan.record.trials.clone();
        plan.keep_earlier_addresses(&other, &folder);
        assert_eq!(plan.record.trials, anew);
    }

    #[test]
    fn trials_run_seed_by_seed() {
        let plan = Plan::new(&study(&["compare.seeds=[5, 3]"])).unwrap();
        let order: Vec<(u64, &str)> =
            plan.record.trials.iter().map(|key| (key.seed, key.recipe.as_str())).collect();
        assert_eq!(order, [(5, "none"), (5, "mixup"), (3, "none"), (3, "mixup")]);
    }

    #[test]
    fn an_address_changes_with_what_decides_the_result_and_with_nothing_else() {
        let before = ids(&[]);
        let changed =
            |set: &str| -> Vec<bool> { ids(&[set]).iter().zip(&before).map(|(a, b)| a != b).collect() };
        for set in [
            "train.epochs=7",
            "train.batch=3",
            "train.optimizer.lr=0.2",
            "data.validation.fraction=0.3",
            "data.generated.noise=0.5",
            "preprocess.normalisation=unit",
            "preprocess.draft=true",
            "data.copies=identical",
            "compare.headline=best-on-validation",
        ] {
            assert!(changed(set).into_iter().all(|changed| changed), "{set}");
        }
        for set in [
            "name=other",
            "compare.margin=3.0",
            "preprocess.draft=false",
            "recipe.mixup.name=blend",
            "data.cache=1",
            "data.copies=alike",
        ] {
            assert!(!changed(set).into_iter().any(|changed| changed), "{set}");
        }
        assert_eq!(changed("recipe.mixup.mix.alpha=0.5"), [false, true, false, true]);
        assert_eq!(before.len(), 4);
        assert!(before.iter().all(|id| id.len() == 64) && before[0] != before[2]);
    }

    #[test]
    fn canonical_json_does_not_depend_on_the_order_of_keys() {
        let a = json!({"b": [1, {"y": 0.1, "x": null}], "a": "\""});
        assert_eq!(canonical(&a), r#"{"a":"\"","b":[1,{"x":null,"y":0.1}]}"#);
    }

    #[test]
    fn an_estimate_counts_and_measures() {
        let study = study(&[]);
        let plan = Plan::new(&study).unwrap();
        let estimate = plan.measure(&study, 1, 0.05).unwrap();
        assert_eq!(estimate.trials, 4);
        assert_eq!(estimate.steps_per_epoch, estimate.train.div_ceil(study.config.train.batch));
        assert!(estimate.seconds.is_some_and(|seconds| seconds > 0.0 && seconds < 1000.0));
        assert!(estimate.images_per_second.is_some_and(|rate| rate > 1.0));
        assert!(estimate.disk_bytes > 100_000 && estimate.flops > 1e6);
    }
}

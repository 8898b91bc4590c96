//! Networks, gradients, running statistics, SGD and schedules against PyTorch's f64.
//!
//! `oracles/nn_fixtures.py` made the fixtures; `fixtures/f32_error.json` tells how far PyTorch's own f32 is from them.
//! Relative errors are norms: |ours − PyTorch's| / |PyTorch's|. The norm of a difference of tensors is estimated from eight
//! dot products with vectors of random signs, of which each has that norm as its root mean square.

mod closed_form;

use bakeoff_nn::{
    BackendKind, HiddenMix, Model, OptimizerConfig, Regularisation, ScheduleConfig, Session, SessionConfig,
    StepConfig, Trainable, Weights, schedule,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Largest relative error of logits.
const LOGITS: f64 = 1e-4;
/// Largest relative error of a loss, a gradient, a running statistic, a weight after SGD.
const REST: f64 = 1e-3;
/// Batches that SGD goes through in turn.
const BATCHES: usize = 4;

#[derive(Deserialize)]
struct Case {
    model: String,
    batch: usize,
    side: usize,
    classes: usize,
    smoothing: f64,
    images: String,
    eval_logits: Vec<f64>,
    loss: f64,
    gradients: BTreeMap<String, Summary>,
    running: BTreeMap<String, Summary>,
    sgd: Vec<Run>,
    mix: Option<Mix>,
}

/// Activations mixed after a stage.
#[derive(Deserialize)]
struct Mix {
    stage: usize,
    partners: Vec<usize>,
    lambdas: Vec<f32>,
}

/// What a fixture tells of a tensor.
#[derive(Deserialize)]
struct Summary {
    norm: f64,
    projections: [f64; closed_form::PROJECTIONS],
    samples: Vec<f64>,
}

/// Steps of one optimiser.
#[derive(Deserialize)]
struct Run {
    lr: f64,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
    decay_norm_and_bias: bool,
    losses: Vec<f64>,
    weights: BTreeMap<String, Summary>,
}

#[derive(Deserialize)]
struct FullSize {
    model: String,
    batch: usize,
    side: usize,
    classes: usize,
    images: String,
    eval_logits: Vec<f64>,
}

#[derive(Deserialize)]
struct Rates {
    config: ScheduleConfig,
    peak: f64,
    steps_per_epoch: usize,
    epochs: usize,
    rates: Vec<f64>,
}

fn fixture<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl Case {
    fn session(&self, backend: BackendKind, room: usize, threads: usize) -> Session {
        let model = Model::by_name(&self.model, self.classes, self.side).unwrap();
        let config = SessionConfig {
            batch: self.batch + room,
            backend,
            threads,
            train: true,
            trainable: Trainable::All,
        };
        Session::new(&model, &closed_form::weights(&model), config).unwrap()
    }

    fn images(&self, batch: usize) -> Vec<f32> {
        closed_form::images(&format!("images/{}/{batch}", self.images), self.batch, self.side)
    }

    fn regularisation(&self) -> Regularisation<'_> {
        self.mix.as_ref().map_or(Regularisation::None, |Mix { stage, partners, lambdas }| {
            Regularisation::HiddenMix(HiddenMix { stage: *stage, partners, lambdas })
        })
    }

    fn targets(&self, batch: usize) -> Vec<f32> {
        closed_form::targets(&format!("targets/{batch}"), self.batch, self.classes)
    }
}

/// Norm of the difference over the norm of what is expected.
fn relative(ours: impl IntoIterator<Item = f64>, expected: &[f64]) -> f64 {
    let (mut difference, mut norm, mut count) = (0.0, 0.0, 0);
    for (ours, &expected) in ours.into_iter().zip(expected) {
        difference += (ours - expected).powi(2);
        norm += expected.powi(2);
        count += 1;
    }
    assert_eq!(count, expected.len());
    (difference / norm).sqrt()
}

/// Fails with the worst tensor's name when one is further than `REST` from its summary; returns the largest error.
fn check_tensors(what: &str, ours: &Weights, expected: &BTreeMap<String, Summary>) -> f64 {
    let mut worst = (0.0, String::new());
    for (name, summary) in expected {
        let tensor = ours.get(name).unwrap_or_else(|| panic!("{what}: no {name}"));
        assert!(tensor.data.iter().all(|v| v.is_finite()), "{what}: {name} is not finite");
        let projections = closed_form::projections(name, &tensor.data);
        let differences = projections.iter().zip(&summary.projections).map(|(a, b)| (a - b).powi(2));
        let estimate = (differences.sum::<f64>() / closed_form::PROJECTIONS as f64).sqrt() / summary.norm;
        let norm = tensor.data.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let mut error = estimate.max((norm / summary.norm - 1.0).abs());

        // One number's error against the tensor's root mean square; ten times the share an average number may have.
        let spread = summary.norm / (tensor.data.len() as f64).sqrt();
        let positions = closed_form::sample_positions(tensor.data.len());
        assert_eq!(positions.len(), summary.samples.len(), "{what}: {name}");
        for (position, sample) in positions.into_iter().zip(&summary.samples) {
            error = error.max((f64::from(tensor.data[position]) - sample).abs() / spread / 10.0);
        }
        if error > worst.0 {
            worst = (error, name.clone());
        }
    }
    assert!(worst.0 <= REST, "{what}: {} is {:.2e} from PyTorch's, {REST:.0e} allowed", worst.1, worst.0);
    worst.0
}

/// Logits in evaluation, then loss, every gradient and the running statistics of one training step.
///
/// `room`: how many more images the session could take than it is given.
fn check_step(name: &str, backend: BackendKind, room: usize) {
    let case: Case = fixture(name);
    let mut session = case.session(backend, room, 2);
    let images = case.images(0);
    let logits = session.infer(&images).unwrap().iter().map(|&v| f64::from(v));
    let logits = relative(logits, &case.eval_logits);
    assert!(logits <= LOGITS, "{name}: logits are {logits:.2e} from PyTorch's");

    session.plan_hidden_mixes(case.mix.as_ref().map(|mix| mix.stage).as_slice()).unwrap();
    let (targets, smoothing) = (case.targets(0), case.smoothing);
    let loss = session.backward_with(&images, &targets, smoothing, case.regularisation()).unwrap();
    let loss = (loss / case.loss - 1.0).abs();
    assert!(loss <= REST, "{name}: the loss is {loss:.2e} from PyTorch's");
    let gradients = session.gradients().unwrap();
    assert_eq!(gradients.len(), case.gradients.len());
    let gradients = check_tensors(&format!("{name}, gradients"), &gradients, &case.gradients);
    let running = check_tensors(&format!("{name}, running"), &session.snapshot().weights, &case.running);
    eprintln!(
        "{name}, {backend:?}: logits {logits:.1e}, loss {loss:.1e}, gradients {gradients:.1e}, running {running:.1e}"
    );
}

/// Losses of SGD over four batches in turn, and some of the weights it ends with.
fn check_sgd(name: &str, backend: BackendKind) {
    let case: Case = fixture(name);
    assert!(!case.sgd.is_empty());
    for run in &case.sgd {
        // Results do not depend on threads, and on a busy machine many short steps wait less alone.
        let mut session = case.session(backend, 0, 1);
        let &Run { lr, momentum, nesterov, weight_decay, decay_norm_and_bias, .. } = run;
        let optimizer = OptimizerConfig::Sgd { lr, momentum, nesterov, weight_decay, decay_norm_and_bias };
        let what = format!("{name}, {optimizer:?}");
        let step = StepConfig { optimizer, lr, label_smoothing: case.smoothing };
        let mut worst = 0.0f64;
        for (i, expected) in run.losses.iter().enumerate() {
            let (images, targets) = (case.images(i % BATCHES), case.targets(i % BATCHES));
            let loss = session.train_step(&images, &targets, &step).unwrap().loss;
            let error = (loss / expected - 1.0).abs();
            assert!(error <= REST, "{what}: loss {i} is {loss}, PyTorch's {expected}");
            worst = worst.max(error);
        }
        let weights = check_tensors(&what, &session.snapshot().weights, &run.weights);
        eprintln!("{what}: losses {worst:.1e}, weights {weights:.1e}");
    }
}

fn check_full_size(name: &str) {
    let case: FullSize = fixture(name);
    let model = Model::by_name(&case.model, case.classes, case.side).unwrap();
    let config = SessionConfig {
        batch: case.batch,
        backend: BackendKind::Cpu,
        threads: 2,
        train: false,
        trainable: Trainable::All,
    };
    let mut session = Session::new(&model, &closed_form::weights(&model), config).unwrap();
    let images = closed_form::images(&format!("images/{}/0", case.images), case.batch, case.side);
    let logits = relative(session.infer(&images).unwrap().iter().map(|&v| f64::from(v)), &case.eval_logits);
    assert!(logits <= LOGITS, "{name}: logits are {logits:.2e} from PyTorch's");
    eprintln!("{name}: logits {logits:.1e}");
}

#[test]
fn logits_of_two_full_size_images_are_torchvisions() {
    check_full_size("resnet18_224");
    check_full_size("resnet50_224");
}

#[test]
fn a_step_of_resnet18_is_pytorchs() {
    check_step("resnet18", BackendKind::Cpu, 0);
}

#[test]
fn a_step_of_resnet34_is_pytorchs() {
    check_step("resnet34", BackendKind::Cpu, 0);
}

#[test]
fn a_step_of_resnet50_is_pytorchs() {
    check_step("resnet50", BackendKind::Cpu, 0);
}

#[test]
fn a_step_on_images_of_an_odd_side_is_pytorchs() {
    check_step("resnet18_odd", BackendKind::Cpu, 0);
    check_step("small_odd", BackendKind::Cpu, 0);
}

#[test]
fn a_step_of_the_small_network_is_pytorchs() {
    check_step("small", BackendKind::Cpu, 0);
}

#[test]
fn a_batch_smaller_than_the_session_could_take_is_pytorchs() {
    check_step("resnet18_odd", BackendKind::Cpu, 2);
    check_step("small", BackendKind::Cpu, 1);
}

#[test]
fn the_reference_back_end_is_pytorchs() {
    check_step("small", BackendKind::Reference, 0);
    check_step("small_odd", BackendKind::Reference, 3);
    check_step("resnet18_odd", BackendKind::Reference, 0);
    check_step("resnet50", BackendKind::Reference, 0);
}

#[test]
fn a_step_with_activations_mixed_after_a_stage_is_pytorchs() {
    check_step("small_mixed", BackendKind::Cpu, 0);
    check_step("resnet18_mixed", BackendKind::Cpu, 3);
    check_step("small_mixed", BackendKind::Reference, 0);
}

#[test]
fn sgd_on_resnet18_follows_pytorchs_losses() {
    check_sgd("resnet18", BackendKind::Cpu);
}

#[test]
fn sgd_on_resnet50_follows_pytorchs_losses() {
    check_sgd("resnet50", BackendKind::Cpu);
}

#[test]
fn sgd_on_the_small_network_follows_pytorchs_losses() {
    check_sgd("small", BackendKind::Cpu);
}

#[test]
fn schedules_are_pytorchs() {
    let cases: Vec<Rates> = fixture("schedule");
    assert!(!cases.is_empty());
    for case in cases {
        assert_eq!(case.rates.len(), case.steps_per_epoch * case.epochs);
        for (step, expected) in case.rates.iter().enumerate() {
            let rate = schedule::learning_rate(
                &case.config,
                case.peak,
                step as u64,
                case.steps_per_epoch,
                case.epochs,
            );
            assert!(
                (rate - expected).abs() < 1e-9,
                "{:?}, step {step}: {rate}, PyTorch's {expected}",
                case.config
            );
        }
    }
}

//! A network in training or in use: weights, memory and the loop over the static graph.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bakeoff_machine::Buffer;
use rayon::prelude::*;

use crate::{
    BackendKind, HiddenMix, Model, NnError, OptimizerConfig, Parameter, ParameterKind, Regularisation,
    Tensor, Trainable, Weights,
    kernels::{
        self, Cpu, Epilogue, Kernels, Moments, Norm, NormGrads, Reference, Sgd, Skip, SkipBackward, arena,
        arena::Arena, parallel::Threads,
    },
    program::{BufferId, Instruction, Program},
    regularisation::{VIEWS, jensen_shannon},
    weight_file,
    weights::initial_tensor,
};

mod guides;

pub use guides::ActivationMaps;

/// Added to the variance (`torch.nn.BatchNorm2d`'s default).
const EPSILON: f64 = 1e-5;

/// Share of the batch's moments in the running ones (`torch.nn.BatchNorm2d`'s default).
const NORM_MOMENTUM: f32 = 0.1;

/// How a session works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Most images of a step; memory is planned for them.
    pub batch: usize,
    /// Who computes.
    pub backend: BackendKind,
    /// Threads; zero for as many as the machine has. Results do not depend on it.
    pub threads: usize,
    /// Whether [`Session::train_step`] will be called. Without it only the memory of inference is taken.
    pub train: bool,
    /// What a training step moves.
    pub trainable: Trainable,
}

/// What may change from step to step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepConfig {
    /// How weights move; its own `lr` is not read here.
    pub optimizer: OptimizerConfig,
    /// Learning rate of this step, see [`crate::schedule::learning_rate`].
    pub lr: f64,
    /// Share of the target spread over all classes, in [0, 1).
    pub label_smoothing: f64,
}

/// What a step tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Mean cross-entropy of the batch before the update. May be NaN or infinite: then no weight was moved.
    pub loss: f64,
}

/// Everything a session has learnt, bit by bit: enough to go on as if nothing had happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Parameters and running statistics.
    pub weights: Weights,
    /// The optimiser's velocities by parameter name; empty where there are none yet.
    pub momentum: Weights,
}

/// Rows of a convolution's weights that are put into the kernels' layout at once.
const IMPORT_ROWS: usize = 16;

/// Prefix of velocities in a snapshot's file.
const MOMENTUM: &str = "momentum/";

impl Snapshot {
    /// Writes weights and velocities to one safetensors file, atomically.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn write(&self, path: &Path, metadata: HashMap<String, String>) -> Result<(), NnError> {
        let momentum: Vec<(String, &Tensor)> =
            self.momentum.iter().map(|(name, tensor)| (format!("{MOMENTUM}{name}"), tensor)).collect();
        let momentum = momentum.iter().map(|(name, tensor)| (name.as_str(), *tensor));
        weight_file::write_tensors(self.weights.iter().chain(momentum), path, metadata)
    }

    /// Reads what [`Snapshot::write`] wrote, and its metadata.
    ///
    /// # Errors
    /// As [`Weights::read`].
    pub fn read(path: &Path) -> Result<(Self, HashMap<String, String>), NnError> {
        let (all, metadata) = Weights::read(path)?;
        let mut snapshot = Self::default();
        for (name, tensor) in all.iter() {
            match name.strip_prefix(MOMENTUM) {
                Some(name) => snapshot.momentum.insert(name, tensor.clone()),
                None => snapshot.weights.insert(name, tensor.clone()),
            }
        }
        Ok((snapshot, metadata))
    }
}

/// Time spent in one kind of work of one layer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LayerProfile {
    /// The layer's name.
    pub layer: String,
    /// What was done: `conv`, `norm`, `conv backward weights`, …
    pub kind: &'static str,
    /// Times it ran.
    pub calls: u64,
    /// Seconds in all calls.
    pub seconds: f64,
    /// Floating-point operations in all calls (multiply–adds count two; direct convolution, whatever the algorithm).
    pub flops: u64,
    /// Bytes of activations and weights read and written at least once, in all calls.
    pub bytes: u64,
}

/// What a machine can do at most, measured.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Ceilings {
    /// 10⁹ floating-point operations a second of f32 matrix products on operands in cache.
    pub gflops: f64,
    /// 10⁹ bytes a second read and written by a pass from one large array to another.
    pub gigabytes_per_second: f64,
}

impl Ceilings {
    /// Measures them, in about a second.
    ///
    /// # Errors
    /// Threads that cannot be started.
    pub fn measure(threads: usize) -> Result<Self, NnError> {
        let threads = Threads::new(threads).map_err(|error| too_many_threads(threads, &error))?;
        let (gflops, gigabytes_per_second) = kernels::cpu::ceilings::measure(&threads);
        Ok(Self { gflops, gigabytes_per_second })
    }

    /// Seconds that so many operations and bytes take at least: the roofline (Williams, Waterman & Patterson 2009).
    #[must_use]
    pub fn floor(&self, flops: u64, bytes: u64) -> f64 {
        (flops as f64 / self.gflops).max(bytes as f64 / self.gigabytes_per_second) / 1e9
    }
}

fn too_many_threads(threads: usize, error: &dyn std::fmt::Display) -> NnError {
    NnError::Configuration(format!("{threads} threads cannot be started ({error}); use fewer"))
}

/// Which named tensors are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// Parameters and running statistics.
    All,
    /// Parameters that training moves.
    Trained,
}

/// Where named tensors come from.
enum Source<'a> {
    Given(&'a Weights),
    Drawn { parameters: HashMap<String, Parameter>, seed: u64 },
}

impl<'a> Source<'a> {
    fn tensor(&self, model: &Model, name: &str) -> Option<Cow<'a, Tensor>> {
        match self {
            Self::Given(weights) => weights.get(name).map(Cow::Borrowed),
            Self::Drawn { parameters, seed } => {
                parameters.get(name).map(|parameter| Cow::Owned(initial_tensor(model, parameter, *seed)))
            }
        }
    }
}

/// How a step moves what it has a gradient of.
#[derive(Clone, Copy)]
struct Update {
    sgd: Sgd,
    decay_norm_and_bias: bool,
}

/// What becomes of the gradients of parameters.
#[derive(Clone, Copy)]
enum Gradients {
    /// They move their parameters, and are gone.
    Move(Update),
    /// They are kept.
    Keep,
    /// They are a by-product: another gradient is asked for. Running statistics stay as they are.
    Discard,
}

/// What a training step is for.
#[derive(Clone, Copy)]
struct Goal<'a> {
    targets: &'a [f32],
    label_smoothing: f64,
    hidden_mix: Option<HiddenMix<'a>>,
    /// Weight of the Jensen–Shannon divergence among three views.
    divergence: Option<f64>,
    /// How much each image counts; all the same where absent.
    weights: Option<&'a [f32]>,
    gradients: Gradients,
}

/// Where a convolution's numbers lie in the slab of parameters.
#[derive(Clone, Copy, Debug)]
struct ConvPlace {
    weight: usize,
    bias: usize,
}

/// As [`bakeoff_machine::available_memory`].
fn available_memory() -> Option<usize> {
    bakeoff_machine::available_memory().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// A network with its weights and its memory, ready to train or to infer.
pub struct Session {
    model: Model,
    config: SessionConfig,
    kernels: Box<dyn Kernels>,
    state: State,
    logits: Vec<f32>,
}

/// What a program is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Use {
    Training,
    /// Training with activations mixed after this stage.
    Mixing(usize),
    Inference,
    Features,
    InputGradient,
}

/// Calls and time by program and instruction.
type Profile = HashMap<(Use, usize), (u64, Duration)>;

/// Everything but the kernels, which work on it.
struct State {
    training: Option<Arc<Program>>,
    /// Training with activations mixed after a stage.
    mixing: Vec<(usize, Arc<Program>)>,
    inference: Arc<Program>,
    /// Planned when first asked for.
    features: Option<Arc<Program>>,
    input_gradient: Option<Arc<Program>>,
    arena: Arena,
    convs: Vec<ConvPlace>,
    norms: Vec<NormState>,
    /// Trained numbers, in the kernels' layout.
    parameters: Buffer,
    /// Of all parameters where they are asked for; otherwise of one layer after the other.
    gradients: Buffer,
    /// Whether `gradients` holds those of all parameters.
    gradients_kept: bool,
    /// Empty until a step has momentum.
    velocities: Buffer,
    /// Numbers of the parameters that training moves, and of the largest of them.
    trained: usize,
    largest: usize,
    profile: Option<Profile>,
    poison: bool,
}

/// A batch-norm's place in the slab (scale, then shift), and what is not trained.
struct NormState {
    place: usize,
    running: Moments,
    batch: Moments,
    inverse: Vec<f32>,
}

impl NormState {
    fn invert(&mut self, batch: bool) {
        let variance = if batch { &self.batch.variance } else { &self.running.variance };
        self.inverse.clear();
        self.inverse.extend(variance.iter().map(|&v| (1.0 / (f64::from(v) + EPSILON).sqrt()) as f32));
    }

    /// Moves the running moments towards the batch's, as PyTorch: with the unbiased variance.
    fn advance(&mut self, count: usize) {
        // A single value per channel has no unbiased variance; PyTorch refuses such a batch, we keep the biased one (zero).
        let correction = if count > 1 { count as f64 / (count - 1) as f64 } else { 1.0 };
        for (running, &batch) in self.running.mean.iter_mut().zip(&self.batch.mean) {
            *running = NORM_MOMENTUM * batch + (1.0 - NORM_MOMENTUM) * *running;
        }
        for (running, &batch) in self.running.variance.iter_mut().zip(&self.batch.variance) {
            let batch = (f64::from(batch) * correction) as f32;
            *running = NORM_MOMENTUM * batch + (1.0 - NORM_MOMENTUM) * *running;
        }
    }

    fn apply<'a>(&'a self, parameters: &'a [f32], batch: bool) -> Norm<'a> {
        let channels = self.running.mean.len();
        let (gamma, beta) = parameters[self.place..][..2 * channels].split_at(channels);
        let mean = if batch { &self.batch.mean } else { &self.running.mean };
        Norm { mean, inverse: &self.inverse, gamma, beta }
    }

    /// The gradients of scale and shift, one after the other from `at` on.
    fn grads<'a>(&self, gradients: &'a mut [f32], at: usize) -> NormGrads<'a> {
        let channels = self.running.mean.len();
        let (gamma, beta) = gradients[at..][..2 * channels].split_at_mut(channels);
        NormGrads { gamma, beta }
    }
}

impl Session {
    /// Plans and takes all memory, and loads the weights.
    ///
    /// # Errors
    /// Weights that do not fit the model exactly (see [`Weights::adapt`]), a batch of zero, memory or threads that cannot
    /// be had.
    pub fn new(model: &Model, weights: &Weights, config: SessionConfig) -> Result<Self, NnError> {
        let mut session = Self::empty(model, config)?;
        session.load(weights)?;
        Ok(session)
    }

    /// [`Session::new`] with [`Weights::initial`], drawn one tensor after the other into their place: half the memory to
    /// touch before the first step.
    ///
    /// # Errors
    /// A batch of zero, memory or threads that cannot be had.
    pub fn fresh(model: &Model, seed: u64, config: SessionConfig) -> Result<Self, NnError> {
        let mut session = Self::empty(model, config)?;
        let parameters = model.parameters().into_iter().map(|p| (p.name.clone(), p)).collect();
        session.fill(&Source::Drawn { parameters, seed })?;
        Ok(session)
    }

    fn empty(model: &Model, config: SessionConfig) -> Result<Self, NnError> {
        if config.batch == 0 {
            return Err(NnError::Configuration(
                "a batch needs at least one image; set batch to 1 or more".into(),
            ));
        }
        let threads = match config.threads {
            0 => bakeoff_machine::cores(),
            threads => threads,
        };
        let config = SessionConfig { threads, ..config };
        let kernels: Box<dyn Kernels> = match config.backend {
            BackendKind::Reference => Box::new(Reference),
            BackendKind::Cpu => {
                Box::new(Cpu::new(threads).map_err(|error| too_many_threads(threads, &error))?)
            }
        };
        let out_of_memory = |bytes| NnError::OutOfMemory {
            model: model.name().into(),
            batch: config.batch,
            image: model.image(),
            bytes,
            fits: available_memory().and_then(|available| Self::largest_batch(model, &config, available)),
        };
        // Asking first: a system that promises more than it has would kill the process in the middle of a step.
        let bytes = Self::planned_bytes(model, &config);
        if available_memory().is_some_and(|available| bytes > available) {
            return Err(out_of_memory(bytes));
        }
        let inference = Arc::new(Program::inference(model, config.batch));
        let training =
            config.train.then(|| Arc::new(Program::training(model, config.batch, config.trainable, None)));
        let wanted = inference.arena.max(training.as_ref().map_or(0, |p| p.arena));
        let arena = Arena::new(wanted).ok_or_else(|| out_of_memory(bytes))?;

        let mut end = 0;
        let mut take = |len: usize| {
            end += len;
            end - len
        };
        let convs = inference
            .convs
            .iter()
            .map(|conv| ConvPlace {
                weight: take(conv.geometry.weights()),
                bias: if conv.linear { take(conv.geometry.outputs) } else { 0 },
            })
            .collect();
        let norms = inference
            .norms
            .iter()
            .map(|norm| {
                let moments = Moments { mean: vec![0.0; norm.channels], variance: vec![1.0; norm.channels] };
                NormState {
                    place: take(2 * norm.channels),
                    running: moments.clone(),
                    batch: moments,
                    inverse: vec![],
                }
            })
            .collect();
        let (trained, largest) = Self::trained_numbers(model, &config);
        let state = State {
            training,
            mixing: vec![],
            inference,
            features: None,
            input_gradient: None,
            arena,
            convs,
            norms,
            parameters: Buffer::new(end).ok_or_else(|| out_of_memory(bytes))?,
            gradients: Buffer::default(),
            gradients_kept: false,
            velocities: Buffer::default(),
            trained,
            largest,
            profile: None,
            poison: false,
        };
        Ok(Self { model: model.clone(), config, kernels, state, logits: vec![] })
    }

    /// Bytes of activations, weights, gradients and velocities a session would hold; the kernels' scratch, some tens of
    /// MiB, comes on top.
    #[must_use]
    pub fn planned_bytes(model: &Model, config: &SessionConfig) -> usize {
        let batch = config.batch.max(1);
        let inference = Program::inference(model, batch).arena;
        let training =
            if config.train { Program::training(model, batch, config.trainable, None).arena } else { 0 };
        let (trained, largest) = if config.train { Self::trained_numbers(model, config) } else { (0, 0) };
        4 * (inference.max(training) + model.parameter_count() + trained + largest)
    }

    /// Numbers of the parameters that training moves, and of the largest of them.
    fn trained_numbers(model: &Model, config: &SessionConfig) -> (usize, usize) {
        let moved = model.parameters().into_iter().filter(|p| p.kind.is_trained());
        let sizes = moved
            .filter(|p| config.trainable == Trainable::All || p.is_head())
            .map(|p| p.shape.iter().product::<usize>());
        sizes.fold((0, 0), |(sum, largest), size| (sum + size, largest.max(size)))
    }

    /// The largest batch whose session takes at most so many bytes.
    fn largest_batch(model: &Model, config: &SessionConfig, bytes: usize) -> Option<usize> {
        let fits = |&batch: &usize| Self::planned_bytes(model, &SessionConfig { batch, ..*config }) <= bytes;
        // Halving between a batch that fits and one that does not.
        let (mut low, mut high) = (0, config.batch);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if fits(&middle) { low = middle } else { high = middle }
        }
        (low > 0).then_some(low)
    }

    /// The network.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How it works, with the number of threads resolved.
    #[must_use]
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// One step on `n ≤ batch` images: forward with batch statistics, loss, backward, update.
    ///
    /// `images` are n × side × side × 3, normalised; `targets` n × classes, rows of probabilities. A NaN or infinite loss is
    /// returned as it is, and no weight moves (running statistics have).
    ///
    /// # Errors
    /// A session made for inference; inputs of the wrong length.
    pub fn train_step(
        &mut self,
        images: &[f32],
        targets: &[f32],
        step: &StepConfig,
    ) -> Result<StepResult, NnError> {
        self.train_step_with(images, targets, step, Regularisation::None)
    }

    /// [`Session::train_step`] with something more inside the network.
    ///
    /// # Errors
    /// As [`Session::train_step`]; a regularisation that does not fit the batch, or that was not planned for.
    pub fn train_step_with(
        &mut self,
        images: &[f32],
        targets: &[f32],
        step: &StepConfig,
        regularisation: Regularisation<'_>,
    ) -> Result<StepResult, NnError> {
        let OptimizerConfig::Sgd { momentum, nesterov, weight_decay, decay_norm_and_bias, .. } =
            step.optimizer;
        let sgd = Sgd {
            lr: step.lr as f32,
            momentum: momentum as f32,
            nesterov,
            weight_decay: weight_decay as f32,
        };
        let update = Update { sgd, decay_norm_and_bias };
        let loss = self.run(images, targets, step.label_smoothing, regularisation, Some(update))?;
        Ok(StepResult { loss })
    }

    /// Forward with batch statistics, loss and backward, without an update: [`Session::gradients`] then holds the
    /// gradients. Running statistics move.
    ///
    /// # Errors
    /// As [`Session::train_step`].
    pub fn backward(
        &mut self,
        images: &[f32],
        targets: &[f32],
        label_smoothing: f64,
    ) -> Result<f64, NnError> {
        self.backward_with(images, targets, label_smoothing, Regularisation::None)
    }

    /// [`Session::backward`] with something more inside the network.
    ///
    /// # Errors
    /// As [`Session::train_step_with`].
    pub fn backward_with(
        &mut self,
        images: &[f32],
        targets: &[f32],
        label_smoothing: f64,
        regularisation: Regularisation<'_>,
    ) -> Result<f64, NnError> {
        self.run(images, targets, label_smoothing, regularisation, None)
    }

    /// Plans training steps that mix activations after these stages, and takes the memory they need: one activation more,
    /// and the gradient of one.
    ///
    /// # Errors
    /// A session made for inference; a stage the network does not have; memory that cannot be had.
    pub fn plan_hidden_mixes(&mut self, stages: &[usize]) -> Result<(), NnError> {
        if !self.config.train {
            return Err(NnError::InferenceOnly("mix activations"));
        }
        let (model, config) = (&self.model, &self.config);
        for &stage in stages {
            if !(1..=model.stages()).contains(&stage) {
                return Err(NnError::Configuration(format!(
                    "{} has stages 1 to {}, and none with number {stage}",
                    model.name(),
                    model.stages()
                )));
            }
            if self.state.mixing.iter().all(|(planned, _)| *planned != stage) {
                let program = Program::training(model, config.batch, config.trainable, Some(stage));
                self.state.mixing.push((stage, Arc::new(program)));
            }
        }
        let wanted = self.state.mixing.iter().map(|(_, program)| program.arena).max().unwrap_or(0);
        self.reserve(wanted)
    }

    /// Sees to it that the arena holds at least so many numbers.
    fn reserve(&mut self, wanted: usize) -> Result<(), NnError> {
        let (model, config) = (&self.model, &self.config);
        let held = self.state.arena.len();
        if wanted <= held {
            return Ok(());
        }
        let bytes = Self::planned_bytes(model, config) + 4 * (wanted - held);
        let out_of_memory = || NnError::OutOfMemory {
            model: model.name().into(),
            batch: config.batch,
            image: model.image(),
            bytes,
            fits: None,
        };
        if available_memory().is_some_and(|available| 4 * (wanted - held) > available) {
            return Err(out_of_memory());
        }
        // Given back before the new memory is taken: nothing in it outlives a step.
        self.state.arena = Arena::default();
        self.state.arena = Arena::new(wanted).ok_or_else(out_of_memory)?;
        Ok(())
    }

    fn run(
        &mut self,
        images: &[f32],
        targets: &[f32],
        label_smoothing: f64,
        regularisation: Regularisation<'_>,
        update: Option<Update>,
    ) -> Result<f64, NnError> {
        if !self.config.train {
            return Err(NnError::InferenceOnly("train"));
        }
        let n = self.images(images)?;
        let mut rows = n;
        let mut divergence = None;
        let mut weights = None;
        if let Regularisation::Weights(of_images) = regularisation {
            if of_images.len() != n {
                let expected = format!("one for each of {n} images");
                return Err(NnError::Length { what: "weights", expected, got: of_images.len() });
            }
            if let Some(weight) = of_images.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
                return Err(NnError::Configuration(format!(
                    "{weight} is no weight of an image; use 0 or more"
                )));
            }
            weights = Some(of_images);
        }
        if let Regularisation::JensenShannon { weight } = regularisation {
            if !n.is_multiple_of(VIEWS) {
                let expected = format!("{VIEWS} views of each image");
                return Err(NnError::Length { what: "images", expected, got: n });
            }
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(NnError::Configuration(format!("{weight} is no weight; use 0 or more")));
            }
            (rows, divergence) = (n / VIEWS, Some(weight));
        }
        self.check_targets(rows, targets)?;
        let (hidden_mix, program, which) = match regularisation {
            Regularisation::None | Regularisation::JensenShannon { .. } | Regularisation::Weights(_) => {
                (None, self.state.training.clone(), Use::Training)
            }
            Regularisation::HiddenMix(mix) => {
                mix.check(n)?;
                let planned = self.state.mixing.iter().find(|(stage, _)| *stage == mix.stage);
                let (_, program) = planned.ok_or_else(|| {
                    NnError::Configuration(format!(
                        "mixing after stage {} was not planned for; plan it before the first step",
                        mix.stage
                    ))
                })?;
                (Some(mix), Some(Arc::clone(program)), Use::Mixing(mix.stage))
            }
        };
        let mut loss = f64::NAN;
        let state = &mut self.state;
        match update {
            // Zero velocities give PyTorch's first step, which copies the gradient: m · 0 + g.
            Some(update) if update.sgd.momentum != 0.0 => {
                let len = state.parameters.len();
                state.velocities.at_least(len);
            }
            _ => {}
        }
        state.gradients_kept = update.is_none();
        state.gradients.at_least(if update.is_some() { state.largest } else { state.parameters.len() });
        if self.config.trainable == Trainable::Head {
            state.norms.iter_mut().for_each(|norm| norm.invert(false));
        }
        if let Some(program) = program {
            let gradients = update.map_or(Gradients::Keep, Gradients::Move);
            let goal = Goal { targets, label_smoothing, hidden_mix, divergence, weights, gradients };
            self.kernels.within(&mut |kernels| {
                loss = state.run(&program, which, kernels, n, images, Some(goal));
            });
        }
        Ok(loss)
    }

    /// Class scores (logits) of `n ≤ batch` images with running statistics: n × classes.
    ///
    /// # Errors
    /// Images of the wrong length.
    pub fn infer(&mut self, images: &[f32]) -> Result<&[f32], NnError> {
        let n = self.images(images)?;
        let state = &mut self.state;
        let program = Arc::clone(&state.inference);
        state.norms.iter_mut().for_each(|norm| norm.invert(false));
        self.kernels.within(&mut |kernels| {
            state.run(&program, Use::Inference, kernels, n, images, None);
        });
        let logits = state.result(&program);
        self.logits.clear();
        self.logits.extend_from_slice(&logits[..n * self.model.classes()]);
        Ok(&self.logits)
    }

    /// How many images a slice holds.
    fn images(&self, images: &[f32]) -> Result<usize, NnError> {
        let each = self.model.layers[0].shape.len();
        let n = images.len() / each;
        if n * each != images.len() || n == 0 || n > self.config.batch {
            let side = self.model.image();
            return Err(NnError::Length {
                what: "images",
                expected: format!("1 to {} images × {side} × {side} × 3 = {each} each", self.config.batch),
                got: images.len(),
            });
        }
        Ok(n)
    }

    fn check_targets(&self, rows: usize, targets: &[f32]) -> Result<(), NnError> {
        let classes = self.model.classes();
        if targets.len() == rows * classes {
            return Ok(());
        }
        Err(NnError::Length {
            what: "targets",
            expected: format!("{rows} images × {classes} classes = {}", rows * classes),
            got: targets.len(),
        })
    }

    /// Bytes the session holds: activations, weights, gradients, velocities, scratch.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let state = &self.state;
        // Of velocities and gradients that nothing moves, no page is ever touched.
        let velocities = if state.velocities.is_empty() { 0 } else { state.trained };
        let gradients = state.gradients.len().min(state.trained);
        let slabs = state.parameters.len() + gradients + velocities;
        4 * (state.arena.len() + slabs) + self.kernels.scratch_bytes()
    }

    /// Gradients of the last [`Session::backward`] by parameter name; none before the first, and after it only until the
    /// next [`Session::train_step`], which keeps no gradient longer than it needs it.
    ///
    /// # Errors
    /// A session made for inference.
    pub fn gradients(&self) -> Result<Weights, NnError> {
        if !self.config.train {
            return Err(NnError::InferenceOnly("have gradients"));
        }
        if !self.state.gradients_kept {
            return Ok(Weights::new());
        }
        Ok(self.export(&self.state.gradients, Parts::Trained))
    }

    /// Weights, running statistics and velocities, exactly.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let momentum = if self.state.velocities.is_empty() {
            Weights::new()
        } else {
            self.export(&self.state.velocities, Parts::Trained)
        };
        Snapshot { weights: self.weights(), momentum }
    }

    /// Parameters and running statistics in torchvision's layout.
    #[must_use]
    pub fn weights(&self) -> Weights {
        self.export(&self.state.parameters, Parts::All)
    }

    /// Goes back to a snapshot.
    ///
    /// # Errors
    /// A snapshot of another network.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), NnError> {
        let mut velocities = Buffer::default();
        if !snapshot.momentum.is_empty() && self.config.train {
            velocities = Buffer::zeroed(self.state.parameters.len());
            self.import(&Source::Given(&snapshot.momentum), &mut velocities, Parts::Trained, None)?;
        }
        self.load(&snapshot.weights)?;
        self.state.velocities = velocities;
        Ok(())
    }

    /// Starts (or stops) measuring time per layer; measured anew each time it is started.
    pub fn set_profiling(&mut self, on: bool) {
        self.state.profile = on.then(HashMap::new);
    }

    /// What was measured since [`Session::set_profiling`], in the order of the graph: training first, then inference.
    #[must_use]
    pub fn profile(&self) -> Vec<LayerProfile> {
        let state = &self.state;
        let Some(measured) = &state.profile else { return vec![] };
        let training = state.training.iter().map(|program| (Use::Training, program));
        let mixing = state.mixing.iter().map(|(stage, program)| (Use::Mixing(*stage), program));
        let guides = state.features.iter().map(|program| (Use::Features, program));
        let guides = guides.chain(state.input_gradient.iter().map(|program| (Use::InputGradient, program)));
        let mut list = Vec::new();
        for (which, program) in
            training.chain(mixing).chain([(Use::Inference, &state.inference)]).chain(guides)
        {
            for (index, instruction) in program.instructions.iter().enumerate() {
                if let Some(&(calls, time)) = measured.get(&(which, index)) {
                    let (layer, kind, flops, bytes) = program.describe(instruction, self.config.batch);
                    list.push(LayerProfile {
                        layer,
                        kind,
                        calls,
                        seconds: time.as_secs_f64(),
                        flops: flops * calls,
                        bytes: bytes * calls,
                    });
                }
            }
        }
        list
    }

    /// Fills every buffer with NaN as soon as nothing should read it any more: a test of the planner.
    #[cfg(test)]
    pub(crate) fn poison_freed_buffers(&mut self) {
        self.state.poison = true;
    }

    fn load(&mut self, weights: &Weights) -> Result<(), NnError> {
        // Names the first problems; a head of another size is one here.
        let notes = weights.notes(&self.model, 0)?;
        if let Some(note) = notes.first() {
            return Err(NnError::WrongNetwork {
                file: String::new(),
                model: self.model.name().into(),
                problems: note.split(';').next().unwrap_or_default().replace("replaced", "differs"),
                hint: "; adapt the weights to the model first".into(),
            });
        }
        weights.check_finite()?;
        self.fill(&Source::Given(weights))
    }

    /// Sets parameters and running statistics.
    fn fill(&mut self, source: &Source<'_>) -> Result<(), NnError> {
        let mut parameters = std::mem::take(&mut self.state.parameters);
        let mut running = Vec::new();
        let result = self.import(source, &mut parameters, Parts::All, Some(&mut running));
        self.state.parameters = parameters;
        result?;
        for (norm, moments) in self.state.norms.iter_mut().zip(running) {
            norm.running = moments;
        }
        Ok(())
    }

    /// Reads named tensors into a slab, and running statistics where asked for.
    fn import(
        &self,
        source: &Source<'_>,
        slab: &mut [f32],
        parts: Parts,
        mut running: Option<&mut Vec<Moments>>,
    ) -> Result<(), NnError> {
        let get = |name: String, len: usize| match source.tensor(&self.model, &name) {
            Some(tensor) if tensor.data.len() == len => Ok(tensor),
            _ => Err(NnError::WrongNetwork {
                file: String::new(),
                model: self.model.name().into(),
                problems: format!("`{name}` is missing or of another shape"),
                hint: "; use a snapshot of this network".into(),
            }),
        };
        let program = &self.state.inference;
        let head_only = parts == Parts::Trained && self.config.trainable == Trainable::Head;
        for (conv, place) in program.convs.iter().zip(&self.state.convs) {
            if head_only && !conv.linear {
                continue;
            }
            let geometry = &conv.geometry;
            let from = &get(format!("{}.weight", conv.name), geometry.weights())?.data;
            let taps = geometry.kernel * geometry.kernel;
            let to = &mut slab[place.weight..][..geometry.weights()];
            // Rows (tap, input) of outputs out of rows (output) of (input, tap), some rows at a time on every thread.
            to.par_chunks_mut(IMPORT_ROWS * geometry.outputs).enumerate().for_each(|(chunk, to)| {
                let places: [usize; IMPORT_ROWS] = std::array::from_fn(|row| {
                    let row = chunk * IMPORT_ROWS + row;
                    row % geometry.inputs * taps + row / geometry.inputs
                });
                for (output, from) in from.chunks_exact(taps * geometry.inputs).enumerate() {
                    for (to, &place) in to.chunks_exact_mut(geometry.outputs).zip(&places) {
                        to[output] = from[place];
                    }
                }
            });
            if conv.linear {
                let bias = get(format!("{}.bias", conv.name), geometry.outputs)?;
                slab[place.bias..][..geometry.outputs].copy_from_slice(&bias.data);
            }
        }
        let norms = if head_only { &[][..] } else { &program.norms };
        for (norm, state) in norms.iter().zip(&self.state.norms) {
            let (gamma, beta) = slab[state.place..][..2 * norm.channels].split_at_mut(norm.channels);
            gamma.copy_from_slice(&get(format!("{}.weight", norm.name), norm.channels)?.data);
            beta.copy_from_slice(&get(format!("{}.bias", norm.name), norm.channels)?.data);
            if let Some(running) = &mut running {
                running.push(Moments {
                    mean: get(format!("{}.running_mean", norm.name), norm.channels)?.into_owned().data,
                    variance: get(format!("{}.running_var", norm.name), norm.channels)?.into_owned().data,
                });
            }
        }
        Ok(())
    }

    /// Named tensors of a slab in torchvision's layout and order.
    fn export(&self, slab: &[f32], parts: Parts) -> Weights {
        let program = &self.state.inference;
        let convs: HashMap<&str, usize> =
            program.convs.iter().enumerate().map(|(i, c)| (c.name.as_str(), i)).collect();
        let norms: HashMap<&str, usize> =
            program.norms.iter().enumerate().map(|(i, n)| (n.name.as_str(), i)).collect();
        let mut weights = Weights::new();
        let buffers = parts == Parts::All;
        for parameter in self.model.parameters() {
            if !buffers && self.config.trainable == Trainable::Head && !parameter.is_head() {
                continue;
            }
            let layer = self.model.layers[parameter.layer].name.as_str();
            let data = match parameter.kind {
                ParameterKind::ConvWeight | ParameterKind::LinearWeight => {
                    let conv = convs[layer];
                    let geometry = &program.convs[conv].geometry;
                    let from = &slab[self.state.convs[conv].weight..][..geometry.weights()];
                    let taps = geometry.kernel * geometry.kernel;
                    let mut to = vec![0.0; from.len()];
                    for (row, from) in from.chunks_exact(geometry.outputs).enumerate() {
                        let (tap, input) = (row / geometry.inputs, row % geometry.inputs);
                        for (output, &value) in from.iter().enumerate() {
                            to[(output * geometry.inputs + input) * taps + tap] = value;
                        }
                    }
                    to
                }
                ParameterKind::LinearBias => {
                    let conv = convs[layer];
                    slab[self.state.convs[conv].bias..][..program.convs[conv].geometry.outputs].to_vec()
                }
                ParameterKind::NormScale | ParameterKind::NormShift => {
                    let norm = norms[layer];
                    let channels = program.norms[norm].channels;
                    let offset = if parameter.kind == ParameterKind::NormShift { channels } else { 0 };
                    slab[self.state.norms[norm].place + offset..][..channels].to_vec()
                }
                ParameterKind::RunningMean if buffers => self.state.norms[norms[layer]].running.mean.clone(),
                ParameterKind::RunningVariance if buffers => {
                    self.state.norms[norms[layer]].running.variance.clone()
                }
                ParameterKind::RunningMean | ParameterKind::RunningVariance => continue,
            };
            weights.insert(parameter.name, Tensor { shape: parameter.shape, data });
        }
        weights
    }
}

impl State {
    /// What a program has left for the caller.
    fn result(&mut self, program: &Program) -> &[f32] {
        let ([result], []) = self.arena.pieces([program.places[program.result].clone()], []);
        result
    }

    /// Runs a program on `n` images; the loss where there are targets.
    fn run(
        &mut self,
        program: &Program,
        which: Use,
        kernels: &mut dyn Kernels,
        n: usize,
        images: &[f32],
        goal: Option<Goal<'_>>,
    ) -> f64 {
        let ([], [to]) = self.arena.pieces([], [program.places[program.input].clone()]);
        to[..images.len()].copy_from_slice(images);
        let mut loss = f64::NAN;
        for (index, instruction) in program.instructions.iter().enumerate() {
            let start = self.profile.is_some().then(Instant::now);
            if let Some(value) = self.execute(program, instruction, kernels, n, goal) {
                loss = value;
                if !loss.is_finite() {
                    break;
                }
            }
            if let (Some(start), Some(profile)) = (start, &mut self.profile) {
                let entry = profile.entry((which, index)).or_default();
                entry.0 += 1;
                entry.1 += start.elapsed();
            }
            if self.poison {
                for &buffer in &program.dead_after[index] {
                    self.arena.pieces([], [program.places[buffer].clone()]).1[0].fill(f32::NAN);
                }
            }
        }
        loss
    }

    fn execute(
        &mut self,
        program: &Program,
        instruction: &Instruction,
        kernels: &mut dyn Kernels,
        n: usize,
        goal: Option<Goal<'_>>,
    ) -> Option<f64> {
        let gradients = goal.map(|goal| goal.gradients);
        let update = match gradients {
            Some(Gradients::Move(update)) => Some(update),
            _ => None,
        };
        let kept = matches!(gradients, Some(Gradients::Keep));
        // A gradient that is used up at once needs no place of its own.
        let gradient_place = |place: usize| if kept { place } else { 0 };
        let place = |buffer: BufferId| program.places[buffer].clone();
        match *instruction {
            Instruction::ConvMoments { conv, norm, input, output } => {
                let ([input], [output]) = self.arena.pieces([place(input)], [place(output)]);
                let geometry = &program.convs[conv].geometry;
                let state = &mut self.norms[norm];
                let weights = &self.parameters[self.convs[conv].weight..][..geometry.weights()];
                kernels.conv(geometry, n, input, weights, output, Epilogue::Moments(&mut state.batch));
                state.invert(true);
                if !matches!(gradients, Some(Gradients::Discard)) {
                    state.advance(n * program.norms[norm].pixels);
                }
            }
            Instruction::Norm { norm, raw, skip, relu, output } => {
                let skip_place = skip.map_or(0..0, |skip| place(skip.buffer));
                let ([raw, data], [output]) = self.arena.pieces([place(raw), skip_place], [place(output)]);
                let skip = skip.map(|skip| Skip {
                    data,
                    norm: skip.norm.map(|norm| self.norms[norm].apply(&self.parameters, true)),
                });
                let rows = n * program.norms[norm].pixels;
                kernels.norm(rows, raw, self.norms[norm].apply(&self.parameters, true), skip, relu, output);
            }
            Instruction::ConvNorm { conv, norm, input, skip, relu, output } => {
                let skip_place = skip.map_or(0..0, place);
                let ([input, data], [output]) =
                    self.arena.pieces([place(input), skip_place], [place(output)]);
                let geometry = &program.convs[conv].geometry;
                let weights = &self.parameters[self.convs[conv].weight..][..geometry.weights()];
                let norm = self.norms[norm].apply(&self.parameters, false);
                let epilogue = Epilogue::Norm { norm, skip: skip.map(|_| data), relu };
                kernels.conv(geometry, n, input, weights, output, epilogue);
            }
            Instruction::MaxPool { ref pool, input, index, output } => {
                let index_place = index.map_or(0..0, place);
                let ([input], [output, positions]) =
                    self.arena.pieces([place(input)], [place(output), index_place]);
                let positions = index.map(|_| arena::as_bytes_mut(positions));
                kernels.max_pool(pool, n, input, output, positions);
            }
            Instruction::AveragePool { pixels, channels, input, output } => {
                let ([input], [output]) = self.arena.pieces([place(input)], [place(output)]);
                kernels.average_pool(n, pixels, channels, input, output);
            }
            Instruction::Linear { conv, input, output } => {
                let ([input], [output]) = self.arena.pieces([place(input)], [place(output)]);
                let geometry = &program.convs[conv].geometry;
                let places = self.convs[conv];
                let weights = &self.parameters[places.weight..][..geometry.weights()];
                let bias = &self.parameters[places.bias..][..geometry.outputs];
                kernels.conv(geometry, n, input, weights, output, Epilogue::Bias(bias));
            }
            Instruction::Mix { len, input, output } => {
                let mix = goal?.hidden_mix?;
                let ([input], [output]) = self.arena.pieces([place(input)], [place(output)]);
                mix.forward(len, input, output);
            }
            Instruction::MixBackward { len, gradient, output } => {
                let mix = goal?.hidden_mix?;
                let ([gradient], [output]) = self.arena.pieces([place(gradient)], [place(output)]);
                mix.backward(len, gradient, output);
            }
            Instruction::Loss { logits, gradient } => {
                let Goal { targets, label_smoothing, divergence, weights, .. } = goal?;
                let ([logits], [gradient]) = self.arena.pieces([place(logits)], [place(gradient)]);
                let classes =
                    if divergence.is_some() { VIEWS * targets.len() / n } else { targets.len() / n };
                let mut loss =
                    kernels::cross_entropy(classes, logits, targets, label_smoothing, weights, gradient);
                if let Some(weight) = divergence {
                    gradient[targets.len()..n * classes].fill(0.0);
                    loss += jensen_shannon(classes, &logits[..n * classes], weight, gradient);
                }
                return Some(loss);
            }
            Instruction::LinearBackwardWeights { conv, input, gradient } => {
                let gradient_of = place(gradient);
                let ([input, gradient], []) = self.arena.pieces([place(input), gradient_of.clone()], []);
                let geometry = &program.convs[conv].geometry;
                let places = self.convs[conv];
                let at = gradient_place(places.weight);
                let to = &mut self.gradients[at..][..geometry.weights()];
                kernels.conv_backward_weights(geometry, n, input, gradient, to);
                self.move_parameters(kernels, update, places.weight, geometry.weights(), at, true);
                let at = gradient_place(places.bias);
                let ([gradient], []) = self.arena.pieces([gradient_of], []);
                kernels.sum_rows(n, gradient, &mut self.gradients[at..][..geometry.outputs]);
                self.move_parameters(kernels, update, places.bias, geometry.outputs, at, false);
            }
            Instruction::ConvBackwardData { conv, gradient, output, accumulate } => {
                let ([gradient], [output]) = self.arena.pieces([place(gradient)], [place(output)]);
                let geometry = &program.convs[conv].geometry;
                let weights = &self.parameters[self.convs[conv].weight..][..geometry.weights()];
                kernels.conv_backward_data(geometry, n, gradient, weights, output, accumulate);
            }
            Instruction::ConvBackwardWeights { conv, input, gradient } => {
                let ([input, gradient], []) = self.arena.pieces([place(input), place(gradient)], []);
                let geometry = &program.convs[conv].geometry;
                let weight = self.convs[conv].weight;
                let at = gradient_place(weight);
                let to = &mut self.gradients[at..][..geometry.weights()];
                kernels.conv_backward_weights(geometry, n, input, gradient, to);
                self.move_parameters(kernels, update, weight, geometry.weights(), at, true);
            }
            Instruction::AveragePoolBackward { pixels, channels, gradient, output } => {
                let ([gradient], [output]) = self.arena.pieces([place(gradient)], [place(output)]);
                kernels.average_pool_backward(n, pixels, channels, gradient, output);
            }
            Instruction::MaxPoolBackward { ref pool, gradient, index, output } => {
                let ([gradient, index], [output]) =
                    self.arena.pieces([place(gradient), place(index)], [place(output)]);
                kernels.max_pool_backward(pool, n, gradient, arena::as_bytes(index), output);
            }
            Instruction::NormBackward { norm, raw, activation, relu, gradient, skip, separate } => {
                let rows = n * program.norms[norm].pixels;
                let given = relu && skip.is_some();
                let activation_place = if given { place(activation) } else { 0..0 };
                let skip_norm = skip.and_then(|skip| skip.norm.map(|norm| (norm, skip.buffer)));
                let skip_place = skip_norm.map_or(0..0, |(_, buffer)| place(buffer));
                let ([raw, activation, skip_raw], [gradient, grad_raw]) = self.arena.pieces(
                    [place(raw), activation_place, skip_place],
                    [place(gradient), separate.map_or(0..0, place)],
                );
                let state = &self.norms[norm];
                let numbers = 2 * program.norms[norm].channels;
                let at = gradient_place(state.place);
                let skip_at =
                    skip_norm.map_or(at, |(other, _)| if kept { self.norms[other].place } else { numbers });
                // The skip path's norm lies after this one or before it: one cut separates them.
                let cut = at.max(skip_at);
                let (low, high) = self.gradients.split_at_mut(cut);
                let (grads, skip_grads) = match skip_norm {
                    None => (state.grads(high, 0), None),
                    Some((other, _)) if at < skip_at => {
                        (state.grads(low, at), Some(self.norms[other].grads(high, 0)))
                    }
                    Some((other, _)) => (state.grads(high, 0), Some(self.norms[other].grads(low, skip_at))),
                };
                let backward = match (skip, skip_norm, skip_grads) {
                    (None, ..) => SkipBackward::None,
                    (Some(_), Some((norm, _)), Some(grads)) => SkipBackward::Norm {
                        grad_raw,
                        raw: skip_raw,
                        norm: self.norms[norm].apply(&self.parameters, true),
                        grads,
                    },
                    (Some(_), ..) => SkipBackward::Identity { grad_raw },
                };
                let applied = state.apply(&self.parameters, true);
                let activation = given.then_some(activation);
                kernels.norm_backward(rows, raw, applied, grads, activation, relu, gradient, backward);
                self.move_parameters(kernels, update, self.norms[norm].place, numbers, at, false);
                if let Some((other, _)) = skip_norm {
                    let place = self.norms[other].place;
                    self.move_parameters(kernels, update, place, numbers, skip_at, false);
                }
            }
        }
        None
    }

    /// Moves `len` parameters from `place` on by their gradients, which begin at `gradient`; where a step is to move them.
    fn move_parameters(
        &mut self,
        kernels: &mut dyn Kernels,
        update: Option<Update>,
        place: usize,
        len: usize,
        gradient: usize,
        is_weight: bool,
    ) {
        let Some(Update { sgd, decay_norm_and_bias }) = update else { return };
        let weight_decay = if is_weight || decay_norm_and_bias { sgd.weight_decay } else { 0.0 };
        let velocity = if sgd.momentum == 0.0 { &mut [][..] } else { &mut self.velocities[place..][..len] };
        kernels.sgd(
            Sgd { weight_decay, ..sgd },
            &mut self.parameters[place..][..len],
            &self.gradients[gradient..][..len],
            velocity,
        );
    }
}

#[cfg(test)]
mod tests;

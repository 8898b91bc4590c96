//! A network in training or in use: weights, memory and the loop over the static graph.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    BackendKind, Model, NnError, OptimizerConfig, ParameterKind, Tensor, Weights,
    kernels::{
        self, Cpu, Epilogue, Kernels, Moments, Norm, NormGrads, Reference, Sgd, Skip, SkipBackward, arena,
        arena::{Arena, Buffer},
    },
    memory,
    program::{BufferId, Instruction, Program},
    weight_file,
};

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

/// Where a convolution's numbers lie in the slab of parameters.
#[derive(Clone, Copy, Debug)]
struct ConvPlace {
    weight: usize,
    bias: usize,
}

/// A network with its weights and its memory, ready to train or to infer.
pub struct Session {
    model: Model,
    config: SessionConfig,
    kernels: Box<dyn Kernels>,
    state: State,
    logits: Vec<f32>,
}

/// Everything but the kernels, which work on it.
struct State {
    training: Option<Program>,
    inference: Program,
    arena: Arena,
    convs: Vec<ConvPlace>,
    norms: Vec<NormState>,
    /// Trained numbers, in the kernels' layout.
    parameters: Buffer,
    gradients: Buffer,
    /// Empty until a step has momentum.
    velocities: Buffer,
    /// Per parameter: its range, and whether it is a kernel or linear weight.
    ranges: Vec<(std::ops::Range<usize>, bool)>,
    profile: Option<HashMap<(bool, usize), (u64, Duration)>>,
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

    /// This norm's share of a slab of gradients that begins at `offset` of the whole.
    fn grads<'a>(&self, slab: &'a mut [f32], offset: usize) -> NormGrads<'a> {
        let channels = self.running.mean.len();
        let (gamma, beta) = slab[self.place - offset..][..2 * channels].split_at_mut(channels);
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
        if config.batch == 0 {
            return Err(NnError::Configuration(
                "a batch needs at least one image; set batch to 1 or more".into(),
            ));
        }
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let config = SessionConfig { threads, ..config };
        let kernels: Box<dyn Kernels> = match config.backend {
            BackendKind::Reference => Box::new(Reference),
            BackendKind::Cpu => Box::new(Cpu::new(threads).map_err(|error| {
                NnError::Configuration(format!("{threads} threads cannot be started ({error}); use fewer"))
            })?),
        };
        let out_of_memory = |bytes| NnError::OutOfMemory {
            model: model.name().into(),
            batch: config.batch,
            image: model.image(),
            bytes,
            fits: memory::available().and_then(|available| Self::largest_batch(model, &config, available)),
        };
        // Asking first: a system that promises more than it has would kill the process in the middle of a step.
        let bytes = Self::planned_bytes(model, &config);
        if memory::available().is_some_and(|available| bytes > available) {
            return Err(out_of_memory(bytes));
        }
        let inference = Program::inference(model, config.batch);
        let training = config.train.then(|| Program::training(model, config.batch));
        let wanted = inference.arena.max(training.as_ref().map_or(0, |p| p.arena));
        let arena = Arena::new(wanted).ok_or_else(|| out_of_memory(bytes))?;
        let slab = |len| Buffer::new(len).ok_or_else(|| out_of_memory(bytes));

        let mut end = 0;
        let mut ranges = Vec::new();
        let mut take = |len: usize, weight: bool| {
            ranges.push((end..end + len, weight));
            end += len;
            end - len
        };
        let convs = inference
            .convs
            .iter()
            .map(|conv| ConvPlace {
                weight: take(conv.geometry.weights(), true),
                bias: if conv.linear { take(conv.geometry.outputs, false) } else { 0 },
            })
            .collect();
        let norms = inference
            .norms
            .iter()
            .map(|norm| {
                let moments = Moments { mean: vec![0.0; norm.channels], variance: vec![1.0; norm.channels] };
                NormState {
                    place: take(2 * norm.channels, false),
                    running: moments.clone(),
                    batch: moments,
                    inverse: vec![],
                }
            })
            .collect();
        let state = State {
            training,
            inference,
            arena,
            convs,
            norms,
            parameters: slab(end)?,
            gradients: slab(if config.train { end } else { 0 })?,
            velocities: Buffer::default(),
            ranges,
            profile: None,
            poison: false,
        };
        let mut session = Self { model: model.clone(), config, kernels, state, logits: vec![] };
        session.load(weights)?;
        Ok(session)
    }

    /// Bytes of activations, weights, gradients and velocities a session would hold; the kernels' scratch, some tens of
    /// MiB, comes on top.
    #[must_use]
    pub fn planned_bytes(model: &Model, config: &SessionConfig) -> usize {
        let batch = config.batch.max(1);
        let inference = Program::inference(model, batch).arena;
        let training = if config.train { Program::training(model, batch).arena } else { 0 };
        let slabs = if config.train { 3 } else { 1 };
        4 * (inference.max(training) + slabs * model.parameter_count())
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
        let loss = self.backward(images, targets, step.label_smoothing)?;
        if loss.is_finite() {
            self.update(step);
        }
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
        if !self.config.train {
            return Err(NnError::InferenceOnly("train"));
        }
        let classes = self.model.classes();
        let n = self.images(images)?;
        if targets.len() != n * classes {
            return Err(NnError::Length {
                what: "targets",
                expected: format!("{n} images × {classes} classes = {}", n * classes),
                got: targets.len(),
            });
        }
        let mut loss = f64::NAN;
        let state = &mut self.state;
        if let Some(program) = state.training.take() {
            self.kernels.within(&mut |kernels| {
                loss = state.run(&program, kernels, n, images, Some((targets, label_smoothing)));
            });
            state.training = Some(program);
        }
        Ok(loss)
    }

    fn update(&mut self, step: &StepConfig) {
        let OptimizerConfig::Sgd { momentum, nesterov, weight_decay, decay_norm_and_bias, .. } =
            step.optimizer;
        let state = &mut self.state;
        if momentum != 0.0 && state.velocities.is_empty() {
            // Zero velocities give PyTorch's first step, which copies the gradient: m · 0 + g.
            state.velocities = Buffer::zeroed(state.parameters.len());
        }
        self.kernels.within(&mut |kernels| {
            for (range, is_weight) in &state.ranges {
                let decays = *is_weight || decay_norm_and_bias;
                let sgd = Sgd {
                    lr: step.lr as f32,
                    momentum: momentum as f32,
                    nesterov,
                    weight_decay: if decays { weight_decay as f32 } else { 0.0 },
                };
                let velocity =
                    if momentum == 0.0 { &mut [][..] } else { &mut state.velocities[range.clone()] };
                kernels.sgd(
                    sgd,
                    &mut state.parameters[range.clone()],
                    &state.gradients[range.clone()],
                    velocity,
                );
            }
        });
    }

    /// Class scores (logits) of `n ≤ batch` images with running statistics: n × classes.
    ///
    /// # Errors
    /// Images of the wrong length.
    pub fn infer(&mut self, images: &[f32]) -> Result<&[f32], NnError> {
        let n = self.images(images)?;
        let state = &mut self.state;
        let program = std::mem::take(&mut state.inference);
        for norm in &mut state.norms {
            norm.invert(false);
        }
        self.kernels.within(&mut |kernels| {
            state.run(&program, kernels, n, images, None);
        });
        let place = program.places[program.logits].clone();
        let ([logits], []) = state.arena.pieces([place], []);
        self.logits.clear();
        self.logits.extend_from_slice(&logits[..n * self.model.classes()]);
        state.inference = program;
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

    /// Bytes the session holds: activations, weights, gradients, velocities, scratch.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let state = &self.state;
        let slabs = state.parameters.len() + state.gradients.len() + state.velocities.len();
        4 * (state.arena.len() + slabs) + self.kernels.scratch_bytes()
    }

    /// Gradients of the last step by parameter name; zeroes before the first.
    ///
    /// # Errors
    /// A session made for inference.
    pub fn gradients(&self) -> Result<Weights, NnError> {
        if !self.config.train {
            return Err(NnError::InferenceOnly("have gradients"));
        }
        Ok(self.export(&self.state.gradients, false))
    }

    /// Weights, running statistics and velocities, exactly.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let momentum = if self.state.velocities.is_empty() {
            Weights::new()
        } else {
            self.export(&self.state.velocities, false)
        };
        Snapshot { weights: self.weights(), momentum }
    }

    /// Parameters and running statistics in torchvision's layout.
    #[must_use]
    pub fn weights(&self) -> Weights {
        self.export(&self.state.parameters, true)
    }

    /// Goes back to a snapshot.
    ///
    /// # Errors
    /// A snapshot of another network.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), NnError> {
        let mut velocities = Buffer::default();
        if !snapshot.momentum.is_empty() && self.config.train {
            velocities = Buffer::zeroed(self.state.parameters.len());
            self.import(&snapshot.momentum, &mut velocities, None)?;
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
        let programs = [(true, state.training.as_ref()), (false, Some(&state.inference))];
        let mut list = Vec::new();
        for (training, program) in programs {
            let Some(program) = program else { continue };
            for (index, instruction) in program.instructions.iter().enumerate() {
                if let Some(&(calls, time)) = measured.get(&(training, index)) {
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
        let (_, notes) = weights.adapt(&self.model, 0)?;
        if let Some(note) = notes.first() {
            return Err(NnError::WrongNetwork {
                file: String::new(),
                model: self.model.name().into(),
                problems: note.split(';').next().unwrap_or_default().replace("replaced", "differs"),
                hint: "; adapt the weights to the model first".into(),
            });
        }
        let mut parameters = std::mem::take(&mut self.state.parameters);
        let mut running = Vec::new();
        let result = self.import(weights, &mut parameters, Some(&mut running));
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
        weights: &Weights,
        slab: &mut [f32],
        mut running: Option<&mut Vec<Moments>>,
    ) -> Result<(), NnError> {
        let get = |name: String, len: usize| match weights.get(&name) {
            Some(tensor) if tensor.data.len() == len => Ok(&tensor.data),
            _ => Err(NnError::WrongNetwork {
                file: String::new(),
                model: self.model.name().into(),
                problems: format!("`{name}` is missing or of another shape"),
                hint: "; use a snapshot of this network".into(),
            }),
        };
        let program = &self.state.inference;
        for (conv, place) in program.convs.iter().zip(&self.state.convs) {
            let geometry = &conv.geometry;
            let from = get(format!("{}.weight", conv.name), geometry.weights())?;
            let taps = geometry.kernel * geometry.kernel;
            let to = &mut slab[place.weight..][..geometry.weights()];
            for (output, from) in from.chunks_exact(taps * geometry.inputs).enumerate() {
                for (input, from) in from.chunks_exact(taps).enumerate() {
                    for (tap, &value) in from.iter().enumerate() {
                        to[(tap * geometry.inputs + input) * geometry.outputs + output] = value;
                    }
                }
            }
            if conv.linear {
                let bias = get(format!("{}.bias", conv.name), geometry.outputs)?;
                slab[place.bias..][..geometry.outputs].copy_from_slice(bias);
            }
        }
        for (norm, state) in program.norms.iter().zip(&self.state.norms) {
            let (gamma, beta) = slab[state.place..][..2 * norm.channels].split_at_mut(norm.channels);
            gamma.copy_from_slice(get(format!("{}.weight", norm.name), norm.channels)?);
            beta.copy_from_slice(get(format!("{}.bias", norm.name), norm.channels)?);
            if let Some(running) = &mut running {
                running.push(Moments {
                    mean: get(format!("{}.running_mean", norm.name), norm.channels)?.clone(),
                    variance: get(format!("{}.running_var", norm.name), norm.channels)?.clone(),
                });
            }
        }
        Ok(())
    }

    /// Named tensors of a slab in torchvision's layout and order.
    fn export(&self, slab: &[f32], buffers: bool) -> Weights {
        let program = &self.state.inference;
        let convs: HashMap<&str, usize> =
            program.convs.iter().enumerate().map(|(i, c)| (c.name.as_str(), i)).collect();
        let norms: HashMap<&str, usize> =
            program.norms.iter().enumerate().map(|(i, n)| (n.name.as_str(), i)).collect();
        let mut weights = Weights::new();
        for parameter in self.model.parameters() {
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
    /// Runs a program on `n` images; the loss where there are targets.
    fn run(
        &mut self,
        program: &Program,
        kernels: &mut dyn Kernels,
        n: usize,
        images: &[f32],
        targets: Option<(&[f32], f64)>,
    ) -> f64 {
        let ([], [to]) = self.arena.pieces([], [program.places[program.input].clone()]);
        to[..images.len()].copy_from_slice(images);
        let mut loss = f64::NAN;
        for (index, instruction) in program.instructions.iter().enumerate() {
            let start = self.profile.is_some().then(Instant::now);
            if let Some(value) = self.execute(program, instruction, kernels, n, targets) {
                loss = value;
                if !loss.is_finite() {
                    break;
                }
            }
            if let (Some(start), Some(profile)) = (start, &mut self.profile) {
                let entry = profile.entry((targets.is_some(), index)).or_default();
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
        targets: Option<(&[f32], f64)>,
    ) -> Option<f64> {
        let place = |buffer: BufferId| program.places[buffer].clone();
        match *instruction {
            Instruction::ConvMoments { conv, norm, input, output } => {
                let ([input], [output]) = self.arena.pieces([place(input)], [place(output)]);
                let geometry = &program.convs[conv].geometry;
                let state = &mut self.norms[norm];
                let weights = &self.parameters[self.convs[conv].weight..][..geometry.weights()];
                kernels.conv(geometry, n, input, weights, output, Epilogue::Moments(&mut state.batch));
                state.invert(true);
                state.advance(n * program.norms[norm].pixels);
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
            Instruction::Loss { logits, gradient } => {
                let (targets, smoothing) = targets?;
                let ([logits], [gradient]) = self.arena.pieces([place(logits)], [place(gradient)]);
                let classes = targets.len() / n;
                return Some(kernels::cross_entropy(classes, logits, targets, smoothing, gradient));
            }
            Instruction::LinearBackwardWeights { conv, input, gradient } => {
                let ([input, gradient], []) = self.arena.pieces([place(input), place(gradient)], []);
                let geometry = &program.convs[conv].geometry;
                let places = self.convs[conv];
                let to = &mut self.gradients[places.weight..][..geometry.weights()];
                kernels.conv_backward_weights(geometry, n, input, gradient, to);
                kernels.sum_rows(n, gradient, &mut self.gradients[places.bias..][..geometry.outputs]);
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
                let to = &mut self.gradients[self.convs[conv].weight..][..geometry.weights()];
                kernels.conv_backward_weights(geometry, n, input, gradient, to);
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
                // The skip path's norm lies after this one or before it: one cut of the slab separates them.
                let state = &self.norms[norm];
                let (grads, skip_grads) = match skip_norm {
                    None => (state.grads(&mut self.gradients, 0), None),
                    Some((other, _)) => {
                        let other = &self.norms[other];
                        let cut = state.place.max(other.place);
                        let (low, high) = self.gradients.split_at_mut(cut);
                        if state.place < other.place {
                            (state.grads(low, 0), Some(other.grads(high, cut)))
                        } else {
                            (state.grads(high, cut), Some(other.grads(low, 0)))
                        }
                    }
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
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;

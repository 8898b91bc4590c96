//! The static training graph: a model's layers fused into instructions over buffers whose lifetimes, and therefore places
//! in one arena, are known before the first step.
//!
//! It knows nothing of how an instruction is computed: a back end in host memory executes it kernel by kernel, one on a
//! device may compile and capture it whole.

use std::{collections::HashMap, ops::Range};

use crate::{
    Model, Trainable,
    kernels::{Convolution, Pool},
    model::{Layer, Op},
};

/// A buffer of the arena, by position in [`Program`]'s places.
pub(crate) type BufferId = usize;

/// A convolution (or linear layer) of the model, by position in [`Program`]'s convolutions.
pub(crate) type ConvId = usize;

/// A batch-norm of the model, by position in [`Program::norms`].
pub(crate) type NormId = usize;

/// A convolution with the names of its parameters.
#[derive(Clone, Debug)]
pub(crate) struct ConvLayer {
    pub(crate) name: String,
    pub(crate) geometry: Convolution,
    /// A linear layer: has a bias, and its weight is output × input in files.
    pub(crate) linear: bool,
}

/// A batch-norm.
#[derive(Clone, Debug)]
pub(crate) struct NormLayer {
    pub(crate) name: String,
    pub(crate) channels: usize,
    /// Pixels of one image.
    pub(crate) pixels: usize,
}

/// The skip path of a fused batch-norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SkipPath {
    /// The activation, or with a norm the raw output of the downsampling convolution.
    pub(crate) buffer: BufferId,
    pub(crate) norm: Option<NormId>,
}

/// One fused operation.
#[derive(Clone, Debug)]
pub(crate) enum Instruction {
    /// Convolution whose channels' moments are gathered for a batch-norm.
    ConvMoments { conv: ConvId, norm: NormId, input: BufferId, output: BufferId },
    /// Batch-norm by batch statistics, skip add, ReLU.
    Norm { norm: NormId, raw: BufferId, skip: Option<SkipPath>, relu: bool, output: BufferId },
    /// Convolution, batch-norm by running statistics, skip add, ReLU.
    ConvNorm {
        conv: ConvId,
        norm: NormId,
        input: BufferId,
        skip: Option<BufferId>,
        relu: bool,
        output: BufferId,
    },
    /// Max-pool; positions of maxima are kept for the backward pass where there is one.
    MaxPool { pool: Pool, input: BufferId, index: Option<BufferId>, output: BufferId },
    /// Global average pool.
    AveragePool { pixels: usize, channels: usize, input: BufferId, output: BufferId },
    /// Linear layer.
    Linear { conv: ConvId, input: BufferId, output: BufferId },
    /// Activations of `len` numbers an image, mixed between images.
    Mix { len: usize, input: BufferId, output: BufferId },
    /// Gradient of the unmixed activations.
    MixBackward { len: usize, gradient: BufferId, output: BufferId },
    /// Cross-entropy: the loss, and the gradient of the logits.
    Loss { logits: BufferId, gradient: BufferId },
    /// Gradients of a linear layer's weight and bias.
    LinearBackwardWeights { conv: ConvId, input: BufferId, gradient: BufferId },
    /// Gradient of a convolution's or linear layer's input.
    ConvBackwardData { conv: ConvId, gradient: BufferId, output: BufferId, accumulate: bool },
    /// Gradient of a convolution's weights.
    ConvBackwardWeights { conv: ConvId, input: BufferId, gradient: BufferId },
    /// Gradient of a global average pool's input.
    AveragePoolBackward { pixels: usize, channels: usize, gradient: BufferId, output: BufferId },
    /// Gradient of a max-pool's input.
    MaxPoolBackward { pool: Pool, gradient: BufferId, index: BufferId, output: BufferId },
    /// Backward of `Norm`: `gradient` is replaced by the gradient of the raw input, or where there is a skip path by the
    /// gradient of that, while the gradient of the raw input goes to `separate`.
    NormBackward {
        norm: NormId,
        raw: BufferId,
        activation: BufferId,
        relu: bool,
        gradient: BufferId,
        skip: Option<SkipPath>,
        separate: Option<BufferId>,
    },
}

impl Instruction {
    /// Buffers it touches.
    fn buffers(&self) -> Vec<BufferId> {
        use Instruction as I;
        match *self {
            I::ConvMoments { input, output, .. }
            | I::AveragePool { input, output, .. }
            | I::Linear { input, output, .. }
            | I::Mix { input, output, .. } => vec![input, output],
            I::Norm { raw, skip, output, .. } => {
                [Some(raw), skip.map(|s| s.buffer), Some(output)].into_iter().flatten().collect()
            }
            I::ConvNorm { input, skip, output, .. } => {
                [Some(input), skip, Some(output)].into_iter().flatten().collect()
            }
            I::MaxPool { input, index, output, .. } => {
                [Some(input), index, Some(output)].into_iter().flatten().collect()
            }
            I::Loss { logits, gradient } => vec![logits, gradient],
            I::LinearBackwardWeights { input, gradient, .. }
            | I::ConvBackwardWeights { input, gradient, .. } => {
                vec![input, gradient]
            }
            I::ConvBackwardData { gradient, output, .. }
            | I::AveragePoolBackward { gradient, output, .. }
            | I::MixBackward { gradient, output, .. } => {
                vec![gradient, output]
            }
            I::MaxPoolBackward { gradient, index, output, .. } => vec![gradient, index, output],
            I::NormBackward { raw, activation, relu, gradient, skip, separate, .. } => [
                Some(raw),
                // Only the sign of the activation is asked for, and without a skip path the raw values give it too.
                Some(activation).filter(|_| relu && skip.is_some()),
                Some(gradient),
                skip.filter(|s| s.norm.is_some()).map(|s| s.buffer),
                separate,
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }
}

/// A list of instructions with the places of its buffers.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) convs: Vec<ConvLayer>,
    pub(crate) norms: Vec<NormLayer>,
    pub(crate) instructions: Vec<Instruction>,
    /// Per buffer: where it lies in the arena.
    pub(crate) places: Vec<Range<usize>>,
    /// Per instruction: buffers that nothing reads after it.
    pub(crate) dead_after: Vec<Vec<BufferId>>,
    /// The caller's images.
    pub(crate) input: BufferId,
    /// What the caller reads after the last instruction: class scores, or what else the program is for.
    pub(crate) result: BufferId,
    /// Numbers the arena must hold.
    pub(crate) arena: usize,
}

/// What a backward pass is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GradientOf {
    Parameters,
    Images,
}

/// A fused piece of the model, before it is known whether it will be trained.
enum Stage {
    Conv { conv: ConvId, norm: NormId, input: usize, raw: usize },
    Norm { norm: NormId, raw: usize, skip: Option<(usize, Option<NormId>)>, relu: bool, output: usize },
    MaxPool { pool: Pool, input: usize, output: usize },
    AveragePool { input: usize, output: usize },
    Linear { conv: ConvId, input: usize, output: usize },
}

impl Program {
    /// Forward, loss and backward for `batch` images, whose activations are mixed after a stage or not at all.
    pub(crate) fn training(
        model: &Model,
        batch: usize,
        trainable: Trainable,
        mixed_stage: Option<usize>,
    ) -> Self {
        let mut planner = Planner::new(model, batch);
        planner.mixed_layer = mixed_stage.and_then(|stage| model.stage_end(stage));
        match trainable {
            Trainable::All => {
                planner.forward_training();
                planner.backward(GradientOf::Parameters);
            }
            Trainable::Head => {
                planner.forward_inference();
                planner.backward_head();
            }
        }
        planner.finish_with_scores()
    }

    /// Layer, kind of work, floating-point operations, and bytes of activations and weights, for `n` images.
    pub(crate) fn describe(&self, instruction: &Instruction, n: usize) -> (String, &'static str, u64, u64) {
        use Instruction as I;
        let numbers: usize = instruction.buffers().iter().map(|&buffer| self.places[buffer].len()).sum();
        let bytes = 4 * numbers as u64;
        let conv = |conv: ConvId, kind| {
            let layer = &self.convs[conv];
            let weights = 4 * layer.geometry.weights() as u64;
            (layer.name.clone(), kind, layer.geometry.flops(n), bytes + weights)
        };
        let norm = |norm: NormId, kind| (self.norms[norm].name.clone(), kind, 0, bytes);
        match *instruction {
            I::ConvMoments { conv: c, .. } | I::ConvNorm { conv: c, .. } => conv(c, "conv"),
            I::Linear { conv: c, .. } => conv(c, "linear"),
            I::LinearBackwardWeights { conv: c, .. } | I::ConvBackwardWeights { conv: c, .. } => {
                conv(c, "backward weights")
            }
            I::ConvBackwardData { conv: c, .. } => conv(c, "backward data"),
            I::Norm { norm: n, .. } => norm(n, "norm"),
            I::NormBackward { norm: n, .. } => norm(n, "norm backward"),
            I::MaxPool { .. } => ("maxpool".into(), "max-pool", 0, bytes),
            I::MaxPoolBackward { .. } => ("maxpool".into(), "max-pool backward", 0, bytes),
            I::AveragePool { .. } => ("avgpool".into(), "average pool", 0, bytes),
            I::AveragePoolBackward { .. } => ("avgpool".into(), "average pool backward", 0, bytes),
            I::Mix { .. } => ("mix".into(), "mix", 0, bytes),
            I::MixBackward { .. } => ("mix".into(), "mix backward", 0, bytes),
            I::Loss { .. } => ("loss".into(), "loss", 0, bytes),
        }
    }

    /// Forward with running statistics for `batch` images.
    pub(crate) fn inference(model: &Model, batch: usize) -> Self {
        let mut planner = Planner::new(model, batch);
        planner.forward_inference();
        planner.finish_with_scores()
    }

    /// Forward with running statistics up to the activations that the global average pool reads; none in a network without
    /// such a pool.
    pub(crate) fn features(model: &Model, batch: usize) -> Option<Self> {
        let mut planner = Planner::new(model, batch);
        let (at, layer) = planner.stages.iter().enumerate().find_map(|(at, stage)| match *stage {
            Stage::AveragePool { input, .. } => Some((at, input)),
            _ => None,
        })?;
        planner.stages.truncate(at);
        planner.forward_inference();
        let features = planner.activations[&layer];
        Some(planner.finish(features))
    }

    /// Forward with batch statistics, loss, and backward to the images: no parameter's gradient but batch-norms', which come
    /// with their input's.
    pub(crate) fn input_gradient(model: &Model, batch: usize) -> Self {
        let mut planner = Planner::new(model, batch);
        planner.forward_training();
        let gradients = planner.backward(GradientOf::Images);
        planner.finish(gradients[&0])
    }
}

struct Planner<'a> {
    model: &'a Model,
    batch: usize,
    convs: Vec<ConvLayer>,
    norms: Vec<NormLayer>,
    stages: Vec<Stage>,
    sizes: Vec<usize>,
    instructions: Vec<Instruction>,
    /// Layer -> the buffer of its output.
    activations: HashMap<usize, BufferId>,
    /// Position of a max-pool's layer -> its window positions.
    indices: HashMap<usize, BufferId>,
    /// The layer whose activations are mixed before anything reads them, and their unmixed buffer once there is one.
    mixed_layer: Option<usize>,
    unmixed: Option<BufferId>,
}

impl<'a> Planner<'a> {
    fn new(model: &'a Model, batch: usize) -> Self {
        let mut planner = Self {
            model,
            batch,
            convs: vec![],
            norms: vec![],
            stages: vec![],
            sizes: vec![],
            instructions: vec![],
            activations: HashMap::new(),
            indices: HashMap::new(),
            mixed_layer: None,
            unmixed: None,
        };
        planner.fuse();
        let input = planner.buffer(model.layers[0].shape.len() * batch);
        planner.activations.insert(0, input);
        planner
    }

    fn consumers(&self, layer: usize) -> impl Iterator<Item = usize> {
        self.model.layers.iter().enumerate().filter(move |(_, l)| l.inputs.contains(&layer)).map(|(i, _)| i)
    }

    /// The only consumer of a layer, if it is of this kind.
    fn then(&self, layer: usize, op: Op) -> Option<usize> {
        let mut consumers = self.consumers(layer);
        let first = consumers.next().filter(|&c| self.model.layers[c].op == op)?;
        consumers.next().is_none().then_some(first)
    }

    fn geometry(&self, layer: &Layer) -> Convolution {
        let (from, to) = (self.model.input_shape(layer), layer.shape);
        match layer.op {
            Op::Conv { kernel, stride, padding } => Convolution {
                kernel,
                stride,
                padding,
                in_height: from.height,
                in_width: from.width,
                inputs: from.channels,
                out_height: to.height,
                out_width: to.width,
                outputs: to.channels,
            },
            _ => Convolution {
                kernel: 1,
                stride: 1,
                padding: 0,
                in_height: 1,
                in_width: 1,
                inputs: from.len(),
                out_height: 1,
                out_width: 1,
                outputs: to.channels,
            },
        }
    }

    /// Convolution + batch-norm [+ add] [+ ReLU] become two stages: what needs no statistics of its own output, and what
    /// needs them.
    fn fuse(&mut self) {
        let model = self.model;
        // Raw outputs of batch-norms on a skip path: applied by the add they lead to.
        let mut pending: HashMap<usize, (usize, NormId)> = HashMap::new();
        for (index, layer) in model.layers.iter().enumerate() {
            match layer.op {
                Op::Conv { .. } => {
                    let geometry = self.geometry(layer);
                    self.convs.push(ConvLayer { name: layer.name.clone(), geometry, linear: false });
                }
                Op::BatchNorm => {
                    let norm = self.norms.len();
                    let raw = layer.inputs[0];
                    self.norms.push(NormLayer {
                        name: layer.name.clone(),
                        channels: layer.shape.channels,
                        pixels: layer.shape.height * layer.shape.width,
                    });
                    self.stages.push(Stage::Conv {
                        conv: self.convs.len() - 1,
                        norm,
                        input: model.layers[raw].inputs[0],
                        raw,
                    });
                    if self.then(index, Op::Add).is_some() {
                        pending.insert(index, (raw, norm));
                    } else {
                        let relu = self.then(index, Op::Relu);
                        self.stages.push(Stage::Norm {
                            norm,
                            raw,
                            skip: None,
                            relu: relu.is_some(),
                            output: relu.unwrap_or(index),
                        });
                    }
                }
                Op::Add => {
                    let Some((raw, norm)) = pending.remove(&layer.inputs[0]) else {
                        unreachable!("the builder adds the skip path to a batch-norm")
                    };
                    let skip = match pending.remove(&layer.inputs[1]) {
                        Some((raw, norm)) => (raw, Some(norm)),
                        None => (layer.inputs[1], None),
                    };
                    let relu = self.then(index, Op::Relu);
                    self.stages.push(Stage::Norm {
                        norm,
                        raw,
                        skip: Some(skip),
                        relu: relu.is_some(),
                        output: relu.unwrap_or(index),
                    });
                }
                Op::MaxPool { kernel, stride, padding } => {
                    let from = model.input_shape(layer);
                    let pool = Pool {
                        kernel,
                        stride,
                        padding,
                        in_height: from.height,
                        in_width: from.width,
                        out_height: layer.shape.height,
                        out_width: layer.shape.width,
                        channels: from.channels,
                    };
                    self.stages.push(Stage::MaxPool { pool, input: layer.inputs[0], output: index });
                }
                Op::GlobalAveragePool => {
                    self.stages.push(Stage::AveragePool { input: layer.inputs[0], output: index });
                }
                Op::Linear => {
                    let geometry = self.geometry(layer);
                    self.convs.push(ConvLayer { name: layer.name.clone(), geometry, linear: true });
                    self.stages.push(Stage::Linear {
                        conv: self.convs.len() - 1,
                        input: layer.inputs[0],
                        output: index,
                    });
                }
                Op::Input | Op::Relu => {}
            }
        }
    }

    fn buffer(&mut self, len: usize) -> BufferId {
        self.sizes.push(len);
        self.sizes.len() - 1
    }

    /// A new buffer for a layer's output.
    fn output(&mut self, layer: usize) -> BufferId {
        let buffer = self.buffer(self.model.layers[layer].shape.len() * self.batch);
        self.activations.insert(layer, buffer);
        buffer
    }

    fn pixels_and_channels(&self, layer: usize) -> (usize, usize) {
        let shape = self.model.layers[layer].shape;
        (shape.height * shape.width, shape.channels)
    }

    fn forward_training(&mut self) {
        let stages = std::mem::take(&mut self.stages);
        for stage in &stages {
            let instruction = match *stage {
                Stage::Conv { conv, norm, input, raw } => {
                    let input = self.activations[&input];
                    Instruction::ConvMoments { conv, norm, input, output: self.output(raw) }
                }
                Stage::Norm { norm, raw, skip, relu, output } => {
                    let raw = self.activations[&raw];
                    let skip = skip.map(|(layer, norm)| SkipPath { buffer: self.activations[&layer], norm });
                    Instruction::Norm { norm, raw, skip, relu, output: self.output(output) }
                }
                Stage::MaxPool { pool, input, output } => {
                    // One byte per output.
                    let index = self.buffer((self.model.layers[output].shape.len() * self.batch).div_ceil(4));
                    self.indices.insert(output, index);
                    let input = self.activations[&input];
                    Instruction::MaxPool { pool, input, index: Some(index), output: self.output(output) }
                }
                Stage::AveragePool { input, output } => self.average_pool(input, output),
                Stage::Linear { conv, input, output } => self.linear(conv, input, output),
            };
            self.instructions.push(instruction);
            self.mix(stage);
        }
        self.stages = stages;
    }

    /// After the stage that makes the layer to be mixed: what follows reads the mixed activations.
    fn mix(&mut self, stage: &Stage) {
        if let Stage::Norm { output: layer, .. } = *stage
            && self.mixed_layer == Some(layer)
        {
            let input = self.activations[&layer];
            self.unmixed = Some(input);
            let (len, output) = (self.model.layers[layer].shape.len(), self.output(layer));
            self.instructions.push(Instruction::Mix { len, input, output });
        }
    }

    fn average_pool(&mut self, input: usize, output: usize) -> Instruction {
        let (pixels, channels) = self.pixels_and_channels(input);
        let input = self.activations[&input];
        Instruction::AveragePool { pixels, channels, input, output: self.output(output) }
    }

    fn linear(&mut self, conv: ConvId, input: usize, output: usize) -> Instruction {
        let input = self.activations[&input];
        Instruction::Linear { conv, input, output: self.output(output) }
    }

    fn forward_inference(&mut self) {
        let stages = std::mem::take(&mut self.stages);
        // Raw output -> the convolution that computes it together with its batch-norm.
        let mut convs: HashMap<usize, (ConvId, usize)> = HashMap::new();
        for stage in &stages {
            let instruction = match *stage {
                Stage::Conv { conv, input, raw, .. } => {
                    convs.insert(raw, (conv, input));
                    continue;
                }
                Stage::Norm { norm, raw, skip, relu, output } => {
                    let skip = skip.map(|(layer, norm)| {
                        if let Some(norm) = norm {
                            let (conv, input) = convs[&layer];
                            let input = self.activations[&input];
                            let output = self.output(layer);
                            self.instructions.push(Instruction::ConvNorm {
                                conv,
                                norm,
                                input,
                                skip: None,
                                relu: false,
                                output,
                            });
                        }
                        self.activations[&layer]
                    });
                    let (conv, input) = convs[&raw];
                    let input = self.activations[&input];
                    Instruction::ConvNorm { conv, norm, input, skip, relu, output: self.output(output) }
                }
                Stage::MaxPool { pool, input, output } => {
                    let input = self.activations[&input];
                    Instruction::MaxPool { pool, input, index: None, output: self.output(output) }
                }
                Stage::AveragePool { input, output } => self.average_pool(input, output),
                Stage::Linear { conv, input, output } => self.linear(conv, input, output),
            };
            self.instructions.push(instruction);
            self.mix(stage);
        }
        self.stages = stages;
    }

    /// The loss and the gradient of the last layer.
    fn loss(&mut self) -> BufferId {
        let last = self.model.layers.len() - 1;
        let gradient = self.buffer(self.model.layers[last].shape.len() * self.batch);
        self.instructions.push(Instruction::Loss { logits: self.activations[&last], gradient });
        gradient
    }

    /// Gradients of the last linear layer only.
    fn backward_head(&mut self) {
        let gradient = self.loss();
        if let Some(&Stage::Linear { conv, input, .. }) = self.stages.last() {
            let input = self.activations[&input];
            self.instructions.push(Instruction::LinearBackwardWeights { conv, input, gradient });
        }
    }

    /// The activation of a convolution's input for its weight gradient. One that is a batch-norm and a ReLU of a raw output
    /// which is kept anyway is computed again rather than kept: a hundredth of the step's time for a sixth of its memory.
    fn input_again(&mut self, layer: usize, stages: &[Stage]) -> BufferId {
        let made = stages.iter().find_map(|stage| match *stage {
            Stage::Norm { norm, raw, skip: None, relu, output } if output == layer => Some((norm, raw, relu)),
            _ => None,
        });
        let Some((norm, raw, relu)) = made.filter(|_| self.consumers(layer).count() == 1) else {
            return self.activations[&layer];
        };
        let output = self.buffer(self.model.layers[layer].shape.len() * self.batch);
        let raw = self.activations[&raw];
        self.instructions.push(Instruction::Norm { norm, raw, skip: None, relu, output });
        output
    }

    /// Layer -> the gradient of its output.
    fn backward(&mut self, of: GradientOf) -> HashMap<usize, BufferId> {
        // Filled once a consumer has contributed.
        let mut gradients: HashMap<usize, BufferId> = HashMap::new();
        let stages = std::mem::take(&mut self.stages);
        let gradient = self.loss();
        gradients.insert(self.model.layers.len() - 1, gradient);
        // A layer's weights may move as soon as their gradient is there: what needs them comes first.
        for stage in stages.iter().rev() {
            match *stage {
                Stage::Linear { conv, input, output } => {
                    let gradient = gradients[&output];
                    self.backward_data(conv, input, gradient, &mut gradients);
                    if of == GradientOf::Parameters {
                        let input = self.activations[&input];
                        self.instructions.push(Instruction::LinearBackwardWeights { conv, input, gradient });
                    }
                }
                Stage::AveragePool { input, output } => {
                    let (pixels, channels) = self.pixels_and_channels(input);
                    let gradient = gradients[&output];
                    let output = self.gradient_of(input, &mut gradients);
                    self.instructions.push(Instruction::AveragePoolBackward {
                        pixels,
                        channels,
                        gradient,
                        output,
                    });
                }
                Stage::MaxPool { pool, input, output } => {
                    let (gradient, index) = (gradients[&output], self.indices[&output]);
                    let output = self.gradient_of(input, &mut gradients);
                    self.instructions.push(Instruction::MaxPoolBackward { pool, gradient, index, output });
                }
                Stage::Norm { norm, raw, skip, relu, output } => {
                    let mut gradient = gradients[&output];
                    let mut activation = self.activations[&output];
                    if let Some(unmixed) = self.unmixed.filter(|_| self.mixed_layer == Some(output)) {
                        activation = unmixed;
                        let len = self.model.layers[output].shape.len();
                        let mixed = gradient;
                        gradient = self.buffer(len * self.batch);
                        self.instructions.push(Instruction::MixBackward {
                            len,
                            gradient: mixed,
                            output: gradient,
                        });
                    }
                    let separate = skip.map(|(layer, _)| {
                        // The skip path's share is the whole gradient: it stays where it is.
                        let previous = gradients.insert(layer, gradient);
                        debug_assert!(previous.is_none(), "the add is the last consumer of its skip path");
                        self.buffer(self.model.layers[raw].shape.len() * self.batch)
                    });
                    gradients.insert(raw, separate.unwrap_or(gradient));
                    self.instructions.push(Instruction::NormBackward {
                        norm,
                        raw: self.activations[&raw],
                        activation,
                        relu,
                        gradient,
                        skip: skip.map(|(layer, norm)| SkipPath { buffer: self.activations[&layer], norm }),
                        separate,
                    });
                }
                Stage::Conv { conv, input, raw, .. } => {
                    let gradient = gradients[&raw];
                    if input != 0 || of == GradientOf::Images {
                        self.backward_data(conv, input, gradient, &mut gradients);
                    }
                    if of == GradientOf::Parameters {
                        let input = self.input_again(input, &stages);
                        self.instructions.push(Instruction::ConvBackwardWeights { conv, input, gradient });
                    }
                }
            }
        }
        self.stages = stages;
        gradients
    }

    /// The buffer for the first contribution to a layer's gradient.
    fn gradient_of(&mut self, layer: usize, gradients: &mut HashMap<usize, BufferId>) -> BufferId {
        let buffer = self.buffer(self.model.layers[layer].shape.len() * self.batch);
        let previous = gradients.insert(layer, buffer);
        debug_assert!(previous.is_none(), "pools have their input to themselves");
        buffer
    }

    fn backward_data(
        &mut self,
        conv: ConvId,
        input: usize,
        gradient: BufferId,
        gradients: &mut HashMap<usize, BufferId>,
    ) {
        let accumulate = gradients.contains_key(&input);
        let output = match gradients.get(&input) {
            Some(&buffer) => buffer,
            None => self.gradient_of(input, gradients),
        };
        self.instructions.push(Instruction::ConvBackwardData { conv, gradient, output, accumulate });
    }

    /// [`Planner::finish`] for a program that ends in class scores.
    fn finish_with_scores(self) -> Program {
        let scores = self.activations[&(self.model.layers.len() - 1)];
        self.finish(scores)
    }

    /// Gives every buffer its place: largest first, at the lowest offset free for its whole life.
    fn finish(self, result: BufferId) -> Program {
        let never = Range { start: usize::MAX, end: 0 };
        let mut lives = vec![never; self.sizes.len()];
        for (time, instruction) in self.instructions.iter().enumerate() {
            for buffer in instruction.buffers() {
                lives[buffer].start = lives[buffer].start.min(time);
                lives[buffer].end = lives[buffer].end.max(time + 1);
            }
        }
        let input = self.activations[&0];
        // The caller fills the one before the first instruction and reads the other after the last.
        lives[input].start = 0;
        lives[result].end = self.instructions.len();

        let mut dead_after = vec![vec![]; self.instructions.len()];
        for (buffer, life) in lives.iter().enumerate() {
            if buffer != result && life.end > 0 {
                dead_after[life.end - 1].push(buffer);
            }
        }
        let (places, arena) = place(&self.sizes, &lives);
        Program {
            convs: self.convs,
            norms: self.norms,
            instructions: self.instructions,
            places,
            dead_after,
            input,
            result,
            arena,
        }
    }
}

/// Numbers per page: every buffer starts on one, so that streams do not share cache lines.
const PAGE: usize = 1024;

fn place(sizes: &[usize], lives: &[Range<usize>]) -> (Vec<Range<usize>>, usize) {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&b| (std::cmp::Reverse(sizes[b]), lives[b].start));
    let mut placed: Vec<usize> = Vec::new();
    let mut places = vec![0..0; sizes.len()];
    let mut arena = 0;
    for buffer in order {
        let mut busy: Vec<&Range<usize>> = placed
            .iter()
            .filter(|&&other| {
                lives[other].start < lives[buffer].end && lives[buffer].start < lives[other].end
            })
            .map(|&other| &places[other])
            .collect();
        busy.sort_by_key(|place| place.start);
        let mut start = 0;
        for place in busy {
            if start + sizes[buffer] <= place.start {
                break;
            }
            start = start.max(place.end.next_multiple_of(PAGE));
        }
        places[buffer] = start..start + sizes[buffer];
        arena = arena.max(start + sizes[buffer]);
        placed.push(buffer);
    }
    (places, arena)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(program: &Program) {
        // Recomputed from the instructions alone, without the planner's own bookkeeping.
        let mut lives: HashMap<BufferId, Range<usize>> = HashMap::new();
        for (time, instruction) in program.instructions.iter().enumerate() {
            for buffer in instruction.buffers() {
                lives.entry(buffer).or_insert(time..time).end = time;
            }
        }
        lives.get_mut(&program.result).unwrap().end = program.instructions.len();
        for (a, life_a) in &lives {
            assert!(program.places[*a].end <= program.arena);
            for (b, life_b) in lives.iter().filter(|(b, _)| *b < a) {
                let together = life_a.start <= life_b.end && life_b.start <= life_a.end;
                let (pa, pb) = (&program.places[*a], &program.places[*b]);
                assert!(!together || pa.end <= pb.start || pb.end <= pa.start, "{a} and {b} share memory");
            }
        }
    }

    #[test]
    fn buffers_alive_together_never_share_memory() {
        for (name, image) in [("resnet18", 64), ("resnet50", 64), ("resnet-small", 32), ("resnet-small", 64)]
        {
            let model = Model::by_name(name, 10, image).unwrap();
            for stage in [None, Some(1), Some(2), Some(3), Some(4)] {
                let program = Program::training(&model, 4, Trainable::All, stage);
                check(&program);
                let mixes =
                    |i: &&Instruction| matches!(i, Instruction::Mix { .. } | Instruction::MixBackward { .. });
                assert_eq!(program.instructions.iter().filter(mixes).count(), 2 * stage.iter().count());
                check(&Program::training(&model, 4, Trainable::Head, stage));
            }
            check(&Program::inference(&model, 4));
            check(&Program::features(&model, 4).unwrap());
            check(&Program::input_gradient(&model, 4));
        }
    }

    #[test]
    fn memory_is_reused() {
        let model = Model::by_name("resnet50", 10, 224).unwrap();
        let total = |program: &Program| program.places.iter().map(Range::len).sum::<usize>();
        let training = Program::training(&model, 1, Trainable::All, None);
        assert!(training.arena * 10 < total(&training) * 8, "{} of {}", training.arena, total(&training));
        let inference = Program::inference(&model, 1);
        assert!(inference.arena * 5 < total(&inference), "{} of {}", inference.arena, total(&inference));
        assert!(inference.arena * 5 < training.arena);
    }
}

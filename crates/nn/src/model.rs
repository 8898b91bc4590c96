//! A network, written once as a list of layers with torchvision's parameter names.

use crate::NnError;

/// Height × width × channels of one image's activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels, fastest in memory.
    pub channels: usize,
}

impl Shape {
    /// Numbers in one image's activation.
    #[must_use]
    pub fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// No numbers at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The normalised image.
    Input,
    /// Square two-dimensional cross-correlation without bias (`torch.nn.Conv2d(bias=False)`).
    Conv {
        /// Side of the kernel.
        kernel: usize,
        /// Step in both directions.
        stride: usize,
        /// Zeros on each side.
        padding: usize,
    },
    /// Batch normalisation (Ioffe & Szegedy 2015; `torch.nn.BatchNorm2d`: eps 1e-5, momentum 0.1).
    BatchNorm,
    /// max(x, 0).
    Relu,
    /// Sum of two activations.
    Add,
    /// Maximum over a square window (`torch.nn.MaxPool2d`).
    MaxPool {
        /// Side of the window.
        kernel: usize,
        /// Step in both directions.
        stride: usize,
        /// Cells of minus infinity on each side.
        padding: usize,
    },
    /// Mean over height and width.
    GlobalAveragePool,
    /// Matrix product with bias (`torch.nn.Linear`).
    Linear,
}

impl Op {
    /// A layer that computes with windows, in words.
    fn describe(self, shape: Shape) -> Option<String> {
        match self {
            Self::Conv { kernel, stride, .. } => Some(format!(
                "{kernel}×{kernel} convolution of stride {stride} ({} channels)",
                shape.channels
            )),
            Self::MaxPool { kernel, stride, .. } => {
                Some(format!("{kernel}×{kernel} max-pool of stride {stride}"))
            }
            _ => None,
        }
    }
}

/// One layer of the list.
#[derive(Clone, Debug)]
pub struct Layer {
    /// torchvision's module name; made up for layers without parameters.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Positions of its inputs in the list, all before its own.
    pub inputs: Vec<usize>,
    /// Of its output, for one image.
    pub shape: Shape,
}

/// What a parameter is for: decides its initialisation and whether weight decay may skip it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Convolution kernel, output × input × height × width.
    ConvWeight,
    /// Batch-norm scale.
    NormScale,
    /// Batch-norm shift.
    NormShift,
    /// Batch-norm running mean: a buffer, not trained.
    RunningMean,
    /// Batch-norm running variance (unbiased): a buffer, not trained.
    RunningVariance,
    /// Linear weight, output × input.
    LinearWeight,
    /// Linear bias.
    LinearBias,
}

impl ParameterKind {
    /// Moved by the optimiser; the others are buffers.
    #[must_use]
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// A named tensor of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// torchvision's name, such as `layer1.0.conv1.weight`.
    pub name: String,
    /// torchvision's shape.
    pub shape: Vec<usize>,
    /// What it is for.
    pub kind: ParameterKind,
    /// Position of its layer in the list.
    pub layer: usize,
}

impl Parameter {
    /// Of the linear head.
    #[must_use]
    pub fn is_head(&self) -> bool {
        matches!(self.kind, ParameterKind::LinearWeight | ParameterKind::LinearBias)
    }
}

/// A network for square images of one size and a number of classes.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) name: String,
    pub(crate) classes: usize,
    pub(crate) image: usize,
    pub(crate) layers: Vec<Layer>,
}

impl Model {
    /// The network of this name. `image` is the side of the square input in px.
    ///
    /// # Errors
    /// An unknown name, an image too small for the network's strides or larger than 4096 px, fewer than two classes.
    pub fn by_name(name: &str, classes: usize, image: usize) -> Result<Self, NnError> {
        crate::zoo::build(name, classes, image)
    }

    /// Its name in the zoo.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Classes told apart.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Side of the input in px.
    #[must_use]
    pub fn image(&self) -> usize {
        self.image
    }

    /// Layers in the order of computation.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What it is at this image size, in a line: the stem, the side of what each stage works on, the head.
    #[must_use]
    pub fn describe(&self) -> String {
        let end = self.layers.iter().position(|layer| layer.name.starts_with("layer1."));
        let stem = &self.layers[..end.unwrap_or(0)];
        let mut words: Vec<String> = stem.iter().filter_map(|layer| layer.op.describe(layer.shape)).collect();
        if !stem.iter().any(|layer| matches!(layer.op, Op::MaxPool { .. })) {
            words.push("no max-pool".into());
        }
        let sides: Vec<String> = (1..=self.stages())
            .filter_map(|stage| Some(self.layers[self.stage_end(stage)?].shape.height.to_string()))
            .collect();
        format!(
            "{} for {} px: stem of a {}; stages of {} px; global average pool; linear layer to {} classes",
            self.name,
            self.image,
            words.join(", "),
            sides.join(", "),
            self.classes
        )
    }

    /// What the graph for another image size has and this one lacks, or the other way round; `None` where the two differ in
    /// nothing but the sizes of activations. Weights fit both, but mean nothing in the one they were not trained in.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        let lacks = |has: &Self, lacks: &Self| {
            let layer = has.layers.iter().find(|layer| {
                !lacks.layers.iter().any(|other| other.name == layer.name && other.op == layer.op)
            })?;
            let what = layer.op.describe(layer.shape).map_or(String::new(), |what| format!(" ({what})"));
            Some(format!(
                "at {} px it has `{}`{what}, at {} px it does not",
                has.image, layer.name, lacks.image
            ))
        };
        lacks(self, other).or_else(|| lacks(other, self))
    }

    /// Stages of residual blocks (torchvision's `layer1`, `layer2`, …): places inside the network that can be named.
    #[must_use]
    pub fn stages(&self) -> usize {
        (1..).take_while(|&stage| self.stage_end(stage).is_some()).count()
    }

    /// The layer whose output is a stage's, stages counted from 1.
    pub(crate) fn stage_end(&self, stage: usize) -> Option<usize> {
        let prefix = format!("layer{stage}.");
        self.layers.iter().rposition(|layer| layer.name.starts_with(&prefix))
    }

    /// Shape of a layer's first input.
    pub(crate) fn input_shape(&self, layer: &Layer) -> Shape {
        layer.inputs.first().map_or(layer.shape, |&i| self.layers[i].shape)
    }

    /// Parameters and buffers in the order of torchvision's state dict (without `num_batches_tracked`).
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let (inputs, outputs) = (self.input_shape(layer), layer.shape.channels);
            let mut push = |suffix: &str, shape: Vec<usize>, kind| {
                list.push(Parameter { name: format!("{}.{suffix}", layer.name), shape, kind, layer: index });
            };
            match layer.op {
                Op::Conv { kernel, .. } => {
                    push("weight", vec![outputs, inputs.channels, kernel, kernel], ParameterKind::ConvWeight);
                }
                Op::BatchNorm => {
                    push("weight", vec![outputs], ParameterKind::NormScale);
                    push("bias", vec![outputs], ParameterKind::NormShift);
                    push("running_mean", vec![outputs], ParameterKind::RunningMean);
                    push("running_var", vec![outputs], ParameterKind::RunningVariance);
                }
                Op::Linear => {
                    push("weight", vec![outputs, inputs.len()], ParameterKind::LinearWeight);
                    push("bias", vec![outputs], ParameterKind::LinearBias);
                }
                _ => {}
            }
        }
        list
    }

    /// Trained numbers (buffers not counted, as torchvision counts).
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters()
            .iter()
            .filter(|p| p.kind.is_trained())
            .map(|p| p.shape.iter().product::<usize>())
            .sum()
    }

    /// Multiply–adds of one image's forward pass, convolutions and linear layers (the figure torchvision prints
    /// as "GFLOPS" is this one). Twice this is the number of floating-point operations.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| self.layer_multiply_adds(layer)).sum()
    }

    /// Multiply–adds of one image's forward pass through a layer.
    #[must_use]
    pub fn layer_multiply_adds(&self, layer: &Layer) -> u64 {
        let input = self.input_shape(layer);
        match layer.op {
            Op::Conv { kernel, .. } => (layer.shape.len() * kernel * kernel * input.channels) as u64,
            Op::Linear => (layer.shape.len() * input.len()) as u64,
            _ => 0,
        }
    }

    /// Floating-point operations of one image: forward pass, and of a training step (forward and the two backward
    /// passes; the first convolution needs no gradient of its input).
    #[must_use]
    pub fn flops(&self, training: bool) -> u64 {
        let forward = 2 * self.multiply_adds();
        if !training {
            return forward;
        }
        let first = self.layers.iter().find(|l| matches!(l.op, Op::Conv { .. }));
        3 * forward - first.map_or(0, |l| 2 * self.layer_multiply_adds(l))
    }
}

/// Writes a model's list of layers; each method returns the new layer's position.
pub(crate) struct Builder {
    layers: Vec<Layer>,
}

impl Builder {
    pub(crate) fn new(image: usize) -> Self {
        let shape = Shape { height: image, width: image, channels: 3 };
        Self { layers: vec![Layer { name: "input".into(), op: Op::Input, inputs: vec![], shape }] }
    }

    fn push(&mut self, name: &str, op: Op, inputs: Vec<usize>, shape: Shape) -> usize {
        self.layers.push(Layer { name: name.into(), op, inputs, shape });
        self.layers.len() - 1
    }

    pub(crate) fn shape(&self, layer: usize) -> Shape {
        self.layers[layer].shape
    }

    pub(crate) fn conv(
        &mut self,
        name: &str,
        from: usize,
        channels: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> usize {
        let shape = window(self.shape(from), kernel, stride, padding, channels);
        self.push(name, Op::Conv { kernel, stride, padding }, vec![from], shape)
    }

    pub(crate) fn batch_norm(&mut self, name: &str, from: usize) -> usize {
        let shape = self.shape(from);
        self.push(name, Op::BatchNorm, vec![from], shape)
    }

    pub(crate) fn relu(&mut self, name: &str, from: usize) -> usize {
        let shape = self.shape(from);
        self.push(name, Op::Relu, vec![from], shape)
    }

    pub(crate) fn add(&mut self, name: &str, main: usize, skip: usize) -> usize {
        let shape = self.shape(main);
        debug_assert_eq!(shape, self.shape(skip));
        self.push(name, Op::Add, vec![main, skip], shape)
    }

    pub(crate) fn max_pool(
        &mut self,
        name: &str,
        from: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> usize {
        let shape = window(self.shape(from), kernel, stride, padding, self.shape(from).channels);
        self.push(name, Op::MaxPool { kernel, stride, padding }, vec![from], shape)
    }

    pub(crate) fn global_average_pool(&mut self, name: &str, from: usize) -> usize {
        let shape = Shape { height: 1, width: 1, channels: self.shape(from).channels };
        self.push(name, Op::GlobalAveragePool, vec![from], shape)
    }

    pub(crate) fn linear(&mut self, name: &str, from: usize, outputs: usize) -> usize {
        self.push(name, Op::Linear, vec![from], Shape { height: 1, width: 1, channels: outputs })
    }

    pub(crate) fn finish(self, name: &str, classes: usize, image: usize) -> Model {
        Model { name: name.into(), classes, image, layers: self.layers }
    }
}

/// Output of a sliding window, as PyTorch rounds (down).
fn window(input: Shape, kernel: usize, stride: usize, padding: usize, channels: usize) -> Shape {
    let side = |length: usize| (length + 2 * padding).saturating_sub(kernel) / stride + 1;
    Shape { height: side(input.height), width: side(input.width), channels }
}

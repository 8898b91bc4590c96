//! The kernels of the training graph: what a host back end must compute, and the two that do.
//!
//! All `unsafe` of the crate is below this module. Activations are NHWC; convolution kernels are
//! kernel row × kernel column × input × output, linear weights input × output.

pub(crate) mod arena;
pub(crate) mod cpu;
pub(crate) mod normal;
pub(crate) mod parallel;
mod reference;

pub(crate) use cpu::{Cpu, isa_name};
pub(crate) use reference::Reference;

/// Geometry of a convolution; a linear layer is one with a kernel of one on an image of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) in_height: usize,
    pub(crate) in_width: usize,
    pub(crate) inputs: usize,
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    pub(crate) outputs: usize,
}

impl Convolution {
    /// Numbers in the kernel.
    pub(crate) fn weights(&self) -> usize {
        self.kernel * self.kernel * self.inputs * self.outputs
    }

    /// Numbers in one image's input.
    pub(crate) fn input_len(&self) -> usize {
        self.in_height * self.in_width * self.inputs
    }

    /// Numbers in one image's output.
    pub(crate) fn output_len(&self) -> usize {
        self.out_height * self.out_width * self.outputs
    }

    /// Floating-point operations for `n` images.
    pub(crate) fn flops(&self, n: usize) -> u64 {
        (2 * n * self.out_height * self.out_width) as u64 * self.weights() as u64
    }
}

/// Geometry of a max-pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) in_height: usize,
    pub(crate) in_width: usize,
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    pub(crate) channels: usize,
}

/// Mean and biased variance of every channel over a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Moments {
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
}

/// Per-channel numbers of a batch-norm as it is applied: `y = (x − mean) · inverse · gamma + beta`.
#[derive(Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) mean: &'a [f32],
    /// 1 / √(variance + eps)
    pub(crate) inverse: &'a [f32],
    pub(crate) gamma: &'a [f32],
    pub(crate) beta: &'a [f32],
}

/// What joins the main path before the ReLU.
#[derive(Clone, Copy)]
pub(crate) struct Skip<'a> {
    pub(crate) data: &'a [f32],
    /// The batch-norm of a downsampling path, not yet applied to `data`.
    pub(crate) norm: Option<Norm<'a>>,
}

/// What happens to a convolution's result before it is stored.
pub(crate) enum Epilogue<'a> {
    /// Stored as it is, and its channels' moments gathered.
    Moments(&'a mut Moments),
    /// A known batch-norm, then the skip path, then the ReLU.
    Norm { norm: Norm<'a>, skip: Option<&'a [f32]>, relu: bool },
    /// A bias per channel.
    Bias(&'a [f32]),
}

/// The skip path of [`Kernels::norm_backward`].
pub(crate) enum SkipBackward<'a> {
    /// No skip path: `grad` is replaced by the gradient of `raw`.
    None,
    /// `grad` is replaced by the gradient of the skip input; that of `raw` goes to `grad_raw`.
    Identity { grad_raw: &'a mut [f32] },
    /// `grad` is replaced by the gradient of the skip's raw input; that of `raw` goes to `grad_raw`.
    Norm { grad_raw: &'a mut [f32], raw: &'a [f32], norm: Norm<'a>, grads: NormGrads<'a> },
}

/// Gradients of a batch-norm's scale and shift.
pub(crate) struct NormGrads<'a> {
    pub(crate) gamma: &'a mut [f32],
    pub(crate) beta: &'a mut [f32],
}

/// One optimiser step on one parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    pub(crate) lr: f32,
    pub(crate) momentum: f32,
    pub(crate) nesterov: bool,
    pub(crate) weight_decay: f32,
}

/// What the executor asks of a back end that works in host memory. `n` is the number of images, at most the batch the
/// buffers were made for; slices hold at least `n` images and only those are touched.
pub(crate) trait Kernels: Send {
    /// Runs `work` where calls are cheapest: on a thread of the pool, where there is one.
    fn within(&mut self, work: &mut (dyn FnMut(&mut dyn Kernels) + Send));

    /// Bytes held beside the session's own.
    fn scratch_bytes(&self) -> usize;

    /// Cross-correlation; see [`Epilogue`].
    fn conv(
        &mut self,
        conv: &Convolution,
        n: usize,
        input: &[f32],
        weights: &[f32],
        output: &mut [f32],
        epilogue: Epilogue<'_>,
    );

    /// Gradient of a convolution's input; added to what is there where `accumulate`.
    fn conv_backward_data(
        &mut self,
        conv: &Convolution,
        n: usize,
        grad_output: &[f32],
        weights: &[f32],
        grad_input: &mut [f32],
        accumulate: bool,
    );

    /// Gradient of a convolution's kernel.
    fn conv_backward_weights(
        &mut self,
        conv: &Convolution,
        n: usize,
        input: &[f32],
        grad_output: &[f32],
        grad_weights: &mut [f32],
    );

    /// Sum over rows of a matrix with rows of `out.len()`: the gradient of a bias.
    fn sum_rows(&mut self, rows: usize, input: &[f32], out: &mut [f32]);

    /// Batch-norm, skip and ReLU in one pass; `rows` pixels.
    fn norm(
        &mut self,
        rows: usize,
        raw: &[f32],
        norm: Norm<'_>,
        skip: Option<Skip<'_>>,
        relu: bool,
        out: &mut [f32],
    );

    /// Backward of [`Kernels::norm`] with batch statistics. `out` is what it stored; it is given only where there is a skip
    /// path and a ReLU, since otherwise `raw` tells its sign. See [`SkipBackward`] for what becomes of `grad`.
    #[expect(clippy::too_many_arguments, reason = "one fused operation over the buffers it fuses")]
    fn norm_backward(
        &mut self,
        rows: usize,
        raw: &[f32],
        norm: Norm<'_>,
        grads: NormGrads<'_>,
        out: Option<&[f32]>,
        relu: bool,
        grad: &mut [f32],
        skip: SkipBackward<'_>,
    );

    /// Maximum over windows; `index` takes the position of the first maximum in scan order within the window.
    fn max_pool(&mut self, pool: &Pool, n: usize, input: &[f32], out: &mut [f32], index: Option<&mut [u8]>);

    /// Gradient of a max-pool's input.
    fn max_pool_backward(
        &mut self,
        pool: &Pool,
        n: usize,
        grad_out: &[f32],
        index: &[u8],
        grad_input: &mut [f32],
    );

    /// Mean over `pixels` rows of every image.
    fn average_pool(&mut self, n: usize, pixels: usize, channels: usize, input: &[f32], out: &mut [f32]);

    /// Gradient of an average pool's input.
    fn average_pool_backward(
        &mut self,
        n: usize,
        pixels: usize,
        channels: usize,
        grad_out: &[f32],
        grad_input: &mut [f32],
    );

    /// Moves a parameter. `velocity` is empty where there is no momentum.
    fn sgd(&mut self, step: Sgd, weights: &mut [f32], grads: &[f32], velocity: &mut [f32]);
}

/// Logarithms of the softmax of one row of logits.
pub(crate) fn log_softmax(logits: &[f32]) -> impl Iterator<Item = f64> {
    let largest = f64::from(logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b)));
    let log_sum = logits.iter().map(|&l| (f64::from(l) - largest).exp()).sum::<f64>().ln() + largest;
    logits.iter().map(move |&logit| f64::from(logit) - log_sum)
}

/// Mean cross-entropy of soft targets with label smoothing, and its gradient with respect to the logits:
/// PyTorch's `CrossEntropyLoss` with class probabilities (t' = (1 − s)·t + s/classes; loss = −Σ w·t'·log softmax / n, w being an
/// image's weight, one where there are none).
pub(crate) fn cross_entropy(
    classes: usize,
    logits: &[f32],
    targets: &[f32],
    smoothing: f64,
    weights: Option<&[f32]>,
    grad: &mut [f32],
) -> f64 {
    let n = targets.len() / classes;
    let mut loss = 0.0;
    for (row, ((logits, targets), grad)) in logits
        .chunks_exact(classes)
        .zip(targets.chunks_exact(classes))
        .zip(grad.chunks_exact_mut(classes))
        .enumerate()
    {
        let log_probabilities = log_softmax(logits);
        let weight = weights.map_or(1.0, |weights| f64::from(weights[row]));
        let smooth = |t: f32| weight * (f64::from(t) * (1.0 - smoothing) + smoothing / classes as f64);
        let mass: f64 = targets.iter().map(|&t| smooth(t)).sum();
        for ((log_probability, &target), grad) in log_probabilities.zip(targets).zip(grad) {
            // A target of exactly zero contributes nothing, also where its log-probability overflows.
            if smooth(target) != 0.0 {
                loss -= smooth(target) * log_probability;
            }
            *grad = ((log_probability.exp() * mass - smooth(target)) / n as f64) as f32;
        }
    }
    loss / n as f64
}

#[cfg(test)]
mod tests;

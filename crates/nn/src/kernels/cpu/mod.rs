//! The fast back end: vector kernels by run-time dispatch, all threads, results independent of their number.
//!
//! Convolutions are implicit matrix products: blocks of rows of the implicit matrix are gathered into a thread's scratch
//! and multiplied with packed weights while they are in its second-level cache.

pub(crate) mod ceilings;
mod elementwise;
mod gather;
mod product;
pub(crate) mod simd;
mod winograd;

use std::{ptr, sync::Arc};

use bakeoff_machine::{Buffer, Isa};
use elementwise::{Mask, NormPass};
use gather::Gather;
use product::{Ahead, Left, Out, Panels, Region};
use simd::Tile;
use winograd::Tiles;

use super::{
    Convolution, Epilogue, Kernels, Moments, Norm, NormGrads, Pool, Sgd, Skip, SkipBackward,
    parallel::{Shared, Threads, blocks, part},
};

/// The instruction set the kernels use on this machine.
pub(crate) fn isa_name() -> &'static str {
    Isa::detect().name()
}

/// Most columns of the implicit matrix multiplied at once: a panel of weights then fits the first-level cache's
/// neighbourhood, a block of rows the second level.
const DEPTH: usize = 512;

/// Most rows of the implicit matrix a task handles at once.
const ROWS: usize = 112;

/// Rows handled at once where they are the sum (weight gradients).
const SUM_ROWS: usize = 192;

/// Rows gathered at once before they are packed: they stay in the first-level cache.
const GATHER_ROWS: usize = 16;

/// Most rows and columns of a weight gradient's block: its sums stay in the second-level cache.
const WEIGHT_BLOCK: usize = 512;

/// Tasks that keep many threads busy to the end; a constant, since the sums' order must not depend on the threads.
const TASKS: usize = 16;

/// Numbers of an elementwise pass's chunk.
const CHUNK: usize = 1 << 15;

/// The back end of vector kernels.
pub(crate) struct Cpu {
    isa: Isa,
    threads: Arc<Threads>,
    /// Packed weights of the layer at hand.
    packed: Buffer,
    /// A part per thread.
    scratch: Buffer,
    /// Results of tasks, before they are put together.
    partials: Buffer,
    /// Moments of a forward pass's blocks.
    moments: Vec<f32>,
    /// Per-channel operands.
    channels: [Vec<f32>; 5],
    /// What lies outside an image.
    zeroes: Vec<f32>,
    /// Whether 3×3 convolutions may take the algorithm of fewer multiplications and more rounding.
    winograd: bool,
}

/// Makes a vector at least so long, without copying what it held.
fn at_least(vector: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if vector.len() < len {
        vector.clear();
        vector.resize(len, 0.0);
    }
    &mut vector[..len]
}

/// Whether the environment variable `BAKEOFF_WINOGRAD=off` asks for convolutions by their definition only, whose last bits differ.
pub fn is_every_convolution_direct() -> bool {
    std::env::var("BAKEOFF_WINOGRAD").is_ok_and(|value| value == "off")
}

impl Cpu {
    /// A back end of `threads` threads.
    pub(crate) fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        Ok(Self::with_isa(Isa::detect(), Threads::new(threads)?))
    }

    pub(super) fn with_isa(isa: Isa, threads: Threads) -> Self {
        let empty = Vec::new;
        Self {
            isa,
            threads: Arc::new(threads),
            packed: Buffer::default(),
            scratch: Buffer::default(),
            partials: Buffer::default(),
            moments: empty(),
            channels: std::array::from_fn(|_| empty()),
            zeroes: empty(),
            winograd: !is_every_convolution_direct(),
        }
    }

    /// Convolutions by their definition only.
    #[cfg(test)]
    pub(super) fn without_winograd(self) -> Self {
        Self { winograd: false, ..self }
    }

    /// How a convolution is cut into tiles, where that is faster.
    fn tiles(&self, conv: &Convolution) -> Option<Tiles> {
        if self.winograd { Tiles::of(conv, self.isa.panel() / 2) } else { None }
    }

    /// Ends of the blocks of output pixels a forward pass of a convolution finishes one by one, beginning with zero.
    fn block_ends(&self, conv: &Convolution, n: usize) -> Vec<usize> {
        if let Some(tiles) = self.tiles(conv) {
            return winograd::block_ends(&tiles, n, conv);
        }
        let rows = n * conv.out_height * conv.out_width;
        let count = row_blocks(rows);
        (0..=count).map(|i| i * rows / count).collect()
    }

    /// A forward pass; `finish(block, its pixels)` runs on every block of [`Cpu::block_ends`] as soon as it stands.
    fn forward(
        &mut self,
        conv: &Convolution,
        n: usize,
        input: &[f32],
        weights: &[f32],
        output: &mut [f32],
        finish: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        if let Some(tiles) = self.tiles(conv) {
            return self.winograd_forward(&tiles, conv, n, input, weights, output, finish);
        }
        let gather = Gather::forward(conv);
        self.pack(gather.depth(), conv.outputs, weights);
        let target = Target { data: output, accumulate: false, scatter: None };
        self.multiply(&gather, n, input, conv.outputs, target, finish);
    }

    /// Packs the weights of a forward product.
    fn pack(&mut self, depth: usize, outputs: usize, weights: &[f32]) {
        let width = self.isa.panel();
        let panels = outputs.div_ceil(width);
        let packed = Shared::new(self.packed.at_least(panels * depth * width));
        let isa = self.isa;
        self.threads.run(panels, |panel, _| {
            // SAFETY: panels are disjoint.
            let to = unsafe { packed.part(panel * depth * width, depth * width) };
            let columns = (outputs - panel * width).min(width);
            let from = &weights[panel * width..depth * outputs];
            // SAFETY: `from` holds the panel's columns of all `depth` rows, `to` a panel of as many.
            unsafe { product::pack_panels(isa, depth, columns, from.as_ptr(), outputs, to.as_mut_ptr(), 0) };
        });
    }

    /// Packs the weights of a backward product: columns are input channels, rows (tap, output channel).
    fn pack_backward(&mut self, conv: &Convolution, taps: &[usize], weights: &[f32]) {
        let width = self.isa.panel();
        let panels = conv.inputs.div_ceil(width);
        let depth = taps.len() * conv.outputs;
        let packed = Shared::new(self.packed.at_least(panels * depth * width));
        let isa = self.isa;
        let of_tap = conv.inputs * conv.outputs;
        self.threads.run(panels * taps.len(), |task, _| {
            let (panel, tap) = (task / taps.len(), task % taps.len());
            // SAFETY: (panel, tap) parts are disjoint.
            let to =
                unsafe { packed.part((panel * depth + tap * conv.outputs) * width, conv.outputs * width) };
            let matrix = &weights[taps[tap] * of_tap..][..of_tap];
            product::pack_panel_transposed(
                isa,
                matrix,
                conv.outputs,
                conv.outputs,
                conv.inputs,
                panel * width,
                to,
            );
        });
    }

    /// Multiplies the gathered rows with the packed weights; `finish(rows, block of the result)` runs on every block as soon
    /// as it stands. The blocks' number is returned to index by; see [`row_blocks`].
    fn multiply(
        &mut self,
        gather: &Gather,
        n: usize,
        source: &[f32],
        columns: usize,
        target: Target<'_>,
        finish: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let rows = n * gather.rows();
        let count = row_blocks(rows);
        let most_rows = rows.div_ceil(count);
        let depth = gather.depth();
        let cuts = gather.blocks(DEPTH);
        let widest = cuts.iter().map(std::ops::Range::len).max().unwrap_or(0);
        // Rows of a power of two would fall on few cache sets.
        let plain = gather.is_plain() && depth < DEPTH;
        let stride = widest + 16;
        let gathered = if plain { 0 } else { most_rows * stride };
        let result = if target.contiguous() { 0 } else { most_rows * columns };
        let share = (gathered + result).next_multiple_of(16);
        let scratch = Shared::new(self.scratch.at_least(share * self.threads.count()));
        let (isa, packed) = (self.isa, &self.packed);
        let width = isa.panel();
        let out = Shared::new(target.data);
        let whole = Target { data: &mut [], ..target };
        self.threads.run_ahead(count, |task, following, thread| {
            let block = part(rows, count, task);
            let mut ahead = following.map_or_else(Ahead::nothing, |following| {
                let seen = &source[gather.seen(part(rows, count, following))];
                let tiles = Ahead::tiles(isa, block.len(), columns) * cuts.len();
                Ahead::new([Region::whole(seen), Region::default()], tiles)
            });
            // SAFETY: a thread runs one task at a time, and has its own share.
            let scratch = unsafe { scratch.part(thread * share, share) };
            let (gathered, result) = scratch.split_at_mut(gathered);
            let contiguous = whole.contiguous();
            let to: &mut [f32] = if contiguous {
                // SAFETY: blocks of rows are disjoint.
                unsafe { out.part(block.start * columns, block.len() * columns) }
            } else {
                &mut result[..block.len() * columns]
            };
            for cut in &cuts {
                let left = if plain {
                    let from = &source[block.start * depth..block.end * depth];
                    Left::Strided { data: from.as_ptr(), row: depth, column: 1 }
                } else {
                    gather.copy(source, block.clone(), cut.clone(), gathered, stride);
                    Left::Strided { data: gathered.as_ptr(), row: stride, column: 1 }
                };
                let right =
                    Panels { data: packed[cut.start * width..].as_ptr(), step: depth * width, columns };
                let accumulate = cut.start > 0 || (contiguous && whole.accumulate);
                let out = Out { data: to.as_mut_ptr(), row: columns, accumulate };
                // SAFETY: the machine has `isa`; left holds the block's rows by the cut's columns, packed holds all
                // panels, and `to` the block's rows of `columns`.
                unsafe { product::product(isa, block.len(), cut.len(), left, right, out, &mut ahead) };
            }
            if contiguous {
                finish(task, to);
            } else {
                for (row, values) in block.zip(to.chunks_exact(columns)) {
                    let at = whole.pixel(gather, row) * columns;
                    // SAFETY: every row of the grid has a pixel of the target to itself.
                    let pixel = unsafe { out.part(at, columns) };
                    if whole.accumulate {
                        pixel.iter_mut().zip(values).for_each(|(p, v)| *p += v);
                    } else {
                        pixel.copy_from_slice(values);
                    }
                }
            }
        });
    }

    /// Puts the moments of blocks together (Chan, Golub & LeVeque 1983), in the order of the blocks.
    fn combine_moments(&self, ends: &[usize], channels: usize, moments: &mut Moments) {
        moments.mean.resize(channels, 0.0);
        moments.variance.resize(channels, 0.0);
        for c in 0..channels {
            let (mut total, mut mean, mut squares) = (0.0f64, 0.0f64, 0.0f64);
            for (block, end) in ends.windows(2).enumerate() {
                let size = (end[1] - end[0]) as f64;
                let at = &self.moments[block * 2 * channels..];
                let delta = f64::from(at[c]) - mean;
                squares += f64::from(at[channels + c]) + delta * delta * total * size / (total + size);
                total += size;
                mean += delta * size / total;
            }
            moments.mean[c] = mean as f32;
            moments.variance[c] = (squares / total).max(0.0) as f32;
        }
    }

    /// The per-channel sums of a batch-norm's backward pass, in f64: Σ grad and Σ grad · (raw − mean).
    fn norm_sums(&mut self, pass: Pass<'_>, mean: &[f32]) -> Vec<(f64, f64)> {
        let channels = mean.len();
        let count = chunks(pass.rows, channels);
        let partials = Shared::new(self.partials.at_least(count * 2 * channels));
        let isa = self.isa;
        let pass = pass.share();
        self.threads.run(count, |task, _| {
            // SAFETY: tasks have disjoint parts of the partials and of the rows; all operands hold `rows` rows.
            unsafe {
                let out = partials.part(task * 2 * channels, 2 * channels);
                elementwise::norm_sums(isa, pass.chunk(count, task), mean.as_ptr(), out.as_mut_ptr());
            }
        });
        (0..channels)
            .map(|c| {
                (0..count).fold((0.0, 0.0), |(sum, product), task| {
                    let at = &self.partials[task * 2 * channels..];
                    (sum + f64::from(at[c]), product + f64::from(at[channels + c]))
                })
            })
            .collect()
    }

    /// Gradients of scale and shift from the sums, and the gradient of the raw input.
    fn norm_apply(
        &mut self,
        pass: Pass<'_>,
        norm: &Norm<'_>,
        grads: NormGrads<'_>,
        sums: &[(f64, f64)],
        out: Option<&mut [f32]>,
    ) {
        let channels = sums.len();
        let rows = pass.rows as f64;
        let [by_grad, by_raw, constant, ..] = &mut self.channels;
        for vector in [&mut *by_grad, &mut *by_raw, &mut *constant] {
            at_least(vector, channels);
        }
        for (c, &(sum, product)) in sums.iter().enumerate() {
            let inverse = f64::from(norm.inverse[c]);
            let gamma = product * inverse;
            grads.beta[c] = sum as f32;
            grads.gamma[c] = gamma as f32;
            // scale · (grad − sum/rows − (raw − mean) · inverse · gamma'/rows), sorted by what varies.
            let scale = f64::from(norm.gamma[c]) * inverse;
            let slope = -scale * inverse * gamma / rows;
            by_grad[c] = scale as f32;
            by_raw[c] = slope as f32;
            constant[c] = (-scale * sum / rows - slope * f64::from(norm.mean[c])) as f32;
        }
        let (by_grad, by_raw, constant) = (&*by_grad, &*by_raw, &*constant);
        let count = chunks(pass.rows, channels);
        let isa = self.isa;
        let pass = pass.share();
        let out = out.map(Shared::new);
        self.threads.run(count, |task, _| {
            let range = part(pass.rows, count, task);
            // SAFETY: tasks have disjoint rows; all operands hold `rows` rows.
            unsafe {
                let chunk = pass.chunk(count, task);
                let to = match &out {
                    Some(out) => out.part(range.start * channels, range.len() * channels).as_mut_ptr(),
                    None => chunk.grad,
                };
                elementwise::norm_apply(isa, chunk, by_grad.as_ptr(), by_raw.as_ptr(), constant.as_ptr(), to);
            }
        });
    }
}

/// Blocks of rows of a forward or backward product. Many blocks come in fours, so that two or four threads end together.
fn row_blocks(rows: usize) -> usize {
    let count = blocks(rows, ROWS);
    if count >= 3 { count.next_multiple_of(4) } else { count }
}

/// Chunks of rows of an elementwise pass.
fn chunks(rows: usize, channels: usize) -> usize {
    blocks(rows, (CHUNK / channels.max(1)).max(16))
}

/// Where a product's rows go.
struct Target<'a> {
    data: &'a mut [f32],
    accumulate: bool,
    /// `None` where rows follow each other.
    scatter: Option<Scatter>,
}

/// A grid of pixels spread over an image.
#[derive(Clone, Copy)]
struct Scatter {
    first: (usize, usize),
    step: usize,
    size: (usize, usize),
}

impl Target<'_> {
    fn contiguous(&self) -> bool {
        self.scatter.is_none()
    }

    /// The pixel of row `row` of the grid.
    fn pixel(&self, gather: &Gather, row: usize) -> usize {
        let Some(Scatter { first, step, size }) = self.scatter else { return row };
        let (image, pixel) = (row / gather.rows(), row % gather.rows());
        let (y, x) = (pixel / gather.grid.1 * step + first.0, pixel % gather.grid.1 * step + first.1);
        (image * size.0 + y) * size.1 + x
    }
}

/// A pass over the gradient of a batch-norm.
struct Pass<'a> {
    rows: usize,
    grad: &'a mut [f32],
    raw: &'a [f32],
    mask: Mask,
    scale: &'a [f32],
    shift: &'a [f32],
    output: &'a [f32],
}

/// The same, to be cut into chunks by tasks.
struct SharedPass<'a> {
    rows: usize,
    channels: usize,
    grad: Shared<'a, f32>,
    raw: &'a [f32],
    mask: Mask,
    scale: &'a [f32],
    shift: &'a [f32],
    output: &'a [f32],
}

impl<'a> Pass<'a> {
    fn share(self) -> SharedPass<'a> {
        let Self { rows, grad, raw, mask, scale, shift, output } = self;
        let channels = grad.len() / rows.max(1);
        SharedPass { rows, channels, grad: Shared::new(grad), raw, mask, scale, shift, output }
    }
}

impl SharedPass<'_> {
    /// # Safety
    /// Each chunk is in use once at a time.
    unsafe fn chunk(&self, count: usize, task: usize) -> NormPass {
        let range = part(self.rows, count, task);
        let (start, len) = (range.start * self.channels, range.len() * self.channels);
        NormPass {
            rows: range.len(),
            channels: self.channels,
            // SAFETY: chunks are disjoint, and used once at a time by the caller's promise.
            grad: unsafe { self.grad.part(start, len) }.as_mut_ptr(),
            raw: self.raw[start..start + len].as_ptr(),
            scale: self.scale.as_ptr(),
            shift: self.shift.as_ptr(),
            output: if self.mask == Mask::Output {
                self.output[start..start + len].as_ptr()
            } else {
                ptr::null()
            },
            mask: self.mask,
        }
    }
}

/// Scale and shift of a batch-norm as one multiply–add.
fn fold(norm: &Norm<'_>, scale: &mut Vec<f32>, shift: &mut Vec<f32>) {
    scale.clear();
    shift.clear();
    for c in 0..norm.mean.len() {
        let factor = norm.gamma[c] * norm.inverse[c];
        scale.push(factor);
        shift.push(norm.beta[c] - norm.mean[c] * factor);
    }
}

impl Kernels for Cpu {
    fn within(&mut self, work: &mut (dyn FnMut(&mut dyn Kernels) + Send)) {
        let threads = Arc::clone(&self.threads);
        threads.enter(|| work(self));
    }

    fn scratch_bytes(&self) -> usize {
        let channels: usize = self.channels.iter().map(Vec::capacity).sum();
        4 * (self.packed.len()
            + self.scratch.len()
            + self.partials.len()
            + self.moments.capacity()
            + channels)
    }

    fn conv(
        &mut self,
        conv: &Convolution,
        n: usize,
        input: &[f32],
        weights: &[f32],
        output: &mut [f32],
        epilogue: Epilogue<'_>,
    ) {
        let columns = conv.outputs;
        let output = &mut output[..n * conv.output_len()];
        let isa = self.isa;
        let ends = self.block_ends(conv, n);
        match epilogue {
            Epilogue::Bias(bias) => self.forward(conv, n, input, weights, output, |_, block| {
                // SAFETY: the block is whole rows of `columns`, and so long is the bias.
                unsafe {
                    elementwise::add_bias(
                        isa,
                        block.len() / columns,
                        columns,
                        bias[..columns].as_ptr(),
                        block.as_mut_ptr(),
                    );
                }
            }),
            Epilogue::Moments(moments) => {
                let mut partials = std::mem::take(&mut self.moments);
                let shared = Shared::new(at_least(&mut partials, (ends.len() - 1) * 2 * columns));
                self.forward(conv, n, input, weights, output, |task, block| {
                    // SAFETY: every block has its part of the partials, and is whole rows.
                    unsafe {
                        let out = shared.part(task * 2 * columns, 2 * columns);
                        elementwise::moments(
                            isa,
                            block.len() / columns,
                            columns,
                            block.as_ptr(),
                            out.as_mut_ptr(),
                        );
                    }
                });
                self.moments = partials;
                self.combine_moments(&ends, columns, moments);
            }
            Epilogue::Norm { norm, skip, relu } => {
                let (mut scale, mut shift) =
                    (std::mem::take(&mut self.channels[0]), std::mem::take(&mut self.channels[1]));
                fold(&norm, &mut scale, &mut shift);
                self.forward(conv, n, input, weights, output, |task, block| {
                    let skip = skip.map(|skip| &skip[ends[task] * columns..][..block.len()]);
                    let to = block.as_mut_ptr();
                    // SAFETY: all operands are as long as the block; reading and writing the same place is what the
                    // kernel does in order.
                    unsafe {
                        elementwise::affine(
                            isa,
                            block.len() / columns,
                            columns,
                            to,
                            scale.as_ptr(),
                            shift.as_ptr(),
                            skip.map_or(ptr::null(), <[f32]>::as_ptr),
                            ptr::null(),
                            relu,
                            to,
                        );
                    }
                });
                self.channels[0] = scale;
                self.channels[1] = shift;
            }
        }
    }

    fn conv_backward_data(
        &mut self,
        conv: &Convolution,
        n: usize,
        grad_output: &[f32],
        weights: &[f32],
        grad_input: &mut [f32],
        accumulate: bool,
    ) {
        let columns = conv.inputs;
        let grad_input = &mut grad_input[..n * conv.input_len()];
        if let Some(tiles) = self.tiles(conv) {
            return self.winograd_backward_data(
                &tiles,
                conv,
                n,
                grad_output,
                weights,
                grad_input,
                accumulate,
            );
        }
        let phases = Gather::backward(conv);
        if !accumulate && phases.iter().any(|phase| phase.kernel_taps.is_empty()) {
            // Pixels that no tap reaches.
            grad_input.fill(0.0);
        }
        for phase in phases.iter().filter(|p| !p.kernel_taps.is_empty() && p.gather.rows() > 0) {
            self.pack_backward(conv, &phase.kernel_taps, weights);
            let scatter = (conv.stride > 1).then_some(Scatter {
                first: phase.offset,
                step: conv.stride,
                size: (conv.in_height, conv.in_width),
            });
            let target = Target { data: &mut *grad_input, accumulate, scatter };
            self.multiply(&phase.gather, n, grad_output, columns, target, |_, _| {});
        }
    }

    fn conv_backward_weights(
        &mut self,
        conv: &Convolution,
        n: usize,
        input: &[f32],
        grad_output: &[f32],
        grad_weights: &mut [f32],
    ) {
        if let Some(tiles) = self.tiles(conv) {
            return self.winograd_backward_weights(&tiles, conv, n, input, grad_output, grad_weights);
        }
        let gather = Gather::forward(conv);
        let (columns, rows, depth) = (conv.outputs, n * gather.rows(), gather.depth());
        let isa = self.isa;
        let width = isa.panel();
        let cuts = gather.blocks(WEIGHT_BLOCK);
        let across = blocks(columns.div_ceil(width), WEIGHT_BLOCK / width);
        let along = blocks(TASKS, cuts.len() * across).min(blocks(rows, SUM_ROWS));
        let widest = cuts.iter().map(std::ops::Range::len).max().unwrap_or(0);
        let plain = gather.is_plain();
        let stride = widest + 16;
        let gathered = if plain { 0 } else { GATHER_ROWS * stride };
        let tiles = product::packed_tiles(isa, widest, SUM_ROWS).next_multiple_of(16);
        let panels = columns.div_ceil(width).div_ceil(across);
        let share = gathered + tiles + SUM_ROWS * panels * width;
        let scratch = Shared::new(self.scratch.at_least(share * self.threads.count()));
        let size = depth * columns;
        let grad_weights = &mut grad_weights[..size];
        let out = if along == 1 {
            Shared::new(&mut *grad_weights)
        } else {
            Shared::new(self.partials.at_least(along * size))
        };
        self.threads.run(along * cuts.len() * across, |task, thread| {
            let (task, column_block) = (task / across, task % across);
            let (portion, cut) = (task / cuts.len(), &cuts[task % cuts.len()]);
            let of_panels = part(columns.div_ceil(width), across, column_block);
            let first = of_panels.start * width;
            let share_columns = (of_panels.end * width).min(columns) - first;
            // SAFETY: a thread runs one task at a time, and has its own share.
            let scratch = unsafe { scratch.part(thread * share, share) };
            let (gathered, scratch) = scratch.split_at_mut(gathered);
            let (tiles, panels) = scratch.split_at_mut(tiles);
            let range = part(rows, along, portion);
            let steps = blocks(range.len(), SUM_ROWS);
            for step in 0..steps {
                let sub = part(range.len(), steps, step);
                let sub = range.start + sub.start..range.start + sub.end;
                let mut ahead = Ahead::nothing();
                if step + 1 < steps {
                    let sub = part(range.len(), steps, step + 1);
                    let sub = range.start + sub.start..range.start + sub.end;
                    let tiles = Ahead::tiles(isa, cut.len(), share_columns);
                    let grads = &grad_output[sub.start * columns..sub.end * columns];
                    let channels = gather.channels;
                    let seen = if cut.len() < channels {
                        let seen = &input[sub.start * channels..sub.end * channels];
                        Region::columns(&seen[cut.start % channels..], channels, cut.len())
                    } else {
                        Region::whole(&input[gather.seen(sub)])
                    };
                    ahead =
                        Ahead::new([seen, Region::columns(&grads[first..], columns, share_columns)], tiles);
                }
                let depth = sub.len();
                for first in (0..depth).step_by(GATHER_ROWS) {
                    let rows = sub.start + first..sub.start + (first + GATHER_ROWS).min(depth);
                    let count = rows.len();
                    let (from, stride) = if plain {
                        (
                            &input[rows.start * gather.channels + cut.start..rows.end * gather.channels],
                            gather.channels,
                        )
                    } else {
                        gather.copy(input, rows, cut.clone(), gathered, stride);
                        (&*gathered, stride)
                    };
                    // SAFETY: `from` holds the cut's columns of the rows, and the tiles have room for SUM_ROWS ≥ depth.
                    unsafe {
                        let to = tiles.as_mut_ptr();
                        product::pack_tiles(
                            isa,
                            cut.len(),
                            from.as_ptr(),
                            from.len(),
                            stride,
                            first,
                            count,
                            depth,
                            to,
                        );
                    }
                }
                let grads = &grad_output[sub.start * columns + first..];
                let of_panel = depth * width;
                // SAFETY: the rows have `columns` numbers, the panels of `depth` rows fit their share.
                unsafe {
                    product::pack_panels(
                        isa,
                        depth,
                        share_columns,
                        grads.as_ptr(),
                        columns,
                        panels.as_mut_ptr(),
                        of_panel,
                    );
                }
                let left = Left::Tiles(tiles.as_ptr());
                let right = Panels { data: panels.as_ptr(), step: of_panel, columns: share_columns };
                // SAFETY: the machine has `isa`; left holds the cut's columns as rows by `sub` deep, the panels are as
                // deep, and the result's rows and columns belong to this task alone.
                unsafe {
                    let to = out.part_pointer(portion * size + cut.start * columns + first);
                    let out = Out { data: to, row: columns, accumulate: step > 0 };
                    product::product(isa, cut.len(), depth, left, right, out, &mut ahead);
                }
            }
        });
        if along > 1 {
            let count = blocks(size, CHUNK);
            let partials = &self.partials;
            let out = Shared::new(grad_weights);
            self.threads.run(count, |task, _| {
                let range = part(size, count, task);
                // SAFETY: chunks are disjoint; the partials hold `along` arrays of `size`.
                unsafe {
                    let to = out.part(range.start, range.len()).as_mut_ptr();
                    elementwise::sum_arrays(
                        isa,
                        range.len(),
                        along,
                        size,
                        partials[range.start..].as_ptr(),
                        to,
                    );
                }
            });
        }
    }

    fn sum_rows(&mut self, rows: usize, input: &[f32], out: &mut [f32]) {
        let columns = out.len();
        // SAFETY: the input holds `rows` rows of the output's length.
        unsafe {
            elementwise::sum_arrays(
                self.isa,
                columns,
                rows,
                columns,
                input[..rows * columns].as_ptr(),
                out.as_mut_ptr(),
            );
        }
    }

    fn norm(
        &mut self,
        rows: usize,
        raw: &[f32],
        norm: Norm<'_>,
        skip: Option<Skip<'_>>,
        relu: bool,
        out: &mut [f32],
    ) {
        let channels = norm.mean.len();
        let [scale, shift, skip_scale, skip_shift, _] = &mut self.channels;
        fold(&norm, scale, shift);
        let folded = skip.as_ref().and_then(|skip| skip.norm.as_ref());
        if let Some(norm) = folded {
            fold(norm, skip_scale, skip_shift);
            shift.iter_mut().zip(&*skip_shift).for_each(|(a, b)| *a += b);
        }
        let skip_scale = if folded.is_some() { skip_scale.as_ptr() } else { ptr::null() };
        let skip_scale = SharedPointer(skip_scale);
        let (scale, shift) = (&*scale, &*shift);
        let count = chunks(rows, channels);
        let isa = self.isa;
        let out = Shared::new(&mut out[..rows * channels]);
        self.threads.run(count, |task, _| {
            let range = part(rows, count, task);
            let (start, len) = (range.start * channels, range.len() * channels);
            let skip = skip.as_ref().map_or(ptr::null(), |skip| skip.data[start..start + len].as_ptr());
            // SAFETY: chunks are disjoint, all activations hold the chunk, all per-channel vectors `channels`.
            unsafe {
                elementwise::affine(
                    isa,
                    range.len(),
                    channels,
                    raw[start..start + len].as_ptr(),
                    scale.as_ptr(),
                    shift.as_ptr(),
                    skip,
                    skip_scale.get(),
                    relu,
                    out.part(start, len).as_mut_ptr(),
                );
            }
        });
    }

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
    ) {
        let grad = &mut grad[..rows * norm.mean.len()];
        let mask = match (relu, out) {
            (false, _) => Mask::None,
            (true, None) => Mask::Raw,
            (true, Some(_)) => Mask::Output,
        };
        let (mut scale, mut shift) =
            (std::mem::take(&mut self.channels[3]), std::mem::take(&mut self.channels[4]));
        fold(&norm, &mut scale, &mut shift);
        let output = out.unwrap_or_default();
        let per_channel = (scale.as_slice(), shift.as_slice());
        fn pass<'a>(
            (rows, (scale, shift), output): (usize, (&'a [f32], &'a [f32]), &'a [f32]),
            grad: &'a mut [f32],
            raw: &'a [f32],
            mask: Mask,
        ) -> Pass<'a> {
            Pass { rows, grad, raw, mask, scale, shift, output }
        }
        let common = (rows, per_channel, output);
        let sums = self.norm_sums(pass(common, &mut *grad, raw, mask), norm.mean);
        // The mask by the output has been applied in place.
        let masked = if mask == Mask::Output { Mask::None } else { mask };
        match skip {
            SkipBackward::None => self.norm_apply(pass(common, grad, raw, masked), &norm, grads, &sums, None),
            SkipBackward::Identity { grad_raw } => {
                self.norm_apply(pass(common, grad, raw, masked), &norm, grads, &sums, Some(grad_raw));
            }
            SkipBackward::Norm { grad_raw, raw: skip_raw, norm: skip_norm, grads: skip_grads } => {
                let skip_sums = self.norm_sums(pass(common, &mut *grad, skip_raw, masked), skip_norm.mean);
                self.norm_apply(pass(common, &mut *grad, raw, masked), &norm, grads, &sums, Some(grad_raw));
                self.norm_apply(
                    pass(common, grad, skip_raw, masked),
                    &skip_norm,
                    skip_grads,
                    &skip_sums,
                    None,
                );
            }
        }
        self.channels[3] = scale;
        self.channels[4] = shift;
    }

    fn max_pool(&mut self, pool: &Pool, n: usize, input: &[f32], out: &mut [f32], index: Option<&mut [u8]>) {
        let line = pool.out_width * pool.channels;
        let image = pool.in_height * pool.in_width * pool.channels;
        let rows = n * pool.out_height;
        let isa = self.isa;
        let out = Shared::new(&mut out[..rows * line]);
        let index = index.map(Shared::new);
        self.threads.run(rows, |task, _| {
            let input = &input[task / pool.out_height * image..][..image];
            // SAFETY: every task writes its own line; the input is a whole image.
            unsafe {
                let index =
                    index.as_ref().map_or(ptr::null_mut(), |i| i.part(task * line, line).as_mut_ptr());
                let to = out.part(task * line, line).as_mut_ptr();
                elementwise::max_pool_row(isa, pool, task % pool.out_height, input.as_ptr(), to, index);
            }
        });
    }

    fn max_pool_backward(
        &mut self,
        pool: &Pool,
        n: usize,
        grad_out: &[f32],
        index: &[u8],
        grad_input: &mut [f32],
    ) {
        let from = pool.out_height * pool.out_width * pool.channels;
        let to = pool.in_height * pool.in_width * pool.channels;
        let isa = self.isa;
        let grad_input = Shared::new(&mut grad_input[..n * to]);
        self.threads.run(n, |image, _| {
            let (grad_out, index) = (&grad_out[image * from..][..from], &index[image * from..][..from]);
            // SAFETY: images are disjoint and whole.
            unsafe {
                let to = grad_input.part(image * to, to).as_mut_ptr();
                elementwise::max_pool_backward_image(isa, pool, grad_out.as_ptr(), index.as_ptr(), to);
            }
        });
    }

    fn average_pool(&mut self, n: usize, pixels: usize, channels: usize, input: &[f32], out: &mut [f32]) {
        let isa = self.isa;
        let out = Shared::new(&mut out[..n * channels]);
        self.threads.run(n, |image, _| {
            let from = &input[image * pixels * channels..][..pixels * channels];
            // SAFETY: images are disjoint; `from` holds `pixels` arrays of `channels`.
            unsafe {
                let to = out.part(image * channels, channels);
                elementwise::sum_arrays(isa, channels, pixels, channels, from.as_ptr(), to.as_mut_ptr());
                to.iter_mut().for_each(|value| *value /= pixels as f32);
            }
        });
    }

    fn average_pool_backward(
        &mut self,
        n: usize,
        pixels: usize,
        channels: usize,
        grad_out: &[f32],
        grad_input: &mut [f32],
    ) {
        let out = Shared::new(&mut grad_input[..n * pixels * channels]);
        self.threads.run(n, |image, _| {
            let from = &grad_out[image * channels..][..channels];
            // SAFETY: images are disjoint.
            let to = unsafe { out.part(image * pixels * channels, pixels * channels) };
            let (first, others) = to.split_at_mut(channels);
            first.iter_mut().zip(from).for_each(|(to, from)| *to = from / pixels as f32);
            others.chunks_exact_mut(channels).for_each(|to| to.copy_from_slice(first));
        });
    }

    fn sgd(&mut self, step: Sgd, weights: &mut [f32], grads: &[f32], velocity: &mut [f32]) {
        let len = weights.len();
        let count = blocks(len, 4 * CHUNK);
        let isa = self.isa;
        let grads = &grads[..len];
        let weights = Shared::new(weights);
        let velocity = (!velocity.is_empty()).then(|| Shared::new(&mut velocity[..len]));
        self.threads.run(count, |task, _| {
            let range = part(len, count, task);
            // SAFETY: chunks are disjoint and all operands as long.
            unsafe {
                let velocity = velocity
                    .as_ref()
                    .map_or(ptr::null_mut(), |v| v.part(range.start, range.len()).as_mut_ptr());
                let to = weights.part(range.start, range.len()).as_mut_ptr();
                elementwise::sgd(isa, step, range.len(), to, grads[range.start..].as_ptr(), velocity);
            }
        });
    }
}

/// A pointer read by tasks.
#[derive(Clone, Copy)]
struct SharedPointer(*const f32);

// SAFETY: it is only read from, for the time of one parallel region, by which the vector behind it is borrowed.
unsafe impl Sync for SharedPointer {}

impl SharedPointer {
    fn get(&self) -> *const f32 {
        self.0
    }
}

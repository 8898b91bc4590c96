//! 3×3 convolutions of stride one by Winograd's minimal filtering F(4×4, 3×3) (Lavin & Gray, "Fast algorithms for
//! convolutional neural networks", CVPR 2016; points 0, ±1, ±2, ∞): a quarter of the multiplications.
//!
//! Overlapping 6×6 tiles of the input and the 3×3 kernels are transformed to 36 numbers each; per number one matrix product
//! over channels gives the transform of a 4×4 tile of the output. The weight gradient is F(3×3, 4×4): tiles of the input
//! against 4×4 tiles of the output's gradient.
//!
//! The transforms' constants amplify rounding: the relative rms error against f64 stays below 10⁻⁵ (tested), where the
//! direct sum has some 10⁻⁶.

mod transform;

use std::ops::Range;

pub(super) use transform::Tiles;
use transform::{Layout, POINTS};

use super::{
    Cpu, at_least,
    product::{self, Ahead, Left, Out, Panels, Region},
    simd::Tile,
};
use crate::kernels::{
    Convolution,
    parallel::{Shared, blocks, part},
};

/// Numbers of one thread's transformed tiles: what its second-level cache holds beside the weights that stream by.
const GROUP: usize = 300_000;

/// Most tiles transformed at once where all threads share them.
///
/// Smaller in tests, so that small shapes take every path; so below.
const SHARED_TILES: usize = if cfg!(test) { 40 } else { 256 };

/// Fewer groups than this cannot keep threads busy on their own.
const FEW_GROUPS: usize = 8;

/// Weights with more numbers than this are read once for all tiles, rather than once a group.
const LARGE_WEIGHTS: usize = if cfg!(test) { 80_000 } else { 2_000_000 };

/// Input and output channels of one task's share of a weight gradient.
const GRADIENT_BLOCK: usize = 64;

/// Cuts the rows of tiles of `n` images into groups, by shape alone. Gives the ends, beginning with zero.
fn groups(tiles: &Tiles, n: usize, channels: usize) -> Vec<usize> {
    let rows = n * tiles.down;
    // A group of few tiles would leave tiles of registers half empty.
    let most = (GROUP / (POINTS * channels)).clamp(24, 64);
    let count = blocks(rows, (most / tiles.across).max(1));
    let count = if count >= FEW_GROUPS { count.next_multiple_of(4).min(rows) } else { count };
    (0..=count).map(|i| i * rows / count).collect()
}

/// First pixels of the groups' outputs, and the end.
pub(super) fn block_ends(tiles: &Tiles, n: usize, conv: &Convolution) -> Vec<usize> {
    groups(tiles, n, conv.inputs + conv.outputs)
        .iter()
        .map(|&row| tiles.pixel_row(row) * tiles.width)
        .collect()
}

/// Numbers from one point of transformed weights to the next, off the powers of two.
fn weight_point(panels: usize, depth: usize, width: usize) -> usize {
    (panels * depth * width).next_multiple_of(1024) + 16
}

impl Cpu {
    /// Transforms weights (tap × input × output) for products over the inputs.
    fn winograd_weights(&mut self, inputs: usize, outputs: usize, weights: &[f32], rotate: bool) -> usize {
        let width = self.isa.panel();
        let point = weight_point(outputs.div_ceil(width), inputs, width);
        let packed = Shared::new(self.packed.at_least(POINTS * point));
        let weights = &weights[..9 * inputs * outputs];
        let isa = self.isa;
        let tasks = blocks(inputs, 16);
        self.threads.run(tasks, |task, _| {
            let range = part(inputs, tasks, task);
            // SAFETY: every input channel has its own rows of the panels; the array holds POINTS points.
            unsafe {
                let to = packed.part_pointer(0);
                transform::transform_weights(
                    isa,
                    range.start,
                    range.len(),
                    inputs,
                    outputs,
                    weights.as_ptr(),
                    rotate,
                    to,
                    point,
                );
            }
        });
        point
    }

    #[expect(clippy::too_many_arguments, reason = "a convolution's operands")]
    /// Forward convolution; `finish(group, block of the output)` as in the direct algorithm.
    pub(super) fn winograd_forward(
        &mut self,
        tiles: &Tiles,
        conv: &Convolution,
        n: usize,
        input: &[f32],
        weights: &[f32],
        output: &mut [f32],
        finish: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let point = self.winograd_weights(conv.inputs, conv.outputs, weights, false);
        self.winograd_product(tiles, n, (conv.inputs, conv.outputs), input, point, output, false, finish);
    }

    #[expect(clippy::too_many_arguments, reason = "a convolution's operands")]
    /// Gradient of the input: the convolution of the output's gradient with rotated kernels, channels exchanged.
    pub(super) fn winograd_backward_data(
        &mut self,
        tiles: &Tiles,
        conv: &Convolution,
        n: usize,
        grad_output: &[f32],
        weights: &[f32],
        grad_input: &mut [f32],
        accumulate: bool,
    ) {
        let (inputs, outputs) = (conv.inputs, conv.outputs);
        let mut exchanged = std::mem::take(&mut self.partials);
        let to = Shared::new(exchanged.at_least(conv.weights()));
        let tasks = blocks(outputs, 16);
        self.threads.run(9 * tasks, |task, _| {
            let (tap, range) = (task / tasks, part(outputs, tasks, task % tasks));
            let from = &weights[tap * inputs * outputs..][..inputs * outputs];
            // SAFETY: (tap, output) rows are disjoint.
            let to = unsafe { to.part((tap * outputs + range.start) * inputs, range.len() * inputs) };
            for (input, from) in from.chunks_exact(outputs).enumerate() {
                for (row, &value) in from[range.clone()].iter().enumerate() {
                    to[row * inputs + input] = value;
                }
            }
        });
        let point = self.winograd_weights(outputs, inputs, &exchanged, true);
        self.partials = exchanged;
        let finish = |_: usize, _: &mut [f32]| {};
        self.winograd_product(
            tiles,
            n,
            (outputs, inputs),
            grad_output,
            point,
            grad_input,
            accumulate,
            finish,
        );
    }

    #[expect(clippy::too_many_arguments, reason = "both directions of a convolution")]
    fn winograd_product(
        &mut self,
        tiles: &Tiles,
        n: usize,
        (from, to): (usize, usize),
        input: &[f32],
        point: usize,
        output: &mut [f32],
        accumulate: bool,
        finish: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let isa = self.isa;
        let width = isa.panel();
        let ends = groups(tiles, n, from + to);
        let count = ends.len() - 1;
        let tiles_of = |group: usize| ends[group] * tiles.across..ends[group + 1] * tiles.across;
        let together = count < FEW_GROUPS || from * to * POINTS > LARGE_WEIGHTS;
        // Groups that are transformed before they are multiplied: one a thread, or several for all threads.
        let at_once: Vec<Range<usize>> = if together {
            let tiles_at_once = blocks(n * tiles.count(), SHARED_TILES).min(count);
            (0..tiles_at_once).map(|i| part(count, tiles_at_once, i)).collect()
        } else {
            (0..count).map(|group| group..group + 1).collect()
        };
        let most = at_once
            .iter()
            .map(|groups| tiles_of(groups.end - 1).end - tiles_of(groups.start).start)
            .max()
            .unwrap_or(0);
        let (in_layout, out_layout) = (Layout::padded(most, from), Layout::padded(most, to));
        let share = in_layout.len() + out_layout.len();
        let copies = if together { 1 } else { self.threads.count() };
        let scratch = Shared::new(self.scratch.at_least(share * copies));
        let zeroes = &*at_least(&mut self.zeroes, from);
        let packed = &self.packed[..POINTS * point];
        let input = &input[..n * tiles.height * tiles.width * from];
        let output = Shared::new(&mut output[..n * tiles.height * tiles.width * to]);

        // SAFETY: `into` holds the layout's numbers for `most` tiles; a task's tiles are its own.
        let transform_in = |range: Range<usize>, first: usize, into: *mut f32| unsafe {
            let to = into.add((range.start - first) * in_layout.row);
            transform::transform_input(
                isa,
                tiles,
                range.start,
                range.len(),
                from,
                input.as_ptr(),
                zeroes.as_ptr(),
                to,
                in_layout,
            );
        };
        // SAFETY: `left` and `into` hold the layouts' numbers for `most` tiles; a task's point and panels are its own.
        let multiply = |p: usize,
                        rows: usize,
                        panels: Range<usize>,
                        left: *const f32,
                        into: *mut f32,
                        ahead: &mut Ahead| unsafe {
            let columns = (panels.end * width).min(to) - panels.start * width;
            let left = Left::Strided { data: left.add(p * in_layout.point), row: in_layout.row, column: 1 };
            let data = packed[p * point + panels.start * from * width..].as_ptr();
            let into = into.add(p * out_layout.point + panels.start * width);
            let out = Out { data: into, row: out_layout.row, accumulate: false };
            product::product(isa, rows, from, left, Panels { data, step: from * width, columns }, out, ahead);
        };
        // SAFETY: `results` holds the layout's numbers for `most` tiles; a group's pixels are its own.
        let transform_out = |group: usize, first: usize, results: *const f32| unsafe {
            let range = tiles_of(group);
            let (start, end) = (tiles.pixel_row(ends[group]), tiles.pixel_row(ends[group + 1]));
            let block = output.part(start * tiles.width * to, (end - start) * tiles.width * to);
            transform::transform_output(
                isa,
                tiles,
                range.start,
                range.len(),
                to,
                results.add((range.start - first) * out_layout.row),
                out_layout,
                block.as_mut_ptr(),
                start,
                accumulate,
            );
            finish(group, block);
        };

        let panels = to.div_ceil(width);
        if !together {
            self.threads.run_ahead(count, |group, following, thread| {
                let range = tiles_of(group);
                let mut ahead = following.map_or_else(Ahead::nothing, |following| {
                    let line = tiles.width * from;
                    let pixels =
                        tiles.pixel_row(ends[following]) * line..tiles.pixel_row(ends[following + 1]) * line;
                    let seen = &input[pixels];
                    let steps = POINTS * Ahead::tiles(isa, range.len(), to);
                    Ahead::new([Region::whole(seen), Region::default()], steps)
                });
                let (first, rows) = (range.start, range.len());
                let transformed = scratch.part_pointer(thread * share);
                let results = scratch.part_pointer(thread * share + in_layout.len());
                transform_in(range, first, transformed);
                for p in 0..POINTS {
                    multiply(p, rows, 0..panels, transformed, results, &mut ahead);
                }
                transform_out(group, first, results);
            });
            return;
        }
        let (transformed, results) = (SharedPlace(&scratch, 0), SharedPlace(&scratch, in_layout.len()));
        for groups in at_once {
            let (first, end) = (tiles_of(groups.start).start, tiles_of(groups.end - 1).end);
            let tasks = blocks(end - first, 4);
            self.threads.run(tasks, |task, _| {
                let range = part(end - first, tasks, task);
                transform_in(first + range.start..first + range.end, first, transformed.get());
            });
            let (cuts, rows) = (blocks(panels, 4), end - first);
            let cut = |task: usize| (task / cuts, part(panels, cuts, task % cuts));
            self.threads.run_ahead(POINTS * cuts, |task, following, _| {
                let (p, panels) = cut(task);
                let mut ahead = following.map_or_else(Ahead::nothing, |following| {
                    let (p, next) = cut(following);
                    let left = transformed.get().wrapping_add(p * in_layout.point);
                    let right = &packed[p * point + next.start * from * width..][..next.len() * from * width];
                    let regions = [Region::rows(left, in_layout.row, from, rows), Region::whole(right)];
                    Ahead::new(regions, Ahead::tiles(isa, rows, panels.len() * width))
                });
                multiply(p, rows, panels, transformed.get(), results.get(), &mut ahead);
            });
            self.threads.run(groups.len(), |task, _| {
                transform_out(groups.start + task, first, results.get());
            });
        }
    }

    /// Gradient of the weights.
    pub(super) fn winograd_backward_weights(
        &mut self,
        tiles: &Tiles,
        conv: &Convolution,
        n: usize,
        input: &[f32],
        grad_output: &[f32],
        grad_weights: &mut [f32],
    ) {
        let (inputs, outputs) = (conv.inputs, conv.outputs);
        let pixels = n * tiles.height * tiles.width;
        let input = &input[..pixels * inputs];
        let grad_output = &grad_output[..pixels * outputs];
        let grad_weights = &mut grad_weights[..conv.weights()];
        at_least(&mut self.zeroes, inputs.max(outputs));
        if inputs * outputs * POINTS > LARGE_WEIGHTS || groups(tiles, n, inputs + outputs).len() <= FEW_GROUPS
        {
            self.winograd_weights_together(tiles, (inputs, outputs), n, input, grad_output, grad_weights);
        } else {
            self.winograd_weights_apart(tiles, (inputs, outputs), n, input, grad_output, grad_weights);
        }
    }

    /// Few weights, many tiles: chunks of groups are summed apart, then put together in order.
    fn winograd_weights_apart(
        &mut self,
        tiles: &Tiles,
        (inputs, outputs): (usize, usize),
        n: usize,
        input: &[f32],
        grad_output: &[f32],
        grad_weights: &mut [f32],
    ) {
        let isa = self.isa;
        let width = isa.panel();
        let ends = groups(tiles, n, inputs + outputs);
        let count = ends.len() - 1;
        let parts = count.min(FEW_GROUPS);
        let most = ends.windows(2).map(|w| (w[1] - w[0]) * tiles.across).max().unwrap_or(0);
        let in_layout = Layout::padded(most, inputs);
        let panels = outputs.div_ceil(width);
        let grad_point = weight_point(panels, most, width);
        let share = in_layout.len() + POINTS * grad_point;
        let scratch = Shared::new(self.scratch.at_least(share * self.threads.count()));
        let layout = Layout::padded(inputs, outputs);
        let sums = Shared::new(self.partials.at_least(parts * layout.len()));
        let zeroes = &self.zeroes;
        self.threads.run(parts, |task, thread| {
            let chunk = part(count, parts, task);
            for group in chunk.clone() {
                let range = ends[group] * tiles.across..ends[group + 1] * tiles.across;
                let rows = range.len();
                let mut ahead = Ahead::nothing();
                if group + 1 < chunk.end {
                    let pixels = tiles.pixel_row(ends[group + 1]) * tiles.width
                        ..tiles.pixel_row(ends[group + 2]) * tiles.width;
                    let seen = &input[pixels.start * inputs..pixels.end * inputs];
                    let grads = &grad_output[pixels.start * outputs..pixels.end * outputs];
                    let steps = POINTS * Ahead::tiles(isa, inputs, outputs);
                    ahead = Ahead::new([Region::whole(seen), Region::whole(grads)], steps);
                }
                let transformed = scratch.part_pointer(thread * share);
                let gradient = scratch.part_pointer(thread * share + in_layout.len());
                let sums = sums.part_pointer(task * layout.len());
                // SAFETY: a thread has its own scratch, a task its own sums; both hold the layouts' numbers.
                unsafe {
                    transform::transform_input(
                        isa,
                        tiles,
                        range.start,
                        rows,
                        inputs,
                        input.as_ptr(),
                        zeroes.as_ptr(),
                        transformed,
                        in_layout,
                    );
                    transform::transform_gradient(
                        isa,
                        tiles,
                        range.start,
                        rows,
                        outputs,
                        grad_output.as_ptr(),
                        zeroes.as_ptr(),
                        gradient,
                        grad_point,
                        rows,
                    );
                    for p in 0..POINTS {
                        let left = Left::Strided {
                            data: transformed.add(p * in_layout.point),
                            row: 1,
                            column: in_layout.row,
                        };
                        let data = gradient.add(p * grad_point);
                        let right = Panels { data, step: rows * width, columns: outputs };
                        let data = sums.add(p * layout.point);
                        let out = Out { data, row: layout.row, accumulate: group > chunk.start };
                        product::product(isa, inputs, rows, left, right, out, &mut ahead);
                    }
                }
            }
        });
        let tasks = blocks(inputs, 8);
        let out = Shared::new(grad_weights);
        let sums = &self.partials[..parts * layout.len()];
        self.threads.run(tasks, |task, _| {
            let range = part(inputs, tasks, task);
            // SAFETY: every input channel has its own rows of the result; the sums hold `parts` layouts.
            unsafe {
                transform::transform_weight_gradient(
                    isa,
                    range.len(),
                    outputs,
                    sums[range.start * layout.row..].as_ptr(),
                    layout,
                    parts,
                    layout.len(),
                    out.part_pointer(range.start * outputs),
                    inputs,
                    outputs,
                );
            }
        });
    }

    /// Many weights, few tiles: all tiles are transformed, then every task sums its own block of weights.
    fn winograd_weights_together(
        &mut self,
        tiles: &Tiles,
        (inputs, outputs): (usize, usize),
        n: usize,
        input: &[f32],
        grad_output: &[f32],
        grad_weights: &mut [f32],
    ) {
        let isa = self.isa;
        let width = isa.panel();
        let total = n * tiles.count();
        let rounds = blocks(total, SHARED_TILES);
        let most = total.div_ceil(rounds);
        let in_layout = Layout::padded(most, inputs);
        let panels = outputs.div_ceil(width);
        let grad_point = weight_point(panels, most, width);
        let panels_each = (GRADIENT_BLOCK / width).max(1);
        let (down, across) = (blocks(inputs, GRADIENT_BLOCK), blocks(panels, panels_each));
        let layout = Layout::padded(inputs.div_ceil(down), panels.div_ceil(across) * width);
        // Sums that outlive a round belong to the task; otherwise to the thread, whose cache still holds them.
        let copies = if rounds > 1 { down * across } else { self.threads.count() };
        let scratch = Shared::new(self.scratch.at_least(in_layout.len() + POINTS * grad_point));
        let sums = Shared::new(self.partials.at_least(copies * layout.len()));
        let out = Shared::new(grad_weights);
        let zeroes = &self.zeroes;
        let (transformed, gradient) = (SharedPlace(&scratch, 0), SharedPlace(&scratch, in_layout.len()));
        for round in 0..rounds {
            let range = part(total, rounds, round);
            let rows = range.len();
            let tasks = blocks(rows, 4);
            self.threads.run(2 * tasks, |task, _| {
                let sub = part(rows, tasks, task / 2);
                // SAFETY: every tile has its own rows of the transformed arrays, which hold `most` tiles.
                unsafe {
                    if task % 2 == 0 {
                        transform::transform_input(
                            isa,
                            tiles,
                            range.start + sub.start,
                            sub.len(),
                            inputs,
                            input.as_ptr(),
                            zeroes.as_ptr(),
                            transformed.get().add(sub.start * in_layout.row),
                            in_layout,
                        );
                    } else {
                        transform::transform_gradient(
                            isa,
                            tiles,
                            range.start + sub.start,
                            sub.len(),
                            outputs,
                            grad_output.as_ptr(),
                            zeroes.as_ptr(),
                            gradient.get().add(sub.start * width),
                            grad_point,
                            rows,
                        );
                    }
                }
            });
            self.threads.run(down * across, |task, thread| {
                let of_inputs = part(inputs, down, task / across);
                let of_panels = part(panels, across, task % across);
                let first = of_panels.start * width;
                let columns = (of_panels.end * width).min(outputs) - first;
                let copy = if rounds > 1 { task } else { thread };
                let sums = sums.part_pointer(copy * layout.len());
                // SAFETY: a task's sums are its own while it runs (and beyond, where there are several rounds), and so is
                // its block of the result.
                unsafe {
                    for p in 0..POINTS {
                        let from = transformed.get().add(p * in_layout.point + of_inputs.start);
                        let left = Left::Strided { data: from, row: 1, column: in_layout.row };
                        let grads = gradient.get().add(p * grad_point + of_panels.start * rows * width);
                        let right = Panels { data: grads, step: rows * width, columns };
                        let data = sums.add(p * layout.point);
                        let out = Out { data, row: layout.row, accumulate: round > 0 };
                        let mut ahead = Ahead::nothing();
                        if p + 1 < POINTS {
                            let from = from.wrapping_add(in_layout.point);
                            let grads = grads.wrapping_add(grad_point);
                            let panels = of_panels.len() * rows * width;
                            let regions = [
                                Region::rows(from, in_layout.row, of_inputs.len(), rows),
                                Region::rows(grads, panels, panels, 1),
                            ];
                            ahead = Ahead::new(regions, Ahead::tiles(isa, of_inputs.len(), columns));
                        }
                        product::product(isa, of_inputs.len(), rows, left, right, out, &mut ahead);
                    }
                    if round + 1 == rounds {
                        transform::transform_weight_gradient(
                            isa,
                            of_inputs.len(),
                            columns,
                            sums,
                            layout,
                            1,
                            0,
                            out.part_pointer(of_inputs.start * outputs + first),
                            inputs,
                            outputs,
                        );
                    }
                }
            });
        }
    }
}

/// A place in an array that tasks share.
#[derive(Clone, Copy)]
struct SharedPlace<'a>(&'a Shared<'a, f32>, usize);

impl SharedPlace<'_> {
    fn get(&self) -> *mut f32 {
        self.0.part_pointer(self.1)
    }
}

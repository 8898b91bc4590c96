//! What this machine can do at most: the two rates a kernel's time is held against.

use std::time::Instant;

use bakeoff_machine::{Buffer, Isa};

use super::{
    elementwise,
    product::{self, Ahead, Left, Out, Panels},
    simd::Tile,
};
use crate::kernels::parallel::{Shared, Threads};

/// Depth and columns of the product: its operands stay in the second-level cache.
const DEPTH: usize = 256;
const COLUMNS: usize = 256;

/// Rows of the product, in tiles.
const TILES: usize = 8;

/// Numbers of each of the two arrays that are streamed: far more than the caches hold.
const STREAM: usize = if cfg!(test) { 1 << 18 } else { 48 << 20 };

/// Times each is measured; the best counts.
const ROUNDS: usize = 6;

/// GFLOP/s of matrix products whose operands lie in cache, and GB/s (10⁹ bytes, read and written) of a pass from one array
/// to another, on all these threads together.
pub(crate) fn measure(threads: &Threads) -> (f64, f64) {
    threads.enter(|| (products(threads), memory(threads)))
}

fn products(threads: &Threads) -> f64 {
    let isa = Isa::detect();
    let width = isa.panel();
    let rows = TILES * isa.tile();
    let panels = COLUMNS.div_ceil(width) * DEPTH * width;
    let share = (rows * DEPTH + panels + rows * COLUMNS).next_multiple_of(1024);
    let count = threads.count();
    let mut memory = Buffer::zeroed(share * count);
    memory.fill(0.5);
    let repeats = if cfg!(test) { 1 } else { 400 };
    let memory = Shared::new(&mut memory);
    let flops = 2.0 * (rows * DEPTH * COLUMNS * repeats * count) as f64;
    let seconds = best(|| {
        threads.run(count, |task, _| {
            // SAFETY: every task has its own share, cut into the three operands' sizes.
            unsafe {
                let share = memory.part(task * share, share);
                let (left, rest) = share.split_at_mut(rows * DEPTH);
                let (right, out) = rest.split_at_mut(panels);
                let left = Left::Strided { data: left.as_ptr(), row: DEPTH, column: 1 };
                let right = Panels { data: right.as_ptr(), step: DEPTH * width, columns: COLUMNS };
                let out = Out { data: out.as_mut_ptr(), row: COLUMNS, accumulate: false };
                for _ in 0..repeats {
                    product::product(isa, rows, DEPTH, left, right, out, &mut Ahead::nothing());
                }
            }
        });
    });
    flops / seconds / 1e9
}

fn memory(threads: &Threads) -> f64 {
    let isa = Isa::detect();
    let (mut from, mut to) = (Buffer::zeroed(STREAM), Buffer::zeroed(STREAM));
    from.fill(1.0);
    to.fill(1.0);
    const ROW: usize = 4096;
    let (scale, shift) = ([0.5f32; ROW], [0.25f32; ROW]);
    let tasks = STREAM / (16 * ROW);
    let to = Shared::new(&mut to);
    let from = &*from;
    let seconds = best(|| {
        threads.run(tasks, |task, _| {
            let start = task * 16 * ROW;
            // SAFETY: tasks have disjoint rows of both arrays.
            unsafe {
                let to = to.part(start, 16 * ROW).as_mut_ptr();
                let from = from[start..start + 16 * ROW].as_ptr();
                let none = std::ptr::null();
                elementwise::affine(isa, 16, ROW, from, scale.as_ptr(), shift.as_ptr(), none, none, true, to);
            }
        });
    });
    2.0 * 4.0 * STREAM as f64 / seconds / 1e9
}

fn best(mut work: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rates_are_finite_and_positive() {
        let (gflops, gigabytes) = measure(&Threads::new(2).unwrap());
        assert!(gflops > 0.0 && gflops.is_finite(), "{gflops}");
        assert!(gigabytes > 0.0 && gigabytes.is_finite(), "{gigabytes}");
    }
}

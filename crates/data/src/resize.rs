//! Bilinear resizing with half-pixel centres, with and without the low-pass filter.
//!
//! | `antialias` | the same as |
//! |---|---|
//! | `false` | `tf.image.resize(method="bilinear", antialias=False)`, `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)` |
//! | `true`  | `interpolate(…, antialias=True)`, `tf.image.resize(…, antialias=True)`, Pillow's `Image.resize(BILINEAR)` before it rounds to bytes |
//!
//! The filter is separable, so each axis has its own table of weights. Every output row first combines its few source
//! rows into one line of `f32` (long, contiguous, vectorised), then samples that line. Four rows are sampled side by side,
//! a tile of columns at a time, so that a pixel of all four is one vector and everything computed stays in the first
//! cache; rows nobody asks for are never touched.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::{Region, View};
use bakeoff_machine::{Isa, vectorised};

/// What one output position reads along one axis: `count` weights from source position `start` on.
#[derive(Clone, Copy)]
struct Taps {
    start: usize,
    first_weight: usize,
    count: usize,
}

/// The weights of one axis, for the output positions that are wanted.
struct Axis {
    taps: Vec<Taps>,
    weights: Vec<f32>,
}

impl Axis {
    fn new(from: usize, to: usize, wanted: Range<usize>, antialias: bool) -> Self {
        let scale = from as f64 / to as f64;
        // Enlarging needs no low-pass filter: the triangle then spans two neighbours, which is plain bilinear sampling.
        let support = if antialias { scale.max(1.0) } else { 1.0 };
        let (mut taps, mut weights) = (Vec::with_capacity(wanted.len()), Vec::new());
        for position in wanted {
            let centre = (position as f64 + 0.5) * scale;
            let first_weight = weights.len();
            let start = if support > 1.0 {
                let start = (centre - support + 0.5).max(0.0) as usize;
                let end = ((centre + support + 0.5) as usize).min(from).max(start + 1);
                let row = (start..end).map(|i| (1.0 - ((i as f64 + 0.5 - centre) / support).abs()).max(0.0));
                let total: f64 = row.clone().sum();
                weights.extend(row.map(|w| (w / total) as f32));
                start
            } else {
                let left = (centre - 0.5).clamp(0.0, (from - 1) as f64);
                let start = left as usize;
                let share = left - start as f64;
                weights.push((1.0 - share) as f32);
                if share > 0.0 && start + 1 < from {
                    weights.push(share as f32);
                }
                start
            };
            taps.push(Taps { start, first_weight, count: weights.len() - first_weight });
        }
        Self { taps, weights }
    }

    /// First and one past the last source position read; `None` where nothing is wanted.
    fn span(&self) -> Option<(usize, usize)> {
        let (first, last) = (self.taps.first()?, self.taps.last()?);
        Some((first.start, last.start + last.count))
    }

    fn weights(&self, taps: Taps) -> &[f32] {
        &self.weights[taps.first_weight..taps.first_weight + taps.count]
    }
}

/// Output rows that are sampled side by side.
const ROWS: usize = 4;

/// One pixel of [`ROWS`] combined rows: R, G, B and a lane without meaning, four times.
type Quad = [f32; 4 * ROWS];

/// Source columns that are combined at a time, about: 16 KiB of [`Quad`]s.
const TILE: usize = 256;

/// An axis whose output positions all have the same number of taps; those that are lacking weigh nothing, which changes no bit
/// of a sum of numbers that are not negative.
struct Columns {
    count: usize,
    starts: Vec<usize>,
    /// `count` of each output position.
    weights: Vec<f32>,
}

impl Columns {
    fn new(axis: &Axis) -> Self {
        let count = axis.taps.iter().map(|taps| taps.count).max().unwrap_or(0);
        let mut weights = vec![0.0; count * axis.taps.len()];
        for (padded, &taps) in weights.chunks_exact_mut(count.max(1)).zip(&axis.taps) {
            padded[..taps.count].copy_from_slice(axis.weights(taps));
        }
        Self { count, starts: axis.taps.iter().map(|taps| taps.start).collect(), weights }
    }
}

/// Neighbouring output columns and what they read.
struct Tile {
    columns: Range<usize>,
    source: Range<usize>,
}

impl Axis {
    /// Output positions in order, as many at a time as read about [`TILE`] source positions.
    fn tiles(&self) -> Vec<Tile> {
        let tile = |columns: Range<usize>| {
            let taps = &self.taps[columns.clone()];
            let first = taps.iter().map(|taps| taps.start).min().unwrap_or(0);
            let last = taps.iter().map(|taps| taps.start + taps.count).max().unwrap_or(0);
            Tile { columns, source: first..last }
        };
        let all = tile(0..self.taps.len());
        let most = (self.taps.len() * TILE / all.source.len().max(1)).max(16);
        let tile = |start: usize| tile(start..(start + most).min(self.taps.len()));
        (0..self.taps.len()).step_by(most).map(tile).collect()
    }
}

/// A resize, and what is cut out of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resample {
    /// What is resized: the part of the image that this window has in common with it.
    pub region: Region,
    /// Columns it is resized to.
    pub width: usize,
    /// Rows it is resized to.
    pub height: usize,
    /// What is kept of that; the rest is never computed. A window that reaches beyond is cut at the edge.
    pub window: Region,
    /// Low-pass filter when shrinking.
    pub antialias: bool,
    /// Mirror the result left to right.
    pub mirrored: bool,
}

impl Resample {
    /// The part of an image of this size that is looked at.
    #[must_use]
    pub fn reads(&self, width: usize, height: usize) -> Region {
        let region = self.region.within(width.max(1), height.max(1));
        let (columns, rows) = self.axes(region);
        match (columns.span(), rows.span()) {
            (Some((left, right)), Some((top, bottom))) => {
                Region { x: region.x + left, y: region.y + top, width: right - left, height: bottom - top }
            }
            _ => Region { width: 1, height: 1, ..region },
        }
    }

    fn axes(&self, region: Region) -> (Axis, Axis) {
        let wanted =
            |start: usize, count: usize, end: usize| start.min(end)..start.saturating_add(count).min(end);
        let Self { width, height, window, antialias, .. } = *self;
        (
            Axis::new(region.width, width, wanted(window.x, window.width, width), antialias),
            Axis::new(region.height, height, wanted(window.y, window.height, height), antialias),
        )
    }

    /// Writes the result, row by row, R G B R G B …, in [0, 1]: the values of [`resize_window`] divided by 255 (and rounded
    /// once), so that 255 becomes exactly 1. `out` has room for `window.width * window.height * 3` values and is given back
    /// filled; where the window was cut, zeros follow what there is.
    pub fn unit<'a, 'o>(&self, image: impl Into<View<'a>>, out: &'o mut [MaybeUninit<f32>]) -> &'o mut [f32] {
        let mut written = 0;
        self.rows(image.into(), |row| {
            divide_by_255(row, &mut out[written..]);
            written = (written + row.len()).min(out.len());
        });
        out[written..].fill(MaybeUninit::new(0.0));
        // SAFETY: all values were written, those from `written` on last.
        unsafe { &mut *(out as *mut [MaybeUninit<f32>] as *mut [f32]) }
    }

    /// Computes row after row and gives each away while it is in the cache.
    fn rows(&self, image: View<'_>, mut give: impl FnMut(&mut [f32])) {
        // Positions are those of the region as it is asked for, whichever part of the image is there to be read.
        let region = self.region.within(image.width(), image.height());
        let (mut axis, rows) = self.axes(region);
        if self.mirrored {
            axis.taps.reverse();
        }
        let (tiles, columns) = (axis.tiles(), Columns::new(&axis));
        let widest = tiles.iter().map(|tile| tile.source.len()).max().unwrap_or(0);
        // One value more than a line holds, so that a pixel can be read and written as four lanes.
        let mut line = vec![0f32; widest * 3 + 1];
        let stride = columns.starts.len() * 3 + 1;
        let mut strip = vec![0f32; ROWS * stride];
        // Taps that weigh nothing may lie beyond.
        let mut quads: Vec<Quad> = vec![[0.0; 4 * ROWS]; widest + columns.count];
        let mut sources = Vec::new();
        for group in rows.taps.chunks(ROWS) {
            for tile in &tiles {
                let (first, count) = (tile.source.start, tile.source.len());
                for (row, &taps) in group.iter().enumerate() {
                    sources.clear();
                    let source_rows = region.y + taps.start..region.y + taps.start + taps.count;
                    sources.extend(source_rows.map(|y| image.row(region.x + first, y, count)));
                    combine_rows(&mut line[..count * 3], &sources, rows.weights(taps));
                    set_beside(&mut quads[..count], &line, row);
                }
                sample(&mut strip, &quads, &columns, tile);
            }
            strip.chunks_exact_mut(stride).take(group.len()).for_each(|row| give(&mut row[..stride - 1]));
        }
    }
}

/// Resizes a window of an image to `width` × `height`.
///
/// Gives `height * width * 3` values, row by row, R G B R G B …, on the 0–255 scale, not rounded. A region that reaches
/// beyond the image is cut at its edge; a target without pixels gives an empty vector.
#[must_use]
pub fn resize<'a>(
    image: impl Into<View<'a>>,
    region: Region,
    width: usize,
    height: usize,
    antialias: bool,
) -> Vec<f32> {
    let window = Region { x: 0, y: 0, width, height };
    resize_window(image, region, width, height, window, antialias)
}

/// The part `window` of what [`resize`] gives, value for value, without the work and memory for the rest: a crop out of a
/// resized photograph. A window that reaches beyond the target is cut at its edge.
#[must_use]
pub fn resize_window<'a>(
    image: impl Into<View<'a>>,
    region: Region,
    width: usize,
    height: usize,
    window: Region,
    antialias: bool,
) -> Vec<f32> {
    let mut out = Vec::new();
    let resample = Resample { region, width, height, window, antialias, mirrored: false };
    resample.rows(image.into(), |row| out.extend_from_slice(row));
    out
}

/// Writes values divided by 255, correctly rounded, as many as there are and as there is room for.
fn divide_by_255(values: &[f32], out: &mut [MaybeUninit<f32>]) {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has FMA.
        Isa::Avx512 | Isa::Avx2 => unsafe { divide_by_255_fused(values, out) },
        Isa::Portable => {
            for (value, out) in values.iter().zip(out) {
                out.write(value / 255.0);
            }
        }
    }
}

/// A division without dividing (Markstein 1990): the quotient is corrected by its exact remainder.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn divide_by_255_fused(values: &[f32], out: &mut [MaybeUninit<f32>]) {
    const RECIPROCAL: f32 = 1.0 / 255.0;
    for (value, out) in values.iter().zip(out) {
        let quotient = value * RECIPROCAL;
        let remainder = (-quotient).mul_add(255.0, *value);
        out.write(remainder.mul_add(RECIPROCAL, quotient));
    }
}

vectorised! {
    /// The weighted sum of a few source rows.
    fn combine_rows(line: &mut [f32], rows: &[&[u8]], weights: &[f32]) {
        // Up to four rows are summed in registers; an odd one goes first, the others in pairs.
        let rest = match (rows, weights) {
            ([a], [wa]) => {
                for (out, &a) in line.iter_mut().zip(*a) {
                    *out = wa * f32::from(a);
                }
                0
            }
            ([a, b], [wa, wb]) => {
                for ((out, &a), &b) in line.iter_mut().zip(*a).zip(*b) {
                    *out = wa * f32::from(a) + wb * f32::from(b);
                }
                0
            }
            ([a, b, c, ..], [wa, wb, wc, ..]) if rows.len() % 2 == 1 => {
                for (((out, &a), &b), &c) in line.iter_mut().zip(*a).zip(*b).zip(*c) {
                    *out = wa * f32::from(a) + (wb * f32::from(b) + wc * f32::from(c));
                }
                3
            }
            ([a, b, c, d, ..], [wa, wb, wc, wd, ..]) => {
                for ((((out, &a), &b), &c), &d) in line.iter_mut().zip(*a).zip(*b).zip(*c).zip(*d) {
                    *out = (wa * f32::from(a) + wb * f32::from(b)) + (wc * f32::from(c) + wd * f32::from(d));
                }
                4
            }
            _ => {
                line.fill(0.0);
                0
            }
        };
        if rest == 0 {
            return;
        }
        let rows = rows[rest..].as_chunks::<2>().0;
        let weights = weights[rest..].as_chunks::<2>().0;
        for ([a, b], [wa, wb]) in rows.iter().zip(weights) {
            for ((out, &a), &b) in line.iter_mut().zip(*a).zip(*b) {
                *out += wa * f32::from(a) + wb * f32::from(b);
            }
        }
    }
}

vectorised! {
    /// Puts a combined row beside the others.
    fn set_beside(quads: &mut [Quad], line: &[f32], row: usize) {
        for (i, quad) in quads.iter_mut().enumerate() {
            // The fourth lane is the next pixel's red.
            if let (Some(pixel), Some(place)) =
                (line[i * 3..].first_chunk::<4>(), quad.as_chunks_mut::<4>().0.get_mut(row))
            {
                *place = *pixel;
            }
        }
    }
}

vectorised! {
    /// Samples combined rows at the output columns of a tile.
    fn sample(strip: &mut [f32], quads: &[Quad], columns: &Columns, tile: &Tile) {
        // As many taps as are usual are known when compiling.
        match columns.count {
            1 => sample_known::<1>(strip, quads, columns, tile),
            2 => sample_known::<2>(strip, quads, columns, tile),
            3 => sample_known::<3>(strip, quads, columns, tile),
            4 => sample_known::<4>(strip, quads, columns, tile),
            5 => sample_known::<5>(strip, quads, columns, tile),
            6 => sample_known::<6>(strip, quads, columns, tile),
            7 => sample_known::<7>(strip, quads, columns, tile),
            8 => sample_known::<8>(strip, quads, columns, tile),
            count => {
                let [mut a, mut b, mut c, mut d] = four_rows(strip);
                for x in tile.columns.clone() {
                    let first = columns.starts[x] - tile.source.start;
                    let sum = weighted(&quads[first..first + count], &columns.weights[x * count..][..count]);
                    set_pixel([&mut a, &mut b, &mut c, &mut d], x, &sum);
                }
            }
        }
    }
}

#[inline(always)]
fn sample_known<const N: usize>(strip: &mut [f32], quads: &[Quad], columns: &Columns, tile: &Tile) {
    let [mut a, mut b, mut c, mut d] = four_rows(strip);
    let weights = &columns.weights.as_chunks::<N>().0[tile.columns.clone()];
    let starts = &columns.starts[tile.columns.clone()];
    for ((x, &start), weights) in tile.columns.clone().zip(starts).zip(weights) {
        if let Some(quads) = quads[start - tile.source.start..].first_chunk::<N>() {
            set_pixel([&mut a, &mut b, &mut c, &mut d], x, &weighted(quads, weights));
        }
    }
}

/// The rows of a strip, each with one value more than it holds.
#[inline(always)]
fn four_rows(strip: &mut [f32]) -> [&mut [f32]; ROWS] {
    let stride = strip.len() / ROWS;
    let (top, bottom) = strip.split_at_mut(2 * stride);
    let ((a, b), (c, d)) = (top.split_at_mut(stride), bottom.split_at_mut(stride));
    [a, b, c, d]
}

/// Writes a pixel of each row, and a fourth lane that the next pixel overwrites.
#[inline(always)]
fn set_pixel(rows: [&mut [f32]; ROWS], x: usize, quad: &Quad) {
    let pixels = quad.as_chunks::<4>().0;
    for row in 0..ROWS {
        if let Some(out) = rows[row][x * 3..].first_chunk_mut::<4>() {
            *out = pixels[row];
        }
    }
}

/// The weighted sum of pixels, the first one first.
#[inline(always)]
fn weighted(quads: &[Quad], weights: &[f32]) -> Quad {
    let mut sum = [0f32; 4 * ROWS];
    for (quad, &weight) in quads.iter().zip(weights) {
        for lane in 0..4 * ROWS {
            sum[lane] += weight * quad[lane];
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RgbImage;

    fn gradient(width: usize, height: usize) -> RgbImage {
        let pixels = (0..width * height * 3).map(|i| (i * 37 % 251) as u8).collect();
        RgbImage::new(width, height, pixels).unwrap()
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let image = gradient(13, 7);
        let expected: Vec<f32> = image.pixels().iter().map(|&p| f32::from(p)).collect();
        for antialias in [false, true] {
            assert_eq!(resize(&image, Region::whole(&image), 13, 7, antialias), expected);
        }
    }

    #[test]
    fn a_region_is_the_same_as_cropping_first() {
        let image = gradient(20, 15);
        let region = Region { x: 3, y: 2, width: 11, height: 9 };
        let cropped =
            (2..11).flat_map(|y| image.pixels()[(y * 20 + 3) * 3..(y * 20 + 14) * 3].to_vec()).collect();
        let cropped = RgbImage::new(11, 9, cropped).unwrap();
        for antialias in [false, true] {
            let whole = resize(&cropped, Region::whole(&cropped), 5, 6, antialias);
            assert_eq!(resize(&image, region, 5, 6, antialias), whole);
        }
    }

    #[test]
    fn a_window_is_the_same_as_resizing_and_cropping() {
        let image = gradient(20, 15);
        let region = Region { x: 2, y: 1, width: 17, height: 13 };
        for (width, height, antialias) in [(9, 7, true), (9, 7, false), (40, 31, true)] {
            let whole = resize(&image, region, width, height, antialias);
            for window in [
                Region { x: 2, y: 1, width: 5, height: 4 },
                Region { x: width - 1, y: 0, width: 1, height },
                Region { x: 0, y: height - 1, width, height: 1 },
            ] {
                let cropped: Vec<f32> = (window.y..window.y + window.height)
                    .flat_map(|y| {
                        &whole[(y * width + window.x) * 3..(y * width + window.x + window.width) * 3]
                    })
                    .copied()
                    .collect();
                assert_eq!(resize_window(&image, region, width, height, window, antialias), cropped);
            }
            let beyond = Region { x: width, y: 0, width: 3, height: 3 };
            assert!(resize_window(&image, region, width, height, beyond, antialias).is_empty());
        }
    }

    #[test]
    fn a_mirrored_window_in_unit_range_is_the_same_values_turned_and_divided() {
        let image = gradient(20, 15);
        let region = Region { x: 2, y: 1, width: 17, height: 13 };
        for (width, height, antialias) in
            [(9, 7, true), (17, 13, false), (40, 31, true), (5, 3, true), (2, 2, true)]
        {
            let window = Region { x: 1, y: 0, width: width - 1, height };
            let plain = resize_window(&image, region, width, height, window, antialias);
            for mirrored in [false, true] {
                let mut expected: Vec<f32> = plain.iter().map(|value| value / 255.0).collect();
                if mirrored {
                    let rows = expected.chunks_exact_mut(window.width * 3);
                    rows.for_each(|row| row.as_chunks_mut::<3>().0.reverse());
                }
                let mut room = vec![MaybeUninit::uninit(); expected.len() + 2];
                let ours = Resample { region, width, height, window, antialias, mirrored };
                let ours = ours.unit(&image, &mut room);
                assert_eq!(ours[..expected.len()], expected, "to the bit");
                assert_eq!(ours[expected.len()..], [0.0; 2], "filled");
            }
        }
    }

    #[test]
    fn division_by_255_is_correctly_rounded() {
        // Every 977th float of [2^-60, 256).
        let (from, to) = ((127u32 - 60) << 23, (127u32 + 8) << 23);
        let values: Vec<f32> = (from..to).step_by(977).map(f32::from_bits).chain([0.0, 255.0, 1.0]).collect();
        let mut ours = vec![MaybeUninit::new(-1.0); values.len()];
        divide_by_255(&values, &mut ours);
        // SAFETY: all were set above.
        let ours = ours.into_iter().map(|value| unsafe { value.assume_init() });
        assert!(values.iter().zip(ours).all(|(value, ours)| ours.to_bits() == (value / 255.0).to_bits()));
    }

    #[test]
    fn regions_beyond_the_image_and_empty_targets_are_no_panic() {
        let image = gradient(4, 3);
        let far = Region { x: 90, y: usize::MAX, width: 0, height: usize::MAX };
        let corner: Vec<f32> = image.pixels()[33..].iter().map(|&p| f32::from(p)).collect();
        assert_eq!(resize(&image, far, 1, 1, true), corner);
        assert!(resize(&image, far, 0, 5, false).is_empty());
    }
}

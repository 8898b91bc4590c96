//! Bilinear resizing with half-pixel centres, with and without the low-pass filter.
//!
//! | `antialias` | the same as |
//! |---|---|
//! | `false` | `tf.image.resize(method="bilinear", antialias=False)`, `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)` |
//! | `true`  | `interpolate(…, antialias=True)`, `tf.image.resize(…, antialias=True)`, Pillow's `Image.resize(BILINEAR)` before it rounds to bytes |
//!
//! The filter is separable, so each axis has its own table of weights. Every output row first combines its few source
//! rows into one line of `f32` (long, contiguous, vectorised), then samples that line: only one line is ever held, and
//! rows nobody asks for are never touched.

use std::ops::Range;

use crate::{Isa, RgbImage, View, vectorised};

/// A window of an image, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
}

impl Region {
    /// The whole of an image.
    #[must_use]
    pub fn whole(image: &RgbImage) -> Self {
        Self { x: 0, y: 0, width: image.width(), height: image.height() }
    }

    /// No pixel.
    pub(crate) const NONE: Self = Self { x: 0, y: 0, width: 0, height: 0 };

    /// The part that lies inside an image of this size; where nothing does, the nearest pixel.
    pub(crate) fn within(self, width: usize, height: usize) -> Self {
        let x = self.x.min(width - 1);
        let y = self.y.min(height - 1);
        Self { x, y, width: self.width.clamp(1, width - x), height: self.height.clamp(1, height - y) }
    }

    /// Whether a pixel lies in it.
    pub(crate) fn holds(self, x: usize, y: usize) -> bool {
        x.wrapping_sub(self.x) < self.width && y.wrapping_sub(self.y) < self.height
    }
}

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
    /// once), so that 255 becomes exactly 1. `out` holds `window.width * window.height * 3` values; what is cut off the window
    /// is left as it is.
    pub fn unit<'a>(&self, image: impl Into<View<'a>>, out: &mut [f32]) {
        self.rows(image.into(), out, divide_by_255);
    }

    /// Computes row after row and finishes each while it is in the cache.
    fn rows(&self, image: View<'_>, out: &mut [f32], finish: impl Fn(&mut [f32])) {
        // Positions are those of the region as it is asked for, whichever part of the image is there to be read.
        let region = self.region.within(image.width(), image.height());
        let (mut columns, rows) = self.axes(region);
        let Some((first, last)) = columns.span() else { return };
        if self.mirrored {
            columns.taps.reverse();
        }
        // One value more than the row holds, so that a pixel can be read as four lanes.
        let mut line = vec![0f32; (last - first) * 3 + 1];
        let line_len = line.len() - 1;
        let mut sources = Vec::new();
        for (out_row, &taps) in out.chunks_exact_mut(columns.taps.len() * 3).zip(&rows.taps) {
            sources.clear();
            let source_rows = region.y + taps.start..region.y + taps.start + taps.count;
            sources.extend(source_rows.map(|y| image.row(region.x + first, y, last - first)));
            combine_rows(&mut line[..line_len], &sources, rows.weights(taps));
            sample_line(out_row, &line, first, &columns);
            finish(out_row);
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
    let inside =
        |start: usize, count: usize, end: usize| start.saturating_add(count).min(end) - start.min(end);
    let pixels = inside(window.x, window.width, width) * inside(window.y, window.height, height);
    let mut out = vec![0f32; pixels * 3];
    let resample = Resample { region, width, height, window, antialias, mirrored: false };
    resample.rows(image.into(), &mut out, |_| ());
    out
}

/// Values divided by 255, correctly rounded.
fn divide_by_255(values: &mut [f32]) {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has FMA.
        Isa::Avx512 | Isa::Avx2 => unsafe { divide_by_255_fused(values) },
        Isa::Portable => values.iter_mut().for_each(|value| *value /= 255.0),
    }
}

/// A division without dividing (Markstein 1990): the quotient is corrected by its exact remainder.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn divide_by_255_fused(values: &mut [f32]) {
    const RECIPROCAL: f32 = 1.0 / 255.0;
    for value in values {
        let quotient = *value * RECIPROCAL;
        let remainder = (-quotient).mul_add(255.0, *value);
        *value = remainder.mul_add(RECIPROCAL, quotient);
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
    /// Samples one combined row, which begins at source column `first`, at every output column.
    fn sample_line(out_row: &mut [f32], line: &[f32], first: usize, columns: &Axis) {
        for (out, &taps) in out_row.as_chunks_mut::<3>().0.iter_mut().zip(&columns.taps) {
            let start = (taps.start - first) * 3;
            let source = &line[start..start + taps.count * 3 + 1];
            let weights = &columns.weights[taps.first_weight..taps.first_weight + taps.count];
            // Four lanes, the last of them the next pixel's red and thrown away: one vector instruction instead of three.
            let mut sum = [0f32; 4];
            for (i, &weight) in weights.iter().enumerate() {
                if let Some(pixel) = source[i * 3..].first_chunk::<4>() {
                    for lane in 0..4 {
                        sum[lane] += weight * pixel[lane];
                    }
                }
            }
            *out = [sum[0], sum[1], sum[2]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let mut ours = vec![0.0; expected.len()];
                Resample { region, width, height, window, antialias, mirrored }.unit(&image, &mut ours);
                assert_eq!(ours, expected, "to the bit");
            }
        }
    }

    #[test]
    fn division_by_255_is_correctly_rounded() {
        // Every 977th float of [2^-60, 256).
        let (from, to) = ((127u32 - 60) << 23, (127u32 + 8) << 23);
        let values: Vec<f32> = (from..to).step_by(977).map(f32::from_bits).chain([0.0, 255.0, 1.0]).collect();
        let mut ours = values.clone();
        divide_by_255(&mut ours);
        assert!(values.iter().zip(&ours).all(|(value, ours)| ours.to_bits() == (value / 255.0).to_bits()));
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

//! Blurs: out of focus, through glass, in motion, while zooming.

use bakeoff_machine::vectorised;

use crate::Pixels;
use crate::blur::blurred;
use crate::crops::Padding;
use crate::levels::Levels;

vectorised! {
    fn add_scaled(out: &mut [f32], source: &[f32], weight: f32) {
        out.iter_mut().zip(source).for_each(|(sum, value)| *sum += weight * value);
    }
}

/// An image with `margin` pixels around it.
struct Padded {
    width: usize,
    height: usize,
    margin: usize,
    padding: Padding,
    /// Rows of the image, each with its margins.
    values: Vec<f32>,
}

impl Padded {
    fn new(image: &Pixels, margin: usize, padding: Padding) -> Self {
        let (width, height) = (image.width(), image.height());
        let mut values = Vec::with_capacity((width + 2 * margin) * height * 3);
        for row in image.values().chunks_exact(width * 3) {
            for x in -(margin as isize)..(width + margin) as isize {
                let from = padding.source(x, width).unwrap_or(0) * 3;
                values.extend_from_slice(&row[from..from + 3]);
            }
        }
        Self { width, height, margin, padding, values }
    }

    /// A row as wide as the image, from (x, y) on; both may lie outside as far as the margin reaches.
    fn row(&self, x: isize, y: isize) -> &[f32] {
        let row = self.padding.source(y, self.height).unwrap_or(0);
        let start = row * (self.width + 2 * self.margin) + (self.margin as isize + x) as usize;
        &self.values[start * 3..][..self.width * 3]
    }

    /// Every pixel replaced by the weighted sum of those at these offsets from it.
    fn summed(&self, taps: &[(isize, isize, f32)]) -> Pixels {
        let mut out = vec![0.0; self.width * self.height * 3];
        for (y, out) in out.chunks_exact_mut(self.width * 3).enumerate() {
            for &(dx, dy, weight) in taps {
                add_scaled(out, self.row(dx, y as isize + dy), weight);
            }
        }
        Pixels::from_parts(self.width, self.height, out)
    }
}

/// A disk whose edge is smoothed by a Gaussian of deviation `alias`, the image mirrored at its edges (OpenCV's `filter2D`).
pub(super) fn defocused(image: &Pixels, (radius, alias): (f64, f64)) -> Pixels {
    // The published code's grid reaches 8 pixels for every smaller radius.
    let (reach, smoothing) = if radius <= 8.0 { (8, 1) } else { (radius as isize, 2) };
    let inside = |x: isize, y: isize| ((x * x + y * y) as f64 <= radius * radius) as u8 as f64;
    let span = -reach..=reach;
    let area: f64 = span.clone().flat_map(|y| span.clone().map(move |x| inside(x, y))).sum();
    let bell = |i: isize| (-0.5 * (i as f64 / alias).powi(2)).exp();
    let total: f64 = (-smoothing..=smoothing).map(bell).sum();
    // The grid is mirrored at its edges too.
    let mirrored = |i: isize| if i.abs() > reach { i.signum() * (2 * reach - i.abs()) } else { i };
    let mut taps = Vec::new();
    for y in span.clone() {
        for x in span.clone() {
            let mut weight = 0.0;
            for dy in -smoothing..=smoothing {
                for dx in -smoothing..=smoothing {
                    weight += bell(dx) * bell(dy) * inside(mirrored(x + dx), mirrored(y + dy));
                }
            }
            let weight = weight / (total * total * area);
            // Lighter ones could not be seen.
            if weight > 1e-9 {
                taps.push((x, y, weight as f32));
            }
        }
    }
    Padded::new(image, reach as usize, Padding::Reflect).summed(&taps)
}

/// scikit-image's `gaussian`: the kernel reaches four deviations, the edge is repeated.
fn gaussian(image: &Pixels, sigma: f64) -> Pixels {
    let reach = (4.0 * sigma + 0.5) as usize;
    blurred(image, 2 * reach + 1, sigma, Padding::Edge)
}

/// Deviation, farthest exchange, rounds; `below` gives whole numbers below its argument. The published code means to swap two
/// pixels, but both become the second (NumPy assigns through views): so it was with the images that the benchmark is made of.
pub(super) fn through_glass(
    image: &Pixels,
    (sigma, farthest, rounds): (f64, usize, usize),
    below: &mut dyn FnMut(usize) -> usize,
) -> Pixels {
    let smooth = gaussian(image, sigma);
    let (width, height) = (image.width(), image.height());
    // Cut, not rounded, to 256 levels; the cast clips.
    let mut values: Vec<u8> = smooth.values().iter().map(|v| (v * 255.0) as u8).collect();
    for _ in 0..rounds {
        for y in (farthest + 1..=height.saturating_sub(farthest)).rev() {
            for x in (farthest + 1..=width.saturating_sub(farthest)).rev() {
                let [right, down] = [below(2 * farthest), below(2 * farthest)];
                let from = (y + down - farthest) * width + x + right - farthest;
                values.copy_within(from * 3..from * 3 + 3, (y * width + x) * 3);
            }
        }
    }
    gaussian(&Levels { width, height, values }.into_pixels(), sigma)
}

/// One half of a bell of this radius and deviation along a line, `degrees` from the horizontal; the edge is repeated.
pub(super) fn moved(image: &Pixels, (radius, sigma): (usize, f64), degrees: f64) -> Pixels {
    let length = 2 * radius + 1;
    let weight = |i: usize| (-((i * i) as f64) / (2.0 * sigma * sigma)).exp();
    let total: f64 = (0..length).map(weight).sum();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let place = |i: usize, share: f64| (i as f64 * share - 0.5).ceil() as isize;
    let taps: Vec<_> =
        (0..length).map(|i| (place(i, cos), place(i, sin), (weight(i) / total) as f32)).collect();
    Padded::new(image, length, Padding::Edge).summed(&taps)
}

/// The mean of the image and of its centre enlarged by 1, 1 + step, … below `stop`.
pub(super) fn zooming(image: &Pixels, (stop, step): (f64, f64)) -> Pixels {
    // NumPy's `arange` steps by what rounding leaves of the difference of the first two.
    let (count, step) = (((stop - 1.0) / step).ceil() as usize, (1.0 + step) - 1.0);
    let mut sums = image.values().to_vec();
    for factor in (0..count).map(|i| 1.0 + i as f64 * step) {
        add_enlarged(image, factor, &mut sums);
    }
    sums.iter_mut().for_each(|sum| *sum /= (count + 1) as f32);
    Pixels::from_parts(image.width(), image.height(), sums)
}

/// Adds the image's centre enlarged by `factor` (SciPy's `zoom` of order 1), what is beyond the image's size cut off on both sides.
fn add_enlarged(image: &Pixels, factor: f64, sums: &mut [f32]) {
    // Along one axis: the two pixels between which each new one lies, and the share of the second.
    let places = |side: usize| -> Vec<(usize, usize, f32)> {
        let kept = ((side as f64 / factor).ceil() as usize).clamp(1, side);
        let enlarged = ((kept as f64 * factor).round_ties_even() as usize).max(side);
        let (first, trimmed) = ((side - kept) / 2, (enlarged - side) / 2);
        let scale = (kept - 1) as f64 / (enlarged - 1).max(1) as f64;
        let place = |i: usize| {
            let at = ((i + trimmed) as f64 * scale).min((kept - 1) as f64);
            let low = at as usize;
            (first + low, first + (low + 1).min(kept - 1), (at - low as f64) as f32)
        };
        (0..side).map(place).collect()
    };
    let (width, values) = (image.width(), image.values());
    let columns = places(width);
    let rows = places(image.height());
    for (out, (upper, lower, down)) in sums.chunks_exact_mut(width * 3).zip(rows) {
        let [upper, lower] = [upper, lower].map(|row| &values[row * width * 3..][..width * 3]);
        for (pixel, &(left, right, across)) in out.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            for (c, sum) in pixel.iter_mut().enumerate() {
                let along = |row: &[f32]| {
                    let [a, b] = [row[left * 3 + c], row[right * 3 + c]];
                    a + (b - a) * across
                };
                let [above, below] = [along(upper), along(lower)];
                *sum += above + (below - above) * down;
            }
        }
    }
}

//! Masks over an image: per pixel the partner's share, row by row, from given numbers.

use rustfft::{FftPlanner, num_complex::Complex};

/// Mean of a mask: the partner's share of the image.
pub(crate) fn mean(mask: &[f32]) -> f64 {
    mask.iter().map(|&share| f64::from(share)).sum::<f64>() / mask.len() as f64
}

/// FMix' grey image (Harris et al. 2020, section 4): complex Gaussian noise, divided by frequency^decay, transformed back.
/// `normal` is asked for the real and the imaginary part of every frequency, row by row, of half the spectrum: columns
/// 0 to width / 2, since the image is real. The scale is not the published one; only the order of its values is used.
pub(crate) fn low_frequency_noise(
    width: usize,
    height: usize,
    decay: f64,
    mut normal: impl FnMut() -> f64,
) -> Vec<f64> {
    let half = width / 2 + 1;
    let lowest = 1.0 / width.max(height) as f64;
    let frequency = |index: usize, length: usize| index.min(length - index) as f64 / length as f64;
    let mut columns = vec![Complex::default(); half * height];
    for y in 0..height {
        for x in 0..half {
            let (fy, fx) = (frequency(y, height), frequency(x, width));
            let scale = (fy * fy + fx * fx).sqrt().max(lowest).powf(-decay);
            let (re, im) = (normal(), normal());
            columns[x * height + y] = Complex::new(scale * re, scale * im);
        }
    }
    let mut planner = FftPlanner::<f64>::new();
    planner.plan_fft_inverse(height).process(&mut columns);
    let along = planner.plan_fft_inverse(width);
    let mut row = vec![Complex::default(); width];
    let mut image = Vec::with_capacity(width * height);
    for y in 0..height {
        row.fill(Complex::default());
        for x in 0..half {
            let value = columns[x * height + y];
            // The other half of a real image's spectrum is this one mirrored; zero and the middle are their own mirror.
            row[x] += value * 0.5;
            row[(width - x) % width] += value.conj() * 0.5;
            if x != 0 && 2 * x != width {
                row[x] += value * 0.5;
                row[width - x] += value.conj() * 0.5;
            }
        }
        along.process(&mut row);
        image.extend(row.iter().map(|value| value.re));
    }
    image
}

/// How many of `n` values FMix keeps whole, rounded `up` or down, and over how many on both sides of the cut it is soft.
pub(crate) fn fmix_counts(n: usize, lambda: f64, max_soft: f64, up: bool) -> (usize, usize) {
    let exact = lambda * n as f64;
    let kept = if up { exact.ceil() } else { exact.floor() };
    let soft = (n as f64 * max_soft.min(lambda).min(1.0 - lambda)) as usize;
    (kept as usize, soft)
}

/// FMix' `binarise_mask`: the `kept` largest values keep the image (partner's share 0), the smallest take the partner
/// (1), with a linear ramp over `soft` values on both sides of the cut.
pub(crate) fn binarised(values: &[f64], kept: usize, soft: usize) -> Vec<f32> {
    let n = values.len();
    let (low, high) = (kept.saturating_sub(soft), (kept + soft).min(n));
    let mut order: Vec<u32> = (0..n as u32).collect();
    let falling =
        |a: &u32, b: &u32| values[*b as usize].total_cmp(&values[*a as usize]).then_with(|| a.cmp(b));
    if low > 0 && low < n {
        order.select_nth_unstable_by(low, falling);
    }
    if high > low && high < n {
        order[low..].select_nth_unstable_by(high - low, falling);
    }
    order[low..high].sort_unstable_by(falling);
    let mut mask = vec![0f32; n];
    for (rank, &index) in order[low..high].iter().enumerate() {
        // numpy.linspace(1, 0, high − low) is the image's own share.
        let steps = (high - low - 1).max(1) as f64;
        mask[index as usize] = (rank as f64 / steps) as f32;
    }
    for &index in &order[high..] {
        mask[index as usize] = 1.0;
    }
    mask
}

/// SmoothMix' Gaussian of height one (Lee et al. 2020, published code) around `centre` − ½ on each axis.
pub(crate) fn gaussian(width: usize, height: usize, centre: [usize; 2], sigma: f64) -> Vec<f32> {
    let along = |length: usize, centre: usize| -> Vec<f64> {
        let distance = |at: usize| at as f64 - (centre as f64 - 0.5);
        (0..length).map(|at| (-distance(at).powi(2) / (2.0 * sigma * sigma)).exp()).collect()
    };
    let (xs, ys) = (along(width, centre[0]), along(height, centre[1]));
    ys.iter().flat_map(|y| xs.iter().map(move |x| (x * y) as f32)).collect()
}

/// The numbers of one GridMix mask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Share of the image left outside the holes, before rounding, in [0, 1].
    pub(crate) lambda: f64,
    /// Cells along the grid's width.
    pub(crate) cells: usize,
    /// Height / width of a cell.
    pub(crate) cell_aspect: f64,
    /// Area of the grid as a share of the image.
    pub(crate) area: f64,
    /// Height / width of the grid, relative to the image's.
    pub(crate) aspect: f64,
    /// Where the grid stands, in [0, 1) of the room there is, along x and y.
    pub(crate) place: [f64; 2],
}

/// OpenMixup's `gridmix` mask. Images of every size and shape: the grid is cut to the image, and has no more cells than
/// half its width in pixels.
pub(crate) fn grid(width: usize, height: usize, grid: Grid) -> Vec<f32> {
    let mut mask = vec![0f32; width * height];
    // On a square image: sqrt(W · H · area / aspect) and that times the aspect, both rounded down.
    let area = (width as f64 * height as f64 * grid.area).floor();
    let aspect = grid.aspect * height as f64 / width as f64;
    let wanted = (area / aspect).sqrt().floor();
    let cut_width = (wanted as usize).clamp(1, width);
    let cut_height = ((wanted * aspect) as usize).clamp(1, height);
    let x0 = ((width - cut_width) as f64 * grid.place[0]) as usize;
    let y0 = ((height - cut_height) as f64 * grid.place[1]) as usize;
    let cells = grid.cells.min(cut_width / 2).max(1);
    let cell_width = cut_width.div_ceil(cells);
    let cell_height = ((cell_width as f64 * grid.cell_aspect) as usize).max(1);
    let side = (1.0 - grid.lambda).sqrt();
    // One pixel at least, and one less than the cell at most.
    let hole = |cell: usize| ((cell as f64 * side) as usize).max(1).min(cell - 1);
    let (hole_width, hole_height) = (hole(cell_width), hole(cell_height));
    for y in 0..cut_height {
        if y % cell_height >= hole_height {
            continue;
        }
        let row = &mut mask[(y0 + y) * width + x0..][..cut_width];
        for (x, share) in row.iter_mut().enumerate() {
            if x % cell_width < hole_width {
                *share = 1.0;
            }
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, counts, floats, list, number, read};

    #[test]
    fn fmix_masks_are_numpys_for_the_same_noise() {
        for case in list(&read("mixer-masks.json")["fmix"]) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let mut normals = list(&case["normals"]).iter().map(number);
            let noise =
                low_frequency_noise(width, height, number(&case["decay"]), || normals.next().unwrap());
            assert_eq!(normals.next(), None);
            let pixels = (width * height) as f64;
            for (ours, theirs) in noise.iter().zip(list(&case["noise"]).iter().map(number)) {
                // NumPy divides by the number of pixels.
                assert!((ours / pixels - theirs).abs() < 1e-10 * (1.0 + theirs.abs()), "{ours} {theirs}");
            }
            let up = case["up"].as_bool().unwrap();
            let (kept, soft) =
                fmix_counts(noise.len(), number(&case["lambda"]), number(&case["max_soft"]), up);
            let mask = binarised(&noise, kept, soft);
            let own: Vec<f32> = mask.iter().map(|share| 1.0 - share).collect();
            // One rounding of a value below one.
            assert_close(&own, &floats(&case["own"]), 1e-7, &format!("{width} × {height}"));
        }
    }

    #[test]
    fn a_hard_mask_has_exactly_the_pixels_it_should() {
        let values: Vec<f64> = (0..100).map(|i| f64::from((i * 37) % 100)).collect();
        for kept in [0, 1, 40, 99, 100] {
            let mask = binarised(&values, kept, 0);
            assert_eq!(mask.iter().filter(|share| **share == 0.0).count(), kept);
            assert!(mask.iter().zip(&values).all(|(m, v)| (*m == 0.0) == (*v >= (100 - kept) as f64)));
        }
        // Equal values: the first in reading order are kept.
        assert_eq!(binarised(&[1.0; 4], 3, 0), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn smoothmix_masks_are_the_published_ones() {
        for case in list(&read("mixer-masks.json")["smoothmix"]) {
            let size = count(&case["size"]);
            let mask = gaussian(size, size, counts(&case["centre"]), number(&case["sigma"]));
            assert_close(&mask, &floats(&case["mask"]), 1e-6, &case["centre"].to_string());
        }
    }

    #[test]
    fn gridmix_masks_are_openmixups() {
        for case in list(&read("mixer-masks.json")["gridmix"]) {
            let size = count(&case["size"]);
            let draw = Grid {
                lambda: number(&case["lambda"]),
                cells: count(&case["cells"]),
                cell_aspect: number(&case["cell_aspect"]),
                area: number(&case["area"]),
                aspect: number(&case["aspect"]),
                place: [number(&case["place"][0]), number(&case["place"][1])],
            };
            assert_eq!(grid(size, size, draw), floats(&case["mask"]), "{draw:?}");
        }
    }
}

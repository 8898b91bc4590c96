//! Colour operations with TensorFlow's and torchvision's definitions, on interleaved RGB f32. Those that follow each other are
//! done together on one piece of an image after the other, in the first cache. They are compiled for every instruction set; wider
//! vectors do not change a bit, since every value is computed by itself or in fixed lanes.

use bakeoff_machine::vectorised;

/// A multiple of 3 channels and 16 lanes: blocks of this many values repeat both patterns.
const BLOCK: usize = 48;

/// Blocks summed in f32 before they go into the f64 total: long enough to be fast, short enough to stay exact to 1e-6.
const BLOCKS_PER_SUM: usize = 32;

/// Pixels worked on at a time: as many as are summed before they go into the total.
const PIECE: usize = BLOCK * BLOCKS_PER_SUM / 3;

/// A change of an image's colours, with its drawn number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Change {
    /// `x + delta` (`tf.image.adjust_brightness`).
    Shift(f32),
    /// `(x − mean) · factor + mean` with the mean of each channel (`tf.image.adjust_contrast`).
    Contrast(f32),
    /// Saturation multiplied by the factor and clipped to [0, 1] in HSV (`tf.image.adjust_saturation`). The largest channel
    /// of every pixel stays as it is.
    Saturation(f32),
    /// Hue rotated by a part of a full circle, in [−1, 1] (`tf.image.adjust_hue`). As TensorFlow's kernel it keeps every
    /// pixel's smallest and largest channel as they are, so values outside [0, 1] are neither clipped nor distorted.
    Hue(f32),
    /// To [0, 1].
    Clip,
    /// `x · factor`, clipped to [0, 1] (torchvision's `adjust_brightness`).
    Scale(f32),
    /// The distance from the grey image's mean times the factor, clipped to [0, 1] (torchvision's `adjust_contrast`).
    ScaleFromMean(f32),
    /// The distance of each channel from the pixel's grey times the factor, clipped to [0, 1] (torchvision's
    /// `adjust_saturation`).
    ScaleFromGrey(f32),
    /// All channels the pixel's grey (torchvision's `rgb_to_grayscale`).
    Grey,
}

/// Makes one change after the other, clipping only where a change says so.
pub(crate) fn change(values: &mut [f32], changes: &[Change]) {
    let mut waiting = Vec::with_capacity(changes.len());
    for change in changes {
        let line = |centre: [f32; 3], factor: f32, offset: [f32; 3], clipped: bool| {
            Pointwise::Line(Line { centre, factor, offset, clipped })
        };
        let pointwise = match *change {
            Change::Shift(delta) => line([0.0; 3], 1.0, [delta; 3], false),
            Change::Contrast(factor) => {
                let means = work(values, &waiting, true);
                waiting.clear();
                line(means, factor, means, false)
            }
            Change::Saturation(factor) => Pointwise::Saturation(factor),
            Change::Hue(delta) => Pointwise::Hue(delta * 6.0),
            Change::Clip => Pointwise::Clip,
            Change::Scale(factor) => line([0.0; 3], factor, [0.0; 3], true),
            Change::ScaleFromMean(factor) => {
                let means = work(values, &waiting, true);
                waiting.clear();
                line([0.0; 3], factor, [grey(means) * (1.0 - factor); 3], true)
            }
            Change::ScaleFromGrey(factor) => Pointwise::FromGrey(factor),
            Change::Grey => Pointwise::Grey,
        };
        waiting.push(pointwise);
    }
    if !waiting.is_empty() {
        work(values, &waiting, false);
    }
}

/// A [`Change`] that needs to know no other pixel.
#[derive(Clone, Copy)]
enum Pointwise {
    Line(Line),
    Clip,
    /// By a factor.
    Saturation(f32),
    /// By sextants, at most 6 to either side.
    Hue(f32),
    /// By a factor.
    FromGrey(f32),
    Grey,
}

/// `(x − centre) · factor + offset` in every channel. Subtracting 0 and multiplying by 1 change no bit.
#[derive(Clone, Copy)]
struct Line {
    centre: [f32; 3],
    factor: f32,
    offset: [f32; 3],
    clipped: bool,
}

vectorised! {
    /// Makes the changes, and gives the mean of each channel after them where it is wanted.
    fn work(values: &mut [f32], changes: &[Pointwise], wanted: bool) -> [f32; 3] {
        let mut totals = [0f64; 3];
        let straight = changes.iter().all(|change| matches!(change, Pointwise::Line(_) | Pointwise::Clip));
        let mut planes = [[0f32; PIECE]; 3];
        for piece in values.chunks_mut(PIECE * 3) {
            if straight {
                for change in changes {
                    change_straight(piece, *change);
                }
            } else {
                // The same channel of many pixels side by side.
                let n = piece.len() / 3;
                let [r, g, b] = planes.each_mut().map(|plane| &mut plane[..n]);
                for (i, pixel) in piece.as_chunks::<3>().0.iter().enumerate() {
                    [r[i], g[i], b[i]] = *pixel;
                }
                for change in changes {
                    change_planes([&mut *r, &mut *g, &mut *b], *change);
                }
                for (i, pixel) in piece.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    *pixel = [r[i], g[i], b[i]];
                }
            }
            if wanted {
                add_piece(&mut totals, piece);
            }
        }
        let pixels = (values.len() / 3) as f64;
        totals.map(|total| (total / pixels) as f32)
    }
}

/// Adds the values of each channel of at most [`PIECE`] pixels.
#[inline(always)]
fn add_piece(totals: &mut [f64; 3], piece: &[f32]) {
    let (blocks, rest) = piece.as_chunks::<BLOCK>();
    let mut sums = [0f32; BLOCK];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += value;
        }
    }
    for (lane, sum) in sums.iter().enumerate() {
        totals[lane % 3] += f64::from(*sum);
    }
    for (lane, value) in rest.iter().enumerate() {
        totals[lane % 3] += f64::from(*value);
    }
}

/// A change for which it does not matter how channels lie.
#[inline(always)]
fn change_straight(piece: &mut [f32], change: Pointwise) {
    let Pointwise::Line(Line { centre, factor, offset, clipped }) = change else {
        return piece.iter_mut().for_each(|value| *value = clipped_value(*value));
    };
    let centre: [f32; BLOCK] = std::array::from_fn(|lane| centre[lane % 3]);
    let offset: [f32; BLOCK] = std::array::from_fn(|lane| offset[lane % 3]);
    let of = |value: f32, lane: usize| {
        let value = (value - centre[lane]) * factor + offset[lane];
        if clipped { clipped_value(value) } else { value }
    };
    let (blocks, rest) = piece.as_chunks_mut::<BLOCK>();
    for block in blocks {
        for (lane, value) in block.iter_mut().enumerate() {
            *value = of(*value, lane);
        }
    }
    for (lane, value) in rest.iter_mut().enumerate() {
        *value = of(*value, lane);
    }
}

#[inline(always)]
fn change_planes([r, g, b]: [&mut [f32]; 3], change: Pointwise) {
    match change {
        Pointwise::Line(Line { centre, factor, offset, clipped }) => {
            for (channel, plane) in [r, g, b].into_iter().enumerate() {
                let (centre, offset) = (centre[channel], offset[channel]);
                let of = |value: f32| (value - centre) * factor + offset;
                if clipped {
                    plane.iter_mut().for_each(|value| *value = clipped_value(of(*value)));
                } else {
                    plane.iter_mut().for_each(|value| *value = of(*value));
                }
            }
        }
        Pointwise::Clip => {
            for plane in [r, g, b] {
                plane.iter_mut().for_each(|value| *value = clipped_value(*value));
            }
        }
        Pointwise::Saturation(factor) => each_of([r, g, b], |pixel| saturated(pixel, factor)),
        Pointwise::Hue(shift) => each_of([r, g, b], |pixel| rotated(pixel, shift)),
        Pointwise::FromGrey(factor) => each_of([r, g, b], |pixel| {
            let grey = grey(pixel) * (1.0 - factor);
            pixel.map(|value| clipped_value(value * factor + grey))
        }),
        Pointwise::Grey => each_of([r, g, b], |pixel| [grey(pixel); 3]),
    }
}

/// Replaces every pixel. The function is best without branches: it then works on whole vectors of pixels.
#[inline(always)]
fn each_of([r, g, b]: [&mut [f32]; 3], function: impl Fn([f32; 3]) -> [f32; 3]) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        [*r, *g, *b] = function([*r, *g, *b]);
    }
}

vectorised! {
    /// Clips to [0, 1].
    pub(crate) fn clip(values: &mut [f32]) {
        values.iter_mut().for_each(|value| *value = clipped_value(*value));
    }
}

#[inline(always)]
fn clipped_value(value: f32) -> f32 {
    smaller(larger(value, 0.0), 1.0)
}

/// torchvision's `rgb_to_grayscale`.
#[inline(always)]
pub(crate) fn grey([r, g, b]: [f32; 3]) -> f32 {
    r * 0.2989 + g * 0.587 + b * 0.114
}

/// One pixel with its saturation multiplied.
#[inline(always)]
fn saturated(pixel: [f32; 3], factor: f32) -> [f32; 3] {
    let [r, g, b] = pixel;
    let largest = larger(larger(r, g), b);
    let chroma = largest - smaller(smaller(r, g), b);
    // A pixel without colour, or all below zero, has no saturation; the kernel makes it grey.
    let coloured = chroma > 0.0 && largest > 0.0;
    let saturation = if coloured { chroma / largest } else { 0.0 };
    let wanted = smaller(larger(saturation * factor, 0.0), 1.0);
    let share = if coloured { wanted * largest / chroma } else { 0.0 };
    pixel.map(|value| largest - (largest - value) * share)
}

/// Replaces every pixel, as [`each_of`].
#[inline(always)]
pub(crate) fn each_pixel(values: &mut [f32], function: impl Fn([f32; 3]) -> [f32; 3]) {
    let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
    for block in blocks {
        // Planes of a block, so that the same channel of many pixels lies side by side.
        let [mut r, mut g, mut b] = [[0f32; BLOCK / 3]; 3];
        for (i, pixel) in block.as_chunks::<3>().0.iter().enumerate() {
            [r[i], g[i], b[i]] = *pixel;
        }
        for i in 0..BLOCK / 3 {
            [r[i], g[i], b[i]] = function([r[i], g[i], b[i]]);
        }
        for (i, pixel) in block.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [r[i], g[i], b[i]];
        }
    }
    for pixel in rest.as_chunks_mut::<3>().0 {
        *pixel = function(*pixel);
    }
}

/// The larger and the smaller of two numbers as one instruction each: `f32::max` also handles NaN, which pixels never are.
#[inline(always)]
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
#[inline(always)]
pub(crate) fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// One pixel with its hue moved by `shift` sextants, |shift| ≤ 6. Selections instead of branches, so that it vectorises.
#[inline(always)]
fn rotated([r, g, b]: [f32; 3], shift: f32) -> [f32; 3] {
    let largest = larger(larger(r, g), b);
    let smallest = smaller(smaller(r, g), b);
    let chroma = largest - smallest;
    let red = largest == r;
    let green = largest == g;
    let difference = if red {
        g - b
    } else if green {
        b - r
    } else {
        r - g
    };
    let start = if red {
        0.0
    } else if green {
        2.0
    } else {
        4.0
    };
    // A grey pixel has no hue; whatever is computed for it is multiplied by its chroma, zero.
    let h = start + difference / if chroma > 0.0 { chroma } else { 1.0 } + shift;
    // h is in [−7, 11].
    let h = h + if h < 0.0 { 6.0 } else { 0.0 };
    let h = h + if h < 0.0 { 6.0 } else { 0.0 };
    let h = h - if h >= 6.0 { 6.0 } else { 0.0 };
    let ramp = |t: f32| smallest + chroma * smaller(larger(t, 0.0), 1.0);
    [ramp((h - 3.0).abs() - 1.0), ramp(2.0 - (h - 2.0).abs()), ramp(2.0 - (h - 4.0).abs())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, floats, list, number, read};
    use crate::geometry::flip;

    /// 1e-6 absolute on values of the order of one (8 f32 steps); hue goes through values up to 12, and contrast at
    /// factor 1.7 through another summation order.
    const BOUND: f32 = 1e-6;

    #[test]
    fn colour_operations_and_the_flip_are_tensorflows() {
        let fixture = read("colour.json");
        let cases = list(&fixture["cases"]);
        assert!(cases.len() > 80);
        for case in cases {
            let name = case["image"].as_str().unwrap();
            let image = &fixture["images"][name];
            let parameter = number(&case["parameter"]) as f32;
            let mut values = floats(&image["pixels"]);
            match case["operation"].as_str().unwrap() {
                "contrast" => change(&mut values, &[Change::Contrast(parameter)]),
                "hue" => change(&mut values, &[Change::Hue(parameter)]),
                "saturation" => change(&mut values, &[Change::Saturation(parameter)]),
                "brightness" => change(&mut values, &[Change::Shift(parameter)]),
                "flip" => flip(&mut values, count(&image["width"])),
                "notebook" => {
                    let changes = [Change::Contrast(0.47), Change::Hue(-0.17), Change::Shift(0.19)];
                    change(&mut values, &changes);
                }
                other => panic!("{other}"),
            }
            if name == "large" {
                // Every seventh row was kept.
                let row = count(&image["width"]) * 3;
                values = values.chunks_exact(row).step_by(7).flatten().copied().collect();
            }
            let what = format!("{} {parameter} on {name}", case["operation"]);
            assert_close(&values, &floats(&case["result"]), BOUND, &what);
        }
    }

    #[test]
    fn a_mean_of_many_pixels_keeps_six_digits() {
        // 512 × 512 pixels with a channel mean that no f32 running sum of the whole would reach.
        let mut values: Vec<f32> = (0..512 * 512 * 3).map(|i| 0.7 + (i % 7) as f32 * 0.01).collect();
        let mut expected = [0f64; 3];
        values.iter().enumerate().for_each(|(i, &v)| expected[i % 3] += f64::from(v));
        for (ours, exact) in work(&mut values, &[], true).into_iter().zip(expected) {
            assert!((f64::from(ours) - exact / (512.0 * 512.0)).abs() < 1e-6);
        }
    }

    #[test]
    fn clipping_gives_the_unit_interval() {
        let mut values = [-0.5, 0.0, 0.3, 1.0, 7.0];
        clip(&mut values);
        assert_eq!(values, [0.0, 0.0, 0.3, 1.0, 1.0]);
    }

    #[test]
    fn changes_made_together_are_those_made_one_after_the_other_to_the_bit() {
        let kinds = [
            Change::Shift(0.21),
            Change::Contrast(1.7),
            Change::Saturation(0.6),
            Change::Hue(-0.13),
            Change::Clip,
            Change::Scale(1.3),
            Change::ScaleFromMean(0.7),
            Change::ScaleFromGrey(1.4),
            Change::Grey,
        ];
        // Less than a block, blocks and some, and several pieces and some.
        for pixels in [1, 37, PIECE, 3 * PIECE + 50] {
            let image: Vec<f32> = (0..pixels * 3).map(|i| (i * 7919 % 1013) as f32 / 900.0 - 0.05).collect();
            for number in 0..kinds.len().pow(3) {
                let [a, b, c] = [1, 9, 81].map(|place| kinds[number / place % 9]);
                let (mut together, mut one_by_one) = (image.clone(), image.clone());
                change(&mut together, &[a, b, c]);
                [a, b, c].into_iter().for_each(|one| change(&mut one_by_one, &[one]));
                let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert!(bits(&together) == bits(&one_by_one), "{a:?}, {b:?}, {c:?} on {pixels} pixels");
            }
        }
    }
}

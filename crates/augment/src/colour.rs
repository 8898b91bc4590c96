//! Colour operations with TensorFlow's definitions, on interleaved RGB f32. Functions take the drawn numbers. They are compiled for
//! every instruction set; wider vectors do not change a bit, since every value is computed by itself or in fixed lanes.

use bakeoff_data::vectorised;

/// A multiple of 3 channels and 16 lanes: blocks of this many values repeat both patterns.
const BLOCK: usize = 48;

/// Blocks summed in f32 before they go into the f64 total: long enough to be fast, short enough to stay exact to 1e-6.
const BLOCKS_PER_SUM: usize = 32;

vectorised! {
    /// Mean of each channel.
    pub(crate) fn channel_means(values: &[f32]) -> [f32; 3] {
        let mut totals = [0f64; 3];
        let (blocks, rest) = values.as_chunks::<BLOCK>();
        for group in blocks.chunks(BLOCKS_PER_SUM) {
            let mut sums = [0f32; BLOCK];
            for block in group {
                for (sum, value) in sums.iter_mut().zip(block) {
                    *sum += value;
                }
            }
            for (lane, sum) in sums.iter().enumerate() {
                totals[lane % 3] += f64::from(*sum);
            }
        }
        for (lane, value) in rest.iter().enumerate() {
            totals[lane % 3] += f64::from(*value);
        }
        let pixels = (values.len() / 3) as f64;
        totals.map(|total| (total / pixels) as f32)
    }
}

vectorised! {
    /// `(x − mean) · factor + mean` with the mean of each channel (`tf.image.adjust_contrast`).
    pub(crate) fn contrast(values: &mut [f32], factor: f32) {
        let means = channel_means(values);
        let pattern: [f32; BLOCK] = std::array::from_fn(|lane| means[lane % 3]);
        let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
        for block in blocks {
            for (value, mean) in block.iter_mut().zip(&pattern) {
                *value = (*value - mean) * factor + mean;
            }
        }
        for (value, mean) in rest.iter_mut().zip(&pattern) {
            *value = (*value - mean) * factor + mean;
        }
    }
}

vectorised! {
    /// `x + delta` (`tf.image.adjust_brightness`).
    pub(crate) fn brightness(values: &mut [f32], delta: f32) {
        values.iter_mut().for_each(|value| *value += delta);
    }
}

vectorised! {
    /// Clips to [0, 1].
    pub(crate) fn clip(values: &mut [f32]) {
        values.iter_mut().for_each(|value| *value = smaller(larger(*value, 0.0), 1.0));
    }
}

vectorised! {
    /// Hue rotated by `delta` of a full circle, in [−1, 1] (`tf.image.adjust_hue`). As TensorFlow's kernel it keeps every
    /// pixel's smallest and largest channel as they are, so values outside [0, 1] are neither clipped nor distorted.
    pub(crate) fn hue(values: &mut [f32], delta: f32) {
        let shift = delta * 6.0;
        each_pixel(values, |pixel| rotated(pixel, shift));
    }
}

vectorised! {
    /// Saturation multiplied by `factor` and clipped to [0, 1] in HSV (`tf.image.adjust_saturation`). The largest channel of
    /// every pixel stays as it is.
    pub(crate) fn saturation(values: &mut [f32], factor: f32) {
        each_pixel(values, |pixel| {
            let [r, g, b] = pixel;
            let largest = larger(larger(r, g), b);
            let chroma = largest - smaller(smaller(r, g), b);
            // A pixel without colour, or all below zero, has no saturation; the kernel makes it grey.
            let coloured = chroma > 0.0 && largest > 0.0;
            let saturation = if coloured { chroma / largest } else { 0.0 };
            let wanted = smaller(larger(saturation * factor, 0.0), 1.0);
            let share = if coloured { wanted * largest / chroma } else { 0.0 };
            pixel.map(|value| largest - (largest - value) * share)
        });
    }
}

/// Replaces every pixel. The function is best without branches: it then works on whole vectors of pixels.
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
                "contrast" => contrast(&mut values, parameter),
                "hue" => hue(&mut values, parameter),
                "saturation" => saturation(&mut values, parameter),
                "brightness" => brightness(&mut values, parameter),
                "flip" => flip(&mut values, count(&image["width"])),
                "notebook" => {
                    contrast(&mut values, 0.47);
                    hue(&mut values, -0.17);
                    brightness(&mut values, 0.19);
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
        let values: Vec<f32> = (0..512 * 512 * 3).map(|i| 0.7 + (i % 7) as f32 * 0.01).collect();
        let mut expected = [0f64; 3];
        values.iter().enumerate().for_each(|(i, &v)| expected[i % 3] += f64::from(v));
        for (ours, exact) in channel_means(&values).into_iter().zip(expected) {
            assert!((f64::from(ours) - exact / (512.0 * 512.0)).abs() < 1e-6);
        }
    }

    #[test]
    fn clipping_gives_the_unit_interval() {
        let mut values = [-0.5, 0.0, 0.3, 1.0, 7.0];
        clip(&mut values);
        assert_eq!(values, [0.0, 0.0, 0.3, 1.0, 1.0]);
    }
}

//! Fine-grained saliency (Montabone & Soto, "Human detection using a mobile platform and novel features derived from a
//! visual saliency mechanism", 2010) as OpenCV's `StaticSaliencyFineGrained` computes it: centre–surround differences of
//! grey values at six scales, taken from one integral image.

/// Half widths of the surrounds.
const NEIGHBOURHOODS: [usize; 6] = [3 * 4, 3 * 4 * 2, 3 * 4 * 2 * 2, 7 * 4, 7 * 4 * 2, 7 * 4 * 2 * 2];

/// Grey of 8-bit RGB in OpenCV's fixed point.
fn grey(image: &[f32]) -> Vec<u8> {
    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u32;
    image
        .as_chunks::<3>()
        .0
        .iter()
        .map(|&[r, g, b]| ((9798 * byte(r) + 19235 * byte(g) + 3735 * byte(b) + (1 << 14)) >> 15) as u8)
        .collect()
}

/// 3×3 binomial filter, edges mirrored without repeating the edge pixel, rounded to 8 bits.
fn blurred(grey: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mirrored = |at: usize, length: usize| {
        let before = if at == 0 { 1.min(length - 1) } else { at - 1 };
        let after = if at + 1 == length { length.saturating_sub(2) } else { at + 1 };
        [before, at, after]
    };
    let mut result = Vec::with_capacity(grey.len());
    for y in 0..height {
        let [above, here, below] = mirrored(y, height).map(|y| &grey[y * width..][..width]);
        let column = |x: usize| u32::from(above[x]) + 2 * u32::from(here[x]) + u32::from(below[x]);
        for x in 0..width {
            let [left, middle, right] = mirrored(x, width).map(column);
            result.push(((left + 2 * middle + right + 8) >> 4) as u8);
        }
    }
    result
}

/// Values scaled so that the largest is 255, as OpenCV truncates them; all zero where none is above zero.
fn scaled(sums: &[u16]) -> Vec<u8> {
    let largest = f32::from(sums.iter().copied().max().unwrap_or(0));
    sums.iter().map(|&sum| (255.0 * f64::from(f32::from(sum) / largest)) as u8).collect()
}

/// How salient each pixel of an interleaved RGB image is, 0 to 255.
pub(crate) fn saliency(image: &[f32], width: usize, height: usize) -> Vec<u8> {
    let grey = blurred(&blurred(&grey(image), width, height), width, height);
    // One row and one column of zeros in front.
    let stride = width + 1;
    let mut integral = vec![0i64; stride * (height + 1)];
    for y in 0..height {
        let mut row = 0;
        for x in 0..width {
            row += i64::from(grey[y * width + x]);
            integral[(y + 1) * stride + x + 1] = integral[y * stride + x + 1] + row;
        }
    }
    let (mut on, mut off) = (vec![0u16; grey.len()], vec![0u16; grey.len()]);
    for half in NEIGHBOURHOODS {
        for y in 0..height {
            let (y0, y1) = ((y + 1).saturating_sub(half).min(height), (y + half + 1).min(height));
            for x in 0..width {
                let (x0, x1) = ((x + 1).saturating_sub(half).min(width), (x + half + 1).min(width));
                let sum = integral[y1 * stride + x1] + integral[y0 * stride + x0]
                    - integral[y0 * stride + x1]
                    - integral[y1 * stride + x0];
                let at = y * width + x;
                let centre = f32::from(grey[at]);
                // Without the centre itself; a single pixel has no surround, and no saliency.
                let others = ((x1 - x0) * (y1 - y0)) as f32 - 1.0;
                let surround = (sum as f32 - centre) / others;
                on[at] += u16::from((centre - surround).max(0.0) as u8);
                off[at] += u16::from((surround - centre).max(0.0) as u8);
            }
        }
    }
    let (on, off) = (scaled(&on), scaled(&off));
    let largest = f32::from(on.iter().chain(&off).copied().max().unwrap_or(0));
    on.iter()
        .zip(&off)
        .map(|(&on, &off)| (255.0 * f64::from((f32::from(on) + f32::from(off)) / largest)) as u8)
        .collect()
}

/// The most salient pixel `[x, y]`: the first in reading order of several.
pub(crate) fn most_salient(image: &[f32], width: usize, height: usize) -> [usize; 2] {
    let map = saliency(image, width, height);
    let first = map.iter().enumerate().rev().max_by_key(|(_, value)| **value).map_or(0, |(at, _)| at);
    [first % width, first / width]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{count, floats, list, read};

    #[test]
    fn saliency_is_opencvs() {
        for case in list(&read("saliency.json")) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let image: Vec<f32> = floats(&case["rgb"]).iter().map(|byte| byte / 255.0).collect();
            let theirs: Vec<u8> = list(&case["saliency"]).iter().map(|v| count(v) as u8).collect();
            assert_eq!(saliency(&image, width, height), theirs, "{width} × {height}");
        }
    }

    #[test]
    fn an_even_image_is_salient_nowhere_and_its_first_pixel_stands_in() {
        assert_eq!(most_salient(&[0.3; 5 * 4 * 3], 5, 4), [0, 0]);
        assert_eq!(most_salient(&[0.3; 3], 1, 1), [0, 0]);
    }
}

//! A copy of an image, or of a part of it, at another size, to be pasted into another.

use super::blend::Patch;

/// All of the partner, shrunk.
#[derive(Debug)]
pub(super) struct Shrunk;

impl Patch for Shrunk {
    fn pixels(&self, _: &[f32], partner: &[f32], size: [usize; 2], patch: [usize; 2]) -> Vec<f32> {
        nearest(partner, size, patch)
    }
}

/// A box of the partner, resized.
#[derive(Debug)]
pub(super) struct Resized {
    pub(super) cut: [usize; 4],
}

impl Patch for Resized {
    fn pixels(&self, _: &[f32], partner: &[f32], [width, _]: [usize; 2], patch: [usize; 2]) -> Vec<f32> {
        corner_aligned(partner, width, self.cut, patch)
    }
}

use super::boxes::area;

/// All of an interleaved RGB image at another size, each pixel the nearest one by PyTorch's `interpolate(mode =
/// "nearest")`, which ResizeMix and Cut-Thumbnail were published with: floor(target · from / to), in f32.
fn nearest(image: &[f32], [width, height]: [usize; 2], [to_width, to_height]: [usize; 2]) -> Vec<f32> {
    let source = |target: usize, from: usize, to: usize| {
        let scale = from as f32 / to as f32;
        ((target as f32 * scale) as usize).min(from - 1)
    };
    let mut values = Vec::with_capacity(to_width * to_height * 3);
    for y in 0..to_height {
        let row = &image[source(y, height, to_height) * width * 3..][..width * 3];
        for x in 0..to_width {
            values.extend_from_slice(&row[source(x, width, to_width) * 3..][..3]);
        }
    }
    values
}

/// A part of an interleaved RGB image of `width` columns at another size, by PyTorch's `interpolate(mode = "bilinear",
/// align_corners = True)`, which SnapMix was published with: corners fall on corners.
fn corner_aligned(
    image: &[f32],
    width: usize,
    part @ [x0, y0, x1, y1]: [usize; 4],
    [to_width, to_height]: [usize; 2],
) -> Vec<f32> {
    if area(part) == 0 {
        return Vec::new();
    }
    // The two pixels each one lies between, and the second one's share.
    let between = |target: usize, from: usize, to: usize| {
        let scale = if to > 1 { (from - 1) as f32 / (to - 1) as f32 } else { 0.0 };
        let at = target as f32 * scale;
        let first = (at as usize).min(from - 1);
        (first, (first + 1).min(from - 1), at - first as f32)
    };
    let mut values = Vec::with_capacity(to_width * to_height * 3);
    for y in 0..to_height {
        let (above, below, down) = between(y, y1 - y0, to_height);
        let [above, below] =
            [above, below].map(|row| &image[((y0 + row) * width + x0) * 3..][..(x1 - x0) * 3]);
        for x in 0..to_width {
            let (left, right, along) = between(x, x1 - x0, to_width);
            values.extend((0..3).map(|c| {
                let across = |row: &[f32]| (1.0 - along) * row[left * 3 + c] + along * row[right * 3 + c];
                (1.0 - down) * across(above) + down * across(below)
            }));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, counts, floats, list, read};

    #[test]
    fn an_image_is_shrunk_as_pytorchs_nearest_shrinks_it() {
        let fixture = read("shrunk.json");
        let from = [count(&fixture["width"]), count(&fixture["height"])];
        let image = floats(&fixture["image"]);
        for case in list(&fixture["sizes"]) {
            assert_eq!(
                nearest(&image, from, counts(&case["size"])),
                floats(&case["result"]),
                "{}",
                case["size"]
            );
        }
    }

    #[test]
    fn a_part_is_resized_as_pytorch_does_with_corners_aligned() {
        let fixture = &read("snapmix.json")["parts"];
        let image = floats(&fixture["image"]);
        for case in list(&fixture["cases"]) {
            let part =
                corner_aligned(&image, count(&fixture["width"]), counts(&case["cut"]), counts(&case["size"]));
            // A few roundings of values below one, and of positions below ten.
            assert_close(&part, &floats(&case["result"]), 2e-6, &case["cut"].to_string());
        }
        assert!(corner_aligned(&image, count(&fixture["width"]), [2, 1, 2, 4], [3, 3]).is_empty());
    }
}

//! A shrunken copy of an image, to be pasted into another.

/// All of an interleaved RGB image at another size, each pixel the nearest one by PyTorch's `interpolate(mode =
/// "nearest")`, which ResizeMix and Cut-Thumbnail were published with: floor(target · from / to), in f32.
pub(crate) fn nearest(
    image: &[f32],
    [width, height]: [usize; 2],
    [to_width, to_height]: [usize; 2],
) -> Vec<f32> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{count, counts, floats, list, read};

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
}

//! Boxes `[x0, y0, x1, y1)` in pixels, from given numbers.

/// The numbers one box is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BoxDraw {
    /// Side lengths of the box before rounding and clipping, as shares of width and height, in [0, 1].
    pub(crate) sides: [f64; 2],
    /// Centre, in 0..width and 0..height.
    pub(crate) centre: [usize; 2],
}

/// From `low` up to `high`, clipped at 0 and `length`.
fn clipped(centre: usize, before: usize, after: usize, length: usize) -> (usize, usize) {
    (centre.saturating_sub(before), (centre + after).min(length))
}

/// Sides rounded down, halves by integer division, clipped at the image's edge, as in the CutMix authors' `rand_bbox`.
pub(crate) fn around(width: usize, height: usize, draw: BoxDraw) -> [usize; 4] {
    let span = |length: usize, side: f64, centre: usize| {
        let half = (length as f64 * side) as usize / 2;
        clipped(centre, half, half, length)
    };
    let (x0, x1) = span(width, draw.sides[0], draw.centre[0]);
    let (y0, y1) = span(height, draw.sides[1], draw.centre[1]);
    [x0, y0, x1, y1]
}

/// As [`around`], but an odd side keeps its last pixel: timm's `rand_bbox`.
pub(crate) fn around_with_odd_sides(width: usize, height: usize, draw: BoxDraw) -> [usize; 4] {
    let span = |length: usize, side: f64, centre: usize| {
        let side = (length as f64 * side) as usize;
        clipped(centre, side / 2, side.div_ceil(2), length)
    };
    let (x0, x1) = span(width, draw.sides[0], draw.centre[0]);
    let (y0, y1) = span(height, draw.sides[1], draw.centre[1]);
    [x0, y0, x1, y1]
}

/// Sides between shares of the image's, whole inside it: timm's `rand_bbox_minmax`. `below(n)` gives a number in 0..n.
pub(crate) fn between(
    width: usize,
    height: usize,
    [low, high]: [f64; 2],
    mut below: impl FnMut(usize) -> usize,
) -> [usize; 4] {
    let mut side = |length: usize| {
        let (low, high) = ((length as f64 * low) as usize, (length as f64 * high) as usize);
        (low + below(high.saturating_sub(low))).min(length)
    };
    // timm draws the height first.
    let (h, w) = { (side(height), side(width)) };
    let y = below(height - h + 1);
    let x = below(width - w + 1);
    [x, y, x + w, y + h]
}

/// Pixels in a box.
pub(crate) fn area([x0, y0, x1, y1]: [usize; 4]) -> usize {
    (x1 - x0) * (y1 - y0)
}

/// Share of the image outside the box.
pub(crate) fn share_outside(pasted: [usize; 4], width: usize, height: usize) -> f64 {
    1.0 - area(pasted) as f64 / (width * height) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{count, counts, list, number, read};

    #[test]
    fn boxes_are_timms_for_the_same_draws() {
        let fixture = read("timm-mixers.json");
        for case in list(&fixture["boxes"]) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let side = (1.0 - number(&case["lambda"])).sqrt();
            let draw = BoxDraw { sides: [side, side], centre: counts(&case["centre"]) };
            assert_eq!(around_with_odd_sides(width, height, draw), counts(&case["box"]), "{case}");
        }
        for case in list(&fixture["minmax_boxes"]) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let minmax = [number(&case["minmax"][0]), number(&case["minmax"][1])];
            let mut drawn = list(&case["drawn"]).iter().map(count);
            let pasted = between(width, height, minmax, |_| drawn.next().unwrap());
            assert_eq!(pasted, counts(&case["box"]), "{case}");
        }
    }

    #[test]
    fn boxes_between_sides_lie_inside_the_smallest_images_too() {
        for (width, height) in [(1, 1), (1, 7), (3, 2)] {
            for minmax in [[0.0, 0.0], [0.2, 0.8], [1.0, 1.0]] {
                let [x0, y0, x1, y1] = between(width, height, minmax, |n| n.saturating_sub(1));
                assert!(x0 <= x1 && x1 <= width && y0 <= y1 && y1 <= height);
            }
        }
    }
}

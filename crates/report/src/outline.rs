//! Where a mask changes sides: what a sheet draws over a picture that was mixed by a mask.

use image::GrayImage;

/// Lines [x0, y0, x1, y1] between pixels that are mostly the partner's (128 and above) and pixels that are mostly the
/// image's own, in fractions of the picture's sides. Neighbouring edges on one line are joined.
pub(crate) fn outline(mask: &GrayImage) -> Vec<[f64; 4]> {
    let (width, height) = mask.dimensions();
    let partner = |x: u32, y: u32| mask.get_pixel(x, y).0[0] >= 128;
    let mut lines = Vec::new();
    // The runs along one line on which `edge` holds.
    let mut runs = |length: u32, edge: &dyn Fn(u32) -> bool, line: &dyn Fn(f64, f64) -> [f64; 4]| {
        let mut start = None;
        for at in 0..=length {
            let here = at < length && edge(at);
            match (start, here) {
                (None, true) => start = Some(at),
                (Some(from), false) => {
                    lines.push(line(f64::from(from) / f64::from(length), f64::from(at) / f64::from(length)));
                    start = None;
                }
                _ => {}
            }
        }
    };
    for y in 1..height {
        let at = f64::from(y) / f64::from(height);
        runs(width, &|x| partner(x, y) != partner(x, y - 1), &|from, to| [from, at, to, at]);
    }
    for x in 1..width {
        let at = f64::from(x) / f64::from(width);
        runs(height, &|y| partner(x, y) != partner(x - 1, y), &|from, to| [at, from, at, to]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_four_lines_and_an_even_mask_none() {
        let square = GrayImage::from_fn(8, 4, |x, y| {
            image::Luma([if x < 4 && (1..3).contains(&y) { 200 } else { 90 }])
        });
        assert_eq!(
            outline(&square),
            [[0.0, 0.25, 0.5, 0.25], [0.0, 0.75, 0.5, 0.75], [0.5, 0.25, 0.5, 0.75]],
            "the picture's own edge is no line"
        );
        assert_eq!(outline(&GrayImage::new(5, 5)), [[0.0; 4]; 0]);
        assert_eq!(outline(&GrayImage::new(1, 1)), [[0.0; 4]; 0]);
    }
}

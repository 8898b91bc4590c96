//! Fog: a height map by the diamond–square algorithm, added to the image.

use crate::Pixels;

/// The published weight and decay; `uniform` gives numbers in [0, 1).
pub(super) fn fogged(
    image: &Pixels,
    (weight, decay): (f64, f64),
    uniform: &mut dyn FnMut() -> f64,
) -> Pixels {
    let (width, height) = (image.width(), image.height());
    let side = width.max(height).next_power_of_two();
    let heights = plasma(side, decay, uniform);
    let brightest = image.values().iter().copied().fold(0.0, f32::max);
    let factor = f64::from(brightest) / (f64::from(brightest) + weight);
    image.clone().changed(|values| {
        for (y, row) in values.chunks_exact_mut(width * 3).enumerate() {
            for (pixel, height) in row.as_chunks_mut::<3>().0.iter_mut().zip(&heights[y * side..]) {
                *pixel = pixel.map(|value| ((f64::from(value) + weight * height) * factor) as f32);
            }
        }
    })
}

/// Heights from 0 to 1 on a square whose opposite edges meet; `side` is a power of two. Draws in the order of the published code:
/// of every step the centres of squares, then the middles of their upper edges, then those of their left edges, each row by row.
fn plasma(side: usize, decay: f64, uniform: &mut dyn FnMut() -> f64) -> Vec<f64> {
    let mut map = vec![0.0; side * side];
    let mut wibble = 100.0;
    let mut step = side;
    while step >= 2 {
        let half = step / 2;
        // Where the new points of a kind stand, and the four around each: two sums of two.
        type Around = [[(usize, usize); 2]; 2];
        let back = side - half;
        let kinds: [((usize, usize), Around); 3] = [
            ((half, half), [[(back, back), (half, back)], [(back, half), (half, half)]]),
            ((0, half), [[(half, 0), (back, 0)], [(0, back), (0, half)]]),
            ((half, 0), [[(0, half), (0, back)], [(back, 0), (half, 0)]]),
        ];
        for ((top, left), around) in kinds {
            for y in (top..side).step_by(step) {
                for x in (left..side).step_by(step) {
                    let at =
                        |(down, right): (usize, usize)| map[(y + down) % side * side + (x + right) % side];
                    let [first, second] = around.map(|[a, b]| at(a) + at(b));
                    let drawn = -wibble + 2.0 * wibble * uniform();
                    map[y * side + x] = (first + second) / 4.0 + wibble * drawn;
                }
            }
        }
        step = half;
        wibble /= decay;
    }
    let least = map.iter().copied().fold(f64::INFINITY, f64::min);
    let range = map.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least;
    if range > 0.0 {
        map.iter_mut().for_each(|height| *height = (*height - least) / range);
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_reach_from_zero_to_one_and_neighbours_are_alike() {
        let mut stream = bakeoff_random::Stream::new(1, "fog", 0, 0);
        let map = plasma(64, 2.0, &mut || stream.uniform());
        let ends = map.iter().copied().fold([1.0, 0.0], |[low, high]: [f64; 2], v| [low.min(v), high.max(v)]);
        assert_eq!(ends, [0.0, 1.0]);
        let step = map.windows(2).map(|pair| (pair[0] - pair[1]).abs()).sum::<f64>() / map.len() as f64;
        assert!(step < 0.1, "{step}");
        assert_eq!(plasma(1, 2.0, &mut || 0.5), [0.0]);
    }
}

//! SnapMix' semantic shares (Huang et al. 2021): how much of what the network sees of a class lies inside a box.

use super::boxes::share_outside;
use super::questions::ActivationMaps;

/// A class activation map at the image's size, not negative, with its sum.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Evidence {
    width: usize,
    height: usize,
    values: Vec<f64>,
    total: f64,
}

/// For every pixel the two map cells it lies between and the second one's share: PyTorch's `interpolate(mode = "bilinear",
/// align_corners = False)`.
fn between(cells: usize, pixels: usize) -> Vec<(usize, usize, f64)> {
    let place = |pixel: usize| {
        let at = ((pixel as f64 + 0.5) * cells as f64 / pixels as f64 - 0.5).max(0.0);
        let first = (at as usize).min(cells - 1);
        (first, (first + 1).min(cells - 1), at - first as f64)
    };
    (0..pixels).map(place).collect()
}

impl Evidence {
    /// Of image `index`: enlarged bilinearly, its smallest value subtracted. `None` where the map is the same everywhere, or
    /// not a number: it says nothing then.
    pub(crate) fn of(maps: &ActivationMaps, index: usize, width: usize, height: usize) -> Option<Self> {
        let of_map = maps.rows * maps.columns;
        let map = maps.values.get(index * of_map..(index + 1) * of_map).filter(|map| !map.is_empty())?;
        let along = between(maps.columns, width);
        let mut values = Vec::with_capacity(width * height);
        for (above, below, share) in between(maps.rows, height) {
            // From the one towards the other, so that between equal ones there is no other value.
            let row = |row: usize| {
                let row = &map[row * maps.columns..][..maps.columns];
                along.iter().map(move |&(left, right, share)| {
                    let [left, right] = [row[left], row[right]].map(f64::from);
                    left + (right - left) * share
                })
            };
            values.extend(row(above).zip(row(below)).map(|(a, b)| a + (b - a) * share));
        }
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        values.iter_mut().for_each(|value| *value -= least);
        let total: f64 = values.iter().sum();
        (total > 0.0 && total.is_finite()).then_some(Self { width, height, values, total })
    }

    /// Its share inside a box, in [0, 1].
    pub(crate) fn inside(&self, [x0, y0, x1, y1]: [usize; 4]) -> f64 {
        let rows = self.values.chunks_exact(self.width).take(y1.min(self.height)).skip(y0);
        let sum: f64 = rows.flat_map(|row| &row[x0..x1]).sum();
        (sum / self.total).clamp(0.0, 1.0)
    }
}

/// What is left of the image's own evidence outside `pasted`, and what comes of the partner's from `cut`. Where an image has no
/// evidence, the area of `pasted` stands in, as in the published code.
pub(crate) fn shares(
    own: Option<&Evidence>,
    partner: Option<&Evidence>,
    pasted: [usize; 4],
    cut: [usize; 4],
    [width, height]: [usize; 2],
) -> [f64; 2] {
    let outside = share_outside(pasted, width, height);
    [
        own.map_or(outside, |own| 1.0 - own.inside(pasted)),
        partner.map_or(1.0 - outside, |partner| partner.inside(cut)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{count, counts, floats, list, number, read};

    #[test]
    fn shares_are_those_of_the_published_code() {
        for case in list(&read("snapmix.json")["shares"]) {
            let size @ [width, height] = [count(&case["width"]), count(&case["height"])];
            let maps = ActivationMaps {
                rows: count(&case["rows"]),
                columns: count(&case["columns"]),
                values: floats(&case["maps"]),
            };
            let evidence: Vec<Option<Evidence>> =
                (0..2).map(|image| Evidence::of(&maps, image, width, height)).collect();
            let (pasted, cut) = (counts(&case["pasted"]), counts(&case["cut"]));
            let shares = shares(evidence[0].as_ref(), evidence[1].as_ref(), pasted, cut, size);
            for (ours, theirs) in shares.iter().zip(list(&case["shares"]).iter().map(number)) {
                // Theirs are sums of thousands of f32.
                assert!((ours - theirs).abs() < 2e-5, "{case}: {ours}");
            }
        }
    }

    #[test]
    fn a_map_that_is_even_or_no_number_says_nothing() {
        let of = |values: Vec<f32>| Evidence::of(&ActivationMaps { rows: 1, columns: 2, values }, 0, 4, 3);
        assert_eq!(of(vec![0.7, 0.7]), None);
        assert_eq!(of(vec![f32::NAN, 1.0]), None);
        assert_eq!(of(vec![f32::INFINITY, 1.0]), None);
        assert!(of(vec![-2.0, -1.0]).is_some());
        assert_eq!(of(Vec::new()), None, "fewer maps than images");
        // By area then.
        assert_eq!(shares(None, None, [0, 0, 2, 3], [1, 0, 2, 1], [4, 3]), [0.5, 0.5]);
    }
}

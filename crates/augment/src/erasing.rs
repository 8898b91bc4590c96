//! Operations that take parts of an image away: Random Erasing (timm's), Cutout and GridMask. Their references work after
//! normalisation and write zeros there; the same is done here in pixel values, with the study's own mean.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;
use crate::geometry::ATTEMPTS;
use crate::keys::Keys;
use crate::levels::{Interpolation, Levels};
use crate::noise::two_normals;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

/// What an erased box shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Erased {
    /// The mean of the study's normalisation.
    #[default]
    Const,
    /// One normal colour a box, in units of the normalisation.
    Rand,
    /// Normal noise, likewise.
    Pixel,
}

/// Boxes of random area and shape erased: Zhong et al. 2020, as timm's `RandomErasing`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct RandomErasing {
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Area of all boxes together as a fraction of the image, uniform between low and high, each 0 to 1.
    pub area: [f64; 2],
    /// Height / width, log-uniform between low and high, each 0.01 to 100.
    pub aspect: [f64; 2],
    /// What the boxes show.
    pub mode: Erased,
    /// Number of boxes, uniform from low to high, each 1 to 64.
    pub count: [u32; 2],
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self {
            probability: 0.5,
            area: [0.02, 1.0 / 3.0],
            aspect: [0.3, 1.0 / 0.3],
            mode: Erased::Const,
            count: [1, 1],
        }
    }
}

/// Width and height of a box, rounded halves to even; `None` unless it is smaller than the image on both sides.
fn box_of(width: usize, height: usize, area: f64, aspect: f64) -> Option<(usize, usize)> {
    let h = (area * aspect).sqrt().round_ties_even();
    let w = (area / aspect).sqrt().round_ties_even();
    (w < width as f64 && h < height as f64).then_some((w as usize, h as usize))
}

impl Operation for RandomErasing {
    fn kind(&self) -> &'static str {
        "random-erasing"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
        keys.span("area", self.area, 0.0..=1.0, "a fraction of the image between 0 and 1");
        keys.span("aspect", self.aspect, 0.01..=100.0, "height / width, between 0.01 and 100");
        keys.span("count", self.count.map(f64::from), 1.0..=64.0, "a number of boxes between 1 and 64");
    }

    fn describe(&self) -> String {
        let ([least, most], [low, high], [flat, tall]) = (self.count, self.area, self.aspect);
        let what = match self.mode {
            Erased::Const => "the mean of the normalisation",
            Erased::Rand => "a normal colour each",
            Erased::Pixel => "normal noise, not clipped",
        };
        let boxes = match (least, most) {
            (1, 1) => "a box of".to_owned(),
            _ if least == most => format!("{least} boxes of together"),
            _ => format!("{least} to {most} boxes of together"),
        };
        format!(
            "random erasing: {boxes} [{low:.4}, {high:.4}) of the area, height / width log-uniform in \
             [{flat:.4}, {tall:.4}), filled with {what}{}",
            with_probability(self.probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, centre: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let (width, height) = (pixels.width(), pixels.height());
        let count = self.count[0] + stream.below((self.count[1] - self.count[0]) as usize + 1) as u32;
        pixels.changed(|values| {
            let image = values.as_chunks_mut::<3>().0;
            for _ in 0..count {
                let found = (0..ATTEMPTS).find_map(|_| {
                    let share = stream.range(self.area[0], self.area[1]);
                    let aspect = stream.range(self.aspect[0].ln(), self.aspect[1].ln()).exp();
                    let area = share * (width * height) as f64 / f64::from(count);
                    box_of(width, height, area, aspect)
                });
                let Some((w, h)) = found else { continue };
                let y = stream.below(height - h + 1);
                let x = stream.below(width - w + 1);
                let colour = self.mode.colour(centre, stream);
                for row in image.chunks_exact_mut(width).skip(y).take(h) {
                    for pixel in &mut row[x..x + w] {
                        *pixel = if self.mode == Erased::Pixel {
                            self.mode.colour(centre, stream)
                        } else {
                            colour
                        };
                    }
                }
            }
        })
    }
}

impl Erased {
    fn colour(self, Centre { mean, sd }: &Centre, stream: &mut Stream) -> [f32; 3] {
        if self == Self::Const {
            return *mean;
        }
        let ([a, b], [c, _]) = (two_normals(stream), two_normals(stream));
        let normals = [a, b, c];
        std::array::from_fn(|i| mean[i] + sd[i] * normals[i])
    }
}

/// Squares erased around uniform centres, cut at the image's edge: DeVries & Taylor 2017.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Cutout {
    /// Number of squares, 1 to 64.
    #[schemars(range(min = 1, max = 64))]
    pub holes: u32,
    /// Side of a square, 1 to 8192 pixels; an odd one is as good as the even one below it.
    #[schemars(range(min = 1, max = 8192))]
    pub length: usize,
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Cutout {
    fn default() -> Self {
        Self { holes: 1, length: 16, probability: 1.0 }
    }
}

impl Operation for Cutout {
    fn kind(&self) -> &'static str {
        "cutout"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("holes", f64::from(self.holes), 1.0..=64.0, "between 1 and 64");
        keys.within("length", self.length as f64, 1.0..=8192.0, "between 1 and 8192 pixels");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let (holes, length, share) = (self.holes, self.length, with_probability(self.probability));
        format!(
            "cutout: {holes} × {length}×{length} px around uniform centres, filled with the mean of the normalisation{share}"
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, centre: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let (width, height, half) = (pixels.width(), pixels.height(), self.length / 2);
        pixels.changed(|values| {
            for _ in 0..self.holes {
                let y = stream.below(height);
                let x = stream.below(width);
                let columns = x.saturating_sub(half)..(x + half).min(width);
                let rows = y.saturating_sub(half)..(y + half).min(height);
                for row in
                    values.as_chunks_mut::<3>().0.chunks_exact_mut(width).skip(rows.start).take(rows.len())
                {
                    row[columns.clone()].fill(centre.mean);
                }
            }
        })
    }
}

/// A turned grid of squares erased: Chen et al. 2020, with the authors' code and its defaults for ImageNet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Gridmask {
    /// Length of a unit of the grid, whole pixels uniform from low to below high, each 2 to 8192.
    pub unit: [u32; 2],
    /// Share of a unit's side that is kept, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub ratio: f64,
    /// The grid is turned by whole degrees uniform below this, 1 to 360; 1 does not turn it.
    #[schemars(range(min = 1, max = 360))]
    pub rotate: u32,
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Gridmask {
    fn default() -> Self {
        Self { unit: [96, 224], ratio: 0.6, rotate: 360, probability: 0.8 }
    }
}

/// One grid with its drawn numbers.
struct Grid {
    unit: usize,
    ratio: f64,
    /// First stripes begin here, down and across, below `unit`.
    offset: [usize; 2],
    degrees: u32,
}

impl Grid {
    /// Whether a pixel is kept, row by row: stripes along both axes are, what lies between them is not.
    fn kept(&self, width: usize, height: usize) -> Vec<bool> {
        // Half as large again, so that most corners are covered when it is turned.
        let (wide, high) = (width * 3 / 2, height * 3 / 2);
        let stripe = (self.unit as f64 * self.ratio + 0.5) as usize;
        let in_stripe = |at: usize, offset: usize| (at + self.unit - offset) % self.unit < stripe;
        let columns: Vec<bool> = (0..wide).map(|x| in_stripe(x, self.offset[1])).collect();
        let mut values = Vec::with_capacity(wide * high * 3);
        for y in 0..high {
            let row = in_stripe(y, self.offset[0]);
            values.extend(columns.iter().flat_map(|&column| [u8::from(!(row || column)); 3]));
        }
        let mask = Levels { width: wide, height: high, values };
        let mask = mask.rotate(f64::from(self.degrees), Interpolation::Nearest, [0; 3]);
        let (left, top) = ((wide - width) / 2, (high - height) / 2);
        let rows = mask.values.as_chunks::<3>().0.chunks_exact(wide.max(1)).skip(top).take(height);
        rows.flat_map(|row| row[left..left + width].iter().map(|pixel| pixel[0] == 0)).collect()
    }
}

impl Operation for Gridmask {
    fn kind(&self) -> &'static str {
        "gridmask"
    }

    fn check(&self, keys: &mut Keys) {
        keys.span("unit", self.unit.map(f64::from), 2.0..=8192.0, "between 2 and 8192 pixels");
        keys.unit("ratio", self.ratio);
        keys.within("rotate", f64::from(self.rotate), 1.0..=360.0, "between 1 and 360 degrees");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let ([low, high], kept) = (self.unit, self.ratio);
        format!(
            "gridmask: squares filled with the mean of the normalisation, unit uniform in [{low}, {high}) px of which \
             {kept} is kept, turned by up to {} degrees{}",
            self.rotate - 1,
            with_probability(self.probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, centre: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let [low, high] = self.unit.map(|unit| unit as usize);
        let unit = low + stream.below(high - low);
        let offset = [stream.below(unit), stream.below(unit)];
        let grid =
            Grid { unit, ratio: self.ratio, offset, degrees: stream.below(self.rotate as usize) as u32 };
        let kept = grid.kept(pixels.width(), pixels.height());
        pixels.changed(|values| {
            for (pixel, kept) in values.as_chunks_mut::<3>().0.iter_mut().zip(kept) {
                if !kept {
                    *pixel = centre.mean;
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{count, list, number, read};

    const CENTRE: Centre = Centre { mean: [0.1, 0.2, 0.3], sd: [0.5, 0.25, 0.125] };

    #[test]
    fn boxes_have_timms_size() {
        for case in list(&read("erasing.json")["boxes"]) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let area = number(&case["share"]) * (width * height) as f64;
            let (w, h) = box_of(width, height, area, number(&case["aspect"])).unwrap_or((0, 0));
            // A box without width erases nothing, whatever its height.
            let ours = if w * h == 0 { [0, 0] } else { [w, h] };
            assert_eq!(ours.map(|n| n as u64), [0, 1].map(|i| case["size"][i].as_u64().unwrap()), "{case}");
        }
    }

    #[test]
    fn grids_are_the_authors() {
        for case in list(&read("erasing.json")["grids"]) {
            let offset = [0, 1].map(|i| count(&case["offset"][i]));
            let (unit, degrees) = (count(&case["unit"]), count(&case["degrees"]) as u32);
            let grid = Grid { unit, ratio: number(&case["ratio"]), offset, degrees };
            let kept = grid.kept(count(&case["width"]), count(&case["height"]));
            let theirs: Vec<bool> = list(&case["kept"]).iter().map(|v| count(v) == 1).collect();
            assert_eq!(kept, theirs, "unit {unit}, {degrees} degrees");
        }
    }

    fn erased(operation: &dyn Operation, sample: u64, (width, height): (usize, usize)) -> Vec<[f32; 3]> {
        let image = Pixels::from_parts(width, height, vec![0.9; width * height * 3]);
        let out = operation.apply(image, &mut Stream::new(7, operation.kind(), 0, sample), &CENTRE);
        out.values().as_chunks::<3>().0.iter().filter(|pixel| **pixel != [0.9; 3]).copied().collect()
    }

    #[test]
    fn erased_areas_have_their_range_and_share() {
        let erasing = RandomErasing { area: [0.1, 0.3], ..RandomErasing::default() };
        let areas: Vec<f64> = (0..2000)
            .map(|sample| erased(&erasing, sample, (64, 48)))
            .filter(|pixels| !pixels.is_empty())
            .map(|pixels| pixels.len() as f64 / (64.0 * 48.0))
            .collect();
        // Binomial(2000, 1/2): standard deviation 22.
        assert!(areas.len().abs_diff(1000) < 115, "{}", areas.len());
        assert!(areas.iter().all(|area| (0.09..0.31).contains(area)));
        // Uniform, but for the few flat boxes that do not fit.
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        assert!((mean - 0.2).abs() < 0.012, "{mean}");
    }

    #[test]
    fn modes_fill_with_the_mean_a_colour_or_noise_in_units_of_the_normalisation() {
        let of = |mode| RandomErasing { probability: 1.0, mode, ..RandomErasing::default() };
        assert!(erased(&of(Erased::Const), 1, (40, 40)).iter().all(|pixel| *pixel == CENTRE.mean));
        let colour = erased(&of(Erased::Rand), 1, (40, 40));
        assert!(colour.len() > 20 && colour.iter().all(|pixel| *pixel == colour[0]));
        let noise: Vec<[f32; 3]> = (0..60).flat_map(|i| erased(&of(Erased::Pixel), i, (40, 40))).collect();
        for c in 0..3 {
            let z = noise.iter().map(|pixel| f64::from((pixel[c] - CENTRE.mean[c]) / CENTRE.sd[c]));
            let (n, mean) = (noise.len() as f64, z.clone().sum::<f64>() / noise.len() as f64);
            let variance = z.map(|z| (z - mean).powi(2)).sum::<f64>() / n;
            assert!(
                mean.abs() < 5.0 / n.sqrt() && (variance - 1.0).abs() < 8.0 / n.sqrt(),
                "{mean}, {variance}"
            );
        }
    }

    #[test]
    fn several_boxes_share_the_area() {
        let many =
            RandomErasing { probability: 1.0, count: [4, 4], area: [0.2, 0.2], ..RandomErasing::default() };
        let mean = (0..300).map(|sample| erased(&many, sample, (64, 64)).len()).sum::<usize>() as f64
            / (300.0 * 4096.0);
        // Overlaps cost a little.
        assert!((0.17..0.2).contains(&mean), "{mean}");
    }

    #[test]
    fn cutout_squares_have_their_side_and_are_cut_at_the_edge() {
        let cutout = Cutout { length: 9, ..Cutout::default() };
        let areas: Vec<usize> = (0..2000).map(|sample| erased(&cutout, sample, (24, 20)).len()).collect();
        assert_eq!(areas.iter().max(), Some(&64));
        assert_eq!(areas.iter().min(), Some(&16));
        // Sides are independent; each is the mean over its centres.
        let side =
            |n: f64| ((0..n as i64).map(|c| (c + 4).min(n as i64) - (c - 4).max(0)).sum::<i64>()) as f64 / n;
        let mean = areas.iter().sum::<usize>() as f64 / 2000.0;
        assert!((mean - side(24.0) * side(20.0)).abs() < 1.5, "{mean}");
    }

    #[test]
    fn gridmask_keeps_what_its_ratio_says() {
        let grid = Gridmask { unit: [8, 16], ratio: 0.5, rotate: 1, probability: 1.0 };
        let mean = (0..300).map(|sample| erased(&grid, sample, (64, 64)).len()).sum::<usize>() as f64
            / (300.0 * 4096.0);
        // A quarter is neither in a row's nor in a column's stripe; odd units round half of them up.
        assert!((0.2..0.26).contains(&mean), "{mean}");
    }
}

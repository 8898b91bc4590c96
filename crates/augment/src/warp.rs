//! Rotation, affine and perspective maps of float images with torchvision's definitions, as `grid_sample` samples them.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;
use crate::{Pixels, Spread};

/// Serde's default of a share of images: all.
fn one() -> f64 {
    1.0
}

/// How a warped float image is sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Sampling {
    /// The pixel nearest to the point.
    #[default]
    Nearest,
    /// Two by two pixels.
    Bilinear,
}

impl Sampling {
    fn word(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
        }
    }
}

/// `[a, b, c, d, e, f]`: output (x, y) shows source (a·x + b·y + c, d·x + e·y + f), both measured from the image's centre.
type Matrix = [f64; 6];

/// torchvision's `_get_inverse_affine_matrix`: turned clockwise by `angle`, sheared (degrees), scaled, then moved (pixels),
/// about `centre`.
pub(crate) fn inverse_affine(
    centre: [f64; 2],
    angle: f64,
    translate: [f64; 2],
    scale: f64,
    shear: [f64; 2],
) -> Matrix {
    let (turn, [shear_x, shear_y]) = (angle.to_radians(), shear.map(f64::to_radians));
    let a = (turn - shear_y).cos() / shear_y.cos();
    let b = -(turn - shear_y).cos() * shear_x.tan() / shear_y.cos() - turn.sin();
    let c = (turn - shear_y).sin() / shear_y.cos();
    let d = -(turn - shear_y).sin() * shear_x.tan() / shear_y.cos() + turn.cos();
    let [a, b, c, d] = [d / scale, -b / scale, -c / scale, a / scale];
    let (x, y) = (-centre[0] - translate[0], -centre[1] - translate[1]);
    [a, b, a * x + b * y + centre[0], c, d, c * x + d * y + centre[1]]
}

/// Samples `pixels` at `source(x, y)`, which gives positions in pixels whose centres lie at whole numbers.
fn resampled(pixels: &Pixels, sampling: Sampling, fill: f32, row: impl Fn(usize) -> [f64; 6]) -> Pixels {
    let (width, height) = (pixels.width(), pixels.height());
    let source = pixels.values().as_chunks::<3>().0;
    let mut out = vec![[fill; 3]; width * height];
    for (y, line) in out.chunks_exact_mut(width).enumerate() {
        // Numerators and denominator are linear along a row.
        let [x0, x_step, y0, y_step, z0, z_step] = row(y);
        for (x, pixel) in line.iter_mut().enumerate() {
            let x = x as f64;
            let z = z0 + z_step * x;
            let (from_x, from_y) = ((x0 + x_step * x) / z - 0.5, (y0 + y_step * x) / z - 0.5);
            match sampling {
                Sampling::Nearest => {
                    let (column, line) = (from_x.round_ties_even(), from_y.round_ties_even());
                    if column >= 0.0 && column < width as f64 && line >= 0.0 && line < height as f64 {
                        *pixel = source[line as usize * width + column as usize];
                    }
                }
                Sampling::Bilinear => {
                    if from_x > -1.0 && from_x < width as f64 && from_y > -1.0 && from_y < height as f64 {
                        *pixel = bilinear(source, width, height, from_x, from_y, fill);
                    }
                }
            }
        }
    }
    Pixels::from_parts(width, height, out.into_flattened())
}

/// `grid_sample` with zeros outside, then torchvision's fill: (sum − fill) · mask + fill, where the mask is the weight of the
/// pixels inside. At a border the image is so weighted twice, as torchvision has it.
#[inline(always)]
fn bilinear(source: &[[f32; 3]], width: usize, height: usize, x: f64, y: f64, fill: f32) -> [f32; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (dx, dy) = ((x - left) as f32, (y - top) as f32);
    let (left, top) = (left as isize, top as isize);
    let corners = [
        (left, top, (1.0 - dx) * (1.0 - dy)),
        (left + 1, top, dx * (1.0 - dy)),
        (left, top + 1, (1.0 - dx) * dy),
        (left + 1, top + 1, dx * dy),
    ];
    let (mut sum, mut mask) = ([0f32; 3], 0f32);
    for (column, row, weight) in corners {
        if (0..width as isize).contains(&column) && (0..height as isize).contains(&row) {
            let pixel = source[row as usize * width + column as usize];
            (0..3).for_each(|c| sum[c] += pixel[c] * weight);
            mask += weight;
        }
    }
    sum.map(|value| (value - fill) * mask + fill)
}

/// torchvision's `affine` and `rotate` of a float image.
pub(crate) fn affine(pixels: &Pixels, matrix: Matrix, sampling: Sampling, fill: f32) -> Pixels {
    let (width, height) = (pixels.width() as f64, pixels.height() as f64);
    let [a, b, c, d, e, f] = matrix;
    resampled(pixels, sampling, fill, |y| {
        let (x, y) = (0.5 - width / 2.0, y as f64 + 0.5 - height / 2.0);
        [a * x + b * y + c + width / 2.0, a, d * x + e * y + f + height / 2.0, d, 1.0, 0.0]
    })
}

/// torchvision's `perspective` of a float image; the eight coefficients are those of [`perspective_coefficients`].
pub(crate) fn perspective(pixels: &Pixels, coefficients: [f64; 8], sampling: Sampling, fill: f32) -> Pixels {
    let [a, b, c, d, e, f, g, h] = coefficients;
    resampled(pixels, sampling, fill, |y| {
        let y = y as f64 + 0.5;
        [a * 0.5 + b * y + c, a, d * 0.5 + e * y + f, d, g * 0.5 + h * y + 1.0, g]
    })
}

/// The map that shows the image's corners (top left, top right, bottom right, bottom left) at `corners`, rounded to f32 as
/// torchvision's. `None` where there is no such map.
pub(crate) fn perspective_coefficients(
    width: usize,
    height: usize,
    corners: [[f64; 2]; 4],
) -> Option<[f64; 8]> {
    let (right, bottom) = (width as f64 - 1.0, height as f64 - 1.0);
    let mut rows = [[0f64; 9]; 8];
    for (i, ([x, y], [u, v])) in
        corners.into_iter().zip([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]]).enumerate()
    {
        rows[2 * i] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
        rows[2 * i + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
    }
    // Gauss with the largest pivot.
    for k in 0..8 {
        let pivot = (k..8).max_by(|&i, &j| rows[i][k].abs().total_cmp(&rows[j][k].abs()))?;
        rows.swap(k, pivot);
        if rows[k][k].abs() < 1e-9 {
            return None;
        }
        let pivot = rows[k];
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let share = row[k] / pivot[k];
            row.iter_mut().zip(pivot).skip(k).for_each(|(value, above)| *value -= share * above);
        }
    }
    Some(std::array::from_fn(|k| f64::from((rows[k][8] / rows[k][k]) as f32)))
}

/// Turned about the centre by a random angle (torchvision's `RandomRotation`); the size stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Rotate {
    /// Degrees counter-clockwise: 15 means uniform in [−15, 15); or `[low, high]`, each −360 to 360.
    pub degrees: Spread,
    /// How it is sampled.
    #[serde(default)]
    pub interpolation: Sampling,
    /// What is shown where there was no image, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fill: f64,
    /// Share of images, 0 to 1.
    #[serde(default = "one")]
    pub probability: f64,
}

fn check_turn(degrees: Spread, keys: &mut Keys) {
    degrees.check(
        keys,
        "degrees",
        -360.0..=360.0,
        "degrees between 0 and 360",
        "degrees between −360 and 360",
    );
}

impl Operation for Rotate {
    fn kind(&self) -> &'static str {
        "rotate"
    }

    fn check(&self, keys: &mut Keys) {
        check_turn(self.degrees, keys);
        keys.unit("fill", self.fill);
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let ([low, high], how) = (self.degrees.ends(0.0), self.interpolation.word());
        let share = with_probability(self.probability);
        format!("rotate: by degrees uniform in [{low}, {high}), {how}, filled with {}{share}", self.fill)
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let [low, high] = self.degrees.ends(0.0);
        let angle = stream.range(low, high);
        let matrix = inverse_affine([0.0; 2], -angle, [0.0; 2], 1.0, [0.0; 2]);
        affine(&pixels, matrix, self.interpolation, self.fill as f32)
    }
}

/// Turned, moved, scaled and sheared by random amounts (torchvision's `RandomAffine`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Affine {
    /// Degrees clockwise: 15 means uniform in [−15, 15); or `[low, high]`, each −360 to 360.
    pub degrees: Spread,
    /// Largest move along width and height, as fractions of them, 0 to 1.
    #[serde(default)]
    pub translate: [f64; 2],
    /// Scale, low and high, each 0.01 to 100.
    #[serde(default = "unscaled")]
    pub scale: [f64; 2],
    /// Degrees of shear along x, low and high, each −89 to 89.
    #[serde(default)]
    pub shear_x: [f64; 2],
    /// Degrees of shear along y, likewise.
    #[serde(default)]
    pub shear_y: [f64; 2],
    /// How it is sampled.
    #[serde(default)]
    pub interpolation: Sampling,
    /// What is shown where there was no image, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fill: f64,
    /// Share of images, 0 to 1.
    #[serde(default = "one")]
    pub probability: f64,
}

fn unscaled() -> [f64; 2] {
    [1.0; 2]
}

impl Operation for Affine {
    fn kind(&self) -> &'static str {
        "affine"
    }

    fn check(&self, keys: &mut Keys) {
        check_turn(self.degrees, keys);
        for (axis, value) in self.translate.into_iter().enumerate() {
            keys.unit(&format!("translate[{axis}]"), value);
        }
        keys.span("scale", self.scale, 0.01..=100.0, "a factor between 0.01 and 100");
        keys.span("shear_x", self.shear_x, -89.0..=89.0, "degrees between −89 and 89");
        keys.span("shear_y", self.shear_y, -89.0..=89.0, "degrees between −89 and 89");
        keys.unit("fill", self.fill);
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let range = |name: &str, [low, high]: [f64; 2]| format!("{name} in [{low}, {high})");
        let [across, down] = self.translate;
        format!(
            "affine: {}, moved by up to {across} of the width and {down} of the height, {}, {}, {}, each uniform; {}, \
             filled with {}{}",
            range("degrees", self.degrees.ends(0.0)),
            range("scale", self.scale),
            range("shear along x", self.shear_x),
            range("along y", self.shear_y),
            self.interpolation.word(),
            self.fill,
            with_probability(self.probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let mut draw = |[low, high]: [f64; 2]| stream.range(low, high);
        let angle = draw(self.degrees.ends(0.0));
        let mut moved = |share: f64, length: usize| {
            let reach = share * length as f64;
            draw([-reach, reach]).round_ties_even()
        };
        let translate = [moved(self.translate[0], pixels.width()), moved(self.translate[1], pixels.height())];
        let scale = draw(self.scale);
        let shear = [draw(self.shear_x), draw(self.shear_y)];
        let matrix = inverse_affine([0.0; 2], angle, translate, scale, shear);
        affine(&pixels, matrix, self.interpolation, self.fill as f32)
    }
}

/// The image's corners moved inwards by random amounts (torchvision's `RandomPerspective`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Perspective {
    /// How far a corner may go, as a fraction of half a side, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub distortion_scale: f64,
    /// How it is sampled.
    pub interpolation: Sampling,
    /// What is shown where there was no image, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fill: f64,
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Perspective {
    fn default() -> Self {
        Self { distortion_scale: 0.5, interpolation: Sampling::Bilinear, fill: 0.0, probability: 0.5 }
    }
}

impl Perspective {
    /// Where the four corners go.
    fn draw(&self, width: usize, height: usize, stream: &mut Stream) -> [[f64; 2]; 4] {
        let reach = |length: usize| (self.distortion_scale * (length / 2) as f64) as usize + 1;
        let (across, down) = (reach(width), reach(height));
        let mut corner = |right: bool, bottom: bool| {
            let x = stream.below(across) + if right { width - across } else { 0 };
            let y = stream.below(down) + if bottom { height - down } else { 0 };
            [x as f64, y as f64]
        };
        [corner(false, false), corner(true, false), corner(true, true), corner(false, true)]
    }
}

impl Operation for Perspective {
    fn kind(&self) -> &'static str {
        "perspective"
    }

    fn check(&self, keys: &mut Keys) {
        keys.unit("distortion_scale", self.distortion_scale);
        keys.unit("fill", self.fill);
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        format!(
            "perspective: corners moved inwards by up to {} of half a side, {}, filled with {}{}",
            self.distortion_scale,
            self.interpolation.word(),
            self.fill,
            with_probability(self.probability)
        )
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let (width, height) = (pixels.width(), pixels.height());
        match perspective_coefficients(width, height, self.draw(width, height, stream)) {
            Some(map) => perspective(&pixels, map, self.interpolation, self.fill as f32),
            None => pixels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, floats, list, number, read};

    /// torchvision's positions are f32: off by some 1e-6 of a pixel, where neighbours differ by up to 1.
    const BOUND: f32 = 1e-5;

    #[test]
    fn rotation_affine_and_perspective_are_torchvisions() {
        let fixture = read("warps.json");
        let cases = list(&fixture["cases"]);
        assert!(cases.len() > 40);
        for case in cases {
            let image = &fixture["images"][case["image"].as_str().unwrap()];
            let (width, height) = (count(&image["width"]), count(&image["height"]));
            let image = Pixels::from_parts(width, height, floats(&image["pixels"]));
            let sampling = serde_json::from_value(case["how"].clone()).unwrap();
            let fill = number(&case["fill"]) as f32;
            let ours = if let Some(angle) = case.get("rotate") {
                let matrix = inverse_affine([0.0; 2], -number(angle), [0.0; 2], 1.0, [0.0; 2]);
                affine(&image, matrix, sampling, fill)
            } else if let Some(numbers) = case.get("affine") {
                let [angle, x, y, scale, shear_x, shear_y]: [f64; 6] =
                    serde_json::from_value(numbers.clone()).unwrap();
                let matrix = inverse_affine([0.0; 2], angle, [x, y], scale, [shear_x, shear_y]);
                affine(&image, matrix, sampling, fill)
            } else {
                let corners = serde_json::from_value(case["corners"].clone()).unwrap();
                let map = perspective_coefficients(width, height, corners).unwrap();
                perspective(&image, map, sampling, fill)
            };
            let what: String = case
                .as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| *key != "result")
                .map(|(key, value)| format!("{key} {value} "))
                .collect();
            assert_close(ours.values(), &floats(&case["result"]), BOUND, &what);
        }
    }

    #[test]
    fn corners_that_fall_together_leave_the_image_alone() {
        let centre = Centre { mean: [0.0; 3], sd: [1.0; 3] };
        let always = Perspective { probability: 1.0, distortion_scale: 1.0, ..Perspective::default() };
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 2)] {
            let image = Pixels::from_parts(width, height, vec![0.5; width * height * 3]);
            for sample in 0..50 {
                let mut stream = Stream::new(1, "perspective/0", 0, sample);
                let out = always.apply(image.clone(), &mut stream, &centre);
                assert!(out.values().iter().all(|v| (0.0..=0.5001).contains(v)), "{width}×{height}");
            }
        }
    }

    #[test]
    fn corners_stay_within_their_quarter() {
        let always = Perspective { distortion_scale: 0.4, ..Perspective::default() };
        let mut furthest = [0f64; 2];
        for sample in 0..2000 {
            let corners = always.draw(50, 31, &mut Stream::new(1, "perspective/0", 0, sample));
            for (i, [x, y]) in corners.into_iter().enumerate() {
                let inwards = [if i == 1 || i == 2 { 49.0 - x } else { x }, if i > 1 { 30.0 - y } else { y }];
                assert!((0.0..=10.0).contains(&inwards[0]) && (0.0..=6.0).contains(&inwards[1]));
                furthest = [furthest[0].max(inwards[0]), furthest[1].max(inwards[1])];
            }
        }
        assert_eq!(furthest, [10.0, 6.0]);
    }
}

//! Images of 8 bits a channel and Pillow's operations on them, to the byte: what torchvision and timm do to PIL images, and
//! what the published policies (AutoAugment, RandAugment, …) were found with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;

/// `height × width × 3` bytes, row-major, interleaved RGB.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Levels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<u8>,
}

/// How a turned or sheared image is sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Interpolation {
    /// The pixel under the point.
    #[default]
    Nearest,
    /// Two by two pixels.
    Bilinear,
    /// Four by four pixels.
    Bicubic,
}

/// One new value for each old one.
type Table = [u8; 256];

fn table(value: impl Fn(usize) -> u8) -> Table {
    std::array::from_fn(value)
}

/// Pillow's `Image.blend` of one channel; truncates. The cast also clips, which only factors beyond [0, 1] need.
#[inline(always)]
fn blended(degenerate: u8, value: u8, factor: f32) -> u8 {
    (f32::from(degenerate) + factor * (f32::from(value) - f32::from(degenerate))) as u8
}

/// Pillow's conversion from RGB to `L`.
#[inline(always)]
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}

impl Levels {
    /// Rounded to the nearest of 256 levels, values outside [0, 1] clipped.
    pub(crate) fn of(pixels: &Pixels) -> Self {
        // The cast clips.
        let values = pixels.values().iter().map(|v| (v * 255.0 + 0.5) as u8).collect();
        Self { width: pixels.width(), height: pixels.height(), values }
    }

    /// Back to [0, 1].
    pub(crate) fn into_pixels(self) -> Pixels {
        let values = self.values.iter().map(|&v| f32::from(v) / 255.0).collect();
        Pixels::from_parts(self.width, self.height, values)
    }

    fn pixels(&self) -> &[[u8; 3]] {
        self.values.as_chunks::<3>().0
    }

    fn pixels_mut(&mut self) -> &mut [[u8; 3]] {
        self.values.as_chunks_mut::<3>().0
    }

    fn look_up(&mut self, table: &Table) {
        self.values.iter_mut().for_each(|v| *v = table[usize::from(*v)]);
    }

    fn look_up_each(&mut self, tables: &[Table; 3]) {
        for pixel in self.pixels_mut() {
            for (value, table) in pixel.iter_mut().zip(tables) {
                *value = table[usize::from(*value)];
            }
        }
    }

    fn histograms(&self) -> [[usize; 256]; 3] {
        let mut histograms = [[0; 256]; 3];
        for pixel in self.pixels() {
            for (histogram, &value) in histograms.iter_mut().zip(pixel) {
                histogram[usize::from(value)] += 1;
            }
        }
        histograms
    }

    /// `ImageOps.invert`.
    pub(crate) fn invert(&mut self) {
        self.values.iter_mut().for_each(|v| *v = 255 - *v);
    }

    /// `ImageOps.posterize`: the highest `bits` of each channel. None at all is black.
    pub(crate) fn posterise(&mut self, bits: u32) {
        let mask = !(0xFF_u8.checked_shr(bits).unwrap_or(0));
        self.values.iter_mut().for_each(|v| *v &= mask);
    }

    /// `ImageOps.solarize`: levels from `threshold` on are inverted.
    pub(crate) fn solarise(&mut self, threshold: f64) {
        self.look_up(&table(|v| if (v as f64) < threshold { v as u8 } else { 255 - v as u8 }));
    }

    /// timm's `solarize_add`: `add` to levels below 128.
    pub(crate) fn solarise_add(&mut self, add: usize) {
        self.look_up(&table(|v| if v < 128 { (v + add).min(255) as u8 } else { v as u8 }));
    }

    /// `ImageOps.autocontrast`: each channel stretched from its darkest to its brightest level.
    pub(crate) fn autocontrast(&mut self) {
        let tables = self.histograms().map(|histogram| {
            let low = histogram.iter().position(|&n| n > 0).unwrap_or(0);
            let high = histogram.iter().rposition(|&n| n > 0).unwrap_or(0);
            let scale = 255.0 / (high as f64 - low as f64);
            let offset = -(low as f64) * scale;
            table(|v| if high > low { (v as f64 * scale + offset) as u8 } else { v as u8 })
        });
        self.look_up_each(&tables);
    }

    /// `ImageOps.equalize`: each channel's histogram made as flat as its levels allow.
    pub(crate) fn equalise(&mut self) {
        let pixels = self.width * self.height;
        let tables = self.histograms().map(|histogram| {
            let brightest = histogram.iter().rev().find(|&&n| n > 0).copied().unwrap_or(0);
            // Zero also where there is one level only.
            let step = (pixels - brightest) / 255;
            let mut below = step / 2;
            let mut next = |v: usize| {
                let level = below.checked_div(step).map_or(v as u8, |level| level.min(255) as u8);
                below += histogram[v];
                level
            };
            std::array::from_fn(&mut next)
        });
        self.look_up_each(&tables);
    }

    /// `ImageEnhance.Brightness`: factor 0 is black, 1 the image.
    pub(crate) fn brightness(&mut self, factor: f64) {
        self.look_up(&table(|v| blended(0, v as u8, factor as f32)));
    }

    /// `ImageEnhance.Contrast`: factor 0 is the mean grey, 1 the image.
    pub(crate) fn contrast(&mut self, factor: f64) {
        let sum: u64 = self.pixels().iter().map(|&pixel| u64::from(luma(pixel))).sum();
        let mean = (sum as f64 / (self.width * self.height) as f64 + 0.5) as u8;
        self.look_up(&table(|v| blended(mean, v as u8, factor as f32)));
    }

    /// `ImageEnhance.Color`: factor 0 is grey, 1 the image.
    pub(crate) fn colour(&mut self, factor: f64) {
        for pixel in self.pixels_mut() {
            let grey = luma(*pixel);
            *pixel = pixel.map(|v| blended(grey, v, factor as f32));
        }
    }

    /// `Image.convert("L")`, in three channels.
    pub(crate) fn grey(&mut self) {
        self.pixels_mut().iter_mut().for_each(|pixel| *pixel = [luma(*pixel); 3]);
    }

    /// `ImageEnhance.Sharpness`: factor 0 is smoothed (3 × 3, the centre five times as heavy), 1 the image. The outermost
    /// pixels stay as they are.
    pub(crate) fn sharpness(&mut self, factor: f64) {
        let row = self.width * 3;
        if self.width < 3 || self.height < 3 || factor == 1.0 {
            return;
        }
        let factor = factor as f32;
        let mut above = self.values[..row].to_vec();
        let mut here = vec![0; row];
        for y in 1..self.height - 1 {
            here.copy_from_slice(&self.values[y * row..][..row]);
            let (rows, below) = self.values.split_at_mut((y + 1) * row);
            let out = &mut rows[y * row..];
            let three =
                |line: &[u8], x: usize| u32::from(line[x - 3]) + u32::from(line[x]) + u32::from(line[x + 3]);
            for x in 3..row - 3 {
                let centre = u32::from(here[x]);
                let sum = three(&above, x) + three(&here, x) + three(below, x) + 4 * centre;
                // Rounded to the nearest; thirteenths are never halves.
                let smooth = (2 * sum + 13) / 26;
                out[x] = blended(smooth as u8, here[x], factor);
            }
            std::mem::swap(&mut above, &mut here);
        }
    }

    /// `ImageFilter.GaussianBlur`: three box blurs of fractional radius along each axis (Gwosdek et al. 2011).
    pub(crate) fn gaussian_blur(&mut self, sigma: f64) {
        let boxes = BoxBlur::of(sigma as f32);
        let (width, height) = (self.width, self.height);
        let mut line = vec![[0; 3]; width.max(height)];
        for row in self.pixels_mut().chunks_exact_mut(width) {
            boxes.run(row, &mut line[..width]);
        }
        let mut column = vec![[0; 3]; height];
        for x in 0..width {
            let pixels = self.pixels_mut();
            column.iter_mut().enumerate().for_each(|(y, out)| *out = pixels[y * width + x]);
            boxes.run(&mut column, &mut line[..height]);
            column.iter().enumerate().for_each(|(y, value)| pixels[y * width + x] = *value);
        }
    }

    /// `Image.transform` with `AFFINE`: output position (x, y) shows source position (a·x + b·y + c, d·x + e·y + f), both
    /// measured from the image's corner; `fill` where there is none.
    pub(crate) fn affine(&self, matrix: [f64; 6], interpolation: Interpolation, fill: [u8; 3]) -> Self {
        let mut out = vec![fill; self.width * self.height];
        match interpolation {
            Interpolation::Nearest if matrix[1] == 0.0 && matrix[3] == 0.0 => self.scaled(matrix, &mut out),
            Interpolation::Nearest => self.nearest(matrix, &mut out),
            Interpolation::Bilinear => self.sampled(matrix, &mut out, Self::bilinear),
            Interpolation::Bicubic => self.sampled(matrix, &mut out, Self::bicubic),
        }
        Self { width: self.width, height: self.height, values: out.into_flattened() }
    }

    /// `Image.rotate` about the centre, counter-clockwise by `degrees`.
    pub(crate) fn rotate(&self, degrees: f64, interpolation: Interpolation, fill: [u8; 3]) -> Self {
        let degrees = degrees.rem_euclid(360.0);
        let (width, height) = (self.width, self.height);
        // Turns that only move pixels.
        let turned = |from: &dyn Fn(usize, usize) -> usize| {
            let pixels = self.pixels();
            let values = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixels[from(x, y)]));
            Self { width, height, values: values.collect() }
        };
        if degrees == 0.0 {
            return self.clone();
        }
        if degrees == 180.0 {
            return turned(&|x, y| (height - 1 - y) * width + width - 1 - x);
        }
        if degrees == 90.0 && width == height {
            return turned(&|x, y| x * width + width - 1 - y);
        }
        if degrees == 270.0 && width == height {
            return turned(&|x, y| (height - 1 - x) * width + y);
        }
        let angle = -degrees.to_radians();
        let (cos, sin) = (fifteen_digits(angle.cos()), fifteen_digits(angle.sin()));
        let (x, y) = (width as f64 / 2.0, height as f64 / 2.0);
        // Pillow rounds each entry by itself; the sine is as good negated after it.
        let matrix = [cos, sin, cos * -x + sin * -y + 0.0 + x, -sin, cos, -sin * -x + cos * -y + 0.0 + y];
        self.affine(matrix, interpolation, fill)
    }

    /// Pillow's path for matrices without turn or shear: positions along each axis are sums of floats.
    fn scaled(&self, [a, _, c, _, e, f]: [f64; 6], out: &mut [[u8; 3]]) {
        let positions = |start: f64, step: f64, count: usize, limit: usize| {
            let mut position = start + step * 0.5;
            (0..count)
                .map(|_| {
                    let here = position;
                    position += step;
                    (here >= 0.0 && here < limit as f64).then_some(here as usize)
                })
                .collect::<Vec<_>>()
        };
        let columns = positions(c, a, self.width, self.width);
        let rows = positions(f, e, self.height, self.height);
        for (line, y) in out.chunks_exact_mut(self.width).zip(rows) {
            let Some(y) = y else { continue };
            let source = &self.pixels()[y * self.width..][..self.width];
            for (pixel, x) in line.iter_mut().zip(&columns) {
                if let Some(x) = x {
                    *pixel = source[*x];
                }
            }
        }
    }

    /// Pillow's nearest neighbour: 16.16 fixed point, one addition a pixel.
    fn nearest(&self, [a, b, c, d, e, f]: [f64; 6], out: &mut [[u8; 3]]) {
        let fixed = |v: f64| (v * 65_536.0 + 0.5).floor() as i64;
        let (across, down) = ([fixed(a), fixed(d)], [fixed(b), fixed(e)]);
        let mut start = [fixed(c + a * 0.5 + b * 0.5), fixed(f + d * 0.5 + e * 0.5)];
        let pixels = self.pixels();
        for line in out.chunks_exact_mut(self.width) {
            let [mut x, mut y] = start;
            for pixel in line {
                let (column, row) = ((x >> 16) as usize, (y >> 16) as usize);
                // A negative position is beyond every size once it is unsigned.
                if column < self.width && row < self.height {
                    *pixel = pixels[row * self.width + column];
                }
                x += across[0];
                y += across[1];
            }
            start = [start[0] + down[0], start[1] + down[1]];
        }
    }

    /// Every output pixel whose source position lies in the image.
    fn sampled(
        &self,
        [a, b, c, d, e, f]: [f64; 6],
        out: &mut [[u8; 3]],
        sample: impl Fn(&Self, f64, f64) -> [u8; 3],
    ) {
        let (width, height) = (self.width as f64, self.height as f64);
        for (y, line) in out.chunks_exact_mut(self.width).enumerate() {
            let y = y as f64 + 0.5;
            for (x, pixel) in line.iter_mut().enumerate() {
                let x = x as f64 + 0.5;
                let (from_x, from_y) = (a * x + b * y + c, d * x + e * y + f);
                if from_x >= 0.0 && from_x < width && from_y >= 0.0 && from_y < height {
                    *pixel = sample(self, from_x - 0.5, from_y - 0.5);
                }
            }
        }
    }

    /// The `N` by `N` pixels from (x, y) on, those outside replaced by the nearest inside.
    #[inline(always)]
    fn neighbours<const N: usize>(&self, x: isize, y: isize) -> [[[u8; 3]; N]; N] {
        let pixels = self.pixels();
        let column = |i: usize| (x + i as isize).clamp(0, self.width as isize - 1) as usize;
        let columns: [usize; N] = std::array::from_fn(column);
        std::array::from_fn(|j| {
            let row = (y + j as isize).clamp(0, self.height as isize - 1) as usize * self.width;
            columns.map(|column| pixels[row + column])
        })
    }

    fn bilinear(&self, x: f64, y: f64) -> [u8; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (dx, dy) = (x - left, y - top);
        let square = self.neighbours::<2>(left as isize, top as isize);
        let between = |a: f64, b: f64, share: f64| a + (b - a) * share;
        std::array::from_fn(|c| {
            let [upper, lower] = square.map(|row| between(f64::from(row[0][c]), f64::from(row[1][c]), dx));
            between(upper, lower, dy) as u8
        })
    }

    fn bicubic(&self, x: f64, y: f64) -> [u8; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (dx, dy) = (x - left, y - top);
        let square = self.neighbours::<4>(left as isize - 1, top as isize - 1);
        let cubic = |[v1, v2, v3, v4]: [f64; 4], d: f64| {
            let (p2, p3, p4) = (v3 - v1, 2.0 * (v1 - v2) + v3 - v4, v2 - v1 - v3 + v4);
            v2 + d * (p2 + d * (p3 + d * p4))
        };
        std::array::from_fn(|c| {
            let rows = square.map(|row| cubic(row.map(|pixel| f64::from(pixel[c])), dx));
            // The cast clips.
            cubic(rows, dy) as u8
        })
    }
}

/// As Python's `round(x, 15)`.
fn fifteen_digits(value: f64) -> f64 {
    format!("{value:.15}").parse().unwrap_or(value)
}

/// A box of fractional radius in fixed point: `whole` pixels to each side with weight `inner`, one more with weight `outer`.
struct BoxBlur {
    whole: usize,
    inner: u32,
    outer: u32,
}

impl BoxBlur {
    const PASSES: usize = 3;

    /// The box whose threefold application has the variance of a Gaussian, in the f32 arithmetic of Pillow.
    fn of(sigma: f32) -> Self {
        let variance = sigma * sigma / Self::PASSES as f32;
        let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32;
        let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
        let part = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance)
            / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)));
        let radius = whole + part;
        let whole = radius as usize;
        let inner = ((1 << 24) as f32 / (radius * 2.0 + 1.0)) as u32;
        let outer = ((1 << 24) - (whole as u32 * 2 + 1) * inner) / 2;
        Self { whole, inner, outer }
    }

    /// All passes over one line; `scratch` is as long.
    fn run(&self, line: &mut [[u8; 3]], scratch: &mut [[u8; 3]]) {
        for _ in 0..Self::PASSES {
            scratch.copy_from_slice(line);
            self.pass(scratch, line);
        }
    }

    fn pass(&self, line: &[[u8; 3]], out: &mut [[u8; 3]]) {
        let last = line.len() - 1;
        let at = |x: isize| line[x.clamp(0, last as isize) as usize].map(u32::from);
        let whole = self.whole as isize;
        let mut sum = [0u32; 3];
        for x in -whole - 1..whole {
            let pixel = at(x);
            (0..3).for_each(|c| sum[c] += pixel[c]);
        }
        for (x, out) in out.iter_mut().enumerate() {
            let x = x as isize;
            let (left, leaving, entering, right) =
                (at(x - whole - 1), at(x - whole - 1), at(x + whole), at(x + whole + 1));
            for c in 0..3 {
                sum[c] = sum[c] + entering[c] - leaving[c];
                let total = sum[c] * self.inner + (left[c] + right[c]) * self.outer;
                out[c] = ((total + (1 << 23)) >> 24) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fixture::{bytes, count, list, number, read};

    fn image(fixture: &Value, name: &Value) -> Levels {
        let image = &fixture["images"][name.as_str().unwrap()];
        let (width, height) = (count(&image["width"]), count(&image["height"]));
        Levels { width, height, values: bytes(&image["pixels"]) }
    }

    #[test]
    fn every_operation_is_pillows_to_the_byte() {
        let fixture = read("levels.json");
        let cases = list(&fixture["cases"]);
        assert!(cases.len() > 100);
        for case in cases {
            let mut image = image(&fixture, &case["image"]);
            let parameter = number(&case["parameter"]);
            match case["operation"].as_str().unwrap() {
                "invert" => image.invert(),
                "autocontrast" => image.autocontrast(),
                "equalise" => image.equalise(),
                "grey" => image.grey(),
                "posterise" => image.posterise(parameter as u32),
                "solarise" => image.solarise(parameter),
                "solarise-add" => image.solarise_add(parameter as usize),
                "brightness" => image.brightness(parameter),
                "contrast" => image.contrast(parameter),
                "colour" => image.colour(parameter),
                "sharpness" => image.sharpness(parameter),
                "blur" => image.gaussian_blur(parameter),
                other => panic!("{other}"),
            }
            let what = format!("{} {parameter} on {}", case["operation"], case["image"]);
            assert!(image.values == bytes(&case["result"]), "{what}");
        }
    }

    #[test]
    fn turns_and_affine_maps_are_pillows_to_the_byte() {
        let fixture = read("levels.json");
        for case in list(&fixture["warps"]) {
            let image = image(&fixture, &case["image"]);
            let interpolation = serde_json::from_value(case["how"].clone()).unwrap();
            let fill = serde_json::from_value(case["fill"].clone()).unwrap();
            let ours = match case.get("rotate") {
                Some(angle) => image.rotate(number(angle), interpolation, fill),
                None => {
                    let matrix = serde_json::from_value(case["matrix"].clone()).unwrap();
                    image.affine(matrix, interpolation, fill)
                }
            };
            let what = format!("{} {} {} {}", case["image"], case["how"], case["rotate"], case["matrix"]);
            assert!(ours.values == bytes(&case["result"]), "{what}");
        }
        let square = Levels { width: 7, height: 7, values: bytes(&fixture["square"]) };
        for case in list(&fixture["turns"]) {
            let ours = square.rotate(number(&case["angle"]), Interpolation::Nearest, [0; 3]);
            assert!(ours.values == bytes(&case["result"]), "{} degrees", case["angle"]);
        }
    }

    #[test]
    fn all_256_levels_survive_the_way_to_pixels_and_back() {
        let values: Vec<u8> = (0..=255).flat_map(|v| [v; 3]).collect();
        let levels = Levels { width: 16, height: 16, values };
        assert_eq!(Levels::of(&levels.clone().into_pixels()), levels);
        let wild = Pixels::from_parts(3, 1, vec![-7.0, -0.001, 0.5, 0.999, 1.0, 1.3, 1e9, 0.0019, 0.002]);
        assert_eq!(Levels::of(&wild).values, [0, 0, 128, 255, 255, 255, 255, 0, 1]);
    }

    #[test]
    fn no_bits_at_all_are_black() {
        let mut image = Levels { width: 1, height: 1, values: vec![255, 128, 3] };
        image.posterise(0);
        assert_eq!(image.values, [0; 3]);
    }
}

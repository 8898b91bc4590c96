//! What JPEG compression does to pixels, as libjpeg-turbo does it for Pillow and torchvision: 4:2:0 chroma, the accurate
//! integer DCT, triangular upsampling. Entropy coding loses nothing, so it is left out.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Pixels;
use crate::keys::Keys;
use crate::levels::Levels;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::wording::with_probability;

/// Encoded and decoded again at a random quality (torchvision's `JPEG`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Jpeg {
    /// Quality, uniform over the whole numbers from low to high, each 1 to 100.
    pub quality: [u32; 2],
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { quality: [30, 95], probability: 1.0 }
    }
}

impl Operation for Jpeg {
    fn kind(&self) -> &'static str {
        "jpeg"
    }

    fn check(&self, keys: &mut Keys) {
        keys.span("quality", self.quality.map(f64::from), 1.0..=100.0, "a quality between 1 and 100");
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        let [low, high] = self.quality;
        format!("jpeg: at a quality uniform in {low} to {high}{}", with_probability(self.probability))
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let [low, high] = self.quality;
        let quality = low + stream.below((high - low) as usize + 1) as u32;
        compressed(&Levels::of(&pixels), quality).into_pixels()
    }
}

/// Quantisation of luminance at quality 50 (ITU-T T.81, table K.1).
#[rustfmt::skip]
const LUMINANCE: [u16; 64] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];
/// Of chrominance (table K.2): what is not listed is 99.
const CHROMINANCE: [[u16; 4]; 4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]];

/// One quantisation step a coefficient.
type Steps = [i32; 64];

fn steps(quality: u32, base: impl Fn(usize) -> u16) -> Steps {
    let scale = if quality < 50 { 5000 / quality } else { 200 - quality * 2 };
    std::array::from_fn(|i| ((u32::from(base(i)) * scale + 50) / 100).clamp(1, 255) as i32)
}

/// One component: `height` rows of `stride` bytes, both whole blocks.
struct Plane {
    stride: usize,
    values: Vec<u8>,
}

/// Encodes and decodes.
pub(crate) fn compressed(image: &Levels, quality: u32) -> Levels {
    let (width, height) = (image.width, image.height);
    let [mut luma, mut blue, mut red] = planes(image);
    luma.quantise(&steps(quality, |i| LUMINANCE[i]));
    let steps = steps(quality, |i| match CHROMINANCE.get(i / 8) {
        Some(row) if i % 8 < 4 => row[i % 8],
        _ => 99,
    });
    blue.quantise(&steps);
    red.quantise(&steps);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let mut values = Vec::with_capacity(width * height * 3);
    let mut lines = [vec![0; half_width * 2], vec![0; half_width * 2]];
    for y in 0..height {
        for (plane, line) in [&blue, &red].into_iter().zip(&mut lines) {
            plane.upsampled_row(y, half_width, half_height, line);
        }
        let luma = &luma.values[y * luma.stride..][..width];
        for (x, &luma) in luma.iter().enumerate() {
            values.extend(rgb(luma, lines[0][x], lines[1][x]));
        }
    }
    Levels { width, height, values }
}

/// libjpeg's integer conversion to Y, Cb, Cr.
fn ycc([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(i32::from);
    // Chroma is biased by a half less the last bit, so that it cannot become 256.
    let bias = (128 << 16) + 32_767;
    [
        (19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16,
        (-11_058 * r - 21_710 * g + 32_768 * b + bias) >> 16,
        (32_768 * r - 27_439 * g - 5_329 * b + bias) >> 16,
    ]
    .map(|v| v as u8)
}

fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    [
        y + ((91_881 * cr + 32_768) >> 16),
        y + ((-22_554 * cb - 46_802 * cr + 32_768) >> 16),
        y + ((116_130 * cb + 32_768) >> 16),
    ]
    .map(|v| v.clamp(0, 255) as u8)
}

/// Luminance, and chrominance at half the size: means of two by two, rounded down and up in turn along a row. Edges are
/// repeated until whole blocks are full.
fn planes(image: &Levels) -> [Plane; 3] {
    let (width, height) = (image.width, image.height);
    let whole = |n: usize| n.div_ceil(8) * 8;
    let plane = |width: usize, height: usize| Plane {
        stride: whole(width),
        values: vec![0; whole(width) * whole(height)],
    };
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let mut luma = plane(width, height);
    let mut chroma = [plane(half_width, half_height), plane(half_width, half_height)];
    let stride = chroma[0].stride;
    // Full-size chroma of two rows, as wide as the blocks of the halved one ask for.
    let mut lines =
        [[vec![0u8; stride * 2], vec![0u8; stride * 2]], [vec![0u8; stride * 2], vec![0u8; stride * 2]]];
    for half_y in 0..half_height {
        for (row, y) in [half_y * 2, half_y * 2 + 1].into_iter().enumerate() {
            let y = y.min(height - 1);
            let source = &image.values.as_chunks::<3>().0[y * width..][..width];
            let luma = &mut luma.values[y * luma.stride..][..width];
            for (x, &pixel) in source.iter().enumerate() {
                let [value, blue, red] = ycc(pixel);
                luma[x] = value;
                lines[0][row][x] = blue;
                lines[1][row][x] = red;
            }
            for lines in &mut lines {
                let last = lines[row][width - 1];
                lines[row][width..].fill(last);
            }
        }
        for (plane, lines) in chroma.iter_mut().zip(&lines) {
            let out = &mut plane.values[half_y * stride..][..stride];
            let pairs = lines[0].as_chunks::<2>().0.iter().zip(lines[1].as_chunks::<2>().0);
            for (x, (out, (above, below))) in out.iter_mut().zip(pairs).enumerate() {
                let sum: u16 = above.iter().chain(below).map(|&v| u16::from(v)).sum();
                *out = ((sum + 1 + x as u16 % 2) >> 2) as u8;
            }
        }
    }
    luma.fill_edges(width, height);
    for plane in &mut chroma {
        plane.fill_edges(stride, half_height);
    }
    let [blue, red] = chroma;
    [luma, blue, red]
}

impl Plane {
    /// Repeats the last column and the last row into the rest of the blocks.
    fn fill_edges(&mut self, width: usize, height: usize) {
        let stride = self.stride;
        for row in self.values.chunks_exact_mut(stride).take(height) {
            let last = row[width - 1];
            row[width..].fill(last);
        }
        for y in height..self.values.len() / stride {
            self.values.copy_within((height - 1) * stride..height * stride, y * stride);
        }
    }

    /// Every block there and back.
    fn quantise(&mut self, steps: &Steps) {
        let stride = self.stride;
        for band in self.values.chunks_exact_mut(stride * 8) {
            for x in (0..stride).step_by(8) {
                let mut block = [0i32; 64];
                for (y, row) in block.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                    for (value, &pixel) in row.iter_mut().zip(&band[y * stride + x..][..8]) {
                        *value = i32::from(pixel) - 128;
                    }
                }
                forward(&mut block);
                for (value, step) in block.iter_mut().zip(steps) {
                    // The transform leaves a factor of 8; halves are rounded away from zero.
                    let divisor = step * 8;
                    let level = (value.abs() + divisor / 2) / divisor;
                    *value = value.signum() * level * step;
                }
                inverse(&mut block);
                for (y, row) in block.as_chunks::<8>().0.iter().enumerate() {
                    for (pixel, &value) in band[y * stride + x..][..8].iter_mut().zip(row) {
                        *pixel = (value + 128).clamp(0, 255) as u8;
                    }
                }
            }
        }
    }

    /// A row of the full-size picture: three quarters of the nearer, one of the farther row, likewise along the row. Pictures
    /// up to four pixels wide repeat samples instead.
    fn upsampled_row(&self, y: usize, half_width: usize, half_height: usize, out: &mut [u8]) {
        let row = |y: usize| &self.values[y * self.stride..][..half_width];
        let near = row(y / 2);
        if half_width <= 2 {
            out.iter_mut().enumerate().for_each(|(x, out)| *out = near[x / 2]);
            return;
        }
        let far = row(if y.is_multiple_of(2) {
            (y / 2).saturating_sub(1)
        } else {
            (y / 2 + 1).min(half_height - 1)
        });
        let column = |x: usize| u16::from(near[x]) * 3 + u16::from(far[x]);
        for x in 0..half_width {
            let here = column(x);
            let (left, right) = (column(x.saturating_sub(1)), column((x + 1).min(half_width - 1)));
            out[2 * x] = ((here * 3 + left + 8) >> 4) as u8;
            out[2 * x + 1] = ((here * 3 + right + 7) >> 4) as u8;
        }
    }
}

// Cosines of the transform of Loeffler, Ligtenberg & Moschytz (1989), times 2¹³.
const C0_298: i32 = 2_446;
const C0_390: i32 = 3_196;
const C0_541: i32 = 4_433;
const C0_765: i32 = 6_270;
const C0_899: i32 = 7_373;
const C1_175: i32 = 9_633;
const C1_501: i32 = 12_299;
const C1_847: i32 = 15_137;
const C1_961: i32 = 16_069;
const C2_053: i32 = 16_819;
const C2_562: i32 = 20_995;
const C3_072: i32 = 25_172;
const BITS: u32 = 13;
/// Fraction bits kept between rows and columns.
const KEPT: u32 = 2;

fn rounded(value: i32, bits: u32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

/// The odd part both directions share: four values in and out.
fn odd([t0, t1, t2, t3]: [i32; 4]) -> [i32; 4] {
    let (z1, z2, z3, z4) = (t0 + t3, t1 + t2, t0 + t2, t1 + t3);
    let z5 = (z3 + z4) * C1_175;
    let (z1, z2) = (-z1 * C0_899, -z2 * C2_562);
    let (z3, z4) = (z5 - z3 * C1_961, z5 - z4 * C0_390);
    [t0 * C0_298 + z1 + z3, t1 * C2_053 + z2 + z4, t2 * C3_072 + z2 + z3, t3 * C1_501 + z1 + z4]
}

/// Runs a one-dimensional transform over eight lines: rows (`step` 1) or columns (`step` 8).
fn each_line(block: &mut [i32; 64], step: usize, transform: impl Fn([i32; 8]) -> [i32; 8]) {
    for line in 0..8 {
        // Lines lie beside each other where their values do not.
        let at = |i: usize| line * (8 / step) + i * step;
        let out = transform(std::array::from_fn(|i| block[at(i)]));
        out.into_iter().enumerate().for_each(|(i, value)| block[at(i)] = value);
    }
}

/// Times 8, as libjpeg's `jfdctint`.
fn forward(block: &mut [i32; 64]) {
    for (step, ends) in [(1, None), (8, Some(KEPT))] {
        // The first pass keeps bits, the second drops them.
        let bits = if ends.is_none() { BITS - KEPT } else { BITS + KEPT };
        let end = |value: i32| ends.map_or(value << KEPT, |bits| rounded(value, bits));
        each_line(block, step, |d| {
            let sums: [i32; 4] = std::array::from_fn(|i| d[i] + d[7 - i]);
            let differences = [d[3] - d[4], d[2] - d[5], d[1] - d[6], d[0] - d[7]];
            let (t10, t13, t11, t12) =
                (sums[0] + sums[3], sums[0] - sums[3], sums[1] + sums[2], sums[1] - sums[2]);
            let z1 = (t12 + t13) * C0_541;
            let [o7, o5, o3, o1] = odd(differences).map(|v| rounded(v, bits));
            [
                end(t10 + t11),
                o1,
                rounded(z1 + t13 * C0_765, bits),
                o3,
                end(t10 - t11),
                o5,
                rounded(z1 - t12 * C1_847, bits),
                o7,
            ]
        });
    }
}

/// As libjpeg's `jidctint`.
fn inverse(block: &mut [i32; 64]) {
    for (step, bits) in [(8, BITS - KEPT), (1, BITS + KEPT + 3)] {
        each_line(block, step, |c| {
            let z1 = (c[2] + c[6]) * C0_541;
            let (t2, t3) = (z1 - c[6] * C1_847, z1 + c[2] * C0_765);
            let (t0, t1) = ((c[0] + c[4]) << BITS, (c[0] - c[4]) << BITS);
            let even = [t0 + t3, t1 + t2, t1 - t2, t0 - t3];
            let [o3, o2, o1, o0] = odd([c[7], c[5], c[3], c[1]]);
            let odd = [o0, o1, o2, o3];
            std::array::from_fn(|i| {
                let value = if i < 4 { even[i] + odd[i] } else { even[7 - i] - odd[7 - i] };
                rounded(value, bits)
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{bytes, count, list, read};

    #[test]
    fn compressed_pixels_are_pillows_to_the_byte() {
        let fixture = read("jpeg.json");
        let cases = list(&fixture["cases"]);
        assert!(cases.len() > 20);
        for case in cases {
            let image = &fixture["images"][case["image"].as_str().unwrap()];
            let (width, height) = (count(&image["width"]), count(&image["height"]));
            let image = Levels { width, height, values: bytes(&image["pixels"]) };
            let ours = compressed(&image, count(&case["quality"]) as u32);
            assert!(ours.values == bytes(&case["result"]), "{} at {}", case["image"], case["quality"]);
        }
    }

    #[test]
    fn every_quality_of_the_range_comes_equally_often() {
        let operation = Jpeg { quality: [5, 7], probability: 1.0 };
        let image = Levels { width: 8, height: 8, values: (0..192).map(|i| (i * 37 % 251) as u8).collect() };
        let results = [5, 6, 7].map(|quality| compressed(&image, quality).into_pixels());
        let centre = Centre { mean: [0.0; 3], sd: [1.0; 3] };
        let mut counts = [0usize; 3];
        for sample in 0..3000 {
            let mut stream = Stream::new(2, "jpeg/0", 0, sample);
            let ours = operation.apply(image.clone().into_pixels(), &mut stream, &centre);
            counts[results.iter().position(|result| *result == ours).unwrap()] += 1;
        }
        // Binomial(3000, 1/3): standard deviation 26.
        assert!(counts.iter().all(|n| n.abs_diff(1000) < 130), "{counts:?}");
    }
}

//! Common corruptions of test images at five severities, after Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to
//! Common Corruptions and Perturbations" (ICLR 2019), and images of which a part is hidden.
//!
//! Formulas and constants are those of the published code (`hendrycks/robustness`; for motion blur, which there calls ImageMagick,
//! `imagecorruptions` 1.1.2). It has three sets of constants, made for images of 32, 64 and 224 pixels: [`CorruptionSet::of`] takes
//! the one whose size is nearest, and nothing is scaled. As everywhere here values stay floats between operations, so nothing is
//! rounded to 256 levels that is not defined by levels (JPEG, and the shuffled pixels of glass blur), and damaged images are not
//! compressed once more to be stored. Clipped to [0, 1].
//!
//! Left out: frost (six photographs), snow, elastic warping (at 224 px a kernel of a thousand taps), and of the four extra ones
//! speckle noise, Gaussian blur and spatter.

mod blur;
mod fog;

use bakeoff_random::Stream;
use serde::{Deserialize, Serialize};

use crate::colour::{self, Change, larger, smaller};
use crate::levels::Levels;
use crate::noise::{self, poisson};
use crate::{Pixels, jpeg};

/// Severities, mildest first.
pub const SEVERITIES: std::ops::RangeInclusive<u8> = 1..=5;

/// How an image is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// Normal noise on every value.
    GaussianNoise,
    /// Poisson noise: light of few photons.
    ShotNoise,
    /// A share of all values is 0 or 1.
    ImpulseNoise,
    /// A disk, as of a lens out of focus.
    DefocusBlur,
    /// Blurred, neighbouring pixels shuffled, blurred again.
    GlassBlur,
    /// Along a line of random direction within 45° of the horizontal.
    MotionBlur,
    /// The mean of the image and many enlargements of it.
    ZoomBlur,
    /// A plasma fractal over the image.
    Fog,
    /// Added to V of HSV.
    Brightness,
    /// Differences from each channel's mean made smaller.
    Contrast,
    /// S of HSV times a factor plus a constant; as published, a grey pixel is a red of no saturation.
    Saturate,
    /// Shrunk and enlarged again.
    Pixelate,
    /// JPEG of low quality.
    Jpeg,
}

/// A published set of severities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorruptionSet {
    /// For 32 px.
    Cifar10C,
    /// For 64 px.
    TinyImagenetC,
    /// For 224 px.
    ImagenetC,
}

impl CorruptionSet {
    /// The one made for the size nearest to `side` pixels, as a ratio.
    #[must_use]
    pub fn of(side: usize) -> Self {
        // √(32 × 64) and √(64 × 224).
        match side {
            0..=45 => Self::Cifar10C,
            46..=119 => Self::TinyImagenetC,
            _ => Self::ImagenetC,
        }
    }

    /// Its published name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Cifar10C => "CIFAR-10-C",
            Self::TinyImagenetC => "Tiny ImageNet-C",
            Self::ImagenetC => "ImageNet-C",
        }
    }
}

/// Of every set in the order of [`CorruptionSet`], one value a severity.
type Constants<T> = [[T; 5]; 3];

const NOISE: Constants<f64> =
    [[0.04, 0.06, 0.08, 0.09, 0.10], [0.04, 0.08, 0.12, 0.15, 0.18], [0.08, 0.12, 0.18, 0.26, 0.38]];
/// Photons at full brightness.
const PHOTONS: Constants<f64> =
    [[500.0, 250.0, 100.0, 75.0, 50.0], [250.0, 100.0, 50.0, 30.0, 15.0], [60.0, 25.0, 12.0, 5.0, 3.0]];
const IMPULSES: Constants<f64> =
    [[0.01, 0.02, 0.03, 0.05, 0.07], [0.01, 0.02, 0.05, 0.08, 0.14], [0.03, 0.06, 0.09, 0.17, 0.27]];
/// Radius of the disk, and deviation of the blur of its edge.
const DEFOCUS: Constants<(f64, f64)> = [
    [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)],
    [(0.5, 0.6), (1.0, 0.1), (1.5, 0.1), (2.5, 0.01), (3.0, 0.1)],
    [(3.0, 0.1), (4.0, 0.5), (6.0, 0.5), (8.0, 0.5), (10.0, 0.5)],
];
/// Deviation, farthest exchange, rounds.
const GLASS: Constants<(f64, usize, usize)> = [
    [(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)],
    [(0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)],
    [(0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)],
];
/// Radius and deviation of one half of a bell.
const MOTION: Constants<(usize, f64)> = [
    [(6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)],
    [(10, 1.0), (10, 1.5), (10, 2.0), (10, 2.5), (12, 3.0)],
    [(10, 3.0), (15, 5.0), (15, 8.0), (15, 12.0), (20, 15.0)],
];
/// End and step of the factors that begin at 1.
const ZOOM: Constants<(f64, f64)> = [
    [(1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)],
    [(1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)],
    [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)],
];
/// Weight of the fog, and how fast its heights calm down.
const FOG: Constants<(f64, f64)> = [
    [(0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)],
    [(0.4, 3.0), (0.7, 3.0), (1.0, 2.5), (1.5, 2.0), (2.0, 1.75)],
    [(1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)],
];
const BRIGHTNESS: Constants<f64> =
    [[0.05, 0.1, 0.15, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5], [0.1, 0.2, 0.3, 0.4, 0.5]];
const CONTRAST: Constants<f64> =
    [[0.75, 0.5, 0.4, 0.3, 0.15], [0.4, 0.3, 0.2, 0.1, 0.05], [0.4, 0.3, 0.2, 0.1, 0.05]];
/// Factor and constant.
const SATURATE: Constants<(f64, f64)> = [
    [(0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)],
    [(0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (30.0, 0.2)],
    [(0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2)],
];
/// Share of the side that is left.
const PIXELATE: Constants<f64> =
    [[0.95, 0.9, 0.85, 0.75, 0.65], [0.9, 0.8, 0.7, 0.6, 0.5], [0.6, 0.5, 0.4, 0.3, 0.25]];
const QUALITY: Constants<u32> = [[80, 65, 58, 50, 40], [65, 58, 50, 40, 25], [25, 18, 15, 10, 7]];

impl Corruption {
    /// All of them, in the paper's order: noise, blur, weather, digital.
    pub const ALL: [Self; 13] = [
        Self::GaussianNoise,
        Self::ShotNoise,
        Self::ImpulseNoise,
        Self::DefocusBlur,
        Self::GlassBlur,
        Self::MotionBlur,
        Self::ZoomBlur,
        Self::Fog,
        Self::Brightness,
        Self::Contrast,
        Self::Saturate,
        Self::Pixelate,
        Self::Jpeg,
    ];

    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GaussianNoise => "gaussian-noise",
            Self::ShotNoise => "shot-noise",
            Self::ImpulseNoise => "impulse-noise",
            Self::DefocusBlur => "defocus-blur",
            Self::GlassBlur => "glass-blur",
            Self::MotionBlur => "motion-blur",
            Self::ZoomBlur => "zoom-blur",
            Self::Fog => "fog",
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Saturate => "saturate",
            Self::Pixelate => "pixelate",
            Self::Jpeg => "jpeg",
        }
    }

    /// The image damaged. A severity beyond 1–5 counts as the nearest; what is random is a function of (corruption, severity,
    /// sample) alone, so that all networks are shown the same damage.
    #[must_use]
    pub fn apply(self, image: &Pixels, severity: u8, sample: u64) -> Pixels {
        let severity = severity.clamp(*SEVERITIES.start(), *SEVERITIES.end());
        let set = CorruptionSet::of(image.width().min(image.height()));
        let operation = format!("corruption/{}/{severity}", self.name());
        self.damaged(image, set, usize::from(severity) - 1, &mut Stream::new(0, &operation, 0, sample))
    }

    /// [`Corruption::apply`] with the constants of a set, `level` from 0.
    fn damaged(self, image: &Pixels, set: CorruptionSet, level: usize, stream: &mut Stream) -> Pixels {
        fn of<T: Copy>(constants: &Constants<T>, set: CorruptionSet, level: usize) -> T {
            constants[set as usize][level]
        }
        let pixels = match self {
            Self::GaussianNoise => {
                let sigma = of(&NOISE, set, level) as f32;
                image.clone().changed(|values| noise::add_normals(values, 0.0, sigma, stream))
            }
            Self::ShotNoise => {
                let photons = of(&PHOTONS, set, level);
                image.clone().changed(|values| {
                    for value in values {
                        let seen = poisson(f64::from(value.clamp(0.0, 1.0)) * photons, stream.uniform());
                        *value = (seen / photons) as f32;
                    }
                })
            }
            Self::ImpulseNoise => {
                let share = of(&IMPULSES, set, level);
                image.clone().changed(|values| {
                    for value in values {
                        if stream.coin(share) {
                            *value = if stream.coin(0.5) { 1.0 } else { 0.0 };
                        }
                    }
                })
            }
            Self::DefocusBlur => blur::defocused(image, of(&DEFOCUS, set, level)),
            Self::GlassBlur => blur::through_glass(image, of(&GLASS, set, level), &mut |n| stream.below(n)),
            Self::MotionBlur => blur::moved(image, of(&MOTION, set, level), stream.range(-45.0, 45.0)),
            Self::ZoomBlur => blur::zooming(image, of(&ZOOM, set, level)),
            Self::Fog => fog::fogged(image, of(&FOG, set, level), &mut || stream.uniform()),
            Self::Brightness => {
                let more = of(&BRIGHTNESS, set, level) as f32;
                image.clone().changed(|values| colour::each_pixel(values, |pixel| brighter(pixel, more)))
            }
            Self::Contrast => image.clone().changed(|values| {
                colour::change(values, &[Change::Contrast(of(&CONTRAST, set, level) as f32)]);
            }),
            Self::Saturate => {
                let (factor, more) = of(&SATURATE, set, level);
                image.clone().changed(|values| {
                    colour::each_pixel(values, |pixel| saturated(pixel, factor as f32, more as f32));
                })
            }
            Self::Pixelate => pixelated(image, of(&PIXELATE, set, level)),
            Self::Jpeg => jpeg::compressed(&Levels::of(image), of(&QUALITY, set, level)).into_pixels(),
        };
        pixels.changed(colour::clip)
    }
}

/// V of HSV raised and clipped. Hue and saturation stay where all channels are multiplied by the same number.
#[inline(always)]
fn brighter(pixel: [f32; 3], more: f32) -> [f32; 3] {
    let value = larger(larger(pixel[0], pixel[1]), pixel[2]);
    let wanted = smaller(larger(value + more, 0.0), 1.0);
    let factor = if value > 0.0 { wanted / value } else { 0.0 };
    pixel.map(|channel| if value > 0.0 { channel * factor } else { wanted })
}

/// S of HSV multiplied, raised and clipped.
#[inline(always)]
fn saturated(pixel: [f32; 3], factor: f32, more: f32) -> [f32; 3] {
    let [r, g, b] = pixel;
    let value = larger(larger(r, g), b);
    let chroma = value - smaller(smaller(r, g), b);
    let coloured = chroma > 0.0 && value > 0.0;
    let saturation = if coloured { chroma / value } else { 0.0 };
    let wanted = smaller(larger(saturation * factor + more, 0.0), 1.0);
    let share = if coloured { wanted / saturation } else { 0.0 };
    let paler = value * (1.0 - wanted);
    if coloured { pixel.map(|channel| value - (value - channel) * share) } else { [value, paler, paler] }
}

/// Shrunk to `share` of both sides and enlarged again, both as Pillow's `BOX`.
fn pixelated(image: &Pixels, share: f64) -> Pixels {
    let (width, height) = (image.width(), image.height());
    let small = |side: usize| ((side as f64 * share) as usize).max(1);
    let shrunk = boxes(image, small(width), small(height));
    boxes(&shrunk, width, height)
}

/// Every new pixel is the mean of the old ones whose centres lie in its place; where there is none, the nearest.
fn boxes(image: &Pixels, width: usize, height: usize) -> Pixels {
    let spans = |from: usize, to: usize| -> Vec<std::ops::Range<usize>> {
        let scale = from as f64 / to as f64;
        let reach = (scale / 2.0).max(0.5);
        let inside = |centre: f64, at: usize| {
            let place = (at as f64 + 0.5 - centre) / (2.0 * reach);
            -0.5 < place && place <= 0.5
        };
        let span = |index: usize| {
            let centre = (index as f64 + 0.5) * scale;
            let low = ((centre - reach + 0.5) as usize).min(from - 1);
            let high = ((centre + reach + 0.5) as usize).min(from).max(low + 1);
            let mut members = (low..high).filter(|&at| inside(centre, at));
            let first = members.next().unwrap_or(low);
            first..members.next_back().unwrap_or(first) + 1
        };
        (0..to).map(span).collect()
    };
    let (columns, rows) = (spans(image.width(), width), spans(image.height(), height));
    let mut values = Vec::with_capacity(width * height * 3);
    for rows in &rows {
        for columns in &columns {
            let mut sums = [0.0; 3];
            for row in rows.clone() {
                let line = &image.values()[(row * image.width() + columns.start) * 3..][..columns.len() * 3];
                line.as_chunks::<3>().0.iter().for_each(|pixel| (0..3).for_each(|c| sums[c] += pixel[c]));
            }
            values.extend(sums.map(|sum| sum / (rows.len() * columns.len()) as f32));
        }
    }
    Pixels::from_parts(width, height, values)
}

/// Cells along each side of an image of which some are hidden.
const CELLS_A_SIDE: usize = 8;
/// Cells of an image of which some are hidden.
pub const CELLS: usize = CELLS_A_SIDE * CELLS_A_SIDE;

/// The image with `hidden` of its [`CELLS`] covered by middle grey (after Naseer et al., "Intriguing Properties of Vision Transformers",
/// NeurIPS 2021: random patch drop, on a grid of 8 × 8). Which ones is a function of the sample, and those hidden first stay hidden when more are.
#[must_use]
pub fn occluded(image: &Pixels, hidden: usize, sample: u64) -> Pixels {
    let (width, height) = (image.width(), image.height());
    let cells = Stream::new(0, "occlusion", 0, sample).permutation(CELLS);
    let span = |cell: usize, side: usize| cell * side / CELLS_A_SIDE..(cell + 1) * side / CELLS_A_SIDE;
    image.clone().changed(|values| {
        for cell in cells.into_iter().take(hidden) {
            let columns = span(cell % CELLS_A_SIDE, width);
            for row in span(cell / CELLS_A_SIDE, height) {
                values[(row * width + columns.start) * 3..(row * width + columns.end) * 3].fill(0.5);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{assert_close, bytes, count, floats, list, number, read};

    fn picture(width: usize, height: usize) -> Pixels {
        let values = (0..width * height * 3).map(|k| ((k * 37 % 101) as f32) / 100.0).collect();
        Pixels::from_parts(width, height, values)
    }

    /// The numbers that the fixture's script gave in place of random ones.
    fn numbers() -> impl FnMut() -> f64 {
        let mut drawn = 0.0;
        move || {
            drawn += 1.0;
            (drawn * 0.618_033_988_749_895) % 1.0
        }
    }

    #[test]
    fn what_is_not_random_and_what_is_given_its_random_numbers_is_as_published() {
        let fixture = read("corruptions.json");
        let (width, height) = (count(&fixture["width"]), count(&fixture["height"]));
        let image = Levels { width, height, values: bytes(&fixture["pixels"]) }.into_pixels();
        let set = CorruptionSet::ImagenetC;
        let kept = |ours: &Pixels| -> Vec<f32> {
            ours.values()
                .chunks_exact(width * 3)
                .step_by(count(&fixture["every"]))
                .flatten()
                .copied()
                .collect()
        };
        let mut seen = Vec::new();
        for case in list(&fixture["cases"]) {
            let name = case["corruption"].as_str().unwrap();
            let level = count(&case["severity"]) - 1;
            let corruption = Corruption::ALL.into_iter().find(|c| c.name() == name).unwrap();
            let constants = set as usize;
            let mut uniform = numbers();
            let mut ours = match corruption {
                Corruption::GlassBlur => blur::through_glass(&image, GLASS[constants][level], &mut |n| {
                    (uniform() * n as f64) as usize
                }),
                Corruption::MotionBlur => {
                    blur::moved(&image, MOTION[constants][level], number(&case["angle"]))
                }
                Corruption::Fog => fog::fogged(&image, FOG[constants][level], &mut uniform),
                other => other.damaged(&image, set, level, &mut Stream::new(0, "none", 0, 0)),
            };
            ours = ours.changed(colour::clip);
            let bound = match corruption {
                // Pillow rounds to 256 levels after each of two passes.
                Corruption::Pixelate => 1.0 / 255.0 + 1e-6,
                // Where a blurred value lies on the border of two levels, one of them is taken; blurred again.
                Corruption::GlassBlur => 1.0 / 255.0,
                _ => 5e-6,
            };
            assert_close(&kept(&ours), &floats(&case["result"]), bound, &format!("{name} {}", level + 1));
            seen.push(name);
        }
        seen.dedup();
        assert_eq!(seen.len(), 10, "{seen:?}");
        for case in list(&fixture["disks"]) {
            let (radius, alias) = (number(&case["radius"]), number(&case["alias"]));
            let ours = blur::defocused(&image, (radius, alias));
            assert_close(&kept(&ours), &floats(&case["result"]), 5e-6, &format!("disk {radius} {alias}"));
        }
    }

    #[test]
    fn each_size_has_its_published_set() {
        let sets = [32, 45, 46, 64, 119, 120, 224].map(|side| CorruptionSet::of(side).title());
        let (small, middle, large) = ("CIFAR-10-C", "Tiny ImageNet-C", "ImageNet-C");
        assert_eq!(sets, [small, small, middle, middle, middle, large, large]);
        let written = serde_json::to_string(&CorruptionSet::TinyImagenetC).unwrap();
        assert_eq!(written, "\"tiny-imagenet-c\"");
        for corruption in Corruption::ALL {
            assert_eq!(serde_json::to_value(corruption).unwrap(), corruption.name());
        }
    }

    #[test]
    fn damage_grows_with_severity_in_every_set() {
        for side in [32, 64, 160] {
            // As smooth as photographs are.
            let wave = |k: usize| {
                let (x, y, c) = (k / 3 % side, k / 3 / side, k % 3);
                0.5 + 0.4 * (x as f32 / 5.0 + c as f32).sin() * (y as f32 / 4.0).cos()
            };
            let image = Pixels::from_parts(side, side, (0..side * side * 3).map(wave).collect());
            for corruption in Corruption::ALL {
                let error = |severity| {
                    let damaged = corruption.apply(&image, severity, 3);
                    let squares = damaged
                        .values()
                        .iter()
                        .zip(image.values())
                        .map(|(a, b)| f64::from((a - b) * (a - b)));
                    squares.sum::<f64>()
                };
                // Saturation first fades, then floods.
                let mildest = if corruption == Corruption::Saturate { 3 } else { 1 };
                assert!(error(5) > error(mildest), "{corruption:?} {side}");
                assert!(error(mildest) > 0.0, "{corruption:?} {side}");
            }
        }
    }

    #[test]
    fn noise_has_the_published_mean_and_spread() {
        let grey = Pixels::from_parts(128, 128, vec![0.5; 128 * 128 * 3]);
        let moments = |corruption: Corruption, severity| {
            let damaged = corruption.apply(&grey, severity, 1);
            let n = damaged.values().len() as f64;
            let mean = damaged.values().iter().map(|v| f64::from(*v)).sum::<f64>() / n;
            let squares = damaged.values().iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>();
            (mean, (squares / n).sqrt())
        };
        // 49,152 values: bounds are five standard errors.
        let (mean, spread) = moments(Corruption::GaussianNoise, 1);
        assert!((mean - 0.5).abs() < 0.0019 && (spread - 0.08).abs() < 0.0013, "{mean} {spread}");
        // The deviation of a Poisson variable is the root of its mean.
        for (severity, photons) in [(1u8, 60.0f64), (2, 25.0)] {
            let (mean, spread) = moments(Corruption::ShotNoise, severity);
            let expected = (0.5 * photons).sqrt() / photons;
            assert!((mean - 0.5).abs() < 5.0 * expected / 221.0, "{mean}");
            assert!((spread - expected).abs() < 0.02 * expected, "{spread} {expected}");
        }
        // A share of 0.27 of the values is half a unit off.
        let (mean, spread) = moments(Corruption::ImpulseNoise, 5);
        assert!(
            (mean - 0.5).abs() < 0.006 && (spread - 0.5 * 0.27f64.sqrt()).abs() < 0.005,
            "{mean} {spread}"
        );
    }

    #[test]
    fn more_of_an_image_is_hidden_never_less_and_exactly_as_much_as_was_asked_for() {
        let white = Pixels::from_parts(64, 48, vec![1.0; 64 * 48 * 3]);
        let mut before = white.clone();
        for hidden in 0..=CELLS {
            let image = occluded(&white, hidden, 11);
            let grey = image.values().iter().filter(|v| **v == 0.5).count();
            assert_eq!(grey * CELLS, hidden * white.values().len());
            assert!(image.values().iter().zip(before.values()).all(|(now, before)| now <= before));
            before = image;
        }
        assert_ne!(occluded(&white, 9, 1), occluded(&white, 9, 2));
        assert_eq!(occluded(&white, 1000, 1), occluded(&white, CELLS, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_damage_keeps_the_size_and_the_range_and_is_the_same_every_time(
            width in 1usize..40, height in 1usize..40, severity in 0u8..8, sample: u64, which in 0usize..13,
        ) {
            let image = picture(width, height);
            let corruption = Corruption::ALL[which];
            let damaged = corruption.apply(&image, severity, sample);
            prop_assert_eq!((damaged.width(), damaged.height()), (width, height));
            prop_assert!(damaged.values().iter().all(|v| (0.0..=1.0).contains(v)));
            prop_assert_eq!(&damaged, &corruption.apply(&image, severity, sample));
        }
    }
}

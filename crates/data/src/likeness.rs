//! Images that look the same though their files differ: scaled, compressed again, brighter, cut a little, mirrored.
//!
//! Of each image a grey picture of [`SIDE`] × [`SIDE`] is kept. Two difference hashes (Krawetz, "Kind of like that", 2013), across and
//! down, 64 bits each, find candidates; the pictures decide: an image is a copy of another where at most [`HASH_BITS`] of 128 bits
//! differ and the pictures correlate by at least [`CORRELATION`].
//!
//! A copy that was cut shows a window of its original, and a mirrored one the other way round. So each image is compared not only as
//! it is: also with [`CUT`] of its width or height taken off at any of its four sides, and all that mirrored, 32 views in all. Since the
//! comparison tolerates about two hundredths at a side, cuts up to five hundredths are found. Turned copies are not looked for.
//!
//! What it finds and what it takes for a copy that is none, measured by `cargo run --example likeness_recall`, stands in
//! `docs/decisions/0015-splits-without-leaks.md`.
//!
//! Candidates are found without comparing every image with every other (Norouzi, Punjani and Fleet, "Fast search in Hamming
//! space with multi-index hashing", CVPR 2012): of 8 stretches of 16 bits, one differs in at most 14 / 8 = 1 bit, so an image
//! is compared only with those that share a stretch up to one bit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::RgbImage;
use crate::sets::Sets;

/// Bits of 128 that may differ.
pub(crate) const HASH_BITS: u32 = 14;
/// The least correlation of the grey pictures.
pub(crate) const CORRELATION: f32 = 0.95;
/// An image is plain where fewer of its hash's 128 comparisons are decided by more than [`DECIDED`] levels: a drawing, a digit, a thing
/// on an empty ground. Different ones of them look much alike …
const PLAIN: u32 = 96;
const DECIDED: f32 = 2.0;
/// Levels that count as a rise: less is what compression makes of an even ground.
const RISE: f32 = 1.0;
/// … so that copies of them must correlate by so much.
const CORRELATION_OF_PLAIN: f32 = 0.99;
/// Pixels of the grey picture, each way.
pub(crate) const SIDE: usize = 24;
/// Pixels of what is correlated, each way.
const COMPARED: usize = 16;
/// Share of the width or height that a view lacks at a side, or not.
const CUT: f32 = 0.035;
const BANDS: usize = 8;
/// More images than this in one bucket are all of one look (drawings, digits); they are compared with as many of their
/// neighbours only.
const MOST_IN_BUCKET: usize = 512;
/// Images compared side by side, before what was found is put together: of those that are known to belong together, none are
/// compared any more.
const BLOCK: usize = 1024;

/// What is kept of an image's look: a grey picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    picture: Box<[u8; SIDE * SIDE]>,
}

impl Look {
    /// Of a decoded image.
    #[must_use]
    pub fn of(image: &RgbImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let mut sums = [0u64; SIDE * SIDE];
        let mut luma = vec![0u32; width];
        let mut row_sums = [0u64; SIDE];
        let column_bins = bins(width);
        for (y, row) in image.pixels().chunks_exact(width * 3).enumerate() {
            for (luma, pixel) in luma.iter_mut().zip(row.as_chunks::<3>().0) {
                // ITU-R BT.601, as Pillow's conversion to grey, times 1000.
                *luma = 299 * u32::from(pixel[0]) + 587 * u32::from(pixel[1]) + 114 * u32::from(pixel[2]);
            }
            for (sum, bin) in row_sums.iter_mut().zip(&column_bins) {
                *sum = bin.sum(&luma);
            }
            // A row covers SIDE units; a row of the picture covers `height` of them.
            let (top, bottom) = (y * SIDE, (y + 1) * SIDE);
            for bin in top / height..=(bottom - 1) / height {
                let covered = bottom.min((bin + 1) * height) - top.max(bin * height);
                for (sum, of_row) in sums[bin * SIDE..].iter_mut().zip(&row_sums) {
                    *sum += of_row * covered as u64;
                }
            }
        }
        let area = 1000 * (width as u64) * (height as u64);
        let mut picture = Box::new([0; SIDE * SIDE]);
        picture.iter_mut().zip(sums).for_each(|(pixel, sum)| *pixel = ((sum + area / 2) / area) as u8);
        Self { picture }
    }

    /// From bytes that [`Look::bytes`] gave.
    pub(crate) fn from_bytes(bytes: &[u8; SIDE * SIDE]) -> Self {
        Self { picture: Box::new(*bytes) }
    }

    pub(crate) fn bytes(&self) -> &[u8; SIDE * SIDE] {
        &self.picture
    }

    fn mirrored(&self) -> Self {
        let mut picture = self.picture.clone();
        picture.chunks_exact_mut(SIDE).for_each(<[u8]>::reverse);
        Self { picture }
    }
}

/// The pixels of a row that one pixel of the picture covers: whole ones and parts of the first and last, in units of 1 / SIDE.
struct Bin {
    first: usize,
    first_part: u64,
    last: usize,
    last_part: u64,
}

impl Bin {
    fn sum(&self, luma: &[u32]) -> u64 {
        if self.first == self.last {
            return u64::from(luma[self.first]) * self.first_part;
        }
        let whole: u64 = luma[self.first + 1..self.last].iter().map(|&luma| u64::from(luma)).sum();
        let last = if self.last_part > 0 { u64::from(luma[self.last]) * self.last_part } else { 0 };
        u64::from(luma[self.first]) * self.first_part + whole * SIDE as u64 + last
    }
}

fn bins(length: usize) -> Vec<Bin> {
    let bin = |number: usize| {
        let (from, to) = (number * length, (number + 1) * length);
        let (first, last) = (from / SIDE, to / SIDE);
        let first_part = if first == last { to - from } else { (first + 1) * SIDE - from };
        Bin { first, first_part: first_part as u64, last, last_part: (to % SIDE) as u64 }
    };
    (0..SIDE).map(bin).collect()
}

/// Sums of a picture over all rectangles that begin in its upper left corner: whole numbers, so nothing is rounded.
struct Sums([f32; (SIDE + 1) * (SIDE + 1)]);

impl Sums {
    fn of(look: &Look) -> Self {
        let mut sums = [0.0; (SIDE + 1) * (SIDE + 1)];
        for (y, row) in look.picture.chunks_exact(SIDE).enumerate() {
            let mut sum = 0.0;
            for (x, &pixel) in row.iter().enumerate() {
                sum += f32::from(pixel);
                sums[(y + 1) * (SIDE + 1) + x + 1] = sums[y * (SIDE + 1) + x + 1] + sum;
            }
        }
        Self(sums)
    }

    /// Means over a grid of cells of a window, row by row, 0–255.
    fn cells<const COLUMNS: usize, const ROWS: usize>(&self, window: &Window, cells: &mut [f32]) {
        let columns = edges::<COLUMNS>(window.left, window.right);
        let rows = edges::<ROWS>(window.top, window.bottom);
        let (mut above, mut below) = ([0.0f32; 17], [0.0f32; 17]);
        let line = |(y, part): (usize, f32), line: &mut [f32; 17]| {
            let upper = &self.0[y * (SIDE + 1)..][..=SIDE];
            let lower = &self.0[(y + 1).min(SIDE) * (SIDE + 1)..][..=SIDE];
            for (value, &(x, along)) in line.iter_mut().zip(&columns[..=COLUMNS]) {
                let next = (x + 1).min(SIDE);
                let upper = upper[x] + along * (upper[next] - upper[x]);
                let lower = lower[x] + along * (lower[next] - lower[x]);
                *value = upper + part * (lower - upper);
            }
        };
        line(rows[0], &mut above);
        let area = (window.right - window.left) * (window.bottom - window.top) * (SIDE * SIDE) as f32
            / (COLUMNS * ROWS) as f32;
        for row in 0..ROWS {
            line(rows[row + 1], &mut below);
            for column in 0..COLUMNS {
                let sum = (below[column + 1] - below[column]) - (above[column + 1] - above[column]);
                cells[row * COLUMNS + column] = sum / area;
            }
            above = below;
        }
    }

    /// The hash, and how many of its bits are decided.
    fn hash(&self, window: &Window) -> (u128, u32) {
        let (mut across, mut down) = ([0.0; 72], [0.0; 72]);
        self.cells::<9, 8>(window, &mut across);
        self.cells::<8, 9>(window, &mut down);
        let rises = across.chunks_exact(9).flat_map(|row| row.windows(2).map(|pair| pair[1] - pair[0]));
        let falls = (0..64).map(|at| down[at + 8] - down[at]);
        rises.chain(falls).fold((0, 0), |(hash, decided), step| {
            (hash << 1 | u128::from(step > RISE), decided + u32::from(step.abs() > DECIDED))
        })
    }

    fn compared(&self, window: &Window, decided: u32) -> Compared {
        let mut values = [0.0; COMPARED * COMPARED];
        self.cells::<COMPARED, COMPARED>(window, &mut values);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter_mut().for_each(|value| *value -= mean);
        let square = values.iter().map(|value| value * value).sum();
        Compared { values, mean, square, plain: decided < PLAIN }
    }
}

/// Where the edges of a number of cells lie on the picture: pixel and part of it.
fn edges<const COUNT: usize>(from: f32, to: f32) -> [(usize, f32); 17] {
    let mut edges = [(0, 0.0); 17];
    for (number, edge) in edges.iter_mut().enumerate().take(COUNT + 1) {
        let at = (from + (to - from) * number as f32 / COUNT as f32) * SIDE as f32;
        let pixel = (at as usize).min(SIDE);
        *edge = (pixel, at - pixel as f32);
    }
    edges
}

/// A part of a picture, in shares of its sides.
#[derive(Clone, Copy)]
struct Window {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

/// All of it.
const WHOLE: Window = Window { left: 0.0, right: 1.0, top: 0.0, bottom: 1.0 };

/// The whole first, then with something cut off at each choice of sides.
fn windows() -> impl Iterator<Item = Window> {
    (0..16).map(|cut| {
        let at = |side: u32| if cut >> side & 1 == 1 { CUT } else { 0.0 };
        Window { left: at(0), right: 1.0 - at(1), top: at(2), bottom: 1.0 - at(3) }
    })
}

/// What is correlated.
struct Compared {
    /// Less their mean.
    values: [f32; COMPARED * COMPARED],
    mean: f32,
    /// Sum of squares of the values.
    square: f32,
    /// See [`PLAIN`].
    plain: bool,
}

impl Compared {
    fn is_like(&self, other: &Self) -> bool {
        let least = if self.plain || other.plain { CORRELATION_OF_PLAIN } else { CORRELATION };
        self.correlation(other) >= least
    }

    /// Pearson's. Two even pictures correlate fully, an even one with another not at all.
    fn correlation(&self, other: &Self) -> f32 {
        // Less than one level of spread is no picture.
        let even = (COMPARED * COMPARED) as f32;
        match (self.square < even, other.square < even) {
            (true, true) if (self.mean - other.mean).abs() < 2.0 => 1.0,
            (false, false) => {
                let mut sums = [0.0f32; 16];
                for (a, b) in self.values.as_chunks::<16>().0.iter().zip(other.values.as_chunks::<16>().0) {
                    sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
                }
                sums.iter().sum::<f32>() / (self.square * other.square).sqrt()
            }
            _ => 0.0,
        }
    }
}

/// Images by the stretches of their hashes.
struct Index {
    hashes: Vec<u128>,
    /// Per band: where each bucket begins, and the images of all buckets, ascending in each.
    bands: Vec<(Vec<u32>, Vec<u32>)>,
}

impl Index {
    fn of(hashes: Vec<u128>) -> Self {
        let bands = (0..BANDS)
            .map(|band| {
                let mut starts = vec![0u32; (1 << 16) + 1];
                hashes.iter().for_each(|&hash| starts[usize::from(stretch(hash, band)) + 1] += 1);
                (0..1 << 16).for_each(|key| starts[key + 1] += starts[key]);
                let mut next = starts.clone();
                let mut images = vec![0u32; hashes.len()];
                for (image, &hash) in hashes.iter().enumerate() {
                    let place = &mut next[usize::from(stretch(hash, band))];
                    images[*place as usize] = image as u32;
                    *place += 1;
                }
                (starts, images)
            })
            .collect();
        Self { hashes, bands }
    }

    /// Images from `from` on whose hash is near, some of them more than once: those that share a stretch, where one of its first
    /// `flips` bits may differ.
    fn near(&self, hash: u128, from: u32, flips: u16, mut found: impl FnMut(usize)) {
        for (band, (starts, images)) in self.bands.iter().enumerate() {
            let key = stretch(hash, band);
            for near in std::iter::once(key).chain((0..flips).map(|bit| key ^ (1 << bit))) {
                let (start, end) = (starts[usize::from(near)], starts[usize::from(near) + 1]);
                let bucket = &images[start as usize..end as usize];
                let first = bucket.partition_point(|&image| image < from);
                for &image in bucket[first..].iter().take(MOST_IN_BUCKET) {
                    if (self.hashes[image as usize] ^ hash).count_ones() <= HASH_BITS {
                        found(image as usize);
                    }
                }
            }
        }
    }
}

fn stretch(hash: u128, band: usize) -> u16 {
    (hash >> (16 * band)) as u16
}

/// Sets of images that look the same, each ascending, in the order of their first image. Images are `None` where there is
/// nothing to compare. An image is in a set if it is a copy of any other of the set, or any other of it.
#[must_use]
pub fn alike(looks: &[Option<Look>]) -> Vec<Vec<usize>> {
    alike_until(looks, &AtomicBool::new(false)).unwrap_or_default()
}

/// [`alike`]; `None` where it was stopped.
pub(crate) fn alike_until(looks: &[Option<Look>], stop: &AtomicBool) -> Option<Vec<Vec<usize>>> {
    let mut sets = Sets::new(looks.len());
    let there: Vec<(usize, &Look)> =
        looks.iter().enumerate().filter_map(|(index, look)| Some((index, look.as_ref()?))).collect();
    let hashes: Vec<(u128, u32)> = there.par_iter().map(|(_, look)| Sums::of(look).hash(&WHOLE)).collect();

    // Equal hashes first: of such a run only the first goes on, so that a thousand even images cost a thousand steps.
    let mut by_hash: HashMap<u128, Vec<usize>> = HashMap::new();
    hashes.iter().enumerate().for_each(|(place, &(hash, _))| by_hash.entry(hash).or_default().push(place));
    let mut distinct: Vec<usize> = Vec::new();
    for equal in by_hash.into_values() {
        let mut kinds: Vec<(usize, Compared)> = Vec::new();
        for place in equal {
            let compared = Sums::of(there[place].1).compared(&WHOLE, hashes[place].1);
            let same = kinds.iter().take(MOST_IN_BUCKET).find(|kind| kind.1.is_like(&compared));
            match same {
                Some(kind) => sets.join(there[kind.0].0, there[place].0),
                None => kinds.push((place, compared)),
            }
        }
        distinct.extend(kinds.into_iter().map(|kind| kind.0));
    }
    distinct.sort_unstable();
    let distinct_hashes: Vec<u128> = distinct.iter().map(|&place| hashes[place].0).collect();

    let images: Vec<Distinct<'_>> = distinct
        .into_iter()
        .map(|place| Distinct { image: there[place].0, look: there[place].1, decided: hashes[place].1 })
        .collect();
    let index = Index::of(distinct_hashes);
    for mirrored in [false, true] {
        for (number, window) in windows().enumerate() {
            for start in (0..images.len()).step_by(BLOCK) {
                if stop.load(Ordering::Relaxed) {
                    return None;
                }
                let block = start..(start + BLOCK).min(images.len());
                let pairs: Vec<(usize, usize)> = block
                    .into_par_iter()
                    .flat_map_iter(|place| copies(&images, &index, &sets, place, mirrored, number, &window))
                    .collect();
                pairs.into_iter().for_each(|(a, b)| sets.join(images[a].image, images[b].image));
            }
        }
    }
    Some(sets.of_several())
}

/// An image whose hash no image before it has, or not with this picture.
struct Distinct<'a> {
    image: usize,
    look: &'a Look,
    decided: u32,
}

/// The images that are copies of one view of another, those left out that belong together already.
fn copies(
    images: &[Distinct<'_>],
    index: &Index,
    sets: &Sets,
    place: usize,
    mirrored: bool,
    number: usize,
    window: &Window,
) -> Vec<(usize, usize)> {
    let Distinct { image, look, decided } = images[place];
    if number > 0 && decided < PLAIN {
        return Vec::new();
    }
    let sums = if mirrored { Sums::of(&look.mirrored()) } else { Sums::of(look) };
    let (hash, decided) = sums.hash(window);
    // Whole images are alike both ways.
    let from = if number == 0 { place as u32 + 1 } else { 0 };
    let mut candidates = Vec::new();
    // A view that was cut right shares more bits than a whole image and its worst copy.
    let flips = if number == 0 { 16 } else { 0 };
    index.near(hash, from, flips, |other| candidates.push(other));
    candidates.sort_unstable();
    candidates.dedup();
    let root = sets.root(image);
    candidates.retain(|&other| other != place && sets.root(images[other].image) != root);
    if candidates.is_empty() {
        return Vec::new();
    }
    let compared = sums.compared(window, decided);
    let is_copy = |&other: &usize| {
        let Distinct { look, decided, .. } = images[other];
        compared.is_like(&Sums::of(look).compared(&WHOLE, decided))
    };
    candidates.into_iter().filter(is_copy).map(|other| (place, other)).collect()
}

#[cfg(test)]
mod tests;

use super::*;
use crate::{Region, resize};
use bakeoff_random::Stream;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;

/// Waves of random directions, the longer ones the stronger, as in photographs.
fn picture(number: usize) -> RgbImage {
    let mut stream = Stream::new(5, "picture", 0, number as u64);
    let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
    let waves: Vec<[f64; 5]> = (0..14)
        .map(|_| {
            let (x, y) = (between(-5.0, 5.0), between(-5.0, 5.0));
            let strength = 90.0 / (1.0 + x.hypot(y));
            [x, y, between(0.0, std::f64::consts::TAU), strength, between(0.5, 1.0)]
        })
        .collect();
    let (width, height) = (96, 80);
    let mut pixels = Vec::new();
    for at in 0..width * height {
        let (x, y) = ((at % width) as f64 / width as f64, (at / width) as f64 / height as f64);
        for channel in 0..3 {
            let of_wave = |[fx, fy, phase, strength, tint]: &[f64; 5]| {
                let tint = if channel == 1 { 1.0 } else { *tint };
                tint * strength * (std::f64::consts::TAU * (fx * x + fy * y) + phase).cos()
            };
            pixels.push((128.0 + waves.iter().map(of_wave).sum::<f64>()).clamp(0.0, 255.0) as u8);
        }
    }
    RgbImage::new(width, height, pixels).unwrap()
}

fn window(image: &RgbImage, region: Region, width: usize, height: usize) -> RgbImage {
    let pixels = resize(image, region, width, height, true);
    RgbImage::new(width, height, pixels.iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect())
        .unwrap()
}

fn changed(image: &RgbImage, change: impl Fn(f32) -> f32) -> RgbImage {
    let pixels = image.pixels().iter().map(|&value| change(f32::from(value)).round().clamp(0.0, 255.0) as u8);
    RgbImage::new(image.width(), image.height(), pixels.collect()).unwrap()
}

fn mirrored(image: &RgbImage) -> RgbImage {
    let rows = image.pixels().chunks_exact(3 * image.width());
    let pixels = rows.flat_map(|row| row.as_chunks::<3>().0.iter().rev().flatten().copied());
    RgbImage::new(image.width(), image.height(), pixels.collect()).unwrap()
}

fn compressed(image: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    let (width, height) = (image.width() as u32, image.height() as u32);
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .write_image(image.pixels(), width, height, ExtendedColorType::Rgb8)
        .unwrap();
    crate::decode(&bytes).unwrap()
}

/// A copy of a kind, the amounts drawn.
fn copy(image: &RgbImage, kind: usize, stream: &mut Stream) -> RgbImage {
    let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
    let (width, height) = (image.width(), image.height());
    match kind {
        0 => {
            let scale = between(0.5, 2.0);
            let side = |length: usize| (length as f64 * scale).round() as usize;
            window(image, Region::whole(image), side(width), side(height))
        }
        1 => compressed(image, between(50.0, 95.0) as u8),
        2 => {
            let mut cut = |length: usize| (length as f64 * between(0.0, 0.05)).round() as usize;
            let (left, right, top, bottom) = (cut(width), cut(width), cut(height), cut(height));
            let region =
                Region { x: left, y: top, width: width - left - right, height: height - top - bottom };
            window(image, region, region.width, region.height)
        }
        3 => mirrored(image),
        _ => {
            let (factor, offset) = (between(0.8, 1.25) as f32, between(-12.0, 12.0) as f32);
            changed(image, |value| factor * value + offset)
        }
    }
}

#[test]
fn copies_of_every_kind_are_found_and_other_pictures_are_not_taken_for_copies() {
    // Of 80 pictures and as many copies of each kind, so many at least.
    const LEAST: [usize; 5] = [80, 80, 76, 80, 79];
    let pictures: Vec<RgbImage> = (0..80).map(picture).collect();
    let looks: Vec<Option<Look>> = pictures.iter().map(|picture| Some(Look::of(picture))).collect();
    assert_eq!(alike(&looks), Vec::<Vec<usize>>::new(), "different pictures");
    for (kind, least) in LEAST.into_iter().enumerate() {
        let mut all = looks.clone();
        for (number, picture) in pictures.iter().enumerate() {
            let mut stream = Stream::new(kind as u64, "copies", 0, number as u64);
            all.push(Some(Look::of(&copy(picture, kind, &mut stream))));
        }
        let found = alike(&all);
        let right = (0..80).filter(|&number| found.contains(&vec![number, number + 80])).count();
        let wrong = found.iter().filter(|set| set[..] != [set[0], set[0] + 80]).count();
        assert!(right >= least && wrong == 0, "kind {kind}: {right} found, {wrong} wrong");
    }
}

#[test]
fn a_picture_of_few_pixels_covers_what_it_should() {
    // Each pixel of a checkerboard of the picture's own size is one of the picture's.
    let check = |x: usize, y: usize| if (x + y).is_multiple_of(2) { 255 } else { 0 };
    let board = |side: usize, part: usize| {
        let pixels = (0..side * side).flat_map(|at| [check(at % side / part, at / side / part); 3]).collect();
        Look::of(&RgbImage::new(side, side, pixels).unwrap())
    };
    let own: Vec<u8> = (0..SIDE * SIDE).map(|at| check(at % SIDE, at / SIDE)).collect();
    assert_eq!(board(SIDE, 1).picture[..], own);
    assert_eq!(board(3 * SIDE, 3).picture[..], own);
    assert_eq!(board(2, 1).picture[..3], [255; 3]);
    let odd = picture(3);
    assert_eq!(Look::of(&mirrored(&odd)), Look::of(&odd).mirrored());
}

#[test]
fn images_without_a_picture_in_them_are_alike_if_they_are_equally_bright() {
    let even = |grey: u8| Some(Look::of(&RgbImage::new(3, 5, vec![grey; 45]).unwrap()));
    let one = Some(Look::of(&RgbImage::new(1, 1, vec![9, 9, 9]).unwrap()));
    assert_eq!(alike(&[even(0), even(200), None, even(1), even(200), one]), [vec![0, 3], vec![1, 4]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The search finds what comparing every hash finds.
    #[test]
    fn no_near_hash_is_missed(seed in 0u64..1 << 40) {
        let mut stream = Stream::new(seed, "looks", 0, 0);
        let mut hashes: Vec<u128> = Vec::new();
        for _ in 0..60 {
            let mut hash: u128 = match hashes.last() {
                Some(last) if stream.below(3) > 0 => *last,
                _ => (0..128).fold(0, |hash, _| hash << 1 | stream.below(2) as u128),
            };
            for _ in 0..stream.below(14) {
                hash ^= 1 << stream.below(128);
            }
            hashes.push(hash);
        }
        let index = Index::of(hashes.clone());
        for &hash in &hashes {
            let mut found = Vec::new();
            index.near(hash, 0, 16, |place| found.push(place));
            found.sort_unstable();
            found.dedup();
            let near = |place: &usize| (hashes[*place] ^ hash).count_ones() <= HASH_BITS;
            prop_assert_eq!(found, (0..hashes.len()).filter(near).collect::<Vec<_>>());
        }
    }
}

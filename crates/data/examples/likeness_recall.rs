//! How many copies of real images are found by their looks, and how many other images are taken for copies:
//! `cargo run --example likeness_recall -- FOLDER [IMAGES]`.

use std::time::Instant;

use bakeoff_data::{Dataset, Look, Region, RgbImage, SourceConfig, alike, decode, resize};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;

type Copy = (&'static str, Box<dyn Fn(&RgbImage) -> RgbImage + Sync>);

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a folder of images")?;
    let most: usize = arguments.next().map_or(Ok(usize::MAX), |number| number.parse())?;
    let dataset = Dataset::open(&SourceConfig::at(&folder))?;
    let all = dataset.samples().len();
    let step = all.div_ceil(most.max(1)).max(1);
    let places: Vec<usize> = (0..all).step_by(step).collect();
    let images: Vec<_> = places.par_iter().filter_map(|&place| dataset.load(place).ok()).collect();
    let pixels: usize = images.iter().map(|image| image.width() * image.height()).sum();

    let begun = Instant::now();
    let looks: Vec<Option<Look>> = images.iter().map(|image| Some(Look::of(image))).collect();
    let looking = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let found = alike(&looks);
    let n = images.len() as f64;
    println!("{} images of {} pixels on average", images.len(), pixels / images.len().max(1));
    println!(
        "looks: {:.0} ms per 1000 images on one thread; comparing: {:.0} ms per 1000 on all",
        looking * 1e6 / n,
        begun.elapsed().as_secs_f64() * 1e6 / n
    );
    println!("sets among the images themselves: {}", found.len());
    for set in found.iter().take(40) {
        let names: Vec<&str> =
            set.iter().take(4).map(|&at| dataset.samples()[places[at]].id.as_str()).collect();
        println!("  {} ({} images)", names.join(" = "), set.len());
    }
    for (name, copy) in copies() {
        let mut with: Vec<Option<Look>> = looks.clone();
        with.par_extend(images.par_iter().map(|image| Some(Look::of(&copy(image)))));
        let sets = alike(&with);
        let mut set_of = vec![usize::MAX; with.len()];
        sets.iter().enumerate().for_each(|(number, set)| set.iter().for_each(|&at| set_of[at] = number));
        let right = |&at: &usize| set_of[at] != usize::MAX && set_of[at] == set_of[at + images.len()];
        let right = (0..images.len()).filter(right).count();
        println!("{name:36} {:6.2} % found", 100.0 * right as f64 / n);
    }
    Ok(())
}

/// What is done to an image to make a copy of it.
fn copies() -> Vec<Copy> {
    let cut = |left: f64, right: f64, top: f64, bottom: f64| {
        move |image: &RgbImage| {
            let (width, height) = (image.width() as f64, image.height() as f64);
            let (x, y) = ((left * width).round() as usize, (top * height).round() as usize);
            let width = image.width() - x - (right * width).round() as usize;
            let height = image.height() - y - (bottom * height).round() as usize;
            window(image, Region { x, y, width, height }, width, height)
        }
    };
    vec![
        ("half the size", Box::new(|image: &RgbImage| scaled(image, 0.5))),
        ("twice the size", Box::new(|image: &RgbImage| scaled(image, 2.0))),
        ("JPEG, quality 95", Box::new(|image: &RgbImage| compressed(image, 95))),
        ("JPEG, quality 50", Box::new(|image: &RgbImage| compressed(image, 50))),
        ("2 % cut off all around", Box::new(cut(0.02, 0.02, 0.02, 0.02))),
        ("2.5 % cut off all around", Box::new(cut(0.025, 0.025, 0.025, 0.025))),
        ("5 % cut off all around", Box::new(cut(0.05, 0.05, 0.05, 0.05))),
        ("5 % cut off on the left", Box::new(cut(0.05, 0.0, 0.0, 0.0))),
        ("5 % cut off at the bottom", Box::new(cut(0.0, 0.0, 0.0, 0.05))),
        ("1.7 % cut off all around", Box::new(cut(0.017, 0.017, 0.017, 0.017))),
        ("5 % cut off left, 2 % at the top", Box::new(cut(0.05, 0.0, 0.02, 0.0))),
        ("mirrored", Box::new(mirrored)),
        ("mirrored, 3 % cut off, quality 75", {
            let cut = cut(0.03, 0.03, 0.03, 0.03);
            Box::new(move |image: &RgbImage| compressed(&mirrored(&cut(image)), 75))
        }),
        ("1.2 times as bright", Box::new(|image: &RgbImage| changed(image, |value| 1.2 * value))),
        ("0.8 times as bright", Box::new(|image: &RgbImage| changed(image, |value| 0.8 * value))),
    ]
}

fn window(image: &RgbImage, region: Region, width: usize, height: usize) -> RgbImage {
    let pixels = resize(image, region, width, height, true);
    let pixels = pixels.iter().map(|value| value.round().clamp(0.0, 255.0) as u8).collect();
    RgbImage::new(width, height, pixels).unwrap_or_else(|| image.clone())
}

fn scaled(image: &RgbImage, scale: f64) -> RgbImage {
    let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
    window(image, Region::whole(image), side(image.width()), side(image.height()))
}

fn changed(image: &RgbImage, change: impl Fn(f32) -> f32) -> RgbImage {
    let pixels = image.pixels().iter().map(|&value| change(f32::from(value)).round().clamp(0.0, 255.0) as u8);
    RgbImage::new(image.width(), image.height(), pixels.collect()).unwrap_or_else(|| image.clone())
}

fn mirrored(image: &RgbImage) -> RgbImage {
    let rows = image.pixels().chunks_exact(3 * image.width());
    let pixels = rows.flat_map(|row| row.as_chunks::<3>().0.iter().rev().flatten().copied()).collect();
    RgbImage::new(image.width(), image.height(), pixels).unwrap_or_else(|| image.clone())
}

fn compressed(image: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    let (width, height) = (image.width() as u32, image.height() as u32);
    let written = JpegEncoder::new_with_quality(&mut bytes, quality).write_image(
        image.pixels(),
        width,
        height,
        ExtendedColorType::Rgb8,
    );
    written.ok().and_then(|()| decode(&bytes).ok()).unwrap_or_else(|| image.clone())
}

//! Applies a recipe that ships to pictures and shows what a network would be shown.
//!
//! ```sh
//! cargo run --release -p bakeoff-augment --example augment -- cutmix sheet.png [--image 80] [photograph.jpg …]
//! cargo run --release -p bakeoff-augment --example augment -- cards recipes/ [grey …]   # the pictures of the method cards
//! ```
//!
//! The sheet has the originals above and the augmented images below. Without photographs it takes generated ones.

use std::error::Error;
use std::path::Path;

use bakeoff_augment::{
    ActivationMaps, Address, Answers, Builtin, Mixed, Pipeline, PixelBatch, Pixels, Preprocess, RecipeConfig,
    Targets, builtin,
};
use bakeoff_data::{DeclaredSplit, GeneratedConfig, RgbImage, decode_file};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut image = 80;
    if let Some(at) = arguments.iter().position(|a| a == "--image") {
        image = arguments.get(at + 1).ok_or("--image needs a number")?.parse()?;
        arguments.drain(at..at + 2);
    }
    let [recipe, out, photographs @ ..] = arguments.as_slice() else {
        return Err(
            "usage: augment RECIPE SHEET.png [--image N] [PHOTOGRAPH …], or augment cards FOLDER".into()
        );
    };
    if recipe == "cards" {
        return cards(Path::new(out), photographs);
    }
    let photographs = if photographs.is_empty() {
        generated(image, 6)
    } else {
        photographs.iter().map(|path| decode_file(Path::new(path))).collect::<Result<_, _>>()?
    };
    let shipped = builtin(image);
    let names: Vec<&str> = shipped.iter().map(|b| b.config.name.as_str()).collect();
    let found = shipped.iter().find(|b| b.config.name == *recipe);
    let found =
        found.ok_or_else(|| format!("no recipe `{recipe}` ships; there are: {}", names.join(", ")))?;
    sheet(&found.config, &photographs, image, Path::new(out))
}

/// Bytes of a card's picture, at most.
const LARGEST: u64 = 40_000;

/// The pictures of the cards named, or of all: few and small, since a repository keeps them for ever. What compresses badly,
/// as noise does, is drawn smaller.
fn cards(folder: &Path, names: &[String]) -> Result<(), Box<dyn Error>> {
    for Builtin { config: RecipeConfig { name, .. }, .. } in builtin(64) {
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        let out = folder.join(format!("{name}.png"));
        for image in [64, 56, 48, 40] {
            let Some(found) = builtin(image).into_iter().find(|b| b.config.name == name) else { continue };
            sheet(&found.config, &generated(image, 4), image, &out)?;
            if std::fs::metadata(&out)?.len() <= LARGEST {
                break;
            }
        }
    }
    Ok(())
}

/// Fish that nobody has to download, drawn a little larger than needed.
fn generated(image: usize, count: usize) -> Vec<RgbImage> {
    let world = GeneratedConfig { size: image * 5 / 4, noise: 0.0, ..GeneratedConfig::default() };
    (0..count).map(|number| world.render(DeclaredSplit::Train, number)).collect()
}

/// By more than so many levels of 255 on average.
fn differ(a: Option<Pixels>, b: Option<Pixels>, levels: f32) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let total: f32 = a.values().iter().zip(b.values()).map(|(a, b)| (a - b).abs()).sum();
    total > levels * a.values().len() as f32 / 255.0
}

/// There is no network here to be asked: what differs from the mean colour of the image stands in for what one would see.
fn stand_in(batch: &PixelBatch) -> Answers {
    let (width, height) = (batch.width(), batch.height());
    let (rows, columns) = (height.min(8), width.min(8));
    let (mut values, mut gradient) = (Vec::new(), Vec::new());
    for image in batch.values().chunks_exact(width * height * 3) {
        let pixels = image.as_chunks::<3>().0;
        let mean = [0, 1, 2].map(|c| pixels.iter().map(|pixel| pixel[c]).sum::<f32>() / pixels.len() as f32);
        let differences: Vec<[f32; 3]> =
            pixels.iter().map(|pixel| [0, 1, 2].map(|c| (pixel[c] - mean[c]).powi(2))).collect();
        let mut map = vec![0.0; rows * columns];
        for (at, difference) in differences.iter().enumerate() {
            let (x, y) = (at % width, at / width);
            map[y * rows / height * columns + x * columns / width] += difference.iter().sum::<f32>();
        }
        values.extend(map);
        gradient.extend(differences.into_iter().flatten());
    }
    Answers {
        activation_maps: Some(ActivationMaps { rows, columns, values }),
        input_gradient: Some(gradient),
    }
}

/// Augments, prints what was done, writes the sheet.
fn sheet(
    recipe: &RecipeConfig,
    photographs: &[RgbImage],
    image: usize,
    out: &Path,
) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::new(recipe, &Preprocess::default(), image)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let n = photographs.len();
    let photographs: Vec<&RgbImage> = photographs.iter().collect();
    let ids: Vec<u64> = (0..n as u64).collect();
    let labels: Vec<usize> = (0..n).collect();
    let (epoch, batch) = (0, 0);

    let originals = pipeline.eval_batch(&photographs)?;
    // A picture in which nothing happens, or one image simply takes another's place, explains nothing: the first seed that changes
    // three images of four.
    let changed = |seed: u64| {
        let mut pixels =
            pipeline.train_batch(&photographs, &Address { seed, epoch, batch: 0, ids: &ids }).ok()?;
        let mut targets = Targets::one_hot(&labels, n).ok()?;
        let answers = stand_in(&pixels);
        let mixed = pipeline
            .mix(&mut pixels, &mut targets, &Address { seed, epoch, batch, ids: &ids }, &answers)
            .ok()?;
        let changes = |i: usize, mixed: &Mixed| {
            let partner = mixed.partner == i || differ(originals.image(mixed.partner), pixels.image(i), 5.0);
            differ(originals.image(i), pixels.image(i), 1.0) && partner
        };
        Some(mixed.iter().enumerate().filter(|(i, mixed)| changes(*i, mixed)).count())
    };
    let seed = (2..100).find(|&seed| changed(seed).is_some_and(|count| 4 * count >= 3 * n)).unwrap_or(2);
    let mut pixels = pipeline.train_batch(&photographs, &Address { seed, epoch, batch: 0, ids: &ids })?;
    let mut targets = Targets::one_hot(&labels, n)?;
    let answers = stand_in(&pixels);
    let mixed =
        pipeline.mix(&mut pixels, &mut targets, &Address { seed, epoch, batch, ids: &ids }, &answers)?;

    let mut lines = vec![format!("{}:", recipe.name)];
    lines.extend(pipeline.describe().into_iter().map(|line| format!("  {line}")));
    for (i, mix) in mixed.iter().enumerate() {
        let Some(shown) = pixels.image(i) else { continue };
        let [low, high] = shown.values().iter().fold([f32::MAX, f32::MIN], |[a, b], &v| [a.min(v), b.max(v)]);
        let label = if mix.partner == i {
            format!("label {i}")
        } else {
            format!("label {:.3} of {i} and {:.3} of {}", mix.lambda, 1.0 - mix.lambda, mix.partner)
        };
        let mut pasted = mix.pasted.map_or(String::new(), |b| format!(", box {b:?}"));
        if mix.weight != 1.0 {
            pasted.push_str(&format!(", weight {:.3}", mix.weight));
        }
        lines.push(format!("  image {i}: values {low:.3} to {high:.3}, {label}{pasted}"));
    }
    eprintln!("{}", lines.join("\n"));

    let mut canvas = image::RgbImage::new((n * image) as u32, (2 * image) as u32);
    for (row, batch) in [&originals, &pixels].into_iter().enumerate() {
        for column in 0..n {
            let Some(pixels) = batch.image(column) else { continue };
            for (at, pixel) in pixels.to_bytes().as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (column * image + at % image, row * image + at / image);
                canvas.put_pixel(x as u32, y as u32, image::Rgb(*pixel));
            }
        }
    }
    let file = std::io::BufWriter::new(std::fs::File::create(out)?);
    canvas.write_with_encoder(PngEncoder::new_with_quality(
        file,
        CompressionType::Best,
        FilterType::Adaptive,
    ))?;
    Ok(())
}

//! `bakeoff predict`: a trained network, or anyone's weights, on images.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bakeoff_augment::{Normalisation, Pipeline, Preprocess, RecipeConfig, Resize};
use bakeoff_data::{ImageError, RgbImage, decode_draft};
use bakeoff_nn::{Model, Session, SessionConfig, Trainable, Weights};
use serde::Serialize;

use crate::exit::{Exit, out};
use crate::table::Table;

/// Classify images with a trial's network, or with your own weights.
///
/// Give a trial's folder (`runs/x/trials/cutmix/seed-1`) or a safetensors file with torchvision's parameter names. Model,
/// classes and preprocessing come from the file where Bakeoff wrote it; the options override them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A trial's folder, or a safetensors file.
    #[arg(long, value_parser = super::path())]
    weights: PathBuf,
    /// Network (see `bakeoff models`); needed where the file does not say.
    #[arg(long)]
    model: Option<String>,
    /// Image side in pixels [default: the file's, else 224].
    #[arg(long)]
    image: Option<usize>,
    /// How a photograph becomes a square [default: the file's, else `shorter-side`].
    #[arg(long, value_enum)]
    resize: Option<ResizeArgument>,
    /// Do not low-pass filter when shrinking.
    #[arg(long)]
    no_antialias: bool,
    /// What is subtracted and divided by [default: the file's, else `imagenet`].
    #[arg(long, value_enum)]
    normalisation: Option<NormalisationArgument>,
    /// Back end.
    #[arg(long, value_enum, default_value = "cpu")]
    backend: super::Backend,
    /// Images a batch.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4096))]
    batch: u16,
    /// Threads (default: all cores).
    #[arg(long)]
    threads: Option<usize>,
    /// Print JSON: logits of every class, and the five most probable.
    #[arg(long)]
    json: bool,
    /// Image files.
    #[arg(required = true, value_parser = super::path())]
    images: Vec<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ResizeArgument {
    /// Shorter side to image × 256/224, central square.
    ShorterSide,
    /// Both sides; the aspect ratio is lost.
    Squash,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum NormalisationArgument {
    /// torchvision's ImageNet mean and deviation.
    Imagenet,
    /// Pixels stay in [0, 1].
    Unit,
    /// Keras' ResNet-50: BGR, 0–255 minus the mean.
    KerasCaffe,
}

#[derive(Serialize)]
struct Output<'a> {
    model: &'a str,
    classes: &'a [String],
    preprocess: &'a [String],
    images: Vec<Prediction<'a>>,
    failed: Vec<Unreadable>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    image: String,
    logits: Vec<f32>,
    top5: Vec<Guess<'a>>,
}

#[derive(Serialize)]
struct Guess<'a> {
    class: &'a str,
    label: usize,
    probability: f64,
}

#[derive(Serialize)]
struct Unreadable {
    image: String,
    reason: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let threads = super::threads(arguments.threads)?;
    super::in_pool(threads, || classify(&arguments, threads))
}

fn classify(arguments: &Arguments, threads: usize) -> Result<Exit> {
    let file = weights_file(&arguments.weights)?;
    let (weights, metadata) = Weights::read(&file)?;
    let name = arguments
        .model
        .as_deref()
        .or(metadata.get("model").map(String::as_str))
        .or(weights.looks_like())
        .with_context(|| format!("{} does not say which network it is; give --model", file.display()))?
        .to_owned();
    let classes = class_names(&weights, &metadata, &file)?;
    let stored_image = metadata.get("image").and_then(|image| image.parse().ok());
    let image = arguments.image.or(stored_image).unwrap_or(224);
    let model = Model::by_name(&name, classes.len(), image)?;
    let (weights, _) = weights.adapt(&model, 0).with_context(|| file.display().to_string())?;
    let pipeline = pipeline(arguments, &metadata, image, &file)?;
    let batch = usize::from(arguments.batch).min(arguments.images.len());
    let config = SessionConfig {
        batch,
        backend: arguments.backend.into(),
        threads,
        train: false,
        trainable: Trainable::All,
    };
    let mut session = Session::new(&model, &weights, config)?;
    drop(weights);

    let mut predictions = Vec::new();
    let mut failed = Vec::new();
    for paths in arguments.images.chunks(batch) {
        let mut named = Vec::new();
        let mut decoded: Vec<RgbImage> = Vec::new();
        for path in paths {
            let image = std::fs::read(path)
                .map_err(ImageError::from)
                .and_then(|bytes| decode_draft(&bytes, pipeline.draft()));
            match image {
                Ok(image) => {
                    named.push(path);
                    decoded.push(image);
                }
                Err(error) => {
                    failed.push(Unreadable { image: path.display().to_string(), reason: error.to_string() })
                }
            }
        }
        if decoded.is_empty() {
            continue;
        }
        let pixels = pipeline.eval_batch(&decoded.iter().collect::<Vec<_>>())?;
        let logits = session.infer(pipeline.normalise(pixels).values())?;
        for (path, logits) in named.iter().zip(logits.chunks_exact(classes.len())) {
            predictions.push(Prediction {
                image: path.display().to_string(),
                logits: logits.to_vec(),
                top5: top5(logits, &classes),
            });
        }
    }
    for unreadable in &failed {
        crate::exit::note(format!("left out: {}: {}", unreadable.image, unreadable.reason));
    }
    let exit = if failed.is_empty() { Exit::Done } else { Exit::Failed };
    if arguments.json {
        let preprocess = pipeline.describe_evaluation();
        let output =
            Output { model: &name, classes: &classes, preprocess: &preprocess, images: predictions, failed };
        out(serde_json::to_string_pretty(&output)?);
    } else {
        let mut table = Table::new(["image", "1st", "%", "2nd", "%", "3rd", "%"]);
        for prediction in &predictions {
            let mut row = vec![prediction.image.clone()];
            for guess in prediction.top5.iter().take(3) {
                row.extend([guess.class.to_owned(), format!("{:.1}", guess.probability * 100.0)]);
            }
            table.row(row);
        }
        table.print();
    }
    Ok(exit)
}

/// The weights file of a trial's folder, or the file itself.
fn weights_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let file = path.join("weights.safetensors");
    if !file.is_file() {
        bail!("{} holds no weights.safetensors: the trial has not finished", path.display());
    }
    Ok(file)
}

/// The file's own class names, or `class 0`, `class 1`, … by the size of the head.
fn class_names(weights: &Weights, metadata: &HashMap<String, String>, file: &Path) -> Result<Vec<String>> {
    if let Some(names) = metadata.get("classes") {
        return serde_json::from_str(names)
            .with_context(|| format!("{}: the metadata's `classes` is no list of names", file.display()));
    }
    let head = weights.get("fc.weight").with_context(|| {
        format!("{} has no `fc.weight`; torchvision's names are expected", file.display())
    })?;
    let classes = head.shape.first().copied().unwrap_or(0);
    Ok((0..classes).map(|class| format!("class {class}")).collect())
}

/// The file's preprocessing with the arguments' changes.
fn pipeline(
    arguments: &Arguments,
    metadata: &HashMap<String, String>,
    image: usize,
    file: &Path,
) -> Result<Pipeline> {
    let mut preprocess: Preprocess = match metadata.get("preprocess") {
        Some(text) => serde_json::from_str(text)
            .with_context(|| format!("{}: the metadata's `preprocess` is not Bakeoff's", file.display()))?,
        None => Preprocess::default(),
    };
    match arguments.resize {
        Some(ResizeArgument::ShorterSide) => {
            preprocess.resize = Resize::ShorterSide { size: None, antialias: true };
        }
        Some(ResizeArgument::Squash) => preprocess.resize = Resize::Squash { antialias: true },
        None => {}
    }
    if arguments.no_antialias {
        match &mut preprocess.resize {
            Resize::ShorterSide { antialias, .. } | Resize::Squash { antialias } => *antialias = false,
        }
    }
    match arguments.normalisation {
        Some(NormalisationArgument::Imagenet) => preprocess.normalisation = Normalisation::Imagenet,
        Some(NormalisationArgument::Unit) => preprocess.normalisation = Normalisation::Unit,
        Some(NormalisationArgument::KerasCaffe) => preprocess.normalisation = Normalisation::KerasCaffe,
        None => {}
    }
    let recipe = RecipeConfig { name: "evaluation".to_owned(), transforms: Vec::new(), mix: None };
    Pipeline::new(&recipe, &preprocess, image).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("preprocessing: {}", all.join("; "))
    })
}

/// The five most probable classes by softmax, in double precision.
fn top5<'a>(logits: &[f32], classes: &'a [String]) -> Vec<Guess<'a>> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - highest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    order
        .into_iter()
        .take(5)
        .map(|label| Guess { class: &classes[label], label, probability: exponentials[label] / sum })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::top5;

    #[test]
    fn the_five_most_probable_come_first_and_are_a_softmax() {
        let classes: Vec<String> = (0..6).map(|i| format!("c{i}")).collect();
        let guesses = top5(&[0.0, 1.0, 2.0, 3.0, 4.0, 1000.0], &classes);
        assert_eq!(guesses.len(), 5);
        assert_eq!((guesses[0].class, guesses[0].label), ("c5", 5));
        assert!((guesses[0].probability - 1.0).abs() < 1e-12);
        let guesses = top5(&[1.0, 0.0], &classes[..2]);
        assert!((guesses[0].probability / guesses[1].probability - std::f64::consts::E).abs() < 1e-9);
    }
}

//! `bakeoff predict`: a trained network, or anyone's weights, on images.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bakeoff_augment::{BatchError, NetworkInput, Normalisation, Pipeline, Preprocess, RecipeConfig, Resize};
use bakeoff_data::{ImageError, PixelNote, decode_with_notes, image_bytes, pixel_warnings};
use bakeoff_data::{form, number};
use bakeoff_evidence::{columns, padded};
use bakeoff_nn::{Model, NnError, Session, SessionConfig, Trainable, WeightNote, WeightSource, Weights};
use bakeoff_study::{CardEntry, ModelCard, find_weights, most_probable};
use rayon::prelude::*;
use serde::Serialize;

use super::predict_images::{Images, images};
use crate::exit::{Exit, out};
use crate::progress::Bar;
use crate::table::Table;

/// Classify images with a trial's network, or with your own weights.
///
/// Give a trial's folder (`runs/x/trials/cutmix/seed-1`), a safetensors file with torchvision's parameter names, the index of
/// several, or a folder that holds either. Model, classes and preprocessing come from the file where Bakeoff wrote it; the options
/// override them. Weights that do not say are preprocessed as torchvision evaluates.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A trial's folder, a safetensors file, the index of several, or a folder with either.
    #[arg(long, value_parser = super::path())]
    weights: PathBuf,
    /// Which of several networks in the file: what its parameter names begin with, `ema.` for one [default: the one whose names
    /// begin with nothing].
    #[arg(long, value_name = "PREFIX")]
    weights_prefix: Option<String>,
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
    /// Leave images that are smaller than what the shorter side is resized to as they are, unless they are smaller than the
    /// network's input.
    #[arg(long)]
    no_enlarge: bool,
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
    /// Image files, folders (with all folders below them) and patterns such as 'photos/**/*.jpg'.
    #[arg(required = true, value_parser = super::path())]
    images: Vec<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ResizeArgument {
    /// Shorter side to image × 256/224, central square (torchvision's).
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

/// What is told besides predictions: at once on stderr, and in the JSON at its end.
#[derive(Default)]
struct Said {
    /// How the weights were understood.
    notes: Vec<String>,
    warnings: Vec<String>,
}

impl Said {
    fn note(&mut self, note: String) {
        crate::exit::note(&note);
        self.notes.push(note);
    }

    fn warn(&mut self, warning: String) {
        crate::exit::note(format!("warning: {warning}"));
        self.warnings.push(warning);
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let threads = super::threads(arguments.threads)?;
    super::in_pool(threads, || classify(&arguments, threads))
}

fn classify(arguments: &Arguments, threads: usize) -> Result<Exit> {
    let mut said = Said::default();
    let (network, pipeline) = network(arguments, &mut said)?;
    let Images { files, warnings } = images(&arguments.images)?;
    warnings.into_iter().for_each(|warning| said.warn(warning));
    let batch = usize::from(arguments.batch).min(files.len());
    let config = SessionConfig {
        batch,
        backend: arguments.backend.into(),
        threads,
        train: false,
        trainable: Trainable::All,
    };
    let Network { model, weights, classes } = network;
    let mut session = Session::new(&model, &weights, config)?;
    drop(weights);

    let mut output = Output::begin(arguments, model.name(), &classes, &pipeline, &files);
    let mut failed = Vec::new();
    let mut looks = ImageNotes::default();
    // One batch of pixels is in memory at a time, however many images there are.
    for paths in files.chunks(batch) {
        let read: Vec<Result<(NetworkInput, Look), ReadError>> =
            paths.par_iter().map(|path| read(path, &pipeline)).collect();
        let (mut named, mut input) = (Vec::new(), Vec::new());
        for (path, image) in paths.iter().zip(read) {
            let name = path.display().to_string();
            match image {
                Ok((image, look)) => {
                    looks.count(&name, &look);
                    named.push(name);
                    input.extend_from_slice(image.values());
                }
                Err(ReadError::Batch(error)) => return Err(error.into()),
                Err(ReadError::Image(error)) => {
                    crate::exit::note(format!("left out: {name}: {error}"));
                    failed.push(Unreadable { image: name, reason: error.to_string() });
                }
            }
        }
        if !named.is_empty() {
            let logits = session.infer(&input)?;
            for (image, logits) in named.into_iter().zip(logits.chunks_exact(classes.len())) {
                let Some(guesses) = most_probable(logits, 5) else {
                    let reason = "the network's output is not finite, so it says nothing; its weights are damaged or too large";
                    crate::exit::note(format!("left out: {image}: {reason}"));
                    failed.push(Unreadable { image, reason: reason.to_owned() });
                    continue;
                };
                let guess = |(label, probability): (usize, f64)| Guess {
                    class: classes[label].as_str(),
                    label,
                    probability,
                };
                let top5 = guesses.into_iter().map(guess).collect();
                output.add(Prediction { image, logits: logits.to_vec(), top5 })?;
            }
        }
        output.flush(paths.len())?;
    }
    let exit = if failed.is_empty() { Exit::Done } else { Exit::Failed };
    output.finish_predictions();
    looks.told(&pipeline).into_iter().for_each(|warning| said.warn(warning));
    output.end(&said, &failed)?;
    Ok(exit)
}

/// The network, and the way of images to it.
struct Network {
    model: Model,
    weights: Weights,
    classes: Vec<String>,
}

/// Says where weights stand in a trial's folder that is not theirs: files change places when folders are copied by hand.
fn said_to_be_of_another_trial(file: &Path, card: &ModelCard, said: &mut Said) {
    let record = bakeoff_files::read_text(&file.with_file_name("trial.json"), 1 << 20).ok();
    let record =
        record.and_then(|text| serde_json::from_str::<bakeoff_study::records::TrialRecord>(&text).ok());
    let (Some(record), Some(trial)) = (record, &card.trial) else { return };
    if record.id != *trial {
        said.warn(format!(
            "{}: these are the weights of {} seed {}, and stand in the folder of {} seed {}",
            file.display(),
            card.recipe.as_deref().unwrap_or("?"),
            card.seed.value().map_or("?".to_owned(), u64::to_string),
            record.recipe,
            record.seed
        ));
    }
}

fn network(arguments: &Arguments, said: &mut Said) -> Result<(Network, Pipeline)> {
    let file = find_weights(&arguments.weights).map_err(anyhow::Error::msg)?;
    let source = WeightSource::read(&file, arguments.weights_prefix.as_deref());
    let source = source.map_err(|error| match error {
        NnError::SeveralNetworks { .. } => anyhow::anyhow!("{error}, with --weights-prefix"),
        NnError::WeightFile { .. } if file.with_file_name("trial.json").is_file() => anyhow::anyhow!(
            "{error}. Remove {} and run its study again: the trial is trained anew, to the same weights",
            file.parent().unwrap_or(&file).display()
        ),
        error => error.into(),
    })?;
    let WeightSource { weights, metadata, notes, .. } = source;
    let card = ModelCard::read(&metadata);
    said_to_be_of_another_trial(&file, &card, said);
    for note in &notes {
        let choice = match note {
            WeightNote::Networks { .. } if arguments.weights_prefix.is_none() => {
                "; choose with --weights-prefix"
            }
            _ => "",
        };
        said.note(format!("{}: {note}{choice}", file.display()));
    }
    let name = arguments
        .model
        .as_deref()
        .or(card.model.as_deref())
        .or(weights.looks_like())
        .with_context(|| format!("{} does not say which network it is; give --model", file.display()))?
        .to_owned();
    let stored = card.image.value().copied();
    let image = arguments.image.or(stored).unwrap_or(224);
    let classes = class_names(&weights, &card, &name, image, &file)?;
    let model = Model::by_name(&name, classes.len(), image)?;
    if let Some(stored) = stored.filter(|&stored| stored != image) {
        other_size(&model, stored, said)?;
    }
    let (weights, notes) = weights.adapt(&model, 0).with_context(|| file.display().to_string())?;
    if let Some(note) = notes.first() {
        // Random numbers are no prediction.
        bail!("{}: the head does not fit its classes ({note})", file.display());
    }
    let pipeline = pipeline(arguments, &card, image, &file)?;
    taken_for_granted(arguments, &card, &model, &file).into_iter().for_each(|note| said.note(note));
    Ok((Network { model, weights, classes }, pipeline))
}

/// What neither the file nor the options say.
fn taken_for_granted(arguments: &Arguments, card: &ModelCard, model: &Model, file: &Path) -> Vec<String> {
    let (file, image) = (file.display(), model.image());
    let mut notes = Vec::new();
    let (mut taken, mut options) = (Vec::new(), Vec::new());
    let says_how = !card.preprocess.is_absent();
    if arguments.image.is_none() && card.image.is_absent() {
        taken.push(format!("{image} px"));
        options.push("--image");
    }
    if arguments.resize.is_none() && !says_how {
        // To the nearest, as the resize itself does.
        let shorter = (image * 256 + 112) / 224;
        let shorter =
            if arguments.no_enlarge { String::new() } else { format!("shorter side to {shorter}, ") };
        taken.push(format!("{shorter}central {image}"));
        options.push("--resize");
    }
    if arguments.normalisation.is_none() && !says_how {
        taken.push("ImageNet statistics".to_owned());
        options.push("--normalisation");
    }
    if !taken.is_empty() {
        let change = if options.len() == 1 { "changes" } else { "change" };
        notes.push(format!(
            "{file}: the file does not say how it wants its images: taken as torchvision's ({}); {} {change} it",
            taken.join(", "),
            options.join(", ")
        ));
    }
    if card.classes.is_absent() {
        let last = model.classes().saturating_sub(1);
        notes.push(format!(
            "{file}: the file does not name its classes: they are numbered, `class 0` to `class {last}`, as the rows of its head"
        ));
    }
    notes
}

/// Weights that were trained on images of another size than they are shown now.
fn other_size(model: &Model, trained: usize, said: &mut Said) -> Result<()> {
    let (name, image) = (model.name(), model.image());
    let theirs = Model::by_name(name, model.classes(), trained).ok();
    if let Some(difference) = theirs.and_then(|theirs| model.differs_from(&theirs)) {
        bail!(
            "the weights were trained on images of {trained} px, and for {image} px {name} is another network ({difference}): what it \
             would say means nothing. Leave --image out, or give a size with the same network"
        );
    }
    said.warn(format!(
        "the weights were trained on images of {trained} px and are shown {image} px: what they have learned is of another scale"
    ));
    Ok(())
}

/// What is to be known of an image besides its pixels.
struct Look {
    /// Shorter side, px.
    side: usize,
    /// What it lost when it was decoded.
    notes: Vec<PixelNote>,
}

/// Why an image is not shown to the network.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// An image as the network is shown it. Its own pixels, of which there may be many, are let go at once.
fn read(path: &Path, pipeline: &Pipeline) -> Result<(NetworkInput, Look), ReadError> {
    let (image, notes) = decode_with_notes(&image_bytes(path)?, pipeline.draft())?;
    let look = Look { side: image.width().min(image.height()), notes };
    Ok((pipeline.normalise(pipeline.eval_batch(&[&image])?), look))
}

/// What the images have in common that someone should know: how many, and one of them.
#[derive(Default)]
struct ImageNotes {
    images: usize,
    /// By their shorter side, the smallest first.
    sides: BTreeMap<usize, (usize, String)>,
    notes: BTreeMap<PixelNote, (usize, String)>,
}

impl ImageNotes {
    fn count(&mut self, name: &str, look: &Look) {
        self.images += 1;
        self.sides.entry(look.side).or_insert_with(|| (0, name.to_owned())).0 += 1;
        for note in &look.notes {
            self.notes.entry(*note).or_insert_with(|| (0, name.to_owned())).0 += 1;
        }
    }

    /// In the words of a run.
    fn told(&self, pipeline: &Pipeline) -> Vec<String> {
        let lost = pixel_warnings(|note| self.notes.get(&note).cloned());
        let mut told: Vec<String> = lost.iter().map(ToString::to_string).collect();
        told.extend(self.enlarged(pipeline));
        told
    }

    fn enlarged(&self, pipeline: &Pipeline) -> Option<String> {
        let size = pipeline.evaluation_enlarges_below();
        let mut smaller = self.sides.range(..size);
        let (side, (count, example)) = smaller.next()?;
        let count = count + smaller.map(|(_, (count, _))| count).sum::<usize>();
        let remedy = if size > pipeline.image() {
            " (--no-enlarge leaves what is not smaller than the network's input as it is; predictions are then made otherwise than the \
             weights ask for)"
        } else {
            ""
        };
        Some(format!(
            "{count} of {} {are} smaller than the {size} px {they} resized to, {example} ({side} px) for one: enlarged, {they} less \
             sharp than what the network knows{remedy}",
            number(self.images, "image"),
            are = form(count, "is", "are"),
            they = form(count, "it is", "they are")
        ))
    }
}

/// Predictions on their way to stdout, while the next are made.
struct Output {
    json: bool,
    /// JSON: whether one was written.
    written: bool,
    table: Vec<Vec<String>>,
    /// Blocks of the table that were printed.
    printed: bool,
    /// Widest image name and class, where there will be more than one block.
    widths: Option<(usize, usize)>,
    bar: Option<Bar>,
    done: usize,
    total: usize,
}

/// Rows of a table that are waited for, so that its columns stand under each other.
const BLOCK: usize = 64;

/// Class names longer than this may stand out of their column.
const WIDEST_CLASS: usize = 32;

impl Output {
    fn begin(
        arguments: &Arguments,
        model: &str,
        classes: &[String],
        pipeline: &Pipeline,
        files: &[PathBuf],
    ) -> Self {
        let widths = (files.len() > BLOCK).then(|| {
            let image = files.iter().map(|file| columns(&file.display().to_string())).max().unwrap_or(0);
            (image, classes.iter().map(|class| columns(class)).max().unwrap_or(0).min(WIDEST_CLASS))
        });
        if arguments.json {
            let value = |value: serde_json::Result<String>| value.unwrap_or_default().replace('\n', "\n  ");
            out("{");
            out(format!("  \"model\": {},", value(serde_json::to_string(model))));
            out(format!("  \"classes\": {},", value(serde_json::to_string_pretty(classes))));
            let preprocess = value(serde_json::to_string_pretty(&pipeline.describe_evaluation()));
            out(format!("  \"preprocess\": {preprocess},"));
        }
        let long = files.len() > BLOCK && !crate::exit::stdout_is_terminal();
        Self {
            json: arguments.json,
            written: false,
            table: Vec::new(),
            printed: false,
            widths,
            bar: long.then(|| Bar::new("images classified")),
            done: 0,
            total: files.len(),
        }
    }

    fn add(&mut self, prediction: Prediction<'_>) -> Result<()> {
        if self.json {
            let text = serde_json::to_string_pretty(&prediction)?.replace('\n', "\n    ");
            out(if self.written { "    }," } else { "  \"images\": [" });
            // The end of one is written with the beginning of the next, which has the comma.
            out(format!("    {}", text.trim_end_matches('}').trim_end()));
            self.written = true;
            return Ok(());
        }
        let mut row = vec![prediction.image];
        for guess in prediction.top5.iter().take(3) {
            row.extend([guess.class.to_owned(), format!("{:.1}", guess.probability * 100.0)]);
        }
        if let Some((image, class)) = self.widths {
            for (column, cell) in row.iter_mut().enumerate() {
                let width = match column {
                    0 => image,
                    1 | 3 | 5 => class,
                    _ => {
                        *cell = format!("{cell:>5}");
                        continue;
                    }
                };
                *cell = padded(cell, width);
            }
        }
        self.table.push(row);
        Ok(())
    }

    /// After so many more files were looked at.
    fn flush(&mut self, files: usize) -> Result<()> {
        self.done += files;
        if let Some(bar) = &self.bar {
            bar.show(self.done, self.total);
        }
        if !self.json && self.table.len() >= BLOCK {
            self.block();
        }
        Ok(())
    }

    fn block(&mut self) {
        let mut table = Table::new(["image", "1st", "%", "2nd", "%", "3rd", "%"]);
        for row in self.table.drain(..) {
            table.row(row);
        }
        table.lines().into_iter().skip(usize::from(self.printed)).for_each(out);
        self.printed = true;
    }

    fn finish_predictions(&mut self) {
        if !self.json && (!self.table.is_empty() || !self.printed) {
            self.block();
        }
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }

    fn end(self, said: &Said, failed: &[Unreadable]) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        out(if self.written { "    }\n  ]," } else { "  \"images\": []," });
        let [notes, warnings] = [&said.notes, &said.warnings].map(serde_json::to_string_pretty);
        let (notes, warnings, failed) = (notes?, warnings?, serde_json::to_string_pretty(failed)?);
        for (key, value, end) in [("notes", notes, ","), ("warnings", warnings, ","), ("failed", failed, "")]
        {
            out(format!("  \"{key}\": {}{end}", value.replace('\n', "\n  ")));
        }
        out("}");
        Ok(())
    }
}

/// The file's own class names, or `class 0`, `class 1`, … by the size of the head.
fn class_names(
    weights: &Weights,
    card: &ModelCard,
    model: &str,
    image: usize,
    file: &Path,
) -> Result<Vec<String>> {
    match &card.classes {
        CardEntry::Present(names) => return Ok(names.clone()),
        CardEntry::Unreadable(reason) => {
            return Err(anyhow::Error::msg(reason.clone())).with_context(|| {
                format!("{}: the metadata's `classes` is no list of names", file.display())
            });
        }
        CardEntry::Absent => {}
    }
    let Some(head) = weights.get("fc.weight") else {
        // Says what there is in its place.
        let model = Model::by_name(model, 2, image)?;
        weights.adapt(&model, 0).with_context(|| format!("{} has no `fc.weight`", file.display()))?;
        bail!(
            "{} has no `fc.weight`: it is a backbone without a head, and tells no classes apart",
            file.display()
        );
    };
    let classes = head.shape.first().copied().unwrap_or(0);
    Ok((0..classes).map(|class| format!("class {class}")).collect())
}

/// The file's preprocessing with the arguments' changes.
fn pipeline(arguments: &Arguments, card: &ModelCard, image: usize, file: &Path) -> Result<Pipeline> {
    let mut preprocess = match &card.preprocess {
        CardEntry::Present(preprocess) => preprocess.clone(),
        CardEntry::Unreadable(reason) => {
            return Err(anyhow::Error::msg(reason.clone())).with_context(|| {
                format!("{}: the metadata's `preprocess` is not Bakeoff's", file.display())
            });
        }
        CardEntry::Absent => Preprocess::torchvision(),
    };
    match arguments.resize {
        Some(ResizeArgument::ShorterSide) => preprocess.resize = Resize::torchvision(),
        Some(ResizeArgument::Squash) => preprocess.resize = Resize::Squash { antialias: true },
        None => {}
    }
    if arguments.no_antialias {
        match &mut preprocess.resize {
            Resize::ShorterSide { antialias, .. } | Resize::Squash { antialias } => *antialias = false,
        }
    }
    if arguments.no_enlarge {
        match &mut preprocess.resize {
            Resize::ShorterSide { enlarge, .. } => *enlarge = false,
            Resize::Squash { .. } => bail!("--no-enlarge goes with `shorter-side`, not with `squash`"),
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

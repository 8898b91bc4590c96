//! Pictures of what a recipe does: the first batch a trial is trained on, by the very functions that train it.

use std::io::Cursor;
use std::path::Path;

use bakeoff_augment::{Answers, Pipeline, Pixels};
use bakeoff_data::{Copies, Dataset, ImageError, Splits};
use bakeoff_nn::{NnError, Session, SessionConfig};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use std::sync::atomic::AtomicBool;

use crate::feed::{Feed, FeedError};
use crate::folder::{Preview, RunFolder};
use crate::observer::{Event, Observer};
use crate::plan::{Plan, PlanError};
use crate::records::{LabelShare, PreviewExample, PreviewRecord, SplitRule};
use crate::splits::{Admitted, are_drawn};
use crate::study::Study;
use crate::training::first_session;
use bakeoff_files::{WriteError, make_folder, write_bytes, write_sealed};

/// Pictures that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreviewError {
    /// The data set or the network cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A batch cannot be made.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// An image cannot be encoded.
    #[error("cannot encode {name}: {source}")]
    Encode {
        /// File name.
        name: String,
        /// Why.
        source: image::ImageError,
    },
}

/// Writes `count` examples of every recipe to `out/<recipe>/`, from the first training batch of `seed`. Images that cannot be
/// decoded are passed over.
///
/// # Errors
/// The data set cannot be used, or `out` cannot be written.
pub fn preview(study: &Study, out: &Path, count: usize, seed: u64) -> Result<Vec<Preview>, PreviewError> {
    preview_beside(
        study,
        out,
        count,
        seed,
        &PreviewContext { run: None, stop: &AtomicBool::new(false), progress: &|_, _| (), tell: &|_| () },
    )
}

/// What a preview may use besides the study.
pub struct PreviewContext<'a> {
    /// The study's run folder: what it tells of the images saves looking at them again.
    pub run: Option<&'a RunFolder>,
    /// Raise it to stop.
    pub stop: &'a AtomicBool,
    /// Called with how many images were looked at, and of how many, from many threads.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Called with what is odd about the data set, before anything is drawn.
    pub tell: &'a dyn Fn(&str),
}

/// [`preview`]. Which images a trial is trained on depends on which are copies of each other, so all images are looked at first, unless
/// the run folder tells, or the source declares all splits itself.
///
/// # Errors
/// As [`preview`]; and where it was stopped.
pub fn preview_beside(
    study: &Study,
    out: &Path,
    count: usize,
    seed: u64,
    beside: &PreviewContext<'_>,
) -> Result<Vec<Preview>, PreviewError> {
    let plan = Plan::new(study)?;
    let dataset = plan.dataset();
    dataset.warnings().iter().for_each(|warning| (beside.tell)(&warning.to_string()));
    plan.of_weights.iter().for_each(|note| (beside.tell)(note));
    let mut admitted = admitted(study, &plan, seed, beside)?;
    loop {
        let splits = split(study, dataset, seed, &admitted)?;
        match write(study, &plan, &splits, out, count, seed) {
            // Nothing was inspected, so a broken image is met here. Without it the batch is another, as in a run.
            Err(PreviewError::Feed(FeedError::Image { id, source })) => {
                let broken = dataset.samples().iter().position(|sample| sample.id == id);
                match broken.filter(|&index| admitted.usable[index]) {
                    Some(index) if !matches!(source, ImageError::Io(_)) && !source.is_shortage() => {
                        admitted.usable[index] = false
                    }
                    _ => return Err(FeedError::Image { id, source }.into()),
                }
            }
            other => return other,
        }
    }
}

/// What is known of the images.
fn admitted(
    study: &Study,
    plan: &Plan,
    seed: u64,
    beside: &PreviewContext<'_>,
) -> Result<Admitted, PreviewError> {
    let dataset = plan.dataset();
    let unseen = Admitted::unseen(dataset);
    // What Bakeoff draws itself is neither broken nor there twice.
    let declared = study.config.data.generated.is_some() || {
        let splits = split(study, dataset, seed, &unseen)?;
        !are_drawn(dataset, &splits) || study.config.data.copies == Copies::Ignore
    };
    if declared {
        return Ok(unseen);
    }
    let told = beside.run.and_then(|run| {
        let (before, record) = (run.plan().ok()?, run.data().ok()??);
        // The same trials: so the same images with the same labels, splits and settings.
        let same = plan.record.trials.iter().any(|key| before.trials.iter().any(|other| other.id == key.id));
        same.then(|| Admitted::recorded(dataset, &record))
    });
    match told {
        Some(admitted) => Ok(admitted),
        None => {
            let inspection = dataset.inspect(false, beside.stop, beside.progress).map_err(PlanError::from)?;
            Ok(Admitted::of(&inspection, SplitRule::Groups))
        }
    }
}

/// The previews of a run folder, from the first seed.
pub(crate) fn write_all(
    study: &Study,
    plan: &Plan,
    admitted: &Admitted,
    folder: &RunFolder,
    count: usize,
    observer: &dyn Observer,
) -> Result<(), PreviewError> {
    let seed = study.seeds().first().copied().unwrap_or(0);
    let splits = split(study, &plan.dataset, seed, admitted)?;
    let out = folder.path().join("preview");
    for preview in write(study, plan, &splits, &out, count, seed)? {
        observer.event(Event::Previewed { recipe: &preview.record.recipe });
    }
    Ok(())
}

fn split(study: &Study, dataset: &Dataset, seed: u64, admitted: &Admitted) -> Result<Splits, PreviewError> {
    Ok(admitted.splits(study, dataset, seed).map_err(PlanError::from)?)
}

/// The network as a seed's trials begin, made when a mixer wants to know something of it.
struct FirstNetwork<'a> {
    study: &'a Study,
    plan: &'a Plan,
    batch: usize,
    seed: u64,
    session: Option<Session>,
}

impl FirstNetwork<'_> {
    fn session(&mut self) -> Result<&mut Session, NnError> {
        match self.session {
            Some(ref mut session) => Ok(session),
            None => {
                let (model, train) = (&self.plan.model, &self.study.config.train);
                let classes = self.plan.dataset.classes();
                let config = SessionConfig {
                    batch: self.batch,
                    backend: train.backend,
                    threads: rayon::current_num_threads(),
                    train: true,
                    trainable: train.trainable,
                };
                Ok(self.session.insert(first_session(self.study, model, classes, self.seed, config)?))
            }
        }
    }
}

fn write(
    study: &Study,
    plan: &Plan,
    splits: &Splits,
    out: &Path,
    count: usize,
    seed: u64,
) -> Result<Vec<Preview>, PreviewError> {
    let dataset = &plan.dataset;
    let batch = study.config.train.batch.min(splits.train.len()).max(1);
    let mut network = FirstNetwork { study, plan, batch, seed, session: None };
    let mut previews = Vec::new();
    for (recipe, pipeline) in study.config.recipe.iter().zip(study.pipelines()) {
        let train = &study.config.train;
        let feed = Feed {
            dataset,
            pipeline,
            seed,
            batch: train.batch,
            train: &splits.train,
            sampling: train.sampling,
        };
        let folder = out.join(&recipe.name);
        let record = recipe_preview(&feed, &mut network, &recipe.name, &folder, count)?;
        previews.push(Preview { record, folder });
    }
    Ok(previews)
}

/// As many batches as it takes to show `count` images, or one epoch.
fn recipe_preview(
    feed: &Feed<'_>,
    network: &mut FirstNetwork<'_>,
    recipe: &str,
    folder: &Path,
    count: usize,
) -> Result<PreviewRecord, PreviewError> {
    make_folder(folder)?;
    let order = feed.order(0);
    let mut range = NOTHING;
    let mut examples = Vec::new();
    for step in 0..feed.steps() {
        if examples.len() >= count {
            break;
        }
        let mut batch = feed.augmented(&order, 0, step)?;
        let answers = if batch.asks() {
            let session = network.session().map_err(PlanError::from)?;
            batch.answers(&batch.input(feed.pipeline), session).map_err(PlanError::from)?
        } else {
            Answers::default()
        };
        let mixed = feed.mix(&mut batch, &answers)?;
        range = widened(range, batch.pixels.values());
        // Of several views the first is the image without what they are compared by, the second the one to be seen.
        let shown = if feed.pipeline.views() > 1 { batch.samples.len() } else { 0 };
        for (index, &sample) in batch.samples.iter().enumerate() {
            let (Some(pixels), Some(mixed), true) =
                (batch.pixels.image(shown + index), mixed.get(index), examples.len() < count)
            else {
                break;
            };
            let number = examples.len();
            let original = original(feed.dataset, feed.pipeline, sample)?;
            let names = [format!("{number}-original.png"), format!("{number}-augmented.png")];
            for (name, pixels) in names.iter().zip([&original, &pixels]) {
                write_png(
                    &folder.join(name),
                    name,
                    &pixels.to_bytes(),
                    pixels.width(),
                    ExtendedColorType::Rgb8,
                )?;
            }
            let met = mixed.partner != index && mixed.lambda < 1.0;
            let partner = batch.samples.get(mixed.partner).filter(|_| met);
            let [original, augmented] = names;
            let mask = match &mixed.mask {
                Some(shares) => {
                    let name = format!("{number}-mask.png");
                    let bytes: Vec<u8> = shares.iter().map(|share| (share * 255.0).round() as u8).collect();
                    write_png(&folder.join(&name), &name, &bytes, pixels.width(), ExtendedColorType::L8)?;
                    Some(name)
                }
                None => None,
            };
            examples.push(PreviewExample {
                image: feed.dataset.samples()[sample].id.clone(),
                original,
                augmented,
                labels: shares(feed.dataset, batch.targets.row(index).unwrap_or_default()),
                partner: partner.map(|&partner| feed.dataset.samples()[partner].id.clone()),
                lambda: met.then_some(f64::from(mixed.lambda)),
                pasted: mixed.pasted,
                mask,
                stage: (mixed.stage > 0).then_some(mixed.stage),
                weight: (mixed.weight != 1.0).then_some(f64::from(mixed.weight)),
                range: Some(widened(NOTHING, pixels.values())),
            });
        }
    }
    if range[0] > range[1] {
        range = [0.0, 0.0];
    }
    let record = PreviewRecord {
        recipe: recipe.to_owned(),
        pipeline: feed.pipeline.describe(),
        image: feed.pipeline.image(),
        range,
        examples,
    };
    write_sealed(&folder.join("preview.json"), &record)?;
    Ok(record)
}

fn original(dataset: &Dataset, pipeline: &Pipeline, sample: usize) -> Result<Pixels, FeedError> {
    let image = dataset
        .load(sample)
        .map_err(|source| FeedError::Image { id: dataset.samples()[sample].id.clone(), source })?;
    Ok(pipeline.eval_image(&image))
}

/// The classes of a soft target, largest share first.
fn shares(dataset: &Dataset, row: &[f32]) -> Vec<LabelShare> {
    let mut shares: Vec<LabelShare> = row
        .iter()
        .zip(dataset.classes())
        .filter(|(share, _)| **share > 0.0)
        .map(|(&share, class)| LabelShare { class: class.clone(), share: f64::from(share) })
        .collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share));
    shares
}

/// The range of no values.
const NOTHING: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];

/// A range that holds these values too.
fn widened(range: [f64; 2], values: &[f32]) -> [f64; 2] {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    [range[0].min(f64::from(low)), range[1].max(f64::from(high))]
}

fn write_png(
    path: &Path,
    name: &str,
    bytes: &[u8],
    width: usize,
    colour: ExtendedColorType,
) -> Result<(), PreviewError> {
    let mut file = Cursor::new(Vec::new());
    let height = bytes.len() / (width * usize::from(colour.bits_per_pixel() / 8)).max(1);
    PngEncoder::new(&mut file)
        .write_image(bytes, width as u32, height as u32, colour)
        .map_err(|source| PreviewError::Encode { name: name.to_owned(), source })?;
    Ok(write_bytes(path, file.get_ref())?)
}

//! The input path of `bakeoff bench input`: decode, transform, mix, normalise, as a trial does it.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use bakeoff_augment::{Address, Answers, BatchError, Pipeline, Preprocess, RecipeConfig, Targets, builtin};
use bakeoff_data::{Dataset, DeclaredSplit, GeneratedConfig, ImageError, PackMode, RgbImage, SourceConfig};
use bakeoff_files::Unfinished;
use rayon::prelude::*;

/// Bytes of a recipe's file.
const MOST_RECIPE: u64 = 16 << 20;

/// What is measured.
pub(crate) struct Subject<'a> {
    /// Files, or generated images that are pixels already.
    pub(crate) data: Option<&'a Path>,
    /// Read them from a pack, made beforehand.
    pub(crate) pack: bool,
    /// A recipe that ships, a TOML file that holds one, or `decode`: whole images, nothing else.
    pub(crate) recipe: &'a str,
    pub(crate) batch: usize,
    pub(crate) image: usize,
}

#[derive(Debug, thiserror::Error)]
enum InputError {
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("image {id}: {source}; see `bakeoff data check`")]
    Image { id: String, source: ImageError },
}

/// Where the images come from.
enum Images {
    /// Decoded anew each time, or from a pack.
    Files(Box<Dataset>),
    /// Already pixels: measures everything but decoding.
    Pixels(Vec<RgbImage>),
}

impl Images {
    fn open(subject: &Subject<'_>, packs: &Path) -> Result<Self> {
        let Some(path) = subject.data else {
            let config = GeneratedConfig { size: 256, ..GeneratedConfig::default() };
            let render = |i| config.render(DeclaredSplit::Train, i);
            return Ok(Self::Pixels((0..subject.batch).map(render).collect()));
        };
        let mut dataset = Dataset::open(&SourceConfig::at(path))?;
        dataset.set_cache(0);
        if subject.pack {
            dataset.set_pack(packs, PackMode::On);
            dataset.inspect(true, &AtomicBool::new(false), &|_, _| ())?;
            dataset.packed().context("the images could not be packed")?;
        }
        Ok(Self::Files(Box::new(dataset)))
    }
}

fn recipe(name: &str, image: usize) -> Result<RecipeConfig> {
    if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text = bakeoff_files::read_text(&bakeoff_data::expand(Path::new(name))?, MOST_RECIPE)
            .with_context(|| format!("cannot read {name}"))?;
        return toml::from_str(&text).with_context(|| format!("{name} is no recipe"));
    }
    let known = builtin(image).into_iter().find(|known| known.config.name == name);
    match known {
        Some(known) => Ok(known.config),
        None => bail!("no recipe is called `{name}`; `bakeoff recipes` lists them"),
    }
}

/// Calls `time` with a closure that makes one batch; gives back what `time` does.
pub(crate) fn measure<T>(
    subject: &Subject<'_>,
    time: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<T>,
) -> Result<T> {
    let Subject { batch, image, .. } = *subject;
    let packs = tempfile::tempdir()?;
    let _unfinished = Unfinished::at(packs.path());
    let images = Images::open(subject, packs.path())?;
    let mut next = 0u64;
    if subject.recipe == "decode" {
        let Images::Files(dataset) = &images else { bail!("decoding needs --data") };
        let mut once = || -> Result<()> {
            let samples = dataset.samples().len() as u64;
            let decode = |id| dataset.load((id % samples) as usize).map(std::hint::black_box).map(|_| ());
            (next..next + batch as u64).into_par_iter().try_for_each(decode)?;
            next += batch as u64;
            Ok(())
        };
        return time(&mut once);
    }
    let recipe = recipe(subject.recipe, image)?;
    let pipeline = Pipeline::new(&recipe, &Preprocess::default(), image)
        .map_err(|errors| anyhow::anyhow!("{}: {}", recipe.name, errors[0]))?;
    let mut once = || -> Result<()> {
        let ids: Vec<u64> = (next..next + batch as u64).collect();
        next += batch as u64;
        let pixels = match &images {
            Images::Files(dataset) => {
                let samples = dataset.samples();
                let address = Address { seed: 0, epoch: 0, batch: 0, ids: &ids };
                pipeline.train_batch_of(&address, |place| {
                    let sample = ids[place.index()] as usize % samples.len();
                    let unreadable = |source| InputError::Image { id: samples[sample].id.clone(), source };
                    let image = dataset.open_image(sample).map_err(unreadable)?;
                    let view = place.view(image.width(), image.height());
                    let photograph = image.pixels(view.region()).map_err(unreadable)?;
                    Ok::<_, InputError>(view.write(&photograph))
                })?
            }
            Images::Pixels(pixels) => {
                let references: Vec<&RgbImage> =
                    ids.iter().map(|&id| &pixels[id as usize % pixels.len()]).collect();
                pipeline.train_batch(&references, &Address { seed: 0, epoch: 0, batch: 0, ids: &ids })?
            }
        };
        let mut targets = Targets::one_hot(&vec![0; batch], 2)?;
        let answers = Answers::default();
        std::hint::black_box(pipeline.mix_and_normalise(
            pixels,
            &mut targets,
            &Address { seed: 0, epoch: 0, batch: next, ids: &ids },
            &answers,
        )?);
        Ok(())
    };
    time(&mut once)
}

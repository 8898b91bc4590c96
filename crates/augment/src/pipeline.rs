//! A recipe resolved against a study's preprocessing and image size: checked once, then run on every image.

use std::mem::MaybeUninit;

use bakeoff_data::{Patch, Region, Resample, RgbImage, View};
use bakeoff_random::Stream;
use rayon::prelude::*;

use crate::address::ImageDraws;
use crate::colour::{self, Change};
use crate::mixer::{self, Answers, Questions};
use crate::normalisation::Centre;
use crate::start::{Start, usual_resize};
use crate::{
    Address, BatchError, HorizontalFlip, Mixed, Mixer, NetworkInput, Normalisation, PixelBatch, Pixels,
    Preprocess, RandomCrop, RecipeConfig, RecipeError, Resize, Targets, Transform, geometry,
};

/// A transform with its resolved numbers and the name its draws are addressed by.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    operation: String,
    transform: Transform,
}

/// A recipe, checked and ready. Pure: every result is a function of the arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    image: usize,
    start: Start,
    steps: Vec<Step>,
    evaluation: Start,
    mixer: Option<Mixer>,
    normalisation: Normalisation,
    centre: Centre,
    draft: Option<usize>,
}

impl Preprocess {
    /// The side that a JPEG's shorter side must keep when it is decoded small for square images of `image` px: what it is resized
    /// to for evaluation. `None` where JPEGs are decoded in full.
    #[must_use]
    pub fn draft_of(&self, image: usize) -> Option<usize> {
        let shortest = match self.resize {
            Resize::Squash { .. } => image,
            Resize::ShorterSide { size, .. } => size.unwrap_or_else(|| usual_resize(image)),
        };
        self.draft.then_some(shortest)
    }

    /// How evaluation images are made.
    fn start(&self, image: usize) -> Start {
        match self.resize {
            Resize::Squash { antialias } => Start::Squash { size: image, antialias },
            Resize::ShorterSide { size, antialias, enlarge } => {
                let size = size.unwrap_or_else(|| usual_resize(image));
                Start::Central { size, window: image, antialias, enlarge }
            }
        }
    }
}

/// Writes all of a slot.
fn fill(slot: &mut [MaybeUninit<f32>], values: &[f32]) {
    assert_eq!(values.len(), slot.len(), "a checked recipe ends at its size");
    slot.iter_mut().zip(values).for_each(|(slot, &value)| {
        slot.write(value);
    });
}

/// Fetches photographs of a batch by their position: at least the region it is told to ask for, once the size is known.
pub type Fetch<'f, E> = dyn Fn(usize, &mut dyn FnMut(usize, usize) -> Region) -> Result<Patch, E> + Sync + 'f;

impl Pipeline {
    /// Checks a recipe and resolves it for square images of `image` px. All errors at once.
    pub fn new(
        recipe: &RecipeConfig,
        preprocess: &Preprocess,
        image: usize,
    ) -> Result<Self, Vec<RecipeError>> {
        let errors = recipe.check(preprocess, image);
        if !errors.is_empty() {
            return Err(errors);
        }
        let evaluation = preprocess.start(image);
        let own = recipe.transforms.first().and_then(|first| first.operation().start(image));
        let rest = &recipe.transforms[usize::from(own.is_some())..];
        // By kind and how often it came before, not by position: two recipes that both flip then flip the same images.
        let steps = rest
            .iter()
            .enumerate()
            .map(|(i, transform)| {
                let before = rest[..i].iter().filter(|t| t.kind() == transform.kind()).count();
                Step { operation: format!("{}/{before}", transform.kind()), transform: transform.clone() }
            })
            .collect();
        Ok(Self {
            image,
            start: own.unwrap_or_else(|| evaluation.clone()),
            steps,
            evaluation,
            mixer: recipe.mix.clone(),
            normalisation: preprocess.normalisation.clone(),
            centre: preprocess.normalisation.centre(),
            draft: preprocess.draft_of(image),
        })
    }

    /// Side of the square images it makes, in pixels.
    #[must_use]
    pub fn image(&self) -> usize {
        self.image
    }

    /// The batch mixer, if the recipe has one.
    #[must_use]
    pub fn mixer(&self) -> Option<&Mixer> {
        self.mixer.as_ref()
    }

    /// The shorter side that a JPEG must keep when it is decoded small, see [`Preprocess::draft_of`].
    #[must_use]
    pub fn draft(&self) -> Option<usize> {
        self.draft
    }

    /// The shorter side below which a photograph is enlarged for evaluation, and made less sharp than it is.
    #[must_use]
    pub fn evaluation_enlarges_below(&self) -> usize {
        self.evaluation.enlarges_below().unwrap_or(self.image)
    }

    /// The shorter side below which the recipe's own resize enlarges a photograph. `None` where it has none, or cuts a window out
    /// of the photograph and enlarges that.
    #[must_use]
    pub fn recipe_enlarges_below(&self) -> Option<usize> {
        self.start.enlarges_below().filter(|_| self.start != self.evaluation)
    }

    /// How its batches are normalised.
    #[must_use]
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// The steps that cutting and mirroring while resizing leave to do, and the resize.
    fn begin(&self, photograph: (usize, usize), address: ImageDraws) -> (Resample, &[Step]) {
        let (crop, steps) = match self.steps.split_first() {
            Some((Step { operation, transform: Transform::RandomCrop(RandomCrop { size }) }, rest)) => {
                (Some((operation.as_str(), *size)), rest)
            }
            _ => (None, self.steps.as_slice()),
        };
        let mut resample = self.start.resample(photograph, address, crop);
        match steps.split_first() {
            Some((
                Step { operation, transform: Transform::HorizontalFlip(HorizontalFlip { probability }) },
                rest,
            )) => {
                resample.mirrored = address.of(operation).coin(*probability);
                (resample, rest)
            }
            _ => (resample, steps),
        }
    }

    /// Weight in the loss of the Jensen–Shannon divergence among the views of an image; `None` where one view is trained on.
    #[must_use]
    pub fn consistency(&self) -> Option<f64> {
        self.steps.iter().find_map(|step| step.transform.consistency())
    }

    /// Views of each image in a training batch: 3 where their [`Pipeline::consistency`] is asked for, else 1.
    #[must_use]
    pub fn views(&self) -> usize {
        if self.consistency().is_some() { 3 } else { 1 }
    }

    /// Every view of a training image. They differ in the step whose consistency is asked for, and in nothing else: the first
    /// goes without it, the second is [`Pipeline::train_image`], the third draws it anew.
    fn train_views(&self, photograph: View<'_>, address: ImageDraws) -> Vec<Pixels> {
        let ImageDraws { seed, epoch, sample } = address;
        if self.consistency().is_none() {
            return vec![self.train_image(photograph, seed, epoch, sample)];
        }
        let (resample, steps) = self.begin((photograph.width(), photograph.height()), address);
        let first = geometry::resampled(photograph, &resample);
        let view = |number: usize| {
            let operations = steps.iter().filter_map(|step| {
                let again = match (step.transform.consistency(), number) {
                    (Some(_), 0) => return None,
                    (Some(_), 2..) => "/again",
                    _ => "",
                };
                Some((&step.transform, address.of(&format!("{}{again}", step.operation))))
            });
            self.transformed(first.clone(), operations)
        };
        (0..self.views()).map(view).collect()
    }

    /// What a list of steps makes of an image. Changes of colour that follow each other are made together.
    fn transformed<'s>(
        &self,
        mut pixels: Pixels,
        steps: impl Iterator<Item = (&'s Transform, Stream)>,
    ) -> Pixels {
        let mut changes = Vec::new();
        for (transform, mut stream) in steps {
            if let Some(more) = transform.operation().changes(&mut stream) {
                changes.extend(more);
                continue;
            }
            pixels = pixels.changed(|values| colour::change(values, &std::mem::take(&mut changes)));
            pixels = transform.operation().apply(pixels, &mut stream, &self.centre);
        }
        pixels.changed(|values| colour::change(values, &changes))
    }

    /// Writes every view of a training image, see [`Pipeline::train_views`], each in its slot.
    fn write_views(
        &self,
        photograph: View<'_>,
        address: ImageDraws,
        mut slots: Vec<&mut [MaybeUninit<f32>]>,
    ) {
        let (resample, steps) = self.begin((photograph.width(), photograph.height()), address);
        let colours = || -> Option<Vec<Vec<Change>>> {
            let changes = |step: &Step| step.transform.operation().changes(&mut address.of(&step.operation));
            steps.iter().map(changes).collect()
        };
        if let [slot] = slots.as_mut_slice()
            && let Some(changes) = colours()
        {
            // Nothing but colours changes any more: no need for memory of its own.
            return self.write_resampled(photograph, &resample, slot, &changes.concat());
        }
        let views = self.train_views(photograph, address);
        assert_eq!(views.len(), slots.len(), "as many as there are places");
        slots.iter_mut().zip(&views).for_each(|(slot, view)| fill(slot, view.values()));
    }

    /// Resizes into a slot and changes colours there.
    fn write_resampled(
        &self,
        photograph: View<'_>,
        resample: &Resample,
        slot: &mut [MaybeUninit<f32>],
        changes: &[Change],
    ) {
        let Region { width, height, .. } = resample.window;
        assert_eq!((width, height), (self.image, self.image), "a checked recipe ends at its size");
        colour::change(resample.unit(photograph, slot), changes);
    }

    /// A training image: resized and transformed. Every draw is a function of (seed, operation, epoch, sample).
    #[must_use]
    pub fn train_image<'a>(
        &self,
        photograph: impl Into<View<'a>>,
        seed: u64,
        epoch: u32,
        sample: u64,
    ) -> Pixels {
        let photograph = photograph.into();
        let address = ImageDraws { seed, epoch, sample };
        let (resample, steps) = self.begin((photograph.width(), photograph.height()), address);
        let steps = steps.iter().map(|step| (&step.transform, address.of(&step.operation)));
        self.transformed(geometry::resampled(photograph, &resample), steps)
    }

    /// The part of a photograph of this size that [`Pipeline::train_image`] looks at.
    #[must_use]
    pub fn train_region(&self, width: usize, height: usize, seed: u64, epoch: u32, sample: u64) -> Region {
        self.begin((width, height), ImageDraws { seed, epoch, sample }).0.reads(width, height)
    }

    /// An evaluation image: preprocessing only, the same for every recipe.
    #[must_use]
    pub fn eval_image<'a>(&self, photograph: impl Into<View<'a>>) -> Pixels {
        let photograph = photograph.into();
        geometry::resampled(photograph, &self.eval_resample(photograph.width(), photograph.height()))
    }

    /// The part of a photograph of this size that [`Pipeline::eval_image`] looks at.
    #[must_use]
    pub fn eval_region(&self, width: usize, height: usize) -> Region {
        self.eval_resample(width, height).reads(width, height)
    }

    fn eval_resample(&self, width: usize, height: usize) -> Resample {
        self.evaluation.resample((width, height), ImageDraws { seed: 0, epoch: 0, sample: 0 }, None)
    }

    /// Training images, made on all threads of the current rayon pool, in order. Where there are several
    /// [`Pipeline::views`], first all images in their first view, then all in their second, and so on.
    pub fn train_batch(&self, images: &[&RgbImage], address: &Address<'_>) -> Result<PixelBatch, BatchError> {
        let ids = address.ids;
        if images.len() != ids.len() {
            return Err(BatchError::LengthsDiffer {
                images: images.len(),
                targets: ids.len(),
                ids: ids.len(),
            });
        }
        self.batch(images.len(), self.views(), |i, slots| {
            self.write_views(images[i].into(), ImageDraws::of_image(address, i), slots);
            Ok(())
        })
    }

    /// [`Pipeline::train_batch`] from photographs that are fetched one by one, each on the thread that transforms it, and of
    /// which only what is needed is asked for.
    pub fn train_batch_from<E: From<BatchError> + Send>(
        &self,
        fetch: &Fetch<'_, E>,
        address: &Address<'_>,
    ) -> Result<PixelBatch, E> {
        self.batch(address.ids.len(), self.views(), |i, slots| {
            let draws = ImageDraws::of_image(address, i);
            let mut region = |width, height| self.begin((width, height), draws).0.reads(width, height);
            let photograph = fetch(i, &mut region)?;
            self.write_views((&photograph).into(), draws, slots);
            Ok(())
        })
    }

    /// Evaluation images, made on all threads of the current rayon pool, in order.
    pub fn eval_batch(&self, images: &[&RgbImage]) -> Result<PixelBatch, BatchError> {
        self.batch(images.len(), 1, |i, slots| {
            self.write_evaluation(images[i].into(), slots);
            Ok(())
        })
    }

    /// [`Pipeline::eval_batch`] from `n` photographs that are fetched as in [`Pipeline::train_batch_from`].
    pub fn eval_batch_from<E: From<BatchError> + Send>(
        &self,
        fetch: &Fetch<'_, E>,
        n: usize,
    ) -> Result<PixelBatch, E> {
        self.batch(n, 1, |i, slots| {
            let photograph = fetch(i, &mut |width, height| self.eval_region(width, height))?;
            self.write_evaluation((&photograph).into(), slots);
            Ok(())
        })
    }

    fn write_evaluation(&self, photograph: View<'_>, slots: Vec<&mut [MaybeUninit<f32>]>) {
        let resample = self.eval_resample(photograph.width(), photograph.height());
        slots.into_iter().for_each(|slot| self.write_resampled(photograph, &resample, slot, &[]));
    }

    /// `write` writes all of every slot it is given, one for each view of an image, where it succeeds.
    fn batch<E: From<BatchError> + Send>(
        &self,
        n: usize,
        views: usize,
        write: impl Fn(usize, Vec<&mut [MaybeUninit<f32>]>) -> Result<(), E> + Sync,
    ) -> Result<PixelBatch, E> {
        if n == 0 {
            return Err(BatchError::Empty.into());
        }
        let len = self.image * self.image * 3;
        // Not zeroed first: a batch is megabytes, and every value is written.
        let mut values: Vec<f32> = Vec::with_capacity(views * n * len);
        // The places of each image's views.
        let mut places: Vec<Vec<_>> = (0..n).map(|_| Vec::with_capacity(views)).collect();
        let slots = values.spare_capacity_mut()[..views * n * len].chunks_exact_mut(len);
        for (slot, i) in slots.zip((0..n).cycle()) {
            places[i].push(slot);
        }
        places.into_par_iter().enumerate().try_for_each(|(i, slots)| write(i, slots))?;
        // SAFETY: every slot was written, or this is not reached.
        unsafe { values.set_len(views * n * len) };
        Ok(PixelBatch::from_parts(self.image, self.image, values))
    }

    /// What [`Pipeline::mix`] wants to know of the network about a batch. Most mixers ask nothing.
    #[must_use]
    pub fn questions(&self, address: &Address<'_>) -> Questions {
        self.mixer.as_ref().map_or(Questions::default(), |mixer| mixer.questions_of(address))
    }

    /// Mixes a batch and its targets in place; without a mixer everything stays as it is. One record per image.
    ///
    /// Draws for one image are a function of (seed, epoch, its id), those for the whole batch of (seed, epoch, batch). `answers`
    /// are the network's, about the same images before they are mixed: see [`Pipeline::questions`].
    pub fn mix(
        &self,
        pixels: &mut PixelBatch,
        targets: &mut Targets,
        address: &Address<'_>,
        answers: &Answers,
    ) -> Result<Vec<Mixed>, BatchError> {
        self.mix_and(pixels, targets, address, answers, |_| ())
    }

    /// [`Pipeline::mix`] and [`Pipeline::normalise`] in one go, which is faster: every value is read and written once.
    pub fn mix_and_normalise(
        &self,
        mut pixels: PixelBatch,
        targets: &mut Targets,
        address: &Address<'_>,
        answers: &Answers,
    ) -> Result<(NetworkInput, Vec<Mixed>), BatchError> {
        if self.mixer.is_none() {
            let mixed = self.mix_and(&mut pixels, targets, address, answers, |_| ())?;
            return Ok((self.normalise(pixels), mixed));
        }
        let normalise = self.normalisation.of_pixels();
        let mixed = self.mix_and(&mut pixels, targets, address, answers, normalise)?;
        Ok((NetworkInput::from_normalised(pixels), mixed))
    }

    /// Mixes, and does something more with rows of pixels that were mixed; nothing where there is no mixer.
    fn mix_and(
        &self,
        pixels: &mut PixelBatch,
        targets: &mut Targets,
        address: &Address,
        answers: &Answers,
        more: impl Fn(&mut [f32]) + Sync,
    ) -> Result<Vec<Mixed>, BatchError> {
        match &self.mixer {
            Some(mixer) => mixer::mix(mixer, pixels, targets, address, answers, more),
            None => Ok((0..targets.len()).map(Mixed::unmixed).collect()),
        }
    }

    /// The network's input. Consumes the batch, so that it cannot happen twice.
    #[must_use]
    pub fn normalise(&self, pixels: PixelBatch) -> NetworkInput {
        NetworkInput::new(pixels, &self.normalisation)
    }

    /// What happens to a training image, in words and numbers, one line a step.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut lines = self.describe_draft();
        lines.push(self.start.describe());
        for Step { transform, .. } in &self.steps {
            lines.push(transform.operation().describe_after(&self.start));
        }
        lines.extend(self.mixer.iter().map(Mixer::describe));
        lines.push(self.normalisation.describe());
        lines
    }

    /// What happens to a validation or test image, likewise.
    #[must_use]
    pub fn describe_evaluation(&self) -> Vec<String> {
        let mut lines = self.describe_draft();
        lines.extend([self.evaluation.describe(), self.normalisation.describe()]);
        lines
    }

    fn describe_draft(&self) -> Vec<String> {
        let line = |shortest| {
            format!(
                "decode: a JPEG at 1/2, 1/4 or 1/8 of its size where its shorter side keeps {shortest} px"
            )
        };
        self.draft.map(line).into_iter().collect()
    }
}

#[cfg(test)]
mod tests;

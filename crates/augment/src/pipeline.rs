//! A recipe resolved against a study's preprocessing and image size: checked once, then run on every image.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use bakeoff_data::{Region, Resample, RgbImage, View};
use bakeoff_random::Stream;
use rayon::prelude::*;

use crate::address::ImageDraws;
use crate::colour;
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

/// The place of one image in a batch that is being made.
pub struct BatchPlace<'p, 'b> {
    pipeline: &'p Pipeline,
    index: usize,
    /// Of a training image; an evaluation image draws nothing.
    draws: Option<ImageDraws>,
    /// Uninitialised room for every view of the image.
    slots: Vec<&'b mut [MaybeUninit<f32>]>,
    written: Written<'b>,
}

/// Which part of a photograph an image of a batch shows: drawn once, before there are pixels.
pub struct ImageView<'p, 'b> {
    place: BatchPlace<'p, 'b>,
    resample: Resample,
    /// What is still to be done after the resize.
    steps: &'p [Step],
    photograph: (usize, usize),
}

/// Proof that an image of a batch was written. Its lifetime is that of one [`BatchPlace`] and of no other, so that no proof of another
/// image passes for it.
pub struct Written<'b>(PhantomData<fn(&'b ()) -> &'b ()>);

impl<'p, 'b> BatchPlace<'p, 'b> {
    /// Which image of the batch it is, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// What is shown of a photograph of this size.
    #[must_use]
    pub fn view(self, width: usize, height: usize) -> ImageView<'p, 'b> {
        let photograph = (width, height);
        let (resample, steps) = match self.draws {
            Some(draws) => self.pipeline.begin(photograph, draws),
            None => (self.pipeline.eval_resample(width, height), &[][..]),
        };
        ImageView { place: self, resample, steps, photograph }
    }

    /// [`BatchPlace::view`] and [`ImageView::write`] of a photograph that is there.
    #[must_use]
    pub fn write<'a>(self, photograph: impl Into<View<'a>>) -> Written<'b> {
        let photograph = photograph.into();
        self.view(photograph.width(), photograph.height()).write(photograph)
    }
}

impl<'b> ImageView<'_, 'b> {
    /// The pixels that are read of the photograph.
    #[must_use]
    pub fn region(&self) -> Region {
        self.resample.reads(self.photograph.0, self.photograph.1)
    }

    /// Resizes the photograph, of which there must be [`ImageView::region`], transforms it and writes it into the batch.
    ///
    /// # Panics
    /// The photograph is of another size than the view was made for.
    #[must_use]
    pub fn write<'a>(self, photograph: impl Into<View<'a>>) -> Written<'b> {
        let Self { place: BatchPlace { pipeline, draws, mut slots, written, .. }, resample, steps, .. } =
            self;
        let photograph = photograph.into();
        assert_eq!((photograph.width(), photograph.height()), self.photograph, "the size the view is of");
        let changes = match draws {
            None => Some(Vec::new()),
            Some(draws) => {
                let changes =
                    |step: &Step| step.transform.operation().changes(&mut draws.of(&step.operation));
                steps.iter().map(changes).collect::<Option<Vec<_>>>()
            }
        };
        match (slots.as_mut_slice(), changes) {
            // Nothing but colours changes any more: no need for memory of its own.
            ([slot], Some(changes)) => {
                let Region { width, height, .. } = resample.window;
                assert_eq!(
                    (width, height),
                    (pipeline.image, pipeline.image),
                    "a checked recipe ends at its size"
                );
                colour::change(resample.unit(photograph, slot), &changes.concat());
            }
            (slots, ..) => {
                let views = match draws {
                    Some(draws) => pipeline.train_views(photograph, &resample, steps, draws),
                    None => vec![geometry::resampled(photograph, &resample)],
                };
                assert_eq!(views.len(), slots.len(), "as many as there are places");
                slots.iter_mut().zip(&views).for_each(|(slot, view)| fill(slot, view.values()));
            }
        }
        written
    }
}

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

    /// Every view of a training image, as [`Pipeline::begin`] began it. They differ in the step whose consistency is asked for,
    /// and in nothing else: the first goes without it, the second is [`Pipeline::train_image`], the third draws it anew.
    fn train_views(
        &self,
        photograph: View<'_>,
        resample: &Resample,
        steps: &[Step],
        address: ImageDraws,
    ) -> Vec<Pixels> {
        let first = geometry::resampled(photograph, resample);
        if self.consistency().is_none() {
            let operations = steps.iter().map(|step| (&step.transform, address.of(&step.operation)));
            return vec![self.transformed(first, operations)];
        }
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
        self.train_batch_of(address, |place| {
            let photograph = images[place.index()];
            Ok(place.write(photograph))
        })
    }

    /// [`Pipeline::train_batch`] of photographs that are opened one by one, each on the thread that transforms it: `make` opens one,
    /// tells its size to [`BatchPlace::view`], reads the pixels of [`ImageView::region`] and writes them.
    pub fn train_batch_of<E: From<BatchError> + Send>(
        &self,
        address: &Address<'_>,
        make: impl for<'b> Fn(BatchPlace<'_, 'b>) -> Result<Written<'b>, E> + Sync,
    ) -> Result<PixelBatch, E> {
        self.batch(address.ids.len(), self.views(), |index, slots| {
            let draws = Some(ImageDraws::of_image(address, index));
            make(BatchPlace { pipeline: self, index, draws, slots, written: Written(PhantomData) })
        })
    }

    /// Evaluation images, made on all threads of the current rayon pool, in order.
    pub fn eval_batch(&self, images: &[&RgbImage]) -> Result<PixelBatch, BatchError> {
        self.eval_batch_of(images.len(), |place| {
            let photograph = images[place.index()];
            Ok(place.write(photograph))
        })
    }

    /// [`Pipeline::eval_batch`] of `n` photographs that are opened as in [`Pipeline::train_batch_of`].
    pub fn eval_batch_of<E: From<BatchError> + Send>(
        &self,
        n: usize,
        make: impl for<'b> Fn(BatchPlace<'_, 'b>) -> Result<Written<'b>, E> + Sync,
    ) -> Result<PixelBatch, E> {
        self.batch(n, 1, |index, slots| {
            make(BatchPlace { pipeline: self, index, draws: None, slots, written: Written(PhantomData) })
        })
    }

    /// `write` writes all of every slot it is given, one for each view of an image, or fails.
    fn batch<E: From<BatchError> + Send>(
        &self,
        n: usize,
        views: usize,
        write: impl for<'b> Fn(usize, Vec<&'b mut [MaybeUninit<f32>]>) -> Result<Written<'b>, E> + Sync,
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
        places.into_par_iter().enumerate().try_for_each(|(i, slots)| write(i, slots).map(drop))?;
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

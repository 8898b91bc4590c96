//! A recipe resolved against a study's preprocessing and image size: checked once, then run on every image.

use std::mem::MaybeUninit;

use bakeoff_data::{Patch, Region, Resample, RgbImage, View};
use bakeoff_random::Stream;
use rayon::prelude::*;

use crate::address::ImageDraws;
use crate::colour::{self, Change};
use crate::mixer::{self, Answers, Questions};
use crate::operation::Centre;
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
        match slots.as_mut_slice() {
            // Nothing but colours changes any more: no need for memory of its own.
            [slot] if steps.iter().all(|step| step.transform.operation().changes_colours_only()) => {
                let changes = steps
                    .iter()
                    .filter_map(|step| step.transform.operation().changes(&mut address.of(&step.operation)))
                    .flatten();
                self.write_resampled(photograph, &resample, slot, &changes.collect::<Vec<_>>());
            }
            slots => {
                let views = self.train_views(photograph, address);
                assert_eq!(views.len(), slots.len(), "as many as there are places");
                slots.iter_mut().zip(&views).for_each(|(slot, view)| fill(slot, view.values()));
            }
        }
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
mod tests {
    use super::*;
    use crate::{
        Brightness, ChannelStatistics, Contrast, Hue, LambdaMode, Partner, RandomResizedCrop,
        ResizeTransform, builtin,
    };

    fn pipeline_of(transforms: &[Transform], image: usize) -> Result<Pipeline, Vec<RecipeError>> {
        let recipe = RecipeConfig { name: "x".to_owned(), transforms: transforms.to_vec(), mix: None };
        Pipeline::new(&recipe, &Preprocess::default(), image)
    }

    /// The errors as they are printed.
    fn errors_of(transforms: &[Transform]) -> Vec<String> {
        pipeline_of(transforms, 224).unwrap_err().iter().map(ToString::to_string).collect()
    }

    const fn resize(size: usize) -> Transform {
        Transform::Resize(ResizeTransform { size, squash: false, antialias: true })
    }
    const fn squash(size: usize) -> Transform {
        Transform::Resize(ResizeTransform { size, squash: true, antialias: true })
    }
    const fn crop(size: usize) -> Transform {
        Transform::RandomCrop(RandomCrop { size })
    }
    const FLIP: Transform = Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 });
    const INCEPTION: Transform = Transform::RandomResizedCrop(RandomResizedCrop {
        scale: [0.08, 1.0],
        ratio: [0.75, 1.25],
        antialias: true,
    });

    /// A photograph of noise.
    fn noisy(width: usize, height: usize) -> RgbImage {
        let byte = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8;
        RgbImage::new(width, height, (0..width * height * 3).map(byte).collect()).unwrap()
    }

    /// A pixel of 0 to 255 as the pipeline has it.
    fn unit(photograph: &RgbImage, x: usize, y: usize) -> [f32; 3] {
        let at = (y * photograph.width() + x) * 3;
        [0, 1, 2].map(|channel| f32::from(photograph.pixels()[at + channel]) / 255.0)
    }

    #[test]
    fn what_is_not_larger_than_the_customary_resize_keeps_its_pixels_to_the_bit() {
        for image in [8, 28, 32, 48, 64, 224] {
            let longest = usual_resize(image);
            let pipeline = pipeline_of(&[], image).unwrap();
            for (width, height) in [
                (image, image),
                (longest, longest),
                (image + 1, image),
                (image, 2 * image + 1),
                (longest, longest + 5),
            ] {
                let photograph = noisy(width, height);
                let seen = pipeline.eval_image(&photograph);
                let (left, top) =
                    (geometry::central_offset(width, image), geometry::central_offset(height, image));
                for y in 0..image {
                    for x in 0..image {
                        let ours: [f32; 3] = seen.values()[(y * image + x) * 3..][..3].try_into().unwrap();
                        let what = format!("{width}×{height} for {image}: {x}, {y}");
                        assert_eq!(ours, unit(&photograph, left + x, top + y), "{what}");
                    }
                }
                // Every way to a network's input sees the same.
                assert_eq!(pipeline.train_image(&photograph, 1, 2, 3), seen);
                let batch = pipeline.eval_batch(&[&photograph]).unwrap();
                assert_eq!(batch.image(0).unwrap(), seen);
                let batch = pipeline
                    .train_batch(&[&photograph], &Address { seed: 1, epoch: 2, batch: 0, ids: &[3] })
                    .unwrap();
                assert_eq!(batch.image(0).unwrap(), seen);
                let region = pipeline.eval_region(width, height);
                assert_eq!(region, Region { x: left, y: top, width: image, height: image });
            }
        }
    }

    #[test]
    fn what_is_larger_is_resized_as_ever_and_what_is_smaller_to_the_image_only() {
        let torchvision = |image| {
            let recipe = RecipeConfig { name: "x".to_owned(), transforms: Vec::new(), mix: None };
            Pipeline::new(&recipe, &Preprocess::torchvision(), image).unwrap()
        };
        let squashed = |photograph: &RgbImage, image: usize| {
            pipeline_of(&[squash(image)], image).unwrap().train_image(photograph, 0, 0, 0)
        };
        for image in [16, 32, 64] {
            let ours = pipeline_of(&[], image).unwrap();
            let longest = usual_resize(image);
            for (width, height) in [(longest + 1, longest + 1), (longest + 1, 200), (300, 200)] {
                let photograph = noisy(width, height);
                assert_eq!(ours.eval_image(&photograph), torchvision(image).eval_image(&photograph));
            }
            let small = noisy(image - 1, image - 1);
            assert_eq!(ours.eval_image(&small), squashed(&small, image));
            assert_ne!(ours.eval_image(&small), torchvision(image).eval_image(&small));
        }
    }

    #[test]
    fn who_enlarges_which_photographs_can_be_asked() {
        let plain = pipeline_of(&[], 224).unwrap();
        assert_eq!((plain.evaluation_enlarges_below(), plain.recipe_enlarges_below()), (224, None));
        let cropped = pipeline_of(&[resize(256), crop(224)], 224).unwrap();
        assert_eq!((cropped.evaluation_enlarges_below(), cropped.recipe_enlarges_below()), (224, Some(256)));
        let windows = pipeline_of(&[INCEPTION], 224).unwrap();
        assert_eq!(windows.recipe_enlarges_below(), None);
        let recipe = RecipeConfig { name: "x".to_owned(), transforms: vec![squash(224)], mix: None };
        let theirs = Pipeline::new(&recipe, &Preprocess::torchvision(), 224).unwrap();
        assert_eq!((theirs.evaluation_enlarges_below(), theirs.recipe_enlarges_below()), (256, Some(224)));
    }

    #[test]
    fn the_notebooks_crop_that_never_crops_is_an_error_that_says_what_to_do() {
        let errors = errors_of(&[FLIP, crop(224)]);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("transforms[1].size: this crop never crops"), "{errors:?}");
        assert!(errors[0].contains("{ kind = \"resize\", size = 256 }"), "{errors:?}");
        assert_eq!(errors_of(&[squash(224), crop(224)]).len(), 1);
        assert_eq!(errors_of(&[INCEPTION, crop(224)]).len(), 1);
    }

    #[test]
    fn crops_that_can_crop_are_no_error() {
        for transforms in [
            vec![resize(256), crop(224)],
            vec![resize(256), FLIP, crop(224), FLIP],
            vec![squash(225), crop(224)],
            vec![resize(300), crop(256), crop(224)],
            // Along the longer side only.
            vec![resize(224), crop(224)],
        ] {
            assert!(pipeline_of(&transforms, 224).is_ok(), "{transforms:?}");
        }
        let along = pipeline_of(&[resize(224), crop(224)], 224).unwrap().describe();
        assert!(along[1].contains("a square photograph is not cropped"), "{along:?}");
        let both = pipeline_of(&[resize(256), crop(224)], 224).unwrap().describe();
        assert!(!both[1].contains("square photograph"), "{both:?}");
    }

    #[test]
    fn a_pipeline_must_end_at_the_studys_image_size() {
        assert_eq!(
            errors_of(&[resize(256), crop(200)]),
            [
                "transforms[1]: the recipe ends with 200×200 px images but the study trains on 224×224: let the last crop or resize give 224 px"
            ]
        );
        assert!(errors_of(&[resize(224)])[0].contains("add { kind = \"random-crop\", size = 224 }"));
        assert!(errors_of(&[squash(256)])[0].contains("ends with 256×256"));
        assert!(
            errors_of(&[resize(200), crop(224)])[0].contains("the window of 224 px is larger than the image")
        );
    }

    #[test]
    fn what_starts_from_the_photograph_stands_first() {
        for late in [resize(256), INCEPTION] {
            let errors = errors_of(&[FLIP, late.clone(), crop(128)]);
            assert!(errors[0].starts_with("transforms[1].kind: "), "{errors:?}");
            assert!(errors[0].contains("move it to the front"), "{errors:?}");
        }
    }

    #[test]
    fn all_errors_come_at_once_with_their_key_paths() {
        let recipe = RecipeConfig {
            name: "../x".to_owned(),
            transforms: vec![
                Transform::RandomResizedCrop(RandomResizedCrop {
                    scale: [0.9, 0.2],
                    ratio: [0.0, f64::NAN],
                    antialias: true,
                }),
                Transform::HorizontalFlip(HorizontalFlip { probability: 1.5 }),
                Transform::Contrast(Contrast { low: -1.0, high: 1e9, clip: false }),
                Transform::Contrast(Contrast { low: 0.5, high: 0.2, clip: false }),
                Transform::Hue(Hue { delta: 0.6, clip: false }),
                Transform::Brightness(Brightness { delta: f64::INFINITY, clip: false }),
            ],
            mix: Some(Mixer::Mixup(crate::Mixup {
                alpha: 0.0,
                probability: -0.1,
                lambda: LambdaMode::PerPair,
                partner: Partner::Roll,
            })),
        };
        let preprocess = Preprocess {
            resize: Resize::ShorterSide { size: Some(100), antialias: true, enlarge: true },
            normalisation: Normalisation::Custom(ChannelStatistics {
                mean: [0.0; 3],
                sd: [1.0, 0.0, f64::NAN],
            }),
            ..Preprocess::default()
        };
        let errors = Pipeline::new(&recipe, &preprocess, 224).unwrap_err();
        let paths: Vec<&str> = errors.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "preprocess.resize.size",
                "preprocess.normalisation.sd[1]",
                "preprocess.normalisation.sd[2]",
                "name",
                "transforms[0].scale",
                "transforms[0].ratio[0]",
                "transforms[0].ratio[1]",
                "transforms[1].probability",
                "transforms[2].low",
                "transforms[2].high",
                "transforms[3].low",
                "transforms[4].delta",
                "transforms[5].delta",
                "mix.alpha",
                "mix.probability",
                "mix.partner",
            ]
        );
        for size in [0, 10_000] {
            let errors = pipeline_of(&[], size).unwrap_err();
            assert_eq!(errors[0].path, "image");
        }
    }

    #[test]
    fn names_that_cannot_be_folders_are_refused() {
        for name in ["", ".", "..", "a/b", "a b", "-x", ".x", "é"] {
            let recipe = RecipeConfig { name: name.to_owned(), transforms: Vec::new(), mix: None };
            let errors = Pipeline::new(&recipe, &Preprocess::default(), 32).unwrap_err();
            assert_eq!(errors[0].path, "name", "{name:?}");
        }
    }

    fn noise(width: usize, height: usize) -> RgbImage {
        let mut stream = Stream::new(1, "noise", 0, 0);
        let bytes = (0..width * height * 3).map(|_| stream.word() as u8).collect();
        RgbImage::new(width, height, bytes).unwrap()
    }

    #[test]
    fn half_of_the_images_are_flipped_and_the_same_ones_in_every_recipe() {
        let image = noise(10, 8);
        let flip = pipeline_of(&[FLIP], 8).unwrap();
        let later = pipeline_of(
            &[
                Transform::Contrast(Contrast { low: 1.0, high: 1.0, clip: false }),
                Transform::Brightness(Brightness { delta: 0.0, clip: false }),
                FLIP,
            ],
            8,
        )
        .unwrap();
        let plain = flip.eval_image(&image);
        let mut flipped = 0;
        for sample in 0..2000 {
            let one = flip.train_image(&image, 1, 0, sample);
            let other = later.train_image(&image, 1, 0, sample);
            let near = one.values().iter().zip(other.values()).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(near, "sample {sample} is flipped in one recipe only");
            flipped += usize::from(one != plain);
        }
        // Binomial(2000, 1/2): standard deviation 22.
        assert!(flipped.abs_diff(1000) < 110, "{flipped}");
    }

    #[test]
    fn steps_run_in_their_order_with_draws_in_their_ranges() {
        let image = noise(12, 12);
        let plain = pipeline_of(&[], 12).unwrap().eval_image(&image);
        let contrast = Transform::Contrast(Contrast { low: 0.2, high: 0.5, clip: false });
        let brightness = Transform::Brightness(Brightness { delta: 0.2, clip: false });
        let pipeline = pipeline_of(&[contrast, brightness], 12).unwrap();
        let (mut factors, mut shifts) = (Vec::new(), Vec::new());
        for sample in 0..1000 {
            let pixels = pipeline.train_image(&image, 5, 1, sample);
            // Contrast keeps the mean, brightness the differences.
            let spread = |values: &[f32]| values[0] - values[3 * 77];
            factors.push(spread(pixels.values()) / spread(plain.values()));
            let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
            shifts.push(mean(pixels.values()) - mean(plain.values()));
        }
        let check = |values: &[f32], low: f32, high: f32| {
            assert!(values.iter().all(|v| (low - 1e-3..high + 1e-3).contains(v)));
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            // Uniform: standard error (high − low) / sqrt(12,000).
            assert!((mean - (low + high) / 2.0).abs() < (high - low) * 0.05, "{mean}");
        };
        check(&factors, 0.2, 0.5);
        check(&shifts, -0.2, 0.2);
    }

    #[test]
    fn clip_keeps_values_in_the_unit_interval_and_only_where_asked_for() {
        let image = noise(16, 16);
        let range = |clip| {
            let strong = pipeline_of(
                &[
                    Transform::Contrast(Contrast { low: 2.0, high: 3.0, clip }),
                    Transform::Hue(Hue { delta: 0.5, clip }),
                ],
                16,
            )
            .unwrap();
            let pixels = strong.train_image(&image, 1, 0, 0);
            pixels.values().iter().fold([f32::MAX, f32::MIN], |[low, high], &v| [low.min(v), high.max(v)])
        };
        assert_eq!(range(true), [0.0, 1.0]);
        let [low, high] = range(false);
        assert!(low < 0.0 && high > 1.0);
    }

    #[test]
    fn a_crop_cuts_the_same_window_whether_or_not_another_step_stands_before_it() {
        let image = noise(50, 37);
        let at_once = pipeline_of(&[resize(30), crop(24)], 24).unwrap();
        let nothing = Transform::Brightness(Brightness { delta: 0.0, clip: false });
        let after = pipeline_of(&[resize(30), nothing, crop(24)], 24).unwrap();
        let mut seen = Vec::new();
        for sample in 0..20 {
            let pixels = at_once.train_image(&image, 3, 2, sample);
            assert_eq!(pixels, after.train_image(&image, 3, 2, sample));
            if !seen.contains(&pixels) {
                seen.push(pixels);
            }
        }
        assert!(seen.len() > 10, "windows differ between samples");
    }

    #[test]
    fn every_epoch_and_seed_shows_another_view() {
        let image = noise(40, 40);
        let pipeline = pipeline_of(&[INCEPTION], 16).unwrap();
        let here = pipeline.train_image(&image, 1, 1, 1);
        for (seed, epoch, sample) in [(2, 1, 1), (1, 2, 1), (1, 1, 2)] {
            assert_ne!(here, pipeline.train_image(&image, seed, epoch, sample));
        }
    }

    #[test]
    fn extreme_strips_are_no_memory_problem() {
        let strip = RgbImage::new(1, 60_000, vec![7; 180_000]).unwrap();
        let pipeline = pipeline_of(&[resize(64), FLIP, crop(48)], 48).unwrap();
        assert_eq!(pipeline.train_image(&strip, 1, 1, 1).values().len(), 48 * 48 * 3);
        assert_eq!(pipeline.eval_image(&strip).values().len(), 48 * 48 * 3);
    }

    #[test]
    fn descriptions_have_a_line_a_step_with_its_numbers() {
        let describe = |name: &str| {
            let recipe = builtin(224).into_iter().find(|b| b.config.name == name).unwrap().config;
            Pipeline::new(&recipe, &Preprocess::default(), 224).unwrap().describe()
        };
        assert_eq!(
            describe("none"),
            [
                "resize: a shorter side above 256 px to 256, below 224 px to 224, bilinear with antialiasing, then the central 224×224 px",
                "normalise: ImageNet statistics, RGB, (x − (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)",
            ]
        );
        assert_eq!(
            Preprocess::torchvision().start(224).describe(),
            "resize: shorter side to 256 px, bilinear with antialiasing, then the central 224×224 px"
        );
        assert_eq!(
            describe("flip-crop")[..3],
            [
                "resize: shorter side to 256 px, bilinear with antialiasing",
                "random crop: a window of 224×224 px, its position uniform",
                "horizontal flip: with probability 0.5",
            ]
        );
        assert_eq!(
            describe("notebook-colour")[1],
            "contrast: (x − mean) · f + mean per channel, f uniform in [0.2, 0.5), not clipped"
        );
        assert!(describe("cutmix")[1].starts_with("CutMix: lambda ~ Beta(1, 1) per image, a box"));
        assert!(describe("notebook-cutmix")[1].contains("partners drawn from the batch with replacement"));
        assert!(
            describe("mixup")[1]
                .ends_with("partners by a random permutation of the batch; with probability 1 per image")
        );
    }

    #[test]
    fn without_a_mixer_every_image_keeps_its_label() {
        let pipeline = pipeline_of(&[], 4).unwrap();
        let image = noise(4, 4);
        let mut pixels = pipeline.eval_batch(&[&image, &image]).unwrap();
        let before = pixels.clone();
        let mut targets = Targets::one_hot(&[1, 0], 2).unwrap();
        let mixed = pipeline
            .mix(
                &mut pixels,
                &mut targets,
                &Address { seed: 0, epoch: 0, batch: 0, ids: &[0, 1] },
                &Answers::default(),
            )
            .unwrap();
        assert_eq!(mixed, [Mixed::unmixed(0), Mixed::unmixed(1)]);
        assert_eq!((pixels, targets.values()), (before, [0.0, 1.0, 1.0, 0.0].as_slice()));
    }

    #[test]
    fn views_of_an_image_differ_in_the_step_that_is_compared_and_in_nothing_else() {
        let of = |consistency| {
            let augmix = Transform::Augmix(crate::Augmix { consistency, ..crate::Augmix::default() });
            pipeline_of(&[INCEPTION, FLIP, augmix], 16).unwrap()
        };
        let (plain, clean, viewed) = (of(0.0), pipeline_of(&[INCEPTION, FLIP], 16).unwrap(), of(12.0));
        assert_eq!((plain.views(), viewed.views(), viewed.consistency()), (1, 3, Some(12.0)));
        let image = noise(30, 20);
        let images = vec![&image; 5];
        let ids = [3, 1, 4, 15, 9];
        let batch = viewed.train_batch(&images, &Address { seed: 7, epoch: 2, batch: 0, ids: &ids }).unwrap();
        assert_eq!(batch.len(), 15);
        let mut anew = 0;
        for (i, &id) in ids.iter().enumerate() {
            let view = |number: usize| batch.image(number * 5 + i).unwrap();
            assert_eq!(view(0), clean.train_image(&image, 7, 2, id));
            assert_eq!(view(1), plain.train_image(&image, 7, 2, id));
            assert_eq!(view(1), viewed.train_image(&image, 7, 2, id));
            anew += usize::from(view(2) != view(1));
        }
        assert!(anew >= 4, "the third view has draws of its own");
        let (mut pixels, mut targets) = (batch, Targets::one_hot(&[0; 5], 1).unwrap());
        assert_eq!(
            viewed
                .mix(
                    &mut pixels,
                    &mut targets,
                    &Address { seed: 7, epoch: 2, batch: 0, ids: &ids },
                    &Answers::default()
                )
                .unwrap()
                .len(),
            5
        );
    }

    #[test]
    fn views_are_neither_mixed_nor_compared_twice() {
        let augmix = Transform::Augmix(crate::Augmix { consistency: 12.0, ..crate::Augmix::default() });
        let twice = errors_of(&[augmix.clone(), augmix.clone()]);
        assert!(
            twice.len() == 1 && twice[0].starts_with("transforms[1].consistency: `consistency` compares")
        );
        let mix =
            Some(Mixer::CutmixNotebook(crate::CutmixNotebook { probability: 1.0, partner: Partner::Roll }));
        let recipe = RecipeConfig { name: "x".to_owned(), transforms: vec![augmix], mix };
        let mixed = Pipeline::new(&recipe, &Preprocess::default(), 16).unwrap_err();
        assert_eq!(mixed[0].path, "transforms[0].consistency");
    }
}

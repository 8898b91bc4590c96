//! Test images as the networks are shown them, for people.

use bakeoff_augment::{Pipeline, Pixels, Preprocess, RecipeConfig};
use bakeoff_data::{Dataset, RgbImage};

use super::condition::ImageCondition;
use crate::records::{MapRecord, MapsRecord};

/// Preprocessing alone.
pub(super) fn evaluating(preprocess: &Preprocess, image: usize) -> Result<Pipeline, String> {
    let recipe = RecipeConfig { name: "evaluation".to_owned(), transforms: Vec::new(), mix: None };
    Pipeline::new(&recipe, preprocess, image)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

impl MapsRecord {
    /// A test image as the networks are shown it, before normalisation, in 256 levels. `None` where it cannot be read, or
    /// `sample` is another one.
    #[must_use]
    pub fn picture(&self, map: &MapRecord, dataset: &Dataset, sample: usize) -> Option<RgbImage> {
        picture(&self.pixels(map, dataset, sample)?)
    }

    /// [`MapsRecord::picture`] under several conditions; `place` is the image's in the test split.
    #[must_use]
    pub fn pictures(
        &self,
        map: &MapRecord,
        dataset: &Dataset,
        sample: usize,
        place: usize,
        conditions: &[ImageCondition],
    ) -> Option<Vec<RgbImage>> {
        let pixels = self.pixels(map, dataset, sample)?;
        conditions.iter().map(|condition| picture(&condition.apply(&pixels, place))).collect()
    }

    fn pixels(&self, map: &MapRecord, dataset: &Dataset, sample: usize) -> Option<Pixels> {
        let pipeline = evaluating(&self.preprocess, self.side).ok()?;
        dataset.samples().get(sample).filter(|listed| listed.id == map.image)?;
        Some(pipeline.eval_image(&*dataset.load(sample).ok()?))
    }
}

fn picture(pixels: &Pixels) -> Option<RgbImage> {
    RgbImage::new(pixels.width(), pixels.height(), pixels.to_bytes())
}

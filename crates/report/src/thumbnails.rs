//! Small pictures of test images, read from the data set where it can still be reached.

use crate::evidence::Evidence;
use crate::insight::{FlippedImage, Insight, RecipeInsight};
use crate::maps::uri;
use crate::tables::insight::with_classes;
use bakeoff_data::{Dataset, RgbImage};
use bakeoff_study::records::MapsRecord;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, resize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// Side in pixels; on the page they are about as large.
const SIDE: u32 = 112;
const QUALITY: u8 = 82;
/// Pictures of all recipes together, about.
const MOST: usize = 72;

/// JPEG files by sample id.
#[derive(Debug, Default)]
pub(crate) struct Thumbnails {
    pictures: BTreeMap<String, Vec<u8>>,
    /// Those of which there are maps, as the networks are shown them.
    as_shown: BTreeMap<String, Vec<u8>>,
}

/// The images of a recipe that a page shows: those that become wrong, those that become right.
pub(crate) fn shown(recipe: &RecipeInsight, recipes: usize) -> [Vec<&FlippedImage>; 2] {
    let each = (MOST / (2 * recipes.max(1))).clamp(4, 8);
    [false, true]
        .map(|right| recipe.flips.iter().filter(|flip| flip.becomes_right() == right).take(each).collect())
}

impl Thumbnails {
    /// Of the images that change, and of those with maps. None where the data set is gone, or is another one by now.
    pub(crate) fn read(evidence: &Evidence, insight: &Insight) -> Self {
        let recipes = with_classes(evidence, insight);
        let mut wanted: Vec<&FlippedImage> =
            recipes.iter().flat_map(|r| shown(r, recipes.len())).flatten().collect();
        wanted.sort_by(|a, b| a.image.cmp(&b.image));
        wanted.dedup_by(|a, b| a.image == b.image);
        let mapped = evidence.maps.first();
        let any = !wanted.is_empty() || mapped.is_some();
        let Some(study) = evidence.study.as_ref().filter(|_| any) else { return Self::default() };
        let Ok(dataset) = Dataset::open(&study.data.source()) else { return Self::default() };
        let places: HashMap<&str, usize> =
            dataset.samples().iter().enumerate().map(|(at, sample)| (sample.id.as_str(), at)).collect();
        let picture = |flip: &&FlippedImage| {
            let at = *places.get(flip.image.as_str())?;
            let class = dataset.classes().get(dataset.samples()[at].label);
            if class != flip.class.as_ref() {
                return None;
            }
            Some((flip.image.clone(), thumbnail(&*dataset.load(at).ok()?)?))
        };
        let as_shown = |record: &MapsRecord| -> BTreeMap<String, Vec<u8>> {
            let shown = record.maps.iter().filter_map(|map| {
                let at = *places.get(map.image.as_str())?;
                let class = dataset.classes().get(dataset.samples()[at].label);
                let known = evidence.data.as_ref()?.classes.get(map.label as usize);
                let picture = record.picture(map, &dataset, at).filter(|_| class == known)?;
                Some((map.image.clone(), thumbnail(&picture)?))
            });
            shown.collect()
        };
        Self {
            as_shown: mapped.map(as_shown).unwrap_or_default(),
            pictures: wanted.iter().filter_map(picture).collect(),
        }
    }

    /// An image as the networks are shown it: JPEG.
    pub(crate) fn as_shown(&self, image: &str) -> Option<&[u8]> {
        self.as_shown.get(image).map(Vec::as_slice)
    }

    /// Name of its definition.
    pub(crate) fn place_as_shown(&self, image: &str) -> Option<String> {
        self.as_shown.keys().position(|id| id == image).map(|at| format!("shown{at}"))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// Name of an image's definition.
    pub(crate) fn place(&self, image: &str) -> Option<String> {
        self.pictures.keys().position(|id| id == image).map(|at| format!("th{at}"))
    }

    /// The pictures as definitions that the page refers to.
    pub(crate) fn definitions(&self, html: &mut String) {
        for (name, pictures) in [("th", &self.pictures), ("shown", &self.as_shown)] {
            for (at, jpeg) in pictures.values().enumerate() {
                let _ = writeln!(
                    html,
                    "<image id=\"{name}{at}\" width=\"100\" height=\"100\" preserveAspectRatio=\"none\" href=\"{}\"/>",
                    uri("jpeg", jpeg)
                );
            }
        }
    }
}

/// The central square.
fn thumbnail(image: &RgbImage) -> Option<Vec<u8>> {
    let [width, height] = [image.width(), image.height()].map(|length| u32::try_from(length).ok());
    let (width, height) = (width?, height?);
    let image = image::RgbImage::from_raw(width, height, image.pixels().to_vec())?;
    let side = width.min(height);
    let square = crop_imm(&image, (width - side) / 2, (height - side) / 2, side, side).to_image();
    let small = if side > SIDE { resize(&square, SIDE, SIDE, FilterType::Triangle) } else { square };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&small).ok()?;
    Some(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_the_central_square_and_small() {
        let mut pixels = vec![0; 300 * 150 * 3];
        for row in 0..150 {
            pixels[(row * 300 + 75) * 3..(row * 300 + 225) * 3].fill(255);
        }
        let jpeg = thumbnail(&RgbImage::new(300, 150, pixels).unwrap()).unwrap();
        let back = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert_eq!(back.dimensions(), (SIDE, SIDE));
        assert!(back.pixels().all(|p| p.0.iter().all(|&v| v > 250)));
        let small = RgbImage::new(20, 10, vec![9; 600]).unwrap();
        assert_eq!(image::load_from_memory(&thumbnail(&small).unwrap()).unwrap().width(), 10);
    }
}

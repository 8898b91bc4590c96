//! Small pictures of test images, read from the data set where it can still be reached.

use crate::mapped::{Mapped, mapped, uri};
use crate::tables::insight::with_classes;
use bakeoff_data::{Dataset, RgbImage};
use bakeoff_evidence::Evidence;
use bakeoff_findings::insight::{FlippedImage, Insight, RecipeInsight};
use bakeoff_study::{Corruption, ImageCondition};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, crop_imm, resize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// Side in pixels; on the page they are about as large.
const SIDE: u32 = 112;
/// The same of those with maps, which are shown larger.
const LARGE: u32 = 224;
const QUALITY: u8 = 82;
/// Smaller pictures are enlarged pixel by pixel.
const PIXELATED: u32 = 96;
/// Pictures of all recipes together, about.
const MOST: usize = 72;

/// A small picture.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    jpeg: Vec<u8>,
    /// So small that its pixels are shown as squares.
    pub(crate) pixelated: bool,
}

impl Thumbnail {
    pub(crate) fn uri(&self) -> String {
        uri("jpeg", &self.jpeg)
    }
}

/// An image in the ways it was damaged and hidden.
#[derive(Debug)]
pub(crate) struct Damage {
    /// Sample id.
    pub(crate) image: String,
    /// As the networks are shown it, then in every way of [`Damage::ways`].
    pictures: Vec<Thumbnail>,
}

impl Damage {
    /// Severities that are drawn, of each corruption.
    pub(crate) const SEVERITIES: [u8; 2] = [3, 5];
    /// Quarters of the image that are hidden.
    const HIDDEN: [usize; 3] = [1, 2, 3];

    /// As the networks are shown it, corruption by corruption, then hidden.
    fn ways() -> Vec<ImageCondition> {
        let damaged =
            Corruption::ALL.into_iter().flat_map(|c| Self::SEVERITIES.map(|s| ImageCondition::Damaged(c, s)));
        let hidden = Self::HIDDEN.map(ImageCondition::quarters_hidden);
        [ImageCondition::Plain].into_iter().chain(damaged).chain(hidden).collect()
    }

    /// Of the first image with maps, which stands at `place` in the test split.
    fn of(mapped: &Mapped<'_>, dataset: &Dataset, sample: usize, place: usize) -> Option<Self> {
        let (record, map) = mapped.maps.first()?;
        let pictures = record.pictures(map, dataset, sample, place, &Self::ways())?;
        let pictures = pictures.iter().map(|picture| thumbnail(picture, SIDE)).collect::<Option<_>>()?;
        Some(Self { image: mapped.image.to_owned(), pictures })
    }

    /// Name of the definition of one of its pictures.
    pub(crate) fn place(shown: ImageCondition) -> String {
        format!("dam{}", Self::ways().iter().position(|way| *way == shown).unwrap_or(0))
    }

    /// Ways to hide a part, with the share that is hidden.
    pub(crate) fn hidden() -> impl Iterator<Item = (f64, ImageCondition)> {
        Self::HIDDEN
            .into_iter()
            .map(|quarters| (quarters as f64 / 4.0, ImageCondition::quarters_hidden(quarters)))
    }
}

/// JPEG files by sample id.
#[derive(Debug, Default)]
pub(crate) struct Thumbnails {
    pictures: BTreeMap<String, Thumbnail>,
    /// Those of which there are maps, as the networks are shown them.
    as_shown: BTreeMap<String, Thumbnail>,
    /// One of these damaged, where damaged images were looked at.
    pub(crate) damage: Option<Damage>,
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
        let mapped = mapped(evidence);
        let any = !wanted.is_empty() || !mapped.is_empty();
        let Some(study) = evidence.study.as_ref().filter(|_| any) else { return Self::default() };
        let Ok(dataset) = Dataset::open(&study.source()) else { return Self::default() };
        let places: HashMap<&str, usize> =
            dataset.samples().iter().enumerate().map(|(at, sample)| (sample.id.as_str(), at)).collect();
        let picture = |flip: &&FlippedImage| {
            let at = *places.get(flip.image.as_str())?;
            let class = dataset.classes().get(dataset.samples()[at].label);
            if class != flip.class.as_ref() {
                return None;
            }
            Some((flip.image.clone(), thumbnail(&*dataset.load(at).ok()?, SIDE)?))
        };
        let sample = |mapped: &Mapped<'_>| {
            let at = *places.get(mapped.image)?;
            let class = dataset.classes().get(dataset.samples()[at].label);
            class.is_some_and(|class| class == mapped.class).then_some(at)
        };
        let as_shown = |mapped: &Mapped<'_>| {
            let (record, map) = mapped.maps.first()?;
            let picture = record.picture(map, &dataset, sample(mapped)?)?;
            Some((mapped.image.to_owned(), thumbnail(&picture, LARGE)?))
        };
        let damage = mapped.first().filter(|_| !evidence.robustness.is_empty()).and_then(|mapped| {
            let place = evidence.trials.iter().find_map(|trial| trial.place(mapped.image))?;
            Damage::of(mapped, &dataset, sample(mapped)?, place)
        });
        Self {
            as_shown: mapped.iter().filter_map(as_shown).collect(),
            pictures: wanted.iter().filter_map(picture).collect(),
            damage,
        }
    }

    /// An image as the networks are shown it.
    pub(crate) fn as_shown(&self, image: &str) -> Option<&Thumbnail> {
        self.as_shown.get(image)
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
        let mut define = |name: &str, pictures: &mut dyn Iterator<Item = &Thumbnail>| {
            for (at, picture) in pictures.enumerate() {
                let class = if picture.pixelated { " class=\"px\"" } else { "" };
                let _ = writeln!(
                    html,
                    "<image id=\"{name}{at}\" width=\"100\" height=\"100\" preserveAspectRatio=\"none\"{class} href=\"{}\"/>",
                    picture.uri()
                );
            }
        };
        define("th", &mut self.pictures.values());
        define("shown", &mut self.as_shown.values());
        define("dam", &mut self.damage.iter().flat_map(|damage| &damage.pictures));
    }
}

/// The central square, with at most `most` pixels a side.
fn thumbnail(image: &RgbImage, most: u32) -> Option<Thumbnail> {
    let [width, height] = [image.width(), image.height()].map(|length| u32::try_from(length).ok());
    let (width, height) = (width?, height?);
    let image = image::RgbImage::from_raw(width, height, image.pixels().to_vec())?;
    let side = width.min(height);
    let square = crop_imm(&image, (width - side) / 2, (height - side) / 2, side, side).to_image();
    let small = if side > most { resize(&square, most, most, FilterType::Triangle) } else { square };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&small).ok()?;
    Some(Thumbnail { jpeg, pixelated: side < PIXELATED })
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
        let large = thumbnail(&RgbImage::new(300, 150, pixels).unwrap(), SIDE).unwrap();
        let back = image::load_from_memory(&large.jpeg).unwrap().to_rgb8();
        assert_eq!(back.dimensions(), (SIDE, SIDE));
        assert!(back.pixels().all(|p| p.0.iter().all(|&v| v > 250)));
        let small = RgbImage::new(20, 10, vec![9; 600]).unwrap();
        let small = thumbnail(&small, SIDE).unwrap();
        assert_eq!(image::load_from_memory(&small.jpeg).unwrap().width(), 10);
        assert!(small.pixelated && !large.pixelated);
    }

    #[test]
    fn every_damage_has_a_picture_of_its_own() {
        let ways = Damage::ways();
        assert_eq!(ways.len(), 1 + 2 * 13 + 3);
        assert_eq!(Damage::place(ImageCondition::Plain), "dam0");
        assert_eq!(Damage::place(ImageCondition::Damaged(Corruption::GaussianNoise, 5)), "dam2");
        let hidden: Vec<(f64, String)> =
            Damage::hidden().map(|(share, way)| (share, Damage::place(way))).collect();
        assert_eq!(
            hidden,
            [(0.25, "dam27".to_owned()), (0.5, "dam28".to_owned()), (0.75, "dam29".to_owned())]
        );
    }
}

//! Photographs that are smaller than what they are resized to: they are made less sharp, and someone should know.

use std::collections::BTreeMap;

use bakeoff_augment::{Preprocess, Resize};
use bakeoff_data::Dataset;

use crate::study::Study;

/// Images looked at before a study runs.
const SAMPLED: usize = 100;

/// What is to be said of the shorter sides of a few of a data set's images.
pub(crate) fn sampled(study: &Study, dataset: &Dataset) -> Vec<String> {
    let sides = dataset.sampled_sides(SAMPLED);
    let total = dataset.samples().len();
    let all = if sides.len() == total {
        format!("{total} images")
    } else {
        format!("{} images looked at (of {total})", sides.len())
    };
    warnings(study, dataset, &sides, &all)
}

/// What is to be said of the shorter sides of all images that can be used.
pub(crate) fn known(study: &Study, dataset: &Dataset, shorter_sides: &[usize]) -> Vec<String> {
    let sides: Vec<(usize, usize)> =
        shorter_sides.iter().copied().enumerate().filter(|&(_, side)| side > 0).collect();
    warnings(study, dataset, &sides, &format!("{} images", sides.len()))
}

/// `sides` are samples and their shorter sides, `all` names them.
fn warnings(study: &Study, dataset: &Dataset, sides: &[(usize, usize)], all: &str) -> Vec<String> {
    let image = study.config.train.image;
    let smaller = |than: usize| {
        let mut found = sides.iter().filter(|&&(_, side)| side < than);
        let &(sample, side) = found.next()?;
        let example = dataset.samples().get(sample).map_or("", |sample| sample.id.as_str());
        Some((1 + found.count(), format!("{example} ({side} px) for one")))
    };
    let mut warnings = Vec::new();
    let evaluation = study.pipelines().first().map_or(image, |pipeline| pipeline.evaluation_enlarges_below());
    if let Some((count, example)) = smaller(evaluation) {
        let whose = if study.weights().is_some() && asks_to_enlarge(study.preprocess()) {
            " (the weights' own preprocessing, unless the study says otherwise)"
        } else {
            ""
        };
        warnings.push(if evaluation > image {
            format!(
                "{count} of {all} are smaller than the {evaluation} px that the shorter side is resized to{whose} before the central \
                 {image} px are cut out, {example}: they are enlarged, and a part of them is lost. With preprocess.resize = {{ kind = \
                 \"shorter-side\", enlarge = false }} what is not larger keeps its pixels"
            )
        } else {
            // A few small ones among larger photographs are no reason to change anything.
            let remedy = if count * 2 > sides.len() { "; a smaller train.image may do as well" } else { "" };
            format!(
                "{count} of {all} are smaller than train.image = {image}, {example}: they are enlarged, and \
                 blurred by it{remedy}"
            )
        });
    }
    let mut by_size: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (recipe, pipeline) in study.config.recipe.iter().zip(study.pipelines()) {
        // What evaluation enlarges as much was said.
        if let Some(size) = pipeline.recipe_enlarges_below().filter(|&size| size > evaluation) {
            by_size.entry(size).or_default().push(&recipe.name);
        }
    }
    for (size, recipes) in by_size {
        let Some((count, example)) = smaller(size) else { continue };
        let (who, it) = match recipes.as_slice() {
            [one] => (format!("recipe {one} resizes"), "it trains on enlarged images, and is"),
            several => {
                (format!("recipes {} resize", several.join(", ")), "they train on enlarged images, and are")
            }
        };
        warnings.push(format!(
            "{who} to {size} px, and {count} of {all} are smaller, {example}: {it} evaluated on others. A crop that needs no enlarging \
             is {{ kind = \"pad-crop\", size = {image} }}"
        ));
    }
    warnings
}

fn asks_to_enlarge(preprocess: &Preprocess) -> bool {
    matches!(preprocess.resize, Resize::ShorterSide { enlarge: true, .. })
}

//! Which images of the test split are looked at.

use std::collections::{BTreeMap, HashMap};

use bakeoff_data::Dataset;

use super::error::AnalysisError;
use crate::predictions::Prediction;

/// Images of which class activation maps are made, at most: a page shows them all, each once for every recipe.
pub const MOST_MAPS: usize = 24;

/// `n` of so many, evenly spread; all where there are no more, or `n` is 0.
pub(super) fn evenly(all: usize, n: usize) -> Vec<usize> {
    if n == 0 || n >= all {
        return (0..all).collect();
    }
    (0..n).map(|k| k * all / n).collect()
}

/// Places in the test split of the images whose maps are made: of classes spread evenly, each one's first. No network has a say in it.
pub(super) fn mapped(test: &[Prediction], wanted: usize) -> Vec<usize> {
    let mut first: BTreeMap<u32, usize> = BTreeMap::new();
    for (place, prediction) in test.iter().enumerate() {
        first.entry(prediction.label).or_insert(place);
    }
    let first: Vec<usize> = first.into_values().collect();
    let classes = if wanted == 0 { Vec::new() } else { evenly(first.len(), wanted.min(MOST_MAPS)) };
    classes.into_iter().map(|class| first[class]).collect()
}

/// The test images looked at.
pub(super) struct TestImages {
    /// Place of each in the test split, which addresses what is random.
    pub(super) places: Vec<usize>,
    /// Place of each in the data set.
    pub(super) samples: Vec<usize>,
    /// Images of the whole split.
    pub(super) of: usize,
}

impl TestImages {
    pub(super) fn new(
        test: &[Prediction],
        dataset: &Dataset,
        places: Vec<usize>,
    ) -> Result<Self, AnalysisError> {
        let known: HashMap<&str, usize> =
            dataset.samples().iter().enumerate().map(|(at, sample)| (sample.id.as_str(), at)).collect();
        let sample = |place: &usize| {
            let Prediction { image, label, .. } = &test[*place];
            let found = known.get(image.as_str()).copied();
            found.filter(|&at| dataset.samples()[at].label == *label as usize).ok_or_else(|| {
                AnalysisError::Missing { image: image.clone(), data: dataset.path().to_owned() }
            })
        };
        let samples = places.iter().map(sample).collect::<Result<_, _>>()?;
        Ok(Self { places, samples, of: test.len() })
    }

    /// Whether a trial was tested on these images, in this order.
    pub(super) fn are_those_of(&self, test: &[Prediction], dataset: &Dataset) -> bool {
        let same = |(&place, &sample): (&usize, &usize)| {
            let listed = &dataset.samples()[sample];
            test.get(place).is_some_and(|t| t.image == listed.id && t.label as usize == listed.label)
        };
        test.len() == self.of && self.places.iter().zip(&self.samples).all(same)
    }
}

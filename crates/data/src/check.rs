//! Everything that can be said of a data set before anything is trained on it: what `bakeoff data check` shows.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use crate::{DataError, Dataset, DeclaredSplit, Duplicates, Rejected, Sizes};

/// A class with this many times the images of another is worth a word.
const IMBALANCE: f64 = 3.0;

/// Usable images of a class by the split the source declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// The class.
    pub class: String,
    /// Training images.
    pub train: usize,
    /// Validation images.
    pub validation: usize,
    /// Test images.
    pub test: usize,
    /// Images of a source without splits.
    pub undeclared: usize,
}

impl ClassCounts {
    /// What is learnt from: the train split, or what will be split.
    #[must_use]
    pub fn learnt_from(&self) -> usize {
        self.train + self.undeclared
    }
}

/// How unevenly classes are filled, over what is learnt from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// The class with most images.
    pub largest: String,
    /// Its images.
    pub most: usize,
    /// The class with fewest.
    pub smallest: String,
    /// Its images.
    pub fewest: usize,
    /// `most / fewest`; infinite where a class has no usable image, and then absent in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

/// What [`Dataset::check`] found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Images listed, usable or not.
    pub images: usize,
    /// By class, in label order.
    pub classes: Vec<ClassCounts>,
    /// How evenly.
    pub balance: Balance,
    /// Images that cannot be used.
    pub rejected: Vec<Rejected>,
    /// Sets of byte-identical images.
    pub duplicates: Vec<Duplicates>,
    /// Sets of images that look the same though they are not byte-identical: at least two of a set differ.
    pub alike: Vec<Duplicates>,
    /// Side lengths.
    pub sizes: Sizes,
    /// Why the images are taken to be ImageNet's, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imagenet: Option<String>,
    /// What else is odd, in words.
    pub warnings: Vec<String>,
}

impl Dataset {
    /// What [`inspect`](Dataset::inspect) finds, counted and put in words.
    ///
    /// # Errors
    /// [`DataError::Stopped`]; no image that can be used.
    pub fn check(
        &self,
        stop: &AtomicBool,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Check, DataError> {
        let inspection = self.inspect(false, stop, progress)?;

        let mut classes: Vec<ClassCounts> = self
            .classes
            .iter()
            .map(|class| ClassCounts { class: class.clone(), ..ClassCounts::default() })
            .collect();
        for (sample, _) in self.samples.iter().zip(&inspection.usable).filter(|(_, usable)| **usable) {
            let class = &mut classes[sample.label];
            *match sample.split {
                DeclaredSplit::Train => &mut class.train,
                DeclaredSplit::Validation => &mut class.validation,
                DeclaredSplit::Test => &mut class.test,
                DeclaredSplit::Undeclared => &mut class.undeclared,
            } += 1;
        }
        let balance = balance(&classes);
        let mut warnings: Vec<String> =
            self.warnings().iter().chain(&inspection.warnings).map(ToString::to_string).collect();
        let declared = |sample: usize| Some(self.samples[sample].split as usize);
        warnings.extend(self.cut_groups(&declared).map(|warning| warning.to_string()));
        if balance.ratio.is_none_or(|ratio| ratio >= IMBALANCE) {
            warnings.push(format!(
                "classes are uneven: {} has {} images to learn from, {} has {}; accuracy will mostly tell about the large ones",
                balance.largest, balance.most, balance.smallest, balance.fewest
            ));
        }
        Ok(Check {
            images: self.samples.len(),
            classes,
            balance,
            alike: inspection.alike,
            rejected: inspection.rejected,
            duplicates: inspection.duplicates,
            sizes: inspection.sizes,
            imagenet: self.imagenet(),
            warnings,
        })
    }

    /// Why this data set is taken to hold images of ImageNet: networks pretrained there have seen its test images. By the names
    /// of classes, folders and files, which are synsets (`n02085620-Chihuahua`).
    #[must_use]
    pub fn imagenet(&self) -> Option<String> {
        let synsets = self.classes.iter().filter(|class| is_synset(class)).count();
        if 2 * synsets > self.classes.len() {
            return Some(format!("{synsets} of its {} classes are named by synsets", self.classes.len()));
        }
        let named = |id: &str| id.split('/').any(is_synset);
        let synsets = self.samples.iter().filter(|sample| named(&sample.id)).count();
        (2 * synsets > self.samples.len())
            .then(|| format!("{synsets} of its {} images are named by synsets", self.samples.len()))
    }
}

/// A name such as ImageNet gives to its synsets: `n02085620-Chihuahua`.
fn is_synset(name: &str) -> bool {
    let digits = name.strip_prefix('n').unwrap_or_default().as_bytes();
    digits.len() >= 8
        && digits[..8].iter().all(u8::is_ascii_digit)
        && !digits.get(8).is_some_and(u8::is_ascii_alphanumeric)
}

fn balance(classes: &[ClassCounts]) -> Balance {
    let (mut largest, mut smallest) = (&classes[0], &classes[0]);
    for class in classes {
        if class.learnt_from() > largest.learnt_from() {
            largest = class;
        }
        if class.learnt_from() < smallest.learnt_from() {
            smallest = class;
        }
    }
    let (most, fewest) = (largest.learnt_from(), smallest.learnt_from());
    Balance {
        largest: largest.class.clone(),
        most,
        smallest: smallest.class.clone(),
        fewest,
        ratio: (fewest > 0).then(|| most as f64 / fewest as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synsets_are_recognised() {
        assert!(is_synset("n02085620-Chihuahua") && is_synset("n02085620"));
        assert!(!is_synset("norwich") && !is_synset("n0208562") && !is_synset("n020856201"));
    }

    #[test]
    fn a_class_without_an_image_is_infinitely_uneven() {
        let class =
            |class: &str, train: usize| ClassCounts { class: class.into(), train, ..ClassCounts::default() };
        let found = balance(&[class("a", 8), class("b", 2), class("c", 4)]);
        assert_eq!((found.largest.as_str(), found.smallest.as_str(), found.ratio), ("a", "b", Some(4.0)));
        assert_eq!(balance(&[class("a", 8), class("b", 0)]).ratio, None);
    }
}

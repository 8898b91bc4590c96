//! What a source is turned into before it becomes a data set.

use std::path::Path;

use bakeoff_random::Stream;

use crate::store::{Location, Store};
use crate::{DataError, DeclaredSplit, GeneratedConfig, LimitConfig, Warning};

/// One image of a listing.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Stable name: the path relative to the source, with forward slashes.
    pub(crate) id: String,
    /// Index into the listing's classes.
    pub(crate) label: usize,
    pub(crate) split: DeclaredSplit,
    pub(crate) location: Location,
}

/// Everything a source knows of its images.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) classes: Vec<String>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) store: Store,
    pub(crate) generated: Option<GeneratedConfig>,
    pub(crate) warnings: Vec<Warning>,
}

impl Listing {
    /// Leaves out the classes that were not asked for, or that have no images.
    pub(crate) fn keep_classes(&mut self, path: &Path, wanted: Option<&[String]>) -> Result<(), DataError> {
        for name in wanted.unwrap_or_default() {
            if !self.classes.contains(name) {
                let nearest = self
                    .classes
                    .iter()
                    .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
                let nearest = nearest.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
                return Err(DataError::unusable(path, format!("has no class {name:?}{nearest}")));
            }
        }
        let mut counts = vec![0usize; self.classes.len()];
        self.entries.iter().for_each(|entry| counts[entry.label] += 1);
        let keep = |(label, class): (usize, &String)| {
            counts[label] > 0 && wanted.is_none_or(|wanted| wanted.contains(class))
        };
        let kept: Vec<usize> =
            self.classes.iter().enumerate().filter(|&c| keep(c)).map(|(label, _)| label).collect();
        let mut new_label = vec![None; self.classes.len()];
        kept.iter().enumerate().for_each(|(new, &old)| new_label[old] = Some(new));
        self.entries.retain_mut(|entry| match new_label[entry.label] {
            Some(label) => {
                entry.label = label;
                true
            }
            None => false,
        });
        self.classes = kept.into_iter().map(|label| std::mem::take(&mut self.classes[label])).collect();
        Ok(())
    }

    /// Keeps at most so many images of each class in each split. Images without a split are limited once they have one.
    pub(crate) fn limit(&mut self, limit: LimitConfig) {
        if limit.is_none() {
            return;
        }
        let mut kept = vec![true; self.entries.len()];
        for (split, most) in [
            (DeclaredSplit::Train, limit.train_per_class),
            (DeclaredSplit::Validation, limit.validation_per_class),
            (DeclaredSplit::Test, limit.test_per_class),
        ] {
            let Some(most) = most else { continue };
            let mut by_class = vec![Vec::new(); self.classes.len()];
            for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.split == split) {
                by_class[entry.label].push(index);
            }
            for (label, indices) in by_class.iter().enumerate() {
                limited(split, label, indices, most).1.iter().for_each(|&index| kept[index] = false);
            }
        }
        let mut kept = kept.into_iter();
        self.entries.retain(|_| kept.next().unwrap_or(true));
    }

    /// Whether this can be classified at all.
    pub(crate) fn check(&mut self, path: &Path) -> Result<(), DataError> {
        if self.entries.is_empty() {
            return Err(DataError::unusable(path, "holds no images"));
        }
        if let [only] = self.classes.as_slice() {
            return Err(DataError::unusable(
                path,
                format!(
                    "has one class only ({only}): there is nothing to classify; add the images of at least one other"
                ),
            ));
        }
        let mut counts = vec![[0usize; 4]; self.classes.len()];
        self.entries.iter().for_each(|entry| counts[entry.label][entry.split as usize] += 1);
        let any = |split: DeclaredSplit| counts.iter().any(|class| class[split as usize] > 0);
        let (train, validation, test, undeclared) = (
            DeclaredSplit::Train as usize,
            DeclaredSplit::Validation as usize,
            DeclaredSplit::Test as usize,
            DeclaredSplit::Undeclared as usize,
        );
        if !any(DeclaredSplit::Train) && !any(DeclaredSplit::Undeclared) {
            return Err(DataError::unusable(path, "has no train images; add a train split"));
        }
        for (class, counts) in self.classes.iter().zip(&counts) {
            if counts[train] + counts[undeclared] == 0 {
                let split = if counts[test] > 0 { "test" } else { "validation" };
                return Err(DataError::unusable(
                    path,
                    format!(
                        "class {class} has {split} images but no train images: nothing could learn it; add train images, \
                         or leave it out by naming the others in data.classes"
                    ),
                ));
            }
            if counts[test] == 0 && any(DeclaredSplit::Test) {
                self.warnings.push(Warning::NoTestImages { class: class.clone() });
            }
            if counts[validation] == 0 && any(DeclaredSplit::Validation) {
                self.warnings.push(Warning::NoValidationImages { class: class.clone() });
            }
        }
        Ok(())
    }
}

/// Which images of one class in one split are kept and which are left out. The smaller limit's choice is part of the
/// larger one's.
pub(crate) fn limited(
    split: DeclaredSplit,
    label: usize,
    indices: &[usize],
    most: usize,
) -> (Vec<usize>, Vec<usize>) {
    let order = Stream::new(0, "limit-per-class", split as u32, label as u64).permutation(indices.len());
    let (kept, left) = order.split_at(most.min(order.len()));
    let take = |positions: &[usize]| {
        let mut taken: Vec<usize> = positions.iter().map(|&position| indices[position]).collect();
        taken.sort_unstable();
        taken
    };
    (take(kept), take(left))
}

//! What a source is turned into before it becomes a data set.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use bakeoff_random::Stream;

use crate::classes::{alike_name, alike_warnings, class_order, nearest_name, normalised};
use crate::location::Location;
use crate::store::Store;
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
    /// By id, the value of the column that `data.group` names, or of the folder: which subject an image is of.
    pub(crate) group_of: HashMap<String, String>,
    /// The source has columns and found the one that `data.group` names.
    pub(crate) group_column: bool,
    /// Ids of images that a file of groups puts together.
    pub(crate) sets: Vec<Vec<String>>,
    /// Classes that would be missing.
    pub(crate) lost: Vec<Lost>,
    /// A file whose name says no split, where ids do not name it.
    pub(crate) without_split: Option<String>,
}

/// A class of which nothing is left but pictures in formats that are not read.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) class: String,
    /// `4 HEIC, 1 AVIF`
    pub(crate) what: String,
    /// How to convert them.
    pub(crate) remedy: String,
}

impl Listing {
    /// Gives every class its name in NFC, and joins classes whose names differ in nothing but their normalisation.
    pub(crate) fn settle_names(&mut self) {
        let ordered = self.classes == class_order(self.classes.clone());
        let mut settled: Vec<String> = Vec::new();
        // By name in NFC: the new label and the spellings that were joined. Two classes of equal spelling stay two: their source
        // numbers them apart.
        let mut known: HashMap<String, (usize, BTreeSet<String>)> = HashMap::new();
        let mut labels = Vec::new();
        for spelling in std::mem::take(&mut self.classes) {
            let name = normalised(&spelling).into_owned();
            let (label, spellings) = known.entry(name.clone()).or_default();
            let is_new = spellings.is_empty();
            if spellings.insert(spelling) && !is_new {
                labels.push(*label);
                continue;
            }
            if is_new {
                *label = settled.len();
            }
            labels.push(settled.len());
            settled.push(name);
        }
        if ordered {
            let sorted = class_order(settled.clone());
            let places: HashMap<&String, usize> =
                sorted.iter().enumerate().map(|(place, name)| (name, place)).collect();
            labels
                .iter_mut()
                .for_each(|label| *label = places.get(&settled[*label]).copied().unwrap_or(*label));
            settled = sorted;
        }
        self.entries.iter_mut().for_each(|entry| entry.label = labels[entry.label]);
        let mut joined: Vec<String> = known
            .into_iter()
            .filter(|(_, (_, spellings))| spellings.len() > 1)
            .map(|(name, _)| name)
            .collect();
        joined.sort();
        self.warnings.extend(joined.into_iter().map(|class| Warning::JoinedClasses { class }));
        self.classes = settled;
    }

    /// Leaves out the classes that were not asked for, or that have no images.
    pub(crate) fn keep_classes(&mut self, path: &Path, wanted: Option<&[String]>) -> Result<(), DataError> {
        let wanted: Option<Vec<String>> =
            wanted.map(|names| names.iter().map(|name| normalised(name).into_owned()).collect());
        let known: HashSet<&String> = self.classes.iter().collect();
        for name in wanted.iter().flatten() {
            if !known.contains(name) {
                let nearest = nearest_name(name, &self.classes);
                let nearest = nearest.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                return Err(DataError::unusable(path, format!("has no class {name:?}{nearest}")));
            }
        }
        let wanted: Option<HashSet<String>> = wanted.map(|names| names.into_iter().collect());
        self.refuse_lost(path, wanted.as_ref())?;
        let mut counts = vec![0usize; self.classes.len()];
        self.entries.iter().for_each(|entry| counts[entry.label] += 1);
        let keep = |(label, class): (usize, &String)| {
            counts[label] > 0 && wanted.as_ref().is_none_or(|wanted| wanted.contains(class))
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

    /// A class that would be missing is an error, unless it was not asked for.
    fn refuse_lost(&self, path: &Path, wanted: Option<&HashSet<String>>) -> Result<(), DataError> {
        const NAMED: usize = 10;
        let name = |lost: &Lost| normalised(&lost.class).into_owned();
        let asked = |lost: &&Lost| wanted.is_none_or(|wanted| wanted.contains(&name(lost)));
        let lost: Vec<&Lost> = self.lost.iter().filter(asked).collect();
        let Some(first) = lost.first() else { return Ok(()) };
        let listed: Vec<String> =
            lost.iter().take(NAMED).map(|lost| format!("{} ({})", name(lost), lost.what)).collect();
        let more =
            if lost.len() > NAMED { format!(" and {} more", lost.len() - NAMED) } else { String::new() };
        let others = match self.warnings.first() {
            Some(warning @ (Warning::ClassesLosePictures { .. } | Warning::UnreadPictures { .. })) => {
                format!("\nbesides, {warning}")
            }
            _ => String::new(),
        };
        Err(DataError::unusable(
            path,
            format!(
                "would lose whole classes, of which all pictures are in formats that are not read: {}{more}; convert them to JPEG or \
                 PNG{}, or leave these classes out by naming the others in data.classes, or remove their folders{others}",
                listed.join(", "),
                first.remedy
            ),
        ))
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
        self.warnings.extend(alike_warnings(&self.classes));
        self.warnings.extend(same_names(&self.classes));
        let mut counts = vec![[0usize; 4]; self.classes.len()];
        self.entries.iter().for_each(|entry| counts[entry.label][entry.split as usize] += 1);
        let mut sums = [0usize; 4];
        counts.iter().for_each(|class| sums.iter_mut().zip(class).for_each(|(sum, count)| *sum += count));
        let any = |split: DeclaredSplit| sums[split as usize] > 0;
        let (train, validation, test, undeclared) = (
            DeclaredSplit::Train as usize,
            DeclaredSplit::Validation as usize,
            DeclaredSplit::Test as usize,
            DeclaredSplit::Undeclared as usize,
        );
        if !any(DeclaredSplit::Train) && !any(DeclaredSplit::Undeclared) {
            return Err(DataError::unusable(path, "has no train images; add a train split"));
        }
        let count = sums[undeclared];
        let first = self.entries.iter().find(|entry| entry.split == DeclaredSplit::Undeclared);
        if let Some(first) = first.filter(|_| count < self.entries.len()) {
            let example = self.without_split.clone().unwrap_or_else(|| first.id.clone());
            let declared = self.entries.len() - count;
            self.warnings.push(Warning::UndeclaredBesideSplits { count, declared, example });
        }
        let learnt = |counts: &[usize; 4]| counts[train] + counts[undeclared] > 0;
        for (class, class_counts) in self.classes.iter().zip(&counts) {
            if !learnt(class_counts) {
                let split = if class_counts[test] > 0 { "test" } else { "validation" };
                let trained = self.classes.iter().zip(&counts).filter(|(_, counts)| learnt(counts));
                let trained: Vec<String> = trained.map(|(class, _)| class.clone()).collect();
                let remedy = match alike_name(class, &trained) {
                    Some(alike) => format!("train has {alike}: give both the same name"),
                    None => "add train images".to_owned(),
                };
                return Err(DataError::unusable(
                    path,
                    format!(
                        "class {class} has {split} images but no train images: nothing could learn it; {remedy}, \
                         or leave it out by naming the others in data.classes"
                    ),
                ));
            }
            if class_counts[test] == 0 && any(DeclaredSplit::Test) {
                self.warnings.push(Warning::NoTestImages { class: class.clone() });
            }
            if class_counts[validation] == 0 && any(DeclaredSplit::Validation) {
                self.warnings.push(Warning::NoValidationImages { class: class.clone() });
            }
        }
        Ok(())
    }
}

/// Names that more than one class has.
fn same_names(classes: &[String]) -> Vec<Warning> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    classes.iter().for_each(|class| *counts.entry(class).or_default() += 1);
    let several = counts.into_iter().filter(|(_, count)| *count > 1);
    several.map(|(class, count)| Warning::SameName { class: class.clone(), count }).collect()
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_hundred_thousand_classes_are_checked_and_chosen_from_in_linear_time() {
        const CLASSES: usize = 100_000;
        let classes: Vec<String> = (0..CLASSES).map(|number| format!("class{number:06}")).collect();
        let entry = |label: usize| Entry {
            id: format!("{label}.png"),
            label,
            split: DeclaredSplit::Train,
            location: Location::Missing,
        };
        let entries = (0..CLASSES).map(entry).collect();
        let mut listing = Listing { classes: classes.clone(), entries, ..Listing::default() };
        let begun = Instant::now();
        listing.settle_names();
        listing.keep_classes(Path::new("x"), Some(&classes)).unwrap();
        listing.check(Path::new("x")).unwrap();
        // Some milliseconds; in quadratic time half a minute.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!((listing.classes.len(), listing.entries.len()), (CLASSES, CLASSES));
    }
}

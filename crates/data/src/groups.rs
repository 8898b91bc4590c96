//! Images that belong together: copies of each other, or of one subject. They stay on one side of every split that is drawn.

mod exclude;
mod file;
mod named;

use crate::number::number;
use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::classes::{is_no_label, same_numbers};
use crate::listing::Listing;
use crate::sets::Sets;
use crate::{DataError, DeclaredSplit, GroupConfig, Warning, columns, nearest_name, normalised};
pub(crate) use exclude::exclude;
pub(crate) use file::read_groups;

/// Which images belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Groups {
    /// Of every sample the first one of its group; nothing where every image is by itself.
    first: Vec<usize>,
}

impl Groups {
    /// Every image by itself.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Of sets of samples; those that share one are one group.
    #[must_use]
    pub fn of<'a>(samples: usize, sets: impl IntoIterator<Item = &'a [usize]>) -> Self {
        let mut joined = Sets::new(samples);
        let mut any = false;
        for set in sets {
            for pair in set.windows(2).filter(|pair| pair[0].max(pair[1]) < samples) {
                joined.join(pair[0], pair[1]);
                any = true;
            }
        }
        Self {
            first: if any { (0..samples).map(|sample| joined.root(sample)).collect() } else { Vec::new() },
        }
    }

    /// These groups and those that further sets make of them.
    #[must_use]
    pub fn with(&self, samples: usize, sets: &[Vec<usize>]) -> Self {
        Self::of(samples, self.sets().iter().chain(sets).map(Vec::as_slice))
    }

    /// The first sample of a sample's group: itself where it is by itself.
    #[must_use]
    pub fn first_of(&self, sample: usize) -> usize {
        self.first.get(sample).copied().unwrap_or(sample)
    }

    /// Every image is by itself.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.first.is_empty()
    }

    /// The groups of several images, each ascending, in the order of their first.
    #[must_use]
    pub fn sets(&self) -> Vec<Vec<usize>> {
        let mut sets: HashMap<usize, Vec<usize>> = HashMap::new();
        self.first
            .iter()
            .enumerate()
            .for_each(|(sample, &first)| sets.entry(first).or_default().push(sample));
        let mut sets: Vec<Vec<usize>> = sets.into_values().filter(|set| set.len() > 1).collect();
        sets.sort_unstable();
        sets
    }
}

/// Groups by a folder between the class and the image.
pub(crate) fn by_folder(listing: &mut Listing, source: &Path, level: usize) -> Result<(), DataError> {
    let (mut grouped, mut without) = (Vec::new(), 0);
    let mut example = None;
    for entry in &listing.entries {
        let parts: Vec<&str> = entry.id.split('/').collect();
        // `<class>/…` or `<split>/<class>/…`, where what was unpacked may have put the split's folder into one of its name.
        let least = usize::from(entry.split != DeclaredSplit::Undeclared);
        let name = listing.classes.get(entry.label).map_or("", String::as_str);
        let class = (least..parts.len()).find(|&at| normalised(parts[at]) == name).unwrap_or(least);
        let folders = parts.get(class + 1..parts.len().saturating_sub(1)).unwrap_or_default();
        match folders.get(..level) {
            Some(subject) => grouped.push((entry.id.clone(), subject.join("/"))),
            None => {
                without += 1;
                example.get_or_insert_with(|| entry.id.clone());
            }
        }
    }
    if grouped.is_empty() {
        let example = example.unwrap_or_default();
        return Err(DataError::unusable(
            source,
            format!(
                "has no image {} below its class folder, which data.group = {{ folder = {level} }} asks for: \
                 {example:?} for one; expected <class>/<subject>/<image>",
                number(level, "folder")
            ),
        ));
    }
    if without > 0 {
        listing.warnings.push(Warning::WithoutGroup {
            count: without,
            example: example.unwrap_or_default(),
            group: format!("{{ folder = {level} }}"),
        });
    }
    listing.group_of.extend(grouped);
    Ok(())
}

/// The place of the column that `data.group` names, in whatever letter case. An error names the nearest.
pub(crate) fn group_column(names: &[impl AsRef<str>], wanted: &str) -> Result<usize, String> {
    match columns::spelt(names, wanted).as_slice() {
        &[only] => Ok(only),
        [] => {
            let names: Vec<String> = names.iter().map(|name| name.as_ref().trim().to_owned()).collect();
            let nearest = nearest_name(wanted, &names);
            let nearest = nearest.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let all = columns::list(names);
            Err(format!("has no column `{wanted}`, which data.group names{nearest} Its columns: {all}"))
        }
        several => Err(columns::meant_twice(names, several, "data.group", wanted)),
    }
}

/// What a column says of groups, without texts that stand for no value, and with numbers in one spelling.
fn settle_column(listing: &mut Listing, name: &str) {
    listing.group_of.retain(|_, group| !is_no_label(group));
    let same = same_numbers(listing.group_of.values().map(String::as_str));
    let Some((text, number)) = same.first_key_value() else { return };
    let note = format!("the groups {number} and {text} are the same number: they are taken for one group");
    listing.warnings.push(Warning::TableNote { table: format!("data.group = {name:?}"), note });
    for group in listing.group_of.values_mut() {
        if let Some(number) = same.get(group) {
            group.clone_from(number);
        }
    }
}

/// Groups by what [`GroupConfig`] names. A column was read by its source already.
pub(crate) fn declare(
    listing: &mut Listing,
    source: &Path,
    config: &GroupConfig,
    folders: bool,
) -> Result<(), DataError> {
    match config {
        GroupConfig::Folder(level) if folders => by_folder(listing, source, level.folder),
        GroupConfig::Folder(_) => Err(DataError::unusable(
            source,
            "is no image folder, so data.group = { folder = … } means nothing here; name a column of the table instead, \
             or list the groups in a file (data.groups)",
        )),
        GroupConfig::Column(name) => {
            if !listing.group_column {
                return Err(DataError::unusable(
                    source,
                    format!(
                        "has no columns that data.group = {name:?} could mean; of an image folder say data.group = {{ folder = 1 }}, \
                         or list the groups in a file (data.groups)"
                    ),
                ));
            }
            settle_column(listing, name);
            let mut without =
                listing.entries.iter().filter(|entry| !listing.group_of.contains_key(&entry.id));
            if let Some(first) = without.next() {
                let (count, example) = (1 + without.count(), first.id.clone());
                listing.warnings.push(Warning::WithoutGroup { count, example, group: format!("{name:?}") });
            }
            Ok(())
        }
    }
}

/// The declared groups of the images that are left, in their order.
pub(crate) fn declared(listing: &Listing) -> Groups {
    let place_of: HashMap<&str, usize> =
        listing.entries.iter().enumerate().map(|(place, entry)| (entry.id.as_str(), place)).collect();
    let mut by_subject: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, entry) in listing.entries.iter().enumerate() {
        if let Some(subject) = listing.group_of.get(&entry.id) {
            by_subject.entry(subject).or_default().push(place);
        }
    }
    let mut sets: Vec<Vec<usize>> = by_subject.into_values().collect();
    let places = |set: &Vec<String>| set.iter().filter_map(|id| place_of.get(id.as_str()).copied()).collect();
    sets.extend(listing.sets.iter().map(places));
    Groups::of(listing.entries.len(), sets.iter().map(Vec::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_that_share_an_image_are_one_group() {
        let groups = Groups::of(6, [&[0usize, 3][..], &[3, 4], &[1, 2]]);
        assert_eq!(groups.sets(), [vec![0, 3, 4], vec![1, 2]]);
        assert_eq!((groups.first_of(4), groups.first_of(5), groups.first_of(99)), (0, 5, 99));
        assert_eq!(groups.with(6, &[vec![2, 5]]).sets(), [vec![0, 3, 4], vec![1, 2, 5]]);
        assert!(Groups::of(6, [&[2usize][..]]).is_none());
    }
}

//! Images that belong together: copies of each other, or of one subject. They stay on one side of every split that is drawn.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::likeness::Sets;
use crate::listing::Listing;
use crate::store::StoredFile;
use crate::{DataError, Dataset, DeclaredSplit, GroupConfig, Warning, columns, nearest_name, normalised};

/// Lists of images are small; a larger file is something else.
const MOST_BYTES: u64 = 1 << 30;

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

/// Images as people name them: by id, or by a path that leads there.
struct Named<'a> {
    by_id: HashMap<&'a str, usize>,
    /// The source's folder, and its name, each with a slash at its end.
    prefixes: Vec<String>,
}

impl<'a> Named<'a> {
    fn of(listing: &'a Listing, source: &Path) -> Self {
        let by_id = listing.entries.iter().enumerate().map(|(place, entry)| (entry.id.as_str(), place));
        let folder = if source.is_file() { source.parent().unwrap_or(Path::new("")) } else { source };
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let name = absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let prefixes = [crate::paths::slashes(&absolute), crate::paths::slashes(folder), name];
        let prefixes = prefixes.into_iter().filter(|prefix| !prefix.is_empty());
        Self { by_id: by_id.collect(), prefixes: prefixes.map(|prefix| prefix + "/").collect() }
    }

    /// As ids are written.
    fn id(&self, text: &str) -> String {
        let text = text.replace('\\', "/");
        text.strip_prefix("./").unwrap_or(&text).to_owned()
    }

    fn find(&self, text: &str) -> Option<usize> {
        if let Some(&place) = self.by_id.get(text) {
            return Some(place);
        }
        let text = self.id(text);
        let below = self.prefixes.iter().filter_map(|prefix| text.strip_prefix(prefix.as_str()));
        std::iter::once(text.as_str()).chain(below).find_map(|id| self.by_id.get(id).copied())
    }
}

fn text_of(path: &Path, key: &str) -> Result<String, DataError> {
    if path.is_dir() {
        return Err(DataError::unusable(path, format!("is a folder; {key} names a file of text")));
    }
    let bytes = StoredFile::read_all(path, MOST_BYTES)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..valid].iter().filter(|&&byte| byte == b'\n').count();
        DataError::unusable(path, format!("line {line} is not UTF-8; save the file as UTF-8"))
    })
}

/// Leaves out the images that a file names: an id, a path, a folder or a pattern a line.
pub(crate) fn exclude(listing: &mut Listing, source: &Path, file: &Path) -> Result<(), DataError> {
    let text = text_of(file, "data.exclude")?;
    let mut out = vec![false; listing.entries.len()];
    let mut unmatched: Vec<(usize, &str)> = Vec::new();
    let mut lines = 0;
    {
        let named = Named::of(listing, source);
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            lines += 1;
            let mut matched = false;
            if let Some(place) = named.find(line) {
                out[place] = true;
                matched = true;
            } else {
                let id = named.id(line);
                let below = named.prefixes.iter().filter_map(|prefix| id.strip_prefix(prefix.as_str()));
                let patterns: Vec<&str> = std::iter::once(id.as_str()).chain(below).collect();
                for (entry, out) in listing.entries.iter().zip(&mut out) {
                    if patterns.iter().any(|pattern| matches_id(pattern, &entry.id)) {
                        *out = true;
                        matched = true;
                    }
                }
            }
            if !matched {
                unmatched.push((number + 1, line));
            }
        }
        if lines > 0 && unmatched.len() == lines {
            let (line, text) = unmatched[0];
            let example = listing.entries.first().map(|entry| entry.id.as_str()).unwrap_or_default();
            return Err(DataError::unusable(
                file,
                format!(
                    "not one of its {lines} line(s) names an image of {}: line {line} is {text:?}; write ids as the data set has \
                     them, {example:?} for one, or patterns such as \"*_copy.jpg\"",
                    source.display()
                ),
            ));
        }
    }
    let count = out.iter().filter(|out| **out).count();
    let name = file.display().to_string();
    if let Some(&(line, text)) = unmatched.first() {
        listing.warnings.push(Warning::UnmatchedLines {
            file: name.clone(),
            count: unmatched.len(),
            line,
            text: text.to_owned(),
        });
    }
    let mut left = vec![0usize; listing.classes.len()];
    let mut there = left.clone();
    for (entry, out) in listing.entries.iter().zip(&out) {
        there[entry.label] += 1;
        left[entry.label] += usize::from(!out);
    }
    for (label, class) in listing.classes.iter().enumerate() {
        if there[label] > 0 && left[label] == 0 {
            listing.warnings.push(Warning::ClassExcluded { class: class.clone(), file: name.clone() });
        }
    }
    let mut out = out.into_iter();
    listing.entries.retain(|_| !out.next().unwrap_or(false));
    listing.warnings.push(Warning::Excluded { count, file: name });
    Ok(())
}

/// Whether a pattern means an image: as a whole, a folder above it, or, without a slash, its file name.
fn matches_id(pattern: &str, id: &str) -> bool {
    if let Some(folder) = pattern.strip_suffix('/') {
        return !folder.is_empty() && id.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    }
    if !pattern.contains(['*', '?', '[']) {
        // A folder may be named without its slash, a file without its folder.
        return id.rsplit('/').next() == Some(pattern)
            || id.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('/'));
    }
    let name = if pattern.contains('/') { id } else { id.rsplit('/').next().unwrap_or(id) };
    glob(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

/// `*` is any text without a slash, `**` any text, `?` one character, `[abc]` and `[a-z]` one of some, `[!…]` one of the others.
fn glob(pattern: &[char], text: &[char]) -> bool {
    // Places in the pattern that can be reached, so that many stars cost no more than one.
    let closed = |mut reached: Vec<bool>| {
        for at in 0..pattern.len() {
            if reached[at] && pattern[at] == '*' {
                reached[at + 1] = true;
                // `**/` also stands for no folder at all.
                if pattern.get(at + 1) == Some(&'*') && pattern.get(at + 2) == Some(&'/') {
                    reached[at + 3] = true;
                }
            }
        }
        reached
    };
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    let mut reached = closed(reached);
    for &character in text {
        let mut next = vec![false; pattern.len() + 1];
        for at in (0..pattern.len()).filter(|&at| reached[at]) {
            match pattern[at] {
                '*' => {
                    let deep = pattern.get(at + 1) == Some(&'*') || (at > 0 && pattern[at - 1] == '*');
                    next[at] |= deep || character != '/';
                }
                '?' => next[at + 1] |= character != '/',
                '[' => match pattern[at + 1..].iter().skip(1).position(|&c| c == ']') {
                    Some(length) => {
                        let set = &pattern[at + 1..at + 2 + length];
                        next[at + length + 3] |= character != '/' && in_set(set, character);
                    }
                    None => next[at + 1] |= character == '[',
                },
                other => next[at + 1] |= other == character,
            }
        }
        reached = closed(next);
    }
    reached[pattern.len()]
}

fn in_set(set: &[char], character: char) -> bool {
    let (not, set) = match set {
        ['!' | '^', rest @ ..] if !rest.is_empty() => (true, rest),
        set => (false, set),
    };
    let mut at = 0;
    let mut found = false;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == '-' {
            found |= (set[at]..=set[at + 2]).contains(&character);
            at += 3;
        } else {
            found |= set[at] == character;
            at += 1;
        }
    }
    found != not
}

/// Names of columns of a table of groups.
const IMAGE: [&str; 6] = ["image", "path", "file", "filename", "file_name", "id"];
const GROUP: [&str; 7] = ["group", "subject", "patient", "set", "group_id", "subject_id", "patient_id"];

/// Reads a file of groups: a table `image,group`, or the ids of one group a line, separated by commas or tabs.
pub(crate) fn read_groups(listing: &mut Listing, source: &Path, file: &Path) -> Result<(), DataError> {
    let text = text_of(file, "data.groups")?;
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = [b'\t', b';', b','].into_iter().find(|&delimiter| first.contains(delimiter as char));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut table: Option<(usize, usize)> = None;
    let mut begun = false;
    let mut by_name: HashMap<String, usize> = HashMap::new();
    let mut sets: Vec<Vec<usize>> = Vec::new();
    let (mut named_images, mut unmatched) = (0usize, 0usize);
    let mut example = None;
    let named = Named::of(listing, source);
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            DataError::unusable(file, format!("line {line} cannot be read: {error}"))
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let fields: Vec<&str> = record.iter().filter(|field| !field.is_empty()).collect();
        if fields.is_empty() {
            continue;
        }
        if !std::mem::replace(&mut begun, true) {
            let column = |names: &[&str]| {
                record.iter().position(|field| names.iter().any(|name| field.eq_ignore_ascii_case(name)))
            };
            table = column(&IMAGE).zip(column(&GROUP));
            if table.is_some() {
                continue;
            }
        }
        let (images, set): (Vec<&str>, usize) = match table {
            Some((image, group)) => {
                let (image, group) = (record.get(image), record.get(group));
                let (Some(image), Some(group)) =
                    (image.filter(|field| !field.is_empty()), group.filter(|field| !field.is_empty()))
                else {
                    return Err(DataError::unusable(
                        file,
                        format!(
                            "line {line} has no image or no group; each line names one image and its group"
                        ),
                    ));
                };
                let next = sets.len();
                (vec![image], *by_name.entry(group.to_owned()).or_insert(next))
            }
            None => (fields, sets.len()),
        };
        if set == sets.len() {
            sets.push(Vec::new());
        }
        for image in images {
            named_images += 1;
            match named.find(image) {
                Some(place) => sets[set].push(place),
                None => {
                    unmatched += 1;
                    example.get_or_insert((line as usize, image.to_owned()));
                }
            }
        }
    }
    if named_images == unmatched {
        let wrong = match &example {
            Some((line, text)) => {
                format!("line {line} says {text:?}, which is no image of {}", source.display())
            }
            None => "it names no image".to_owned(),
        };
        let id = listing.entries.first().map(|entry| entry.id.as_str()).unwrap_or_default();
        return Err(DataError::unusable(
            file,
            format!(
                "not one image of the data set is in it: {wrong}; expected a table with the columns image,group, or the ids of \
                 one group a line, separated by commas; ids are written as {id:?}"
            ),
        ));
    }
    let sets: Vec<Vec<String>> = sets
        .into_iter()
        .map(|set| set.into_iter().map(|place| listing.entries[place].id.clone()).collect())
        .collect();
    if let Some((line, text)) = example {
        listing.warnings.push(Warning::UnmatchedLines {
            file: file.display().to_string(),
            count: unmatched,
            line,
            text,
        });
    }
    listing.sets.extend(sets);
    Ok(())
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
                "has no image {level} folder(s) below its class folder, which data.group = {{ folder = {level} }} asks for: \
                 {example:?} for one; expected <class>/<subject>/<image>"
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
    let place = |same: &dyn Fn(&str) -> bool| names.iter().position(|name| same(name.as_ref().trim()));
    let found = place(&|name| name == wanted.trim())
        .or_else(|| place(&|name| name.eq_ignore_ascii_case(wanted.trim())));
    found.ok_or_else(|| {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().trim().to_owned()).collect();
        let nearest =
            nearest_name(wanted, &names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!(
            "has no column `{wanted}`, which data.group names{nearest} Its columns: {}",
            columns::list(names)
        )
    })
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

impl Dataset {
    /// A word about declared groups whose images stand in several places, by what `place` says of each.
    #[must_use]
    pub fn cut_groups(&self, place: &dyn Fn(usize) -> Option<usize>) -> Option<Warning> {
        let cut: Vec<[usize; 2]> = self
            .groups
            .sets()
            .iter()
            .filter_map(|set| {
                let first = *set.iter().find(|&&sample| place(sample).is_some())?;
                let other =
                    set.iter().find(|&&sample| place(sample).is_some_and(|at| Some(at) != place(first)))?;
                Some([first, *other])
            })
            .collect();
        let example = cut.first()?.map(|sample| self.samples[sample].id.as_str()).join(" and ");
        Some(Warning::GroupAcrossSplits { count: cut.len(), example })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_elsewhere() {
        for (pattern, id, means) in [
            ("a/b.jpg", "a/b.jpg.png", false),
            ("a", "a/b.jpg", true),
            ("a/", "a/b.jpg", true),
            ("a", "ab/b.jpg", false),
            ("*_copy.jpg", "train/a/1_copy.jpg", true),
            ("*_copy.jpg", "train/a/1_copy.jpeg", false),
            ("a/*.jpg", "a/1.jpg", true),
            ("a/*.jpg", "a/b/1.jpg", false),
            ("a/**/1.jpg", "a/1.jpg", true),
            ("a/**/1.jpg", "a/b/c/1.jpg", true),
            ("**/1.jpg", "1.jpg", true),
            ("a/**", "a/b/c.jpg", true),
            ("img_?[0-9].png", "x/img_a7.png", true),
            ("img_?[!0-9].png", "x/img_a7.png", false),
            ("[ab]/1", "b/1", true),
            ("[", "[", true),
            ("***************x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches_id(pattern, id) || pattern == id, means, "{pattern} {id}");
        }
    }

    #[test]
    fn sets_that_share_an_image_are_one_group() {
        let groups = Groups::of(6, [&[0usize, 3][..], &[3, 4], &[1, 2]]);
        assert_eq!(groups.sets(), [vec![0, 3, 4], vec![1, 2]]);
        assert_eq!((groups.first_of(4), groups.first_of(5), groups.first_of(99)), (0, 5, 99));
        assert_eq!(groups.with(6, &[vec![2, 5]]).sets(), [vec![0, 3, 4], vec![1, 2, 5]]);
        assert!(Groups::of(6, [&[2usize][..]]).is_none());
    }
}

//! Images that a file leaves out: by ids, paths, folders and patterns.

use crate::number::number;
use std::collections::HashMap;
use std::path::Path;

use super::named::{Named, text_of};
use crate::listing::Listing;
use crate::{DataError, Warning};

/// Leaves out the images that a file names: an id, a path, a folder or a pattern a line.
pub(crate) fn exclude(listing: &mut Listing, source: &Path, file: &Path) -> Result<(), DataError> {
    let text = text_of(file, "data.exclude")?;
    let mut out = vec![false; listing.entries.len()];
    let mut unmatched: Vec<(usize, &str)> = Vec::new();
    let mut lines = 0;
    {
        let named = Named::of(listing, source);
        let ids = Ids::of(listing);
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
                for place in
                    std::iter::once(id.as_str()).chain(below).flat_map(|pattern| ids.meant_by(pattern))
                {
                    out[place] = true;
                    matched = true;
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
                    "not one of its {n} names an image of {}: line {line} is {text:?}; write ids as the data set has \
                     them, {example:?} for one, or patterns such as \"*_copy.jpg\"",
                    source.display(),
                    n = number(lines, "line")
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

/// The ids of a listing, so that a line need not be held against every one of them.
struct Ids<'a> {
    /// With their places, sorted.
    sorted: Vec<(&'a str, usize)>,
    /// Places by file name.
    by_name: HashMap<&'a str, Vec<usize>>,
}

/// What a pattern differs from a name in.
const WILD: [char; 3] = ['*', '?', '['];

impl<'a> Ids<'a> {
    fn of(listing: &'a Listing) -> Self {
        let mut sorted: Vec<(&str, usize)> =
            listing.entries.iter().enumerate().map(|(place, entry)| (entry.id.as_str(), place)).collect();
        sorted.sort_unstable();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for &(id, place) in &sorted {
            by_name.entry(id.rsplit('/').next().unwrap_or(id)).or_default().push(place);
        }
        Self { sorted, by_name }
    }

    /// Those that begin so.
    fn beginning(&self, with: &str) -> impl Iterator<Item = (&'a str, usize)> {
        let start = self.sorted.partition_point(|(id, _)| *id < with);
        self.sorted[start..].iter().copied().take_while(move |(id, _)| id.starts_with(with))
    }

    /// The images that a pattern means: as a whole, a folder above them, or, without a slash, their file name.
    fn meant_by(&self, pattern: &str) -> Vec<usize> {
        let below =
            |folder: &str| self.beginning(&format!("{folder}/")).map(|(_, place)| place).collect::<Vec<_>>();
        if let Some(folder) = pattern.strip_suffix('/') {
            return if folder.is_empty() { Vec::new() } else { below(folder) };
        }
        let Some(wild) = pattern.find(WILD) else {
            // A folder may be named without its slash, a file without its folder.
            return [self.by_name.get(pattern).cloned().unwrap_or_default(), below(pattern)].concat();
        };
        // `**/` also stands for nothing at all, its slash included.
        let end = pattern.rfind(['*', '?', '[', ']']).map_or("", |last| &pattern[last + 1..]);
        let end = end.strip_prefix('/').unwrap_or(end);
        let characters: Vec<char> = pattern.chars().collect();
        let fits = |name: &str| name.ends_with(end) && glob(&characters, &name.chars().collect::<Vec<_>>());
        if pattern.contains('/') {
            let fitting = self.beginning(&pattern[..wild]).filter(|(id, _)| fits(id));
            return fitting.map(|(_, place)| place).collect();
        }
        let names = self.by_name.iter().filter(|(name, _)| name.starts_with(&pattern[..wild]) && fits(name));
        names.flat_map(|(_, places)| places.iter().copied()).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeclaredSplit;

    fn entry(id: String) -> crate::listing::Entry {
        let (split, location) = (DeclaredSplit::Train, crate::location::Location::Missing);
        crate::listing::Entry { id, label: 0, split, location }
    }

    #[test]
    fn thousands_of_lines_are_not_held_against_every_image() {
        const IMAGES: usize = 20_000;
        let entries =
            (0..IMAGES).map(|number| entry(format!("set/c{}/{number}.jpg", number % 100))).collect();
        let listing = Listing { entries, ..Listing::default() };
        let ids = Ids::of(&listing);
        let begun = std::time::Instant::now();
        let mut found = 0;
        for number in 0..IMAGES / 4 {
            for pattern in [
                format!("{number}.jpg"),
                format!("none{number}/"),
                format!("set/c{}/{number}.*", number % 100),
            ] {
                found += ids.meant_by(&pattern).len();
            }
        }
        assert_eq!(found, IMAGES / 2);
        // A fraction of a second; a minute where each line is held against each image.
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    }

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
            let listing = Listing { entries: vec![entry(id.to_owned())], ..Listing::default() };
            let found = !Ids::of(&listing).meant_by(pattern).is_empty();
            assert_eq!(found || pattern == id, means, "{pattern} {id}");
        }
    }
}

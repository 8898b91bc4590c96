//! Images that belong together: copies of each other, or of one subject. They stay on one side of every split that is drawn.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::classes::{is_no_label, same_numbers};
use crate::columns::{ColumnRole, Found};
use crate::likeness::Sets;
use crate::listing::Listing;
use crate::memory;
use crate::store::StoredFile;
use crate::{DataError, Dataset, DeclaredSplit, GroupConfig, Warning, columns, nearest_name, normalised};

/// Lists of images are small; a larger file is something else.
const MOST_BYTES: u64 = 256 << 20;
/// About how much memory a line takes.
const LINE: u64 = 128;

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
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    if !memory::can_have(lines * LINE) {
        return Err(DataError::unusable(
            path,
            format!("has {lines} lines, for which there is not enough memory"),
        ));
    }
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

/// Words in the names of columns that say whose an image is.
const SUBJECT: [&str; 24] = [
    "group",
    "groups",
    "subject",
    "patient",
    "person",
    "participant",
    "individual",
    "identity",
    "animal",
    "case",
    "donor",
    "owner",
    "user",
    "specimen",
    "lesion",
    "slide",
    "study",
    "series",
    "session",
    "sequence",
    "video",
    "clip",
    "burst",
    "pid",
];
/// How many lines of a file a message shows.
const LINES_SHOWN: usize = 3;

fn is_subject(name: &str) -> bool {
    columns::plain(name).split('_').any(|word| SUBJECT.contains(&word))
}

/// A line of a file of groups.
struct Line {
    number: u64,
    cells: Vec<String>,
}

impl Line {
    fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", String::as_str)
    }
}

/// Which columns of a table of groups are meant, and whether the first line names them.
struct GroupTable {
    image: usize,
    group: usize,
    header: bool,
}

impl GroupTable {
    /// The names of its columns.
    fn names(&self, first: &Line) -> [String; 2] {
        [self.image, self.group].map(|at| match self.header {
            true => format!("column `{}`", first.cell(at)),
            false => format!("column {}", at + 1),
        })
    }

    /// What the lines are, `None` where each lists the images of a group.
    fn of(lines: &[Line], named: &Named<'_>) -> Result<Option<Self>, String> {
        let Some((first, rows)) = lines.split_first() else { return Ok(None) };
        let width = first.cells.len();
        let is_image = |line: &Line, at: usize| named.find(line.cell(at)).is_some();
        let has_image = (0..width).any(|at| is_image(first, at));
        let list = |columns: &[usize]| columns::list(columns.iter().map(|&at| first.cell(at)));
        let hits: Vec<usize> =
            (0..width).map(|at| rows.iter().filter(|row| is_image(row, at)).count()).collect();
        let with_images: Vec<usize> = (0..width).filter(|&at| hits[at] > 0).collect();
        if !has_image && width > 1 {
            let by_name =
                match columns::find(ColumnRole::Path, &first.cells, |at| !is_subject(first.cell(at))) {
                    Found::Literal(at) | Found::Synonym(at) => vec![at],
                    Found::Several(several) => several,
                    Found::Nothing => Vec::new(),
                };
            let there: Vec<usize> = by_name.iter().copied().filter(|at| hits[*at] > 0).collect();
            let image = match (there.as_slice(), by_name.as_slice(), with_images.as_slice()) {
                (&[only], ..) | ([], _, &[only]) | ([], &[only], []) => only,
                // No header: then every line lists the images of a group.
                ([], [], _) => return Ok(None),
                (several @ [_, _, ..], ..) | (_, several, _) => {
                    return Err(format!(
                        "the columns {} may all name the images; leave one of them in the file, called `image`",
                        list(several)
                    ));
                }
            };
            let others: Vec<usize> = (0..width).filter(|&at| at != image).collect();
            let subjects: Vec<usize> =
                others.iter().copied().filter(|&at| is_subject(first.cell(at))).collect();
            let group = match (subjects.as_slice(), others.as_slice()) {
                (&[only], _) | ([], &[only]) => only,
                (several @ [_, _, ..], _) | (_, several) => {
                    return Err(format!(
                        "the columns {} may all say the group; leave one of them beside `{}` in the file, called `group`",
                        list(several),
                        first.cell(image)
                    ));
                }
            };
            return Ok(Some(Self { image, group, header: true }));
        }
        // Images under one column and something else under the others is a table without its header.
        let mut images = (0..width).filter(|&at| hits[at] > 0 || is_image(first, at));
        let (image, no_other) = (images.next(), images.next().is_none());
        let regular = width > 1 && lines.iter().all(|line| line.cells.len() == width);
        let (Some(image), true, true) = (image, regular, no_other) else { return Ok(None) };
        if (hits[image] + usize::from(is_image(first, image))) * 2 <= lines.len() {
            return Ok(None);
        }
        // Images that are not there, in a list of images.
        let extension =
            |text: &str| Path::new(text).extension().map(|end| end.to_string_lossy().to_lowercase());
        let ends: BTreeSet<Option<String>> = lines.iter().map(|line| extension(line.cell(image))).collect();
        let is_like_image = |line: &Line, at: usize| {
            let end = extension(line.cell(at));
            end.is_some() && ends.contains(&end)
        };
        let like_images =
            |at: usize| lines.iter().filter(|line| is_like_image(line, at)).count() * 2 > lines.len();
        if (0..width).any(|at| at != image && like_images(at)) {
            return Ok(None);
        }
        if width > 2 {
            return Err(format!(
                "column {} holds the images, and the file has no header that says which of its {width} columns is the group; write a \
                 first line such as image,group",
                image + 1
            ));
        }
        let group = 1 - image;
        Ok(Some(Self { image, group, header: false }))
    }
}

/// The lines of a file of groups, but for empty ones and remarks.
fn lines_of(file: &Path) -> Result<Vec<Line>, DataError> {
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
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            DataError::unusable(file, format!("line {line} cannot be read: {error}"))
        })?;
        if record.iter().any(|field| !field.is_empty()) {
            let number = record.position().map_or(0, csv::Position::line);
            lines.push(Line { number, cells: record.iter().map(str::to_owned).collect() });
        }
    }
    Ok(lines)
}

/// Reads a file of groups: a table `image,group`, or the ids of one group a line, separated by commas or tabs.
pub(crate) fn read_groups(listing: &mut Listing, source: &Path, file: &Path) -> Result<(), DataError> {
    let lines = lines_of(file)?;
    let wrong = |message: String| DataError::unusable(file, message);
    let named = Named::of(listing, source);
    let table = GroupTable::of(&lines, &named).map_err(wrong)?;
    let mut sets: Vec<Vec<usize>> = Vec::new();
    let (mut named_images, mut unmatched) = (0usize, 0usize);
    let mut example: Option<(usize, String)> = None;
    let mut place = |line: &Line, image: &str| {
        named_images += 1;
        let place = named.find(image);
        if place.is_none() {
            unmatched += 1;
            example.get_or_insert_with(|| (line.number as usize, image.to_owned()));
        }
        place
    };
    let mut without: Vec<(u64, usize)> = Vec::new();
    let mut warnings = Vec::new();
    let name = || file.display().to_string();
    match &table {
        Some(table) => {
            let rows = &lines[usize::from(table.header)..];
            let same = same_numbers(rows.iter().map(|row| row.cell(table.group)));
            let mut by_name: HashMap<&str, usize> = HashMap::new();
            for row in rows {
                let (image, group) = (row.cell(table.image), row.cell(table.group));
                if image.is_empty() {
                    let line = row.number;
                    return Err(wrong(format!(
                        "line {line} has no image; each line names one image and its group"
                    )));
                }
                let Some(image) = place(row, image) else { continue };
                if is_no_label(group) {
                    without.push((row.number, image));
                    continue;
                }
                let set = *by_name.entry(same.get(group).map_or(group, String::as_str)).or_insert(sets.len());
                if set == sets.len() {
                    sets.push(Vec::new());
                }
                sets[set].push(image);
            }
            if let Some((text, number)) = same.first_key_value() {
                let note = format!(
                    "the groups {number} and {text} are the same number: they are taken for one group"
                );
                warnings.push(Warning::TableNote { table: name(), note });
            }
        }
        None => {
            for line in &lines {
                let images = line.cells.iter().filter(|cell| !cell.is_empty());
                sets.push(images.filter_map(|image| place(line, image)).collect());
            }
        }
    }
    let expected = || {
        let id = listing.entries.first().map(|entry| entry.id.as_str()).unwrap_or_default();
        format!(
            "expected a table with the columns image,group, or the ids of one group a line, separated by commas; ids are written as \
             {id:?}"
        )
    };
    if unmatched * 2 > named_images || named_images == 0 {
        let many = match unmatched {
            _ if unmatched == named_images => "not one image of the data set is in it".to_owned(),
            _ => format!("{unmatched} of the {named_images} images it names are none of the data set"),
        };
        let wrong_line = match &example {
            Some((line, text)) => {
                format!("line {line} says {text:?}, which is no image of {}", source.display())
            }
            None => "it names no image".to_owned(),
        };
        return Err(wrong(format!("{many}: {wrong_line}; {}", expected())));
    }
    if let (Some(&(line, _)), true) = (without.first(), sets.is_empty()) {
        return Err(wrong(format!("says no group of any image (line {line} for one); {}", expected())));
    }
    if table.is_none() && sets.iter().all(|set| set.len() < 2) {
        let shown: Vec<String> =
            lines.iter().take(LINES_SHOWN).map(|line| format!("{:?}", line.cells.join(","))).collect();
        return Err(wrong(format!(
            "each of its lines names one image, so that no two images belong together ({}, …); {}",
            shown.join(", "),
            expected()
        )));
    }
    if let Some((table, first)) = table.as_ref().zip(lines.first()) {
        let [image, group] = table.names(first);
        let images: usize = sets.iter().map(Vec::len).sum();
        let note = format!(
            "{image} was taken for the images and {group} for their groups{}: {images} image(s) are in {} group(s), {} of which have \
             several images",
            if table.header { "" } else { " (the file has no header)" },
            sets.len(),
            sets.iter().filter(|set| set.len() > 1).count()
        );
        warnings.push(Warning::TableNote { table: name(), note });
    }
    if let Some(&(line, image)) = without.first() {
        let note = format!(
            "{} image(s) have no group, {} on line {line} for one: each of them is a group by itself",
            without.len(),
            listing.entries[image].id
        );
        warnings.push(Warning::TableNote { table: name(), note });
    }
    if let Some((line, text)) = example {
        warnings.push(Warning::UnmatchedLines { file: name(), count: unmatched, line, text });
    }
    let sets: Vec<Vec<String>> = sets
        .into_iter()
        .map(|set| set.into_iter().map(|place| listing.entries[place].id.clone()).collect())
        .collect();
    listing.warnings.extend(warnings);
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
mod tests;

//! Groups that a file lists.

use crate::number::{form, number};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::named::{Named, text_of};
use crate::classes::{is_no_label, same_numbers};
use crate::columns::{ColumnRole, Found};
use crate::listing::Listing;
use crate::{DataError, Warning, columns};

/// Words in the names of columns that say whose an image is.
const SUBJECT: &str = "group groups subject patient person participant individual identity animal case donor owner user \
     specimen lesion slide study series session sequence video clip burst pid";

/// How many lines of a file a message shows.
const LINES_SHOWN: usize = 3;

fn is_subject(name: &str) -> bool {
    columns::plain(name).split('_').any(|word| SUBJECT.split(' ').any(|known| known == word))
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
            "{image} was taken for the images and {group} for their groups{}: {n} {are} in {}, {} of which have \
             several images",
            if table.header { "" } else { " (the file has no header)" },
            number(sets.len(), "group"),
            sets.iter().filter(|set| set.len() > 1).count(),
            n = number(images, "image"),
            are = form(images, "is", "are")
        );
        warnings.push(Warning::TableNote { table: name(), note });
    }
    if let Some(&(line, image)) = without.first() {
        let note = format!(
            "{} {have} no group, {} on line {line} for one: {each} a group by itself",
            number(without.len(), "image"),
            listing.entries[image].id,
            have = form(without.len(), "has", "have"),
            each = form(without.len(), "it is", "each of them is")
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

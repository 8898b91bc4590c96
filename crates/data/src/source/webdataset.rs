//! WebDataset: tar shards in which files of the same name and different extensions are one sample: `0001.jpg`, `0001.cls`.
//!
//! Format: <https://github.com/webdataset/webdataset>. A sample's files follow one another; its key is the name up to the
//! first dot after the last slash. The class is the number or the text in `.cls`, or a member of the object in `.json`. Where
//! nothing else holds it, a file of another name may; and where people's own names have dots, the last dot ends the key. Both is
//! said in a warning.

use crate::number::number;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Seek};
use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

use super::definition::{Precedence, Source};
use super::reading::{BYTE_ORDER_MARK, lines};
use super::shards::{self, Shards};
use crate::archive::{self, Archive, Member, Metered, metered_next};
use crate::classes::{class_order, escaped_bytes, is_no_label};
use crate::columns;
use crate::listing::{Entry, Listing};
use crate::location::Location;
use crate::names::image_by_name;
use crate::paths::slashes;
use crate::store::Store;
use crate::stored_file::StoredFile;
use crate::{DataError, Warning};

pub(super) const SOURCE: Source = Source {
    words: "WebDataset shards: tar archives of `<key>.jpg` beside `<key>.cls` or `<key>.json`.",
    precedence: Precedence::Container,
    claims_file: |path, name| is_shard(name) && is_samples(path),
    claims_folder: |path| shards::any(path, &is_shard),
    list: |path, _| list(path),
};

/// Files that may name the classes, one a line, in the order of their numbers.
const NAMES: [&str; 3] = ["classnames.txt", "classes.txt", "labels.txt"];
/// Members of `.json` that may hold the class.
const KEYS: [&str; 6] = ["cls", "label", "class", "class_name", "label_name", "category"];
/// Other files than `.cls` and `.json` that may hold nothing but the class, the likeliest first.
const OTHER_LABELS: [&str; 12] = [
    "label",
    "lbl",
    "class",
    "target",
    "id",
    "index",
    "cls.txt",
    "label.txt",
    "class.txt",
    "cls.json",
    "label.json",
    "txt",
];
/// How deep members of `.json` are looked at.
const DEEPEST: usize = 4;
/// How many keys or names an error lists.
const NAMED: usize = 12;
/// A label is short, and so is an image's description.
const MOST_LABEL: u64 = 1 << 20;
/// How many bytes of a label an error shows.
const SHOWN: usize = 32;

/// Whether a file is a shard by its name.
fn is_shard(name: &str) -> bool {
    [".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end))
}

/// Whether a tar archive holds samples of this kind: its first files tell.
fn is_samples(path: &Path) -> bool {
    const LOOKED_AT: usize = 16;
    /// As much as is inflated for it.
    const MOST: u64 = 256 << 20;
    let Ok(file) = bakeoff_files::open(path) else { return false };
    let mut magic = [0; 2];
    if (&file).read_exact(&mut magic).is_err() || (&file).rewind().is_err() {
        return false;
    }
    let left = Cell::new(0);
    fn names<T: Read>(entries: &mut tar::Entries<'_, T>, left: &Cell<u64>) -> Vec<String> {
        let entries =
            std::iter::from_fn(|| metered_next(entries, left)).take(LOOKED_AT).map_while(Result::ok);
        entries
            .filter_map(|entry| {
                Some(entry.path().ok()?.to_string_lossy().trim_start_matches("./").to_owned())
            })
            .collect()
    }
    let names = if magic == [0x1F, 0x8B] {
        left.set(MOST);
        let inner = flate2::read::GzDecoder::new(file).take(MOST);
        tar::Archive::new(inner).entries().map(|mut entries| names(&mut entries, &left))
    } else {
        tar::Archive::new(Metered { inner: &file, left: &left })
            .entries_with_seek()
            .map(|mut entries| names(&mut entries, &left))
    };
    let names = names.unwrap_or_default();
    let is_label = |name: &String| last_dot(name).is_some_and(|(_, extension)| extension == "cls");
    // An image and its label, one after the other, whichever dot ends the key.
    let pair = |a: &str, b: &str| {
        [key_and_extension, last_dot].iter().any(|split| match (split(a), split(b)) {
            (Some((a, x)), Some((b, y))) => {
                let data = |extension: &str| {
                    extension == "json" || OTHER_LABELS.contains(&extension) && !b.contains('/')
                };
                a == b && data(&x) != data(&y) && (is_image(&x) || is_image(&y))
            }
            _ => false,
        })
    };
    names.iter().any(is_label) || names.windows(2).any(|two| pair(&two[0], &two[1]))
}

/// Whether an extension, perhaps one of several words, is that of an image.
fn is_image(extension: &str) -> bool {
    image_by_name(Path::new(&format!("x.{extension}")))
}

/// [`key_and_extension`] by the last dot.
fn last_dot(name: &str) -> Option<(&str, String)> {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = file + name[file..].rfind('.')?;
    (dot > file).then(|| (&name[..dot], name[dot + 1..].to_lowercase()))
}

fn key_and_extension(name: &str) -> Option<(&str, String)> {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = file + name[file..].find('.')?;
    (dot > file).then(|| (&name[..dot], name[dot + 1..].to_lowercase()))
}

/// A class as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Number(usize),
    Name(String),
}

struct Sample {
    name: String,
    location: Location,
    class: Class,
}

/// What a shard holds.
struct Shard {
    file: StoredFile,
    samples: Vec<Sample>,
    unlabelled: usize,
    /// Images whose key ends at their name's last dot, and the first of them.
    dotted: Option<(usize, String)>,
    /// Labels that came from elsewhere than `.cls` and the outermost level of `.json`: from where.
    elsewhere: Option<String>,
    /// What is odd about the archive.
    warnings: Vec<Warning>,
}

fn list(path: &Path) -> Result<Listing, DataError> {
    let Shards { files: found, mut warnings, without_split } = shards::find(path, &is_shard)?;
    if found.is_empty() {
        return Err(DataError::unusable(path, "holds no .tar shards"));
    }
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let read = found.par_iter().map(|shard| samples(&shard.path));
    let mut read: Vec<Shard> = read.collect::<Result<_, _>>()?;
    refuse_broken_off(&found, &read)?;
    read.iter_mut().for_each(|shard| warnings.append(&mut shard.warnings));

    let mut named = NAMES.iter().map(|name| root.join(name)).filter(|file| file.is_file());
    let names = named.next().map(|file| lines(&file).map(|names| (file, names))).transpose()?;
    let used: BTreeSet<&Class> = read.iter().flat_map(|shard| &shard.samples).map(|s| &s.class).collect();
    let classes = classes(path, &used, names)?;
    let places: HashMap<&String, usize> =
        classes.iter().enumerate().rev().map(|(at, name)| (name, at)).collect();
    let labels: BTreeMap<Class, usize> = used
        .into_iter()
        .map(|class| match class {
            Class::Number(number) => (class.clone(), *number),
            Class::Name(name) => (class.clone(), places.get(name).copied().unwrap_or_default()),
        })
        .collect();

    let mut store = Store::default();
    let mut entries = Vec::new();
    for (shard, read) in found.iter().zip(read) {
        let name = slashes(shard.path.strip_prefix(root).unwrap_or(&shard.path));
        if read.unlabelled > 0 {
            warnings.push(Warning::Unlabelled { split: name.clone(), count: read.unlabelled });
        }
        if let Some((count, example)) = read.dotted {
            warnings.push(Warning::DottedKeys { shard: name.clone(), count, example });
        }
        if let Some(place) = read.elsewhere {
            warnings.push(Warning::LabelsElsewhere { shard: name.clone(), place });
        }
        let number = store.add(read.file);
        entries.extend(read.samples.into_iter().map(|sample| Entry {
            id: format!("{name}/{}", sample.name),
            label: labels.get(&sample.class).copied().unwrap_or_default(),
            split: shard.split,
            location: sample.location.in_file(number),
        }));
    }
    // A shard may hold one name twice.
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    for index in 1..entries.len() {
        if entries[index].id == entries[index - 1].id {
            return Err(DataError::unusable(
                path,
                format!("holds {} twice; write the shards again with one key a sample", entries[index].id),
            ));
        }
    }
    Ok(Listing { classes, entries, store, warnings, without_split, ..Listing::default() })
}

/// One program wrote all shards of a set: where some have the mark that ends a tar archive, the others were cut off.
fn refuse_broken_off(found: &[shards::Shard], read: &[Shard]) -> Result<(), DataError> {
    let members = |shard: &Shard| {
        shard.warnings.iter().find_map(|warning| match warning {
            Warning::NoEndMark { members, .. } => Some(*members),
            _ => None,
        })
    };
    let without = || found.iter().zip(read).filter_map(|(file, shard)| Some((file, members(shard)?)));
    match without().next() {
        Some((file, members)) if without().count() < read.len() => Err(DataError::unusable(
            &file.path,
            format!(
                "ends after {} without the mark that ends a tar archive, which other shards have: it was cut off; \
                     copy it again",
                number(members, "member")
            ),
        )),
        _ => Ok(()),
    }
}

fn classes(
    path: &Path,
    used: &BTreeSet<&Class>,
    names: Option<(std::path::PathBuf, Vec<String>)>,
) -> Result<Vec<String>, DataError> {
    let numbers = used.iter().filter_map(|class| match class {
        Class::Number(number) => Some(*number),
        Class::Name(_) => None,
    });
    match (numbers.max(), names) {
        (Some(_), _) if used.iter().any(|class| matches!(class, Class::Name(_))) => Err(DataError::unusable(
            path,
            "labels some samples with numbers and some with names; write all of them in one way",
        )),
        (Some(most), Some((file, names))) if most >= names.len() => Err(DataError::unusable(
            &file,
            format!("names {} classes, but a sample is labelled {most}", names.len()),
        )),
        (Some(_), Some((_, names))) => Ok(names),
        (Some(most), None) => Ok((0..=most).map(|number| number.to_string()).collect()),
        (None, _) => Ok(class_order(used.iter().filter_map(|class| match class {
            Class::Name(name) => Some(name.clone()),
            Class::Number(_) => None,
        }))),
    }
}

/// The labelled images of a shard.
fn samples(path: &Path) -> Result<Shard, DataError> {
    let Archive { file, members, warnings } = archive::open_all(path)?;
    let mut shard =
        Shard { file, samples: Vec::new(), unlabelled: 0, dotted: None, elsewhere: None, warnings };
    let mut without: Vec<(&Member, &[Member])> = Vec::new();
    for group in members.chunk_by(|a, b| {
        let key = |member: &Member| key_and_extension(&member.name).map(|(key, _)| key.to_owned());
        key(a).is_some() && key(a) == key(b)
    }) {
        let images: Vec<&Member> =
            group.iter().filter(|member| image_by_name(Path::new(&member.name))).collect();
        // The one without a further word in its extension: `0001.jpg` beside `0001.mask.png`.
        let is_plain =
            |member: &&&Member| key_and_extension(&member.name).is_some_and(|(_, end)| !end.contains('.'));
        let plain: Vec<&Member> = images.iter().filter(is_plain).copied().collect();
        let image = match (images.as_slice(), plain.as_slice()) {
            ([], _) => continue,
            ([only], _) | (_, [only]) => Some(*only),
            _ => None,
        };
        let class = if image.is_some() { shard.class(path, group, None)? } else { None };
        if let (Some(image), Some(class)) = (image, class) {
            shard.add(image, class);
            continue;
        }
        // Not by the format's rule. Names of people's own may have dots: then each image has a label of its own name.
        let mut own = Vec::new();
        for image in &images {
            let stem = last_dot(&image.name).map(|(stem, _)| stem);
            let class = shard.class(path, group, stem)?;
            own.extend(class.map(|class| (*image, class)));
        }
        if own.is_empty() && image.is_none() {
            return Err(DataError::unusable(
                path,
                format!("sample {} holds {} images; one is needed", images[0].name, images.len()),
            ));
        }
        if own.is_empty() {
            without.extend(image.map(|image| (image, group)));
            continue;
        }
        shard.unlabelled += images.len() - own.len();
        let example = own[0].0.name.clone();
        shard.dotted.get_or_insert((0, example)).0 += own.len();
        own.into_iter().for_each(|(image, class)| shard.add(image, class));
    }
    if shard.samples.is_empty() && !without.is_empty() {
        shard.look_elsewhere(path, &without)?;
    } else {
        shard.unlabelled += without.len();
    }
    Ok(shard)
}

impl Shard {
    fn add(&mut self, image: &Member, class: Class) {
        let (name, location) = (image.name.clone(), image.location.clone());
        self.samples.push(Sample { name, location, class });
    }

    /// A small member's bytes.
    fn bytes(&self, path: &Path, member: &Member) -> Result<Vec<u8>, DataError> {
        let wrong = |message: String| DataError::unusable(path, format!("member {} {message}", member.name));
        match member.location {
            Location::Range { offset, length, .. } if length <= MOST_LABEL => {
                self.file.read(offset, length).map_err(|error| wrong(error.to_string()))
            }
            _ => Err(wrong("is too long for a label".into())),
        }
    }

    /// A member that holds nothing but a label.
    fn text(&self, path: &Path, member: &Member) -> Result<String, DataError> {
        let bytes = self.bytes(path, member)?;
        let text = std::str::from_utf8(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes));
        match text {
            Ok(text) if !text.contains('\0') => Ok(text.trim().to_owned()),
            _ => Err(DataError::unusable(
                path,
                format!(
                    "member {} is a label that is not UTF-8: {}; write all labels in UTF-8, or different classes could be taken for one",
                    member.name,
                    escaped_bytes(&bytes[..bytes.len().min(SHOWN)])
                ),
            )),
        }
    }

    fn json(&self, path: &Path, member: &Member) -> Result<Value, DataError> {
        let bytes = self.bytes(path, member)?;
        serde_json::from_slice(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes)).map_err(|error| {
            DataError::unusable(path, format!("member {} is no valid JSON: {error}", member.name))
        })
    }

    /// The class in `.cls` or `.json` of a group, by the format's rule or, where a stem is named, in the file that is called so.
    fn class(&self, path: &Path, group: &[Member], stem: Option<&str>) -> Result<Option<Class>, DataError> {
        let with = |wanted: &str| {
            group.iter().find(|member| match stem {
                None => key_and_extension(&member.name).is_some_and(|(_, end)| end == wanted),
                Some(stem) => last_dot(&member.name).is_some_and(|(key, end)| key == stem && end == wanted),
            })
        };
        let several = |member: &Member, value: &Value| match value {
            Value::Array(values) if values.len() > 1 => Err(DataError::unusable(
                path,
                format!(
                    "holds several classes an image (member {} says {value}): this is multi-label data, which cannot be used; every \
                     image needs one class",
                    member.name
                ),
            )),
            _ => Ok(class_of(value)),
        };
        match (with("cls"), with("json")) {
            (Some(member), _) => Ok(class_of(&Value::String(self.text(path, member)?))),
            (None, Some(member)) => {
                let value = self.json(path, member)?;
                match KEYS.iter().find_map(|key| value.get(key)) {
                    Some(found) => several(member, found),
                    None => several(member, &value),
                }
            }
            (None, None) => Ok(None),
        }
    }

    /// No image of the shard has a label where labels stand: they may stand in other files, or deeper in `.json`.
    fn look_elsewhere(&mut self, path: &Path, without: &[(&Member, &[Member])]) -> Result<(), DataError> {
        let extensions: BTreeSet<String> = without
            .iter()
            .flat_map(|(_, group)| group.iter())
            .filter_map(|member| Some(key_and_extension(&member.name)?.1))
            .collect();
        let with = |group: &'_ [Member], wanted: &str| -> Option<usize> {
            group
                .iter()
                .position(|member| key_and_extension(&member.name).is_some_and(|(_, end)| end == wanted))
        };
        let mut not_text = None;
        'kinds: for extension in OTHER_LABELS.iter().filter(|extension| extensions.contains(**extension)) {
            let mut classes = Vec::new();
            for (image, group) in without {
                let Some(at) = with(group, extension) else { continue };
                let text = match self.text(path, &group[at]) {
                    Ok(text) => text,
                    // Perhaps these files are no labels.
                    Err(error) => {
                        not_text.get_or_insert(error);
                        continue 'kinds;
                    }
                };
                // A caption is a sentence of its own for every image; a class is a word, and others have it too.
                classes.extend(class_of(&Value::String(text)).map(|class| (*image, class)));
            }
            let different: BTreeSet<&Class> = classes.iter().map(|(_, class)| class).collect();
            let numbers = different.iter().all(|class| matches!(class, Class::Number(_)));
            if different.is_empty() || !numbers && different.len() * 2 > classes.len() {
                continue;
            }
            self.unlabelled += without.len() - classes.len();
            classes.into_iter().for_each(|(image, class)| self.add(image, class));
            self.elsewhere = Some(format!(".{extension} files"));
            return Ok(());
        }
        let first = without.iter().find_map(|(_, group)| Some(&group[with(group, "json")?]));
        let value = first.map(|member| self.json(path, member)).transpose()?.unwrap_or(Value::Null);
        let mut keys = Vec::new();
        members(&value, "", 0, &mut keys);
        let named: Vec<&String> =
            keys.iter().filter(|key| KEYS.contains(&key.rsplit('/').next().unwrap_or_default())).collect();
        if let [only] = named.as_slice() {
            let pointer = (*only).clone();
            for (image, group) in without {
                let at = with(group, "json");
                let value = at.map(|at| self.json(path, &group[at])).transpose()?;
                match value.and_then(|value| class_of(value.pointer(&pointer)?)) {
                    Some(class) => self.add(image, class),
                    None => self.unlabelled += 1,
                }
            }
            self.elsewhere = Some(format!("{} of .json", pointer[1..].replace('/', ".")));
            return Ok(());
        }
        if let Some(error) = not_text {
            return Err(error);
        }
        let extensions: Vec<String> = extensions.iter().take(NAMED).map(|end| format!(".{end}")).collect();
        let keys: Vec<String> = keys
            .iter()
            .take(NAMED)
            .map(|key| key[1..].replace('/', "."))
            .filter(|key| !key.is_empty())
            .collect();
        let keys = if keys.is_empty() {
            String::new()
        } else {
            format!(", and of .json the members {}", columns::list(&keys))
        };
        Err(DataError::unusable(
            path,
            format!(
                "is a WebDataset shard of {} images, none of which has a label: each has the files {}{keys}; write the class, a \
                 number or a name, into a .cls file, or into .json as `label`",
                without.len(),
                extensions.join(", ")
            ),
        ))
    }
}

/// JSON pointers to the members of objects.
fn members(value: &Value, pointer: &str, depth: usize, found: &mut Vec<String>) {
    let Value::Object(object) = value else { return };
    for (key, value) in object.iter().filter(|(key, _)| !key.contains(['/', '~'])) {
        let pointer = format!("{pointer}/{key}");
        if depth < DEEPEST {
            members(value, &pointer, depth + 1, found);
        }
        found.push(pointer);
    }
}

/// More classes than this are a broken number.
const MOST_CLASSES: usize = 1_000_000;

fn class_of(value: &Value) -> Option<Class> {
    let number =
        |number: u64| usize::try_from(number).ok().filter(|&number| number < MOST_CLASSES).map(Class::Number);
    // 3.0 is the class 3: data frames write it so.
    let whole = |value: f64| (value >= 0.0 && value.fract() == 0.0).then_some(value as u64);
    match value {
        Value::Number(value) => number(value.as_u64().or_else(|| whole(value.as_f64()?))?),
        Value::Bool(truth) => Some(Class::Name(truth.to_string())),
        Value::String(text) if is_no_label(text) => None,
        Value::String(text) => match text.parse::<f64>() {
            Ok(value) if value.fract() == 0.0 => number(whole(value)?),
            _ => Some(Class::Name(text.clone())),
        },
        Value::Array(values) => match values.as_slice() {
            [only] => class_of(only),
            _ => None,
        },
        _ => None,
    }
}

//! A TOML document whose every key and value knows where it was written, with overrides laid over it.

use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{MOST_FOUND, Place, Problem, list};
use bakeoff_data::nearest;

/// What to do about `"C:\photos"`.
pub(crate) const BACKSLASHES: &str = "in double quotes a backslash begins an escape: write a path in single quotes ('C:\\photos') or with / (C:/photos)";

/// Whether a line has a backslash in double quotes, as a path of Windows would be written by someone new to TOML.
fn has_backslash_in_quotes(line: &str) -> bool {
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some('"'), '\\') => return true,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    false
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// Bytes of the file.
    File(Range<usize>),
    /// Index of the override.
    Set(usize),
    /// Nowhere.
    Absent,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Keys in file order, with where each key stands.
pub(crate) type Table = Vec<(String, Origin, Node)>;

/// TOML's values; a date is no value any study needs and is kept as its text to be complained about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    String(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Date(String),
    Array(Vec<Node>),
    Table(Table),
}

impl Value {
    /// For "must be …, not …".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::String(text) => format!("the string \"{text}\""),
            Self::Integer(number) => format!("the integer {number}"),
            Self::Float(number) => format!("the number {number}"),
            Self::Boolean(truth) => format!("{truth}"),
            Self::Date(text) => format!("the date {text}"),
            Self::Array(_) => "a list".into(),
            Self::Table(_) => "a table".into(),
        }
    }
}

impl Node {
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value under a key of a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.table()?.iter().find(|(name, ..)| name == key).map(|(_, _, node)| node)
    }

    /// Likewise, to be changed.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Table(table) => table.iter_mut().find(|(name, ..)| name == key).map(|(_, _, node)| node),
            _ => None,
        }
    }

    /// A whole number of things.
    pub(crate) fn count(&self) -> Option<usize> {
        match self.value {
            Value::Integer(number) => usize::try_from(number).ok(),
            _ => None,
        }
    }

    /// A value that was written elsewhere, all of it placed at one origin. Null has no TOML and becomes nothing.
    pub(crate) fn from_json(json: &Json, origin: &Origin) -> Self {
        let value = match json {
            Json::String(text) => Value::String(text.clone()),
            Json::Bool(truth) => Value::Boolean(*truth),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::Integer(number.into()),
                (_, Some(number)) => Value::Integer(number.into()),
                _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::Array(values) => {
                Value::Array(values.iter().map(|value| Self::from_json(value, origin)).collect())
            }
            Json::Object(object) => Value::Table(
                object
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(key, value)| (key.clone(), origin.clone(), Self::from_json(value, origin)))
                    .collect(),
            ),
            Json::Null => Value::Table(Vec::new()),
        };
        Self { value, origin: origin.clone() }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// As JSON. Infinities and dates have no JSON and become null: the check reports them before anything reads this.
    pub(crate) fn json(&self) -> Json {
        match &self.value {
            Value::String(text) | Value::Date(text) => Json::String(text.clone()),
            Value::Integer(number) => i64::try_from(*number)
                .map(Json::from)
                .or_else(|_| u64::try_from(*number).map(Json::from))
                .unwrap_or(Json::Null),
            Value::Float(number) => Json::from(*number),
            Value::Boolean(truth) => Json::Bool(*truth),
            Value::Array(nodes) => Json::Array(nodes.iter().map(Node::json).collect()),
            Value::Table(table) => {
                Json::Object(table.iter().map(|(key, _, node)| (key.clone(), node.json())).collect())
            }
        }
    }
}

/// Characters of a line that are shown before and behind the place in question.
const AROUND: usize = 80;

/// What stands around a place in a line, and how many characters of that stand before the place.
fn around(line: &str, place: usize) -> (String, usize) {
    let first = if place > AROUND { place - AROUND + 1 } else { 0 };
    let mut rest = line.chars().skip(first);
    let mut text: String = if first > 0 { "…".into() } else { String::new() };
    text.extend(rest.by_ref().take(2 * AROUND));
    if rest.next().is_some() {
        text.push('…');
    }
    (text, place - first + usize::from(first > 0))
}

/// A step of a path into a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// The document: file text, overrides, and the tree they make together.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    text: String,
    /// Where in the text each line begins.
    lines: Vec<usize>,
    overrides: Vec<String>,
    pub(crate) root: Node,
}

impl Document {
    /// Parses a file and lays `key=value` overrides over it.
    pub(crate) fn parse(text: &str, overrides: &[String]) -> Result<Self, Vec<Problem>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut document = Self {
            text: text.to_owned(),
            lines: [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect(),
            overrides: overrides.to_vec(),
            root: Node { value: Value::Table(Vec::new()), origin: Origin::Absent },
        };
        if !errors.is_empty() {
            let mut problems: Vec<Problem> = Vec::new();
            let mut explained = None;
            for error in errors.iter().take(MOST_FOUND) {
                let place = document.place(&error.span().map_or(Origin::Absent, Origin::File));
                let mut message = format!("not valid TOML: {}", error.message().replace('\n', "; "));
                if let Place::File { line, text, .. } = &place
                    && has_backslash_in_quotes(text)
                {
                    // One backslash makes several errors.
                    if explained == Some(*line) {
                        continue;
                    }
                    explained = Some(*line);
                    message += &format!("; {BACKSLASHES}");
                }
                problems.push(Problem { place, key: String::new(), message });
            }
            return Err(problems);
        }
        let origins = |span: Range<usize>| Origin::File(span);
        match convert_table(table.get_ref(), &origins) {
            Ok(table) => document.root.value = Value::Table(table),
            Err((origin, message)) => {
                let place = document.place(&origin);
                return Err(vec![Problem { place, key: String::new(), message }]);
            }
        }
        let mut problems = Vec::new();
        for (index, text) in overrides.iter().enumerate() {
            if let Err(message) = apply(&mut document.root, text, index) {
                problems.push(Problem { place: Place::Override(text.clone()), key: String::new(), message });
            }
        }
        if problems.is_empty() { Ok(document) } else { Err(problems) }
    }

    /// Where an origin is, for people.
    pub(crate) fn place(&self, origin: &Origin) -> Place {
        let span = match origin {
            Origin::Absent => return Place::Absent,
            Origin::Set(index) => return Place::Override(self.overrides[*index].clone()),
            Origin::File(span) => span,
        };
        let start =
            (0..=span.start.min(self.text.len())).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(0);
        let number = self.lines.partition_point(|&first| first <= start);
        let line_start = self.lines.get(number.wrapping_sub(1)).copied().unwrap_or(0);
        let line_end = self.lines.get(number).map_or(self.text.len(), |&next| next - 1);
        let whole = self.text[line_start..line_end.max(line_start)].trim_end_matches('\r');
        let column = self.text[line_start..start].chars().count() + 1;
        let bytes = span.end.saturating_sub(start).min((line_start + whole.len()).saturating_sub(start));
        let width = self.text.get(start..start + bytes).map_or(1, |part| part.chars().count()).max(1);
        let (text, before) = around(whole, column - 1);
        let shown = text.chars().count();
        Place::File {
            line: number.max(1),
            column,
            before,
            width: width.min(shown.saturating_sub(before).max(1)),
            text,
        }
    }

    /// The dotted name of a path: elements of a list of named tables by their name.
    pub(crate) fn name(&self, path: &[Step]) -> String {
        let mut name = String::new();
        let mut node = Some(&self.root);
        for step in path {
            let next = match step {
                Step::Key(key) => node.and_then(|node| node.get(key)),
                Step::Index(index) => match node.map(|node| &node.value) {
                    Some(Value::Array(nodes)) => nodes.get(*index),
                    _ => None,
                },
            };
            match step {
                Step::Key(key) => {
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(key);
                }
                Step::Index(index) => match next.and_then(|node| node.get("name")).and_then(Node::text) {
                    Some(text) if !text.is_empty() => {
                        name.push('.');
                        name.push_str(text);
                    }
                    _ => name.push_str(&format!("[{index}]")),
                },
            }
            node = next;
        }
        name
    }

    /// Where the value at a path stands, or the deepest of its ancestors that does.
    pub(crate) fn origin(&self, path: &[Step]) -> Origin {
        let mut node = &self.root;
        let mut origin = Origin::Absent;
        for step in path {
            let next = match (step, &node.value) {
                (Step::Key(key), _) => node.get(key),
                (Step::Index(index), Value::Array(nodes)) => nodes.get(*index),
                _ => None,
            };
            let Some(next) = next else { break };
            if next.origin != Origin::Absent {
                origin = next.origin.clone();
            }
            node = next;
        }
        origin
    }

    /// As JSON, without the keys at some paths.
    pub(crate) fn json_without(&self, paths: &[Vec<Step>]) -> Json {
        let mut json = self.root.json();
        for path in paths {
            let Some((Step::Key(key), parents)) = path.split_last() else { continue };
            let parent = parents.iter().try_fold(&mut json, |json, step| match step {
                Step::Key(key) => json.get_mut(key),
                Step::Index(index) => json.get_mut(index),
            });
            if let Some(table) = parent.and_then(Json::as_object_mut) {
                table.shift_remove(key);
            }
        }
        json
    }

    /// A problem with the value at a path.
    pub(crate) fn problem(&self, path: &[Step], message: impl Into<String>) -> Problem {
        Problem { place: self.place(&self.origin(path)), key: self.name(path), message: message.into() }
    }

    /// Turns `recipe[2].mix.alpha` into steps.
    pub(crate) fn steps(path: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let (key, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            if !key.is_empty() {
                steps.push(Step::Key(key.to_owned()));
            }
            let numbers = indices.split(['[', ']']).filter_map(|number| number.parse().ok());
            steps.extend(numbers.map(Step::Index));
        }
        steps
    }
}

type Fault = (Origin, String);

fn convert_table(table: &DeTable<'_>, origins: &dyn Fn(Range<usize>) -> Origin) -> Result<Table, Fault> {
    let mut entries = table
        .iter()
        .map(|(key, value)| Ok((key.get_ref().to_string(), origins(key.span()), convert(value, origins)?)))
        .collect::<Result<Table, Fault>>()?;
    // `toml` sorts by name; people expect errors and resolved keys in the order they wrote them.
    entries.sort_by_key(|(_, origin, _)| match origin {
        Origin::File(span) => span.start,
        Origin::Set(_) | Origin::Absent => 0,
    });
    Ok(entries)
}

fn convert(value: &Spanned<DeValue<'_>>, origins: &dyn Fn(Range<usize>) -> Origin) -> Result<Node, Fault> {
    let origin = origins(value.span());
    let value = match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if i64::try_from(number).is_ok() || u64::try_from(number).is_ok() => {
                Value::Integer(number)
            }
            _ => return Err((origin, format!("the integer {} does not fit into 64 bits", number.as_str()))),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => return Err((origin, format!("{} is no number", number.as_str()))),
        },
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(values) => {
            Value::Array(values.iter().map(|value| convert(value, origins)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Value::Table(convert_table(table, origins)?),
    };
    Ok(Node { value, origin })
}

/// Splits `a."b.c".d` at its unquoted dots.
fn segments(key: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for character in key.chars() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, '.') => parts.push(String::new()),
            (_, other) => parts.last_mut()?.push(other),
        }
    }
    let parts: Vec<String> = parts.into_iter().map(|part| part.trim().to_owned()).collect();
    (quote.is_none() && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// Parts of a dotted key on the command line; TOML files are nested no deeper than about this either.
const DEEPEST: usize = 64;

/// Lays one `key=value` over the tree.
fn apply(root: &mut Node, text: &str, index: usize) -> Result<(), String> {
    let form = "write it as key=value, e.g. `--set train.epochs=20` or `--set recipe.cutmix.mix.alpha=0.4`";
    let (key, value) = text.split_once('=').ok_or_else(|| format!("no `=`: {form}"))?;
    let parts = segments(key).ok_or_else(|| format!("`{key}` is no dotted key: {form}"))?;
    if parts.len() > DEEPEST {
        return Err(format!("a key of {} parts, and none has more than {DEEPEST}: {form}", parts.len()));
    }
    let value = parse_value(value.trim(), index)?;

    set(root, &parts, value, &Origin::Set(index))
}

/// Puts a value where a key leads, making tables on the way.
pub(crate) fn set(node: &mut Node, key: &[String], value: Node, origin: &Origin) -> Result<(), String> {
    let Some((head, tail)) = key.split_first() else {
        *node = value;
        return Ok(());
    };
    match &mut node.value {
        Value::Table(table) => {
            let at = table.iter().position(|(name, ..)| name == head).unwrap_or_else(|| {
                let empty = Node { value: Value::Table(Vec::new()), origin: origin.clone() };
                table.push((head.clone(), origin.clone(), empty));
                table.len() - 1
            });
            let (_, place, node) = &mut table[at];
            if tail.is_empty() {
                *place = origin.clone();
            }
            set(node, tail, value, origin)
        }
        Value::Array(nodes) => {
            // Recipes by their name, transforms and mixers by their kind.
            let name = |node: &Node| {
                node.get("name").or_else(|| node.get("kind")).and_then(Node::text).map(str::to_owned)
            };
            let names: Vec<Option<String>> = nodes.iter().map(name).collect();
            // A name may hold dots; the longest that fits is meant.
            let by_name = (1..=key.len()).rev().find_map(|count| {
                let joined = key[..count].join(".");
                Some((names.iter().position(|name| name.as_deref() == Some(joined.as_str()))?, count))
            });
            let by_index = || head.parse().ok().filter(|at: &usize| *at < nodes.len()).map(|at| (at, 1));
            if let Some((at, count)) = by_name.or_else(by_index) {
                return set(&mut nodes[at], &key[count..], value, origin);
            }
            let known: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
            let near = nearest(head, known.iter().copied())
                .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
            Err(format!("nothing named `{head}` there{near} (the file has {})", list(known)))
        }
        other => Err(format!("`{head}` cannot be set inside {}", other.describe())),
    }
}

/// A value as TOML writes it; bare words are strings.
fn parse_value(text: &str, index: usize) -> Result<Node, String> {
    let origins = |_: Range<usize>| Origin::Set(index);
    let string = || Node { value: Value::String(text.to_owned()), origin: Origin::Set(index) };
    match DeValue::parse(text) {
        Ok(value) => convert(&value, &origins).map_err(|(_, message)| message),
        // What opens like a list, a table or a quoted string was meant as one.
        Err(error) if text.starts_with(['[', '{', '"', '\'']) => {
            let hint = if has_backslash_in_quotes(text) { format!("; {BACKSLASHES}") } else { String::new() };
            Err(format!("the value is not valid TOML: {}{hint}", error.message().replace('\n', "; ")))
        }
        Err(_) => Ok(string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(overrides: &[&str]) -> Result<Document, Vec<Problem>> {
        let text = "a = 1\n[t]\nb = \"x\"\n[[recipe]]\nname = \"v1.5\"\n[[recipe]]\nname = \"mix+up\"\nmix = { alpha = 1.0 }\n";
        Document::parse(text, &overrides.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn overrides_reach_nested_keys_new_keys_and_named_recipes() {
        let document = document(&[
            "a=2",
            "t.b=/some/path",
            "t.c.d=[1, 2]",
            "recipe.mix+up.mix.alpha=0.4",
            "recipe.v1.5.mix={ kind = \"cutmix\" }",
            "recipe.0.z=true",
        ])
        .unwrap();
        assert_eq!(
            document.root.json(),
            serde_json::json!({
                "a": 2,
                "t": {"b": "/some/path", "c": {"d": [1, 2]}},
                "recipe": [
                    {"name": "v1.5", "mix": {"kind": "cutmix"}, "z": true},
                    {"name": "mix+up", "mix": {"alpha": 0.4}}
                ]
            })
        );
        let path = Document::steps("recipe[1].mix.alpha");
        assert_eq!(document.name(&path), "recipe.mix+up.mix.alpha");
        assert_eq!(
            document.place(&document.origin(&path)),
            Place::Override("recipe.mix+up.mix.alpha=0.4".into())
        );
    }

    #[test]
    fn an_override_that_cannot_be_applied_says_why() {
        let message = |set: &str| document(&[set]).unwrap_err()[0].message.clone();
        assert!(message("epochs").starts_with("no `=`"));
        assert!(message("a..b=1").contains("no dotted key"));
        assert!(message("a.b=1").contains("cannot be set inside the integer 1"), "{}", message("a.b=1"));
        assert!(message("recipe.mixup.mix.alpha=1").contains("did you mean `mix+up`?"));
        assert!(message("a=[1,").contains("not valid TOML"));
    }

    #[test]
    fn a_backslash_in_double_quotes_is_explained_once_a_line() {
        for path in ["C:\\photos", "C:\\Users\\me", "C:\\data\\", "\\\\server\\share", "\\q", "D:\\x\\uni"] {
            let problems = Document::parse(&format!("a = 1\npath = \"{path}\"\n"), &[]).unwrap_err();
            let told: Vec<&Problem> = problems.iter().filter(|p| p.message.contains(BACKSLASHES)).collect();
            assert_eq!(told.len(), 1, "{path}: {problems:?}");
            assert!(matches!(told[0].place, Place::File { line: 2, .. }), "{path}: {problems:?}");
            assert!(Document::parse(&format!("path = '{path}'\n"), &[]).is_ok(), "{path}");
        }
        assert!(document(&["a=\"C:\\photos\""]).unwrap_err()[0].message.contains(BACKSLASHES));
        assert!(document(&["t.b=C:\\photos"]).is_ok());
        let other = Document::parse("a = 'C:\\photos\nb = 2\n", &[]).unwrap_err();
        assert!(other.iter().all(|problem| !problem.message.contains(BACKSLASHES)), "{other:?}");
    }

    #[test]
    fn every_syntax_error_is_placed() {
        let problems = Document::parse("a = \n[t]\nb = 'x'\nb = 2\n", &[]).unwrap_err();
        let lines: Vec<usize> = problems
            .iter()
            .map(|problem| match problem.place {
                Place::File { line, .. } => line,
                _ => 0,
            })
            .collect();
        assert_eq!(lines, [1, 4], "{problems:?}");
    }
}

//! A study document against the JSON Schema of the study's types: every error at once, each where it was written.

use serde_json::{Map, Value as Json};

use crate::config::Headline;
use crate::document::{Document, Node, Origin, Step, Table, Value};
use crate::problem::{MOST_FOUND, Problem, list};
use bakeoff_data::nearest;

/// What the schema does not allow.
pub(crate) struct Checked {
    /// In file order.
    pub(crate) problems: Vec<Problem>,
    /// Values that are wrong, of whatever kind.
    pub(crate) wrong: Vec<Vec<Step>>,
    /// Of these, the ones no type can be made of: without them and the unknown keys the rest may still be understood.
    pub(crate) unreadable: Vec<Vec<Step>>,
    /// Keys that are not known at all.
    pub(crate) unknown: Vec<Vec<Step>>,
}

/// Everything in the document that the schema does not allow.
pub(crate) fn check(document: &Document, schema: &Json) -> Checked {
    let mut check = Check {
        document,
        schema,
        problems: Vec::new(),
        wrong: Vec::new(),
        unreadable: Vec::new(),
        unknown: Vec::new(),
        path: Vec::new(),
    };
    check.value(&document.root, schema, &Origin::Absent);
    Checked {
        problems: check.problems,
        wrong: check.wrong,
        unreadable: check.unreadable,
        unknown: check.unknown,
    }
}

/// Strings with a grammar of their own, by the name of their schema: what is beyond a list of accepted words.
type Grammar = fn(&str) -> Result<(), String>;
const GRAMMARS: [(&str, Grammar); 1] = [("Headline", |text| Headline::try_from(text.to_owned()).map(drop))];

struct Check<'a> {
    document: &'a Document,
    schema: &'a Json,
    problems: Vec<Problem>,
    wrong: Vec<Vec<Step>>,
    unreadable: Vec<Vec<Step>>,
    unknown: Vec<Vec<Step>>,
    path: Vec<Step>,
}

impl<'a> Check<'a> {
    fn report(&mut self, origin: &Origin, message: String) {
        if self.problems.len() >= MOST_FOUND {
            return;
        }
        let place = self.document.place(origin);
        self.problems.push(Problem { place, key: self.document.name(&self.path), message });
    }

    /// Reports a value that cannot be what it is.
    fn wrong(&mut self, origin: &Origin, message: String) {
        self.report(origin, message);
        self.wrong.push(self.path.clone());
        self.unreadable.push(self.path.clone());
    }

    /// Follows `$ref`; the name of the definition comes along.
    fn resolve(&self, mut schema: &'a Json) -> (&'a Json, Option<&'a str>) {
        let mut name = None;
        while let Some(target) = schema.get("$ref").and_then(Json::as_str) {
            name = target.rsplit('/').next();
            match self.schema.pointer(target.trim_start_matches('#')) {
                Some(next) => schema = next,
                None => break,
            }
        }
        (schema, name)
    }

    /// The alternatives of a union, references followed and nested unions flattened; `null` is left out, since TOML has
    /// none. A schema that is no union is its own only alternative.
    fn alternatives(&self, schema: &'a Json) -> Vec<&'a Json> {
        let schema = self.resolve(schema).0;
        match schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Json::as_array) {
            Some(members) => members.iter().flat_map(|member| self.alternatives(member)).collect(),
            None if schema.get("type").and_then(Json::as_str) == Some("null") => Vec::new(),
            None => vec![schema],
        }
    }

    fn value(&mut self, node: &Node, schema: &'a Json, key: &Origin) {
        if let Some(grammar) =
            self.resolve(schema).1.and_then(|name| GRAMMARS.iter().find(|(known, _)| *known == name))
        {
            match node.text().map(grammar.1) {
                Some(Ok(())) => {}
                Some(Err(message)) => self.wrong(&node.origin, message),
                None => self.wrong(&node.origin, format!("must be a string, not {}", node.value.describe())),
            }
            return;
        }
        let alternatives = self.alternatives(schema);
        let words: Vec<&str> = alternatives.iter().flat_map(|schema| words(schema)).collect();
        match &node.value {
            Value::Date(text) => {
                self.wrong(
                    &node.origin,
                    format!("no key takes a date ({text}); write it in quotes if it is a name"),
                );
            }
            Value::String(text) if !words.is_empty() => {
                if !words.contains(&text.as_str()) {
                    let near = nearest(text, words.iter().copied())
                        .map_or(String::new(), |word| format!("did you mean `{word}`? "));
                    let message = format!("unknown value `{text}`; {near}Accepted: {}", list(words));
                    self.wrong(&node.origin, message);
                }
            }
            Value::Table(table) => {
                let tables: Vec<&Json> =
                    alternatives.iter().copied().filter(|schema| is(schema, "object")).collect();
                match self.choose(node, table, &tables, key) {
                    Choice::Schema(schema) => self.table(node, table, schema, key),
                    Choice::Reported => {}
                    Choice::None => self.wrong_type(node, &alternatives),
                }
            }
            Value::Array(nodes) => match alternatives.iter().find(|schema| is(schema, "array")) {
                Some(schema) => self.array(node, nodes, schema),
                None => self.wrong_type(node, &alternatives),
            },
            Value::String(_) => {
                if !alternatives.iter().any(|schema| is(schema, "string")) {
                    self.wrong_type(node, &alternatives);
                }
            }
            Value::Boolean(_) => {
                if !alternatives.iter().any(|schema| is(schema, "boolean")) {
                    self.wrong_type(node, &alternatives);
                }
            }
            Value::Integer(number) => {
                let fits = alternatives.iter().find(|schema| is(schema, "integer") || is(schema, "number"));
                match fits {
                    Some(schema) => self.range(node, *number as f64, schema),
                    None => self.wrong_type(node, &alternatives),
                }
            }
            Value::Float(number) => match alternatives.iter().find(|schema| is(schema, "number")) {
                Some(_) if !number.is_finite() => {
                    self.wrong(&node.origin, format!("must be a finite number, not {number}"));
                }
                Some(schema) => self.range(node, *number, schema),
                None => self.wrong_type(node, &alternatives),
            },
        }
    }

    fn wrong_type(&mut self, node: &Node, alternatives: &[&'a Json]) {
        let words: Vec<&str> = alternatives.iter().flat_map(|schema| words(schema)).collect();
        let mut accepted: Vec<String> = Vec::new();
        if !words.is_empty() {
            accepted.push(format!("one of {}", list(words.iter().copied())));
        }
        for schema in alternatives {
            let text = match kind(schema) {
                Some("object") => match tag(schema) {
                    Some((key, _)) => format!("a table such as {{ {key} = … }}"),
                    None => "a table".to_owned(),
                },
                Some("array") => match schema.get("items").map(|items| self.alternatives(items)) {
                    Some(items) if items.iter().any(|item| is(item, "object")) => {
                        "a list of tables".to_owned()
                    }
                    Some(items) => match items.first().and_then(|item| kind(item)) {
                        Some(kind) => format!("a list of {kind}s"),
                        None => "a list".to_owned(),
                    },
                    None => "a list".to_owned(),
                },
                Some("integer") => "an integer".to_owned(),
                Some("number") => "a number".to_owned(),
                Some("boolean") => "true or false".to_owned(),
                Some("string") if words.is_empty() => "a string".to_owned(),
                _ => continue,
            };
            if !accepted.contains(&text) {
                accepted.push(text);
            }
        }
        let mut message = format!("must be {}, not {}", accepted.join(", or "), node.value.describe());
        let wants_tables = accepted.iter().any(|text| text == "a list of tables");
        if let (true, Value::Table(_), Some(Step::Key(key))) = (wants_tables, &node.value, self.path.last()) {
            if self.path.len() == 1 {
                message.push_str(&format!("; write `[[{key}]]` with double brackets"));
            } else {
                message.push_str("; put it in square brackets");
            }
        }
        if let (Origin::Set(_), true) = (&node.origin, accepted.iter().any(|text| text == "a string")) {
            message.push_str("; quote it: --set 'key=\"value\"'");
        }
        self.wrong(&node.origin, message);
    }

    fn range(&mut self, node: &Node, number: f64, schema: &Json) {
        let limit = |key: &str| schema.get(key).and_then(Json::as_f64);
        let low = limit("minimum").map(|at| (number < at, format!("at least {at}")));
        let above = limit("exclusiveMinimum").map(|at| (number <= at, format!("more than {at}")));
        let high = limit("maximum").map(|at| (number > at, format!("at most {at}")));
        let below = limit("exclusiveMaximum").map(|at| (number >= at, format!("less than {at}")));
        let limits: Vec<(bool, String)> = [low, above, high, below].into_iter().flatten().collect();
        if limits.iter().any(|(broken, _)| *broken) {
            let words: Vec<String> = limits.into_iter().map(|(_, words)| words).collect();
            let number = match node.value {
                Value::Integer(number) => number.to_string(),
                _ => number.to_string(),
            };
            self.report(&node.origin, format!("{number} is out of range: must be {}", words.join(" and ")));
            self.wrong.push(self.path.clone());
        }
    }

    fn array(&mut self, node: &Node, nodes: &[Node], schema: &'a Json) {
        let limit = |key: &str| schema.get(key).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
        let (low, high) = (limit("minItems").unwrap_or(0), limit("maxItems").unwrap_or(usize::MAX));
        if nodes.len() < low || nodes.len() > high {
            let wanted = if low == high {
                format!("exactly {low}")
            } else if nodes.len() < low {
                format!("at least {low}")
            } else {
                format!("at most {high}")
            };
            self.wrong(&node.origin, format!("must have {wanted} elements, not {}", nodes.len()));
        }
        if let Some(items) = schema.get("items") {
            for (index, node) in nodes.iter().enumerate() {
                self.path.push(Step::Index(index));
                self.value(node, items, &node.origin);
                self.path.pop();
            }
        }
    }

    /// Which of several table schemas is meant: by its tag (`kind`, `name`), or by the keys it shares.
    fn choose(&mut self, node: &Node, table: &Table, tables: &[&'a Json], key: &Origin) -> Choice<'a> {
        let Some(first) = tables.first() else { return Choice::None };
        let Some((name, _)) = tag(first) else {
            let shared = |schema: &Json| {
                let known = schema.get("properties").and_then(Json::as_object);
                table.iter().filter(|(key, ..)| known.is_some_and(|known| known.contains_key(key))).count()
            };
            return tables
                .iter()
                .max_by_key(|schema| shared(schema))
                .map_or(Choice::None, |schema| Choice::Schema(schema));
        };
        let tags: Vec<(&str, &Json)> =
            tables.iter().filter_map(|schema| tag(schema).map(|(_, word)| (word, *schema))).collect();
        let accepted = list(tags.iter().map(|(word, _)| *word));
        let Some(value) = node.get(name) else {
            let place = if node.origin == Origin::Absent { key } else { &node.origin };
            self.report(place, format!("missing key `{name}`: one of {accepted}"));
            return Choice::Reported;
        };
        let chosen = value.text().and_then(|text| tags.iter().find(|(word, _)| *word == text));
        if let Some((_, schema)) = chosen {
            return Choice::Schema(schema);
        }
        let message = match value.text() {
            Some(text) => {
                let near = nearest(text, tags.iter().map(|(word, _)| *word))
                    .map_or(String::new(), |word| format!("did you mean `{word}`? "));
                format!("unknown value `{text}`; {near}Accepted: {accepted}")
            }
            None => format!("must be one of {accepted}, not {}", value.value.describe()),
        };
        self.path.push(Step::Key(name.to_owned()));
        self.wrong(&value.origin, message);
        self.path.pop();
        Choice::Reported
    }

    fn table(&mut self, node: &Node, table: &Table, schema: &'a Json, key: &Origin) {
        let none = Map::new();
        let known = schema.get("properties").and_then(Json::as_object);
        let open = schema.get("additionalProperties").filter(|rest| rest.is_object());
        for (name, origin, child) in table {
            self.path.push(Step::Key(name.clone()));
            match known.and_then(|known| known.get(name)).or(open) {
                Some(schema) => self.value(child, schema, origin),
                // What is meant is looked for in the whole schema.
                None if self.problems.len() >= MOST_FOUND => {}
                None => {
                    let known = known.unwrap_or(&none);
                    let message = self.unknown_key(name, known);
                    self.report(origin, message);
                    self.unknown.push(self.path.clone());
                }
            }
            self.path.pop();
        }
        let required =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        for name in required {
            if node.get(name).is_some() {
                continue;
            }
            let property = known.and_then(|known| known.get(name));
            let words = property
                .map(|property| {
                    let own = property.get("description").and_then(Json::as_str);
                    own.or_else(|| self.resolve(property).0.get("description").and_then(Json::as_str))
                        .unwrap_or("")
                })
                .unwrap_or("")
                .replace('\n', " ");
            let words = if words.is_empty() { words } else { format!(" ({})", words.trim_end_matches('.')) };
            let what = match property.map(|property| self.alternatives(property)) {
                Some(alternatives)
                    if self.path.is_empty() && alternatives.iter().all(|schema| is(schema, "array")) =>
                {
                    format!("no `[[{name}]]`")
                }
                Some(alternatives)
                    if self.path.is_empty() && alternatives.iter().all(|schema| is(schema, "object")) =>
                {
                    format!("missing table `[{name}]`")
                }
                _ => format!("missing key `{name}`"),
            };
            let place = if node.origin == Origin::Absent { key } else { &node.origin };
            self.report(place, what + &words);
        }
    }

    fn unknown_key(&self, name: &str, known: &Map<String, Json>) -> String {
        if let Some(near) = nearest(name, known.keys().map(String::as_str)) {
            return format!(
                "unknown key; did you mean `{near}`? Known here: {}",
                list(known.keys().map(String::as_str))
            );
        }
        let mut elsewhere = Vec::new();
        self.find(name, self.schema, "", 0, &mut elsewhere);
        elsewhere.dedup();
        let hint = match elsewhere.as_slice() {
            [] => String::new(),
            [one] => format!("; did you mean `{one}`?"),
            several => format!("; it is known as {}.", list(several.iter().map(String::as_str).take(3))),
        };
        if known.is_empty() {
            return format!(
                "unknown key{hint}{} No keys are known here",
                if hint.is_empty() { "." } else { "" }
            );
        }
        let stop = if hint.is_empty() { "." } else { "" };
        format!("unknown key{hint}{stop} Known here: {}", list(known.keys().map(String::as_str)))
    }

    /// Where else in a study file a key of this name is known.
    fn find(&self, name: &str, schema: &'a Json, path: &str, depth: usize, found: &mut Vec<String>) {
        if depth > 6 {
            return;
        }
        for schema in self.alternatives(schema) {
            if let Some(items) = schema.get("items") {
                self.find(name, items, path, depth + 1, found);
            }
            for (key, child) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                self.find(name, child, &path, depth + 1, found);
                if key == name && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
    }
}

enum Choice<'a> {
    Schema(&'a Json),
    Reported,
    None,
}

/// The words a string schema accepts; empty where it accepts any.
fn words(schema: &Json) -> Vec<&str> {
    if let Some(word) = schema.get("const").and_then(Json::as_str) {
        return vec![word];
    }
    schema.get("enum").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

/// The schema's type other than null.
fn kind(schema: &Json) -> Option<&str> {
    match schema.get("type")? {
        Json::String(kind) => Some(kind),
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null"),
        _ => None,
    }
}

fn is(schema: &Json, wanted: &str) -> bool {
    kind(schema) == Some(wanted)
}

/// The key that tells the members of a tagged union apart, and this member's word.
fn tag(schema: &Json) -> Option<(&str, &str)> {
    let properties = schema.get("properties")?.as_object()?;
    properties.iter().find_map(|(key, value)| Some((key.as_str(), value.get("const")?.as_str()?)))
}

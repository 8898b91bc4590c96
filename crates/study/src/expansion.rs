//! Recipes as they are written become recipes as they run: `inherit` takes over another recipe, `grid` makes a family of
//! one. Both are resolved in the document itself, so that every value keeps the place where it was written and what is
//! wrong with it is reported there.

use bakeoff_augment::{Builtin, Mixer, Transform, builtin, usual_resize};
use schemars::JsonSchema;
use serde_json::Value as Json;

use crate::document::{Document, Node, Origin, Step, Table, Value, set};
use crate::problem::{MOST_FOUND, Problem, list};
use bakeoff_data::nearest;

/// More recipes than anyone will train.
pub(crate) const MOST: usize = 1000;
/// Recipes of a file through which one may inherit.
const DEEPEST: usize = 64;

/// Resolves every `inherit` and `grid` of `[[recipe]]`, and says what cannot be.
pub(crate) fn expand(document: &mut Document) -> Vec<Problem> {
    let image = document.root.get("train").and_then(|train| train.get("image")).and_then(Node::count);
    let Some(written) = document.root.get("recipe").map(|node| node.value.clone()) else { return Vec::new() };
    let Value::Array(written) = written else { return Vec::new() };
    let mut expansion = Expansion {
        document,
        shipped: builtin(image.filter(|&image| (1..=8192).contains(&image)).unwrap_or(224)),
        written: &written,
        problems: Vec::new(),
        too_deep: false,
    };
    let mut recipes = Vec::new();
    for (index, node) in written.iter().enumerate() {
        if recipes.len() >= MOST {
            // What follows is not looked at: checking it would take longer the more there is.
            let message = format!("with this recipe there are more than {MOST}; a study has {MOST} at most");
            expansion.error(index, "name", &node.origin, message);
            break;
        }
        let recipe = expansion.inherited(index);
        expansion.family(index, recipe, &mut recipes);
    }
    recipes.truncate(MOST);
    if let Some(image) = image {
        recipes.iter_mut().for_each(|recipe| fill_in_sizes(recipe, image));
    }
    let problems = expansion.problems;
    if let Some(Node { value: Value::Array(nodes), .. }) = document.root.get_mut("recipe") {
        *nodes = recipes;
    }
    problems
}

/// The size of a resize or a crop that does not say its own, for images of the study's size: a crop gives the image, a resize as much more
/// as is usual (256 for 224). `None` for transforms that need no size.
pub(crate) fn usual_size(kind: &str, image: usize) -> Option<usize> {
    match kind {
        "resize" => Some(usual_resize(image)),
        "random-crop" | "centre-crop" | "pad-crop" => Some(image),
        _ => None,
    }
}

/// Writes the sizes that were left out.
fn fill_in_sizes(recipe: &mut Node, image: usize) {
    let Some(Node { value: Value::Array(transforms), .. }) = recipe.get_mut("transforms") else { return };
    for transform in transforms {
        let size = transform.get("kind").and_then(Node::text).and_then(|kind| usual_size(kind, image));
        let Some(size) = size.filter(|_| transform.get("size").is_none()) else { continue };
        let Value::Table(table) = &mut transform.value else { continue };
        let value = Node { value: Value::Integer(size as i128), origin: transform.origin.clone() };
        table.push(("size".to_owned(), transform.origin.clone(), value));
    }
}

struct Expansion<'a> {
    document: &'a Document,
    shipped: Vec<Builtin>,
    written: &'a [Node],
    problems: Vec<Problem>,
    /// A chain that is too deep was told; it would be again from each of its recipes.
    too_deep: bool,
}

/// What a recipe's key of its own says.
fn own<'n>(recipe: &'n Node, key: &str) -> Option<(&'n Origin, &'n Node)> {
    recipe.table()?.iter().find(|(name, ..)| name == key).map(|(_, origin, node)| (origin, node))
}

impl Expansion<'_> {
    fn error(&mut self, index: usize, key: &str, origin: &Origin, message: String) {
        if self.problems.len() >= MOST_FOUND {
            return;
        }
        let path = [Step::Key("recipe".into()), Step::Index(index), Step::Key(key.into())];
        let problem = Problem { place: self.document.place(origin), key: self.document.name(&path), message };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// A recipe with all it takes over, without its `inherit`.
    fn inherited(&mut self, index: usize) -> Node {
        self.inherited_by(index, &mut vec![index])
    }

    /// `chain` holds the recipes on the way here.
    fn inherited_by(&mut self, index: usize, chain: &mut Vec<usize>) -> Node {
        let recipe = &self.written[index];
        let Some((_, wanted)) = own(recipe, "inherit") else { return recipe.clone() };
        let mut result = recipe.clone();
        if let Value::Table(table) = &mut result.value {
            table.retain(|(name, ..)| name != "inherit");
        }
        let Some(name) = wanted.text() else {
            let message = format!("must be the name of a recipe, not {}", wanted.value.describe());
            self.error(index, "inherit", &wanted.origin, message);
            return result;
        };
        let named = |node: &Node| node.get("name").and_then(Node::text) == Some(name);
        // A recipe may be named like the one that ships and take that over.
        let in_file = self.written.iter().position(named).filter(|&found| found != index);
        let base = match in_file {
            Some(found) if chain.contains(&found) => {
                let names: Vec<&str> = chain
                    .iter()
                    .chain([&found])
                    .map(|&index| self.written[index].get("name").and_then(Node::text).unwrap_or("?"))
                    .collect();
                let message = format!("goes round in a circle: {}", names.join(" → "));
                self.error(index, "inherit", &wanted.origin, message);
                None
            }
            Some(_) if chain.len() > DEEPEST => {
                if !std::mem::replace(&mut self.too_deep, true) {
                    let message = format!(
                        "is one of more than {DEEPEST} recipes that inherit one from the other; let them inherit from one that is \
                         nearer to the end"
                    );
                    self.error(index, "inherit", &wanted.origin, message);
                }
                None
            }
            Some(found) => {
                chain.push(found);
                let base = self.inherited_by(found, chain);
                chain.pop();
                Some(base)
            }
            None => match self.shipped.iter().find(|shipped| shipped.config.name == name) {
                Some(shipped) => {
                    let json = serde_json::to_value(&shipped.config).unwrap_or_default();
                    Some(Node::from_json(&json, &wanted.origin))
                }
                None => {
                    let own = self.written.iter().filter_map(|node| node.get("name").and_then(Node::text));
                    let shipped = self.shipped.iter().map(|shipped| shipped.config.name.as_str());
                    let known: Vec<&str> = own.chain(shipped).collect();
                    let near = nearest(name, known.iter().copied())
                        .map_or(String::new(), |near| format!("did you mean `{near}`? "));
                    let message = format!(
                        "no recipe is named `{name}`, in this file or among those that ship; {near}Known: {}",
                        list(known)
                    );
                    self.error(index, "inherit", &wanted.origin, message);
                    None
                }
            },
        };
        // Even where nothing was found the recipe keeps a name, so that only this is complained of.
        let base = base.unwrap_or_else(|| Node {
            value: Value::Table(vec![("name".into(), wanted.origin.clone(), wanted.clone())]),
            origin: wanted.origin.clone(),
        });
        self.overlay(index, base, result)
    }

    /// The base with a recipe's own keys laid over it.
    fn overlay(&mut self, index: usize, base: Node, recipe: Node) -> Node {
        let Node { value: Value::Table(base), .. } = base else { return recipe };
        let Node { value: Value::Table(own), origin } = recipe else { return recipe };
        let mut table: Table = base.into_iter().filter(|(name, ..)| name != "grid").collect();
        for (name, place, node) in own {
            let Some(at) = table.iter().position(|(known, ..)| *known == name) else {
                table.push((name, place, node));
                continue;
            };
            let old = &mut table[at];
            let transforms = matches!((&old.2.value, &node.value), (Value::Array(_), Value::Table(_)));
            if name == "mix" && node.text() == Some("none") {
                table.remove(at);
            } else if name == "mix" && changes(&old.2, &node) {
                merge(&mut old.2, node);
            } else if name == "transforms" && transforms {
                self.change_transforms(index, &mut table[at].2, &node);
            } else {
                *old = (name, place, node);
            }
        }
        // Where there was nothing to remove.
        table.retain(|(name, _, node)| !(name == "mix" && node.text() == Some("none")));
        Node { value: Value::Table(table), origin }
    }

    /// `transforms.hue.delta = 0.1`: changes options of transforms that were inherited, named by their kind.
    fn change_transforms(&mut self, index: usize, transforms: &mut Node, changes: &Node) {
        let Value::Array(nodes) = &mut transforms.value else { return };
        for (kind, place, change) in changes.table().into_iter().flatten() {
            let of_kind = |node: &&mut Node| node.get("kind").and_then(Node::text) == Some(kind);
            if let Some(found) = nodes.iter_mut().find(of_kind) {
                merge(found, change.clone());
                continue;
            }
            let kinds: Vec<&str> =
                nodes.iter().filter_map(|node| node.get("kind").and_then(Node::text)).collect();
            let near = nearest(kind, kinds.iter().copied())
                .map_or(String::new(), |near| format!("did you mean `{near}`? "));
            let message = match kinds.as_slice() {
                [] => format!("there is no `{kind}` to change: the inherited recipe has no transforms"),
                _ => format!(
                    "there is no `{kind}` to change; {near}The inherited transforms are {}",
                    list(kinds)
                ),
            };
            self.error(index, "transforms", place, message);
        }
    }

    /// The recipe, or one for every combination of its grid's values.
    fn family(&mut self, index: usize, mut recipe: Node, recipes: &mut Vec<Node>) {
        let grid = match &mut recipe.value {
            Value::Table(table) => {
                table.iter().position(|(name, ..)| name == "grid").map(|at| table.remove(at))
            }
            _ => None,
        };
        let Some((_, _, grid)) = grid else {
            recipes.push(recipe);
            return;
        };
        let Some(axes) = self.axes(index, &recipe, &grid) else {
            recipes.push(recipe);
            return;
        };
        let members: usize = axes.iter().map(|axis| axis.values.len()).product();
        if members > MOST {
            let message = format!("makes {members} recipes; {MOST} at most");
            self.error(index, "grid", &grid.origin, message);
            recipes.push(recipe);
            return;
        }
        for number in 0..members {
            let mut member = recipe.clone();
            let mut name = member.get("name").and_then(Node::text).unwrap_or_default().to_owned();
            // The last axis changes fastest.
            let mut rest = number;
            let mut picks: Vec<usize> = axes
                .iter()
                .rev()
                .map(|axis| {
                    let pick = rest % axis.values.len();
                    rest /= axis.values.len();
                    pick
                })
                .collect();
            picks.reverse();
            for (axis, pick) in axes.iter().zip(picks) {
                let value = axis.values[pick].clone();
                name.push_str(&format!("-{}-{}", axis.label, label(&value, pick)));
                if let Err(message) = set(&mut member, &axis.path, value, &axis.origin) {
                    self.error(index, "grid", &axis.origin, message);
                }
            }
            let name: String =
                name.chars().map(|c| if bakeoff_augment::may_stand_in_name(c) { c } else { '_' }).collect();
            if let Value::Table(table) = &mut member.value
                && let Some((_, _, node)) = table.iter_mut().find(|(key, ..)| key == "name")
            {
                node.value = Value::String(name);
            }
            recipes.push(member);
        }
    }

    /// The grid's keys and values; `None` where something is wrong with them.
    fn axes<'g>(&mut self, index: usize, recipe: &Node, grid: &'g Node) -> Option<Vec<Axis<'g>>> {
        let Some(table) = grid.table() else {
            let message = format!(
                "must be a table of lists such as {{ alpha = [0.2, 0.4, 1.0] }}, not {}",
                grid.value.describe()
            );
            self.error(index, "grid", &grid.origin, message);
            return None;
        };
        let mut axes = Some(Vec::new());
        for (key, origin, node) in table {
            let values = match &node.value {
                Value::Array(values) if !values.is_empty() => values,
                other => {
                    let message = match other {
                        Value::Array(_) => format!("`{key}` has no values"),
                        other => format!("`{key}` must be a list of values, not {}", other.describe()),
                    };
                    self.error(index, "grid", &node.origin, message);
                    axes = None;
                    continue;
                }
            };
            match target(recipe, key) {
                Ok(path) => {
                    let label = path.last().cloned().unwrap_or_default();
                    let axis = Axis { path, label, values, origin: origin.clone() };
                    axes.iter_mut().for_each(|axes| axes.push(axis.clone()));
                }
                Err(message) => {
                    self.error(index, "grid", origin, message);
                    axes = None;
                }
            }
        }
        axes
    }
}

/// One key of a grid.
#[derive(Clone)]
struct Axis<'g> {
    path: Vec<String>,
    label: String,
    values: &'g [Node],
    origin: Origin,
}

/// Whether a mixer's own keys change the one that was inherited, rather than name another.
fn changes(old: &Node, new: &Node) -> bool {
    let kind = |node: &Node| node.get("kind").and_then(Node::text).map(str::to_owned);
    old.table().is_some() && new.table().is_some() && kind(new).is_none_or(|new| Some(new) == kind(old))
}

/// Lays one table over another, key by key.
fn merge(old: &mut Node, new: Node) {
    let (Value::Table(table), Value::Table(_)) = (&mut old.value, &new.value) else {
        *old = new;
        return;
    };
    let Value::Table(own) = new.value else { return };
    for (name, place, node) in own {
        match table.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, origin, old)) => {
                *origin = place;
                merge(old, node);
            }
            None => table.push((name, place, node)),
        }
    }
}

/// How a value stands in a derived recipe's name; tables by their kind, else by number.
fn label(value: &Node, number: usize) -> String {
    match &value.value {
        Value::String(text) | Value::Date(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        // 1.0 stays 1.0.
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(truth) => truth.to_string(),
        Value::Array(values) => values.iter().map(|value| label(value, number)).collect::<Vec<_>>().join("-"),
        Value::Table(_) => {
            value.get("kind").and_then(Node::text).map_or((number + 1).to_string(), str::to_owned)
        }
    }
}

/// Where a grid's key leads: a path from the recipe (`mix.alpha`, `transforms.hue.delta`), or the name of an option that
/// only one part of the recipe has.
fn target(recipe: &Node, key: &str) -> Result<Vec<String>, String> {
    let parts: Vec<String> = key.split('.').map(str::to_owned).collect();
    if matches!(parts[0].as_str(), "mix" | "transforms") {
        return Ok(parts);
    }
    let mut places = Vec::new();
    let mut known = Vec::new();
    let mut look = |path: Vec<String>, node: &Node, options: Vec<(String, Vec<String>)>| {
        let kind = node.get("kind").and_then(Node::text).unwrap_or_default();
        for option in options.into_iter().filter(|(name, _)| name == kind).flat_map(|(_, options)| options) {
            if option == parts[0] {
                places.push([path.clone(), parts.clone()].concat());
            }
            known.push(option);
        }
    };
    if let Some(mix) = recipe.get("mix") {
        look(vec!["mix".into()], mix, options::<Mixer>());
    }
    if let Some(Node { value: Value::Array(nodes), .. }) = recipe.get("transforms") {
        for (index, node) in nodes.iter().enumerate() {
            look(vec!["transforms".into(), index.to_string()], node, options::<Transform>());
        }
    }
    match places.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            known.sort_unstable();
            known.dedup();
            let near = nearest(key, known.iter().map(String::as_str))
                .map_or(String::new(), |near| format!("did you mean `{near}`? "));
            let options = list(known.iter().map(String::as_str));
            Err(match known.is_empty() {
                true => format!(
                    "nothing in this recipe has an option `{key}`: it has neither transforms nor a mixer"
                ),
                false => {
                    format!("nothing in this recipe has an option `{key}`; {near}Its options are {options}")
                }
            })
        }
        several => {
            let paths: Vec<String> = several.iter().map(|path| path.join(".")).collect();
            let paths = list(paths.iter().map(String::as_str));
            Err(format!("`{key}` is an option of several parts of this recipe; say which in quotes: {paths}"))
        }
    }
}

/// Kinds of a tagged union and the names of their options.
fn options<T: JsonSchema>() -> Vec<(String, Vec<String>)> {
    let schema = schemars::schema_for!(T).to_value();
    let variants = schema.get("oneOf").and_then(Json::as_array).cloned().unwrap_or_default();
    let resolve = |variant: &Json| -> Json {
        let target = variant.get("$ref").and_then(Json::as_str).map(|target| target.trim_start_matches('#'));
        target.and_then(|target| schema.pointer(target)).cloned().unwrap_or_default()
    };
    variants
        .iter()
        .filter_map(|variant| {
            let kind = variant.pointer("/properties/kind/const")?.as_str()?.to_owned();
            // Options of a variant with a type of its own stand behind a reference.
            let tables = [variant.clone(), resolve(variant)];
            let options = tables
                .iter()
                .filter_map(|table| table.get("properties")?.as_object())
                .flat_map(|properties| properties.keys().filter(|key| *key != "kind").cloned())
                .collect();
            Some((kind, options))
        })
        .collect()
}

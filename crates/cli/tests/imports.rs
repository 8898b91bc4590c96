//! Files of a crate do not import each other in a circle.
//!
//! Only `use` lines are read. A name that is imported from a module which itself has it from elsewhere counts as imported from
//! there. A module's `mod` lines and what it publishes of its own children are its table of contents, and no imports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Crates without a circle. `nn` is left to the rebuilding of the engine.
const CRATES: [&str; 12] = [
    "augment", "cli", "data", "evidence", "files", "findings", "live", "machine", "random", "report",
    "stats", "study",
];

/// The path of a module in its crate; empty for the crate itself.
type Module = Vec<String>;

/// A line such as `pub use crate::names::{name_of, EXTENSIONS};`, one name at a time.
struct Import {
    /// Whether others may import it from here.
    is_public: bool,
    /// From the crate's root to the name, the name included.
    path: Module,
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut circles = Vec::new();
    for name in CRATES {
        let mut sources = BTreeMap::new();
        read(&crates.join(name).join("src"), &Module::new(), &mut sources);
        assert!(!sources.is_empty(), "{name} has no source");
        circles.extend(circle(&imported(&sources)).map(|files| format!("{name}: {}", files.join(" -> "))));
    }
    assert!(
        circles.is_empty(),
        "these files import each other in a circle; move what they share into a file of its own:\n{}",
        circles.join("\n")
    );
}

#[test]
fn a_circle_is_found_through_re_exports_and_from_child_to_parent() {
    let sources = |files: &[(&str, &str)]| -> BTreeMap<Module, String> {
        files.iter().map(|(name, text)| (segments(name), (*text).to_owned())).collect()
    };
    let found = |files| circle(&imported(&sources(files)));
    assert_eq!(
        found(&[("", "mod a;\nmod b;\npub use a::A;"), ("a", "struct A;"), ("b", "use crate::A;")]),
        None
    );
    let through_root =
        [("", "pub use a::A;\npub use b::B;"), ("a", "use crate::B;"), ("b", "use crate::{\n    A,\n};")];
    assert_eq!(found(&through_root).unwrap(), ["a", "b", "a"]);
    let with_parent = [("", ""), ("a", "use c::C;\nstruct A;"), ("a::c", "use super::A;")];
    assert_eq!(found(&with_parent).unwrap(), ["a", "a::c", "a"]);
    // What the tests of a file import does not count, nor does what a module in braces has from its own file.
    let in_tests =
        [("", ""), ("a", "use crate::b::B;"), ("b", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}")];
    assert_eq!(found(&in_tests), None);
}

/// The text of every module below a folder.
fn read(folder: &Path, module: &Module, sources: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let below = |name: String| module.iter().cloned().chain([name]).collect::<Module>();
        if path.is_dir() {
            read(&path, &below(name), sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            let is_of_folder = ["lib", "main", "mod"].contains(&name.as_str());
            let module = if is_of_folder { module.clone() } else { below(name) };
            sources.insert(module, fs::read_to_string(&path).unwrap());
        }
    }
}

/// Which modules each module imports from.
fn imported(sources: &BTreeMap<Module, String>) -> BTreeMap<&Module, BTreeSet<&Module>> {
    let imports: BTreeMap<&Module, Vec<Import>> =
        sources.iter().map(|(module, text)| (module, imports(module, text, sources))).collect();
    let published: BTreeMap<Module, &Module> = imports
        .iter()
        .flat_map(|(module, imports)| imports.iter().map(move |import| (*module, import)))
        .filter(|(_, import)| import.is_public)
        .filter_map(|(module, import)| {
            let name = import.path.last()?.clone();
            Some((module.iter().cloned().chain([name]).collect(), &import.path))
        })
        .collect();
    let from = |module: &Module, import: &Import| {
        let source = module_of(&import.path, sources, &published)?;
        let is_content = import.is_public && source.starts_with(module);
        (source != module && !is_content).then_some(source)
    };
    imports
        .iter()
        .map(|(module, imports)| {
            (*module, imports.iter().filter_map(|import| from(module, import)).collect())
        })
        .collect()
}

/// The module that a name is defined in, as far as imports tell.
fn module_of<'a>(
    path: &Module,
    sources: &'a BTreeMap<Module, String>,
    published: &BTreeMap<Module, &Module>,
) -> Option<&'a Module> {
    let mut path = path.clone();
    // A name is passed on a few times; not for ever.
    for _ in 0..8 {
        let length = (0..=path.len()).rev().find(|&length| sources.contains_key(&path[..length]))?;
        let name = &path[..(length + 1).min(path.len())];
        match published.get(name) {
            Some(origin) if origin.as_slice() != name => {
                path = origin.iter().chain(&path[name.len()..]).cloned().collect();
            }
            _ => return sources.get_key_value(&path[..length]).map(|(module, _)| module),
        }
    }
    None
}

/// The names that a module imports from its own crate.
fn imports(module: &Module, text: &str, sources: &BTreeMap<Module, String>) -> Vec<Import> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut imports = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (visibility, rest) = match line.split_once("use ") {
            Some((visibility, rest)) if visibility.is_empty() || visibility.starts_with("pub") => {
                (visibility, rest)
            }
            _ => continue,
        };
        let mut tree = rest.to_owned();
        while !tree.contains(';') {
            tree += lines.next().unwrap_or(";").trim();
        }
        for path in names(tree.trim_end_matches(';')) {
            if let Some(path) = from_root(module, &path, sources) {
                imports.push(Import { is_public: !visibility.is_empty(), path });
            }
        }
    }
    imports
}

/// `a::{b, c::D}` as `a::b` and `a::c::D`.
fn names(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default().trim();
        return if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
    };
    let inner = &rest[..rest.rfind('}').unwrap_or(rest.len())];
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in inner.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match character {
            ',' if depth == 0 => parts.push(String::new()),
            other => parts.last_mut().unwrap().push(other),
        }
    }
    parts.iter().flat_map(|part| names(part)).map(|name| format!("{}{name}", before.trim())).collect()
}

/// A path from the crate's root; nothing where it leads to another crate.
fn from_root(module: &Module, path: &str, sources: &BTreeMap<Module, String>) -> Option<Module> {
    let mut path = segments(path);
    if path.first()? == "crate" {
        return Some(path.split_off(1));
    }
    let mut base = module.clone();
    while let Some(first) = path.first().filter(|first| ["self", "super"].contains(&first.as_str())) {
        if first == "super" {
            base.pop();
        }
        path.remove(0);
        if path.first().is_none_or(|next| next != "super") {
            return Some(base.into_iter().chain(path).collect());
        }
    }
    let below: Module = base.into_iter().chain(path).collect();
    sources.contains_key(&below[..=module.len()]).then_some(below)
}

fn segments(path: &str) -> Module {
    path.split("::").map(|segment| segment.trim().to_owned()).filter(|segment| !segment.is_empty()).collect()
}

/// A circle, if there is one: its modules by name, the first one again at the end.
fn circle(imported: &BTreeMap<&Module, BTreeSet<&Module>>) -> Option<Vec<String>> {
    fn walk<'a>(
        module: &'a Module,
        imported: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
        way: &mut Vec<&'a Module>,
        done: &mut BTreeSet<&'a Module>,
    ) -> Option<Vec<String>> {
        if let Some(at) = way.iter().position(|&before| before == module) {
            return Some(way[at..].iter().chain([&module]).map(|module| module.join("::")).collect());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module);
        let found = imported.get(module)?.iter().find_map(|&next| walk(next, imported, way, done));
        way.pop();
        done.insert(module);
        found
    }
    let mut done = BTreeSet::new();
    imported.keys().find_map(|&module| walk(module, imported, &mut Vec::new(), &mut done))
}

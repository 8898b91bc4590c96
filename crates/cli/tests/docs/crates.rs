//! The order of the crates, as the documents say it.

use std::fs;

use crate::pages::{Page, text};
use crate::scene::repository;

/// Folders of `crates/`.
fn crates() -> Vec<String> {
    let entries = fs::read_dir(repository().join("crates")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_crate_imports_none_to_its_right_in_the_order_that_decision_1_gives() {
    let page = Page::read("docs/decisions/0001-crates-and-seams.md");
    let order = page.quoted().into_iter().find(|quoted| quoted.contains(" -> ")).expect("the order is given");
    // Those parted by commas stand beside each other.
    let ranks: Vec<Vec<&str>> = order.split(" -> ").map(|side| side.split(", ").collect()).collect();
    let rank = |name: &str| {
        ranks
            .iter()
            .position(|side| side.contains(&name))
            .unwrap_or_else(|| panic!("{name} has no place in: {order}"))
    };
    for name in crates() {
        let manifest = text(&format!("crates/{name}/Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for line in dependencies.lines() {
            let Some(other) = line.strip_prefix("bakeoff-").and_then(|line| line.split(['.', ' ']).next())
            else {
                continue;
            };
            assert!(
                rank(other) < rank(&name),
                "{name} imports {other}, which does not stand to its left in: {order}"
            );
        }
    }
}

#[test]
fn every_crate_has_a_row_in_the_readme_and_in_the_architecture() {
    let (readme, architecture) = (Page::read("README.md"), Page::read("docs/architecture.md"));
    for name in crates() {
        assert!(
            readme.text.contains(&format!("\n| `bakeoff-{name}` |")),
            "README.md has no row for bakeoff-{name}"
        );
        assert!(
            architecture.text.contains(&format!("\n| `{name}` |")),
            "docs/architecture.md has no row for {name}"
        );
    }
}

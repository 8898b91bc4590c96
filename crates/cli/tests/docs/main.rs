//! What the documents say, held against the program: keys and their defaults, messages, names, links, and numbers that stand twice.
//! That the commands they show run is tested in `every_path`.

mod crates;
mod keys;
mod links;
mod messages;
mod names;
mod numbers;
mod pages;
#[allow(dead_code)] // A part of it is used here.
#[path = "../every_path/scene.rs"]
mod scene;
#[path = "../support/mod.rs"]
mod support;

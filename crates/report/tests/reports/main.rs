//! Reports of invented runs. The pages are left in the build folder's `tmp/reports` to be looked at.

mod answers;
mod beyond;
mod damage;
#[path = "../fake/mod.rs"]
mod fake;
mod pages;
mod support;

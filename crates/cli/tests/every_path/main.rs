//! Every path that the README, the guide, the shipped studies and the help name, taken through the program as a user would.

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod bounds;
mod copies;
mod documents;
mod hostile;
#[cfg(unix)]
mod interrupts;
mod limits;
mod options;
mod scene;
mod serving;
mod sources;
#[cfg(target_os = "linux")]
mod terminals;
mod weights;

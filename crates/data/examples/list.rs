//! Lists a data set and decodes its first image.
//!
//! ```sh
//! cargo run -p bakeoff-data --example list -- PATH
//! ```
//! PATH is any source, from an image folder to a Parquet file; without it, generated images are listed.

use std::error::Error;

use bakeoff_data::{Dataset, DeclaredSplit, Groups, SourceConfig, SourceKind, SplitConfig};

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let config = match std::env::args_os().nth(1) {
        Some(path) => SourceConfig::at(path),
        None => SourceConfig { kind: Some(SourceKind::Generated), ..SourceConfig::default() },
    };
    let dataset = Dataset::open(&config)?;
    for warning in dataset.warnings() {
        println!("warning: {warning}");
    }
    for (label, class) in dataset.classes().iter().enumerate() {
        let count = |split: DeclaredSplit| {
            dataset.samples().iter().filter(|sample| sample.label == label && sample.split == split).count()
        };
        let counts = [
            ("train", DeclaredSplit::Train),
            ("validation", DeclaredSplit::Validation),
            ("test", DeclaredSplit::Test),
            ("without split", DeclaredSplit::Undeclared),
        ];
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, split)| (name, count(*split)))
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        println!("{class}: {}", counts.join(", "));
    }
    let splits = dataset.splits(&SplitConfig::default(), 0, &[], &Groups::none())?;
    println!(
        "seed 0: {} train, {} validation, {} test",
        splits.train.len(),
        splits.validation.len(),
        splits.test.len()
    );
    let image = dataset.load(0)?;
    println!("{}: {}x{} pixels", dataset.samples()[0].id, image.width(), image.height());
    Ok(())
}

//! `bakeoff data check`: what a data set holds and what is wrong with it.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::Result;
use bakeoff_data::{Dataset, DeclaredSplit, SourceConfig};

use crate::exit::{Exit, out};
use crate::progress::Bar;
use crate::table::Table;

/// Look at data sets.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Decode every image once and say what the data set holds and what is wrong with it.
    Check {
        /// A folder of images, a CSV table, Parquet, TFRecord or WebDataset shards, an archive, CIFAR, MNIST, …
        path: PathBuf,
        /// CSV only: the table of the test split where it is a file of its own.
        #[arg(long)]
        test_path: Option<PathBuf>,
        /// Threads (default: all cores).
        #[arg(long)]
        threads: Option<usize>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let Action::Check { path, test_path, threads, json } = arguments.action;
    super::threads(threads)?;
    let dataset = Dataset::open(&SourceConfig { path, test_path, ..SourceConfig::default() })?;
    let stop = super::stop_on_interrupt()?;
    let bar = Bar::new("looking at images");
    let inspection = dataset.inspect(false, stop, &|done, total| bar.show(done, total));
    bar.finish();
    if stop.load(Ordering::Relaxed) {
        return Ok(Exit::Interrupted);
    }
    let inspection = inspection?;

    let splits =
        [DeclaredSplit::Train, DeclaredSplit::Validation, DeclaredSplit::Test, DeclaredSplit::Undeclared];
    let count = |class: Option<usize>, split: DeclaredSplit| {
        let in_split = dataset.samples().iter().zip(&inspection.usable);
        in_split
            .filter(|(sample, usable)| {
                **usable && sample.split == split && class.is_none_or(|class| sample.label == class)
            })
            .count()
    };
    let warnings: Vec<String> = dataset.warnings().iter().map(ToString::to_string).collect();
    if json {
        let classes: Vec<_> = dataset
            .classes()
            .iter()
            .enumerate()
            .map(|(label, class)| {
                serde_json::json!({
                    "class": class,
                    "train": count(Some(label), DeclaredSplit::Train),
                    "validation": count(Some(label), DeclaredSplit::Validation),
                    "test": count(Some(label), DeclaredSplit::Test),
                    "undeclared": count(Some(label), DeclaredSplit::Undeclared),
                })
            })
            .collect();
        out(serde_json::to_string_pretty(&serde_json::json!({
            "images": dataset.samples().len(),
            "classes": classes,
            "rejected": inspection.rejected,
            "duplicates": inspection.duplicates,
            "sizes": inspection.sizes,
            "warnings": warnings,
        }))?);
        return Ok(Exit::Done);
    }

    let mut table = Table::new(["class", "train", "validation", "test", "undeclared"]);
    for (label, class) in dataset.classes().iter().enumerate() {
        let mut row = vec![class.clone()];
        row.extend(splits.map(|split| count(Some(label), split).to_string()));
        table.row(row);
    }
    let mut row = vec![format!("{} classes", dataset.classes().len())];
    row.extend(splits.map(|split| count(None, split).to_string()));
    table.row(row);
    table.print();
    let sizes = &inspection.sizes;
    out(format!(
        "\nwidth {}–{} px (median {}), height {}–{} px (median {})",
        sizes.width[0], sizes.width[2], sizes.width[1], sizes.height[0], sizes.height[2], sizes.height[1]
    ));
    if !inspection.rejected.is_empty() {
        out(format!("\n{} images cannot be used:", inspection.rejected.len()));
        for rejected in &inspection.rejected {
            out(format!("  {}: {}", rejected.id, rejected.reason));
        }
    }
    let across: Vec<_> =
        inspection.duplicates.iter().filter(|d| d.across_splits || d.across_classes).collect();
    if !across.is_empty() {
        out("\nbyte-identical files across splits or classes:");
        for duplicates in across {
            out(format!("  {}", duplicates.ids.join("  =  ")));
        }
    }
    for warning in warnings {
        out(format!("\nwarning: {warning}"));
    }
    Ok(Exit::Done)
}

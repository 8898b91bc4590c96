//! `bakeoff data`: fetching published data sets, and looking at any.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bakeoff_data::{
    Check, ColumnConfig, Dataset, Duplicates, FetchEvent, FetchOptions, SourceConfig, SourceKind, detect,
    fetch, find_published, published, rejected_lines,
};

use crate::exit::{Exit, note, out, warn};
use crate::interrupt;
use crate::progress::{Bar, BytesBar};
use crate::table::Table;

/// Sets of images and images of a set that are named on the terminal.
const NAMED: usize = 20;

/// Fetch published data sets, look at your own.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Pack(super::data_pack::Arguments),
    /// Decode every image once and say what the data set holds and what is wrong with it: counts, sizes, broken files, files
    /// that are there twice, images that look the same, uneven classes.
    Check {
        /// A folder of images, a CSV table, Parquet, TFRecord or WebDataset shards, an archive, CIFAR, MNIST, …
        #[arg(value_parser = super::path())]
        path: PathBuf,
        /// Kind of source, where it is not found out from the path: folder, csv, tfds, parquet, webdataset, archive, …
        #[arg(long)]
        source: Option<String>,
        /// CSV only: the table of the test split where it is a file of its own.
        #[arg(long, value_parser = super::path())]
        test_path: Option<PathBuf>,
        /// Tables and Parquet only: the column that holds the path, the label or the split, as data.columns in a study file:
        /// label=breed. May be repeated.
        #[arg(long, value_name = "ROLE=NAME", value_parser = column)]
        column: Vec<(String, String)>,
        /// Threads (default: all cores).
        #[arg(long)]
        threads: Option<usize>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Write a page with pictures of what was found.
        #[arg(long, value_name = "FILE", value_parser = super::path())]
        html: Option<PathBuf>,
    },
    /// Fetch a published data set from where its authors put it; without a name, list them. An interrupted transfer goes on
    /// where it stopped.
    Fetch {
        /// stanford-dogs, oxford-iiit-pet, cub-200, flowers-102, cifar-10, cifar-100, imagenette, …
        name: Option<String>,
        /// The folder that will hold it (default: data/NAME).
        #[arg(long, value_name = "DIR", value_parser = super::path())]
        to: Option<PathBuf>,
        /// Another place for its files: an address to which their names are added.
        #[arg(long, value_name = "URL", value_parser = mirror)]
        mirror: Option<String>,
        /// Keep archives after they were unpacked.
        #[arg(long)]
        keep: bool,
        /// Take files whose size or SHA-256 is not the known one, up to four times the known size.
        #[arg(long)]
        unchecked: bool,
    },
}

impl Arguments {
    /// How to go on after an interruption.
    pub(crate) fn after_interruption(&self) -> &'static str {
        match self.action {
            Action::Fetch { .. } => "what is there is kept: run the same command again to go on",
            _ => "run the same command again to begin anew",
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    match arguments.action {
        Action::Pack(arguments) => super::data_pack::run(arguments),
        Action::Check { path, source, test_path, column, threads, json, html } => {
            let source = source.map(|name| kind(&name)).transpose()?;
            // As a study file: nothing that was said is passed over.
            let found = source.or_else(|| detect(&path));
            if test_path.is_some() && found.is_some_and(|kind| kind != SourceKind::Csv) {
                crate::exit::print(&anyhow::anyhow!(
                    "--test-path is only for tables (--source csv), and {} is none; leave it out",
                    path.display()
                ));
                return Ok(Exit::Usage);
            }
            let mut columns = ColumnConfig::default();
            for (role, name) in column {
                match role.as_str() {
                    "path" => columns.path = Some(name),
                    "split" => columns.split = Some(name),
                    _ => columns.label = Some(name),
                }
            }
            let config = SourceConfig { kind: source, path, test_path, columns, ..SourceConfig::default() };
            super::in_pool(super::threads(threads)?, || check(&config, json, html))
        }
        Action::Fetch { name: None, .. } => {
            let mut table = Table::new(["name", "MB", "what"]);
            for set in published() {
                let bytes: u64 = set.files.iter().filter_map(|file| file.bytes).sum();
                table.row(vec![set.name, (bytes / 1_000_000).to_string(), set.title]);
            }
            table.print();
            Ok(Exit::Done)
        }
        Action::Fetch { name: Some(name), to, mirror, keep, unchecked } => {
            let to = to.unwrap_or_else(|| Path::new("data").join(&name));
            fetched(&name, FetchOptions { mirror, keep, unchecked, ..FetchOptions::to(to) })
        }
    }
}

/// `label=breed`.
fn column(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((role @ ("path" | "label" | "split"), name)) if !name.is_empty() => {
            Ok((role.to_owned(), name.to_owned()))
        }
        _ => Err("write it as path=NAME, label=NAME or split=NAME".to_owned()),
    }
}

fn kind(name: &str) -> Result<SourceKind> {
    serde_json::from_value(serde_json::Value::from(name))
        .with_context(|| format!("there is no source {name:?}"))
}

/// An address from which files can be fetched.
fn mirror(text: &str) -> Result<String, String> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if scheme.is_some_and(|scheme| scheme == "http" || scheme == "https") {
        return Ok(text.to_owned());
    }
    Err("it is no address that begins with http:// or https://. Files that are on this machine already need no mirror: put them into \
         the folder that --to names, under the names they have on the server, and run the command without --mirror"
        .to_owned())
}

fn fetched(name: &str, options: FetchOptions) -> Result<Exit> {
    let set = find_published(name)?;
    let stop = interrupt::flag("stopping");
    note(format!("{}\n{}: look there for the terms of use", set.title, set.home));
    let bar = BytesBar::new();
    let files = fetch(&set, &options, stop, &|event| match event {
        FetchEvent::Here { file } => note(format!("{file}: here already")),
        FetchEvent::Fetching { file, done, total } => bar.show(file, done, total),
        FetchEvent::Again { file, reason } => note(format!("{file}: {reason}; trying again")),
        FetchEvent::Checking { file } => bar.step(&format!("{file}: comparing with its SHA-256")),
        FetchEvent::Unpacking { file, done } => bar.count(&format!("{file}: unpacking"), done),
    });
    bar.finish();
    for file in files? {
        let known = if file.as_known { "as known" } else { "not compared: taken as it came" };
        out(format!("{}: {} bytes, SHA-256 {} ({known})", file.file, file.bytes, file.sha256));
    }
    let path = options.to.join(&set.path);
    let dataset = Dataset::open(&SourceConfig::at(&path))
        .context("what was fetched cannot be opened; remove the folder and fetch it again")?;
    warn(dataset.warnings());
    out(format!(
        "\n{} images, {} classes. In a study file:\n",
        dataset.samples().len(),
        dataset.classes().len()
    ));
    out(format!("[data]\npath = {:?}", path.display().to_string()));
    Ok(Exit::Done)
}

fn check(config: &SourceConfig, json: bool, html: Option<PathBuf>) -> Result<Exit> {
    let mut dataset = Dataset::open(config)?;
    // Every image is looked at once.
    dataset.set_cache(0);
    let stop = interrupt::flag("stopping");
    let bar = Bar::new("looking at images");
    let check = dataset.check(stop, &|done, total| bar.show(done, total));
    bar.finish();
    let check = check?;
    if let Some(file) = html {
        let page = bakeoff_report::data_page(&dataset, &check);
        bakeoff_files::write_output(&file, page.as_bytes())?;
        note(format!("wrote {}", file.display()));
    }
    if json {
        // They are in the object too; whoever pipes that elsewhere sees them all the same.
        warn(&check.warnings);
        out(serde_json::to_string_pretty(&check)?);
    } else {
        print(&check);
    }
    Ok(Exit::Done)
}

fn print(check: &Check) {
    let mut table = Table::new(["class", "train", "validation", "test", "undeclared"]);
    let mut all = [0; 4];
    for class in &check.classes {
        let counts = [class.train, class.validation, class.test, class.undeclared];
        all.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        table
            .row(std::iter::once(class.class.clone()).chain(counts.map(|count| count.to_string())).collect());
    }
    let name = format!("{} classes", check.classes.len());
    table.row(std::iter::once(name).chain(all.map(|count| count.to_string())).collect());
    table.print();
    let sizes = &check.sizes;
    out(format!(
        "\nwidth {}–{} px (median {}), height {}–{} px (median {})",
        sizes.width[0], sizes.width[2], sizes.width[1], sizes.height[0], sizes.height[2], sizes.height[1]
    ));
    if !check.rejected.is_empty() {
        out(format!("\n{} images cannot be used:", check.rejected.len()));
        for line in rejected_lines(&check.rejected) {
            out(format!("  {line}"));
        }
    }
    print_sets("byte-identical files", &check.duplicates);
    print_sets("images that look the same", &check.alike);
    if check.duplicates.iter().chain(&check.alike).any(|set| !set.across_splits) {
        out(
            "\nWhere Bakeoff splits itself, copies stay on one side (data.copies); splits of the data set are left as they are.",
        );
    }
    if let Some(why) = &check.imagenet {
        out(format!(
            "\nwarning: these are images of ImageNet ({why}): a network that starts from ImageNet's weights has seen some of the test \
             images, and its accuracies are too high"
        ));
    }
    for warning in &check.warnings {
        out(format!("\nwarning: {warning}"));
    }
}

/// Those across splits or classes by name, the others by number.
fn print_sets(what: &str, sets: &[Duplicates]) {
    let (across, within): (Vec<_>, Vec<_>) =
        sets.iter().partition(|set| set.across_splits || set.across_classes);
    if !across.is_empty() {
        out(format!("\n{what} across splits or classes, {}:", sets_of(across.len())));
        for set in across.iter().take(NAMED) {
            let named: Vec<&str> = set.ids.iter().take(NAMED).map(String::as_str).collect();
            let more = set.ids.len().saturating_sub(NAMED);
            let more = if more > 0 { format!("  = … and {more} more") } else { String::new() };
            out(format!("  {}{more}", named.join("  =  ")));
        }
        if across.len() > NAMED {
            out(format!("  … and {} more; --json lists all, --html shows them", across.len() - NAMED));
        }
    }
    if !within.is_empty() {
        let images: usize = within.iter().map(|set| set.samples.len()).sum();
        out(format!(
            "\n{what} within a split and class: {images} in {} (--json lists all, --html shows them)",
            sets_of(within.len())
        ));
    }
}

fn sets_of(count: usize) -> String {
    if count == 1 { "1 set".to_owned() } else { format!("{count} sets") }
}

//! `bakeoff data pack`: decodes a data set once and for all.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bakeoff_data::{Dataset, PackMode, SourceConfig};

use crate::exit::{Exit, out, warn};
use crate::interrupt;
use crate::progress::Bar;

/// Decode all images into a memory-mapped pack, which every study of these images beside it then reads.
///
/// `bakeoff run` does this by itself where it pays.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A data set, or a study file (.toml) whose data set and limits are meant.
    #[arg(value_parser = super::path())]
    path: PathBuf,
    /// Folder of packs: `packs` beside the run folders.
    #[arg(long, default_value = "runs/packs", value_parser = super::path())]
    packs: PathBuf,
    /// With a study file: overrides a value of it. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads (default: all cores).
    #[arg(long)]
    threads: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    super::in_pool(super::threads(arguments.threads)?, || pack(&arguments))
}

fn pack(arguments: &Arguments) -> Result<Exit> {
    let source = if arguments.path.extension().is_some_and(|extension| extension == "toml") {
        let Some(study) = super::read_study(&arguments.path, &arguments.set) else {
            return Ok(Exit::Usage);
        };
        study.source()
    } else {
        SourceConfig::at(&arguments.path)
    };
    let mut dataset = Dataset::open(&source)?;
    dataset.set_pack(&arguments.packs, PackMode::On);
    let stop = interrupt::flag("stopping; a pack that is not whole is not kept");
    let bar = Bar::new("packing");
    let inspection = dataset.inspect(false, stop, &|done, total| bar.show(done, total));
    bar.finish();
    let inspection = inspection?;
    warn(dataset.warnings().iter().chain(&inspection.warnings));
    let (path, images, bytes) = dataset.packed().context("there is no pack")?;
    let rejected = inspection.rejected.len();
    if arguments.json {
        out(serde_json::to_string_pretty(&serde_json::json!({
            "pack": path, "images": images, "bytes": bytes, "rejected": inspection.rejected,
        }))?);
        return Ok(Exit::Done);
    }
    out(format!("{}: {images} images, {:.1} MiB", path.display(), bytes as f64 / f64::from(1 << 20)));
    if rejected > 0 {
        out(format!("{rejected} images cannot be used; `bakeoff data check` names them"));
    }
    Ok(Exit::Done)
}

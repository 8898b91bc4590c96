//! `bakeoff plan`: what would run, how long, how much disk.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use bakeoff_study::Plan;

use crate::exit::{Exit, out, warn};
use crate::progress::duration;
use crate::table::Table;

/// Say what a study would run, how long it would take and how much disk it needs. Trains nothing.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The study file.
    #[arg(value_parser = super::path())]
    study: PathBuf,
    /// Overrides a value of the study file. May be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads (default: all cores).
    #[arg(long)]
    threads: Option<usize>,
    /// Do not run a few steps to measure this machine.
    #[arg(long)]
    no_measure: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let threads = super::threads(arguments.threads)?;
    super::in_pool(threads, || print_plan(&arguments, threads))
}

fn print_plan(arguments: &Arguments, threads: usize) -> Result<Exit> {
    let Some(study) = super::read_study(&arguments.study, &arguments.set) else {
        return Ok(Exit::Usage);
    };
    let mut plan = Plan::new(&study)?;
    let enlarged = plan.enlargements(&study);
    plan.record.warnings.extend(enlarged);
    let estimate =
        if arguments.no_measure { plan.estimate(&study)? } else { plan.measure(&study, threads, 3.0)? };
    if arguments.json {
        // They are in the object too; whoever pipes that elsewhere sees them all the same.
        warn(&plan.record.warnings);
        let value = serde_json::json!({ "plan": plan.record, "estimate": estimate, "study": study.config });
        out(serde_json::to_string_pretty(&value)?);
        return Ok(Exit::Done);
    }
    let record = &plan.record;
    out(format!(
        "{}: {} recipes × {} seeds = {} trials of {} epochs ({} steps each)",
        record.study,
        record.recipes.len(),
        record.seeds.len(),
        estimate.trials,
        estimate.epochs,
        estimate.steps_per_epoch * estimate.epochs as usize
    ));
    out(format!(
        "{} classes; {} training, {} validation, {} test images",
        plan.dataset().classes().len(),
        estimate.train,
        estimate.validation,
        estimate.test
    ));
    if let (Some(path), Some(kind)) = (&study.config.data.path, study.config.data.source) {
        let kind = serde_json::to_value(kind)?;
        out(format!("data {} ({})", path.display(), kind.as_str().unwrap_or_default()));
    }
    out(format!(
        "baseline {}, margin {}, headline {}, compared by {}",
        record.baseline,
        if record.margin == 1.0 { "1 point".to_owned() } else { format!("{} points", record.margin) },
        record.headline,
        if record.metric.is_top1() { "top-1" } else { "balanced accuracy" }
    ));
    if let Some(power) = plan.power(estimate.test).filter(|_| record.recipes.len() > 1) {
        out(power);
    }
    out("");
    let mut facts = Table::new(["what", "is trained"]);
    for [name, value] in plan.facts() {
        facts.row(vec![name.clone(), value.clone()]);
    }
    facts.print();
    out("");
    let mut table = Table::new(["recipe", "what a training image goes through"]);
    for recipe in &record.recipes {
        for (position, line) in recipe.pipeline.iter().enumerate() {
            table.row(vec![if position == 0 { recipe.name.clone() } else { String::new() }, line.clone()]);
        }
    }
    for (position, line) in record.evaluation.iter().enumerate() {
        table.row(vec![if position == 0 { "(evaluation)".to_owned() } else { String::new() }, line.clone()]);
    }
    table.print();
    out("");
    if let (Some(speed), Some(seconds)) = (estimate.images_per_second, estimate.seconds) {
        out(format!(
            "about {} at {speed:.1} images/s (measured now, {threads} threads)",
            duration(Duration::from_secs_f64(seconds))
        ));
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let memory = estimate
        .memory_bytes
        .map_or_else(String::new, |bytes| format!(", {:.0} MiB of memory for the network", mib(bytes)));
    out(format!("up to {:.0} MiB of disk{memory}", mib(estimate.disk_bytes)));
    warn(&record.warnings);
    Ok(Exit::Done)
}

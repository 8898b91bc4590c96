//! `bakeoff bench`: images per second on this machine.

use std::time::Instant;

use anyhow::{Context, Result};
use bakeoff_nn::{Ceilings, Model, Trainable};
use serde::Serialize;

use super::network_bench::{self, Network, Work};

use crate::exit::{Exit, out};

/// Images per second on this machine: training steps, inference, or the input path; without a stage all of them.
///
/// One warm-up, then ROUNDS rounds of at least half a second and at least one step each. Quote the median. For the network's
/// stages the two ceilings of the machine are measured too: matrix products on operands in cache, and memory. A kind of work
/// is held against the time that its operations and bytes take at least under them; beyond 100 % is possible where an
/// algorithm needs fewer operations than the definition that is counted (Winograd).
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure; all where it is left out.
    #[arg(value_enum)]
    stage: Option<Stage>,
    /// Network (see `bakeoff models`); ignored by `input`.
    #[arg(long, default_value = "resnet50")]
    model: String,
    /// Images a step.
    #[arg(long, default_value_t = 16, value_parser = whole::<4096>)]
    batch: usize,
    /// Image side in pixels.
    #[arg(long, default_value_t = 224, value_parser = whole::<4096>)]
    image: usize,
    /// Classes of the head.
    #[arg(long, default_value_t = 1000, value_parser = whole::<1_000_000>)]
    classes: usize,
    /// Threads (default: all cores).
    #[arg(long)]
    threads: Option<usize>,
    /// Rounds that are counted.
    #[arg(long, default_value_t = 10, value_parser = whole::<100_000>)]
    rounds: usize,
    /// Back end.
    #[arg(long, value_enum, default_value = "cpu")]
    backend: super::Backend,
    /// `input` only: images of this folder, decoded from disk (default: generated images, already decoded).
    #[arg(long, value_parser = super::path())]
    data: Option<std::path::PathBuf>,
    /// `input` only: read the images of --data from a pack, which is made first.
    #[arg(long, requires = "data")]
    pack: bool,
    /// `input` only: the recipe's name (see `bakeoff recipes`), a TOML file that holds one, or `decode` alone.
    #[arg(long, default_value = "cutmix")]
    recipe: String,
    /// The network's stages: time, operations and bytes of every layer, not only of every kind of work.
    #[arg(long)]
    layers: bool,
    /// Print JSON: an object, or without a stage a list of them.
    #[arg(long)]
    json: bool,
}

/// A whole number from 1 to this.
fn whole<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {MOST}")),
    }
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Stage {
    /// Forward, backward and update.
    Train,
    /// Training of the head alone, on a frozen backbone.
    Head,
    /// Forward with running statistics.
    Infer,
    /// Decode, transform, mix, normalise.
    Input,
}

/// Median, smallest and largest over the rounds.
#[derive(Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

#[derive(Serialize)]
struct Measurement {
    stage: &'static str,
    images_per_second: Spread,
    /// Arithmetic rate at the median, two operations a multiply-add; absent for `input`.
    gflops: Option<f64>,
    peak_rss_mib: Option<f64>,
    /// Bytes the session planned for weights, activations and workspace.
    planned_mib: Option<f64>,
    /// From the start of the process to the beginning of the first step; without a stage, from the stage's.
    ready_seconds: f64,
    /// The same to the end of the first step.
    first_step_seconds: f64,
    model: Option<String>,
    recipe: Option<String>,
    batch: usize,
    image: usize,
    threads: usize,
    rounds: usize,
    backend: String,
    instructions: &'static str,
    /// What this machine can do at most; absent for `input`.
    ceilings: Option<Ceilings>,
    /// A step's work by kind; empty for `input`.
    kinds: Vec<Work>,
    /// A step's work layer by layer, with `--layers`.
    layers: Vec<Work>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let threads = super::threads(arguments.threads)?;
    if let Some(stage) = arguments.stage {
        let measurement = measure(&arguments, stage, threads, age_of_process())?;
        if arguments.json {
            out(serde_json::to_string_pretty(&measurement)?);
        } else {
            print(&measurement);
        }
        return Ok(Exit::Done);
    }
    let mut all = Vec::new();
    for stage in [Stage::Train, Stage::Head, Stage::Infer, Stage::Input] {
        let measurement = measure(&arguments, stage, threads, 0.0)?;
        if !arguments.json {
            print(&measurement);
            out(String::new());
        }
        all.push(measurement);
    }
    if arguments.json {
        out(serde_json::to_string_pretty(&all)?);
    }
    Ok(Exit::Done)
}

/// `age`: seconds the process has run already.
fn measure(arguments: &Arguments, stage: Stage, threads: usize, age: f64) -> Result<Measurement> {
    let clock = Clock { age, start: Instant::now() };
    match stage {
        Stage::Train => network(arguments, threads, "train", Some(Trainable::All), clock),
        Stage::Head => network(arguments, threads, "head", Some(Trainable::Head), clock),
        Stage::Infer => network(arguments, threads, "infer", None, clock),
        Stage::Input => super::in_pool(threads, || input(arguments, threads, clock)),
    }
}

/// Time since the process, or a stage, began.
struct Clock {
    age: f64,
    start: Instant,
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.age + self.start.elapsed().as_secs_f64()
    }
}

/// Seconds since the process was started, to a hundredth; zero where the system does not tell.
fn age_of_process() -> f64 {
    let read = || -> Option<f64> {
        let now: f64 = std::fs::read_to_string("/proc/uptime").ok()?.split(' ').next()?.parse().ok()?;
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // Fields after the name, which may hold anything; the 22nd in all is the start, in hundredths of a second.
        let started: f64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
        Some((now - started / 100.0).max(0.0))
    };
    read().unwrap_or(0.0)
}

/// What a person reads.
fn print(measurement: &Measurement) {
    let speed = &measurement.images_per_second;
    let subject = measurement.model.as_deref().or(measurement.recipe.as_deref()).unwrap_or_default();
    out(format!(
        "{} {subject}, {}×{}², {} threads, {} ({})",
        measurement.stage,
        measurement.batch,
        measurement.image,
        measurement.threads,
        measurement.backend,
        measurement.instructions
    ));
    out(format!(
        "{:.2} images/s (median of {}; {:.2}–{:.2})",
        speed.median, measurement.rounds, speed.min, speed.max
    ));
    if let Some(gflops) = measurement.gflops {
        out(format!("{gflops:.0} GFLOP/s"));
    }
    if let Some(peak) = measurement.peak_rss_mib {
        out(format!(
            "{peak:.0} MiB at the peak; ready after {:.2} s, first step done after {:.2} s",
            measurement.ready_seconds, measurement.first_step_seconds
        ));
    }
    if let Some(ceilings) = measurement.ceilings {
        out(format!(
            "ceilings: matrix products {:.0} GFLOP/s, memory {:.1} GB/s",
            ceilings.gflops, ceilings.gigabytes_per_second
        ));
        network_bench::table(&measurement.kinds).print();
    }
    if !measurement.layers.is_empty() {
        network_bench::table(&measurement.layers).print();
    }
}

fn network(
    arguments: &Arguments,
    threads: usize,
    stage: &'static str,
    trainable: Option<Trainable>,
    clock: Clock,
) -> Result<Measurement> {
    let (batch, classes) = (arguments.batch, arguments.classes);
    let model = Model::by_name(&arguments.model, classes, arguments.image)?;
    // Steps have threads of their own, and are timed without a pool around them.
    let mut network = super::in_pool(threads, || {
        Network::new(&model, batch, arguments.backend.into(), threads, trainable)
    })?;
    let ready_seconds = clock.seconds();
    network.step()?;
    let first_step_seconds = clock.seconds();
    let speeds = rounds(arguments.rounds, batch, || network.step())?;
    let peak = peak_rss_mib();
    let planned = network.memory_bytes();
    let profile = network.profile()?;
    // Last and by themselves, so that they add nothing to the first step or to the memory.
    drop(network);
    let ceilings = Ceilings::measure(threads)?;
    let (kinds, layers) = network_bench::work(&profile, &ceilings);
    let flops = match trainable {
        Some(Trainable::All) => model.flops(true),
        Some(Trainable::Head) | None => model.flops(false),
    };
    Ok(Measurement {
        stage,
        gflops: Some(speeds.median * flops as f64 / 1e9),
        images_per_second: speeds,
        peak_rss_mib: peak,
        planned_mib: Some(planned as f64 / f64::from(1 << 20)),
        ready_seconds,
        first_step_seconds,
        model: Some(arguments.model.clone()),
        recipe: None,
        batch,
        image: arguments.image,
        threads,
        rounds: arguments.rounds,
        backend: arguments.backend.name().to_owned(),
        instructions: bakeoff_nn::instruction_set(),
        ceilings: Some(ceilings),
        kinds,
        layers: if arguments.layers { layers } else { Vec::new() },
    })
}

fn input(arguments: &Arguments, threads: usize, clock: Clock) -> Result<Measurement> {
    let (speeds, ready_seconds, first_step_seconds) = super::input_bench::measure(
        &super::input_bench::Subject {
            data: arguments.data.as_deref(),
            pack: arguments.pack,
            recipe: &arguments.recipe,
            batch: arguments.batch,
            image: arguments.image,
        },
        |once| {
            let ready = clock.seconds();
            once()?;
            let first = clock.seconds();
            Ok((rounds(arguments.rounds, arguments.batch, once)?, ready, first))
        },
    )?;
    Ok(Measurement {
        stage: "input",
        images_per_second: speeds,
        gflops: None,
        peak_rss_mib: peak_rss_mib(),
        planned_mib: None,
        ready_seconds,
        first_step_seconds,
        model: None,
        recipe: Some(arguments.recipe.clone()),
        batch: arguments.batch,
        image: arguments.image,
        threads,
        rounds: arguments.rounds,
        backend: "cpu".to_owned(),
        instructions: bakeoff_nn::instruction_set(),
        ceilings: None,
        kinds: Vec::new(),
        layers: Vec::new(),
    })
}

/// Images per second of each round; a round repeats `once` for at least half a second.
fn rounds(rounds: usize, batch: usize, mut once: impl FnMut() -> Result<()>) -> Result<Spread> {
    let mut speeds = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        let mut steps = 0;
        while steps == 0 || start.elapsed().as_secs_f64() < 0.5 {
            once()?;
            steps += 1;
        }
        speeds.push((steps * batch) as f64 / start.elapsed().as_secs_f64());
    }
    speeds.sort_by(f64::total_cmp);
    let middle = speeds.len() / 2;
    let median =
        if speeds.len() % 2 == 1 { speeds[middle] } else { (speeds[middle - 1] + speeds[middle]) / 2.0 };
    let (min, max) = speeds.first().zip(speeds.last()).context("no rounds")?;
    Ok(Spread { median, min: *min, max: *max })
}

/// The process's largest resident set, where the system tells.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

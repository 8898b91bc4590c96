//! Images per second of a training step and of inference, and where the time goes.
//!
//! `cargo run --release -p bakeoff-nn --example bench -- resnet50 16 224 2 [steps] [profile] [head|infer]`
#![allow(clippy::print_stdout, reason = "an example talks to the reader")]

use std::{collections::BTreeMap, time::Instant};

use bakeoff_nn::{
    BackendKind, Model, NnError, OptimizerConfig, Session, SessionConfig, StepConfig, Trainable, Weights,
};

fn main() -> Result<(), NnError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| arguments.get(at).and_then(|a| a.parse().ok()).unwrap_or(default);
    let name = arguments.first().map_or("resnet50", String::as_str);
    let (batch, image, threads, steps) = (number(1, 16), number(2, 224), number(3, 2), number(4, 5));
    let asked = |word: &str| arguments.iter().any(|a| a == word);
    let (profile, train) = (asked("profile"), !asked("infer"));
    let trainable = if asked("head") { Trainable::Head } else { Trainable::All };

    let start = Instant::now();
    let model = Model::by_name(name, 1000, image)?;
    let config = SessionConfig { batch, backend: BackendKind::Cpu, threads, train, trainable };
    let mut session = Session::new(&model, &Weights::initial(&model, 1), config)?;
    let optimizer = OptimizerConfig::Sgd {
        lr: 0.01,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.0,
        decay_norm_and_bias: true,
    };
    let step = StepConfig { optimizer, lr: 0.01, label_smoothing: 0.0 };
    let images: Vec<f32> = (0..batch * image * image * 3).map(|i| (i as f32 * 0.1).sin()).collect();
    let mut targets = vec![0.0; batch * 1000];
    targets.iter_mut().step_by(1001).for_each(|t| *t = 1.0);
    println!(
        "{name}, {batch} × {image}², {threads} threads, {}; ready after {:.2} s",
        bakeoff_nn::instruction_set(),
        start.elapsed().as_secs_f64()
    );

    let mut report = |what: &str, flops: u64, work: &mut dyn FnMut(&mut Session) -> Result<(), NnError>| {
        work(&mut session)?;
        println!("{what:9} first step done after {:.2} s", start.elapsed().as_secs_f64());
        if profile {
            session.set_profiling(true);
        }
        let mut times = Vec::new();
        for _ in 0..steps {
            let start = Instant::now();
            work(&mut session)?;
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let (median, best) = (times[times.len() / 2], times[0]);
        println!(
            "{what:9} median {:8.2} ms, best {:8.2} ms: {:8.2} img/s (best {:8.2}), {:6.1} GFLOP/s, {} MiB",
            median * 1e3,
            best * 1e3,
            batch as f64 / median,
            batch as f64 / best,
            flops as f64 * batch as f64 / median / 1e9,
            session.memory_bytes() >> 20,
        );
        if profile {
            let mut kinds: BTreeMap<&str, (f64, u64, u64)> = BTreeMap::new();
            for layer in session.profile() {
                let seconds = layer.seconds / layer.calls as f64;
                println!(
                    "  {:28} {:24} {:8.3} ms {:7.1} GFLOP/s {:6.1} GB/s",
                    layer.layer,
                    layer.kind,
                    seconds * 1e3,
                    layer.flops as f64 / layer.seconds / 1e9,
                    layer.bytes as f64 / layer.seconds / 1e9,
                );
                let sum = kinds.entry(layer.kind).or_default();
                *sum =
                    (sum.0 + seconds, sum.1 + layer.flops / layer.calls, sum.2 + layer.bytes / layer.calls);
            }
            for (kind, (seconds, flops, bytes)) in kinds {
                println!(
                    "  all {kind:24} {:8.2} ms {:7.1} GFLOP/s {:6.1} GB/s",
                    seconds * 1e3,
                    flops as f64 / seconds / 1e9,
                    bytes as f64 / seconds / 1e9
                );
            }
            session.set_profiling(false);
        }
        Ok::<(), NnError>(())
    };
    if train {
        let flops = model.flops(trainable == Trainable::All);
        report("training", flops, &mut |s| s.train_step(&images, &targets, &step).map(|_| ()))?;
    }
    report("inference", model.flops(false), &mut |s| s.infer(&images).map(|_| ()))
}

//! Trains the small network on images whose class is planted in their colour, and prints the losses.
//!
//! `cargo run --release -p bakeoff-nn --example train`
#![allow(clippy::print_stdout, reason = "an example talks to the reader")]

use bakeoff_nn::{
    BackendKind, Model, NnError, OptimizerConfig, Session, SessionConfig, StepConfig, Trainable, Weights,
};
use bakeoff_random::Stream;

const CLASSES: usize = 4;
const SIDE: usize = 32;
const BATCH: usize = 32;

/// Noise whose mean in one channel, or none, gives the class away.
fn batch(number: u64) -> (Vec<f32>, Vec<f32>) {
    let mut stream = Stream::new(1, "example-batch", 0, number);
    let (mut images, mut targets) = (Vec::new(), vec![0.0; BATCH * CLASSES]);
    for row in targets.chunks_mut(CLASSES) {
        let class = stream.below(CLASSES);
        row[class] = 1.0;
        for position in 0..SIDE * SIDE * 3 {
            let hint = if position % 3 == class { 0.3 } else { 0.0 };
            images.push((stream.normal() + hint) as f32);
        }
    }
    (images, targets)
}

fn main() -> Result<(), NnError> {
    let model = Model::by_name("resnet-small", CLASSES, SIDE)?;
    let config = SessionConfig {
        batch: BATCH,
        backend: BackendKind::Cpu,
        threads: 0,
        train: true,
        trainable: Trainable::All,
    };
    let mut session = Session::new(&model, &Weights::initial(&model, 7), config)?;
    let optimizer = OptimizerConfig::Sgd {
        lr: 0.05,
        momentum: 0.9,
        nesterov: false,
        weight_decay: 1e-4,
        decay_norm_and_bias: true,
    };
    let step = StepConfig { optimizer, lr: 0.05, label_smoothing: 0.0 };
    for number in 0..50 {
        let (images, targets) = batch(number);
        let loss = session.train_step(&images, &targets, &step)?.loss;
        if number % 10 == 9 {
            println!("step {:3}: loss {loss:.4}", number + 1);
        }
    }
    let (images, targets) = batch(1_000);
    let logits = session.infer(&images)?;
    let right = logits.chunks(CLASSES).zip(targets.chunks(CLASSES)).filter(|(logits, targets)| {
        let best = (0..CLASSES).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        best.is_some_and(|best| targets[best] == 1.0)
    });
    println!("{} of {BATCH} images never seen before are right", right.count());
    Ok(())
}

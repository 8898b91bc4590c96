//! The network of `bakeoff bench`: its steps, and where their time goes.

use anyhow::Result;
use bakeoff_augment::Targets;
use bakeoff_nn::{
    BackendKind, Ceilings, LayerProfile, Model, OptimizerConfig, Session, SessionConfig, StepConfig,
    Trainable,
};
use bakeoff_random::Stream;
use serde::Serialize;

use crate::table::Table;

/// A network with a batch of random numbers.
pub(crate) struct Network {
    session: Session,
    images: Vec<f32>,
    targets: Targets,
    step: StepConfig,
    train: bool,
}

/// Steps over which work is measured.
const PROFILED: u64 = 3;

/// What one kind of work, or one layer, takes of a step.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Work {
    /// The layer; absent where the kind is meant as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    kind: &'static str,
    milliseconds: f64,
    /// Two a multiply-add of the convolution's definition, whatever the algorithm.
    gflops: f64,
    gigabytes_per_second: f64,
    flops: u64,
    /// Of activations and weights, each read or written once.
    bytes: u64,
    /// Share of the time that its operations and bytes take at least under the machine's ceilings.
    of_ceiling: f64,
}

impl Network {
    /// `trainable`: what a step moves; without it steps are inference.
    pub(crate) fn new(
        model: &Model,
        batch: usize,
        backend: BackendKind,
        threads: usize,
        trainable: Option<Trainable>,
    ) -> Result<Self> {
        let (train, trainable) = (trainable.is_some(), trainable.unwrap_or_default());
        let config = SessionConfig { batch, backend, threads, train, trainable };
        let session = Session::fresh(model, 0, config)?;
        let mut stream = Stream::new(0, "bench", 0, 0);
        // Speed does not depend on the values: some are drawn, and repeat.
        let drawn: Vec<f32> = (0..65_521).map(|_| stream.range(-2.0, 2.0) as f32).collect();
        let values = batch * model.image() * model.image() * 3;
        let images = drawn.iter().copied().cycle().take(values).collect();
        let labels: Vec<usize> = (0..batch).map(|_| stream.below(model.classes())).collect();
        let targets = Targets::one_hot(&labels, model.classes())?;
        let optimizer = OptimizerConfig::Sgd {
            lr: 0.01,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 5e-5,
            decay_norm_and_bias: true,
        };
        let step = StepConfig { optimizer, lr: 0.01, label_smoothing: 0.0 };
        Ok(Self { session, images, targets, step, train })
    }

    /// One step.
    pub(crate) fn step(&mut self) -> Result<()> {
        if self.train {
            self.session.train_step(&self.images, self.targets.values(), &self.step)?;
        } else {
            self.session.infer(&self.images)?;
        }
        Ok(())
    }

    /// Bytes the session holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.session.memory_bytes()
    }

    /// Where the time of some more steps goes.
    pub(crate) fn profile(&mut self) -> Result<Vec<LayerProfile>> {
        self.session.set_profiling(true);
        for _ in 0..PROFILED {
            self.step()?;
        }
        let profile = self.session.profile();
        self.session.set_profiling(false);
        Ok(profile)
    }
}

/// The work of a step by kind, and layer by layer.
pub(crate) fn work(profile: &[LayerProfile], ceilings: &Ceilings) -> (Vec<Work>, Vec<Work>) {
    let layers = profile.iter().map(|layer| Work::new(Some(&layer.layer), &[layer], ceilings)).collect();
    let mut kinds: Vec<&'static str> = Vec::new();
    for layer in profile {
        if !kinds.contains(&layer.kind) {
            kinds.push(layer.kind);
        }
    }
    let of_kind = |kind| profile.iter().filter(|layer| layer.kind == kind).collect::<Vec<_>>();
    let mut kinds: Vec<Work> =
        kinds.into_iter().map(|kind| Work::new(None, &of_kind(kind), ceilings)).collect();
    kinds.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    (kinds, layers)
}

impl Work {
    fn new(layer: Option<&str>, parts: &[&LayerProfile], ceilings: &Ceilings) -> Self {
        let sum =
            |of: fn(&LayerProfile) -> u64| parts.iter().map(|part| of(part) / part.calls.max(1)).sum::<u64>();
        let seconds: f64 = parts.iter().map(|part| part.seconds / part.calls.max(1) as f64).sum();
        let (flops, bytes) = (sum(|part| part.flops), sum(|part| part.bytes));
        // A kind's floor is the sum of its layers' floors: each is bound by one of the ceilings.
        let floor: f64 = parts
            .iter()
            .map(|part| ceilings.floor(part.flops / part.calls.max(1), part.bytes / part.calls.max(1)))
            .sum();
        Self {
            layer: layer.map(ToOwned::to_owned),
            kind: parts.first().map_or("", |part| part.kind),
            milliseconds: seconds * 1e3,
            gflops: flops as f64 / seconds / 1e9,
            gigabytes_per_second: bytes as f64 / seconds / 1e9,
            flops,
            bytes,
            of_ceiling: floor / seconds,
        }
    }
}

/// A table of work.
pub(crate) fn table(work: &[Work]) -> Table {
    let mut table = Table::new(["layer", "work", "ms", "GFLOP", "GFLOP/s", "MB", "GB/s", "of ceiling"]);
    for item in work {
        table.row(vec![
            item.layer.clone().unwrap_or_else(|| "all layers".to_owned()),
            item.kind.to_owned(),
            format!("{:.2}", item.milliseconds),
            format!("{:.2}", item.flops as f64 / 1e9),
            format!("{:.0}", item.gflops),
            format!("{:.1}", item.bytes as f64 / 1e6),
            format!("{:.1}", item.gigabytes_per_second),
            format!("{:.0} %", 100.0 * item.of_ceiling),
        ]);
    }
    table
}

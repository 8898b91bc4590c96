//! What training under a study is to the network: the weights it begins with, and what each step is told.

use bakeoff_nn::{Model, NnError, OptimizerConfig, Session, SessionConfig, StepConfig, schedule};

use crate::study::Study;

/// What one optimiser step is told. `step` counts from the trial's beginning.
pub(crate) fn step_config(study: &Study, step: u64, steps_per_epoch: usize) -> StepConfig {
    let train = &study.config.train;
    let OptimizerConfig::Sgd { lr, .. } = train.optimizer;
    let epochs = usize::try_from(train.epochs).unwrap_or(usize::MAX);
    StepConfig {
        optimizer: train.optimizer.clone(),
        lr: schedule::learning_rate(&train.schedule, lr, step, steps_per_epoch, epochs),
        label_smoothing: train.label_smoothing,
    }
}

/// The network as a seed's trials begin.
pub(crate) fn first_session(
    study: &Study,
    model: &Model,
    classes: &[String],
    seed: u64,
    config: SessionConfig,
) -> Result<Session, NnError> {
    match study.weights() {
        Some(start) => {
            let weights = start.weights.adapt_to_classes(model, seed, start.classes(), classes)?;
            Session::new(model, &weights, config)
        }
        None => Session::fresh(model, seed, config),
    }
}

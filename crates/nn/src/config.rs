//! What a study file says about training. The same types are the JSON Schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An implementation of the training graph's kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    /// Plain loops with f64 accumulation: the oracle, slow.
    Reference,
    /// Vectorised, all threads.
    #[default]
    Cpu,
}

/// Which parameters training moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trainable {
    /// All of them. Batch-norms take the batch's statistics and move the running ones.
    #[default]
    All,
    /// The linear head alone; the backbone is frozen whole. Its batch-norms take the running statistics, which do not move
    /// (Keras' `trainable = False`; PyTorch's `eval()` on the backbone), so that an image's features depend on nothing else.
    Head,
}

/// How weights move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent as in PyTorch: `v ← m·v + (g + wd·w)`, `w ← w − lr·v`
    /// (Nesterov: `w ← w − lr·(g + wd·w + m·v)`).
    Sgd {
        /// Peak learning rate, > 0.
        lr: f64,
        /// In [0, 1).
        #[serde(default)]
        #[schemars(range(min = 0.0, max = 1.0))]
        momentum: f64,
        /// Needs momentum.
        #[serde(default)]
        nesterov: bool,
        /// L2 penalty, ≥ 0.
        #[serde(default)]
        #[schemars(range(min = 0.0))]
        weight_decay: f64,
        /// Apply weight decay to batch-norm scales and shifts and to biases too (PyTorch's default).
        #[serde(default = "yes")]
        decay_norm_and_bias: bool,
    },
}

fn yes() -> bool {
    true
}

/// How the learning rate moves over the steps of a trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Shape after the warm-up.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// Epochs over which the rate rises linearly from `lr / warm-up steps` to `lr`; may be fractional.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub warmup_epochs: f64,
    /// Cosine only: the rate at the end as a fraction of `lr`, in [0, 1].
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub final_fraction: f64,
}

/// Shape of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// The same rate throughout.
    #[default]
    Constant,
    /// Half a cosine from `lr` down (Loshchilov & Hutter 2017, without restarts), per step.
    Cosine,
}

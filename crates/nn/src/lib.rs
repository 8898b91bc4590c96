//! Networks: model zoo, static training graph, back ends, optimiser, weights.
//!
//! A [`Model`] is a list of layers with torchvision's parameter names. A [`Session`] turns it into a static training graph:
//! what follows what, which neighbours are fused and where every activation lies in memory is decided once; a step then only
//! runs kernels. Activations are NHWC, weights come and go in torchvision's layout ([`Weights`]). [`WeightSource`] reads those that
//! other programs wrote: in parts, behind a prefix, two networks in a file.
//!
//! ```
//! use bakeoff_nn::{BackendKind, Model, OptimizerConfig, Session, SessionConfig, StepConfig, Trainable, Weights};
//! # fn main() -> Result<(), bakeoff_nn::NnError> {
//! let model = Model::by_name("resnet-small", 2, 32)?;
//! let config = SessionConfig { batch: 4, backend: BackendKind::Cpu, threads: 1, train: true, trainable: Trainable::All };
//! let mut session = Session::new(&model, &Weights::initial(&model, 7), config)?;
//! let optimizer =
//!     OptimizerConfig::Sgd { lr: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0.0, decay_norm_and_bias: true };
//! let step = StepConfig { optimizer, lr: 0.1, label_smoothing: 0.0 };
//! let images: Vec<f32> = (0..4 * 32 * 32 * 3).map(|i| (i as f32 * 0.37).sin()).collect();
//! let targets = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
//! let first = session.train_step(&images, &targets, &step)?.loss;
//! for _ in 0..5 {
//!     session.train_step(&images, &targets, &step)?;
//! }
//! assert!(session.train_step(&images, &targets, &step)?.loss < first);
//! assert_eq!(session.infer(&images)?.len(), 4 * 2);
//! # Ok(())
//! # }
//! ```

#![warn(clippy::print_stderr)]

mod config;
mod error;
mod head;
mod kernels;
mod model;
mod prefix;
mod program;
mod regularisation;
pub mod schedule;
mod session;
mod weight_file;
mod weight_source;
mod weights;
mod zoo;

pub use config::{BackendKind, OptimizerConfig, ScheduleConfig, ScheduleKind, Trainable};
pub use error::NnError;
pub use head::HeadFit;
pub use kernels::cpu::is_every_convolution_direct;
pub use model::{Layer, Model, Op, Parameter, ParameterKind, Shape};
pub use regularisation::{HiddenMix, Regularisation};
pub use session::{
    ActivationMaps, Ceilings, LayerProfile, Session, SessionConfig, Snapshot, StepConfig, StepResult,
};
pub use weight_source::{WeightNote, WeightSource};
pub use weights::{Tensor, Weights};
pub use zoo::{ModelInfo, models};

/// The instruction set the `cpu` back end uses here: `avx512`, `avx2` or `portable`. `BAKEOFF_ISA` forces a lesser one.
#[must_use]
pub fn instruction_set() -> &'static str {
    kernels::isa_name()
}

//! Study file, plan, trial runner and run folder.
//!
//! A [`Study`] is read from TOML and checked: everything wrong with it is reported at once, each thing where it was written. A
//! [`Plan`] lists its trials, each under the address of its content. [`run()`] trains them into a [`RunFolder`], through any
//! number of interruptions to the same bits; the folder is read back with the same type.
//!
//! ```
//! use bakeoff_study::Study;
//! let text = r#"
//!     data = { source = "generated" }
//!     model = { name = "resnet-small" }
//!     train = { epochs = 3, bacth = 16, image = 32, optimizer = { name = "sgd", lr = 0.1 } }
//!     compare = { seeds = 6, baseline = "none" }
//!     recipe = [{ name = "none" }]
//! "#;
//! let errors = Study::parse(text, "study.toml".as_ref(), &["train.batch=16".into()]).unwrap_err();
//! assert_eq!(errors.problems[0].key, "train.bacth");
//! ```

#![warn(clippy::print_stderr)]

mod advice;
mod analysis;
mod check;
mod clock;
mod config;
mod coordinator;
mod difference;
mod document;
mod earlier;
mod enlargement;
mod environment;
mod expansion;
mod feed;
mod folder;
mod folder_error;
mod images;
mod judgement;
mod lock;
mod log;
mod model_card;
mod observer;
mod options;
mod plan;
mod predictions;
mod preview;
mod problem;
pub mod records;
mod run_error;
mod seen;
mod splits;
mod stop;
mod study;
mod threads;
mod training;
mod trial;
mod weights_path;
mod worker;

pub use analysis::{Analysis, AnalysisError, AnalysisOptions, ImageCondition, MOST_MAPS, analyse};
pub use bakeoff_augment::corruption::{Corruption, CorruptionSet, SEVERITIES};
pub use bakeoff_nn::Trainable;
pub use config::{
    CompareConfig, DataConfig, Headline, MOST_TRIALS, Metric, ModelConfig, PreprocessConfig, Sampling, Seeds,
    StudyConfig, TrainConfig, json_schema,
};
pub use coordinator::{Decide, Outcome, run, run_until_decided};
pub use feed::FeedError;
pub use folder::{Preview, RunFolder, Trial};
pub use folder_error::FolderError;
pub use judgement::most_probable;
pub use model_card::{CardEntry, ModelCard};
pub use observer::{Event, Observer, Silent};
pub use options::RunOptions;
pub use plan::{Estimate, Plan, PlanError};
pub use predictions::{Prediction, write as write_predictions};
pub use preview::{PreviewContext, PreviewError, preview, preview_beside};
pub use problem::{Place, Problem, StudyErrors};
pub use run_error::RunError;
pub use study::Study;
pub use threads::ThreadsError;
pub use weights_path::find_weights;

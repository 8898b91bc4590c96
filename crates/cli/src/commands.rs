//! One file per subcommand, and what several of them share.

pub(crate) mod analyse;
pub(crate) mod bench;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod data_pack;
pub(crate) mod demo;
pub(crate) mod input_bench;
pub(crate) mod models;
pub(crate) mod network_bench;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod predict_images;
pub(crate) mod preview;
pub(crate) mod recipes;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod watch;

use bakeoff_data::{form, number};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bakeoff_nn::BackendKind;
use bakeoff_report::Language;
use bakeoff_study::{Study, StudyErrors};
use clap::builder::TypedValueParser;

/// A back end as an argument.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Backend {
    /// Vectorised, all threads.
    Cpu,
    /// Plain loops in double precision: slow, for checking.
    Reference,
}

impl Backend {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Reference => "reference",
        }
    }
}

impl From<Backend> for BackendKind {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Cpu => Self::Cpu,
            Backend::Reference => Self::Reference,
        }
    }
}

/// A language as an argument.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum Lang {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::English,
            Lang::Ko => Self::Korean,
        }
    }
}

/// A path as an argument: `~/` and variables are filled in, which a shell does not do within quotation marks.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    clap::builder::PathBufValueParser::new().try_map(|path| bakeoff_data::expand(&path))
}

/// Threads for each core beyond which more of them only get in each other's way.
const MOST_PER_CORE: usize = 4;

/// The number of threads asked for, or all cores. More than a few for each core are not started, and that is said.
pub(crate) fn threads(asked: Option<usize>) -> Result<usize> {
    let cores = bakeoff_machine::cores();
    match asked {
        Some(0) => bail!("--threads must be at least 1"),
        Some(threads) if threads > cores * MOST_PER_CORE => {
            crate::exit::note(format!(
                "warning: --threads {threads} is far more than the {n} of this machine: {all} used",
                n = number(cores, "core"),
                all = if cores == 1 { "it is".to_owned() } else { format!("{cores} are") }
            ));
            Ok(cores)
        }
        Some(threads) => Ok(threads),
        None => Ok(cores),
    }
}

/// The number of trials at a time that was asked for; 0 for a number chosen by the network. As with [`threads`], more than a few for
/// each core are not started, and that is said.
pub(crate) fn jobs(asked: Option<usize>) -> usize {
    let cores = bakeoff_machine::cores();
    match asked {
        Some(jobs) if jobs > cores * MOST_PER_CORE => {
            crate::exit::note(format!(
                "warning: --jobs {jobs} is far more than the {n} of this machine: {cores} at a time {are} run",
                n = number(cores, "core"),
                are = form(cores, "is", "are")
            ));
            cores
        }
        asked => asked.unwrap_or(0),
    }
}

/// Does `work` in a pool of this many threads. Rayon's global pool is never configured and never used: it could be made only
/// once, and by then something may have started it.
pub(crate) fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("work-{number}"))
        // As much as the main thread of a Linux process has.
        .stack_size(8 << 20)
        .build()
        .with_context(|| format!("cannot start {threads} threads; ask for fewer with --threads"))?;
    pool.install(work)
}

/// Reads a study file; where it is wrong, prints every error and gives `None`.
pub(crate) fn read_study(path: &Path, overrides: &[String]) -> Option<Study> {
    match Study::read(path, overrides) {
        Ok(study) => Some(study),
        Err(errors) => {
            print_study_errors(&errors);
            None
        }
    }
}

/// Every error with its place.
pub(crate) fn print_study_errors(errors: &StudyErrors) {
    crate::exit::note(errors.to_string());
}

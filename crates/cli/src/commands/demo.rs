//! `bakeoff demo`: the whole job on generated images with planted truth.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bakeoff_data::{Expectation, Planted};
use bakeoff_study::Study;

use crate::exit::{Exit, note};

/// The whole job on generated images, minutes on two cores: train five recipes, print the verdict, write the report.
///
/// The images are made by Bakeoff, and what carries their labels was planted, so it is known beforehand what the verdict
/// ought to be. It is printed before training begins.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: super::run::Options,
    /// Print the demo's study file and do nothing else.
    #[arg(long)]
    print_study: bool,
}

const STUDY: &str = include_str!("../../../../studies/demo.toml");

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    if arguments.print_study {
        crate::exit::out(STUDY.trim_end());
        return Ok(Exit::Done);
    }
    let study = match Study::parse(STUDY, Path::new("demo.toml"), &arguments.options.set) {
        Ok(study) => study,
        Err(errors) => {
            super::print_study_errors(&errors);
            return Ok(Exit::Usage);
        }
    };
    if let Some(generated) = &study.config.data.generated {
        note(planted(&generated.planted()));
    }
    let mut options = arguments.options;
    options.out.get_or_insert_with(|| PathBuf::from("runs/demo"));
    let threads = super::threads(options.threads)?;
    super::run::run_study(&study, &options, threads)
}

/// What the verdict ought to be, said before anything is trained.
fn planted(planted: &Planted) -> String {
    let expected = |expectation| match expectation {
        Expectation::Worse => "carries the label: an augmentation that blurs it must come out worse",
        Expectation::NotWorse => {
            "is nuisance: an augmentation that blurs it must come out better, or no worse"
        }
    };
    format!(
        "planted: which way the fish faces {};\n         its colour {}.",
        expected(planted.flip),
        expected(planted.colour)
    )
}

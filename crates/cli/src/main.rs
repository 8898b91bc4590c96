//! The `bakeoff` command line: one file per subcommand, glue only.

#![warn(clippy::print_stderr)]

mod commands;
mod exit;
mod interrupt;
mod panics;
mod progress;
mod screen;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// Which augmentation recipe should I train my image classifier with, on my own images?
///
/// Bakeoff fine-tunes one network under competing recipes over several seeds and gives back learning curves, pictures
/// of what the network was shown, honest statistics and a verdict, which may be "undecided".
///
/// Results go to stdout, progress to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some trials
/// failed, 75 interrupted and resumable.
#[derive(Parser)]
#[command(name = "bakeoff", version, max_term_width = 110, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(commands::demo::Arguments),
    Run(commands::run::Arguments),
    Plan(commands::plan::Arguments),
    Preview(commands::preview::Arguments),
    Analyse(commands::analyse::Arguments),
    Report(commands::report::Arguments),
    Compare(commands::compare::Arguments),
    Watch(commands::watch::Arguments),
    Recipes(commands::recipes::Arguments),
    Models(commands::models::Arguments),
    Data(commands::data::Arguments),
    Predict(commands::predict::Arguments),
    Bench(commands::bench::Arguments),
    Schema(commands::schema::Arguments),
}

impl Command {
    fn run(self) -> Result<Exit> {
        match self {
            Self::Demo(arguments) => commands::demo::run(arguments),
            Self::Run(arguments) => commands::run::run(arguments),
            Self::Plan(arguments) => commands::plan::run(arguments),
            Self::Preview(arguments) => commands::preview::run(arguments),
            Self::Analyse(arguments) => commands::analyse::run(arguments),
            Self::Report(arguments) => commands::report::run(arguments),
            Self::Compare(arguments) => commands::compare::run(arguments),
            Self::Watch(arguments) => commands::watch::run(arguments),
            Self::Recipes(arguments) => commands::recipes::run(arguments),
            Self::Models(arguments) => commands::models::run(arguments),
            Self::Data(arguments) => commands::data::run(arguments),
            Self::Predict(arguments) => commands::predict::run(arguments),
            Self::Bench(arguments) => commands::bench::run(arguments),
            Self::Schema(arguments) => commands::schema::run(arguments),
        }
    }

    /// How to go on after an interruption.
    fn after_interruption(&self) -> &'static str {
        match self {
            Self::Demo(_) | Self::Run(_) => "run the same command again to go on from the last checkpoint",
            Self::Analyse(_) => "what was seen is kept: run the same command again to go on",
            Self::Data(arguments) => arguments.after_interruption(),
            _ => "run the same command again to begin anew",
        }
    }
}

fn main() -> ExitCode {
    panics::install();
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command,
        Err(error) => return exit::usage(&error),
    };
    interrupt::install(command.after_interruption());
    let exit = match panics::caught(|| command.run()) {
        Some(Ok(exit)) => exit,
        // The work broke off because it was asked to.
        Some(Err(_)) if interrupt::asked() => {
            exit::note(interrupt::told());
            Exit::Interrupted
        }
        Some(Err(error)) => {
            exit::print(&error);
            Exit::Failed
        }
        None => Exit::Failed,
    };
    exit.into()
}

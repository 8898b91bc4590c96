//! The `bakeoff` command line: one file per subcommand, glue only.

mod commands;
mod exit;
mod progress;
mod table;

use std::process::ExitCode;

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

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => commands::demo::run(arguments),
        Command::Run(arguments) => commands::run::run(arguments),
        Command::Plan(arguments) => commands::plan::run(arguments),
        Command::Preview(arguments) => commands::preview::run(arguments),
        Command::Analyse(arguments) => commands::analyse::run(arguments),
        Command::Report(arguments) => commands::report::run(arguments),
        Command::Compare(arguments) => commands::compare::run(arguments),
        Command::Watch(arguments) => commands::watch::run(arguments),
        Command::Recipes(arguments) => commands::recipes::run(arguments),
        Command::Models(arguments) => commands::models::run(arguments),
        Command::Data(arguments) => commands::data::run(arguments),
        Command::Predict(arguments) => commands::predict::run(arguments),
        Command::Bench(arguments) => commands::bench::run(arguments),
        Command::Schema(arguments) => commands::schema::run(arguments),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            exit::print(&error);
            Exit::Failed.into()
        }
    }
}

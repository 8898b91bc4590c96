//! Writes the report of a run folder and prints its verdicts.
//!
//!     cargo run -p bakeoff-report --example report -- runs/demo

// It prints what it made itself.
#![allow(clippy::disallowed_methods)]

use bakeoff_study::RunFolder;
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("give a run folder")?;
    let run = RunFolder::open(folder)?;
    let report = bakeoff_report::write(&run, run.path(), bakeoff_report::Language::English)?;
    let mut out = std::io::stdout().lock();
    for line in report.summary.verdict_lines() {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\n{}", report.page.display())?;
    Ok(())
}

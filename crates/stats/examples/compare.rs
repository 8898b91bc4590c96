//! Two lists of accuracies in, a verdict out. The n-th of one list and the n-th of the other share a seed.
//!
//!     cargo run -p bakeoff-stats --example compare -- 0.612,0.598,0.605,0.620,0.601,0.611 0.655,0.641,0.660,0.649,0.652,0.647

// It prints what it made itself.
#![allow(clippy::disallowed_methods)]

use bakeoff_stats::{Arm, Options, Run, compare};
use std::io::Write;

fn arm(name: &str, list: &str) -> Result<Arm, Box<dyn std::error::Error>> {
    let accuracies = list.split(',').map(|v| v.trim().parse()).collect::<Result<Vec<f64>, _>>()?;
    let runs =
        accuracies.into_iter().zip(1..).map(|(accuracy, seed)| Run::from_accuracy(seed, accuracy)).collect();
    Ok(Arm { name: name.into(), runs })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lists: Vec<String> = std::env::args().skip(1).collect();
    let [baseline, recipe] = lists.as_slice() else {
        return Err("give two lists of accuracies in [0, 1]: the baseline's, the recipe's".into());
    };
    let comparison =
        compare(&arm("baseline", baseline)?, &[arm("recipe", recipe)?], &Options::default())?.remove(0);
    writeln!(std::io::stdout(), "{}: {}", comparison.verdict.word(), comparison.explanation())?;
    Ok(())
}

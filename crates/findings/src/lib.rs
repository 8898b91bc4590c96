//! Every number and every decision that a report's words depend on: verdicts, what lies beyond them, robustness, confusion, several data
//! sets together. Draws nothing.
//!
//! ```no_run
//! use bakeoff_study::RunFolder;
//! let summary = bakeoff_findings::summarise(&RunFolder::open("runs/dogs")?)?;
//! for line in summary.verdict_lines() {
//!     println!("{line}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::print_stderr)]

pub mod aggregate;
pub mod answer;
mod assess;
mod caveat;
mod confusion;
mod error;
pub mod insight;
mod ranged;
mod recommendation;
pub mod robustness;
pub mod summary;

use bakeoff_evidence::{Evidence, Results};
use bakeoff_stats::sequential::Standing;
use bakeoff_study::RunFolder;
use bakeoff_study::records::PlanRecord;

pub use assess::{Assessment, assess, assess_with};
pub use caveat::Caveat;
pub use confusion::{Confusion, Counts};
pub use error::FindingsError;
pub use summary::Summary;

/// The numbers and verdicts of a run.
///
/// # Errors
/// The run's plan cannot be read, or its results contradict each other.
pub fn summarise(run: &RunFolder) -> Result<Summary, FindingsError> {
    Ok(assess(&Evidence::read(run)?)?.summary)
}

/// The numbers and verdicts of another trainer's results. `margin` is in points.
///
/// # Errors
/// The results contradict each other.
pub fn summarise_results(results: &Results, baseline: &str, margin: f64) -> Result<Summary, FindingsError> {
    Ok(assess(&Evidence::elsewhere(results, baseline, margin))?.summary)
}

/// Recipes of a run with `--until-decided` that need another seed, the baseline first; none when all is decided. `plan` goes before
/// the one in the folder.
///
/// # Errors
/// The folder's results contradict each other.
pub fn open_recipes(plan: &PlanRecord, run: &RunFolder) -> Result<Vec<String>, FindingsError> {
    let summary = assess_with(&Evidence::of_plan(run, plan.clone())?, false)?.summary;
    let standings = summary.sequential.map(|sequential| sequential.recipes).unwrap_or_default();
    let open = standings.into_iter().filter(|r| r.standing == Standing::Open).map(|r| r.name);
    let mut recipes: Vec<String> = open.collect();
    if !recipes.is_empty() {
        recipes.insert(0, plan.baseline.clone());
    }
    Ok(recipes)
}

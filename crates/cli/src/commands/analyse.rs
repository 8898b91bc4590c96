//! `bakeoff analyse`: how the trained networks do on damaged and on partly hidden test images, and where they look.

use std::path::PathBuf;

use anyhow::Result;
use bakeoff_findings::insight::Ranged;
use bakeoff_findings::robustness::{RecipeRobustness, Robustness};
use bakeoff_stats::wording::{count, points, signed_points};
use bakeoff_study::{AnalysisOptions, MOST_MAPS, RunFolder, analyse};

use crate::exit::{Exit, note, out};
use crate::interrupt;
use crate::progress::Bar;
use crate::table::Table;

/// Show the networks of a run test images that are damaged (ImageNet-C's corruptions, five severities) or partly hidden, see
/// where they look (class activation maps), and write the report again.
///
/// It looks at finished trials with the weights that were tested, trains nothing and changes no verdict. What it saw stands in the
/// trials' folders (robustness.json, maps.json). Interrupt it whenever you like: the same command goes on.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run folder.
    #[arg(value_parser = super::path())]
    run: PathBuf,
    /// Test images, taken evenly from the split; 0 for all. Each is judged 73 times by every network.
    #[arg(long, default_value_t = AnalysisOptions::default().images)]
    images: usize,
    /// Seeds, the first ones of the run [default: all].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: Option<u32>,
    /// A recipe to look at besides the baseline [default: all]. May be repeated.
    #[arg(long, value_name = "RECIPE")]
    recipe: Vec<String>,
    /// Test images of which class activation maps are made, with the networks of the first seed.
    #[arg(long, default_value_t = AnalysisOptions::default().maps as u32, value_parser = clap::value_parser!(u32).range(..=MOST_MAPS as i64))]
    maps: u32,
    /// Threads (default: all cores). Results do not depend on it.
    #[arg(long)]
    threads: Option<usize>,
    /// Language in which the page opens and its files speak; the page holds both.
    #[arg(long, value_enum, default_value_t)]
    lang: super::Lang,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let folder = RunFolder::open(&arguments.run)?;
    let options = AnalysisOptions {
        images: arguments.images,
        seeds: arguments.seeds.unwrap_or(0) as usize,
        recipes: arguments.recipe,
        maps: arguments.maps as usize,
        threads: super::threads(arguments.threads)?,
    };
    let stop = interrupt::flag("stopping after this batch; what was seen is kept");
    let bar = Bar::new("images judged");
    let looked = analyse(&folder, &options, stop, &|done, total| bar.show(done, total));
    bar.finish();
    let analysis = looked?;
    if let Some(first) = analysis.incomplete.first() {
        note(format!(
            "left out, since weights or predictions are gone: {} (the first is {} seed {}); remove their folders and run the study again \
             to have them trained anew, to the same weights",
            count(analysis.incomplete.len(), "finished trial"),
            first.recipe,
            first.seed
        ));
    }
    if analysis.left > 0 {
        note(format!("left to look at: {}; the same command goes on", count(analysis.left, "trial")));
    }
    let report = bakeoff_report::write(&folder, &arguments.run, arguments.lang.into())?;
    let robustness = &report.summary.insight.robustness;
    if arguments.json {
        out(serde_json::to_string_pretty(robustness)?);
    } else {
        if let Some(robustness) = robustness {
            print(robustness);
        }
        out(format!("\nreport: {}#robustness", report.page.display()));
    }
    Ok(if analysis.left > 0 { Exit::Interrupted } else { Exit::Done })
}

fn print(robustness: &Robustness) {
    let Robustness { images, of, severities, .. } = robustness;
    out(format!("{images} of {of} test images; severities of {}; accuracy in percent", severities.title()));
    let mut table =
        Table::new(["recipe", "seeds", "undamaged", "damaged", "difference", "mCE", "half hidden"]);
    let difference = |r: &RecipeRobustness| match r.damaged.difference {
        Some(Ranged { mean, low: Some(low), high: Some(high) }) => {
            format!("{} [{}, {}]", signed_points(mean, 1), signed_points(low, 1), signed_points(high, 1))
        }
        Some(Ranged { mean, .. }) => signed_points(mean, 1),
        None => String::new(),
    };
    for r in &robustness.recipes {
        let half = r.occlusion.iter().find(|part| part.hidden == 0.5);
        table.row(vec![
            r.name.clone(),
            r.seeds.len().to_string(),
            points(r.plain.value.mean, 1),
            points(r.damaged.value.mean, 1),
            difference(r),
            r.mean_corruption_error.map_or_else(String::new, |error| points(error.mean, 1)),
            half.map_or_else(String::new, |part| points(part.accuracy.value.mean, 1)),
        ]);
    }
    table.print();
}

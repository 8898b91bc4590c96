//! From a run folder to something to read: `report.html`, `figures/`, `tables/`, `summary.json`. Trains nothing.
//!
//! The page is one file: style, script, font, pictures and both languages are inside it and it asks no server for anything.
//! It is complete without its script, which only adds values under the pointer, zooming, hiding of recipes and the other
//! language. A half-done run gives a report of what there is, and of what there is not.
//!
//! ```no_run
//! use bakeoff_study::RunFolder;
//! let run = RunFolder::open("runs/dogs")?;
//! let report = bakeoff_report::write(&run, run.path(), bakeoff_report::Language::English)?;
//! for line in report.summary.verdict_lines() {
//!     println!("{line}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::print_stderr)]

pub mod aggregate;
mod chart;
mod confusion;
mod data_page;
mod evidence;
mod figures;
pub mod insight;
mod korean;
mod language;
mod maps;
mod mlflow;
mod moment;
mod outline;
mod page;
mod raster;
mod references;
pub mod results;
pub mod robustness;
mod sheet;
mod spreadsheet;
pub mod summary;
mod svg;
mod table;
mod tables;
mod tensorboard;
mod terminal;
mod text;
mod theme;
mod thumbnails;

use bakeoff_files::{WriteError, make_folder, write_bytes};
use bakeoff_stats::sequential::Standing;
use bakeoff_study::records::PlanRecord;
use bakeoff_study::{FolderError, RunFolder};
use std::path::{Path, PathBuf};

pub use data_page::data_page;
pub use language::Language;
pub use results::{Results, ResultsError};
pub use sheet::{contact_sheet, write_contact_sheet};
pub use summary::Summary;
pub use svg::Drawing;
pub use terminal::{Graphics, terminal_sheet};

/// Why no report could be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Run(#[from] FolderError),
    /// The numbers in it cannot be compared.
    #[error("{0}; the run folder holds results that do not belong together")]
    Numbers(#[from] bakeoff_stats::StatsError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A figure cannot be drawn.
    #[error("figure \"{figure}\" cannot be drawn: {message}")]
    Raster {
        /// Its title.
        figure: String,
        /// What the drawing library says.
        message: String,
    },
    /// A result cannot be put into its file format.
    #[error("{file} cannot be encoded: {message}")]
    Encode {
        /// File name.
        file: String,
        /// Why.
        message: String,
    },
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The numbers and verdicts.
    pub summary: Summary,
    /// The page.
    pub page: PathBuf,
    /// `summary.json`, `summary.csv`, `trials.csv`, `classes.csv`, `flips.csv`, and what stands in `tables/`.
    pub tables: Vec<PathBuf>,
    /// SVG and PNG of every figure.
    pub figures: Vec<PathBuf>,
}

/// The numbers and verdicts of a run, nothing written.
///
/// # Errors
/// The run's plan cannot be read, or its results contradict each other.
pub fn summarise(run: &RunFolder) -> Result<Summary, ReportError> {
    Ok(summary::assess(&evidence::Evidence::read(run)?)?.summary)
}

/// Recipes of a run with `--until-decided` that need another seed, the baseline first; none when all is decided. `plan` goes before
/// the one in the folder.
///
/// # Errors
/// The folder's results contradict each other.
pub fn open_recipes(plan: &PlanRecord, run: &RunFolder) -> Result<Vec<String>, ReportError> {
    let summary = summary::assess_with(&evidence::Evidence::of_plan(run, plan.clone())?, false)?.summary;
    let standings = summary.sequential.map(|sequential| sequential.recipes).unwrap_or_default();
    let open = standings.into_iter().filter(|r| r.standing == Standing::Open).map(|r| r.name);
    let mut recipes: Vec<String> = open.collect();
    if !recipes.is_empty() {
        recipes.insert(0, plan.baseline.clone());
    }
    Ok(recipes)
}

/// Writes report.html, figures/, tables/, summary.json, summary.csv and trials.csv of `run` into the folder `out`, over earlier ones.
///
/// The page opens in `language` and holds the others; figures and tables in files speak `language`.
///
/// # Errors
/// The run's plan cannot be read, its results contradict each other, or the file system refuses.
pub fn write(run: &RunFolder, out: &Path, language: Language) -> Result<Report, ReportError> {
    write_evidence(&evidence::Evidence::read(run)?, out, language)
}

/// The numbers and verdicts of another trainer's results, nothing written. `margin` is in points.
///
/// # Errors
/// The results contradict each other.
pub fn summarise_results(results: &Results, baseline: &str, margin: f64) -> Result<Summary, ReportError> {
    Ok(summary::assess(&evidence::Evidence::elsewhere(results, baseline, margin))?.summary)
}

/// [`write()`] for another trainer's results, as far as they go: there are no pictures and no settings to tell of.
///
/// # Errors
/// The results contradict each other, or the file system refuses.
pub fn write_results(
    results: &Results,
    baseline: &str,
    margin: f64,
    out: &Path,
    language: Language,
) -> Result<Report, ReportError> {
    write_evidence(&evidence::Evidence::elsewhere(results, baseline, margin), out, language)
}

/// The page of a run as it stands, for a server on this machine: it asks its own server whether there is news.
///
/// # Errors
/// As [`summarise`].
pub fn live_page(run: &RunFolder, language: Language) -> Result<String, ReportError> {
    let evidence = evidence::Evidence::read(run)?;
    let assessment = summary::assess(&evidence)?;
    // A page that is made anew every few seconds does not open the data set each time.
    let thumbnails = thumbnails::Thumbnails::default();
    Ok(page::document(&evidence, &assessment, &thumbnails, &page::Options { language, live: true }))
}

/// How far a run is, in one line: for the page that is served while trials go on, and for terminals.
#[must_use]
pub fn progress_line(
    language: Language,
    over: usize,
    trials: usize,
    seconds_left: Option<f64>,
    ended: bool,
) -> String {
    let words = language.words();
    if ended && over == trials {
        return words.live_over.into();
    }
    let left = seconds_left.map(|s| language::fill(words.live_left, &[("time", &words.duration(s))]));
    let template = if ended { words.live_ended } else { words.live };
    language::fill(template, &[("done", &over), ("all", &trials), ("left", &left.unwrap_or_default())])
}

/// Writes TensorBoard event files of all trials begun, one folder a trial: `DIR/<recipe>/seed-<n>`. Returns the files.
///
/// # Errors
/// The run's plan cannot be read, or the file system refuses.
pub fn write_tensorboard(run: &RunFolder, dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    Ok(tensorboard::write(&evidence::Evidence::read(run)?, dir)?)
}

/// Writes all trials begun as runs of one experiment into the MLflow file store `dir`. Returns the runs' folders.
///
/// # Errors
/// As [`write_tensorboard`].
pub fn write_mlflow(run: &RunFolder, dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    Ok(mlflow::write(&evidence::Evidence::read(run)?, dir)?)
}

fn write_evidence(
    evidence: &evidence::Evidence,
    out: &Path,
    language: Language,
) -> Result<Report, ReportError> {
    let assessment = summary::assess(evidence)?;
    make_folder(out)?;
    // The small files first: should the disk be full, the numbers are there.
    let encode = |file: &str, message: String| ReportError::Encode { file: file.into(), message };
    let json = serde_json::to_vec_pretty(&assessment.summary)
        .map_err(|error| encode("summary.json", error.to_string()))?;
    let csv = assessment.summary.csv().map_err(|error| encode("summary.csv", error.to_string()))?;
    let trials = summary::trials_csv(evidence).map_err(|error| encode("trials.csv", error.to_string()))?;
    let insight = &assessment.summary.insight;
    let classes = insight::classes_csv(insight).map_err(|error| encode("classes.csv", error.to_string()))?;
    let flips = insight::flips_csv(insight).map_err(|error| encode("flips.csv", error.to_string()))?;
    let mut tables = Vec::new();
    let mut put = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        write_bytes(&path, bytes)?;
        tables.push(path);
        Ok::<(), WriteError>(())
    };
    put("summary.json", &json)?;
    put("summary.csv", &csv)?;
    put("trials.csv", &trials)?;
    put("classes.csv", &classes)?;
    put("flips.csv", &flips)?;

    let confusion = confusion::Confusion::count(evidence);
    let words = language.words();
    make_folder(&out.join("tables"))?;
    for table in tables::all(evidence, &assessment, confusion.as_ref(), words) {
        let csv = table.csv().map_err(|error| encode(table.name, error.to_string()))?;
        put(&format!("tables/{}.csv", table.name), &csv)?;
        put(&format!("tables/{}.md", table.name), table.markdown().as_bytes())?;
        put(&format!("tables/{}.tex", table.name), table.latex().as_bytes())?;
    }
    put("tables/references.bib", references::bibtex(evidence).as_bytes())?;

    let page = out.join("report.html");
    let options = page::Options { language, live: false };
    let thumbnails = thumbnails::Thumbnails::read(evidence, insight);
    write_bytes(&page, page::document(evidence, &assessment, &thumbnails, &options).as_bytes())?;

    let folder = out.join("figures");
    make_folder(&folder)?;
    let mut figures = Vec::new();
    let maps =
        maps::figure(evidence, &thumbnails, words).map(|drawing| ("activation-maps".to_owned(), drawing));
    let files = figures::files(evidence, &assessment, confusion.as_ref(), words);
    for (name, drawing) in files.into_iter().chain(maps) {
        for (extension, bytes) in [("svg", drawing.file().into_bytes()), ("png", drawing.png()?)] {
            let path = folder.join(format!("{name}.{extension}"));
            write_bytes(&path, &bytes)?;
            figures.push(path);
        }
    }
    Ok(Report { summary: assessment.summary, page, tables, figures })
}

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
mod data_page;
mod export;
mod figures;
mod josa;
mod korean;
mod language;
mod mapped;
mod maps;
mod metric;
mod moment;
mod outline;
mod page;
mod raster;
mod references;
mod sheet;
mod svg;
mod table;
mod tables;
mod terminal;
mod text;
mod theme;
mod thumbnails;

use bakeoff_evidence::{Evidence, Results};
use bakeoff_files::{WriteError, make_folder, write_bytes};
use bakeoff_findings::{Confusion, FindingsError, Summary};
use bakeoff_study::{FolderError, RunFolder};
use std::path::{Path, PathBuf};

use export::raw;
pub use export::{Exporter, Mlflow, TensorBoard};

pub use data_page::data_page;
pub use language::Language;
pub use sheet::{contact_sheet, write_contact_sheet};
pub use svg::Drawing;
pub use terminal::{Graphics, terminal_sheet};

/// Why no report could be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Run(#[from] FolderError),
    /// Nothing can be said of what is in it.
    #[error(transparent)]
    Findings(#[from] FindingsError),
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

impl ReportError {
    pub(crate) fn encode(file: &str, error: &impl ToString) -> Self {
        Self::Encode { file: file.to_owned(), message: error.to_string() }
    }
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

/// Writes report.html, figures/, tables/, summary.json, summary.csv and trials.csv of `run` into the folder `out`, over earlier ones.
///
/// The page opens in `language` and holds the others; figures and tables in files speak `language`.
///
/// # Errors
/// The run's plan cannot be read, its results contradict each other, or the file system refuses.
pub fn write(run: &RunFolder, out: &Path, language: Language) -> Result<Report, ReportError> {
    write_evidence(&Evidence::read(run)?, out, language)
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
    write_evidence(&Evidence::elsewhere(results, baseline, margin), out, language)
}

/// The page of a run as it stands, for a server on this machine: it asks its own server whether there is news.
///
/// # Errors
/// As [`write()`].
pub fn live_page(run: &RunFolder, language: Language) -> Result<String, ReportError> {
    let evidence = Evidence::read(run)?;
    let assessment = bakeoff_findings::assess(&evidence)?;
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

/// Writes a run for another program: [`TensorBoard`] or [`Mlflow`]. Returns what was written.
///
/// # Errors
/// The run's plan cannot be read, or the file system refuses.
pub fn export(run: &RunFolder, exporter: &dyn Exporter, dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    Ok(exporter.write(&Evidence::read(run)?, dir)?)
}

fn write_evidence(evidence: &Evidence, out: &Path, language: Language) -> Result<Report, ReportError> {
    let assessment = bakeoff_findings::assess(evidence)?;
    make_folder(out)?;
    // The small files first: should the disk be full, the numbers are there.
    let json = serde_json::to_vec_pretty(&assessment.summary)
        .map_err(|error| ReportError::encode("summary.json", &error))?;
    let insight = &assessment.summary.insight;
    let raw = [
        ("summary.csv", raw::summary_csv(&assessment.summary)),
        ("trials.csv", raw::trials_csv(evidence)),
        ("classes.csv", raw::classes_csv(insight)),
        ("flips.csv", raw::flips_csv(insight)),
    ];
    let mut tables = Vec::new();
    let mut put = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        write_bytes(&path, bytes)?;
        tables.push(path);
        Ok::<(), WriteError>(())
    };
    put("summary.json", &json)?;
    for (name, csv) in raw {
        put(name, &csv.map_err(|error| ReportError::encode(name, &error))?)?;
    }

    let confusion = Confusion::count(evidence);
    let words = language.words();
    let folder = out.join("tables");
    make_folder(&folder)?;
    let references = folder.join("references.bib");
    for table in tables::all(evidence, &assessment, confusion.as_ref(), words) {
        tables.extend(export::write_table(&table, &folder)?);
    }
    write_bytes(&references, references::bibtex(evidence).as_bytes())?;
    tables.push(references);

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

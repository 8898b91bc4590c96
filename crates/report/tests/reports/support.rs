//! Reports of invented runs.

pub(crate) use crate::fake::{End, Fake};
pub(crate) use bakeoff_report::{Language, Report};
pub(crate) use bakeoff_stats::Verdict;
pub(crate) use bakeoff_study::RunFolder;
pub(crate) use bakeoff_study::records::UntilDecided;
pub(crate) use std::path::PathBuf;

pub(crate) fn folder_of(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name)
}

pub(crate) fn folder(name: &str) -> PathBuf {
    let path = folder_of(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    path
}

pub(crate) fn report(name: &str, fake: &Fake) -> (Report, String) {
    let run = fake.write(&folder(name));
    let report = bakeoff_report::write(&run, run.path(), Language::English).unwrap();
    let page = std::fs::read_to_string(&report.page).unwrap();
    (report, page)
}

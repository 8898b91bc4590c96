//! What happened in a run, line by line, for people.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bakeoff_files::append_to;

use crate::clock::now;
use crate::observer::{Event, Observer};
use crate::records::TrialKey;

/// Passes events on and writes them to log.txt, one line each, with time. A log that cannot be written stops nothing.
pub(crate) struct Log<'a> {
    inner: &'a dyn Observer,
    file: Option<Mutex<File>>,
}

impl<'a> Log<'a> {
    pub(crate) fn open(folder: &Path, inner: &'a dyn Observer) -> Self {
        let path = folder.join("log.txt");
        let file = append_to(&path).map_err(|error| {
            inner.event(Event::Warning(&format!("{}: no log is written: {error}", path.display())));
        });
        Self { inner, file: file.ok().map(Mutex::new) }
    }

    pub(crate) fn line(&self, text: &str) {
        if let Some(file) = &self.file {
            let line = format!("{} {}\n", now(), text.replace('\n', " | "));
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }
    }
}

impl Observer for Log<'_> {
    fn event(&self, event: Event<'_>) {
        let name = |key: &TrialKey| format!("{} seed {}", key.recipe, key.seed);
        match &event {
            Event::Started { study, trials, done, threads, jobs } => self.line(&format!(
                "started: study {study}, {trials} trials of which {done} are done, {threads} threads, {jobs} at a time, \
                 bakeoff {}",
                env!("CARGO_PKG_VERSION")
            )),
            Event::Inspected(data) => self.line(&format!(
                "data: {} classes, {} train, {} validation, {} test, {} left out",
                data.classes.len(),
                data.train,
                data.validation,
                data.test,
                data.rejected.len()
            )),
            Event::Previewed { recipe } => self.line(&format!("preview: {recipe}")),
            Event::TrialStarted { key, done, total } => {
                self.line(&format!("trial {}: begins at step {done} of {total}, {}", name(key), key.id));
            }
            Event::EpochFinished { key, record, epochs } => self.line(&format!(
                "trial {}: epoch {} of {epochs}, train loss {:.4}, validation loss {:.4}, top-1 {:.4}, {:.1} images/s",
                name(key),
                record.epoch,
                record.train_loss,
                record.validation_loss,
                record.validation_top1,
                record.images_per_second
            )),
            Event::TrialFinished { key, test, seconds } => self.line(&format!(
                "trial {}: finished, test top-1 {:.4}, top-5 {:.4}, {seconds:.1} s",
                name(key),
                test.top1,
                test.top5
            )),
            Event::TrialFailed { key, reason, epoch } => {
                self.line(&format!("trial {}: failed in epoch {epoch}: {reason}", name(key)));
            }
            Event::TrialSkipped { key, failed } => {
                self.line(&format!("trial {}: {} before", name(key), if *failed { "failed" } else { "finished" }));
            }
            Event::SeedAdded { seed, recipes } => {
                self.line(&format!("not decided yet: seed {seed} is added for {}", recipes.join(", ")));
            }
            Event::Warning(text) => self.line(&format!("warning: {text}")),
            Event::Note(text) => self.line(text),
            Event::Inspecting { .. } | Event::Step { .. } => {}
        }
        self.inner.event(event);
    }
}

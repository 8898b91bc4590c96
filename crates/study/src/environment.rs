//! The machine that a run is on, beside the one that it began on.

use bakeoff_files::write_sealed;

use crate::clock;
use crate::folder::{RunFolder, if_whole};
use crate::observer::{Event, Observer};
use crate::records::Environment;
use crate::run_error::RunError;
use crate::study::Study;

/// Writes environment.json, or says what is different from when the run began.
pub(crate) fn record_environment(
    study: &Study,
    folder: &RunFolder,
    threads: usize,
    observer: &dyn Observer,
) -> Result<(), RunError> {
    let now = Environment {
        bakeoff: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cpu: bakeoff_machine::processor_name(),
        instructions: bakeoff_nn::instruction_set().to_owned(),
        threads,
        backend: serde_json::to_value(study.config.train.backend)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default(),
        started: clock::now(),
    };
    // Where it is damaged, that was said.
    match if_whole(folder.environment())? {
        Some(before)
            if before.instructions != now.instructions
                || before.system != now.system
                || before.cpu != now.cpu =>
        {
            observer.event(Event::Warning(&format!(
                "this run began on another machine ({}, {}, {}) than this one ({}, {}, {}): trials remain comparable, but a \
                 trial's last bits may differ from what one machine would have given",
                before.cpu, before.system, before.instructions, now.cpu, now.system, now.instructions
            )));
        }
        Some(_) => {}
        None => write_sealed(&folder.environment_path(), &now)?,
    }
    Ok(())
}

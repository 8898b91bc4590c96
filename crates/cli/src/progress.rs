//! Progress on stderr: bars on a terminal, plain lines elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bakeoff_data::visible_line;
use bakeoff_study::records::TrialKey;
use bakeoff_study::{Event, Observer};
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::{note, stderr_is_terminal, stderr_size};
use crate::screen;

/// One counted job.
pub(crate) struct Bar {
    title: &'static str,
    output: BarOutput,
}

enum BarOutput {
    Terminal(ProgressBar),
    Lines(Mutex<Instant>),
}

/// Sets of identical files that are named one by one.
const SETS: usize = 3;
/// Plain lines come no closer together than this.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Bar {
    pub(crate) fn new(title: &'static str) -> Self {
        let output = if stderr_is_terminal() {
            BarOutput::Terminal(screen::add(ProgressBar::no_length().with_style(counting())))
        } else {
            BarOutput::Lines(Mutex::new(Instant::now()))
        };
        Self { title, output }
    }

    /// Shows `done` of `total`; may be called from many threads and out of order.
    pub(crate) fn show(&self, done: usize, total: usize) {
        match &self.output {
            BarOutput::Terminal(bar) => {
                set_message(bar, self.title);
                bar.set_length(total as u64);
                bar.set_position(bar.position().max(done as u64));
            }
            BarOutput::Lines(last) => {
                let Ok(mut last) = last.try_lock() else { return };
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    note(format!("{}: {done}/{total}", self.title));
                }
            }
        }
    }

    pub(crate) fn finish(&self) {
        if let BarOutput::Terminal(bar) = &self.output {
            bar.finish_and_clear();
        }
    }
}

/// Bytes on their way.
pub(crate) struct BytesBar {
    output: BarOutput,
}

impl BytesBar {
    pub(crate) fn new() -> Self {
        let output = if stderr_is_terminal() {
            BarOutput::Terminal(screen::add(ProgressBar::no_length()))
        } else {
            // The first line comes at once.
            BarOutput::Lines(Mutex::new(Instant::now().checked_sub(LINE_EVERY).unwrap_or_else(Instant::now)))
        };
        Self { output }
    }

    /// Shows that `done` bytes of a file are here.
    pub(crate) fn show(&self, file: &str, done: u64, total: Option<u64>) {
        match &self.output {
            BarOutput::Terminal(bar) => {
                if bar.message() != file {
                    bar.set_style(style(
                        "{msg:22!} {bar:16} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
                        "{bytes}/{total_bytes} {wide_msg}",
                    ));
                    set_message(bar, file);
                    bar.reset();
                }
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            BarOutput::Lines(_) => match total {
                Some(total) => {
                    self.line(&format!("{file}: {} of {} MB", done / 1_000_000, total / 1_000_000))
                }
                None => self.line(&format!("{file}: {} MB", done / 1_000_000)),
            },
        }
    }

    /// Shows that something else than bytes is counted.
    pub(crate) fn count(&self, what: &str, done: u64) {
        match &self.output {
            BarOutput::Terminal(_) if done > 1 && !done.is_multiple_of(64) => {}
            BarOutput::Terminal(_) => self.step(&format!("{what}, {done} files")),
            BarOutput::Lines(_) => self.line(&format!("{what}, {done} files")),
        }
    }

    /// Shows a step of unknown length.
    pub(crate) fn step(&self, what: &str) {
        if let BarOutput::Terminal(bar) = &self.output {
            bar.set_style(style("{wide_msg}", "{wide_msg}"));
            set_message(bar, what);
            bar.tick();
        }
    }

    fn line(&self, text: &str) {
        if let BarOutput::Lines(last) = &self.output
            && let Ok(mut last) = last.try_lock()
            && last.elapsed() >= LINE_EVERY
        {
            *last = Instant::now();
            note(text);
        }
    }

    pub(crate) fn finish(&self) {
        if let BarOutput::Terminal(bar) = &self.output {
            bar.finish_and_clear();
        }
    }
}

/// Columns of the narrowest terminal that has room for bars with all their numbers.
const ROOM: u16 = 80;
/// Columns from which bars are long.
const MUCH_ROOM: u16 = 110;

/// The style of a bar whose parts, but for one that is `wide`, take less than [`ROOM`] columns, or of what is shown on narrower terminals.
/// No line may be longer than the terminal's. indicatif's default stands in where a template should ever not parse.
fn style(template: &str, narrow: &str) -> ProgressStyle {
    let enough = stderr_size().is_none_or(|(width, _)| width >= ROOM);
    ProgressStyle::with_template(if enough { template } else { narrow })
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

/// Names of files and recipes stand in bars: nothing in them may drive the terminal. Bars are given text in no other way.
#[allow(clippy::disallowed_methods)]
fn set_message(bar: &ProgressBar, text: &str) {
    bar.set_message(visible_line(text).into_owned());
}

#[allow(clippy::disallowed_methods)]
fn set_prefix(bar: &ProgressBar, text: &str) {
    bar.set_prefix(visible_line(text).into_owned());
}

/// What counts images or files.
fn counting() -> ProgressStyle {
    style("{msg:20!} {bar:18} {pos}/{len} {per_sec} {eta}", "{pos}/{len} {wide_msg}")
}

/// The study, or a trial: its message says how far it is.
fn going() -> ProgressStyle {
    let long = stderr_size().is_some_and(|(width, _)| width >= MUCH_ROOM);
    style(
        if long { "{prefix:24!} {bar:28} {wide_msg}" } else { "{prefix:22!} {bar:8} {wide_msg}" },
        "{prefix:10!} {wide_msg}",
    )
}

/// Draws a run: on a terminal one bar for the study and one for each trial under way, elsewhere plain lines.
pub(crate) struct RunProgress {
    quiet: bool,
    /// The study's bar, in a terminal.
    study: Option<ProgressBar>,
    state: Mutex<State>,
}

struct State {
    /// When this sitting's training began.
    began: Instant,
    trials: usize,
    /// Trials finished, failed or skipped.
    ended: usize,
    /// Steps done in this sitting, and those still to do in trials not ended, where known.
    steps_done: u64,
    steps_per_trial: u64,
    under_way: Vec<UnderWay>,
    inspecting: Option<ProgressBar>,
    last_line: Instant,
}

struct UnderWay {
    key: TrialKey,
    bar: Option<ProgressBar>,
    done: u64,
    total: u64,
    last_accuracy: Option<f64>,
}

impl RunProgress {
    pub(crate) fn new(quiet: bool) -> Self {
        let study = (!quiet && stderr_is_terminal())
            .then(|| screen::add(ProgressBar::no_length().with_style(going())));
        let state = State {
            began: Instant::now(),
            trials: 0,
            ended: 0,
            steps_done: 0,
            steps_per_trial: 0,
            under_way: Vec::new(),
            inspecting: None,
            last_line: Instant::now(),
        };
        Self { quiet, study, state: Mutex::new(state) }
    }

    /// A line above the bars; none where something else fills the terminal.
    fn line(&self, text: &str) {
        if self.study.is_none() || !screen::is_hidden() {
            note(text);
        }
    }

    /// Takes the bars away, also those of trials that were interrupted.
    pub(crate) fn finish(&self) {
        let Some(study) = &self.study else { return };
        study.finish_and_clear();
        let Ok(mut state) = self.state.lock() else { return };
        let bars = state.under_way.iter_mut().filter_map(|trial| trial.bar.take());
        bars.for_each(|bar| bar.finish_and_clear());
        if let Some(bar) = state.inspecting.take() {
            bar.finish_and_clear();
        }
    }

    fn redraw_study(&self, state: &State) {
        if let Some(study) = &self.study {
            let left =
                state.time_left().map_or_else(String::new, |left| format!(", {} left", duration(left)));
            set_message(study, &format!("{}/{} trials{left}", state.ended, state.trials));
            study.set_length(state.trials as u64 * 1000);
            study.set_position((state.trials_done() * 1000.0) as u64);
        }
    }
}

impl State {
    /// Trials ended, and the parts of those under way.
    fn trials_done(&self) -> f64 {
        let parts = self.under_way.iter().map(|trial| trial.done as f64 / trial.total.max(1) as f64);
        self.ended as f64 + parts.sum::<f64>()
    }

    /// By the steps per second of this sitting.
    fn time_left(&self) -> Option<Duration> {
        if self.steps_done < 5 || self.steps_per_trial == 0 {
            return None;
        }
        let seconds_per_step = self.began.elapsed().as_secs_f64() / self.steps_done as f64;
        let trials_left = (self.trials as f64 - self.trials_done()).max(0.0);
        Some(Duration::from_secs_f64(trials_left * self.steps_per_trial as f64 * seconds_per_step))
    }
}

/// `1 h 02 min`, `4 min 05 s`, `12 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

fn name(key: &TrialKey) -> String {
    format!("{} seed {}", key.recipe, key.seed)
}

impl Observer for RunProgress {
    fn event(&self, event: Event<'_>) {
        if let Event::TrialStarted { .. } = event {
            crate::interrupt::training(true);
        }
        if self.quiet {
            if let Event::Warning(text) = event {
                note(format!("warning: {text}"));
            }
            return;
        }
        let Ok(mut state) = self.state.lock() else { return };
        match event {
            Event::SeedAdded { seed, recipes } => {
                state.trials += recipes.len();
                self.line(&format!("not decided yet: seed {seed} for {}", recipes.join(", ")));
                self.redraw_study(&state);
            }
            Event::Started { study, trials, done, threads, jobs } => {
                state.trials = trials;
                if let Some(bar) = &self.study {
                    set_prefix(bar, study);
                }
                let earlier = if done > 0 { format!(", {done} of them done earlier") } else { String::new() };
                let parallel = if jobs > 1 { format!(", {jobs} trials at a time") } else { String::new() };
                self.line(&format!("{study}: {trials} trials{earlier}; {threads} threads{parallel}"));
            }
            Event::Inspecting { done, total } => {
                if self.study.is_some() {
                    let bar = state.inspecting.get_or_insert_with(|| {
                        // What is set before a bar belongs to the others is drawn on its own, hidden or not.
                        let bar = ProgressBar::new(total as u64).with_style(counting());
                        set_message(&bar, "looking at images");
                        screen::add(bar)
                    });
                    bar.set_position(bar.position().max(done as u64));
                } else if state.last_line.elapsed() >= LINE_EVERY {
                    state.last_line = Instant::now();
                    self.line(&format!("looking at images: {done}/{total}"));
                }
            }
            Event::Inspected(data) => {
                if let Some(bar) = state.inspecting.take() {
                    bar.finish_and_clear();
                }
                self.line(&format!(
                    "{} classes; {} training, {} validation, {} test images",
                    data.classes.len(),
                    data.train,
                    data.validation,
                    data.test
                ));
                if !data.rejected.is_empty() {
                    self.line(&format!(
                        "warning: {} images are left out (`data.json` names them), the first: {}: {}",
                        data.rejected.len(),
                        data.rejected[0].image,
                        data.rejected[0].reason
                    ));
                }
                for same in data.duplicates.iter().take(SETS) {
                    self.line(&format!(
                        "warning: byte-identical files in different splits: {}",
                        same.join(" = ")
                    ));
                }
                if data.duplicates.len() > SETS {
                    self.line(&format!(
                        "… and {} more (`data.json` names them)",
                        data.duplicates.len() - SETS
                    ));
                }
                state.began = Instant::now();
            }
            Event::TrialStarted { key, done, total } => {
                let bar = self.study.is_some().then(|| {
                    let bar = ProgressBar::new(total).with_style(going());
                    set_prefix(&bar, &name(key));
                    screen::add(bar)
                });
                if done > 0 {
                    self.line(&format!("{}: goes on after step {done} of {total}", name(key)));
                }
                state.steps_per_trial = total;
                state.under_way.push(UnderWay { key: key.clone(), bar, done, total, last_accuracy: None });
            }
            Event::Step { key, epoch, done, total, loss, images_per_second, .. } => {
                state.steps_done += 1;
                let due = state.last_line.elapsed() >= LINE_EVERY;
                let left = state.time_left();
                if let Some(trial) = state.under_way.iter_mut().find(|trial| trial.key == *key) {
                    (trial.done, trial.total) = (done, total);
                    let accuracy = trial
                        .last_accuracy
                        .map_or_else(String::new, |top1| format!("  val {:.1} %", top1 * 100.0));
                    let text =
                        format!("epoch {epoch}  {images_per_second:.0} img/s  loss {loss:.3}{accuracy}");
                    if let Some(bar) = &trial.bar {
                        bar.set_position(done);
                        set_message(bar, &text);
                    } else if due {
                        let left = left.map_or_else(String::new, |left| format!("  {} left", duration(left)));
                        self.line(&format!("{}: step {done}/{total}  {text}{left}", name(key)));
                        state.last_line = Instant::now();
                    }
                }
                self.redraw_study(&state);
            }
            Event::EpochFinished { key, record, epochs } => {
                if let Some(trial) = state.under_way.iter_mut().find(|trial| trial.key == *key) {
                    trial.last_accuracy = Some(record.validation_top1);
                }
                if self.study.is_none() && record.seconds >= LINE_EVERY.as_secs_f64() {
                    self.line(&format!(
                        "{}: epoch {}/{epochs}  loss {:.3}  validation {:.2} %  {:.0} img/s",
                        name(key),
                        record.epoch,
                        record.train_loss,
                        record.validation_top1 * 100.0,
                        record.images_per_second
                    ));
                }
            }
            Event::TrialFinished { key, test, seconds } => {
                state.end(key);
                self.line(&format!(
                    "{:>3}/{} {} test {:5.2} %  {}",
                    state.ended,
                    state.trials,
                    bakeoff_evidence::padded(&name(key), 28),
                    test.top1 * 100.0,
                    duration(Duration::from_secs_f64(seconds))
                ));
                self.redraw_study(&state);
            }
            Event::TrialFailed { key, reason, epoch } => {
                state.end(key);
                self.line(&format!("{}: failed in epoch {epoch}: {reason}", name(key)));
                self.redraw_study(&state);
            }
            Event::TrialSkipped { key, failed } => {
                state.ended += 1;
                if failed {
                    self.line(&format!("{}: failed earlier; --retry-failed tries it again", name(key)));
                }
            }
            Event::Warning(text) => self.line(&format!("warning: {text}")),
            Event::Note(text) => self.line(text),
            _ => {}
        }
    }
}

impl State {
    fn end(&mut self, key: &TrialKey) {
        self.ended += 1;
        if let Some(position) = self.under_way.iter().position(|trial| trial.key == *key) {
            let trial = self.under_way.remove(position);
            if let Some(bar) = trial.bar {
                bar.finish_and_clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let told: Vec<String> = [4.4, 65.0, 3720.0].map(|s| duration(Duration::from_secs_f64(s))).into();
        assert_eq!(told, ["4 s", "1 min 05 s", "1 h 02 min"]);
    }

    #[test]
    fn time_left_follows_the_steps_of_this_sitting() {
        let mut state = RunProgress::new(true).state.into_inner().unwrap_or_else(|e| e.into_inner());
        state.trials = 4;
        state.steps_per_trial = 100;
        state.began = Instant::now() - Duration::from_secs(100);
        assert_eq!(state.time_left(), None);
        // One trial done and nothing else: three times as long is left.
        (state.ended, state.steps_done) = (1, 100);
        let left = state.time_left().map(|left| left.as_secs_f64().round());
        assert_eq!(left, Some(300.0));
    }
}

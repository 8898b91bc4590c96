//! A run that fills the terminal: trials as a grid, curves, rates, time left. Reads the run folder, once a second.

use crate::LiveError;
use crate::progress::{Progress, TrialState};
use bakeoff_data::{visible, visible_line};
use bakeoff_evidence::{columns, padded};
use bakeoff_study::RunFolder;
use bakeoff_study::records::EpochRecord;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType, LineGauge, Paragraph};
use std::path::Path;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How often the folder is read.
const EVERY: Duration = Duration::from_secs(1);
/// How long a key may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Colours of recipes, the baseline's first; every terminal has them.
const COLOURS: [Color; 8] = [
    Color::Gray,
    Color::Blue,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Magenta,
    Color::Cyan,
    Color::LightRed,
];

/// A quantity that is drawn as curves.
struct Quantity {
    name: &'static str,
    value: fn(&EpochRecord) -> f64,
    percent: bool,
}

const QUANTITIES: [Quantity; 4] = [
    Quantity { name: "validation accuracy, %", value: |e| e.validation_top1, percent: true },
    Quantity { name: "validation loss", value: |e| e.validation_loss, percent: false },
    Quantity { name: "training loss", value: |e| e.train_loss, percent: false },
    Quantity { name: "accuracy on plain training images, %", value: |e| e.train_top1, percent: true },
];

/// Why the view was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// By `q` or Esc: the run, if it is ours, goes on.
    Closed,
    /// By Ctrl-C.
    Interrupted,
    /// `over` said so.
    Over,
}

/// What is shown besides the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct View {
    quantity: usize,
    /// First recipe and seed of the grid that are seen.
    from: [usize; 2],
}

impl View {
    /// Whether the key meant anything.
    fn key(&mut self, code: KeyCode) -> bool {
        let [recipe, seed] = &mut self.from;
        match code {
            KeyCode::Tab => self.quantity = (self.quantity + 1) % QUANTITIES.len(),
            KeyCode::BackTab => self.quantity = (self.quantity + QUANTITIES.len() - 1) % QUANTITIES.len(),
            KeyCode::Up => *recipe = recipe.saturating_sub(1),
            KeyCode::Down => *recipe += 1,
            KeyCode::Left => *seed = seed.saturating_sub(1),
            KeyCode::Right => *seed += 1,
            _ => return false,
        }
        true
    }
}

/// What the caller has to say to whoever looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Note<'a> {
    /// Where the run's page is served too.
    pub url: Option<&'a str>,
    /// The run is this process's: Ctrl-C interrupts it, and does not only close the view.
    pub ours: bool,
}

/// Fills the terminal until a key closes it or `over` says that there is nothing more to see; then the terminal is as before.
///
/// # Errors
/// This is no terminal, or it cannot be drawn on.
pub fn watch(run: &Path, note: Note<'_>, over: &dyn Fn() -> bool) -> Result<Left, LiveError> {
    let mut terminal = ratatui::try_init()?;
    let _filled = Filled::new();
    let run = RunFolder::at(run);
    let mut view = View::default();
    let mut read: Option<(Instant, Result<Progress, String>)> = None;
    loop {
        if over() {
            return Ok(Left::Over);
        }
        let mut changed = false;
        if read.as_ref().is_none_or(|(when, _)| when.elapsed() >= EVERY) {
            read = Some((Instant::now(), Progress::read(&run).map_err(|error| error.to_string())));
            changed = true;
        }
        match event::poll(PATIENCE).and_then(|there| if there { event::read().map(Some) } else { Ok(None) }) {
            Err(error) => return Err(error.into()),
            Ok(Some(Event::Key(key))) if key.kind != KeyEventKind::Release => match key.code {
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Ok(Left::Interrupted);
                }
                KeyCode::Char('q') | KeyCode::Esc => return Ok(Left::Closed),
                code => changed |= view.key(code),
            },
            Ok(Some(Event::Resize(..))) => changed = true,
            Ok(_) => {}
        }
        let Some((_, progress)) = read.as_ref().filter(|_| changed) else { continue };
        let progress = progress.as_ref().map_err(String::as_str);
        let filled = FILLED.lock().unwrap_or_else(PoisonError::into_inner);
        if !*filled {
            // It was given back because the program ends: nothing more is drawn.
            return Ok(Left::Over);
        }
        terminal.draw(|frame| draw(frame, progress, note, &mut view))?;
    }
}

/// Whether the terminal is filled by us. Held while a frame is drawn, so that none comes after the terminal is given back.
static FILLED: Mutex<bool> = Mutex::new(false);
/// For a frame that is being drawn: a terminal that nobody reads holds it up for ever.
const FRAME: Duration = Duration::from_millis(100);

/// Gives the terminal back when it is dropped, also by a panic.
struct Filled;

impl Filled {
    fn new() -> Self {
        *FILLED.lock().unwrap_or_else(PoisonError::into_inner) = true;
        Self
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives a terminal that [`watch`] fills back as it was: for a program that ends at once. Does nothing elsewhere.
// The view writes to the terminal itself.
#[allow(clippy::disallowed_methods)]
pub fn restore() {
    let begun = Instant::now();
    let mut filled = loop {
        match FILLED.try_lock() {
            Ok(filled) => break Some(filled),
            Err(TryLockError::Poisoned(filled)) => break Some(filled.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() > FRAME => break None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    if filled.as_deref() == Some(&false) {
        return;
    }
    ratatui::restore();
    // The cursor is hidden while there are frames.
    let _ = ratatui::crossterm::execute!(std::io::stdout(), ratatui::crossterm::cursor::Show);
    if let Some(filled) = filled.as_deref_mut() {
        *filled = false;
    }
}

fn cut(text: &str, room: usize) -> String {
    // Names come from files: nothing in them may move the cursor.
    let text = visible_line(text);
    bakeoff_evidence::cut(&text, room).into_owned()
}

fn duration(time: Duration) -> String {
    match time.as_secs() {
        s if s < 100 => format!("{s} s"),
        s if s < 6_000 => format!("{} min", (s + 30) / 60),
        s => format!("{:.1} h", s as f64 / 3_600.0),
    }
}

fn colour(progress: &Progress, recipe: &str) -> Color {
    if recipe == progress.baseline {
        return COLOURS[0];
    }
    let others = progress.recipes.iter().filter(|r| **r != progress.baseline);
    let at = others.into_iter().position(|r| r == recipe).unwrap_or(0);
    COLOURS[1 + at % (COLOURS.len() - 1)]
}

/// Lines that each part of the screen gets; none where there is no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    gauge: u16,
    grid: u16,
    curves: u16,
    log: u16,
    foot: u16,
}

/// Deals out the lines of a screen: first the trials, then curves where they can be seen, then the log.
fn shares(height: u16, recipes: usize) -> Shares {
    /// A title, three lines of curve, the axis and its labels.
    const CURVES: u16 = 6;
    const LOG: u16 = 4;
    let foot = u16::from(height >= 5);
    let gauge = u16::from(height >= 12);
    let rest = height.saturating_sub(1 + foot + gauge);
    // A title and the seeds above the recipes.
    let wanted = u16::try_from(recipes).unwrap_or(u16::MAX).saturating_add(2);
    // Many recipes scroll, rather than leave no room for curves on an ordinary screen.
    let grid = if rest >= 3 * CURVES { wanted.min(rest - CURVES) } else { wanted.min(rest) };
    let rest = rest - grid;
    if rest < CURVES {
        return Shares { gauge, grid, curves: 0, log: rest.min(LOG), foot };
    }
    let log = LOG.min(rest - CURVES);
    Shares { gauge, grid, curves: rest - log, log, foot }
}

fn draw(frame: &mut Frame<'_>, progress: Result<&Progress, &str>, note: Note<'_>, view: &mut View) {
    let progress = match progress {
        Ok(progress) => progress,
        Err(message) => {
            let text = format!("No run to show yet: {}\n\nq closes this view.", visible(message));
            frame.render_widget(
                Paragraph::new(text).wrap(ratatui::widgets::Wrap { trim: false }),
                frame.area(),
            );
            return;
        }
    };
    let shares = shares(frame.area().height, progress.recipes.len());
    let lines = [1, shares.gauge, shares.grid, shares.curves, shares.log];
    // What is left over stands above the last line.
    let [head, gauge, trials, curves, log, _, foot] = Layout::vertical(
        lines
            .map(Constraint::Length)
            .into_iter()
            .chain([Constraint::Fill(1), Constraint::Length(shares.foot)]),
    )
    .areas(frame.area());
    draw_head(frame, progress, head);
    if shares.gauge > 0 {
        frame.render_widget(
            LineGauge::default()
                .ratio(progress.share().clamp(0.0, 1.0))
                .filled_style(Style::new().fg(Color::Blue))
                .unfilled_style(Style::new().fg(Color::DarkGray)),
            gauge,
        );
    }
    draw_grid(frame, progress, view, trials);
    if shares.curves > 0 {
        draw_curves(frame, progress, view, curves);
    }
    let grey = Style::new().fg(Color::DarkGray);
    let last = progress.log.len().saturating_sub(usize::from(log.height));
    let lines = progress.log[last..].iter();
    let lines = lines.map(|line| Line::styled(cut(time_of_day(line), usize::from(log.width)), grey));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), log);
    frame.render_widget(Line::styled(keys(note, shares.curves > 0, usize::from(foot.width)), grey), foot);
}

/// A line of the log without its date.
fn time_of_day(line: &str) -> &str {
    match line.split_once('T') {
        Some((date, rest)) if date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
            rest
        }
        _ => line,
    }
}

/// What keys do, as much of it as there is room for.
fn keys(note: Note<'_>, curves: bool, room: usize) -> String {
    let mut text = String::from("q close");
    let more = [
        note.ours.then_some("ctrl-c interrupt"),
        curves.then_some("tab other curves"),
        Some("arrows scroll"),
        note.url,
    ];
    for part in more.into_iter().flatten() {
        if columns(&text) + 3 + columns(part) <= room {
            text = format!("{text}   {part}");
        }
    }
    text
}

fn draw_head(frame: &mut Frame<'_>, progress: &Progress, area: Rect) {
    let mut facts = vec![format!("{} of {} trials", progress.over(), progress.trials.len())];
    let failed = progress.trials.iter().filter(|t| t.state == TrialState::Failed).count();
    if failed > 0 {
        facts.push(format!("{failed} failed"));
    }
    if progress.ended {
        facts.push("the run has ended".into());
    } else {
        facts.extend(progress.images_per_second().map(|rate| format!("{rate:.0} images/s")));
        facts.extend(progress.time_left().map(|left| format!("about {} left", duration(left))));
    }
    let line = Line::from(vec![
        Span::styled(
            format!("{}  ", visible_line(&progress.study)),
            Style::new().add_modifier(Modifier::BOLD),
        ),
        Span::raw(facts.join(" · ")),
    ]);
    frame.render_widget(line, area);
}

/// One cell: test accuracy when finished, validation accuracy and epochs while running.
fn cell(progress: &Progress, recipe: &str, seed: u64) -> Span<'static> {
    let trial = progress.trials.iter().find(|t| t.recipe == recipe && t.seed == seed);
    let (text, style) = match trial.map(|t| (t.state, t.epochs.len())) {
        Some((TrialState::Finished(top1), _)) => {
            (format!("{:.1}", top1 * 100.0), Style::new().add_modifier(Modifier::BOLD))
        }
        Some((TrialState::Running, done)) => {
            (format!("{done}/{}", progress.epochs), Style::new().fg(Color::Yellow))
        }
        Some((TrialState::Failed, _)) => ("failed".into(), Style::new().fg(Color::Red)),
        Some((TrialState::Planned, _)) | None => ("·".into(), Style::new().fg(Color::DarkGray)),
    };
    Span::styled(format!("{text:>CELL$}"), style)
}

/// Width of a cell: `failed`, `12/100`, and a space.
const CELL: usize = 8;

/// `, recipes 3–8/20`, where not all are seen.
fn part(what: &str, from: usize, seen: usize, all: usize) -> String {
    if seen >= all {
        String::new()
    } else {
        format!(", {what} {}–{}/{all}", from + 1, (from + seen).min(all))
    }
}

fn draw_grid(frame: &mut Frame<'_>, progress: &Progress, view: &mut View, area: Rect) {
    let names = progress.recipes.iter().map(|r| columns(&visible_line(r))).max().unwrap_or(0).clamp(6, 24);
    let names = names.min((usize::from(area.width) / 2).max(6));
    let shown = (usize::from(area.width).saturating_sub(names + 1) / CELL).max(1);
    let rows = usize::from(area.height).saturating_sub(2).max(1);
    let (recipes, seeds) = (progress.recipes.len(), progress.seeds.len());
    view.from[0] = view.from[0].min(recipes.saturating_sub(rows));
    view.from[1] = view.from[1].min(seeds.saturating_sub(shown));
    let hidden = part("recipes", view.from[0], rows, recipes) + &part("seeds", view.from[1], shown, seeds);
    let title = match hidden.as_str() {
        "" => " test top-1 by seed, % ".to_owned(),
        hidden => format!(" top-1, %{hidden} "),
    };
    let block = Block::new().borders(Borders::TOP).title(title);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let seeds = || progress.seeds.iter().skip(view.from[1]).take(shown);
    let mut lines = vec![Line::from(
        std::iter::once(Span::raw(" ".repeat(names + 1)))
            .chain(seeds().map(|s| Span::styled(format!("{s:>CELL$}"), Style::new().fg(Color::DarkGray))))
            .collect::<Vec<_>>(),
    )];
    for recipe in progress.recipes.iter().skip(view.from[0]).take(rows) {
        let name =
            Span::styled(padded(&cut(recipe, names), names + 1), Style::new().fg(colour(progress, recipe)));
        lines.push(Line::from(
            std::iter::once(name).chain(seeds().map(|s| cell(progress, recipe, *s))).collect::<Vec<_>>(),
        ));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

fn draw_curves(frame: &mut Frame<'_>, progress: &Progress, view: &View, area: Rect) {
    let quantity = &QUANTITIES[view.quantity];
    let factor = if quantity.percent { 100.0 } else { 1.0 };
    let curves = progress.recipes.iter().map(|recipe| {
        let points = progress.curve(recipe, quantity.value).into_iter().map(|(x, y)| (x, y * factor));
        (colour(progress, recipe), points.collect::<Vec<_>>())
    });
    let curves: Vec<_> = curves.collect();
    let values = || curves.iter().flat_map(|(_, points)| points.iter().map(|(_, y)| *y));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let block = Block::new().borders(Borders::TOP).title(format!(" {}, mean over seeds ", quantity.name));
    if low > high {
        frame.render_widget(Paragraph::new("no epoch has been finished yet").block(block), area);
        return;
    }
    let room = ((high - low) * 0.05).max(1e-9);
    let bounds = [(low - room).max(0.0), high + room];
    let datasets = curves
        .iter()
        .map(|(colour, points)| {
            let kind = if points.len() > 1 { GraphType::Line } else { GraphType::Scatter };
            Dataset::default()
                .marker(Marker::Braille)
                .graph_type(kind)
                .style(Style::new().fg(*colour))
                .data(points)
        })
        .collect();
    let digits = if quantity.percent { 0 } else { 2 };
    let last = f64::from(progress.epochs.max(2));
    let chart = Chart::new(datasets)
        .block(block)
        .x_axis(
            Axis::default()
                .bounds([1.0, last])
                .labels(["1".to_owned(), format!("epoch {last}")])
                .style(Style::new().fg(Color::DarkGray)),
        )
        .y_axis(
            Axis::default()
                .bounds(bounds)
                .labels(
                    [bounds[0], (bounds[0] + bounds[1]) / 2.0, bounds[1]].map(|v| format!("{v:.digits$}")),
                )
                .style(Style::new().fg(Color::DarkGray)),
        )
        // The recipes' names above have the curves' colours.
        .legend_position(None);
    frame.render_widget(chart, area);
}

#[cfg(test)]
mod tests;

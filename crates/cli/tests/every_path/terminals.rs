//! What is seen in a terminal: bars and the view that fills it, at 80 and 200 columns, and what an interruption leaves behind. The
//! program runs behind `script` of util-linux, which gives it a terminal and types Ctrl-C as a keyboard would.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bakeoff_evidence::columns;

use crate::scene::{documented, photograph, photographs, small_study};
use crate::support::Project;

const CTRL_C: &[u8] = b"\x03";
/// For what needs no more than a moment, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page of text with a cursor, as terminals have it; it is as long as need be.
#[derive(Default)]
struct Page {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

/// Stands in the second cell of a wide character.
const SECOND: char = '\0';

impl Page {
    fn cell(&mut self, column: usize) -> &mut char {
        if self.rows.len() <= self.row {
            self.rows.resize(self.row + 1, Vec::new());
        }
        let row = &mut self.rows[self.row];
        if row.len() <= column {
            row.resize(column + 1, ' ');
        }
        &mut row[column]
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }

    fn lines(&self) -> Vec<String> {
        let text = |row: &Vec<char>| row.iter().filter(|c| **c != SECOND).collect::<String>();
        self.rows.iter().map(|row| text(row).trim_end().to_owned()).collect()
    }
}

/// What was written to a terminal, as it is seen.
struct Seen {
    width: usize,
    usual: Page,
    /// The view that fills the terminal, while there is one.
    filled: Option<Page>,
    /// Lines of text that went on in the next row, since they were too long.
    wrapped: Vec<String>,
}

impl Seen {
    fn of(bytes: &[u8], width: usize) -> Self {
        let mut seen = Self { width, usual: Page::default(), filled: None, wrapped: Vec::new() };
        let text = String::from_utf8_lossy(bytes);
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\x1b' => seen.escape(&mut rest),
                '\r' => seen.page().column = 0,
                '\n' => seen.page().row += 1,
                c if c.is_control() => {}
                c => seen.print(c),
            }
        }
        seen
    }

    fn page(&mut self) -> &mut Page {
        self.filled.as_mut().unwrap_or(&mut self.usual)
    }

    fn print(&mut self, c: char) {
        let (width, taken) = (self.width, columns(&c.to_string()));
        let page = self.filled.as_mut().unwrap_or(&mut self.usual);
        if taken == 0 {
            return;
        }
        if page.column + taken > width {
            let last = *page.cell(width - 1);
            if c != ' ' && last != ' ' {
                self.wrapped.extend(page.lines().get(page.row).cloned());
            }
            page.row += 1;
            page.column = 0;
        }
        let column = page.column;
        *page.cell(column) = c;
        if taken == 2 {
            *page.cell(column + 1) = SECOND;
        }
        page.column += taken;
    }

    fn escape(&mut self, rest: &mut std::str::Chars<'_>) {
        if rest.next() != Some('[') {
            return;
        }
        let mut numbers = String::new();
        let Some(end) = rest.find(|c| {
            numbers.push(*c);
            c.is_ascii_alphabetic()
        }) else {
            return;
        };
        numbers.pop();
        if let Some(mode) = numbers.strip_prefix('?') {
            if mode == "1049" {
                self.filled = (end == 'h').then(Page::default);
            }
            return;
        }
        let number = |at: usize, default: usize| {
            numbers.split(';').nth(at).and_then(|n| n.parse().ok()).unwrap_or(default)
        };
        let page = self.page();
        match end {
            'A' => page.row = page.row.saturating_sub(number(0, 1)),
            'B' => page.row += number(0, 1),
            'C' => page.column += number(0, 1),
            'D' => page.column = page.column.saturating_sub(number(0, 1)),
            'H' => (page.row, page.column) = (number(0, 1) - 1, number(1, 1) - 1),
            'K' if number(0, 0) == 2 => page.rows.get_mut(page.row).into_iter().for_each(Vec::clear),
            'J' => page.rows.clear(),
            _ => {}
        }
    }

    fn text(&self) -> String {
        self.filled.as_ref().unwrap_or(&self.usual).text()
    }
}

/// The program in a terminal.
struct Terminal {
    script: Child,
    written: Arc<Mutex<Vec<u8>>>,
    width: usize,
}

impl Terminal {
    /// `None` where there is no such `script`.
    fn start(project: &Project, (width, height): (usize, usize), arguments: &str) -> Option<Self> {
        let version = Command::new("script").arg("--version").output();
        if !version.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("util-linux")) {
            eprintln!("skipped: there is no `script` of util-linux to make a terminal with");
            return None;
        }
        let program = Path::new(env!("CARGO_BIN_EXE_bakeoff"));
        let path = format!("{}:{}", program.parent()?.display(), std::env::var("PATH").unwrap_or_default());
        let command = format!("stty cols {width} rows {height} && exec bakeoff {arguments}");
        let mut script = Command::new("script")
            .args(["-qefc", &command, "/dev/null"])
            .current_dir(project.path(""))
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let mut stdout = script.stdout.take().unwrap();
        let into = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut chunk) {
                into.lock().unwrap().extend(&chunk[..count]);
            }
        });
        Some(Self { script, written, width })
    }

    fn seen(&self) -> Seen {
        Seen::of(&self.written.lock().unwrap(), self.width)
    }

    /// Waits until what is seen is so.
    fn wait(&self, what: &str, so: impl Fn(&Seen) -> bool) {
        let began = Instant::now();
        loop {
            let seen = self.seen();
            if so(&seen) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{what}, at {} columns:\n{}", self.width, seen.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn press(&mut self, keys: &[u8]) {
        let stdin = self.script.stdin.as_mut().unwrap();
        stdin.write_all(keys).unwrap();
        stdin.flush().unwrap();
    }

    /// Exit code, and what is seen in the end.
    fn end(mut self, arguments: &str) -> (Option<i32>, Seen) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.script.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "{arguments} goes on:\n{}", self.seen().text());
            std::thread::sleep(Duration::from_millis(20));
        };
        // What was written last is still on its way.
        std::thread::sleep(Duration::from_millis(200));
        let seen = self.seen();
        assert!(seen.filled.is_none(), "{arguments}: the terminal is not given back:\n{}", seen.text());
        (status.code(), seen)
    }

    /// What is seen in the end of a program that was interrupted.
    fn interrupted(self, arguments: &str) -> String {
        let (code, seen) = self.end(arguments);
        let text = seen.text();
        assert_eq!(code, Some(75), "{arguments}:\n{text}");
        assert!(text.contains("interrupted; "), "{arguments}:\n{text}");
        assert!(text.contains(&format!("\n  bakeoff {arguments}")), "{arguments}:\n{text}");
        // No bar is left, nor a part of one.
        for part in ["━", "╸", "img/s", "/6 trials", "/151"] {
            assert!(!text.contains(part), "{arguments}, at {} columns, {part}:\n{text}", seen.width);
        }
        assert_eq!(seen.wrapped, [""; 0], "{arguments}, at {} columns:\n{text}", seen.width);
        text
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The terminal goes with it, which ends the program.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

const SIZES: [(usize, usize); 2] = [(80, 24), (200, 50)];

/// Two trials that would take days, of recipes with long names.
fn endless(project: &Project) {
    photographs(project, "photos", &["cats", "dogs"], 20);
    let study = small_study("photos").replace("epochs = 1", "epochs = 100000");
    let study = study.replace("\"none\"", "\"doing-nothing-at-all-to-them\"");
    fs::write(project.path("study.toml"), study).unwrap();
}

#[test]
fn bars_of_a_run_fit_the_terminal_and_an_interruption_leaves_none() {
    for size in SIZES {
        for keys in [CTRL_C, &[3, 3]] {
            let project = Project::new();
            endless(&project);
            let arguments = "run study.toml --jobs 2 --threads 2";
            let Some(mut terminal) = Terminal::start(&project, size, arguments) else { return };
            // A bar for the study and one for each trial, a line each.
            terminal.wait("three bars", |seen| {
                let lines = seen.usual.lines();
                let with = |part| lines.iter().filter(|line| line.contains(part)).count();
                with("img/s") == 2 && with("val ") == 2 && with("0/") == 1
            });
            assert_eq!(terminal.seen().wrapped, [""; 0], "{}", terminal.seen().text());
            terminal.press(keys);
            let text = terminal.interrupted(arguments);
            // Nothing that stays was overwritten by bars.
            assert!(text.contains("study: ") && text.contains("2 classes; "), "{text}");
        }
    }
}

#[test]
fn a_view_that_fills_the_terminal_is_interrupted_by_its_key_and_gives_it_back() {
    for size in SIZES {
        let project = Project::new();
        endless(&project);
        let arguments = "run study.toml --jobs 2 --threads 2 --tui";
        let Some(mut terminal) = Terminal::start(&project, size, arguments) else { return };
        terminal.wait("trials and curves", |seen| {
            let text = seen.filled.as_ref().map(Page::text).unwrap_or_default();
            text.contains("/100000") && text.contains("images/s") && text.contains("ctrl-c interrupt")
        });
        assert_eq!(terminal.seen().wrapped, [""; 0]);
        terminal.press(CTRL_C);
        terminal.interrupted(arguments);
    }
}

#[test]
fn views_fill_a_terminal_and_are_left_with_q() {
    let project = Project::new();
    documented(&project);
    for (arguments, after) in [("run my-study.toml --tui", "report: "), ("watch runs/my-study", "")] {
        let Some(mut terminal) = Terminal::start(&project, (80, 24), arguments) else { return };
        terminal
            .wait("a view", |seen| seen.filled.as_ref().is_some_and(|page| page.text().contains("cutmix")));
        terminal.press(b"q");
        let (code, seen) = terminal.end(arguments);
        assert!(code == Some(0) && seen.text().contains(after), "{code:?}: {}", seen.text());
    }
}

#[test]
fn bars_that_count_images_fit_the_terminal_and_an_interruption_leaves_none() {
    let project = Project::new();
    let first = project.path("large/cats/0.jpg");
    photograph(&first, 0, 0, 2400);
    for n in 1..150 {
        fs::hard_link(&first, first.with_file_name(format!("{n}.jpg"))).unwrap();
    }
    photograph(&project.path("large/dogs/0.jpg"), 1, 1, 2400);
    for (width, height) in [(50, 24), (80, 24), (200, 50)] {
        let arguments = "data check large --threads 1";
        let Some(mut terminal) = Terminal::start(&project, (width, height), arguments) else { return };
        terminal.wait("a bar", |seen| seen.text().contains("/151"));
        std::thread::sleep(Duration::from_millis(300));
        terminal.press(CTRL_C);
        terminal.interrupted(arguments);
    }
}

#[test]
fn a_terminal_is_understood() {
    let seen = |text: &str| Seen::of(text.as_bytes(), 6).text();
    assert_eq!(seen("ab\r\ncd\x1b[1A\rx"), "xb\ncd");
    assert_eq!(seen("abcdef\r\x1b[2Kg"), "g");
    assert_eq!(seen("가나다라"), "가나다\n라");
    assert_eq!(Seen::of("a bar of seven".as_bytes(), 6).wrapped, ["of sev"]);
    assert_eq!(Seen::of("abcdef\rxy".as_bytes(), 6).wrapped, [""; 0]);
    assert_eq!(seen("one\x1b[?1049htwo\x1b[?1049l"), "one");
}

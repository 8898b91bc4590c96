//! `bakeoff watch`: a run of this or another process, in the terminal or as a page. Also what `run --serve` and `run --tui` share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use bakeoff_live::Server;
use bakeoff_live::terminal::{self, Left, Note};
use bakeoff_study::RunFolder;

use crate::exit::{Exit, note};
use crate::interrupt;
use crate::screen;

/// Show a run while it goes on, also one of another process; only its folder is read.
///
/// Without an option: a view that fills the terminal. With both, both.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The run folder.
    #[arg(value_parser = super::path())]
    run: PathBuf,
    #[command(flatten)]
    view: View,
    /// Language in which the page opens; the page holds both.
    #[arg(long, value_enum, default_value_t)]
    lang: super::Lang,
}

/// How a run is looked at.
#[derive(clap::Args)]
pub(crate) struct View {
    /// The report's page on 127.0.0.1, made anew as trials go on [default port: any free one].
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    pub(crate) serve: Option<u16>,
    /// A view that fills the terminal: trials, curves, rates, time left. `q` closes it.
    #[arg(long)]
    pub(crate) tui: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit> {
    let Arguments { run, mut view, lang } = arguments;
    RunFolder::open(&run)?;
    view.tui |= view.serve.is_none();
    check_terminal(&view)?;
    let stop = interrupt::flag("closing");
    while_serving(&view, &run, lang, |url| {
        if view.tui {
            terminal::watch(&run, Note { url, ours: false }, &|| stop.load(Ordering::Relaxed))?;
        } else {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(Exit::Done)
    })
}

/// A view that fills the terminal needs one.
pub(crate) fn check_terminal(view: &View) -> Result<()> {
    if view.tui && !crate::exit::stdout_is_terminal() {
        bail!("this is no terminal to fill; use --serve and a browser, or `bakeoff report`");
    }
    Ok(())
}

/// Does `work`, and serves the page meanwhile where that was asked for; `work` is told its address.
pub(crate) fn while_serving<T>(
    view: &View,
    run: &Path,
    lang: super::Lang,
    work: impl FnOnce(Option<&str>) -> Result<T>,
) -> Result<T> {
    let Some(port) = view.serve else { return work(None) };
    let server = Server::bind(run, port, lang.into())?;
    let url = server.url();
    note(format!("watch it at {url}"));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if let Err(error) = server.serve(&done) {
                note(format!("warning: the page is served no more: {error}"));
            }
        });
        let _set = SetAtEnd(&done);
        work(Some(&url))
    })
}

/// Does `work` behind a view that fills the terminal, where that was asked for. Closing the view leaves the work going on, with
/// ordinary progress; Ctrl-C in it interrupts the work.
pub(crate) fn while_covered<T: Send>(
    view: &View,
    run: &Path,
    url: Option<&str>,
    work: impl FnOnce() -> T + Send,
) -> T {
    if !view.tui {
        return work();
    }
    let done = AtomicBool::new(false);
    screen::hide(true);
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            let _set = SetAtEnd(&done);
            work()
        });
        let left = terminal::watch(run, Note { url, ours: true }, &|| done.load(Ordering::Relaxed));
        screen::hide(false);
        match left {
            Ok(Left::Interrupted) => {
                interrupt::interrupt();
            }
            Ok(Left::Closed | Left::Over) => {}
            Err(error) => note(format!("warning: {error}; the run goes on")),
        }
        working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Tells whoever waits, however the work ends.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

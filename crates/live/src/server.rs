//! The page of a run on 127.0.0.1, made anew when the run folder has changed and somebody looks.
//!
//! Only this machine can connect, and only under a name that means this machine: a page elsewhere on the web that has its own
//! name resolve to 127.0.0.1 (DNS rebinding) is refused by its `Host`. Nothing can be changed from here: there is GET and HEAD.

use crate::LiveError;
use crate::progress::{Progress, version};
use bakeoff_report::Language;
use bakeoff_study::RunFolder;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tiny_http::{Header, Method, Request, Response};

/// How often a waiting thread looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(200);
/// Threads that answer: a reader that reads slowly holds up one of them.
const THREADS: usize = 3;

/// Shows a run folder, which need not exist yet.
pub struct Server {
    http: tiny_http::Server,
    port: u16,
    run: RunFolder,
    language: Language,
    page: Mutex<Option<(u64, String)>>,
}

/// What `/state` tells.
#[derive(Serialize)]
struct State {
    /// As a string: 64 bits are more than a script's numbers hold.
    version: String,
    share: f64,
    text: BTreeMap<&'static str, String>,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 is any free one.
    ///
    /// # Errors
    /// The port is taken, or may not be used.
    pub fn bind(run: impl Into<PathBuf>, port: u16, language: Language) -> Result<Self, LiveError> {
        let fail = |message: String| LiveError::Listen { port, message };
        let http = tiny_http::Server::http(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .map_err(|error| fail(error.to_string()))?;
        let bound = http.server_addr().to_ip().ok_or_else(|| fail("no address".into()))?.port();
        Ok(Self { http, port: bound, run: RunFolder::at(run), language, page: Mutex::new(None) })
    }

    /// Where the page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Answers until `stop` is set.
    pub fn serve(&self, stop: &AtomicBool) {
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                if let Ok(Some(request)) = self.http.recv_timeout(PATIENCE) {
                    let answer = self.answer(&request);
                    // Whoever asked may have gone away.
                    let _ = request.respond(answer);
                }
            }
        };
        std::thread::scope(|scope| {
            (1..THREADS).for_each(|_| {
                scope.spawn(work);
            });
            work();
        });
    }

    fn answer(&self, request: &Request) -> Response<Cursor<Vec<u8>>> {
        let host = request.headers().iter().find(|h| h.field.equiv("Host")).map(|h| h.value.as_str());
        let ours = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        if !host.is_some_and(|host| ours.iter().any(|ours| ours == host)) {
            return text(403, "only as 127.0.0.1 or localhost");
        }
        if !matches!(request.method(), Method::Get | Method::Head) {
            return text(405, "only GET");
        }
        match request.url().split(['?', '#']).next().unwrap_or_default() {
            "/" => match self.current_page() {
                Ok(page) => reply(200, "text/html; charset=utf-8", page),
                Err(message) => reply(200, "text/html; charset=utf-8", waiting(&message)),
            },
            "/state" => match serde_json::to_string(&self.state()) {
                Ok(state) => reply(200, "application/json", state),
                Err(error) => text(500, &error.to_string()),
            },
            _ => text(404, "nothing here"),
        }
    }

    /// The page as the folder is now. It is made once for all who ask.
    fn current_page(&self) -> Result<String, String> {
        let mut kept = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let now = version(&self.run);
        if let Some((version, page)) = kept.as_ref().filter(|(version, _)| *version == now) {
            let _ = version;
            return Ok(page.clone());
        }
        let run = RunFolder::open(self.run.path()).map_err(|error| error.to_string())?;
        let page = bakeoff_report::live_page(&run, self.language).map_err(|error| error.to_string())?;
        *kept = Some((now, page.clone()));
        Ok(page)
    }

    fn state(&self) -> State {
        let progress = Progress::read(&self.run).ok();
        let words = |language| {
            progress.as_ref().map_or_else(String::new, |p| {
                let left = p.time_left().filter(|_| !p.ended).map(|left| left.as_secs_f64());
                bakeoff_report::progress_line(language, p.over(), p.trials.len(), left, p.ended)
            })
        };
        State {
            version: version(&self.run).to_string(),
            share: progress.as_ref().map_or(0.0, Progress::share),
            text: Language::ALL.into_iter().map(|language| (language.tag(), words(language))).collect(),
        }
    }
}

/// Before there is a page. Asks again by itself, without a script.
fn waiting(message: &str) -> String {
    let message: String = message
        .chars()
        .map(|c| match c {
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            c => c.to_string(),
        })
        .collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"2\"><title>Bakeoff</title>\
         <p>No report yet: {message}</p>"
    )
}

fn text(status: u16, message: &str) -> Response<Cursor<Vec<u8>>> {
    reply(status, "text/plain; charset=utf-8", format!("{message}\n"))
}

fn reply(status: u16, kind: &str, body: String) -> Response<Cursor<Vec<u8>>> {
    let mut response = Response::from_string(body).with_status_code(status);
    for (name, value) in [
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ] {
        // These are all printable ASCII, of which headers are made.
        if let Ok(header) = Header::from_bytes(name, value) {
            response = response.with_header(header);
        }
    }
    response
}

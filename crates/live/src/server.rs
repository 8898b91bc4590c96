//! The page of a run on 127.0.0.1, made anew when the run folder has changed and somebody looks.
//!
//! Only this machine can connect, and only under a name that means this machine: a page elsewhere on the web that has its own
//! name resolve to 127.0.0.1 (DNS rebinding) is refused by its `Host`. Nothing can be changed from here: there is GET and HEAD.
//!
//! Whoever connects is not believed: a connection has one request, its head is bounded in bytes and time, its body is never read,
//! and the whole of it, answer included, is bounded in time. There are only so many connections at once. So neither the run nor its
//! end ever waits for a socket.

use crate::LiveError;
use crate::progress::{Progress, version};
use bakeoff_report::Language;
use bakeoff_study::RunFolder;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

/// How often it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// Connections at once; more are closed as they come. A browser needs two.
const MOST_CONNECTIONS: usize = 64;
/// Bytes of a request's head: its first line and its headers. A browser sends about one thousand.
const MOST_HEAD: usize = 16 << 10;
/// Headers of a request.
const MOST_HEADERS: usize = 64;
/// Time for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Time for a connection, the page's making and reading included.
const CONNECTION_TIME: Duration = Duration::from_secs(20);

/// Shows a run folder, which need not exist yet.
pub struct Server {
    listener: TcpListener,
    site: Arc<Site>,
}

/// What is answered.
struct Site {
    port: u16,
    run: RunFolder,
    language: Language,
    page: Mutex<Option<(u64, Bytes)>>,
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
        let bind = || {
            let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
            listener.set_nonblocking(true)?;
            let bound = listener.local_addr()?.port();
            Ok((listener, bound))
        };
        let (listener, port) =
            bind().map_err(|error: std::io::Error| LiveError::Listen { port, message: error.to_string() })?;
        let site = Site { port, run: RunFolder::at(run), language, page: Mutex::new(None) };
        Ok(Self { listener, site: Arc::new(site) })
    }

    /// Where the page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.site.port)
    }

    /// Answers until `stop` is set, and returns a moment later whoever is still connected. It needs one thread, and one more
    /// while a page is made.
    ///
    /// # Errors
    /// The system gives no sockets or threads any more. A run needs neither, and goes on.
    pub fn serve(&self, stop: &AtomicBool) -> std::io::Result<()> {
        let serve = || -> std::io::Result<()> {
            let runtime =
                Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(1).build()?;
            let accepted = {
                let tasks = LocalSet::new();
                tasks.block_on(&runtime, self.accept(stop))
            };
            // Nobody waits for a page that is being made.
            runtime.shutdown_background();
            accepted
        };
        catch_unwind(AssertUnwindSafe(serve)).unwrap_or_else(|_| {
            Err(std::io::Error::other("an error inside Bakeoff's page; please report it"))
        })
    }

    async fn accept(&self, stop: &AtomicBool) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener.try_clone()?)?;
        // Each connection holds one while it lasts.
        let open = Rc::new(());
        while !stop.load(Ordering::Relaxed) {
            match timeout(PATIENCE, listener.accept()).await {
                Ok(Ok((stream, _))) if Rc::strong_count(&open) <= MOST_CONNECTIONS => {
                    let (site, open) = (Arc::clone(&self.site), Rc::clone(&open));
                    spawn_local(async move {
                        // Whoever asked may have gone away, or takes too long.
                        let _ = timeout(CONNECTION_TIME, connection(site, stream)).await;
                        drop(open);
                    });
                }
                Ok(Ok((stream, _))) => drop(stream),
                // Too many files are open, say: they will be fewer.
                Ok(Err(_)) => sleep(PATIENCE).await,
                Err(_) => {}
            }
        }
        Ok(())
    }
}

/// One request and its answer.
async fn connection(site: Arc<Site>, stream: TcpStream) -> hyper::Result<()> {
    let service = service_fn(move |request| answer(Arc::clone(&site), request));
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MOST_HEAD)
        .max_headers(MOST_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(site: Arc<Site>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let ours = [format!("127.0.0.1:{}", site.port), format!("localhost:{}", site.port)];
    if !host.is_some_and(|host| ours.iter().any(|ours| ours == host)) {
        return Ok(text(StatusCode::FORBIDDEN, "only as 127.0.0.1 or localhost"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(text(StatusCode::METHOD_NOT_ALLOWED, "only GET"));
    }
    let path = request.uri().path().to_owned();
    // Reading a run folder and drawing its page block; other connections go on meanwhile.
    let made = tokio::task::spawn_blocking(move || site.answer(&path)).await;
    Ok(made.unwrap_or_else(|_| text(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made")))
}

impl Site {
    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        const HTML: &str = "text/html; charset=utf-8";
        match path {
            "/" => match self.current_page() {
                Ok(page) => reply(StatusCode::OK, HTML, page),
                Err(message) => reply(StatusCode::OK, HTML, waiting(&message).into()),
            },
            "/state" => match serde_json::to_string(&self.state()) {
                Ok(state) => reply(StatusCode::OK, "application/json", state.into()),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            },
            _ => text(StatusCode::NOT_FOUND, "nothing here"),
        }
    }

    /// The page as the folder is now. It is made once for all who ask.
    fn current_page(&self) -> Result<Bytes, String> {
        let mut kept = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let now = version(&self.run);
        if let Some((_, page)) = kept.as_ref().filter(|(version, _)| *version == now) {
            return Ok(page.clone());
        }
        let run = RunFolder::open(self.run.path()).map_err(|error| error.to_string())?;
        let page = bakeoff_report::live_page(&run, self.language).map_err(|error| error.to_string())?;
        let page = Bytes::from(page);
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
    let message: String = bakeoff_data::visible(message)
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

fn text(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    reply(status, "text/plain; charset=utf-8", format!("{message}\n").into())
}

fn reply(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    for (name, value) in [
        ("content-type", kind),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

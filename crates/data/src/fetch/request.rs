//! One request for the rest of a file, and what a server answers.

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Addresses that one request is sent on to.
pub(super) const REDIRECTS: u32 = 5;
/// Bytes of an answer's headers.
pub(super) const MOST_HEADERS: usize = 64 << 10;

/// What identifies the file on its server, kept beside the part: a part of another file is thrown away.
#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) url: String,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
}

impl Origin {
    /// What a server is asked to compare; a weak tag does not say that it is the same file.
    pub(super) fn same(&self) -> Option<String> {
        let strong = self.etag.as_ref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.modified.as_ref()).cloned()
    }
}

/// A request for the rest of a file.
pub(super) struct Request {
    pub(super) url: String,
    /// Bytes that are here.
    pub(super) have: u64,
    /// What the file must still be for them to be of use.
    pub(super) same: Option<String>,
    pub(super) patience: Duration,
}

/// What a request's thread hears from the server.
pub(super) enum ServerMessage {
    Head(Result<Head, ureq::Error>),
    /// None at the end.
    Bytes(io::Result<Vec<u8>>),
}

impl Request {
    /// Until the end, or until nobody listens.
    pub(super) fn run(self, send: &SyncSender<ServerMessage>) {
        let response = match self.call() {
            Ok(response) => response,
            Err(error) => return send.send(ServerMessage::Head(Err(error))).unwrap_or_default(),
        };
        if send.send(ServerMessage::Head(Ok(Head::of(&response)))).is_err() {
            return;
        }
        let mut body = response.into_body().into_reader();
        loop {
            let mut chunk = vec![0; 128 << 10];
            let read = body.read(&mut chunk).map(|count| {
                chunk.truncate(count);
                chunk
            });
            let last = !matches!(&read, Ok(chunk) if !chunk.is_empty());
            if send.send(ServerMessage::Bytes(read)).is_err() || last {
                return;
            }
        }
    }

    pub(super) fn call(&self) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        const CONNECT: Duration = Duration::from_secs(20);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("bakeoff/", env!("CARGO_PKG_VERSION")))
            // Encryption is not given up on the way.
            .https_only(self.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")))
            .max_redirects(REDIRECTS)
            .max_response_header_size(MOST_HEADERS)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(self.patience))
            // One that was left ends after a while, too.
            .timeout_per_read(Some(self.patience))
            .build()
            .into();
        let mut request = agent.get(&self.url);
        if self.have > 0 {
            request = request.header("Range", format!("bytes={}-", self.have));
            if let Some(same) = &self.same {
                request = request.header("If-Range", same);
            }
        }
        request.call()
    }
}

/// What is needed of the head of an answer.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) length: Option<u64>,
    pub(super) range: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
}

/// What the head of an answer means for a part.
pub(super) enum HeadMeaning {
    /// Bytes come, from here on, of a file of this size.
    At(u64, Option<u64>),
    /// Everything is here.
    Nothing,
    /// The part is of no use.
    Other(&'static str),
    /// It may be tried again.
    Broken(String),
    /// It is not believed.
    Misbehaves(String),
    /// The file is not given.
    Refused,
}

impl Head {
    pub(super) fn of<T>(response: &ureq::http::Response<T>) -> Self {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        Self {
            status: response.status().as_u16(),
            length: header("content-length").and_then(|length| length.parse().ok()),
            range: header("content-range"),
            etag: header("etag"),
            modified: header("last-modified"),
        }
    }

    pub(super) fn start(&self, have: u64, known: &Origin) -> HeadMeaning {
        let total = self.range.as_deref().and_then(|range| range.rsplit('/').next()?.parse::<u64>().ok());
        match self.status {
            200 => HeadMeaning::At(0, self.length),
            206 => match self.range.as_deref().and_then(part_of) {
                Some(first) if first == have && self.same_as(known) => {
                    HeadMeaning::At(have, total.or(self.length.and_then(|length| have.checked_add(length))))
                }
                _ if have > 0 => HeadMeaning::Other("the server has another file than before"),
                _ => HeadMeaning::Misbehaves("its server sends a part of it that was not asked for".into()),
            },
            // Nothing is left to fetch, or the part is longer than the file.
            416 if have > 0 && total == Some(have) => HeadMeaning::Nothing,
            416 if have > 0 => HeadMeaning::Other("the server has another file than before"),
            408 | 429 | 500..=599 => HeadMeaning::Broken(format!("the server answers {}", self.status)),
            _ => HeadMeaning::Refused,
        }
    }

    /// The rest is of the file that the part is of, as far as its server says.
    pub(super) fn same_as(&self, known: &Origin) -> bool {
        let same = |before: &Option<String>, now: &Option<String>| match (before, now) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        };
        same(&known.etag, &self.etag) && same(&known.modified, &self.modified)
    }
}

/// The first byte of `bytes 5-9/10`, where the last is the end of the file.
pub(super) fn part_of(range: &str) -> Option<u64> {
    let (part, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let whole = total == "*" || last.checked_add(1).is_some_and(|end| total.parse() == Ok(end));
    (first <= last && whole).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_file_is_a_part_to_go_on_with() {
        assert_eq!(part_of("bytes 5-9/10"), Some(5));
        assert_eq!(part_of("bytes 5-9/*"), Some(5));
        for range in [
            "bytes 5-8/10",
            "bytes 9-5/6",
            "bytes */10",
            "bytes 5-9",
            "bytes -5-9/10",
            "items 5-9/10",
            "",
            "bytes 0-18446744073709551615/18446744073709551616",
        ] {
            assert_eq!(part_of(range), None, "{range}");
        }
    }
}

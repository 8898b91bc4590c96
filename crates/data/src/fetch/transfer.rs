//! One file on its way: attempt after attempt, checked, unpacked.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::catalogue::{Published, Remote};
use super::error::{FetchError, write_error};
use super::options::{FetchEvent, FetchOptions, FetchedFile};
use super::record::{MOST_RECORD, replace};
use super::request::{HeadMeaning, MOST_HEADERS, Origin, REDIRECTS, Request, ServerMessage};
use crate::archive::member_name;
use crate::paths::below;

/// An archive of images does not grow more than this when it is unpacked.
const MOST_TIMES: u64 = 100;
/// Files in an archive.
const MOST_FILES: u64 = 5_000_000;
/// With `unchecked`, a file may be so many times as long as the known one, and this long in any case.
const MOST_TIMES_UNCHECKED: u64 = 4;
const ALWAYS_UNCHECKED: u64 = 1 << 30;
/// Bytes of a file whose size nobody knows beforehand.
const MOST_UNKNOWN: u64 = 256 << 30;
/// Attempts for one file that bring nothing, in a row.
const ATTEMPTS_IN_VAIN: u32 = 5;
/// Attempts for one file in all: a server that breaks off after every byte ends it, too.
const ATTEMPTS: u32 = 100;
/// A server that sends less is left, and asked again.
const SLOWEST: u64 = 1024;

/// One file on its way.
pub(super) struct Transfer<'a> {
    pub(super) set: &'a Published,
    pub(super) remote: &'a Remote,
    pub(super) options: &'a FetchOptions,
    pub(super) stop: &'a AtomicBool,
    pub(super) progress: &'a dyn Fn(FetchEvent<'_>),
}

/// How one attempt ended.
enum AttemptEnd {
    Whole,
    /// It may be tried again.
    Broken(String),
}

/// How often it looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);

/// Bytes of a part that are here. A link is no part of ours.
fn size(part: &Path) -> u64 {
    fs::symlink_metadata(part).ok().filter(fs::Metadata::is_file).map_or(0, |metadata| metadata.len())
}

fn remove(part: &Path) -> Result<(), FetchError> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(part)(error)),
        _ => Ok(()),
    }
}

impl Transfer<'_> {
    fn path(&self, suffix: &str) -> PathBuf {
        self.options.to.join(format!("{}{suffix}", self.remote.name()))
    }

    fn url(&self) -> String {
        match &self.options.mirror {
            Some(mirror) => format!("{}/{}", mirror.trim_end_matches('/'), self.remote.name()),
            None => self.remote.url.clone(),
        }
    }

    fn stopped(&self) -> Result<(), FetchError> {
        if self.stop.load(Ordering::Relaxed) { Err(FetchError::Stopped) } else { Ok(()) }
    }

    pub(super) fn run(&self) -> Result<FetchedFile, FetchError> {
        let name = self.remote.name();
        let (path, part) = (self.path(""), self.path(".part"));
        // Someone may have put it there by hand.
        let by_hand = path.is_file();
        if !by_hand {
            self.fetch(&part)?;
        }
        let (bytes, sha256, as_known) = self.check(if by_hand { &path } else { &part })?;
        if !by_hand {
            fs::rename(&part, &path).map_err(write_error(&path))?;
            let _ = fs::remove_file(self.path(".origin"));
        }
        if self.remote.unpack {
            self.unpack(&path)?;
            if !self.options.keep {
                fs::remove_file(&path).map_err(write_error(&path))?;
            }
        }
        Ok(FetchedFile {
            file: name.to_owned(),
            url: self.url(),
            bytes,
            sha256,
            as_known,
            unpacked: self.remote.unpack,
        })
    }

    /// Fetches into the part, and goes on with it where the connection breaks off.
    fn fetch(&self, part: &Path) -> Result<(), FetchError> {
        let (mut in_vain, mut attempts) = (0, 0);
        loop {
            self.stopped()?;
            let before = size(part);
            let reason = match self.attempt(part)? {
                AttemptEnd::Whole => return Ok(()),
                AttemptEnd::Broken(reason) => reason,
            };
            let done = size(part);
            attempts += 1;
            // What gets further is not in vain.
            in_vain = if done > before { 1 } else { in_vain + 1 };
            if in_vain >= ATTEMPTS_IN_VAIN || attempts >= ATTEMPTS {
                return Err(FetchError::BreaksOff { url: self.url(), done, reason });
            }
            (self.progress)(FetchEvent::Again { file: self.remote.name(), reason: &reason });
            let until = Instant::now() + self.options.wait * 2u32.pow(in_vain - 1);
            while Instant::now() < until {
                self.stopped()?;
                std::thread::sleep(Duration::from_millis(50).min(self.options.wait));
            }
        }
    }

    /// Bytes at most that are taken of this file.
    fn most(&self) -> u64 {
        match self.remote.bytes {
            Some(known) if self.options.unchecked => {
                known.saturating_mul(MOST_TIMES_UNCHECKED).max(ALWAYS_UNCHECKED)
            }
            Some(known) => known,
            None => MOST_UNKNOWN,
        }
    }

    fn misbehaves(&self, reason: String) -> FetchError {
        FetchError::Misbehaves { url: self.url(), reason, home: self.set.home.clone() }
    }

    fn attempt(&self, part: &Path) -> Result<AttemptEnd, FetchError> {
        let (url, origin_path) = (self.url(), self.path(".origin"));
        let known: Origin = bakeoff_files::read(&origin_path, MOST_RECORD)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let have = if known.url == url { size(part) } else { 0 };
        let (send, receive) = sync_channel(8);
        let request = Request { url: url.clone(), have, same: known.same(), patience: self.options.patience };
        // In a thread of its own, so that a silent server can be left.
        let started = std::thread::Builder::new().spawn(move || request.run(&send));
        if let Err(error) = started {
            return Ok(AttemptEnd::Broken(error.to_string()));
        }
        let head = loop {
            self.stopped()?;
            match receive.recv_timeout(LOOK) {
                Ok(ServerMessage::Head(head)) => break head,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(ServerMessage::Bytes(_)) | Err(RecvTimeoutError::Disconnected) => {
                    return Ok(AttemptEnd::Broken("the connection broke off".into()));
                }
            }
        };
        let head = match head {
            Ok(head) => head,
            Err(ureq::Error::Io(error)) if have > 0 => return Ok(AttemptEnd::Broken(error.to_string())),
            Err(error) => return Err(self.unanswered(url, error)),
        };
        let start = match head.start(have, &known) {
            HeadMeaning::At(from, total) => (from, total),
            HeadMeaning::Nothing => return Ok(AttemptEnd::Whole),
            HeadMeaning::Other(reason) => {
                remove(part)?;
                return Ok(AttemptEnd::Broken(reason.to_owned()));
            }
            HeadMeaning::Broken(reason) => return Ok(AttemptEnd::Broken(reason)),
            HeadMeaning::Misbehaves(reason) => return Err(self.misbehaves(reason)),
            HeadMeaning::Refused => {
                return Err(FetchError::Refused { url, status: head.status, home: self.set.home.clone() });
            }
        };
        self.fits(start, part)?;
        let origin = Origin { url, etag: head.etag, modified: head.modified };
        replace(&origin_path, &serde_json::to_vec(&origin).unwrap_or_default())?;
        self.receive(part, start, &receive)
    }

    /// Why there was no answer.
    fn unanswered(&self, url: String, error: ureq::Error) -> FetchError {
        match error {
            ureq::Error::RequireHttpsOnly(_) => {
                self.misbehaves("its server sends us on from https to an address without encryption".into())
            }
            ureq::Error::TooManyRedirects => {
                self.misbehaves(format!("its server sends us on more than {REDIRECTS} times"))
            }
            ureq::Error::LargeResponseHeader(..) => self.misbehaves(format!(
                "its server answers with more than {} KiB of headers",
                MOST_HEADERS >> 10
            )),
            error => {
                let host = url.split('/').nth(2).unwrap_or(&url).to_owned();
                let folder = self.options.to.clone();
                FetchError::Unreachable { host, url, reason: error.to_string(), folder }
            }
        }
    }

    /// Whether a file of the size that the server names is one we want, and has room.
    fn fits(&self, (from, total): (u64, Option<u64>), part: &Path) -> Result<(), FetchError> {
        let Some(total) = total else { return Ok(()) };
        let name = self.remote.name();
        if let Some(known) = self.remote.bytes.filter(|known| *known != total && !self.options.unchecked) {
            remove(part)?;
            let difference = format!("the server's has {total} bytes instead of {known}");
            return Err(FetchError::Different {
                file: name.to_owned(),
                difference,
                home: self.set.home.clone(),
            });
        }
        if total > self.most() {
            return Err(self.misbehaves(format!(
                "it has {total} bytes, and {} are the most that are taken",
                self.most()
            )));
        }
        let needed = total - from;
        match fs4::available_space(&self.options.to) {
            Ok(free) if free < needed => Err(FetchError::NoRoom {
                file: name.to_owned(),
                needed,
                free,
                folder: self.options.to.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Writes what comes into the part.
    fn receive(
        &self,
        part: &Path,
        (from, total): (u64, Option<u64>),
        receive: &Receiver<ServerMessage>,
    ) -> Result<AttemptEnd, FetchError> {
        let name = self.remote.name();
        // A link that was laid in its place is replaced, not followed.
        let file =
            if from == 0 { bakeoff_files::create_in_place(part) } else { bakeoff_files::open_own(part) };
        let mut file = file.map_err(write_error(part))?;
        file.seek(SeekFrom::Start(from)).map_err(write_error(part))?;
        let most = self.most();
        let mut done = from;
        let (mut began, mut then) = (Instant::now(), done);
        (self.progress)(FetchEvent::Fetching { file: name, done, total });
        let end = loop {
            self.stopped()?;
            match receive.recv_timeout(LOOK) {
                Ok(ServerMessage::Bytes(Ok(chunk))) if chunk.is_empty() => break Ok(()),
                Ok(ServerMessage::Bytes(Ok(chunk))) => {
                    file.write_all(&chunk).map_err(write_error(part))?;
                    done += chunk.len() as u64;
                    (self.progress)(FetchEvent::Fetching { file: name, done, total });
                    // A file that is longer than known is another one: no need to fill the disk with it.
                    if done > most && self.remote.bytes.is_some() && !self.options.unchecked {
                        break Ok(());
                    }
                    if done > most {
                        drop(file);
                        remove(part)?;
                        return Err(self
                            .misbehaves(format!("it has more than {most} bytes, the most that are taken")));
                    }
                }
                Ok(ServerMessage::Bytes(Err(error))) => break Err(error.to_string()),
                Ok(ServerMessage::Head(_)) | Err(RecvTimeoutError::Disconnected) => {
                    break Err("the connection broke off".into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let patience = self.options.patience;
            if began.elapsed() >= patience {
                let came = done - then;
                if came == 0 {
                    break Err("the server went silent".into());
                }
                if (came as f64) < patience.as_secs_f64() * SLOWEST as f64 {
                    break Err(format!("the server sends less than {SLOWEST} bytes a second"));
                }
                (began, then) = (Instant::now(), done);
            }
        };
        file.sync_all().map_err(write_error(part))?;
        Ok(match end {
            Err(reason) => AttemptEnd::Broken(reason),
            Ok(()) if total.is_some_and(|total| done < total) => {
                AttemptEnd::Broken(format!("the server closed the connection after {done} bytes"))
            }
            Ok(()) => AttemptEnd::Whole,
        })
    }

    /// Size and SHA-256 of the file, and whether they are the known ones. Another file is removed.
    fn check(&self, path: &Path) -> Result<(u64, String, bool), FetchError> {
        let name = self.remote.name();
        (self.progress)(FetchEvent::Checking { file: name });
        let mut file = File::open(path).map_err(write_error(path))?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            self.stopped()?;
            match file.read(&mut buffer).map_err(write_error(path))? {
                0 => break,
                count => {
                    digest.update(&buffer[..count]);
                    bytes += count as u64;
                }
            }
        }
        let sha256: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let difference = match (self.remote.bytes, &self.remote.sha256) {
            (Some(known), _) if known != bytes => Some(format!("it has {bytes} bytes instead of {known}")),
            (_, Some(known)) if *known != sha256 => {
                Some(format!("its SHA-256 is {sha256} instead of {known}"))
            }
            _ => None,
        };
        match difference {
            Some(difference) if !self.options.unchecked => {
                let _ = fs::remove_file(path);
                let home = self.set.home.clone();
                Err(FetchError::Different { file: name.to_owned(), difference, home })
            }
            difference => Ok((bytes, sha256, difference.is_none() && self.remote.sha256.is_some())),
        }
    }

    /// Unpacks a `.tar.gz` into a folder of its own and then moves it in place, so that what is there is whole. Only folders
    /// and regular files are made, never outside the folder.
    fn unpack(&self, path: &Path) -> Result<(), FetchError> {
        let name = self.remote.name();
        let broken = |reason: String| FetchError::Archive { file: name.to_owned(), reason };
        let bad = |error: io::Error| broken(format!("{error}; remove it and run the same command again"));
        let staging = self.options.to.join(".unpacking");
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(write_error(&staging))?;
        }
        fs::create_dir(&staging).map_err(write_error(&staging))?;
        let file = File::open(path).map_err(write_error(path))?;
        let size = file.metadata().map_err(write_error(path))?.len();
        let most = size.saturating_mul(MOST_TIMES).max(64 << 20);
        let source =
            flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)).take(most + 1);
        let mut archive = tar::Archive::new(source);
        let mut done = 0;
        for entry in archive.entries().map_err(bad)? {
            self.stopped()?;
            let mut entry = entry.map_err(bad)?;
            let kind = entry.header().entry_type();
            let member = member_name(path, &entry.path_bytes()).map_err(|error| broken(error.to_string()))?;
            if member.is_empty() || !(kind.is_file() || kind.is_contiguous()) {
                continue;
            }
            let to = below(&staging, &member);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(write_error(parent))?;
            }
            // Reading and writing apart: a full disk is no broken archive.
            let mut out = File::create(&to).map_err(write_error(&to))?;
            let mut buffer = vec![0; 1 << 16];
            loop {
                self.stopped()?;
                match entry.read(&mut buffer).map_err(bad)? {
                    0 => break,
                    count => out.write_all(&buffer[..count]).map_err(write_error(&to))?,
                }
            }
            done += 1;
            if done > MOST_FILES {
                return Err(broken(format!("it holds more than {MOST_FILES} files: this is no data set")));
            }
            (self.progress)(FetchEvent::Unpacking { file: name, done });
        }
        // To the end, where the checksum is.
        let mut rest = archive.into_inner();
        io::copy(&mut rest, &mut io::sink()).map_err(bad)?;
        if rest.limit() == 0 {
            return Err(broken(format!(
                "it grows to more than {MOST_TIMES} times its size: this is no data set"
            )));
        }
        if done == 0 {
            return Err(broken("it holds no files".into()));
        }
        for entry in fs::read_dir(&staging).map_err(write_error(&staging))? {
            let from = entry.map_err(write_error(&staging))?.path();
            let to = self.options.to.join(from.file_name().unwrap_or_default());
            if to.exists() {
                return Err(broken(format!(
                    "{} is in the way; remove it, or fetch into another folder with --to",
                    to.display()
                )));
            }
            fs::rename(&from, &to).map_err(write_error(&to))?;
        }
        fs::remove_dir(&staging).map_err(write_error(&staging))
    }
}

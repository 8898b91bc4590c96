//! Published data sets, fetched from where their authors put them, whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::archive::member_name;
use crate::nearest;
use crate::paths::below;

/// What is known of the files of a data set, beside them.
const RECORD: &str = "fetched.json";
/// Bytes of what we write beside the files ourselves.
const MOST_RECORD: u64 = 16 << 20;
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
/// Addresses that one request is sent on to.
const REDIRECTS: u32 = 5;
/// Bytes of an answer's headers.
const MOST_HEADERS: usize = 64 << 10;

/// A data set and where it is.
#[derive(Clone, Debug)]
pub struct Published {
    /// What people call it here: `oxford-iiit-pet`.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// The page that describes it and says what it may be used for.
    pub home: String,
    /// Its files.
    pub files: Vec<Remote>,
    /// The source, below the folder it is fetched into; empty: the folder itself.
    pub path: String,
}

/// A file of a data set.
#[derive(Clone, Debug)]
pub struct Remote {
    /// The official address.
    pub url: String,
    /// Its size in bytes, where it is known.
    pub bytes: Option<u64>,
    /// SHA-256 in hex, where one is known.
    pub sha256: Option<String>,
    /// A `.tar.gz` that is unpacked, and then removed; other files are used as they are.
    pub unpack: bool,
}

impl Remote {
    /// The file's name: the end of its address.
    #[must_use]
    pub fn name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

/// The data sets that can be fetched. Sizes and SHA-256 are those that TensorFlow Datasets 4.9.10 recorded for the same
/// addresses; of none of them do the authors publish a SHA-256.
#[must_use]
pub fn published() -> Vec<Published> {
    let set = |name: &str, title: &str, home: &str, files: Vec<Remote>| Published {
        name: name.into(),
        title: title.into(),
        home: home.into(),
        files,
        path: String::new(),
    };
    let file = |url: &str, bytes: u64, sha256: &str| Remote {
        url: url.into(),
        bytes: Some(bytes),
        sha256: Some(sha256.into()),
        unpack: url.ends_with(".tgz") || url.ends_with(".tar.gz"),
    };
    let dogs = "http://vision.stanford.edu/aditya86/ImageNetDogs";
    let vgg = "https://www.robots.ox.ac.uk/~vgg/data";
    let kriz = "https://www.cs.toronto.edu/~kriz";
    let fast = "https://s3.amazonaws.com/fast-ai-imageclas";
    let imagenette = |name: &str, size: &str, archive: &str, bytes: u64, sha256: &str| {
        let title =
            format!("Imagenette, {size}: 10 easy classes of ImageNet, 9,469 train / 3,925 validation");
        let url = format!("{fast}/{archive}");
        let path = archive.trim_end_matches(".tgz").to_owned();
        let set = set(name, &title, "https://github.com/fastai/imagenette", vec![file(&url, bytes, sha256)]);
        Published { path, ..set }
    };
    vec![
        set(
            "stanford-dogs",
            "Stanford Dogs: 120 breeds, 12,000 train / 8,580 test",
            dogs,
            vec![
                file(
                    &format!("{dogs}/images.tar"),
                    793_579_520,
                    "a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58",
                ),
                file(
                    &format!("{dogs}/lists.tar"),
                    481_280,
                    "34b47cacd9a98b5d150e084f24d29391c084c55272295ec65c85651bc35f4d6c",
                ),
            ],
        ),
        set(
            "oxford-iiit-pet",
            "Oxford-IIIT Pet: 37 breeds of cats and dogs, 3,680 train / 3,669 test",
            &format!("{vgg}/pets/"),
            vec![
                file(
                    "https://thor.robots.ox.ac.uk/~vgg/data/pets/images.tar.gz",
                    791_918_971,
                    "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
                ),
                file(
                    "https://thor.robots.ox.ac.uk/~vgg/data/pets/annotations.tar.gz",
                    19_173_078,
                    "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
                ),
            ],
        ),
        set(
            "cub-200",
            "CUB-200-2011: 200 species of birds, 5,994 train / 5,794 test",
            "https://www.vision.caltech.edu/datasets/cub_200_2011/",
            vec![file(
                "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1",
                1_150_585_339,
                "0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
            )],
        ),
        set(
            "flowers-102",
            "Oxford Flowers-102: 102 kinds of flowers, 1,020 train / 1,020 validation / 6,149 test",
            &format!("{vgg}/flowers/102/"),
            vec![
                file(
                    &format!("{vgg}/flowers/102/102flowers.tgz"),
                    344_862_509,
                    "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
                ),
                file(
                    &format!("{vgg}/flowers/102/imagelabels.mat"),
                    502,
                    "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
                ),
                file(
                    &format!("{vgg}/flowers/102/setid.mat"),
                    14_989,
                    "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
                ),
            ],
        ),
        set(
            "cifar-10",
            "CIFAR-10: 10 classes of 32×32 pixels, 50,000 train / 10,000 test",
            &format!("{kriz}/cifar.html"),
            vec![file(
                &format!("{kriz}/cifar-10-binary.tar.gz"),
                170_052_171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            )],
        ),
        set(
            "cifar-100",
            "CIFAR-100: 100 classes of 32×32 pixels, 50,000 train / 10,000 test",
            &format!("{kriz}/cifar.html"),
            vec![file(
                &format!("{kriz}/cifar-100-binary.tar.gz"),
                168_513_733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            )],
        ),
        imagenette(
            "imagenette",
            "full size",
            "imagenette2.tgz",
            1_557_161_267,
            "6cbfac238434d89fe99e651496f0812ebc7a10fa62bd42d6874042bf01de4efd",
        ),
        imagenette(
            "imagenette-320",
            "320 px",
            "imagenette2-320.tgz",
            341_663_724,
            "569b4497c98db6dd29f335d1f109cf315fe127053cedf69010d047f0188e158c",
        ),
        imagenette(
            "imagenette-160",
            "160 px",
            "imagenette2-160.tgz",
            99_003_388,
            "64d0c4859f35a461889e0147755a999a48b49bf38a7e0f9bd27003f10db02fe5",
        ),
    ]
}

/// How a data set is fetched.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// The folder that will hold it; made where it is not there.
    pub to: PathBuf,
    /// Another place for all of its files: `http://server/folder`, to which their names are added.
    pub mirror: Option<String>,
    /// Keep archives after they were unpacked.
    pub keep: bool,
    /// Take files whose size or SHA-256 is not the known one, up to four times the known size, and 1 GiB in any case.
    pub unchecked: bool,
    /// How long is waited before an interrupted transfer goes on, doubled each time.
    pub wait: Duration,
    /// How long a server may say nothing, or send less than 1 KiB a second, before the transfer is begun again from there.
    pub patience: Duration,
}

impl FetchOptions {
    /// Into this folder, from the official addresses.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        Self {
            to: folder.into(),
            mirror: None,
            keep: false,
            unchecked: false,
            wait: Duration::from_secs(1),
            patience: Duration::from_secs(60),
        }
    }
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchEvent<'a> {
    /// The file is here already.
    Here {
        /// Its name.
        file: &'a str,
    },
    /// Bytes have come; those of an earlier, interrupted run count.
    Fetching {
        /// The file's name.
        file: &'a str,
        /// Bytes so far.
        done: u64,
        /// Of so many, where the server says.
        total: Option<u64>,
    },
    /// The connection broke off; it is tried again.
    Again {
        /// The file's name.
        file: &'a str,
        /// What happened.
        reason: &'a str,
    },
    /// The file is compared with its SHA-256.
    Checking {
        /// Its name.
        file: &'a str,
    },
    /// The archive is unpacked.
    Unpacking {
        /// Its name.
        file: &'a str,
        /// Files so far.
        done: u64,
    },
}

/// What was fetched, for the record: `fetched.json` in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedFile {
    /// Its name.
    pub file: String,
    /// Where it was fetched from.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// It is the known one.
    pub as_known: bool,
    /// It was unpacked.
    pub unpacked: bool,
}

/// Why a data set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no such data set.
    #[error("there is no data set {name:?} to fetch{nearest}; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name, as a question.
        nearest: String,
        /// All names.
        known: String,
    },
    /// The server cannot be reached.
    #[error(
        "cannot reach {host} ({reason}): is there a network, and is the server up?\nWhere there is another place for the \
         files, name it with --mirror; or get {url} in some other way, put it into {folder} and run the same command again"
    )]
    Unreachable {
        /// The server.
        host: String,
        /// The address that was asked for.
        url: String,
        /// What went wrong.
        reason: String,
        /// Where the file would go.
        folder: PathBuf,
    },
    /// The server does not have the file, or does not give it.
    #[error(
        "{url} cannot be had: the server answers {status}; look on {home} whether it has moved, and name its folder with \
         --mirror"
    )]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The data set's page.
        home: String,
    },
    /// The server answers in a way that is not believed.
    #[error(
        "{url} cannot be had: {reason}. Nothing of it was taken; look on {home} whether it has moved, and name its folder with --mirror"
    )]
    Misbehaves {
        /// The address.
        url: String,
        /// What it did.
        reason: String,
        /// The data set's page.
        home: String,
    },
    /// There is no room for the file.
    #[error(
        "{file} has {needed} more bytes, and there is room for {free} in {folder}; make room, or name a folder on another disk with \
         --to, and run the same command again"
    )]
    NoRoom {
        /// Its name.
        file: String,
        /// Bytes that are still to come.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Where it would go.
        folder: PathBuf,
    },
    /// The transfer broke off too often.
    #[error(
        "{url} breaks off again and again after {done} bytes ({reason}); what is there is kept: run the same command again to go on"
    )]
    BreaksOff {
        /// The address.
        url: String,
        /// Bytes that are there.
        done: u64,
        /// What happened last.
        reason: String,
    },
    /// The file is not the one that is known.
    #[error(
        "{file} is not the file it should be: {difference}.\nIt was removed. Run the same command again; if it differs again, the \
         publisher has changed it: look on {home}, and take it with --unchecked if you trust it"
    )]
    Different {
        /// Its name.
        file: String,
        /// Size or SHA-256, as it is and as it should be.
        difference: String,
        /// The data set's page.
        home: String,
    },
    /// The archive cannot be unpacked.
    #[error("{file} cannot be unpacked: {reason}")]
    Archive {
        /// Its name.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}; what is there is kept: make room and run the same command again")]
    Write {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Asked to stop.
    #[error("stopped; what is there is kept: run the same command again to go on")]
    Stopped,
}

/// The published data set of a name.
///
/// # Errors
/// There is none; the message names the nearest and all.
pub fn find_published(name: &str) -> Result<Published, FetchError> {
    let sets = published();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let nearest = nearest(name, names.iter().copied());
    let unknown = FetchError::Unknown {
        name: name.to_owned(),
        nearest: nearest.map(|known| format!(" (did you mean {known:?}?)")).unwrap_or_default(),
        known: names.join(", "),
    };
    sets.into_iter().find(|set| set.name == name).ok_or(unknown)
}

/// Fetches what is not there yet, compares it with what is known of it, and unpacks it. Gives what was fetched, now or before.
///
/// # Errors
/// See [`FetchError`]. Whatever the error, running it again goes on from there.
pub fn fetch(
    set: &Published,
    options: &FetchOptions,
    stop: &AtomicBool,
    progress: &dyn Fn(FetchEvent<'_>),
) -> Result<Vec<FetchedFile>, FetchError> {
    let folder = options.to.as_path();
    fs::create_dir_all(folder).map_err(write_error(folder))?;
    let record = folder.join(RECORD);
    // A record that cannot be read is one that is not there.
    let mut fetched: Vec<FetchedFile> = bakeoff_files::read(&record, MOST_RECORD)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    for remote in &set.files {
        let name = remote.name();
        let before = fetched.iter().position(|file| file.file == name);
        if before.is_some_and(|at| fetched[at].unpacked || folder.join(name).is_file()) {
            progress(FetchEvent::Here { file: name });
            continue;
        }
        let file = Transfer { set, remote, options, stop, progress }.run()?;
        fetched.retain(|known| known.file != name);
        fetched.push(file);
        let text = serde_json::to_vec_pretty(&fetched).unwrap_or_default();
        replace(&record, &text)?;
    }
    Ok(fetched)
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::Write { path, source }
}

/// Writes a small file so that it is either the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    bakeoff_files::write_bytes(path, bytes)
        .map_err(|error| FetchError::Write { path: error.path, source: error.source })
}

/// One file on its way.
struct Transfer<'a> {
    set: &'a Published,
    remote: &'a Remote,
    options: &'a FetchOptions,
    stop: &'a AtomicBool,
    progress: &'a dyn Fn(FetchEvent<'_>),
}

/// How one attempt ended.
enum Attempt {
    Whole,
    /// It may be tried again.
    Broken(String),
}

/// What identifies the file on its server, kept beside the part: a part of another file is thrown away.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Origin {
    url: String,
    etag: Option<String>,
    modified: Option<String>,
}

impl Origin {
    /// What a server is asked to compare; a weak tag does not say that it is the same file.
    fn same(&self) -> Option<String> {
        let strong = self.etag.as_ref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.modified.as_ref()).cloned()
    }
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

/// A request for the rest of a file.
struct Request {
    url: String,
    /// Bytes that are here.
    have: u64,
    /// What the file must still be for them to be of use.
    same: Option<String>,
    patience: Duration,
}

/// What a request's thread hears from the server.
enum Said {
    Head(Result<Head, ureq::Error>),
    /// None at the end.
    Bytes(io::Result<Vec<u8>>),
}

impl Request {
    /// Until the end, or until nobody listens.
    fn run(self, send: &SyncSender<Said>) {
        let response = match self.call() {
            Ok(response) => response,
            Err(error) => return send.send(Said::Head(Err(error))).unwrap_or_default(),
        };
        if send.send(Said::Head(Ok(Head::of(&response)))).is_err() {
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
            if send.send(Said::Bytes(read)).is_err() || last {
                return;
            }
        }
    }

    fn call(&self) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
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
struct Head {
    status: u16,
    length: Option<u64>,
    range: Option<String>,
    etag: Option<String>,
    modified: Option<String>,
}

/// What the head of an answer means for a part.
enum Start {
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
    fn of<T>(response: &ureq::http::Response<T>) -> Self {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        Self {
            status: response.status().as_u16(),
            length: header("content-length").and_then(|length| length.parse().ok()),
            range: header("content-range"),
            etag: header("etag"),
            modified: header("last-modified"),
        }
    }

    fn start(&self, have: u64, known: &Origin) -> Start {
        let total = self.range.as_deref().and_then(|range| range.rsplit('/').next()?.parse::<u64>().ok());
        match self.status {
            200 => Start::At(0, self.length),
            206 => match self.range.as_deref().and_then(part_of) {
                Some(first) if first == have && self.same_as(known) => {
                    Start::At(have, total.or(self.length.and_then(|length| have.checked_add(length))))
                }
                _ if have > 0 => Start::Other("the server has another file than before"),
                _ => Start::Misbehaves("its server sends a part of it that was not asked for".into()),
            },
            // Nothing is left to fetch, or the part is longer than the file.
            416 if have > 0 && total == Some(have) => Start::Nothing,
            416 if have > 0 => Start::Other("the server has another file than before"),
            408 | 429 | 500..=599 => Start::Broken(format!("the server answers {}", self.status)),
            _ => Start::Refused,
        }
    }

    /// The rest is of the file that the part is of, as far as its server says.
    fn same_as(&self, known: &Origin) -> bool {
        let same = |before: &Option<String>, now: &Option<String>| match (before, now) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        };
        same(&known.etag, &self.etag) && same(&known.modified, &self.modified)
    }
}

/// The first byte of `bytes 5-9/10`, where the last is the end of the file.
fn part_of(range: &str) -> Option<u64> {
    let (part, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let whole = total == "*" || last.checked_add(1).is_some_and(|end| total.parse() == Ok(end));
    (first <= last && whole).then_some(first)
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

    fn run(&self) -> Result<FetchedFile, FetchError> {
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
                Attempt::Whole => return Ok(()),
                Attempt::Broken(reason) => reason,
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

    fn attempt(&self, part: &Path) -> Result<Attempt, FetchError> {
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
            return Ok(Attempt::Broken(error.to_string()));
        }
        let head = loop {
            self.stopped()?;
            match receive.recv_timeout(LOOK) {
                Ok(Said::Head(head)) => break head,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Said::Bytes(_)) | Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Attempt::Broken("the connection broke off".into()));
                }
            }
        };
        let head = match head {
            Ok(head) => head,
            Err(ureq::Error::Io(error)) if have > 0 => return Ok(Attempt::Broken(error.to_string())),
            Err(error) => return Err(self.unanswered(url, error)),
        };
        let start = match head.start(have, &known) {
            Start::At(from, total) => (from, total),
            Start::Nothing => return Ok(Attempt::Whole),
            Start::Other(reason) => {
                remove(part)?;
                return Ok(Attempt::Broken(reason.to_owned()));
            }
            Start::Broken(reason) => return Ok(Attempt::Broken(reason)),
            Start::Misbehaves(reason) => return Err(self.misbehaves(reason)),
            Start::Refused => {
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
        receive: &Receiver<Said>,
    ) -> Result<Attempt, FetchError> {
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
                Ok(Said::Bytes(Ok(chunk))) if chunk.is_empty() => break Ok(()),
                Ok(Said::Bytes(Ok(chunk))) => {
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
                Ok(Said::Bytes(Err(error))) => break Err(error.to_string()),
                Ok(Said::Head(_)) | Err(RecvTimeoutError::Disconnected) => {
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
            Err(reason) => Attempt::Broken(reason),
            Ok(()) if total.is_some_and(|total| done < total) => {
                Attempt::Broken(format!("the server closed the connection after {done} bytes"))
            }
            Ok(()) => Attempt::Whole,
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

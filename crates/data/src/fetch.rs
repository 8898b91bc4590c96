//! Published data sets, fetched from where their authors put them, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::archive::member_name;
use crate::paths::below;

/// What is known of the files of a data set, beside them.
const RECORD: &str = "fetched.json";
/// An archive of images does not grow more than this when it is unpacked.
const MOST_TIMES: u64 = 100;

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
    /// Take files whose size or SHA-256 is not the known one.
    pub unchecked: bool,
    /// How long is waited before an interrupted transfer goes on, doubled each time.
    pub wait: Duration,
}

impl FetchOptions {
    /// Into this folder, from the official addresses.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        Self { to: folder.into(), mirror: None, keep: false, unchecked: false, wait: Duration::from_secs(1) }
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
    let like = |known: &&&str| strsim::jaro_winkler(known, name);
    let nearest = names.iter().max_by(|a, b| like(a).total_cmp(&like(b))).filter(|known| like(known) > 0.7);
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
    let mut fetched: Vec<FetchedFile> =
        fs::read(&record).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
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
        replace(&record, &text).map_err(write_error(&record))?;
    }
    Ok(fetched)
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::Write { path, source }
}

/// Writes a small file so that it is either the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)
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
        const ATTEMPTS: u32 = 5;
        let size = |part: &Path| fs::metadata(part).map_or(0, |metadata| metadata.len());
        let mut failed = 0;
        loop {
            self.stopped()?;
            let before = size(part);
            let reason = match self.attempt(part)? {
                Attempt::Whole => return Ok(()),
                Attempt::Broken(reason) => reason,
            };
            let done = size(part);
            // What gets further counts as no failure.
            failed = if done > before { 1 } else { failed + 1 };
            if failed >= ATTEMPTS {
                return Err(FetchError::BreaksOff { url: self.url(), done, reason });
            }
            (self.progress)(FetchEvent::Again { file: self.remote.name(), reason: &reason });
            let until = Instant::now() + self.options.wait * 2u32.pow(failed - 1);
            while Instant::now() < until {
                self.stopped()?;
                std::thread::sleep(Duration::from_millis(50).min(self.options.wait));
            }
        }
    }

    fn attempt(&self, part: &Path) -> Result<Attempt, FetchError> {
        const STALLED: Duration = Duration::from_secs(60);
        let (name, url, origin_path) = (self.remote.name(), self.url(), self.path(".origin"));
        let known: Origin = fs::read(&origin_path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let have = match fs::metadata(part) {
            Ok(metadata) if known.url == url => metadata.len(),
            _ => 0,
        };
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("bakeoff/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(STALLED))
            .build()
            .into();
        let mut request = agent.get(&url);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
            // Only if it is still the same file; a weak tag does not say so.
            let strong = known.etag.as_ref().filter(|tag| !tag.starts_with("W/"));
            if let Some(same) = strong.or(known.modified.as_ref()) {
                request = request.header("If-Range", same);
            }
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(ureq::Error::Io(error)) if have > 0 => return Ok(Attempt::Broken(error.to_string())),
            Err(error) => {
                let host = url.split('/').nth(2).unwrap_or(&url).to_owned();
                let folder = self.options.to.clone();
                return Err(FetchError::Unreachable { host, url, reason: error.to_string(), folder });
            }
        };
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let status = response.status().as_u16();
        let length: Option<u64> = header("content-length").and_then(|length| length.parse().ok());
        let range = header("content-range");
        let starts_at = |range: &str| range.strip_prefix("bytes ")?.split('-').next()?.parse::<u64>().ok();
        let total_in = |range: &str| range.rsplit('/').next()?.parse::<u64>().ok();
        let (from, total) = match status {
            206 if range.as_deref().and_then(starts_at) == Some(have) => {
                (have, range.as_deref().and_then(total_in).or(length.map(|length| have + length)))
            }
            200 => (0, length),
            // Nothing is left to fetch, or the part is longer than the file.
            416 if range.as_deref().and_then(total_in) == Some(have) => return Ok(Attempt::Whole),
            206 | 416 => {
                fs::remove_file(part).map_err(write_error(part))?;
                return Ok(Attempt::Broken("the server has another file than before".into()));
            }
            408 | 429 | 500..=599 => return Ok(Attempt::Broken(format!("the server answers {status}"))),
            status => return Err(FetchError::Refused { url, status, home: self.set.home.clone() }),
        };
        let origin = Origin { url, etag: header("etag"), modified: header("last-modified") };
        replace(&origin_path, &serde_json::to_vec(&origin).unwrap_or_default())
            .map_err(write_error(&origin_path))?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(false)
            .write(true)
            .truncate(from == 0)
            .open(part)
            .map_err(write_error(part))?;
        file.seek(SeekFrom::Start(from)).map_err(write_error(part))?;

        // Bytes come from a thread of their own, so that a silent server can be left.
        let (send, receive) = sync_channel::<io::Result<Vec<u8>>>(8);
        let mut body = response.into_body().into_reader();
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; 128 << 10];
                let read = body.read(&mut chunk).map(|count| {
                    chunk.truncate(count);
                    chunk
                });
                let last = !matches!(&read, Ok(chunk) if !chunk.is_empty());
                if send.send(read).is_err() || last {
                    return;
                }
            }
        });
        let (mut done, mut heard) = (from, Instant::now());
        let most = self.remote.bytes.filter(|_| !self.options.unchecked);
        (self.progress)(FetchEvent::Fetching { file: name, done, total });
        let end = loop {
            self.stopped()?;
            match receive.recv_timeout(Duration::from_millis(200)) {
                Ok(Ok(chunk)) if chunk.is_empty() => break Ok(()),
                Ok(Ok(chunk)) => {
                    file.write_all(&chunk).map_err(write_error(part))?;
                    (done, heard) = (done + chunk.len() as u64, Instant::now());
                    (self.progress)(FetchEvent::Fetching { file: name, done, total });
                    // A file that is longer than known is another one: no need to fill the disk with it.
                    if most.is_some_and(|most| done > most) {
                        break Ok(());
                    }
                }
                Ok(Err(error)) => break Err(error.to_string()),
                Err(RecvTimeoutError::Timeout) if heard.elapsed() < STALLED => {}
                Err(_) => break Err("the server went silent".into()),
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
                match entry.read(&mut buffer).map_err(bad)? {
                    0 => break,
                    count => out.write_all(&buffer[..count]).map_err(write_error(&to))?,
                }
            }
            done += 1;
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

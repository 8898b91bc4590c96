//! Every source meets broken files: cut short, with flipped bits, with sizes that are huge, empty, or of another kind.
//!
//! Whatever they hold, opening them and reading every image ends without a panic, soon, and without asking for more memory than
//! such small files could need. The mutations are drawn from a seed, so a case that fails fails again.
//!
//! `BAKEOFF_FUZZ_SECONDS=600 cargo test -p bakeoff-data --test hostile -- --nocapture` goes on for ten minutes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bakeoff_data::{Dataset, SourceConfig, SourceKind};
use bakeoff_random::Stream;

/// The most bytes in use since the last reset.
struct Counted;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is the system allocator's; only sizes are added up beside it.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// Fixtures hold kilobytes. What a decoder needs for a picture that a flipped bit made large is in here too; a length of
/// 2³² taken at its word is not.
const MOST_MEMORY: usize = 768 << 20;
/// A machine may be busy, but no broken file of a few kilobytes is worth a minute.
const MOST_TIME: Duration = Duration::from_secs(60);

struct Case {
    name: &'static str,
    kind: SourceKind,
    /// What is opened, below the folder.
    open: &'static str,
}

const CASES: [Case; 13] = [
    Case { name: "sources/tfds/tiny_dogs/1.2.0", kind: SourceKind::Tfds, open: "" },
    Case { name: "sources/tfds/tiny_digits/3.0.1", kind: SourceKind::Tfds, open: "" },
    Case { name: "sources/parquet/dogs", kind: SourceKind::Parquet, open: "" },
    Case { name: "sources/parquet/plain.parquet", kind: SourceKind::Parquet, open: "plain.parquet" },
    Case { name: "sources/webdataset/dogs", kind: SourceKind::Webdataset, open: "" },
    Case { name: "sources/packed/dogs.tar", kind: SourceKind::Archive, open: "dogs.tar" },
    Case { name: "sources/packed/dogs.tar.gz", kind: SourceKind::Archive, open: "dogs.tar.gz" },
    Case { name: "sources/packed/dogs.zip", kind: SourceKind::Archive, open: "dogs.zip" },
    Case { name: "sources/cifar/cifar-10", kind: SourceKind::Cifar, open: "" },
    Case { name: "sources/cifar/cifar-100", kind: SourceKind::Cifar, open: "" },
    Case { name: "sources/idx/mnist", kind: SourceKind::Idx, open: "" },
    Case { name: "sources/idx/mnist-gz", kind: SourceKind::Idx, open: "" },
    Case { name: "dogs", kind: SourceKind::StanfordDogs, open: "" },
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Copies a file or a folder into `to`, and gives the files.
fn copy(from: &Path, to: &Path) -> Vec<PathBuf> {
    if from.is_file() {
        let to = to.join(from.file_name().unwrap());
        fs::write(&to, fs::read(from).unwrap()).unwrap();
        return vec![to];
    }
    let mut inner: Vec<PathBuf> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    inner.sort();
    let into = |path: &Path| {
        let folder = if path.is_dir() { to.join(path.file_name().unwrap()) } else { to.to_owned() };
        fs::create_dir_all(&folder).unwrap();
        copy(path, &folder)
    };
    inner.iter().flat_map(|path| into(path)).collect()
}

/// Breaks bytes in one of many ways.
fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], stream: &mut Stream) {
    // Headers and footers are where it hurts.
    let place = |bytes: &[u8], stream: &mut Stream| match (stream.below(4), bytes.len()) {
        (_, 0) => 0,
        (0, length) => stream.below(length.min(64)),
        (1, length) => length - 1 - stream.below(length.min(200)),
        (_, length) => stream.below(length),
    };
    match stream.below(9) {
        0 => bytes.truncate(place(bytes, stream)),
        1 => bytes.clear(),
        2 => *bytes = others[stream.below(others.len())].clone(),
        3 => {
            let at = place(bytes, stream);
            let huge = [0xFF, 0xFF, 0xFF, [0x7F, 0xFF][stream.below(2)]];
            bytes.iter_mut().skip(at).zip(huge).for_each(|(byte, huge)| *byte = huge);
        }
        4 => {
            // A varint of many bits, as in TFRecord and Parquet.
            let at = place(bytes, stream);
            let huge = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
            bytes.iter_mut().skip(at).zip(huge).for_each(|(byte, huge)| *byte = huge);
        }
        5 => {
            let at = place(bytes, stream);
            let count = stream.below(40);
            bytes.splice(at..(at + count).min(bytes.len()), []);
        }
        6 => {
            let at = place(bytes, stream);
            let piece: Vec<u8> = bytes.iter().skip(at).take(stream.below(64)).copied().collect();
            bytes.splice(at..at, piece);
        }
        _ => {
            for _ in 0..1 + stream.below(4) {
                let at = place(bytes, stream);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << stream.below(8);
                }
            }
        }
    }
}

fn read_all(config: &SourceConfig) {
    if let Ok(dataset) = Dataset::open(config) {
        for index in 0..dataset.samples().len().min(64) {
            let _ = dataset.load(index);
        }
    }
}

#[test]
fn no_broken_file_makes_a_source_panic_or_fill_the_memory() {
    let seconds = std::env::var("BAKEOFF_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let rounds = if seconds.is_some() { usize::MAX } else { 60 };
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let wholes: Vec<(tempfile::TempDir, Vec<PathBuf>, Vec<Vec<u8>>)> = CASES
        .iter()
        .map(|case| {
            let folder = tempfile::tempdir().unwrap();
            let files = copy(&fixture(case.name), folder.path());
            let bytes = files.iter().map(|file| fs::read(file).unwrap()).collect();
            (folder, files, bytes)
        })
        .collect();
    let others: Vec<Vec<u8>> = wholes.iter().map(|(_, _, bytes)| bytes[0].clone()).collect();
    let mut tried = 0usize;
    'rounds: for round in 0..rounds {
        for (number, (case, (folder, files, wholes))) in CASES.iter().zip(&wholes).enumerate() {
            if until.is_some_and(|until| Instant::now() > until) {
                break 'rounds;
            }
            let mut stream = Stream::new(round as u64, "hostile", 0, number as u64);
            let file = stream.below(files.len());
            let mut bytes = wholes[file].clone();
            mutate(&mut bytes, &others, &mut stream);
            fs::write(&files[file], &bytes).unwrap();
            let path =
                if case.open.is_empty() { folder.path().to_owned() } else { folder.path().join(case.open) };
            let config = SourceConfig { kind: Some(case.kind), ..SourceConfig::at(path) };
            let what = || format!("{} round {round}: {}", case.name, files[file].display());
            let before = IN_USE.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            let started = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| read_all(&config)));
            assert!(outcome.is_ok(), "{}", what());
            let asked = PEAK.load(Ordering::Relaxed).saturating_sub(before);
            assert!(asked <= MOST_MEMORY, "{} asked for {} MiB", what(), asked >> 20);
            assert!(started.elapsed() < MOST_TIME, "{} took {:?}", what(), started.elapsed());
            fs::write(&files[file], &wholes[file]).unwrap();
            tried += 1;
        }
    }
    eprintln!("{tried} broken files tried");
    for (case, (folder, _, _)) in CASES.iter().zip(&wholes) {
        let path =
            if case.open.is_empty() { folder.path().to_owned() } else { folder.path().join(case.open) };
        let config = SourceConfig { kind: Some(case.kind), ..SourceConfig::at(path) };
        assert!(Dataset::open(&config).is_ok(), "{} is whole again", case.name);
    }
}

//! What the fuzz targets do with bytes: the same as a study would with a file that holds them.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use bakeoff_data::{Dataset, PackMode, SourceConfig, SourceKind, decode_draft, decode_region, decode_within};
use bakeoff_nn::{Snapshot, WeightSource, Weights};
use bakeoff_report::Results;
use bakeoff_report::results::{ResultsOptions, Source};
use bakeoff_study::{RunFolder, RunOptions, Silent, Study};
use tempfile::TempDir;

/// Pixels of the largest picture that is decoded: a header may ask for more than a fuzzer has time for.
const PIXELS: u64 = 1 << 20;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/data/tests/fixtures")
}

/// JPEG, PNG, GIF, BMP, WebP: in full, in part, and as drafts.
pub fn decode(bytes: &[u8]) {
    if decode_within(bytes, PIXELS).is_ok() {
        let _ = decode_draft(bytes, Some(3));
        let centre = |width: usize, height: usize| bakeoff_data::Region {
            x: width / 3,
            y: height / 3,
            width: width.div_ceil(3),
            height: height.div_ceil(3),
        };
        decode_region(bytes, &mut |width, height| centre(width, height)).expect("what decodes, decodes in part");
    }
}

/// A folder that lives as long as the process, copied from a fixture.
fn folder(fixture: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    if !fixture.is_empty() {
        copy(&fixtures().join(fixture), folder.path());
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a fixture").flatten() {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&place).expect("a folder");
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), &place).expect("a file");
        }
    }
}

fn read_all(config: &SourceConfig) {
    if let Ok(dataset) = Dataset::open(config) {
        for index in 0..dataset.samples().len().min(16) {
            let _ = dataset.load(index);
        }
    }
}

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Puts bytes into a file of a copy of a fixture, and reads the source: the folder, or the file itself.
fn source(kind: SourceKind, fixture: &str, file: &str, itself: bool, bytes: &[u8]) {
    FOLDER.with_borrow_mut(|kept| {
        let folder = kept.get_or_insert_with(|| folder(fixture)).path();
        let file = folder.join(file);
        fs::write(&file, bytes).expect("room for a file");
        let path = if itself { &file } else { folder };
        read_all(&SourceConfig { kind: Some(kind), ..SourceConfig::at(path) });
    });
}

/// A TFRecord file of Examples. The checksums of records are made right, or nothing would get past them.
pub fn tfds(bytes: &[u8]) {
    static SHARD: OnceLock<String> = OnceLock::new();
    let fixture = "sources/tfds/tiny_dogs/1.2.0";
    let shard = SHARD.get_or_init(|| {
        let names = fs::read_dir(fixtures().join(fixture)).expect("a fixture").flatten();
        let mut names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names.into_iter().find(|name| name.contains("tfrecord")).expect("a shard")
    });
    source(SourceKind::Tfds, fixture, shard, false, &with_checksums(bytes));
}

/// Length, its masked CRC-32C, data, their masked CRC-32C: as many records as fit.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let masked = |bytes: &[u8]| {
        let crc = crc32c::crc32c(bytes);
        crc.rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
    };
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(length) = out.get(at..).and_then(|rest| rest.first_chunk::<8>()).copied() {
        let Some(place) = out.get_mut(at + 8..at + 12) else { break };
        place.copy_from_slice(&masked(&length));
        let Some(end) = usize::try_from(u64::from_le_bytes(length)).ok().and_then(|n| n.checked_add(at + 12)) else { break };
        let Some(data) = out.get(at + 12..end) else { break };
        let checksum = masked(data);
        let Some(place) = end.checked_add(4).and_then(|stop| out.get_mut(end..stop)) else { break };
        place.copy_from_slice(&checksum);
        at = end + 4;
    }
    out
}

/// A Parquet file of images and labels.
pub fn parquet(bytes: &[u8]) {
    source(SourceKind::Parquet, "", "train.parquet", true, bytes);
}

/// A tar file of samples in several files each.
pub fn webdataset(bytes: &[u8]) {
    source(SourceKind::Webdataset, "", "train-000000.tar", true, bytes);
}

/// An image folder in a tar file.
pub fn tar(bytes: &[u8]) {
    source(SourceKind::Archive, "", "images.tar", true, bytes);
}

/// An image folder in a compressed tar file.
pub fn tar_gz(bytes: &[u8]) {
    source(SourceKind::Archive, "", "images.tar.gz", true, bytes);
}

/// An image folder in a zip file.
pub fn zip(bytes: &[u8]) {
    source(SourceKind::Archive, "", "images.zip", true, bytes);
}

/// A file of CIFAR-10.
pub fn cifar(bytes: &[u8]) {
    source(SourceKind::Cifar, "sources/cifar/cifar-10", "data_batch_1.bin", false, bytes);
}

/// The images of an MNIST.
pub fn idx(bytes: &[u8]) {
    source(SourceKind::Idx, "sources/idx/mnist", "train-images-idx3-ubyte", false, bytes);
}

/// The labels of Flowers-102, a MATLAB file.
pub fn matlab(bytes: &[u8]) {
    FOLDER.with_borrow_mut(|kept| {
        let folder = kept
            .get_or_insert_with(|| {
                let folder = folder("sources/flowers");
                fs::create_dir(folder.path().join("jpg")).expect("a folder");
                for number in 1..20 {
                    let image = folder.path().join(format!("jpg/image_{number:05}.jpg"));
                    fs::copy(fixtures().join("decode/jpeg-420.jpg"), image).expect("a file");
                }
                folder
            })
            .path();
        fs::write(folder.join("imagelabels.mat"), bytes).expect("room for a file");
        read_all(&SourceConfig { kind: Some(SourceKind::Flowers102), ..SourceConfig::at(folder) });
    });
}

/// A table of paths and labels.
pub fn table(bytes: &[u8]) {
    source(SourceKind::Csv, "", "images.csv", true, bytes);
}

/// Weights in safetensors, as they come from elsewhere.
pub fn weights(bytes: &[u8]) {
    static FILE: OnceLock<TempDir> = OnceLock::new();
    let path = FILE.get_or_init(|| folder("")).path().join("weights.safetensors");
    fs::write(&path, bytes).expect("room for a file");
    if let Ok((weights, metadata)) = Weights::read(&path) {
        let _ = (weights.check_finite(), weights.looks_like(), metadata.len());
    }
    let _ = (WeightSource::read(&path, None), WeightSource::read(&path, Some("ema.")));
}

/// A study file.
pub fn study(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(errors) = Study::parse(text, Path::new("/nowhere/study.toml"), &[]) {
        assert!(!errors.to_string().is_empty());
    }
}

/// A pack. The checksum of header and index is made right, or nothing would get past it.
pub fn pack(bytes: &[u8]) {
    struct Packed {
        folder: TempDir,
        whole: Vec<u8>,
        path: PathBuf,
    }
    let open = |folder: &Path| {
        let mut dataset = Dataset::open(&SourceConfig::at(folder.join("images"))).expect("images");
        dataset.set_cache(0);
        dataset.set_pack(&folder.join("packs"), PackMode::On);
        dataset.inspect(false, &AtomicBool::new(false), &|_, _| ()).expect("images");
        dataset
    };
    static PACKED: OnceLock<Packed> = OnceLock::new();
    let Packed { folder, whole, path } = PACKED.get_or_init(|| {
        let folder = folder("");
        for class in ["a", "b"] {
            let into = folder.path().join("images").join(class);
            fs::create_dir_all(&into).expect("a folder");
            for name in ["jpeg-420-5x17.jpg", "jpeg-444-2x3.jpg"] {
                fs::copy(fixtures().join("decode").join(name), into.join(name)).expect("a file");
            }
        }
        let (path, ..) = open(folder.path()).packed().expect("a pack");
        Packed { whole: fs::read(&path).expect("a pack"), path, folder }
    });
    // The bytes are laid over a whole pack from a place they name.
    let Some((place, bytes)) = bytes.split_first_chunk::<2>() else { return };
    let place = usize::from(u16::from_le_bytes(*place)) % (whole.len() + 1);
    let mut changed = whole.clone();
    changed.splice(place..(place + bytes.len()).min(whole.len()), bytes.iter().copied());
    if let Some(index) = changed.get(24..).and_then(|rest| rest.first_chunk::<8>()).map(|n| u64::from_le_bytes(*n)) {
        let end = changed.len().saturating_sub(4);
        if let Some(entries) = usize::try_from(index).ok().and_then(|start| changed.get(start..end)) {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&changed[..64]);
            crc.update(entries);
            let crc = crc.finalize().to_le_bytes();
            changed[end..].copy_from_slice(&crc);
        }
    }
    fs::write(path, changed).expect("room for a pack");
    let dataset = open(folder.path());
    for index in 0..dataset.samples().len() {
        dataset.load(index).expect("whatever the pack holds, the images are there");
    }
}

/// A table of results or a training log of another trainer, as `compare` reads it.
pub fn results(bytes: &[u8]) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let path = FOLDER.get_or_init(|| folder("")).path().join("cutmix_s3.csv");
    fs::write(&path, bytes).expect("room for a file");
    let _ = Results::read_all(&[Source::of(&path)], &ResultsOptions::default());
    let _ = Results::read(&[Source { path, run: Some(("cutmix".into(), 3)) }], &ResultsOptions::default());
}

/// The checkpoint of an unfinished trial.
pub fn checkpoint(bytes: &[u8]) {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let path = FOLDER.get_or_init(|| folder("")).path().join("checkpoint.safetensors");
    fs::write(&path, bytes).expect("room for a file");
    let _ = Snapshot::read(&path);
}

/// A list of groups, and one of images to leave out, beside a few images. The first byte says which, and how they are called.
pub fn groups(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    FOLDER.with_borrow_mut(|kept| {
        let folder = kept.get_or_insert_with(|| {
            let folder = folder("");
            for class in ["a", "b"] {
                let into = folder.path().join("images").join(class);
                fs::create_dir_all(&into).expect("a folder");
                for name in ["1.jpg", "2.jpg"] {
                    fs::copy(fixtures().join("decode/jpeg-420-2x3.jpg"), into.join(name)).expect("a file");
                }
            }
            folder
        });
        let list = folder.path().join(if choice & 1 == 0 { "list.csv" } else { "list.txt" });
        fs::write(&list, bytes).expect("room for a file");
        let mut config = SourceConfig::at(folder.path().join("images"));
        if choice & 2 == 0 { config.groups = Some(list) } else { config.exclude = Some(list) }
        read_all(&config);
    });
}

/// A run folder of one finished trial.
struct Run {
    folder: TempDir,
    /// Its files, and what they held.
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Run {
    fn new() -> Self {
        let folder = folder("");
        let text = include_str!("../../crates/study/tests/tiny.toml");
        let overrides = ["train.epochs=1", "compare.seeds=1"].map(String::from);
        let study = Study::parse(text, Path::new("tiny.toml"), &overrides).expect("a study");
        let options = RunOptions { threads: 1, previews: 1, ..RunOptions::default() };
        let stop = AtomicBool::new(false);
        let path = folder.path().join("run");
        bakeoff_study::run(&study, &RunFolder::at(&path), &Silent, &stop, &options).expect("a run");
        let mut files = Vec::new();
        list(&path, &mut files);
        files.retain(|path| !path.ends_with("lock") && !path.ends_with("log.txt"));
        files.sort();
        let files = files.into_iter().map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
        Self { folder, files }
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() { list(&entry.path(), files) } else { files.push(entry.path()) }
    }
}

/// A file of a run folder. The first byte names the file; of the next two, the first says whether the rest takes its place or is laid
/// over it, from the place that both name.
pub fn run_folder(bytes: &[u8]) {
    static RUN: OnceLock<Run> = OnceLock::new();
    let run = RUN.get_or_init(Run::new);
    let Some(([file, how, place], bytes)) = bytes.split_first_chunk::<3>() else { return };
    let (path, whole) = &run.files[usize::from(*file) % run.files.len()];
    let changed = if how & 0x80 == 0 {
        let place = usize::from(u16::from_le_bytes([*place, *how])) % (whole.len() + 1);
        let mut changed = whole.clone();
        changed.splice(place..(place + bytes.len()).min(whole.len()), bytes.iter().copied());
        changed
    } else {
        bytes.to_vec()
    };
    fs::write(path, changed).expect("room for a file");
    read_run(&run.folder.path().join("run"));
    fs::write(path, whole).expect("room for a file");
}

/// Everything a report reads of a run folder.
fn read_run(path: &Path) {
    let Ok(folder) = RunFolder::open(path) else { return };
    let _ = (folder.study(), folder.data(), folder.environment(), folder.previews(), folder.test_split());
    let _ = folder.validation_split(1);
    for trial in folder.trials().unwrap_or_default() {
        let _ = (folder.predictions(&trial), folder.robustness(&trial), folder.maps(&trial));
        let _ = Weights::read(&trial.folder.join("weights.safetensors"));
    }
}

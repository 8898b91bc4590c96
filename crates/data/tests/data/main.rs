//! What the crate promises, on files that other people's programs wrote. `oracles/data_fixtures.py` makes the fixtures.

mod broken;
mod containers;
mod decode;
mod delimited;
#[cfg(feature = "fetch")]
mod fetch;
mod folders;
mod formats;
mod groups;
mod inspection;
mod pack;
mod published;
mod resize;
mod sources;
mod splits;
mod stanford_dogs;
mod table_paths;
mod tables;
mod webdataset;

use std::path::{Path, PathBuf};

/// A committed fixture.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The files of a fixture folder, sorted.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixture(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// A folder tree of its own, gone at the end of the test.
fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

/// The bytes of some JPEG.
fn photograph() -> Vec<u8> {
    std::fs::read(fixture("decode/jpeg-420.jpg")).unwrap()
}

/// A folder with `a.tar`, a shard of these members.
fn shard(members: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = tar::Builder::new(std::fs::File::create(folder.path().join("a.tar")).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.finish().unwrap();
    folder
}

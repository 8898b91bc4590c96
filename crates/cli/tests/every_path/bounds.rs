//! What is claimed, and never ends, against what is there: devices, pipes, bombs. Each in an address space of one GiB, where whatever is
//! believed ends the program.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::scene::{photographs, small_study};
use crate::support::{Ended, Project, bakeoff};

/// Long enough for a debug build on a busy machine, and far less than anything that is read without limit takes.
const SOON: Duration = Duration::from_secs(20);

/// The program within one GiB of addresses. None where the system has no `prlimit`.
fn within_a_gibibyte(project: &Project, arguments: &[&str]) -> Option<Ended> {
    within(1 << 30, project, arguments)
}

/// The program within so many bytes of addresses.
fn within(bytes: u64, project: &Project, arguments: &[&str]) -> Option<Ended> {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: there is no prlimit (util-linux)");
        return None;
    }
    let begun = Instant::now();
    let output = Command::new("prlimit")
        .args([&format!("--as={bytes}"), "timeout", "60", env!("CARGO_BIN_EXE_bakeoff")])
        .args(arguments)
        .current_dir(project.path(""))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ended = Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!((0..=3).contains(&ended.code), "{arguments:?} was killed or gave up: {ended:?}");
    assert!(!ended.stderr.contains("memory allocation") && !ended.stderr.contains("panicked"), "{ended:?}");
    assert!(begun.elapsed() < SOON, "{arguments:?} took {:?}: {ended:?}", begun.elapsed());
    Some(ended)
}

/// Looks at data that cannot be used, and gives what is said of them.
fn refused(project: &Project, path: &str) -> String {
    match within_a_gibibyte(project, &["data", "check", path]) {
        Some(ended) => {
            assert_ne!(ended.code, 0, "{path}: {ended:?}");
            ended.stderr
        }
        None => String::new(),
    }
}

/// [`refused`], where it must be said so.
fn refused_with(project: &Project, path: &str, words: &str) {
    let said = refused(project, path);
    assert!(said.is_empty() || said.contains(words), "{path}: {said}");
}

fn pipe(path: &std::path::Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn pipes_and_devices_in_a_folder_are_counted_named_and_never_read() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 3);
    symlink("/dev/zero", project.path("photos/train/cats/zero.jpg")).unwrap();
    symlink("/dev/zero", project.path("photos/train/cats/without-extension")).unwrap();
    pipe(&project.path("photos/train/dogs/pipe.png"));
    let Some(check) = within_a_gibibyte(&project, &["data", "check", "photos", "--json"]) else { return };
    assert_eq!(check.code, 0, "{check:?}");
    let check = check.json();
    assert_eq!(check["images"], 12, "{check}");
    let warnings = check["warnings"].to_string();
    assert!(
        warnings.contains("3 files are pipes") && warnings.contains("train/cats/without-extension"),
        "{warnings}"
    );
    fs::write(project.path("study.toml"), small_study("photos")).unwrap();
    let run = bakeoff(&project).args(["run", "study.toml", "-q", "--set", "compare.seeds=1"]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let named = [
        "predict",
        "--weights",
        "runs/study/trials/none/seed-1",
        "photos/train/cats/zero.jpg",
        "photos/train/dogs/pipe.png",
        "photos/train/dogs/0.jpg",
    ];
    let Some(named) = within_a_gibibyte(&project, &named) else { return };
    assert_eq!(named.code, 1, "{named:?}");
    assert_eq!(named.stderr.matches("it is a pipe or a device").count(), 2, "{named:?}");
    assert!(named.stdout.contains("photos/train/dogs/0.jpg"), "{named:?}");
}

#[test]
fn pipes_and_devices_that_are_named_are_refused_wherever_a_file_is_read() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 3);
    pipe(&project.path("pipe"));
    let made = |folder: &str, name: &str, target: &std::path::Path| {
        fs::create_dir_all(project.path(folder)).unwrap();
        let path = project.path(folder).join(name);
        let _ = fs::remove_file(&path);
        symlink(target, path).unwrap();
    };
    let targets = [std::path::PathBuf::from("/dev/zero"), project.path("pipe")];
    for target in &targets {
        for command in ["plan", "run", "preview"] {
            let study = target.to_str().unwrap();
            let Some(ended) = within_a_gibibyte(&project, &[command, study]) else { return };
            assert_ne!(ended.code, 0, "{command} {study}: {ended:?}");
        }
        // Found by their names.
        for name in [
            "t.csv",
            "t.jsonl",
            "t.parquet",
            "t.tar",
            "t.tar.gz",
            "t.zip",
            "train-images-idx3-ubyte",
            "x.tfrecord-00000-of-00001",
        ] {
            made("alone", name, target);
            refused(&project, &format!("alone/{name}"));
        }
        // In their folders.
        made("table", "train.csv", target);
        made("metadata", "metadata.jsonl", target);
        made("digits", "train-images-idx3-ubyte", target);
        made("digits", "train-labels-idx1-ubyte.gz", target);
        made("shards", "train-0000.parquet", target);
        made("webdataset", "train-0000.tar", target);
        made("dogs", "images.tar", target);
        for name in ["dataset_info.json", "features.json"] {
            made("tfds", name, target);
        }
        for name in ["data_batch_1.bin", "batches.meta.txt", "test_batch.bin"] {
            made("cifar", name, target);
        }
        for folder in ["table", "metadata", "digits", "shards", "webdataset", "dogs", "tfds", "cifar"] {
            refused(&project, folder);
        }
        // Named for their kind.
        for kind in
            ["csv", "parquet", "webdataset", "archive", "cifar", "idx", "tfds", "stanford-dogs", "folder"]
        {
            let text = small_study(target.to_str().unwrap()).replacen(
                "[data]",
                &format!("[data]\nsource = \"{kind}\""),
                1,
            );
            fs::write(project.path("study.toml"), text).unwrap();
            let Some(planned) = within_a_gibibyte(&project, &["plan", "study.toml", "--no-measure"]) else {
                return;
            };
            assert_ne!(planned.code, 0, "{kind}: {planned:?}");
        }
        for key in ["groups", "exclude"] {
            let file = target.to_str().unwrap();
            let text = small_study("photos").replacen("[data]", &format!("[data]\n{key} = \"{file}\""), 1);
            fs::write(project.path("study.toml"), text).unwrap();
            let Some(planned) = within_a_gibibyte(&project, &["plan", "study.toml", "--no-measure"]) else {
                return;
            };
            assert_ne!(planned.code, 0, "{key}: {planned:?}");
            assert!(planned.stderr.contains("pipe or a device"), "{key}: {planned:?}");
        }
    }
    // A table of images that are none.
    fs::write(
        project.path("list.csv"),
        "path,label\npipe,a\n/dev/zero,b\nphotos/train/cats/0.jpg,a\nphotos/train/dogs/0.jpg,b\n",
    )
    .unwrap();
    let Some(check) = within_a_gibibyte(&project, &["data", "check", "list.csv", "--json"]) else { return };
    let rejected = check.json()["rejected"].to_string();
    assert_eq!(rejected.matches("it is a pipe or a device").count(), 2, "{rejected}");
}

/// A block that stands before a member of a tar archive.
fn tar_header(name: &str, kind: u8, size: u64) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar  \0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

/// A file with a beginning and, without taking room on the disk, zeros behind it.
fn sparse(path: &std::path::Path, beginning: &[u8], size: u64) {
    let mut file = File::create(path).unwrap();
    file.write_all(beginning).unwrap();
    file.set_len(size.max(beginning.len() as u64)).unwrap();
}

#[test]
fn names_of_gigabytes_in_a_tar_archive_are_refused() {
    let project = Project::new();
    let huge = 3 << 30;
    for (kind, what) in [(b'L', "name"), (b'K', "link"), (b'x', "pax"), (b'g', "global")] {
        let header = tar_header("././@LongLink", kind, huge);
        for (name, size) in [(format!("{what}-claimed.tar"), 0), (format!("{what}-there.tar"), huge + 4096)] {
            sparse(&project.path(&name), &header, size);
            refused(&project, &name);
        }
        let mut packed = GzEncoder::new(
            File::create(project.path(format!("{what}.tar.gz"))).unwrap(),
            Compression::fast(),
        );
        packed.write_all(&header).unwrap();
        packed.finish().unwrap();
        refused(&project, &format!("{what}.tar.gz"));
    }
    // A name of one level in another, thousands of times.
    let deep = "a/".repeat(2000) + "x.jpg";
    let mut archive = tar_header("././@LongLink", b'L', deep.len() as u64);
    archive.extend(deep.as_bytes());
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive.extend(tar_header("x", b'0', 0));
    archive.resize(archive.len() + 1024, 0);
    fs::write(project.path("deep.tar"), archive).unwrap();
    refused_with(&project, "deep.tar", "folders in one another");
}

#[test]
fn members_of_archives_that_are_no_files_or_links_in_a_circle_are_named() {
    let project = Project::new();
    let picture = |number: u32| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        crate::scene::picture(number, number % 2, 24).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let mut archive = Vec::new();
    for (number, name) in ["cat/0.png", "cat/1.png", "dog/2.png", "dog/3.png"].iter().enumerate() {
        let bytes = picture(number as u32);
        archive.extend(tar_header(name, b'0', bytes.len() as u64));
        archive.extend(&bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    let link = |name: &str, target: &str| {
        let mut header = tar_header(name, b'2', 0);
        header[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        header
    };
    archive.extend(link("cat/a.png", "b.png"));
    archive.extend(link("cat/b.png", "a.png"));
    archive.extend(link("cat/c.png", "d.png"));
    archive.extend(link("cat/d.png", "0.png"));
    archive.extend(tar_header("dog/device.png", b'3', 0));
    archive.resize(archive.len() + 1024, 0);
    fs::write(project.path("set.tar"), archive).unwrap();
    let Some(check) = within_a_gibibyte(&project, &["data", "check", "set.tar", "--json"]) else { return };
    let check = check.json();
    assert_eq!(check["images"], 6, "two links lead to an image: {check}");
    let warnings = check["warnings"].to_string();
    assert!(warnings.contains("2 links") && warnings.contains("cat/a.png to cat/b.png"), "{warnings}");
    assert!(warnings.contains("1 file is a pipe") && warnings.contains("dog/device.png"), "{warnings}");
}

#[test]
fn tables_of_a_gigabyte_without_ends_rows_or_cells_are_refused() {
    let project = Project::new();
    let head = format!("path,label\n{}", "a.jpg,b\n".repeat(10_000));
    sparse(&project.path("zeros.csv"), head.as_bytes(), 1 << 30);
    refused_with(&project, "zeros.csv", "longer than 16 MiB");
    let mut line = File::create(project.path("line.csv")).unwrap();
    line.write_all(b"path,label\n").unwrap();
    (0..40).for_each(|_| line.write_all(&[b'a'; 1 << 20]).unwrap());
    line.set_len(1 << 30).unwrap();
    refused_with(&project, "line.csv", "longer than 16 MiB");
    fs::write(project.path("cells.csv"), format!("path,label\n{}", ",".repeat(1 << 20))).unwrap();
    refused_with(&project, "cells.csv", "100000 cells");
    fs::write(project.path("rows.csv"), "path,label\n".to_owned() + &"a,b\n".repeat(3 << 20)).unwrap();
    refused_with(&project, "rows.csv", "not to be had");
    fs::write(project.path("values.json"), format!("[{}0]", "0,".repeat(16 << 20))).unwrap();
    refused(&project, "values.json");
    let names: String =
        (0..120_000).map(|number| format!("{{\"path\":1,\"label\":2,\"k{number}\":0}}\n")).collect();
    fs::write(project.path("members.jsonl"), names).unwrap();
    refused_with(&project, "members.jsonl", "100000 different members");
    sparse(&project.path("zeros.jsonl"), b"{\"path\": 1, \"label\": 2}\n", 8 << 30);
    refused(&project, "zeros.jsonl");
}

/// A PNG whose pixels are what a stream inflates to.
fn png(side: u32, depth: u8, colour: u8, interlaced: bool, stream: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
    };
    let header =
        [&side.to_be_bytes()[..], &side.to_be_bytes(), &[depth, colour, 0, 0, u8::from(interlaced)]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", stream), chunk(b"IEND", b"")]
        .concat()
}

/// Zeros, deflated.
fn deflated(bytes: u64) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), bytes), &mut packed).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_large_image_in_sixteen_bits_is_decoded_row_by_row() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 2);
    // 450 MB of samples, 169 MB as RGB.
    let side = 7_500u64;
    let bytes = png(side as u32, 16, 6, false, &deflated(side * (side * 8 + 1)));
    fs::write(project.path("photos/train/cats/large.png"), bytes).unwrap();
    let arguments = ["data", "check", "photos", "--json", "--threads", "1"];
    let Some(check) = within(512 << 20, &project, &arguments) else { return };
    let check = check.json();
    assert_eq!(
        (&check["images"], check["rejected"].as_array().map(Vec::len)),
        (&9.into(), Some(0)),
        "{check}"
    );
}

#[test]
fn an_image_for_which_there_is_no_memory_now_is_not_left_out_of_a_study() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 2);
    // 400 MB as RGB.
    let side = 11_500u64;
    let bytes = png(side as u32, 1, 0, false, &deflated(side * (side / 8 + 1)));
    fs::write(project.path("photos/train/cats/large.png"), bytes).unwrap();
    fs::write(project.path("study.toml"), small_study("photos")).unwrap();
    for arguments in
        [vec!["data", "check", "photos", "--threads", "1"], vec!["run", "study.toml", "--threads", "1"]]
    {
        let Some(ended) = within(420 << 20, &project, &arguments) else { return };
        assert_eq!(ended.code, 1, "{arguments:?}: {ended:?}");
        assert!(
            ended.stderr.contains("cats/large.png: ") && ended.stderr.contains("not to be had now"),
            "{ended:?}"
        );
    }
    assert!(!project.path("runs/study/trials").exists(), "nothing was trained without it");
}

#[test]
fn threads_share_the_memory_for_large_images_and_none_waits_for_ever() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 2);
    // Black and white: 15 MB inflated, 363 MB as RGB. Most of them break off, which costs no time but as much memory.
    let side = 11_000u64;
    let whole = deflated(side * (side / 8 + 1));
    let bytes = png(side as u32, 1, 0, false, &whole);
    let mut damaged = whole;
    damaged[2000..2100].fill(0xFF);
    let broken = png(side as u32, 1, 0, false, &damaged);
    fs::write(project.path("photos/train/cats/whole.png"), &bytes).unwrap();
    for number in 0..12 {
        fs::write(project.path(format!("photos/train/dogs/broken-{number}.png")), &broken).unwrap();
    }
    let Some(check) = within_a_gibibyte(&project, &["data", "check", "photos", "--json", "--threads", "4"])
    else {
        return;
    };
    let check = check.json();
    assert_eq!(check["rejected"].as_array().map(Vec::len), Some(12), "{check}");
    assert!(!check["rejected"].to_string().contains("memory"), "{check}");
}

#[test]
fn sizes_that_images_only_claim_are_refused() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 2);
    let place = |name: &str| project.path("photos/train/cats").join(name);
    fs::write(place("claims.png"), png(13_000, 8, 2, false, &deflated(100))).unwrap();
    fs::write(place("beyond.png"), png(60_000, 1, 0, false, &deflated(100))).unwrap();
    fs::write(place("claims.bmp"), crate::support::bmp_header(13_000, 13_000)).unwrap();
    fs::write(place("flat.bmp"), crate::support::bmp_header(0, i32::MAX as u32)).unwrap();
    // Tiles that are a million times as large as the picture.
    let tag =
        |tag: u16, value: u32| [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat();
    let tags = [
        (256, 1000),
        (257, 1),
        (258, 8),
        (259, 8),
        (262, 1),
        (277, 1),
        (322, 1),
        (323, 170_000_000),
        (324, 8),
        (325, 64),
    ];
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend((tags.len() as u16).to_le_bytes());
    tags.iter().for_each(|&(number, value)| tiff.extend(tag(number, value)));
    tiff.extend([0; 2048]);
    fs::write(place("tiles.tif"), tiff).unwrap();
    // A chunk that claims four gigabytes of EXIF.
    let mut webp = std::io::Cursor::new(Vec::new());
    webp.write_all(b"RIFF\x60\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x07\0\0\x07\0\0").unwrap();
    webp.write_all(b"EXIF\xf0\xff\xff\xff").unwrap();
    webp.write_all(&[0; 80]).unwrap();
    fs::write(place("claims.webp"), webp.into_inner()).unwrap();
    // A gigabyte that only begins as an image, and one that does not even.
    sparse(&place("begins.jpg"), b"\xff\xd8\xff\xe0", 1 << 40);
    sparse(&place("nothing.jpg"), b"", 1 << 30);
    let Some(check) = within_a_gibibyte(&project, &["data", "check", "photos", "--json"]) else { return };
    let rejected = check.json()["rejected"].clone();
    assert_eq!(rejected.as_array().map(Vec::len), Some(8), "{rejected}");
}

/// A zip archive of one deflated member that says it has so many bytes.
fn zip(name: &str, claimed: u32, packed: &[u8]) -> Vec<u8> {
    let field = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let sizes = field(&[0, packed.len() as u32, claimed]);
    let length = (name.len() as u16).to_le_bytes();
    let common = [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &sizes, &length, &[0, 0]].concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), packed].concat();
    let central = [b"PK\x01\x02\x14\0", &common[..], &[0; 10], &field(&[0]), name.as_bytes()].concat();
    let ends = [&[1, 0, 1, 0][..], &field(&[central.len() as u32, local.len() as u32]), &[0, 0]].concat();
    [local, central, b"PK\x05\x06\0\0\0\0".to_vec(), ends].concat()
}

#[test]
fn archives_that_inflate_without_end_are_refused() {
    let project = Project::new();
    let mut stream = GzEncoder::new(Vec::new(), Compression::new(4));
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 80 << 20), &mut stream).unwrap();
    let bomb = stream.finish().unwrap();
    for name in ["bomb.tar.gz", "bomb.tgz"] {
        fs::write(project.path(name), &bomb).unwrap();
        refused(&project, name);
    }
    fs::create_dir(project.path("digits")).unwrap();
    for name in ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"] {
        fs::write(project.path("digits").join(name), &bomb).unwrap();
    }
    refused(&project, "digits");
    // An archive whose one member inflates to 256 MiB, and says so or lies.
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"\x89PNG\r\n\x1a\n").unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 256 << 20), &mut packed).unwrap();
    let packed = packed.finish().unwrap();
    for (name, claimed) in [("honest.zip", (256 << 20) + 8), ("small.zip", 100), ("large.zip", u32::MAX - 1)]
    {
        fs::write(project.path(name), zip("cat/1.png", claimed, &packed)).unwrap();
        refused(&project, name);
    }
    // Members by the million in a few bytes.
    let mut many = zip("cat/1.png", 100, &packed[..1000]);
    let end = many.len() - 14;
    many[end..end + 4].copy_from_slice(&[0xFE, 0xFF, 0xFE, 0xFF]);
    fs::write(project.path("many.zip"), many).unwrap();
    refused(&project, "many.zip");
}

#[test]
fn parquet_files_that_claim_more_than_they_hold_are_refused() {
    let project = Project::new();
    // 2: a schema of one element, whose field 5 says that it has two thousand million children.
    let element = [0x55, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0x00];
    let footers = [
        [&[0x29, 0x1C][..], &element, &[0x00]].concat(),
        // A list, and a name, of more than there is.
        vec![0x29, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07],
        vec![0x68, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
    ];
    for (number, footer) in footers.iter().enumerate() {
        let name = format!("{number}.parquet");
        let length = (footer.len() as u32).to_le_bytes();
        fs::write(project.path(&name), [b"PAR1", &footer[..], &length, b"PAR1"].concat()).unwrap();
        refused_with(&project, &name, "its footer");
    }
    let mut long = File::create(project.path("long.parquet")).unwrap();
    long.write_all(b"PAR1").unwrap();
    long.set_len(1 << 31).unwrap();
    long.seek(std::io::SeekFrom::End(0)).unwrap();
    long.write_all(&[&(1u32 << 30).to_le_bytes()[..], b"PAR1"].concat()).unwrap();
    refused_with(&project, "long.parquet", "describes itself in 1024 MiB");
    // The first page of a file of images claims two gigabytes once it is decompressed.
    let mut bytes = fs::read(crate::scene::fixture("sources/parquet/plain.parquet")).unwrap();
    bytes[4..14].copy_from_slice(&[0x15, 0x00, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0x15, 0x02]);
    fs::write(project.path("page.parquet"), bytes).unwrap();
    let Some(check) = within_a_gibibyte(&project, &["data", "check", "page.parquet"]) else { return };
    let said = check.stdout + &check.stderr;
    assert_eq!(said.matches("broken page header at byte 4").count(), 1, "told once for all rows: {said}");
}

#[test]
fn links_in_circles_and_mazes_and_folders_in_hundreds_of_others_come_to_an_end() {
    let project = Project::new();
    photographs(&project, "photos", &["cats", "dogs"], 2);
    symlink("..", project.path("photos/train/cats/up")).unwrap();
    symlink("self", project.path("photos/train/cats/self")).unwrap();
    let mut deep = project.path("photos/train/dogs");
    (0..200).for_each(|_| deep.push("d"));
    fs::create_dir_all(&deep).unwrap();
    let Some(check) = within_a_gibibyte(&project, &["data", "check", "photos", "--json"]) else { return };
    let check = check.json();
    assert_eq!(check["images"], 8, "{check}");
    let warnings = check["warnings"].to_string();
    for words in [
        "train/cats/up is a link to a folder that contains it",
        "train/cats/self cannot be read",
        "32 folders deep",
    ] {
        assert!(warnings.contains(words), "{words}: {warnings}");
    }
    // Two ways from each of thirty folders to the next.
    for number in 0..30 {
        let folder = project.path(format!("maze/{number}"));
        fs::create_dir_all(&folder).unwrap();
        ["a", "b"].iter().for_each(|link| symlink(format!("../{}", number + 1), folder.join(link)).unwrap());
    }
    fs::create_dir_all(project.path("maze/30")).unwrap();
    fs::create_dir_all(project.path("set/cats")).unwrap();
    fs::create_dir_all(project.path("set/dogs")).unwrap();
    symlink("../../maze/0", project.path("set/cats/maze")).unwrap();
    refused_with(&project, "set", "ways by which links lead to one folder");
    // What cannot be listed could hold the images or the lists.
    fs::create_dir_all(project.path("digits")).unwrap();
    symlink("raw", project.path("digits/raw")).unwrap();
    let text = small_study("digits").replacen("[data]", "[data]\nsource = \"idx\"", 1);
    fs::write(project.path("study.toml"), text).unwrap();
    let Some(planned) = within_a_gibibyte(&project, &["plan", "study.toml", "--no-measure"]) else { return };
    assert!(planned.code != 0 && planned.stderr.contains("digits/raw"), "{planned:?}");
}

//! Stanford Dogs and its archives.

use std::fs;

use bakeoff_data::{DeclaredSplit, ImageError, SourceKind, Warning, detect};
use bakeoff_random::Stream;

use crate::fixture;
use crate::sources::{count, ids, message, open};

/// The four forms in which the small data set can stand.
fn dogs(images_packed: bool, lists_packed: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (archive, packed) in [("images.tar", images_packed), ("lists.tar", lists_packed)] {
        let source = fixture("dogs").join(archive);
        if packed {
            fs::copy(source, folder.path().join(archive)).unwrap();
        } else {
            tar::Archive::new(fs::File::open(source).unwrap()).unpack(folder.path()).unwrap();
        }
    }
    folder
}

#[test]
fn stanford_dogs_is_the_same_packed_extracted_and_mixed() {
    let packed = open(dogs(true, true).path()).unwrap();
    assert_eq!(packed.classes(), ["n02085620-Chihuahua", "n02112018-Pomeranian"]);
    assert_eq!((count(&packed, DeclaredSplit::Train), count(&packed, DeclaredSplit::Test)), (4, 2));
    assert_eq!(ids(&packed)[0], "Images/n02085620-Chihuahua/n02085620_1.jpg");
    let unlisted = |warning: &Warning| matches!(warning, Warning::Unlisted { count: 1, .. });
    assert!(packed.warnings().iter().any(unlisted));
    for (images_packed, lists_packed) in [(true, false), (false, true), (false, false)] {
        let folder = dogs(images_packed, lists_packed);
        assert_eq!(detect(folder.path()), Some(SourceKind::StanfordDogs));
        let dataset = open(folder.path()).unwrap();
        assert_eq!(dataset.samples(), packed.samples());
        for index in 0..6 {
            assert_eq!(dataset.load(index).unwrap(), packed.load(index).unwrap());
        }
    }
    let folder = dogs(true, true);
    assert_eq!(open(&folder.path().join("images.tar")).unwrap().samples(), packed.samples());
}

#[test]
fn threads_share_one_archive() {
    let folder = dogs(true, true);
    let dataset = open(folder.path()).unwrap();
    let alone: Vec<_> = (0..6).map(|index| dataset.bytes(index).unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..50 {
                    let index = round % 6;
                    assert_eq!(dataset.bytes(index).unwrap(), alone[index]);
                }
            });
        }
    });
}

#[test]
fn stanford_dogs_with_a_part_missing_says_which() {
    let folder = dogs(true, false);
    fs::remove_file(folder.path().join("test_list.mat")).unwrap();
    let text = message(folder.path());
    assert!(
        text.contains("test_list.mat is neither in lists.tar nor") && text.contains("source = \"folder\""),
        "{text}"
    );
    let folder = dogs(false, true);
    fs::remove_dir_all(folder.path().join("Images")).unwrap();
    assert!(message(folder.path()).contains("neither images.tar nor an Images folder"));
    let folder = dogs(true, false);
    fs::copy(folder.path().join("train_list.mat"), folder.path().join("test_list.mat")).unwrap();
    let text = message(folder.path());
    assert!(text.contains("test_list.mat") && text.contains("is listed in train_list.mat as well"), "{text}");
    let folder = dogs(true, false);
    fs::write(folder.path().join("train_list.mat"), "path,label").unwrap();
    assert!(message(folder.path()).contains("no MATLAB level-5 file"));
    let folder = dogs(true, false);
    fs::copy(fixture("matlab/v7.mat"), folder.path().join("train_list.mat")).unwrap();
    assert!(message(folder.path()).contains("has no cell array file_list"));
}

#[test]
fn an_image_listed_but_not_packed_is_one_image_that_cannot_be_used() {
    let folder = dogs(false, true);
    let mut archive = tar::Builder::new(fs::File::create(folder.path().join("images.tar")).unwrap());
    let kept = "Images/n02085620-Chihuahua/n02085620_1.jpg";
    archive.append_path_with_name(folder.path().join(kept), kept).unwrap();
    archive.finish().unwrap();
    let dataset = open(folder.path()).unwrap();
    assert!(dataset.load(0).is_ok());
    assert!(matches!(dataset.load(1), Err(ImageError::Missing)));
}

#[test]
fn archives_with_long_names_are_read_and_hostile_or_broken_ones_refused() {
    let with_images = |bytes: &[u8]| {
        let folder = dogs(true, true);
        fs::write(folder.path().join("images.tar"), bytes).unwrap();
        message(folder.path())
    };
    let archive = |name: &str| fs::read(fixture("archive").join(name)).unwrap();
    for name in ["gnu.tar", "pax.tar"] {
        // Read to the end, and then found to be of another data set.
        assert!(with_images(&archive(name)).contains("holds none of the 6 images of the lists"), "{name}");
    }
    let text = with_images(&archive("parent.tar"));
    assert!(
        text.contains("images.tar") && text.contains("\"Images/../../escaped.jpg\" points outside"),
        "{text}"
    );
    assert!(with_images(&archive("absolute.tar")).contains("\"/etc/escaped.jpg\" points outside"));
    let whole = fs::read(fixture("dogs/images.tar")).unwrap();
    assert!(with_images(&whole[..1000]).contains("truncated"));
    assert!(with_images(&[0x1F, 0x8B, 8, 0, 0, 0, 0]).contains("is broken after 0 decompressed bytes"));
    assert!(with_images(b"BZh91AY").contains("decompress it with bunzip2"));
    assert!(with_images(b"").contains("0 bytes"));
    assert!(with_images(&[b'x'; 2000]).contains("is no readable tar archive"));
    let folder = dogs(true, true);
    fs::copy(fixture("archive/parent.tar"), folder.path().join("lists.tar")).unwrap();
    assert!(message(folder.path()).contains("points outside"));
}

#[test]
fn no_flipped_bit_in_an_archive_makes_opening_panic() {
    let folder = dogs(true, true);
    for name in ["images.tar", "lists.tar"] {
        let whole = fs::read(fixture("dogs").join(name)).unwrap();
        let mut stream = Stream::new(2, "flip", 0, whole.len() as u64);
        for _ in 0..400 {
            let mut bytes = whole.clone();
            // Headers are where it hurts: every member begins on a multiple of 512.
            let position = stream.below(bytes.len() / 512) * 512 + stream.below(512).min(stream.below(512));
            bytes[position] ^= 1 << stream.below(8);
            fs::write(folder.path().join(name), bytes).unwrap();
            if let Ok(dataset) = open(folder.path()) {
                for index in 0..dataset.samples().len() {
                    let _ = dataset.load(index);
                }
            }
        }
        fs::write(folder.path().join(name), whole).unwrap();
    }
    assert!(open(folder.path()).is_ok());
}

//! Image folders and archives as other people have them.

use std::fs;
use std::path::Path;

use bakeoff_data::{DataError, Dataset, DeclaredSplit, SourceConfig, Warning};

use crate::{fixture, photograph, tree};

const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0\0\0\0\0";
const AVIF: &[u8] = b"\0\0\0\x1cftypavif\0\0\0\0mif1avifmiaf\0\0\0\0";

fn open(path: &Path) -> Result<Dataset, DataError> {
    Dataset::open(&SourceConfig::at(path))
}

fn message(path: &Path) -> String {
    open(path).unwrap_err().to_string()
}

/// A tree of files that all hold the same photograph.
fn photos(files: &[&str]) -> tempfile::TempDir {
    let image = photograph();
    tree(&files.iter().map(|file| (*file, image.as_slice())).collect::<Vec<_>>())
}

fn counts(dataset: &Dataset) -> [usize; 4] {
    [DeclaredSplit::Train, DeclaredSplit::Validation, DeclaredSplit::Test, DeclaredSplit::Undeclared]
        .map(|split| dataset.samples().iter().filter(|sample| sample.split == split).count())
}

fn told(dataset: &Dataset) -> String {
    dataset.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

// Splits

#[test]
fn folders_whose_names_hold_a_splits_word_are_splits_and_it_is_said() {
    for (train, validation, test) in [
        ("training_set", "", "test_set"),
        ("seg_train", "", "seg_test"),
        ("train_images", "valid_images", "test_images"),
        ("train2017", "val2017", "test2017"),
        ("train-jpg", "dev-jpg", "testing-jpg"),
        ("trainset", "valset", "testset"),
        ("TrainPhotos", "ValPhotos", "TestPhotos"),
        ("훈련", "검증", "시험"),
        ("학습용", "검증용", "평가용"),
        ("Trainingsdaten", "Validierung", "Prüfung"),
        ("entraînement", "validation", "test"),
        ("entrenamiento", "validación", "prueba"),
        ("訓練", "検証", "テスト"),
        ("训练集", "验证集", "测试集"),
        // Whole words and others side by side.
        ("train", "val_set", "test_set"),
    ] {
        let mut files = Vec::new();
        for (folder, copies) in [(train, 3), (validation, 1), (test, 2)] {
            if !folder.is_empty() {
                let each = |class: &str| {
                    (0..copies).map(|n| format!("{folder}/{class}/{n}.jpg")).collect::<Vec<_>>()
                };
                files.extend(each("cats"));
                files.extend(each("dogs"));
            }
        }
        let folder = photos(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let dataset = open(folder.path()).unwrap_or_else(|error| panic!("{train}: {error}"));
        assert_eq!(dataset.classes(), ["cats", "dogs"], "{train}");
        assert_eq!(counts(&dataset), [6, if validation.is_empty() { 0 } else { 2 }, 4, 0], "{train}");
        let text = told(&dataset);
        assert!(
            text.contains("taken for splits") && text.contains(&format!("{test} for test")) || test == "test",
            "{text}"
        );
    }
}

#[test]
fn folders_whose_names_only_contain_a_splits_word_are_classes() {
    for names in [
        ["contest", "trainers"],
        ["latest", "oldest"],
        ["valley", "mountain"],
        ["strain", "test"],
        // The word alone is no split beside others, and without class folders.
        ["train_station", "airport"],
        ["test_tube", "flask"],
        ["training_shoes", "boots"],
    ] {
        let files = names.map(|name| [format!("{name}/1.jpg"), format!("{name}/2.jpg")]).concat();
        let folder = photos(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let dataset = open(folder.path()).unwrap();
        assert_eq!(dataset.classes().len(), 2, "{names:?}");
        assert_eq!((counts(&dataset), told(&dataset)), ([0, 0, 0, 4], String::new()), "{names:?}");
    }
    // Vehicles.
    let folder = photos(&["bus/1.jpg", "bus/2.jpg", "car/1.jpg", "car/2.jpg", "train/1.jpg", "train/2.jpg"]);
    let dataset = open(folder.path()).unwrap();
    assert_eq!((dataset.classes().len(), counts(&dataset)), (3, [0, 0, 0, 6]));
    assert_eq!(dataset.warnings(), [Warning::ClassCalledSplit { folder: "train".into() }]);
}

#[test]
fn folders_that_all_hold_the_same_folders_are_no_classes() {
    for names in [["part one", "part two"], ["2019", "2020"], ["amazon", "webcam"]] {
        let files = names.map(|name| [format!("{name}/cats/1.jpg"), format!("{name}/Dogs/2.jpg")]).concat();
        let folder = photos(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let text = message(folder.path());
        assert!(
            text.contains("which are the classes?") && text.contains("cats") && text.contains(names[1]),
            "{text}"
        );
    }
    // One of them lacks a class.
    let folder = photos(&["a/x/1.jpg", "a/y/1.jpg", "a/z/1.jpg", "b/x/1.jpg", "b/y/1.jpg"]);
    assert!(message(folder.path()).contains("which are the classes?"));
    // Images in one folder each, or in folders of other names, are classes as ever.
    for files in [
        ["cat/images/1.jpg", "cat/images/2.jpg", "dog/images/1.jpg", "dog/images/2.jpg"],
        ["cat/2019/1.jpg", "cat/2020/2.jpg", "dog/2021/1.jpg", "dog/2022/2.jpg"],
    ] {
        assert_eq!(open(photos(&files).path()).unwrap().classes(), ["cat", "dog"]);
    }
}

#[test]
fn classes_that_hold_split_folders_are_refused() {
    for files in [
        &["cat/train/1.jpg", "cat/test/2.jpg", "dog/train/1.jpg", "dog/test/1.jpg", "fox/train/3.jpg"][..],
        &["cat/train/1.jpg", "cat/val/2.jpg", "dog/train/1.jpg"],
        &["cat/train/1.jpg", "cat/test/2.jpg", "dog/1.jpg", "fox/1.jpg"],
        &["cat/훈련/1.jpg", "cat/시험/2.jpg", "dog/훈련/1.jpg"],
        &["cat/train_images/1.jpg", "cat/test_images/2.jpg", "dog/train_images/1.jpg"],
    ] {
        let folder = photos(files);
        let text = message(folder.path());
        assert!(
            text.contains("seem to be splits") && text.contains("data.classes") && text.contains("cat"),
            "{text}"
        );
        // Whoever names the classes means them.
        let classes = Some(vec!["cat".to_owned(), "dog".to_owned()]);
        let named = Dataset::open(&SourceConfig { classes, ..SourceConfig::at(folder.path()) }).unwrap();
        assert_eq!(named.classes(), ["cat", "dog"]);
    }
    for files in [
        // One class may hold a folder of that name, and a word in a name that does not recur says nothing.
        ["toys/train/1.jpg", "toys/bus/2.jpg", "tools/1.jpg", "tools/2.jpg"],
        ["cat/test_of_courage/1.jpg", "cat/2.jpg", "dog/training_day/1.jpg", "dog/2.jpg"],
    ] {
        assert_eq!(counts(&open(photos(&files).path()).unwrap()), [0, 0, 0, 4]);
    }
}

#[test]
fn a_split_folder_within_itself_is_one() {
    let files = ["training_set/training_set/a/1.jpg", "training_set/training_set/b/1.jpg"];
    let more = ["test_set/test_set/a/2.jpg", "test_set/test_set/b/2.jpg"];
    let dataset = open(photos(&[files, more].concat()).path()).unwrap();
    assert_eq!((dataset.classes().len(), counts(&dataset)), (2, [2, 0, 2, 0]));
}

#[test]
fn two_folders_of_one_split_are_refused_unless_they_are_its_parts() {
    let files =
        ["train_images/a/1.jpg", "train_masks/a/1.jpg", "test_images/a/2.jpg", "train_images/b/1.jpg"];
    let text = message(photos(&files).path());
    assert!(text.contains("train_images and train_masks, which both seem to be the train split"), "{text}");
    let files = ["train_1/a/1.jpg", "train_2/a/2.jpg", "train_1/b/1.jpg", "test_1/a/2.jpg", "test_1/b/2.jpg"];
    assert_eq!(counts(&open(photos(&files).path()).unwrap()), [3, 0, 2, 0]);
}

// What is passed over

#[test]
fn folders_that_a_system_made_are_passed_over_and_said() {
    let made = [
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        ".Trash-1000",
        ".thumbnails",
        ".ipynb_checkpoints",
        "__MACOSX",
        "_MACOSX",
        "__macosx",
        "@Recycle",
    ];
    for name in made {
        let files = [
            "a/1.jpg".to_owned(),
            "a/2.jpg".to_owned(),
            "b/1.jpg".to_owned(),
            "b/2.jpg".to_owned(),
            format!("{name}/a.jpg"),
            format!("a/{name}/1.jpg/thumb.jpg"),
            "b/.DS_Store".to_owned(),
            "b/._1.jpg".to_owned(),
            "Thumbs.db".to_owned(),
            "b/desktop.ini".to_owned(),
        ];
        let folder = photos(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let dataset = open(folder.path()).unwrap();
        assert_eq!(
            (dataset.classes(), counts(&dataset)),
            (&["a".to_owned(), "b".to_owned()][..], [0, 0, 0, 4]),
            "{name}"
        );
        let expected = Warning::PassedOver { folders: format!("{name} (2 folders) with 2 images") };
        assert_eq!(dataset.warnings(), [expected]);

        let mut archive = tar::Builder::new(Vec::new());
        files.iter().for_each(|file| archive.append_path_with_name(folder.path().join(file), file).unwrap());
        let packed = tree(&[("all.tar", &archive.into_inner().unwrap())]);
        let packed = open(&packed.path().join("all.tar")).unwrap();
        assert_eq!((packed.samples(), packed.warnings()), (dataset.samples(), dataset.warnings()), "{name}");
    }
}

#[test]
fn images_without_a_class_are_counted() {
    let folder =
        photos(&["cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "dogs/2.jpg", "stray0.jpg", "stray1.png"]);
    let dataset = open(folder.path()).unwrap();
    assert_eq!(dataset.warnings(), [Warning::LooseImages { count: 2, example: "stray0.jpg".into() }]);
    let folder = photos(&["train/1.jpg", "train/2.jpg", "test/3.jpg", "test/4.jpg"]);
    let text = message(folder.path());
    assert!(text.contains("holds 4 images that stand in no class folder (test/3.jpg for one)"), "{text}");
    assert!(text.contains("a folder for each class in test, train"), "{text}");
    let text = message(photos(&["training_set/1.jpg", "test_set/3.jpg"]).path());
    assert!(text.contains("holds 2 images that stand in no class folder"), "{text}");
}

#[test]
fn where_nothing_is_found_what_is_there_is_counted_by_format() {
    let image = photograph();
    for (files, expected) in [
        (&[("a/1.heic", HEIC), ("b/2.HEIC", HEIC)][..], &["2 HEIC files (a/1.heic)", "heif-convert"][..]),
        (&[("a/1.avif", AVIF), ("b/x.jxl", b"\xFF\x0A")], &["1 AVIF", "1 JPEG XL", "djxl"]),
        (&[("a/photos.zip", b"PK\x03\x04")], &["1 archive (a/photos.zip)", "unpack it"]),
        (
            &[("labels.csv", b"path,label\n"), ("readme.txt", b"x")],
            &["1 table (labels.csv)", "data.path", "1 other file"],
        ),
        (&[("a/film.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isom")], &["1 video", "ffmpeg"]),
        (&[("a/scan.dcm", b"x")], &["1 DICOM"]),
        (&[("@eaDir/1.jpg", &image)], &["passed over: @eaDir with 1 image"]),
    ] {
        let folder = tree(files);
        let text = message(folder.path());
        assert!(text.contains("holds nothing that is read as an image, but"), "{text}");
        assert!(expected.iter().all(|part| text.contains(part)), "{text}");
    }
    let nothing = tempfile::tempdir().unwrap();
    assert!(message(nothing.path()).contains("holds no images; expected <class>/<image>"));
}

#[test]
fn files_without_an_images_extension_are_looked_into() {
    let image = photograph();
    let png = fs::read(fixture("decode/png-rgb-8.png")).unwrap();
    let folder = tree(&[
        ("a/one", &image),
        ("a/two.0001", &png),
        // What an iPhone's export sometimes is.
        ("b/three.HEIC", &image),
        ("b/four.jpg", &image),
        ("b/notes", b"text"),
        ("b/copy.jpg~", &image),
        ("b/half.crdownload", &image),
    ]);
    let dataset = open(folder.path()).unwrap();
    assert_eq!(counts(&dataset), [0, 0, 0, 4]);
    assert!((0..4).all(|index| dataset.load(index).is_ok()));
    assert_eq!(
        dataset.warnings(),
        [
            Warning::LookedInto { count: 3, example: "a/one".into() },
            Warning::OtherFiles { count: 3, example: "b/copy.jpg~".into() }
        ]
    );
}

#[test]
fn pictures_that_are_not_read_are_told_by_class_and_a_lost_class_is_an_error() {
    let image = photograph();
    let name = |class: &str, number: usize, end: &str| format!("{class}/{number}.{end}");
    let build = |cats: usize, dogs: usize, birds: usize| {
        let mut files: Vec<(String, &[u8])> = Vec::new();
        for class in ["cats", "dogs"] {
            files.extend((0..20).map(|number| (name(class, number, "jpg"), image.as_slice())));
        }
        files.extend((0..cats).map(|number| (name("cats", number, "heic"), HEIC)));
        files.extend((0..dogs).map(|number| (name("dogs", number, "avif"), AVIF)));
        files.extend((0..birds).map(|number| (name("birds", number, "heic"), HEIC)));
        tree(&files.iter().map(|(file, bytes)| (file.as_str(), *bytes)).collect::<Vec<_>>())
    };
    // A tenth is less than more than a tenth.
    let dataset = open(build(1, 2, 0).path()).unwrap();
    let [Warning::UnreadPictures { count: 3, formats, .. }] = dataset.warnings() else {
        panic!("{:?}", dataset.warnings())
    };
    assert_eq!(formats, "1 HEIC, 2 AVIF");
    let dataset = open(build(20, 2, 0).path()).unwrap();
    let text = dataset.warnings()[0].to_string();
    assert!(
        text.contains("22 pictures")
            && text.contains("cats loses 20 HEIC of 40")
            && text.contains("heif-convert"),
        "{text}"
    );
    let folder = build(20, 0, 4);
    let text = message(folder.path());
    assert!(text.contains("would lose whole classes") && text.contains("birds (4 HEIC)"), "{text}");
    assert!(text.contains("cats loses 20 HEIC of 40"), "{text}");
    let classes = Some(vec!["cats".to_owned(), "dogs".to_owned()]);
    let dataset = Dataset::open(&SourceConfig { classes, ..SourceConfig::at(folder.path()) }).unwrap();
    assert_eq!(dataset.classes().len(), 2);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_never_opened() {
    let folder = photos(&["a/1.jpg", "b/2.jpg"]);
    for name in ["a/pipe", "b/pipe.jpg"] {
        let made = std::process::Command::new("mkfifo").arg(folder.path().join(name)).status();
        assert!(made.unwrap().success());
    }
    let dataset = open(folder.path()).unwrap();
    assert_eq!(counts(&dataset), [0, 0, 0, 2]);
    assert_eq!(dataset.warnings(), [Warning::NoFiles { count: 2, example: "a/pipe".into() }]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_listed_is_an_error_that_names_it() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = photos(&["a/1.jpg", "b/sub/2.jpg", "c/3.jpg"]);
    // A share that is gone: its link leads nowhere.
    symlink("/no/such/share", folder.path().join("d")).unwrap();
    let text = message(folder.path());
    assert!(text.contains("cannot read") && text.contains("/d: "), "{text}");
    fs::remove_file(folder.path().join("d")).unwrap();
    for closed in ["b", "b/sub"] {
        let path = folder.path().join(closed);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let bound = fs::read_dir(&path).is_err();
        let opened = open(folder.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        if bound {
            let text = opened.unwrap_err().to_string();
            assert!(text.contains("cannot read") && text.contains(closed), "{text}");
        } else {
            eprintln!("skipped: this user may read everything");
        }
    }
}

// Archives

#[test]
fn links_in_a_tar_are_the_files_they_lead_to() {
    let image = photograph();
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |name: &str, kind: tar::EntryType, target: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        if target.is_empty() {
            header.set_size(image.len() as u64);
            archive.append_data(&mut header, name, image.as_slice()).unwrap();
        } else {
            header.set_size(0);
            archive.append_link(&mut header, name, target).unwrap();
        }
    };
    use tar::EntryType::{Link, Regular, Symlink};
    add("set/a/1.jpg", Regular, "");
    add("set/b/1.jpg", Regular, "");
    add("set/b/hard.jpg", Link, "set/a/1.jpg");
    add("set/b/soft.jpg", Symlink, "../a/1.jpg");
    add("set/b/soft-to-soft.jpg", Symlink, "soft.jpg");
    add("set/b/outside.jpg", Symlink, "../../../etc/passwd");
    add("set/b/absolute.jpg", Symlink, "/etc/passwd");
    add("set/b/nowhere.jpg", Link, "set/c/9.jpg");
    let folder = tree(&[("linked.tar", &archive.into_inner().unwrap())]);
    let dataset = open(&folder.path().join("linked.tar")).unwrap();
    let ids: Vec<&str> = dataset.samples().iter().map(|sample| sample.id.as_str()).collect();
    assert_eq!(ids, ["a/1.jpg", "b/1.jpg", "b/hard.jpg", "b/soft-to-soft.jpg", "b/soft.jpg"]);
    assert!((0..5).all(|index| dataset.bytes(index).unwrap() == image));
    let text = told(&dataset);
    assert!(text.contains("3 links") && text.contains("outside"), "{text}");
}

/// A zip of stored members with names as given, byte for byte; `unicode`: with Info-ZIP's field of the name in UTF-8.
fn zip(members: &[(&[u8], &[u8])], unicode: Option<&[&str]>) -> Vec<u8> {
    flagged_zip(&members.iter().map(|&(name, data)| (name, data, 0)).collect::<Vec<_>>(), unicode)
}

/// [`zip`], with the general purpose flags of each member.
fn flagged_zip(members: &[(&[u8], &[u8], u16)], unicode: Option<&[&str]>) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (number, (name, data, flags)) in members.iter().enumerate() {
        let crc = |bytes: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            crc.sum()
        };
        let mut extra = Vec::new();
        if let Some(names) = unicode {
            extra.extend(0x7075u16.to_le_bytes());
            extra.extend((5 + names[number].len() as u16).to_le_bytes());
            extra.push(1);
            extra.extend(crc(name).to_le_bytes());
            extra.extend(names[number].as_bytes());
        }
        let offset = out.len() as u32;
        let mut common = vec![20, 0];
        common.extend(flags.to_le_bytes());
        common.extend([0, 0, 0, 0, 0x21, 0x50]);
        for number in [crc(data), data.len() as u32, data.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend((extra.len() as u16).to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend([*name, &extra, *data].concat());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend([*name, extra.as_slice()].concat());
    }
    let start = out.len() as u32;
    let count = (members.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

#[test]
fn zip_names_in_an_old_code_page_are_decoded_and_it_is_said() {
    let image = photograph();
    let (dog, cat): (&[u8], &[u8]) = (b"\xb0\xad\xbe\xc6\xc1\xf6/1.jpg", b"\xb0\xed\xbe\xe7\xc0\xcc/1.jpg");
    let folder = tree(&[
        ("korean.zip", &zip(&[(dog, &image), (cat, &image)], None)),
        ("marked.zip", &zip(&[(dog, &image), (cat, &image)], Some(&["강아지/1.jpg", "고양이/1.jpg"]))),
        ("latin.zip", &zip(&[(b"caf\x82/1.jpg", &image), (b"bar/1.jpg", &image)], None)),
    ]);
    let korean = open(&folder.path().join("korean.zip")).unwrap();
    assert_eq!(korean.classes(), ["강아지", "고양이"]);
    assert!(korean.load(1).is_ok());
    let [Warning::ZipNames { count: 2, encoding, .. }] = korean.warnings() else {
        panic!("{:?}", korean.warnings())
    };
    assert_eq!(encoding, "CP949 (Korean)");
    assert!(korean.warnings()[0].to_string().contains("-mcu=on"));
    let marked = open(&folder.path().join("marked.zip")).unwrap();
    assert_eq!((marked.classes(), marked.warnings()), (korean.classes(), &[][..]));
    let latin = open(&folder.path().join("latin.zip")).unwrap();
    assert_eq!(latin.classes(), ["bar", "café"]);
    assert!(told(&latin).contains("read as CP437"));
}

#[test]
fn a_folder_in_a_zip_has_one_name_whatever_its_files_are_called() {
    let image = photograph();
    // By folder: names of files that are ASCII, and such that are not. The Korean word for book looks like UTF-8.
    for (name, classes, expected) in [
        ("korean", [&b"\xc3\xa5"[..], b"\xb0\xed\xbe\xe7\xc0\xcc"], ["고양이", "책"]),
        ("spanish", [b"ni\xa4o", b"p\xa0jaro"], ["niño", "pájaro"]),
        ("french", [b"\x90l\x82phant", b"ch\x8avre"], ["chèvre", "Élephant"]),
    ] {
        let expected = expected.map(|class| class.replace("Élephant", "Éléphant"));
        let mut names = Vec::new();
        for class in classes {
            for file in [&b"0.jpg"[..], b"1.jpg", b"\xbb\xe7\xc1\xf81.jpg"].iter().take(if name == "korean" {
                3
            } else {
                2
            }) {
                names.push([class, b"/", file].concat());
            }
        }
        let members: Vec<(&[u8], &[u8])> =
            names.iter().map(|name| (name.as_slice(), image.as_slice())).collect();
        let folder = tree(&[("a.zip", &zip(&members, None))]);
        let dataset = open(&folder.path().join("a.zip")).unwrap();
        assert_eq!(dataset.classes(), expected, "{name}");
        assert!(told(&dataset).contains(&format!("{} names", members.len())), "{}", told(&dataset));
    }
    // What is marked as UTF-8 is UTF-8, and so is what all looks like it.
    let marked = 1 << 11;
    let mixed = flagged_zip(
        &[
            ("책/☃.jpg".as_bytes(), &image, marked),
            (b"\xc3\xa5/1.jpg", &image, 0),
            (b"\xb0\xed\xbe\xe7\xc0\xcc/2.jpg", &image, 0),
        ],
        None,
    );
    let unmarked = zip(&[("책/1.jpg".as_bytes(), &image), ("chèvre/1.jpg".as_bytes(), &image)], None);
    let folder = tree(&[("mixed.zip", &mixed), ("unmarked.zip", &unmarked)]);
    assert_eq!(open(&folder.path().join("mixed.zip")).unwrap().classes(), ["고양이", "책"]);
    let dataset = open(&folder.path().join("unmarked.zip")).unwrap();
    assert_eq!(
        (dataset.classes().to_vec(), told(&dataset)),
        (vec!["chèvre".to_owned(), "책".into()], String::new())
    );
}

#[test]
fn a_name_that_an_archive_holds_twice_is_told() {
    let image = photograph();
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["a/1.jpg", "b/1.jpg", "a/1.jpg"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(image.len() as u64);
        tar.append_data(&mut header, name, image.as_slice()).unwrap();
    }
    let folder = tree(&[
        ("twice.zip", &zip(&[(b"a/1.jpg", &image), (b"b/1.jpg", &image), (b"a/1.jpg", &image)], None)),
        ("twice.tar", &tar.into_inner().unwrap()),
    ]);
    for name in ["twice.zip", "twice.tar"] {
        let dataset = open(&folder.path().join(name)).unwrap();
        assert_eq!(counts(&dataset), [0, 0, 0, 2], "{name}");
        assert!(told(&dataset).contains("files of one name more than once"), "{name}: {}", told(&dataset));
    }
    assert!(told(&open(&folder.path().join("twice.tar")).unwrap()).contains("a/1.jpg for one"));
}

#[test]
fn a_tar_without_its_end_mark_may_be_cut_off_and_that_is_said() {
    let image = photograph();
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["a/1.jpg", "b/1.jpg"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(image.len() as u64);
        tar.append_data(&mut header, name, image.as_slice()).unwrap();
    }
    let whole = tar.into_inner().unwrap();
    for (cut, is_said) in [(0, false), (512, false), (1024, true)] {
        let folder = tree(&[("a.tar", &whole[..whole.len() - cut])]);
        let dataset = open(&folder.path().join("a.tar")).unwrap();
        let said = [Warning::NoEndMark { archive: "a.tar".into(), members: 2 }];
        assert_eq!(dataset.warnings(), if is_said { &said[..] } else { &[] }, "{cut}");
    }
}

#[test]
fn members_without_an_extension_are_looked_into_too() {
    let image = photograph();
    let folder = tree(&[
        ("plain.zip", &zip(&[(b"a/1", &image), (b"b/2", &image), (b"b/3.heic", HEIC)], None)),
        ("nested.zip", &zip(&[(b"all/inner.zip", b"PK\x03\x04 and so on")], None)),
    ]);
    let dataset = open(&folder.path().join("plain.zip")).unwrap();
    assert_eq!(counts(&dataset), [0, 0, 0, 2]);
    let text = told(&dataset);
    assert!(
        text.contains("2 files without an image's extension") && text.contains("b loses 1 HEIC of 2"),
        "{text}"
    );
    assert!(message(&folder.path().join("nested.zip")).contains("1 archive (all/inner.zip)"));
}

#[test]
fn tiff_folders_are_read() {
    let tiff = fs::read(fixture("decode/tiff-rgb-lzw.tif")).unwrap();
    let folder = tree(&[("a/1.tif", &tiff), ("a/2.TIFF", &tiff), ("b/1", &tiff), ("b/2.tif", &tiff)]);
    let dataset = open(folder.path()).unwrap();
    assert_eq!(counts(&dataset), [0, 0, 0, 4]);
    assert!((0..4).all(|index| dataset.load(index).is_ok()));
}

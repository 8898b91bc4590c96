use std::fs;
use std::path::Path;

use bakeoff_data::{
    DataError, Dataset, DeclaredSplit, GeneratedConfig, ImageError, LimitConfig, SourceConfig, SourceKind,
    Warning, decode_file, detect,
};

use proptest::prelude::*;

use crate::{photograph, tree};

pub(crate) fn open(path: &Path) -> Result<Dataset, DataError> {
    Dataset::open(&SourceConfig::at(path))
}

pub(crate) fn message(path: &Path) -> String {
    open(path).unwrap_err().to_string()
}

pub(crate) fn ids(dataset: &Dataset) -> Vec<&str> {
    dataset.samples().iter().map(|sample| sample.id.as_str()).collect()
}

pub(crate) fn count(dataset: &Dataset, split: DeclaredSplit) -> usize {
    dataset.samples().iter().filter(|sample| sample.split == split).count()
}

// Folders

#[test]
fn a_folder_with_splits_is_listed_nested_files_included() {
    let image = photograph();
    let folder = tree(&[
        ("train/cat/1.jpg", &image),
        ("train/cat/from/far/below/2.JPEG", &image),
        ("train/dog/1.jpg", &image),
        ("valid/cat/3.jpg", &image),
        ("test/cat/4.jpg", &image),
        ("test/dog/4.webp", &image),
        ("train/.hidden/5.jpg", &image),
        ("train/cat/.DS_Store", b"x"),
    ]);
    let dataset = open(folder.path()).unwrap();
    assert_eq!(dataset.classes(), ["cat", "dog"]);
    assert_eq!(
        ids(&dataset),
        [
            "test/cat/4.jpg",
            "test/dog/4.webp",
            "train/cat/1.jpg",
            "train/cat/from/far/below/2.JPEG",
            "train/dog/1.jpg",
            "valid/cat/3.jpg"
        ]
    );
    assert_eq!(count(&dataset, DeclaredSplit::Train), 3);
    assert_eq!(count(&dataset, DeclaredSplit::Test), 2);
    assert_eq!(
        dataset.warnings(),
        [
            Warning::PassedOver { folders: ".hidden with 1 image".into() },
            Warning::NoValidationImages { class: "dog".into() }
        ]
    );
    let loaded = dataset.load(5).unwrap();
    assert_eq!(*loaded, decode_file(&folder.path().join("valid/cat/3.jpg")).unwrap());
    assert!(matches!(dataset.load(6), Err(ImageError::NoSample(6))));
}

#[test]
fn a_folder_of_classes_declares_no_splits_even_if_a_class_is_called_test() {
    let image = photograph();
    let folder = tree(&[("cat/1.jpg", &image), ("test/1.jpg", &image), ("dog/1.jpg", &image)]);
    let dataset = open(folder.path()).unwrap();
    assert_eq!(dataset.classes(), ["cat", "dog", "test"]);
    assert_eq!(count(&dataset, DeclaredSplit::Undeclared), 3);
}

#[test]
fn what_is_odd_about_a_folder_is_a_warning() {
    let image = photograph();
    let folder = tree(&[
        ("train/cat/1.jpg", &image),
        ("train/dog/1.jpg", &image),
        ("train/dog/notes.txt", b"x"),
        ("train/loose.jpg", &image),
        ("README.md", b"x"),
        ("extra/1.jpg", &image),
    ]);
    fs::create_dir(folder.path().join("train/bird")).unwrap();
    let dataset = open(folder.path()).unwrap();
    assert_eq!(dataset.classes(), ["cat", "dog"]);
    assert_eq!(
        dataset.warnings(),
        [
            Warning::BesideSplits { folder: "extra".into() },
            Warning::LooseImages { count: 1, example: "train/loose.jpg".into() },
            Warning::EmptyClass { folder: "train/bird".into() },
            Warning::OtherFiles { count: 2, example: "README.md".into() },
        ]
    );
}

#[test]
fn folders_that_cannot_be_used_say_why_and_what_to_do() {
    let image = photograph();
    assert!(
        message(Path::new("/no/such/folder")).contains("/no/such/folder: there is no such file or folder")
    );
    assert!(message(Path::new("")).contains("data.path"));

    let empty = tempfile::tempdir().unwrap();
    assert!(message(empty.path()).contains("holds no images; expected <class>/<image>"));
    let flat = tree(&[("1.jpg", &image), ("2.jpg", &image)]);
    assert!(message(flat.path()).contains("holds 2 images but no class folders"));
    let one = tree(&[("train/cat/1.jpg", &image), ("test/cat/2.jpg", &image)]);
    assert!(message(one.path()).contains("one class only (cat)"));
    let wrapped = tree(&[("Images/cat/1.jpg", &image), ("Images/dog/2.jpg", &image)]);
    let text = message(wrapped.path());
    assert!(text.contains("one class only (Images)") && text.contains("did you mean"), "{text}");
    let untrained =
        tree(&[("train/cat/1.jpg", &image), ("train/dog/1.jpg", &image), ("test/bird/1.jpg", &image)]);
    let text = message(untrained.path());
    assert!(
        text.contains("class bird has test images but no train images") && text.contains("data.classes"),
        "{text}"
    );
    let no_train = tree(&[("test/cat/1.jpg", &image), ("test/dog/1.jpg", &image)]);
    assert!(message(no_train.path()).contains("no train images"));
    let file = tree(&[("a.jpg", &image)]);
    let config =
        SourceConfig { kind: Some(SourceKind::Folder), ..SourceConfig::at(file.path().join("a.jpg")) };
    assert!(Dataset::open(&config).unwrap_err().to_string().contains("not an image folder"));
}

#[test]
fn an_emptied_class_folder_is_a_class_without_train_images() {
    let image = photograph();
    let folder =
        tree(&[("train/cat/1.jpg", &image), ("train/dog/1.jpg", &image), ("test/bird/1.jpg", &image)]);
    fs::create_dir(folder.path().join("train/bird")).unwrap();
    assert!(message(folder.path()).contains("class bird has test images but no train images"));
    let config =
        SourceConfig { classes: Some(vec!["dog".into(), "cat".into()]), ..SourceConfig::at(folder.path()) };
    assert_eq!(Dataset::open(&config).unwrap().classes(), ["cat", "dog"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let image = photograph();
    let folder =
        tree(&[("train/cat/1.jpg", &image), ("train/dog/1.jpg", &image), ("elsewhere/2.jpg", &image)]);
    let root = folder.path();
    symlink(root.join("train"), root.join("train/cat/again")).unwrap();
    symlink(root.join("elsewhere"), root.join("train/dog/more")).unwrap();
    symlink(root.join("nowhere"), root.join("train/dog/dangling.jpg")).unwrap();
    let dataset = open(root).unwrap();
    assert_eq!(ids(&dataset), ["train/cat/1.jpg", "train/dog/1.jpg", "train/dog/more/2.jpg"]);
    let warned = |warning: &dyn Fn(&Warning) -> bool| dataset.warnings().iter().any(warning);
    assert!(warned(&|w| *w == Warning::LinkCycle { link: "train/cat/again".into() }));
    assert!(warned(&|w| matches!(w, Warning::Unreadable { path, .. } if path == "train/dog/dangling.jpg")));
}

#[test]
fn classes_can_be_chosen_by_name() {
    let image = photograph();
    let folder = tree(&[("cat/1.jpg", &image), ("dog/1.jpg", &image), ("bird/1.jpg", &image)]);
    let choose = |names: &[&str]| {
        let classes = Some(names.iter().map(|&name| name.to_owned()).collect());
        Dataset::open(&SourceConfig { classes, ..SourceConfig::at(folder.path()) })
    };
    let dataset = choose(&["dog", "bird"]).unwrap();
    assert_eq!(dataset.classes(), ["bird", "dog"]);
    assert_eq!(ids(&dataset), ["bird/1.jpg", "dog/1.jpg"]);
    assert_eq!(dataset.samples()[1].label, 1);
    let error = choose(&["dog", "brid"]).unwrap_err().to_string();
    assert!(error.contains("no class \"brid\"; did you mean \"bird\"?"), "{error}");
    assert!(choose(&["dog"]).unwrap_err().to_string().contains("one class only"));
}

#[test]
fn a_limit_keeps_the_same_images_every_time_and_the_smaller_one_is_part_of_the_larger() {
    let image = photograph();
    let files: Vec<String> = (0..30)
        .flat_map(|n| {
            ["train/cat", "train/dog", "test/cat", "test/dog"].map(|folder| format!("{folder}/{n:02}.jpg"))
        })
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|file| (file.as_str(), image.as_slice())).collect();
    let folder = tree(&files);
    let limited = |train: usize| {
        let limit =
            LimitConfig { train_per_class: Some(train), test_per_class: Some(3), ..LimitConfig::default() };
        Dataset::open(&SourceConfig { limit, ..SourceConfig::at(folder.path()) }).unwrap()
    };
    let (small, large) = (limited(5), limited(12));
    assert_eq!((count(&small, DeclaredSplit::Train), count(&small, DeclaredSplit::Test)), (10, 6));
    assert_eq!(count(&large, DeclaredSplit::Train), 24);
    assert_eq!(small.samples(), limited(5).samples());
    assert!(small.samples().iter().all(|sample| large.samples().contains(sample)));
    assert_ne!(
        ids(&small)[6..11],
        ["train/cat/00.jpg", "train/cat/01.jpg", "train/cat/02.jpg", "train/cat/03.jpg", "train/cat/04.jpg"]
    );
}

// Class names

/// A folder, a table and a tar archive of the same classes, two images each; names that a file system would not take the same way
/// are none of this test's.
fn of_classes(names: &[&str]) -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
    let image = photograph();
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("photos");
    let mut table = "path,label\n".to_owned();
    let mut archive = tar::Builder::new(fs::File::create(folder.path().join("photos.tar")).unwrap());
    for (number, name) in names.iter().enumerate() {
        fs::create_dir_all(images.join(name)).unwrap();
        for copy in 0..2 {
            let file = format!("{name}/{number}-{copy}.jpg");
            fs::write(images.join(&file), &image).unwrap();
            archive.append_path_with_name(images.join(&file), &file).unwrap();
            // Blanks at the ends are cut off before anyone sees them.
            table += &format!("\"photos/{file}\",{name}\n");
        }
    }
    archive.finish().unwrap();
    fs::write(folder.path().join("photos.csv"), table).unwrap();
    let paths = ["photos", "photos.csv", "photos.tar"].map(|name| folder.path().join(name));
    (folder, paths.into())
}

#[test]
fn names_that_are_alike_are_a_warning_in_every_source() {
    let (_kept, paths) = of_classes(&["Dog", "bird", "dog", "DOG"]);
    for path in paths {
        let dataset = open(&path).unwrap();
        assert_eq!(dataset.classes(), ["DOG", "Dog", "bird", "dog"]);
        let [warning] = dataset.warnings() else { panic!("{:?}", dataset.warnings()) };
        let text = warning.to_string();
        assert!(text.contains("\"DOG\", \"Dog\", \"dog\" differ in letter case only"), "{text}");
    }
    let (_kept, paths) = of_classes(&["cat", "cat ", "dog"]);
    for path in [&paths[0], &paths[2]] {
        let text = open(path).unwrap().warnings()[0].to_string();
        assert!(text.contains("\"cat\", \"cat \" differ in blanks at the ends only"), "{text}");
    }
}

#[test]
fn names_that_differ_in_their_normalisation_only_are_one_class_in_every_source() {
    // 고양이 composed and decomposed, as one half of a data set went through macOS.
    let (composed, decomposed) =
        ("\u{ace0}\u{c591}\u{c774}", "\u{1100}\u{1169}\u{110b}\u{1163}\u{11bc}\u{110b}\u{1175}");
    let (_kept, paths) = of_classes(&[composed, decomposed, "dog"]);
    for path in paths {
        let dataset = open(&path).unwrap();
        assert_eq!(dataset.classes(), ["dog", composed]);
        assert_eq!(dataset.samples().iter().filter(|sample| sample.label == 1).count(), 4);
        assert_eq!(dataset.warnings(), [Warning::JoinedClasses { class: composed.into() }]);
        for name in [composed, decomposed] {
            let classes = Some(vec![name.to_owned(), "dog".to_owned()]);
            let dataset = Dataset::open(&SourceConfig { classes, ..SourceConfig::at(&path) }).unwrap();
            assert_eq!(dataset.samples().len(), 6, "{name:?} in data.classes");
        }
    }
    let image = photograph();
    let train = format!("train/{composed}/1.jpg");
    let test = format!("test/{decomposed}/2.jpg");
    let files =
        [train.as_str(), &test, "train/dog/1.jpg", "test/dog/2.jpg"].map(|file| (file, image.as_slice()));
    let dataset = open(tree(&files).path()).unwrap();
    assert_eq!((dataset.classes().len(), count(&dataset, DeclaredSplit::Test)), (2, 2));
}

#[test]
fn a_class_that_a_split_lacks_is_told_what_it_resembles() {
    let image = photograph();
    let files = ["train/Dog/1.jpg", "train/cat/1.jpg", "test/dog/2.jpg", "test/cat/2.jpg"];
    let folder = tree(&files.map(|file| (file, image.as_slice())));
    let text = message(folder.path());
    assert!(text.contains("class dog has test images but no train images"), "{text}");
    assert!(text.contains("train has \"Dog\", which differs in letter case only"), "{text}");
    let classes = Some(vec!["DOG".to_owned(), "cat".to_owned()]);
    let error = Dataset::open(&SourceConfig { classes, ..SourceConfig::at(folder.path()) }).unwrap_err();
    assert!(
        error.to_string().contains("did you mean \"Dog\", which differs in letter case only?"),
        "{error}"
    );
}

#[test]
fn classes_that_are_numbers_are_ordered_as_numbers_in_every_source() {
    let (_kept, paths) = of_classes(&["10", "9", "100"]);
    for path in paths {
        assert_eq!(open(&path).unwrap().classes(), ["9", "10", "100"], "{}", path.display());
    }
}

#[cfg(unix)]
#[test]
fn folders_whose_names_are_not_utf_8_are_classes_of_their_own() {
    use std::os::unix::ffi::OsStrExt;
    let image = photograph();
    let folder = tempfile::tempdir().unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    for name in [&b"\xE9"[..], b"\xE8", b"z"] {
        let class = folder.path().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&class).unwrap();
        for file in [&b"1.jpg"[..], b"\xE9.jpg", b"\xE8.jpg"] {
            let path = class.join(std::ffi::OsStr::from_bytes(file));
            fs::write(&path, &image).unwrap();
            archive.append_path_with_name(&path, path.strip_prefix(folder.path()).unwrap()).unwrap();
        }
    }
    let packed = tempfile::tempdir().unwrap();
    fs::write(packed.path().join("latin.tar"), archive.into_inner().unwrap()).unwrap();
    for path in [folder.path().to_owned(), packed.path().join("latin.tar")] {
        let dataset = open(&path).unwrap();
        assert_eq!(dataset.classes(), ["\\xE8", "\\xE9", "z"]);
        assert_eq!(dataset.samples().len(), 9);
        assert!((0..9).all(|index| dataset.load(index).is_ok()));
        let [warning] = dataset.warnings() else { panic!("{:?}", dataset.warnings()) };
        assert!(matches!(warning, Warning::NamesNotUtf8 { count: 8, .. }), "{warning:?}");
    }
}

// Tables

#[test]
fn a_table_without_splits_is_listed() {
    let image = photograph();
    let table = b"\xEF\xBB\xBF Label , PATH ,remark\r\ncat,images/1.jpg,\r\n\"dog, small\",./images/2.jpg,\"a \"\"b\"\"\"\r\n";
    let folder = tree(&[("list.csv", table), ("images/1.jpg", &image), ("images/2.jpg", &image)]);
    for path in [folder.path().join("list.csv"), folder.path().to_owned()] {
        let config = SourceConfig { kind: Some(SourceKind::Csv), ..SourceConfig::at(path) };
        let dataset = Dataset::open(&config).unwrap();
        assert_eq!(dataset.classes(), ["cat", "dog, small"]);
        assert_eq!(ids(&dataset), ["images/1.jpg", "images/2.jpg"]);
        assert_eq!(count(&dataset, DeclaredSplit::Undeclared), 2);
        assert!(dataset.load(1).is_ok());
    }
}

#[test]
fn a_table_with_a_split_column_and_semicolons_is_listed() {
    let image = photograph();
    let table = b"path;label;split\n1.jpg;10;train\n2.jpg;9;Training\n3.jpg;9;val\n4.jpg;10;TEST\n";
    let folder =
        tree(&[("l.csv", table), ("1.jpg", &image), ("2.jpg", &image), ("3.jpg", &image), ("4.jpg", &image)]);
    let dataset = open(&folder.path().join("l.csv")).unwrap();
    assert_eq!(dataset.classes(), ["9", "10"], "numbers are sorted as numbers");
    let splits: Vec<DeclaredSplit> = dataset.samples().iter().map(|sample| sample.split).collect();
    let (train, validation, test) = (DeclaredSplit::Train, DeclaredSplit::Validation, DeclaredSplit::Test);
    assert_eq!(splits, [train, train, validation, test]);
}

#[test]
fn a_folder_of_tables_and_a_table_of_the_test_split_are_understood() {
    let image = photograph();
    let table = |a: &str, b: &str| format!("path,label\n{a}.jpg,cat\n{b}.jpg,dog\n").into_bytes();
    let (train, test) = (table("1", "2"), table("3", "4"));
    let images = ["1.jpg", "2.jpg", "3.jpg", "4.jpg"].map(|file| (file, image.as_slice()));
    let folder =
        tree(&[&[("train.csv", train.as_slice()), ("test.csv", test.as_slice())], &images[..]].concat());
    assert_eq!(detect(folder.path()), Some(SourceKind::Csv));
    let whole = open(folder.path()).unwrap();
    assert_eq!((count(&whole, DeclaredSplit::Train), count(&whole, DeclaredSplit::Test)), (2, 2));

    let alone = open(&folder.path().join("train.csv")).unwrap();
    assert_eq!(count(&alone, DeclaredSplit::Undeclared), 2);
    assert_eq!(alone.warnings(), [Warning::TestTableBeside]);

    let config = SourceConfig {
        test_path: Some(folder.path().join("test.csv")),
        ..SourceConfig::at(folder.path().join("train.csv"))
    };
    let both = Dataset::open(&config).unwrap();
    assert_eq!(both.samples(), whole.samples());
    assert!(both.warnings().is_empty());
}

#[test]
fn wrong_lines_of_a_table_are_all_named() {
    let image = photograph();
    let table = b"path,label,split\n1.jpg,cat,train\n2.jpg,dog\n,dog,train\n3.jpg,,train\n1.jpg,dog,test\n4.jpg,dog,later\n\"5.jpg,dog,train\n";
    let folder = tree(&[("l.csv", table), ("1.jpg", &image)]);
    let text = message(&folder.path().join("l.csv"));
    for expected in [
        "line 3: has 2 columns, the header has 3",
        "line 4: the path is empty",
        "line 6: 1.jpg is listed twice, first on line 2",
        "line 7: split is \"later\"; must be train, validation or test",
        "line 8: a quotation mark opens a cell here",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
}

#[test]
fn tables_that_cannot_be_used_say_why() {
    let image = photograph();
    let folder = tree(&[
        ("unknown.csv", b"a,b,c\n1,cat,3\n2,dog,4\n"),
        ("no-rows.csv", b"path,label\n"),
        ("nothing-there.csv", b"path,label\nimages/1.jpg,cat\nimages/2.jpg,dog\n"),
        ("one.csv", b"path,label\n1.jpg,cat\n"),
        ("both.csv", b"path,label\n1.jpg,dog\n"),
        ("1.jpg", &image),
    ]);
    let at = |name: &str| message(&folder.path().join(name));
    assert!(
        at("unknown.csv").contains("line 1: expected a header with the columns path,label[,split], found")
    );
    assert!(at("no-rows.csv").contains("no rows"));
    let text = at("nothing-there.csv");
    assert!(text.contains("not one of the 2 images") && text.contains("line 2 names images/1.jpg"), "{text}");
    assert!(at("one.csv").contains("one class only"));
    let config = SourceConfig {
        test_path: Some(folder.path().join("both.csv")),
        ..SourceConfig::at(folder.path().join("one.csv"))
    };
    let text = Dataset::open(&config).unwrap_err().to_string();
    assert!(text.contains("line 2: 1.jpg is listed on line 2 of") && text.contains("one.csv"), "{text}");
    let config = SourceConfig {
        test_path: Some("gone.csv".into()),
        ..SourceConfig::at(folder.path().join("one.csv"))
    };
    assert!(Dataset::open(&config).unwrap_err().to_string().contains("data.test_path"));
}

#[test]
fn a_missing_image_of_a_table_is_one_image_that_cannot_be_used() {
    let image = photograph();
    let folder = tree(&[
        ("l.csv", b"path,label\n1.jpg,cat\n2.jpg,dog\n3.jpg,dog\n"),
        ("1.jpg", &image),
        ("2.jpg", &image),
    ]);
    let dataset = open(&folder.path().join("l.csv")).unwrap();
    let error = dataset.load(2).unwrap_err();
    assert!(matches!(&error, ImageError::Io(io) if io.kind() == std::io::ErrorKind::NotFound), "{error}");
}

// Generated

#[test]
fn generated_images_are_a_source_like_any_other() {
    let world = GeneratedConfig { train_per_class: 3, test_per_class: 2, ..GeneratedConfig::default() };
    let dataset =
        Dataset::open(&SourceConfig { generated: Some(world.clone()), ..SourceConfig::default() }).unwrap();
    assert_eq!(dataset.classes().len(), world.classes);
    assert_eq!(count(&dataset, DeclaredSplit::Train), 3 * world.classes);
    let image = dataset.load(0).unwrap();
    assert_eq!((image.width(), image.height()), (world.size, world.size));
    let wrong = GeneratedConfig { classes: 1, ..world };
    let config = SourceConfig { generated: Some(wrong), ..SourceConfig::default() };
    assert!(Dataset::open(&config).unwrap_err().to_string().contains("classes"));
}

// Anything at all

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_text_makes_a_table_panic(body in "(path|label|split|[a-z0-9./\\\\,;\t\n\r\" ]){0,80}") {
        let table = format!("path,label\n{body}");
        let folder = tree(&[("l.csv", table.as_bytes()), ("a", b"x")]);
        for text in [body.as_bytes(), table.as_bytes()] {
            fs::write(folder.path().join("l.csv"), text).unwrap();
            let _ = open(&folder.path().join("l.csv"));
        }
    }
}

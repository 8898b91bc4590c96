//! Where the images of a table are.

use bakeoff_data::{Dataset, DeclaredSplit, SourceConfig, SourceKind, detect};

use crate::tables::{classes, said, table_of};
use crate::{photograph, tree};

#[test]
fn a_file_under_two_spellings_is_one_image() {
    let dataset = table_of("path,label\n0.jpg,cat\nimg/../0.jpg,cat\nimg/sub/../../1.jpg,dog\n").unwrap();
    let ids: Vec<&str> = dataset.samples().iter().map(|sample| sample.id.as_str()).collect();
    assert_eq!(ids, ["0.jpg", "1.jpg"]);
    assert!(said(&dataset).contains("1 row of list.csv repeats an earlier row"), "{}", said(&dataset));
    let image = photograph();
    let elsewhere = tree(&[("x.jpg", &image)]);
    let absolute = elsewhere.path().join("x.jpg");
    let dataset = table_of(format!("path,label\n0.jpg,cat\n{},dog\n", absolute.display())).unwrap();
    assert!(!dataset.samples().iter().any(|sample| sample.id.starts_with("//")), "{:?}", dataset.samples());
}

#[test]
fn a_table_that_was_found_in_its_folder_is_said_and_so_are_images_it_does_not_list() {
    let image = photograph();
    let rows = "file_name,label\na/0.jpg,cat\n./a/1.jpg,dog\n";
    let more = "file_name,label\na/0.jpg,cat\na/1.jpg,dog\na/2.jpg,cat\nb/3.jpg,\n";
    for (name, text, told) in [
        (
            "metadata.csv",
            rows,
            "metadata.csv: was found in the folder and taken for the list of its images and classes; 2 images",
        ),
        (
            "metadata.csv",
            more,
            "metadata.csv: was found in the folder and taken for the list of its images and classes\n",
        ),
        (
            "train.csv",
            rows,
            "train.csv: was found in the folder and taken for the list of its images and classes; 2 images",
        ),
    ] {
        let folder = tree(&[
            ("a/0.jpg", &image),
            ("a/1.jpg", &image),
            ("a/2.jpg", &image),
            ("b/3.jpg", &image),
            (name, text.as_bytes()),
        ]);
        let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
        assert!(said(&dataset).contains(told), "{told}: {}", said(&dataset));
        let named = Dataset::open(&SourceConfig::at(folder.path().join(name))).unwrap();
        assert!(!said(&named).contains("was found in the folder"), "{}", said(&named));
    }
}

#[test]
fn paths_are_found_whatever_their_slashes_home_and_letter_case() {
    let home = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    for (path, id, told) in [
        ("img/sub/5.jpg", "img/sub/5.jpg", ""),
        ("img\\sub\\5.jpg", "img/sub/5.jpg", ""),
        ("img/sub\\5.jpg", "img/sub/5.jpg", ""),
        ("img\\sub/5.jpg", "img/sub/5.jpg", ""),
        (".\\img\\4.jpg", "img/4.jpg", ""),
        ("./img//4.jpg", "img/4.jpg", ""),
        ("\"img/4.jpg\"", "img/4.jpg", ""),
        ("IMG/4.JPG", "img/4.jpg", "differs in letter case"),
        ("Img\\Sub\\5.Jpg", "img/sub/5.jpg", "differs in letter case"),
        ("img/4", "img/4.jpg", "without an extension"),
    ] {
        if cfg!(windows) && told.contains("case") {
            continue;
        }
        let dataset = table_of(format!("path,label\n0.jpg,cat\n{path},dog\n"))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(dataset.samples()[1].id, id, "{path}");
        let said = said(&dataset);
        assert!(said.contains(told) && said.is_empty() == told.is_empty(), "{path}: {said}");
    }
    for folder in ["$CARGO_MANIFEST_DIR", "${CARGO_MANIFEST_DIR}", home.as_str()] {
        let text = format!("path,label\n0.jpg,cat\n{folder}/tests/fixtures/decode/jpeg-420.jpg,dog\n");
        assert!(table_of(&text).is_ok(), "{folder}");
    }
    for (path, told) in [
        ("C:\\photos\\0.jpg", "C:\\photos\\0.jpg is a path of Windows"),
        ("\\\\server\\share\\0.jpg", "is a path of Windows"),
        ("https://example.org/0.jpg", "is an address, not a path"),
        ("$NO_SUCH_THING_HERE/0.jpg", "variable NO_SUCH_THING_HERE is not set"),
        ("~nobody/0.jpg", "~nobody would be the home folder of another user"),
    ] {
        let error = table_of(format!("path,label\n0.jpg,cat\n{path},dog\n")).unwrap_err();
        assert!(error.contains(told) && error.contains("line 3"), "{path}: {error}");
    }
    let elsewhere = table_of("path,label\nC:\\data\\img\\sub\\5.jpg,cat\n0.jpg,dog\n").unwrap_err();
    assert!(elsewhere.contains("img/sub/5.jpg is there: write the paths from there on"), "{elsewhere}");
}

#[cfg(unix)]
#[test]
fn a_backslash_that_is_part_of_a_name_is_part_of_it() {
    let image = photograph();
    let folder = tree(&[
        ("a\\b.jpg", &image),
        ("a/b.jpg", &image),
        ("~/c.jpg", &image),
        ("list.csv", b"path,label\na\\b.jpg,cat\n~/c.jpg,dog\n"),
    ]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path().join("list.csv"))).unwrap();
    let ids: Vec<&str> = dataset.samples().iter().map(|sample| sample.id.as_str()).collect();
    assert_eq!(ids, ["a\\b.jpg", "~/c.jpg"]);
}

#[test]
fn images_in_another_folder_than_the_table_says_are_found_and_said() {
    let image = photograph();
    let ids = "id,breed\n0,cat\n1,dog\n2,cat\n3,dog\n";
    let names = "path,label\n0.jpg,cat\n1.jpg,dog\n2.jpg,cat\n3.jpg,dog\n";
    for (table, text, folders) in [
        ("labels.csv", ids, ["train"; 4]),
        ("labels.csv", ids, ["images/all"; 4]),
        ("labels.csv", names, ["images"; 4]),
        ("labels.csv", names, ["part_1", "part_1", "part_2", "part_2"]),
        ("labels.csv", names, ["cat", "dog", "cat", "dog"]),
        (
            "lists/labels.csv",
            "path,label\nimg/0.jpg,cat\nimg/1.jpg,dog\nimg/2.jpg,cat\nimg/3.jpg,dog\n",
            ["img"; 4],
        ),
    ] {
        let files: Vec<String> = (0..4).map(|number| format!("{}/{number}.jpg", folders[number])).collect();
        let mut all: Vec<(&str, &[u8])> =
            files.iter().map(|file| (file.as_str(), image.as_slice())).collect();
        all.push((table, text.as_bytes()));
        let folder = tree(&all);
        let dataset = Dataset::open(&SourceConfig::at(folder.path().join(table)))
            .unwrap_or_else(|error| panic!("{folders:?}: {error}"));
        assert_eq!(dataset.samples().len(), 4);
        assert!((0..4).all(|index| dataset.load(index).is_ok()), "{folders:?}");
        let told = said(&dataset);
        assert!(told.contains("are not where it says, and were found in "), "{told}");
    }
    // Several files of one name are a choice that is not made.
    let folder = tree(&[
        ("a/0.jpg", &image),
        ("b/0.jpg", &image),
        ("b/1.jpg", &image),
        ("l.csv", b"path,label\n0.jpg,cat\n1.jpg,dog\n"),
    ]);
    let error = Dataset::open(&SourceConfig::at(folder.path().join("l.csv"))).unwrap_err().to_string();
    assert!(
        error.contains("line 2: 0.jpg is not beside the table, and there are several files of that name"),
        "{error}"
    );
    // Where images are where the table says, one that is not is missing, not elsewhere.
    let folder = tree(&[
        ("0.jpg", &image),
        ("1.jpg", &image),
        ("b/2.jpg", &image),
        ("l.csv", b"path,label\n0.jpg,cat\n1.jpg,dog\n2.jpg,dog\n"),
    ]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path().join("l.csv"))).unwrap();
    assert!(dataset.load(1).is_ok() && dataset.load(2).is_err());
}

#[test]
fn a_table_of_metadata_beside_its_images_is_read_when_its_folder_is_named() {
    let image = photograph();
    let csv = "file_name,label\n0.jpg,cat\n1.jpg,dog\n2.jpg,cat\n3.jpg,dog\n";
    let jsonl = "{\"file_name\": \"0.jpg\", \"label\": \"cat\"}\n{\"label\": \"dog\", \"file_name\": \"1.jpg\"}\n\n{\"file_name\": \"2.jpg\", \"label\": \"cat\"}\n{\"file_name\": \"3.jpg\", \"label\": \"dog\"}\n";
    for (name, text) in [("metadata.csv", csv), ("metadata.jsonl", jsonl)] {
        let folder = tree(&[
            ("0.jpg", &image),
            ("1.jpg", &image),
            ("2.jpg", &image),
            ("3.jpg", &image),
            (name, text.as_bytes()),
        ]);
        assert_eq!(detect(folder.path()), Some(SourceKind::Csv), "{name}");
        for path in [folder.path().to_owned(), folder.path().join(name)] {
            let dataset =
                Dataset::open(&SourceConfig::at(&path)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(classes(&dataset), ["cat", "dog", "cat", "dog"], "{name}");
        }
    }
    // One in every folder of a split; and one above them.
    let split = |text: &str, paths: [&str; 2]| text.replace("A", paths[0]).replace("B", paths[1]);
    let rows = "file_name,label\nA,cat\nB,dog\n";
    let inner = tree(&[
        ("train/0.jpg", &image),
        ("train/1.jpg", &image),
        ("test/2.jpg", &image),
        ("test/3.jpg", &image),
        ("train/metadata.csv", split(rows, ["0.jpg", "1.jpg"]).as_bytes()),
        ("test/metadata.csv", split(rows, ["2.jpg", "3.jpg"]).as_bytes()),
    ]);
    let above = tree(&[
        ("train/0.jpg", &image),
        ("train/1.jpg", &image),
        ("test/2.jpg", &image),
        ("test/3.jpg", &image),
        (
            "metadata.csv",
            b"file_name,label\ntrain/0.jpg,cat\ntrain/1.jpg,dog\ntest/2.jpg,cat\ntest/3.jpg,dog\n",
        ),
    ]);
    for folder in [inner, above] {
        let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
        let splits: Vec<(&str, DeclaredSplit)> =
            dataset.samples().iter().map(|sample| (sample.id.as_str(), sample.split)).collect();
        use DeclaredSplit::{Test, Train};
        assert_eq!(
            splits,
            [("test/2.jpg", Test), ("test/3.jpg", Test), ("train/0.jpg", Train), ("train/1.jpg", Train)]
        );
    }
    // Captions say no classes: then the folders do.
    let captions = tree(&[
        ("cat/0.jpg", &image),
        ("dog/1.jpg", &image),
        ("metadata.csv", b"file_name,text\ncat/0.jpg,a cat\ndog/1.jpg,a dog\n"),
    ]);
    assert_eq!(detect(captions.path()), Some(SourceKind::Folder));
    assert_eq!(Dataset::open(&SourceConfig::at(captions.path())).unwrap().classes(), ["cat", "dog"]);
}

#[test]
fn a_folder_of_loose_images_names_the_table_that_stands_in_it() {
    let image = photograph();
    for (images, name, text) in [
        ("0.jpg", "labels.csv", "id,breed\n0,cat\n"),
        ("train/0.jpg", "labels.csv", "id,breed\n0,cat\n"),
        ("0.jpg", "annotations.jsonl", "{\"id\": 0, \"breed\": \"cat\"}\n"),
    ] {
        let folder = tree(&[(images, &image), (name, text.as_bytes())]);
        let error = Dataset::open(&SourceConfig::at(folder.path())).unwrap_err().to_string();
        assert!(
            error.contains(name) && error.contains("`id`, `breed`") && error.contains("data.path"),
            "{error}"
        );
    }
}

//! WebDataset shards as other people write them.

use bakeoff_data::{Dataset, SourceConfig, SourceKind, Warning, detect};

use crate::containers::classes;
use crate::{photograph, shard, tree};

fn open_shard(members: &[(&str, &[u8])]) -> Result<Dataset, String> {
    let folder = shard(members);
    let path = folder.path().join("a.tar");
    assert_eq!(
        detect(&path),
        Some(SourceKind::Webdataset),
        "{:?}",
        members.iter().map(|m| m.0).collect::<Vec<_>>()
    );
    Dataset::open(&SourceConfig::at(path)).map_err(|error| error.to_string())
}

/// Opens a shard in which each label stands beside an image, in a file that ends in `end`.
fn open_labelled(image: &[u8], end: &str, labels: &[&[u8]]) -> Result<Dataset, String> {
    let names: Vec<(String, String)> =
        (0..labels.len()).map(|n| (format!("{n}.jpg"), format!("{n}.{end}"))).collect();
    let members: Vec<(&str, &[u8])> = names
        .iter()
        .zip(labels)
        .flat_map(|((jpg, other), label)| [(jpg.as_str(), image), (other.as_str(), *label)])
        .collect();
    open_shard(&members)
}

#[test]
fn webdataset_names_with_dots_are_paired_up_to_the_last_one_and_that_is_said() {
    let image = photograph();
    let names: Vec<(String, String)> = (0..4)
        .flat_map(|shot| {
            [0, 1].map(|take| (format!("shot_{shot}.{take}.jpg"), format!("shot_{shot}.{take}.cls")))
        })
        .collect();
    let labels = ["0", "1", "0", "1", "0", "1", "0", "1"];
    let members: Vec<(&str, &[u8])> = names
        .iter()
        .zip(labels)
        .flat_map(|((jpg, cls), label)| [(jpg.as_str(), image.as_slice()), (cls.as_str(), label.as_bytes())])
        .collect();
    let dataset = open_shard(&members).unwrap();
    assert_eq!(classes(&dataset), labels);
    assert!(
        matches!(&dataset.warnings()[0], Warning::DottedKeys { count: 8, .. }),
        "{:?}",
        dataset.warnings()
    );
    assert_eq!(dataset.warnings().len(), 1);

    // One image of a name is enough, and labels may be in .json.
    let dataset = open_shard(&[
        ("img.v1.jpg", &image),
        ("img.v1.json", br#"{"label": "cat"}"#),
        ("b/photo 2.5.jpg", &image),
        ("b/photo 2.5.json", br#"{"label": "dog"}"#),
    ])
    .unwrap();
    assert_eq!(classes(&dataset), ["dog", "cat"]);
}

#[test]
fn webdataset_labels_in_other_places_are_read_and_said_or_what_is_there_is_named() {
    let image = photograph();
    let four = |end: &str, labels: [&[u8]; 4]| open_labelled(&image, end, &labels);
    let words: [&[u8]; 4] = [b"cat", b"dog\n", b"cat", b"dog"];
    for (end, labels, expected, place) in [
        ("cls", words, ["cat", "dog", "cat", "dog"], ""),
        ("cls", [b"1.0", b"0", b"1", b"0.0"], ["1", "0", "1", "0"], ""),
        ("label", words, ["cat", "dog", "cat", "dog"], ".label files"),
        ("txt", words, ["cat", "dog", "cat", "dog"], ".txt files"),
        ("txt", [b"3", b"1", b"2", b"0"], ["3", "1", "2", "0"], ".txt files"),
        (
            "json",
            [br#"{"label": 1}"#, br#"{"label": 0}"#, br#"{"label": [1]}"#, br#"{"label": 0.0}"#],
            ["1", "0", "1", "0"],
            "",
        ),
        (
            "json",
            [br#"{"label": true}"#, br#"{"label": false}"#, br#"{"label": true}"#, br#"{"label": false}"#],
            ["true", "false", "true", "false"],
            "",
        ),
        (
            "json",
            [
                br#"{"annotation": {"label": "cat"}}"#,
                br#"{"annotation": {"label": "dog"}}"#,
                br#"{"annotation": {"label": "cat"}}"#,
                br#"{"annotation": {"label": "dog"}}"#,
            ],
            ["cat", "dog", "cat", "dog"],
            "annotation.label of .json",
        ),
    ] {
        let dataset = four(end, labels).unwrap_or_else(|error| panic!("{end}: {error}"));
        assert_eq!(classes(&dataset), expected, "{end}");
        let said: Vec<String> = dataset.warnings().iter().map(ToString::to_string).collect();
        match place {
            "" => assert!(said.is_empty(), "{said:?}"),
            place => assert!(said[0].contains(place), "{said:?}"),
        }
    }
    let captions: [&[u8]; 4] = [b"a cat on a mat", b"a dog in a bog", b"two cats", b"no dog"];
    let error = four("txt", captions).unwrap_err();
    assert!(
        error.contains("WebDataset shard of 4 images, none of which has a label")
            && error.contains(".jpg, .txt"),
        "{error}"
    );
    let unknown: [&[u8]; 4] = [br#"{"width": 3, "meta": {"kind": "cat"}}"#; 4];
    let error = four("json", unknown).unwrap_err();
    assert!(
        error.contains("`width`") && error.contains("`meta.kind`") && error.contains("as `label`"),
        "{error}"
    );
    let several: [&[u8]; 4] = [br#"{"label": [0, 2]}"#; 4];
    assert!(four("json", several).unwrap_err().contains("multi-label data"));
}

#[test]
fn labels_that_are_not_utf_8_are_refused_by_member_and_byte_order_marks_are_no_part_of_them() {
    let image = photograph();
    let of = |end: &str, labels: [&[u8]; 2]| open_labelled(&image, end, &labels);
    for (end, label) in [
        ("cls", &b"\xb0\xed\xbe\xe7\xc0\xcc"[..]),
        ("txt", b"\xb0\xad\xbe\xc6"),
        ("cls", b"caf\xe9"),
        ("cls", b"c\0a\0t\0"),
        ("cls", b"\xff\xfec\0a\0"),
    ] {
        let error = of(end, [b"dog", label]).unwrap_err();
        assert!(error.contains(&format!("member 1.{end} is a label that is not UTF-8")), "{error}");
    }
    let dataset = of("cls", [b"\xef\xbb\xbfcat", b"dog"]).unwrap();
    assert_eq!(dataset.classes(), ["cat", "dog"]);
    let dataset = of("cls", [b"\xef\xbb\xbf1", b"0"]).unwrap();
    assert_eq!(dataset.classes(), ["0", "1"]);
    let dataset = of("json", [b"\xef\xbb\xbf{\"label\": \"cat\"}", b"{\"label\": \"dog\"}"]).unwrap();
    assert_eq!(dataset.classes(), ["cat", "dog"]);
}

/// A shard of one image of each class.
fn two(image: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in [("0.jpg", image), ("0.cls", b"cat"), ("1.jpg", image), ("1.cls", b"dog")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn shards_without_a_split_beside_others_are_told_and_so_is_what_a_name_was_taken_for() {
    let shard = two(&photograph());
    for (names, images, said) in [
        (["train-000.tar", "val-000.tar"], [2, 2, 0, 0], &[][..]),
        (["train-000.tar", "val2017-000.tar"], [2, 2, 0, 0], &["val2017-000.tar for validation"]),
        (
            ["train-000.tar", "evaluation-000.tar"],
            [2, 0, 0, 2],
            &["2 images are in no split, evaluation-000.tar for one"],
        ),
        (["bus-000.tar", "train_station-000.tar"], [0, 0, 0, 4], &[]),
    ] {
        let folder = tree(&[(names[0], &shard), (names[1], &shard)]);
        let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
        let count = |split| dataset.samples().iter().filter(|sample| sample.split == split).count();
        use bakeoff_data::DeclaredSplit::{Test, Train, Undeclared, Validation};
        assert_eq!([Train, Validation, Test, Undeclared].map(count), images, "{names:?}");
        let told: Vec<String> = dataset.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), said.len(), "{told:?}");
        assert!(told.iter().zip(said).all(|(told, said)| told.contains(said)), "{told:?}");
    }
}

#[test]
fn a_shard_that_was_cut_off_between_two_members_is_told_or_refused_where_others_are_whole() {
    let whole = two(&photograph());
    let cut = &whole[..whole.len() - 1024];
    let open = |files: &[(&str, &[u8])]| {
        let folder = tree(files);
        Dataset::open(&SourceConfig::at(folder.path())).map_err(|error| error.to_string())
    };
    for files in [&[("x-000.tar", cut)][..], &[("x-000.tar", cut), ("x-001.tar", cut)]] {
        let dataset = open(files).unwrap();
        assert_eq!(dataset.warnings().len(), files.len());
        let text = dataset.warnings()[0].to_string();
        assert!(text.contains("x-000.tar ends after 4 members"), "{text}");
    }
    let error = open(&[("x-000.tar", &whole), ("x-001.tar", cut)]).unwrap_err();
    assert!(error.contains("x-001.tar: ends after 4 members") && error.contains("cut off"), "{error}");
}

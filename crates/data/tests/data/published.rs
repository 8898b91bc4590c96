//! Data sets in the layouts in which their authors publish them.

use std::fs;

use bakeoff_data::{SourceKind, detect};

use crate::formats::{copied, counts, message, open};
use crate::tree;

fn pets(change: &dyn Fn(&str, &str) -> String) -> tempfile::TempDir {
    let image = crate::photograph();
    let trainval = "Abyssinian_1 1 1 1\nAbyssinian_2 1 1 1\ngreat_dane_10 2 2 1\n";
    let test = "# Image CLASS-ID SPECIES BREED-ID\nAbyssinian_3 1 1 1\ngreat_dane_11 2 2 1\n";
    let texts = [("trainval", trainval), ("test", test)].map(|(name, text)| (name, change(name, text)));
    let names = ["Abyssinian_1", "Abyssinian_2", "great_dane_10", "Abyssinian_3", "great_dane_11"];
    let images = names.map(|name| format!("images/{name}.jpg"));
    let lists = texts.map(|(name, text)| (format!("annotations/{name}.txt"), text));
    let mut files: Vec<(&str, &[u8])> = images.iter().map(|name| (name.as_str(), image.as_slice())).collect();
    files.extend(lists.iter().map(|(name, text)| (name.as_str(), text.as_bytes())));
    tree(&files)
}

#[test]
fn oxford_pets_are_listed_as_published() {
    let folder = pets(&|_, text| text.to_owned());
    assert_eq!(detect(folder.path()), Some(SourceKind::OxfordIiitPet));
    let dataset = open(folder.path());
    assert_eq!(dataset.classes(), ["Abyssinian", "great dane"]);
    assert_eq!(counts(&dataset), [3, 0, 2, 0]);
    assert_eq!(dataset.samples()[0].id, "images/Abyssinian_1.jpg");
    assert!(dataset.load(4).is_ok());

    let broken = |file: &'static str, from: &'static str, to: &'static str| {
        message(
            pets(&|name, text| if name == file { text.replace(from, to) } else { text.to_owned() }).path(),
        )
    };
    let text = broken("test", "Abyssinian_3 1", "Abyssinian_3 x");
    assert!(text.contains("test.txt: line 2: expected <image> <class>"), "{text}");
    let text = broken("test", "Abyssinian_3 1", "../../Abyssinian_3 1");
    assert!(
        text.contains("line 2") && (text.contains("is no file in") || text.contains("is both")),
        "{text}"
    );
    let text = broken("trainval", "great_dane_10 2", "great_dane_10 1");
    assert!(text.contains("line 3: class 1 is both Abyssinian and great dane"), "{text}");
    let text = broken("test", "Abyssinian_3", "Abyssinian_1");
    assert!(text.contains("lists images/Abyssinian_1.jpg twice"), "{text}");
    fs::remove_dir_all(folder.path().join("images")).unwrap();
    let text = message(folder.path());
    assert!(text.contains("holds none of the 5 images that its lists name"), "{text}");
}

#[test]
fn cub_is_listed_as_published() {
    let image = crate::photograph();
    let files: [(&str, &[u8]); 7] = [
        ("CUB_200_2011/images/001.Auk/a 1.jpg", &image),
        ("CUB_200_2011/images/002.Owl/b.jpg", &image),
        ("CUB_200_2011/images/002.Owl/c.jpg", &image),
        ("CUB_200_2011/images.txt", b"1 001.Auk/a 1.jpg\n2 002.Owl/b.jpg\n3 002.Owl/c.jpg\n"),
        ("CUB_200_2011/image_class_labels.txt", b"1 1\n2 2\n3 2\n"),
        ("CUB_200_2011/train_test_split.txt", b"1 1\n2 1\n3 0\n"),
        ("CUB_200_2011/classes.txt", b"1 001.Auk\n2 002.Owl\n"),
    ];
    let folder = tree(&files);
    assert_eq!(detect(folder.path()), Some(SourceKind::Cub200));
    let dataset = open(folder.path());
    assert_eq!(dataset.classes(), ["001.Auk", "002.Owl"]);
    assert_eq!(counts(&dataset), [2, 0, 1, 0]);
    assert!(dataset.load(0).is_ok() && dataset.samples()[0].id == "images/001.Auk/a 1.jpg");
    let changed = |name: &str, text: &str| {
        let folder = tree(&files);
        fs::write(folder.path().join("CUB_200_2011").join(name), text).unwrap();
        message(folder.path())
    };
    assert!(changed("train_test_split.txt", "1 1\n2 1\n").contains("images.txt: line 3: image 3 is None in"));
    assert!(
        changed("image_class_labels.txt", "1 1\n2 9\n3 2\n").contains("is of class 9, which has no name")
    );
    assert!(changed("images.txt", "1 ../x.jpg\n").contains("line 1: \"images/../x.jpg\" is no file in"));
    assert!(changed("classes.txt", "one\n").contains("classes.txt: line 1: expected <number> <value>"));
}

#[test]
fn flowers_are_listed_as_published() {
    let folder = copied("sources/flowers");
    fs::create_dir(folder.path().join("jpg")).unwrap();
    for number in 1..8 {
        fs::write(folder.path().join(format!("jpg/image_{number:05}.jpg")), crate::photograph()).unwrap();
    }
    assert_eq!(detect(folder.path()), Some(SourceKind::Flowers102));
    let dataset = open(folder.path());
    assert_eq!(dataset.classes(), ["pink primrose", "passion flower", "blackberry lily"]);
    assert_eq!(counts(&dataset), [3, 1, 3, 0]);
    assert_eq!(dataset.classes()[dataset.samples()[0].label], "passion flower");
    assert!(dataset.load(6).is_ok());
    fs::copy(folder.path().join("imagelabels.mat"), folder.path().join("setid.mat")).unwrap();
    assert!(message(folder.path()).contains("setid.mat: has no numeric array trnid"));
}

//! Images that belong together, and images that are left out.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use bakeoff_data::{
    Copies, Dataset, FolderLevel, GroupConfig, SourceConfig, SplitConfig, Splits, Warning, decode,
};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::tree;

/// A JPEG of smooth blotches, another for every number.
fn blotches(number: u32, quality: u8, mirrored: bool) -> Vec<u8> {
    let (width, height) = (64u32, 48u32);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let x = if mirrored { width - 1 - x } else { x };
            let mut stream = bakeoff_random::Stream::new(1, "blotches", 0, u64::from(number));
            let mut value = 128.0;
            for _ in 0..6 {
                let [a, b, c] = [(); 3].map(|()| stream.uniform());
                let along = f64::from(x) / 64.0 * (a - 0.5) + f64::from(y) / 48.0 * (b - 0.5);
                value += 30.0 * (25.0 * along + 6.3 * c).cos();
            }
            pixels.extend([value as u8, (value * 0.8) as u8, (255.0 - value) as u8]);
        }
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    assert!(decode(&bytes).is_ok());
    bytes
}

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    tree(&files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect::<Vec<_>>())
}

/// `photos/{a,b}/<n>.jpg`, with copies of some in other names.
fn photos_with_copies() -> tempfile::TempDir {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (class, offset) in [("a", 0), ("b", 100)] {
        for number in 0..12 {
            files.push((format!("{class}/{number:02}.jpg"), blotches(offset + number, 90, false)));
        }
    }
    files.push(("a/same.jpg".into(), blotches(3, 90, false)));
    files.push(("a/worse.jpg".into(), blotches(5, 50, false)));
    files.push(("b/mirrored.jpg".into(), blotches(107, 80, true)));
    tree(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
}

fn ids(dataset: &Dataset, set: &[usize]) -> Vec<String> {
    set.iter().map(|&sample| dataset.samples()[sample].id.clone()).collect()
}

#[test]
fn copies_stay_on_one_side_of_every_split_under_every_seed() {
    let folder = photos_with_copies();
    let open = |copies: Copies| {
        let dataset = Dataset::open(&SourceConfig { copies, ..SourceConfig::at(folder.path()) }).unwrap();
        let inspection = dataset.inspect(true, &AtomicBool::new(false), &|_, _| ()).unwrap();
        (dataset, inspection)
    };
    let (dataset, inspection) = open(Copies::Alike);
    let sets: Vec<Vec<String>> = inspection.groups.sets().iter().map(|set| ids(&dataset, set)).collect();
    assert_eq!(
        sets,
        [["a/03.jpg", "a/same.jpg"], ["a/05.jpg", "a/worse.jpg"], ["b/07.jpg", "b/mirrored.jpg"]]
    );
    assert_eq!((inspection.duplicates.len(), inspection.alike.len()), (1, 2));
    let cut = |splits: &Splits| {
        inspection.groups.sets().iter().filter(|set| splits.place(set[0]) != splits.place(set[1])).count()
    };
    let mut cut_without = 0;
    for seed in 0..20 {
        let config: SplitConfig =
            serde_json::from_str(&format!(r#"{{"test": {{"fraction": 0.3, "seed": {seed}}}}}"#)).unwrap();
        let splits = dataset.splits(&config, seed, &[], &inspection.groups).unwrap();
        assert_eq!(cut(&splits), 0, "seed {seed}");
        assert!(splits.shared(&inspection.duplicates).is_empty());
        cut_without += cut(&dataset.splits(&config, seed, &[], dataset.declared_groups()).unwrap());
    }
    assert!(cut_without > 5, "else this test shows nothing");
    let (_, identical) = open(Copies::Identical);
    assert_eq!((identical.groups.sets().len(), identical.alike.len()), (1, 0));
    let (_, ignored) = open(Copies::Ignore);
    assert!(ignored.groups.is_none() && ignored.duplicates.len() == 1);
}

#[test]
fn a_folder_below_the_class_folder_may_name_the_subject() {
    let bytes = b"x".to_vec();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (class, subjects) in [("ill", ["p1", "p2", "p3", "p4"]), ("well", ["p1", "p5", "p6", "p7"])] {
        for subject in subjects {
            files.extend((0..5).map(|n| (format!("{class}/{subject}/eye{}/{n}.jpg", n % 2), bytes.clone())));
        }
    }
    files.push(("ill/loose.jpg".into(), bytes));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let folder = tree(&files);
    let open = |level: usize| {
        let group = Some(GroupConfig::Folder(FolderLevel { folder: level }));
        Dataset::open(&SourceConfig { group, ..SourceConfig::at(folder.path()) })
    };
    let dataset = open(1).unwrap();
    let sizes: Vec<usize> = dataset.declared_groups().sets().iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 5, 5, 5, 5, 5, 5], "p1 is one subject in both classes");
    let lonely =
        Warning::WithoutGroup { count: 1, example: "ill/loose.jpg".into(), group: "{ folder = 1 }".into() };
    assert!(dataset.warnings().contains(&lonely), "{:?}", dataset.warnings());
    let splits = dataset.splits(&SplitConfig::default(), 1, &[], dataset.declared_groups()).unwrap();
    for set in dataset.declared_groups().sets() {
        assert!(set.iter().all(|&sample| splits.place(sample) == splits.place(set[0])));
    }
    assert_eq!(open(2).unwrap().declared_groups().sets().len(), 14);
    let error = open(3).unwrap_err().to_string();
    assert!(
        error.contains("3 folders below its class folder") && error.contains("<class>/<subject>"),
        "{error}"
    );
    // A study file says it in these words.
    let said: GroupConfig = serde_json::from_str(r#"{"folder": 1}"#).unwrap();
    assert_eq!(said, GroupConfig::Folder(FolderLevel { folder: 1 }));
    assert_eq!(
        serde_json::from_str::<GroupConfig>("\"patient_id\"").unwrap(),
        GroupConfig::Column("patient_id".into())
    );
    assert!(serde_json::from_str::<GroupConfig>(r#"{"folder": 1, "deep": true}"#).is_err());
    let column = SourceConfig { group: Some(said_column()), ..SourceConfig::at(folder.path()) };
    let error = Dataset::open(&column).unwrap_err().to_string();
    assert!(error.contains("has no columns") && error.contains("data.groups"), "{error}");
}

#[test]
fn subjects_that_recur_in_every_class_are_subjects_once_that_is_said() {
    let names: Vec<String> =
        (0..20).map(|n| format!("{}/s{}/{n}.jpg", if n % 2 == 0 { "a" } else { "b" }, n / 2 % 5)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let folder = tree(&files);
    let plain = SourceConfig::at(folder.path());
    let error = Dataset::open(&plain).unwrap_err().to_string();
    assert!(error.contains("data.group = { folder = 1 }") && error.contains("data.classes"), "{error}");
    let group = Some(GroupConfig::Folder(FolderLevel { folder: 1 }));
    let dataset = Dataset::open(&SourceConfig { group, ..plain.clone() }).unwrap();
    assert_eq!((dataset.classes().len(), dataset.declared_groups().sets().len()), (2, 5));
    let classes = Some(vec!["a".to_owned(), "b".to_owned()]);
    assert!(Dataset::open(&SourceConfig { classes, ..plain }).is_ok());
}

fn said_column() -> GroupConfig {
    GroupConfig::Column("patient_id".into())
}

/// A small data set, a file beside it, and what `open` makes of both.
fn with_file(text: &str, set: impl Fn(&mut SourceConfig, PathBuf)) -> Result<Dataset, String> {
    let files: Vec<(String, Vec<u8>)> = ["a", "b"]
        .iter()
        .flat_map(|class| (0..6).map(move |n| (format!("photos/{class}/{n}.jpg"), b"x".to_vec())))
        .collect();
    let mut files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    files.push(("list", text.as_bytes().to_vec()));
    let folder = folder(&files);
    let mut config = SourceConfig::at(folder.path().join("photos"));
    set(&mut config, folder.path().join("list"));
    Dataset::open(&config).map_err(|error| error.to_string())
}

fn excluding(text: &str) -> Result<Dataset, String> {
    with_file(text, |config, file| config.exclude = Some(file))
}

fn grouping(text: &str) -> Result<Vec<Vec<String>>, String> {
    let dataset = with_file(text, |config, file| config.groups = Some(file))?;
    let sets = dataset.declared_groups().sets();
    Ok(sets.iter().map(|set| ids(&dataset, set)).collect())
}

#[test]
fn excluded_images_are_named_by_id_path_folder_or_pattern() {
    for (text, left) in [
        ("a/0.jpg\n", 11),
        ("# bad scans\n\n./a/0.jpg\r\na\\1.jpg\n", 10),
        ("\u{feff}photos/a/0.jpg\n", 11),
        ("*/[0-2].jpg\n", 6),
        ("0.jp?\n5.jpg", 8),
        ("[05].jpg\n", 8),
        ("a/[0-4].jpg\nb/4*", 6),
    ] {
        match excluding(text) {
            Ok(dataset) => {
                assert_eq!(dataset.samples().len(), left, "{text:?}");
                let told = dataset
                    .warnings()
                    .iter()
                    .any(|warning| matches!(warning, Warning::Excluded { count, .. } if *count == 12 - left));
                assert!(told, "{text:?}: {:?}", dataset.warnings());
            }
            Err(error) => panic!("{text:?}: {error}"),
        }
    }
}

#[test]
fn a_line_that_excludes_nothing_is_told_and_a_file_that_excludes_nothing_is_an_error() {
    let dataset = excluding("a/0.jpg\na/O.jpg\nc/*\n").unwrap();
    let unmatched = dataset.warnings().iter().find_map(|warning| match warning {
        Warning::UnmatchedLines { count, line, text, .. } => Some((*count, *line, text.as_str())),
        _ => None,
    });
    assert_eq!(unmatched, Some((2, 2, "a/O.jpg")));
    let error = excluding("x.jpg\n").err().unwrap();
    assert!(error.contains("line 1 is \"x.jpg\"") && error.contains("a/0.jpg"), "{error}");
    let gone = excluding("a/\nb/0.jpg").err().unwrap();
    assert!(gone.contains("one class only"), "{gone}");
    assert!(excluding("").unwrap().samples().len() == 12);
    let bytes = with_file("a/0.jpg", |config, file| {
        std::fs::write(&file, b"a/0.jpg\nb/\xff.jpg").unwrap();
        config.exclude = Some(file);
    });
    assert!(bytes.err().unwrap().contains("line 2 is not UTF-8"));
    assert!(with_file("", |config, file| config.exclude = Some(file.with_file_name("none"))).is_err());
}

#[test]
fn groups_are_read_from_a_table_or_from_sets_of_ids() {
    let expected = [vec!["a/0.jpg", "a/1.jpg", "b/0.jpg"], vec!["a/2.jpg", "b/5.jpg"]];
    for text in [
        "image,group\na/0.jpg,x\na/2.jpg,y\na/1.jpg,x\nb/5.jpg,y\nb/0.jpg,x\n",
        "Patient_ID;Path\nx;a/0.jpg\ny;a/2.jpg\nx;a/1.jpg\ny;photos/b/5.jpg\nx;b\\0.jpg\n",
        "a/0.jpg,a/1.jpg,b/0.jpg\n# a remark\nb/5.jpg,a/2.jpg\n",
        "a/0.jpg\ta/1.jpg\nb/0.jpg\ta/1.jpg\nb/5.jpg\ta/2.jpg",
    ] {
        assert_eq!(grouping(text).unwrap(), expected, "{text:?}");
    }
    let error = grouping("x.jpg,y.jpg\n").unwrap_err();
    assert!(
        error.contains("not one image") && error.contains("x.jpg") && error.contains("image,group"),
        "{error}"
    );
    let error = grouping("image,group\na/0.jpg,\n").unwrap_err();
    assert!(error.contains("says no group of any image (line 2 for one)"), "{error}");
    let error = grouping("image,group\na/0.jpg,x\n,x\n").unwrap_err();
    assert!(error.contains("line 3 has no image"), "{error}");
}

#[test]
fn columns_of_a_file_of_groups_are_known_by_their_names_and_by_their_images() {
    let expected = [vec!["a/0.jpg", "a/1.jpg", "b/0.jpg"], vec!["a/2.jpg", "b/5.jpg"]];
    let rows = [
        ("a/0.jpg", "1"),
        ("a/1.jpg", "1.0"),
        ("b/0.jpg", "1"),
        ("a/2.jpg", "2"),
        ("b/5.jpg", "2"),
        ("b/1.jpg", "nan"),
    ];
    for (header, more, told) in [
        (
            "image_id,patient_id",
            "",
            "column `image_id` was taken for the images and column `patient_id` for their groups",
        ),
        ("file_name,Subject", "", "column `Subject` for their groups"),
        ("filename,person_id,set", ",train", "column `person_id` for their groups"),
        ("bild,wer", "", "column `bild` was taken for the images and column `wer`"),
        ("path,anything", "", "5 images are in 2 groups, 2 of which have several images"),
        ("", "", "column 1 was taken for the images and column 2 for their groups (the file has no header)"),
    ] {
        let mut text = if header.is_empty() { String::new() } else { format!("{header}\n") };
        for (image, group) in rows {
            text += &format!("{image},{group}{more}\n");
        }
        let dataset = with_file(&text, |config, file| config.groups = Some(file)).unwrap();
        let sets: Vec<Vec<String>> =
            dataset.declared_groups().sets().iter().map(|set| ids(&dataset, set)).collect();
        assert_eq!(sets, expected, "{text}");
        let said: String = dataset.warnings().iter().map(|warning| format!("{warning}\n")).collect();
        assert!(said.contains(told), "{text}{said}");
        assert!(said.contains("1 image has no group, b/1.jpg on line"), "{text}{said}");
        assert!(said.contains("groups 1 and 1.0 are the same number"), "{text}{said}");
    }
    for (text, told) in [
        ("image,patient,session\na/0.jpg,1,x\na/1.jpg,1,y\n", "`patient`, `session` may all say the group"),
        ("image,left,right\na/0.jpg,1,x\na/1.jpg,1,y\n", "`left`, `right` may all say the group"),
        (
            "image,file,patient\na/0.jpg,b/0.jpg,1\na/1.jpg,b/1.jpg,1\n",
            "`image`, `file` may all name the images",
        ),
        ("a/0.jpg,1,x\na/1.jpg,1,y\n", "which of its 3 columns is the group"),
        ("a/0.jpg\na/1.jpg\nb/0.jpg\n", "each of its lines names one image"),
        (
            "image,patient\na/0.jpg,1\nx/1.jpg,1\nx/2.jpg,2\n",
            "2 of the 3 images it names are none of the data set",
        ),
        ("a/0.jpg,x/1.jpg,x/2.jpg\n", "2 of the 3 images"),
    ] {
        let error = grouping(text).unwrap_err();
        assert!(error.contains(told), "{text}{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_device_is_no_file_of_ids() {
    for exclude in [false, true] {
        let error = with_file("", |config, _| {
            let file = Some(PathBuf::from("/dev/zero"));
            if exclude { config.exclude = file } else { config.groups = file }
        });
        let error = error.err().unwrap();
        assert!(error.contains("is a pipe or a device"), "{error}");
    }
}

#[test]
fn words_for_no_value_are_no_group_and_numbers_are_one_group_in_every_spelling() {
    let image = b"x".to_vec();
    let mut table = String::from("path,label,patient\n");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (n, patient) in ["1", "1.0", "nan", "NaN", "", "None", "2.0", "2", "3.0", "P4"].iter().enumerate() {
        files.push((format!("{n}.jpg"), image.clone()));
        table += &format!("{n}.jpg,{},{patient}\n", ["ill", "well"][n % 2]);
    }
    files.push(("scans.csv".into(), table.into_bytes()));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let folder = tree(&files);
    let group = Some(GroupConfig::Column("patient".into()));
    let dataset =
        Dataset::open(&SourceConfig { group, ..SourceConfig::at(folder.path().join("scans.csv")) }).unwrap();
    let sets: Vec<Vec<String>> =
        dataset.declared_groups().sets().iter().map(|set| ids(&dataset, set)).collect();
    assert_eq!(sets, [["0.jpg", "1.jpg"], ["6.jpg", "7.jpg"]]);
    assert!(
        dataset.warnings().iter().any(|warning| matches!(warning, Warning::WithoutGroup { count: 4, .. })),
        "{:?}",
        dataset.warnings()
    );
}

#[test]
fn a_subject_in_two_of_the_sources_own_splits_is_told() {
    let mut files = Vec::new();
    for (split, subjects) in [("train", ["p1", "p2"]), ("test", ["p3", "p2"])] {
        for class in ["a", "b"] {
            for subject in subjects {
                files.push((
                    format!("{split}/{class}/{subject}/1.jpg"),
                    blotches(files.len() as u32, 90, false),
                ));
            }
        }
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let folder = tree(&files);
    let group = Some(GroupConfig::Folder(FolderLevel { folder: 1 }));
    let dataset = Dataset::open(&SourceConfig { group, ..SourceConfig::at(folder.path()) }).unwrap();
    let check = dataset.check(&AtomicBool::new(false), &|_, _| ()).unwrap();
    let told = check.warnings.iter().find(|warning| warning.contains(" of data.group")).unwrap();
    assert!(told.starts_with("1 group") && told.contains("p2"), "{told}");
}

#[test]
fn a_column_of_a_table_names_the_subject() {
    let mut table = String::from("path,label,Patient_ID,age\n");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for n in 0..24 {
        files.push((format!("{n:02}.jpg"), b"x".to_vec()));
        let patient = if n == 5 { String::new() } else { format!("p{}", n % 8) };
        table += &format!("{n:02}.jpg,{},{patient},{}\n", ["ill", "well"][n % 2], n + 20);
    }
    files.push(("scans.csv".into(), table.into_bytes()));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let folder = tree(&files);
    let open = |column: &str| {
        let group = Some(GroupConfig::Column(column.into()));
        Dataset::open(&SourceConfig { group, ..SourceConfig::at(folder.path().join("scans.csv")) })
    };
    let dataset = open("patient_id").unwrap();
    let sets: Vec<Vec<String>> =
        dataset.declared_groups().sets().iter().map(|set| ids(&dataset, set)).collect();
    assert_eq!(
        (sets.len(), &sets[0], &sets[5]),
        (
            8,
            &vec!["00.jpg".to_owned(), "08.jpg".into(), "16.jpg".into()],
            &vec!["06.jpg".to_owned(), "14.jpg".into(), "22.jpg".into()]
        )
    );
    assert!(
        dataset.warnings().iter().any(|warning| matches!(warning, Warning::WithoutGroup { count: 1, .. }))
    );
    let error = open("patient").unwrap_err().to_string();
    assert!(
        error.contains("no column `patient`") && error.contains("Patient_ID") && error.contains("line 1"),
        "{error}"
    );
    let folders = SourceConfig {
        group: Some(GroupConfig::Folder(FolderLevel { folder: 1 })),
        ..SourceConfig::at(folder.path().join("scans.csv"))
    };
    let error = Dataset::open(&folders).unwrap_err().to_string();
    assert!(error.contains("no image folder") && error.contains("column"), "{error}");
}

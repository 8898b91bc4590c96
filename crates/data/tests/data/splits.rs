use std::collections::BTreeSet;

use bakeoff_data::{
    Dataset, DeclaredSplit, Groups, LimitConfig, SourceConfig, SplitConfig, Splits, TestConfig, TestFrom,
    ValidationConfig, ValidationFrom,
};
use proptest::prelude::*;

use crate::tree;

/// A data set of so many images per (folder, class); nothing is ever decoded.
fn dataset_of(counts: &[(&str, usize)]) -> (tempfile::TempDir, Dataset) {
    dataset_with(counts, LimitConfig::default())
}

fn dataset_with(counts: &[(&str, usize)], limit: LimitConfig) -> (tempfile::TempDir, Dataset) {
    let files: Vec<String> = counts
        .iter()
        .flat_map(|(folder, count)| (0..*count).map(move |number| format!("{folder}/{number:03}.jpg")))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|file| (file.as_str(), &b"x"[..])).collect();
    let folder = tree(&files);
    let dataset = Dataset::open(&SourceConfig { limit, ..SourceConfig::at(folder.path()) }).unwrap();
    (folder, dataset)
}

fn per_class(dataset: &Dataset, split: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; dataset.classes().len()];
    split.iter().for_each(|&index| counts[dataset.samples()[index].label] += 1);
    counts
}

fn disjoint(splits: &Splits) -> BTreeSet<usize> {
    let all: Vec<usize> =
        [&splits.train, &splits.validation, &splits.test].into_iter().flatten().copied().collect();
    let set: BTreeSet<usize> = all.iter().copied().collect();
    assert_eq!(set.len(), all.len(), "a sample stands in two splits");
    set
}

fn from(config: &str) -> SplitConfig {
    serde_json::from_str(config).unwrap()
}

#[test]
fn validation_is_a_tenth_of_every_class_of_train_unless_said_otherwise() {
    let (_folder, dataset) = dataset_of(&[
        ("train/a", 40),
        ("train/b", 20),
        ("train/c", 3),
        ("test/a", 4),
        ("test/b", 5),
        ("test/c", 6),
    ]);
    let splits = dataset.splits(&SplitConfig::default(), 1, &[], &Groups::none()).unwrap();
    assert_eq!(per_class(&dataset, &splits.validation), [4, 2, 1], "at least one of each class");
    assert_eq!(per_class(&dataset, &splits.train), [36, 18, 2]);
    assert_eq!(per_class(&dataset, &splits.test), [4, 5, 6]);
    assert_eq!(disjoint(&splits).len(), dataset.samples().len());
    assert!(splits.test.iter().all(|&index| dataset.samples()[index].split == DeclaredSplit::Test));
    let half = dataset
        .splits(&from(r#"{"validation": {"from": "train", "fraction": 0.5}}"#), 1, &[], &Groups::none())
        .unwrap();
    assert_eq!(per_class(&dataset, &half.validation), [20, 10, 2]);
}

#[test]
fn another_seed_gives_another_validation_split_and_the_same_test_split() {
    let (_folder, dataset) = dataset_of(&[("a", 50), ("b", 50)]);
    let config = SplitConfig::default();
    let (one, again, two) = (
        dataset.splits(&config, 1, &[], &Groups::none()).unwrap(),
        dataset.splits(&config, 1, &[], &Groups::none()).unwrap(),
        dataset.splits(&config, 2, &[], &Groups::none()).unwrap(),
    );
    assert_eq!(one, again);
    assert_ne!(one.validation, two.validation);
    assert_eq!(one.test, two.test);
    assert_eq!(per_class(&dataset, &one.test), [10, 10]);
    assert_eq!(per_class(&dataset, &one.validation), [4, 4]);
    let other =
        dataset.splits(&from(r#"{"test": {"fraction": 0.2, "seed": 1}}"#), 1, &[], &Groups::none()).unwrap();
    assert_ne!(one.test, other.test);
}

#[test]
fn the_sources_own_validation_split_is_used_unless_train_is_asked_for() {
    let (_folder, dataset) = dataset_of(&[
        ("train/a", 20),
        ("train/b", 20),
        ("val/a", 5),
        ("val/b", 5),
        ("test/a", 2),
        ("test/b", 2),
    ]);
    let own = dataset.splits(&SplitConfig::default(), 1, &[], &Groups::none()).unwrap();
    assert_eq!((own.train.len(), own.validation.len(), own.test.len()), (40, 10, 4));
    assert_eq!(own, dataset.splits(&SplitConfig::default(), 2, &[], &Groups::none()).unwrap());
    assert_eq!(
        own,
        dataset.splits(&from(r#"{"validation": {"from": "source"}}"#), 2, &[], &Groups::none()).unwrap()
    );
    let anew = dataset
        .splits(&from(r#"{"validation": {"from": "train", "fraction": 0.2}}"#), 1, &[], &Groups::none())
        .unwrap();
    assert_eq!((anew.train.len(), anew.validation.len(), anew.test.len()), (40, 10, 4));
    assert!(anew.train.iter().any(|&index| dataset.samples()[index].split == DeclaredSplit::Validation));
}

#[test]
fn train_and_validation_without_test_is_a_question_to_the_user() {
    let (_folder, dataset) = dataset_of(&[("train/a", 20), ("train/b", 20), ("val/a", 5), ("val/b", 5)]);
    let error = dataset.splits(&SplitConfig::default(), 1, &[], &Groups::none()).unwrap_err().to_string();
    assert!(error.contains("no test images") && error.contains("from = \"validation\""), "{error}");
    let imagenet =
        dataset.splits(&from(r#"{"test": {"from": "validation"}}"#), 1, &[], &Groups::none()).unwrap();
    assert_eq!((imagenet.train.len(), imagenet.validation.len(), imagenet.test.len()), (36, 4, 10));
    let held_out = dataset
        .splits(&from(r#"{"test": {"from": "train", "fraction": 0.25}}"#), 1, &[], &Groups::none())
        .unwrap();
    assert_eq!((held_out.train.len(), held_out.validation.len(), held_out.test.len()), (30, 10, 10));
    let all = dataset
        .splits(&from(r#"{"test": {"from": "all", "fraction": 0.2}}"#), 1, &[], &Groups::none())
        .unwrap();
    assert_eq!((all.train.len(), all.validation.len(), all.test.len()), (36, 4, 10));
    for wrong in [
        r#"{"test": {"from": "source"}}"#,
        r#"{"test": {"from": "validation"}, "validation": {"from": "source"}}"#,
    ] {
        assert!(dataset.splits(&from(wrong), 1, &[], &Groups::none()).is_err());
    }
}

#[test]
fn too_few_images_name_the_class_and_the_remedy() {
    let (_folder, dataset) = dataset_of(&[("a", 10), ("lonely", 1)]);
    let error = dataset.splits(&SplitConfig::default(), 1, &[], &Groups::none()).unwrap_err().to_string();
    assert!(error.contains("class lonely has 1 image, too few to take test images from"), "{error}");
    let (_folder, dataset) = dataset_of(&[("a", 10), ("pair", 2)]);
    let error = dataset.splits(&SplitConfig::default(), 1, &[], &Groups::none()).unwrap_err().to_string();
    assert!(error.contains("class pair has 1 image, too few to take validation images from"), "{error}");
    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        let config = SplitConfig {
            validation: Some(ValidationConfig { from: ValidationFrom::Train, fraction }),
            ..SplitConfig::default()
        };
        let error = dataset.splits(&config, 1, &[], &Groups::none()).unwrap_err().to_string();
        assert!(error.contains("data.validation.fraction"), "{error}");
    }
}

#[test]
fn unusable_images_are_in_no_split() {
    let (_folder, dataset) = dataset_of(&[("train/a", 20), ("train/b", 20), ("test/a", 5), ("test/b", 5)]);
    let mut usable = vec![true; 50];
    let bad = [0, 1, 12, 13, 49];
    bad.iter().for_each(|&index| usable[index] = false);
    let splits = dataset.splits(&SplitConfig::default(), 1, &usable, &Groups::none()).unwrap();
    let used = disjoint(&splits);
    assert_eq!(used.len(), 45);
    assert!(bad.iter().all(|index| !used.contains(index)));
    let no_b: Vec<bool> = dataset.samples().iter().map(|sample| !sample.id.starts_with("train/b")).collect();
    let error = dataset.splits(&SplitConfig::default(), 1, &no_b, &Groups::none()).unwrap_err().to_string();
    assert!(error.contains("class b"), "{error}");
}

#[test]
fn limits_hold_for_sources_without_splits_too() {
    let limit = LimitConfig { train_per_class: Some(10), test_per_class: Some(4), ..LimitConfig::default() };
    let (_folder, dataset) = dataset_with(&[("a", 50), ("b", 30)], limit);
    let splits = dataset.splits(&SplitConfig::default(), 1, &[], &Groups::none()).unwrap();
    assert_eq!(per_class(&dataset, &splits.test), [4, 4]);
    assert_eq!(per_class(&dataset, &splits.train), [9, 9]);
    assert_eq!(per_class(&dataset, &splits.validation), [1, 1]);
    let other = dataset.splits(&SplitConfig::default(), 2, &[], &Groups::none()).unwrap();
    let pool = |splits: &Splits| {
        [splits.train.clone(), splits.validation.clone()].concat().into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(pool(&splits), pool(&other), "the seed does not choose which images are kept");
}

#[test]
fn a_study_file_says_it_in_these_words() {
    let test: TestConfig = serde_json::from_str(r#"{"from": "all", "fraction": 0.2, "seed": 0}"#).unwrap();
    assert_eq!(test, TestConfig { from: TestFrom::All, fraction: 0.2, seed: 0 });
    assert_eq!(serde_json::from_str::<TestConfig>("{}").unwrap(), TestConfig::default());
    let validation: ValidationConfig = serde_json::from_str(r#"{"from": "train", "fraction": 0.1}"#).unwrap();
    assert_eq!(validation, ValidationConfig::default());
    for unknown in [r#"{"fractoin": 0.1}"#, r#"{"from": "test"}"#] {
        assert!(serde_json::from_str::<ValidationConfig>(unknown).is_err());
    }
    let schema = serde_json::to_value(schemars::schema_for!(LimitConfig)).unwrap();
    assert!(schema["properties"]["train_per_class"].is_object());
    assert_eq!(schema["additionalProperties"], false);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn splits_never_overlap_and_lose_nothing(
        a in 3usize..40, b in 3usize..40, c in 3usize..40,
        test_fraction in 0.01f64..0.99, validation_fraction in 0.01f64..0.99, seed: u64,
    ) {
        let (_folder, dataset) = dataset_of(&[("a", a), ("b", b), ("c", c)]);
        let config = SplitConfig {
            test: Some(TestConfig { from: TestFrom::All, fraction: test_fraction, seed: seed / 3 }),
            validation: Some(ValidationConfig { from: ValidationFrom::Train, fraction: validation_fraction }),
        };
        match dataset.splits(&config, seed, &[], &Groups::none()) {
            Ok(splits) => {
                prop_assert_eq!(disjoint(&splits).len(), a + b + c);
                for split in [&splits.train, &splits.validation, &splits.test] {
                    prop_assert!(per_class(&dataset, split).iter().all(|&count| count > 0));
                    prop_assert!(split.is_sorted());
                }
            }
            // Only where the test split leaves one image of a class.
            Err(error) => {
                let left = |n: usize| n - ((n as f64 * test_fraction).round() as usize).clamp(1, n - 1);
                prop_assert!([a, b, c].into_iter().any(|n| left(n) < 2), "{}", error);
            }
        }
    }
}

/// Groups of so many consecutive images each, from a start.
fn consecutive(dataset: &Dataset, runs: &[(usize, usize)]) -> Groups {
    let sets: Vec<Vec<usize>> =
        runs.iter().map(|&(start, length)| (start..start + length).collect()).collect();
    Groups::of(dataset.samples().len(), sets.iter().map(Vec::as_slice))
}

#[test]
fn without_groups_the_draw_is_the_first_of_a_permutation_of_each_class() {
    let (_folder, dataset) = dataset_of(&[("a", 50), ("b", 30)]);
    // A group of which one image only is there is none.
    for groups in [Groups::none(), consecutive(&dataset, &[(3, 1)])] {
        let splits = dataset.splits(&SplitConfig::default(), 4, &[], &groups).unwrap();
        let mut test = Vec::new();
        let mut left = Vec::new();
        for (label, (start, images, take)) in [(0, 50, 10), (50, 30, 6)].into_iter().enumerate() {
            let order = bakeoff_random::Stream::new(0, "test-split", 0, label as u64).permutation(images);
            test.extend(order[..take].iter().map(|position| start + position));
            let mut rest: Vec<usize> = order[take..].iter().map(|position| start + position).collect();
            rest.sort_unstable();
            left.push(rest);
        }
        test.sort_unstable();
        assert_eq!(splits.test, test);
        let mut validation = Vec::new();
        for (label, rest) in left.iter().enumerate() {
            let order =
                bakeoff_random::Stream::new(4, "validation-split", 0, label as u64).permutation(rest.len());
            let take = (rest.len() as f64 * 0.1).round() as usize;
            validation.extend(order[..take].iter().map(|&position| rest[position]));
        }
        validation.sort_unstable();
        assert_eq!(splits.validation, validation);
        assert!(splits.uneven.is_empty());
    }
}

#[test]
fn a_thousand_frames_of_one_scene_neither_prevent_a_split_nor_take_all_other_images_out_of_training() {
    let (_folder, dataset) = dataset_of(&[("a", 1050), ("b", 100)]);
    let groups = consecutive(&dataset, &[(25, 1000)]);
    for seed in 0..5 {
        let config = from(&format!(r#"{{"test": {{"fraction": 0.2, "seed": {seed}}}}}"#));
        let splits = dataset.splits(&config, seed, &[], &groups).unwrap();
        assert_eq!(per_class(&dataset, &splits.test), [20, 20], "twice its share of 51 groups at most");
        assert!(splits.train.binary_search(&500).is_ok(), "the scene is trained on");
        assert!(per_class(&dataset, &splits.train)[0] >= 1000 + 20);
        let [test, ..] = splits.uneven.as_slice() else { panic!("it is not told") };
        assert_eq!((test.wanted, test.taken, test.images, test.largest), (210, 20, 1050, 1000));
        assert!(test.to_string().contains("class a") && test.to_string().contains("1000"), "{test}");
    }
}

#[test]
fn a_class_that_is_one_group_is_refused_with_what_to_do() {
    let (_folder, dataset) = dataset_of(&[("a", 10), ("frames", 6)]);
    let error = |runs: &[(usize, usize)]| {
        dataset.splits(&SplitConfig::default(), 1, &[], &consecutive(&dataset, runs)).unwrap_err().to_string()
    };
    let test = error(&[(10, 6)]);
    assert!(test.contains("6 images of class frames") && test.contains("no test images"), "{test}");
    assert!(test.contains("frames/000.jpg") && test.contains("data.copies"), "{test}");
    // Two groups are one for the test and one for all else.
    let validation = error(&[(10, 3), (13, 3)]);
    assert!(
        validation.contains("class frames") && validation.contains("no validation images"),
        "{validation}"
    );
}

#[test]
fn subjects_of_equal_size_are_dealt_out_as_their_images_would_be() {
    let (_folder, dataset) = dataset_of(&[("a", 200), ("b", 120)]);
    let runs: Vec<(usize, usize)> = (0..32).map(|subject| (10 * subject, 10)).collect();
    let groups = consecutive(&dataset, &runs);
    let splits = dataset.splits(&SplitConfig::default(), 1, &[], &groups).unwrap();
    assert_eq!(per_class(&dataset, &splits.test), [40, 20], "of 40 and 24");
    assert_eq!(per_class(&dataset, &splits.validation), [20, 10], "of 16 and 10");
    assert!(splits.uneven.is_empty(), "{:?}", splits.uneven);
}

#[test]
fn splits_that_the_source_declares_are_not_changed_by_groups() {
    let (_folder, dataset) = dataset_of(&[("test/a", 5), ("test/b", 5), ("train/a", 20), ("train/b", 20)]);
    let crossing = Groups::of(50, [&[0usize, 12, 13][..]]);
    let splits = dataset.splits(&SplitConfig::default(), 1, &[], &crossing).unwrap();
    assert_eq!(splits.test, (0..10).collect::<Vec<_>>());
    let train = |sample: usize| splits.place(sample);
    assert_eq!((train(12), splits.place(0)), (train(13), Some(2)), "what Bakeoff draws keeps them together");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_group_is_cut_and_no_class_is_emptied(
        sizes in proptest::collection::vec(1usize..12, 8..40), classes in 2usize..4,
        across in proptest::collection::vec((0usize..200, 0usize..200), 0..4),
        fraction in 0.05f64..0.5, seed: u64,
    ) {
        let total: usize = sizes.iter().sum();
        let each = total.div_ceil(classes);
        let names = ["a", "b", "c"];
        let counts: Vec<(&str, usize)> =
            (0..classes).map(|class| (names[class], each.min(total - (class * each).min(total)))).collect();
        prop_assume!(counts.iter().all(|(_, count)| *count > 1));
        let (_folder, dataset) = dataset_of(&counts);
        let mut sets: Vec<Vec<usize>> = Vec::new();
        let mut start = 0;
        for size in &sizes {
            sets.push((start..start + size).collect());
            start += size;
        }
        sets.extend(across.iter().map(|&(a, b)| vec![a % total, b % total]));
        let groups = Groups::of(total, sets.iter().map(Vec::as_slice));
        let config = SplitConfig {
            test: Some(TestConfig { from: TestFrom::All, fraction, seed: seed / 3 }),
            validation: Some(ValidationConfig { from: ValidationFrom::Train, fraction }),
        };
        // Where a class has too few groups there is a word about it instead.
        if let Ok(splits) = dataset.splits(&config, seed, &[], &groups) {
            prop_assert_eq!(disjoint(&splits).len(), total);
            for set in groups.sets() {
                prop_assert!(set.iter().all(|&sample| splits.place(sample) == splits.place(set[0])), "{:?}", set);
            }
            for split in [&splits.train, &splits.validation, &splits.test] {
                prop_assert!(per_class(&dataset, split).iter().all(|&count| count > 0));
                prop_assert!(split.is_sorted());
            }
            prop_assert_eq!(&splits, &dataset.splits(&config, seed, &[], &groups).unwrap());
        }
    }
}

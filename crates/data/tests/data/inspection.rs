//! Real photographs, where they are to be had (none of them is part of the project), and what is wrong with made-up ones.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bakeoff_data::{
    DataError, Dataset, DeclaredSplit, Groups, LimitConfig, SourceConfig, SourceKind, SplitConfig, Warning,
    detect,
};

use crate::{fixture, photograph, tree};

/// The folder of a real data set beside the project, or `None` with a word about it.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("BAKEOFF_REQUIRE_DATA").is_none(), "{} is missing", path.display());
    eprintln!("skipped: {} is not there", path.display());
    None
}

fn silent(_: usize, _: usize) {}

#[test]
fn stanford_dogs_is_listed_as_published() {
    let Some(path) = data("stanford-dogs-64") else { return };
    assert_eq!(detect(&path), Some(SourceKind::StanfordDogs));
    let dataset = Dataset::open(&SourceConfig::at(&path)).unwrap();
    assert_eq!(dataset.classes().len(), 120);
    assert_eq!(dataset.classes()[0], "n02085620-Chihuahua");
    assert!(dataset.classes().is_sorted());
    let count = |split| dataset.samples().iter().filter(|sample| sample.split == split).count();
    assert_eq!((count(DeclaredSplit::Train), count(DeclaredSplit::Test)), (12_000, 8_580));
    assert!(dataset.warnings().is_empty(), "{:?}", dataset.warnings());
    for index in (0..dataset.samples().len()).step_by(997) {
        let image = dataset.load(index).unwrap();
        assert_eq!((image.width(), image.height()), (64, 64));
    }
    let splits = dataset.splits(&SplitConfig::default(), 0, &[], &Groups::none()).unwrap();
    assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (10_800, 1_200, 8_580));
}

#[test]
fn the_pair_of_identical_photographs_in_train_and_test_is_found() {
    let Some(path) = data("stanford-dogs-original-4") else { return };
    assert_eq!(detect(&path), Some(SourceKind::Csv));
    let mut config = SourceConfig::at(&path);
    config.classes = Some(vec!["Saint_Bernard".into(), "Maltese_dog".into()]);
    let mut dataset = Dataset::open(&config).unwrap();
    dataset.set_cache(20 << 20);
    let called = AtomicUsize::new(0);
    let count = |_: usize, _: usize| {
        called.fetch_add(1, Ordering::Relaxed);
    };
    let inspection = dataset.inspect(true, &AtomicBool::new(false), &count).unwrap();
    assert_eq!(called.into_inner(), dataset.samples().len());
    assert!(inspection.rejected.is_empty() && inspection.usable.iter().all(|&usable| usable));
    let [pair] = inspection.duplicates.as_slice() else { panic!("{:?}", inspection.duplicates) };
    assert!(pair.ids[0].ends_with("n02109525_1314.jpg") && pair.ids[1].ends_with("n02109525_7982.jpg"));
    assert!(pair.across_splits && !pair.across_classes);
    let splits = dataset.splits(&SplitConfig::default(), 0, &inspection.usable, &inspection.groups).unwrap();
    assert_eq!(splits.shared(&inspection.duplicates), [pair]);
    assert!(inspection.sizes.width[0] >= 100 && inspection.sizes.width[2] <= 2272, "{:?}", inspection.sizes);
    // The cache holds what it may and no more, and gives what decoding gives.
    assert!(inspection.cached_images > 10 && inspection.cached_bytes <= 20 << 20);
    assert_eq!((inspection.cached_images, inspection.cached_bytes), dataset.cached());
}

#[test]
fn a_folder_of_real_photographs_opens_without_a_word() {
    let Some(path) = data("stanford-dogs-224-20") else { return };
    assert_eq!(detect(&path), Some(SourceKind::Folder));
    let limit = LimitConfig { train_per_class: Some(2), test_per_class: Some(1), ..LimitConfig::default() };
    let dataset = Dataset::open(&SourceConfig { limit, ..SourceConfig::at(&path) }).unwrap();
    assert_eq!((dataset.classes().len(), dataset.samples().len()), (20, 60));
    assert!(dataset.warnings().is_empty());
    let inspection = dataset.inspect(true, &AtomicBool::new(false), &silent).unwrap();
    assert_eq!(inspection.sizes.width, [224; 3]);
    assert_eq!(inspection.cached_images, 60);
}

// No real photographs needed from here on.

#[test]
fn images_that_cannot_be_used_are_named_and_left_out_or_refused() {
    let image = photograph();
    let folder = tree(&[
        ("train/cat/good.jpg", &image),
        ("train/cat/good-too.jpg", &image),
        ("train/cat/text.jpg", b"this is no image"),
        ("train/dog/cut.jpg", &image[..image.len() / 2]),
        ("train/dog/empty.png", b""),
        ("train/dog/good.jpg", &image),
        ("test/dog/copy.jpg", &image),
    ]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    let stop = AtomicBool::new(false);
    let inspection = dataset.inspect(false, &stop, &silent).unwrap();
    let rejected: Vec<(&str, &str)> =
        inspection.rejected.iter().map(|image| (image.id.as_str(), image.reason.as_str())).collect();
    let [(text, text_why), (cut, cut_why), (empty, empty_why)] = rejected[..] else { panic!("{rejected:?}") };
    assert_eq!([text, cut, empty], ["train/cat/text.jpg", "train/dog/cut.jpg", "train/dog/empty.png"]);
    assert!(
        text_why.contains("the text \"this is no image\"")
            && cut_why.contains("truncated")
            && empty_why.contains("0 bytes")
    );
    assert_eq!(inspection.usable.iter().filter(|&&usable| usable).count(), 4);
    let [same] = inspection.duplicates.as_slice() else { panic!("{:?}", inspection.duplicates) };
    assert!(same.samples.len() == 4 && same.across_splits && same.across_classes);

    let error = dataset.inspect(true, &stop, &silent).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, DataError::Rejected { count: 3, .. }), "{text}");
    assert!(
        text.contains("train/dog/cut.jpg: broken JPEG: the file breaks off") && text.contains("--strict"),
        "{text}"
    );
    assert!(matches!(dataset.inspect(false, &AtomicBool::new(true), &silent), Err(DataError::Stopped)));
}

#[test]
fn images_that_lose_something_when_decoded_are_warnings() {
    let read = |name: &str| std::fs::read(fixture("decode").join(name)).unwrap();
    let (deep, narrow) = (read("png-grey-16.png"), read("tiff-grey-12-in-16.tif"));
    let (cmyk, clear) = (read("jpeg-cmyk.jpg"), read("png-rgba-8.png"));
    let image = photograph();
    let folder = tree(&[
        ("cat/1.png", &deep),
        ("cat/2.jpg", &image),
        ("cat/3.jpg", &cmyk),
        ("cat/4.png", &clear),
        ("dog/1.tif", &narrow),
    ]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    let inspection = dataset.inspect(true, &AtomicBool::new(false), &silent).unwrap();
    assert_eq!(
        inspection.warnings,
        [
            Warning::DeepGrey { count: 2, example: "cat/1.png".into() },
            Warning::Cmyk { count: 1, example: "cat/3.jpg".into() },
            Warning::Transparency { count: 1, example: "cat/4.png".into() },
        ]
    );
    assert!(inspection.warnings[0].to_string().contains("scaled to 8 bits"));
    // Half of them dark is no sign; most of them is.
    std::fs::write(folder.path().join("cat/5.tif"), &narrow).unwrap();
    let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    let inspection = dataset.inspect(true, &AtomicBool::new(false), &silent).unwrap();
    let dark = Warning::NarrowGrey { count: 2, of: 3, example: "cat/5.tif".into() };
    assert!(inspection.warnings.contains(&dark), "{:?}", inspection.warnings);
    assert!(dark.to_string().contains("nearly black"));
}

#[test]
fn a_data_set_without_one_usable_image_is_refused() {
    let folder = tree(&[("cat/1.jpg", b"x"), ("dog/1.jpg", b"")]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    let error = dataset.inspect(false, &AtomicBool::new(false), &silent).unwrap_err().to_string();
    assert!(error.contains("not one of the 2 images"), "{error}");
}

#[test]
fn the_cache_keeps_what_fits_and_changes_nothing() {
    let image = photograph();
    let folder = tree(&[("cat/1.jpg", &image), ("cat/2.jpg", &image), ("dog/1.jpg", &image)]);
    let mut dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    let size = dataset.load(0).unwrap().pixels().len();
    assert_eq!(dataset.cached(), (1, size));
    dataset.set_cache(2 * size + 1);
    assert_eq!(dataset.cached(), (0, 0));
    let before: Vec<_> = (0..3).map(|index| dataset.load(index).unwrap()).collect();
    assert_eq!(dataset.cached(), (2, 2 * size));
    std::fs::remove_dir_all(folder.path().join("cat")).unwrap();
    assert_eq!(dataset.load(0).unwrap(), before[0], "it is not read again");
    dataset.set_cache(0);
    assert!(dataset.load(2).is_ok() && dataset.cached() == (0, 0));
}

#[test]
fn a_check_counts_and_finds_what_is_there_twice() {
    let image = photograph();
    let smaller = {
        let decoded = bakeoff_data::decode(&image).unwrap();
        let (width, height) = (decoded.width() - 4, decoded.height() - 3);
        let pixels =
            bakeoff_data::resize(&decoded, bakeoff_data::Region::whole(&decoded), width, height, true);
        let mut png = Vec::new();
        let pixels: Vec<u8> = pixels.iter().map(|value| value.round() as u8).collect();
        let encoder = image::codecs::png::PngEncoder::new(&mut png);
        image::ImageEncoder::write_image(
            encoder,
            &pixels,
            width as u32,
            height as u32,
            image::ExtendedColorType::Rgb8,
        )
        .unwrap();
        png
    };
    let other = std::fs::read(fixture("decode/jpeg-440.jpg")).unwrap();
    let folder = tree(&[
        ("train/n01440764/1.jpg", &image),
        ("train/n01440764/2.jpg", b"no image"),
        ("train/n01440764/3.jpg", &std::fs::read(fixture("decode/gif-grey.gif")).unwrap()),
        ("train/n01440764/4.jpg", &std::fs::read(fixture("decode/bmp-24.bmp")).unwrap()),
        ("train/n02102040/1.jpg", &other),
        ("test/n01440764/5.jpg", &smaller),
        ("test/n02102040/6.jpg", &other),
    ]);
    let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
    let check = dataset.check(&AtomicBool::new(false), &silent).unwrap();
    assert_eq!((check.images, check.rejected.len()), (7, 1));
    let counts: Vec<_> = check.classes.iter().map(|class| (class.train, class.test)).collect();
    assert_eq!(counts, [(3, 1), (1, 1)]);
    assert_eq!((check.balance.most, check.balance.fewest, check.balance.ratio), (3, 1, Some(3.0)));
    assert!(check.warnings.iter().any(|warning| warning.contains("n01440764 has 3 images to learn from")));
    assert_eq!(check.duplicates.len(), 1);
    assert_eq!(check.duplicates[0].ids, ["test/n02102040/6.jpg", "train/n02102040/1.jpg"]);
    assert_eq!(check.alike.len(), 1, "{:?}", check.alike);
    assert_eq!(check.alike[0].ids, ["test/n01440764/5.jpg", "train/n01440764/1.jpg"]);
    assert!(check.alike[0].across_splits && !check.alike[0].across_classes);
    assert_eq!(check.imagenet.as_deref(), Some("2 of its 2 classes are named by synsets"));
    assert!(matches!(dataset.check(&AtomicBool::new(true), &silent), Err(DataError::Stopped)));
}

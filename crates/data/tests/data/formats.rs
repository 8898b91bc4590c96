//! Sources that other programs write: every fixture against what its own library reads from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bakeoff_data::columns::ColumnRole;
use bakeoff_data::{Dataset, DeclaredSplit, ImageError, SourceConfig, SourceKind, Warning, detect};
use safetensors::SafeTensors;

use crate::{fixture, shard, tree};

pub(crate) fn open(path: &Path) -> Dataset {
    Dataset::open(&SourceConfig::at(path)).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn message(path: &Path) -> String {
    Dataset::open(&SourceConfig::at(path)).map(|_| ()).unwrap_err().to_string()
}

/// Copies a fixture, so that it can be broken.
pub(crate) fn copied(name: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let from = entry.unwrap().path();
            let to = to.join(from.file_name().unwrap());
            if from.is_dir() { copy(&from, &to) } else { fs::write(&to, fs::read(&from).unwrap()).unwrap() }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture(name), folder.path());
    folder
}

/// What a library read: by id, pixels with their height and width, and the label.
fn expected(name: &str) -> BTreeMap<String, (Vec<u8>, [usize; 2], i64)> {
    let bytes = fs::read(fixture(name)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let pixels = tensors.iter().filter_map(|(name, tensor)| Some((name.strip_suffix(".pixels")?, tensor)));
    pixels
        .map(|(id, tensor)| {
            let label = tensors.tensor(&format!("{id}.label")).unwrap();
            let label = i64::from_le_bytes(label.data().try_into().unwrap());
            let &[height, width, 3] = tensor.shape() else { panic!("{id}: {:?}", tensor.shape()) };
            (id.to_owned(), (tensor.data().to_vec(), [height, width], label))
        })
        .collect()
}

/// Every sample of the data set as its library read it, no channel of a pixel further off than `levels`; gives back what the
/// library has beyond that.
fn agrees(dataset: &Dataset, expected_in: &str, levels: u8) -> Vec<String> {
    let mut expected = expected(expected_in);
    for (index, sample) in dataset.samples().iter().enumerate() {
        let (pixels, [height, width], label) =
            expected.remove(&sample.id).unwrap_or_else(|| panic!("{} is in no library's list", sample.id));
        let image = dataset.load(index).unwrap();
        assert_eq!((image.width(), image.height()), (width, height), "{}", sample.id);
        let furthest = image.pixels().iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(furthest <= Some(levels), "{}: {furthest:?}", sample.id);
        assert_eq!(sample.label as i64, label, "{}", sample.id);
    }
    expected.into_keys().collect()
}

pub(crate) fn counts(dataset: &Dataset) -> [usize; 4] {
    [DeclaredSplit::Train, DeclaredSplit::Validation, DeclaredSplit::Test, DeclaredSplit::Undeclared]
        .map(|split| dataset.samples().iter().filter(|sample| sample.split == split).count())
}

// TensorFlow Datasets

#[test]
fn tensorflow_datasets_reads_the_same_pixels_and_labels() {
    let path = fixture("sources/tfds/tiny_dogs");
    assert_eq!(detect(&path), Some(SourceKind::Tfds));
    let dogs = open(&path);
    assert_eq!(dogs.classes(), ["beagle", "chow", "Saint Bernard"]);
    assert_eq!(counts(&dogs), [7, 3, 4, 0]);
    let extra = agrees(&dogs, "sources/tfds/tiny_dogs.safetensors", 1);
    assert!(extra.len() == 2 && extra.iter().all(|id| id.starts_with("extra/")), "{extra:?}");
    assert_eq!(dogs.warnings(), [Warning::OtherSplit { split: "extra".into(), images: 2 }]);

    // Names of one version, of a file in it.
    assert_eq!(open(&path.join("1.2.0")).samples(), dogs.samples());
    let shard = path.join("1.2.0/tiny_dogs-train.tfrecord-00001-of-00002");
    assert_eq!(open(&shard).samples(), dogs.samples());

    let digits = open(&fixture("sources/tfds/tiny_digits"));
    assert_eq!(digits.classes(), ["0", "1", "2"]);
    assert_eq!(counts(&digits), [6, 0, 3, 0]);
    assert_eq!(
        agrees(&digits, "sources/tfds/tiny_digits.safetensors", 0).len(),
        1,
        "the one without a label"
    );
    let unlabelled = Warning::Unlabelled { split: "test".into(), count: 1 };
    assert!(digits.warnings().contains(&unlabelled), "{:?}", digits.warnings());
}

#[test]
fn a_shard_that_is_not_there_is_named() {
    let folder = copied("sources/tfds/tiny_dogs/1.2.0");
    fs::remove_file(folder.path().join("tiny_dogs-train.tfrecord-00001-of-00002")).unwrap();
    let text = message(folder.path());
    assert!(text.contains("1 of the 6 shards that dataset_info.json lists are missing"), "{text}");
    assert!(text.contains("tiny_dogs-train.tfrecord-00001-of-00002 (split train, 3 images)"), "{text}");
    // A split that is not used may well be missing.
    let folder = copied("sources/tfds/tiny_dogs/1.2.0");
    fs::remove_file(folder.path().join("tiny_dogs-extra.tfrecord-00000-of-00002")).unwrap();
    assert_eq!(open(folder.path()).samples().len(), 14);
}

#[test]
fn a_shard_that_breaks_off_or_is_broken_is_named_with_the_byte() {
    let shard = "tiny_dogs-train.tfrecord-00000-of-00002";
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let folder = copied("sources/tfds/tiny_dogs/1.2.0");
        let mut bytes = fs::read(folder.path().join(shard)).unwrap();
        change(&mut bytes);
        fs::write(folder.path().join(shard), bytes).unwrap();
        folder
    };
    let length = fs::read(fixture("sources/tfds/tiny_dogs/1.2.0").join(shard)).unwrap().len();
    let text = message(broken(&|bytes| bytes.truncate(length - 5)).path());
    assert!(text.contains(shard) && text.contains("breaks off: record 3 at byte"), "{text}");
    let text = message(broken(&|bytes| bytes.extend([0; 7])).path());
    assert!(text.contains(&format!("breaks off at byte {length}: 7 bytes are left")), "{text}");
    let text = message(broken(&|bytes| bytes[1] ^= 1).path());
    assert!(text.contains("byte 0: the length of record 0 does not match its checksum"), "{text}");
    // Whole records too few.
    let text = message(broken(&|bytes| bytes.clear()).path());
    assert!(text.contains("holds 0 records, but dataset_info.json says 4"), "{text}");

    // A flipped bit in an image: that image is out, and the others are in.
    let folder = broken(&|bytes| bytes[500] ^= 8);
    let dataset = open(folder.path());
    assert_eq!(dataset.samples()[4].id, "train/00000000");
    let error = dataset.load(4).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ImageError::Stored { .. }), "{text}");
    assert!(text.contains("record at byte 0 of") && text.contains("CRC-32C"), "{text}");
    let usable = (0..14).filter(|&index| dataset.load(index).is_ok()).count();
    assert_eq!(usable, 13);
    // One where the label cannot be read any more.
    let folder = broken(&|bytes| bytes[12] ^= 8);
    let dataset = open(folder.path());
    assert_eq!(dataset.samples().len(), 13);
    let left_out = Warning::BrokenRecord { file: shard.into(), byte: 0 };
    assert!(dataset.warnings().contains(&left_out), "{:?}", dataset.warnings());
}

#[test]
fn descriptions_of_a_tfds_folder_that_cannot_be_used_say_why() {
    let changed = |file: &str, from: &str, to: &str| {
        let folder = copied("sources/tfds/tiny_dogs/1.2.0");
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
        message(folder.path())
    };
    let text = changed("dataset_info.json", "\"tfrecord\"", "\"array_record\"");
    assert!(text.contains("stored as array_record") && text.contains("file_format=\"tfrecord\""), "{text}");
    let text = changed("dataset_info.json", "{DATASET}-", "../{DATASET}-");
    assert!(text.contains("names a shard outside its folder"), "{text}");
    let text = changed("features.json", "class_label_feature.ClassLabel", "scalar.Scalar");
    assert!(text.contains("declares no feature of type ClassLabel"), "{text}");
    let text = changed("features.json", "\"uint8\"", "\"float32\"");
    assert!(text.contains("pixels of type float32"), "{text}");
    let text = changed("label.labels.txt", "chow\n", "");
    assert!(text.contains("names 2 classes, but features.json declares 3"), "{text}");
    assert!(changed("features.json", "{", "").contains("is no valid JSON"));

    let folder = copied("sources/tfds/tiny_dogs");
    let version = folder.path().join("2.0.0");
    fs::create_dir(&version).unwrap();
    for file in ["dataset_info.json", "features.json"] {
        fs::copy(folder.path().join("1.2.0").join(file), version.join(file)).unwrap();
    }
    let text = message(folder.path());
    assert!(text.contains("several versions") && text.contains("1.2.0") && text.contains("2.0.0"), "{text}");
}

/// MNIST as the real library prepared it, without its train shard.
#[test]
fn a_prepared_mnist_without_its_train_shard_is_refused_by_name_and_its_test_shard_is_read() {
    let Some(path) = crate::inspection::data("tfds/mnist") else { return };
    let text = message(&path);
    assert!(text.contains("mnist-train.tfrecord-00000-of-00001 (split train, 60000 images)"), "{text}");

    // The test shard as if it were all there is.
    let folder = tempfile::tempdir().unwrap();
    for name in ["features.json", "mnist-test.tfrecord-00000-of-00001"] {
        let to = name.replace("-test.", "-train.");
        fs::copy(path.join("3.0.1").join(name), folder.path().join(to)).unwrap();
    }
    let info = r#"{"name": "mnist", "splits": [{"name": "train", "shardLengths": ["10000"]}]}"#;
    fs::write(folder.path().join("dataset_info.json"), info).unwrap();
    let dataset = open(folder.path());
    let mut per_class = [0; 10];
    dataset.samples().iter().for_each(|sample| per_class[sample.label] += 1);
    // The published counts of MNIST's test split.
    assert_eq!(per_class, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    assert!((0..100).all(|index| dataset.load(index * 97).is_ok_and(|image| image.width() == 28)));
}

// CIFAR

#[test]
fn cifar_is_as_tensorflow_datasets_reads_it() {
    for (name, classes, images) in [("cifar-10", 10, [10, 0, 2, 0]), ("cifar-100", 2, [2, 0, 2, 0])] {
        let path = fixture("sources/cifar").join(name);
        assert_eq!(detect(&path), Some(SourceKind::Cifar));
        let dataset = open(&path);
        assert_eq!((dataset.classes().len(), counts(&dataset)), (classes, images));
        let beyond = agrees_by_name(&dataset, &format!("sources/cifar/{name}.safetensors"), &path);
        assert!(beyond.is_empty(), "{beyond:?}");
    }
}

/// As [`agrees`], where labels count classes that are left out since they have no images here.
fn agrees_by_name(dataset: &Dataset, expected_in: &str, path: &Path) -> Vec<String> {
    let mut expected = expected(expected_in);
    let names = ["cifar-10-batches-bin/batches.meta.txt", "cifar-100-binary/fine_label_names.txt"];
    let names = names.iter().find_map(|name| fs::read_to_string(path.join(name)).ok()).unwrap();
    let names: Vec<&str> = names.lines().collect();
    for (index, sample) in dataset.samples().iter().enumerate() {
        let (pixels, _, label) = expected.remove(&sample.id).unwrap();
        assert!(dataset.load(index).unwrap().pixels() == pixels, "{}", sample.id);
        assert_eq!(dataset.classes()[sample.label], names[label as usize]);
    }
    expected.into_keys().collect()
}

#[test]
fn cifar_with_a_file_missing_or_broken_says_which() {
    let inner = "cifar-10-batches-bin";
    let folder = copied("sources/cifar/cifar-10");
    fs::remove_file(folder.path().join(inner).join("data_batch_3.bin")).unwrap();
    assert!(message(folder.path()).contains("data_batch_3.bin"));
    let folder = copied("sources/cifar/cifar-10");
    let file = folder.path().join(inner).join("test_batch.bin");
    let mut bytes = fs::read(&file).unwrap();
    bytes[3073] = 10;
    fs::write(&file, &bytes).unwrap();
    let text = message(folder.path());
    assert!(text.contains("test_batch.bin: is labelled 10 at byte 3073, but there are 10 classes"), "{text}");
    fs::write(&file, &bytes[..5000]).unwrap();
    assert!(message(folder.path()).contains("has 5000 bytes, no multiple of 3073"));
}

// IDX

#[test]
fn idx_files_are_as_tensorflow_datasets_reads_them_plain_and_compressed() {
    for name in ["sources/idx/mnist", "sources/idx/mnist-gz"] {
        assert_eq!(detect(&fixture(name)), Some(SourceKind::Idx));
        let dataset = open(&fixture(name));
        assert_eq!(dataset.classes(), ["0", "1", "2"]);
        assert_eq!(counts(&dataset), [6, 0, 3, 0]);
        assert!(agrees(&dataset, "sources/idx/mnist.safetensors", 0).is_empty());
    }
    let file = fixture("sources/idx/mnist-gz/t10k-images-idx3-ubyte.gz");
    assert_eq!(open(&file).samples().len(), 9);
}

#[test]
fn idx_files_that_cannot_be_used_say_why() {
    let changed = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let folder = copied("sources/idx/mnist");
        let path = folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
        message(folder.path())
    };
    let images = "train-images-idx3-ubyte";
    let text = changed(images, &|bytes| bytes.truncate(100));
    assert!(text.contains("has 100 bytes, but its header announces arrays of [6, 28, 28]"), "{text}");
    assert!(changed(images, &|bytes| bytes.truncate(9)).contains("breaks off in its header"));
    assert!(changed(images, &|bytes| bytes.clear()).contains("breaks off in its header: it has 0 bytes"));
    assert!(changed(images, &|bytes| bytes[2] = 13).contains("holds data of type 0x0d (byte 2)"));
    assert!(changed(images, &|bytes| bytes[0] = 1).contains("is no IDX file"));
    assert!(changed(images, &|bytes| bytes[4..16].fill(0xFF)).contains("announces arrays"));
    let labels = "train-labels-idx1-ubyte";
    let fewer = |bytes: &mut Vec<u8>| {
        bytes[7] = 5;
        bytes.pop();
    };
    assert!(changed(labels, &fewer).contains("holds 6 images, but"), "{}", changed(labels, &fewer));

    let folder = copied("sources/idx/mnist-gz");
    let path = folder.path().join("train-images-idx3-ubyte.gz");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let text = message(folder.path());
    assert!(text.contains("train-images-idx3-ubyte.gz: is broken after"), "{text}");
    fs::remove_file(folder.path().join("train-labels-idx1-ubyte.gz")).unwrap();
    assert!(message(folder.path()).contains("train-"));
}

// Parquet

#[test]
fn parquet_files_of_datasets_are_as_it_reads_them_whatever_their_codec() {
    let path = fixture("sources/parquet/dogs");
    assert_eq!(detect(&path), Some(SourceKind::Parquet));
    let dataset = open(&path);
    assert_eq!(dataset.classes(), ["beagle", "chow", "Saint Bernard"]);
    assert_eq!(counts(&dataset), [8, 3, 4, 0]);
    assert!(agrees(&dataset, "sources/parquet/dogs.safetensors", 0).is_empty());
    // One file is a data set too, and the folder in between.
    assert_eq!(open(&path.join("data")).samples(), dataset.samples());
    let first = open(&path.join("data/train-00000-of-00002.parquet"));
    assert_eq!((first.classes(), counts(&first)), (dataset.classes(), [5, 0, 0, 0]));
}

#[test]
fn parquet_without_metadata_is_read_by_the_names_of_its_columns() {
    let dataset = open(&fixture("sources/parquet/plain.parquet"));
    assert_eq!(dataset.classes(), ["Saint Bernard", "beagle", "chow"]);
    assert_eq!(counts(&dataset), [0, 0, 0, 5]);
    assert!(agrees(&dataset, "sources/parquet/plain.safetensors", 0).is_empty());
    let taken = |column: &str, role| Warning::ColumnTaken {
        column: column.into(),
        role,
        of: "`img`, `class`".into(),
    };
    assert_eq!(
        dataset.warnings(),
        [
            taken("img", ColumnRole::Image),
            taken("class", ColumnRole::Label),
            Warning::Unlabelled { split: "rows".into(), count: 1 }
        ]
    );
}

#[test]
fn threads_share_one_parquet_file_in_any_order() {
    let dataset = open(&fixture("sources/parquet/dogs"));
    let alone: Vec<_> = (0..15).map(|index| dataset.bytes(index).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (dataset, alone) = (&dataset, &alone);
            scope.spawn(move || {
                for round in 0..60 {
                    let index = (round * 7 + thread) % 15;
                    assert_eq!(dataset.bytes(index).unwrap(), alone[index]);
                }
            });
        }
    });
}

#[cfg(unix)]
#[test]
fn a_table_names_images_in_its_own_folder_only() {
    let folder = copied("sources/parquet/beside");
    fs::write(folder.path().with_extension("png"), "").unwrap();
    let outside = tree(&[("outside.png", &fs::read(fixture("decode/png-filters.png")).unwrap())]);
    std::os::unix::fs::symlink(outside.path().join("outside.png"), folder.path().join("link.png")).unwrap();
    let dataset = open(folder.path());
    assert_eq!(dataset.load(0).unwrap().width(), 9);
    let reason = |index: usize| dataset.load(index).unwrap_err().to_string();
    assert!(reason(1).contains("\"link.png\", a link that leads outside"), "{}", reason(1));
    assert!(reason(2).contains("outside the table's folder: \"../outside.png\""), "{}", reason(2));
    assert!(
        reason(3).contains("row 3 of row group 0 of") && reason(3).contains("neither bytes nor the path")
    );
    fs::remove_file(folder.path().with_extension("png")).unwrap();
}

#[test]
fn parquet_that_cannot_be_used_says_why() {
    let folder = copied("sources/parquet/dogs");
    let shard = folder.path().join("data/train-00001-of-00002-0a1b.parquet");
    let whole = fs::read(&shard).unwrap();
    fs::write(&shard, &whole[..whole.len() - 9]).unwrap();
    let text = message(folder.path());
    assert!(text.contains("0a1b.parquet: is no readable Parquet file"), "{text}");
    fs::write(&shard, "").unwrap();
    assert!(message(folder.path()).contains("is no readable Parquet file"));
    fs::remove_file(&shard).unwrap();
    let text = message(folder.path());
    assert!(text.contains("is not whole: train-00001-of-00002 is missing"), "{text}");
    fs::write(&shard, whole).unwrap();
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::copy(&shard, folder.path().join("other/a.parquet")).unwrap();
    let text = message(folder.path());
    assert!(text.contains("holds several data sets") && text.contains("other"), "{text}");
}

// WebDataset

#[test]
fn webdataset_shards_are_as_the_library_reads_them() {
    let path = fixture("sources/webdataset/dogs");
    assert_eq!(detect(&path), Some(SourceKind::Webdataset));
    let dataset = open(&path);
    assert_eq!(dataset.classes(), ["beagle", "chow", "Saint Bernard"]);
    assert_eq!(counts(&dataset), [5, 2, 3, 0]);
    assert!(agrees(&dataset, "sources/webdataset/dogs.safetensors", 1).is_empty());
    let shard = path.join("dogs-train-000000.tar");
    assert_eq!(detect(&shard), Some(SourceKind::Webdataset));
    assert_eq!(counts(&open(&shard)), [3, 0, 0, 0]);
}

#[test]
fn samples_of_webdataset_may_be_labelled_by_name_and_have_other_files_beside() {
    let image = crate::photograph();
    let folder = shard(&[
        ("a/1.jpg", &image),
        ("a/1.mask.png", &image),
        ("a/1.cls", b" owl\n"),
        ("a/2.JPG", &image),
        ("a/2.json", br#"{"width": 3, "class_name": "auk"}"#),
        ("a/3.jpg", &image),
        ("a/3.txt", b"a caption"),
        ("a/4.cls", b"owl"),
    ]);
    let dataset = open(folder.path());
    assert_eq!(dataset.classes(), ["auk", "owl"]);
    let ids: Vec<_> = dataset.samples().iter().map(|sample| (sample.id.as_str(), sample.label)).collect();
    assert_eq!(ids, [("a.tar/a/1.jpg", 1), ("a.tar/a/2.JPG", 0)]);
    assert_eq!(dataset.warnings(), [Warning::Unlabelled { split: "a.tar".into(), count: 1 }]);

    let mixed = shard(&[("1.jpg", &image), ("1.cls", b"0"), ("2.jpg", &image), ("2.cls", b"owl")]);
    assert!(message(mixed.path()).contains("some samples with numbers and some with names"));
    let json = shard(&[("1.jpg", &image), ("1.json", b"{"), ("2.jpg", &image), ("2.cls", b"0")]);
    assert!(message(json.path()).contains("member 1.json is no valid JSON"));
    let several = shard(&[("1.a.jpg", &image), ("1.b.jpg", &image), ("1.cls", b"0")]);
    assert!(message(several.path()).contains("sample 1.a.jpg holds 2 images"));
    let twice = shard(&[
        ("1.jpg", &image),
        ("1.cls", b"0"),
        ("2.jpg", &image),
        ("2.cls", b"1"),
        ("1.jpg", &image),
        ("1.cls", b"0"),
    ]);
    assert!(message(twice.path()).contains("holds a.tar/1.jpg twice"));
    fs::write(folder.path().join("classes.txt"), "auk\n").unwrap();
    fs::write(folder.path().join("a.tar"), fs::read(mixed.path().join("a.tar")).unwrap()).unwrap();
    assert!(message(folder.path()).contains("some samples with numbers"));
}

// Archives of an image folder

#[test]
fn an_archived_folder_is_the_folder() {
    for name in ["dogs.tar", "dogs.tar.gz", "dogs.zip"] {
        let path = fixture("sources/packed").join(name);
        assert_eq!(detect(&path), Some(SourceKind::Archive), "{name}");
        let dataset = open(&path);
        assert_eq!(dataset.classes(), ["beagle", "chow"]);
        assert_eq!(counts(&dataset), [5, 0, 2, 0], "links are no images");
        assert!(agrees(&dataset, "sources/packed/dogs.safetensors", 0).is_empty());
        assert_eq!(dataset.warnings()[0], Warning::OtherFiles { count: 1, example: "README.md".into() });
    }
    // Unpacked, it is the same data set.
    let folder = tempfile::tempdir().unwrap();
    tar::Archive::new(fs::File::open(fixture("sources/packed/dogs.tar")).unwrap())
        .unpack(folder.path())
        .unwrap();
    fs::remove_file(folder.path().join("dogs/train/beagle/link.jpg")).unwrap();
    let unpacked = open(&folder.path().join("dogs"));
    let packed = open(&fixture("sources/packed/dogs.zip"));
    assert_eq!(unpacked.samples(), packed.samples());
    assert_eq!(unpacked.bytes(3).unwrap(), packed.bytes(3).unwrap());
    let stored = fixture("sources/packed/stored.zip");
    let config = SourceConfig { kind: Some(SourceKind::Archive), ..SourceConfig::at(stored) };
    assert_eq!(Dataset::open(&config).unwrap().bytes(0).unwrap(), packed.bytes(2).unwrap());
}

#[test]
fn archives_that_cannot_be_used_say_why() {
    let path = |name: &str| fixture("sources/packed").join(name);
    let text = message(&path("outside.zip"));
    assert!(text.contains("\"../outside.jpg\" points outside the archive"), "{text}");
    let text = message(&path("bzip2.zip"));
    assert!(text.contains("is compressed with") && text.contains("unpack the archive"), "{text}");
    let broken = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = fs::read(path(name)).unwrap();
        change(&mut bytes);
        fs::write(folder.path().join(name), bytes).unwrap();
        folder
    };
    let text = message(&broken("dogs.zip", &|bytes| bytes.truncate(900)).path().join("dogs.zip"));
    assert!(text.contains("dogs.zip: is no readable zip archive"), "{text}");
    let text = message(&broken("dogs.tar.gz", &|bytes| bytes.truncate(900)).path().join("dogs.tar.gz"));
    assert!(text.contains("dogs.tar.gz: is broken after"), "{text}");
    // A flipped bit in a deflated image.
    let folder = broken("dogs.zip", &|bytes| bytes[300] ^= 4);
    let dataset = open(&folder.path().join("dogs.zip"));
    let errors: Vec<_> = (0..7).filter_map(|index| dataset.load(index).err()).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].to_string().contains("member at byte"), "{}", errors[0]);
    // Nothing but white pixels would be smaller than this.
    let bomb = tempfile::tempdir().unwrap();
    let mut zeros = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 80 << 20), &mut zeros).unwrap();
    fs::write(bomb.path().join("a.tgz"), zeros.finish().unwrap()).unwrap();
    let text = message(&bomb.path().join("a.tgz"));
    assert!(text.contains("decompresses to more than 64 MiB: no data set grows 100-fold"), "{text}");
}

//! Packs: the same images with and without, and whatever can go wrong with the file.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use bakeoff_data::{Dataset, Inspection, PackMode, Region, SourceConfig, Warning};

use crate::{fixture, fixtures, name, tree};

/// A data set of all decoder fixtures, and one file that is no image.
fn images() -> tempfile::TempDir {
    let folder = tree(&[("a/broken.jpg", b"\xFF\xD8\xFF no image")]);
    for (number, path) in fixtures("decode").into_iter().enumerate() {
        let class = folder.path().join(["a", "b"][number % 2]);
        std::fs::create_dir_all(&class).unwrap();
        std::fs::copy(&path, class.join(format!("{number}-{}", name(&path)))).unwrap();
    }
    folder
}

fn inspected(images: &Path, packs: Option<&Path>) -> (Dataset, Inspection) {
    let mut dataset = Dataset::open(&SourceConfig::at(images)).unwrap();
    dataset.set_cache(0);
    if let Some(packs) = packs {
        dataset.set_pack(packs, PackMode::On);
    }
    let inspection = dataset.inspect(false, &AtomicBool::new(false), &|_, _| ()).unwrap();
    (dataset, inspection)
}

fn assert_same_images(a: &Dataset, b: &Dataset) {
    assert_eq!(a.samples(), b.samples());
    for index in 0..a.samples().len() {
        match (a.load(index), b.load(index)) {
            (Ok(a), Ok(b)) => assert_eq!(a, b),
            (a, b) => assert!(a.is_err() && b.is_err(), "{}", index),
        }
    }
}

#[test]
fn images_and_what_is_known_of_them_are_the_same_with_and_without_a_pack() {
    let (images, packs) = (images(), tempfile::tempdir().unwrap());
    let (plain, expected) = inspected(images.path(), None);
    assert_eq!(expected.rejected.len(), 1);
    assert!(plain.packed().is_none());
    // Written, then read.
    for _ in 0..2 {
        let (packed, inspection) = inspected(images.path(), Some(packs.path()));
        assert_eq!(inspection, expected);
        assert_eq!(packed.packed().unwrap().1, packed.samples().len() - 1);
        assert_same_images(&packed, &plain);
    }
    assert_eq!(std::fs::read_dir(packs.path()).unwrap().count(), 1);
    // Read means: the files' pixels are not made again.
    let (packed, _) = inspected(images.path(), Some(packs.path()));
    std::fs::remove_dir_all(images.path().join("a")).unwrap();
    let first =
        (0..packed.samples().len()).find(|&index| plain.load(index).is_err() && packed.load(index).is_ok());
    assert!(first.is_some());
}

#[test]
fn a_file_that_changed_is_found_out() {
    let (images, packs) = (images(), tempfile::tempdir().unwrap());
    let (before, _) = inspected(images.path(), Some(packs.path()));
    let index = before.samples().iter().position(|sample| sample.id.ends_with("jpeg-420.jpg")).unwrap();
    std::fs::copy(fixture("decode/jpeg-444.jpg"), images.path().join(&before.samples()[index].id)).unwrap();
    let (after, inspection) = inspected(images.path(), Some(packs.path()));
    assert!(inspection.warnings.iter().all(|warning| !matches!(warning, Warning::NotPacked { .. })));
    assert_ne!(before.load(index).unwrap(), after.load(index).unwrap());
    assert_same_images(&after, &inspected(images.path(), None).0);
    assert_eq!(std::fs::read_dir(packs.path()).unwrap().count(), 1);
}

#[test]
fn damage_costs_time_and_nothing_else() {
    let (images, packs) = (images(), tempfile::tempdir().unwrap());
    let (plain, _) = inspected(images.path(), None);
    let (packed, _) = inspected(images.path(), Some(packs.path()));
    let (path, _, bytes) = packed.packed().unwrap();
    drop(packed);
    // In the pixels: such an image is decoded from its file.
    let whole = std::fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[64..whole.len() / 2].fill(0x55);
    std::fs::write(&path, damaged).unwrap();
    assert_same_images(&inspected(images.path(), Some(packs.path())).0, &plain);
    // In the index, or cut off: another pack takes its place.
    std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let (packed, inspection) = inspected(images.path(), Some(packs.path()));
    assert!(matches!(inspection.warnings[0], Warning::PackReplaced { .. }), "{:?}", inspection.warnings);
    assert_eq!(packed.packed().unwrap().2, bytes);
    assert_same_images(&packed, &plain);
}

#[test]
fn a_folder_that_cannot_be_written_costs_time_and_nothing_else() {
    let (images, packs) = (images(), tempfile::NamedTempFile::new().unwrap());
    let (dataset, inspection) = inspected(images.path(), Some(packs.path()));
    let told: Vec<String> = inspection.warnings.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("decoded images are not packed: "), "{told:?}");
    assert!(dataset.packed().is_none());
    assert_same_images(&dataset, &inspected(images.path(), None).0);
}

#[test]
fn a_draft_is_the_same_with_and_without_a_pack_and_in_part_and_its_pack_has_a_name_of_its_own() {
    let (images, packs) = (images(), tempfile::tempdir().unwrap());
    let open = |draft, packed: bool| {
        let mut dataset = Dataset::open(&SourceConfig { draft, ..SourceConfig::at(images.path()) }).unwrap();
        dataset.set_cache(0);
        if packed {
            dataset.set_pack(packs.path(), PackMode::On);
        }
        dataset.inspect(false, &AtomicBool::new(false), &|_, _| ()).unwrap();
        dataset
    };
    let plain = open(Some(8), false);
    assert_same_images(&open(Some(8), true), &plain);
    assert_same_images(&open(None, true), &open(None, false));
    assert_eq!(std::fs::read_dir(packs.path()).unwrap().count(), 2);
    let full = open(None, false);
    let mut smaller = 0;
    for index in 0..plain.samples().len() {
        let Ok(whole) = plain.load(index) else { continue };
        smaller += usize::from(whole.width() < full.load(index).unwrap().width());
        let opened = plain.open_image(index).unwrap();
        assert_eq!((opened.width(), opened.height()), (whole.width(), whole.height()), "{index}");
        let (x, y) = (whole.width() / 2, whole.height() / 2);
        let part = opened.pixels(Region { x, y, width: 1, height: 1 }).unwrap();
        if part.image() != whole.as_ref() {
            let at = (y * whole.width() + x) * 3;
            assert_eq!(part.image().pixels(), &whole.pixels()[at..at + 3], "{index}");
        }
    }
    assert!(smaller > 15, "{smaller}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_costs_time_and_nothing_else() {
    let (images, disk) = (images(), tempfile::tempdir().unwrap());
    let mount = |arguments: &[&str]| {
        let output = std::process::Command::new(arguments[0]).args(&arguments[1..]).arg(disk.path()).output();
        output.is_ok_and(|output| output.status.success())
    };
    // Less than the images take.
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]) {
        eprintln!("skipped: a small file system cannot be mounted here (needs root)");
        return;
    }
    let (dataset, inspection) = inspected(images.path(), Some(disk.path()));
    let left = std::fs::read_dir(disk.path()).unwrap().count();
    let (plain, expected) = inspected(images.path(), None);
    let larger = mount(&["mount", "-o", "remount,size=64m"]);
    let (packed, again) = inspected(images.path(), Some(disk.path()));
    let held = packed.packed().map(|(_, images, _)| images);
    let same = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        assert_same_images(&dataset, &plain);
        assert_same_images(&packed, &plain);
    }));
    drop((dataset, packed));
    assert!(mount(&["umount"]));
    let told: Vec<String> = inspection.warnings.iter().map(ToString::to_string).collect();
    let full = |told: &&String| told.starts_with("decoded images are not packed: ") && told.contains("space");
    assert_eq!(told.iter().filter(full).count(), 1, "{told:?}");
    assert_eq!((left, larger), (0, true), "nothing is left behind");
    assert!(same.is_ok());
    // What is known of the images is the same, and so is everything once there is room.
    assert_eq!((&inspection.rejected, &inspection.duplicates), (&expected.rejected, &expected.duplicates));
    assert_eq!((&again, held), (&expected, Some(plain.samples().len() - 1)));
}

#[test]
fn small_and_generated_data_sets_are_not_packed_by_themselves() {
    let (images, packs) = (images(), tempfile::tempdir().unwrap());
    let mut dataset = Dataset::open(&SourceConfig::at(images.path())).unwrap();
    dataset.set_pack(packs.path(), PackMode::Auto);
    let inspection = dataset.inspect(false, &AtomicBool::new(false), &|_, _| ()).unwrap();
    assert!(dataset.packed().is_none() && inspection.cached_images > 0);
    assert_eq!(std::fs::read_dir(packs.path()).unwrap().count(), 0);
}

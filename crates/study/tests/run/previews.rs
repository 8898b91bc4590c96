//! Pictures of what the network will be shown.

use std::fs;

use bakeoff_study::preview;

use super::support::{INSIDE, study, study_of};

#[test]
fn a_preview_tells_what_is_mixed_inside_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let study = study_of(INSIDE[0][0], &[]);
    let previews = preview(&study, folder.path(), 7, 1).unwrap();
    for example in &previews[1].record.examples {
        assert!(matches!(example.stage, Some(1 | 3)) == example.partner.is_some(), "{example:?}");
        let [original, augmented] = [&example.original, &example.augmented]
            .map(|name| fs::read(previews[1].folder.join(name)).unwrap());
        assert!(original == augmented, "its pixels are left alone");
    }
    assert!(previews[1].record.examples.iter().any(|example| example.labels.len() == 2));
}

#[test]
fn a_preview_asks_the_network_as_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let preview_of = |recipe: &str, seed: u64| {
        let study = study_of(recipe, &["train.image=32"]);
        let path = folder.path().join(seed.to_string());
        preview(&study, &path, 7, seed).unwrap().swap_remove(1)
    };
    let of_seeds: Vec<_> = (1..4).map(|seed| preview_of(INSIDE[2][0], seed)).collect();
    let mixed: Vec<_> = of_seeds
        .iter()
        .flat_map(|preview| &preview.record.examples)
        .filter_map(|example| Some((example.lambda?, example.pasted?, example.weight)))
        .collect();
    // By what is seen, not by area: one box for a batch, another share for every image.
    let differs = mixed.iter().filter(|(lambda, [x0, y0, x1, y1], _)| {
        let area = ((x1 - x0) * (y1 - y0)) as f64 / (32.0 * 32.0);
        (1.0 - lambda - area).abs() > 0.01
    });
    assert!(mixed.len() > 7 && differs.count() > mixed.len() / 2, "{mixed:?}");
    assert!(mixed.iter().any(|(.., weight)| weight.is_some_and(|weight| (weight - 1.0).abs() > 0.01)));
    let puzzle = preview_of(INSIDE[3][0], 1);
    let masks = puzzle.record.examples.iter().filter_map(|example| example.mask.as_ref());
    let masks: Vec<_> = masks.map(|name| fs::read(puzzle.folder.join(name)).unwrap()).collect();
    assert!(
        masks.len() > 1 && masks.iter().any(|mask| *mask != masks[0]),
        "each image has a mask of its own"
    );
}

#[test]
fn a_preview_shows_the_first_batch_a_trial_trains_on() {
    let folder = tempfile::tempdir().unwrap();
    let made = preview(&study(&[]), folder.path(), 3, 1).unwrap();
    assert_eq!(made.len(), 2);
    assert_eq!(made[0].record.examples.len(), 3);
    assert_eq!(made[0].record.image, 16);
    // Both recipes start from the same images: only the recipe differs.
    let images = |n: usize| made[n].record.examples.iter().map(|e| e.image.clone()).collect::<Vec<_>>();
    assert_eq!(images(0), images(1));
    // Without augmentation the network is shown the original.
    for example in &made[0].record.examples {
        let read = |name: &str| fs::read(made[0].folder.join(name)).unwrap();
        assert_eq!(read(&example.original), read(&example.augmented));
        assert_eq!(example.labels.len(), 1);
    }
    assert!(folder.path().join("mixup/preview.json").is_file());
}

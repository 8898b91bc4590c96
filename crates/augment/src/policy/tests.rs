use std::collections::BTreeMap;

use bakeoff_random::Stream;
use serde_json::Value;

use super::augmix::{AUGMIX, AUGMIX_SET, blend};
use super::elementary::Elementary::{
    AutoContrast, Brightness, Color, Contrast, Equalize, Identity, Invert, Posterize, Rotate, Sharpness,
    ShearX, ShearY, Solarize, TranslateX, TranslateY,
};
use super::elementary::{Canvas, RAND, USUAL};
use super::trivial_augment_wide::WIDE;
use super::{Augmix, Elementary, Policy, RandAugment, TrivialAugmentWide};
use crate::Pixels;
use crate::fixture::{bytes, count, floats, list, number, read};
use crate::levels::Levels;
use crate::normalisation::Centre;
use crate::operation::Operation;

const ALL: [Elementary; 15] = [
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
];

fn named(name: &Value) -> Elementary {
    ALL.into_iter().find(|operation| format!("{operation:?}") == name.as_str().unwrap()).unwrap()
}

fn image(fixture: &Value) -> Levels {
    let (width, height) = (count(&fixture["width"]), count(&fixture["height"]));
    Levels { width, height, values: bytes(&fixture["pixels"]) }
}

#[test]
fn magnitudes_are_torchvisions_to_the_bit() {
    let fixture = read("policies.json");
    let mut sets = BTreeMap::<String, Vec<Elementary>>::new();
    for case in list(&fixture["magnitudes"]) {
        let name = case["space"].as_str().unwrap();
        let space = [("usual", USUAL), ("wide", WIDE), ("augmix", AUGMIX)];
        let space = space.into_iter().find(|(known, _)| *known == name).unwrap().1;
        let (operation, bins) = (named(&case["operation"]), count(&case["bins"]));
        // f32 numbers, of which JSON may lose the last bits of an f64.
        let ours: Vec<f32> =
            (0..bins).map(|bin| space.magnitude(operation, bins, bin, 20, 16) as f32).collect();
        let theirs = floats(&case["values"]);
        assert_eq!(ours, theirs, "{name} {operation:?} {bins}");
        assert_eq!(operation.signed(), case["signed"].as_bool().unwrap());
        let set = sets.entry(name.to_owned()).or_default();
        if !set.contains(&operation) {
            set.push(operation);
        }
    }
    assert_eq!(sets["usual"], RAND);
    assert_eq!(sets["wide"], RAND);
    assert_eq!(sets["augmix"], AUGMIX_SET);
}

#[test]
fn elementary_operations_are_those_of_torchvision_on_pil_images_to_the_byte() {
    let fixture = read("policies.json");
    let cases = list(&fixture["applied"]);
    assert!(cases.len() > 40);
    for case in cases {
        let mut image = image(&fixture);
        let interpolation = serde_json::from_value(case["how"].clone()).unwrap();
        let canvas = Canvas { interpolation, fill: [0; 3] };
        named(&case["operation"]).apply(&mut image, number(&case["magnitude"]), canvas);
        let what = format!("{} {} {}", case["operation"], case["magnitude"], case["how"]);
        assert!(image.values == bytes(&case["result"]), "{what}");
    }
}

#[test]
fn searched_lists_are_torchvisions() {
    let fixture = read("policies.json");
    for policy in [Policy::Imagenet, Policy::Cifar10, Policy::Svhn] {
        let name = serde_json::to_value(policy).unwrap();
        let theirs = list(&fixture["lists"][name.as_str().unwrap()]);
        assert_eq!(theirs.len(), 25);
        for (ours, theirs) in policy.pairs().iter().zip(theirs) {
            for ((operation, probability, bin), half) in ours.iter().zip(list(theirs)) {
                assert_eq!(*operation, named(&half[0]));
                assert_eq!((*probability, *bin), (number(&half[1]), count(&half[2])));
            }
        }
    }
}

#[test]
fn augmix_blends_as_torchvision_to_the_byte() {
    let fixture = read("policies.json");
    let image = image(&fixture);
    let case = &fixture["blend"];
    let chains: Vec<(f32, Levels)> = list(&case["weights"])
        .iter()
        .zip(list(&case["chains"]))
        .map(|(weight, chain)| (number(weight) as f32, Levels { values: bytes(chain), ..image.clone() }))
        .collect();
    let ours = blend(&image, number(&case["own"]) as f32, &chains);
    assert!(ours.values == bytes(&case["result"]));
}

/// Enough levels and pixels that every operation shows.
fn photograph() -> Pixels {
    let value = |i: usize| ((i * 7919 % 6007) as f32 / 6007.0) * 0.8 + 0.1;
    Pixels::from_parts(24, 20, (0..24 * 20 * 3).map(value).collect())
}

const CENTRE: Centre = Centre { mean: [0.5; 3], sd: [0.25; 3] };

/// How often each result comes in `n` draws.
fn tally(operation: &dyn Operation, n: u64) -> Vec<usize> {
    let mut counts = BTreeMap::<Vec<u8>, usize>::new();
    for sample in 0..n {
        let out = operation.apply(photograph(), &mut Stream::new(6, operation.kind(), 0, sample), &CENTRE);
        *counts.entry(out.to_bytes()).or_default() += 1;
    }
    counts.into_values().collect()
}

#[test]
fn every_operation_comes_equally_often_and_either_sign_too() {
    let one = RandAugment { num_ops: 1, magnitude: 15, ..RandAugment::default() };
    let mut counts = tally(&one, 8_400);
    counts.sort_unstable();
    // 14 operations of which 9 have two signs: 300 of each signed half, 600 of each other. Standard deviations 17, 24.
    assert_eq!(counts.len(), 9 * 2 + 5);
    assert!(counts[..18].iter().all(|n| n.abs_diff(300) < 85), "{counts:?}");
    assert!(counts[18..].iter().all(|n| n.abs_diff(600) < 120), "{counts:?}");
}

#[test]
fn trivial_augment_draws_every_strength() {
    let few = TrivialAugmentWide { num_magnitude_bins: 2, ..TrivialAugmentWide::default() };
    // Identity, and the weakest of nearly all, change nothing; of the strongest there are two signs.
    let unchanged = tally(&few, 5_600).into_iter().max().unwrap();
    // 1 of identity and half of 11 others, of 14: 2,600, standard deviation 37.
    assert!(unchanged.abs_diff(2_600) < 185, "{unchanged}");
}

#[test]
fn no_operations_or_no_probability_leave_the_image_unrounded() {
    let image = photograph();
    for probability in [0.0, 1.0] {
        let none =
            RandAugment { num_ops: usize::from(probability == 0.0), probability, ..RandAugment::default() };
        let out = none.apply(image.clone(), &mut Stream::new(1, "r", 0, 0), &CENTRE);
        let same = out.values().iter().zip(image.values()).all(|(a, b)| (a - b).abs() < 0.5 / 255.0 + 1e-6);
        assert!(same);
        assert_eq!(out == image, probability == 0.0);
    }
}

#[test]
fn augmix_weights_have_the_moments_of_a_dirichlet() {
    // Chains of one image without chains show the own weight: Beta(1, 1) is uniform.
    let white = Pixels::from_parts(16, 16, vec![1.0; 768]);
    let mut total = 0.0;
    for sample in 0..600 {
        let augmix = Augmix { mixture_width: 1, chain_depth: 1, severity: 10, ..Augmix::default() };
        let out = augmix.apply(white.clone(), &mut Stream::new(8, "augmix/0", 0, sample), &CENTRE);
        assert!(out.values().iter().all(|v| (0.0..=1.0).contains(v)));
        total += out.values().iter().map(|v| f64::from(*v)).sum::<f64>() / 768.0;
    }
    // Truncation may cost one level; turned corners, posterised and solarised whites more.
    let mean = total / 600.0;
    assert!((0.7..1.0).contains(&mean), "{mean}");
}

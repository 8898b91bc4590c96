//! What all mixers have in common, and their draws against their definitions.

use bakeoff_random::Stream;

use super::blend::{PixelChange, SPAN, apply};
use super::boxes::{BoxDraw, area, share_outside};
use super::plan::{DrawnBox, Scene, partners};
use super::*;
use crate::fixture::{assert_close, count, counts, floats, list, number, read};

fn address(ids: &[u64]) -> Address<'_> {
    Address { seed: 9, epoch: 4, batch: 2, ids }
}

fn cutmix(lambda: LambdaMode, partner: Partner, probability: f64) -> Mixer {
    Mixer::Cutmix(Cutmix { alpha: 1.0, probability, lambda, partner, correct_label: true })
}

fn mixup(lambda: LambdaMode, partner: Partner, probability: f64) -> Mixer {
    Mixer::Mixup(Mixup { alpha: 1.0, probability, lambda, partner })
}

/// What a mixer plans for grey images.
fn plan(mixer: &Mixer, width: usize, height: usize, address: &Address) -> Vec<Mixed> {
    let batch = PixelBatch::from_parts(width, height, vec![0.5; address.ids.len() * width * height * 3]);
    mixer.plan(&batch, address, &Answers::default()).into_iter().map(|planned| planned.mixed).collect()
}

#[test]
fn boxes_are_torchvisions_for_the_same_lambda_and_centre() {
    let fixture = read("mixers.json");
    for case in list(&fixture["boxes"]) {
        let (width, height) = (count(&case["width"]), count(&case["height"]));
        let side = (1.0 - number(&case["lambda"])).sqrt();
        let pasted =
            boxes::around(width, height, BoxDraw { sides: [side, side], centre: counts(&case["centre"]) });
        assert_eq!(pasted, counts(&case["box"]), "{case}");
        // One rounding in f64.
        assert!((share_outside(pasted, width, height) - number(&case["corrected"])).abs() < 1e-15);
    }
}

#[test]
fn notebook_boxes_are_the_notebooks_for_the_same_draws() {
    let fixture = read("mixers.json");
    for case in list(&fixture["notebook_boxes"]) {
        let (width, height) = (count(&case["width"]), count(&case["height"]));
        let sides = [(1.0 - number(&case["u"][0])).sqrt(), (1.0 - number(&case["u"][1])).sqrt()];
        let pasted = boxes::around(width, height, BoxDraw { sides, centre: counts(&case["centre"]) });
        assert_eq!(pasted, counts(&case["box"]), "{case}");
        assert!((share_outside(pasted, width, height) - number(&case["lambda"])).abs() < 1e-15);
    }
}

#[test]
fn batches_are_mixed_as_torchvision_and_timm_mix_them() {
    let fixture = &read("mixers.json")["batch"];
    let (width, height, classes) =
        (count(&fixture["width"]), count(&fixture["height"]), count(&fixture["classes"]));
    let labels: Vec<usize> = list(&fixture["labels"]).iter().map(count).collect();
    for case in list(&fixture["batches"]) {
        let change = if case["kind"] == "mixup" { PixelChange::Blend } else { PixelChange::Window };
        let mixes: Vec<Planned> = (0..labels.len())
            .map(|i| Planned {
                mixed: Mixed {
                    partner: count(&case["partner"][i]),
                    lambda: number(&case["lambda"][i]) as f32,
                    pasted: case["boxes"].get(i).map(counts),
                    ..Mixed::unmixed(i)
                },
                change: change.clone(),
            })
            .collect();
        let mut batch = PixelBatch::from_parts(width, height, floats(&fixture["images"]));
        let mut targets = Targets::one_hot(&labels, classes).unwrap();
        apply(&mut batch, &mut targets, &mixes, |_| ());
        // Two f32 roundings of values below one; pasted pixels are exact.
        let bound = if case["kind"] == "mixup" { 2e-7 } else { 0.0 };
        assert_close(batch.values(), &floats(&case["mixed"]), bound, &format!("{}", case["kind"]));
        assert_close(targets.values(), &floats(&case["targets"]), 2e-7, "targets");
    }
}

#[test]
fn images_longer_than_a_span_are_blended_whole() {
    let (width, height) = (97, 163);
    let len = width * height * 3;
    assert!(len > 3 * SPAN && height % (SPAN / (3 * width)) != 0);
    let values: Vec<f32> = (0..2 * len).map(|i| (i % 1009) as f32 / 1009.0).collect();
    let mut batch = PixelBatch::from_parts(width, height, values.clone());
    let of = |partner, lambda| Planned {
        mixed: Mixed { partner, lambda, ..Mixed::unmixed(0) },
        change: PixelChange::Blend,
    };
    let mixes = [of(1, 0.25), of(0, 0.75)];
    let mut targets = Targets::one_hot(&[0, 1], 2).unwrap();
    apply(&mut batch, &mut targets, &mixes, |values| values.iter_mut().for_each(|value| *value += 1.0));
    for (i, &value) in batch.values().iter().enumerate() {
        let (own, other) = (values[i], values[(i + len) % (2 * len)]);
        let lambda = mixes[i / len].mixed.lambda;
        assert_eq!(value, (lambda * own + (1.0 - lambda) * other) + 1.0);
    }
}

/// Mean share of the image inside the box.
fn mean_area(mixer: &impl Mix<Draw = DrawnBox>, size: usize) -> f64 {
    let draws = 100_000;
    let scene = Scene { width: size, height: size, source: &[] };
    let total: f64 = (0..draws)
        .map(|sample| {
            let drawn = mixer.draw(&mut Stream::new(11, "mean-area", 0, sample), &scene);
            1.0 - share_outside(drawn.pasted, size, size)
        })
        .sum();
    total / draws as f64
}

#[test]
fn the_mean_pasted_area_of_cutmix_at_alpha_1_is_the_papers() {
    let integers = mean_area(&Cutmix::default(), 224);
    // 0.318 ± 0.002.
    assert!((0.316..=0.320).contains(&integers), "{integers}");
    // So large that rounding to pixels does not show.
    let continuous = mean_area(&Cutmix::default(), 1 << 20);
    assert!((continuous - 0.321).abs() < 0.002, "{continuous}");
}

#[test]
fn the_mean_pasted_area_of_the_notebooks_cutmix_is_the_notebooks() {
    let notebook = CutmixNotebook::default();
    let integers = mean_area(&notebook, 224);
    assert!((integers - 0.290).abs() < 0.002, "{integers}");
    let continuous = mean_area(&notebook, 1 << 20);
    assert!((continuous - 0.293).abs() < 0.002, "{continuous}");
}

#[test]
fn an_image_keeps_its_draws_in_whatever_batch_it_stands() {
    let mixer = mixup(LambdaMode::PerImage, Partner::Roll, 0.7);
    let here = plan(&mixer, 8, 8, &address(&[5, 6, 7, 8]));
    let there = plan(&mixer, 8, 8, &Address { batch: 77, ..address(&[7, 1, 5]) });
    assert_eq!((here[2].lambda, here[0].lambda), (there[0].lambda, there[2].lambda));
}

#[test]
fn a_batch_shares_its_lambda_and_box_where_that_is_asked_for() {
    let ids: Vec<u64> = (0..12).collect();
    let mixes = plan(&cutmix(LambdaMode::PerBatch, Partner::Reverse, 1.0), 32, 20, &address(&ids));
    assert!(mixes.iter().all(|m| m.lambda == mixes[0].lambda && m.pasted == mixes[0].pasted));
    let mixes = plan(&cutmix(LambdaMode::PerImage, Partner::Reverse, 1.0), 32, 20, &address(&ids));
    assert!(mixes.iter().any(|m| m.lambda != mixes[0].lambda));
}

#[test]
fn pairs_meet_each_other_with_one_lambda_and_one_box() {
    for (n, partner) in [(12, Partner::Permutation), (13, Partner::Permutation), (13, Partner::Reverse)] {
        let ids: Vec<u64> = (100..100 + n).collect();
        let mixes = plan(&cutmix(LambdaMode::PerPair, partner, 0.8), 64, 64, &address(&ids));
        let alone = mixes.iter().enumerate().filter(|(i, m)| m.partner == *i).count();
        assert!(alone < mixes.len(), "some are mixed");
        for (i, mixed) in mixes.iter().enumerate() {
            let partner = &mixes[mixed.partner];
            if mixed.partner != i {
                assert_eq!(partner.partner, i);
                assert_eq!((partner.lambda, partner.pasted), (mixed.lambda, mixed.pasted));
            }
        }
        let who = partners(partner, true, ids.len(), &address(&ids));
        assert_eq!(who.iter().enumerate().filter(|(i, p)| *i == **p).count(), ids.len() % 2);
    }
}

#[test]
fn a_permutation_makes_every_image_a_partner_once() {
    for n in [1, 2, 3, 16, 17] {
        let ids: Vec<u64> = (0..n).collect();
        for paired in [false, true] {
            let mut who = partners(Partner::Permutation, paired, ids.len(), &address(&ids));
            who.sort_unstable();
            assert_eq!(who, (0..ids.len()).collect::<Vec<_>>());
        }
    }
}

#[test]
fn uniform_partners_meet_themselves_once_in_a_batch() {
    let (n, batches) = (16, 2000);
    let mut alone = 0;
    for batch in 0..batches {
        let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
        let who = partners(Partner::Uniform, false, ids.len(), &Address { batch, ..address(&ids) });
        alone += who.iter().enumerate().filter(|(i, p)| *i == **p).count();
    }
    // Binomial(32,000, 1/16): mean 2000, standard deviation 43.
    assert!(alone.abs_diff(2000) < 220, "{alone}");
}

#[test]
fn rolled_and_reversed_partners_are_where_they_should_be() {
    let ids = [0, 1, 2, 3];
    assert_eq!(partners(Partner::Roll, false, 4, &address(&ids)), [3, 0, 1, 2]);
    assert_eq!(partners(Partner::Reverse, false, 4, &address(&ids)), [3, 2, 1, 0]);
}

/// Share of images that are mixed over many batches.
fn mixed_share(mixer: &Mixer) -> f64 {
    let (n, batches) = (16u64, 4000);
    let mut mixed = 0;
    for batch in 0..batches {
        let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
        let mixes = plan(mixer, 8, 8, &Address { batch, ..address(&ids) });
        mixed += mixes.iter().enumerate().filter(|(i, m)| m.partner != *i).count();
    }
    mixed as f64 / (n * batches) as f64
}

#[test]
fn the_probability_is_the_share_that_is_mixed() {
    let notebook = Mixer::CutmixNotebook(CutmixNotebook { probability: 0.3, partner: Partner::Reverse });
    assert!((mixed_share(&notebook) - 0.3).abs() < 0.01);
    for probability in [0.0, 0.3, 1.0] {
        for mode in [LambdaMode::PerImage, LambdaMode::PerBatch, LambdaMode::PerPair] {
            // Whole batches of 16: 4000 coins, standard error 0.007.
            let bound = if probability == 0.3 { 0.025 } else { 0.0 };
            for mixer in [mixup, cutmix] {
                let share = mixed_share(&mixer(mode, Partner::Reverse, probability));
                assert!((share - probability).abs() <= bound, "{mode:?} {probability}: {share}");
            }
        }
    }
}

#[test]
fn the_uncorrected_label_keeps_the_drawn_lambda() {
    let ids: Vec<u64> = (0..500).collect();
    let of = |correct_label| {
        let (alpha, probability) = (1.0, 1.0);
        let (lambda, partner) = (LambdaMode::PerImage, Partner::Reverse);
        let mixer = Mixer::Cutmix(Cutmix { alpha, probability, lambda, partner, correct_label });
        plan(&mixer, 224, 224, &address(&ids))
    };
    let mean = |mixes: &[Mixed]| mixes.iter().map(|m| f64::from(m.lambda)).sum::<f64>() / mixes.len() as f64;
    let (drawn, corrected) = (of(false), of(true));
    assert!(drawn.iter().zip(&corrected).all(|(d, c)| d.pasted == c.pasted), "the same boxes");
    // Beta(1, 1) has mean 0.5; clipping leaves more of the image: 1 − 0.318. Standard error 0.013.
    assert!((mean(&drawn) - 0.5).abs() < 0.05 && (mean(&corrected) - 0.682).abs() < 0.05);
}

#[test]
fn what_does_not_belong_together_is_not_mixed() {
    let mut batch = PixelBatch::from_parts(1, 1, vec![0.0; 6]);
    let mut targets = Targets::one_hot(&[0, 0], 1).unwrap();
    let mixer = mixup(LambdaMode::PerImage, Partner::Roll, 1.0);
    let error =
        mix(&mixer, &mut batch, &mut targets, &address(&[1]), &Answers::default(), |_| ()).unwrap_err();
    assert_eq!(error, BatchError::LengthsDiffer { images: 2, targets: 2, ids: 1 });
}

#[test]
fn timms_batches_come_out_as_timm_mixes_them_in_every_mode() {
    let fixture = &read("timm-mixers.json")["batch"];
    let (width, height, classes) =
        (count(&fixture["width"]), count(&fixture["height"]), count(&fixture["classes"]));
    let labels: Vec<usize> = list(&fixture["labels"]).iter().map(count).collect();
    let n = labels.len();
    let (mut boxes, mut blends) = (0, 0);
    for case in list(&fixture["batches"]) {
        let mixes: Vec<Planned> = (0..n)
            .map(|i| {
                let pasted: Option<[usize; 4]> = case["boxes"].get(i).filter(|b| !b.is_null()).map(counts);
                let lambda = number(&case["lambda"][i]) as f32;
                let change = if pasted.is_some() { PixelChange::Window } else { PixelChange::Blend };
                boxes += usize::from(pasted.is_some());
                blends += usize::from(pasted.is_none() && lambda < 1.0);
                let pasted = pasted.filter(|b| area(*b) > 0);
                Planned { mixed: Mixed { partner: n - 1 - i, lambda, pasted, ..Mixed::unmixed(i) }, change }
            })
            .collect();
        let mut batch = PixelBatch::from_parts(width, height, floats(&fixture["images"]));
        let mut targets = Targets::one_hot(&labels, classes).unwrap();
        apply(&mut batch, &mut targets, &mixes, |_| ());
        // A few f32 roundings of values below one.
        assert_close(batch.values(), &floats(&case["mixed"]), 4e-7, &case["mode"].to_string());
        assert_close(targets.values(), &floats(&case["targets"]), 4e-7, "targets");
    }
    assert!(boxes > 10 && blends > 10, "{boxes} boxes, {blends} blends");
}

fn timm(mode: TimmMode) -> Mixer {
    Mixer::Timm(Timm {
        mixup_alpha: 0.8,
        cutmix_alpha: 1.0,
        cutmix_minmax: None,
        probability: 0.5,
        switch_probability: 0.25,
        mode,
        correct_label: true,
        off_epoch: 3,
    })
}

#[test]
fn timms_switch_mixes_pairs_as_often_as_asked_for_and_stops_at_its_epoch() {
    for mode in [TimmMode::Batch, TimmMode::Pair, TimmMode::Elem] {
        let (n, batches) = (8u64, 4000);
        let (mut mixed, mut boxed) = (0usize, 0usize);
        for batch in 0..batches {
            let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
            let address = Address { epoch: 2, batch, ..address(&ids) };
            let mixes = plan(&timm(mode), 64, 64, &address);
            for (i, mix) in mixes.iter().enumerate().filter(|(i, mix)| mix.partner != *i) {
                assert_eq!(mix.partner, ids.len() - 1 - i);
                mixed += 1;
                boxed += usize::from(mix.pasted.is_some());
            }
            if mode == TimmMode::Pair {
                assert_eq!(mixes[0].lambda, mixes[7].lambda);
                assert_eq!(mixes[0].pasted, mixes[7].pasted);
            }
            let later = Address { epoch: 3, batch, ..address };
            assert!(plan(&timm(mode), 8, 8, &later).iter().enumerate().all(|(i, m)| *m == Mixed::unmixed(i)));
        }
        let all = (n * batches) as f64;
        // Whole batches: 4000 coins, standard error 0.008.
        assert!((mixed as f64 / all - 0.5).abs() < 0.035, "{mode:?} {mixed}");
        // Beta(1, 1) boxes below a pixel are rare at 64 px.
        assert!((boxed as f64 / mixed as f64 - 0.25).abs() < 0.05, "{mode:?} {boxed}");
    }
    let ids = [1, 2, 3];
    assert_eq!(plan(&timm(TimmMode::Elem), 8, 8, &address(&ids))[1], Mixed::unmixed(1), "the odd one");
}

#[test]
fn one_of_several_is_chosen_by_weight_for_each_batch_or_image() {
    let mixers = vec![
        mixup(LambdaMode::PerImage, Partner::Reverse, 1.0),
        cutmix(LambdaMode::PerImage, Partner::Reverse, 1.0),
    ];
    for each in [Each::Batch, Each::Image] {
        let weights = vec![3.0, 1.0];
        let mixer = Mixer::OneOf(OneOf { mixers: mixers.clone(), weights, probability: 0.8, each });
        let (n, batches) = (8u64, 4000);
        let (mut still, mut boxed, mut both) = (0usize, 0usize, 0usize);
        for batch in 0..batches {
            let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
            let mixes = plan(&mixer, 64, 64, &Address { batch, ..address(&ids) });
            let alone = mixes.iter().enumerate().filter(|(i, m)| m.partner == *i).count();
            let boxes = mixes.iter().filter(|m| m.pasted.is_some()).count();
            (still, boxed) = (still + alone, boxed + boxes);
            both += usize::from(boxes > 0 && boxes < mixes.len() - alone);
        }
        let all = (n * batches) as f64;
        assert!((still as f64 / all - 0.2).abs() < 0.03, "{each:?} {still}");
        assert!((boxed as f64 / all - 0.2).abs() < 0.03, "{each:?} {boxed}");
        // A box of no pixels looks like no box: allowed for.
        assert_eq!(both * 5 > 4000, each == Each::Image, "{both}");
    }
}

/// Mean share of a mixer's label that is the partner's.
fn mean_share(mixer: &Mixer) -> f64 {
    let ids: Vec<u64> = (0..4000).collect();
    let mixes = plan(mixer, 32, 32, &address(&ids));
    mixes.iter().map(|m| 1.0 - f64::from(m.lambda)).sum::<f64>() / ids.len() as f64
}

#[test]
fn mean_shares_are_those_of_the_definitions() {
    let (lambda, partner) = (LambdaMode::PerImage, Partner::Roll);
    let (alpha, probability, correct_label) = (1.0, 1.0, false);
    // E[tau²] for tau uniform in [0.1, 0.8]: (0.8³ − 0.1³) / (3 · 0.7).
    let scale = [0.1, 0.8];
    let resize =
        Mixer::Resizemix(Resizemix { scale, alpha: None, probability, lambda, partner, correct_label });
    assert!((mean_share(&resize) - 0.2433).abs() < 0.01);
    for max_soft in [0.0, 0.3] {
        for correct_label in [true, false] {
            let (decay, alpha) = (3.0, 0.5);
            let fmix =
                Mixer::Fmix(Fmix { alpha, decay, max_soft, probability, lambda, partner, correct_label });
            // Beta(½, ½): mean a half, standard error 0.006.
            assert!((mean_share(&fmix) - 0.5).abs() < 0.025);
        }
    }
    let thumbnail = Thumbnail::Partner;
    let share = 0.25;
    let size = 0.5;
    let thumb = Mixer::CutThumbnail(CutThumbnail {
        size,
        thumbnail,
        share,
        probability,
        lambda,
        partner,
        correct_label,
    });
    assert_eq!(mean_share(&thumb), 0.25);
    let cells = [4, 4];
    let [cell_aspect, area, aspect] = [[1.0, 1.0]; 3];
    let correct_label = true;
    let grid = Mixer::Gridmix(Gridmix {
        alpha,
        cells,
        cell_aspect,
        area,
        aspect,
        probability,
        lambda,
        partner,
        correct_label,
    });
    // Cells of 8 px; holes of floor(8 · sqrt(u)), 1 to 7 px: E = Σ k² · P(k) / 64 = 0.4297.
    assert!((mean_share(&grid) - 0.43).abs() < 0.015, "{}", mean_share(&grid));
}

#[test]
fn manifold_mixup_chooses_its_place_once_a_batch_and_each_equally_often() {
    let stages = vec![0, 2, 3];
    let mixer = |lambda| {
        Mixer::ManifoldMixup(ManifoldMixup {
            alpha: 2.0,
            stages: stages.clone(),
            probability: 1.0,
            lambda,
            partner: Partner::Roll,
        })
    };
    let mut counts = [0usize; 4];
    let ids = [4, 9, 2];
    let pixels = PixelBatch::from_parts(2, 1, (0..18).map(|v| v as f32 / 18.0).collect());
    for batch in 0..3000 {
        let address = Address { batch, ..address(&ids) };
        let lambda = if batch % 2 == 0 { LambdaMode::PerBatch } else { LambdaMode::PerImage };
        let (mut after, mut targets) = (pixels.clone(), Targets::one_hot(&[0, 1, 2], 3).unwrap());
        let mixes =
            mix(&mixer(lambda), &mut after, &mut targets, &address, &Answers::default(), |_| ()).unwrap();
        assert!(mixes.iter().all(|m| m.stage == mixes[0].stage));
        counts[mixes[0].stage] += 1;
        // Labels are mixed wherever it happens, pixels only at stage 0.
        assert_eq!(after == pixels, mixes[0].stage > 0);
        assert!(mixes.iter().enumerate().all(|(i, m)| targets.row(i).unwrap()[i] == m.lambda));
        let same = mixes.iter().all(|m| m.lambda == mixes[0].lambda);
        assert_eq!(same, lambda == LambdaMode::PerBatch);
    }
    // A thousand each; standard deviation 26.
    assert!(counts[1] == 0 && [0, 2, 3].iter().all(|&k| counts[k].abs_diff(1000) < 130), "{counts:?}");
    let several = Mixer::OneOf(OneOf {
        mixers: vec![cutmix(LambdaMode::PerImage, Partner::Roll, 1.0), mixer(LambdaMode::PerBatch)],
        weights: Vec::new(),
        probability: 1.0,
        each: Each::Batch,
    });
    let keyed = several.stages();
    assert_eq!(keyed, [("mixers[1].stages[1]".to_owned(), 2), ("mixers[1].stages[2]".to_owned(), 3)]);
}

#[test]
fn saliencymix_puts_the_box_where_the_partner_is_salient() {
    let (width, height) = (48, 40);
    let values: Vec<f32> = (0..2 * width * height * 3).map(|i| (i * 7919 % 1013) as f32 / 1013.0).collect();
    let partner = saliency::most_salient(&values[width * height * 3..], width, height);
    let batch = PixelBatch::from_parts(width, height, values);
    let mixer = Mixer::Saliencymix(Saliencymix {
        alpha: 1e6,
        probability: 1.0,
        lambda: LambdaMode::PerImage,
        partner: Partner::Reverse,
        correct_label: true,
    });
    let planned = mixer.plan(&batch, &address(&[0, 1]), &Answers::default());
    // Half of the area.
    let sides = [0.5f64.sqrt(); 2];
    let expected = boxes::around(width, height, BoxDraw { sides, centre: partner });
    let pasted = planned[0].mixed.pasted.unwrap();
    assert!(pasted.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1), "{pasted:?} {expected:?}");
}

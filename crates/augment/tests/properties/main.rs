//! What must hold for every recipe, image and batch.

mod strategies;

use std::path::Path;

use bakeoff_augment::{
    ActivationMaps, Address, Answers, BatchError, BatchPlace, Contrast, Cutmix, Each, Fmix, Gridmix,
    HorizontalFlip, Hue, LambdaMode, Mixed, Mixer, OneOf, Partner, Pipeline, PixelBatch, Pixels, Preprocess,
    Questions, RandomCrop, RandomResizedCrop, Resize, ResizeTransform, Resizemix, Saliencymix, Snapmix,
    Targets, Timm, Transform, Written, builtin,
};
use bakeoff_data::{OpenImage, RgbImage};
use proptest::prelude::*;

use strategies::{
    batch, flat_photograph, may_leave_the_unit_interval, mixer, of_one_operation, photograph, recipe,
    transforms,
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_recipe_gives_finite_square_images_and_the_same_ones_again(
        (image, transforms) in (1..17usize).prop_flat_map(|image| (Just(image), transforms(image))),
        photograph in photograph(),
        squash in any::<bool>(),
        enlarge in any::<bool>(),
        (seed, epoch, sample) in (any::<u64>(), any::<u32>(), any::<u64>()),
    ) {
        let resize = if squash {
            Resize::Squash { antialias: true }
        } else {
            Resize::ShorterSide { size: None, antialias: false, enlarge }
        };
        let preprocess = Preprocess { resize, ..Preprocess::default() };
        let pipeline = Pipeline::new(&recipe(transforms, None), &preprocess, image).unwrap();
        let pixels = pipeline.train_image(&photograph, seed, epoch, sample);
        prop_assert_eq!((pixels.width(), pixels.height()), (image, image));
        prop_assert_eq!(pixels.values().len(), image * image * 3);
        prop_assert!(pixels.values().iter().all(|v| v.is_finite()));
        prop_assert_eq!(&pixels, &pipeline.train_image(&photograph, seed, epoch, sample));
        let plain = pipeline.eval_image(&photograph);
        prop_assert!(plain.values().iter().all(|v| (0.0..=1.0001).contains(v)));
    }

    #[test]
    fn operations_keep_values_in_the_unit_interval_where_their_cards_do_not_say_otherwise(
        image in 1..40usize,
        photograph in prop_oneof![photograph(), flat_photograph()],
        (seed, sample) in (any::<u64>(), any::<u64>()),
    ) {
        for transform in of_one_operation(image) {
            if may_leave_the_unit_interval(&transform) {
                continue;
            }
            let kind = transform.kind();
            let pipeline = Pipeline::new(&recipe(vec![transform], None), &Preprocess::default(), image).unwrap();
            let pixels = pipeline.train_image(&photograph, seed, 0, sample);
            prop_assert_eq!((pixels.width(), pixels.height()), (image, image));
            // Weights of a resize or a blur sum to one but for rounding.
            let inside = pixels.values().iter().all(|v| (-1e-6..=1.00001).contains(v));
            prop_assert!(inside, "{}", kind);
        }
    }

    #[test]
    fn every_mixer_gives_distributions_and_reads_unmixed_partners(
        (images, labels, classes) in batch(),
        mixer in mixer(),
        answered in any::<bool>(),
        (seed, epoch, number) in (any::<u64>(), any::<u32>(), any::<u64>()),
    ) {
        let pipeline = Pipeline::new(&recipe(Vec::new(), Some(mixer.clone())), &Preprocess::default(), 8).unwrap();
        let ids: Vec<u64> = (0..images.len() as u64).map(|i| i * 31 + 5).collect();
        let numbers = |count: usize| (0..count).map(|i| (i * 7919 % 1013) as f32 / 500.0 - 1.0).collect::<Vec<f32>>();
        let (rows, columns) = (2, 3);
        let answers = if answered {
            let values = numbers(images.len() * rows * columns);
            Answers {
                activation_maps: Some(ActivationMaps { rows, columns, values }),
                input_gradient: Some(numbers(images.len() * images[0].values().len())),
            }
        } else {
            Answers::default()
        };
        let run = || {
            let mut pixels = PixelBatch::stack(images.clone()).unwrap();
            let mut targets = Targets::one_hot(&labels, classes).unwrap();
            let mixed = pipeline.mix(&mut pixels, &mut targets, &Address { seed, epoch, batch: number, ids: &ids }, &answers).unwrap();
            (pixels, targets, mixed)
        };
        let (pixels, targets, mixes) = run();
        prop_assert_eq!(&run(), &(pixels.clone(), targets.clone(), mixes.clone()));
        // In one go with normalising.
        let (whole, mut label) = (PixelBatch::stack(images.clone()).unwrap(), Targets::one_hot(&labels, classes).unwrap());
        let once = pipeline.mix_and_normalise(whole, &mut label, &Address { seed, epoch, batch: number, ids: &ids }, &answers).unwrap();
        prop_assert_eq!((&once.0, &label, &once.1), (&pipeline.normalise(pixels.clone()), &targets, &mixes));
        // Who asks nothing hears nothing.
        if !pipeline.questions(&Address { seed, epoch, batch: number, ids: &ids }).any() {
            let (mut same, mut label) = (PixelBatch::stack(images.clone()).unwrap(), Targets::one_hot(&labels, classes).unwrap());
            let unasked = pipeline.mix(&mut same, &mut label, &Address { seed, epoch, batch: number, ids: &ids }, &Answers::default()).unwrap();
            prop_assert_eq!((&same, &label, &unasked), (&pixels, &targets, &mixes));
        }
        prop_assert_eq!(mixes.len(), images.len());
        // A mixer whose label need not follow what can be seen.
        let free = |mixer: &Mixer| {
            matches!(
                mixer,
                Mixer::Cutmix(Cutmix { correct_label: false, .. })
                    | Mixer::Timm(Timm { correct_label: false, cutmix_minmax: None, .. })
                    | Mixer::Resizemix(Resizemix { correct_label: false, .. })
                    | Mixer::Fmix(Fmix { correct_label: false, .. })
                    | Mixer::Saliencymix(Saliencymix { correct_label: false, .. })
                    | Mixer::Gridmix(Gridmix { correct_label: false, .. })
                    | Mixer::CutThumbnail(_)
                    | Mixer::Snapmix(_)
            )
        };
        // A mixer that moves pixels or resizes them.
        let shrinks = |mixer: &Mixer| {
            matches!(
                mixer,
                Mixer::Resizemix(_) | Mixer::CutThumbnail(_) | Mixer::Snapmix(_) | Mixer::Puzzlemix(_)
            )
        };
        let weighs = |mixer: &Mixer| matches!(mixer, Mixer::Snapmix(Snapmix { weighted: true, .. }));
        let any_of = |test: &dyn Fn(&Mixer) -> bool| match &mixer {
            Mixer::OneOf(OneOf { mixers, .. }) => mixers.iter().any(test),
            mixer => test(mixer),
        };
        let (free, shrinks, weighs) = (any_of(&free), any_of(&shrinks), any_of(&weighs));
        for (i, Mixed { partner, lambda, pasted, mask, stage, weight }) in mixes.iter().enumerate() {
            let (partner, lambda) = (*partner, *lambda);
            prop_assert!((0.0..=1.0).contains(&lambda));
            let heaviest = if weighs && partner != i { 2.0 } else { 1.0 };
            prop_assert!((2.0 - heaviest..=heaviest).contains(weight));
            let row = targets.row(i).unwrap();
            prop_assert!(row.iter().all(|&share| (0.0..=1.0).contains(&share)));
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() <= 1e-6, "{:?}", row);
            // The label: its own share on its own class, the rest on the partner's.
            let own = if labels[partner] == labels[i] { 1.0 } else { lambda };
            prop_assert_eq!(row[labels[i]], own);
            let (width, height) = (pixels.width(), pixels.height());
            let (own, other) = (&images[i], &images[partner]);
            let result = pixels.image(i).unwrap();
            prop_assert!(result.values().iter().all(|v| v.is_finite()));
            prop_assert!(mask.as_ref().is_none_or(|mask| mask.len() == width * height));
            prop_assert!(pasted.is_none() || mask.is_none());
            prop_assert_eq!(*stage, if partner == i { 0 } else { mixes.iter().map(|m| m.stage).max().unwrap() });
            let blends = |lambda: f32, a: f32, b: f32| lambda * a + (1.0 - lambda) * b;
            let boxed = pasted.is_some() || any_of(&|mixer| matches!(mixer, Mixer::Cutmix(_) | Mixer::CutmixNotebook(_)
                | Mixer::Timm(_) | Mixer::Resizemix(_) | Mixer::Saliencymix(_) | Mixer::CutThumbnail(_) | Mixer::Snapmix(_)));
            for y in 0..height {
                for x in 0..width {
                    let inside = pasted.is_some_and(|[x0, y0, x1, y1]| (x0..x1).contains(&x) && (y0..y1).contains(&y));
                    if (inside || mask.is_some()) && shrinks {
                        continue;
                    }
                    for c in 0..3 {
                        let at = (y * width + x) * 3 + c;
                        let (a, b, now) = (own.values()[at], other.values()[at], result.values()[at]);
                        let expected = match mask {
                            _ if inside => b,
                            Some(mask) => {
                                let share = mask[y * width + x];
                                (1.0 - share) * a + share * b
                            }
                            // Nothing was mixed, or not here.
                            None if partner == i || pasted.is_some() || *stage > 0 => a,
                            // Nothing was pasted, or it was MixUp's turn: either explains the pixel.
                            None if boxed && now == a => a,
                            None => blends(lambda, a, b),
                        };
                        prop_assert_eq!(now, expected);
                    }
                }
            }
            if partner == i {
                prop_assert_eq!(lambda, 1.0);
                prop_assert!(mask.is_none());
            }
            if let Some([x0, y0, x1, y1]) = *pasted {
                prop_assert!(x0 < x1 && x1 <= width && y0 < y1 && y1 <= height);
                if !free {
                    let area = ((x1 - x0) * (y1 - y0)) as f32 / (width * height) as f32;
                    prop_assert!((1.0 - lambda - area).abs() < 1e-6);
                }
            }
            if let (Some(mask), false) = (mask, free) {
                let mean = mask.iter().sum::<f32>() / mask.len() as f32;
                prop_assert!((1.0 - lambda - mean).abs() < 1e-5);
            }
        }
    }
}

/// A recipe of one mixer.
fn mixing(mixer: Mixer) -> Pipeline {
    Pipeline::new(&recipe(Vec::new(), Some(mixer)), &Preprocess::default(), 8).unwrap()
}

/// The mixers that ask the network, as they ship.
fn asking() -> [Pipeline; 2] {
    ["snapmix", "puzzlemix"].map(|name| {
        let shipped = builtin(8).into_iter().find(|recipe| recipe.config.name == name);
        mixing(shipped.and_then(|recipe| recipe.config.mix).unwrap())
    })
}

#[test]
fn mixers_ask_only_about_batches_they_mix_and_answers_about_others_are_refused() {
    let [maps, gradient] =
        [true, false].map(|maps| Questions { activation_maps: maps, input_gradient: !maps });
    let [snapmix, puzzlemix] = asking();
    for (pipeline, question) in [(&snapmix, maps), (&puzzlemix, gradient)] {
        assert_eq!(pipeline.questions(&Address { seed: 1, epoch: 0, batch: 0, ids: &[3, 4] }), question);
        assert!(
            !pipeline.questions(&Address { seed: 1, epoch: 0, batch: 0, ids: &[3] }).any(),
            "nobody to meet"
        );
        let mixer = pipeline.mixer().unwrap().clone();
        let rest = Mixer::Cutmix(Cutmix {
            alpha: 1.0,
            probability: 1.0,
            lambda: LambdaMode::PerBatch,
            partner: Partner::Roll,
            correct_label: true,
        });
        let one_of = mixing(Mixer::OneOf(OneOf {
            mixers: vec![rest, mixer],
            weights: Vec::new(),
            probability: 0.8,
            each: Each::Batch,
        }));
        let asked = (0..2000)
            .filter(|&batch| {
                one_of.questions(&Address { seed: 1, epoch: 0, batch, ids: &[3, 4] }) == question
            })
            .count();
        let silent = (0..2000)
            .filter(|&batch| !one_of.questions(&Address { seed: 1, epoch: 0, batch, ids: &[3, 4] }).any())
            .count();
        // Two batches of five; standard deviation 22.
        assert!(asked.abs_diff(800) < 110 && asked + silent == 2000, "{asked}");
    }
    let images = vec![Pixels::new(2, 2, vec![0.5; 12]).unwrap(); 2];
    let refused = |answers: Answers| {
        let (mut pixels, mut targets) =
            (PixelBatch::stack(images.clone()).unwrap(), Targets::one_hot(&[0, 1], 2).unwrap());
        snapmix
            .mix(&mut pixels, &mut targets, &Address { seed: 1, epoch: 0, batch: 0, ids: &[3, 4] }, &answers)
            .unwrap_err()
            .to_string()
    };
    let maps = ActivationMaps { rows: 2, columns: 2, values: vec![0.0; 4] };
    let error = refused(Answers { activation_maps: Some(maps), ..Answers::default() });
    assert!(
        error.contains("4 values of activation maps do not belong to this batch, which has 8"),
        "{error}"
    );
    let error = refused(Answers { input_gradient: Some(vec![0.0; 5]), ..Answers::default() });
    assert!(error.contains("5 values of input gradient"), "{error}");
}

#[test]
fn a_box_that_hides_all_the_evidence_takes_the_label() {
    let [snapmix, _] = asking();
    let images =
        vec![Pixels::new(8, 8, vec![0.25; 192]).unwrap(), Pixels::new(8, 8, vec![0.75; 192]).unwrap()];
    let (mut hidden, mut kept) = (0, 0);
    for batch in 0..200 {
        let (mut pixels, mut targets) =
            (PixelBatch::stack(images.clone()).unwrap(), Targets::one_hot(&[0, 1], 2).unwrap());
        // Everything is seen in the corner at the upper left, of both images.
        let mut values = vec![0.0; 2 * 64];
        (values[0], values[64]) = (1.0, 1.0);
        let answers = Answers {
            activation_maps: Some(ActivationMaps { rows: 8, columns: 8, values }),
            ..Answers::default()
        };
        let mixed = snapmix
            .mix(&mut pixels, &mut targets, &Address { seed: 1, epoch: 0, batch, ids: &[0, 1] }, &answers)
            .unwrap();
        let Some([x0, y0, ..]) = mixed[0].pasted else { continue };
        let covered = x0 == 0 && y0 == 0;
        // The partner's box held the corner, too, or nothing.
        let brought = mixed[0].weight > if covered { 0.5 } else { 1.5 };
        let expected = match (covered, brought) {
            (false, true) => (0.5, 2.0),
            (false, false) => (1.0, 1.0),
            (true, true) => (0.0, 1.0),
            (true, false) => (mixed[0].lambda, 0.0),
        };
        assert_eq!((mixed[0].lambda, mixed[0].weight), expected, "{mixed:?}");
        assert_eq!(targets.row(0).unwrap(), [mixed[0].lambda, 1.0 - mixed[0].lambda]);
        hidden += usize::from(covered);
        kept += usize::from(!covered);
    }
    assert!(hidden > 10 && kept > 10, "{hidden} {kept}");
}

#[test]
fn a_batch_is_the_same_on_any_number_of_threads() {
    let bytes = |n: usize, salt: usize| (0..n).map(|i| ((i * 31 + salt * 7) % 256) as u8).collect::<Vec<_>>();
    let photographs: Vec<RgbImage> =
        (0..9).map(|i| RgbImage::new(20 + i, 30 - i, bytes((20 + i) * (30 - i) * 3, i)).unwrap()).collect();
    let photographs: Vec<&RgbImage> = photographs.iter().collect();
    let ids: Vec<u64> = (50..59).collect();
    let transforms = vec![
        Transform::RandomResizedCrop(RandomResizedCrop {
            scale: [0.2, 1.0],
            ratio: [0.7, 1.4],
            antialias: true,
        }),
        Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 }),
        Transform::Hue(Hue { delta: 0.2, clip: false }),
        Transform::Contrast(Contrast { low: 0.5, high: 1.5, clip: true }),
    ];
    let pipeline = Pipeline::new(&recipe(transforms, None), &Preprocess::default(), 16).unwrap();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            pipeline.train_batch(&photographs, &Address { seed: 3, epoch: 1, batch: 0, ids: &ids }).unwrap()
        })
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
    for (i, photograph) in photographs.iter().enumerate() {
        assert_eq!(one.image(i).unwrap(), pipeline.train_image(*photograph, 3, 1, ids[i]));
    }
    let numbers =
        |count: usize| (0..count).map(|i| (i * 31 % 1013) as f32 / 500.0 - 1.0).collect::<Vec<f32>>();
    let answers = Answers {
        activation_maps: Some(ActivationMaps { rows: 2, columns: 2, values: numbers(9 * 4) }),
        input_gradient: Some(numbers(9 * 16 * 16 * 3)),
    };
    for mixing in asking() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (mut pixels, mut targets) =
                (one.clone(), Targets::one_hot(&[0, 1, 2, 0, 1, 2, 0, 1, 2], 3).unwrap());
            let mixed = pool.install(|| {
                mixing
                    .mix(
                        &mut pixels,
                        &mut targets,
                        &Address { seed: 3, epoch: 1, batch: 0, ids: &ids },
                        &answers,
                    )
                    .unwrap()
            });
            assert_ne!(pixels, one);
            (pixels, targets, mixed)
        };
        assert_eq!(on(1), on(3));
    }
}

#[test]
fn a_batch_made_of_no_more_than_it_asks_for_is_the_same() {
    let file = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/fixtures/decode/jpeg-420.jpg"),
    );
    let file = file.unwrap();
    let whole = bakeoff_data::decode(&file).unwrap();
    let ids: Vec<u64> = (0..40).collect();
    let photographs = vec![&whole; ids.len()];
    let crop = Transform::RandomResizedCrop(RandomResizedCrop {
        scale: [0.05, 1.0],
        ratio: [0.7, 1.4],
        antialias: true,
    });
    let resize = Transform::Resize(ResizeTransform { size: 20, squash: false, antialias: true });
    let flip = Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 });
    fn write<'b>(file: &[u8], place: BatchPlace<'_, 'b>) -> Result<Written<'b>, BatchError> {
        let image = OpenImage::of_file(file.to_vec(), None).unwrap();
        let view = place.view(image.width(), image.height());
        let part = image.pixels(view.region()).unwrap();
        Ok(view.write(&part))
    }
    for transforms in
        [vec![crop, flip.clone()], vec![resize, Transform::RandomCrop(RandomCrop { size: 16 }), flip], vec![]]
    {
        let pipeline = Pipeline::new(&recipe(transforms, None), &Preprocess::default(), 16).unwrap();
        let whole =
            pipeline.train_batch(&photographs, &Address { seed: 3, epoch: 1, batch: 0, ids: &ids }).unwrap();
        assert_eq!(
            whole,
            pipeline
                .train_batch_of(&Address { seed: 3, epoch: 1, batch: 0, ids: &ids }, |place| write(
                    &file, place
                ))
                .unwrap()
        );
        let whole = pipeline.eval_batch(&photographs[..3]).unwrap();
        assert_eq!(whole, pipeline.eval_batch_of(3, |place| write(&file, place)).unwrap());
    }
}

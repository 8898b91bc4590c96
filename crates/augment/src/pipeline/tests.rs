use super::*;
use crate::{
    Brightness, ChannelStatistics, Contrast, Hue, LambdaMode, Partner, RandomResizedCrop, ResizeTransform,
    builtin,
};

fn pipeline_of(transforms: &[Transform], image: usize) -> Result<Pipeline, Vec<RecipeError>> {
    let recipe = RecipeConfig { name: "x".to_owned(), transforms: transforms.to_vec(), mix: None };
    Pipeline::new(&recipe, &Preprocess::default(), image)
}

/// The errors as they are printed.
fn errors_of(transforms: &[Transform]) -> Vec<String> {
    pipeline_of(transforms, 224).unwrap_err().iter().map(ToString::to_string).collect()
}

const fn resize(size: usize) -> Transform {
    Transform::Resize(ResizeTransform { size, squash: false, antialias: true })
}
const fn squash(size: usize) -> Transform {
    Transform::Resize(ResizeTransform { size, squash: true, antialias: true })
}
const fn crop(size: usize) -> Transform {
    Transform::RandomCrop(RandomCrop { size })
}
const FLIP: Transform = Transform::HorizontalFlip(HorizontalFlip { probability: 0.5 });
const INCEPTION: Transform = Transform::RandomResizedCrop(RandomResizedCrop {
    scale: [0.08, 1.0],
    ratio: [0.75, 1.25],
    antialias: true,
});

/// A photograph of noise.
fn noisy(width: usize, height: usize) -> RgbImage {
    let byte = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8;
    RgbImage::new(width, height, (0..width * height * 3).map(byte).collect()).unwrap()
}

/// A pixel of 0 to 255 as the pipeline has it.
fn unit(photograph: &RgbImage, x: usize, y: usize) -> [f32; 3] {
    let at = (y * photograph.width() + x) * 3;
    [0, 1, 2].map(|channel| f32::from(photograph.pixels()[at + channel]) / 255.0)
}

#[test]
fn what_is_not_larger_than_the_customary_resize_keeps_its_pixels_to_the_bit() {
    for image in [8, 28, 32, 48, 64, 224] {
        let longest = usual_resize(image);
        let pipeline = pipeline_of(&[], image).unwrap();
        for (width, height) in [
            (image, image),
            (longest, longest),
            (image + 1, image),
            (image, 2 * image + 1),
            (longest, longest + 5),
        ] {
            let photograph = noisy(width, height);
            let seen = pipeline.eval_image(&photograph);
            let (left, top) =
                (geometry::central_offset(width, image), geometry::central_offset(height, image));
            for y in 0..image {
                for x in 0..image {
                    let ours: [f32; 3] = seen.values()[(y * image + x) * 3..][..3].try_into().unwrap();
                    let what = format!("{width}×{height} for {image}: {x}, {y}");
                    assert_eq!(ours, unit(&photograph, left + x, top + y), "{what}");
                }
            }
            // Every way to a network's input sees the same.
            assert_eq!(pipeline.train_image(&photograph, 1, 2, 3), seen);
            let batch = pipeline.eval_batch(&[&photograph]).unwrap();
            assert_eq!(batch.image(0).unwrap(), seen);
            let batch = pipeline
                .train_batch(&[&photograph], &Address { seed: 1, epoch: 2, batch: 0, ids: &[3] })
                .unwrap();
            assert_eq!(batch.image(0).unwrap(), seen);
            let region = pipeline.eval_region(width, height);
            assert_eq!(region, Region { x: left, y: top, width: image, height: image });
        }
    }
}

#[test]
fn what_is_larger_is_resized_as_ever_and_what_is_smaller_to_the_image_only() {
    let torchvision = |image| {
        let recipe = RecipeConfig { name: "x".to_owned(), transforms: Vec::new(), mix: None };
        Pipeline::new(&recipe, &Preprocess::torchvision(), image).unwrap()
    };
    let squashed = |photograph: &RgbImage, image: usize| {
        pipeline_of(&[squash(image)], image).unwrap().train_image(photograph, 0, 0, 0)
    };
    for image in [16, 32, 64] {
        let ours = pipeline_of(&[], image).unwrap();
        let longest = usual_resize(image);
        for (width, height) in [(longest + 1, longest + 1), (longest + 1, 200), (300, 200)] {
            let photograph = noisy(width, height);
            assert_eq!(ours.eval_image(&photograph), torchvision(image).eval_image(&photograph));
        }
        let small = noisy(image - 1, image - 1);
        assert_eq!(ours.eval_image(&small), squashed(&small, image));
        assert_ne!(ours.eval_image(&small), torchvision(image).eval_image(&small));
    }
}

#[test]
fn who_enlarges_which_photographs_can_be_asked() {
    let plain = pipeline_of(&[], 224).unwrap();
    assert_eq!((plain.evaluation_enlarges_below(), plain.recipe_enlarges_below()), (224, None));
    let cropped = pipeline_of(&[resize(256), crop(224)], 224).unwrap();
    assert_eq!((cropped.evaluation_enlarges_below(), cropped.recipe_enlarges_below()), (224, Some(256)));
    let windows = pipeline_of(&[INCEPTION], 224).unwrap();
    assert_eq!(windows.recipe_enlarges_below(), None);
    let recipe = RecipeConfig { name: "x".to_owned(), transforms: vec![squash(224)], mix: None };
    let theirs = Pipeline::new(&recipe, &Preprocess::torchvision(), 224).unwrap();
    assert_eq!((theirs.evaluation_enlarges_below(), theirs.recipe_enlarges_below()), (256, Some(224)));
}

#[test]
fn the_notebooks_crop_that_never_crops_is_an_error_that_says_what_to_do() {
    let errors = errors_of(&[FLIP, crop(224)]);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("transforms[1].size: this crop never crops"), "{errors:?}");
    assert!(errors[0].contains("{ kind = \"resize\", size = 256 }"), "{errors:?}");
    assert_eq!(errors_of(&[squash(224), crop(224)]).len(), 1);
    assert_eq!(errors_of(&[INCEPTION, crop(224)]).len(), 1);
}

#[test]
fn crops_that_can_crop_are_no_error() {
    for transforms in [
        vec![resize(256), crop(224)],
        vec![resize(256), FLIP, crop(224), FLIP],
        vec![squash(225), crop(224)],
        vec![resize(300), crop(256), crop(224)],
        // Along the longer side only.
        vec![resize(224), crop(224)],
    ] {
        assert!(pipeline_of(&transforms, 224).is_ok(), "{transforms:?}");
    }
    let along = pipeline_of(&[resize(224), crop(224)], 224).unwrap().describe();
    assert!(along[1].contains("a square photograph is not cropped"), "{along:?}");
    let both = pipeline_of(&[resize(256), crop(224)], 224).unwrap().describe();
    assert!(!both[1].contains("square photograph"), "{both:?}");
}

#[test]
fn a_pipeline_must_end_at_the_studys_image_size() {
    assert_eq!(
        errors_of(&[resize(256), crop(200)]),
        [
            "transforms[1]: the recipe ends with 200×200 px images but the study trains on 224×224: let the last crop or resize give 224 px"
        ]
    );
    assert!(errors_of(&[resize(224)])[0].contains("add { kind = \"random-crop\", size = 224 }"));
    assert!(errors_of(&[squash(256)])[0].contains("ends with 256×256"));
    assert!(
        errors_of(&[resize(200), crop(224)])[0].contains("the window of 224 px is larger than the image")
    );
}

#[test]
fn what_starts_from_the_photograph_stands_first() {
    for late in [resize(256), INCEPTION] {
        let errors = errors_of(&[FLIP, late.clone(), crop(128)]);
        assert!(errors[0].starts_with("transforms[1].kind: "), "{errors:?}");
        assert!(errors[0].contains("move it to the front"), "{errors:?}");
    }
}

#[test]
fn all_errors_come_at_once_with_their_key_paths() {
    let recipe = RecipeConfig {
        name: "../x".to_owned(),
        transforms: vec![
            Transform::RandomResizedCrop(RandomResizedCrop {
                scale: [0.9, 0.2],
                ratio: [0.0, f64::NAN],
                antialias: true,
            }),
            Transform::HorizontalFlip(HorizontalFlip { probability: 1.5 }),
            Transform::Contrast(Contrast { low: -1.0, high: 1e9, clip: false }),
            Transform::Contrast(Contrast { low: 0.5, high: 0.2, clip: false }),
            Transform::Hue(Hue { delta: 0.6, clip: false }),
            Transform::Brightness(Brightness { delta: f64::INFINITY, clip: false }),
        ],
        mix: Some(Mixer::Mixup(crate::Mixup {
            alpha: 0.0,
            probability: -0.1,
            lambda: LambdaMode::PerPair,
            partner: Partner::Roll,
        })),
    };
    let preprocess = Preprocess {
        resize: Resize::ShorterSide { size: Some(100), antialias: true, enlarge: true },
        normalisation: Normalisation::Custom(ChannelStatistics { mean: [0.0; 3], sd: [1.0, 0.0, f64::NAN] }),
        ..Preprocess::default()
    };
    let errors = Pipeline::new(&recipe, &preprocess, 224).unwrap_err();
    let paths: Vec<&str> = errors.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "preprocess.resize.size",
            "preprocess.normalisation.sd[1]",
            "preprocess.normalisation.sd[2]",
            "name",
            "transforms[0].scale",
            "transforms[0].ratio[0]",
            "transforms[0].ratio[1]",
            "transforms[1].probability",
            "transforms[2].low",
            "transforms[2].high",
            "transforms[3].low",
            "transforms[4].delta",
            "transforms[5].delta",
            "mix.alpha",
            "mix.probability",
            "mix.partner",
        ]
    );
    for size in [0, 10_000] {
        let errors = pipeline_of(&[], size).unwrap_err();
        assert_eq!(errors[0].path, "image");
    }
}

#[test]
fn names_that_cannot_be_folders_are_refused() {
    for name in ["", ".", "..", "a/b", "a b", "-x", ".x", "é"] {
        let recipe = RecipeConfig { name: name.to_owned(), transforms: Vec::new(), mix: None };
        let errors = Pipeline::new(&recipe, &Preprocess::default(), 32).unwrap_err();
        assert_eq!(errors[0].path, "name", "{name:?}");
    }
}

fn noise(width: usize, height: usize) -> RgbImage {
    let mut stream = Stream::new(1, "noise", 0, 0);
    let bytes = (0..width * height * 3).map(|_| stream.word() as u8).collect();
    RgbImage::new(width, height, bytes).unwrap()
}

#[test]
fn half_of_the_images_are_flipped_and_the_same_ones_in_every_recipe() {
    let image = noise(10, 8);
    let flip = pipeline_of(&[FLIP], 8).unwrap();
    let later = pipeline_of(
        &[
            Transform::Contrast(Contrast { low: 1.0, high: 1.0, clip: false }),
            Transform::Brightness(Brightness { delta: 0.0, clip: false }),
            FLIP,
        ],
        8,
    )
    .unwrap();
    let plain = flip.eval_image(&image);
    let mut flipped = 0;
    for sample in 0..2000 {
        let one = flip.train_image(&image, 1, 0, sample);
        let other = later.train_image(&image, 1, 0, sample);
        let near = one.values().iter().zip(other.values()).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "sample {sample} is flipped in one recipe only");
        flipped += usize::from(one != plain);
    }
    // Binomial(2000, 1/2): standard deviation 22.
    assert!(flipped.abs_diff(1000) < 110, "{flipped}");
}

#[test]
fn steps_run_in_their_order_with_draws_in_their_ranges() {
    let image = noise(12, 12);
    let plain = pipeline_of(&[], 12).unwrap().eval_image(&image);
    let contrast = Transform::Contrast(Contrast { low: 0.2, high: 0.5, clip: false });
    let brightness = Transform::Brightness(Brightness { delta: 0.2, clip: false });
    let pipeline = pipeline_of(&[contrast, brightness], 12).unwrap();
    let (mut factors, mut shifts) = (Vec::new(), Vec::new());
    for sample in 0..1000 {
        let pixels = pipeline.train_image(&image, 5, 1, sample);
        // Contrast keeps the mean, brightness the differences.
        let spread = |values: &[f32]| values[0] - values[3 * 77];
        factors.push(spread(pixels.values()) / spread(plain.values()));
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        shifts.push(mean(pixels.values()) - mean(plain.values()));
    }
    let check = |values: &[f32], low: f32, high: f32| {
        assert!(values.iter().all(|v| (low - 1e-3..high + 1e-3).contains(v)));
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        // Uniform: standard error (high − low) / sqrt(12,000).
        assert!((mean - (low + high) / 2.0).abs() < (high - low) * 0.05, "{mean}");
    };
    check(&factors, 0.2, 0.5);
    check(&shifts, -0.2, 0.2);
}

#[test]
fn clip_keeps_values_in_the_unit_interval_and_only_where_asked_for() {
    let image = noise(16, 16);
    let range = |clip| {
        let strong = pipeline_of(
            &[
                Transform::Contrast(Contrast { low: 2.0, high: 3.0, clip }),
                Transform::Hue(Hue { delta: 0.5, clip }),
            ],
            16,
        )
        .unwrap();
        let pixels = strong.train_image(&image, 1, 0, 0);
        pixels.values().iter().fold([f32::MAX, f32::MIN], |[low, high], &v| [low.min(v), high.max(v)])
    };
    assert_eq!(range(true), [0.0, 1.0]);
    let [low, high] = range(false);
    assert!(low < 0.0 && high > 1.0);
}

#[test]
fn a_crop_cuts_the_same_window_whether_or_not_another_step_stands_before_it() {
    let image = noise(50, 37);
    let at_once = pipeline_of(&[resize(30), crop(24)], 24).unwrap();
    let nothing = Transform::Brightness(Brightness { delta: 0.0, clip: false });
    let after = pipeline_of(&[resize(30), nothing, crop(24)], 24).unwrap();
    let mut seen = Vec::new();
    for sample in 0..20 {
        let pixels = at_once.train_image(&image, 3, 2, sample);
        assert_eq!(pixels, after.train_image(&image, 3, 2, sample));
        if !seen.contains(&pixels) {
            seen.push(pixels);
        }
    }
    assert!(seen.len() > 10, "windows differ between samples");
}

#[test]
fn every_epoch_and_seed_shows_another_view() {
    let image = noise(40, 40);
    let pipeline = pipeline_of(&[INCEPTION], 16).unwrap();
    let here = pipeline.train_image(&image, 1, 1, 1);
    for (seed, epoch, sample) in [(2, 1, 1), (1, 2, 1), (1, 1, 2)] {
        assert_ne!(here, pipeline.train_image(&image, seed, epoch, sample));
    }
}

#[test]
fn extreme_strips_are_no_memory_problem() {
    let strip = RgbImage::new(1, 60_000, vec![7; 180_000]).unwrap();
    let pipeline = pipeline_of(&[resize(64), FLIP, crop(48)], 48).unwrap();
    assert_eq!(pipeline.train_image(&strip, 1, 1, 1).values().len(), 48 * 48 * 3);
    assert_eq!(pipeline.eval_image(&strip).values().len(), 48 * 48 * 3);
}

#[test]
fn descriptions_have_a_line_a_step_with_its_numbers() {
    let describe = |name: &str| {
        let recipe = builtin(224).into_iter().find(|b| b.config.name == name).unwrap().config;
        Pipeline::new(&recipe, &Preprocess::default(), 224).unwrap().describe()
    };
    assert_eq!(
        describe("none"),
        [
            "resize: a shorter side above 256 px to 256, below 224 px to 224, bilinear with antialiasing, then the central 224×224 px",
            "normalise: ImageNet statistics, RGB, (x − (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)",
        ]
    );
    assert_eq!(
        Preprocess::torchvision().start(224).describe(),
        "resize: shorter side to 256 px, bilinear with antialiasing, then the central 224×224 px"
    );
    assert_eq!(
        describe("flip-crop")[..3],
        [
            "resize: shorter side to 256 px, bilinear with antialiasing",
            "random crop: a window of 224×224 px, its position uniform",
            "horizontal flip: with probability 0.5",
        ]
    );
    assert_eq!(
        describe("notebook-colour")[1],
        "contrast: (x − mean) · f + mean per channel, f uniform in [0.2, 0.5), not clipped"
    );
    assert!(describe("cutmix")[1].starts_with("CutMix: lambda ~ Beta(1, 1) per image, a box"));
    assert!(describe("notebook-cutmix")[1].contains("partners drawn from the batch with replacement"));
    assert!(
        describe("mixup")[1]
            .ends_with("partners by a random permutation of the batch; with probability 1 per image")
    );
}

#[test]
fn without_a_mixer_every_image_keeps_its_label() {
    let pipeline = pipeline_of(&[], 4).unwrap();
    let image = noise(4, 4);
    let mut pixels = pipeline.eval_batch(&[&image, &image]).unwrap();
    let before = pixels.clone();
    let mut targets = Targets::one_hot(&[1, 0], 2).unwrap();
    let mixed = pipeline
        .mix(
            &mut pixels,
            &mut targets,
            &Address { seed: 0, epoch: 0, batch: 0, ids: &[0, 1] },
            &Answers::default(),
        )
        .unwrap();
    assert_eq!(mixed, [Mixed::unmixed(0), Mixed::unmixed(1)]);
    assert_eq!((pixels, targets.values()), (before, [0.0, 1.0, 1.0, 0.0].as_slice()));
}

#[test]
fn views_of_an_image_differ_in_the_step_that_is_compared_and_in_nothing_else() {
    let of = |consistency| {
        let augmix = Transform::Augmix(crate::Augmix { consistency, ..crate::Augmix::default() });
        pipeline_of(&[INCEPTION, FLIP, augmix], 16).unwrap()
    };
    let (plain, clean, viewed) = (of(0.0), pipeline_of(&[INCEPTION, FLIP], 16).unwrap(), of(12.0));
    assert_eq!((plain.views(), viewed.views(), viewed.consistency()), (1, 3, Some(12.0)));
    let image = noise(30, 20);
    let images = vec![&image; 5];
    let ids = [3, 1, 4, 15, 9];
    let batch = viewed.train_batch(&images, &Address { seed: 7, epoch: 2, batch: 0, ids: &ids }).unwrap();
    assert_eq!(batch.len(), 15);
    let mut anew = 0;
    for (i, &id) in ids.iter().enumerate() {
        let view = |number: usize| batch.image(number * 5 + i).unwrap();
        assert_eq!(view(0), clean.train_image(&image, 7, 2, id));
        assert_eq!(view(1), plain.train_image(&image, 7, 2, id));
        assert_eq!(view(1), viewed.train_image(&image, 7, 2, id));
        anew += usize::from(view(2) != view(1));
    }
    assert!(anew >= 4, "the third view has draws of its own");
    let (mut pixels, mut targets) = (batch, Targets::one_hot(&[0; 5], 1).unwrap());
    assert_eq!(
        viewed
            .mix(
                &mut pixels,
                &mut targets,
                &Address { seed: 7, epoch: 2, batch: 0, ids: &ids },
                &Answers::default()
            )
            .unwrap()
            .len(),
        5
    );
}

#[test]
fn views_are_neither_mixed_nor_compared_twice() {
    let augmix = Transform::Augmix(crate::Augmix { consistency: 12.0, ..crate::Augmix::default() });
    let twice = errors_of(&[augmix.clone(), augmix.clone()]);
    assert!(twice.len() == 1 && twice[0].starts_with("transforms[1].consistency: `consistency` compares"));
    let mix = Some(Mixer::CutmixNotebook(crate::CutmixNotebook { probability: 1.0, partner: Partner::Roll }));
    let recipe = RecipeConfig { name: "x".to_owned(), transforms: vec![augmix], mix };
    let mixed = Pipeline::new(&recipe, &Preprocess::default(), 16).unwrap_err();
    assert_eq!(mixed[0].path, "transforms[0].consistency");
}

//! What networks are shown: folders, patterns, sizes, preprocessing.

use std::fs;

use bakeoff_nn::{Model, Weights};

use crate::support::{Photos, Project, bakeoff};

#[test]
fn a_trained_network_takes_folders_and_patterns_and_says_what_a_run_says() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("[train]\nepochs = 1\n");
    let run = bakeoff(&project).args(["run", &study]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let trial = "runs/study/trials/none/seed-1";
    let predict =
        |more: &[&str]| bakeoff(&project).args(["predict", "--weights"]).args(more.iter().copied()).run();

    let folder = predict(&[trial, "--json", "photos/test"]).json();
    let named: Vec<&str> =
        folder["images"].as_array().unwrap().iter().filter_map(|i| i["image"].as_str()).collect();
    assert_eq!(named.len(), 16);
    assert_eq!((named[0], named[15]), ("photos/test/green/0.jpg", "photos/test/red/7.jpg"));
    let pattern = predict(&[trial, "--json", "photos/test/**/*.jpg", "photos/test/red"]);
    assert_eq!(pattern.json()["images"], folder["images"]);
    assert!(pattern.stderr.contains("8 images were named more than once"), "{pattern:?}");
    // In batches of any size the same, and the table has a row for each.
    assert_eq!(predict(&[trial, "--json", "--batch", "3", "photos/test"]).json()["images"], folder["images"]);
    let table = predict(&[trial, "photos"]).stdout;
    assert_eq!(table.lines().filter(|line| line.contains(".jpg")).count(), 32);

    fs::write(project.path("photos/test/red/broken.jpg"), b"no image").unwrap();
    let broken = predict(&[trial, "--json", "photos/test"]);
    assert_eq!((broken.code, &broken.json()["images"]), (1, &folder["images"]));
    assert_eq!(broken.json()["failed"][0]["image"], "photos/test/red/broken.jpg");
    assert!(broken.stderr.contains("left out: photos/test/red/broken.jpg"), "{broken:?}");
    fs::remove_file(project.path("photos/test/red/broken.jpg")).unwrap();

    // 16-bit grey is its high bytes, in training and here, and both say so.
    let shade = |x: u32, y: u32| (x * 2500 + y * 300) as u16;
    let deep = image::ImageBuffer::from_fn(24, 20, |x, y| image::Luma([shade(x, y)]));
    let high = image::ImageBuffer::from_fn(24, 20, |x, y| image::Luma([(shade(x, y) >> 8) as u8]));
    fs::create_dir_all(project.path("grey/a")).unwrap();
    fs::create_dir_all(project.path("grey/b")).unwrap();
    deep.save(project.path("grey/a/deep.png")).unwrap();
    high.save(project.path("grey/b/high.png")).unwrap();
    let grey = predict(&[trial, "--json", "grey"]);
    assert_eq!(grey.json()["images"][0]["logits"], grey.json()["images"][1]["logits"]);
    let checked = bakeoff(&project).args(["data", "check", "grey"]).run();
    let said = "1 image is 16-bit grey, ";
    assert!(grey.stderr.contains(said) && (checked.stdout + &checked.stderr).contains(said), "{grey:?}");

    for wrong in ["runs/study", "runs/study/trials", "runs/study/trials/none"] {
        let ended = predict(&[wrong, "photos/test/red/0.jpg"]);
        assert!(
            ended.code == 1
                && ended.stderr.contains("name one of its trials:")
                && ended.stderr.contains("none/seed-2"),
            "{ended:?}"
        );
    }
    for (argument, said) in
        [("runs/study", "is a run folder"), (trial, "is a trial's folder"), ("study.toml", "is a study file")]
    {
        let ended = predict(&[trial, argument]);
        assert!(ended.code == 1 && ended.stderr.contains(said), "{ended:?}");
    }
    let ended = predict(&["study.toml", "photos"]);
    assert!(ended.code == 1 && ended.stderr.contains("is a study file"), "{ended:?}");

    // At another size it may be another network.
    let other = predict(&[trial, "--image", "64", "photos/test"]);
    assert!(
        other.code == 1
            && other
                .stderr
                .contains("at 64 px it has `maxpool` (3×3 max-pool of stride 2), at 16 px it does not"),
        "{other:?}"
    );
    let larger = predict(&[trial, "--image", "32", "photos/test", "--json"]);
    assert!(
        larger.code == 0 && larger.stderr.contains("trained on images of 16 px and are shown 32 px"),
        "{larger:?}"
    );
    assert!(larger.stderr.contains("16 of 16 images are smaller than the 32 px"), "{larger:?}");
    assert_eq!(larger.json()["warnings"].as_array().map(Vec::len), Some(2));
    let text = fs::read_to_string(project.path(&study)).unwrap();
    let from = text.replace("[model]\n", &format!("[model]\nweights = \"{trial}\"\n"));
    for (image, said) in
        [("64", "for 64 px resnet-small is another network"), ("24", "this study shows 24 px")]
    {
        fs::write(project.path("from.toml"), from.replace("image = 16", &format!("image = {image}")))
            .unwrap();
        let planned = bakeoff(&project).args(["plan", "from.toml", "--no-measure"]).run();
        assert!(planned.code == 0 && planned.stderr.contains(said), "{planned:?}");
    }
}

#[test]
fn a_plan_and_a_run_say_what_is_enlarged() {
    let project = Project::new();
    project.photos(&Photos::default());
    let study = project.study("[train]\nepochs = 1\n");
    let plan = |more: &[&str]| {
        bakeoff(&project).args(["plan", &study, "--no-measure"]).args(more.iter().copied()).run().stderr
    };
    // Of 20 px: shown as they are, to the last pixel, whatever the image size.
    for image in ["16", "18", "20"] {
        assert!(!plan(&["--set", &format!("train.image={image}")]).contains("enlarged"));
    }
    let said = plan(&["--set", "train.image=32"]);
    assert!(
        said.contains("32 of 32 images are smaller than train.image = 32, test/green/0.jpg (20 px) for one"),
        "{said}"
    );
    let said = plan(&["--set", "train.image=20", "--set", "preprocess.resize={ kind = \"shorter-side\" }"]);
    assert!(
        said.contains("32 of 32 images are smaller than the 23 px that the shorter side is resized to"),
        "{said}"
    );
    let text = fs::read_to_string(project.path(&study)).unwrap();
    fs::write(
        project.path(&study),
        text.replace("image = 16", "image = 20") + "\n[[recipe]]\ninherit = \"flip-crop\"\n",
    )
    .unwrap();
    let said = plan(&[]);
    assert!(said.contains("recipe flip-crop resizes to 23 px, and 32 of 32 images are smaller"), "{said}");
    let run = bakeoff(&project).args(["run", &study]).run();
    assert!(
        run.code == 0
            && run.stderr.contains("recipe flip-crop resizes to 23 px, and 32 of 32 images are smaller"),
        "{run:?}"
    );
    let data = fs::read_to_string(project.path("runs/study/data.json")).unwrap();
    assert!(data.contains("resizes to 23 px"), "{data}");
}

#[test]
fn weights_of_before_and_of_others_are_preprocessed_as_they_were_trained() {
    let project = Project::new();
    project.photos(&Photos::default());
    let network = Model::by_name("resnet-tiny", 2, 32).unwrap();
    let resize = |preprocess: Option<&str>, more: &[&str]| {
        let metadata =
            preprocess.map(|text| ("preprocess".to_owned(), text.to_owned())).into_iter().collect();
        Weights::initial(&network, 1).write(&project.path("w.safetensors"), metadata).unwrap();
        let ended = bakeoff(&project)
            .args([
                "predict",
                "--json",
                "--image",
                "32",
                "--weights",
                "w.safetensors",
                "photos/test/red/0.jpg",
            ])
            .args(more.iter().copied())
            .run();
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.json()["preprocess"][0].as_str().unwrap().to_owned()
    };
    let theirs = "resize: shorter side to 37 px, bilinear with antialiasing, then the central 32×32 px";
    let ours = "resize: a shorter side above 37 px to 37, below 32 px to 32, bilinear with antialiasing, then the central 32×32 px";
    assert_eq!(resize(None, &[]), theirs);
    let before = r#"{"resize":{"kind":"shorter-side","antialias":true},"normalisation":"imagenet"}"#;
    assert_eq!(resize(Some(before), &[]), theirs);
    assert_eq!(resize(Some(before), &["--no-enlarge"]), ours);
    let now =
        r#"{"resize":{"kind":"shorter-side","antialias":true,"enlarge":false},"normalisation":"imagenet"}"#;
    assert_eq!(resize(Some(now), &[]), ours);
    assert_eq!(resize(Some(now), &["--resize", "shorter-side"]), theirs);
}

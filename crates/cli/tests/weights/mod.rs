//! Other people's weights, and images of all kinds, through the program.

mod images;

use std::collections::HashMap;
use std::fs;

use bakeoff_nn::{Model, Tensor, Weights};

use crate::support::{Photos, Project, bakeoff};

const PREFIXES: [&str; 8] = [
    "module.",
    "model.",
    "_orig_mod.",
    "backbone.",
    "encoder.",
    "net.",
    "student.",
    "state_dict_ema.module.",
];

/// Random networks behind prefixes, each of a seed of its own.
fn behind(model: &Model, prefixes: &[&str]) -> Weights {
    let mut weights = Weights::new();
    for (number, prefix) in prefixes.iter().enumerate() {
        for (name, tensor) in Weights::initial(model, number as u64 + 1).iter() {
            weights.insert(format!("{prefix}{name}"), tensor.clone());
        }
    }
    weights
}

fn write(project: &Project, name: &str, weights: &Weights) {
    weights.write(&project.path(name), HashMap::new()).unwrap();
}

/// A study of two classes that starts from weights.
fn study(project: &Project, model: &str, weights: &str) -> String {
    let study = project.study("");
    let text = fs::read_to_string(project.path(&study)).unwrap();
    let text = text
        .replace("name = \"resnet-small\"", &format!("name = \"{model}\"\nweights = \"{weights}\""))
        .replace("epochs = 2", "epochs = 1")
        .replace("image = 16", "image = 32")
        .replace("seeds = 2", "seeds = 1");
    fs::write(project.path(&study), text).unwrap();
    study
}

#[test]
fn names_behind_a_prefix_are_the_networks_in_every_command_and_it_is_said() {
    let project = Project::new();
    project.photos(&Photos::default());
    for (model, prefixes) in
        [("resnet-tiny", &PREFIXES[..]), ("resnet-small", &PREFIXES[..1]), ("resnet18", &PREFIXES[7..])]
    {
        let network = Model::by_name(model, 2, 32).unwrap();
        let logits = |file: &str| {
            let photo = "photos/test/red/0.jpg";
            let ended = bakeoff(&project)
                .args(["predict", "--json", "--model", model, "--image", "32", "--weights", file, photo])
                .run();
            assert_eq!(ended.code, 0, "{file}: {ended:?}");
            (ended.json()["images"][0]["logits"].clone(), ended.stderr)
        };
        write(&project, "plain.safetensors", &behind(&network, &[""]));
        let (plain, said) = logits("plain.safetensors");
        assert!(!said.contains("begin with"), "{said}");
        for prefix in prefixes {
            write(&project, "behind.safetensors", &behind(&network, &[prefix]));
            let (theirs, said) = logits("behind.safetensors");
            assert_eq!(theirs, plain, "{prefix} {model}");
            assert!(
                said.contains(&format!("the parameter names begin with `{prefix}`, which was taken off")),
                "{said}"
            );
            let study = study(&project, model, "behind.safetensors");
            let planned = bakeoff(&project).args(["plan", &study, "--no-measure"]).run();
            assert!(
                planned.code == 0 && planned.stderr.contains(&format!("begin with `{prefix}`")),
                "{planned:?}"
            );
        }
    }
    let study = study(&project, "resnet-tiny", "behind.safetensors");
    write(
        &project,
        "behind.safetensors",
        &behind(&Model::by_name("resnet-tiny", 2, 32).unwrap(), &["module."]),
    );
    let previewed = bakeoff(&project).args(["preview", &study, "--count", "1"]).run();
    assert!(previewed.code == 0 && previewed.stderr.contains("begin with `module.`"), "{previewed:?}");
    let run = bakeoff(&project).args(["run", &study]).run();
    assert!(run.code == 0 && run.stderr.contains("begin with `module.`"), "{run:?}");
    let log = fs::read_to_string(project.path("runs/study/log.txt")).unwrap();
    assert!(log.contains("begin with `module.`"), "{log}");
}

#[test]
fn of_two_networks_the_plain_one_is_used_or_the_one_asked_for_and_it_is_said() {
    let project = Project::new();
    project.photos(&Photos::default());
    let network = Model::by_name("resnet-tiny", 2, 32).unwrap();
    let predict = |file: &str, more: &[&str]| {
        bakeoff(&project)
            .args(["predict", "--json", "--image", "32", "--weights", file])
            .args(more.iter().copied())
            .args(["photos/test/red/0.jpg"])
            .run()
    };
    let logits = |file: &str, more: &[&str]| predict(file, more).json()["images"][0]["logits"].clone();
    write(&project, "first.safetensors", &Weights::initial(&network, 1));
    write(&project, "second.safetensors", &Weights::initial(&network, 2));
    let [first, second] = ["first.safetensors", "second.safetensors"].map(|file| logits(file, &[]));
    assert_ne!(first, second);

    write(&project, "two.safetensors", &behind(&network, &["", "ema."]));
    assert_eq!(logits("two.safetensors", &[]), first);
    let said = predict("two.safetensors", &[]).stderr;
    assert!(
        said.contains(
            "2 networks: the one with plain names is used, not that with `ema.`; choose with --weights-prefix"
        ),
        "{said}"
    );
    for prefix in ["ema.", "ema"] {
        assert_eq!(logits("two.safetensors", &["--weights-prefix", prefix]), second);
    }
    assert_eq!(logits("two.safetensors", &["--weights-prefix", ""]), first);
    let wrong = predict("two.safetensors", &["--weights-prefix", "teacher."]);
    assert!(
        wrong.code == 1
            && wrong.stderr.contains("no network's names begin with `teacher.`")
            && wrong.stderr.contains("`ema.`"),
        "{wrong:?}"
    );

    for pair in [["teacher.", "student."], ["model.", "model_ema."]] {
        write(&project, "pair.safetensors", &behind(&network, &pair));
        let asked = predict("pair.safetensors", &[]);
        assert!(asked.code == 1 && asked.stderr.contains("--weights-prefix"), "{asked:?}");
        assert!(pair.iter().all(|prefix| asked.stderr.contains(&format!("`{prefix}`"))), "{asked:?}");
        assert_eq!(logits("pair.safetensors", &["--weights-prefix", pair[0]]), first);
        assert_eq!(logits("pair.safetensors", &["--weights-prefix", pair[1]]), second);
        let study = study(&project, "resnet-tiny", "pair.safetensors");
        let asked = bakeoff(&project).args(["plan", &study, "--no-measure"]).run();
        assert!(asked.code == 2 && asked.stderr.contains("in `model.weights_prefix`"), "{asked:?}");
        let chosen =
            ["--set", "model.weights_prefix=\"student.\"", "--set", "model.weights_prefix=\"model_ema.\""];
        let set = &chosen[if pair[1] == "student." { 0..2 } else { 2..4 }];
        let planned =
            bakeoff(&project).args(["plan", &study, "--no-measure"]).args(set.iter().copied()).run();
        assert_eq!(planned.code, 0, "{planned:?}");
    }
}

#[test]
fn a_head_under_another_name_is_named_in_place_of_the_one_that_is_missing() {
    let project = Project::new();
    project.photos(&Photos::default());
    let network = Model::by_name("resnet-tiny", 2, 32).unwrap();
    for head in ["fc.1", "classifier", "head.fc", "last_linear", "classifier.0"] {
        let mut weights = Weights::new();
        for (name, tensor) in Weights::initial(&network, 1).iter() {
            weights.insert(name.replace("fc.", &format!("{head}.")), tensor.clone());
        }
        write(&project, "head.safetensors", &weights);
        let study = study(&project, "resnet-tiny", "head.safetensors");
        let planned = bakeoff(&project).args(["plan", &study, "--no-measure"]).run();
        let predicted = bakeoff(&project)
            .args(["predict", "--weights", "head.safetensors", "--image", "32", "photos/test/red/0.jpg"])
            .run();
        for (ended, code) in [(planned, 2), (predicted, 1)] {
            let there = format!("in place of fc.weight there is {head}.weight [2, 128]");
            assert!(ended.code == code && ended.stderr.contains(&there), "{ended:?}");
        }
    }
    // None at all is a backbone: a study gives it a head, and nobody can classify with it.
    let mut weights = Weights::initial(&network, 1);
    let mut backbone = Weights::new();
    weights
        .iter()
        .filter(|(name, _)| !name.starts_with("fc."))
        .for_each(|(name, tensor)| backbone.insert(name, tensor.clone()));
    write(&project, "backbone.safetensors", &backbone);
    let study_file = study(&project, "resnet-tiny", "backbone.safetensors");
    assert_eq!(bakeoff(&project).args(["plan", &study_file, "--no-measure"]).run().code, 0);
    let predicted = bakeoff(&project)
        .args(["predict", "--weights", "backbone.safetensors", "photos/test/red/0.jpg"])
        .run();
    assert!(predicted.code == 1 && predicted.stderr.contains("a backbone without a head"), "{predicted:?}");
    weights.insert("optimizer.state", Tensor::filled(&[3], 0.0));
    write(&project, "optimizer.safetensors", &weights);
    let study_file = study(&project, "resnet-tiny", "optimizer.safetensors");
    let planned = bakeoff(&project).args(["plan", &study_file, "--no-measure"]).run();
    assert!(planned.code == 2 && planned.stderr.contains("1 unexpected: optimizer.state [3]"), "{planned:?}");
}

#[test]
fn a_head_is_kept_only_for_the_classes_it_was_trained_on_and_every_command_says_which() {
    let project = Project::new();
    project.photos(&Photos { classes: &["dog", "fox", "zebra"], per_class: 8 });
    let network = Model::by_name("resnet-tiny", 3, 32).unwrap();
    let study = study(&project, "resnet-tiny", "w.safetensors");
    let known = |classes: Option<&str>| {
        let metadata = classes.map(|classes| ("classes".to_owned(), classes.to_owned()));
        let weights = Weights::initial(&network, 1);
        weights.write(&project.path("w.safetensors"), metadata.into_iter().collect()).unwrap();
    };
    let planned = || {
        let planned = bakeoff(&project).args(["plan", &study, "--no-measure"]).run();
        assert_eq!(planned.code, 0, "{planned:?}");
        planned.stdout + &planned.stderr
    };
    let addresses = || {
        let planned = bakeoff(&project).args(["plan", &study, "--no-measure", "--json"]).run();
        planned.json()["plan"]["trials"].clone()
    };
    known(None);
    assert!(planned().contains("nobody can tell whether they are the same"), "{}", planned());
    let unnamed = addresses();
    known(Some(r#"["dog", "fox", "zebra"]"#));
    assert!(planned().contains("head kept: the weights know the data's 3 classes"), "{}", planned());
    assert_eq!(addresses(), unnamed, "what decides the same head has the same address");
    known(Some(r#"["zebra", "dog", "fox"]"#));
    assert!(planned().contains("its rows matched by name"), "{}", planned());
    let matched = addresses();
    known(Some(r#"["cat", "dog", "fox"]"#));
    let other = addresses();
    assert!(matched != unnamed && other != unnamed && matched != other);
    let said = "new head for 3 classes, drawn from the seed: the weights know cat, dog, fox, the data has dog, fox, zebra";
    assert!(planned().contains(said), "{}", planned());
    let previewed = bakeoff(&project).args(["preview", &study, "--count", "1"]).run();
    assert!(previewed.code == 0 && previewed.stderr.contains(said), "{previewed:?}");
    let run = bakeoff(&project).args(["run", &study, "--set", "train.trainable=head"]).run();
    assert!(run.code == 0 && run.stderr.contains(said), "{run:?}");
    let log = fs::read_to_string(project.path("runs/study/log.txt")).unwrap();
    assert!(log.contains(said), "{log}");
    // Another number of classes has always had a new head.
    project.photos(&Photos { classes: &["ape"], per_class: 8 });
    let planned = planned();
    assert!(
        planned.contains("new head for 4 classes, drawn from the seed: the weights know cat"),
        "{planned}"
    );
}

#[test]
fn an_output_that_is_no_number_is_no_prediction_and_negative_variances_are_refused() {
    let project = Project::new();
    project.photos(&Photos::default());
    let mut weights = Weights::initial(&Model::by_name("resnet-tiny", 2, 32).unwrap(), 1);
    weights.get_mut("fc.weight").unwrap().data.fill(3e38);
    write(&project, "large.safetensors", &weights);
    let predict = |file: &str, more: &[&str]| {
        let call = bakeoff(&project).args(["predict", "--image", "32", "--weights", file, "photos/test/red"]);
        call.args(more.iter().copied()).run()
    };
    let ended = predict("large.safetensors", &[]);
    let said = "left out: photos/test/red/0.jpg: the network's output is not finite";
    assert!(ended.code == 1 && ended.stderr.contains(said), "{ended:?}");
    assert!(!ended.stdout.contains("NaN") && !ended.stdout.contains(".jpg"), "{ended:?}");
    let ended = predict("large.safetensors", &["--json"]);
    let json = ended.json();
    assert!(ended.code == 1 && json["images"].as_array().is_some_and(Vec::is_empty), "{ended:?}");
    assert_eq!(json["failed"].as_array().map(Vec::len), Some(8));
    weights.get_mut("fc.weight").unwrap().data.fill(0.1);
    weights.get_mut("layer1.0.bn1.running_var").unwrap().data[3] = -0.5;
    write(&project, "negative.safetensors", &weights);
    let study = study(&project, "resnet-tiny", "negative.safetensors");
    let planned = bakeoff(&project).args(["plan", &study, "--no-measure"]).run();
    for (ended, code) in [(predict("negative.safetensors", &[]), 1), (planned, 2)] {
        let said = "`layer1.0.bn1.running_var` holds 1 negative variances (first at index 3)";
        assert!(ended.code == code && ended.stderr.contains(said), "{ended:?}");
    }
}

#[test]
fn what_weights_do_not_say_of_their_images_and_classes_is_said_once_where_no_option_says_it() {
    let project = Project::new();
    project.photos(&Photos::default());
    let network = Model::by_name("resnet-tiny", 2, 32).unwrap();
    write(&project, "silent.safetensors", &Weights::initial(&network, 1));
    let asked = "the file does not say how it wants its images: taken as torchvision's";
    let numbered = "the file does not name its classes: they are numbered, `class 0` to `class 1`";
    for (more, said) in [
        (
            &[][..],
            "(224 px, shorter side to 256, central 224, ImageNet statistics); --image, --resize, --normalisation change it",
        ),
        (
            &["--image", "32"],
            "(shorter side to 37, central 32, ImageNet statistics); --resize, --normalisation change it",
        ),
        (
            &["--image", "32", "--normalisation", "unit"],
            "(shorter side to 37, central 32); --resize changes it",
        ),
        (&["--image", "32", "--normalisation", "unit", "--resize", "squash"], ""),
    ] {
        let call =
            bakeoff(&project).args(["predict", "--json", "--weights", "silent.safetensors", "photos/test"]);
        let ended = call.args(more.iter().copied()).run();
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(ended.stderr.matches(asked).count(), usize::from(!said.is_empty()), "{ended:?}");
        assert!(ended.stderr.contains(said), "{more:?}: {ended:?}");
        assert_eq!(ended.stderr.matches(numbered).count(), 1, "{ended:?}");
        let notes = ended.json()["notes"].to_string();
        assert!(notes.contains(numbered) && notes.contains(said), "{notes}");
    }
    let study = study(&project, "resnet-tiny", "silent.safetensors");
    let said = |command: &[&str]| {
        let ended = bakeoff(&project).args(command.iter().copied()).args([study.as_str()]).run();
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.stdout + &ended.stderr
    };
    assert!(said(&["plan", "--no-measure"]).contains(asked));
    assert!(said(&["preview", "--count", "1"]).contains(asked));
    assert!(said(&["run"]).contains(asked));
    let trial = "runs/study/trials/none/seed-1";
    let ended = bakeoff(&project).args(["predict", "--weights", trial, "photos/test"]).run();
    assert!(ended.code == 0 && !ended.stderr.contains("the file does not"), "{ended:?}");
    let file = fs::read_to_string(project.path(&study)).unwrap();
    let whole = "[preprocess]\nresize = { kind = \"squash\" }\nnormalisation = \"unit\"\n\n[compare]";
    fs::write(project.path(&study), file.replace("[compare]", whole)).unwrap();
    assert!(!said(&["plan", "--no-measure"]).contains(asked));
}

#[test]
fn test_images_that_the_weights_were_trained_on_are_counted() {
    let project = Project::new();
    project.photos(&Photos { per_class: 20, ..Photos::default() });
    fs::rename(project.path("photos/train"), project.path("flat")).unwrap();
    // Copies change the splits, and a plan has not looked at the images.
    for class in ["green", "red"] {
        for n in 0..6 {
            let file = |name: String| project.path(format!("flat/{class}/{name}.jpg"));
            fs::copy(file(n.to_string()), file(format!("copy{n}"))).unwrap();
        }
    }
    let study = project.study("[train]\nepochs = 1\n");
    let text = fs::read_to_string(project.path(&study)).unwrap();
    fs::write(project.path(&study), text.replace("\"photos\"", "\"flat\"")).unwrap();
    let run = bakeoff(&project).args(["run", &study]).run();
    assert_eq!(run.code, 0, "{run:?}");
    let trial = "runs/study/trials/none/seed-2/weights.safetensors";
    let with = |command: &[&str], weights: &str, more: &[&str]| {
        let set = format!("model.weights={weights}");
        let call = bakeoff(&project).args(command.iter().copied()).args([study.as_str(), "--set", &set]);
        let ended = call.args(more.iter().copied()).run();
        assert_eq!(ended.code, 0, "{ended:?}");
        ended.stdout + &ended.stderr
    };
    let plan = ["plan", "--no-measure"];
    // The same data set, split in the same way: the network has seen none.
    let said = with(&plan, trial, &[]);
    assert!(!said.contains("were training images") && !said.contains("may hold images"), "{said}");

    let more = ["--set", "data.test={ from = \"train\", fraction = 0.6 }", "--out", "second"];
    let said = with(&["run"], trial, &more);
    let ids = |file: &str, key: &str| -> Vec<String> {
        let text = fs::read_to_string(project.path(file)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value[key].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let theirs =
        [ids("runs/study/splits/test.json", "images"), ids("runs/study/splits/seed-2.json", "validation")]
            .concat();
    let test = ids("second/splits/test.json", "images");
    let seen = test.iter().filter(|id| !theirs.contains(id)).count();
    assert!(seen > 0);
    let counted = format!("{seen} of the {} test images here were training images of the trial", test.len());
    assert!(said.contains(&counted) && !said.contains("up to"), "{counted}: {said}");
    assert!(fs::read_to_string(project.path("second/log.txt")).unwrap().contains(&counted));
    assert!(with(&plan, trial, &more[..2]).contains(&counted));
    assert!(with(&["preview", "--count", "1"], trial, &more[..2]).contains(&counted));

    // Away from its run folder a file only says whose it is.
    fs::copy(project.path(trial), project.path("alone.safetensors")).unwrap();
    let said = with(&plan, "alone.safetensors", &[]);
    let whose = "these weights were trained by the study `study`; if that used the same images, the test split here may hold images";
    assert!(said.contains(whose), "{said}");
    // Images under other names are another data set, as far as names tell.
    for class in ["green", "red"] {
        for n in 0..20 {
            let file = |name: String| project.path(format!("flat/{class}/{name}.jpg"));
            fs::rename(file(n.to_string()), file(format!("other{n}"))).unwrap();
        }
    }
    assert!(with(&plan, trial, &[]).contains(whose));
    // Weights of others name no study.
    write(
        &project,
        "silent.safetensors",
        &Weights::initial(&Model::by_name("resnet-small", 2, 16).unwrap(), 1),
    );
    assert!(!with(&plan, "silent.safetensors", &[]).contains("these weights were trained by"));
}

#[test]
fn weights_in_parts_are_read_and_a_missing_part_is_named() {
    let project = Project::new();
    project.photos(&Photos::default());
    let network = Model::by_name("resnet-tiny", 2, 32).unwrap();
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let mut parts = [Weights::new(), Weights::new()];
    let mut map = serde_json::Map::new();
    let all = behind(&network, &["module."]);
    for (number, (name, tensor)) in all.iter().enumerate() {
        parts[number % 2].insert(name, tensor.clone());
        map.insert(name.into(), names[number % 2].into());
    }
    fs::create_dir(project.path("parts")).unwrap();
    for (name, part) in names.iter().zip(&parts) {
        write(&project, &format!("parts/{name}"), part);
    }
    let index = serde_json::json!({ "metadata": {}, "weight_map": map }).to_string();
    fs::write(project.path("parts/model.safetensors.index.json"), index).unwrap();
    write(&project, "whole.safetensors", &all);
    let predict = |weights: &str| {
        bakeoff(&project)
            .args(["predict", "--json", "--image", "32", "--weights", weights, "photos/test/red/0.jpg"])
            .run()
    };
    let whole = predict("whole.safetensors").json()["images"].clone();
    for way in ["parts", "parts/model.safetensors.index.json", "parts/model-00002-of-00002.safetensors"] {
        let ended = predict(way);
        assert!(ended.code == 0 && ended.json()["images"] == whole, "{way}: {ended:?}");
        let study = study(&project, "resnet-tiny", way);
        assert_eq!(bakeoff(&project).args(["plan", &study, "--no-measure"]).run().code, 0);
    }
    // Without an index all parts are read too, and no part of another trial is among them.
    fs::remove_file(project.path("parts/model.safetensors.index.json")).unwrap();
    let ended = predict("parts");
    assert!(ended.code == 0 && ended.json()["images"] == whole, "{ended:?}");
    assert!(ended.stderr.contains("its 2 parts are all read"), "{ended:?}");
    for (name, (part, seed)) in names.iter().zip(parts.iter().zip(["1", "2"])) {
        let told = HashMap::from([("seed".to_owned(), seed.to_owned())]);
        part.write(&project.path(format!("parts/{name}")), told).unwrap();
    }
    let ended = predict("parts");
    assert!(
        ended.code == 1 && ended.stderr.contains("are no parts of one network: their metadata's `seed`"),
        "{ended:?}"
    );
    fs::remove_file(project.path("parts/model-00002-of-00002.safetensors")).unwrap();
    for way in ["parts", "parts/model-00001-of-00002.safetensors"] {
        let ended = predict(way);
        assert!(
            ended.code == 1
                && ended.stderr.contains("model-00002-of-00002.safetensors of the 2 parts is not there"),
            "{ended:?}"
        );
    }
}

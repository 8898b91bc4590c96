//! Results of other trainers: read as they write them, and refused with the place of what is wrong.

use bakeoff_report::results::{Results, ResultsError, ResultsOptions, Source};
use bakeoff_report::{summarise_results, write_results};
use bakeoff_stats::Verdict;
use bakeoff_study::Headline;
use std::fmt::Write;
use std::path::{Path, PathBuf};

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Source {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        Source::of(path)
    }

    /// The error of one file, its folder left out.
    fn refused(&self, text: &str) -> String {
        let source = self.write("results.csv", text);
        let error = Results::read(&[source], &ResultsOptions::default()).unwrap_err().to_string();
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// Twenty images, six seeds; `cutmix` is right on five more of them than `none`, a different five in every seed.
fn predictions() -> String {
    let mut text = String::from("extra,image,correct,seed,recipe\n");
    for seed in 1..=6 {
        for image in 0..20 {
            let right = |gained: bool| (image * 7 + seed) % 20 < if gained { 15 } else { 10 };
            writeln!(text, "x,{image}.jpg,{},{seed},none", u8::from(right(false))).unwrap();
            writeln!(text, "x,{image}.jpg,{},{seed},cutmix", u8::from(right(true))).unwrap();
        }
    }
    text
}

fn read(source: Source) -> Results {
    Results::read(&[source], &ResultsOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn predictions_in_any_order_of_rows_and_columns_are_compared_like_a_study() {
    let files = Files::new();
    let results = read(files.write("results.csv", &predictions()));
    assert_eq!((results.metric.as_str(), results.images.len(), results.runs.len()), ("top1", 20, 12));
    let summary = summarise_results(&results, "none", 1.0).unwrap();
    let cutmix = &summary.recipes[1];
    let difference = cutmix.difference.as_ref().unwrap();
    assert_eq!((cutmix.name.as_str(), cutmix.verdict), ("cutmix", Some(Verdict::Better)));
    assert!((difference.mean - 0.25).abs() < 1e-12 && difference.low > 0.0 && difference.p == 0.03125);

    // The same rows the other way round.
    let text = predictions();
    let (header, rows) = text.split_once('\n').unwrap();
    let reversed: Vec<&str> = rows.lines().rev().collect();
    let again = read(files.write("results.csv", &format!("{header}\n{}\n", reversed.join("\n"))));
    let again = summarise_results(&again, "none", 1.0).unwrap();
    let of = |name: &str| again.recipes.iter().find(|r| r.name == name).unwrap().difference.clone();
    assert_eq!((of("none"), of("cutmix").unwrap().per_seed), (None, difference.per_seed.clone()));
    assert_eq!(of("cutmix").unwrap().low.to_bits(), difference.low.to_bits());
}

#[test]
fn true_and_false_labels_semicolons_and_quotes_mean_the_same() {
    let files = Files::new();
    let plain =
        read(files.write("results.csv", "recipe,seed,image,correct\na,1,x,1\na,1,y,0\nb,1,x,0\nb,1,y,0\n"));
    for text in [
        "recipe;seed;image;correct\na;1;x;True\na;1;y;False\nb;1;x;FALSE\nb;1;y;0.0\n",
        "\u{feff}Recipe\tSEED\timage\tlabel\tpredicted\r\na\t1\tx\tk\tk\r\na\t1\ty\tk\tl\r\nb\t1.0\tx\tk\tl\r\nb\t1\ty\tk\tm\r\n",
        "\"recipe\",seed,image,correct\n\"a\",1,\"x\",1\na,1,y,0\nb,1,x,0\nb,1,y,0",
    ] {
        let other = read(files.write("results.csv", text));
        assert_eq!(other.runs, plain.runs, "{text}");
    }
}

#[test]
fn probabilities_are_compared_by_their_mean_and_that_is_said() {
    let files = Files::new();
    let mut text = String::from("recipe,seed,image,probability\n");
    for seed in 1..=6 {
        for image in 0..10 {
            let p = 0.3 + 0.04 * f64::from(image) + 0.01 * f64::from(seed % 3);
            writeln!(text, "a,{seed},{image},{p}\nb,{seed},{image},{}", p + 0.1 + 0.001 * f64::from(seed))
                .unwrap();
        }
    }
    let results = read(files.write("results.csv", &text));
    let summary = summarise_results(&results, "a", 1.0).unwrap();
    assert_eq!(summary.metric, "probability");
    let difference = summary.recipes[1].difference.as_ref().unwrap();
    assert!((difference.mean - 0.1035).abs() < 1e-12, "{difference:?}");
    assert!(summary.warnings[0].contains("mean probability"), "{:?}", summary.warnings);
}

#[test]
fn logs_of_timm_keras_lightning_and_ultralytics_are_read_as_they_write_them() {
    let files = Files::new();
    let all: [(&str, &str, &str, f64); 4] = [
        (
            "timm/seed-1/summary.csv",
            "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n0,2.0,1.9,30.5,60.0,0.1\n1,1.5,1.4,41.25,70.5,0.05\n",
            "eval_top1",
            0.4125,
        ),
        (
            "keras/seed-1/log.csv",
            "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.2,2.0,0.25,1.9\n1,0.4,1.0,0.375,1.5\n",
            "val_accuracy",
            0.375,
        ),
        (
            "lightning/seed-1/lightning_logs/version_0/metrics.csv",
            "epoch,step,train_loss,val_acc,val_loss\n0,9,2.0,,\n0,9,,0.25,1.9\n1,19,1.5,,\n1,19,,0.5,1.4\n",
            "val_acc",
            0.5,
        ),
        (
            "ultralytics/seed-1/results.csv",
            "                  epoch,             train/loss,  metrics/accuracy_top1,  metrics/accuracy_top5\n 1, 2.0, 0.25, 0.5\n 2, 1.0, 0.625, 0.75\n",
            "metrics/accuracy_top1",
            0.625,
        ),
    ];
    for (name, text, metric, expected) in all {
        let results = read(files.write(name, text));
        let run = &results.runs[0];
        assert_eq!(results.metric, metric);
        assert_eq!((run.recipe.as_str(), run.seed), (name.split('/').next().unwrap(), 1), "{name}");
        assert!((run.value - expected).abs() < 1e-12, "{name}: {}", run.value);
        assert_eq!(run.epochs.iter().map(|e| e.epoch).collect::<Vec<_>>(), [1, 2], "{name}");
        assert!(run.epochs[1].train_loss.is_finite(), "{name}");
    }
    let timm = read(Source::of(files.path("timm/seed-1/summary.csv")));
    assert_eq!((timm.runs[0].top5, timm.runs[0].epochs[0].learning_rate), (Some(0.705), 0.1));
}

#[test]
fn the_epoch_that_counts_is_the_one_asked_for() {
    let files = Files::new();
    let log = "epoch,val_acc\n0,0.2\n1,0.6\n2,0.3\n3,0.5\n4,0.4\n";
    let source = files.write("a/seed-1/log.csv", log);
    for (headline, expected) in
        [(Headline::Last, 0.4), (Headline::BestOnValidation, 0.6), (Headline::MedianOfLast(3), 0.4)]
    {
        let options = ResultsOptions { headline, ..ResultsOptions::default() };
        let results = Results::read(std::slice::from_ref(&source), &options).unwrap();
        assert_eq!(results.runs[0].value, expected, "{headline}");
        assert_eq!(results.warnings.len(), usize::from(headline == Headline::BestOnValidation));
    }
}

#[test]
fn six_logs_a_recipe_give_a_verdict_and_a_page_with_curves() {
    let files = Files::new();
    let mut sources = Vec::new();
    for (recipe, level) in [("none", 40.0), ("mixup", 45.0)] {
        for seed in 1..=6 {
            let mut text = String::from("epoch,train_loss,eval_loss,eval_top1,eval_top5\n");
            for epoch in 0..5 {
                let top1 = level - 10.0 / f64::from(epoch + 1) + 0.1 * f64::from(seed);
                writeln!(text, "{epoch},1.0,1.0,{top1},{}", top1 + 20.0).unwrap();
            }
            sources.push(files.write(&format!("{recipe}/seed-{seed}/summary.csv"), &text));
        }
    }
    let results = Results::read(&sources, &ResultsOptions::default()).unwrap();
    let report =
        write_results(&results, "none", 1.0, &files.path("out"), bakeoff_report::Language::English).unwrap();
    assert_eq!(report.summary.recipes[1].verdict, Some(Verdict::Better));
    assert_eq!((report.summary.metric.as_str(), report.summary.headline.as_str()), ("eval_top1", "last"));
    let page = std::fs::read_to_string(&report.page).unwrap();
    assert!(page.contains("mixup") && page.contains("Learning curves") && !page.contains("NaN"));
    for text in
        ["Difference in eval_top1 from", "eval_top1, %", "is not known here", "--baseline none --margin 1 "]
    {
        assert!(page.contains(text), "{text}");
    }
}

/// Left in the build folder's `tmp/reports/elsewhere` to be looked at.
#[test]
fn a_page_of_results_from_elsewhere_claims_nothing_that_is_not_known() {
    let files = Files::new();
    let results = read(files.write("results.csv", &predictions()));
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports/elsewhere");
    let report = write_results(&results, "none", 1.0, &out, bakeoff_report::Language::English).unwrap();
    let page = std::fs::read_to_string(&report.page).unwrap();
    for text in [
        "A seed gives every recipe the same",
        "The test images were used once per trial",
        "No pictures were kept",
        "before the images were looked at",
        "bakeoff run study.toml",
        "Every planned trial",
        "NaN",
    ] {
        assert!(!page.contains(text), "{text}");
    }
    for text in [
        "These results were trained elsewhere",
        "as the files give it",
        "bakeoff compare FILES --baseline none",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let files = Files::new();
    for (text, words) in [
        ("", "results.csv holds no results: it has no header line"),
        ("recipe,seed,image,correct\n", "results.csv holds no results: it has a header line and no rows"),
        (
            "recipe,seed,img,correct\na,1,x,1\n",
            "results.csv:1: column `image` is missing; the columns are `recipe`, `seed`, `img` and `correct`",
        ),
        ("recipe,seed,imagee,correct\na,1,x,1\n", "is it `imagee`? Rename it"),
        ("recipe,image,correct\na,x,1\n", "column `seed` is missing"),
        ("recipe,seed,image,score\na,1,x,1\n", "column `correct` is missing"),
        ("a,1,x,1\n", "column `recipe` is missing"),
        ("epoch,loss\n0,1.0\n", "Say which column holds the accuracy: --metric NAME"),
        ("recipe,seed,epoch,val_acc\na,1,0,\n", "no row has a value of the metric"),
        ("epoch,val_acc\n0,0.5\n", "which recipe and seed it is of cannot be told from its path"),
    ] {
        let told = files.refused(text);
        assert!(told.contains(words), "{text:?}: {told}");
    }
}

#[test]
fn a_wrong_value_is_named_with_line_and_column() {
    let files = Files::new();
    let head = "recipe,seed,image,correct\na,1,x,1\n";
    for (row, words) in [
        ("a,one,x,1", "results.csv:3: column 2 (`seed`): `one` is no seed"),
        ("a,-1,x,1", "results.csv:3: column 2 (`seed`): `-1` is no seed"),
        ("a,,x,1", "results.csv:3: column 2 (`seed`): is empty"),
        ("a,1,y,maybe", "results.csv:3: column 4 (`correct`): `maybe`; must be 0, 1, true or false"),
        ("a,1,y,0.7", "results.csv:3: column 4 (`correct`): `0.7`"),
        ("a,1,y,", "results.csv:3: column 4 (`correct`): is empty"),
        (",1,y,1", "results.csv:3: column 1 (`recipe`): is empty"),
        ("a,1,,1", "results.csv:3: column 3 (`image`): is empty"),
        ("a,1,x,0", "results.csv:3: recipe \"a\", seed 1 has image \"x\" a second time"),
        ("a,1,y", "results.csv:3: 3 values, but the header has 4 columns"),
    ] {
        let told = files.refused(&format!("{head}{row}\n"));
        assert!(told.contains(words), "{row:?}: {told}");
    }
    for (value, words) in [
        ("1.2", "column 4 (`probability`): `1.2` is outside [0, 1]; divide percent by 100"),
        ("-0.1", "is outside [0, 1]"),
        ("nan", "is not a number"),
        ("half", "column 4 (`probability`): `half` is not a number"),
    ] {
        let told = files.refused(&format!("recipe,seed,image,probability\na,1,x,{value}\n"));
        assert!(told.contains(words) && told.contains("results.csv:2"), "{value:?}: {told}");
    }
    let told = files.refused("recipe,seed,epoch,val_acc\na,1,0,0.5\na,1,1,140\n");
    assert!(
        told.contains("results.csv:3: column 4 (`val_acc`): 140 is neither a fraction nor percent"),
        "{told}"
    );
    let told = files.refused("recipe,seed,image,label,predicted\na,1,x,cat,cat\nb,1,x,dog,cat\n");
    assert!(told.contains("results.csv:3: column 4 (`label`)") && told.contains("earlier row"), "{told}");
    std::fs::write(files.path("bytes.csv"), b"recipe,seed,image,correct\n\xff,1,x,1\n").unwrap();
    let error =
        Results::read(&[Source::of(files.path("bytes.csv"))], &ResultsOptions::default()).unwrap_err();
    assert!(error.to_string().contains("bytes.csv:2: column 1 is not UTF-8 text"), "{error}");
}

#[test]
fn runs_of_other_images_are_refused_with_an_example() {
    let files = Files::new();
    let told = files.refused("recipe,seed,image,correct\na,1,x,1\na,1,y,0\na,1,z,0\nb,1,x,1\nb,1,w,1\n");
    assert!(told.contains("recipe \"a\", seed 1 lacks 1 of 4 test images, such as \"w\""), "{told}");
    let told = files.refused("recipe,seed,image,correct\na,1,x,1\na,1,y,0\na,2,x,0\n");
    assert!(told.contains("recipe \"a\", seed 2 lacks 1 of 2 test images, such as \"y\""), "{told}");
}

#[test]
fn a_baseline_that_is_not_there_is_answered_with_the_nearest_name() {
    let files = Files::new();
    let results = read(files.write("results.csv", &predictions()));
    let error = results.baseline(Some("nome")).unwrap_err().to_string();
    assert!(error.contains("did you mean \"none\"?") && error.contains("\"cutmix\""), "{error}");
    assert_eq!(results.baseline(None).unwrap(), "none");
    let one = read(files.write("one.csv", "recipe,seed,image,correct\nnone,1,x,1\n"));
    assert!(matches!(one.baseline(None), Err(ResultsError::OneRecipe { .. })));
    let other = read(files.write("ab.csv", "recipe,seed,image,correct\na,1,x,1\nb,1,x,1\n"));
    assert!(matches!(other.baseline(None), Err(ResultsError::NoBaseline { .. })));
}

#[test]
fn one_seed_or_seeds_without_a_partner_give_no_number_that_looks_like_an_answer() {
    let files = Files::new();
    let one = read(files.write("one.csv", "recipe,seed,image,correct\na,1,x,1\na,1,y,0\nb,1,x,1\nb,1,y,1\n"));
    let summary = summarise_results(&one, "a", 1.0).unwrap();
    assert_eq!(
        (summary.recipes[1].verdict, &summary.recipes[1].difference),
        (Some(Verdict::Undecided), &None)
    );
    assert!(summary.recipes[1].reason.as_ref().unwrap().contains("single pair"), "{summary:?}");

    let apart = read(files.write("apart.csv", "recipe,seed,accuracy\na,1,0.5\na,2,0.6\nb,3,0.7\nb,2,0.8\n"));
    let summary = summarise_results(&apart, "a", 1.0).unwrap();
    let told = &summary.warnings[0];
    assert!(told.contains("seed 3 of b and seed 1 of a left out"), "{told}");
    let lone = read(files.write("lone.csv", "recipe,seed,accuracy\na,1,0.5\nb,3,0.7\n"));
    let summary = summarise_results(&lone, "a", 1.0).unwrap();
    assert_eq!(summary.recipes[1].verdict, None);
    assert_eq!(summary.answer, "No answer yet: no recipe shares a finished seed with a.");
}

#[test]
fn two_logs_of_one_run_and_files_of_two_kinds_are_refused() {
    let files = Files::new();
    let log = "epoch,val_acc\n0,0.5\n";
    let twice = [files.write("a/seed-1/x.csv", log), files.write("a/seed-1/y.csv", log)];
    let read =
        |sources: &[Source]| Results::read(sources, &ResultsOptions::default()).unwrap_err().to_string();
    assert!(read(&twice).contains("recipe \"a\", seed 1 was already read from"));
    let mixed = [files.write("a/seed-1/x.csv", log), files.write("r.csv", &predictions())];
    assert!(read(&mixed).contains("give files of one kind"));
    assert!(read(&[Source::of(Path::new("no-such.csv"))]).contains("cannot read no-such.csv"));
}

//! Results of other trainers: read as they write them, and refused with the place of what is wrong.

use bakeoff_evidence::results::{MetricUnit, Pattern, Results, ResultsError, ResultsOptions, Source};
use bakeoff_findings::aggregate::{DataSet, aggregate};
use bakeoff_findings::summarise_results;
use bakeoff_report::write_results;
use bakeoff_stats::{Direction, Unit, Verdict};
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
        ("recipe,seed,val_loss\na,1,0.5\n", "Say which column holds what a run came to: --metric NAME"),
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
    assert!(told.contains("results.csv:3: `val_acc`: 140 is neither a fraction nor percent"), "{told}");
    let told = files.refused("recipe,seed,image,label,predicted\na,1,x,cat,cat\nb,1,x,dog,cat\n");
    assert!(told.contains("results.csv:3: column 4 (`label`)") && told.contains("earlier row"), "{told}");
    std::fs::write(files.path("bytes.csv"), b"recipe,seed,image,correct\n\xff,1,x,1\n").unwrap();
    let read = read(Source::of(files.path("bytes.csv")));
    assert_eq!(read.runs[0].recipe, "ÿ");
    assert!(read.warnings[0].contains("read as Windows-1252: line 2 holds \"ÿ\""), "{:?}", read.warnings);
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

/// Logs of six seeds of two recipes: none ends at `level`, cutmix `gap` above.
fn logs(files: &Files, metric: &str, level: f64, gap: f64) -> Vec<Source> {
    let mut sources = Vec::new();
    for (recipe, level) in [("none", level), ("cutmix", level + gap)] {
        for seed in 1..=6 {
            let mut text = format!("epoch,train_loss,{metric}\n");
            for epoch in 0..4 {
                let value = level * (1.0 + 0.1 * f64::from(3 - epoch)) + 0.001 * f64::from(seed);
                writeln!(text, "{epoch},1.5,{value:.4}").unwrap();
            }
            sources.push(files.write(&format!("{recipe}/seed-{seed}/log.csv"), &text));
        }
    }
    sources
}

fn asked(metric: &str) -> ResultsOptions {
    ResultsOptions { metric: Some(metric.into()), ..ResultsOptions::default() }
}

/// The value of the only run, or the error, of a log.
fn value(text: &str) -> Result<(f64, Vec<String>), String> {
    let files = Files::new();
    let source = files.write("a/seed-1/log.csv", text);
    let results = Results::read(&[source], &ResultsOptions::default()).map_err(|error| error.to_string())?;
    Ok((results.runs[0].value, results.warnings))
}

#[test]
fn of_losses_the_lower_is_better_wherever_something_is_said() {
    let files = Files::new();
    for (metric, unit) in [("val_loss", Unit::Plain), ("test_error", Unit::Percent)] {
        let sources = logs(&files, metric, 0.6, -0.1);
        let results = Results::read(&sources, &asked(metric)).unwrap();
        assert_eq!((results.measure.direction, results.measure.unit), (Direction::LowerIsBetter, unit));
        assert!(results.notes[0].contains("lower is better"), "{:?}", results.notes);
        let summary = summarise_results(&results, "none", 0.0).unwrap();
        let cutmix = summary.recipes.iter().find(|r| r.name == "cutmix").unwrap();
        assert_eq!(cutmix.verdict, Some(Verdict::Better), "{metric}");
        assert!(summary.answer.starts_with("Use cutmix. Better than none: cutmix by "), "{}", summary.answer);
        assert!(summary.answer.ends_with(&format!("(Lower {metric} is better.)")), "{}", summary.answer);
        let lines = summary.verdict_lines().join("\n");
        assert!(lines.contains(metric) && lines.contains("better"), "{lines}");
        let out = files.path(&format!("out-{metric}"));
        let report = write_results(&results, "none", 0.0, &out, bakeoff_report::Language::English).unwrap();
        let page = std::fs::read_to_string(&report.page).unwrap();
        for text in
            ["lower is better", "낮을수록 좋", "← better than none", "worse than none →", "none보다 나쁨 →"]
        {
            assert!(page.contains(text), "{metric}: {text}");
        }
        for text in ["Validation accuracy per epoch", "Where the curves cross", "--margin 0", "±0"] {
            assert!(!page.contains(text), "{metric}: {text}");
        }
        if unit == Unit::Plain {
            assert!(!lines.contains('%') || !lines.contains("points"), "{lines}");
            assert!(page.contains("difference in val_loss") && !page.contains("points of val_loss"));
        }
    }
    // The other way round it is worse, and the epoch with the lowest loss is the best.
    let sources = logs(&files, "val_loss", 0.6, 0.1);
    let headline = Headline::BestOnValidation;
    let results = Results::read(&sources, &ResultsOptions { headline, ..asked("val_loss") }).unwrap();
    let summary = summarise_results(&results, "none", 0.0).unwrap();
    assert_eq!(summary.recipes[1].verdict, Some(Verdict::Worse));
    let values = &results.runs[0].epochs;
    let lowest = values.iter().map(|e| e.validation_top1).fold(f64::INFINITY, f64::min);
    assert_eq!(results.runs[0].value, lowest);
}

#[test]
fn a_name_that_does_not_tell_which_way_is_good_is_refused_unless_it_is_said() {
    let files = Files::new();
    let sources = logs(&files, "score", 0.6, 0.1);
    let error = Results::read(&sources, &asked("score")).unwrap_err().to_string();
    assert!(error.contains("say --higher-is-better or --lower-is-better"), "{error}");
    for (direction, verdict) in
        [(Direction::HigherIsBetter, Verdict::Better), (Direction::LowerIsBetter, Verdict::Worse)]
    {
        let options = ResultsOptions { direction: Some(direction), ..asked("score") };
        let results = Results::read(&sources, &options).unwrap();
        let summary = summarise_results(&results, "none", 0.0).unwrap();
        assert_eq!(summary.recipes[1].verdict, Some(verdict));
    }
    // What is said goes before the name.
    let sources = logs(&files, "val_acc", 0.6, 0.1);
    let options = ResultsOptions { direction: Some(Direction::LowerIsBetter), ..ResultsOptions::default() };
    assert_eq!(Results::read(&sources, &options).unwrap().measure.direction, Direction::LowerIsBetter);
}

#[test]
fn over_data_sets_the_lower_is_better_too_and_directions_are_not_mixed() {
    let files = Files::new();
    let set = |name: &str, metric: &str, gap: f64, level: f64| {
        let results = Results::read(&logs(&files, metric, level, gap), &asked(metric)).unwrap();
        DataSet::of_results(&Results { name: name.into(), ..results }, "none", 0.0).unwrap()
    };
    let (a, b) = (set("a", "val_loss", -0.1, 0.6), set("b", "val_loss", -0.2, 2.0));
    let all = aggregate(&[a.clone(), b]).unwrap();
    let p = all.recipes[1].probability_of_improvement.unwrap();
    assert_eq!(p.value, 1.0);
    assert!(
        all.answer.contains("cutmix 1.00") && all.answer.contains("Lower val_loss is better"),
        "{}",
        all.answer
    );
    let other = set("c", "val_acc", 0.1, 0.5);
    let error = aggregate(&[a, other]).unwrap_err().to_string();
    assert!(
        error.contains("val_loss (last, lower is better)") && error.contains("cannot be taken together"),
        "{error}"
    );
}

#[test]
fn logs_in_fractions_are_never_compared_with_logs_in_percent() {
    let files = Files::new();
    let log =
        |values: [&str; 3]| format!("epoch,val_acc\n0,{}\n1,{}\n2,{}\n", values[0], values[1], values[2]);
    let percent = files.write("a/seed-1/log.csv", &log(["58.1", "60", "69.8"]));
    let read = |sources: &[Source], options: ResultsOptions| {
        Results::read(sources, &options).map_err(|error| error.to_string())
    };
    let both = [percent.clone(), files.write("b/seed-1/log.csv", &log(["0.5", "0.6", "0.698"]))];
    let told = read(&both, ResultsOptions::default()).unwrap_err();
    assert!(
        told.contains("at most 0.698 there, as fractions are, but reaches 69.8 in")
            && told.contains("--unit"),
        "{told}"
    );
    // A run that learnt nothing: only its user knows.
    let dead = [percent.clone(), files.write("c/seed-1/log.csv", &log(["0.9", "0.9", "0.9"]))];
    assert!(read(&dead, ResultsOptions::default()).is_err());
    let unit = Some(MetricUnit::Percent);
    let values =
        |results: Results| results.runs.iter().map(|r| (r.value * 1e6).round() / 1e6).collect::<Vec<_>>();
    assert_eq!(
        values(read(&dead, ResultsOptions { unit, ..ResultsOptions::default() }).unwrap()),
        [0.698, 0.009]
    );
    // Another accuracy of the file tells, where the other files are percent.
    let text = "epoch,val_acc,val_top5\n0,0.9,4.5\n1,0.9,5.0\n";
    let top5 = [percent.clone(), files.write("d/seed-1/log.csv", text)];
    let results = read(&top5, ResultsOptions::default()).unwrap();
    assert!(results.warnings.iter().any(|w| w.contains("read as percent")), "{:?}", results.warnings);
    assert_eq!(values(results), [0.698, 0.009]);
    // A sign is a unit.
    let signed = [
        files.write("e/seed-1/log.csv", &log(["58.1%", "60 %", "69.8%"])),
        files.write("f/seed-1/log.csv", &log(["0.9%", "0.8%", "0.9%"])),
    ];
    assert_eq!(values(read(&signed, ResultsOptions::default()).unwrap()), [0.698, 0.009]);
    for (text, words) in [
        (log(["58.1", "64.4", "0.66"]), "at line 4 `val_acc` goes from 64.4 to 0.66, as if"),
        (
            "epoch,val_acc,accuracy\n0,0.6,70\n1,0.698,80\n".into(),
            "but `accuracy` reaches 80 in the same file",
        ),
        ("epoch,eval_top1\n0,0.6\n1,0.698\n".into(), "timm writes `eval_top1` in percent"),
        (log(["58%", "60", "69.8"]), "some values of `val_acc` have a percent sign"),
    ] {
        let told = value(&text).unwrap_err();
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn values_that_were_not_measured_are_no_values() {
    for (rows, expected) in [
        ("0,0.5\n1,0.6\n2,nan\n", 0.6),
        ("0,0.5\n1,\n2,0.7\n3,\n", 0.7),
        ("0,nan\n1,0.6\n", 0.6),
        ("0,NA\n1,None\n2,0.6\n3,-\n", 0.6),
        ("0,0.5\n1,inf\n", 0.5),
    ] {
        let (found, warnings) = value(&format!("epoch,val_acc\n{rows}")).unwrap();
        assert_eq!(found, expected, "{rows}");
        let diverged = rows.trim_end().ends_with("nan") || rows.trim_end().ends_with("inf");
        assert_eq!(warnings.iter().any(|w| w.contains("diverged")), diverged, "{warnings:?}");
    }
    let told = value("epoch,val_acc\n0,nan\n1,nan\n").unwrap_err();
    assert!(told.contains("recipe \"a\", seed 1 has no epoch with a value of `val_acc` but NaN"), "{told}");
}

#[test]
fn the_order_of_epochs_is_that_of_the_rows_and_what_was_decided_is_said() {
    let rows = |epochs: &[&str]| {
        let mut text = String::from("epoch,val_acc\n");
        epochs.iter().zip(1..).for_each(|(epoch, at)| writeln!(text, "{epoch},0.{at:02}").unwrap());
        text
    };
    for (epochs, expected, words) in [
        (
            &["0", "1", "2", "3", "0", "1"][..],
            0.06,
            "line 6 the epoch falls back from 3 to 0. This was taken for another stage",
        ),
        (
            &["0", "1", "2", "3", "2", "3", "4"],
            0.07,
            "line 6 the epoch falls back from 3 to 2. This was taken for training that was resumed",
        ),
        (&["3", "2", "1", "0"], 0.01, "read from its end"),
        (&["0", "1", "1"], 0.03, "epoch 1 was measured again at line 4"),
        (&["0.98", "1.97", "2.95"], 0.03, ""),
        (&["0.0", "1.0", "2.0"], 0.03, ""),
        (&["5", "10", "15"], 0.03, ""),
    ] {
        let (found, warnings) = value(&rows(epochs)).unwrap();
        assert_eq!(found, expected, "{epochs:?}");
        assert_eq!(warnings.len(), usize::from(!words.is_empty()), "{warnings:?}");
        assert!(warnings.iter().all(|w| w.contains(words) && w.contains("log.csv")), "{warnings:?}");
    }
}

#[test]
fn lines_that_are_no_epoch_stop_nothing() {
    let plain = "epoch,val_acc,lr\n0,0.5,0.1\n1,0.6984,0.1\n";
    for (text, warned) in [
        (plain.to_owned(), false),
        (plain.replace("\n1,", "\nepoch,val_acc,lr\n1,"), false),
        (plain.replace("\n1,", "\n\nEpoch,val_acc,lr\n1,"), false),
        (plain.replace("lr\n", "lr,\n").replace("0.1\n", "0.1,\n"), false),
        (format!("{plain}2,0.7"), true),
        (format!("{plain}2,"), true),
        (format!("{plain}2,0.7,"), false),
        (format!("{plain}2,\"0.7"), true),
        (plain.replace("0.6984,0.1\n", "0.6984,lots\n"), true),
    ] {
        let (found, warnings) = value(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let expected = if text.ends_with("2,0.7,") { 0.7 } else { 0.6984 };
        assert_eq!(found, expected, "{text:?}");
        assert_eq!(!warnings.is_empty(), warned, "{text:?}: {warnings:?}");
        assert!(warnings.iter().all(|w| w.contains("log.csv")), "{warnings:?}");
    }
    // A number that breaks off.
    let (found, warnings) = value("epoch,val_acc\n0,0.5012\n1,0.6984\n2,0.7").unwrap();
    assert!(found == 0.6984 && warnings[0].contains("its last line, 4, breaks off"), "{warnings:?}");
    let told = value("epoch,val_acc\n0,0.5\nepoch,loss\n1,0.6\n").unwrap_err();
    assert!(told.contains("log.csv:3: column 1 (`epoch`): `epoch`: another header"), "{told}");
    let told = value("epoch,val_acc\n0,0,5\n1,0,6\n").unwrap_err();
    assert!(told.contains("decimal commas"), "{told}");
}

#[test]
fn every_kind_of_file_is_read_however_it_is_written() {
    let kinds = [
        (
            "recipe,seed,image,label,predicted\nnone,1,ä.jpg,k,k\nnone,1,b.jpg,k,l\ncutmix,1,ä.jpg,k,k\ncutmix,1,b.jpg,k,k\n",
            1.0,
        ),
        ("recipe,seed,accuracy\nnone,1,0.5\ncutmix,1,0.625\n", 0.625),
        (
            "recipe,seed,image,probability\nnone,1,x,0.5\nnone,1,y,0.25\ncutmix,1,x,0.75\ncutmix,1,y,0.5\n",
            0.625,
        ),
        ("recipe,seed,epoch,val_acc\nnone,1,0,0.25\nnone,1,1,0.5\ncutmix,1,0,0.5\ncutmix,1,1,0.625\n", 0.625),
    ];
    let files = Files::new();
    for (text, expected) in kinds {
        for delimiter in [',', ';', '\t', '|'] {
            for comma in [false, true] {
                if comma && delimiter == ',' {
                    continue;
                }
                let number = |cell: &str| {
                    let digits = cell.contains('.') && cell.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                    if comma && digits { cell.replace('.', ",") } else { cell.to_owned() }
                };
                let line =
                    |line: &str| line.split(',').map(number).collect::<Vec<_>>().join(&delimiter.to_string());
                let body: String = text.lines().map(|text| line(text) + "\r\n").collect();
                let declared = format!("sep={delimiter}\r\n{body}");
                let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
                for bytes in [
                    body.clone().into_bytes(),
                    declared.clone().into_bytes(),
                    format!("\u{feff}{body}").into_bytes(),
                    wide(&format!("\u{feff}{declared}")),
                    wide(&body),
                    body.replace("\r\n", "\r").into_bytes(),
                ] {
                    let path = files.path("file.csv");
                    std::fs::write(&path, bytes).unwrap();
                    let results = Results::read(&[Source::of(&path)], &ResultsOptions::default())
                        .unwrap_or_else(|error| panic!("{body}: {error}"));
                    let cutmix = results.runs.iter().find(|run| run.recipe == "cutmix").unwrap();
                    assert_eq!(cutmix.value, expected, "{body}");
                    assert!(results.warnings.iter().all(|w| !w.contains("UTF-8")), "{:?}", results.warnings);
                }
            }
        }
    }
}

/// Predictions of two recipes for 20 images of two classes, all right but for one of the baseline's.
fn named(labels: [&str; 2], predictions: [&str; 2]) -> String {
    let mut text = String::from("recipe,seed,image,label,predicted\n");
    for recipe in ["none", "cutmix"] {
        for image in 0..20 {
            let class = image % 2;
            let wrong = recipe == "none" && image == 7;
            let predicted = predictions[if wrong { 1 - class } else { class }];
            writeln!(text, "{recipe},1,{image},{},{predicted}", labels[class]).unwrap();
        }
    }
    text
}

#[test]
fn labels_and_predictions_have_to_be_of_the_same_words() {
    let files = Files::new();
    for (labels, predictions) in [
        (["0", "1"], ["0.0", "1.0"]),
        (["0.0", "1.0"], ["0", "1"]),
        (["00", "01"], ["0", "1"]),
        (["cat", "dog"], ["cat", "dog"]),
        (["caf\u{e9}", "dog"], ["cafe\u{301}", "dog"]),
    ] {
        let results = read(files.write("p.csv", &named(labels, predictions)));
        let values: Vec<f64> = results.runs.iter().map(|run| run.value).collect();
        assert_eq!(values, [0.95, 1.0], "{labels:?}");
        assert!(
            results.warnings[0].starts_with("Every run of cutmix (100 %) is exactly"),
            "{:?}",
            results.warnings
        );
    }
    for (labels, predictions, words) in [
        (["cat", "dog"], ["0", "1"], "a label is \"cat\" and a prediction \"0\": names beside numbers"),
        (["0", "1"], ["cat", "dog"], "a label is \"0\" and a prediction \"cat\": numbers beside names"),
        (
            ["Cat", "Dog"],
            ["cat", "dog"],
            "a label is \"Cat\" and a prediction \"cat\", which differ in letter case only",
        ),
        (
            ["cat", "Dog"],
            ["cat", "dog"],
            "a label is \"Dog\" and a prediction \"dog\", which differ in letter case only",
        ),
        (["cat", "dog"], ["n01", "n02"], "a label is \"cat\" and a prediction \"n01\""),
    ] {
        let told = files.refused(&named(labels, predictions));
        assert!(told.contains(words), "{told}");
    }
    // Ten classes, counted from one and from zero.
    let mut text = String::from("recipe,seed,image,label,predicted\n");
    for recipe in ["none", "cutmix"] {
        (0..40).for_each(|i| writeln!(text, "{recipe},1,{i},{},{}", i % 10 + 1, i % 10).unwrap());
    }
    let told = files.refused(&text);
    assert!(told.contains("0 % of the predictions are right, but 100 % would be"), "{told}");
}

#[test]
fn equal_duplicates_are_dropped_and_unequal_ones_refused() {
    let files = Files::new();
    let padded =
        |last: &str| format!("recipe,seed,image,correct\na,1,x,1\na,1,y,0\nb,1,x,1\nb,1,y,0\n{last}\n");
    let results = read(files.write("p.csv", &padded("a,1,x,1")));
    assert_eq!((results.images.len(), results.runs[0].value), (2, 0.5));
    assert!(
        results.warnings[0].contains("line 6 says of recipe a, seed 1 and image x what line 2 said"),
        "{:?}",
        results.warnings
    );
    let told = files.refused(&padded("a,1,x,0"));
    assert!(told.contains("results.csv:6: ") && told.contains("something else of it than line 2"), "{told}");
    let results = read(files.write("r.csv", "recipe,seed,accuracy\na,1,0.5\na,1.0,0.5\nb,1,0.6\n"));
    assert!(results.runs.len() == 2 && results.warnings[0].contains("line 3"), "{:?}", results.warnings);
    let told = files.refused("recipe,seed,accuracy\na,1,0.5\na,1,0.6\n");
    assert!(told.contains("results.csv:3: ") && told.contains("another value on line 2"), "{told}");
}

#[test]
fn the_metric_that_was_asked_for_is_the_one_that_is_compared() {
    let files = Files::new();
    let runs = files.write("r.csv", "recipe,seed,accuracy,f1,val_loss\na,1,0.5,0.75,2.5\nb,1,0.5,0.5,2.25\n");
    let results = Results::read(std::slice::from_ref(&runs), &asked("f1")).unwrap();
    assert_eq!((results.metric.as_str(), results.runs[0].value), ("f1", 0.75));
    let results = Results::read(std::slice::from_ref(&runs), &asked("val_loss")).unwrap();
    assert_eq!((results.measure.direction, results.runs[0].value), (Direction::LowerIsBetter, 2.5));
    let both = files.write("p.csv", "recipe,seed,image,correct,probability\na,1,x,1,0.5\nb,1,x,1,0.75\n");
    let results = Results::read(std::slice::from_ref(&both), &asked("probability")).unwrap();
    assert_eq!(results.runs[0].value, 0.5);
    let told = Results::read(&[both], &asked("f1")).unwrap_err().to_string();
    assert!(told.contains("`f1` is none of them"), "{told}");
}

#[test]
fn names_that_are_alike_are_told_apart_and_said() {
    let files = Files::new();
    let results = read(files.write(
        "r.csv",
        "recipe,seed,accuracy\nCutMix,1,0.5\ncutmix,2,0.5\nnone,1,0.6\ne\u{301},1,0.5\n\u{e9},2,0.5\n",
    ));
    assert_eq!(results.recipes(), ["CutMix", "cutmix", "none", "\u{e9}"]);
    let told = results.warnings.iter().find(|w| w.contains("alike")).unwrap();
    assert!(told.contains("\"CutMix\" and \"cutmix\" (they differ in letter case)"), "{told}");
}

#[test]
fn a_column_of_right_and_wrong_that_contradicts_the_classes_is_said() {
    let files = Files::new();
    let head = "recipe,seed,image,correct,label,predicted\n";
    let results = read(files.write("p.csv", &format!("{head}a,1,x,yes,cat,dog\nb,1,x,No,cat,dog\n")));
    assert_eq!(results.runs[0].value, 1.0);
    assert!(
        results.warnings[0]
            .contains("line 2: `correct` is `yes`, but the label is \"cat\" and the prediction \"dog\""),
        "{:?}",
        results.warnings
    );
}

#[test]
fn a_column_that_stands_twice_is_refused() {
    let files = Files::new();
    let told = files.refused("recipe,seed,image,correct,Correct\na,1,x,1,0\n");
    assert!(told.contains("results.csv:1: columns 4 and 5 are both called `correct`"), "{told}");
}

#[test]
fn a_log_that_changes_its_unit_midway_is_refused_wherever_it_does() {
    let log = |metric: &str, values: &[f64], restart: usize| {
        let mut text = format!("epoch,{metric}\n");
        for (at, value) in values.iter().enumerate() {
            let epoch = if at >= restart { at - restart } else { at };
            writeln!(text, "{epoch},{value}").unwrap();
        }
        text
    };
    let accuracies = [35.2, 53.18, 60.96, 64.9, 68.01, 68.75];
    let errors = accuracies.map(|value| 100.0 - value);
    for (metric, percent) in [("val_acc", accuracies), ("val_f1", accuracies), ("val_err", errors)] {
        let fractions = percent.map(|value| value / 100.0);
        // A second training appended, and one that goes on in another unit, early and late.
        let mut all = vec![
            (log(metric, &[percent, fractions].concat(), 6), 8),
            (log(metric, &[fractions, percent].concat(), 6), 8),
        ];
        for at in 2..6 {
            all.push((log(metric, &[&percent[..at], &fractions[at..]].concat(), 9), at + 2));
            all.push((log(metric, &[&fractions[..at], &percent[at..]].concat(), 9), at + 2));
        }
        for (text, line) in all {
            let files = Files::new();
            let source = files.write("a/seed-1/log.csv", &text);
            let told = Results::read(&[source], &asked(metric)).unwrap_err().to_string();
            assert!(told.contains(&format!("at line {line} `{metric}` goes from")), "{text}: {told}");
            assert!(told.contains("another unit"), "{told}");
        }
    }
    // Any ratio.
    for first in [0.1, 0.3, 0.6613, 1.0] {
        let told = value(&log("val_acc", &[10.467, 15.66, 18.339, first, 0.6795, 0.6882], 9)).unwrap_err();
        assert!(told.contains("at line 5 "), "{told}");
    }
    // Percent throughout: a slow start, errors that get small, a network that collapsed.
    for (metric, values) in [
        ("val_acc", &[0.4, 0.9, 3.0, 9.0, 30.0][..]),
        ("val_acc", &[0.1, 0.1, 0.1, 30.0, 40.0]),
        ("val_acc", &[1.0, 1.0, 4.0, 12.0, 30.0]),
        ("val_acc", &[30.0, 60.0, 1.0, 1.0, 1.0]),
        ("val_acc", &[30.0, 60.0, 0.1, 0.1, 0.1]),
        ("val_err", &[11.0, 3.1, 1.2, 0.9, 0.8]),
        ("val_err", &[9.0, 0.9, 0.8, 0.7]),
    ] {
        let files = Files::new();
        let source = files.write("a/seed-1/log.csv", &log(metric, values, 9));
        Results::read(&[source], &asked(metric)).unwrap_or_else(|error| panic!("{values:?}: {error}"));
    }
}

#[test]
fn runs_that_are_the_same_to_the_last_digit_are_refused_or_said() {
    // What a run writes: a log, right and wrong, classes, probabilities. Numbers hang on `of` alone.
    let image = |of: usize, image: usize| (image * 7 + of * 3) % 20 < 11;
    type Rows<'a> = &'a dyn Fn(&str, usize, usize) -> String;
    let kinds: [Rows<'_>; 4] = [
        &|recipe, seed, of| {
            (0..5)
                .map(|e| format!("{recipe},{seed},{e},{}\n", 0.3 + 0.08 * e as f64 + 0.001 * of as f64))
                .collect()
        },
        &|recipe, seed, of| {
            (0..40).map(|i| format!("{recipe},{seed},{i},{}\n", u8::from(image(of, i)))).collect()
        },
        &|recipe, seed, of| {
            (0..40)
                .map(|i| {
                    format!(
                        "{recipe},{seed},{i},k{},k{}\n",
                        i % 2,
                        if image(of, i) { i % 2 } else { 1 - i % 2 }
                    )
                })
                .collect()
        },
        &|recipe, seed, of| {
            (0..40).map(|i| format!("{recipe},{seed},{i},0.{}\n", 100 + i * 20 + of)).collect()
        },
    ];
    let heads = ["epoch,val_acc", "image,correct", "image,label,predicted", "image,probability"];
    let files = Files::new();
    for (kind, head) in kinds.iter().zip(heads) {
        let table = |of: [[usize; 3]; 2]| {
            let mut text = format!("recipe,seed,{head}\n");
            for (recipe, of) in ["none", "cutmix"].into_iter().zip(of) {
                of.into_iter().enumerate().for_each(|(at, of)| text += &kind(recipe, at + 1, of));
            }
            files.write("r.csv", &text)
        };
        let identical = |of| {
            let warnings = read(table(of)).warnings;
            warnings.into_iter().find(|w| w.contains("identical to the last digit"))
        };
        for of in [[[1, 1, 1], [2, 3, 4]], [[2, 3, 4], [1, 1, 1]]] {
            let told = Results::read(&[table(of)], &ResultsOptions::default()).unwrap_err().to_string();
            let recipe = if of[0][1] == 1 { "none" } else { "cutmix" };
            assert!(
                told.contains(&format!("all 3 runs of recipe \"{recipe}\" are identical")),
                "{head}: {told}"
            );
        }
        assert_eq!(identical([[1, 2, 3], [4, 5, 6]]), None, "{head}");
        let told = identical([[1, 1, 3], [4, 5, 6]]).unwrap();
        assert!(told.contains("none seed 1 and none seed 2"), "{head}: {told}");
        let told = identical([[1, 2, 3], [1, 2, 3]]).unwrap();
        assert!(
            told.contains("none seed 1 and cutmix seed 1") && told.contains("none seed 3 and cutmix seed 3"),
            "{told}"
        );
    }
    // A final value alone may be the same.
    let rows = |values: [f64; 6]| {
        let mut text = String::from("recipe,seed,accuracy\n");
        for (at, value) in values.iter().enumerate() {
            writeln!(text, "{},{},{value}", ["none", "cutmix"][at / 3], at % 3).unwrap();
        }
        read(files.write("r.csv", &text)).warnings
    };
    assert_eq!(rows([0.5, 0.5, 0.6, 0.5, 0.6, 0.7]), [""; 0]);
    let told = rows([0.5, 0.5, 0.5, 0.5, 0.6, 0.7]);
    assert!(told[0].contains("All runs of none came to the same value"), "{told:?}");
    // A network that learnt nothing stands still, whatever its seed.
    let still = files.write(
        "r.csv",
        "recipe,seed,epoch,val_acc\nnone,1,0,0.1\nnone,1,1,0.1\nnone,2,0,0.1\nnone,2,1,0.1\ncutmix,1,0,0.3\ncutmix,2,0,0.4\n",
    );
    assert!(read(still).warnings.iter().all(|w| !w.contains("identical")));
}

#[test]
fn files_put_together_although_they_may_be_data_sets_are_said() {
    let files = Files::new();
    let rows = |recipes: &[&str], seeds: std::ops::RangeInclusive<u64>| {
        let mut text = String::from("recipe,seed,accuracy\n");
        for recipe in recipes {
            seeds.clone().for_each(|seed| writeln!(text, "{recipe},{seed},0.{}", 500 + seed).unwrap());
        }
        text
    };
    let both = ["none", "cutmix"];
    for (first, second, said) in [
        (rows(&both, 1..=6), rows(&both, 7..=12), true),
        (rows(&both, 0..=1), rows(&both[..1], 2..=3), true),
        // A file per seed, and a file per recipe.
        (rows(&both, 1..=1), rows(&both, 2..=2), false),
        (rows(&both[..1], 1..=6), rows(&both[1..], 1..=6), false),
    ] {
        let sources = [files.write("pets.csv", &first), files.write("dogs.csv", &second)];
        let all = Results::read_all(&sources, &ResultsOptions::default()).unwrap();
        assert_eq!(all.len(), 1);
        let told = all[0].warnings.iter().find(|w| w.contains("parts of one data set"));
        assert_eq!(told.is_some(), said, "{:?}", all[0].warnings);
        let words = |w: &String| w.contains("dogs.csv") && w.contains("--data-set pets=");
        assert!(told.is_none_or(words), "{told:?}");
    }
}

/// Predictions of two recipes in two seeds for 360 images: `right` percent of the classes are, then called as they are as predictions.
fn guesses(labels: &[&str], right: u32, as_predicted: impl Fn(&str, u32, usize) -> String) -> String {
    let (mut text, classes) = (String::from("recipe,seed,image,label,predicted\n"), labels.len());
    for recipe in ["none", "cutmix"] {
        for seed in 1..=2_u32 {
            for image in 0..360_u32 {
                let label = image as usize % classes;
                let mut mixed = u64::from(image * 100 + seed * 10 + recipe.len() as u32);
                for _ in 0..3 {
                    mixed = (mixed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    mixed ^= mixed >> 29;
                }
                let draw = (mixed >> 20) as u32 % 100;
                let class =
                    if draw < right { label } else { (label + 1 + draw as usize % (classes - 1)) % classes };
                writeln!(
                    text,
                    "{recipe},{seed},{image},{},{}",
                    labels[label],
                    as_predicted(recipe, seed, class)
                )
                .unwrap();
            }
        }
    }
    text
}

#[test]
fn classes_that_mean_others_as_predictions_than_as_labels_are_refused() {
    let files = Files::new();
    let (names, numbers) = (["cat", "dog", "fox"], ["0", "1", "2", "10", "11"]);
    let renamed = |all: &'static [&'static str], recipes: &'static str, seeds: u32| {
        move |recipe: &str, seed: u32, class: usize| {
            let hit = recipes.contains(recipe) && seed <= seeds;
            (if hit { all[class] } else { all[all.len() / 2 + class] }).to_owned()
        }
    };
    // As predicted where something is wrong, then the labels.
    let cases: [(&[&str], &'static [&'static str]); 8] = [
        (&names, &["dog", "fox", "cat", "cat", "dog", "fox"]),
        (&names, &["kitty", "dog", "fox", "cat", "dog", "fox"]),
        (&names, &["dog", "cat", "fox", "cat", "dog", "fox"]),
        (&numbers, &["0", "1", "10", "11", "2", "0", "1", "2", "10", "11"]),
        (&["-1", "1"], &["0", "1", "-1", "1"]),
        (&["1", "2"], &["0", "1", "1", "2"]),
        (&["1", "2", "3"], &["0", "1", "2", "1", "2", "3"]),
        (&["no", "yes"], &["yes", "no", "no", "yes"]),
    ];
    for (labels, all) in cases {
        for right in [80, 90, 100] {
            // Everywhere, in one recipe, in one run.
            for (recipes, seeds) in [("none cutmix", 2), ("cutmix", 2), ("none", 1)] {
                let told = files.refused(&guesses(labels, right, renamed(all, recipes, seeds)));
                assert!(told.contains("would be if"), "{labels:?} {right} {recipes}: {told}");
            }
            // The labels themselves.
            let results = read(files.write("r.csv", &guesses(labels, right, renamed(all, "", 0))));
            assert!(results.warnings.iter().all(|w| w.contains("exactly")), "{:?}", results.warnings);
        }
    }
    let told = files.refused(&guesses(&names, 80, renamed(cases[1].1, "cutmix", 2)));
    assert!(told.contains("as predictions, \"kitty\" meant \"cat\""), "{told}");
    // Bad networks: that guess, that always say one class, that confuse two classes.
    for (right, one) in [(45, ""), (20, "fox"), (34, "cat")] {
        let text =
            guesses(&names, right, |_, _, class| if one.is_empty() { names[class] } else { one }.to_owned());
        read(files.write("r.csv", &text));
    }
    let few = guesses(&["no", "yes"], 45, |_, _, class| ["no", "yes"][class].to_owned());
    read(files.write("r.csv", &few));
    // Less than by guessing.
    let warned = |text: &str, words: &str| {
        let warnings = read(files.write("r.csv", text)).warnings;
        assert!(warnings.iter().any(|w| w.contains(words)), "{warnings:?}");
    };
    let mut text = String::from("recipe,seed,image,label,predicted\n");
    for (recipe, seed, image) in (0..800).map(|i| (["none", "cutmix"][i / 400], i / 200 % 2, i % 200)) {
        let right = (image * 37 + seed * 11 + recipe.len()) % 100 < 41;
        writeln!(
            text,
            "{recipe},{seed},{image},{},{}",
            image % 2,
            if right { image % 2 } else { 1 - image % 2 }
        )
        .unwrap();
    }
    warned(&text, "Of two classes none is right about 41 % of the images only, less than by guessing");
    // A class that is no label beside a label that is never predicted, where too little is right to refuse it.
    let strange = ["kitty", "dog", "fox"];
    warned(&guesses(&names, 45, |_, _, class| strange[class].to_owned()), "never predicted by any run");
    let one = guesses(&names, 58, |recipe, seed, class| {
        if recipe == "none" && seed == 2 { strange[class] } else { names[class] }.to_owned()
    });
    warned(&one, "never predicted by none seed 2");
}

#[test]
fn a_column_that_says_the_opposite_is_never_suggested() {
    let files = Files::new();
    for column in ["incorrect", "Wrong", "error", "is_wrong", "misclassified", "not correct"] {
        let told = files.refused(&format!("recipe,seed,image,{column}\na,1,x,1\n"));
        assert!(told.contains("column `correct` is missing") && !told.contains("Rename"), "{column}: {told}");
        assert!(told.contains(&format!("`{column}` seems to say the opposite")), "{column}: {told}");
    }
    let told = files.refused("recipe,seed,image,corect,incorrect\na,1,x,1,0\n");
    assert!(told.contains("is it `corect`? Rename it"), "{told}");
}

#[test]
fn the_unit_in_which_tables_were_read_is_said() {
    let files = Files::new();
    let (runs, scores) =
        ("recipe,seed,accuracy\na,1,A\nb,1,B\n", "recipe,seed,image,probability\na,1,x,A\nb,1,x,B\n");
    for head in [runs, scores] {
        for (values, unit, words) in [
            (["0.5", "0.75"], None, "in fractions, higher is better"),
            (["50%", "75 %"], None, "in percent, higher is better"),
            (
                ["50%", "0.75"],
                None,
                "in percent where a percent sign says so, else in fractions, higher is better",
            ),
            (["50", "75"], Some(MetricUnit::Percent), "in percent, higher is better"),
        ] {
            let text =
                head.replace(",A", &format!(",{}", values[0])).replace(",B", &format!(",{}", values[1]));
            let options = ResultsOptions { unit, ..ResultsOptions::default() };
            let results = Results::read(&[files.write("r.csv", &text)], &options).unwrap();
            assert_eq!(results.notes, [words], "{text}");
            let values: Vec<f64> = results.runs.iter().map(|run| run.value).collect();
            assert_eq!(values, [0.5, 0.75], "{text}");
        }
    }
    let losses = files.write("l.csv", "recipe,seed,val_loss\na,1,2.5\nb,1,2.25\n");
    assert_eq!(Results::read(&[losses], &asked("val_loss")).unwrap().notes, ["no unit, lower is better"]);
    let correct = read(files.write("c.csv", "recipe,seed,image,correct\na,1,x,1\nb,1,x,0\n"));
    assert_eq!(correct.notes, [""; 0]);
}

#[test]
fn options_that_files_have_no_use_for_are_refused() {
    let files = Files::new();
    let correct = files.write("correct.csv", "recipe,seed,image,correct\na,1,x,1\nb,1,x,0\n");
    let classes = files.write("classes.csv", "recipe,seed,image,label,predicted\na,1,x,k,k\nb,1,x,k,l\n");
    let scores = files.write("scores.csv", "recipe,seed,image,probability\na,1,x,0.5\nb,1,x,0.75\n");
    let runs = files.write("runs.csv", "recipe,seed,accuracy\na,1,0.5\nb,1,0.75\n");
    let log = files.write("log.csv", "recipe,seed,epoch,val_acc\na,1,0,0.5\nb,1,0,0.75\n");
    let none = ResultsOptions::default;
    let options = [
        ("--headline", ResultsOptions { headline: Headline::BestOnValidation, ..none() }),
        (
            "--pattern",
            ResultsOptions { pattern: Some("{recipe}/{seed}/log.csv".parse::<Pattern>().unwrap()), ..none() },
        ),
        ("--lower-is-better", ResultsOptions { direction: Some(Direction::LowerIsBetter), ..none() }),
        ("--unit", ResultsOptions { unit: Some(MetricUnit::Fraction), ..none() }),
        ("--unit plain", ResultsOptions { unit: Some(MetricUnit::Plain), ..none() }),
    ];
    for (source, refused) in [
        (&correct, [true, true, true, true, true]),
        (&classes, [true, true, true, true, true]),
        (&scores, [true, true, true, false, true]),
        (&runs, [true, true, false, false, false]),
        (&log, [false; 5]),
    ] {
        for ((name, options), refused) in options.iter().zip(refused) {
            let told =
                Results::read(std::slice::from_ref(source), options).map_err(|error| error.to_string());
            assert_eq!(told.is_err(), refused, "{source:?} {name}: {told:?}");
            let option = if *source == scores { name } else { name.split(' ').next().unwrap() };
            let words =
                |told: &String| told.contains(&format!("for which {option} means nothing: it is for"));
            assert!(told.as_ref().err().is_none_or(words), "{name}: {told:?}");
        }
        let named = Source { run: Some(("a".into(), 1)), ..source.clone() };
        let told = Results::read(&[named], &none()).map_err(|error| error.to_string());
        assert!(*source == log || told.is_err_and(|told| told.contains("--run means nothing")), "{source:?}");
    }
}

#[test]
fn top1_stands_over_nothing_that_is_none() {
    let files = Files::new();
    let rows = |metric: &str| {
        let mut text = format!("recipe,seed,{metric}\n");
        for (at, recipe) in ["none", "cutmix"].into_iter().enumerate() {
            (1..=3)
                .for_each(|seed| writeln!(text, "{recipe},{seed},0.{}", 500 + at * 50 + seed * 7).unwrap());
        }
        files.write(&format!("{}.csv", metric.replace('/', "-")), &text)
    };
    let scores = files.write(
        "p.csv",
        "recipe,seed,image,probability\nnone,1,x,0.5\nnone,2,x,0.6\ncutmix,1,x,0.75\ncutmix,2,x,0.7\n",
    );
    for (metric, source, is) in [
        ("accuracy", rows("accuracy"), true),
        ("test_top1", rows("test_top1"), true),
        ("f1", rows("f1"), false),
        ("mAP", rows("mAP"), false),
        ("val_error", rows("val_error"), false),
        ("val_loss", rows("val_loss"), false),
        ("top5", rows("top5"), false),
        ("probability", scores, false),
    ] {
        let results = Results::read(&[source], &asked(metric)).unwrap();
        let lines = summarise_results(&results, "none", 1.0).unwrap().verdict_lines();
        let header = lines.iter().find(|line| line.starts_with("recipe ")).unwrap();
        assert_eq!(
            (header.contains(" top-1 "), header.contains(&format!(" {metric} "))),
            (is, !is),
            "{header}"
        );
        for language in [bakeoff_report::Language::English, bakeoff_report::Language::Korean] {
            let out = files.path("out");
            let report = write_results(&results, "none", 1.0, &out, language).unwrap();
            let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
            let key = if is { "top1" } else { metric };
            assert!(
                read("summary.csv").starts_with(&format!("recipe,seeds,{key}_mean,{key}_sd,")),
                "{metric}"
            );
            assert!(read("trials.csv").starts_with(&format!("recipe,seed,status,epochs,{key},")), "{metric}");
            let table = read("tables/results.csv");
            assert!(
                table.starts_with(&format!("recipe,seeds,{key}_mean,{key}_sd,{key}_per_seed,")),
                "{table}"
            );
            let page = std::fs::read_to_string(&report.page).unwrap();
            assert!(!page.contains("Top-1 of each seed") && !page.contains("시드별 top-1"), "{metric}");
            let name = if metric == "probability" { "mean probability of the true class" } else { metric };
            assert!(page.contains(&format!("none, {name} of each seed: ")), "{metric}");
            assert_eq!(page.contains(&format!(" --metric {metric}")), !is, "{metric}");
        }
    }
}

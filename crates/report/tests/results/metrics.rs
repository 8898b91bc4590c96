//! Which way is good, and in which unit.

use crate::support::*;

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

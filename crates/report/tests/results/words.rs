//! Classes, columns, units and options.

use crate::support::*;

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

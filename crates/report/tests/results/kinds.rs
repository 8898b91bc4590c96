//! Predictions, runs and logs as programs write them.

use crate::support::*;

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

//! Answers: of whole runs, of half-done ones and of empty ones.

use crate::support::*;

#[test]
fn a_finished_run_gives_an_answer_figures_and_tables() {
    let (report, page) = report("finished", &Fake::new());
    let verdicts: Vec<_> = report.summary.recipes.iter().map(|r| r.verdict).collect();
    assert_eq!(verdicts[0], None);
    assert_eq!((verdicts[2], verdicts[3]), (Some(Verdict::Worse), Some(Verdict::Better)));
    assert!(report.summary.answer.contains("Better than none: cutmix by"), "{}", report.summary.answer);
    assert!(page.contains("<p class=\"answer\">Use cutmix: it is the best of the 5 recipes.</p>"));
    assert!(page.contains("<p class=\"basis\">Better than none: cutmix by"));
    // One forest, six curves, equal time, classes, reliability, five confusion matrices, five sheets; each as SVG and PNG.
    assert_eq!(report.figures.len(), 2 * (1 + 6 + 3 + 5 + 5));
    for figure in report.figures.iter().filter(|f| f.extension().is_some_and(|e| e == "png")) {
        assert!(image::image_dimensions(figure).unwrap().0 >= 800, "{}", figure.display());
    }
    assert!(page.contains("Every planned trial has finished."));
    // Originals are the same for all recipes and `none` changes nothing: 8 + 4 × 8 pictures.
    assert_eq!(page.matches("<image id=\"px").count(), 40);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn what_cannot_be_told_from_the_best_is_named_beside_it() {
    let close = |recipe: usize| if recipe == 4 { 0.702 } else { 0.7 };
    let mut fake = Fake { seeds: 6, epochs: 2, previews: false, ..Fake::new() };
    fake.recipes.iter_mut().enumerate().skip(3).for_each(|(k, recipe)| recipe.skill = close(k));
    let (report, page) = report("recommendation", &fake);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&report.tables[0]).unwrap()).unwrap();
    let recommendation = &json["recommendation"];
    assert_eq!(recommendation["kind"], "use", "{}", report.summary.answer);
    let pair = [recommendation["recipe"].as_str().unwrap(), recommendation["alike"][0].as_str().unwrap()];
    let mut names = pair;
    names.sort_unstable();
    let mut closest = [fake.recipes[3].name.as_str(), fake.recipes[4].name.as_str()];
    closest.sort_unstable();
    assert_eq!(names, closest);
    let first = format!("Use {}; {} cannot be told from it.", pair[0], pair[1]);
    assert!(report.summary.answer.starts_with(&first), "{}", report.summary.answer);
    assert!(page.contains(&first));
}

#[test]
fn recipes_can_be_compared_by_balanced_accuracy() {
    let metric = bakeoff_study::Metric::Balanced;
    let fake = Fake { seeds: 6, epochs: 2, previews: false, test_images: 207, metric, ..Fake::new() };
    let (balanced, page) = report("balanced", &fake);
    assert_eq!(balanced.summary.metric, "balanced_accuracy");
    assert!(page.contains("Balanced accuracy, %") && page.contains("points of test balanced accuracy"));
    // By hand, from what the first trial predicted.
    let run = RunFolder::open(folder_of("balanced")).unwrap();
    let trial = run.trial(&run.plan().unwrap().trials[0]).unwrap();
    let mut by_class = std::collections::BTreeMap::<u32, [f64; 2]>::new();
    for prediction in run.predictions(&trial).unwrap().unwrap() {
        let [of, right] = by_class.entry(prediction.label).or_default();
        *of += 1.0;
        *right += f64::from(u8::from(prediction.label == prediction.predicted));
    }
    let by_hand = by_class.values().map(|[of, right]| right / of).sum::<f64>() / by_class.len() as f64;
    let recipe = &balanced.summary.recipes[0];
    assert!((recipe.top1.per_seed[0] - by_hand).abs() < 1e-12);
    let (usual, _) = report("unbalanced", &Fake { metric: bakeoff_study::Metric::Top1, ..fake });
    assert!((usual.summary.recipes[0].top1.per_seed[0] - by_hand).abs() > 1e-6);
    assert_eq!(usual.summary.metric, "top1");
    // What the verdict rests on is what the table of metrics gives.
    let cutmix = balanced.summary.recipes.iter().position(|r| r.name == "cutmix").unwrap();
    let verdict = balanced.summary.recipes[cutmix].difference.as_ref().unwrap();
    let metrics = &balanced.summary.insight.recipes[cutmix].metrics;
    let shown = metrics.iter().find(|m| m.metric == bakeoff_stats::metric::Metric::BalancedAccuracy).unwrap();
    let shown = shown.difference.as_ref().unwrap();
    assert!((verdict.mean - shown.mean).abs() < 1e-12 && (verdict.low - shown.low.unwrap()).abs() < 1e-12);
}

#[test]
fn without_predictions_balanced_accuracy_is_not_made_up() {
    let metric = bakeoff_study::Metric::Balanced;
    let fake = Fake { seeds: 6, epochs: 2, previews: false, predictions: false, metric, ..Fake::new() };
    let (report, _) = report("balanced-bare", &fake);
    assert_eq!(report.summary.failed.len(), 30);
    assert!(report.summary.failed[0].reason.contains("predictions are not there"));
    assert_eq!(report.summary.answer, "No answer yet: no trial has finished.");
}

#[test]
fn the_summary_file_has_the_shape_that_other_programs_rely_on() {
    let (report, _) = report("summary", &Fake { previews: false, ..Fake::new() });
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&report.tables[0]).unwrap()).unwrap();
    assert_eq!(json["study"], "Breeds of dogs, small");
    assert_eq!((&json["baseline"], &json["headline"]), (&"none".into(), &"last".into()));
    assert_eq!((json["skipped"].as_array().unwrap().len(), json["failed"].as_array().unwrap().len()), (0, 0));
    let recipes = json["recipes"].as_array().unwrap();
    assert_eq!(recipes.len(), 5);
    assert!(recipes[0]["difference"].is_null() && recipes[0]["verdict"].is_null());
    let cutmix = &recipes[3];
    assert_eq!((cutmix["name"].as_str(), cutmix["verdict"].as_str()), (Some("cutmix"), Some("better")));
    for key in ["mean", "low", "high", "p"] {
        assert!(cutmix["difference"][key].is_number(), "{key}");
    }
    assert_eq!(cutmix["top1"]["per_seed"].as_array().unwrap().len(), 6);
    assert!(cutmix["top1"]["mean"].as_f64().unwrap() < 1.0 && cutmix["top1"]["sd"].is_number());
    let back: bakeoff_findings::Summary = serde_json::from_value(json).unwrap();
    assert_eq!((back.answer, back.recipes.len()), (report.summary.answer, 5));

    let csv = std::fs::read_to_string(&report.tables[1]).unwrap();
    assert_eq!(csv.lines().count(), 6);
    assert!(csv.starts_with("recipe,seeds,top1_mean,") && csv.contains("\ncutmix,6,0."), "{csv}");
    assert_eq!(std::fs::read_to_string(&report.tables[2]).unwrap().lines().count(), 31);
}

#[test]
fn the_page_asks_no_server_for_anything() {
    let (_, page) = report("network", &Fake { seeds: 2, epochs: 2, ..Fake::new() });
    // Namespaces are names, not addresses; the page's only ones are in the script.
    let addresses = page.matches("http").count();
    let names = page.matches("http://www.w3.org/2000/svg").count() + page.matches("http-equiv").count();
    assert_eq!(addresses, names);
    for attribute in ["src=\"", "href=\""] {
        for rest in page.split(attribute).skip(1) {
            assert!(rest.starts_with('#') || rest.starts_with("data:"), "{}", &rest[..60]);
        }
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn a_half_done_run_reports_what_there_is_and_what_there_is_not() {
    let fake = Fake {
        end: |recipe, seed| match (recipe, seed) {
            (4, 2..) => End::Planned,
            (3, 4) => End::Failed(7),
            (3, 5) => End::Running(11),
            (3, 6) => End::Planned,
            _ => End::Finished,
        },
        ..Fake::new()
    };
    let (report, page) = report("half-done", &fake);
    let cutmix = &report.summary.recipes[3];
    assert_eq!((cutmix.verdict, cutmix.seeds.len()), (Some(Verdict::Undecided), 3));
    let mixup = &report.summary.recipes[4];
    assert_eq!((mixup.verdict, &mixup.difference), (Some(Verdict::Undecided), &None));
    assert_eq!((report.summary.failed.len(), report.summary.skipped.len()), (1, 7));
    assert_eq!(report.summary.failed[0].reason, "epoch 7: the loss is not a number");
    for text in [
        "22 of 30 planned trials have finished, 1 failed",
        "11/20",
        "Later epochs come from fewer seeds",
        "stopped after epoch 11 of 20",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_run_in_which_nothing_finished_says_that_there_is_no_answer() {
    let (report, page) =
        report("nothing", &Fake { end: |_, _| End::Planned, data: false, previews: false, ..Fake::new() });
    assert_eq!(report.summary.answer, "No answer yet: no trial has finished.");
    for text in [
        "No epoch has been finished yet",
        "No trial has finished",
        "before the images were looked at",
        "No pictures were kept",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(
        report
            .summary
            .recipes
            .iter()
            .all(|r| r.verdict.is_none() && r.difference.is_none() && r.top1.mean.is_none())
    );
}

#[test]
fn the_baseline_missing_or_alone_is_no_answer() {
    let fake = Fake {
        end: |r, _| if r == 0 { End::Failed(1) } else { End::Finished },
        previews: false,
        ..Fake::new()
    };
    let (missing, _) = report("no-baseline", &fake);
    assert_eq!(missing.summary.answer, "No answer yet: no trial of none, the baseline, has finished.");
    let mut fake = Fake { previews: false, ..Fake::new() };
    fake.recipes.truncate(1);
    let (alone, page) = report("alone", &fake);
    assert_eq!(alone.summary.answer, "No answer yet: there is no recipe besides none.");
    assert!(page.contains("Learning curves"));
}

#[test]
fn one_seed_gives_accuracies_and_no_difference() {
    let (report, page) = report("one-seed", &Fake { seeds: 1, epochs: 1, ..Fake::new() });
    assert!(report.summary.recipes.iter().all(|r| r.difference.is_none() && r.top1.mean.is_some()));
    assert!(
        report
            .summary
            .answer
            .contains("Nothing is decided against none: 1\u{a0}seed cannot give less than p\u{a0}=\u{a0}1"),
        "{}",
        report.summary.answer
    );
    assert!(page.contains("one seed in common: no interval"));
}

#[test]
fn three_seeds_are_undecided_and_say_how_many_would_do() {
    let (report, page) = report("three-seeds", &Fake { seeds: 3, previews: false, ..Fake::new() });
    let cutmix = &report.summary.recipes[3];
    assert_eq!(cutmix.verdict, Some(Verdict::Undecided));
    assert!(
        cutmix.explanation().unwrap().contains("about 6\u{a0}seeds in all would probably settle it"),
        "{:?}",
        cutmix.explanation()
    );
    assert!(page.contains("no recipe can be called better or worse with fewer than 6"));
}

#[test]
fn without_predictions_the_interval_comes_from_the_seeds() {
    let (report, page) =
        report("no-predictions", &Fake { predictions: false, previews: false, ..Fake::new() });
    assert_eq!(report.summary.recipes[3].difference.as_ref().unwrap().method, bakeoff_stats::Method::PairedT);
    assert!(page.contains("the test images are taken as fixed"));
    assert!(report.summary.warnings.is_empty());
}

//! Reports of invented runs. The pages are left in the build folder's `tmp/reports` to be looked at.

mod fake;

use bakeoff_report::{Language, Report};
use bakeoff_stats::Verdict;
use bakeoff_study::RunFolder;
use bakeoff_study::records::UntilDecided;
use fake::{End, Fake};
use std::path::PathBuf;

fn folder_of(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name)
}

fn folder(name: &str) -> PathBuf {
    let path = folder_of(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    path
}

fn report(name: &str, fake: &Fake) -> (Report, String) {
    let run = fake.write(&folder(name));
    let report = bakeoff_report::write(&run, run.path(), Language::English).unwrap();
    let page = std::fs::read_to_string(&report.page).unwrap();
    (report, page)
}

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

#[test]
fn results_that_do_not_belong_together_are_named_and_not_paired_by_image() {
    let path = folder("mismatched");
    let run = Fake { previews: false, ..Fake::new() }.write(&path);
    // The predictions of another trial, with another accuracy, under this one's name.
    std::fs::copy(
        path.join("trials/none/seed-1/predictions.parquet"),
        path.join("trials/cutmix/seed-1/predictions.parquet"),
    )
    .unwrap();
    let summary = bakeoff_findings::summarise(&run).unwrap();
    assert!(
        summary.warnings.iter().any(|w| w.contains("cutmix seed 1: trial.json says")),
        "{:?}",
        summary.warnings
    );
    assert_eq!(summary.recipes[3].difference.as_ref().unwrap().method, bakeoff_stats::Method::PairedT);

    std::fs::write(path.join("trials/none/seed-2/predictions.parquet"), b"PAR1 not").unwrap();
    std::fs::write(path.join("trials/colour/seed-3/trial.json"), b"{").unwrap();
    std::fs::write(path.join("data.json"), b"[]").unwrap();
    let report = bakeoff_report::write(&run, run.path(), Language::English).unwrap();
    let named = |part: &str| report.summary.warnings.iter().any(|w| w.contains(part));
    assert!(named("predictions.parquet") && named("data.json"), "{:?}", report.summary.warnings);
    assert!(report.summary.failed[0].reason.contains("trial.json"), "{:?}", report.summary.failed);
    std::fs::remove_file(path.join("data.json")).unwrap();
    std::fs::remove_file(path.join("trials/none/seed-3/trial.json")).unwrap();
    let summary = bakeoff_findings::summarise(&run).unwrap();
    let gone = "none seed 3: trial.json is missing";
    assert!(summary.warnings.iter().any(|w| w.starts_with(gone)), "{:?}", summary.warnings);
    assert!(summary.warnings.iter().any(|w| w.starts_with("data.json is missing")), "{:?}", summary.warnings);
}

#[test]
fn a_trial_of_other_settings_is_named_and_not_counted() {
    let path = folder("other-settings");
    let run = Fake { previews: false, ..Fake::new() }.write(&path);
    let record = path.join("trials/cutmix/seed-2/trial.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("cutmix-2", "of-another-study")).unwrap();
    let summary = bakeoff_findings::summarise(&run).unwrap();
    assert_eq!((summary.recipes[3].seeds.as_slice(), summary.skipped.len()), ([1, 3, 4, 5, 6].as_slice(), 1));
    assert!(
        summary.warnings.iter().any(|w| w.starts_with("cutmix seed 2: ") && w.contains("other settings"))
    );
}

#[test]
fn two_test_images_give_no_verdict() {
    let run = Fake { previews: false, test_images: 2, ..Fake::new() }.write(&folder("two-images"));
    let report = bakeoff_report::write(&run, run.path(), Language::English).unwrap();
    let recipes = &report.summary.recipes;
    assert!(recipes[1..].iter().all(|r| r.verdict == Some(Verdict::Undecided)), "{recipes:?}");
    let page = std::fs::read_to_string(report.page).unwrap();
    for text in [
        "2\u{a0}test images cannot tell anything",
        "시험 이미지\u{a0}2장으로는 아무것도 알 수 없습니다",
        "1\u{a0}point: a",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn other_test_images_are_noticed() {
    let path = folder("other-images");
    let run = Fake { previews: false, ..Fake::new() }.write(&path);
    let other = folder("other-images-donor");
    Fake { previews: false, test_images: 700, ..Fake::new() }.write(&other);
    for file in ["predictions.parquet", "trial.json"] {
        std::fs::copy(
            other.join("trials/cutmix/seed-1").join(file),
            path.join("trials/cutmix/seed-1").join(file),
        )
        .unwrap();
    }
    let summary = bakeoff_findings::summarise(&run).unwrap();
    assert!(
        summary.warnings.iter().any(|w| w.contains("were not tested on the same images")),
        "{:?}",
        summary.warnings
    );
}

#[test]
fn a_damaged_plan_is_an_error_that_names_the_file() {
    let path = folder("damaged-plan");
    Fake { previews: false, seeds: 1, ..Fake::new() }.write(&path);
    std::fs::write(path.join("plan.json"), "{").unwrap();
    let error =
        bakeoff_report::write(&RunFolder::open(&path).unwrap(), &path, Language::English).unwrap_err();
    assert!(error.to_string().contains("plan.json"), "{error}");
}

#[test]
fn names_that_are_markup_long_or_right_to_left_are_shown_as_text() {
    let hostile = [
        "<script>alert('x')</script>",
        "\"quoted\" & 'single' </style></title>",
        "🐕‍🦺 dog",
        "كلب صغير",
        "\u{202e}reversed",
        "강아지",
        "=HYPERLINK(\"http://x\",\"dog\")",
        "-2+3\u{2069}\u{202d}\u{200b}\u{9b}31m",
        "[9cm] @SUM(A1)",
    ];
    let mut fake = Fake { study: "</title><script>alert(1)</script>".into(), seeds: 6, ..Fake::new() };
    fake.classes = hostile.map(String::from).to_vec();
    fake.classes.push("long ".repeat(60));
    fake.classes.push("l".repeat(300));
    fake.recipes[1].name = "<img src=x onerror=alert(1)>-flip".replace(['/', '='], "_");
    fake.recipes[2].name = format!("colour-{}", "y".repeat(180));
    let (report, page) = report("hostile", &fake);
    let body = &page[page.find("<body>").unwrap()..page.find("<script type=").unwrap()];
    for tag in ["<script", "<img", "</style", "onerror=alert"] {
        assert!(!body.contains(tag), "{tag}");
    }
    assert_eq!(page.matches("</script>").count(), 2, "the data and the script");
    for table in report.tables.iter().filter(|t| t.extension().is_some_and(|e| e == "md" || e == "tex")) {
        let text = std::fs::read_to_string(table).unwrap();
        assert!(!text.contains("<script") && !text.contains("<img"), "{}", table.display());
    }
    assert!(
        page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;")
            && page.contains("<title>&lt;/title&gt;")
    );
    for figure in report.figures.iter().filter(|f| f.extension().is_some_and(|e| e == "svg")) {
        let svg = std::fs::read_to_string(figure).unwrap();
        assert!(!svg.contains("<script") && !svg.contains("<img"), "{}", figure.display());
    }
    // Nothing turns the direction of what stands around a name, or hides in it.
    let acts = |c: char| bakeoff_data::acts(c) && c != '\n' && c != '\t';
    assert!(!page.contains(acts), "{:?}", page.chars().find(|c| acts(*c)));
    for file in report.tables.iter().filter(|t| t.extension().is_some_and(|e| e == "csv")) {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(file).unwrap();
        for cell in rows.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        {
            let formula = cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
            assert!(!formula, "{}: {cell:?}", file.display());
        }
    }
    // No name moves the cursor.
    for line in report.summary.verdict_lines() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn long_korean_and_emoji_names_are_told_apart_and_whole_where_they_are_pointed_at() {
    let mut fake = Fake {
        study: "우리 동네에서 찍은 강아지 사진으로 하는 작은 연구".into(), ..Fake::new()
    };
    fake.classes = [
        "n02085620-털이_길고_귀가_처진_작은_치와와",
        "n02085782-털이_길고_귀가_처진_작은_재패니즈_스패니얼",
        "🐕‍🦺 조끼를 입고 사람을 도와주는 아주 영리한 강아지",
        "🐩 곱슬곱슬한 털을 동그랗게 깎은 커다란 푸들",
        "진돗개와 비슷하지만 조금 더 작고 꼬리가 말린 개",
        "진돗개와 비슷하지만 조금 더 크고 꼬리가 처진 개",
        "n02012849-두루미",
        "n03126707-두루미",
    ]
    .map(String::from)
    .to_vec();
    fake.recipes[1].name = "좌우로-뒤집고-가장자리를-채워-자르기".into();
    fake.recipes[2].name = "색상과-밝기".into();
    let (_, page) = report("long-names", &fake);
    // Of the two that would be the same bird both keep what tells them apart; in the data all names are as they were.
    assert!(page.contains(
        "<bdi title=\"n02085620-털이_길고_귀가_처진_작은_치와와\">털이 길고 귀가 처진 작은 치와와</bdi>"
    ));
    assert!(page.contains(">n02012849-두루미</bdi>") && page.contains(">n03126707-두루미</bdi>"));
    assert!(page.contains("색상과-밝기는 none보다") && !page.contains("색상과-밝기은(는)"));
    let labels = page.split("<text ").skip(1).filter_map(|text| text.split_once("</text>"));
    let cut: Vec<&str> = labels.map(|(text, _)| text).filter(|text| text.contains('…')).collect();
    assert!(!cut.is_empty() && cut.iter().all(|text| text.contains("<title>")), "{cut:?}");
}

#[test]
fn the_terminal_gets_a_table_and_a_sentence_per_recipe() {
    let run = Fake { previews: false, ..Fake::new() }.write(&folder("terminal"));
    let lines = bakeoff_findings::summarise(&run).unwrap().verdict_lines();
    let header = lines.iter().position(|l| l.starts_with("recipe")).unwrap();
    let width = |line: &str| line.chars().count();
    assert!(lines[header + 1].starts_with("none ") && lines[header + 1].ends_with("baseline"), "{lines:#?}");
    assert!(lines[header + 4].starts_with("cutmix ") && lines[header + 4].ends_with("better"));
    assert!(lines[header + 1..=header + 5].iter().all(|l| width(l) <= 100));
    assert!(lines.last().unwrap().starts_with("mixup"));
}

#[test]
fn five_classes_or_fewer_have_no_top5_column() {
    let mut fake = Fake { previews: false, seeds: 2, ..Fake::new() };
    fake.classes.truncate(4);
    let (_, page) = report("four-classes", &fake);
    assert!(page.contains("Top-5 is left out") && !page.contains("Top-5, %"));
}

#[test]
fn the_page_speaks_both_languages_and_opens_in_the_one_asked_for() {
    let run = Fake { seeds: 6, epochs: 2, previews: false, ..Fake::new() }.write(&folder("korean"));
    let report = bakeoff_report::write(&run, run.path(), Language::Korean).unwrap();
    let page = std::fs::read_to_string(&report.page).unwrap();
    assert!(page.starts_with("<!doctype html>\n<html lang=\"ko\">"));
    assert!(
        page.contains("<div class=\"language\" lang=\"en\" hidden>")
            && page.contains("<div class=\"language\" lang=\"ko\">")
    );
    for text in [
        "none보다 나음: cutmix",
        "cutmix를 쓰세요.",
        "cutmix는 none보다",
        "학습 곡선",
        "Learning curves",
        "Better than none: cutmix",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // Anchors are unique, so that a link leads to its own language.
    let mut ids: Vec<&str> =
        page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    let table = std::fs::read_to_string(run.path().join("tables/results.md")).unwrap();
    assert!(table.contains("레시피") && table.contains("더 나음"), "{table}");
}

#[test]
fn tables_are_written_for_spreadsheets_and_for_papers() {
    let (report, _) = report("tables", &Fake { seeds: 6, epochs: 2, previews: false, ..Fake::new() });
    let read = |name: &str| std::fs::read_to_string(report.page.with_file_name("tables").join(name)).unwrap();
    assert!(read("results.csv").starts_with("recipe,seeds,top1_mean,top1_sd,top1_per_seed,"));
    assert_eq!(read("results.md").lines().count(), 2 + 5);
    assert!(read("results.tex").contains("\\toprule") && read("results.tex").contains("cutmix & 6 & "));
    let references = read("references.bib");
    for key in ["westfall1993", "hillis2007", "he2016resnet", "loshchilov2017sgdr", "khosla2011dogs"] {
        assert!(references.contains(&format!("{{{key},")), "{key}");
    }
    assert!(!references.contains("devries2017cutout"), "not used");
    let csv = read("confused-classes.csv");
    assert!(csv.starts_with("true_class,predicted_class,none,flip-crop,"), "{csv}");
}

/// The size that is promised: ten recipes, ten seeds, ten thousand test images.
#[test]
#[ignore = "a minute: a hundred trials of ten thousand predictions each"]
fn a_large_study_gives_a_page_below_five_megabytes() {
    let mut fake = Fake { seeds: 10, epochs: 30, test_images: 10_000, image: 224, ..Fake::new() };
    fake.classes = (0..120).map(|i| format!("n0208{:04}-breed_number_{i}", i)).collect();
    for extra in 0..5 {
        let like = fake.recipes[1 + extra % 4].clone();
        fake.recipes.push(fake::Recipe { name: format!("{}-{extra}", like.name), ..like });
    }
    let run = fake.write(&folder("large"));
    let start = std::time::Instant::now();
    let report = bakeoff_report::write(&run, run.path(), Language::English).unwrap();
    let bytes = std::fs::metadata(&report.page).unwrap().len();
    eprintln!("{bytes} bytes in {:.1} s", start.elapsed().as_secs_f64());
    assert!(bytes < 5_000_000, "{bytes} bytes");
}

#[test]
fn many_large_pictures_are_shrunk_to_keep_the_page_small() {
    let (_, page) = report("large-pictures", &Fake { image: 224, seeds: 2, epochs: 2, ..Fake::new() });
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
}

#[test]
fn metrics_classes_images_curves_and_time_are_told_beside_the_verdict() {
    let (report, _) = report("insight", &Fake { previews: false, ..Fake::new() });
    let insight = &report.summary.insight;
    let [none, _, _, cutmix, _] = insight.recipes.as_slice() else { panic!("{insight:?}") };
    assert_eq!(cutmix.metrics.len(), 7);
    let metric = |name: &str| {
        let named =
            |m: &&bakeoff_findings::insight::MetricSummary| serde_json::to_value(m.metric).unwrap() == name;
        cutmix.metrics.iter().find(named).unwrap()
    };
    // The fake is sure to 60 %, with 0.42 as the sum of squares.
    let top1 = metric("top1").value.mean;
    assert!((metric("brier").value.mean - (top1 * 0.22 + (1.0 - top1) * 1.02)).abs() < 1e-9);
    assert!((metric("ece").value.mean - (top1 - 0.6).abs()).abs() < 0.01);
    for m in insight.recipes.iter().flat_map(|recipe| &recipe.metrics) {
        let most = match serde_json::to_value(m.metric).unwrap().as_str() {
            Some("nll") => f64::INFINITY,
            Some("brier") => 2.0,
            _ => 1.0,
        };
        let [low, high] = [m.value.low, m.value.high].map(Option::unwrap);
        assert!(0.0 <= low && low <= m.value.mean && m.value.mean <= high && high <= most, "{m:?}");
    }
    // That all of 800 images are right does not say that all others are.
    let top5 = metric("top5").value;
    assert!(top5.mean < 1.0 || (0.99..1.0).contains(&top5.low.unwrap()), "{top5:?}");
    let difference = metric("top1").difference.unwrap();
    let verdict = report.summary.recipes[3].difference.as_ref().unwrap();
    assert!(
        (difference.mean - verdict.mean).abs() < 1e-12
            && (difference.low.unwrap() - verdict.low).abs() < 1e-9
    );
    assert!(none.metrics.iter().all(|m| m.difference.is_none()) && none.two_models.is_empty());
    let predictions: usize = cutmix.reliability.as_ref().unwrap().iter().map(|bin| bin.count).sum();
    assert_eq!((predictions, cutmix.two_models.len(), cutmix.classes.len()), (6 * 800, 6, 7));
    assert!(cutmix.helped[0].difference.mean > 0.0 && cutmix.to_right > cutmix.to_wrong);
    assert_eq!(cutmix.flips.len(), cutmix.to_right + cutmix.to_wrong);
    assert_eq!((cutmix.curve.len(), insight.pairs.len()), (20, 10));
    assert!(insight.courses.iter().all(|c| !c.sentence.is_empty()) && insight.courses.len() >= 4);
    let time = insight.equal_time.as_ref().unwrap();
    assert!((time.seconds - 62.0).abs() < 1e-9 && time.recipes.len() == 5);
    assert_eq!(cutmix.seconds, Some(6.0 * 65.0));

    let table = |name: &str| {
        let path = report.tables.iter().find(|path| path.ends_with(name)).unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(table("classes.csv").lines().count(), 1 + 4 * 7);
    let flips: usize = insight.recipes.iter().map(|r| r.flips.len()).sum();
    assert_eq!(table("flips.csv").lines().count(), 1 + flips);
}

#[test]
fn the_page_draws_what_lies_beyond_the_verdict() {
    let (report, page) = report("beyond", &Fake { previews: false, ..Fake::new() });
    for (section, text) in [
        ("learning", "Where the curves cross"),
        ("results", "Balanced accuracy"),
        ("classes", "certainly gain"),
        ("changes", "Right under <bdi>none</bdi>, wrong under <bdi>cutmix</bdi>"),
        ("calibration", "Brier score"),
        ("cost", "after equal epochs"),
        ("pairs", "Holm for all 10\u{a0}pairs"),
        ("method", "<code>p_images</code>"),
    ] {
        let start = page.find(&format!("<section id=\"{section}\"")).unwrap_or_else(|| panic!("{section}"));
        let end = start + page[start..].find("</section>").unwrap();
        assert!(page[start..end].contains(text), "{section}: {text}");
        assert!(page.contains(&format!("<a href=\"#{section}-ko\">")), "{section}");
    }
    let table = |name: &str| {
        let path = report.page.with_file_name("tables").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()))
    };
    // A row a recipe, bins of equal width, an epoch, a pair, a class, a pair of models.
    assert_eq!(table("measures.csv").lines().count(), 1 + 5);
    assert_eq!(table("calibration.csv").lines().count(), 1 + 5);
    assert_eq!(table("reliability.csv").lines().count(), 1 + 5 * 15);
    assert_eq!(table("epochs.csv").lines().count(), 1 + 5 * 20);
    assert_eq!(table("all-pairs.csv").lines().count(), 1 + 10);
    assert_eq!(table("class-differences.csv").lines().count(), 1 + 7);
    assert_eq!(table("two-models.csv").lines().count(), 1 + 4 * 6);
    assert_eq!(table("equal-time.csv").lines().count(), 1 + 5);
    assert!(table("courses.csv").contains("cutmix,none,"));
    let first = table("equal-time.csv");
    // Every recipe of the fake takes 3.1 s an epoch: equal time is equal epochs.
    let row: Vec<&str> = first.lines().nth(4).unwrap().split(',').collect();
    assert_eq!((row[0], row[1], row[2]), ("cutmix", "20", row[8]));
    for name in ["epoch-gains", "equal-time", "classes", "reliability"] {
        assert!(page.contains(&format!("data-name=\"{name}\"")), "{name}");
        assert!(report.page.with_file_name("figures").join(format!("{name}.png")).is_file(), "{name}");
    }
}

#[test]
fn images_that_change_are_shown_where_the_data_can_be_reached_and_named_otherwise() {
    let (_, named) = report("names", &Fake { previews: false, seeds: 2, epochs: 2, ..Fake::new() });
    assert!(named.contains("could not be read when this page was made") && !named.contains("<image id=\"th"));
    let fake = Fake { previews: false, photographs: true, seeds: 2, epochs: 2, ..Fake::new() };
    let (report, shown) = report("photographs", &fake);
    let changed: usize =
        report.summary.insight.recipes.iter().map(|r| r.to_right.min(8) + r.to_wrong.min(8)).sum();
    let pictures = shown.matches("<image id=\"th").count();
    assert!((8..=changed).contains(&pictures), "{pictures} of {changed}");
    assert!(shown.contains("href=\"#th0\"") && !shown.contains("could not be read when this page was made"));
    // Gone: named again.
    let run = Fake { study: "gone".into(), ..fake }.write(&folder("photographs-gone"));
    std::fs::rename(run.path().join("photographs"), run.path().join("elsewhere")).unwrap();
    let again = bakeoff_report::write(&run, run.path(), Language::English).unwrap();
    assert!(
        std::fs::read_to_string(again.page).unwrap().contains("could not be read when this page was made")
    );
}

#[test]
fn damaged_images_are_told_where_somebody_looked_and_asked_for_where_nobody_did() {
    let fake = Fake { previews: false, ..Fake::new() };
    let (_, page) = report("undamaged", &fake);
    assert!(page.contains("Nobody has looked yet") && !page.contains("hendrycks"));

    let (report, page) = report("robustness", &Fake { robustness: |_, _| true, ..fake });
    let robustness = report.summary.insight.robustness.as_ref().unwrap();
    assert_eq!((robustness.images, robustness.of, robustness.recipes.len()), (400, 800, 5));
    let [none, _, _, cutmix, _] = robustness.recipes.as_slice() else { panic!("{robustness:?}") };
    assert!(none.damaged.difference.is_none() && none.mean_corruption_error.is_none());
    let gain = cutmix.damaged.difference.unwrap();
    assert!(gain.low.unwrap() > 0.0 && gain.mean < 0.3, "{gain:?}");
    let error = cutmix.mean_corruption_error.unwrap();
    assert!(error.high.unwrap() < 1.0 && error.low.unwrap() > 0.3, "{error:?}");
    // Mixing was made to help against blur more than against noise.
    let under = |name: &str| cutmix.corruptions.iter().find(|c| c.corruption.name() == name).unwrap();
    let difference = |name: &str| under(name).accuracy.difference.unwrap().mean;
    assert!(difference("defocus-blur") > difference("shot-noise") + 0.03);
    assert!(cutmix.severities.windows(2).all(|pair| pair[0].mean > pair[1].mean));
    assert_eq!((cutmix.occlusion.len(), cutmix.occlusion[0].hidden), (8, 0.0));

    let start = page.find("<section id=\"robustness\"").unwrap();
    let section = &page[start..start + page[start..].find("</section>").unwrap()];
    for text in ["Tiny ImageNet-C", "mCE, %", "defocus blur", "50\u{a0}% hidden", "data-name=\"severities\""]
    {
        assert!(section.contains(text), "{text}");
    }
    assert!(page.contains("초점 흐림") && page.contains("Hendrycks and Dietterich (2019). Benchmarking"));
    let folder = report.page.parent().unwrap();
    let table = |name: &str| std::fs::read_to_string(folder.join("tables").join(name)).unwrap();
    assert_eq!(table("robustness.csv").lines().count(), 1 + 5);
    assert_eq!(table("corruptions.csv").lines().count(), 1 + 13);
    assert_eq!(table("corruption-severities.csv").lines().count(), 1 + 5 * 13 * 5);
    assert_eq!(table("occlusion.csv").lines().count(), 1 + 5);
    assert!(
        table("robustness.tex").contains("cutmix")
            && table("references.bib").contains("@inproceedings{hendrycks2019,")
    );
    for name in ["severities", "corruptions", "occlusion"] {
        for extension in ["svg", "png"] {
            assert!(folder.join("figures").join(format!("{name}.{extension}")).is_file(), "{name}");
        }
    }
}

#[test]
fn maps_are_drawn_over_their_images_or_told_where_these_are_gone() {
    let fake = Fake { previews: false, robustness: |_, _| true, seeds: 2, epochs: 2, ..Fake::new() };
    let (_, told) = report("maps-told", &fake);
    assert!(
        told.contains("<section id=\"maps\"") && told.contains("the table tells where each map is highest")
    );
    assert!(!told.contains("href=\"#shown"));
    let (drawn, page) = report("maps-drawn", &Fake { photographs: true, ..fake });
    // Four images and five recipes; pictures and veils are in the page once, and both languages refer to them.
    assert_eq!(page.matches("<image id=\"shown").count(), 4);
    assert_eq!(page.matches("<g id=\"veil").count(), 20);
    assert_eq!(page.matches("<use href=\"#veil").count(), 40);
    for text in
        ["right, 25 % sure", "taken for Japanese spaniel", "its class: 25 %", "Learning Deep Features"]
    {
        assert!(page.contains(text), "{text}");
    }
    let folder = drawn.page.parent().unwrap();
    let table = std::fs::read_to_string(folder.join("tables/activation-maps.csv")).unwrap();
    assert!(table.lines().count() == 21 && table.contains("% from the left"), "{table}");
    assert!(folder.join("figures/activation-maps.png").is_file());
    // One image damaged in every way, and as it is.
    assert_eq!(page.matches("<image id=\"dam").count(), 30);
    assert_eq!(page.matches("<use href=\"#dam").count(), 2 * 30);
    assert!(!told.contains("#dam"));
}

#[test]
fn networks_that_were_looked_at_otherwise_are_left_out_and_one_recipe_alone_is_no_comparison() {
    let some = Fake { previews: false, robustness: |recipe, seed| recipe == 0 || seed < 3, ..Fake::new() };
    let run = some.write(&folder("robustness-some"));
    let path = run.trial_folder("mixup", 2).join("robustness.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"images\": 400", "\"images\": 500")).unwrap();
    let summary = bakeoff_findings::summarise(&run).unwrap();
    let robustness = summary.insight.robustness.unwrap();
    let [none, .., mixup] = robustness.recipes.as_slice() else { panic!("{robustness:?}") };
    // One seed in common: a difference, and no interval.
    assert_eq!((none.seeds.len(), mixup.seeds.as_slice()), (6, [1].as_slice()));
    let difference = mixup.damaged.difference.unwrap();
    assert!(difference.mean.is_finite() && difference.low.is_none() && mixup.damaged.p.is_none());
    assert!(summary.warnings.iter().any(|w| w.starts_with("1 of 14 networks")), "{:?}", summary.warnings);
    let gap = |warnings: &[String]| {
        warnings
            .iter()
            .find(|w| w.starts_with("robustness.json is missing for "))
            .cloned()
            .unwrap_or_default()
    };
    assert!(gap(&summary.warnings).contains(" and 13 more"), "{:?}", summary.warnings);
    // Damaged: said, and the rest is used.
    std::fs::write(&path, text.replace("\"plain\": \"", "\"plain\": \"x")).unwrap();
    let summary = bakeoff_findings::summarise(&run).unwrap();
    assert!(summary.warnings.iter().any(|w| w.contains("neither 0 nor 1")), "{:?}", summary.warnings);

    // Gone: said.
    std::fs::remove_file(&path).unwrap();
    let before = gap(&bakeoff_findings::summarise(&run).unwrap().warnings);
    std::fs::remove_file(run.trial_folder("none", 1).join("robustness.json")).unwrap();
    let after = gap(&bakeoff_findings::summarise(&run).unwrap().warnings);
    assert!(before.contains(" and 14 more") && after.contains("none seed 1, "), "{before}\n{after}");

    let alone = Fake { previews: false, robustness: |recipe, _| recipe == 3, ..Fake::new() };
    let (report, page) = report("robustness-alone", &alone);
    assert!(gap(&report.summary.warnings).is_empty(), "{:?}", report.summary.warnings);
    let robustness = report.summary.insight.robustness.unwrap();
    assert_eq!(robustness.recipes.len(), 1);
    assert!(robustness.recipes[0].damaged.difference.is_none() && !page.contains("NaN"));
}

#[test]
fn a_run_until_decided_says_where_every_recipe_stands() {
    let until_decided = Some(UntilDecided { first: 6, most: 12 });
    let run = Fake { previews: false, until_decided, ..Fake::new() }.write(&folder("until-decided"));
    let summary = bakeoff_findings::summarise(&run).unwrap();
    let sequential = summary.sequential.unwrap();
    assert_eq!((sequential.looks.len(), sequential.looks[0].seeds), (1, 6));
    assert!(sequential.looks[0].level > 0.03 && sequential.looks[0].spent <= 0.05);
    assert_eq!(summary.recipes[3].verdict, Some(Verdict::Better));
    let open = bakeoff_findings::open_recipes(&run.plan().unwrap(), &run).unwrap();
    assert_eq!(open[0], "none");
    let report = bakeoff_report::write(&run, run.path(), Language::English).unwrap();
    let page = std::fs::read_to_string(report.page).unwrap();
    for text in [
        "Seeds added until decided",
        "Hwang, Shih and De Cani",
        "decided with 6\u{a0}seeds",
        "Looks at the results so far",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!open.contains(&"cutmix".to_owned()) && open.contains(&"mixup".to_owned()), "{open:?}");
    // Without the declaration there is nothing to add to.
    let fixed = Fake { previews: false, ..Fake::new() }.write(&folder("fixed"));
    assert!(bakeoff_findings::open_recipes(&fixed.plan().unwrap(), &fixed).unwrap().is_empty());
}

#[test]
fn records_written_by_hand_are_left_out_or_drawn_as_far_as_they_go() {
    let fake = Fake {
        previews: false,
        robustness: |_, _| true,
        seeds: 2,
        epochs: 1,
        photographs: true,
        test_images: 20,
        ..Fake::new()
    };
    let run = fake.write(&folder("by-hand"));
    let file = |recipe: &str, seed: u64, name: &str| run.trial_folder(recipe, seed).join(name);
    let edit = |recipe: &str, seed: u64, name: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let path = file(recipe, seed, name);
        let mut value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(&path, value.to_string()).unwrap();
    };
    let recipes: Vec<String> = run.plan().unwrap().recipes.into_iter().map(|recipe| recipe.name).collect();
    // Maps of two seeds: all are of the one that most recipes have.
    for recipe in &recipes {
        std::fs::copy(file(recipe, 1, "maps.json"), file(recipe, 2, "maps.json")).unwrap();
        edit(recipe, 2, "maps.json", &|maps| {
            maps["seed"] = 2.into();
            maps["id"] = format!("{recipe}-2").into();
        });
    }
    recipes[1..].iter().for_each(|recipe| std::fs::remove_file(file(recipe, 1, "maps.json")).unwrap());
    edit(&recipes[0], 2, "maps.json", &|maps| {
        maps["maps"][0]["rows"] = (1u64 << 40).into();
        maps["maps"][1]["label"] = 4_000_000_000u64.into();
        maps["maps"][2]["probability"] = (-1e300).into();
        maps["maps"][3]["values"][0] = 3e38.into();
        maps["side"] = 1_000_000_000u64.into();
    });
    let page = |run: &bakeoff_study::RunFolder| {
        let report = bakeoff_report::write(run, run.path(), Language::English).unwrap();
        let page = std::fs::read_to_string(report.page).unwrap();
        // Without the pictures, in which any letters may stand.
        page.split("base64,")
            .map(|part| part.split_once('"').map_or(part, |(_, rest)| rest))
            .collect::<String>()
    };
    let text = page(&run);
    assert!(text.contains("of the networks of seed 2"));
    assert!(!text.contains("NaN") && !text.contains("id=\"veil0-0\"") && text.contains("id=\"veil0-1\""));

    // Every record the same, and odd.
    let all = |change: &dyn Fn(&mut serde_json::Value)| {
        for recipe in &recipes {
            for seed in [1, 2] {
                edit(recipe, seed, "robustness.json", change);
            }
        }
    };
    all(&|record| {
        record["occlusion"][0]["hidden"] = 1e300.into();
        record["corruptions"][0]["severity"] = 255.into();
        record["corruptions"].as_array_mut().unwrap().swap(1, 40);
    });
    assert!(!page(&run).contains("NaN"));
    all(&|record| {
        record["corruptions"] = serde_json::json!([]);
        record["occlusion"] = serde_json::json!([]);
    });
    assert!(!page(&run).contains("NaN"));
    all(&|record| {
        record["images"] = 0.into();
        record["plain"] = "".into();
    });
    let summary = bakeoff_findings::summarise(&run).unwrap();
    assert!(summary.insight.robustness.is_none() && page(&run).contains("Nobody has looked yet"));
}

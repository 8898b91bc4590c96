//! What lies beyond the verdict.

use crate::support::*;

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

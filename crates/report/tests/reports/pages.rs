//! The page, the terminal and the files beside it.

use crate::support::*;

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
        fake.recipes.push(crate::fake::Recipe { name: format!("{}-{extra}", like.name), ..like });
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

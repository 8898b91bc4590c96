//! What does not belong together, or is damaged.

use crate::support::*;

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

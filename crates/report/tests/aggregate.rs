//! Several data sets together: numbers worked out by hand, and what cannot be taken together refused.

#[allow(dead_code, reason = "shared with other tests")]
mod fake;

use bakeoff_evidence::results::{Results, ResultsError, ResultsOptions, Source};
use bakeoff_findings::aggregate::{Aggregate, AggregateError, DataSet, aggregate};
use bakeoff_report::Language;
use bakeoff_report::aggregate::write_aggregate;
use bakeoff_stats::Verdict;
use fake::{End, Fake};
use std::path::Path;

/// A row per run; with `data_set` a column of that name.
fn rows(data_set: Option<&str>, runs: &Runs) -> String {
    let mut text = String::new();
    for (recipe, values) in runs {
        for (value, seed) in values.iter().zip(1..) {
            text += &data_set.map_or_else(String::new, |name| format!("{name},"));
            text += &format!("{recipe},{seed},{value}\n");
        }
    }
    text
}

/// Recipes with the accuracies of seeds 1, 2, 3, …
type Runs = [(&'static str, &'static [f64])];

const PETS: &Runs = &[("none", &[0.60, 0.62, 0.64]), ("cutmix", &[0.66, 0.66, 0.70])];
const DOGS: &Runs = &[("none", &[0.80, 0.82, 0.84]), ("cutmix", &[0.81, 0.83, 0.83])];

fn write(folder: &Path, name: &str, text: &str) -> Source {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    Source::of(path)
}

fn files(folder: &Path, sets: &[(&str, &Runs)]) -> Vec<Source> {
    let header = "recipe,seed,accuracy\n";
    sets.iter()
        .map(|(name, runs)| write(folder, &format!("{name}.csv"), &format!("{header}{}", rows(None, runs))))
        .collect()
}

fn read(sources: &[Source]) -> Vec<DataSet> {
    let all =
        Results::read_all(sources, &ResultsOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    all.iter().map(|results| DataSet::of_results(results, "none", 1.0).unwrap()).collect()
}

fn refused(sets: &[(&str, &Runs)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    aggregate(&read(&files(folder.path(), sets))).unwrap_err().to_string()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[test]
fn two_data_sets_give_the_numbers_worked_out_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let sets = read(&files(folder.path(), &[("pets", PETS), ("dogs", DOGS)]));
    let all = aggregate(&sets).unwrap();
    assert_eq!(all.data_sets, ["pets", "dogs"]);
    let [none, cutmix] = all.recipes.as_slice() else { panic!("{all:?}") };
    // Of six runs one is cut at either end.
    assert!(close(none.iqm.value, (0.62 + 0.64 + 0.80 + 0.82) / 4.0), "{none:?}");
    assert!(close(cutmix.iqm.value, (0.66 + 0.70 + 0.81 + 0.83) / 4.0), "{cutmix:?}");
    // Differences seed by seed: 6, 4, 6 and 1, 1, −1 points.
    let difference = cutmix.difference.unwrap();
    assert!(close(difference.value, (0.01 + 0.01 + 0.04 + 0.06) / 4.0), "{difference:?}");
    assert!(difference.low >= -0.01 && difference.low < difference.value && difference.high <= 0.06);
    // Nine pairs of nine on the pets, five of nine on the dogs; both data sets count the same.
    let improvement = cutmix.probability_of_improvement.unwrap();
    assert!(close(improvement.value, (1.0 + 5.0 / 9.0) / 2.0), "{improvement:?}");
    // The pets always contribute a half; the dogs at least nothing, at most another half.
    assert!(improvement.low >= 0.5 && improvement.low < improvement.value && improvement.high <= 1.0);
    assert!(none.difference.is_none() && none.probability_of_improvement.is_none());
    // Each data set by itself.
    let on = &cutmix.data_sets[1];
    assert!(
        on.data_set == "dogs" && on.runs == 3 && close(on.difference.unwrap().value, 0.01 / 3.0),
        "{on:?}"
    );
    assert_eq!(on.verdict, Some(Verdict::Undecided));
    assert_eq!(
        all.answer.replace('\u{a0}', " "),
        format!(
            "Over 2 data sets together, the probability that a run beats one of none: cutmix 0.78 [{:.2}, {:.2}].",
            improvement.low, improvement.high
        )
    );
    assert!(
        all.warnings.iter().any(|w| w.contains("only 3 runs") && w.contains("too narrow")),
        "{:?}",
        all.warnings
    );
    assert_eq!(aggregate(&sets).unwrap(), all, "the bootstrap draws the same again");
    let back: Aggregate = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
    assert_eq!((back.answer, back.warnings, back.recipes.len()), (all.answer, all.warnings, 2));
    // Read from JSON the last digit of a number may differ.
    assert!(close(back.recipes[1].probability_of_improvement.unwrap().value, 7.0 / 9.0));
}

#[test]
fn a_column_that_names_data_sets_means_the_same_as_files_and_other_files_stay_one_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let by_files = aggregate(&read(&files(folder.path(), &[("pets", PETS), ("dogs", DOGS)]))).unwrap();
    for column in ["dataset", "data_set", "Data set"] {
        let text = format!(
            "{column},recipe,seed,accuracy\n{}{}",
            rows(Some("pets"), PETS),
            rows(Some("dogs"), DOGS)
        );
        let sources = [write(folder.path(), "all.csv", &text)];
        assert_eq!(aggregate(&read(&sources)).unwrap(), by_files, "{column}");
        let error = Results::read(&sources, &ResultsOptions::default()).unwrap_err();
        assert!(matches!(error, ResultsError::SeveralDataSets { count: 2, .. }), "{error}");
    }
    // A recipe a file, as trainers write them: one data set.
    let apart = files(folder.path(), &[("a", &PETS[..1]), ("b", &PETS[1..])]);
    let sets = read(&apart);
    assert_eq!((sets.len(), sets[0].summary.recipes.len()), (1, 2));
    // Files of one name are told apart by their folders.
    let text = |runs| format!("recipe,seed,accuracy\n{}", rows(None, runs));
    let same = [
        write(folder.path(), "pets/results.csv", &text(PETS)),
        write(folder.path(), "dogs/results.csv", &text(DOGS)),
    ];
    let names: Vec<String> = read(&same).into_iter().map(|set| set.name).collect();
    assert!(names[0].ends_with("pets/results") && names[1].ends_with("dogs/results"), "{names:?}");
    // Some rows with a data set and some without: not to be guessed.
    let named = write(
        folder.path(),
        "named.csv",
        &format!("dataset,recipe,seed,accuracy\n{}", rows(Some("x"), PETS)),
    );
    let error = Results::read_all(&[named, apart[0].clone()], &ResultsOptions::default()).unwrap_err();
    assert!(error.to_string().contains("without a data set"), "{error}");
}

#[test]
fn what_cannot_be_taken_together_is_refused_by_name() {
    let one = refused(&[("pets", PETS)]);
    assert!(one.contains("one data set, \"pets\"") && one.contains("needs a second one"), "{one}");
    let twice = refused(&[("pets", PETS), ("copy", PETS)]);
    assert!(twice.contains("pets and copy hold the same results"), "{twice}");
    let other: &Runs = &[DOGS[0], ("mixup", &[0.81, 0.83, 0.83])];
    let recipes = refused(&[("pets", PETS), ("dogs", other)]);
    assert!(recipes.contains("dogs lacks \"cutmix\" of pets"), "{recipes}");
    let more: &Runs = &[DOGS[0], DOGS[1], ("mixup", &[0.81, 0.83, 0.83])];
    let recipes = refused(&[("pets", PETS), ("dogs", more)]);
    assert!(recipes.contains("pets lacks \"mixup\" of dogs"), "{recipes}");
    let few: &Runs = &[DOGS[0], ("cutmix", &[0.81, 0.83])];
    let runs = refused(&[("pets", PETS), ("dogs", few)]);
    assert!(runs.contains("dogs: \"cutmix\" has 2\u{a0}finished runs") && runs.contains("needs 3"), "{runs}");

    let folder = tempfile::tempdir().unwrap();
    let header = "recipe,seed,image,probability\n";
    let mut text = String::from(header);
    for seed in 1..=3 {
        for (recipe, p) in [("none", 0.4), ("cutmix", 0.5)] {
            text += &format!("{recipe},{seed},x,{p}\n{recipe},{seed},y,{}\n", p + 0.01 * f64::from(seed));
        }
    }
    let sets = [
        read(&files(folder.path(), &[("pets", PETS)])),
        read(&[write(folder.path(), "probabilities.csv", &text)]),
    ]
    .concat();
    let error = aggregate(&sets).unwrap_err();
    assert!(matches!(error, AggregateError::OtherMetric { .. }), "{error}");
    assert!(error.to_string().contains("pets is of accuracy, probabilities of probability"), "{error}");
}

#[test]
fn run_folders_are_data_sets_and_what_they_lack_or_do_otherwise_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let set = |name: &str, fake: &Fake| {
        DataSet::of_run(&fake.write(&folder.path().join(name))).unwrap_or_else(|error| panic!("{error}"))
    };
    let first = set("first", &Fake { previews: false, ..Fake::new() });
    let failed = Fake {
        previews: false,
        end: |recipe, seed| match (recipe, seed) {
            (3, 1..=4) => End::Failed(2),
            (3, 5) => End::Running(3),
            _ => End::Finished,
        },
        ..Fake::new()
    };
    let error = aggregate(&[first.clone(), set("failed", &failed)]).unwrap_err().to_string();
    assert!(error.contains("\"cutmix\" has 1\u{a0}finished run"), "{error}");
    assert!(error.contains("1 of their trials is not finished, 4 failed"), "{error}");
    // A damaged file is named, not only its folder.
    let damaged = Fake { previews: false, ..Fake::new() }.write(&folder.path().join("damaged"));
    for seed in 1..=4 {
        let file = folder.path().join(format!("damaged/trials/none/seed-{seed}/trial.json"));
        std::fs::write(file, "{}").unwrap();
    }
    let damaged = DataSet::of_run(&damaged).unwrap_or_else(|error| panic!("{error}"));
    let error = aggregate(&[first.clone(), damaged]).unwrap_err().to_string();
    assert!(
        error.contains("4 failed, none seed 1 for one: ") && error.contains("seed-1/trial.json"),
        "{error}"
    );
    let error =
        aggregate(&[first.clone(), set("two", &Fake { previews: false, test_images: 2, ..Fake::new() })]);
    assert!(matches!(error, Err(AggregateError::FewImages { images: 2, .. })), "{error:?}");
    // Studies of one name are told apart by their folders; the same run twice is seen even so.
    let error =
        aggregate(&[first.clone(), set("again", &Fake { previews: false, ..Fake::new() })]).unwrap_err();
    assert!(
        matches!(&error, AggregateError::SameResults { first, second }
        if first.contains("first") && second.contains("again")),
        "{error}"
    );

    let mut other = set("other", &Fake { previews: false, seeds: 5, ..Fake::new() });
    other.summary.baseline = "flip-crop".into();
    let error = aggregate(&[first.clone(), other.clone()]).unwrap_err();
    assert!(matches!(error, AggregateError::OtherBaseline { .. }), "{error}");
    other.summary.baseline = first.summary.baseline.clone();
    other.summary.headline = "best-on-validation".into();
    let error = aggregate(&[first.clone(), other.clone()]).unwrap_err().to_string();
    assert!(error.contains("top1 (last)") && error.contains("top1 (best-on-validation)"), "{error}");
    other.summary.headline = first.summary.headline.clone();
    let all = aggregate(&[first, other]).unwrap();
    assert_eq!((all.recipes.len(), all.recipes[0].data_sets[1].runs), (5, 5));
}

#[test]
fn the_page_and_its_files_hold_every_number_in_both_languages_and_names_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    let name = "<script>alert(1)</script>";
    let text =
        format!("dataset,recipe,seed,accuracy\n{}{}", rows(Some(name), PETS), rows(Some("dogs"), DOGS));
    let all = aggregate(&read(&[write(folder.path(), "all.csv", &text)])).unwrap();
    let out = folder.path().join("report");
    let page = write_aggregate(&all, &out, Language::English).unwrap();
    let html = std::fs::read_to_string(page).unwrap();
    for text in
        ["0.78 [", "+3.0 [", "Interquartile mean", "사분위 평균", "lang=\"ko\" hidden", "&lt;script&gt;alert"]
    {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("<script>alert") && !html.contains("NaN"));
    for rest in html.split("src=\"").skip(1).chain(html.split("href=\"").skip(1)) {
        assert!(rest.starts_with('#') || rest.starts_with("data:"), "{}", &rest[..40]);
    }
    let csv = std::fs::read_to_string(out.join("tables/aggregate.csv")).unwrap();
    let header = "recipe,iqm,iqm_low,iqm_high,iqm_difference,iqm_difference_low,iqm_difference_high,\
                  probability_of_improvement,probability_of_improvement_low,probability_of_improvement_high";
    assert_eq!(csv.lines().next(), Some(header));
    let cutmix: Vec<&str> = csv.lines().find(|l| l.starts_with("cutmix")).unwrap().split(',').collect();
    assert!(close(cutmix[7].parse().unwrap(), 7.0 / 9.0), "{csv}");
    assert_eq!(std::fs::read_to_string(out.join("tables/data-sets.csv")).unwrap().lines().count(), 5);
    assert!(std::fs::read_to_string(out.join("tables/references.bib")).unwrap().contains("agarwal2021"));
    for file in ["aggregate.json", "tables/aggregate.tex", "figures/aggregate.svg", "figures/aggregate.png"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let lines = all.lines().join("\n");
    assert!(
        lines.contains("beats none") && lines.contains("+3.0") && lines.contains("no verdict"),
        "{lines}"
    );
}

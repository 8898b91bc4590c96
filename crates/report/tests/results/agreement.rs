//! Labels, duplicates and names that have to agree.

use crate::support::*;

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

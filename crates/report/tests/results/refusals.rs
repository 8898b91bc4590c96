//! What is missing or wrong is named.

use crate::support::*;

#[test]
fn what_is_missing_is_named() {
    let files = Files::new();
    for (text, words) in [
        ("", "results.csv holds no results: it has no header line"),
        ("recipe,seed,image,correct\n", "results.csv holds no results: it has a header line and no rows"),
        (
            "recipe,seed,img,correct\na,1,x,1\n",
            "results.csv:1: column `image` is missing; the columns are `recipe`, `seed`, `img` and `correct`",
        ),
        ("recipe,seed,imagee,correct\na,1,x,1\n", "is it `imagee`? Rename it"),
        ("recipe,image,correct\na,x,1\n", "column `seed` is missing"),
        ("recipe,seed,image,score\na,1,x,1\n", "column `correct` is missing"),
        ("a,1,x,1\n", "column `recipe` is missing"),
        ("epoch,loss\n0,1.0\n", "Say which column holds the accuracy: --metric NAME"),
        ("recipe,seed,val_loss\na,1,0.5\n", "Say which column holds what a run came to: --metric NAME"),
        ("recipe,seed,epoch,val_acc\na,1,0,\n", "no row has a value of the metric"),
        ("epoch,val_acc\n0,0.5\n", "which recipe and seed it is of cannot be told from its path"),
    ] {
        let told = files.refused(text);
        assert!(told.contains(words), "{text:?}: {told}");
    }
}

#[test]
fn a_wrong_value_is_named_with_line_and_column() {
    let files = Files::new();
    let head = "recipe,seed,image,correct\na,1,x,1\n";
    for (row, words) in [
        ("a,one,x,1", "results.csv:3: column 2 (`seed`): `one` is no seed"),
        ("a,-1,x,1", "results.csv:3: column 2 (`seed`): `-1` is no seed"),
        ("a,,x,1", "results.csv:3: column 2 (`seed`): is empty"),
        ("a,1,y,maybe", "results.csv:3: column 4 (`correct`): `maybe`; must be 0, 1, true or false"),
        ("a,1,y,0.7", "results.csv:3: column 4 (`correct`): `0.7`"),
        ("a,1,y,", "results.csv:3: column 4 (`correct`): is empty"),
        (",1,y,1", "results.csv:3: column 1 (`recipe`): is empty"),
        ("a,1,,1", "results.csv:3: column 3 (`image`): is empty"),
        ("a,1,x,0", "results.csv:3: recipe \"a\", seed 1 has image \"x\" a second time"),
        ("a,1,y", "results.csv:3: 3 values, but the header has 4 columns"),
    ] {
        let told = files.refused(&format!("{head}{row}\n"));
        assert!(told.contains(words), "{row:?}: {told}");
    }
    for (value, words) in [
        ("1.2", "column 4 (`probability`): `1.2` is outside [0, 1]; divide percent by 100"),
        ("-0.1", "is outside [0, 1]"),
        ("nan", "is not a number"),
        ("half", "column 4 (`probability`): `half` is not a number"),
    ] {
        let told = files.refused(&format!("recipe,seed,image,probability\na,1,x,{value}\n"));
        assert!(told.contains(words) && told.contains("results.csv:2"), "{value:?}: {told}");
    }
    let told = files.refused("recipe,seed,epoch,val_acc\na,1,0,0.5\na,1,1,140\n");
    assert!(told.contains("results.csv:3: `val_acc`: 140 is neither a fraction nor percent"), "{told}");
    let told = files.refused("recipe,seed,image,label,predicted\na,1,x,cat,cat\nb,1,x,dog,cat\n");
    assert!(told.contains("results.csv:3: column 4 (`label`)") && told.contains("earlier row"), "{told}");
    std::fs::write(files.path("bytes.csv"), b"recipe,seed,image,correct\n\xff,1,x,1\n").unwrap();
    let read = read(Source::of(files.path("bytes.csv")));
    assert_eq!(read.runs[0].recipe, "ÿ");
    assert!(read.warnings[0].contains("read as Windows-1252: line 2 holds \"ÿ\""), "{:?}", read.warnings);
}

#[test]
fn runs_of_other_images_are_refused_with_an_example() {
    let files = Files::new();
    let told = files.refused("recipe,seed,image,correct\na,1,x,1\na,1,y,0\na,1,z,0\nb,1,x,1\nb,1,w,1\n");
    assert!(told.contains("recipe \"a\", seed 1 lacks 1 of 4 test images, such as \"w\""), "{told}");
    let told = files.refused("recipe,seed,image,correct\na,1,x,1\na,1,y,0\na,2,x,0\n");
    assert!(told.contains("recipe \"a\", seed 2 lacks 1 of 2 test images, such as \"y\""), "{told}");
}

#[test]
fn a_baseline_that_is_not_there_is_answered_with_the_nearest_name() {
    let files = Files::new();
    let results = read(files.write("results.csv", &predictions()));
    let error = results.baseline(Some("nome")).unwrap_err().to_string();
    assert!(error.contains("did you mean \"none\"?") && error.contains("\"cutmix\""), "{error}");
    assert_eq!(results.baseline(None).unwrap(), "none");
    let one = read(files.write("one.csv", "recipe,seed,image,correct\nnone,1,x,1\n"));
    assert!(matches!(one.baseline(None), Err(ResultsError::OneRecipe { .. })));
    let other = read(files.write("ab.csv", "recipe,seed,image,correct\na,1,x,1\nb,1,x,1\n"));
    assert!(matches!(other.baseline(None), Err(ResultsError::NoBaseline { .. })));
}

#[test]
fn one_seed_or_seeds_without_a_partner_give_no_number_that_looks_like_an_answer() {
    let files = Files::new();
    let one = read(files.write("one.csv", "recipe,seed,image,correct\na,1,x,1\na,1,y,0\nb,1,x,1\nb,1,y,1\n"));
    let summary = summarise_results(&one, "a", 1.0).unwrap();
    assert_eq!(
        (summary.recipes[1].verdict, &summary.recipes[1].difference),
        (Some(Verdict::Undecided), &None)
    );
    assert!(summary.recipes[1].reason.as_ref().unwrap().contains("single pair"), "{summary:?}");

    let apart = read(files.write("apart.csv", "recipe,seed,accuracy\na,1,0.5\na,2,0.6\nb,3,0.7\nb,2,0.8\n"));
    let summary = summarise_results(&apart, "a", 1.0).unwrap();
    let told = &summary.warnings[0];
    assert!(told.contains("seed 3 of b and seed 1 of a left out"), "{told}");
    let lone = read(files.write("lone.csv", "recipe,seed,accuracy\na,1,0.5\nb,3,0.7\n"));
    let summary = summarise_results(&lone, "a", 1.0).unwrap();
    assert_eq!(summary.recipes[1].verdict, None);
    assert_eq!(summary.answer, "No answer yet: no recipe shares a finished seed with a.");
}

#[test]
fn two_logs_of_one_run_and_files_of_two_kinds_are_refused() {
    let files = Files::new();
    let log = "epoch,val_acc\n0,0.5\n";
    let twice = [files.write("a/seed-1/x.csv", log), files.write("a/seed-1/y.csv", log)];
    let read =
        |sources: &[Source]| Results::read(sources, &ResultsOptions::default()).unwrap_err().to_string();
    assert!(read(&twice).contains("recipe \"a\", seed 1 was already read from"));
    let mixed = [files.write("a/seed-1/x.csv", log), files.write("r.csv", &predictions())];
    assert!(read(&mixed).contains("give files of one kind"));
    assert!(read(&[Source::of(Path::new("no-such.csv"))]).contains("cannot read no-such.csv"));
}

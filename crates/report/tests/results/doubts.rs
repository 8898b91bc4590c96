//! What looks wrong is refused or said.

use crate::support::*;

#[test]
fn a_log_that_changes_its_unit_midway_is_refused_wherever_it_does() {
    let log = |metric: &str, values: &[f64], restart: usize| {
        let mut text = format!("epoch,{metric}\n");
        for (at, value) in values.iter().enumerate() {
            let epoch = if at >= restart { at - restart } else { at };
            writeln!(text, "{epoch},{value}").unwrap();
        }
        text
    };
    let accuracies = [35.2, 53.18, 60.96, 64.9, 68.01, 68.75];
    let errors = accuracies.map(|value| 100.0 - value);
    for (metric, percent) in [("val_acc", accuracies), ("val_f1", accuracies), ("val_err", errors)] {
        let fractions = percent.map(|value| value / 100.0);
        // A second training appended, and one that goes on in another unit, early and late.
        let mut all = vec![
            (log(metric, &[percent, fractions].concat(), 6), 8),
            (log(metric, &[fractions, percent].concat(), 6), 8),
        ];
        for at in 2..6 {
            all.push((log(metric, &[&percent[..at], &fractions[at..]].concat(), 9), at + 2));
            all.push((log(metric, &[&fractions[..at], &percent[at..]].concat(), 9), at + 2));
        }
        for (text, line) in all {
            let files = Files::new();
            let source = files.write("a/seed-1/log.csv", &text);
            let told = Results::read(&[source], &asked(metric)).unwrap_err().to_string();
            assert!(told.contains(&format!("at line {line} `{metric}` goes from")), "{text}: {told}");
            assert!(told.contains("another unit"), "{told}");
        }
    }
    // Any ratio.
    for first in [0.1, 0.3, 0.6613, 1.0] {
        let told = value(&log("val_acc", &[10.467, 15.66, 18.339, first, 0.6795, 0.6882], 9)).unwrap_err();
        assert!(told.contains("at line 5 "), "{told}");
    }
    // Percent throughout: a slow start, errors that get small, a network that collapsed.
    for (metric, values) in [
        ("val_acc", &[0.4, 0.9, 3.0, 9.0, 30.0][..]),
        ("val_acc", &[0.1, 0.1, 0.1, 30.0, 40.0]),
        ("val_acc", &[1.0, 1.0, 4.0, 12.0, 30.0]),
        ("val_acc", &[30.0, 60.0, 1.0, 1.0, 1.0]),
        ("val_acc", &[30.0, 60.0, 0.1, 0.1, 0.1]),
        ("val_err", &[11.0, 3.1, 1.2, 0.9, 0.8]),
        ("val_err", &[9.0, 0.9, 0.8, 0.7]),
    ] {
        let files = Files::new();
        let source = files.write("a/seed-1/log.csv", &log(metric, values, 9));
        Results::read(&[source], &asked(metric)).unwrap_or_else(|error| panic!("{values:?}: {error}"));
    }
}

#[test]
fn runs_that_are_the_same_to_the_last_digit_are_refused_or_said() {
    // What a run writes: a log, right and wrong, classes, probabilities. Numbers hang on `of` alone.
    let image = |of: usize, image: usize| (image * 7 + of * 3) % 20 < 11;
    type Rows<'a> = &'a dyn Fn(&str, usize, usize) -> String;
    let kinds: [Rows<'_>; 4] = [
        &|recipe, seed, of| {
            (0..5)
                .map(|e| format!("{recipe},{seed},{e},{}\n", 0.3 + 0.08 * e as f64 + 0.001 * of as f64))
                .collect()
        },
        &|recipe, seed, of| {
            (0..40).map(|i| format!("{recipe},{seed},{i},{}\n", u8::from(image(of, i)))).collect()
        },
        &|recipe, seed, of| {
            (0..40)
                .map(|i| {
                    format!(
                        "{recipe},{seed},{i},k{},k{}\n",
                        i % 2,
                        if image(of, i) { i % 2 } else { 1 - i % 2 }
                    )
                })
                .collect()
        },
        &|recipe, seed, of| {
            (0..40).map(|i| format!("{recipe},{seed},{i},0.{}\n", 100 + i * 20 + of)).collect()
        },
    ];
    let heads = ["epoch,val_acc", "image,correct", "image,label,predicted", "image,probability"];
    let files = Files::new();
    for (kind, head) in kinds.iter().zip(heads) {
        let table = |of: [[usize; 3]; 2]| {
            let mut text = format!("recipe,seed,{head}\n");
            for (recipe, of) in ["none", "cutmix"].into_iter().zip(of) {
                of.into_iter().enumerate().for_each(|(at, of)| text += &kind(recipe, at + 1, of));
            }
            files.write("r.csv", &text)
        };
        let identical = |of| {
            let warnings = read(table(of)).warnings;
            warnings.into_iter().find(|w| w.contains("identical to the last digit"))
        };
        for of in [[[1, 1, 1], [2, 3, 4]], [[2, 3, 4], [1, 1, 1]]] {
            let told = Results::read(&[table(of)], &ResultsOptions::default()).unwrap_err().to_string();
            let recipe = if of[0][1] == 1 { "none" } else { "cutmix" };
            assert!(
                told.contains(&format!("all 3 runs of recipe \"{recipe}\" are identical")),
                "{head}: {told}"
            );
        }
        assert_eq!(identical([[1, 2, 3], [4, 5, 6]]), None, "{head}");
        let told = identical([[1, 1, 3], [4, 5, 6]]).unwrap();
        assert!(told.contains("none seed 1 and none seed 2"), "{head}: {told}");
        let told = identical([[1, 2, 3], [1, 2, 3]]).unwrap();
        assert!(
            told.contains("none seed 1 and cutmix seed 1") && told.contains("none seed 3 and cutmix seed 3"),
            "{told}"
        );
    }
    // A final value alone may be the same.
    let rows = |values: [f64; 6]| {
        let mut text = String::from("recipe,seed,accuracy\n");
        for (at, value) in values.iter().enumerate() {
            writeln!(text, "{},{},{value}", ["none", "cutmix"][at / 3], at % 3).unwrap();
        }
        read(files.write("r.csv", &text)).warnings
    };
    assert_eq!(rows([0.5, 0.5, 0.6, 0.5, 0.6, 0.7]), [""; 0]);
    let told = rows([0.5, 0.5, 0.5, 0.5, 0.6, 0.7]);
    assert!(told[0].contains("All runs of none came to the same value"), "{told:?}");
    // A network that learnt nothing stands still, whatever its seed.
    let still = files.write(
        "r.csv",
        "recipe,seed,epoch,val_acc\nnone,1,0,0.1\nnone,1,1,0.1\nnone,2,0,0.1\nnone,2,1,0.1\ncutmix,1,0,0.3\ncutmix,2,0,0.4\n",
    );
    assert!(read(still).warnings.iter().all(|w| !w.contains("identical")));
}

#[test]
fn files_put_together_although_they_may_be_data_sets_are_said() {
    let files = Files::new();
    let rows = |recipes: &[&str], seeds: std::ops::RangeInclusive<u64>| {
        let mut text = String::from("recipe,seed,accuracy\n");
        for recipe in recipes {
            seeds.clone().for_each(|seed| writeln!(text, "{recipe},{seed},0.{}", 500 + seed).unwrap());
        }
        text
    };
    let both = ["none", "cutmix"];
    for (first, second, said) in [
        (rows(&both, 1..=6), rows(&both, 7..=12), true),
        (rows(&both, 0..=1), rows(&both[..1], 2..=3), true),
        // A file per seed, and a file per recipe.
        (rows(&both, 1..=1), rows(&both, 2..=2), false),
        (rows(&both[..1], 1..=6), rows(&both[1..], 1..=6), false),
    ] {
        let sources = [files.write("pets.csv", &first), files.write("dogs.csv", &second)];
        let all = Results::read_all(&sources, &ResultsOptions::default()).unwrap();
        assert_eq!(all.len(), 1);
        let told = all[0].warnings.iter().find(|w| w.contains("parts of one data set"));
        assert_eq!(told.is_some(), said, "{:?}", all[0].warnings);
        let words = |w: &String| w.contains("dogs.csv") && w.contains("--data-set pets=");
        assert!(told.is_none_or(words), "{told:?}");
    }
}

use super::*;

fn placeholders(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn both_languages_fill_in_the_same_values_and_leave_nothing_empty() {
    for (name, english, korean) in TABLE {
        assert_eq!(placeholders(english), placeholders(korean), "{name}");
        assert!(!english.trim().is_empty() && !korean.trim().is_empty(), "{name}");
        for tag in ["<b>", "<i>", "<code>", "<a "] {
            assert_eq!(english.matches(tag).count() > 0, korean.matches(tag).count() > 0, "{name} {tag}");
        }
    }
}

/// What ends in a word that somebody else chose takes a particle of two forms, which [`crate::korean::particles`] chooses between.
#[test]
fn no_particle_is_guessed_after_a_name() {
    const NAMES: [&str; 14] = [
        "baseline",
        "recipe",
        "name",
        "metric",
        "class",
        "partner",
        "true",
        "predicted",
        "image",
        "set",
        "time",
        "path",
        "version",
        "first",
    ];
    for (name, _, korean) in TABLE {
        for part in korean.split('{').skip(1) {
            let (value, after) = part.split_once('}').unwrap();
            let guessed = ["은 ", "는 ", "이 ", "가 ", "을 ", "를 ", "와 ", "과 ", "으로 ", "로 "];
            let guessed = guessed.iter().any(|particle| after.starts_with(particle));
            assert!(!guessed || !NAMES.contains(&value), "{name}: {{{value}}}{after}");
        }
    }
}

#[test]
fn values_go_where_they_belong_and_unknown_names_stay() {
    assert_eq!(fill("a {x} b {y}", &[("x", &1), ("z", &2)]), "a 1 b {y}");
    // A value that looks like a placeholder is not filled in again.
    assert_eq!(fill("{x}{y}", &[("x", &"{y}"), ("y", &2)]), "{y}2");
    assert_eq!(fill("open {", &[]), "open {");
}

#[test]
fn numbers_and_times_are_written_for_people() {
    let words = Language::English.words();
    assert_eq!(
        ["0", "999", "1,000", "12,345,678"],
        [0, 999, 1000, 12_345_678].map(thousands).each_ref().map(String::as_str)
    );
    assert_eq!(
        [3.44, 720.0, 9_000.0].map(|s| words.duration(s)),
        ["3.4\u{a0}s", "12\u{a0}min", "2.5\u{a0}h"]
    );
    assert_eq!([1, 2].map(|n| words.count(words.seeds_n, n)), ["1\u{a0}seed", "2\u{a0}seeds"]);
    let words = Language::Korean.words();
    assert_eq!(
        (words.duration(720.0), words.count(words.seeds_n, 2)),
        ("12분".into(), "시드\u{a0}2개".into())
    );
}

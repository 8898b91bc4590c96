//! What names of folders and files say of splits: `train`, `training_set`, `val2017`, `seg_test`, `훈련`, `Trainingsdaten`.
//!
//! A split's word counts as a whole word of a name only: cut where letters end, where digits begin, and where `camelCase` turns. So
//! `contest`, `trainers` and `latest` are no splits.

use unicode_normalization::UnicodeNormalization;

use crate::DeclaredSplit;

/// The split a name stands for, and how plainly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SplitName {
    pub(super) split: DeclaredSplit,
    pub(super) how: Match,
}

/// How a name says its split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It is an English word for it, and that alone: there is nothing to doubt.
    Exact,
    /// It is the word in another language.
    Translated,
    /// The word is a part of it.
    Within,
}

const TRAIN: [&str; 2] = ["train", "training"];
const VALIDATION: [&str; 4] = ["val", "valid", "validation", "dev"];
const TEST: [&str; 2] = ["test", "testing"];

/// In other languages, small letters without accents.
const TRAIN_ELSEWHERE: [&str; 9] =
    ["entrainement", "apprentissage", "entrenamiento", "훈련", "학습", "訓練", "学習", "學習", "训练"];
const VALIDATION_ELSEWHERE: [&str; 7] = ["validierung", "validacion", "검증", "検証", "验证", "驗證", "檢證"];
const TEST_ELSEWHERE: [&str; 12] = [
    "prufung",
    "pruefung",
    "prueba",
    "pruebas",
    "시험",
    "테스트",
    "평가",
    "テスト",
    "評価",
    "測試",
    "测试",
    "试验",
];

/// Words that turn the meaning round.
const NEGATIONS: [&str; 5] = ["not", "no", "non", "without", "except"];

/// What may follow a split's word without a blank, longest first: `testset`, `Trainingsdaten`, `训练数据集`, `학습용`.
const ENDINGS: &str = "dataset datensatz images daten image folder split data imgs satz sets img set 데이터셋 데이터 이미지 \
     세트 셋 용 データセット データ セット 画像 数据 資料 集 用";

/// The split whose word a name is: `train`, `Valid`, `검증`. For columns and for single words of longer names.
pub(super) fn split_by_word(name: &str) -> Option<SplitName> {
    let word = folded(name.trim());
    let is = |words: &[&str]| words.contains(&word.as_str());
    let lists: [(DeclaredSplit, &[&str], &[&str]); 3] = [
        (DeclaredSplit::Train, &TRAIN, &TRAIN_ELSEWHERE),
        (DeclaredSplit::Validation, &VALIDATION, &VALIDATION_ELSEWHERE),
        (DeclaredSplit::Test, &TEST, &TEST_ELSEWHERE),
    ];
    lists.into_iter().find_map(|(split, english, elsewhere)| {
        let how = match (is(english), is(elsewhere)) {
            (true, _) => Match::Exact,
            (_, true) => Match::Translated,
            _ => return None,
        };
        Some(SplitName { split, how })
    })
}

/// The split that one word of a name stands for. `None` where there is no such word, and where there are words of test and of
/// something else, or of what it is not: then nobody knows. Train and validation in one name (`trainval`) are train.
pub(super) fn split_in_name(name: &str) -> Option<SplitName> {
    if let Some(whole) = split_by_word(name) {
        return Some(whole);
    }
    let mut found = [false; 3];
    // `IMGTest` is cut before its last capital; of `TRAINset` that would cut the word.
    for word in words(name, true).into_iter().chain(words(name, false)) {
        if NEGATIONS.contains(&word.as_str()) {
            return None;
        }
        if word == "trainval" {
            found[0] = true;
        }
        if let Some(split) = split_of_compound(&word) {
            found[split as usize] = true;
        }
    }
    let split = match found {
        [true, _, false] => DeclaredSplit::Train,
        [false, true, false] => DeclaredSplit::Validation,
        [false, false, true] => DeclaredSplit::Test,
        _ => return None,
    };
    Some(SplitName { split, how: Match::Within })
}

/// The split of a word with endings: `testset`, `trainingsdaten`.
fn split_of_compound(word: &str) -> Option<DeclaredSplit> {
    let mut rest = word;
    loop {
        if let Some(found) = split_by_word(rest) {
            return Some(found.split);
        }
        // German links its words with an s.
        if let Some(found) = rest.strip_suffix('s').filter(|_| rest != word).and_then(split_by_word) {
            return Some(found.split);
        }
        rest = ENDINGS
            .split(' ')
            .find_map(|ending| rest.strip_suffix(ending))
            .filter(|rest| !rest.is_empty())?;
    }
}

/// Small letters without accents. Other marks, such as those of kana, stay.
fn folded(text: &str) -> String {
    text.to_lowercase().nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc().collect()
}

/// The words of a name, folded, without its digits; `acronyms`: the last of several capitals begins a word.
fn words(name: &str, acronyms: bool) -> Vec<String> {
    let letters: Vec<char> = name.nfc().collect();
    let mut words = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let turns = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || (acronyms && before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if turns || !letter.is_alphabetic() {
            words.push(String::new());
        }
        if letter.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.push(letter);
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).map(|word| folded(&word)).collect()
}

/// A name without its digits: folders that differ in nothing else are parts of one split.
pub(super) fn without_digits(name: &str) -> String {
    words(name, true).join(" ")
}

/// The split that a word stands for, in one of a few languages.
pub(crate) fn split_by_name(name: &str) -> Option<DeclaredSplit> {
    split_by_word(name).map(|found| found.split)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPLITS: [(DeclaredSplit, &[&str]); 3] = [
        (
            DeclaredSplit::Train,
            &[
                "train",
                "Training",
                "훈련",
                "학습",
                "Entraînement",
                "apprentissage",
                "entrenamiento",
                "訓練",
                "学習",
                "训练",
            ],
        ),
        (
            DeclaredSplit::Validation,
            &["val", "valid", "validation", "Dev", "검증", "Validierung", "Validación", "検証", "验证"],
        ),
        (
            DeclaredSplit::Test,
            &["test", "testing", "시험", "테스트", "평가", "Prüfung", "prueba", "テスト", "評価", "测试"],
        ),
    ];

    #[test]
    fn a_split_is_found_in_every_language_with_anything_before_and_behind_it() {
        let frames: [(&str, &str); 16] = [
            ("", "_set"),
            ("", "-jpg"),
            ("", " images"),
            ("", "2017"),
            ("seg_", ""),
            ("my-photos.", ""),
            ("01_", ""),
            ("", "_001"),
            ("", "(1)"),
            ("chest-xray-", "-v2"),
            ("Photos_", "_JPEG"),
            ("_", "_"),
            ("", "set"),
            ("", "data"),
            ("", "Images"),
            ("", "/"),
        ];
        for (split, names) in SPLITS {
            for name in names {
                for spelling in [(*name).to_owned(), name.to_uppercase(), name.nfd().collect::<String>()] {
                    let found = split_by_word(&spelling).map(|found| found.split);
                    assert_eq!(found, Some(split), "{spelling}");
                    for (before, behind) in frames {
                        let whole = format!("{before}{spelling}{behind}");
                        let found = split_in_name(&whole);
                        assert_eq!(found, Some(SplitName { split, how: Match::Within }), "{whole}");
                    }
                }
            }
        }
    }

    #[test]
    fn published_names_are_understood() {
        for (name, split) in [
            ("training_set", DeclaredSplit::Train),
            ("TrainSet", DeclaredSplit::Train),
            ("trainingsdaten", DeclaredSplit::Train),
            ("Trainingsbilder_train", DeclaredSplit::Train),
            ("trainval", DeclaredSplit::Train),
            ("train_val", DeclaredSplit::Train),
            ("train01", DeclaredSplit::Train),
            ("训练数据集", DeclaredSplit::Train),
            ("학습용데이터", DeclaredSplit::Train),
            ("val2017", DeclaredSplit::Validation),
            ("valImages", DeclaredSplit::Validation),
            ("Validierungsdaten", DeclaredSplit::Validation),
            ("検証データ", DeclaredSplit::Validation),
            ("testset", DeclaredSplit::Test),
            ("Testdaten", DeclaredSplit::Test),
            ("IMGTest", DeclaredSplit::Test),
            ("테스트셋", DeclaredSplit::Test),
        ] {
            assert_eq!(split_in_name(name).map(|found| found.split), Some(split), "{name}");
        }
        assert_eq!(split_in_name("train").map(|found| found.how), Some(Match::Exact));
        assert_eq!(split_in_name("훈련").map(|found| found.how), Some(Match::Translated));
    }

    #[test]
    fn words_that_hold_a_splits_word_are_none() {
        let inner = "contest trainers latest strain restraint valley value device develop attest \
             testimony greatest trainee validator invalid interval carnival 훈련소 시험관 학습자 \
             demonstrate Contester protest";
        for name in inner.split(' ') {
            for (before, behind) in
                [("", ""), ("my_", ""), ("", "2"), ("", "_set"), ("", "-images"), ("a ", " b")]
            {
                let whole = format!("{before}{name}{behind}");
                assert_eq!(split_in_name(&whole), None, "{whole}");
            }
        }
        // Two splits in one name are none.
        assert_eq!(split_in_name("train_test"), None);
        assert_eq!(split_in_name("val-and-test"), None);
        // Nor is what is none.
        for name in ["not_test", "no-train", "non test", "NotTrain"] {
            assert_eq!(split_in_name(name), None, "{name}");
        }
    }

    #[test]
    fn parts_of_a_split_differ_in_their_digits_only() {
        assert_eq!(without_digits("train_1"), without_digits("train_02"));
        assert_ne!(without_digits("train_images"), without_digits("train_masks"));
    }
}

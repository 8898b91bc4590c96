//! Whether labels and predictions are of the same words.
//!
//! Two columns that hardly share a value are no result: a prediction that is a name can never equal a label that is a number.

use super::{ResultsError, shown};
use bakeoff_data::{differences, identity_key, normalised};
use bakeoff_stats::FEWEST_IMAGES;
use std::borrow::Cow;
use std::collections::HashMap;

/// A run whose predictions are named like labels less often than this was written in other words.
const HARDLY: f64 = 0.1;
/// Below this it is said.
const HALF: f64 = 0.5;

/// What a class is called for comparing: numbers by their value (data frames make 1.0 of 1), names in NFC.
pub(super) fn key(class: &str) -> Cow<'_, str> {
    let digits = class.strip_prefix(['-', '+']).unwrap_or(class);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        // A decimal comma of a whole number.
        None => (digits.strip_suffix(",0").unwrap_or(digits), ""),
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !number(whole) || !number(fraction) {
        return normalised(class);
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let minus = if class.starts_with('-') && (whole != "0" || !fraction.is_empty()) { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    Cow::Owned(format!("{minus}{whole}{point}{fraction}"))
}

/// A run's predictions beside the labels.
pub(super) struct Run<'a> {
    pub(super) recipe: &'a str,
    pub(super) seed: u64,
    /// Per image, the number of the predicted class.
    pub(super) predicted: &'a [u32],
    /// Per image, the number of the class it is of.
    pub(super) labels: &'a [u32],
}

/// The classes of a table.
pub(super) struct Classes<'a> {
    /// As they were first written.
    names: &'a [String],
    /// Whether a label is of this class.
    labelled: Vec<bool>,
    /// Labels without what people do not see, with their numbers.
    alike: HashMap<String, u32>,
}

impl<'a> Classes<'a> {
    pub(super) fn new(names: &'a [String], labels: &[u32]) -> Self {
        let mut labelled = vec![false; names.len()];
        labels.iter().for_each(|&label| labelled[label as usize] = true);
        let alike = labelled.iter().zip(0..).filter(|(labelled, _)| **labelled);
        let alike = alike.map(|(_, number)| (identity_key(&names[number as usize]), number)).collect();
        Self { names, labelled, alike }
    }

    /// Refuses a run whose predictions are of other words than the labels; otherwise what should be said of it.
    pub(super) fn check(&self, run: &Run<'_>) -> Result<Option<(&'static str, String)>, ResultsError> {
        let all = run.predicted.len();
        let mut strange = run.predicted.iter().zip(run.labels).filter(|(p, _)| !self.labelled[**p as usize]);
        let Some((&predicted, &label)) = strange.clone().next() else { return self.shifted(run) };
        let refused = |label: u32, predicted: u32, hint: String| ResultsError::Vocabulary {
            recipe: shown(run.recipe),
            seed: run.seed,
            label: shown(&self.names[label as usize]),
            predicted: shown(&self.names[predicted as usize]),
            hint,
        };
        // A prediction that is no label, but would be if it were spelt like one.
        let spelt = strange.clone().find_map(|(&predicted, _)| {
            let label = *self.alike.get(&identity_key(&self.names[predicted as usize]))?;
            Some((label, predicted))
        });
        if let Some((label, predicted)) = spelt {
            let names = [label, predicted].map(|class| self.names[class as usize].as_str());
            let differ: Vec<String> = differences(&names).iter().map(ToString::to_string).collect();
            let hint = format!(", which differ in {} only", crate::summary::list(&differ));
            return Err(refused(label, predicted, hint));
        }
        let known = (all - strange.by_ref().count()) as f64 / all as f64;
        let numbers = |class: u32| self.names[class as usize].parse::<f64>().is_ok();
        // A handful of images may really be taken for nothing but classes that none of them is of.
        if known < HARDLY && (all >= FEWEST_IMAGES || numbers(label) != numbers(predicted)) {
            let hint = match (numbers(label), numbers(predicted)) {
                (false, true) => ": names beside numbers",
                (true, false) => ": numbers beside names",
                _ => "",
            };
            return Err(refused(label, predicted, hint.into()));
        }
        self.shifted(run)?;
        Ok((known < HALF).then(|| {
            let told = format!(
                "Recipe {}, seed {}: only {:.0} % of the predictions are classes that any label names; \"{}\" is none of them. Are \
                 labels and predictions of the same classes?",
                shown(run.recipe),
                run.seed,
                known * 100.0,
                shown(&self.names[predicted as usize])
            );
            ("vocabulary", told)
        }))
    }

    /// Labels that count from 1 and predictions that count from 0 share nearly all their numbers and mean none of them.
    fn shifted(&self, run: &Run<'_>) -> Result<Option<(&'static str, String)>, ResultsError> {
        let numbers: Option<Vec<i64>> = self.names.iter().map(|name| key(name).parse().ok()).collect();
        let Some(numbers) = numbers else { return Ok(None) };
        let agree = |shift: i64| {
            let pairs = run.predicted.iter().zip(run.labels);
            let same = |&(p, l): &(&u32, &u32)| {
                numbers[*p as usize].checked_add(shift) == Some(numbers[*l as usize])
            };
            pairs.filter(same).count() as f64 / run.predicted.len().max(1) as f64
        };
        if agree(0) >= HARDLY {
            return Ok(None);
        }
        let Some(shift) = [1, -1].into_iter().find(|&shift| agree(shift) > HALF) else { return Ok(None) };
        let (label, predicted) = (run.labels[0] as usize, run.predicted[0] as usize);
        Err(ResultsError::Vocabulary {
            recipe: shown(run.recipe),
            seed: run.seed,
            label: shown(&self.names[label]),
            predicted: shown(&self.names[predicted]),
            hint: format!(
                ": {:.0} % of the predictions are right, but {:.0} % would be if they counted from a number {} one",
                agree(0) * 100.0,
                agree(shift) * 100.0,
                if shift > 0 { "higher by" } else { "lower by" }
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_class_however_they_are_written() {
        for text in ["1", "1.0", "1.", "01", "+1", "1.000", "1,0"] {
            assert_eq!(key(text), "1", "{text}");
        }
        for (text, class) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("-1.0", "-1"),
            ("1.50", "1.5"),
            ("10", "10"),
            ("n02085620", "n02085620"),
            ("1e5", "1e5"),
            ("", ""),
            (".", "."),
            ("1.2.3", "1.2.3"),
            ("12345678901234567890123", "12345678901234567890123"),
        ] {
            assert_eq!(key(text), class, "{text}");
        }
    }
}

//! Whether labels and predictions are of the same words.
//!
//! Two columns that hardly share a value are no result: a prediction that is a name can never equal a label that is a number.

use super::error::ResultsError;
use super::told::shown;
use bakeoff_data::{differences, identity_key, normalised};
use bakeoff_stats::FEWEST_IMAGES;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

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
            let hint = format!(", which differ in {} only", crate::text::list(&differ));
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

    fn labels(&self) -> usize {
        self.labelled.iter().filter(|labelled| **labelled).count()
    }

    /// Refuses predictions that would be right far more often if classes were called otherwise.
    fn permuted(&self, run: &Run<'_>) -> Result<Option<(&'static str, String)>, ResultsError> {
        let mut confusion = Confusion::default();
        confusion.add(run.predicted, run.labels);
        self.renamed(run.recipe, Some(run.seed), &confusion, run.labels.len()).map_or(Ok(None), Err)
    }

    /// The error for predictions that would be right far more often if classes were called otherwise.
    fn renamed(
        &self,
        recipe: &str,
        seed: Option<u64>,
        confusion: &Confusion,
        images: usize,
    ) -> Option<ResultsError> {
        let meant = confusion.meant();
        let written = confusion.right(&Some);
        let otherwise = confusion.right(&|predicted| meant.get(&predicted).copied());
        let gain = gain(images, self.labels());
        let far = written.iter().zip(otherwise).all(|(written, otherwise)| otherwise >= written + gain);
        if images < FEWEST_IMAGES || !far || otherwise[0] < HALF && otherwise[0] < 5.0 * written[0] {
            return None;
        }
        let mut pairs: Vec<(u64, u32, u32)> = meant
            .iter()
            .filter(|(p, l)| p != l)
            .map(|(&p, &l)| (confusion.0.get(&(p, l)).copied().unwrap_or(0), p, l))
            .collect();
        pairs.sort_by_key(|&(count, p, l)| (std::cmp::Reverse(count), p, l));
        let name = |class: u32| format!("\"{}\"", shown(&self.names[class as usize]));
        let mut said: Vec<String> =
            pairs.iter().take(2).map(|&(_, p, l)| format!("{} meant {}", name(p), name(l))).collect();
        if pairs.len() > 2 {
            said.push(format!("{} more the like", pairs.len() - 2));
        }
        Some(ResultsError::Renamed {
            run: seed.map_or_else(
                || format!("recipe \"{}\"", shown(recipe)),
                |seed| format!("recipe \"{}\", seed {seed}", shown(recipe)),
            ),
            written: written[0] * 100.0,
            otherwise: otherwise[0] * 100.0,
            pairs: crate::text::list(&said),
        })
    }

    /// Refuses a recipe all of whose runs together call classes otherwise than the labels; otherwise what should be said of it.
    pub(super) fn check_recipe(
        &self,
        recipe: &str,
        confusion: &Confusion,
        images: usize,
    ) -> Result<Option<String>, ResultsError> {
        if let Some(error) = self.renamed(recipe, None, confusion, images) {
            return Err(error);
        }
        let [right, mean] = confusion.right(&Some);
        // More than twice what chance makes of so many images.
        let below = HALF - 1.0 / (images.max(1) as f64).sqrt();
        Ok((self.labels() == 2 && images >= FEWEST_IMAGES && right < below && mean < below).then(|| {
            format!(
                "Of two classes {} is right about {:.0} % of the images only, less than by guessing: are the classes the other way round in \
                 one of the columns?",
                shown(recipe),
                right * 100.0
            )
        }))
    }

    /// A predicted class that is no label beside a label that is never predicted: perhaps they are the same. Of one run this is said
    /// only where the one was mostly predicted for the other.
    pub(super) fn strangers(&self, run: Option<(&str, u64)>, all: &Confusion) -> Option<String> {
        const FEWEST: u64 = 5;
        let mut strange: BTreeMap<u32, u64> = BTreeMap::new();
        let mut predicted = vec![false; self.names.len()];
        for (&(class, _), &count) in &all.0 {
            predicted[class as usize] = true;
            if !self.labelled[class as usize] {
                *strange.entry(class).or_default() += count;
            }
        }
        let unmet: Vec<u32> = (0..self.names.len() as u32)
            .filter(|&of| self.labelled[of as usize] && !predicted[of as usize])
            .collect();
        let share = |class: u32, label: u32| all.0.get(&(class, label)).copied().unwrap_or(0);
        let mut strange: Vec<(u64, u32)> = strange.into_iter().map(|(class, count)| (count, class)).collect();
        strange.sort_by_key(|&(count, class)| (std::cmp::Reverse(count), class));
        let pair = |&(count, class): &(u64, u32)| {
            let &label =
                unmet.iter().max_by_key(|label| (share(class, **label), std::cmp::Reverse(**label)))?;
            let likely = share(class, label) >= FEWEST.max(count / 2);
            (run.is_none() || likely).then_some((count, class, label))
        };
        let (count, class, label) = strange.iter().take(100).find_map(pair)?;
        let times = bakeoff_stats::wording::count(count as usize, "time");
        let (times, by) = match run {
            Some((recipe, seed)) => (times, format!("{} seed {seed}", shown(recipe))),
            None => (times, "any run".into()),
        };
        Some(format!(
            "\"{}\" was predicted {times} but is no image's label, and \"{}\" is a label but was never predicted by {by}: are they one class? \
             Write it the same way in both columns.",
            shown(&self.names[class as usize]),
            shown(&self.names[label as usize])
        ))
    }

    /// Labels that count from 1 and predictions that count from 0 share nearly all their numbers and mean none of them.
    fn shifted(&self, run: &Run<'_>) -> Result<Option<(&'static str, String)>, ResultsError> {
        let numbers: Option<Vec<i64>> = self.names.iter().map(|name| key(name).parse().ok()).collect();
        let Some(numbers) = numbers else { return self.permuted(run) };
        let agree = |shift: i64| {
            let pairs = run.predicted.iter().zip(run.labels);
            let same = |&(p, l): &(&u32, &u32)| {
                numbers[*p as usize].checked_add(shift) == Some(numbers[*l as usize])
            };
            pairs.filter(same).count() as f64 / run.predicted.len().max(1) as f64
        };
        let right = agree(0);
        let likely = |&shift: &i64| {
            agree(shift) > HALF && agree(shift) >= right + gain(run.labels.len(), self.labels())
        };
        let Some(shift) = [1, -1].into_iter().find(likely) else { return self.permuted(run) };
        let (label, predicted) = (run.labels[0] as usize, run.predicted[0] as usize);
        Err(ResultsError::Vocabulary {
            recipe: shown(run.recipe),
            seed: run.seed,
            label: shown(&self.names[label]),
            predicted: shown(&self.names[predicted]),
            hint: format!(
                ": {:.0} % of the predictions are right, but {:.0} % would be if they counted from a number {} one",
                right * 100.0,
                agree(shift) * 100.0,
                if shift > 0 { "higher by" } else { "lower by" }
            ),
        })
    }
}

/// How much more would have to be right in other words: of few images per class some more fit any words by chance.
fn gain(images: usize, classes: usize) -> f64 {
    0.2 + classes as f64 / images.max(1) as f64
}

/// How often each class was predicted for each label.
#[derive(Debug, Default)]
pub(super) struct Confusion(HashMap<(u32, u32), u64>);

impl Confusion {
    pub(super) fn add(&mut self, predicted: &[u32], labels: &[u32]) {
        predicted.iter().zip(labels).for_each(|(&p, &l)| *self.0.entry((p, l)).or_default() += 1);
    }

    pub(super) fn join(&mut self, other: &Self) {
        other.0.iter().for_each(|(pair, count)| *self.0.entry(*pair).or_default() += count);
    }

    fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Share that is right, and the mean over classes of each one's share, if predictions meant `label(prediction)`.
    fn right(&self, means: &dyn Fn(u32) -> Option<u32>) -> [f64; 2] {
        let mut classes: HashMap<u32, [u64; 2]> = HashMap::new();
        for (&(predicted, label), &count) in &self.0 {
            let class = classes.entry(label).or_default();
            class[0] += count;
            class[1] += if means(predicted) == Some(label) { count } else { 0 };
        }
        let all: u64 = classes.values().map(|class| class[1]).sum();
        let mean: f64 = classes.values().map(|[of, right]| *right as f64 / *of as f64).sum();
        [all as f64 / self.total().max(1) as f64, mean / classes.len().max(1) as f64]
    }

    /// The label each prediction means if as many as possible are to be right and no two mean the same: the pairs met most often,
    /// as shares of their label, first.
    fn meant(&self) -> HashMap<u32, u32> {
        let mut labels: HashMap<u32, u64> = HashMap::new();
        self.0.iter().for_each(|(&(_, label), &count)| *labels.entry(label).or_default() += count);
        let mut pairs: Vec<(f64, u32, u32)> =
            self.0.iter().map(|(&(p, l), &count)| (count as f64 / labels[&l] as f64, p, l)).collect();
        // Of equals the words as they are.
        let order = |&(share, p, l): &(f64, u32, u32)| (share, p == l);
        pairs.sort_by(|a, b| {
            let ((a_share, a_same), (b_share, b_same)) = (order(a), order(b));
            b_share.total_cmp(&a_share).then(b_same.cmp(&a_same)).then((a.1, a.2).cmp(&(b.1, b.2)))
        });
        let (mut meant, mut taken) = (HashMap::new(), std::collections::HashSet::new());
        for (_, predicted, label) in pairs {
            if !meant.contains_key(&predicted) && !taken.contains(&label) {
                meant.insert(predicted, label);
                taken.insert(label);
            }
        }
        meant
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

//! The answer: what a reader in a hurry takes away. What it says is decided here, once; English stands below it, Korean beside the page.

pub use crate::recommendation::Recommendation;
use crate::summary::{RecipeSummary, Summary};
use bakeoff_evidence::list;
use bakeoff_stats::wording::{count, least_p};
use bakeoff_stats::{Direction, LEVEL, Measure, Unit, Verdict, fewest_seeds, smallest_p};

/// A recipe and its difference from the baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Recipe.
    pub name: String,
    /// Mean, lower and upper limit; `None` where too few seeds are paired.
    pub difference: Option<[f64; 3]>,
}

/// The first few and how many others there are: an answer is read in one breath.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortlist<T> {
    /// The first few.
    pub named: Vec<T>,
    /// How many more.
    pub others: usize,
}

impl<T> Shortlist<T> {
    /// Nothing is left out for the sake of one.
    pub fn new(mut items: Vec<T>) -> Self {
        const MOST: usize = 4;
        let others = if items.len() > MOST { items.len() - (MOST - 1) } else { 0 };
        items.truncate(if others > 0 { MOST - 1 } else { MOST });
        Self { named: items, others }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// How many there are in all.
    pub fn total(&self) -> usize {
        self.named.len() + self.others
    }
}

/// Why there is no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// No trial has finished.
    NothingFinished,
    /// There is no recipe besides the baseline.
    OnlyBaseline,
    /// No trial of the baseline has finished.
    NoBaseline,
    /// No recipe shares a finished seed with the baseline.
    NoSeedInCommon,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which recipe to use; `None` where there were too many to ask.
    pub recommendation: Option<Recommendation>,
    /// Better than the baseline, the best first.
    pub better: Shortlist<Effect>,
    /// Worse, the worst first.
    pub worse: Shortlist<Effect>,
    /// Equivalent to it.
    pub equivalent: Shortlist<String>,
    /// Undecided.
    pub undecided: Shortlist<String>,
    /// Seeds of the undecided recipes, where they are too few to decide.
    pub too_few_seeds: Option<usize>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// None yet.
    NotYet(NotYet),
    /// An answer.
    Found(Box<Found>),
}

impl Answer {
    /// Of a summary whose verdicts and recommendation are known.
    #[must_use]
    pub fn new(summary: &Summary) -> Self {
        let with = |verdict: Verdict| {
            let mut recipes: Vec<&RecipeSummary> =
                summary.recipes.iter().filter(|recipe| recipe.verdict == Some(verdict)).collect();
            recipes.sort_by(|a, b| summary.gain(b).total_cmp(&summary.gain(a)));
            recipes
        };
        if summary.recipes.iter().all(|recipe| recipe.verdict.is_none()) {
            let baseline = summary.recipes.iter().find(|recipe| recipe.name == summary.baseline);
            return Self::NotYet(if summary.recipes.iter().all(|recipe| recipe.seeds.is_empty()) {
                NotYet::NothingFinished
            } else if summary.recipes.len() < 2 {
                NotYet::OnlyBaseline
            } else if baseline.is_some_and(|baseline| baseline.seeds.is_empty()) {
                NotYet::NoBaseline
            } else {
                NotYet::NoSeedInCommon
            });
        }
        let effect = |recipe: &RecipeSummary| Effect {
            name: recipe.name.clone(),
            difference: recipe.difference.as_ref().map(|d| [d.mean, d.low, d.high]),
        };
        let names = |recipes: &[&RecipeSummary]| recipes.iter().map(|recipe| recipe.name.clone()).collect();
        let undecided = with(Verdict::Undecided);
        let most = undecided.iter().map(|r| r.difference.as_ref().map_or(1, |d| d.seeds.len())).max();
        Self::Found(Box::new(Found {
            recommendation: summary.recommendation.clone(),
            better: Shortlist::new(with(Verdict::Better).into_iter().map(effect).collect()),
            worse: Shortlist::new(with(Verdict::Worse).into_iter().rev().map(effect).collect()),
            equivalent: Shortlist::new(names(&with(Verdict::Equivalent))),
            undecided: Shortlist::new(names(&undecided)),
            too_few_seeds: most.filter(|&most| most < fewest_seeds(LEVEL)),
        }))
    }

    /// English sentences, the recommendation first.
    #[must_use]
    pub fn sentences(&self, summary: &Summary) -> Vec<String> {
        let baseline = &summary.baseline;
        match self {
            Self::NotYet(why) => vec![format!(
                "No answer yet: {}.",
                match why {
                    NotYet::NothingFinished => "no trial has finished".to_owned(),
                    NotYet::OnlyBaseline => format!("there is no recipe besides {baseline}"),
                    NotYet::NoBaseline => format!("no trial of {baseline}, the baseline, has finished"),
                    NotYet::NoSeedInCommon => format!("no recipe shares a finished seed with {baseline}"),
                }
            )],
            Self::Found(found) => found.sentences(summary),
        }
    }
}

impl Found {
    fn sentences(&self, summary: &Summary) -> Vec<String> {
        let baseline = &summary.baseline;
        let mut sentences = Vec::new();
        sentences.extend(self.recommendation.as_ref().map(|it| it.sentence(summary)));
        let by = |effect: &Effect| effect.phrase(summary.measure);
        if !self.better.is_empty() {
            sentences.push(format!("Better than {baseline}: {}.", self.better.list(by)));
        } else if self.undecided.is_empty() {
            sentences.push(format!("No recipe beats {baseline}."));
        }
        if !self.worse.is_empty() {
            sentences.push(format!("Worse than {baseline}: {}.", self.worse.list(by)));
        }
        let is = |n: usize| if n == 1 { "is" } else { "are" };
        if !self.equivalent.is_empty() {
            sentences.push(format!(
                "{} {} equivalent to {baseline} within {}.",
                self.equivalent.list(String::clone),
                is(self.equivalent.total()),
                summary.margin_in_words()
            ));
        }
        if !self.undecided.is_empty() {
            let all = self.better.is_empty() && self.worse.is_empty() && self.equivalent.is_empty();
            let who = if all && self.undecided.total() > 1 {
                format!("Nothing is decided against {baseline}")
            } else {
                let who = self.undecided.list(String::clone);
                format!("{who} {} undecided against {baseline}", is(self.undecided.total()))
            };
            sentences.push(match self.too_few_seeds {
                Some(seeds) => format!(
                    "{who}: {} cannot give less than {}, and {} are the fewest that can decide.",
                    count(seeds, "seed"),
                    least_p(smallest_p(seeds)),
                    fewest_seeds(LEVEL)
                ),
                None => format!("{who}."),
            });
        }
        if summary.measure.direction == Direction::LowerIsBetter {
            sentences.push(format!("(Lower {} is better.)", summary.metric));
        }
        sentences
    }
}

impl Recommendation {
    fn sentence(&self, summary: &Summary) -> String {
        let baseline = &summary.baseline;
        let names = |recipes: &[String]| Shortlist::new(recipes.to_vec()).list(String::clone);
        // A baseline may well be called `none`.
        let name = |recipe: &String| match recipe == baseline {
            true => format!("{recipe} (the baseline)"),
            false => recipe.clone(),
        };
        match self {
            Self::Use { recipe, alike, of } if alike.is_empty() => match of {
                2 => format!("Use {}.", name(recipe)),
                n => format!("Use {}: it is the best of the {n} recipes.", name(recipe)),
            },
            Self::Use { recipe, alike, .. } => {
                format!("Use {}; {} cannot be told from it.", name(recipe), names(alike))
            }
            Self::KeepBaseline { foremost } => format!(
                "Use {}: {foremost} has the best mean, but it is equivalent to {baseline} within {}.",
                name(baseline),
                summary.margin_in_words()
            ),
            Self::Open { foremost, excluded: 0, .. } => format!(
                "No recipe can be recommended yet: {} has the best mean, but no other can be told from it.",
                name(foremost)
            ),
            Self::Open { foremost, alike, .. } => format!(
                "No recipe can be recommended over {baseline} yet: {foremost} has the best mean, but {} cannot be told from it.",
                names(alike)
            ),
        }
    }
}

impl<T> Shortlist<T> {
    fn list(&self, show: impl Fn(&T) -> String) -> String {
        let mut items: Vec<String> = self.named.iter().map(show).collect();
        if self.others > 0 {
            items.push(format!("{} other recipes", self.others));
        }
        list(&items)
    }
}

impl Effect {
    fn phrase(&self, measure: Measure) -> String {
        let unit = measure.unit;
        let Some([mean, low, high]) = self.difference else { return self.name.clone() };
        let digits = unit.decimals((high - low) / 2.0);
        let [size, low, high] =
            [unit.amount(mean.abs(), digits), unit.signed(low, digits), unit.signed(high, digits)];
        format!("{} by {size} [{low}, {high}]", self.name)
    }
}

impl Summary {
    /// The margin with its unit.
    fn margin_in_words(&self) -> String {
        let unit = match self.measure.unit {
            Unit::Percent if self.margin == 1.0 => " point",
            Unit::Percent => " points",
            Unit::Plain => "",
        };
        format!("{}{unit}", self.margin_number())
    }
}

#[cfg(test)]
mod tests;

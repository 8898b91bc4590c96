//! Why a verdict is what it is, and what would settle it, in English.

use crate::comparison::{Comparison, Verdict};
use crate::measure::Unit;
use crate::reason::{Corrected, Obstacle, Reason};
use crate::wording::{count, least_p, probability};

impl Comparison {
    /// Reason and outlook together.
    #[must_use]
    pub fn explanation(&self) -> String {
        let reason = self.sentence();
        self.outlook.sentence().map_or_else(|| reason.clone(), |more| format!("{reason} {more}"))
    }

    /// Why the verdict is what it is, in an English sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (name, baseline) = (&self.name, &self.baseline);
        let (Some(mean), Some(interval)) = (self.mean, self.interval) else {
            return match self.mean {
                None => {
                    format!(
                        "{name} and {baseline} have no finished seed in common, so nothing can be compared."
                    )
                }
                Some(_) => format!(
                    "{name} and {baseline} have one finished seed in common; a single pair says nothing about the next one."
                ),
            };
        };
        let unit = self.measure.unit;
        let digits = unit.decimals((interval.high - interval.low) / 2.0);
        let range = |[low, high]: [f64; 2], confidence: f64| {
            let percent = (confidence * 100.0 * 10.0).round() / 10.0;
            format!("{percent}\u{a0}% interval {} to {}", unit.number(low, digits), unit.number(high, digits))
        };
        let wide = range([interval.low, interval.high], interval.confidence);
        let seeds = count(self.seeds.len(), "seed");
        let size = unit.size(mean.abs(), digits);
        let [ahead, _, behind] = self.record();
        match self.reason {
            // Told above.
            Reason::NoSeedInCommon | Reason::OneSeedInCommon => String::new(),
            Reason::Differs { p } => match self.verdict {
                Verdict::Worse => {
                    format!(
                        "{name} is worse than {baseline} by {size} ({wide}): behind in {behind} of {seeds}, {p}."
                    )
                }
                _ => format!(
                    "{name} is better than {baseline} by {size} ({wide}): ahead in {ahead} of {seeds}, {p}."
                ),
            },
            Reason::Equivalent { margin, inside, confidence, there } => {
                let margin = match unit {
                    Unit::Percent => unit.amount(margin, digits.max(usize::from(margin < 0.0095))),
                    // As it was given.
                    Unit::Plain => margin.to_string(),
                };
                let points = if unit == Unit::Percent { " points" } else { "" };
                let there = there.map_or(String::new(), |p| {
                    format!(
                        " A difference is there ({p}), but it is smaller than the margin that was declared to matter."
                    )
                });
                format!(
                    "{name} and {baseline} are equivalent within {margin}: difference {}{points} ({}) over {seeds}.{there}",
                    unit.signed(mean, digits),
                    range(inside, confidence)
                )
            }
            Reason::Undecided(obstacle) => {
                let gain = self.measure.direction.gain(mean);
                let clause = obstacle.clause(&seeds);
                let clearly =
                    || if gain < 0.0 { format!("behind {baseline}") } else { format!("ahead of {baseline}") };
                let (own, other) = if gain < 0.0 { (behind, ahead) } else { (ahead, behind) };
                if gain == 0.0 {
                    format!("{name} and {baseline} are level ({wide}), but {clause}.")
                } else if unit.vanishes(mean, digits).is_some() {
                    format!(
                        "{name} and {baseline} differ by {size} on average ({wide}), ahead in {ahead} and behind in {behind} of {seeds}; \
                         {clause}."
                    )
                } else if own > other {
                    format!(
                        "{name} is {} by {size} on average and in {own} of {seeds} ({wide}), but {clause}.",
                        clearly()
                    )
                } else {
                    format!(
                        "{name} is {} by {size} on average, though only in {own} of {seeds} ({wide}); {clause}.",
                        clearly()
                    )
                }
            }
        }
    }
}

impl Obstacle {
    fn clause(self, seeds: &str) -> String {
        let agree = |p: Corrected| format!("although the seeds agree ({p}) other test images might not");
        match self {
            Self::FewImages { images } => format!("{} cannot tell anything", count(images, "test image")),
            Self::FewSeeds { smallest_p, fewest } => {
                let least = least_p(smallest_p);
                format!("{seeds} cannot give less than {least}; {fewest} is the fewest that can decide")
            }
            Self::IntervalIncludesZero { p } => format!("{}: the interval includes zero", agree(p)),
            Self::Images { p, images } => format!("{}: over seeds and images {images}", agree(p)),
            Self::Look { level, p } => {
                format!(
                    "looked at after every seed p has to be at most {} now, and it is {p}",
                    probability(level)
                )
            }
            Self::Chance { p, excludes_zero: true } if p.comparisons > 1 => format!(
                "among {} recipes such a difference is not rare by chance, {p} (the interval speaks of this one alone)",
                p.comparisons
            ),
            Self::Chance { p, excludes_zero: true } => format!(
                "the seeds alone, without the interval's assumption of a normal spread, would give as much by chance too often, {p}"
            ),
            Self::Chance { p, excludes_zero: false } => {
                format!("such a difference is not rare by chance, {p}")
            }
        }
    }
}

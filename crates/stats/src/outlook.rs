//! What would settle an undecided comparison: how many seeds, or how many test images.

use crate::distribution::{t_cdf, t_quantile};
use crate::interval::Variance;
use crate::permutation::fewest_seeds;
use crate::wording::count;
use serde::{Deserialize, Serialize};

/// Two equal differences can be luck; with discrete accuracies they often are.
pub(crate) const FEWEST_FOR_EQUIVALENCE: usize = 3;

/// Fewer seeds than these say too little of their spread.
const FEWEST_TO_FORETELL: usize = 3;
/// Seeds beyond which nobody will train.
const MOST_SEEDS: usize = 1_000;
/// Test images beyond which nobody will label.
const MOST_IMAGES: f64 = 1e7;
/// "Probably": the chance of a decision that is asked for.
pub const POWER: f64 = 0.8;

/// What would probably (four times in five) settle a comparison if difference and spread are as seen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outlook {
    /// It is settled.
    Decided,
    /// About this many seeds, those already run included.
    Seeds {
        /// Seeds in all.
        total: usize,
    },
    /// No number of seeds: the test images are too few. About this many would do.
    Images {
        /// Test images in all, more than there are.
        total: usize,
    },
    /// So few test images that nothing can be said of their spread, nor of how many would do.
    FewImages {
        /// The fewest of which a verdict is given.
        at_least: usize,
    },
    /// More than anyone would run: the recipes are too much alike.
    OutOfReach,
    /// The spread is not known yet, since fewer than two seeds are paired.
    Unknown {
        /// The fewest seeds that can decide at all.
        at_least: usize,
    },
}

impl Outlook {
    /// The sentence for people; `None` for a settled comparison.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let probably = "If difference and spread stay as seen,";
        Some(match self {
            Self::Decided => return None,
            Self::Seeds { total } => {
                format!("{probably} about {} in all would probably settle it.", count(*total, "seed"))
            }
            Self::Images { total } => format!(
                "More seeds alone would not settle it: the test images are too few. {probably} about {} would be needed.",
                count(*total, "test image")
            ),
            Self::FewImages { at_least } => format!(
                "At least {} are needed before anything can be decided; to see small differences it takes hundreds.",
                count(*at_least, "test image")
            ),
            Self::OutOfReach => {
                format!(
                    "{probably} even {MOST_SEEDS} seeds would probably not settle it: take the cheaper recipe."
                )
            }
            Self::Unknown { at_least } => {
                format!("At least {} are needed before anything can be decided.", count(*at_least, "seed"))
            }
        })
    }
}

/// The rule whose power is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Family-wise error rate.
    pub level: f64,
    /// Level of the normal test over seeds and images, for all recipes together.
    pub images: f64,
    /// Recipes compared with the baseline.
    pub comparisons: usize,
    /// Margin of equivalence, a fraction; zero: none.
    pub margin: f64,
}

/// Probability that `seeds` seeds settle a comparison of this true mean and variance, approximately.
///
/// The sign-flip test is taken as a t test at `level / comparisons`, which is a little more demanding than it.
#[must_use]
pub fn power(variance: &Variance, seeds: usize, rule: Rule) -> f64 {
    if seeds < 2 {
        return 0.0;
    }
    let share = rule.level / rule.comparisons.max(1) as f64;
    let effect = variance.mean.abs();
    // P(estimate / error > critical) with the t shifted instead of the noncentral t: the error is below a seed.
    let beyond = |distance: f64, error: f64, degrees: Option<f64>, tail: f64| match degrees {
        Some(degrees) if error > 0.0 => {
            1.0 - t_cdf(t_quantile(1.0 - tail, degrees) - distance / error, degrees)
        }
        _ => f64::from(u8::from(distance > 0.0)),
    };
    let (error, degrees) = (variance.standard_error(seeds), variance.degrees_of_freedom(seeds));
    let differs = if seeds < fewest_seeds(rule.level) {
        0.0
    } else {
        let by_seed = (variance.per_seed / seeds as f64).sqrt();
        let agree = beyond(effect, by_seed, Some(seeds as f64 - 1.0), share / 2.0);
        let elsewhere = beyond(effect, error, degrees, rule.level / 2.0);
        let all_elsewhere = match variance.image_count {
            Some(_) if error > 0.0 => crate::distribution::normal_cdf(
                effect / error
                    - t_quantile(1.0 - rule.images / rule.comparisons.max(1) as f64 / 2.0, f64::INFINITY),
            ),
            _ => 1.0,
        };
        agree.min(elsewhere).min(all_elsewhere)
    };
    let alike = if seeds < FEWEST_FOR_EQUIVALENCE || rule.margin <= 0.0 {
        0.0
    } else {
        let below = beyond(rule.margin - effect, error, degrees, share);
        (below + beyond(rule.margin + effect, error, degrees, share) - 1.0).max(0.0)
    };
    differs.max(alike)
}

/// The fewest seeds above `seeds` so far with which the rule probably decides, or what else it takes.
///
/// Two seeds have a difference between them but hardly a spread: of fewer than three nothing is foretold.
#[must_use]
pub fn outlook(variance: Option<&Variance>, rule: Rule) -> Outlook {
    let Some(variance) = variance.filter(|variance| variance.seeds >= FEWEST_TO_FORETELL) else {
        return Outlook::Unknown { at_least: fewest_seeds(rule.level) };
    };
    if let Some(total) = search(variance, rule) {
        return Outlook::Seeds { total };
    }
    let Some(images) = variance.image_count.filter(|_| variance.images > 0.0) else {
        return Outlook::OutOfReach;
    };
    // With the most seeds, `times` as many images decide: their variance falls as one over their number.
    let enough = |times: f64| {
        let more = Variance { images: variance.images / times, ..*variance };
        power(&more, MOST_SEEDS, rule) >= POWER
    };
    let (mut low, mut high) = (1.0, MOST_IMAGES / images as f64);
    if high <= low || !enough(high) {
        return Outlook::OutOfReach;
    }
    while high / low > 1.001 {
        let middle = (low * high).sqrt();
        if enough(middle) { high = middle } else { low = middle }
    }
    let needed = images as f64 * high;
    // Two significant digits, upwards: more would be pretended.
    let unit = 10f64.powf(needed.log10().floor() - 1.0).max(1.0);
    Outlook::Images { total: (((needed / unit).ceil() * unit) as usize).max(images + 1) }
}

/// Share of the test images on which two runs of one seed differ, for the chance of each image alone …
const DIFFERS_BY_CHANCE: f64 = 0.16;
/// … and variance, per image, of the difference that other seeds would show too. Both as on photographs of dogs (`docs/statistics.md`):
/// of 8,580 images the first gives 0.43 points a seed, the second 0.20 points whatever the seeds.
const DIFFERS_ANYWAY: f64 = 0.034;
/// Variance of a seed's difference that is not the images': 0.49 points.
const OF_THE_SEED: f64 = 0.0049 * 0.0049;

/// The smallest true difference of accuracies, a fraction, that so many test images and seeds probably show (four times in five), if
/// recipes differ as they were seen to on photographs of dogs. `None` where nothing can be shown: too few seeds, or no image.
#[must_use]
pub fn smallest_difference(images: usize, seeds: usize, rule: Rule) -> Option<f64> {
    if images == 0 || seeds < fewest_seeds(rule.level) {
        return None;
    }
    let count = images as f64;
    let shows = |mean: f64| {
        let per_seed = DIFFERS_BY_CHANCE / count + OF_THE_SEED;
        let of_images = DIFFERS_ANYWAY / count;
        let variance = Variance { mean, per_seed, images: of_images, seeds, image_count: Some(images) };
        power(&variance, seeds, Rule { margin: 0.0, ..rule }) >= POWER
    };
    let (mut low, mut high) = (0.0, 1.0);
    if !shows(high) {
        return None;
    }
    while high - low > 1e-5 {
        let middle = 0.5 * (low + high);
        if shows(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

fn search(variance: &Variance, rule: Rule) -> Option<usize> {
    let enough = |seeds: usize| power(variance, seeds, rule) >= POWER;
    let (mut low, mut high) = (variance.seeds, variance.seeds + 1);
    while !enough(high) {
        if high >= MOST_SEEDS {
            return None;
        }
        low = high;
        high = (2 * high).min(MOST_SEEDS);
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { level: 0.05, images: 0.025, comparisons: 1, margin: 0.005 };

    fn seen(mean: f64, sd: f64, images: f64, seeds: usize) -> Variance {
        Variance { mean, per_seed: sd * sd, images, seeds, image_count: Some(500) }
    }

    #[test]
    fn a_clear_difference_with_few_seeds_needs_only_the_fewest_that_can_decide() {
        assert_eq!(outlook(Some(&seen(0.10, 0.01, 0.0, 3)), RULE), Outlook::Seeds { total: 6 });
    }

    #[test]
    fn seeds_needed_agree_with_the_textbook_formula_for_a_paired_t_test() {
        // Effect half a standard deviation, two-sided 5 %, power 80 %: n = 34 (Cohen 1988).
        // Of which no images are known, that would have to agree too.
        let seeds_alone = Variance { image_count: None, ..seen(0.01, 0.02, 0.0, 6) };
        let Outlook::Seeds { total } = outlook(Some(&seeds_alone), Rule { margin: 0.0, ..RULE }) else {
            panic!("not settled by seeds")
        };
        assert!((33..=35).contains(&total), "{total}");
    }

    #[test]
    fn equal_recipes_are_settled_by_equivalence() {
        let Outlook::Seeds { total } = outlook(Some(&seen(0.0, 0.004, 0.0, 3)), RULE) else { panic!() };
        assert!((4..=15).contains(&total), "{total}");
        assert_eq!(
            outlook(Some(&seen(0.0, 0.004, 0.0, 3)), Rule { margin: 0.0, ..RULE }),
            Outlook::OutOfReach
        );
    }

    #[test]
    fn too_few_images_are_not_mended_by_seeds() {
        // Standard error due to images alone: 2 points; difference 1 point, and the images have to agree at 2.5 %: ((2.24 + 0.84) × 2)²
        // ≈ 38.02 times as many, 19,010.
        let Outlook::Images { total } = outlook(Some(&seen(0.01, 0.001, 0.0004, 6)), RULE) else { panic!() };
        assert_eq!(total, 20_000);
        assert_eq!(outlook(Some(&seen(0.0051, 0.2, 0.0004, 6)), RULE), Outlook::OutOfReach);
        assert_eq!(outlook(Some(&seen(0.00501, 0.0001, 1.0, 6)), RULE), Outlook::OutOfReach);
    }

    #[test]
    fn more_images_than_there_are_is_what_is_asked_for() {
        // Along the edge where the images there are all but suffice.
        for step in 0..200 {
            let images = 1e-6 * 1.05f64.powi(step);
            for comparisons in [1, 4, 9] {
                let rule = Rule { comparisons, ..RULE };
                for seeds in [3, 6] {
                    let variance = Variance { image_count: Some(5_000), ..seen(0.01, 0.001, images, seeds) };
                    if let Outlook::Images { total } = outlook(Some(&variance), rule) {
                        assert!(total > 5_000, "{images} {comparisons} {total}");
                        let more = Variance { images: images * 5_000.0 / total as f64, ..variance };
                        assert!(power(&more, MOST_SEEDS, rule) >= POWER, "{images} {comparisons} {total}");
                    }
                }
            }
        }
    }

    #[test]
    fn more_images_and_more_seeds_show_smaller_differences() {
        let rule = Rule { comparisons: 4, ..RULE };
        let smallest = |images, seeds| smallest_difference(images, seeds, rule).unwrap();
        assert!(smallest(46, 6) > smallest(46, 12) && smallest(46, 12) > smallest(460, 12));
        // As the table of `docs/statistics.md` has it for 500 images of larger spread: about one point with 8,580.
        assert!((0.008..0.015).contains(&smallest(8_580, 6)), "{}", smallest(8_580, 6));
        assert!((0.06..0.2).contains(&smallest(46, 6)), "{}", smallest(46, 6));
        assert_eq!((smallest_difference(46, 5, rule), smallest_difference(0, 9, rule)), (None, None));
    }

    #[test]
    fn two_seeds_foretell_nothing() {
        assert_eq!(outlook(Some(&seen(0.1, 0.01, 0.0004, 2)), RULE), Outlook::Unknown { at_least: 6 });
    }

    #[test]
    fn without_spread_only_the_fewest_seeds_are_named() {
        assert_eq!(outlook(None, RULE), Outlook::Unknown { at_least: 6 });
        assert!(outlook(None, RULE).sentence().unwrap().contains("6"));
        assert_eq!(Outlook::Decided.sentence(), None);
    }

    #[test]
    fn every_outlook_has_a_sentence_that_ends() {
        for outlook in [
            Outlook::Seeds { total: 9 },
            Outlook::Images { total: 900 },
            Outlook::FewImages { at_least: 10 },
            Outlook::OutOfReach,
            Outlook::Unknown { at_least: 6 },
        ] {
            assert!(outlook.sentence().unwrap().ends_with('.'));
        }
    }
}

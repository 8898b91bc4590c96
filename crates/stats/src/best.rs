//! Which of several recipes may be the best of them.

use crate::arm::{Arm, StatsError};
use crate::comparison::{Options, Verdict, compare};
use crate::permutation::EXACT_UP_TO;

/// Recipes that are asked for at most: each is compared with every other.
const MOST_RECIPES: usize = 64;
/// Standard scores that are computed at most: beyond, it takes minutes.
const MOST_SCORES: f64 = 4e8;

/// Per recipe, in the order of `arms`, whether it may be the best of them: whether no other is better than it, by the test that
/// [`compare`] decides verdicts with, this recipe being the baseline and the others corrected for together.
///
/// The best recipe is called worse than another in at most `options.level` of studies, so that it is among those that are left in all
/// others (subset selection, Gupta 1965; the test is the step-down permutation test of `docs/decisions/0002-verdict-rule.md`). A recipe
/// with too few seeds to be called worse may always be the best.
///
/// `None` where there are too many to ask: more than 64 recipes, or 40 with 20 seeds.
///
/// # Errors
/// As [`compare`].
pub fn may_be_best(arms: &[Arm], options: &Options) -> Result<Option<Vec<bool>>, StatsError> {
    let seeds = arms.iter().map(|arm| arm.runs.len()).max().unwrap_or(0).clamp(1, EXACT_UP_TO);
    if arms.len() > MOST_RECIPES || (arms.len() as f64).powi(2) * 2f64.powi(seeds as i32 - 1) > MOST_SCORES {
        return Ok(None);
    }
    let quick = Options { replicates: 0, margin: 0.0, ..*options };
    let all = arms.iter().enumerate().map(|(at, arm)| {
        let others: Vec<Arm> =
            arms.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, arm)| arm.clone()).collect();
        let comparisons = compare(arm, &others, &quick)?;
        Ok(comparisons.iter().all(|c| c.verdict != Verdict::Better))
    });
    all.collect::<Result<Vec<bool>, StatsError>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Run;
    use bakeoff_random::Stream;

    fn arm(name: &str, accuracies: impl IntoIterator<Item = f64>) -> Arm {
        let runs = accuracies.into_iter().zip(0..).map(|(accuracy, seed)| Run::from_accuracy(seed, accuracy));
        Arm { name: name.into(), runs: runs.collect() }
    }

    /// A study in which the recipes are that much better than 0.5, with two points of scatter.
    fn study(number: u64, gains: &[f64], seeds: usize) -> Vec<Arm> {
        let mut stream = Stream::new(7, "may-be-best", 0, number);
        let names = ["a", "b", "c", "d", "e"];
        let mut draw = |gain: &f64| {
            let uniform: Vec<f64> =
                (0..12 * seeds).map(|_| f64::from(stream.word()) / 2f64.powi(32)).collect();
            uniform
                .chunks(12)
                .map(|twelve| 0.5 + gain + 0.02 * (twelve.iter().sum::<f64>() - 6.0))
                .collect::<Vec<_>>()
        };
        gains.iter().zip(names).map(|(gain, name)| arm(name, draw(gain))).collect()
    }

    fn left(arms: &[Arm]) -> Vec<bool> {
        may_be_best(arms, &Options::default()).unwrap().unwrap()
    }

    #[test]
    fn clearly_worse_recipes_are_not_among_the_best_and_close_ones_are() {
        let arms = study(2, &[0.0, 0.2, 0.2, 0.1], 8);
        assert_eq!(left(&arms), [false, true, true, false]);
        // Five seeds can show nothing.
        assert_eq!(left(&study(2, &[0.0, 0.2, 0.2, 0.1], 5)), [true; 4]);
    }

    #[test]
    fn the_best_is_left_out_in_at_most_one_study_of_twenty() {
        // All alike is the hardest case: any of them is a best one.
        for gains in [[0.0; 4], [0.0, 0.0, 0.0, 0.01], [0.0, 0.005, 0.01, 0.015]] {
            let studies = 400;
            let missed = (0..studies).filter(|&number| !left(&study(number, &gains, 8))[3]).count();
            // Four standard errors above 5 %.
            assert!(
                missed as f64 <= 0.05 * studies as f64 + 4.0 * (0.0475 * studies as f64).sqrt(),
                "{gains:?} {missed}"
            );
        }
    }

    #[test]
    fn agrees_with_the_verdict_against_the_baseline() {
        let arms = study(3, &[0.0, 0.06, 0.0, -0.05], 8);
        let verdicts = compare(&arms[0], &arms[1..], &Options::default()).unwrap();
        assert_eq!(left(&arms)[0], verdicts.iter().all(|c| c.verdict != Verdict::Better));
    }

    #[test]
    fn too_many_to_ask_are_not_asked() {
        let many = |recipes: usize, seeds| {
            let arms: Vec<Arm> = (0..recipes).map(|k| arm(&k.to_string(), vec![0.5; seeds])).collect();
            may_be_best(&arms, &Options::default()).unwrap()
        };
        assert_eq!((many(65, 2), many(40, 20)), (None, None));
        assert_eq!(many(64, 2), Some(vec![true; 64]));
        assert_eq!(may_be_best(&[], &Options::default()).unwrap(), Some(vec![]));
    }
}

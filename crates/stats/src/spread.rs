//! On which scale each recipe's summed difference is compared with the other recipes'.
//!
//! The step-down maximum compares recipes with each other, so that one that scatters wildly would hide what the others show. Its
//! statistic is therefore a standard score: over the spread that the recipes have in common, or, for a recipe that clearly
//! does not share it, over its own. Both are made of the sizes of the differences alone, and of the sum whose
//! chance is asked for, so that swapping recipe and baseline in a seed leaves what they are made of as it is; the
//! permutation test stays exact. Why it is so: `docs/decisions/0002-verdict-rule.md`.

/// Fewer seeds than these say nothing of a recipe's own spread.
const FEWEST_SEEDS: usize = 4;
/// A recipe begins to be judged by its own variance where this is 1 + so much / degrees of freedom times the common one (3.4 times with
/// six seeds, 2.1 with twelve): so rarely among recipes that scatter alike that hardly any difference is lost to it.
const BEGINS: f64 = 12.0;
/// By how much larger a variance than that it is judged by nothing else.
const ENDS: f64 = 1.75;
/// Share of the common variance below which a recipe begins to be judged by its own …
const CALM_BEGINS: f64 = 1.0 / 4.0;
/// … and below which by nothing else.
const CALM_ENDS: f64 = 1.0 / 16.0;
/// Variances below this share of the lower median are not counted in the common one.
const FAR_BELOW: f64 = 1.0 / 8.0;
/// What is left of the sum of squares is never taken as less than this share of it: differences as equal as that are equal, and
/// rounding does not decide.
const LEAST_REST: f64 = 1e-6;
/// Variance of the size of a standard normal number, 1 − 2/π.
const SIZES: f64 = 1.0 - std::f64::consts::FRAC_2_PI;

/// Turns the sum of a recipe's differences, however its seeds are swapped, into a standard score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    /// Size of the recipe's largest difference: sums are divided by it, so that no square overflows.
    unit: f64,
    seeds: f64,
    /// Sum of squares of the differences.
    squares: f64,
    /// Common variance of one seed.
    common: f64,
    /// Whether the recipe has seeds enough for a spread of its own.
    own: bool,
}

impl Score {
    /// The score of a sum of differences, never below zero. It grows with the size of the sum.
    pub(crate) fn of(&self, sum: f64) -> f64 {
        let sum = (sum / self.unit).abs();
        let explained = sum * sum / self.seeds;
        let by_common = (explained / self.common).sqrt();
        if !self.own {
            return by_common;
        }
        let rest = (self.squares - explained).max(LEAST_REST * self.squares);
        let share = self.share_of_own(rest);
        if share == 0.0 {
            return by_common;
        }
        let by_own = self.by_own(rest);
        if share == 1.0 {
            return by_own;
        }
        ((1.0 - share) * by_common.ln() + share * by_own.ln()).exp()
    }

    /// How far the recipe is judged by its own spread: 0 not at all, 1 by nothing else.
    fn share_of_own(&self, rest: f64) -> f64 {
        let degrees = self.seeds - 1.0;
        let begins = (1.0 + BEGINS / degrees) * self.common;
        let (wild, calm) = (rest / degrees, self.squares / self.seeds);
        if wild > begins {
            ((wild / begins).ln() / ENDS.ln()).min(1.0)
        } else if calm < CALM_BEGINS * self.common {
            ((calm / (CALM_BEGINS * self.common)).ln() / (CALM_ENDS / CALM_BEGINS).ln()).min(1.0)
        } else {
            0.0
        }
    }

    /// The standard score that is as rare as the recipe's own t (Wallace 1959), 1 + t² / degrees being squares over rest.
    fn by_own(&self, rest: f64) -> f64 {
        let degrees = self.seeds - 1.0;
        let correction = (8.0 * degrees + 1.0) / (8.0 * degrees + 3.0);
        correction * (degrees * (self.squares / rest).ln().max(0.0)).sqrt()
    }
}

/// Sizes of one recipe's differences, as shares of the largest of all.
struct Sizes {
    unit: f64,
    seeds: usize,
    squares: f64,
    /// Variance of one seed: mean of two estimates that agree for a recipe that does nothing. A true difference enlarges the
    /// mean square without limit, the spread of the sizes at most 2.75 times; the latter alone is too unsteady.
    variance: f64,
}

impl Sizes {
    fn new(differences: &[f64]) -> Self {
        let unit = differences.iter().fold(0.0f64, |most, d| most.max(d.abs()));
        let seeds = differences.len();
        if unit == 0.0 {
            return Self { unit: 1.0, seeds, squares: 0.0, variance: 0.0 };
        }
        let sizes: Vec<f64> = differences.iter().map(|d| (d / unit).abs()).collect();
        let squares: f64 = sizes.iter().map(|size| size * size).sum();
        let mean_square = squares / seeds as f64;
        let of_sizes = crate::standard_deviation(&sizes).map_or(mean_square, |sd| sd * sd / SIZES);
        Self { unit, seeds, squares, variance: 0.5 * (mean_square + of_sizes) }
    }
}

/// The scores of recipes, given each one's differences; `counted` says whose spread is part of the common one.
pub(crate) fn scores(differences: &[Vec<f64>], counted: &[bool]) -> Vec<Score> {
    let sizes: Vec<Sizes> = differences.iter().map(|d| Sizes::new(d)).collect();
    let largest = sizes.iter().filter(|s| s.squares > 0.0).fold(0.0f64, |most, s| most.max(s.unit));
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let absolute = |s: &Sizes| s.variance * (s.unit / largest).powi(2);
    let usable = |s: &&Sizes| s.seeds >= FEWEST_SEEDS;
    let chosen = || sizes.iter().zip(counted).filter(|(_, counted)| **counted).map(|(s, _)| s);
    let common = common_variance(chosen().filter(usable).map(absolute))
        .or_else(|| common_variance(sizes.iter().map(absolute)))
        .unwrap_or(1.0);
    let score = |s: &Sizes| Score {
        unit: s.unit,
        seeds: s.seeds.max(1) as f64,
        squares: s.squares,
        common: common / (s.unit / largest).powi(2).max(f64::MIN_POSITIVE),
        own: s.seeds >= FEWEST_SEEDS && s.squares > 0.0,
    };
    sizes.iter().map(score).collect()
}

/// Mean of the smaller half of the variances: recipes that scatter more than the others are not asked. `None` where all are zero.
fn common_variance(variances: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = variances.filter(|v| *v > 0.0 && v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let lower_median = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    let half = sorted.len().div_ceil(2);
    let near: Vec<f64> = sorted[..half].iter().copied().filter(|v| *v >= FAR_BELOW * lower_median).collect();
    crate::mean(&near)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEADY: [f64; 8] = [0.01, -0.02, 0.03, -0.015, 0.02, 0.005, -0.01, 0.012];

    fn times(factor: f64) -> Vec<f64> {
        STEADY.iter().map(|d| d * factor).collect()
    }

    fn all(differences: &[Vec<f64>]) -> Vec<Score> {
        scores(differences, &vec![true; differences.len()])
    }

    #[test]
    fn recipes_that_scatter_alike_are_compared_in_points() {
        let rows = [times(1.0), times(1.1), times(-0.9)];
        let [a, b, c] = all(&rows).try_into().unwrap();
        let score = a.of(0.05);
        assert!((b.of(0.05) / score - 1.0).abs() < 1e-12 && (c.of(-0.05) / score - 1.0).abs() < 1e-12);
        assert!((a.of(0.1) / score - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_wild_recipe_is_judged_by_its_own_spread_and_so_is_a_calm_one() {
        for factor in [1e-9, 0.05, 50.0, 1e9] {
            let [a, _, _, odd] =
                all(&[times(1.0), times(1.1), times(-0.9), times(factor)]).try_into().unwrap();
            let [_, _, _, other] =
                all(&[times(1.0), times(1.1), times(-0.9), times(1.5 * factor)]).try_into().unwrap();
            let sum: f64 = times(factor).iter().sum();
            assert!((odd.of(sum) - other.of(1.5 * sum)).abs() < 1e-9, "{factor}");
            // About what it would be on its own: 0.032 / √(8 · 0.00029) is 0.66.
            assert!((0.3..1.5).contains(&odd.of(sum)) && a.of(0.032) < 1.5, "{factor}: {}", odd.of(sum));
        }
    }

    #[test]
    fn the_score_grows_with_the_sum() {
        for factor in [0.05, 0.3, 1.0, 1.7, 2.5, 4.0, 9.0] {
            let score = all(&[times(1.0), times(1.1), times(-0.9), times(factor)])[3];
            let most: f64 = times(factor).iter().map(|d| d.abs()).sum();
            let along: Vec<f64> = (0..=200).map(|k| score.of(most * f64::from(k) / 200.0)).collect();
            assert!(along.is_sorted() && along.iter().all(|s| s.is_finite()), "{factor}: {along:?}");
        }
    }

    #[test]
    fn neither_zeros_nor_equal_nor_extreme_differences_give_what_is_no_number() {
        let rows = [
            vec![0.0; 8],
            vec![0.01; 8],
            times(1e200),
            times(1e-200),
            vec![f64::MIN_POSITIVE; 8],
            vec![1e308; 8],
            vec![0.1],
            vec![],
        ];
        for (row, score) in rows.iter().zip(all(&rows)) {
            let sum: f64 = row.iter().map(|d| d / 8.0).sum::<f64>() * 8.0;
            let [none, some] = [score.of(0.0), score.of(sum)];
            assert!(none == 0.0 && some >= 0.0 && !some.is_nan(), "{row:?} {none} {some}");
        }
        assert!(all(&[]).is_empty());
        assert_eq!(all(&[vec![0.0; 6], vec![0.0; 6]])[1].of(0.0), 0.0);
    }

    #[test]
    fn the_common_variance_is_that_of_the_calmer_half() {
        let common = |values: &[f64]| common_variance(values.iter().copied());
        assert_eq!(common(&[1.0, 3.0, 64.0, 60.0]), Some(2.0));
        assert_eq!(common(&[1.0, 64.0]), Some(1.0));
        // One that hardly scatters is not what the others have in common.
        assert_eq!(common(&[1e-18, 2.0, 4.0]), Some(2.0));
        assert_eq!((common(&[]), common(&[0.0, 0.0])), (None, None));
    }
}

//! Sign-flip permutation over seeds.
//!
//! If a recipe makes no difference, the names "recipe" and "baseline" of the two runs of a seed could as well be swapped,
//! and the seed's difference has the other sign. All 2^S swappings are equally likely then; p is the share of them whose
//! mean difference is at least as far from zero as the one observed.

use crate::spread;
use crate::wording::count;
use bakeoff_random::Stream;

/// Most seeds for which all swappings are enumerated.
pub const EXACT_UP_TO: usize = 20;
/// Swappings drawn at random for more seeds.
pub const DRAWS: usize = 100_000;

/// The smallest two-sided p-value that `seeds` seeds can give: 2^(1 − S). One for no seed.
#[must_use]
pub fn smallest_p(seeds: usize) -> f64 {
    if seeds == 0 { 1.0 } else { 2f64.powf(1.0 - seeds as f64) }
}

/// The fewest seeds that can reach p ≤ `level`, in (0, 1): six for 0.05.
#[must_use]
pub fn fewest_seeds(level: f64) -> usize {
    (1..64).find(|&seeds| smallest_p(seeds) <= level).unwrap_or(64)
}

/// What must be said before training starts: that so few seeds cannot decide at `level`. `None` where they can.
#[must_use]
pub fn warning(seeds: usize, level: f64) -> Option<String> {
    let fewest = fewest_seeds(level);
    (seeds < fewest).then(|| {
        format!(
            "{} cannot show a recipe to be better or worse: the smallest p they can give is {}. At least {fewest} are needed; \
             with fewer, a recipe can only be found equivalent or stay undecided.",
            count(seeds, "seed"),
            smallest_p(seeds)
        )
    })
}

/// Differences of several recipes from one baseline, by seed; `None` where a recipe lacks the seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    rows: Vec<Vec<Option<f64>>>,
    seeds: usize,
}

/// What the sign-flip test says of each recipe, in the order of the table's rows.
#[derive(Clone, Debug, PartialEq)]
pub struct SignFlip {
    /// Two-sided p of each recipe by itself; `None` for a recipe without a seed.
    pub p: Vec<Option<f64>>,
    /// Step-down maximum-statistic p (Westfall & Young 1993; Romano & Wolf 2005): the error rate of all recipes together.
    pub adjusted: Vec<Option<f64>>,
    /// All swappings were enumerated; otherwise [`DRAWS`] of them were drawn.
    pub exact: bool,
}

impl Table {
    /// One row per recipe, one column per seed; missing columns at the end of a row count as missing seeds.
    #[must_use]
    pub fn new(rows: Vec<Vec<Option<f64>>>) -> Self {
        let seeds = rows.iter().map(Vec::len).max().unwrap_or(0);
        Self { rows, seeds }
    }

    /// The test at `level`. `random_seed` only matters above [`EXACT_UP_TO`] seeds.
    ///
    /// A recipe with too few seeds to reach `level` by itself can never be claimed, so it does not count as a comparison that
    /// the others are corrected for (Tarone 1990); one lucky seed of it would otherwise hide what they show.
    ///
    /// A seed's swapping is applied to all recipes at once, so that their common baseline is accounted for. The statistic is the
    /// summed difference as a standard score, over the spread that the recipes have in common or, for one that clearly
    /// scatters otherwise, over its own: see `spread.rs` and the decision record.
    #[must_use]
    pub fn test(&self, random_seed: u64, level: f64) -> SignFlip {
        let recipes: Vec<usize> =
            (0..self.rows.len()).filter(|&r| self.rows[r].iter().any(Option::is_some)).collect();
        let differences: Vec<Vec<f64>> =
            recipes.iter().map(|&r| self.rows[r].iter().copied().flatten().collect()).collect();
        // Column-major: swapping a seed changes one contiguous column.
        let at = |r: usize, seed: usize| self.rows[r].get(seed).copied().flatten().unwrap_or(0.0);
        let columns: Vec<Vec<f64>> =
            (0..self.seeds).map(|seed| recipes.iter().map(|&r| at(r, seed)).collect()).collect();
        let observed: Vec<f64> =
            (0..recipes.len()).map(|slot| columns.iter().map(|c| c[slot]).sum::<f64>().abs()).collect();
        // Sums that are equal but for the order of their terms are ties.
        let least: Vec<f64> = differences
            .iter()
            .zip(&observed)
            .map(|(d, sum)| (sum - 1e-12 * d.iter().map(|d| d.abs()).sum::<f64>()).max(0.0))
            .collect();
        let (mut order, excluded): (Vec<usize>, Vec<usize>) =
            (0..recipes.len()).partition(|&slot| smallest_p(differences[slot].len()) <= level);
        let counted: Vec<bool> = (0..recipes.len()).map(|slot| order.contains(&slot)).collect();
        let scores = spread::scores(&differences, &counted);
        let reached: Vec<f64> = scores.iter().zip(&least).map(|(score, &sum)| score.of(sum)).collect();
        order.sort_by(|&a, &b| scores[b].of(observed[b]).total_cmp(&scores[a].of(observed[a])));

        let mut own = vec![0u64; recipes.len()];
        let mut largest = vec![0u64; recipes.len()];
        let mut count = |sums: &[f64]| {
            let mut running = 0.0f64;
            for &slot in order.iter().rev() {
                // By itself a recipe needs no scale: what its score says, its sum says without rounding.
                let alone = sums[slot].abs() >= least[slot];
                own[slot] += u64::from(alone);
                largest[slot] += u64::from(alone || running >= reached[slot]);
                running = running.max(scores[slot].of(sums[slot]));
            }
            for &slot in &excluded {
                let alone = sums[slot].abs() >= least[slot];
                own[slot] += u64::from(alone);
                running = running.max(scores[slot].of(sums[slot]));
            }
            for &slot in &excluded {
                largest[slot] += u64::from(sums[slot].abs() >= least[slot] || running >= reached[slot]);
            }
        };
        let exact = self.seeds <= EXACT_UP_TO;
        let (total, added) = if exact {
            (enumerate(&columns, recipes.len(), &mut count), 0)
        } else {
            (draw(&columns, recipes.len(), random_seed, &mut count), 1)
        };
        // A drawn p counts the observed swapping itself, so that it is never zero (Phipson & Smyth 2010).
        let share = |hits: u64| (hits + added) as f64 / (total + added) as f64;
        let mut result =
            SignFlip { p: vec![None; self.rows.len()], adjusted: vec![None; self.rows.len()], exact };
        let mut running = 0.0f64;
        for &slot in &order {
            running = running.max(share(largest[slot]));
            result.p[recipes[slot]] = Some(share(own[slot]));
            result.adjusted[recipes[slot]] = Some(running);
        }
        for &slot in &excluded {
            result.p[recipes[slot]] = Some(share(own[slot]));
            result.adjusted[recipes[slot]] = Some(share(largest[slot]));
        }
        result
    }
}

/// All swappings that leave the first seed as it is; the others mirror them and have the same absolute sums.
fn enumerate(columns: &[Vec<f64>], recipes: usize, count: &mut impl FnMut(&[f64])) -> u64 {
    let free = columns.len().saturating_sub(1);
    // Sums of all swappings of two halves, added pairwise: no rounding piles up as it would by flipping one at a time.
    let sums_of = |part: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0; recipes]];
        for column in part {
            let minus =
                sums.iter().map(|s| s.iter().zip(column).map(|(a, b)| a - b).collect()).collect::<Vec<_>>();
            for sum in &mut sums {
                sum.iter_mut().zip(column).for_each(|(a, b)| *a += b);
            }
            sums.extend(minus);
        }
        sums
    };
    let Some((first, rest)) = columns.split_first() else { return 1 };
    let (low, high) = rest.split_at(free / 2);
    let (low, high) = (sums_of(low), sums_of(high));
    let mut sum = vec![0.0; recipes];
    for a in &high {
        for b in &low {
            for (slot, total) in sum.iter_mut().enumerate() {
                *total = first[slot] + b[slot] + a[slot];
            }
            count(&sum);
        }
    }
    1 << free
}

fn draw(columns: &[Vec<f64>], recipes: usize, random_seed: u64, count: &mut impl FnMut(&[f64])) -> u64 {
    let mut sum = vec![0.0; recipes];
    for draw in 0..DRAWS as u64 {
        let mut stream = Stream::new(random_seed, "sign-flip", 0, draw);
        sum.fill(0.0);
        let (mut bits, mut left) = (0u32, 0);
        for column in columns {
            if left == 0 {
                (bits, left) = (stream.word(), 32);
            }
            let sign = if bits & 1 == 0 { 1.0 } else { -1.0 };
            (bits, left) = (bits >> 1, left - 1);
            sum.iter_mut().zip(column).for_each(|(a, b)| *a += sign * b);
        }
        count(&sum);
    }
    DRAWS as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[f64]]) -> Table {
        Table::new(rows.iter().map(|row| row.iter().copied().map(Some).collect()).collect())
    }

    #[test]
    fn six_seeds_that_agree_reach_the_level_and_five_do_not() {
        assert_eq!(table(&[&[0.01, 0.02, 0.03, 0.01, 0.02]]).test(0, 0.05).p, [Some(0.0625)]);
        assert_eq!(table(&[&[0.01, 0.02, 0.03, 0.01, 0.02, 0.5]]).test(0, 0.05).p, [Some(0.03125)]);
        assert_eq!(
            (fewest_seeds(0.05), fewest_seeds(0.01), smallest_p(5), smallest_p(0)),
            (6, 8, 0.0625, 1.0)
        );
    }

    #[test]
    fn too_few_seeds_are_warned_of_before_training() {
        let text = warning(5, 0.05).unwrap();
        assert!(text.starts_with("5\u{a0}seeds cannot") && text.contains("is 0.0625. At least 6"), "{text}");
        assert_eq!(warning(6, 0.05), None);
    }

    #[test]
    fn equal_sums_are_ties_whatever_the_order_of_their_terms() {
        // 0.1 + 0.2 − 0.3 is not zero in floating point. By hand: sums of absolute value ≥ 0 are all four, twice.
        assert_eq!(table(&[&[0.1, 0.2, -0.3]]).test(0, 0.05).p, [Some(1.0)]);
        // |0.3 + 0.1 − 0.2| = 0.2: ±.6, ±.4 (flip .1), ±.2 (flip .2), ±0 (flip .3): six of eight.
        assert_eq!(table(&[&[0.1, -0.2, 0.3]]).test(0, 0.05).p, [Some(0.75)]);
    }

    #[test]
    fn no_difference_at_all_gives_one() {
        assert_eq!(table(&[&[0.0; 8], &[0.0; 8]]).test(0, 0.05).adjusted, [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn a_single_recipe_needs_no_adjustment_and_several_never_gain_by_it() {
        let single = table(&[&[0.02, 0.01, -0.004, 0.03, 0.02, 0.01, 0.02]]).test(0, 0.05);
        assert_eq!(single.p, single.adjusted);
        let several = table(&[
            &[0.02, 0.01, -0.004, 0.03, 0.02, 0.01, 0.02],
            &[-0.01, 0.01, 0.02, -0.03, 0.012, 0.01, 0.004],
            &[0.05, 0.06, 0.05, 0.07, 0.04, 0.06, 0.05],
        ])
        .test(0, 0.05);
        assert_eq!(several.p[0], single.p[0]);
        for (p, adjusted) in several.p.iter().zip(&several.adjusted) {
            assert!(adjusted >= p);
        }
        // The clear one keeps the smallest p there is although three are compared: that is what Holm cannot do.
        assert_eq!(several.adjusted[2], Some(smallest_p(7)));
    }

    #[test]
    fn a_recipe_without_seeds_has_no_p_and_does_not_disturb_the_others() {
        let with =
            Table::new(vec![vec![Some(0.1), Some(0.2), Some(0.3)], vec![None, None, None]]).test(0, 0.05);
        assert_eq!((with.p[0], with.p[1], with.adjusted[1]), (Some(0.25), None, None));
        assert_eq!(Table::new(vec![]).test(0, 0.05).p, []);
    }

    #[test]
    fn a_recipe_with_too_few_seeds_does_not_hide_what_the_others_show() {
        let clear: Vec<Option<f64>> = [0.04, 0.05, 0.03, 0.04, 0.05, 0.03].map(Some).to_vec();
        let lucky = vec![Some(0.3), None, None, None, None, None];
        let both = Table::new(vec![lucky, clear]).test(0, 0.05);
        assert_eq!(both.adjusted[1], Some(0.03125));
        assert!(both.adjusted[0] >= both.p[0] && both.p[0] == Some(1.0));
    }

    #[test]
    fn a_missing_seed_is_not_a_zero() {
        let missing = Table::new(vec![vec![Some(0.1), None, Some(0.2), Some(0.3)]]).test(0, 0.05);
        assert_eq!(missing.p, [Some(0.25)]);
    }

    #[test]
    fn drawing_agrees_with_enumerating_within_its_error() {
        let differences: Vec<f64> = (0..20).map(|s| f64::from(s % 7) * 0.01 - 0.017).collect();
        let exact = table(&[&differences]).test(1, 0.05);
        // A twenty-first seed without a difference changes no sum, and so no p, but is one too many to enumerate.
        let drawn = table(&[&[&differences[..], &[0.0]].concat()]).test(1, 0.05);
        assert!(exact.exact && !drawn.exact);
        let (p, q) = (exact.p[0].unwrap(), drawn.p[0].unwrap());
        assert!((p - q).abs() < 5.0 * (p * (1.0 - p) / DRAWS as f64).sqrt(), "{p} {q}");
    }
}

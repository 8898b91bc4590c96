//! Looking after every seed and stopping when decided, at the error rate of a single look.
//!
//! A test at 5 % repeated after every seed errs far more often than 5 %. Here the 5 % are *spent* over the looks (Lan & DeMets
//! 1983) by the function of Hwang, Shih & De Cani (1990) with γ = 2, which spends early. What a look may claim follows from
//! the permutation distribution itself and not from a normal approximation: under the null hypothesis all swappings of
//! recipe and baseline are equally likely, so that of every one of them it is known at which look it would have been
//! claimed. At each look the largest statistics are claimed of those swappings that were not claimed before, as many as
//! the spending allows. The statistic is the maximum over the recipes, stepped down, as in [`crate::permutation`].
//!
//! Everything is a function of the differences in the order of seeds, so that an interrupted run comes to the same decisions.
//! Why it is done so, and by how much it errs: `docs/decisions/0012-until-decided.md`.

use crate::arm::{Arm, Pairs, StatsError};
use crate::comparison::{Comparison, Levels, Options, Verdict, check_options, compare_at};
use crate::interval::Variance;
use crate::outlook::{Rule, power};
use crate::spread;
use bakeoff_random::Stream;
use serde::{Deserialize, Serialize};

/// Most seeds for which all swappings are followed; beyond, [`PATHS`] of them are drawn.
const EXACT_UP_TO: usize = 15;
/// Swappings drawn.
const PATHS: usize = 1 << 15;
/// How early the error is spent; 0 would be evenly.
const GAMMA: f64 = 2.0;
/// Share of the level at which the images have to agree, half of that of a single look: the images are the same at every look, and
/// every look is another chance for the seeds to make their sample seem certain.
const IMAGES_LOOKED: f64 = 0.25;
/// A recipe gets no further seed where even the most favourable difference its interval allows is decided less often than this.
const HOPELESS: f64 = 0.1;

/// What is declared before the first look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Design {
    /// Seeds before the first look.
    pub first: usize,
    /// Seeds at most.
    pub most: usize,
}

impl Design {
    /// Share of the error that may have been spent with so many seeds: 1 with the most.
    #[must_use]
    pub fn spent(&self, seeds: usize) -> f64 {
        let time = (seeds as f64 / self.most.max(1) as f64).min(1.0);
        (1.0 - (-GAMMA * time).exp()) / (1.0 - (-GAMMA).exp())
    }
}

/// One look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Seeds looked at.
    pub seeds: usize,
    /// A corrected p up to this is claimed. Zero: so few seeds cannot show anything yet.
    pub level: f64,
    /// Error spent so far, this look included.
    pub spent: f64,
}

/// Where a recipe stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "standing", content = "seeds")]
pub enum Standing {
    /// More seeds can still decide it.
    Open,
    /// Decided with so many seeds.
    Decided(usize),
    /// Given up with so many seeds: those up to the most would probably not decide it.
    Hopeless(usize),
}

/// What all looks together came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    /// One per recipe, as of the look that settled it, or the last one.
    pub comparisons: Vec<Comparison>,
    /// In the same order.
    pub standings: Vec<Standing>,
    /// All looks, in order.
    pub looks: Vec<Look>,
}

/// Follows all swappings from look to look.
struct Paths {
    design: Design,
    level: f64,
    random_seed: u64,
    recipes: usize,
    /// Per seed, per recipe: the difference; `None` where the recipe lacks the seed.
    columns: Vec<Vec<Option<f64>>>,
    /// From which statistic on a look claims; infinite where nothing was looked at.
    critical: Vec<f64>,
    /// Sums of differences, recipe by recipe within a path.
    sums: Vec<f64>,
    /// Whether the path was claimed.
    claimed: Vec<bool>,
}

impl Paths {
    fn new(design: Design, level: f64, random_seed: u64, recipes: usize) -> Self {
        let (columns, critical) = (Vec::new(), Vec::new());
        let (sums, claimed) = (vec![0.0; recipes], vec![false]);
        Self { design, level, random_seed, recipes, columns, critical, sums, claimed }
    }

    /// Adds a seed, and looks if it is time to.
    fn add(&mut self, column: Vec<Option<f64>>) -> Option<Look> {
        self.columns.push(column);
        let seeds = self.columns.len();
        if seeds == EXACT_UP_TO + 1 {
            self.draw();
        } else {
            self.extend(seeds - 1);
        }
        let statistics = self.statistics(seeds);
        if seeds < self.design.first {
            self.critical.push(f64::INFINITY);
            return None;
        }
        let total = self.claimed.len();
        let may = (self.level * self.design.spent(seeds) * total as f64 + 1e-9).floor() as usize;
        let before = self.claimed.iter().filter(|claimed| **claimed).count();
        let critical = critical(&statistics, &self.claimed, may.saturating_sub(before));
        self.critical.push(critical);
        let mut above = 0;
        for (claimed, statistic) in self.claimed.iter_mut().zip(&statistics) {
            let here = *statistic >= critical;
            above += usize::from(here);
            *claimed |= here;
        }
        let spent = self.claimed.iter().filter(|claimed| **claimed).count() as f64 / total as f64;
        Some(Look { seeds, level: above as f64 / total as f64, spent })
    }

    /// The column of seed number `at`, either way round, onto every path. The first seed stays as it is: to swap everything
    /// gives the same statistics.
    fn extend(&mut self, at: usize) {
        let column = &self.columns[at];
        let add = |sums: &mut [f64], sign: f64| {
            sums.iter_mut().zip(column).for_each(|(sum, d)| *sum += sign * d.unwrap_or(0.0));
        };
        if self.claimed.len() >= PATHS {
            for (path, sums) in self.sums.chunks_mut(self.recipes).enumerate() {
                add(sums, sign(self.random_seed, path, at));
            }
            return;
        }
        if at == 0 {
            return add(&mut self.sums, 1.0);
        }
        let mut other = self.sums.clone();
        self.sums.chunks_mut(self.recipes).for_each(|sums| add(sums, 1.0));
        other.chunks_mut(self.recipes).for_each(|sums| add(sums, -1.0));
        self.sums.extend(other);
        self.claimed.extend_from_within(..);
    }

    /// From all swappings to drawn ones, brought to where these would stand.
    fn draw(&mut self) {
        self.sums = vec![0.0; PATHS * self.recipes];
        self.claimed = vec![false; PATHS];
        for at in 0..self.columns.len() {
            self.extend(at);
            if let Some(&critical) = self.critical.get(at) {
                let statistics = self.statistics(at + 1);
                self.claimed.iter_mut().zip(statistics).for_each(|(c, s)| *c |= s >= critical);
            }
        }
    }

    /// Largest standard score over the recipes of every path, as in [`crate::permutation`].
    fn statistics(&self, seeds: usize) -> Vec<f64> {
        let differences: Vec<Vec<f64>> = (0..self.recipes)
            .map(|r| self.columns[..seeds].iter().filter_map(|column| column[r]).collect())
            .collect();
        let counted: Vec<bool> = differences.iter().map(|d| !d.is_empty()).collect();
        let scores = spread::scores(&differences, &counted);
        let largest =
            |sums: &[f64]| sums.iter().zip(&scores).fold(0.0f64, |m, (s, score)| m.max(score.of(*s)));
        self.sums.chunks(self.recipes.max(1)).map(largest).collect()
    }
}

/// The sign of a drawn path at a seed.
fn sign(random_seed: u64, path: usize, seed: usize) -> f64 {
    let word = Stream::new(random_seed, "sequential-flip", (seed / 32) as u32, path as u64).word();
    if word >> (seed % 32) & 1 == 0 { 1.0 } else { -1.0 }
}

/// The smallest statistic such that no more than `may` unclaimed paths reach it; equal ones go together.
fn critical(statistics: &[f64], claimed: &[bool], may: usize) -> f64 {
    let mut open: Vec<f64> =
        statistics.iter().zip(claimed).filter(|(_, claimed)| !**claimed).map(|(s, _)| *s).collect();
    if may == 0 || open.is_empty() {
        return f64::INFINITY;
    }
    if may >= open.len() {
        return 0.0;
    }
    // The next one may not be reached: what is claimed lies above it, by more than rounding.
    let (_, next, _) = open.select_nth_unstable_by(may, |a, b| b.total_cmp(a));
    let bound = *next + next.abs() * 1e-9;
    let least = open[..may].iter().copied().filter(|s| *s > bound).fold(f64::INFINITY, f64::min);
    // Between the two, so that neither a tie's rounding nor the observed path's decides.
    if least.is_finite() { 0.5 * (least + bound.min(least)) } else { least }
}

/// Compares every recipe with the baseline after each seed of `seeds`, in this order, from the design's first look on.
///
/// A look is taken where every recipe still open, and the baseline, is done with the seed: `complete(recipe, seed)` says
/// whether it is (finished, or failed for good). What stands after an incomplete seed is not looked at.
///
/// # Errors
/// As [`crate::compare`].
pub fn compare_sequentially(
    baseline: &Arm,
    others: &[Arm],
    options: &Options,
    design: Design,
    seeds: &[u64],
    complete: &dyn Fn(&str, u64) -> bool,
) -> Result<Sequential, StatsError> {
    check_options(options)?;
    crate::arm::check(std::iter::once(baseline).chain(others), options.measure.unit)?;
    let pairs: Vec<Pairs> = others.iter().map(|other| Pairs::new(baseline, other)).collect();
    let difference = |r: usize, seed: u64| {
        let at = pairs[r].seeds.iter().position(|s| *s == seed)?;
        Some(pairs[r].differences[at])
    };
    let mut paths = Paths::new(design, options.level, options.random_seed, others.len());
    let mut standings = vec![Standing::Open; others.len()];
    let mut settled: Vec<Option<Comparison>> = vec![None; others.len()];
    let mut looks: Vec<Look> = Vec::new();
    let mut done = 0;
    let restricted = |arm: &Arm, upto: usize| Arm {
        name: arm.name.clone(),
        runs: arm.runs.iter().filter(|run| seeds[..upto].contains(&run.seed())).cloned().collect(),
    };
    // What was claimed leaves the family; what was found equivalent or given up stays in it as it was.
    let family = |settled: &[Option<Comparison>]| -> Vec<usize> {
        let claimed = |c: &Comparison| matches!(c.verdict, Verdict::Better | Verdict::Worse);
        (0..others.len()).filter(|&r| !settled[r].as_ref().is_some_and(claimed)).collect()
    };
    let arms_of = |family: &[usize], standings: &[Standing], done: usize| -> Vec<Arm> {
        let upto = |r: usize| match standings[r] {
            Standing::Open => done,
            Standing::Decided(seeds) | Standing::Hopeless(seeds) => seeds,
        };
        family.iter().map(|&r| restricted(&others[r], upto(r))).collect()
    };
    let mut levels =
        Levels { differs: 0.0, images: options.level * IMAGES_LOOKED, equivalent: 0.0, looked: true };
    let quick = Options { replicates: 0, ..*options };
    for (at, &seed) in seeds.iter().enumerate().take(design.most) {
        let waits = |r: usize| standings[r] == Standing::Open && !complete(&others[r].name, seed);
        let open = standings.contains(&Standing::Open);
        if !open || !complete(&baseline.name, seed) || (0..others.len()).any(waits) {
            break;
        }
        done = at + 1;
        // Should the folder hold further seeds of a recipe that was settled, they are not looked at.
        let column =
            (0..others.len()).map(|r| difference(r, seed).filter(|_| standings[r] == Standing::Open));
        let Some(look) = paths.add(column.collect()) else { continue };
        let before = looks.last().map_or(0.0, |look| design.spent(look.seeds));
        looks.push(look);
        levels = Levels {
            differs: look.level,
            images: options.level * IMAGES_LOOKED,
            // Spent in equal parts over the recipes: the t statistics' joint law over the looks is not known.
            equivalent: options.level * (design.spent(done) - before) / others.len() as f64,
            looked: true,
        };
        let family = family(&settled);
        let arms = arms_of(&family, &standings, done);
        let baseline = restricted(baseline, done);
        let mut comparisons = compare_at(&baseline, &arms, &quick, levels)?;
        let decided = |(c, &r): (&Comparison, &usize)| {
            standings[r] == Standing::Open && c.verdict != Verdict::Undecided
        };
        if options.replicates > 0 && comparisons.iter().zip(&family).any(decided) {
            comparisons = compare_at(&baseline, &arms, options, levels)?;
        }
        let rule = Rule {
            level: options.level,
            images: levels.images,
            comparisons: others.len(),
            margin: options.margin,
        };
        for ((comparison, arm), &r) in comparisons.into_iter().zip(&arms).zip(&family) {
            if standings[r] != Standing::Open {
                continue;
            }
            if comparison.verdict != Verdict::Undecided {
                standings[r] = Standing::Decided(done);
                settled[r] = Some(comparison);
            } else if done == design.most || hopeless(&Pairs::new(&baseline, arm), rule, design.most) {
                standings[r] = Standing::Hopeless(done);
            }
        }
    }
    let rest = family(&settled);
    let arms = arms_of(&rest, &standings, done);
    for (comparison, r) in
        compare_at(&restricted(baseline, done), &arms, options, levels)?.into_iter().zip(rest)
    {
        let undecided = Comparison { verdict: Verdict::Undecided, ..comparison };
        settled[r].get_or_insert(undecided);
    }
    Ok(Sequential { comparisons: settled.into_iter().flatten().collect(), standings, looks })
}

/// Whether the most seeds would probably not decide, however favourable the difference within its interval.
fn hopeless(pairs: &Pairs, rule: Rule, most: usize) -> bool {
    let Some(variance) = pairs.variance() else { return false };
    let interval = variance.interval(0.95);
    let nearest_to_zero = 0f64.clamp(interval.low, interval.high);
    [interval.low, nearest_to_zero, interval.high]
        .into_iter()
        .all(|mean| power(&Variance { mean, ..variance }, most, rule) < HOPELESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::Run;

    fn arm(name: &str, accuracies: impl IntoIterator<Item = f64>) -> Arm {
        let runs = accuracies.into_iter().zip(1..).map(|(a, seed)| Run::from_accuracy(seed, a));
        Arm { name: name.into(), runs: runs.collect() }
    }

    fn noise(seed: u64, stream: u64) -> f64 {
        Stream::new(stream, "test", 0, seed).normal()
    }

    const DESIGN: Design = Design { first: 3, most: 12 };

    fn looked(arms: &[Arm], seeds: u64) -> Sequential {
        let order: Vec<u64> = (1..=seeds).collect();
        compare_sequentially(&arms[0], &arms[1..], &Options::default(), DESIGN, &order, &|_, _| true).unwrap()
    }

    #[test]
    fn all_of_the_error_is_spent_with_the_last_seed_and_most_of_it_early() {
        assert_eq!((DESIGN.spent(0), DESIGN.spent(12), DESIGN.spent(40)), (0.0, 1.0, 1.0));
        assert!((DESIGN.spent(6) - 0.731_058_578_630_004_9).abs() < 1e-12);
        // Six seeds of twelve may already claim: 2 of 64 swappings are 0.031.
        assert!(0.05 * DESIGN.spent(6) > 2.0 / 64.0);
    }

    #[test]
    fn a_look_never_spends_more_than_it_may_and_ties_are_claimed_together() {
        let mut paths = Paths::new(Design { first: 1, most: 18 }, 0.05, 0, 2);
        for seed in 0..18u64 {
            // Equal differences make many ties.
            let look = paths.add(vec![Some(0.01), Some(0.01 * (seed % 3) as f64)]).unwrap();
            assert!(look.spent <= 0.05 * paths.design.spent(look.seeds) + 1e-12, "{look:?}");
        }
        let statistics = [1.0, 3.0, 2.0, 2.0, 0.5];
        let none = [false; 5];
        assert_eq!(critical(&statistics, &none, 0), f64::INFINITY);
        assert!((2.0..3.0).contains(&critical(&statistics, &none, 1)));
        assert!((2.0..=3.0).contains(&critical(&statistics, &none, 2)), "two ties do not fit");
        assert!((1.0..2.0).contains(&critical(&statistics, &none, 3)));
        assert!((2.0..3.0).contains(&critical(&statistics, &[true, false, false, false, false], 1)));
    }

    #[test]
    fn drawn_paths_give_about_the_levels_of_all_of_them() {
        let design = Design { first: 3, most: 15 };
        let columns = (1..=15).map(|seed| vec![Some(noise(seed, 1)), Some(noise(seed, 2))]);
        let mut exact = Paths::new(design, 0.05, 0, 2);
        let looks: Vec<Look> = columns.filter_map(|column| exact.add(column)).collect();
        let mut drawn = Paths { critical: exact.critical.clone(), ..Paths::new(design, 0.05, 0, 2) };
        drawn.columns = exact.columns.clone();
        drawn.draw();
        let spent = drawn.claimed.iter().filter(|c| **c).count() as f64 / PATHS as f64;
        assert!((spent - looks.last().unwrap().spent).abs() < 0.005, "{spent} {:?}", looks.last());
    }

    #[test]
    fn a_large_difference_stops_early_and_the_others_go_on() {
        let base: Vec<f64> = (1..=12).map(|s| 0.6 + 0.005 * noise(s, 0)).collect();
        let better = base.iter().take(6).zip(1..).map(|(b, s)| b + 0.05 + 0.002 * noise(s, 1));
        let unclear = base.iter().zip(1..).map(|(b, s)| b + 0.004 + 0.015 * noise(s, 2));
        let arms = [arm("none", base.clone()), arm("cutmix", better), arm("mixup", unclear)];
        let result = looked(&arms, 8);
        assert_eq!(result.comparisons[0].verdict, Verdict::Better, "{:?}", result.looks);
        assert_eq!(result.standings[0], Standing::Decided(6));
        assert_eq!(
            (result.comparisons[1].verdict, result.standings[1]),
            (Verdict::Undecided, Standing::Open)
        );
        assert_eq!(result.comparisons[0].seeds.len(), 6);
        assert!(result.comparisons[0].bootstrap.is_none() && result.looks.len() == 6);
    }

    #[test]
    fn a_seed_that_is_not_complete_is_not_looked_at_and_later_data_change_no_earlier_decision() {
        let base: Vec<f64> = (1..=12).map(|s| 0.6 + 0.005 * noise(s, 0)).collect();
        let other: Vec<f64> = base.iter().zip(1..).map(|(b, s)| b + 0.012 + 0.01 * noise(s, 5)).collect();
        let arms = [arm("none", base), arm("cutmix", other)];
        let order: Vec<u64> = (1..=12).collect();
        let upto = |last: u64| {
            let complete =
                move |recipe: &str, seed: u64| seed <= last || (recipe == "none" && seed == last + 1);
            compare_sequentially(&arms[0], &arms[1..], &Options::default(), DESIGN, &order, &complete)
                .unwrap()
        };
        let mut before: Vec<Look> = Vec::new();
        let mut decided = None;
        for last in 1..=12 {
            let result = upto(last);
            assert_eq!(result.looks[..before.len()], before[..]);
            if let Some((standing, verdict)) = decided {
                assert_eq!((result.standings[0], result.comparisons[0].verdict), (standing, verdict));
            } else if result.standings[0] != Standing::Open {
                decided = Some((result.standings[0], result.comparisons[0].verdict));
            }
            before = result.looks;
        }
        assert!(decided.is_some());
        assert!(upto(2).looks.is_empty() && upto(2).comparisons[0].verdict == Verdict::Undecided);
        assert!(upto(0).comparisons[0].mean.is_none());
    }

    #[test]
    fn equal_recipes_are_found_equivalent_and_hopeless_ones_are_given_up() {
        let base: Vec<f64> = (1..=12).map(|s| 0.6 + 0.005 * noise(s, 0)).collect();
        let same: Vec<f64> = base.iter().zip(1..).map(|(b, s)| b + 0.0005 * noise(s, 1)).collect();
        let result = looked(&[arm("none", base.clone()), arm("copy", same)], 12);
        assert_eq!(result.comparisons[0].verdict, Verdict::Equivalent, "{:?}", result.comparisons[0]);
        assert!(matches!(result.standings[0], Standing::Decided(n) if n < 12));
        // Scatter so large that twelve seeds could not tell anything.
        let wild = base.iter().zip(1..).map(|(b, s)| b + 0.2 * noise(s, 4));
        let options = Options { margin: 0.0001, ..Options::default() };
        let order: Vec<u64> = (1..=12).collect();
        let arms = [arm("none", base.clone()), arm("wild", wild)];
        let result =
            compare_sequentially(&arms[0], &arms[1..], &options, DESIGN, &order, &|_, _| true).unwrap();
        assert!(matches!(result.standings[0], Standing::Hopeless(_)), "{:?}", result.standings);
    }
}

//! The crossed bootstrap: seeds and images resampled independently, with replacement (Owen's "pigeonhole" bootstrap, 2007).
//!
//! Given beside the interval, not used for the verdict: with few seeds its percentile limits are too narrow where seeds
//! differ much and too wide where they differ little. Numbers in the decision record.

use bakeoff_random::Stream;

/// The difference of two runs on one image.
pub trait Difference: Copy + Into<f64> {
    /// Σ difference × weight over the images of one seed.
    fn weighted(row: &[Self], weights: &[i32]) -> f64;
}

impl Difference for i8 {
    fn weighted(row: &[Self], weights: &[i32]) -> f64 {
        f64::from(row.iter().zip(weights).map(|(&d, &w)| i32::from(d) * w).sum::<i32>())
    }
}

impl Difference for f64 {
    fn weighted(row: &[Self], weights: &[i32]) -> f64 {
        row.iter().zip(weights).map(|(&d, &w)| d * f64::from(w)).sum()
    }
}

/// Percentile limits with probability `confidence` between them of each recipe's mean difference, `replicates` times.
///
/// `recipes`: per recipe, per seed, per image the difference (−1, 0 or 1 where images are right or wrong); all images in the
/// same order. `None` where there are no images, no seeds, or rows of different lengths.
#[must_use]
pub fn crossed<D: Difference>(
    recipes: &[Option<&[Vec<D>]>],
    confidence: f64,
    replicates: usize,
    random_seed: u64,
) -> Vec<Option<[f64; 2]>> {
    means(recipes, replicates, random_seed).into_iter().map(|means| percentiles(means, confidence)).collect()
}

/// The resampled mean differences of each recipe.
fn means<D: Difference>(recipes: &[Option<&[Vec<D>]>], replicates: usize, random_seed: u64) -> Vec<Vec<f64>> {
    let images = recipes.iter().flatten().flat_map(|rows| rows.iter()).map(Vec::len).next().unwrap_or(0);
    let usable = |rows: &&[Vec<D>]| !rows.is_empty() && images > 0 && rows.iter().all(|r| r.len() == images);
    let recipes: Vec<Option<&[Vec<D>]>> = recipes.iter().map(|rows| rows.filter(usable)).collect();
    let mut means: Vec<Vec<f64>> = recipes.iter().map(|_| Vec::with_capacity(replicates)).collect();
    let mut weights = vec![0i32; images];
    for replicate in 0..replicates as u64 {
        let mut stream = Stream::new(random_seed, "bootstrap-images", 0, replicate);
        weights.fill(0);
        for _ in 0..images {
            weights[stream.below(images)] += 1;
        }
        for (rows, means) in recipes.iter().zip(&mut means) {
            let Some(rows) = rows else { continue };
            // The same seeds for every recipe that has as many, so that recipes stay comparable.
            let mut stream = Stream::new(random_seed, "bootstrap-seeds", 0, replicate);
            let mut times = vec![0u32; rows.len()];
            for _ in 0..rows.len() {
                times[stream.below(rows.len())] += 1;
            }
            let drawn = rows.iter().zip(&times).filter(|(_, times)| **times > 0);
            let total: f64 = drawn.map(|(row, &times)| f64::from(times) * D::weighted(row, &weights)).sum();
            means.push(total / (rows.len() * images) as f64);
        }
    }
    means
}

/// Share of pairs of runs in which the recipe is better, ties counting half, with percentile limits over seeds.
///
/// The probability of improvement of Agarwal et al. 2021 (rliable), U/(S·S) of Mann and Whitney. Seeds are resampled in
/// pairs. `None` without runs.
#[must_use]
pub fn probability_better(
    recipe: &[f64],
    baseline: &[f64],
    confidence: f64,
    replicates: usize,
    random_seed: u64,
) -> Option<[f64; 3]> {
    let n = recipe.len();
    if n == 0 || baseline.len() != n {
        return None;
    }
    let better = RunsByRank::new(recipe, baseline);
    let shares = (0..replicates as u64).map(|replicate| {
        let mut stream = Stream::new(random_seed, "bootstrap-improvement", 0, replicate);
        let mut times = vec![0; n];
        (0..n).for_each(|_| times[stream.below(n)] += 1);
        better.share(&times)
    });
    let [low, high] = percentiles(shares.collect(), confidence)?;
    Some([better.share(&vec![1; n]), low, high])
}

/// Where each run of a recipe stands among the baseline's runs in their order, so that pairs need not be looked at one by one.
struct RunsByRank {
    /// The baseline's runs, the lowest first.
    order: Vec<usize>,
    /// Per run of the recipe: how many of these are lower, and how many are not higher.
    places: Vec<[usize; 2]>,
}

impl RunsByRank {
    fn new(recipe: &[f64], baseline: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..baseline.len()).collect();
        order.sort_by(|&a, &b| baseline[a].total_cmp(&baseline[b]));
        let place = |value: &f64| {
            [
                order.partition_point(|&at| baseline[at] < *value),
                order.partition_point(|&at| baseline[at] <= *value),
            ]
        };
        let places = recipe.iter().map(place).collect();
        Self { order, places }
    }

    /// Share of pairs in which the recipe is ahead, each seed taken so many times. Halves of whole numbers: exact in any order.
    fn share(&self, times: &[u64]) -> f64 {
        let mut up_to = Vec::with_capacity(self.order.len() + 1);
        let mut sum = 0;
        up_to.push(sum);
        for &at in &self.order {
            sum += times[at];
            up_to.push(sum);
        }
        let wins =
            self.places.iter().zip(times).map(|(&[below, not_above], times)| {
                (*times * (up_to[below] + up_to[not_above])) as f64 / 2.0
            });
        wins.sum::<f64>() / (sum * sum) as f64
    }
}

/// Linear interpolation between order statistics (NumPy's default).
pub(crate) fn percentiles(mut values: Vec<f64>, confidence: f64) -> Option<[f64; 2]> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |probability: f64| {
        let position = probability.clamp(0.0, 1.0) * last as f64;
        let below = position.floor() as usize;
        let above = (below + 1).min(last);
        values[below] + (position - below as f64) * (values[above] - values[below])
    };
    Some([at(0.5 - confidence / 2.0), at(0.5 + confidence / 2.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_are_not_looked_at_one_by_one_are_counted_as_if_they_were() {
        let mut stream = Stream::new(7, "test", 0, 0);
        for n in 1..40 {
            let mut draw = || (0..n).map(|_| stream.below(9) as f64 / 9.0).collect::<Vec<f64>>();
            let (recipe, baseline) = (draw(), draw());
            let times: Vec<u64> = draw().iter().map(|value| (value * 9.0) as u64 + 1).collect();
            let (mut wins, mut all) = (0.0, 0);
            for (i, a) in recipe.iter().enumerate() {
                for (j, b) in baseline.iter().enumerate() {
                    let weight = times[i] * times[j];
                    all += weight;
                    wins += weight as f64
                        * if a > b {
                            1.0
                        } else if a == b {
                            0.5
                        } else {
                            0.0
                        };
                }
            }
            assert_eq!(RunsByRank::new(&recipe, &baseline).share(&times), wins / all as f64, "{n}");
        }
    }

    #[test]
    fn percentiles_interpolate_as_numpy_does() {
        // numpy.percentile([1, 2, 3, 4], [2.5, 97.5])
        let [low, high] = percentiles(vec![4.0, 1.0, 3.0, 2.0], 0.95).unwrap();
        assert!((low - 1.075).abs() < 1e-12 && (high - 3.925).abs() < 1e-12);
        assert_eq!(percentiles(vec![], 0.95), None);
        assert_eq!(percentiles(vec![2.0], 0.95), Some([2.0, 2.0]));
    }

    #[test]
    fn the_spread_is_the_pigeonhole_formula() {
        // Owen 2007: E[variance] = exact moments of the resampled mean; here rows and columns both matter.
        let rows: Vec<Vec<i8>> = (0..8)
            .map(|s| {
                (0..60).map(|i| i8::from((i * 7 + s * 3) % 5 < 2) - i8::from((i + s) % 9 == 0)).collect()
            })
            .collect();
        let (s, n) = (8.0, 60.0);
        let mean = rows.iter().flatten().map(|&d| f64::from(d)).sum::<f64>() / (s * n);
        let row: Vec<f64> = rows.iter().map(|r| r.iter().map(|&d| f64::from(d)).sum::<f64>() / n).collect();
        let column: Vec<f64> =
            (0..60).map(|i| rows.iter().map(|r| f64::from(r[i])).sum::<f64>() / s).collect();
        let square = |values: &[f64]| values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        let residual: f64 = (0..8)
            .flat_map(|a| (0..60).map(move |b| (a, b)))
            .map(|(a, b)| (f64::from(rows[a][b]) - row[a] - column[b] + mean).powi(2))
            .sum();
        let variance = square(&row) / (s * s) + square(&column) / (n * n) + residual / (s * n).powi(2);
        let resampled = means(&[Some(&rows)], 4000, 5).remove(0);
        let centre = resampled.iter().sum::<f64>() / 4000.0;
        let ours = resampled.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / 3999.0;
        assert!((ours / variance - 1.0).abs() < 0.08 && (centre - mean).abs() < 0.05 * variance.sqrt());
    }

    #[test]
    fn scores_that_are_whole_numbers_give_what_counts_give() {
        let counts: Vec<Vec<i8>> = (0..5)
            .map(|s| (0..40).map(|i| i8::from((i * s) % 7 < 3) - i8::from(i % 3 == 0)).collect())
            .collect();
        let scores: Vec<Vec<f64>> =
            counts.iter().map(|row| row.iter().map(|&d| f64::from(d)).collect()).collect();
        let of_counts = crossed(&[Some(counts.as_slice())], 0.95, 200, 3);
        assert_eq!(of_counts, crossed(&[Some(scores.as_slice())], 0.95, 200, 3));
    }

    #[test]
    fn recipes_without_images_are_passed_over() {
        let rows = vec![vec![1i8, 0, 1], vec![1, 0, 0]];
        let result = crossed(&[None, Some(&rows), Some(&[])], 0.95, 50, 0);
        assert!(result[0].is_none() && result[1].is_some() && result[2].is_none());
        assert_eq!(crossed::<i8>(&[], 0.95, 50, 0), []);
    }

    #[test]
    fn probability_of_improvement_counts_ties_as_half() {
        let [p, low, high] = probability_better(&[0.5, 0.7, 0.9], &[0.5, 0.6, 0.8], 0.95, 500, 0).unwrap();
        // 0.5: ½; 0.7: 1 + 1; 0.9: 1 + 1 + 1; of nine.
        assert!((p - 5.5 / 9.0).abs() < 1e-15 && low <= p && p <= high);
        assert_eq!(probability_better(&[], &[], 0.95, 10, 0), None);
        assert_eq!(probability_better(&[0.9, 0.8], &[0.1, 0.2], 0.95, 100, 0), Some([1.0; 3]));
    }
}

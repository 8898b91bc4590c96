//! Over several data sets: interquartile mean and probability of improvement as rliable defines them (Agarwal et al. 2021,
//! "Deep reinforcement learning at the edge of the statistical precipice"), with its stratified bootstrap.
//!
//! Scores: per data set, one per run. Runs are resampled within each data set; data sets are the ones that were chosen, not
//! a sample of others.

use crate::bootstrap::percentiles;
use bakeoff_random::Stream;

/// Mean of the middle half of all scores: a quarter is cut at either end, rounded down (SciPy's `trim_mean(…, 0.25)`).
/// `None` without scores.
#[must_use]
pub fn interquartile_mean(scores: &[Vec<f64>]) -> Option<f64> {
    let mut all: Vec<f64> = scores.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let cut = all.len() / 4;
    crate::mean(&all[cut..all.len() - cut])
}

/// Mean over data sets of the probability that a run of the first recipe beats one of the second, ties counting half.
/// `None` where data sets differ in number, or one has no run.
#[must_use]
pub fn probability_of_improvement(first: &[Vec<f64>], second: &[Vec<f64>]) -> Option<f64> {
    if first.is_empty() || first.len() != second.len() {
        return None;
    }
    let shares: Option<Vec<f64>> = first
        .iter()
        .zip(second)
        .map(|(a, b)| {
            let wins: f64 = a
                .iter()
                .flat_map(|a| {
                    b.iter().map(move |b| f64::from(u8::from(a > b)) + 0.5 * f64::from(u8::from(a == b)))
                })
                .sum();
            (!a.is_empty() && !b.is_empty()).then(|| wins / (a.len() * b.len()) as f64)
        })
        .collect();
    crate::mean(&shares?)
}

/// Percentile limits of a statistic of one or several recipes' scores, runs resampled within each data set.
#[must_use]
pub fn stratified<const N: usize>(
    scores: [&[Vec<f64>]; N],
    statistic: impl Fn([&[Vec<f64>]; N]) -> Option<f64>,
    confidence: f64,
    replicates: usize,
    random_seed: u64,
) -> Option<[f64; 2]> {
    let values: Option<Vec<f64>> = (0..replicates as u64)
        .map(|replicate| {
            let mut stream = Stream::new(random_seed, "bootstrap-stratified", 0, replicate);
            let drawn: [Vec<Vec<f64>>; N] = scores.map(|recipe| {
                let of = |runs: &Vec<f64>| runs.iter().map(|_| runs[stream.below(runs.len())]).collect();
                recipe.iter().map(of).collect()
            });
            statistic(std::array::from_fn(|k| drawn[k].as_slice()))
        })
        .collect();
    percentiles(values?, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_half_is_averaged() {
        assert_eq!(interquartile_mean(&[vec![0.0, 1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0, 100.0]]), Some(3.5));
        assert_eq!(interquartile_mean(&[vec![], vec![]]), None);
    }

    #[test]
    fn improvement_is_averaged_over_data_sets_however_many_runs_each_has() {
        let (a, b) = ([vec![0.5, 0.7], vec![0.1]], [vec![0.6], vec![0.1, 0.1, 0.0]]);
        // One of two; then two ties and a win of three.
        let p = probability_of_improvement(&a, &b).unwrap();
        assert!((p - (0.5 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!(probability_of_improvement(&a, &b[..1]), None);
        assert_eq!(probability_of_improvement(&[vec![]], &[vec![0.1]]), None);
        let [low, high] =
            stratified([&a, &b], |[a, b]| probability_of_improvement(a, b), 0.95, 400, 0).unwrap();
        assert!(low < p && p < high && low >= 0.0 && high <= 1.0);
    }
}

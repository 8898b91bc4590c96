//! Several comparisons at once.

/// Holm's step-down adjustment (Holm 1979), in the order given; what statsmodels' `multipletests(method="holm")` gives.
/// Entries without a p-value are not counted as comparisons.
#[must_use]
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; p.len()];
    let mut running = 0.0f64;
    for (rank, &(index, value)) in order.iter().enumerate() {
        running = running.max(value * (order.len() - rank) as f64).min(1.0);
        adjusted[index] = Some(running);
    }
    adjusted
}

/// The step-up adjustment of Benjamini & Hochberg (1995), which keeps the expected share of false discoveries; what statsmodels'
/// `multipletests(method="fdr_bh")` gives. Entries without a p-value are not counted as comparisons.
#[must_use]
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; p.len()];
    let mut running = 1.0f64;
    for (rank, &(index, value)) in order.iter().enumerate().rev() {
        running = running.min(value * order.len() as f64 / (rank + 1) as f64);
        adjusted[index] = Some(running);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benjamini_and_hochberg_step_up() {
        let adjusted = benjamini_hochberg(&[Some(0.04), None, Some(0.01), Some(0.03), Some(0.9)]);
        let expected = [Some(0.16 / 3.0), None, Some(0.04), Some(0.16 / 3.0), Some(0.9)];
        for (a, b) in adjusted.iter().zip(expected) {
            assert!(a.zip(b).is_none_or(|(a, b)| (a - b).abs() < 1e-15) && a.is_some() == b.is_some());
        }
        assert_eq!(benjamini_hochberg(&[]), []);
    }

    #[test]
    fn holm_steps_down_and_never_exceeds_one() {
        let adjusted = holm(&[Some(0.04), None, Some(0.01), Some(0.03), Some(0.9)]);
        let expected = [Some(0.09), None, Some(0.04), Some(0.09), Some(0.9)];
        for (a, b) in adjusted.iter().zip(expected) {
            assert!(a.zip(b).is_none_or(|(a, b)| (a - b).abs() < 1e-15) && a.is_some() == b.is_some());
        }
        assert_eq!(holm(&[Some(0.7), Some(0.8)]), [Some(1.0), Some(1.0)]);
        assert_eq!(holm(&[]), []);
    }
}

//! Two trained models, as opposed to two recipes.

use crate::distribution::binomial_half_two_sided;
use serde::{Deserialize, Serialize};

/// McNemar's exact test of two trained models on the same images.
///
/// It speaks of *these two trained models*, never of the recipes that made them: with another seed either could have come
/// out otherwise, and no number of images says how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discordance {
    /// Images only the first classified correctly.
    pub only_first: u64,
    /// Images only the second classified correctly.
    pub only_second: u64,
}

impl Discordance {
    /// Counts. `None` where the two were not tested on as many images.
    #[must_use]
    pub fn new(first: &[bool], second: &[bool]) -> Option<Self> {
        let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count() as u64;
        (first.len() == second.len())
            .then(|| Self { only_first: only(first, second), only_second: only(second, first) })
    }

    /// Two-sided p-value of the exact binomial test (McNemar 1947; statsmodels' `mcnemar(exact=True)`).
    #[must_use]
    pub fn p(&self) -> f64 {
        binomial_half_two_sided(self.only_first.min(self.only_second), self.only_first + self.only_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_on_which_the_models_disagree_count() {
        let first = [true, true, true, false, false, true];
        let second = [false, false, true, true, false, false];
        let seen = Discordance::new(&first, &second).unwrap();
        assert_eq!(seen, Discordance { only_first: 3, only_second: 1 });
        assert!((seen.p() - 0.625).abs() < 1e-15);
        assert_eq!(Discordance { only_first: 0, only_second: 0 }.p(), 1.0);
        assert_eq!(Discordance::new(&first, &second[..3]), None);
    }
}

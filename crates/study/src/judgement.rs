//! What a network says of an image: its logits, ranked and turned into probabilities.

use std::cmp::Ordering;

/// One image's logits against its label.
#[derive(Debug, PartialEq)]
pub(crate) struct Judgement {
    /// Cross-entropy in nats.
    pub(crate) loss: f64,
    /// See [`predicted`].
    pub(crate) predicted: usize,
    /// 1 + how many classes come before the label: those with a higher logit, and earlier ones with the same.
    pub(crate) rank: usize,
    /// Softmax probability of the predicted class.
    pub(crate) confidence: f64,
    /// Sum of the squared softmax probabilities.
    pub(crate) sum_of_squares: f64,
}

impl Judgement {
    /// `None` where a logit is not finite, or there is none for the label.
    pub(crate) fn new(logits: &[f32], label: usize) -> Option<Self> {
        let of_label = *logits.get(label)?;
        if !are_finite(logits) {
            return None;
        }
        let predicted = predicted(logits);
        let rank = 1 + (0..logits.len()).filter(|&class| order(logits, class, label).is_lt()).count();
        let highest = f64::from(logits[predicted]);
        let (mut sum, mut squares) = (0.0, 0.0);
        for &logit in logits {
            let odds = (f64::from(logit) - highest).exp();
            sum += odds;
            squares += odds * odds;
        }
        let loss = highest + sum.ln() - f64::from(of_label);
        Some(Self { loss, predicted, rank, confidence: 1.0 / sum, sum_of_squares: squares / (sum * sum) })
    }
}

/// The class of the highest logit; of equals the first.
pub(crate) fn predicted(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, class| if order(logits, class, best).is_lt() { class } else { best })
}

/// The `n` most probable classes with their softmax probabilities, the most probable first; of equals the earlier class. `None`
/// where a logit is not finite.
#[must_use]
pub fn most_probable(logits: &[f32], n: usize) -> Option<Vec<(usize, f64)>> {
    if !are_finite(logits) {
        return None;
    }
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|&a, &b| order(logits, a, b));
    let highest = classes.first().map_or(0.0, |&class| logits[class]);
    // The difference is taken in single precision, unlike a judgement's: `predict` has always printed these bits.
    let odds: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - highest).exp()).collect();
    let sum: f64 = odds.iter().sum();
    Some(classes.into_iter().take(n).map(|class| (class, odds[class] / sum)).collect())
}

/// The class that comes first: the one with the higher logit, of equals the earlier one.
fn order(logits: &[f32], a: usize, b: usize) -> Ordering {
    logits[b].partial_cmp(&logits[a]).unwrap_or(Ordering::Equal).then(a.cmp(&b))
}

fn are_finite(logits: &[f32]) -> bool {
    logits.iter().all(|logit| logit.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_are_judged_with_ties_in_class_order() {
        let judged = Judgement::new(&[1.0, 3.0, 3.0, 0.0], 2).unwrap();
        assert_eq!((judged.predicted, judged.rank), (1, 2));
        let total = 1f64.exp() + 2.0 * 3f64.exp() + 1.0;
        assert!((judged.loss - (total / 3f64.exp()).ln()).abs() < 1e-12);
        assert_eq!(Judgement::new(&[0.0, f32::NAN], 0), None);
        assert_eq!(Judgement::new(&[0.0, 1.0], 7), None);
        // A label is predicted exactly when its rank is one.
        for label in 0..4 {
            let judged = Judgement::new(&[2.0, 2.0, -1.0, 2.0], label).unwrap();
            assert_eq!(judged.predicted == label, judged.rank == 1);
        }
        // Probabilities ¼, ½, ¼.
        let judged = Judgement::new(&[0.0, 2f32.ln(), 0.0], 0).unwrap();
        assert!((judged.confidence - 0.5).abs() < 1e-7 && (judged.sum_of_squares - 0.375).abs() < 1e-7);
        let far = Judgement::new(&[1000.0, 0.0], 1).unwrap();
        assert_eq!(far.loss, 1000.0);
    }

    #[test]
    fn of_equal_logits_the_first_counts() {
        assert_eq!((predicted(&[1.0, 3.0, 3.0]), predicted(&[2.0])), (1, 0));
    }

    #[test]
    fn the_most_probable_come_first_and_are_a_softmax() {
        let guesses = most_probable(&[0.0, 1.0, 2.0, 3.0, 4.0, 1000.0], 5).unwrap();
        assert_eq!(guesses.len(), 5);
        assert_eq!(guesses[0].0, 5);
        assert!((guesses[0].1 - 1.0).abs() < 1e-12);
        let guesses = most_probable(&[1.0, 0.0], 5).unwrap();
        assert!((guesses[0].1 / guesses[1].1 - std::f64::consts::E).abs() < 1e-9);
        assert_eq!(most_probable(&[f32::INFINITY, 0.0], 5), None);
    }

    #[test]
    fn the_rank_of_a_label_is_its_place_among_the_most_probable() {
        let logits = [-0.0, 2.0, 0.0, 2.0, -1.0];
        let ranked = most_probable(&logits, logits.len()).unwrap();
        for (place, (class, _)) in ranked.into_iter().enumerate() {
            assert_eq!(Judgement::new(&logits, class).unwrap().rank, place + 1);
        }
    }
}

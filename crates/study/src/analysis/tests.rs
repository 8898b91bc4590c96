use super::*;
use crate::predictions::Prediction;
use bakeoff_augment::corruption::Corruption;

#[test]
fn images_are_taken_evenly() {
    assert_eq!(evenly(3, 0), [0, 1, 2]);
    assert_eq!(evenly(3, 7), [0, 1, 2]);
    assert_eq!(evenly(10, 4), [0, 2, 5, 7]);
}

#[test]
fn maps_are_of_the_first_image_of_classes_spread_evenly() {
    let test: Vec<Prediction> = [2, 0, 0, 1, 2, 5]
        .into_iter()
        .map(|label| Prediction {
            image: String::new(),
            label,
            predicted: 0,
            probability: 0.0,
            rank: 1,
            confidence: None,
            sum_of_squares: None,
        })
        .collect();
    assert_eq!(mapped(&test, 9), [1, 3, 0, 5]);
    assert_eq!(mapped(&test, 2), [1, 0]);
    assert_eq!(mapped(&test, 0), [0; 0]);
}

#[test]
fn images_are_shown_plain_then_damaged_then_covered() {
    let all = ImageCondition::all();
    assert_eq!(all.len(), 1 + 13 * 5 + 7);
    assert_eq!(
        (all[0], all[5]),
        (ImageCondition::Plain, ImageCondition::Damaged(Corruption::GaussianNoise, 5))
    );
    assert_eq!(all.last(), Some(&ImageCondition::Covered(56)));
}

//! What is said before a study trains anything: that it is unlikely to answer, or set up as nobody does.

use bakeoff_data::{Dataset, Splits};
use bakeoff_nn::{HeadFit, Model, OptimizerConfig, ScheduleKind, Trainable};
use bakeoff_stats::outlook::Rule;
use bakeoff_stats::wording::count;
use bakeoff_stats::{LEVEL, Options, smallest_difference};

use crate::config::StudyConfig;
use crate::study::Study;

/// Fewer steps than these teach a network little.
const FEW_STEPS: usize = 100;
/// Learning rates of SGD in use, from fine-tuning a head to training from scratch with large batches.
const USUAL_RATES: [f64; 2] = [0.001, 0.5];
/// How far beyond them is far.
const FAR: f64 = 5.0;
/// A difference of so many points that cannot be seen is worth a warning.
const COARSE: f64 = 5.0;
/// A class with so many times as many test images as another decides top-1 more than the other does.
const UNEVEN: usize = 3;

/// Whole sentences, the most important first; none for a study that is as studies are.
pub(crate) fn advice(config: &StudyConfig, dataset: &Dataset, splits: &Splits) -> Vec<String> {
    let compared = config.recipe.len().saturating_sub(1);
    let seeds = config.compare.seeds.list().len();
    let labels = splits.test.iter().map(|&sample| dataset.samples()[sample].label);
    let mut per_class = vec![0usize; dataset.classes().len()];
    labels.for_each(|label| per_class[label] += 1);
    let steps = splits.train.len().div_ceil(config.train.batch.max(1)) * config.train.epochs as usize;
    let advice = [
        learning_rate(&config.train.optimizer),
        (steps < FEW_STEPS).then(|| {
            format!(
                "a trial takes {} in all ({} of {}): fewer than {FEW_STEPS} teach a network little, and recipes that help late \
                 look bad. Raise train.epochs, or lower train.batch",
                count(steps, "step"),
                count(config.train.epochs as usize, "epoch"),
                count(splits.train.len(), "training image"),
            )
        }),
        coarse(splits.test.len(), config.compare.margin),
        power(splits.test.len(), seeds, compared)
            .filter(|points| *points > COARSE)
            .map(|points| format!("{}. More test images help most", power_sentence(splits.test.len(), seeds, points))),
        (config.compare.metric.is_top1()).then(|| uneven(&per_class, dataset.classes())).flatten(),
    ];
    advice.into_iter().flatten().collect()
}

/// The smallest difference, in points, that so many test images and seeds probably show.
pub(crate) fn power(test: usize, seeds: usize, compared: usize) -> Option<f64> {
    let rule =
        Rule { level: LEVEL, images: Options::default().images_level(), comparisons: compared, margin: 0.0 };
    smallest_difference(test, seeds, rule).map(|difference| 100.0 * difference)
}

/// `with 46 test images and 6 seeds, differences below about 9 points cannot be seen`.
pub(crate) fn power_sentence(test: usize, seeds: usize, points: f64) -> String {
    let points = if points < 3.0 { format!("{points:.1}") } else { format!("{points:.0}") };
    format!(
        "with {} and {}, differences below about {points} points cannot be seen: they are missed in more than one study of five",
        count(test, "test image"),
        count(seeds, "seed")
    )
}

/// What is trained, from what and how: a line each, for a table of name and value.
pub(crate) fn facts(study: &Study, model: &Model, head: Option<&HeadFit>) -> Vec<[String; 2]> {
    let train = &study.config.train;
    let all = model.parameter_count();
    let moved = match train.trainable {
        Trainable::All => format!("all {} parameters", thousands(all)),
        Trainable::Head => {
            let head: usize = model
                .parameters()
                .iter()
                .filter(|p| p.is_head())
                .map(|p| p.shape.iter().product::<usize>())
                .sum();
            format!(
                "the head alone, {} of {} parameters; the backbone is frozen",
                thousands(head),
                thousands(all)
            )
        }
    };
    let weights = study.config.model.weights.as_ref().map_or_else(
        || "none: from scratch, drawn from the seed".to_owned(),
        |path| path.display().to_string(),
    );
    let head_is = match head {
        None => "new, drawn from the seed".to_owned(),
        Some(HeadFit::Fresh { .. }) => {
            format!("new, drawn from the seed, for the {} classes of the data", model.classes())
        }
        Some(HeadFit::Kept { .. }) => "of the weights, class by class".to_owned(),
        Some(HeadFit::Matched { .. }) => "of the weights, its rows matched by the classes' names".to_owned(),
        Some(_) => "of the weights, row by row: they do not name their classes".to_owned(),
    };
    let OptimizerConfig::Sgd { lr, momentum, nesterov, weight_decay, .. } = train.optimizer;
    let nesterov = if nesterov { " (Nesterov)" } else { "" };
    let schedule = match train.schedule.kind {
        ScheduleKind::Constant => "constant",
        ScheduleKind::Cosine => "cosine",
    };
    let warm_up = match train.schedule.warmup_epochs {
        0.0 => String::new(),
        1.0 => " after 1 epoch of warm-up".to_owned(),
        epochs => format!(" after {epochs} epochs of warm-up"),
    };
    [
        ("network", format!("{}, {1} × {1} pixels", model.name(), train.image)),
        ("weights", weights),
        ("head", head_is),
        ("trained", moved),
        (
            "optimiser",
            format!(
                "SGD, learning rate {lr}, momentum {momentum}{nesterov}, weight decay {weight_decay}; {schedule}{warm_up}; batches of {}",
                train.batch
            ),
        ),
    ]
    .map(|(name, value)| [name.to_owned(), value])
    .to_vec()
}

/// `11,689,512`.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn learning_rate(optimizer: &OptimizerConfig) -> Option<String> {
    let OptimizerConfig::Sgd { lr, .. } = optimizer;
    let [low, high] = USUAL_RATES;
    (!(low / FAR..=high * FAR).contains(lr)).then(|| {
        format!(
            "train.optimizer.lr is {lr}, far outside what is usual of SGD: {low} to {high}. {}",
            if *lr > high { "Training will probably diverge" } else { "The weights will hardly move" }
        )
    })
}

fn coarse(test: usize, margin: f64) -> Option<String> {
    let one = 100.0 / test.max(1) as f64;
    (test > 0 && one > margin).then(|| {
        format!(
            "one of the {} is {one:.1} points, more than compare.margin ({margin}): no recipe can be found equivalent. Test on more \
             images, or declare a margin that so many can show",
            count(test, "test image")
        )
    })
}

fn uneven(per_class: &[usize], classes: &[String]) -> Option<String> {
    let there = || per_class.iter().enumerate().filter(|(_, images)| **images > 0);
    let (most, largest) = there().max_by_key(|(_, images)| **images)?;
    let (least, smallest) = there().min_by_key(|(_, images)| **images)?;
    (*largest >= UNEVEN * smallest).then(|| {
        format!(
            "the classes are uneven: the test split holds {} of `{}` and {smallest} of `{}`, so that top-1 is decided by the large ones. \
             `compare.metric = \"balanced\"` counts every class alike",
            count(*largest, "image"),
            classes[most],
            classes[least]
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_are_warned_of_far_outside_the_usual_only() {
        let of = |lr| {
            learning_rate(&OptimizerConfig::Sgd {
                lr,
                momentum: 0.9,
                nesterov: false,
                weight_decay: 0.0,
                decay_norm_and_bias: true,
            })
        };
        assert_eq!([0.0003, 0.001, 0.1, 2.0].map(of), [const { None }; 4]);
        assert!(of(30.0).unwrap().contains("lr is 30") && of(30.0).unwrap().contains("diverge"));
        assert!(of(1e-6).unwrap().contains("hardly move"));
    }

    #[test]
    fn a_test_image_that_is_more_than_the_margin_is_told() {
        assert_eq!((coarse(400, 0.5), coarse(0, 0.5)), (None, None));
        assert!(coarse(46, 1.0).unwrap().starts_with("one of the 46\u{a0}test images is 2.2 points"));
    }

    #[test]
    fn uneven_classes_are_told_by_their_ends() {
        let classes = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(uneven(&[10, 0, 29], &classes), None);
        let text = uneven(&[10, 30, 12], &classes).unwrap();
        assert!(text.contains("30\u{a0}images of `b` and 10 of `a`"), "{text}");
        assert_eq!(uneven(&[0, 0, 0], &classes), None);
    }

    #[test]
    fn what_cannot_be_seen_is_said_with_as_many_digits_as_are_known() {
        let points = power(46, 6, 4).unwrap();
        assert!((7.0..16.0).contains(&points), "{points}");
        let text = power_sentence(46, 6, points).replace('\u{a0}', " ");
        assert!(text.starts_with("with 46 test images and 6 seeds, differences below about 1"), "{text}");
        assert_eq!(power(46, 5, 4), None);
    }
}

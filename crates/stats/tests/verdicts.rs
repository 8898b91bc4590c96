//! Every verdict and the sentence that goes with it.

use bakeoff_stats::{
    Arm, Comparison, Direction, Measure, Method, Options, Outlook, Run, StatsError, Unit, Verdict, compare,
};

fn arm(name: &str, accuracies: &[f64]) -> Arm {
    let runs = accuracies.iter().zip(1..).map(|(&a, seed)| Run::from_accuracy(seed, a)).collect();
    Arm { name: name.into(), runs }
}

fn one(baseline: &[f64], recipe: &[f64]) -> Comparison {
    compare(&arm("none", baseline), &[arm("cutmix", recipe)], &Options::default()).unwrap().remove(0)
}

fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

const BASE: [f64; 8] = [0.601, 0.612, 0.598, 0.607, 0.603, 0.596, 0.610, 0.605];

fn shifted(by: &[f64]) -> Vec<f64> {
    BASE.iter().zip(by).map(|(a, b)| a + b).collect()
}

#[test]
fn better_says_by_how_much_in_how_many_seeds_and_p() {
    let c = one(&BASE[..6], &shifted(&[0.031, 0.034, 0.029, 0.027, 0.035, 0.030]));
    assert_eq!((c.verdict, c.outlook), (Verdict::Better, Outlook::Decided));
    assert_eq!(
        plain(&c.sentence()),
        "cutmix is better than none by 3.10 points (95 % interval 2.78 to 3.42): ahead in 6 of 6 seeds, p = 0.031."
    );
    assert_eq!(c.explanation(), c.sentence());
}

#[test]
fn worse_is_the_mirror_image_of_better() {
    let by = [0.031, 0.034, 0.029, 0.027, 0.035, 0.030];
    let c = one(&shifted(&by), &BASE[..6]);
    assert_eq!(c.verdict, Verdict::Worse);
    assert!(plain(&c.sentence()).starts_with(
        "cutmix is worse than none by 3.10 points (95 % interval −3.42 to −2.78): behind in 6 of 6"
    ));
}

#[test]
fn five_seeds_never_decide_however_large_the_difference() {
    let c = one(&BASE[..5], &shifted(&[0.2, 0.21, 0.2, 0.19, 0.2]));
    assert_eq!((c.verdict, c.outlook), (Verdict::Undecided, Outlook::Seeds { total: 6 }));
    let text = plain(&c.explanation());
    assert!(
        text.contains("but 5 seeds cannot give less than p = 0.0625; 6 is the fewest that can decide."),
        "{text}"
    );
    assert!(text.ends_with("about 6 seeds in all would probably settle it."), "{text}");
}

#[test]
fn undecided_with_enough_seeds_says_that_chance_would_do() {
    let c = one(&BASE, &shifted(&[0.01, -0.02, 0.03, -0.015, 0.02, 0.005, -0.01, 0.012]));
    assert_eq!(c.verdict, Verdict::Undecided);
    let text = plain(&c.explanation());
    assert!(text.contains("ahead of none by 0.4 points on average and in 5 of 8 seeds ("), "{text}");
    assert!(text.contains("not rare by chance, p = "), "{text}");
    assert!(matches!(c.outlook, Outlook::Seeds { total } if total > 8), "{:?}", c.outlook);
}

#[test]
fn a_difference_that_rounds_to_nothing_is_not_called_zero() {
    let c = one(&BASE, &shifted(&[0.01, -0.0201, 0.01, -0.01, 0.02, 0.005, -0.005, -0.0095]));
    let text = plain(&c.sentence());
    assert!(
        text.starts_with("cutmix and none differ by less than 0.05 points on average (95 % interval")
            && text.contains("), ahead in 4 and behind in 4 of 8 seeds; such a difference"),
        "{text}"
    );
}

#[test]
fn ahead_on_average_but_in_few_seeds_is_said_as_that() {
    let c = one(&BASE, &shifted(&[0.06, -0.002, 0.03, -0.001, -0.003, -0.005, -0.002, -0.001]));
    let text = plain(&c.sentence());
    assert!(
        text.contains("is ahead of none by 1.0 points on average, though only in 2 of 8 seeds ("),
        "{text}"
    );
}

#[test]
fn undecided_though_the_interval_excludes_zero_is_explained() {
    let gains = [0.010, 0.012, 0.009, 0.011, 0.010, 0.013, -0.001, 0.010];
    let noise = [0.03, -0.02, 0.03, -0.035, 0.02, 0.035, -0.03, 0.02];
    let others: Vec<Arm> = (0..6)
        .map(|k| {
            let turned: Vec<f64> = (0..8).map(|seed| noise[(seed + k) % 8]).collect();
            arm(&format!("other{k}"), &shifted(&turned))
        })
        .collect();
    let all = [vec![arm("cutmix", &shifted(&gains))], others].concat();
    let c = compare(&arm("none", &BASE), &all, &Options::default()).unwrap().remove(0);
    assert_eq!(c.verdict, Verdict::Undecided);
    assert!(c.interval.unwrap().low > 0.0);
    assert!(
        c.sentence().contains("among 7 recipes such a difference is not rare by chance")
            && c.sentence().contains("the interval speaks of this one alone"),
        "{}",
        c.sentence()
    );
}

#[test]
fn recipes_that_no_image_tells_apart_are_not_equivalent_for_a_handful_of_images() {
    let correct = |n: usize| (0..n).map(|i| i % 3 > 0).collect::<Vec<bool>>();
    let of = |name: &str, n: usize| Arm {
        name: name.into(),
        runs: (0..6).map(|seed| Run::from_correct(seed, correct(n))).collect(),
    };
    let verdict =
        |n: usize| compare(&of("none", n), &[of("flip", n)], &Options::default()).unwrap().remove(0);
    let few = verdict(24);
    assert_eq!(few.verdict, Verdict::Undecided);
    // One image of 24 is 4.2 points: 1.7 times that on either side.
    let interval = few.interval.unwrap();
    assert!(interval.high > 0.07 && interval.low < -0.07, "{interval:?}");
    assert!(matches!(few.outlook, Outlook::Images { total } if total > 300), "{:?}", few.outlook);
    assert_eq!(verdict(1_000).verdict, Verdict::Equivalent);
}

#[test]
fn fewer_than_ten_images_are_told_to_be_too_few_whatever_the_seeds() {
    let arm = |name: &str, right: usize| Arm {
        name: name.into(),
        runs: (0..6).map(|seed| Run::from_correct(seed, (0..4).map(|i| i < right).collect())).collect(),
    };
    let c = compare(&arm("none", 2), &[arm("flip", 3)], &Options::default()).unwrap().remove(0);
    assert_eq!(c.outlook, Outlook::FewImages { at_least: 10 });
    assert!(plain(&c.explanation()).contains("At least 10 test images are needed"), "{}", c.explanation());
}

#[test]
fn equivalent_needs_the_narrow_interval_inside_the_margin() {
    let c = one(&BASE, &shifted(&[0.001, -0.001, 0.002, -0.001, 0.001, 0.0, -0.002, 0.001]));
    assert_eq!(c.verdict, Verdict::Equivalent);
    let text = plain(&c.sentence());
    assert!(
        text.starts_with(
            "cutmix and none are equivalent within 0.50 points: difference +0.01 points (90 % interval"
        ),
        "{text}"
    );
    assert!(!text.contains("difference is there"), "{text}");
    let equivalence = c.equivalence.unwrap();
    assert!(equivalence.low > -0.005 && equivalence.high < 0.005);
}

#[test]
fn a_difference_that_is_there_but_below_the_margin_is_equivalent_and_said_to_be_there() {
    let c = one(&BASE, &shifted(&[0.001, 0.0012, 0.0008, 0.001, 0.0011, 0.0009, 0.001, 0.001]));
    assert_eq!(c.verdict, Verdict::Equivalent);
    assert!(
        plain(&c.sentence())
            .contains("A difference is there (p = 0.0078), but it is smaller than the margin"),
        "{}",
        c.sentence()
    );
}

#[test]
fn no_margin_no_equivalence() {
    let options = Options { margin: 0.0, ..Options::default() };
    let c = compare(&arm("none", &BASE), &[arm("same", &BASE)], &options).unwrap().remove(0);
    assert_eq!((c.verdict, c.equivalence, c.outlook), (Verdict::Undecided, None, Outlook::OutOfReach));
    assert!(c.sentence().starts_with("same and none are level ("), "{}", c.sentence());
}

#[test]
fn a_recipe_that_is_the_baseline_is_equivalent() {
    let c = one(&BASE[..3], &BASE[..3]);
    assert_eq!((c.verdict, c.p, c.mean), (Verdict::Equivalent, Some(1.0), Some(0.0)));
    // Two seeds could be equal by luck.
    assert_eq!(one(&BASE[..2], &BASE[..2]).verdict, Verdict::Undecided);
}

#[test]
fn one_pair_gives_a_difference_but_no_interval() {
    let c = one(&BASE[..1], &[0.7]);
    assert_eq!((c.verdict, c.interval, c.equivalence, c.p), (Verdict::Undecided, None, None, Some(1.0)));
    assert_eq!(c.outlook, Outlook::Unknown { at_least: 6 });
    assert!(c.sentence().contains("one finished seed in common"), "{}", c.sentence());
}

#[test]
fn no_seed_in_common_is_nothing_to_compare() {
    let other = Arm { name: "cutmix".into(), runs: vec![Run::from_accuracy(99, 0.5)] };
    let c = compare(&arm("none", &BASE), &[other], &Options::default()).unwrap().remove(0);
    assert_eq!((c.verdict, c.mean, c.p, c.probability_better), (Verdict::Undecided, None, None, None));
    assert!(c.sentence().contains("no finished seed in common"), "{}", c.sentence());
}

#[test]
fn pairs_are_formed_by_seed_and_not_by_position() {
    let mut recipe = arm("cutmix", &shifted(&[0.01; 8]));
    recipe.runs.reverse();
    recipe.runs.retain(|run| run.seed() != 3);
    let c = compare(&arm("none", &BASE), &[recipe], &Options::default()).unwrap().remove(0);
    assert_eq!(c.seeds, [1, 2, 4, 5, 6, 7, 8]);
    assert!(c.differences.iter().all(|d| (d - 0.01).abs() < 1e-12));
}

#[test]
fn images_are_used_only_where_every_pair_has_them() {
    let correct =
        |seed: u64, shift: usize| (0..40).map(|i| (i * 7 + seed as usize * 3 + shift) % 5 < 3).collect();
    let with: Vec<Run> = (0..6).map(|s| Run::from_correct(s, correct(s, 0))).collect();
    let baseline = Arm { name: "none".into(), runs: with };
    let mut runs: Vec<Run> = (0..6).map(|s| Run::from_correct(s, correct(s, s as usize % 2))).collect();
    let method = |runs: &[Run]| {
        let other = Arm { name: "cutmix".into(), runs: runs.to_vec() };
        let c = compare(&baseline, &[other], &Options::default()).unwrap().remove(0);
        (c.interval.unwrap().method, c.bootstrap.is_some())
    };
    assert_eq!(method(&runs), (Method::CrossedT, true));
    runs[2] = Run::from_accuracy(2, 0.5);
    assert_eq!(method(&runs), (Method::PairedT, false));
}

#[test]
fn two_images_decide_nothing_however_well_the_seeds_agree() {
    let arm = |name: &str, correct: [bool; 2]| Arm {
        name: name.into(),
        runs: (0..8).map(|seed| Run::from_correct(seed, correct.to_vec())).collect(),
    };
    for recipe in [[true, true], [false, false]] {
        let c = compare(&arm("none", [false, false]), &[arm("cutmix", recipe)], &Options::default())
            .unwrap()
            .remove(0);
        assert_eq!(c.verdict, Verdict::Undecided);
        assert!(plain(&c.sentence()).contains("2 test images cannot tell anything"), "{}", c.sentence());
    }
}

#[test]
fn the_result_is_the_same_every_time() {
    let other = arm("cutmix", &shifted(&[0.01, -0.02, 0.03, -0.015, 0.02, 0.005, -0.01, 0.012]));
    let run = || compare(&arm("none", &BASE), std::slice::from_ref(&other), &Options::default()).unwrap();
    assert_eq!(run(), run());
}

#[test]
fn input_that_cannot_be_compared_is_named() {
    let options = Options::default();
    let base = arm("none", &BASE);
    let twice = Arm { name: "x".into(), runs: vec![Run::from_accuracy(1, 0.5), Run::from_accuracy(1, 0.6)] };
    assert_eq!(
        compare(&base, &[twice], &options),
        Err(StatsError::DuplicateSeed { arm: "x".into(), seed: 1 })
    );
    assert_eq!(compare(&base, &[arm("none", &BASE)], &options), Err(StatsError::DuplicateArm("none".into())));
    for bad in [1.2, -0.1, f64::NAN] {
        let error = compare(&base, &[arm("x", &[bad])], &options).unwrap_err();
        assert!(matches!(error, StatsError::AccuracyOutOfRange { .. }), "{error}");
    }
    let empty = Arm { name: "x".into(), runs: vec![Run::from_correct(1, vec![])] };
    assert!(matches!(compare(&base, &[empty], &options), Err(StatsError::AccuracyOutOfRange { .. })));
    let of = |n: usize| Arm { name: format!("of {n}"), runs: vec![Run::from_correct(1, vec![true; n])] };
    let error = compare(&of(10), &[of(11)], &options).unwrap_err();
    assert!(error.to_string().contains("11 images, the others on 10"), "{error}");
    for options in [
        Options { margin: -0.1, ..options },
        Options { margin: f64::NAN, ..options },
        Options { confidence: 1.0, ..options },
        Options { level: 0.0, ..options },
    ] {
        assert!(matches!(compare(&base, &[], &options), Err(StatsError::Option { .. })), "{options:?}");
    }
}

#[test]
fn where_lower_is_better_everything_is_the_mirror_image() {
    let cases: [(&[f64], Verdict); 4] = [
        (&[0.031, 0.034, 0.029, 0.027, 0.035, 0.030], Verdict::Better),
        (&[-0.031, -0.034, -0.029, -0.027, -0.035, -0.030], Verdict::Worse),
        (&[0.0004, -0.0003, 0.0002, -0.0001, 0.0003, -0.0002], Verdict::Equivalent),
        (&[0.05, -0.03, 0.02, 0.04, -0.01, 0.03], Verdict::Undecided),
    ];
    for (by, verdict) in cases {
        let (none, cutmix) = (&BASE[..6], shifted(by));
        let higher = one(none, &cutmix);
        let error = |values: &[f64]| values.iter().map(|v| 1.0 - v).collect::<Vec<_>>();
        let measure = Measure { direction: Direction::LowerIsBetter, ..Measure::default() };
        let options = Options { measure, ..Options::default() };
        let lower = compare(&arm("none", &error(none)), &[arm("cutmix", &error(&cutmix))], &options);
        let lower = lower.unwrap().remove(0);
        assert_eq!((higher.verdict, lower.verdict), (verdict, verdict));
        assert_eq!(higher.record(), lower.record());
        let [higher_p, lower_p] = [&higher, &lower].map(|c| c.probability_better.unwrap());
        for (a, b) in higher_p.iter().zip(lower_p) {
            assert!((a - b).abs() < 1e-9, "{higher_p:?} {lower_p:?}");
        }
        // The difference itself stays recipe minus baseline.
        assert!((higher.mean.unwrap() + lower.mean.unwrap()).abs() < 1e-12);
        if verdict == Verdict::Undecided || verdict == Verdict::Better {
            let start = |c: &Comparison| c.sentence().split(" (").next().map(str::to_owned);
            assert_eq!(start(&higher), start(&lower));
        }
    }
}

#[test]
fn losses_are_compared_in_their_own_unit() {
    let measure = Measure { direction: Direction::LowerIsBetter, unit: Unit::Plain };
    let options = Options { margin: 0.0, measure, ..Options::default() };
    let none = arm("none", &[2.31, 2.29, 2.33, 2.30, 2.28, 2.32]);
    let cutmix = arm("cutmix", &[2.11, 2.08, 2.14, 2.12, 2.07, 2.11]);
    let c = compare(&none, &[cutmix], &options).unwrap().remove(0);
    assert_eq!((c.verdict, c.equivalence), (Verdict::Better, None));
    assert_eq!(
        plain(&c.sentence()),
        "cutmix is better than none by 0.200 (95 % interval -0.213 to -0.187): ahead in 6 of 6 seeds, p = 0.031.".replace('-', "−")
    );
    let broken = arm("mixup", &[2.1, f64::NAN]);
    let error = compare(&none, &[broken], &options).unwrap_err().to_string();
    assert_eq!(error, "recipe \"mixup\", seed 2: NaN is no number that can be compared");
}

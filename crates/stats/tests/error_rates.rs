//! The verdict rule on invented studies: false claims stay rare, large effects are found, forecasts of seeds hold.

#[allow(dead_code, reason = "shared with examples")]
#[path = "../examples/simulation/mod.rs"]
mod simulation;

use bakeoff_stats::sequential::{Design, compare_sequentially};
use bakeoff_stats::{Arm, Options, Outlook, Verdict, compare};
use simulation::{Accuracies, Dogs, Images, Noise};

const STUDIES: u64 = 600;
/// 5 % of the studies, and two and a half standard errors of their count.
const AT_MOST: usize = 43;

fn options() -> Options {
    Options { margin: 0.0, replicates: 0, ..Options::default() }
}

fn claims(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Better | Verdict::Worse)
}

#[test]
fn recipes_that_do_nothing_are_called_better_or_worse_in_at_most_one_study_of_twenty() {
    for (seeds, recipes) in [(6, 1), (6, 4), (8, 4), (10, 9)] {
        for noise in [Noise::Normal, Noise::HeavyTails] {
            let studies = Accuracies { seeds, effects: vec![0.0; recipes], noise, scales: vec![] };
            let wrong = (0..STUDIES)
                .filter(|&number| {
                    let (baseline, others) = studies.study(number);
                    compare(&baseline, &others, &options()).unwrap().iter().any(|c| claims(c.verdict))
                })
                .count();
            assert!(
                wrong <= AT_MOST,
                "{wrong} false claims with {seeds} seeds, {recipes} recipes, {noise:?}"
            );
            assert!(wrong > 0, "a test of size 5 % that never errs is not the one described");
        }
    }
}

#[test]
fn recipes_that_suit_other_images_are_not_called_better_for_the_sample_of_images() {
    // Seeds hardly differ here, so a test over seeds alone would mistake the sample of images for the recipe.
    let studies = Images { seeds: 10, images: 150, recipes: 2, interaction: 1.5, seed: 0.02 };
    let all: Vec<_> = (0..300)
        .flat_map(|number| {
            let (baseline, others) = studies.study(number);
            compare(&baseline, &others, &options()).unwrap()
        })
        .collect();
    let by_seeds = all.iter().filter(|c| c.p.unwrap() <= 0.05).count();
    let wrong = all.iter().filter(|c| claims(c.verdict)).count();
    assert!(by_seeds > 60 && wrong <= 36, "{by_seeds} by seeds alone, {wrong} of {} by the rule", all.len());
}

#[test]
fn large_effects_are_found_with_six_seeds_whatever_the_number_of_recipes() {
    for recipes in [4, 8] {
        let mut effects = vec![0.0; recipes];
        (effects[0], effects[1]) = (5.0, -5.0);
        let studies = Accuracies { seeds: 6, effects, noise: Noise::Normal, scales: vec![] };
        let found = (0..200)
            .filter(|&number| {
                let (baseline, others) = studies.study(number);
                let verdicts: Vec<_> =
                    compare(&baseline, &others, &options()).unwrap().iter().map(|c| c.verdict).collect();
                verdicts[..2] == [Verdict::Better, Verdict::Worse]
            })
            .count();
        assert!(found >= 190, "{found} of 200 with {recipes} recipes");
    }
}

#[test]
fn a_recipe_that_scatters_wildly_hides_nothing_and_errs_no_more_often() {
    // Studies in which the first recipe's difference is found, and in which one without effect is called better or worse.
    let outcome = |seeds: usize, effect: f64, times: f64| {
        let scales = vec![1.0, 1.0, 1.0, 1.0, (2.0 * times * times - 1.0f64).sqrt()];
        let studies =
            Accuracies { seeds, effects: vec![effect, 0.0, 0.0, 0.0], noise: Noise::Normal, scales };
        let (mut found, mut wrong) = (0, 0);
        for number in 0..STUDIES {
            let (baseline, others) = studies.study(number);
            let comparisons = compare(&baseline, &others, &options()).unwrap();
            let claimed: Vec<bool> = comparisons.iter().map(|c| claims(c.verdict)).collect();
            found += usize::from(claimed[0]);
            wrong += usize::from(claimed[usize::from(effect != 0.0)..].contains(&true));
        }
        (found, wrong)
    };
    let studies = STUDIES as usize;
    for (seeds, effect) in [(8, 2.0), (12, 1.25)] {
        let (alone, _) = outcome(seeds, effect, 1.0);
        assert!(alone > studies * 9 / 10, "{alone}");
        for times in [4.0, 8.0] {
            let (found, wrong) = outcome(seeds, effect, times);
            assert!(
                found + studies / 20 >= alone,
                "{seeds} seeds, {times}×: {found} of {studies}, {alone} without"
            );
            assert!(wrong <= AT_MOST, "{wrong} false claims with {seeds} seeds, {times}×");
        }
    }
    for times in [4.0, 8.0] {
        let (_, wrong) = outcome(8, 0.0, times);
        assert!(wrong <= AT_MOST, "{wrong} false claims with {times}× where none differs");
    }
}

#[test]
fn a_true_difference_as_large_as_the_margin_is_rarely_called_equivalent() {
    let studies = Accuracies { seeds: 8, effects: vec![1.0; 3], noise: Noise::Normal, scales: vec![] };
    let options = Options { margin: 0.01, ..options() };
    let wrong = (0..STUDIES)
        .filter(|&number| {
            let (baseline, others) = studies.study(number);
            let comparisons = compare(&baseline, &others, &options).unwrap();
            comparisons.iter().any(|c| c.verdict == Verdict::Equivalent)
        })
        .count();
    assert!(wrong <= AT_MOST, "{wrong}");
}

#[test]
fn the_forecast_number_of_seeds_settles_about_four_studies_in_five() {
    for effect in [0.8, 1.2] {
        let studies =
            |seeds| Accuracies { seeds, effects: vec![effect, 0.0], noise: Noise::Normal, scales: vec![] };
        // Enough seeds to know effect and spread; the forecast is then for a fresh study of that size.
        let (baseline, others) = studies(400).study(0);
        let seen = &compare(&baseline, &others, &options()).unwrap()[0];
        let variance = bakeoff_stats::interval::Variance::of_seeds(&seen.differences).unwrap();
        let rule = bakeoff_stats::outlook::Rule { level: 0.05, images: 0.025, comparisons: 2, margin: 0.0 };
        let variance = bakeoff_stats::interval::Variance { seeds: 3, ..variance };
        let Outlook::Seeds { total } = bakeoff_stats::outlook::outlook(Some(&variance), rule) else {
            panic!()
        };
        let settled = (1..=400)
            .filter(|&number| {
                let (baseline, others) = studies(total).study(number);
                claims(compare(&baseline, &others, &options()).unwrap()[0].verdict)
            })
            .count();
        assert!((288..=384).contains(&settled), "{settled} of 400 with {total} seeds");
    }
}

#[test]
fn looking_after_every_seed_errs_no_more_often_than_looking_once() {
    let design = Design { first: 3, most: 12 };
    let order: Vec<u64> = (0..12).collect();
    let until = |baseline: &Arm, others: &[Arm]| {
        let result =
            compare_sequentially(baseline, others, &options(), design, &order, &|_, _| true).unwrap();
        result.comparisons.iter().any(|c| claims(c.verdict))
    };
    // The same data looked at again and again at 5 %.
    let again_and_again = |baseline: &Arm, others: &[Arm]| {
        (6..=12).any(|seeds| {
            let cut = |arm: &Arm| Arm { name: arm.name.clone(), runs: arm.runs[..seeds].to_vec() };
            let others: Vec<Arm> = others.iter().map(cut).collect();
            compare(&cut(baseline), &others, &options()).unwrap().iter().any(|c| claims(c.verdict))
        })
    };
    let studies = Accuracies { seeds: 12, effects: vec![0.0; 4], noise: Noise::Normal, scales: vec![] };
    let (mut spending, mut naive) = (0, 0);
    for number in 0..400 {
        let (baseline, others) = studies.study(number);
        spending += usize::from(until(&baseline, &others));
        naive += usize::from(again_and_again(&baseline, &others));
    }
    // 5 % of 400, and two and a half standard errors.
    assert!(spending <= 31 && naive > 31, "{spending} of 400 with spending, {naive} without");

    // With images: these are the same at every look, so that each claim needs half the p of a single look.
    let wrong = (0..300)
        .filter(|&number| {
            let (baseline, others) = Dogs { seeds: 12, images: 300, effects: vec![0.0; 4] }.study(number);
            let result =
                compare_sequentially(&baseline, &others, &options(), design, &order, &|_, _| true).unwrap();
            let claimed: Vec<_> = result.comparisons.iter().filter(|c| claims(c.verdict)).collect();
            assert!(claimed.iter().all(|c| c.p_images.unwrap() <= 0.0125 + 1e-12), "{claimed:?}");
            !claimed.is_empty()
        })
        .count();
    // 5 % of 300, and two and a half standard errors.
    assert!((1..=24).contains(&wrong), "{wrong} of 300");
}

#[test]
fn a_large_difference_is_found_with_few_seeds_and_a_small_one_with_more() {
    let design = Design { first: 6, most: 12 };
    let order: Vec<u64> = (0..12).collect();
    let mut seeds = [0usize; 2];
    for number in 0..40 {
        let (baseline, others) = Dogs { seeds: 12, images: 300, effects: vec![3.0, 0.6] }.study(number);
        let result =
            compare_sequentially(&baseline, &others, &options(), design, &order, &|_, _| true).unwrap();
        assert_eq!(result.comparisons[0].verdict, Verdict::Better, "{number}");
        for (seeds, comparison) in seeds.iter_mut().zip(&result.comparisons) {
            *seeds += comparison.seeds.len();
        }
    }
    assert!(seeds[0] <= 40 * 7 && seeds[1] > 40 * 8, "{seeds:?}");
}

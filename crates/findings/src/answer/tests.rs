use super::*;
use crate::insight::Insight;
use crate::summary::{Difference, Spread};
use bakeoff_stats::Method;

#[test]
fn lists_are_joined_as_in_a_sentence_and_long_ones_are_counted() {
    let items = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let listed = |n: usize| Shortlist::new(items(n)).list(String::clone);
    assert_eq!(listed(0), "");
    assert_eq!(listed(2), "0 and 1");
    assert_eq!(listed(4), "0, 1, 2 and 3");
    assert_eq!(listed(9), "0, 1, 2 and 6 other recipes");
    assert_eq!(Shortlist::new(items(9)).total(), 9);
}

fn recipe(name: &str, mean: f64, seeds: usize, verdict: Option<Verdict>) -> RecipeSummary {
    let difference = (seeds > 1).then(|| Difference {
        mean,
        low: mean - 0.01,
        high: mean + 0.01,
        p: 0.5,
        p_adjusted: 0.5,
        p_holm: 0.5,
        p_paired_t: None,
        p_images: None,
        method: Method::PairedT,
        bootstrap: None,
        probability_better: None,
        per_seed: vec![mean; seeds],
        seeds: (0..seeds as u64).collect(),
    });
    RecipeSummary {
        name: name.into(),
        top1: Spread::default(),
        top5: Spread::default(),
        seeds: (0..seeds as u64).collect(),
        difference,
        verdict,
        reason: None,
        outlook: None,
        seconds_per_trial: None,
    }
}

fn told(recipes: Vec<RecipeSummary>) -> String {
    let mut all = vec![recipe("none", 0.0, 6, None)];
    all.extend(recipes);
    let summary = Summary {
        study: "s".into(),
        baseline: "none".into(),
        headline: "last".into(),
        recipes: all,
        skipped: vec![],
        failed: vec![],
        metric: "top1".into(),
        measure: Measure::default(),
        margin: 1.0,
        answer: String::new(),
        recommendation: None,
        warnings: vec![],
        sequential: None,
        copies: None,
        insight: Insight::default(),
    };
    Answer::new(&summary).sentences(&summary).join(" ").replace('\u{a0}', " ")
}

#[test]
fn the_answer_names_best_and_worst_first_and_says_when_nothing_beats_the_baseline() {
    let (better, worse) = (Some(Verdict::Better), Some(Verdict::Worse));
    assert_eq!(
        told(vec![
            recipe("a", 0.02, 6, better),
            recipe("b", 0.05, 6, better),
            recipe("c", -0.03, 6, worse),
            recipe("d", -0.08, 6, worse),
        ]),
        "Better than none: b by 5.0 points [+4.0, +6.0] and a by 2.0 points [+1.0, +3.0]. \
             Worse than none: d by 8.0 points [−9.0, −7.0] and c by 3.0 points [−4.0, −2.0]."
    );
    assert_eq!(
        told(vec![recipe("a", 0.0, 6, Some(Verdict::Equivalent)), recipe("c", -0.03, 6, worse)]),
        "No recipe beats none. Worse than none: c by 3.0 points [−4.0, −2.0]. a is equivalent to none within 1 point."
    );
}

#[test]
fn an_undecided_answer_says_whether_more_seeds_were_ever_enough() {
    let undecided = Some(Verdict::Undecided);
    assert_eq!(
        told(vec![recipe("a", 0.0, 6, undecided), recipe("b", 0.0, 6, undecided)]),
        "Nothing is decided against none."
    );
    assert_eq!(
        told(vec![recipe("a", 0.0, 3, undecided)]),
        "a is undecided against none: 3 seeds cannot give less than p = 0.25, and 6 are the fewest that can decide."
    );
}

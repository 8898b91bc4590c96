//! Against SciPy, statsmodels, scikit-learn, torchmetrics and rliable: fixtures made by `oracles/stats_fixtures.py` and
//! `oracles/stats_metrics_fixtures.py`, to 1e-9; resampling within its Monte-Carlo error.

use bakeoff_stats::aggregate::{interquartile_mean, probability_of_improvement, stratified};
use bakeoff_stats::distribution::{t_cdf, t_quantile, t_two_sided};
use bakeoff_stats::metric::{Judgement, Metric};
use bakeoff_stats::models::Discordance;
use bakeoff_stats::multiplicity::benjamini_hochberg;
use bakeoff_stats::{Arm, Options, Run, bootstrap, compare};
use serde::Deserialize;

#[track_caller]
fn close(ours: f64, theirs: f64, what: &str) {
    assert!(
        (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-6),
        "{what}: ours {ours:e}, theirs {theirs:e}"
    );
}

fn read<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[derive(Deserialize)]
struct Distribution {
    cdf: Vec<[f64; 4]>,
    quantile: Vec<[f64; 3]>,
}

#[test]
fn students_t_is_scipys() {
    let fixture: Distribution = read("distribution.json");
    for [degrees, t, cdf, two_sided] in fixture.cdf {
        close(t_cdf(t, degrees), cdf, &format!("cdf({t}, {degrees})"));
        close(t_two_sided(t, degrees), two_sided, &format!("two-sided({t}, {degrees})"));
    }
    for [degrees, p, quantile] in fixture.quantile {
        close(t_quantile(p, degrees), quantile, &format!("quantile({p}, {degrees})"));
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Arms {
    Accuracies(Vec<Vec<f64>>),
    Images(Vec<Vec<String>>),
}

#[derive(Deserialize)]
struct Family {
    margin: f64,
    arms: Arms,
    comparisons: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    mean: f64,
    sd: f64,
    p: f64,
    p_paired_t: f64,
    p_holm: f64,
    p_adjusted: f64,
    probability_better: f64,
    low: f64,
    high: f64,
    standard_error: Option<f64>,
    degrees_of_freedom: Option<f64>,
    tost: f64,
    tost_holm: f64,
}

fn arms(stored: &Arms) -> Vec<Arm> {
    let name = |k: usize| format!("arm {k}");
    match stored {
        Arms::Accuracies(arms) => arms
            .iter()
            .enumerate()
            .map(|(k, accuracies)| {
                let runs = (0..).zip(accuracies).map(|(seed, &a)| Run::from_accuracy(seed, a)).collect();
                Arm { name: name(k), runs }
            })
            .collect(),
        Arms::Images(arms) => arms
            .iter()
            .enumerate()
            .map(|(k, rows)| {
                let run = |(seed, row): (u64, &String)| {
                    Run::from_correct(seed, row.bytes().map(|b| b == b'1').collect())
                };
                Arm { name: name(k), runs: (0..).zip(rows).map(run).collect() }
            })
            .collect(),
    }
}

#[test]
fn whole_families_agree_with_scipy_and_statsmodels() {
    for file in ["accuracies.json", "images.json"] {
        for (index, family) in read::<Vec<Family>>(file).into_iter().enumerate() {
            let arms = arms(&family.arms);
            let options = Options { margin: family.margin, replicates: 10, ..Options::default() };
            let comparisons = compare(&arms[0], &arms[1..], &options).unwrap();
            assert_eq!(comparisons.len(), family.comparisons.len());
            for (ours, theirs) in comparisons.iter().zip(&family.comparisons) {
                let check = |what: &str, value: Option<f64>, expected: f64| {
                    close(
                        value.unwrap_or(f64::NAN),
                        expected,
                        &format!("{file} {index} {} {what}", ours.name),
                    );
                };
                check("mean", ours.mean, theirs.mean);
                check("sd", ours.sd, theirs.sd);
                check("p", ours.p, theirs.p);
                check("paired t", ours.p_paired_t, theirs.p_paired_t);
                check("Holm", ours.p_holm, theirs.p_holm);
                check("step-down", ours.p_adjusted, theirs.p_adjusted);
                check("P(A > B)", ours.probability_better.map(|p| p[0]), theirs.probability_better);
                check("low", ours.interval.map(|i| i.low), theirs.low);
                check("high", ours.interval.map(|i| i.high), theirs.high);
                check("TOST", ours.equivalence.map(|e| e.p), theirs.tost);
                check("TOST, Holm", ours.equivalence.map(|e| e.p_holm), theirs.tost_holm);
                if let (Some(error), Some(degrees)) = (theirs.standard_error, theirs.degrees_of_freedom) {
                    check("standard error", ours.interval.map(|i| i.standard_error), error);
                    check("degrees", ours.interval.and_then(|i| i.degrees_of_freedom), degrees);
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Predictions {
    label: Vec<u32>,
    predicted: Vec<u32>,
    rank: Vec<u32>,
    probability: Vec<f64>,
    confidence: Vec<f64>,
    sum_of_squares: Vec<f64>,
    #[serde(flatten)]
    expected: std::collections::BTreeMap<String, f64>,
}

#[test]
fn metrics_are_those_of_scikit_learn_and_torchmetrics() {
    for (index, fixture) in read::<Vec<Predictions>>("metrics.json").into_iter().enumerate() {
        let images: Vec<Judgement> = (0..fixture.label.len())
            .map(|i| Judgement {
                label: fixture.label[i],
                predicted: fixture.predicted[i],
                rank: fixture.rank[i],
                probability: fixture.probability[i],
                confidence: Some(fixture.confidence[i]),
                sum_of_squares: Some(fixture.sum_of_squares[i]),
            })
            .collect();
        assert_eq!(fixture.expected.len(), Metric::ALL.len());
        for metric in Metric::ALL {
            let name = serde_json::to_value(metric).unwrap();
            let expected = fixture.expected[name.as_str().unwrap()];
            close(metric.value(&images).unwrap(), expected, &format!("{index} {name}"));
        }
    }
}

#[derive(Deserialize)]
struct Models {
    mcnemar: Vec<(u64, u64, f64)>,
    p: Vec<f64>,
    benjamini_hochberg: Vec<f64>,
    several: Vec<Several>,
}

#[derive(Deserialize)]
struct Several {
    first: Vec<Vec<f64>>,
    second: Vec<Vec<f64>>,
    iqm: f64,
    improvement: f64,
}

#[test]
fn mcnemar_false_discoveries_and_several_data_sets_are_those_of_statsmodels_and_rliable() {
    let fixture: Models = read("models.json");
    for (only_first, only_second, p) in fixture.mcnemar {
        close(Discordance { only_first, only_second }.p(), p, &format!("McNemar {only_first} {only_second}"));
    }
    let p: Vec<Option<f64>> = fixture.p.into_iter().map(Some).collect();
    for (ours, theirs) in benjamini_hochberg(&p).into_iter().zip(fixture.benjamini_hochberg) {
        close(ours.unwrap(), theirs, "Benjamini-Hochberg");
    }
    for several in fixture.several {
        close(interquartile_mean(&several.first).unwrap(), several.iqm, "interquartile mean");
        let improvement = probability_of_improvement(&several.first, &several.second).unwrap();
        close(improvement, several.improvement, "probability of improvement");
    }
}

#[derive(Deserialize)]
struct Resampling {
    differences: Vec<String>,
    crossed: [f64; 2],
    scores: Vec<Vec<f64>>,
    iqm: [f64; 2],
}

#[test]
fn resampled_limits_agree_with_many_replicates_in_numpy_within_their_error() {
    let fixture: Resampling = read("resampling.json");
    let sign = |c: char| match c {
        '+' => 1i8,
        '-' => -1,
        _ => 0,
    };
    let rows: Vec<Vec<i8>> = fixture.differences.iter().map(|row| row.chars().map(sign).collect()).collect();
    let within = |ours: [f64; 2], theirs: [f64; 2], what: &str| {
        let width = theirs[1] - theirs[0];
        for (a, b) in ours.into_iter().zip(theirs) {
            // The standard error of a 2.5 % percentile of 8,000 replicates is about 0.7 % of the width.
            assert!((a - b).abs() < 0.035 * width, "{what}: ours {ours:?}, theirs {theirs:?}");
        }
    };
    within(bootstrap::crossed(&[Some(&rows)], 0.95, 8_000, 1)[0].unwrap(), fixture.crossed, "crossed");
    let iqm = stratified([&fixture.scores], |[scores]| interquartile_mean(scores), 0.95, 8_000, 1);
    within(iqm.unwrap(), fixture.iqm, "interquartile mean");
}

//! What a column's name says of its numbers: which way is good, and whether they are shares of something.

use super::error::ResultsError;
use super::records::{MetricUnit, ResultsOptions};
use super::told::shown;
use bakeoff_stats::Direction::{HigherIsBetter, LowerIsBetter};
use bakeoff_stats::{Direction, Measure, Unit};
use std::path::Path;

/// In which unit a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// The accuracies and error rates of a file, which a trainer writes in one unit: fractions or percent.
    Accuracy,
    /// Other shares, which may be fractions where accuracies are percent.
    Share,
    /// Losses and the like, which have no other unit than their own.
    Plain,
}

/// Words that turn what another says, or make a spread or a difference of it: nobody knows which way an `acc_drop` is good.
const UNSURE: [&str; 45] = [
    "wrong",
    "miss",
    "missed",
    "misses",
    "missing",
    "drop",
    "dropped",
    "gap",
    "std",
    "stddev",
    "stderr",
    "stdev",
    "sd",
    "sem",
    "var",
    "variance",
    "deviation",
    "spread",
    "range",
    "ci",
    "diff",
    "diffs",
    "difference",
    "differences",
    "delta",
    "change",
    "gain",
    "gains",
    "reduction",
    "reduced",
    "improvement",
    "improvements",
    "increase",
    "decrease",
    "degradation",
    "decay",
    "ratio",
    "rank",
    "non",
    "not",
    "no",
    "un",
    "anti",
    "inverse",
    "inv",
];

/// Words beside `top1` that leave it an accuracy.
const NEUTRAL: [&str; 31] = [
    "top",
    "val",
    "valid",
    "validation",
    "test",
    "eval",
    "evaluation",
    "dev",
    "train",
    "training",
    "holdout",
    "ema",
    "model",
    "student",
    "teacher",
    "best",
    "last",
    "final",
    "mean",
    "avg",
    "average",
    "epoch",
    "metric",
    "metrics",
    "score",
    "rate",
    "percent",
    "pct",
    "k",
    "at",
    "imagenet",
];

/// What a word of a column's name says.
fn word(word: &str) -> Option<(Direction, Family)> {
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let found = match word {
        "f1" | "f2" => (HigherIsBetter, Family::Share),
        "r2" => (HigherIsBetter, Family::Plain),
        _ => match stem {
            "acc" | "accuracy" | "accuracies" | "correct" | "prec" => (HigherIsBetter, Family::Accuracy),
            "precision" | "recall" | "fscore" | "fmeasure" | "auc" | "auroc" | "auprc" | "roc" | "ap"
            | "map" | "iou" | "miou" | "dice" | "jaccard" | "sensitivity" | "specificity" | "tpr" | "tnr"
            | "ndcg" | "mrr" | "hit" | "hits" | "probability" => (HigherIsBetter, Family::Share),
            "kappa" | "mcc" | "psnr" | "ssim" | "bleu" | "likelihood" | "reward" => {
                (HigherIsBetter, Family::Plain)
            }
            "err" | "error" | "errors" | "misclassification" => (LowerIsBetter, Family::Accuracy),
            "fpr" | "fnr" | "eer" | "ece" | "mce" => (LowerIsBetter, Family::Share),
            "loss" | "losses" | "perplexity" | "ppl" | "nll" | "brier" | "rmse" | "mse" | "mae" | "mape"
            | "rmsle" | "logloss" | "crossentropy" | "xent" | "ce" | "bce" | "entropy" | "hinge" | "kl"
            | "kld" | "divergence" | "fid" | "lpips" | "deviance" | "cost" | "regret" => {
                (LowerIsBetter, Family::Plain)
            }
            _ => return by_part(stem),
        },
    };
    Some(found)
}

/// Words that are written together, `valloss`, and those of other languages.
fn by_part(word: &str) -> Option<(Direction, Family)> {
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    let holds = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    // An inaccuracy is no accuracy, a `negloss` no loss and a `stderr` no error.
    let begin = [
        "loss",
        "entropy",
        "perplexity",
        "error",
        "err",
        "accuracy",
        "acc",
        "auroc",
        "auc",
        "recall",
        "precision",
    ]
    .iter()
    .filter_map(|end| word.strip_suffix(end))
    .min_by_key(|begin| begin.len());
    let turned = |begin: &str| {
        UNSURE.contains(&begin)
            || ["in", "un", "im", "mis", "dis"].contains(&begin)
            || ["neg", "non", "anti", "minus"].iter().any(|turn| begin.starts_with(turn))
    };
    if begin.is_some_and(turned) {
        return None;
    }
    if ends(&["loss", "entropy", "perplexity"]) || holds(&["verlust", "perte", "손실"]) {
        Some((LowerIsBetter, Family::Plain))
    } else if ends(&["error", "err"]) || holds(&["fehler", "erreur", "오류", "오차"]) {
        Some((LowerIsBetter, Family::Accuracy))
    } else if ends(&["accuracy", "acc"]) || holds(&["genauigkeit", "정확도"]) {
        Some((HigherIsBetter, Family::Accuracy))
    } else if ends(&["auroc", "auc", "recall", "precision"]) {
        Some((HigherIsBetter, Family::Share))
    } else {
        None
    }
}

fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

/// `valLoss` is two words.
fn apart(name: &str) -> String {
    let mut text = String::new();
    let mut small = false;
    for c in name.chars() {
        if c.is_uppercase() && small {
            text.push('_');
        }
        small = c.is_lowercase();
        text.push(c);
    }
    text
}

/// Which way is good, and the unit the numbers can be in; `None` where the name does not tell.
pub(super) fn meaning(name: &str) -> Option<(Direction, Family)> {
    let of = |words: &[String]| {
        // The last word that says something is what it is: an `acc_loss` is a loss.
        let (at, found) = words.iter().enumerate().rev().find_map(|(at, w)| Some((at, word(w)?)))?;
        // A sum of squares is no share.
        let plain =
            words.iter().any(|w| matches!(w.as_str(), "squared" | "squares" | "absolute" | "reconstruction"));
        let found = if plain { (found.0, Family::Plain) } else { found };
        let turned =
            words[..at].iter().filter(|w| matches!(w.as_str(), "neg" | "negative" | "minus")).count();
        Some((found, turned))
    };
    let stem = |w: &String| w.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let top = |words: &[String]| {
        let neutral = |w: &String| stem(w).is_empty() || NEUTRAL.contains(&stem(w).as_str());
        let top = words.iter().any(|w| stem(w) == "top") && words.iter().all(neutral);
        top.then_some(((HigherIsBetter, Family::Accuracy), 0))
    };
    let (plain, split) = (words(name), words(&apart(name)));
    // `accuracy in percent` is one.
    let inaccuracy =
        |words: &[String]| words.windows(2).any(|pair| pair[0] == "in" && word(&pair[1]).is_some());
    if plain.iter().chain(&split).any(|w| UNSURE.contains(&stem(w).as_str())) || inaccuracy(&plain) {
        return None;
    }
    let ((direction, family), mut turned) = of(&plain).or_else(|| of(&split)).or_else(|| top(&plain))?;
    // `1-acc` is an error.
    let compact: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    turned += usize::from(compact.starts_with("1-") && turned == 0);
    let turn = turned % 2 == 1;
    Some((if turn { opposite(direction) } else { direction }, family))
}

/// Whether a name is that of the share of images classified correctly, which readers know as top-1, and not that of another accuracy.
#[must_use]
pub fn is_top1(name: &str) -> bool {
    const OTHERS: [&str; 10] = [
        "balanced",
        "mean",
        "macro",
        "class",
        "classes",
        "pixel",
        "token",
        "multiclassaccuracy",
        "train",
        "prec",
    ];
    let one = |w: &String| {
        let digits = w.trim_start_matches(|c: char| !c.is_ascii_digit());
        (digits.is_empty() || digits == "1") && !OTHERS.contains(&w.as_str())
    };
    meaning(name) == Some((HigherIsBetter, Family::Accuracy)) && words(&apart(name)).iter().all(one)
}

/// What is compared, as the caller or its name says.
pub(super) fn measure(metric: &str, options: &ResultsOptions, path: &Path) -> Result<Measure, ResultsError> {
    let meaning = meaning(metric);
    let direction = options.direction.or(meaning.map(|m| m.0));
    let direction = direction
        .ok_or_else(|| ResultsError::NoDirection { path: path.to_owned(), metric: shown(metric) })?;
    let plain = match options.unit {
        Some(unit) => unit == MetricUnit::Plain,
        None => meaning.is_none_or(|m| m.1 == Family::Plain),
    };
    Ok(Measure { direction, unit: if plain { Unit::Plain } else { Unit::Percent } })
}

/// For people.
pub(super) fn way(direction: Direction) -> &'static str {
    match direction {
        HigherIsBetter => "higher is better",
        LowerIsBetter => "lower is better",
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        HigherIsBetter => LowerIsBetter,
        LowerIsBetter => HigherIsBetter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_metrics_say_which_way_is_good() {
        for name in [
            "val_loss",
            "loss",
            "valLoss",
            "eval/loss",
            "test_error",
            "err",
            "top1_err",
            "top5-error",
            "err@1",
            "error_rate_top1",
            "perplexity",
            "val_ppl",
            "nll",
            "neg_log_likelihood",
            "negative log likelihood",
            "brier",
            "brier_score",
            "ECE",
            "rmse",
            "val_mae",
            "mean_squared_error",
            "log_loss",
            "cross_entropy",
            "valloss",
            "1-acc",
            "1 - accuracy",
            "one_minus_acc",
            "acc_loss",
            "dice_loss",
            "검증 손실",
            "Fehlerrate",
            "losses",
            "fpr95",
        ] {
            assert_eq!(meaning(name).map(|m| m.0), Some(LowerIsBetter), "{name}");
        }
        for name in [
            "val_acc",
            "accuracy",
            "top1",
            "eval_top1",
            "acc@1",
            "metrics/accuracy_top1",
            "val_F1",
            "AUROC",
            "mAP50",
            "mIoU",
            "valAcc",
            "test_multiclassaccuracy",
            "recall",
            "r2",
            "kappa",
            "psnr",
            "log_likelihood",
            "neg_mean_squared_error",
            "prec1",
            "정확도",
            "Accuracy (in percent)",
            "Top-1, %",
        ] {
            assert_eq!(meaning(name).map(|m| m.0), Some(HigherIsBetter), "{name}");
        }
        for name in ["score", "value", "metric", "lr", "epoch", "x", "", "stopped", "terrain"] {
            assert_eq!(meaning(name), None, "{name}");
        }
    }

    #[test]
    fn names_of_differences_spreads_and_opposites_say_nothing() {
        for name in [
            "top1_wrong",
            "inaccuracy",
            "val_inaccuracy",
            "val_top1_miss",
            "acc_drop",
            "top1_gap",
            "acc_std",
            "negloss",
            "non_error",
            "error_reduction",
            "nll_gain",
            "top1_something",
            "val_top1_flips",
            "misses_top1",
            "accDrop",
            "accuracy-diff",
            "stderr",
            "val_stderr",
            "delta_acc",
            "acc_variance",
            "loss_improvement",
            "Top1 Wrong",
            "nonerror",
            "not_correct",
            "acc_sd1",
            "generalization_gap_acc",
            "in_accuracy",
            "neg_inaccuracy",
            "top5_rank",
        ] {
            assert_eq!(meaning(name), None, "{name}");
        }
        for begin in ["", "val_", "test/", "eval "] {
            for (of, end) in
                ["acc", "loss", "top1", "f1", "error"].into_iter().flat_map(|of| UNSURE.map(|w| (of, w)))
            {
                assert_eq!(meaning(&format!("{begin}{of}_{end}")), None, "{begin}{of}_{end}");
                assert_eq!(meaning(&format!("{begin}{end}_{of}")), None, "{begin}{end}_{of}");
            }
        }
        for name in [
            "val_top1",
            "Top-1",
            "ema_top1",
            "metrics/top1",
            "best_val_top5",
            "eval_top1_percent",
            "test top-1 (%)",
        ] {
            assert_eq!(meaning(name), Some((HigherIsBetter, Family::Accuracy)), "{name}");
        }
    }

    #[test]
    fn top1_is_said_of_accuracies_alone() {
        for name in [
            "top1",
            "accuracy",
            "acc",
            "val_acc",
            "correct",
            "eval_top1",
            "test top-1, %",
            "acc@1",
            "prec1",
            "valAcc",
        ] {
            assert!(is_top1(name), "{name}");
        }
        for name in [
            "f1",
            "mAP",
            "probability",
            "error",
            "val_loss",
            "top5",
            "eval_top5",
            "acc@5",
            "balanced_accuracy",
            "recall",
            "AUROC",
            "score",
            "precision",
            "mean_class_acc",
            "val_top_5_accuracy",
            "train_acc",
            "1-acc",
        ] {
            assert!(!is_top1(name), "{name}");
        }
    }

    #[test]
    fn names_of_metrics_say_whether_they_can_be_percent() {
        for (name, family) in [
            ("val_acc", Family::Accuracy),
            ("top1_err", Family::Accuracy),
            ("eval_top5", Family::Accuracy),
            ("val_f1", Family::Share),
            ("ece", Family::Share),
            ("val_loss", Family::Plain),
            ("mean_squared_error", Family::Plain),
        ] {
            assert_eq!(meaning(name).map(|m| m.1), Some(family), "{name}");
        }
    }
}

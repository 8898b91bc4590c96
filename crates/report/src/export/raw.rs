//! The tables that hold raw numbers: `summary.csv`, `trials.csv`, `classes.csv`, `flips.csv`.

use super::spreadsheet::Spreadsheet;
use bakeoff_evidence::{Evidence, State, Tested};
use bakeoff_findings::Summary;
use bakeoff_findings::insight::Insight;
use bakeoff_stats::Verdict;

/// `summary.csv`: one row per recipe.
pub(crate) fn summary_csv(summary: &Summary) -> Result<Vec<u8>, csv::Error> {
    let mut writer = Spreadsheet::new();
    let compared = if summary.is_top1() { "top1" } else { &summary.metric };
    writer.row([
        "recipe",
        "seeds",
        &format!("{compared}_mean"),
        &format!("{compared}_sd"),
        "top5_mean",
        "top5_sd",
        "difference",
        "low",
        "high",
        "p",
        "p_adjusted",
        "p_holm",
        "verdict",
    ])?;
    for recipe in &summary.recipes {
        let d = recipe.difference.as_ref();
        writer.row([
            recipe.name.clone(),
            recipe.seeds.len().to_string(),
            number(recipe.top1.mean),
            number(recipe.top1.sd),
            number(recipe.top5.mean),
            number(recipe.top5.sd),
            number(d.map(|d| d.mean)),
            number(d.map(|d| d.low)),
            number(d.map(|d| d.high)),
            number(d.map(|d| d.p)),
            number(d.map(|d| d.p_adjusted)),
            number(d.map(|d| d.p_holm)),
            recipe.verdict.map_or("", Verdict::word).into(),
        ])?;
    }
    writer.finish()
}

/// `trials.csv`: one row per trial of the plan.
pub(crate) fn trials_csv(evidence: &Evidence) -> Result<Vec<u8>, csv::Error> {
    let mut writer = Spreadsheet::new();
    writer.row([
        "recipe",
        "seed",
        "status",
        "epochs",
        evidence.key(),
        "top5",
        "test_loss",
        "seconds",
        "reason",
    ])?;
    for trial in &evidence.trials {
        let (status, reason) = match &trial.state {
            State::Planned => ("planned", ""),
            State::Running => ("running", ""),
            State::Finished { .. } => ("finished", ""),
            State::Failed { reason, .. } => ("failed", reason.as_str()),
        };
        let seconds = match trial.state {
            State::Finished { seconds, .. } => seconds,
            _ => None,
        };
        let of = |pick: fn(&Tested) -> Option<f64>| number(trial.test().and_then(pick));
        writer.row([
            trial.recipe.as_str(),
            &trial.seed.to_string(),
            status,
            &trial.epochs.len().to_string(),
            &of(|t| Some(t.compared)),
            &of(|t| t.top5),
            &of(|t| t.loss),
            &number(seconds),
            reason,
        ])?;
    }
    writer.finish()
}

/// `classes.csv`: one row per recipe and class.
pub(crate) fn classes_csv(insight: &Insight) -> Result<Vec<u8>, csv::Error> {
    let mut writer = Spreadsheet::new();
    writer.row([
        "recipe",
        "class",
        "images",
        "baseline",
        "recipe_accuracy",
        "difference",
        "low",
        "high",
        "p",
        "p_bh",
    ])?;
    for recipe in &insight.recipes {
        for class in &recipe.classes {
            writer.row([
                recipe.name.clone(),
                class.class.clone(),
                class.images.to_string(),
                class.baseline.to_string(),
                class.recipe.to_string(),
                class.difference.mean.to_string(),
                number(class.difference.low),
                number(class.difference.high),
                number(class.p),
                number(class.p_bh),
            ])?;
        }
    }
    writer.finish()
}

/// `flips.csv`: one row per recipe and image that changes.
pub(crate) fn flips_csv(insight: &Insight) -> Result<Vec<u8>, csv::Error> {
    let mut writer = Spreadsheet::new();
    writer.row(["recipe", "image", "class", "right_baseline", "right_recipe", "taken_for"])?;
    for recipe in &insight.recipes {
        for flip in &recipe.flips {
            writer.row([
                recipe.name.as_str(),
                &flip.image,
                flip.class.as_deref().unwrap_or_default(),
                &flip.right_baseline.to_string(),
                &flip.right_recipe.to_string(),
                flip.taken_for.as_deref().unwrap_or_default(),
            ])?;
        }
    }
    writer.finish()
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

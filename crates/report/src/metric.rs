//! What is compared, in words.

use crate::language::Words;
use bakeoff_evidence::{Evidence, Origin};
use bakeoff_stats::Direction;
use std::borrow::Cow;

/// What is compared: for results from elsewhere perhaps a column's name.
pub(crate) fn metric<'a>(evidence: &'a Evidence, words: &'a Words) -> Cow<'a, str> {
    match &evidence.origin {
        Origin::Run if evidence.is_top1() => words.metric_top1.into(),
        Origin::Run => words.metric_balanced.into(),
        Origin::Elsewhere { metric, .. } => match metric.as_str() {
            "top1" => words.metric_accuracy.into(),
            "probability" => words.metric_probability.into(),
            column => column.into(),
        },
    }
}

/// What is compared, and which way is good where that is not plain to see.
pub(crate) fn metric_and_way(evidence: &Evidence, words: &Words) -> String {
    let metric = metric(evidence, words);
    match (evidence.measure().direction, evidence.measure().is_usual()) {
        (_, true) => metric.into_owned(),
        (Direction::HigherIsBetter, false) => format!("{metric} ({})", words.higher_is_better),
        (Direction::LowerIsBetter, false) => format!("{metric} ({})", words.lower_is_better),
    }
}

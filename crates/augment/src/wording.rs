//! What the words of several operations have in common.

/// The end of a sentence about an operation that not every image meets.
pub(crate) fn with_probability(probability: f64) -> String {
    if probability < 1.0 { format!("; with probability {probability}") } else { String::new() }
}

//! What a run leaves on disk: one serde type per record. Accuracies are fractions in [0, 1].
//!
//! ```text
//! RUN/study.toml                 the study file as it was given
//! RUN/study.json                 the resolved study (every default written out)
//! RUN/environment.json           [`Environment`]
//! RUN/plan.json                  [`PlanRecord`]
//! RUN/data.json                  [`DataRecord`]
//! RUN/splits/test.json           [`TestSplit`]
//! RUN/splits/seed-<n>.json       [`ValidationSplit`]
//! RUN/log.txt                    one line per event, with time
//! RUN/state.json                 [`RunState`]
//! RUN/preview/<recipe>/preview.json + *.png     [`PreviewRecord`]
//! RUN/trials/<recipe>/seed-<n>/metrics.jsonl    one [`EpochRecord`] per line
//! RUN/trials/<recipe>/seed-<n>/trial.json       [`TrialRecord`]
//! RUN/trials/<recipe>/seed-<n>/checkpoint.safetensors   while unfinished (its state in its metadata), and
//!                                weights-epoch-<e>.safetensors where the headline may need that epoch
//! RUN/trials/<recipe>/seed-<n>/weights.safetensors                        when finished (class names, model, preprocessing in its metadata)
//! RUN/trials/<recipe>/seed-<n>/predictions.parquet                        test images: image, label, predicted, probability, rank, class names,
//!                                confidence, sum of squared probabilities
//! RUN/trials/<recipe>/seed-<n>/robustness.json   [`RobustnessRecord`], where somebody looked
//! RUN/trials/<recipe>/seed-<n>/maps.json   [`MapsRecord`], likewise, of one seed
//! ```

use crate::config::Metric;
use bakeoff_augment::Preprocess;
use bakeoff_augment::corruption::{Corruption, CorruptionSet};
use serde::{Deserialize, Serialize};

/// One epoch of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// 1 for the first.
    pub epoch: u32,
    /// Mean loss of the training steps, on the recipe's mixed images and soft targets.
    pub train_loss: f64,
    /// Accuracy on unmixed, unaugmented training images (a fixed sample of them, the same for every recipe).
    pub train_top1: f64,
    /// Mean cross-entropy on the validation split.
    pub validation_loss: f64,
    /// Accuracy on the validation split.
    pub validation_top1: f64,
    /// Share of validation images whose label is among the five highest logits.
    pub validation_top5: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Training images per second.
    pub images_per_second: f64,
    /// Share of the training time in which the network waited for images, in [0, 1].
    #[serde(default)]
    pub waiting: f64,
    /// Wall time of the epoch, evaluation included.
    pub seconds: f64,
}

/// Result on the test split, of the weights the study's `headline` names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRecord {
    /// Images counted: all usable ones.
    pub images: usize,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Accuracy.
    pub top1: f64,
    /// Label among the five highest logits.
    pub top5: f64,
    /// The epoch (or epochs, for a median) whose weights were tested.
    pub epochs: Vec<u32>,
}

/// How a trial ended, or that it has not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum TrialStatus {
    /// Begun; goes on from its checkpoint.
    Running,
    /// Done.
    Finished {
        /// Test result.
        test: TestRecord,
        /// Training and evaluation time over all sittings.
        seconds: f64,
        /// SHA-256, in hex, of `metrics.jsonl`; a trial of an earlier version has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metrics_sha256: Option<String>,
        /// The same of `predictions.parquet`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        predictions_sha256: Option<String>,
    },
    /// Recorded and not tried again unless asked for.
    Failed {
        /// What happened, for people.
        reason: String,
        /// 1-based epoch in which it happened.
        epoch: u32,
    },
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Recipe name.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Content address: hash of everything that decides the trial's result.
    pub id: String,
    /// Where it stands.
    #[serde(flatten)]
    pub status: TrialStatus,
}

/// The machine and the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Version of Bakeoff.
    pub bakeoff: String,
    /// Operating system and architecture.
    pub system: String,
    /// CPU model name where the system tells.
    pub cpu: String,
    /// Vector instructions used.
    pub instructions: String,
    /// Threads.
    pub threads: usize,
    /// Back end.
    pub backend: String,
    /// UTC, RFC 3339.
    pub started: String,
}

/// Whether a run goes on. A run that was killed leaves what it said at its beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// What became of it.
    #[serde(flatten)]
    pub status: RunStatus,
    /// Since when, in UTC, RFC 3339.
    pub since: String,
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum RunStatus {
    /// It goes on.
    Running,
    /// It has ended.
    Ended {
        /// Trials that are finished.
        finished: usize,
        /// Trials that failed.
        failed: usize,
        /// Trials that are left.
        pending: usize,
        /// Somebody stopped it.
        interrupted: bool,
    },
    /// It could not go on.
    Stopped {
        /// Why, for people.
        reason: String,
    },
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Running => write!(formatter, "running"),
            Self::Ended { finished, failed, pending, interrupted } => {
                let interrupted = if *interrupted { ", interrupted" } else { "" };
                write!(formatter, "ended: {finished} finished, {failed} failed, {pending} left{interrupted}")
            }
            Self::Stopped { reason } => write!(formatter, "stopped: {reason}"),
        }
    }
}

/// What the data set turned out to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Class names in label order.
    pub classes: Vec<String>,
    /// Usable training images (validation already taken out).
    pub train: usize,
    /// Usable validation images.
    pub validation: usize,
    /// Usable test images.
    pub test: usize,
    /// Images left out: id and reason.
    pub rejected: Vec<RejectedRecord>,
    /// Byte-identical files that stand in more than one split.
    pub duplicates: Vec<Vec<String>>,
    /// By which rule images were split.
    #[serde(default)]
    pub rule: SplitRule,
    /// All sets of copies: byte-identical images, and those that look the same.
    #[serde(default)]
    pub copies: Vec<CopiesRecord>,
    /// Groups of several images that the study declares.
    #[serde(default)]
    pub groups: usize,
    /// Further warnings, whole sentences that say what to do.
    pub warnings: Vec<String>,
    /// Hash of every usable image's stored bytes: a run does not go on with another data set under the same names.
    #[serde(default)]
    pub content: String,
}

/// How images were split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitRule {
    /// Each by itself, as by versions of Bakeoff that kept no copies together.
    #[default]
    Images,
    /// Copies of each other, and images of one declared group, on one side.
    Groups,
}

/// Images that are copies of each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiesRecord {
    /// Their ids.
    pub images: Vec<String>,
    /// They are the same byte for byte; else they look the same.
    pub identical: bool,
    /// They stay on one side of the splits that Bakeoff draws.
    pub together: bool,
    /// They stand in more than one of train, validation and test all the same, under some seed: the data set's own splits say so, or
    /// they are not kept together.
    pub across_splits: bool,
    /// They are labelled as more than one class.
    pub across_classes: bool,
}

/// The test split, the same for every seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSplit {
    /// Ids, in the data set's order.
    pub images: Vec<String>,
}

/// A seed's validation split. What is neither in it nor in the test split, nor left out, was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationSplit {
    /// The seed.
    pub seed: u64,
    /// Images trained on.
    pub train: usize,
    /// Ids, in the data set's order.
    pub validation: Vec<String>,
}

/// An image left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// Sample id.
    pub image: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What would run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// Study name.
    pub study: String,
    /// Baseline recipe.
    pub baseline: String,
    /// `last`, `best-on-validation` or `median-of-last-k`.
    pub headline: String,
    /// What recipes are compared by.
    #[serde(default, skip_serializing_if = "Metric::is_top1")]
    pub metric: Metric,
    /// Margin in points (percent) that would matter to the user.
    pub margin: f64,
    /// Epochs of each trial.
    pub epochs: u32,
    /// Recipes in study order, with their resolved pipelines in words.
    pub recipes: Vec<RecipeRecord>,
    /// What happens to a validation or test image, one line a step, in words.
    #[serde(default)]
    pub evaluation: Vec<String>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// All trials in running order.
    pub trials: Vec<TrialKey>,
    /// Where seeds are added until every recipe is decided: what was declared before the first look. Seeds and trials above
    /// are those wanted so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_decided: Option<UntilDecided>,
    /// What the study file and the data set's listing give reason to say, whole sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The declaration behind `--until-decided`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntilDecided {
    /// Seeds before the first look: those of the study file.
    pub first: usize,
    /// Seeds at most.
    pub most: usize,
}

/// A recipe as it was resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeRecord {
    /// Name.
    pub name: String,
    /// One line a step, in words.
    pub pipeline: Vec<String>,
}

/// Names one trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialKey {
    /// Recipe name.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Content address.
    pub id: String,
}

/// What one recipe does to a few training images: real pixels as the network is shown them, before normalisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewRecord {
    /// Recipe name.
    pub recipe: String,
    /// The resolved pipeline in words.
    pub pipeline: Vec<String>,
    /// Image size.
    pub image: usize,
    /// Smallest and largest pixel value seen, [0, 1] being the nominal range.
    pub range: [f64; 2],
    /// Examples.
    pub examples: Vec<PreviewExample>,
}

/// One augmented image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewExample {
    /// Sample id.
    pub image: String,
    /// File name of the original (preprocessed only), PNG, beside the record.
    pub original: String,
    /// File name of the result, PNG, beside the record.
    pub augmented: String,
    /// The label(s) with their shares, largest first; they sum to one.
    pub labels: Vec<LabelShare>,
    /// Mixers only: sample id of the partner.
    pub partner: Option<String>,
    /// Mixers only: share of the image's own pixels or label.
    pub lambda: Option<f64>,
    /// Mixers that paste: the pasted box in pixels, [x0, y0, x1, y1), after clipping.
    pub pasted: Option<[usize; 4]>,
    /// Mixers that mask: file name of the partner's share of each pixel, grey PNG (white: all of it), beside the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// Mixers that may leave mixing to the network: after which of its stages; absent where the pixels are mixed, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<usize>,
    /// How much the image counts in the loss; absent where it counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Smallest and largest pixel value of the result.
    #[serde(default)]
    pub range: Option<[f64; 2]>,
}

/// A label and its share of the soft target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelShare {
    /// Class name.
    pub class: String,
    /// In (0, 1].
    pub share: f64,
}

/// Which of some test images were classified correctly, in their order; in files one character each, `1` or `0`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Right(Vec<bool>);

impl Right {
    /// Images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Without images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One per image.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        self.0.iter().copied()
    }
}

impl From<Vec<bool>> for Right {
    fn from(right: Vec<bool>) -> Self {
        Self(right)
    }
}

impl From<Right> for String {
    fn from(right: Right) -> Self {
        right.iter().map(|right| if right { '1' } else { '0' }).collect()
    }
}

impl TryFrom<String> for Right {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let right = |(at, c): (usize, char)| match c {
            '1' => Ok(true),
            '0' => Ok(false),
            other => Err(format!("image {}: `{other}` is neither 0 nor 1", at + 1)),
        };
        text.chars().enumerate().map(right).collect::<Result<_, _>>().map(Self)
    }
}

/// What a trial's network made of test images that were damaged, or of which a part was hidden. While it is looked at, every part
/// holds the same first images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustnessRecord {
    /// Recipe name.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Content address of the trial.
    pub id: String,
    /// Test images looked at once it is whole: number k of n is number ⌊k × of / n⌋ of the test split, in the data set's order.
    pub images: usize,
    /// Images of the test split.
    pub of: usize,
    /// Whose severities.
    pub severities: CorruptionSet,
    /// Undamaged.
    pub plain: Right,
    /// Damaged, every corruption in every severity.
    pub corruptions: Vec<CorruptionRecord>,
    /// Partly hidden, the least first.
    pub occlusion: Vec<OcclusionRecord>,
}

/// Test images damaged in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorruptionRecord {
    /// How.
    pub corruption: Corruption,
    /// 1 to 5.
    pub severity: u8,
    /// What was made of them.
    pub right: Right,
}

/// Test images partly hidden.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OcclusionRecord {
    /// Share of the image.
    pub hidden: f64,
    /// What was made of them.
    pub right: Right,
}

impl RobustnessRecord {
    /// All images have been looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.plain.len() >= self.images
    }

    fn parts(&self) -> impl Iterator<Item = &Right> {
        let corruptions = self.corruptions.iter().map(|part| &part.right);
        let occlusion = self.occlusion.iter().map(|part| &part.right);
        [&self.plain].into_iter().chain(corruptions).chain(occlusion)
    }

    /// The other one is of the same images, damaged and hidden in the same ways and order: the two can be compared part by part.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let ways = |record: &Self| -> Vec<(Corruption, u8)> {
            record.corruptions.iter().map(|part| (part.corruption, part.severity)).collect()
        };
        let hidden =
            |record: &Self| record.occlusion.iter().map(|part| part.hidden.to_bits()).collect::<Vec<_>>();
        (self.images, self.of, self.severities) == (other.images, other.of, other.severities)
            && ways(self) == ways(other)
            && hidden(self) == hidden(other)
    }

    /// Every part holds as many images.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.parts().all(|part| part.len() == self.plain.len()) && self.plain.len() <= self.images
    }

    /// Adds images, part by part.
    pub(crate) fn extend(&mut self, right: Vec<Vec<bool>>) {
        let corruptions = self.corruptions.iter_mut().map(|part| &mut part.right);
        let occlusion = self.occlusion.iter_mut().map(|part| &mut part.right);
        let parts = [&mut self.plain].into_iter().chain(corruptions).chain(occlusion);
        parts.zip(right).for_each(|(part, more)| part.0.extend(more));
    }
}

/// Where in some test images a trial's network finds their class: class activation maps (Zhou et al. 2016).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapsRecord {
    /// Recipe name.
    pub recipe: String,
    /// Seed.
    pub seed: u64,
    /// Content address of the trial.
    pub id: String,
    /// From a photograph to what the network is shown …
    pub preprocess: Preprocess,
    /// … and how many pixels wide and high that is.
    pub side: usize,
    /// One per image.
    pub maps: Vec<MapRecord>,
}

/// The class activation map of one test image: the last feature map summed over channels, each times its weight for the image's class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapRecord {
    /// Sample id.
    pub image: String,
    /// Its class, which the map is of: an index into the data record's classes.
    pub label: u32,
    /// What the network took it for.
    pub predicted: u32,
    /// Softmax probability of its class.
    pub probability: f64,
    /// Rows of the map.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Row by row; their mean is the class's logit, less the bias.
    pub values: Vec<f32>,
}

//! One of several mixers, chosen for each batch or image.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blend::Planned;
use super::options::Options;
use super::plan::BatchMixer;
use super::{Answers, Cutmix, Mixer, Mixup, Questions};
use crate::shipped::{Shipped, shipped};
use crate::{Address, PixelBatch, RecipeProblem};

/// How often one mixer of several is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// Once per batch.
    #[default]
    Batch,
    /// Once per image.
    Image,
}

/// One of several mixers, chosen by weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct OneOf {
    /// Each with its own options.
    #[schemars(length(min = 1))]
    pub mixers: Vec<Mixer>,
    /// How often each is chosen, relative to the others; absent: equally often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
    /// Share of batches (or images) for which one is chosen, in [0, 1]; each mixer's own `probability` comes on top.
    #[serde(default = "always")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// How often it is chosen.
    #[serde(default)]
    pub each: Each,
}

fn always() -> f64 {
    1.0
}

impl OneOf {
    /// One of these for each batch, equally often.
    #[must_use]
    pub fn equally(mixers: Vec<Mixer>) -> Self {
        Self { mixers, weights: Vec::new(), probability: always(), each: Each::Batch }
    }

    pub(super) fn recipe() -> Option<Shipped<Self>> {
        let mixup = Mixup { alpha: 0.2, ..Mixup::default() };
        let mixer = Self::equally(vec![mixup.into(), Cutmix::default().into()]);
        Some(Shipped::new("MixUp or CutMix for each batch, equally often", mixer, shipped!("one-of")))
    }

    /// Which of several mixers is chosen for each image.
    fn chosen(&self, address: &Address<'_>) -> Vec<Option<usize>> {
        let n = address.ids.len();
        let choose = |mut stream: Stream| -> Option<usize> {
            if !stream.coin(self.probability) {
                return None;
            }
            let weight = |index: usize| self.weights.get(index).copied().unwrap_or(1.0);
            let total: f64 = (0..self.mixers.len()).map(weight).sum();
            let mut at = stream.uniform() * total;
            (0..self.mixers.len()).find(|&index| {
                at -= weight(index);
                at < 0.0
            })
        };
        match self.each {
            Each::Batch => vec![choose(address.of_batch("mix/one-of")); n],
            Each::Image => (0..n).map(|index| choose(address.of_image("mix/one-of", index))).collect(),
        }
    }
}

impl BatchMixer for OneOf {
    fn check(&self, options: &mut Options<'_>) {
        let Self { mixers, weights, probability, each } = self;
        options.probability("probability", *probability);
        options.some("mixers", mixers.is_empty());
        for (index, &weight) in weights.iter().enumerate() {
            options.within(&format!("weights[{index}]"), weight, 0.0..=1e6, "a weight, between 0 and 1e6");
        }
        let (given, needed) = (weights.len(), mixers.len());
        if given != 0 && given != needed {
            let key = options.key("weights");
            options.check.add(key, RecipeProblem::WeightsDiffer { given, needed });
        } else {
            options.some("weights", given != 0 && !weights.iter().any(|&weight| weight > 0.0));
        }
        for (index, mixer) in mixers.iter().enumerate() {
            let path = options.key(&format!("mixers[{index}]"));
            if *each == Each::Image && mixer.is_shared() {
                let key = format!("{path}.kind");
                options.check.add(key, RecipeProblem::SharedDraw { kind: mixer.kind() });
            }
            mixer.check(&path, options.check);
        }
    }

    fn describe(&self) -> String {
        let Self { mixers, weights, probability, each } = self;
        let total: f64 = weights.iter().sum();
        let parts: Vec<String> = mixers
            .iter()
            .enumerate()
            .map(|(index, mixer)| {
                let share = weights.get(index).map_or(1.0 / mixers.len() as f64, |w| w / total);
                let share = format!("{share:.4}");
                format!("{} × [{}]", share.trim_end_matches('0').trim_end_matches('.'), mixer.describe())
            })
            .collect();
        let each = match each {
            Each::Batch => "per batch",
            Each::Image => "per image",
        };
        format!("one of, chosen with probability {probability} {each}: {}", parts.join(", "))
    }

    fn questions(&self) -> Questions {
        self.mixers.iter().map(Mixer::questions).fold(Questions::default(), Questions::or)
    }

    fn questions_of(&self, address: &Address<'_>) -> Questions {
        let chosen = self.chosen(address);
        let asking = self.mixers.iter().enumerate().filter(|(number, _)| chosen.contains(&Some(*number)));
        asking.map(|(_, mixer)| mixer.questions_of(address)).fold(Questions::default(), Questions::or)
    }

    fn is_shared(&self) -> bool {
        self.each == Each::Batch || self.mixers.iter().any(Mixer::is_shared)
    }

    fn stages(&self) -> Vec<(String, usize)> {
        let below = |(index, mixer): (usize, &Mixer)| {
            let stages = mixer.stages().into_iter();
            stages.map(move |(key, stage)| (format!("mixers[{index}].{key}"), stage))
        };
        self.mixers.iter().enumerate().flat_map(below).collect()
    }

    /// Lets each mixer plan for the images it was chosen for.
    fn plan(&self, batch: &PixelBatch, address: &Address<'_>, answers: &Answers) -> Vec<Planned> {
        let chosen = self.chosen(address);
        let mut result: Vec<Planned> = (0..chosen.len()).map(Planned::unmixed).collect();
        for (number, mixer) in self.mixers.iter().enumerate() {
            if !chosen.contains(&Some(number)) {
                continue;
            }
            for (index, planned) in mixer.plan(batch, address, answers).into_iter().enumerate() {
                if chosen[index] == Some(number) {
                    result[index] = planned;
                }
            }
        }
        result
    }
}

//! timm's `Mixup`, which is MixUp and CutMix.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blend::{PixelChange, Planned};
use super::boxes;
use super::cutmix::draw_box;
use super::options::{LambdaMode, Options, Paired, Pairing, Partner, by_box, once};
use super::plan::{DrawnBox, Mix, Pair, Scene};
use crate::shipped::{Shipped, shipped};

/// How often timm's mixer draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimmMode {
    /// Once per batch.
    #[default]
    Batch,
    /// Once per pair: the first with the last, the second with the last but one ….
    Pair,
    /// Once per image.
    Elem,
}

/// timm's `Mixup`: MixUp or CutMix, switched by a coin; partners by reversing the batch. timm's label smoothing is
/// `train.label_smoothing` here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Timm {
    /// MixUp's alpha; 0 switches MixUp off.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub mixup_alpha: f64,
    /// CutMix's alpha; 0 switches CutMix off.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub cutmix_alpha: f64,
    /// Box sides uniform between these shares of the image's sides, in [0, 1], instead of from lambda; CutMix is
    /// then on whatever `cutmix_alpha` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutmix_minmax: Option<[f64; 2]>,
    /// Share of batches, pairs or images that are mixed, in [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Share of those that get CutMix, where both are on, in [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub switch_probability: f64,
    /// How often everything is drawn.
    pub mode: TimmMode,
    /// Recompute the label's share from the clipped box; `false` keeps the drawn lambda (a box by `cutmix_minmax`
    /// is always corrected).
    pub correct_label: bool,
    /// From this epoch on (counted from 0) nothing is mixed; 0: never off.
    #[schemars(range(max = 1_000_000))]
    pub off_epoch: u32,
}

impl Default for Timm {
    fn default() -> Self {
        Self {
            mixup_alpha: 1.0,
            cutmix_alpha: 0.0,
            cutmix_minmax: None,
            probability: 1.0,
            switch_probability: 0.5,
            mode: TimmMode::Batch,
            correct_label: true,
            off_epoch: 0,
        }
    }
}

/// What timm's coin came to.
pub(super) enum Switched {
    /// Lambda.
    Mixup(f64),
    Cutmix(DrawnBox),
}

impl Paired for Timm {
    fn pairing(&self) -> Pairing {
        let lambda = match self.mode {
            TimmMode::Batch => LambdaMode::PerBatch,
            TimmMode::Pair => LambdaMode::PerPair,
            TimmMode::Elem => LambdaMode::PerImage,
        };
        Pairing { probability: self.probability, lambda, partner: Partner::Reverse }
    }
}

impl Mix for Timm {
    type Draw = Switched;
    type Guidance = ();
    const OPERATION: &'static str = "mix/timm";

    fn recipe() -> Option<Shipped<Self>> {
        let mixer = Self { mixup_alpha: 0.2, cutmix_alpha: 1.0, ..Self::default() };
        Some(Shipped::new("timm's switch between MixUp and CutMix", mixer, shipped!("timm")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.alpha_or_off("mixup_alpha", self.mixup_alpha);
        options.alpha_or_off("cutmix_alpha", self.cutmix_alpha);
        options.probability("probability", self.probability);
        options.probability("switch_probability", self.switch_probability);
        if let Some(minmax) = self.cutmix_minmax {
            options.range("cutmix_minmax", minmax, [0.0, 1.0], "a share of the side, between 0 and 1");
        }
        let mixes_nothing =
            self.mixup_alpha == 0.0 && self.cutmix_alpha == 0.0 && self.cutmix_minmax.is_none();
        options.some("cutmix_alpha", mixes_nothing);
    }

    fn describe(&self) -> String {
        let Self { mixup_alpha, cutmix_alpha, switch_probability, probability, .. } = *self;
        let mixup = format!("MixUp with lambda ~ Beta({mixup_alpha}, {mixup_alpha})");
        let cutmix = match self.cutmix_minmax {
            Some([low, high]) => format!("CutMix with sides uniform in [{low}, {high}) of the image's"),
            None => format!(
                "CutMix with lambda ~ Beta({cutmix_alpha}, {cutmix_alpha}), label shares {}",
                by_box(self.correct_label)
            ),
        };
        let what = match (mixup_alpha > 0.0, self.cutmix_minmax.is_some() || cutmix_alpha > 0.0) {
            (true, true) => format!("{mixup}, or with probability {switch_probability} {cutmix}"),
            (true, false) => mixup,
            (false, _) => cutmix,
        };
        let mode = once(self.pairing().lambda);
        let off = match self.off_epoch {
            0 => String::new(),
            epoch => format!("; nothing from epoch {} on", u64::from(epoch) + 1),
        };
        format!(
            "timm's mixer: {what}; partners by reversing the batch; with probability {probability} {mode}{off}"
        )
    }

    fn is_off(&self, epoch: u32) -> bool {
        self.off_epoch != 0 && epoch >= self.off_epoch
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> Switched {
        let cutmix_alpha = if self.cutmix_minmax.is_some() { 1.0 } else { self.cutmix_alpha };
        let cutmix = match (self.mixup_alpha > 0.0, cutmix_alpha > 0.0) {
            (true, true) => stream.coin(self.switch_probability),
            (_, cutmix) => cutmix,
        };
        if !cutmix {
            return Switched::Mixup(stream.beta(self.mixup_alpha, self.mixup_alpha));
        }
        let (lambda, draw) = draw_box(stream, scene, cutmix_alpha);
        let pasted = match self.cutmix_minmax {
            Some(minmax) => boxes::between(scene.width, scene.height, minmax, |n| stream.below(n)),
            None => boxes::around_with_odd_sides(scene.width, scene.height, draw),
        };
        Switched::Cutmix(DrawnBox { lambda, pasted })
    }

    fn mix(&self, draw: &Switched, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(match draw {
            Switched::Mixup(lambda) => pair.blend(*lambda),
            Switched::Cutmix(drawn) => {
                pair.paste(drawn, self.correct_label || self.cutmix_minmax.is_some(), PixelChange::Window)
            }
        })
    }
}

//! What mixers have in common as a study file writes them: who meets whom and how often, in numbers, checks and words.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RecipeProblem;
use crate::keys::Check;

/// How often lambda is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LambdaMode {
    /// Once per image.
    #[default]
    PerImage,
    /// Once per batch, as in the papers' published code.
    PerBatch,
    /// Once per pair: an image and its partner share it. Needs partners who meet each other: `permutation` (then random
    /// pairs) or `reverse`.
    PerPair,
}

/// Which image each image of a batch meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Partner {
    /// A random permutation of the batch: every image is a partner once.
    #[default]
    Permutation,
    /// Uniform with replacement (the notebook): an image may meet itself.
    Uniform,
    /// The batch in reverse (timm).
    Reverse,
    /// The previous image of the batch, cyclically.
    Roll,
}

/// Who meets whom, and how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pairing {
    pub(crate) probability: f64,
    pub(crate) lambda: LambdaMode,
    pub(crate) partner: Partner,
}

/// Says who meets whom, and how often. [`mixer_options`] says it for a mixer with the shared options.
pub(super) trait Paired {
    fn pairing(&self) -> Pairing;
}

/// Defines a mixer's options: its own, and among them the ones that mixers share, with their defaults.
macro_rules! mixer_options {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$before_doc:meta])* $before:ident: $before_type:ty = $before_default:expr,)*
            ; pairing = ($probability:expr, $lambda:ident, $partner:ident);
            $($(#[$after_doc:meta])* $after:ident: $after_type:ty = $after_default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        #[schemars(inline)]
        pub struct $name {
            $($(#[$before_doc])* pub $before: $before_type,)*
            /// Share of batches (per-batch lambda) or images that are mixed, in [0, 1].
            #[schemars(range(min = 0.0, max = 1.0))]
            pub probability: f64,
            /// How often what is random is drawn.
            pub lambda: $crate::mixer::LambdaMode,
            /// Who meets whom.
            pub partner: $crate::mixer::Partner,
            $($(#[$after_doc])* pub $after: $after_type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($before: $before_default,)*
                    probability: $probability,
                    lambda: $crate::mixer::LambdaMode::$lambda,
                    partner: $crate::mixer::Partner::$partner,
                    $($after: $after_default,)*
                }
            }
        }

        impl $crate::mixer::options::Paired for $name {
            fn pairing(&self) -> $crate::mixer::options::Pairing {
                let (probability, lambda, partner) = (self.probability, self.lambda, self.partner);
                $crate::mixer::options::Pairing { probability, lambda, partner }
            }
        }
    };
}
pub(super) use mixer_options;

/// Options of one mixer at a key path.
pub(crate) struct Options<'a> {
    pub(super) path: &'a str,
    pub(super) check: &'a mut Check,
}

impl Options<'_> {
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Outside these limits Beta(alpha, alpha) is a coin or a constant to the last bit of an f64.
    pub(super) fn alpha(&mut self, value: f64) {
        self.check.within(self.key("alpha"), value, 1e-3..=1e6, "above 0 (between 0.001 and 1e6)");
    }

    /// Zero switches off.
    pub(super) fn alpha_or_off(&mut self, key: &str, value: f64) {
        if value != 0.0 {
            let allowed = "0 (off) or above (between 0.001 and 1e6)";
            self.check.within(self.key(key), value, 1e-3..=1e6, allowed);
        }
    }

    /// A list must not be empty.
    pub(super) fn some(&mut self, key: &str, is_empty: bool) {
        if is_empty {
            self.check.add(self.key(key), RecipeProblem::MixesNothing);
        }
    }

    pub(super) fn within(
        &mut self,
        key: &str,
        value: f64,
        range: RangeInclusive<f64>,
        allowed: &'static str,
    ) {
        self.check.within(self.key(key), value, range, allowed);
    }

    pub(super) fn probability(&mut self, key: &str, value: f64) {
        self.check.probability(self.key(key), value);
    }

    pub(super) fn range(
        &mut self,
        key: &str,
        [low, high]: [f64; 2],
        limits: [f64; 2],
        allowed: &'static str,
    ) {
        for (end, value) in [low, high].into_iter().enumerate() {
            self.check.within(self.key(&format!("{key}[{end}]")), value, limits[0]..=limits[1], allowed);
        }
        self.check.ordered(self.key(key), low, high);
    }

    /// What every mixer has.
    pub(super) fn pairing(&mut self, pairing: Pairing) {
        let Pairing { probability, lambda, partner } = pairing;
        self.probability("probability", probability);
        if lambda == LambdaMode::PerPair && matches!(partner, Partner::Uniform | Partner::Roll) {
            let partner = if partner == Partner::Roll { "roll" } else { "uniform" };
            self.check.add(self.key("partner"), RecipeProblem::NoPairs { partner });
        }
    }
}

fn who(partner: Partner, mode: LambdaMode) -> &'static str {
    match (partner, mode) {
        (Partner::Permutation, LambdaMode::PerPair) => "partners by random pairs",
        (Partner::Permutation, _) => "partners by a random permutation of the batch",
        (Partner::Uniform, _) => "partners drawn from the batch with replacement",
        (Partner::Reverse, _) => "partners by reversing the batch",
        (Partner::Roll, _) => "the previous image of the batch as partner",
    }
}

pub(super) fn once(mode: LambdaMode) -> &'static str {
    match mode {
        LambdaMode::PerImage => "per image",
        LambdaMode::PerBatch => "per batch",
        LambdaMode::PerPair => "per pair",
    }
}

impl Pairing {
    /// Who meets whom, and how often.
    pub(super) fn describe(self) -> String {
        let Self { probability, lambda, partner } = self;
        format!("{}; with probability {probability} {}", who(partner, lambda), once(lambda))
    }
}

/// A number, or a range of them.
pub(super) fn span([low, high]: [f64; 2]) -> String {
    if low == high { format!("{low}") } else { format!("uniform in [{low}, {high})") }
}

/// What a box' label shares follow.
pub(super) fn by_box(correct: bool) -> &'static str {
    if correct { "by the clipped box's area" } else { "by the drawn lambda, not the clipped box" }
}

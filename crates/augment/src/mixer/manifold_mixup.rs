//! Manifold MixUp (Verma et al., ICML 2019).

use bakeoff_random::Stream;

use super::blend::Planned;
use super::options::{Options, Paired, mixer_options, once};
use super::plan::{Mix, Pair, Scene};
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Verma et al. 2019: MixUp of the pixels or of the network's activations, at a place drawn for each batch.
    ManifoldMixup {
        /// Above 0 (0.001 to 1e6).
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 2.0,
        /// Where it may happen, equally often: 0 the pixels, k the network's activations after its k-th stage of residual
        /// blocks.
        #[schemars(length(min = 1), inner(range(min = 0, max = 16)))]
        stages: Vec<usize> = vec![0, 1, 2],
        ; pairing = (1.0, PerBatch, Permutation);
    }
}

impl Mix for ManifoldMixup {
    /// Lambda.
    type Draw = f64;
    type Guidance = ();
    const OPERATION: &'static str = "mix/manifold-mixup";

    fn recipe() -> Option<Shipped<Self>> {
        let summary = "MixUp of the pixels or inside the network";
        Some(Shipped::new(summary, Self::default(), shipped!("manifold-mixup")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        options.some("stages", self.stages.is_empty());
        for (index, &stage) in self.stages.iter().enumerate() {
            let allowed = "0 (the pixels) or a stage of the network, 16 at most";
            options.within(&format!("stages[{index}]"), stage as f64, 0.0..=16.0, allowed);
        }
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, lambda, .. } = *self;
        let place = |&stage: &usize| match stage {
            0 => "the pixels".to_owned(),
            stage => format!("the network's activations after stage {stage}"),
        };
        let places: Vec<String> = self.stages.iter().map(place).collect();
        format!(
            "Manifold MixUp: for each batch one of {}; lambda · own + (1 − lambda) · partner's, labels likewise, \
             lambda ~ Beta({alpha}, {alpha}) {}; {}",
            places.join(", "),
            once(lambda),
            self.pairing().describe()
        )
    }

    fn stages(&self) -> &[usize] {
        &self.stages
    }

    fn draw(&self, stream: &mut Stream, _: &Scene<'_>) -> f64 {
        stream.beta(self.alpha, self.alpha)
    }

    fn mix(&self, lambda: &f64, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.blend(*lambda))
    }
}

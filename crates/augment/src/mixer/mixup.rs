//! MixUp (Zhang et al., ICLR 2018).

use bakeoff_random::Stream;

use super::blend::Planned;
use super::options::{Options, Paired, mixer_options, once};
use super::plan::{Mix, Pair, Scene};

mixer_options! {
    /// Zhang et al. 2018: lambda ~ Beta(alpha, alpha), lambda·a + (1 − lambda)·b, labels likewise.
    Mixup {
        /// Above 0 (0.001 to 1e6).
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 1.0,
        ; pairing = (1.0, PerImage, Permutation);
    }
}

impl Mix for Mixup {
    /// Lambda.
    type Draw = f64;
    type Guidance = ();
    const OPERATION: &'static str = "mix/mixup";

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, lambda, .. } = *self;
        format!(
            "MixUp: lambda · image + (1 − lambda) · partner, labels likewise, lambda ~ Beta({alpha}, {alpha}) {}; {}",
            once(lambda),
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, _: &Scene<'_>) -> f64 {
        stream.beta(self.alpha, self.alpha)
    }

    fn mix(&self, lambda: &f64, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.blend(*lambda))
    }
}

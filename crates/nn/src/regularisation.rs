//! What a training step may do besides plain cross-entropy on the images it is given.

use crate::{NnError, kernels::log_softmax};

/// What a training step does inside the network or in its loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Regularisation<'a> {
    /// Nothing.
    #[default]
    None,
    /// Mixes activations; see [`crate::Session::plan_hidden_mixes`].
    HiddenMix(HiddenMix<'a>),
    /// Three views of each image, the loss the cross-entropy of the first one plus `weight` times the views' Jensen–Shannon
    /// divergence (AugMix: Hendrycks et al., ICLR 2020; the authors' code has 12). Images are three times as many as rows of
    /// targets: first all images in their first view, then all in their second, then all in their third.
    JensenShannon {
        /// Finite, not negative.
        weight: f64,
    },
    /// Each image's cross-entropy counts this much in the mean over the batch (SnapMix: Huang et al., AAAI 2021). Finite, not
    /// negative.
    Weights(&'a [f32]),
}

/// Views of an image that a Jensen–Shannon divergence compares.
pub(crate) const VIEWS: usize = 3;

/// Least probability in the mixture of the views, as in the authors' code.
const FLOOR: f64 = 1e-7;

/// `weight` times the Jensen–Shannon divergence among the three views of each image, its mean over the images; its gradient
/// is added to `gradient`.
pub(crate) fn jensen_shannon(classes: usize, logits: &[f32], weight: f64, gradient: &mut [f32]) -> f64 {
    let rows = logits.len() / classes / VIEWS;
    let scale = weight / (VIEWS * rows) as f64;
    let mut total = 0.0;
    for row in 0..rows {
        let start = |view: usize| (view * rows + row) * classes;
        let logs: [Vec<f64>; VIEWS] =
            std::array::from_fn(|view| log_softmax(&logits[start(view)..][..classes]).collect());
        // Log of the mixture, and whether it was held up at the floor.
        let mixture: Vec<(f64, bool)> = (0..classes)
            .map(|class| {
                let mean = logs.iter().map(|log| log[class].exp()).sum::<f64>() / VIEWS as f64;
                (mean.clamp(FLOOR, 1.0).ln(), mean < FLOOR)
            })
            .collect();
        for (view, logs) in logs.iter().enumerate() {
            // By probability: where the mixture is not held up, its own share of the gradient cancels the one.
            let slope = |class: usize| {
                let (mixture, held) = mixture[class];
                logs[class] - mixture + if held { 1.0 } else { 0.0 }
            };
            let mean: f64 = (0..classes).map(|class| logs[class].exp() * slope(class)).sum();
            for (class, gradient) in gradient[start(view)..][..classes].iter_mut().enumerate() {
                let probability = logs[class].exp();
                total += scale * probability * (logs[class] - mixture[class].0);
                *gradient = (f64::from(*gradient) + scale * probability * (slope(class) - mean)) as f32;
            }
        }
    }
    total
}

/// Activations that are mixed between the images of a batch: `h_i ← lambda_i · h_i + (1 − lambda_i) · h_partner(i)`
/// (Verma et al., "Manifold Mixup: Better Representations by Interpolating Hidden States", ICML 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HiddenMix<'a> {
    /// After which stage of residual blocks, 1 to [`crate::Model::stages`].
    pub stage: usize,
    /// Whom each image meets: a position in the batch, its own where it meets none.
    pub partners: &'a [usize],
    /// Share of each image's own activation, in [0, 1].
    pub lambdas: &'a [f32],
}

impl HiddenMix<'_> {
    /// Whether it says something sensible of every one of `n` images.
    pub(crate) fn check(&self, n: usize) -> Result<(), NnError> {
        for (what, got) in [("partners", self.partners.len()), ("lambdas", self.lambdas.len())] {
            if got != n {
                return Err(NnError::Length { what, expected: format!("one for each of {n} images"), got });
            }
        }
        if let Some(partner) = self.partners.iter().find(|&&partner| partner >= n) {
            return Err(NnError::Configuration(format!(
                "an image cannot meet number {partner} of a batch of {n}; partners are positions in the batch"
            )));
        }
        if let Some(lambda) = self.lambdas.iter().find(|lambda| !(0.0..=1.0).contains(*lambda)) {
            return Err(NnError::Configuration(format!("{lambda} is no share; lambdas lie between 0 and 1")));
        }
        Ok(())
    }

    /// Mixes activations of `len` numbers an image.
    pub(crate) fn forward(&self, len: usize, input: &[f32], output: &mut [f32]) {
        self.each(len, output, |i, output| {
            let (own, other) = (&input[i * len..][..len], &input[self.partners[i] * len..][..len]);
            let (lambda, rest) = (self.lambdas[i], 1.0 - self.lambdas[i]);
            for ((output, own), other) in output.iter_mut().zip(own).zip(other) {
                *output = lambda * own + rest * other;
            }
        });
    }

    /// Gradient of the unmixed activations, gathered from every row they went into, in the order of the batch.
    pub(crate) fn backward(&self, len: usize, gradient: &[f32], output: &mut [f32]) {
        self.each(len, output, |i, output| {
            let lambda = self.lambdas[i];
            for (output, gradient) in output.iter_mut().zip(&gradient[i * len..][..len]) {
                *output = lambda * gradient;
            }
            for (row, _) in self.partners.iter().enumerate().filter(|&(_, &partner)| partner == i) {
                let rest = 1.0 - self.lambdas[row];
                for (output, gradient) in output.iter_mut().zip(&gradient[row * len..][..len]) {
                    *output += rest * gradient;
                }
            }
        });
    }

    /// One task an image: no sum crosses images in an order of its own.
    fn each(&self, len: usize, output: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
        use rayon::prelude::*;
        let images = output[..self.partners.len() * len].par_chunks_exact_mut(len);
        images.enumerate().for_each(|(i, output)| work(i, output));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backward_pass_is_the_transpose_of_the_forward_pass() {
        let mut stream = bakeoff_random::Stream::new(1, "hidden-mix-test", 0, 0);
        let len = 5;
        for partners in [&[0][..], &[1, 0], &[2, 2, 2, 0], &[1, 2, 3, 4, 0]] {
            let n = partners.len();
            let lambdas: Vec<f32> = (0..n).map(|_| stream.uniform() as f32).collect();
            let mix = HiddenMix { stage: 1, partners, lambdas: &lambdas };
            mix.check(n).unwrap();
            let [x, g] = [0, 1].map(|_| (0..n * len).map(|_| stream.normal() as f32).collect::<Vec<f32>>());
            let [mut y, mut back] = [vec![f32::NAN; n * len], vec![f32::NAN; n * len]];
            mix.forward(len, &x, &mut y);
            mix.backward(len, &g, &mut back);
            let dot = |a: &[f32], b: &[f32]| {
                a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
            };
            assert!((dot(&y, &g) - dot(&x, &back)).abs() < 1e-5, "{partners:?}");
        }
    }

    #[test]
    fn the_divergence_and_its_gradient_are_pytorchs() {
        #[derive(serde::Deserialize)]
        struct Case {
            classes: usize,
            weight: f64,
            smoothing: f64,
            logits: Vec<f32>,
            targets: Vec<f32>,
            loss: f64,
            gradient: Vec<f64>,
        }
        let path = format!("{}/tests/fixtures/jensen_shannon.json", env!("CARGO_MANIFEST_DIR"));
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(cases.len() > 3);
        for Case { classes, weight, smoothing, logits, targets, loss, gradient } in cases {
            let mut ours = vec![0.0; logits.len()];
            let first = &logits[..targets.len()];
            let entropy = crate::kernels::cross_entropy(classes, first, &targets, smoothing, None, &mut ours);
            let total = entropy + jensen_shannon(classes, &logits, weight, &mut ours);
            assert!((total - loss).abs() < 1e-8 * loss.abs(), "{total}, PyTorch's {loss}");
            for (ours, theirs) in ours.iter().zip(&gradient) {
                // Rounded to f32 twice.
                assert!((f64::from(*ours) - theirs).abs() < 1e-6 * (1.0 + theirs.abs()), "{ours} {theirs}");
            }
        }
    }

    #[test]
    fn what_cannot_be_mixed_is_named() {
        let mix = |partners, lambdas| HiddenMix { stage: 1, partners, lambdas };
        let message = |mix: HiddenMix| mix.check(2).unwrap_err().to_string();
        assert!(message(mix(&[0], &[1.0, 1.0])).starts_with("partners"));
        assert!(message(mix(&[0, 1], &[1.0])).starts_with("lambdas"));
        assert!(message(mix(&[0, 2], &[1.0, 1.0])).contains("number 2 of a batch of 2"));
        assert!(message(mix(&[0, 1], &[1.0, f32::NAN])).contains("NaN is no share"));
    }
}

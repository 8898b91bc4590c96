//! Static checks of mixers.

use crate::check::Check;
use crate::{Each, LambdaMode, Mixer, Partner, RecipeProblem};

/// Options of one mixer at a key path.
struct Options<'a> {
    path: &'a str,
    check: &'a mut Check,
}

impl Options<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Outside these limits Beta(alpha, alpha) is a coin or a constant to the last bit of an f64.
    fn alpha(&mut self, value: f64) {
        self.check.within(self.key("alpha"), value, 1e-3..=1e6, "above 0 (between 0.001 and 1e6)");
    }

    /// Zero switches off.
    fn alpha_or_off(&mut self, key: &str, value: f64) {
        if value != 0.0 {
            let allowed = "0 (off) or above (between 0.001 and 1e6)";
            self.check.within(self.key(key), value, 1e-3..=1e6, allowed);
        }
    }

    fn probability(&mut self, key: &str, value: f64) {
        self.check.probability(self.key(key), value);
    }

    fn range(&mut self, key: &str, [low, high]: [f64; 2], limits: [f64; 2], allowed: &'static str) {
        for (end, value) in [low, high].into_iter().enumerate() {
            self.check.within(self.key(&format!("{key}[{end}]")), value, limits[0]..=limits[1], allowed);
        }
        self.check.ordered(self.key(key), low, high);
    }

    fn pairs(&mut self, lambda: LambdaMode, partner: Partner) {
        if lambda == LambdaMode::PerPair && matches!(partner, Partner::Uniform | Partner::Roll) {
            let partner = if partner == Partner::Roll { "roll" } else { "uniform" };
            self.check.add(self.key("partner"), RecipeProblem::NoPairs { partner });
        }
    }
}

impl Mixer {
    /// Everything wrong with the mixer written at `path`.
    pub(crate) fn check(&self, path: &str, check: &mut Check) {
        let mut options = Options { path, check };
        match *self {
            Self::Cutmix { alpha, probability, lambda, partner, .. }
            | Self::Snapmix { alpha, probability, lambda, partner, .. }
            | Self::Saliencymix { alpha, probability, lambda, partner, .. }
            | Self::Mixup { alpha, probability, lambda, partner } => {
                options.alpha(alpha);
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::CutmixNotebook { probability, .. } => options.probability("probability", probability),
            Self::Timm {
                mixup_alpha, cutmix_alpha, cutmix_minmax, probability, switch_probability, ..
            } => {
                options.alpha_or_off("mixup_alpha", mixup_alpha);
                options.alpha_or_off("cutmix_alpha", cutmix_alpha);
                options.probability("probability", probability);
                options.probability("switch_probability", switch_probability);
                if let Some(minmax) = cutmix_minmax {
                    options.range(
                        "cutmix_minmax",
                        minmax,
                        [0.0, 1.0],
                        "a share of the side, between 0 and 1",
                    );
                }
                if mixup_alpha == 0.0 && cutmix_alpha == 0.0 && cutmix_minmax.is_none() {
                    let key = options.key("cutmix_alpha");
                    options.check.add(key, RecipeProblem::MixesNothing);
                }
            }
            Self::Resizemix { scale, alpha, probability, lambda, partner, .. } => {
                options.range("scale", scale, [0.0, 1.0], "a share of the side, between 0 and 1");
                alpha.into_iter().for_each(|alpha| options.alpha(alpha));
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::Fmix { alpha, decay, max_soft, probability, lambda, partner, .. } => {
                options.alpha(alpha);
                options.check.within(options.key("decay"), decay, 0.0..=10.0, "between 0 and 10");
                let allowed = "a share of the image, between 0 and 0.5";
                options.check.within(options.key("max_soft"), max_soft, 0.0..=0.5, allowed);
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::Smoothmix { sigma, probability, lambda, partner } => {
                options.range("sigma", sigma, [0.01, 10.0], "a share of the side, between 0.01 and 10");
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::Gridmix {
                alpha, cells, cell_aspect, area, aspect, probability, lambda, partner, ..
            } => {
                options.alpha(alpha);
                let cells = cells.map(|n| n as f64);
                options.range("cells", cells, [1.0, 256.0], "a number of cells, between 1 and 256");
                options.range("cell_aspect", cell_aspect, [0.1, 10.0], "height / width, between 0.1 and 10");
                options.range("area", area, [0.01, 1.0], "a share of the image, between 0.01 and 1");
                options.range("aspect", aspect, [0.1, 10.0], "height / width, between 0.1 and 10");
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::CutThumbnail { size, share, probability, lambda, partner, .. } => {
                let allowed = "a share of the side, between 0.01 and 1";
                options.check.within(options.key("size"), size, 0.01..=1.0, allowed);
                options.probability("share", share);
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::ManifoldMixup { alpha, ref stages, probability, lambda, partner } => {
                options.alpha(alpha);
                if stages.is_empty() {
                    let key = options.key("stages");
                    options.check.add(key, RecipeProblem::MixesNothing);
                }
                for (index, &stage) in stages.iter().enumerate() {
                    let allowed = "0 (the pixels) or a stage of the network, 16 at most";
                    let key = options.key(&format!("stages[{index}]"));
                    options.check.within(key, stage as f64, 0.0..=16.0, allowed);
                }
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::Puzzlemix {
                alpha,
                ref block_num,
                n_labels,
                beta,
                gamma,
                eta,
                neigh_size,
                transport: _,
                t_eps,
                t_size,
                probability,
                lambda,
                partner,
            } => {
                options.alpha(alpha);
                if block_num.is_empty() {
                    let key = options.key("block_num");
                    options.check.add(key, RecipeProblem::MixesNothing);
                }
                for (index, &blocks) in block_num.iter().enumerate() {
                    let key = options.key(&format!("block_num[{index}]"));
                    options.check.within(
                        key,
                        blocks as f64,
                        1.0..=16.0,
                        "a number of blocks, between 1 and 16",
                    );
                }
                let pixels = "a number of pixels, between 1 and 1024";
                options.check.within(options.key("n_labels"), n_labels as f64, 2.0..=4.0, "2, 3 or 4");
                options.check.within(options.key("neigh_size"), neigh_size as f64, 1.0..=1024.0, pixels);
                if let Some(size) = t_size {
                    options.check.within(options.key("t_size"), size as f64, 1.0..=1024.0, pixels);
                }
                for (key, weight) in [("beta", beta), ("eta", eta), ("t_eps", t_eps)] {
                    options.check.within(
                        options.key(key),
                        weight,
                        0.0..=100.0,
                        "a weight, between 0 and 100",
                    );
                }
                options.check.within(options.key("gamma"), gamma, 0.0..=1.0, "a weight, between 0 and 1");
                options.probability("probability", probability);
                options.pairs(lambda, partner);
            }
            Self::OneOf { ref mixers, ref weights, probability, each } => {
                options.probability("probability", probability);
                if mixers.is_empty() {
                    let key = options.key("mixers");
                    options.check.add(key, RecipeProblem::MixesNothing);
                }
                for (index, &weight) in weights.iter().enumerate() {
                    let key = options.key(&format!("weights[{index}]"));
                    options.check.within(key, weight, 0.0..=1e6, "a weight, between 0 and 1e6");
                }
                let (given, needed) = (weights.len(), mixers.len());
                if given != 0 && given != needed {
                    let key = options.key("weights");
                    options.check.add(key, RecipeProblem::WeightsDiffer { given, needed });
                } else if given != 0 && !weights.iter().any(|&weight| weight > 0.0) {
                    let key = options.key("weights");
                    options.check.add(key, RecipeProblem::MixesNothing);
                }
                for (index, mixer) in mixers.iter().enumerate() {
                    let path = options.key(&format!("mixers[{index}]"));
                    if each == Each::Image && mixer.is_shared() {
                        let key = format!("{path}.kind");
                        options.check.add(key, RecipeProblem::SharedDraw { kind: mixer.kind() });
                    }
                    mixer.check(&path, options.check);
                }
            }
        }
    }
}

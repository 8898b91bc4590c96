//! Mixers in words and numbers, for plans and reports.

use crate::{Each, LambdaMode, Mixer, Partner, Thumbnail, TimmMode};

fn who(partner: Partner, mode: LambdaMode) -> &'static str {
    match (partner, mode) {
        (Partner::Permutation, LambdaMode::PerPair) => "partners by random pairs",
        (Partner::Permutation, _) => "partners by a random permutation of the batch",
        (Partner::Uniform, _) => "partners drawn from the batch with replacement",
        (Partner::Reverse, _) => "partners by reversing the batch",
        (Partner::Roll, _) => "the previous image of the batch as partner",
    }
}

fn once(mode: LambdaMode) -> &'static str {
    match mode {
        LambdaMode::PerImage => "per image",
        LambdaMode::PerBatch => "per batch",
        LambdaMode::PerPair => "per pair",
    }
}

/// Who meets whom, and how often.
fn end(partner: Partner, mode: LambdaMode, probability: f64) -> String {
    format!("{}; with probability {probability} {}", who(partner, mode), once(mode))
}

/// A number, or a range of them.
fn span([low, high]: [f64; 2]) -> String {
    if low == high { format!("{low}") } else { format!("uniform in [{low}, {high})") }
}

impl Mixer {
    pub(crate) fn describe(&self) -> String {
        let by_box = |correct: bool| {
            if correct { "by the clipped box's area" } else { "by the drawn lambda, not the clipped box" }
        };
        match *self {
            Self::Cutmix { alpha, probability, lambda, partner, correct_label } => format!(
                "CutMix: lambda ~ Beta({alpha}, {alpha}) {}, a box with sides × sqrt(1 − lambda) around a uniform \
                 centre filled from the partner, label shares {}; {}",
                once(lambda),
                by_box(correct_label),
                end(partner, lambda, probability)
            ),
            Self::CutmixNotebook { probability, partner } => format!(
                "CutMix as in the notebook: per image a box with sides W · sqrt(1 − u1) and H · sqrt(1 − u2) around a \
                 uniform centre filled from the partner, label shares by the clipped box's area; {}",
                end(partner, LambdaMode::PerImage, probability)
            ),
            Self::Mixup { alpha, probability, lambda, partner } => format!(
                "MixUp: lambda · image + (1 − lambda) · partner, labels likewise, lambda ~ Beta({alpha}, {alpha}) \
                 {}; {}",
                once(lambda),
                end(partner, lambda, probability)
            ),
            Self::Timm {
                mixup_alpha,
                cutmix_alpha,
                cutmix_minmax,
                probability,
                switch_probability,
                mode,
                correct_label,
                off_epoch,
            } => {
                let mixup = format!("MixUp with lambda ~ Beta({mixup_alpha}, {mixup_alpha})");
                let cutmix = match cutmix_minmax {
                    Some([low, high]) => {
                        format!("CutMix with sides uniform in [{low}, {high}) of the image's")
                    }
                    None => format!(
                        "CutMix with lambda ~ Beta({cutmix_alpha}, {cutmix_alpha}), label shares {}",
                        by_box(correct_label)
                    ),
                };
                let what = match (mixup_alpha > 0.0, cutmix_minmax.is_some() || cutmix_alpha > 0.0) {
                    (true, true) => format!("{mixup}, or with probability {switch_probability} {cutmix}"),
                    (true, false) => mixup,
                    (false, _) => cutmix,
                };
                let mode = match mode {
                    TimmMode::Batch => "per batch",
                    TimmMode::Pair => "per pair",
                    TimmMode::Elem => "per image",
                };
                let off = match off_epoch {
                    0 => String::new(),
                    epoch => format!("; nothing from epoch {} on", u64::from(epoch) + 1),
                };
                format!(
                    "timm's mixer: {what}; partners by reversing the batch; with probability {probability} {mode}{off}"
                )
            }
            Self::Resizemix { scale, alpha, probability, lambda, partner, correct_label } => {
                let [low, high] = scale;
                let tau = match alpha {
                    Some(alpha) => {
                        format!(
                            "tau ~ Beta({alpha}, {alpha}), uniform in [{low}, {high}) where it falls outside"
                        )
                    }
                    None => format!("tau {}", span(scale)),
                };
                format!(
                    "ResizeMix: all of the partner shrunk to tau times each side, {tau}, {}, around a uniform centre, label \
                     shares {}; {}",
                    once(lambda),
                    if correct_label { "by the clipped box's area" } else { "by tau², not the clipped box" },
                    end(partner, lambda, probability)
                )
            }
            Self::Fmix { alpha, decay, max_soft, probability, lambda, partner, correct_label } => format!(
                "FMix: a mask from noise that decays as frequency^−{decay}, cut at the level that keeps a share lambda ~ \
                 Beta({alpha}, {alpha}) {}, {}, filled from the partner, label shares by {}; {}",
                once(lambda),
                if max_soft > 0.0 {
                    format!("soft over {max_soft} of the image")
                } else {
                    "hard edges".to_owned()
                },
                if correct_label { "the mask's mean" } else { "the drawn lambda" },
                end(partner, lambda, probability)
            ),
            Self::Smoothmix { sigma, probability, lambda, partner } => format!(
                "SmoothMix: the partner fades in by a Gaussian around a uniform centre, its standard deviation {} of the \
                 shorter side, {}, label shares by the mask's mean; {}",
                span(sigma),
                once(lambda),
                end(partner, lambda, probability)
            ),
            Self::Saliencymix { alpha, probability, lambda, partner, correct_label } => format!(
                "SaliencyMix: lambda ~ Beta({alpha}, {alpha}) {}, a box with sides × sqrt(1 − lambda) around the partner's \
                 most salient pixel filled from there, label shares {}; {}",
                once(lambda),
                by_box(correct_label),
                end(partner, lambda, probability)
            ),
            Self::Gridmix {
                alpha,
                cells,
                cell_aspect,
                area,
                aspect,
                probability,
                lambda,
                partner,
                correct_label,
            } => {
                let cells = match cells {
                    [low, high] if low == high => format!("{low}"),
                    [low, high] => format!("{low} to {high}"),
                };
                let mut shape = String::new();
                for (name, range) in [("cells' aspect", cell_aspect), ("area", area), ("aspect", aspect)] {
                    if range != [1.0, 1.0] {
                        shape.push_str(&format!(", {name} {}", span(range)));
                    }
                }
                format!(
                    "GridMix: lambda ~ Beta({alpha}, {alpha}) {}, a grid {cells} cells wide{shape}, in each a hole of sides × \
                     sqrt(1 − lambda) filled from the partner, label shares by {}; {}",
                    once(lambda),
                    if correct_label { "the holes' area" } else { "the drawn lambda" },
                    end(partner, lambda, probability)
                )
            }
            Self::CutThumbnail { size, thumbnail: Thumbnail::Own, probability, lambda, .. } => format!(
                "Cut-Thumbnail: the image itself shrunk to {size} of each side, pasted at a uniform place, label kept; with \
                 probability {probability} {}",
                once(lambda)
            ),
            Self::CutThumbnail { size, share, probability, lambda, partner, correct_label, .. } => format!(
                "Cut-Thumbnail: the partner shrunk to {size} of each side, pasted at a uniform place, the partner's share of \
                 the label {}; {}",
                if correct_label { "by area".to_owned() } else { format!("{share}") },
                end(partner, lambda, probability)
            ),
            Self::ManifoldMixup { alpha, ref stages, probability, lambda, partner } => {
                let place = |&stage: &usize| match stage {
                    0 => "the pixels".to_owned(),
                    stage => format!("the network's activations after stage {stage}"),
                };
                let places: Vec<String> = stages.iter().map(place).collect();
                format!(
                    "Manifold MixUp: for each batch one of {}; lambda · own + (1 − lambda) · partner's, labels likewise, \
                     lambda ~ Beta({alpha}, {alpha}) {}; {}",
                    places.join(", "),
                    once(lambda),
                    end(partner, lambda, probability)
                )
            }
            Self::Snapmix { alpha, probability, lambda, partner, weighted } => format!(
                "SnapMix: two boxes {}, each with sides × sqrt(1 − its lambda ~ Beta({alpha}, {alpha})) around a uniform centre; the \
                 partner's in the one, resized, fills the other; label shares by what the network's class activation maps hold \
                 outside and inside, {}; {}",
                once(lambda),
                if weighted {
                    "their sum being the image's weight in the loss"
                } else {
                    "scaled to sum to one"
                },
                end(partner, lambda, probability)
            ),
            Self::Puzzlemix {
                alpha,
                ref block_num,
                n_labels,
                beta,
                gamma,
                eta,
                neigh_size,
                transport,
                t_eps,
                t_size,
                probability,
                lambda,
                partner,
            } => {
                let blocks: Vec<String> = block_num.iter().map(|n| format!("{n}×{n}")).collect();
                let moved = match (transport, t_size) {
                    (false, _) => "blocks stay where they are".to_owned(),
                    (true, None) => format!("salient blocks move at a cost of {t_eps}"),
                    (true, Some(size)) => format!("salient blocks of {size} px move at a cost of {t_eps}"),
                };
                format!(
                    "PuzzleMix: lambda ~ Beta({alpha}, {alpha}) and one of {} blocks {}; a mask of {n_labels} levels that keeps what is \
                     salient by the loss's gradient (smoothness beta {beta}, gamma {gamma}, cells of {neigh_size} px; prior eta \
                     {eta}); {moved}; label shares by the mask's mean; {}",
                    blocks.join(", "),
                    once(lambda),
                    end(partner, lambda, probability)
                )
            }
            Self::OneOf { ref mixers, ref weights, probability, each } => {
                let total: f64 = weights.iter().sum();
                let parts: Vec<String> = mixers
                    .iter()
                    .enumerate()
                    .map(|(index, mixer)| {
                        let share = weights.get(index).map_or(1.0 / mixers.len() as f64, |w| w / total);
                        format!("{:.4}", share).trim_end_matches('0').trim_end_matches('.').to_owned()
                            + " × ["
                            + &mixer.describe()
                            + "]"
                    })
                    .collect();
                let each = match each {
                    Each::Batch => "per batch",
                    Each::Image => "per image",
                };
                format!("one of, chosen with probability {probability} {each}: {}", parts.join(", "))
            }
        }
    }
}

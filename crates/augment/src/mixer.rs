//! Batch mixers. Drawing, boxes, masks and blending are separate, so that each can be checked alone.

mod boxes;
mod catalogue;
mod check;
mod config;
mod cut;
mod masks;
mod puzzle;
mod questions;
mod resample;
mod saliency;
mod semantic;
mod wording;

use std::sync::Arc;

use bakeoff_machine::vectorised;
use bakeoff_random::Stream;
use rayon::prelude::*;

use crate::{BatchError, PixelBatch, Targets};
use boxes::{BoxDraw, area, share_outside};
pub(crate) use catalogue::mixers;
pub use config::{Each, LambdaMode, Mixer, Partner, Thumbnail, TimmMode};
use puzzle::{Piece, Puzzle};
pub use questions::{ActivationMaps, Answers, Questions};
use semantic::Evidence;

/// What happened to one image of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// Position in the batch of the image it met; its own position where it met none.
    pub partner: usize,
    /// Share of its own label, in [0, 1]; the partner's label has the rest. 1 where it met none.
    pub lambda: f32,
    /// The box that was pasted over, `[x0, y0, x1, y1)` in pixels, after clipping; `None` where there is none or it is
    /// empty.
    pub pasted: Option<[usize; 4]>,
    /// The partner's share of each pixel, row by row, in [0, 1]; `None` where it is no mask that mixes.
    pub mask: Option<Arc<[f32]>>,
    /// Where it was mixed: 0 the pixels; k > 0 nowhere yet: the activations after the network's k-th stage are to be mixed
    /// by lambda.
    pub stage: usize,
    /// How much the image counts in the loss; 1 but for SnapMix.
    pub weight: f32,
}

impl Mixed {
    /// The image at `index` stays as it is.
    #[must_use]
    pub fn unmixed(index: usize) -> Self {
        Self { partner: index, lambda: 1.0, pasted: None, mask: None, stage: 0, weight: 1.0 }
    }
}

/// Where a mixer's numbers come from: everything is a function of (seed, operation, epoch, image or batch).
#[derive(Clone, Copy)]
pub(crate) struct Address<'a> {
    pub(crate) seed: u64,
    pub(crate) epoch: u32,
    pub(crate) batch: u64,
    pub(crate) ids: &'a [u64],
}

impl Address<'_> {
    fn of_batch(&self, operation: &str) -> Stream {
        Stream::new(self.seed, operation, self.epoch, self.batch)
    }

    fn of_image(&self, operation: &str, index: usize) -> Stream {
        Stream::new(self.seed, operation, self.epoch, self.ids[index])
    }
}

/// Who meets whom; `paired` asks for pairs that meet each other.
pub(crate) fn partners(mode: Partner, paired: bool, n: usize, address: &Address) -> Vec<usize> {
    match mode {
        Partner::Permutation if paired => {
            let order = address.of_batch("mix/pairs").permutation(n);
            let mut partners: Vec<usize> = (0..n).collect();
            // The odd one out meets itself.
            for pair in order.as_chunks::<2>().0 {
                partners[pair[0]] = pair[1];
                partners[pair[1]] = pair[0];
            }
            partners
        }
        Partner::Permutation => address.of_batch("mix/permutation").permutation(n),
        Partner::Uniform => (0..n).map(|i| address.of_image("mix/partner", i).below(n)).collect(),
        Partner::Reverse => (0..n).rev().collect(),
        Partner::Roll => (0..n).map(|i| (i + n - 1) % n).collect(),
    }
}

/// How an image's pixels change.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// They do not.
    Keep,
    /// Weighted mean with the partner, by lambda or by the mask.
    Blend,
    /// The box is filled with the same box of the partner.
    Window,
    /// The box is filled with all of the partner, shrunk.
    Whole,
    /// The box is filled with another box of the partner, resized.
    Resized([usize; 4]),
    /// It is put together from blocks of both.
    Puzzle(Arc<Puzzle>),
}

/// What happens to an image, with all that is needed to do it.
#[derive(Clone, Debug, PartialEq)]
struct Planned {
    mixed: Mixed,
    way: Way,
}

impl Planned {
    fn unmixed(index: usize) -> Self {
        Self { mixed: Mixed::unmixed(index), way: Way::Keep }
    }
}

/// What one image, pair or batch draws.
enum Draw {
    /// A weighted mean.
    Blend { lambda: f64 },
    /// A pasted box; lambda as drawn.
    Box { lambda: f64, pasted: [usize; 4], way: Way },
    /// A mask; lambda as drawn.
    Mask { lambda: f64, mask: Vec<f32> },
    /// A box of the partner, `cut`, to be pasted over another; labels by what the network sees in them, and whether the image
    /// counts accordingly.
    Semantic { pasted: [usize; 4], cut: [usize; 4], weighted: bool },
    /// Blocks a side and lambda; the mask follows from the images.
    Blocks { side: usize, lambda: f64, settings: puzzle::Settings },
}

/// What a drawing mixer sees.
struct Scene<'a> {
    width: usize,
    height: usize,
    /// The image whose content may decide: the partner.
    source: &'a [f32],
}

/// What all mixers have, whatever they draw.
struct Common {
    operation: &'static str,
    probability: f64,
    mode: LambdaMode,
    partner: Partner,
    /// Whether the label follows what was pasted, rather than the drawn lambda.
    correct: bool,
}

/// A centre uniform over the pixels.
fn centre(stream: &mut Stream, scene: &Scene) -> [usize; 2] {
    [stream.below(scene.width), stream.below(scene.height)]
}

/// CutMix' numbers: a square box in units of the image's sides.
fn cutmix_draw(stream: &mut Stream, scene: &Scene, alpha: f64) -> (f64, BoxDraw) {
    let lambda = stream.beta(alpha, alpha);
    let side = (1.0 - lambda).sqrt();
    (lambda, BoxDraw { sides: [side, side], centre: centre(stream, scene) })
}

impl Mixer {
    /// `None` for a choice among others.
    fn common(&self) -> Option<Common> {
        let common = |operation, probability, mode, partner, correct| {
            Some(Common { operation, probability, mode, partner, correct })
        };
        match *self {
            Self::Cutmix { probability, lambda, partner, correct_label, .. } => {
                common("mix/cutmix", probability, lambda, partner, correct_label)
            }
            Self::CutmixNotebook { probability, partner } => {
                common("mix/cutmix-notebook", probability, LambdaMode::PerImage, partner, true)
            }
            Self::Mixup { probability, lambda, partner, .. } => {
                common("mix/mixup", probability, lambda, partner, true)
            }
            Self::Timm { probability, mode, correct_label, cutmix_minmax, .. } => {
                let mode = match mode {
                    TimmMode::Batch => LambdaMode::PerBatch,
                    TimmMode::Pair => LambdaMode::PerPair,
                    TimmMode::Elem => LambdaMode::PerImage,
                };
                let correct = correct_label || cutmix_minmax.is_some();
                common("mix/timm", probability, mode, Partner::Reverse, correct)
            }
            Self::Resizemix { probability, lambda, partner, correct_label, .. } => {
                common("mix/resizemix", probability, lambda, partner, correct_label)
            }
            Self::Fmix { probability, lambda, partner, correct_label, .. } => {
                common("mix/fmix", probability, lambda, partner, correct_label)
            }
            Self::Smoothmix { probability, lambda, partner, .. } => {
                common("mix/smoothmix", probability, lambda, partner, true)
            }
            Self::Saliencymix { probability, lambda, partner, correct_label, .. } => {
                common("mix/saliencymix", probability, lambda, partner, correct_label)
            }
            Self::Gridmix { probability, lambda, partner, correct_label, .. } => {
                common("mix/gridmix", probability, lambda, partner, correct_label)
            }
            Self::CutThumbnail { probability, lambda, partner, correct_label, .. } => {
                common("mix/cut-thumbnail", probability, lambda, partner, correct_label)
            }
            Self::ManifoldMixup { probability, lambda, partner, .. } => {
                common("mix/manifold-mixup", probability, lambda, partner, true)
            }
            Self::Snapmix { probability, lambda, partner, .. } => {
                common("mix/snapmix", probability, lambda, partner, true)
            }
            Self::Puzzlemix { probability, lambda, partner, .. } => {
                common("mix/puzzlemix", probability, lambda, partner, true)
            }
            Self::OneOf { .. } => None,
        }
    }

    /// What it may want to know of the network.
    #[must_use]
    pub fn questions(&self) -> Questions {
        match self {
            Self::Snapmix { .. } => Questions { activation_maps: true, ..Questions::default() },
            Self::Puzzlemix { .. } => Questions { input_gradient: true, ..Questions::default() },
            Self::OneOf { mixers, .. } => {
                mixers.iter().map(Self::questions).fold(Questions::default(), Questions::or)
            }
            _ => Questions::default(),
        }
    }

    /// What it wants to know of a batch: nothing where the draws leave every image alone.
    pub(crate) fn questions_of(&self, address: &Address) -> Questions {
        let questions = self.questions();
        let n = address.ids.len();
        if n < 2 || !questions.any() {
            return Questions::default();
        }
        match (self, self.common()) {
            (Self::OneOf { mixers, .. }, _) => {
                let chosen = self.chosen(address);
                let asking = mixers.iter().enumerate().filter(|(number, _)| chosen.contains(&Some(*number)));
                asking.map(|(_, mixer)| mixer.questions_of(address)).fold(Questions::default(), Questions::or)
            }
            (_, Some(Common { operation, probability, mode, .. })) => {
                let mixes = match mode {
                    LambdaMode::PerBatch => address.of_batch(operation).coin(probability),
                    LambdaMode::PerImage | LambdaMode::PerPair => {
                        (0..n).any(|index| address.of_image(operation, index).coin(probability))
                    }
                };
                if mixes { questions } else { Questions::default() }
            }
            (_, None) => Questions::default(),
        }
    }

    /// Where a batch is mixed, see [`Mixed::stage`].
    fn stage(&self, address: &Address) -> usize {
        match self {
            Self::ManifoldMixup { stages, .. } => {
                let drawn = address.of_batch("mix/manifold-mixup/stage").below(stages.len().max(1));
                stages.get(drawn).copied().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Whether one draw serves several images.
    fn is_shared(&self) -> bool {
        match self {
            Self::OneOf { mixers, each, .. } => *each == Each::Batch || mixers.iter().any(Self::is_shared),
            // One place for a batch, whatever lambda.
            Self::ManifoldMixup { .. } => true,
            other => other.common().is_some_and(|common| common.mode != LambdaMode::PerImage),
        }
    }

    /// Draws one mix.
    fn draw(&self, stream: &mut Stream, scene: &Scene) -> Draw {
        let (width, height) = (scene.width, scene.height);
        match *self {
            Self::Cutmix { alpha, .. } => {
                let (lambda, draw) = cutmix_draw(stream, scene, alpha);
                Draw::Box { lambda, pasted: boxes::around(width, height, draw), way: Way::Window }
            }
            Self::CutmixNotebook { .. } => {
                let sides = [(1.0 - stream.uniform()).sqrt(), (1.0 - stream.uniform()).sqrt()];
                let draw = BoxDraw { sides, centre: centre(stream, scene) };
                let lambda = 1.0 - sides[0] * sides[1];
                Draw::Box { lambda, pasted: boxes::around(width, height, draw), way: Way::Window }
            }
            Self::Mixup { alpha, .. } | Self::ManifoldMixup { alpha, .. } => {
                Draw::Blend { lambda: stream.beta(alpha, alpha) }
            }
            Self::Timm { mixup_alpha, cutmix_alpha, cutmix_minmax, switch_probability, .. } => {
                let cutmix_alpha = if cutmix_minmax.is_some() { 1.0 } else { cutmix_alpha };
                let cutmix = match (mixup_alpha > 0.0, cutmix_alpha > 0.0) {
                    (true, true) => stream.coin(switch_probability),
                    (_, cutmix) => cutmix,
                };
                if !cutmix {
                    return Draw::Blend { lambda: stream.beta(mixup_alpha, mixup_alpha) };
                }
                let (lambda, draw) = cutmix_draw(stream, scene, cutmix_alpha);
                let pasted = match cutmix_minmax {
                    Some(minmax) => boxes::between(width, height, minmax, |n| stream.below(n)),
                    None => boxes::around_with_odd_sides(width, height, draw),
                };
                Draw::Box { lambda, pasted, way: Way::Window }
            }
            Self::Resizemix { scale: [low, high], alpha, .. } => {
                let drawn = alpha.map(|alpha| stream.beta(alpha, alpha));
                let tau =
                    drawn.filter(|tau| (low..=high).contains(tau)).unwrap_or_else(|| stream.range(low, high));
                let draw = BoxDraw { sides: [tau, tau], centre: centre(stream, scene) };
                let pasted = boxes::around(width, height, draw);
                Draw::Box { lambda: 1.0 - tau * tau, pasted, way: Way::Whole }
            }
            Self::Fmix { alpha, decay, max_soft, .. } => {
                let lambda = stream.beta(alpha, alpha);
                let up = stream.coin(0.5);
                let noise = masks::low_frequency_noise(width, height, decay, || stream.normal());
                let (kept, soft) = masks::fmix_counts(width * height, lambda, max_soft, up);
                Draw::Mask { lambda, mask: masks::binarised(&noise, kept, soft) }
            }
            Self::Smoothmix { sigma: [low, high], .. } => {
                let centre = centre(stream, scene);
                let sigma = stream.range(low, high) * width.min(height) as f64;
                let mask = masks::gaussian(width, height, centre, sigma);
                Draw::Mask { lambda: 1.0 - masks::mean(&mask), mask }
            }
            Self::Saliencymix { alpha, .. } => {
                let lambda = stream.beta(alpha, alpha);
                let side = (1.0 - lambda).sqrt();
                let centre = saliency::most_salient(scene.source, width, height);
                let pasted = boxes::around(width, height, BoxDraw { sides: [side, side], centre });
                Draw::Box { lambda, pasted, way: Way::Window }
            }
            Self::Gridmix { alpha, cells: [fewest, most], cell_aspect, area, aspect, .. } => {
                let lambda = stream.beta(alpha, alpha);
                let cells = fewest + stream.below(most - fewest + 1);
                let [cell_aspect, area, aspect] =
                    [cell_aspect, area, aspect].map(|[low, high]| stream.range(low, high));
                let place = [stream.uniform(), stream.uniform()];
                let grid = masks::Grid { lambda, cells, cell_aspect, area, aspect, place };
                Draw::Mask { lambda, mask: masks::grid(width, height, grid) }
            }
            Self::CutThumbnail { size, share, .. } => {
                let [w, h] = [width, height].map(|side| ((side as f64 * size).round() as usize).max(1));
                let [x, y] = [stream.below(width - w + 1), stream.below(height - h + 1)];
                Draw::Box { lambda: 1.0 - share, pasted: [x, y, x + w, y + h], way: Way::Whole }
            }
            Self::Snapmix { alpha, weighted, .. } => {
                let lambdas = [stream.beta(alpha, alpha), stream.beta(alpha, alpha)];
                let [pasted, cut] = lambdas.map(|lambda| {
                    let side = (1.0 - lambda).sqrt();
                    let draw = BoxDraw { sides: [side, side], centre: centre(stream, scene) };
                    boxes::around(width, height, draw)
                });
                Draw::Semantic { pasted, cut, weighted }
            }
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
                ..
            } => {
                let lambda = stream.beta(alpha, alpha);
                let side = block_num.get(stream.below(block_num.len())).copied().unwrap_or(1);
                let transport = transport.then_some((t_eps, t_size));
                let settings = puzzle::Settings { n_labels, beta, gamma, eta, neigh_size, transport };
                Draw::Blocks { side, lambda, settings }
            }
            // Chosen before anything is drawn.
            Self::OneOf { .. } => Draw::Blend { lambda: 1.0 },
        }
    }

    /// Draws what happens to every image of a batch.
    fn plan(&self, batch: &PixelBatch, address: &Address, answers: &Answers) -> Vec<Planned> {
        let n = address.ids.len();
        let Some(common) = self.common() else { return self.plan_one_of(batch, address, answers) };
        if let Self::Timm { off_epoch, .. } = *self
            && off_epoch != 0
            && address.epoch >= off_epoch
        {
            return (0..n).map(Planned::unmixed).collect();
        }
        let own = matches!(self, Self::CutThumbnail { thumbnail: Thumbnail::Own, .. });
        let Common { operation, probability, mode, partner, correct } = common;
        let partners =
            if own { (0..n).collect() } else { partners(partner, mode == LambdaMode::PerPair, n, address) };
        // None where the coin says no. `source` is the image whose content may decide.
        let draw = |mut stream: Stream, source: usize| {
            let scene =
                Scene { width: batch.width(), height: batch.height(), source: batch.image_values(source) };
            stream.coin(probability).then(|| self.draw(&mut stream, &scene)).map(Arc::new)
        };
        let draws: Vec<Option<Arc<Draw>>> = match mode {
            LambdaMode::PerBatch => {
                vec![draw(address.of_batch(operation), partners.first().copied().unwrap_or(0)); n]
            }
            LambdaMode::PerImage => (0..n)
                .into_par_iter()
                .map(|index| draw(address.of_image(operation, index), partners[index]))
                .collect(),
            // Both ends of a pair read the stream of the earlier one.
            LambdaMode::PerPair => (0..n)
                .into_par_iter()
                .map(|index| {
                    let (first, second) = (index.min(partners[index]), index.max(partners[index]));
                    draw(address.of_image(operation, first), second)
                })
                .collect(),
        };
        let stage = self.stage(address);
        let known = Known::of(self, batch, &draws, answers);
        let plan = |index: usize| {
            let partner = partners[index];
            let Some(draw) = draws[index].as_deref().filter(|_| own || partner != index) else {
                return Planned::unmixed(index);
            };
            let of = |lambda: f64, pasted, mask, way| Planned {
                mixed: Mixed {
                    partner,
                    lambda: if own { 1.0 } else { lambda as f32 },
                    pasted,
                    mask,
                    stage,
                    weight: 1.0,
                },
                way: if stage == 0 { way } else { Way::Keep },
            };
            match draw {
                Draw::Blend { lambda } => of(*lambda, None, None, Way::Blend),
                Draw::Box { lambda, pasted, way } => {
                    let outside = share_outside(*pasted, batch.width(), batch.height());
                    let lambda = if correct { outside } else { *lambda };
                    of(lambda, (area(*pasted) > 0).then_some(*pasted), None, way.clone())
                }
                Draw::Mask { lambda, mask } => {
                    let lambda = if correct { 1.0 - masks::mean(mask) } else { *lambda };
                    of(lambda, None, Some(mask.as_slice().into()), Way::Blend)
                }
                // Nothing to paste, or nowhere.
                Draw::Semantic { pasted, cut, .. } if area(*pasted) == 0 || area(*cut) == 0 => {
                    Planned::unmixed(index)
                }
                Draw::Semantic { pasted, cut, weighted } => {
                    let (evidence, size) = (&known.evidence, [batch.width(), batch.height()]);
                    let of_image = |index: usize| evidence.get(index).and_then(Option::as_ref);
                    let [kept, brought] =
                        semantic::shares(of_image(index), of_image(partner), *pasted, *cut, size);
                    let weight = kept + brought;
                    // Nothing of either is seen: the area says what of each there is, though it counts for nothing.
                    let outside = share_outside(*pasted, batch.width(), batch.height());
                    let lambda = if weight > 0.0 { kept / weight } else { outside };
                    let mut planned = of(lambda, Some(*pasted), None, Way::Resized(*cut));
                    if *weighted {
                        planned.mixed.weight = weight as f32;
                    }
                    planned
                }
                Draw::Blocks { side, lambda, settings } => {
                    let piece = |index: usize| Piece {
                        pixels: batch.image_values(index),
                        saliency: known.saliency.get(index).map(Vec::as_slice),
                    };
                    let size = [batch.width(), batch.height()];
                    let puzzle = Puzzle::new(piece(index), piece(partner), size, *side, *lambda, settings);
                    let mask = Arc::clone(&puzzle.mask);
                    of(1.0 - masks::mean(&mask), None, Some(mask), Way::Puzzle(Arc::new(puzzle)))
                }
            }
        };
        (0..n).into_par_iter().map(plan).collect()
    }

    /// Which of several mixers is chosen for each image.
    fn chosen(&self, address: &Address) -> Vec<Option<usize>> {
        let n = address.ids.len();
        let Self::OneOf { mixers, weights, probability, each } = self else { return vec![None; n] };
        let choose = |mut stream: Stream| -> Option<usize> {
            if !stream.coin(*probability) {
                return None;
            }
            let weight = |index: usize| weights.get(index).copied().unwrap_or(1.0);
            let total: f64 = (0..mixers.len()).map(weight).sum();
            let mut at = stream.uniform() * total;
            (0..mixers.len()).find(|&index| {
                at -= weight(index);
                at < 0.0
            })
        };
        match each {
            Each::Batch => vec![choose(address.of_batch("mix/one-of")); n],
            Each::Image => (0..n).map(|index| choose(address.of_image("mix/one-of", index))).collect(),
        }
    }

    /// Lets each mixer plan for the images it was chosen for.
    fn plan_one_of(&self, batch: &PixelBatch, address: &Address, answers: &Answers) -> Vec<Planned> {
        let chosen = self.chosen(address);
        let mut result: Vec<Planned> = (0..chosen.len()).map(Planned::unmixed).collect();
        let Self::OneOf { mixers, .. } = self else { return result };
        for (number, mixer) in mixers.iter().enumerate() {
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

/// What the network's answers mean, image by image; empty where nobody asked or nothing was answered.
#[derive(Default)]
struct Known {
    /// SnapMix: where the image's class is seen.
    evidence: Vec<Option<Evidence>>,
    /// PuzzleMix: saliency of each pixel.
    saliency: Vec<Vec<f64>>,
}

impl Known {
    fn of(mixer: &Mixer, batch: &PixelBatch, draws: &[Option<Arc<Draw>>], answers: &Answers) -> Self {
        let mut known = Self::default();
        if draws.iter().all(Option::is_none) {
            return known;
        }
        match (mixer, &answers.activation_maps, &answers.input_gradient) {
            (Mixer::Snapmix { .. }, Some(maps), _) => {
                let of = |index| Evidence::of(maps, index, batch.width(), batch.height());
                known.evidence = (0..batch.len()).into_par_iter().map(of).collect();
            }
            (Mixer::Puzzlemix { .. }, _, Some(gradient)) => {
                known.saliency = gradient.par_chunks_exact(batch.image_len()).map(puzzle::saliency).collect();
            }
            _ => {}
        }
        known
    }
}

/// Floats of each image that are mixed at a time, about: all images together, as they were and as they become, stay in the
/// second cache.
const SPAN: usize = 2048;

vectorised! {
    /// `own · image + (1 − own) · other`.
    fn between(image: &mut [f32], other: &[f32], own: f32) {
        let rest = 1.0 - own;
        for (value, other) in image.iter_mut().zip(other) {
            *value = own * *value + rest * other;
        }
    }
}

vectorised! {
    /// The same with a share of the other at each pixel: exactly the one or the other at the ends.
    fn masked(image: &mut [f32], other: &[f32], rest: &[f32]) {
        let pixels = image.as_chunks_mut::<3>().0.iter_mut().zip(other.as_chunks::<3>().0);
        for ((pixel, other), &rest) in pixels.zip(rest) {
            for (value, other) in pixel.iter_mut().zip(other) {
                *value = (1.0 - rest) * *value + rest * other;
            }
        }
    }
}

/// What goes into each image's box, or in place of the whole image, where that is no part of the partner as it is; made while no
/// image has changed yet.
fn patches(batch: &PixelBatch, mixes: &[Planned]) -> Vec<Vec<f32>> {
    let (width, height) = (batch.width(), batch.height());
    let patch = |(index, planned): (usize, &Planned)| {
        let image = batch.image_values(planned.mixed.partner);
        match (&planned.way, planned.mixed.pasted) {
            (Way::Puzzle(puzzle), _) => puzzle.assemble(batch.image_values(index), image),
            (Way::Whole, Some([x0, y0, x1, y1])) => {
                resample::nearest(image, [width, height], [x1 - x0, y1 - y0])
            }
            (Way::Resized(cut), Some([x0, y0, x1, y1])) => {
                resample::corner_aligned(image, width, *cut, [x1 - x0, y1 - y0])
            }
            _ => Vec::new(),
        }
    };
    mixes.par_iter().enumerate().map(patch).collect()
}

impl Planned {
    /// Mixes rows of an image from row `first` on with the same rows of its partner, or with what is in its patch.
    fn mix_rows(&self, rows: &mut [f32], partner: &[f32], patch: &[f32], first: usize, width: usize) {
        let row = width * 3;
        match (&self.way, self.mixed.pasted) {
            (Way::Keep, _) => {}
            (Way::Blend, _) => match &self.mixed.mask {
                None => between(rows, partner, self.mixed.lambda),
                Some(mask) => masked(rows, partner, &mask[first * width..]),
            },
            (Way::Puzzle(_), _) => rows.copy_from_slice(&patch[first * row..][..rows.len()]),
            (Way::Window | Way::Whole | Way::Resized(_), None) => {}
            (way, Some([x0, y0, x1, y1])) => {
                let box_row = (x1 - x0) * 3;
                for (number, into) in rows.chunks_exact_mut(row).enumerate() {
                    let y = first + number;
                    if !(y0..y1).contains(&y) {
                        continue;
                    }
                    let from = match way {
                        Way::Window => &partner[number * row + x0 * 3..][..box_row],
                        _ => &patch[(y - y0) * box_row..][..box_row],
                    };
                    into[x0 * 3..x1 * 3].copy_from_slice(from);
                }
            }
        }
    }
}

/// Does what was planned to images and labels, and `more` to all pixels afterwards. Every partner is read as it was before anything
/// was mixed.
fn apply(batch: &mut PixelBatch, targets: &mut Targets, mixes: &[Planned], more: impl Fn(&mut [f32]) + Sync) {
    let patches = patches(batch, mixes);
    let (width, image_len) = (batch.width(), batch.image_len());
    let rows = (SPAN / (width * 3)).max(1);
    let span = rows * width * 3;
    // The same rows of all images.
    let mut spans: Vec<Vec<&mut [f32]>> = Vec::new();
    spans.resize_with(image_len.div_ceil(span), || Vec::with_capacity(mixes.len()));
    for image in batch.values_mut().chunks_exact_mut(image_len) {
        spans.iter_mut().zip(image.chunks_mut(span)).for_each(|(span, part)| span.push(part));
    }
    spans.into_par_iter().enumerate().for_each_init(Vec::new, |before, (number, parts)| {
        let len = parts[0].len();
        before.clear();
        parts.iter().for_each(|part| before.extend_from_slice(part));
        for ((part, planned), patch) in parts.into_iter().zip(mixes).zip(&patches) {
            let partner = &before[planned.mixed.partner * len..][..len];
            planned.mix_rows(part, partner, patch, number * rows, width);
            more(part);
        }
    });
    targets.blend(mixes.iter().map(|planned| (planned.mixed.partner, planned.mixed.lambda)));
}

/// Draws and mixes, and does `more` to rows of pixels once they are mixed.
pub(crate) fn mix(
    mixer: &Mixer,
    batch: &mut PixelBatch,
    targets: &mut Targets,
    address: &Address,
    answers: &Answers,
    more: impl Fn(&mut [f32]) + Sync,
) -> Result<Vec<Mixed>, BatchError> {
    if batch.len() != targets.len() || batch.len() != address.ids.len() {
        return Err(BatchError::LengthsDiffer {
            images: batch.len(),
            targets: targets.len(),
            ids: address.ids.len(),
        });
    }
    answers.check(batch)?;
    let mixes = mixer.plan(batch, address, answers);
    apply(batch, targets, &mixes, more);
    Ok(mixes.into_iter().map(|planned| planned.mixed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, counts, floats, list, number, read};

    fn address(ids: &[u64]) -> Address<'_> {
        Address { seed: 9, epoch: 4, batch: 2, ids }
    }

    fn cutmix(lambda: LambdaMode, partner: Partner, probability: f64) -> Mixer {
        Mixer::Cutmix { alpha: 1.0, probability, lambda, partner, correct_label: true }
    }

    fn mixup(lambda: LambdaMode, partner: Partner, probability: f64) -> Mixer {
        Mixer::Mixup { alpha: 1.0, probability, lambda, partner }
    }

    /// What a mixer plans for grey images.
    fn plan(mixer: &Mixer, width: usize, height: usize, address: &Address) -> Vec<Mixed> {
        let batch = PixelBatch::from_parts(width, height, vec![0.5; address.ids.len() * width * height * 3]);
        mixer.plan(&batch, address, &Answers::default()).into_iter().map(|planned| planned.mixed).collect()
    }

    #[test]
    fn boxes_are_torchvisions_for_the_same_lambda_and_centre() {
        let fixture = read("mixers.json");
        for case in list(&fixture["boxes"]) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let side = (1.0 - number(&case["lambda"])).sqrt();
            let pasted = boxes::around(
                width,
                height,
                BoxDraw { sides: [side, side], centre: counts(&case["centre"]) },
            );
            assert_eq!(pasted, counts(&case["box"]), "{case}");
            // One rounding in f64.
            assert!((share_outside(pasted, width, height) - number(&case["corrected"])).abs() < 1e-15);
        }
    }

    #[test]
    fn notebook_boxes_are_the_notebooks_for_the_same_draws() {
        let fixture = read("mixers.json");
        for case in list(&fixture["notebook_boxes"]) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let sides = [(1.0 - number(&case["u"][0])).sqrt(), (1.0 - number(&case["u"][1])).sqrt()];
            let pasted = boxes::around(width, height, BoxDraw { sides, centre: counts(&case["centre"]) });
            assert_eq!(pasted, counts(&case["box"]), "{case}");
            assert!((share_outside(pasted, width, height) - number(&case["lambda"])).abs() < 1e-15);
        }
    }

    #[test]
    fn batches_are_mixed_as_torchvision_and_timm_mix_them() {
        let fixture = &read("mixers.json")["batch"];
        let (width, height, classes) =
            (count(&fixture["width"]), count(&fixture["height"]), count(&fixture["classes"]));
        let labels: Vec<usize> = list(&fixture["labels"]).iter().map(count).collect();
        for case in list(&fixture["batches"]) {
            let way = if case["kind"] == "mixup" { Way::Blend } else { Way::Window };
            let mixes: Vec<Planned> = (0..labels.len())
                .map(|i| Planned {
                    mixed: Mixed {
                        partner: count(&case["partner"][i]),
                        lambda: number(&case["lambda"][i]) as f32,
                        pasted: case["boxes"].get(i).map(counts),
                        ..Mixed::unmixed(i)
                    },
                    way: way.clone(),
                })
                .collect();
            let mut batch = PixelBatch::from_parts(width, height, floats(&fixture["images"]));
            let mut targets = Targets::one_hot(&labels, classes).unwrap();
            apply(&mut batch, &mut targets, &mixes, |_| ());
            // Two f32 roundings of values below one; pasted pixels are exact.
            let bound = if case["kind"] == "mixup" { 2e-7 } else { 0.0 };
            assert_close(batch.values(), &floats(&case["mixed"]), bound, &format!("{}", case["kind"]));
            assert_close(targets.values(), &floats(&case["targets"]), 2e-7, "targets");
        }
    }

    #[test]
    fn images_longer_than_a_span_are_blended_whole() {
        let (width, height) = (97, 163);
        let len = width * height * 3;
        assert!(len > 3 * SPAN && height % (SPAN / (3 * width)) != 0);
        let values: Vec<f32> = (0..2 * len).map(|i| (i % 1009) as f32 / 1009.0).collect();
        let mut batch = PixelBatch::from_parts(width, height, values.clone());
        let of = |partner, lambda| Planned {
            mixed: Mixed { partner, lambda, ..Mixed::unmixed(0) },
            way: Way::Blend,
        };
        let mixes = [of(1, 0.25), of(0, 0.75)];
        let mut targets = Targets::one_hot(&[0, 1], 2).unwrap();
        apply(&mut batch, &mut targets, &mixes, |values| values.iter_mut().for_each(|value| *value += 1.0));
        for (i, &value) in batch.values().iter().enumerate() {
            let (own, other) = (values[i], values[(i + len) % (2 * len)]);
            let lambda = mixes[i / len].mixed.lambda;
            assert_eq!(value, (lambda * own + (1.0 - lambda) * other) + 1.0);
        }
    }

    /// Mean share of the image inside the box.
    fn mean_area(mixer: &Mixer, size: usize) -> f64 {
        let draws = 100_000;
        let scene = Scene { width: size, height: size, source: &[] };
        let total: f64 = (0..draws)
            .map(|sample| match mixer.draw(&mut Stream::new(11, "mean-area", 0, sample), &scene) {
                Draw::Box { pasted, .. } => 1.0 - share_outside(pasted, size, size),
                _ => panic!("no box"),
            })
            .sum();
        total / draws as f64
    }

    #[test]
    fn the_mean_pasted_area_of_cutmix_at_alpha_1_is_the_papers() {
        let integers = mean_area(&cutmix(LambdaMode::PerImage, Partner::Roll, 1.0), 224);
        // 0.318 ± 0.002.
        assert!((0.316..=0.320).contains(&integers), "{integers}");
        // So large that rounding to pixels does not show.
        let continuous = mean_area(&cutmix(LambdaMode::PerImage, Partner::Roll, 1.0), 1 << 20);
        assert!((continuous - 0.321).abs() < 0.002, "{continuous}");
    }

    #[test]
    fn the_mean_pasted_area_of_the_notebooks_cutmix_is_the_notebooks() {
        let notebook = Mixer::CutmixNotebook { probability: 1.0, partner: Partner::Uniform };
        let integers = mean_area(&notebook, 224);
        assert!((integers - 0.290).abs() < 0.002, "{integers}");
        let continuous = mean_area(&notebook, 1 << 20);
        assert!((continuous - 0.293).abs() < 0.002, "{continuous}");
    }

    #[test]
    fn an_image_keeps_its_draws_in_whatever_batch_it_stands() {
        let mixer = mixup(LambdaMode::PerImage, Partner::Roll, 0.7);
        let here = plan(&mixer, 8, 8, &address(&[5, 6, 7, 8]));
        let there = plan(&mixer, 8, 8, &Address { batch: 77, ..address(&[7, 1, 5]) });
        assert_eq!((here[2].lambda, here[0].lambda), (there[0].lambda, there[2].lambda));
    }

    #[test]
    fn a_batch_shares_its_lambda_and_box_where_that_is_asked_for() {
        let ids: Vec<u64> = (0..12).collect();
        let mixes = plan(&cutmix(LambdaMode::PerBatch, Partner::Reverse, 1.0), 32, 20, &address(&ids));
        assert!(mixes.iter().all(|m| m.lambda == mixes[0].lambda && m.pasted == mixes[0].pasted));
        let mixes = plan(&cutmix(LambdaMode::PerImage, Partner::Reverse, 1.0), 32, 20, &address(&ids));
        assert!(mixes.iter().any(|m| m.lambda != mixes[0].lambda));
    }

    #[test]
    fn pairs_meet_each_other_with_one_lambda_and_one_box() {
        for (n, partner) in [(12, Partner::Permutation), (13, Partner::Permutation), (13, Partner::Reverse)] {
            let ids: Vec<u64> = (100..100 + n).collect();
            let mixes = plan(&cutmix(LambdaMode::PerPair, partner, 0.8), 64, 64, &address(&ids));
            let alone = mixes.iter().enumerate().filter(|(i, m)| m.partner == *i).count();
            assert!(alone < mixes.len(), "some are mixed");
            for (i, mixed) in mixes.iter().enumerate() {
                let partner = &mixes[mixed.partner];
                if mixed.partner != i {
                    assert_eq!(partner.partner, i);
                    assert_eq!((partner.lambda, partner.pasted), (mixed.lambda, mixed.pasted));
                }
            }
            let who = partners(partner, true, ids.len(), &address(&ids));
            assert_eq!(who.iter().enumerate().filter(|(i, p)| *i == **p).count(), ids.len() % 2);
        }
    }

    #[test]
    fn a_permutation_makes_every_image_a_partner_once() {
        for n in [1, 2, 3, 16, 17] {
            let ids: Vec<u64> = (0..n).collect();
            for paired in [false, true] {
                let mut who = partners(Partner::Permutation, paired, ids.len(), &address(&ids));
                who.sort_unstable();
                assert_eq!(who, (0..ids.len()).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn uniform_partners_meet_themselves_once_in_a_batch() {
        let (n, batches) = (16, 2000);
        let mut alone = 0;
        for batch in 0..batches {
            let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
            let who = partners(Partner::Uniform, false, ids.len(), &Address { batch, ..address(&ids) });
            alone += who.iter().enumerate().filter(|(i, p)| *i == **p).count();
        }
        // Binomial(32,000, 1/16): mean 2000, standard deviation 43.
        assert!(alone.abs_diff(2000) < 220, "{alone}");
    }

    #[test]
    fn rolled_and_reversed_partners_are_where_they_should_be() {
        let ids = [0, 1, 2, 3];
        assert_eq!(partners(Partner::Roll, false, 4, &address(&ids)), [3, 0, 1, 2]);
        assert_eq!(partners(Partner::Reverse, false, 4, &address(&ids)), [3, 2, 1, 0]);
    }

    /// Share of images that are mixed over many batches.
    fn mixed_share(mixer: &Mixer) -> f64 {
        let (n, batches) = (16u64, 4000);
        let mut mixed = 0;
        for batch in 0..batches {
            let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
            let mixes = plan(mixer, 8, 8, &Address { batch, ..address(&ids) });
            mixed += mixes.iter().enumerate().filter(|(i, m)| m.partner != *i).count();
        }
        mixed as f64 / (n * batches) as f64
    }

    #[test]
    fn the_probability_is_the_share_that_is_mixed() {
        let notebook = Mixer::CutmixNotebook { probability: 0.3, partner: Partner::Reverse };
        assert!((mixed_share(&notebook) - 0.3).abs() < 0.01);
        for probability in [0.0, 0.3, 1.0] {
            for mode in [LambdaMode::PerImage, LambdaMode::PerBatch, LambdaMode::PerPair] {
                // Whole batches of 16: 4000 coins, standard error 0.007.
                let bound = if probability == 0.3 { 0.025 } else { 0.0 };
                for mixer in [mixup, cutmix] {
                    let share = mixed_share(&mixer(mode, Partner::Reverse, probability));
                    assert!((share - probability).abs() <= bound, "{mode:?} {probability}: {share}");
                }
            }
        }
    }

    #[test]
    fn the_uncorrected_label_keeps_the_drawn_lambda() {
        let ids: Vec<u64> = (0..500).collect();
        let of = |correct_label| {
            let (alpha, probability) = (1.0, 1.0);
            let (lambda, partner) = (LambdaMode::PerImage, Partner::Reverse);
            let mixer = Mixer::Cutmix { alpha, probability, lambda, partner, correct_label };
            plan(&mixer, 224, 224, &address(&ids))
        };
        let mean =
            |mixes: &[Mixed]| mixes.iter().map(|m| f64::from(m.lambda)).sum::<f64>() / mixes.len() as f64;
        let (drawn, corrected) = (of(false), of(true));
        assert!(drawn.iter().zip(&corrected).all(|(d, c)| d.pasted == c.pasted), "the same boxes");
        // Beta(1, 1) has mean 0.5; clipping leaves more of the image: 1 − 0.318. Standard error 0.013.
        assert!((mean(&drawn) - 0.5).abs() < 0.05 && (mean(&corrected) - 0.682).abs() < 0.05);
    }

    #[test]
    fn what_does_not_belong_together_is_not_mixed() {
        let mut batch = PixelBatch::from_parts(1, 1, vec![0.0; 6]);
        let mut targets = Targets::one_hot(&[0, 0], 1).unwrap();
        let mixer = mixup(LambdaMode::PerImage, Partner::Roll, 1.0);
        let error =
            mix(&mixer, &mut batch, &mut targets, &address(&[1]), &Answers::default(), |_| ()).unwrap_err();
        assert_eq!(error, BatchError::LengthsDiffer { images: 2, targets: 2, ids: 1 });
    }

    #[test]
    fn timms_batches_come_out_as_timm_mixes_them_in_every_mode() {
        let fixture = &read("timm-mixers.json")["batch"];
        let (width, height, classes) =
            (count(&fixture["width"]), count(&fixture["height"]), count(&fixture["classes"]));
        let labels: Vec<usize> = list(&fixture["labels"]).iter().map(count).collect();
        let n = labels.len();
        let (mut boxes, mut blends) = (0, 0);
        for case in list(&fixture["batches"]) {
            let mixes: Vec<Planned> = (0..n)
                .map(|i| {
                    let pasted: Option<[usize; 4]> =
                        case["boxes"].get(i).filter(|b| !b.is_null()).map(counts);
                    let lambda = number(&case["lambda"][i]) as f32;
                    let way = if pasted.is_some() { Way::Window } else { Way::Blend };
                    boxes += usize::from(pasted.is_some());
                    blends += usize::from(pasted.is_none() && lambda < 1.0);
                    let pasted = pasted.filter(|b| area(*b) > 0);
                    Planned { mixed: Mixed { partner: n - 1 - i, lambda, pasted, ..Mixed::unmixed(i) }, way }
                })
                .collect();
            let mut batch = PixelBatch::from_parts(width, height, floats(&fixture["images"]));
            let mut targets = Targets::one_hot(&labels, classes).unwrap();
            apply(&mut batch, &mut targets, &mixes, |_| ());
            // A few f32 roundings of values below one.
            assert_close(batch.values(), &floats(&case["mixed"]), 4e-7, &case["mode"].to_string());
            assert_close(targets.values(), &floats(&case["targets"]), 4e-7, "targets");
        }
        assert!(boxes > 10 && blends > 10, "{boxes} boxes, {blends} blends");
    }

    fn timm(mode: TimmMode) -> Mixer {
        Mixer::Timm {
            mixup_alpha: 0.8,
            cutmix_alpha: 1.0,
            cutmix_minmax: None,
            probability: 0.5,
            switch_probability: 0.25,
            mode,
            correct_label: true,
            off_epoch: 3,
        }
    }

    #[test]
    fn timms_switch_mixes_pairs_as_often_as_asked_for_and_stops_at_its_epoch() {
        for mode in [TimmMode::Batch, TimmMode::Pair, TimmMode::Elem] {
            let (n, batches) = (8u64, 4000);
            let (mut mixed, mut boxed) = (0usize, 0usize);
            for batch in 0..batches {
                let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
                let address = Address { epoch: 2, batch, ..address(&ids) };
                let mixes = plan(&timm(mode), 64, 64, &address);
                for (i, mix) in mixes.iter().enumerate().filter(|(i, mix)| mix.partner != *i) {
                    assert_eq!(mix.partner, ids.len() - 1 - i);
                    mixed += 1;
                    boxed += usize::from(mix.pasted.is_some());
                }
                if mode == TimmMode::Pair {
                    assert_eq!(mixes[0].lambda, mixes[7].lambda);
                    assert_eq!(mixes[0].pasted, mixes[7].pasted);
                }
                let later = Address { epoch: 3, batch, ..address };
                assert!(
                    plan(&timm(mode), 8, 8, &later).iter().enumerate().all(|(i, m)| *m == Mixed::unmixed(i))
                );
            }
            let all = (n * batches) as f64;
            // Whole batches: 4000 coins, standard error 0.008.
            assert!((mixed as f64 / all - 0.5).abs() < 0.035, "{mode:?} {mixed}");
            // Beta(1, 1) boxes below a pixel are rare at 64 px.
            assert!((boxed as f64 / mixed as f64 - 0.25).abs() < 0.05, "{mode:?} {boxed}");
        }
        let ids = [1, 2, 3];
        assert_eq!(plan(&timm(TimmMode::Elem), 8, 8, &address(&ids))[1], Mixed::unmixed(1), "the odd one");
    }

    #[test]
    fn one_of_several_is_chosen_by_weight_for_each_batch_or_image() {
        let mixers = vec![
            mixup(LambdaMode::PerImage, Partner::Reverse, 1.0),
            cutmix(LambdaMode::PerImage, Partner::Reverse, 1.0),
        ];
        for each in [Each::Batch, Each::Image] {
            let weights = vec![3.0, 1.0];
            let mixer = Mixer::OneOf { mixers: mixers.clone(), weights, probability: 0.8, each };
            let (n, batches) = (8u64, 4000);
            let (mut still, mut boxed, mut both) = (0usize, 0usize, 0usize);
            for batch in 0..batches {
                let ids: Vec<u64> = (0..n).map(|i| batch * n + i).collect();
                let mixes = plan(&mixer, 64, 64, &Address { batch, ..address(&ids) });
                let alone = mixes.iter().enumerate().filter(|(i, m)| m.partner == *i).count();
                let boxes = mixes.iter().filter(|m| m.pasted.is_some()).count();
                (still, boxed) = (still + alone, boxed + boxes);
                both += usize::from(boxes > 0 && boxes < mixes.len() - alone);
            }
            let all = (n * batches) as f64;
            assert!((still as f64 / all - 0.2).abs() < 0.03, "{each:?} {still}");
            assert!((boxed as f64 / all - 0.2).abs() < 0.03, "{each:?} {boxed}");
            // A box of no pixels looks like no box: allowed for.
            assert_eq!(both * 5 > 4000, each == Each::Image, "{both}");
        }
    }

    /// Mean share of a mixer's label that is the partner's.
    fn mean_share(mixer: &Mixer) -> f64 {
        let ids: Vec<u64> = (0..4000).collect();
        let mixes = plan(mixer, 32, 32, &address(&ids));
        mixes.iter().map(|m| 1.0 - f64::from(m.lambda)).sum::<f64>() / ids.len() as f64
    }

    #[test]
    fn mean_shares_are_those_of_the_definitions() {
        let (lambda, partner) = (LambdaMode::PerImage, Partner::Roll);
        let (alpha, probability, correct_label) = (1.0, 1.0, false);
        // E[tau²] for tau uniform in [0.1, 0.8]: (0.8³ − 0.1³) / (3 · 0.7).
        let scale = [0.1, 0.8];
        let resize = Mixer::Resizemix { scale, alpha: None, probability, lambda, partner, correct_label };
        assert!((mean_share(&resize) - 0.2433).abs() < 0.01);
        for max_soft in [0.0, 0.3] {
            for correct_label in [true, false] {
                let (decay, alpha) = (3.0, 0.5);
                let fmix =
                    Mixer::Fmix { alpha, decay, max_soft, probability, lambda, partner, correct_label };
                // Beta(½, ½): mean a half, standard error 0.006.
                assert!((mean_share(&fmix) - 0.5).abs() < 0.025);
            }
        }
        let thumbnail = Thumbnail::Partner;
        let share = 0.25;
        let size = 0.5;
        let thumb =
            Mixer::CutThumbnail { size, thumbnail, share, probability, lambda, partner, correct_label };
        assert_eq!(mean_share(&thumb), 0.25);
        let cells = [4, 4];
        let [cell_aspect, area, aspect] = [[1.0, 1.0]; 3];
        let correct_label = true;
        let grid = Mixer::Gridmix {
            alpha,
            cells,
            cell_aspect,
            area,
            aspect,
            probability,
            lambda,
            partner,
            correct_label,
        };
        // Cells of 8 px; holes of floor(8 · sqrt(u)), 1 to 7 px: E = Σ k² · P(k) / 64 = 0.4297.
        assert!((mean_share(&grid) - 0.43).abs() < 0.015, "{}", mean_share(&grid));
    }

    #[test]
    fn manifold_mixup_chooses_its_place_once_a_batch_and_each_equally_often() {
        let stages = vec![0, 2, 3];
        let mixer = |lambda| Mixer::ManifoldMixup {
            alpha: 2.0,
            stages: stages.clone(),
            probability: 1.0,
            lambda,
            partner: Partner::Roll,
        };
        let mut counts = [0usize; 4];
        let ids = [4, 9, 2];
        let pixels = PixelBatch::from_parts(2, 1, (0..18).map(|v| v as f32 / 18.0).collect());
        for batch in 0..3000 {
            let address = Address { batch, ..address(&ids) };
            let lambda = if batch % 2 == 0 { LambdaMode::PerBatch } else { LambdaMode::PerImage };
            let (mut after, mut targets) = (pixels.clone(), Targets::one_hot(&[0, 1, 2], 3).unwrap());
            let mixes =
                mix(&mixer(lambda), &mut after, &mut targets, &address, &Answers::default(), |_| ()).unwrap();
            assert!(mixes.iter().all(|m| m.stage == mixes[0].stage));
            counts[mixes[0].stage] += 1;
            // Labels are mixed wherever it happens, pixels only at stage 0.
            assert_eq!(after == pixels, mixes[0].stage > 0);
            assert!(mixes.iter().enumerate().all(|(i, m)| targets.row(i).unwrap()[i] == m.lambda));
            let same = mixes.iter().all(|m| m.lambda == mixes[0].lambda);
            assert_eq!(same, lambda == LambdaMode::PerBatch);
        }
        // A thousand each; standard deviation 26.
        assert!(counts[1] == 0 && [0, 2, 3].iter().all(|&k| counts[k].abs_diff(1000) < 130), "{counts:?}");
        let several = Mixer::OneOf {
            mixers: vec![cutmix(LambdaMode::PerImage, Partner::Roll, 1.0), mixer(LambdaMode::PerBatch)],
            weights: Vec::new(),
            probability: 1.0,
            each: Each::Batch,
        };
        let keyed = several.stages();
        assert_eq!(keyed, [("mixers[1].stages[1]".to_owned(), 2), ("mixers[1].stages[2]".to_owned(), 3)]);
    }

    #[test]
    fn saliencymix_puts_the_box_where_the_partner_is_salient() {
        let (width, height) = (48, 40);
        let values: Vec<f32> =
            (0..2 * width * height * 3).map(|i| (i * 7919 % 1013) as f32 / 1013.0).collect();
        let partner = saliency::most_salient(&values[width * height * 3..], width, height);
        let batch = PixelBatch::from_parts(width, height, values);
        let mixer = Mixer::Saliencymix {
            alpha: 1e6,
            probability: 1.0,
            lambda: LambdaMode::PerImage,
            partner: Partner::Reverse,
            correct_label: true,
        };
        let planned = mixer.plan(&batch, &address(&[0, 1]), &Answers::default());
        // Half of the area.
        let sides = [0.5f64.sqrt(); 2];
        let expected = boxes::around(width, height, BoxDraw { sides, centre: partner });
        let pasted = planned[0].mixed.pasted.unwrap();
        assert!(pasted.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1), "{pasted:?} {expected:?}");
    }
}

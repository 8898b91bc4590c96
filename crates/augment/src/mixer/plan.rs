//! How a batch is mixed: what every mixer decides for itself, and what is decided for all of them in the same way.

use std::sync::Arc;

use bakeoff_random::Stream;
use rayon::prelude::*;

use super::blend::{PixelChange, Planned};
use super::boxes::{area, share_outside};
use super::options::{Options, Paired, Pairing};
use super::{Answers, LambdaMode, Mixed, Partner, Questions, masks};
use crate::shipped::Shipped;
use crate::{Address, PixelBatch};

/// A mixer whose images meet one partner each. One file holds all of it: options, defaults, checks, words, draws and what becomes of
/// them.
pub(super) trait Mix: Paired + Sync + Sized {
    /// What one image, pair or batch draws.
    type Draw: Send + Sync;
    /// What the network's answers mean; nothing where nobody asked or nothing was answered.
    type Guidance: Default + Sync;

    /// Names its random streams.
    const OPERATION: &'static str;

    /// A recipe of it alone, where it has a card of its own.
    fn recipe() -> Option<Shipped<Self>> {
        None
    }

    /// Tells everything wrong with its options.
    fn check(&self, options: &mut Options<'_>);

    /// One line for the plan and the report, with its numbers.
    fn describe(&self) -> String;

    /// What it may want to know of the network.
    fn questions(&self) -> Questions {
        Questions::default()
    }

    /// Where batches may be mixed, see [`Mixed::stage`]; one of these is drawn for each batch. None: the pixels.
    fn stages(&self) -> &[usize] {
        &[]
    }

    /// Whether nothing is mixed from some epoch on.
    fn is_off(&self, _epoch: u32) -> bool {
        false
    }

    /// Whether every image meets itself.
    fn meets_itself(&self) -> bool {
        false
    }

    /// Draws one mix.
    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> Self::Draw;

    /// What the network's answers mean for the images of a batch.
    fn guidance(&self, _batch: &PixelBatch, _answers: &Answers) -> Self::Guidance {
        Self::Guidance::default()
    }

    /// What becomes of an image that meets another; `None` where there is nothing to mix.
    fn mix(&self, draw: &Self::Draw, pair: &Pair<'_, Self::Guidance>) -> Option<Planned>;
}

/// What a drawing mixer sees.
pub(super) struct Scene<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The image whose content may decide: the partner.
    pub(super) source: &'a [f32],
}

impl Scene<'_> {
    /// A centre uniform over the pixels.
    pub(super) fn centre(&self, stream: &mut Stream) -> [usize; 2] {
        [stream.below(self.width), stream.below(self.height)]
    }
}

/// A box to be filled from the partner, and lambda as it was drawn.
pub(super) struct DrawnBox {
    pub(super) lambda: f64,
    pub(super) pasted: [usize; 4],
}

/// A mask of the partner's shares, and lambda as it was drawn.
pub(super) struct DrawnMask {
    pub(super) lambda: f64,
    pub(super) mask: Vec<f32>,
}

/// An image and its partner.
pub(super) struct Pair<'a, Guidance> {
    pub(super) index: usize,
    pub(super) partner: usize,
    pub(super) batch: &'a PixelBatch,
    pub(super) guidance: &'a Guidance,
}

impl<Guidance> Pair<'_, Guidance> {
    pub(super) fn size(&self) -> [usize; 2] {
        [self.batch.width(), self.batch.height()]
    }

    fn planned(&self, lambda: f64, change: PixelChange) -> Planned {
        let mixed = Mixed { partner: self.partner, lambda: lambda as f32, ..Mixed::unmixed(self.index) };
        Planned { mixed, change }
    }

    /// A weighted mean.
    pub(super) fn blend(&self, lambda: f64) -> Planned {
        self.planned(lambda, PixelChange::Blend)
    }

    /// A mean weighted by a mask; `correct`: the label follows its mean instead of the drawn lambda.
    pub(super) fn mask(&self, drawn: &DrawnMask, correct: bool) -> Planned {
        let lambda = if correct { 1.0 - masks::mean(&drawn.mask) } else { drawn.lambda };
        let mut planned = self.planned(lambda, PixelChange::Blend);
        planned.mixed.mask = Some(drawn.mask.as_slice().into());
        planned
    }

    /// A box that is filled; `correct`: the label follows its area instead of the drawn lambda.
    pub(super) fn paste(&self, drawn: &DrawnBox, correct: bool, change: PixelChange) -> Planned {
        let [width, height] = self.size();
        let outside = share_outside(drawn.pasted, width, height);
        let mut planned = self.planned(if correct { outside } else { drawn.lambda }, change);
        planned.mixed.pasted = (area(drawn.pasted) > 0).then_some(drawn.pasted);
        planned
    }
}

/// Who meets whom; `paired` asks for pairs that meet each other.
pub(super) fn partners(mode: Partner, paired: bool, n: usize, address: &Address) -> Vec<usize> {
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

/// What a batch asks of any mixer, whatever it draws.
pub(super) trait BatchMixer {
    fn check(&self, options: &mut Options<'_>);
    fn describe(&self) -> String;
    fn questions(&self) -> Questions;

    /// What it wants to know of a batch of at least two images: nothing where the draws leave every image alone.
    fn questions_of(&self, address: &Address<'_>) -> Questions;

    /// Whether one draw serves several images.
    fn is_shared(&self) -> bool;

    /// The stages of the network after which activations may be mixed, each with its key below the mixer's.
    fn stages(&self) -> Vec<(String, usize)>;

    /// Draws what happens to every image of a batch.
    fn plan(&self, batch: &PixelBatch, address: &Address<'_>, answers: &Answers) -> Vec<Planned>;
}

impl<M: Mix> BatchMixer for M {
    fn check(&self, options: &mut Options<'_>) {
        Mix::check(self, options);
    }

    fn describe(&self) -> String {
        Mix::describe(self)
    }

    fn questions(&self) -> Questions {
        Mix::questions(self)
    }

    fn questions_of(&self, address: &Address<'_>) -> Questions {
        let Pairing { probability, lambda, .. } = self.pairing();
        let mixes = match lambda {
            LambdaMode::PerBatch => address.of_batch(M::OPERATION).coin(probability),
            LambdaMode::PerImage | LambdaMode::PerPair => {
                (0..address.ids.len()).any(|index| address.of_image(M::OPERATION, index).coin(probability))
            }
        };
        if mixes { Mix::questions(self) } else { Questions::default() }
    }

    fn is_shared(&self) -> bool {
        // One place for a batch, whatever lambda.
        !Mix::stages(self).is_empty() || self.pairing().lambda != LambdaMode::PerImage
    }

    fn stages(&self) -> Vec<(String, usize)> {
        let keyed = Mix::stages(self).iter().enumerate();
        let keyed = keyed.map(|(index, &stage)| (format!("stages[{index}]"), stage));
        keyed.filter(|(_, stage)| *stage > 0).collect()
    }

    fn plan(&self, batch: &PixelBatch, address: &Address<'_>, answers: &Answers) -> Vec<Planned> {
        let n = address.ids.len();
        if self.is_off(address.epoch) {
            return (0..n).map(Planned::unmixed).collect();
        }
        let Pairing { probability, lambda, partner } = self.pairing();
        let own = self.meets_itself();
        let partners = match own {
            true => (0..n).collect(),
            false => partners(partner, lambda == LambdaMode::PerPair, n, address),
        };
        // None where the coin says no. `source` is the image whose content may decide.
        let draw = |mut stream: Stream, source: usize| {
            let scene =
                Scene { width: batch.width(), height: batch.height(), source: batch.image_values(source) };
            stream.coin(probability).then(|| Arc::new(self.draw(&mut stream, &scene)))
        };
        let draws: Vec<Option<Arc<M::Draw>>> = match lambda {
            LambdaMode::PerBatch => {
                vec![draw(address.of_batch(M::OPERATION), partners.first().copied().unwrap_or(0)); n]
            }
            LambdaMode::PerImage => (0..n)
                .into_par_iter()
                .map(|index| draw(address.of_image(M::OPERATION, index), partners[index]))
                .collect(),
            // Both ends of a pair read the stream of the earlier one.
            LambdaMode::PerPair => (0..n)
                .into_par_iter()
                .map(|index| {
                    let (first, second) = (index.min(partners[index]), index.max(partners[index]));
                    draw(address.of_image(M::OPERATION, first), second)
                })
                .collect(),
        };
        let stage = stage_of(self, address);
        let guidance = match draws.iter().any(Option::is_some) {
            true => self.guidance(batch, answers),
            false => M::Guidance::default(),
        };
        let plan = |index: usize| {
            let partner = partners[index];
            let draw = draws[index].as_deref().filter(|_| own || partner != index);
            let planned =
                draw.and_then(|draw| self.mix(draw, &Pair { index, partner, batch, guidance: &guidance }));
            let Some(mut planned) = planned else { return Planned::unmixed(index) };
            planned.mixed.stage = stage;
            if stage > 0 {
                planned.change = PixelChange::Keep;
            }
            planned
        };
        (0..n).into_par_iter().map(plan).collect()
    }
}

/// Where a batch is mixed.
fn stage_of<M: Mix>(mixer: &M, address: &Address<'_>) -> usize {
    let stages = Mix::stages(mixer);
    if stages.is_empty() {
        return 0;
    }
    stages[address.of_batch(&format!("{}/stage", M::OPERATION)).below(stages.len())]
}

//! What a network does on images that it is not trained on.

use bakeoff_augment::Pipeline;
use bakeoff_nn::Session;

use super::context::{TrialContext, TrialStop};
use crate::feed::{AHEAD, evaluation, prefetch};
use crate::judgement::Judgement;
use crate::predictions::Prediction;
use crate::stop::StopFlag;

/// Accuracy and loss on some images.
pub(super) struct Scores {
    pub(super) loss: f64,
    pub(super) top1: f64,
    pub(super) top5: f64,
    pub(super) predictions: Vec<Prediction>,
}

/// Evaluates images with running statistics. Every image counts, whatever the batch.
pub(super) fn scores(
    context: &TrialContext<'_>,
    stop: &StopFlag<'_>,
    pipeline: &Pipeline,
    session: &mut Session,
    samples: &[usize],
    keep: bool,
) -> Result<Scores, TrialStop> {
    let size = context.study.config.train.evaluation_batch().min(session.config().batch).max(1);
    let make = |chunk: &[usize]| evaluation(context.dataset, pipeline, chunk);
    let classes = context.dataset.classes().len();
    prefetch(context.pool, AHEAD, samples.chunks(size), make, |batches| {
        let mut scores = Scores { loss: 0.0, top1: 0.0, top5: 0.0, predictions: Vec::new() };
        let (mut top1, mut top5) = (0usize, 0usize);
        for (chunk, images) in samples.chunks(size).zip(batches) {
            if stop.raised() {
                return Err(TrialStop::Stopped);
            }
            let logits = session.infer(images?.values())?;
            for (&sample, logits) in chunk.iter().zip(logits.chunks(classes)) {
                let sample = &context.dataset.samples()[sample];
                let Some(judged) = Judgement::new(logits, sample.label) else {
                    return Err(TrialStop::Fail(format!(
                        "the network's output on {} is not finite: training diverged; lower train.optimizer.lr",
                        sample.id
                    )));
                };
                scores.loss += judged.loss;
                top1 += usize::from(judged.predicted == sample.label);
                top5 += usize::from(judged.rank <= 5);
                if keep {
                    scores.predictions.push(Prediction {
                        image: sample.id.clone(),
                        label: sample.label as u32,
                        predicted: judged.predicted as u32,
                        // In double precision: a network that is sure and wrong underflows a float, and the loss is lost.
                        probability: (-judged.loss).exp(),
                        rank: judged.rank as u32,
                        confidence: Some(judged.confidence),
                        sum_of_squares: Some(judged.sum_of_squares),
                    });
                }
            }
        }
        let n = samples.len().max(1) as f64;
        scores.loss /= n;
        scores.top1 = top1 as f64 / n;
        scores.top5 = top5 as f64 / n;
        Ok(scores)
    })
}

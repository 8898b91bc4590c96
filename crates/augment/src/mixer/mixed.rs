//! What happened to one image of a batch.

use std::sync::Arc;

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

//! What is done to the pixels and labels of a batch, once it is drawn.

use std::fmt::Debug;
use std::sync::Arc;

use bakeoff_machine::vectorised;
use rayon::prelude::*;

use super::Mixed;
use crate::{PixelBatch, Targets};

/// How an image's pixels change.
#[derive(Clone, Debug)]
pub(super) enum PixelChange {
    /// They do not.
    Keep,
    /// Weighted mean with the partner, by lambda or by the mask.
    Blend,
    /// The box is filled with the same box of the partner.
    Window,
    /// The box is filled with pixels that are made of both.
    Patch(Arc<dyn Patch>),
    /// All of the image is.
    Whole(Arc<dyn Patch>),
}

/// Makes pixels that are no part of the partner as it is.
pub(super) trait Patch: Debug + Send + Sync {
    /// As many as the box or the whole image has: interleaved RGB, row by row. `image` and `partner` are as they were
    /// before anything was mixed, `size` is their width and height, `patch` the width and height wanted.
    fn pixels(&self, image: &[f32], partner: &[f32], size: [usize; 2], patch: [usize; 2]) -> Vec<f32>;
}

/// What happens to an image, with all that is needed to do it.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) mixed: Mixed,
    pub(super) change: PixelChange,
}

impl Planned {
    pub(super) fn unmixed(index: usize) -> Self {
        Self { mixed: Mixed::unmixed(index), change: PixelChange::Keep }
    }
}

/// Floats of each image that are mixed at a time, about: all images together, as they were and as they become, stay in the
/// second cache.
pub(super) const SPAN: usize = 2048;

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

/// What goes into each image's box, or in place of the whole image; made while no image has changed yet.
fn patches(batch: &PixelBatch, mixes: &[Planned]) -> Vec<Vec<f32>> {
    let size = [batch.width(), batch.height()];
    let patch = |(index, planned): (usize, &Planned)| {
        let (patch, wanted) = match (&planned.change, planned.mixed.pasted) {
            (PixelChange::Patch(patch), Some([x0, y0, x1, y1])) => (patch, [x1 - x0, y1 - y0]),
            (PixelChange::Whole(patch), _) => (patch, size),
            _ => return Vec::new(),
        };
        patch.pixels(batch.image_values(index), batch.image_values(planned.mixed.partner), size, wanted)
    };
    mixes.par_iter().enumerate().map(patch).collect()
}

impl Planned {
    /// Mixes rows of an image from row `first` on with the same rows of its partner, or with what is in its patch.
    fn mix_rows(&self, rows: &mut [f32], partner: &[f32], patch: &[f32], first: usize, width: usize) {
        let row = width * 3;
        match (&self.change, self.mixed.pasted) {
            (PixelChange::Keep, _) | (PixelChange::Window | PixelChange::Patch(_), None) => {}
            (PixelChange::Blend, _) => match &self.mixed.mask {
                None => between(rows, partner, self.mixed.lambda),
                Some(mask) => masked(rows, partner, &mask[first * width..]),
            },
            (PixelChange::Whole(_), _) => rows.copy_from_slice(&patch[first * row..][..rows.len()]),
            (change, Some([x0, y0, x1, y1])) => {
                let box_row = (x1 - x0) * 3;
                for (number, into) in rows.chunks_exact_mut(row).enumerate() {
                    let y = first + number;
                    if !(y0..y1).contains(&y) {
                        continue;
                    }
                    let from = match change {
                        PixelChange::Window => &partner[number * row + x0 * 3..][..box_row],
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
pub(super) fn apply(
    batch: &mut PixelBatch,
    targets: &mut Targets,
    mixes: &[Planned],
    more: impl Fn(&mut [f32]) + Sync,
) {
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

//! Where a network looks: class activation maps and the gradient of the loss with respect to the images. Neither moves
//! anything that is learnt.

use std::sync::Arc;

use super::{Goal, Gradients, Session, Use};
use crate::{NnError, Op, program::Program};

/// Class activation maps of a batch, one for each image.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationMaps {
    /// Height of a map: of the last feature map, a 32nd of the image's in a residual network for large images.
    pub rows: usize,
    /// Its width.
    pub columns: usize,
    /// Images × rows × columns, any real number.
    pub values: Vec<f32>,
}

impl Session {
    /// Class activation maps (Zhou et al. 2016, eq. 2) of `n ≤ batch` images, each for one class, with running statistics:
    /// at every place of the last feature map the sum of its channels, weighted as the class's score weights their
    /// averages. A map's mean plus the class's bias is therefore the class's score.
    ///
    /// # Errors
    /// Images of the wrong length, not one class for each, a class the network does not have; a network that does not end
    /// in a global average pool and a linear layer; memory that cannot be had.
    pub fn class_activation_maps(
        &mut self,
        images: &[f32],
        classes: &[usize],
    ) -> Result<ActivationMaps, NnError> {
        let n = self.images(images)?;
        if classes.len() != n {
            let expected = format!("one for each of {n} images");
            return Err(NnError::Length { what: "classes", expected, got: classes.len() });
        }
        if let Some(class) = classes.iter().find(|&&class| class >= self.model.classes()) {
            let last = self.model.classes() - 1;
            return Err(NnError::Configuration(format!(
                "there is no class {class}; classes are 0 to {last}"
            )));
        }
        let without_pool = || {
            NnError::Configuration(format!(
                "{} does not end in a global average pool and a linear layer, and so has no class activation maps",
                self.model.name()
            ))
        };
        let pool = self.model.layers.iter().find(|layer| layer.op == Op::GlobalAveragePool);
        let shape = self.model.input_shape(pool.ok_or_else(without_pool)?);
        let head = self.state.inference.convs.iter().rposition(|conv| conv.linear);
        let head = head.ok_or_else(without_pool)?;
        let program = match &self.state.features {
            Some(program) => Arc::clone(program),
            None => {
                let program = Program::features(&self.model, self.config.batch).ok_or_else(without_pool)?;
                self.reserve(program.arena)?;
                Arc::clone(self.state.features.insert(Arc::new(program)))
            }
        };
        let state = &mut self.state;
        state.norms.iter_mut().for_each(|norm| norm.invert(false));
        self.kernels.within(&mut |kernels| {
            state.run(&program, Use::Features, kernels, n, images, None);
        });
        let geometry = &program.convs[head].geometry;
        let weights = state.parameters[state.convs[head].weight..][..geometry.weights()].to_vec();
        let features = &state.result(&program)[..n * shape.len()];
        let mut values = Vec::with_capacity(n * shape.height * shape.width);
        for (image, &class) in features.chunks_exact(shape.len()).zip(classes) {
            // Inputs × outputs in memory.
            let of_class: Vec<f32> = weights.iter().skip(class).step_by(geometry.outputs).copied().collect();
            values.extend(image.chunks_exact(shape.channels).map(|place| {
                place.iter().zip(&of_class).map(|(&a, &w)| f64::from(a) * f64::from(w)).sum::<f64>() as f32
            }));
        }
        Ok(ActivationMaps { rows: shape.height, columns: shape.width, values })
    }

    /// Gradient of the mean cross-entropy of `n ≤ batch` images with respect to them, with batch statistics: n × side ×
    /// side × 3. Zero everywhere where the loss is not finite.
    ///
    /// Nothing that is learnt changes, running statistics included; gradients kept by [`Session::backward`] are gone.
    ///
    /// # Errors
    /// Inputs of the wrong length; memory that cannot be had: all activations are needed, even where only the head is
    /// trained.
    pub fn input_gradient(&mut self, images: &[f32], targets: &[f32]) -> Result<Vec<f32>, NnError> {
        let n = self.images(images)?;
        self.check_targets(n, targets)?;
        let program = match &self.state.input_gradient {
            Some(program) => Arc::clone(program),
            None => {
                let program = Program::input_gradient(&self.model, self.config.batch);
                self.reserve(program.arena)?;
                Arc::clone(self.state.input_gradient.insert(Arc::new(program)))
            }
        };
        let state = &mut self.state;
        // Scale and shift of two batch-norms at most have gradients at once.
        let widest = program.norms.iter().map(|norm| norm.channels).max().unwrap_or(0);
        state.gradients.at_least(4 * widest);
        state.gradients_kept = false;
        let goal = Goal {
            targets,
            label_smoothing: 0.0,
            hidden_mix: None,
            divergence: None,
            weights: None,
            gradients: Gradients::Discard,
        };
        let mut loss = f64::NAN;
        self.kernels.within(&mut |kernels| {
            loss = state.run(&program, Use::InputGradient, kernels, n, images, Some(goal));
        });
        if !loss.is_finite() {
            return Ok(vec![0.0; images.len()]);
        }
        Ok(state.result(&program)[..images.len()].to_vec())
    }
}

//! What mixers ask the network about a batch before they mix it, and its answers: plain numbers.

use crate::{BatchError, PixelBatch};

/// What a mixer wants to know about the unmixed images of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Questions {
    /// Where the network sees each image's own class.
    pub activation_maps: bool,
    /// How the loss changes with each value of the network's input.
    pub input_gradient: bool,
}

impl Questions {
    /// Whether anything is asked.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }

    /// Both together.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            activation_maps: self.activation_maps || other.activation_maps,
            input_gradient: self.input_gradient || other.input_gradient,
        }
    }
}

/// Class activation maps (Zhou et al. 2016): for each image the sum of the last feature map's channels, weighted as the last
/// linear layer weighs them for the image's class. Any unit.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationMaps {
    /// Rows of a map.
    pub rows: usize,
    /// Columns of a map.
    pub columns: usize,
    /// Image by image, row by row.
    pub values: Vec<f32>,
}

/// What the network answered. A mixer that asked and was not answered takes every place of an image as equally important.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Of each image's own class.
    pub activation_maps: Option<ActivationMaps>,
    /// Gradient of the loss with respect to the network's input, n × height × width × 3. Any scale.
    pub input_gradient: Option<Vec<f32>>,
}

impl Answers {
    /// Whether they are about this batch.
    pub(crate) fn check(&self, batch: &PixelBatch) -> Result<(), BatchError> {
        let length = |what, expected, got| {
            if expected == got { Ok(()) } else { Err(BatchError::AnswerLength { what, expected, got }) }
        };
        if let Some(maps) = &self.activation_maps {
            // A map has at least one value.
            let of_map = (maps.rows * maps.columns).max(1);
            length("activation maps", batch.len() * of_map, maps.values.len())?;
        }
        if let Some(gradient) = &self.input_gradient {
            length("input gradient", batch.values().len(), gradient.len())?;
        }
        Ok(())
    }
}

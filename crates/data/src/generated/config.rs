//! The knobs of a generated world.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Knobs of the generated world. Strengths run from 0 (the nuisance is off) to 1 (as strong as it gets).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratedConfig {
    /// Number of classes, 2–64. The traits in `carries` must offer at least as many combinations.
    #[schemars(range(min = 2, max = 64))]
    pub classes: usize,
    /// Traits that decide the label; all others are nuisance. At least one.
    #[schemars(length(min = 1))]
    pub carries: Vec<Trait>,
    /// Width and height of a picture in pixels, 16–512.
    #[schemars(range(min = 16, max = 512))]
    pub size: usize,
    /// Training pictures of each class, 1–100,000.
    #[schemars(range(min = 1, max = 100_000))]
    pub train_per_class: usize,
    /// Validation pictures of each class, 0–100,000; with 0 the world has no validation split of its own.
    #[schemars(range(min = 0, max = 100_000))]
    pub validation_per_class: usize,
    /// Test pictures of each class, 1–100,000.
    #[schemars(range(min = 1, max = 100_000))]
    pub test_per_class: usize,
    /// How much colours vary: of the light, of the water and the ground and, where colour does not carry the label,
    /// of the animal (at 1 any hue). In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub colour_shift: f64,
    /// How dark or bright, flat or hard the light may be. In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub light: f64,
    /// Weed, stones and bubbles behind and before the animal. In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub clutter: f64,
    /// Sensor noise; at 1 its standard deviation is 0.12 of the full range. In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub noise: f64,
    /// Lens blur and haze. In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub blur: f64,
    /// How far from the centre the animal may be; at 1 up to a quarter of the picture. In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub position: f64,
    /// How much its size varies; at 1 from 0.6 to 1.15 of the usual. In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub scale: f64,
    /// How far its pose varies: tilted by up to this many degrees either way, bending in proportion. In [0, 60].
    #[schemars(range(min = 0.0, max = 60.0))]
    pub tilt: f64,
    /// Share of the training labels that are replaced by another class, in [0, 0.9]. Validation and test stay clean.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub label_noise: f64,
    /// Names the world: another seed, other pictures of the same kind. Independent of the seeds of a study's trials.
    pub seed: u64,
}

impl Default for GeneratedConfig {
    fn default() -> Self {
        Self {
            classes: 8,
            carries: vec![Trait::Shape, Trait::Colour],
            size: 32,
            train_per_class: 60,
            validation_per_class: 20,
            test_per_class: 100,
            colour_shift: 1.0,
            light: 0.5,
            clutter: 0.3,
            noise: 0.2,
            blur: 0.2,
            position: 0.3,
            scale: 0.3,
            tilt: 12.0,
            label_noise: 0.0,
            seed: 1,
        }
    }
}

/// A trait of the animal that can carry the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trait {
    /// Outline: body and fins. Up to 6 kinds.
    Shape,
    /// Pattern of the skin: bars, stripes, spots, … Up to 6 kinds.
    Texture,
    /// Hue of the skin, in narrow steps. Up to 6 kinds.
    Colour,
    /// Which way it faces, as among flatfish, whose species differ by the side the eyes are on. 2 kinds.
    Handedness,
    /// Height in the water: at the ground, at the surface, or between. Up to 3 kinds.
    Position,
    /// Size. Up to 3 kinds.
    Scale,
}

impl Trait {
    /// How many kinds there are.
    pub(super) const fn kinds(self) -> usize {
        match self {
            Self::Shape | Self::Texture | Self::Colour => 6,
            Self::Handedness => 2,
            Self::Position | Self::Scale => 3,
        }
    }

    /// The trait as a study file writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Texture => "texture",
            Self::Colour => "colour",
            Self::Handedness => "handedness",
            Self::Position => "position",
            Self::Scale => "scale",
        }
    }
}

/// In the order of their words in a class name.
pub(super) const TRAITS: [Trait; 6] =
    [Trait::Scale, Trait::Position, Trait::Handedness, Trait::Colour, Trait::Texture, Trait::Shape];

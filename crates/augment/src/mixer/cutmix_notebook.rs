//! CutMix as the course notebook wrote it.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blend::{PixelChange, Planned};
use super::boxes::{self, BoxDraw};
use super::options::{LambdaMode, Options, Paired, Pairing, Partner};
use super::plan::{DrawnBox, Mix, Pair, Scene};

/// The course notebook's box: width and height from two independent uniforms, W·sqrt(1−u1) × H·sqrt(1−u2), halves
/// by integer division, clipped; lambda from the clipped integer area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct CutmixNotebook {
    /// Share of images that are mixed, in [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Who meets whom; the notebook's is `uniform`.
    pub partner: Partner,
}

impl Default for CutmixNotebook {
    fn default() -> Self {
        Self { probability: 1.0, partner: Partner::Uniform }
    }
}

impl Paired for CutmixNotebook {
    fn pairing(&self) -> Pairing {
        Pairing { probability: self.probability, lambda: LambdaMode::PerImage, partner: self.partner }
    }
}

impl Mix for CutmixNotebook {
    type Draw = DrawnBox;
    type Guidance = ();
    const OPERATION: &'static str = "mix/cutmix-notebook";

    fn check(&self, options: &mut Options<'_>) {
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        format!(
            "CutMix as in the notebook: per image a box with sides W · sqrt(1 − u1) and H · sqrt(1 − u2) around a \
             uniform centre filled from the partner, label shares by the clipped box's area; {}",
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnBox {
        let sides = [(1.0 - stream.uniform()).sqrt(), (1.0 - stream.uniform()).sqrt()];
        let draw = BoxDraw { sides, centre: scene.centre(stream) };
        let pasted = boxes::around(scene.width, scene.height, draw);
        DrawnBox { lambda: 1.0 - sides[0] * sides[1], pasted }
    }

    fn mix(&self, draw: &DrawnBox, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.paste(draw, true, PixelChange::Window))
    }
}

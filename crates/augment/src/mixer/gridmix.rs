//! GridMix (Baek et al., Pattern Recognition 2021).

use bakeoff_random::Stream;

use super::blend::Planned;
use super::masks;
use super::options::{Options, Paired, mixer_options, once, span};
use super::plan::{DrawnMask, Mix, Pair, Scene};
use crate::shipped::{Shipped, shipped};

mixer_options! {
    /// Baek et al. 2021, by OpenMixup's formula: a grid of cells, in each a hole of sides × sqrt(1 − lambda), filled from
    /// the partner; labels by area. The paper's second loss on the cells is not part of it.
    Gridmix {
        /// Above 0 (0.001 to 1e6).
        #[schemars(range(min = 0.001, max = 1e6))]
        alpha: f64 = 1.0,
        /// Cells along the grid's width, fewest and most, in [1, 256].
        cells: [usize; 2] = [20, 20],
        /// Height / width of a cell, low and high, in [0.1, 10].
        cell_aspect: [f64; 2] = [1.0, 1.0],
        /// Area of the grid as a share of the image, low and high, in [0.01, 1].
        area: [f64; 2] = [1.0, 1.0],
        /// Height / width of the grid relative to the image's, low and high, in [0.1, 10].
        aspect: [f64; 2] = [1.0, 1.0],
        ; pairing = (1.0, PerImage, Permutation);
        /// The label's share from the holes' area; `false` keeps the drawn lambda.
        correct_label: bool = true,
    }
}

impl Mix for Gridmix {
    type Draw = DrawnMask;
    type Guidance = ();
    const OPERATION: &'static str = "mix/gridmix";

    fn recipe() -> Option<Shipped<Self>> {
        let mixer = Self { cells: [2, 6], ..Self::default() };
        Some(Shipped::new("a grid of holes onto another image, labels by area", mixer, shipped!("gridmix")))
    }

    fn check(&self, options: &mut Options<'_>) {
        options.alpha(self.alpha);
        let cells = self.cells.map(|n| n as f64);
        options.range("cells", cells, [1.0, 256.0], "a number of cells, between 1 and 256");
        options.range("cell_aspect", self.cell_aspect, [0.1, 10.0], "height / width, between 0.1 and 10");
        options.range("area", self.area, [0.01, 1.0], "a share of the image, between 0.01 and 1");
        options.range("aspect", self.aspect, [0.1, 10.0], "height / width, between 0.1 and 10");
        options.pairing(self.pairing());
    }

    fn describe(&self) -> String {
        let Self { alpha, lambda, correct_label, .. } = *self;
        let cells = match self.cells {
            [low, high] if low == high => format!("{low}"),
            [low, high] => format!("{low} to {high}"),
        };
        let mut shape = String::new();
        for (name, range) in
            [("cells' aspect", self.cell_aspect), ("area", self.area), ("aspect", self.aspect)]
        {
            if range != [1.0, 1.0] {
                shape.push_str(&format!(", {name} {}", span(range)));
            }
        }
        format!(
            "GridMix: lambda ~ Beta({alpha}, {alpha}) {}, a grid {cells} cells wide{shape}, in each a hole of sides × \
             sqrt(1 − lambda) filled from the partner, label shares by {}; {}",
            once(lambda),
            if correct_label { "the holes' area" } else { "the drawn lambda" },
            self.pairing().describe()
        )
    }

    fn draw(&self, stream: &mut Stream, scene: &Scene<'_>) -> DrawnMask {
        let lambda = stream.beta(self.alpha, self.alpha);
        let [fewest, most] = self.cells;
        let cells = fewest + stream.below(most - fewest + 1);
        let [cell_aspect, area, aspect] =
            [self.cell_aspect, self.area, self.aspect].map(|[low, high]| stream.range(low, high));
        let place = [stream.uniform(), stream.uniform()];
        let grid = masks::Grid { lambda, cells, cell_aspect, area, aspect, place };
        DrawnMask { lambda, mask: masks::grid(scene.width, scene.height, grid) }
    }

    fn mix(&self, draw: &DrawnMask, pair: &Pair<'_, ()>) -> Option<Planned> {
        Some(pair.mask(draw, self.correct_label))
    }
}

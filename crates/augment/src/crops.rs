//! Crops and flips with torchvision's definitions.

use bakeoff_random::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::normalisation::Centre;
use crate::operation::Operation;
use crate::start::Start;
use crate::wording::with_probability;
use crate::{Pixels, geometry};

/// Mirrored left to right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct HorizontalFlip {
    /// In [0, 1].
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for HorizontalFlip {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl Operation for HorizontalFlip {
    fn kind(&self) -> &'static str {
        "horizontal-flip"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        format!("horizontal flip: with probability {}", self.probability)
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        let width = pixels.width();
        if stream.coin(self.probability) {
            pixels.changed(|values| geometry::flip(values, width))
        } else {
            pixels
        }
    }
}

/// A square window at a uniformly random position. The image must be larger than the window on at least one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct RandomCrop {
    /// Pixels.
    #[schemars(range(min = 1, max = 8192))]
    pub size: usize,
}

impl Operation for RandomCrop {
    fn kind(&self) -> &'static str {
        "random-crop"
    }

    fn check(&self, keys: &mut Keys) {
        keys.crop(self.size, 0);
    }

    fn describe(&self) -> String {
        format!("random crop: a window of {0}×{0} px, its position uniform", self.size)
    }

    fn describe_after(&self, start: &Start) -> String {
        let along = match *start {
            Start::ShorterSide { size: short, .. } if short == self.size => {
                " along the longer side (a square photograph is not cropped)"
            }
            _ => "",
        };
        self.describe() + along
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        let window = geometry::draw_window(pixels.width(), pixels.height(), self.size, stream);
        geometry::crop(&pixels, window)
    }
}

/// The central window (torchvision's `CenterCrop`). The image must be larger on at least one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct CentreCrop {
    /// Pixels.
    #[schemars(range(min = 1, max = 8192))]
    pub size: usize,
}

impl Operation for CentreCrop {
    fn kind(&self) -> &'static str {
        "centre-crop"
    }

    fn check(&self, keys: &mut Keys) {
        keys.crop(self.size, 0);
    }

    fn describe(&self) -> String {
        format!("centre crop: the central {0}×{0} px", self.size)
    }

    fn apply(&self, pixels: Pixels, _: &mut Stream, _: &Centre) -> Pixels {
        let side = |length: usize| self.size.min(length);
        let (width, height) = (side(pixels.width()), side(pixels.height()));
        let x = geometry::central_offset(pixels.width(), width);
        let y = geometry::central_offset(pixels.height(), height);
        geometry::crop(&pixels, bakeoff_data::Region { x, y, width, height })
    }
}

/// What stands around an image that is padded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Padding {
    /// The value `fill`.
    #[default]
    Constant,
    /// The nearest pixel of the image.
    Edge,
    /// The image mirrored about its outermost pixels, which are not repeated.
    Reflect,
    /// The image mirrored about its edge: the outermost pixels are repeated.
    Symmetric,
}

impl Padding {
    /// The pixel shown at `at`, which may lie outside 0..length; `None` shows the fill. A reflection longer than the image
    /// goes back and forth.
    pub(crate) fn source(self, at: isize, length: usize) -> Option<usize> {
        let n = length as isize;
        if (0..n).contains(&at) {
            return Some(at as usize);
        }
        let source = match self {
            Self::Constant => return None,
            Self::Edge => at.clamp(0, n - 1),
            Self::Reflect if n == 1 => 0,
            Self::Reflect => (n - 1) - (at.rem_euclid(2 * n - 2) - (n - 1)).abs(),
            Self::Symmetric => {
                let around = at.rem_euclid(2 * n);
                around.min(2 * n - 1 - around)
            }
        };
        Some(source as usize)
    }

    fn words(self, fill: f64) -> String {
        match self {
            Self::Constant => format!("of value {fill}"),
            Self::Edge => "of edge pixels".to_owned(),
            Self::Reflect => "by reflection".to_owned(),
            Self::Symmetric => "by reflection with the edge repeated".to_owned(),
        }
    }
}

/// The image padded on all sides, then a random window (torchvision's `RandomCrop` with `padding`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct PadCrop {
    /// Side of the window, pixels.
    #[schemars(range(min = 1, max = 8192))]
    pub size: usize,
    /// Pixels added on each side, 0 to 8192.
    #[serde(default = "four")]
    #[schemars(range(min = 0, max = 8192))]
    pub padding: usize,
    /// What is added.
    #[serde(default)]
    pub padding_mode: Padding,
    /// Value of constant padding, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fill: f64,
}

/// As He et al. 2016 for CIFAR.
fn four() -> usize {
    4
}

impl Operation for PadCrop {
    fn kind(&self) -> &'static str {
        "pad-crop"
    }

    fn check(&self, keys: &mut Keys) {
        keys.within("padding", self.padding as f64, 0.0..=8192.0, "between 0 and 8192 pixels");
        keys.unit("fill", self.fill);
        keys.crop(self.size, self.padding.min(8192));
    }

    fn describe(&self) -> String {
        let Self { size, padding, padding_mode, fill } = self;
        let what = padding_mode.words(*fill);
        format!("pad crop: {padding} px {what} added on each side, then {size}×{size} px, position uniform")
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        let (width, height) = (pixels.width(), pixels.height());
        let around = 2 * self.padding;
        let window = geometry::draw_window(width + around, height + around, self.size, stream);
        self.window(&pixels, window.x, window.y, window.width, window.height)
    }
}

impl PadCrop {
    /// The part of the padded image that begins at (x, y).
    fn window(&self, pixels: &Pixels, x: usize, y: usize, width: usize, height: usize) -> Pixels {
        let source = pixels.values().as_chunks::<3>().0;
        let place = |start: usize, count: usize, length: usize| {
            (start..start + count)
                .map(move |at| self.padding_mode.source(at as isize - self.padding as isize, length))
        };
        let columns: Vec<Option<usize>> = place(x, width, pixels.width()).collect();
        let mut values = vec![[self.fill as f32; 3]; width * height];
        for (line, row) in values.chunks_exact_mut(width).zip(place(y, height, pixels.height())) {
            let Some(row) = row else { continue };
            let row = &source[row * pixels.width()..][..pixels.width()];
            for (pixel, column) in line.iter_mut().zip(&columns) {
                if let Some(column) = column {
                    *pixel = row[*column];
                }
            }
        }
        Pixels::from_parts(width, height, values.into_flattened())
    }
}

/// Mirrored top to bottom (torchvision's `RandomVerticalFlip`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct VerticalFlip {
    /// Share of images, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Default for VerticalFlip {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl Operation for VerticalFlip {
    fn kind(&self) -> &'static str {
        "vertical-flip"
    }

    fn check(&self, keys: &mut Keys) {
        keys.probability(self.probability);
    }

    fn describe(&self) -> String {
        format!("vertical flip{}", with_probability(self.probability))
    }

    fn apply(&self, pixels: Pixels, stream: &mut Stream, _: &Centre) -> Pixels {
        if !stream.coin(self.probability) {
            return pixels;
        }
        let (row, height) = (pixels.width() * 3, pixels.height());
        pixels.changed(|values| {
            for y in 0..height / 2 {
                let (above, below) = values.split_at_mut((height - 1 - y) * row);
                above[y * row..][..row].swap_with_slice(&mut below[..row]);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{assert_close, count, floats, list, read};

    #[test]
    fn padded_windows_flips_and_centre_crops_are_torchvisions() {
        let fixture = read("windows.json");
        let (width, height) = (count(&fixture["width"]), count(&fixture["height"]));
        let image = Pixels::from_parts(width, height, floats(&fixture["pixels"]));
        for case in list(&fixture["padded"]) {
            let padding_mode = serde_json::from_value(case["mode"].clone()).unwrap();
            let (size, padding) = (count(&case["size"]), count(&case["padding"]));
            let crop = PadCrop { size, padding, padding_mode, fill: case["fill"].as_f64().unwrap() };
            let ours = crop.window(&image, count(&case["left"]), count(&case["top"]), size, size);
            assert_close(ours.values(), &floats(&case["result"]), 0.0, &format!("{crop:?}"));
        }
        let centre = Centre { mean: [0.0; 3], sd: [1.0; 3] };
        let mut stream = Stream::new(1, "any", 0, 0);
        for case in list(&fixture["centre"]) {
            let crop = CentreCrop { size: count(&case["size"]) };
            let ours = crop.apply(image.clone(), &mut stream, &centre);
            assert_close(ours.values(), &floats(&case["result"]), 0.0, &format!("{crop:?}"));
        }
        let flipped = VerticalFlip { probability: 1.0 }.apply(image, &mut stream, &centre);
        assert_close(flipped.values(), &floats(&fixture["flipped"]), 0.0, "vertical flip");
    }

    #[test]
    fn padding_longer_than_the_image_goes_back_and_forth() {
        let all = |mode: Padding, length| (-5..8).map(move |at| mode.source(at, length).unwrap());
        assert!(all(Padding::Reflect, 3).eq([1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]));
        assert!(all(Padding::Symmetric, 2).eq([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0]));
        assert!(all(Padding::Reflect, 1).chain(all(Padding::Edge, 1)).all(|at| at == 0));
    }
}

//! Pipelines in words, for the plan and the report: one line a step, with its numbers.

use crate::Transform;
use crate::operation::Operation;
use crate::pipeline::Start;

/// The end of a sentence about an operation that not every image meets.
pub(crate) fn with_probability(probability: f64) -> String {
    if probability < 1.0 { format!("; with probability {probability}") } else { String::new() }
}

impl Start {
    pub(crate) fn describe(&self) -> String {
        let filter = |antialias: bool| {
            if antialias { "bilinear with antialiasing" } else { "bilinear, no antialiasing" }
        };
        match *self {
            Self::Squash { size, antialias } => {
                format!("resize: both sides to {size} px (aspect ratio not kept), {}", filter(antialias))
            }
            Self::ShorterSide { size, antialias } => {
                format!("resize: shorter side to {size} px, {}", filter(antialias))
            }
            Self::Central { size, window, antialias, enlarge } => {
                let sides = if enlarge || size == window {
                    format!("shorter side to {size} px")
                } else {
                    format!("a shorter side above {size} px to {size}, below {window} px to {window}")
                };
                format!("resize: {sides}, {}, then the central {window}×{window} px", filter(antialias))
            }
            Self::RandomResizedCrop { size, scale, ratio, antialias } => format!(
                "random resized crop: area fraction uniform in [{}, {}), width / height log-uniform in [{:.4}, {:.4}), \
                 resized to {size}×{size} px, {}",
                scale[0],
                scale[1],
                ratio[0],
                ratio[1],
                filter(antialias)
            ),
        }
    }
}

impl Transform {
    /// `start` decides in which directions a crop can move. Kinds that are a start themselves have no line here.
    pub(crate) fn describe(&self, start: &Start) -> String {
        let clipped = |clip: bool| if clip { "clipped to [0, 1]" } else { "not clipped" };
        match *self {
            Self::Resize { .. } | Self::RandomResizedCrop { .. } => String::new(),
            Self::HorizontalFlip { probability } => {
                format!("horizontal flip: with probability {probability}")
            }
            Self::RandomCrop { size } => {
                let along = match *start {
                    Start::ShorterSide { size: short, .. } if short == size => {
                        " along the longer side (a square photograph is not cropped)"
                    }
                    _ => "",
                };
                format!("random crop: a window of {size}×{size} px, its position uniform{along}")
            }
            Self::Contrast { low, high, clip } => format!(
                "contrast: (x − mean) · f + mean per channel, f uniform in [{low}, {high}), {}",
                clipped(clip)
            ),
            Self::Saturation { low, high, clip } => {
                format!("saturation: × f in HSV, f uniform in [{low}, {high}), {}", clipped(clip))
            }
            Self::Hue { delta, clip } => format!(
                "hue: rotated by a fraction of the colour circle uniform in [−{delta}, {delta}), {}",
                clipped(clip)
            ),
            Self::Brightness { delta, clip } => {
                format!("brightness: one number uniform in [−{delta}, {delta}) added, {}", clipped(clip))
            }
            _ => self.operation().map_or_else(String::new, Operation::describe),
        }
    }
}

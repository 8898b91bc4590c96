//! From the photograph to the first array of floats.

use bakeoff_data::{Region, Resample};

use crate::address::ImageDraws;
use crate::geometry;

/// From the photograph to the first array of floats.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Start {
    /// Both sides to `size`.
    Squash { size: usize, antialias: bool },
    /// Shorter side to `size`, then the central `window`. Without `enlarge` no photograph is enlarged beyond `window`.
    Central { size: usize, window: usize, antialias: bool, enlarge: bool },
    /// Shorter side to `size`, all of it.
    ShorterSide { size: usize, antialias: bool },
    /// torchvision's `RandomResizedCrop` to `size`.
    RandomResizedCrop { size: usize, scale: [f64; 2], ratio: [f64; 2], antialias: bool },
}

/// The customary shorter side before a crop of `image`, in pixels: 256 for 224.
#[must_use]
pub fn usual_resize(image: usize) -> usize {
    ((image as f64 * 256.0 / 224.0).round() as usize).max(image)
}

impl Start {
    /// The shorter side below which a photograph is enlarged as a whole. `None` where only a window of it is.
    pub(crate) fn enlarges_below(&self) -> Option<usize> {
        match *self {
            Self::Squash { size, .. } | Self::ShorterSide { size, .. } => Some(size),
            Self::Central { size, window, enlarge, .. } => Some(if enlarge { size } else { window }),
            Self::RandomResizedCrop { .. } => None,
        }
    }

    /// How a photograph of this size becomes the first array of floats, or the random window of side `crop` that the next
    /// step would cut out of it: the rest is then never computed.
    pub(crate) fn resample(
        &self,
        photograph: (usize, usize),
        draws: ImageDraws,
        crop: Option<(&str, usize)>,
    ) -> Resample {
        let whole = Region { x: 0, y: 0, width: photograph.0, height: photograph.1 };
        let (region, (width, height), antialias) = match *self {
            Self::Squash { size, antialias } => (whole, (size, size), antialias),
            Self::ShorterSide { size, antialias } | Self::Central { size, antialias, enlarge: true, .. } => {
                (whole, geometry::shorter_side(photograph.0, photograph.1, size), antialias)
            }
            Self::Central { size, window, antialias, enlarge: false } => {
                let shorter = photograph.0.min(photograph.1).clamp(window, size.max(window));
                (whole, geometry::shorter_side(photograph.0, photograph.1, shorter), antialias)
            }
            Self::RandomResizedCrop { size, scale, ratio, antialias } => {
                let mut stream = draws.of("random-resized-crop/0");
                let region = geometry::draw_region(photograph.0, photograph.1, scale, ratio, &mut stream);
                (region, (size, size), antialias)
            }
        };
        let mut window = Region { x: 0, y: 0, width, height };
        if let Self::Central { window: side, .. } = *self {
            window = Region {
                x: geometry::central_offset(width, side),
                y: geometry::central_offset(height, side),
                width: side,
                height: side,
            };
        }
        if let Some((operation, size)) = crop {
            let inner = geometry::draw_window(window.width, window.height, size, &mut draws.of(operation));
            window = Region { x: window.x + inner.x, y: window.y + inner.y, ..inner };
        }
        Resample { region, width, height, window, antialias, mirrored: false }
    }

    /// One line for the plan and the report.
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

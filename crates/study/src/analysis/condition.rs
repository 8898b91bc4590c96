//! Conditions under which the networks are shown a test image.

use bakeoff_augment::Pixels;
use bakeoff_augment::corruption::{CELLS, Corruption, SEVERITIES, occluded};

/// Eighths of the image hidden, most of them scattered.
const HIDDEN: std::ops::RangeInclusive<usize> = 1..=7;

/// What is done to a test image before the networks are shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageCondition {
    /// As it is.
    Plain,
    /// Damaged, at a severity of 1 to 5.
    Damaged(Corruption, u8),
    /// With so many of its 64 cells covered.
    Covered(usize),
}

impl ImageCondition {
    /// With so many quarters of it covered.
    #[must_use]
    pub fn quarters_hidden(quarters: usize) -> Self {
        Self::Covered(quarters * CELLS / 4)
    }

    /// All conditions, in the order of the record.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let damaged = Corruption::ALL.into_iter().flat_map(|c| SEVERITIES.map(move |s| Self::Damaged(c, s)));
        let covered = HIDDEN.map(|eighths| Self::Covered(eighths * CELLS / 8));
        [Self::Plain].into_iter().chain(damaged).chain(covered).collect()
    }

    /// An image that stands at `place` in the test split, as all networks are shown it.
    pub(super) fn apply(self, image: &Pixels, place: usize) -> Pixels {
        match self {
            Self::Plain => image.clone(),
            Self::Damaged(corruption, severity) => corruption.apply(image, severity, place as u64),
            Self::Covered(cells) => occluded(image, cells, place as u64),
        }
    }
}

//! What is wrong with a JPEG.

use crate::ImageError;

pub(super) fn broken(reason: impl Into<String>) -> ImageError {
    ImageError::Broken { format: "JPEG", reason: reason.into() }
}

pub(super) fn breaks_off() -> ImageError {
    broken("the file breaks off (truncated)")
}

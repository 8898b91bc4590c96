//! What static checks are made of: collecting what is wrong, by key path.

use std::ops::RangeInclusive;

use crate::start::usual_resize;
use crate::{RecipeError, RecipeProblem};

/// Largest image side a study may ask for.
const LARGEST: usize = 8192;

/// Whether a recipe's name may hold this: letters and digits that are spelled in one way only, so that what looks the same is the
/// same folder (ASCII, whole Hangul syllables), and four signs that no file system and no shell takes for its own.
#[must_use]
pub fn may_stand_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || ('가'..='힣').contains(&c) || "-_.+".contains(c)
}

/// What is known of an image's size between two steps: the shorter side; the longer one only where it is square.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) short: usize,
    pub(crate) square: bool,
}

/// The options of one transform, by their names.
pub(crate) struct Keys<'a> {
    pub(crate) check: &'a mut Check,
    pub(crate) position: usize,
    /// Side of the study's images.
    pub(crate) image: usize,
    pub(crate) shape: &'a mut Shape,
}

impl Keys<'_> {
    fn path(&self, key: &str) -> String {
        format!("transforms[{}].{key}", self.position)
    }

    /// NaN is in no range.
    pub(crate) fn within(
        &mut self,
        key: &str,
        value: f64,
        range: RangeInclusive<f64>,
        allowed: &'static str,
    ) {
        self.check.within(self.path(key), value, range, allowed);
    }

    pub(crate) fn probability(&mut self, value: f64) {
        self.check.probability(self.path("probability"), value);
    }

    pub(crate) fn unit(&mut self, key: &str, value: f64) {
        self.within(key, value, 0.0..=1.0, "between 0 and 1");
    }

    /// What no range can say.
    pub(crate) fn refuse(&mut self, key: &str, value: f64, allowed: &'static str) {
        self.check.add(self.path(key), RecipeProblem::OutOfRange { value, allowed });
    }

    /// The window `size` out of an image with `padding` px on each side; the image has its size then.
    pub(crate) fn crop(&mut self, size: usize, padding: usize) {
        let path = self.path("size");
        self.check.side(path.clone(), size);
        let available = self.shape.short + 2 * padding;
        if size > available {
            self.check.add(path, RecipeProblem::CropTooLarge { size, available });
        } else if size == available && self.shape.square {
            let larger = usual_resize(size).max(size.saturating_add(1));
            self.check.add(path, RecipeProblem::CannotCrop { size, larger });
        }
        *self.shape = Shape { short: size, square: true };
    }

    /// A low end and a high one that are options of their own.
    pub(crate) fn ordered(&mut self, key: &str, low: f64, high: f64) {
        self.check.ordered(self.path(key), low, high);
    }

    /// A side in pixels, which the image has then; where it is not square its shorter one.
    pub(crate) fn resized(&mut self, size: usize, square: bool) {
        self.check.side(self.path("size"), size);
        *self.shape = Shape { short: size, square };
    }

    /// The image has the study's size then.
    pub(crate) fn resized_to_image(&mut self) {
        *self.shape = Shape { short: self.image, square: true };
    }

    /// Low and high end.
    pub(crate) fn span(
        &mut self,
        key: &str,
        ends: [f64; 2],
        range: RangeInclusive<f64>,
        allowed: &'static str,
    ) {
        for (end, value) in ends.into_iter().enumerate() {
            self.within(&format!("{key}[{end}]"), value, range.clone(), allowed);
        }
        self.check.ordered(self.path(key), ends[0], ends[1]);
    }
}

/// Collects what is wrong, by key path.
#[derive(Default)]
pub(crate) struct Check {
    pub(crate) errors: Vec<RecipeError>,
}

impl Check {
    pub(crate) fn add(&mut self, path: impl Into<String>, problem: RecipeProblem) {
        self.errors.push(RecipeError { path: path.into(), problem });
    }

    /// NaN is in no range.
    pub(crate) fn within(
        &mut self,
        path: impl Into<String>,
        value: f64,
        range: RangeInclusive<f64>,
        allowed: &'static str,
    ) {
        if !range.contains(&value) {
            self.add(path, RecipeProblem::OutOfRange { value, allowed });
        }
    }

    pub(crate) fn side(&mut self, path: impl Into<String>, size: usize) {
        self.within(path, size as f64, 1.0..=LARGEST as f64, "between 1 and 8192 pixels");
    }

    pub(crate) fn ordered(&mut self, path: impl Into<String>, low: f64, high: f64) {
        if low > high {
            self.add(path, RecipeProblem::Unordered { low, high });
        }
    }

    pub(crate) fn probability(&mut self, path: impl Into<String>, value: f64) {
        self.within(path, value, 0.0..=1.0, "a probability, between 0 and 1");
    }

    /// A recipe's name becomes a folder.
    pub(crate) fn name(&mut self, name: &str) {
        let good = name.chars().count() <= 64
            // Of a path's part most file systems allow 255 bytes.
            && name.len() <= 200
            && name.starts_with(|c: char| c.is_alphanumeric())
            && name.chars().all(may_stand_in_name);
        if !good {
            self.add("name", RecipeProblem::BadName { name: name.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_korean_and_are_never_a_path() {
        let bad = |name: &str| {
            let mut check = Check { errors: Vec::new() };
            check.name(name);
            !check.errors.is_empty()
        };
        for name in ["cutmix", "뒤집기-자르기", "색상2", "a.b+c_d"] {
            assert!(!bad(name), "{name}");
        }
        for name in [
            "",
            "../a",
            "-a",
            ".a",
            "a b",
            "a/b",
            "개와🐕",
            "größer",
            "\u{1100}\u{1161}",
            "a\u{301}",
            "가\u{200d}",
            &"가".repeat(67),
        ] {
            assert!(bad(name), "{name}");
        }
    }
}

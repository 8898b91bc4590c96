//! Static checks: everything wrong with a recipe is found before an image is read.

use std::ops::RangeInclusive;

use crate::pipeline::usual_resize;
use crate::{Preprocess, RecipeConfig, RecipeError, RecipeProblem, Resize, Transform};

/// Largest image side a study may ask for.
const LARGEST: usize = 8192;

/// What is known of an image's size between two steps: the shorter side; the longer one only where it is square.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    short: usize,
    square: bool,
}

/// The options of one transform, by their names.
pub(crate) struct Keys<'a> {
    check: &'a mut Check,
    position: usize,
    shape: &'a mut Shape,
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
pub(crate) struct Check {
    errors: Vec<RecipeError>,
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

    fn side(&mut self, path: impl Into<String>, size: usize) {
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
    fn name(&mut self, name: &str) {
        let good = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
        if !good {
            self.add("name", RecipeProblem::BadName { name: name.to_owned() });
        }
    }
}

impl Preprocess {
    /// Everything wrong with the preprocessing and the image size; paths begin at the study's root.
    #[must_use]
    pub fn check(&self, image: usize) -> Vec<RecipeError> {
        let mut check = Check { errors: Vec::new() };
        check.side("image", image);
        if let Resize::ShorterSide { size: Some(size), .. } = self.resize {
            check.side("preprocess.resize.size", size);
            if size < image {
                check.add("preprocess.resize.size", RecipeProblem::ResizeTooSmall { size, image });
            }
        }
        for (key, problem) in self.normalisation.problems() {
            check.add(format!("preprocess.normalisation.{key}"), problem);
        }
        check.errors
    }
}

impl RecipeConfig {
    /// Everything wrong with the recipe, after everything wrong with the preprocessing and the image size.
    pub(crate) fn check(&self, preprocess: &Preprocess, image: usize) -> Vec<RecipeError> {
        let mut check = Check { errors: preprocess.check(image) };
        check.name(&self.name);
        let mut shape = Shape { short: image, square: true };
        for (position, transform) in self.transforms.iter().enumerate() {
            transform.check(position, image, &mut shape, &mut check);
        }
        // A wrong size at the end is usually the consequence of an error named before.
        if check.errors.is_empty() {
            let path = format!("transforms[{}]", self.transforms.len().saturating_sub(1));
            if !shape.square {
                check.add(path, RecipeProblem::NotSquare { size: shape.short, image });
            } else if shape.short != image {
                check.add(path, RecipeProblem::WrongSize { size: shape.short, image });
            }
        }
        let compared = self.transforms.iter().enumerate().filter(|(_, t)| t.consistency().is_some());
        for (nth, (position, _)) in compared.enumerate() {
            if nth > 0 || self.mix.is_some() {
                check.add(format!("transforms[{position}].consistency"), RecipeProblem::Views);
            }
        }
        if let Some(mixer) = &self.mix {
            mixer.check("mix", &mut check);
        }
        check.errors
    }
}

impl Transform {
    /// Checks the numbers and follows the shape through the step.
    fn check(&self, position: usize, image: usize, shape: &mut Shape, check: &mut Check) {
        let path = |key: &str| format!("transforms[{position}].{key}");
        if self.start(image).is_some() && position > 0 {
            check.add(path("kind"), RecipeProblem::NotFirst { kind: self.kind() });
        }
        match *self {
            Self::HorizontalFlip { probability } => check.probability(path("probability"), probability),
            Self::Resize { size, squash, .. } => {
                check.side(path("size"), size);
                *shape = Shape { short: size, square: squash };
            }
            Self::RandomCrop { size } => {
                Keys { check, position, shape }.crop(size, 0);
            }
            Self::RandomResizedCrop { scale, ratio, .. } => {
                for (end, value) in scale.into_iter().enumerate() {
                    let allowed = "an area fraction in (0, 1]";
                    check.within(path(&format!("scale[{end}]")), value, 1e-6..=1.0, allowed);
                }
                check.ordered(path("scale"), scale[0], scale[1]);
                for (end, value) in ratio.into_iter().enumerate() {
                    let allowed = "width / height, between 0.01 and 100";
                    check.within(path(&format!("ratio[{end}]")), value, 0.01..=100.0, allowed);
                }
                check.ordered(path("ratio"), ratio[0], ratio[1]);
                *shape = Shape { short: image, square: true };
            }
            Self::Contrast { low, high, .. } | Self::Saturation { low, high, .. } => {
                check.within(path("low"), low, 0.0..=100.0, "a factor between 0 and 100");
                check.within(path("high"), high, 0.0..=100.0, "a factor between 0 and 100");
                check.ordered(path("low"), low, high);
            }
            Self::Hue { delta, .. } => {
                let allowed = "a fraction of the colour circle between 0 and 0.5";
                check.within(path("delta"), delta, 0.0..=0.5, allowed);
            }
            Self::Brightness { delta, .. } => {
                check.within(path("delta"), delta, 0.0..=1.0, "between 0 and 1")
            }
            _ => {
                if let Some(operation) = self.operation() {
                    operation.check(&mut Keys { check, position, shape });
                }
            }
        }
    }
}

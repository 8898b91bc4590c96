//! Static checks: everything wrong with a recipe is found before an image is read.

use crate::keys::{Check, Keys, Shape};
use crate::{Preprocess, RecipeConfig, RecipeError, RecipeProblem, Resize, Transform};

impl Preprocess {
    /// Everything wrong with the preprocessing and the image size; paths begin at the study's root.
    #[must_use]
    pub fn check(&self, image: usize) -> Vec<RecipeError> {
        let mut check = Check::default();
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
        let operation = self.operation();
        if operation.start(image).is_some() && position > 0 {
            check.add(format!("transforms[{position}].kind"), RecipeProblem::NotFirst { kind: self.kind() });
        }
        operation.check(&mut Keys { check, position, image, shape });
    }
}

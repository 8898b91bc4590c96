//! What can be wrong with a recipe before a single image is read.

use thiserror::Error;

/// One thing wrong with a recipe or the preprocessing.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{path}: {problem}")]
pub struct RecipeError {
    /// Key path: inside the recipe (`transforms[1].size`, `mix.alpha`), or from the study's root where it begins with
    /// `preprocess.` or is `image`.
    pub path: String,
    /// What is wrong and what to do.
    #[source]
    pub problem: RecipeProblem,
}

/// What is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RecipeProblem {
    /// A number outside its range, or not a number.
    #[error("{value} is out of range: must be {allowed}")]
    OutOfRange {
        /// As given.
        value: f64,
        /// The range in words.
        allowed: &'static str,
    },
    /// Low above high.
    #[error("the low end {low} is above the high end {high}: swap them")]
    Unordered {
        /// As given.
        low: f64,
        /// As given.
        high: f64,
    },
    /// A name that cannot name a folder.
    #[error(
        "`{name}` cannot name a folder: use 1 to 64 letters (ASCII or Hangul), digits, `-`, `_`, `.` or `+`, the first of them a letter or digit"
    )]
    BadName {
        /// As given.
        name: String,
    },
    /// Starts from the photograph but stands later.
    #[error(
        "`{kind}` starts from the original photograph, so it must be the first transform: move it to the front"
    )]
    NotFirst {
        /// The transform's kind.
        kind: &'static str,
    },
    /// The notebook's mistake: a crop as large as the image.
    #[error(
        "this crop never crops: the image is {size}×{size} px here, exactly as large as the window. Put \
         {{ kind = \"resize\", size = {larger} }} first (and nothing else that resizes), or remove the crop"
    )]
    CannotCrop {
        /// Window and image.
        size: usize,
        /// A size that would do.
        larger: usize,
    },
    /// The window is larger than the image.
    #[error(
        "the window of {size} px is larger than the image, {available} px at this step: make it {available} px at most, \
         or resize to more than {size} px first"
    )]
    CropTooLarge {
        /// Window.
        size: usize,
        /// Shorter side.
        available: usize,
    },
    /// The recipe ends at another size than the network takes.
    #[error(
        "the recipe ends with {size}×{size} px images but the study trains on {image}×{image}: let the last crop or \
         resize give {image} px"
    )]
    WrongSize {
        /// What it ends with.
        size: usize,
        /// What is needed.
        image: usize,
    },
    /// The recipe ends with images that are not square.
    #[error(
        "the recipe ends with images whose shorter side is {size} px and whose longer side is the photograph's: add \
         {{ kind = \"random-crop\", size = {image} }} after it, or set `squash = true`"
    )]
    NotSquare {
        /// Shorter side.
        size: usize,
        /// What is needed.
        image: usize,
    },
    /// Per-pair lambda without pairs.
    #[error(
        "per-pair lambda needs partners who meet each other, which `{partner}` does not give: use \
         `partner = \"permutation\"` (random pairs) or `\"reverse\"`, or `lambda = \"per-image\"`"
    )]
    NoPairs {
        /// The partner mode.
        partner: &'static str,
    },
    /// Views of one image, mixed with others or compared twice.
    #[error(
        "`consistency` compares views of one image under its own label: use it in one transform only and without `mix`, or \
         set it to 0"
    )]
    Views,
    /// Nothing to mix with.
    #[error("nothing is left that mixes: switch one mixer on, or remove `mix`")]
    MixesNothing,
    /// Weights without mixers, or mixers without weights.
    #[error("{given} weights for {needed} mixers: give one weight for each mixer, or none")]
    WeightsDiffer {
        /// As given.
        given: usize,
        /// Mixers.
        needed: usize,
    },
    /// A mixer that draws for several images at once, chosen image by image.
    #[error(
        "`{kind}` draws for a whole batch or pair here, but is chosen image by image: use `each = \"batch\"`, or let it \
         draw per image"
    )]
    SharedDraw {
        /// The mixer's kind.
        kind: &'static str,
    },
    /// The evaluation crop would not fit.
    #[error(
        "a shorter side of {size} px is less than the study's image size of {image} px: make it at least {image}"
    )]
    ResizeTooSmall {
        /// As given.
        size: usize,
        /// The study's image size.
        image: usize,
    },
}

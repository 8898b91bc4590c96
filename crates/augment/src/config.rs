//! Recipes and preprocessing as a study file writes them. The same types are the JSON Schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Mixer;
use crate::blur::GaussianBlur;
use crate::crops::{CentreCrop, HorizontalFlip, PadCrop, RandomCrop, VerticalFlip};
use crate::erasing::{Cutout, Gridmask, RandomErasing};
use crate::jitter::{ColourJitter, Grey};
use crate::jpeg::Jpeg;
use crate::noise::GaussianNoise;
use crate::normalisation::Normalisation;
use crate::operation::Operation;
use crate::photometric::{Autocontrast, Equalise, Invert, Posterise, Sharpness, Solarise};
use crate::policy::{Augmix, AutoAugment, RandAugment, TrivialAugmentWide};
use crate::rand_augment_timm::RandAugmentTimm;
use crate::starts::{RandomResizedCrop, ResizeTransform};
use crate::tensorflow_colours::{Brightness, Contrast, Hue, Saturation};
use crate::three_augment::ThreeAugment;
use crate::warp::{Affine, Perspective, Rotate};

/// One recipe: per-image transforms in order, then at most one batch mixer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipeConfig {
    /// Name in tables and folders: letters, digits, `-`, `_`, `.`, `+`; unique in the study.
    pub name: String,
    /// Applied to every training image, in this order, after the study's resize (a transform that crops from the
    /// original photograph, such as `random-resized-crop` or `resize`, must come first and replaces that resize).
    #[serde(default)]
    pub transforms: Vec<Transform>,
    /// Mixes images and labels within a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mixer>,
}

fn yes() -> bool {
    true
}
// Serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_yes(value: &bool) -> bool {
    *value
}

/// The transforms: what each does, its variant, and the type of its options.
macro_rules! transforms {
    ($($(#[$doc:meta])* $name:ident($options:ident),)*) => {
        /// A per-image operation. Pixel values are in [0, 1] when the first one starts.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Transform {
            $($(#[$doc])* $name($options),)*
        }

        impl Transform {
            pub(crate) fn operation(&self) -> &dyn Operation {
                match self {
                    $(Self::$name(operation) => operation,)*
                }
            }
        }

        $(
            impl From<$options> for Transform {
                fn from(operation: $options) -> Self {
                    Self::$name(operation)
                }
            }
        )*
    };
}

transforms! {
    /// Mirror left to right.
    HorizontalFlip(HorizontalFlip),
    /// Resize from the original photograph; replaces the study's resize and so must come first.
    Resize(ResizeTransform),
    /// A square window at a uniformly random position. The image must be larger than the window on at least one side.
    RandomCrop(RandomCrop),
    /// Inception crop: area fraction uniform in `scale`, aspect ratio log-uniform in `ratio`, resized to the study's
    /// image size (torchvision's `RandomResizedCrop`). Replaces the study's resize and so must come first.
    RandomResizedCrop(RandomResizedCrop),
    /// (x − mean) · f + mean, mean per channel, f uniform in [low, high) (TensorFlow's `random_contrast`).
    Contrast(Contrast),
    /// HSV saturation multiplied by a factor uniform in [low, high) and clipped to [0, 1] (TensorFlow's
    /// `random_saturation`).
    Saturation(Saturation),
    /// Hue shifted by a fraction of the colour circle uniform in [−delta, delta) (TensorFlow's `random_hue`).
    Hue(Hue),
    /// A constant uniform in [−delta, delta) added to all pixels (TensorFlow's `random_brightness`).
    Brightness(Brightness),
    /// Brightness, contrast, saturation and hue in random order (torchvision's `ColorJitter`).
    ColourJitter(ColourJitter),
    /// Grey instead of colour (torchvision's `RandomGrayscale`).
    Grey(Grey),
    /// Mirrored top to bottom.
    VerticalFlip(VerticalFlip),
    /// The central window.
    CentreCrop(CentreCrop),
    /// A random window of the padded image.
    PadCrop(PadCrop),
    /// Turned about the centre.
    Rotate(Rotate),
    /// Turned, moved, scaled and sheared.
    Affine(Affine),
    /// Seen from another side.
    Perspective(Perspective),
    /// Every level inverted.
    Invert(Invert),
    /// Fewer levels.
    Posterise(Posterise),
    /// Bright levels inverted.
    Solarise(Solarise),
    /// A flat histogram in each channel.
    Equalise(Equalise),
    /// Each channel stretched to all levels.
    Autocontrast(Autocontrast),
    /// Sharpened or smoothed.
    Sharpness(Sharpness),
    /// Blurred.
    GaussianBlur(GaussianBlur),
    /// Normal noise added.
    GaussianNoise(GaussianNoise),
    /// Compressed and decompressed.
    Jpeg(Jpeg),
    /// Random boxes erased.
    RandomErasing(RandomErasing),
    /// Squares around uniform centres erased.
    Cutout(Cutout),
    /// A turned grid of squares erased.
    Gridmask(Gridmask),
    /// A few operations at one strength (torchvision).
    RandAugment(RandAugment),
    /// timm's RandAugment.
    RandAugmentTimm(RandAugmentTimm),
    /// One operation at a random strength.
    TrivialAugmentWide(TrivialAugmentWide),
    /// A searched pair of operations.
    AutoAugment(AutoAugment),
    /// Chains of operations blended with the image.
    Augmix(Augmix),
    /// Grey, solarised or blurred, then a colour jitter.
    ThreeAugment(ThreeAugment),
}

impl Transform {
    /// As a study file writes it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.operation().kind()
    }

    /// Weight of the divergence among views of an image that it asks for.
    pub(crate) fn consistency(&self) -> Option<f64> {
        match self {
            Self::Augmix(augmix) => Some(augmix.consistency).filter(|&weight| weight > 0.0),
            _ => None,
        }
    }
}

/// From a decoded image to the network's input, the same for every recipe and for evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// How a photograph becomes a square of the study's image size.
    #[serde(default)]
    pub resize: Resize,
    /// What is subtracted and divided by, per channel.
    #[serde(default)]
    pub normalisation: Normalisation,
    /// JPEGs much larger than needed are decoded at a half, a quarter or an eighth of their size: faster, other pixels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
}

/// How a photograph becomes a square.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Resize {
    /// Both sides to the image size; the aspect ratio is lost (the notebook, with `antialias = false`).
    Squash {
        /// Low-pass filter when shrinking.
        #[serde(default = "yes")]
        antialias: bool,
    },
    /// The shorter side to `size` (default: image size × 256/224, rounded), then the central square.
    ShorterSide {
        /// Pixels; at least the image size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<usize>,
        /// Low-pass filter when shrinking.
        #[serde(default = "yes")]
        antialias: bool,
        /// Photographs whose shorter side is less than `size` are enlarged to it, as torchvision does. With `false` they keep
        /// their size, unless they are smaller than the image: those are enlarged to just that. A study that says nothing of
        /// resizing, and whose weights say nothing either, has `false`; where a resize is written without this key, it is `true`.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        enlarge: bool,
    },
}

impl Resize {
    /// torchvision's evaluation: the shorter side to image size × 256/224, whatever it was. What weights ask for that do not say.
    #[must_use]
    pub fn torchvision() -> Self {
        Self::ShorterSide { size: None, antialias: true, enlarge: true }
    }
}

impl Default for Resize {
    /// [`Resize::torchvision`], but nothing is enlarged that has the image's size.
    fn default() -> Self {
        Self::ShorterSide { size: None, antialias: true, enlarge: false }
    }
}

impl Preprocess {
    /// torchvision's evaluation preprocessing: what weights ask for that do not say.
    #[must_use]
    pub fn torchvision() -> Self {
        Self { resize: Resize::torchvision(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelStatistics, builtin};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Study {
        preprocess: Preprocess,
    }

    fn preprocess(text: &str) -> Result<Preprocess, toml::de::Error> {
        toml::from_str::<Study>(&format!("[preprocess]\n{text}")).map(|study| study.preprocess)
    }

    #[test]
    fn the_notebooks_preprocessing_is_two_lines_of_a_study() {
        let notebook =
            preprocess("resize = { kind = \"squash\", antialias = false }\nnormalisation = \"unit\"")
                .unwrap();
        assert_eq!(notebook.resize, Resize::Squash { antialias: false });
        assert_eq!(notebook.normalisation, Normalisation::Unit);
        assert_eq!(preprocess("").unwrap(), Preprocess::default());
    }

    #[test]
    fn what_was_written_before_there_was_a_choice_still_enlarges() {
        // Of weights and run folders of earlier versions, and of study files that name a resize.
        for old in ["{ kind = \"shorter-side\" }", "{ kind = \"shorter-side\", antialias = true }"] {
            assert_eq!(preprocess(&format!("resize = {old}")).unwrap().resize, Resize::torchvision());
        }
        // The same bytes as then, and so the same address of a trial.
        let written = serde_json::to_string(&Resize::torchvision()).unwrap();
        assert_eq!(written, r#"{"kind":"shorter-side","antialias":true}"#);
        let written = serde_json::to_string(&Resize::default()).unwrap();
        assert_eq!(written, r#"{"kind":"shorter-side","antialias":true,"enlarge":false}"#);
        assert_eq!(serde_json::from_str::<Resize>(&written).unwrap(), Resize::default());
    }

    #[test]
    fn own_statistics_are_a_table_without_unknown_keys() {
        let statistics = "mean = [0.1, 0.2, 0.3], sd = [1.0, 2.0, 3.0]";
        let own = preprocess(&format!("normalisation = {{ {statistics} }}")).unwrap();
        let expected = ChannelStatistics { mean: [0.1, 0.2, 0.3], sd: [1.0, 2.0, 3.0] };
        assert_eq!(own.normalisation, Normalisation::Custom(expected));
        assert!(preprocess(&format!("normalisation = {{ {statistics}, std = 1 }}")).is_err());
        assert!(preprocess("normalisation = \"keras\"").is_err());
        assert_eq!(
            preprocess("normalisation = \"keras-caffe\"").unwrap().normalisation,
            Normalisation::KerasCaffe
        );
    }

    #[test]
    fn recipes_and_preprocessing_survive_toml_and_json() {
        for recipe in builtin(64).into_iter().map(|b| b.config) {
            assert_eq!(toml::from_str::<RecipeConfig>(&toml::to_string(&recipe).unwrap()).unwrap(), recipe);
            let json = serde_json::to_string(&recipe).unwrap();
            assert_eq!(serde_json::from_str::<RecipeConfig>(&json).unwrap(), recipe);
        }
        let own = ChannelStatistics { mean: [0.5; 3], sd: [0.25; 3] };
        for normalisation in [Normalisation::Imagenet, Normalisation::Custom(own)] {
            let study = Study { preprocess: Preprocess { normalisation, ..Preprocess::default() } };
            assert_eq!(toml::from_str::<Study>(&toml::to_string(&study).unwrap()).unwrap(), study);
        }
    }
}

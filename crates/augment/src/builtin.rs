//! A recipe that ships, and where its method card is.

use crate::{Mixer, RecipeConfig};

/// A recipe that ships.
#[derive(Clone, Debug, PartialEq)]
pub struct Builtin {
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The recipe, ready for a study; its name is the card's.
    pub config: RecipeConfig,
    /// The method card, Markdown: where it comes from, definition, options, effect on labels, when it hurts.
    pub card: &'static str,
}

impl Builtin {
    /// A recipe that mixes and does nothing else, named as its mixer.
    pub(crate) fn mixing(summary: &'static str, mixer: impl Into<Mixer>, card: &'static str) -> Self {
        let mixer = mixer.into();
        let config = RecipeConfig { name: mixer.kind().to_owned(), transforms: Vec::new(), mix: Some(mixer) };
        Self { summary, config, card }
    }
}

macro_rules! shipped {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/", $name, ".md"))
    };
}
pub(crate) use shipped;

//! A recipe that ships, and where its method card is.

use crate::shipped::Shipped;
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
    pub(crate) fn mixing(Shipped { summary, method, card }: Shipped<Mixer>) -> Self {
        let config =
            RecipeConfig { name: method.kind().to_owned(), transforms: Vec::new(), mix: Some(method) };
        Self { summary, config, card }
    }
}

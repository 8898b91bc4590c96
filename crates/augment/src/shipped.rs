//! A method that ships with its method card.

/// A method with the defaults of its paper, and its card.
pub(crate) struct Shipped<T> {
    /// What it does, in a few words.
    pub(crate) summary: &'static str,
    /// With its options.
    pub(crate) method: T,
    /// Markdown, see [`crate::Builtin::card`].
    pub(crate) card: &'static str,
}

impl<T> Shipped<T> {
    pub(crate) fn new(summary: &'static str, method: T, card: &'static str) -> Self {
        Self { summary, method, card }
    }

    /// The same as one of several kinds.
    pub(crate) fn into_kind<K: From<T>>(self) -> Shipped<K> {
        Shipped { summary: self.summary, method: self.method.into(), card: self.card }
    }
}

macro_rules! shipped {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/", $name, ".md"))
    };
}
pub(crate) use shipped;

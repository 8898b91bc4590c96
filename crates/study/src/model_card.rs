//! What a weights file says of its network: a trial writes it, and it is read wherever weights are used.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use bakeoff_augment::Preprocess;
use serde::de::DeserializeOwned;

/// What someone who finds a weights file needs to use it. Other programs' files say little of this, or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelCard {
    /// Name of the network, as `model.name` takes it.
    pub model: Option<String>,
    /// The network in words.
    pub network: Option<String>,
    /// Class names, in the order of the head's rows.
    pub classes: CardEntry<Vec<String>>,
    /// Side of the network's input, px.
    pub image: CardEntry<usize>,
    /// From a decoded image to the network's input.
    pub preprocess: CardEntry<Preprocess>,
    /// Name of the study.
    pub study: Option<String>,
    /// Name of the recipe it was trained with.
    pub recipe: Option<String>,
    /// Seed of the trial.
    pub seed: CardEntry<u64>,
    /// The epoch after which these weights were kept, from 1.
    pub epoch: CardEntry<u32>,
    /// Content address of the trial.
    pub trial: Option<String>,
    /// Version of the program that wrote the file.
    pub bakeoff: Option<String>,
}

/// An entry of a card that is more than text: where it is there, it may still not be understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CardEntry<T> {
    /// The file does not say.
    #[default]
    Absent,
    /// What the file says.
    Present(T),
    /// The file says something that is not understood, and why not.
    Unreadable(String),
}

impl<T> CardEntry<T> {
    /// What the file says, where it says something that is understood.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// Whether the file says nothing, understood or not.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// What the file says under `key`, or what is wrong with it.
    pub(crate) fn required(self, key: &str) -> Result<T, String> {
        match self {
            Self::Present(value) => Ok(value),
            Self::Absent => Err(format!("its metadata has no `{key}`")),
            Self::Unreadable(reason) => Err(format!("its `{key}`: {reason}")),
        }
    }

    fn read<E: Display>(text: Option<&String>, parse: impl FnOnce(&str) -> Result<T, E>) -> Self {
        match text.map(|text| parse(text)) {
            None => Self::Absent,
            Some(Ok(value)) => Self::Present(value),
            Some(Err(error)) => Self::Unreadable(error.to_string()),
        }
    }
}

impl ModelCard {
    /// From the metadata of a weights file.
    #[must_use]
    pub fn read(metadata: &HashMap<String, String>) -> Self {
        fn json<T: DeserializeOwned>(text: Option<&String>) -> CardEntry<T> {
            CardEntry::read(text, |text| serde_json::from_str(text))
        }
        fn number<T: FromStr<Err: Display>>(text: Option<&String>) -> CardEntry<T> {
            CardEntry::read(text, str::parse)
        }
        let text = |key: &str| metadata.get(key);
        Self {
            model: text("model").cloned(),
            network: text("network").cloned(),
            classes: json(text("classes")),
            image: number(text("image")),
            preprocess: json(text("preprocess")),
            study: text("study").cloned(),
            recipe: text("recipe").cloned(),
            seed: number(text("seed")),
            epoch: number(text("epoch")),
            trial: text("trial").cloned(),
            bakeoff: text("bakeoff").cloned(),
        }
    }

    /// The metadata that [`ModelCard::read`] reads. What is not understood is left out.
    #[must_use]
    pub fn write(&self) -> HashMap<String, String> {
        fn json<T: serde::Serialize>(entry: &CardEntry<T>) -> Option<String> {
            Some(serde_json::to_string(entry.value()?).unwrap_or_default())
        }
        fn number<T: Display>(entry: &CardEntry<T>) -> Option<String> {
            entry.value().map(T::to_string)
        }
        let entries = [
            ("model", self.model.clone()),
            ("network", self.network.clone()),
            ("classes", json(&self.classes)),
            ("image", number(&self.image)),
            ("preprocess", json(&self.preprocess)),
            ("study", self.study.clone()),
            ("recipe", self.recipe.clone()),
            ("seed", number(&self.seed)),
            ("epoch", number(&self.epoch)),
            ("trial", self.trial.clone()),
            ("bakeoff", self.bakeoff.clone()),
        ];
        entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_read_as_it_was_written() {
        let text = |text: &str| Some(text.to_owned());
        let card = ModelCard {
            model: text("resnet50"),
            network: text("a network"),
            classes: CardEntry::Present(vec!["cat".to_owned(), "\"dog\"".to_owned()]),
            image: CardEntry::Present(224),
            preprocess: CardEntry::Present(Preprocess::torchvision()),
            study: text("pets"),
            recipe: text("cutmix"),
            seed: CardEntry::Present(u64::MAX),
            epoch: CardEntry::Present(3),
            trial: text("0123"),
            bakeoff: text("0.1.0"),
        };
        let metadata = card.write();
        assert_eq!(metadata.len(), 11);
        assert_eq!(metadata["classes"], r#"["cat","\"dog\""]"#);
        assert_eq!(ModelCard::read(&metadata), card);
    }

    #[test]
    fn what_is_not_there_is_told_from_what_is_not_understood() {
        assert_eq!(ModelCard::read(&HashMap::new()), ModelCard::default());
        let metadata = [("image", "large"), ("classes", "{}"), ("seed", "-1")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let card = ModelCard::read(&metadata);
        assert_eq!(card.image, CardEntry::Unreadable("invalid digit found in string".to_owned()));
        assert!(card.classes.value().is_none() && !card.classes.is_absent());
        assert!(card.seed.value().is_none() && card.epoch.is_absent());
    }
}

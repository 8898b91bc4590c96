//! Whose head a network begins with: a row of it means a class, and classes have names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use crate::{Model, NnError, Tensor, Weights};

/// What becomes of the head of weights for a data set's classes. Its text is to be told to whoever named the weights.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadFit {
    /// It stays: the weights name the data's classes, in the same order.
    Kept {
        /// How many.
        classes: usize,
    },
    /// It stays, and its rows are put into the data's order of names.
    Matched {
        /// Classes in the weights' order.
        known: Vec<String>,
        /// Classes in the data's order.
        classes: Vec<String>,
    },
    /// It stays, because it has a row for every class; nothing tells which class a row means.
    Unnamed {
        /// How many.
        classes: usize,
    },
    /// A new one is drawn from the seed.
    Fresh {
        /// Classes of the weights, where they name them.
        known: Option<Vec<String>>,
        /// Rows of the weights' head; 0 where they have none.
        rows: usize,
        /// Classes of the data.
        classes: Vec<String>,
    },
}

impl HeadFit {
    /// Whether the shapes alone would have given another head.
    #[must_use]
    pub fn is_decided_by_names(&self) -> bool {
        match self {
            Self::Kept { .. } | Self::Unnamed { .. } => false,
            Self::Matched { .. } => true,
            Self::Fresh { rows, classes, .. } => *rows == classes.len(),
        }
    }
}

impl fmt::Display for HeadFit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept { classes } => {
                write!(
                    formatter,
                    "head kept: the weights know the data's {classes} classes, in the same order"
                )
            }
            Self::Matched { known, classes } => write!(
                formatter,
                "head kept, its rows matched by name: the weights know the data's {} classes in another order ({}; the data: {})",
                classes.len(),
                some(known),
                some(classes)
            ),
            Self::Unnamed { classes } => write!(
                formatter,
                "head kept: it tells {classes} classes apart, as many as the data has, but the weights do not name theirs, so that \
                 nobody can tell whether they are the same in the same order. Without fc.weight and fc.bias in the file there would be a \
                 new head"
            ),
            Self::Fresh { known, rows, classes } => {
                write!(formatter, "new head for {} classes, drawn from the seed: ", classes.len())?;
                match (known, rows) {
                    (_, 0) => write!(formatter, "the weights have none"),
                    (Some(known), _) => {
                        write!(formatter, "the weights know {}, the data has {}", some(known), some(classes))
                    }
                    (None, rows) => {
                        write!(formatter, "that of the weights tells {rows} classes apart and names none")
                    }
                }
            }
        }
    }
}

/// The first of some names, for a sentence.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| name.escape_debug().to_string()).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

impl Weights {
    /// What becomes of the head for `classes`. `known` are the names that came with the weights; they count only where there
    /// is one for each row.
    #[must_use]
    pub fn head_fit(&self, model: &Model, known: Option<&[String]>, classes: &[String]) -> HeadFit {
        let heads: Vec<&Tensor> = model
            .parameters()
            .iter()
            .filter(|parameter| parameter.is_head())
            .filter_map(|parameter| self.get(&parameter.name))
            .collect();
        let rows = heads.first().and_then(|head| head.shape.first().copied()).unwrap_or(0);
        let known = known.filter(|known| known.len() == rows);
        let whole = rows == classes.len() && heads.iter().all(|head| head.shape.first() == Some(&rows));
        match known {
            None if whole => HeadFit::Unnamed { classes: rows },
            Some(known) if whole && known == classes => HeadFit::Kept { classes: rows },
            Some(known) if whole && row_of_each(known, classes).is_some() => {
                HeadFit::Matched { known: known.to_vec(), classes: classes.to_vec() }
            }
            _ => HeadFit::Fresh { known: known.map(<[String]>::to_vec), rows, classes: classes.to_vec() },
        }
    }

    /// [`Weights::adapt`] for classes with names: the head is what [`Weights::head_fit`] says.
    ///
    /// # Errors
    /// As [`Weights::adapt`].
    pub fn adapt_to_classes(
        &self,
        model: &Model,
        seed: u64,
        known: Option<&[String]>,
        classes: &[String],
    ) -> Result<Self, NnError> {
        let fit = self.head_fit(model, known, classes);
        let mut weights = Cow::Borrowed(self);
        if fit.is_decided_by_names() {
            let is_head = |name: &str| model.parameters().iter().any(|p| p.is_head() && p.name == name);
            let order = match &fit {
                HeadFit::Matched { known, classes } => row_of_each(known, classes),
                _ => None,
            };
            let mut changed = Self::new();
            for (name, tensor) in self.iter() {
                match &order {
                    _ if !is_head(name) => changed.insert(name, tensor.clone()),
                    Some(order) => changed.insert(name, with_rows(tensor, order)),
                    // One that is absent is drawn.
                    None => {}
                }
            }
            weights = Cow::Owned(changed);
        }
        Ok(weights.adapt(model, seed)?.0)
    }
}

/// For every class its row; nothing where the names are not the same ones.
fn row_of_each(known: &[String], classes: &[String]) -> Option<Vec<usize>> {
    let rows: HashMap<&str, usize> =
        known.iter().enumerate().map(|(row, name)| (name.as_str(), row)).collect();
    // Names that stand twice tell no rows apart.
    (rows.len() == known.len() && known.len() == classes.len()).then_some(())?;
    classes.iter().map(|class| rows.get(class.as_str()).copied()).collect()
}

fn with_rows(tensor: &Tensor, order: &[usize]) -> Tensor {
    let width = tensor.data.len() / order.len().max(1);
    let data = order.iter().flat_map(|&row| &tensor.data[row * width..(row + 1) * width]).copied().collect();
    Tensor { shape: tensor.shape.clone(), data }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_weights_head_is_kept_matched_or_drawn_by_the_names_of_classes() {
        let model = Model::by_name("resnet-tiny", 3, 32).unwrap();
        let source = Weights::initial(&model, 1);
        let fresh = Weights::initial(&model, 9);
        let head = |weights: &Weights| {
            [weights.get("fc.weight").cloned().unwrap(), weights.get("fc.bias").cloned().unwrap()]
        };
        let turned = head(&source).map(|tensor| with_rows(&tensor, &[2, 0, 1]));
        let kept = head(&source);
        let drawn = head(&fresh);
        for (known, classes, expected, said, by_names) in [
            (Some("a b c"), "a b c", &kept, "head kept: the weights know", false),
            (None, "a b c", &kept, "nobody can tell", false),
            // One name for two rows is none.
            (Some("a b"), "a b c", &kept, "nobody can tell", false),
            (
                Some("a b c"),
                "c a b",
                &turned,
                "rows matched by name: the weights know the data's 3 classes in another order (a, b, c; the data: c, a, b)",
                true,
            ),
            (
                Some("a b c"),
                "b c d",
                &drawn,
                "new head for 3 classes, drawn from the seed: the weights know a, b, c, the data has b, c, d",
                true,
            ),
            (Some("a a b"), "a b c", &drawn, "new head for 3", true),
            (Some("A b c"), "a b c", &drawn, "new head for 3", true),
        ] {
            let (known, classes) = (known.map(names), names(classes));
            let fit = source.head_fit(&model, known.as_deref(), &classes);
            assert!(fit.to_string().contains(said), "{fit}");
            assert_eq!(fit.is_decided_by_names(), by_names, "{fit}");
            let adapted = source.adapt_to_classes(&model, 9, known.as_deref(), &classes).unwrap();
            assert_eq!(&head(&adapted), expected, "{fit}");
            assert_eq!(adapted.get("conv1.weight"), source.get("conv1.weight"));
        }
    }

    #[test]
    fn a_head_of_another_size_or_none_gives_a_new_one_as_before() {
        let model = Model::by_name("resnet-tiny", 2, 32).unwrap();
        let mut source = Weights::initial(&Model::by_name("resnet-tiny", 6, 32).unwrap(), 1);
        let classes = names("a b");
        for known in [None, Some(names("a b c d e f"))] {
            let fit = source.head_fit(&model, known.as_deref(), &classes);
            assert!(!fit.is_decided_by_names() && fit.to_string().starts_with("new head for 2"), "{fit}");
            let adapted = source.adapt_to_classes(&model, 9, known.as_deref(), &classes).unwrap();
            assert_eq!(adapted, source.adapt(&model, 9).unwrap().0);
            assert_eq!(fit.to_string().contains("a, b, c, d, e and 1 more"), known.is_some(), "{fit}");
        }
        let mut backbone = Weights::new();
        let body = source.iter().filter(|(name, _)| !name.starts_with("fc."));
        body.for_each(|(name, tensor)| backbone.insert(name, tensor.clone()));
        let fit = backbone.head_fit(&model, Some(&classes), &classes);
        assert!(!fit.is_decided_by_names() && fit.to_string().ends_with("the weights have none"), "{fit}");
        // Weight and bias of different heads are no head.
        source.insert("fc.weight", Tensor::filled(&[2, 128], 1.0));
        let fit = source.head_fit(&model, None, &classes);
        assert!(matches!(fit, HeadFit::Fresh { .. }), "{fit}");
    }
}

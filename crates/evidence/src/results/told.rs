//! Words about files and names.

use bakeoff_data::alike_names;
use std::path::Path;

/// A text shortened so that an error stays readable.
pub(super) fn shown(text: &str) -> String {
    pub(super) const MOST: usize = 40;
    let mut cut: String = crate::text::plain(text).chars().take(MOST).collect();
    if text.chars().count() > MOST {
        cut.push('…');
    }
    cut
}

/// What a reader should know, said once of several files.
#[derive(Debug, Default)]
pub(super) struct Told {
    told: Vec<(&'static str, String, usize)>,
}

impl Told {
    /// Sentences of one kind are counted after the first.
    pub(super) fn tell(&mut self, kind: &'static str, sentence: impl FnOnce() -> String) {
        match self.told.iter_mut().find(|(other, ..)| *other == kind) {
            Some((.., more)) => *more += 1,
            None => self.told.push((kind, sentence(), 0)),
        }
    }

    pub(super) fn sentences(self) -> Vec<String> {
        let sentence = |(_, first, more): (&'static str, String, usize)| match more {
            0 => first,
            1 => format!("{first} The same was found and done in one more place."),
            more => format!("{first} The same was found and done in {more} more places."),
        };
        self.told.into_iter().map(sentence).collect()
    }
}

/// Names that are probably the same thing, written in different ways.
pub(super) fn alike(what: &str, names: &[String]) -> Option<String> {
    let groups = alike_names(names);
    (!groups.is_empty()).then(|| {
        let groups = groups.iter().map(|group| {
            let names: Vec<String> = group.names.iter().map(|name| format!("\"{}\"", shown(name))).collect();
            let differ: Vec<String> = group.differences.iter().map(ToString::to_string).collect();
            format!("{} (they differ in {})", crate::text::list(&names), crate::text::list(&differ))
        });
        format!(
            "Some {what} have names that are alike and were kept apart: {}. If they are the same, write them the same way.",
            groups.collect::<Vec<_>>().join("; ")
        )
    })
}

pub(super) fn shown_path(path: &Path) -> String {
    crate::text::plain(&path.display().to_string()).into_owned()
}

//! Times and folder names for programs that keep runs their own way.

use crate::figures::file_name;
use bakeoff_evidence::Evidence;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Seconds since 1970 when the run began; 0 where it is not known.
pub(crate) fn started(evidence: &Evidence) -> f64 {
    evidence.environment.as_ref().and_then(|e| seconds(&e.started)).unwrap_or(0.0)
}

/// Of `2025-06-01T09:12:33Z`.
fn seconds(text: &str) -> Option<f64> {
    Some(text.parse::<Timestamp>().ok()?.as_second() as f64)
}

/// Names of folders, different for different recipes and harmless on any system.
#[derive(Default)]
pub(crate) struct Folders(BTreeMap<String, String>);

impl Folders {
    pub(crate) fn name(&mut self, recipe: &str) -> String {
        if let Some(name) = self.0.get(recipe) {
            return name.clone();
        }
        let plain = file_name(recipe);
        // A folder of dots alone would be another folder.
        let plain = if plain.chars().all(|c| c == '.') { format!("recipe{plain}") } else { plain };
        let taken = |name: &str| self.0.values().any(|n| n == name);
        let name = (2..)
            .map(|k| format!("{plain}-{k}"))
            .find(|name| !taken(name))
            .filter(|_| taken(&plain))
            .unwrap_or(plain);
        self.0.insert(recipe.into(), name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds_since_1970() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(seconds("2000-03-01T00:00:01Z"), Some(951_868_801.0));
        assert_eq!(seconds("2025-06-01T09:12:33Z"), Some(1_748_769_153.0));
        assert_eq!(["", "yesterday", "2025-06-01"].map(seconds), [None; 3]);
    }

    #[test]
    fn folders_stay_inside_and_apart() {
        let mut folders = Folders::default();
        assert_eq!(["a/b", "a_b", "..", "a/b"].map(|r| folders.name(r)), ["a_b", "a_b-2", "recipe..", "a_b"]);
    }
}

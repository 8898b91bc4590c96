//! The name that was probably meant.

/// Characters of a word that may be a name mistyped; comparing takes time and memory by its length.
const LONGEST_WORD: usize = 100;

/// The known name nearest to a mistyped one, where one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    known
        .into_iter()
        .map(|name| {
            let plain_name = plain(name);
            let distance = strsim::damerau_levenshtein(&word, &plain_name);
            let part = word.len() >= 3
                && (plain_name.contains(&word) || word.contains(&plain_name) && name.len() >= 3);
            let limit = (plain_name.chars().count().max(word.chars().count()) / 3).max(1);
            // All names that the word is a part of are equally near: the first is the best known.
            (if part { distance.min(1) } else { distance }, limit, name)
        })
        .filter(|(distance, limit, _)| distance <= limit)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let known = ["epochs", "batch", "image", "optimizer", "evaluation_batch"];
        assert_eq!(nearest("epoch", known), Some("epochs"));
        assert_eq!(nearest("optimiser", known), Some("optimizer"));
        assert_eq!(nearest("evaluation-batch", known), Some("evaluation_batch"));
        assert_eq!(nearest("bacth", known), Some("batch"));
        assert_eq!(nearest("image_size", known), Some("image"));
        assert_eq!(nearest("fruit", known), None);
    }

    #[test]
    fn an_abbreviation_is_no_misspelling() {
        assert_eq!(nearest("imag", ["image", "seed"]), Some("image"));
        assert_eq!(nearest("image", ["img", "seed", "recipe"]), None);
        assert_eq!(nearest("cutmux", ["cutmix", "mixup"]), Some("cutmix"));
    }
}

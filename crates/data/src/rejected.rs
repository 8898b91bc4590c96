//! Images that cannot be used, in as few lines as name them all.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// An image that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Index into [`Dataset::samples`](crate::Dataset::samples).
    pub sample: usize,
    /// The sample's id.
    pub id: String,
    /// Why, in words.
    pub reason: String,
}

/// More images than this of consecutive numbers, rejected for the same reason, are one line.
const ALONE: usize = 3;
/// More places than this with the same reason are one line.
const EACH: usize = 10;

/// An id before, in and after its last number.
fn parts(id: &str) -> Option<(&str, u64, &str)> {
    let end = id.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = id[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + id[at..].chars().next().map_or(1, char::len_utf8));
    Some((&id[..start], id[start..end].parse().ok()?, &id[end..]))
}

/// One line for each image that cannot be used, `ID: REASON`. Images of consecutive numbers that cannot be used for the same
/// reason, such as the rows of a broken page, are one line; and so are many that cannot be used for one reason, of which the first are
/// named and the others counted.
#[must_use]
pub fn rejected_lines(rejected: &[Rejected]) -> Vec<String> {
    let follows = |a: &Rejected, b: &Rejected| {
        a.reason == b.reason
            && match (parts(&a.id), parts(&b.id)) {
                (Some((before, number, after)), Some(next)) => {
                    a.id.len() == b.id.len()
                        && number.checked_add(1).map(|next| (before, next, after)) == Some(next)
                }
                _ => false,
            }
    };
    // The places of each reason: a name or a row of names, and how many images it stands for.
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut reasons: Vec<(&str, Vec<(String, usize)>)> = Vec::new();
    for group in rejected.chunk_by(follows) {
        let at = *known.entry(&group[0].reason).or_insert_with(|| {
            reasons.push((&group[0].reason, Vec::new()));
            reasons.len() - 1
        });
        match group {
            [first, .., last] if group.len() > ALONE => {
                let names = format!("{} to {} ({} images)", first.id, last.id, group.len());
                reasons[at].1.push((names, group.len()));
            }
            _ => reasons[at].1.extend(group.iter().map(|image| (image.id.clone(), 1))),
        }
    }
    let mut lines = Vec::new();
    for (reason, places) in reasons {
        if places.len() <= EACH {
            lines.extend(places.into_iter().map(|(names, _)| format!("{names}: {reason}")));
            continue;
        }
        let named: Vec<&str> = places.iter().take(ALONE).map(|(names, _)| names.as_str()).collect();
        let more: usize = places.iter().skip(ALONE).map(|(_, images)| images).sum();
        lines.push(format!("{} and {more} more images: {reason}", named.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(images: &[(&str, &str)]) -> Vec<String> {
        let image = |(sample, (id, reason)): (usize, &(&str, &str))| Rejected {
            sample,
            id: (*id).to_owned(),
            reason: (*reason).to_owned(),
        };
        rejected_lines(&images.iter().enumerate().map(image).collect::<Vec<_>>())
    }

    #[test]
    fn a_reason_that_hundreds_of_images_share_is_told_once_with_the_first_names_and_a_count() {
        let ids: Vec<String> = (0..300).map(|number| format!("a/{}.jpg", number * 2)).collect();
        let mut images: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "broken page")).collect();
        images.insert(5, ("b/1.jpg", "empty"));
        assert_eq!(
            lines(&images),
            ["a/0.jpg, a/2.jpg, a/4.jpg and 297 more images: broken page", "b/1.jpg: empty"]
        );
        assert_eq!(lines(&images[6..16]).len(), 10);
    }

    #[test]
    fn consecutive_rows_with_one_reason_are_one_line_and_no_name_is_lost() {
        let page = ["rows/08", "rows/09", "rows/10", "rows/11"].map(|id| (id, "broken"));
        assert_eq!(lines(&page), ["rows/08 to rows/11 (4 images): broken"]);
        assert_eq!(lines(&page[..3]).len(), 3);
        let mut other = page;
        other[2].1 = "empty";
        assert_eq!(lines(&other).len(), 4);
        assert_eq!(lines(&["a/1.jpg", "a/2.jpg", "a/4.jpg", "a/5.jpg"].map(|id| (id, "empty"))).len(), 4);
        assert_eq!(lines(&["a/1.jpg", "a/2.jpg", "a/3.png", "a/4.jpg"].map(|id| (id, "empty"))).len(), 4);
        assert_eq!(lines(&["a/9", "a/10", "a/11", "a/12"].map(|id| (id, "empty"))).len(), 4);
        assert_eq!(
            lines(&["사진1", "사진2", "사진3", "사진4"].map(|id| (id, "x"))),
            ["사진1 to 사진4 (4 images): x"]
        );
        assert_eq!(lines(&[("없음", "x"), ("", "y")]), ["없음: x", ": y"]);
    }
}

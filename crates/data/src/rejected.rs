//! Images that cannot be used, in as few lines as name them all.

use crate::Rejected;

/// More images than this of consecutive numbers, rejected for the same reason, are one line.
const ALONE: usize = 3;

/// An id before, in and after its last number.
fn parts(id: &str) -> Option<(&str, u64, &str)> {
    let end = id.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = id[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + id[at..].chars().next().map_or(1, char::len_utf8));
    Some((&id[..start], id[start..end].parse().ok()?, &id[end..]))
}

/// One line for each image that cannot be used, `ID: REASON`. Images of consecutive numbers that cannot be used for the same
/// reason, such as the rows of a broken page, are one line: no name is lost.
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
    let mut lines = Vec::new();
    for group in rejected.chunk_by(follows) {
        match group {
            [first, .., last] if group.len() > ALONE => {
                lines.push(format!("{} to {} ({} images): {}", first.id, last.id, group.len(), first.reason));
            }
            _ => lines.extend(group.iter().map(|image| format!("{}: {}", image.id, image.reason))),
        }
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

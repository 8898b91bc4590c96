
use super::*;

fn entry(id: String) -> crate::listing::Entry {
    let (split, location) = (DeclaredSplit::Train, crate::store::Location::Missing);
    crate::listing::Entry { id, label: 0, split, location }
}

#[test]
fn thousands_of_lines_are_not_held_against_every_image() {
    const IMAGES: usize = 20_000;
    let entries = (0..IMAGES).map(|number| entry(format!("set/c{}/{number}.jpg", number % 100))).collect();
    let listing = Listing { entries, ..Listing::default() };
    let ids = Ids::of(&listing);
    let begun = std::time::Instant::now();
    let mut found = 0;
    for number in 0..IMAGES / 4 {
        for pattern in
            [format!("{number}.jpg"), format!("none{number}/"), format!("set/c{}/{number}.*", number % 100)]
        {
            found += ids.meant_by(&pattern).len();
        }
    }
    assert_eq!(found, IMAGES / 2);
    // A fraction of a second; a minute where each line is held against each image.
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn patterns_mean_what_they_mean_elsewhere() {
    for (pattern, id, means) in [
        ("a/b.jpg", "a/b.jpg.png", false),
        ("a", "a/b.jpg", true),
        ("a/", "a/b.jpg", true),
        ("a", "ab/b.jpg", false),
        ("*_copy.jpg", "train/a/1_copy.jpg", true),
        ("*_copy.jpg", "train/a/1_copy.jpeg", false),
        ("a/*.jpg", "a/1.jpg", true),
        ("a/*.jpg", "a/b/1.jpg", false),
        ("a/**/1.jpg", "a/1.jpg", true),
        ("a/**/1.jpg", "a/b/c/1.jpg", true),
        ("**/1.jpg", "1.jpg", true),
        ("a/**", "a/b/c.jpg", true),
        ("img_?[0-9].png", "x/img_a7.png", true),
        ("img_?[!0-9].png", "x/img_a7.png", false),
        ("[ab]/1", "b/1", true),
        ("[", "[", true),
        ("***************x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
    ] {
        let listing = Listing { entries: vec![entry(id.to_owned())], ..Listing::default() };
        let found = !Ids::of(&listing).meant_by(pattern).is_empty();
        assert_eq!(found || pattern == id, means, "{pattern} {id}");
    }
}

#[test]
fn sets_that_share_an_image_are_one_group() {
    let groups = Groups::of(6, [&[0usize, 3][..], &[3, 4], &[1, 2]]);
    assert_eq!(groups.sets(), [vec![0, 3, 4], vec![1, 2]]);
    assert_eq!((groups.first_of(4), groups.first_of(5), groups.first_of(99)), (0, 5, 99));
    assert_eq!(groups.with(6, &[vec![2, 5]]).sets(), [vec![0, 3, 4], vec![1, 2, 5]]);
    assert!(Groups::of(6, [&[2usize][..]]).is_none());
}

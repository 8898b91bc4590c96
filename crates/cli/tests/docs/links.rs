//! Links between pages, and to headings within them.

use crate::pages::{Page, pages};
use crate::scene::repository;

/// The links of a page: `[text](target)`.
fn links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(str::to_owned).collect()
}

/// A heading's anchor as Git forges make it: lower case, no punctuation, blanks as dashes.
fn anchors(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| -> String {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn links_between_pages_lead_to_files_and_headings_that_are_there() {
    let mut seen = 0;
    for page in pages() {
        let folder = page.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&page) {
            if link.starts_with("https://") {
                continue;
            }
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = repository().join(folder).join(file);
            assert!(file.is_empty() || path.exists(), "{}: ({link}) leads to nothing", page.name);
            if !anchor.is_empty() {
                let target = if file.is_empty() {
                    Page::read(&page.name)
                } else {
                    Page::read(format!("{folder}/{file}").trim_start_matches('/'))
                };
                assert!(
                    anchors(&target).iter().any(|known| known == anchor),
                    "{}: ({link}) names no heading",
                    page.name
                );
            }
        }
    }
    assert!(seen > 60, "only {seen} links were found");
}

#[test]
fn every_page_is_reached_by_a_link_from_another() {
    let all = pages();
    for page in all.iter().filter(|page| page.name != "README.md") {
        let file = page.name.rsplit('/').next().unwrap();
        // Decisions are a folder, which is linked as one.
        let linked = page.name.starts_with("docs/decisions/")
            || all
                .iter()
                .any(|other| other.name != page.name && links(other).iter().any(|link| link.contains(file)));
        assert!(linked, "no page leads to {}", page.name);
    }
}

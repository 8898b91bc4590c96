//! Results and trials.

use super::{Writer, put};
use crate::chart::range;
use crate::language::fill;
use crate::summary::MissingTrial;
use crate::tables;
use crate::text::{bdi, escape};
use bakeoff_stats::wording::points;

/// Lists longer than this end in a count.
pub(super) const LIST: usize = 40;

impl Writer<'_> {
    pub(super) fn results(&mut self) {
        let (evidence, assessment, words) = (self.evidence, self.assessment, self.words);
        let summary = &assessment.summary;
        self.open_section("results", words.s_results);
        match range(summary.recipes.iter().flat_map(|r| r.top1.per_seed.iter().copied())) {
            None => put!(self, "<p>{}</p>\n", words.no_result),
            Some([low, high]) => {
                let caption = fill(
                    words.results_caption,
                    &[
                        ("low", &points(low, 1)),
                        ("high", &points(high, 1)),
                        ("baseline", &bdi(&summary.baseline)),
                        ("comparisons", &words.count(words.comparisons_n, self.corrected_for())),
                        ("top5", &if evidence.shows_top5() { "" } else { words.no_top5 }),
                    ],
                );
                self.table(&tables::results(evidence, assessment, words), "", &caption);
            }
        }
        self.close_section();
    }

    pub(super) fn trials(&mut self) {
        let (words, summary) = (self.words, &self.assessment.summary);
        self.open_section("trials", words.s_trials);
        let table = tables::trials(self.evidence, words);
        self.table(&table, "grid-table", words.trials_caption);
        self.missing(words.failed_list, &summary.failed, true);
        self.missing(words.unfinished_list, &summary.skipped, false);
        if summary.failed.is_empty() && summary.skipped.is_empty() {
            put!(self, "<p>{}</p>\n", words.all_finished);
        }
        self.close_section();
    }

    fn missing(&mut self, title: &str, list: &[MissingTrial], open: bool) {
        if list.is_empty() {
            return;
        }
        let words = self.words;
        let title = fill(title, &[("trials", &words.count(words.trials_n, list.len()))]);
        let items = list.iter().map(|trial| {
            let (recipe, reason) = (bdi(&trial.recipe), escape(&trial.reason));
            fill(words.one_trial, &[("recipe", &recipe), ("seed", &trial.seed), ("reason", &reason)])
        });
        self.details(&title, items, "summary.json", open);
    }

    /// A list that opens; a long one ends in a count and where the rest is.
    pub(super) fn details(
        &mut self,
        title: &str,
        items: impl ExactSizeIterator<Item = String>,
        file: &str,
        open: bool,
    ) {
        let total = items.len();
        put!(self, "<details{}><summary>{title}</summary><ul>", if open { " open" } else { "" });
        for item in items.take(LIST) {
            put!(self, "<li>{item}</li>");
        }
        if total > LIST {
            let more = crate::language::thousands(total - LIST);
            put!(self, "<li>{}</li>", fill(self.words.more_in, &[("n", &more), ("file", &file)]));
        }
        self.html.push_str("</ul></details>\n");
    }
}

//! Results and trials.

use super::{Writer, put};
use crate::chart::range;
use crate::language::fill;
use crate::metric::{metric, metric_and_way};
use crate::tables;
use crate::text::{bdi, escape};
use bakeoff_evidence::Origin;
use bakeoff_findings::summary::MissingTrial;
use bakeoff_stats::Unit;
use bakeoff_stats::sequential::Standing;

/// Lists longer than this end in a count.
pub(super) const LIST: usize = 40;

impl Writer<'_> {
    pub(super) fn results(&mut self) {
        let (evidence, assessment, words) = (self.evidence, self.assessment, self.words);
        let summary = &assessment.summary;
        let own = evidence.origin == Origin::Run;
        self.open_section("results", if own { words.s_results } else { words.s_results_elsewhere });
        match range(
            summary.recipes.iter().flat_map(|r| r.top1.per_seed.iter().copied()),
            summary.measure.unit,
        ) {
            None => put!(self, "<p>{}</p>\n", words.no_result),
            Some([low, high]) => {
                let what = if own {
                    words.results_what.to_owned()
                } else {
                    fill(words.results_elsewhere, &[("metric", &escape(&metric_and_way(evidence, words)))])
                };
                let top5 = if own && !evidence.shows_top5() { words.no_top5 } else { "" };
                let unit = summary.measure.unit;
                let scale = match unit {
                    Unit::Percent => 1,
                    Unit::Plain => unit.decimals(high - low),
                };
                let caption = fill(
                    if unit == Unit::Percent { words.results_caption } else { words.results_caption_plain },
                    &[
                        ("what", &what),
                        ("low", &unit.number(low, scale)),
                        ("high", &unit.number(high, scale)),
                        ("baseline", &bdi(&summary.baseline)),
                        ("comparisons", &words.count(words.comparisons_n, self.corrected_for())),
                        ("top5", &top5),
                    ],
                );
                let differences = || summary.recipes.iter().filter_map(|r| r.difference.as_ref());
                let zero = if differences().any(|d| d.low == d.high) { words.zero_width } else { "" };
                self.table(
                    &tables::results(evidence, assessment, words),
                    "results",
                    &format!("{caption}{zero}"),
                );
                let insight = &summary.insight;
                let measures =
                    tables::insight::measures(evidence, insight, "measures", &tables::insight::RIGHT, words);
                if let Some(table) = measures {
                    let caption = fill(words.measures_caption, &[("baseline", &bdi(&summary.baseline))]);
                    self.table(&table, "measures", &caption);
                }
            }
        }
        self.close_section();
    }

    pub(super) fn trials(&mut self) {
        let (words, summary) = (self.words, &self.assessment.summary);
        self.open_section("trials", words.s_trials);
        let evidence = self.evidence;
        let table = tables::trials(evidence, words);
        let own = evidence.origin == Origin::Run;
        let metric = escape(&metric(evidence, words));
        let caption = match summary.measure.unit {
            _ if own => words.trials_caption,
            Unit::Percent => words.trials_elsewhere,
            Unit::Plain => words.trials_elsewhere_plain,
        };
        self.table(&table, "grid-table", &fill(caption, &[("metric", &metric)]));
        self.missing(words.failed_list, &summary.failed, true);
        self.missing(words.unfinished_list, &summary.skipped, false);
        if own && summary.failed.is_empty() && summary.skipped.is_empty() {
            put!(self, "<p>{}</p>\n", words.all_finished);
        }
        self.looks();
        self.close_section();
    }

    /// The looks of a run until decided, and where each recipe stands.
    fn looks(&mut self) {
        let (words, summary) = (self.words, &self.assessment.summary);
        let (Some(sequential), Some(table)) = (&summary.sequential, tables::insight::looks(summary, words))
        else {
            return;
        };
        let seeds = |n: usize| words.count(words.seeds_n, n);
        self.html.push_str("<ul>");
        for recipe in &sequential.recipes {
            let (template, n) = match recipe.standing {
                Standing::Open => (words.standing_open, 0),
                Standing::Decided(n) => (words.standing_decided, n),
                Standing::Hopeless(n) => (words.standing_hopeless, n),
            };
            let values = [
                ("recipe", &bdi(&recipe.name) as &dyn std::fmt::Display),
                ("seeds", &seeds(n)),
                ("most", &seeds(sequential.design.most)),
            ];
            put!(self, "<li>{}</li>", fill(template, &values));
        }
        self.html.push_str("</ul>\n");
        if !table.rows.is_empty() {
            self.table(&table, "grid-table", words.looks_caption);
        }
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

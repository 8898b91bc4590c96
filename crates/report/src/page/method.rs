//! Data, method, and how to repeat it.

use super::{Writer, put};
use crate::language::{Words, fill, thousands};
use crate::metric::{metric, metric_and_way};
use crate::references;
use crate::text::{bdi, escape, escape_lines};
use bakeoff_evidence::Origin;
use bakeoff_findings::summary::CopiesSummary;
use bakeoff_stats::wording::least_p;
use bakeoff_stats::{Direction, LEVEL, Method, Unit, fewest_seeds, smallest_p};
use bakeoff_study::Trainable;
use bakeoff_study::records::{CopiesRecord, DataRecord};

/// A configuration value in words: `sgd, lr 0.1, momentum 0.9`.
fn told(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(map) => {
            let parts =
                map.iter().filter(|(_, v)| !v.is_null()).map(|(key, value)| match (key.as_str(), value) {
                    ("name" | "kind", value) => told(value),
                    (key, value) => format!("{} {}", key.replace('_', " "), told(value)),
                });
            parts.collect::<Vec<_>>().join(", ")
        }
        serde_json::Value::Array(list) => list.iter().map(told).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn configured(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).map_or_else(|_| "–".into(), |value| told(&value))
}

fn headline(words: &Words, word: &str) -> String {
    match word {
        "last" => words.m_last.into(),
        "as given" => words.m_as_given.into(),
        "best-on-validation" => words.m_best.into(),
        other => match other.strip_prefix("median-of-last-") {
            Some(k) => fill(words.m_median, &[("k", &k)]),
            None => other.into(),
        },
    }
}

/// A name as a word of a shell.
fn shell(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "-_./+".contains(c);
    if !name.is_empty() && name.chars().all(safe) {
        name.into()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

impl Writer<'_> {
    /// A list of terms and texts; both are escaped here.
    fn facts(&mut self, facts: &[(&str, String)]) {
        self.html.push_str("<dl class=\"facts\">");
        for (term, text) in facts {
            put!(self, "<dt>{}</dt><dd>{}</dd>", escape(term), escape(text));
        }
        self.html.push_str("</dl>\n");
    }

    pub(super) fn data(&mut self) {
        let words = self.words;
        self.open_section("data", words.s_data);
        let Some(data) = &self.evidence.data else {
            put!(self, "<p>{}</p>\n", words.no_data);
            self.close_section();
            return;
        };
        self.facts(&[
            (words.d_classes, thousands(data.classes.len())),
            (words.d_train, thousands(data.train)),
            (words.d_validation, thousands(data.validation)),
            (words.d_test, thousands(data.test)),
        ]);
        if data.rejected.is_empty() {
            put!(self, "<p>{}</p>\n", words.none_left_out);
        } else {
            let title =
                fill(words.left_out, &[("images", &words.count(words.images_n, data.rejected.len()))]);
            let items = data.rejected.iter().map(|r| format!("{}: {}", bdi(&r.image), escape(&r.reason)));
            self.details(&title, items, "data.json", false);
        }
        if data.duplicates.is_empty() {
            put!(self, "<p>{}</p>\n", words.no_duplicates);
        } else {
            let title =
                fill(words.duplicates, &[("files", &words.count(words.files_n, data.duplicates.len()))]);
            let items = data
                .duplicates
                .iter()
                .map(|ids| ids.iter().map(|id| bdi(id)).collect::<Vec<_>>().join(" = "));
            self.details(&title, items, "data.json", false);
        }
        self.copies(data);
        let title = fill(words.class_names, &[("n", &thousands(data.classes.len()))]);
        self.details(
            &title,
            data.classes.iter().map(|class| self.shared.names.html(class)).collect::<Vec<_>>().into_iter(),
            "data.json",
            false,
        );
        self.close_section();
    }

    /// Sets of copies, what makes a test lie first.
    fn copies(&mut self, data: &DataRecord) {
        let words = self.words;
        let counts = CopiesSummary::of(data);
        if counts.sets == 0 {
            return;
        }
        let sentence = fill(
            words.copies_counts,
            &[
                ("sets", &words.count(words.sets_n, counts.sets)),
                ("images", &words.count(words.images_n, counts.images)),
                ("identical", &counts.identical),
                ("alike", &(counts.sets - counts.identical)),
            ],
        );
        let kept = fill(words.copies_kept, &[("sets", &words.count(words.sets_n, counts.kept_together))]);
        let across = fill(words.copies_across, &[("sets", &words.count(words.sets_n, counts.across_splits))]);
        let classes =
            fill(words.copies_classes, &[("sets", &words.count(words.sets_n, counts.across_classes))]);
        let mut sentences = vec![sentence];
        sentences.extend((counts.kept_together > 0).then_some(kept));
        sentences.extend((counts.across_splits > 0).then_some(across));
        sentences.extend((counts.across_classes > 0).then_some(classes));
        put!(self, "<p>{}</p>\n", sentences.join(" "));
        let mut order: Vec<&CopiesRecord> = data.copies.iter().collect();
        order.sort_by_key(|set| (!set.across_splits, !set.across_classes));
        let items = order.into_iter().map(|set| {
            let mut ids: Vec<String> = set.images.iter().take(6).map(|id| bdi(id)).collect();
            if set.images.len() > 6 {
                ids.push(format!("… ({})", thousands(set.images.len())));
            }
            let mut marks = Vec::new();
            marks.extend(set.across_splits.then_some(words.copies_mark_across));
            marks.extend(set.across_classes.then_some(words.copies_mark_classes));
            let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
            ids.join(if set.identical { " = " } else { " ≈ " }) + &marks
        });
        self.details(&fill(words.copies_list, &[("n", &thousands(counts.sets))]), items, "data.json", false);
    }

    pub(super) fn method(&mut self) {
        let (words, evidence) = (self.words, self.evidence);
        let plan = &evidence.plan;
        self.open_section("method", words.s_method);
        let epochs = words.count(words.epochs_n, plan.epochs as usize);
        let elsewhere = evidence.origin != Origin::Run;
        let mut facts = Vec::new();
        if let Some(study) = &evidence.study {
            let start = study.model.weights.as_ref().map_or_else(
                || words.m_scratch.to_owned(),
                |path| fill(words.m_weights, &[("path", &path.display())]),
            );
            facts.push((words.m_network, format!("{}, {start}", study.model.name)));
            let train = &study.train;
            let budget = [
                ("epochs", &epochs as &dyn std::fmt::Display),
                ("batch", &train.batch),
                ("side", &train.image),
            ];
            facts.push((words.m_budget, fill(words.m_budget_text, &budget)));
            facts.push((words.m_optimiser, configured(&train.optimizer)));
            facts.push((words.m_rate, configured(&train.schedule)));
            if train.trainable == Trainable::Head {
                facts.push((words.m_trained, words.m_head_only.to_owned()));
            }
            if train.label_smoothing > 0.0 {
                facts.push((words.m_smoothing, train.label_smoothing.to_string()));
            }
        } else if elsewhere {
            facts.push((words.m_source, words.m_source_elsewhere.to_owned()));
        } else {
            facts.push((words.m_budget, epochs));
        }
        facts.push((words.h_seeds, plan.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")));
        if !plan.evaluation.is_empty() {
            facts.push((words.m_evaluation, plan.evaluation.join("; ")));
        }
        if elsewhere {
            facts.push((words.m_compared, metric_and_way(evidence, words)));
        }
        facts.push((words.m_tested, headline(words, &plan.headline)));
        let margin = match evidence.measure().unit {
            Unit::Percent => words.points(plan.margin),
            Unit::Plain => plan.margin.to_string(),
        };
        facts.push((
            words.m_margin,
            if plan.margin > 0.0 {
                fill(words.m_margin_text, &[("margin", &margin)])
            } else {
                words.m_margin_none.to_owned()
            },
        ));
        self.facts(&facts);

        let crossed = self.assessment.comparisons.iter().filter_map(|c| c.interval);
        let crossed = crossed.map(|i| i.method).any(|m| m == Method::CrossedT);
        let interval = if crossed { words.m_crossed } else { words.m_paired_t };
        let (n, fewest) = (plan.seeds.len(), fewest_seeds(LEVEL));
        let p = least_p(smallest_p(n));
        let p = p.trim_start_matches("p\u{a0}").trim_start_matches("=\u{a0}");
        let template = if n < fewest { words.m_reach_short } else { words.m_reach };
        let reach = fill(
            template,
            &[("seeds", &words.count(words.seeds_n, n)), ("p", &escape(p)), ("fewest", &fewest)],
        );
        let known = self.assessment.comparisons.iter().any(|c| c.p_images.is_some());
        let level = LEVEL.to_string();
        let values = [
            ("baseline", &bdi(&plan.baseline) as &dyn std::fmt::Display),
            ("metric", &escape(&metric(evidence, words))),
            ("interval", &interval),
            ("reach", &reach),
            ("level", &if plan.until_decided.is_some() { words.m_level_look } else { level.as_str() }),
            ("images", &if known { words.m_verdict_images } else { "" }),
        ];
        for paragraph in [
            if elsewhere { words.m_elsewhere_pairs } else { words.m_pairs },
            words.m_uncertainty,
            words.m_tests,
            words.m_verdicts,
            if elsewhere { words.m_elsewhere_measured } else { words.m_measured },
        ] {
            put!(self, "<p>{}</p>\n", fill(paragraph, &values));
        }
        if self.assessment.summary.recommendation.is_some() {
            put!(self, "<p>{}</p>\n", words.m_recommended);
        }
        self.corrections(known);
        put!(self, "<h3>{}</h3>\n<ul class=\"references\" lang=\"en\">\n", words.m_references);
        for reference in references::used(evidence) {
            put!(self, "<li>{}</li>\n", escape(&reference.line()));
        }
        self.html.push_str("</ul>\n");
        self.close_section();
    }

    /// Every correction; `known`: whether images are known one by one.
    fn corrections(&mut self, known: bool) {
        let (words, plan) = (self.words, &self.evidence.plan);
        let insight = &self.assessment.summary.insight;
        let mut corrections = vec![
            words.m_c_seeds,
            if known { words.m_c_images } else { words.m_c_no_images },
            words.m_c_equivalent,
        ];
        if plan.until_decided.is_some() {
            corrections.push(words.m_c_looks);
        }
        if insight.pairs.len() > 1 {
            corrections.push(words.m_c_pairs);
        }
        if insight.recipes.iter().any(|r| !r.classes.is_empty()) {
            corrections.push(words.m_c_classes);
        }
        if insight.robustness.is_some() {
            corrections.push(words.m_c_damaged);
        }
        corrections.push(words.m_c_none);
        let comparisons = words.count(words.comparisons_n, self.corrected_for());
        let pairs = words.count(words.pairs_n, insight.pairs.len());
        let looks = plan.until_decided.map_or([0, 0], |declared| [declared.first, declared.most]);
        let [first, most] = looks.map(|n| words.count(words.seeds_n, n));
        put!(self, "<h3>{}</h3>\n<ul class=\"corrections\">\n", words.m_corrections);
        for correction in corrections {
            let n = if correction == words.m_c_pairs { &pairs } else { &comparisons };
            let values = [("n", n as &dyn std::fmt::Display), ("first", &first), ("most", &most)];
            put!(self, "<li>{}</li>\n", fill(correction, &values));
        }
        self.html.push_str("</ul>\n");
    }

    pub(super) fn repeat(&mut self) {
        let (words, evidence) = (self.words, self.evidence);
        self.open_section("repeat", words.s_repeat);
        if let Some(e) = &evidence.environment {
            self.facts(&[
                ("Bakeoff", e.bakeoff.clone()),
                (words.r_system, e.system.clone()),
                (words.r_processor, e.cpu.clone()),
                (words.r_instructions, e.instructions.clone()),
                (words.r_threads, e.threads.to_string()),
                (words.r_backend, e.backend.clone()),
                (words.r_begun, e.started.clone()),
            ]);
        }
        if evidence.origin != Origin::Run {
            let (baseline, margin) = (shell(&evidence.plan.baseline), evidence.plan.margin);
            let margin = if margin > 0.0 { format!(" --margin {margin}") } else { String::new() };
            let measure = evidence.measure();
            let metric = match (&evidence.origin, evidence.is_top1(), measure.direction) {
                (_, true, _) | (Origin::Run, ..) => String::new(),
                // Predictions take no word of which way is good.
                (Origin::Elsewhere { metric, .. }, ..) if metric == "probability" => {
                    " --metric probability".into()
                }
                (Origin::Elsewhere { metric, .. }, _, direction) => {
                    let way = match direction {
                        Direction::HigherIsBetter => "--higher-is-better",
                        Direction::LowerIsBetter => "--lower-is-better",
                    };
                    format!(" --metric {} {way}", escape(&shell(metric)))
                }
            };
            put!(
                self,
                "<p>{}</p>\n<pre tabindex=\"0\">bakeoff compare FILES --baseline {}{metric}{margin} --out another-report     # FILES: {}</pre>\n",
                words.r_elsewhere,
                escape(&baseline),
                words.r_files
            );
            self.close_section();
            return;
        }
        put!(
            self,
            "<p>{}</p>\n<pre tabindex=\"0\">bakeoff run study.toml --out another-run     # {}\nbakeoff report another-run                  # {}</pre>\n",
            words.r_same,
            words.r_all_again,
            words.r_this_page
        );
        if let Some(study) = &evidence.study_file {
            put!(
                self,
                "<details><summary>{}</summary><pre tabindex=\"0\">{}</pre></details>\n",
                words.r_study_file,
                escape_lines(study.trim_end())
            );
        }
        self.close_section();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn a_name_is_one_word_of_a_shell() {
        assert_eq!(
            ["cutmix-0.4", "", "a b", "it's; rm"].map(shell),
            ["cutmix-0.4", "''", "'a b'", "'it'\\''s; rm'"]
        );
    }

    #[test]
    fn configuration_is_told_in_words() {
        let value = serde_json::json!({"name": "sgd", "lr": 0.1, "weight_decay": 0.0005, "nesterov": true, "x": null});
        assert_eq!(told(&value), "sgd, lr 0.1, weight decay 0.0005, nesterov true");
        assert_eq!(
            headline(Language::English.words(), "median-of-last-5"),
            "the weights of the epoch with the median validation accuracy of the last 5"
        );
    }
}

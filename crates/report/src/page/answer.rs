//! The answer: one sentence, one picture, and why.

use super::{Writer, put};
use crate::figures::{self, NARROW, WIDE};
use crate::korean;
use crate::language::{Language, fill};
use crate::metric::metric;
use crate::tables;
use crate::text::{bdi, escape};
use bakeoff_evidence::Origin;
use bakeoff_findings::Caveat;
use bakeoff_findings::answer::Answer;
use bakeoff_findings::summary::RecipeSummary;
use bakeoff_stats::{Comparison, Direction, LEVEL, Unit, fewest_seeds};

impl Writer<'_> {
    /// Comparisons that the correction counts.
    pub(super) fn corrected_for(&self) -> usize {
        let with =
            |seeds: usize| self.assessment.comparisons.iter().filter(|c| c.seeds.len() >= seeds).count();
        // Where no recipe has the seeds to be claimed, all that can be compared are corrected together.
        match with(fewest_seeds(LEVEL)) {
            0 => with(2),
            n => n,
        }
    }

    fn explanation(&self, recipe: &RecipeSummary, comparison: Option<&Comparison>) -> String {
        match (self.words.language, comparison) {
            (Language::Korean, Some(comparison)) => korean::explanation(comparison),
            (Language::English, Some(comparison)) => comparison.explanation(),
            (_, None) => recipe.explanation().unwrap_or_default(),
        }
    }

    pub(super) fn answer(&mut self) {
        let (evidence, assessment, words) = (self.evidence, self.assessment, self.words);
        let summary = &assessment.summary;
        let sentences = match words.language {
            Language::English => Answer::new(summary).sentences(summary),
            Language::Korean => korean::answer(summary),
        };
        // What to do stands by itself; what it rests on below.
        let (first, rest) = match (&summary.recommendation, sentences.split_first()) {
            (Some(_), Some((first, rest))) => (first.clone(), rest.join(" ")),
            _ => (sentences.join(" "), String::new()),
        };
        put!(
            self,
            "<section id=\"{}\" aria-label=\"{}\">\n<p class=\"answer\">{}</p>\n",
            self.id("answer"),
            words.s_answer,
            escape(&first)
        );
        if !rest.is_empty() {
            put!(self, "<p class=\"basis\">{}</p>\n", escape(&rest));
        }
        self.notices();

        if assessment.comparisons.iter().any(|c| c.mean.is_some()) {
            self.html.push_str("<figure>");
            self.chart(
                "differences",
                &figures::differences(evidence, assessment, WIDE, words),
                &figures::differences(evidence, assessment, NARROW, words),
            );
            let lower = summary.measure.direction == Direction::LowerIsBetter;
            let same = match evidence.origin {
                Origin::Run => words.forest_same,
                _ if lower => words.forest_lower,
                _ => "",
            };
            let caption = match summary.measure.unit {
                Unit::Percent => words.forest_caption,
                Unit::Plain => words.forest_caption_plain,
            };
            let values = [
                ("metric", &escape(&metric(evidence, words)) as &dyn std::fmt::Display),
                ("baseline", &bdi(&summary.baseline)),
                ("same", &same),
            ];
            self.caption(&fill(caption, &values));
        }
        let mut decided: Vec<_> = summary.recipes.iter().filter(|recipe| recipe.verdict.is_some()).collect();
        // As in the picture: largest effect first.
        let effect = |r: &RecipeSummary| match r.difference {
            Some(_) => summary.gain(r),
            None => f64::NEG_INFINITY,
        };
        decided.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
        if !decided.is_empty() {
            self.html.push_str("<ul class=\"verdicts\">\n");
            for recipe in decided {
                let comparison = assessment.comparisons.iter().find(|c| c.name == recipe.name);
                let (verdict, why) =
                    (tables::verdict(words, recipe.verdict), self.explanation(recipe, comparison));
                put!(self, "<li>{verdict}<p>{}</p></li>\n", escape(&why));
            }
            self.html.push_str("</ul>\n");
        }
        self.close_section();
    }

    /// What a reader must know first.
    fn notices(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let summary = &self.assessment.summary;
        let (finished, planned) = (evidence.finished(), evidence.trials.len());
        let mut notices = Vec::new();
        if finished < planned {
            let failed = summary.failed.len();
            let failures =
                if failed > 0 { fill(words.partial_failed, &[("n", &failed)]) } else { String::new() };
            notices.push(fill(
                words.partial,
                &[
                    ("finished", &finished),
                    ("planned", &planned),
                    ("failures", &failures),
                    ("trials", &self.id("trials")),
                ],
            ));
        }
        notices.extend(self.assessment.caveats.iter().map(|caveat| match (words.language, caveat) {
            (_, Caveat::Told(text)) => words.warning(text),
            (Language::English, caveat) => escape(&caveat.to_string()),
            (Language::Korean, caveat) => escape(&korean::caveat(caveat)),
        }));
        if let Some(data) = evidence.data.as_ref().filter(|data| !data.duplicates.is_empty()) {
            let files = words.count(words.files_n, data.duplicates.len());
            notices.push(fill(words.duplicates_notice, &[("files", &files), ("data", &self.id("data"))]));
        }
        match notices.as_slice() {
            [] => {}
            [one] => put!(self, "<div class=\"notice\" role=\"note\"><p>{one}</p></div>\n"),
            several => {
                put!(self, "<div class=\"notice\" role=\"note\"><p><b>{}</b></p><ul>", words.before_relying);
                for notice in several {
                    put!(self, "<li>{notice}</li>");
                }
                self.html.push_str("</ul></div>\n");
            }
        }
    }
}

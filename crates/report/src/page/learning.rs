//! Learning curves.

use super::results::LIST;
use super::{Writer, put};
use crate::figures::{self, NARROW, WIDE};
use crate::language::fill;
use crate::metric::metric_and_way;
use crate::tables;
use crate::text::escape;
use crate::theme;
use bakeoff_evidence::Origin;
use bakeoff_findings::insight::CourseSummary;

impl Writer<'_> {
    /// Buttons that hide and show recipes; only there with the script that serves them.
    pub(super) fn keys(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        put!(self, "<div class=\"keys\" role=\"group\" aria-label=\"{}\">", words.show_recipes);
        for recipe in &evidence.plan.recipes {
            let colour = evidence.colour(&recipe.name);
            put!(
                self,
                "<button type=\"button\" aria-pressed=\"true\" data-toggle=\"{0}\" style=\"--k:var(--{1})\"><i></i><span dir=\"auto\" title=\"{2}\">{2}</span></button>",
                crate::chart::toggle(colour),
                theme::series_class(colour),
                escape(&recipe.name)
            );
        }
        put!(
            self,
            "<button type=\"button\" data-zoom=\"in\" title=\"{0}\">+ {1}</button><button type=\"button\" data-zoom=\"out\" title=\"{2}\">− {3}</button></div>\n",
            words.zoom_in,
            words.zoom_last,
            words.zoom_out,
            words.zoom_all
        );
    }

    pub(super) fn learning(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let curves = figures::curves(evidence, words);
        if evidence.origin != Origin::Run
            && curves.training_loss.is_empty()
            && curves.validation_accuracy.is_empty()
        {
            return;
        }
        self.open_section("learning", words.s_learning);
        // Another trainer's log may hold nothing but what is compared.
        if curves.training_loss.is_empty() && evidence.origin == Origin::Run {
            put!(self, "<p>{}</p>\n", words.no_epoch);
            self.close_section();
            return;
        }
        put!(self, "<p class=\"hint\">{}</p>\n", words.curves_hint);
        self.keys();
        let uneven = if curves.uneven { words.uneven } else { "" };
        if evidence.has_validation() {
            self.html.push_str("<figure>");
            let accuracy = &curves.validation_accuracy;
            self.chart(
                "validation-accuracy",
                &accuracy.draw(WIDE, 460.0, words),
                &accuracy.draw(NARROW, 320.0, words),
            );
            let metric = escape(&metric_and_way(evidence, words));
            let caption =
                if evidence.origin == Origin::Run { words.validation_caption } else { words.metric_caption };
            self.caption(&fill(caption, &[("uneven", &uneven), ("metric", &metric)]));
        } else {
            put!(self, "<p>{}</p>\n", words.no_validation);
        }
        self.html.push_str("<figure><div class=\"trio\">");
        let mut panels = vec![("training-loss", &curves.training_loss)];
        if evidence.has_validation() {
            panels.push(("validation-loss", &curves.validation_loss));
        }
        panels.push(("training-accuracy", &curves.training_accuracy));
        for (name, panel) in panels {
            put!(
                self,
                "<div class=\"chart\" data-name=\"{name}\">{}</div>",
                panel.draw(320.0, 260.0, words).inline("")
            );
        }
        self.html.push_str("</div>");
        let cut = [&curves.training_loss, &curves.validation_loss].iter().any(|curves| curves.is_cut());
        self.caption(&format!("{}{}", words.losses_caption, if cut { words.cut_off } else { "" }));
        if evidence.has_validation() && evidence.finished() > 0 {
            self.courses();
            self.gains();
        }
        self.close_section();
    }

    /// Where curves cross, or that it cannot be said.
    fn courses(&mut self) {
        let words = self.words;
        let courses = &self.assessment.summary.insight.courses;
        if self.evidence.plan.recipes.len() < 2 || !self.evidence.has_accuracy_curves() {
            return;
        }
        put!(self, "<h3>{}</h3>\n", words.courses_title);
        if courses.is_empty() {
            put!(self, "<p>{}</p>\n", words.courses_few);
            return;
        }
        put!(self, "<p>{}</p>\n", words.courses_intro);
        let sentence = |c: &CourseSummary| {
            escape(&tables::insight::course(&c.first, &c.second, &c.sentence, c.course, words))
        };
        let more = courses.len().saturating_sub(LIST);
        put!(self, "<ul class=\"courses\">");
        for course in courses.iter().take(LIST) {
            put!(self, "<li>{}</li>", sentence(course));
        }
        if more > 0 {
            let more = [("n", &more as &dyn std::fmt::Display), ("file", &"tables/courses.csv")];
            put!(self, "<li>{}</li>", fill(words.more_in, &more));
        }
        self.html.push_str("</ul>\n");
    }

    /// What an epoch is worth.
    fn gains(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let insight = &self.assessment.summary.insight;
        let Some(gains) = figures::gains(evidence, insight, words) else { return };
        self.keys();
        self.html.push_str("<figure>");
        self.chart("epoch-gains", &gains.draw(WIDE, 400.0, words), &gains.draw(NARROW, 320.0, words));
        self.caption(words.gain_caption);
        if let Some(table) = tables::insight::endings(evidence, insight, words) {
            self.table(&table, "", words.gain_table_caption);
        }
    }
}

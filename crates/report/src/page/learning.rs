//! Learning curves.

use super::{Writer, put};
use crate::figures::{self, NARROW, WIDE};
use crate::language::fill;
use crate::text::escape;
use crate::theme;

impl Writer<'_> {
    /// Buttons that hide and show recipes; only there with the script that serves them.
    pub(super) fn keys(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        put!(self, "<div class=\"keys\" role=\"group\" aria-label=\"{}\">", words.show_recipes);
        for recipe in &evidence.plan.recipes {
            let colour = evidence.colour(&recipe.name);
            put!(
                self,
                "<button type=\"button\" aria-pressed=\"true\" data-toggle=\"{}\" style=\"--k:var(--{})\"><i></i><span dir=\"auto\">{}</span></button>",
                crate::chart::toggle(colour),
                theme::series_class(colour),
                escape(&recipe.name)
            );
        }
        put!(
            self,
            "<button type=\"button\" data-zoom=\"in\" title=\"{0}\" aria-label=\"{0}\">+</button><button type=\"button\" data-zoom=\"out\" title=\"{1}\" aria-label=\"{1}\">−</button></div>\n",
            words.zoom_in,
            words.zoom_out
        );
    }

    pub(super) fn learning(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        self.open_section("learning", words.s_learning);
        let curves = figures::curves(evidence, words);
        if curves.training_loss.is_empty() {
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
            self.caption(&fill(words.validation_caption, &[("uneven", &uneven)]));
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
        self.caption(words.losses_caption);
        self.close_section();
    }
}

//! Test images whose classification changes with the recipe.

use super::{Writer, put};
use crate::language::{fill, thousands};
use crate::tables::insight as tables;
use crate::text::{bdi, escape};
use crate::theme;
use crate::thumbnails;
use bakeoff_findings::insight::{FlippedImage, RecipeInsight};

impl Writer<'_> {
    pub(super) fn changes(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let insight = &self.assessment.summary.insight;
        let compared = tables::with_classes(evidence, insight);
        if compared.is_empty() {
            return;
        }
        let baseline = bdi(&evidence.plan.baseline);
        self.open_section("changes", words.s_changes);
        if compared.iter().all(|r| r.flips.is_empty()) {
            put!(self, "<p>{}</p>\n", fill(words.no_changes, &[("baseline", &baseline)]));
        } else {
            put!(self, "<p>{}</p>\n", words.changes_intro);
            let images = compared[0].classes.iter().map(|c| c.images).sum();
            let caption = fill(words.changes_caption, &[("baseline", &baseline), ("n", &thousands(images))]);
            self.table(&tables::changes(evidence, insight, words), "grid-table", &caption);
            if self.shared.thumbnails.is_empty() {
                put!(self, "<p class=\"range\">{}</p>\n", words.changes_no_pictures);
            }
            for recipe in &compared {
                self.changes_of(recipe, compared.len());
            }
        }
        let models = tables::models(evidence, insight, words);
        if !models.rows.is_empty() {
            self.open_fold(words.models_fold);
            self.table(&models, "grid-table", words.models_caption);
            self.close_fold();
        }
        self.close_section();
    }

    fn changes_of(&mut self, recipe: &RecipeInsight, recipes: usize) {
        let words = self.words;
        if recipe.flips.is_empty() {
            return;
        }
        let class = theme::series_class(self.evidence.colour(&recipe.name));
        put!(
            self,
            "<article class=\"recipe\"><h3><span class=\"dot\" style=\"--k:var(--{class})\"></span>{}</h3>\n",
            bdi(&recipe.name)
        );
        let groups = [(words.changes_to_wrong, recipe.to_wrong), (words.changes_to_right, recipe.to_right)];
        for ((template, total), flips) in groups.into_iter().zip(thumbnails::shown(recipe, recipes)) {
            if flips.is_empty() {
                continue;
            }
            let baseline = bdi(&self.evidence.plan.baseline);
            let title = fill(template, &[("baseline", &baseline), ("recipe", &bdi(&recipe.name))]);
            let more = if total > flips.len() {
                let more = fill(words.changes_more, &[("n", &thousands(total - flips.len()))]);
                format!(" <small>{more}</small>")
            } else {
                String::new()
            };
            put!(self, "<h4>{title}: {}{more}</h4>\n<ul class=\"sheet changed\">\n", thousands(total));
            let seeds = recipe.two_models.len();
            for flip in flips {
                self.change(flip, &recipe.name, seeds);
            }
            self.html.push_str("</ul>\n");
        }
        self.html.push_str("</article>\n");
    }

    fn change(&mut self, flip: &FlippedImage, recipe: &str, seeds: usize) {
        let words = self.words;
        put!(self, "<li title=\"{}\">", escape(&flip.image));
        match self.shared.thumbnails.place(&flip.image) {
            Some(place) => put!(
                self,
                "<svg viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"{}\"><use href=\"#{place}\"/></svg>",
                escape(&flip.image)
            ),
            None => put!(self, "<div class=\"row name\"><bdi>{}</bdi></div>", escape(&flip.image)),
        }
        if let Some(class) = &flip.class {
            let name = self.shared.names.html(class);
            put!(self, "<div class=\"row\"><b>{name}</b></div>");
        }
        if let Some(class) = &flip.taken_for {
            let name = self.shared.names.html(class);
            put!(self, "<div class=\"row taken\">{}</div>", fill(words.changes_taken, &[("class", &name)]));
        }
        let values = [
            ("before", &flip.right_baseline as &dyn std::fmt::Display),
            ("after", &flip.right_recipe),
            ("seeds", &seeds),
            ("baseline", &self.evidence.plan.baseline),
            ("recipe", &recipe),
        ];
        put!(
            self,
            "<div class=\"row\" title=\"{}\">{}</div></li>\n",
            escape(&fill(words.changes_spoken, &values)),
            fill(words.changes_seeds, &values)
        );
    }
}

//! What the network is shown: per recipe its steps in words and a contact sheet.

use super::album::EXAMPLES;
use super::{Writer, put};
use crate::language::fill;
use crate::sheet::{box_share, lambda_text, range_text, share_text, visible_labels};
use crate::text::{bdi, escape};
use crate::theme;
use bakeoff_study::records::PreviewExample;

impl Writer<'_> {
    pub(super) fn pictures(&mut self) {
        let (evidence, words, album) = (self.evidence, self.words, &self.shared.album);
        self.open_section("pictures", words.s_pictures);
        let intro = if album.pictures.is_empty() { words.no_pictures } else { words.pictures_intro };
        put!(self, "<p>{intro}</p>\n");
        for recipe in &evidence.plan.recipes {
            let found = evidence.previews.iter().enumerate().find(|(_, p)| p.record.recipe == recipe.name);
            let class = theme::series_class(evidence.colour(&recipe.name));
            put!(
                self,
                "<article class=\"recipe\"><div class=\"steps\"><h3><span class=\"dot\" style=\"--k:var(--{class})\"></span>{}</h3>\n<div><ol lang=\"en\">",
                bdi(&recipe.name)
            );
            for step in &recipe.pipeline {
                put!(self, "<li>{}</li>", escape(step));
            }
            self.html.push_str("</ol>\n");
            if let Some((_, preview)) = found {
                put!(self, "<p class=\"range\">{}</p>", escape(&range_text(preview.record.range, words)));
            }
            self.html.push_str("</div></div>\n");
            match found.filter(|(_, preview)| !preview.record.examples.is_empty()) {
                Some((folder, preview)) => {
                    self.html.push_str("<ul class=\"sheet\">\n");
                    for item in preview.record.examples.iter().take(EXAMPLES) {
                        self.example(folder, preview.record.image, item);
                    }
                    self.html.push_str("</ul>");
                }
                None => put!(self, "<p class=\"range\">{}</p>", words.no_pictures_of),
            }
            self.html.push_str("</article>\n");
        }
        self.close_section();
    }

    fn example(&mut self, folder: usize, side: usize, example: &PreviewExample) {
        let (words, album) = (self.words, &self.shared.album);
        let labels = visible_labels(&example.labels);
        let in_words: Vec<String> = labels
            .iter()
            .map(|l| format!("{} {}", share_text(l.share), self.shared.names.shown(&l.class)))
            .collect();
        let partner =
            example.partner.as_ref().map_or_else(String::new, |p| fill(words.mixed_with, &[("partner", p)]));
        put!(self, "<li title=\"{}\">", escape(&format!("{}{partner}", example.image)));
        let before = fill(words.original_of, &[("image", &example.image)]);
        album.show(&mut self.html, (folder, &example.original), &before, None, words);
        let after = [
            ("image", &example.image as &dyn std::fmt::Display),
            ("partner", &partner),
            ("labels", &in_words.join(", ")),
        ];
        let after = fill(words.augmented_of, &after);
        album.show(
            &mut self.html,
            (folder, &example.augmented),
            &after,
            box_share(example.pasted, side),
            words,
        );
        let mixed = labels.len() > 1;
        if mixed {
            self.html.push_str("<div class=\"shares\" aria-hidden=\"true\">");
            for label in &labels {
                put!(self, "<i style=\"width:{:.1}%\"></i>", label.share.clamp(0.0, 1.0) * 100.0);
            }
            self.html.push_str("</div>");
        }
        for label in &labels {
            put!(
                self,
                "<div class=\"row\">{}<span>{}</span></div>",
                self.shared.names.html(&label.class),
                if mixed { share_text(label.share) } else { String::new() }
            );
        }
        if let Some(lambda) = lambda_text(example, words) {
            put!(self, "<div class=\"row\">{lambda}</div>");
        }
        self.html.push_str("</li>\n");
    }
}

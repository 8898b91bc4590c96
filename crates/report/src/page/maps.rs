//! Where the networks find an image's class.

use super::{Writer, put};
use crate::language::fill;
use crate::mapped::mapped;
use crate::maps;
use crate::tables::recipe_name;
use crate::text::escape;

impl Writer<'_> {
    pub(super) fn maps(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let all = mapped(evidence);
        let Some(seed) = all.first().and_then(|mapped| Some(mapped.maps.first()?.0.seed)) else { return };
        self.open_section("maps", words.s_maps);
        put!(self, "<p>{}</p>\n", fill(words.maps_intro, &[("seed", &seed), ("n", &all.len())]));
        let thumbnails = &self.shared.thumbnails;
        if all.iter().all(|mapped| thumbnails.as_shown(mapped.image).is_none()) {
            put!(self, "<p class=\"range\">{}</p>\n", words.maps_no_pictures);
        }
        for (at, mapped) in all.iter().enumerate() {
            let Some(picture) = self.shared.thumbnails.place_as_shown(mapped.image) else { continue };
            put!(
                self,
                "<h4 title=\"{}\">{}</h4>\n<ul class=\"sheet changed maps\">\n<li><svg viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"{}\"><use href=\"#{picture}\"/></svg><div class=\"row\">{}</div></li>\n",
                escape(mapped.image),
                self.shared.names.html(mapped.class),
                escape(mapped.image),
                words.map_itself
            );
            for (number, (record, map)) in mapped.maps.iter().enumerate() {
                let told = maps::told(evidence, &self.shared.names, map, words);
                let label = fill(words.map_of, &[("recipe", &record.recipe), ("told", &told.join("; "))]);
                let veil = if maps::is_drawn(map) {
                    format!("<use href=\"#{}\"/>", maps::place(at, number))
                } else {
                    String::new()
                };
                let lines =
                    told.iter().map(|line| format!("<div class=\"row taken\">{}</div>", escape(line)));
                put!(
                    self,
                    "<li title=\"{0}\"><svg viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"{0}\"><use href=\"#{picture}\"/>{veil}</svg><div class=\"row\"><b>{1}</b></div>{2}</li>\n",
                    escape(&label),
                    recipe_name(evidence, &record.recipe),
                    lines.collect::<String>()
                );
            }
            self.html.push_str("</ul>\n");
        }
        if let Some(table) = maps::table(evidence, words) {
            self.open_fold(words.maps_fold);
            self.table(&table, "grid-table", words.maps_table_caption);
            self.close_fold();
        }
        self.close_section();
    }
}

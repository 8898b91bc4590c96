//! When test images are damaged or partly hidden.

use super::{Writer, put};
use crate::figures::{self, NARROW, WIDE};
use crate::language::{fill, thousands};
use crate::tables::robustness as tables;
use crate::text::{bdi, escape};
use crate::thumbnails::Damage;
use bakeoff_evidence::Origin;
use bakeoff_study::{Corruption, ImageCondition};

impl Writer<'_> {
    pub(super) fn robustness(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        if evidence.origin != Origin::Run || evidence.finished() == 0 {
            return;
        }
        self.open_section("robustness", words.s_robustness);
        let Some(robustness) = &self.assessment.summary.insight.robustness else {
            put!(self, "<p>{}</p>\n", words.robustness_none);
            self.close_section();
            return;
        };
        let baseline = bdi(&evidence.plan.baseline);
        let values = [
            ("baseline", &baseline as &dyn std::fmt::Display),
            ("images", &words.count(words.test_images_n, robustness.images)),
            ("all", &thousands(robustness.of)),
            ("set", &robustness.severities.title()),
        ];
        put!(self, "<p>{}</p>\n", fill(words.robustness_intro, &values));
        self.keys();
        if let Some(chart) = figures::severities(evidence, robustness, words) {
            self.html.push_str("<figure>");
            self.chart("severities", &chart.draw(WIDE, 420.0, words), &chart.draw(NARROW, 320.0, words));
            self.caption(&fill(words.severities_caption, &values));
        }
        self.damage();
        let table = tables::summary(evidence, robustness, words);
        self.table(&table, "measures", &fill(words.robustness_caption, &values));
        if let Some(chart) = figures::corruptions(evidence, robustness, words) {
            self.html.push_str("<figure>");
            self.chart("corruptions", &chart.draw(WIDE), &chart.draw(NARROW));
            self.caption(&fill(words.corruptions_caption, &values));
        }
        if let Some(table) = tables::corruptions(evidence, robustness, words) {
            self.open_fold(words.corruptions_fold);
            self.table(&table, "heat-table", &fill(words.corruptions_table_caption, &values));
            self.close_fold();
        }
        put!(self, "<h3>{}</h3>\n<p>{}</p>\n", words.occlusion_title, words.occlusion_intro);
        self.hidden();
        self.keys();
        if let Some(chart) = figures::occlusion(evidence, robustness, words) {
            self.html.push_str("<figure>");
            self.chart("occlusion", &chart.draw(WIDE, 420.0, words), &chart.draw(NARROW, 320.0, words));
            self.caption(words.occlusion_caption);
        }
        if let Some(table) = tables::occlusion(evidence, robustness, words) {
            self.open_fold(words.occlusion_fold);
            self.table(&table, "measures", &fill(words.occlusion_table_caption, &values));
            self.close_fold();
        }
        self.close_section();
    }

    /// What each corruption does to an image.
    fn damage(&mut self) {
        let words = self.words;
        let Some(damage) = &self.shared.thumbnails.damage else { return };
        let [above, below] = Damage::SEVERITIES;
        let values = [("above", &above as &dyn std::fmt::Display), ("below", &below)];
        let text = fill(words.damage_pictures, &values);
        put!(self, "<p class=\"range\">{text}</p>\n<ul class=\"sheet changed\">\n");
        for corruption in Corruption::ALL {
            let name = tables::named(corruption, words);
            self.html.push_str("<li>");
            for severity in Damage::SEVERITIES {
                let label = format!("{}, {name}, {} {severity}", damage.image, words.h_severity);
                self.damaged(ImageCondition::Damaged(corruption, severity), &label);
            }
            put!(self, "<div class=\"row\"><bdi>{name}</bdi></div></li>\n");
        }
        self.html.push_str("</ul>\n");
    }

    /// What hiding does to an image.
    fn hidden(&mut self) {
        let words = self.words;
        let Some(damage) = &self.shared.thumbnails.damage else { return };
        self.html.push_str("<ul class=\"sheet changed\">\n");
        let plain = [(0.0, ImageCondition::Plain)];
        for (share, shown) in plain.into_iter().chain(Damage::hidden()) {
            let name = fill(words.h_hidden, &[("n", &(share * 100.0))]);
            self.html.push_str("<li>");
            self.damaged(shown, &format!("{}, {name}", damage.image));
            put!(self, "<div class=\"row\"><bdi>{name}</bdi></div></li>\n");
        }
        self.html.push_str("</ul>\n");
    }

    fn damaged(&mut self, shown: ImageCondition, label: &str) {
        put!(
            self,
            "<svg viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"{}\"><use href=\"#{}\"/></svg>",
            escape(label),
            Damage::place(shown)
        );
    }
}

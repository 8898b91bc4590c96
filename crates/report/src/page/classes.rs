//! Which classes a recipe helps and hurts.

use super::{Writer, put};
use crate::figures::{self, ENDS, NARROW, WIDE};
use crate::language::fill;
use crate::tables::insight as tables;
use crate::text::bdi;

/// More classes than this are folded away.
const OPEN: usize = 16;

impl Writer<'_> {
    pub(super) fn classes(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let insight = &self.assessment.summary.insight;
        if evidence.finished() == 0 || evidence.plan.recipes.len() < 2 {
            return;
        }
        let baseline = bdi(&evidence.plan.baseline);
        self.open_section("classes", words.s_classes);
        let compared = tables::with_classes(evidence, insight);
        let chart = figures::classes(evidence, insight, words);
        let (Some(chart), Some((table, total))) = (chart, tables::classes(evidence, insight, words)) else {
            let paired = self.assessment.comparisons.iter().any(|c| !c.seeds.is_empty());
            let why = if paired {
                words.classes_none.into()
            } else {
                fill(words.classes_pairless, &[("baseline", &baseline)])
            };
            put!(self, "<p>{why}</p>\n");
            self.close_section();
            return;
        };
        self.html.push_str("<ul>");
        for recipe in compared {
            put!(self, "<li>{}</li>", tables::found(recipe, words));
        }
        self.html.push_str("</ul>\n<figure>");
        self.chart("classes", &chart.draw(WIDE), &chart.draw(NARROW));
        self.caption(&fill(words.classes_caption, &[("baseline", &baseline), ("n", &ENDS)]));
        let shown = if table.rows.len() < total {
            fill(words.classes_shown, &[("all", &total), ("n", &table.rows.len())])
        } else {
            String::new()
        };
        let caption = fill(words.classes_table_caption, &[("baseline", &baseline), ("shown", &shown)]);
        if total > OPEN {
            self.open_fold(&fill(words.classes_all, &[("n", &table.rows.len())]));
        }
        self.table(&table, "heat-table", &caption);
        if total > OPEN {
            self.close_fold();
        }
        self.close_section();
    }
}

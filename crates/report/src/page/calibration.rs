//! How sure the networks are, and how often they are right then.

use super::{Writer, put};
use crate::chart::FEW;
use crate::figures::{self, NARROW, WIDE};
use crate::language::fill;
use crate::tables::insight as tables;
use crate::text::bdi;
use bakeoff_evidence::Origin;
use bakeoff_stats::metric::BINS;

impl Writer<'_> {
    pub(super) fn calibration(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let insight = &self.assessment.summary.insight;
        if evidence.finished() == 0 {
            return;
        }
        let chart = figures::reliability(evidence, insight, words);
        let table = tables::measures(evidence, insight, "calibration", &tables::SURE, words);
        if evidence.origin != Origin::Run && chart.is_none() && table.is_none() {
            return;
        }
        self.open_section("calibration", words.s_calibration);
        if let Some(chart) = &chart {
            self.html.push_str("<figure>");
            self.chart("reliability", &chart.draw(WIDE), &chart.draw(NARROW));
            self.caption(&fill(words.reliability_caption, &[("bins", &BINS), ("few", &FEW)]));
        } else {
            put!(self, "<p>{}</p>\n", words.calibration_none);
        }
        if let Some(table) = &table {
            let caption =
                [("bins", &BINS as &dyn std::fmt::Display), ("baseline", &bdi(&evidence.plan.baseline))];
            self.table(table, "measures", &fill(words.calibration_caption, &caption));
        }
        self.close_section();
    }
}

//! What the recipes cost.

use super::{Writer, put};
use crate::figures::{self, NARROW, WIDE};
use crate::language::fill;
use crate::tables;
use crate::text::bdi;
use bakeoff_evidence::State;

impl Writer<'_> {
    pub(super) fn cost(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let seconds = evidence.trials.iter().filter_map(|t| match t.state {
            State::Finished { seconds, .. } => seconds,
            _ => None,
        });
        let seconds: Vec<f64> = seconds.collect();
        // Another trainer's results need not say how long they took.
        if seconds.is_empty() {
            return;
        }
        let total: f64 = seconds.iter().sum();
        self.open_section("cost", words.s_cost);
        let table = tables::cost(evidence, words);
        self.table(&table, "", &fill(words.cost_caption, &[("total", &words.duration(total))]));
        let spent = self.assessment.summary.insight.seconds;
        if let Some(spent) = spent.filter(|spent| *spent > total * 1.005) {
            put!(self, "<p>{}</p>\n", fill(words.cost_spent, &[("time", &words.duration(spent))]));
        }
        if let Some(curves) = figures::time_curves(evidence, words).filter(|_| evidence.has_validation()) {
            self.keys();
            self.html.push_str("<figure>");
            self.chart(
                "accuracy-over-time",
                &curves.draw(WIDE, 400.0, words),
                &curves.draw(NARROW, 320.0, words),
            );
            self.caption(words.time_caption);
        }
        self.equal_time();
        self.close_section();
    }

    /// Accuracy at equal time beside equal epochs.
    fn equal_time(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let insight = &self.assessment.summary.insight;
        let Some(time) = &insight.equal_time else { return };
        let values = [
            ("baseline", &bdi(&evidence.plan.baseline) as &dyn std::fmt::Display),
            ("time", &words.duration(time.seconds)),
            ("epochs", &words.count(words.epochs_n, time.epochs)),
        ];
        if let Some(chart) = figures::equal_time(evidence, insight, words) {
            self.html.push_str("<figure>");
            self.chart("equal-time", &chart.draw(WIDE), &chart.draw(NARROW));
            self.caption(&fill(words.equal_caption, &values));
        }
        if let Some(table) = tables::insight::equal_time(evidence, insight, words) {
            self.table(&table, "measures", &fill(words.equal_table_caption, &values));
        }
    }
}

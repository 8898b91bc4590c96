//! What the recipes cost.

use super::Writer;
use crate::evidence::State;
use crate::figures::{self, NARROW, WIDE};
use crate::language::fill;
use crate::tables;

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
        self.close_section();
    }
}

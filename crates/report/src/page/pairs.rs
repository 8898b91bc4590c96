//! Every recipe against every other.

use super::{Writer, put};
use crate::language::fill;
use crate::tables::insight as tables;
use crate::text::escape;
use bakeoff_stats::wording::p_value;
use bakeoff_stats::{LEVEL, Unit, smallest_p};

/// More pairs than this are folded away.
const OPEN: usize = 15;

impl Writer<'_> {
    pub(super) fn pairs(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let insight = &self.assessment.summary.insight;
        let n = insight.pairs.len();
        // One pair is the comparison with the baseline over again.
        if n < 2 {
            return;
        }
        self.open_section("pairs", words.s_pairs);
        let pairs = words.count(words.pairs_n, n);
        put!(self, "<p>{}</p>\n", fill(words.pairs_appendix, &[("n", &pairs)]));
        let seeds = self.assessment.summary.recipes.iter().map(|r| r.seeds.len()).max().unwrap_or(0);
        let least = (smallest_p(seeds) * n as f64).min(1.0);
        let reach = if least > LEVEL {
            let p = escape(&p_value(least));
            let seeds = words.count(words.seeds_n, seeds);
            fill(words.pairs_reach, &[("seeds", &seeds), ("n", &pairs), ("p", &p)])
        } else {
            String::new()
        };
        let caption = match self.assessment.summary.measure.unit {
            Unit::Percent => words.pairs_table_caption,
            Unit::Plain => words.pairs_table_caption_plain,
        };
        if n > OPEN {
            self.open_fold(&pairs);
        }
        self.table(&tables::pairs(evidence, insight, words), "", &fill(caption, &[("reach", &reach)]));
        if n > OPEN {
            self.close_fold();
        }
        self.close_section();
    }
}

//! A summary for a terminal.

use super::{RecipeSummary, Summary};
use bakeoff_evidence::{aligned, plain};
use bakeoff_stats::wording::{count, p_value};

impl Summary {
    /// The verdicts for a terminal: a table, then a sentence per recipe. Plain text; names cannot move the cursor.
    #[must_use]
    pub fn verdict_lines(&self) -> Vec<String> {
        let mut lines = vec![plain(&self.answer).into_owned(), String::new()];
        let unit = self.measure.unit;
        // Names of columns may be long, and those of accuracies say nothing new.
        let metric: String = match self.metric.as_str() {
            _ if self.is_top1() => "top-1".into(),
            name => plain(name).chars().take(24).collect(),
        };
        let mut rows = vec![
            ["recipe", "seeds", &metric, "sd", "difference", "95 % interval", "p", "verdict"]
                .map(String::from)
                .to_vec(),
        ];
        for recipe in &self.recipes {
            let dash = || "–".to_owned();
            let (difference, interval, p) = match &recipe.difference {
                Some(d) => {
                    let digits = unit.decimals((d.high - d.low) / 2.0);
                    (
                        unit.signed(d.mean, digits),
                        format!("[{}, {}]", unit.signed(d.low, digits), unit.signed(d.high, digits)),
                        p_value(d.p_adjusted)
                            .trim_start_matches("p\u{a0}")
                            .trim_start_matches("=\u{a0}")
                            .replace('\u{a0}', " "),
                    )
                }
                None => (dash(), dash(), dash()),
            };
            let verdict = match recipe.verdict {
                Some(verdict) => verdict.word().to_owned(),
                None if recipe.name == self.baseline => "baseline".into(),
                None => dash(),
            };
            rows.push(vec![
                plain(&recipe.name).into_owned(),
                recipe.seeds.len().to_string(),
                recipe.top1.mean.map_or_else(dash, |mean| unit.value(mean)),
                recipe.top1.sd.map_or_else(dash, |sd| {
                    unit.number(sd, unit.places(recipe.top1.mean.unwrap_or_default()))
                }),
                difference,
                interval,
                p,
                verdict,
            ]);
        }
        lines.extend(aligned(&rows, &|column| matches!(column, 0 | 7)));
        let sentences = self.recipes.iter().filter_map(RecipeSummary::explanation);
        let sentences: Vec<String> = sentences.map(|s| plain(&s).into_owned()).collect();
        if !sentences.is_empty() {
            lines.push(String::new());
            lines.extend(sentences);
        }
        let counted = |n: usize, what: &str| (n > 0).then(|| format!("{} {what}.", count(n, "trial")));
        lines.extend(counted(self.skipped.len(), "not finished"));
        lines.extend(counted(self.failed.len(), "failed"));
        lines
    }
}

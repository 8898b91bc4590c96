//! Results, trials, data, method, and how to repeat it.

use super::Numbers;
use crate::chart::{Strip, range};
use crate::evidence::{Evidence, State};
use crate::summary::Assessment;
use crate::text::{bdi, escape, escape_lines};
use crate::theme;
use bakeoff_stats::wording::{count, decimals, p_value, points, signed_points};
use bakeoff_stats::{Method, Verdict, fewest_seeds, smallest_p};
use bakeoff_study::Trainable;
use std::fmt::Write;

/// Lists longer than this end in a count.
const LIST: usize = 40;

/// `12,000`.
pub(super) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3.4 s`, `12 min`, `2.5 h`.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 99.5 => format!("{s:.1}\u{a0}s"),
        s if s < 5_970.0 => format!("{:.0}\u{a0}min", s / 60.0),
        s => format!("{:.1}\u{a0}h", s / 3_600.0),
    }
}

pub(super) fn verdict(verdict: Option<Verdict>) -> String {
    verdict.map_or_else(
        || "<span class=\"verdict v-none\">–</span>".into(),
        |v| {
            let mark = match v {
                Verdict::Better => "▲",
                Verdict::Worse => "▼",
                Verdict::Equivalent => "≈",
                Verdict::Undecided => "○",
            };
            format!(
                "<span class=\"verdict v-{0}\"><span aria-hidden=\"true\">{mark}</span> {0}</span>",
                v.word()
            )
        },
    )
}

/// A recipe's name with its colour.
fn name(evidence: &Evidence, recipe: &str) -> String {
    let class = theme::series_class(evidence.colour(recipe));
    format!("<span class=\"dot\" style=\"--k:var(--{class})\"></span>{}", bdi(recipe))
}

/// A short name is not broken at its hyphens.
fn short(recipe: &str) -> &'static str {
    if recipe.chars().count() <= 24 { " class=\"short\"" } else { "" }
}

fn mean_and_sd(spread: &crate::summary::Spread) -> String {
    match (spread.mean, spread.sd) {
        (Some(mean), Some(sd)) => format!("{} <small>± {}</small>", points(mean, 2), points(sd, 2)),
        (Some(mean), None) => points(mean, 2),
        _ => "–".into(),
    }
}

pub(super) fn results(
    html: &mut String,
    evidence: &Evidence,
    assessment: &Assessment,
    numbers: &mut Numbers,
) {
    let summary = &assessment.summary;
    html.push_str("<section id=\"results\">\n<h2>Results on the test images</h2>\n");
    let Some(shared) = range(summary.recipes.iter().flat_map(|r| r.top1.per_seed.iter().copied())) else {
        html.push_str("<p>No trial has finished, so there is no test result yet.</p>\n</section>\n");
        return;
    };
    let top5 = evidence.shows_top5();
    let _ = write!(
        html,
        "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Recipe</th><th scope=\"col\">Seeds</th><th scope=\"col\">Top-1, %</th>\
         <th scope=\"col\" class=\"left\">Each seed</th>{}<th scope=\"col\">Difference, 95&nbsp;% interval</th>\
         <th scope=\"col\"><i>p</i></th><th scope=\"col\">corrected</th><th scope=\"col\">P(better)</th><th scope=\"col\">Time</th>\
         <th scope=\"col\" class=\"left\">Verdict</th></tr></thead>\n<tbody>\n",
        if top5 { "<th scope=\"col\">Top-5, %</th>" } else { "" }
    );
    for recipe in &summary.recipes {
        let strip = Strip {
            name: &recipe.name,
            values: &recipe.top1.per_seed,
            mean: recipe.top1.mean,
            range: shared,
            colour: evidence.colour(&recipe.name),
        };
        let baseline = recipe.name == summary.baseline;
        let dash = || "–".to_owned();
        let (difference, interval, p, corrected, better) = match &recipe.difference {
            Some(d) => {
                let digits = decimals((d.high - d.low) / 2.0);
                let bare = |p: f64| {
                    p_value(p).trim_start_matches("p\u{a0}").trim_start_matches("=\u{a0}").to_owned()
                };
                (
                    signed_points(d.mean, digits),
                    format!("[{}, {}]", signed_points(d.low, digits), signed_points(d.high, digits)),
                    bare(d.p),
                    bare(d.p_adjusted),
                    d.probability_better.map_or_else(dash, |[p, ..]| format!("{p:.2}")),
                )
            }
            None => (dash(), String::new(), dash(), dash(), dash()),
        };
        let verdict = if baseline {
            "<span class=\"verdict v-none\">baseline</span>".into()
        } else {
            verdict(recipe.verdict)
        };
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\"{}>{}</th><td>{}</td><td>{}</td><td class=\"left\">{}</td>{}<td>{difference} <small>{interval}</small></td><td>{}</td><td>{}</td>\
             <td>{better}</td><td>{}</td><td class=\"left\">{verdict}</td></tr>",
            short(&recipe.name),
            name(evidence, &recipe.name),
            recipe.seeds.len(),
            mean_and_sd(&recipe.top1),
            strip.draw().inline(""),
            if top5 { format!("<td>{}</td>", mean_and_sd(&recipe.top5)) } else { String::new() },
            escape(&p),
            escape(&corrected),
            recipe.seconds_per_trial.map_or_else(dash, duration),
        );
    }
    let [low, high] = shared;
    let _ = write!(
        html,
        "</tbody>\n<caption>{} Accuracy on the test images: mean ± standard deviation over seeds, and each seed as a dot (scale: {} to {}&nbsp;%, the line is the mean). \
         Differences are points against {}, recipe minus baseline, over the seeds both finished; <i>p</i> by exact sign-flip permutation, then corrected for \
         {}. P(better): probability that a run of the recipe beats a run of the baseline. Time: mean of a trial.{}</caption>\n</table></div>\n</section>\n",
        numbers.table(),
        points(low, 1),
        points(high, 1),
        bdi(&summary.baseline),
        count(
            assessment.comparisons.iter().filter(|c| c.seeds.len() >= fewest_seeds(0.05)).count(),
            "comparison"
        ),
        if top5 { "" } else { " Top-5 is left out: there are no more than five classes." }
    );
}

pub(super) fn trials(html: &mut String, evidence: &Evidence, assessment: &Assessment, numbers: &mut Numbers) {
    let (plan, summary) = (&evidence.plan, &assessment.summary);
    html.push_str("<section id=\"trials\">\n<h2>Trials</h2>\n<div class=\"scroll\"><table class=\"grid-table\">\n<thead><tr><th scope=\"col\">Recipe</th>");
    for seed in &plan.seeds {
        let _ = write!(html, "<th scope=\"col\"><small>seed</small> {seed}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for recipe in &plan.recipes {
        let _ = write!(
            html,
            "<tr><th scope=\"row\"{}>{}</th>",
            short(&recipe.name),
            name(evidence, &recipe.name)
        );
        for &seed in &plan.seeds {
            let trial = evidence.trials.iter().find(|t| t.recipe == recipe.name && t.seed == seed);
            let cell = match trial.map(|t| (&t.state, t.epochs.len())) {
                Some((State::Finished { test, .. }, _)) => points(test.top1, 2),
                Some((State::Failed { .. }, _)) => "<span class=\"st-failed\">failed</span>".into(),
                Some((State::Running, done)) => {
                    format!("<span class=\"st-open\">{done}/{}</span>", plan.epochs)
                }
                Some((State::Planned, _)) | None => {
                    "<span class=\"st-open\" title=\"not begun\">–</span>".into()
                }
            };
            let _ = write!(html, "<td>{cell}</td>");
        }
        html.push_str("</tr>\n");
    }
    let _ = write!(
        html,
        "</tbody>\n<caption>{} Test top-1 of every planned trial, in percent. A fraction counts the epochs of an unfinished one; a dash: not begun.</caption>\n</table></div>\n",
        numbers.table()
    );
    for (title, list) in [("Failed", &summary.failed), ("Not finished", &summary.skipped)] {
        if list.is_empty() {
            continue;
        }
        let open = if title == "Failed" { " open" } else { "" };
        let _ = write!(html, "<details{open}><summary>{title}: {}</summary><ul>", count(list.len(), "trial"));
        for trial in list.iter().take(LIST) {
            let _ = write!(
                html,
                "<li>{} seed {}: {}</li>",
                bdi(&trial.recipe),
                trial.seed,
                escape(&trial.reason)
            );
        }
        if list.len() > LIST {
            let _ = write!(html, "<li>and {} more, all in <code>summary.json</code></li>", list.len() - LIST);
        }
        html.push_str("</ul></details>\n");
    }
    if summary.failed.is_empty() && summary.skipped.is_empty() {
        html.push_str("<p>Every planned trial has finished.</p>\n");
    }
    html.push_str("</section>\n");
}

fn details(html: &mut String, title: &str, items: &mut dyn ExactSizeIterator<Item = String>) {
    let total = items.len();
    let _ = write!(html, "<details><summary>{title}</summary><ul>");
    for item in items.take(LIST) {
        let _ = write!(html, "<li>{item}</li>");
    }
    if total > LIST {
        let _ = write!(html, "<li>and {} more, all in <code>data.json</code></li>", thousands(total - LIST));
    }
    html.push_str("</ul></details>\n");
}

pub(super) fn data(html: &mut String, evidence: &Evidence) {
    html.push_str("<section id=\"data\">\n<h2>Data</h2>\n");
    let Some(data) = &evidence.data else {
        html.push_str("<p>The run stopped before the images were looked at.</p>\n</section>\n");
        return;
    };
    let rows = [
        ("Classes", data.classes.len()),
        ("Training images", data.train),
        ("Validation images", data.validation),
        ("Test images", data.test),
    ];
    html.push_str("<dl class=\"facts\">");
    for (term, n) in rows {
        let _ = write!(html, "<dt>{term}</dt><dd>{}</dd>", thousands(n));
    }
    html.push_str("</dl>\n");
    if data.rejected.is_empty() {
        html.push_str("<p>No image was left out.</p>\n");
    } else {
        let title = format!("Left out: {}", count(data.rejected.len(), "image"));
        let mut items = data.rejected.iter().map(|r| format!("{}: {}", bdi(&r.image), escape(&r.reason)));
        details(html, &title, &mut items);
    }
    if data.duplicates.is_empty() {
        html.push_str("<p>No file stands in more than one split.</p>\n");
    } else {
        let title = format!("In more than one split: {}", count(data.duplicates.len(), "identical file"));
        let mut items = data
            .duplicates
            .iter()
            .map(|group| group.iter().map(|id| bdi(id)).collect::<Vec<_>>().join(" = "));
        details(html, &title, &mut items);
    }
    details(
        html,
        &format!("Names of the {} classes", thousands(data.classes.len())),
        &mut data.classes.iter().map(|class| bdi(class)),
    );
    html.push_str("</section>\n");
}

/// A configuration value in words: `sgd, lr 0.1, momentum 0.9`.
fn words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(map) => {
            let parts =
                map.iter().filter(|(_, v)| !v.is_null()).map(|(key, value)| match (key.as_str(), value) {
                    ("name" | "kind", value) => words(value),
                    (key, value) => format!("{} {}", key.replace('_', " "), words(value)),
                });
            parts.collect::<Vec<_>>().join(", ")
        }
        serde_json::Value::Array(list) => list.iter().map(words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn configured(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).map_or_else(|_| "–".into(), |value| words(&value))
}

fn headline(word: &str) -> String {
    match word {
        "last" => "the weights after the last epoch".into(),
        "best-on-validation" => "the weights of the epoch with the best validation accuracy".into(),
        other => match other.strip_prefix("median-of-last-") {
            Some(k) => {
                format!("the weights of the epoch with the median validation accuracy of the last {k}")
            }
            None => other.into(),
        },
    }
}

pub(super) fn method(html: &mut String, evidence: &Evidence, assessment: &Assessment) {
    let plan = &evidence.plan;
    html.push_str("<section id=\"method\">\n<h2>Method</h2>\n<dl class=\"facts\">");
    let mut fact = |term: &str, text: &str| {
        let _ = write!(html, "<dt>{term}</dt><dd>{}</dd>", escape(text));
    };
    if let Some(study) = &evidence.study {
        let start = study
            .model
            .weights
            .as_ref()
            .map_or_else(|| "from scratch".to_owned(), |path| format!("starting from {}", path.display()));
        fact("Network", &format!("{}, {start}", study.model.name));
        let train = &study.train;
        let epochs = count(train.epochs as usize, "epoch");
        fact(
            "Budget",
            &format!("{epochs} of batches of {}, images of {1} × {1} pixels", train.batch, train.image),
        );
        fact("Optimiser", &configured(&train.optimizer));
        fact("Learning rate", &configured(&train.schedule));
        if train.trainable == Trainable::Head {
            fact("Trained", "the head alone, on a frozen backbone");
        }
        if train.label_smoothing > 0.0 {
            fact("Label smoothing", &train.label_smoothing.to_string());
        }
    } else {
        fact("Budget", &count(plan.epochs as usize, "epoch"));
    }
    fact("Seeds", &plan.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "));
    if !plan.evaluation.is_empty() {
        fact("Test and validation images", &plan.evaluation.join("; "));
    }
    fact("Tested", &headline(&plan.headline));
    let unit = if plan.margin == 1.0 { "point" } else { "points" };
    fact("Margin", &format!("{} {unit}: a smaller difference was declared not to matter", plan.margin));
    html.push_str("</dl>\n");

    let crossed =
        assessment.comparisons.iter().filter_map(|c| c.interval).any(|i| i.method == Method::CrossedT);
    let interval = if crossed {
        "The 95&nbsp;% interval treats seeds and test images as two crossed random samples (two-way random-effects analysis of variance, degrees of freedom after Hillis 2007), \
         so it speaks of other seeds and of other images like these."
    } else {
        "The 95&nbsp;% interval is the paired t interval over seeds; the test images are taken as fixed."
    };
    let seeds = plan.seeds.len();
    let fewest = fewest_seeds(0.05);
    let reach = if seeds < fewest {
        format!(
            "This study plans {}, whose smallest possible <i>p</i> is {}: no recipe can be called better or worse with fewer than {fewest}.",
            count(seeds, "seed"),
            smallest_p(seeds)
        )
    } else {
        format!("With {} the smallest possible <i>p</i> is {:.2}.", count(seeds, "seed"), smallest_p(seeds))
            .replace(" 0.00.", " below 0.01.")
    };
    let _ = write!(
        html,
        "<p><b>Pairs.</b> A seed gives every recipe the same validation split, the same initial weights and the same order of images, so that only the recipe differs. \
         The effect of a recipe is the mean over seeds of its test accuracy minus that of {} with the same seed.</p>\n\
         <p><b>Uncertainty.</b> {interval} The interval of each recipe stands for itself, uncorrected.</p>\n\
         <p><b>Tests.</b> <i>p</i> is the exact two-sided sign-flip permutation test over seeds. It is corrected for all recipes compared by the step-down maximum statistic of Westfall and Young, \
         which swaps the names of recipe and baseline in all recipes at once; Holm’s correction and a paired t test stand beside it in <code>summary.json</code>. {reach}</p>\n\
         <p><b>Verdicts.</b> <i>Equivalent</i>: two one-sided tests put the difference inside the margin (5&nbsp;%, Holm). <i>Better</i> or <i>worse</i>: corrected <i>p</i> at most 0.05 and an interval \
         that excludes zero. <i>Undecided</i>: neither; the seeds that would probably (four times in five) settle it assume that mean and spread stay as seen. \
         Recipes are compared with the baseline, not with each other: two that are both better than it are not thereby ranked.</p>\n\
         <p><b>Measured on.</b> All accuracies are of unmixed, unaugmented images. The test images were used once per trial, at its end.</p>\n",
        bdi(&plan.baseline)
    );
    html.push_str("</section>\n");
}

pub(super) fn repeat(html: &mut String, evidence: &Evidence) {
    html.push_str("<section id=\"repeat\">\n<h2>Repeat it</h2>\n");
    if let Some(e) = &evidence.environment {
        html.push_str("<dl class=\"facts\">");
        let threads = e.threads.to_string();
        let rows = [
            ("Bakeoff", &e.bakeoff),
            ("System", &e.system),
            ("Processor", &e.cpu),
            ("Instructions", &e.instructions),
            ("Threads", &threads),
            ("Back end", &e.backend),
            ("Begun", &e.started),
        ];
        for (term, text) in rows {
            let _ = write!(html, "<dt>{term}</dt><dd>{}</dd>", escape(text));
        }
        html.push_str("</dl>\n");
    }
    html.push_str(
        "<p>On the same kind of machine the same study gives the same weights, bit for bit, with any number of threads.</p>\n\
         <pre>bakeoff run study.toml --out another-run     # all trials again\nbakeoff report another-run                  # this page</pre>\n",
    );
    if let Some(study) = &evidence.study_file {
        let _ = writeln!(
            html,
            "<details><summary>The study file</summary><pre>{}</pre></details>",
            escape_lines(study.trim_end())
        );
    }
    html.push_str("</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!(
            ["0", "999", "1,000", "12,345,678"],
            [0, 999, 1000, 12_345_678].map(thousands).each_ref().map(String::as_str)
        );
        assert_eq!([3.44, 720.0, 9_000.0].map(duration), ["3.4\u{a0}s", "12\u{a0}min", "2.5\u{a0}h"]);
    }

    #[test]
    fn configuration_is_told_in_words() {
        let value = serde_json::json!({"name": "sgd", "lr": 0.1, "weight_decay": 0.0005, "nesterov": true, "x": null});
        assert_eq!(words(&value), "sgd, lr 0.1, weight decay 0.0005, nesterov true");
        assert_eq!(
            headline("median-of-last-5"),
            "the weights of the epoch with the median validation accuracy of the last 5"
        );
    }
}

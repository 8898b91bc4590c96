//! The page: one HTML file that asks nobody for anything.

mod pictures;
mod sections;

use crate::evidence::Evidence;
use crate::figures::{self, NARROW, WIDE};
use crate::summary::{Assessment, RecipeSummary};
use crate::svg::Drawing;
use crate::text::{bdi, escape};
use crate::theme;
use bakeoff_stats::wording::count;
use base64::Engine;
use std::fmt::Write;

const FONT: &[u8] = include_bytes!("../../fonts/Inter.woff2");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Numbers figures and tables in the order they appear.
#[derive(Default)]
struct Numbers {
    figures: usize,
    tables: usize,
}

impl Numbers {
    fn figure(&mut self) -> String {
        self.figures += 1;
        format!("<b>Figure {}.</b>", self.figures)
    }

    fn table(&mut self) -> String {
        self.tables += 1;
        format!("<b>Table {}.</b>", self.tables)
    }
}

/// A chart in its two widths; the style sheet shows the one that fits.
fn chart(wide: &Drawing, narrow: &Drawing) -> String {
    format!(
        "<div class=\"chart wide\">{}</div><div class=\"chart narrow\">{}</div>",
        wide.inline(""),
        narrow.inline("")
    )
}

/// The whole page.
pub(crate) fn page(evidence: &Evidence, assessment: &Assessment) -> String {
    let summary = &assessment.summary;
    let mut numbers = Numbers::default();
    let mut html = String::with_capacity(1 << 20);
    // Writing to a String cannot fail.
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} – Bakeoff report</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        escape(&summary.study),
        style(evidence.plan.recipes.len()),
    );
    html.push_str("<a class=\"skip\" href=\"#answer\">To the answer</a>\n");
    header(&mut html, evidence, assessment);
    html.push_str("<main>\n");
    answer(&mut html, evidence, assessment, &mut numbers);
    learning(&mut html, evidence, &mut numbers);
    sections::results(&mut html, evidence, assessment, &mut numbers);
    pictures::section(&mut html, evidence);
    sections::trials(&mut html, evidence, assessment, &mut numbers);
    sections::data(&mut html, evidence);
    sections::method(&mut html, evidence, assessment);
    sections::repeat(&mut html, evidence);
    html.push_str("</main>\n");
    let version = evidence.environment.as_ref().map_or(env!("CARGO_PKG_VERSION"), |e| e.bakeoff.as_str());
    let _ = write!(
        html,
        "<footer>Run with Bakeoff {}. Beside this page: <code>summary.json</code>, <code>summary.csv</code>, <code>trials.csv</code>, \
         and every figure as SVG and PNG in <code>figures/</code>. Type: Inter, under the SIL Open Font License.</footer>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        escape(version)
    );
    html
}

pub(crate) fn style(recipes: usize) -> String {
    let font = base64::engine::general_purpose::STANDARD.encode(FONT);
    let mut css = format!(
        "@font-face{{font-family:Inter;font-weight:400 700;font-display:block;src:url(data:font/woff2;base64,{font}) format(\"woff2\")}}\n{}{STYLE}{}\n",
        theme::properties(),
        theme::page_rules()
    );
    for toggle in (0..recipes).map(|i| format!("s-{i}")).chain(["s-base".into()]) {
        let _ = write!(css, ".hide-{toggle} .{toggle}{{display:none}}");
    }
    css.push('\n');
    css
}

fn header(html: &mut String, evidence: &Evidence, assessment: &Assessment) {
    let plan = &evidence.plan;
    let mut facts = vec![
        format!("{} × {}", count(plan.recipes.len(), "recipe"), count(plan.seeds.len(), "seed")),
        count(plan.epochs as usize, "epoch"),
    ];
    if let Some(study) = &evidence.study {
        facts.insert(0, escape(&study.model.name));
    }
    if let Some(data) = &evidence.data {
        facts.push(format!("{} classes", sections::thousands(data.classes.len())));
        facts.push(format!("{} test images", sections::thousands(data.test)));
    }
    if let Some(environment) = &evidence.environment {
        facts.push(escape(environment.started.get(..10).unwrap_or(&environment.started)));
    }
    let _ = write!(
        html,
        "<header>\n<p class=\"kicker\">Bakeoff report</p>\n<h1>{}</h1>\n<p class=\"meta\">{}</p>\n\
         <nav aria-label=\"Contents\"><ul><li><a href=\"#answer\">Answer</a></li><li><a href=\"#learning\">Learning curves</a></li>\
         <li><a href=\"#results\">Results</a></li><li><a href=\"#pictures\">Pictures</a></li><li><a href=\"#trials\">Trials</a></li>\
         <li><a href=\"#data\">Data</a></li><li><a href=\"#method\">Method</a></li><li><a href=\"#repeat\">Repeat it</a></li></ul></nav>\n</header>\n",
        bdi(&assessment.summary.study),
        facts.join(" · ")
    );
}

fn answer(html: &mut String, evidence: &Evidence, assessment: &Assessment, numbers: &mut Numbers) {
    let (plan, summary) = (&evidence.plan, &assessment.summary);
    let _ = write!(
        html,
        "<section id=\"answer\" aria-label=\"Answer\">\n<p class=\"answer\">{}</p>\n",
        escape(&summary.answer)
    );

    let (finished, planned) = (evidence.finished(), evidence.trials.len());
    let mut notices = Vec::new();
    if finished < planned {
        let failed = summary.failed.len();
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        notices.push(format!(
            "{finished} of {planned} planned trials have finished{failures}. This report shows what there is; \
             <a href=\"#trials\">which are missing</a>."
        ));
    }
    notices.extend(summary.warnings.iter().map(|w| escape(w)));
    if let Some(data) = evidence.data.as_ref().filter(|data| !data.duplicates.is_empty()) {
        let n = data.duplicates.len();
        let (noun, verb) = if n == 1 { ("file stands", "is") } else { ("files stand", "are") };
        notices.push(format!(
            "{} identical {noun} in more than one split, so what was trained on {verb} also tested on; \
             <a href=\"#data\">listed below</a>.",
            sections::thousands(n)
        ));
    }
    match notices.as_slice() {
        [] => {}
        [one] => {
            let _ = writeln!(html, "<div class=\"notice\" role=\"note\"><p>{one}</p></div>");
        }
        several => {
            html.push_str("<div class=\"notice\" role=\"note\"><p><b>Before you rely on this</b></p><ul>");
            several.iter().for_each(|notice| {
                let _ = write!(html, "<li>{notice}</li>");
            });
            html.push_str("</ul></div>\n");
        }
    }

    if assessment.comparisons.iter().any(|c| c.mean.is_some()) {
        let picture = chart(
            &figures::differences(evidence, assessment, WIDE),
            &figures::differences(evidence, assessment, NARROW),
        );
        let _ = writeln!(
            html,
            "<figure>{picture}<figcaption>{} Difference in test top-1 accuracy from {}, in points. Large mark: mean of the paired differences, \
             filled where a verdict was reached; bar: its 95&nbsp;% interval; small dots: single seeds. A seed gives every recipe the same split, \
             the same initial weights and the same order of images.</figcaption></figure>",
            numbers.figure(),
            bdi(&plan.baseline)
        );
    }
    let mut with_verdict: Vec<_> = summary.recipes.iter().filter(|recipe| recipe.verdict.is_some()).collect();
    // As in the picture: largest effect first.
    let effect = |r: &RecipeSummary| r.difference.as_ref().map_or(f64::NEG_INFINITY, |d| d.mean);
    with_verdict.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    if !with_verdict.is_empty() {
        html.push_str("<ul class=\"verdicts\">\n");
        for recipe in with_verdict {
            let explanation = recipe.explanation().unwrap_or_default();
            let _ = writeln!(
                html,
                "<li>{}<p>{}</p></li>",
                sections::verdict(recipe.verdict),
                escape(&explanation)
            );
        }
        html.push_str("</ul>\n");
    }
    html.push_str("</section>\n");
}

/// Buttons that hide and show recipes; only there with the script that serves them.
fn keys(html: &mut String, evidence: &Evidence) {
    html.push_str("<div class=\"keys\" role=\"group\" aria-label=\"Show recipes\">");
    for recipe in &evidence.plan.recipes {
        let colour = evidence.colour(&recipe.name);
        let toggle = colour.map_or_else(|| "s-base".into(), |i| format!("s-{i}"));
        let _ = write!(
            html,
            "<button type=\"button\" aria-pressed=\"true\" data-toggle=\"{toggle}\" style=\"--k:var(--{})\"><i></i><span dir=\"auto\">{}</span></button>",
            theme::series_class(colour),
            escape(&recipe.name)
        );
    }
    html.push_str("</div>\n");
}

fn learning(html: &mut String, evidence: &Evidence, numbers: &mut Numbers) {
    html.push_str("<section id=\"learning\">\n<h2>Learning curves</h2>\n");
    let set = figures::curves(evidence);
    if set.training_loss.is_empty() {
        html.push_str("<p>No epoch has been finished yet.</p>\n</section>\n");
        return;
    }
    keys(html, evidence);
    let uneven = if set.uneven {
        " Later epochs come from fewer seeds, since some trials are unfinished."
    } else {
        ""
    };
    if evidence.has_validation() {
        let picture =
            chart(&set.validation_accuracy.draw(WIDE, 460.0), &set.validation_accuracy.draw(NARROW, 320.0));
        let _ = writeln!(
            html,
            "<figure>{picture}<figcaption>{} Validation accuracy per epoch, on unmixed and unaugmented images. Line: mean over seeds; band: lowest to highest seed.{uneven} \
             Selection looks at this; the verdict is of the test images.</figcaption></figure>",
            numbers.figure()
        );
    } else {
        html.push_str(
            "<p>There are no validation images in this study, so there is no validation curve.</p>\n",
        );
    }
    html.push_str("<figure><div class=\"trio\">");
    let mut panels = vec![&set.training_loss];
    if evidence.has_validation() {
        panels.push(&set.validation_loss);
    }
    panels.push(&set.training_accuracy);
    for panel in panels {
        let _ = write!(html, "<div class=\"chart\">{}</div>", panel.draw(320.0, 260.0).inline(""));
    }
    let _ = write!(
        html,
        "</div><figcaption>{} Losses and training accuracy. The training loss is of what each recipe trains on, mixed images and soft labels included, so it \
         cannot be compared between recipes that mix and recipes that do not; accuracy on plain training images can.</figcaption></figure>\n</section>\n",
        numbers.figure()
    );
}

//! The page: one HTML file that asks nobody for anything, in every language it speaks at once.

mod album;
mod answer;
mod calibration;
mod changes;
mod classes;
mod confusion;
mod cost;
mod learning;
mod maps;
mod method;
mod pairs;
mod pictures;
mod results;
mod robustness;

use crate::figures;
use crate::language::{Language, Words, fill};
use crate::svg::Drawing;
use crate::text::{ClassNames, bdi, escape, plain};
use crate::theme;
use crate::thumbnails::Thumbnails;
use album::Album;
use bakeoff_evidence::{Evidence, Origin};
use bakeoff_findings::Assessment;
use bakeoff_findings::Confusion;
use base64::Engine;
use std::fmt::Write;

const FONT: &[u8] = include_bytes!("../../fonts/Inter.woff2");
const STYLE: &str = include_str!("style.css");
pub(crate) const SCRIPT: &str = include_str!("script.js");

/// How a page is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// The language shown first; the reader may switch.
    pub(crate) language: Language,
    /// Served while trials go on: the page asks its own server, and nobody else, whether there is news.
    pub(crate) live: bool,
}

/// What goes into the page once, whatever the language.
struct Shared<'a> {
    album: Album,
    thumbnails: &'a Thumbnails,
    confusion: Option<Confusion>,
    names: ClassNames,
}

/// The page in one language, being written.
struct Writer<'a> {
    html: String,
    evidence: &'a Evidence,
    assessment: &'a Assessment,
    shared: &'a Shared<'a>,
    words: &'static Words,
    figures: usize,
    tables: usize,
    /// Those written so far, name and title: the contents.
    sections: Vec<(&'static str, &'static str)>,
}

/// Appends formatted text to a writer's page; writing to a String cannot fail.
macro_rules! put {
    ($writer:expr, $($arg:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($writer.html, $($arg)*);
    }};
}
use put;

impl Writer<'_> {
    /// An anchor: of the page's languages only one may own the plain name.
    fn id(&self, name: &str) -> String {
        match self.words.language {
            Language::English => name.into(),
            other => format!("{name}-{}", other.tag()),
        }
    }

    /// `<b>Figure 3.</b>`
    fn figure_number(&mut self) -> String {
        self.figures += 1;
        format!("<b>{} {}.</b>", self.words.figure, self.figures)
    }

    /// `<b>Table 1.</b>`
    fn table_number(&mut self) -> String {
        self.tables += 1;
        format!("<b>{} {}.</b>", self.words.table, self.tables)
    }

    fn open_section(&mut self, name: &'static str, title: &'static str) {
        let id = self.id(name);
        self.sections.push((name, title));
        put!(
            self,
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n"
        );
    }

    fn close_section(&mut self) {
        self.html.push_str("</section>\n");
    }

    /// A chart in its two widths, of which the style sheet shows the one that fits; `name` is that of its files.
    fn chart(&mut self, name: &str, wide: &Drawing, narrow: &Drawing) {
        put!(
            self,
            "<div class=\"chart wide\" data-name=\"{name}\">{}</div><div class=\"chart narrow\" data-name=\"{name}\">{}</div>",
            wide.inline(""),
            narrow.inline("")
        );
    }

    fn caption(&mut self, text: &str) {
        let number = self.figure_number();
        put!(self, "<figcaption>{number} {text}</figcaption></figure>\n");
    }

    fn table(&mut self, table: &crate::table::Table, class: &str, caption: &str) {
        let number = self.table_number();
        let html = table.html(class, &format!("{number} {caption}"));
        self.html.push_str(&html);
    }

    /// What is only wanted by some: a line that opens.
    fn open_fold(&mut self, title: &str) {
        put!(self, "<details><summary>{title}</summary>\n");
    }

    fn close_fold(&mut self) {
        self.html.push_str("</details>\n");
    }

    /// What stands above the sections, once it is known which there are.
    fn header(&mut self) {
        let (evidence, words) = (self.evidence, self.words);
        let plan = &evidence.plan;
        let mut facts = vec![format!(
            "{} × {}",
            words.count(words.recipes_n, plan.recipes.len()),
            words.count(words.seeds_n, plan.seeds.len())
        )];
        // Results from elsewhere need not tell of epochs.
        if plan.epochs > 0 {
            facts.push(words.count(words.epochs_n, plan.epochs as usize));
        }
        if let Some(study) = &evidence.study {
            facts.insert(0, escape(&study.model.name));
        }
        if let Some(data) = &evidence.data {
            facts.push(words.count(words.classes_n, data.classes.len()));
            facts.push(words.count(words.test_images_n, data.test));
        }
        if let Some(environment) = &evidence.environment {
            facts.push(escape(environment.started.get(..10).unwrap_or(&environment.started)));
        }
        put!(
            self,
            "<header>\n<p class=\"kicker\">{}</p>\n<h1>{}</h1>\n<p class=\"meta\">{}</p>\n<nav aria-label=\"{}\"><ul>",
            words.report,
            bdi(&self.assessment.summary.study),
            facts.join(" · "),
            words.contents
        );
        for (name, title) in std::mem::take(&mut self.sections) {
            put!(self, "<li><a href=\"#{}\">{title}</a></li>", self.id(name));
        }
        self.html.push_str("</ul></nav>\n</header>\n");
    }

    fn write(mut self, hidden: bool) -> String {
        self.sections.push(("answer", self.words.s_answer));
        let own = self.evidence.origin == Origin::Run;
        self.answer();
        self.learning();
        self.results();
        // What only a run of our own can tell of.
        if own {
            self.pictures();
        }
        self.classes();
        self.confusion();
        self.changes();
        self.calibration();
        self.robustness();
        self.maps();
        self.cost();
        self.trials();
        self.method();
        if own {
            self.data();
        }
        self.repeat();
        self.pairs();
        let sections = std::mem::take(&mut self.html);
        let tag = self.words.language.tag();
        put!(self, "<div class=\"language\" lang=\"{tag}\"{}>\n", if hidden { " hidden" } else { "" });
        put!(self, "<a class=\"skip\" href=\"#{}\">{}</a>\n", self.id("answer"), self.words.skip);
        self.header();
        put!(self, "<main>\n{sections}");
        let version =
            self.evidence.environment.as_ref().map_or(env!("CARGO_PKG_VERSION"), |e| e.bakeoff.as_str());
        let footer = fill(self.words.footer, &[("version", &escape(version))]);
        put!(self, "</main>\n<footer>{footer}</footer>\n</div>\n");
        self.words.language.finished(self.html)
    }
}

/// JSON inside a script element: nothing in it can end the element, and its names are as the page shows them.
pub(crate) fn json(value: &serde_json::Value) -> String {
    shown(value)
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn shown(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(plain(text).into_owned()),
        Value::Array(values) => values.iter().map(shown).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), shown(value))).collect(),
        value => value.clone(),
    }
}

/// The whole page.
pub(crate) fn document(
    evidence: &Evidence,
    assessment: &Assessment,
    thumbnails: &Thumbnails,
    options: &Options,
) -> String {
    let insight = &assessment.summary.insight;
    let shared = Shared {
        album: Album::new(&evidence.previews),
        thumbnails,
        confusion: Confusion::count(evidence),
        names: ClassNames::of(evidence),
    };
    let connect = if options.live { "; connect-src 'self'" } else { "" };
    let mut html = String::with_capacity(1 << 20);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data: blob:; font-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'{connect}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"Bakeoff {}\">\n<title>{} – Bakeoff</title>\n<style>\n{}</style>\n</head>\n<body{}>\n",
        options.language.tag(),
        env!("CARGO_PKG_VERSION"),
        escape(&assessment.summary.study),
        style(evidence.plan.recipes.len()),
        if options.live { " data-live" } else { "" },
    );
    html.push_str("<nav class=\"switch\" aria-label=\"Language / 언어\">");
    for language in Language::ALL {
        let _ = write!(
            html,
            "<button type=\"button\" lang=\"{0}\" data-language=\"{0}\" aria-pressed=\"{1}\">{2}</button>",
            language.tag(),
            language == options.language,
            language.words().this_language
        );
    }
    html.push_str("</nav>\n");
    html.push_str("<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\" focusable=\"false\"><defs>\n");
    shared.album.definitions(&mut html);
    shared.thumbnails.definitions(&mut html);
    crate::maps::definitions(evidence, &mut html);
    html.push_str("</defs></svg>\n");
    for language in Language::ALL {
        let writer = Writer {
            html: String::with_capacity(1 << 19),
            evidence,
            assessment,
            shared: &shared,
            words: language.words(),
            figures: 0,
            tables: 0,
            sections: Vec::new(),
        };
        html.push_str(&writer.write(language != options.language));
    }
    let data = serde_json::json!({
        "curves": figures::curve_data(evidence, insight),
        "confusion": shared.confusion.as_ref().zip(evidence.data.as_ref()).map(|(c, data)| confusion::data(c, &data.classes, &shared.names)),
        "style": theme::file_rules(),
    });
    let _ = write!(
        html,
        "<script type=\"application/json\" id=\"values\">{}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        json(&data)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_for_the_script_cannot_end_its_element() {
        let value = serde_json::json!({"name": "</script><script>alert(1)</script>"});
        let text = json(&value);
        assert!(!text.contains('<') && !text.contains('\u{2028}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}

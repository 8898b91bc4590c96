//! A drawing: elements written in order, escaped once, here.

use crate::text::{Weight, escape, fit_name, plain};
use crate::theme;
use std::fmt::Write;

/// A drawing that can stand in the page or in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// What it shows, for those who do not see it.
    pub title: String,
    /// Further attributes of the outer element, escaped.
    attributes: String,
    body: String,
}

/// A coordinate without needless digits; what is not a number is drawn at the origin.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// Where text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// To its right.
    Start,
    /// Around it.
    Middle,
    /// To its left.
    End,
}

impl Anchor {
    fn attribute(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Middle => " text-anchor=\"middle\"",
            Self::End => " text-anchor=\"end\"",
        }
    }
}

/// A name to be drawn where there may not be room for all of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) text: &'a str,
    /// Size and weight that its class has.
    pub(crate) size: f64,
    pub(crate) weight: Weight,
    /// Width there is.
    pub(crate) room: f64,
}

impl Drawing {
    pub(crate) fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self { width, height, title: title.into(), attributes: String::new(), body: String::new() }
    }

    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        let _ = write!(self.attributes, " {name}=\"{}\"", escape(value));
    }

    pub(crate) fn open_group(&mut self, class: &str) {
        let _ = write!(self.body, "<g class=\"{}\">", escape(class));
    }

    pub(crate) fn close_group(&mut self) {
        self.body.push_str("</g>");
    }

    /// What the group just opened says when pointed at.
    pub(crate) fn title(&mut self, text: &str) {
        let _ = write!(self.body, "<title>{}</title>", escape(text));
    }

    pub(crate) fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], radius: f64) {
        let corner = if radius > 0.0 { format!(" rx=\"{}\"", number(radius)) } else { String::new() };
        let [x, y, width, height] = [x, y, width.max(0.0), height.max(0.0)].map(number);
        let _ = write!(
            self.body,
            "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{corner}/>",
            escape(class)
        );
    }

    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(number);
        let _ = write!(
            self.body,
            "<line class=\"{}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>",
            escape(class)
        );
    }

    pub(crate) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let [x, y, radius] = [x, y, radius].map(number);
        let _ =
            write!(self.body, "<circle class=\"{}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>", escape(class));
    }

    fn path_data(points: &[(f64, f64)]) -> String {
        let mut data = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(data, "{}{} {}", if i == 0 { 'M' } else { 'L' }, number(*x), number(*y));
        }
        data
    }

    pub(crate) fn polyline(&mut self, class: &str, points: &[(f64, f64)], dashes: &str) {
        let dashes =
            if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
        let _ = write!(
            self.body,
            "<path class=\"{}\" d=\"{}\"{dashes}/>",
            escape(class),
            Self::path_data(points)
        );
    }

    pub(crate) fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        let _ = write!(self.body, "<path class=\"{}\" d=\"{}Z\"/>", escape(class), Self::path_data(points));
    }

    /// Many lines [x0, y0, x1, y1] as one element.
    pub(crate) fn lines(&mut self, class: &str, lines: &[[f64; 4]]) {
        let mut data = String::new();
        for line in lines {
            let [x0, y0, x1, y1] = line.map(number);
            let _ = write!(data, "M{x0} {y0}L{x1} {y1}");
        }
        let _ = write!(self.body, "<path class=\"{}\" d=\"{data}\"/>", escape(class));
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        self.text_with_title(class, (x, y), anchor, text, None);
    }

    /// Text of a size that depends on how much there is; what was cut of it shows when pointed at.
    pub(crate) fn sized_text(
        &mut self,
        class: &str,
        size: f64,
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
        whole: Option<&str>,
    ) {
        let [x, y, size] = [x, y, size].map(number);
        let title = whole.map_or_else(String::new, |whole| format!("<title>{}</title>", escape(whole)));
        let _ = write!(
            self.body,
            "<text class=\"{}\" x=\"{x}\" y=\"{y}\"{} style=\"font-size:{size}px\">{title}{}</text>",
            escape(class),
            anchor.attribute(),
            escape(text)
        );
    }

    /// Text of which only a part fitted: all of it shows when pointed at.
    pub(crate) fn text_with_title(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
        whole: Option<&str>,
    ) {
        let anchor = anchor.attribute();
        let title = whole.map_or_else(String::new, |whole| format!("<title>{}</title>", escape(whole)));
        let [x, y] = [x, y].map(number);
        let _ = write!(
            self.body,
            "<text class=\"{}\" x=\"{x}\" y=\"{y}\"{anchor}>{title}{}</text>",
            escape(class),
            escape(text)
        );
    }

    /// A name of this size and weight, cut in its middle where there is no room; all of it shows when pointed at.
    pub(crate) fn name(&mut self, class: &str, at: (f64, f64), anchor: Anchor, name: &Name<'_>) {
        let shown = fit_name(name.text, name.size, name.weight, name.room);
        let whole = (shown != plain(name.text)).then_some(name.text);
        self.text_with_title(class, at, anchor, &shown, whole);
    }

    /// A picture as a data URI.
    pub(crate) fn image(&mut self, [x, y, width, height]: [f64; 4], href: &str, pixelated: bool) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        // The attribute is what resvg and SVG 1.1 know, the style what browsers do.
        let rendering = if pixelated {
            " image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\""
        } else {
            ""
        };
        let _ = write!(
            self.body,
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" href=\"{}\" preserveAspectRatio=\"none\"{rendering}/>",
            escape(href)
        );
    }

    fn element(&self, namespace: &str, class: &str, style: &str) -> String {
        let [width, height] = [self.width, self.height].map(number);
        format!(
            "<svg{namespace} class=\"fig{class}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
             aria-label=\"{}\"{}>{style}{}</svg>",
            escape(&self.title),
            self.attributes,
            self.body
        )
    }

    /// For the page, whose style sheet colours it. `class` is added to the outer element.
    pub(crate) fn inline(&self, class: &str) -> String {
        self.element("", &if class.is_empty() { String::new() } else { format!(" {class}") }, "")
    }

    /// A file of its own, on light paper.
    #[must_use]
    pub fn file(&self) -> String {
        let style = format!(
            "<title>{}</title><style>{}</style><rect class=\"paper\" width=\"100%\" height=\"100%\"/>",
            escape(&self.title),
            theme::file_rules()
        );
        let mut text = self.element(" xmlns=\"http://www.w3.org/2000/svg\"", "", &style);
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_nan() {
        let written = [1.0, 0.126, 12.5, -0.001, f64::NAN, f64::INFINITY, -3.5].map(number);
        assert_eq!(written, ["1", "0.13", "12.5", "0", "0", "0", "-3.5"]);
    }

    #[test]
    fn a_name_that_is_markup_stays_text_wherever_it_stands() {
        let hostile = "</text><script>alert(1)</script>\" onload=\"x";
        let mut drawing = Drawing::new(10.0, 10.0, hostile);
        drawing.attribute("data-x", hostile);
        drawing.text_with_title("t", (0.0, 0.0), Anchor::Start, hostile, Some(hostile));
        for text in [drawing.inline("wide"), drawing.file()] {
            assert!(!text.contains("<script") && !text.contains("\" onload"), "{text}");
            assert_eq!(text.matches("&lt;script&gt;").count(), if text.contains("xmlns") { 5 } else { 4 });
        }
    }
}

//! Colours and the style sheet of charts: one set for the page, which follows the reader's light or dark preference, one
//! written out for files that stand alone.

use std::fmt::Write;

/// A colour by its role, in light and in dark surroundings.
struct Colour {
    name: &'static str,
    light: &'static str,
    dark: &'static str,
}

const fn colour(name: &'static str, light: &'static str, dark: &'static str) -> Colour {
    Colour { name, light, dark }
}

/// Series colours after Paul Tol's "bright" scheme and Okabe & Ito, darkened or lightened to at least 4.5:1 against the
/// surface, since names are written in them; told apart by people with any of the common colour deficiencies. The baseline is grey. Series beyond the last
/// start again with dashes.
const SERIES: [Colour; 8] = [
    colour("c0", "#3b6fb0", "#7fb0ea"),
    colour("c1", "#c24354", "#ff8a93"),
    colour("c2", "#1c804f", "#5fcb93"),
    colour("c3", "#a35f00", "#f0b04f"),
    colour("c4", "#8a3f9e", "#d29be6"),
    colour("c5", "#007c8a", "#55cfdc"),
    colour("c6", "#7a5c3a", "#cfae86"),
    colour("c7", "#b84386", "#f492cb"),
];

const ROLES: [Colour; 13] = [
    colour("paper", "#ffffff", "#14161a"),
    colour("card", "#f6f6f3", "#1c1f25"),
    colour("ink", "#1a1a1f", "#ecedf0"),
    colour("soft", "#4a4c55", "#b9bcc6"),
    colour("muted", "#6b6d76", "#9498a4"),
    colour("rule", "#d9d9d4", "#3a3e48"),
    colour("grid", "#ececE7", "#272b33"),
    colour("base", "#5d5f68", "#a9acb6"),
    colour("zone", "#efeee8", "#23262d"),
    colour("better", "#1565b5", "#78b4f5"),
    colour("worse", "#b4461b", "#f59a6d"),
    colour("equivalent", "#4b6b4f", "#a3c9a6"),
    colour("undecided", "#6b6d76", "#9498a4"),
];

/// Number of series colours.
pub(crate) const SERIES_COLOURS: usize = SERIES.len();

/// Class name of a series: `base` for the baseline, `c0`… for the others.
pub(crate) fn series_class(index: Option<usize>) -> String {
    index.map_or_else(|| "base".into(), |i| format!("c{}", i % SERIES_COLOURS))
}

/// Dash pattern of a series, so that the second round of colours is not the first.
pub(crate) fn dashes(index: Option<usize>) -> &'static str {
    match index.map_or(0, |i| i / SERIES_COLOURS) {
        0 => "",
        1 => "6 3",
        2 => "2 3",
        _ => "8 3 2 3",
    }
}

/// The colours as CSS custom properties for both preferences, for the page.
pub(crate) fn properties() -> String {
    let list = |pick: fn(&Colour) -> &'static str| {
        ROLES.iter().chain(&SERIES).map(|c| format!("--{}:{};", c.name, pick(c))).collect::<String>()
    };
    let (light, dark) = (list(|c| c.light), list(|c| c.dark));
    // How strongly a ground is coloured by its value, and the shadow where something goes on beyond an edge: a dark ground needs more.
    format!(
        ":root{{color-scheme:light dark;{light}--heat:.3;--tint:.2;--shade:rgba(0,0,0,.22);}}\n\
         @media screen and (prefers-color-scheme:dark){{:root{{{dark}--heat:.42;--tint:.38;--shade:rgba(255,255,255,.3);}}}}\n"
    )
}

/// Style of every class that charts use; `resolve` gives a colour for a role.
fn chart_rules(resolve: impl Fn(&'static str, &'static str) -> String) -> String {
    let mut css = String::new();
    let role = |name: &str| {
        ROLES
            .iter()
            .find(|c| c.name == name)
            .map_or_else(|| "currentColor".into(), |c| resolve(c.name, c.light))
    };
    let (ink, soft, muted, rule, grid, zone, paper) =
        (role("ink"), role("soft"), role("muted"), role("rule"), role("grid"), role("zone"), role("paper"));
    // Writing to a String cannot fail.
    let _ = write!(
        css,
        ".fig text{{font-family:Inter,system-ui,sans-serif;font-size:13px;fill:{ink};unicode-bidi:plaintext}}\
         .fig .tick{{font-size:12px;fill:{muted}}}.fig .note{{font-size:12px;fill:{soft}}}.fig .small{{font-size:11px;fill:{soft}}}\
         .fig .strong{{font-weight:600}}.fig .head{{font-size:12px;font-weight:600;fill:{soft}}}.fig .title{{font-size:15px;font-weight:600}}\
         .fig .grid{{stroke:{grid};stroke-width:1;fill:none}}.fig .axis{{stroke:{rule};stroke-width:1;fill:none}}\
         .fig .zero{{stroke:{soft};stroke-width:1.25;fill:none}}.fig .zone{{fill:{zone}}}.fig .paper{{fill:{paper}}}\
         .fig .line{{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}}.fig .band{{stroke:none;fill-opacity:.14}}\
         .fig .halo{{stroke:{paper};stroke-width:1.5}}.fig .leader{{stroke-width:1;stroke-opacity:.6;fill:none}}\
         .fig .whisker{{stroke-width:3;fill:none;stroke-linecap:round}}.fig .thin{{stroke-width:1.75;fill:none;stroke-linecap:round}}.fig .seed{{fill-opacity:.35;stroke:none}}\
         .fig .hollow{{fill:{paper};stroke-width:2}}.fig .frame{{fill:none;stroke:{rule};stroke-width:1}}\
         .fig .cut-dark{{fill:none;stroke:#000000;stroke-width:3;stroke-opacity:.75}}\
         .fig .cut-light{{fill:none;stroke:#ffffff;stroke-width:1.5;stroke-dasharray:4 3}}\
         .fig .mask-dark{{fill:none;stroke:#000000;stroke-width:1.6;stroke-opacity:.6}}\
         .fig .mask-light{{fill:none;stroke:#ffffff;stroke-width:.7}}\
         .fig .half-dark{{fill:none;stroke:#000000;stroke-width:3.2;stroke-opacity:.65;stroke-linecap:round}}\
         .fig .half-light{{fill:none;stroke:#ffffff;stroke-width:1.4;stroke-linecap:round}}\
         .fig .share-a{{fill:{soft}}}.fig .share-b{{fill:{rule}}}",
    );
    for c in SERIES.iter().chain(
        ROLES.iter().filter(|c| ["base", "better", "worse", "equivalent", "undecided"].contains(&c.name)),
    ) {
        let (name, value) = (c.name, resolve(c.name, c.light));
        let _ = write!(css, ".fig .f-{name}{{fill:{value}}}.fig .k-{name}{{stroke:{value}}}");
    }
    css
}

/// For charts inside the page.
pub(crate) fn page_rules() -> String {
    chart_rules(|name, _| format!("var(--{name})"))
}

/// For a chart in a file of its own: light, on paper.
pub(crate) fn file_rules() -> String {
    chart_rules(|_, light| light.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as WCAG 2.1 defines them.
    fn luminance(hex: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn of(name: &str) -> &'static Colour {
        ROLES.iter().chain(&SERIES).find(|c| c.name == name).unwrap()
    }

    #[test]
    fn text_and_marks_stand_out_on_paper_and_on_cards_in_both_preferences() {
        for surface in ["paper", "card"].map(of) {
            for (colours, least) in [(
                ["ink", "soft", "muted", "better", "worse", "equivalent", "undecided"].map(of).as_slice(),
                4.5,
            )] {
                for c in colours {
                    let (light, dark) = (contrast(c.light, surface.light), contrast(c.dark, surface.dark));
                    assert!(
                        light >= least && dark >= least,
                        "{} on {}: {light:.2} {dark:.2}",
                        c.name,
                        surface.name
                    );
                }
            }
            for c in SERIES.iter().chain([of("base")]) {
                let (light, dark) = (contrast(c.light, surface.light), contrast(c.dark, surface.dark));
                assert!(light >= 4.5 && dark >= 4.5, "{} on {}: {light:.2} {dark:.2}", c.name, surface.name);
            }
        }
    }

    #[test]
    fn files_that_stand_alone_refer_to_no_custom_property() {
        assert!(!file_rules().contains("var(") && page_rules().contains("var(--c7)"));
    }

    #[test]
    fn the_second_round_of_colours_is_dashed() {
        assert_eq!((series_class(Some(9)), dashes(Some(1)), dashes(Some(9))), ("c1".into(), "", "6 3"));
        assert_eq!((series_class(None), dashes(None)), ("base".into(), ""));
    }
}

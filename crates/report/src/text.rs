//! Text that other people wrote, made safe to show, and the width it takes.

pub(crate) use bakeoff_evidence::plain;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use unicode_segmentation::UnicodeSegmentation;

/// Regular weight of the embedded typeface.
pub(crate) const REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.otf");
/// Semi-bold weight of the embedded typeface.
pub(crate) const SEMIBOLD: &[u8] = include_bytes!("../fonts/Inter-SemiBold.otf");

/// For HTML and XML, between tags and inside quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// As [`escape`], keeping line breaks: for `<pre>`.
pub(crate) fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// A class's name as people say it: ImageNet's identifier before it left out, underscores as spaces.
fn class_name(name: &str) -> Cow<'_, str> {
    let digits =
        |id: &str| id.len() == 9 && id.starts_with('n') && id[1..].bytes().all(|b| b.is_ascii_digit());
    let bare = match name.split_once('-') {
        Some((id, rest)) if digits(id) && !rest.is_empty() => rest,
        _ => name,
    };
    if bare.contains('_') { Cow::Owned(bare.replace('_', " ")) } else { Cow::Borrowed(bare) }
}

/// How the classes of a data set are called where people read: without ImageNet's identifier and with spaces for underscores,
/// but as the data set has them where two would become the same. Files keep the data set's names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ClassNames(BTreeMap<String, String>);

impl ClassNames {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: BTreeMap<String, String> =
            names.into_iter().map(|name| (name.to_owned(), class_name(name).into_owned())).collect();
        let mut uses = BTreeMap::<&str, usize>::new();
        for short in names.values() {
            *uses.entry(short).or_default() += 1;
        }
        let only = |short: &str| uses[short] == 1;
        Self(
            names
                .iter()
                .map(|(name, short)| (name.clone(), if only(short) { short } else { name }.clone()))
                .collect(),
        )
    }

    /// Of the classes that a run tells of.
    pub(crate) fn of(evidence: &bakeoff_evidence::Evidence) -> Self {
        Self::new(evidence.data.iter().flat_map(|data| &data.classes).map(String::as_str))
    }

    /// A class as it is shown; one that is not of the data set is called by its own name.
    pub(crate) fn shown<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }

    /// For the page: as it is shown, and whole where it is pointed at.
    pub(crate) fn html(&self, name: &str) -> String {
        format!("<bdi title=\"{}\">{}</bdi>", escape(name), escape(self.shown(name)))
    }
}

/// Isolates text whose direction is not known, within HTML.
pub(crate) fn bdi(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

/// Weight of the embedded typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// 400.
    Regular,
    /// 600.
    SemiBold,
}

/// Advance widths of the first 0x250 code points in units of the font size, measured once.
fn widths(weight: Weight) -> &'static [f32; 0x250] {
    static TABLES: OnceLock<[[f32; 0x250]; 2]> = OnceLock::new();
    let tables = TABLES.get_or_init(|| {
        [REGULAR, SEMIBOLD].map(|bytes| {
            // The fonts are compiled in and tested; should one not parse, an average width does for layout.
            let Ok(font) = FontRef::new(bytes) else { return [0.55; 0x250] };
            let (characters, metrics) =
                (font.charmap(), font.glyph_metrics(Size::new(1.0), LocationRef::default()));
            std::array::from_fn(|code| {
                let glyph = char::from_u32(code as u32).and_then(|c| characters.map(c));
                glyph.and_then(|g| metrics.advance_width(g)).unwrap_or(0.6)
            })
        })
    });
    &tables[usize::from(weight == Weight::SemiBold)]
}

/// Approximate width of one line, in the units of `size`.
pub(crate) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let table = widths(weight);
    let em = |c: char| match c as u32 {
        code if (code as usize) < table.len() => f64::from(table[code as usize]),
        // Combining marks, joiners and direction marks take no room of their own.
        0x300..=0x36f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f => 0.0,
        0x2000..=0x2bff => 0.65,
        0x400..=0x1fff => 0.65,
        // East Asian, emoji: a full square.
        _ => 1.05,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// Cut to fit, with an ellipsis; unchanged where it fits.
pub(crate) fn fit(text: &str, size: f64, weight: Weight, room: f64) -> String {
    let text = plain(text);
    if width(&text, size, weight) <= room {
        return text.into_owned();
    }
    let mut cut = String::new();
    let mut used = width("…", size, weight);
    for c in text.chars() {
        used += width(c.encode_utf8(&mut [0; 4]), size, weight);
        if used > room {
            break;
        }
        cut.push(c);
    }
    format!("{}…", cut.trim_end())
}

/// A name cut in its middle to fit, since what tells long names apart stands at either end; never within what people take
/// for one character.
pub(crate) fn fit_name(text: &str, size: f64, weight: Weight, room: f64) -> String {
    let text = plain(text);
    if width(&text, size, weight) <= room {
        return text.into_owned();
    }
    let parts: Vec<&str> = text.graphemes(true).collect();
    let shortened = |kept: usize| {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let (head, tail) = (parts[..head].concat(), parts[parts.len() - tail..].concat());
        format!("{}…{}", head.trim_end(), tail.trim_start())
    };
    let fits = |kept: &usize| width(&shortened(*kept), size, weight) <= room;
    (0..parts.len()).rev().find(fits).map_or_else(|| "…".into(), shortened)
}

/// Broken into lines of at most `room`, at spaces where there are any.
pub(crate) fn wrap(text: &str, size: f64, weight: Weight, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in plain(text).split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match longer.filter(|line| width(line, size, weight) <= room) {
            Some(longer) => lines.pop().map_or((), |_| lines.push(longer)),
            None => lines.push(fit_name(word, size, weight, room)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text_and_control_characters_become_visible() {
        assert_eq!(
            escape("<script>\"it's\" & </script>"),
            "&lt;script&gt;&quot;it&#39;s&quot; &amp; &lt;/script&gt;"
        );
        assert_eq!(escape("a\u{0}b\u{1b}[31m\u{ffff}"), "a\u{fffd}b\u{fffd}[31m\u{fffd}");
        assert_eq!(plain("two\nlines"), "two lines");
        assert_eq!(bdi("gpj.\u{202e}a\u{2069}b\u{200f}"), "<bdi>gpj.\u{fffd}a\u{fffd}b\u{fffd}</bdi>");
        assert_eq!(escape_lines("a = \"<\"\n\tb"), "a = &quot;&lt;&quot;\n b");
        assert!(matches!(plain("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_class_is_called_by_its_name() {
        assert_eq!(class_name("n02085782-Japanese_spaniel"), "Japanese spaniel");
        assert_eq!(
            ["golden-pike", "n0208-x", "n02085782-", "é-n"].map(class_name),
            ["golden-pike", "n0208-x", "n02085782-", "é-n"]
        );
    }

    #[test]
    fn classes_that_would_become_the_same_keep_what_tells_them_apart() {
        let all = ["n02012849-crane", "n03126707-crane", "n02085782-Japanese_spaniel", "a_b", "a b"];
        let names = ClassNames::new(all);
        assert_eq!(
            all.map(|name| names.shown(name)),
            ["n02012849-crane", "n03126707-crane", "Japanese spaniel", "a_b", "a b"]
        );
        assert_eq!(names.shown("n02085936-Maltese_dog"), "n02085936-Maltese_dog");
        assert_eq!(
            names.html("n02085782-Japanese_spaniel"),
            "<bdi title=\"n02085782-Japanese_spaniel\">Japanese spaniel</bdi>"
        );
    }

    #[test]
    fn a_long_name_keeps_both_its_ends_and_whole_characters() {
        let cut = |text: &str, room| fit_name(text, 12.0, Weight::Regular, room);
        assert_eq!(cut("pug", 100.0), "pug");
        let long = cut("soft-coated wheaten terrier of the second kind", 120.0);
        assert!(long.starts_with("soft-co") && long.ends_with("kind") && long.contains('…'), "{long}");
        assert!(width(&long, 12.0, Weight::Regular) <= 120.0);
        // A dog with a vest is three code points and one character.
        for room in [10.0, 30.0, 50.0, 70.0] {
            let cut = cut("🐕\u{200d}🦺🐕\u{200d}🦺🐕\u{200d}🦺 나의 사랑하는 강아지", room);
            assert!(cut.matches('🐕').count() == cut.matches('🦺').count() && cut.contains('…'), "{cut}");
        }
    }

    #[test]
    fn widths_come_from_the_font() {
        let one = |c| width(c, 100.0, Weight::Regular);
        assert!(one("i") < one("n") && one("n") < one("W"));
        assert!(width("abc", 10.0, Weight::SemiBold) > width("abc", 10.0, Weight::Regular));
        assert_eq!(width("\u{202e}", 10.0, Weight::Regular), 0.0);
        assert!(one("犬") > 100.0);
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis_and_what_fits_is_untouched() {
        assert_eq!(fit("cutmix", 12.0, Weight::Regular, 100.0), "cutmix");
        let cut = fit(&"very-long-".repeat(30), 12.0, Weight::Regular, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0, Weight::Regular) <= 100.0 && cut.len() > 8, "{cut}");
        assert_eq!(fit("abc", 12.0, Weight::Regular, 0.0), "…");
    }

    #[test]
    fn lines_break_at_spaces_and_no_word_is_lost() {
        let text = "resize the shorter side to 73 pixels, then the central square";
        let lines = wrap(text, 12.0, Weight::Regular, 120.0);
        assert!(
            lines.len() > 2 && lines.iter().all(|l| width(l, 12.0, Weight::Regular) <= 120.0),
            "{lines:?}"
        );
        assert_eq!(lines.join(" "), text);
    }
}

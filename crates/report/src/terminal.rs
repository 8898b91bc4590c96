//! Contact sheets in a terminal: by the Kitty graphics protocol, as Sixel, or as half blocks in colour.

use std::fmt::Write;
use std::path::Path;

use bakeoff_study::records::PreviewRecord;
use base64::Engine;
use image::{RgbImage, imageops};

use crate::language::Language;
use crate::sheet::{Picture, classes_of, contact_sheet, lambda_text, range_text, share_text, visible_labels};
use crate::{ReportError, text};

/// How a terminal shows pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graphics {
    /// The Kitty graphics protocol (Kitty, Ghostty, WezTerm, Konsole).
    Kitty,
    /// Sixel (foot, mlterm, mintty, contour, iTerm2, xterm where compiled in).
    Sixel,
    /// Two pixels to a character, upper and lower half.
    Blocks {
        /// 24-bit colours rather than the 256 of a palette.
        truecolour: bool,
    },
}

/// Columns of pixels that a Sixel terminal is taken to have per character.
const CELL: u32 = 8;

impl Graphics {
    /// What a terminal can show, as far as its environment tells; `None` where it can show no pictures, or colours are
    /// not wanted. Inside tmux and screen, which pass no graphics on, blocks.
    #[must_use]
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let of = |name: &str| variable(name).unwrap_or_default();
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let (term, program) = (of("TERM"), of("TERM_PROGRAM"));
        if term.is_empty() && program.is_empty() && !set("WT_SESSION") || term == "dumb" || set("NO_COLOR") {
            return None;
        }
        let blocks = Self::Blocks {
            truecolour: matches!(of("COLORTERM").as_str(), "truecolor" | "24bit") || set("WT_SESSION"),
        };
        if set("TMUX") || term.starts_with("screen") || term.starts_with("tmux") {
            return Some(blocks);
        }
        let konsole = of("KONSOLE_VERSION").parse::<u32>().is_ok_and(|version| version >= 220_400);
        if set("KITTY_WINDOW_ID")
            || ["xterm-kitty", "xterm-ghostty"].contains(&term.as_str())
            || ["ghostty", "WezTerm"].contains(&program.as_str())
            || konsole
        {
            return Some(Self::Kitty);
        }
        let sixel = ["foot", "mlterm", "contour", "yaft"].iter().any(|name| term.starts_with(name))
            || term.contains("sixel")
            || ["mintty", "iTerm.app"].contains(&program.as_str());
        Some(if sixel { Self::Sixel } else { blocks })
    }
}

/// The contact sheet of one recipe for a terminal of so many columns. `folder` holds the files the record names.
///
/// # Errors
/// The sheet cannot be drawn.
pub fn terminal_sheet(
    record: &PreviewRecord,
    folder: &Path,
    graphics: Graphics,
    columns: usize,
) -> Result<String, ReportError> {
    let columns = columns.clamp(20, 400);
    let sheet = || contact_sheet(record, folder);
    match graphics {
        Graphics::Kitty => Ok(kitty(&sheet().png()?, columns.min((sheet().width as usize).div_ceil(8)))),
        Graphics::Sixel => {
            let drawing = sheet();
            let png = drawing.png()?;
            let fail = |message: String| ReportError::Raster { figure: record.recipe.clone(), message };
            let picture = image::load_from_memory_with_format(&png, image::ImageFormat::Png)
                .map_err(|error| fail(error.to_string()))?
                .to_rgb8();
            let width = picture.width().min(columns as u32 * CELL).min(drawing.width as u32).max(1);
            let height = (picture.height() * width / picture.width()).max(1);
            Ok(sixel(&imageops::resize(&picture, width, height, imageops::FilterType::Triangle)))
        }
        Graphics::Blocks { truecolour } => Ok(blocks_sheet(record, folder, columns, truecolour)),
    }
}

/// A PNG by the Kitty graphics protocol, so many columns wide, in chunks of 4096 bytes as the protocol wants.
fn kitty(png: &[u8], columns: usize) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(png);
    let chunks: Vec<&[u8]> = encoded.as_bytes().chunks(4096).collect();
    let mut text = String::new();
    for (number, chunk) in chunks.iter().enumerate() {
        let more = u8::from(number + 1 < chunks.len());
        let control =
            if number == 0 { format!("a=T,f=100,q=2,c={columns},m={more}") } else { format!("m={more}") };
        let _ = write!(text, "\x1b_G{control};{}\x1b\\", String::from_utf8_lossy(chunk));
    }
    text.push('\n');
    text
}

/// Levels of red, green and blue of the palette: 252 colours, more of the green that eyes see best.
const LEVELS: [u32; 3] = [6, 7, 6];

/// Palette index of a colour, dithered by its place so that gradients do not break into bands.
fn palette_index([r, g, b]: [u8; 3], x: u32, y: u32) -> usize {
    const BAYER: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
    let threshold = BAYER[(y % 4) as usize][(x % 4) as usize] * 2 + 1;
    let mut index = 0;
    for (value, levels) in [r, g, b].into_iter().zip(LEVELS) {
        // value · (levels − 1) / 255, its fraction compared with threshold / 32.
        let scaled = u32::from(value) * (levels - 1);
        let (whole, rest) = (scaled / 255, scaled % 255);
        index = index * levels + whole + u32::from(rest * 32 > threshold * 255);
    }
    index as usize
}

/// A picture as Sixel: a fixed palette, six rows to a band, runs counted.
fn sixel(picture: &RgbImage) -> String {
    let (width, height) = picture.dimensions();
    let mut text = format!("\x1bP9;1q\"1;1;{width};{height}");
    let colours = LEVELS.iter().product::<u32>();
    for index in 0..colours {
        let part = |index: u32, levels: u32| (index % levels * 100 + (levels - 1) / 2) / (levels - 1);
        let (r, g, b) = (index / (LEVELS[1] * LEVELS[2]), index / LEVELS[2], index);
        let (r, g, b) = (part(r, LEVELS[0]), part(g, LEVELS[1]), part(b, LEVELS[2]));
        let _ = write!(text, "#{index};2;{r};{g};{b}");
    }
    let mut bits = vec![vec![0u8; width as usize]; colours as usize];
    for top in (0..height).step_by(6) {
        bits.iter_mut().for_each(|row| row.fill(0));
        for y in top..(top + 6).min(height) {
            for x in 0..width {
                let index = palette_index(picture.get_pixel(x, y).0, x, y);
                bits[index][x as usize] |= 1 << (y - top);
            }
        }
        for (index, row) in bits.iter().enumerate().filter(|(_, row)| row.iter().any(|bits| *bits != 0)) {
            let _ = write!(text, "#{index}");
            for run in row.chunk_by(|a, b| a == b) {
                let character = char::from(63 + run[0]);
                match run.len() {
                    length @ 0..4 => text.extend(std::iter::repeat_n(character, length)),
                    length => {
                        let _ = write!(text, "!{length}{character}");
                    }
                }
            }
            text.push('$');
        }
        text.push('-');
    }
    text.push_str("\x1b\\\n");
    text
}

/// A picture's colour for a terminal of 256 colours: the nearest of its 6 × 6 × 6 cube or of its greys.
fn of_256([r, g, b]: [u8; 3]) -> u8 {
    const CUBE: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let near = |value: u8| {
        (0..6u8).min_by_key(|&step| (CUBE[usize::from(step)] - i32::from(value)).abs()).unwrap_or(0)
    };
    let [cr, cg, cb] = [r, g, b].map(near);
    let grey_step = ((i32::from(r) + i32::from(g) + i32::from(b)) / 3 - 3).clamp(0, 238) / 10;
    let grey_step = grey_step.min(23);
    let distance = |colour: [i32; 3]| -> i32 {
        colour.iter().zip([r, g, b]).map(|(a, b)| (a - i32::from(b)).pow(2)).sum()
    };
    let cube = distance([cr, cg, cb].map(|step| CUBE[usize::from(step)]));
    let grey = distance([8 + 10 * grey_step; 3]);
    if grey < cube { 232 + grey_step as u8 } else { 16 + 36 * cr + 6 * cg + cb }
}

/// Rows of a picture as half blocks, an even number of pixels high.
fn blocks(picture: &RgbImage, truecolour: bool) -> Vec<String> {
    let colour = |[r, g, b]: [u8; 3], layer: u8| {
        if truecolour {
            format!("\x1b[{layer};2;{r};{g};{b}m")
        } else {
            format!("\x1b[{layer};5;{}m", of_256([r, g, b]))
        }
    };
    (0..picture.height() / 2)
        .map(|row| {
            let mut line = String::new();
            let mut last = None;
            for x in 0..picture.width() {
                let pair = (picture.get_pixel(x, 2 * row).0, picture.get_pixel(x, 2 * row + 1).0);
                if last != Some(pair) {
                    line.push_str(&colour(pair.0, 38));
                    line.push_str(&colour(pair.1, 48));
                    last = Some(pair);
                }
                line.push('▀');
            }
            line + "\x1b[0m"
        })
        .collect()
}

/// A share as a bar of eighths of a character.
fn bar(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    let part = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(part[eighths % 8]);
    }
    bar
}

/// Lines of at most so many columns where words allow it, each ended.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = bakeoff_evidence::columns(word);
        if used > 0 && used + 1 + length > width {
            lines.push('\n');
            used = 0;
        } else if used > 0 {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
    }
    lines + "\n"
}

/// Pads or cuts to so many columns.
fn fitted(text: &str, width: usize) -> String {
    bakeoff_evidence::padded(&bakeoff_evidence::cut(text, width), width)
}

/// Marks the edges of what was pasted or masked in a small picture: the pixels on them become the opposite of themselves.
fn mark(picture: &mut RgbImage, lines: &[[f64; 4]]) {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    for &[x0, y0, x1, y1] in lines {
        let steps = (((x1 - x0) * width).max((y1 - y0) * height)).ceil().max(1.0);
        for step in 0..=steps as u32 {
            let along = f64::from(step) / steps;
            let x = ((x0 + (x1 - x0) * along) * width).min(width - 1.0) as u32;
            let y = ((y0 + (y1 - y0) * along) * height).min(height - 1.0) as u32;
            let [r, g, b] = picture.get_pixel(x, y).0;
            let light = u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) < 1400;
            picture.put_pixel(x, y, image::Rgb(if light { [255; 3] } else { [0; 3] }));
        }
    }
}

fn blocks_sheet(record: &PreviewRecord, folder: &Path, columns: usize, truecolour: bool) -> String {
    const GAP: usize = 2;
    // As many to a row as can be recognised, then as wide as there is room for.
    let per_row = ((columns + GAP) / (24 + GAP)).clamp(1, record.examples.len().max(1));
    let side = ((columns + GAP) / per_row - GAP).clamp(16, 40) / 2 * 2;
    let mut text = format!("\x1b[1m{}\x1b[0m\n", text::plain(&record.recipe));
    let steps =
        record.pipeline.iter().enumerate().map(|(i, step)| format!("{}. {}", i + 1, text::plain(step)));
    for line in steps.chain([range_text(record.range, Language::English.words())]) {
        text.push_str(&wrapped(&line, columns));
    }
    let names = classes_of(record);
    let picture = |name: &str| -> Option<RgbImage> {
        let found = Picture::read(folder, name)?;
        let picture =
            image::load_from_memory_with_format(found.bytes(), image::ImageFormat::Png).ok()?.to_rgb8();
        Some(imageops::resize(&picture, side as u32, side as u32, imageops::FilterType::Triangle))
    };
    for examples in record.examples.chunks(per_row) {
        for augmented in [false, true] {
            let rows: Vec<Vec<String>> = examples
                .iter()
                .map(|example| {
                    let name = if augmented { &example.augmented } else { &example.original };
                    let Some(mut picture) = picture(name) else {
                        return vec![fitted("picture missing", side); side / 2];
                    };
                    if augmented {
                        mark(&mut picture, &crate::sheet::edges(example, record.image, folder));
                    }
                    blocks(&picture, truecolour)
                })
                .collect();
            for row in 0..side / 2 {
                let line: Vec<&str> = rows.iter().map(|rows| rows[row].as_str()).collect();
                let _ = writeln!(text, "{}", line.join(&" ".repeat(GAP)));
            }
            text.push('\n');
        }
        let most = examples.iter().map(|example| visible_labels(&example.labels).len()).max().unwrap_or(0);
        for rank in 0..most {
            let cells: Vec<String> = examples
                .iter()
                .map(|example| match visible_labels(&example.labels).get(rank) {
                    Some(label) => {
                        let bar = fitted(&bar(label.share, 4), 4);
                        fitted(
                            &format!(
                                "{bar} {} {}",
                                share_text(label.share),
                                text::plain(names.shown(&label.class))
                            ),
                            side,
                        )
                    }
                    None => " ".repeat(side),
                })
                .collect();
            let _ = writeln!(text, "{}", cells.join(&" ".repeat(GAP)).trim_end());
        }
        let lambdas: Vec<String> = examples
            .iter()
            .map(|example| fitted(&lambda_text(example, Language::English.words()).unwrap_or_default(), side))
            .collect();
        let _ = writeln!(text, "{}\n", lambdas.join(&" ".repeat(GAP)).trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn detect(variables: &[(&str, &str)]) -> Option<Graphics> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        Graphics::detect(|name| variables.get(name).map(|&value| value.to_owned()))
    }

    #[test]
    fn terminals_are_known_by_their_environment() {
        let blocks = |truecolour| Some(Graphics::Blocks { truecolour });
        for (variables, expected) in [
            (&[("TERM", "xterm-kitty")][..], Some(Graphics::Kitty)),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], Some(Graphics::Kitty)),
            (&[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "230800")], Some(Graphics::Kitty)),
            (&[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "200000")], blocks(false)),
            (&[("TERM", "foot-extra")], Some(Graphics::Sixel)),
            (&[("TERM", "xterm"), ("TERM_PROGRAM", "mintty")], Some(Graphics::Sixel)),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], blocks(true)),
            (&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "ghostty")], blocks(false)),
            (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")], blocks(false)),
            (&[("WT_SESSION", "1")], blocks(true)),
            (&[("TERM", "dumb")], None),
            (&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], None),
            (&[], None),
        ] {
            assert_eq!(detect(variables), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_is_wide_is_counted_as_wide() {
        assert_eq!(fitted("pug", 5), "pug  ");
        assert_eq!(fitted("진돗개", 8), "진돗개  ");
        assert_eq!(fitted("진돗개와 삽살개", 8), "진돗개… ");
        assert_eq!(fitted("🐕\u{200d}🦺🐕\u{200d}🦺🐕\u{200d}🦺", 4), "🐕\u{200d}🦺… ");
    }

    #[test]
    fn kitty_gets_the_png_in_chunks() {
        let png: Vec<u8> = (0..10_000).map(|i| (i % 251) as u8).collect();
        let text = kitty(&png, 80);
        assert!(text.starts_with("\x1b_Ga=T,f=100,q=2,c=80,m=1;"));
        let payload: String = text
            .trim_end()
            .split("\x1b\\")
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (control, data) = part.split_once(';').unwrap();
                assert!(data.len() <= 4096 && control.starts_with("\x1b_G"));
                data
            })
            .collect();
        assert_eq!(base64::engine::general_purpose::STANDARD.decode(payload).unwrap(), png);
        assert_eq!(text.matches("m=0;").count(), 1);
    }

    /// Reads Sixel back: palette index of every pixel.
    fn decoded(text: &str, width: usize, height: usize) -> Vec<Option<usize>> {
        let body = text.trim_end().strip_prefix("\x1bP9;1q").unwrap().strip_suffix("\x1b\\").unwrap();
        let mut pixels = vec![None; width * height];
        let (mut x, mut top, mut colour, mut repeat) = (0, 0, 0, 1);
        let mut characters = body.chars().peekable();
        let number = |characters: &mut std::iter::Peekable<std::str::Chars>| {
            let mut value = 0;
            while let Some(digit) = characters.peek().and_then(|c| c.to_digit(10)) {
                value = value * 10 + digit as usize;
                characters.next();
            }
            value
        };
        while let Some(character) = characters.next() {
            match character {
                '"' | ';' => drop(number(&mut characters)),
                '#' => colour = number(&mut characters),
                '!' => repeat = number(&mut characters),
                '$' => x = 0,
                '-' => (x, top) = (0, top + 6),
                sixel => {
                    let bits = sixel as usize - 63;
                    for _ in 0..repeat {
                        for bit in (0..6).filter(|bit| bits >> bit & 1 == 1) {
                            pixels[(top + bit) * width + x] = Some(colour);
                        }
                        x += 1;
                    }
                    repeat = 1;
                }
            }
        }
        pixels
    }

    #[test]
    fn sixel_sets_every_pixel_once_to_a_colour_near_its_own() {
        let (width, height) = (37, 20);
        let picture =
            RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 6) as u8, (y * 12) as u8, 77]));
        let pixels = decoded(&sixel(&picture), width as usize, height as usize);
        for (at, pixel) in pixels.iter().enumerate() {
            let index = pixel.expect("set") as u32;
            let own = picture.get_pixel(at as u32 % width, at as u32 / width).0;
            let parts = [index / 42, index / 6 % 7, index % 6];
            for ((part, levels), value) in parts.into_iter().zip(LEVELS).zip(own) {
                let shown = (part * 255 / (levels - 1)) as i32;
                assert!((shown - i32::from(value)).abs() <= 255 / (levels as i32 - 1), "{own:?} {parts:?}");
            }
        }
    }

    #[test]
    fn blocks_show_two_pixels_to_a_character() {
        let picture =
            RgbImage::from_fn(2, 2, |_, y| image::Rgb(if y == 0 { [255, 0, 0] } else { [0, 0, 255] }));
        assert_eq!(blocks(&picture, true), ["\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀▀\x1b[0m"]);
        assert_eq!(blocks(&picture, false), ["\x1b[38;5;196m\x1b[48;5;21m▀▀\x1b[0m"]);
        assert_eq!((of_256([0; 3]), of_256([255; 3]), of_256([128; 3])), (16, 231, 244));
    }

    #[test]
    fn bars_and_cells_have_their_length() {
        assert_eq!((bar(1.0, 4).as_str(), bar(0.5, 4).as_str(), bar(0.03, 4).as_str()), ("████", "██", "▏"));
        assert_eq!(wrapped("one two three", 7), "one two\nthree\n");
        assert_eq!((fitted("beagle", 4).as_str(), fitted("pug", 5).as_str()), ("bea…", "pug  "));
    }
}

//! A confusion matrix as a picture: a pixel a cell, so that a thousand classes weigh no more than the picture.

use crate::language::{Words, fill};
use crate::svg::{Anchor, Drawing};
use crate::text::{ClassNames, Weight, fit_name, width as text_width};
use bakeoff_findings::Confusion;
use base64::Engine;
use std::io::Cursor;

/// Side of the square in CSS pixels.
const SIDE: f64 = 640.0;
/// Up to this many classes their names stand beside their rows.
const NAMED: usize = 48;

/// The matrix of the recipe at `recipe`, similar classes together.
pub(crate) fn matrix(confusion: &Confusion, recipe: usize, names: &[String], words: &Words) -> Drawing {
    let order = confusion.similar_together();
    let n = order.len();
    let Some(counts) = confusion.recipes.get(recipe) else { return Drawing::new(1.0, 1.0, "") };
    let class = |place: usize| confusion.shown[order[place]];
    let shown = ClassNames::new(names.iter().map(String::as_str));
    let name = |place: usize| shown.shown(names.get(class(place) as usize).map_or("", String::as_str));
    let named = n <= NAMED;
    let size = (SIDE / n.max(1) as f64 * 0.8).clamp(7.0, 12.0);
    let room = if named {
        (0..n)
            .map(|place| text_width(name(place), size, Weight::Regular))
            .fold(0.0, f64::max)
            .clamp(40.0, 190.0)
            + 12.0
    } else {
        24.0
    };
    let (left, top) = (room, 28.0);
    let title = fill(words.confusion_title, &[("name", &counts.recipe)]);
    let mut d = Drawing::new(left + SIDE + 8.0, top + SIDE + 8.0, title);
    let picture = image::RgbaImage::from_fn(n.max(1) as u32, n.max(1) as u32, |column, row| {
        let share = if n == 0 { None } else { counts.share(class(row as usize), class(column as usize)) };
        // Even a single confusion is to be seen; the square root keeps the small ones apart beside a diagonal near one.
        let alpha = share.map_or(0.0, |s| if s > 0.0 { 46.0 + s.sqrt() * 209.0 } else { 0.0 }) as u8;
        let on_diagonal = row == column;
        image::Rgba(if on_diagonal { [0x3b, 0x6f, 0xb0, alpha] } else { [0xd1, 0x49, 0x5b, alpha] })
    });
    let mut png = Vec::new();
    // Writing to memory cannot fail; should it, the frame stays empty.
    if picture.write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).is_ok() {
        let uri = format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(&png));
        d.image([left, top, SIDE, SIDE], &uri, true);
    }
    d.rect("frame", [left, top, SIDE, SIDE], 0.0);
    d.text("note", (left, top - 10.0), Anchor::Start, words.confusion_predicted);
    if named {
        d.text("note", (left - 8.0, top - 10.0), Anchor::End, words.confusion_true);
        let cell = SIDE / n.max(1) as f64;
        for place in 0..n {
            let whole = name(place);
            let shown = fit_name(whole, size, Weight::Regular, room - 10.0);
            let y = top + (place as f64 + 0.5) * cell + size * 0.35;
            let whole = (shown != whole).then_some(whole);
            d.sized_text("tick", size, (left - 6.0, y), Anchor::End, &shown, whole);
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use bakeoff_findings::Counts;

    #[test]
    fn few_classes_are_named_and_many_are_not() {
        for (n, named) in [(6u32, true), (120, false)] {
            let counts = Counts { recipe: "none".into(), rows: vec![0; n as usize], ..Counts::default() };
            let confusion = Confusion { recipes: vec![counts], shown: (0..n).collect() };
            let names: Vec<String> = (0..n).map(|i| format!("n0208562{}-class_{i}", i % 10)).collect();
            let drawing = matrix(&confusion, 0, &names, Language::English.words());
            assert_eq!(drawing.inline("").contains(">class 3</text>"), named, "{n}");
            assert!(drawing.png().is_ok());
        }
    }
}

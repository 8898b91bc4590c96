//! Class activation maps over the images they are of: the image stays bright where the network finds its class.

use crate::language::{Words, fill};
use crate::mapped::{Mapped, mapped, uri};
use crate::svg::{Anchor, Drawing, Name};
use crate::table::{Cell, Column, Table};
use crate::tables;
use crate::text::{ClassNames, Weight, fit, fit_name};
use crate::thumbnails::{Thumbnail, Thumbnails};
use bakeoff_evidence::Evidence;
use bakeoff_stats::wording::points;
use bakeoff_study::records::{MapRecord, MapsRecord};
use image::imageops::{FilterType, resize};
use std::fmt::Write;

/// Side of a veil in pixels; it is drawn as large as the image.
const VEIL: u32 = 56;
/// How dark a place is that speaks least for the class, of 255.
const DARKEST: f32 = 205.0;

/// From its lowest to its highest value; none where it is the same everywhere.
fn shares(map: &MapRecord) -> Option<Vec<f32>> {
    let ends = map.values.iter().copied().filter(|v| v.is_finite());
    let [low, high] =
        ends.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    let fits = map.rows > 0 && Some(map.values.len()) == map.rows.checked_mul(map.columns);
    (fits && high > low)
        .then(|| map.values.iter().map(|v| ((v - low) / (high - low)).clamp(0.0, 1.0)).collect())
}

/// A map over its image.
pub(crate) struct Veil {
    /// Black, thin where the map is high: a PNG file.
    png: Vec<u8>,
    /// Where the map is halfway between its lowest and its highest value: lines [x0, y0, x1, y1] in fractions of the image's sides.
    half: Vec<[f64; 4]>,
}

/// None where the map says nothing.
pub(crate) fn veil(map: &MapRecord) -> Option<Veil> {
    let shares = shares(map)?;
    let (columns, rows) = (u32::try_from(map.columns).ok()?, u32::try_from(map.rows).ok()?);
    let small: image::ImageBuffer<image::Luma<f32>, Vec<f32>> =
        image::ImageBuffer::from_raw(columns, rows, shares)?;
    let large = resize(&small, VEIL, VEIL, FilterType::Triangle);
    let dark = |value: f32| (DARKEST * (1.0 - value.clamp(0.0, 1.0))).round() as u8;
    let veil = image::GrayAlphaImage::from_fn(VEIL, VEIL, |x, y| {
        image::LumaA([0, dark(large.get_pixel(x, y).0[0])])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    veil.write_to(&mut png, image::ImageFormat::Png).ok()?;
    let half = contour(VEIL as usize, &|x, y| f64::from(large.get_pixel(x as u32, y as u32).0[0]) - 0.5);
    Some(Veil { png: png.into_inner(), half })
}

/// Where values on a square grid change sign: lines between the points on the grid's edges where they do (marching squares,
/// straight in between), in fractions of the sides. Values stand for the middles of pixels, and go on to the edges.
fn contour(side: usize, value: &dyn Fn(usize, usize) -> f64) -> Vec<[f64; 4]> {
    // One more point all around, at the picture's edges.
    let point = |k: usize| match k {
        0 => (0, 0.0),
        k if k > side => (side - 1, 1.0),
        k => (k - 1, (k as f64 - 0.5) / side as f64),
    };
    let mut lines = Vec::new();
    for y in 0..=side {
        for x in 0..=side {
            let corners = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]].map(|[x, y]| {
                let ((column, x), (row, y)) = (point(x), point(y));
                (x, y, value(column, row))
            });
            let mut crossed = Vec::with_capacity(4);
            for k in 0..4 {
                let ((x0, y0, a), (x1, y1, b)) = (corners[k], corners[(k + 1) % 4]);
                if (a < 0.0) != (b < 0.0) {
                    let share = a / (a - b);
                    crossed.push([x0 + (x1 - x0) * share, y0 + (y1 - y0) * share]);
                }
            }
            // At a saddle two corners are cut off, the first and the third.
            if crossed.len() == 4 {
                crossed.rotate_right(1);
            }
            lines.extend(crossed.as_chunks::<2>().0.iter().map(|[[x0, y0], [x1, y1]]| [*x0, *y0, *x1, *y1]));
        }
    }
    lines
}

impl Veil {
    fn uri(&self) -> String {
        uri("png", &self.png)
    }

    /// The line in a square of this side at (x, y).
    fn line(&self, [x, y]: [f64; 2], side: f64) -> Vec<[f64; 4]> {
        let place = |line: &[f64; 4]| {
            let [x0, y0, x1, y1] = line.map(|share| share * side);
            [x + x0, y + y0, x + x1, y + y1]
        };
        self.half.iter().map(place).collect()
    }
}

/// Name of a veil's definition on the page.
pub(crate) fn place(image: usize, map: usize) -> String {
    format!("veil{image}-{map}")
}

/// All veils, as definitions that the page refers to.
pub(crate) fn definitions(evidence: &Evidence, html: &mut String) {
    for (at, mapped) in mapped(evidence).iter().enumerate() {
        for (number, (_, map)) in mapped.maps.iter().enumerate() {
            let Some(veil) = veil(map) else { continue };
            let mut line = String::new();
            for [x0, y0, x1, y1] in veil.line([0.0; 2], 100.0) {
                let _ = write!(line, "M{x0:.1} {y0:.1}L{x1:.1} {y1:.1}");
            }
            let (place, uri) = (place(at, number), veil.uri());
            let _ = writeln!(
                html,
                "<g id=\"{place}\"><image width=\"100\" height=\"100\" preserveAspectRatio=\"none\" href=\"{uri}\"/><path class=\"half-dark\" d=\"{line}\"/><path class=\"half-light\" d=\"{line}\"/></g>"
            );
        }
    }
}

/// Whether a veil has a definition on the page.
pub(crate) fn is_drawn(map: &MapRecord) -> bool {
    shares(map).is_some()
}

/// What a network said of an image, in lines: `right, 88 % sure`, or `taken for pug` and `its class: 12 %`.
pub(crate) fn told(evidence: &Evidence, names: &ClassNames, map: &MapRecord, words: &Words) -> Vec<String> {
    let classes = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    let name = classes.get(map.predicted as usize).map_or("", String::as_str);
    let templates: &[&str] =
        if map.predicted == map.label { &[words.map_right] } else { &[words.map_taken, words.map_share] };
    let line = |template: &&str| {
        fill(template, &[("class", &names.shown(name)), ("share", &points(map.probability, 0))])
    };
    templates.iter().map(line).collect()
}

/// All of them in a file; `None` where there is none, or no image can be read.
pub(crate) fn figure(evidence: &Evidence, thumbnails: &Thumbnails, words: &Words) -> Option<Drawing> {
    let all = mapped(evidence);
    let shown: Vec<(&Mapped<'_>, &Thumbnail)> =
        all.iter().filter_map(|mapped| Some((mapped, thumbnails.as_shown(mapped.image)?))).collect();
    let most = shown.iter().map(|(mapped, _)| mapped.maps.len()).max()?;
    let (side, gap, head, foot, line) = (144.0, 12.0, 26.0, 56.0, 16.0);
    let height = head + shown.len() as f64 * (side + foot);
    let mut d = Drawing::new((most + 1) as f64 * (side + gap), height, words.maps_title);
    let cut = |text: &str| fit(text, 12.0, Weight::Regular, side);
    let names = ClassNames::of(evidence);
    for (number, record) in shown.first().iter().flat_map(|(mapped, _)| &mapped.maps).enumerate() {
        let x = (number + 1) as f64 * (side + gap);
        let name = Name { text: &record.0.recipe, size: 13.0, weight: Weight::SemiBold, room: side };
        d.name("strong", (x, 16.0), Anchor::Start, &name);
    }
    for (row, (mapped, picture)) in shown.iter().enumerate() {
        let y = head + row as f64 * (side + foot);
        let (picture, pixelated) = (picture.uri(), picture.pixelated);
        d.image([0.0, y, side, side], &picture, pixelated);
        d.text_with_title(
            "note",
            (0.0, y + side + 16.0),
            Anchor::Start,
            &fit_name(names.shown(mapped.class), 12.0, Weight::Regular, side),
            Some(mapped.image),
        );
        for (number, (_, map)) in mapped.maps.iter().enumerate() {
            let x = (number + 1) as f64 * (side + gap);
            d.image([x, y, side, side], &picture, pixelated);
            if let Some(veil) = veil(map) {
                d.image([x, y, side, side], &veil.uri(), false);
                let half = veil.line([x, y], side);
                d.lines("half-dark", &half);
                d.lines("half-light", &half);
            }
            for (number, text) in told(evidence, &names, map, words).iter().enumerate() {
                d.text("note", (x, y + side + (number + 1) as f64 * line), Anchor::Start, &cut(text));
            }
        }
    }
    Some(d)
}

/// A row an image and recipe.
pub(crate) fn table(evidence: &Evidence, words: &Words) -> Option<Table> {
    let classes = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    let names = ClassNames::of(evidence);
    let class = |at: u32| {
        let name = classes.get(at as usize).map_or("", String::as_str);
        Cell::text(names.shown(name)).value(name)
    };
    let columns = vec![
        Column::words("image", words.h_image),
        Column::words("class", words.h_class),
        Column::words("recipe", words.h_recipe),
        Column::number("seed", words.seed),
        Column::words("predicted_class", words.h_predicted),
        Column::number("probability", words.h_probability),
        Column::words("peak", words.h_peak),
    ];
    let rows = mapped(evidence).into_iter().flat_map(|mapped| {
        let row = |(record, map): &(&MapsRecord, &MapRecord)| {
            vec![
                Cell::text(mapped.image),
                class(map.label),
                tables::recipe(evidence, &record.recipe),
                Cell::text(record.seed.to_string()),
                class(map.predicted),
                Cell::number(Some(map.probability), |p| points(p, 1)),
                Cell::text(peak(map, words)),
            ]
        };
        mapped.maps.iter().map(row).collect::<Vec<_>>()
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then_some(Table { name: "activation-maps", rows, columns })
}

/// Where the map is highest: from the left and from the top, in percent of the image.
fn peak(map: &MapRecord, words: &Words) -> String {
    let Some(shares) = shares(map) else { return words.map_even.to_owned() };
    let at = (0..shares.len()).fold(0, |best, k| if shares[k] > shares[best] { k } else { best });
    let percent = |place: usize, of: usize| points((place as f64 + 0.5) / of as f64, 0);
    let (x, y) = (percent(at % map.columns, map.columns), percent(at / map.columns, map.rows));
    fill(words.map_peak, &[("x", &x), ("y", &y)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn map(rows: usize, columns: usize, values: Vec<f32>) -> MapRecord {
        MapRecord { image: "a".into(), label: 0, predicted: 0, probability: 0.5, rows, columns, values }
    }

    #[test]
    fn the_veil_is_thin_where_the_map_is_high_whatever_its_shape() {
        let drawn = veil(&map(1, 2, vec![-3.0, 5.0])).unwrap();
        // Half as high in the middle, from top to bottom.
        let ends = drawn.half.iter().flat_map(|[_, y0, _, y1]| [y0, y1]);
        let [top, bottom] = ends.fold([1.0f64, 0.0], |[top, bottom], y| [top.min(*y), bottom.max(*y)]);
        assert!(drawn.half.iter().all(|[x0, _, x1, _]| (x0 - 0.5).abs() < 1e-6 && (x1 - 0.5).abs() < 1e-6));
        assert_eq!([top, bottom], [0.0, 1.0]);
        let veil = image::load_from_memory(&drawn.png).unwrap().to_luma_alpha8();
        assert_eq!(veil.dimensions(), (VEIL, VEIL));
        assert_eq!((veil.get_pixel(0, 3).0[1], veil.get_pixel(VEIL - 1, 3).0[1]), (DARKEST as u8, 0));
        assert!((90..115).contains(&veil.get_pixel(VEIL / 2, 0).0[1]));
    }

    #[test]
    fn a_map_that_says_nothing_or_is_broken_has_no_veil() {
        for broken in [
            map(2, 2, vec![1.0; 4]),
            map(2, 2, vec![1.0, 2.0]),
            map(0, 0, vec![]),
            map(1, 1, vec![f32::NAN]),
            map(1 << 40, 1 << 40, vec![1.0, 2.0]),
        ] {
            assert!(super::veil(&broken).is_none() && !is_drawn(&broken));
            assert_eq!(peak(&broken, Language::English.words()), "nowhere in particular");
        }
    }

    #[test]
    fn a_contour_runs_around_what_is_inside_and_closes() {
        let around = |radius: f64| {
            contour(40, &|x, y| radius - ((x as f64 - 19.5).powi(2) + (y as f64 - 19.5).powi(2)).sqrt())
        };
        let circle = around(10.0);
        let length = |[x0, y0, x1, y1]: &[f64; 4]| (x1 - x0).hypot(y1 - y0);
        // A circle of a radius of a quarter, within what straight pieces lose.
        let total: f64 = circle.iter().map(length).sum();
        assert!((total - std::f64::consts::TAU * 0.25).abs() < 0.01, "{total}");
        // Every end is another line's beginning or end.
        let key = |x: f64, y: f64| ((x * 1e9).round() as i64, (y * 1e9).round() as i64);
        let mut ends = std::collections::HashMap::new();
        for [x0, y0, x1, y1] in &circle {
            *ends.entry(key(*x0, *y0)).or_insert(0) += 1;
            *ends.entry(key(*x1, *y1)).or_insert(0) += 1;
        }
        assert!(ends.values().all(|&count| count == 2));
        assert!(around(100.0).is_empty() && around(-1.0).is_empty());
    }

    #[test]
    fn the_peak_is_told_in_percent_of_the_image() {
        let mut values = vec![0.0; 16];
        values[7] = 1.0;
        assert_eq!(
            peak(&map(4, 4, values), Language::English.words()),
            "88 % from the left, 38 % from the top"
        );
    }
}

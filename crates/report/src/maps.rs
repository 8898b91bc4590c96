//! Class activation maps over the images they are of: the image stays bright where the network finds its class.

use crate::evidence::Evidence;
use crate::language::{Words, fill};
use crate::svg::{Anchor, Drawing};
use crate::table::{Cell, Column, Table};
use crate::tables;
use crate::text::{Weight, class_name, fit};
use crate::thumbnails::Thumbnails;
use bakeoff_stats::wording::points;
use bakeoff_study::records::{MapRecord, MapsRecord};
use base64::Engine;
use image::imageops::{FilterType, resize};
use std::fmt::Write;

/// Side of a veil in pixels; it is drawn as large as the image.
const VEIL: u32 = 56;
/// How dark a place is that speaks least for the class, of 255.
const DARKEST: f32 = 205.0;

/// The maps of one image, one per network that has one.
pub(crate) struct Mapped<'a> {
    pub(crate) image: &'a str,
    pub(crate) class: &'a str,
    pub(crate) maps: Vec<(&'a MapsRecord, &'a MapRecord)>,
}

/// By image, in the order of the records, recipes in study order.
pub(crate) fn mapped(evidence: &Evidence) -> Vec<Mapped<'_>> {
    let classes = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    let of_recipe = |name: &str| evidence.maps.iter().find(|record| record.recipe == name);
    let records: Vec<&MapsRecord> =
        evidence.plan.recipes.iter().filter_map(|recipe| of_recipe(&recipe.name)).collect();
    let Some(&first) = records.first() else { return Vec::new() };
    let mut all = Vec::new();
    for map in &first.maps {
        let same = |record: &MapsRecord| record.maps.iter().position(|other| other.image == map.image);
        let maps = records.iter().filter_map(|record| Some((*record, &record.maps[same(record)?]))).collect();
        let class = classes.get(map.label as usize).map_or("", String::as_str);
        all.push(Mapped { image: &map.image, class, maps });
    }
    all
}

/// From its lowest to its highest value; none where it is the same everywhere.
fn shares(map: &MapRecord) -> Option<Vec<f32>> {
    let ends = map.values.iter().copied().filter(|v| v.is_finite());
    let [low, high] =
        ends.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    let fits = map.rows > 0 && map.values.len() == map.rows * map.columns;
    (fits && high > low)
        .then(|| map.values.iter().map(|v| ((v - low) / (high - low)).clamp(0.0, 1.0)).collect())
}

/// A dark veil, thin where the map is high, as a PNG file; without one where the map says nothing.
pub(crate) fn veil(map: &MapRecord) -> Option<Vec<u8>> {
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
    Some(png.into_inner())
}

pub(crate) fn uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:image/{kind};base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// Name of a veil's definition on the page.
pub(crate) fn place(image: usize, map: usize) -> String {
    format!("veil{image}-{map}")
}

/// All veils, as definitions that the page refers to.
pub(crate) fn definitions(evidence: &Evidence, html: &mut String) {
    for (at, mapped) in mapped(evidence).iter().enumerate() {
        for (number, (_, map)) in mapped.maps.iter().enumerate() {
            let Some(png) = veil(map) else { continue };
            let _ = writeln!(
                html,
                "<image id=\"{}\" width=\"100\" height=\"100\" preserveAspectRatio=\"none\" href=\"{}\"/>",
                place(at, number),
                uri("png", &png)
            );
        }
    }
}

/// What a network said of an image: `taken for pug, 12 %`.
pub(crate) fn told(evidence: &Evidence, map: &MapRecord, words: &Words) -> String {
    let classes = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    let name = classes.get(map.predicted as usize).map_or("", String::as_str);
    let template = if map.predicted == map.label { words.map_right } else { words.map_wrong };
    fill(template, &[("class", &class_name(name)), ("share", &points(map.probability, 0))])
}

/// All of them in a file; `None` where there is none, or no image can be read.
pub(crate) fn figure(evidence: &Evidence, thumbnails: &Thumbnails, words: &Words) -> Option<Drawing> {
    let all = mapped(evidence);
    let shown: Vec<(&Mapped<'_>, &[u8])> =
        all.iter().filter_map(|mapped| Some((mapped, thumbnails.as_shown(mapped.image)?))).collect();
    let most = shown.iter().map(|(mapped, _)| mapped.maps.len()).max()?;
    let (side, gap, head, foot) = (112.0, 12.0, 26.0, 40.0);
    let height = head + shown.len() as f64 * (side + foot);
    let mut d = Drawing::new((most + 1) as f64 * (side + gap), height, words.maps_title);
    let cut = |text: &str| fit(text, 12.0, Weight::Regular, side);
    for (number, record) in shown.first().iter().flat_map(|(mapped, _)| &mapped.maps).enumerate() {
        let x = (number + 1) as f64 * (side + gap);
        d.text("strong", (x, 16.0), Anchor::Start, &fit(&record.0.recipe, 13.0, Weight::SemiBold, side));
    }
    for (row, (mapped, picture)) in shown.iter().enumerate() {
        let y = head + row as f64 * (side + foot);
        let picture = uri("jpeg", picture);
        d.image([0.0, y, side, side], &picture, false);
        d.text_with_title(
            "note",
            (0.0, y + side + 16.0),
            Anchor::Start,
            &cut(&class_name(mapped.class)),
            Some(mapped.image),
        );
        for (number, (_, map)) in mapped.maps.iter().enumerate() {
            let x = (number + 1) as f64 * (side + gap);
            d.image([x, y, side, side], &picture, false);
            if let Some(png) = veil(map) {
                d.image([x, y, side, side], &uri("png", &png), false);
            }
            d.text("note", (x, y + side + 16.0), Anchor::Start, &cut(&told(evidence, map, words)));
        }
    }
    Some(d)
}

/// A row an image and recipe.
pub(crate) fn table(evidence: &Evidence, words: &Words) -> Option<Table> {
    let classes = evidence.data.as_ref().map_or(&[][..], |data| &data.classes);
    let class = |at: u32| {
        let name = classes.get(at as usize).map_or("", String::as_str);
        Cell::text(class_name(name)).value(name)
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
        let png = veil(&map(1, 2, vec![-3.0, 5.0])).unwrap();
        let veil = image::load_from_memory(&png).unwrap().to_luma_alpha8();
        assert_eq!(veil.dimensions(), (VEIL, VEIL));
        assert_eq!((veil.get_pixel(0, 3).0[1], veil.get_pixel(VEIL - 1, 3).0[1]), (DARKEST as u8, 0));
        assert!((90..115).contains(&veil.get_pixel(VEIL / 2, 0).0[1]));
    }

    #[test]
    fn a_map_that_says_nothing_or_is_broken_has_no_veil() {
        for broken in
            [map(2, 2, vec![1.0; 4]), map(2, 2, vec![1.0, 2.0]), map(0, 0, vec![]), map(1, 1, vec![f32::NAN])]
        {
            assert!(super::veil(&broken).is_none());
            assert_eq!(peak(&broken, Language::English.words()), "nowhere in particular");
        }
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

//! Contact sheets: what a recipe does to a few training images, with the labels the network is given.

use crate::ReportError;
use crate::language::{Language, Words, fill};
use crate::outline::outline;
use crate::svg::{Anchor, Drawing, Name};
use crate::text::{ClassNames, Weight, wrap};
use bakeoff_study::records::{LabelShare, PreviewExample, PreviewRecord};
use base64::Engine;
use image::ImageReader;
use std::io::Cursor;
use std::path::{Component, Path, PathBuf};

/// Pictures up to this side are shown as squares of colour rather than blurred.
const PIXELATED_UP_TO: u32 = 96;
/// Bytes of a picture that a record names, at most.
const LARGEST_PICTURE: u64 = 64 << 20;
/// No preview is larger; a file that claims to be is not one of ours.
const LARGEST_SIDE: u32 = 8_192;

/// A PNG of a preview, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    png: Vec<u8>,
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
}

impl Picture {
    /// Reads a file that a record names. `None` where it is missing, is no PNG or lies elsewhere.
    pub(crate) fn read(folder: &Path, name: &str) -> Option<Self> {
        // The name comes from a file that may have been edited: only a plain name beside the record is followed.
        let mut parts = Path::new(name).components();
        let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else { return None };
        Self::decode(bakeoff_files::read(&folder.join(name), LARGEST_PICTURE).ok()?)
    }

    fn decode(png: Vec<u8>) -> Option<Self> {
        let reader = ImageReader::with_format(Cursor::new(&png), image::ImageFormat::Png);
        let (width, height) = reader.into_dimensions().ok()?;
        let sound = (1..=LARGEST_SIDE).contains(&width) && (1..=LARGEST_SIDE).contains(&height);
        sound.then_some(Self { png, width, height })
    }

    /// Not larger than `side`; itself where it is not, or cannot be decoded.
    pub(crate) fn shrunk(self, side: u32) -> Self {
        if self.width.max(self.height) <= side {
            return self;
        }
        let smaller = || {
            let picture = image::load_from_memory_with_format(&self.png, image::ImageFormat::Png).ok()?;
            let picture = picture.resize(side, side, image::imageops::FilterType::Triangle).to_rgb8();
            let mut png = Vec::new();
            picture.write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).ok()?;
            Self::decode(png)
        };
        smaller().unwrap_or(self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.png
    }

    pub(crate) fn uri(&self) -> String {
        format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(&self.png))
    }

    pub(crate) fn pixelated(&self) -> bool {
        self.width.max(self.height) <= PIXELATED_UP_TO
    }
}

/// Where a pasted box lies within a picture, as fractions [x, y, width, height]; `None` for one outside it.
pub(crate) fn box_share(pasted: Option<[usize; 4]>, side: usize) -> Option<[f64; 4]> {
    let [x0, y0, x1, y1] = pasted?;
    let side_length = side as f64;
    let sound = x0 < x1 && y0 < y1 && x1 <= side && y1 <= side;
    sound.then(|| [x0 as f64, y0 as f64, (x1 - x0) as f64, (y1 - y0) as f64].map(|v| v / side_length))
}

/// Lines [x0, y0, x1, y1] around what is the partner's in an example, as fractions of its sides: of the pasted box or of
/// the mask.
pub(crate) fn edges(example: &PreviewExample, side: usize, folder: &Path) -> Vec<[f64; 4]> {
    if let Some([x, y, w, h]) = box_share(example.pasted, side) {
        let (x1, y1) = (x + w, y + h);
        return vec![[x, y, x1, y], [x, y1, x1, y1], [x, y, x, y1], [x1, y, x1, y1]];
    }
    let mask = example
        .mask
        .as_ref()
        .and_then(|name| Picture::read(folder, name))
        .and_then(|mask| image::load_from_memory_with_format(mask.bytes(), image::ImageFormat::Png).ok());
    mask.map_or(Vec::new(), |mask| outline(&mask.to_luma8()))
}

/// Labels with their shares, those too small to see left out.
pub(crate) fn visible_labels(labels: &[LabelShare]) -> Vec<&LabelShare> {
    labels.iter().filter(|label| label.share >= 0.0005).take(4).collect()
}

/// How the classes on a sheet are called: a record knows no others.
pub(crate) fn classes_of(record: &PreviewRecord) -> ClassNames {
    let labels = record.examples.iter().flat_map(|example| &example.labels);
    ClassNames::new(labels.map(|label| label.class.as_str()))
}

/// A share as percent without needless digits.
pub(crate) fn share_text(share: f64) -> String {
    format!("{:.0}\u{a0}%", share.clamp(0.0, 1.0) * 100.0)
}

/// One line about an example besides its labels.
pub(crate) fn lambda_text(example: &PreviewExample, words: &Words) -> Option<String> {
    let place = example.stage.map_or(String::new(), |stage| fill(words.after_stage, &[("stage", &stage)]));
    let weight = |weight: f64| fill(words.weight_in_loss, &[("weight", &format!("{weight:.2}"))]);
    let weight = example.weight.map_or(String::new(), weight);
    example.lambda.map(|lambda| format!("λ = {lambda:.2}{place}{weight}"))
}

/// One line on the range of pixel values.
pub(crate) fn range_text([low, high]: [f64; 2], words: &Words) -> String {
    let template = if low < -0.005 || high > 1.005 { words.range_beyond } else { words.range_inside };
    let [low, high] = [low, high].map(|v| format!("{v:.2}").replace('-', "−"));
    fill(template, &[("low", &low), ("high", &high)])
}

/// Draws the contact sheet of one recipe: originals above, what the network is shown below, pasted boxes outlined, lambda,
/// and the labels with their shares. `folder` holds the PNG files the record names; a missing one is shown as missing.
#[must_use]
pub fn contact_sheet(record: &PreviewRecord, folder: &Path) -> Drawing {
    let (cell, gap, margin) = (136.0, 16.0, 24.0);
    let columns = record.examples.len().clamp(1, 8);
    let rows = record.examples.len().div_ceil(columns).max(1);
    let width = (2.0 * margin + columns as f64 * (cell + gap) - gap).max(420.0);
    let most_labels = record.examples.iter().map(|e| visible_labels(&e.labels).len()).max().unwrap_or(0);
    let row_height = 2.0 * cell + 8.0 + 16.0 + 10.0 + 16.0 * most_labels as f64 + 18.0 + 22.0;

    let mut steps = Vec::new();
    for (number, step) in record.pipeline.iter().enumerate() {
        let lines = wrap(&format!("{}. {step}", number + 1), 12.0, Weight::Regular, width - 2.0 * margin);
        steps.extend(lines);
    }
    steps.extend(wrap(
        &range_text(record.range, Language::English.words()),
        12.0,
        Weight::Regular,
        width - 2.0 * margin,
    ));
    let head = margin + 20.0 + 17.0 * steps.len() as f64 + 18.0;
    let height = head + rows as f64 * row_height + 8.0;
    let mut d = Drawing::new(
        width,
        height,
        format!("Recipe {}: training images as the network is shown them", record.recipe),
    );
    let room = width - 2.0 * margin;
    let title = Name { text: &record.recipe, size: 15.0, weight: Weight::SemiBold, room };
    d.name("title", (margin, margin + 12.0), Anchor::Start, &title);
    let names = classes_of(record);
    for (line, step) in steps.iter().enumerate() {
        d.text("note", (margin, margin + 34.0 + 17.0 * line as f64), Anchor::Start, step);
    }
    if record.examples.is_empty() {
        d.text("note", (margin, head + 20.0), Anchor::Start, "no example was recorded");
    }
    for (index, example) in record.examples.iter().enumerate() {
        let left = margin + (index % columns) as f64 * (cell + gap);
        let top = head + (index / columns) as f64 * row_height;
        for (file, y) in [(&example.original, top), (&example.augmented, top + cell + 8.0)] {
            match Picture::read(folder, file) {
                Some(picture) => d.image([left, y, cell, cell], &picture.uri(), picture.pixelated()),
                None => {
                    d.rect("frame", [left, y, cell, cell], 2.0);
                    d.text("small", (left + cell / 2.0, y + cell / 2.0), Anchor::Middle, "picture missing");
                }
            }
        }
        if let Some([x, y, w, h]) = box_share(example.pasted, record.image) {
            let area = [left + x * cell, top + cell + 8.0 + y * cell, w * cell, h * cell];
            d.rect("cut-dark", area, 0.0);
            d.rect("cut-light", area, 0.0);
        } else {
            let lines: Vec<[f64; 4]> = edges(example, record.image, folder)
                .into_iter()
                .map(|[x0, y0, x1, y1]| {
                    let at = |x: f64, y: f64| (left + x * cell, top + cell + 8.0 + y * cell);
                    let ((x0, y0), (x1, y1)) = (at(x0, y0), at(x1, y1));
                    [x0, y0, x1, y1]
                })
                .collect();
            if !lines.is_empty() {
                d.lines("mask-dark", &lines);
                d.lines("mask-light", &lines);
            }
        }
        let mut y = top + 2.0 * cell + 8.0 + 8.0;
        let labels = visible_labels(&example.labels);
        let mut from = left;
        for (rank, label) in labels.iter().enumerate() {
            let length = cell * label.share.clamp(0.0, 1.0);
            d.rect(if rank == 0 { "share-a" } else { "share-b" }, [from, y, length, 6.0], 0.0);
            from += length;
        }
        y += 20.0;
        for label in &labels {
            let share = share_text(label.share);
            d.text("small", (left + cell, y), Anchor::End, &share);
            let text = names.shown(&label.class);
            let name = Name { text, size: 11.0, weight: Weight::Regular, room: cell - 40.0 };
            d.name("small", (left, y), Anchor::Start, &name);
            y += 16.0;
        }
        if let Some(lambda) = lambda_text(example, Language::English.words()) {
            d.text("small", (left, y), Anchor::Start, &lambda);
        }
        if let Some([low, high]) = example.range {
            let range = format!("{low:.2} to {high:.2}").replace('-', "−");
            d.text("small", (left + cell, y), Anchor::End, &range);
        }
    }
    d
}

/// Writes `contact-sheet.svg` and `contact-sheet.png` beside a preview record and returns their paths.
///
/// # Errors
/// The drawing cannot be made, or the file system refuses.
pub fn write_contact_sheet(record: &PreviewRecord, folder: &Path) -> Result<[PathBuf; 2], ReportError> {
    let sheet = contact_sheet(record, folder);
    let paths = [folder.join("contact-sheet.svg"), folder.join("contact-sheet.png")];
    bakeoff_files::write_bytes(&paths[0], sheet.file().as_bytes())?;
    bakeoff_files::write_bytes(&paths[1], &sheet.png()?)?;
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> PreviewExample {
        PreviewExample {
            image: "train/beagle/1.jpg".into(),
            original: "0-original.png".into(),
            augmented: "0.png".into(),
            labels: vec![
                LabelShare { class: "<b>beagle</b>".into(), share: 0.64 },
                LabelShare { class: "pug".into(), share: 0.36 },
            ],
            partner: Some("train/pug/2.jpg".into()),
            lambda: Some(0.64),
            pasted: Some([2, 2, 8, 8]),
            mask: None,
            stage: None,
            weight: Some(1.274),
            range: Some([-0.1, 1.0]),
        }
    }

    fn record(examples: Vec<PreviewExample>) -> PreviewRecord {
        PreviewRecord {
            recipe: "cutmix".into(),
            pipeline: vec!["paste a box".into()],
            image: 10,
            range: [-0.2, 1.31],
            examples,
        }
    }

    fn png(side: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = image::RgbImage::from_fn(side, side, |x, y| image::Rgb([x as u8, y as u8, 200]));
        picture.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn a_sheet_shows_box_lambda_labels_and_range() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["0-original.png", "0.png"] {
            std::fs::write(folder.path().join(name), png(10)).unwrap();
        }
        let svg = contact_sheet(&record(vec![example()]), folder.path()).file();
        assert_eq!(svg.matches("<image").count(), 2);
        for text in [
            "λ = 0.64, weight 1.27",
            "64\u{a0}%",
            "36\u{a0}%",
            "&lt;b&gt;",
            "−0.20 to 1.31: beyond",
            "class=\"cut-light\" x=\"51.2\"",
            "1. paste a box",
            "−0.10 to 1.00",
        ] {
            assert!(svg.contains(text), "{text}\n{svg}");
        }
        let [_, png] = write_contact_sheet(&record(vec![example()]), folder.path()).unwrap();
        assert!(image::open(png).is_ok());
    }

    #[test]
    fn classes_are_called_by_what_tells_them_apart() {
        let label = |class: &str| LabelShare { class: class.into(), share: 0.5 };
        let labels =
            vec![label("n02107908-Appenzeller"), label("n02096437-Dandie_Dinmont_and_others_of_its_kind")];
        let svg = contact_sheet(&record(vec![PreviewExample { labels, ..example() }]), Path::new("/nowhere"))
            .file();
        assert!(svg.contains(">Appenzeller</text>"), "{svg}");
        assert!(
            svg.contains("<title>Dandie Dinmont and others of its kind</title>Dandie")
                && svg.contains("kind</text>"),
            "{svg}"
        );
    }

    #[test]
    fn a_mask_is_drawn_by_its_outline() {
        let folder = tempfile::tempdir().unwrap();
        let mask = image::GrayImage::from_fn(4, 4, |x, _| image::Luma([if x < 2 { 255 } else { 0 }]));
        mask.save(folder.path().join("0-mask.png")).unwrap();
        let example = PreviewExample { pasted: None, mask: Some("0-mask.png".into()), ..example() };
        let svg = contact_sheet(&record(vec![example]), folder.path()).file();
        assert!(svg.contains("class=\"mask-light\" d=\"M92 "), "{svg}");
    }

    #[test]
    fn missing_broken_and_foreign_pictures_are_shown_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("0.png"), b"not a png").unwrap();
        let svg = contact_sheet(&record(vec![example()]), folder.path()).file();
        assert_eq!(svg.matches("picture missing").count(), 2);
        std::fs::write(folder.path().join("secret.png"), png(4)).unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        assert_eq!(Picture::read(&inner, "../secret.png"), None);
        assert_eq!(Picture::read(&inner, folder.path().join("secret.png").to_str().unwrap()), None);
        assert!(Picture::read(folder.path(), "secret.png").is_some());
    }

    #[test]
    fn a_box_outside_the_picture_is_not_drawn() {
        assert_eq!(box_share(Some([0, 0, 5, 10]), 10), Some([0.0, 0.0, 0.5, 1.0]));
        for outside in [[0, 0, 11, 5], [5, 5, 5, 9], [6, 0, 2, 5]] {
            assert_eq!(box_share(Some(outside), 10), None);
        }
        assert_eq!(box_share(None, 10), None);
    }

    #[test]
    fn an_empty_record_still_gives_a_sheet() {
        assert!(
            contact_sheet(&record(vec![]), Path::new("/nowhere")).file().contains("no example was recorded")
        );
    }

    #[test]
    fn large_pictures_shrink_and_small_ones_stay_as_they_are() {
        let large = Picture::decode(png(200)).unwrap().shrunk(50);
        assert_eq!((large.width, large.height), (50, 50));
        let small = Picture::decode(png(20)).unwrap();
        assert_eq!(small.clone().shrunk(50), small);
    }
}

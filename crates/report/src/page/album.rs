//! Every picture of the page once.

use crate::language::Words;
use crate::sheet::{Picture, edges};
use crate::text::escape;
use bakeoff_study::Preview;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes of pictures that a page may hold; beyond it they are shrunk. The run folder keeps them as they are.
const BUDGET: usize = 2_500_000;
/// Sides to which pictures are shrunk, one after the other.
const SIDES: [u32; 4] = [160, 128, 96, 64];
/// Examples shown of a recipe; its preview folder has all.
pub(super) const EXAMPLES: usize = 8;

/// Every picture once, however many recipes begin with the same original.
pub(super) struct Album {
    pub(super) pictures: Vec<Picture>,
    /// By folder index and file name.
    places: BTreeMap<(usize, String), usize>,
    /// Outlines of masks, by the picture they are drawn over.
    masks: BTreeMap<(usize, String), String>,
}

impl Album {
    pub(super) fn new(previews: &[Preview]) -> Self {
        let mut album = Self { pictures: Vec::new(), places: BTreeMap::new(), masks: BTreeMap::new() };
        let mut known = BTreeMap::new();
        for (folder, preview) in previews.iter().enumerate() {
            for example in preview.record.examples.iter().take(EXAMPLES) {
                for file in [&example.original, &example.augmented] {
                    let Some(picture) = Picture::read(&preview.folder, file) else { continue };
                    let hash: [u8; 32] = Sha256::digest(picture.bytes()).into();
                    let place = *known.entry(hash).or_insert_with(|| {
                        album.pictures.push(picture);
                        album.pictures.len() - 1
                    });
                    album.places.insert((folder, file.clone()), place);
                }
                if example.pasted.is_none() {
                    let edges = edges(example, preview.record.image, &preview.folder);
                    let lines = edges.into_iter().map(|edge| {
                        let [x0, y0, x1, y1] = edge.map(|v| (v * 10_000.0).round() / 100.0);
                        format!("M{x0} {y0}L{x1} {y1}")
                    });
                    album.masks.insert((folder, example.augmented.clone()), lines.collect());
                }
            }
        }
        for side in SIDES {
            if album.pictures.iter().map(|p| p.bytes().len()).sum::<usize>() <= BUDGET {
                break;
            }
            album.pictures = album.pictures.into_iter().map(|p| p.shrunk(side)).collect();
        }
        album
    }

    /// The pictures as definitions that the sheets refer to.
    pub(super) fn definitions(&self, html: &mut String) {
        for (index, picture) in self.pictures.iter().enumerate() {
            let class = if picture.pixelated() { " class=\"px\"" } else { "" };
            let _ = writeln!(
                html,
                "<image id=\"px{index}\" width=\"100\" height=\"100\" preserveAspectRatio=\"none\"{class} href=\"{}\"/>",
                picture.uri()
            );
        }
        for (index, lines) in self.masks.values().enumerate().filter(|(_, lines)| !lines.is_empty()) {
            let _ = writeln!(html, "<path id=\"mask{index}\" d=\"{lines}\"/>");
        }
    }

    pub(super) fn show(
        &self,
        html: &mut String,
        (folder, file): (usize, &str),
        label: &str,
        pasted: Option<[f64; 4]>,
        words: &Words,
    ) {
        let Some(place) = self.places.get(&(folder, file.to_owned())) else {
            let _ = write!(html, "<div class=\"missing\">{}</div>", words.picture_missing);
            return;
        };
        let _ = write!(
            html,
            "<svg viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"{}\"><use href=\"#px{place}\"/>",
            escape(label)
        );
        if let Some(area) = pasted {
            let [x, y, width, height] = area.map(|v| v * 100.0);
            for class in ["outer", "inner"] {
                let _ = write!(
                    html,
                    "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"/>"
                );
            }
        }
        // Only what the network is shown has a mask: originals have a file of their own.
        let key = (folder, file.to_owned());
        let mask = self.masks.iter().position(|(other, lines)| *other == key && !lines.is_empty());
        if let Some(index) = mask {
            for class in ["mask-dark", "mask-light"] {
                let _ = write!(html, "<use class=\"{class}\" href=\"#mask{index}\"/>");
            }
        }
        html.push_str("</svg>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use bakeoff_study::records::PreviewExample;
    use bakeoff_study::records::PreviewRecord;

    #[test]
    fn a_mask_is_drawn_over_what_the_network_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        for (number, name) in ["original.png", "augmented.png"].into_iter().enumerate() {
            let colour = image::Rgb([number as u8; 3]);
            image::RgbImage::from_pixel(4, 4, colour).save(folder.path().join(name)).unwrap();
        }
        let mask = image::GrayImage::from_fn(4, 4, |x, _| image::Luma([if x < 3 { 255 } else { 0 }]));
        mask.save(folder.path().join("mask.png")).unwrap();
        let example = PreviewExample {
            image: "a.jpg".into(),
            original: "original.png".into(),
            augmented: "augmented.png".into(),
            labels: Vec::new(),
            partner: None,
            lambda: Some(0.25),
            pasted: None,
            mask: Some("mask.png".into()),
            stage: None,
            weight: None,
            range: None,
        };
        let record = PreviewRecord {
            recipe: "fmix".into(),
            pipeline: Vec::new(),
            image: 4,
            range: [0.0, 1.0],
            examples: vec![example],
        };
        let album = Album::new(&[Preview { record, folder: folder.path().into() }]);
        let html = |file| {
            let mut html = String::new();
            album.show(&mut html, (0, file), "", None, Language::English.words());
            html
        };
        let mut definitions = String::new();
        album.definitions(&mut definitions);
        assert!(definitions.contains("<path id=\"mask0\" d=\"M75 0L75 100\"/>"), "{definitions}");
        assert!(html("augmented.png").contains("<use class=\"mask-light\" href=\"#mask0\"/>"));
        assert!(!html("original.png").contains("mask"));
    }
}

//! Side lengths of a few images, from their headers where that is enough.

use rayon::prelude::*;

use crate::{Dataset, Region, View, decode_region};

impl Dataset {
    /// The shorter side, in pixels, of at most `most` images, evenly spread over the data set and so over its classes, each with its
    /// index. Images that cannot be read are left out. Nothing is kept, and of most formats the header alone is looked at.
    #[must_use]
    pub fn sampled_sides(&self, most: usize) -> Vec<(usize, usize)> {
        let samples = self.samples().len();
        let count = most.min(samples);
        (0..count)
            .into_par_iter()
            .map(|k| k * samples / count)
            .filter_map(|index| Some((index, self.shorter_side(index)?)))
            .filter(|&(_, side)| side > 0)
            .collect()
    }

    fn shorter_side(&self, index: usize) -> Option<usize> {
        if !self.is_encoded(index) {
            let image = self.make(index, |_, _| ()).ok()?;
            return Some(image.width().min(image.height()));
        }
        let bytes = self.bytes(index).ok()?;
        if let Some(side) = of_header(&bytes) {
            return Some(side);
        }
        let corner = Region { x: 0, y: 0, width: 1, height: 1 };
        let patch = decode_region(&bytes, &mut |_, _| corner).ok()?;
        let view = View::from(&patch);
        Some(view.width().min(view.height()))
    }
}

/// Of formats that would be decoded as a whole otherwise and say their size at a fixed place.
fn of_header(bytes: &[u8]) -> Option<usize> {
    let number = |at: usize, length: usize, big: bool| {
        let bytes = bytes.get(at..at + length)?.iter();
        let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if big { bytes.fold(0, add) } else { bytes.rev().fold(0, add) })
    };
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(number(16, 4, true)?.min(number(20, 4, true)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some(number(6, 2, false)?.min(number(8, 2, false)?));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{ExtendedColorType, ImageFormat};

    use super::*;
    use crate::SourceConfig;

    #[test]
    fn sides_are_those_of_the_decoded_images_whatever_the_format() {
        let folder = tempfile::tempdir().unwrap();
        for (number, format) in [ImageFormat::Png, ImageFormat::Jpeg].into_iter().enumerate() {
            for class in ["a", "b"] {
                let path = folder.path().join("train").join(class);
                fs::create_dir_all(&path).unwrap();
                let (width, height) = (20 + number as u32, 33);
                let pixels = vec![9; (width * height * 3) as usize];
                let extension = format.extensions_str()[0];
                let file = path.join(format!("{number}.{extension}"));
                image::save_buffer_with_format(file, &pixels, width, height, ExtendedColorType::Rgb8, format)
                    .unwrap();
            }
        }
        fs::write(folder.path().join("train/a/broken.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        let dataset = Dataset::open(&SourceConfig::at(folder.path())).unwrap();
        let sides = dataset.sampled_sides(100);
        assert_eq!(sides.len(), 4);
        for (index, side) in sides {
            let image = dataset.load(index).unwrap();
            assert_eq!(side, image.width().min(image.height()));
        }
        // Of a GIF the header alone.
        assert_eq!(of_header(b"GIF89a\x2c\x01\x10\x00"), Some(16));
        assert_eq!(of_header(b"GIF89a\x2c"), None);
        assert_eq!(dataset.sampled_sides(3).len(), 3);
        assert!(dataset.sampled_sides(0).is_empty());
    }
}

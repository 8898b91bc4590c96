use std::path::Path;

use bakeoff_data::{
    OpenImage, Region, RgbImage, View, decode, decode_draft, decode_file, decode_region, pixel_notes, resize,
};
use safetensors::SafeTensors;

use crate::{fixture, fixtures, name};

/// A binary PPM, the plainest image file: header, then RGB bytes.
fn ppm(path: &Path) -> RgbImage {
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let header = std::str::from_utf8(&bytes[..end]).unwrap();
    let numbers: Vec<usize> = header.split(' ').skip(1).map(|number| number.parse().unwrap()).collect();
    RgbImage::new(numbers[0], numbers[1], bytes[end + 1..].to_vec()).unwrap()
}

#[test]
fn every_format_decodes_to_the_pixels_pillow_reads() {
    let mut wrong = Vec::new();
    for path in fixtures("decode") {
        let expected = ppm(&fixture(&format!("expected/{}.ppm", name(&path))));
        match decode_file(&path) {
            Ok(image) if (image.width(), image.height()) != (expected.width(), expected.height()) => {
                wrong.push(format!("{}: {}x{}", name(&path), image.width(), image.height()));
            }
            Ok(image) => {
                let pairs = image.pixels().iter().zip(expected.pixels());
                let worst = pairs.map(|(&ours, &theirs)| ours.abs_diff(theirs)).max().unwrap();
                // Not one level off, JPEG and lossy WebP included.
                if worst > 0 {
                    wrong.push(format!("{}: {worst} levels off", name(&path)));
                }
            }
            Err(error) => wrong.push(format!("{}: {error}", name(&path))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_an_image_lost_is_noted() {
    use bakeoff_data::PixelNote::{Cmyk, DeepGrey, FirstPage, NarrowGrey, Transparency};
    for (file, expected) in [
        ("jpeg-420.jpg", &[][..]),
        ("jpeg-cmyk.jpg", &[Cmyk]),
        ("jpeg-ycck.jpg", &[Cmyk]),
        ("tiff-cmyk.tif", &[Cmyk]),
        ("png-grey-16.png", &[DeepGrey]),
        ("png-grey-16-interlaced.png", &[DeepGrey]),
        ("png-grey-8.png", &[]),
        ("png-rgb-16.png", &[]),
        ("tiff-grey-16-little.tif", &[DeepGrey]),
        ("tiff-grey-12-in-16.tif", &[DeepGrey, NarrowGrey]),
        ("png-rgba-8.png", &[Transparency]),
        ("png-grey-alpha-16.png", &[Transparency]),
        ("png-palette-8.png", &[Transparency]),
        ("webp-lossless-alpha.webp", &[Transparency]),
        ("webp-lossless.webp", &[]),
        ("gif-transparent.gif", &[Transparency]),
        ("gif-colour.gif", &[]),
        ("tiff-rgba.tif", &[Transparency]),
        ("tiff-rgbx.tif", &[]),
        ("tiff-pages.tif", &[FirstPage]),
    ] {
        let bytes = std::fs::read(fixture("decode").join(file)).unwrap();
        assert_eq!(pixel_notes(&bytes), expected, "{file}");
    }
    assert_eq!(pixel_notes(b"no image"), []);
}

#[test]
fn sixteen_bits_of_grey_are_scaled_as_its_high_bytes_are() {
    for file in ["png-grey-16.png", "tiff-grey-16-big.tif"] {
        let image = decode_file(&fixture("decode").join(file)).unwrap();
        let white = image.pixels().iter().filter(|&&level| level == 255).count();
        assert!(white * 10 < image.pixels().len(), "{file}: {white} of {}", image.pixels().len());
    }
}

#[test]
fn drafts_of_jpegs_are_pillows_to_the_level() {
    let bytes = std::fs::read(fixture("draft.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    assert!(expected.len() > 100);
    let mut smaller = 0;
    for (key, tensor) in expected.iter() {
        let (file, shortest) = key.rsplit_once('/').unwrap();
        let path = fixture("decode").join(file);
        let ours = decode_draft(&std::fs::read(&path).unwrap(), Some(shortest.parse().unwrap())).unwrap();
        assert_eq!([ours.height(), ours.width(), 3], tensor.shape(), "{key}");
        let pairs = ours.pixels().iter().zip(tensor.data());
        let worst = pairs.map(|(&ours, &theirs)| ours.abs_diff(theirs)).max();
        assert_eq!(worst, Some(0), "{key}");
        smaller += usize::from(ours.width() < decode_file(&path).unwrap().width());
    }
    assert!(smaller > 60, "{smaller}");
}

#[test]
fn other_formats_have_no_drafts() {
    for file in ["png-filters.png", "bmp-24.bmp", "gif-colour.gif", "webp-lossy.webp", "tiff-tiles.tif"] {
        let bytes = std::fs::read(fixture("decode").join(file)).unwrap();
        assert_eq!(decode_draft(&bytes, Some(1)).unwrap(), decode(&bytes).unwrap(), "{file}");
    }
}

#[test]
fn the_format_is_found_in_the_bytes_not_in_the_name() {
    let path = fixture("decode/jpeg-named.png");
    assert!(std::fs::read(&path).unwrap().starts_with(&[0xFF, 0xD8]));
    let image = decode_file(&path).unwrap();
    assert_eq!((image.width(), image.height()), (37, 29));
}

#[test]
fn orientations_turn_the_picture() {
    let upright = decode_file(&fixture("decode/jpeg-orientation-1.jpg")).unwrap();
    let pixel =
        |image: &RgbImage, x: usize, y: usize| image.pixels()[(y * image.width() + x) * 3..][..3].to_vec();
    for (orientation, corner) in
        [(2, (11, 0)), (3, (11, 6)), (4, (0, 6)), (5, (0, 0)), (6, (0, 6)), (7, (11, 6)), (8, (11, 0))]
    {
        let turned = decode_file(&fixture(&format!("decode/jpeg-orientation-{orientation}.jpg"))).unwrap();
        let size = if orientation >= 5 { (7, 12) } else { (12, 7) };
        assert_eq!((turned.width(), turned.height()), size);
        assert_eq!(pixel(&turned, 0, 0), pixel(&upright, corner.0, corner.1), "orientation {orientation}");
    }
}

#[test]
fn all_cores_decode_at_once() {
    let bytes = std::fs::read(fixture("decode/jpeg-420-progressive.jpg")).unwrap();
    let first = decode(&bytes).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| decode(&bytes).unwrap())).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), first));
    });
}

#[test]
fn a_region_of_any_file_has_the_pixels_of_the_whole() {
    for path in fixtures("decode") {
        let bytes = std::fs::read(&path).unwrap();
        let whole = decode(&bytes).unwrap();
        let (width, height) = (whole.width(), whole.height());
        let regions = [
            (0.0, 0.0, 1.0, 1.0),
            (0.3, 0.4, 0.35, 0.3),
            (0.0, 0.6, 0.1, 0.4),
            (0.97, 0.0, 0.03, 0.5),
            (0.2, 0.99, 0.5, 0.01),
        ];
        for (x, y, w, h) in regions {
            let at = |share: f64, of: usize| (share * of as f64) as usize;
            let (x, y) = (at(x, width).min(width - 1), at(y, height).min(height - 1));
            let region = Region {
                x,
                y,
                width: at(w, width).clamp(1, width - x),
                height: at(h, height).clamp(1, height - y),
            };
            let mut asked = None;
            let part = decode_region(&bytes, &mut |width, height| {
                asked = Some((width, height));
                region
            })
            .unwrap();
            // Only a JPEG that need not be turned is asked about.
            assert!(asked.is_none_or(|size| size == (width, height)), "{}", name(&path));
            assert_eq!((View::from(&part).width(), View::from(&part).height()), (width, height));
            let cut = |image: View<'_>| resize(image, region, region.width, region.height, true);
            assert_eq!(cut((&part).into()), cut((&whole).into()), "{} {region:?}", name(&path));
            let opened = OpenImage::of_file(bytes.clone(), None).unwrap();
            assert_eq!((opened.width(), opened.height()), (width, height), "{}", name(&path));
            assert_eq!(opened.pixels(region).unwrap(), part, "{} {region:?}", name(&path));
        }
    }
}

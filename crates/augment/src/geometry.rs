//! Where pixels come from: resize plans, windows, flips. Functions take the drawn numbers, so that they can be checked
//! against other libraries with the same numbers.

use bakeoff_data::{Region, Resample, View};
use bakeoff_random::Stream;

use crate::Pixels;

/// The window of a resize, from 0–255 to [0, 1].
pub(crate) fn resampled(photograph: View<'_>, resample: &Resample) -> Pixels {
    let (width, height) = (resample.window.width, resample.window.height);
    let len = width * height * 3;
    // Not zeroed first: every value is written.
    let mut values = Vec::with_capacity(len);
    resample.unit(photograph, &mut values.spare_capacity_mut()[..len]);
    // SAFETY: it gives back all of it, filled.
    unsafe { values.set_len(len) };
    Pixels::from_parts(width, height, values)
}

/// Beyond this aspect ratio the longer side is squashed: no photograph is so long, and the memory for a strip of one by
/// a million pixels would not be there.
const LONGEST: usize = 32;

/// Width and height after the shorter side became `size`; the longer one is rounded down, as torchvision's `Resize`,
/// and at most [`LONGEST`] times as long.
pub(crate) fn shorter_side(width: usize, height: usize, size: usize) -> (usize, usize) {
    let long = |long: usize, short: usize| {
        ((size as u128 * long as u128 / short as u128) as usize).min(size * LONGEST)
    };
    if width <= height { (size, long(height, width)) } else { (long(width, height), size) }
}

/// First row or column of the central window, halves rounded to even, as torchvision's `CenterCrop`.
pub(crate) fn central_offset(available: usize, window: usize) -> usize {
    ((available.saturating_sub(window)) as f64 / 2.0).round_ties_even() as usize
}

/// A window of `size` at a uniformly random position; where the image is shorter than that, all of it.
pub(crate) fn draw_window(width: usize, height: usize, size: usize, stream: &mut Stream) -> Region {
    let (w, h) = (size.min(width), size.min(height));
    let y = stream.below(height - h + 1);
    let x = stream.below(width - w + 1);
    Region { x, y, width: w, height: h }
}

/// Cuts a window out; the caller has checked that it lies inside.
pub(crate) fn crop(pixels: &Pixels, window: Region) -> Pixels {
    let Region { x, y, width, height } = window;
    let stride = pixels.width() * 3;
    let mut values = Vec::with_capacity(width * height * 3);
    for row in pixels.values().chunks_exact(stride).skip(y).take(height) {
        values.extend_from_slice(&row[x * 3..(x + width) * 3]);
    }
    Pixels::from_parts(width, height, values)
}

/// Mirrors left to right.
pub(crate) fn flip(values: &mut [f32], width: usize) {
    for row in values.chunks_exact_mut(width * 3) {
        row.as_chunks_mut::<3>().0.reverse();
    }
}

/// Attempts of [`draw_region`] before it gives up and takes the largest central window of allowed shape.
pub(crate) const ATTEMPTS: usize = 10;

/// One attempt of torchvision's `RandomResizedCrop.get_params`: the window of an area fraction and an aspect ratio, or
/// `None` where it does not fit.
pub(crate) fn window_of(
    width: usize,
    height: usize,
    area_fraction: f64,
    aspect: f64,
) -> Option<(usize, usize)> {
    let area = (width * height) as f64 * area_fraction;
    let w = (area * aspect).sqrt().round_ties_even();
    let h = (area / aspect).sqrt().round_ties_even();
    let fits = w >= 1.0 && w <= width as f64 && h >= 1.0 && h <= height as f64;
    fits.then_some((w as usize, h as usize))
}

/// What `get_params` takes after ten misses: as much of the centre as the ratio limits allow.
pub(crate) fn fallback_region(width: usize, height: usize, ratio: [f64; 2]) -> Region {
    let of = width as f64 / height as f64;
    let (w, h) = if of < ratio[0] {
        (width, ((width as f64 / ratio[0]).round_ties_even() as usize).clamp(1, height))
    } else if of > ratio[1] {
        (((height as f64 * ratio[1]).round_ties_even() as usize).clamp(1, width), height)
    } else {
        (width, height)
    };
    Region { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h }
}

/// The window of torchvision's `RandomResizedCrop`: area fraction uniform in `scale`, aspect ratio log-uniform in
/// `ratio`, position uniform.
pub(crate) fn draw_region(
    width: usize,
    height: usize,
    scale: [f64; 2],
    ratio: [f64; 2],
    stream: &mut Stream,
) -> Region {
    for _ in 0..ATTEMPTS {
        let area_fraction = stream.range(scale[0], scale[1]);
        let aspect = stream.range(ratio[0].ln(), ratio[1].ln()).exp();
        if let Some((w, h)) = window_of(width, height, area_fraction, aspect) {
            let y = stream.below(height - h + 1);
            let x = stream.below(width - w + 1);
            return Region { x, y, width: w, height: h };
        }
    }
    fallback_region(width, height, ratio)
}

#[cfg(test)]
mod tests {
    use bakeoff_data::RgbImage;
    use serde_json::Value;

    use super::*;
    use crate::fixture::{assert_close, count, counts, floats, list, number, read};
    use crate::{Pipeline, Preprocess, RecipeConfig, Resize};

    /// Both libraries compute source positions in f32, ours are f64: a position near 31 is off by up to 2e-6 of a pixel
    /// and neighbouring pixels of the noise used here differ by up to 1.
    const BOUND: f32 = 4e-6;

    fn whole(image: &RgbImage) -> Region {
        Region::whole(image)
    }

    fn resized_window(
        image: &RgbImage,
        region: Region,
        to: (usize, usize),
        window: Region,
        antialias: bool,
    ) -> Pixels {
        let resample = Resample { region, width: to.0, height: to.1, window, antialias, mirrored: false };
        resampled(image.into(), &resample)
    }

    fn photograph(fixture: &Value) -> RgbImage {
        let photograph = &fixture["photograph"];
        let bytes = list(&photograph["bytes"]).iter().map(|b| count(b) as u8).collect();
        RgbImage::new(count(&photograph["width"]), count(&photograph["height"]), bytes).unwrap()
    }

    fn transposed(image: &RgbImage) -> RgbImage {
        let (width, height) = (image.width(), image.height());
        let pixel = |x: usize, y: usize| &image.pixels()[(y * width + x) * 3..][..3];
        let bytes = (0..width).flat_map(|x| (0..height).flat_map(move |y| pixel(x, y).to_vec())).collect();
        RgbImage::new(height, width, bytes).unwrap()
    }

    fn region([x, y, width, height]: [usize; 4]) -> Region {
        Region { x, y, width, height }
    }

    #[test]
    fn random_resized_crop_takes_torchvisions_window_for_torchvisions_draws() {
        let fixture = read("geometry.json");
        let (mut found, mut missed) = (0, 0);
        for case in list(&fixture["regions"]) {
            let (width, height) = (count(&case["width"]), count(&case["height"]));
            let expected = region(counts(&case["region"]));
            let ratio = [number(&case["ratio"][0]), number(&case["ratio"][1])];
            let window = list(&case["attempts"])
                .iter()
                .find_map(|attempt| window_of(width, height, number(&attempt[0]), number(&attempt[1])));
            match window {
                Some(window) => {
                    found += 1;
                    assert_eq!(window, (expected.width, expected.height), "{case}");
                }
                None => {
                    missed += 1;
                    assert_eq!(list(&case["attempts"]).len(), ATTEMPTS);
                    let ours = fallback_region(width, height, ratio);
                    if expected.width * expected.height > 0 {
                        assert_eq!(ours, expected, "{case}");
                    } else {
                        // torchvision rounds a one-pixel image to an empty window here and then fails to resize it.
                        assert_eq!(
                            (ours.width, ours.height),
                            (expected.width.max(1), expected.height.max(1))
                        );
                    }
                }
            }
        }
        assert!(found > 30 && missed > 10, "both ways out are covered: {found}, {missed}");
    }

    #[test]
    fn drawn_windows_lie_inside_and_have_the_asked_for_area_and_shape() {
        let (width, height, scale, ratio) = (300, 200, [0.3, 0.5], [0.8, 1.25]);
        let mut areas = Vec::new();
        for sample in 0..2000 {
            let mut stream = Stream::new(4, "random-resized-crop/0", 0, sample);
            let window = draw_region(width, height, scale, ratio, &mut stream);
            assert!(window.x + window.width <= width && window.y + window.height <= height);
            let area = (window.width * window.height) as f64 / (width * height) as f64;
            let shape = window.width as f64 / window.height as f64;
            assert!((0.295..0.505).contains(&area) && (0.78..1.28).contains(&shape), "{window:?}");
            areas.push(area);
        }
        // Uniform in [0.3, 0.5): mean 0.4, standard error 0.0013.
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        assert!((mean - 0.4).abs() < 0.006, "{mean}");
    }

    #[test]
    fn resized_crops_are_torchvisions() {
        let fixture = read("geometry.json");
        let image = photograph(&fixture);
        for case in list(&fixture["resized_crops"]) {
            let size = count(&case["size"]);
            let all = Region { x: 0, y: 0, width: size, height: size };
            let antialias = case["antialias"].as_bool().unwrap();
            let ours = resized_window(&image, region(counts(&case["region"])), (size, size), all, antialias);
            let what = format!("{} to {size}", case["region"]);
            assert_close(ours.values(), &floats(&case["result"]), BOUND, &what);
        }
    }

    #[test]
    fn evaluation_images_are_torchvisions_resize_and_centre_crop() {
        let fixture = read("geometry.json");
        let upright = photograph(&fixture);
        let turned = transposed(&upright);
        for case in list(&fixture["evaluation"]) {
            let image = if case["transposed"].as_bool().unwrap() { &turned } else { &upright };
            let (size, window) = (count(&case["size"]), count(&case["window"]));
            let antialias = case["antialias"].as_bool().unwrap();
            let preprocess = Preprocess {
                resize: Resize::ShorterSide { size: Some(size), antialias, enlarge: true },
                ..Preprocess::default()
            };
            let none = RecipeConfig { name: "none".to_owned(), transforms: Vec::new(), mix: None };
            let pipeline = Pipeline::new(&none, &preprocess, window).unwrap();
            let what = format!("{size} then {window}");
            assert_close(pipeline.eval_image(image).values(), &floats(&case["result"]), BOUND, &what);
            assert_eq!(
                pipeline.train_image(image, 1, 2, 3),
                pipeline.eval_image(image),
                "the recipe does nothing"
            );
        }
    }

    #[test]
    fn the_notebooks_resize_is_tensorflows() {
        let fixture = read("notebook-resize.json");
        let image = photograph(&fixture);
        for case in list(&fixture["cases"]) {
            let size = count(&case["size"]);
            let preprocess =
                Preprocess { resize: Resize::Squash { antialias: false }, ..Preprocess::default() };
            let none = RecipeConfig { name: "none".to_owned(), transforms: Vec::new(), mix: None };
            let ours = Pipeline::new(&none, &preprocess, size).unwrap().eval_image(&image);
            assert_close(ours.values(), &floats(&case["result"]), BOUND, &format!("to {size}"));
        }
    }

    #[test]
    fn crops_are_torchvisions() {
        let fixture = read("geometry.json");
        let image = photograph(&fixture);
        let all = whole(&image);
        let pixels = resized_window(&image, all, (all.width, all.height), all, true);
        for case in list(&fixture["crops"]) {
            let size = count(&case["size"]);
            let window = Region { x: count(&case["x"]), y: count(&case["y"]), width: size, height: size };
            assert_close(
                crop(&pixels, window).values(),
                &floats(&case["result"]),
                1e-7,
                &format!("{window:?}"),
            );
        }
    }

    #[test]
    fn a_window_of_a_resize_is_the_same_as_resizing_and_cropping() {
        let image = photograph(&read("geometry.json"));
        for (to, antialias) in [((19, 12), true), ((19, 12), false), ((70, 50), true)] {
            let all = Region { x: 0, y: 0, width: to.0, height: to.1 };
            let resized = resized_window(&image, whole(&image), to, all, antialias);
            for window in
                [region([3, 2, 9, 7]), region([to.0 - 1, 0, 1, to.1]), region([0, to.1 - 1, to.0, 1])]
            {
                let ours = resized_window(&image, whole(&image), to, window, antialias);
                assert_eq!(ours, crop(&resized, window), "to the bit");
            }
        }
    }

    #[test]
    fn shorter_side_keeps_the_aspect_ratio_of_all_but_strips() {
        assert_eq!(shorter_side(500, 375, 256), (341, 256));
        assert_eq!(shorter_side(375, 500, 256), (256, 341));
        assert_eq!(shorter_side(10, 10, 256), (256, 256));
        assert_eq!(shorter_side(1, 1_000_000, 256), (256, 256 * 32));
    }

    #[test]
    fn central_offsets_round_halves_to_even() {
        assert_eq!((0..6).map(|d| central_offset(10 + d, 10)).collect::<Vec<_>>(), [0, 0, 1, 2, 2, 2]);
    }
}

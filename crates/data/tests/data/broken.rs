use std::collections::BTreeMap;
use std::time::Instant;

use bakeoff_data::{ImageError, OpenImage, PIXEL_LIMIT, Region, decode, decode_within};
use bakeoff_random::Stream;

use crate::{fixture, fixtures, name, photograph};

/// What the last line of defence says; no test may get that far.
const GAVE_UP: &str = "gave up";

fn reason(bytes: &[u8]) -> String {
    let reason = decode(bytes).unwrap_err().to_string();
    // The same for someone who asks for the size first.
    let opened = OpenImage::of_file(bytes.to_vec(), None).and_then(|image| {
        let (width, height) = (image.width(), image.height());
        image.pixels(Region { x: 0, y: 0, width, height })
    });
    assert_eq!(opened.unwrap_err().to_string(), reason);
    reason
}

#[test]
fn an_empty_file_and_a_text_say_what_they_are() {
    assert!(matches!(decode(&[]), Err(ImageError::Empty)));
    assert!(reason(b"").contains("0 bytes"));
    assert!(reason(b"404 not found, sorry").contains("the text \"404 not found, s\""));
    assert!(reason(&[0, 1, 2, 250]).contains("the bytes 00 01 02 fa"));
    for start in [&b"\xFF\xD8"[..], b"\x89PNG\r\n\x1a", b"GIF89", b"RIFF\0\0\0\0WEB", b"B"] {
        assert!(matches!(decode(start), Err(ImageError::UnknownFormat(_))), "{start:?}");
    }
}

#[test]
fn a_file_in_a_format_that_is_not_read_is_named_by_its_format_whatever_it_is_called() {
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0";
    for (bytes, named, remedy) in [
        (&heic[..], "HEIC", "heif-convert"),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1avif", "AVIF", "avifdec"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", "magick"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL", "djxl"),
        (b"<!DOCTYPE html><html>404", "HTML page", "convert"),
    ] {
        let error = decode(bytes).unwrap_err();
        assert!(matches!(error, ImageError::OtherFormat { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(named) && text.contains(remedy), "{text}");
    }
}

#[test]
fn a_truncated_jpeg_is_an_error_wherever_it_breaks_off() {
    for file in
        ["jpeg-420.jpg", "jpeg-420-progressive.jpg", "jpeg-grey.jpg", "jpeg-restarts.jpg", "jpeg-cmyk.jpg"]
    {
        let whole = std::fs::read(fixture("decode").join(file)).unwrap();
        for length in 3..whole.len() {
            let message = reason(&whole[..length]);
            assert!(message.contains("breaks off (truncated)"), "{file} cut to {length}: {message}");
        }
    }
}

#[test]
fn a_jpeg_whose_data_ends_early_is_an_error_though_it_has_an_end_marker() {
    let whole = photograph();
    let mut cut = whole[..whole.len() - 60].to_vec();
    cut.extend([0xFF, 0xD9]);
    assert!(reason(&cut).contains("data is missing"));
}

#[test]
fn truncated_files_of_other_formats_are_errors() {
    for (file, needed) in [
        ("png-filters.png", 20),
        ("png-grey-16-interlaced.png", 20),
        ("webp-lossy.webp", 0),
        ("webp-lossless-alpha.webp", 0),
        ("bmp-24.bmp", 3),
        ("bmp-rle8.bmp", 6),
        ("bmp-8-palette.bmp", 1),
        ("gif-colour.gif", 4),
        ("gif-interlaced.gif", 4),
        // Its directory stands at the end.
        ("tiff-rgb-lzw.tif", 0),
        ("tiff-rgb-deflate.tif", 0),
        ("tiff-rgb-packbits.tif", 0),
        // Pixels stand at the end.
        ("tiff-strips.tif", 0),
        ("tiff-grey-16-big.tif", 0),
    ] {
        let whole = std::fs::read(fixture("decode").join(file)).unwrap();
        assert!(decode(&whole).is_ok());
        // Without its last few bytes (end marker, checksum, padding) a file may still hold all pixels.
        for length in 12..whole.len() - needed {
            match decode(&whole[..length]) {
                Err(error) => {
                    assert!(!error.to_string().contains(GAVE_UP), "{file} cut to {length}: {error}")
                }
                Ok(_) => panic!("{file} cut to {length} of {} decodes", whole.len()),
            }
        }
    }
}

#[test]
fn no_flipped_bit_makes_a_decoder_panic() {
    for path in fixtures("decode") {
        let whole = std::fs::read(&path).unwrap();
        let mut stream = Stream::new(1, "flip", 0, whole.len() as u64);
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..1 + stream.below(4) {
                let position = stream.below(bytes.len());
                bytes[position] ^= 1 << stream.below(8);
            }
            if stream.coin(0.2) {
                bytes.truncate(stream.below(bytes.len()));
            }
            // A small limit: a flipped bit in a header may ask for a very large picture.
            if let Err(error) = decode_within(&bytes, 1 << 20) {
                assert!(!error.to_string().contains(GAVE_UP), "{}: {error}", name(&path));
            }
        }
    }
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\r".to_vec();
    png.extend(&chunk);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    png.extend(crc.sum().to_be_bytes());
    png.extend(b"\0\0\0\x10IDAT");
    png.extend([0; 20]);
    png
}

/// Files that say in their header they are so large, and hold next to nothing.
fn giants(width: u32, height: u32) -> BTreeMap<&'static str, Vec<u8>> {
    let mut jpeg = photograph();
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&(height as u16).to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&(width as u16).to_be_bytes());
    let mut bmp = std::fs::read(fixture("decode/bmp-24.bmp")).unwrap();
    bmp[18..22].copy_from_slice(&width.to_le_bytes());
    bmp[22..26].copy_from_slice(&height.to_le_bytes());
    let mut gif = std::fs::read(fixture("decode/gif-colour.gif")).unwrap();
    gif[6..8].copy_from_slice(&(width as u16).to_le_bytes());
    gif[8..10].copy_from_slice(&(height as u16).to_le_bytes());
    let mut webp = std::fs::read(fixture("decode/webp-animated.webp")).unwrap();
    webp[24..27].copy_from_slice(&(width - 1).to_le_bytes()[..3]);
    webp[27..30].copy_from_slice(&(height - 1).to_le_bytes()[..3]);
    let mut tiff = std::fs::read(fixture("decode/tiff-strips.tif")).unwrap();
    // Width and height are the entries 256 and 257 of its directory.
    for (tag, value) in [(256u16, width), (257, height)] {
        let entry = tiff
            .windows(4)
            .position(|four| four[..2] == tag.to_le_bytes() && [3, 4].contains(&four[2]))
            .unwrap();
        tiff[entry + 2..entry + 4].copy_from_slice(&4u16.to_le_bytes());
        tiff[entry + 8..entry + 12].copy_from_slice(&value.to_le_bytes());
    }
    BTreeMap::from([
        ("TIFF", tiff),
        ("JPEG", jpeg),
        ("PNG", png_header(width, height)),
        ("BMP", bmp),
        ("GIF", gif),
        ("WebP", webp),
    ])
}

#[test]
fn a_header_of_30000_by_30000_is_refused_before_anything_is_allocated() {
    for (format, bytes) in giants(30_000, 30_000) {
        let begin = Instant::now();
        let error = decode(&bytes).unwrap_err();
        assert!(
            matches!(error, ImageError::TooLarge { width: 30_000, height: 30_000, .. }),
            "{format}: {error}"
        );
        assert!(error.to_string().contains("30000x30000") && error.to_string().contains("shrink or remove"));
        // 900 million pixels would take longer to clear alone.
        assert!(begin.elapsed().as_millis() < 100, "{format}");
    }
}

#[test]
fn a_small_file_that_claims_a_picture_just_within_the_limit_is_found_out_at_once() {
    const { assert!(13_000 * 13_000 < PIXEL_LIMIT) };
    let giants = giants(13_000, 13_000);
    for format in ["JPEG", "PNG", "BMP", "TIFF"] {
        let begin = Instant::now();
        assert!(reason(&giants[format]).contains("truncated"), "{format}");
        assert!(begin.elapsed().as_millis() < 100, "{format}");
    }
}

#[test]
fn kinds_of_jpeg_that_are_not_supported_are_named() {
    let with_frame = |marker: u8| {
        let mut jpeg = photograph();
        let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        jpeg[frame + 1] = marker;
        reason(&jpeg)
    };
    assert!(with_frame(0xC9).contains("arithmetic"));
    assert!(with_frame(0xC3).contains("lossless"));
    let mut twelve_bits = photograph();
    let frame = twelve_bits.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    twelve_bits[frame + 4] = 12;
    assert!(reason(&twelve_bits).contains("12 bits"));
}

#[test]
fn a_jpeg_of_hundreds_of_scans_is_refused_soon() {
    let bytes = std::fs::read(fixture("decode/jpeg-420-progressive.jpg")).unwrap();
    // The first scan: its header, and its data up to the next marker that is no restart.
    let start = bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
    let data = start + 2 + usize::from(u16::from_be_bytes([bytes[start + 2], bytes[start + 3]]));
    let ends = |pair: &[u8]| pair[0] == 0xFF && pair[1] != 0 && !(0xD0..=0xD7).contains(&pair[1]);
    let end = data + bytes[data..].windows(2).position(ends).unwrap();
    let repeated = |times: usize| [&bytes[..start], &bytes[start..end].repeat(times), &bytes[end..]].concat();
    assert_eq!(decode(&repeated(100)).unwrap(), decode(&bytes).unwrap(), "the last one counts");
    assert!(reason(&repeated(300)).contains("more than 256 scans"), "{}", reason(&repeated(300)));
}

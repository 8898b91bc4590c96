//! Which way is up: the EXIF orientation, found where Pillow finds it and applied as `ImageOps.exif_transpose` does.

use crate::RgbImage;

/// The tag of IFD 0.
const ORIENTATION: u16 = 0x0112;

/// Metadata that may hold an orientation.
#[derive(Default)]
pub(super) struct Exif {
    /// The orientation, where the format itself says it.
    pub(super) known: Option<u32>,
    /// The TIFF structure of an EXIF block.
    pub(super) tiff: Option<Vec<u8>>,
    /// An XMP packet, which counts where EXIF says nothing.
    pub(super) xmp: Option<Vec<u8>>,
}

impl Exif {
    /// 1 to 8; 1 is upright, and whatever cannot be understood.
    pub(super) fn orientation(&self) -> u8 {
        let exif = self.known.or_else(|| self.tiff.as_deref().and_then(from_tiff));
        let found = exif.or_else(|| self.xmp.as_deref().and_then(from_xmp));
        found.and_then(|value| u8::try_from(value).ok()).filter(|value| (1..=8).contains(value)).unwrap_or(1)
    }
}

fn from_tiff(mut bytes: &[u8]) -> Option<u32> {
    while let Some(rest) = bytes.strip_prefix(b"Exif\0\0") {
        bytes = rest;
    }
    let little = match bytes.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let raw = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if little { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) })
    };
    let long = |at: usize| {
        let raw = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) })
    };
    let directory = long(4)? as usize;
    let entries = usize::from(short(directory)?);
    let mut found = None;
    for entry in (0..entries).map(|number| directory + 2 + number * 12) {
        // A directory that breaks off counts as far as it goes.
        let (Some(tag), Some(kind), Some(count)) = (short(entry), short(entry + 2), long(entry + 4)) else {
            break;
        };
        if tag == ORIENTATION && count == 1 {
            found = match kind {
                3 => short(entry + 8).map(u32::from),
                4 => long(entry + 8),
                _ => found,
            };
        }
    }
    found
}

fn from_xmp(packet: &[u8]) -> Option<u32> {
    let name = b"tiff:Orientation";
    packet.windows(name.len()).enumerate().filter(|(_, window)| window == name).find_map(|(at, _)| {
        let rest = &packet[at + name.len()..];
        let value = rest.strip_prefix(b"=\"").or_else(|| rest.strip_prefix(b">"))?;
        value.first().filter(|digit| digit.is_ascii_digit()).map(|digit| u32::from(digit - b'0'))
    })
}

/// Turns and mirrors an image the way its orientation says it must be shown.
pub(super) fn upright(image: RgbImage, orientation: u8) -> RgbImage {
    let (width, height) = (image.width(), image.height());
    let (last_x, last_y) = (width - 1, height - 1);
    // Where the pixel shown at (x, y) is stored.
    let from: &dyn Fn(usize, usize) -> (usize, usize) = match orientation {
        2 => &|x, y| (last_x - x, y),
        3 => &|x, y| (last_x - x, last_y - y),
        4 => &|x, y| (x, last_y - y),
        5 => &|x, y| (y, x),
        6 => &|x, y| (y, last_y - x),
        7 => &|x, y| (last_x - y, last_y - x),
        8 => &|x, y| (last_x - y, x),
        _ => return image,
    };
    let (shown_width, shown_height) = if orientation >= 5 { (height, width) } else { (width, height) };
    let stored = image.pixels().as_chunks::<3>().0;
    let mut pixels = Vec::with_capacity(stored.len() * 3);
    for y in 0..shown_height {
        for x in 0..shown_width {
            let (x, y) = from(x, y);
            pixels.extend_from_slice(&stored[y * width + x]);
        }
    }
    RgbImage::new(shown_width, shown_height, pixels).unwrap_or(image)
}

//! JPEG, bit for bit as libjpeg-turbo decodes it with its default settings, and so as Pillow does.
//!
//! Baseline, extended and progressive Huffman streams of 8 bits (ITU-T T.81). What decoders are free to choose is
//! chosen as libjpeg chooses it: the accurate integer inverse DCT (`jidctint.c`), triangle-filter chroma upsampling
//! (`jdsample.c`), the fixed-point colour conversion (`jdcolor.c`). What differs is patience: libjpeg fills what a broken
//! stream lacks with grey and warns; here a picture that breaks off or holds impossible codes is an error.

mod broken;
mod frame;
mod huffman;
mod idct;
mod scan;
mod upsample;

use broken::{breaks_off, broken};
use frame::{Colours, Component, Frame};
use huffman::{Bits, Table};
use scan::{Scan, ScanComponent, Tables, ZIGZAG, progressive_scan, sequential_scan};

use super::notes::{Note, Notes};
use super::orientation::Exif;
use super::picture::{Decoded, PicturePart, Request, WantedPart, check_size};
use crate::{ImageError, Region, memory};

/// Blocks in a minimum coded unit, T.81 B.2.3.
const MAX_BLOCKS_IN_UNIT: usize = 10;

/// A picture in more steps than this was made to keep decoders busy: programs write ten or so.
const MOST_SCANS: usize = 256;

#[derive(Default)]
struct Decoder<'a> {
    bytes: &'a [u8],
    position: usize,
    quantisation: [Option<[u16; 64]>; 4],
    dc_tables: [Option<Table>; 4],
    ac_tables: [Option<Table>; 4],
    restart_interval: usize,
    jfif: bool,
    adobe_transform: Option<u8>,
    frame: Option<Frame>,
    scans: usize,
    /// All samples are there: what follows up to the end marker is skipped.
    complete: bool,
    /// All samples asked for are there, and more were not asked for: what follows is not even looked at.
    enough: bool,
    exif: Exif,
}

/// Decodes what is wanted, once the size is known. A picture that must be turned is decoded whole.
pub(super) fn decode(bytes: &[u8], limit: u64, wanted: &mut WantedPart<'_>) -> Result<Decoded, ImageError> {
    let mut decoder = Decoder { bytes, position: 2, ..Decoder::default() };
    decoder.read_segments(limit, Some(wanted))?;
    let colours = decoder.colours()?;
    let mut frame = decoder.frame.take().ok_or_else(|| broken("it has no picture"))?;
    if !decoder.complete {
        for component in &mut frame.components {
            component.transform_coefficients()?;
        }
    }
    let Some(Request { reduce, region }) = frame.request else { return Err(broken("it has no picture")) };
    memory::need(region.width as u64 * region.height as u64 * 3)?;
    let pixels = upsample::to_rgb(&frame, colours, region);
    let whole = (frame.width.div_ceil(reduce), frame.height.div_ceil(reduce));
    let part =
        ((region.width, region.height) != whole).then_some(PicturePart { at: (region.x, region.y), whole });
    let mut notes = Notes::default();
    if frame.components.len() == 4 {
        notes.add(Note::Cmyk);
    }
    Ok(Decoded { width: region.width, height: region.height, pixels, part, exif: decoder.exif, notes })
}

/// Width and height of what [`decode`] asks for a part of, and whether the picture must be turned: its header alone is read.
pub(super) fn size(bytes: &[u8], limit: u64) -> Result<(usize, usize, bool), ImageError> {
    let mut decoder = Decoder { bytes, position: 2, ..Decoder::default() };
    decoder.read_segments(limit, None)?;
    let frame = decoder.frame.ok_or_else(|| broken("it has no picture"))?;
    Ok((frame.width, frame.height, decoder.exif.orientation() != 1))
}

impl<'a> Decoder<'a> {
    /// Where nothing is wanted, no more than what stands before the first scan, and no tables.
    fn read_segments(
        &mut self,
        limit: u64,
        mut wanted: Option<&mut WantedPart<'_>>,
    ) -> Result<(), ImageError> {
        while !self.enough {
            let marker = self.next_marker()?;
            match marker {
                // End of image.
                0xD9 => return Ok(()),
                // Stand-alone: restarts that belong to nothing, a second start, reserved.
                0x01 | 0xD0..=0xD8 => continue,
                _ => {}
            }
            let segment = self.segment()?;
            // As libjpeg and Pillow, which look at these before the first scan only.
            let begun = self.frame.as_ref().is_some_and(|frame| frame.request.is_some());
            match marker {
                0xE0..=0xEF if begun => {}
                0xC0..=0xC2 => self.read_frame(segment, marker == 0xC2, limit)?,
                0xC4 | 0xDB | 0xDD if wanted.is_none() => {}
                0xC4 => self.read_huffman_tables(segment)?,
                0xC3 | 0xC5..=0xC7 | 0xCB | 0xCD..=0xCF => {
                    return Err(broken("lossless and hierarchical JPEG are not supported; save it anew"));
                }
                0xC9 | 0xCA => return Err(broken("arithmetic-coded JPEG is not supported; save it anew")),
                0xDA => match &mut wanted {
                    Some(wanted) => self.read_scan(segment, wanted)?,
                    None => return Ok(()),
                },
                0xDB => self.read_quantisation_tables(segment)?,
                0xDD => {
                    let &[high, low] = segment else {
                        return Err(broken("its restart interval has a wrong length"));
                    };
                    self.restart_interval = usize::from(u16::from_be_bytes([high, low]));
                }
                0xE0 => self.jfif |= segment.len() >= 14 && segment.starts_with(b"JFIF\0"),
                0xE1 => {
                    if let Some(tiff) = segment.strip_prefix(b"Exif\0\0") {
                        self.exif.tiff.get_or_insert_with(|| tiff.to_vec());
                    } else if let Some(xmp) = segment.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                        self.exif.xmp = Some(xmp.to_vec());
                    }
                }
                0xEE if segment.len() >= 12 && segment.starts_with(b"Adobe") => {
                    self.adobe_transform = Some(segment[11]);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The next marker, whatever stands before it.
    fn next_marker(&mut self) -> Result<u8, ImageError> {
        let mut after_ff = false;
        loop {
            let byte = *self.bytes.get(self.position).ok_or_else(breaks_off)?;
            self.position += 1;
            match byte {
                0xFF => after_ff = true,
                0x00 => after_ff = false,
                marker if after_ff => return Ok(marker),
                _ => {}
            }
        }
    }

    /// A segment's data, without its length.
    fn segment(&mut self) -> Result<&'a [u8], ImageError> {
        let rest = &self.bytes[self.position.min(self.bytes.len())..];
        let &[high, low, ..] = rest else { return Err(breaks_off()) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return Err(broken("a segment has an impossible length"));
        }
        let data = rest.get(2..length).ok_or_else(breaks_off)?;
        self.position += length;
        Ok(data)
    }

    fn read_quantisation_tables(&mut self, mut data: &[u8]) -> Result<(), ImageError> {
        let wrong = || broken("a quantisation table is cut short");
        while let Some((&head, rest)) = data.split_first() {
            let wide = head >> 4 != 0;
            let slot = self.quantisation.get_mut(usize::from(head & 15)).ok_or_else(wrong)?;
            let (values, rest) = rest.split_at_checked(if wide { 128 } else { 64 }).ok_or_else(wrong)?;
            let mut table = [0; 64];
            for (k, &place) in ZIGZAG.iter().enumerate() {
                table[usize::from(place)] = if wide {
                    u16::from_be_bytes([values[2 * k], values[2 * k + 1]])
                } else {
                    u16::from(values[k])
                };
            }
            *slot = Some(table);
            data = rest;
        }
        Ok(())
    }

    fn read_huffman_tables(&mut self, mut data: &[u8]) -> Result<(), ImageError> {
        let wrong = || broken("a Huffman table is cut short or impossible");
        while let Some((&head, rest)) = data.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(wrong)?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(total).ok_or_else(wrong)?;
            let tables = match head >> 4 {
                0 => &mut self.dc_tables,
                1 => &mut self.ac_tables,
                _ => return Err(wrong()),
            };
            let slot = tables.get_mut(usize::from(head & 15)).ok_or_else(wrong)?;
            *slot = Some(Table::new(counts, symbols).ok_or_else(wrong)?);
            data = rest;
        }
        Ok(())
    }

    fn read_frame(&mut self, data: &[u8], progressive: bool, limit: u64) -> Result<(), ImageError> {
        if self.frame.is_some() {
            return Err(broken("it has two frame headers"));
        }
        let &[precision, h1, h0, w1, w0, count, ref parts @ ..] = data else {
            return Err(broken("its frame header is cut short"));
        };
        let (height, width) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
        if precision != 8 {
            return Err(broken(format!("{precision} bits a sample are not supported; save it anew with 8")));
        }
        if width == 0 || height == 0 {
            return Err(broken(format!("its header says {width}x{height} pixels")));
        }
        check_size(u64::from(width), u64::from(height), limit)?;
        if !matches!(count, 1 | 3 | 4) || parts.len() != usize::from(count) * 3 {
            return Err(broken(format!("{count} components are no grey, colour or CMYK image")));
        }
        let (width, height) = (usize::from(width), usize::from(height));
        let factors = |part: &[u8]| (usize::from(part[1] >> 4), usize::from(part[1] & 15));
        let parts: Vec<&[u8]> = parts.chunks_exact(3).collect();
        if parts.iter().any(|part| !(1..=4).contains(&factors(part).0) || !(1..=4).contains(&factors(part).1))
        {
            return Err(broken("a sampling factor is not 1 to 4"));
        }
        let max_h = parts.iter().map(|part| factors(part).0).max().unwrap_or(1);
        let max_v = parts.iter().map(|part| factors(part).1).max().unwrap_or(1);
        // Every block of the finest component costs at least a bit: a short file that claims a huge picture is found
        // out before anything is allocated.
        if (width.div_ceil(8) * height.div_ceil(8)) as u64 > self.bytes.len() as u64 * 8 {
            return Err(breaks_off());
        }
        let mut components = Vec::new();
        for part in parts {
            let (h, v) = factors(part);
            if max_h % h != 0 || max_v % v != 0 {
                return Err(broken("fractional chroma sampling is not supported; save it anew"));
            }
            if components.iter().any(|other: &Component| other.id == part[0]) {
                return Err(broken("two components have the same number"));
            }
            components.push(Component {
                id: part[0],
                h,
                v,
                quantisation: usize::from(part[2]),
                blocks_across: (width * h).div_ceil(8 * max_h),
                blocks_down: (height * v).div_ceil(8 * max_v),
                blocks_wide: width.div_ceil(8 * max_h) * h,
                blocks_high: height.div_ceil(8 * max_v) * v,
                size: 8,
                width: 0,
                height: 0,
                wanted: Region::NONE,
                wanted_blocks: Region::NONE,
                table: None,
                coefficients: Vec::new(),
                samples: Vec::new(),
            });
        }
        self.frame = Some(Frame { width, height, progressive, request: None, max_h, max_v, components });
        Ok(())
    }

    fn read_scan(&mut self, data: &[u8], wanted: &mut WantedPart<'_>) -> Result<(), ImageError> {
        let wrong = || broken("a scan header is cut short or impossible");
        let frame = self.frame.as_mut().ok_or_else(|| broken("a scan stands before the frame header"))?;
        if frame.request.is_none() {
            let request = wanted.of(frame.width, frame.height, self.exif.orientation() != 1);
            frame.ask_for(request);
        }
        let (&count, rest) = data.split_first().ok_or_else(wrong)?;
        let (parts, tail) = rest.split_at_checked(usize::from(count) * 2).ok_or_else(wrong)?;
        let &[start, end, bits, ..] = tail else { return Err(wrong()) };
        let mut scan = Scan {
            parts: Vec::new(),
            start: usize::from(start),
            end: usize::from(end),
            high: u32::from(bits >> 4),
            low: u32::from(bits & 15),
        };
        for part in parts.chunks_exact(2) {
            let component = frame.components.iter().position(|c| c.id == part[0]).ok_or_else(wrong)?;
            if scan.parts.iter().any(|other| other.component == component) {
                return Err(wrong());
            }
            let (dc_table, ac_table) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
            scan.parts.push(ScanComponent { component, dc_table, ac_table });
        }
        if self.complete {
            return Ok(());
        }
        self.scans += 1;
        if self.scans > MOST_SCANS {
            return Err(broken(format!(
                "it has more than {MOST_SCANS} scans, each of which goes over the whole picture"
            )));
        }
        for part in &scan.parts {
            let component = &mut frame.components[part.component];
            if component.table.is_none() {
                let table = self.quantisation.get(component.quantisation).copied().flatten();
                component.table = Some(table.ok_or_else(|| broken("a quantisation table is missing"))?);
            }
        }
        let blocks: usize =
            scan.parts.iter().map(|p| &frame.components[p.component]).map(|c| c.h * c.v).sum();
        if scan.parts.is_empty() || (scan.parts.len() > 1 && blocks > MAX_BLOCKS_IN_UNIT) {
            return Err(wrong());
        }
        let all_at_once = scan.parts.len() == frame.components.len();
        let mut bits = Bits::new(self.bytes.get(self.position..).unwrap_or_default());
        let tables =
            Tables { dc: &self.dc_tables, ac: &self.ac_tables, restart_interval: self.restart_interval };
        if frame.progressive {
            scan.check_progression()?;
            frame.allocate_coefficients()?;
            progressive_scan(frame, &scan, &tables, &mut bits)?;
        } else if all_at_once {
            for component in &mut frame.components {
                component.allocate_samples()?;
            }
            self.enough = !sequential_scan(frame, &scan, &tables, &mut bits, true)?;
            self.complete = true;
        } else {
            frame.allocate_coefficients()?;
            sequential_scan(frame, &scan, &tables, &mut bits, false)?;
        }
        self.position += bits.position();
        Ok(())
    }

    /// As libjpeg guesses the colour space (`jdapimin.c`).
    fn colours(&self) -> Result<Colours, ImageError> {
        let frame = self.frame.as_ref().ok_or_else(|| broken("it has no picture"))?;
        if !self.complete && frame.components.iter().any(|component| component.coefficients.is_empty()) {
            return Err(broken("it has no picture"));
        }
        let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
        Ok(match (ids.as_slice(), self.adobe_transform) {
            ([_], _) => Colours::Grey,
            ([_, _, _], _) if self.jfif => Colours::YCbCr,
            ([_, _, _], Some(0)) => Colours::Rgb,
            ([b'R', b'G', b'B'], None) => Colours::Rgb,
            ([_, _, _], _) => Colours::YCbCr,
            (_, None | Some(0)) => Colours::Cmyk,
            _ => Colours::Ycck,
        })
    }
}

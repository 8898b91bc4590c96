//! JPEG, bit for bit as libjpeg-turbo decodes it with its default settings, and so as Pillow does.
//!
//! Baseline, extended and progressive Huffman streams of 8 bits (ITU-T T.81). What decoders are free to choose is
//! chosen as libjpeg chooses it: the accurate integer inverse DCT (`jidctint.c`), triangle-filter chroma upsampling
//! (`jdsample.c`), the fixed-point colour conversion (`jdcolor.c`). What differs is patience: libjpeg fills what a broken
//! stream lacks with grey and warns; here a picture that breaks off or holds impossible codes is an error.

mod huffman;
mod idct;
mod upsample;

use huffman::{Bits, Table};

use super::notes::{Note, Notes};
use super::{Decoded, Exif, Part as PartOfPicture, Request, Wanted, check_size, zeros};
use crate::{ImageError, Region, memory};
use bakeoff_machine::{Isa, vectorised};

/// Blocks in a minimum coded unit, T.81 B.2.3.
const MAX_BLOCKS_IN_UNIT: usize = 10;

/// A picture in more steps than this was made to keep decoders busy: programs write ten or so.
const MOST_SCANS: usize = 256;

/// Natural position of the k-th coefficient in zigzag order.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

fn broken(reason: impl Into<String>) -> ImageError {
    ImageError::Broken { format: "JPEG", reason: reason.into() }
}

fn breaks_off() -> ImageError {
    broken("the file breaks off (truncated)")
}

/// How the samples are to be read as colours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Colours {
    Grey,
    Rgb,
    YCbCr,
    Cmyk,
    Ycck,
}

/// One component of the frame: luma, a chroma, an ink.
struct Component {
    id: u8,
    /// Sampling factors, 1–4.
    h: usize,
    v: usize,
    quantisation: usize,
    /// Blocks that hold a part of the picture.
    blocks_across: usize,
    blocks_down: usize,
    /// Blocks allocated: whole units, so that interleaved scans need no edge cases.
    blocks_wide: usize,
    blocks_high: usize,
    /// Samples that a block becomes, across and down: 8, or fewer of a reduced picture.
    size: usize,
    /// Samples that belong to the (reduced) picture.
    width: usize,
    height: usize,
    /// Samples that are asked for.
    wanted: Region,
    /// Blocks that hold them.
    wanted_blocks: Region,
    /// The table at the component's first scan; later redefinitions do not count.
    table: Option<[u16; 64]>,
    /// Coefficients in natural order, of images that come in several scans.
    coefficients: Vec<i16>,
    /// Samples, `blocks_wide * 8` a row.
    samples: Vec<u8>,
}

/// The frame header.
struct Frame {
    width: usize,
    height: usize,
    progressive: bool,
    /// What is decoded; known at the first scan.
    request: Option<Request>,
    max_h: usize,
    max_v: usize,
    components: Vec<Component>,
}

/// A component's part in a scan.
#[derive(Clone, Copy)]
struct Part {
    component: usize,
    dc_table: usize,
    ac_table: usize,
}

/// The header of a scan.
struct Scan {
    parts: Vec<Part>,
    /// First and last coefficient, in zigzag order.
    start: usize,
    end: usize,
    /// Bit position of the previous and of this approximation.
    high: u32,
    low: u32,
}

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
pub(super) fn decode(bytes: &[u8], limit: u64, wanted: &mut Wanted<'_>) -> Result<Decoded, ImageError> {
    let mut decoder = Decoder { bytes, position: 2, ..Decoder::default() };
    decoder.read_segments(limit, wanted)?;
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
        ((region.width, region.height) != whole).then_some(PartOfPicture { at: (region.x, region.y), whole });
    let mut notes = Notes::default();
    if frame.components.len() == 4 {
        notes.add(Note::Cmyk);
    }
    Ok(Decoded { width: region.width, height: region.height, pixels, part, exif: decoder.exif, notes })
}

impl<'a> Decoder<'a> {
    fn read_segments(&mut self, limit: u64, wanted: &mut Wanted<'_>) -> Result<(), ImageError> {
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
                0xC4 => self.read_huffman_tables(segment)?,
                0xC3 | 0xC5..=0xC7 | 0xCB | 0xCD..=0xCF => {
                    return Err(broken("lossless and hierarchical JPEG are not supported; save it anew"));
                }
                0xC9 | 0xCA => return Err(broken("arithmetic-coded JPEG is not supported; save it anew")),
                0xDA => self.read_scan(segment, wanted)?,
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

    fn read_scan(&mut self, data: &[u8], wanted: &mut Wanted<'_>) -> Result<(), ImageError> {
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
            scan.parts.push(Part { component, dc_table, ac_table });
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

impl Frame {
    /// Settles what is decoded: which part of a picture of which size, and what of each component that takes.
    fn ask_for(&mut self, mut request: Request) {
        let Request { reduce, ref mut region } = request;
        let least = 8 / reduce;
        *region = region.within(self.width.div_ceil(reduce), self.height.div_ceil(reduce));
        for component in &mut self.components {
            // As jdmaster.c: a subsampled component is reduced less, so that it need not be enlarged again.
            let (h, v) = (component.h, component.v);
            let fits = |size: usize| {
                (self.max_h * least).is_multiple_of(h * size) && (self.max_v * least).is_multiple_of(v * size)
            };
            let mut size = least;
            while size < 8 && fits(size * 2) {
                size *= 2;
            }
            component.size = size;
            component.width = (self.width * h * size).div_ceil(self.max_h * 8);
            component.height = (self.height * v * size).div_ceil(self.max_v * 8);
            // The triangle filter looks one sample further.
            let span = |start: usize, count: usize, factor: usize, end: usize| {
                let first = (start / factor).saturating_sub(1);
                (first, ((start + count).div_ceil(factor) + 1).min(end) - first)
            };
            let (wide, high) = (self.max_h * least / (h * size), self.max_v * least / (v * size));
            let (x, width) = span(region.x, region.width, wide, component.width);
            let (y, height) = span(region.y, region.height, high, component.height);
            component.wanted = Region { x, y, width, height };
            let (left, top) = (x / size, y / size);
            component.wanted_blocks = Region {
                x: left,
                y: top,
                width: (x + width).div_ceil(size) - left,
                height: (y + height).div_ceil(size) - top,
            };
        }
        self.request = Some(request);
    }

    fn allocate_coefficients(&mut self) -> Result<(), ImageError> {
        for component in &mut self.components {
            if component.coefficients.is_empty() {
                component.coefficients = zeros(component.blocks_wide * component.blocks_high * 64)?;
            }
        }
        Ok(())
    }

    /// Units across and down in a scan.
    fn units(&self, scan: &Scan) -> (usize, usize) {
        if let [part] = scan.parts.as_slice() {
            let component = &self.components[part.component];
            (component.blocks_across, component.blocks_down)
        } else {
            (self.width.div_ceil(8 * self.max_h), self.height.div_ceil(8 * self.max_v))
        }
    }
}

impl Component {
    fn allocate_samples(&mut self) -> Result<(), ImageError> {
        self.samples = zeros(self.blocks_wide * self.blocks_high * self.size * self.size)?;
        Ok(())
    }

    fn stride(&self) -> usize {
        self.blocks_wide * self.size
    }

    /// Of the samples, those of the block in this column and row and what comes after.
    fn block(&mut self, x: usize, y: usize) -> (&mut [u8], usize) {
        let stride = self.stride();
        (&mut self.samples[y * self.size * stride + x * self.size..], stride)
    }

    /// Coefficients to samples, once all scans are in.
    fn transform_coefficients(&mut self) -> Result<(), ImageError> {
        let table = self.table.ok_or_else(|| broken("a component has no data"))?;
        self.allocate_samples()?;
        let isa = Isa::detect();
        let coefficients = std::mem::take(&mut self.coefficients);
        let Region { x: left, y: top, width, height } = self.wanted_blocks;
        for y in top..top + height {
            for x in left..left + width {
                let block = &coefficients[(y * self.blocks_wide + x) * 64..][..64];
                let mut values = [0i32; 64];
                for ((value, &coefficient), &step) in values.iter_mut().zip(block).zip(&table) {
                    *value = i32::from(coefficient) * i32::from(step);
                }
                let detail = block[1..].iter().any(|&coefficient| coefficient != 0);
                let size = self.size;
                let (out, stride) = self.block(x, y);
                idct::inverse(isa, size, &values, detail, out, stride);
            }
        }
        Ok(())
    }
}

impl Scan {
    /// T.81 G.1.1.1.1.
    fn check_progression(&self) -> Result<(), ImageError> {
        let dc = self.start == 0;
        let right = self.start <= self.end
            && self.end < 64
            && self.low <= 13
            && if dc { self.end == 0 } else { self.parts.len() == 1 }
            && (self.high == 0 || self.high == self.low + 1);
        if right { Ok(()) } else { Err(broken("a progressive scan has impossible parameters")) }
    }
}

/// What a scan needs of the decoder.
struct Tables<'t> {
    dc: &'t [Option<Table>; 4],
    ac: &'t [Option<Table>; 4],
    restart_interval: usize,
}

impl Tables<'_> {
    fn dc(&self, part: Part) -> Result<&Table, ImageError> {
        let table = self.dc.get(part.dc_table).and_then(Option::as_ref);
        table.ok_or_else(|| broken("a Huffman table is missing"))
    }

    fn ac(&self, part: Part) -> Result<&Table, ImageError> {
        let table = self.ac.get(part.ac_table).and_then(Option::as_ref);
        table.ok_or_else(|| broken("a Huffman table is missing"))
    }
}

/// Counts units to the next restart marker.
struct Restarts {
    interval: usize,
    left: usize,
    next: u8,
}

impl Restarts {
    fn new(interval: usize) -> Self {
        Self { interval, left: interval, next: 0 }
    }

    /// Whether predictions begin anew before this unit.
    fn due(&mut self, bits: &mut Bits<'_>) -> Result<bool, ImageError> {
        if self.interval == 0 {
            return Ok(false);
        }
        if self.left == 0 {
            bits.restart(self.next)?;
            self.next = (self.next + 1) & 7;
            self.left = self.interval - 1;
            return Ok(true);
        }
        self.left -= 1;
        Ok(false)
    }
}

/// A component's part in a scan, with its tables.
#[derive(Clone, Copy)]
struct Coded<'t> {
    component: usize,
    dc: &'t Table,
    ac: &'t Table,
}

/// Baseline and extended: each block whole. `direct`: straight to samples, else kept as coefficients. Gives whether all of the
/// scan was read, which ends early where nothing further down is asked for.
fn sequential_scan(
    frame: &mut Frame,
    scan: &Scan,
    tables: &Tables<'_>,
    bits: &mut Bits<'_>,
    direct: bool,
) -> Result<bool, ImageError> {
    let (across, down) = frame.units(scan);
    let alone = scan.parts.len() == 1;
    let mut predictions = [0i32; 4];
    let mut restarts = Restarts::new(tables.restart_interval);
    let mut coded = Vec::new();
    for &part in &scan.parts {
        coded.push(Coded { component: part.component, dc: tables.dc(part)?, ac: tables.ac(part)? });
    }
    let last = |part: &Coded<'_>| {
        let component = &frame.components[part.component];
        let rows = component.wanted_blocks.y + component.wanted_blocks.height;
        rows.div_ceil(if alone { 1 } else { component.v })
    };
    let wanted = if direct { coded.iter().map(last).max().unwrap_or(down).min(down) } else { down };
    for unit_y in 0..wanted {
        unit_row(frame, &coded, bits, &mut restarts, &mut predictions, alone, direct, unit_y, across)?;
    }
    Ok(wanted == down)
}

vectorised! {
    /// One row of units.
    #[allow(clippy::too_many_arguments, reason = "the state of a scan")]
    fn unit_row(
        frame: &mut Frame,
        coded: &[Coded<'_>],
        bits: &mut Bits<'_>,
        restarts: &mut Restarts,
        predictions: &mut [i32; 4],
        alone: bool,
        direct: bool,
        unit_y: usize,
        across: usize,
    ) -> Result<(), ImageError> {
        let isa = Isa::detect();
        for unit_x in 0..across {
            if restarts.due(bits)? {
                *predictions = [0; 4];
            }
            for (&Coded { component, dc, ac }, prediction) in coded.iter().zip(predictions.iter_mut()) {
                let component = &mut frame.components[component];
                let (h, v) = if alone { (1, 1) } else { (component.h, component.v) };
                let Some(table) = component.table.as_ref() else { continue };
                for block in 0..h * v {
                    let (x, y) = (unit_x * h + block % h, unit_y * v + block / h);
                    if !direct {
                        let start = (y * component.blocks_wide + x) * 64;
                        let values = &mut component.coefficients[start..start + 64];
                        sequential_block(bits, dc, ac, prediction, |place, value| values[place] = value as i16)?;
                    } else if component.wanted_blocks.holds(x, y) {
                        let mut values = [0i32; 64];
                        let detail = sequential_block(bits, dc, ac, prediction, |place, value| {
                            values[place] = value * i32::from(table[place]);
                        })?;
                        let (size, stride) = (component.size, component.blocks_wide * component.size);
                        let out = &mut component.samples[y * size * stride + x * size..];
                        idct::inverse(isa, size, &values, detail, out, stride);
                    } else {
                        sequential_block(bits, dc, ac, prediction, |_, _| ())?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Decodes a block; gives whether it has more than its mean.
#[inline(always)]
fn sequential_block(
    shared: &mut Bits<'_>,
    dc: &Table,
    ac: &Table,
    prediction: &mut i32,
    mut set: impl FnMut(usize, i32),
) -> Result<bool, ImageError> {
    // A copy, so that it stays in registers.
    let mut bits = *shared;
    bits.refill();
    *prediction = prediction.wrapping_add(bits.difference(dc)?);
    // Coefficients are 16 bits wide in libjpeg, whatever a broken stream adds up to.
    set(0, i32::from(*prediction as i16));
    let mut k = 1;
    while k < 64 {
        bits.refill();
        let (run, value) = bits.run_and_value(ac)?;
        if value == 0 {
            if run != 15 {
                break;
            }
            k += 16;
            continue;
        }
        k += run;
        let Some(&place) = ZIGZAG.get(k) else {
            bits.check()?;
            return Err(too_many());
        };
        set(usize::from(place), value);
        k += 1;
    }
    bits.check()?;
    *shared = bits;
    Ok(k > 1)
}

#[cold]
fn too_many() -> ImageError {
    broken("a block has more than 64 coefficients")
}

fn progressive_scan(
    frame: &mut Frame,
    scan: &Scan,
    tables: &Tables<'_>,
    bits: &mut Bits<'_>,
) -> Result<(), ImageError> {
    let (across, down) = frame.units(scan);
    let alone = scan.parts.len() == 1;
    let mut restarts = Restarts::new(tables.restart_interval);
    let mut predictions = [0i32; 4];
    let mut end_of_band_run = 0u32;
    for unit_y in 0..down {
        for unit_x in 0..across {
            if restarts.due(bits)? {
                predictions = [0; 4];
                end_of_band_run = 0;
            }
            for (&part, prediction) in scan.parts.iter().zip(&mut predictions) {
                let component = &mut frame.components[part.component];
                let (h, v) = if alone { (1, 1) } else { (component.h, component.v) };
                for block in 0..h * v {
                    let (x, y) = (unit_x * h + block % h, unit_y * v + block / h);
                    let start = (y * component.blocks_wide + x) * 64;
                    let values = &mut component.coefficients[start..start + 64];
                    bits.refill();
                    match (scan.start, scan.high) {
                        (0, 0) => {
                            *prediction = prediction.wrapping_add(bits.difference(tables.dc(part)?)?);
                            values[0] = (*prediction << scan.low) as i16;
                        }
                        (0, _) => values[0] |= (bits.take(1) << scan.low) as i16,
                        (_, 0) => first_band(bits, tables.ac(part)?, scan, &mut end_of_band_run, values)?,
                        _ => refine_band(bits, tables.ac(part)?, scan, &mut end_of_band_run, values)?,
                    }
                    bits.check()?;
                }
            }
        }
    }
    Ok(())
}

/// First pass over a band of AC coefficients, T.81 G.1.2.2.
fn first_band(
    bits: &mut Bits<'_>,
    table: &Table,
    scan: &Scan,
    end_of_band_run: &mut u32,
    values: &mut [i16],
) -> Result<(), ImageError> {
    if *end_of_band_run > 0 {
        *end_of_band_run -= 1;
        return Ok(());
    }
    let mut k = scan.start;
    while k <= scan.end {
        bits.refill();
        let (run, value) = bits.run_and_value(table)?;
        if value == 0 {
            if run < 15 {
                *end_of_band_run = (1 << run) - 1 + bits.take(run as u32);
                break;
            }
            k += 16;
            continue;
        }
        k += run;
        let Some(&place) = ZIGZAG.get(k) else {
            bits.check()?;
            return Err(too_many());
        };
        values[usize::from(place)] = (value << scan.low) as i16;
        k += 1;
    }
    Ok(())
}

/// A further bit of a band of AC coefficients, T.81 G.1.2.3.
fn refine_band(
    bits: &mut Bits<'_>,
    table: &Table,
    scan: &Scan,
    end_of_band_run: &mut u32,
    values: &mut [i16],
) -> Result<(), ImageError> {
    let bit = 1i16 << scan.low;
    // One more bit for a coefficient that is known to be other than zero.
    let refine = |bits: &mut Bits<'_>, value: &mut i16| {
        bits.refill();
        if bits.take(1) == 1 && *value & bit == 0 {
            *value = value.wrapping_add(if *value >= 0 { bit } else { -bit });
        }
    };
    let mut k = scan.start;
    if *end_of_band_run == 0 {
        while k <= scan.end {
            bits.refill();
            let (mut run, size) = bits.run_and_size(table)?;
            let mut new = 0;
            match size {
                0 if run < 15 => {
                    *end_of_band_run = (1 << run) + bits.take(run as u32);
                    break;
                }
                0 => {}
                1 => new = if bits.take(1) == 1 { bit } else { -bit },
                _ => return Err(broken("a refined coefficient is larger than one bit")),
            }
            // Skip `run` coefficients that are still zero, refining the others on the way.
            while k <= scan.end {
                let value = &mut values[usize::from(ZIGZAG[k])];
                if *value != 0 {
                    refine(bits, value);
                } else if run == 0 {
                    *value = new;
                    k += 1;
                    break;
                } else {
                    run -= 1;
                }
                k += 1;
            }
        }
    }
    if *end_of_band_run > 0 {
        while k <= scan.end {
            let value = &mut values[usize::from(ZIGZAG[k])];
            if *value != 0 {
                refine(bits, value);
            }
            k += 1;
        }
        *end_of_band_run -= 1;
    }
    Ok(())
}

//! The scans of a JPEG: from coded bits to coefficients or samples.

use bakeoff_machine::{Isa, vectorised};

use super::broken::broken;
use super::frame::Frame;
use super::huffman::{Bits, Table};
use super::idct;
use crate::ImageError;

/// Natural position of the k-th coefficient in zigzag order.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A component's part in a scan.
#[derive(Clone, Copy)]
pub(super) struct ScanComponent {
    pub(super) component: usize,
    pub(super) dc_table: usize,
    pub(super) ac_table: usize,
}

/// The header of a scan.
pub(super) struct Scan {
    pub(super) parts: Vec<ScanComponent>,
    /// First and last coefficient, in zigzag order.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Bit position of the previous and of this approximation.
    pub(super) high: u32,
    pub(super) low: u32,
}

impl Scan {
    /// T.81 G.1.1.1.1.
    pub(super) fn check_progression(&self) -> Result<(), ImageError> {
        let dc = self.start == 0;
        let right = self.start <= self.end
            && self.end < 64
            && self.low <= 13
            && if dc { self.end == 0 } else { self.parts.len() == 1 }
            && (self.high == 0 || self.high == self.low + 1);
        if right { Ok(()) } else { Err(broken("a progressive scan has impossible parameters")) }
    }

    /// Units across and down in a scan.
    pub(super) fn units(&self, frame: &Frame) -> (usize, usize) {
        if let [part] = self.parts.as_slice() {
            let component = &frame.components[part.component];
            (component.blocks_across, component.blocks_down)
        } else {
            (frame.width.div_ceil(8 * frame.max_h), frame.height.div_ceil(8 * frame.max_v))
        }
    }
}

/// What a scan needs of the decoder.
pub(super) struct Tables<'t> {
    pub(super) dc: &'t [Option<Table>; 4],
    pub(super) ac: &'t [Option<Table>; 4],
    pub(super) restart_interval: usize,
}

impl Tables<'_> {
    pub(super) fn dc(&self, part: ScanComponent) -> Result<&Table, ImageError> {
        let table = self.dc.get(part.dc_table).and_then(Option::as_ref);
        table.ok_or_else(|| broken("a Huffman table is missing"))
    }

    pub(super) fn ac(&self, part: ScanComponent) -> Result<&Table, ImageError> {
        let table = self.ac.get(part.ac_table).and_then(Option::as_ref);
        table.ok_or_else(|| broken("a Huffman table is missing"))
    }
}

/// Counts units to the next restart marker.
pub(super) struct RestartCounter {
    pub(super) interval: usize,
    pub(super) left: usize,
    pub(super) next: u8,
}

impl RestartCounter {
    pub(super) fn new(interval: usize) -> Self {
        Self { interval, left: interval, next: 0 }
    }

    /// Whether predictions begin anew before this unit.
    pub(super) fn due(&mut self, bits: &mut Bits<'_>) -> Result<bool, ImageError> {
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
pub(super) struct CodedComponent<'t> {
    pub(super) component: usize,
    pub(super) dc: &'t Table,
    pub(super) ac: &'t Table,
}

/// Baseline and extended: each block whole. `direct`: straight to samples, else kept as coefficients. Gives whether all of the
/// scan was read, which ends early where nothing further down is asked for.
pub(super) fn sequential_scan(
    frame: &mut Frame,
    scan: &Scan,
    tables: &Tables<'_>,
    bits: &mut Bits<'_>,
    direct: bool,
) -> Result<bool, ImageError> {
    let (across, down) = scan.units(frame);
    let alone = scan.parts.len() == 1;
    let mut predictions = [0i32; 4];
    let mut restarts = RestartCounter::new(tables.restart_interval);
    let mut coded = Vec::new();
    for &part in &scan.parts {
        coded.push(CodedComponent { component: part.component, dc: tables.dc(part)?, ac: tables.ac(part)? });
    }
    let last = |part: &CodedComponent<'_>| {
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
        coded: &[CodedComponent<'_>],
        bits: &mut Bits<'_>,
        restarts: &mut RestartCounter,
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
            for (&CodedComponent { component, dc, ac }, prediction) in coded.iter().zip(predictions.iter_mut()) {
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
pub(super) fn sequential_block(
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
pub(super) fn too_many() -> ImageError {
    broken("a block has more than 64 coefficients")
}

pub(super) fn progressive_scan(
    frame: &mut Frame,
    scan: &Scan,
    tables: &Tables<'_>,
    bits: &mut Bits<'_>,
) -> Result<(), ImageError> {
    let (across, down) = scan.units(frame);
    let alone = scan.parts.len() == 1;
    let mut restarts = RestartCounter::new(tables.restart_interval);
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
pub(super) fn first_band(
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
pub(super) fn refine_band(
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

//! Bits out of entropy-coded data, and the codes they make.

use super::broken::{breaks_off, broken};
use crate::ImageError;

/// Codes up to this length are found by one look-up.
const LOOK: u32 = 10;

/// A Huffman table.
pub(super) struct Table {
    /// By the next [`LOOK`] bits: length << 8 | symbol; zero where the code is longer.
    quick: Box<[u16; 1 << LOOK]>,
    /// By the next [`LOOK`] bits, where code and coefficient both fit: value << 16 | run << 8 | total length. Zero elsewhere.
    whole: Box<[i32; 1 << LOOK]>,
    /// By length: one more than the last code, aligned to 16 bits.
    limits: [u32; 17],
    /// By length: index of the first symbol minus the first code.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// From the number of codes of each length, 1 to 16, and their symbols. `None` where there is no such code.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        if symbols.len() > 256 {
            return None;
        }
        let mut table = Self {
            quick: Box::new([0; 1 << LOOK]),
            whole: Box::new([0; 1 << LOOK]),
            limits: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut index) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = usize::from(counts[length as usize - 1]);
            table.offsets[length as usize] = index as i32 - code as i32;
            for &symbol in &symbols[index..index + count] {
                if code >= 1 << length {
                    return None;
                }
                if length <= LOOK {
                    let first = (code << (LOOK - length)) as usize;
                    for entry in first..first + (1 << (LOOK - length)) {
                        table.quick[entry] = (length << 8) as u16 | u16::from(symbol);
                    }
                }
                code += 1;
            }
            index += count;
            table.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        for bits in 0..1u32 << LOOK {
            let entry = table.quick[bits as usize];
            let (length, size) = (u32::from(entry >> 8), u32::from(entry & 15));
            if length > 0 && length + size <= LOOK {
                let magnitude = (bits >> (LOOK - length - size)) & ((1 << size) - 1);
                let run = i32::from((entry >> 4) & 15);
                table.whole[bits as usize] =
                    extend(magnitude, size) << 16 | run << 8 | (length + size) as i32;
            }
        }
        Some(table)
    }
}

/// T.81 F.2.2.1: the value of `size` extra bits.
#[inline]
fn extend(bits: u32, size: u32) -> i32 {
    let value = bits as i32;
    if size > 0 && bits >> (size - 1) == 0 { value - (1 << size) + 1 } else { value }
}

/// The bits of one scan, up to the next marker.
///
/// Taking more than there are is not noticed at once: zeros come, `count` falls below zero, and [`Bits::check`] says so.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
    /// The next bits, from the top; what lies below the `count`th is zero or what will come.
    window: u64,
    count: i32,
}

/// More than one code with its extra bits can take.
const ENOUGH: i32 = 32;

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, window: 0, count: 0 }
    }

    /// Bytes looked at: the next marker is there or later.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Makes enough bits available for one code and what belongs to it, or all there are before the next marker.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if self.count >= ENOUGH {
            return;
        }
        if let Some(next) = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_be_bytes(*next);
            // No byte is 0xFF: nothing is stuffed and no marker begins.
            let inverted = !word;
            let has_ff = inverted.wrapping_sub(0x0101_0101_0101_0101) & !inverted & 0x8080_8080_8080_8080;
            if has_ff == 0 && self.count >= 0 {
                self.window |= word >> self.count;
                let bytes = (63 - self.count) / 8;
                self.position += bytes as usize;
                self.count += bytes * 8;
                return;
            }
        }
        self.refill_slowly();
    }

    #[cold]
    #[inline(never)]
    fn refill_slowly(&mut self) {
        if self.count < 0 {
            return;
        }
        // Bits of bytes not yet counted may lie below: they are read again here.
        self.window &= !(u64::MAX.checked_shr(self.count as u32).unwrap_or(0));
        while self.count <= 56 {
            let Some(&byte) = self.bytes.get(self.position) else { return };
            let mut length = 1;
            if byte == 0xFF {
                match self.bytes.get(self.position + 1) {
                    Some(0) => length = 2,
                    _ => return,
                }
            }
            self.position += length;
            self.window |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count as i32;
    }

    /// An error where more bits were taken than there are.
    #[inline(always)]
    pub(super) fn check(&self) -> Result<(), ImageError> {
        if self.count < 0 { Err(self.dry()) } else { Ok(()) }
    }

    #[cold]
    fn dry(&self) -> ImageError {
        if self.position + 1 >= self.bytes.len() {
            breaks_off()
        } else {
            broken("the picture breaks off before its end: data is missing")
        }
    }

    /// The next bits as a number; at most 16.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        // In two steps: none at all would be a shift by the whole width.
        let value = (self.window >> 1 >> (63 - count)) as u32;
        self.skip(count);
        value
    }

    #[inline(always)]
    fn symbol(&mut self, table: &Table) -> Result<u8, ImageError> {
        let entry = table.quick[(self.window >> (64 - LOOK)) as usize];
        if entry != 0 {
            self.skip(u32::from(entry >> 8));
            return Ok(entry as u8);
        }
        self.long_symbol(table)
    }

    #[inline(never)]
    fn long_symbol(&mut self, table: &Table) -> Result<u8, ImageError> {
        let next = (self.window >> 48) as u32;
        for length in LOOK + 1..=16 {
            if next < table.limits[length as usize] {
                let code = (next >> (16 - length)) as i32;
                let index = usize::try_from(code + table.offsets[length as usize]).ok();
                let symbol = index.and_then(|index| table.symbols.get(index)).copied();
                self.skip(length);
                self.check()?;
                return symbol.ok_or_else(|| broken("its data holds an impossible code"));
            }
        }
        if self.count < 16 { Err(self.dry()) } else { Err(broken("its data holds an impossible code")) }
    }

    /// A difference of means.
    #[inline(always)]
    pub(super) fn difference(&mut self, table: &Table) -> Result<i32, ImageError> {
        let size = u32::from(self.symbol(table)?);
        if size > 15 {
            return Err(broken("its data holds an impossible code"));
        }
        Ok(extend(self.take(size), size))
    }

    /// Zeros to skip and the coefficient after them. Zero with a run of 15 is sixteen zeros; with a shorter run it ends
    /// a band.
    #[inline(always)]
    pub(super) fn run_and_value(&mut self, table: &Table) -> Result<(usize, i32), ImageError> {
        let whole = table.whole[(self.window >> (64 - LOOK)) as usize];
        if whole != 0 {
            self.skip((whole & 0xFF) as u32);
            return Ok(((whole >> 8 & 0xFF) as usize, whole >> 16));
        }
        let (run, size) = self.run_and_size(table)?;
        Ok((run, extend(self.take(size), size)))
    }

    #[inline(always)]
    pub(super) fn run_and_size(&mut self, table: &Table) -> Result<(usize, u32), ImageError> {
        let symbol = self.symbol(table)?;
        Ok((usize::from(symbol >> 4), u32::from(symbol & 15)))
    }

    /// Goes past the restart marker of this number, which must come next.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), ImageError> {
        self.window = 0;
        self.count = 0;
        // Bytes before the marker that nothing needed are passed over.
        loop {
            match self.bytes.get(self.position..).unwrap_or_default() {
                [0xFF, marker, ..] if !matches!(marker, 0 | 0xFF) => {
                    if *marker != 0xD0 + number {
                        return Err(broken("a restart marker is missing: data is missing"));
                    }
                    self.position += 2;
                    return Ok(());
                }
                [_, _, ..] => self.position += 1,
                _ => return Err(breaks_off()),
            }
        }
    }
}

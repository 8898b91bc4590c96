//! The picture of a JPEG and its components: which part of them is asked for, their coefficients and samples.

use bakeoff_machine::Isa;

use super::super::picture::{Request, zeros};
use super::broken::broken;
use super::idct;
use crate::{ImageError, Region};

/// How the samples are to be read as colours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    Rgb,
    YCbCr,
    Cmyk,
    Ycck,
}

/// One component of the frame: luma, a chroma, an ink.
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors, 1–4.
    pub(super) h: usize,
    pub(super) v: usize,
    pub(super) quantisation: usize,
    /// Blocks that hold a part of the picture.
    pub(super) blocks_across: usize,
    pub(super) blocks_down: usize,
    /// Blocks allocated: whole units, so that interleaved scans need no edge cases.
    pub(super) blocks_wide: usize,
    pub(super) blocks_high: usize,
    /// Samples that a block becomes, across and down: 8, or fewer of a reduced picture.
    pub(super) size: usize,
    /// Samples that belong to the (reduced) picture.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Samples that are asked for.
    pub(super) wanted: Region,
    /// Blocks that hold them.
    pub(super) wanted_blocks: Region,
    /// The table at the component's first scan; later redefinitions do not count.
    pub(super) table: Option<[u16; 64]>,
    /// Coefficients in natural order, of images that come in several scans.
    pub(super) coefficients: Vec<i16>,
    /// Samples, `blocks_wide * 8` a row.
    pub(super) samples: Vec<u8>,
}

/// The frame header.
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) progressive: bool,
    /// What is decoded; known at the first scan.
    pub(super) request: Option<Request>,
    pub(super) max_h: usize,
    pub(super) max_v: usize,
    pub(super) components: Vec<Component>,
}

impl Frame {
    /// Settles what is decoded: which part of a picture of which size, and what of each component that takes.
    pub(super) fn ask_for(&mut self, mut request: Request) {
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

    pub(super) fn allocate_coefficients(&mut self) -> Result<(), ImageError> {
        for component in &mut self.components {
            if component.coefficients.is_empty() {
                component.coefficients = zeros(component.blocks_wide * component.blocks_high * 64)?;
            }
        }
        Ok(())
    }
}

impl Component {
    pub(super) fn allocate_samples(&mut self) -> Result<(), ImageError> {
        self.samples = zeros(self.blocks_wide * self.blocks_high * self.size * self.size)?;
        Ok(())
    }

    pub(super) fn stride(&self) -> usize {
        self.blocks_wide * self.size
    }

    /// Of the samples, those of the block in this column and row and what comes after.
    pub(super) fn block(&mut self, x: usize, y: usize) -> (&mut [u8], usize) {
        let stride = self.stride();
        (&mut self.samples[y * self.size * stride + x * self.size..], stride)
    }

    /// Coefficients to samples, once all scans are in.
    pub(super) fn transform_coefficients(&mut self) -> Result<(), ImageError> {
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

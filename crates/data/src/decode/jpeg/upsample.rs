//! Chroma to full size with libjpeg's triangle filter (`jdsample.c`), and samples to RGB (`jdcolor.c`).

use super::super::picture::cmyk_to_rgb;
use super::frame::{Colours, Component, Frame};
use crate::Region;
use bakeoff_machine::{Isa, vectorised};

/// A region of the frame as RGB bytes.
pub(super) fn to_rgb(frame: &Frame, colours: Colours, region: Region) -> Vec<u8> {
    let mut rows: Vec<Row<'_>> =
        frame.components.iter().map(|component| Row::new(frame, component)).collect();
    let mut out = vec![0; region.width * region.height * 3];
    for (y, out) in out.chunks_exact_mut(region.width * 3).enumerate() {
        for row in &mut rows {
            row.upsample(region.y + y);
        }
        match (colours, rows.as_slice()) {
            (Colours::Grey, [grey]) => {
                for (pixel, &grey) in out.as_chunks_mut::<3>().0.iter_mut().zip(grey.samples(region)) {
                    *pixel = [grey; 3];
                }
            }
            (Colours::Rgb, [r, g, b]) => {
                let samples = r.samples(region).iter().zip(g.samples(region)).zip(b.samples(region));
                for (pixel, ((&r, &g), &b)) in out.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
                    *pixel = [r, g, b];
                }
            }
            (_, [y, cb, cr]) => ycbcr_row(y.samples(region), cb.samples(region), cr.samples(region), out),
            (_, [c, m, y, k]) => {
                let inks = c.samples(region).iter().zip(m.samples(region));
                let inks = inks.zip(y.samples(region)).zip(k.samples(region));
                for (pixel, (((&c, &m), &y), &k)) in out.as_chunks_mut::<3>().0.iter_mut().zip(inks) {
                    // Photoshop writes inks inverted, and Pillow takes all four-component JPEGs to be so.
                    *pixel = if colours == Colours::Ycck {
                        let [r, g, b] = ycbcr_to_rgb(c, m, y);
                        cmyk_to_rgb([r, g, b, 255 - k])
                    } else {
                        cmyk_to_rgb([255 - c, 255 - m, 255 - y, 255 - k])
                    };
                }
            }
            _ => {}
        }
    }
    out
}

fn ycbcr_row(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    match Isa::detect() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has at least AVX2.
        Isa::Avx512 | Isa::Avx2 => unsafe { avx2::ycbcr_row(y, cb, cr, out) },
        Isa::Portable => ycbcr_row_portable(y, cb, cr, out),
    }
}

/// Pixels converted at a time.
const LANES: usize = 16;

fn ycbcr_row_portable(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    let (wide, rest) = out.as_chunks_mut::<{ 3 * LANES }>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    let (cb, cb_rest) = cb.as_chunks::<LANES>();
    let (cr, cr_rest) = cr.as_chunks::<LANES>();
    for (((out, y), cb), cr) in wide.iter_mut().zip(y).zip(cb).zip(cr) {
        // First planes, then pixels: so that the arithmetic is done on whole vectors.
        let (mut r, mut g, mut b) = ([0; LANES], [0; LANES], [0; LANES]);
        for lane in 0..LANES {
            [r[lane], g[lane], b[lane]] = ycbcr_to_rgb(y[lane], cb[lane], cr[lane]);
        }
        for (lane, pixel) in out.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [r[lane], g[lane], b[lane]];
        }
    }
    for (((pixel, &y), &cb), &cr) in
        rest.as_chunks_mut::<3>().0.iter_mut().zip(y_rest).zip(cb_rest).zip(cr_rest)
    {
        *pixel = ycbcr_to_rgb(y, cb, cr);
    }
}

/// The arithmetic of [`ycbcr_to_rgb`], 32 pixels at a time.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    const LANES: usize = 32;

    #[target_feature(enable = "avx2")]
    pub(super) fn ycbcr_row(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
        let width = out.len() / 3;
        if width < LANES {
            return super::ycbcr_row_portable(y, cb, cr, out);
        }
        let mut start = 0;
        loop {
            let pixels = start..start + LANES;
            let rgb = ycbcr_32(&y[pixels.clone()], &cb[pixels.clone()], &cr[pixels]);
            for (out, part) in out[start * 3..(start + LANES) * 3].as_chunks_mut::<32>().0.iter_mut().zip(rgb)
            {
                // SAFETY: 32 bytes.
                unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), part) };
            }
            if start + LANES == width {
                return;
            }
            // The last ones overlap those before them.
            start = (start + LANES).min(width - LANES);
        }
    }

    /// 32 pixels, in three registers.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn ycbcr_32(y: &[u8], cb: &[u8], cr: &[u8]) -> [__m256i; 3] {
        let load = |from: &[u8]| {
            assert!(from.len() == LANES);
            // SAFETY: 32 bytes.
            unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
        };
        let (y, cb, cr) = (load(y), load(cb), load(cr));
        let zero = _mm256_setzero_si256();
        let low = |bytes| _mm256_unpacklo_epi8(bytes, zero);
        let high = |bytes| _mm256_unpackhi_epi8(bytes, zero);
        let [r0, g0, b0] = convert(low(y), low(cb), low(cr));
        let [r1, g1, b1] = convert(high(y), high(cb), high(cr));
        interleave(_mm256_packus_epi16(r0, r1), _mm256_packus_epi16(g0, g1), _mm256_packus_epi16(b0, b1))
    }

    /// Sixteen 16-bit values each, not clamped.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn convert(y: __m256i, cb: __m256i, cr: __m256i) -> [__m256i; 3] {
        let centre = _mm256_set1_epi16(128);
        let (cb, cr) = (_mm256_sub_epi16(cb, centre), _mm256_sub_epi16(cr, centre));
        let twice = |value| _mm256_add_epi16(value, value);
        let scaled = |value, factor| {
            let product = _mm256_mulhi_epi16(twice(value), _mm256_set1_epi16(factor));
            _mm256_srai_epi16::<1>(_mm256_add_epi16(product, _mm256_set1_epi16(1)))
        };
        let r = _mm256_add_epi16(_mm256_add_epi16(y, cr), scaled(cr, 26345));
        let b = _mm256_add_epi16(_mm256_add_epi16(y, twice(cb)), scaled(cb, -14942));
        // -22554 for cb below, 18734 for cr above.
        let factors = _mm256_set1_epi32(18734 << 16 | 0xFFFF & -22554);
        let mixed = |pairs| {
            let sum = _mm256_add_epi32(_mm256_madd_epi16(pairs, factors), _mm256_set1_epi32(1 << 15));
            _mm256_srai_epi32::<16>(sum)
        };
        let mixed =
            _mm256_packs_epi32(mixed(_mm256_unpacklo_epi16(cb, cr)), mixed(_mm256_unpackhi_epi16(cb, cr)));
        let g = _mm256_add_epi16(_mm256_sub_epi16(y, cr), mixed);
        [r, g, b]
    }

    /// Planes to pixels.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn interleave(r: __m256i, g: __m256i, b: __m256i) -> [__m256i; 3] {
        /// Where the bytes of one plane go in the `part`th third of 16 pixels.
        const fn places(channel: usize, part: usize) -> [i8; 16] {
            let mut order = [-1; 16];
            let mut byte = 0;
            while byte < 16 {
                let at = part * 16 + byte;
                if at % 3 == channel {
                    order[byte] = (at / 3) as i8;
                }
                byte += 1;
            }
            order
        }
        const ORDERS: [[[i8; 16]; 3]; 3] = {
            let mut orders = [[[0; 16]; 3]; 3];
            let mut part = 0;
            while part < 3 {
                orders[part] = [places(0, part), places(1, part), places(2, part)];
                part += 1;
            }
            orders
        };
        let third = |part: usize| {
            let place = |plane, channel: usize| {
                // SAFETY: sixteen bytes.
                let order = unsafe { _mm_loadu_si128(ORDERS[part][channel].as_ptr().cast()) };
                _mm256_shuffle_epi8(plane, _mm256_broadcastsi128_si256(order))
            };
            _mm256_or_si256(_mm256_or_si256(place(r, 0), place(g, 1)), place(b, 2))
        };
        // Each holds a third of the first sixteen pixels and a third of the others.
        let (a, b, c) = (third(0), third(1), third(2));
        [
            _mm256_permute2x128_si256::<0x20>(a, b),
            _mm256_permute2x128_si256::<0x30>(c, a),
            _mm256_permute2x128_si256::<0x31>(b, c),
        ]
    }
}

/// `jdcolor.c` in 16-bit arithmetic: the products are those of 1.402, 0.34414, 0.71414 and 1.772 in 16-bit fixed point,
/// their whole parts added apart, rounded where libjpeg rounds.
#[inline(always)]
fn ycbcr_to_rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i16::from(y), i16::from(cb) - 128, i16::from(cr) - 128);
    // value * factor / 65536, rounded.
    let scaled =
        |value: i16, factor: i16| ((((i32::from(2 * value) * i32::from(factor)) >> 16) as i16) + 1) >> 1;
    let r = y + cr + scaled(cr, 26345);
    let b = y + 2 * cb + scaled(cb, -14942);
    let mixed = i32::from(cb) * -22554 + i32::from(cr) * 18734 + (1 << 15);
    let g = y - cr + (mixed >> 16) as i16;
    [r.clamp(0, 255) as u8, g.clamp(0, 255) as u8, b.clamp(0, 255) as u8]
}

/// How a component is brought to full size.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    /// It has full size.
    None,
    /// Triangle filter, twice as wide.
    Wide,
    /// Triangle filter, twice as high.
    High,
    /// Triangle filter, twice as wide and high.
    Both,
    /// Each sample repeated so many times across and down.
    Repeat(usize, usize),
}

/// One component, a row at a time: the columns that are asked for.
struct Row<'a> {
    component: &'a Component,
    method: Method,
    /// Full-size columns a sample becomes.
    wide: usize,
    /// Vertical sums.
    sums: Vec<u16>,
    full: Vec<u8>,
    at: usize,
}

impl<'a> Row<'a> {
    fn new(frame: &Frame, component: &'a Component) -> Self {
        let least = frame.components.iter().map(|component| component.size).min().unwrap_or(8);
        let wide = frame.max_h * least / (component.h * component.size);
        let high = frame.max_v * least / (component.v * component.size);
        // libjpeg's filter needs three columns, and is left out of pictures of a sample a block.
        let filters = component.width > 2 && least > 1;
        let method = match (wide, high) {
            (1, 1) => Method::None,
            (2, 1) if filters => Method::Wide,
            (1, 2) if least > 1 => Method::High,
            (2, 2) if filters => Method::Both,
            _ => Method::Repeat(wide, high),
        };
        let columns = component.wanted.width;
        let full = if method == Method::None { Vec::new() } else { vec![0; columns * wide] };
        Self { component, method, wide, sums: vec![0; columns], full, at: 0 }
    }

    /// The samples of a region's columns in the row that was upsampled last.
    fn samples(&self, region: Region) -> &[u8] {
        let row = if self.method == Method::None { self.source(self.at) } else { &self.full };
        let first = region.x - self.component.wanted.x * self.wide;
        &row[first..first + region.width]
    }

    fn source(&self, row: usize) -> &'a [u8] {
        let Region { x, width, .. } = self.component.wanted;
        let start = row.min(self.component.height - 1) * self.component.stride() + x;
        &self.component.samples[start..start + width]
    }

    /// The nearer and the farther source row of a row of twice the height.
    fn two_rows(&self, y: usize) -> (&'a [u8], &'a [u8]) {
        let near = y / 2;
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
        (self.source(near), self.source(far))
    }

    fn upsample(&mut self, y: usize) {
        self.at = y;
        match self.method {
            Method::None => {}
            Method::Wide => twice_as_wide(self.source(y), &mut self.full),
            Method::High => {
                let (near, far) = self.two_rows(y);
                let half = if y.is_multiple_of(2) { 1 } else { 2 };
                for ((out, &near), &far) in self.full.iter_mut().zip(near).zip(far) {
                    *out = ((3 * u16::from(near) + u16::from(far) + half) >> 2) as u8;
                }
            }
            Method::Both => {
                let (near, far) = self.two_rows(y);
                twice_as_large(near, far, &mut self.sums, &mut self.full);
            }
            Method::Repeat(wide, high) => {
                let source = self.source(y / high);
                for (out, &sample) in self.full.chunks_exact_mut(wide).zip(source) {
                    out.fill(sample);
                }
            }
        }
    }
}

vectorised! {
    fn twice_as_wide(source: &[u8], out: &mut [u8]) {
        let last = source.len() - 1;
        let pairs = out.as_chunks_mut::<2>().0;
        for (pair, three) in pairs[1..last].iter_mut().zip(source.windows(3)) {
            let centre = 3 * u16::from(three[1]);
            let left = (centre + u16::from(three[0]) + 1) >> 2;
            let right = (centre + u16::from(three[2]) + 2) >> 2;
            *pair = (left | right << 8).to_le_bytes();
        }
        let blend = |a: u8, b: u8, half: u16| ((3 * u16::from(a) + u16::from(b) + half) >> 2) as u8;
        pairs[0] = [source[0], blend(source[0], source[1], 2)];
        pairs[last] = [blend(source[last], source[last - 1], 1), source[last]];
    }
}

vectorised! {
    fn twice_as_large(near: &[u8], far: &[u8], sums: &mut [u16], out: &mut [u8]) {
        for ((sum, &near), &far) in sums.iter_mut().zip(near).zip(far) {
            *sum = 3 * u16::from(near) + u16::from(far);
        }
        let last = sums.len() - 1;
        let pairs = out.as_chunks_mut::<2>().0;
        for (pair, three) in pairs[1..last].iter_mut().zip(sums.windows(3)) {
            let left = (3 * three[1] + three[0] + 8) >> 4;
            let right = (3 * three[1] + three[2] + 7) >> 4;
            *pair = (left | right << 8).to_le_bytes();
        }
        pairs[0] = [((4 * sums[0] + 8) >> 4) as u8, ((3 * sums[0] + sums[1] + 7) >> 4) as u8];
        pairs[last] =
            [((3 * sums[last] + sums[last - 1] + 8) >> 4) as u8, ((4 * sums[last] + 7) >> 4) as u8];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_same_colours_for_rows_of_any_length() {
        let bytes = |seed: usize, n: usize| -> Vec<u8> {
            (0..n).map(|i| (i * i * 31 + i * seed + seed) as u8).collect()
        };
        for width in [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200, 331] {
            let (y, cb, cr) = (bytes(3, width), bytes(77, width), bytes(191, width));
            let (mut ours, mut plain) = (vec![0; width * 3], vec![0; width * 3]);
            ycbcr_row(&y, &cb, &cr, &mut ours);
            ycbcr_row_portable(&y, &cb, &cr, &mut plain);
            assert_eq!(ours, plain, "{width}");
            for (pixel, x) in plain.as_chunks::<3>().0.iter().zip(0..) {
                assert_eq!(*pixel, ycbcr_to_rgb(y[x], cb[x], cr[x]));
            }
        }
    }

    #[test]
    fn sixteen_bit_arithmetic_gives_libjpegs_colours_for_every_chroma() {
        // The tables of jdcolor.c.
        let clamp = |value: i32| value.clamp(0, 255) as u8;
        for cb in 0..=255u8 {
            for cr in 0..=255u8 {
                let (b, r) = (i32::from(cb) - 128, i32::from(cr) - 128);
                let half = 1 << 15;
                let (red, blue) = ((91881 * r + half) >> 16, (116130 * b + half) >> 16);
                let green = (-22554 * b - 46802 * r + half) >> 16;
                for y in [0u8, 1, 77, 128, 254, 255] {
                    let expected = [red, green, blue].map(|value| clamp(i32::from(y) + value));
                    assert_eq!(ycbcr_to_rgb(y, cb, cr), expected, "{y} {cb} {cr}");
                }
            }
        }
    }
}

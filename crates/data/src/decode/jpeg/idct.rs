//! The inverse discrete cosine transform of libjpeg's `jidctint.c` ("islow"): Loeffler, Ligtenberg and Moschytz (ICASSP
//! 1989) in 13-bit fixed point, columns first, with two extra bits kept between the passes. And its short forms for reduced
//! pictures, 4×4, 2×2 and 1×1 samples a block (`jidctred.c`), which take the same low frequencies and nothing else.

use bakeoff_machine::Isa;

const BITS: u32 = 13;
const EXTRA: u32 = 2;

/// Fixed-point constants, as `FIX(x)` rounds them.
const C0_298: i32 = 2446;
const C0_390: i32 = 3196;
const C0_541: i32 = 4433;
const C0_765: i32 = 6270;
const C0_899: i32 = 7373;
const C1_175: i32 = 9633;
const C1_501: i32 = 12299;
const C1_847: i32 = 15137;
const C1_961: i32 = 16069;
const C2_053: i32 = 16819;
const C2_562: i32 = 20995;
const C3_072: i32 = 25172;

/// One pass over eight values, results scaled up by 2^13.
#[inline(always)]
fn pass(v: [i32; 8]) -> [i32; 8] {
    // Wrapping: only the impossible coefficients of broken streams come near the ends of an i32.
    let mul = i32::wrapping_mul;
    let add = i32::wrapping_add;
    let sub = i32::wrapping_sub;

    let z1 = mul(add(v[2], v[6]), C0_541);
    let even2 = sub(z1, mul(v[6], C1_847));
    let even3 = add(z1, mul(v[2], C0_765));
    let even0 = add(v[0], v[4]).wrapping_shl(BITS);
    let even1 = sub(v[0], v[4]).wrapping_shl(BITS);
    let (t10, t13) = (add(even0, even3), sub(even0, even3));
    let (t11, t12) = (add(even1, even2), sub(even1, even2));

    let z5 = mul(add(add(v[7], v[3]), add(v[5], v[1])), C1_175);
    let z1 = mul(add(v[7], v[1]), -C0_899);
    let z2 = mul(add(v[5], v[3]), -C2_562);
    let z3 = add(mul(add(v[7], v[3]), -C1_961), z5);
    let z4 = add(mul(add(v[5], v[1]), -C0_390), z5);
    let t0 = add(mul(v[7], C0_298), add(z1, z3));
    let t1 = add(mul(v[5], C2_053), add(z2, z4));
    let t2 = add(mul(v[3], C3_072), add(z2, z3));
    let t3 = add(mul(v[1], C1_501), add(z1, z4));

    [
        add(t10, t3),
        add(t11, t2),
        add(t12, t1),
        add(t13, t0),
        sub(t13, t0),
        sub(t12, t1),
        sub(t11, t2),
        sub(t10, t3),
    ]
}

#[inline(always)]
fn descale(value: i32, bits: u32) -> i32 {
    value.wrapping_add(1 << (bits - 1)) >> bits
}

#[inline(always)]
fn sample(value: i32) -> u8 {
    value.saturating_add(128).clamp(0, 255) as u8
}

/// Dequantised coefficients in natural order to `size`×`size` samples, 8, 4, 2 or 1. Without `detail` only the mean is looked at.
#[inline(always)]
pub(super) fn inverse(isa: Isa, size: usize, block: &[i32; 64], detail: bool, out: &mut [u8], stride: usize) {
    if !detail || size == 1 {
        // What both passes come to when there is nothing but the mean.
        let mean = sample(descale(block[0].wrapping_shl(EXTRA), EXTRA + 3));
        for row in out.chunks_mut(stride).take(size) {
            row[..size].fill(mean);
        }
        return;
    }
    match (size, isa) {
        (4, _) => reduced::<4>(block, half, 1, out, stride),
        (2, _) => reduced::<2>(block, quarter, 2, out, stride),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has at least AVX2.
        (_, Isa::Avx512 | Isa::Avx2) => unsafe { avx2::inverse(block, out, stride) },
        (_, Isa::Portable) => portable(block, out, stride),
    }
}

/// Two passes of a short transform, whose results are scaled up by 2^13 and `more` bits.
fn reduced<const SIZE: usize>(
    block: &[i32; 64],
    pass: fn([i32; 8]) -> [i32; SIZE],
    more: u32,
    out: &mut [u8],
    stride: usize,
) {
    let mut between = [[0i32; 8]; SIZE];
    for column in 0..8 {
        let values = std::array::from_fn(|row| block[row * 8 + column]);
        for (row, value) in between.iter_mut().zip(pass(values)) {
            row[column] = descale(value, BITS - EXTRA + more);
        }
    }
    for (row, values) in out.chunks_mut(stride).zip(between) {
        for (pixel, value) in row[..SIZE].iter_mut().zip(pass(values)) {
            *pixel = sample(descale(value, BITS + EXTRA + 3 + more));
        }
    }
}

/// Eight frequencies to four samples.
fn half(v: [i32; 8]) -> [i32; 4] {
    let sum = |terms: &[(usize, i32)]| {
        terms.iter().fold(0i32, |sum, &(k, factor)| sum.wrapping_add(v[k].wrapping_mul(factor)))
    };
    let mean = v[0].wrapping_shl(BITS + 1);
    let even = sum(&[(2, C1_847), (6, -C0_765)]);
    let inner = sum(&[(7, -1730), (5, 11893), (3, -17799), (1, 8697)]);
    let outer = sum(&[(7, -4176), (5, -4926), (3, C0_899), (1, C2_562)]);
    let (a, b) = (mean.wrapping_add(even), mean.wrapping_sub(even));
    [a.wrapping_add(outer), b.wrapping_add(inner), b.wrapping_sub(inner), a.wrapping_sub(outer)]
}

/// Eight frequencies to two samples.
fn quarter(v: [i32; 8]) -> [i32; 2] {
    let odd = [(7, -5906), (5, 6967), (3, -10426), (1, 29692)];
    let odd = odd.iter().fold(0i32, |sum, &(k, factor)| sum.wrapping_add(v[k].wrapping_mul(factor)));
    let mean = v[0].wrapping_shl(BITS + 2);
    [mean.wrapping_add(odd), mean.wrapping_sub(odd)]
}

fn portable(block: &[i32; 64], out: &mut [u8], stride: usize) {
    let mut between = [0i32; 64];
    for column in 0..8 {
        let at = |row: usize| block[row * 8 + column];
        let values = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
        let result = pass(values).map(|value| descale(value, BITS - EXTRA));
        for (row, value) in result.into_iter().enumerate() {
            between[row * 8 + column] = value;
        }
    }
    for (row, values) in out.chunks_mut(stride).zip(between.as_chunks::<8>().0) {
        let result = pass(*values);
        for (pixel, value) in row[..8].iter_mut().zip(result) {
            *pixel = sample(descale(value, BITS + EXTRA + 3));
        }
    }
}

/// The same arithmetic, eight columns or rows at a time.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::*;

    type Rows = [__m256i; 8];

    #[inline]
    #[target_feature(enable = "avx2")]
    fn pass(v: Rows) -> Rows {
        let mul = |a, b| _mm256_mullo_epi32(a, _mm256_set1_epi32(b));
        let add = |a, b| _mm256_add_epi32(a, b);
        let sub = |a, b| _mm256_sub_epi32(a, b);

        let z1 = mul(add(v[2], v[6]), C0_541);
        let even2 = sub(z1, mul(v[6], C1_847));
        let even3 = add(z1, mul(v[2], C0_765));
        let even0 = _mm256_slli_epi32::<{ BITS as i32 }>(add(v[0], v[4]));
        let even1 = _mm256_slli_epi32::<{ BITS as i32 }>(sub(v[0], v[4]));
        let (t10, t13) = (add(even0, even3), sub(even0, even3));
        let (t11, t12) = (add(even1, even2), sub(even1, even2));

        let z5 = mul(add(add(v[7], v[3]), add(v[5], v[1])), C1_175);
        let z1 = mul(add(v[7], v[1]), -C0_899);
        let z2 = mul(add(v[5], v[3]), -C2_562);
        let z3 = add(mul(add(v[7], v[3]), -C1_961), z5);
        let z4 = add(mul(add(v[5], v[1]), -C0_390), z5);
        let t0 = add(mul(v[7], C0_298), add(z1, z3));
        let t1 = add(mul(v[5], C2_053), add(z2, z4));
        let t2 = add(mul(v[3], C3_072), add(z2, z3));
        let t3 = add(mul(v[1], C1_501), add(z1, z4));

        [
            add(t10, t3),
            add(t11, t2),
            add(t12, t1),
            add(t13, t0),
            sub(t13, t0),
            sub(t12, t1),
            sub(t11, t2),
            sub(t10, t3),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn transpose(v: Rows) -> Rows {
        let pairs = |a, b| (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let fours = |a, b| (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let ((a0, a1), (a2, a3)) = (pairs(v[0], v[1]), pairs(v[2], v[3]));
        let ((a4, a5), (a6, a7)) = (pairs(v[4], v[5]), pairs(v[6], v[7]));
        let ((b0, b1), (b2, b3)) = (fours(a0, a2), fours(a1, a3));
        let ((b4, b5), (b6, b7)) = (fours(a4, a6), fours(a5, a7));
        let low = |a, b| _mm256_permute2x128_si256::<0x20>(a, b);
        let high = |a, b| _mm256_permute2x128_si256::<0x31>(a, b);
        [
            low(b0, b4),
            low(b1, b5),
            low(b2, b6),
            low(b3, b7),
            high(b0, b4),
            high(b1, b5),
            high(b2, b6),
            high(b3, b7),
        ]
    }

    /// Adds half and shifts.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn descale<const BY: i32>(v: Rows) -> Rows {
        let half = _mm256_set1_epi32(1 << (BY - 1));
        v.map(|value| _mm256_srai_epi32::<BY>(_mm256_add_epi32(value, half)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn inverse(block: &[i32; 64], out: &mut [u8], stride: usize) {
        let rows = block.as_chunks::<8>().0;
        // SAFETY: eight numbers each.
        let load = |row: usize| unsafe { _mm256_loadu_si256(rows[row].as_ptr().cast()) };
        let rows = [load(0), load(1), load(2), load(3), load(4), load(5), load(6), load(7)];
        let between = descale::<{ (BITS - EXTRA) as i32 }>(pass(rows));
        let columns = descale::<{ (BITS + EXTRA + 3) as i32 }>(pass(transpose(between)));
        let w = columns.map(|value| _mm256_add_epi32(value, _mm256_set1_epi32(128)));
        // To bytes, clamped: in each half columns 0 2 1 3 (and 4 6 5 7) of four rows; then rows of four bytes; then of eight.
        let left = _mm256_packus_epi16(_mm256_packs_epi32(w[0], w[2]), _mm256_packs_epi32(w[1], w[3]));
        let right = _mm256_packus_epi16(_mm256_packs_epi32(w[4], w[6]), _mm256_packs_epi32(w[5], w[7]));
        let order =
            _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15));
        let (left, right) = (_mm256_shuffle_epi8(left, order), _mm256_shuffle_epi8(right, order));
        let first = _mm256_unpacklo_epi32(left, right);
        let second = _mm256_unpackhi_epi32(left, right);
        let words = [
            _mm256_extract_epi64::<0>(first),
            _mm256_extract_epi64::<1>(first),
            _mm256_extract_epi64::<0>(second),
            _mm256_extract_epi64::<1>(second),
            _mm256_extract_epi64::<2>(first),
            _mm256_extract_epi64::<3>(first),
            _mm256_extract_epi64::<2>(second),
            _mm256_extract_epi64::<3>(second),
        ];
        for (row, word) in out.chunks_mut(stride).zip(words) {
            row[..8].copy_from_slice(&word.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_same_samples() {
        let mut state = 1u64;
        let mut draw = |range: i32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as i32 % range - range / 2
        };
        for round in 0..2000 {
            let mut block = [0i32; 64];
            for value in block.iter_mut().take(round % 64 + 1) {
                *value = draw(if round % 7 == 0 { 1 << 20 } else { 1 << (4 + round % 10) });
            }
            let mut expected = [0; 80];
            portable(&block, &mut expected, 10);
            for isa in Isa::available() {
                let mut ours = [0; 80];
                inverse(isa, 8, &block, true, &mut ours, 10);
                assert_eq!(ours, expected, "{} round {round}", isa.name());
            }
        }
    }
}

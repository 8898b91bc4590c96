//! Vectors of f32: one interface, an implementation per instruction set.

use bakeoff_machine::Isa;

/// How much of a product an instruction set keeps in registers.
pub(crate) trait Tile {
    /// Columns of a panel of packed weights.
    fn panel(self) -> usize;
    /// Rows of the largest tile kept in registers.
    fn tile(self) -> usize;
    /// Numbers of a packed tile's column.
    fn packed_tile(self) -> usize;
}

impl Tile for Isa {
    fn panel(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 2 * Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 2 * Avx2::LANES,
            Self::Portable => 2 * Portable::LANES,
        }
    }

    fn tile(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::ROWS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::ROWS,
            Self::Portable => Portable::ROWS,
        }
    }

    fn packed_tile(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::PACKED,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::PACKED,
            Self::Portable => Portable::PACKED,
        }
    }
}

/// Defines a kernel for every instruction set: `fn name(isa, arguments)` runs the generic body, compiled with the features
/// of `isa`. The body and all it calls must be `#[inline(always)]` and free of closures, or vectors cross function
/// boundaries through memory.
macro_rules! kernel {
    ($(#[$doc:meta])* $visibility:vis unsafe fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// The machine has `isa`; pointers as the generic body demands.
        #[allow(clippy::too_many_arguments, reason = "kernels take what they touch")]
        $visibility unsafe fn $name(isa: bakeoff_machine::Isa, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($argument: $type),*) {
                // SAFETY: passed on.
                unsafe { $body::<$crate::kernels::cpu::simd::Avx512>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($argument: $type),*) {
                // SAFETY: passed on.
                unsafe { $body::<$crate::kernels::cpu::simd::Avx2>($($argument),*) }
            }
            // SAFETY: the machine has the features by the caller's promise; the rest is passed on.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    bakeoff_machine::Isa::Avx512 => avx512($($argument),*),
                    #[cfg(target_arch = "x86_64")]
                    bakeoff_machine::Isa::Avx2 => avx2($($argument),*),
                    bakeoff_machine::Isa::Portable => {
                        $body::<$crate::kernels::cpu::simd::Portable>($($argument),*)
                    }
                }
            }
        }
    };
}
pub(crate) use kernel;

/// A register of f32. Every method demands that the machine has the instruction set; pointers need no alignment.
pub(crate) trait Simd: Copy {
    /// Numbers in a register.
    const LANES: usize;
    /// Rows of the largest tile of two registers' width that stays in registers.
    const ROWS: usize;
    /// Numbers of a packed tile's column: whole registers, so that each is written and read at once.
    const PACKED: usize = Self::ROWS.div_ceil(Self::LANES) * Self::LANES;
    /// The register.
    type V: Copy;

    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, value: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// max(a, 0); NaN stays NaN.
    unsafe fn relu(a: Self::V) -> Self::V;
    /// Asks for the line at `at` in the second-level cache. Any address will do.
    fn prefetch(at: *const f32);
    /// Asks for the line at `at` in the first-level cache, to be written. Any address will do.
    fn prefetch_to_write(at: *const f32);
    /// `value` where `sign` > 0, else 0.
    unsafe fn where_positive(sign: Self::V, value: Self::V) -> Self::V;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Simd;

    /// AVX-512 F.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    // SAFETY of all blocks below: the caller has AVX-512 F, and vouches for the pointers.
    #[allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]
    impl Simd for Avx512 {
        const LANES: usize = 16;
        const ROWS: usize = 14;
        type V = __m512;

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m512 {
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m512) {
            unsafe { _mm512_storeu_ps(to, value) }
        }
        #[inline(always)]
        unsafe fn add(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn sub(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn mul(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn relu(a: __m512) -> __m512 {
            // max gives its second operand where one is NaN.
            unsafe { _mm512_max_ps(_mm512_setzero_ps(), a) }
        }
        #[inline(always)]
        fn prefetch(at: *const f32) {
            // A hint: it reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
        }
        #[inline(always)]
        fn prefetch_to_write(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(at.cast()) }
        }
        #[inline(always)]
        unsafe fn where_positive(sign: __m512, value: __m512) -> __m512 {
            unsafe {
                let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(sign, _mm512_setzero_ps());
                _mm512_maskz_mov_ps(mask, value)
            }
        }
    }

    /// AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    // SAFETY of all blocks below: the caller has AVX2 and FMA, and vouches for the pointers.
    #[allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]
    impl Simd for Avx2 {
        const LANES: usize = 8;
        const ROWS: usize = 6;
        type V = __m256;

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m256 {
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m256 {
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m256) {
            unsafe { _mm256_storeu_ps(to, value) }
        }
        #[inline(always)]
        unsafe fn add(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn sub(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_sub_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn mul(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn relu(a: __m256) -> __m256 {
            unsafe { _mm256_max_ps(_mm256_setzero_ps(), a) }
        }
        #[inline(always)]
        fn prefetch(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
        }
        #[inline(always)]
        fn prefetch_to_write(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(at.cast()) }
        }
        #[inline(always)]
        unsafe fn where_positive(sign: __m256, value: __m256) -> __m256 {
            unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(sign, _mm256_setzero_ps()), value) }
        }
    }
}
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// Arrays that the compiler may vectorise: SSE2 on x86-64, NEON on AArch64.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// Lanes of [`Portable`].
const WIDTH: usize = 4;

macro_rules! lanes {
    ($i:ident => $value:expr) => {{
        let mut out = [0.0; WIDTH];
        let mut $i = 0;
        while $i < WIDTH {
            out[$i] = $value;
            $i += 1;
        }
        out
    }};
}

impl Simd for Portable {
    const LANES: usize = WIDTH;
    const ROWS: usize = 6;
    type V = [f32; WIDTH];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::V {
        [value; WIDTH]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::V {
        // SAFETY: the caller vouches for WIDTH numbers.
        unsafe { from.cast::<Self::V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::V) {
        // SAFETY: the caller vouches for WIDTH numbers.
        unsafe { to.cast::<Self::V>().write_unaligned(value) }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        lanes!(i => a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        lanes!(i => a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        lanes!(i => a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Fused only where that is an instruction of the base target; elsewhere it is a slow library call.
        if cfg!(target_arch = "aarch64") {
            lanes!(i => a[i].mul_add(b[i], c[i]))
        } else {
            lanes!(i => a[i] * b[i] + c[i])
        }
    }
    #[inline(always)]
    unsafe fn relu(a: Self::V) -> Self::V {
        lanes!(i => if a[i] < 0.0 { 0.0 } else { a[i] })
    }
    #[inline(always)]
    fn prefetch(_: *const f32) {}
    #[inline(always)]
    fn prefetch_to_write(_: *const f32) {}
    #[inline(always)]
    unsafe fn where_positive(sign: Self::V, value: Self::V) -> Self::V {
        lanes!(i => if sign[i] > 0.0 { value[i] } else { 0.0 })
    }
}

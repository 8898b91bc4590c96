//! One function body, compiled for several instruction sets and chosen at run time.
//!
//! Rust never contracts a multiplication and an addition into one rounding on its own, and neither reorders floating-point
//! sums: what [`vectorised!`](crate::vectorised) makes gives the same bits on every machine.

use std::sync::OnceLock;

/// An instruction set that functions are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 F, BW, DQ and VL, and all of AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2, FMA and BMI2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor of the kind has: SSE2, NEON.
    Portable,
}

impl Isa {
    /// The best this machine has, or a lesser one that `BAKEOFF_ISA` asks for (`avx512`, `avx2`, `portable`; others, and ones that the
    /// machine lacks, are ignored). Asked once.
    #[must_use]
    #[inline]
    pub fn detect() -> Self {
        static ISA: OnceLock<Isa> = OnceLock::new();
        *ISA.get_or_init(|| {
            let available = Self::available();
            let wanted = std::env::var("BAKEOFF_ISA").ok();
            let chosen = available.iter().find(|isa| wanted.as_deref() == Some(isa.name()));
            *chosen.or(available.first()).unwrap_or(&Self::Portable)
        })
    }

    /// What this machine can run, best first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut list = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2")
            && std::is_x86_feature_detected!("fma")
            && std::is_x86_feature_detected!("bmi1")
            && std::is_x86_feature_detected!("bmi2")
        {
            if std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512vl")
            {
                list.push(Self::Avx512);
            }
            list.push(Self::Avx2);
        }
        list.push(Self::Portable);
        list
    }

    /// As `BAKEOFF_ISA` spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }
}

/// Defines a function whose body is compiled for every [`Isa`]. What the body calls must be inlined into it to be compiled
/// with it: `#[inline(always)]`.
#[macro_export]
macro_rules! vectorised {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]
            fn avx512($($argument: $type),*) $(-> $result)? {
                body($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
            fn avx2($($argument: $type),*) $(-> $result)? {
                body($($argument),*)
            }
            match $crate::Isa::detect() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the machine has what was detected.
                $crate::Isa::Avx512 => unsafe { avx512($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::Isa::Avx2 => unsafe { avx2($($argument),*) },
                $crate::Isa::Portable => body($($argument),*),
            }
        }
    };
}

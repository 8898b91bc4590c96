//! Large memory for numbers.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// A huge page on x86-64 and on AArch64 with 4 KiB pages.
const HUGE: usize = 2 << 20;

/// Zeroed memory for `f32`, aligned to a huge page, with huge pages asked for where the system has them: a training step
/// walks gigabytes, and 4 KiB pages cost it several percent in address translation and seconds of first touch.
#[derive(Debug)]
pub struct Buffer {
    map: MmapMut,
    start: usize,
    len: usize,
}

impl Buffer {
    /// `len` zeroes; `None` where the memory cannot be had.
    #[must_use]
    pub fn new(len: usize) -> Option<Self> {
        let bytes = len.checked_mul(4)?;
        if bytes < HUGE {
            // Too small to gain from a huge page, and a session of a small network should not cost one.
            let map = MmapMut::map_anon(bytes.max(4)).ok()?;
            return Some(Self { map, start: 0, len });
        }
        let map = MmapMut::map_anon(bytes.checked_add(HUGE)?).ok()?;
        let start = map.as_ptr().align_offset(HUGE);
        #[cfg(target_os = "linux")]
        // Advice: a kernel without huge pages says no, and nothing is lost.
        let _ = map.advise(memmap2::Advice::HugePage);
        Some(Self { map, start, len })
    }

    /// `len` zeroes, or the end of the program, as with `Vec`.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self::new(len).unwrap_or_else(|| {
            let layout = std::alloc::Layout::array::<f32>(len).unwrap_or(std::alloc::Layout::new::<f32>());
            std::alloc::handle_alloc_error(layout)
        })
    }

    /// At least `len` numbers: of what it holds, or of new zeroes.
    pub fn at_least(&mut self, len: usize) -> &mut [f32] {
        if self.len < len {
            // Given back before the new memory is taken: the peak counts.
            *self = Self::default();
            *self = Self::zeroed(len);
        }
        &mut self[..len]
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let start = self.map[self.start..].as_ptr().cast();
        // SAFETY: the map holds `len` f32 from `start` on (any bytes are a valid f32), which is a multiple of a page.
        unsafe { std::slice::from_raw_parts(start, self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        let start = self.map[self.start..].as_mut_ptr().cast();
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(start, self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_huge_buffers_are_zero_and_grow_by_new_zeroes() {
        for len in [0, 100, 3 << 20] {
            let mut buffer = Buffer::new(len).unwrap();
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|&number| number == 0.0));
            buffer.fill(1.0);
            assert_eq!(buffer.at_least(len).len(), len);
            assert!(buffer.at_least(len + 1).iter().all(|&number| number == 0.0));
        }
        assert!(Buffer::new(usize::MAX / 2).is_none());
    }
}

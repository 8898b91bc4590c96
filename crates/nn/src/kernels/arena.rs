//! Large memory for numbers, and the one allocation of all activations, handed out in disjoint pieces.

use std::ops::{Deref, DerefMut, Range};

use memmap2::MmapMut;

/// A huge page on x86-64 and on AArch64 with 4 KiB pages.
const HUGE: usize = 2 << 20;

/// Zeroed memory for `f32`, aligned to a huge page, with huge pages asked for where the system has them: a training step
/// walks gigabytes, and 4 KiB pages cost it several percent in address translation and seconds of first touch.
pub(crate) struct Buffer {
    map: MmapMut,
    start: usize,
    len: usize,
}

impl Buffer {
    /// `len` zeroes; `None` where the memory cannot be had.
    pub(crate) fn new(len: usize) -> Option<Self> {
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
    pub(crate) fn zeroed(len: usize) -> Self {
        Self::new(len).unwrap_or_else(|| {
            let layout = std::alloc::Layout::array::<f32>(len).unwrap_or(std::alloc::Layout::new::<f32>());
            std::alloc::handle_alloc_error(layout)
        })
    }

    /// At least `len` numbers: of what it holds, or of new zeroes.
    pub(crate) fn at_least(&mut self, len: usize) -> &mut [f32] {
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

/// The memory of all activations.
#[derive(Default)]
pub(crate) struct Arena(Buffer);

impl Arena {
    /// `len` zeroes; `None` where the memory cannot be had.
    pub(crate) fn new(len: usize) -> Option<Self> {
        Buffer::new(len).map(Self)
    }

    /// How many numbers it holds.
    pub(crate) fn len(&self) -> usize {
        self.0.len
    }

    /// Disjoint pieces: some to read, some to write. Pieces to read may overlap each other.
    ///
    /// # Panics
    /// Where a piece to write overlaps another piece or lies outside: a fault of the planner.
    pub(crate) fn pieces<const R: usize, const W: usize>(
        &mut self,
        reads: [Range<usize>; R],
        writes: [Range<usize>; W],
    ) -> ([&[f32]; R], [&mut [f32]; W]) {
        let meet = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
        for (i, write) in writes.iter().enumerate() {
            assert!(reads.iter().all(|read| !meet(read, write)), "a buffer is read and written at once");
            assert!(writes[..i].iter().all(|other| !meet(other, write)), "a buffer is written twice at once");
        }
        assert!(
            reads.iter().chain(&writes).all(|r| r.start <= r.end && r.end <= self.0.len),
            "a buffer outside"
        );
        let base = self.0.as_mut_ptr();
        // SAFETY: all ranges lie inside, no written range meets another range, and the lifetimes borrow `self` mutably.
        unsafe {
            (
                reads.map(|r| std::slice::from_raw_parts(base.add(r.start), r.len())),
                writes.map(|r| std::slice::from_raw_parts_mut(base.add(r.start), r.len())),
            )
        }
    }
}

/// The bytes of a piece: positions within pooling windows are stored in the arena too.
pub(crate) fn as_bytes_mut(numbers: &mut [f32]) -> &mut [u8] {
    // SAFETY: f32 has no padding, u8 has alignment one, and any bytes written are valid f32.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), numbers.len() * 4) }
}

/// The bytes of a piece.
pub(crate) fn as_bytes(numbers: &[f32]) -> &[u8] {
    // SAFETY: f32 has no padding and u8 has alignment one.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len() * 4) }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a piece is a range")]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_disjoint_and_keep_their_numbers() {
        for len in [100, 3 << 20] {
            let mut arena = Arena::new(len).unwrap();
            let ([], [a, b]) = arena.pieces([], [0..10, 10..20]);
            a.fill(1.0);
            b.fill(2.0);
            let ([a, whole], [c]) = arena.pieces([0..10, 0..20], [20..30]);
            c.copy_from_slice(a);
            assert_eq!(whole[10], 2.0);
            assert_eq!(arena.pieces([20..30], []).0[0], [1.0; 10]);
        }
    }

    #[test]
    #[should_panic(expected = "read and written at once")]
    fn overlapping_pieces_are_refused() {
        Arena::new(100).unwrap().pieces([0..11], [10..20]);
    }
}

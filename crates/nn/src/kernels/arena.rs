//! The one allocation of all activations, handed out in disjoint pieces.

use std::ops::Range;

use bakeoff_machine::Buffer;

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
        self.0.len()
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
            reads.iter().chain(&writes).all(|r| r.start <= r.end && r.end <= self.0.len()),
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

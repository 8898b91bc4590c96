//! Numbers in Thrift's compact protocol, read before a library believes them: what a Parquet file says of itself.
//!
//! The library makes room for whatever a page or a schema claims to hold, and room that is not to be had ends the program. So claims are
//! held against what is there first. Format: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

/// Structures in structures.
const DEEPEST: usize = 32;

/// Reads a structure from a slice.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A number, by the numbers of the fields that lead to it. Elements of lists add nothing to the way.
type See<'s> = &'s mut dyn FnMut(&[i16], i64);

/// Tells all whole numbers of a structure at the beginning of some bytes, the number of elements of each list included. Gives the bytes
/// that it takes; `None` where it is broken, or claims more than is there.
pub(crate) fn numbers(bytes: &[u8], see: See<'_>) -> Option<usize> {
    let mut reader = Reader { bytes, at: 0 };
    reader.structure(&mut Vec::new(), see)?;
    Some(reader.at)
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Zigzag.
    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let count = usize::try_from(count).ok()?;
        self.at = self.at.checked_add(count).filter(|&at| at <= self.bytes.len())?;
        Some(())
    }

    fn structure(&mut self, way: &mut Vec<i16>, see: See<'_>) -> Option<()> {
        if way.len() >= DEEPEST {
            return None;
        }
        let mut field = 0i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            field = match head >> 4 {
                0 => i16::try_from(self.integer()?).ok()?,
                more => field.checked_add(i16::from(more))?,
            };
            way.push(field);
            // True and false are the type itself.
            if head & 15 > 2 {
                self.value(head & 15, way, see)?;
            }
            way.pop();
        }
    }

    fn value(&mut self, kind: u8, way: &mut Vec<i16>, see: See<'_>) -> Option<()> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => {
                see(way, self.integer()?);
                Some(())
            }
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                // Every element takes a byte at least.
                if count > (self.bytes.len() - self.at) as u64 {
                    return None;
                }
                see(way, count as i64);
                for _ in 0..count {
                    self.value(head & 15, way, see)?;
                }
                Some(())
            }
            11 => {
                let count = self.varint()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    self.value(kinds >> 4, way, see)?;
                    self.value(kinds & 15, way, see)?;
                }
                Some(())
            }
            12 => self.structure(way, see),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (usize, Vec<(Vec<i16>, i64)>);

    fn told(bytes: &[u8]) -> Option<Told> {
        let mut told = Vec::new();
        let length = numbers(bytes, &mut |way, number| told.push((way.to_vec(), number)))?;
        Some((length, told))
    }

    #[test]
    fn numbers_are_told_with_the_way_to_them() {
        // 1: i32 -1; 3: [ { 5: i32 3 } ]; the end; more bytes.
        let bytes = [0x15, 0x01, 0x29, 0x1C, 0x55, 0x06, 0x00, 0x00, 0xFF];
        let expected = vec![(vec![1], -1), (vec![3], 1), (vec![3, 5], 3)];
        assert_eq!(told(&bytes), Some((8, expected)));
    }

    #[test]
    fn what_claims_more_than_there_is_is_broken() {
        for bytes in [
            &[0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00][..],
            &[0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            &[0x15],
            &[0x1C; 100],
            &[0x1D, 0x00],
            &[0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        ] {
            assert_eq!(told(bytes), None, "{bytes:x?}");
        }
    }
}

//! What a file held, in 64 characters.

use std::io::{self, Read};
use std::path::Path;

use sha2::Digest;

/// SHA-256 (FIPS 180-4) of bytes that come piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes at the end.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// As 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// [`sha256`] of a regular file of at most `most` bytes, which is not held in memory.
///
/// # Errors
/// As [`crate::read()`].
pub fn sha256_of_file(path: &Path, most: u64) -> io::Result<String> {
    let mut file = crate::read::Bounded::new(crate::open(path)?, most);
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(digest.hex()),
            Ok(n) => digest.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_standard_for_bytes_and_for_a_file() {
        // FIPS 180-4's example "abc".
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), known);
        let mut pieces = Sha256::new();
        ["a", "", "bc"].iter().for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.hex(), known);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(sha256_of_file(&path, 3).unwrap(), known);
        assert_eq!(sha256_of_file(&path, 2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let long = vec![7; 200_000];
        std::fs::write(&path, &long).unwrap();
        assert_eq!(sha256_of_file(&path, 1 << 20).unwrap(), sha256(&long));
    }
}

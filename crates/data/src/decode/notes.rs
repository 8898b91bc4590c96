//! What people should know of an image that was decoded: what its pixels lost on the way to 8-bit RGB.

use std::fmt;

/// Something that an image lost when it was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PixelNote {
    /// 16-bit grey, scaled to 8 bits.
    DeepGrey,
    /// 16-bit grey that uses less than a sixteenth of its range, as pictures of 12 bits in files of 16 do: nearly black.
    NarrowGrey,
    /// CMYK, converted without its colour profile.
    Cmyk,
    /// Transparent pixels, which show the colour stored under them.
    Transparency,
    /// A file of several pages, of which the first was read.
    FirstPage,
}

pub(crate) use PixelNote as Note;

impl PixelNote {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::DeepGrey, Self::NarrowGrey, Self::Cmyk, Self::Transparency, Self::FirstPage];
}

impl fmt::Display for PixelNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeepGrey => "16-bit grey, scaled to 8 bits (the high byte is kept)",
            Self::NarrowGrey => {
                "16-bit grey that uses less than a sixteenth of its range: nearly black when scaled to 8 bits; stretch it first, \
                 for example with magick mogrify -auto-level"
            }
            Self::Cmyk => "CMYK, converted to RGB without its colour profile",
            Self::Transparency => {
                "has transparent pixels: transparency is dropped, not blended, so they show the colour stored under them"
            }
            Self::FirstPage => "has several pages: the first one is read",
        })
    }
}

/// The brightest sample of a picture of 12 bits in 16.
const NARROW: u16 = 4095;

/// A set of notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes(u32);

impl Notes {
    pub(crate) fn add(&mut self, note: Note) {
        self.0 |= 1 << note as u32;
    }

    pub(crate) fn has(self, note: Note) -> bool {
        self.0 & 1 << note as u32 != 0
    }

    pub(crate) fn list(self) -> Vec<PixelNote> {
        PixelNote::ALL.into_iter().filter(|note| self.has(*note)).collect()
    }

    /// As bits of a pack's entry: these numbers are stored.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Notes 16-bit grey, by its samples.
    pub(super) fn deep_grey(&mut self, samples: impl Iterator<Item = u16>) {
        self.add(Note::DeepGrey);
        let brightest = samples.max().unwrap_or(0);
        // A black picture is black.
        if (1..=NARROW).contains(&brightest) {
            self.add(Note::NarrowGrey);
        }
    }

    /// Notes transparency, by the samples of alpha.
    pub(super) fn alpha(&mut self, mut samples: impl Iterator<Item = u8>) {
        if samples.any(|alpha| alpha < 255) {
            self.add(Note::Transparency);
        }
    }
}

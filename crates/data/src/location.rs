//! Where the bytes of one image are.

use std::path::PathBuf;

use crate::RgbImage;

/// Where the bytes of one image are. Offsets, never the bytes: a list of a million images stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file.
    File(PathBuf),
    /// A stretch of one of the store's files.
    Range { file: u32, offset: u64, length: u64 },
    /// A deflated stretch, and what it inflates to.
    Deflated { file: u32, offset: u64, length: u64, size: u64, checksum: u32 },
    /// A row of one of the store's tables.
    Row { table: u32, group: u32, row: u32 },
    /// Pixels as they are, without any format.
    Raw { file: u32, offset: u64, form: Form },
    /// A TFRecord, checked as a whole whenever the image in it is read.
    Record { file: u32, record: Record },
    /// Listed, but not there.
    Missing,
    /// Drawn on demand: the number within its split.
    Generated(usize),
}

impl Location {
    /// The same place in another of the store's files.
    pub(crate) fn in_file(mut self, number: u32) -> Self {
        match &mut self {
            Self::Range { file, .. }
            | Self::Deflated { file, .. }
            | Self::Raw { file, .. }
            | Self::Record { file, .. } => *file = number,
            Self::File(_) | Self::Row { .. } | Self::Missing | Self::Generated(_) => {}
        }
        self
    }
}

/// One record of a TFRecord file and the image's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where its data begin in the file.
    pub(crate) offset: u64,
    /// Bytes of data; their checksum follows.
    pub(crate) length: u32,
    /// Where the image begins within the data, and its bytes.
    pub(crate) image: (u32, u32),
}

/// How pixels without a format lie in a file: one byte a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) order: Order,
}

/// The order of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// One grey sample a pixel.
    Grey,
    /// All red, then all green, then all blue.
    Planar,
    /// R G B, R G B, …
    Interleaved,
}

impl Form {
    /// Bytes of one image.
    pub(crate) fn length(self) -> u64 {
        let channels = if self.order == Order::Grey { 1 } else { 3 };
        u64::from(self.width) * u64::from(self.height) * channels
    }

    /// The image in as many bytes.
    pub(crate) fn image(self, bytes: &[u8]) -> Option<RgbImage> {
        let pixels = match self.order {
            Order::Interleaved => bytes.to_vec(),
            Order::Grey => bytes.iter().flat_map(|&grey| [grey; 3]).collect(),
            Order::Planar => {
                let (red, rest) = bytes.split_at(bytes.len() / 3);
                let (green, blue) = rest.split_at(red.len());
                let planes = red.iter().zip(green).zip(blue);
                planes.flat_map(|((&red, &green), &blue)| [red, green, blue]).collect()
            }
        };
        RgbImage::new(self.width.into(), self.height.into(), pixels)
    }
}

//! What a file is, judged by its first bytes: the formats that are decoded, and those that can only be named.

use std::fmt;

/// Bytes that are enough to tell every format.
pub(crate) const HEAD: usize = 512;

/// What a file holds, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
    /// GIF.
    Gif,
    /// BMP.
    Bmp,
    /// TIFF.
    Tiff,
    /// HEIC or HEIF, the photographs of iPhones.
    Heic,
    /// AVIF.
    Avif,
    /// JPEG 2000.
    Jpeg2000,
    /// JPEG XL.
    JpegXl,
    /// JPEG XR, also called HD Photo.
    JpegXr,
    /// An icon of Windows.
    Ico,
    /// PBM, PGM, PPM, PAM or PFM.
    Netpbm,
    /// A Photoshop document.
    Photoshop,
    /// SVG.
    Svg,
    /// PDF.
    Pdf,
    /// What a camera's sensor saw: CR2, CR3, NEF, ARW, DNG, ORF, RW2, RAF, PEF and others.
    Raw,
    /// DICOM, of medicine.
    Dicom,
    /// NIfTI, of medicine.
    Nifti,
    /// OpenEXR.
    OpenExr,
    /// Radiance HDR.
    RadianceHdr,
    /// QOI.
    Qoi,
    /// DirectDraw surface.
    Dds,
    /// FITS, of astronomy.
    Fits,
    /// A video.
    Video,
    /// An archive: zip, gzip, tar, 7z, RAR, xz, bzip2, Zstandard.
    Archive,
    /// NumPy's array.
    Numpy,
    /// HDF5, as of `.h5` and MATLAB 7.3.
    Hdf5,
    /// Parquet.
    Parquet,
    /// A page of the web, often an error in place of an image.
    Html,
}

/// How to get something that is read out of a format that is not.
const MAGICK: &str = "magick mogrify -format png";

impl Format {
    /// What the bytes at the beginning of a file, at least `HEAD` where there are so many, give away.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let at = |offset: usize, mark: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(mark));
        let brands: &[(&[u8], Self)] = &[
            (b"heic", Self::Heic),
            (b"heix", Self::Heic),
            (b"heim", Self::Heic),
            (b"heis", Self::Heic),
            (b"hevc", Self::Heic),
            (b"hevx", Self::Heic),
            (b"avif", Self::Avif),
            (b"avis", Self::Avif),
            (b"mif1", Self::Heic),
            (b"msf1", Self::Heic),
            (b"crx ", Self::Raw),
            (b"jp2 ", Self::Jpeg2000),
            (b"jpx ", Self::Jpeg2000),
            (b"jxl ", Self::JpegXl),
        ];
        if at(4, b"ftyp") {
            // Major brand, version, compatible brands: "mif1" alone says HEIF, and AVIF says it too.
            let length = head.first_chunk::<4>().map_or(0, |size| u32::from_be_bytes(*size) as usize);
            let end = length.clamp(12, head.len().max(12)).min(head.len());
            let listed: Vec<&[u8]> = std::iter::once(head.get(8..12).unwrap_or_default())
                .chain(head.get(16..end).unwrap_or_default().chunks_exact(4))
                .collect();
            let found =
                brands.iter().find(|(brand, _)| listed.first() == Some(brand) && !brand.starts_with(b"m"));
            let found = found.or_else(|| brands.iter().find(|(brand, _)| listed.contains(brand)));
            return Some(found.map_or(Self::Video, |(_, format)| *format));
        }
        let marks: &[(usize, &[u8], Self)] = &[
            (0, b"\xFF\xD8\xFF", Self::Jpeg),
            (0, b"\x89PNG\r\n\x1A\n", Self::Png),
            (0, b"GIF87a", Self::Gif),
            (0, b"GIF89a", Self::Gif),
            (0, b"\0\0\0\x0CjP  \r\n\x87\n", Self::Jpeg2000),
            (0, b"\xFF\x4F\xFF\x51", Self::Jpeg2000),
            (0, b"\0\0\0\x0CJXL \r\n\x87\n", Self::JpegXl),
            (0, b"\xFF\x0A", Self::JpegXl),
            (0, b"II\xBC\x01", Self::JpegXr),
            (8, b"CR\x02", Self::Raw),
            (0, b"IIRO", Self::Raw),
            (0, b"IIRS", Self::Raw),
            (0, b"MMOR", Self::Raw),
            (0, b"IIU\0", Self::Raw),
            (0, b"FUJIFILMCCD-RAW", Self::Raw),
            (0, b"FOVb", Self::Raw),
            (0, b"\0MRM", Self::Raw),
            (0, b"II\x1A\0\0\0HEAPCCDR", Self::Raw),
            (0, b"8BPS", Self::Photoshop),
            (0, b"%PDF-", Self::Pdf),
            (128, b"DICM", Self::Dicom),
            (344, b"n+1\0", Self::Nifti),
            (0, b"\x76\x2F\x31\x01", Self::OpenExr),
            (0, b"#?RADIANCE", Self::RadianceHdr),
            (0, b"#?RGBE", Self::RadianceHdr),
            (0, b"qoif", Self::Qoi),
            (0, b"DDS ", Self::Dds),
            (0, b"SIMPLE  =", Self::Fits),
            (0, b"\x1A\x45\xDF\xA3", Self::Video),
            (0, b"FLV\x01", Self::Video),
            (0, b"\0\0\x01\xBA", Self::Video),
            (0, b"\0\0\x01\xB3", Self::Video),
            (4, b"moov", Self::Video),
            (4, b"mdat", Self::Video),
            (0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", Self::Video),
            (0, b"PK\x03\x04", Self::Archive),
            (0, b"PK\x05\x06", Self::Archive),
            (0, b"\x1F\x8B", Self::Archive),
            (0, b"7z\xBC\xAF\x27\x1C", Self::Archive),
            (0, b"Rar!\x1A\x07", Self::Archive),
            (0, b"\xFD7zXZ\0", Self::Archive),
            (0, b"BZh", Self::Archive),
            (0, b"\x28\xB5\x2F\xFD", Self::Archive),
            (257, b"ustar", Self::Archive),
            (0, b"\x93NUMPY", Self::Numpy),
            (0, b"\x89HDF\r\n\x1A\n", Self::Hdf5),
            (0, b"PAR1", Self::Parquet),
        ];
        if let Some((.., format)) = marks.iter().find(|(offset, mark, _)| at(*offset, mark)) {
            return Some(*format);
        }
        if at(0, b"RIFF") {
            return match head.get(8..12) {
                Some(b"WEBP") => Some(Self::WebP),
                Some(b"AVI ") => Some(Self::Video),
                _ => None,
            };
        }
        if [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|mark| at(0, mark)) {
            return Some(Self::Tiff);
        }
        // A bitmap's header has one of a few lengths; "BM" alone begins many a text.
        if at(0, b"BM") {
            let length =
                head.get(14..).and_then(|rest| rest.first_chunk::<4>()).map(|size| u32::from_le_bytes(*size));
            return length.is_some_and(|length| (12..=124).contains(&length)).then_some(Self::Bmp);
        }
        if at(0, b"\0\0\x01\0") || at(0, b"\0\0\x02\0") {
            let images = head.get(4..6).map(|count| u16::from_le_bytes([count[0], count[1]]));
            return images.is_some_and(|images| (1..=256).contains(&images)).then_some(Self::Ico);
        }
        if let [b'P', b'1'..=b'7' | b'f' | b'F', space, ..] = head
            && space.is_ascii_whitespace()
        {
            return Some(Self::Netpbm);
        }
        // A transport stream has a mark every 188 bytes.
        if head.first() == Some(&0x47) && head.get(188) == Some(&0x47) && head.get(376) == Some(&0x47) {
            return Some(Self::Video);
        }
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
        let lower = text.to_ascii_lowercase();
        let holds = |mark: &[u8]| lower.windows(mark.len()).any(|window| window == mark);
        if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
            return Some(Self::Html);
        }
        if lower.starts_with(b"<svg") || (lower.starts_with(b"<") && holds(b"<svg")) {
            return Some(Self::Svg);
        }
        None
    }

    /// Whether [`decode`](crate::decode()) reads it.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::WebP | Self::Gif | Self::Bmp | Self::Tiff)
    }

    /// Whether people would say that it holds a picture, and miss it.
    #[must_use]
    pub fn is_picture(self) -> bool {
        !matches!(
            self,
            Self::Video
                | Self::Archive
                | Self::Numpy
                | Self::Hdf5
                | Self::Parquet
                | Self::Html
                | Self::Pdf
                | Self::Svg
        )
    }

    /// How to turn such files into some that are read; `None` where they are read, or where there is no one way.
    #[must_use]
    pub fn convert(self) -> Option<&'static str> {
        match self {
            Self::Heic => Some("magick mogrify -format jpg *.heic, or heif-convert for each"),
            Self::Avif => Some("magick mogrify -format png *.avif, or avifdec for each"),
            Self::JpegXl => Some("djxl for each, or magick mogrify -format png *.jxl"),
            Self::Jpeg2000 => Some("magick mogrify -format png *.jp2"),
            Self::JpegXr => Some("JxrDecApp for each"),
            Self::Raw => {
                Some("darktable-cli or dcraw_emu for each, or export JPEGs with the camera's program")
            }
            Self::Dicom => Some("dcmj2pnm (DCMTK) for each, with the window that is wanted"),
            Self::Ico | Self::Netpbm | Self::Qoi | Self::Dds | Self::OpenExr | Self::RadianceHdr => {
                Some(MAGICK)
            }
            Self::Photoshop => Some("magick for each, with [0] behind the name for the flat picture"),
            Self::Svg => Some("resvg or rsvg-convert for each"),
            Self::Pdf => Some("pdftoppm -png for each"),
            Self::Video => {
                Some("ffmpeg -i VIDEO -vf fps=1 frame-%05d.jpg, frames of one video into one split")
            }
            Self::Archive => Some("unpack it there"),
            _ => None,
        }
    }

    /// The format a file's name promises.
    #[must_use]
    pub(crate) fn by_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" => Self::Jpeg,
            "png" | "apng" => Self::Png,
            "webp" => Self::WebP,
            "gif" => Self::Gif,
            "bmp" | "dib" => Self::Bmp,
            "tif" | "tiff" => Self::Tiff,
            "heic" | "heif" | "hif" => Self::Heic,
            "avif" => Self::Avif,
            "jp2" | "j2k" | "jpx" | "jpf" | "j2c" => Self::Jpeg2000,
            "jxl" => Self::JpegXl,
            "jxr" | "wdp" | "hdp" => Self::JpegXr,
            "ico" | "cur" => Self::Ico,
            "pbm" | "pgm" | "ppm" | "pnm" | "pam" | "pfm" => Self::Netpbm,
            "psd" | "psb" => Self::Photoshop,
            "svg" => Self::Svg,
            "pdf" => Self::Pdf,
            "cr2" | "cr3" | "crw" | "nef" | "nrw" | "arw" | "srf" | "sr2" | "dng" | "orf" | "rw2" | "raf"
            | "pef" | "srw" | "x3f" | "3fr" | "iiq" | "kdc" | "mrw" | "erf" | "mef" | "mos" | "rwl" => {
                Self::Raw
            }
            "dcm" | "dicom" => Self::Dicom,
            "nii" => Self::Nifti,
            "exr" => Self::OpenExr,
            "hdr" => Self::RadianceHdr,
            "qoi" => Self::Qoi,
            "dds" => Self::Dds,
            "fits" | "fit" | "fts" => Self::Fits,
            "mp4" | "m4v" | "mov" | "avi" | "mkv" | "webm" | "mpg" | "mpeg" | "wmv" | "flv" | "3gp"
            | "mts" | "m2ts" => Self::Video,
            "zip" | "tar" | "gz" | "tgz" | "7z" | "rar" | "xz" | "bz2" | "zst" => Self::Archive,
            "npy" | "npz" => Self::Numpy,
            "h5" | "hdf5" => Self::Hdf5,
            "parquet" => Self::Parquet,
            "html" | "htm" => Self::Html,
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::Jpeg2000 => "JPEG 2000",
            Self::JpegXl => "JPEG XL",
            Self::JpegXr => "JPEG XR",
            Self::Ico => "ICO",
            Self::Netpbm => "PPM/PGM",
            Self::Photoshop => "Photoshop",
            Self::Svg => "SVG",
            Self::Pdf => "PDF",
            Self::Raw => "camera raw",
            Self::Dicom => "DICOM",
            Self::Nifti => "NIfTI",
            Self::OpenExr => "OpenEXR",
            Self::RadianceHdr => "Radiance HDR",
            Self::Qoi => "QOI",
            Self::Dds => "DDS",
            Self::Fits => "FITS",
            Self::Video => "video",
            Self::Archive => "archive",
            Self::Numpy => "NumPy array",
            Self::Hdf5 => "HDF5",
            Self::Parquet => "Parquet",
            Self::Html => "HTML page",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(brands: &[&[u8; 4]]) -> Vec<u8> {
        let mut bytes = ((8 + 4 * (brands.len() + 1)) as u32).to_be_bytes().to_vec();
        bytes.extend(b"ftyp");
        bytes.extend(brands[0]);
        bytes.extend([0; 4]);
        brands[1..].iter().for_each(|brand| bytes.extend(*brand));
        bytes.resize(64, 0);
        bytes
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let far = |offset: usize, mark: &[u8]| [vec![0; offset], mark.to_vec()].concat();
        let cases: Vec<(Vec<u8>, Option<Format>)> = vec![
            (b"\xFF\xD8\xFF\xE0".to_vec(), Some(Format::Jpeg)),
            (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), Some(Format::WebP)),
            (b"RIFF\x10\0\0\0AVI LIST".to_vec(), Some(Format::Video)),
            (b"RIFF\x10\0\0\0WAVEfmt ".to_vec(), None),
            (b"II*\0\x08\0\0\0\x01\0".to_vec(), Some(Format::Tiff)),
            (b"MM\0*\0\0\0\x08".to_vec(), Some(Format::Tiff)),
            (b"II*\0\x10\0\0\0CR\x02\0".to_vec(), Some(Format::Raw)),
            (boxed(&[b"heic", b"mif1", b"heic"]), Some(Format::Heic)),
            (boxed(&[b"mif1", b"heic"]), Some(Format::Heic)),
            (boxed(&[b"avif", b"mif1", b"miaf"]), Some(Format::Avif)),
            (boxed(&[b"mif1", b"avif", b"miaf"]), Some(Format::Avif)),
            (boxed(&[b"crx ", b"isom"]), Some(Format::Raw)),
            (boxed(&[b"isom", b"mp42"]), Some(Format::Video)),
            (boxed(&[b"qt  "]), Some(Format::Video)),
            (b"\0\0\0\x0CjP  \r\n\x87\n".to_vec(), Some(Format::Jpeg2000)),
            (b"\xFF\x0A\x12".to_vec(), Some(Format::JpegXl)),
            (b"\0\0\x01\0\x02\0\x10\x10".to_vec(), Some(Format::Ico)),
            (b"P6\n3 3\n255\n".to_vec(), Some(Format::Netpbm)),
            (b"P6x".to_vec(), None),
            (b"8BPS\0\x01".to_vec(), Some(Format::Photoshop)),
            (b"<?xml version=\"1.0\"?>\n<svg xmlns=".to_vec(), Some(Format::Svg)),
            (b"<!DOCTYPE html><title>404".to_vec(), Some(Format::Html)),
            (b"%PDF-1.7".to_vec(), Some(Format::Pdf)),
            (far(128, b"DICM"), Some(Format::Dicom)),
            (far(257, b"ustar"), Some(Format::Archive)),
            (b"PK\x03\x04".to_vec(), Some(Format::Archive)),
            (b"BMW, a maker of cars and of other things".to_vec(), None),
            (b"path,label\n".to_vec(), None),
            (b"".to_vec(), None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Format::of(&bytes), expected, "{:?}", String::from_utf8_lossy(&bytes));
            // However little there is of a file, nothing panics.
            for length in 0..bytes.len() {
                let _ = Format::of(&bytes[..length]);
            }
        }
    }

    #[test]
    fn a_picture_that_is_not_read_has_a_way_to_convert_it() {
        for extension in
            ["heic", "avif", "jp2", "jxl", "ico", "ppm", "psd", "cr2", "dcm", "exr", "qoi", "svg", "mp4"]
        {
            let format = Format::by_extension(extension).unwrap();
            assert!(!format.is_read() && format.convert().is_some(), "{format}");
        }
        for extension in ["JPG", "png", "tif", "TIFF"] {
            assert!(Format::by_extension(extension).unwrap().is_read());
        }
    }
}

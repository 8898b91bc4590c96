//! Safetensors files: read in f16, bf16, f32 or f64; written in f32.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, TryReserveError},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use bakeoff_files::Sha256;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, View};

use crate::{NnError, Tensor, Weights};

impl Weights {
    /// Reads a safetensors file: the tensors in the file's order of names, converted to f32, and its metadata.
    /// Counters (`num_batches_tracked`, single whole numbers) are left out. [`crate::WeightSource`] reads what other people's programs wrote.
    ///
    /// # Errors
    /// A file that cannot be opened, is not safetensors, or holds another number type.
    pub fn read(path: &Path) -> Result<(Self, HashMap<String, String>), NnError> {
        let mut weights = Self::new();
        let metadata = read_tensors(path, &mut weights, None)?;
        Ok((weights, metadata))
    }

    /// Writes a safetensors file in f32: to a temporary neighbour, synchronised, then renamed, so that `path` holds either
    /// the old file or the whole new one.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn write(&self, path: &Path, metadata: HashMap<String, String>) -> Result<(), NnError> {
        write_tensors(self.iter(), path, metadata)
    }
}

/// Numbers that are no parameters: batches seen by a normalisation, networks averaged.
pub(crate) fn is_counter(name: &str) -> bool {
    name.ends_with("num_batches_tracked") || name.rsplit('.').next() == Some("n_averaged")
}

/// Bytes of a file's header at most: some hundred thousand tensors.
const LARGEST_HEADER: u64 = 16 << 20;
/// Bytes of a file at most.
pub(crate) const LARGEST_FILE: u64 = 4 << 30;
/// The key in a file's metadata that holds the SHA-256 of the whole file, in hex, as it is with [`NO_DIGEST`] in its place.
const CHECKSUM: &str = "checksum";
/// As long as a digest.
const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Reads a safetensors file's tensors, all or those named, and gives its metadata. A file that Bakeoff wrote carries its checksum, and
/// is refused where it has changed since.
///
/// Memory is taken for tensors that are there and wanted, and for nothing that the header merely claims.
pub(crate) fn read_tensors(
    path: &Path,
    weights: &mut Weights,
    wanted: Option<&HashSet<String>>,
) -> Result<HashMap<String, String>, NnError> {
    let io = |action| move |source| NnError::Io { path: path.into(), action, source };
    let broken = |reason: String| NnError::WeightFile { path: path.into(), reason };
    let mut file = bakeoff_files::open(path).map_err(io("open the weights"))?;
    let size = file.metadata().map_err(io("read the size"))?.len();
    let header = read_header(&mut file, size, path)?;
    let mut metadata = header.told.metadata().clone().unwrap_or_default();
    let mut digest = metadata.remove(CHECKSUM).map(|told| (header.digest(&told), told));
    for name in header.told.offset_keys() {
        let Some(info) = header.told.info(&name) else { continue };
        // Tensors stand one after the other, without gaps.
        let length = info.data_offsets.1 - info.data_offsets.0;
        let passed_over = is_counter(&name) || wanted.is_some_and(|wanted| !wanted.contains(&name));
        if passed_over && digest.is_none() {
            file.seek_relative(length as i64).map_err(io("read the weights"))?;
            continue;
        }
        let mut bytes = Vec::new();
        read_stretch(&mut file, length, &mut bytes).map_err(io("read the weights"))?;
        if let Some((digest, _)) = &mut digest {
            digest.update(&bytes);
        }
        if passed_over {
            continue;
        }
        let is_whole = !matches!(info.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64);
        if is_whole && info.shape.iter().product::<usize>() == 1 {
            // A single whole number or truth value is a counter under another name: `step`, `initted`, `updates`.
            continue;
        }
        let data = decode(info.dtype, &bytes).map_err(|error| io("read the weights")(error.into()))?;
        let data = data.ok_or_else(|| {
            broken(format!("`{name}` is stored as {:?}; f16, bf16, f32 and f64 can be read", info.dtype))
        })?;
        weights.insert(name, Tensor { shape: info.shape.clone(), data });
    }
    match digest {
        Some((digest, told)) if digest.clone().hex() != told => Err(broken(
            "its content is not what was written (its SHA-256 differs): it is damaged, or another program wrote it anew with the old \
             metadata (then leave `checksum` out of that)"
                .into(),
        )),
        _ => Ok(metadata),
    }
}

/// What stands before the tensors.
struct Header {
    told: Metadata,
    /// The bytes, from the beginning of the file.
    bytes: Vec<u8>,
}

impl Header {
    /// Of the header as it was before its checksum was put in.
    fn digest(&self, told: &str) -> Sha256 {
        let mut digest = Sha256::new();
        match place_of_checksum(&self.bytes, told) {
            Some(at) => {
                digest.update(&self.bytes[..at]);
                digest.update(NO_DIGEST);
                digest.update(&self.bytes[at + told.len()..]);
            }
            None => digest.update(&self.bytes),
        }
        digest
    }
}

/// Where a checksum's digits stand in a header. Within another value its quotes would be escaped, so it stands nowhere else.
fn place_of_checksum(header: &[u8], digits: &str) -> Option<usize> {
    let entry = format!("\"{CHECKSUM}\":\"{digits}\"");
    let at = header.windows(entry.len()).position(|window| window == entry.as_bytes())?;
    Some(at + CHECKSUM.len() + 4)
}

/// The header of a file of `size` bytes, checked against that size.
fn read_header(file: &mut File, size: u64, path: &Path) -> Result<Header, NnError> {
    let io = |source| NnError::Io { path: path.into(), action: "read the weights", source };
    let broken = |reason: String| NnError::WeightFile { path: path.into(), reason };
    let part = |what: &dyn std::fmt::Display| {
        broken(format!("not a whole safetensors file ({what}); fetch or save it again"))
    };
    if size == 0 {
        return Err(broken("the file is empty; was the download interrupted?".into()));
    }
    let mut bytes = Vec::new();
    file.take(32).read_to_end(&mut bytes).map_err(io)?;
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
        return Err(broken(
            "this is a PyTorch pickle (.pth); save it with safetensors.torch.save_file(model.state_dict(), …)".into(),
        ));
    }
    if bytes.starts_with(b"\x89HDF") {
        return Err(broken(
            "this is an HDF5 file (Keras); safetensors with torchvision's names is expected".into(),
        ));
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(broken(
            "this is a Git LFS pointer, not the weights it stands for; fetch them with `git lfs pull`".into(),
        ));
    }
    let Some(length) = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length)) else {
        return Err(part(&"it ends within its first number"));
    };
    if length > size - 8 {
        return Err(part(&format_args!("it has {size} bytes and claims a header of {length}")));
    }
    if length > LARGEST_HEADER {
        return Err(broken(format!(
            "its header has {} MiB, more than the {} that are read; no network has so many tensors",
            length >> 20,
            LARGEST_HEADER >> 20
        )));
    }
    if size > LARGEST_FILE {
        return Err(broken(format!(
            "it has {} GiB, more than the {} that are read; save the network's weights alone",
            size >> 30,
            LARGEST_FILE >> 30
        )));
    }
    let begun = bytes.len() as u64;
    file.take((length + 8).saturating_sub(begun)).read_to_end(&mut bytes).map_err(io)?;
    // Of a short header the first bytes held more.
    bytes.truncate(length as usize + 8);
    file.seek(SeekFrom::Start(length + 8)).map_err(io)?;
    let told: Metadata = serde_json::from_slice(&bytes[8..]).map_err(|error| part(&error))?;
    if told.data_len() as u64 != size - 8 - length {
        return Err(part(&format_args!(
            "its tensors need {} bytes and have {}",
            told.data_len(),
            size - 8 - length
        )));
    }
    Ok(Header { told, bytes })
}

/// Reads so many bytes. Where memory is short, that is an error and no abort.
fn read_stretch(file: &mut File, length: usize, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    file.read_exact(bytes)
}

pub(crate) fn write_tensors<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
    path: &Path,
    metadata: HashMap<String, String>,
) -> Result<(), NnError> {
    let metadata = metadata.into_iter().chain([(CHECKSUM.to_owned(), NO_DIGEST.to_owned())]).collect();
    let mut bytes = safetensors::serialize(tensors.map(|(name, tensor)| (name, F32(tensor))), Some(metadata))
        .map_err(|e| NnError::WeightFile { path: path.into(), reason: format!("cannot be written: {e}") })?;
    sort_metadata(&mut bytes);
    if let Some(at) = header_end(&bytes).and_then(|end| place_of_checksum(&bytes[..end], NO_DIGEST)) {
        let digest = bakeoff_files::sha256(&bytes);
        bytes[at..at + digest.len()].copy_from_slice(digest.as_bytes());
    }
    bakeoff_files::write_bytes(path, &bytes)?;
    Ok(())
}

/// Puts the metadata's keys in order, in place: the library writes them in a hash map's, which is another in every process,
/// and the same study must give the same bytes.
fn sort_metadata(bytes: &mut [u8]) {
    let Some((length, rest)) = bytes.split_first_chunk_mut::<8>() else { return };
    let length = u64::from_le_bytes(*length) as usize;
    let Some(header) = rest.get_mut(..length) else { return };
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(header) else { return };
    if let Some(metadata) = value.get_mut("__metadata__").and_then(serde_json::Value::as_object_mut) {
        metadata.sort_keys();
    }
    // The same entries in another order: as long as before, but for the padding, which is spaces.
    let sorted = value.to_string();
    if sorted.len() <= header.len() {
        header[..sorted.len()].copy_from_slice(sorted.as_bytes());
        header[sorted.len()..].fill(b' ');
    }
}

/// Where the header of a file's bytes ends.
fn header_end(bytes: &[u8]) -> Option<usize> {
    let length = u64::from_le_bytes(*bytes.first_chunk::<8>()?);
    usize::try_from(length).ok()?.checked_add(8).filter(|end| *end <= bytes.len())
}

struct F32<'a>(&'a Tensor);

impl View for F32<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        &self.0.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.0.data.iter().flat_map(|v| v.to_le_bytes()).collect())
    }
    fn data_len(&self) -> usize {
        self.0.data.len() * 4
    }
}

/// Values as f32; `None` of a number type that is not read. Where memory is short, that is an error and no abort.
fn decode(dtype: Dtype, bytes: &[u8]) -> Result<Option<Vec<f32>>, TryReserveError> {
    fn all<const N: usize>(
        bytes: &[u8],
        value: impl Fn([u8; N]) -> f32,
    ) -> Result<Vec<f32>, TryReserveError> {
        let values = bytes.as_chunks::<N>().0;
        let mut data = Vec::new();
        data.try_reserve_exact(values.len())?;
        data.extend(values.iter().map(|bytes| value(*bytes)));
        Ok(data)
    }
    let data = match dtype {
        Dtype::F32 => all(bytes, f32::from_le_bytes),
        Dtype::F64 => all(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::F16 => all(bytes, |bytes| half(u16::from_le_bytes(bytes))),
        Dtype::BF16 => all(bytes, |bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)),
        _ => return Ok(None),
    };
    data.map(Some)
}

/// IEEE 754 binary16 to binary32, exact.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10) & 31, u32::from(bits & 0x3FF));
    match exponent {
        // Subnormal: fraction × 2⁻²⁴, exact in f32.
        0 => f32::from_bits(sign | (fraction as f32 * (1.0 / 16_777_216.0)).to_bits()),
        31 => f32::from_bits(sign | 0x7F80_0000 | (fraction << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (fraction << 13)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;
    use crate::Model;

    #[test]
    fn weights_survive_a_file_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let weights = Weights::initial(&Model::by_name("resnet-small", 7, 32).unwrap(), 3);
        weights.write(&path, HashMap::from([("epoch".into(), "3".into())])).unwrap();
        let (back, metadata) = Weights::read(&path).unwrap();
        assert_eq!(metadata["epoch"], "3");
        assert_eq!(back.len(), weights.len());
        for (name, tensor) in weights.iter() {
            assert_eq!(back.get(name), Some(tensor), "{name}");
        }
        assert!(!folder.path().join("w.safetensors.partial").exists());
    }

    #[test]
    fn the_same_weights_and_metadata_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let weights = Weights::initial(&Model::by_name("resnet-small", 7, 32).unwrap(), 3);
        // Every map hashes with keys of its own.
        let metadata =
            || (0..20).map(|n| (format!("key {n}"), format!("\"{n}\""))).collect::<HashMap<_, _>>();
        let bytes = |name: &str| {
            let path = folder.path().join(name);
            weights.write(&path, metadata()).unwrap();
            assert_eq!(Weights::read(&path).unwrap().1, metadata());
            fs::read(path).unwrap()
        };
        assert!(bytes("one") == bytes("two"));
    }

    #[test]
    fn no_broken_file_makes_reading_panic_or_trust_a_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let mut weights = Weights::new();
        weights.insert("a.weight", Tensor { shape: vec![2, 3], data: vec![1.5; 6] });
        weights.insert("b", Tensor { shape: vec![4], data: vec![-2.0; 4] });
        weights.write(&path, HashMap::from([("epoch".into(), "3".into())])).unwrap();
        let whole = fs::read(&path).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            Weights::read(&path)
        };
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut to {length}");
        }
        for length in [u64::MAX, 1 << 63, 1 << 32, whole.len() as u64] {
            let bytes = [&length.to_le_bytes()[..], &whole[8..]].concat();
            assert!(read(&bytes).is_err(), "a header of {length}");
        }
        for shape in
            ["[18446744073709551615,2]", "[4294967296,4294967296]", "[0,18446744073709551615]", "[3]"]
        {
            let header = format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,8]}}}}"#);
            let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 8]].concat();
            assert!(read(&bytes).is_err(), "{shape}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                // It is found, or it is in the name of the checksum and changes nothing else.
                if let Ok((read, metadata)) = read(&bytes) {
                    assert!(read == weights && metadata["epoch"] == "3", "bit {bit} of byte {at}");
                    assert_eq!(metadata.len(), 2, "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_file_that_claims_much_costs_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let claim = |header: &str, size: u64| {
            let file = File::create(&path).unwrap();
            (&file)
                .write_all(&[&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat())
                .unwrap();
            // The rest is a hole, which takes no disk.
            file.set_len(size).unwrap();
            Weights::read(&path).unwrap_err().to_string()
        };
        let header = r#"{"a":{"dtype":"F32","shape":[1073741824],"data_offsets":[0,4294967296]}}"#;
        let whole = 8 + header.len() as u64 + (4 << 30);
        assert!(claim(header, whole).contains("4 GiB, more than the 4"));
        assert!(claim(header, whole - 1000).contains("its tensors need 4294967296 bytes"));
        assert!(claim(&" ".repeat((16 << 20) + 1), 64 << 20).contains("its header has 16 MiB"));
        // As many tensors as a header holds.
        let mut many = String::from("{");
        for n in 0..200_000 {
            many += &format!("\"{n}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}},");
        }
        many.replace_range(many.len() - 1.., "}");
        assert!(claim(&many, 9 + many.len() as u64).contains("its tensors need 0 bytes and have 1"));
    }

    #[test]
    fn a_checksum_is_of_every_byte_and_a_file_without_one_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let mut weights = Weights::new();
        weights.insert("a.weight", Tensor { shape: vec![2, 3], data: vec![2.0; 6] });
        // A value that looks like a checksum is a value.
        let looks = format!("\"checksum\":\"{NO_DIGEST}\"");
        weights.write(&path, HashMap::from([("a".into(), looks.clone())])).unwrap();
        let bytes = fs::read(&path).unwrap();
        let entry = b"\"checksum\":\"";
        let at = bytes.windows(entry.len()).position(|window| window == entry).unwrap() + entry.len();
        let digits = String::from_utf8(bytes[at..at + 64].to_vec()).unwrap();
        let blank = [&bytes[..at], NO_DIGEST.as_bytes(), &bytes[at + 64..]].concat();
        assert_eq!(bakeoff_files::sha256(blank), digits);
        assert_eq!(Weights::read(&path).unwrap().1, HashMap::from([("a".into(), looks)]));
        // Only what the library wrote: no checksum, and a changed value is the value.
        let plain = safetensors::serialize(weights.iter().map(|(name, tensor)| (name, F32(tensor))), None);
        fs::write(&path, plain.unwrap()).unwrap();
        assert_eq!(Weights::read(&path).unwrap().0, weights);
        // A tensor that nobody asks for counts all the same.
        let mut bytes = bytes;
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        let wanted = HashSet::from(["another".to_owned()]);
        let error = read_tensors(&path, &mut Weights::new(), Some(&wanted)).unwrap_err().to_string();
        assert!(error.contains("SHA-256 differs"), "{error}");
    }

    #[test]
    fn counters_are_passed_over_and_other_numbers_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let write = |shape: &str, bytes: usize| {
            let header = format!(
                r#"{{"a":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}},"b":{{"dtype":"I64","shape":{shape},"data_offsets":[4,{}]}}}}"#,
                4 + bytes
            );
            let length = (header.len() as u64).to_le_bytes();
            fs::write(&path, [&length[..], header.as_bytes(), &vec![0; 4 + bytes]].concat()).unwrap();
            Weights::read(&path)
        };
        for shape in ["[]", "[1]"] {
            assert_eq!(write(shape, 8).unwrap().0.len(), 1);
        }
        assert!(write("[2]", 16).unwrap_err().to_string().contains("`b` is stored as I64"));
    }

    #[test]
    fn half_and_bfloat_and_double_are_converted() {
        assert_eq!(half(0x3C00), 1.0);
        assert_eq!(half(0xC000), -2.0);
        assert_eq!(half(0x0001), 2f32.powi(-24));
        assert_eq!(half(0x83FF), -1023.0 * 2f32.powi(-24));
        assert_eq!(half(0x7BFF), 65504.0);
        assert!(half(0x7E00).is_nan() && half(0xFC00) == f32::NEG_INFINITY);
        assert_eq!(decode(Dtype::BF16, &[0x80, 0x3F]), Ok(Some(vec![1.0])));
        assert_eq!(decode(Dtype::F64, &0.5f64.to_le_bytes()), Ok(Some(vec![0.5])));
        assert_eq!(decode(Dtype::I64, &[0; 8]), Ok(None));
    }

    #[test]
    fn files_that_are_not_weights_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let message = || Weights::read(&path).unwrap_err().to_string();
        assert!(message().contains("cannot open"), "{}", message());
        fs::write(&path, b"").unwrap();
        assert!(message().contains("empty"), "{}", message());
        fs::write(&path, b"PK\x03\x04zip").unwrap();
        assert!(message().contains("pickle"), "{}", message());
        fs::write(&path, b"hello, this is text").unwrap();
        assert!(message().contains("not a whole safetensors"), "{}", message());
        let weights = Weights::initial(&Model::by_name("resnet-small", 7, 32).unwrap(), 3);
        weights.write(&path, HashMap::new()).unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        assert!(message().contains("not a whole safetensors"), "{}", message());
        let error = weights.write(&folder.path().join("absent/w.safetensors"), HashMap::new()).unwrap_err();
        assert!(error.to_string().contains("absent"), "{error}");
    }
}

//! Safetensors files: read in f16, bf16, f32 or f64; written in f32.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fs::{self, File},
    path::Path,
};

use safetensors::{Dtype, SafeTensors, View};

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

/// Reads a safetensors file's tensors, all or those named, and gives its metadata.
pub(crate) fn read_tensors(
    path: &Path,
    weights: &mut Weights,
    wanted: Option<&HashSet<String>>,
) -> Result<HashMap<String, String>, NnError> {
    let io = |action| move |source| NnError::Io { path: path.into(), action, source };
    let broken = |reason: String| NnError::WeightFile { path: path.into(), reason };
    let file = File::open(path).map_err(io("open the weights"))?;
    if file.metadata().map_err(io("read the size"))?.len() == 0 {
        return Err(broken("the file is empty; was the download interrupted?".into()));
    }
    let bytes = fs::read(path).map_err(io("read the weights"))?;
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
    let (_, header) = SafeTensors::read_metadata(&bytes)
        .map_err(|e| broken(format!("not a whole safetensors file ({e}); fetch or save it again")))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| broken(format!("not a whole safetensors file ({e}); fetch or save it again")))?;
    for name in header.offset_keys() {
        if is_counter(&name) || wanted.is_some_and(|wanted| !wanted.contains(&name)) {
            continue;
        }
        let view = file.tensor(&name).map_err(|e| broken(format!("`{name}`: {e}")))?;
        let is_whole = !matches!(view.dtype(), Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64);
        if is_whole && view.shape().iter().product::<usize>() == 1 {
            // A single whole number or truth value is a counter under another name: `step`, `initted`, `updates`.
            continue;
        }
        let data = decode(view.dtype(), view.data()).ok_or_else(|| {
            broken(format!("`{name}` is stored as {:?}; f16, bf16, f32 and f64 can be read", view.dtype()))
        })?;
        weights.insert(name, Tensor { shape: view.shape().to_vec(), data });
    }
    Ok(header.metadata().clone().unwrap_or_default())
}

pub(crate) fn write_tensors<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
    path: &Path,
    metadata: HashMap<String, String>,
) -> Result<(), NnError> {
    let mut bytes = safetensors::serialize(tensors.map(|(name, tensor)| (name, F32(tensor))), Some(metadata))
        .map_err(|e| NnError::WeightFile { path: path.into(), reason: format!("cannot be written: {e}") })?;
    sort_metadata(&mut bytes);
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

fn decode(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::F16 => bytes.as_chunks().0.iter().map(|b| half(u16::from_le_bytes(*b))).collect(),
        Dtype::BF16 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16))
            .collect(),
        _ => return None,
    })
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
                for (name, tensor) in read(&bytes).iter().flat_map(|(weights, _)| weights.iter()) {
                    assert_eq!(tensor.shape.iter().product::<usize>(), tensor.data.len(), "{name}");
                }
            }
        }
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
        assert_eq!(decode(Dtype::BF16, &[0x80, 0x3F]), Some(vec![1.0]));
        assert_eq!(decode(Dtype::F64, &0.5f64.to_le_bytes()), Some(vec![0.5]));
        assert_eq!(decode(Dtype::I64, &[0; 8]), None);
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

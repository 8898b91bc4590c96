//! What a file is that is no data set, and what to do with it.

use std::path::Path;

use crate::names::image_by_name;

/// What a file is that is no data set, by its name, and what to do with it.
pub(crate) fn no_data_set(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let weights = [
        ".safetensors",
        ".safetensors.index.json",
        ".bin.index.json",
        ".pth",
        ".pt",
        ".ckpt",
        ".h5",
        ".hdf5",
        ".keras",
        ".onnx",
        ".tflite",
        ".pb",
        "pytorch_model.bin",
    ];
    let what = if ends(&weights) {
        "holds the weights of a network (by its name), not images; weights are named in model.weights, and data.path names the images"
    } else if name.ends_with(".toml") {
        "is a study file, not a data set; give it to `bakeoff plan` or `bakeoff run`, or name the data set that it uses"
    } else if ends(&[".rar", ".7z"]) {
        "is an archive of a kind that is not read; unpack it and name the folder, or pack it again as .zip or .tar"
    } else if ends(&[".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.lz4"]) {
        "is a tar archive compressed in a way that is not read; decompress it (bunzip2, unxz, unzstd) and name the .tar, or name the \
         unpacked folder"
    } else if ends(&[".xlsx", ".xls", ".ods", ".numbers"]) {
        "is a spreadsheet; save its table as CSV (UTF-8) with the columns path,label and name that"
    } else if ends(&[".arrow", ".feather"]) {
        "is an Arrow file; write the data set as Parquet (datasets: `to_parquet`) or as an image folder and name that"
    } else if ends(&[".npy", ".npz", ".pkl", ".pickle", ".mat", ".lmdb", ".mdb", ".rec"]) {
        "holds arrays or records of a kind that is not read; write its images as files, in a folder for each class"
    } else if ends(&[".json", ".xml", ".yaml", ".yml"]) {
        "is a file of annotations, or something like it; write a table with the columns path,label (CSV) or with one JSON object \
         {\"path\": …, \"label\": …} a line (.jsonl) and name that"
    } else if image_by_name(path) {
        "is a single image; name the folder that holds the images of all classes, or a table of them"
    } else {
        return None;
    };
    Some(what.to_owned())
}

//! What the name of a file or a folder says of it.

use std::path::Path;

use crate::escaped_name;

/// Extensions that make a file a candidate. What a file really holds is found out from its bytes.
pub(crate) const EXTENSIONS: [&str; 12] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "gif", "apng", "tif", "tiff"];

/// Whether a file is an image by its name.
pub(crate) fn image_by_name(path: &Path) -> bool {
    extension(path).is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

pub(crate) fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase())
}

/// Extensions of tables that may list the images.
pub(crate) const TABLES: [&str; 4] = ["csv", "tsv", "xls", "xlsx"];

/// Extensions of files that are no images, and are not opened to find that out; and of copies and halves of others.
pub(crate) const NO_IMAGES: &str = "txt md rst json jsonl xml yaml yml toml ini cfg log lst names html htm css js py pyc ipynb m mat sh \
     bat sql db sqlite lock pt pth onnx pkl pickle safetensors license bak tmp part partial crdownload \
     download aae";

pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| escaped_name(name).into_owned()).unwrap_or_default()
}

/// Names of files and folders that a system makes on its own: network drives, Windows, macOS, notebooks.
const MACHINE_MADE: &str = "@eadir; @tmp; @recycle; @recently-snapshot; @__thumb; #recycle; #snapshot; $recycle.bin; \
     recycler; system volume information; lost+found; found.000; thumbs.db; ehthumbs.db; \
     desktop.ini; __pycache__; icon\r";

/// Names that people do not see and do not mean.
pub(crate) fn is_hidden(name: &str) -> bool {
    let lower = name.to_lowercase();
    // macOS's archives have it as __MACOSX; some unpackers drop an underscore.
    let mac = lower.starts_with('_') && lower.trim_matches('_') == "macosx";
    name.starts_with('.') || mac || MACHINE_MADE.split("; ").any(|made| made == lower)
}

//! Files that name images, a line or several each.

use std::collections::HashMap;
use std::path::Path;

use crate::listing::Listing;
use crate::stored_file::StoredFile;
use crate::{DataError, memory, paths};

/// Lists of images are small; a larger file is something else.
pub(super) const MOST_BYTES: u64 = 256 << 20;
/// About how much memory a line takes.
pub(super) const LINE: u64 = 128;

/// Images as people name them: by id, or by a path that leads there.
pub(super) struct Named<'a> {
    pub(super) by_id: HashMap<&'a str, usize>,
    /// The source's folder, and its name, each with a slash at its end.
    pub(super) prefixes: Vec<String>,
}

impl<'a> Named<'a> {
    pub(super) fn of(listing: &'a Listing, source: &Path) -> Self {
        let by_id = listing.entries.iter().enumerate().map(|(place, entry)| (entry.id.as_str(), place));
        let folder = if source.is_file() { source.parent().unwrap_or(Path::new("")) } else { source };
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let name = absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let prefixes = [paths::slashes(&absolute), paths::slashes(folder), name];
        let prefixes = prefixes.into_iter().filter(|prefix| !prefix.is_empty());
        Self { by_id: by_id.collect(), prefixes: prefixes.map(|prefix| prefix + "/").collect() }
    }

    /// As ids are written.
    pub(super) fn id(&self, text: &str) -> String {
        let text = text.replace('\\', "/");
        text.strip_prefix("./").unwrap_or(&text).to_owned()
    }

    pub(super) fn find(&self, text: &str) -> Option<usize> {
        if let Some(&place) = self.by_id.get(text) {
            return Some(place);
        }
        let text = self.id(text);
        let below = self.prefixes.iter().filter_map(|prefix| text.strip_prefix(prefix.as_str()));
        std::iter::once(text.as_str()).chain(below).find_map(|id| self.by_id.get(id).copied())
    }
}

pub(super) fn text_of(path: &Path, key: &str) -> Result<String, DataError> {
    if path.is_dir() {
        return Err(DataError::unusable(path, format!("is a folder; {key} names a file of text")));
    }
    let bytes = StoredFile::read_all(path, MOST_BYTES)?;
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    if !memory::can_have(lines * LINE) {
        return Err(DataError::unusable(
            path,
            format!("has {lines} lines, for which there is not enough memory"),
        ));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..valid].iter().filter(|&&byte| byte == b'\n').count();
        DataError::unusable(path, format!("line {line} is not UTF-8; save the file as UTF-8"))
    })
}

//! Which column of a table is what, when other programs named it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a column of a data set's table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnRole {
    /// The bytes of images.
    Image,
    /// The paths of images.
    Path,
    /// The class.
    Label,
    /// Train, validation or test.
    Split,
}

impl fmt::Display for ColumnRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Path => "path",
            Self::Label => "label",
            Self::Split => "split",
        })
    }
}

impl ColumnRole {
    /// Names that mean nothing else, the first of which need no remark; then those that usually mean it; then those that may. A blank stands
    /// between two.
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Image => [
                "image",
                "img picture photo jpg jpeg jpe png webp bmp gif image_bytes img_bytes image_data \
                 img_data image_jpg image_jpeg image_png jpg_bytes png_bytes",
                "bytes content data x",
            ],
            Self::Path => [
                "path",
                "file_name filename file_path filepath file files fname image_path img_path \
                 image_file img_file image_file_name image_filename image_name img_name relative_path \
                 rel_path image images img picture photo",
                "image_id img_id id name",
            ],
            Self::Label => [
                "label",
                "labels class classes class_name classname class_label label_name category categories \
                 category_name breed species target targets y cls fine_label ground_truth gt",
                "class_id class_idx class_index label_id label_idx label_index category_id species_id \
                 breed_id",
            ],
            Self::Split => [
                "split",
                "set subset data_set dataset partition phase usage",
                "is_train is_training is_training_image is_valid is_validation is_val is_test",
            ],
        }
    }
}

/// The columns that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Called by the very name.
    Literal(usize),
    /// Called by another name for it.
    Synonym(usize),
    /// Several are called so.
    Several(Vec<usize>),
    Nothing,
}

/// Looks for a column by its name, among those that can be used.
pub(crate) fn find(role: ColumnRole, names: &[impl AsRef<str>], usable: impl Fn(usize) -> bool) -> Found {
    let plain: Vec<String> = names.iter().map(|name| plain(name.as_ref())).collect();
    let called = |among: &str| -> Vec<usize> {
        let is = |name: &str| among.split(' ').any(|known| known == name);
        (0..plain.len()).filter(|&at| is(&plain[at]) && usable(at)).collect()
    };
    let [literal, usual, possible] = role.names();
    for names in [literal, usual, possible] {
        match called(names).as_slice() {
            [] => {}
            &[only] if names == literal => return Found::Literal(only),
            &[only] => return Found::Synonym(only),
            several => return Found::Several(several.to_vec()),
        }
    }
    Found::Nothing
}

/// The columns that a name in the settings means: those spelt exactly so, else those that differ in letter case and marks only.
pub(crate) fn spelt(names: &[impl AsRef<str>], wanted: &str) -> Vec<usize> {
    let all = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..names.len()).filter(|&at| same(names[at].as_ref().trim())).collect()
    };
    let exactly = all(&|name| name == wanted.trim());
    if exactly.is_empty() { all(&|name| plain(name) == plain(wanted)) } else { exactly }
}

/// What is wrong with a name in the settings that several columns have.
pub(crate) fn meant_twice(names: &[impl AsRef<str>], several: &[usize], key: &str, wanted: &str) -> String {
    let several: Vec<&str> = several.iter().map(|&at| names[at].as_ref()).collect();
    let remedy = if several.iter().all(|name| name.trim() == wanted.trim()) {
        "give them different names"
    } else {
        "write it exactly as the one that is meant"
    };
    format!("`{wanted}`, which {key} names, may mean each of the columns {}; {remedy}", list(several))
}

/// A column's name without what people write in different ways: `Val/Acc`, `val acc` and `val_acc` are the same.
#[must_use]
pub fn plain(name: &str) -> String {
    let name = name.trim().trim_start_matches('\u{feff}').to_lowercase();
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}

/// Names that are listed at most.
const SHOWN: usize = 12;

/// Names for people: `` `a`, `b` ``, and how many more there are.
pub(crate) fn list(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref().trim())).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_whatever_their_case_and_marks() {
        let all = |_| true;
        assert_eq!(find(ColumnRole::Label, &["File", "LABEL"], all), Found::Literal(1));
        assert_eq!(find(ColumnRole::Path, &["x", "File Name"], all), Found::Synonym(1));
        assert_eq!(find(ColumnRole::Path, &["id", "img-path"], all), Found::Synonym(1));
        assert_eq!(find(ColumnRole::Image, &["image.bytes", "y"], all), Found::Synonym(0));
        assert_eq!(find(ColumnRole::Label, &["class", "x", "species"], all), Found::Several(vec![0, 2]));
        assert_eq!(find(ColumnRole::Label, &["class", "x", "species"], |at| at != 0), Found::Synonym(2));
        assert_eq!(find(ColumnRole::Split, &["fold"], all), Found::Nothing);
        assert_eq!(find(ColumnRole::Split, &["Data Set"], all), Found::Synonym(0));
        assert_eq!(find(ColumnRole::Label, &["label", "Label", "class"], all), Found::Several(vec![0, 1]));
        assert_eq!(find(ColumnRole::Label, &["label", "label"], all), Found::Several(vec![0, 1]));
    }

    #[test]
    fn a_column_that_is_spelt_exactly_so_comes_before_those_that_are_alike() {
        let names = ["path", "label", "Label", "PATH", "Img-Path", "x", "x"];
        for (wanted, columns) in [
            ("Label", vec![2]),
            ("label", vec![1]),
            ("LABEL", vec![1, 2]),
            ("PATH", vec![3]),
            ("img_path", vec![4]),
            ("x", vec![5, 6]),
            ("y", vec![]),
        ] {
            assert_eq!(spelt(&names, wanted), columns, "{wanted}");
        }
    }

    #[test]
    fn names_are_matched_without_regard_to_case_and_marks() {
        assert_eq!(plain("\u{feff}Val/Acc "), "val_acc");
    }
}

//! What is odd about a data set but no reason to refuse it. Each text says what to do.

use serde::{Deserialize, Serialize};

/// Something the user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Warning {
    /// A class folder without images; the class does not exist for the study.
    #[error("{folder} holds no images: the class is left out; put images there or remove the folder")]
    EmptyClass {
        /// The folder, relative to the source.
        folder: String,
    },
    /// Files that are no images by their names.
    #[error("{count} file(s) that are no images by name were left out, {example} for one")]
    OtherFiles {
        /// How many.
        count: usize,
        /// One of them, relative to the source.
        example: String,
    },
    /// A class that is trained on but never tested.
    #[error("class {class} has train images but no test images: its accuracy will not be known")]
    NoTestImages {
        /// The class.
        class: String,
    },
    /// A class that is trained on but has no image in the source's own validation split.
    #[error("class {class} has train images but no validation images: selection will not see it")]
    NoValidationImages {
        /// The class.
        class: String,
    },
    /// Images beside the split folders, which belong to no split.
    #[error("{folder} stands beside the split folders and is not used; move it into one of them")]
    BesideSplits {
        /// The folder, relative to the source.
        folder: String,
    },
    /// Images in a split folder itself, which belong to no class.
    #[error("{count} image(s) stand in no class folder and are left out, {example} for one")]
    LooseImages {
        /// How many.
        count: usize,
        /// One of them, relative to the source.
        example: String,
    },
    /// A link that leads back into its own parents.
    #[error("{link} is a link to a folder that contains it; it is not followed")]
    LinkCycle {
        /// The link, relative to the source.
        link: String,
    },
    /// A folder or link below the source that cannot be read.
    #[error("{path} cannot be read and is left out: {reason}")]
    Unreadable {
        /// File or folder, relative to the source.
        path: String,
        /// Why.
        reason: String,
    },
    /// Images in an archive that no list names.
    #[error("{count} image(s) in {archive} are in neither list and are not used, {example} for one")]
    Unlisted {
        /// The archive's file name.
        archive: String,
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// A record whose bytes do not match their checksum, and whose label cannot be read.
    #[error(
        "the record at byte {byte} of {file} does not match its checksum and is left out; copy the file again"
    )]
    BrokenRecord {
        /// The file's name.
        file: String,
        /// Where the record begins.
        byte: u64,
    },
    /// A split that is neither train nor validation nor test.
    #[error("split {split} ({images} images) is neither train nor validation nor test and is not used")]
    OtherSplit {
        /// Its name.
        split: String,
        /// Its images, as far as they were counted.
        images: u64,
    },
    /// Images without a class.
    #[error("{count} image(s) of split {split} have no label and are left out")]
    Unlabelled {
        /// The split's name.
        split: String,
        /// How many.
        count: usize,
    },
    /// 16-bit grey images, of which Pillow's conversion keeps the darkest 255 shades only.
    #[error(
        "{count} image(s) are 16-bit grey, {example} for one: read as Pillow reads them, all that is brighter than 255 of \
         65,535 is white; convert them to 8 bits first"
    )]
    DeepGrey {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// Decoded images are not packed. Nothing but time is lost.
    #[error("decoded images are not packed: {reason}. They are decoded again when they are needed; {remedy}")]
    NotPacked {
        /// Why.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A pack that cannot be used.
    #[error("{pack} is no usable pack ({reason}): another takes its place")]
    PackReplaced {
        /// The file.
        pack: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `train.csv` was named, and `test.csv` stands beside it.
    #[error(
        "test.csv stands beside train.csv and is not used; name it in data.test_path, or name their folder in data.path"
    )]
    TestTableBeside,
}

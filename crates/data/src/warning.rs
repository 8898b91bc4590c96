//! What is odd about a data set but no reason to refuse it. Each text says what to do.

use serde::{Deserialize, Serialize};

use crate::columns::ColumnRole;
use crate::number::{form, number};

/// Something the user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Warning {
    /// Classes whose names are alike but not equal: see [`alike_names`](crate::alike_names).
    #[error(
        "the classes {names} differ in {differ_in} only and are probably one class: give them the same name, or leave one out with \
         data.classes"
    )]
    AlikeClasses {
        /// The names, in quotes.
        names: String,
        /// In what they differ.
        differ_in: String,
    },
    /// One class name, written in more than one Unicode normalisation.
    #[error(
        "class {class} is written in two ways that look the same (Unicode normalisation NFC and NFD, as macOS writes names): they \
         are taken for one class"
    )]
    JoinedClasses {
        /// The class, in NFC.
        class: String,
    },
    /// Classes with the very same name, which their source numbers apart.
    #[error(
        "{count} classes are called {class}: they are kept apart, but no table or page can tell them apart"
    )]
    SameName {
        /// The name.
        class: String,
        /// How many classes have it.
        count: usize,
    },
    /// Rows of a table whose label is a word that stands for none, such as `nan`.
    #[error(
        "{n} of {place} {are} labelled {text:?}, which stands for no label: {they} left out, {example} for one; if that is \
         the name of a class, write it in another way", n = number(.count, "image"), are = form(.count, "is", "are"), they = form(.count, "it is", "they are"))]
    NoLabel {
        /// The table, shard or split.
        place: String,
        /// What stands there.
        text: String,
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// Images with names that are not UTF-8, or in folders with such names.
    #[error(
        "the names of {n} or of their folders are not UTF-8 and are shown with escaped bytes, {example} for one: rename \
         them, or pack them again with names in UTF-8", n = number(.count, "image"))]
    NamesNotUtf8 {
        /// How many images.
        count: usize,
        /// One of them, relative to the source.
        example: String,
    },
    /// Classes that lose more than a tenth of their pictures, which are in formats that are not read.
    #[error(
        "{n} {are} in formats that are not read and {are} left out: {classes} ({example} for one); convert {them} to JPEG or \
         PNG{remedy}", n = number(.count, "picture"), are = form(.count, "is", "are"), them = form(.count, "it", "them"))]
    ClassesLosePictures {
        /// How many pictures, of all classes.
        count: usize,
        /// Which class loses what.
        classes: String,
        /// One of the pictures, relative to the source.
        example: String,
        /// How to convert them.
        remedy: String,
    },
    /// A few pictures in formats that are not read.
    #[error(
        "{n} {are} in formats that are not read and {are} left out ({formats}), {example} for one; convert {them} to JPEG or \
         PNG{remedy}", n = number(.count, "picture"), are = form(.count, "is", "are"), them = form(.count, "it", "them"))]
    UnreadPictures {
        /// How many.
        count: usize,
        /// By format.
        formats: String,
        /// One of them, relative to the source.
        example: String,
        /// How to convert them.
        remedy: String,
    },
    /// Files of other known formats, in which nobody sees pictures of the data set.
    #[error("files that are no pictures were left out: {formats}, {example} for one")]
    OtherFormats {
        /// By format.
        formats: String,
        /// One of them, relative to the source.
        example: String,
    },
    /// Images whose names do not say that they are.
    #[error(
        "{n} without an image's extension {images} and {are} used, {example} for one", n = number(.count, "file"), are = form(.count, "is", "are"), images = form(.count, "is an image by its first bytes", "are images by their first bytes"))]
    LookedInto {
        /// How many.
        count: usize,
        /// One of them, relative to the source.
        example: String,
    },
    /// Folders that a system makes on its own, or hides.
    #[error(
        "folders that a system made or hid are passed over: {folders}; if images of yours are in them, rename the folders"
    )]
    PassedOver {
        /// Their names, and the images in them.
        folders: String,
    },
    /// Folders or shards whose names hold the word of a split.
    #[error(
        "by their names, folders or files are taken for splits: {taken}; call them train, validation and test to leave no doubt"
    )]
    SplitsByName {
        /// Which of them for which split.
        taken: String,
    },
    /// A folder with a split's name that is a class.
    #[error(
        "{folder} is taken for a class and not for a split, for it holds images and no class folders, as folders beside it do; rename \
         it if that is wrong"
    )]
    ClassCalledSplit {
        /// The folder, relative to the source.
        folder: String,
    },
    /// Pipes, sockets and devices, or links to them, and the like in archives.
    #[error(
        "{n} {pipes}: {they} not opened and left out, {example} for one", n = number(.count, "file"), pipes = form(.count, "is a pipe, a socket, a device or a link to such, not an image", "are pipes, sockets, devices or links to such, not images"), they = form(.count, "it is", "they are"))]
    NoFiles {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// Links in an archive that lead to nothing that is in it.
    #[error("{n} in the archive {lead} to no file in it and {are} left out, {example} for one", n = number(.count, "link"), lead = form(.count, "leads", "lead"), are = form(.count, "is", "are"))]
    LinksLeftOut {
        /// How many.
        count: usize,
        /// One of them, and where it leads.
        example: String,
    },
    /// A tar archive after whose last member there is nothing.
    #[error(
        "{archive} ends after {n} without the mark that ends a tar archive: some programs leave it out, but it may have \
         been cut off; compare its size with that of the original", n = number(.members, "member"))]
    NoEndMark {
        /// The archive's file name.
        archive: String,
        /// How many members it holds.
        members: usize,
    },
    /// An archive that holds a name more than once.
    #[error(
        "the archive holds files of one name more than once{example}: the last one of each name is used, the others are not"
    )]
    RepeatedMembers {
        /// `, cat/1.jpg for one`, or nothing.
        example: String,
    },
    /// Images of which the source says no split, beside others of which it does.
    #[error(
        "{n} {are} in no split, {example} for one, while {declared} are in train, validation or test: {they} trained on, \
         unless data.test = {{ from = \"all\" }}; give {them} a split, or leave {them} out with data.exclude", n = number(.count, "image"), are = form(.count, "is", "are"), they = form(.count, "it is", "they are"), them = form(.count, "it", "them"))]
    UndeclaredBesideSplits {
        /// How many.
        count: usize,
        /// How many have a split.
        declared: usize,
        /// An image without one, or the file it is in.
        example: String,
    },
    /// Names in a zip archive that are in some old code page.
    #[error(
        "{n} in the zip archive {are} not marked as UTF-8 and {are} read as {encoding}, {example} for one; if that is wrong, unpack \
         the archive with a program that lets you choose the encoding, and use the folder, or pack it again with names in UTF-8 (7-Zip: \
         -mcu=on)", n = number(.count, "name"), are = form(.count, "is", "are"))]
    ZipNames {
        /// How many.
        count: usize,
        /// The encoding they were taken for.
        encoding: String,
        /// One of them.
        example: String,
    },
    /// A class folder without images; the class does not exist for the study.
    #[error("{folder} holds no images: the class is left out; put images there or remove the folder")]
    EmptyClass {
        /// The folder, relative to the source.
        folder: String,
    },
    /// Files that are no images, and in no format of pictures.
    #[error("{n} that {images} left out, {example} for one", n = number(.count, "file"), images = form(.count, "is no image was", "are no images were"))]
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
    /// Images in a split folder itself, or beside class folders, which belong to no class.
    #[error(
        "{n} {stand} left out, {example} for one; move {them} into the folder \
         of {their} class", n = number(.count, "image"), stand = form(.count, "stands in no class folder, belongs to no class and is", "stand in no class folder, belong to no class and are"), them = form(.count, "it", "them"), their = form(.count, "its", "their"))]
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
    /// Folders in so many others that nobody can have meant it.
    #[error(
        "{n} {lie} more than 32 folders deep and {are} passed over, {example} for one; move {their} images up", n = number(.count, "folder"), lie = form(.count, "lies", "lie"), are = form(.count, "is", "are"), their = form(.count, "its", "their"))]
    TooDeep {
        /// How many.
        count: usize,
        /// One of them, relative to the source.
        example: String,
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
    #[error("{n} in {archive} {are} in neither list and {are} not used, {example} for one", n = number(.count, "image"), are = form(.count, "is", "are"))]
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
    #[error("{n} of split {split} {have} no label and {are} left out", n = number(.count, "image"), have = form(.count, "has", "have"), are = form(.count, "is", "are"))]
    Unlabelled {
        /// The split's name.
        split: String,
        /// How many.
        count: usize,
    },
    /// 16-bit grey images.
    #[error(
        "{n} {are} 16-bit grey, {example} for one: scaled to 8 bits, of which each keeps 256 shades (the high byte)", n = number(.count, "image"), are = form(.count, "is", "are"))]
    DeepGrey {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// 16-bit grey images that are nearly black, as pictures of 12 bits are.
    #[error(
        "{count} of the {of} images in 16-bit grey use less than a sixteenth of their range (all below 4,096 of 65,535), {example} for \
         one, as 12-bit pictures in 16-bit files do: scaled to 8 bits they are nearly black; stretch all of them by the same factor \
         first, for example with magick mogrify -evaluate multiply 16"
    )]
    NarrowGrey {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
        /// One of them.
        example: String,
    },
    /// CMYK images.
    #[error(
        "{n} {are} CMYK, {example} for one: converted to RGB without {their} colour {profile}, so that colours may differ from \
         what other programs show; convert {them} to sRGB first if that matters", n = number(.count, "image"), are = form(.count, "is", "are"), their = form(.count, "its", "their"), profile = form(.count, "profile", "profiles"), them = form(.count, "it", "them"))]
    Cmyk {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// Images with transparent pixels.
    #[error(
        "{n} {have} transparent pixels, {example} for one: transparency is dropped, not blended, so these pixels show the colour \
         that is stored under them, often black; blend them with a background first if that is not meant", n = number(.count, "image"), have = form(.count, "has", "have"))]
    Transparency {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// Files of several pages.
    #[error(
        "{n} {have} several pages, {example} for one: the first one is read, the others are not used", n = number(.count, "file"), have = form(.count, "has", "have"))]
    FirstPage {
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
    /// A column that is called otherwise than we call it.
    #[error(
        "column `{column}` was taken for the {role} (the columns are {of}); if another is meant, name it in data.columns"
    )]
    ColumnTaken {
        /// Its name.
        column: String,
        /// What it was taken for.
        role: ColumnRole,
        /// All columns.
        of: String,
    },
    /// A column that may have been meant to say the split, but does not.
    #[error("column `{column}` of {table} was not taken for the split: {reason}")]
    NoSplitColumn {
        /// The table.
        table: String,
        /// Its name.
        column: String,
        /// Why.
        reason: String,
    },
    /// A column of 0 and 1 for each class.
    #[error(
        "the {count} columns {columns} of {table} were taken for the classes: each row has a 1 under one of them"
    )]
    OneHot {
        /// The table.
        table: String,
        /// How many.
        count: usize,
        /// Their names.
        columns: String,
    },
    /// A table whose first line is a row.
    #[error(
        "{table} has no header: its {path} was taken for the path and its {label} for the label; a first line such as path,label would say so"
    )]
    NoHeader {
        /// The table.
        table: String,
        /// Which column is the path.
        path: String,
        /// Which column is the label.
        label: String,
    },
    /// Something about a table that was understood in a way that should be said.
    #[error("{table}: {note}")]
    TableNote {
        /// The table.
        table: String,
        /// What was understood, and what to do if it was meant otherwise.
        note: String,
    },
    /// Images that are not where the table says.
    #[error(
        "{n} of {table} {are} not where it says, and {were} found {place} ({written} as {found})", n = number(.count, "image"), are = form(.count, "is", "are"), were = form(.count, "was", "were"))]
    FoundElsewhere {
        /// The table.
        table: String,
        /// How many.
        count: usize,
        /// Where, in words.
        place: String,
        /// The first of them, as the table has it.
        written: String,
        /// As it was found.
        found: String,
    },
    /// Rows that say the same of the same image.
    #[error("{n} of {table} {repeat} an earlier row and {are} left out, line {line} for one", n = number(.count, "row"), repeat = form(.count, "repeats", "repeat"), are = form(.count, "is", "are"))]
    RepeatedRows {
        /// The table.
        table: String,
        /// How many.
        count: usize,
        /// The first of them.
        line: u64,
    },
    /// WebDataset samples whose names hold more dots than the format thinks of.
    #[error(
        "the names in {shard} hold further dots, {example} for one: by the format a sample's name ends at the first dot, which would \
         put several images into one sample, so {n} {were} paired with the label of the same name up to the last dot", n = number(.count, "image"), were = form(.count, "was", "were"))]
    DottedKeys {
        /// The shard.
        shard: String,
        /// How many images.
        count: usize,
        /// One of them.
        example: String,
    },
    /// WebDataset labels that stand neither in `.cls` nor at the outermost level of `.json`.
    #[error("the labels of {shard} were taken from {place}")]
    LabelsElsewhere {
        /// The shard.
        shard: String,
        /// From where.
        place: String,
    },
    /// Images that `data.exclude` leaves out.
    #[error("{n} {are} left out, as {file} says", n = number(.count, "image"), are = form(.count, "is", "are"))]
    Excluded {
        /// How many.
        count: usize,
        /// The file.
        file: String,
    },
    /// A class that `data.exclude` leaves nothing of.
    #[error("{file} leaves out every image of class {class}: the class does not exist for the study")]
    ClassExcluded {
        /// The class.
        class: String,
        /// The file.
        file: String,
    },
    /// Lines of `data.exclude` or images of `data.groups` that mean no image.
    #[error(
        "{n} of {file} {mean} no image of the data set, line {line} for one: {text:?}; correct or remove {them}", n = number(.count, "line"), mean = form(.count, "means", "mean"), them = form(.count, "it", "them"))]
    UnmatchedLines {
        /// The file.
        file: String,
        /// How many.
        count: usize,
        /// The first of them.
        line: usize,
        /// What it says.
        text: String,
    },
    /// Images of which `data.group` says nothing.
    #[error(
        "{n} {have} no group by data.group = {group}, {example} for one: {each} a group by itself", n = number(.count, "image"), have = form(.count, "has", "have"), each = form(.count, "it is", "each of them is"))]
    WithoutGroup {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
        /// What `data.group` says.
        group: String,
    },
    /// A subject whose images the source itself puts into more than one split.
    #[error(
        "{n} of data.group or data.groups {stand} in more than one of the data set's own splits, {example} for one: the \
         network is judged on subjects it was trained on; move each into one split, or let Bakeoff split with data.test = {{ from = \"all\" }}", n = number(.count, "group"), stand = form(.count, "stands", "stand"))]
    GroupAcrossSplits {
        /// How many.
        count: usize,
        /// Two images of one of them.
        example: String,
    },
    /// `train.csv` was named, and `test.csv` stands beside it.
    #[error(
        "test.csv stands beside train.csv and is not used; name it in data.test_path, or name their folder in data.path"
    )]
    TestTableBeside,
}

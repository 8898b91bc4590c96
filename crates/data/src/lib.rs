//! Image data sets: where they come from, how they are decoded, how they are split, what is wrong with them.
//!
//! A [`Dataset`] is a list of [`Sample`]s with class names; pixels are decoded on demand with [`Dataset::load`]. The crate
//! knows nothing of networks, recipes or studies.
//!
//! ```
//! use bakeoff_data::{Dataset, Region, SourceConfig, SourceKind, SplitConfig, resize};
//!
//! let config = SourceConfig { kind: Some(SourceKind::Generated), ..SourceConfig::default() };
//! let dataset = Dataset::open(&config)?;                            // SourceConfig::at("photos") for images of your own
//! // Seed 0, every image usable, no two copies of each other as far as is known: `inspect` finds both out.
//! let splits = dataset.splits(&SplitConfig::default(), 0, &[], dataset.declared_groups())?;
//! let image = dataset.load(splits.train[0])?;                       // 8-bit RGB, upright
//! let small = resize(&image, Region::whole(&image), 32, 32, true);  // f32, 0–255, row by row
//! assert_eq!(small.len(), 32 * 32 * 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `cargo run -p bakeoff-data --example list -- PATH` lists any data set.
//!
//! # Sources
//!
//! | kind | what is at the path |
//! |---|---|
//! | `folder` | `{train,validation,test}/<class>/…` (also `training_set`, `val2017`, `seg_test`, `훈련`, `Prüfung`, …, see below), or `<class>/…` without splits; files may be nested deeper, links are followed |
//! | `csv` | a table with a header and the columns `path,label[,split]`, or what others call them ([`columns`], [`ColumnConfig`]), paths relative to the table's folder, as delimited text or as JSON objects one a line; a folder with `train.csv` and perhaps `validation.csv` and `test.csv`; a folder of images with their `metadata.csv`; or a table and, apart, that of the test split |
//! | `tfds` | a folder that TensorFlow Datasets prepared: `dataset_info.json`, `features.json`, TFRecord shards; or the folder above it, where it holds one version |
//! | `parquet` | Parquet files as Hugging Face `datasets` writes them (`data/train-00000-of-00002.parquet`, `train/0000.parquet`), or one with a column of bytes, or of paths beside it, and one of labels |
//! | `webdataset` | tar shards of `<key>.jpg` beside `<key>.cls` or `<key>.json` (or another file that holds the class, which is said); class names from `classnames.txt` where there is one |
//! | `archive` | an image folder in one `.tar`, `.tar.gz` or `.zip` |
//! | `cifar` | CIFAR-10 or CIFAR-100, the binary version |
//! | `idx` | MNIST's files and their like: `train-images-idx3-ubyte` and its companions, plain or `.gz` |
//! | `stanford-dogs` | `images.tar` and `lists.tar` as published, or what comes out of them: an `Images` folder, `train_list.mat`, `test_list.mat`, in any mixture |
//! | `oxford-iiit-pet`, `cub-200`, `flowers-102` | these data sets as published, their archives unpacked |
//! | `generated` | nothing: images are drawn on demand, see [`GeneratedConfig`] |
//!
//! [`detect`] finds the kind out. Archives, shards and tables are indexed once and then read in place, from any thread: what is
//! kept of an image is where it is, so memory does not grow with its bytes. Compressed tar and IDX files are inflated once,
//! into a temporary file (in `TMPDIR`, else `/var/tmp`) that is gone with the data set; of Parquet files, decompressed pages of
//! at most 256 MiB are kept. TFRecords, deflated zip members and gzip streams are held against their checksums. Whether a file
//! *is* an image its bytes decide; whether it is *meant* to be one, in folders, its extension, or its first bytes where the extension
//! says nothing. What is passed over is counted in a [`Warning`], by its [`Format`]: pictures in formats that are not read (HEIC,
//! AVIF, JPEG XL, camera raw, …) by class, with a line that converts them. A class of which nothing else is left is an error, as is a
//! folder that cannot be listed.
//!
//! A folder is a split where a split's word is a whole word of its name, in English, Korean, Japanese, Chinese, German, French or
//! Spanish, and where what is in it agrees: `train_station` beside `airport` is a class. What was taken for what is said, unless the
//! name is the plain English word. Top folders that all hold the same folders are never classes. Folders that a system made
//! (`@eaDir`, `__MACOSX`, `$RECYCLE.BIN`, …) are passed over.
//!
//! In archives a link to a file of the archive is that file. Names in a zip that are not UTF-8 are decoded by the code page they are
//! most likely in, with a warning; elsewhere their bytes are escaped (`\xE9`), so that different names stay different.
//!
//! # Class names
//!
//! A class name is kept in Unicode normalisation NFC: names that differ in nothing else are one class. Names that differ in letter
//! case or in blanks at their ends stay apart, with a [`Warning::AlikeClasses`]. Where a source gives no order of its own, classes
//! are ordered by name, or by value where all names are numbers: 2 before 10. See [`identity_key`], [`class_order`], [`is_no_label`].
//!
//! # Paths
//!
//! [`expand()`] gives the path that a person means who writes `~/photos`, `$DATA/photos` or `%USERPROFILE%\photos`; tables are read
//! with it, and studies and the command line use it. What a table calls otherwise than we do, or has elsewhere, is found where that leaves
//! no doubt, and a [`Warning`] says so.
//!
//! # Decoding
//!
//! [`decode()`] gives what Pillow's `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` gives: the test suite compares
//! some 120 files of all kinds, not one level apart, JPEG and lossy WebP included. So: transparency is dropped, not blended;
//! colour profiles are not applied; the first frame of an animation and the first page of a TIFF count; 16-bit colour keeps its high
//! bytes. What an image lost is told by [`pixel_notes`] and in warnings. In one thing it is not Pillow: 16-bit grey keeps its high
//! bytes too, where Pillow makes all above 255 of 65,535 white. A file that breaks off, or holds data that cannot be, is an
//! [`ImageError`]; so is one of more than [`PIXEL_LIMIT`] pixels or 2 GiB of memory, refused before anything is allocated; large images
//! wait for each other, so that all threads together take no more than a part of the memory that is there. [`decode_region`] gives
//! the same pixels of a part of an image, and of a JPEG does little more than the work for that part.
//!
//! # Splits
//!
//! [`Dataset::splits`] takes validation out of train, class by class, anew for every seed, unless the source has a
//! validation split of its own; the test split is the source's, or held out by a seed that all trials share. A source
//! with train and validation but no test is asked about, not guessed at. Images that belong together ([`Groups`]: copies of each
//! other, or of one declared subject) stand on one side of what it draws.
//!
//! # Checks
//!
//! [`Dataset::open`] refuses what cannot be a data set. [`Dataset::inspect`] decodes every image once, on all cores: it
//! names the images that cannot be used, finds byte-identical files, and keeps decoded pixels: in memory up to a limit, or in a
//! memory-mapped pack ([`Dataset::set_pack`]), from which the next trial, sitting or study reads them without decoding.
//! It compares all images by their looks ([`Look`], [`alike`]) and puts copies into [`Groups`]. [`Dataset::check`] does so for
//! people: it counts, and says what is uneven.
//!
//! # Fetching
//!
//! With the feature `fetch`, `published` lists data sets that are fetched from their authors' servers by `fetch`.

#![warn(clippy::print_stderr)]

mod archive;
mod check;
mod classes;
mod code_page;
pub mod columns;
mod config;
mod dataset;
mod declared_split;
mod decode;
pub mod delimited;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
mod format;
mod generated;
mod groups;
mod image;
mod image_file;
mod inflate;
mod inspection;
mod likeness;
mod listing;
mod location;
mod matlab;
mod memory;
mod names;
mod nearest;
mod number;
mod open_image;
mod pack;
mod parquet;
mod paths;
pub mod protobuf;
mod quiet;
mod region;
mod rejected;
mod resize;
mod sets;
mod sides;
mod source;
mod split;
mod store;
mod stored_file;
mod tfrecord;
mod thrift;
mod visible;
mod warning;

pub use check::{Balance, Check, ClassCounts};
pub use classes::{
    AlikeNames, NameDifference, NearestName, alike_name, alike_names, class_order, differences, escaped_name,
    identity_key, is_no_label, nearest_name, normalised,
};
pub use config::{
    ColumnConfig, Copies, FolderLevel, GroupConfig, LimitConfig, PackMode, SplitConfig, TestConfig, TestFrom,
    ValidationConfig, ValidationFrom,
};
pub use dataset::{Dataset, Sample};
pub use declared_split::DeclaredSplit;
pub use decode::{
    PIXEL_LIMIT, PixelNote, decode, decode_draft, decode_region, decode_with_notes, decode_within,
    pixel_notes,
};
pub use error::{DataError, ImageError};
#[cfg(feature = "fetch")]
pub use fetch::{
    FetchError, FetchEvent, FetchOptions, FetchedFile, Published, Remote, fetch, find_published, published,
};
pub use format::Format;
pub use generated::{Expectation, GeneratedConfig, GeneratedSample, Planted, Trait};
pub use groups::Groups;
pub use image::{Patch, RgbImage, View};
pub use image_file::{decode_file, image_bytes};
pub use inspection::{Duplicates, Inspection, Sizes, pixel_warnings};
pub use likeness::{Look, alike};
pub use nearest::nearest;
pub use number::{form, number};
pub use open_image::OpenImage;
pub use parquet::check_parquet;
pub use paths::{PathError, expand, expand_from};
pub use quiet::{Caught, catch_quietly};
pub use region::Region;
pub use rejected::{Rejected, rejected_lines};
pub use resize::{Resample, resize, resize_window};
pub use source::{SourceConfig, SourceKind, detect, image_files, is_image_file};
pub use split::{Splits, Uneven};
pub use tfrecord::put_record;
pub use visible::{acts, visible, visible_line};
pub use warning::Warning;

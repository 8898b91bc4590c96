//! What a kind of source says of itself. Each kind is one file with a `SOURCE`, and one line in the list of `source`.

use std::path::Path;

use crate::listing::Listing;
use crate::{ColumnConfig, DataError, GeneratedConfig};

/// One kind of source.
pub(super) struct Source {
    /// What is at the path, for the schema of study files.
    pub(super) words: &'static str,
    /// Who has a path that several kinds claim.
    pub(super) precedence: Precedence,
    /// Whether a file, named in lower case, is such a source or a part of one.
    pub(super) claims_file: fn(&Path, &str) -> bool,
    /// Whether a folder is such a source.
    pub(super) claims_folder: fn(&Path) -> bool,
    pub(super) list: fn(&Path, &ListOptions<'_>) -> Result<Listing, DataError>,
}

/// The surer kinds come first; of equal ones, those that the list of sources names first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precedence {
    /// Files whose names only one data set has.
    UniqueNames,
    /// A table says which images are meant, whatever else stands beside it.
    Table,
    /// A program left a description of the data set.
    Description,
    /// Files in the layout of one published data set.
    Published,
    /// Pixels without a format.
    Pixels,
    /// Any files of a container format.
    Container,
    /// What nobody else claims.
    Remainder,
}

/// What was said of a source besides its path.
pub(super) struct ListOptions<'a> {
    pub(super) test_path: Option<&'a Path>,
    pub(super) columns: &'a ColumnConfig,
    /// The column that tells which images are of one subject.
    pub(super) group_column: Option<&'a str>,
    pub(super) folders: FolderMeaning,
    pub(super) generated: Option<&'a GeneratedConfig>,
}

/// What was said of the folders, so that it need not be guessed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FolderMeaning {
    /// The classes were named.
    pub(super) classes: bool,
    /// Folders below the classes are subjects.
    pub(super) subjects: bool,
}
